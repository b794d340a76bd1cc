/*
 * intake_path.c
 *	  Values of a payload by jsonpath.
 *
 * Most paths are names below names.  Those are walked here, without the
 * jsonpath machine and without a copy of what they are looked for in; all
 * others, and arrays on the way (which lax mode looks into), go to it.
 */
#include "postgres.h"

#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/datum.h"
#include "utils/fmgrprotos.h"
#include "utils/jsonpath.h"

#include "intake.h"

static OmsKnown *known_of(JsonPathItem *item, OmsKnown *payload, OmsKnown *doc,
						  OmsKnown *self, OmsKnown *current);

void
oms_path_compile(Datum path, OmsPath *out)
{
	JsonPath   *jp;
	JsonPathItem item;
	JsonPathItem next;
	int			max;

	out->path = datumCopy(path, false, -1);
	out->path = PointerGetDatum(PG_DETOAST_DATUM(out->path));
	out->text = DatumGetCString(DirectFunctionCall1(jsonpath_out, out->path));
	out->nkeys = -1;
	jp = DatumGetJsonPathP(out->path);
	if ((jp->header & JSONPATH_LAX) == 0)
		return;
	jspInit(&item, jp);
	if (item.type != jpiRoot)
		return;
	max = strlen(out->text);	/* a name takes more than one character */
	out->keys = palloc(sizeof(char *) * (max + 1));
	out->keylens = palloc(sizeof(int) * (max + 1));
	out->nkeys = 0;
	while (jspGetNext(&item, &next))
	{
		int32		len;
		char	   *key;

		if (next.type != jpiKey)
		{
			out->nkeys = -1;
			return;
		}
		key = jspGetString(&next, &len);
		out->keys[out->nkeys] = pnstrdup(key, len);
		out->keylens[out->nkeys++] = len;
		item = next;
	}
}

bool
oms_path_uses_vars(Datum path)
{
	char	   *text = DatumGetCString(DirectFunctionCall1(jsonpath_out, path));

	/* in a literal too; then they are given in vain */
	return strstr(text, "$\"") != NULL;
}

static int
slow_values(const OmsPath *path, OmsSource *source, JsonbValue **values)
{
	Jsonb	   *found;
	int			n;
	int			kept = 0;

	if (source->whole == NULL)
	{
		JsonbValue	v;

		v.type = jbvBinary;
		v.val.binary.data = source->at;
		v.val.binary.len = source->len;
		source->whole = JsonbValueToJsonb(&v);
	}
	if (source->vars == NULL)
		source->vars = DatumGetJsonbP(DirectFunctionCall1(jsonb_in, CStringGetDatum("{}")));
	found = DatumGetJsonbP(DirectFunctionCall4(jsonb_path_query_array,
											   JsonbPGetDatum(source->whole),
											   path->path,
											   JsonbPGetDatum(source->vars),
											   BoolGetDatum(true)));
	n = JsonContainerSize(&found->root);
	*values = palloc(sizeof(JsonbValue) * (n + 1));
	for (int i = 0; i < n; i++)
	{
		JsonbValue *v = getIthJsonbValueFromContainer(&found->root, i);

		if (v->type != jbvNull)
			(*values)[kept++] = *v;
	}
	return kept;
}

int
oms_path_values(const OmsPath *path, OmsSource *source, JsonbValue **values)
{
	JsonbContainer *c = source->at;
	JsonbValue	v;

	if (path->nkeys < 0)
		return slow_values(path, source, values);
	v.type = jbvBinary;
	v.val.binary.data = c;
	v.val.binary.len = source->len;
	for (int i = 0; i < path->nkeys; i++)
	{
		if (v.type != jbvBinary)
			return 0;
		c = v.val.binary.data;
		if (JsonContainerIsArray(c))
			return slow_values(path, source, values);
		if (getKeyJsonValueFromContainer(c, path->keys[i], path->keylens[i], &v) == NULL)
			return 0;
	}
	if (v.type == jbvNull)
		return 0;
	*values = palloc(sizeof(JsonbValue));
	**values = v;
	return 1;
}

