/*
 * wave.c
 *	  oms.allocate_wave(): thousands of waiting orders planned together, then
 *	  written in chunks (room sourcing).
 *
 * A wave is planned once (wave_read.c, wave_solve.c) without locks, and kept:
 * oms.wave, a row of oms.wave_order an order, rows of oms.wave_piece.  Each
 * call writes a chunk of it, as many sessions at once as like: orders are
 * claimed by SKIP LOCKED, and orders somebody works on are left for later.
 *
 * Writing an order is planning it by the planner proper, with its choice
 * pinned to what the wave gave it, under the order's lock; so stock, rules,
 * couriers and tax are checked as ever.  Where the pins do not hold any more,
 * because somebody was faster or no courier goes, that order alone is
 * planned anew, freely.
 *
 * Locks: wave_order rows (SKIP LOCKED), order rows (SKIP LOCKED), then the
 * stock rows of the whole chunk in the one order, waiting CHUNK_PATIENCE at
 * most.  A row locked later out of that order, by an order planned anew, waits
 * for lock_timeout at most, which the SQL function sets far below
 * deadlock_timeout.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "portability/instr_time.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/jsonb.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#include "allocation.h"
#include "orders.h"
#include "stock.h"
#include "wave_plan.h"

/* Class of advisory locks for planning; the key is the company. */
#define WAVE_LOCK_CLASS 7302516
/* A chunk finds an order busy so often before it is given up. */
#define MAX_TRIES 3
/* For the stock rows of a chunk; in order, so it is patience, not risk. */
#define CHUNK_PATIENCE "2s"
/* Nodes one order may choose from in the flow. */
#define MAX_ARCS 15

/* An order of a chunk. */
typedef struct WaveTurn
{
	int32		company_id;
	int64		wave_id;
	int64		order_id;
	bool		moving;
	TimestampTz at;
	int			npins;
	OmsPin	   *pins;
	bool		pickups;		/* those of couriers are limited */
	const char *outcome;		/* out */
} WaveTurn;

static int64 plan_wave(int32 company_id, int max_orders, TimestampTz at,
					   bool moves, int64 switching, Datum capacity);
static void check_capacity(int32 company_id, Jsonb *capacity);
static bool pickups_limited(int32 company_id, int64 wave_id, bool *mine);
static void find_pickups(WaveTurn *t, OmsReplan *r);
static void keep_plan(OmsWaveInput *in, int64 wave_id);
static int	claim(int32 company_id, int64 wave_id, int chunk, TimestampTz at,
				  WaveTurn **turns);
static void lock_rows(void *arg);
static void take_turn(void *arg);
static void fill_order(WaveTurn *t);
static void move_order(WaveTurn *t);
static Datum answer(int32 company_id, int64 wave_id, int written);

/*
 * Open waves, and planning
 */
