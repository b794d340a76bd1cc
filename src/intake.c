/*
 * intake.c
 *	  Payloads of channels: captured, and kept with what became of them.
 *
 * One call is one transaction.  Alone (capture_from, the first time) what is
 * refused is an error and leaves nothing; in bulk and when tried again each
 * payload has a subtransaction, and what is refused is kept with the reason.
 */
#include "postgres.h"

#include "access/xact.h"
#include "catalog/pg_type.h"
#include "fmgr.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/memutils.h"

#include "core_find.h"
#include "core_memo.h"
#include "core_rows.h"
#include "intake.h"
#include "intake_diff.h"
#include "orders.h"
#include "stock_sql.h"

/* One payload on its way. */
typedef struct Run
{
	const OmsIntakeChannel *channel;
	Jsonb	   *payload;
	TimestampTz at;
	bool		bulk;
	const char *because;		/* refused unread */
	OmsIntake	in;
	const char *status;
	int64		order_id;		/* 0: none */
	bool		refused_before; /* another payload of the same order */
	Jsonb	   *answer;			/* of the capture */
} Run;

static OmsPlan channel_plan = {
	"SELECT c.channel_id, c.price_includes_tax, m.map, m.version, p.code FROM oms.channel c"
	" JOIN oms.company p ON p.company_id = c.company_id"
	" LEFT JOIN oms.intake_channel m ON m.company_id = c.company_id AND m.channel_id = c.channel_id"
	" WHERE c.company_id = $1 AND c.code = $2",
	2, {INT4OID, TEXTOID}, NULL
};
static OmsPlan before_plan = {
	"SELECT order_id, document, status FROM oms.intake_message"
	" WHERE company_id = $1 AND channel_id = $2 AND external_id = $3",
	3, {INT4OID, INT4OID, TEXTOID}, NULL
};
static OmsPlan replaced_plan = {
	"UPDATE oms.intake_message SET status = 'ignored', reason = 'REPLACED', order_id = $4, last_at = now()"
	" WHERE company_id = $1 AND channel_id = $2 AND external_id = $3 AND status = 'refused'",
	4, {INT4OID, INT4OID, TEXTOID, INT8OID}, NULL
};
static OmsPlan order_plan = {
	"SELECT order_id FROM oms.\"order\" WHERE company_id = $1 AND channel_id = $2 AND external_id = $3",
	3, {INT4OID, INT4OID, TEXTOID}, NULL
};
static OmsPlan insert_plan = {
	"INSERT INTO oms.intake_message (company_id, message_id, channel_id, payload_hash, external_id, status, reason, order_id, map, version, payload, document, extra, problems)"
	" VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)"
	" ON CONFLICT (company_id, channel_id, payload_hash) DO NOTHING",
	14, {INT4OID, INT8OID, INT4OID, TEXTOID, TEXTOID, TEXTOID, TEXTOID, INT8OID, TEXTOID, TEXTOID, JSONBOID, JSONBOID, JSONBOID, JSONBOID}, NULL
};
static OmsPlan again_plan = {
	"UPDATE oms.intake_message SET external_id = $4, status = $5, reason = $6, order_id = $7, map = $8, version = $9,"
	" document = $10, extra = $11, problems = $12, attempts = attempts + 1, last_at = now()"
	" WHERE company_id = $1 AND channel_id = $2 AND payload_hash = $3 AND status IN ('refused', 'ignored')",
	12, {INT4OID, INT4OID, TEXTOID, TEXTOID, TEXTOID, TEXTOID, INT8OID, TEXTOID, TEXTOID, JSONBOID, JSONBOID, JSONBOID}, NULL
};
static OmsPlan number_plan = {
	"SELECT message_id FROM oms.intake_message WHERE company_id = $1 AND channel_id = $2 AND payload_hash = $3",
	3, {INT4OID, INT4OID, TEXTOID}, NULL
};
static OmsPlan resolve_plan = {
	"UPDATE oms.reject SET resolved_at = now()"
	" WHERE source = 'capture_from' AND document_hash = md5($1) AND resolved_at IS NULL",
	1, {TEXTOID}, NULL
};
static OmsPlan retry_plan = {
	"SELECT m.status, m.order_id, m.payload, c.code, m.external_id FROM oms.intake_message m JOIN oms.channel c ON c.channel_id = m.channel_id"
	" WHERE m.company_id = $1 AND m.message_id = $2 FOR UPDATE OF m",
	2, {INT4OID, INT8OID}, NULL
};

