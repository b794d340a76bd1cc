/*
 * stock_level.c
 *	  Levels of stock: what is there, for whom, as fresh as the ERP's last
 *	  commit.
 *
 * Taken from rows (stock_row.c), or from what this batch of orders knows of
 * them (stock_batch.c); less holds of carts that expired and of who asks
 * himself; where the ERP counts, through at its count; and then the terms of
 * channels and lots.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "fmgr.h"
#include "utils/builtins.h"

#include "core_memo.h"
#include "core_probe.h"
#include "stock_batch.h"
#include "stock_level.h"
#include "stock_row.h"

static int	compare_levels(const void *a, const void *b);
static void merge_levels(OmsStockLevel *levels, int n, int more);

int
oms_stock_compare_keys(const OmsStockKey *a, const OmsStockKey *b)
{
	if (a->node_id != b->node_id)
		return a->node_id < b->node_id ? -1 : 1;
	if (a->sku_id != b->sku_id)
		return a->sku_id < b->sku_id ? -1 : 1;
	return 0;
}

int64
oms_stock_available(const OmsStockLevel *l)
{
	if (!l->tracked)
		return PG_INT64_MAX / 4;
	if (l->blocked)
		return 0;
	return l->on_hand - l->reserved - l->safety - l->kept + l->backorder_limit;
}

int64
oms_stock_node_available(const OmsStockLevel *l)
{
	OmsStockLevel node = *l;

	if (!l->has_terms)
		return oms_stock_available(l);
	node.kept = 0;
	node.backorder_limit = l->node_limit;
	return oms_stock_available(&node);
}

int64
oms_stock_beyond(const OmsStockLevel *l, int64 qty)
{
	return l->tracked ? Min(qty, Max(l->reserved - Max(l->on_hand, 0), 0)) : 0;
}

/*
 * Levels
 */
static OmsPlan levels_plan = {
	"SELECT node_id, sku_id, on_hand, reserved, safety, backorder_limit, NOT sellable, has_terms"
	" FROM oms.stock WHERE company_id = $1 AND sku_id = $2",
	2, {INT4OID, INT4OID}, NULL
};
static OmsPlan tracked_plan = {
	"SELECT tracked FROM oms.sku WHERE sku_id = $1",
	1, {INT4OID}, NULL
};

bool
oms_stock_is_tracked(int32 sku_id, bool *exists)
{
	Datum		values[1] = {Int32GetDatum(sku_id)};

	*exists = oms_memo(&tracked_plan, values, NULL, false) > 0;
	return *exists && oms_bool(0, 1);
}

/* Holds that do not count: of carts that expired, and of the own carts. */
static OmsPlan cart_plan = {
	"SELECT node_id, sku_id, (sum(qty) * 1000)::int8 FROM ("
	"SELECT node_id, sku_id, qty FROM oms.reservation"
	" WHERE company_id = $1 AND sku_id = ANY ($2)"
	" AND cart_id IS NOT NULL AND state = 'open'"
	" AND expires_at <= $3 AND cart_id <> ALL ($4)"
	" UNION ALL SELECT node_id, sku_id, qty FROM oms.reservation"
	" WHERE company_id = $1 AND sku_id = ANY ($2)"
	" AND state = 'open' AND cart_id = ANY ($4)) r"
	" GROUP BY node_id, sku_id",
	4, {INT4OID, INT4ARRAYOID, TIMESTAMPTZOID, TEXTARRAYOID}, NULL
};

bool
oms_stock_expired_holds(int32 company_id, int32 sku_id, TimestampTz at)
{
	static OmsProbe probe = {
		"reservation_cart_sku",
		"CREATE INDEX reservation_cart_sku ON oms.reservation USING btree (company_id, sku_id, expires_at, node_id)"
		" WHERE ((cart_id IS NOT NULL) AND (state = 'open'::text))",
		InvalidOid, InvalidOid, false, false, false, NULL
	};
	static const Oid types[] = {INT4OID, INT4OID, TIMESTAMPTZOID};
	Datum		keys[] = {
		Int32GetDatum(company_id), Int32GetDatum(sku_id), TimestampTzGetDatum(at)
	};

	return oms_probe(&probe, types, keys, lengthof(keys), BTLessEqualStrategyNumber);
}

