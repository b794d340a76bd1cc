/*
 * order_change.c
 *	  Orders after capture: holds, payment, release, cancellation, and
 *	  backorders tried again.
 *
 * Every call takes the order's row lock first, so calls on one order follow
 * one another; asked twice, the second changes nothing.
 */
#include "postgres.h"

#include "access/xact.h"
#include "catalog/pg_type.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/date.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#include "allocation.h"
#include "orders.h"

static int32 company_arg(FunctionCallInfo fcinfo, int arg);
static char *text_arg(FunctionCallInfo fcinfo, int arg);
static char *order_status_now(int32 company_id, int64 order_id);
static void cancel(int32 company_id, int64 order_id, const char *reason);

/*
 * Holds
 */
static OmsPlan lift_plan = {
	"UPDATE oms.order_hold SET resolved_at = now(), resolution = $4, resolved_by = $5"
	" WHERE company_id = $1 AND order_id = $2 AND ($3 IS NULL OR hold = $3) AND resolved_at IS NULL RETURNING hold",
	5, {INT4OID, INT8OID, TEXTOID, TEXTOID, TEXTOID}, NULL
};

static int
resolve_holds(int32 company_id, int64 order_id, const char *hold,
			  const char *resolution, const char *by)
{
	Datum		values[5] = {
		Int32GetDatum(company_id), Int64GetDatum(order_id), oms_text(hold),
		oms_text(resolution), oms_text(by)
	};
	char		nulls[6] = "     ";
	int			n;

	nulls[2] = hold ? ' ' : 'n';
	nulls[4] = by ? ' ' : 'n';
	oms_spi_connect();
	n = (int) oms_exec(&lift_plan, values, nulls, false, 0);
	if (n > 0)
	{
		OmsJson		j;

		oms_json_begin(&j);
		oms_json_array(&j, "holds");
		for (int i = 0; i < n; i++)
		{
			oms_json_object(&j, NULL);
			oms_json_str(&j, "hold", oms_cstr(i, 1));
			oms_json_close_object(&j);
		}
		oms_json_close_array(&j);
		oms_event(company_id, "order", order_id,
				  resolution[0] == 'l' ? "order.hold_lifted" : "order.hold_rejected",
				  oms_json_end(&j));
	}
	oms_spi_finish();
	return n;
}

PG_FUNCTION_INFO_V1(oms_lift_hold);

/* oms.lift_hold(order_id, hold, by, company) returns text */
Datum
oms_lift_hold(PG_FUNCTION_ARGS)
{
	int32		company_id = company_arg(fcinfo, 3);
	int64		order_id = PG_GETARG_INT64(0);

	oms_order_lock(company_id, order_id);
	resolve_holds(company_id, order_id, text_arg(fcinfo, 1), "lifted",
				  text_arg(fcinfo, 2));
	oms_order_refresh(company_id, order_id);
	PG_RETURN_DATUM(oms_text(order_status_now(company_id, order_id)));
}

PG_FUNCTION_INFO_V1(oms_reject_hold);

/* oms.reject_hold(order_id, hold, by, company) returns text */
Datum
oms_reject_hold(PG_FUNCTION_ARGS)
{
	int32		company_id = company_arg(fcinfo, 3);
	int64		order_id = PG_GETARG_INT64(0);

	oms_order_lock(company_id, order_id);
	if (resolve_holds(company_id, order_id, text_arg(fcinfo, 1), "rejected",
					  text_arg(fcinfo, 2)) > 0)
		cancel(company_id, order_id, "HOLD_REJECTED");
	PG_RETURN_DATUM(oms_text(order_status_now(company_id, order_id)));
}

/*
 * Payment: a COD order paid ahead is prepaid from here on, and what held it
 * for the cash is lifted.
 */
