/*
 * stock_lot_state.c
 *	  Lots as the ERP states them: ours become the same.
 *
 * Whatever was there before: a lot that is stated has the units stated (the
 * ERP room has fitted them to the count), one that is not is gone.  So the
 * lots of a key are a function of what the ERP says now, however often and
 * in which order it said so.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "utils/array.h"

#include "stock_batch.h"
#include "stock_row.h"
#include "stock_sql.h"

void
oms_stock_lots_values(const OmsStockLots *lots, Datum *values)
{
	int			most = Max(lots->nkeys, lots->n);
	int32	   *nodes = palloc(sizeof(int32) * (most + 1));
	int32	   *skus = palloc(sizeof(int32) * (most + 1));

	for (int i = 0; i < lots->nkeys; i++)
	{
		nodes[i] = lots->keys[i].node_id;
		skus[i] = lots->keys[i].sku_id;
	}
	values[0] = oms_int4_array(nodes, lots->nkeys);
	values[1] = oms_int4_array(skus, lots->nkeys);
	for (int i = 0; i < lots->n; i++)
	{
		nodes[i] = lots->of[i].node_id;
		skus[i] = lots->of[i].sku_id;
	}
	values[2] = oms_int4_array(nodes, lots->n);
	values[3] = oms_int4_array(skus, lots->n);
	values[4] = PointerGetDatum(construct_array(lots->rows, lots->n, JSONBOID,
												-1, false, TYPALIGN_INT));
}

/* $2, $3 the keys; $4 to $6 the rows: g stated anew, w stated no more */
#define CHANGES \
	"WITH s AS (SELECT u.node_id, u.sku_id, l.* FROM unnest($4, $5, $6) AS u (node_id, sku_id, r) CROSS JOIN LATERAL" \
	"   jsonb_to_record(u.r) AS l (lot text, on_hand numeric, expires_on date, received_at timestamptz, unit_cost numeric, pick_rank integer))," \
	" g AS MATERIALIZED (SELECT s.* FROM s LEFT JOIN oms.stock_lot b ON b.company_id = $1 AND b.sku_id = s.sku_id AND b.node_id = s.node_id AND b.lot = s.lot" \
	"   WHERE (s.on_hand, s.expires_on, s.received_at, s.unit_cost, s.pick_rank, false) IS DISTINCT FROM" \
	"    (b.on_hand, b.expires_on, b.received_at, b.unit_cost, b.pick_rank, b.gone))," \
	" w AS MATERIALIZED (SELECT b.node_id, b.sku_id, b.lot FROM oms.stock_lot b JOIN unnest($2, $3) AS k (node_id, sku_id)" \
	"   ON k.node_id = b.node_id AND k.sku_id = b.sku_id WHERE b.company_id = $1 AND NOT b.gone" \
	"   AND NOT EXISTS (SELECT FROM s WHERE s.node_id = b.node_id AND s.sku_id = b.sku_id AND s.lot = b.lot))"
#define CHANGED_KEYS \
	" SELECT node_id, sku_id FROM g UNION SELECT node_id, sku_id FROM w ORDER BY 1, 2"
#define CHANGES_TYPES \
	{INT4OID, INT4ARRAYOID, INT4ARRAYOID, INT4ARRAYOID, INT4ARRAYOID, JSONBARRAYOID}

static OmsPlan differ_plan = {
	CHANGES CHANGED_KEYS, 6, CHANGES_TYPES, NULL
};
static OmsPlan state_plan = {
	CHANGES ","
	" put AS (INSERT INTO oms.stock_lot AS b (company_id, node_id, sku_id, lot, on_hand, expires_on, received_at, unit_cost, pick_rank)"
	"   SELECT $1, g.node_id, g.sku_id, g.lot, g.on_hand, g.expires_on, g.received_at, g.unit_cost, g.pick_rank FROM g"
	"   ON CONFLICT (company_id, sku_id, node_id, lot) DO UPDATE SET on_hand = excluded.on_hand, expires_on = excluded.expires_on,"
	"   received_at = excluded.received_at, unit_cost = excluded.unit_cost, pick_rank = excluded.pick_rank, gone = false),"
	" took AS (UPDATE oms.stock_lot b SET on_hand = 0, gone = true FROM w"
	"   WHERE b.company_id = $1 AND b.sku_id = w.sku_id AND b.node_id = w.node_id AND b.lot = w.lot)"
	" SELECT node_id, sku_id, EXISTS (SELECT FROM oms.reservation_lot l WHERE l.company_id = $1 AND l.sku_id = k.sku_id AND l.node_id = k.node_id AND NOT l.gone)"
	" FROM (" CHANGED_KEYS ") AS k",
	6, CHANGES_TYPES, NULL
};

