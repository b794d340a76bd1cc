/*
 * core_probe.c
 *	  Is there anything to look for?  Asked of an index.
 *
 * Some questions nearly always have no answer: holds of carts that expired,
 * on the few items of an order.  A descent in the partial index says so for a
 * tenth of what a statement costs.  Only the absence of entries counts, and
 * that does not depend on a snapshot: a row that anybody can see has its
 * entry, or is in one that a bulk deletion cannot have removed.  Predicate
 * locks of SERIALIZABLE are taken by the index scan as ever.
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/relation.h"
#include "catalog/namespace.h"
#include "catalog/pg_type.h"
#include "fmgr.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/ruleutils.h"
#include "utils/snapmgr.h"

#include "compat.h"
#include "core_inval.h"
#include "core_probe.h"

#define OMS_PROBE_KEYS 4

static OmsProbe *probes = NULL;

static void
on_relcache(Oid relid)
{
	for (OmsProbe *p = probes; p; p = p->next)
		if (!OidIsValid(relid) || p->relid == relid)
			p->valid = false;
}

/* Finds index and table, once; false when they are not as described. */
static bool
look_at(OmsProbe *p)
{
	Relation	index;

	p->relid = get_relname_relid(p->index, get_namespace_oid("oms", false));
	p->usable = false;
	if (!OidIsValid(p->relid) ||
		(index = try_relation_open(p->relid, AccessShareLock)) == NULL)
		return false;
	p->valid = true;			/* a message from here on clears it again */
	if (index->rd_rel->relkind == RELKIND_INDEX && index->rd_index->indisvalid)
	{
		p->table = index->rd_index->indrelid;
		p->usable = strcmp(pg_get_indexdef_string(p->relid), p->definition) == 0;
	}
	relation_close(index, AccessShareLock);
	return p->usable;
}

/*
 * The table and its index, locked.  Who makes or drops an index waits for all
 * who hold the table.
 */
static Relation
open_index(OmsProbe *p, Relation *table)
{
	static bool registered = false;
	Relation	index;

	if (!registered)
		oms_relcache_watch(on_relcache);
	registered = true;
	if (!p->listed)
	{
		p->next = probes;
		probes = p;
		p->listed = true;
	}
	if (!p->valid && !look_at(p))
		return NULL;
	if (!p->usable || (*table = try_relation_open(p->table, AccessShareLock)) == NULL)
		return NULL;
	index = p->valid ? try_relation_open(p->relid, AccessShareLock) : NULL;
	if (index == NULL)
		relation_close(*table, NoLock);
	return index;
}

static RegProcedure
comparison(Oid type, StrategyNumber strategy)
{
	Assert(strategy == BTEqualStrategyNumber || strategy == BTLessEqualStrategyNumber);
	switch (type)
	{
		case INT4OID:
			return strategy == BTEqualStrategyNumber ? F_INT4EQ : F_INT4LE;
		case INT8OID:
			return strategy == BTEqualStrategyNumber ? F_INT8EQ : F_INT8LE;
		case TIMESTAMPTZOID:
			return strategy == BTEqualStrategyNumber ? F_TIMESTAMPTZ_EQ : F_TIMESTAMPTZ_LE;
	}
	elog(ERROR, "type %u cannot be probed for", type);
	return InvalidOid;			/* keep compiler quiet */
}

bool
oms_probe(OmsProbe *p, const Oid *types, const Datum *keys, int n,
		  StrategyNumber last)
{
	Relation	heap;
	Relation	index = open_index(p, &heap);
	ScanKeyData scan_keys[OMS_PROBE_KEYS];
	IndexScanDesc scan;
	bool		found;

	if (index == NULL)
		return true;
	Assert(n <= OMS_PROBE_KEYS);
	for (int i = 0; i < n; i++)
	{
		StrategyNumber s = i == n - 1 ? last : BTEqualStrategyNumber;

		ScanKeyInit(&scan_keys[i], i + 1, s, comparison(types[i], s), keys[i]);
	}
	scan = oms_index_beginscan(heap, index, GetTransactionSnapshot(), n);
	index_rescan(scan, scan_keys, n, NULL, 0);
	found = index_getnext_tid(scan, ForwardScanDirection) != NULL;
	index_endscan(scan);
	relation_close(index, AccessShareLock);
	relation_close(heap, NoLock);
	return found;
}
