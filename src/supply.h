/*
 * supply.h
 *	  Supply on its way and who counts on it (supply.c, supply_inbound.c).
 */
#ifndef OMS_SUPPLY_H
#define OMS_SUPPLY_H

#include "core.h"

/* Statuses of allocations whose pegs count. */
#define OMS_PEG_LIVE "('backordered', 'reserved', 'released', 'picked', 'packed')"

/* Locks all that is expected of an item, by inbound_id.  SPI connected. */
extern void oms_supply_lock(int32 company_id, int32 sku_id);

/*
 * Makes all pegs of an item anew, and the dates promised by them.  Returns
 * how many changed.  Waits for no order: what is busy keeps its date.
 */
extern int	oms_supply_repeg(int32 company_id, int32 sku_id, TimestampTz at);

#endif							/* OMS_SUPPLY_H */
