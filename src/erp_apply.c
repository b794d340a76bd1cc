/*
 * erp_apply.c
 *	  Taking in: changed keys are evaluated anew and written where they
 *	  differ; masters and documents first, then stock, then supply.
 *
 * Locks: the row of oms.erp_attachment first (one applier at a time), then
 * masters and documents, then stock rows by (node_id, sku_id), then supply
 * by item.  Counts are evaluated under
 * a snapshot taken after their rows were locked, so that an older count can
 * never be written over a newer one.
 */
#include "postgres.h"

#include "access/xact.h"
#include "catalog/pg_type.h"
#include "fmgr.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/inval.h"
#include "utils/snapmgr.h"

#include "erp_entity.h"

#define CHUNK_KEYS 500			/* stock rows locked together */

/* from here on, a share of the keys above a tenth means: all at once */
#define WHOLE_FROM 200

static void apply_stock(OmsErp *erp, OmsErpDirty *dirty, OmsErpDirty *lots);
static void apply_all(OmsErp *erp, OmsErpDirty *dirty);

/*
 * Stock
 */
static OmsPlan whole_keys_plan = {
	"SELECT n.erp_key || '|' || s.erp_key FROM oms.stock t"
	" JOIN oms.node n ON n.node_id = t.node_id JOIN oms.sku s ON s.sku_id = t.sku_id"
	" WHERE t.company_id = $1 AND t.on_hand <> 0 AND n.stock_from = 'erp'"
	" AND n.erp_key IS NOT NULL AND s.erp_key IS NOT NULL",
	1, {INT4OID}, NULL
};
static OmsPlan count_plan = {
	"SELECT count(*) FROM oms.stock WHERE company_id = $1", 1, {INT4OID}, NULL
};
static OmsPlan insert_stock_plan = {
	"WITH i AS (INSERT INTO oms.stock (company_id, node_id, sku_id, on_hand)"
	"  SELECT $1, u.node_id, u.sku_id, u.milli::numeric / 1000"
	"  FROM unnest($2::int4[], $3::int4[], $4::int8[]) AS u (node_id, sku_id, milli)"
	"  ORDER BY u.node_id, u.sku_id ON CONFLICT DO NOTHING RETURNING node_id, sku_id, on_hand)"
	" INSERT INTO oms.stock_ledger (company_id, node_id, sku_id, delta, on_hand, reason)"
	" SELECT $1, node_id, sku_id, on_hand, on_hand, $5 FROM i WHERE on_hand <> 0",
	5, {INT4OID, INT4ARRAYOID, INT4ARRAYOID, INT8ARRAYOID, TEXTOID}, NULL
};
static OmsPlan lock_stock_plan = {
	"SELECT 1 FROM oms.stock t JOIN unnest($2::int4[], $3::int4[]) AS u (node_id, sku_id)"
	" ON u.node_id = t.node_id AND u.sku_id = t.sku_id"
	" WHERE t.company_id = $1 ORDER BY t.node_id, t.sku_id FOR NO KEY UPDATE OF t",
	3, {INT4OID, INT4ARRAYOID, INT4ARRAYOID}, NULL
};

typedef struct StockIntake
{
	OmsErp	   *erp;
	OmsErpDirty *dirty;
	OmsErpDirty *lot_dirty;
	OmsErpCount *counts;		/* of all keys concerned, in lock order */
	int			n;
	OmsErpCount *chunk;
	int			nchunk;
	OmsErpBooked *booked;
	int			nbooked;
	OmsStockLots lots;
	MemoryContext cxt;
} StockIntake;

static void
key_arrays(OmsErpCount *counts, int n, Datum *values)
{
	int32	   *d = palloc(sizeof(int32) * Max(n, 1));

	for (int i = 0; i < n; i++)
		d[i] = counts[i].key.node_id;
	values[0] = oms_int4_array(d, n);
	for (int i = 0; i < n; i++)
		d[i] = counts[i].key.sku_id;
	values[1] = oms_int4_array(d, n);
}

