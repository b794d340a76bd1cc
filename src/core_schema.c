/*
 * core_schema.c
 *	  Checks a JSON document against a JSON Schema (draft 7).
 *
 * The keywords that documents of authorities and channels are described with:
 * type, enum, const, required, properties, additionalProperties, pattern,
 * minLength, maxLength, minimum, maximum, exclusiveMinimum, exclusiveMaximum,
 * multipleOf, items, minItems, maxItems, allOf, anyOf, oneOf, not, if, then,
 * else, and $ref to #/definitions/NAME.  Any other keyword that would restrict
 * a document is an error, so that no schema is checked in part.
 */
#include "postgres.h"

#include "catalog/pg_collation.h"
#include "catalog/pg_type.h"
#include "fmgr.h"
#include "funcapi.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "regex/regex.h"
#include "utils/builtins.h"
#include "utils/numeric.h"

#include "core.h"

#define MAX_REFS 50				/* one behind the other at one place */

typedef struct Check
{
	JsonbContainer *root;		/* of the schema */
	Tuplestorestate *store;		/* NULL: only whether there is a violation */
	TupleDesc	desc;
	StringInfoData path;
	int			refs;
	bool		failed;
} Check;

static void check_value(Check *c, JsonbValue *schema, JsonbValue *v);

static const char *const annotations[] = {"$schema", "$id", "$comment", "title",
	"description", "default", "examples", "definitions", "format", "readOnly",
"writeOnly"};
static const char *const keywords[] = {"$ref", "type", "enum", "const", "required",
	"properties", "additionalProperties", "pattern", "minLength", "maxLength",
	"minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf",
	"items", "minItems", "maxItems", "allOf", "anyOf", "oneOf", "not", "if", "then",
"else"};

static void
bad_schema(const char *what)
{
	ereport(ERROR,
			(errcode(ERRCODE_OMS_INVALID_DOCUMENT),
			 errmsg("the JSON Schema cannot be used"),
			 errdetail("%s", what),
			 errhint("doc/core.md lists the keywords that are known.")));
}

static bool
is_object(const JsonbValue *v)
{
	return v->type == jbvBinary && JsonContainerIsObject(v->val.binary.data);
}

static bool
is_array(const JsonbValue *v)
{
	return v->type == jbvBinary && JsonContainerIsArray(v->val.binary.data);
}

/* A member or element: references begin anew. */
static void
check_within(Check *c, JsonbValue *schema, JsonbValue *v)
{
	int			refs = c->refs;

	c->refs = 0;
	check_value(c, schema, v);
	c->refs = refs;
}

/* The value of a keyword, or NULL. */
static JsonbValue *
get(const JsonbValue *object, const char *key)
{
	return getKeyJsonValueFromContainer(object->val.binary.data, key, strlen(key), NULL);
}

/* A document's or schema's outermost value. */
static void
outermost(Jsonb *j, JsonbValue *v)
{
	if (JB_ROOT_IS_SCALAR(j))
		*v = *getIthJsonbValueFromContainer(&j->root, 0);
	else
	{
		v->type = jbvBinary;
		v->val.binary.data = &j->root;
		v->val.binary.len = VARSIZE(j) - VARHDRSZ;
	}
}

static Jsonb *
as_jsonb(JsonbValue *v)
{
	return JsonbValueToJsonb(v);
}

static char *
text_of(const JsonbValue *v)
{
	return pnstrdup(v->val.string.val, v->val.string.len);
}

static void
violation(Check *c, const char *rule, JsonbValue *expected, JsonbValue *v)
{
	Datum		row[4];
	bool		nulls[4] = {false, false, expected == NULL, v == NULL};

	c->failed = true;
	if (c->store == NULL)
		return;
	row[0] = PointerGetDatum(cstring_to_text_with_len(c->path.data, c->path.len));
	row[1] = PointerGetDatum(cstring_to_text(rule));
	row[2] = expected ? JsonbPGetDatum(as_jsonb(expected)) : (Datum) 0;
	row[3] = v ? JsonbPGetDatum(as_jsonb(v)) : (Datum) 0;
	tuplestore_putvalues(c->store, c->desc, row, nulls);
}

/* Whether a value has violations of a schema; nothing is reported. */
static bool
passes(Check *c, JsonbValue *schema, JsonbValue *v)
{
	Check		quiet = *c;

	quiet.store = NULL;
	quiet.failed = false;
	check_value(&quiet, schema, v);
	c->path = quiet.path;		/* may have grown */
	return !quiet.failed;
}

static int
push_key(Check *c, const char *key, int len)
{
	int			before = c->path.len;

	if (before > 0)
		appendStringInfoChar(&c->path, '.');
	appendBinaryStringInfo(&c->path, key, len);
	return before;
}

