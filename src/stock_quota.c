/*
 * stock_quota.c
 *	  Terms of channels: units set aside for one (oms.stock_quota), how far
 *	  it may go (oms.channel_threshold), and the nodes it is served from
 *	  (oms.channel_node).
 *
 * Terms are changed and quotas used under the lock of the stock row, whose
 * has_terms says that there are any: a row without them costs nothing.
 *
 * What a channel may take of a row with terms:
 *	  free   = on_hand - reserved - safety
 *	  theirs = what is left of the quotas of others
 *	  the greater of free - theirs, and its own quota as far as free reaches
 *	  it, quotas being served by quota_id; then less its threshold; at most
 *	  its cap, if its quota is one.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "utils/builtins.h"

#include "sourcing.h"
#include "stock_sql.h"

/* What is left of quotas in force; holds that do not count give back. */
static OmsPlan quotas_plan = {
	"SELECT q.node_id, q.sku_id, q.quota_id, q.channel_id, (greatest(q.qty - q.used + coalesce(("
	"  SELECT sum(r.quota_qty) FROM oms.reservation r WHERE r.company_id = q.company_id AND r.sku_id = q.sku_id AND r.node_id = q.node_id"
	"   AND r.cart_id IS NOT NULL AND r.state = 'open' AND r.quota_id = q.quota_id AND (r.expires_at <= $3 OR r.cart_id = ANY ($4))), 0), 0) * 1000)::int8, q.cap"
	" FROM oms.stock_quota q WHERE q.company_id = $1 AND q.sku_id = ANY ($2)"
	" AND (q.expires_at IS NULL OR q.expires_at > $3)"
	" ORDER BY q.quota_id",
	4, {INT4OID, INT4ARRAYOID, TIMESTAMPTZOID, TEXTARRAYOID}, NULL
};
static OmsPlan thresholds_plan = {
	"SELECT node_id, sku_id, (threshold * 1000)::int8 FROM oms.channel_threshold"
	" WHERE company_id = $1 AND sku_id = ANY ($2) AND channel_id = $3",
	3, {INT4OID, INT4ARRAYOID, INT4OID}, NULL
};

static OmsStockLevel *
level_of(OmsStockLevel *levels, int n, int32 node_id, int32 sku_id)
{
	for (int i = 0; i < n; i++)
		if (levels[i].key.node_id == node_id && levels[i].key.sku_id == sku_id)
			return &levels[i];
	return NULL;
}

/*
 * "kept" is what others' quotas take away: all of what is left of them,
 * unless an own quota goes before some of theirs.
 */
static void
apply_quotas(OmsStockLevel *levels, int n, int32 channel_id)
{
	int64	   *older = palloc0(sizeof(int64) * (n + 1));
	uint64		found = SPI_processed;

	for (uint64 i = 0; i < found; i++)
	{
		OmsStockLevel *l = level_of(levels, n, oms_int4(i, 1), oms_int4(i, 2));
		int64		left = oms_int8(i, 5);

		if (l == NULL)
			continue;
		if (channel_id != 0 && oms_int4(i, 4) == channel_id)
		{
			l->quota_id = oms_int8(i, 3);
			l->quota_left = left;
			l->capped = oms_bool(i, 6);
			older[l - levels] = l->kept;
		}
		else if (!oms_bool(i, 6))
			l->kept += left;
	}
	for (int i = 0; i < n; i++)
	{
		OmsStockLevel *l = &levels[i];
		int64		free_qty = l->on_hand - l->reserved - l->safety;
		int64		mine = Min(l->quota_left, free_qty - older[i]);

		if (!l->capped && mine > free_qty - l->kept)
			l->kept = free_qty - mine;
	}
}

/* At most what is left, of the count first and then beyond it. */
static void
apply_cap(OmsStockLevel *l)
{
	int64		free_qty = l->on_hand - l->reserved - l->safety - l->kept;

	if (free_qty > l->quota_left)
	{
		l->kept += free_qty - l->quota_left;
		l->backorder_limit = 0;
	}
	else
		l->backorder_limit = Min(l->backorder_limit,
								 l->quota_left - free_qty);
}