static OmsPlan pay_plan = {
	"UPDATE oms.\"order\" SET paid_amount = paid_amount + $3,"
	" payment_mode = CASE WHEN paid_amount + $3 >= total_amount THEN 'PREPAID' ELSE payment_mode END"
	" WHERE company_id = $1 AND order_id = $2 AND paid_amount + $3 <= total_amount"
	" RETURNING paid_amount >= total_amount",
	3, {INT4OID, INT8OID, NUMERICOID}, NULL
};
static OmsPlan collect_plan = {
	"UPDATE oms.shipment SET cod_amount = 0, cod_fee = 0 WHERE company_id = $1 AND order_id = $2 AND state = 'PLANNED'",
	2, {INT4OID, INT8OID}, NULL
};
static OmsPlan cod_open_plan = {
	"UPDATE oms.customer c SET cod_open = greatest(c.cod_open - 1, 0) FROM oms.\"order\" o"
	" WHERE o.company_id = $1 AND o.order_id = $2 AND c.customer_id = o.customer_id",
	2, {INT4OID, INT8OID}, NULL
};
static OmsPlan mode_plan = {
	"SELECT payment_mode = 'COD', fulfilment_mode = 'SHIP' FROM oms.\"order\" WHERE company_id = $1 AND order_id = $2",
	2, {INT4OID, INT8OID}, NULL
};

PG_FUNCTION_INFO_V1(oms_pay_order);

/* oms.pay_order(order_id, amount, reference, company) returns text */
Datum
oms_pay_order(PG_FUNCTION_ARGS)
{
	int32		company_id = company_arg(fcinfo, 3);
	int64		order_id = PG_GETARG_INT64(0);
	Datum		values[3] = {Int32GetDatum(company_id), PG_GETARG_DATUM(0), PG_GETARG_DATUM(1)};
	int64		amount = PG_ARGISNULL(1) ? 0 : oms_numeric_to_paise(values[2]);
	bool		was_cod;
	OmsJson		j;

	if (amount <= 0)
		ereport(ERROR,
				(errcode(ERRCODE_OMS_INVALID_DOCUMENT),
				 errmsg("amount must be above zero"),
				 errdetail("Argument amount."),
				 errhint("Rupees, at most what is due.")));
	oms_order_lock(company_id, order_id);
	if (strcmp(order_status_now(company_id, order_id), "cancelled") == 0)
		ereport(ERROR,
				(errcode(ERRCODE_OMS_STATUS_MOVE),
				 errmsg("order " INT64_FORMAT " is cancelled and takes no payment", order_id),
				 errdetail("The payment was not booked."),
				 errhint("Give it back to the buyer where it was received.")));
	oms_spi_connect();
	oms_exec(&mode_plan, values, NULL, false, 1);
	was_cod = oms_bool(0, 1) && oms_bool(0, 2);
	if (oms_exec(&pay_plan, values, NULL, false, 0) == 0)
		ereport(ERROR,
				(errcode(ERRCODE_OMS_INVALID_DOCUMENT),
				 errmsg("more would be paid than order " INT64_FORMAT " costs", order_id),
				 errdetail("Argument amount is above what is due."),
				 errhint("oms.\"order\" has total_amount and paid_amount.")));
	if (oms_bool(0, 1))
	{
		oms_exec(&collect_plan, values, NULL, false, 0);
		if (was_cod)
			oms_exec(&cod_open_plan, values, NULL, false, 0);
		resolve_holds(company_id, order_id, "PREPAID_ONLY", "lifted", "payment");
		resolve_holds(company_id, order_id, "COD_CONFIRM", "lifted", "payment");
		resolve_holds(company_id, order_id, "PAYMENT", "lifted", "payment");
	}
	oms_json_begin(&j);
	oms_json_paise(&j, "amount", amount);
	oms_json_str(&j, "reference", text_arg(fcinfo, 2));
	oms_event(company_id, "order", order_id, "order.paid", oms_json_end(&j));
	oms_spi_finish();
	oms_order_refresh(company_id, order_id);
	PG_RETURN_DATUM(oms_text(order_status_now(company_id, order_id)));
}

/*
 * Release: to the nodes, for picking.
 */
static OmsPlan releasable_plan = {
	"SELECT allocation_id FROM oms.allocation WHERE company_id = $1 AND order_id = $2 AND status = 'reserved' ORDER BY allocation_id",
	2, {INT4OID, INT8OID}, NULL
};

