/*
 * split_sql.c
 *	  oms.plan_split(): the exact search on nodes, costs and stock that the
 *	  caller states (doc/sourcing.md has the form).  No table is read.
 *
 * Limits keep every sum within int64: 64 lines of 100,000 units of 100 kg
 * each, in slabs of 100 g at a million a slab, are 6.4e17 hundredths.
 */
#include "postgres.h"

#include "fmgr.h"
#include "utils/builtins.h"
#include "utils/jsonb.h"
#include "utils/numeric.h"

#include "core.h"
#include "split.h"

#define MAX_NODES 64
#define MAX_LINES 64
#define MAX_AMOUNT (INT64CONST(1000000) * 100)
#define MAX_QTY (INT64CONST(100000) * 1000)
#define MAX_GRAMS 100000
#define MIN_SLAB 100

typedef struct Problem
{
	OmsSplitProblem p;
	OmsSplitFreight f;
	bool		slabs;			/* freight by weight is stated */
	JsonbValue **id;			/* [n] as given */
	char	  **sku;			/* [m] */
} Problem;

static void read_problem(Jsonb *doc, Problem *x);
static void read_node(JsonbContainer *c, const char *path, Problem *x, int i,
					  bool *open);
static void read_line(JsonbContainer *c, const char *path, Problem *x, int j,
					  const bool *open);
static int64 read_array(JsonbContainer *c, const char *path, const char *key,
						int i, int n, bool required, bool paise, int64 limit);
static JsonbContainer *read_array_of(JsonbContainer *c, const char *key,
									 int *n);
static bool read_number(JsonbContainer *c, const char *path, const char *key,
						bool required, bool paise, int64 least, int64 limit,
						int64 *out);
static int64 to_number(JsonbValue *v, const char *path, bool paise,
					   int64 least, int64 limit);
static bool read_bool(JsonbContainer *c, const char *path, const char *key,
					  bool otherwise);
static void only_fields(JsonbContainer *c, const char *path,
						const char *const *allowed);
static void refuse(const char *path, const char *problem) pg_attribute_noreturn();
static Jsonb *answer(const Problem *x, const char *mode,
					 const OmsSplitPlan *plan);

static const char *const root_fields[] = {
	"nodes", "lines", "split_lines", "max_shipments", "slab_g", NULL
};
static const char *const node_fields[] = {
	"id", "open", "fixed", "base", "add", NULL
};
static const char *const line_fields[] = {
	"sku", "qty", "grams", "stock", "unit_cost", NULL
};

PG_FUNCTION_INFO_V1(oms_plan_split);

Datum
oms_plan_split(PG_FUNCTION_ARGS)
{
	Jsonb	   *doc = PG_GETARG_JSONB_P(0);
	char	   *mode = text_to_cstring(PG_GETARG_TEXT_PP(1));
	Problem		x = {0};
	OmsSplitPlan plan;

	read_problem(doc, &x);
	x.p.complete_only = true;
	if (strcmp(mode, "cost") == 0)
		oms_split_solve(&x.p, &plan);
	else if (strcmp(mode, "shipments") == 0)
	{
		x.p.objective = OMS_SPLIT_SHIPMENTS;
		oms_split_solve(&x.p, &plan);
	}
	else if (strcmp(mode, "partial") == 0)
	{
		x.p.objective = OMS_SPLIT_SHIPMENTS;
		x.p.complete_only = false;
		x.p.most_lines = !x.p.split_lines;
		oms_split_solve(&x.p, &plan);
	}
	else if (strcmp(mode, "slab") == 0)
	{
		if (!x.slabs)
			refuse("nodes", "state no freight by weight, \"base\" and \"add\"");
		if (x.p.split_lines)
			refuse("split_lines", "is true, but lines are not divided by weight");
		oms_split_solve_slab(&x.p, &x.f, &plan);
	}
	else if (strcmp(mode, "greedy") == 0)
		oms_split_greedy(&x.p, &plan);
	else
		ereport(ERROR,
				(errcode(ERRCODE_OMS_INVALID_DOCUMENT),
				 errmsg("there is no mode \"%s\" of planning", mode),
				 errhint("Modes are cost, shipments, slab, partial and greedy.")));
	PG_RETURN_JSONB_P(answer(&x, mode, &plan));
}