static OmsPlan open_wave_plan = {
	"SELECT wave_id FROM oms.wave WHERE company_id = $1 AND state = 'open' ORDER BY wave_id LIMIT 1",
	1, {INT4OID}, NULL
};
/* Those long done; their orders and pieces go with them. */
static OmsPlan forget_waves_plan = {
	"DELETE FROM oms.wave WHERE company_id = $1 AND state = 'done' AND finished_at < now() - interval '30 days'",
	1, {INT4OID}, NULL
};
static OmsPlan planning_lock_plan = {
	"SELECT pg_try_advisory_xact_lock($1, $2)",
	2, {INT4OID, INT4OID}, NULL
};
static OmsPlan check_capacity_plan = {
	"WITH given AS (SELECT e.key AS node, k.key AS courier, coalesce(k.value, e.value) AS value FROM jsonb_each($2) e"
	"  LEFT JOIN LATERAL jsonb_each(CASE WHEN jsonb_typeof(e.value) = 'object' THEN e.value ELSE '{}' END) k ON true"
	"  WHERE jsonb_typeof(e.value) <> 'object' OR k.key IS NOT NULL)"
	" SELECT 'node', e.key FROM jsonb_each($2) e WHERE NOT EXISTS (SELECT FROM oms.node n WHERE n.company_id = $1 AND n.code = e.key)"
	" UNION ALL SELECT 'courier', courier FROM given WHERE courier IS NOT NULL AND NOT EXISTS (SELECT FROM oms.courier c WHERE c.code = courier)"
	" UNION ALL SELECT 'number', concat_ws('.', node, courier) FROM given WHERE value::text !~ '^[0-9]{1,9}$'",
	2, {INT4OID, JSONBOID}, NULL
};
static OmsPlan make_wave_plan = {
	"INSERT INTO oms.wave (company_id, planned_for, orders, moves, cost, saved, unserved, rounds, arcs, read_ms, solve_ms, flow_ms, capacity)"
	" VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13) RETURNING wave_id",
	13, {INT4OID, TIMESTAMPTZOID, INT4OID, INT4OID, NUMERICOID, NUMERICOID, NUMERICOID, INT4OID, INT4OID, FLOAT8OID, FLOAT8OID, FLOAT8OID, JSONBOID}, NULL
};
static OmsPlan keep_orders_plan = {
	"INSERT INTO oms.wave_order (company_id, wave_id, order_id, moving)"
	" SELECT $1, $2, u.order_id, u.moving FROM unnest($3::int8[], $4::bool[]) AS u (order_id, moving)",
	4, {INT4OID, INT8OID, INT8ARRAYOID, BOOLARRAYOID}, NULL
};
static OmsPlan keep_pieces_plan = {
	"INSERT INTO oms.wave_piece (company_id, wave_id, order_id, line_no, node_id, qty)"
	" SELECT $1, $2, u.order_id, u.line_no, u.node_id, u.qty::numeric / 1000"
	" FROM unnest($3::int8[], $4::int4[], $5::int4[], $6::int8[]) AS u (order_id, line_no, node_id, qty)",
	6, {INT4OID, INT8OID, INT8ARRAYOID, INT4ARRAYOID, INT4ARRAYOID, INT8ARRAYOID}, NULL
};
static OmsPlan close_wave_plan = {
	"UPDATE oms.wave w SET state = 'done', finished_at = clock_timestamp()"
	" WHERE w.company_id = $1 AND w.wave_id = $2 AND w.state = 'open'"
	" AND NOT EXISTS (SELECT FROM oms.wave_order o WHERE o.company_id = $1 AND o.wave_id = $2 AND o.state = 'open')",
	2, {INT4OID, INT8OID}, NULL
};

PG_FUNCTION_INFO_V1(oms_allocate_wave);

/*
 * oms.allocate_wave(company, max_orders, chunk, at, moves, switching_cost,
 * capacity) returns jsonb
 */
