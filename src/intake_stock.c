/*
 * intake_stock.c
 *	  What channels may sell, and telling them what changed.
 *
 * The number of an item is what oms.atp() says for the channel, less what its
 * rules keep back.  To know what may have changed nothing is written when
 * orders are: rows carry the number of the transaction that wrote them
 * (xmin), and all rows written by transactions that the last look did not see
 * are looked at again.  That finds too many at times, never too few: numbers
 * that came out the same are not told.  What changes without a row of its own
 * (leases that end, lots past their day, rows that were deleted) is found by
 * a sweep over all items.
 *
 * Locks: the channel's row of channel_stock_state, from its computation to
 * the commit; nothing else is waited for.
 */
#include "postgres.h"

#include "access/heapam.h"
#include "access/table.h"
#include "access/tableam.h"
#include "access/transam.h"
#include "access/xact.h"
#include "access/xlog.h"
#include "catalog/namespace.h"
#include "catalog/pg_class.h"
#include "catalog/pg_inherits.h"
#include "catalog/pg_type.h"
#include "executor/tuptable.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"

#include "core_find.h"
#include "stock.h"
#include "stock_sql.h"

#define BATCH 256

/* More than this changed: a sweep is no slower, and goes on another time. */
#define MANY_DIRTY 50000

typedef struct Rule
{
	int32		company_id;
	int32		channel_id;
	char	   *code;
	bool		active;
	bool		listed;
	int64		buffer;			/* milli */
	int64		pct;			/* hundredths of a per cent */
	int64		minimum;
	int64		cap;			/* -1: none */
} Rule;

typedef struct FeedItem
{
	int32		sku_id;
	bool		sold;			/* active, and listed there */
	int64		buffer;			/* milli; -1: as the channel's */
	int64		pct;
	int64		minimum;
	int64		cap;
	int64		step;			/* milli; 0: any */
	bool		told;
	bool		told_any;		/* as many as it likes */
	int64		told_qty;
	/* computed */
	bool		any;
	int64		qty;
} FeedItem;

static OmsPlan rules_plan = {
	"SELECT r.company_id, r.channel_id, c.code, c.active, r.listed, (coalesce(r.buffer, 0) * 1000)::int8, (coalesce(r.buffer_pct, 0) * 100)::int8,"
	" (coalesce(r.minimum, 0) * 1000)::int8, coalesce((r.cap * 1000)::int8, -1)"
	" FROM oms.channel_stock_rule r JOIN oms.channel c ON c.channel_id = r.channel_id AND c.company_id = r.company_id"
	" WHERE r.sku_id = 0 AND ($1 = 0 OR r.channel_id = $1) ORDER BY r.company_id, r.channel_id",
	1, {INT4OID}, NULL
};
static OmsPlan make_state_plan = {
	"INSERT INTO oms.channel_stock_state (company_id, channel_id) SELECT $1, $2"
	" WHERE NOT EXISTS (SELECT FROM oms.channel_stock_state t WHERE t.company_id = $1 AND t.channel_id = $2) ON CONFLICT DO NOTHING",
	2, {INT4OID, INT4OID}, NULL
};
#define LOCK_STATE \
	"SELECT t.version, t.seen, t.sweep_from, t.swept_at + r.sweep_every <= now(), t.again" \
	" FROM oms.channel_stock_state t JOIN oms.channel_stock_rule r ON r.company_id = t.company_id AND r.channel_id = t.channel_id AND r.sku_id = 0" \
	" WHERE t.company_id = $1 AND t.channel_id = $2 FOR UPDATE OF t"
static OmsPlan lock_plan = {
	LOCK_STATE, 2, {INT4OID, INT4OID}, NULL
};
static OmsPlan try_lock_plan = {
	LOCK_STATE " SKIP LOCKED", 2, {INT4OID, INT4OID}, NULL
};
static OmsPlan now_plan = {
	"SELECT pg_snapshot_xmin(pg_current_snapshot())::text,"
	" $1 IS NULL OR pg_snapshot_xmin(pg_current_snapshot())::text::numeric - $1::numeric > 1000000000",
	1, {TEXTOID}, NULL
};

