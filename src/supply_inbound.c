/*
 * supply_inbound.c
 *	  What people and ERPs say of supply: stated, changed, come.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "fmgr.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/timestamp.h"

#include "orders.h"
#include "stock_sql.h"
#include "supply.h"

PG_FUNCTION_INFO_V1(oms_set_inbound);
PG_FUNCTION_INFO_V1(oms_receive_inbound);
PG_FUNCTION_INFO_V1(oms_repeg_supply);

static OmsPlan find_plan = {
	"SELECT i.inbound_id, i.node_id, i.sku_id, (i.qty * 1000)::int8, i.state, n.stock_from = 'erp', i.erp_key IS NOT NULL FROM oms.inbound i JOIN oms.node n ON n.node_id = i.node_id"
	" WHERE i.company_id = $1 AND i.ref = $2",
	2, {INT4OID, TEXTOID}, NULL
};
static OmsPlan set_plan = {
	"INSERT INTO oms.inbound AS i (company_id, ref, node_id, sku_id, qty, due_at, ready_at, document, state)"
	" VALUES ($1, $2, $3, $4, $5, $6, $7, $8, CASE WHEN $5 > 0 THEN 'expected' ELSE 'cancelled' END)"
	" ON CONFLICT (company_id, ref) DO UPDATE SET qty = excluded.qty, due_at = excluded.due_at, ready_at = excluded.ready_at,"
	" document = coalesce(excluded.document, i.document), version = i.version + 1, updated_at = now(),"
	" state = CASE WHEN excluded.qty > 0 THEN 'expected' WHEN i.received_qty > 0 THEN 'received' ELSE 'cancelled' END"
	" WHERE i.node_id = excluded.node_id AND i.sku_id = excluded.sku_id"
	" RETURNING inbound_id",
	8, {INT4OID, TEXTOID, INT4OID, INT4OID, NUMERICOID, TIMESTAMPTZOID, TIMESTAMPTZOID, TEXTOID}, NULL
};

/* So many working days of the company after a moment, at its time of day. */
static TimestampTz
ready_after(int32 company_id, TimestampTz due, int days)
{
	OmsCalendar cal;
	DateADT		day;
	TimeADT		time;

	if (days == 0)
		return due;
	oms_calendar_load(company_id, due, false, &cal);
	day = oms_calendar_day(&cal, due, &time);
	return oms_calendar_moment(&cal, oms_calendar_add(&cal, day, days), time);
}

static char *
ref_arg(FunctionCallInfo fcinfo, int arg, const char *name)
{
	char	   *ref = oms_stock_text_arg(fcinfo, arg);

	if (ref == NULL || ref[strspn(ref, " ")] == '\0' || strlen(ref) > 200)
		oms_stock_refuse_argument(name, "is missing or longer than 200 bytes",
								  "Your own number of it: sent twice it counts once.");
	return ref;
}

/*
 * oms.set_inbound(ref, node, sku, qty, due_at, lead_minutes, document,
 * company, at, lead_days)
 */
