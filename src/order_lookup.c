/*
 * order_lookup.c
 *	  What the catalogue says of a document's channel, items, places, nodes.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "common/int.h"
#include "fmgr.h"
#include "utils/builtins.h"
#include "utils/date.h"
#include "utils/timestamp.h"

#include "core_memo.h"
#include "orders.h"
#include "sourcing_rule.h"

/* A rule of the channel wins over the company's; those that ask more of an
 * order are looked at by oms_rules_find(). */
static OmsPlan channel_plan = {
	"SELECT c.channel_id, c.kind, c.active, c.price_includes_tax, c.cod_allowed, c.allow_backorder,"
	" c.price_tolerance_pct::float8, (extract(epoch FROM c.cart_ttl) * 1000000)::int8, p.state_code, p.currency, p.timezone,"
	" c.allow_split, c.max_shipments, c.own_nodes,"
	" EXISTS (SELECT FROM oms.sourcing_rule s WHERE s.company_id = c.company_id AND s.keyed),"
	" EXISTS (SELECT FROM oms.sourcing_rule s WHERE s.company_id = c.company_id AND s.sku_id IS NOT NULL),"
	" c.accept_first, coalesce(t.price_list_id, 0), " OMS_RULE_COLUMNS
	" FROM oms.channel c JOIN oms.company p ON p.company_id = c.company_id"
	" LEFT JOIN oms.price_list t ON t.price_list_id = c.price_list_id AND t.active"
	" LEFT JOIN LATERAL (SELECT * FROM oms.sourcing_rule s WHERE s.company_id = c.company_id AND NOT s.keyed"
	"  AND (s.channel_id = c.channel_id OR s.channel_id IS NULL) ORDER BY s.channel_id NULLS LAST LIMIT 1) r ON true"
	" WHERE c.company_id = $1 AND c.code = $2",
	2, {INT4OID, TEXTOID}, NULL
};

void
oms_channel_find(int32 company_id, const char *code, bool active,
				 OmsChannel *ch)
{
	MemoryContext caller = CurrentMemoryContext;
	Datum		values[2] = {Int32GetDatum(company_id), oms_text(code)};

	oms_spi_connect();
	if (oms_memo(&channel_plan, values, NULL, false) == 0)
		ereport(ERROR,
				(errcode(ERRCODE_OMS_UNKNOWN_REFERENCE),
				 errmsg("channel \"%s\" does not exist", code),
				 errdetail("Field channel."),
				 errhint("The channels are the rows of oms.channel.")));
	if (active && !oms_bool(0, 3))
		ereport(ERROR,
				(errcode(ERRCODE_OMS_INVALID_DOCUMENT),
				 errmsg("channel \"%s\" is switched off", code),
				 errdetail("Field channel."),
				 errhint("Set oms.channel.active to take its orders.")));
	ch->channel_id = oms_int4(0, 1);
	ch->kind = oms_strdup(caller, oms_cstr(0, 2));
	ch->price_includes_tax = oms_bool(0, 4);
	ch->cod_allowed = oms_bool(0, 5);
	ch->allow_backorder = oms_bool(0, 6);
	ch->price_tolerance_pct = oms_float8(0, 7);
	ch->cart_ttl_us = oms_int8(0, 8);
	ch->company_state = oms_strdup(caller, oms_cstr(0, 9));
	ch->currency = oms_strdup(caller, oms_cstr(0, 10));
	ch->timezone = oms_strdup(caller, oms_cstr(0, 11));
	ch->rule.allow_split = oms_bool(0, 12);
	ch->rule.max_shipments = ch->max_shipments = oms_int4(0, 13);
	ch->own_nodes = oms_bool(0, 14);
	ch->keyed_rules = oms_bool(0, 15);
	ch->item_rules = oms_bool(0, 16);
	ch->accept_first = oms_bool(0, 17);
	ch->price_list_id = oms_int4(0, 18);
	oms_rule_read(0, 19, caller, &ch->rule);
	oms_spi_finish();
}

