/*
 * courier.h
 *	  Quotes of every courier service for a parcel, best first.
 */
#ifndef OMS_COURIER_H
#define OMS_COURIER_H

#include "core.h"

extern void oms_courier_init(void);

typedef struct OmsCourierRequest
{
	int32		company_id;
	const char *from_pincode;
	const char *to_pincode;
	bool		reverse;		/* pick up at "from" (the buyer), bring back */
	bool		hyperlocal;		/* the node is served by riders: hyperlocal
								 * services are considered, by distance */
	int64		distance_m;		/* straight line; -1 unknown */
	bool		cod;
	int64		collect;		/* paise to collect */
	int64		value;			/* paise carried */
	int32		dead_g;
	int32		volume_cm3;
	bool		cold_chain;
	bool		air_ok;
	double		p_rto;			/* the order's own risk of coming back,
								 * without any courier in it */
	int64		loss;			/* paise lost on RTO besides freight */
	const char *only_service;	/* code; NULL: any */
	bool		has_max_days;	/* slower ones are refused */
	int32		max_days;
	TimestampTz ready_at;		/* when the parcel is handed over */
} OmsCourierRequest;

/*
 * Prices are filled in as far as they are known for refused services too.
 */
typedef struct OmsCourierQuote
{
	int32		courier_service_id;
	int32		courier_id;
	const char *code;			/* of the service */
	const char *zone;			/* NULL: no rule holds */
	int32		charge_g;		/* chargeable, rounded up to the slab */
	int64		freight;		/* paise: base, fuel, live surcharge */
	int64		cod_fee;		/* paise */
	int64		gst;			/* paise on both */
	int64		rto_freight;	/* paise, way back, before GST */
	double		p_success;		/* of delivery, by service, region, order */
	int32		days;			/* working days in transit; hyperlocal: 0 */
	TimestampTz promised_at;	/* first attempt expected by */
	int64		expected_cost;	/* paise: what the choice minimises */
	const char *refused;		/* reason code, or NULL */
} OmsCourierQuote;

/*
 * All active services: feasible ones first, by (expected_cost,
 * courier_service_id), then the refused with their reason.  Results in the
 * caller's memory context.
 */
extern int	oms_courier_quotes(const OmsCourierRequest *req,
							   OmsCourierQuote **quotes);

/*
 * An outcome of a parcel: counts into oms.courier_stat, for all regions and
 * for "region" (GST state of the buyer; may be NULL).  first_attempt and days
 * count only when delivered.
 */
extern void oms_courier_outcome(int32 company_id, int32 courier_service_id,
								const char *region, bool cod, bool delivered,
								bool first_attempt, double days);

#endif							/* OMS_COURIER_H */
