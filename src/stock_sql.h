/*
 * stock_sql.h
 *	  What the SQL entry points of the room stock share: arguments by name.
 */
#ifndef OMS_STOCK_SQL_H
#define OMS_STOCK_SQL_H

#include "fmgr.h"

#include "stock.h"

/* NULL where the argument is NULL. */
extern char *oms_stock_text_arg(FunctionCallInfo fcinfo, int arg);

/* A quantity not below zero in milli units; "dflt" where NULL. */
extern int64 oms_stock_quantity_arg(FunctionCallInfo fcinfo, int arg,
									const char *name, int64 dflt);

/* Raises INVALID_DOCUMENT naming the argument. */
extern void oms_stock_refuse_argument(const char *arg, const char *problem,
									  const char *hint)
			pg_attribute_noreturn();

/* By code; raise UNKNOWN_REFERENCE, also for NULL. */
extern int32 oms_stock_find_node(int32 company_id, const char *code,
								 bool *erp);
extern int32 oms_stock_find_sku(int32 company_id, const char *code,
								bool *kit);
extern int32 oms_stock_find_channel(int32 company_id, const char *code);

/* Makes the row of a key where there is none, and locks it. */
extern void oms_stock_lock_key(int32 company_id, OmsStockKey key,
							   OmsStockLevel *level);

/* Nodes and items of the keys; nodes, items and jsonb of the rows. */
extern void oms_stock_lots_values(const OmsStockLots *lots, Datum *values);

#endif							/* OMS_STOCK_SQL_H */