Datum
oms_set_inbound(PG_FUNCTION_ARGS)
{
	char	   *ref;
	char	   *sku = oms_stock_text_arg(fcinfo, 2);
	char	   *document = oms_stock_text_arg(fcinfo, 6);
	int32		company_id;
	int32		sku_id;
	int32		lead = PG_ARGISNULL(5) ? 0 : PG_GETARG_INT32(5);
	bool		flag;
	bool		kit;
	Datum		values[8];
	int64		inbound_id;
	TimestampTz at = PG_ARGISNULL(8) ? GetCurrentTransactionStartTimestamp() :
	PG_GETARG_TIMESTAMPTZ(8);

	oms_require_installed();
	ref = ref_arg(fcinfo, 0, "ref");
	company_id = oms_company_id(oms_stock_text_arg(fcinfo, 7));
	if (PG_ARGISNULL(3))
		oms_stock_refuse_argument("qty", "is missing", "The units still expected; 0 cancels.");
	if (PG_ARGISNULL(4) || TIMESTAMP_NOT_FINITE(PG_GETARG_TIMESTAMPTZ(4)))
		oms_stock_refuse_argument("due_at", "is missing or not finite", "The moment at which it arrives.");
	if (lead < 0 || lead > 525600)
		oms_stock_refuse_argument("lead_minutes", "is not between 0 and 525,600", "Minutes from arrival until it can be picked.");
	if (!PG_ARGISNULL(9) && (PG_GETARG_INT32(9) < 0 || PG_GETARG_INT32(9) > 60))
		oms_stock_refuse_argument("lead_days", "is not between 0 and 60", "Working days from arrival until it can be picked.");
	values[0] = Int32GetDatum(company_id);
	values[1] = oms_text(ref);
	values[2] = Int32GetDatum(oms_stock_find_node(company_id, oms_stock_text_arg(fcinfo, 1), &flag));
	sku_id = oms_stock_find_sku(company_id, sku, &kit);
	if (kit)
		oms_stock_refuse_argument("sku", "is a kit and has no stock of its own", "Name its components (oms.kit_component).");
	values[3] = Int32GetDatum(sku_id);
	values[4] = oms_milli_numeric(oms_stock_quantity_arg(fcinfo, 3, "qty", 0));
	values[5] = PG_GETARG_DATUM(4);
	values[6] = TimestampTzGetDatum(ready_after(company_id,
												PG_GETARG_TIMESTAMPTZ(4),
												PG_ARGISNULL(9) ? 0 : PG_GETARG_INT32(9)) +
									(int64) lead * USECS_PER_MINUTE);
	values[7] = oms_text(document);
	oms_spi_connect();
	oms_supply_lock(company_id, sku_id);
	if (oms_exec(&set_plan, values, document ? NULL : "       n", false, 0) == 0)
		ereport(ERROR,
				(errcode(ERRCODE_OMS_CONFLICTING_DUPLICATE),
				 errmsg("supply \"%s\" is of another node or item", ref),
				 errdetail("Argument ref."),
				 errhint("Cancel it (qty 0) and give the new one a number of its own.")));
	inbound_id = oms_int8(0, 1);
	oms_supply_repeg(company_id, sku_id, at);
	oms_spi_finish();
	PG_RETURN_INT64(inbound_id);
}

static OmsPlan receipt_plan = {
	"SELECT inbound_id, (qty * 1000)::int8, filled FROM oms.inbound_receipt WHERE company_id = $1 AND receipt_id = $2",
	2, {INT4OID, TEXTOID}, NULL
};
static OmsPlan keep_receipt_plan = {
	"INSERT INTO oms.inbound_receipt (company_id, receipt_id, inbound_id, qty) VALUES ($1, $2, $3, $4)",
	4, {INT4OID, TEXTOID, INT8OID, NUMERICOID}, NULL
};
static OmsPlan filled_plan = {
	"UPDATE oms.inbound_receipt SET filled = $3 WHERE company_id = $1 AND receipt_id = $2",
	3, {INT4OID, TEXTOID, INT4OID}, NULL
};
static OmsPlan received_plan = {
	"UPDATE oms.inbound SET received_qty = received_qty + $3, qty = greatest(qty - $3, 0), version = version + 1, updated_at = now(),"
	" state = CASE WHEN qty > $3 THEN 'expected' ELSE 'received' END"
	" WHERE company_id = $1 AND inbound_id = $2",
	3, {INT4OID, INT8OID, NUMERICOID}, NULL
};

/* Fills what waits for the item, without waiting for who works on orders. */
static int
fill_waiting(int32 company_id, int32 sku_id, TimestampTz at)
{
	int			nest = NewGUCNestLevel();
	int			filled;

	(void) set_config_option("lock_timeout", "50ms", PGC_USERSET,
							 PGC_S_SESSION, GUC_ACTION_SAVE, true, 0, false);
	filled = oms_orders_retry(1000, at, company_id, sku_id);
	AtEOXact_GUC(true, nest);
	return filled;
}

