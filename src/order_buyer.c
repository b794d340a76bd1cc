/*
 * order_buyer.c
 *	  Who buys: the buyer by a keyed hash of the phone, the risk of the order,
 *	  the buyer's counters.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "common/cryptohash.h"
#include "common/hmac.h"
#include "common/sha2.h"
#include "fmgr.h"
#include "utils/builtins.h"
#include "utils/guc.h"

#include "core_find.h"
#include "core_rows.h"
#include "order_capture.h"

static char *oms_buyer_key = NULL;

void
oms_order_buyer_init(void)
{
	DefineCustomStringVariable("oms.buyer_key",
							   "Secret key of the buyer hash (HMAC-SHA-256 of the phone).",
							   "Set it in postgresql.conf; without one the hash is only a pseudonym.",
							   &oms_buyer_key, "",
							   PGC_SIGHUP, GUC_SUPERUSER_ONLY | GUC_NO_SHOW_ALL | GUC_NOT_IN_SAMPLE,
							   NULL, NULL, NULL);
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

void
oms_capture_find_buyer(OmsCapture *c)
{
	Datum		values[2];

	c->buyer.orders = -1;
	if (c->doc.phone == NULL)
		return;
	c->buyer.hash = buyer_hash(c->doc.phone);
	values[0] = Int32GetDatum(c->company_id);
	values[1] = oms_text(c->buyer.hash);
	oms_spi_connect();
	if (oms_find(&buyer_plan, values, NULL) > 0)
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
void
oms_capture_score(OmsCapture *c)
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
			oms_capture_hold(c, "COD_CONFIRM", c->risk.reason);
			break;
		case OMS_RISK_PREPAID_ONLY:
			oms_capture_hold(c, "PREPAID_ONLY", c->risk.reason);
			break;
		case OMS_RISK_BLOCK:
			oms_capture_hold(c, "BLOCKED", c->risk.reason);
			break;
	}
	if (!d->ship.pincode_known)
		oms_capture_hold(c, "ADDRESS", "the pincode is not in oms.pincode");
	else if (d->ship.street == NULL)
		oms_capture_hold(c, "ADDRESS", "there is no street address");
}

static OmsPlan first_order_plan = {
	"INSERT INTO oms.customer (customer_id, company_id, buyer_hash, name, phone, email, gstin, pincode, cod_open, last_order_at, orders)"
	" VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) ON CONFLICT (company_id, buyer_hash) DO NOTHING",
	11, {INT8OID, INT4OID, TEXTOID, TEXTOID, TEXTOID, TEXTOID, TEXTOID, TEXTOID, INT4OID, TIMESTAMPTZOID, INT4OID}, NULL
};
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

static void
buyer_values(OmsCapture *c, Datum *values, char *nulls)
{
	OmsOrderDoc *d = &c->doc;

	values[0] = Int64GetDatum(c->buyer.customer_id);
	values[1] = Int32GetDatum(c->company_id);
	SET_TEXT(2, c->buyer.hash);
	SET_TEXT(3, d->customer_name);
	SET_TEXT(4, d->phone);
	SET_TEXT(5, d->email);
	SET_TEXT(6, d->gstin);
	SET_TEXT(7, d->ship.pincode);
	values[8] = Int32GetDatum(c->f.cod ? 1 : 0);
	values[9] = TimestampTzGetDatum(d->placed_at);
	values[10] = Int32GetDatum(1);
}

void
oms_capture_write_new_buyer(OmsCapture *c)
{
	Datum		values[11];
	char		nulls[12] = "           ";

	if (!c->buyer.is_new || c->buyer.written)
		return;
	oms_spi_connect();
	buyer_values(c, values, nulls);
	c->buyer.written = oms_insert(&first_order_plan, values, nulls);
	oms_spi_finish();
}

/* Last of all, so that the buyer's row is locked as short as possible. */
void
oms_capture_write_buyer(OmsCapture *c)
{
	Datum		values[11];
	char		nulls[12] = "           ";

	if (c->buyer.customer_id == 0)
		return;
	oms_capture_write_new_buyer(c);
	if (c->buyer.written)
		return;
	oms_spi_connect();
	if (c->buyer.is_new)
	{
		/* the buyer's first two orders at once: one buyer all the same */
		buyer_values(c, values, nulls);
		if (oms_exec(&new_buyer_plan, values, nulls, false, 0) > 0 &&
			oms_int8(0, 1) != c->buyer.customer_id)
		{
			values[2] = Int64GetDatum(oms_int8(0, 1));
			values[0] = Int32GetDatum(c->company_id);
			values[1] = Int64GetDatum(c->order_id);
			oms_exec(&relink_plan, values, NULL, false, 0);
		}
	}
	else
	{
		values[0] = Int64GetDatum(c->buyer.customer_id);
		values[1] = Int32GetDatum(c->f.cod ? 1 : 0);
		SET_TEXT(2, c->doc.ship.pincode);
		values[3] = TimestampTzGetDatum(c->doc.placed_at);
		oms_exec(&old_buyer_plan, values, nulls, false, 0);
	}
	oms_spi_finish();
}
