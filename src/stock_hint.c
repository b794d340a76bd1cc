/*
 * stock_hint.c
 *	  Hints: places where the newest version of a row of oms.stock was a moment
 *	  ago.  stock_row.c says why one can never be wrong.
 *
 * Hints are 64 bits each: some bits of the key's hash, block, offset.  They
 * are read and written by single atomic operations, in shared memory when
 * the library is preloaded, else in each process.  TRUNCATE, CLUSTER, VACUUM
 * FULL change the file's number, which is part of the hash.
 */
#include "postgres.h"

#include "access/xact.h"
#include "common/hashfn.h"
#include "miscadmin.h"
#include "port/atomics.h"
#include "storage/ipc.h"
#include "storage/lwlock.h"
#include "storage/shmem.h"
#include "utils/memutils.h"
#include "utils/rel.h"

#include "stock_hint.h"

/* Sets of hints; a hint of a key is in one of the WAYS places of its set. */
#define HINT_SETS 32768
#define HINT_WAYS 4

typedef struct HintKey
{
	Oid			database;
	Oid			relfilenode;
	int32		company_id;
	int32		node_id;
	int32		sku_id;
} HintKey;

typedef struct HintTable
{
	pg_atomic_uint32 next_victim;
	pg_atomic_uint64 hint[HINT_SETS][HINT_WAYS];
} HintTable;

/*
 * Where this transaction's own newest versions are: it may write one row many
 * times (the combiner does), and the shared hint stays at what is committed.
 */
#define OWN_HINTS 64

static struct
{
	TransactionId xid;			/* whose; others count as empty */
	uint64		hash[OWN_HINTS];
	ItemPointerData tid[OWN_HINTS];
}			own;

static HintTable *hints = NULL;
static shmem_request_hook_type previous_request_hook = NULL;
static shmem_startup_hook_type previous_startup_hook = NULL;

static void request_shared(void);
static void startup_shared(void);

void
oms_stock_hint_init(void)
{
	if (!process_shared_preload_libraries_in_progress)
		return;
	previous_request_hook = shmem_request_hook;
	shmem_request_hook = request_shared;
	previous_startup_hook = shmem_startup_hook;
	shmem_startup_hook = startup_shared;
}

static void
request_shared(void)
{
	if (previous_request_hook)
		previous_request_hook();
	RequestAddinShmemSpace(MAXALIGN(sizeof(HintTable)));
}

static void
clear_hints(HintTable *table)
{
	pg_atomic_init_u32(&table->next_victim, 0);
	for (int s = 0; s < HINT_SETS; s++)
		for (int w = 0; w < HINT_WAYS; w++)
			pg_atomic_init_u64(&table->hint[s][w], 0);
}

static void
startup_shared(void)
{
	bool		found;

	if (previous_startup_hook)
		previous_startup_hook();
	LWLockAcquire(AddinShmemInitLock, LW_EXCLUSIVE);
	hints = ShmemInitStruct("pg_oms stock hints", sizeof(HintTable), &found);
	if (!found)
		clear_hints(hints);
	LWLockRelease(AddinShmemInitLock);
}

uint64
oms_stock_hint_hash(Relation rel, int32 company_id, OmsStockKey key)
{
	HintKey		k;

	memset(&k, 0, sizeof(k));
	k.database = MyDatabaseId;
	k.relfilenode = rel->rd_node.relNode;
	k.company_id = company_id;
	k.node_id = key.node_id;
	k.sku_id = key.sku_id;
	return DatumGetUInt64(hash_any_extended((unsigned char *) &k, sizeof(k), 0));
}

/* 16 bits of the hash, 32 of the block, 16 of the offset (never 0). */
static uint64
hint_pack(uint64 hash, ItemPointer tid)
{
	return (hash & UINT64CONST(0xFFFF)) << 48 |
		(uint64) ItemPointerGetBlockNumberNoCheck(tid) << 16 |
		ItemPointerGetOffsetNumberNoCheck(tid);
}

bool
oms_stock_hint_get(uint64 hash, ItemPointer tid)
{
	pg_atomic_uint64 *set;

	if (hints == NULL)
		return false;
	set = hints->hint[(hash >> 16) % HINT_SETS];
	for (int w = 0; w < HINT_WAYS; w++)
	{
		uint64		hint = pg_atomic_read_u64(&set[w]);

		if (hint != 0 && hint >> 48 == (hash & 0xFFFF))
		{
			ItemPointerSet(tid, (BlockNumber) (hint >> 16),
						   (OffsetNumber) hint);
			return true;
		}
	}
	return false;
}

void
oms_stock_hint_set(uint64 hash, ItemPointer tid)
{
	int			way = -1;
	pg_atomic_uint64 *set;

	if (hints == NULL)
	{
		HintTable  *mine = MemoryContextAlloc(TopMemoryContext,
											  sizeof(HintTable));

		clear_hints(mine);
		hints = mine;
	}
	set = hints->hint[(hash >> 16) % HINT_SETS];
	for (int w = 0; w < HINT_WAYS; w++)
	{
		uint64		hint = pg_atomic_read_u64(&set[w]);

		if (hint != 0 && hint >> 48 == (hash & 0xFFFF))
		{
			way = w;
			break;
		}
		if (hint == 0 && way < 0)
			way = w;
	}
	if (way < 0)
		way = pg_atomic_fetch_add_u32(&hints->next_victim, 1) % HINT_WAYS;
	pg_atomic_write_u64(&set[way], hint_pack(hash, tid));
}

/* Where this transaction wrote the key's newest version, if it did. */
bool
oms_stock_hint_get_own(uint64 hash, ItemPointer tid)
{
	if (!TransactionIdIsValid(own.xid) ||
		own.xid != GetTopTransactionIdIfAny() ||
		own.hash[hash % OWN_HINTS] != hash)
		return false;
	*tid = own.tid[hash % OWN_HINTS];
	return true;
}

void
oms_stock_hint_set_own(uint64 hash, ItemPointer tid)
{
	if (own.xid != GetTopTransactionIdIfAny())
	{
		memset(own.hash, 0, sizeof(own.hash));
		own.xid = GetTopTransactionIdIfAny();
	}
	own.hash[hash % OWN_HINTS] = hash;
	own.tid[hash % OWN_HINTS] = *tid;
}
