/*
 * stock_policy.c
 *	  What a node keeps back of an item, how far it goes beyond the count,
 *	  and whether it sells it at all.
 */
#include "postgres.h"

#include "catalog/pg_type.h"

#include "stock_sql.h"

static OmsPlan policy_plan = {
	"UPDATE oms.stock SET safety = $4, backorder_limit = $5, sellable = $6, version = version + 1, updated_at = now(),"
	" shortfall = greatest(0, least(shortfall, reserved - greatest(on_hand, 0) - greatest($5, channel_depth)))"
	" WHERE company_id = $1 AND node_id = $2 AND sku_id = $3",
	6, {INT4OID, INT4OID, INT4OID, NUMERICOID, NUMERICOID, BOOLOID}, NULL
};
static OmsPlan shortfall_plan = {
	"SELECT (shortfall * 1000)::int8, (channel_depth * 1000)::int8 FROM oms.stock WHERE company_id = $1 AND node_id = $2 AND sku_id = $3",
	3, {INT4OID, INT4OID, INT4OID}, NULL
};

int64
oms_stock_policy(int32 company_id, OmsStockKey key, int64 safety,
				 int64 backorder_limit, int sellable)
{
	OmsStockLevel level;
	Datum		values[6] = {
		Int32GetDatum(company_id), Int32GetDatum(key.node_id),
		Int32GetDatum(key.sku_id)
	};
	int64		before;
	int64		over;

	oms_spi_connect();
	oms_stock_lock_key(company_id, key, &level);
	oms_exec(&shortfall_plan, values, NULL, false, 1);
	over = level.reserved - Max(level.on_hand, 0);
	before = oms_stock_node_available(&level);
	if (backorder_limit >= 0 &&
		over > Max(backorder_limit, oms_int8(0, 2)) + oms_int8(0, 1))
	{
		oms_spi_finish();
		return over;
	}
	if (safety >= 0)
		level.safety = safety;
	if (backorder_limit >= 0)
		level.backorder_limit = level.node_limit = backorder_limit;
	if (sellable >= 0)
		level.blocked = !sellable;
	values[3] = oms_milli_numeric(level.safety);
	values[4] = oms_milli_numeric(level.backorder_limit);
	values[5] = BoolGetDatum(!level.blocked);
	oms_exec(&policy_plan, values, NULL, false, 0);
	oms_stock_alert(company_id, key, before, oms_stock_node_available(&level));
	oms_spi_finish();
	return 0;
}