bool
oms_path_true(const OmsPath *path, Jsonb *payload)
{
	OmsSource	source = {&payload->root, 0, payload, NULL};
	JsonbValue *v;

	return oms_path_values(path, &source, &v) == 1 &&
		v[0].type == jbvBool && v[0].val.boolean;
}

/*
 * What paths read
 */
OmsKnown *
oms_known_add(OmsKnown *at, const char *key, int len)
{
	OmsKnown   *k;

	for (int i = 0; i < at->nsub; i++)
		if (at->sub[i]->keylen == len && memcmp(at->sub[i]->key, key, len) == 0)
			return at->sub[i];
	k = palloc0(sizeof(OmsKnown));
	k->key = pnstrdup(key, len);
	k->keylen = len;
	at->sub = at->sub == NULL ? palloc(sizeof(OmsKnown *)) :
		repalloc(at->sub, sizeof(OmsKnown *) * (at->nsub + 1));
	at->sub[at->nsub++] = k;
	return k;
}

/* Adds what a path reads; *end (may be NULL where it is read whole) is where. */
void
oms_path_known(Datum path, OmsKnown *payload, OmsKnown *doc, OmsKnown *self,
			   OmsKnown **end)
{
	JsonPathItem item;
	OmsKnown   *k;

	jspInit(&item, DatumGetJsonPathP(path));
	k = known_of(&item, payload, doc, self, self);
	if (end)
		*end = k;
	else if (k)
		k->whole = true;
}

static void
read_whole(JsonPathItem *item, OmsKnown *payload, OmsKnown *doc,
		   OmsKnown *self, OmsKnown *current)
{
	OmsKnown   *k = known_of(item, payload, doc, self, current);

	if (k)
		k->whole = true;
}

static OmsKnown *
known_of(JsonPathItem *item, OmsKnown *payload, OmsKnown *doc, OmsKnown *self,
		 OmsKnown *current)
{
	OmsKnown   *k = NULL;
	JsonPathItem arg;
	JsonPathItem next;
	char	   *name;
	int32		len;

	check_stack_depth();
	switch (item->type)
	{
		case jpiRoot:
			k = self;
			break;
		case jpiCurrent:
			k = current;
			break;
		case jpiVariable:
			name = jspGetString(item, &len);
			if (len == 3 && memcmp(name, "doc", 3) == 0)
				k = doc;
			else if (len == 7 && memcmp(name, "payload", 7) == 0)
				k = payload;
			break;
		case jpiAnd:
		case jpiOr:
		case jpiEqual:
		case jpiNotEqual:
		case jpiLess:
		case jpiGreater:
		case jpiLessOrEqual:
		case jpiGreaterOrEqual:
		case jpiAdd:
		case jpiSub:
		case jpiMul:
		case jpiDiv:
		case jpiMod:
		case jpiStartsWith:
			jspGetLeftArg(item, &arg);
			read_whole(&arg, payload, doc, self, current);
			jspGetRightArg(item, &arg);
			read_whole(&arg, payload, doc, self, current);
			break;
		case jpiNot:
		case jpiIsUnknown:
		case jpiPlus:
		case jpiMinus:
		case jpiExists:
			jspGetArg(item, &arg);
			read_whole(&arg, payload, doc, self, current);
			break;
		case jpiLikeRegex:
			jspInitByBuffer(&arg, item->base, item->content.like_regex.expr);
			read_whole(&arg, payload, doc, self, current);
			break;
		default:
			break;				/* a literal */
	}
	arg = *item;
	while (k && jspGetNext(&arg, &next))
	{
		if (next.type == jpiKey)
		{
			name = jspGetString(&next, &len);
			k = oms_known_add(k, name, len);
		}
		else if (next.type == jpiFilter)
		{
			jspGetArg(&next, &arg);
			read_whole(&arg, payload, doc, self, k);
		}
		else if (next.type != jpiAnyArray && next.type != jpiIndexArray)
		{
			k->whole = true;
			return NULL;
		}
		arg = next;
	}
	return k;
}
