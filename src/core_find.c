/*
 * core_find.c
 *	  Rows by the key of an index, without an executor.
 *
 * Two questions of a capture change with every order and cannot be kept in
 * memory: was this order captured before, and who is the buyer.  Others are
 * kept, but have to be asked once by each session and after each change: the
 * item, its prices, its components.  All are a descent in an index; the
 * executor takes five times as long to get ready for it.  And a plan made
 * while the table was still empty would go on reading it from end to end
 * until it is analysed.
 *
 * The rows found are those the statement would find: the same snapshot, the
 * same equality (the index's own).  Only at READ COMMITTED, of plain tables
 * without row security, for who may read the table.
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/relation.h"
#include "access/tableam.h"
#include "access/xact.h"
#include "catalog/namespace.h"
#include "catalog/pg_am.h"
#include "catalog/pg_class.h"
#include "catalog/pg_index.h"
#include "executor/tuptable.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"

#include "compat.h"
#include "core_inval.h"
#include "core_find.h"
#include "core_statement.h"

#define OMS_FIND_KEYS 4

typedef struct Find
{
	struct Find *next;
	OmsPlan    *plan;
	bool		valid;			/* cleared by messages */
	bool		direct;
	Oid			relid;
	Oid			index;
	bool		unique;			/* on these columns and no other */
	MemoryContext cxt;			/* of all below */
	TupleDesc	desc;			/* of the answer */
	AttrNumber *column;			/* of the table, by column of the answer */
	ScanKeyData keys[OMS_FIND_KEYS];
	int			param[OMS_FIND_KEYS];	/* of each key */
} Find;

static Find *finds = NULL;
static uint64 messages = 0;

static Find *find_of(OmsPlan *p);
static void prepare(Find *f);
static bool read_statement(const char *s, int nargs, char **table,
						   List **columns, List **keys);
static bool fits(Find *f, Relation rel, List *columns, List *keys);
static bool use_index(Find *f, Relation rel, Oid indexid, List *keys);

static void
on_relcache(Oid relid)
{
	for (Find *f = finds; f; f = f->next)
		if (!OidIsValid(relid) || f->relid == relid || f->index == relid)
		{
			f->valid = false;
			messages++;
		}
}

uint64
oms_find(OmsPlan *p, Datum *values, const char *nulls)
{
	Find	   *f = find_of(p);
	Relation	rel;
	Relation	index;
	IndexScanDesc scan;
	TupleTableSlot *slot;
	SPITupleTable *answer;
	uint64		room = 4;
	uint64		n = 0;
	Datum	   *row;
	bool	   *isnull;

	if (IsolationUsesXactSnapshot() || (nulls && strchr(nulls, 'n')))
		return oms_exec(p, values, nulls, false, 0);
	if (!f->valid)
		prepare(f);
	if (!f->direct || (rel = try_relation_open(f->relid, AccessShareLock)) == NULL)
		return oms_exec(p, values, nulls, false, 0);
	if (!f->valid || pg_class_aclcheck(f->relid, GetUserId(), ACL_SELECT) != ACLCHECK_OK)
	{
		relation_close(rel, NoLock);
		return oms_exec(p, values, nulls, false, 0);
	}

	answer = &((OmsRows *) palloc0(sizeof(OmsRows)))->table;
	answer->tupdesc = f->desc;
	answer->vals = palloc(sizeof(HeapTuple) * room);
	row = palloc(sizeof(Datum) * f->desc->natts);
	isnull = palloc(sizeof(bool) * f->desc->natts);
	/* locked: ALTER INDEX ... SET TABLESPACE locks nothing else */
	index = index_open(f->index, AccessShareLock);
	slot = table_slot_create(rel, NULL);
	PushActiveSnapshot(GetTransactionSnapshot());
	for (int k = 0; k < p->nargs; k++)
		f->keys[k].sk_argument = values[f->param[k]];
	scan = oms_index_beginscan(rel, index, GetActiveSnapshot(), p->nargs);
	index_rescan(scan, f->keys, p->nargs, NULL, 0);
	while (index_getnext_slot(scan, ForwardScanDirection, slot))
	{
		CHECK_FOR_INTERRUPTS();
		if (n == room)
			answer->vals = repalloc(answer->vals, sizeof(HeapTuple) * (room *= 2));
		for (int i = 0; i < f->desc->natts; i++)
			row[i] = slot_getattr(slot, f->column[i], &isnull[i]);
		answer->vals[n++] = heap_form_tuple(f->desc, row, isnull);
		if (f->unique)
			break;
	}
	answer->numvals = n;
	index_endscan(scan);
	PopActiveSnapshot();
	ExecDropSingleTupleTableSlot(slot);
	index_close(index, AccessShareLock);
	relation_close(rel, NoLock);
	SPI_tuptable = answer;
	SPI_processed = n;
	return n;
}

Oid
oms_find_table(OmsPlan *p)
{
	Find	   *f = find_of(p);

	return f->valid && f->direct ? f->relid : InvalidOid;
}

