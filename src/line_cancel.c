/*
 * line_cancel.c
 *	  Cancels a line, or so many units of it, before they are handed over.
 *
 * An allocation of which only a part is cancelled is split: the cancelled
 * part becomes a row of its own with its share of the amounts, computed as
 * the whole less what the rest keeps, so that the parts add up to the paisa.
 *
 * Locks as everywhere: the order, then the stock rows of all allocations
 * concerned in the one order, before any is given back.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "fmgr.h"
#include "utils/builtins.h"

#include "allocation.h"
#include "line_change.h"
#include "node_slot.h"
#include "orders.h"
#include "shipment.h"
#include "stock.h"

typedef struct LineRequest
{
	int32		company_id;
	int64		order_id;
	int32		line_no;
	int64		asked;			/* milli, 0: all that can be */
	const char *reason;
	const char *request_id;		/* NULL: none */
	bool		no_refund;		/* the caller settles */
} LineRequest;

typedef struct LineAnswer
{
	OmsCancelled done;
	bool		duplicate;
} LineAnswer;

/* What may still be cancelled of a line. */
typedef struct Part
{
	int64		allocation_id;
	int32		line_no;
	int64		qty;			/* milli */
	int64		net;			/* paise, as are the others */
	int64		taxable;
	int64		cgst;
	int64		sgst;
	int64		igst;
	bool		taxed;
} Part;

static bool answered_before(const LineRequest *q, LineAnswer *a);
static int	take_parts(Part **parts, int64 *total);
static int	read_parts(const LineRequest *q, Part **parts, int64 *total);
static int64 check_quantity(const LineRequest *q, int64 total);
static void cancel_parts(const LineRequest *q, Part *parts, int n, int64 qty,
						 OmsCancelled *out);

static OmsPlan status_plan = {
	"SELECT status FROM oms.\"order\" WHERE company_id = $1 AND order_id = $2",
	2, {INT4OID, INT8OID}, NULL
};
static OmsPlan keep_plan = {
	"INSERT INTO oms.line_cancellation (company_id, order_id, request_id, line_no, asked, qty, amount, refund, reason)"
	" VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
	9, {INT4OID, INT8OID, TEXTOID, INT4OID, NUMERICOID, NUMERICOID, NUMERICOID, NUMERICOID, TEXTOID}, NULL
};
static OmsPlan others_plan = {
	"SELECT 1 FROM oms.allocation WHERE company_id = $1 AND order_id = $2 AND line_no <> $3 AND status <> 'cancelled'"
	" UNION ALL SELECT 1 FROM oms.allocation WHERE company_id = $1 AND order_id = $2 AND line_no = $3"
	"  AND status IN ('shipped', 'delivered', 'rto', 'returned')",
	3, {INT4OID, INT8OID, INT4OID}, NULL
};
static OmsPlan refunded_plan = {
	"SELECT coalesce(sum(amount), 0) FROM oms.refund WHERE company_id = $1 AND order_id = $2 AND status <> 'void' AND NOT netted",
	2, {INT4OID, INT8OID}, NULL
};

static int64
refunded(const LineRequest *q)
{
	Datum		values[2] = {Int32GetDatum(q->company_id), Int64GetDatum(q->order_id)};

	oms_exec(&refunded_plan, values, NULL, false, 1);
	return oms_paise(0, 1);
}

static void
keep_request(const LineRequest *q, const LineAnswer *a)
{
	Datum		values[9] = {
		Int32GetDatum(q->company_id), Int64GetDatum(q->order_id),
		oms_text(q->request_id), Int32GetDatum(q->line_no),
		oms_milli_numeric(q->asked), oms_milli_numeric(a->done.qty),
		oms_paise_numeric(a->done.amount), oms_paise_numeric(a->done.refund),
		oms_text(q->reason)
	};

	if (q->request_id)
		oms_exec(&keep_plan, values, q->asked ? NULL : "    n    ", false, 0);
}

