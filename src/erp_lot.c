/*
 * erp_lot.c
 *	  Lots as the ERP states them.
 *
 * The key of the entity is that of stock; its query returns a row a lot.  So
 * all lots of an item at a node are evaluated together, under one snapshot
 * with their count, and fitted to it (oms.erp_new_lot).  A query that fails
 * pauses lots only: counts go on.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/snapmgr.h"

#include "erp.h"

/* One look, inside oms_erp_try(). */
typedef struct Look
{
	const OmsErp *erp;
	OmsErpCount *counts;
	int			n;
	bool		whole;
	OmsErpDirty *dirty;
	MemoryContext cxt;			/* of the answer */
	OmsStockLots *lots;
} Look;

static void look_at_lots(void *arg);
static void look_for_keys(void *arg);

ErrorData *
oms_erp_lots(const OmsErp *erp, OmsErpCount *counts, int n, bool whole,
			 MemoryContext cxt, OmsStockLots *lots)
{
	Look		l = {erp, counts, n, whole, NULL, cxt, lots};
	ErrorData  *failed;

	memset(lots, 0, sizeof(*lots));
	if (n == 0 || erp->paused[OMS_ERP_LOT])
		return NULL;
	failed = oms_erp_try(look_at_lots, &l);
	if (failed)
		memset(lots, 0, sizeof(*lots));
	return failed;
}

static OmsPlan new_lot_plan = {
	"SELECT l.node_id, l.sku_id, to_jsonb(l) FROM oms.erp_new_lot($1, $2, $3, $4, $5, $6) AS l",
	6, {INT4OID, JSONBARRAYOID, TEXTARRAYOID, INT4ARRAYOID, INT4ARRAYOID, INT8ARRAYOID}, NULL
};

/* The query's rows, as they are. */
static Datum
run_query(const Look *l, const char *query, Datum keys)
{
	uint64		n = oms_erp_run(l->erp, "SELECT to_jsonb(q) FROM (%s\n) AS q WHERE q.key IS NOT NULL",
								query, TEXTARRAYOID, l->whole ? (Datum) 0 : keys, l->whole);
	Datum	   *rows = MemoryContextAllocHuge(CurrentMemoryContext,
											  sizeof(Datum) * (n + 1));
	bool		isnull;

	for (uint64 i = 0; i < n; i++)
		rows[i] = oms_datum(i, 1, &isnull);
	return PointerGetDatum(construct_array(rows, (int) n, JSONBOID, -1, false,
										   TYPALIGN_INT));
}

static void
look_at_lots(void *arg)
{
	Look	   *l = (Look *) arg;
	OmsStockLots *lots = l->lots;
	char	   *query;
	char	  **keys = palloc(sizeof(char *) * l->n);
	int32	   *nodes = palloc(sizeof(int32) * l->n);
	int32	   *skus = palloc(sizeof(int32) * l->n);
	int64	   *milli = palloc(sizeof(int64) * l->n);
	Datum		values[6];
	bool		isnull;

	oms_spi_connect();
	query = oms_erp_entity_query(l->erp, OMS_ERP_LOT);
	if (query)
	{
		lots->nkeys = l->n;
		lots->keys = MemoryContextAlloc(l->cxt, sizeof(OmsStockKey) * l->n);
		for (int i = 0; i < l->n; i++)
		{
			lots->keys[i] = l->counts[i].key;
			keys[i] = l->counts[i].erp_key;
			nodes[i] = l->counts[i].key.node_id;
			skus[i] = l->counts[i].key.sku_id;
			milli[i] = l->counts[i].on_hand;
		}
		values[0] = Int32GetDatum(l->erp->company_id);
		values[2] = oms_text_array((const char *const *) keys, l->n);
		values[1] = run_query(l, query, values[2]);
		values[3] = oms_int4_array(nodes, l->n);
		values[4] = oms_int4_array(skus, l->n);
		values[5] = oms_int8_array(milli, l->n);
		lots->n = (int) oms_exec(&new_lot_plan, values, NULL, true, 0);
		lots->of = MemoryContextAlloc(l->cxt, sizeof(OmsStockKey) * (lots->n + 1));
		lots->rows = MemoryContextAlloc(l->cxt, sizeof(Datum) * (lots->n + 1));
		for (int i = 0; i < lots->n; i++)
		{
			Datum		row = oms_datum(i, 3, &isnull);
			MemoryContext old;

			lots->of[i].node_id = oms_int4(i, 1);
			lots->of[i].sku_id = oms_int4(i, 2);
			old = MemoryContextSwitchTo(l->cxt);
			lots->rows[i] = PointerGetDatum(PG_DETOAST_DATUM_COPY(row));
			MemoryContextSwitchTo(old);
		}
	}
	oms_spi_finish();
}

