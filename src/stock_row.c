/*
 * stock_row.c
 *	  Direct access to rows of oms.stock, entering at the newest version.
 *
 * As long as an old snapshot is open (a report that runs for a minute), no
 * version of a row can be removed that was made since.  An item in a rush
 * gets thousands a second, and every look-up through an index walks over
 * all of them: all entries of the key, and from each the whole HOT chain.
 * So rows are found through a hint instead: the place (TID) of a version that
 * was the newest a moment ago.  From there the chain of updates is followed
 * forward, a step or two.
 *
 * Why a hint can never be wrong.  At most one version of a key is visible to
 * a snapshot (the key is unique).  A hint is used for one thing only: to find
 * that version.  What is found counts if, read under the lock of its buffer,
 * it is a normal tuple, its key is the one wanted, and it is visible to the
 * snapshot; then it is what the index would have led to, however we came
 * there.  Everything else (line pointer dead, free, or taken by another row,
 * end of the chain, block beyond the end) means: ask the index.  That there
 * is no such row is only ever said by the index.  The snapshot is held until
 * the row is locked, so the version cannot be pruned away in between.  From
 * there on it is what the executor does for SELECT FOR NO KEY UPDATE:
 * table_tuple_lock with TUPLE_LOCK_FLAG_FIND_LAST_VERSION, and a look whether
 * the key is still the same.
 *
 * Hints are kept in stock_hint.c.  A hint is the version that was locked
 * last, which is committed, not the one written by whoever holds the lock:
 * that one nobody else sees yet, and chains only lead forward.  A snapshot
 * older than the hint finds nothing by it; at READ COMMITTED a fresh one is
 * taken, which is what a statement of its own would do.
 *
 * An update that does not change the key needs no look whether the key is
 * unique: the version it replaces had it, and is locked by us until the new
 * one stands.  So entries are put into indexes without that look, which would
 * visit every version of the row.
 *
 * All of it only at READ COMMITTED (at the other levels the transaction's own
 * snapshot counts, and SERIALIZABLE has predicate locks), and only while the
 * table is as oms.install() makes it: a plain heap without triggers, rules,
 * row security, other CHECK constraints, or indexes that an update of
 * "reserved" could concern.  Otherwise the callers use their statements.
 *
 * The write skips what the executor would check, so it is done here: the
 * rights of the user, and the CHECK constraints (those in "checks").
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/heapam.h"
#include "access/htup_details.h"
#include "access/nbtree.h"
#include "access/relscan.h"
#include "access/sysattr.h"
#include "access/table.h"
#include "access/tableam.h"
#include "access/xact.h"
#include "catalog/index.h"
#include "catalog/namespace.h"
#include "catalog/pg_am.h"
#include "catalog/pg_type.h"
#include "common/int.h"
#include "executor/executor.h"
#include "miscadmin.h"
#include "optimizer/optimizer.h"
#include "storage/bufmgr.h"
#include "storage/lmgr.h"
#include "storage/smgr.h"
#include "utils/acl.h"
#include "utils/fmgroids.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/ruleutils.h"
#include "utils/snapmgr.h"

#include "core_inval.h"
#include "stock_hint.h"
#include "stock_row.h"

/* A snapshot too old for the hint is replaced so often. */
#define SNAPSHOT_TRIES 4

/* Sleeps before a row is queued for, each twice as long as the one before. */
#define TRY_FIRST_US 50
#define TRY_LAST_US 3200

/* Largest value of numeric(14,3) in thousandths */
#define QTY_LIMIT INT64CONST(99999999999999)

/* Index entries of one row to step over before descending to the next. */
#define STEP_OVER 2

/* The columns used here, by place in "attno". */
enum
{
	COMPANY_ID,
	NODE_ID,
	SKU_ID,
	ON_HAND,
	RESERVED,
	SAFETY,
	BACKORDER_LIMIT,
	SHORTFALL,
	SELLABLE,
	CHANNEL_DEPTH,
	HAS_TERMS,
	VERSION,
	UPDATED_AT,
	NCOLUMNS
};

static const struct
{
	const char *name;
	Oid			type;
}			columns[NCOLUMNS] =
{
	{"company_id", INT4OID},
	{"node_id", INT4OID},
	{"sku_id", INT4OID},
	{"on_hand", NUMERICOID},
	{"reserved", NUMERICOID},
	{"safety", NUMERICOID},
	{"backorder_limit", NUMERICOID},
	{"shortfall", NUMERICOID},
	{"sellable", BOOLOID},
	{"channel_depth", NUMERICOID},
	{"has_terms", BOOLOID},
	{"version", INT8OID},
	{"updated_at", TIMESTAMPTZOID}
};