static void
line_event(const LineRequest *q, int32 line_no, int64 qty)
{
	OmsJson		j;

	oms_json_begin(&j);
	oms_json_int(&j, "line_no", line_no);
	oms_json_milli(&j, "qty", qty);
	oms_json_str(&j, "reason", q->reason);
	oms_event(q->company_id, "order", q->order_id, "order.line_cancelled",
			  oms_json_end(&j));
}

/* Order locked, SPI connected. */
static void
cancel_line(const LineRequest *q, LineAnswer *a)
{
	Datum		values[3] = {
		Int32GetDatum(q->company_id), Int64GetDatum(q->order_id),
		Int32GetDatum(q->line_no)
	};
	Part	   *parts;
	int64		total;
	int			n;

	if (answered_before(q, a))
		return;
	n = read_parts(q, &parts, &total);
	a->done.qty = check_quantity(q, total);
	if (a->done.qty == 0)
	{
		a->duplicate = true;
		return;
	}
	line_event(q, q->line_no, a->done.qty);
	if (a->done.qty == total && oms_exec(&others_plan, values, NULL, false, 1) == 0)
	{
		int64		before = refunded(q);

		for (int i = 0; i < n; i++)
			a->done.amount += parts[i].net;
		oms_order_cancel(q->company_id, q->order_id, q->reason);
		a->done.refund = refunded(q) - before;
	}
	else
		cancel_parts(q, parts, n, a->done.qty, &a->done);
	keep_request(q, a);
}

void
oms_line_cancel_waiting(int32 company_id, int64 order_id, int32 line_no,
						int64 qty, const char *reason)
{
	LineRequest q = {company_id, order_id, line_no, qty, reason, NULL, false};
	LineAnswer	a = {0};

	cancel_line(&q, &a);
}

PG_FUNCTION_INFO_V1(oms_cancel_line);

/* oms.cancel_line(order_id, line_no, qty, reason, request_id, company) */
Datum
oms_cancel_line(PG_FUNCTION_ARGS)
{
	int32		company_id = oms_company_arg(fcinfo, 5);
	LineRequest q = {0};
	LineAnswer	a = {0};
	Datum		values[2];
	OmsJson		j;
	char	   *status;
	MemoryContext caller = CurrentMemoryContext;

	q.company_id = company_id;
	q.order_id = oms_id_arg(fcinfo, 0, "order_id");
	oms_require_arg(fcinfo, 1, "line_no");
	q.line_no = PG_GETARG_INT32(1);
	q.asked = PG_ARGISNULL(2) ? 0 : oms_milli_arg(PG_GETARG_DATUM(2), "qty");
	q.reason = PG_ARGISNULL(3) ? "BUYER" : text_to_cstring(PG_GETARG_TEXT_PP(3));
	q.request_id = PG_ARGISNULL(4) ? NULL : oms_request_arg(fcinfo, 4);
	if (!PG_ARGISNULL(2) && q.asked <= 0)
		ereport(ERROR,
				(errcode(ERRCODE_OMS_INVALID_DOCUMENT),
				 errmsg("quantity must be above zero"),
				 errdetail("Argument qty."),
				 errhint("NULL cancels all of the line that can be.")));
	if (q.asked > 0 && q.request_id == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_OMS_INVALID_DOCUMENT),
				 errmsg("so many units of a line are cancelled under a number of the caller's"),
				 errdetail("Argument request_id is null."),
				 errhint("Give each request one, so that sent twice it is done once.")));
	values[0] = Int32GetDatum(company_id);
	values[1] = Int64GetDatum(q.order_id);
	oms_order_lock(company_id, q.order_id);
	oms_spi_connect();
	cancel_line(&q, &a);
	oms_order_refresh(company_id, q.order_id);
	oms_exec(&status_plan, values, NULL, false, 1);
	status = oms_strdup(caller, oms_cstr(0, 1));
	oms_spi_finish();
	oms_json_begin(&j);
	oms_json_int(&j, "order_id", q.order_id);
	oms_json_int(&j, "line_no", q.line_no);
	oms_json_milli(&j, "qty", a.done.qty);
	oms_json_paise(&j, "amount", a.done.amount);
	oms_json_paise(&j, "refund", a.done.refund);
	oms_json_str(&j, "status", status);
	oms_json_bool(&j, "duplicate", a.duplicate);
	PG_RETURN_JSONB_P(oms_json_end(&j));
}

