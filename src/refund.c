/*
 * refund.c
 *	  Goods counted in, and the money owed for them.
 *
 * A return is received once, under the order's lock; whoever comes second is
 * told what the first did.  What is owed for a part of an allocation is its
 * share of the amount by quantity, computed as the difference of cumulative
 * shares: whatever the parts, they add up to the whole, and the last takes
 * the remainder.
 *
 * Splitting: an allocation is never split.  It becomes "returned" when all
 * of it came back, over however many returns; until then it stays as it is
 * and oms.return_line says how much is back.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "fmgr.h"
#include "utils/builtins.h"

#include "allocation.h"
#include "orders.h"
#include "returns.h"
#include "stock.h"

typedef struct Back
{
	OmsStockKey key;
	int64		qty;
} Back;

static void count_lines(OmsReturn *r, OmsReturnLine *lines, int n,
						Jsonb *given, const char *disposition);
static void restock(const OmsReturn *r, const OmsReturnLine *lines, int n);
static void finish_allocations(const OmsReturn *r, const OmsReturnLine *lines,
							   int n);
static int64 owe(int32 company_id, int64 order_id, int64 return_id,
				 int64 amount, int64 tax, bool prepaid_only, int64 *owed);

static OmsPlan order_of_plan = {
	"SELECT order_id FROM oms.return_order WHERE company_id = $1 AND return_id = $2",
	2, {INT4OID, INT8OID}, NULL
};
static OmsPlan read_plan = {
	"SELECT order_id, kind = 'RTO', status, external_id, node_id, shipment_id FROM oms.return_order"
	" WHERE company_id = $1 AND return_id = $2 FOR NO KEY UPDATE",
	2, {INT4OID, INT8OID}, NULL
};

void
oms_return_lock(int32 company_id, int64 return_id, OmsReturn *r)
{
	Datum		values[2] = {Int32GetDatum(company_id), Int64GetDatum(return_id)};

	oms_order_lock_of(&order_of_plan, company_id, return_id, "return",
					  "The returns of an order are the rows of oms.return_order with its order_id.");
	oms_exec(&read_plan, values, NULL, false, 1);
	r->company_id = company_id;
	r->return_id = return_id;
	r->order_id = oms_int8(0, 1);
	r->rto = oms_bool(0, 2);
	r->status = oms_cstr(0, 3);
	r->external_id = oms_cstr(0, 4);
	r->node_id = oms_int4(0, 5);
	r->shipment_id = oms_int8(0, 6);
}

static OmsPlan lines_plan = {
	"SELECT l.allocation_id, l.line_no, a.status, a.qty, l.qty,"
	" coalesce((SELECT sum(CASE WHEN p.received_at IS NOT NULL THEN b.received_qty ELSE b.qty END)"
	"  FROM oms.return_line b JOIN oms.return_order p ON p.company_id = b.company_id AND p.return_id = b.return_id"
	"  WHERE p.company_id = $1 AND p.order_id = $3 AND b.allocation_id = l.allocation_id"
	"  AND p.return_id <> $2 AND p.status IN ('inspected', 'closed')), 0),"
	" a.net_amount + CASE WHEN c.price_includes_tax THEN 0 ELSE a.cgst + a.sgst + a.igst END,"
	" a.cgst + a.sgst + a.igst, l.received_qty, l.restocked_qty, l.disposition"
	" FROM oms.return_line l"
	" JOIN oms.allocation a ON a.company_id = l.company_id AND a.allocation_id = l.allocation_id"
	" JOIN oms.\"order\" o ON o.company_id = a.company_id AND o.order_id = a.order_id"
	" JOIN oms.channel c ON c.channel_id = o.channel_id"
	" WHERE l.company_id = $1 AND l.return_id = $2 ORDER BY l.line_no, l.allocation_id",
	3, {INT4OID, INT8OID, INT8OID}, NULL
};

int
oms_return_lines(const OmsReturn *r, OmsReturnLine **lines)
{
	Datum		values[3] = {
		Int32GetDatum(r->company_id), Int64GetDatum(r->return_id),
		Int64GetDatum(r->order_id)
	};
	int			n = (int) oms_exec(&lines_plan, values, NULL, false, 0);

	*lines = palloc0(sizeof(OmsReturnLine) * Max(n, 1));
	for (int i = 0; i < n; i++)
	{
		OmsReturnLine *l = &(*lines)[i];

		l->allocation_id = oms_int8(i, 1);
		l->line_no = oms_int4(i, 2);
		l->allocation_status = oms_cstr(i, 3);
		l->allocation_qty = oms_milli(i, 4);
		l->qty = oms_milli(i, 5);
		l->before = oms_milli(i, 6);
		l->amount = oms_paise(i, 7);
		l->tax = oms_paise(i, 8);
		l->received = oms_milli(i, 9);
		l->restocked = oms_milli(i, 10);
		l->disposition = oms_cstr(i, 11);
	}
	return n;
}

static OmsPlan move_plan = {
	"UPDATE oms.return_order SET status = $3,"
	" received_at = CASE WHEN $3 = 'received' THEN coalesce(received_at, $4) ELSE received_at END,"
	" closed_at = CASE WHEN $3 IN ('closed', 'cancelled', 'rejected') THEN $4 ELSE closed_at END"
	" WHERE company_id = $1 AND return_id = $2",
	4, {INT4OID, INT8OID, TEXTOID, TIMESTAMPTZOID}, NULL
};

/* "at" 0: no time is kept (nothing was received). */
void
oms_return_move(OmsReturn *r, const char *to, TimestampTz at)
{
	Datum		values[4] = {
		Int32GetDatum(r->company_id), Int64GetDatum(r->return_id),
		oms_text(to), TimestampTzGetDatum(at)
	};

	if (strcmp(r->status, to) == 0)
		return;
	oms_check_move("return", r->status, to,
				   psprintf("return " INT64_FORMAT, r->return_id));
	oms_exec(&move_plan, values, at ? "    " : "   n", false, 0);
	r->status = to;
	oms_return_event(r, psprintf("return.%s", to));
	if (strcmp(to, "cancelled") == 0 || strcmp(to, "rejected") == 0)
	{
		oms_exchange_void(r->company_id, r->return_id);
		oms_order_refresh(r->company_id, r->order_id);
	}
}

