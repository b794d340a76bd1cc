/*
 * orders.c
 *	  Capturing orders: one call, one transaction, all or nothing.
 *
 * The steps are DESIGN's: read and check, deduplicate, buyer and address,
 * prices, risk, plan, reserve, tax, courier, write, answer.  Everything that
 * may fail on data comes before the first row is locked.  Where there is
 * plenty the rows are written first and the stock is taken last, so that it
 * is locked for as short as can be; else the stock first.  A second session
 * with the same order that was faster makes this one answer with the other's
 * order, and give its stock back if it had taken it.
 */
#include "postgres.h"

#include "access/xact.h"
#include "catalog/pg_type.h"
#include "fmgr.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/date.h"
#include "utils/timestamp.h"

#include "accept.h"
#include "allocation.h"
#include "catalog.h"
#include "combiner.h"
#include "core_find.h"
#include "order_capture.h"

static bool answer_duplicate(int32 company_id, const OmsChannel *channel,
							 const OmsOrderDoc *doc, Jsonb **answer);
static bool answer_accepted(OmsCapture *c, Jsonb *doc, Jsonb **result);
static void raise_conflict(const OmsOrderDoc *doc, int64 order_id)
			pg_attribute_noreturn();
static bool plan_and_write(OmsCapture *c, Jsonb **duplicate);
static Jsonb *captured_meanwhile(OmsCapture *c);
static Jsonb *answer(OmsCapture *c);
static void warn(const OmsCapture *c, OmsJson *j);

static void
make_missing(int32 company_id, int64 order_id)
{
	(void) oms_accept_complete(company_id, order_id);
}

void
oms_orders_init(void)
{
	oms_order_buyer_init();
	oms_order_missing = make_missing;
}

/* Reads and checks the document, and looks up all that it names. */
void
oms_capture_read(OmsCapture *c, Jsonb *doc, TimestampTz at)
{
	OmsOrderDoc *d = &c->doc;

	oms_order_read(doc, false, d);
	c->at = at;
	c->company_id = oms_company_id_now(d->company);
	if (oms_erp_before_promise && !RecoveryInProgress())
		oms_erp_before_promise(c->company_id);
	/* what was accepted is made, also after the sale was closed */
	oms_channel_find(c->company_id, d->channel, c->accepted == NULL, &c->channel);
}

/* What the catalogue and the channel say of it. */
void
oms_capture_look_up(OmsCapture *c)
{
	OmsOrderDoc *d = &c->doc;

	if (d->placed_at == 0)
		d->placed_at = c->at;
	if (d->cod && !c->channel.cod_allowed)
		ereport(ERROR,
				(errcode(ERRCODE_OMS_INVALID_DOCUMENT),
				 errmsg("channel \"%s\" takes no cash on delivery", d->channel),
				 errdetail("Field payment.mode is COD."),
				 errhint("Send it prepaid, or allow COD in oms.channel.cod_allowed.")));
	if (d->cod && !c->channel.price_includes_tax)
		ereport(ERROR,
				(errcode(ERRCODE_OMS_INVALID_DOCUMENT),
				 errmsg("channel \"%s\" prices without tax and cannot collect cash", d->channel),
				 errdetail("Field payment.mode is COD."),
				 errhint("Cash on delivery needs prices with tax (oms.channel.price_includes_tax).")));
	if (d->currency && strcmp(d->currency, c->channel.currency) != 0)
		ereport(ERROR,
				(errcode(ERRCODE_OMS_INVALID_DOCUMENT),
				 errmsg("orders of this company are in %s", c->channel.currency),
				 errdetail("Field currency is \"%s\".", d->currency),
				 errhint("Convert the amounts, or use the company that keeps books in that currency.")));
	oms_lines_find(c->company_id, c->channel.price_list_id, d->lines, d->nlines, c->at);
	oms_lines_check_sale(d->lines, d->nlines);
	oms_address_find(&d->ship);
	if (d->has_bill)
		oms_address_find(&d->bill);
	c->bill_state = d->has_bill ? d->bill.state_code : d->ship.state_code;
	c->place_of_supply = oms_order_place(d);
	c->supply_day = oms_supply_day(&c->channel, c->at);
}

/* What is asked of the planner. */
void
oms_capture_request(OmsCapture *c)
{
	OmsOrderDoc *d = &c->doc;
	OmsFulfilment *f = &c->f;

	oms_order_asks(d, c->company_id, &c->channel, c->supply_day, c->at, f);
	f->run = 1;
	f->due = c->total - c->paid;
	f->goods = c->goods;
	f->p_rto = c->risk.probability;
}

