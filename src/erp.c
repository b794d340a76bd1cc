/*
 * erp.c
 *	  What the ERP says now: pending changes, resolved to keys, evaluated by
 *	  the profile's queries.
 *
 * A profile's texts run with the rights of the owner of oms.erp_change, a
 * fixed search_path, read-only, under a snapshot taken at that moment (not
 * the transaction's): what any ERP transaction has committed is seen, at
 * every isolation level of ours.
 *
 * Freshness.  A change of the ERP commits together with its row in
 * oms.erp_change.  Whoever takes it in deletes that row in the same
 * transaction that writes the result.  So whoever finds no row under a fresh
 * snapshot knows that oms.stock is as fresh as the ERP; whoever finds some
 * evaluates the keys they touch itself.  The answer needs no order of
 * changes: it is always the whole present state of a key.
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/table.h"
#include "access/tableam.h"
#include "access/xact.h"
#include "catalog/namespace.h"
#include "catalog/pg_type.h"
#include "common/hashfn.h"
#include "miscadmin.h"
#include "storage/bufmgr.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/datum.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"

#include "core_inval.h"
#include "erp.h"
#include "erp_log.h"

const char *const oms_erp_entity_name[OMS_ERP_NENTITIES] = {
	"node", "sku", "kit", "tax", "price_list", "price", "customer", "address",
	"supplier", "order", "shipment", "return", "stock", "lot", "inbound"
};

int
oms_erp_entity_number(const char *name)
{
	for (int e = 0; e < OMS_ERP_NENTITIES; e++)
		if (strcmp(name, oms_erp_entity_name[e]) == 0)
			return e;
	return -1;
}

bool
oms_erp_of_orders(OmsErpEntity e)
{
	return e <= OMS_ERP_CUSTOMER;
}

/* Twenty thousand changes take more room than this, however few columns. */
#define LONG_LOG_BLOCKS 64

void		(*oms_erp_wake) (void) = NULL;

uint64		oms_erp_catalog_seen = 1;

static bool paused_valid = false;

/* A text of a profile with its plan. */
typedef struct TextPlan
{
	uint64		hash;			/* key */
	char	   *text;
	SPIPlanPtr	plan;
} TextPlan;

static HTAB *text_plans = NULL;

static void at_relcache_inval(Oid relid);

void
oms_erp_init(void)
{
	oms_relcache_watch(at_relcache_inval);
	oms_erp_capture_init();
	oms_erp_log_init();
	oms_stock_erp.pending = oms_erp_pending_counts;
	oms_stock_erp.refresh = oms_erp_refresh_counts;
	oms_stock_erp.book = oms_erp_book;
	oms_stock_erp.states_lots = oms_erp_states_lots;
	oms_stock_erp.released = oms_erp_released;
	oms_event_written = oms_erp_note_event;
	oms_erp_before_promise = oms_erp_take_in_masters;
}

/*
 * The primary key of oms.erp_attachment: who writes that table tells so by it
 * (core_memo.c), which is no DDL.  Taking in writes it each time.
 */
static Oid	attachment_key = InvalidOid;

/* The ERP's DDL may have touched watched columns. */
static void
at_relcache_inval(Oid relid)
{
	if (OidIsValid(relid) && relid == attachment_key)
		return;
	paused_valid = false;
	oms_erp_catalog_seen++;
}

static void
know_attachment(void)
{
	Oid			nsp = get_namespace_oid("oms", true);
	Oid			relid = OidIsValid(nsp) ? get_relname_relid("erp_attachment", nsp) : InvalidOid;
	Relation	rel;

	attachment_key = InvalidOid;
	if (!OidIsValid(relid))
		return;
	rel = table_open(relid, AccessShareLock);
	attachment_key = RelationGetPrimaryKeyIndex(rel);
	table_close(rel, AccessShareLock);
}

/*
 * The log
 */
Oid
oms_erp_log_relid(void)
{
	Oid			nsp = get_namespace_oid("oms", true);

	return OidIsValid(nsp) ? get_relname_relid("erp_change", nsp) : InvalidOid;
}

