/*
 * core_memo.c
 *	  Rows of masters, kept per session until somebody changes the masters.
 *
 * An order asks some twenty questions whose answers change a few times a day:
 * its channel, its items' weights, who carries where for how much.  Asking
 * the executor costs ten times what the answer is worth, so statements that
 * read masters only go through here (core_memo.h).
 *
 * Who changes a master tells all sessions.  A statement trigger on each
 * master (oms.memo_changed(), put there by oms.memo_watch()) sends a relcache
 * invalidation, which PostgreSQL delivers exactly as it does those of its own
 * catalogues: to the own transaction at the end of the command, to others
 * when the change is committed, to nobody else when it is rolled back, back
 * to a savepoint too, and to standbys.  The relation named is the primary
 * key's index: naming the table would make every session plan every statement
 * over it anew.
 *
 * Rules that make it safe:
 *
 * - Messages are taken in before each look.  A change is visible a moment
 *	 before its message is out, but its author is answered only after, so
 *	 whoever has seen the answer has the change.
 * - Rows read while a message of any kind came in are used, not kept.
 * - Rows are read with a snapshot taken after that look.  That holds at READ
 *	 COMMITTED for a statement that is not read-only.  All others go past the
 *	 memo: an older snapshot would leave rows here that are out of date, and
 *	 SERIALIZABLE must know what was read.
 * - A table counts as watched while its triggers are there and enabled;
 *	 that is looked at anew after every message about it.  Partitioned tables,
 *	 parents, tables with row security and views over such are not kept.
 * - Rows are kept by user: the executor's check of rights was made for one.
 *	 Changes of rights and roles flush.  Dates read as moments depend on the
 *	 time zone of the session, so that is part of the key.
 *
 * One gap is left: a row trigger of the user's on a master which asks in the
 * same statement that changes the row may see what was before it.
 */
#include "postgres.h"

#include "access/heaptoast.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "access/xact.h"
#include "catalog/pg_class.h"
#include "catalog/pg_trigger.h"
#include "catalog/pg_type.h"
#include "commands/trigger.h"
#include "common/hashfn.h"
#include "fmgr.h"
#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "nodes/pg_list.h"
#include "pgtime.h"
#include "utils/builtins.h"
#include "utils/hsearch.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/plancache.h"
#include "utils/rel.h"
#include "utils/syscache.h"

#include "core_inval.h"
#include "core_find.h"
#include "core_memo.h"

/* A statement that keeps more than this begins anew. */
#define OMS_MEMO_BYTES	(1024 * 1024)

/* Larger answers are not kept. */
#define OMS_MEMO_ROWS	1000

/* An answer, by the hash of who asked with what. */
typedef struct MemoEntry
{
	uint64		hash;			/* key of the table */
	char	   *key;			/* what was hashed */
	int			keylen;
	TimestampTz from;			/* oms_memo_at(): holds from, until */
	TimestampTz until;
	uint64		nrows;
	SPITupleTable *rows;
} MemoEntry;

typedef struct OmsMemo
{
	struct OmsMemo *next;
	OmsPlan    *plan;
	bool		stale;			/* set by messages, dropped at the next look */
	bool		known;			/* watched and keeps are of now */
	bool		keeps;			/* all its tables are watched */
	int			nwatched;
	Oid		   *watched;		/* tables and the indexes that signal */
	bool		byval[OMS_MAX_ARGS];
	int16		len[OMS_MAX_ARGS];
	MemoryContext cxt;			/* of all below; NULL: nothing kept */
	TupleDesc	desc;
	HTAB	   *entries;
} OmsMemo;

static OmsMemo *memos = NULL;

/* The same by the address of the statement, open addressing. */
#define OMS_MEMO_SLOTS	256
static OmsMemo *slots[OMS_MEMO_SLOTS];

/* Grows with every message: were there any while a statement ran? */
static uint64 messages = 0;

static void on_relcache(Oid relid);
static void on_syscache(Datum arg, int cacheid, uint32 hashvalue);
static OmsMemo *memo_of(OmsPlan *p);
static uint64 look(OmsPlan *p, Datum *values, const char *nulls,
				   bool read_only, int at, bool *known);
static void make_key(StringInfo key, OmsMemo *memo, Datum *values,
					 const char *nulls, int at);
static bool keeps(OmsMemo *memo);
static void watch(OmsMemo *memo, Oid *oids, int n, bool keeps);
static bool watched(Oid relid, Oid *signal);
static void drop(OmsMemo *memo);
static void keep(OmsMemo *memo, uint64 hash, StringInfo key, int at,
				 TimestampTz moment);
static Oid	signal_of(Relation rel);

PG_FUNCTION_INFO_V1(oms_memo_changed);

