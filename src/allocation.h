/*
 * allocation.h
 *	  Life of allocations and the order status derived from them (room
 *	  sourcing).
 */
#ifndef OMS_ALLOCATION_H
#define OMS_ALLOCATION_H

#include "core.h"

/*
 * Locks the order row (FOR NO KEY UPDATE): first thing any call does that
 * changes an order's documents.  Raises UNKNOWN_REFERENCE.
 */
extern void oms_order_lock(int32 company_id, int64 order_id);

/*
 * Told of an order that is not there: makes it where it was accepted, and
 * waits for whoever is making it.
 */
extern void (*oms_order_missing) (int32 company_id, int64 order_id);

/*
 * Locks the order of a document that names it (a parcel, a return): "order_of"
 * finds it by company and key.  Raises UNKNOWN_REFERENCE with "what" and
 * "hint".  SPI connected; returns order_id.
 */
extern int64 oms_order_lock_of(OmsPlan *order_of, int32 company_id, int64 id,
							   const char *what, const char *hint);

/*
 * oms_order_lock() for background work, which never waits for a person's
 * call: false when somebody holds the order now.
 */
extern bool oms_order_try_lock(int32 company_id, int64 order_id);

/* Raises ORDER_HELD naming the open holds, if there are any. */
extern void oms_order_check_holds(int32 company_id, int64 order_id);

/*
 * Moves one allocation; raises STATUS_MOVE unless the move is allowed.  The
 * caller holds the order lock.  Stock is the caller's business.
 */
extern void oms_allocation_move(int32 company_id, int64 allocation_id,
								const char *to);

/*
 * Takes "qty" units (fewer than it has) of an allocation into one of its own,
 * same status and parcel, with their share of the amounts; both parts add up
 * to the paisa.  Returns its number.  The order is locked; what the
 * allocation holds is divided by oms_allocation_split_hold(), to be called
 * before anything else, under the locks of the stock rows.
 */
extern int64 oms_allocation_split(int32 company_id, int64 allocation_id,
								  int64 qty);
extern void oms_allocation_split_hold(int32 company_id, int64 allocation_id,
									  int64 part_id, int64 part, int64 whole);

/* Derives and writes the order's status; an event when it changes. */
extern void oms_order_refresh(int32 company_id, int64 order_id);

#endif							/* OMS_ALLOCATION_H */