static void
read_problem(Jsonb *doc, Problem *x)
{
	JsonbContainer *root = &doc->root;
	JsonbContainer *nodes,
			   *lines;
	int64		number;
	int			n,
				m;
	bool	   *open;

	if (!JB_ROOT_IS_OBJECT(doc))
		refuse("problem", "is not an object");
	only_fields(root, "", root_fields);
	nodes = read_array_of(root, "nodes", &n);
	lines = read_array_of(root, "lines", &m);
	if (nodes == NULL || n > MAX_NODES)
		refuse("nodes", "is not an array of at most 64 objects");
	if (lines == NULL || m < 1 || m > MAX_LINES)
		refuse("lines", "is not an array of 1 to 64 objects");

	x->p.n = n;
	x->p.m = m;
	x->p.open_cost = palloc0(sizeof(int64) * (n + 1));
	x->p.unit_cost = palloc0(sizeof(int64) * (n * m + 1));
	x->p.available = palloc0(sizeof(int64) * (n * m + 1));
	x->p.need = palloc0(sizeof(int64) * m);
	x->f.first = palloc0(sizeof(int64) * (n + 1));
	x->f.further = palloc0(sizeof(int64) * (n + 1));
	x->f.weight = palloc0(sizeof(int64) * m);
	x->id = palloc0(sizeof(JsonbValue *) * (n + 1));
	x->sku = palloc0(sizeof(char *) * m);
	open = palloc0(sizeof(bool) * (n + 1));

	x->p.split_lines = read_bool(root, "", "split_lines", false);
	x->p.max_nodes = n;
	if (read_number(root, "", "max_shipments", false, false, 1000,
					MAX_NODES * 1000, &number))
		x->p.max_nodes = number / 1000;
	x->f.slab = 500 * 1000;
	read_number(root, "", "slab_g", false, false, MIN_SLAB * 1000,
				(int64) MAX_GRAMS * 1000, (int64 *) &x->f.slab);

	for (int i = 0; i < n; i++)
	{
		char	   *path = psprintf("nodes[%d]", i);
		JsonbValue *v = getIthJsonbValueFromContainer(nodes, i);

		if (v->type != jbvBinary || !JsonContainerIsObject(v->val.binary.data))
			refuse(path, "is not an object");
		read_node(v->val.binary.data, path, x, i, open);
	}
	for (int j = 0; j < m; j++)
	{
		char	   *path = psprintf("lines[%d]", j);
		JsonbValue *v = getIthJsonbValueFromContainer(lines, j);

		if (v->type != jbvBinary || !JsonContainerIsObject(v->val.binary.data))
			refuse(path, "is not an object");
		read_line(v->val.binary.data, path, x, j, open);
	}
}

static void
read_node(JsonbContainer *c, const char *path, Problem *x, int i, bool *open)
{
	bool		base,
				add;

	only_fields(c, path, node_fields);
	x->id[i] = getKeyJsonValueFromContainer(c, "id", 2, NULL);
	if (x->id[i] == NULL ||
		(x->id[i]->type != jbvString && x->id[i]->type != jbvNumeric))
		refuse(psprintf("%s.id", path), "is neither a text nor a number");
	open[i] = read_bool(c, path, "open", true);
	read_number(c, path, "fixed", false, true, 0, MAX_AMOUNT,
				(int64 *) &x->p.open_cost[i]);
	base = read_number(c, path, "base", false, true, 0, MAX_AMOUNT,
					   (int64 *) &x->f.first[i]);
	add = read_number(c, path, "add", base, true, 0, MAX_AMOUNT,
					  (int64 *) &x->f.further[i]);
	if (i > 0 && base != x->slabs)
		refuse(psprintf("%s.base", path), "is stated for some nodes only");
	if (add && !base)
		refuse(psprintf("%s.base", path), "is missing");
	x->slabs = base;
}