/* Rows that were written since, and concern all items. */
static OmsPlan all_plan = {
	"SELECT EXISTS (SELECT FROM oms.node n WHERE n.company_id = $1 AND age(n.xmin) <= age($3::xid8::xid))"
	" OR EXISTS (SELECT FROM oms.channel c WHERE c.channel_id = $2 AND age(c.xmin) <= age($3::xid8::xid))"
	" OR EXISTS (SELECT FROM oms.channel_node w WHERE w.company_id = $1 AND w.channel_id = $2 AND age(w.xmin) <= age($3::xid8::xid))"
	" OR EXISTS (SELECT FROM oms.channel_stock_rule r WHERE r.company_id = $1 AND r.channel_id = $2 AND r.sku_id = 0 AND age(r.xmin) <= age($3::xid8::xid))",
	3, {INT4OID, INT4OID, TEXTOID}, NULL
};

/* Items of rows that were written since; the large tables are scan_table()'s. */
static OmsPlan dirty_plan = {
	"SELECT c.kit_sku_id FROM oms.kit_component c WHERE c.company_id = $1 AND age(c.xmin) <= age($2::xid8::xid)"
	" UNION SELECT q.sku_id FROM oms.stock_quota q WHERE q.company_id = $1 AND age(q.xmin) <= age($2::xid8::xid)"
	" UNION SELECT t.sku_id FROM oms.channel_threshold t WHERE t.company_id = $1 AND age(t.xmin) <= age($2::xid8::xid)"
	" UNION SELECT l.sku_id FROM oms.stock_lot l WHERE l.company_id = $1 AND age(l.xmin) <= age($2::xid8::xid)"
	" UNION SELECT coalesce(c.sku_id, a.sku_id) FROM oms.allocation a LEFT JOIN oms.kit_component c ON c.company_id = a.company_id AND c.kit_sku_id = a.sku_id"
	"  WHERE a.company_id = $1 AND a.status = 'backordered' AND age(a.xmin) <= age($2::xid8::xid)"
	" UNION SELECT s.sku_id FROM oms.stock s WHERE $3 AND s.company_id = $1 AND age(s.xmin) <= age($2::xid8::xid)"
	" UNION SELECT k.sku_id FROM oms.sku k WHERE $4 AND k.company_id = $1 AND age(k.xmin) <= age($2::xid8::xid)",
	4, {INT4OID, TEXTOID, BOOLOID, BOOLOID}, NULL
};
static OmsPlan kits_plan = {
	"SELECT DISTINCT c.kit_sku_id FROM oms.kit_component c WHERE c.company_id = $1 AND c.sku_id = ANY ($2)",
	2, {INT4OID, INT4ARRAYOID}, NULL
};
static OmsPlan rule_plan = {
	"SELECT r.sku_id FROM oms.channel_stock_rule r WHERE r.company_id = $1 AND r.channel_id = $2 AND r.sku_id <> 0 AND age(r.xmin) <= age($3::xid8::xid)",
	3, {INT4OID, INT4OID, TEXTOID}, NULL
};
static OmsPlan sweep_plan = {
	"SELECT sku_id FROM (SELECT s.sku_id FROM oms.sku s WHERE s.company_id = $1 AND s.sku_id > $3"
	" UNION SELECT t.sku_id FROM oms.channel_stock_told t WHERE t.company_id = $1 AND t.channel_id = $2 AND t.sku_id > $3) u"
	" ORDER BY sku_id LIMIT $4",
	4, {INT4OID, INT4OID, INT4OID, INT8OID}, NULL
};
static OmsPlan items_plan = {
	"SELECT u.sku_id, coalesce(s.active AND coalesce(i.listed, $4), false), coalesce((i.buffer * 1000)::int8, -1), coalesce((i.buffer_pct * 100)::int8, -1),"
	" coalesce((i.minimum * 1000)::int8, -1), coalesce((i.cap * 1000)::int8, -1), coalesce((s.sale_step * 1000)::int8, 0)"
	" FROM unnest($3) AS u (sku_id)"
	/* by key, one by one: a plan made while a table was empty would join it whole */
	" LEFT JOIN LATERAL (SELECT k.* FROM oms.sku k WHERE k.sku_id = u.sku_id AND k.company_id = $1 OFFSET 0) s ON true"
	" LEFT JOIN LATERAL (SELECT r.* FROM oms.channel_stock_rule r WHERE r.company_id = $1 AND r.channel_id = $2 AND r.sku_id = u.sku_id OFFSET 0) i ON true"
	" ORDER BY u.sku_id",
	4, {INT4OID, INT4OID, INT4ARRAYOID, BOOLOID}, NULL
};
static OmsPlan told_plan = {
	"SELECT qty FROM oms.channel_stock_told WHERE company_id = $1 AND channel_id = $2 AND sku_id = $3",
	3, {INT4OID, INT4OID, INT4OID}, NULL
};
static OmsPlan parts_plan = {
	"SELECT u.sku_id, coalesce(c.sku_id, u.sku_id), (coalesce(c.qty, 1) * 1000)::int8"
	" FROM unnest($2) AS u (sku_id) LEFT JOIN LATERAL (SELECT k.* FROM oms.kit_component k WHERE k.company_id = $1 AND k.kit_sku_id = u.sku_id OFFSET 0) c ON true"
	" ORDER BY 1, 2",
	2, {INT4OID, INT4ARRAYOID}, NULL
};
static OmsPlan nodes_plan = {
	"SELECT n.node_id FROM oms.node n WHERE n.company_id = $1 AND n.open AND NOT EXISTS (SELECT FROM oms.channel c"
	"  WHERE c.channel_id = $2 AND c.own_nodes AND NOT EXISTS (SELECT FROM oms.channel_node w"
	"   WHERE w.company_id = $1 AND w.channel_id = $2 AND w.node_id = n.node_id)) ORDER BY 1",
	2, {INT4OID, INT4OID}, NULL
};