static OmsPlan before_plan = {
	"SELECT line_no = $4 AND asked IS NOT DISTINCT FROM $5, qty, amount, refund FROM oms.line_cancellation"
	" WHERE company_id = $1 AND order_id = $2 AND request_id = $3",
	5, {INT4OID, INT8OID, TEXTOID, INT4OID, NUMERICOID}, NULL
};

static bool
answered_before(const LineRequest *q, LineAnswer *a)
{
	Datum		values[5] = {
		Int32GetDatum(q->company_id), Int64GetDatum(q->order_id),
		oms_text(q->request_id), Int32GetDatum(q->line_no),
		oms_milli_numeric(q->asked)
	};

	if (q->request_id == NULL ||
		oms_exec(&before_plan, values, q->asked ? NULL : "    n", false, 1) == 0)
		return false;
	if (!oms_bool(0, 1))
		ereport(ERROR,
				(errcode(ERRCODE_OMS_CONFLICTING_DUPLICATE),
				 errmsg("request \"%s\" cancelled something else of order " INT64_FORMAT,
						q->request_id, q->order_id),
				 errdetail("Line or quantity differ from those it came with first."),
				 errhint("Give another request another number.")));
	a->done.qty = oms_milli(0, 2);
	a->done.amount = oms_paise(0, 3);
	a->done.refund = oms_paise(0, 4);
	a->duplicate = true;
	return true;
}

/* What waits first, then what is least far, the newest of equals. */
static OmsPlan parts_plan = {
	"SELECT allocation_id, qty, net_amount, taxable, cgst, sgst, igst, taxable IS NOT NULL, line_no FROM oms.allocation"
	" WHERE company_id = $1 AND order_id = $2 AND line_no = $3"
	" AND status IN ('backordered', 'planned', 'reserved', 'released', 'picked', 'packed')"
	" ORDER BY array_position('{backordered,planned,reserved,released,picked,packed}'::text[], status), allocation_id DESC",
	3, {INT4OID, INT8OID, INT4OID}, NULL
};

static int
read_parts(const LineRequest *q, Part **parts, int64 *total)
{
	Datum		values[3] = {
		Int32GetDatum(q->company_id), Int64GetDatum(q->order_id),
		Int32GetDatum(q->line_no)
	};

	oms_exec(&parts_plan, values, NULL, false, 0);
	return take_parts(parts, total);
}

/* The rows of parts_plan. */
static int
take_parts(Part **parts, int64 *total)
{
	int			n = (int) SPI_processed;

	*parts = palloc0(sizeof(Part) * (n + 1));
	*total = 0;
	for (int i = 0; i < n; i++)
	{
		Part	   *p = &(*parts)[i];

		p->allocation_id = oms_int8(i, 1);
		p->qty = oms_milli(i, 2);
		p->net = oms_paise(i, 3);
		p->taxable = oms_paise(i, 4);
		p->cgst = oms_paise(i, 5);
		p->sgst = oms_paise(i, 6);
		p->igst = oms_paise(i, 7);
		p->taxed = oms_bool(i, 8);
		p->line_no = oms_int4(i, 9);
		*total += p->qty;
	}
	return n;
}

static OmsPlan line_plan = {
	"SELECT l.cancelled_qty = l.qty, EXISTS (SELECT FROM oms.kit_component k WHERE k.company_id = $1 AND k.kit_sku_id = l.sku_id)"
	" FROM oms.order_line l WHERE l.company_id = $1 AND l.order_id = $2 AND l.line_no = $3",
	3, {INT4OID, INT8OID, INT4OID}, NULL
};

