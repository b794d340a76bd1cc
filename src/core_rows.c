/*
 * core_rows.c
 *	  Rows written without an executor.
 *
 * A captured order writes some ten rows into ten tables.  An INSERT of one
 * row costs 15 to 25 us, of which the row and its index entries are a
 * quarter; the rest makes an executor: opens indexes, reads the tables' CHECK
 * constraints from their text, compiles them and the defaults.  Here that is
 * done once a session and table, and kept until PostgreSQL says that
 * something about the table changed.
 *
 * The statement stays the truth: its text is read for table and columns, and
 * it is run as it stands wherever this file does not do all that the executor
 * would (see fits()).  What is done here is what ExecInsert() does for a
 * plain table: rights, defaults, the columns' types, NOT NULL and CHECK, the
 * row, the indexes, and for ON CONFLICT DO NOTHING the protocol of
 * speculative insertion.  A row of a partitioned table goes into its partition
 * by range; the default partition is left to the statement.  Hooks of the executor
 * (pgaudit) do not see it; they see the call of our function.
 *
 * Locks: the table ROW EXCLUSIVE until the end of the transaction and its
 * indexes while they are written to, as with the statement.  Who makes, drops
 * or rebuilds an index waits for all who hold the table, but ALTER INDEX ...
 * SET TABLESPACE locks nothing but the index.
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/relation.h"
#include "access/table.h"
#include "access/tableam.h"
#include "access/xact.h"
#include "catalog/index.h"
#include "catalog/namespace.h"
#include "catalog/pg_am.h"
#include "catalog/pg_class.h"
#include "catalog/pg_type.h"
#include "commands/sequence.h"
#include "executor/executor.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "nodes/execnodes.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/optimizer.h"
#include "partitioning/partbounds.h"
#include "partitioning/partdesc.h"
#include "rewrite/rewriteHandler.h"
#include "storage/lmgr.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/partcache.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"
#include "utils/syscache.h"

#include "compat.h"
#include "core_inval.h"
#include "core_rows.h"
#include "core_statement.h"

#define OMS_MAX_INDEXES 16

/* What a statement writes to, made ready. */
typedef struct Target
{
	struct Target *next;
	OmsPlan    *plan;
	bool		valid;			/* cleared by messages */
	bool		direct;			/* else run the statement */
	bool		busy;
	Oid			relid;
	MemoryContext cxt;			/* of all below */
	TupleDesc	desc;
	int		   *column;			/* [nargs] attribute, from 0 */
	int			natts;
	ExprState **defaults;		/* [natts] NULL: none, or the column is given */
	int32	   *typmod;			/* [nargs] of numeric to be kept to, or -1 */
	EState	   *estate;
	ResultRelInfo *rri;
	TupleTableSlot *slot;
	int			routed_by;		/* partitioned: the parameter that decides; -1 */
	struct Target *leaf;		/* and where rows went last */
	bool		looks_around;	/* expressions may read tables */
	Oid			user;			/* who may call their functions */
	bool		do_nothing;		/* ON CONFLICT DO NOTHING */
	List	   *arbiters;
	int			nindexes;
	Oid			indexes[OMS_MAX_INDEXES];
} Target;

static Target *targets = NULL;

/* Grows with every message about a table of ours. */
static uint64 messages = 0;

/* By the address of the statement, open addressing. */
#define OMS_TARGET_SLOTS 64
static Target *slots[OMS_TARGET_SLOTS];

static bool concerns(Target *t, Oid relid);
static void on_relcache(Oid relid);
static void on_syscache(Datum arg, int cacheid, uint32 hashvalue);
static Target *target_of(OmsPlan *p);
static bool run_statement(OmsPlan *p, Datum *values, const char *nulls);
static Relation open_target(Target *t);
static void prepare(Target *t, Relation rel, Relation root);
static void check_user(Target *t);
static bool still_named(Target *t, Relation rel);
static bool reads_tables(Node *expr);
static bool fits_partitioned(Target *t, Relation rel);
static Target *find_leaf(Target *t, Relation root, Datum key, Relation *rel);
static bool read_statement(Target *t, char **table, List **columns,
						   List **conflict);