/* As oms.atp() sees what waits: of supply that is ready, else anywhere. */
static OmsPlan waiting_plan = {
	"WITH w AS (SELECT a.allocation_id, coalesce(c.sku_id, a.sku_id) AS sku_id, a.qty * coalesce(c.qty, 1) AS qty FROM oms.allocation a"
	"  LEFT JOIN oms.kit_component c ON c.company_id = a.company_id AND c.kit_sku_id = a.sku_id"
	"  WHERE a.company_id = $1 AND a.status = 'backordered' AND coalesce(c.sku_id, a.sku_id) = ANY ($2)),"
	" p AS (SELECT i.node_id, i.sku_id, sum(g.qty) AS qty FROM w JOIN oms.supply_peg g ON g.company_id = $1 AND g.allocation_id = w.allocation_id"
	"  JOIN oms.inbound i ON i.company_id = $1 AND i.inbound_id = g.inbound_id AND i.sku_id = w.sku_id"
	"  WHERE i.state = 'expected' AND i.ready_at <= $3 GROUP BY 1, 2)"
	" SELECT p.node_id, p.sku_id, (p.qty * 1000)::int8 FROM p"
	" UNION ALL SELECT NULL, w.sku_id, ((sum(w.qty) - coalesce((SELECT sum(p.qty) FROM p WHERE p.sku_id = w.sku_id), 0)) * 1000)::int8 FROM w GROUP BY w.sku_id"
	" ORDER BY 1, 2",
	3, {INT4OID, INT4ARRAYOID, TIMESTAMPTZOID}, NULL
};
static OmsPlan tell_plan = {
	"INSERT INTO oms.channel_stock_told AS t (company_id, channel_id, sku_id, qty, version)"
	" SELECT $1, $2, u.sku_id, CASE WHEN u.qty >= 0 THEN u.qty / 1000.0 END, $5 + u.ord FROM unnest($3, $4) WITH ORDINALITY AS u (sku_id, qty, ord)"
	" ON CONFLICT (company_id, channel_id, sku_id) DO UPDATE SET qty = excluded.qty, version = excluded.version, told_at = now()",
	5, {INT4OID, INT4OID, INT4ARRAYOID, INT8ARRAYOID, INT8OID}, NULL
};
static OmsPlan event_plan = {
	"INSERT INTO oms.event (company_id, topic, subject_id, type, payload)"
	" SELECT $1, 'channel_stock', u.sku_id, 'channel_stock.changed', jsonb_build_object('channel', $2, 'sku', s.code,"
	" 'qty', CASE WHEN u.qty >= 0 THEN trim_scale(u.qty / 1000.0) END, 'version', $5 + u.ord)"
	" FROM unnest($3, $4) WITH ORDINALITY AS u (sku_id, qty, ord) LEFT JOIN oms.sku s ON s.sku_id = u.sku_id ORDER BY u.ord",
	5, {INT4OID, TEXTOID, INT4ARRAYOID, INT8ARRAYOID, INT8OID}, NULL
};
static OmsPlan done_plan = {
	"UPDATE oms.channel_stock_state SET version = $3, seen = $4, sweep_from = $5, again = $7, refreshed_at = now(),"
	" swept_at = CASE WHEN $6 THEN now() ELSE swept_at END WHERE company_id = $1 AND channel_id = $2",
	7, {INT4OID, INT4OID, INT8OID, TEXTOID, INT4OID, BOOLOID, BOOLOID}, NULL
};

