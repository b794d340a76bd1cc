/*
 * erp_capture.c
 *	  The trigger on the ERP's tables: appends what changed to
 *	  oms.erp_change, in the ERP's transaction.
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
 */
#include "postgres.h"

#include "access/table.h"
#include "access/xact.h"
#include "catalog/dependency.h"
#include "catalog/pg_type.h"
#include "commands/sequence.h"
#include "commands/trigger.h"
#include "executor/executor.h"
#include "mb/pg_wchar.h"
#include "utils/builtins.h"
#include "utils/datetime.h"
#include "utils/datum.h"
#include "utils/json.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"

#include "erp.h"

/* columns of oms.erp_change */
#define CHANGE_ID		0
#define CHANGE_RELATION 1
#define CHANGE_OP		2
#define CHANGE_OLD		3
#define CHANGE_NEW		4
#define CHANGE_AT		5
#define CHANGE_NATTS	6

/* Longer texts are cut: resolvers read keys, not prose. */
#define OMS_CAPTURE_TEXT 1000

typedef struct WatchColumn
{
	AttrNumber	attnum;			/* InvalidAttrNumber: the table has none */
	Oid			typid;
	int16		typlen;
	bool		typbyval;
	Oid			typoutput;
} WatchColumn;

/* Columns of one trigger, found once a statement. */
typedef struct Watch
{
	int			ncols;
	bool		missing;
	WatchColumn cols[FLEXIBLE_ARRAY_MEMBER];
} Watch;

static Watch *find_watch(FunctionCallInfo fcinfo, Relation rel,
						 Trigger *trigger);
static bool differs(Watch *watch, TupleTableSlot *a, TupleTableSlot *b);
static Jsonb *image(Watch *watch, char **names, TupleTableSlot *slot);
static void push_value(JsonbParseState **state, WatchColumn *col, Datum value);
static void append_change(const char *relation, const char *op, Jsonb *old_row,
						  Jsonb *new_row);

PG_FUNCTION_INFO_V1(oms_erp_capture);

Datum
oms_erp_capture(PG_FUNCTION_ARGS)
{
	TriggerData *td = (TriggerData *) fcinfo->context;
	char	  **args;
	Watch	   *watch;

	if (!CALLED_AS_TRIGGER(fcinfo) || !TRIGGER_FIRED_AFTER(td->tg_event) ||
		td->tg_trigger->tgnargs < 1)
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("oms.erp_capture() is a trigger that oms.attach_erp() makes")));
	args = td->tg_trigger->tgargs;

	if (TRIGGER_FIRED_BY_TRUNCATE(td->tg_event))
	{
		append_change(args[0], "T", NULL, NULL);
		return PointerGetDatum(NULL);
	}
	if (!TRIGGER_FIRED_FOR_ROW(td->tg_event))
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("oms.erp_capture() fires for each row, or for TRUNCATE")));

	watch = find_watch(fcinfo, td->tg_relation, td->tg_trigger);
	if (TRIGGER_FIRED_BY_INSERT(td->tg_event))
		append_change(args[0], "I", NULL,
					  image(watch, args + 1, td->tg_trigslot));
	else if (TRIGGER_FIRED_BY_DELETE(td->tg_event))
		append_change(args[0], "D", image(watch, args + 1, td->tg_trigslot),
					  NULL);
	else if (watch->missing ||
			 differs(watch, td->tg_trigslot, td->tg_newslot))
		append_change(args[0], "U", image(watch, args + 1, td->tg_trigslot),
					  image(watch, args + 1, td->tg_newslot));
	return PointerGetDatum(NULL);
}

static Watch *
find_watch(FunctionCallInfo fcinfo, Relation rel, Trigger *trigger)
{
	Watch	   *watch = (Watch *) fcinfo->flinfo->fn_extra;
	TupleDesc	desc = RelationGetDescr(rel);
	int			ncols = trigger->tgnargs - 1;

	if (watch)
		return watch;
	watch = MemoryContextAllocZero(fcinfo->flinfo->fn_mcxt,
								   offsetof(Watch, cols) + sizeof(WatchColumn) * ncols);
	watch->ncols = ncols;
	for (int i = 0; i < ncols; i++)
	{
		WatchColumn *col = &watch->cols[i];
		bool		varlena;

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
			getTypeOutputInfo(att->atttypid, &col->typoutput, &varlena);
			break;
		}
		if (col->attnum == InvalidAttrNumber)
			watch->missing = true;
	}
	fcinfo->flinfo->fn_extra = watch;
	return watch;
}

static bool
differs(Watch *watch, TupleTableSlot *a, TupleTableSlot *b)
{
	for (int i = 0; i < watch->ncols; i++)
	{
		WatchColumn *col = &watch->cols[i];
		bool		anull,
					bnull;
		Datum		aval = slot_getattr(a, col->attnum, &anull);
		Datum		bval = slot_getattr(b, col->attnum, &bnull);

		if (anull != bnull)
			return true;
		if (!anull && !datum_image_eq(aval, bval, col->typbyval, col->typlen))
			return true;
	}
	return false;
}

