/*
 * stock.c
 *	  Reservations: what is taken, kept, given back.
 *
 * oms.stock is the truth; its row locks order everything.  Whoever changes
 * reservations of a key holds the stock row of that key first: stock rows by
 * (node_id, sku_id), then reservation rows.  stock.reserved is the sum of
 * the reservations that are open or leaving, and of what orders hold that
 * are accepted and not made yet; the constraint stock_never_oversold stands
 * behind every path here.
 *
 * Where the ERP counts (node.stock_from = erp) its last committed count may
 * not have reached oms.stock yet.  Levels and reservations ask the ERP room
 * through oms_stock_erp: levels look through at the ERP's count, and a
 * reservation refreshes the rows it has locked before it checks them.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "fmgr.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/builtins.h"

#include "core_memo.h"
#include "core_probe.h"
#include "core_rows.h"
#include "stock_batch.h"
#include "stock_level.h"
#include "stock_row.h"
#include "stock_sql.h"

OmsStockErp oms_stock_erp;
void		(*oms_erp_before_promise) (int32 company_id);
void		(*oms_stock_rose) (int32 company_id, int32 sku_id);

/* A key with what is asked of it in one call. */
typedef struct KeyDemand
{
	OmsStockKey key;
	int64		qty;
} KeyDemand;

static int	lock_to_take(int32 company_id, const OmsStockKey *keys, int nkeys,
						 OmsStockLevel *levels);
static int	compare_demand(const void *a, const void *b);
static void add_cart_keys(int32 company_id, const OmsStockView *view,
						  KeyDemand **demand, int *n);
static void ensure_erp_rows(int32 company_id, const OmsStockKey *keys,
							int nkeys);
static bool give_back(int32 company_id, const OmsStockKey *keys, int nkeys,
					  const OmsStockView *view);
static void take_lots(int32 company_id, OmsStockKey key,
					  const OmsStockTake *takes, int ntakes,
					  const OmsStockView *view);
static void split_quota(OmsStockTake *takes, int ntakes,
						const OmsStockLevel *l, int64 qty);

bool
oms_stock_level_now(int32 company_id, OmsStockKey key, OmsStockLevel *level)
{
	/* many orders in one transaction: one of them will want it locked */
	if (oms_stock_batch_collecting() ?
		lock_to_take(company_id, &key, 1, level) == 0 :
		oms_stock_row_level(company_id, key, level) != OMS_STOCK_ROW_DONE)
		return false;
	level->tracked = true;
	return !level->has_terms;
}

/*
 * Reserving
 */
static OmsPlan hold_plan = {
	"INSERT INTO oms.reservation (company_id, node_id, sku_id, qty, allocation_id, cart_id, expires_at, quota_id, quota_qty)"
	" VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
	9, {INT4OID, INT4OID, INT4OID, NUMERICOID, INT8OID, TEXTOID, TIMESTAMPTZOID, INT8OID, NUMERICOID}, NULL
};

static void
insert_hold(int32 company_id, const OmsStockTake *t)
{
	Datum		values[9] = {
		Int32GetDatum(company_id), Int32GetDatum(t->key.node_id),
		Int32GetDatum(t->key.sku_id), oms_milli_numeric(t->qty),
		Int64GetDatum(t->allocation_id), oms_text(t->cart_id),
		TimestampTzGetDatum(t->expires_at), Int64GetDatum(t->quota_id),
		oms_milli_numeric(t->quota_qty)
	};

	if (t->quota_qty > 0)
		oms_insert(&hold_plan, values, t->cart_id ? "    n    " : "     nn  ");
	else
		oms_insert(&hold_plan, values, t->cart_id ? "    n  nn" : "     nnnn");
}

