/*
 * stock_lot.c
 *	  Lots: which units of an item at a node are of which batch, until when
 *	  they may be used, and which of them a reservation takes.
 *
 * A reservation is of an item; with lots it also gets lots assigned, under
 * the lock of the stock row, in the item's order (first to expire first).
 * An assignment counts while its reservation is open or leaving; of one that
 * was consumed it says what left.  So whoever closes a reservation need not
 * know of lots.  Units that are in no lot (a return, a receipt) are counted
 * but not promised until somebody says of which lot they are.
 *
 * All of it only where stock.has_terms is set.  Where the ERP states lots
 * they are its own (stock_lot_state.c): those it states no more are "gone".
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "fmgr.h"
#include "utils/builtins.h"
#include "utils/date.h"
#include "utils/timestamp.h"

#include "allocation.h"
#include "stock_row.h"
#include "stock_sql.h"

/* The item's order of lots: what is easiest to reach, then its rule. */
#define LOT_ORDER \
	"b.pick_rank, CASE k.lot_order WHEN 'fefo' THEN b.expires_on END NULLS LAST," \
	" CASE k.lot_order WHEN 'lefo' THEN b.expires_on END DESC NULLS LAST," \
	" CASE WHEN k.lot_order IN ('fefo', 'fifo') THEN b.received_at END," \
	" CASE WHEN k.lot_order IN ('lefo', 'lifo') THEN b.received_at END DESC," \
	" CASE k.lot_order WHEN 'cost_low' THEN b.unit_cost END NULLS LAST," \
	" CASE k.lot_order WHEN 'cost_high' THEN b.unit_cost END DESC NULLS LAST, b.lot"

/* May lot b be promised at $day by channel c (may be NULL)? */
#define USABLE(at) \
	"(b.expires_on IS NULL OR b.expires_on >= (" at " AT TIME ZONE y.timezone)::date + greatest(k.shelf_days, coalesce(c.shelf_days, 0)))"

/*
 * By node and item: units of usable lots that nobody is assigned, and units
 * that are assigned.  What is assigned of a lot that is past by then, or
 * beyond what stands there, wants another one, as what has none; not what
 * was handed over.
 */
#define FREE_UNITS(lots) \
	"SELECT b.node_id, b.sku_id, (sum(CASE WHEN " USABLE("$3") " THEN greatest(b.on_hand - coalesce(t.qty, 0), 0) ELSE 0 END) * 1000)::int8 AS free," \
	" (sum(CASE WHEN t.qty > t.leaving AND (b.expires_on IS NULL OR b.expires_on >= ($3 AT TIME ZONE y.timezone)::date)" \
	"  THEN greatest(least(t.qty, b.on_hand), t.leaving) ELSE coalesce(t.leaving, 0) END) * 1000)::int8 AS assigned" \
	" FROM " lots " b JOIN oms.sku k ON k.sku_id = b.sku_id JOIN oms.company y ON y.company_id = b.company_id" \
	" LEFT JOIN oms.channel c ON c.channel_id = $5" \
	" LEFT JOIN LATERAL (SELECT sum(l.qty) AS qty, coalesce(sum(l.qty) FILTER (WHERE r.state = 'leaving'), 0) AS leaving FROM oms.reservation_lot l JOIN oms.reservation r" \
	"   ON r.company_id = l.company_id AND r.reservation_id = l.reservation_id" \
	"   WHERE l.company_id = b.company_id AND l.sku_id = b.sku_id AND l.node_id = b.node_id AND l.lot = b.lot AND NOT l.gone AND r.state <> 'closed'" \
	"   AND NOT (r.cart_id IS NOT NULL AND (r.expires_at <= $3 OR r.cart_id = ANY ($4)))) t ON true" \
	" WHERE b.company_id = $1 AND b.sku_id = ANY ($2) AND NOT b.gone GROUP BY 1, 2"

static OmsPlan free_plan = {
	FREE_UNITS("oms.stock_lot"),
	5, {INT4OID, INT4ARRAYOID, TIMESTAMPTZOID, TEXTARRAYOID, INT4OID}, NULL
};

/*
 * The same where the ERP has stated other lots ($8 node, $9 item, $10 row)
 * of the keys ($6, $7).  What is leaving and in these no more ($11) is still
 * in reserved, as in the count: so its units are added again, and those it
 * had of no lot want none.
 */
