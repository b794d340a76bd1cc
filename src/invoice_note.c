/*
 * invoice_note.c
 *	  What corrects an invoice: its cancellation, and credit notes for goods
 *	  that come back.
 *
 * A part of a line is credited by the difference of cumulative shares, as it
 * is refunded (refund.c): the amount and the tax in it by quantity, so that
 * notes add up to the invoice to the paisa.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/datetime.h"

#include "allocation.h"
#include "core_rows.h"
#include "invoice.h"
#include "returns.h"
#include "tax.h"

/* An invoice as read under its order's lock. */
typedef struct Invoice
{
	int64		invoice_id;
	const char *kind;
	const char *number;
	const char *gstin;
	DateADT		day;
	TimestampTz cancel_until;	/* once the goods left */
	bool		cancelled;
	int64		order_id;
	int64		shipment_id;
	bool		left;			/* the goods left */
	bool		has_irn;
	bool		has_eway;
	bool		credited;
	const char *series;
} Invoice;

static OmsPlan order_of_plan = {
	"SELECT order_id FROM oms.invoice WHERE company_id = $1 AND invoice_id = $2",
	2, {INT4OID, INT8OID}, NULL
};
/* By itself, so that what is read next was committed before. */
static OmsPlan lock_plan = {
	"SELECT 1 FROM oms.invoice WHERE company_id = $1 AND invoice_id = $2 FOR NO KEY UPDATE",
	2, {INT4OID, INT8OID}, NULL
};
static OmsPlan read_plan = {
	"SELECT i.kind, i.number, i.gstin, i.invoice_date,"
	/* an IRN may be cancelled for 24 hours, and the document with it */
	" greatest(i.issued_at + make_interval(hours => coalesce((SELECT p.cancel_hours FROM oms.invoice_policy p WHERE p.company_id = $1), 24)),"
	"  (SELECT e.ack_at + interval '24 hours' FROM oms.einvoice e WHERE e.company_id = $1 AND e.invoice_id = $2)),"
	" i.status = 'cancelled', i.order_id, i.shipment_id,"
	" s.shipped_at IS NOT NULL AND s.state <> 'CANCELLED',"
	" EXISTS (SELECT FROM oms.einvoice e WHERE e.company_id = $1 AND e.invoice_id = $2 AND e.status = 'active'),"
	" EXISTS (SELECT FROM oms.eway_bill w WHERE w.company_id = $1 AND w.invoice_id = $2 AND w.status = 'active'),"
	" EXISTS (SELECT FROM oms.invoice c WHERE c.company_id = $1 AND c.original_id = $2 AND c.status = 'issued'), i.series"
	" FROM oms.invoice i LEFT JOIN oms.shipment s ON s.company_id = i.company_id AND s.shipment_id = i.shipment_id"
	" WHERE i.company_id = $1 AND i.invoice_id = $2",
	2, {INT4OID, INT8OID}, NULL
};

static void
read_invoice(int32 company_id, int64 invoice_id, Invoice *i)
{
	Datum		values[2] = {Int32GetDatum(company_id), Int64GetDatum(invoice_id)};
	bool		isnull;

	oms_exec(&lock_plan, values, NULL, false, 1);
	if (oms_exec(&read_plan, values, NULL, false, 1) == 0)
		elog(ERROR, "invoice " INT64_FORMAT " vanished", invoice_id);
	i->invoice_id = invoice_id;
	i->kind = oms_cstr(0, 1);
	i->number = oms_cstr(0, 2);
	i->gstin = oms_cstr(0, 3);
	i->day = DatumGetDateADT(oms_datum(0, 4, &isnull));
	i->cancel_until = oms_time(0, 5);
	i->cancelled = oms_bool(0, 6);
	i->order_id = oms_int8(0, 7);
	i->shipment_id = oms_int8(0, 8);
	i->left = oms_bool(0, 9);
	i->has_irn = oms_bool(0, 10);
	i->has_eway = oms_bool(0, 11);
	i->credited = oms_bool(0, 12);
	i->series = oms_cstr(0, 13);
}

