/*
 * orders.c
 *	  Capturing orders: one call, one transaction, all or nothing.
 *
 * The steps are DESIGN's: read and check, deduplicate, buyer and address,
 * prices, risk, plan, reserve, tax, courier, write, answer.  Everything that
 * may fail on data comes before the first row is locked; the order row is
 * inserted after the stock is taken, and a second session with the same
 * order that was faster makes this one give its stock back and answer with
 * the other's order.
 */
#include "postgres.h"

#include "access/xact.h"
#include "catalog/pg_type.h"
#include "common/cryptohash.h"
#include "common/hmac.h"
#include "common/sha2.h"
#include "fmgr.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/date.h"
#include "utils/guc.h"
#include "utils/timestamp.h"

#include "allocation.h"
#include "catalog.h"
#include "orders.h"
#include "risk.h"

static char *oms_buyer_key = NULL;

typedef struct Buyer
{
	int64		customer_id;	/* 0: none */
	bool		is_new;
	char	   *hash;			/* NULL: no phone */
	int32		orders;
	int32		delivered;
	int32		rto;
	int32		cod_open;
} Buyer;

typedef struct Hold
{
	const char *hold;
	const char *reason;
} Hold;

/* Everything one capture knows. */
typedef struct Capture
{
	int32		company_id;
	OmsOrderDoc doc;
	OmsChannel	channel;
	Buyer		buyer;
	OmsRiskResult risk;
	OmsFulfilment f;
	int64		order_id;
	DateADT		supply_day;
	int64		goods;			/* paise */
	int64		charges;
	int64		discounts;
	int64		total;
	int64		paid;
	const char *bill_state;
	const char *place_of_supply;
	Hold		holds[8];
	int			nholds;
	const char *status;
} Capture;

static bool answer_duplicate(int32 company_id, const OmsChannel *channel,
							 const OmsOrderDoc *doc, Jsonb **answer);
static Jsonb *captured_meanwhile(Capture *c);
static void price_lines(Capture *c);
static void tax_lines(Capture *c);
static void find_buyer(Capture *c);
static void score_risk(Capture *c);
static void add_hold(Capture *c, const char *hold, const char *reason);
static bool write_order(Capture *c);
static void write_details(Capture *c);
static void write_buyer(Capture *c);
static Jsonb *answer(Capture *c);

void
oms_orders_init(void)
{
	DefineCustomStringVariable("oms.buyer_key",
							   "Secret key of the buyer hash (HMAC-SHA-256 of the phone).",
							   "Set it in postgresql.conf; without one the hash is only a pseudonym.",
							   &oms_buyer_key, "",
							   PGC_SIGHUP, GUC_SUPERUSER_ONLY | GUC_NO_SHOW_ALL | GUC_NOT_IN_SAMPLE,
							   NULL, NULL, NULL);
}

