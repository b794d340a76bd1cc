/*
 * erp_capture.c
 *	  The trigger on the ERP's tables: tells erp_log.c what changed, in the
 *	  ERP's transaction.
 *
 * It runs inside other people's transactions, at any isolation level, so:
 * it only appends; it takes no lock but that of an insert; it needs no
 * right (the row is written below the permission checks, a row nobody but
 * us can see); and no value of the ERP can make it fail.
 *
 * Arguments of the trigger: the table's name as attached, then the columns
 * to watch.  A column that the ERP has dropped or renamed reads as null,
 * and from then on every change of the table is kept: the table's state is
 * told from its fingerprint (oms.erp_lag), nothing may be lost meanwhile.
 *
 * What is known of a trigger's columns is kept for the session and found
 * again by the trigger's OID; any change of any relation makes us look
 * again, once.  An entry is never freed, because a statement further out
 * may be using it: one a DDL command on an attached table stays behind.
 */
#include "postgres.h"

#include "access/detoast.h"
#include "access/transam.h"
#include "catalog/pg_type.h"
#include "commands/trigger.h"
#include "executor/tuptable.h"
#include "mb/pg_wchar.h"
#include "utils/builtins.h"
#include "utils/datetime.h"
#include "utils/datum.h"
#include "utils/fmgroids.h"
#include "utils/hsearch.h"
#include "utils/json.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/numeric.h"
#include "utils/rel.h"

#include "core.h"
#include "core_inval.h"
#include "erp_log.h"

/* Longer texts are cut: resolvers read keys, not prose. */
#define OMS_CAPTURE_TEXT 1000

/* Bigger values of other types are not kept; they are noticed to change. */
#define OMS_CAPTURE_VALUE (64 * 1024)

/* Bigger values of one length are taken to differ, not read. */
#define OMS_CAPTURE_COMPARE (1024 * 1024)

/* How a value is written */
typedef enum WriteAs
{
	AS_BOOL,
	AS_INT2,
	AS_INT4,
	AS_INT8,
	AS_NUMERIC,
	AS_DATE,
	AS_TEXT,					/* what is stored is the text */
	AS_HEX,						/* bytea */
	AS_OUTPUT,					/* by an output function that does not fail */
	AS_GUARDED					/* by one that might */
} WriteAs;

typedef struct WatchColumn
{
	AttrNumber	attnum;			/* InvalidAttrNumber: the table has none */
	int16		typlen;
	bool		typbyval;
	char		as;				/* WriteAs */
	Oid			typid;
	Oid			typoutput;
} WatchColumn;

struct OmsErpWatch
{
	OmsErpSource source;		/* what erp_log.c needs of it; first */
	uint64		generation;		/* of the catalogue it was read from */
	Oid			relid;
	bool		missing;
	AttrNumber	maxatt;
	int			ncols;
	WatchColumn cols[FLEXIBLE_ARRAY_MEMBER];
};

typedef struct OmsErpWatch Watch;

typedef struct WatchEntry
{
	Oid			tgoid;			/* key */
	Watch	   *watch;
} WatchEntry;

static HTAB *watches = NULL;
static uint64 generation = 1;

static Watch *find_watch(FunctionCallInfo fcinfo, TriggerData *td);
static Watch *read_watch(Relation rel, Trigger *trigger, MemoryContext cxt);
static WriteAs how_to_write(Oid typid, Oid typoutput);
static bool differs(const Watch *watch, TupleTableSlot *a, TupleTableSlot *b);
static void put_row(StringInfo buf, const Watch *watch, TupleTableSlot *slot);
static void put_value(StringInfo buf, const WatchColumn *col, Datum value);
static void put_text(StringInfo buf, const char *s, int len);

static void
at_relcache_inval(Oid relid)
{
	generation++;
}

void
oms_erp_capture_init(void)
{
	oms_relcache_watch(at_relcache_inval);
}

PG_FUNCTION_INFO_V1(oms_erp_capture);

