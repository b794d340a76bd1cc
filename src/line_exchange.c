/*
 * line_exchange.c
 *	  Units of a line exchanged for another item: before they are handed over
 *	  in the same order at once; after delivery by a return and a new line that
 *	  the returned goods pay for.
 */
#include "postgres.h"

#include "access/xact.h"
#include "catalog/pg_type.h"
#include "fmgr.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

#include "allocation.h"
#include "line_change.h"
#include "shipment.h"
#include "stock.h"

typedef struct Exchange
{
	int32		company_id;
	int64		order_id;
	int32		line_no;
	OmsMore		more;
	const char *old_sku;
	int64		here;			/* milli, not handed over */
	int64		delivered;		/* milli */
	const char *channel;
	const char *reason;
	int64		return_id;		/* 0: before the hand-over */
	TimestampTz at;
} Exchange;

static OmsPlan line_plan = {
	"SELECT k.code, c.code,"
	" coalesce((SELECT sum(a.qty) FROM oms.allocation a WHERE a.company_id = $1 AND a.order_id = $2 AND a.line_no = $3"
	"  AND a.status IN ('planned', 'backordered', 'reserved', 'released', 'picked', 'packed')), 0),"
	" coalesce((SELECT sum(a.qty) FROM oms.allocation a WHERE a.company_id = $1 AND a.order_id = $2 AND a.line_no = $3"
	"  AND a.status = 'delivered'), 0)"
	" FROM oms.order_line l JOIN oms.sku k ON k.sku_id = l.sku_id"
	" JOIN oms.\"order\" o ON o.company_id = l.company_id AND o.order_id = l.order_id"
	" JOIN oms.channel c ON c.channel_id = o.channel_id"
	" WHERE l.company_id = $1 AND l.order_id = $2 AND l.line_no = $3",
	3, {INT4OID, INT8OID, INT4OID}, NULL
};

static void
read_line(Exchange *x)
{
	Datum		values[3] = {
		Int32GetDatum(x->company_id), Int64GetDatum(x->order_id),
		Int32GetDatum(x->line_no)
	};

	if (oms_exec(&line_plan, values, NULL, false, 1) == 0)
		ereport(ERROR,
				(errcode(ERRCODE_OMS_UNKNOWN_REFERENCE),
				 errmsg("order " INT64_FORMAT " has no line %d", x->order_id, x->line_no),
				 errdetail("Argument line_no."),
				 errhint("Its lines are the rows of oms.order_line.")));
	x->old_sku = oms_cstr(0, 1);
	x->channel = oms_cstr(0, 2);
	x->here = oms_milli(0, 3);
	x->delivered = oms_milli(0, 4);
}

/* The item that comes: sold in that quantity, at which price. */
static void
read_item(Exchange *x, bool has_price)
{
	OmsChannel	channel = {0};
	OmsLine		line = {0};

	line.sku = x->more.sku;
	line.qty = x->more.qty;
	oms_channel_find(x->company_id, x->channel, true, &channel);
	oms_lines_find(x->company_id, channel.price_list_id, &line, 1, x->at);
	oms_lines_check_sale(&line, 1);
	if (line.kit && line.qty % 1000 != 0)
		ereport(ERROR,
				(errcode(ERRCODE_OMS_INVALID_DOCUMENT),
				 errmsg("a kit is sold whole"),
				 errdetail("Argument qty has a fraction."),
				 errhint("Ask for whole kits.")));
	x->more.sku_id = line.sku_id;
	if (has_price)
		return;
	if (line.list_price < 0 || line.list_includes_tax != channel.price_includes_tax)
		ereport(ERROR,
				(errcode(ERRCODE_OMS_INVALID_DOCUMENT),
				 errmsg("no list price to use for \"%s\"", x->more.sku),
				 errdetail("Argument unit_price is null."),
				 errhint("Say the price, or keep a list price %s tax in oms.price.",
						 channel.price_includes_tax ? "with" : "without")));
	x->more.unit_price = line.list_price;
}

static OmsPlan return_plan = {
	"SELECT (r ->> 'return_id')::int8 FROM oms.company c, oms.create_return(jsonb_build_object('company', c.code, 'order_id', $2, 'return_ref', $3,"
	" 'reason', $4, 'lines', jsonb_build_array(jsonb_build_object('line_no', $5, 'qty', $6))), $7) AS r"
	" WHERE c.company_id = $1",
	7, {INT4OID, INT8OID, TEXTOID, TEXTOID, INT4OID, NUMERICOID, TIMESTAMPTZOID}, NULL
};
static OmsPlan worth_plan = {
	"SELECT coalesce(sum(round((a.net_amount + CASE WHEN c.price_includes_tax THEN 0 ELSE a.cgst + a.sgst + a.igst END) * l.qty / a.qty, 2)), 0)"
	" FROM oms.return_line l JOIN oms.allocation a ON a.company_id = l.company_id AND a.allocation_id = l.allocation_id"
	" JOIN oms.\"order\" o ON o.company_id = a.company_id AND o.order_id = a.order_id"
	" JOIN oms.channel c ON c.channel_id = o.channel_id"
	" WHERE l.company_id = $1 AND l.return_id = $2",
	2, {INT4OID, INT8OID}, NULL
};