static void
find_channel(int32 company_id, const char *code, OmsIntakeChannel *out)
{
	MemoryContext caller = CurrentMemoryContext;
	Datum		values[2] = {Int32GetDatum(company_id), oms_text(code)};

	oms_spi_connect();
	if (oms_memo(&channel_plan, values, NULL, false) == 0)
		ereport(ERROR,
				(errcode(ERRCODE_OMS_UNKNOWN_REFERENCE),
				 errmsg("channel \"%s\" does not exist", code),
				 errhint("The channels of a company are the rows of oms.channel.")));
	out->company_id = company_id;
	out->code = oms_strdup(caller, code);
	out->channel_id = oms_int4(0, 1);
	out->price_includes_tax = oms_bool(0, 2);
	out->map = oms_strdup(caller, oms_cstr(0, 3));
	out->version = oms_strdup(caller, oms_cstr(0, 4));
	out->company = oms_strdup(caller, oms_cstr(0, 5));
	oms_spi_finish();
}

void
oms_intake_channel(FunctionCallInfo fcinfo, int channel_arg, int company_arg,
				   OmsIntakeChannel *out)
{
	oms_require_installed();
	oms_require_arg(fcinfo, channel_arg, "channel");
	find_channel(oms_company_id_now(oms_stock_text_arg(fcinfo, company_arg)),
				 text_to_cstring(PG_GETARG_TEXT_PP(channel_arg)), out);
}

static TimestampTz
at_arg(FunctionCallInfo fcinfo, int arg)
{
	return PG_ARGISNULL(arg) ? GetCurrentTransactionStartTimestamp() :
		PG_GETARG_TIMESTAMPTZ(arg);
}

static char *
payload_hash(Jsonb *payload)
{
	uint64		h[2];

	for (int i = 0; i < 2; i++)
		h[i] = DatumGetUInt64(DirectFunctionCall2(jsonb_hash_extended,
												  JsonbPGetDatum(payload), Int64GetDatum(i + 1)));
	return psprintf("%016llx%016llx", (unsigned long long) h[0], (unsigned long long) h[1]);
}

/*
 * The report
 */
static void
push_problems(OmsJson *j, const OmsIntake *in, const char *key, bool warnings)
{
	oms_json_array(j, key);
	for (int i = 0; i < in->nproblems; i++)
	{
		const OmsProblem *p = &in->problems[i];

		if (p->warning != warnings)
			continue;
		oms_json_object(j, NULL);
		oms_json_str(j, "field", p->field);
		oms_json_str(j, "problem", p->what);
		if (p->source)
			oms_json_str(j, "source", p->source);
		if (p->value && !p->personal)
			oms_json_str(j, "value", p->value);
		oms_json_close_object(j);
	}
	oms_json_close_array(j);
}

/* Names of an object of ours, as an array. */
static void
push_names(OmsJson *j, const char *key, Jsonb *object)
{
	JsonbIterator *it;
	JsonbIteratorToken token;
	JsonbValue	v;

	oms_json_array(j, key);
	if (object)
	{
		it = JsonbIteratorInit(&object->root);
		while ((token = JsonbIteratorNext(&it, &v, true)) != WJB_DONE)
			if (token == WJB_KEY)
				pushJsonbValue(&j->state, WJB_ELEM, &v);
	}
	oms_json_close_array(j);
}

static void
push_report(OmsJson *j, const OmsIntake *in)
{
	oms_json_object(j, "intake");
	oms_json_str(j, "external_id", in->external_id);
	oms_json_str(j, "map", in->map);
	oms_json_str(j, "version", in->version);
	push_names(j, "unknown", in->extra);
	oms_json_int(j, "dropped", in->dropped);
	push_problems(j, in, "warnings", true);
	if (in->nerrors > 0)
		push_problems(j, in, "problems", false);
	oms_json_close_object(j);
}

