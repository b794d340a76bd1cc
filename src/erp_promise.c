/*
 * erp_promise.c
 *	  The hooks by which promises, reservations and plans see the ERP's last
 *	  word: counts that are pending, and masters taken in before.
 *
 * They run in the caller's transaction at any isolation level, also on a
 * standby, and cost a look at an empty log when nothing is pending.
 */
#include "postgres.h"

#include "access/xact.h"
#include "access/xlog.h"
#include "catalog/pg_type.h"
#include "utils/snapmgr.h"

#include "erp.h"

/*
 * The stock room asks
 */
static OmsPlan read_stock_plan = {
	"WITH t AS MATERIALIZED (SELECT c.relation, bool_or(c.op = 'T') OR sum(c.changes) > " OMS_ERP_MANY_LOOKED " AS whole FROM oms.erp_change c"
	"  WHERE c.relation = 'oms.stock' OR c.relation IN (SELECT replace(s.relation, '@erp@', $2)"
	"  FROM oms.erp_source s WHERE s.profile = $1 AND s.entity IN ('stock', 'lot')) GROUP BY 1)"
	OMS_ERP_IMAGES_OF_LOG,
	2, {TEXTOID, TEXTOID}, NULL
};
static OmsPlan keys_of_skus_plan = {
	"SELECT n.erp_key || '|' || s.erp_key FROM oms.node n, oms.sku s"
	" WHERE n.company_id = $1 AND n.stock_from = 'erp' AND n.erp_key IS NOT NULL"
	" AND s.company_id = $1 AND s.sku_id = ANY ($2) AND s.erp_key IS NOT NULL"
	" AND ($3 IS NULL OR n.erp_key || '|' || s.erp_key = ANY ($3))",
	3, {INT4OID, INT4ARRAYOID, TEXTARRAYOID}, NULL
};

/* One question of the stock room, answered inside oms_erp_try(). */
typedef struct Question
{
	int32		company_id;
	const int32 *skus;
	int			nskus;
	MemoryContext cxt;			/* of the answer */
	OmsErp		erp;
	OmsErpCount *counts;
	int			n;
	OmsErpBooked *booked;
	int			nbooked;
	bool		want_lots;
	OmsStockLots lots;
} Question;

static void
answer(void *arg)
{
	Question   *q = (Question *) arg;
	OmsErpDirty dirty[OMS_ERP_NENTITIES];
	OmsErpDirty *stock = &dirty[OMS_ERP_STOCK];
	OmsErpGuard guard;
	Datum		values[3];
	char		nulls[] = "   ";
	char	  **keys;
	int			nkeys;
	OmsErpCount *counts;
	OmsErpBooked *booked;

	memset(dirty, 0, sizeof(dirty));
	oms_erp_enter(&guard);
	oms_spi_connect();
	oms_erp_push_latest();
	if (oms_erp_load(&q->erp, q->company_id) &&
		!(q->erp.paused[OMS_ERP_STOCK] && q->erp.paused[OMS_ERP_LOT]))
	{
		/* the tables' other entities are not asked about */
		for (OmsErpEntity e = 0; e < OMS_ERP_NENTITIES; e++)
			if (e != OMS_ERP_STOCK && e != OMS_ERP_LOT)
				q->erp.paused[e] = true;
		values[0] = oms_text(q->erp.profile);
		values[1] = oms_text(q->erp.schema);
		oms_exec(&read_stock_plan, values, NULL, true, 0);
		oms_erp_resolve_rows(&q->erp, dirty);
		stock->whole |= dirty[OMS_ERP_LOT].whole;
		for (int i = 0; i < dirty[OMS_ERP_LOT].n; i++)
			oms_erp_dirty_add(stock, dirty[OMS_ERP_LOT].keys[i]);
		if (stock->whole || stock->n > 0)
		{
			values[0] = Int32GetDatum(q->company_id);
			values[1] = oms_int4_array(q->skus, q->nskus);
			if (stock->whole)
				nulls[2] = 'n';
			else
				values[2] = oms_text_array((const char *const *) stock->keys, stock->n);
			nkeys = (int) oms_exec(&keys_of_skus_plan, values, nulls, true, 0);
			keys = palloc(sizeof(char *) * Max(nkeys, 1));
			for (int i = 0; i < nkeys; i++)
				keys[i] = oms_cstr(i, 1);
			if (nkeys > 0)
			{
				counts = oms_erp_map_keys(&q->erp, keys, nkeys, &q->n);
				oms_erp_count_keys(&q->erp, counts, q->n, false, &booked,
								   &q->nbooked);
				q->counts = MemoryContextAlloc(q->cxt, sizeof(OmsErpCount) * Max(q->n, 1));
				memcpy(q->counts, counts, sizeof(OmsErpCount) * q->n);
				q->booked = MemoryContextAlloc(q->cxt, sizeof(OmsErpBooked) * Max(q->nbooked, 1));
				if (q->nbooked > 0)
					memcpy(q->booked, booked, sizeof(OmsErpBooked) * q->nbooked);
				if (q->want_lots)
				{
					ErrorData  *failed = oms_erp_lots(&q->erp, q->counts, q->n, false,
													  q->cxt, &q->lots);

					if (failed)
						ereport(LOG,
								(errmsg("the ERP's lots could not be evaluated, the last ones stand: %s",
										failed->message)));
				}
			}
		}
	}
	PopActiveSnapshot();
	oms_spi_finish();
	oms_erp_leave(&guard);
}