static Jsonb *
capture(Jsonb *doc, TimestampTz at)
{
	Capture    *c = palloc0(sizeof(Capture));
	OmsOrderDoc *d = &c->doc;
	OmsFulfilment *f = &c->f;
	Jsonb	   *duplicate;

	oms_order_read(doc, false, d);
	c->company_id = oms_company_id(d->company);
	if (oms_erp_before_promise && !RecoveryInProgress())
		oms_erp_before_promise(c->company_id);
	oms_channel_find(c->company_id, d->channel, &c->channel);
	if (answer_duplicate(c->company_id, &c->channel, d, &duplicate))
		return duplicate;

	if (d->placed_at == 0)
		d->placed_at = at;
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
	oms_lines_find(c->company_id, d->lines, d->nlines, at);
	oms_lines_check_sale(d->lines, d->nlines);
	oms_address_find(&d->ship);
	if (d->has_bill)
		oms_address_find(&d->bill);
	c->bill_state = d->has_bill ? d->bill.state_code : d->ship.state_code;
	/* B2C: where it is delivered; counter sales: the counter (s.10 IGST) */
	c->place_of_supply = d->carry_out ? NULL : d->ship.state_code;
	c->supply_day = oms_supply_day(&c->channel, at);
	price_lines(c);
	tax_lines(c);
	find_buyer(c);
	if (!d->carry_out)
		score_risk(c);

	f->company_id = c->company_id;
	f->run = 1;
	f->channel = &c->channel;
	f->carry_out = d->carry_out;
	f->only_node_id = d->node ? oms_node_find(c->company_id, d->node) : 0;
	f->own_cart = d->cart_id;
	f->cod = d->cod && !d->carry_out;
	f->due = c->total - c->paid;
	f->goods = c->goods;
	f->pincode = d->carry_out ? NULL : d->ship.pincode;
	f->has_point = d->ship.has_point;
	f->lng = d->ship.lng;
	f->lat = d->ship.lat;
	f->place_of_supply = c->place_of_supply;
	f->supply_day = c->supply_day;
	f->p_rto = c->risk.probability;
	f->at = at;
	f->nlines = d->nlines;
	f->lines = d->lines;
	f->reserve = true;
	oms_fulfil_plan(f);
	if (!f->complete && (d->carry_out || !c->channel.allow_backorder))
	{
		/* the units may be short because this very order took them */
		if ((duplicate = captured_meanwhile(c)) != NULL)
			return duplicate;
		oms_fulfil_raise_short(f);
	}
	if (f->hold)
		add_hold(c, f->hold, f->hold_reason);
	if (!c->channel.price_includes_tax)
	{
		c->total += f->tax;
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

	if (!write_order(c))
	{
		if ((duplicate = captured_meanwhile(c)) == NULL)
			ereport(ERROR,
					(errcode(ERRCODE_T_R_SERIALIZATION_FAILURE),
					 errmsg("order \"%s\" was captured by another transaction meanwhile",
							d->external_id)));
		return duplicate;
	}
	f->order_id = c->order_id;
	oms_fulfil_write(f);
	write_details(c);
	write_buyer(c);
	if (d->carry_out)
		for (int i = 0; i < f->nallocations; i++)
			oms_stock_dispatch(c->company_id, f->allocations[i].allocation_id,
							   psprintf("order " INT64_FORMAT, c->order_id));
	return answer(c);
}

/*
 * When somebody captured the same order while we planned: gives our stock
 * back and answers with theirs.  NULL when nobody did.
 */
static Jsonb *
captured_meanwhile(Capture *c)
{
	Jsonb	   *duplicate;

	if (!answer_duplicate(c->company_id, &c->channel, &c->doc, &duplicate))
		return NULL;
	for (int i = 0; i < c->f.nallocations; i++)
		if (c->f.allocations[i].node >= 0)
			oms_stock_release_allocation(c->company_id,
										 c->f.allocations[i].allocation_id);
	return duplicate;
}

PG_FUNCTION_INFO_V1(oms_capture_order);

/* oms.capture_order(doc jsonb, at timestamptz) returns jsonb */
Datum
oms_capture_order(PG_FUNCTION_ARGS)
{
	oms_require_installed();
	PG_RETURN_JSONB_P(capture(PG_GETARG_JSONB_P(0), PG_GETARG_TIMESTAMPTZ(1)));
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

	result = capture(DatumGetJsonbP(doc), one->at);
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
	"SELECT o.order_id, o.document_hash, o.status, o.promised_at, (o.total_amount * 100)::int8"
	" FROM oms.\"order\" o WHERE o.company_id = $1 AND o.channel_id = $2 AND o.external_id = $3",
	3, {INT4OID, INT4OID, TEXTOID}, NULL
};

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
	if (oms_exec(&duplicate_plan, values, NULL, false, 1) == 0)
	{
		oms_spi_finish();
		return false;
	}
	order_id = oms_int8(0, 1);
	if (strcmp(oms_cstr(0, 2), doc->hash) != 0)
		ereport(ERROR,
				(errcode(ERRCODE_OMS_CONFLICTING_DUPLICATE),
				 errmsg("order \"%s\" of channel \"%s\" came before with another content",
						doc->external_id, doc->channel),
				 errdetail("It is order " INT64_FORMAT " here.", order_id),
				 errhint("Changes of an order are calls of their own (oms.cancel_order, ...); a new order needs a new number.")));
	status = oms_strdup(caller, oms_cstr(0, 3));
	promised_at = oms_time(0, 4);
	total = oms_int8(0, 5);
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

/*
 * Amounts
 *
 * Every line in paise; a cart discount is spread over the lines by value,
 * each share rounded on the running sum so that nothing is lost.
 */
static void
price_lines(Capture *c)
{
	OmsOrderDoc *d = &c->doc;
	int64		gross = 0;
	int64		cart_discount = 0;
	int64		before = 0;

	for (int i = 0; i < d->ncharges; i++)
	{
		if (strcmp(d->charges[i].kind, "CART_DISCOUNT") == 0)
			cart_discount += d->charges[i].amount;
		else
			c->charges += d->charges[i].amount;
	}
	for (int i = 0; i < d->nlines; i++)
	{
		OmsLine    *l = &d->lines[i];
		bool		comparable = l->list_price >= 0 &&
		l->list_includes_tax == c->channel.price_includes_tax;

		if (!l->has_price)
		{
			if (!comparable)
				ereport(ERROR,
						(errcode(ERRCODE_OMS_INVALID_DOCUMENT),
						 errmsg("no list price to use for \"%s\"", l->sku),
						 errdetail("Field lines[%d].unit_price is missing.", i),
						 errhint("Send unit_price, or keep a list price %s tax in oms.price.",
								 c->channel.price_includes_tax ? "with" : "without")));
			l->unit_price = l->list_price;
		}
		l->net = oms_muldiv(l->unit_price, l->qty, 1000) - l->discount;
		if (l->net < 0)
			ereport(ERROR,
					(errcode(ERRCODE_OMS_INVALID_DOCUMENT),
					 errmsg("the discount of \"%s\" exceeds its value", l->sku),
					 errdetail("Field lines[%d].discount.", i),
					 errhint("A discount is for the whole line and at most quantity times unit_price.")));
		gross += l->net;
		c->discounts += l->discount;
		if (comparable && l->has_price &&
			l->unit_price < l->list_price * (1 - c->channel.price_tolerance_pct / 100))
			add_hold(c, "PRICE", psprintf("unit price of %s is %.0f %% below the list price",
										  l->sku,
										  100 - 100.0 * l->unit_price / l->list_price));
		if (d->cod && !l->cod_ok && !d->carry_out)
			add_hold(c, "PREPAID_ONLY",
					 psprintf("%s is not sold cash on delivery", l->sku));
	}
	if (cart_discount > gross)
		ereport(ERROR,
				(errcode(ERRCODE_OMS_INVALID_DOCUMENT),
				 errmsg("the cart discount exceeds the value of the goods"),
				 errdetail("Field charges: CART_DISCOUNT."),
				 errhint("It is taken off the lines after their own discounts, not off charges.")));
	c->discounts += cart_discount;
	for (int i = 0; i < d->nlines; i++)
	{
		OmsLine    *l = &d->lines[i];
		int64		share = gross == 0 ? 0 :
		oms_muldiv(cart_discount, before + l->net, gross) -
		oms_muldiv(cart_discount, before, gross);

		before += l->net;
		l->discount += share;
		l->net -= share;
		c->goods += l->net;
	}
	c->total = c->goods + c->charges;
	c->paid = d->has_paid ? d->paid : d->cod ? 0 : c->total;
	if (c->paid > c->total)
		ereport(ERROR,
				(errcode(ERRCODE_OMS_INVALID_DOCUMENT),
				 errmsg("more is paid than the order costs"),
				 errdetail("Field payment.paid_amount is above the total of the lines and charges."),
				 errhint("Check unit_price, discount and charges.")));
	if (!d->cod && c->channel.price_includes_tax && c->paid < c->total)
		add_hold(c, "PAYMENT", "a prepaid order is not fully paid");
}

/*
 * Rate and tax of each line, before anything is locked; which states share
 * it is known once the nodes are.
 */
static void
tax_lines(Capture *c)
{
	for (int i = 0; i < c->doc.nlines; i++)
	{
		OmsLine    *l = &c->doc.lines[i];
		OmsTaxInput in = {0};

		in.company_id = c->company_id;
		in.tax_code = l->tax_code;
		in.hsn = l->hsn;
		in.day = c->supply_day;
		in.net = l->net;
		in.qty = l->qty;
		in.inclusive = c->channel.price_includes_tax;
		in.supplier_state = in.place_of_supply = c->channel.company_state;
		oms_tax_compute(&in, &l->tax);
		l->taxed = true;
	}
}

static void
add_hold(Capture *c, const char *hold, const char *reason)
{
	for (int i = 0; i < c->nholds; i++)
		if (strcmp(c->holds[i].hold, hold) == 0)
			return;
	c->holds[c->nholds].hold = hold;
	c->holds[c->nholds++].reason = reason;
}

/*
 * Buyer
 */
static char *
buyer_hash(const char *phone)
{
	pg_hmac_ctx *ctx = pg_hmac_create(PG_SHA256);
	uint8		digest[PG_SHA256_DIGEST_LENGTH];
	char	   *hex = palloc(33);
	const char *key = oms_buyer_key ? oms_buyer_key : "";
	bool		ok;

	if (ctx == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_OUT_OF_MEMORY), errmsg("out of memory")));
	ok = pg_hmac_init(ctx, (const uint8 *) key, strlen(key)) >= 0 &&
		pg_hmac_update(ctx, (const uint8 *) phone, strlen(phone)) >= 0 &&
		pg_hmac_final(ctx, digest, sizeof(digest)) >= 0;
	pg_hmac_free(ctx);
	if (!ok)
		elog(ERROR, "could not compute the buyer hash");
	for (int i = 0; i < 16; i++)
		snprintf(hex + 2 * i, 3, "%02x", digest[i]);
	return hex;
}