PG_FUNCTION_INFO_V1(oms_release_order);

/* oms.release_order(order_id, company) returns text */
Datum
oms_release_order(PG_FUNCTION_ARGS)
{
	int32		company_id = company_arg(fcinfo, 1);
	int64		order_id = PG_GETARG_INT64(0);
	Datum		values[2] = {Int32GetDatum(company_id), Int64GetDatum(order_id)};
	int			n;
	int64	   *ids;

	oms_order_lock(company_id, order_id);
	oms_order_check_holds(company_id, order_id);
	oms_spi_connect();
	n = (int) oms_exec(&releasable_plan, values, NULL, false, 0);
	ids = palloc(sizeof(int64) * (n + 1));
	for (int i = 0; i < n; i++)
		ids[i] = oms_int8(i, 1);
	for (int i = 0; i < n; i++)
		oms_allocation_move(company_id, ids[i], "released");
	oms_spi_finish();
	oms_order_refresh(company_id, order_id);
	PG_RETURN_DATUM(oms_text(order_status_now(company_id, order_id)));
}

/*
 * Cancellation: everything not yet handed over; its stock goes back and what
 * was paid for it is owed to the buyer.
 */
static OmsPlan cancellable_plan = {
	"SELECT allocation_id, status FROM oms.allocation WHERE company_id = $1 AND order_id = $2 AND status <> 'cancelled' ORDER BY allocation_id",
	2, {INT4OID, INT8OID}, NULL
};
static OmsPlan cancel_lines_plan = {
	"UPDATE oms.order_line SET cancelled_qty = qty WHERE company_id = $1 AND order_id = $2",
	2, {INT4OID, INT8OID}, NULL
};
static OmsPlan cancel_shipments_plan = {
	"UPDATE oms.shipment SET state = 'CANCELLED' WHERE company_id = $1 AND order_id = $2 AND state IN ('PLANNED', 'BOOKED', 'PICKUP_SCHEDULED', 'OUT_FOR_PICKUP', 'PICKUP_FAILED')",
	2, {INT4OID, INT8OID}, NULL
};
static OmsPlan cancel_refund_plan = {
	"INSERT INTO oms.refund (company_id, order_id, amount, tax_amount, mode)"
	" SELECT company_id, order_id, paid_amount, CASE WHEN paid_amount >= total_amount THEN tax_amount ELSE 0 END, 'original'"
	" FROM oms.\"order\" WHERE company_id = $1 AND order_id = $2 AND paid_amount > 0",
	2, {INT4OID, INT8OID}, NULL
};
static OmsPlan close_holds_plan = {
	"UPDATE oms.order_hold SET resolved_at = now(), resolution = 'rejected' WHERE company_id = $1 AND order_id = $2 AND resolved_at IS NULL",
	2, {INT4OID, INT8OID}, NULL
};

static void
cancel(int32 company_id, int64 order_id, const char *reason)
{
	Datum		values[2] = {Int32GetDatum(company_id), Int64GetDatum(order_id)};
	int			n;
	int64	   *ids;
	OmsJson		j;

	oms_spi_connect();
	n = (int) oms_exec(&cancellable_plan, values, NULL, false, 0);
	if (n == 0)
	{
		oms_spi_finish();
		return;					/* cancelled before */
	}
	ids = palloc(sizeof(int64) * (n + 1));
	for (int i = 0; i < n; i++)
		ids[i] = oms_int8(i, 1);
	for (int i = 0; i < n; i++)
		oms_allocation_move(company_id, ids[i], "cancelled");
	oms_stock_lock_allocations(company_id, ids, n);
	for (int i = 0; i < n; i++)
		oms_stock_release_allocation(company_id, ids[i]);
	oms_exec(&cancel_lines_plan, values, NULL, false, 0);
	oms_exec(&cancel_shipments_plan, values, NULL, false, 0);
	oms_exec(&cancel_refund_plan, values, NULL, false, 0);
	oms_exec(&close_holds_plan, values, NULL, false, 0);
	oms_exec(&mode_plan, values, NULL, false, 1);
	if (oms_bool(0, 1) && oms_bool(0, 2))
		oms_exec(&cod_open_plan, values, NULL, false, 0);
	oms_json_begin(&j);
	oms_json_str(&j, "reason", reason);
	oms_event(company_id, "order", order_id, "order.cancelled", oms_json_end(&j));
	oms_spi_finish();
	oms_order_refresh(company_id, order_id);
}