/*
 * What the ERP has changed and we have not taken in, of these items.  An
 * ERP whose tables no longer fit the profile must not stop a promise: it is
 * logged, and oms.erp_apply() pauses the entity.
 */
static bool
ask(Question *q, int32 company_id, const int32 *skus, int nskus,
	bool want_lots)
{
	ErrorData  *failed;

	memset(q, 0, sizeof(*q));
	q->want_lots = want_lots;
	if (nskus == 0 || !oms_erp_log_has_rows())
		return false;
	q->company_id = company_id;
	q->skus = skus;
	q->nskus = nskus;
	q->cxt = CurrentMemoryContext;
	failed = oms_erp_try(answer, q);
	if (failed)
	{
		ereport(LOG,
				(errmsg("the ERP's stock could not be evaluated, the last count stands: %s",
						failed->message)));
		return false;
	}
	return q->n > 0;
}

int
oms_erp_pending_counts(int32 company_id, const int32 *sku_ids, int nskus,
					   OmsStockKey **keys, int64 **on_hand,
					   OmsStockLots *lots)
{
	Question	q;

	if (!ask(&q, company_id, sku_ids, nskus, lots != NULL))
		return 0;
	*keys = palloc(sizeof(OmsStockKey) * q.n);
	*on_hand = palloc(sizeof(int64) * q.n);
	for (int i = 0; i < q.n; i++)
	{
		(*keys)[i] = q.counts[i].key;
		/* what left is still in reserved: not to be subtracted twice */
		(*on_hand)[i] = q.counts[i].on_hand + q.counts[i].left;
	}
	if (lots)
	{
		*lots = q.lots;
		oms_erp_booked_lots(lots, q.booked, q.nbooked);
	}
	return q.n;
}

bool
oms_erp_refresh_counts(int32 company_id, const OmsStockKey *keys, int nkeys)
{
	Question	q;
	int32	   *skus = palloc(sizeof(int32) * Max(nkeys, 1));
	int			n = 0;
	OmsErpBooked *booked;
	int			nbooked = 0;
	OmsStockLots lots;

	for (int i = 0; i < nkeys; i++)
		skus[i] = keys[i].sku_id;
	if (!ask(&q, company_id, skus, nkeys, true))
		return false;

	/* only the keys whose rows the caller holds */
	for (int i = 0; i < q.n; i++)
		for (int k = 0; k < nkeys; k++)
			if (q.counts[i].key.node_id == keys[k].node_id &&
				q.counts[i].key.sku_id == keys[k].sku_id)
			{
				q.counts[n++] = q.counts[i];
				break;
			}
	booked = palloc(sizeof(OmsErpBooked) * Max(q.nbooked, 1));
	for (int i = 0; i < q.nbooked; i++)
		for (int k = 0; k < n; k++)
			if (q.booked[i].key.node_id == q.counts[k].key.node_id &&
				q.booked[i].key.sku_id == q.counts[k].key.sku_id)
				booked[nbooked++] = q.booked[i];
	oms_erp_some_lots(&q.lots, q.counts, n, &lots);
	oms_erp_write_counts(&q.erp, q.counts, n, booked, nbooked, &lots);
	return n > 0;
}

/*
 * Masters, before a promise
 */
#define MASTER_TABLES \
	"WITH m AS MATERIALIZED (SELECT replace(s.relation, '@erp@', $2) AS relation, bool_or(s.entity <> ALL ('" OMS_ERP_OF_ORDERS "'::text[])) AS others" \
	"  FROM oms.erp_source s WHERE s.profile = $1 GROUP BY 1 HAVING bool_or(s.entity = ANY ('" OMS_ERP_OF_ORDERS "'::text[]))),"

static OmsPlan read_masters_plan = {
	MASTER_TABLES
	" t AS MATERIALIZED (SELECT c.relation, bool_or(c.op = 'T') OR sum(c.changes) > " OMS_ERP_MANY_LOOKED " AS whole FROM oms.erp_change c"
	"  WHERE c.relation IN (SELECT relation FROM m WHERE others OR NOT $3) GROUP BY 1)"
	OMS_ERP_IMAGES_OF_LOG,
	3, {TEXTOID, TEXTOID, BOOLOID}, NULL
};