void
oms_erp_push_latest(void)
{
	/* the snapshot is to see what this transaction has done so far */
	CommandCounterIncrement();
	PushActiveSnapshot(GetLatestSnapshot());
}

bool
oms_erp_log_has_rows(void)
{
	Oid			relid;
	Relation	rel;
	bool		found = false;

	if (IsInParallelMode())
		return false;
	oms_erp_log_flush();
	relid = oms_erp_log_relid();
	if (!OidIsValid(relid))
		return false;
	rel = table_open(relid, AccessShareLock);
	if (RelationGetNumberOfBlocks(rel) > 0)
	{
		Oid			pkey = RelationGetPrimaryKeyIndex(rel);

		oms_erp_push_latest();
		if (OidIsValid(pkey))
		{
			/*
			 * From the young end of the key: the entries of rows taken in
			 * are marked dead as they are met, so the way stays short.
			 */
			Relation	idx = index_open(pkey, AccessShareLock);
			TupleTableSlot *slot = table_slot_create(rel, NULL);
			IndexScanDesc scan = index_beginscan(rel, idx, GetActiveSnapshot(), 0, 0);

			index_rescan(scan, NULL, 0, NULL, 0);
			found = index_getnext_slot(scan, BackwardScanDirection, slot);
			index_endscan(scan);
			ExecDropSingleTupleTableSlot(slot);
			index_close(idx, AccessShareLock);
		}
		else
			found = true;		/* somebody dropped the key: look closely */
		PopActiveSnapshot();
	}
	table_close(rel, AccessShareLock);
	return found;
}

bool
oms_erp_log_is_long(void)
{
	Relation	rel = table_open(oms_erp_log_relid(), AccessShareLock);
	bool		is_long = RelationGetNumberOfBlocks(rel) > LONG_LOG_BLOCKS;

	table_close(rel, AccessShareLock);
	return is_long;
}

/*
 * Rights and path
 */
void
oms_erp_enter(OmsErpGuard *guard)
{
	Relation	rel = table_open(oms_erp_log_relid(), AccessShareLock);
	Oid			owner = rel->rd_rel->relowner;

	table_close(rel, AccessShareLock);
	GetUserIdAndSecContext(&guard->userid, &guard->sec_context);
	SetUserIdAndSecContext(owner, guard->sec_context | SECURITY_LOCAL_USERID_CHANGE);
	guard->guc_level = NewGUCNestLevel();
	(void) set_config_option("search_path", "pg_catalog, oms, pg_temp",
							 PGC_USERSET, PGC_S_SESSION, GUC_ACTION_SAVE,
							 true, 0, false);
}

void
oms_erp_leave(OmsErpGuard *guard)
{
	AtEOXact_GUC(false, guard->guc_level);
	SetUserIdAndSecContext(guard->userid, guard->sec_context);
}

ErrorData *
oms_erp_try(void (*fn) (void *), void *arg)
{
	ErrorData  *failed;
	int			category;

	if (oms_try(fn, arg, &failed))
		return NULL;
	category = ERRCODE_TO_CATEGORY(failed->sqlerrcode);
	if (category != ERRCODE_DATA_EXCEPTION &&
		category != ERRCODE_INTEGRITY_CONSTRAINT_VIOLATION &&
		category != ERRCODE_CARDINALITY_VIOLATION &&
		category != ERRCODE_TO_CATEGORY(ERRCODE_OMS_INVALID_DOCUMENT) &&
		category != ERRCODE_SYNTAX_ERROR_OR_ACCESS_RULE_VIOLATION)
		ReThrowError(failed);
	return failed;
}

/*
 * Profile
 */
static OmsPlan attachment_plan = {
	"SELECT profile, company_id, params, coalesce(params->>'schema', 'public'), snapshot_at IS NULL, absent || paused,"
	" EXISTS (SELECT FROM oms.erp_entity e WHERE e.profile = a.profile AND e.entity = 'lot' AND e.entity <> ALL (a.absent)),"
	" (SELECT count(*) FROM oms.erp_attachment) = 1"
	" FROM oms.erp_attachment a WHERE $1 IN (0, company_id) ORDER BY company_id LIMIT 1",
	1, {INT4OID}, NULL
};
static OmsPlan paused_plan = {
	"SELECT DISTINCT s.entity FROM oms.erp_source_link l"
	" JOIN oms.erp_source s ON s.profile = l.profile AND replace(s.relation, '@erp@', $2) = l.relation"
	" WHERE l.profile = $1"
	" AND (l.state = 'paused' OR l.fingerprint <> oms.erp_fingerprint(l.relation, l.watch))",
	2, {TEXTOID, TEXTOID}, NULL
};