static bool find_columns(Target *t, Relation rel, List *columns);
static bool fits(Target *t, Relation rel, Relation root);
static bool fits_indexes(Target *t, Relation rel, List *conflict);
static bool write_guarded(Target *t, Relation rel, Datum *values,
						  const char *nulls);
static bool write_row(Target *t, Relation rel, Datum *values,
					  const char *nulls);

void
oms_rows_init(void)
{
	oms_relcache_watch(on_relcache);
	/* functions in defaults and constraints; constraints of domains */
	CacheRegisterSyscacheCallback(PROCOID, on_syscache, (Datum) 0);
	CacheRegisterSyscacheCallback(CONSTROID, on_syscache, (Datum) 0);
}

/* An index that becomes ready to be written to is itself all the news. */
static bool
concerns(Target *t, Oid relid)
{
	if (!OidIsValid(relid) || t->relid == relid)
		return true;
	for (int i = 0; i < t->nindexes; i++)
		if (t->indexes[i] == relid)
			return true;
	return false;
}

static void
on_relcache(Oid relid)
{
	for (Target *t = targets; t; t = t->next)
		if (concerns(t, relid))
		{
			t->valid = false;
			messages++;
		}
}

static void
on_syscache(Datum arg, int cacheid, uint32 hashvalue)
{
	on_relcache(InvalidOid);
}

int64
oms_next(const char *sequence)
{
	Oid			relid = get_relname_relid(sequence,
										  get_namespace_oid("oms", false));

	if (!OidIsValid(relid))
		elog(ERROR, "sequence \"oms.%s\" does not exist", sequence);
	return nextval_internal(relid, true);
}

bool
oms_insert(OmsPlan *p, Datum *values, const char *nulls)
{
	Target	   *t = target_of(p);
	Relation	rel;
	bool		inserted;

	/* inside itself, called by a default or a constraint: leave it as it is */
	if (t->busy)
		return run_statement(p, values, nulls);
	rel = open_target(t);
	if (rel == NULL)
		return run_statement(p, values, nulls);
	/* a snapshot of before has more to say about conflicts */
	if (!t->direct ||
		(t->do_nothing && IsolationUsesXactSnapshot()) ||
		pg_class_aclcheck(t->relid, GetUserId(), ACL_INSERT) != ACLCHECK_OK)
	{
		table_close(rel, NoLock);
		return run_statement(p, values, nulls);
	}
	PreventCommandIfReadOnly("INSERT");
	PreventCommandIfParallelMode("INSERT");

	if (t->routed_by >= 0)
	{
		Relation	root = rel;

		t = find_leaf(t, root, values[t->routed_by], &rel);
		table_close(root, NoLock);
		if (t == NULL)
			return run_statement(p, values, nulls);
	}
	inserted = write_guarded(t, rel, values, nulls);
	table_close(rel, NoLock);
	CommandCounterIncrement();
	return inserted;
}

bool
oms_insert_is_direct(OmsPlan *p)
{
	Target	   *t = target_of(p);
	Relation	rel;

	if (!t->valid)
	{
		if ((rel = open_target(t)) == NULL)
			return false;
		table_close(rel, NoLock);
	}
	return t->direct;
}

/* A function in a default or constraint may come back here. */
static pg_noinline bool
write_guarded(Target *t, Relation rel, Datum *values, const char *nulls)
{
	bool		inserted;

	/* they see what a statement would: our own rows of before too */
	if (t->looks_around)
		PushActiveSnapshot(GetTransactionSnapshot());
	t->busy = true;
	PG_TRY();
	{
		inserted = write_row(t, rel, values, nulls);
	}
	PG_FINALLY();
	{
		t->busy = false;
	}
	PG_END_TRY();
	if (t->looks_around)
		PopActiveSnapshot();
	return inserted;
}

static bool
run_statement(OmsPlan *p, Datum *values, const char *nulls)
{
	return oms_exec(p, values, nulls, false, 0) > 0;
}

static Target *
target_of(OmsPlan *p)
{
	int			i = ((uintptr_t) p / sizeof(void *)) % OMS_TARGET_SLOTS;
	Target	   *t;

	for (int probes = 0;; probes++)
	{
		if (probes == OMS_TARGET_SLOTS)
			elog(ERROR, "too many statements write rows");
		if (slots[i] == NULL)
			break;
		if (slots[i]->plan == p)
			return slots[i];
		i = (i + 1) % OMS_TARGET_SLOTS;
	}
	t = MemoryContextAllocZero(TopMemoryContext, sizeof(Target));
	t->plan = p;
	t->next = targets;
	targets = t;
	slots[i] = t;
	return t;
}

