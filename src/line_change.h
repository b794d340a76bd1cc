/*
 * line_change.h
 *	  Lines amended and exchanged (line_amend.c, line_exchange.c): units added
 *	  to an order and taken off it in one step, and the difference settled
 *	  once at the end.
 *
 * The caller holds the order's lock and is connected to SPI.
 */
#ifndef OMS_LINE_CHANGE_H
#define OMS_LINE_CHANGE_H

#include "orders.h"

/* Units that come to a line; a line without number is a new one. */
typedef struct OmsMore
{
	int32		line_no;		/* 0: becomes the next number */
	const char *sku;
	int32		sku_id;
	int64		qty;			/* milli */
	int64		unit_price;		/* paise */
	int64		net;			/* out, paise */
	int64		allocation_id;	/* out: waits until planned */
} OmsMore;

/* Units that are taken off a line, before they are handed over. */
typedef struct OmsLess
{
	int32		line_no;
	int64		qty;			/* milli */
} OmsLess;

typedef struct OmsLineChange
{
	int32		company_id;
	int64		order_id;
	TimestampTz at;
	const char *reason;			/* of the cancellation */
	int			nmore;
	OmsMore    *more;
	int			nless;
	OmsLess    *less;
	bool		partial;		/* what is not there waits, else OUT_OF_STOCK */
	int64		credit;			/* paise that count as paid: goods that come
								 * back; at most what is added */
	/* out */
	int64		added;			/* paise the order costs more, tax included */
	int64		taken;			/* paise it costs less */
	int64		refund;			/* paise that became due to the buyer */
	int64		due;			/* paise still to be paid */
	int64		credited;		/* paise of credit used */
	int64		waiting;		/* milli of what was added that waits */
} OmsLineChange;

/*
 * Adds, takes off, plans what was added, and settles.  On a channel that
 * does not split the whole order is planned anew with it.  Raises
 * OUT_OF_STOCK, STATUS_MOVE (nothing more can be added, or not so much
 * taken off).
 */
extern void oms_line_change(OmsLineChange *c);

/*
 * The answer given to a request before, with "duplicate" true, or NULL;
 * raises CONFLICTING_DUPLICATE for another content.
 */
extern Jsonb *oms_line_change_before(int32 company_id, int64 order_id,
									 const char *request_id,
									 const char *kind, Jsonb *asked);
extern void oms_line_change_keep(int32 company_id, int64 order_id,
								 const char *request_id, const char *kind,
								 Jsonb *asked, int32 line_no,
								 int32 new_line_no, int64 return_id,
								 Jsonb *answer);

/*
 * The order costs "added" more, or "taken" less (paise, tax included; less_tax
 * of it tax): what it collects, refunds that are due, whether it is paid.
 * Returns what became due to the buyer.  SPI connected, order locked.
 */
extern int64 oms_line_resettle(int32 company_id, int64 order_id, int64 added,
							   int64 taken, int64 less_tax);

/* The number of the request, raises INVALID_DOCUMENT without one. */
extern char *oms_request_arg(FunctionCallInfo fcinfo, int arg);

/* The order's status as it is now, in the caller's context. */
extern char *oms_order_status_now(int32 company_id, int64 order_id);

#endif							/* OMS_LINE_CHANGE_H */
