/*
 * returns.h
 *	  Goods coming back, shared by returns.c (asking and the courier's news)
 *	  and refund.c (counting, money).
 */
#ifndef OMS_RETURNS_H
#define OMS_RETURNS_H

#include "shipment.h"

extern void oms_returns_init(void);

/* A return as read under the order's lock. */
typedef struct OmsReturn
{
	int32		company_id;
	int64		return_id;
	int64		order_id;
	bool		rto;			/* else asked for by the customer */
	const char *status;
	const char *external_id;
	int32		node_id;
	int64		shipment_id;	/* 0: none */
} OmsReturn;

/* An allocation coming back. */
typedef struct OmsReturnLine
{
	int64		allocation_id;
	int32		line_no;
	const char *allocation_status;
	int64		allocation_qty; /* milli */
	int64		qty;			/* milli, asked back */
	int64		before;			/* milli, settled by earlier returns */
	int64		amount;			/* paise the buyer pays for allocation_qty */
	int64		tax;			/* paise of GST in it */
	int64		received;
	int64		restocked;
	const char *disposition;
} OmsReturnLine;

/*
 * SPI connected.  oms_return_lock takes the order's lock and raises
 * UNKNOWN_REFERENCE; strings live until SPI's finish.
 */
extern void oms_return_lock(int32 company_id, int64 return_id, OmsReturn *r);
extern int	oms_return_lines(const OmsReturn *r, OmsReturnLine **lines);
extern void oms_return_move(OmsReturn *r, const char *to, TimestampTz at);
extern void oms_return_event(const OmsReturn *r, const char *type);

/*
 * Nothing more will come of this return: what is owed becomes a refund, and
 * without one the return is closed.  "whole": by the quantity asked back,
 * not by what was received.  Returns refund_id or 0.
 */
extern int64 oms_return_settle(OmsReturn *r, const OmsReturnLine *lines,
							   int n, bool whole, int64 *amount);

/* A prepaid parcel that will never arrive; returns refund_id or 0. */
extern int64 oms_refund_parcel(const OmsShipment *s);

/* One element of an array of {line_no, qty, disposition}. */
typedef struct OmsReturnAsk
{
	int32		line_no;
	int64		qty;			/* milli */
	const char *disposition;	/* or NULL */
} OmsReturnAsk;

extern int	oms_return_asks(Jsonb *lines, OmsReturnAsk **asks);

#endif							/* OMS_RETURNS_H */