/*
 * The CHECK constraints that oms_stock_row_add() looks after, as PostgreSQL
 * writes them.  A name would say nothing: whoever changes one may keep it.
 */
static const char *const checks[] = {
	"(backorder_limit >= (0)::numeric)",
	"(channel_depth >= (0)::numeric)",
	"(reserved <= ((GREATEST(on_hand, (0)::numeric) + GREATEST(backorder_limit, channel_depth)) + shortfall))",
	"(reserved >= (0)::numeric)",
	"(safety >= (0)::numeric)",
	"(shortfall >= (0)::numeric)"
};

/* What is known of the table; made again after an invalidation. */
static struct
{
	bool		valid;
	bool		stale;			/* news came while it was made */
	bool		plain;			/* may be accessed here */
	Oid			relid;
	Oid			by_key;			/* index on company, node, item */
	Oid			by_sku;			/* index on company, item, node */
	AttrNumber	attno[NCOLUMNS];
}			about;

uint64		oms_stock_row_waits = 0;

static bool use_hints = true;
static bool callback_registered = false;

static void on_relcache(Oid relid);
static void look_at_table(void);
static bool plain_table(Relation rel);
static bool plain_indexes(Relation rel);
static Relation open_table(LOCKMODE mode, AclMode rights);
static void prune(Relation rel, ItemPointer tid);
static bool find_row(Relation rel, int32 company_id, OmsStockKey key,
					 HeapTuple *found);
static bool find_by_hint(Relation rel, int32 company_id, OmsStockKey key,
						 Snapshot snapshot, HeapTuple *found, bool *too_new);
static bool follow(Relation rel, int32 company_id, OmsStockKey key,
				   ItemPointerData tid, Snapshot snapshot, HeapTuple *found,
				   bool *too_new);
static bool find_by_index(Relation rel, int32 company_id, OmsStockKey key,
						  Snapshot snapshot, HeapTuple *found);
static void make_index_entries(Relation rel, TupleTableSlot *slot);
static bool same_key(Relation rel, HeapTuple tuple, int32 company_id,
					 OmsStockKey key);
static void fill_level(Relation rel, HeapTuple tuple, OmsStockLevel *level);
static int64 milli_of(Relation rel, HeapTuple tuple, int column);

void
oms_stock_row_init(void)
{
	DefineCustomBoolVariable("oms.stock_hints",
							 "Finds rows of oms.stock by the place where they were last, not by index.",
							 "Off: by the server's own statements, which slow down while an old snapshot is open.",
							 &use_hints, true,
							 PGC_USERSET, 0, NULL, NULL, NULL);
	oms_stock_hint_init();
}

/*
 * The calls
 */
