/*
 * stock_move.c
 *	  Goods leave and come, and counts change: dispatch, returns, counts.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "fmgr.h"
#include "utils/builtins.h"

#include "stock_batch.h"
#include "stock_row.h"
#include "stock_sql.h"

static OmsPlan leaving_plan = {
	"UPDATE oms.reservation r SET state = CASE WHEN n.stock_from = 'erp' THEN 'leaving' ELSE 'closed' END,"
	" close_reason = CASE WHEN n.stock_from = 'erp' THEN NULL ELSE 'consumed' END,"
	" closed_at = CASE WHEN n.stock_from = 'erp' THEN NULL ELSE now() END"
	" FROM oms.node n"
	" WHERE r.company_id = $1 AND r.allocation_id = $2 AND r.state = 'open' AND n.node_id = r.node_id"
	" RETURNING r.reservation_id, r.node_id, r.sku_id, (r.qty * 1000)::int8, n.stock_from = 'erp'",
	2, {INT4OID, INT8OID}, NULL
};
static OmsPlan depart_plan = {
	"UPDATE oms.stock SET reserved = reserved - $4, on_hand = on_hand - $4, version = version + 1, updated_at = now(),"
	" shortfall = greatest(0, least(shortfall, reserved - $4 - greatest(on_hand - $4, 0) - greatest(backorder_limit, channel_depth)))"
	" WHERE company_id = $1 AND node_id = $2 AND sku_id = $3 RETURNING on_hand",
	4, {INT4OID, INT4OID, INT4OID, NUMERICOID}, NULL
};
static OmsPlan ledger_plan = {
	"INSERT INTO oms.stock_ledger (company_id, node_id, sku_id, delta, on_hand, reason, document)"
	" VALUES ($1, $2, $3, $4, $5, $6, $7)",
	7, {INT4OID, INT4OID, INT4OID, NUMERICOID, NUMERICOID, TEXTOID, TEXTOID}, NULL
};

static void
write_ledger(int32 company_id, OmsStockKey key, int64 delta, int64 on_hand,
			 const char *reason, const char *document)
{
	Datum		values[7] = {
		Int32GetDatum(company_id), Int32GetDatum(key.node_id),
		Int32GetDatum(key.sku_id), oms_milli_numeric(delta),
		oms_milli_numeric(on_hand), oms_text(reason), oms_text(document)
	};

	oms_exec(&ledger_plan, values, document ? NULL : "      n", false, 0);
}

void
oms_stock_dispatch(int32 company_id, int64 allocation_id, const char *document)
{
	Datum		values[4] = {Int32GetDatum(company_id), Int64GetDatum(allocation_id)};
	OmsStockKey *keys;
	int			n;
	bool		lots = false;
	struct Leaving
	{
		int64		reservation_id;
		OmsStockKey key;
		int64		qty;
		bool		erp;
	}		   *leaving;

	oms_stock_batch_write();
	oms_spi_connect();
	oms_exec(&oms_stock_allocation_keys, values, NULL, false, 0);
	n = oms_stock_read_keys(&keys);
	if (n > 0)
	{
		OmsStockLevel *levels = palloc0(sizeof(OmsStockLevel) * n);

		n = oms_stock_lock_rows(company_id, keys, n, levels);
		for (int i = 0; i < n; i++)
			if (levels[i].has_terms)
			{
				/* what is assigned goes, whatever the day */
				oms_stock_lots_take(company_id, levels[i].key,
									&allocation_id, 1, NULL, 0, DT_NOBEGIN);
				lots = true;
			}
	}
	n = (int) oms_exec(&leaving_plan, values, NULL, false, 0);
	leaving = palloc(sizeof(*leaving) * Max(n, 1));
	for (int i = 0; i < n; i++)
	{
		leaving[i].reservation_id = oms_int8(i, 1);
		leaving[i].key.node_id = oms_int4(i, 2);
		leaving[i].key.sku_id = oms_int4(i, 3);
		leaving[i].qty = oms_int8(i, 4);
		leaving[i].erp = oms_bool(i, 5);
	}
	for (int i = 0; i < n; i++)
	{
		if (leaving[i].erp && oms_stock_erp.book)
			oms_stock_erp.book(company_id, "stock_out", leaving[i].key,
							   leaving[i].qty, document,
							   leaving[i].reservation_id);
		else if (!leaving[i].erp)
		{
			values[1] = Int32GetDatum(leaving[i].key.node_id);
			values[2] = Int32GetDatum(leaving[i].key.sku_id);
			values[3] = oms_milli_numeric(leaving[i].qty);
			oms_exec(&depart_plan, values, NULL, false, 0);
			write_ledger(company_id, leaving[i].key, -leaving[i].qty,
						 oms_milli(0, 1), "dispatch", document);
			if (lots)
			{
				oms_stock_lots_move(company_id, leaving[i].reservation_id, false);
				oms_stock_lots_fit(company_id, leaving[i].key);
			}
		}
	}
	oms_spi_finish();
}

