/*
 * courier_rate.c
 *	  The price of a parcel by a rate card.  Each component is rounded half
 *	  up to the paisa, once.
 */
#include "postgres.h"

#include "courier_lane.h"

#define PERCENT INT64CONST(100000)	/* rates are thousandths of a percent */

static int64
leg_freight(const OmsRate *rate, int64 base, int64 add, int64 slabs,
			int64 extra)
{
	int64		freight = base + oms_muldiv(add, slabs - 1, 1) + extra;

	return freight + oms_muldiv(freight, rate->fuel, PERCENT) +
		oms_muldiv(freight, rate->surcharge, PERCENT);
}

int64
oms_rate_weight(const OmsCourierRequest *req, const OmsRate *rate)
{
	int64		volumetric = ((int64) req->volume_cm3 * 1000 +
							  rate->divisor - 1) / rate->divisor;
	int64		weight = Max(req->dead_g, volumetric);

	return Max(weight, rate->min_g);
}

void
oms_rate_parcel(const OmsCourierRequest *req, const OmsRate *rate,
				bool oda, bool hyperlocal, OmsCourierQuote *quote)
{
	int64		slabs;
	int64		extra = 0;

	if (!rate->known)
		return;
	slabs = (oms_rate_weight(req, rate) + rate->slab_g - 1) / rate->slab_g;
	slabs = Max(slabs, 1);
	quote->charge_g = (int32) Min(slabs * rate->slab_g, PG_INT32_MAX);
	if (oda)
		extra += rate->oda_charge;
	if (hyperlocal && req->distance_m > 0)
		extra += oms_muldiv(rate->per_km, (req->distance_m + 999) / 1000, 1);
	quote->freight = leg_freight(rate, rate->base, rate->add, slabs, extra);
	quote->rto_freight = leg_freight(rate, rate->rto_base, rate->rto_add,
									 slabs, extra);
	if (req->cod)
		quote->cod_fee = Max(rate->cod_flat,
							 oms_muldiv(req->collect, rate->cod_rate, PERCENT));
	quote->gst = oms_muldiv(quote->freight + quote->cod_fee, rate->gst, PERCENT);
}