Datum
oms_allocate_wave(PG_FUNCTION_ARGS)
{
	static const char *const names[] = {"company", "max_orders", "chunk", "at", "moves", "switching_cost"};
	int32		company_id;
	Datum		values[2];
	int64		wave_id;
	int64		switching;
	TimestampTz at;
	WaveTurn   *turns;
	int			n;
	ErrorData  *err;

	oms_require_installed();
	company_id = oms_company_id(PG_ARGISNULL(0) ? NULL :
								text_to_cstring(PG_GETARG_TEXT_PP(0)));
	for (int i = 1; i < 6; i++)
		if (PG_ARGISNULL(i) || ((i == 1 || i == 2) && PG_GETARG_INT32(i) < 1))
			ereport(ERROR,
					(errcode(ERRCODE_OMS_INVALID_DOCUMENT),
					 errmsg(i == 1 || i == 2 ? "\"%s\" is missing or below 1" :
							"\"%s\" is missing", names[i]),
					 errhint("Leave the argument out for its default.")));
	at = PG_GETARG_TIMESTAMPTZ(3);
	switching = oms_paise_arg(PG_GETARG_DATUM(5), "switching_cost");
	if (switching < 0 || TIMESTAMP_NOT_FINITE(at))
		ereport(ERROR,
				(errcode(ERRCODE_OMS_INVALID_DOCUMENT),
				 errmsg("\"%s\" is out of range", switching < 0 ? "switching_cost" : "at"),
				 errhint("Leave the argument out for its default.")));

	if (!PG_ARGISNULL(6))
		check_capacity(company_id, PG_GETARG_JSONB_P(6));
	if (oms_erp_before_promise)
		oms_erp_before_promise(company_id);
	oms_spi_connect();
	values[0] = Int32GetDatum(company_id);
	wave_id = oms_exec(&open_wave_plan, values, NULL, false, 1) > 0 ? oms_int8(0, 1) : 0;
	if (wave_id == 0)
	{
		values[0] = Int32GetDatum(WAVE_LOCK_CLASS);
		values[1] = Int32GetDatum(company_id);
		oms_exec(&planning_lock_plan, values, NULL, false, 1);
		if (!oms_bool(0, 1))
		{
			OmsJson		j;

			/* somebody plans one right now: his wave will be open soon */
			oms_spi_finish();
			oms_json_begin(&j);
			oms_json_bool(&j, "busy", true);
			oms_json_int(&j, "written", 0);
			oms_json_int(&j, "left", 0);
			PG_RETURN_JSONB_P(oms_json_end(&j));
		}
		oms_spi_finish();
		wave_id = plan_wave(company_id, PG_GETARG_INT32(1), at, PG_GETARG_BOOL(4),
							switching, PG_ARGISNULL(6) ? (Datum) 0 : PG_GETARG_DATUM(6));
	}
	else
		oms_spi_finish();

	n = claim(company_id, wave_id, PG_GETARG_INT32(2), at, &turns);
	if (n > 0)
	{
		WaveTurn  **all = palloc(sizeof(WaveTurn *) * (n + 1));

		for (int i = 0; i < n; i++)
			all[i] = &turns[i];
		all[n] = NULL;
		/* busy: then each waits for its own, briefly */
		if (!oms_try(lock_rows, all, &err))
			FreeErrorData(err);
		for (int i = 0; i < n; i++)
			take_turn(&turns[i]);
	}
	oms_spi_connect();
	values[0] = Int32GetDatum(company_id);
	values[1] = Int64GetDatum(wave_id);
	oms_exec(&close_wave_plan, values, NULL, false, 0);
	oms_spi_finish();
	PG_RETURN_DATUM(answer(company_id, wave_id, n));
}

/* Codes that exist, whole numbers. */
static void
check_capacity(int32 company_id, Jsonb *capacity)
{
	Datum		values[2] = {Int32GetDatum(company_id), JsonbPGetDatum(capacity)};
	char	   *what;

	if (!JB_ROOT_IS_OBJECT(capacity))
		ereport(ERROR,
				(errcode(ERRCODE_OMS_INVALID_DOCUMENT),
				 errmsg("\"capacity\" is not an object"),
				 errhint("It has parcels by code of node, {\"BLR\": 100}, or by couriers there, {\"BLR\": {\"DELHIVERY\": 60}}.")));
	oms_spi_connect();
	if (oms_exec(&check_capacity_plan, values, NULL, false, 1) > 0)
	{
		what = oms_cstr(0, 1);
		if (strcmp(what, "number") == 0)
			ereport(ERROR,
					(errcode(ERRCODE_OMS_INVALID_DOCUMENT),
					 errmsg("\"capacity\" of \"%s\" is not a number of parcels", oms_cstr(0, 2)),
					 errhint("Whole numbers from 0 to 999999999.")));
		ereport(ERROR,
				(errcode(ERRCODE_OMS_UNKNOWN_REFERENCE),
				 errmsg("%s \"%s\" does not exist", what, oms_cstr(0, 2)),
				 errdetail("Argument capacity."),
				 errhint("Codes are those of oms.node and oms.courier.")));
	}
	oms_spi_finish();
}

static double
ms_since(instr_time began)
{
	instr_time	now;

	INSTR_TIME_SET_CURRENT(now);
	INSTR_TIME_SUBTRACT(now, began);
	return INSTR_TIME_GET_MILLISEC(now);
}