int
oms_stock_reserve(int32 company_id, OmsStockTake *takes, int ntakes,
				  const OmsStockView *view, int64 *available)
{
	KeyDemand  *demand;
	OmsStockKey *keys;
	OmsStockLevel *levels;
	int			n = 0;
	int			nlevels;
	int			nupdates = 0;
	int64	   *qty;
	OmsStockKey *changed;
	int			short_at = -1;
	bool		changed_here;
	bool		bare = ntakes > 0 && takes[0].allocation_id == 0 &&
	takes[0].cart_id == NULL;

	oms_spi_connect();
	demand = palloc(sizeof(KeyDemand) * (ntakes + 1));
	for (int i = 0; i < ntakes; i++)
	{
		Assert(takes[i].qty > 0);
		takes[i].quota_qty = takes[i].beyond = 0;
		demand[n].key = takes[i].key;
		demand[n++].qty = takes[i].qty;
	}
	if (view->nown_carts > 0)
		add_cart_keys(company_id, view, &demand, &n);

	/* demand on one key is one demand */
	qsort(demand, n, sizeof(KeyDemand), compare_demand);
	keys = palloc(sizeof(OmsStockKey) * (n + 1));
	for (int i = 0, m = 0; i < n; i++)
	{
		if (m > 0 && oms_stock_compare_keys(&demand[m - 1].key, &demand[i].key) == 0)
			demand[m - 1].qty += demand[i].qty;
		else
			demand[m++] = demand[i];
		if (i == n - 1)
			n = m;
	}
	for (int i = 0; i < n; i++)
		keys[i] = demand[i].key;

	ensure_erp_rows(company_id, keys, n);
	levels = palloc0(sizeof(OmsStockLevel) * (n + 1));
	oms_early_release_mark();
	nlevels = lock_to_take(company_id, keys, n, levels);
	/* only now: the ERP may have committed while we waited for the rows */
	changed_here = oms_stock_erp.refresh &&
		oms_stock_erp.refresh(company_id, keys, n);
	if (give_back(company_id, keys, n, view) || changed_here)
		nlevels = lock_to_take(company_id, keys, n, levels);
	oms_stock_terms(company_id, levels, nlevels, view, NULL);

	qty = palloc(sizeof(int64) * (n + 1));
	changed = palloc(sizeof(OmsStockKey) * (n + 1));
	for (int i = 0; i < n && short_at < 0; i++)
	{
		OmsStockLevel *l = oms_stock_find_level(levels, nlevels, keys[i].node_id,
									  keys[i].sku_id);
		int64		free_qty = l ? oms_stock_available(l) : 0;

		/* without a reservation nobody knows which quota, lots or supply */
		if (bare)
			free_qty = l == NULL || l->has_terms || !l->tracked ? 0 :
				free_qty - l->backorder_limit;
		if (demand[i].qty > free_qty)
		{
			for (int t = 0; t < ntakes && short_at < 0; t++)
				if (oms_stock_compare_keys(&takes[t].key, &keys[i]) == 0)
					short_at = t;
			*available = Max(free_qty, 0);
			oms_stock_batch_reread();
		}
		else if (l && l->tracked && demand[i].qty > 0)
		{
			changed[nupdates] = keys[i];
			qty[nupdates++] = demand[i].qty;
		}
	}

	if (short_at < 0)
	{
		for (int i = 0; i < nupdates; i++)
			oms_stock_batch_take(company_id, changed[i], qty[i]);
		for (int i = 0; i < nupdates; i++)
		{
			OmsStockLevel *l = oms_stock_find_level(levels, nlevels, changed[i].node_id,
										  changed[i].sku_id);

			if (l->quota_left > 0)
			{
				split_quota(takes, ntakes, l, qty[i]);
				oms_stock_quota_use(company_id, l->quota_id,
									Min(qty[i], l->quota_left));
			}
		}
		for (int i = 0; i < ntakes; i++)
		{
			OmsStockLevel *l = oms_stock_find_level(levels, nlevels, takes[i].key.node_id,
										  takes[i].key.sku_id);

			if (!l->tracked)
				continue;
			if (!bare)
				insert_hold(company_id, &takes[i]);
			l->reserved += takes[i].qty;
			takes[i].beyond = oms_stock_beyond(l, takes[i].qty);
		}
		for (int i = 0; i < nupdates; i++)
		{
			OmsStockLevel *l = oms_stock_find_level(levels, nlevels, changed[i].node_id,
										  changed[i].sku_id);
			int64		after = oms_stock_node_available(l);

			if (l->has_lots)
				take_lots(company_id, changed[i], takes, ntakes, view);

			oms_stock_alert(company_id, changed[i], after + qty[i], after);
		}
	}
	oms_spi_finish();
	return short_at;
}

