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

/* Everything one capture knows. */
typedef struct OmsCapture
{
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