static OmsPlan free_stated_plan = {
	"WITH p AS MATERIALIZED (SELECT * FROM unnest($6, $7) AS u (node_id, sku_id)),"
	" l AS (SELECT node_id, sku_id, lot, sum(qty) AS qty FROM oms.reservation_lot WHERE company_id = $1 AND reservation_id = ANY ($11) AND NOT gone GROUP BY 1, 2, 3),"
	" n AS (SELECT r.node_id, r.sku_id, (sum(r.qty - coalesce(t.qty, 0)) * 1000)::int8 AS loose FROM oms.reservation r LEFT JOIN LATERAL ("
	"   SELECT sum(q.qty) AS qty FROM oms.reservation_lot q WHERE q.company_id = $1 AND q.reservation_id = r.reservation_id AND NOT q.gone) t ON true"
	"  WHERE r.company_id = $1 AND r.reservation_id = ANY ($11) GROUP BY 1, 2),"
	" x AS (SELECT company_id, node_id, sku_id, lot, on_hand, expires_on, gone FROM oms.stock_lot o WHERE company_id = $1 AND sku_id = ANY ($2)"
	"   AND NOT EXISTS (SELECT FROM p WHERE p.node_id = o.node_id AND p.sku_id = o.sku_id)"
	"  UNION ALL SELECT $1, node_id, sku_id, lot, sum(qty), (array_agg(expires_on ORDER BY told DESC))[1], false FROM ("
	"   SELECT u.node_id, u.sku_id, r->>'lot' AS lot, (r->>'on_hand')::numeric AS qty, (r->>'expires_on')::date AS expires_on, true AS told FROM unnest($8, $9, $10) AS u (node_id, sku_id, r)"
	"   UNION ALL SELECT l.node_id, l.sku_id, l.lot, l.qty, o.expires_on, false FROM l JOIN oms.stock_lot o"
	"    ON o.company_id = $1 AND o.sku_id = l.sku_id AND o.node_id = l.node_id AND o.lot = l.lot) AS y GROUP BY 2, 3, 4)"
	" SELECT f.node_id, f.sku_id, f.free, f.assigned + coalesce(n.loose, 0) FROM (" FREE_UNITS("x") ") AS f"
	" LEFT JOIN n ON n.node_id = f.node_id AND n.sku_id = f.sku_id",
	11, {INT4OID, INT4ARRAYOID, TIMESTAMPTZOID, TEXTARRAYOID, INT4OID, INT4ARRAYOID, INT4ARRAYOID, INT4ARRAYOID, INT4ARRAYOID, JSONBARRAYOID, INT8ARRAYOID}, NULL
};

void
oms_stock_lot_terms(int32 company_id, OmsStockLevel *levels, int n,
					Datum skus, const OmsStockView *view,
					const OmsStockLots *stated)
{
	Datum		values[11] = {
		Int32GetDatum(company_id), skus, TimestampTzGetDatum(view->at),
		oms_text_array(view->own_carts, view->nown_carts),
		Int32GetDatum(view->channel_id)
	};

	if (stated && stated->nkeys > 0)
	{
		oms_stock_lots_values(stated, &values[5]);
		values[10] = oms_int8_array(stated->left, stated->nleft);
		oms_exec(&free_stated_plan, values, NULL, false, 0);
	}
	else
		oms_exec(&free_plan, values, NULL, false, 0);
	for (uint64 i = 0; i < SPI_processed; i++)
		for (int k = 0; k < n; k++)
		{
			OmsStockLevel *l = &levels[k];
			int64		usable;

			if (l->key.node_id != oms_int4(i, 1) || l->key.sku_id != oms_int4(i, 2))
				continue;
			l->has_lots = true;
			usable = oms_int8(i, 3) - Max(l->reserved - oms_int8(i, 4), 0);
			l->kept += Max(l->on_hand - l->reserved - usable, 0);
		}
}

/*
 * Open reservations keep of each lot what they hold, and what is there of a
 * lot that is not past: in the order of reservations, those pinned to it
 * (seq 0) first.  What is leaving keeps what it has.
 */