static OmsPlan buyer_plan = {
	"SELECT customer_id, orders, delivered, rto, cod_open FROM oms.customer"
	" WHERE company_id = $1 AND buyer_hash = $2",
	2, {INT4OID, TEXTOID}, NULL
};

static void
find_buyer(Capture *c)
{
	Datum		values[2];

	c->buyer.orders = -1;
	if (c->doc.phone == NULL)
		return;
	c->buyer.hash = buyer_hash(c->doc.phone);
	values[0] = Int32GetDatum(c->company_id);
	values[1] = oms_text(c->buyer.hash);
	oms_spi_connect();
	if (oms_exec(&buyer_plan, values, NULL, false, 1) > 0)
	{
		c->buyer.customer_id = oms_int8(0, 1);
		c->buyer.orders = oms_int4(0, 2);
		c->buyer.delivered = oms_int4(0, 3);
		c->buyer.rto = oms_int4(0, 4);
		c->buyer.cod_open = oms_int4(0, 5);
	}
	else
	{
		c->buyer.is_new = true;
		c->buyer.orders = 0;
	}
	oms_spi_finish();
}

/*
 * Risk, with the economics it is weighed against: margin without tax from
 * the items' costs (the policy's share where a cost is unknown), freight as
 * the sourcing rule plans it.
 */