/* How many to cancel; 0 when all of the line was cancelled before. */
static int64
check_quantity(const LineRequest *q, int64 total)
{
	Datum		values[3] = {
		Int32GetDatum(q->company_id), Int64GetDatum(q->order_id),
		Int32GetDatum(q->line_no)
	};

	if (oms_exec(&line_plan, values, NULL, false, 1) == 0)
		ereport(ERROR,
				(errcode(ERRCODE_OMS_UNKNOWN_REFERENCE),
				 errmsg("order " INT64_FORMAT " has no line %d", q->order_id, q->line_no),
				 errhint("Its lines are the rows of oms.order_line.")));
	if (oms_bool(0, 2) && q->asked % 1000 != 0)
		ereport(ERROR,
				(errcode(ERRCODE_OMS_INVALID_DOCUMENT),
				 errmsg("a kit is cancelled whole"),
				 errdetail("Argument qty has a fraction."),
				 errhint("Cancel whole kits.")));
	if (oms_bool(0, 1) && q->asked == 0)
		return 0;
	if (total == 0 || q->asked > total)
		ereport(ERROR,
				(errcode(ERRCODE_OMS_STATUS_MOVE),
				 errmsg("no more than %s of line %d of order " INT64_FORMAT " can be cancelled",
						DatumGetCString(DirectFunctionCall1(numeric_out, oms_milli_numeric(total))),
						q->line_no, q->order_id),
				 errdetail("What is handed over or was cancelled before cannot be."),
				 errhint("What was handed over comes back as a return.")));
	return q->asked > 0 ? q->asked : total;
}

static OmsPlan rest_plan = {
	"UPDATE oms.allocation SET qty = $3, net_amount = $4, taxable = $5, cgst = $6, sgst = $7, igst = $8, updated_at = now()"
	" WHERE company_id = $1 AND allocation_id = $2",
	8, {INT4OID, INT8OID, NUMERICOID, NUMERICOID, NUMERICOID, NUMERICOID, NUMERICOID, NUMERICOID}, NULL
};
static OmsPlan split_plan = {
	"INSERT INTO oms.allocation (company_id, order_id, line_no, sku_id, node_id, qty, status, shipment_id, net_amount,"
	" tax_rate, taxable, cgst, sgst, igst, supplier_state, place_of_supply, promised_at)"
	" SELECT company_id, order_id, line_no, sku_id, node_id, $3, 'cancelled', shipment_id, $4,"
	" tax_rate, $5, $6, $7, $8, supplier_state, place_of_supply, promised_at"
	" FROM oms.allocation WHERE company_id = $1 AND allocation_id = $2",
	8, {INT4OID, INT8OID, NUMERICOID, NUMERICOID, NUMERICOID, NUMERICOID, NUMERICOID, NUMERICOID}, NULL
};

static void
write_part(const LineRequest *q, OmsPlan *plan, const Part *p)
{
	Datum		values[8] = {
		Int32GetDatum(q->company_id), Int64GetDatum(p->allocation_id),
		oms_milli_numeric(p->qty), oms_paise_numeric(p->net),
		oms_paise_numeric(p->taxable), oms_paise_numeric(p->cgst),
		oms_paise_numeric(p->sgst), oms_paise_numeric(p->igst)
	};

	oms_exec(plan, values, p->taxed ? NULL : "    n   ", false, 0);
}

/* Leaves "qty" units less in the allocation; "p" becomes what is taken off. */
static void
split_off(const LineRequest *q, Part *p, int64 qty)
{
	Part		rest = *p;
	bool		inclusive = p->net != p->taxable;

	rest.qty = p->qty - qty;
	rest.net = oms_muldiv(p->net, rest.qty, p->qty);
	rest.cgst = oms_muldiv(p->cgst, rest.qty, p->qty);
	rest.sgst = oms_muldiv(p->sgst, rest.qty, p->qty);
	rest.igst = oms_muldiv(p->igst, rest.qty, p->qty);
	rest.taxable = !p->taxed ? 0 :
		rest.net - (inclusive ? rest.cgst + rest.sgst + rest.igst : 0);
	oms_stock_release_part(q->company_id, p->allocation_id, qty, p->qty);
	p->qty = qty;
	p->net -= rest.net;
	p->cgst -= rest.cgst;
	p->sgst -= rest.sgst;
	p->igst -= rest.igst;
	p->taxable -= rest.taxable;
	write_part(q, &split_plan, p);
	write_part(q, &rest_plan, &rest);
}