OmsStockRowResult
oms_stock_row_levels(int32 company_id, int32 sku_id, OmsStockLevel **levels,
					 int *n)
{
	Relation	rel = open_table(AccessShareLock, ACL_SELECT);
	Relation	index;
	IndexScanDesc scan;
	Snapshot	snapshot;
	TupleTableSlot *slot;
	ItemPointer tid;
	ScanKeyData keys[3];
	OmsStockKey last = {0, sku_id};
	bool		done = false;	/* the row at "last" has been read */
	int			entries = 0;	/* of that key, seen since */
	int			size = 64;

	if (rel == NULL)
		return OMS_STOCK_ROW_BY_SQL;
	*n = 0;
	*levels = palloc(sizeof(OmsStockLevel) * size);
	index = index_open(about.by_sku, AccessShareLock);
	slot = table_slot_create(rel, NULL);
	snapshot = RegisterSnapshot(GetTransactionSnapshot());
	scan = index_beginscan(rel, index, snapshot, 3, 0);
	scan->xs_want_itup = true;
	ScanKeyInit(&keys[0], 1, BTEqualStrategyNumber, F_INT4EQ,
				Int32GetDatum(company_id));
	ScanKeyInit(&keys[1], 2, BTEqualStrategyNumber, F_INT4EQ,
				Int32GetDatum(sku_id));
	ScanKeyInit(&keys[2], 3, BTGreaterEqualStrategyNumber, F_INT4GE,
				Int32GetDatum(PG_INT32_MIN));
	index_rescan(scan, keys, 3, NULL, 0);
	while ((tid = index_getnext_tid(scan, ForwardScanDirection)) != NULL)
	{
		bool		isnull;
		int32		node_id = DatumGetInt32(index_getattr(scan->xs_itup, 3,
														  scan->xs_itupdesc,
														  &isnull));
		HeapTuple	tuple = NULL;
		bool		too_new = false;
		bool		fetched = false;

		CHECK_FOR_INTERRUPTS();
		if (entries > 0 && node_id == last.node_id)
		{
			/* entries of versions that are not needed any more */
			if (done && ++entries > STEP_OVER)
			{
				if (node_id == PG_INT32_MAX)
					break;
				keys[2].sk_argument = Int32GetDatum(node_id + 1);
				index_rescan(scan, keys, 3, NULL, 0);
			}
			if (done)
				continue;
			entries++;
		}
		else
		{
			last.node_id = node_id;
			entries = 1;
			done = false;
			if (find_by_hint(rel, company_id, last, snapshot, &tuple, &too_new))
				done = true;
			for (int i = 0; too_new && i < SNAPSHOT_TRIES; i++)
			{
				PushActiveSnapshot(GetTransactionSnapshot());
				done = find_by_hint(rel, company_id, last, GetActiveSnapshot(),
									&tuple, &too_new);
				PopActiveSnapshot();
			}
		}
		if (!done && index_fetch_heap(scan, slot))
		{
			uint64		hash = oms_stock_hint_hash(rel, company_id, last);
			ItemPointerData place;

			tuple = ExecFetchSlotHeapTuple(slot, false, NULL);
			done = fetched = true;
			/* many versions, or the hint's place was freed by pruning */
			if ((entries > STEP_OVER || oms_stock_hint_get(hash, &place)) &&
				!TransactionIdIsCurrentTransactionId(HeapTupleHeaderGetXmin(tuple->t_data)))
				oms_stock_hint_set(hash, &tuple->t_self);
		}
		if (!done)
			continue;
		if (*n == size)
			*levels = repalloc(*levels, sizeof(OmsStockLevel) * (size *= 2));
		fill_level(rel, tuple, &(*levels)[(*n)++]);
		if (fetched)
			ExecClearTuple(slot);
		else
			heap_freetuple(tuple);
	}
	index_endscan(scan);
	UnregisterSnapshot(snapshot);
	ExecDropSingleTupleTableSlot(slot);
	index_close(index, NoLock);
	table_close(rel, NoLock);
	return OMS_STOCK_ROW_DONE;
}

OmsStockRowResult
oms_stock_row_level(int32 company_id, OmsStockKey key, OmsStockLevel *level)
{
	Relation	rel = open_table(AccessShareLock, ACL_SELECT);
	HeapTuple	tuple;
	bool		found;

	if (rel == NULL)
		return OMS_STOCK_ROW_BY_SQL;
	PushActiveSnapshot(GetTransactionSnapshot());
	found = find_row(rel, company_id, key, &tuple);
	PopActiveSnapshot();
	if (found)
	{
		fill_level(rel, tuple, level);
		heap_freetuple(tuple);
	}
	table_close(rel, NoLock);
	return found ? OMS_STOCK_ROW_DONE : OMS_STOCK_ROW_NONE;
}

/*
 * Locks it as the active snapshot leads to it.  Who holds a row of stock
 * holds it for some 30 us.  Queueing for it costs that many times over: the
 * lock goes to a process that sleeps, and all wait until it has its turn on a
 * processor.  So it is tried again after a short sleep, by whoever runs; only
 * one that was unlucky for long queues.
 */
static TM_Result
lock_tuple(Relation rel, HeapTuple tuple, TupleTableSlot *slot,
		   TM_FailureData *failure)
{
	for (long sleep_us = TRY_FIRST_US;; sleep_us *= 2)
	{
		bool		queue = sleep_us > TRY_LAST_US;
		TM_Result	locked = table_tuple_lock(rel, &tuple->t_self,
											  GetActiveSnapshot(), slot,
											  GetCurrentCommandId(true),
											  LockTupleNoKeyExclusive,
											  queue ? LockWaitBlock : LockWaitSkip,
											  TUPLE_LOCK_FLAG_FIND_LAST_VERSION,
											  failure);

		if (locked != TM_WouldBlock)
			return locked;
		oms_stock_row_waits++;
		pg_usleep(sleep_us);
		CHECK_FOR_INTERRUPTS();
	}
}

