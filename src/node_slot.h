/*
 * node_slot.h
 *	  Capacity of nodes, reserved like stock: slots of a day or of hours.
 *
 * Lock order: slots by (node_id, starts_at), after all rows of stock.
 */
#ifndef OMS_NODE_SLOT_H
#define OMS_NODE_SLOT_H

#include "sourcing.h"

/*
 * Looks for each candidate of limited capacity for the first slot that has
 * room; fills res->slots, or refuses the node (CAPACITY_FULL).  A node that
 * counts units and has room for a part may use so much ("at_node", "filled")
 * only.  Without such nodes it asks nothing and leaves res->slots NULL.
 */
extern void oms_slots_look(const OmsPlanRequest *req, int64 *filled,
						   int64 *at_node, OmsPlanResult *res);

/* How often this session took slots. */
extern uint64 oms_slots_taken;

/* Does this plan take anything of a slot? */
extern bool oms_slots_wanted(const OmsPlanRequest *req,
							 const OmsPlanResult *res);

/*
 * Takes what the plan needs of the slots it found.  False when one was
 * filled meanwhile; the caller undoes the others and plans again.
 */
extern bool oms_slots_take(const OmsPlanRequest *req, OmsPlanResult *res);

/*
 * Notes for which parcel (part of the node's goods) its slot was taken; of
 * several the first has the place where parcels are counted.  SPI connected.
 */
extern void oms_slots_keep(int32 company_id, int64 order_id,
						   int64 shipment_id, const OmsPlanResult *res,
						   int node, int part);

/*
 * Where parcels of these allocations have slots: locks those, and those a
 * plan (NULL: none) would take, in the one order, before any is given back.
 * After all rows of stock; SPI connected.
 */
extern void oms_slots_lock(int32 company_id, int64 order_id,
						   const int64 *ids, int nids,
						   const OmsPlanResult *plan);

/*
 * Gives back what the order's parcels (or this one; 0: all) do not need any
 * more, exactly once.  Order locked, after its stock was given back; SPI
 * connected.
 */
extern void oms_slots_settle(int32 company_id, int64 order_id,
							 int64 shipment_id);

/*
 * Allocations were put from one parcel of the order into another: where the
 * node counts units, what they take of its slot goes with them.  Before
 * oms_slots_settle() of the first; SPI connected.
 */
extern void oms_slots_follow(int32 company_id, int64 order_id,
							 int64 from_shipment_id, int64 to_shipment_id);

#endif							/* OMS_NODE_SLOT_H */