/* Reads, solves and keeps a wave; its number. */
static int64
plan_wave(int32 company_id, int max_orders, TimestampTz at, bool moves,
		  int64 switching, Datum capacity)
{
	MemoryContext cxt = AllocSetContextCreate(CurrentMemoryContext, "oms wave",
											  ALLOCSET_DEFAULT_SIZES);
	MemoryContext old = MemoryContextSwitchTo(cxt);
	OmsWaveInput *in = palloc0(sizeof(OmsWaveInput));
	OmsWave    *w = &in->w;
	Datum		values[13];
	int			nmoves = 0;
	int			norders = 0;
	int64		wave_id;
	instr_time	began;
	double		read_ms;
	double		solve_ms = 0;

	in->company_id = company_id;
	w->switching = switching;
	w->penalty = 100000;		/* a unit unserved, Rs 1,000: above any detour */
	w->max_arcs = MAX_ARCS;
	INSTR_TIME_SET_CURRENT(began);
	oms_wave_read(in, max_orders, moves, capacity, at);
	read_ms = ms_since(began);
	if (w->norders > 0)
	{
		INSTR_TIME_SET_CURRENT(began);
		oms_wave_solve(w);
		solve_ms = ms_since(began);
	}
	for (int i = 0; i < w->norders; i++)
	{
		nmoves += w->orders[i].moving;
		norders += !w->orders[i].moving;
	}

	oms_spi_connect();
	values[0] = Int32GetDatum(company_id);
	oms_exec(&forget_waves_plan, values, NULL, false, 0);
	values[1] = TimestampTzGetDatum(at);
	values[2] = Int32GetDatum(norders);
	values[3] = Int32GetDatum(nmoves);
	values[4] = oms_paise_numeric(w->cost);
	values[5] = oms_paise_numeric(w->saved);
	values[6] = oms_milli_numeric(w->unserved);
	values[7] = Int32GetDatum(w->rounds);
	values[8] = Int32GetDatum(w->arcs);
	values[9] = Float8GetDatum(read_ms);
	values[10] = Float8GetDatum(solve_ms);
	values[11] = Float8GetDatum(w->flow_us / 1000.0);
	values[12] = capacity;
	oms_exec(&make_wave_plan, values, capacity ? NULL : "            n", false, 0);
	wave_id = oms_int8(0, 1);
	if (w->norders > 0)
		keep_plan(in, wave_id);
	oms_spi_finish();
	MemoryContextSwitchTo(old);
	MemoryContextDelete(cxt);
	return wave_id;
}

/* Is the order planned where it is already?  had[] goes by lines. */
static bool
stays(const OmsWaveInput *in, const OmsWaveOrder *o, const int64 *had)
{
	Size		from = (Size) o->first_line * in->w.nnodes;

	return o->moving &&
		memcmp(&in->w.take[from], &had[from],
			   sizeof(int64) * (Size) o->nlines * in->w.nnodes) == 0;
}

/* SPI connected. */
static void
keep_plan(OmsWaveInput *in, int64 wave_id)
{
	OmsWave    *w = &in->w;
	Size		room = (Size) w->nlines * Min(w->nnodes, 8) + 1024;
	int64	   *had = palloc_extended(sizeof(int64) * ((Size) w->nlines * w->nnodes + 1),
									  MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);
	int64	   *order_ids = palloc_extended(sizeof(int64) * (w->norders + 1), MCXT_ALLOC_HUGE);
	Datum	   *moving = palloc_extended(sizeof(Datum) * (w->norders + 1), MCXT_ALLOC_HUGE);
	int64	   *piece_order = palloc_extended(sizeof(int64) * room, MCXT_ALLOC_HUGE);
	int32	   *piece_line = palloc_extended(sizeof(int32) * room, MCXT_ALLOC_HUGE);
	int32	   *piece_node = palloc_extended(sizeof(int32) * room, MCXT_ALLOC_HUGE);
	int64	   *piece_qty = palloc_extended(sizeof(int64) * room, MCXT_ALLOC_HUGE);
	int			n = 0;
	Size		m = 0;
	Datum		values[6] = {Int32GetDatum(in->company_id), Int64GetDatum(wave_id)};

	for (int i = 0; i < in->nhad; i++)
		if (in->had[i].node >= 0)
			had[(Size) in->had[i].line * w->nnodes + in->had[i].node] += in->had[i].qty;
	for (int i = 0; i < w->norders; i++)
	{
		const OmsWaveOrder *o = &w->orders[i];
		Size		before = m;

		if (stays(in, o, had))
			continue;
		for (int l = o->first_line; l < o->first_line + o->nlines; l++)
			for (int j = 0; j < w->nnodes; j++)
			{
				int64		q = w->take[(Size) l * w->nnodes + j];

				if (q <= 0)
					continue;
				if (m == room)
				{
					room *= 2;
					piece_order = repalloc_huge(piece_order, sizeof(int64) * room);
					piece_line = repalloc_huge(piece_line, sizeof(int32) * room);
					piece_node = repalloc_huge(piece_node, sizeof(int32) * room);
					piece_qty = repalloc_huge(piece_qty, sizeof(int64) * room);
				}
				piece_order[m] = o->order_id;
				piece_line[m] = w->lines[l].line_no;
				piece_node[m] = in->node_ids[j];
				piece_qty[m++] = q;
			}
		if (m == before)
			continue;			/* nothing for it in this wave */
		order_ids[n] = o->order_id;
		moving[n++] = BoolGetDatum(o->moving);
	}
	values[2] = oms_int8_array(order_ids, n);
	values[3] = PointerGetDatum(construct_array(moving, n, BOOLOID, 1, true, TYPALIGN_CHAR));
	oms_exec(&keep_orders_plan, values, NULL, false, 0);
	values[2] = oms_int8_array(piece_order, (int) m);
	values[3] = oms_int4_array(piece_line, (int) m);
	values[4] = oms_int4_array(piece_node, (int) m);
	values[5] = oms_int8_array(piece_qty, (int) m);
	oms_exec(&keep_pieces_plan, values, NULL, false, 0);
}