static void
refuse(const Run *run)
{
	const OmsIntake *in = &run->in;
	const OmsProblem *first = NULL;
	StringInfoData all;

	initStringInfo(&all);
	for (int i = 0; i < in->nproblems; i++)
	{
		const OmsProblem *p = &in->problems[i];

		if (p->warning)
			continue;
		if (first == NULL)
			first = p;
		appendStringInfo(&all, "%s%s %s", all.len ? "; " : "", p->field, p->what);
		if (p->value && !p->personal)
			appendStringInfo(&all, ", it is \"%s\"", p->value);
		if (p->source)
			appendStringInfo(&all, " (%s)", p->source);
	}
	ereport(ERROR,
			(errcode(ERRCODE_OMS_INTAKE_PAYLOAD),
			 errmsg("payload of channel \"%s\"%s cannot be taken: %s %s", run->channel->code,
					in->external_id ? psprintf(", order \"%s\",", in->external_id) : "",
					first->field, first->what),
			 errdetail("%s.", all.data),
			 errhint("Correct the payload, or the fields of map \"%s\" version \"%s\" (oms.intake_field, oms.intake_value).",
					 in->map, in->version)));
}

/*
 * Capture
 */
static int64
order_of(const Run *run)
{
	Datum		values[3] = {
		Int32GetDatum(run->channel->company_id),
		Int32GetDatum(run->channel->channel_id), oms_text(run->in.external_id)
	};
	int64		order_id = 0;

	if (run->in.external_id == NULL)
		return 0;
	oms_spi_connect();
	if (oms_find(&order_plan, values, NULL) > 0)
		order_id = oms_int8(0, 1);
	oms_spi_finish();
	return order_id;
}

/* The same number came before and said something else: what. */
static void
check_conflict(Run *run)
{
	MemoryContext caller = CurrentMemoryContext;
	Datum		values[3] = {
		Int32GetDatum(run->channel->company_id),
		Int32GetDatum(run->channel->channel_id), oms_text(run->in.external_id)
	};
	int64		order_id = 0;
	Jsonb	   *before = NULL;

	oms_spi_connect();
	oms_find(&before_plan, values, NULL);
	for (uint64 i = 0; i < SPI_processed; i++)
	{
		const char *status = oms_cstr(i, 3);
		bool		isnull;
		Datum		d = oms_datum(i, 2, &isnull);

		if (strcmp(status, "refused") == 0)
			run->refused_before = true;
		if (strcmp(status, "captured") == 0 && !isnull)
		{
			MemoryContext spi = MemoryContextSwitchTo(caller);

			before = DatumGetJsonbPCopy(d);
			MemoryContextSwitchTo(spi);
			order_id = oms_int8(i, 1);
		}
	}
	oms_spi_finish();
	if (before && compareJsonbContainers(&before->root, &run->in.document->root) != 0)
		ereport(ERROR,
				(errcode(ERRCODE_OMS_CONFLICTING_DUPLICATE),
				 errmsg("order \"%s\" of channel \"%s\" came before with another content",
						run->in.external_id, run->channel->code),
				 errdetail("It is order " INT64_FORMAT " here. Different: %s.", order_id,
						   oms_intake_diff(before, run->in.document)),
				 errhint("Changes of an order are calls of their own (oms.amend_lines, oms.cancel_order, oms.pay_order, ...).")));
}

static void
refuse_unread(const Run *run)
{
	ereport(ERROR,
			(errcode(ERRCODE_OMS_INTAKE_PAYLOAD),
			 errmsg("order \"%s\" of channel \"%s\" cannot be taken: %s", run->in.external_id,
					run->channel->code, run->because),
			 errdetail("An order without one of its rows would be wrong."),
			 errhint("Correct the file and send the order again.")));
}

static void
take(void *arg)
{
	Run		   *run = arg;
	const OmsIntakeChannel *c = run->channel;
	const OmsMap *map;
	JsonbValue	v;

	if (run->because)
		refuse_unread(run);
	map = oms_intake_map(c->map, c->version, run->payload, run->at);
	oms_intake_order(map, c->company_id, c->company, c->code,
					 c->price_includes_tax, run->payload, &run->in);
	/* of a file one of whose rows was bad: not even when tried again */
	if (map->ncsv > 0 && run->in.external_id &&
		getKeyJsonValueFromContainer(&run->payload->root, "bad", 3, &v) && v.type == jbvString)
	{
		run->because = pnstrdup(v.val.string.val, v.val.string.len);
		refuse_unread(run);
	}
	if (run->in.ignored)
	{
		run->status = "ignored";
		run->order_id = order_of(run);
		return;
	}
	if (run->in.nerrors > 0)
		refuse(run);
	check_conflict(run);
	run->answer = run->bulk ? oms_capture(run->in.document, run->at) :
		oms_capture_here(run->in.document, run->at);
	run->status = "captured";
	if (getKeyJsonValueFromContainer(&run->answer->root, "duplicate", 9, &v) &&
		v.type == jbvBool && v.val.boolean)
		run->status = "duplicate";
	if (getKeyJsonValueFromContainer(&run->answer->root, "order_id", 8, &v) && v.type == jbvNumeric)
		run->order_id = DatumGetInt64(DirectFunctionCall1(numeric_int8, NumericGetDatum(v.val.numeric)));
}

