/*
 * stock_batch.h
 *	  Takes of many orders in one transaction, written once (stock_batch.c).
 */
#ifndef OMS_STOCK_BATCH_H
#define OMS_STOCK_BATCH_H

#include "stock.h"

/* From here to the end of the transaction takes are collected. */
extern void oms_stock_batch_begin(void);
extern bool oms_stock_batch_collecting(void);

/*
 * Writes what was collected.  To be called before the commit, and before any
 * statement that reads "reserved" or changes a row of oms.stock, but for
 * those that know of this file.  Does nothing in other transactions.
 */
extern void oms_stock_batch_write(void);

/*
 * The level of a key whose row this transaction has locked and read before,
 * as if what was collected were written.  False: lock and read it.
 */
extern bool oms_stock_batch_level(int32 company_id, OmsStockKey key,
								  OmsStockLevel *level);

/* Remembers a level just read from a row that is locked. */
extern void oms_stock_batch_keep(int32 company_id, const OmsStockLevel *level);

/* Takes from a row that is locked: collected, or written at once. */
extern void oms_stock_batch_take(int32 company_id, OmsStockKey key,
								 int64 qty);

/*
 * The levels of an item at all nodes as the table had them when an order of
 * this batch read them first, without what was collected; not to be changed.
 * keep remembers them, reread forgets all.
 */
extern bool oms_stock_batch_item(int32 company_id, int32 sku_id,
								 OmsStockLevel **levels, int *n);
extern void oms_stock_batch_keep_item(int32 company_id, int32 sku_id,
									  const OmsStockLevel *levels, int n);
extern void oms_stock_batch_reread(void);

/* Adds what was collected to levels read from the table. */
extern void oms_stock_batch_add(int32 company_id, OmsStockLevel *levels,
								int n,
								OmsStockLevel *(*find) (OmsStockLevel *levels, int n,
														int32 node_id, int32 sku_id));

#endif							/* OMS_STOCK_BATCH_H */
