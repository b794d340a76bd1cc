/*
 * shipment.h
 *	  Parcels as other rooms make them, and as the files of this room
 *	  (shipment.c, parcel.c, booking.c, scan.c, scan_effect.c, ndr.c,
 *	  label.c) and the room above (returns.c, refund.c) share them.
 */
#ifndef OMS_SHIPMENT_H
#define OMS_SHIPMENT_H

#include "core.h"
#include "courier.h"
#include "fmgr.h"

typedef struct OmsShipmentPlan
{
	int32		company_id;
	int64		order_id;
	int64		return_id;		/* 0: forward */
	int32		node_id;
	int64		cod_amount;		/* paise */
	int64		declared_value; /* paise */
	int32		dead_g;
	int32		volume_cm3;
	const OmsCourierQuote *quote;	/* NULL: counter, or no courier yet */
	TimestampTz promised_at;
} OmsShipmentPlan;

extern void oms_shipment_init(void);

/* Inserts the parcel in state PLANNED and returns its shipment_id. */
extern int64 oms_shipment_plan(const OmsShipmentPlan *plan);

/* A parcel as read under its lock. */
typedef struct OmsShipment
{
	int32		company_id;
	int64		shipment_id;
	int64		order_id;
	int64		return_id;		/* 0: forward */
	bool		reverse;
	int32		node_id;
	int32		courier_service_id; /* 0: none */
	int32		courier_id;		/* 0: none */
	const char *courier;		/* code, or NULL */
	const char *service;		/* code, or NULL */
	const char *awb;			/* NULL until booked */
	const char *state;
	int32		rank;
	bool		terminal;
	bool		rto;			/* on its way back, or back */
	int64		cod_amount;
	int64		declared_value;
	int32		dead_g;
	int32		volume_cm3;
	int32		attempts;
	TimestampTz shipped_at;		/* 0: not handed over */
	TimestampTz delivered_at;
	const char *region;			/* GST state of the buyer, or NULL */
} OmsShipment;

/*
 * The order lock, then the parcel's row; raises UNKNOWN_REFERENCE.  SPI must
 * be connected; strings live until its finish.
 */
extern void oms_shipment_lock(int32 company_id, int64 shipment_id,
							  OmsShipment *s);

/* Raises STATUS_MOVE: a parcel whose way has ended cannot be "verb"ed. */
extern void oms_shipment_refuse_ended(const OmsShipment *s, const char *verb);

/* Company of a call whose argument "argno" may name it; tables must be there. */
extern int32 oms_company_arg(FunctionCallInfo fcinfo, int argno);

/*
 * Takes an AWB: of the chosen service's courier, or with "fallback" of the
 * next best service that can carry the parcel.  With "must" raises NO_AWB or
 * NOT_SERVICEABLE where there is none, else returns false.  SPI connected,
 * parcel locked.
 */
extern bool oms_shipment_book(OmsShipment *s, bool fallback, bool must);

/*
 * The best service for the parcel as it is now, unless it has an AWB or no
 * service can carry it.  SPI connected, parcel locked.
 */
extern void oms_shipment_requote(OmsShipment *s);

/*
 * parcel.c: goods were taken out of a parcel that is not handed over.  An
 * empty one is cancelled; else value, weight and, by its share, the cash to
 * collect follow the contents, and the courier is chosen anew.  SPI
 * connected, order locked.
 */
extern void oms_shipment_taken_out(int32 company_id, int64 shipment_id);

/*
 * parcel.c: goods were put into a parcel that is not handed over, and it is
 * to collect so much more: value and weight follow the contents, the courier
 * is chosen anew.  SPI connected, order locked.
 */
extern void oms_shipment_put_in(int32 company_id, int64 shipment_id,
								int64 more_cod);

/*
 * parcel.c: parcels planned just now (numbers above "last") join one of the
 * same node that is planned, too, and neither packed nor booked.
 */
extern void oms_shipment_merge(int32 company_id, int64 order_id, int64 last);

/*
 * parcel.c: the order's amount changed.  Its parcels collect no more than is
 * due, and all of it where nothing of the order waits; those handed over
 * stay as they are.  SPI connected, order locked.
 */
extern void oms_shipment_balance_cash(int32 company_id, int64 order_id);

/*
 * The parcel is the courier's: allocations to shipped, stock dispatched.
 * Packs what is not packed.  SPI connected, parcel locked; once only.
 */
extern void oms_shipment_hand_over(OmsShipment *s, TimestampTz at);

/* What oms.dispatch_shipment() answers; strings in the caller's context. */
typedef struct OmsDispatched
{
	int64		shipment_id;
	int32		company_id;
	int32		node_id;
	int32		courier_id;
	char	   *courier;
	char	   *awb;
	char	   *state;
	bool		fresh;			/* handed over by this very call */
} OmsDispatched;

/*
 * The explicit hand-over of oms.dispatch_shipment(), with its manifest.
 * Raises OUT_OF_STOCK where our own count is below what would leave.
 */
extern void oms_shipment_dispatch(int32 company_id, int64 shipment_id,
								  TimestampTz at, OmsDispatched *out);

/* Moves the parcel's live allocations to "to" in stock key order. */
extern int	oms_shipment_move_allocations(const OmsShipment *s,
										  const char *to);

/*
 * What the invoice room does when a parcel is packed, and again before it is
 * handed over (leaves); NULL where it is absent.  SPI connected, parcel locked.
 */
extern void (*oms_shipment_moves) (const OmsShipment *s, bool leaves,
								   TimestampTz at);

/*
 * Told of all parcels of a call that hands over many, so that what it will
 * lock is locked in one order; NULL where the room is absent.  SPI connected.
 */
extern void (*oms_shipments_ahead) (int32 company_id, Datum ids, TimestampTz at);

/* oms_shipment_moves() where goods are gone already: what fails is an event. */
extern void oms_shipment_moved(const OmsShipment *s, TimestampTz at);

/* What the returns room does when a parcel turns; NULL where it is absent. */
typedef struct OmsReturnHooks
{
	void		(*rto_started) (const OmsShipment *s, TimestampTz at);
	void		(*rto_arrived) (const OmsShipment *s, TimestampTz at);
	void		(*picked_up) (const OmsShipment *s, TimestampTz at);
	void		(*pickup_cancelled) (const OmsShipment *s);
	void		(*gone) (const OmsShipment *s, TimestampTz at);
} OmsReturnHooks;

extern OmsReturnHooks oms_return_hooks;

/*
 * scan_effect.c: what follows from the state the parcel just got.  SPI
 * connected, parcel locked and written.
 */
typedef struct OmsShipmentTurn
{
	TimestampTz at;				/* of the scan that decided */
	TimestampTz rto_at;			/* first scan of the way back, or 0 */
	bool		was_rto;
} OmsShipmentTurn;

extern void oms_shipment_turned(OmsShipment *s, const OmsShipmentTurn *turn);

/* ndr.c: keeps oms.ndr in step with the scans; see there. */
extern void oms_ndr_failed(const OmsShipment *s, const char *ndr_code,
						   TimestampTz at);
extern void oms_ndr_outcomes(const OmsShipment *s, const char *state);
extern int	oms_max_attempts;

#endif							/* OMS_SHIPMENT_H */