/*
 * Writing
 */
static OmsPlan claim_plan = {
	"SELECT order_id, moving FROM oms.wave_order WHERE company_id = $1 AND wave_id = $2 AND state = 'open'"
	" ORDER BY tries, moving, order_id LIMIT $3 FOR NO KEY UPDATE SKIP LOCKED",
	3, {INT4OID, INT8OID, INT4OID}, NULL
};
static OmsPlan pieces_plan = {
	"SELECT line_no, node_id, (qty * 1000)::int8 FROM oms.wave_piece"
	" WHERE company_id = $1 AND wave_id = $2 AND order_id = $3 ORDER BY line_no, node_id",
	3, {INT4OID, INT8OID, INT8OID}, NULL
};
static OmsPlan note_plan = {
	"UPDATE oms.wave_order SET tries = tries + 1, done_at = clock_timestamp(),"
	" state = CASE WHEN $4 <> 'busy' OR tries + 1 >= $5 THEN $4 ELSE 'open' END"
	" WHERE company_id = $1 AND wave_id = $2 AND order_id = $3",
	5, {INT4OID, INT8OID, INT8OID, TEXTOID, INT4OID}, NULL
};
static OmsPlan lock_rows_plan = {
	"SELECT 1 FROM oms.stock s WHERE s.company_id = $1 AND (s.node_id, s.sku_id) IN"
	" (SELECT p.node_id, coalesce(k.sku_id, l.sku_id) FROM oms.wave_piece p"
	"   JOIN oms.order_line l ON l.company_id = p.company_id AND l.order_id = p.order_id AND l.line_no = p.line_no"
	"   LEFT JOIN oms.kit_component k ON k.company_id = l.company_id AND k.kit_sku_id = l.sku_id"
	"   WHERE p.company_id = $1 AND p.wave_id = $2 AND p.order_id = ANY ($3)"
	"  UNION SELECT r.node_id, r.sku_id FROM oms.allocation a"
	"   JOIN oms.reservation r ON r.company_id = a.company_id AND r.allocation_id = a.allocation_id AND r.state = 'open'"
	"   WHERE a.company_id = $1 AND a.order_id = ANY ($4) AND a.status = 'reserved')"
	" ORDER BY s.node_id, s.sku_id FOR NO KEY UPDATE",
	4, {INT4OID, INT8OID, INT8ARRAYOID, INT8ARRAYOID}, NULL
};
static OmsPlan held_plan = {
	"SELECT a.allocation_id, a.line_no, a.node_id, (a.qty * 1000)::int8, a.status, o.promised_at, a.promised_at"
	" FROM oms.allocation a JOIN oms.\"order\" o ON o.company_id = a.company_id AND o.order_id = a.order_id"
	" WHERE a.company_id = $1 AND a.order_id = $2 AND a.status <> 'cancelled' ORDER BY a.allocation_id",
	2, {INT4OID, INT8OID}, NULL
};