/* Lots for what was just taken of a key. */
static void
take_lots(int32 company_id, OmsStockKey key, const OmsStockTake *takes,
		  int ntakes, const OmsStockView *view)
{
	int64	   *ids = palloc(sizeof(int64) * (ntakes + 1));
	int			n = 0;
	const char *cart_id = NULL;

	for (int i = 0; i < ntakes; i++)
	{
		if (oms_stock_compare_keys(&takes[i].key, &key) != 0)
			continue;
		if (takes[i].cart_id)
			cart_id = takes[i].cart_id;
		else
			ids[n++] = takes[i].allocation_id;
	}
	oms_stock_lots_take(company_id, key, ids, n, cart_id, view->channel_id,
						view->at);
}

/* The first takes of a key use up the channel's quota. */
static void
split_quota(OmsStockTake *takes, int ntakes, const OmsStockLevel *l,
			int64 qty)
{
	int64		left = Min(qty, l->quota_left);

	for (int i = 0; i < ntakes && left > 0; i++)
		if (oms_stock_compare_keys(&takes[i].key, &l->key) == 0)
		{
			takes[i].quota_id = l->quota_id;
			takes[i].quota_qty = Min(left, takes[i].qty);
			left -= takes[i].quota_qty;
		}
}

static OmsPlan lock_plan = {
	"SELECT node_id, sku_id, on_hand, reserved, safety, backorder_limit, NOT sellable, has_terms"
	" FROM oms.stock WHERE company_id = $1 AND node_id = $2 AND sku_id = $3"
	" FOR NO KEY UPDATE",
	3, {INT4OID, INT4OID, INT4OID}, NULL
};

/*
 * Locks the rows of sorted keys in their order and reads them; keys without
 * a row are missing from the result.  A look-up a key: orders have few.
 */
int
oms_stock_lock_rows(int32 company_id, const OmsStockKey *keys, int nkeys,
		  OmsStockLevel *levels)
{
	Datum		values[3];
	int			n = 0;

	values[0] = Int32GetDatum(company_id);
	for (int i = 0; i < nkeys; i++)
	{
		bool		exists;
		bool		tracked = oms_stock_is_tracked(keys[i].sku_id, &exists);

		switch (oms_stock_row_lock(company_id, keys[i], &levels[n]))
		{
			case OMS_STOCK_ROW_DONE:
				levels[n++].tracked = tracked;
				break;
			case OMS_STOCK_ROW_NONE:
				break;
			case OMS_STOCK_ROW_BY_SQL:
				values[1] = Int32GetDatum(keys[i].node_id);
				values[2] = Int32GetDatum(keys[i].sku_id);
				if (oms_exec(&lock_plan, values, NULL, false, 1) > 0)
					oms_stock_read_level(0, tracked, &levels[n++]);
				break;
		}
	}
	return n;
}

/* The same for takes, which in a batch of orders need the table once. */
static int
lock_to_take(int32 company_id, const OmsStockKey *keys, int nkeys,
			 OmsStockLevel *levels)
{
	int			n = 0;

	for (int i = 0; i < nkeys; i++)
	{
		if (oms_stock_batch_level(company_id, keys[i], &levels[n]))
			n++;
		else if (oms_stock_lock_rows(company_id, &keys[i], 1, &levels[n]) > 0)
			oms_stock_batch_keep(company_id, &levels[n++]);
	}
	return n;
}

static OmsPlan new_row_plan = {
	"INSERT INTO oms.stock (company_id, node_id, sku_id) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING",
	3, {INT4OID, INT4OID, INT4OID}, NULL
};

/*
 * Makes sure a key has a row to lock.
 */
void
oms_stock_ensure_rows(int32 company_id, const OmsStockKey *keys, int nkeys)
{
	Datum		values[3];

	values[0] = Int32GetDatum(company_id);
	for (int i = 0; i < nkeys; i++)
	{
		values[1] = Int32GetDatum(keys[i].node_id);
		values[2] = Int32GetDatum(keys[i].sku_id);
		oms_exec(&new_row_plan, values, NULL, false, 0);
	}
}

/*
 * Where the ERP has committed counts of keys that have no row yet, make the
 * row, so that it can be locked.
 */