void
oms_return_event(const OmsReturn *r, const char *type)
{
	OmsJson		j;

	oms_json_begin(&j);
	oms_json_int(&j, "order_id", r->order_id);
	oms_json_str(&j, "kind", r->rto ? "RTO" : "CIR");
	oms_json_str(&j, "status", r->status);
	if (r->node_id)
		oms_json_int(&j, "node_id", r->node_id);
	oms_event(r->company_id, "return", r->return_id, type, oms_json_end(&j));
}

/*
 * Receiving
 */
static OmsPlan refund_of_plan = {
	"SELECT refund_id, amount, status FROM oms.refund WHERE company_id = $1 AND return_id = $2 AND status <> 'void'"
	" ORDER BY refund_id DESC LIMIT 1",
	2, {INT4OID, INT8OID}, NULL
};

static Jsonb *
receive_answer(const OmsReturn *r, bool duplicate)
{
	Datum		values[2] = {Int32GetDatum(r->company_id), Int64GetDatum(r->return_id)};
	OmsReturnLine *lines;
	int			n = oms_return_lines(r, &lines);
	bool		owed = oms_exec(&refund_of_plan, values, NULL, false, 1) > 0;
	OmsJson		j;

	oms_json_begin(&j);
	oms_json_int(&j, "return_id", r->return_id);
	oms_json_str(&j, "status", r->status);
	oms_json_bool(&j, "duplicate", duplicate);
	if (owed)
	{
		oms_json_int(&j, "refund_id", oms_int8(0, 1));
		oms_json_paise(&j, "refund", oms_paise(0, 2));
	}
	else
	{
		oms_json_str(&j, "refund_id", NULL);
		oms_json_paise(&j, "refund", 0);
	}
	oms_json_array(&j, "lines");
	for (int i = 0; i < n; i++)
	{
		oms_json_object(&j, NULL);
		oms_json_int(&j, "line_no", lines[i].line_no);
		oms_json_milli(&j, "asked", lines[i].qty);
		oms_json_milli(&j, "received", lines[i].received);
		oms_json_milli(&j, "restocked", lines[i].restocked);
		oms_json_str(&j, "disposition", lines[i].disposition);
		oms_json_close_object(&j);
	}
	oms_json_close_array(&j);
	return oms_json_end(&j);
}