PG_FUNCTION_INFO_V1(oms_cancel_order);

/* oms.cancel_order(order_id, reason, company) returns text */
Datum
oms_cancel_order(PG_FUNCTION_ARGS)
{
	int32		company_id = company_arg(fcinfo, 2);
	int64		order_id = PG_GETARG_INT64(0);

	oms_order_lock(company_id, order_id);
	cancel(company_id, order_id, text_arg(fcinfo, 1));
	PG_RETURN_DATUM(oms_text(order_status_now(company_id, order_id)));
}

/*
 * Backorders, oldest first: what stock has come for is planned as at capture
 * and takes the place of the backordered allocation; the rest goes on
 * waiting.
 */
static OmsPlan waiting_plan = {
	/* stock changed since the last try; a minute's grace for transactions
	 * that began before that try and committed after it */
	"SELECT DISTINCT a.company_id, a.order_id FROM oms.allocation a"
	" WHERE a.status = 'backordered' AND EXISTS (SELECT FROM oms.sku k LEFT JOIN oms.kit_component c"
	"   ON c.company_id = k.company_id AND c.kit_sku_id = k.sku_id"
	"   JOIN oms.stock s ON s.company_id = k.company_id AND s.sku_id = coalesce(c.sku_id, k.sku_id)"
	"   JOIN oms.node n ON n.node_id = s.node_id AND n.open"
	"   WHERE k.sku_id = a.sku_id AND s.updated_at > a.updated_at - interval '1 minute'"
	"   AND s.on_hand - s.reserved - s.safety + s.backorder_limit > 0)"
	" ORDER BY 1, 2 LIMIT $1",
	1, {INT4OID}, NULL
};
static OmsPlan tried_plan = {
	"UPDATE oms.allocation SET updated_at = clock_timestamp()"
	" WHERE company_id = $1 AND order_id = $2 AND status = 'backordered'",
	2, {INT4OID, INT8OID}, NULL
};
static OmsPlan order_plan = {
	"SELECT c.code, o.payment_mode = 'COD', (o.total_amount * 100)::int8, (o.paid_amount * 100)::int8, (o.goods_amount * 100)::int8,"
	" o.ship_pincode, oms.lng(o.ship_place), oms.lat(o.ship_place), o.ship_place IS NOT NULL, o.place_of_supply, o.only_node_id,"
	" o.planning_run + 1, coalesce(r.probability, 0),"
	" coalesce((SELECT (sum(s.cod_amount) * 100)::int8 FROM oms.shipment s WHERE s.company_id = o.company_id AND s.order_id = o.order_id"
	"  AND s.direction = 'forward' AND s.state <> 'CANCELLED'), 0)"
	" FROM oms.\"order\" o JOIN oms.channel c ON c.channel_id = o.channel_id"
	" LEFT JOIN oms.risk_score r ON r.company_id = o.company_id AND r.order_id = o.order_id"
	" WHERE o.company_id = $1 AND o.order_id = $2",
	2, {INT4OID, INT8OID}, NULL
};
static OmsPlan waiting_lines_plan = {
	"SELECT a.line_no, k.code, (sum(a.qty) * 1000)::int8, (sum(a.net_amount) * 100)::int8"
	" FROM oms.allocation a JOIN oms.sku k ON k.sku_id = a.sku_id"
	" WHERE a.company_id = $1 AND a.order_id = $2 AND a.status = 'backordered'"
	" GROUP BY a.line_no, k.code ORDER BY a.line_no",
	2, {INT4OID, INT8OID}, NULL
};
static OmsPlan unwait_plan = {
	"DELETE FROM oms.allocation WHERE company_id = $1 AND order_id = $2 AND status = 'backordered'",
	2, {INT4OID, INT8OID}, NULL
};
static OmsPlan replanned_plan = {
	"UPDATE oms.\"order\" SET planning_run = $3, tax_amount = tax_amount + $4,"
	" total_amount = total_amount + CASE WHEN $5 THEN 0 ELSE $4 END,"
	/* what counts as paid in full at capture goes on doing so */
	" paid_amount = paid_amount + CASE WHEN $5 OR payment_mode <> 'PREPAID' OR paid_amount < total_amount THEN 0 ELSE $4 END"
	" WHERE company_id = $1 AND order_id = $2",
	5, {INT4OID, INT8OID, INT4OID, NUMERICOID, BOOLOID}, NULL
};
static OmsPlan hold_order_plan = {
	"INSERT INTO oms.order_hold (company_id, order_id, hold, reason) VALUES ($1, $2, $3, $4)"
	" ON CONFLICT (company_id, order_id, hold) DO UPDATE SET resolved_at = NULL, resolution = NULL, resolved_by = NULL, reason = excluded.reason",
	4, {INT4OID, INT8OID, TEXTOID, TEXTOID}, NULL
};

