/*
 * accept.h
 *	  Orders accepted in a rush: number, document and stock are the buyer's at
 *	  once, all else follows a moment later.
 *
 * accept.c accepts and keeps the claims of numbers, accept_complete.c makes
 * the order of what was accepted.
 */
#ifndef OMS_ACCEPT_H
#define OMS_ACCEPT_H

#include "order_capture.h"

/*
 * Whether a channel of the document's code accepts first, or with "all" every
 * one, of whichever company: cheap, and of whatever document it is.  Sets
 * search_path where it has to ask.
 */
extern bool oms_accepts_first(Jsonb *doc, bool all);

/*
 * Accepts the order if nothing stands against it; the answer of
 * oms.capture_order, or NULL: nothing was done, capture it whole.  Raises what
 * a capture would of the document.  alone: few others write these tables, so
 * a number that comes twice at once may be an error (the combiner).
 */
extern Jsonb *oms_accept(Jsonb *doc, TimestampTz at, bool alone);

/*
 * For the capture of a whole order, once per transaction and number: nobody
 * accepts it until the transaction ends.  Where that takes a row it has the
 * number of the order, c->order_id, and unclaim takes it away.  False, with
 * nothing claimed, when it was accepted before: *accepted and its document.
 */
extern bool oms_accept_claim(OmsCapture *c, Jsonb *doc, int64 *accepted,
							 Jsonb **document);
extern void oms_accept_unclaim(OmsCapture *c);

/* Takes the row away. */
extern void oms_accept_remove(int32 company_id, int64 order_id);

/*
 * accept_complete.c: makes the order of one that was accepted, in this
 * transaction; false when there is none.  Raises what the capture raises.
 */
extern bool oms_accept_complete(int32 company_id, int64 order_id);

#endif							/* OMS_ACCEPT_H */