PG_FUNCTION_INFO_V1(oms_receive_return);

Datum
oms_receive_return(PG_FUNCTION_ARGS)
{
	Jsonb	   *given;
	char	   *disposition;
	int32		company_id;
	TimestampTz at;
	OmsReturn	r;
	OmsReturnLine *lines;
	int			n;
	int64		amount;
	bool		duplicate;
	Datum		result;

	oms_require_installed();
	given = PG_ARGISNULL(1) ? NULL : PG_GETARG_JSONB_P(1);
	disposition = PG_ARGISNULL(2) ? "restock" : text_to_cstring(PG_GETARG_TEXT_PP(2));
	company_id = oms_company_arg(fcinfo, 3);
	at = PG_ARGISNULL(4) ? GetCurrentTransactionStartTimestamp() : PG_GETARG_TIMESTAMPTZ(4);
	oms_spi_connect();
	oms_return_lock(company_id, oms_id_arg(fcinfo, 0, "return_id"), &r);
	duplicate = strcmp(r.status, "inspected") == 0 || strcmp(r.status, "closed") == 0;
	if (!duplicate)
	{
		oms_return_move(&r, "received", at);
		n = oms_return_lines(&r, &lines);
		count_lines(&r, lines, n, given, disposition);
		restock(&r, lines, n);
		oms_return_move(&r, "inspected", at);
		finish_allocations(&r, lines, n);
		/* an RTO's buyer got nothing, however much of it came back to us */
		(void) oms_return_settle(&r, lines, n, r.rto, &amount);
		oms_order_refresh(company_id, r.order_id);
	}
	result = SPI_datumTransfer(JsonbPGetDatum(receive_answer(&r, duplicate)),
							   false, -1);
	oms_spi_finish();
	return result;
}

static OmsPlan count_plan = {
	"UPDATE oms.return_line SET received_qty = $4, restocked_qty = $5, disposition = $6"
	" WHERE company_id = $1 AND return_id = $2 AND allocation_id = $3",
	6, {INT4OID, INT8OID, INT8OID, NUMERICOID, NUMERICOID, TEXTOID}, NULL
};

static const char *
check_disposition(const char *disposition)
{
	if (strcmp(disposition, "restock") != 0 &&
		strcmp(disposition, "quarantine") != 0 &&
		strcmp(disposition, "scrap") != 0)
		ereport(ERROR,
				(errcode(ERRCODE_OMS_INVALID_DOCUMENT),
				 errmsg("disposition \"%s\" is unknown", disposition),
				 errhint("Goods are for restock, quarantine or scrap.")));
	return disposition;
}