void
oms_memo_init(void)
{
	oms_relcache_watch(on_relcache);
	/* functions that statements call, roles and who is in them */
	CacheRegisterSyscacheCallback(PROCOID, on_syscache, (Datum) 0);
	CacheRegisterSyscacheCallback(AUTHOID, on_syscache, (Datum) 0);
	CacheRegisterSyscacheCallback(AUTHMEMROLEMEM, on_syscache, (Datum) 0);
}

/* InvalidOid: anything may have changed.  Must not do more than note it. */
static void
on_relcache(Oid relid)
{
	messages++;
	for (OmsMemo *memo = memos; memo; memo = memo->next)
	{
		if (!OidIsValid(relid))
			memo->stale = true;
		for (int i = 0; i < memo->nwatched && !memo->stale; i++)
			if (memo->watched[i] == relid)
				memo->stale = true;
	}
}

static void
on_syscache(Datum arg, int cacheid, uint32 hashvalue)
{
	on_relcache(InvalidOid);
}

uint64
oms_memo(OmsPlan *p, Datum *values, const char *nulls, bool read_only)
{
	return look(p, values, nulls, read_only, -1, NULL);
}

bool
oms_memo_known(OmsPlan *p, Datum *values, uint64 *n)
{
	bool		known = false;

	*n = look(p, values, NULL, false, -1, &known);
	return known;
}

uint64
oms_memo_at(OmsPlan *p, Datum *values, const char *nulls, bool read_only,
			int at)
{
	return look(p, values, nulls, read_only, at, NULL);
}

void **
oms_memo_made(MemoryContext *cxt)
{
	OmsRows    *own = SPI_tuptable ? oms_own_rows(SPI_tuptable) : NULL;

	if (own == NULL || own->values == NULL)
		return NULL;
	*cxt = GetMemoryChunkContext(own);
	return &own->made;
}

/* With "known" only what is remembered. */
static uint64
look(OmsPlan *p, Datum *values, const char *nulls, bool read_only, int at,
	 bool *known)
{
	OmsMemo    *memo;
	StringInfoData key;
	char		space[256];
	uint64		hash;
	uint64		before;
	uint64		n;
	TimestampTz moment = at >= 0 ? DatumGetTimestampTz(values[at]) : 0;

	if (known && IsolationUsesXactSnapshot())
		return 0;
	if (read_only || IsolationUsesXactSnapshot())
		return oms_exec(p, values, nulls, read_only, 0);
	AcceptInvalidationMessages();
	memo = memo_of(p);
	if (memo->stale)
		drop(memo);
	if (memo->known && !memo->keeps)
		return known ? 0 : oms_find(p, values, nulls);

	/* most keys fit here, and nothing is left behind in the caller's memory */
	key.data = space;
	key.maxlen = sizeof(space);
	key.len = 0;
	make_key(&key, memo, values, nulls, at);
	hash = DatumGetUInt64(hash_any_extended((unsigned char *) key.data,
											key.len, 0));
	if (memo->cxt)
	{
		MemoEntry  *e = hash_search(memo->entries, &hash, HASH_FIND, NULL);

		if (e && e->keylen == key.len &&
			memcmp(e->key, key.data, key.len) == 0 &&
			(at < 0 || (e->from <= moment && moment < e->until)))
		{
			if (known)
				*known = true;
			SPI_processed = e->nrows;
			SPI_tuptable = e->rows;
			return e->nrows;
		}
	}
	if (known)
		return 0;

	before = messages;
	n = oms_find(p, values, nulls);
	if (messages == before && SPI_tuptable && n <= OMS_MEMO_ROWS &&
		(at < 0 || n > 0) && keeps(memo) && messages == before)
		keep(memo, hash, &key, at, moment);
	return n;
}

/* The memo of a statement, or the slot for it. */
static OmsMemo **
slot_of(OmsPlan *p)
{
	int			i = ((uintptr_t) p / sizeof(void *)) % OMS_MEMO_SLOTS;

	for (int probes = 0; probes < OMS_MEMO_SLOTS; probes++)
	{
		if (slots[i] == NULL || slots[i]->plan == p)
			return &slots[i];
		i = (i + 1) % OMS_MEMO_SLOTS;
	}
	elog(ERROR, "too many statements are remembered");
	return NULL;				/* keep compiler quiet */
}

static OmsMemo *
memo_of(OmsPlan *p)
{
	OmsMemo   **slot = slot_of(p);
	OmsMemo    *memo;

	if (*slot)
		return *slot;
	memo = MemoryContextAllocZero(TopMemoryContext, sizeof(OmsMemo));
	memo->plan = p;
	for (int i = 0; i < p->nargs; i++)
		get_typlenbyval(p->types[i], &memo->len[i], &memo->byval[i]);
	memo->next = memos;
	memos = memo;
	*slot = memo;
	return memo;
}