static void
apply_thresholds(int32 company_id, OmsStockLevel *levels, int n,
				 Datum skus, int32 channel_id)
{
	Datum		values[3] = {
		Int32GetDatum(company_id), skus, Int32GetDatum(channel_id)
	};

	oms_exec(&thresholds_plan, values, NULL, false, 0);
	for (uint64 i = 0; i < SPI_processed; i++)
	{
		OmsStockLevel *l = level_of(levels, n, oms_int4(i, 1), oms_int4(i, 2));
		int64		threshold = oms_int8(i, 3);

		if (l == NULL)
			continue;
		l->kept += Max(threshold, 0);
		l->backorder_limit = Max(-threshold, 0);
	}
}

void
oms_stock_terms(int32 company_id, OmsStockLevel *levels, int n,
				const OmsStockView *view, const OmsStockLots *stated)
{
	int32	   *skus;
	int			nskus = 0;
	Datum		values[4];

	skus = NULL;
	for (int i = 0; stated && i < stated->n; i++)
	{
		OmsStockLevel *l = level_of(levels, n, stated->of[i].node_id,
									stated->of[i].sku_id);

		if (l)
			l->has_terms = true;
	}
	for (int i = 0; i < n; i++)
	{
		if (!levels[i].has_terms)
			continue;
		if (skus == NULL)
			skus = palloc(sizeof(int32) * n);
		skus[nskus++] = levels[i].key.sku_id;
		levels[i].kept = levels[i].quota_id = levels[i].quota_left = 0;
		levels[i].capped = levels[i].has_lots = false;
	}
	if (nskus == 0)
		return;
	values[0] = Int32GetDatum(company_id);
	values[1] = oms_int4_array(skus, nskus);
	values[2] = TimestampTzGetDatum(view->at);
	values[3] = oms_text_array(view->own_carts, view->nown_carts);
	oms_stock_lot_terms(company_id, levels, n, values[1], view, stated);
	if (oms_exec(&quotas_plan, values, NULL, false, 0) > 0)
		apply_quotas(levels, n, view->channel_id);
	if (view->channel_id == 0)
		return;
	apply_thresholds(company_id, levels, n, values[1], view->channel_id);
	for (int i = 0; i < n; i++)
		if (levels[i].capped)
			apply_cap(&levels[i]);
}

static OmsPlan use_plan = {
	"UPDATE oms.stock_quota SET used = used + $3 WHERE company_id = $1 AND quota_id = $2",
	3, {INT4OID, INT8OID, NUMERICOID}, NULL
};

void
oms_stock_quota_use(int32 company_id, int64 quota_id, int64 qty)
{
	Datum		values[3] = {
		Int32GetDatum(company_id), Int64GetDatum(quota_id),
		oms_milli_numeric(qty)
	};

	oms_exec(&use_plan, values, NULL, false, 0);
}

static OmsPlan nodes_plan = {
	"SELECT node_id FROM oms.channel_node WHERE company_id = $1 AND channel_id = $2",
	2, {INT4OID, INT4OID}, NULL
};

void
oms_sourcing_own_nodes(const OmsPlanRequest *req, OmsPlanResult *res)
{
	Datum		values[2] = {
		Int32GetDatum(req->mesh.company_id),
		Int32GetDatum(req->view.channel_id)
	};

	oms_spi_connect();
	oms_exec(&nodes_plan, values, NULL, false, 0);
	for (int i = 0; i < res->nnodes; i++)
	{
		bool		serves = false;

		for (uint64 k = 0; k < SPI_processed && !serves; k++)
			serves = oms_int4(k, 1) == res->nodes[i].node_id;
		if (!serves && res->nodes[i].refused == NULL)
			res->nodes[i].refused = "CHANNEL";
	}
	oms_spi_finish();
}

/*
 * Setting terms
 */
PG_FUNCTION_INFO_V1(oms_set_stock_quota);
PG_FUNCTION_INFO_V1(oms_set_channel_threshold);
PG_FUNCTION_INFO_V1(oms_set_channel_node);