static void
read_line(JsonbContainer *c, const char *path, Problem *x, int j,
		  const bool *open)
{
	int			n = x->p.n,
				m = x->p.m;
	JsonbValue *v;
	int64		grams = 0;

	only_fields(c, path, line_fields);
	v = getKeyJsonValueFromContainer(c, "sku", 3, NULL);
	if (v == NULL || v->type != jbvString)
		refuse(psprintf("%s.sku", path), "is not a text");
	x->sku[j] = pnstrdup(v->val.string.val, v->val.string.len);
	read_number(c, path, "qty", true, false, 1, MAX_QTY,
				(int64 *) &x->p.need[j]);
	/* milligrams, so that parts of units lose nothing */
	if (read_number(c, path, "grams", x->slabs, false, 0,
					(int64) MAX_GRAMS * 1000, &grams))
		((int64 *) x->f.weight)[j] = oms_muldiv(grams, x->p.need[j], 1000);
	for (int i = 0; i < n; i++)
	{
		int64		have = read_array(c, path, "stock", i, n, true, false, MAX_QTY);

		((int64 *) x->p.available)[i * m + j] = open[i] ? have : 0;
		((int64 *) x->p.unit_cost)[i * m + j] =
			read_array(c, path, "unit_cost", i, n, false, true, MAX_AMOUNT);
	}
}

/* Number i of an array of n; 0 where the array is missing and may be. */
static int64
read_array(JsonbContainer *c, const char *path, const char *key, int i, int n,
		   bool required, bool paise, int64 limit)
{
	int			size;
	JsonbContainer *a = read_array_of(c, key, &size);

	if (a == NULL && !required &&
		getKeyJsonValueFromContainer(c, key, strlen(key), NULL) == NULL)
		return 0;
	if (a == NULL || size != n)
		refuse(psprintf("%s.%s", path, key), "is not an array of one number a node");
	return to_number(getIthJsonbValueFromContainer(a, i),
					 psprintf("%s.%s[%d]", path, key, i), paise, 0, limit);
}

static JsonbContainer *
read_array_of(JsonbContainer *c, const char *key, int *n)
{
	JsonbValue *v = getKeyJsonValueFromContainer(c, key, strlen(key), NULL);

	if (v == NULL || v->type != jbvBinary ||
		!JsonContainerIsArray(v->val.binary.data))
		return NULL;
	*n = JsonContainerSize(v->val.binary.data);
	return v->val.binary.data;
}

/* Paise or thousandths; false, and *out left alone, where it is missing. */
static bool
read_number(JsonbContainer *c, const char *path, const char *key,
			bool required, bool paise, int64 least, int64 limit, int64 *out)
{
	JsonbValue *v = getKeyJsonValueFromContainer(c, key, strlen(key), NULL);
	char	   *field = *path ? psprintf("%s.%s", path, key) : pstrdup(key);

	if (v == NULL && !required)
		return false;
	if (v == NULL)
		refuse(field, "is missing");
	*out = to_number(v, field, paise, least, limit);
	return true;
}

static int64
to_number(JsonbValue *v, const char *path, bool paise, int64 least,
		  int64 limit)
{
	Datum		d;
	int64		x;
	int64		unit = paise ? 100 : 1000;

	if (v->type != jbvNumeric)
		refuse(path, "is not a number");
	d = NumericGetDatum(v->val.numeric);
	/* the range first: what is far out does not convert */
	if (DatumGetInt32(DirectFunctionCall2(numeric_cmp, d,
										  NumericGetDatum(int64_to_numeric(0)))) < 0)
		refuse(path, "is negative");
	if (DatumGetInt32(DirectFunctionCall2(numeric_cmp, d,
										  NumericGetDatum(int64_to_numeric(limit / unit)))) > 0)
		refuse(path, psprintf("is above " INT64_FORMAT, limit / unit));
	x = paise ? oms_numeric_to_paise(d) : oms_numeric_to_milli(d);
	if (x < least)
		refuse(path, "is too small");
	return x;
}

