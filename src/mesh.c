/*
 * mesh.c
 *	  Nodes for a place: distance, service areas, refusals, hand-over times.
 *
 * One saved statement gives every node of the company with its distance and
 * whether one of its areas holds the point; what follows from that is
 * decided here, on the few rows.  PostGIS may live in any schema, so the
 * statement is written once per backend, with the schema of the extension.
 * Places cross as float8.
 */
#include "postgres.h"

#include <math.h>

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "catalog/pg_extension.h"
#include "catalog/pg_type.h"
#include "commands/extension.h"
#include "fmgr.h"
#include "funcapi.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/syscache.h"

#include "core_memo.h"
#include "mesh.h"
#include "postcode.h"

static OmsPlan nodes_plan = {
	NULL, 6, {INT4OID, FLOAT8OID, FLOAT8OID, BOOLOID, TIMESTAMPTZOID, BOOLOID}, NULL
};
static Oid	nodes_geography = InvalidOid;	/* the type it was written for */

PG_FUNCTION_INFO_V1(oms_nodes_near);

static int	mesh_nodes(const OmsMeshRequest *req, bool for_people,
					   OmsNode **nodes);
static OmsNode *read_nodes(uint64 n, MemoryContext cxt);
static void read_regions(uint64 row, OmsNode *node);
static void write_nodes_plan(void);
static Oid	postgis_schema(void);
static int	compare_nodes(const void *a, const void *b);

/* oms.nodes_near(lat, lng, at, company) */
Datum
oms_nodes_near(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
	OmsMeshRequest req = {0};
	OmsNode    *nodes;
	OmsCalendar cal;
	int			n;

	oms_require_installed();
	InitMaterializedSRF(fcinfo, 0);
	req.company_id = oms_company_id(PG_ARGISNULL(3) ? NULL :
									text_to_cstring(PG_GETARG_TEXT_PP(3)));
	req.has_point = !PG_ARGISNULL(0) && !PG_ARGISNULL(1);
	if (req.has_point)
	{
		req.lat = PG_GETARG_FLOAT8(0);
		req.lng = PG_GETARG_FLOAT8(1);
	}
	req.at = PG_ARGISNULL(2) ? GetCurrentTransactionStartTimestamp() :
		PG_GETARG_TIMESTAMPTZ(2);

	oms_calendar_load(req.company_id, req.at, true, &cal);
	n = mesh_nodes(&req, true, &nodes);
	for (int i = 0; i < n; i++)
	{
		Datum		values[6];
		bool		nulls[6] = {0};

		values[0] = oms_text(nodes[i].code);
		values[1] = oms_text(nodes[i].kind);
		values[2] = Int64GetDatum(nodes[i].distance_m);
		nulls[2] = nodes[i].distance_m < 0;
		values[3] = BoolGetDatum(nodes[i].inside);
		values[4] = oms_text(nodes[i].refused);
		nulls[4] = nodes[i].refused == NULL;
		values[5] = TimestampTzGetDatum(oms_mesh_ready_on(&cal, &nodes[i],
														  req.at));
		tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, values, nulls);
	}
	return (Datum) 0;
}

int
oms_mesh_nodes(const OmsMeshRequest *req, OmsNode **nodes)
{
	return mesh_nodes(req, false, nodes);
}