/* Writes what was counted: all that was asked back, or what "given" says. */
static void
count_lines(OmsReturn *r, OmsReturnLine *lines, int n, Jsonb *given,
			const char *disposition)
{
	OmsReturnAsk *asks = NULL;
	int			nasks = given ? oms_return_asks(given, &asks) : 0;

	check_disposition(disposition);
	for (int i = 0; i < n; i++)
	{
		lines[i].received = given ? 0 : lines[i].qty;
		lines[i].disposition = disposition;
	}
	for (int k = 0; k < nasks; k++)
	{
		int64		left = asks[k].qty;

		for (int i = 0; i < n; i++)
		{
			if (lines[i].line_no != asks[k].line_no)
				continue;
			lines[i].received = Min(left, lines[i].qty);
			left -= lines[i].received;
			if (asks[k].disposition)
				lines[i].disposition = check_disposition(asks[k].disposition);
		}
		if (left > 0)
			ereport(ERROR,
					(errcode(ERRCODE_OMS_RETURN_NOT_ALLOWED),
					 errmsg("more came back than return " INT64_FORMAT " is for", r->return_id),
					 errdetail("Line %d: %s too many.", asks[k].line_no,
							   DatumGetCString(DirectFunctionCall1(numeric_out, oms_milli_numeric(left)))),
					 errhint("Create another return for the surplus.")));
	}
	for (int i = 0; i < n; i++)
	{
		Datum		values[6];

		if (strcmp(lines[i].disposition, "restock") == 0)
			lines[i].restocked = lines[i].received;
		values[0] = Int32GetDatum(r->company_id);
		values[1] = Int64GetDatum(r->return_id);
		values[2] = Int64GetDatum(lines[i].allocation_id);
		values[3] = oms_milli_numeric(lines[i].received);
		values[4] = oms_milli_numeric(lines[i].restocked);
		values[5] = oms_text(lines[i].disposition);
		oms_exec(&count_plan, values, NULL, false, 0);
	}
}

/*
 * What left for an allocation: a kit's components as they were picked.
 * Restocked before: by earlier returns of the same allocation.
 */
static OmsPlan left_plan = {
	"SELECT r.sku_id, sum(r.qty),"
	" coalesce((SELECT sum(l.restocked_qty) FROM oms.return_line l"
	"  WHERE l.company_id = $1 AND l.allocation_id = $2 AND l.return_id <> $3), 0)"
	" FROM oms.reservation r WHERE r.company_id = $1 AND r.allocation_id = $2"
	" AND (r.state = 'leaving' OR r.close_reason = 'consumed') GROUP BY r.sku_id ORDER BY r.sku_id",
	3, {INT4OID, INT8OID, INT8OID}, NULL
};

static int
compare_back(const void *a, const void *b)
{
	int32		x = ((const Back *) a)->key.sku_id;
	int32		y = ((const Back *) b)->key.sku_id;

	return x < y ? -1 : x > y;
}

/* Sellable goods go into the receiving node's stock, in key order. */
static void
restock(const OmsReturn *r, const OmsReturnLine *lines, int n)
{
	Back	   *back = NULL;
	int			nback = 0;

	for (int i = 0; i < n; i++)
	{
		Datum		values[3] = {
			Int32GetDatum(r->company_id), Int64GetDatum(lines[i].allocation_id),
			Int64GetDatum(r->return_id)
		};
		int			found;

		if (lines[i].restocked == 0)
			continue;
		found = (int) oms_exec(&left_plan, values, NULL, false, 0);
		back = back ? repalloc(back, sizeof(Back) * (nback + found + 1)) :
			palloc(sizeof(Back) * (found + 1));
		for (int k = 0; k < found; k++)
		{
			int64		units = oms_milli(k, 2);
			int64		before = oms_milli(k, 3);

			back[nback].key.node_id = r->node_id;
			back[nback].key.sku_id = oms_int4(k, 1);
			back[nback].qty = oms_muldiv(units, before + lines[i].restocked, lines[i].allocation_qty) -
				oms_muldiv(units, before, lines[i].allocation_qty);
			nback++;
		}
	}
	if (nback > 1)
		qsort(back, nback, sizeof(Back), compare_back);
	for (int i = 0; i < nback; i++)
	{
		int64		qty = back[i].qty;

		while (i + 1 < nback && back[i + 1].key.sku_id == back[i].key.sku_id)
			qty += back[++i].qty;
		if (qty > 0)
			oms_stock_receive(r->company_id, back[i].key, qty,
							  psprintf("return " INT64_FORMAT, r->return_id));
	}
}