static Jsonb *
problems_of(const OmsIntake *in, const ErrorData *err)
{
	OmsJson		j;

	if (in->nproblems == 0 && err == NULL)
		return NULL;
	oms_json_begin(&j);
	if (err)
	{
		oms_json_str(&j, "sqlstate", unpack_sql_state(err->sqlerrcode));
		oms_json_str(&j, "message", err->message);
		oms_json_str(&j, "detail", err->detail);
		oms_json_str(&j, "hint", err->hint);
	}
	if (in->nerrors > 0)
		push_problems(&j, in, "problems", false);
	push_problems(&j, in, "warnings", true);
	return oms_json_end(&j);
}

/* Keeps the payload with what became of it; its number. */
static int64
keep(const Run *run, const ErrorData *err)
{
	const OmsIntake *in = &run->in;
	Jsonb	   *problems = problems_of(in, err);
	char	   *hash = payload_hash(run->payload);
	const char *reason = err ? pstrdup(unpack_sql_state(err->sqlerrcode)) : in->ignored;
	int64		message_id = oms_next("intake_message_message_id_seq");
	Datum		v[14];
	char		nulls[15] = "              ";

#define PUT(i, d, is) (v[i] = (d), nulls[i] = (is) ? ' ' : 'n')
#define JSON(j) ((j) ? JsonbPGetDatum(j) : (Datum) 0)
	PUT(0, Int32GetDatum(run->channel->company_id), true);
	PUT(1, Int64GetDatum(message_id), true);
	PUT(2, Int32GetDatum(run->channel->channel_id), true);
	PUT(3, oms_text(hash), true);
	PUT(4, oms_text(in->external_id), in->external_id);
	PUT(5, oms_text(run->status), true);
	PUT(6, oms_text(reason), reason);
	PUT(7, Int64GetDatum(run->order_id), run->order_id != 0);
	PUT(8, oms_text(in->map), in->map);
	PUT(9, oms_text(in->version), in->version);
	PUT(10, JsonbPGetDatum(run->payload), true);
	PUT(11, JSON(in->document), in->document);
	PUT(12, JSON(in->extra), in->extra);
	PUT(13, JSON(problems), problems);
	oms_spi_connect();
	if (!oms_insert(&insert_plan, v, nulls))
	{
		Datum		key[3] = {v[0], v[2], v[3]};

		/* it is there: it changes only from refused or ignored */
		memmove(&v[1], &v[2], sizeof(Datum) * 8);
		memmove(&nulls[1], &nulls[2], 8);
		memmove(&v[9], &v[11], sizeof(Datum) * 3);
		memmove(&nulls[9], &nulls[11], 3);
		nulls[12] = '\0';
		if (oms_exec(&again_plan, v, nulls, false, 0) > 0 && err == NULL)
		{
			Datum		text = oms_text(JsonbToCString(NULL, &run->payload->root, VARSIZE(run->payload)));

			oms_exec(&resolve_plan, &text, NULL, false, 0);
		}
		message_id = oms_find(&number_plan, key, NULL) > 0 ? oms_int8(0, 1) : 0;
	}
	if (run->refused_before && err == NULL)
	{
		v[1] = Int32GetDatum(run->channel->channel_id);
		v[2] = oms_text(in->external_id);
		v[3] = Int64GetDatum(run->order_id);
		oms_exec(&replaced_plan, v, NULL, false, 0);
	}
	oms_spi_finish();
	return message_id;
}

/* The capture's answer with the report. */
static Jsonb *
answer(const Run *run, int64 message_id)
{
	OmsJson		j;

	oms_json_begin(&j);
	if (run->answer == NULL)
	{
		oms_json_str(&j, "status", run->status);
		oms_json_str(&j, "reason", run->in.ignored);
		if (run->order_id != 0)
			oms_json_int(&j, "order_id", run->order_id);
	}
	oms_json_int(&j, "message_id", message_id);
	push_report(&j, &run->in);
	if (run->answer == NULL)
		return oms_json_end(&j);
	return DatumGetJsonbP(DirectFunctionCall2(jsonb_concat, JsonbPGetDatum(run->answer),
											  JsonbPGetDatum(oms_json_end(&j))));
}