static void
pop(Check *c, int before)
{
	c->path.len = before;
	c->path.data[before] = '\0';
}

static bool
same_value(JsonbValue *a, JsonbValue *b)
{
	return compareJsonbContainers(&as_jsonb(a)->root, &as_jsonb(b)->root) == 0;
}

static int
compare(JsonbValue *v, JsonbValue *limit, const char *keyword)
{
	if (limit->type != jbvNumeric)
		bad_schema(psprintf("\"%s\" must be a number.", keyword));
	return DatumGetInt32(DirectFunctionCall2(numeric_cmp, NumericGetDatum(v->val.numeric),
											 NumericGetDatum(limit->val.numeric)));
}

static bool
is_multiple(Numeric v, JsonbValue *of)
{
	Numeric		zero = int64_to_numeric(0);

	if (of->type != jbvNumeric ||
		DatumGetInt32(DirectFunctionCall2(numeric_cmp, NumericGetDatum(of->val.numeric), NumericGetDatum(zero))) <= 0)
		bad_schema("\"multipleOf\" must be a number above 0.");
	return DatumGetBool(DirectFunctionCall2(numeric_eq,
											DirectFunctionCall2(numeric_mod, NumericGetDatum(v), NumericGetDatum(of->val.numeric)),
											NumericGetDatum(zero)));
}

static bool
is_type(JsonbValue *v, const char *type)
{
	JsonbValue	one;

	if (strcmp(type, "object") == 0)
		return is_object(v);
	if (strcmp(type, "array") == 0)
		return is_array(v);
	if (strcmp(type, "string") == 0)
		return v->type == jbvString;
	if (strcmp(type, "boolean") == 0)
		return v->type == jbvBool;
	if (strcmp(type, "null") == 0)
		return v->type == jbvNull;
	if (strcmp(type, "number") == 0)
		return v->type == jbvNumeric;
	if (strcmp(type, "integer") != 0)
		bad_schema(psprintf("\"type\" has \"%s\".", type));
	one.type = jbvNumeric;
	one.val.numeric = int64_to_numeric(1);
	return v->type == jbvNumeric && is_multiple(v->val.numeric, &one);
}

static void
check_type(Check *c, JsonbValue *type, JsonbValue *v)
{
	bool		fits = false;

	if (type->type == jbvString)
		fits = is_type(v, text_of(type));
	else if (is_array(type))
	{
		int			n = JsonContainerSize(type->val.binary.data);

		for (int i = 0; i < n; i++)
		{
			JsonbValue *one = getIthJsonbValueFromContainer(type->val.binary.data, i);

			if (one->type != jbvString)
				bad_schema("\"type\" must name types.");
			fits |= is_type(v, text_of(one));
		}
	}
	else
		bad_schema("\"type\" must name a type.");
	if (!fits)
		violation(c, "type", type, v);
}

static void
check_enum(Check *c, JsonbValue *list, JsonbValue *v)
{
	int			n;

	if (!is_array(list))
		bad_schema("\"enum\" must be an array.");
	n = JsonContainerSize(list->val.binary.data);
	for (int i = 0; i < n; i++)
		if (same_value(getIthJsonbValueFromContainer(list->val.binary.data, i), v))
			return;
	violation(c, "enum", list, v);
}

static bool
matches(JsonbValue *pattern, JsonbValue *v)
{
	if (pattern->type != jbvString)
		bad_schema("\"pattern\" must be text.");
	return RE_compile_and_execute(cstring_to_text_with_len(pattern->val.string.val, pattern->val.string.len),
								  v->val.string.val, v->val.string.len,
								  REG_ADVANCED, C_COLLATION_OID, 0, NULL);
}

static void
check_length(Check *c, JsonbValue *schema, int length, JsonbValue *v,
			 const char *least, const char *most)
{
	JsonbValue *limit;
	JsonbValue	n;

	n.type = jbvNumeric;
	n.val.numeric = int64_to_numeric(length);
	if ((limit = get(schema, least)) != NULL && compare(&n, limit, least) < 0)
		violation(c, least, limit, v);
	if ((limit = get(schema, most)) != NULL && compare(&n, limit, most) > 0)
		violation(c, most, limit, v);
}

static void
check_string(Check *c, JsonbValue *schema, JsonbValue *v)
{
	JsonbValue *pattern = get(schema, "pattern");

	check_length(c, schema, pg_mbstrlen_with_len(v->val.string.val, v->val.string.len), v,
				 "minLength", "maxLength");
	if (pattern && !matches(pattern, v))
		violation(c, "pattern", pattern, v);
}