Datum
oms_erp_capture(PG_FUNCTION_ARGS)
{
	TriggerData *td = (TriggerData *) fcinfo->context;
	TriggerEvent event;
	Watch	   *watch;
	StringInfo	buf;

	if (!CALLED_AS_TRIGGER(fcinfo) || !TRIGGER_FIRED_AFTER(td->tg_event) ||
		td->tg_trigger->tgnargs < 1)
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("oms.erp_capture() is a trigger that oms.attach_erp() makes")));
	event = td->tg_event;
	if (!TRIGGER_FIRED_FOR_ROW(event) && !TRIGGER_FIRED_BY_TRUNCATE(event))
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("oms.erp_capture() fires for each row, or for TRUNCATE")));

	watch = find_watch(fcinfo, td);
	if (TRIGGER_FIRED_BY_UPDATE(event))
	{
		if (!watch->missing && !differs(watch, td->tg_trigslot, td->tg_newslot))
			return PointerGetDatum(NULL);
		buf = oms_erp_log_begin(&watch->source, 'U');
		put_row(buf, watch, td->tg_trigslot);
		put_row(buf, watch, td->tg_newslot);
	}
	else if (TRIGGER_FIRED_BY_INSERT(event))
		put_row(oms_erp_log_begin(&watch->source, 'I'), watch, td->tg_trigslot);
	else if (TRIGGER_FIRED_BY_DELETE(event))
		put_row(oms_erp_log_begin(&watch->source, 'D'), watch, td->tg_trigslot);
	else
		(void) oms_erp_log_begin(&watch->source, 'T');
	oms_erp_log_end();
	return PointerGetDatum(NULL);
}

/*
 * Columns
 */
static Watch *
find_watch(FunctionCallInfo fcinfo, TriggerData *td)
{
	WatchEntry *entry;
	Watch	   *watch = (Watch *) fcinfo->flinfo->fn_extra;
	bool		found;
	uint64		before = generation;

	if (watch)
		return watch;
	if (watches == NULL)
	{
		HASHCTL		ctl;

		memset(&ctl, 0, sizeof(ctl));
		ctl.keysize = sizeof(Oid);
		ctl.entrysize = sizeof(WatchEntry);
		watches = hash_create("pg_oms watched tables", 64, &ctl,
							  HASH_ELEM | HASH_BLOBS);
	}
	entry = hash_search(watches, &td->tg_trigger->tgoid, HASH_FIND, NULL);
	watch = entry ? entry->watch : NULL;
	if (watch == NULL || watch->generation != generation ||
		watch->relid != RelationGetRelid(td->tg_relation))
	{
		Size		size = offsetof(Watch, cols) + sizeof(WatchColumn) * (td->tg_trigger->tgnargs - 1);
		Watch	   *now = read_watch(td->tg_relation, td->tg_trigger,
									 CurrentMemoryContext);

		if (watch == NULL || watch->relid != now->relid ||
			watch->ncols != now->ncols ||
			strcmp(watch->source.relation, now->source.relation) != 0 ||
			strcmp(watch->source.header, now->source.header) != 0 ||
			memcmp(watch->cols, now->cols, sizeof(WatchColumn) * now->ncols) != 0)
		{
			watch = MemoryContextAlloc(CacheMemoryContext, size);
			memcpy(watch, now, size);
			watch->source.relation = MemoryContextStrdup(CacheMemoryContext, now->source.relation);
			watch->source.header = MemoryContextStrdup(CacheMemoryContext, now->source.header);
			entry = hash_search(watches, &td->tg_trigger->tgoid, HASH_ENTER, &found);
			entry->watch = watch;
		}
		watch->generation = before;
	}
	fcinfo->flinfo->fn_extra = watch;
	return watch;
}

