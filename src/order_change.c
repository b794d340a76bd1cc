/*
 * order_change.c
 *	  Orders after capture: holds, payment, release, cancellation of whole
 *	  orders.
 *
 * Every call takes the order's row lock first, so calls on one order follow
 * one another; asked twice, the second changes nothing.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "fmgr.h"
#include "utils/builtins.h"

#include "allocation.h"
#include "line_change.h"
#include "node_slot.h"
#include "orders.h"

static int32 company_arg(FunctionCallInfo fcinfo, int arg);
static char *text_arg(FunctionCallInfo fcinfo, int arg);

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

static OmsPlan holdable_plan = {
	"SELECT status IN ('captured', 'on_hold', 'backordered', 'part_reserved', 'reserved'), status"
	" FROM oms.\"order\" WHERE company_id = $1 AND order_id = $2",
	2, {INT4OID, INT8OID}, NULL
};
static OmsPlan hold_plan = {
	"INSERT INTO oms.order_hold AS h (company_id, order_id, hold, reason) VALUES ($1, $2, $3, $4)"
	" ON CONFLICT (company_id, order_id, hold) DO UPDATE SET reason = excluded.reason, created_at = now(),"
	"  resolved_at = NULL, resolution = NULL, resolved_by = NULL"
	" WHERE h.resolved_at IS NOT NULL",
	4, {INT4OID, INT8OID, TEXTOID, TEXTOID}, NULL
};

PG_FUNCTION_INFO_V1(oms_hold_order);

/* oms.hold_order(order_id, hold, reason, company) returns text */
Datum
oms_hold_order(PG_FUNCTION_ARGS)
{
	int32		company_id = company_arg(fcinfo, 3);
	int64		order_id = oms_id_arg(fcinfo, 0, "order_id");
	char	   *hold = text_arg(fcinfo, 1);
	char	   *reason = text_arg(fcinfo, 2);
	Datum		values[4] = {Int32GetDatum(company_id), Int64GetDatum(order_id)};

	if (hold == NULL || reason == NULL || hold[0] == '\0' ||
		strspn(hold, "ABCDEFGHIJKLMNOPQRSTUVWXYZ_") != strlen(hold))
		ereport(ERROR,
				(errcode(ERRCODE_OMS_INVALID_DOCUMENT),
				 errmsg("an order is held with a kind of hold and a reason"),
				 errdetail("Argument hold is %s, reason is %s.", hold ? quote_literal_cstr(hold) : "null",
						   reason ? quote_literal_cstr(reason) : "null"),
				 errhint("A kind is capital letters and _, as in ADDRESS.")));
	values[2] = oms_text(hold);
	values[3] = oms_text(reason);
	oms_order_lock(company_id, order_id);
	oms_spi_connect();
	oms_exec(&holdable_plan, values, NULL, false, 1);
	if (!oms_bool(0, 1))
		ereport(ERROR,
				(errcode(ERRCODE_OMS_STATUS_MOVE),
				 errmsg("order " INT64_FORMAT " is \"%s\" and cannot be held", order_id, oms_cstr(0, 2)),
				 errdetail("A hold stops an order before release."),
				 errhint("What the nodes have is stopped by oms.cancel_order() or oms.cancel_shipment().")));
	if (oms_exec(&hold_plan, values, NULL, false, 0) > 0)
	{
		OmsJson		j;

		oms_json_begin(&j);
		oms_json_str(&j, "hold", hold);
		oms_json_str(&j, "reason", reason);
		oms_event(company_id, "order", order_id, "order.held", oms_json_end(&j));
		oms_order_refresh(company_id, order_id);
	}
	oms_spi_finish();
	PG_RETURN_DATUM(oms_text(oms_order_status_now(company_id, order_id)));
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
	PG_RETURN_DATUM(oms_text(oms_order_status_now(company_id, order_id)));
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
		oms_order_cancel(company_id, order_id, "HOLD_REJECTED");
	PG_RETURN_DATUM(oms_text(oms_order_status_now(company_id, order_id)));
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

/* Nothing is to be collected any more, so nothing waits for the cash. */
static void
paid_in_full(int32 company_id, int64 order_id, bool was_cod)
{
	Datum		values[2] = {Int32GetDatum(company_id), Int64GetDatum(order_id)};

	if (was_cod)
		oms_exec(&cod_open_plan, values, NULL, false, 0);
	resolve_holds(company_id, order_id, "PREPAID_ONLY", "lifted", "payment");
	resolve_holds(company_id, order_id, "COD_CONFIRM", "lifted", "payment");
	resolve_holds(company_id, order_id, "PAYMENT", "lifted", "payment");
}

static OmsPlan settle_plan = {
	"UPDATE oms.\"order\" o SET payment_mode = 'PREPAID' FROM oms.\"order\" p"
	" WHERE o.company_id = $1 AND o.order_id = $2 AND p.company_id = $1 AND p.order_id = $2"
	" AND p.paid_amount >= p.total_amount AND p.paid_amount > 0"
	" RETURNING p.payment_mode = 'COD' AND p.fulfilment_mode = 'SHIP'",
	2, {INT4OID, INT8OID}, NULL
};

void
oms_order_settle(int32 company_id, int64 order_id)
{
	Datum		values[2] = {Int32GetDatum(company_id), Int64GetDatum(order_id)};

	oms_spi_connect();
	if (oms_exec(&settle_plan, values, NULL, false, 0) > 0)
		paid_in_full(company_id, order_id, oms_bool(0, 1));
	oms_spi_finish();
}

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
	if (strcmp(oms_order_status_now(company_id, order_id), "cancelled") == 0)
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
		paid_in_full(company_id, order_id, was_cod);
	}
	oms_json_begin(&j);
	oms_json_paise(&j, "amount", amount);
	oms_json_str(&j, "reference", text_arg(fcinfo, 2));
	oms_event(company_id, "order", order_id, "order.paid", oms_json_end(&j));
	oms_spi_finish();
	oms_order_refresh(company_id, order_id);
	PG_RETURN_DATUM(oms_text(oms_order_status_now(company_id, order_id)));
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
	if (strcmp(oms_order_status_now(company_id, order_id), "cancelled") == 0)
		ereport(ERROR,
				(errcode(ERRCODE_OMS_STATUS_MOVE),
				 errmsg("order " INT64_FORMAT " is cancelled and cannot be released", order_id),
				 errdetail("What it held was given back."),
				 errhint("Capture the order anew under another number.")));
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
	PG_RETURN_DATUM(oms_text(oms_order_status_now(company_id, order_id)));
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
	" SELECT company_id, order_id, paid_amount - r.before, CASE WHEN paid_amount >= total_amount THEN tax_amount ELSE 0 END, 'original'"
	" FROM oms.\"order\", LATERAL (SELECT coalesce(sum(f.amount), 0) AS before FROM oms.refund f"
	"  WHERE f.company_id = $1 AND f.order_id = $2 AND f.status <> 'void' AND NOT f.netted) r"
	" WHERE company_id = $1 AND order_id = $2 AND paid_amount > r.before",
	2, {INT4OID, INT8OID}, NULL
};
static OmsPlan close_holds_plan = {
	"UPDATE oms.order_hold SET resolved_at = now(), resolution = 'rejected' WHERE company_id = $1 AND order_id = $2 AND resolved_at IS NULL",
	2, {INT4OID, INT8OID}, NULL
};