static void
check_number(Check *c, JsonbValue *schema, JsonbValue *v)
{
	JsonbValue *limit;

	if ((limit = get(schema, "minimum")) != NULL && compare(v, limit, "minimum") < 0)
		violation(c, "minimum", limit, v);
	if ((limit = get(schema, "maximum")) != NULL && compare(v, limit, "maximum") > 0)
		violation(c, "maximum", limit, v);
	if ((limit = get(schema, "exclusiveMinimum")) != NULL && compare(v, limit, "exclusiveMinimum") <= 0)
		violation(c, "exclusiveMinimum", limit, v);
	if ((limit = get(schema, "exclusiveMaximum")) != NULL && compare(v, limit, "exclusiveMaximum") >= 0)
		violation(c, "exclusiveMaximum", limit, v);
	if ((limit = get(schema, "multipleOf")) != NULL && !is_multiple(v->val.numeric, limit))
		violation(c, "multipleOf", limit, v);
}

static void
check_array(Check *c, JsonbValue *schema, JsonbValue *v)
{
	JsonbValue *items = get(schema, "items");
	int			n = JsonContainerSize(v->val.binary.data);

	check_length(c, schema, n, v, "minItems", "maxItems");
	if (items == NULL)
		return;
	if (is_array(items))
		bad_schema("\"items\" must be one schema for all.");
	for (int i = 0; i < n; i++)
	{
		int			before = c->path.len;

		appendStringInfo(&c->path, "[%d]", i);
		check_within(c, items, getIthJsonbValueFromContainer(v->val.binary.data, i));
		pop(c, before);
	}
}

static void
check_object(Check *c, JsonbValue *schema, JsonbValue *v)
{
	JsonbValue *required = get(schema, "required");
	JsonbValue *properties = get(schema, "properties");
	JsonbValue *additional = get(schema, "additionalProperties");
	JsonbIterator *it;
	JsonbValue	key;
	JsonbValue	member;

	if (properties && !is_object(properties))
		bad_schema("\"properties\" must be an object.");
	if (required)
	{
		int			n;

		if (!is_array(required))
			bad_schema("\"required\" must be an array.");
		n = JsonContainerSize(required->val.binary.data);
		for (int i = 0; i < n; i++)
		{
			JsonbValue *name = getIthJsonbValueFromContainer(required->val.binary.data, i);

			if (name->type != jbvString)
				bad_schema("\"required\" must name members.");
			if (getKeyJsonValueFromContainer(v->val.binary.data, name->val.string.val, name->val.string.len, NULL) == NULL)
			{
				int			before = push_key(c, name->val.string.val, name->val.string.len);

				violation(c, "required", NULL, NULL);
				pop(c, before);
			}
		}
	}
	if (properties == NULL && additional == NULL)
		return;
	it = JsonbIteratorInit(v->val.binary.data);
	JsonbIteratorNext(&it, &key, false);
	while (JsonbIteratorNext(&it, &key, true) == WJB_KEY)
	{
		JsonbValue *sub = properties ?
			getKeyJsonValueFromContainer(properties->val.binary.data, key.val.string.val, key.val.string.len, NULL) : NULL;
		int			before;

		JsonbIteratorNext(&it, &member, true);
		if (sub == NULL)
			sub = additional;
		if (sub == NULL)
			continue;
		before = push_key(c, key.val.string.val, key.val.string.len);
		if (sub == additional && sub->type == jbvBool && !sub->val.boolean)
			violation(c, "additionalProperties", NULL, &member);
		else
			check_within(c, sub, &member);
		pop(c, before);
	}
}

/* allOf, anyOf, oneOf, not, if */
static void
check_combined(Check *c, JsonbValue *schema, JsonbValue *v)
{
	static const char *const names[] = {"allOf", "anyOf", "oneOf"};
	JsonbValue *sub;

	for (int k = 0; k < lengthof(names); k++)
	{
		int			n,
					good = 0;

		if ((sub = get(schema, names[k])) == NULL)
			continue;
		if (!is_array(sub))
			bad_schema(psprintf("\"%s\" must be an array.", names[k]));
		n = JsonContainerSize(sub->val.binary.data);
		for (int i = 0; i < n; i++)
		{
			JsonbValue *one = getIthJsonbValueFromContainer(sub->val.binary.data, i);

			if (k == 0)
				check_value(c, one, v);
			else if (passes(c, one, v))
				good++;
		}
		if ((k == 1 && good == 0) || (k == 2 && good != 1))
			violation(c, names[k], sub, v);
	}
	if ((sub = get(schema, "not")) != NULL && passes(c, sub, v))
		violation(c, "not", sub, v);
	if ((sub = get(schema, "if")) != NULL &&
		(sub = get(schema, passes(c, sub, v) ? "then" : "else")) != NULL)
		check_value(c, sub, v);
}