OmsStockRowResult
oms_stock_row_lock(int32 company_id, OmsStockKey key, OmsStockLevel *level)
{
	Relation	rel = open_table(RowShareLock, ACL_SELECT | ACL_UPDATE);
	OmsStockRowResult result = OMS_STOCK_ROW_NONE;
	TupleTableSlot *slot;
	HeapTuple	tuple;

	if (rel == NULL)
		return OMS_STOCK_ROW_BY_SQL;
	slot = table_slot_create(rel, NULL);

	/* once more where the row was deleted, or got another key, meanwhile */
	for (int i = 0; i < SNAPSHOT_TRIES; i++)
	{
		TM_FailureData failure;
		TM_Result	locked;

		PushActiveSnapshot(GetTransactionSnapshot());
		if (!find_row(rel, company_id, key, &tuple))
		{
			PopActiveSnapshot();
			result = OMS_STOCK_ROW_NONE;
			break;
		}
		prune(rel, &tuple->t_self);
		locked = lock_tuple(rel, tuple, slot, &failure);
		PopActiveSnapshot();
		heap_freetuple(tuple);
		if (locked == TM_Ok)
		{
			tuple = ExecFetchSlotHeapTuple(slot, false, NULL);
			if (same_key(rel, tuple, company_id, key))
			{
				fill_level(rel, tuple, level);
				if (TransactionIdIsCurrentTransactionId(HeapTupleHeaderGetXmin(tuple->t_data)))
					oms_stock_hint_set_own(oms_stock_hint_hash(rel, company_id, key), &tuple->t_self);
				else
					oms_stock_hint_set(oms_stock_hint_hash(rel, company_id, key), &tuple->t_self);
				result = OMS_STOCK_ROW_DONE;
				break;
			}
		}
		else if (locked != TM_Deleted)
		{
			result = OMS_STOCK_ROW_BY_SQL;
			break;
		}
		ExecClearTuple(slot);
		result = OMS_STOCK_ROW_BY_SQL;
	}
	ExecDropSingleTupleTableSlot(slot);
	table_close(rel, NoLock);
	return result;
}

OmsStockRowResult
oms_stock_row_add(int32 company_id, OmsStockKey key, int64 qty)
{
	Relation	rel = open_table(RowExclusiveLock, ACL_SELECT | ACL_UPDATE);
	OmsStockRowResult result = OMS_STOCK_ROW_BY_SQL;
	HeapTuple	tuple;
	bool		found;
	int64		reserved;
	int64		shortfall;
	int64		covered;

	if (rel == NULL)
		return OMS_STOCK_ROW_BY_SQL;
	PushActiveSnapshot(GetTransactionSnapshot());
	found = find_row(rel, company_id, key, &tuple);
	if (found && !pg_add_s64_overflow(milli_of(rel, tuple, RESERVED), qty,
									  &reserved))
	{
		shortfall = milli_of(rel, tuple, SHORTFALL);
		covered = Max(milli_of(rel, tuple, ON_HAND), 0) +
			Max(milli_of(rel, tuple, BACKORDER_LIMIT),
				milli_of(rel, tuple, CHANNEL_DEPTH)) + shortfall;
		if (reserved >= 0 && reserved <= Min(covered, QTY_LIMIT) &&
			(qty > 0 || shortfall == 0))
		{
			TupleTableSlot *slot = MakeSingleTupleTableSlot(RelationGetDescr(rel),
															&TTSOpsHeapTuple);
			int			cols[3] = {about.attno[RESERVED], about.attno[VERSION],
			about.attno[UPDATED_AT]};
			bool		nulls[3] = {false, false, false};
			Datum		values[3];
			bool		isnull;
			bool		update_indexes;
			LockTupleMode mode;
			TM_FailureData failure;

			values[0] = oms_milli_numeric(reserved);
			values[1] = Int64GetDatum(DatumGetInt64(heap_getattr(tuple, cols[1],
																 RelationGetDescr(rel),
																 &isnull)) + 1);
			values[2] = TimestampTzGetDatum(GetCurrentTransactionStartTimestamp());
			CheckCmdReplicaIdentity(rel, CMD_UPDATE);
			ExecStoreHeapTuple(heap_modify_tuple_by_cols(tuple, RelationGetDescr(rel), 3,
														 cols, values, nulls),
							   slot, true);
			slot->tts_tableOid = RelationGetRelid(rel);
			if (table_tuple_update(rel, &tuple->t_self, slot,
								   GetCurrentCommandId(true),
								   GetActiveSnapshot(), InvalidSnapshot, true,
								   &failure, &mode, &update_indexes) == TM_Ok)
			{
				if (update_indexes)
					make_index_entries(rel, slot);
				oms_stock_hint_set_own(oms_stock_hint_hash(rel, company_id, key), &slot->tts_tid);
				result = OMS_STOCK_ROW_DONE;
			}
			ExecDropSingleTupleTableSlot(slot);
		}
	}
	if (found)
		heap_freetuple(tuple);
	PopActiveSnapshot();
	table_close(rel, NoLock);
	if (result == OMS_STOCK_ROW_DONE)
		CommandCounterIncrement();
	return result;
}