/* The right to call functions is looked at when expressions are made ready. */
static void
check_user(Target *t)
{
	if (t->looks_around && t->user != GetUserId())
		t->valid = false;
}

/* Is this the table that the statement writes to? */
static bool
still_named(Target *t, Relation rel)
{
	char	   *table;
	List	   *columns;
	List	   *conflict;

	return read_statement(t, &table, &columns, &conflict) &&
		strcmp(table, RelationGetRelationName(rel)) == 0 &&
		RelationGetNamespace(rel) == get_namespace_oid("oms", false);
}

/* The table, locked, with *t of now; NULL when there is none. */
static Relation
open_target(Target *t)
{
	for (;;)
	{
		Relation	rel;

		if (!OidIsValid(t->relid))
		{
			char	   *table;
			List	   *columns;
			List	   *conflict;

			if (!read_statement(t, &table, &columns, &conflict))
				return NULL;
			t->relid = get_relname_relid(table, get_namespace_oid("oms", false));
			t->valid = false;
			if (!OidIsValid(t->relid))
				return NULL;
		}
		/* takes messages in where it has to lock */
		rel = try_relation_open(t->relid, RowExclusiveLock);
		if (rel == NULL)
		{
			t->relid = InvalidOid;
			continue;
		}
		check_user(t);
		if (!t->valid && !still_named(t, rel))
		{
			/* put aside; another may have its name now */
			relation_close(rel, RowExclusiveLock);
			t->relid = InvalidOid;
			continue;
		}
		if (!t->valid)
			prepare(t, rel, NULL);
		return rel;
	}
}

/*
 * Makes ready.  What came in while we looked around counts: then it is all
 * done anew next time.
 */
static void
prepare(Target *t, Relation rel, Relation root)
{
	uint64		before = messages;
	MemoryContext old;
	char	   *table;
	List	   *columns;
	List	   *conflict;

	if (t->cxt)
		MemoryContextDelete(t->cxt);
	t->cxt = AllocSetContextCreate(TopMemoryContext, "oms rows",
								   ALLOCSET_SMALL_SIZES);
	old = MemoryContextSwitchTo(t->cxt);
	t->routed_by = -1;
	t->looks_around = false;
	t->user = GetUserId();
	t->direct = read_statement(t, &table, &columns, &conflict) &&
		find_columns(t, rel, columns);
	if (t->direct && rel->rd_rel->relkind == RELKIND_PARTITIONED_TABLE)
		t->direct = root == NULL && fits_partitioned(t, rel);
	else if (t->direct)
		t->direct = fits(t, rel, root) && fits_indexes(t, rel, conflict);
	MemoryContextSwitchTo(old);
	t->valid = messages == before;
}

static bool
has_insert_triggers(Relation rel)
{
	TriggerDesc *t = rel->trigdesc;

	return t && (t->trig_insert_before_row || t->trig_insert_after_row ||
				 t->trig_insert_instead_row || t->trig_insert_before_statement ||
				 t->trig_insert_after_statement || t->trig_insert_new_table);
}

/* By ranges of one column, which is a parameter. */
static bool
fits_partitioned(Target *t, Relation rel)
{
	PartitionKey key = RelationGetPartitionKey(rel);

	if (rel->rd_rel->relhasrules || rel->rd_rel->relrowsecurity ||
		rel->rd_rel->relispartition || has_insert_triggers(rel) ||
		t->do_nothing || key->strategy != PARTITION_STRATEGY_RANGE ||
		key->partnatts != 1)
		return false;
	for (int n = 0; n < t->plan->nargs; n++)
		if (t->column[n] + 1 == key->partattrs[0])
			t->routed_by = n;
	return t->routed_by >= 0;
}

/*
 * The partition for a row, opened and made ready; NULL when that is the
 * default one, whose bounds are the others', or anything but a plain table
 * with the columns of its parent.
 */