/* Asks the delivered goods back; what they are worth pays for the new. */
static int64
ask_back(Exchange *x, const char *request_id)
{
	Datum		values[7] = {
		Int32GetDatum(x->company_id), Int64GetDatum(x->order_id),
		oms_text(psprintf("exchange:%s", request_id)), oms_text(x->reason),
		Int32GetDatum(x->line_no), oms_milli_numeric(x->more.qty),
		TimestampTzGetDatum(x->at)
	};

	oms_exec(&return_plan, values, NULL, false, 1);
	x->return_id = oms_int8(0, 1);
	values[1] = Int64GetDatum(x->return_id);
	oms_exec(&worth_plan, values, NULL, false, 1);
	return oms_paise(0, 1);
}

static OmsPlan credited_plan = {
	"UPDATE oms.return_order SET credit = $3 WHERE company_id = $1 AND return_id = $2",
	3, {INT4OID, INT8OID, NUMERICOID}, NULL
};

static void
exchange(Exchange *x, OmsLineChange *c, const char *request_id)
{
	OmsLess		less = {x->line_no, x->more.qty};
	Datum		values[3] = {Int32GetDatum(x->company_id)};

	c->company_id = x->company_id;
	c->order_id = x->order_id;
	c->at = x->at;
	c->reason = "BUYER";
	c->more = &x->more;
	c->nmore = 1;
	if (x->more.qty <= x->here)
	{
		if (strcmp(x->old_sku, x->more.sku) == 0)
			ereport(ERROR,
					(errcode(ERRCODE_OMS_INVALID_DOCUMENT),
					 errmsg("the line is for \"%s\" already", x->old_sku),
					 errdetail("Argument sku."),
					 errhint("Quantities are changed by oms.amend_line().")));
		c->less = &less;
		c->nless = 1;
		oms_line_change(c);
		return;
	}
	if (x->more.qty > x->delivered)
		ereport(ERROR,
				(errcode(ERRCODE_OMS_STATUS_MOVE),
				 errmsg("not so much of line %d of order " INT64_FORMAT " can be exchanged", x->line_no, x->order_id),
				 errdetail("%s are not handed over, %s are delivered.",
						   DatumGetCString(DirectFunctionCall1(numeric_out, oms_milli_numeric(x->here))),
						   DatumGetCString(DirectFunctionCall1(numeric_out, oms_milli_numeric(x->delivered)))),
				 errhint("What is on its way is exchanged once it is delivered.")));
	c->credit = ask_back(x, request_id);
	oms_line_change(c);
	values[1] = Int64GetDatum(x->return_id);
	values[2] = oms_paise_numeric(c->credited);
	oms_exec(&credited_plan, values, NULL, false, 0);
}

static void
exchanged_event(const Exchange *x, const OmsLineChange *c)
{
	OmsJson		j;

	oms_json_begin(&j);
	oms_json_int(&j, "line_no", x->line_no);
	oms_json_int(&j, "new_line_no", x->more.line_no);
	oms_json_str(&j, "sku", x->more.sku);
	oms_json_milli(&j, "qty", x->more.qty);
	oms_json_paise(&j, "added", c->added);
	oms_json_paise(&j, "taken", c->taken);
	oms_json_paise(&j, "credited", c->credited);
	if (x->return_id)
		oms_json_int(&j, "return_id", x->return_id);
	oms_event(x->company_id, "order", x->order_id, "order.line_exchanged",
			  oms_json_end(&j));
}

static Jsonb *
exchange_answer(const Exchange *x, const OmsLineChange *c)
{
	char	   *status = oms_order_status_now(x->company_id, x->order_id);
	OmsJson		j;

	oms_json_begin(&j);
	oms_json_int(&j, "order_id", x->order_id);
	oms_json_int(&j, "line_no", x->line_no);
	oms_json_int(&j, "new_line_no", x->more.line_no);
	oms_json_milli(&j, "qty", x->more.qty);
	oms_json_paise(&j, "added", c->added);
	oms_json_paise(&j, "taken", c->taken);
	oms_json_paise(&j, "credited", c->credited);
	oms_json_paise(&j, "refund", c->refund);
	oms_json_paise(&j, "due", c->due);
	if (x->return_id)
		oms_json_int(&j, "return_id", x->return_id);
	else
		oms_json_str(&j, "return_id", NULL);
	oms_json_str(&j, "status", status);
	oms_json_bool(&j, "duplicate", false);
	return oms_json_end(&j);
}

static Jsonb *
asked_for(const Exchange *x, bool has_price)
{
	OmsJson		j;

	oms_json_begin(&j);
	oms_json_int(&j, "line_no", x->line_no);
	oms_json_str(&j, "sku", x->more.sku);
	oms_json_milli(&j, "qty", x->more.qty);
	if (has_price)
		oms_json_paise(&j, "unit_price", x->more.unit_price);
	return oms_json_end(&j);
}

PG_FUNCTION_INFO_V1(oms_exchange_line);