/* Rows that somebody up the stack may be reading live on with it. */
static void
drop(OmsMemo *memo)
{
	if (memo->cxt)
		MemoryContextSetParent(memo->cxt, TopTransactionContext);
	memo->cxt = NULL;
	memo->desc = NULL;
	memo->entries = NULL;
	memo->stale = false;
	memo->known = false;
	memo->nwatched = 0;
}

void
oms_memo_forget(OmsPlan *p)
{
	OmsMemo    *memo = *slot_of(p);

	if (memo)
		drop(memo);
}

static void
add_bytes(StringInfo key, const void *bytes, int n)
{
	if (key->len + n > key->maxlen)
	{
		int			maxlen = Max(key->maxlen * 2, key->len + n);
		char	   *data = palloc(maxlen);

		memcpy(data, key->data, key->len);
		key->data = data;
		key->maxlen = maxlen;
	}
	memcpy(key->data + key->len, bytes, n);
	key->len += n;
}

static void
make_key(StringInfo key, OmsMemo *memo, Datum *values, const char *nulls,
		 int at)
{
	Oid			user = GetUserId();
	pg_tz	   *zone = session_timezone;

	add_bytes(key, &user, sizeof(user));
	add_bytes(key, &zone, sizeof(zone));
	for (int i = 0; i < memo->plan->nargs; i++)
	{
		char		null = nulls && nulls[i] == 'n' ? 'n' : ' ';

		if (i == at)
			continue;
		add_bytes(key, &null, 1);
		if (null == 'n')
			continue;
		if (memo->byval[i])
			add_bytes(key, &values[i], sizeof(Datum));
		else if (memo->len[i] == -1)
		{
			struct varlena *v = PG_DETOAST_DATUM_PACKED(values[i]);
			int			n = VARSIZE_ANY_EXHDR(v);

			add_bytes(key, &n, sizeof(n));
			add_bytes(key, VARDATA_ANY(v), n);
		}
		else
			add_bytes(key, DatumGetPointer(values[i]), memo->len[i]);
	}
}

/* The statement has just run: its tables are locked, its plan is of now. */
static bool
keeps(OmsMemo *memo)
{
	List	   *sources;
	ListCell   *l;
	int			n = 0;
	bool		all = true;
	Oid		   *oids;
	Oid			found;

	if (memo->known)
		return memo->keeps;
	found = oms_find_table(memo->plan);
	if (OidIsValid(found))
	{
		/* read without a plan */
		oids = MemoryContextAlloc(TopMemoryContext, sizeof(Oid) * 2);
		oids[n++] = found;
		all = watched(found, &oids[n++]);
		watch(memo, oids, n, all);
		return all;
	}
	if (memo->plan->plan == NULL)
		return false;
	sources = SPI_plan_get_plan_sources(memo->plan->plan);
	foreach(l, sources)
		n += list_length(((CachedPlanSource *) lfirst(l))->relationOids);
	oids = MemoryContextAlloc(TopMemoryContext, sizeof(Oid) * Max(2 * n, 1));
	n = 0;
	foreach(l, sources)
	{
		CachedPlanSource *source = lfirst(l);
		ListCell   *r;

		if (source->dependsOnRLS)
			all = false;
		foreach(r, source->relationOids)
		{
			Oid			relid = lfirst_oid(r);
			Oid			signal;

			oids[n++] = relid;
			if (!watched(relid, &signal))
				all = false;
			else if (signal != relid)
				oids[n++] = signal;
		}
	}
	watch(memo, oids, n, all);
	return all;
}

static void
watch(OmsMemo *memo, Oid *oids, int n, bool keeps)
{
	if (memo->watched)
		pfree(memo->watched);
	memo->watched = oids;
	memo->nwatched = n;
	memo->keeps = keeps;
	memo->known = true;
}

/* Does the table tell of every change? */
static bool
watched(Oid relid, Oid *signal)
{
	Relation	rel = table_open(relid, AccessShareLock);
	TriggerDesc *t = rel->trigdesc;
	bool		statement = false;
	bool		row = false;

	for (int i = 0; t && i < t->numtriggers; i++)
	{
		Trigger    *trigger = &t->triggers[i];
		FmgrInfo	f;
		const int16 changes = TRIGGER_TYPE_INSERT | TRIGGER_TYPE_UPDATE | TRIGGER_TYPE_DELETE;

		if (strncmp(trigger->tgname, "oms_memo", 8) != 0)
			continue;
		fmgr_info(trigger->tgfoid, &f);
		if (f.fn_addr != oms_memo_changed || trigger->tgqual || trigger->tgnattr > 0)
			continue;
		if (!TRIGGER_FOR_ROW(trigger->tgtype))
			statement |= trigger->tgenabled == TRIGGER_FIRES_ALWAYS &&
				TRIGGER_FOR_TRUNCATE(trigger->tgtype) &&
				(trigger->tgtype & changes) == changes;
		else
			row |= trigger->tgenabled != TRIGGER_DISABLED &&
				trigger->tgenabled != TRIGGER_FIRES_ON_ORIGIN &&
				(trigger->tgtype & changes) == changes;
	}
	*signal = signal_of(rel);
	statement &= row && rel->rd_rel->relkind == RELKIND_RELATION &&
		!rel->rd_rel->relhassubclass && !rel->rd_rel->relispartition &&
		!rel->rd_rel->relrowsecurity;
	table_close(rel, AccessShareLock);
	return statement;
}