/* All keys concerned, with a first look at their counts, nothing locked. */
static void
look_at_stock(void *arg)
{
	StockIntake *in = (StockIntake *) arg;
	OmsErpDirty *dirty = in->dirty;
	OmsErpCount *counts;
	OmsErpBooked *booked;
	int			nbooked;
	Datum		values[1] = {Int32GetDatum(in->erp->company_id)};

	oms_spi_connect();
	oms_erp_push_latest();
	if (in->erp->paused[OMS_ERP_STOCK])
	{
		dirty->whole = false;
		dirty->n = 0;
	}
	if (!dirty->whole && dirty->n >= WHOLE_FROM)
	{
		oms_exec(&count_plan, values, NULL, true, 1);
		dirty->whole = (int64) dirty->n * 10 > oms_int8(0, 1);
	}
	if (dirty->whole)
	{
		char	   *query = oms_erp_entity_query(in->erp, OMS_ERP_STOCK);

		dirty->n = 0;
		oms_exec(&whole_keys_plan, values, NULL, true, 0);
		for (uint64 i = 0; i < SPI_processed; i++)
			oms_erp_dirty_add(dirty, oms_cstr(i, 1));
		if (query)
		{
			oms_erp_run(in->erp, "SELECT q.key::text FROM (%s\n) AS q", query,
						TEXTARRAYOID, (Datum) 0, true);
			for (uint64 i = 0; i < SPI_processed; i++)
			{
				char	   *key = oms_cstr(i, 1);

				if (key)
					oms_erp_dirty_add(dirty, key);
			}
		}
	}
	for (int i = 0; i < in->lot_dirty->n; i++)
		oms_erp_dirty_add(dirty, in->lot_dirty->keys[i]);
	counts = oms_erp_map_keys(in->erp, dirty->keys, dirty->n, &in->n);
	oms_erp_count_keys(in->erp, counts, in->n, dirty->whole, &booked, &nbooked);
	in->counts = MemoryContextAllocHuge(in->cxt, sizeof(OmsErpCount) * Max(in->n, 1));
	memcpy(in->counts, counts, sizeof(OmsErpCount) * in->n);
	for (int i = 0; i < in->n; i++)
		in->counts[i].erp_key = MemoryContextStrdup(in->cxt, counts[i].erp_key);
	PopActiveSnapshot();
	oms_spi_finish();
}

/* Keys without a row that have stock: makes their rows. */
static void
insert_rows(StockIntake *in)
{
	OmsErpCount *news = palloc(sizeof(OmsErpCount) * Max(in->n, 1));
	int64	   *milli = palloc(sizeof(int64) * Max(in->n, 1));
	int			n = 0;
	Datum		values[5];

	for (int i = 0; i < in->n; i++)
		if (!in->counts[i].exists && in->counts[i].on_hand != 0)
		{
			/*
			 * Nobody can hold what has no row, so in a snapshot the count
			 * goes in with it; later it goes the way of all counts, which
			 * tells those who wait for stock.
			 */
			milli[n] = in->erp->snapshot ? in->counts[i].on_hand : 0;
			news[n++] = in->counts[i];
		}
	if (n == 0)
		return;
	values[0] = Int32GetDatum(in->erp->company_id);
	key_arrays(news, n, &values[1]);
	values[3] = oms_int8_array(milli, n);
	values[4] = oms_text("snapshot");
	oms_spi_connect();
	oms_exec(&insert_stock_plan, values, NULL, false, 0);
	oms_spi_finish();
	pfree(news);
}

static void
pause_lots(StockIntake *in, ErrorData *failed)
{
	in->erp->paused[OMS_ERP_LOT] = true;
	oms_erp_pause(in->erp, OMS_ERP_LOT, failed->message);
}

