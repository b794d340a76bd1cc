/*
 * order_write.c
 *	  The rows of a captured order: order, lines, charges, holds, score, event.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "fmgr.h"
#include "utils/builtins.h"

#include "core_memo.h"
#include "core_rows.h"
#include "order_capture.h"

static OmsPlan order_plan = {
	"INSERT INTO oms.\"order\" (company_id, channel_id, external_id, document_hash, status, placed_at, currency, payment_mode,"
	" paid_amount, goods_amount, charge_amount, tax_amount, total_amount, fulfilment_mode, only_node_id, customer_id, ship_name, ship_phone,"
	" ship_address, ship_city, ship_state_code, ship_pincode, ship_place, bill_state_code, buyer_gstin, place_of_supply,"
	" promised_at, planning_run, captured_at, order_id, priority, order_class, only_service, max_days, supply_type, charge_tax_amount)"
	" VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22,"
	" $23, $24, $25, $26, $27, $28, $29, $30, $31, $32, $33, $34, $35, $36)"
	" ON CONFLICT (company_id, channel_id, external_id) DO NOTHING",
	36, {INT4OID, INT4OID, TEXTOID, TEXTOID, TEXTOID, TIMESTAMPTZOID, TEXTOID, TEXTOID,
		NUMERICOID, NUMERICOID, NUMERICOID, NUMERICOID, NUMERICOID, TEXTOID, INT4OID, INT8OID, TEXTOID, TEXTOID,
		TEXTOID, TEXTOID, TEXTOID, TEXTOID, InvalidOid, TEXTOID, TEXTOID, TEXTOID,
	TIMESTAMPTZOID, INT4OID, TIMESTAMPTZOID, INT8OID, INT4OID, TEXTOID, TEXTOID, INT4OID, TEXTOID, NUMERICOID}, NULL
};
static OmsPlan place_plan = {
	"SELECT oms.geo_point($1, $2)", 2, {FLOAT8OID, FLOAT8OID}, NULL
};

/* False when the channel's order is there already. */
bool
oms_capture_write_order(OmsCapture *c)
{
	OmsOrderDoc *d = &c->doc;
	Datum		values[36];
	char		nulls[37] = "                                    ";
	bool		inserted;

	oms_spi_connect();
	if (c->buyer.is_new && c->buyer.customer_id == 0)
		c->buyer.customer_id = oms_next("customer_customer_id_seq");
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
	nulls[22] = 'n';
	if (d->ship.has_point)
	{
		Datum		point[2] = {Float8GetDatum(d->ship.lat), Float8GetDatum(d->ship.lng)};
		bool		isnull;

		oms_memo(&place_plan, point, NULL, false);
		values[22] = oms_datum(0, 1, &isnull);
		nulls[22] = isnull ? 'n' : ' ';
	}
	SET_TEXT(23, c->bill_state);
	SET_TEXT(24, d->gstin);
	SET_TEXT(25, c->place_of_supply);
	values[26] = TimestampTzGetDatum(c->f.promised_at);
	nulls[26] = c->f.promised_at ? ' ' : 'n';
	values[27] = Int32GetDatum(1);
	values[28] = TimestampTzGetDatum(c->f.at);
	if (c->order_id == 0)
		c->order_id = oms_next("order_order_id_seq");
	values[29] = Int64GetDatum(c->order_id);
	values[30] = Int32GetDatum(d->priority);
	SET_TEXT(31, d->order_class);
	SET_TEXT(32, d->service);
	values[33] = Int32GetDatum(d->max_days);
	nulls[33] = d->has_max_days ? ' ' : 'n';
	SET_TEXT(34, oms_supply_code(d->supply));
	values[35] = oms_paise_numeric(c->charge_tax);
	inserted = oms_insert(&order_plan, values, nulls);
	oms_spi_finish();
	return inserted;
}

