/*
 * stock_row.h
 *	  Rows of oms.stock, reached directly (see stock_row.c).  For stock.c.
 */
#ifndef OMS_STOCK_ROW_H
#define OMS_STOCK_ROW_H

#include "stock.h"

/* What came of an attempt to do it directly. */
typedef enum OmsStockRowResult
{
	OMS_STOCK_ROW_DONE,
	OMS_STOCK_ROW_NONE,			/* there is no such row */
	OMS_STOCK_ROW_BY_SQL		/* nothing was done: use the statement */
} OmsStockRowResult;

/*
 * The levels of an item at all nodes, under a fresh snapshot, into *levels
 * (palloc'd here, sorted by node; "tracked" is left to the caller).  DONE,
 * with *n = 0 too, or BY_SQL.
 */
extern OmsStockRowResult oms_stock_row_levels(int32 company_id, int32 sku_id,
											  OmsStockLevel **levels, int *n);

/* The level of one key, likewise; takes no lock. */
extern OmsStockRowResult oms_stock_row_level(int32 company_id,
											 OmsStockKey key,
											 OmsStockLevel *level);

/*
 * Locks the row FOR NO KEY UPDATE, waiting for who holds it, and reads its
 * newest version ("tracked" is left to the caller).
 */
extern OmsStockRowResult oms_stock_row_lock(int32 company_id,
											OmsStockKey key,
											OmsStockLevel *level);

/*
 * Adds "qty" (below zero: gives back) to what is reserved in a row that this
 * transaction has locked.  BY_SQL also where a constraint would be broken:
 * the statement says which; and where there is a shortfall to reckon.
 */
extern OmsStockRowResult oms_stock_row_add(int32 company_id, OmsStockKey key,
										   int64 qty);

/*
 * stock.c, for its neighbours.  lock_rows: locks the rows of sorted keys in
 * their order and reads them; ensure_rows: makes those that are missing;
 * unreserve: of a row that is locked, for reservations that were closed.
 * allocation_keys: the keys an allocation ($2 of company $1) holds, read by
 * read_keys.
 */
extern int	oms_stock_lock_rows(int32 company_id, const OmsStockKey *keys,
								int nkeys, OmsStockLevel *levels);
extern void oms_stock_ensure_rows(int32 company_id, const OmsStockKey *keys,
								  int nkeys);
extern void oms_stock_unreserve(int32 company_id, OmsStockKey key, int64 qty);
extern OmsPlan oms_stock_allocation_keys;
extern int	oms_stock_read_keys(OmsStockKey **keys);

#endif							/* OMS_STOCK_ROW_H */