static Target *
find_leaf(Target *t, Relation root, Datum value, Relation *rel)
{
	PartitionKey key = RelationGetPartitionKey(root);
	PartitionDesc parts = RelationGetPartitionDesc(root, true);
	Target	   *leaf = t->leaf;
	bool		equal;
	int			i;

	if (parts->nparts == 0)
		return NULL;
	i = partition_range_datum_bsearch(key->partsupfunc, key->partcollation,
									  parts->boundinfo, 1, &value, &equal);
	i = parts->boundinfo->indexes[i + 1];
	if (i < 0 || !parts->is_leaf[i])
		return NULL;
	if (leaf == NULL)
	{
		leaf = MemoryContextAllocZero(TopMemoryContext, sizeof(Target));
		leaf->plan = t->plan;
		leaf->next = targets;
		targets = leaf;
		t->leaf = leaf;
	}
	if (leaf->busy)
		return NULL;
	if (leaf->relid != parts->oids[i])
	{
		leaf->relid = parts->oids[i];
		leaf->valid = false;
	}
	*rel = table_open(leaf->relid, RowExclusiveLock);
	check_user(leaf);
	if (!leaf->valid)
		prepare(leaf, *rel, root);
	if (leaf->direct)
		return leaf;
	table_close(*rel, NoLock);
	return NULL;
}

/* A partition whose rows are those of its parent as they stand */
static bool
same_columns(TupleDesc a, TupleDesc b)
{
	if (a->natts != b->natts)
		return false;
	for (int i = 0; i < a->natts; i++)
	{
		Form_pg_attribute x = TupleDescAttr(a, i);
		Form_pg_attribute y = TupleDescAttr(b, i);

		if (x->attisdropped != y->attisdropped || x->atttypid != y->atttypid ||
			x->atttypmod != y->atttypmod ||
			strcmp(NameStr(x->attname), NameStr(y->attname)) != 0)
			return false;
	}
	return true;
}

/* False when the statement is not of our form. */
static bool
read_statement(Target *t, char **table, List **columns, List **conflict)
{
	const char *s = t->plan->sql;

	*conflict = NIL;
	t->do_nothing = false;
	if (!oms_read_word(&s, "INSERT INTO oms.") || (*table = oms_read_name(&s)) == NULL ||
		!oms_read_word(&s, " ") || *s != '(' || (*columns = oms_read_names(&s)) == NIL ||
		!oms_read_word(&s, " VALUES "))
		return false;
	for (int i = 1; i <= t->plan->nargs; i++)
		if (!oms_read_word(&s, psprintf("%s$%d", i == 1 ? "(" : ", ", i)))
			return false;
	if (!oms_read_word(&s, ")") || list_length(*columns) != t->plan->nargs)
		return false;
	if (*s == '\0')
		return true;
	t->do_nothing = true;
	return oms_read_word(&s, " ON CONFLICT ") && *s == '(' &&
		(*conflict = oms_read_names(&s)) != NIL && strcmp(s, " DO NOTHING") == 0;
}

/* Which columns the parameters are, and of what type; false: not just so. */
static bool
find_columns(Target *t, Relation rel, List *columns)
{
	OmsPlan    *p = t->plan;
	bool		same = true;
	ListCell   *l;
	int			n = 0;

	t->desc = CreateTupleDescCopyConstr(RelationGetDescr(rel));
	t->natts = t->desc->natts;
	t->column = palloc(sizeof(int) * p->nargs);
	t->typmod = palloc(sizeof(int32) * p->nargs);
	foreach(l, columns)
	{
		Form_pg_attribute a = NULL;
		int			i;

		for (i = 0; i < t->natts; i++)
		{
			a = TupleDescAttr(t->desc, i);
			if (!a->attisdropped && strcmp(NameStr(a->attname), lfirst(l)) == 0)
				break;
		}
		if (i == t->natts)
			return false;
		if (p->types[n] == InvalidOid)
			p->types[n] = a->atttypid;
		if (p->types[n] != a->atttypid || a->attgenerated ||
			a->attidentity == ATTRIBUTE_IDENTITY_ALWAYS)
			same = false;
		/* numeric is rounded and checked here, other lengths by the statement */
		t->typmod[n] = a->atttypid == NUMERICOID ? a->atttypmod : -1;
		if (a->atttypmod >= 0 && a->atttypid != NUMERICOID &&
			a->atttypid < FirstNormalObjectId)
			same = false;
		t->column[n++] = i;
	}
	return same;
}