static int
compare_ids(const void *a, const void *b)
{
	int32		x = *(const int32 *) a;
	int32		y = *(const int32 *) b;

	return x < y ? -1 : x > y;
}

static int
place_of(const int32 *ids, int n, int32 id)
{
	const int32 *found = bsearch(&id, ids, n, sizeof(int32), compare_ids);

	return found ? (int) (found - ids) : -1;
}

/* What a rule makes of what may be sold. */
static void
keep_back(const Rule *r, FeedItem *i)
{
	int64		buffer = i->buffer >= 0 ? i->buffer : r->buffer;
	int64		pct = i->pct >= 0 ? i->pct : r->pct;
	int64		minimum = i->minimum >= 0 ? i->minimum : r->minimum;
	int64		cap = i->cap >= 0 ? i->cap : r->cap;

	if (i->any)
	{
		if (cap >= 0)
		{
			i->any = false;
			i->qty = cap;
		}
		return;
	}
	if (pct > 0)
	{
		/* rounded up: to whole units, or a thousandth where it is by weight */
		int64		kept = (int64) (((int128) i->qty * pct + 9999) / 10000);

		if (i->qty % 1000 == 0)
			kept = (kept + 999) / 1000 * 1000;
		i->qty -= kept;
	}
	i->qty = Max(i->qty - buffer, 0);
	if (cap >= 0)
		i->qty = Min(i->qty, cap);
	if (i->step > 0)
		i->qty -= i->qty % i->step;
	if (i->qty < minimum)
		i->qty = 0;
}

/*
 * What may be sold of these items, as oms.atp() has it; SPI connected.  Items
 * are in the order of sku_id.
 */
static void
compute(const Rule *r, FeedItem *items, int n, TimestampTz at)
{
	OmsStockView view = {0};
	OmsStockLevel *levels;
	int32	   *ids = palloc(sizeof(int32) * (n + 1));
	int32	   *of;
	int32	   *part;
	int64	   *each;
	int32	   *parts;
	int32	   *nodes;
	int64	   *heap;
	bool	   *counted;
	Datum		values[3];
	int			nids = 0;
	int			nof;
	int			nparts = 0;
	int			nnodes;
	int			nlevels;

	for (int i = 0; i < n; i++)
		if (items[i].sold && r->active)
			ids[nids++] = items[i].sku_id;
	if (nids == 0)
		return;
	values[0] = Int32GetDatum(r->company_id);
	values[1] = oms_int4_array(ids, nids);
	nof = (int) oms_exec(&parts_plan, values, NULL, false, 0);
	of = palloc(sizeof(int32) * nof);
	part = palloc(sizeof(int32) * nof);
	parts = palloc(sizeof(int32) * nof);
	each = palloc(sizeof(int64) * nof);
	for (int i = 0; i < nof; i++)
	{
		of[i] = oms_int4(i, 1);
		parts[i] = part[i] = oms_int4(i, 2);
		each[i] = oms_int8(i, 3);
	}
	qsort(parts, nof, sizeof(int32), compare_ids);
	for (int i = 0; i < nof; i++)
		if (i == 0 || parts[i] != parts[nparts - 1])
			parts[nparts++] = parts[i];

	values[1] = Int32GetDatum(r->channel_id);
	nnodes = (int) oms_exec(&nodes_plan, values, NULL, false, 0);
	nodes = palloc(sizeof(int32) * (nnodes + 1));
	for (int i = 0; i < nnodes; i++)
		nodes[i] = oms_int4(i, 1);
	heap = MemoryContextAllocExtended(CurrentMemoryContext, sizeof(int64) * ((Size) nnodes * nparts + 1),
									  MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);
	counted = MemoryContextAllocExtended(CurrentMemoryContext, sizeof(bool) * ((Size) nnodes * nparts + 1),
										 MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);
	memset(counted, true, (Size) nnodes * nparts);

	view.channel_id = r->channel_id;
	view.at = at;
	nlevels = oms_stock_levels(r->company_id, parts, nparts, &view, &levels);
	for (int l = 0; l < nlevels; l++)
	{
		int			node = place_of(nodes, nnodes, levels[l].key.node_id);
		int			p = place_of(parts, nparts, levels[l].key.sku_id);

		if (node < 0 || p < 0)
			continue;
		counted[node * nparts + p] = levels[l].tracked;
		heap[node * nparts + p] = !levels[l].tracked ? 0 :
			oms_stock_available(&levels[l]) - (levels[l].blocked ? 0 : levels[l].backorder_limit);
	}

	values[1] = oms_int4_array(parts, nparts);
	values[2] = TimestampTzGetDatum(at);
	oms_exec(&waiting_plan, values, NULL, false, 0);
	for (uint64 i = 0; i < SPI_processed; i++)
	{
		int			p = place_of(parts, nparts, oms_int4(i, 2));
		int64		qty = oms_int8(i, 3);
		int			node = oms_isnull(i, 1) ? -1 : place_of(nodes, nnodes, oms_int4(i, 1));

		if (p < 0)
			continue;
		if (node >= 0)
			heap[node * nparts + p] -= qty;
		else if (oms_isnull(i, 1))
			for (int k = 0; k < nnodes && qty > 0; k++)
				if (heap[k * nparts + p] > 0)
				{
					int64		share = Min(qty, heap[k * nparts + p]);

					heap[k * nparts + p] -= share;
					qty -= share;
				}
	}

	for (int i = 0, o = 0; i < n; i++)
	{
		FeedItem	   *item = &items[i];
		int			end;

		if (!item->sold)
			continue;
		while (o < nof && of[o] < item->sku_id)
			o++;
		for (end = o; end < nof && of[end] == item->sku_id; end++)
			;
		for (int k = 0; k < nnodes; k++)
		{
			int64		whole = PG_INT64_MAX;

			for (int c = o; c < end; c++)
			{
				int			at_heap = k * nparts + place_of(parts, nparts, part[c]);
				int64		has = Max(heap[at_heap], 0);

				if (!counted[at_heap])
					continue;
				whole = Min(whole, end - o == 1 && each[c] == 1000 ? has : has / each[c] * 1000);
			}
			if (whole == PG_INT64_MAX)
				item->any = true;
			else
				item->qty += whole;
		}
		keep_back(r, item);
		o = end;
	}
}