/* oms.receive_inbound(ref, qty, receipt_id, company, at) */
Datum
oms_receive_inbound(PG_FUNCTION_ARGS)
{
	char	   *ref;
	char	   *receipt_id;
	int32		company_id;
	int64		inbound_id;
	int64		qty;
	OmsStockKey key;
	OmsStockLevel level;
	bool		erp;
	bool		known;
	int			filled = 0;
	Datum		values[4];
	TimestampTz at = PG_ARGISNULL(4) ? GetCurrentTransactionStartTimestamp() :
	PG_GETARG_TIMESTAMPTZ(4);

	oms_require_installed();
	ref = ref_arg(fcinfo, 0, "ref");
	receipt_id = ref_arg(fcinfo, 2, "receipt_id");
	company_id = oms_company_id(oms_stock_text_arg(fcinfo, 3));
	qty = oms_stock_quantity_arg(fcinfo, 1, "qty", 0);
	if (qty == 0)
		oms_stock_refuse_argument("qty", "is missing or zero", "The units that came; oms.set_inbound says what is still expected.");
	oms_spi_connect();
	values[0] = Int32GetDatum(company_id);
	values[1] = oms_text(ref);
	if (oms_exec(&find_plan, values, NULL, false, 1) == 0)
		ereport(ERROR,
				(errcode(ERRCODE_OMS_UNKNOWN_REFERENCE),
				 errmsg("supply \"%s\" does not exist", ref),
				 errhint("Supplies are the rows of oms.inbound, made by oms.set_inbound().")));
	inbound_id = oms_int8(0, 1);
	key.node_id = oms_int4(0, 2);
	key.sku_id = oms_int4(0, 3);
	erp = oms_bool(0, 6);
	if (oms_bool(0, 7))
		ereport(ERROR,
				(errcode(ERRCODE_OMS_INVALID_DOCUMENT),
				 errmsg("supply \"%s\" is the ERP's", ref),
				 errdetail("Argument ref: its quantity is what the ERP says is still to come."),
				 errhint("Book the receipt in the ERP; it is taken in by itself.")));

	/* the same receipt twice at once: the second waits here */
	oms_early_release_mark();
	oms_stock_lock_key(company_id, key, &level);
	values[1] = oms_text(receipt_id);
	known = oms_exec(&receipt_plan, values, NULL, false, 1) > 0;
	if (known && (oms_int8(0, 1) != inbound_id || oms_int8(0, 2) != qty))
		ereport(ERROR,
				(errcode(ERRCODE_OMS_CONFLICTING_DUPLICATE),
				 errmsg("receipt \"%s\" came before with another content", receipt_id),
				 errdetail("Argument receipt_id."),
				 errhint("Each receipt has a number of its own.")));
	if (known)
	{
		filled = oms_int4(0, 3);
		oms_spi_finish();
		PG_RETURN_INT32(filled);
	}
	values[2] = Int64GetDatum(inbound_id);
	values[3] = oms_milli_numeric(qty);
	oms_exec(&keep_receipt_plan, values, NULL, false, 0);
	oms_supply_lock(company_id, key.sku_id);
	values[1] = Int64GetDatum(inbound_id);
	values[2] = oms_milli_numeric(qty);
	oms_exec(&received_plan, values, NULL, false, 0);
	if (!erp)
	{
		oms_stock_count(company_id, key, level.on_hand + qty, "receipt", ref);
		filled = fill_waiting(company_id, key.sku_id, at);
		values[1] = oms_text(receipt_id);
		values[2] = Int32GetDatum(filled);
		oms_exec(&filled_plan, values, NULL, false, 0);
	}
	oms_supply_repeg(company_id, key.sku_id, at);
	oms_spi_finish();
	PG_RETURN_INT32(filled);
}

/*
 * Items whose pegs are not what they would be made anew: of allocations that
 * count no more, of more than waits, of less while there is supply, or of a
 * later supply than a less urgent order's.
 */