static void
keep(OmsMemo *memo, uint64 hash, StringInfo key, int at, TimestampTz moment)
{
	SPITupleTable *rows = SPI_tuptable;
	uint64		n = SPI_processed;
	MemoryContext old;
	MemoEntry  *e;
	bool		found;
	TimestampTz from = DT_NOBEGIN;
	TimestampTz until = DT_NOEND;

	if (at >= 0)
	{
		int			col = rows->tupdesc->natts - 1;

		for (uint64 i = 0; i < n; i++)
		{
			from = Max(from, oms_time(i, col));
			until = Min(until, oms_time(i, col + 1));
		}
		if (!(from <= moment && moment < until))
			return;
	}
	if (memo->cxt && MemoryContextMemAllocated(memo->cxt, true) > OMS_MEMO_BYTES)
	{
		MemoryContextSetParent(memo->cxt, TopTransactionContext);
		memo->cxt = NULL;
	}
	if (memo->cxt == NULL)
	{
		/* below the transaction's until it is whole: an error frees it */
		MemoryContext cxt = AllocSetContextCreate(TopTransactionContext,
												  "oms memo",
												  ALLOCSET_SMALL_SIZES);
		HASHCTL		ctl = {0};

		MemoryContextCopyAndSetIdentifier(cxt, memo->plan->sql);
		ctl.keysize = sizeof(uint64);
		ctl.entrysize = sizeof(MemoEntry);
		ctl.hcxt = cxt;
		memo->entries = hash_create("oms memo", 32, &ctl,
									HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
		old = MemoryContextSwitchTo(cxt);
		memo->desc = CreateTupleDescCopy(rows->tupdesc);
		MemoryContextSwitchTo(old);
		MemoryContextSetParent(cxt, TopMemoryContext);
		memo->cxt = cxt;
	}

	old = MemoryContextSwitchTo(memo->cxt);
	{
		int			natts = memo->desc->natts;
		OmsRows    *own = palloc0(sizeof(OmsRows));
		SPITupleTable *copy = &own->table;
		char	   *bytes = palloc(key->len);

		copy->tupdesc = memo->desc;
		own->values = palloc(sizeof(Datum) * Max(n * natts, 1));
		own->nulls = palloc(sizeof(bool) * Max(n * natts, 1));
		copy->vals = palloc(sizeof(HeapTuple) * Max(n, 1));
		for (uint64 i = 0; i < n; i++)
			copy->vals[i] = HeapTupleHasExternal(rows->vals[i]) ?
				toast_flatten_tuple(rows->vals[i], rows->tupdesc) :
				heap_copytuple(rows->vals[i]);
		for (uint64 i = 0; i < n; i++)
			heap_deform_tuple(copy->vals[i], memo->desc, own->values + i * natts,
							  own->nulls + i * natts);
		copy->numvals = n;
		memcpy(bytes, key->data, key->len);
		/* what an answer for another moment took is freed with the rest */
		e = hash_search(memo->entries, &hash, HASH_ENTER, &found);
		e->key = bytes;
		e->keylen = key->len;
		e->from = from;
		e->until = until;
		e->nrows = n;
		e->rows = copy;
	}
	MemoryContextSwitchTo(old);
}

/*
 * The relation whose invalidation says that rows of "rel" changed: the index
 * of its primary key, or itself.
 */
static Oid
signal_of(Relation rel)
{
	Oid			key;

	list_free(RelationGetIndexList(rel));
	key = rel->rd_pkindex;
	return OidIsValid(key) ? key : RelationGetRelid(rel);
}

/* oms.memo_changed(): trigger of every master */
Datum
oms_memo_changed(PG_FUNCTION_ARGS)
{
	TriggerData *trigger = (TriggerData *) fcinfo->context;

	if (!CALLED_AS_TRIGGER(fcinfo) || !TRIGGER_FIRED_AFTER(trigger->tg_event))
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("oms.memo_changed() is an AFTER trigger"),
				 errhint("oms.memo_watch() puts it on a table.")));
	CacheInvalidateRelcacheByRelid(signal_of(trigger->tg_relation));
	return PointerGetDatum(NULL);
}
