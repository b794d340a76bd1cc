/*
 * stock_price.h
 *	  What a unit of stock is worth where it stands, and what lanes cost: unit
 *	  costs of the planner (room sourcing).
 */
#ifndef OMS_STOCK_PRICE_H
#define OMS_STOCK_PRICE_H

#include "stock.h"

/* Worth of one unit (1,000 milli) at a node, in paise; never negative. */
typedef struct OmsStockPrice
{
	OmsStockKey key;
	int64		price;
} OmsStockPrice;

/* Planning freight from a node to the buyer's region, paise. */
typedef struct OmsLaneCost
{
	int32		node_id;
	int64		shipment;		/* of a parcel */
	int64		unit;			/* of a unit (1,000 milli) in it */
} OmsLaneCost;

/*
 * Prices of these items at all nodes, by key, in the caller's context; what
 * has none is worth nothing.  Returns their number.
 */
extern int	oms_stock_prices(int32 company_id, const int32 *sku_ids,
							 int nskus, OmsStockPrice **prices);

/* The price at a key: 0 without a row. */
extern int64 oms_stock_price_at(const OmsStockPrice *prices, int n,
								int32 node_id, int32 sku_id);

/*
 * Lanes to a pincode: of each node that of the longest region that begins
 * it.  By node, in the caller's context; returns their number.
 */
extern int	oms_lane_costs(int32 company_id, const char *pincode,
						   OmsLaneCost **lanes);

/* The lane from a node, NULL where there is none. */
extern const OmsLaneCost *oms_lane_from(const OmsLaneCost *lanes, int n,
										int32 node_id);

#endif							/* OMS_STOCK_PRICE_H */
