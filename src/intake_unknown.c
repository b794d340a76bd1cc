/*
 * intake_unknown.c
 *	  What of a payload its map does not read.
 */
#include "postgres.h"

#include "miscadmin.h"

#include "intake.h"

/* More paths than this are not listed. */
#define MAX_PATHS 200

typedef struct Unread
{
	char	   *path;
	bool		in_array;
	int			n;
	int			max;
	JsonbValue *values;
} Unread;

typedef struct Walk
{
	int			n;
	Unread		unread[MAX_PATHS];
} Walk;

static void
note(Walk *w, char *path, bool in_array, const JsonbValue *v)
{
	Unread	   *u = NULL;

	for (int i = 0; i < w->n && u == NULL; i++)
		if (strcmp(w->unread[i].path, path) == 0)
			u = &w->unread[i];
	if (u == NULL)
	{
		if (w->n == MAX_PATHS)
			return;
		u = &w->unread[w->n++];
		u->path = path;
		u->in_array = in_array;
	}
	if (u->n == u->max)
	{
		u->max = u->max ? u->max * 2 : 2;
		u->values = u->values ? repalloc(u->values, sizeof(JsonbValue) * u->max) :
			palloc(sizeof(JsonbValue) * u->max);
	}
	u->values[u->n++] = *v;
}

static bool
is_empty(const JsonbValue *v)
{
	return v->type == jbvNull ||
		(v->type == jbvString && v->val.string.len == 0) ||
		(v->type == jbvBinary && JsonContainerSize(v->val.binary.data) == 0);
}

static void
walk(Walk *w, JsonbContainer *c, const OmsKnown *known, const char *path,
	 bool in_array)
{
	JsonbIterator *it = JsonbIteratorInit(c);
	JsonbIteratorToken token;
	JsonbValue	v;
	char	   *key = NULL;
	int			keylen = 0;
	bool		array = JsonContainerIsArray(c);

	check_stack_depth();
	while ((token = JsonbIteratorNext(&it, &v, true)) != WJB_DONE)
	{
		const OmsKnown *k = NULL;
		char	   *below;

		if (token == WJB_KEY)
		{
			key = v.val.string.val;
			keylen = v.val.string.len;
			continue;
		}
		if (token != WJB_VALUE && token != WJB_ELEM)
			continue;
		if (array)
		{
			if (v.type == jbvBinary)
				walk(w, v.val.binary.data, known, path, true);
			continue;
		}
		for (int i = 0; i < known->nsub && k == NULL; i++)
			if (known->sub[i]->keylen == keylen &&
				memcmp(known->sub[i]->key, key, keylen) == 0)
				k = known->sub[i];
		if ((k && k->whole) || is_empty(&v))
			continue;
		if (k && v.type != jbvBinary)
			continue;
		below = psprintf("%s%s%.*s", path, path[0] ? "." : "", keylen, key);
		if (k == NULL)
			note(w, below, in_array, &v);
		else
			walk(w, v.val.binary.data, k,
				 JsonContainerIsArray(v.val.binary.data) ? psprintf("%s[]", below) : below,
				 in_array || JsonContainerIsArray(v.val.binary.data));
	}
}

Jsonb *
oms_intake_unknown(const OmsMap *map, Jsonb *payload)
{
	Walk	   *w;
	JsonbParseState *state = NULL;
	JsonbValue	v;

	if (map->known->whole)
		return NULL;
	w = palloc0(sizeof(Walk));
	walk(w, &payload->root, map->known, "", false);
	if (w->n == 0)
		return NULL;
	pushJsonbValue(&state, WJB_BEGIN_OBJECT, NULL);
	for (int i = 0; i < w->n; i++)
	{
		Unread	   *u = &w->unread[i];

		v.type = jbvString;
		v.val.string.val = u->path;
		v.val.string.len = strlen(u->path);
		pushJsonbValue(&state, WJB_KEY, &v);
		if (!u->in_array)
		{
			pushJsonbValue(&state, WJB_VALUE, &u->values[0]);
			continue;
		}
		pushJsonbValue(&state, WJB_BEGIN_ARRAY, NULL);
		for (int j = 0; j < u->n; j++)
			pushJsonbValue(&state, WJB_ELEM, &u->values[j]);
		pushJsonbValue(&state, WJB_END_ARRAY, NULL);
	}
	return JsonbValueToJsonb(pushJsonbValue(&state, WJB_END_OBJECT, NULL));
}