static int
read_items(const Rule *r, const int32 *ids, int n, FeedItem *items)
{
	Datum		values[4] = {
		Int32GetDatum(r->company_id), Int32GetDatum(r->channel_id),
		oms_int4_array(ids, n), BoolGetDatum(r->listed)
	};
	int			found = (int) oms_exec(&items_plan, values, NULL, false, 0);

	for (int i = 0; i < found; i++)
	{
		FeedItem	   *it = &items[i];

		memset(it, 0, sizeof(*it));
		it->sku_id = oms_int4(i, 1);
		it->sold = oms_bool(i, 2) && r->active;
		it->buffer = oms_int8(i, 3);
		it->pct = oms_int8(i, 4);
		it->minimum = oms_int8(i, 5);
		it->cap = oms_int8(i, 6);
		it->step = oms_int8(i, 7);
	}
	for (int i = 0; i < found; i++)
	{
		FeedItem   *it = &items[i];

		values[2] = Int32GetDatum(it->sku_id);
		it->told = oms_find(&told_plan, values, NULL) > 0;
		it->told_any = it->told && oms_isnull(0, 1);
		it->told_qty = it->told ? oms_milli(0, 1) : 0;
	}
	return found;
}

/* Computes these items, and tells what is different; how many. */
static int64
tell(const Rule *r, const int32 *ids, int n, int64 *version, TimestampTz at)
{
	MemoryContext batch = AllocSetContextCreate(CurrentMemoryContext, "oms channel stock",
												ALLOCSET_DEFAULT_SIZES);
	int64		told = 0;
	int			guc = NewGUCNestLevel();

	/* plans are made when tables are empty, and stay while they fill */
	(void) set_config_option("enable_seqscan", "off", PGC_USERSET, PGC_S_SESSION,
							 GUC_ACTION_SAVE, true, 0, false);
	(void) set_config_option("jit", "off", PGC_USERSET, PGC_S_SESSION,
							 GUC_ACTION_SAVE, true, 0, false);
	for (int from = 0; from < n; from += BATCH)
	{
		MemoryContext old = MemoryContextSwitchTo(batch);
		FeedItem	   *items = palloc(sizeof(FeedItem) * BATCH);
		int32	   *changed = palloc(sizeof(int32) * BATCH);
		int64	   *qty = palloc(sizeof(int64) * BATCH);
		int			nitems;
		int			nchanged = 0;

		CHECK_FOR_INTERRUPTS();
		oms_spi_connect();
		MemoryContextSwitchTo(batch);
		nitems = read_items(r, ids + from, Min(BATCH, n - from), items);
		compute(r, items, nitems, at);
		for (int i = 0; i < nitems; i++)
		{
			FeedItem	   *it = &items[i];

			/* what is not sold there and was never told is nobody's business */
			if (it->told ? it->any == it->told_any && (it->any || it->qty == it->told_qty) : !it->sold)
				continue;
			changed[nchanged] = it->sku_id;
			qty[nchanged++] = it->any ? -1 : it->qty;
		}
		if (nchanged > 0)
		{
			Datum		values[5] = {
				Int32GetDatum(r->company_id), Int32GetDatum(r->channel_id),
				oms_int4_array(changed, nchanged), oms_int8_array(qty, nchanged),
				Int64GetDatum(*version)
			};

			oms_exec(&tell_plan, values, NULL, false, 0);
			values[1] = oms_text(r->code);
			oms_exec(&event_plan, values, NULL, false, 0);
			*version += nchanged;
			told += nchanged;
		}
		oms_spi_finish();
		MemoryContextSwitchTo(old);
		MemoryContextReset(batch);
	}
	AtEOXact_GUC(true, guc);
	MemoryContextDelete(batch);
	return told;
}