/* The first three arguments, as the first four values of a statement. */
static void
find_key(FunctionCallInfo fcinfo, int32 company_id, OmsStockKey *key,
		 Datum *values)
{
	bool		flag;
	bool		kit;
	char	   *sku = oms_stock_text_arg(fcinfo, 1);

	key->node_id = oms_stock_find_node(company_id, oms_stock_text_arg(fcinfo, 0),
									   &flag);
	key->sku_id = oms_stock_find_sku(company_id, sku, &kit);
	if (kit)
		ereport(ERROR,
				(errcode(ERRCODE_OMS_INVALID_DOCUMENT),
				 errmsg("\"%s\" is a kit and has no stock of its own", sku),
				 errdetail("Argument sku."),
				 errhint("Name its components (oms.kit_component).")));
	values[0] = Int32GetDatum(company_id);
	values[1] = Int32GetDatum(key->node_id);
	values[2] = Int32GetDatum(key->sku_id);
	values[3] = Int32GetDatum(oms_stock_find_channel(company_id,
													 oms_stock_text_arg(fcinfo, 2)));
}

static OmsPlan quota_plan = {
	"INSERT INTO oms.stock_quota AS q (company_id, node_id, sku_id, channel_id, qty, expires_at, cap) VALUES ($1, $2, $3, $4, $5, $6, $7)"
	" ON CONFLICT (company_id, sku_id, node_id, channel_id) DO UPDATE SET qty = greatest(excluded.qty, q.used), expires_at = excluded.expires_at, cap = excluded.cap"
	" RETURNING qty - used",
	7, {INT4OID, INT4OID, INT4OID, INT4OID, NUMERICOID, TIMESTAMPTZOID, BOOLOID}, NULL
};

/* Depth and flag follow the rows; the version tells older snapshots. */
static OmsPlan flag_plan = {
	"UPDATE oms.stock s SET channel_depth = t.depth, version = version + 1, updated_at = now(),"
	" has_terms = EXISTS (SELECT FROM oms.stock_quota q WHERE q.company_id = $1 AND q.sku_id = $3 AND q.node_id = $2) OR t.rows > 0"
	"  OR EXISTS (SELECT FROM oms.stock_lot b WHERE b.company_id = $1 AND b.sku_id = $3 AND b.node_id = $2),"
	" shortfall = greatest(0, least(s.shortfall, s.reserved - greatest(s.on_hand, 0) - greatest(s.backorder_limit, t.depth)))"
	" FROM (SELECT count(*) AS rows, greatest(0, -coalesce(min(threshold), 0)) AS depth FROM oms.channel_threshold"
	"  WHERE company_id = $1 AND sku_id = $3 AND node_id = $2) t"
	" WHERE s.company_id = $1 AND s.node_id = $2 AND s.sku_id = $3",
	3, {INT4OID, INT4OID, INT4OID}, NULL
};

/* oms.set_stock_quota(node, sku, channel, qty, expires_at, company, cap) */
Datum
oms_set_stock_quota(PG_FUNCTION_ARGS)
{
	int32		company_id;
	OmsStockKey key;
	OmsStockLevel level;
	Datum		values[7];
	int64		left;

	oms_require_installed();
	company_id = oms_company_id(oms_stock_text_arg(fcinfo, 5));
	find_key(fcinfo, company_id, &key, values);
	if (PG_ARGISNULL(3))
		oms_stock_refuse_argument("qty", "is null", "A number of stock units, those used included; 0 ends the quota.");
	values[4] = oms_milli_numeric(oms_stock_quantity_arg(fcinfo, 3, "qty", 0));
	values[5] = PG_ARGISNULL(4) ? (Datum) 0 : PG_GETARG_DATUM(4);
	values[6] = BoolGetDatum(!PG_ARGISNULL(6) && PG_GETARG_BOOL(6));
	oms_spi_connect();
	oms_stock_lock_key(company_id, key, &level);
	oms_exec(&quota_plan, values, PG_ARGISNULL(4) ? "     n " : NULL, false, 0);
	left = oms_milli(0, 1);
	oms_exec(&flag_plan, values, NULL, false, 0);
	oms_spi_finish();
	PG_RETURN_DATUM(oms_milli_numeric(left));
}