static void
ensure_erp_rows(int32 company_id, const OmsStockKey *keys, int nkeys)
{
	OmsStockKey *pending;
	int64	   *on_hand;
	int			npending;
	int32	   *skus;
	OmsStockKey *mine;
	int			nmine = 0;

	if (oms_stock_erp.pending == NULL || nkeys == 0)
		return;
	skus = palloc(sizeof(int32) * nkeys);
	for (int i = 0; i < nkeys; i++)
		skus[i] = keys[i].sku_id;
	npending = oms_stock_erp.pending(company_id, skus, nkeys, &pending, &on_hand,
									 NULL);
	if (npending == 0)
		return;
	mine = palloc(sizeof(OmsStockKey) * npending);
	for (int i = 0; i < nkeys; i++)
		for (int p = 0; p < npending; p++)
			if (oms_stock_compare_keys(&keys[i], &pending[p]) == 0)
			{
				mine[nmine++] = keys[i];
				break;
			}
	if (nmine == 0)
		return;
	oms_stock_ensure_rows(company_id, mine, nmine);
}

/*
 * Giving back
 *
 * The shortfall falls with reserved: it is what reserved exceeds the count
 * by, and only a count may let it grow.
 */
#define UNQUOTA \
	", back AS (UPDATE oms.stock_quota q SET used = q.used - c.qty" \
	"  FROM (SELECT company_id, quota_id, sum(quota_qty) AS qty FROM closed WHERE quota_id IS NOT NULL GROUP BY 1, 2) c" \
	"  WHERE q.company_id = c.company_id AND q.quota_id = c.quota_id)"
static OmsPlan unreserve_plan = {
	"UPDATE oms.stock SET reserved = reserved - $4,"
	" shortfall = greatest(0, least(shortfall, reserved - $4 - greatest(on_hand, 0) - greatest(backorder_limit, channel_depth))),"
	" version = version + 1, updated_at = now()"
	" WHERE company_id = $1 AND node_id = $2 AND sku_id = $3",
	4, {INT4OID, INT4OID, INT4OID, NUMERICOID}, NULL
};

/* Of a row that is locked, for reservations that were closed. */
void
oms_stock_unreserve(int32 company_id, OmsStockKey key, int64 qty)
{
	Datum		values[4] = {
		Int32GetDatum(company_id), Int32GetDatum(key.node_id),
		Int32GetDatum(key.sku_id), oms_milli_numeric(qty)
	};

	if (oms_stock_row_add(company_id, key, -qty) != OMS_STOCK_ROW_DONE)
		oms_exec(&unreserve_plan, values, NULL, false, 0);
}

static OmsPlan give_back_plan = {
	"WITH closed AS (UPDATE oms.reservation r SET state = 'closed', closed_at = now(),"
	"  close_reason = CASE WHEN r.cart_id = ANY ($4) THEN 'converted' ELSE 'expired' END"
	"  WHERE r.company_id = $1 AND r.reservation_id = ANY ($2) AND r.state = 'open'"
	"  RETURNING r.company_id, r.qty, r.quota_id, r.quota_qty)" UNQUOTA
	" SELECT (sum(qty) * 1000)::int8 FROM closed",
	4, {INT4OID, INT8ARRAYOID, INT4OID, TEXTARRAYOID}, NULL
};
static OmsPlan carts_plan = {
	"SELECT reservation_id FROM oms.reservation WHERE company_id = $1 AND node_id = $2 AND sku_id = $3"
	" AND cart_id IS NOT NULL AND state = 'open' AND expires_at <= $5 AND cart_id <> ALL ($4)"
	" UNION ALL SELECT reservation_id FROM oms.reservation WHERE company_id = $1 AND node_id = $2 AND sku_id = $3"
	" AND state = 'open' AND cart_id = ANY ($4)",
	5, {INT4OID, INT4OID, INT4OID, TEXTARRAYOID, TIMESTAMPTZOID}, NULL
};

/*
 * Under the row locks: closes what expired carts and the own carts hold; true
 * when there was something.
 */
static bool
give_back(int32 company_id, const OmsStockKey *keys, int nkeys,
		  const OmsStockView *view)
{
	Datum		values[5];
	bool		any = false;
	int64	   *ids;
	int			n;

	values[0] = Int32GetDatum(company_id);
	values[3] = oms_text_array(view->own_carts, view->nown_carts);
	values[4] = TimestampTzGetDatum(view->at);
	for (int i = 0; i < nkeys; i++)
	{
		values[1] = Int32GetDatum(keys[i].node_id);
		values[2] = Int32GetDatum(keys[i].sku_id);
		if (view->nown_carts == 0 &&
			!oms_stock_expired_holds(company_id, keys[i].sku_id, view->at))
			continue;
		n = (int) oms_exec(&carts_plan, values, NULL, false, 0);
		if (n == 0)
			continue;
		ids = palloc(sizeof(int64) * n);
		for (int k = 0; k < n; k++)
			ids[k] = oms_int8(k, 1);
		values[1] = oms_int8_array(ids, n);
		oms_stock_batch_write();
		oms_exec(&give_back_plan, values, NULL, false, 0);
		oms_stock_unreserve(company_id, keys[i], oms_int8(0, 1));
		any = true;
	}
	return any;
}