/* True when something of the order was reserved. */
static bool
retry_order(int32 company_id, int64 order_id, TimestampTz at)
{
	MemoryContext caller = CurrentMemoryContext;
	Datum		values[5] = {Int32GetDatum(company_id), Int64GetDatum(order_id)};
	OmsChannel	channel;
	OmsFulfilment *f = palloc0(sizeof(OmsFulfilment));
	char	   *code;

	if (!oms_order_try_lock(company_id, order_id))
		return false;			/* somebody works on it; next time */
	oms_spi_connect();
	f->nlines = (int) oms_exec(&waiting_lines_plan, values, NULL, false, 0);
	if (f->nlines == 0)
	{
		oms_spi_finish();
		return false;
	}
	f->lines = MemoryContextAllocZero(caller, sizeof(OmsLine) * f->nlines);
	for (int i = 0; i < f->nlines; i++)
	{
		f->lines[i].line_no = oms_int4(i, 1);
		f->lines[i].sku = oms_strdup(caller, oms_cstr(i, 2));
		f->lines[i].qty = oms_int8(i, 3);
		f->lines[i].net = oms_int8(i, 4);
	}
	oms_exec(&order_plan, values, NULL, false, 1);
	code = oms_strdup(caller, oms_cstr(0, 1));
	f->company_id = company_id;
	f->order_id = order_id;
	f->cod = oms_bool(0, 2);
	f->goods = oms_int8(0, 5);
	f->due = f->cod ? Max(oms_int8(0, 3) - oms_int8(0, 4) - oms_int8(0, 14), 0) : 0;
	f->pincode = oms_strdup(caller, oms_cstr(0, 6));
	f->lng = oms_float8(0, 7);
	f->lat = oms_float8(0, 8);
	f->has_point = oms_bool(0, 9);
	f->place_of_supply = oms_strdup(caller, oms_cstr(0, 10));
	f->only_node_id = oms_int4(0, 11);
	f->run = oms_int4(0, 12);
	f->p_rto = oms_float8(0, 13);
	oms_spi_finish();

	oms_channel_find(company_id, code, &channel);
	oms_lines_find(company_id, f->lines, f->nlines, at);
	f->channel = &channel;
	f->at = at;
	f->supply_day = oms_supply_day(&channel, at);
	f->reserve = true;
	oms_fulfil_plan(f);

	oms_spi_connect();
	if (f->plan.npieces == 0)
	{
		oms_exec(&tried_plan, values, NULL, false, 0);
		oms_spi_finish();
		return false;
	}
	oms_exec(&unwait_plan, values, NULL, false, 0);
	oms_fulfil_write(f);
	if (f->hold)
	{
		values[2] = oms_text(f->hold);
		values[3] = oms_text(f->hold_reason);
		oms_exec(&hold_order_plan, values, NULL, false, 0);
	}
	values[2] = Int32GetDatum(f->run);
	values[3] = oms_paise_numeric(f->tax);
	values[4] = BoolGetDatum(channel.price_includes_tax);
	oms_exec(&replanned_plan, values, NULL, false, 0);
	oms_event(company_id, "order", order_id, "order.backorder_filled", NULL);
	oms_spi_finish();
	oms_order_refresh(company_id, order_id);
	return true;
}