static Find *
find_of(OmsPlan *p)
{
	Find	   *f;

	for (f = finds; f; f = f->next)	/* a few */
		if (f->plan == p)
			return f;
	if (finds == NULL)
		oms_relcache_watch(on_relcache);
	f = MemoryContextAllocZero(TopMemoryContext, sizeof(Find));
	f->plan = p;
	f->next = finds;
	finds = f;
	return f;
}

static void
prepare(Find *f)
{
	uint64		before;
	MemoryContext old;
	char	   *table;
	List	   *columns;
	List	   *keys;
	Relation	rel;

	f->direct = false;
	if (!read_statement(f->plan->sql, f->plan->nargs, &table, &columns, &keys))
	{
		f->valid = true;
		return;
	}
	f->relid = get_relname_relid(table, get_namespace_oid("oms", false));
	if (!OidIsValid(f->relid) ||
		(rel = try_relation_open(f->relid, AccessShareLock)) == NULL)
		return;
	before = messages;
	/* an answer given before may still be read with the old description */
	if (f->cxt)
		MemoryContextSetParent(f->cxt, TopTransactionContext);
	f->cxt = AllocSetContextCreate(TopMemoryContext, "oms find",
								   ALLOCSET_SMALL_SIZES);
	old = MemoryContextSwitchTo(f->cxt);
	f->direct = fits(f, rel, columns, keys);
	MemoryContextSwitchTo(old);
	relation_close(rel, NoLock);
	f->valid = messages == before;
}

/* False when the statement is not of our form. */
static bool
read_statement(const char *s, int nargs, char **table, List **columns,
			   List **keys)
{
	*columns = *keys = NIL;
	if (!oms_read_word(&s, "SELECT "))
		return false;
	do
	{
		char	   *name = oms_read_name(&s);

		if (name == NULL)
			return false;
		*columns = lappend(*columns, name);
	} while (oms_read_word(&s, ", "));
	if (!oms_read_word(&s, " FROM oms.") || (*table = oms_read_name(&s)) == NULL)
		return false;
	for (int i = 1; i <= nargs; i++)
	{
		char	   *name;

		if (!oms_read_word(&s, i == 1 ? " WHERE " : " AND ") ||
			(name = oms_read_name(&s)) == NULL ||
			!oms_read_word(&s, psprintf(" = $%d", i)))
			return false;
		*keys = lappend(*keys, name);
	}
	return *s == '\0' && nargs <= OMS_FIND_KEYS;
}

static bool
fits(Find *f, Relation rel, List *columns, List *keys)
{
	List	   *indexes;
	ListCell   *l;
	int			n = 0;
	bool		found = false;

	if (rel->rd_rel->relkind != RELKIND_RELATION || rel->rd_rel->relrowsecurity ||
		rel->rd_rel->relhasrules || rel->rd_rel->relhassubclass)
		return false;
	f->desc = CreateTemplateTupleDesc(list_length(columns));
	f->column = palloc(sizeof(AttrNumber) * list_length(columns));
	foreach(l, columns)
	{
		f->column[n] = get_attnum(RelationGetRelid(rel), lfirst(l));
		if (f->column[n] <= 0)
			return false;
		TupleDescCopyEntry(f->desc, n + 1, RelationGetDescr(rel), f->column[n]);
		n++;
	}
	indexes = RelationGetIndexList(rel);
	foreach(l, indexes)
		if (!found)
			found = use_index(f, rel, lfirst_oid(l), keys);
	return found;
}

/* The index begins with exactly these columns: makes the scan keys. */
static bool
use_index(Find *f, Relation rel, Oid indexid, List *keys)
{
	Relation	index = index_open(indexid, AccessShareLock);
	Form_pg_index form = index->rd_index;
	bool		fit = form->indisvalid && f->plan->nargs > 0 &&
	index->rd_rel->relam == BTREE_AM_OID && form->indnkeyatts >= f->plan->nargs &&
	RelationGetIndexPredicate(index) == NIL && RelationGetIndexExpressions(index) == NIL;

	for (int k = 0; k < f->plan->nargs && fit; k++)
	{
		AttrNumber	column = form->indkey.values[k];
		Oid			type = get_atttype(RelationGetRelid(rel), column);
		Oid			operator = get_opfamily_member(index->rd_opfamily[k],
												   index->rd_opcintype[k],
												   index->rd_opcintype[k],
												   BTEqualStrategyNumber);
		ListCell   *l;
		int			i = 0;

		f->param[k] = -1;
		foreach(l, keys)
		{
			if (get_attnum(RelationGetRelid(rel), lfirst(l)) == column)
				f->param[k] = i;
			i++;
		}
		if (f->param[k] < 0 || !OidIsValid(operator) ||
			f->plan->types[f->param[k]] != type || index->rd_opcintype[k] != type)
		{
			fit = false;
			break;
		}
		ScanKeyEntryInitialize(&f->keys[k], 0, k + 1, BTEqualStrategyNumber,
							   InvalidOid, index->rd_indcollation[k],
							   get_opcode(operator), (Datum) 0);
	}
	if (fit)
	{
		f->index = indexid;
		f->unique = form->indisunique && form->indimmediate &&
			form->indnkeyatts == f->plan->nargs;
	}
	index_close(index, AccessShareLock);
	return fit;
}