/* As a scan does it when it comes to a page: leaves room for HOT updates. */
static void
prune(Relation rel, ItemPointer tid)
{
	Buffer		buffer = ReadBuffer(rel, ItemPointerGetBlockNumber(tid));

	heap_page_prune_opt(rel, buffer);
	ReleaseBuffer(buffer);
}

/*
 * Finding a row under the active snapshot; *found is a copy.  A snapshot that
 * is too old for the hint is replaced.
 */
static bool
find_row(Relation rel, int32 company_id, OmsStockKey key, HeapTuple *found)
{
	for (int i = 0; i < SNAPSHOT_TRIES; i++)
	{
		bool		too_new;

		if (find_by_hint(rel, company_id, key, GetActiveSnapshot(), found,
						 &too_new))
			return true;
		if (!too_new)
			break;
		PopActiveSnapshot();
		PushActiveSnapshot(GetTransactionSnapshot());
	}
	return find_by_index(rel, company_id, key, GetActiveSnapshot(), found);
}

/* *too_new: the hint is a version younger than the snapshot. */
static bool
find_by_hint(Relation rel, int32 company_id, OmsStockKey key,
			 Snapshot snapshot, HeapTuple *found, bool *too_new)
{
	uint64		hash = oms_stock_hint_hash(rel, company_id, key);
	ItemPointerData tid;

	*too_new = false;
	if (oms_stock_hint_get_own(hash, &tid) &&
		follow(rel, company_id, key, tid, snapshot, found, too_new))
		return true;
	*too_new = false;
	return oms_stock_hint_get(hash, &tid) &&
		follow(rel, company_id, key, tid, snapshot, found, too_new);
}

/*
 * A file grows only, but for a truncation, which is told to all before it is
 * done, and cannot be done while we hold our lock.  So what this process has
 * once seen of its length is enough for blocks below that.
 */
static bool
beyond_end(Relation rel, BlockNumber block)
{
	BlockNumber seen = rel->rd_smgr ?
	rel->rd_smgr->smgr_cached_nblocks[MAIN_FORKNUM] : InvalidBlockNumber;

	return (seen == InvalidBlockNumber || block >= seen) &&
		block >= RelationGetNumberOfBlocks(rel);
}

