/*
 * line_reprice.c
 *	  Another price for a line of an order that is not released yet: what the
 *	  channel's policy wants when list prices change (oms.reprice_orders).
 *
 * The units that are not cancelled get the new price less their share of the
 * line's discount; each allocation its share by running sums, so that nothing
 * is lost, and its tax anew, as the value band may be another.  What was
 * cancelled keeps what it was cancelled for.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "fmgr.h"
#include "utils/builtins.h"

#include "allocation.h"
#include "line_change.h"
#include "orders.h"
#include "shipment.h"

static OmsPlan may_plan = {
	"SELECT o.status, o.status IN ('captured', 'on_hold', 'backordered', 'part_reserved', 'reserved')"
	"  AND NOT EXISTS (SELECT FROM oms.allocation a WHERE a.company_id = $1 AND a.order_id = $2"
	"   AND a.status NOT IN ('planned', 'reserved', 'backordered', 'cancelled')),"
	" h.price_includes_tax, o.total_amount"
	" FROM oms.\"order\" o JOIN oms.channel h ON h.channel_id = o.channel_id WHERE o.company_id = $1 AND o.order_id = $2",
	2, {INT4OID, INT8OID}, NULL
};
static OmsPlan line_plan = {
	"SELECT l.unit_price, l.qty - l.cancelled_qty, round((l.qty - l.cancelled_qty) * $4, 2) - round(l.discount * (l.qty - l.cancelled_qty) / l.qty, 2), k.code"
	" FROM oms.order_line l JOIN oms.sku k ON k.sku_id = l.sku_id"
	" WHERE l.company_id = $1 AND l.order_id = $2 AND l.line_no = $3",
	4, {INT4OID, INT8OID, INT4OID, NUMERICOID}, NULL
};

/*
 * $4 what the live units cost together.  What waits is not taxed before it is
 * known from where it leaves.
 */
static OmsPlan shares_plan = {
	"WITH a AS MATERIALIZED (SELECT x.*, sum(x.qty) OVER (ORDER BY x.allocation_id) AS upto, sum(x.qty) OVER () AS live,"
	"   k.hsn, k.tax_code, c.code AS company, coalesce(x.supplier_state, c.state_code) AS from_state,"
	"   coalesce(x.place_of_supply, o.place_of_supply, o.ship_state_code, c.state_code) AS to_state,"
	"   (o.placed_at AT TIME ZONE c.timezone)::date AS day, h.price_includes_tax AS inclusive"
	"  FROM oms.allocation x JOIN oms.\"order\" o ON o.company_id = x.company_id AND o.order_id = x.order_id"
	"  JOIN oms.company c ON c.company_id = x.company_id JOIN oms.channel h ON h.channel_id = o.channel_id JOIN oms.sku k ON k.sku_id = x.sku_id"
	"  WHERE x.company_id = $1 AND x.order_id = $2 AND x.line_no = $3 AND x.status <> 'cancelled'),"
	" n AS MATERIALIZED (SELECT a.*, round($4 * a.upto / a.live, 2) - round($4 * (a.upto - a.qty) / a.live, 2) AS net FROM a),"
	" t AS MATERIALIZED (SELECT n.*, v.rate AS new_rate, v.taxable AS new_taxable, v.cgst AS new_cgst, v.sgst AS new_sgst, v.igst AS new_igst,"
	"   CASE WHEN n.taxable IS NOT NULL THEN v.cgst + v.sgst + v.igst END AS new_tax, CASE WHEN n.taxable IS NOT NULL THEN n.cgst + n.sgst + n.igst END AS old_tax"
	"  FROM n LEFT JOIN LATERAL oms.tax(n.net, n.qty, n.hsn, n.from_state, n.to_state, n.day, n.inclusive, n.tax_code, n.company) v ON n.taxable IS NOT NULL),"
	" u AS (UPDATE oms.allocation x SET net_amount = t.net, tax_rate = CASE WHEN x.taxable IS NULL THEN x.tax_rate ELSE t.new_rate END,"
	"   taxable = CASE WHEN x.taxable IS NULL THEN NULL ELSE t.new_taxable END, cgst = CASE WHEN x.taxable IS NULL THEN x.cgst ELSE t.new_cgst END,"
	"   sgst = CASE WHEN x.taxable IS NULL THEN x.sgst ELSE t.new_sgst END, igst = CASE WHEN x.taxable IS NULL THEN x.igst ELSE t.new_igst END, updated_at = now()"
	"  FROM t WHERE x.company_id = t.company_id AND x.allocation_id = t.allocation_id),"
	" p AS (UPDATE oms.shipment s SET declared_value = s.declared_value + d.more FROM (SELECT t.shipment_id,"
	"    sum(t.net - t.net_amount) AS more"
	"   FROM t WHERE t.shipment_id IS NOT NULL GROUP BY 1) d WHERE s.company_id = $1 AND s.shipment_id = d.shipment_id)"
	" SELECT sum(t.net - t.net_amount), coalesce(sum(coalesce(t.new_tax, 0) - coalesce(t.old_tax, 0)), 0) FROM t",
	4, {INT4OID, INT8OID, INT4OID, NUMERICOID}, NULL
};
static OmsPlan keep_plan = {
	"WITH l AS (UPDATE oms.order_line SET unit_price = $4, net_amount = net_amount + $5, list_price = CASE WHEN list_price IS NOT NULL THEN $4 END"
	"  WHERE company_id = $1 AND order_id = $2 AND line_no = $3)"
	" UPDATE oms.\"order\" SET goods_amount = goods_amount + $5, tax_amount = tax_amount + $6, total_amount = total_amount + $5 + CASE WHEN $7 THEN 0 ELSE $6 END"
	" WHERE company_id = $1 AND order_id = $2",
	7, {INT4OID, INT8OID, INT4OID, NUMERICOID, NUMERICOID, NUMERICOID, BOOLOID}, NULL
};