static OmsPlan trim_plan = {
	"WITH live AS MATERIALIZED (SELECT l.reservation_id, l.lot, l.seq, l.qty, r.qty AS held, r.state"
	"  FROM oms.reservation_lot l JOIN oms.reservation r ON r.company_id = l.company_id AND r.reservation_id = l.reservation_id"
	"  WHERE l.company_id = $1 AND l.node_id = $2 AND l.sku_id = $3 AND NOT l.gone AND r.state <> 'closed'),"
	" room AS (SELECT b.lot, CASE WHEN b.expires_on < ($4 AT TIME ZONE y.timezone)::date THEN 0"
	"   ELSE b.on_hand - coalesce((SELECT sum(qty) FROM live WHERE live.lot = b.lot AND state = 'leaving'), 0) END AS qty"
	"  FROM oms.stock_lot b JOIN oms.company y ON y.company_id = b.company_id WHERE b.company_id = $1 AND b.sku_id = $3 AND b.node_id = $2),"
	" a AS (SELECT reservation_id, lot, seq, qty, greatest(least(qty, held - (sum(qty) OVER (PARTITION BY reservation_id ORDER BY seq, lot) - qty)), 0) AS held"
	"  FROM live WHERE state = 'open'),"
	" k AS MATERIALIZED (SELECT a.reservation_id, a.lot, a.qty, greatest(least(a.held, coalesce(room.qty, 0) - (sum(a.held) OVER (PARTITION BY a.lot ORDER BY a.seq > 0, a.reservation_id) - a.held)), 0) AS kept"
	"  FROM a LEFT JOIN room ON room.lot = a.lot),"
	" gone AS (DELETE FROM oms.reservation_lot l USING k WHERE l.company_id = $1 AND l.reservation_id = k.reservation_id AND l.lot = k.lot AND k.kept = 0),"
	" less AS (UPDATE oms.reservation_lot l SET qty = k.kept FROM k WHERE l.company_id = $1 AND l.reservation_id = k.reservation_id AND l.lot = k.lot"
	"  AND k.kept > 0 AND k.kept < k.qty)"
	" SELECT DISTINCT reservation_id FROM k WHERE kept < qty ORDER BY 1",
	4, {INT4OID, INT4OID, INT4OID, TIMESTAMPTZOID}, NULL
};
/* Reservations of the key that lack lots: of those named, or all, by their owners. */
#define WANTING(which) \
	"SELECT r.reservation_id, ((r.qty - coalesce(sum(l.qty), 0)) * 1000)::int8, coalesce(o.channel_id, $4), coalesce(max(l.seq), 0)" \
	" FROM oms.reservation r LEFT JOIN oms.reservation_lot l ON l.company_id = r.company_id AND l.reservation_id = r.reservation_id" \
	" LEFT JOIN oms.allocation a ON a.company_id = r.company_id AND a.allocation_id = r.allocation_id" \
	" LEFT JOIN oms.\"order\" o ON o.company_id = a.company_id AND o.order_id = a.order_id" \
	" WHERE r.company_id = $1 AND r.node_id = $2 AND r.sku_id = $3 AND r.state = 'open'" which \
	" GROUP BY r.reservation_id, r.qty, o.channel_id HAVING r.qty > coalesce(sum(l.qty), 0) ORDER BY r.reservation_id"

static OmsPlan wanting_plan = {
	WANTING(" AND r.reservation_id IN ("
			"  SELECT x.reservation_id FROM oms.allocation w JOIN oms.reservation x ON x.company_id = $1 AND x.allocation_id = w.allocation_id"
			"   WHERE w.company_id = $1 AND w.node_id = $2 AND w.status IN ('reserved', 'released', 'picked', 'packed') AND x.sku_id = $3 UNION"
			"  SELECT x.reservation_id FROM oms.reservation x WHERE x.company_id = $1 AND x.sku_id = $3 AND x.cart_id IS NOT NULL AND x.state = 'open')"),
	4, {INT4OID, INT4OID, INT4OID, INT4OID}, NULL
};
static OmsPlan wanting_these_plan = {
	WANTING(" AND r.reservation_id IN (SELECT unnest($5) UNION"
			"  SELECT x.reservation_id FROM oms.reservation x WHERE x.company_id = $1 AND x.allocation_id = ANY ($6) UNION"
			"  SELECT x.reservation_id FROM oms.reservation x WHERE x.company_id = $1 AND x.cart_id = $7 AND x.state = 'open')"),
	7, {INT4OID, INT4OID, INT4OID, INT4OID, INT8ARRAYOID, INT8ARRAYOID, TEXTOID}, NULL
};
static OmsPlan assign_plan = {
	"WITH b AS (SELECT b.lot, f.free, row_number() OVER o AS seq, sum(f.free) OVER o - f.free AS before"
	"  FROM oms.stock_lot b JOIN oms.sku k ON k.sku_id = b.sku_id JOIN oms.company y ON y.company_id = b.company_id"
	"  LEFT JOIN oms.channel c ON c.channel_id = $6"
	"  CROSS JOIN LATERAL (SELECT b.on_hand - coalesce(sum(l.qty), 0) AS free FROM oms.reservation_lot l JOIN oms.reservation r"
	"    ON r.company_id = l.company_id AND r.reservation_id = l.reservation_id AND r.state <> 'closed'"
	"    WHERE l.company_id = b.company_id AND l.sku_id = b.sku_id AND l.node_id = b.node_id AND l.lot = b.lot AND NOT l.gone) f"
	"  WHERE b.company_id = $1 AND b.sku_id = $3 AND b.node_id = $2 AND f.free > 0 AND " USABLE("$7")
	"  WINDOW o AS (ORDER BY " LOT_ORDER "))"
	" INSERT INTO oms.reservation_lot AS l (company_id, reservation_id, lot, node_id, sku_id, seq, qty)"
	" SELECT $1, $4, b.lot, $2, $3, $8 + b.seq, least(b.free, $5 - b.before) FROM b WHERE b.before < $5"
	" ON CONFLICT (company_id, reservation_id, lot) DO UPDATE SET qty = l.qty + excluded.qty",
	8, {INT4OID, INT4OID, INT4OID, INT8OID, NUMERICOID, INT4OID, TIMESTAMPTZOID, INT4OID}, NULL
};

