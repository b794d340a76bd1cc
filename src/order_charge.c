/*
 * order_charge.c
 *	  GST of charges in the total of an order priced without tax.
 *
 * The total has the tax of the charges as it was when the order was taken
 * ("order".charge_tax_amount).  What bears it are the goods, so that it
 * changes when lines come and go, or their rates do.
 */
#include "postgres.h"

#include "catalog/pg_type.h"

#include "orders.h"

/* While something waits its rate is not known, and nothing is changed. */
static OmsPlan find_plan = {
	"SELECT o.charge_tax_amount, coalesce((SELECT sum(t.cgst + t.sgst + t.igst) FROM oms.charge_tax(o.order_id, p.code) t), 0)"
	" FROM oms.\"order\" o JOIN oms.channel c ON c.channel_id = o.channel_id JOIN oms.company p ON p.company_id = o.company_id"
	" WHERE o.company_id = $1 AND o.order_id = $2 AND o.charge_amount <> 0 AND NOT c.price_includes_tax"
	" AND EXISTS (SELECT FROM oms.allocation a WHERE a.company_id = $1 AND a.order_id = $2 AND a.status <> 'cancelled')"
	" AND NOT EXISTS (SELECT FROM oms.allocation a WHERE a.company_id = $1 AND a.order_id = $2 AND a.status <> 'cancelled' AND a.tax_rate IS NULL)",
	2, {INT4OID, INT8OID}, NULL
};
/* as replanned: what was paid in full stays so when the order grows */
static OmsPlan write_plan = {
	"UPDATE oms.\"order\" SET charge_tax_amount = charge_tax_amount + $3, total_amount = total_amount + $3,"
	" paid_amount = CASE WHEN payment_mode <> 'PREPAID' OR paid_amount < total_amount THEN paid_amount"
	"  ELSE greatest(paid_amount, total_amount + $3) END"
	" WHERE company_id = $1 AND order_id = $2",
	3, {INT4OID, INT8OID, NUMERICOID}, NULL
};

int64
oms_order_settle_charges(int32 company_id, int64 order_id)
{
	Datum		values[3] = {Int32GetDatum(company_id), Int64GetDatum(order_id)};
	int64		more;

	if (oms_exec(&find_plan, values, NULL, false, 1) == 0)
		return 0;
	more = oms_paise(0, 2) - oms_paise(0, 1);
	if (more != 0)
	{
		values[2] = oms_paise_numeric(more);
		oms_exec(&write_plan, values, NULL, false, 0);
	}
	return more;
}