static Jsonb *
capture(OmsCapture *c, Jsonb *doc, TimestampTz at)
{
	OmsOrderDoc *d = &c->doc;
	OmsFulfilment *f = &c->f;
	Jsonb	   *duplicate;

	oms_capture_read(c, doc, at);
	oms_order_hash(doc, d);
	if (c->accepted == NULL &&
		(answer_accepted(c, doc, &duplicate) ||
		 answer_duplicate(c->company_id, &c->channel, d, &duplicate)))
		return duplicate;
	oms_capture_look_up(c);
	oms_capture_price(c);
	oms_capture_tax(c);
	oms_capture_find_buyer(c);
	if (!d->carry_out)
		oms_capture_score(c);

	oms_capture_request(c);
	f->reserve = true;
	if (c->accepted)
	{
		f->accepted = c->accepted->takes;
		f->naccepted = f->npins = c->accepted->n;
		f->pins = c->accepted->pins;
	}
	else
		f->defer = true;
	if (!plan_and_write(c, &duplicate))
		return duplicate;
	oms_capture_write_event(c);
	oms_capture_write_buyer(c);
	if (d->carry_out)
		for (int i = 0; i < f->nallocations; i++)
			oms_stock_dispatch(c->company_id, f->allocations[i].allocation_id,
							   psprintf("order " INT64_FORMAT, c->order_id));
	return c->answer ? c->answer : answer(c);
}

Jsonb *
oms_capture(Jsonb *doc, TimestampTz at)
{
	OmsCapture *c = palloc0(sizeof(OmsCapture));
	Jsonb	   *result = capture(c, doc, at);

	oms_accept_unclaim(c);
	return result;
}

Jsonb *
oms_capture_accepted(const OmsAccepted *accepted)
{
	OmsCapture *c = palloc0(sizeof(OmsCapture));

	c->accepted = accepted;
	c->order_id = accepted->order_id;
	return capture(c, accepted->document, accepted->at);
}

/* The same order, accepted before and not made yet; claims its number else. */
static bool
answer_accepted(OmsCapture *c, Jsonb *doc, Jsonb **result)
{
	Jsonb	   *before;
	int64		order_id;
	OmsJson		j;

	if (oms_accept_claim(c, doc, &order_id, &before))
		return false;
	if (compareJsonbContainers(&before->root, &doc->root) != 0)
		raise_conflict(&c->doc, order_id);
	oms_early_release_rely();
	oms_json_begin(&j);
	oms_json_int(&j, "order_id", order_id);
	oms_json_bool(&j, "duplicate", true);
	oms_json_str(&j, "status", "accepted");
	*result = oms_json_end(&j);
	return true;
}

/*
 * Plans, reserves and writes; false, with the answer, when somebody captured
 * the same order meanwhile.
 *
 * The rows of stock are what orders wait for each other on.  So where there
 * is plenty, all is written first and the stock taken last; when it went to
 * others all the same, what was written is taken back, and it is done the
 * other way: stock first.
 */
static bool
plan_and_write(OmsCapture *c, Jsonb **duplicate)
{
	OmsOrderDoc *d = &c->doc;
	OmsFulfilment *f = &c->f;
	int			nholds = c->nholds;
	int64		total = c->total;
	int64		paid = c->paid;

	for (;;)
	{
		oms_fulfil_plan(f);
		if (!f->complete && (d->carry_out || !c->channel.allow_backorder))
		{
			/* the units may be short because this very order took them */
			if ((*duplicate = captured_meanwhile(c)) != NULL)
				return false;
			oms_fulfil_raise_short(f);
		}
		if (f->hold)
			oms_capture_hold(c, f->hold, f->hold_reason);
		if (!c->channel.price_includes_tax)
		{
			c->total += f->tax + c->charge_tax;
			if (!d->cod && !d->has_paid)
				c->paid = c->total;
		}

		if (d->carry_out)
			c->status = "delivered";
		else if (c->nholds > 0)
			c->status = "on_hold";
		else if (f->complete)
			c->status = "reserved";
		else
			c->status = f->plan.npieces > 0 ? "part_reserved" : "backordered";

		if (!oms_capture_write_order(c))
		{
			if ((*duplicate = captured_meanwhile(c)) == NULL)
				ereport(ERROR,
						(errcode(ERRCODE_T_R_SERIALIZATION_FAILURE),
						 errmsg("order \"%s\" was captured by another transaction meanwhile",
								d->external_id)));
			return false;
		}
		f->order_id = c->order_id;
		oms_fulfil_write(f);
		oms_capture_write_details(c);
		if (f->taken || f->plan.npieces == 0)
			return true;
		oms_capture_write_new_buyer(c);
		c->answer = answer(c);
		if (oms_fulfil_take(f))
			return true;

		oms_capture_unwrite(c);
		c->answer = NULL;
		c->nholds = nholds;
		c->total = total;
		c->paid = paid;
		f->order_id = 0;
		f->hold = NULL;
		f->defer = false;
	}
}