/* None of PostgreSQL's own functions in an expression does. */
static bool
not_builtin(Oid function, void *context)
{
	return function >= FirstNormalObjectId;
}

static bool
reads_tables_walker(Node *node, void *context)
{
	if (node == NULL)
		return false;
	return check_functions_in_node(node, not_builtin, NULL) ||
		expression_tree_walker(node, reads_tables_walker, NULL);
}

static bool
reads_tables(Node *expr)
{
	return reads_tables_walker(expr, NULL);
}

/* The table is one we can write to as INSERT would; all is made ready. */
static bool
fits(Target *t, Relation rel, Relation root)
{
	bool	   *given;

	if (rel->rd_rel->relkind != RELKIND_RELATION ||
		rel->rd_rel->relispartition != (root != NULL) ||
		(root && !same_columns(RelationGetDescr(rel), RelationGetDescr(root))) ||
		rel->rd_rel->relhasrules || rel->rd_rel->relrowsecurity ||
		rel->rd_rel->relam != HEAP_TABLE_AM_OID || has_insert_triggers(rel))
		return false;

	t->defaults = palloc0(sizeof(ExprState *) * t->natts);
	given = palloc0(sizeof(bool) * t->natts);
	for (int n = 0; n < t->plan->nargs; n++)
		given[t->column[n]] = true;
	t->estate = CreateExecutorState();
	for (int i = 0; i < t->natts; i++)
	{
		Form_pg_attribute a = TupleDescAttr(t->desc, i);
		Node	   *expr;

		if (a->attisdropped || given[i])
			continue;
		if (a->attgenerated || get_typtype(a->atttypid) == TYPTYPE_DOMAIN)
			return false;
		expr = build_column_default(root ? root : rel, i + 1);
		if (expr == NULL)
			continue;
		expr = (Node *) expression_planner((Expr *) expr);
		t->looks_around |= reads_tables(expr);
		t->defaults[i] = ExecInitExpr((Expr *) expr, NULL);
	}

	t->slot = MakeSingleTupleTableSlot(t->desc, &TTSOpsVirtual);
	t->rri = makeNode(ResultRelInfo);
	if (t->desc->constr && t->desc->constr->num_check > 0)
	{
		int			nchecks = t->desc->constr->num_check;
		ExprState **checks = palloc(sizeof(ExprState *) * nchecks);

		/* in the order of the relation's, by which ExecConstraints() goes */
		for (int i = 0; i < nchecks; i++)
		{
			Expr	   *check = stringToNode(rel->rd_att->constr->check[i].ccbin);

			t->looks_around |= reads_tables((Node *) check);
			checks[i] = ExecPrepareExpr(check, t->estate);
		}
		oms_check_exprs(t->rri) = checks;
	}
	return true;
}

/* Only B-trees, checked at once; one of them is the one ON CONFLICT names. */
static bool
fits_indexes(Target *t, Relation rel, List *conflict)
{
	List	   *indexes = RelationGetIndexList(rel);
	ListCell   *l;
	IndexInfo **infos;
	bool		fit = true;
	int			n = 0;

	t->nindexes = 0;
	t->arbiters = NIL;
	if (list_length(indexes) > OMS_MAX_INDEXES)
		return false;
	infos = palloc0(sizeof(IndexInfo *) * OMS_MAX_INDEXES);
	foreach(l, indexes)
	{
		Relation	index = index_open(lfirst_oid(l), RowExclusiveLock);
		IndexInfo  *info = BuildIndexInfo(index);

		if (index->rd_rel->relam != BTREE_AM_OID || info->ii_ExclusionOps ||
			!index->rd_index->indimmediate)
			fit = false;
		if (info->ii_Predicate)
			info->ii_PredicateState = ExecPrepareQual(info->ii_Predicate, t->estate);
		if (info->ii_Expressions)
			info->ii_ExpressionsState = ExecPrepareExprList(info->ii_Expressions, t->estate);
		if (t->do_nothing && info->ii_Unique)
		{
			BuildSpeculativeIndexInfo(index, info);
			if (info->ii_Predicate == NIL && info->ii_Expressions == NIL &&
				info->ii_NumIndexKeyAttrs == list_length(conflict) &&
				index->rd_index->indisvalid)
			{
				ListCell   *c;
				int			k = 0;
				bool		same = true;

				foreach(c, conflict)
				{
					AttrNumber	a = info->ii_IndexAttrNumbers[k++];

					if (strcmp(NameStr(TupleDescAttr(t->desc, a - 1)->attname), lfirst(c)) != 0)
						same = false;
				}
				if (same)
					t->arbiters = lappend_oid(t->arbiters, lfirst_oid(l));
			}
		}
		infos[n] = info;
		t->indexes[n++] = lfirst_oid(l);
		index_close(index, NoLock);
	}
	t->nindexes = n;
	t->rri->ri_NumIndices = n;
	t->rri->ri_IndexRelationInfo = infos;
	t->rri->ri_IndexRelationDescs = palloc0(sizeof(Relation) * OMS_MAX_INDEXES);
	return fit && (!t->do_nothing || t->arbiters != NIL);
}

