/*
 * courier_lane.h
 *	  What is known about each courier service on one lane, and the price of
 *	  a parcel by its rate card.
 */
#ifndef OMS_COURIER_LANE_H
#define OMS_COURIER_LANE_H

#include "courier.h"
#include "utils/date.h"

/* A rate card in one zone; amounts in paise, rates in thousandths of a percent. */
typedef struct OmsRate
{
	int32		rate_card_id;	/* 0: none in force */
	DateADT		valid_from;
	bool		known;			/* the card has the zone and the leg */
	bool		rto_known;		/* and a rate for the way back */
	int32		divisor;
	int32		slab_g;
	int32		min_g;
	int64		fuel;
	int64		surcharge;		/* of the network, now */
	int64		cod_flat;
	int64		cod_rate;
	bool		cod_on_rto;
	int64		gst;
	int64		oda_charge;
	int64		per_km;
	int64		base;			/* of the leg asked for */
	int64		add;
	int64		rto_base;		/* of the way back */
	int64		rto_add;
} OmsRate;

typedef struct OmsService
{
	OmsCourierQuote quote;
	bool		hyperlocal;
	bool		air;
	bool		cod;
	bool		reverse;
	int32		max_weight_g;
	int64		max_value;
	int32		min_weight_g;
	int32		max_volume_cm3;
	int64		min_value;
	int64		max_cod;
	int32		max_distance_m; /* -1: no limit */
	bool		cold_chain;
	int64		minutes_per_km; /* milli */
	int32		oda_days;
	bool		to_known;		/* the service has a row for the pincode */
	bool		to_prepaid;
	bool		to_cod;
	bool		oda;
	bool		from_known;
	bool		from_pickup;
	bool		from_reverse;
	bool		embargo;		/* at either end */
	bool		breaker;
	bool		blocked;		/* the network is, at either end */
	int32		delay_days;
	int32		transit_days;	/* -1: unknown */
	int32		zone_seq;		/* of the rule that gave the zone */
	bool		own_zones;		/* the courier has rules of its own */
	double		shipped;		/* with a known outcome in the buyer's state */
	double		delivered;
	double		all_shipped;	/* everywhere */
	double		all_delivered;
	OmsRate		rate;
} OmsService;

/*
 * Every active service of an active courier, in no order; "day" is the local
 * date of hand-over.  In the caller's memory context.
 */
extern int	oms_lane_services(const OmsCourierRequest *req, DateADT day,
							  bool read_only, OmsService **services);

/* Chargeable grams before rounding up to the slab. */
extern int64 oms_rate_weight(const OmsCourierRequest *req, const OmsRate *rate);

/* Fills charge_g, freight, cod_fee, gst, rto_freight; nothing if unknown. */
extern void oms_rate_parcel(const OmsCourierRequest *req, const OmsRate *rate,
							bool oda, bool hyperlocal, OmsCourierQuote *quote);

#endif							/* OMS_COURIER_LANE_H */