/* Which of the keys whose lots may have changed have other lots than ours. */
static void
look_at_lots(StockIntake *in)
{
	OmsErpCount *counts;
	OmsStockLots lots;
	ErrorData  *failed;
	bool	   *differ;
	int			n;

	oms_spi_connect();
	oms_erp_push_latest();
	counts = oms_erp_map_keys(in->erp, in->lot_dirty->keys, in->lot_dirty->n, &n);
	for (int i = 0; i < n; i++)
		counts[i].on_hand = counts[i].was;
	failed = oms_erp_lots(in->erp, counts, n, in->lot_dirty->whole,
						  CurrentMemoryContext, &lots);
	if (!failed)
	{
		differ = oms_stock_lots_differ(in->erp->company_id, &lots);
		for (int i = 0; i < lots.nkeys; i++)
		{
			OmsErpCount *c = oms_erp_find_count(in->counts, in->n, lots.keys[i]);

			if (c && counts[i].exists)
				c->lots = differ[i];
		}
	}
	PopActiveSnapshot();
	if (failed)
		pause_lots(in, failed);
	oms_spi_finish();
}

static void
evaluate_chunk(void *arg)
{
	StockIntake *in = (StockIntake *) arg;
	OmsErpBooked *booked;
	ErrorData  *failed;

	oms_spi_connect();
	oms_erp_push_latest();
	oms_erp_count_keys(in->erp, in->chunk, in->nchunk, false, &booked, &in->nbooked);
	in->booked = MemoryContextAlloc(in->cxt, sizeof(OmsErpBooked) * Max(in->nbooked, 1));
	if (in->nbooked > 0)
		memcpy(in->booked, booked, sizeof(OmsErpBooked) * in->nbooked);
	failed = oms_erp_lots(in->erp, in->chunk, in->nchunk, false, in->cxt, &in->lots);
	PopActiveSnapshot();
	if (failed)
		pause_lots(in, failed);
	oms_spi_finish();
}

static void
apply_stock(OmsErp *erp, OmsErpDirty *dirty, OmsErpDirty *lots)
{
	StockIntake in = {0};
	OmsErpGuard guard;
	ErrorData  *failed = NULL;
	int			n = 0;
	bool		any = !erp->paused[OMS_ERP_STOCK] && (dirty->whole || dirty->n > 0);

	in.erp = erp;
	in.dirty = dirty;
	in.lot_dirty = lots;
	in.cxt = CurrentMemoryContext;
	if (erp->paused[OMS_ERP_LOT])
		memset(lots, 0, sizeof(*lots));
	else if (lots->whole || lots->n > 0)
	{
		oms_erp_enter(&guard);
		if (lots->whole)
			failed = oms_erp_all_lots(erp, lots, in.cxt);
		if (failed)
			pause_lots(&in, failed);
		oms_erp_leave(&guard);
		any |= lots->n > 0;
	}
	if (!any)
		return;
	oms_erp_enter(&guard);
	failed = oms_erp_try(look_at_stock, &in);
	if (failed)
		oms_erp_pause(erp, OMS_ERP_STOCK, failed->message);
	else
		insert_rows(&in);
	if (!failed && lots->n > 0 && !erp->paused[OMS_ERP_LOT])
		look_at_lots(&in);
	oms_erp_leave(&guard);
	if (failed)
		return;

	/* what looks different, or may hold a booking, is looked at again */
	for (int i = 0; i < in.n; i++)
	{
		OmsErpCount *c = &in.counts[i];

		c->lots_only = c->exists ? (!c->calls && c->on_hand == c->was)
			: (c->on_hand == 0 || erp->snapshot);
		if (c->lots || !c->lots_only)
			in.counts[n++] = *c;
	}
	for (int from = 0; from < n; from += CHUNK_KEYS)
	{
		Datum		values[3];

		CHECK_FOR_INTERRUPTS();
		in.chunk = in.counts + from;
		in.nchunk = Min(CHUNK_KEYS, n - from);
		oms_spi_connect();
		values[0] = Int32GetDatum(erp->company_id);
		key_arrays(in.chunk, in.nchunk, &values[1]);
		oms_exec(&lock_stock_plan, values, NULL, false, 0);
		oms_spi_finish();

		oms_erp_enter(&guard);
		failed = oms_erp_try(evaluate_chunk, &in);
		if (failed)
			oms_erp_pause(erp, OMS_ERP_STOCK, failed->message);
		oms_erp_leave(&guard);
		if (failed)
			return;
		oms_erp_write_counts(erp, in.chunk, in.nchunk, in.booked, in.nbooked,
							 &in.lots);
	}
}

