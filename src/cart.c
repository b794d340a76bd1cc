/*
 * cart.c
 *	  Promises that take nothing, and carts that hold stock for a while.
 *
 * Both read a canonical order in which only channel, ship_to.pincode and
 * lines matter, and call the planner an order's capture calls.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "fmgr.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "access/xlog.h"
#include "utils/builtins.h"
#include "utils/date.h"
#include "utils/timestamp.h"

#include "orders.h"

typedef struct Cart
{
	int32		company_id;
	OmsOrderDoc doc;
	OmsChannel	channel;
	OmsFulfilment f;
} Cart;

static void
read_cart(Jsonb *doc, TimestampTz at, Cart *c)
{
	OmsOrderDoc *d = &c->doc;
	OmsFulfilment *f = &c->f;

	memset(c, 0, sizeof(*c));
	oms_require_installed();
	oms_order_read(doc, true, d);
	c->company_id = oms_company_id_now(d->company);
	if (oms_erp_before_promise && !RecoveryInProgress())
		oms_erp_before_promise(c->company_id);
	oms_channel_find(c->company_id, d->channel, true, &c->channel);
	oms_lines_find(c->company_id, c->channel.price_list_id, d->lines, d->nlines, at);
	oms_lines_check_sale(d->lines, d->nlines);
	oms_address_find(&d->ship);

	oms_order_asks(d, c->company_id, &c->channel,
				   oms_supply_day(&c->channel, at), at, f);
	for (int i = 0; i < d->nlines; i++)
	{
		OmsLine    *l = &d->lines[i];

		if (!l->has_price)
			l->unit_price = Max(l->list_price, 0);
		l->net = Max(oms_muldiv(l->unit_price, l->qty, 1000) - l->discount, 0);
		f->goods += l->net;
	}
	f->due = f->cod ? f->goods : 0;
}

PG_FUNCTION_INFO_V1(oms_promise);

/* oms.promise(document jsonb, at timestamptz) returns jsonb */
Datum
oms_promise(PG_FUNCTION_ARGS)
{
	Cart		c;
	OmsJson		j;

	read_cart(PG_GETARG_JSONB_P(0), PG_GETARG_TIMESTAMPTZ(1), &c);
	oms_fulfil_plan(&c.f);
	oms_json_begin(&j);
	oms_json_bool(&j, "complete", c.f.complete);
	oms_json_bool(&j, "serviceable", c.f.hold == NULL);
	oms_json_time(&j, "promised_at", c.f.promised_at);
	oms_json_array(&j, "available");
	for (int i = 0; i < c.f.nlines; i++)
	{
		oms_json_object(&j, NULL);
		oms_json_int(&j, "line_no", c.f.lines[i].line_no);
		oms_json_str(&j, "sku", c.f.lines[i].sku);
		oms_json_milli(&j, "asked", c.f.lines[i].qty);
		oms_json_milli(&j, "available",
					   Min(c.f.plan.available[i], INT64CONST(99999999999999)));
		oms_json_close_object(&j);
	}
	oms_json_close_array(&j);
	oms_fulfil_json(&c.f, &j);
	PG_RETURN_JSONB_P(oms_json_end(&j));
}

PG_FUNCTION_INFO_V1(oms_rules_of);

/* oms.rules_of(document jsonb, at timestamptz) returns table */
Datum
oms_rules_of(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
	OmsPlanRequest req = {0};
	Cart		c;

	InitMaterializedSRF(fcinfo, 0);
	read_cart(PG_GETARG_JSONB_P(0), PG_GETARG_TIMESTAMPTZ(1), &c);
	oms_fulfil_request(&c.f, &req);
	for (int j = -1; j < c.f.nlines; j++)
	{
		Datum		values[3];
		bool		nulls[3] = {j < 0, j < 0, false};
		int32		rule_id = c.f.rule.rule_id;

		if (j >= 0)
		{
			values[0] = Int32GetDatum(c.f.lines[j].line_no);
			values[1] = oms_text(c.f.lines[j].sku);
			if (req.demand[j].rule)
				rule_id = req.demand[j].rule->rule_id;
		}
		values[2] = Int32GetDatum(rule_id);
		nulls[2] = rule_id == 0;
		tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, values, nulls);
	}
	return (Datum) 0;
}

PG_FUNCTION_INFO_V1(oms_reserve_cart);

/*
 * oms.reserve_cart(document jsonb, at timestamptz) returns jsonb
 *
 * Holding again replaces what the cart held, under the same row locks.
 */