OmsStockLevel *
oms_stock_find_level(OmsStockLevel *levels, int n, int32 node_id, int32 sku_id)
{
	OmsStockKey key = {node_id, sku_id};
	int			lo = 0,
				hi = n - 1;

	while (lo <= hi)
	{
		int			mid = (lo + hi) / 2;
		int			c = oms_stock_compare_keys(&levels[mid].key, &key);

		if (c == 0)
			return &levels[mid];
		if (c < 0)
			lo = mid + 1;
		else
			hi = mid - 1;
	}
	return NULL;
}

void
oms_stock_read_level(uint64 row, bool tracked, OmsStockLevel *l)
{
	l->key.node_id = oms_int4(row, 1);
	l->key.sku_id = oms_int4(row, 2);
	l->on_hand = oms_milli(row, 3);
	l->reserved = oms_milli(row, 4);
	l->safety = oms_milli(row, 5);
	l->backorder_limit = oms_milli(row, 6);
	l->tracked = tracked;
	l->blocked = oms_bool(row, 7);
	l->has_terms = oms_bool(row, 8);
	l->node_limit = l->backorder_limit;
	l->kept = l->quota_id = l->quota_left = 0;
	l->capped = l->has_lots = false;
}

int
oms_stock_levels(int32 company_id, const int32 *sku_ids, int nskus,
				 const OmsStockView *view, OmsStockLevel **levels)
{
	MemoryContext caller = CurrentMemoryContext;
	OmsStockKey *pending = NULL;
	int64	   *pending_on_hand = NULL;
	OmsStockLots stated = {0};
	int			npending = 0;
	int			n;
	Datum		values[4];
	bool		look;
	OmsStockLevel *l;

	if (oms_stock_erp.pending)
		npending = oms_stock_erp.pending(company_id, sku_ids, nskus,
										 &pending, &pending_on_hand, &stated);

	oms_spi_connect();
	values[0] = Int32GetDatum(company_id);
	n = 0;
	l = NULL;
	/* a look-up an item, each once: orders have few */
	for (int k = 0; k < nskus; k++)
	{
		int			found;
		bool		seen = false;
		bool		by_sql;
		bool		kept;
		bool		tracked;
		bool		exists;
		OmsStockLevel *rows = NULL;

		for (int j = 0; j < k && !seen; j++)
			seen = sku_ids[j] == sku_ids[k];
		if (seen)
			continue;
		values[1] = Int32GetDatum(sku_ids[k]);
		tracked = oms_stock_is_tracked(sku_ids[k], &exists);
		kept = oms_stock_batch_item(company_id, sku_ids[k], &rows, &found);
		by_sql = !kept &&
			oms_stock_row_levels(company_id, sku_ids[k], &rows, &found) == OMS_STOCK_ROW_BY_SQL;
		if (!exists)
			found = 0;
		else if (by_sql)
			found = (int) oms_exec(&levels_plan, values, NULL, false, 0);
		if (l == NULL)
			l = MemoryContextAllocZero(caller,
									   sizeof(OmsStockLevel) * (found + npending + 1));
		else
			l = repalloc(l, sizeof(OmsStockLevel) * (n + found + npending + 1));
		for (int i = 0; i < found; i++)
		{
			if (by_sql)
				oms_stock_read_level(i, tracked, &l[n + i]);
			else
			{
				l[n + i] = rows[i];
				l[n + i].tracked = tracked;
			}
		}
		if (!kept)
			oms_stock_batch_keep_item(company_id, sku_ids[k], l + n, found);
		merge_levels(l, n, found);
		n += found;
	}
	if (l == NULL)
		l = MemoryContextAllocZero(caller, sizeof(OmsStockLevel) * (npending + 1));
	oms_stock_batch_add(company_id, l, n, oms_stock_find_level);
	values[1] = oms_int4_array(sku_ids, nskus);

	values[2] = TimestampTzGetDatum(view->at);
	values[3] = oms_text_array(view->own_carts, view->nown_carts);
	look = view->nown_carts > 0;
	for (int k = 0; k < nskus && !look; k++)
		look = oms_stock_expired_holds(company_id, sku_ids[k], view->at);
	if (look && oms_exec(&cart_plan, values, NULL, false, 0) > 0)
		for (uint64 i = 0; i < SPI_processed; i++)
		{
			OmsStockLevel *level = oms_stock_find_level(l, n, oms_int4(i, 1), oms_int4(i, 2));

			if (level)
				level->reserved -= oms_int8(i, 3);
		}

	for (int i = 0; i < view->nown_takes; i++)
	{
		OmsStockLevel *level = oms_stock_find_level(l, n, view->own_takes[i].key.node_id,
										  view->own_takes[i].key.sku_id);

		if (level)
			level->reserved -= view->own_takes[i].qty;
	}

	/* look through at what the ERP has committed but we not yet taken in */
	for (int i = 0, known = n; i < npending; i++)
	{
		OmsStockLevel *level = oms_stock_find_level(l, known, pending[i].node_id,
										  pending[i].sku_id);

		if (level == NULL)
		{
			level = &l[n++];
			level->key = pending[i];
			level->tracked = true;
		}
		level->on_hand = pending_on_hand[i];
	}
	oms_stock_terms(company_id, l, n, view, &stated);
	oms_spi_finish();
	*levels = l;
	return n;
}