typedef struct Retry
{
	int32		company_id;
	int64		order_id;
	TimestampTz at;
	bool		filled;
} Retry;

static void
retry_one(void *arg)
{
	Retry	   *r = arg;

	r->filled = retry_order(r->company_id, r->order_id, r->at);
}

PG_FUNCTION_INFO_V1(oms_retry_backorders);

/*
 * oms.retry_backorders(max integer, at timestamptz) returns integer
 *
 * Several orders in one transaction keep no order of locks between them.
 * The SQL function has a lock_timeout far below deadlock_timeout: what is
 * busy is left for the next run, and no capture becomes a deadlock's victim.
 */
Datum
oms_retry_backorders(PG_FUNCTION_ARGS)
{
	Datum		values[1] = {PG_GETARG_DATUM(0)};
	TimestampTz at = PG_GETARG_TIMESTAMPTZ(1);
	MemoryContext loop = AllocSetContextCreate(CurrentMemoryContext,
											   "oms retry_backorders",
											   ALLOCSET_DEFAULT_SIZES);
	MemoryContext old;
	Retry	   *orders;
	int			n;
	int			filled = 0;

	oms_require_installed();
	oms_spi_connect();
	n = (int) oms_exec(&waiting_plan, values, NULL, false, 0);
	orders = MemoryContextAllocZero(fcinfo->flinfo->fn_mcxt, sizeof(Retry) * (n + 1));
	for (int i = 0; i < n; i++)
	{
		orders[i].company_id = oms_int4(i, 1);
		orders[i].order_id = oms_int8(i, 2);
		orders[i].at = at;
	}
	oms_spi_finish();

	old = MemoryContextSwitchTo(loop);
	for (int i = 0; i < n; i++)
	{
		ErrorData  *err;

		CHECK_FOR_INTERRUPTS();
		/* one order that cannot be planned must not stop the others */
		if (oms_try(retry_one, &orders[i], &err))
			filled += orders[i].filled ? 1 : 0;
		else if (err->sqlerrcode != ERRCODE_LOCK_NOT_AVAILABLE)
		{
			OmsJson		j;

			oms_json_begin(&j);
			oms_json_str(&j, "error", err->message);
			oms_event(orders[i].company_id, "order", orders[i].order_id,
					  "order.retry_failed", oms_json_end(&j));
		}
		MemoryContextReset(loop);
	}
	MemoryContextSwitchTo(old);
	MemoryContextDelete(loop);
	PG_RETURN_INT32(filled);
}

static int32
company_arg(FunctionCallInfo fcinfo, int arg)
{
	oms_require_installed();
	if (PG_ARGISNULL(0))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("order_id is null"),
				 errhint("Orders are known by order_id.")));
	return oms_company_id(text_arg(fcinfo, arg));
}

static char *
text_arg(FunctionCallInfo fcinfo, int arg)
{
	return PG_ARGISNULL(arg) ? NULL : text_to_cstring(PG_GETARG_TEXT_PP(arg));
}

static OmsPlan status_plan = {
	"SELECT status FROM oms.\"order\" WHERE company_id = $1 AND order_id = $2",
	2, {INT4OID, INT8OID}, NULL
};

static char *
order_status_now(int32 company_id, int64 order_id)
{
	MemoryContext caller = CurrentMemoryContext;
	Datum		values[2] = {Int32GetDatum(company_id), Int64GetDatum(order_id)};
	char	   *status;

	oms_spi_connect();
	oms_exec(&status_plan, values, NULL, false, 1);
	status = oms_strdup(caller, oms_cstr(0, 1));
	oms_spi_finish();
	return status;
}