/*
 * What was written since a look, for all channels of a company whose last
 * look was then or later.
 */
typedef struct Ids
{
	MemoryContext cxt;
	int			n;
	int			max;
	int32	   *ids;
} Ids;

typedef struct FeedLook
{
	bool		made;
	int32		company_id;
	char	   *seen;
	char	   *now;			/* what the next look begins with */
	bool		too_old;		/* seen is no measure any more */
	bool		many;
	Ids			dirty;			/* in order, each once */
} FeedLook;

static void
add_id(Ids *l, int32 id)
{
	if (l->n == l->max)
	{
		l->max = l->max ? l->max * 2 : 1024;
		l->ids = l->ids ? repalloc_huge(l->ids, sizeof(int32) * l->max) :
			MemoryContextAlloc(l->cxt, sizeof(int32) * l->max);
	}
	l->ids[l->n++] = id;
}

static void
sort_ids(Ids *l)
{
	int			n = 0;

	qsort(l->ids, l->n, sizeof(int32), compare_ids);
	for (int i = 0; i < l->n; i++)
		if (i == 0 || l->ids[i] != l->ids[n - 1])
			l->ids[n++] = l->ids[i];
	l->n = n;
}

static void
add_rows(Ids *l)
{
	for (uint64 i = 0; i < SPI_processed; i++)
		add_id(l, oms_int4(i, 1));
}

/*
 * Items of the company's rows of a table that were written by "seen" or
 * later.  One pass without an executor: it is run every few seconds and
 * mostly finds nothing.  False where that cannot be done (a partitioned
 * table); then it is for a statement.
 */
static bool
scan_table(const char *name, int32 company_id, TransactionId seen, Ids *l)
{
	Oid			relid = get_relname_relid(name, get_namespace_oid("oms", false));
	AttrNumber	company = get_attnum(relid, "company_id");
	AttrNumber	sku = get_attnum(relid, "sku_id");
	Relation	rel;
	TableScanDesc scan;
	TupleTableSlot *slot;
	bool		isnull;

	if (get_rel_relkind(relid) != RELKIND_RELATION || has_subclass(relid))
		return false;
	if (pg_class_aclcheck(relid, GetUserId(), ACL_SELECT) != ACLCHECK_OK)
		return false;			/* the statement says so */
	rel = table_open(relid, AccessShareLock);
	if (rel->rd_tableam != GetHeapamTableAmRoutine() || rel->rd_rel->relrowsecurity)
	{
		table_close(rel, AccessShareLock);
		return false;
	}
	slot = table_slot_create(rel, NULL);
	PushActiveSnapshot(GetLatestSnapshot());
	scan = table_beginscan(rel, GetActiveSnapshot(), 0, NULL);
	while (table_scan_getnextslot(scan, ForwardScanDirection, slot))
	{
		TransactionId xmin = DatumGetTransactionId(slot_getsysattr(slot, MinTransactionIdAttributeNumber, &isnull));

		/* rows that were frozen keep their number: looked at in vain */
		if (TransactionIdIsNormal(xmin) && TransactionIdFollowsOrEquals(xmin, seen) &&
			DatumGetInt32(slot_getattr(slot, company, &isnull)) == company_id)
			add_id(l, DatumGetInt32(slot_getattr(slot, sku, &isnull)));
		if (l->n > 4 * MANY_DIRTY)
		{
			sort_ids(l);
			if (l->n > MANY_DIRTY)
				break;			/* enough for a sweep */
		}
	}
	table_endscan(scan);
	PopActiveSnapshot();
	ExecDropSingleTupleTableSlot(slot);
	table_close(rel, AccessShareLock);
	return true;
}

