/*
 * intake_diff.c
 *	  Where two documents differ, for people.
 */
#include "postgres.h"

#include "lib/stringinfo.h"
#include "miscadmin.h"

#include "intake_diff.h"

/* So many differences are told. */
#define MOST 10

typedef struct Diff
{
	StringInfoData text;
	int			n;
} Diff;

static void diff(Diff *d, const char *path, const JsonbValue *a,
				 const JsonbValue *b);

static bool
is_personal(const char *path)
{
	return strncmp(path, "customer", 8) == 0 || strncmp(path, "ship_to", 7) == 0 ||
		strncmp(path, "bill_to", 7) == 0;
}

static char *
shown(const JsonbValue *v)
{
	Jsonb	   *j;

	if (v == NULL)
		return "absent";
	j = JsonbValueToJsonb(unconstify(JsonbValue *, v));
	return JsonbToCString(NULL, &j->root, VARSIZE(j));
}

static void
tell(Diff *d, const char *path, const JsonbValue *a, const JsonbValue *b)
{
	if (d->n++ >= MOST)
		return;
	appendStringInfo(&d->text, "%s%s", d->text.len ? ", " : "", path);
	if (!is_personal(path))
		appendStringInfo(&d->text, " (%s, now %s)", shown(a), shown(b));
}

static void
diff_objects(Diff *d, const char *path, JsonbContainer *a, JsonbContainer *b,
			 bool only_new)
{
	JsonbIterator *it = JsonbIteratorInit(a);
	JsonbIteratorToken token;
	JsonbValue	v;
	JsonbValue	other;
	char	   *below = NULL;

	while ((token = JsonbIteratorNext(&it, &v, true)) != WJB_DONE)
	{
		bool		there;

		if (token == WJB_KEY)
		{
			below = psprintf("%s%s%.*s", path, path[0] ? "." : "", v.val.string.len, v.val.string.val);
			there = getKeyJsonValueFromContainer(b, v.val.string.val, v.val.string.len, &other) != NULL;
			if (JsonbIteratorNext(&it, &v, true) != WJB_VALUE)
				break;
			if (only_new && !there)
				tell(d, below, NULL, &v);
			else if (!only_new)
				diff(d, below, &v, there ? &other : NULL);
		}
	}
}

static void
diff_arrays(Diff *d, const char *path, JsonbContainer *a, JsonbContainer *b)
{
	uint32		n = Max(JsonContainerSize(a), JsonContainerSize(b));

	for (uint32 i = 0; i < n; i++)
		diff(d, psprintf("%s[%u]", path, i), getIthJsonbValueFromContainer(a, i),
			 getIthJsonbValueFromContainer(b, i));
}

static void
diff(Diff *d, const char *path, const JsonbValue *a, const JsonbValue *b)
{
	check_stack_depth();
	if (a && b && a->type == jbvBinary && b->type == jbvBinary)
	{
		JsonbContainer *x = a->val.binary.data;
		JsonbContainer *y = b->val.binary.data;

		if (JsonContainerIsObject(x) && JsonContainerIsObject(y))
		{
			diff_objects(d, path, x, y, false);
			diff_objects(d, path, y, x, true);
			return;
		}
		if (JsonContainerIsArray(x) && JsonContainerIsArray(y))
		{
			diff_arrays(d, path, x, y);
			return;
		}
	}
	if (a && b)
	{
		Jsonb	   *x = JsonbValueToJsonb(unconstify(JsonbValue *, a));
		Jsonb	   *y = JsonbValueToJsonb(unconstify(JsonbValue *, b));

		if (compareJsonbContainers(&x->root, &y->root) == 0)
			return;
	}
	else if (a == NULL && b == NULL)
		return;
	tell(d, path, a, b);
}

char *
oms_intake_diff(Jsonb *before, Jsonb *now)
{
	Diff		d = {0};
	JsonbValue	a;
	JsonbValue	b;

	initStringInfo(&d.text);
	a.type = b.type = jbvBinary;
	a.val.binary.data = &before->root;
	a.val.binary.len = VARSIZE(before) - VARHDRSZ;
	b.val.binary.data = &now->root;
	b.val.binary.len = VARSIZE(now) - VARHDRSZ;
	diff(&d, "", &a, &b);
	if (d.n > MOST)
		appendStringInfo(&d.text, ", and %d more", d.n - MOST);
	return d.text.data;
}