/* Follows the chain of updates to the version visible to the snapshot. */
static bool
follow(Relation rel, int32 company_id, OmsStockKey key, ItemPointerData tid,
	   Snapshot snapshot, HeapTuple *found, bool *too_new)
{
	Buffer		buffer = InvalidBuffer;
	BlockNumber block = InvalidBlockNumber;
	TransactionId prior = InvalidTransactionId;

	*found = NULL;
	if (beyond_end(rel, ItemPointerGetBlockNumberNoCheck(&tid)))
		return false;
	for (;;)
	{
		OffsetNumber offset = ItemPointerGetOffsetNumberNoCheck(&tid);
		HeapTupleData tuple;
		TransactionId xmin;
		ItemId		item;
		Page		page;

		if (ItemPointerGetBlockNumberNoCheck(&tid) != block)
		{
			if (BufferIsValid(buffer))
				UnlockReleaseBuffer(buffer);
			CHECK_FOR_INTERRUPTS();
			block = ItemPointerGetBlockNumberNoCheck(&tid);
			buffer = ReadBuffer(rel, block);
			LockBuffer(buffer, BUFFER_LOCK_SHARE);
		}
		page = BufferGetPage(buffer);
		if (offset < FirstOffsetNumber || offset > PageGetMaxOffsetNumber(page))
			break;
		item = PageGetItemId(page, offset);
		if (ItemIdIsRedirected(item))
		{
			/* the root of a chain that was pruned */
			offset = ItemIdGetRedirect(item);
			if (offset < FirstOffsetNumber || offset > PageGetMaxOffsetNumber(page))
				break;
			item = PageGetItemId(page, offset);
			prior = InvalidTransactionId;
		}
		if (!ItemIdIsNormal(item))
			break;
		tuple.t_data = (HeapTupleHeader) PageGetItem(page, item);
		tuple.t_len = ItemIdGetLength(item);
		tuple.t_tableOid = RelationGetRelid(rel);
		ItemPointerSet(&tuple.t_self, block, offset);
		xmin = HeapTupleHeaderGetXmin(tuple.t_data);

		/* a line pointer may have been given to another row */
		if (TransactionIdIsValid(prior) ? !TransactionIdEquals(xmin, prior) :
			!same_key(rel, &tuple, company_id, key))
			break;
		if (HeapTupleSatisfiesVisibility(&tuple, snapshot, buffer))
		{
			if (same_key(rel, &tuple, company_id, key))
				*found = heap_copytuple(&tuple);
			break;
		}
		if (TransactionIdIsNormal(xmin) &&
			!TransactionIdIsCurrentTransactionId(xmin) &&
			XidInMVCCSnapshot(xmin, snapshot))
		{
			*too_new = true;
			break;
		}
		if ((tuple.t_data->t_infomask & HEAP_XMAX_INVALID) ||
			HEAP_XMAX_IS_LOCKED_ONLY(tuple.t_data->t_infomask) ||
			HeapTupleHeaderIndicatesMovedPartitions(tuple.t_data) ||
			ItemPointerEquals(&tuple.t_data->t_ctid, &tuple.t_self))
			break;
		prior = HeapTupleHeaderGetUpdateXid(tuple.t_data);
		tid = tuple.t_data->t_ctid;
	}
	if (BufferIsValid(buffer))
		UnlockReleaseBuffer(buffer);
	return *found != NULL;
}

static bool
find_by_index(Relation rel, int32 company_id, OmsStockKey key,
			  Snapshot snapshot, HeapTuple *found)
{
	Relation	index = index_open(about.by_key, AccessShareLock);
	TupleTableSlot *slot = table_slot_create(rel, NULL);
	IndexScanDesc scan = index_beginscan(rel, index, snapshot, 3, 0);
	ScanKeyData keys[3];

	ScanKeyInit(&keys[0], 1, BTEqualStrategyNumber, F_INT4EQ,
				Int32GetDatum(company_id));
	ScanKeyInit(&keys[1], 2, BTEqualStrategyNumber, F_INT4EQ,
				Int32GetDatum(key.node_id));
	ScanKeyInit(&keys[2], 3, BTEqualStrategyNumber, F_INT4EQ,
				Int32GetDatum(key.sku_id));
	index_rescan(scan, keys, 3, NULL, 0);
	*found = NULL;
	if (index_getnext_slot(scan, ForwardScanDirection, slot))
		*found = ExecCopySlotHeapTuple(slot);
	index_endscan(scan);
	ExecDropSingleTupleTableSlot(slot);
	index_close(index, NoLock);
	return *found != NULL;
}

/* Does the row satisfy the predicate of the index? */
static bool
in_index(IndexInfo *info, TupleTableSlot *slot)
{
	EState	   *estate;
	bool		in;

	if (info->ii_Predicate == NIL)
		return true;
	estate = CreateExecutorState();
	GetPerTupleExprContext(estate)->ecxt_scantuple = slot;
	in = ExecQual(ExecPrepareQual(info->ii_Predicate, estate),
				  GetPerTupleExprContext(estate));
	FreeExecutorState(estate);
	return in;
}

/* Entries for a version that is not on its predecessor's page. */
static void
make_index_entries(Relation rel, TupleTableSlot *slot)
{
	List	   *indexes = RelationGetIndexList(rel);
	ListCell   *lc;

	foreach(lc, indexes)
	{
		Relation	index = index_open(lfirst_oid(lc), RowExclusiveLock);
		IndexInfo  *info = BuildIndexInfo(index);
		Datum		values[INDEX_MAX_KEYS];
		bool		nulls[INDEX_MAX_KEYS];

		if (in_index(info, slot))
		{
			/* no expressions (plain_indexes()): no executor state */
			FormIndexDatum(info, slot, NULL, values, nulls);
			index_insert(index, values, nulls, &slot->tts_tid, rel,
						 UNIQUE_CHECK_NO, true, info);
		}
		index_close(index, NoLock);
	}
	list_free(indexes);
}