Datum
oms_reserve_cart(PG_FUNCTION_ARGS)
{
	TimestampTz at = PG_GETARG_TIMESTAMPTZ(1);
	Cart		c;
	OmsPlanRequest req = {0};
	TimestampTz expires_at;
	OmsJson		j;

	read_cart(PG_GETARG_JSONB_P(0), at, &c);
	if (c.doc.cart_id == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_OMS_INVALID_DOCUMENT),
				 errmsg("invalid order document: \"cart_id\" is missing"),
				 errdetail("Field cart_id."),
				 errhint("A cart is held under the shop's own cart_id.")));
	oms_fulfil_request(&c.f, &req);
	/* a cart holds goods, also beyond the count, but no time of anybody */
	req.slots = false;
	expires_at = at + c.channel.cart_ttl_us;
	for (int try = 0;; try++)
	{
		CHECK_FOR_INTERRUPTS();
		oms_sourcing_plan(&req, &c.f.plan);
		c.f.complete = true;
		for (int i = 0; i < c.f.nlines; i++)
			if (c.f.plan.unfilled[i] > 0)
				c.f.complete = false;
		if (!c.f.complete)
			oms_fulfil_raise_short(&c.f);
		if (oms_sourcing_reserve(&req, &c.f.plan, c.doc.cart_id, expires_at))
			break;
		if (try == 20)
			ereport(ERROR,
					(errcode(ERRCODE_T_R_SERIALIZATION_FAILURE),
					 errmsg("stock of this cart's items keeps changing"),
					 errhint("Try the call again.")));
	}

	oms_json_begin(&j);
	oms_json_str(&j, "cart_id", c.doc.cart_id);
	oms_json_time(&j, "expires_at", expires_at);
	oms_json_array(&j, "holds");
	for (int i = 0; i < c.f.plan.npieces; i++)
	{
		OmsPiece   *p = &c.f.plan.pieces[i];

		oms_json_object(&j, NULL);
		oms_json_int(&j, "line_no", c.f.lines[p->demand].line_no);
		oms_json_str(&j, "sku", c.f.lines[p->demand].sku);
		oms_json_milli(&j, "qty", p->qty);
		oms_json_str(&j, "node", c.f.plan.nodes[p->node].code);
		oms_json_close_object(&j);
	}
	oms_json_close_array(&j);
	PG_RETURN_JSONB_P(oms_json_end(&j));
}

PG_FUNCTION_INFO_V1(oms_release_cart);

/* oms.release_cart(cart_id text, company text) returns numeric */
Datum
oms_release_cart(PG_FUNCTION_ARGS)
{
	int32		company_id;

	oms_require_installed();
	company_id = oms_company_id_now(PG_ARGISNULL(1) ? NULL :
								text_to_cstring(PG_GETARG_TEXT_PP(1)));
	if (PG_ARGISNULL(0))
		PG_RETURN_NULL();
	PG_RETURN_DATUM(oms_milli_numeric(
									  oms_stock_release_cart(company_id,
															 text_to_cstring(PG_GETARG_TEXT_PP(0)))));
}

static OmsPlan expired_plan = {
	"SELECT DISTINCT company_id, cart_id FROM oms.reservation"
	" WHERE state = 'open' AND expires_at <= $1 ORDER BY 1, 2 LIMIT $2",
	2, {TIMESTAMPTZOID, INT4OID}, NULL
};

/* All rows first, in the one order: carts have none among themselves. */
static OmsPlan expired_rows_plan = {
	"SELECT 1 FROM oms.stock s WHERE (s.company_id, s.node_id, s.sku_id) IN"
	" (SELECT r.company_id, r.node_id, r.sku_id FROM oms.reservation r"
	"  WHERE r.state = 'open' AND r.expires_at <= $1 AND r.cart_id = ANY ($2))"
	" ORDER BY s.company_id, s.node_id, s.sku_id FOR NO KEY UPDATE OF s",
	2, {TIMESTAMPTZOID, TEXTARRAYOID}, NULL
};

PG_FUNCTION_INFO_V1(oms_expire_carts);

/*
 * oms.expire_carts(at timestamptz, max integer) returns integer
 *
 * Housekeeping only: what has expired counts no more from the moment it has.
 */
Datum
oms_expire_carts(PG_FUNCTION_ARGS)
{
	Datum		values[2] = {
		PG_GETARG_DATUM(0), Int32GetDatum(oms_limit_arg(fcinfo, 1, "max", 0))
	};
	int			n;
	int			closed = 0;
	int32	   *company;
	char	  **cart;

	oms_require_installed();
	oms_spi_connect();
	n = (int) oms_exec(&expired_plan, values, NULL, false, 0);
	company = palloc(sizeof(int32) * (n + 1));
	cart = palloc(sizeof(char *) * (n + 1));
	for (int i = 0; i < n; i++)
	{
		company[i] = oms_int4(i, 1);
		cart[i] = oms_cstr(i, 2);
	}
	if (n > 0)
	{
		values[1] = oms_text_array((const char *const *) cart, n);
		oms_exec(&expired_rows_plan, values, NULL, false, 0);
	}
	for (int i = 0; i < n; i++)
	{
		CHECK_FOR_INTERRUPTS();
		closed += oms_stock_expire_cart(company[i], cart[i],
										PG_GETARG_TIMESTAMPTZ(0)) > 0 ? 1 : 0;
	}
	oms_spi_finish();
	PG_RETURN_INT32(closed);
}