static void
finish_allocations(const OmsReturn *r, const OmsReturnLine *lines, int n)
{
	for (int i = 0; i < n; i++)
		if (lines[i].before + lines[i].received >= lines[i].allocation_qty &&
			strcmp(lines[i].allocation_status, "returned") != 0)
			oms_allocation_move(r->company_id, lines[i].allocation_id, "returned");
}

/*
 * Money
 */
static int64
share(int64 whole, int64 before, int64 part, int64 of)
{
	return oms_muldiv(whole, before + part, of) - oms_muldiv(whole, before, of);
}

static OmsPlan credit_plan = {
	"SELECT credit FROM oms.return_order WHERE company_id = $1 AND return_id = $2",
	2, {INT4OID, INT8OID}, NULL
};

/*
 * An exchange has used some of it already.  Goods that did not come back are
 * told: the buyer owes for them.
 */
static void
less_credit(const OmsReturn *r, int64 *owed, int64 *tax)
{
	Datum		values[2] = {Int32GetDatum(r->company_id), Int64GetDatum(r->return_id)};
	int64		credit;
	OmsJson		j;

	oms_exec(&credit_plan, values, NULL, false, 1);
	credit = oms_paise(0, 1);
	if (credit == 0)
		return;
	if (credit > *owed)
	{
		oms_json_begin(&j);
		oms_json_int(&j, "order_id", r->order_id);
		oms_json_paise(&j, "amount", credit - *owed);
		oms_event(r->company_id, "return", r->return_id,
				  "return.exchange_short", oms_json_end(&j));
	}
	*tax = *owed > credit ? oms_muldiv(*tax, *owed - credit, *owed) : 0;
	*owed = Max(*owed - credit, 0);
}

int64
oms_return_settle(OmsReturn *r, const OmsReturnLine *lines, int n, bool whole,
				  int64 *amount)
{
	int64		owed = 0;
	int64		tax = 0;
	int64		refund_id;

	for (int i = 0; i < n; i++)
	{
		int64		part = whole ? lines[i].qty : lines[i].received;

		owed += share(lines[i].amount, lines[i].before, part, lines[i].allocation_qty);
		tax += share(lines[i].tax, lines[i].before, part, lines[i].allocation_qty);
	}
	less_credit(r, &owed, &tax);
	refund_id = owe(r->company_id, r->order_id, r->return_id, owed, tax,
					r->rto, amount);
	if (refund_id == 0)
		oms_return_move(r, "closed", GetCurrentTransactionStartTimestamp());
	return refund_id;
}

static OmsPlan parcel_amount_plan = {
	"SELECT coalesce(sum(a.net_amount + CASE WHEN c.price_includes_tax THEN 0 ELSE a.cgst + a.sgst + a.igst END), 0),"
	" coalesce(sum(a.cgst + a.sgst + a.igst), 0)"
	" FROM oms.allocation a"
	" JOIN oms.\"order\" o ON o.company_id = a.company_id AND o.order_id = a.order_id"
	" JOIN oms.channel c ON c.channel_id = o.channel_id"
	" WHERE a.company_id = $1 AND a.shipment_id = $2 AND a.status <> 'cancelled'",
	2, {INT4OID, INT8OID}, NULL
};

int64
oms_refund_parcel(const OmsShipment *s)
{
	Datum		values[2] = {Int32GetDatum(s->company_id), Int64GetDatum(s->shipment_id)};
	int64		amount;
	int64		tax;

	oms_exec(&parcel_amount_plan, values, NULL, false, 1);
	amount = oms_paise(0, 1);
	tax = oms_paise(0, 2);
	return owe(s->company_id, s->order_id, 0, amount, tax, true, &amount);
}

