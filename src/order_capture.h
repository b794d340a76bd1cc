/*
 * order_capture.h
 *	  What one capture knows, and its steps: orders.c is the flow,
 *	  order_price.c amounts and tax, order_buyer.c buyer and risk,
 *	  order_write.c the rows.
 */
#ifndef OMS_ORDER_CAPTURE_H
#define OMS_ORDER_CAPTURE_H

#include "orders.h"
#include "risk.h"

/* Fills values[i] and nulls[i] of a statement with a text that may be NULL. */
#define SET_TEXT(i, s) (values[i] = oms_text(s), nulls[i] = (s) ? ' ' : 'n')

typedef struct OmsBuyer
{
	int64		customer_id;	/* 0: none */
	bool		is_new;
	bool		written;
	char	   *hash;			/* NULL: no phone */
	int32		orders;
	int32		delivered;
	int32		rto;
	int32		cod_open;
} OmsBuyer;

typedef struct OmsHold
{
	const char *hold;
	const char *reason;
} OmsHold;

/* What was accepted before (accept.h), of which an order is made. */
typedef struct OmsAccepted
{
	int64		order_id;
	Jsonb	   *document;
	TimestampTz at;
	int			n;
	OmsStockTake *takes;		/* [n] reserved, and for nobody yet */
	OmsPin	   *pins;			/* [n] the same as a plan */
} OmsAccepted;

/* Everything one capture knows. */
typedef struct OmsCapture
{
	TimestampTz at;
	const OmsAccepted *accepted;	/* NULL: it comes now */
	bool		claimed;		/* its number (accept.h) */
	int32		company_id;
	OmsOrderDoc doc;
	OmsChannel	channel;
	OmsBuyer	buyer;
	OmsRiskResult risk;
	OmsFulfilment f;
	int64		order_id;
	DateADT		supply_day;
	int64		goods;			/* paise */
	int64		charges;
	int64		charge_tax;		/* on them, where prices are without tax */
	int64		discounts;
	int64		total;
	int64		paid;
	const char *bill_state;
	const char *place_of_supply;
	OmsHold		holds[8];
	int			nholds;
	const char *status;
	Jsonb	   *answer;
} OmsCapture;

/*
 * orders.c, the steps before prices.  read: the document, its company and
 * channel; look_up: all else that it names, and what forbids it; request:
 * what is asked of the planner.
 */
extern void oms_capture_read(OmsCapture *c, Jsonb *doc, TimestampTz at);
extern void oms_capture_look_up(OmsCapture *c);
extern void oms_capture_request(OmsCapture *c);

/* Captures what was accepted; as oms_capture(). */
extern Jsonb *oms_capture_accepted(const OmsAccepted *accepted);

/* Puts a hold on, once; the first reason stays. */
extern void oms_capture_hold(OmsCapture *c, const char *hold,
							 const char *reason);

/* Amounts of lines and order; rate and tax of each line. */
extern void oms_capture_price(OmsCapture *c);
extern void oms_capture_tax(OmsCapture *c);

/* The buyer by the hash of the phone; the risk of the order. */
extern void oms_capture_find_buyer(OmsCapture *c);
extern void oms_capture_score(OmsCapture *c);

/*
 * Counts the order at its buyer: last, the row is shared.  A new buyer's may
 * come before: nobody else knows it yet.
 */
extern void oms_capture_write_new_buyer(OmsCapture *c);
extern void oms_capture_write_buyer(OmsCapture *c);

/* The order's row; false when the channel's order is there already. */
extern bool oms_capture_write_order(OmsCapture *c);

/* Lines, charges, holds, score. */
extern void oms_capture_write_details(OmsCapture *c);

/*
 * Takes back all that was written of the order, which nobody has seen yet:
 * the stock it was planned on went to others.
 */
extern void oms_capture_unwrite(OmsCapture *c);

/* The event that the order is there. */
extern void oms_capture_write_event(OmsCapture *c);

extern void oms_order_buyer_init(void);

#endif							/* OMS_ORDER_CAPTURE_H */
