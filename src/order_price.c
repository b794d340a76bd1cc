/*
 * order_price.c
 *	  Amounts of an order being captured: lines, discounts, charges, tax.
 */
#include "postgres.h"

#include "order_capture.h"

static int64 charge_tax(const OmsCapture *c, int64 amount);

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
		for (int i = 0; i < c->doc.ncharges; i++)
			if (strcmp(c->doc.charges[i].kind, "CART_DISCOUNT") != 0)
				c->charge_tax += charge_tax(c, c->doc.charges[i].amount);
}

/*
 * A charge goes with the goods it is for (composite supply): its share by the
 * value of each line, at the rate of that line.  oms.charge_tax() does the
 * same from the rows.
 */
static int64
charge_tax(const OmsCapture *c, int64 amount)
{
	int64		total = 0;
	int64		before = 0;
	int64		tax = 0;

	for (int i = 0; i < c->doc.nlines; i++)
		total += c->doc.lines[i].net;
	for (int i = 0; i < c->doc.nlines; i++)
	{
		const OmsLine *l = &c->doc.lines[i];
		int64		weight = total > 0 ? l->net : 1;
		int64		whole = total > 0 ? total : c->doc.nlines;
		int64		share = oms_muldiv(amount, before + weight, whole) -
			oms_muldiv(amount, before, whole);

		before += weight;
		tax += oms_tax_on(share, l->tax.rate, false);
	}
	return tax;
}