/*
 * What is known of the table
 */
static void
on_relcache(Oid relid)
{
	if (relid == InvalidOid || relid == about.relid)
	{
		about.valid = false;
		about.stale = true;
	}
}

/* NULL: it must not be accessed here; what may not be written, the statement says. */
static Relation
open_table(LOCKMODE mode, AclMode rights)
{
	if (!use_hints || IsolationUsesXactSnapshot() || (XactReadOnly && mode != AccessShareLock))
		return NULL;
	for (;;)
	{
		while (!about.valid)
			look_at_table();
		if (!about.plain)
			return NULL;
		/* with the lock comes the news of what changed before it */
		LockRelationOid(about.relid, mode);
		if (about.valid)
			break;
		UnlockRelationOid(about.relid, mode);
	}
	if (pg_class_aclmask(about.relid, GetUserId(), rights, ACLMASK_ALL) != rights)
		return NULL;			/* perhaps on columns: the statement knows */
	return table_open(about.relid, NoLock);
}

static void
look_at_table(void)
{
	Oid			nsp = get_namespace_oid("oms", true);
	Relation	rel = NULL;

	if (!callback_registered)
	{
		oms_relcache_watch(on_relcache);
		callback_registered = true;
	}
	about.plain = about.stale = false;
	about.relid = OidIsValid(nsp) ? get_relname_relid("stock", nsp) : InvalidOid;
	if (OidIsValid(about.relid))
		rel = try_table_open(about.relid, AccessShareLock);
	if (rel != NULL)
	{
		about.plain = plain_table(rel) && plain_indexes(rel);
		table_close(rel, AccessShareLock);
	}
	about.valid = !about.stale;
}

/* Does a constraint look at a column used here, or at the row as a whole? */
static bool
concerns_us(Node *constraint)
{
	Bitmapset  *columns_seen = NULL;

	pull_varattnos(constraint, 1, &columns_seen);
	if (bms_is_member(0 - FirstLowInvalidHeapAttributeNumber, columns_seen))
		return true;
	for (int c = 0; c < NCOLUMNS; c++)
		if (bms_is_member(about.attno[c] - FirstLowInvalidHeapAttributeNumber,
						  columns_seen))
			return true;
	return false;
}

/* Its place in "checks", or -1. */
static int
known_check(Relation rel, Node *constraint)
{
	List	   *context = deparse_context_for(RelationGetRelationName(rel),
											  RelationGetRelid(rel));
	char	   *text = deparse_expression(constraint, context, false, false);

	for (int k = 0; k < lengthof(checks); k++)
		if (strcmp(text, checks[k]) == 0)
			return k;
	return -1;
}

static bool
plain_table(Relation rel)
{
	TupleConstr *constr = RelationGetDescr(rel)->constr;
	Bitmapset  *known = NULL;

	if (rel->rd_rel->relkind != RELKIND_RELATION ||
		rel->rd_tableam != GetHeapamTableAmRoutine() ||
		rel->rd_rel->relrowsecurity || rel->rd_rel->relhasrules ||
		rel->rd_rel->relispartition || rel->trigdesc != NULL ||
		(constr && constr->has_generated_stored))
		return false;
	for (int c = 0; c < NCOLUMNS; c++)
	{
		about.attno[c] = get_attnum(RelationGetRelid(rel), columns[c].name);
		if (about.attno[c] == InvalidAttrNumber ||
			TupleDescAttr(RelationGetDescr(rel),
						  about.attno[c] - 1)->atttypid != columns[c].type ||
			!TupleDescAttr(RelationGetDescr(rel),
						   about.attno[c] - 1)->attnotnull)
			return false;
	}
	/* ours are all there, and others concern none of these columns */
	for (int i = 0; constr && i < constr->num_check; i++)
	{
		Node	   *constraint = stringToNode(constr->check[i].ccbin);
		int			k;

		if (!concerns_us(constraint))
			continue;
		k = known_check(rel, constraint);
		if (k < 0)
			return false;
		known = bms_add_member(known, k);
	}
	return bms_num_members(known) == lengthof(checks);
}