static void
score_risk(Capture *c)
{
	OmsOrderDoc *d = &c->doc;
	OmsRiskInput in = {0};
	int64		units = 0;
	int64		margin = 0;
	bool		costs_known = true;

	for (int i = 0; i < d->nlines; i++)
	{
		OmsLine    *l = &d->lines[i];

		units += (l->qty + 999) / 1000;
		margin += l->tax.taxable - oms_muldiv(Max(l->cost, 0), l->qty, 1000);
		costs_known &= l->cost >= 0;
	}
	in.company_id = c->company_id;
	in.channel_id = c->channel.channel_id;
	in.cod = d->cod;
	in.value = c->total;
	in.discount = c->discounts;
	in.units = (int32) Min(units, 1000000);
	in.promise_days = -1;
	in.buyer_orders = c->buyer.orders;
	in.buyer_delivered = c->buyer.delivered;
	in.buyer_rto = c->buyer.rto;
	in.buyer_cod_open = c->buyer.cod_open;
	in.address = d->ship.street;
	in.city = d->ship.city;
	in.pincode = d->ship.pincode;
	in.district = d->ship.district;
	in.state_code = d->ship.state_code;
	in.margin = costs_known ? margin - c->channel.rule.shipment_cost :
		OMS_RISK_BY_POLICY;
	in.loss = 2 * c->channel.rule.shipment_cost;
	in.at = d->placed_at;
	oms_risk_score(&in, &c->risk);
	/* what a failed delivery costs besides freight: the sale */
	c->f.loss = costs_known ? Max(margin, 0) : 0;
	switch (c->risk.action)
	{
		case OMS_RISK_ALLOW:
			break;
		case OMS_RISK_CONFIRM:
			add_hold(c, "COD_CONFIRM", c->risk.reason);
			break;
		case OMS_RISK_PREPAID_ONLY:
			add_hold(c, "PREPAID_ONLY", c->risk.reason);
			break;
		case OMS_RISK_BLOCK:
			add_hold(c, "BLOCKED", c->risk.reason);
			break;
	}
	if (!d->ship.pincode_known)
		add_hold(c, "ADDRESS", "the pincode is not in oms.pincode");
	else if (d->ship.street == NULL)
		add_hold(c, "ADDRESS", "there is no street address");
}