static Watch *
read_watch(Relation rel, Trigger *trigger, MemoryContext cxt)
{
	TupleDesc	desc = RelationGetDescr(rel);
	int			ncols = trigger->tgnargs - 1;
	Watch	   *watch = MemoryContextAllocZero(cxt, offsetof(Watch, cols) + sizeof(WatchColumn) * ncols);
	StringInfoData header;

	watch->relid = RelationGetRelid(rel);
	watch->ncols = ncols;
	watch->source.relation = trigger->tgargs[0];
	initStringInfo(&header);
	appendStringInfoString(&header, "[[");
	for (int i = 0; i < ncols; i++)
	{
		WatchColumn *col = &watch->cols[i];
		bool		varlena;

		if (i > 0)
			appendStringInfoChar(&header, ',');
		escape_json(&header, trigger->tgargs[i + 1]);
		for (int a = 0; a < desc->natts; a++)
		{
			Form_pg_attribute att = TupleDescAttr(desc, a);

			if (att->attisdropped ||
				strcmp(NameStr(att->attname), trigger->tgargs[i + 1]) != 0)
				continue;
			col->attnum = att->attnum;
			col->typid = getBaseType(att->atttypid);
			col->typlen = att->attlen;
			col->typbyval = att->attbyval;
			getTypeOutputInfo(col->typid, &col->typoutput, &varlena);
			col->as = how_to_write(col->typid, col->typoutput);
			watch->maxatt = Max(watch->maxatt, att->attnum);
			break;
		}
		if (col->attnum == InvalidAttrNumber)
			watch->missing = true;
	}
	appendStringInfoChar(&header, ']');
	watch->source.header = header.data;
	return watch;
}

static WriteAs
how_to_write(Oid typid, Oid typoutput)
{
	Oid			element;

	switch (typid)
	{
		case BOOLOID:
			return AS_BOOL;
		case INT2OID:
			return AS_INT2;
		case INT4OID:
			return AS_INT4;
		case INT8OID:
			return AS_INT8;
		case NUMERICOID:
			return AS_NUMERIC;
		case DATEOID:
		case TIMESTAMPOID:
		case TIMESTAMPTZOID:
			return AS_DATE;
		case TEXTOID:
		case VARCHAROID:
		case BPCHAROID:
		case JSONOID:
		case XMLOID:
			return AS_TEXT;
		case BYTEAOID:
			return AS_HEX;
		default:
			break;
	}
	element = get_element_type(typid);
	if (OidIsValid(element) && typoutput == F_ARRAY_OUT)
	{
		Oid			output;
		bool		varlena;

		getTypeOutputInfo(getBaseType(element), &output, &varlena);
		return how_to_write(getBaseType(element), output) == AS_GUARDED
			? AS_GUARDED : AS_OUTPUT;
	}

	/* made by a user, or made of what may be */
	if (typoutput >= FirstNormalObjectId || typoutput == F_RECORD_OUT ||
		typoutput == F_RANGE_OUT || typoutput == F_MULTIRANGE_OUT)
		return AS_GUARDED;
	return AS_OUTPUT;
}

static bool
differs(const Watch *watch, TupleTableSlot *a, TupleTableSlot *b)
{
	slot_getsomeattrs(a, watch->maxatt);
	slot_getsomeattrs(b, watch->maxatt);
	for (int i = 0; i < watch->ncols; i++)
	{
		const WatchColumn *col = &watch->cols[i];
		int			at = col->attnum - 1;
		Datum		aval = a->tts_values[at];
		Datum		bval = b->tts_values[at];

		if (a->tts_isnull[at] != b->tts_isnull[at])
			return true;
		if (a->tts_isnull[at])
			continue;
		if (col->typbyval)
		{
			if (aval != bval && !datum_image_eq(aval, bval, true, col->typlen))
				return true;
			continue;
		}
		if (col->typlen == -1)
		{
			struct varlena *av = (struct varlena *) DatumGetPointer(aval);
			struct varlena *bv = (struct varlena *) DatumGetPointer(bval);

			/* the very same bytes, or the very same toasted value */
			if (VARSIZE_ANY(av) == VARSIZE_ANY(bv) &&
				memcmp(av, bv, VARSIZE_ANY(av)) == 0)
				continue;
			if (toast_raw_datum_size(aval) != toast_raw_datum_size(bval) ||
				toast_raw_datum_size(aval) > OMS_CAPTURE_COMPARE)
				return true;
		}
		if (!datum_image_eq(aval, bval, false, col->typlen))
			return true;
	}
	return false;
}

/*
 * Rows, as arrays of JSON in the order of the header
 */