/* Closed meanwhile: what left is a record, what was given back is none. */
static OmsPlan tidy_plan = {
	"WITH c AS (SELECT l.reservation_id, l.lot, r.close_reason = 'consumed' AS left FROM oms.reservation_lot l JOIN oms.reservation r"
	"   ON r.company_id = l.company_id AND r.reservation_id = l.reservation_id"
	"  WHERE l.company_id = $1 AND l.node_id = $2 AND l.sku_id = $3 AND NOT l.gone AND r.state = 'closed'),"
	" d AS (DELETE FROM oms.reservation_lot l USING c WHERE l.company_id = $1 AND l.reservation_id = c.reservation_id AND l.lot = c.lot AND NOT c.left)"
	" UPDATE oms.reservation_lot l SET gone = true FROM c WHERE l.company_id = $1 AND l.reservation_id = c.reservation_id AND l.lot = c.lot AND c.left",
	3, {INT4OID, INT4OID, INT4OID}, NULL
};

/* Returns the open reservations that lost one. */
static int
trim(int32 company_id, OmsStockKey key, TimestampTz at, int64 **lost)
{
	Datum		values[4] = {
		Int32GetDatum(company_id), Int32GetDatum(key.node_id),
		Int32GetDatum(key.sku_id), TimestampTzGetDatum(at)
	};
	int			n;

	oms_exec(&tidy_plan, values, NULL, false, 0);
	n = (int) oms_exec(&trim_plan, values, NULL, false, 0);
	*lost = palloc(sizeof(int64) * (n + 1));
	for (int i = 0; i < n; i++)
		(*lost)[i] = oms_int8(i, 1);
	return n;
}

void
oms_stock_lots_trim(int32 company_id, OmsStockKey key, TimestampTz at)
{
	int64	   *lost;

	(void) trim(company_id, key, at, &lost);
}

/* $1 to $4 of the plan that found those who want lots are the key's. */
static void
assign(int32 company_id, OmsStockKey key, int n, TimestampTz at)
{
	Datum		values[8] = {
		Int32GetDatum(company_id), Int32GetDatum(key.node_id),
		Int32GetDatum(key.sku_id)
	};
	struct Wanting
	{
		int64		reservation_id;
		int64		qty;
		int32		channel_id;
		int32		seq;
	}		   *w = palloc(sizeof(*w) * (n + 1));

	for (int i = 0; i < n; i++)
	{
		w[i].reservation_id = oms_int8(i, 1);
		w[i].qty = oms_int8(i, 2);
		w[i].channel_id = oms_int4(i, 3);
		w[i].seq = oms_int4(i, 4);
	}
	for (int i = 0; i < n; i++)
	{
		values[3] = Int64GetDatum(w[i].reservation_id);
		values[4] = oms_milli_numeric(w[i].qty);
		values[5] = Int32GetDatum(w[i].channel_id);
		values[6] = TimestampTzGetDatum(at);
		values[7] = Int32GetDatum(w[i].seq);
		oms_exec(&assign_plan, values, NULL, false, 0);
	}
}

void
oms_stock_lots_settle(int32 company_id, OmsStockKey key, TimestampTz at)
{
	Datum		values[4] = {
		Int32GetDatum(company_id), Int32GetDatum(key.node_id),
		Int32GetDatum(key.sku_id), Int32GetDatum(0)
	};

	oms_stock_lots_trim(company_id, key, at);
	assign(company_id, key,
		   (int) oms_exec(&wanting_plan, values, NULL, false, 0), at);
}