static OmsPlan unsettled_plan = {
	"WITH live AS (SELECT i.company_id, i.sku_id, i.inbound_id, i.qty, coalesce((SELECT sum(p.qty) FROM oms.supply_peg p"
	"   JOIN oms.allocation a ON a.company_id = p.company_id AND a.allocation_id = p.allocation_id AND a.status IN " OMS_PEG_LIVE
	"   WHERE p.company_id = i.company_id AND p.inbound_id = i.inbound_id), 0) AS pegged,"
	"   coalesce((SELECT sum(p.qty) FROM oms.supply_peg p WHERE p.company_id = i.company_id AND p.inbound_id = i.inbound_id), 0) AS kept"
	"  FROM oms.inbound i WHERE i.state = 'expected' AND ($1 = 0 OR i.company_id = $1) AND ($2 = 0 OR i.sku_id = $2)),"
	" waiting AS (SELECT a.company_id, coalesce(k.sku_id, a.sku_id) AS sku_id, a.allocation_id, a.qty * coalesce(k.qty, 1) AS qty, o.priority, a.promised_at"
	"  FROM oms.allocation a JOIN oms.\"order\" o ON o.company_id = a.company_id AND o.order_id = a.order_id"
	"  LEFT JOIN oms.kit_component k ON k.company_id = a.company_id AND k.kit_sku_id = a.sku_id"
	"  WHERE a.status = 'backordered')"
	" SELECT DISTINCT l.company_id, l.sku_id FROM live l"
	" WHERE l.kept <> l.pegged"
	"  OR EXISTS (SELECT FROM waiting w WHERE w.company_id = l.company_id AND w.sku_id = l.sku_id"
	"   AND w.qty < (SELECT coalesce(sum(p.qty), 0) FROM oms.supply_peg p JOIN oms.inbound i"
	"    ON i.company_id = p.company_id AND i.inbound_id = p.inbound_id AND i.sku_id = l.sku_id"
	"    WHERE p.company_id = w.company_id AND p.allocation_id = w.allocation_id))"
	"  OR (l.pegged < l.qty AND EXISTS (SELECT FROM waiting w WHERE w.company_id = l.company_id AND w.sku_id = l.sku_id"
	"   AND (w.promised_at IS NULL OR w.qty > (SELECT coalesce(sum(p.qty), 0) FROM oms.supply_peg p JOIN oms.inbound i"
	"    ON i.company_id = p.company_id AND i.inbound_id = p.inbound_id AND i.sku_id = l.sku_id"
	"    WHERE p.company_id = w.company_id AND p.allocation_id = w.allocation_id))))"
	"  OR EXISTS (SELECT FROM waiting w JOIN waiting v ON v.company_id = w.company_id AND v.sku_id = w.sku_id AND v.priority < w.priority"
	"   AND v.promised_at < coalesce(w.promised_at, 'infinity') WHERE w.company_id = l.company_id AND w.sku_id = l.sku_id)"
	" ORDER BY 1, 2",
	2, {INT4OID, INT4OID}, NULL
};

/* oms.repeg_supply(sku, company, at) */
Datum
oms_repeg_supply(PG_FUNCTION_ARGS)
{
	char	   *sku = oms_stock_text_arg(fcinfo, 0);
	char	   *company = oms_stock_text_arg(fcinfo, 1);
	bool		kit;
	Datum		values[2] = {Int32GetDatum(0), Int32GetDatum(0)};
	int			n;
	int32	   *keys;
	int			changed = 0;
	TimestampTz at = PG_ARGISNULL(2) ? GetCurrentTransactionStartTimestamp() :
	PG_GETARG_TIMESTAMPTZ(2);

	oms_require_installed();
	if (sku || company)
		values[0] = Int32GetDatum(oms_company_id(company));
	if (sku)
		values[1] = Int32GetDatum(oms_stock_find_sku(DatumGetInt32(values[0]), sku, &kit));
	oms_spi_connect();
	n = (int) oms_exec(&unsettled_plan, values, NULL, false, 0);
	keys = palloc(sizeof(int32) * 2 * (n + 1));
	for (int i = 0; i < n; i++)
	{
		keys[2 * i] = oms_int4(i, 1);
		keys[2 * i + 1] = oms_int4(i, 2);
	}
	for (int i = 0; i < n; i++)
		changed += oms_supply_repeg(keys[2 * i], keys[2 * i + 1], at);
	oms_spi_finish();
	PG_RETURN_INT32(changed);
}