/* Is the index a valid btree on exactly these columns? */
static bool
index_on(Relation index, int a, int b, int c)
{
	Form_pg_index form = index->rd_index;

	return index->rd_rel->relam == BTREE_AM_OID && form->indisvalid &&
		form->indnkeyatts == 3 && RelationGetIndexPredicate(index) == NIL &&
		form->indkey.values[0] == about.attno[a] &&
		form->indkey.values[1] == about.attno[b] &&
		form->indkey.values[2] == about.attno[c] &&
		(index->rd_indoption[0] | index->rd_indoption[1] |
		 index->rd_indoption[2]) == 0;
}

static bool
plain_indexes(Relation rel)
{
	static const int changed[] = {RESERVED, VERSION, UPDATED_AT};
	List	   *indexes = RelationGetIndexList(rel);
	ListCell   *lc;
	Bitmapset  *concerned;
	bool		plain = true;

	about.by_key = about.by_sku = InvalidOid;
	foreach(lc, indexes)
	{
		Relation	index = index_open(lfirst_oid(lc), AccessShareLock);
		Form_pg_index form = index->rd_index;

		if (!form->indisvalid || !form->indisready || form->indisexclusion ||
			RelationGetIndexExpressions(index) != NIL)
			plain = false;
		if (form->indisunique && form->indimmediate &&
			index_on(index, COMPANY_ID, NODE_ID, SKU_ID))
			about.by_key = RelationGetRelid(index);
		if (index_on(index, COMPANY_ID, SKU_ID, NODE_ID))
			about.by_sku = RelationGetRelid(index);
		index_close(index, AccessShareLock);
	}
	list_free(indexes);

	/* columns of keys and of predicates */
	concerned = RelationGetIndexAttrBitmap(rel, INDEX_ATTR_BITMAP_ALL);
	for (int c = 0; c < lengthof(changed); c++)
		if (bms_is_member(about.attno[changed[c]] - FirstLowInvalidHeapAttributeNumber,
						  concerned))
			plain = false;
	bms_free(concerned);
	return plain && OidIsValid(about.by_key) && OidIsValid(about.by_sku);
}

/*
 * Columns
 */
static bool
same_key(Relation rel, HeapTuple tuple, int32 company_id, OmsStockKey key)
{
	TupleDesc	desc = RelationGetDescr(rel);
	bool		isnull;

	return DatumGetInt32(heap_getattr(tuple, about.attno[COMPANY_ID], desc, &isnull)) == company_id &&
		DatumGetInt32(heap_getattr(tuple, about.attno[NODE_ID], desc, &isnull)) == key.node_id &&
		DatumGetInt32(heap_getattr(tuple, about.attno[SKU_ID], desc, &isnull)) == key.sku_id;
}

static int64
milli_of(Relation rel, HeapTuple tuple, int column)
{
	bool		isnull;
	Datum		value = heap_getattr(tuple, about.attno[column],
									 RelationGetDescr(rel), &isnull);

	return oms_numeric_to_milli(value);
}

static void
fill_level(Relation rel, HeapTuple tuple, OmsStockLevel *level)
{
	TupleDesc	desc = RelationGetDescr(rel);
	Datum	   *values = palloc(sizeof(Datum) * desc->natts);
	bool	   *nulls = palloc(sizeof(bool) * desc->natts);

#define COLUMN(c) values[about.attno[c] - 1]
	heap_deform_tuple(tuple, desc, values, nulls);
	level->key.node_id = DatumGetInt32(COLUMN(NODE_ID));
	level->key.sku_id = DatumGetInt32(COLUMN(SKU_ID));
	level->on_hand = oms_numeric_to_milli(COLUMN(ON_HAND));
	level->reserved = oms_numeric_to_milli(COLUMN(RESERVED));
	level->safety = oms_numeric_to_milli(COLUMN(SAFETY));
	level->backorder_limit = level->node_limit = oms_numeric_to_milli(COLUMN(BACKORDER_LIMIT));
	level->kept = level->quota_id = level->quota_left = 0;
	level->capped = level->has_lots = false;
	level->blocked = !DatumGetBool(COLUMN(SELLABLE));
	level->has_terms = DatumGetBool(COLUMN(HAS_TERMS));
#undef COLUMN
	pfree(values);
	pfree(nulls);
}
