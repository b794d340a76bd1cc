/*
 * erp_log.c
 *	  Writing oms.erp_change: many changes of one transaction in one row.
 *
 * Changes are gathered, a batch a table and operation, and written when a
 * batch is full, when somebody reads the log in this transaction, and before
 * commit at the latest; so a change still commits together with its row.  A
 * batch belongs to one subtransaction: it is written before that is
 * released, and forgotten when it is rolled back.
 *
 * Rows are put into the heap and the key's index directly, with no check
 * that could fail: not even that of the key's uniqueness, for which the
 * clock and the process answer.  They bear the command that made the last of
 * their changes, not the one that writes them: a query that is about to read
 * the log, with its snapshot taken, is to see them.  A log that is not as
 * oms.install() made it (further columns, indexes, triggers) goes through
 * the executor, in a subtransaction, at once; and if that fails the ERP goes
 * on all the same.
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/heapam.h"
#include "access/table.h"
#include "access/tableam.h"
#include "access/xact.h"
#include "catalog/index.h"
#include "catalog/pg_type.h"
#include "commands/trigger.h"
#include "executor/executor.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "storage/backendid.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/jsonb.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/timestamp.h"

#include "core.h"
#include "core_inval.h"
#include "erp.h"
#include "erp_log.h"

/* A batch is written when it has come to this: a row that is not toasted. */
#define BATCH_BYTES 1600

/* A buffer that has grown beyond is not kept. */
#define OMS_BUFFER_KEPT (64 * 1024)

/* Tables and operations gathered side by side */
#define MAX_BATCHES 8

/* Columns of oms.erp_change, as made by oms.install() */
enum
{
	LOG_ID,
	LOG_RELATION,
	LOG_OP,
	LOG_CHANGES,
	LOG_IMAGES,
	LOG_AT,
	LOG_NATTS
};

static const struct
{
	const char *name;
	Oid			type;
}			log_columns[LOG_NATTS] =
{
	{"change_id", INT8OID},
	{"relation", TEXTOID},
	{"op", TEXTOID},
	{"changes", INT4OID},
	{"images", JSONOID},
	{"changed_at", TIMESTAMPTZOID}
};

typedef struct Batch
{
	const OmsErpSource *source;
	char		op;
	int			n;				/* 0: free */
	SubTransactionId subid;
	SubTransactionId copied;	/* a subtransaction further in that has
								 * written all of it; 0: none */
	CommandId	cid;			/* of the last change */
	StringInfoData buf;			/* header and images */
} Batch;

static Batch batches[MAX_BATCHES];
static Batch single;			/* written at once */
static Batch *filling = NULL;
static bool pending = false;	/* any has n > 0 */

/* The log as last looked at */
static uint64 generation = 1;
static uint64 log_generation = 0;
static Oid	log_relid = InvalidOid;
static Oid	log_pkey = InvalidOid;	/* valid: rows may be put in directly */

static ExecutorStart_hook_type previous_start = NULL;

static void at_start(QueryDesc *query, int eflags);
static void at_xact(XactEvent event, void *arg);
static void at_subxact(SubXactEvent event, SubTransactionId subid,
					   SubTransactionId parent, void *arg);
static void write_batch(Batch *batch, bool may_try);
static Batch *make_room(SubTransactionId subid);
static bool look_at_log(void);

static void
at_relcache_inval(Oid relid)
{
	generation++;
}

void
oms_erp_log_init(void)
{
	oms_relcache_watch(at_relcache_inval);
	previous_start = ExecutorStart_hook;
	ExecutorStart_hook = at_start;
	RegisterXactCallback(at_xact, NULL);
	RegisterSubXactCallback(at_subxact, NULL);
}

/*
 * Gathering
 */
StringInfo
oms_erp_log_begin(const OmsErpSource *source, char op)
{
	SubTransactionId subid = GetCurrentSubTransactionId();
	Batch	   *batch = NULL;

	for (int i = 0; i < MAX_BATCHES && batch == NULL; i++)
		if (batches[i].n > 0 && batches[i].source == source &&
			batches[i].op == op && batches[i].subid == subid)
			batch = &batches[i];
	if (batch && batch->buf.len > BATCH_BYTES)
		write_batch(batch, true);
	for (int i = 0; i < MAX_BATCHES && batch == NULL; i++)
		if (batches[i].n == 0)
			batch = &batches[i];
	if (batch == NULL)
		batch = make_room(subid);
	if (batch->n == 0 && batch->buf.maxlen > OMS_BUFFER_KEPT)
	{
		pfree(batch->buf.data);
		batch->buf.data = NULL;
	}
	if (batch->buf.data == NULL)
	{
		MemoryContext old = MemoryContextSwitchTo(TopMemoryContext);

		initStringInfo(&batch->buf);
		MemoryContextSwitchTo(old);
	}
	if (batch->n == 0)
	{
		batch->source = source;
		batch->op = op;
		batch->subid = subid;
		resetStringInfo(&batch->buf);
		appendStringInfoString(&batch->buf, source->header);
	}
	filling = batch;
	return &batch->buf;
}