/* Keeps what was refused, also where people look for what was refused. */
static int64
keep_refused(Run *run, const ErrorData *err)
{
	int64		message_id;
	OmsJson		j;

	run->status = "refused";
	message_id = keep(run, err);
	oms_reject(run->channel->company_id, "capture_from", run->in.external_id,
			   JsonbToCString(NULL, &run->payload->root, VARSIZE(run->payload)), err);
	oms_json_begin(&j);
	oms_json_str(&j, "channel", run->channel->code);
	oms_json_str(&j, "external_id", run->in.external_id);
	oms_json_str(&j, "sqlstate", unpack_sql_state(err->sqlerrcode));
	oms_event(run->channel->company_id, "intake", message_id, "intake.refused", oms_json_end(&j));
	return message_id;
}

PG_FUNCTION_INFO_V1(oms_capture_from);

/* oms.capture_from(channel, payload, at, company) */
Datum
oms_capture_from(PG_FUNCTION_ARGS)
{
	OmsIntakeChannel channel;
	Run			run = {0};

	oms_intake_channel(fcinfo, 0, 3, &channel);
	oms_require_arg(fcinfo, 1, "payload");
	run.channel = &channel;
	run.payload = PG_GETARG_JSONB_P(1);
	run.at = at_arg(fcinfo, 2);
	take(&run);
	PG_RETURN_JSONB_P(answer(&run, keep(&run, NULL)));
}

void
oms_intake_one(const OmsIntakeChannel *channel, Jsonb *payload, TimestampTz at,
			   const char *because, const char *external_id,
			   Datum *values, bool *nulls)
{
	Run			run = {0};
	ErrorData  *err;
	int64		message_id;
	bool		ok;

	run.channel = channel;
	run.payload = payload;
	run.at = at;
	run.bulk = true;
	run.because = because;
	run.in.external_id = external_id ? pstrdup(external_id) : NULL;
	ok = oms_try(take, &run, &err);
	message_id = ok ? keep(&run, NULL) : keep_refused(&run, err);
	values[1] = BoolGetDatum(ok);
	values[2] = oms_text(run.in.external_id);
	values[3] = oms_text(run.status);
	values[4] = Int64GetDatum(message_id);
	nulls[1] = nulls[3] = nulls[4] = false;
	nulls[2] = run.in.external_id == NULL;
	nulls[5] = !ok;
	nulls[6] = nulls[7] = ok;
	if (ok)
		values[5] = JsonbPGetDatum(answer(&run, message_id));
	else
	{
		values[6] = CStringGetTextDatum(unpack_sql_state(err->sqlerrcode));
		values[7] = CStringGetTextDatum(err->message);
	}
}

PG_FUNCTION_INFO_V1(oms_capture_many_from);

/* oms.capture_many_from(channel, payloads, at, company) */
Datum
oms_capture_many_from(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
	MemoryContext loop = AllocSetContextCreate(CurrentMemoryContext,
											   "oms capture_many_from",
											   ALLOCSET_DEFAULT_SIZES);
	OmsIntakeChannel channel;
	Jsonb	   *payloads;
	TimestampTz at = at_arg(fcinfo, 2);
	int			n;

	oms_intake_channel(fcinfo, 0, 3, &channel);
	oms_require_arg(fcinfo, 1, "payloads");
	payloads = PG_GETARG_JSONB_P(1);
	if (!JB_ROOT_IS_ARRAY(payloads) || JB_ROOT_IS_SCALAR(payloads))
		ereport(ERROR,
				(errcode(ERRCODE_OMS_INVALID_DOCUMENT),
				 errmsg("payloads is not an array"),
				 errdetail("Argument payloads."),
				 errhint("Put the payloads into a JSON array, or call oms.capture_from for one.")));
	InitMaterializedSRF(fcinfo, 0);
	n = JB_ROOT_COUNT(payloads);
	for (int i = 0; i < n; i++)
	{
		MemoryContext old = MemoryContextSwitchTo(loop);
		Datum		values[8] = {0};
		bool		nulls[8] = {0};

		CHECK_FOR_INTERRUPTS();
		values[0] = Int32GetDatum(i + 1);
		oms_intake_one(&channel, JsonbValueToJsonb(getIthJsonbValueFromContainer(&payloads->root, i)),
					   at, NULL, NULL, values, nulls);
		tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, values, nulls);
		MemoryContextSwitchTo(old);
		MemoryContextReset(loop);
	}
	MemoryContextDelete(loop);
	return (Datum) 0;
}

