/*
 * invoice_retax.c
 *	  Goods not invoiced yet get the GST rate of the day.
 *
 * Allocations are taxed when they are planned.  Where the rate changes before
 * the invoice is made, the invoice's day counts (CGST Act s. 14): what was not
 * invoiced and has not left is taxed anew, by the same states.  Amounts whose
 * rate is still the same are left alone: they may be shares of a whole.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "fmgr.h"
#include "utils/builtins.h"

#include "allocation.h"
#include "invoice.h"
#include "orders.h"
#include "shipment.h"
#include "tax.h"

static OmsPlan open_plan = {
	"SELECT a.allocation_id, a.qty, a.net_amount, a.tax_rate, a.cgst + a.sgst + a.igst, a.supplier_state, a.place_of_supply,"
	" k.tax_code, k.hsn, c.price_includes_tax, o.supply_type"
	" FROM oms.allocation a"
	" JOIN oms.sku k ON k.sku_id = a.sku_id"
	" JOIN oms.\"order\" o ON o.company_id = a.company_id AND o.order_id = a.order_id"
	" JOIN oms.channel c ON c.channel_id = o.channel_id"
	" WHERE a.company_id = $1 AND a.order_id = $2 AND ($3 = 0 OR a.shipment_id = $3)"
	" AND a.status IN ('reserved', 'released', 'picked', 'packed') AND a.tax_rate IS NOT NULL AND a.supplier_state IS NOT NULL"
	" AND NOT EXISTS (SELECT FROM oms.invoice_line l JOIN oms.invoice i ON i.company_id = l.company_id AND i.invoice_id = l.invoice_id"
	"   WHERE l.company_id = $1 AND l.allocation_id = a.allocation_id AND i.status = 'issued' AND i.kind <> 'credit_note')"
	" ORDER BY a.allocation_id",
	3, {INT4OID, INT8OID, INT8OID}, NULL
};
static OmsPlan write_plan = {
	"UPDATE oms.allocation SET tax_rate = $3, taxable = $4, cgst = $5, sgst = $6, igst = $7, updated_at = now()"
	" WHERE company_id = $1 AND allocation_id = $2",
	7, {INT4OID, INT8OID, NUMERICOID, NUMERICOID, NUMERICOID, NUMERICOID, NUMERICOID}, NULL
};
/* as replanned: what was paid in full stays so when the order grows */
static OmsPlan order_plan = {
	"UPDATE oms.\"order\" SET tax_amount = tax_amount + $3, total_amount = total_amount + $4,"
	" paid_amount = CASE WHEN $4 = 0 OR payment_mode <> 'PREPAID' OR paid_amount < total_amount THEN paid_amount"
	"  ELSE greatest(paid_amount, total_amount + $4) END"
	" WHERE company_id = $1 AND order_id = $2",
	4, {INT4OID, INT8OID, NUMERICOID, NUMERICOID}, NULL
};

static void
told(int32 company_id, int64 order_id, int changed, int64 tax, int64 total,
	 int64 refund)
{
	OmsJson		j;

	oms_json_begin(&j);
	oms_json_int(&j, "allocations", changed);
	oms_json_paise(&j, "tax", tax);
	oms_json_paise(&j, "total", total);
	oms_json_paise(&j, "refund", refund);
	oms_event(company_id, "order", order_id, "order.retaxed", oms_json_end(&j));
}

int
oms_invoice_retax(int32 company_id, int64 order_id, int64 shipment_id,
				  DateADT day)
{
	Datum		values[7] = {
		Int32GetDatum(company_id), Int64GetDatum(order_id), Int64GetDatum(shipment_id)
	};
	int			n = (int) oms_exec(&open_plan, values, NULL, false, 0);
	int64	   *ids = palloc(sizeof(int64) * Max(n, 1));
	OmsTax	   *taxes = palloc(sizeof(OmsTax) * Max(n, 1));
	int			changed = 0;
	int64		delta = 0;
	int64		more;
	int64		refund = 0;
	bool		inclusive = true;

	for (int i = 0; i < n; i++)
	{
		OmsTaxInput in = {0};
		OmsTax	   *tax = &taxes[changed];

		in.company_id = company_id;
		in.qty = oms_milli(i, 2);
		in.net = oms_paise(i, 3);
		in.supplier_state = oms_cstr(i, 6);
		in.place_of_supply = oms_cstr(i, 7);
		in.tax_code = oms_cstr(i, 8);
		in.hsn = oms_cstr(i, 9);
		in.inclusive = inclusive = oms_bool(i, 10);
		in.supply = oms_supply_of(oms_cstr(i, 11));
		in.day = day;
		if (!oms_tax_try(&in, tax) || tax->rate == oms_milli(i, 4))
			continue;
		delta += tax->cgst + tax->sgst + tax->igst - oms_paise(i, 5);
		ids[changed++] = oms_int8(i, 1);
	}
	if (changed == 0)
		return 0;

	more = inclusive ? 0 : delta;
	for (int i = 0; i < changed; i++)
	{
		values[1] = Int64GetDatum(ids[i]);
		values[2] = oms_milli_numeric(taxes[i].rate);
		values[3] = oms_paise_numeric(taxes[i].taxable);
		values[4] = oms_paise_numeric(taxes[i].cgst);
		values[5] = oms_paise_numeric(taxes[i].sgst);
		values[6] = oms_paise_numeric(taxes[i].igst);
		oms_exec(&write_plan, values, NULL, false, 0);
	}
	values[1] = Int64GetDatum(order_id);
	values[2] = oms_paise_numeric(delta);
	values[3] = oms_paise_numeric(more);
	oms_exec(&order_plan, values, NULL, false, 0);
	if (!inclusive)
		more += oms_order_settle_charges(company_id, order_id);
	if (more < 0)
		refund = oms_order_refund_over(company_id, order_id, -more, -more, false);
	told(company_id, order_id, changed, delta, more, refund);
	return changed;
}

PG_FUNCTION_INFO_V1(oms_retax_order);

/* oms.retax_order(order_id, company, at) */
Datum
oms_retax_order(PG_FUNCTION_ARGS)
{
	int32		company_id = oms_company_arg(fcinfo, 1);
	int64		order_id = oms_id_arg(fcinfo, 0, "order_id");
	TimestampTz at = PG_ARGISNULL(2) ? GetCurrentTransactionStartTimestamp() : PG_GETARG_TIMESTAMPTZ(2);
	int			changed;

	oms_spi_connect();
	oms_order_lock(company_id, order_id);
	changed = oms_invoice_retax(company_id, order_id, 0,
								oms_company_day(company_id, at));
	oms_spi_finish();
	PG_RETURN_INT32(changed);
}