void
oms_erp_log_end(void)
{
	filling->n++;
	filling->copied = InvalidSubTransactionId;
	filling->cid = GetCurrentCommandId(true);
	if (filling == &single || !look_at_log())
		write_batch(filling, true);
	else
		pending = true;
}

/*
 * All are in use.  One of this subtransaction is written; if all belong to
 * others further out, this one change goes into the log by itself.
 */
static Batch *
make_room(SubTransactionId subid)
{
	for (int i = 0; i < MAX_BATCHES; i++)
		if (batches[i].subid == subid)
		{
			write_batch(&batches[i], true);
			return &batches[i];
		}
	single.n = 0;
	return &single;
}

static void
write_all(bool may_try)
{
	SubTransactionId subid;

	if (!pending)
		return;
	subid = GetCurrentSubTransactionId();
	pending = false;
	for (int i = 0; i < MAX_BATCHES; i++)
	{
		Batch	   *batch = &batches[i];
		int			n = batch->n;

		if (n == 0)
			continue;
		if (batch->copied == InvalidSubTransactionId)
			write_batch(batch, may_try);

		/*
		 * What is written in a subtransaction further in goes with it, so
		 * the batch stays until that is released.
		 */
		if (batch->subid != subid)
		{
			if (batch->copied == InvalidSubTransactionId)
				batch->copied = subid;
			batch->n = n;
			pending = true;
		}
	}
}

void
oms_erp_log_flush(void)
{
	write_all(true);
}

/* A query that reads the log is to see all of it. */
static void
at_start(QueryDesc *query, int eflags)
{
	if (pending && (eflags & EXEC_FLAG_EXPLAIN_ONLY) == 0 &&
		list_member_oid(query->plannedstmt->relationOids, log_relid))
		oms_erp_log_flush();
	if (previous_start)
		previous_start(query, eflags);
	else
		standard_ExecutorStart(query, eflags);
}

static void
at_xact(XactEvent event, void *arg)
{
	if (!pending)
		return;
	if (event == XACT_EVENT_PRE_COMMIT || event == XACT_EVENT_PRE_PREPARE)
		write_all(false);
	else if (event == XACT_EVENT_ABORT)
	{
		for (int i = 0; i < MAX_BATCHES; i++)
			batches[i].n = 0;
		pending = false;
	}
}

static void
at_subxact(SubXactEvent event, SubTransactionId subid,
		   SubTransactionId parent, void *arg)
{
	if (!pending ||
		(event != SUBXACT_EVENT_PRE_COMMIT_SUB && event != SUBXACT_EVENT_ABORT_SUB))
		return;
	for (int i = 0; i < MAX_BATCHES; i++)
	{
		Batch	   *batch = &batches[i];
		bool		released = event == SUBXACT_EVENT_PRE_COMMIT_SUB;

		if (batch->n > 0 && batch->subid == subid)
		{
			if (released && batch->copied == InvalidSubTransactionId)
				write_batch(batch, false);
			batch->n = 0;
		}
		else if (batch->n > 0 && batch->copied == subid)
		{
			batch->copied = released ? parent : InvalidSubTransactionId;
			if (batch->copied == batch->subid)
				batch->n = 0;
		}
	}
}

/*
 * Writing
 */
typedef struct LogRow
{
	Relation	rel;
	Datum		values[LOG_NATTS];
	bool		isnull[LOG_NATTS];
	CommandId	cid;
} LogRow;

/* Below all checks; the table is as we made it. */
static void
put_directly(LogRow *row)
{
	Relation	idx = try_index_open(log_pkey, RowExclusiveLock);
	HeapTuple	tuple = heap_form_tuple(RelationGetDescr(row->rel), row->values, row->isnull);
	IndexInfo  *info;

	if (idx == NULL)
		return;
	info = BuildIndexInfo(idx);
	heap_insert(row->rel, tuple, row->cid, 0, NULL);
	index_insert(idx, &row->values[LOG_ID], &row->isnull[LOG_ID],
				 &tuple->t_self, row->rel, UNIQUE_CHECK_NO, false, info);
	index_close(idx, NoLock);
	pfree(info);
	heap_freetuple(tuple);
}