/* Reads under the active snapshot. */
bool
oms_erp_load(OmsErp *erp, int32 company_id)
{
	static bool paused[OMS_ERP_NENTITIES];
	Datum		values[2];
	bool		isnull;
	Datum	   *absent;
	int			nabsent;

	values[0] = Int32GetDatum(company_id);
	if (oms_exec(&attachment_plan, values, NULL, true, 1) == 0)
		return false;
	erp->profile = oms_cstr(0, 1);
	erp->company_id = oms_int4(0, 2);
	erp->params = datumCopy(oms_datum(0, 3, &isnull), false, -1);
	erp->schema = pstrdup(quote_identifier(oms_cstr(0, 4)));
	erp->snapshot = oms_bool(0, 5);
	deconstruct_array(DatumGetArrayTypePCopy(oms_datum(0, 6, &isnull)), TEXTOID,
					  -1, false, TYPALIGN_INT, &absent, NULL, &nabsent);
	erp->lots = oms_bool(0, 7);
	erp->alone = oms_bool(0, 8);

	if (!paused_valid)
	{
		know_attachment();
		memset(paused, 0, sizeof(paused));
		paused_valid = true;	/* an invalidation from here on counts */
		values[0] = oms_text(erp->profile);
		values[1] = oms_text(erp->schema);
		if (oms_exec(&paused_plan, values, NULL, true, 0) > 0)
			for (uint64 i = 0; i < SPI_processed; i++)
			{
				char	   *name = oms_cstr(i, 1);

				for (int e = 0; e < OMS_ERP_NENTITIES; e++)
					if (strcmp(name, oms_erp_entity_name[e]) == 0)
						paused[e] = true;
			}
	}
	memcpy(erp->paused, paused, sizeof(paused));
	for (int e = 0; e < OMS_ERP_NENTITIES; e++)
		for (int i = 0; i < nabsent; i++)
			if (strcmp(TextDatumGetCString(absent[i]), oms_erp_entity_name[e]) == 0)
				erp->paused[e] = true;
	if (!erp->lots)
		erp->paused[OMS_ERP_LOT] = true;
	return true;
}

static OmsPlan companies_plan = {
	"SELECT company_id FROM oms.erp_attachment ORDER BY company_id", 0, {0}, NULL
};

int32 *
oms_erp_companies(int *n)
{
	int32	   *companies;

	*n = (int) oms_exec(&companies_plan, NULL, NULL, true, 0);
	companies = palloc(sizeof(int32) * Max(*n, 1));
	for (int i = 0; i < *n; i++)
		companies[i] = oms_int4(i, 1);
	return companies;
}

static OmsPlan entity_plan = {
	"SELECT oms.erp_entity_query($1, $2, $3)",
	3, {TEXTOID, TEXTOID, INT4OID}, NULL
};

/* NULL when the profile has no such entity. */
char *
oms_erp_entity_query(const OmsErp *erp, OmsErpEntity entity)
{
	Datum		values[3] = {
		oms_text(erp->profile), oms_text(oms_erp_entity_name[entity]),
		Int32GetDatum(erp->company_id)
	};

	if (oms_exec(&entity_plan, values, NULL, true, 1) == 0)
		return NULL;
	return oms_cstr(0, 1);
}

/* @erp@ becomes the ERP's schema. */
static char *
in_schema(const OmsErp *erp, const char *sql)
{
	StringInfoData buf;
	const char *p;

	initStringInfo(&buf);
	while ((p = strstr(sql, "@erp@")) != NULL)
	{
		appendBinaryStringInfo(&buf, sql, p - sql);
		appendStringInfoString(&buf, erp->schema);
		sql = p + 5;
	}
	appendStringInfoString(&buf, sql);
	return buf.data;
}