/* Rows of tables that feed nothing but these masters are done with then. */
static OmsPlan claim_masters_plan = {
	MASTER_TABLES
	" c AS MATERIALIZED (SELECT change_id FROM oms.erp_change"
	"  WHERE relation IN (SELECT relation FROM m WHERE NOT others)"
	"  ORDER BY change_id FOR UPDATE SKIP LOCKED),"
	" r AS (DELETE FROM oms.erp_change e USING c WHERE e.change_id = c.change_id"
	"  RETURNING e.relation, e.op, e.changes, e.images),"
	" t AS MATERIALIZED (SELECT relation, bool_or(op = 'T') OR sum(changes) > " OMS_ERP_MANY_LOOKED " AS whole, sum(changes)::int8 AS changes FROM r GROUP BY 1)"
	OMS_ERP_IMAGES_OF_CLAIMED,
	2, {TEXTOID, TEXTOID}, NULL
};
static OmsPlan lock_wait_plan = {
	"SELECT 1 FROM oms.erp_attachment WHERE profile = $1 AND company_id = (SELECT min(f.company_id) FROM oms.erp_attachment f WHERE f.profile = $1) FOR NO KEY UPDATE",
	1, {TEXTOID}, NULL
};
static OmsPlan lock_try_plan = {
	"SELECT 1 FROM oms.erp_attachment WHERE profile = $1 AND company_id = (SELECT min(f.company_id) FROM oms.erp_attachment f WHERE f.profile = $1) FOR NO KEY UPDATE SKIP LOCKED",
	1, {TEXTOID}, NULL
};
static OmsPlan note_plan = {
	"INSERT INTO oms.erp_change (relation, op, images)"
	" VALUES ('oms.stock', CASE WHEN $1 THEN 'T' ELSE 'K' END, json_build_array(json_build_array('keys'), json_build_array(to_json($2))))",
	2, {BOOLOID, TEXTARRAYOID}, NULL
};

/*
 * Pending changes of masters.  With "claim" (the lock held) their rows are
 * deleted where they have no further use; not at REPEATABLE READ, where
 * another's deletion would be a serialization failure.
 */
static bool
read_masters(const OmsErp *erp, OmsErpDirty *dirty, bool claim)
{
	Datum		values[3] = {
		oms_text(erp->profile), oms_text(erp->schema),
		BoolGetDatum(claim)
	};

	memset(dirty, 0, sizeof(OmsErpDirty) * OMS_ERP_NENTITIES);
	if (claim)
	{
		oms_exec(&claim_masters_plan, values, NULL, false, 0);
		oms_erp_resolve_rows(erp, dirty);
	}
	oms_exec(&read_masters_plan, values, NULL, true, 0);
	oms_erp_resolve_rows(erp, dirty);
	for (int e = 0; e < OMS_ERP_STOCK; e++)
		if (dirty[e].whole || dirty[e].n > 0)
			return true;
	return false;
}

static void
take_in_masters(void *arg)
{
	int32		company_id = *(int32 *) arg;
	OmsErp		erp;
	OmsErpDirty dirty[OMS_ERP_NENTITIES];
	OmsErpDirty stock = {0};
	OmsErpGuard guard;
	bool		some;

	oms_erp_enter(&guard);
	oms_spi_connect();
	oms_erp_push_latest();
	some = oms_erp_load(&erp, company_id);
	/* an order does not ask for the others: they are the worker's */
	for (OmsErpEntity e = 0; e < OMS_ERP_NENTITIES; e++)
		if (!oms_erp_of_orders(e))
			erp.paused[e] = true;
	some = some && read_masters(&erp, dirty, false);
	PopActiveSnapshot();
	if (some)
	{
		Datum		values[2] = {oms_text(erp.profile)};

		/*
		 * One at a time writes masters.  Waiting is safe only while this
		 * transaction holds nothing another could wait for; else whoever is
		 * at it will have done it in a moment, and prices may be as old.
		 */
		if (!TransactionIdIsValid(GetTopTransactionIdIfAny()))
			oms_exec(&lock_wait_plan, values, NULL, false, 1);
		else if (oms_exec(&lock_try_plan, values, NULL, false, 1) == 0)
			some = false;
	}
	if (some)
	{
		oms_erp_push_latest();
		some = read_masters(&erp, dirty, erp.alone && !IsolationUsesXactSnapshot());
		PopActiveSnapshot();
	}
	if (some)
	{
		oms_erp_apply_masters(&erp, dirty, &stock);
		if (stock.whole || stock.n > 0)
		{
			Datum		values[2] = {
				BoolGetDatum(stock.whole),
				oms_text_array((const char *const *) stock.keys, stock.n)
			};

			oms_exec(&note_plan, values, NULL, false, 0);
		}
	}
	oms_spi_finish();
	oms_erp_leave(&guard);
}

void
oms_erp_take_in_masters(int32 company_id)
{
	ErrorData  *failed;

	if (XactReadOnly || RecoveryInProgress() || !oms_erp_log_has_rows())
		return;
	failed = oms_erp_try(take_in_masters, &company_id);
	if (failed)
		ereport(LOG,
				(errmsg("the ERP's masters could not be taken in, the last ones stand: %s",
						failed->message)));
}