static void
put_row(StringInfo buf, const Watch *watch, TupleTableSlot *slot)
{
	slot_getsomeattrs(slot, watch->maxatt);
	appendStringInfoString(buf, ",[");
	for (int i = 0; i < watch->ncols; i++)
	{
		const WatchColumn *col = &watch->cols[i];

		if (i > 0)
			appendStringInfoChar(buf, ',');
		if (col->attnum == InvalidAttrNumber ||
			slot->tts_isnull[col->attnum - 1])
			appendBinaryStringInfo(buf, "null", 4);
		else
			put_value(buf, col, slot->tts_values[col->attnum - 1]);
	}
	appendStringInfoChar(buf, ']');
}

static void
put_integer(StringInfo buf, int64 value)
{
	char		digits[MAXINT8LEN + 1];

	appendBinaryStringInfo(buf, digits, pg_lltoa(value, digits));
}

typedef struct OutputCall
{
	Oid			function;
	Datum		value;
	char	   *result;
} OutputCall;

static void
call_output(void *arg)
{
	OutputCall *call = (OutputCall *) arg;

	call->result = OidOutputFunctionCall(call->function, call->value);
}

/* Numbers, booleans and dates in their JSON form, all else as text. */
static void
put_value(StringInfo buf, const WatchColumn *col, Datum value)
{
	char		date[MAXDATELEN + 1];
	struct varlena *v;
	char	   *s;
	int			len;
	OutputCall	call;
	ErrorData  *failed;

	switch ((WriteAs) col->as)
	{
		case AS_BOOL:
			appendStringInfoString(buf, DatumGetBool(value) ? "true" : "false");
			return;
		case AS_INT2:
			put_integer(buf, DatumGetInt16(value));
			return;
		case AS_INT4:
			put_integer(buf, DatumGetInt32(value));
			return;
		case AS_INT8:
			put_integer(buf, DatumGetInt64(value));
			return;
		case AS_NUMERIC:
			s = DatumGetCString(DirectFunctionCall1(numeric_out, value));
			len = strlen(s);
			/* JSON knows no NaN and no infinity */
			if (len <= OMS_CAPTURE_TEXT && s[len - 1] >= '0' && s[len - 1] <= '9')
				appendBinaryStringInfo(buf, s, len);
			else
				put_text(buf, s, len);
			pfree(s);
			return;
		case AS_DATE:
			s = JsonEncodeDateTime(date, value, col->typid, NULL);
			put_text(buf, s, strlen(s));
			return;
		case AS_TEXT:
		case AS_HEX:
			v = (struct varlena *) DatumGetPointer(value);
			if (VARATT_IS_COMPRESSED(v) || VARATT_IS_EXTERNAL(v))
				v = pg_detoast_datum_slice(v, 0, OMS_CAPTURE_TEXT + MAX_MULTIBYTE_CHAR_LEN);
			s = VARDATA_ANY(v);
			len = VARSIZE_ANY_EXHDR(v);
			if (col->as == AS_HEX)
			{
				len = Min(len, (OMS_CAPTURE_TEXT - 2) / 2);
				appendStringInfoString(buf, "\"\\\\x");
				enlargeStringInfo(buf, len * 2 + 1);
				buf->len += hex_encode(s, len, buf->data + buf->len);
				appendStringInfoChar(buf, '"');
			}
			else
				put_text(buf, s, len);
			return;
		case AS_OUTPUT:
		case AS_GUARDED:
			if (col->typlen == -1 && toast_raw_datum_size(value) > OMS_CAPTURE_VALUE)
			{
				appendBinaryStringInfo(buf, "null", 4);
				return;
			}
			call.function = col->typoutput;
			call.value = value;
			if (col->as == AS_OUTPUT)
				call_output(&call);
			else if (!oms_try(call_output, &call, &failed))
			{
				appendBinaryStringInfo(buf, "null", 4);
				return;
			}
			put_text(buf, call.result, strlen(call.result));
			pfree(call.result);
			return;
	}
}

static void
put_text(StringInfo buf, const char *s, int len)
{
	char		quoted[OMS_CAPTURE_TEXT + 1];

	if (len > OMS_CAPTURE_TEXT)
		len = pg_mbcliplen(s, len, OMS_CAPTURE_TEXT);
	memcpy(quoted, s, len);
	quoted[len] = '\0';
	escape_json(buf, quoted);
}