static OmsPlan left_plan = {
	"UPDATE oms.reservation SET state = 'closed', closed_at = now(), close_reason = 'consumed'"
	" WHERE company_id = $1 AND reservation_id = $2 AND state = 'leaving'"
	" RETURNING node_id, sku_id, (qty * 1000)::int8",
	2, {INT4OID, INT8OID}, NULL
};

void
oms_stock_left(int32 company_id, int64 reservation_id)
{
	Datum		values[2] = {Int32GetDatum(company_id), Int64GetDatum(reservation_id)};

	oms_spi_connect();
	if (oms_exec(&left_plan, values, NULL, false, 0) > 0)
	{
		OmsStockKey key = {oms_int4(0, 1), oms_int4(0, 2)};

		oms_stock_unreserve(company_id, key, oms_int8(0, 3));
	}
	oms_spi_finish();
}

static OmsPlan stock_from_plan = {
	"SELECT stock_from = 'erp' FROM oms.node WHERE node_id = $1",
	1, {INT4OID}, NULL
};

void
oms_stock_receive(int32 company_id, OmsStockKey key, int64 qty,
				  const char *document)
{
	Datum		values[1] = {Int32GetDatum(key.node_id)};
	bool		erp;

	oms_spi_connect();
	if (oms_exec(&stock_from_plan, values, NULL, false, 1) == 0)
		ereport(ERROR,
				(errcode(ERRCODE_OMS_UNKNOWN_REFERENCE),
				 errmsg("node %d does not exist", key.node_id)));
	erp = oms_bool(0, 1);
	if (erp && oms_stock_erp.book)
		oms_stock_erp.book(company_id, "stock_in", key, qty, document, 0);
	else
	{
		OmsStockLevel level;

		oms_stock_ensure_rows(company_id, &key, 1);
		oms_stock_lock_rows(company_id, &key, 1, &level);
		oms_stock_count(company_id, key, level.on_hand + qty, "return", document);
	}
	oms_spi_finish();
}

static OmsPlan count_plan = {
	"UPDATE oms.stock SET on_hand = $4, version = version + 1, updated_at = now(),"
	" shortfall = greatest(0, reserved - greatest($4, 0) - greatest(backorder_limit, channel_depth))"
	" WHERE company_id = $1 AND node_id = $2 AND sku_id = $3"
	" RETURNING (shortfall * 1000)::int8",
	4, {INT4OID, INT4OID, INT4OID, NUMERICOID}, NULL
};

static void
set_count(int32 company_id, OmsStockKey key, int64 on_hand,
		  const char *reason, const char *document, bool fit_lots)
{
	OmsStockLevel level;
	Datum		values[4] = {
		Int32GetDatum(company_id), Int32GetDatum(key.node_id),
		Int32GetDatum(key.sku_id), oms_milli_numeric(on_hand)
	};
	int64		shortfall;
	bool		first = strcmp(reason, "snapshot") == 0;

	oms_stock_batch_write();
	oms_spi_connect();
	if (oms_stock_lock_rows(company_id, &key, 1, &level) == 0)
	{
		oms_stock_ensure_rows(company_id, &key, 1);
		if (oms_stock_lock_rows(company_id, &key, 1, &level) == 0)
			ereport(ERROR,
					(errcode(ERRCODE_OMS_UNKNOWN_REFERENCE),
					 errmsg("no stock row for node %d and item %d",
							key.node_id, key.sku_id)));
	}
	if (level.on_hand != on_hand || first)
	{
		int64		before = oms_stock_node_available(&level);

		oms_exec(&count_plan, values, NULL, false, 0);
		shortfall = oms_int8(0, 1);
		write_ledger(company_id, key, on_hand - level.on_hand, on_hand, reason,
					 document);
		level.on_hand = on_hand;
		if (level.has_terms && fit_lots)
		{
			oms_stock_lots_fit(company_id, key);
			oms_stock_lots_trim(company_id, key, DT_NOBEGIN);
		}
		if (!first)
			oms_stock_alert(company_id, key, before,
							   oms_stock_node_available(&level));
		if (shortfall > 0)
		{
			OmsJson		j;

			oms_json_begin(&j);
			oms_json_int(&j, "node_id", key.node_id);
			oms_json_milli(&j, "shortfall", shortfall);
			oms_event(company_id, "stock", key.sku_id, "stock.shortfall",
					  oms_json_end(&j));
		}
	}
	oms_spi_finish();
}

void
oms_stock_count(int32 company_id, OmsStockKey key, int64 on_hand,
				const char *reason, const char *document)
{
	set_count(company_id, key, on_hand, reason, document, true);
}

void
oms_stock_count_only(int32 company_id, OmsStockKey key, int64 on_hand,
					 const char *reason, const char *document)
{
	set_count(company_id, key, on_hand, reason, document, false);
}