PG_FUNCTION_INFO_V1(oms_intake_retry);

/* oms.intake_retry(message_id, at, company) */
Datum
oms_intake_retry(PG_FUNCTION_ARGS)
{
	MemoryContext caller = CurrentMemoryContext;
	MemoryContext spi;
	int32		company_id;
	int64		message_id = oms_id_arg(fcinfo, 0, "message_id");
	OmsIntakeChannel channel;
	Run			run = {0};
	ErrorData  *err;
	Datum		values[2];
	char	   *status;
	char	   *code;
	bool		isnull;
	Datum		d;
	OmsJson		j;

	oms_require_installed();
	company_id = oms_company_id_now(oms_stock_text_arg(fcinfo, 2));
	values[0] = Int32GetDatum(company_id);
	values[1] = Int64GetDatum(message_id);
	oms_spi_connect();
	if (oms_exec(&retry_plan, values, NULL, false, 0) == 0)
		ereport(ERROR,
				(errcode(ERRCODE_OMS_UNKNOWN_REFERENCE),
				 errmsg("message " INT64_FORMAT " does not exist", message_id),
				 errhint("What channels sent are the rows of oms.intake_message.")));
	status = oms_strdup(caller, oms_cstr(0, 1));
	run.order_id = oms_int8(0, 2);
	d = oms_datum(0, 3, &isnull);
	spi = MemoryContextSwitchTo(caller);
	run.payload = DatumGetJsonbPCopy(d);
	MemoryContextSwitchTo(spi);
	code = oms_strdup(caller, oms_cstr(0, 4));
	oms_spi_finish();
	if (strcmp(status, "captured") == 0 || strcmp(status, "duplicate") == 0)
	{
		oms_json_begin(&j);
		oms_json_str(&j, "status", status);
		oms_json_int(&j, "order_id", run.order_id);
		oms_json_bool(&j, "duplicate", true);
		oms_json_int(&j, "message_id", message_id);
		PG_RETURN_JSONB_P(oms_json_end(&j));
	}
	run.order_id = 0;
	find_channel(company_id, code, &channel);
	run.channel = &channel;
	run.at = at_arg(fcinfo, 1);
	run.bulk = true;
	if (oms_try(take, &run, &err))
		PG_RETURN_JSONB_P(answer(&run, keep(&run, NULL)));
	keep_refused(&run, err);
	oms_json_begin(&j);
	oms_json_str(&j, "status", "refused");
	oms_json_int(&j, "message_id", message_id);
	oms_json_str(&j, "sqlstate", unpack_sql_state(err->sqlerrcode));
	oms_json_str(&j, "message", err->message);
	oms_json_str(&j, "detail", err->detail);
	push_report(&j, &run.in);
	PG_RETURN_JSONB_P(oms_json_end(&j));
}

PG_FUNCTION_INFO_V1(oms_intake_document);

/* oms.intake_document(channel, payload, at, company) */
Datum
oms_intake_document(PG_FUNCTION_ARGS)
{
	OmsIntakeChannel channel;
	OmsIntake	in = {0};
	const OmsMap *map;
	Jsonb	   *payload;
	OmsJson		j;
	JsonbValue	v;

	oms_intake_channel(fcinfo, 0, 3, &channel);
	oms_require_arg(fcinfo, 1, "payload");
	payload = PG_GETARG_JSONB_P(1);
	map = oms_intake_map(channel.map, channel.version, payload, at_arg(fcinfo, 2));
	oms_intake_order(map, channel.company_id, channel.company, channel.code,
					 channel.price_includes_tax, payload, &in);
	oms_json_begin(&j);
	if (in.document)
	{
		v.type = jbvString;
		v.val.string.val = "document";
		v.val.string.len = 8;
		pushJsonbValue(&j.state, WJB_KEY, &v);
		v.type = jbvBinary;
		v.val.binary.data = &in.document->root;
		v.val.binary.len = VARSIZE(in.document) - VARHDRSZ;
		pushJsonbValue(&j.state, WJB_VALUE, &v);
	}
	else
		oms_json_str(&j, "document", NULL);
	if (in.ignored)
		oms_json_str(&j, "reason", in.ignored);
	push_report(&j, &in);
	PG_RETURN_JSONB_P(oms_json_end(&j));
}