/* Supply on its way, after stock: its locks are taken in that order. */
static void
apply_supply(OmsErp *erp, OmsErpDirty *dirty)
{
	OmsErpDirty added = {0};
	OmsErpGuard guard;

	if (!dirty->whole && dirty->n == 0)
		return;
	oms_erp_enter(&guard);
	oms_erp_apply_entity(erp, OMS_ERP_INBOUND, dirty, &added);
	oms_erp_leave(&guard);
}

/*
 * SQL entry points
 */
/* the first of its rows stands for all: who applies holds it */
static OmsPlan lock_plan = {
	"SELECT 1 FROM oms.erp_attachment WHERE profile = $1 AND company_id = (SELECT min(f.company_id) FROM oms.erp_attachment f WHERE f.profile = $1) FOR NO KEY UPDATE",
	1, {TEXTOID}, NULL
};
static OmsPlan claim_plan = {
	"WITH w AS MATERIALIZED (SELECT x.change_id FROM (SELECT e.change_id, sum(e.changes) OVER (ORDER BY e.change_id) - e.changes AS before"
	"  FROM (SELECT f.change_id, f.changes FROM oms.erp_change f"
	"   WHERE f.relation NOT IN (SELECT l.relation FROM oms.erp_source_link l WHERE l.state = 'paused')"
	"   ORDER BY f.change_id LIMIT $1) e) x WHERE x.before < $1),"
	" c AS MATERIALIZED (SELECT e.change_id FROM oms.erp_change e JOIN w ON w.change_id = e.change_id"
	"  ORDER BY e.change_id FOR UPDATE OF e SKIP LOCKED),"
	" r AS (DELETE FROM oms.erp_change e USING c WHERE e.change_id = c.change_id"
	"  RETURNING e.relation, e.op, e.changes, e.images),"
	" t AS MATERIALIZED (SELECT relation, bool_or(op = 'T') AS whole, sum(changes)::int8 AS changes FROM r GROUP BY 1)"
	OMS_ERP_IMAGES_OF_CLAIMED,
	1, {INT4OID}, NULL
};

/*
 * Bulk changes: more rows of a table than are worth looking at one by one
 * are taken all together, and its entities evaluated whole, by one query.
 */
static OmsPlan claim_bulk_plan = {
	"WITH b AS MATERIALIZED (SELECT e.relation FROM oms.erp_change e"
	"  WHERE e.relation NOT IN (SELECT l.relation FROM oms.erp_source_link l WHERE l.state = 'paused')"
	"  GROUP BY 1 HAVING sum(e.changes) > 20000 AND sum(e.changes) * 10 > greatest("
	"  (SELECT count(*) FROM oms.stock WHERE company_id = $1), (SELECT count(*) FROM oms.sku WHERE company_id = $1),"
	"  (SELECT count(*) FROM oms.price WHERE company_id = $1), (SELECT count(*) FROM oms.customer WHERE company_id = $1))),"
	" c AS MATERIALIZED (SELECT e.change_id FROM oms.erp_change e WHERE e.relation IN (SELECT relation FROM b) FOR UPDATE SKIP LOCKED),"
	" r AS (DELETE FROM oms.erp_change e USING c WHERE e.change_id = c.change_id RETURNING e.relation, e.changes)"
	" SELECT relation, true, NULL::jsonb[], sum(changes)::int8 FROM r GROUP BY relation",
	1, {INT4OID}, NULL
};
static OmsPlan clock_plan = {
	"UPDATE oms.erp_attachment a SET clock_on = (now() AT TIME ZONE c.timezone)::date FROM oms.company c"
	" WHERE a.profile = $1 AND a.company_id = $2 AND c.company_id = a.company_id AND a.clock_on < (now() AT TIME ZONE c.timezone)::date",
	2, {TEXTOID, INT4OID}, NULL
};
static OmsPlan daily_plan = {
	"SELECT entity FROM oms.erp_entity WHERE profile = $1 AND daily",
	1, {TEXTOID}, NULL
};