void
oms_stock_lots_take(int32 company_id, OmsStockKey key, const int64 *ids,
					int nids, const char *cart_id, int32 channel_id,
					TimestampTz at)
{
	int64	   *lost;
	int			nlost = trim(company_id, key, at, &lost);
	Datum		values[7] = {
		Int32GetDatum(company_id), Int32GetDatum(key.node_id),
		Int32GetDatum(key.sku_id), Int32GetDatum(channel_id),
		oms_int8_array(lost, nlost), oms_int8_array(ids, nids),
		oms_text(cart_id)
	};

	assign(company_id, key,
		   (int) oms_exec(&wanting_these_plan, values,
						  cart_id ? NULL : "      n", false, 0), at);
}

/* Lots together are never more than the count: the first in order give way. */
static OmsPlan fit_plan = {
	"WITH b AS (SELECT b.lot, b.on_hand, sum(b.on_hand) OVER (ORDER BY " LOT_ORDER ") - b.on_hand AS before,"
	"   sum(b.on_hand) OVER () - greatest(s.on_hand, 0) AS over"
	"  FROM oms.stock_lot b JOIN oms.sku k ON k.sku_id = b.sku_id"
	"  JOIN oms.stock s ON s.company_id = b.company_id AND s.node_id = b.node_id AND s.sku_id = b.sku_id"
	"  WHERE b.company_id = $1 AND b.node_id = $2 AND b.sku_id = $3)"
	" UPDATE oms.stock_lot l SET on_hand = l.on_hand - least(b.on_hand, b.over - b.before) FROM b"
	" WHERE l.company_id = $1 AND l.node_id = $2 AND l.sku_id = $3 AND l.lot = b.lot AND b.over > b.before AND b.on_hand > 0",
	3, {INT4OID, INT4OID, INT4OID}, NULL
};

void
oms_stock_lots_fit(int32 company_id, OmsStockKey key)
{
	Datum		values[3] = {
		Int32GetDatum(company_id), Int32GetDatum(key.node_id),
		Int32GetDatum(key.sku_id)
	};

	oms_exec(&fit_plan, values, NULL, false, 0);
}

static OmsPlan depart_plan = {
	"WITH l AS (UPDATE oms.reservation_lot SET gone = ($3 > 0) WHERE company_id = $1 AND reservation_id = $2 RETURNING *)"
	" UPDATE oms.stock_lot b SET on_hand = b.on_hand - least(b.on_hand, l.qty * $3), gone = b.gone AND $3 > 0 FROM l"
	" WHERE l.company_id = $1 AND l.reservation_id = $2 AND b.company_id = $1 AND b.node_id = l.node_id AND b.sku_id = l.sku_id AND b.lot = l.lot",
	3, {INT4OID, INT8OID, INT4OID}, NULL
};

void
oms_stock_lots_move(int32 company_id, int64 reservation_id, bool back)
{
	Datum		values[3] = {
		Int32GetDatum(company_id), Int64GetDatum(reservation_id),
		Int32GetDatum(back ? -1 : 1)
	};

	oms_exec(&depart_plan, values, NULL, false, 0);
}

/*
 * By hand
 */
PG_FUNCTION_INFO_V1(oms_adjust_lot);
PG_FUNCTION_INFO_V1(oms_pin_lot);

static OmsPlan lot_plan = {
	"SELECT (coalesce(sum(on_hand), 0) * 1000)::int8, (coalesce(sum(on_hand) FILTER (WHERE lot = $4), 0) * 1000)::int8"
	" FROM oms.stock_lot WHERE company_id = $1 AND node_id = $2 AND sku_id = $3",
	4, {INT4OID, INT4OID, INT4OID, TEXTOID}, NULL
};
static OmsPlan set_lot_plan = {
	"INSERT INTO oms.stock_lot AS b (company_id, node_id, sku_id, lot, on_hand, expires_on, received_at, unit_cost, pick_rank)"
	" VALUES ($1, $2, $3, $4, $5, $6, coalesce($7, now()), $8, coalesce($9, 0))"
	" ON CONFLICT (company_id, sku_id, node_id, lot) DO UPDATE SET on_hand = excluded.on_hand, gone = false, expires_on = coalesce($6, b.expires_on),"
	" received_at = coalesce($7, b.received_at), unit_cost = coalesce($8, b.unit_cost), pick_rank = coalesce($9, b.pick_rank)",
	9, {INT4OID, INT4OID, INT4OID, TEXTOID, NUMERICOID, DATEOID, TIMESTAMPTZOID, NUMERICOID, INT4OID}, NULL
};
static OmsPlan flag_plan = {
	"UPDATE oms.stock SET has_terms = true, version = version + 1, updated_at = now()"
	" WHERE company_id = $1 AND node_id = $2 AND sku_id = $3",
	3, {INT4OID, INT4OID, INT4OID}, NULL
};