static OmsPlan line_plan = {
	"INSERT INTO oms.order_line (company_id, order_id, line_no, sku_id, qty, unit_price, discount, net_amount, list_price)"
	" VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
	9, {INT4OID, INT8OID, INT4OID, INT4OID, NUMERICOID, NUMERICOID, NUMERICOID, NUMERICOID, NUMERICOID}, NULL
};
static OmsPlan charge_plan = {
	"INSERT INTO oms.order_charge (company_id, order_id, charge_no, kind, amount) VALUES ($1, $2, $3, $4, $5)",
	5, {INT4OID, INT8OID, INT4OID, TEXTOID, NUMERICOID}, NULL
};
static OmsPlan hold_plan = {
	"INSERT INTO oms.order_hold (company_id, order_id, hold, reason) VALUES ($1, $2, $3, $4)",
	4, {INT4OID, INT8OID, TEXTOID, TEXTOID}, NULL
};
void
oms_capture_write_details(OmsCapture *c)
{
	OmsOrderDoc *d = &c->doc;
	Datum		values[9];

	oms_spi_connect();
	values[0] = Int32GetDatum(c->company_id);
	values[1] = Int64GetDatum(c->order_id);
	for (int i = 0; i < d->nlines; i++)
	{
		OmsLine    *l = &d->lines[i];
		bool		listed = l->list_price >= 0 &&
		l->list_includes_tax == c->channel.price_includes_tax;

		values[2] = Int32GetDatum(l->line_no);
		values[3] = Int32GetDatum(l->sku_id);
		values[4] = oms_milli_numeric(l->qty);
		values[5] = oms_paise_numeric(l->unit_price);
		values[6] = oms_paise_numeric(l->discount);
		values[7] = oms_paise_numeric(l->net);
		values[8] = listed ? oms_paise_numeric(l->list_price) : (Datum) 0;
		oms_insert(&line_plan, values, listed ? NULL : "        n");
	}
	for (int i = 0; i < d->ncharges; i++)
	{
		values[2] = Int32GetDatum(i + 1);
		values[3] = oms_text(d->charges[i].kind);
		values[4] = oms_paise_numeric(d->charges[i].amount);
		oms_insert(&charge_plan, values, NULL);
	}
	for (int i = 0; i < c->nholds; i++)
	{
		values[2] = oms_text(c->holds[i].hold);
		values[3] = oms_text(c->holds[i].reason);
		oms_insert(&hold_plan, values, NULL);
	}
	if (c->risk.terms)
		oms_risk_keep(c->company_id, c->order_id, &c->risk);
	oms_spi_finish();
}

#define UNWRITE(table) {"DELETE FROM " table " WHERE company_id = $1 AND order_id = $2", 2, {INT4OID, INT8OID}, NULL}

static OmsPlan unwrite_plans[] = {
	UNWRITE("oms.decision_run"), UNWRITE("oms.allocation"), UNWRITE("oms.shipment"),
	UNWRITE("oms.risk_score"), UNWRITE("oms.order_hold"), UNWRITE("oms.order_charge"),
	UNWRITE("oms.order_line"), UNWRITE("oms.\"order\"")
};

void
oms_capture_unwrite(OmsCapture *c)
{
	Datum		values[2] = {Int32GetDatum(c->company_id), Int64GetDatum(c->order_id)};

	oms_spi_connect();
	for (int i = 0; i < lengthof(unwrite_plans); i++)
		oms_exec(&unwrite_plans[i], values, NULL, false, 0);
	oms_spi_finish();
}

void
oms_capture_write_event(OmsCapture *c)
{
	OmsOrderDoc *d = &c->doc;
	OmsJson		j;

	oms_json_begin(&j);
	oms_json_str(&j, "channel", d->channel);
	oms_json_str(&j, "external_id", d->external_id);
	oms_json_str(&j, "status", c->status);
	oms_json_int(&j, "parcels", c->f.nquotes);
	oms_event(c->company_id, "order", c->order_id, "order.captured",
			  oms_json_end(&j));
}