/* What the buyer has paid so far, and has been promised back. */
static OmsPlan paid_plan = {
	"SELECT o.payment_mode = 'PREPAID',"
	" CASE WHEN o.payment_mode = 'PREPAID' OR o.fulfilment_mode = 'CARRY_OUT' THEN greatest(o.total_amount, o.paid_amount)"
	"  ELSE o.paid_amount + coalesce((SELECT sum(s.cod_amount) FROM oms.shipment s"
	"   WHERE s.company_id = $1 AND s.order_id = $2 AND s.state = 'DELIVERED' AND s.direction = 'forward'), 0) END"
	" - coalesce((SELECT sum(f.amount) FROM oms.refund f"
	"   WHERE f.company_id = $1 AND f.order_id = $2 AND f.status <> 'void' AND NOT f.netted), 0)"
	" FROM oms.\"order\" o WHERE o.company_id = $1 AND o.order_id = $2",
	2, {INT4OID, INT8OID}, NULL
};
static OmsPlan owe_plan = {
	"INSERT INTO oms.refund (company_id, order_id, return_id, amount, tax_amount, mode)"
	" VALUES ($1, $2, $3, $4, $5, $6) RETURNING refund_id",
	6, {INT4OID, INT8OID, INT8OID, NUMERICOID, NUMERICOID, TEXTOID}, NULL
};

/*
 * A refund, never above what the buyer has paid and not been promised back.
 * What came back undelivered and was to be paid at the door owes nothing.
 */
static int64
owe(int32 company_id, int64 order_id, int64 return_id, int64 amount,
	int64 tax, bool prepaid_only, int64 *owed)
{
	Datum		values[6] = {
		Int32GetDatum(company_id), Int64GetDatum(order_id),
		Int64GetDatum(return_id)
	};
	bool		prepaid;
	int64		paid;
	int64		refund_id;
	OmsJson		j;

	*owed = 0;
	oms_exec(&paid_plan, values, NULL, false, 1);
	prepaid = oms_bool(0, 1);
	paid = oms_paise(0, 2);
	if (prepaid_only && !prepaid)
		return 0;
	if (amount > paid && amount > 0)
	{
		tax = paid > 0 ? oms_muldiv(tax, paid, amount) : 0;
		amount = paid;
	}
	if (amount <= 0)
		return 0;
	values[3] = oms_paise_numeric(amount);
	values[4] = oms_paise_numeric(tax);
	values[5] = oms_text(prepaid ? "original" : "bank");
	oms_exec(&owe_plan, values, return_id ? "      " : "  n   ", false, 0);
	refund_id = oms_int8(0, 1);
	oms_json_begin(&j);
	oms_json_int(&j, "refund_id", refund_id);
	oms_json_paise(&j, "amount", amount);
	oms_json_paise(&j, "tax", tax);
	oms_event(company_id, "order", order_id, "refund.due", oms_json_end(&j));
	*owed = amount;
	return refund_id;
}

static OmsPlan refund_order_plan = {
	"SELECT order_id FROM oms.refund WHERE company_id = $1 AND refund_id = $2",
	2, {INT4OID, INT8OID}, NULL
};
static OmsPlan refund_plan = {
	"SELECT order_id, return_id, amount, status, reference FROM oms.refund"
	" WHERE company_id = $1 AND refund_id = $2 FOR NO KEY UPDATE",
	2, {INT4OID, INT8OID}, NULL
};
static OmsPlan pay_plan = {
	"UPDATE oms.refund SET status = 'paid', paid_at = now(), reference = $3 WHERE company_id = $1 AND refund_id = $2",
	3, {INT4OID, INT8OID, TEXTOID}, NULL
};

PG_FUNCTION_INFO_V1(oms_pay_refund);