/*
 * oms.adjust_lot(node, sku, lot, on_hand, expires_on, received_at, unit_cost,
 * pick_rank, unlotted, document, company, at)
 */
Datum
oms_adjust_lot(PG_FUNCTION_ARGS)
{
	char	   *node = oms_stock_text_arg(fcinfo, 0);
	char	   *sku = oms_stock_text_arg(fcinfo, 1);
	char	   *lot = oms_stock_text_arg(fcinfo, 2);
	bool		unlotted = !PG_ARGISNULL(8) && PG_GETARG_BOOL(8);
	int32		company_id;
	OmsStockKey key;
	OmsStockLevel level;
	bool		erp;
	bool		kit;
	int64		on_hand;
	int64		all;
	int64		delta;
	Datum		values[9];
	char		nulls[10] = "         ";
	TimestampTz at = PG_ARGISNULL(11) ? GetCurrentTransactionStartTimestamp() :
	PG_GETARG_TIMESTAMPTZ(11);

	oms_require_installed();
	company_id = oms_company_id(oms_stock_text_arg(fcinfo, 10));
	key.node_id = oms_stock_find_node(company_id, node, &erp);
	key.sku_id = oms_stock_find_sku(company_id, sku, &kit);
	if (kit)
		oms_stock_refuse_argument("sku", "is a kit and has no stock of its own", "Name its components (oms.kit_component).");
	if (lot == NULL || lot[strspn(lot, " ")] == '\0' || strlen(lot) > 200)
		oms_stock_refuse_argument("lot", "is missing or longer than 200 bytes", "The number printed on the batch.");
	if (PG_ARGISNULL(3))
		oms_stock_refuse_argument("on_hand", "is missing", "A number of stock units, not below zero.");
	on_hand = oms_stock_quantity_arg(fcinfo, 3, "on_hand", 0);
	if (!PG_ARGISNULL(6) && oms_paise_arg(PG_GETARG_DATUM(6), "unit_cost") < 0)
		oms_stock_refuse_argument("unit_cost", "is below zero", "What one unit cost, or NULL where it is not known.");
	if (!PG_ARGISNULL(4) && DATE_NOT_FINITE(PG_GETARG_DATEADT(4)))
		oms_stock_refuse_argument("expires_on", "is not finite", "The last day of use, or NULL where there is none.");
	if (!PG_ARGISNULL(5) && TIMESTAMP_NOT_FINITE(PG_GETARG_TIMESTAMPTZ(5)))
		oms_stock_refuse_argument("received_at", "is not finite", "The moment at which it came.");
	if (TIMESTAMP_NOT_FINITE(at))
		oms_stock_refuse_argument("at", "is not finite", "The moment it is said at.");

	oms_spi_connect();
	oms_stock_lock_key(company_id, key, &level);
	values[0] = Int32GetDatum(company_id);
	values[1] = Int32GetDatum(key.node_id);
	values[2] = Int32GetDatum(key.sku_id);
	values[3] = oms_text(lot);
	oms_exec(&lot_plan, values, NULL, false, 1);
	all = oms_int8(0, 1);
	delta = on_hand - oms_int8(0, 2);
	if (erp && delta != 0 && oms_stock_erp.states_lots &&
		oms_stock_erp.states_lots(company_id))
		ereport(ERROR,
				(errcode(ERRCODE_OMS_INVALID_DOCUMENT),
				 errmsg("the ERP says which lots of \"%s\" stand at node \"%s\"", sku, node),
				 errdetail("Of lot \"%s\" it states %s.", lot,
						   DatumGetCString(DirectFunctionCall1(numeric_out, oms_milli_numeric(on_hand - delta)))),
				 errhint("Book it there. What it does not say of a lot may be set here, with the quantity it states.")));
	/* where the ERP counts, and for what stands there already, only the name */
	if ((erp || unlotted) && all + delta > level.on_hand)
		ereport(ERROR,
				(errcode(ERRCODE_OMS_INVALID_DOCUMENT),
				 errmsg("there are not so many units of \"%s\" without a lot at node \"%s\"", sku, node),
				 errdetail("The count is %s, in other lots %s.",
						   DatumGetCString(DirectFunctionCall1(numeric_out, oms_milli_numeric(level.on_hand))),
						   DatumGetCString(DirectFunctionCall1(numeric_out, oms_milli_numeric(all - (on_hand - delta))))),
				 errhint(erp ? "The ERP counts here: its count comes first." : "Without unlotted they are counted as new.")));
	values[4] = oms_milli_numeric(on_hand);
	for (int i = 0; i < 4; i++)
	{
		nulls[5 + i] = PG_ARGISNULL(4 + i) ? 'n' : ' ';
		values[5 + i] = PG_ARGISNULL(4 + i) ? (Datum) 0 : PG_GETARG_DATUM(4 + i);
	}
	oms_exec(&set_lot_plan, values, nulls, false, 0);
	oms_exec(&flag_plan, values, NULL, false, 0);
	if (!erp && !unlotted && delta != 0)
		oms_stock_count(company_id, key, level.on_hand + delta, "adjust",
						oms_stock_text_arg(fcinfo, 9) ? oms_stock_text_arg(fcinfo, 9) :
						psprintf("lot %s", lot));
	oms_stock_lots_settle(company_id, key, at);
	oms_spi_finish();
	PG_RETURN_DATUM(oms_milli_numeric(delta));
}