static SPIPlanPtr
text_plan(const char *sql, Oid argtype)
{
	uint64		hash = hash_bytes_extended((const unsigned char *) sql,
										   strlen(sql), argtype);
	TextPlan   *entry;
	bool		found;
	SPIPlanPtr	plan;
	Oid			types[2] = {argtype, JSONBOID};

	if (text_plans == NULL)
	{
		HASHCTL		ctl;

		memset(&ctl, 0, sizeof(ctl));
		ctl.keysize = sizeof(uint64);
		ctl.entrysize = sizeof(TextPlan);
		text_plans = hash_create("pg_oms ERP profile plans", 64, &ctl,
								 HASH_ELEM | HASH_BLOBS);
	}
	entry = hash_search(text_plans, &hash, HASH_FIND, &found);
	if (found && strcmp(entry->text, sql) == 0)
		return entry->plan;

	plan = SPI_prepare(sql, 2, types);
	if (plan == NULL)
		elog(ERROR, "could not prepare \"%s\": %s", sql,
			 SPI_result_code_string(SPI_result));
	SPI_keepplan(plan);
	entry = hash_search(text_plans, &hash, HASH_ENTER, &found);
	if (found)
	{
		SPI_freeplan(entry->plan);
		pfree(entry->text);
	}
	entry->plan = plan;
	entry->text = MemoryContextStrdup(TopMemoryContext, sql);
	return plan;
}

uint64
oms_erp_run(const OmsErp *erp, const char *wrap, const char *body,
			Oid argtype, Datum arg, bool argnull)
{
	const char *mark = strstr(wrap, "%s");
	StringInfoData sql;
	Datum		values[2] = {arg, erp->params};
	char		nulls[3] = "  ";
	int			rc;

	if (argnull)
		nulls[0] = 'n';
	initStringInfo(&sql);
	appendBinaryStringInfo(&sql, wrap, mark - wrap);
	appendStringInfoString(&sql, in_schema(erp, body));
	appendStringInfoString(&sql, mark + 2);
	rc = SPI_execute_plan(text_plan(sql.data, argtype), values, nulls, true, 0);
	if (rc < 0)
		elog(ERROR, "could not execute \"%s\": %s", sql.data,
			 SPI_result_code_string(rc));
	pfree(sql.data);
	return SPI_processed;
}

/*
 * From changed rows to keys
 */
void
oms_erp_dirty_add(OmsErpDirty *dirty, const char *key)
{
	if (dirty->n == dirty->max)
	{
		dirty->max = dirty->max ? dirty->max * 2 : 64;
		dirty->keys = dirty->keys
			? repalloc(dirty->keys, sizeof(char *) * dirty->max)
			: palloc(sizeof(char *) * dirty->max);
	}
	dirty->keys[dirty->n++] = pstrdup(key);
}

/* Our own notes, and the rows of each table through their resolvers. */
static OmsPlan source_plan = {
	"SELECT entity, resolve FROM oms.erp_source"
	" WHERE profile = $1 AND replace(relation, '@erp@', $3) = $2"
	" UNION ALL SELECT e, 'SELECT jsonb_array_elements_text(i->''keys'') FROM unnest($1::jsonb[]) AS i'"
	" FROM unnest('{stock,lot}'::text[]) AS e WHERE $2 = 'oms.stock'",
	3, {TEXTOID, TEXTOID, TEXTOID}, NULL
};

typedef struct Source
{
	int			entity;			/* -1: unknown to us */
	char	   *resolve;		/* NULL: everything */
} Source;

typedef struct Resolver
{
	const OmsErp *erp;
	const char *resolve;
	Datum		images;
	OmsErpDirty *dirty;
} Resolver;

static void
run_resolver(void *arg)
{
	Resolver   *r = (Resolver *) arg;
	uint64		n;

	n = oms_erp_run(r->erp, "SELECT DISTINCT k::text FROM (%s\n) AS r (k) WHERE k IS NOT NULL",
					r->resolve, JSONBARRAYOID, r->images, false);
	for (uint64 i = 0; i < n; i++)
		oms_erp_dirty_add(r->dirty, oms_cstr(i, 1));
	SPI_freetuptable(SPI_tuptable);
}

