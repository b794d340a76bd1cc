/*
 * stock_hint.h
 *	  Where the newest versions of rows of oms.stock were (see stock_hint.c).
 *	  For stock_row.c.
 */
#ifndef OMS_STOCK_HINT_H
#define OMS_STOCK_HINT_H

#include "storage/itemptr.h"
#include "utils/relcache.h"

#include "stock.h"

extern void oms_stock_hint_init(void);

/* What hints of a key go by, in the file that the table has now. */
extern uint64 oms_stock_hint_hash(Relation rel, int32 company_id,
								  OmsStockKey key);

/* Hints for all; a key of the same hash may have put it there. */
extern bool oms_stock_hint_get(uint64 hash, ItemPointer tid);
extern void oms_stock_hint_set(uint64 hash, ItemPointer tid);

/* Those of this transaction, for versions that nobody else sees yet. */
extern bool oms_stock_hint_get_own(uint64 hash, ItemPointer tid);
extern void oms_stock_hint_set_own(uint64 hash, ItemPointer tid);

#endif							/* OMS_STOCK_HINT_H */