/*
 * Writing
 */
static OmsPlan order_plan = {
	"INSERT INTO oms.\"order\" (company_id, channel_id, external_id, document_hash, status, placed_at, currency, payment_mode,"
	" paid_amount, goods_amount, charge_amount, tax_amount, total_amount, fulfilment_mode, only_node_id, customer_id, ship_name, ship_phone,"
	" ship_address, ship_city, ship_state_code, ship_pincode, ship_place, bill_state_code, buyer_gstin, place_of_supply,"
	" promised_at, planning_run, captured_at)"
	" VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22,"
	" oms.geo_point($23, $24), $25, $26, $27, $28, 1, $29)"
	" ON CONFLICT (company_id, channel_id, external_id) DO NOTHING RETURNING order_id",
	29, {INT4OID, INT4OID, TEXTOID, TEXTOID, TEXTOID, TIMESTAMPTZOID, TEXTOID, TEXTOID,
		NUMERICOID, NUMERICOID, NUMERICOID, NUMERICOID, NUMERICOID, TEXTOID, INT4OID, INT8OID, TEXTOID, TEXTOID,
		TEXTOID, TEXTOID, TEXTOID, TEXTOID, FLOAT8OID, FLOAT8OID, TEXTOID, TEXTOID, TEXTOID,
	TIMESTAMPTZOID, TIMESTAMPTZOID}, NULL
};
static OmsPlan customer_id_plan = {
	"SELECT nextval('oms.customer_customer_id_seq'::regclass)", 0, {0}, NULL
};

/* False when the channel's order is there already. */
static bool
write_order(Capture *c)
{
	OmsOrderDoc *d = &c->doc;
	Datum		values[29];
	char		nulls[30] = "                             ";
	bool		inserted;

	oms_spi_connect();
	if (c->buyer.is_new)
	{
		oms_exec(&customer_id_plan, NULL, NULL, false, 1);
		c->buyer.customer_id = oms_int8(0, 1);
	}
#define SET_TEXT(i, s) (values[i] = oms_text(s), nulls[i] = (s) ? ' ' : 'n')
	values[0] = Int32GetDatum(c->company_id);
	values[1] = Int32GetDatum(c->channel.channel_id);
	SET_TEXT(2, d->external_id);
	SET_TEXT(3, d->hash);
	SET_TEXT(4, c->status);
	values[5] = TimestampTzGetDatum(d->placed_at);
	SET_TEXT(6, c->channel.currency);
	SET_TEXT(7, d->cod ? "COD" : "PREPAID");
	values[8] = oms_paise_numeric(c->paid);
	values[9] = oms_paise_numeric(c->goods);
	values[10] = oms_paise_numeric(c->charges);
	values[11] = oms_paise_numeric(c->f.tax);
	values[12] = oms_paise_numeric(c->total);
	SET_TEXT(13, d->carry_out ? "CARRY_OUT" : "SHIP");
	values[14] = Int32GetDatum(c->f.only_node_id);
	nulls[14] = c->f.only_node_id ? ' ' : 'n';
	values[15] = Int64GetDatum(c->buyer.customer_id);
	nulls[15] = c->buyer.customer_id ? ' ' : 'n';
	SET_TEXT(16, d->ship.name ? d->ship.name : d->customer_name);
	SET_TEXT(17, d->ship.phone ? d->ship.phone : d->phone);
	SET_TEXT(18, d->ship.street);
	SET_TEXT(19, d->ship.city);
	SET_TEXT(20, d->ship.state_code);
	SET_TEXT(21, d->carry_out ? NULL : d->ship.pincode);
	values[22] = Float8GetDatum(d->ship.lat);
	values[23] = Float8GetDatum(d->ship.lng);
	nulls[22] = nulls[23] = d->ship.has_point ? ' ' : 'n';
	SET_TEXT(24, c->bill_state);
	SET_TEXT(25, d->gstin);
	SET_TEXT(26, c->place_of_supply);
	values[27] = TimestampTzGetDatum(c->f.promised_at);
	nulls[27] = c->f.promised_at ? ' ' : 'n';
	values[28] = TimestampTzGetDatum(c->f.at);
	inserted = oms_exec(&order_plan, values, nulls, false, 0) > 0;
	if (inserted)
		c->order_id = oms_int8(0, 1);
	oms_spi_finish();
	return inserted;
}