static void
resolve_table(const OmsErp *erp, const OmsErpChanged *t, OmsErpDirty *dirty)
{
	Datum		values[3] = {
		oms_text(erp->profile), oms_text(t->relation), oms_text(erp->schema)
	};
	int			nsources = (int) oms_exec(&source_plan, values, NULL, true, 0);
	Source	   *sources = palloc(sizeof(Source) * Max(nsources, 1));

	for (int i = 0; i < nsources; i++)
	{
		char	   *name = oms_cstr(i, 1);

		sources[i].entity = -1;
		sources[i].resolve = oms_cstr(i, 2);
		for (int e = 0; e < OMS_ERP_NENTITIES; e++)
			if (strcmp(name, oms_erp_entity_name[e]) == 0)
				sources[i].entity = e;
	}
	for (int i = 0; i < nsources; i++)
	{
		OmsErpDirty *d;
		Resolver	r;

		if (sources[i].entity < 0 || erp->paused[sources[i].entity])
			continue;
		d = &dirty[sources[i].entity];
		if (t->truncated || sources[i].resolve == NULL)
			d->whole = true;
		if (d->whole || t->noimages)
			continue;
		r.erp = erp;
		r.resolve = sources[i].resolve;
		r.images = t->images;
		r.dirty = d;
		if (oms_erp_try(run_resolver, &r) != NULL)
			d->whole = true;	/* the entity's query will tell why */
	}
}

OmsErpChanged *
oms_erp_changed(int *n)
{
	OmsErpChanged *tables;

	*n = (int) SPI_processed;
	tables = palloc(sizeof(OmsErpChanged) * Max(*n, 1));
	for (int i = 0; i < *n; i++)
	{
		tables[i].relation = oms_cstr(i, 1);
		tables[i].truncated = oms_bool(i, 2);
		tables[i].images = oms_datum(i, 3, &tables[i].noimages);
		if (!tables[i].noimages)
			tables[i].images = PointerGetDatum(DatumGetArrayTypePCopy(tables[i].images));
	}
	return tables;
}

void
oms_erp_resolve(const OmsErp *erp, const OmsErpChanged *tables, int n,
				OmsErpDirty *dirty)
{
	for (int i = 0; i < n; i++)
		resolve_table(erp, &tables[i], dirty);
}

void
oms_erp_resolve_rows(const OmsErp *erp, OmsErpDirty *dirty)
{
	int			n;
	OmsErpChanged *tables = oms_erp_changed(&n);

	oms_erp_resolve(erp, tables, n, dirty);
}

/*
 * Counts
 */
static OmsPlan map_plan = {
	"SELECT k, n.node_id, s.sku_id, t.sku_id IS NOT NULL, (t.on_hand * 1000)::int8,"
	" EXISTS (SELECT FROM oms.erp_call c WHERE c.company_id = $1 AND c.node_id = n.node_id"
	"  AND c.sku_id = s.sku_id AND c.state IN ('sent', 'failed') AND c.erp_ref IS NOT NULL)"
	" FROM (SELECT DISTINCT u AS k FROM unnest($2) AS u) AS w"
	" JOIN oms.node n ON n.company_id = $1 AND n.erp_key = split_part(k, '|', 1) AND n.stock_from = 'erp'"
	" JOIN oms.sku s ON s.company_id = $1 AND s.erp_key = substr(k, strpos(k, '|') + 1)"
	" LEFT JOIN oms.stock t ON t.company_id = $1 AND t.node_id = n.node_id AND t.sku_id = s.sku_id"
	" ORDER BY n.node_id, s.sku_id",
	2, {INT4OID, TEXTARRAYOID}, NULL
};