void
oms_order_cancel(int32 company_id, int64 order_id, const char *reason)
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
	oms_slots_settle(company_id, order_id, 0);
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

static OmsPlan not_handed_over_plan = {
	"SELECT allocation_id FROM oms.allocation WHERE company_id = $1 AND order_id = $2"
	" AND status IN ('planned', 'backordered', 'reserved', 'released', 'picked', 'packed') ORDER BY allocation_id",
	2, {INT4OID, INT8OID}, NULL
};

/* What is not handed over, though other parts of the order are. */
static void
cancel_rest(int32 company_id, int64 order_id, const char *reason)
{
	Datum		values[2] = {Int32GetDatum(company_id), Int64GetDatum(order_id)};
	OmsCancelled gone;
	int64	   *ids;
	int			n;

	oms_spi_connect();
	n = (int) oms_exec(&not_handed_over_plan, values, NULL, false, 0);
	ids = palloc(sizeof(int64) * (n + 1));
	for (int i = 0; i < n; i++)
		ids[i] = oms_int8(i, 1);
	if (n > 0)
	{
		oms_order_cancel_allocations(company_id, order_id, ids, n, reason, &gone);
		oms_exec(&close_holds_plan, values, NULL, false, 0);
	}
	oms_spi_finish();
	oms_order_refresh(company_id, order_id);
}

PG_FUNCTION_INFO_V1(oms_cancel_order);

/* oms.cancel_order(order_id, reason, company, rest) returns text */
Datum
oms_cancel_order(PG_FUNCTION_ARGS)
{
	int32		company_id = company_arg(fcinfo, 2);
	int64		order_id = PG_GETARG_INT64(0);

	oms_order_lock(company_id, order_id);
	if (!PG_ARGISNULL(3) && PG_GETARG_BOOL(3))
		cancel_rest(company_id, order_id, text_arg(fcinfo, 1));
	else
		oms_order_cancel(company_id, order_id, text_arg(fcinfo, 1));
	PG_RETURN_DATUM(oms_text(oms_order_status_now(company_id, order_id)));
}

static int32
company_arg(FunctionCallInfo fcinfo, int arg)
{
	oms_require_installed();
	oms_require_arg(fcinfo, 0, "order_id");
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

char *
oms_order_status_now(int32 company_id, int64 order_id)
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