static void
lock_invoice(int32 company_id, int64 invoice_id, Invoice *i)
{
	oms_order_lock_of(&order_of_plan, company_id, invoice_id, "invoice",
					  "Tax documents are the rows of oms.invoice.");
	read_invoice(company_id, invoice_id, i);
}

/*
 * Cancelling
 */
static OmsPlan cancel_plan = {
	"UPDATE oms.invoice SET status = 'cancelled', cancelled_at = $3, cancel_reason = $4 WHERE company_id = $1 AND invoice_id = $2",
	4, {INT4OID, INT8OID, TIMESTAMPTZOID, TEXTOID}, NULL
};

static void
fixed(const Invoice *i, const char *detail, const char *hint)
{
	ereport(ERROR,
			(errcode(ERRCODE_OMS_INVOICE_FIXED),
			 errmsg("invoice %s cannot be cancelled", i->number),
			 errdetail("%s", detail), errhint("%s", hint)));
}

static void
cancel(int32 company_id, const Invoice *i, const char *reason, TimestampTz at)
{
	Datum		values[4] = {
		Int32GetDatum(company_id), Int64GetDatum(i->invoice_id),
		TimestampTzGetDatum(at), oms_text(reason)
	};
	OmsJson		j;

	if (i->has_irn)
		fixed(i, "It is registered at the portal.", "Cancel its IRN within 24 hours with oms.cancel_irn(), or credit it.");
	if (i->has_eway)
		fixed(i, "Its e-way bill is active.", "Cancel it within 24 hours with oms.cancel_eway_bill(), or credit the invoice.");
	if (i->credited)
		fixed(i, "Credit notes were issued against it.", "Cancel them before.");
	if ((i->left || strcmp(i->kind, "credit_note") == 0) && at > i->cancel_until)
		fixed(i, psprintf("%s, and it could be cancelled until %s.",
						  i->left ? "The goods have left" : "It is a credit note", timestamptz_to_str(i->cancel_until)),
			  "Credit an invoice with oms.credit_invoice().");
	oms_exec(&cancel_plan, values, NULL, false, 0);
	oms_json_begin(&j);
	oms_json_int(&j, "order_id", i->order_id);
	oms_json_int(&j, "invoice_id", i->invoice_id);
	oms_json_str(&j, "reason", reason);
	oms_event(company_id, "shipment", i->shipment_id, "invoice.cancelled",
			  oms_json_end(&j));
}

void
oms_invoice_cancel(int32 company_id, int64 invoice_id, const char *reason,
				   TimestampTz at)
{
	Invoice		i;

	read_invoice(company_id, invoice_id, &i);
	cancel(company_id, &i, reason, at);
}

static char *
reason_arg(FunctionCallInfo fcinfo, int arg)
{
	char	   *reason;

	oms_require_arg(fcinfo, arg, "reason");
	reason = text_to_cstring(PG_GETARG_TEXT_PP(arg));
	if (reason[0] == '\0')
		ereport(ERROR,
				(errcode(ERRCODE_OMS_INVALID_DOCUMENT),
				 errmsg("reason is empty"), errdetail("Argument reason.")));
	return reason;
}

static TimestampTz
at_arg(FunctionCallInfo fcinfo, int arg)
{
	return PG_ARGISNULL(arg) ? GetCurrentTransactionStartTimestamp() : PG_GETARG_TIMESTAMPTZ(arg);
}

PG_FUNCTION_INFO_V1(oms_cancel_invoice);

/* oms.cancel_invoice(invoice_id, reason, company, at) */
Datum
oms_cancel_invoice(PG_FUNCTION_ARGS)
{
	int32		company_id = oms_company_arg(fcinfo, 2);
	char	   *reason = reason_arg(fcinfo, 1);
	Invoice		i;

	oms_spi_connect();
	lock_invoice(company_id, oms_id_arg(fcinfo, 0, "invoice_id"), &i);
	if (!i.cancelled)
		cancel(company_id, &i, reason, at_arg(fcinfo, 3));
	oms_spi_finish();
	PG_RETURN_BOOL(!i.cancelled);
}

/*
 * Crediting
 */

/* So much of a line of an invoice. */
typedef struct Credit
{
	int32		line_no;
	int64		qty;			/* milli */
} Credit;