/* for_people: in a STABLE function, and areas of all nodes are looked at */
static int
mesh_nodes(const OmsMeshRequest *req, bool for_people, OmsNode **nodes)
{
	MemoryContext caller = CurrentMemoryContext;
	MemoryContext kept;
	Datum		values[6];
	uint64		n;
	void	  **made;
	const OmsNode *all;
	int			m = 0;

	/* NaN fails each comparison */
	if (req->has_point &&
		!(req->lat >= -90 && req->lat <= 90 &&
		  req->lng >= -180 && req->lng <= 180))
		ereport(ERROR,
				(errcode(ERRCODE_OMS_INVALID_DOCUMENT),
				 errmsg("place is not on Earth"),
				 errdetail("Latitude is %g, longitude %g.",
						   req->lat, req->lng),
				 errhint("Degrees, latitude first: Bengaluru is 12.97, 77.59.")));

	oms_spi_connect();
	write_nodes_plan();
	values[0] = Int32GetDatum(req->company_id);
	values[1] = Float8GetDatum(req->lng);
	values[2] = Float8GetDatum(req->lat);
	values[3] = BoolGetDatum(req->has_point);
	values[4] = TimestampTzGetDatum(req->at);
	values[5] = BoolGetDatum(for_people);
	n = oms_memo_at(&nodes_plan, values, NULL, for_people, 4);

	made = oms_memo_made(&kept);
	if (made == NULL)
		all = read_nodes(n, caller);
	else if (*made)
		all = *made;
	else
		all = *made = read_nodes(n, kept);

	/* candidates first, each kind by distance as before */
	*nodes = MemoryContextAlloc(caller, sizeof(OmsNode) * Max(n, 1));
	for (uint64 i = 0; i < n; i++)
	{
		OmsNode    *node = &(*nodes)[m];

		*node = all[i];
		node->refused = oms_mesh_refusal(req, &all[i], all[i].refused == NULL);
		if (node->refused == NULL)
			m++;
	}
	for (uint64 i = 0; i < n; i++)
	{
		const char *refused = oms_mesh_refusal(req, &all[i], all[i].refused == NULL);

		if (refused == NULL)
			continue;
		(*nodes)[m] = all[i];
		(*nodes)[m++].refused = refused;
	}
	oms_spi_finish();
	return (int) n;
}

/* The statement's rows by distance; refused is "CLOSED" or NULL. */
static OmsNode *
read_nodes(uint64 n, MemoryContext cxt)
{
	MemoryContext old = MemoryContextSwitchTo(cxt);
	OmsNode    *nodes = palloc0(sizeof(OmsNode) * Max(n, 1));

	for (uint64 i = 0; i < n; i++)
	{
		OmsNode    *node = &nodes[i];
		bool		isnull;

		node->node_id = oms_int4(i, 1);
		node->code = oms_cstr(i, 2);
		node->kind = oms_cstr(i, 3);
		node->pincode = oms_cstr(i, 4);
		node->state_code = oms_cstr(i, 5);
		node->hyperlocal = oms_bool(i, 6);
		node->pos = oms_bool(i, 7);
		node->priority = oms_int4(i, 8);
		node->handling_cost = oms_paise(i, 9);
		node->pick_minutes = oms_int4(i, 10);
		node->cutoff = DatumGetTimeADT(oms_datum(i, 11, &isnull));
		node->refused = oms_bool(i, 12) ? NULL : "CLOSED";
		node->distance_m = (int64) rint(oms_float8(i, 13));
		node->inside = oms_bool(i, 14);
		node->cod = oms_bool(i, 15);
		node->cold_chain = oms_bool(i, 16);
		read_regions(i, node);
		node->site = oms_cstr(i, 18);
		node->capacity = oms_isnull(i, 19) ? -1 : oms_int8(i, 19);
		node->capacity_units = oms_bool(i, 20);
		node->slot_hours = oms_int4(i, 21);
		node->gst_state = oms_cstr(i, 22);
	}
	MemoryContextSwitchTo(old);
	qsort(nodes, n, sizeof(OmsNode), compare_nodes);
	return nodes;
}

/* Where the node is limited to; nearly always nowhere in particular. */
static void
read_regions(uint64 row, OmsNode *node)
{
	bool		isnull;
	Datum		list = oms_datum(row, 17, &isnull);
	Datum	   *items;
	bool	   *nulls;
	int			n;

	node->nregions = -1;
	if (isnull)
		return;
	deconstruct_array(DatumGetArrayTypeP(list), TEXTOID, -1, false,
					  TYPALIGN_INT, &items, &nulls, &n);
	node->regions = palloc(sizeof(char *) * (n + 1));
	node->nregions = 0;
	for (int i = 0; i < n; i++)
		if (!nulls[i])
			node->regions[node->nregions++] = TextDatumGetCString(items[i]);
}