/* SPI connected. */
static void
look(FeedLook *s, MemoryContext cxt, int32 company_id, const char *seen)
{
	Datum		values[4];
	char		null = seen ? ' ' : 'n';

	if (s->made && s->company_id == company_id && seen && s->seen &&
		strtoull(seen, NULL, 10) >= strtoull(s->seen, NULL, 10))
		return;
	memset(s, 0, sizeof(*s));
	s->made = true;
	s->company_id = company_id;
	s->seen = seen ? oms_strdup(cxt, seen) : NULL;
	s->dirty.cxt = cxt;
	values[0] = oms_text(seen);
	oms_exec(&now_plan, values, &null, false, 0);
	s->now = oms_strdup(cxt, oms_cstr(0, 1));
	s->too_old = oms_bool(0, 2);
	if (s->too_old)
		return;
	values[0] = Int32GetDatum(company_id);
	values[1] = oms_text(seen);
	values[2] = BoolGetDatum(!scan_table("stock", company_id, (TransactionId) strtoull(seen, NULL, 10), &s->dirty));
	values[3] = BoolGetDatum(!scan_table("sku", company_id, (TransactionId) strtoull(seen, NULL, 10), &s->dirty));
	oms_exec(&dirty_plan, values, NULL, false, 0);
	add_rows(&s->dirty);
	sort_ids(&s->dirty);
	s->many = s->dirty.n > MANY_DIRTY;
	if (s->dirty.n == 0 || s->many)
		return;
	values[1] = oms_int4_array(s->dirty.ids, s->dirty.n);
	oms_exec(&kits_plan, values, NULL, false, 0);
	add_rows(&s->dirty);
	sort_ids(&s->dirty);
}

/* Ids of the rows in SPI_tuptable, in a context that outlives it. */
static int32 *
copy_ids(MemoryContext cxt, int *n)
{
	int32	   *ids;

	*n = (int) SPI_processed;
	ids = MemoryContextAllocExtended(cxt, sizeof(int32) * ((Size) *n + 1), MCXT_ALLOC_HUGE);
	for (int i = 0; i < *n; i++)
		ids[i] = oms_int4(i, 1);
	return ids;
}

static int64
refresh(const Rule *r, bool wait, int max, FeedLook *scan, MemoryContext cxt)
{
	MemoryContext caller = CurrentMemoryContext;
	TimestampTz at = GetCurrentTransactionStartTimestamp();
	Datum		key[2] = {Int32GetDatum(r->company_id), Int32GetDatum(r->channel_id)};
	Datum		values[7] = {key[0], key[1]};
	char		nulls[8] = "       ";
	int64		version;
	char	   *seen;
	bool		sweeping;
	bool		begins = false;
	bool		all;
	bool		again;
	int32		from;
	int32	   *own = NULL;
	int32	   *swept = NULL;
	int			nown = 0;
	int			nswept = 0;
	int64		told = 0;

	oms_spi_connect();
	oms_exec(&make_state_plan, key, NULL, false, 0);
	if (oms_exec(wait ? &lock_plan : &try_lock_plan, key, NULL, false, 0) == 0)
	{
		oms_spi_finish();
		return 0;
	}
	version = oms_int8(0, 1);
	seen = oms_strdup(caller, oms_cstr(0, 2));
	sweeping = !oms_isnull(0, 3);
	from = oms_int4(0, 3);
	all = oms_bool(0, 4);
	again = oms_bool(0, 5);

	look(scan, cxt, r->company_id, seen);
	if (scan->too_old || scan->many)
		all = true;
	if (!scan->too_old)
	{
		values[2] = oms_text(seen);
		oms_exec(&all_plan, values, NULL, false, 0);
		all = all || oms_bool(0, 1);
		oms_exec(&rule_plan, values, NULL, false, 0);
		own = copy_ids(caller, &nown);
	}
	/* one under way goes on: begun anew each time it might never end */
	if (all && sweeping && from > 0)
		again = true;
	else if (all)
	{
		sweeping = begins = true;
		from = 0;
	}
	if (sweeping)
	{
		values[2] = Int32GetDatum(from);
		values[3] = Int64GetDatum(max);
		oms_exec(&sweep_plan, values, NULL, false, 0);
		swept = copy_ids(caller, &nswept);
		sweeping = nswept > 0 && nswept >= max;
		from = nswept > 0 ? swept[nswept - 1] : from;
		if (max == 0)
			sweeping = true;	/* it has still to be made */
		else if (!sweeping && again)
		{
			sweeping = true;
			again = false;
			from = 0;
		}
	}
	oms_spi_finish();

	if (!scan->many)
		told = tell(r, scan->dirty.ids, scan->dirty.n, &version, at);
	told += tell(r, own, nown, &version, at);
	told += tell(r, swept, nswept, &version, at);

	oms_spi_connect();
	values[2] = Int64GetDatum(version);
	values[3] = oms_text(scan->now);
	values[4] = Int32GetDatum(from);
	nulls[4] = sweeping ? ' ' : 'n';
	values[5] = BoolGetDatum(begins);
	values[6] = BoolGetDatum(again);
	oms_exec(&done_plan, values, nulls, false, 0);
	oms_spi_finish();
	return told;
}