/* What "#/definitions/NAME" names. */
static JsonbValue *
resolve(Check *c, JsonbValue *ref)
{
	static const char prefix[] = "#/definitions/";
	JsonbValue	root;
	JsonbValue *definitions;
	JsonbValue *found = NULL;
	char	   *name;

	if (ref->type != jbvString)
		bad_schema("\"$ref\" must be text.");
	name = text_of(ref);
	if (strncmp(name, prefix, strlen(prefix)) == 0)
	{
		root.type = jbvBinary;
		root.val.binary.data = c->root;
		definitions = get(&root, "definitions");
		if (definitions && is_object(definitions))
			found = get(definitions, name + strlen(prefix));
	}
	if (found == NULL)
		bad_schema(psprintf("\"$ref\" names \"%s\", which is none of its definitions.", name));
	return found;
}

static void
known_keywords(JsonbValue *schema)
{
	JsonbIterator *it = JsonbIteratorInit(schema->val.binary.data);
	JsonbValue	key;
	JsonbValue	v;

	JsonbIteratorNext(&it, &key, false);
	while (JsonbIteratorNext(&it, &key, true) == WJB_KEY)
	{
		char	   *name = text_of(&key);
		bool		known = false;

		JsonbIteratorNext(&it, &v, true);
		for (int i = 0; i < lengthof(annotations) && !known; i++)
			known = strcmp(name, annotations[i]) == 0;
		for (int i = 0; i < lengthof(keywords) && !known; i++)
			known = strcmp(name, keywords[i]) == 0;
		if (!known)
			bad_schema(psprintf("Keyword \"%s\" is not known.", name));
		pfree(name);
	}
}

static void
check_value(Check *c, JsonbValue *schema, JsonbValue *v)
{
	JsonbValue *sub;

	check_stack_depth();
	CHECK_FOR_INTERRUPTS();
	if (schema->type == jbvBool)
	{
		if (!schema->val.boolean)
			violation(c, "false", NULL, v);
		return;
	}
	if (!is_object(schema))
		bad_schema("A schema must be an object, true or false.");
	if ((sub = get(schema, "$ref")) != NULL)
	{
		/* in draft 7 what stands beside it does not count */
		if (++c->refs > MAX_REFS)
			bad_schema("\"$ref\" leads in a circle.");
		check_value(c, resolve(c, sub), v);
		c->refs--;
		return;
	}
	known_keywords(schema);
	if ((sub = get(schema, "type")) != NULL)
		check_type(c, sub, v);
	if ((sub = get(schema, "enum")) != NULL)
		check_enum(c, sub, v);
	if ((sub = get(schema, "const")) != NULL && !same_value(sub, v))
		violation(c, "const", sub, v);
	if (v->type == jbvString)
		check_string(c, schema, v);
	else if (v->type == jbvNumeric)
		check_number(c, schema, v);
	else if (is_array(v))
		check_array(c, schema, v);
	else if (is_object(v))
		check_object(c, schema, v);
	check_combined(c, schema, v);
}

static void
check_document(FunctionCallInfo fcinfo, Jsonb *schema, Jsonb *doc)
{
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
	Check		c = {0};
	JsonbValue	s;
	JsonbValue	v;

	c.root = &schema->root;
	c.store = rsinfo->setResult;
	c.desc = rsinfo->setDesc;
	initStringInfo(&c.path);
	outermost(schema, &s);
	outermost(doc, &v);
	check_value(&c, &s, &v);
}

PG_FUNCTION_INFO_V1(oms_json_violations);

/* oms.json_violations(doc, schema) */
Datum
oms_json_violations(PG_FUNCTION_ARGS)
{
	InitMaterializedSRF(fcinfo, 0);
	check_document(fcinfo, PG_GETARG_JSONB_P(1), PG_GETARG_JSONB_P(0));
	return (Datum) 0;
}

static OmsPlan schema_plan = {
	"SELECT schema FROM oms.json_schema WHERE name = $1 ORDER BY builtin LIMIT 1",
	1, {TEXTOID}, NULL
};

PG_FUNCTION_INFO_V1(oms_check_json);

/* oms.check_json(doc, name) */
Datum
oms_check_json(PG_FUNCTION_ARGS)
{
	Datum		values[1] = {PG_GETARG_DATUM(1)};
	bool		isnull;

	InitMaterializedSRF(fcinfo, 0);
	oms_spi_connect();
	if (oms_exec(&schema_plan, values, NULL, true, 1) == 0)
		ereport(ERROR,
				(errcode(ERRCODE_OMS_UNKNOWN_REFERENCE),
				 errmsg("there is no JSON Schema \"%s\"", text_to_cstring(PG_GETARG_TEXT_PP(1))),
				 errhint("The schemas are the rows of oms.json_schema.")));
	check_document(fcinfo, DatumGetJsonbP(oms_datum(0, 1, &isnull)), PG_GETARG_JSONB_P(0));
	oms_spi_finish();
	return (Datum) 0;
}