DateADT
oms_supply_day(const OmsChannel *ch, TimestampTz at)
{
	Datum		local = DirectFunctionCall2(timestamptz_zone, oms_text(ch->timezone),
										TimestampTzGetDatum(at));

	return DatumGetDateADT(DirectFunctionCall1(timestamp_date, local));
}

static OmsPlan item_plan = {
	"SELECT sku_id, active, hsn, tax_code, weight_g, length_mm, width_mm, height_mm, cod_ok, cold_chain, air_ok, cost,"
	" sale_min, sale_max, sale_step FROM oms.sku WHERE company_id = $1 AND code = $2",
	2, {INT4OID, TEXTOID}, NULL
};
static OmsPlan prices_plan = {
	"SELECT valid_from, amount, includes_tax, price_list_id, min_qty, valid_to FROM oms.price WHERE company_id = $1 AND sku_id = $2",
	2, {INT4OID, INT4OID}, NULL
};
static OmsPlan is_kit_plan = {
	"SELECT sku_id FROM oms.kit_component WHERE company_id = $1 AND kit_sku_id = $2",
	2, {INT4OID, INT4OID}, NULL
};

static int64
volume(int64 length, int64 width, int64 height)
{
	int64		mm3;

	if (pg_mul_s64_overflow(length, width, &mm3) ||
		pg_mul_s64_overflow(mm3, height, &mm3))
		ereport(ERROR,
				(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
				 errmsg("the volume of an item is out of range")));
	return mm3;
}

/*
 * The price in force: of the price list if it has one that holds, else a base
 * price; then the one for the largest quantity, then the one that began last.
 * The quantity is that of all lines which name the item.
 */
static void
find_price(int32 company_id, int32 price_list_id, const OmsLine *lines, int n,
		   OmsLine *l, TimestampTz at)
{
	Datum		values[2] = {Int32GetDatum(company_id), Int32GetDatum(l->sku_id)};
	uint64		nprices = oms_memo(&prices_plan, values, NULL, false);
	TimestampTz began = 0;
	int64		least = 0;
	bool		listed = false;
	int64		qty = -1;

	l->list_price = -1;
	l->list_includes_tax = false;
	for (uint64 i = 0; i < nprices; i++)
	{
		TimestampTz from = oms_time(i, 1);
		int32		list = oms_int4(i, 4);
		int64		min_qty = oms_milli(i, 5);

		if (from > at || (!oms_isnull(i, 6) && oms_time(i, 6) <= at) ||
			(list != 0 && list != price_list_id) || (listed && list == 0))
			continue;
		if (min_qty > 0)
		{
			if (qty < 0)
			{
				qty = 0;
				for (int k = 0; k < n; k++)
					if (strcmp(lines[k].sku, l->sku) == 0)
						qty += lines[k].qty;
			}
			if (qty < min_qty)
				continue;
		}
		if (l->list_price >= 0 && listed == (list != 0) &&
			(min_qty < least || (min_qty == least && from < began)))
			continue;
		listed = list != 0;
		least = min_qty;
		began = from;
		l->list_price = oms_paise(i, 2);
		l->list_includes_tax = oms_bool(i, 3);
	}
}