static OmsPlan limited_plan = {
	"SELECT 1 FROM oms.wave WHERE company_id = $1 AND wave_id = $2"
	" AND jsonb_path_exists(capacity, '$.* ? (@.type() == \"object\")')",
	2, {INT4OID, INT8OID}, NULL
};
static OmsPlan lock_wave_plan = {
	"SELECT 1 FROM oms.wave WHERE company_id = $1 AND wave_id = $2 FOR NO KEY UPDATE SKIP LOCKED",
	2, {INT4OID, INT8OID}, NULL
};
static OmsPlan pickups_plan = {
	"SELECT n.node_id, c.courier_id, k.value::int8 - (SELECT count(*) FROM oms.wave_order o"
	"  JOIN oms.shipment s ON s.company_id = o.company_id AND s.order_id = o.order_id AND s.created_at >= w.created_at"
	"   AND s.direction = 'forward' AND s.state <> 'CANCELLED' AND s.node_id = n.node_id"
	"  JOIN oms.courier_service v ON v.courier_service_id = s.courier_service_id AND v.courier_id = c.courier_id"
	"  WHERE o.company_id = w.company_id AND o.wave_id = w.wave_id AND o.state IN ('planned', 'anew'))"
	" FROM oms.wave w CROSS JOIN jsonb_each(w.capacity) e JOIN oms.node n ON n.company_id = w.company_id AND n.code = e.key"
	" CROSS JOIN jsonb_each_text(CASE WHEN jsonb_typeof(e.value) = 'object' THEN e.value ELSE '{}' END) k JOIN oms.courier c ON c.code = k.key"
	" WHERE w.company_id = $1 AND w.wave_id = $2",
	2, {INT4OID, INT8OID}, NULL
};

/*
 * Are pick-ups of couriers limited in this wave?  Then one session writes it
 * at a time (*mine), so that what is counted holds.
 */
static bool
pickups_limited(int32 company_id, int64 wave_id, bool *mine)
{
	Datum		values[2] = {Int32GetDatum(company_id), Int64GetDatum(wave_id)};
	bool		limited;

	oms_spi_connect();
	limited = oms_exec(&limited_plan, values, NULL, false, 1) > 0;
	*mine = !limited || oms_exec(&lock_wave_plan, values, NULL, false, 1) > 0;
	oms_spi_finish();
	return limited;
}

/* What each courier still picks up where. */
static void
find_pickups(WaveTurn *t, OmsReplan *r)
{
	MemoryContext caller = CurrentMemoryContext;
	Datum		values[2] = {Int32GetDatum(t->company_id), Int64GetDatum(t->wave_id)};
	OmsPickup  *pickups;

	if (!t->pickups)
		return;
	oms_spi_connect();
	r->npickups = (int) oms_exec(&pickups_plan, values, NULL, false, 0);
	pickups = MemoryContextAlloc(caller, sizeof(OmsPickup) * (r->npickups + 1));
	for (int i = 0; i < r->npickups; i++)
	{
		pickups[i].node_id = oms_int4(i, 1);
		pickups[i].courier_id = oms_int4(i, 2);
		pickups[i].room = oms_int8(i, 3);
	}
	r->pickups = pickups;
	oms_spi_finish();
}

/* Takes orders of the wave nobody else writes or works on. */
static int
claim(int32 company_id, int64 wave_id, int chunk, TimestampTz at,
	  WaveTurn **turns)
{
	MemoryContext caller = CurrentMemoryContext;
	Datum		values[3] = {
		Int32GetDatum(company_id), Int64GetDatum(wave_id), Int32GetDatum(chunk)
	};
	int			n;
	bool		mine;
	bool		limited = pickups_limited(company_id, wave_id, &mine);

	if (!mine)
		return 0;
	oms_spi_connect();
	n = (int) oms_exec(&claim_plan, values, NULL, false, 0);
	*turns = MemoryContextAllocZero(caller, sizeof(WaveTurn) * (n + 1));
	for (int i = 0; i < n; i++)
	{
		(*turns)[i].company_id = company_id;
		(*turns)[i].wave_id = wave_id;
		(*turns)[i].order_id = oms_int8(i, 1);
		(*turns)[i].moving = oms_bool(i, 2);
		(*turns)[i].at = at;
		(*turns)[i].pickups = limited;
	}
	for (int i = 0; i < n; i++)
	{
		WaveTurn   *t = &(*turns)[i];

		if (!oms_order_try_lock(company_id, t->order_id))
		{
			t->outcome = "busy";
			continue;
		}
		values[2] = Int64GetDatum(t->order_id);
		t->npins = (int) oms_exec(&pieces_plan, values, NULL, false, 0);
		t->pins = MemoryContextAlloc(caller, sizeof(OmsPin) * (t->npins + 1));
		for (int k = 0; k < t->npins; k++)
		{
			t->pins[k].line_no = oms_int4(k, 1);
			t->pins[k].node_id = oms_int4(k, 2);
			t->pins[k].qty = oms_int8(k, 3);
		}
	}
	oms_spi_finish();
	return n;
}