const char *
oms_mesh_refusal(const OmsMeshRequest *req, const OmsNode *node, bool open)
{
	if (req->only_node_id != 0 && node->node_id != req->only_node_id)
		return "RESTRICTED";
	if (!open)
		return "CLOSED";
	if (node->state_code == NULL)
		return "NO_STATE";
	if (req->pincode && node->nregions >= 0 &&
		!oms_place_listed(node->regions, node->nregions, req->pincode,
						  req->state_code))
		return "REGION";
	if (req->cod && !node->cod)
		return "NODE_COD";
	if (node->hyperlocal && !node->inside)
	{
		if (req->has_point)
			return "OUT_OF_AREA";
		if (req->only_node_id == 0)
			return "NO_PLACE";
	}
	if (req->max_distance_m > 0)
	{
		if (node->distance_m < 0)
			return "NO_PLACE";
		if (node->distance_m > req->max_distance_m)
			return "DISTANCE";
	}
	return NULL;
}

TimestampTz
oms_mesh_ready_at(int32 company_id, const OmsNode *node, TimestampTz at)
{
	/* a plan weighs many nodes, and most keep the same hours */
	static struct
	{
		uint64		reading;
		TimestampTz at;
		TimeADT		cutoff;
		int32		pick_minutes;
		TimestampTz ready;
	}			last;
	OmsCalendar cal;

	if (node->hyperlocal)
		return oms_mesh_ready_on(NULL, node, at);
	oms_calendar_load(company_id, at, false, &cal);
	if (last.reading != cal.reading || last.at != at ||
		last.cutoff != node->cutoff || last.pick_minutes != node->pick_minutes)
	{
		last.ready = oms_mesh_ready_on(&cal, node, at);
		last.reading = cal.reading;
		last.at = at;
		last.cutoff = node->cutoff;
		last.pick_minutes = node->pick_minutes;
	}
	return last.ready;
}

TimestampTz
oms_mesh_ready_on(const OmsCalendar *cal, const OmsNode *node, TimestampTz at)
{
	TimestampTz packed = at + node->pick_minutes * USECS_PER_MINUTE;
	TimeADT		time;
	DateADT		today;

	if (node->hyperlocal)
		return packed;
	today = oms_calendar_day(cal, at, &time);
	if (time < node->cutoff && oms_calendar_working(cal, today))
	{
		TimestampTz pickup = oms_calendar_moment(cal, today, node->cutoff);

		return Max(pickup, packed);
	}
	return oms_calendar_moment(cal, oms_calendar_add(cal, today + 1, 0),
							   node->cutoff);
}

/*
 * The statement of mesh_nodes.  The type geography is the cheap witness
 * that PostGIS is still the one the statement names.
 */