/*
 * When somebody captured the same order while we planned: gives our stock
 * back and answers with theirs.  NULL when nobody did.
 */
static Jsonb *
captured_meanwhile(OmsCapture *c)
{
	Jsonb	   *duplicate;

	if (!answer_duplicate(c->company_id, &c->channel, &c->doc, &duplicate))
		return NULL;
	for (int i = 0; i < c->f.nallocations && c->f.taken; i++)
		if (c->f.allocations[i].node >= 0)
			oms_stock_release_allocation(c->company_id,
										 c->f.allocations[i].allocation_id);
	return duplicate;
}

PG_FUNCTION_INFO_V1(oms_capture_order);

/*
 * The row path.  The SQL function has no SET search_path, which would cost
 * more than leaving an order to the combiner does: here it is set as it
 * would be.
 */
Jsonb *
oms_capture_here(Jsonb *doc, TimestampTz at)
{
	int			level = oms_path_begin();
	OmsCombinerRow row;
	Jsonb	   *result = NULL;

	oms_combiner_before_row_path(doc, &row);
	if (oms_accepts_first(doc, false))
		result = oms_accept(doc, at, false);
	if (result == NULL)
		result = oms_capture(doc, at);
	oms_combiner_after_row_path(doc, &row);
	oms_path_end(level);
	return result;
}

/* oms.capture_order(doc jsonb, at timestamptz) returns jsonb */
Datum
oms_capture_order(PG_FUNCTION_ARGS)
{
	Jsonb	   *doc = PG_GETARG_JSONB_P(0);
	TimestampTz at = PG_GETARG_TIMESTAMPTZ(1);
	Jsonb	   *result;

	oms_require_installed();
	result = oms_combiner_capture(fcinfo, doc, at);
	if (result == NULL)
		result = oms_capture_here(doc, at);
	PG_RETURN_JSONB_P(result);
}

/*
 * Bulk
 */
typedef struct OneCapture
{
	char	   *text;
	TimestampTz at;
	MemoryContext cxt;			/* the answer's */
	Jsonb	   *answer;
} OneCapture;

static void
capture_one(void *arg)
{
	OneCapture *one = arg;
	Jsonb	   *result;
	Datum		doc = DirectFunctionCall1(jsonb_in, CStringGetDatum(one->text));

	result = oms_capture(DatumGetJsonbP(doc), one->at);
	one->answer = (Jsonb *) MemoryContextAlloc(one->cxt, VARSIZE(result));
	memcpy(one->answer, result, VARSIZE(result));
}

static char *
external_id_of(const char *text)
{
	/* for people who look for a rejected order; never fails */
	const char *p = strstr(text, "\"external_id\"");
	const char *end;

	if (p == NULL || (p = strchr(p + 13, '"')) == NULL ||
		(end = strchr(p + 1, '"')) == NULL || end - p > 200)
		return NULL;
	return pnstrdup(p + 1, end - p - 1);
}

PG_FUNCTION_INFO_V1(oms_capture_orders);

/* oms.capture_orders(documents text[], at timestamptz) */
Datum
oms_capture_orders(PG_FUNCTION_ARGS)
{
	ArrayType  *documents = PG_GETARG_ARRAYTYPE_P(0);
	TimestampTz at = PG_GETARG_TIMESTAMPTZ(1);
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
	MemoryContext loop = AllocSetContextCreate(CurrentMemoryContext,
											   "oms capture_orders",
											   ALLOCSET_DEFAULT_SIZES);
	Datum	   *docs;
	bool	   *nulls;
	int			n;

	oms_require_installed();
	InitMaterializedSRF(fcinfo, 0);
	deconstruct_array(documents, TEXTOID, -1, false, TYPALIGN_INT, &docs,
					  &nulls, &n);
	for (int i = 0; i < n; i++)
	{
		MemoryContext old = MemoryContextSwitchTo(loop);
		OneCapture	one = {0};
		ErrorData  *err;
		Datum		values[5];
		bool		isnull[5] = {false, false, true, true, true};

		CHECK_FOR_INTERRUPTS();
		one.text = nulls[i] ? "" : TextDatumGetCString(docs[i]);
		one.at = at;
		one.cxt = loop;
		values[0] = Int32GetDatum(i + 1);
		values[1] = BoolGetDatum(oms_try(capture_one, &one, &err));
		if (DatumGetBool(values[1]))
		{
			values[2] = JsonbPGetDatum(one.answer);
			isnull[2] = false;
		}
		else
		{
			values[3] = CStringGetTextDatum(unpack_sql_state(err->sqlerrcode));
			values[4] = CStringGetTextDatum(err->message);
			isnull[3] = isnull[4] = false;
			oms_reject(0, "capture_order", external_id_of(one.text), one.text,
					   err);
		}
		tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, values, isnull);
		MemoryContextSwitchTo(old);
		MemoryContextReset(loop);
	}
	MemoryContextDelete(loop);
	return (Datum) 0;
}