static bool
read_bool(JsonbContainer *c, const char *path, const char *key,
		  bool otherwise)
{
	JsonbValue *v = getKeyJsonValueFromContainer(c, key, strlen(key), NULL);

	if (v == NULL)
		return otherwise;
	if (v->type != jbvBool)
		refuse(*path ? psprintf("%s.%s", path, key) : key, "is neither true nor false");
	return v->val.boolean;
}

static void
only_fields(JsonbContainer *c, const char *path, const char *const *allowed)
{
	JsonbIterator *it = JsonbIteratorInit(c);
	JsonbValue	v;
	JsonbIteratorToken tok;

	while ((tok = JsonbIteratorNext(&it, &v, true)) != WJB_DONE)
	{
		char	   *key;
		int			k = 0;

		if (tok != WJB_KEY)
			continue;
		key = pnstrdup(v.val.string.val, v.val.string.len);
		while (allowed[k] && strcmp(allowed[k], key) != 0)
			k++;
		if (allowed[k] == NULL)
			refuse(*path ? psprintf("%s.%s", path, key) : key, "is not a field of a planning problem");
	}
}

static void
refuse(const char *path, const char *problem)
{
	ereport(ERROR,
			(errcode(ERRCODE_OMS_INVALID_DOCUMENT),
			 errmsg("invalid planning problem"),
			 errdetail("Field \"%s\" %s.", path, problem),
			 errhint("doc/sourcing.md describes the form.")));
}

static Jsonb *
answer(const Problem *x, const char *mode, const OmsSplitPlan *plan)
{
	int			n = x->p.n,
				m = x->p.m;
	int			lines = 0;
	OmsJson		j;

	for (int l = 0; l < m; l++)
	{
		int64		rest = x->p.need[l];

		for (int i = 0; i < n; i++)
			rest -= plan->take[i * m + l];
		lines += rest == 0;
	}
	oms_json_begin(&j);
	oms_json_str(&j, "mode", mode);
	oms_json_bool(&j, "complete", plan->unfilled == 0);
	oms_json_bool(&j, "proven", plan->proven);
	oms_json_int(&j, "lines", lines);
	oms_json_milli(&j, "unfilled", plan->unfilled);
	oms_json_int(&j, "shipments", plan->shipments);
	if (strcmp(mode, "slab") == 0)
	{
		int64		cost = 0;

		for (int i = 0; i < n; i++)
		{
			bool		used = false;

			for (int l = 0; l < m; l++)
			{
				cost += oms_muldiv(plan->take[i * m + l], x->p.unit_cost[i * m + l], 1000);
				used = used || plan->take[i * m + l] > 0;
			}
			cost += used ? x->p.open_cost[i] : 0;
		}
		oms_json_paise(&j, "cost", cost);
	}
	else
		oms_json_paise(&j, "cost", plan->cost);
	if (x->slabs)
		oms_json_paise(&j, "slab_cost", oms_split_slab_cost(&x->p, &x->f, plan->take));
	oms_json_int(&j, "examined", plan->examined);
	oms_json_array(&j, "pieces");
	for (int i = 0; i < n; i++)
		for (int l = 0; l < m; l++)
		{
			JsonbValue	key;

			if (plan->take[i * m + l] <= 0)
				continue;
			oms_json_object(&j, NULL);
			key.type = jbvString;
			key.val.string.val = "node";
			key.val.string.len = 4;
			pushJsonbValue(&j.state, WJB_KEY, &key);
			pushJsonbValue(&j.state, WJB_VALUE, x->id[i]);
			oms_json_int(&j, "line", l + 1);
			oms_json_str(&j, "sku", x->sku[l]);
			oms_json_milli(&j, "qty", plan->take[i * m + l]);
			oms_json_close_object(&j);
		}
	oms_json_close_array(&j);
	return oms_json_end(&j);
}