static OmsPlan line_plan = {
	"INSERT INTO oms.order_line (company_id, order_id, line_no, sku_id, qty, unit_price, discount, net_amount)"
	" SELECT $1, $2, u.line_no, u.sku_id, u.qty::numeric / 1000, u.unit_price::numeric / 100, u.discount::numeric / 100, u.net::numeric / 100"
	" FROM unnest($3::int4[], $4::int4[], $5::int8[], $6::int8[], $7::int8[], $8::int8[]) AS u (line_no, sku_id, qty, unit_price, discount, net)",
	8, {INT4OID, INT8OID, INT4ARRAYOID, INT4ARRAYOID, INT8ARRAYOID, INT8ARRAYOID, INT8ARRAYOID, INT8ARRAYOID}, NULL
};
static OmsPlan charge_plan = {
	"INSERT INTO oms.order_charge (company_id, order_id, charge_no, kind, amount) VALUES ($1, $2, $3, $4, $5)",
	5, {INT4OID, INT8OID, INT4OID, TEXTOID, NUMERICOID}, NULL
};
static OmsPlan hold_plan = {
	"INSERT INTO oms.order_hold (company_id, order_id, hold, reason) VALUES ($1, $2, $3, $4)",
	4, {INT4OID, INT8OID, TEXTOID, TEXTOID}, NULL
};
static void
write_details(Capture *c)
{
	OmsOrderDoc *d = &c->doc;
	int			n = d->nlines;
	int32	   *line_no = palloc(sizeof(int32) * n);
	int32	   *sku_id = palloc(sizeof(int32) * n);
	int64	   *qty = palloc(sizeof(int64) * n);
	int64	   *unit_price = palloc(sizeof(int64) * n);
	int64	   *discount = palloc(sizeof(int64) * n);
	int64	   *net = palloc(sizeof(int64) * n);
	Datum		values[8];
	OmsJson		j;

	for (int i = 0; i < n; i++)
	{
		line_no[i] = d->lines[i].line_no;
		sku_id[i] = d->lines[i].sku_id;
		qty[i] = d->lines[i].qty;
		unit_price[i] = d->lines[i].unit_price;
		discount[i] = d->lines[i].discount;
		net[i] = d->lines[i].net;
	}
	oms_spi_connect();
	values[0] = Int32GetDatum(c->company_id);
	values[1] = Int64GetDatum(c->order_id);
	values[2] = oms_int4_array(line_no, n);
	values[3] = oms_int4_array(sku_id, n);
	values[4] = oms_int8_array(qty, n);
	values[5] = oms_int8_array(unit_price, n);
	values[6] = oms_int8_array(discount, n);
	values[7] = oms_int8_array(net, n);
	oms_exec(&line_plan, values, NULL, false, 0);
	for (int i = 0; i < d->ncharges; i++)
	{
		values[2] = Int32GetDatum(i + 1);
		values[3] = oms_text(d->charges[i].kind);
		values[4] = oms_paise_numeric(d->charges[i].amount);
		oms_exec(&charge_plan, values, NULL, false, 0);
	}
	for (int i = 0; i < c->nholds; i++)
	{
		values[2] = oms_text(c->holds[i].hold);
		values[3] = oms_text(c->holds[i].reason);
		oms_exec(&hold_plan, values, NULL, false, 0);
	}
	if (c->risk.terms)
		oms_risk_keep(c->company_id, c->order_id, &c->risk);
	oms_json_begin(&j);
	oms_json_str(&j, "channel", d->channel);
	oms_json_str(&j, "external_id", d->external_id);
	oms_json_str(&j, "status", c->status);
	oms_json_int(&j, "parcels", c->f.nquotes);
	oms_event(c->company_id, "order", c->order_id, "order.captured",
			  oms_json_end(&j));
	oms_spi_finish();
}