static void
write_nodes_plan(void)
{
	const char *s;
	char	   *sql;
	Oid			schema;

	if (OidIsValid(nodes_geography) &&
		SearchSysCacheExists1(TYPEOID, ObjectIdGetDatum(nodes_geography)))
		return;

	nodes_geography = InvalidOid;
	if (nodes_plan.plan)
	{
		oms_memo_forget(&nodes_plan);
		SPI_freeplan(nodes_plan.plan);
		nodes_plan.plan = NULL;
	}
	if (nodes_plan.sql)
	{
		pfree(unconstify(char *, nodes_plan.sql));
		nodes_plan.sql = NULL;
	}

	schema = postgis_schema();
	s = quote_identifier(get_namespace_name(schema));
	sql = psprintf(
				   "SELECT n.node_id, n.code, n.kind, n.pincode, coalesce(n.state_code, g.state), n.hyperlocal, n.pos,"
				   " n.priority, n.handling_cost, n.pick_minutes, n.cutoff, n.open,"
				   " coalesce(%1$s.st_distance(n.place, p.point, true), -1),"
				   " CASE WHEN n.hyperlocal OR $6 THEN EXISTS (SELECT FROM oms.service_area a"
				   "   WHERE a.node_id OPERATOR(pg_catalog.=) n.node_id"
				   "   AND a.valid_from OPERATOR(pg_catalog.<=) $5"
				   "   AND a.valid_to OPERATOR(pg_catalog.>) $5"
				   "   AND CASE WHEN a.area IS NULL"
				   "     THEN %1$s.st_dwithin(n.place, p.point, a.radius_m, true)"
				   "     ELSE %1$s.st_covers(a.area, p.point) END) ELSE false END,"
				   " n.cod, n.cold_chain, n.regions, n.site,"
				   " CAST(n.capacity OPERATOR(pg_catalog.*) 1000 AS pg_catalog.int8),"
				   " n.capacity_unit OPERATOR(pg_catalog.=) 'units', n.slot_hours, coalesce(g.state, n.state_code),"
				   " b.since, b.until"
				   " FROM oms.node n,"
				   " LATERAL (SELECT pg_catalog.substring(n.gstin, '^(?:0[1-9]|[12][0-9]|3[0-8]|97|99)') AS state OFFSET 0) g,"
				   " (SELECT CASE WHEN $4 THEN CAST(%1$s.st_setsrid(%1$s.st_makepoint($2, $3), 4326)"
				   "   AS %1$s.geography) END AS point OFFSET 0) p,"
	/* no area begins or ends between these */
				   " (SELECT coalesce(pg_catalog.max(t) FILTER (WHERE t OPERATOR(pg_catalog.<=) $5), '-infinity') AS since,"
				   "   coalesce(pg_catalog.min(t) FILTER (WHERE t OPERATOR(pg_catalog.>) $5), 'infinity') AS until"
				   "   FROM (SELECT valid_from AS t FROM oms.service_area WHERE company_id OPERATOR(pg_catalog.=) $1"
				   "   UNION ALL SELECT valid_to FROM oms.service_area WHERE company_id OPERATOR(pg_catalog.=) $1) x) b"
				   " WHERE n.company_id OPERATOR(pg_catalog.=) $1", s);
	nodes_plan.sql = MemoryContextStrdup(TopMemoryContext, sql);
	nodes_geography = GetSysCacheOid2(TYPENAMENSP, Anum_pg_type_oid,
									  CStringGetDatum("geography"),
									  ObjectIdGetDatum(schema));
}

/* Schema of the extension postgis, which ours requires. */
static Oid
postgis_schema(void)
{
	Oid			extension = get_extension_oid("postgis", false);
	Relation	rel = table_open(ExtensionRelationId, AccessShareLock);
	ScanKeyData key;
	SysScanDesc scan;
	HeapTuple	tuple;
	Oid			schema = InvalidOid;

	ScanKeyInit(&key, Anum_pg_extension_oid, BTEqualStrategyNumber, F_OIDEQ,
				ObjectIdGetDatum(extension));
	scan = systable_beginscan(rel, ExtensionOidIndexId, true, NULL, 1, &key);
	tuple = systable_getnext(scan);
	if (HeapTupleIsValid(tuple))
		schema = ((Form_pg_extension) GETSTRUCT(tuple))->extnamespace;
	systable_endscan(scan);
	table_close(rel, AccessShareLock);
	return schema;
}

/* By (distance, unknown last, node_id). */
static int
compare_nodes(const void *a, const void *b)
{
	const OmsNode *x = a;
	const OmsNode *y = b;

	if (x->distance_m != y->distance_m)
	{
		if (x->distance_m < 0 || y->distance_m < 0)
			return x->distance_m < 0 ? 1 : -1;
		return x->distance_m < y->distance_m ? -1 : 1;
	}
	return x->node_id < y->node_id ? -1 : 1;
}