static int
read_rules(int32 channel_id, Rule **rules)
{
	MemoryContext caller = CurrentMemoryContext;
	Datum		value = Int32GetDatum(channel_id);
	int			n;

	oms_spi_connect();
	n = (int) oms_exec(&rules_plan, &value, NULL, false, 0);
	*rules = MemoryContextAllocZero(caller, sizeof(Rule) * (n + 1));
	for (int i = 0; i < n; i++)
	{
		Rule	   *r = &(*rules)[i];

		r->company_id = oms_int4(i, 1);
		r->channel_id = oms_int4(i, 2);
		r->code = oms_strdup(caller, oms_cstr(i, 3));
		r->active = oms_bool(i, 4);
		r->listed = oms_bool(i, 5);
		r->buffer = oms_int8(i, 6);
		r->pct = oms_int8(i, 7);
		r->minimum = oms_int8(i, 8);
		r->cap = oms_int8(i, 9);
	}
	oms_spi_finish();
	return n;
}

PG_FUNCTION_INFO_V1(oms_refresh_channel_stock);

/* oms.refresh_channel_stock(channel, company, max) */
Datum
oms_refresh_channel_stock(PG_FUNCTION_ARGS)
{
	char	   *code = oms_stock_text_arg(fcinfo, 0);
	int32		max = oms_limit_arg(fcinfo, 2, "max", 20000);
	int32		company_id = 0;
	int32		channel_id = 0;
	Rule	   *rules;
	int			n;
	int64		told = 0;
	FeedLook		scan = {0};

	oms_require_installed();
	if (code)
	{
		company_id = oms_company_id_now(oms_stock_text_arg(fcinfo, 1));
		channel_id = oms_stock_find_channel(company_id, code);
	}
	n = read_rules(channel_id, &rules);
	if (code && n == 0)
		ereport(ERROR,
				(errcode(ERRCODE_OMS_UNKNOWN_REFERENCE),
				 errmsg("channel \"%s\" is not told of stock", code),
				 errhint("Give it a row with sku_id 0 in oms.channel_stock_rule.")));
	for (int i = 0; i < n; i++)
	{
		if (oms_erp_before_promise && (i == 0 || rules[i].company_id != rules[i - 1].company_id))
			oms_erp_before_promise(rules[i].company_id);
		told += refresh(&rules[i], code != NULL, max, &scan, CurrentMemoryContext);
	}
	PG_RETURN_INT64(told);
}

PG_FUNCTION_INFO_V1(oms_channel_sellable);

/* oms.channel_sellable(channel_id, sku_id, at) */
Datum
oms_channel_sellable(PG_FUNCTION_ARGS)
{
	int32		channel_id = PG_GETARG_INT32(0);
	int32		sku_id = PG_GETARG_INT32(1);
	Rule	   *rules;
	FeedItem		item = {0};

	oms_require_installed();
	if (read_rules(channel_id, &rules) == 0)
		ereport(ERROR,
				(errcode(ERRCODE_OMS_UNKNOWN_REFERENCE),
				 errmsg("channel %d is not told of stock", channel_id),
				 errhint("Give it a row with sku_id 0 in oms.channel_stock_rule.")));
	if (oms_erp_before_promise && !RecoveryInProgress())
		oms_erp_before_promise(rules[0].company_id);
	oms_spi_connect();
	read_items(&rules[0], &sku_id, 1, &item);
	compute(&rules[0], &item, 1, PG_GETARG_TIMESTAMPTZ(2));
	oms_spi_finish();
	if (item.any)
		PG_RETURN_NULL();
	PG_RETURN_DATUM(oms_milli_numeric(item.qty));
}