/* The stock rows of a chunk, in the one order; arg ends with NULL. */
static void
lock_rows(void *arg)
{
	WaveTurn  **t = arg;
	int64	   *ids;
	int64	   *moving;
	int			n = 0;
	int			m = 0;
	int			guc_level = NewGUCNestLevel();
	Datum		values[4] = {Int32GetDatum(t[0]->company_id), Int64GetDatum(t[0]->wave_id)};

	while (t[n])
		n++;
	ids = palloc(sizeof(int64) * n);
	moving = palloc(sizeof(int64) * n);
	n = 0;
	for (; *t; t++)
	{
		if ((*t)->outcome)
			continue;
		ids[n++] = (*t)->order_id;
		if ((*t)->moving)
			moving[m++] = (*t)->order_id;
	}
	values[2] = oms_int8_array(ids, n);
	values[3] = oms_int8_array(moving, m);
	oms_early_release_mark();
	(void) set_config_option("lock_timeout", CHUNK_PATIENCE, PGC_USERSET,
							 PGC_S_SESSION, GUC_ACTION_SAVE, true, 0, false);
	oms_spi_connect();
	oms_exec(&lock_rows_plan, values, NULL, false, 0);
	oms_spi_finish();
	AtEOXact_GUC(true, guc_level);
}

static void
write_order(void *arg)
{
	WaveTurn   *t = arg;

	if (t->moving)
		move_order(t);
	else
		fill_order(t);
}

/* One order; what goes wrong with it does not stop the others. */
static void
take_turn(void *arg)
{
	WaveTurn   *t = arg;
	Datum		values[5] = {
		Int32GetDatum(t->company_id), Int64GetDatum(t->wave_id), Int64GetDatum(t->order_id)
	};
	MemoryContext cxt = AllocSetContextCreate(CurrentMemoryContext, "oms wave order",
											  ALLOCSET_DEFAULT_SIZES);
	MemoryContext old = MemoryContextSwitchTo(cxt);
	ErrorData  *err;

	CHECK_FOR_INTERRUPTS();
	if (t->outcome == NULL && !oms_try(write_order, t, &err))
	{
		if (err->sqlerrcode == ERRCODE_LOCK_NOT_AVAILABLE)
			t->outcome = "busy";
		else if (t->moving)
			t->outcome = "kept";	/* all is as it was */
		else
		{
			OmsJson		j;

			t->outcome = "failed";
			oms_json_begin(&j);
			oms_json_str(&j, "error", err->message);
			oms_event(t->company_id, "order", t->order_id, "order.retry_failed", oms_json_end(&j));
		}
	}
	values[3] = oms_text(t->outcome);
	values[4] = Int32GetDatum(MAX_TRIES);
	oms_spi_connect();
	oms_exec(&note_plan, values, NULL, false, 0);
	oms_spi_finish();
	MemoryContextSwitchTo(old);
	MemoryContextDelete(cxt);
}

/* What still waits of the order, as the wave has it. */
static void
fill_order(WaveTurn *t)
{
	OmsReplan	r = {0};

	r.company_id = t->company_id;
	r.order_id = t->order_id;
	r.at = t->at;
	r.npins = t->npins;
	r.pins = t->pins;
	find_pickups(t, &r);
	if (!oms_order_replan(&r))
	{
		t->outcome = "waits";
		return;
	}
	t->outcome = r.pinned ? "planned" : "anew";
	oms_event(t->company_id, "order", t->order_id, "order.backorder_filled", NULL);
	oms_order_refresh(t->company_id, t->order_id);
}

/*
 * An order reserved in full goes to where the wave has it: only if it still
 * is as it was, all of it goes there, and nothing is promised later.
 */