OmsErpCount *
oms_erp_map_keys(const OmsErp *erp, char **keys, int n, int *nmapped)
{
	Datum		values[2];
	OmsErpCount *counts;

	values[0] = Int32GetDatum(erp->company_id);
	values[1] = oms_text_array((const char *const *) keys, n);
	*nmapped = (int) oms_exec(&map_plan, values, NULL, true, 0);
	counts = MemoryContextAllocHuge(CurrentMemoryContext,
									sizeof(OmsErpCount) * Max(*nmapped, 1));
	memset(counts, 0, sizeof(OmsErpCount) * *nmapped);
	for (int i = 0; i < *nmapped; i++)
	{
		counts[i].erp_key = oms_cstr(i, 1);
		counts[i].key.node_id = oms_int4(i, 2);
		counts[i].key.sku_id = oms_int4(i, 3);
		counts[i].exists = oms_bool(i, 4);
		counts[i].was = oms_int8(i, 5);
		counts[i].calls = oms_bool(i, 6);
	}
	return counts;
}

static int
by_erp_key(const void *a, const void *b)
{
	return strcmp((*(OmsErpCount *const *) a)->erp_key,
				  (*(OmsErpCount *const *) b)->erp_key);
}

static OmsPlan sent_plan = {
	"SELECT c.call_id, coalesce(c.reservation_id, 0), (c.qty * 1000)::int8, c.erp_ref, m.done_sql, c.node_id, c.sku_id"
	" FROM oms.erp_call c JOIN oms.erp_call_map m ON m.profile = $4 AND m.kind = c.kind"
	" JOIN unnest($2::int4[], $3::int4[]) AS u (node_id, sku_id) ON u.node_id = c.node_id AND u.sku_id = c.sku_id"
	" WHERE c.company_id = $1 AND c.state IN ('sent', 'failed') AND c.erp_ref IS NOT NULL",
	4, {INT4OID, INT4ARRAYOID, INT4ARRAYOID, TEXTOID}, NULL
};

/* A booking sent to the ERP, of a key in question */
typedef struct SentCall
{
	OmsErpBooked booked;
	int64		qty;
	char	   *erp_ref;
	char	   *done_sql;
	OmsErpCount *count;
} SentCall;

static void
find_booked(const OmsErp *erp, OmsErpCount *counts, int n,
			OmsErpBooked **booked, int *nbooked)
{
	int32	   *nodes = palloc(sizeof(int32) * n);
	int32	   *skus = palloc(sizeof(int32) * n);
	Datum		values[4];
	SentCall   *sent;
	int			nsent;
	int			nkeys = 0;

	for (int i = 0; i < n; i++)
		if (counts[i].calls)
		{
			nodes[nkeys] = counts[i].key.node_id;
			skus[nkeys++] = counts[i].key.sku_id;
		}
	if (nkeys == 0)
		return;
	values[0] = Int32GetDatum(erp->company_id);
	values[1] = oms_int4_array(nodes, nkeys);
	values[2] = oms_int4_array(skus, nkeys);
	values[3] = oms_text(erp->profile);
	nsent = (int) oms_exec(&sent_plan, values, NULL, true, 0);
	sent = palloc0(sizeof(SentCall) * Max(nsent, 1));
	for (int i = 0; i < nsent; i++)
	{
		OmsStockKey key = {oms_int4(i, 6), oms_int4(i, 7)};

		sent[i].booked.call_id = oms_int8(i, 1);
		sent[i].booked.key = key;
		sent[i].booked.reservation_id = oms_int8(i, 2);
		sent[i].qty = oms_int8(i, 3);
		sent[i].erp_ref = oms_cstr(i, 4);
		sent[i].done_sql = oms_cstr(i, 5);
		for (int k = 0; k < n; k++)
			if (counts[k].key.node_id == key.node_id &&
				counts[k].key.sku_id == key.sku_id)
				sent[i].count = &counts[k];
	}

	*booked = palloc(sizeof(OmsErpBooked) * Max(nsent, 1));
	for (int i = 0; i < nsent; i++)
	{
		uint64		found;
		char	   *ref = sent[i].erp_ref;

		if (ref == NULL || sent[i].done_sql == NULL)
			continue;
		found = oms_erp_run(erp, "SELECT r::text, coalesce(d, false) FROM (%s\n) AS q (r, d)",
							sent[i].done_sql, TEXTARRAYOID,
							oms_text_array((const char *const *) &ref, 1), false);
		if (found == 0)
			continue;
		sent[i].booked.done = oms_bool(0, 2);
		if (sent[i].booked.done && sent[i].booked.reservation_id != 0 &&
			sent[i].count)
			sent[i].count->left += sent[i].qty;
		(*booked)[(*nbooked)++] = sent[i].booked;
	}
}