static OmsPlan held_plan = {
	"SELECT r.reservation_id, (r.qty * 1000)::int8, r.node_id, r.sku_id, a.order_id FROM oms.allocation a"
	" LEFT JOIN oms.reservation r ON r.company_id = a.company_id AND r.allocation_id = a.allocation_id AND r.state = 'open'"
	" WHERE a.company_id = $1 AND a.allocation_id = $2 ORDER BY r.reservation_id",
	2, {INT4OID, INT8OID}, NULL
};
static OmsPlan room_plan = {
	"SELECT (b.on_hand * 1000)::int8, (coalesce(sum(l.qty), 0) * 1000)::int8, (coalesce(sum(l.qty) FILTER (WHERE r.state = 'leaving'), 0) * 1000)::int8,"
	" b.expires_on < ($6 AT TIME ZONE y.timezone)::date, b.expires_on"
	" FROM oms.stock_lot b JOIN oms.company y ON y.company_id = b.company_id LEFT JOIN (oms.reservation_lot l JOIN oms.reservation r"
	"  ON r.company_id = l.company_id AND r.reservation_id = l.reservation_id AND r.state <> 'closed' AND NOT l.gone AND r.reservation_id <> $5)"
	"  ON l.company_id = b.company_id AND l.sku_id = b.sku_id AND l.node_id = b.node_id AND l.lot = b.lot"
	" WHERE b.company_id = $1 AND b.node_id = $2 AND b.sku_id = $3 AND b.lot = $4 GROUP BY b.on_hand, b.expires_on, y.timezone",
	6, {INT4OID, INT4OID, INT4OID, TEXTOID, INT8OID, TIMESTAMPTZOID}, NULL
};
/* $6 units of the lot, from who was last to get it */
static OmsPlan displace_plan = {
	"WITH o AS (SELECT l.reservation_id, l.qty, sum(l.qty) OVER (ORDER BY l.reservation_id DESC) - l.qty AS before"
	"  FROM oms.reservation_lot l JOIN oms.reservation r ON r.company_id = l.company_id AND r.reservation_id = l.reservation_id AND r.state = 'open'"
	"  WHERE l.company_id = $1 AND l.node_id = $2 AND l.sku_id = $3 AND l.lot = $4 AND NOT l.gone AND l.reservation_id <> $5),"
	" whole AS (DELETE FROM oms.reservation_lot l USING o WHERE l.company_id = $1 AND l.reservation_id = o.reservation_id AND l.lot = $4"
	"  AND o.before + o.qty <= $6)"
	" UPDATE oms.reservation_lot l SET qty = l.qty - ($6 - o.before) FROM o WHERE l.company_id = $1 AND l.reservation_id = o.reservation_id"
	" AND l.lot = $4 AND o.before < $6 AND o.before + o.qty > $6",
	6, {INT4OID, INT4OID, INT4OID, TEXTOID, INT8OID, NUMERICOID}, NULL
};
static OmsPlan pin_plan = {
	"WITH old AS (DELETE FROM oms.reservation_lot WHERE company_id = $1 AND reservation_id = $5 AND lot <> $4)"
	" INSERT INTO oms.reservation_lot AS l (company_id, reservation_id, lot, node_id, sku_id, seq, qty) VALUES ($1, $5, $4, $2, $3, 0, $6)"
	" ON CONFLICT (company_id, reservation_id, lot) DO UPDATE SET seq = 0, qty = excluded.qty",
	6, {INT4OID, INT4OID, INT4OID, TEXTOID, INT8OID, NUMERICOID}, NULL
};