static OmsPlan line_plan = {
	"INSERT INTO oms.invoice_line (company_id, invoice_id, line_no, order_line_no, allocation_id, charge, original_line_no, sku_id, description, hsn,"
	"  uom, qty, unit_price, gross, discount, net_amount, taxable, rate, cgst, sgst, igst)"
	" SELECT $1, $3, $4, l.order_line_no, l.allocation_id, l.charge, l.line_no, l.sku_id, l.description, l.hsn, l.uom, $6, l.unit_price,"
	"  greatest(g.gross, v.taxable), greatest(g.gross, v.taxable) - v.taxable, n.net, v.taxable, l.rate, v.cgst, v.sgst, v.igst"
	" FROM oms.invoice_line l"
	" CROSS JOIN LATERAL (SELECT coalesce(sum(x.qty), 0) AS before, coalesce(sum(x.net_amount), 0) AS net, coalesce(sum(x.taxable), 0) AS taxable,"
	"    coalesce(sum(x.cgst), 0) AS cgst, coalesce(sum(x.sgst), 0) AS sgst, coalesce(sum(x.igst), 0) AS igst"
	"   FROM oms.invoice_line x JOIN oms.invoice i USING (company_id, invoice_id)"
	"   WHERE i.company_id = $1 AND i.original_id = $2 AND i.status = 'issued' AND x.original_line_no = l.line_no) b"
	/* what is credited with this note, of the whole line */
	" CROSS JOIN LATERAL (SELECT round((l.taxable + l.cgst + l.sgst + l.igst) * (b.before + $6) / l.qty, 2) AS amount,"
	"   round((l.cgst + l.sgst + l.igst) * (b.before + $6) / l.qty, 2) AS tax) c"
	" CROSS JOIN LATERAL (SELECT c.amount - c.tax - b.taxable AS taxable, CASE WHEN $7 THEN round(c.tax / 2, 2) ELSE 0 END - b.cgst AS cgst,"
	"   CASE WHEN $7 THEN c.tax - round(c.tax / 2, 2) ELSE 0 END - b.sgst AS sgst, CASE WHEN $7 THEN 0 ELSE c.tax END - b.igst AS igst) v"
	" CROSS JOIN LATERAL (SELECT round(l.net_amount * (b.before + $6) / l.qty, 2) - b.net AS net) n"
	" CROSS JOIN LATERAL (SELECT CASE WHEN l.discount = 0 THEN v.taxable ELSE round(l.gross * $6 / l.qty, 2) END AS gross) g"
	" WHERE l.company_id = $1 AND l.invoice_id = $2 AND l.line_no = $5",
	7, {INT4OID, INT8OID, INT8OID, INT4OID, INT4OID, NUMERICOID, BOOLOID}, NULL
};
static OmsPlan note_plan = {
	"INSERT INTO oms.invoice (company_id, invoice_id, kind, gstin, fin_year, series, no, number, invoice_date, issued_at, order_id, shipment_id,"
	"  return_id, original_id, reason, supply_type, supplier_state, place_of_supply, buyer_gstin, seller, dispatch, buyer, ship_to,"
	"  taxable, cgst, sgst, igst, round_off, total)"
	" SELECT $1, $2, 'credit_note', i.gstin, $3, $4, $5, $6, $7, $8, i.order_id, i.shipment_id, $9, i.invoice_id, $10, i.supply_type,"
	"  i.supplier_state, i.place_of_supply, i.buyer_gstin, i.seller, i.dispatch, i.buyer, i.ship_to, t.taxable, t.cgst, t.sgst, t.igst,"
	"  r.whole - t.sum, r.whole"
	" FROM oms.invoice i"
	" CROSS JOIN LATERAL (SELECT sum(taxable) AS taxable, sum(cgst) AS cgst, sum(sgst) AS sgst, sum(igst) AS igst, sum(taxable + cgst + sgst + igst) AS sum"
	"   FROM oms.invoice_line WHERE company_id = $1 AND invoice_id = $2) t"
	" CROSS JOIN LATERAL (SELECT CASE WHEN EXISTS (SELECT FROM oms.invoice_policy p WHERE p.company_id = $1 AND p.round_rupee)"
	"   THEN round(t.sum, 0) ELSE t.sum END AS whole) r"
	" WHERE i.company_id = $1 AND i.invoice_id = $11",
	11, {INT4OID, INT8OID, TEXTOID, TEXTOID, INT8OID, TEXTOID, DATEOID, TIMESTAMPTZOID, INT8OID, TEXTOID, INT8OID}, NULL
};
static OmsPlan intra_plan = {
	"SELECT supplier_state = place_of_supply AND supply_type IN ('B2C', 'B2B', 'DEXP') FROM oms.invoice WHERE company_id = $1 AND invoice_id = $2",
	2, {INT4OID, INT8OID}, NULL
};