static Jsonb *
image(Watch *watch, char **names, TupleTableSlot *slot)
{
	JsonbParseState *state = NULL;

	pushJsonbValue(&state, WJB_BEGIN_OBJECT, NULL);
	for (int i = 0; i < watch->ncols; i++)
	{
		WatchColumn *col = &watch->cols[i];
		JsonbValue	v;
		bool		isnull = true;
		Datum		value = (Datum) 0;

		v.type = jbvString;
		v.val.string.val = names[i];
		v.val.string.len = strlen(names[i]);
		pushJsonbValue(&state, WJB_KEY, &v);
		if (col->attnum != InvalidAttrNumber)
			value = slot_getattr(slot, col->attnum, &isnull);
		if (isnull)
		{
			v.type = jbvNull;
			pushJsonbValue(&state, WJB_VALUE, &v);
		}
		else
			push_value(&state, col, value);
	}
	return JsonbValueToJsonb(pushJsonbValue(&state, WJB_END_OBJECT, NULL));
}

/* Numbers, booleans and dates in their JSON form, all else as text. */
static void
push_value(JsonbParseState **state, WatchColumn *col, Datum value)
{
	JsonbValue	v;
	Numeric		num = NULL;
	char		buf[MAXDATELEN + 1];

	switch (col->typid)
	{
		case BOOLOID:
			v.type = jbvBool;
			v.val.boolean = DatumGetBool(value);
			pushJsonbValue(state, WJB_VALUE, &v);
			return;
		case INT2OID:
			num = int64_to_numeric(DatumGetInt16(value));
			break;
		case INT4OID:
			num = int64_to_numeric(DatumGetInt32(value));
			break;
		case INT8OID:
			num = int64_to_numeric(DatumGetInt64(value));
			break;
		case NUMERICOID:
			num = DatumGetNumeric(value);
			if (numeric_is_nan(num) || numeric_is_inf(num))
				num = NULL;		/* JSON has no such number */
			break;
		default:
			break;
	}
	if (num)
	{
		v.type = jbvNumeric;
		v.val.numeric = num;
		pushJsonbValue(state, WJB_VALUE, &v);
		return;
	}

	v.type = jbvString;
	if (col->typid == DATEOID || col->typid == TIMESTAMPOID ||
		col->typid == TIMESTAMPTZOID)
		v.val.string.val = pstrdup(JsonEncodeDateTime(buf, value, col->typid, NULL));
	else
		v.val.string.val = OidOutputFunctionCall(col->typoutput, value);
	v.val.string.len = strlen(v.val.string.val);
	if (v.val.string.len > OMS_CAPTURE_TEXT)
		v.val.string.len = pg_mbcliplen(v.val.string.val, v.val.string.len,
										OMS_CAPTURE_TEXT);
	pushJsonbValue(state, WJB_VALUE, &v);
}

/*
 * Appends the row.  The executor's simple insert is used rather than the
 * catalogue's, because the table is the owner's: it may have got indexes on
 * expressions, triggers and further columns.
 */
static void
append_change(const char *relation, const char *op, Jsonb *old_row,
			  Jsonb *new_row)
{
	static Oid	log_relid = InvalidOid;
	static Oid	sequence = InvalidOid;
	Oid			relid = oms_erp_log_relid();
	Relation	rel;
	EState	   *estate;
	ResultRelInfo *info;
	TupleTableSlot *slot;

	if (!OidIsValid(relid))
		return;					/* tables are gone: nobody to tell */
	rel = table_open(relid, RowExclusiveLock);
	if (relid != log_relid)
	{
		sequence = getIdentitySequence(relid, CHANGE_ID + 1, false);
		log_relid = relid;
	}

	estate = CreateExecutorState();
	info = makeNode(ResultRelInfo);
	InitResultRelInfo(info, rel, 1, NULL, 0);
	ExecOpenIndices(info, false);
	slot = ExecInitExtraTupleSlot(estate, RelationGetDescr(rel), &TTSOpsVirtual);
	ExecClearTuple(slot);
	memset(slot->tts_isnull, true, sizeof(bool) * RelationGetDescr(rel)->natts);
	memset(slot->tts_isnull, false, sizeof(bool) * CHANGE_NATTS);
	slot->tts_values[CHANGE_ID] = Int64GetDatum(nextval_internal(sequence, false));
	slot->tts_values[CHANGE_RELATION] = CStringGetTextDatum(relation);
	slot->tts_values[CHANGE_OP] = CStringGetTextDatum(op);
	slot->tts_values[CHANGE_OLD] = PointerGetDatum(old_row);
	slot->tts_isnull[CHANGE_OLD] = old_row == NULL;
	slot->tts_values[CHANGE_NEW] = PointerGetDatum(new_row);
	slot->tts_isnull[CHANGE_NEW] = new_row == NULL;
	slot->tts_values[CHANGE_AT] = TimestampTzGetDatum(GetCurrentTransactionStartTimestamp());
	ExecStoreVirtualTuple(slot);
	ExecSimpleRelationInsert(info, estate, slot);
	ExecCloseIndices(info);
	ExecResetTupleTable(estate->es_tupleTable, false);
	FreeExecutorState(estate);
	table_close(rel, NoLock);
	if (oms_erp_wake)
		oms_erp_wake();
}