static OmsPlan new_buyer_plan = {
	"INSERT INTO oms.customer (customer_id, company_id, buyer_hash, name, phone, email, gstin, pincode, orders, cod_open, last_order_at)"
	" VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 1, $9, $10)"
	" ON CONFLICT (company_id, buyer_hash) DO UPDATE SET orders = customer.orders + 1, cod_open = customer.cod_open + $9,"
	" last_order_at = greatest(customer.last_order_at, $10) RETURNING customer_id",
	10, {INT8OID, INT4OID, TEXTOID, TEXTOID, TEXTOID, TEXTOID, TEXTOID, TEXTOID, INT4OID, TIMESTAMPTZOID}, NULL
};
static OmsPlan old_buyer_plan = {
	"UPDATE oms.customer SET orders = orders + 1, cod_open = cod_open + $2, pincode = coalesce($3, pincode),"
	" last_order_at = greatest(last_order_at, $4) WHERE customer_id = $1",
	4, {INT8OID, INT4OID, TEXTOID, TIMESTAMPTZOID}, NULL
};
static OmsPlan relink_plan = {
	"UPDATE oms.\"order\" SET customer_id = $3 WHERE company_id = $1 AND order_id = $2",
	3, {INT4OID, INT8OID, INT8OID}, NULL
};

/* Last of all, so that the buyer's row is locked as short as possible. */
static void
write_buyer(Capture *c)
{
	OmsOrderDoc *d = &c->doc;
	int32		cod = c->f.cod ? 1 : 0;
	Datum		values[10];
	char		nulls[11] = "          ";

	if (c->buyer.customer_id == 0)
		return;
	oms_spi_connect();
	if (c->buyer.is_new)
	{
		values[0] = Int64GetDatum(c->buyer.customer_id);
		values[1] = Int32GetDatum(c->company_id);
		SET_TEXT(2, c->buyer.hash);
		SET_TEXT(3, d->customer_name);
		SET_TEXT(4, d->phone);
		SET_TEXT(5, d->email);
		SET_TEXT(6, d->gstin);
		SET_TEXT(7, d->ship.pincode);
		values[8] = Int32GetDatum(cod);
		values[9] = TimestampTzGetDatum(d->placed_at);
		oms_exec(&new_buyer_plan, values, nulls, false, 0);
		if (oms_int8(0, 1) != c->buyer.customer_id)
		{
			/* the buyer's first two orders at once: one buyer all the same */
			values[2] = Int64GetDatum(oms_int8(0, 1));
			values[0] = Int32GetDatum(c->company_id);
			values[1] = Int64GetDatum(c->order_id);
			oms_exec(&relink_plan, values, NULL, false, 0);
		}
	}
	else
	{
		values[0] = Int64GetDatum(c->buyer.customer_id);
		values[1] = Int32GetDatum(cod);
		SET_TEXT(2, d->ship.pincode);
		values[3] = TimestampTzGetDatum(d->placed_at);
		oms_exec(&old_buyer_plan, values, nulls, false, 0);
	}
	oms_spi_finish();
}

static Jsonb *
answer(Capture *c)
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
	oms_fulfil_json(&c->f, &j);
	return oms_json_end(&j);
}