/* oms.pin_lot(allocation_id, lot, displace, company, at) */
Datum
oms_pin_lot(PG_FUNCTION_ARGS)
{
	int32		company_id;
	int64		allocation_id = oms_id_arg(fcinfo, 0, "allocation_id");
	char	   *lot = oms_stock_text_arg(fcinfo, 1);
	bool		displace = !PG_ARGISNULL(2) && PG_GETARG_BOOL(2);
	Datum		values[6];
	OmsStockKey key;
	OmsStockLevel level;
	int64		qty;
	int64		over;
	uint64		held;
	TimestampTz at = PG_ARGISNULL(4) ? GetCurrentTransactionStartTimestamp() :
	PG_GETARG_TIMESTAMPTZ(4);

	oms_require_installed();
	company_id = oms_company_id(oms_stock_text_arg(fcinfo, 3));
	if (lot == NULL)
		oms_stock_refuse_argument("lot", "is missing", "The lots are the rows of oms.stock_lot.");
	oms_spi_connect();
	values[0] = Int32GetDatum(company_id);
	values[1] = Int64GetDatum(allocation_id);
	if (oms_exec(&held_plan, values, NULL, false, 0) == 0)
		ereport(ERROR,
				(errcode(ERRCODE_OMS_UNKNOWN_REFERENCE),
				 errmsg("allocation " INT64_FORMAT " does not exist", allocation_id),
				 errhint("Allocations are the rows of oms.allocation.")));
	oms_order_lock(company_id, oms_int8(0, 5));
	held = oms_exec(&held_plan, values, NULL, false, 0);
	if (held != 1 || oms_isnull(0, 1))
		ereport(ERROR,
				(errcode(ERRCODE_OMS_STATUS_MOVE),
				 errmsg("allocation " INT64_FORMAT " does not hold one item at a node", allocation_id),
				 errdetail("It holds " UINT64_FORMAT ".", oms_isnull(0, 1) ? (uint64) 0 : held),
				 errhint("Only what is reserved and not handed over gets a lot; of kits the components do.")));
	key.node_id = oms_int4(0, 3);
	key.sku_id = oms_int4(0, 4);
	values[4] = Int64GetDatum(oms_int8(0, 1));
	qty = oms_int8(0, 2);
	oms_stock_lock_key(company_id, key, &level);
	values[1] = Int32GetDatum(key.node_id);
	values[2] = Int32GetDatum(key.sku_id);
	values[3] = oms_text(lot);
	values[5] = TimestampTzGetDatum(at);
	if (oms_exec(&room_plan, values, NULL, false, 1) == 0)
		ereport(ERROR,
				(errcode(ERRCODE_OMS_UNKNOWN_REFERENCE),
				 errmsg("lot \"%s\" is not there", lot),
				 errhint("The lots are the rows of oms.stock_lot.")));
	/* it would lose the lot again at once */
	if (oms_bool(0, 4))
		ereport(ERROR,
				(errcode(ERRCODE_OMS_OUT_OF_STOCK),
				 errmsg("lot \"%s\" may not be used any more", lot),
				 errdetail("Its last day was %s.", oms_cstr(0, 5)),
				 errhint("Take another lot.")));
	over = qty - (oms_int8(0, 1) - oms_int8(0, 2));
	if (over > (displace ? oms_int8(0, 2) - oms_int8(0, 3) : 0))
		ereport(ERROR,
				(errcode(ERRCODE_OMS_OUT_OF_STOCK),
				 errmsg("lot \"%s\" has not enough for the allocation", lot),
				 errdetail("Asked %s, short by %s.",
						   DatumGetCString(DirectFunctionCall1(numeric_out, oms_milli_numeric(qty))),
						   DatumGetCString(DirectFunctionCall1(numeric_out, oms_milli_numeric(over)))),
				 errhint(displace ? "Take another lot." : "Take another lot, or displace those who have it.")));
	values[5] = oms_milli_numeric(over);
	if (over > 0)
		oms_exec(&displace_plan, values, NULL, false, 0);
	values[5] = oms_milli_numeric(qty);
	oms_exec(&pin_plan, values, NULL, false, 0);
	oms_stock_lots_settle(company_id, key, at);
	oms_spi_finish();
	PG_RETURN_VOID();
}
