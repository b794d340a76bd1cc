/*
 * stock_recall.c
 *	  Goods that were handed over come back into the hold they left from: the
 *	  courier never took them.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "fmgr.h"

#include "stock.h"

/* The ERP has not been told yet: it need not know. */
static OmsPlan untell_plan = {
	"DELETE FROM oms.erp_call c USING oms.reservation r"
	" WHERE r.company_id = $1 AND r.allocation_id = $2 AND r.state = 'leaving'"
	" AND c.company_id = $1 AND c.reservation_id = r.reservation_id AND c.state = 'pending'",
	2, {INT4OID, INT8OID}, NULL
};
static OmsPlan leaving_plan = {
	"SELECT count(*), count(c.call_id) FROM oms.reservation r"
	" LEFT JOIN oms.erp_call c ON c.company_id = $1 AND c.reservation_id = r.reservation_id AND c.state = 'pending'"
	" WHERE r.company_id = $1 AND r.allocation_id = $2 AND (r.state = 'leaving'"
	"  OR r.close_reason = 'consumed' AND EXISTS (SELECT FROM oms.node n WHERE n.node_id = r.node_id AND n.stock_from = 'erp'))",
	2, {INT4OID, INT8OID}, NULL
};
static OmsPlan lock_plan = {
	"SELECT 1 FROM oms.stock s WHERE s.company_id = $1 AND (s.node_id, s.sku_id) IN"
	" (SELECT r.node_id, r.sku_id FROM oms.reservation r WHERE r.company_id = $1 AND r.allocation_id = ANY ($2)"
	"  AND (r.state = 'leaving' OR r.close_reason = 'consumed'))"
	" ORDER BY s.node_id, s.sku_id FOR NO KEY UPDATE",
	2, {INT4OID, INT8ARRAYOID}, NULL
};
static OmsPlan reopen_plan = {
	"UPDATE oms.reservation r SET state = 'open', close_reason = NULL, closed_at = NULL"
	" FROM oms.reservation o WHERE o.company_id = $1 AND o.reservation_id = r.reservation_id"
	" AND r.company_id = $1 AND r.allocation_id = $2 AND (r.state = 'leaving' OR r.close_reason = 'consumed')"
	" RETURNING r.node_id, r.sku_id, r.qty, o.state = 'closed', r.reservation_id",
	2, {INT4OID, INT8OID}, NULL
};
static OmsPlan back_plan = {
	"WITH s AS (UPDATE oms.stock SET on_hand = on_hand + $4, reserved = reserved + $4, version = version + 1, updated_at = now(),"
	"  shortfall = greatest(0, reserved + $4 - greatest(on_hand + $4, 0) - greatest(backorder_limit, channel_depth))"
	"  WHERE company_id = $1 AND node_id = $2 AND sku_id = $3 RETURNING on_hand)"
	" INSERT INTO oms.stock_ledger (company_id, node_id, sku_id, delta, on_hand, reason, document)"
	" SELECT $1, $2, $3, $4, s.on_hand, 'dispatch', $5 FROM s",
	5, {INT4OID, INT4OID, INT4OID, NUMERICOID, TEXTOID}, NULL
};

bool
oms_stock_recall(int32 company_id, const int64 *ids, int nids,
				 const char *document)
{
	Datum		values[5] = {Int32GetDatum(company_id), oms_int8_array(ids, nids)};

	oms_spi_connect();
	oms_early_release_mark();
	oms_exec(&lock_plan, values, NULL, false, 0);
	for (int i = 0; i < nids; i++)
	{
		int64		leaving;
		int			n;
		OmsStockKey *keys;
		int64	   *qty;
		bool	   *gone;
		int64	   *reservation;

		values[1] = Int64GetDatum(ids[i]);
		oms_exec(&leaving_plan, values, NULL, false, 1);
		leaving = oms_int8(0, 1);
		if (leaving != oms_int8(0, 2) ||
			oms_exec(&untell_plan, values, NULL, false, 0) != (uint64) leaving)
		{
			oms_spi_finish();
			return false;
		}
		n = (int) oms_exec(&reopen_plan, values, NULL, false, 0);
		keys = palloc(sizeof(OmsStockKey) * (n + 1));
		qty = palloc(sizeof(int64) * (n + 1));
		gone = palloc(sizeof(bool) * (n + 1));
		reservation = palloc(sizeof(int64) * (n + 1));
		for (int k = 0; k < n; k++)
		{
			keys[k].node_id = oms_int4(k, 1);
			keys[k].sku_id = oms_int4(k, 2);
			qty[k] = oms_milli(k, 3);
			gone[k] = oms_bool(k, 4);
			reservation[k] = oms_int8(k, 5);
		}
		for (int k = 0; k < n; k++)
			if (gone[k])
			{
				values[1] = Int32GetDatum(keys[k].node_id);
				values[2] = Int32GetDatum(keys[k].sku_id);
				values[3] = oms_milli_numeric(qty[k]);
				values[4] = oms_text(document);
				oms_exec(&back_plan, values, NULL, false, 0);
				oms_stock_lots_move(company_id, reservation[k], true);
			}
	}
	oms_spi_finish();
	return true;
}
