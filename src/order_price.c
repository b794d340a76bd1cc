/*
 * order_price.c
 *	  Amounts of an order being captured: lines, discounts, charges, tax.
 */
#include "postgres.h"

#include "order_capture.h"

static int64 charge_tax(const OmsCapture *c, const char *kind);

/*
 * Amounts
 *
 * Every line in paise; a cart discount is spread over the lines by value,
 * each share rounded on the running sum so that nothing is lost.
 */
void
oms_capture_price(OmsCapture *c)
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
			oms_capture_hold(c, "PRICE", psprintf("unit price of %s is %.0f %% below the list price",
										  l->sku,
										  100 - 100.0 * l->unit_price / l->list_price));
		if (d->cod && !l->cod_ok && !d->carry_out)
			oms_capture_hold(c, "PREPAID_ONLY",
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
		oms_capture_hold(c, "PAYMENT", "a prepaid order is not fully paid");
}

/*
 * Rate and tax of each line, before anything is locked; which states share
 * it is known once the nodes are.
 */
void
oms_capture_tax(OmsCapture *c)
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
		in.supply = c->doc.supply;
		in.supplier_state = in.place_of_supply = c->channel.company_state;
		oms_tax_compute(&in, &l->tax);
		l->taxed = true;
	}
	if (!c->channel.price_includes_tax)
		c->charge_tax = charge_tax(c, "SHIPPING") + charge_tax(c, "COD_FEE") +
			charge_tax(c, "GIFT_WRAP");
}

/*
 * Charges go with the goods they are for (composite supply): those of a kind
 * are divided by the taxable value of the goods at each rate, the tax is
 * rounded once for a rate.  oms.charge_tax() and invoices do the same from the
 * rows.
 */
static int64
charge_tax(const OmsCapture *c, const char *kind)
{
	int64		amount = 0;
	int64		total = 0;
	int64		before = 0;
	int64		tax = 0;
	int32		rate = -1;

	for (int i = 0; i < c->doc.ncharges; i++)
		if (strcmp(c->doc.charges[i].kind, kind) == 0)
			amount += c->doc.charges[i].amount;
	for (int i = 0; i < c->doc.nlines; i++)
		total += c->doc.lines[i].tax.taxable;
	for (;;)
	{
		int32		next = -1;
		int64		weight = 0;

		for (int i = 0; i < c->doc.nlines; i++)
			if (c->doc.lines[i].tax.rate > rate &&
				(next == -1 || c->doc.lines[i].tax.rate < next))
				next = c->doc.lines[i].tax.rate;
		if (next == -1)
			break;
		for (int i = 0; i < c->doc.nlines; i++)
			if (c->doc.lines[i].tax.rate == next)
				weight += c->doc.lines[i].tax.taxable;
		rate = next;
		if (total > 0)
			tax += oms_tax_on(oms_muldiv(amount, before + weight, total) -
							  oms_muldiv(amount, before, total), rate, false);
		before += weight;
	}
	/* nothing to go by: the highest rate */
	return total > 0 ? tax : oms_tax_on(amount, rate, false);
}