/* Whatever its owner has made of it: columns by name, indexes, triggers. */
static void
put_by_executor(void *arg)
{
	LogRow	   *row = (LogRow *) arg;
	TupleDesc	desc = RelationGetDescr(row->rel);
	EState	   *estate = CreateExecutorState();
	ResultRelInfo *info = makeNode(ResultRelInfo);
	TupleTableSlot *slot;

	/* in no range table: that is what 0 says */
	InitResultRelInfo(info, row->rel, 0, NULL, 0);
	ExecOpenIndices(info, false);
	slot = ExecInitExtraTupleSlot(estate, desc, &TTSOpsVirtual);
	ExecClearTuple(slot);
	memset(slot->tts_isnull, true, sizeof(bool) * desc->natts);
	for (int c = 0; c < LOG_NATTS; c++)
	{
		int			a;

		for (a = 0; a < desc->natts; a++)
			if (!TupleDescAttr(desc, a)->attisdropped &&
				strcmp(NameStr(TupleDescAttr(desc, a)->attname), log_columns[c].name) == 0)
				break;
		if (a == desc->natts || TupleDescAttr(desc, a)->atttypid != log_columns[c].type)
			ereport(ERROR,
					(errcode(ERRCODE_UNDEFINED_COLUMN),
					 errmsg("oms.erp_change has no column \"%s\" as oms.install() made it",
							log_columns[c].name)));
		slot->tts_values[a] = row->values[c];
		slot->tts_isnull[a] = row->isnull[c];
	}
	ExecStoreVirtualTuple(slot);
	ExecSimpleRelationInsert(info, estate, slot);
	ExecCloseIndices(info);
	ExecResetTupleTable(estate->es_tupleTable, false);
	FreeExecutorState(estate);
}

/* To the server's log: the ERP's user can do nothing about it. */
static void
complain(const char *why)
{
	static TimestampTz last = 0;
	TimestampTz now = GetCurrentTimestamp();

	if (last != 0 && !TimestampDifferenceExceeds(last, now, 60000))
		return;
	last = now;
	ereport(LOG,
			(errmsg("a change of the ERP could not be kept in oms.erp_change: %s", why),
			 errhint("Mend the table and call oms.erp_refresh().")));
}

/* The clock and the process: unique as far as the clock does not go back. */
static int64
next_id(void)
{
	static int64 last = 0;
	int64		id = GetCurrentTimestamp() * 2048 + (MyBackendId & 2047);

	if (id <= last)
		id = last + 2048;
	last = id;
	return id;
}

/*
 * Writes it; it is free then, its buffer as it was.  may_try: not while a
 * (sub)transaction is being committed, where no other can begin.
 */
static void
write_batch(Batch *batch, bool may_try)
{
	LogRow		row;
	bool		plain = look_at_log();
	ErrorData  *failed;
	char		op[2] = {batch->op, '\0'};
	text	   *images;

	row.rel = OidIsValid(log_relid) ? try_table_open(log_relid, RowExclusiveLock) : NULL;
	if (row.rel)
	{
		images = palloc(VARHDRSZ + batch->buf.len + 1);
		SET_VARSIZE(images, VARHDRSZ + batch->buf.len + 1);
		memcpy(VARDATA(images), batch->buf.data, batch->buf.len);
		VARDATA(images)[batch->buf.len] = ']';
		memset(row.isnull, false, sizeof(row.isnull));
		row.values[LOG_ID] = Int64GetDatum(next_id());
		row.values[LOG_RELATION] = CStringGetTextDatum(batch->source->relation);
		row.values[LOG_OP] = CStringGetTextDatum(op);
		row.values[LOG_CHANGES] = Int32GetDatum(batch->n);
		row.values[LOG_IMAGES] = PointerGetDatum(images);
		row.isnull[LOG_IMAGES] = batch->op == 'T';
		row.values[LOG_AT] = TimestampTzGetDatum(GetCurrentTransactionStartTimestamp());
		row.cid = batch->cid;
		if (plain && look_at_log())
			put_directly(&row);
		else if (row.rel->rd_rel->relkind != RELKIND_RELATION)
			complain("it is no table");
		else if (!may_try)
			complain("it was altered in the same transaction");
		else if (!oms_try(put_by_executor, &row, &failed))
			complain(failed->message);
		table_close(row.rel, NoLock);
		pfree(images);
		if (oms_erp_wake)
			oms_erp_wake();
	}
	/* else the tables are gone: nobody to tell */
	batch->n = 0;
}