/* Paid once; the same reference again changes nothing. */
Datum
oms_pay_refund(PG_FUNCTION_ARGS)
{
	int64		refund_id = oms_id_arg(fcinfo, 0, "refund_id");
	char	   *reference;
	int32		company_id;
	Datum		values[3];
	int64		return_id;
	int64		order_id;
	int64		amount;
	char	   *status;
	char	   *had;
	OmsJson		j;
	Jsonb	   *answer;
	Datum		result;

	oms_require_installed();
	if (PG_ARGISNULL(1))
		ereport(ERROR,
				(errcode(ERRCODE_OMS_INVALID_DOCUMENT),
				 errmsg("no payment reference is given"),
				 errhint("It is what the payment is found by, e.g. the bank's UTR.")));
	reference = text_to_cstring(PG_GETARG_TEXT_PP(1));
	company_id = oms_company_arg(fcinfo, 2);
	values[0] = Int32GetDatum(company_id);
	values[1] = Int64GetDatum(refund_id);
	values[2] = oms_text(reference);
	oms_spi_connect();
	if (oms_exec(&refund_order_plan, values, NULL, false, 1) == 0)
		ereport(ERROR,
				(errcode(ERRCODE_OMS_UNKNOWN_REFERENCE),
				 errmsg("refund " INT64_FORMAT " does not exist", refund_id)));
	oms_order_lock(company_id, oms_int8(0, 1));
	oms_exec(&refund_plan, values, NULL, false, 1);
	order_id = oms_int8(0, 1);
	return_id = oms_int8(0, 2);
	amount = oms_paise(0, 3);
	status = oms_cstr(0, 4);
	had = oms_cstr(0, 5);
	if (strcmp(status, "void") == 0 ||
		(strcmp(status, "paid") == 0 && (had == NULL || strcmp(had, reference) != 0)))
		ereport(ERROR,
				(errcode(ERRCODE_OMS_CONFLICTING_DUPLICATE),
				 errmsg("refund " INT64_FORMAT " is %s already", refund_id, status),
				 errdetail("Its reference is \"%s\".", had ? had : "")));
	oms_json_begin(&j);
	oms_json_int(&j, "refund_id", refund_id);
	oms_json_str(&j, "status", "paid");
	oms_json_paise(&j, "amount", amount);
	oms_json_bool(&j, "duplicate", strcmp(status, "paid") == 0);
	answer = oms_json_end(&j);
	if (strcmp(status, "due") == 0)
	{
		oms_exec(&pay_plan, values, NULL, false, 0);
		oms_event(company_id, "order", order_id, "refund.paid", answer);
		if (return_id != 0)
		{
			OmsReturn	r;

			oms_return_lock(company_id, return_id, &r);
			if (strcmp(r.status, "inspected") == 0)
				oms_return_move(&r, "closed", GetCurrentTransactionStartTimestamp());
		}
	}
	result = SPI_datumTransfer(JsonbPGetDatum(answer), false, -1);
	oms_spi_finish();
	return result;
}

static OmsPlan cancel_parcel_plan = {
	"UPDATE oms.shipment s SET state = 'CANCELLED' FROM oms.shipment_state t"
	" WHERE s.company_id = $1 AND s.shipment_id = $2 AND s.direction = 'reverse'"
	" AND t.state = s.state AND NOT t.terminal",
	2, {INT4OID, INT8OID}, NULL
};

PG_FUNCTION_INFO_V1(oms_cancel_return);

/* Only while the goods are with the buyer. */
Datum
oms_cancel_return(PG_FUNCTION_ARGS)
{
	int32		company_id;
	OmsReturn	r;
	Datum		values[2];
	bool		cancelled;

	oms_require_installed();
	company_id = oms_company_arg(fcinfo, 1);
	oms_spi_connect();
	oms_return_lock(company_id, oms_id_arg(fcinfo, 0, "return_id"), &r);
	cancelled = strcmp(r.status, "cancelled") != 0;
	oms_return_move(&r, "cancelled", GetCurrentTransactionStartTimestamp());
	values[0] = Int32GetDatum(company_id);
	values[1] = Int64GetDatum(r.shipment_id);
	if (cancelled && r.shipment_id != 0)
		oms_exec(&cancel_parcel_plan, values, NULL, false, 0);
	oms_spi_finish();
	PG_RETURN_BOOL(cancelled);
}