static void
fill_slot(Target *t, Datum *values, const char *nulls, ExprContext *econtext)
{
	TupleTableSlot *slot = t->slot;

	ExecClearTuple(slot);
	for (int i = 0; i < t->natts; i++)
	{
		slot->tts_isnull[i] = true;
		slot->tts_values[i] = (Datum) 0;
		if (t->defaults[i])
			slot->tts_values[i] = ExecEvalExprSwitchContext(t->defaults[i],
															econtext,
															&slot->tts_isnull[i]);
	}
	for (int n = 0; n < t->plan->nargs; n++)
	{
		int			i = t->column[n];

		if (nulls && nulls[n] == 'n')
			continue;
		slot->tts_isnull[i] = false;
		slot->tts_values[i] = values[n];
		if (t->typmod[n] >= 0)
		{
			MemoryContext old = MemoryContextSwitchTo(econtext->ecxt_per_tuple_memory);

			slot->tts_values[i] = DirectFunctionCall2(numeric, values[n],
													  Int32GetDatum(t->typmod[n]));
			MemoryContextSwitchTo(old);
		}
	}
	ExecStoreVirtualTuple(slot);
	slot->tts_tableOid = t->relid;
}

static bool
write_row(Target *t, Relation rel, Datum *values, const char *nulls)
{
	EState	   *estate = t->estate;
	ResultRelInfo *rri = t->rri;
	ExprContext *econtext = GetPerTupleExprContext(estate);
	TupleTableSlot *slot = t->slot;
	CommandId	cid = GetCurrentCommandId(true);
	MemoryContext old;
	bool		inserted = true;

	ResetPerTupleExprContext(estate);
	rri->ri_RelationDesc = rel;
	for (int i = 0; i < t->nindexes; i++)
		rri->ri_IndexRelationDescs[i] = index_open(t->indexes[i], RowExclusiveLock);
	fill_slot(t, values, nulls, econtext);
	old = MemoryContextSwitchTo(GetPerTupleMemoryContext(estate));
	if (t->desc->constr)
		ExecConstraints(rri, slot, estate);

	if (!t->do_nothing)
	{
		table_tuple_insert(rel, slot, cid, 0, NULL);
		if (t->nindexes > 0)
			oms_insert_index_tuples(rri, slot, estate, false, NULL, NIL);
	}
	else
		for (;;)
		{
			ItemPointerData tid;
			bool		conflict = false;
			uint32		token;

			CHECK_FOR_INTERRUPTS();
			if (!oms_check_index_constraints(rri, slot, estate, &tid, t->arbiters))
			{
				inserted = false;
				break;
			}
			token = SpeculativeInsertionLockAcquire(GetCurrentTransactionId());
			table_tuple_insert_speculative(rel, slot, cid, 0, NULL, token);
			oms_insert_index_tuples(rri, slot, estate, true, &conflict, t->arbiters);
			table_tuple_complete_speculative(rel, slot, token, !conflict);
			SpeculativeInsertionLockRelease(GetCurrentTransactionId());
			if (!conflict)
				break;
		}

	MemoryContextSwitchTo(old);
	ExecClearTuple(slot);
	for (int i = 0; i < t->nindexes; i++)
		index_close(rri->ri_IndexRelationDescs[i], RowExclusiveLock);
	ResetPerTupleExprContext(estate);
	return inserted;
}