void
oms_lines_find(int32 company_id, int32 price_list_id, OmsLine *lines, int n,
			   TimestampTz at)
{
	MemoryContext caller = CurrentMemoryContext;
	Datum		values[2];

	oms_spi_connect();
	values[0] = Int32GetDatum(company_id);
	for (int i = 0; i < n; i++)
	{
		OmsLine    *l = &lines[i];

		values[1] = oms_text(l->sku);
		if (oms_memo(&item_plan, values, NULL, false) == 0)
			ereport(ERROR,
					(errcode(ERRCODE_OMS_UNKNOWN_REFERENCE),
					 errmsg("item \"%s\" does not exist", l->sku),
					 errdetail("Field lines[%d].sku.", i),
					 errhint("Items come from the ERP (oms.erp_lag() shows what is pending) or are rows of oms.sku.")));
		if (!oms_bool(0, 2))
			ereport(ERROR,
					(errcode(ERRCODE_OMS_UNKNOWN_REFERENCE),
					 errmsg("item \"%s\" is not sold any more", l->sku),
					 errdetail("Field lines[%d].sku: the item is inactive.", i),
					 errhint("Make the item active again in the ERP, or leave the line out.")));
		l->sku_id = oms_int4(0, 1);
		l->hsn = oms_strdup(caller, oms_cstr(0, 3));
		l->tax_code = oms_strdup(caller, oms_cstr(0, 4));
		l->weight_g = oms_int4(0, 5);
		l->volume_mm3 = volume(oms_int4(0, 6), oms_int4(0, 7), oms_int4(0, 8));
		l->cod_ok = oms_bool(0, 9);
		l->cold_chain = oms_bool(0, 10);
		l->air_ok = oms_bool(0, 11);
		l->cost = oms_isnull(0, 12) ? -1 : oms_paise(0, 12);
		l->sale_min = oms_milli(0, 13);
		l->sale_max = oms_milli(0, 14);
		l->sale_step = oms_milli(0, 15);
		find_price(company_id, price_list_id, lines, n, l, at);
		values[1] = Int32GetDatum(l->sku_id);
		l->kit = oms_memo(&is_kit_plan, values, NULL, false) > 0;
	}
	oms_spi_finish();
}

/*
 * Whether lines keep to what may be sold of their items: the step line by
 * line, fewest and most over all lines that name the item.  For new documents
 * only: what is planned again may be any part of an order.
 */
void
oms_lines_check_sale(const OmsLine *lines, int n)
{
	for (int i = 0; i < n; i++)
	{
		const OmsLine *l = &lines[i];
		const char *problem = NULL;
		int64		bound = 0;
		int64		total = 0;

		for (int k = 0; k < n; k++)
			if (lines[k].sku_id == l->sku_id)
				total += lines[k].qty;
		if (l->sale_step > 0 && l->qty % l->sale_step != 0)
		{
			problem = "is not a multiple of";
			bound = l->sale_step;
		}
		else if (l->sale_min > 0 && total < l->sale_min)
		{
			problem = "is below the least that is sold,";
			bound = l->sale_min;
		}
		else if (l->sale_max > 0 && total > l->sale_max)
		{
			problem = "is above the most that is sold,";
			bound = l->sale_max;
		}
		if (problem)
			ereport(ERROR,
					(errcode(ERRCODE_OMS_INVALID_DOCUMENT),
					 errmsg("invalid order document: \"lines[%d].qty\" %s %s", i, problem,
							DatumGetCString(DirectFunctionCall1(numeric_out,
																oms_milli_numeric(bound)))),
					 errdetail("Field lines[%d].qty, item \"%s\".", i, l->sku),
					 errhint("Item rules are sale_min, sale_max and sale_step of oms.sku.")));
	}
}

static OmsPlan pincode_plan = {
	"SELECT state_code, district, oms.lng(place), oms.lat(place), place IS NOT NULL FROM oms.pincode WHERE pincode = $1",
	1, {TEXTOID}, NULL
};

void
oms_address_find(OmsAddress *a)
{
	MemoryContext caller = CurrentMemoryContext;
	Datum		values[1] = {oms_text(a->pincode)};

	oms_spi_connect();
	a->pincode_known = oms_memo(&pincode_plan, values, NULL, false) > 0;
	if (a->pincode_known)
	{
		a->state_code = oms_strdup(caller, oms_cstr(0, 1));
		a->district = oms_strdup(caller, oms_cstr(0, 2));
		if (!a->has_point && oms_bool(0, 5))
		{
			a->has_point = true;
			a->lng = oms_float8(0, 3);
			a->lat = oms_float8(0, 4);
		}
	}
	oms_spi_finish();
}

static OmsPlan node_plan = {
	"SELECT node_id FROM oms.node WHERE company_id = $1 AND code = $2",
	2, {INT4OID, TEXTOID}, NULL
};