static void
move_order(WaveTurn *t)
{
	Datum		values[2] = {Int32GetDatum(t->company_id), Int64GetDatum(t->order_id)};
	OmsReplan	r = {0};
	int64	   *ids;
	int			n;
	int64		whole = 0;
	TimestampTz promised;
	OmsJson		j;

	oms_spi_connect();
	n = (int) oms_exec(&held_plan, values, NULL, false, 0);
	ids = palloc(sizeof(int64) * (n + 1));
	promised = n > 0 ? oms_time(0, 6) : 0;
	for (int i = 0; i < n; i++)
	{
		char	   *status = oms_cstr(i, 5);

		ids[i] = oms_int8(i, 1);
		whole += oms_int8(i, 4);
		if (strcmp(status, "reserved") != 0)
			n = 0;
	}
	for (int k = 0; k < t->npins; k++)
		whole -= t->pins[k].qty;
	if (n == 0 || whole != 0)
	{
		oms_spi_finish();
		t->outcome = "kept";	/* it has gone on, or was changed, since */
		return;
	}
	for (int i = 0; i < n; i++)
		oms_allocation_move(t->company_id, ids[i], "backordered");
	oms_order_unplace(t->company_id, ids, n);
	r.company_id = t->company_id;
	r.order_id = t->order_id;
	r.at = t->at;
	r.nids = n;
	r.ids = ids;
	r.whole = true;
	r.npins = t->npins;
	r.pins = t->pins;
	find_pickups(t, &r);
	oms_order_replan(&r);
	oms_exec(&held_plan, values, NULL, false, 0);
	for (uint64 i = 0; i < SPI_processed; i++)
		if (strcmp(oms_cstr(i, 5), "reserved") != 0 ||
			(promised != 0 && oms_time(i, 7) > promised))
			r.pinned = false;
	oms_spi_finish();
	/* undone: it keeps what it had */
	if (!r.pinned)
		ereport(ERROR,
				(errcode(ERRCODE_OMS_NO_NODE),
				 errmsg("order " INT64_FORMAT " cannot move as the wave has it", t->order_id)));
	oms_order_refresh(t->company_id, t->order_id);
	oms_json_begin(&j);
	oms_json_int(&j, "wave_id", t->wave_id);
	oms_event(t->company_id, "order", t->order_id, "order.rerouted", oms_json_end(&j));
	t->outcome = "planned";
}

static OmsPlan answer_plan = {
	"SELECT w.orders, w.moves, w.cost, w.saved, (SELECT count(*) FROM oms.wave_order o"
	"  WHERE o.company_id = w.company_id AND o.wave_id = w.wave_id AND o.state = 'open'),"
	" (SELECT string_agg(state || ' ' || n, ', ' ORDER BY state COLLATE \"C\") FROM (SELECT o.state, count(*) AS n FROM oms.wave_order o"
	"  WHERE o.company_id = w.company_id AND o.wave_id = w.wave_id GROUP BY o.state) s)"
	" FROM oms.wave w WHERE w.company_id = $1 AND w.wave_id = $2",
	2, {INT4OID, INT8OID}, NULL
};

static Datum
answer(int32 company_id, int64 wave_id, int written)
{
	Datum		values[2] = {Int32GetDatum(company_id), Int64GetDatum(wave_id)};
	OmsJson		j;
	int64		orders,
				moves,
				cost,
				saved,
				left;
	char	   *states;
	MemoryContext caller = CurrentMemoryContext;

	oms_spi_connect();
	oms_exec(&answer_plan, values, NULL, false, 1);
	orders = oms_int4(0, 1);
	moves = oms_int4(0, 2);
	cost = oms_paise(0, 3);
	saved = oms_paise(0, 4);
	left = oms_int8(0, 5);
	states = oms_strdup(caller, oms_cstr(0, 6));
	oms_spi_finish();
	oms_json_begin(&j);
	oms_json_int(&j, "wave_id", wave_id);
	oms_json_int(&j, "orders", orders);
	oms_json_int(&j, "moves", moves);
	oms_json_paise(&j, "cost", cost);
	oms_json_paise(&j, "saved", saved);
	oms_json_int(&j, "written", written);
	oms_json_int(&j, "left", left);
	oms_json_str(&j, "states", states);
	return JsonbPGetDatum(oms_json_end(&j));
}