PG_FUNCTION_INFO_V1(oms_reprice_line);

/* oms.reprice_line(order_id, line_no, unit_price, reason, company) returns numeric */
Datum
oms_reprice_line(PG_FUNCTION_ARGS)
{
	int32		company_id;
	int64		order_id;
	Datum		values[7];
	Datum		price;
	char	   *status;
	char	   *sku;
	bool		inclusive;
	int64		old_price;
	int64		new_price;
	int64		qty;
	int64		net;
	int64		more;
	int64		more_tax;
	int64		by;
	int64		refund;

	oms_require_installed();
	order_id = oms_id_arg(fcinfo, 0, "order_id");
	oms_require_arg(fcinfo, 1, "line_no");
	oms_require_arg(fcinfo, 2, "unit_price");
	company_id = oms_company_id(PG_ARGISNULL(4) ? NULL : text_to_cstring(PG_GETARG_TEXT_PP(4)));
	price = PG_GETARG_DATUM(2);
	oms_spi_connect();
	oms_order_lock(company_id, order_id);
	values[0] = Int32GetDatum(company_id);
	values[1] = Int64GetDatum(order_id);
	values[2] = Int32GetDatum(PG_GETARG_INT32(1));
	oms_exec(&may_plan, values, NULL, false, 1);
	status = oms_cstr(0, 1);
	inclusive = oms_bool(0, 3);
	if (!oms_bool(0, 2))
		ereport(ERROR,
				(errcode(ERRCODE_OMS_STATUS_MOVE),
				 errmsg("prices of order " INT64_FORMAT " do not change any more", order_id),
				 errdetail("It is %s, or a part of it is with a node.", status),
				 errhint("Prices change until an order is released.")));
	new_price = oms_paise_arg(price, "unit_price");
	if (new_price < 0)
		ereport(ERROR,
				(errcode(ERRCODE_OMS_INVALID_DOCUMENT),
				 errmsg("unit_price is below zero"),
				 errdetail("Argument unit_price."),
				 errhint("A price is 0 or more.")));
	values[3] = oms_paise_numeric(new_price);
	if (oms_exec(&line_plan, values, NULL, false, 1) == 0)
		ereport(ERROR,
				(errcode(ERRCODE_OMS_UNKNOWN_REFERENCE),
				 errmsg("order " INT64_FORMAT " has no line %d", order_id, PG_GETARG_INT32(1)),
				 errhint("The lines are the rows of oms.order_line.")));
	old_price = oms_paise(0, 1);
	qty = oms_milli(0, 2);
	net = oms_paise(0, 3);
	sku = oms_cstr(0, 4);
	if (old_price == new_price || qty == 0)
	{
		oms_spi_finish();
		PG_RETURN_DATUM(oms_paise_numeric(0));
	}
	if (net < 0)
		ereport(ERROR,
				(errcode(ERRCODE_OMS_INVALID_DOCUMENT),
				 errmsg("the discount of line %d exceeds its value at the new price", PG_GETARG_INT32(1)),
				 errdetail("Argument unit_price."),
				 errhint("The line keeps its price; cancel it, or settle it with the buyer.")));
	values[3] = oms_paise_numeric(net);
	oms_exec(&shares_plan, values, NULL, false, 0);
	more = oms_paise(0, 1);
	more_tax = oms_paise(0, 2);
	values[3] = oms_paise_numeric(new_price);
	values[4] = oms_paise_numeric(more);
	values[5] = oms_paise_numeric(more_tax);
	values[6] = BoolGetDatum(inclusive);
	oms_exec(&keep_plan, values, NULL, false, 0);
	by = more + (inclusive ? 0 : more_tax + oms_order_settle_charges(company_id, order_id));
	refund = oms_line_resettle(company_id, order_id, Max(by, 0), Max(-by, 0), Max(-more_tax, 0));
	{
		OmsJson		j;

		oms_json_begin(&j);
		oms_json_int(&j, "line_no", PG_GETARG_INT32(1));
		oms_json_str(&j, "sku", sku);
		oms_json_paise(&j, "from", old_price);
		oms_json_paise(&j, "to", new_price);
		oms_json_paise(&j, "amount", by);
		oms_json_paise(&j, "refund", refund);
		oms_json_str(&j, "reason", PG_ARGISNULL(3) ? "PRICE" : text_to_cstring(PG_GETARG_TEXT_PP(3)));
		oms_event(company_id, "order", order_id, "order.repriced", oms_json_end(&j));
	}
	oms_order_refresh(company_id, order_id);
	oms_spi_finish();
	PG_RETURN_DATUM(oms_paise_numeric(by));
}
