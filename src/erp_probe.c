/*
 * erp_probe.c
 *	  What a text of a profile would do, found out without running it: its
 *	  syntax, the columns it returns, the tables and columns it reads; and
 *	  whether a value fits a type.
 *
 * For checks and for people; nothing here runs on an order's path.
 */
#include "postgres.h"

#include "access/sysattr.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "nodes/nodeFuncs.h"
#include "parser/parse_relation.h"
#include "parser/parse_type.h"
#include "parser/parser.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/plancache.h"

#include "compat.h"
#include "errors.h"
#include "erp.h"

#define NCOLUMNS 4

typedef struct Reads
{
	ReturnSetInfo *rsinfo;
	bool		writes;
} Reads;

static void
put(ReturnSetInfo *rsinfo, const char *kind, const char *relation,
	const char *name, const char *type)
{
	Datum		values[NCOLUMNS] = {0};
	bool		nulls[NCOLUMNS];
	const char *texts[NCOLUMNS] = {kind, relation, name, type};

	for (int i = 0; i < NCOLUMNS; i++)
	{
		nulls[i] = texts[i] == NULL;
		if (!nulls[i])
			values[i] = CStringGetTextDatum(texts[i]);
	}
	tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, values, nulls);
}

static void
put_relation(Reads *r, Query *query, RangeTblEntry *rte)
{
	Bitmapset  *cols = oms_selected_cols(query, rte);
	char	   *name = quote_qualified_identifier(get_namespace_name(get_rel_namespace(rte->relid)),
												  get_rel_name(rte->relid));
	int			col = -1;

	put(r->rsinfo, "table", name, NULL, NULL);
	while ((col = bms_next_member(cols, col)) >= 0)
	{
		AttrNumber	attno = col + FirstLowInvalidHeapAttributeNumber;

		if (attno == InvalidAttrNumber)
			put(r->rsinfo, "reads", name, "*", NULL);
		else if (attno > 0)
			put(r->rsinfo, "reads", name, get_attname(rte->relid, attno, false),
				format_type_be(get_atttype(rte->relid, attno)));
	}
}

static bool
walk(Node *node, void *arg)
{
	Reads	   *r = (Reads *) arg;

	check_stack_depth();
	if (node == NULL)
		return false;
	if (IsA(node, Query))
	{
		Query	   *query = (Query *) node;
		ListCell   *lc;

		if (query->commandType != CMD_SELECT || query->rowMarks != NIL)
			r->writes = true;
		foreach(lc, query->rtable)
		{
			RangeTblEntry *rte = lfirst_node(RangeTblEntry, lc);

			/* a rule's OLD and NEW ask for no rights and read nothing */
			if (rte->rtekind == RTE_RELATION && rte->relkind != RELKIND_VIEW)
				put_relation(r, query, rte);
		}
		return query_tree_walker(query, walk, arg, 0);
	}
	return expression_tree_walker(node, walk, arg);
}

PG_FUNCTION_INFO_V1(oms_erp_describe);

/* Rows: column (of the result), table, reads (a column of it), writes. */
Datum
oms_erp_describe(PG_FUNCTION_ARGS)
{
	char	   *sql = text_to_cstring(PG_GETARG_TEXT_PP(0));
	ArrayType  *types = PG_GETARG_ARRAYTYPE_P(1);
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
	Datum	   *elems;
	bool	   *nulls;
	int			nargs;
	Oid		   *argtypes;
	SPIPlanPtr	plan;
	List	   *sources;
	CachedPlanSource *source;
	Reads		reads = {rsinfo, false};
	ListCell   *lc;

	InitMaterializedSRF(fcinfo, 0);
	deconstruct_array(types, REGTYPEOID, sizeof(Oid), true, TYPALIGN_INT,
					  &elems, &nulls, &nargs);
	argtypes = palloc(sizeof(Oid) * Max(nargs, 1));
	for (int i = 0; i < nargs; i++)
	{
		if (nulls[i])
			ereport(ERROR,
					(errcode(ERRCODE_OMS_INVALID_DOCUMENT),
					 errmsg("a type of a parameter is null"),
					 errdetail("Argument argtypes."),
					 errhint("Give the type of each of the text's parameters.")));
		argtypes[i] = DatumGetObjectId(elems[i]);
	}

	oms_spi_connect();
	plan = SPI_prepare(sql, nargs, argtypes);
	if (plan == NULL)
		elog(ERROR, "could not prepare \"%s\": %s", sql,
			 SPI_result_code_string(SPI_result));
	sources = SPI_plan_get_plan_sources(plan);
	if (list_length(sources) != 1)
		ereport(ERROR,
				(errcode(ERRCODE_SYNTAX_ERROR),
				 errmsg("one statement is wanted, not %d", list_length(sources))));
	source = (CachedPlanSource *) linitial(sources);
	foreach(lc, source->query_list)
	{
		Query	   *query = lfirst_node(Query, lc);

		if (query->commandType == CMD_UTILITY)
			reads.writes = true;
		else
			walk((Node *) query, &reads);
	}
	if (source->resultDesc)
		for (int i = 0; i < source->resultDesc->natts; i++)
		{
			Form_pg_attribute att = TupleDescAttr(source->resultDesc, i);

			put(rsinfo, "column", NULL, NameStr(att->attname),
				format_type_be(att->atttypid));
		}
	if (reads.writes)
		put(rsinfo, "writes", NULL, NULL, NULL);
	oms_spi_finish();
	return (Datum) 0;
}

/*
 * Things that may fail, tried; the answer is what was wrong, NULL: nothing.
 */
typedef struct Value
{
	char	   *text;
	char	   *type;
} Value;

static void
read_value(void *arg)
{
	Value	   *v = (Value *) arg;
	Oid			typid;
	int32		typmod;
	Oid			input;
	Oid			ioparam;

	parseTypeString(v->type, &typid, &typmod, false);
	getTypeInputInfo(typid, &input, &ioparam);
	(void) OidInputFunctionCall(input, v->text, ioparam, typmod);
}

static void
read_syntax(void *arg)
{
	List	   *statements = raw_parser((char *) arg, RAW_PARSE_DEFAULT);

	if (list_length(statements) != 1)
		ereport(ERROR,
				(errcode(ERRCODE_SYNTAX_ERROR),
				 errmsg("one statement is wanted, not %d", list_length(statements))));
}

static Datum
tried(FunctionCallInfo fcinfo, void (*fn) (void *), void *arg)
{
	ErrorData  *failed = oms_erp_try(fn, arg);

	if (failed == NULL)
		PG_RETURN_NULL();
	PG_RETURN_TEXT_P(cstring_to_text(failed->message));
}

PG_FUNCTION_INFO_V1(oms_erp_misfit);

Datum
oms_erp_misfit(PG_FUNCTION_ARGS)
{
	Value		v;

	v.text = text_to_cstring(PG_GETARG_TEXT_PP(0));
	v.type = text_to_cstring(PG_GETARG_TEXT_PP(1));
	return tried(fcinfo, read_value, &v);
}

PG_FUNCTION_INFO_V1(oms_erp_syntax);

Datum
oms_erp_syntax(PG_FUNCTION_ARGS)
{
	return tried(fcinfo, read_syntax, text_to_cstring(PG_GETARG_TEXT_PP(0)));
}