static OmsPlan applied_plan = {
	"UPDATE oms.erp_attachment SET applied_at = clock_timestamp() WHERE profile = $1",
	1, {TEXTOID}, NULL
};

/* An attached company and what it has to look at */
typedef struct Firm
{
	OmsErp		erp;
	OmsErpDirty dirty[OMS_ERP_NENTITIES];
} Firm;

/*
 * Becomes the one applier; all that are attached, under a fresh snapshot.
 * The ERP's companies share its tables, so they are one attachment each of
 * one profile, and what a change touches is asked for each.
 */
static Firm *
begin_apply(int *n)
{
	OmsErp		first;
	Datum		values[1];
	int32	   *companies;
	Firm	   *firms;

	*n = 0;
	oms_erp_push_latest();
	if (!oms_erp_load(&first, 0))
	{
		PopActiveSnapshot();
		return NULL;
	}
	PopActiveSnapshot();
	values[0] = oms_text(first.profile);
	oms_exec(&lock_plan, values, NULL, false, 0);
	oms_erp_push_latest();
	companies = oms_erp_companies(n);
	firms = palloc0(sizeof(Firm) * Max(*n, 1));
	for (int i = 0; i < *n; i++)
		(void) oms_erp_load(&firms[i].erp, companies[i]);
	PopActiveSnapshot();
	return firms;
}

/* SPI connected, guard entered; left for the writing of counts. */
static void
apply_all(OmsErp *erp, OmsErpDirty *dirty)
{
	OmsErpDirty *stock = &dirty[OMS_ERP_STOCK];
	OmsErpDirty *lots = &dirty[OMS_ERP_LOT];
	int			from = stock->n;
	bool		whole = stock->whole;

	oms_erp_apply_masters(erp, dirty, stock);
	/* what is new here may have been there with its lots before */
	lots->whole |= stock->whole && !whole;
	for (int i = from; i < stock->n; i++)
		oms_erp_dirty_add(lots, stock->keys[i]);
}

/* Guard entered; left afterwards. */
static void
apply_firms(Firm *firms, int n, OmsErpGuard *guard)
{
	for (int i = 0; i < n; i++)
	{
		OmsErpDirty *dirty = firms[i].dirty;

		if (i > 0)
			oms_erp_enter(guard);
		apply_all(&firms[i].erp, dirty);
		oms_erp_leave(guard);
		apply_stock(&firms[i].erp, &dirty[OMS_ERP_STOCK], &dirty[OMS_ERP_LOT]);
		apply_supply(&firms[i].erp, &dirty[OMS_ERP_INBOUND]);
	}
	if (n == 0)
		oms_erp_leave(guard);
}

/* What the rows just claimed touch; returns how many changes they were. */
static int64
resolve_claimed(Firm *firms, int n)
{
	int			ntables;
	OmsErpChanged *tables;
	int64		taken = 0;

	for (uint64 i = 0; i < SPI_processed; i++)
		taken += oms_int8(i, 4);
	tables = oms_erp_changed(&ntables);
	oms_erp_push_latest();
	for (int i = 0; i < n; i++)
		oms_erp_resolve(&firms[i].erp, tables, ntables, firms[i].dirty);
	PopActiveSnapshot();
	return taken;
}

PG_FUNCTION_INFO_V1(oms_erp_apply);