/*
 * The same order again
 */
static OmsPlan duplicate_plan = {
	"SELECT order_id, document_hash, status, promised_at, total_amount"
	" FROM oms.\"order\" WHERE company_id = $1 AND channel_id = $2 AND external_id = $3",
	3, {INT4OID, INT4OID, TEXTOID}, NULL
};

static void
raise_conflict(const OmsOrderDoc *doc, int64 order_id)
{
	ereport(ERROR,
			(errcode(ERRCODE_OMS_CONFLICTING_DUPLICATE),
			 errmsg("order \"%s\" of channel \"%s\" came before with another content",
					doc->external_id, doc->channel),
			 errdetail("It is order " INT64_FORMAT " here.", order_id),
			 errhint("Changes of an order are calls of their own (oms.cancel_order, ...); a new order needs a new number.")));
}

static bool
answer_duplicate(int32 company_id, const OmsChannel *channel,
				 const OmsOrderDoc *doc, Jsonb **result)
{
	Datum		values[3] = {
		Int32GetDatum(company_id), Int32GetDatum(channel->channel_id),
		oms_text(doc->external_id)
	};
	int64		order_id;
	char	   *status;
	TimestampTz promised_at;
	int64		total;
	OmsJson		j;
	MemoryContext caller = CurrentMemoryContext;

	oms_spi_connect();
	if (oms_find(&duplicate_plan, values, NULL) == 0)
	{
		oms_spi_finish();
		return false;
	}
	order_id = oms_int8(0, 1);
	if (strcmp(oms_cstr(0, 2), doc->hash) != 0)
		raise_conflict(doc, order_id);
	status = oms_strdup(caller, oms_cstr(0, 3));
	promised_at = oms_time(0, 4);
	total = oms_paise(0, 5);
	oms_spi_finish();
	oms_early_release_rely();

	oms_json_begin(&j);
	oms_json_int(&j, "order_id", order_id);
	oms_json_bool(&j, "duplicate", true);
	oms_json_str(&j, "status", status);
	oms_json_time(&j, "promised_at", promised_at);
	oms_json_paise(&j, "total", total);
	*result = oms_json_end(&j);
	return true;
}

void
oms_capture_hold(OmsCapture *c, const char *hold, const char *reason)
{
	for (int i = 0; i < c->nholds; i++)
		if (strcmp(c->holds[i].hold, hold) == 0)
			return;
	c->holds[c->nholds].hold = hold;
	c->holds[c->nholds++].reason = reason;
}

static Jsonb *
answer(OmsCapture *c)
{
	OmsJson		j;

	oms_json_begin(&j);
	oms_json_int(&j, "order_id", c->order_id);
	oms_json_bool(&j, "duplicate", false);
	oms_json_str(&j, "status", c->status);
	oms_json_time(&j, "promised_at", c->f.promised_at);
	oms_json_paise(&j, "total", c->total);
	oms_json_paise(&j, "tax", c->f.tax);
	if (c->risk.terms)
	{
		oms_json_object(&j, "risk");
		oms_json_float(&j, "probability", c->risk.probability, 4);
		oms_json_str(&j, "action", oms_risk_action_name(c->risk.action));
		oms_json_close_object(&j);
	}
	oms_json_array(&j, "holds");
	for (int i = 0; i < c->nholds; i++)
	{
		oms_json_object(&j, NULL);
		oms_json_str(&j, "hold", c->holds[i].hold);
		oms_json_str(&j, "reason", c->holds[i].reason);
		oms_json_close_object(&j);
	}
	oms_json_close_array(&j);
	warn(c, &j);
	oms_fulfil_json(&c->f, &j);
	return oms_json_end(&j);
}

/* Prices with tax at which no rate agrees with itself (doc/tax.md) */
static void
warn(const OmsCapture *c, OmsJson *j)
{
	bool		any = false;

	for (int i = 0; i < c->doc.nlines; i++)
	{
		const OmsLine *l = &c->doc.lines[i];

		if (!l->taxed || !l->tax.dead_band)
			continue;
		if (!any)
			oms_json_array(j, "warnings");
		any = true;
		oms_json_object(j, NULL);
		oms_json_int(j, "line_no", l->line_no);
		oms_json_str(j, "warning", "DEAD_BAND");
		oms_json_str(j, "reason", psprintf("no GST rate agrees with the price of %s, %d.%03d %% was taken",
										   l->sku, l->tax.rate / 1000, l->tax.rate % 1000));
		oms_json_close_object(j);
	}
	if (any)
		oms_json_close_array(j);
}