/* Where is it, and is it as oms.install() made it? */
static bool
look_at_log(void)
{
	uint64		before = generation;
	Relation	rel;
	TupleDesc	desc;
	List	   *indexes;
	Oid			pkey;

	if (log_generation == generation)
		return OidIsValid(log_pkey);
	log_pkey = InvalidOid;
	log_relid = oms_erp_log_relid();
	rel = OidIsValid(log_relid) ? try_table_open(log_relid, AccessShareLock) : NULL;
	if (rel == NULL)
	{
		/* not kept: nobody tells when it is there, as when its schema is */
		log_relid = InvalidOid;
		log_generation = 0;
		return false;
	}
	desc = RelationGetDescr(rel);
	indexes = RelationGetIndexList(rel);
	pkey = RelationGetPrimaryKeyIndex(rel);
	if (rel->rd_rel->relkind == RELKIND_RELATION &&
		rel->rd_tableam == GetHeapamTableAmRoutine() &&
		rel->trigdesc == NULL && desc->natts == LOG_NATTS &&
		list_length(indexes) == 1 && OidIsValid(pkey))
	{
		Relation	idx = index_open(pkey, AccessShareLock);

		if (idx->rd_index->indnatts == 1 && idx->rd_index->indisready &&
			idx->rd_index->indkey.values[0] == LOG_ID + 1)
			log_pkey = pkey;
		index_close(idx, AccessShareLock);
		for (int a = 0; a < LOG_NATTS; a++)
			if (TupleDescAttr(desc, a)->attisdropped ||
				TupleDescAttr(desc, a)->atttypid != log_columns[a].type ||
				strcmp(NameStr(TupleDescAttr(desc, a)->attname), log_columns[a].name) != 0)
				log_pkey = InvalidOid;
	}
	list_free(indexes);
	table_close(rel, AccessShareLock);
	log_generation = before;
	return OidIsValid(log_pkey);
}

/*
 * Reading
 */
PG_FUNCTION_INFO_V1(oms_erp_images);

/* images of a row of oms.erp_change -> jsonb objects, one an image */
Datum
oms_erp_images(PG_FUNCTION_ARGS)
{
	Datum		doc = DirectFunctionCall1(jsonb_in, CStringGetDatum(text_to_cstring(PG_GETARG_TEXT_PP(0))));
	JsonbIterator *it = JsonbIteratorInit(&DatumGetJsonbP(doc)->root);
	JsonbIteratorToken token;
	JsonbValue	v;
	JsonbValue *names = NULL;
	int			nnames = -1;
	int			max = 0;
	Datum	   *images = NULL;
	int			n = 0;
	int			maxn = 0;

	token = JsonbIteratorNext(&it, &v, false);
	if (token != WJB_BEGIN_ARRAY || v.val.array.rawScalar)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("images are an array of arrays"),
				 errdetail("The value is not an array."),
				 errhint("Pass column \"images\" of oms.erp_change.")));
	while ((token = JsonbIteratorNext(&it, &v, true)) == WJB_ELEM)
	{
		JsonbIterator *row;
		JsonbParseState *state = NULL;
		int			i = 0;

		if (v.type != jbvBinary || !JsonContainerIsArray(v.val.binary.data))
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("images are an array of arrays"),
					 errdetail("Element %d is not an array.", nnames < 0 ? 0 : n + 1),
					 errhint("Pass column \"images\" of oms.erp_change.")));
		row = JsonbIteratorInit(v.val.binary.data);
		(void) JsonbIteratorNext(&row, &v, true);
		if (nnames >= 0)
			pushJsonbValue(&state, WJB_BEGIN_OBJECT, NULL);
		while (JsonbIteratorNext(&row, &v, true) == WJB_ELEM)
		{
			if (nnames >= 0)
			{
				if (i >= nnames)
					break;
				pushJsonbValue(&state, WJB_KEY, &names[i]);
				pushJsonbValue(&state, WJB_VALUE, &v);
			}
			else if (v.type == jbvString)
			{
				if (i == max)
				{
					max = max ? max * 2 : 16;
					names = names ? repalloc(names, sizeof(JsonbValue) * max)
						: palloc(sizeof(JsonbValue) * max);
				}
				names[i] = v;
			}
			else
				ereport(ERROR,
						(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						 errmsg("images begin with the names of columns"),
						 errdetail("Element %d of the first array is not a string.", i),
						 errhint("Pass column \"images\" of oms.erp_change.")));
			i++;
		}
		if (nnames < 0)
		{
			nnames = i;
			continue;
		}
		if (n == maxn)
		{
			maxn = maxn ? maxn * 2 : 64;
			images = images ? repalloc(images, sizeof(Datum) * maxn)
				: palloc(sizeof(Datum) * maxn);
		}
		images[n++] = JsonbPGetDatum(JsonbValueToJsonb(pushJsonbValue(&state, WJB_END_OBJECT, NULL)));
	}
	PG_RETURN_ARRAYTYPE_P(construct_array(images, n, JSONBOID, -1, false, TYPALIGN_INT));
}