bool *
oms_stock_lots_differ(int32 company_id, const OmsStockLots *lots)
{
	bool	   *differ = palloc0(sizeof(bool) * (lots->nkeys + 1));
	Datum		values[6] = {Int32GetDatum(company_id)};

	oms_spi_connect();
	oms_stock_lots_values(lots, &values[1]);
	oms_exec(&differ_plan, values, NULL, true, 0);
	/* both in the order of keys */
	for (int i = 0, r = 0; i < lots->nkeys && (uint64) r < SPI_processed; i++)
		if (lots->keys[i].node_id == oms_int4(r, 1) &&
			lots->keys[i].sku_id == oms_int4(r, 2))
		{
			differ[i] = true;
			r++;
		}
	oms_spi_finish();
	return differ;
}

/* The version tells older snapshots. */
static OmsPlan flag_plan = {
	"UPDATE oms.stock s SET has_terms = true, version = version + 1, updated_at = now()"
	" FROM unnest($2, $3) AS k (node_id, sku_id) WHERE s.company_id = $1 AND s.node_id = k.node_id AND s.sku_id = k.sku_id",
	3, {INT4OID, INT4ARRAYOID, INT4ARRAYOID}, NULL
};

/* Of the keys, where somebody is without a lot and there is one to have. */
static OmsPlan lacking_plan = {
	"SELECT s.node_id, s.sku_id FROM oms.stock s JOIN unnest($2, $3) AS k (node_id, sku_id) ON k.node_id = s.node_id AND k.sku_id = s.sku_id"
	" CROSS JOIN LATERAL (SELECT coalesce(sum(l.qty), 0) AS qty FROM oms.reservation_lot l JOIN oms.reservation r"
	"   ON r.company_id = l.company_id AND r.reservation_id = l.reservation_id AND r.state <> 'closed'"
	"   WHERE l.company_id = $1 AND l.sku_id = s.sku_id AND l.node_id = s.node_id AND NOT l.gone) t"
	" WHERE s.company_id = $1 AND s.reserved > 0 AND s.reserved > t.qty"
	" AND (SELECT sum(b.on_hand) FROM oms.stock_lot b WHERE b.company_id = $1 AND b.sku_id = s.sku_id AND b.node_id = s.node_id) > t.qty",
	3, {INT4OID, INT4ARRAYOID, INT4ARRAYOID}, NULL
};

void
oms_stock_lots_state(int32 company_id, const OmsStockLots *lots,
					 TimestampTz at)
{
	Datum		values[6] = {Int32GetDatum(company_id)};
	OmsStockLots changed = {0};
	OmsStockKey *keys;
	int			n;
	int			nheld = 0;

	if (lots->nkeys == 0)
		return;
	oms_stock_batch_write();
	oms_spi_connect();
	oms_stock_lots_values(lots, &values[1]);
	oms_exec(&state_plan, values, NULL, false, 0);
	n = changed.nkeys = oms_stock_read_keys(&changed.keys);
	/* only those of whose lots somebody has some need another look */
	keys = palloc(sizeof(OmsStockKey) * (n + 1));
	for (int i = 0; i < n; i++)
		if (oms_bool(i, 3))
			keys[nheld++] = changed.keys[i];
	if (n > 0)
	{
		oms_stock_lots_values(&changed, &values[1]);
		oms_exec(&flag_plan, values, NULL, false, 0);
	}
	for (int i = 0; i < nheld; i++)
	{
		CHECK_FOR_INTERRUPTS();
		oms_stock_lots_trim(company_id, keys[i], at);
	}
	if (n > 0)
	{
		oms_exec(&lacking_plan, values, NULL, false, 0);
		nheld = oms_stock_read_keys(&keys);
	}
	for (int i = 0; i < nheld; i++)
	{
		CHECK_FOR_INTERRUPTS();
		oms_stock_lots_settle(company_id, keys[i], at);
	}
	oms_spi_finish();
	/* somebody may wait for units that were in no lot, or too near their end */
	for (int i = 0; i < n && oms_stock_rose; i++)
		oms_stock_rose(company_id, changed.keys[i].sku_id);
}