OmsPlan		oms_stock_allocation_keys = {
	"SELECT DISTINCT node_id, sku_id FROM oms.reservation"
	" WHERE company_id = $1 AND allocation_id = $2 AND state = 'open' ORDER BY 1, 2",
	2, {INT4OID, INT8OID}, NULL
};
static OmsPlan cart_keys_plan = {
	"SELECT DISTINCT node_id, sku_id FROM oms.reservation"
	" WHERE company_id = $1 AND cart_id = $2 AND state = 'open' ORDER BY 1, 2",
	2, {INT4OID, TEXTOID}, NULL
};
static OmsPlan own_keys_plan = {
	"SELECT DISTINCT node_id, sku_id FROM oms.reservation"
	" WHERE company_id = $1 AND cart_id = ANY ($2) AND state = 'open' ORDER BY 1, 2",
	2, {INT4OID, TEXTARRAYOID}, NULL
};
static OmsPlan expired_keys_plan = {
	"SELECT DISTINCT node_id, sku_id FROM oms.reservation"
	" WHERE company_id = $1 AND cart_id = $2 AND state = 'open' AND expires_at <= $4 ORDER BY 1, 2",
	4, {INT4OID, TEXTOID, TEXTOID, TIMESTAMPTZOID}, NULL
};
#define CLOSED \
	" SELECT node_id, sku_id, (sum(qty) * 1000)::int8 FROM closed GROUP BY 1, 2 ORDER BY 1, 2"
#define RELEASE(which) \
	"WITH closed AS (UPDATE oms.reservation r SET state = 'closed', closed_at = now(), close_reason = $3" \
	"  WHERE r.company_id = $1 AND " which " AND r.state = 'open'" \
	"  RETURNING r.company_id, r.node_id, r.sku_id, r.qty, r.quota_id, r.quota_qty)" \
	UNQUOTA CLOSED

static OmsPlan release_allocation_plan = {
	RELEASE("r.allocation_id = $2"),
	3, {INT4OID, INT8OID, TEXTOID}, NULL
};
/* $4 of $5 units; what stays held stays in its row */
static OmsPlan release_part_plan = {
	"WITH part AS (SELECT reservation_id, node_id, sku_id, round(qty * $4 / $5, 3) AS qty, qty AS held, quota_id, quota_qty FROM oms.reservation"
	"  WHERE company_id = $1 AND allocation_id = $2 AND state = 'open'),"
	/* the quota keeps what it can: given back from it is what no longer fits */
	" kept AS (UPDATE oms.reservation r SET qty = r.qty - p.qty, quota_qty = CASE WHEN r.quota_qty > 0 THEN least(r.quota_qty, r.qty - p.qty) END FROM part p"
	"  WHERE r.company_id = $1 AND r.reservation_id = p.reservation_id),"
	" closed AS (INSERT INTO oms.reservation (company_id, node_id, sku_id, qty, state, close_reason, allocation_id, closed_at, quota_id, quota_qty)"
	"  SELECT $1, node_id, sku_id, qty, 'closed', $3, $2, now(), CASE WHEN quota_qty + qty > held THEN quota_id END, nullif(greatest(quota_qty + qty - held, 0), 0) FROM part"
	"  RETURNING company_id, node_id, sku_id, qty, quota_id, quota_qty)"
	UNQUOTA CLOSED,
	5, {INT4OID, INT8OID, TEXTOID, NUMERICOID, NUMERICOID}, NULL
};
static OmsPlan release_cart_plan = {
	RELEASE("r.cart_id = $2"),
	3, {INT4OID, TEXTOID, TEXTOID}, NULL
};
static OmsPlan expire_cart_plan = {
	RELEASE("r.cart_id = $2 AND r.expires_at <= $4"),
	4, {INT4OID, TEXTOID, TEXTOID, TIMESTAMPTZOID}, NULL
};