static OmsPlan less_line_plan = {
	"UPDATE oms.order_line SET cancelled_qty = cancelled_qty + $4"
	" WHERE company_id = $1 AND order_id = $2 AND line_no = $3",
	4, {INT4OID, INT8OID, INT4OID, NUMERICOID}, NULL
};
static OmsPlan less_plan = {
	"UPDATE oms.\"order\" SET total_amount = total_amount - $3, tax_amount = tax_amount - $4"
	" WHERE company_id = $1 AND order_id = $2",
	4, {INT4OID, INT8OID, NUMERICOID, NUMERICOID}, NULL
};
static OmsPlan inclusive_plan = {
	"SELECT c.price_includes_tax FROM oms.\"order\" o JOIN oms.channel c ON c.channel_id = o.channel_id"
	" WHERE o.company_id = $1 AND o.order_id = $2",
	2, {INT4OID, INT8OID}, NULL
};
static OmsPlan parcels_plan = {
	"SELECT DISTINCT shipment_id FROM oms.allocation"
	" WHERE company_id = $1 AND allocation_id = ANY ($2) AND shipment_id IS NOT NULL ORDER BY 1",
	2, {INT4OID, INT8ARRAYOID}, NULL
};

/* "qty" of the parts, in their order; the rest stays. */
static void
cancel_parts(const LineRequest *q, Part *parts, int n, int64 qty,
			 OmsCancelled *out)
{
	Datum		values[4] = {Int32GetDatum(q->company_id), Int64GetDatum(q->order_id)};
	int64	   *ids = palloc(sizeof(int64) * (n + 1));
	int64	   *parcels;
	int64		left = qty;
	int64		tax = 0;
	int64		charges = 0;
	int			nparcels;
	int			touched = 0;
	bool		inclusive;

	for (int64 found = 0; touched < n && found < left; touched++)
	{
		ids[touched] = parts[touched].allocation_id;
		found += parts[touched].qty;
	}
	oms_stock_lock_allocations(q->company_id, ids, touched);
	oms_slots_lock(q->company_id, q->order_id, ids, touched, NULL);
	for (int i = 0; i < touched; i++)
	{
		Part	   *p = &parts[i];

		if (p->qty <= left)
		{
			oms_allocation_move(q->company_id, p->allocation_id, "cancelled");
			oms_stock_release_allocation(q->company_id, p->allocation_id);
		}
		else
			split_off(q, p, left);
		left -= p->qty;
		out->amount += p->net;
		tax += p->cgst + p->sgst + p->igst;
		values[2] = Int32GetDatum(p->line_no);
		values[3] = oms_milli_numeric(p->qty);
		oms_exec(&less_line_plan, values, NULL, false, 0);
	}
	oms_exec(&inclusive_plan, values, NULL, false, 1);
	inclusive = oms_bool(0, 1);
	if (!inclusive)
		out->amount += tax;
	values[2] = oms_paise_numeric(out->amount);
	values[3] = oms_paise_numeric(tax);
	oms_exec(&less_plan, values, NULL, false, 0);
	if (!inclusive)
		charges = oms_order_settle_charges(q->company_id, q->order_id);
	out->amount -= charges;
	values[1] = oms_int8_array(ids, touched);
	nparcels = (int) oms_exec(&parcels_plan, values, NULL, false, 0);
	parcels = palloc(sizeof(int64) * (nparcels + 1));
	for (int i = 0; i < nparcels; i++)
		parcels[i] = oms_int8(i, 1);
	for (int i = 0; i < nparcels; i++)
		oms_shipment_taken_out(q->company_id, parcels[i]);
	oms_shipment_balance_cash(q->company_id, q->order_id);
	out->tax = tax;
	if (q->no_refund)
		return;
	out->refund = oms_order_refund_over(q->company_id, q->order_id,
										out->amount, tax - charges, true);
	oms_order_settle(q->company_id, q->order_id);
}