/*
 * Which keys have lots
 */
ErrorData *
oms_erp_all_lots(const OmsErp *erp, OmsErpDirty *dirty, MemoryContext cxt)
{
	Look		l = {erp, NULL, 0, true, dirty, cxt, NULL};

	return oms_erp_try(look_for_keys, &l);
}

static OmsPlan our_keys_plan = {
	"SELECT DISTINCT n.erp_key || '|' || s.erp_key FROM oms.stock_lot b"
	" JOIN oms.node n ON n.node_id = b.node_id JOIN oms.sku s ON s.sku_id = b.sku_id"
	" WHERE b.company_id = $1 AND NOT b.gone AND n.stock_from = 'erp'"
	" AND n.erp_key IS NOT NULL AND s.erp_key IS NOT NULL",
	1, {INT4OID}, NULL
};

static void
add_keys(Look *l)
{
	for (uint64 i = 0; i < SPI_processed; i++)
	{
		char	   *key = oms_cstr(i, 1);
		MemoryContext old = MemoryContextSwitchTo(l->cxt);

		if (key)
			oms_erp_dirty_add(l->dirty, key);
		MemoryContextSwitchTo(old);
	}
}

static void
look_for_keys(void *arg)
{
	Look	   *l = (Look *) arg;
	char	   *query;
	Datum		values[1] = {Int32GetDatum(l->erp->company_id)};

	oms_spi_connect();
	oms_erp_push_latest();
	query = oms_erp_entity_query(l->erp, OMS_ERP_LOT);
	if (query)
	{
		oms_erp_run(l->erp, "SELECT DISTINCT q.key::text FROM (%s\n) AS q", query,
					TEXTARRAYOID, (Datum) 0, true);
		add_keys(l);
		oms_exec(&our_keys_plan, values, NULL, true, 0);
		add_keys(l);
	}
	PopActiveSnapshot();
	oms_spi_finish();
}

/*
 * Parts of an answer
 */
static int
by_key(const void *a, const void *b)
{
	const OmsStockKey *x = &((const OmsErpCount *) a)->key;
	const OmsStockKey *y = &((const OmsErpCount *) b)->key;

	if (x->node_id != y->node_id)
		return x->node_id < y->node_id ? -1 : 1;
	return x->sku_id < y->sku_id ? -1 : x->sku_id > y->sku_id;
}

/* Among counts in lock order. */
OmsErpCount *
oms_erp_find_count(OmsErpCount *counts, int n, OmsStockKey key)
{
	OmsErpCount probe;

	probe.key = key;
	return n == 0 ? NULL : bsearch(&probe, counts, n, sizeof(OmsErpCount), by_key);
}

void
oms_erp_some_lots(const OmsStockLots *lots, const OmsErpCount *counts, int n,
				  OmsStockLots *some)
{
	memset(some, 0, sizeof(*some));
	if (lots->nkeys == 0)
		return;
	some->keys = palloc(sizeof(OmsStockKey) * (n + 1));
	some->of = palloc(sizeof(OmsStockKey) * (lots->n + 1));
	some->rows = palloc(sizeof(Datum) * (lots->n + 1));
	for (int i = 0; i < n; i++)
		some->keys[some->nkeys++] = counts[i].key;
	for (int i = 0; i < lots->n; i++)
		if (oms_erp_find_count((OmsErpCount *) counts, n, lots->of[i]))
		{
			some->of[some->n] = lots->of[i];
			some->rows[some->n++] = lots->rows[i];
		}
}

void
oms_erp_booked_lots(OmsStockLots *lots, const OmsErpBooked *booked,
					int nbooked)
{
	lots->left = palloc(sizeof(int64) * (nbooked + 1));
	for (int i = 0; i < nbooked; i++)
		if (booked[i].done && booked[i].reservation_id != 0)
			lots->left[lots->nleft++] = booked[i].reservation_id;
}

/* For the stock room: who states lots at this company's nodes? */
bool
oms_erp_states_lots(int32 company_id)
{
	OmsErp		erp;
	OmsErpGuard guard;
	bool		lots;

	oms_erp_enter(&guard);
	oms_spi_connect();
	oms_erp_push_latest();
	lots = oms_erp_load(&erp, company_id) && erp.lots;
	PopActiveSnapshot();
	oms_spi_finish();
	oms_erp_leave(&guard);
	return lots;
}