bool
oms_stock_levels_are_rows(int32 company_id, const int32 *sku_ids, int nskus)
{
	OmsStockKey *keys;
	int64	   *on_hand;
	OmsStockLots lots = {0};
	bool		all = true;
	bool		exists;

	if (oms_stock_erp.pending &&
		(oms_stock_erp.pending(company_id, sku_ids, nskus, &keys, &on_hand, &lots) > 0 ||
		 lots.n > 0))
		return false;
	oms_spi_connect();
	for (int i = 0; i < nskus && all; i++)
		all = oms_stock_is_tracked(sku_ids[i], &exists);
	oms_spi_finish();
	return all;
}

bool
oms_stock_carts_expired(int32 company_id, const int32 *sku_ids, int nskus,
						TimestampTz at)
{
	bool		any = false;

	oms_spi_connect();
	for (int k = 0; k < nskus && !any; k++)
		any = oms_stock_expired_holds(company_id, sku_ids[k], at);
	oms_spi_finish();
	return any;
}

static int
compare_levels(const void *a, const void *b)
{
	return oms_stock_compare_keys(&((const OmsStockLevel *) a)->key,
						&((const OmsStockLevel *) b)->key);
}

/* Puts "more" levels behind n sorted ones among them; mostly sorted already. */
static void
merge_levels(OmsStockLevel *levels, int n, int more)
{
	OmsStockLevel *added;
	int			i = n - 1;
	int			j = more - 1;

	qsort(levels + n, more, sizeof(OmsStockLevel), compare_levels);
	if (n == 0 || more == 0 || compare_levels(&levels[n - 1], &levels[n]) <= 0)
		return;
	added = palloc(sizeof(OmsStockLevel) * more);
	memcpy(added, levels + n, sizeof(OmsStockLevel) * more);
	while (j >= 0)
	{
		bool		earlier = i >= 0 && compare_levels(&levels[i], &added[j]) > 0;

		levels[i + j + 1] = earlier ? levels[i] : added[j];
		if (earlier)
			i--;
		else
			j--;
	}
	pfree(added);
}