/* Tax may be reduced until 30 November after the year of the supply (s. 34). */
static void
check_in_time(const Invoice *i, DateADT day)
{
	int			year,
				month,
				mday;
	DateADT		last;

	j2date(i->day + POSTGRES_EPOCH_JDATE, &year, &month, &mday);
	last = date2j(month < 4 ? year : year + 1, 11, 30) - POSTGRES_EPOCH_JDATE;
	if (day > last)
		ereport(ERROR,
				(errcode(ERRCODE_OMS_INVOICE),
				 errmsg("no credit note can reduce the tax of invoice %s any more", i->number),
				 errdetail("The last day was %d-11-30 (s. 34 of the CGST Act).", month < 4 ? year : year + 1),
				 errhint("Settle it in the books without tax.")));
	if (day < i->day)
		ereport(ERROR,
				(errcode(ERRCODE_OMS_INVALID_DOCUMENT),
				 errmsg("a credit note cannot be dated before its invoice"),
				 errdetail("Argument at; invoice %s.", i->number)));
}

/* Writes a note over these lines; returns its invoice_id. */
static int64
write_note(int32 company_id, const Invoice *i, int64 return_id,
		   const Credit *credits, int n, const char *reason, TimestampTz at)
{
	Datum		values[11] = {Int32GetDatum(company_id), Int64GetDatum(i->invoice_id)};
	DateADT		day = oms_company_day(company_id, at);
	int64		note_id = oms_next("invoice_invoice_id_seq");
	OmsInvoiceNumber number;
	OmsJson		j;
	bool		intra;

	check_in_time(i, day);
	oms_exec(&intra_plan, values, NULL, false, 1);
	intra = oms_bool(0, 1);
	values[2] = Int64GetDatum(note_id);
	values[6] = BoolGetDatum(intra);
	for (int k = 0; k < n; k++)
	{
		values[3] = Int32GetDatum(k + 1);
		values[4] = Int32GetDatum(credits[k].line_no);
		values[5] = oms_milli_numeric(credits[k].qty);
		oms_exec(&line_plan, values, NULL, false, 0);
	}
	oms_invoice_number(company_id, i->gstin, "credit_note",
					   oms_invoice_has_series(company_id, i->gstin, "credit_note", i->series) ? i->series : NULL,
					   day, psprintf("invoice %s", i->number), &number);
	values[1] = Int64GetDatum(note_id);
	values[2] = oms_text(number.fin_year);
	values[3] = oms_text(number.series);
	values[4] = Int64GetDatum(number.no);
	values[5] = oms_text(number.number);
	values[6] = DateADTGetDatum(day);
	values[7] = TimestampTzGetDatum(at);
	values[8] = Int64GetDatum(return_id);
	values[9] = oms_text(reason);
	values[10] = Int64GetDatum(i->invoice_id);
	oms_exec(&note_plan, values, return_id ? NULL : "        n  ", false, 0);
	oms_json_begin(&j);
	oms_json_int(&j, "order_id", i->order_id);
	oms_json_int(&j, "invoice_id", note_id);
	oms_json_int(&j, "original_id", i->invoice_id);
	oms_event(company_id, "shipment", i->shipment_id, "invoice.credited",
			  oms_json_end(&j));
	return note_id;
}

