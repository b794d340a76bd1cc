/*
 * stock_level.h
 *	  Levels, for the neighbours of stock_level.c in its room.
 */
#ifndef OMS_STOCK_LEVEL_H
#define OMS_STOCK_LEVEL_H

#include "stock.h"

/* Is stock of the item counted?  False too when there is none; SPI connected. */
extern bool oms_stock_is_tracked(int32 sku_id, bool *exists);

/* Whether carts have holds of the item that count no more: look, or not. */
extern bool oms_stock_expired_holds(int32 company_id, int32 sku_id,
									TimestampTz at);

/* By node, then item: the order of locks. */
extern int	oms_stock_compare_keys(const OmsStockKey *a, const OmsStockKey *b);

/* The level of a key among sorted ones; NULL: none. */
extern OmsStockLevel *oms_stock_find_level(OmsStockLevel *levels, int n,
										   int32 node_id, int32 sku_id);

/* A row of node_id, sku_id, on_hand, reserved, safety, backorder_limit, NOT sellable, has_terms. */
extern void oms_stock_read_level(uint64 row, bool tracked, OmsStockLevel *l);

#endif							/* OMS_STOCK_LEVEL_H */