Datum
oms_erp_apply(PG_FUNCTION_ARGS)
{
	int32		max_changes = oms_limit_arg(fcinfo, 0, "max_changes", 0);
	Firm	   *firms;
	int			n;
	OmsErpGuard guard;
	Datum		values[2];
	int64		taken = 0;

	oms_require_installed();
	oms_erp_enter(&guard);
	oms_spi_connect();
	firms = begin_apply(&n);
	if (n > 0)
	{
		if (oms_erp_check_tables(&firms[0].erp, firms[0].dirty))
		{
			oms_erp_push_latest();
			for (int i = 0; i < n; i++)
				(void) oms_erp_load(&firms[i].erp, firms[i].erp.company_id);
			PopActiveSnapshot();
		}
		for (int i = 1; i < n; i++)
			for (int e = 0; e < OMS_ERP_NENTITIES; e++)
				firms[i].dirty[e].whole = firms[0].dirty[e].whole;
		values[0] = oms_text(firms[0].erp.profile);
		for (int i = 0; i < n; i++)
		{
			values[1] = Int32GetDatum(firms[i].erp.company_id);
			if (oms_exec(&clock_plan, values, NULL, false, 0) == 0)
				continue;
			oms_exec(&daily_plan, values, NULL, false, 0);
			for (uint64 k = 0; k < SPI_processed; k++)
			{
				int			e = oms_erp_entity_number(oms_cstr(k, 1));

				if (e >= 0)
					firms[i].dirty[e].whole = true;
			}
		}
		if (oms_erp_log_has_rows())
		{
			if (oms_erp_log_is_long())
			{
				values[0] = Int32GetDatum(firms[0].erp.company_id);
				oms_exec(&claim_bulk_plan, values, NULL, false, 0);
				taken += resolve_claimed(firms, n);
			}
			values[0] = Int32GetDatum(max_changes);
			oms_exec(&claim_plan, values, NULL, false, 0);
			taken += resolve_claimed(firms, n);
		}
		if (taken > 0)
		{
			values[0] = oms_text(firms[0].erp.profile);
			oms_exec(&applied_plan, values, NULL, false, 0);
		}
	}
	apply_firms(firms, n, &guard);
	oms_spi_finish();
	PG_RETURN_INT32((int32) taken);
}

PG_FUNCTION_INFO_V1(oms_erp_refresh);

Datum
oms_erp_refresh(PG_FUNCTION_ARGS)
{
	Firm	   *firms;
	int			n;
	int			entity = -1;
	OmsErpGuard guard;

	oms_require_installed();
	if (!PG_ARGISNULL(0))
	{
		char	   *name = text_to_cstring(PG_GETARG_TEXT_PP(0));

		entity = oms_erp_entity_number(name);
		if (entity < 0)
			ereport(ERROR,
					(errcode(ERRCODE_OMS_UNKNOWN_REFERENCE),
					 errmsg("there is no entity \"%s\"", name),
					 errhint("Entities are the values of oms.erp_entities().")));
	}
	oms_erp_enter(&guard);
	oms_spi_connect();
	firms = begin_apply(&n);
	for (int i = 0; i < n; i++)
		for (int e = 0; e < OMS_ERP_NENTITIES; e++)
			firms[i].dirty[e].whole = entity < 0 || e == entity;
	apply_firms(firms, n, &guard);
	oms_spi_finish();
	PG_RETURN_VOID();
}

PG_FUNCTION_INFO_V1(oms_erp_pending);

/*
 * For people and tests: the keys of an item the ERP has changed and
 * oms.stock does not show yet, as a promise would see them.
 */
Datum
oms_erp_pending(PG_FUNCTION_ARGS)
{
	int32		company_id = PG_GETARG_INT32(0);
	int32		sku_id = PG_GETARG_INT32(1);
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
	OmsStockKey *keys;
	int64	   *on_hand;
	int			n;

	InitMaterializedSRF(fcinfo, 0);
	n = oms_stock_erp.pending(company_id, &sku_id, 1, &keys, &on_hand, NULL);
	for (int i = 0; i < n; i++)
	{
		Datum		values[2] = {
			Int32GetDatum(keys[i].node_id), oms_milli_numeric(on_hand[i])
		};
		bool		nulls[2] = {false, false};

		tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, values, nulls);
	}
	return (Datum) 0;
}