static OmsPlan whole_parts_plan = {
	"SELECT allocation_id, qty, net_amount, taxable, cgst, sgst, igst, taxable IS NOT NULL, line_no FROM oms.allocation"
	" WHERE company_id = $1 AND allocation_id = ANY ($2) AND status <> 'cancelled' ORDER BY line_no, allocation_id",
	2, {INT4OID, INT8ARRAYOID}, NULL
};
static OmsPlan any_other_plan = {
	"SELECT 1 FROM oms.allocation WHERE company_id = $1 AND order_id = $2 AND status <> 'cancelled'"
	" AND allocation_id <> ALL ($3)",
	3, {INT4OID, INT8OID, INT8ARRAYOID}, NULL
};

void
oms_order_cancel_allocations(int32 company_id, int64 order_id,
							 const int64 *ids, int nids, const char *reason,
							 OmsCancelled *out)
{
	LineRequest q = {0};
	Datum		values[3] = {
		Int32GetDatum(company_id), oms_int8_array(ids, nids)
	};
	Part	   *parts;
	int64		total;
	int			n;

	memset(out, 0, sizeof(*out));
	q.company_id = company_id;
	q.order_id = order_id;
	q.reason = reason;
	oms_spi_connect();
	oms_exec(&whole_parts_plan, values, NULL, false, 0);
	n = take_parts(&parts, &total);
	out->qty = total;
	for (int i = 0; i < n;)
	{
		int32		line_no = parts[i].line_no;
		int64		qty = 0;

		for (; i < n && parts[i].line_no == line_no; i++)
			qty += parts[i].qty;
		line_event(&q, line_no, qty);
	}
	values[2] = values[1];
	values[1] = Int64GetDatum(order_id);
	if (n > 0 && oms_exec(&any_other_plan, values, NULL, false, 1) > 0)
		cancel_parts(&q, parts, n, total, out);
	else if (n > 0)
	{
		int64		before = refunded(&q);

		for (int i = 0; i < n; i++)
			out->amount += parts[i].net;
		oms_order_cancel(company_id, order_id, reason);
		out->refund = refunded(&q) - before;
	}
	oms_spi_finish();
}

static OmsPlan over_plan = {
	"SELECT paid_amount - total_amount FROM oms.\"order\" WHERE company_id = $1 AND order_id = $2",
	2, {INT4OID, INT8OID}, NULL
};
static OmsPlan refund_plan = {
	"INSERT INTO oms.refund (company_id, order_id, amount, tax_amount, mode) VALUES ($1, $2, $3, $4, 'original')",
	4, {INT4OID, INT8OID, NUMERICOID, NUMERICOID}, NULL
};

int64
oms_order_refund_over(int32 company_id, int64 order_id, int64 amount,
					  int64 tax, bool share)
{
	LineRequest q = {0};
	Datum		values[4] = {Int32GetDatum(company_id), Int64GetDatum(order_id)};
	int64		owed;

	q.company_id = company_id;
	q.order_id = order_id;
	oms_exec(&over_plan, values, NULL, false, 1);
	owed = oms_paise(0, 1);
	owed = Min(owed - refunded(&q), amount);
	if (owed <= 0)
		return 0;
	values[2] = oms_paise_numeric(owed);
	values[3] = oms_paise_numeric(share && owed != amount ?
								  oms_muldiv(tax, owed, amount) : Min(tax, owed));
	oms_exec(&refund_plan, values, NULL, false, 0);
	return owed;
}

void
oms_order_cancel_units(int32 company_id, int64 order_id, int32 line_no,
					   int64 qty, const char *reason, OmsCancelled *out)
{
	LineRequest q = {0};
	LineAnswer	a = {0};

	q.company_id = company_id;
	q.order_id = order_id;
	q.line_no = line_no;
	q.asked = qty;
	q.reason = reason;
	q.no_refund = true;
	cancel_line(&q, &a);
	*out = a.done;
}