/*
 * oms.exchange_line(order_id, line_no, sku, qty, request_id, unit_price,
 *					 reason, company, at)
 */
Datum
oms_exchange_line(PG_FUNCTION_ARGS)
{
	Exchange	x = {0};
	OmsLineChange c = {0};
	MemoryContext caller = CurrentMemoryContext;
	bool		has_price = !PG_ARGISNULL(5);
	char	   *request_id;
	Jsonb	   *asked;
	Jsonb	   *answer;
	Datum		copy;

	x.company_id = oms_company_arg(fcinfo, 7);
	x.order_id = oms_id_arg(fcinfo, 0, "order_id");
	oms_require_arg(fcinfo, 1, "line_no");
	x.line_no = PG_GETARG_INT32(1);
	oms_require_arg(fcinfo, 2, "sku");
	x.more.sku = text_to_cstring(PG_GETARG_TEXT_PP(2));
	x.more.qty = PG_ARGISNULL(3) ? 0 : oms_milli_arg(PG_GETARG_DATUM(3), "qty");
	x.more.unit_price = has_price ? oms_paise_arg(PG_GETARG_DATUM(5), "unit_price") : 0;
	x.reason = PG_ARGISNULL(6) ? "SIZE" : text_to_cstring(PG_GETARG_TEXT_PP(6));
	x.at = PG_ARGISNULL(8) ? GetCurrentTransactionStartTimestamp() :
		PG_GETARG_TIMESTAMPTZ(8);
	request_id = oms_request_arg(fcinfo, 4);
	if (x.more.qty <= 0 || x.more.unit_price < 0)
		ereport(ERROR,
				(errcode(ERRCODE_OMS_INVALID_DOCUMENT),
				 errmsg(x.more.qty <= 0 ? "quantity must be above zero" : "a price is not below zero"),
				 errdetail(x.more.qty <= 0 ? "Argument qty." : "Argument unit_price."),
				 errhint("So many units of the line are exchanged for as many of the other item.")));
	if (oms_erp_before_promise)
		oms_erp_before_promise(x.company_id);
	oms_order_lock(x.company_id, x.order_id);
	oms_spi_connect();
	asked = asked_for(&x, has_price);
	answer = oms_line_change_before(x.company_id, x.order_id, request_id,
									"exchange", asked);
	if (answer == NULL)
	{
		MemoryContext spi;

		read_line(&x);
		read_item(&x, has_price);
		exchange(&x, &c, request_id);
		exchanged_event(&x, &c);
		oms_order_refresh(x.company_id, x.order_id);
		spi = MemoryContextSwitchTo(caller);
		answer = exchange_answer(&x, &c);
		MemoryContextSwitchTo(spi);
		oms_line_change_keep(x.company_id, x.order_id, request_id, "exchange",
							 asked, x.line_no, x.more.line_no, x.return_id,
							 answer);
	}
	copy = SPI_datumTransfer(JsonbPGetDatum(answer), false, -1);
	oms_spi_finish();
	return copy;
}

static OmsPlan uncredit_plan = {
	"WITH r AS (UPDATE oms.return_order u SET credit = 0 FROM oms.return_order o"
	"  WHERE u.company_id = $1 AND u.return_id = $2 AND o.company_id = $1 AND o.return_id = $2 AND u.credit > 0"
	"  RETURNING o.order_id, o.credit)"
	" UPDATE oms.\"order\" p SET paid_amount = p.paid_amount - r.credit FROM r"
	" WHERE p.company_id = $1 AND p.order_id = r.order_id RETURNING p.order_id, r.credit",
	2, {INT4OID, INT8OID}, NULL
};
static OmsPlan unpaid_plan = {
	"INSERT INTO oms.order_hold (company_id, order_id, hold, reason)"
	" SELECT $1, $2, 'PAYMENT', 'the goods that were to be exchanged do not come back' FROM oms.\"order\""
	" WHERE company_id = $1 AND order_id = $2 AND payment_mode = 'PREPAID' AND paid_amount < total_amount"
	" ON CONFLICT (company_id, order_id, hold) DO UPDATE SET resolved_at = NULL, resolution = NULL, resolved_by = NULL, reason = excluded.reason",
	2, {INT4OID, INT8OID}, NULL
};

void
oms_exchange_void(int32 company_id, int64 return_id)
{
	Datum		values[2] = {Int32GetDatum(company_id), Int64GetDatum(return_id)};
	int64		order_id;
	int64		credit;
	OmsJson		j;

	if (oms_exec(&uncredit_plan, values, NULL, false, 0) == 0)
		return;
	order_id = oms_int8(0, 1);
	credit = oms_paise(0, 2);
	values[1] = Int64GetDatum(order_id);
	oms_exec(&unpaid_plan, values, NULL, false, 0);
	oms_shipment_balance_cash(company_id, order_id);
	oms_json_begin(&j);
	oms_json_int(&j, "return_id", return_id);
	oms_json_paise(&j, "amount", credit);
	oms_event(company_id, "order", order_id, "order.exchange_unpaid",
			  oms_json_end(&j));
}