static OmsPlan threshold_plan = {
	"INSERT INTO oms.channel_threshold (company_id, node_id, sku_id, channel_id, threshold) VALUES ($1, $2, $3, $4, $5)"
	" ON CONFLICT (company_id, sku_id, node_id, channel_id) DO UPDATE SET threshold = excluded.threshold",
	5, {INT4OID, INT4OID, INT4OID, INT4OID, NUMERICOID}, NULL
};
static OmsPlan no_threshold_plan = {
	"DELETE FROM oms.channel_threshold WHERE company_id = $1 AND node_id = $2 AND sku_id = $3 AND channel_id = $4",
	4, {INT4OID, INT4OID, INT4OID, INT4OID}, NULL
};
static OmsPlan over_plan = {
	"SELECT s.reserved - greatest(s.on_hand, 0) - s.shortfall - greatest(s.backorder_limit, coalesce((SELECT -min(t.threshold) FROM oms.channel_threshold t"
	"  WHERE t.company_id = $1 AND t.sku_id = $3 AND t.node_id = $2), 0)), s.reserved - greatest(s.on_hand, 0)"
	" FROM oms.stock s WHERE s.company_id = $1 AND s.node_id = $2 AND s.sku_id = $3",
	3, {INT4OID, INT4OID, INT4OID}, NULL
};

/* oms.set_channel_threshold(node, sku, channel, threshold, company) */
Datum
oms_set_channel_threshold(PG_FUNCTION_ARGS)
{
	int32		company_id;
	OmsStockKey key;
	OmsStockLevel level;
	Datum		values[5];

	oms_require_installed();
	company_id = oms_company_id(oms_stock_text_arg(fcinfo, 4));
	find_key(fcinfo, company_id, &key, values);
	oms_spi_connect();
	oms_stock_lock_key(company_id, key, &level);
	if (PG_ARGISNULL(3))
		oms_exec(&no_threshold_plan, values, NULL, false, 0);
	else
	{
		values[4] = oms_milli_numeric(oms_milli_arg(PG_GETARG_DATUM(3), "threshold"));
		oms_exec(&threshold_plan, values, NULL, false, 0);
	}
	oms_exec(&over_plan, values, NULL, false, 1);
	if (oms_milli(0, 1) > 0)
		ereport(ERROR,
				(errcode(ERRCODE_OMS_INVALID_DOCUMENT),
				 errmsg("more of \"%s\" is promised at node \"%s\" than this threshold allows",
						oms_stock_text_arg(fcinfo, 1),
						oms_stock_text_arg(fcinfo, 0)),
				 errdetail("Reservations exceed the count by %s.",
						   DatumGetCString(DirectFunctionCall1(numeric_out,
															   oms_milli_numeric(oms_milli(0, 2))))),
				 errhint("Set the threshold to that below zero, or move or cancel orders first.")));
	oms_exec(&flag_plan, values, NULL, false, 0);
	oms_spi_finish();
	PG_RETURN_VOID();
}

static OmsPlan node_on_plan = {
	"INSERT INTO oms.channel_node (company_id, channel_id, node_id) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING",
	3, {INT4OID, INT4OID, INT4OID}, NULL
};
static OmsPlan node_off_plan = {
	"DELETE FROM oms.channel_node WHERE company_id = $1 AND channel_id = $2 AND node_id = $3",
	3, {INT4OID, INT4OID, INT4OID}, NULL
};
static OmsPlan own_nodes_plan = {
	"UPDATE oms.channel SET own_nodes = true WHERE channel_id = $2 AND NOT own_nodes AND company_id = $1",
	2, {INT4OID, INT4OID}, NULL
};

/* oms.set_channel_node(channel, node, serves, company) */
Datum
oms_set_channel_node(PG_FUNCTION_ARGS)
{
	int32		company_id;
	bool		flag;
	Datum		values[3];

	oms_require_installed();
	company_id = oms_company_id(oms_stock_text_arg(fcinfo, 3));
	if (PG_ARGISNULL(2))
		oms_stock_refuse_argument("serves", "is missing", "True or false.");
	values[0] = Int32GetDatum(company_id);
	values[1] = Int32GetDatum(oms_stock_find_channel(company_id,
													 oms_stock_text_arg(fcinfo, 0)));
	values[2] = Int32GetDatum(oms_stock_find_node(company_id,
												  oms_stock_text_arg(fcinfo, 1), &flag));
	oms_spi_connect();
	oms_exec(PG_GETARG_BOOL(2) ? &node_on_plan : &node_off_plan, values, NULL,
			 false, 0);
	oms_exec(&own_nodes_plan, values, NULL, false, 0);
	oms_spi_finish();
	PG_RETURN_VOID();
}