int
oms_stock_read_keys(OmsStockKey **keys)
{
	int			n = (int) SPI_processed;

	*keys = palloc(sizeof(OmsStockKey) * Max(n, 1));
	for (int i = 0; i < n; i++)
	{
		(*keys)[i].node_id = oms_int4(i, 1);
		(*keys)[i].sku_id = oms_int4(i, 2);
	}
	return n;
}

/* $4 and $5 of the plans are "more" and "whole". */
static int64
release(int32 company_id, OmsPlan *keys_plan, OmsPlan *release_plan,
		Datum owner, const char *reason, Datum more, Datum whole)
{
	Datum		values[5] = {
		Int32GetDatum(company_id), owner, oms_text(reason), more, whole
	};
	OmsStockKey *keys;
	int			n;
	int64		total = 0;
	uint64		released;
	int64	   *qty;

	oms_stock_batch_write();
	oms_spi_connect();
	oms_exec(keys_plan, values, NULL, false, 0);
	n = oms_stock_read_keys(&keys);
	if (n > 0)
	{
		OmsStockLevel *levels = palloc0(sizeof(OmsStockLevel) * n);

		oms_early_release_mark();
		n = oms_stock_lock_rows(company_id, keys, n, levels);
		released = oms_exec(release_plan, values, NULL, false, 0);
		qty = palloc(sizeof(int64) * (released + 1));
		keys = palloc(sizeof(OmsStockKey) * (released + 1));
		for (uint64 i = 0; i < released; i++)
		{
			keys[i].node_id = oms_int4(i, 1);
			keys[i].sku_id = oms_int4(i, 2);
			qty[i] = oms_int8(i, 3);
			total += qty[i];
		}
		for (uint64 i = 0; i < released; i++)
		{
			OmsStockLevel *l = oms_stock_find_level(levels, n, keys[i].node_id, keys[i].sku_id);
			int64		before;

			if (l == NULL)
				continue;
			l->tracked = true;
			before = oms_stock_node_available(l);
			oms_stock_unreserve(company_id, keys[i], qty[i]);
			l->reserved -= qty[i];
			oms_stock_alert(company_id, keys[i], before, oms_stock_node_available(l));
		}
	}
	oms_spi_finish();
	return total;
}

void
oms_stock_lock_allocations(int32 company_id, const int64 *ids, int nids)
{
	Datum		values[2] = {Int32GetDatum(company_id)};
	KeyDemand  *held = palloc(sizeof(KeyDemand));
	OmsStockKey *keys;
	int			n = 0;
	int			distinct = 0;

	oms_spi_connect();
	for (int i = 0; i < nids; i++)
	{
		int			found;

		values[1] = Int64GetDatum(ids[i]);
		oms_exec(&oms_stock_allocation_keys, values, NULL, false, 0);
		found = oms_stock_read_keys(&keys);
		held = repalloc(held, sizeof(KeyDemand) * (n + found + 1));
		for (int k = 0; k < found; k++)
			held[n++].key = keys[k];
	}
	qsort(held, n, sizeof(KeyDemand), compare_demand);
	keys = palloc(sizeof(OmsStockKey) * (n + 1));
	for (int i = 0; i < n; i++)
		if (i == 0 || oms_stock_compare_keys(&held[i].key, &held[i - 1].key) != 0)
			keys[distinct++] = held[i].key;
	oms_stock_lock_rows(company_id, keys, distinct,
			  palloc0(sizeof(OmsStockLevel) * (distinct + 1)));
	oms_spi_finish();
	pfree(held);
}

void
oms_stock_hold_takes(int32 company_id, const OmsStockTake *takes, int ntakes)
{
	oms_spi_connect();
	for (int i = 0; i < ntakes; i++)
		insert_hold(company_id, &takes[i]);
	oms_spi_finish();
}