int32
oms_node_find(int32 company_id, const char *code)
{
	Datum		values[2] = {Int32GetDatum(company_id), oms_text(code)};
	int32		node_id;

	oms_spi_connect();
	if (oms_memo(&node_plan, values, NULL, false) == 0)
		ereport(ERROR,
				(errcode(ERRCODE_OMS_UNKNOWN_REFERENCE),
				 errmsg("node \"%s\" does not exist", code),
				 errhint("The nodes are the rows of oms.node.")));
	node_id = oms_int4(0, 1);
	oms_spi_finish();
	return node_id;
}

static OmsPlan kit_plan = {
	"SELECT sku_id, (qty * 1000)::int8 FROM oms.kit_component WHERE company_id = $1 AND kit_sku_id = $2 ORDER BY sku_id",
	2, {INT4OID, INT4OID}, NULL
};

OmsDemand *
oms_order_demand(int32 company_id, const OmsLine *lines, int n)
{
	MemoryContext caller = CurrentMemoryContext;
	OmsDemand  *demand = palloc0(sizeof(OmsDemand) * (n + 1));

	for (int i = 0; i < n; i++)
	{
		OmsDemand  *d = &demand[i];
		Datum		values[2] = {Int32GetDatum(company_id), Int32GetDatum(lines[i].sku_id)};

		d->line_no = lines[i].line_no;
		d->sku_id = lines[i].sku_id;
		d->qty = lines[i].qty;
		d->value = lines[i].net;
		d->cold_chain = lines[i].cold_chain;
		if (!lines[i].kit)
			continue;
		if (d->qty % 1000 != 0)
			ereport(ERROR,
					(errcode(ERRCODE_OMS_INVALID_DOCUMENT),
					 errmsg("a kit is sold whole"),
					 errdetail("Line %d asks for a fraction of %s.", d->line_no, lines[i].sku),
					 errhint("Ask for whole kits, or for components by themselves.")));
		oms_spi_connect();
		d->ncomponents = (int) oms_memo(&kit_plan, values, NULL, false);
		d->component_sku = MemoryContextAlloc(caller, sizeof(int32) * (d->ncomponents + 1));
		d->component_qty = MemoryContextAlloc(caller, sizeof(int64) * (d->ncomponents + 1));
		for (int k = 0; k < d->ncomponents; k++)
		{
			d->component_sku[k] = oms_int4(k, 1);
			d->component_qty[k] = oms_int8(k, 2);
		}
		oms_spi_finish();
	}
	return demand;
}

const char *
oms_order_place(const OmsOrderDoc *d)
{
	OmsPlaceInput in = {0};
	const char *rule;

	if (d->place_of_supply)
		return d->place_of_supply;
	in.ship_state = d->carry_out ? NULL : d->ship.state_code;
	in.bill_state = d->has_bill ? d->bill.state_code : NULL;
	in.buyer_gstin = d->gstin;
	in.supply = d->supply;
	in.handed_over = d->carry_out;
	in.third_party = -1;
	return oms_place_of_supply(&in, &rule);
}

void
oms_order_asks(const OmsOrderDoc *d, int32 company_id, OmsChannel *channel,
			   DateADT supply_day, TimestampTz at, OmsFulfilment *f)
{
	f->company_id = company_id;
	f->channel = channel;
	f->carry_out = d->carry_out;
	f->only_node_id = d->node ? oms_node_find(company_id, d->node) : 0;
	f->own_carts = d->own_carts;
	f->nown_carts = d->nown_carts;
	f->cod = d->cod && !d->carry_out;
	f->pincode = d->carry_out ? NULL : d->ship.pincode;
	f->state_code = d->carry_out ? NULL : d->ship.state_code;
	f->order_class = d->order_class;
	f->service = d->service;
	f->has_max_days = d->has_max_days;
	f->max_days = d->max_days;
	f->has_point = d->ship.has_point;
	f->lng = d->ship.lng;
	f->lat = d->ship.lat;
	f->place_of_supply = oms_order_place(d);
	f->supply = d->supply;
	f->supply_day = supply_day;
	f->at = at;
	f->nlines = d->nlines;
	f->lines = d->lines;
}
