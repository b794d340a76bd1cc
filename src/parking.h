/*
 * parking.h
 *	  Orders that cannot be filled, under a name, and their end.
 */
#ifndef OMS_PARKING_H
#define OMS_PARKING_H

#include "sourcing.h"

/*
 * Parks an order of which something waits, where its rule says so; one that
 * is parked stays so with its clock.  SPI connected, order locked or new.
 */
extern void oms_park(int32 company_id, int64 order_id, TimestampTz at,
					 const OmsSourcingRule *rule, const char *reason);

/* Ends the parking of an order of which nothing waits any more. */
extern void oms_unpark(int32 company_id, int64 order_id, TimestampTz at);

#endif							/* OMS_PARKING_H */