void
oms_stock_give_takes(int32 company_id, const OmsStockTake *takes, int ntakes,
					 const OmsStockTake *ahead, int nahead)
{
	int			n = ntakes + nahead;
	KeyDemand  *wanted = palloc(sizeof(KeyDemand) * (n + 1));
	OmsStockKey *keys = palloc(sizeof(OmsStockKey) * (n + 1));
	OmsStockLevel *levels = palloc0(sizeof(OmsStockLevel) * (n + 1));
	int			nkeys = 0;
	int			nlevels;

	for (int i = 0; i < n; i++)
		wanted[i].key = i < ntakes ? takes[i].key : ahead[i - ntakes].key;
	qsort(wanted, n, sizeof(KeyDemand), compare_demand);
	for (int i = 0; i < n; i++)
		if (i == 0 || oms_stock_compare_keys(&wanted[i].key, &wanted[i - 1].key) != 0)
			keys[nkeys++] = wanted[i].key;
	oms_spi_connect();
	oms_early_release_mark();
	nlevels = oms_stock_lock_rows(company_id, keys, nkeys, levels);
	for (int i = 0; i < ntakes; i++)
	{
		OmsStockLevel *l = oms_stock_find_level(levels, nlevels, takes[i].key.node_id,
									  takes[i].key.sku_id);
		int64		before;

		if (l == NULL)
			continue;
		before = oms_stock_node_available(l);
		oms_stock_unreserve(company_id, takes[i].key, takes[i].qty);
		l->reserved -= takes[i].qty;
		oms_stock_alert(company_id, takes[i].key, before, oms_stock_node_available(l));
	}
	oms_spi_finish();
}

/* The ERP may hold the same units for the same order. */
static int64
released(int32 company_id, int64 allocation_id, int64 qty)
{
	if (qty > 0 && oms_stock_erp.released)
		oms_stock_erp.released(company_id, allocation_id);
	return qty;
}

int64
oms_stock_release_allocation(int32 company_id, int64 allocation_id)
{
	return released(company_id, allocation_id,
					release(company_id, &oms_stock_allocation_keys,
							&release_allocation_plan,
							Int64GetDatum(allocation_id), "released",
							(Datum) 0, (Datum) 0));
}

int64
oms_stock_release_part(int32 company_id, int64 allocation_id, int64 part,
					   int64 whole)
{
	return released(company_id, allocation_id,
					release(company_id, &oms_stock_allocation_keys,
							&release_part_plan, Int64GetDatum(allocation_id),
							"released", oms_milli_numeric(part),
							oms_milli_numeric(whole)));
}

int64
oms_stock_release_cart(int32 company_id, const char *cart_id)
{
	int64		released = release(company_id, &cart_keys_plan,
								   &release_cart_plan, oms_text(cart_id),
								   "released", (Datum) 0, (Datum) 0);

	if (released == 0)
		oms_early_release_rely();
	return released;
}

int64
oms_stock_expire_cart(int32 company_id, const char *cart_id, TimestampTz at)
{
	return release(company_id, &expired_keys_plan, &expire_cart_plan,
				   oms_text(cart_id), "expired", TimestampTzGetDatum(at),
				   (Datum) 0);
}

void
oms_stock_lock_key(int32 company_id, OmsStockKey key, OmsStockLevel *level)
{
	oms_stock_batch_write();
	oms_stock_ensure_rows(company_id, &key, 1);
	oms_stock_lock_rows(company_id, &key, 1, level);
}

void
oms_stock_alert(int32 company_id, OmsStockKey key, int64 before,
				   int64 after)
{
	OmsJson		j;

	if (after > Max(before, 0) && oms_stock_rose)
		oms_stock_rose(company_id, key.sku_id);
	if ((before > 0) == (after > 0))
		return;
	oms_json_begin(&j);
	oms_json_int(&j, "node_id", key.node_id);
	oms_json_milli(&j, "available", after);
	oms_event(company_id, "stock", key.sku_id,
			  after > 0 ? "stock.in" : "stock.out", oms_json_end(&j));
}

static void
add_cart_keys(int32 company_id, const OmsStockView *view,
			  KeyDemand **demand, int *n)
{
	Datum		values[2] = {
		Int32GetDatum(company_id),
		oms_text_array(view->own_carts, view->nown_carts)
	};
	int			found = (int) oms_exec(&own_keys_plan, values, NULL, false, 0);

	*demand = repalloc(*demand, sizeof(KeyDemand) * (*n + found + 1));
	for (int i = 0; i < found; i++)
	{
		KeyDemand  *d = &(*demand)[(*n)++];

		d->key.node_id = oms_int4(i, 1);
		d->key.sku_id = oms_int4(i, 2);
		d->qty = 0;
	}
}

static int
compare_demand(const void *a, const void *b)
{
	return oms_stock_compare_keys(&((const KeyDemand *) a)->key,
						&((const KeyDemand *) b)->key);
}