/* Lines of an invoice and what of them is not credited yet. */
static OmsPlan open_plan = {
	"SELECT l.line_no, l.qty - coalesce((SELECT sum(x.qty) FROM oms.invoice_line x JOIN oms.invoice i USING (company_id, invoice_id)"
	"  WHERE i.company_id = $1 AND i.original_id = $2 AND i.status = 'issued' AND x.original_line_no = l.line_no), 0), l.allocation_id"
	" FROM oms.invoice_line l WHERE l.company_id = $1 AND l.invoice_id = $2 ORDER BY l.line_no",
	2, {INT4OID, INT8OID}, NULL
};

static int
open_lines(int32 company_id, int64 invoice_id, Credit **open)
{
	Datum		values[2] = {Int32GetDatum(company_id), Int64GetDatum(invoice_id)};
	int			n = (int) oms_exec(&open_plan, values, NULL, false, 0);

	*open = palloc(sizeof(Credit) * Max(n, 1));
	for (int k = 0; k < n; k++)
	{
		(*open)[k].line_no = oms_int4(k, 1);
		(*open)[k].qty = oms_milli(k, 2);
	}
	return n;
}

/* Of what is open, what is asked; asks NULL: all. */
static int
choose(const Invoice *i, Credit *open, int n, const OmsReturnAsk *asks, int nasks)
{
	int			kept = 0;

	for (int a = 0; a < nasks; a++)
	{
		bool		found = false;

		for (int k = 0; k < n; k++)
			if (open[k].line_no == asks[a].line_no)
			{
				found = true;
				if (asks[a].qty <= 0 || asks[a].qty > open[k].qty)
					ereport(ERROR,
							(errcode(ERRCODE_OMS_INVOICE),
							 errmsg("line %d of invoice %s cannot be credited so much", asks[a].line_no, i->number),
							 errdetail("%s asked, %s not credited yet.",
									   DatumGetCString(DirectFunctionCall1(numeric_out, oms_milli_numeric(asks[a].qty))),
									   DatumGetCString(DirectFunctionCall1(numeric_out, oms_milli_numeric(open[k].qty))))));
			}
		if (!found)
			ereport(ERROR,
					(errcode(ERRCODE_OMS_UNKNOWN_REFERENCE),
					 errmsg("invoice %s has no line %d", i->number, asks[a].line_no)));
	}
	for (int k = 0; k < n; k++)
	{
		int64		qty = nasks < 0 ? open[k].qty : 0;

		for (int a = 0; a < nasks; a++)
			if (asks[a].line_no == open[k].line_no)
				qty = asks[a].qty;
		if (qty <= 0)
			continue;
		open[kept] = open[k];
		open[kept++].qty = qty;
	}
	return kept;
}

static OmsPlan answer_plan = {
	"SELECT jsonb_build_object('invoice_id', c.invoice_id, 'number', c.number, 'date', c.invoice_date, 'original_id', c.original_id,"
	" 'original', i.number, 'taxable', c.taxable, 'tax', c.cgst + c.sgst + c.igst, 'total', c.total)"
	" FROM oms.invoice c JOIN oms.invoice i ON i.company_id = c.company_id AND i.invoice_id = c.original_id"
	" WHERE c.company_id = $1 AND c.invoice_id = $2",
	2, {INT4OID, INT8OID}, NULL
};

static Datum
answer_of(int32 company_id, int64 note_id, MemoryContext cxt)
{
	Datum		values[2] = {Int32GetDatum(company_id), Int64GetDatum(note_id)};
	MemoryContext old;
	Datum		answer;
	bool		isnull;

	oms_exec(&answer_plan, values, NULL, false, 1);
	answer = oms_datum(0, 1, &isnull);
	old = MemoryContextSwitchTo(cxt);
	answer = PointerGetDatum(PG_DETOAST_DATUM_COPY(answer));
	MemoryContextSwitchTo(old);
	return answer;
}

PG_FUNCTION_INFO_V1(oms_credit_invoice);