void
oms_erp_count_keys(const OmsErp *erp, OmsErpCount *counts, int n, bool whole,
				   OmsErpBooked **booked, int *nbooked)
{
	char	   *query = oms_erp_entity_query(erp, OMS_ERP_STOCK);
	OmsErpCount **sorted = palloc(sizeof(OmsErpCount *) * Max(n, 1));
	char	  **keys = palloc(sizeof(char *) * Max(n, 1));
	uint64		found;

	*nbooked = 0;
	*booked = NULL;
	if (n == 0 || query == NULL)
		return;
	for (int i = 0; i < n; i++)
	{
		counts[i].on_hand = 0;	/* what the query does not return is none */
		counts[i].left = 0;
		if (erp->paused[OMS_ERP_STOCK])
			counts[i].on_hand = counts[i].was;	/* its lots may go on */
		sorted[i] = &counts[i];
		keys[i] = counts[i].erp_key;
	}
	if (erp->paused[OMS_ERP_STOCK])
		return;
	qsort(sorted, n, sizeof(OmsErpCount *), by_erp_key);

	found = oms_erp_run(erp, "SELECT q.key::text, (round(q.on_hand::numeric, 3) * 1000)::int8 FROM (%s\n) AS q",
						query, TEXTARRAYOID,
						whole ? (Datum) 0 : oms_text_array((const char *const *) keys, n), whole);
	for (uint64 r = 0; r < found; r++)
	{
		OmsErpCount probe;
		OmsErpCount *p = &probe,
				  **hit;

		probe.erp_key = oms_cstr(r, 1);
		hit = bsearch(&p, sorted, n, sizeof(OmsErpCount *), by_erp_key);
		if (hit)
			(*hit)->on_hand = oms_int8(r, 2);
		pfree(probe.erp_key);
	}
	SPI_freetuptable(SPI_tuptable);
	find_booked(erp, counts, n, booked, nbooked);
}

static OmsPlan settle_plan = {
	"UPDATE oms.erp_call SET state = CASE WHEN $3 THEN 'done' ELSE 'failed' END,"
	" done_at = now(), error = CASE WHEN $3 THEN NULL ELSE 'cancelled in the ERP' END"
	" WHERE company_id = $1 AND call_id = $2 AND (state = 'sent' OR state = 'failed' AND $3)",
	3, {INT4OID, INT8OID, BOOLOID}, NULL
};

void
oms_erp_write_counts(const OmsErp *erp, OmsErpCount *counts, int n,
					 OmsErpBooked *booked, int nbooked,
					 const OmsStockLots *lots)
{
	for (int i = 0; i < nbooked; i++)
	{
		Datum		values[3] = {
			Int32GetDatum(erp->company_id), Int64GetDatum(booked[i].call_id),
			BoolGetDatum(booked[i].done)
		};
		uint64		settled;

		oms_spi_connect();
		settled = oms_exec(&settle_plan, values, NULL, false, 0);
		oms_spi_finish();
		if (settled == 0)
			continue;
		if (!booked[i].done)
			oms_event(erp->company_id, "erp", booked[i].call_id,
					  "erp.call_failed", NULL);
		else if (booked[i].reservation_id != 0)
			oms_stock_left(erp->company_id, booked[i].reservation_id);
	}
	for (int i = 0; i < n; i++)
	{
		const char *reason = erp->snapshot && !counts[i].lots_only ? "snapshot" : "erp";

		if (lots->nkeys > 0)
			oms_stock_count_only(erp->company_id, counts[i].key,
								 counts[i].on_hand, reason, NULL);
		else
			oms_stock_count(erp->company_id, counts[i].key, counts[i].on_hand,
							reason, NULL);
	}
	oms_stock_lots_state(erp->company_id, lots,
						 GetCurrentTransactionStartTimestamp());
}