/* oms.credit_invoice(invoice_id, reason, lines, company, at) */
Datum
oms_credit_invoice(PG_FUNCTION_ARGS)
{
	int32		company_id = oms_company_arg(fcinfo, 3);
	char	   *reason = reason_arg(fcinfo, 1);
	MemoryContext caller = CurrentMemoryContext;
	OmsReturnAsk *asks = NULL;
	Credit	   *credits;
	Invoice		i;
	int			nasks = -1;
	int			n;
	Datum		answer;

	oms_spi_connect();
	lock_invoice(company_id, oms_id_arg(fcinfo, 0, "invoice_id"), &i);
	if (i.cancelled || strcmp(i.kind, "credit_note") == 0)
		ereport(ERROR,
				(errcode(ERRCODE_OMS_INVOICE),
				 errmsg("%s %s cannot be credited", i.cancelled ? "cancelled invoice" : "credit note", i.number)));
	if (!PG_ARGISNULL(2))
		nasks = oms_return_asks(PG_GETARG_JSONB_P(2), &asks);
	n = open_lines(company_id, i.invoice_id, &credits);
	n = choose(&i, credits, n, asks, nasks);
	if (n == 0)
		ereport(ERROR,
				(errcode(ERRCODE_OMS_INVOICE),
				 errmsg("nothing of invoice %s is left to be credited", i.number)));
	answer = answer_of(company_id,
					   write_note(company_id, &i, 0, credits, n, reason, at_arg(fcinfo, 4)),
					   caller);
	oms_spi_finish();
	PG_RETURN_DATUM(answer);
}

/*
 * Credit notes of a return: one for each invoice its goods were supplied with
 */
static OmsPlan return_plan = {
	"SELECT r.status, r.reason, r.kind = 'RTO' FROM oms.return_order r WHERE r.company_id = $1 AND r.return_id = $2",
	2, {INT4OID, INT8OID}, NULL
};

/*
 * What came back by line of an invoice.  Of an RTO, and of a return that was
 * lost on its way, all that was asked back: the buyer is credited in full.
 */
static OmsPlan back_plan = {
	"SELECT i.invoice_id, l.line_no, x.qty FROM"
	" (SELECT b.allocation_id, CASE WHEN r.kind = 'RTO' OR r.received_at IS NULL THEN b.qty ELSE b.received_qty END AS qty"
	"   FROM oms.return_line b JOIN oms.return_order r USING (company_id, return_id) WHERE b.company_id = $1 AND b.return_id = $2) x"
	" JOIN oms.allocation a ON a.company_id = $1 AND a.allocation_id = x.allocation_id"
	" LEFT JOIN (oms.invoice_line l JOIN oms.invoice i ON i.company_id = l.company_id AND i.invoice_id = l.invoice_id"
	"   AND i.status = 'issued' AND i.kind IN ('invoice', 'bill_of_supply'))"
	"  ON l.company_id = $1 AND l.allocation_id = x.allocation_id AND i.shipment_id = a.shipment_id"
	" WHERE x.qty > 0 ORDER BY i.invoice_id, l.line_no",
	2, {INT4OID, INT8OID}, NULL
};
static OmsPlan noted_plan = {
	"SELECT invoice_id FROM oms.invoice WHERE company_id = $1 AND return_id = $2 AND original_id = $3 AND status = 'issued'",
	3, {INT4OID, INT8OID, INT8OID}, NULL
};

typedef struct Back
{
	int64		invoice_id;
	OmsReturnAsk ask;
} Back;

PG_FUNCTION_INFO_V1(oms_make_credit_note);

/* oms.make_credit_note(return_id, company, at) */
Datum
oms_make_credit_note(PG_FUNCTION_ARGS)
{
	int32		company_id = oms_company_arg(fcinfo, 1);
	int64		return_id = oms_id_arg(fcinfo, 0, "return_id");
	TimestampTz at = at_arg(fcinfo, 2);
	MemoryContext caller = CurrentMemoryContext;
	Datum		values[3] = {Int32GetDatum(company_id), Int64GetDatum(return_id)};
	OmsReturn	r;
	const char *reason;
	bool		whole;
	Back	   *back;
	int			n;
	bool		duplicate = true;
	List	   *notes = NIL;
	ListCell   *c;
	JsonbParseState *state = NULL;
	JsonbValue	v;
	JsonbValue *end;

	oms_spi_connect();
	oms_return_lock(company_id, return_id, &r);
	oms_exec(&return_plan, values, NULL, false, 1);
	reason = oms_cstr(0, 2);
	whole = oms_bool(0, 3);
	if (strcmp(r.status, "inspected") != 0 && strcmp(r.status, "closed") != 0)
		ereport(ERROR,
				(errcode(ERRCODE_OMS_STATUS_MOVE),
				 errmsg("return " INT64_FORMAT " in status \"%s\" cannot be credited", return_id, r.status),
				 errhint("Count its goods in with oms.receive_return().")));
	n = (int) oms_exec(&back_plan, values, NULL, false, 0);
	back = palloc0(sizeof(Back) * Max(n, 1));
	for (int k = 0; k < n; k++)
	{
		if (oms_isnull(k, 1))
			ereport(ERROR,
					(errcode(ERRCODE_OMS_INVOICE),
					 errmsg("return " INT64_FORMAT " cannot be credited", return_id),
					 errdetail("Its goods left without an invoice of ours."),
					 errhint("Make it with oms.make_invoice(), or credit it where the invoice was made.")));
		back[k].invoice_id = oms_int8(k, 1);
		back[k].ask.line_no = oms_int4(k, 2);
		back[k].ask.qty = oms_milli(k, 3);
	}
	if (n == 0)
		ereport(ERROR,
				(errcode(ERRCODE_OMS_INVOICE),
				 errmsg("return " INT64_FORMAT " cannot be credited", return_id),
				 errdetail("Nothing of it came back.")));
	for (int k = 0, m; k < n; k = m)
	{
		Invoice		i;
		Credit	   *credits;
		OmsReturnAsk *asks;
		int			open;
		Datum		note;

		CHECK_FOR_INTERRUPTS();
		for (m = k; m < n && back[m].invoice_id == back[k].invoice_id; m++)
			;
		values[2] = Int64GetDatum(back[k].invoice_id);
		if (oms_exec(&noted_plan, values, NULL, false, 1) > 0)
		{
			note = answer_of(company_id, oms_int8(0, 1), caller);
		}
		else
		{
			asks = palloc(sizeof(OmsReturnAsk) * (m - k));
			for (int a = k; a < m; a++)
				asks[a - k] = back[a].ask;
			read_invoice(company_id, back[k].invoice_id, &i);
			open = open_lines(company_id, i.invoice_id, &credits);
			/* nothing of an RTO was supplied: its charges neither */
			open = choose(&i, credits, open, asks, whole ? -1 : m - k);
			if (open == 0)
				continue;		/* credited by hand before */
			note = answer_of(company_id, write_note(company_id, &i, return_id, credits, open, reason, at), caller);
			duplicate = false;
		}
		{
			MemoryContext old = MemoryContextSwitchTo(caller);

			notes = lappend(notes, DatumGetPointer(note));
			MemoryContextSwitchTo(old);
		}
	}
	oms_spi_finish();

	pushJsonbValue(&state, WJB_BEGIN_OBJECT, NULL);
	v.type = jbvString;
	v.val.string.val = "return_id";
	v.val.string.len = 9;
	pushJsonbValue(&state, WJB_KEY, &v);
	v.type = jbvNumeric;
	v.val.numeric = int64_to_numeric(return_id);
	pushJsonbValue(&state, WJB_VALUE, &v);
	v.type = jbvString;
	v.val.string.val = "duplicate";
	v.val.string.len = 9;
	pushJsonbValue(&state, WJB_KEY, &v);
	v.type = jbvBool;
	v.val.boolean = duplicate;
	pushJsonbValue(&state, WJB_VALUE, &v);
	v.type = jbvString;
	v.val.string.val = "notes";
	v.val.string.len = 5;
	pushJsonbValue(&state, WJB_KEY, &v);
	pushJsonbValue(&state, WJB_BEGIN_ARRAY, NULL);
	foreach(c, notes)
	{
		JsonbToJsonbValue((Jsonb *) lfirst(c), &v);
		pushJsonbValue(&state, WJB_ELEM, &v);
	}
	pushJsonbValue(&state, WJB_END_ARRAY, NULL);
	end = pushJsonbValue(&state, WJB_END_OBJECT, NULL);
	PG_RETURN_JSONB_P(JsonbValueToJsonb(end));
}
