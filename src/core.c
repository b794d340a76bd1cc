/*
 * core.c
 *	  Floor 0: saved plans, row access, exact amounts, events, status moves.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/xact.h"
#include "catalog/namespace.h"
#include "catalog/pg_type.h"
#include "fmgr.h"
#include "nodes/parsenodes.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/numeric.h"
#include "utils/plancache.h"
#include "utils/resowner.h"
#include "utils/snapmgr.h"

#include "compat.h"
#include "core.h"
#include "core_find.h"
#include "core_memo.h"
#include "core_rows.h"

/* Largest value of numeric(14,2) in paise and numeric(14,3) in thousandths */
#define OMS_AMOUNT_LIMIT INT64CONST(99999999999999)

static char *oms_company = NULL;

static int64 numeric_to_scaled(Datum num, int64 scale, const char *type);

void
oms_core_init(void)
{
	DefineCustomStringVariable("oms.company",
							   "Code of the company that calls work for.",
							   "Empty: the only company, or the one the document names.",
							   &oms_company, "",
							   PGC_USERSET, 0, NULL, NULL, NULL);
}

void
oms_spi_connect(void)
{
	int			rc = SPI_connect();

	if (rc != SPI_OK_CONNECT)
		elog(ERROR, "SPI_connect failed: %s", SPI_result_code_string(rc));
}

void
oms_spi_finish(void)
{
	int			rc = SPI_finish();

	if (rc != SPI_OK_FINISH)
		elog(ERROR, "SPI_finish failed: %s", SPI_result_code_string(rc));
}

int
oms_path_begin(void)
{
	int			level = NewGUCNestLevel();

	(void) set_config_option("search_path", "pg_catalog, pg_temp",
							 PGC_USERSET, PGC_S_SESSION, GUC_ACTION_SAVE,
							 true, 0, false);
	return level;
}

void
oms_path_end(int level)
{
	AtEOXact_GUC(true, level);
}

static SPIPlanPtr
saved_plan(OmsPlan *p)
{
	if (p->plan == NULL)
	{
		/*
		 * Generic plans: these are look-ups by key, and planning one anew at
		 * every call costs more than running it.
		 */
		SPIPlanPtr	plan = SPI_prepare_cursor(p->sql, p->nargs, p->types,
											  CURSOR_OPT_GENERIC_PLAN);

		if (plan == NULL)
			elog(ERROR, "could not prepare \"%s\": %s", p->sql,
				 SPI_result_code_string(SPI_result));
		SPI_keepplan(plan);
		p->plan = plan;			/* last: an error before leaves it NULL */
	}
	return p->plan;
}

/* Would the server plan it now, at first use or since something changed? */
static bool
to_be_planned(SPIPlanPtr plan)
{
	CachedPlanSource *source = linitial(SPI_plan_get_plan_sources(plan));

	/* LOCK TABLE and the like have no search path, and nothing to plan */
	return !source->is_valid ||
		(source->search_path != NULL &&
		 (source->gplan == NULL || !source->gplan->is_valid ||
		  !oms_search_path_matches(source->search_path)));
}

/*
 * A generic plan is kept for as long as its session or worker lives, and may
 * be made when the tables hold next to nothing: a sequential scan is best
 * then, and ruinous a thousand orders later, until ANALYZE comes round.  So
 * the planner is kept from them, for this one plan: nothing is run under the
 * settings, and an error undoes them with its (sub)transaction.  Where there
 * is no index, a scan is what is left, at a cost that must not be taken for a
 * reason to compile it.
 */
static void
plan_with_indexes(SPIPlanPtr plan)
{
	int			level = NewGUCNestLevel();
	CachedPlan *cached;

	(void) set_config_option("enable_seqscan", "off", PGC_USERSET,
							 PGC_S_SESSION, GUC_ACTION_SAVE, true, 0, false);
	(void) set_config_option("jit", "off", PGC_USERSET,
							 PGC_S_SESSION, GUC_ACTION_SAVE, true, 0, false);
	cached = SPI_plan_get_cached_plan(plan);
	if (cached != NULL)
		ReleaseCachedPlan(cached, CurrentResourceOwner);
	AtEOXact_GUC(true, level);
}

uint64
oms_exec(OmsPlan *p, Datum *values, const char *nulls, bool read_only,
		 long limit)
{
	SPIPlanPtr	plan = saved_plan(p);
	int			rc;

	if (to_be_planned(plan))
		plan_with_indexes(plan);
	rc = SPI_execute_plan(plan, values, nulls, read_only, limit);
	if (rc < 0)
		elog(ERROR, "could not execute \"%s\": %s", p->sql,
			 SPI_result_code_string(rc));
	return SPI_processed;
}

Datum
oms_datum(uint64 row, int col, bool *isnull)
{
	OmsRows    *own = oms_own_rows(SPI_tuptable);

	Assert(row < SPI_processed);
	if (own && own->values)
	{
		uint64		at = row * own->table.tupdesc->natts + col - 1;

		Assert(col >= 1 && col <= own->table.tupdesc->natts);
		*isnull = own->nulls[at];
		return own->values[at];
	}
	return SPI_getbinval(SPI_tuptable->vals[row], SPI_tuptable->tupdesc, col,
						 isnull);
}

bool
oms_isnull(uint64 row, int col)
{
	bool		isnull;

	(void) oms_datum(row, col, &isnull);
	return isnull;
}

int32
oms_int4(uint64 row, int col)
{
	bool		isnull;
	Datum		d = oms_datum(row, col, &isnull);

	Assert(SPI_gettypeid(SPI_tuptable->tupdesc, col) == INT4OID);
	return isnull ? 0 : DatumGetInt32(d);
}

int64
oms_int8(uint64 row, int col)
{
	bool		isnull;
	Datum		d = oms_datum(row, col, &isnull);

	Assert(SPI_gettypeid(SPI_tuptable->tupdesc, col) == INT8OID);
	return isnull ? 0 : DatumGetInt64(d);
}

double
oms_float8(uint64 row, int col)
{
	bool		isnull;
	Datum		d = oms_datum(row, col, &isnull);

	Assert(SPI_gettypeid(SPI_tuptable->tupdesc, col) == FLOAT8OID);
	return isnull ? 0 : DatumGetFloat8(d);
}

bool
oms_bool(uint64 row, int col)
{
	bool		isnull;
	Datum		d = oms_datum(row, col, &isnull);

	Assert(SPI_gettypeid(SPI_tuptable->tupdesc, col) == BOOLOID);
	return !isnull && DatumGetBool(d);
}

char *
oms_cstr(uint64 row, int col)
{
	Oid			type = TupleDescAttr(SPI_tuptable->tupdesc, col - 1)->atttypid;

	/* what their output functions do, without looking these up */
	if (type == TEXTOID || type == VARCHAROID)
	{
		bool		isnull;
		Datum		d = oms_datum(row, col, &isnull);

		return isnull ? NULL : TextDatumGetCString(d);
	}
	return SPI_getvalue(SPI_tuptable->vals[row], SPI_tuptable->tupdesc, col);
}

int64
oms_paise(uint64 row, int col)
{
	bool		isnull;
	Datum		d = oms_datum(row, col, &isnull);

	Assert(SPI_gettypeid(SPI_tuptable->tupdesc, col) == NUMERICOID);
	return isnull ? 0 : oms_numeric_to_paise(d);
}

int64
oms_milli(uint64 row, int col)
{
	bool		isnull;
	Datum		d = oms_datum(row, col, &isnull);

	Assert(SPI_gettypeid(SPI_tuptable->tupdesc, col) == NUMERICOID);
	return isnull ? 0 : oms_numeric_to_milli(d);
}

TimestampTz
oms_time(uint64 row, int col)
{
	bool		isnull;
	Datum		d = oms_datum(row, col, &isnull);

	Assert(SPI_gettypeid(SPI_tuptable->tupdesc, col) == TIMESTAMPTZOID);
	return isnull ? 0 : DatumGetTimestampTz(d);
}

/*
 * Of numbers in the ordinary range with no more decimals than asked for, the
 * value straight from the stored digits (numeric.c: base 10,000, header of
 * one or two words).  False: take the long way.
 */
static bool
scaled_from_digits(Datum num, int64 scale, int64 *result)
{
	struct varlena *v = PG_DETOAST_DATUM_PACKED(num);
	const char *bytes = VARDATA_ANY(v);
	int			nwords = VARSIZE_ANY_EXHDR(v) / sizeof(uint16);
	uint16		w[8];
	int			weight;
	bool		negative;
	int			at = 1;
	int64		value = 0;
	int64		unit = scale;	/* of the digit after the last one read */

	if (nwords < 1 || nwords > lengthof(w))
		return false;
	memcpy(w, bytes, nwords * sizeof(uint16));
	switch (w[0] & 0xC000)
	{
		case 0x8000:			/* short */
			negative = (w[0] & 0x2000) != 0;
			weight = (w[0] & 0x0040 ? ~0x003F : 0) | (w[0] & 0x003F);
			break;
		case 0xC000:			/* NaN, infinity */
			return false;
		default:
			if (nwords < 2)
				return false;
			negative = (w[0] & 0x4000) != 0;
			weight = (int16) w[1];
			at = 2;
			break;
	}
	if (at == nwords)
	{
		*result = 0;
		return true;
	}
	if (weight > 2 || weight < -1)
		return false;
	for (int i = weight; i > 0; i--)
		unit *= 10000;
	for (; at < nwords; at++, weight--)
	{
		if (weight >= 0)
		{
			value += w[at] * unit;
			unit /= 10000;
		}
		else if (weight == -1 && w[at] % (10000 / scale) == 0)
			value += w[at] / (10000 / scale);
		else
			return false;
	}
	if (value > OMS_AMOUNT_LIMIT)
		return false;
	*result = negative ? -value : value;
	return true;
}

/* numeric * scale, rounded half away from zero, within the column's range */
static int64
numeric_to_scaled(Datum num, int64 scale, const char *type)
{
	int64		fast;
	Numeric		n;
	Numeric		scaled;
	Datum		limit;

	if (scaled_from_digits(num, scale, &fast))
		return fast;
	n = DatumGetNumeric(num);
	if (numeric_is_nan(n) || numeric_is_inf(n))
		ereport(ERROR,
				(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
				 errmsg("amount is not a number")));
	scaled = numeric_mul_opt_error(n, int64_to_numeric(scale), NULL);
	limit = NumericGetDatum(int64_to_numeric(OMS_AMOUNT_LIMIT));
	if (DatumGetBool(DirectFunctionCall2(numeric_gt,
										 DirectFunctionCall1(numeric_abs, NumericGetDatum(scaled)),
										 limit)))
		ereport(ERROR,
				(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
				 errmsg("amount out of range"),
				 errdetail("%s does not fit %s.",
						   DatumGetCString(DirectFunctionCall1(numeric_out, num)),
						   type)));
	return DatumGetInt64(DirectFunctionCall1(numeric_int8,
											 NumericGetDatum(scaled)));
}

int64
oms_numeric_to_paise(Datum num)
{
	return numeric_to_scaled(num, 100, "numeric(14,2)");
}

int64
oms_numeric_to_milli(Datum num)
{
	return numeric_to_scaled(num, 1000, "numeric(14,3)");
}

static int64
exact_arg(Datum num, int64 scale, const char *name)
{
	int64		value;

	if (!scaled_from_digits(num, scale, &value))
		ereport(ERROR,
				(errcode(ERRCODE_OMS_INVALID_DOCUMENT),
				 errmsg("%s must be a number with at most %s decimals",
						name, scale == 100 ? "two" : "three"),
				 errdetail("Argument %s is %s.", name,
						   DatumGetCString(DirectFunctionCall1(numeric_out, num))),
				 errhint("Round it; numbers have at most %d digits before the point.",
						 scale == 100 ? 12 : 11)));
	return value;
}

void
oms_require_arg(FunctionCallInfo fcinfo, int arg, const char *name)
{
	if (PG_ARGISNULL(arg))
		ereport(ERROR,
				(errcode(ERRCODE_OMS_INVALID_DOCUMENT),
				 errmsg("%s is null", name),
				 errdetail("Argument %s.", name),
				 errhint("State it: there is no default.")));
}

int64
oms_id_arg(FunctionCallInfo fcinfo, int arg, const char *name)
{
	oms_require_arg(fcinfo, arg, name);
	return PG_GETARG_INT64(arg);
}

int32
oms_limit_arg(FunctionCallInfo fcinfo, int arg, const char *name,
			  int32 if_null)
{
	int32		limit = PG_ARGISNULL(arg) ? if_null : PG_GETARG_INT32(arg);

	if (limit < 0)
		ereport(ERROR,
				(errcode(ERRCODE_OMS_INVALID_DOCUMENT),
				 errmsg("%s is below zero", name),
				 errdetail("Argument %s is %d.", name, limit),
				 errhint("It says how many are looked at, at most; 0 is none.")));
	return limit;
}

int64
oms_paise_arg(Datum num, const char *name)
{
	return exact_arg(num, 100, name);
}

int64
oms_milli_arg(Datum num, const char *name)
{
	return exact_arg(num, 1000, name);
}

Datum
oms_paise_numeric(int64 paise)
{
	return NumericGetDatum(int64_div_fast_to_numeric(paise, 2));
}

Datum
oms_milli_numeric(int64 milli)
{
	return NumericGetDatum(int64_div_fast_to_numeric(milli, 3));
}

int64
oms_muldiv(int64 a, int64 b, int64 c)
{
	int128		product = (int128) a * (int128) b;
	int128		magnitude = product < 0 ? -product : product;
	int128		result;

	Assert(c > 0);
	result = magnitude / c;
	if ((magnitude % c) * 2 >= c)
		result++;
	if (product < 0)
		result = -result;
	if (result > PG_INT64_MAX || result < PG_INT64_MIN)
		ereport(ERROR,
				(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
				 errmsg("amount out of range")));
	return (int64) result;
}

Datum
oms_text(const char *s)
{
	return s ? CStringGetTextDatum(s) : (Datum) 0;
}

Datum
oms_int4_array(const int32 *v, int n)
{
	Datum	   *d = palloc(sizeof(Datum) * Max(n, 1));

	for (int i = 0; i < n; i++)
		d[i] = Int32GetDatum(v[i]);
	return PointerGetDatum(construct_array(d, n, INT4OID, 4, true,
										   TYPALIGN_INT));
}

Datum
oms_int8_array(const int64 *v, int n)
{
	Datum	   *d = palloc(sizeof(Datum) * Max(n, 1));

	for (int i = 0; i < n; i++)
		d[i] = Int64GetDatum(v[i]);
	return PointerGetDatum(construct_array(d, n, INT8OID, 8, FLOAT8PASSBYVAL,
										   TYPALIGN_DOUBLE));
}

Datum
oms_text_array(const char *const *v, int n)
{
	Datum	   *d = palloc(sizeof(Datum) * Max(n, 1));

	for (int i = 0; i < n; i++)
		d[i] = CStringGetTextDatum(v[i]);
	return PointerGetDatum(construct_array(d, n, TEXTOID, -1, false,
										   TYPALIGN_INT));
}

char *
oms_strdup(MemoryContext cxt, const char *s)
{
	return s ? MemoryContextStrdup(cxt, s) : NULL;
}

static OmsPlan event_plan = {
	"INSERT INTO oms.event (company_id, topic, subject_id, type, payload, created_at)"
	" VALUES ($1, $2, $3, $4, $5, $6)",
	6, {INT4OID, TEXTOID, INT8OID, TEXTOID, JSONBOID, TIMESTAMPTZOID}, NULL
};

void		(*oms_event_written) (int32 company_id, const char *topic,
								  int64 subject_id, const char *type) = NULL;

void
oms_event(int32 company_id, const char *topic, int64 subject_id,
		  const char *type, Jsonb *payload)
{
	Datum		values[6] = {
		Int32GetDatum(company_id), oms_text(topic), Int64GetDatum(subject_id),
		oms_text(type), (Datum) 0,
		TimestampTzGetDatum(GetCurrentTransactionStartTimestamp())
	};
	OmsJson		none;

	if (payload == NULL)
	{
		oms_json_begin(&none);
		payload = oms_json_end(&none);
	}
	values[4] = JsonbPGetDatum(payload);
	oms_spi_connect();
	oms_insert(&event_plan, values, NULL);
	if (oms_event_written)
		oms_event_written(company_id, topic, subject_id, type);
	oms_spi_finish();
}

void
oms_require_installed(void)
{
	Oid			nsp = get_namespace_oid("oms", true);

	if (!OidIsValid(nsp) || !OidIsValid(get_relname_relid("meta", nsp)))
		ereport(ERROR,
				(errcode(ERRCODE_OMS_NOT_INSTALLED),
				 errmsg("pg_oms has no tables in this database yet"),
				 errhint("Call oms.install(), or oms.attach_erp() which calls it.")));
}

static OmsPlan move_plan = {
	"SELECT 1 FROM oms.status_move"
	" WHERE entity OPERATOR(pg_catalog.=) $1"
	" AND from_status OPERATOR(pg_catalog.=) $2"
	" AND to_status OPERATOR(pg_catalog.=) $3",
	3, {TEXTOID, TEXTOID, TEXTOID}, NULL
};

bool
oms_move_allowed(const char *entity, const char *from, const char *to)
{
	Datum		values[3] = {oms_text(entity), oms_text(from), oms_text(to)};
	bool		allowed;

	oms_spi_connect();
	allowed = oms_exec(&move_plan, values, NULL, true, 1) > 0;
	oms_spi_finish();
	return allowed;
}

void
oms_check_move(const char *entity, const char *from, const char *to,
			   const char *what)
{
	if (!oms_move_allowed(entity, from, to))
		ereport(ERROR,
				(errcode(ERRCODE_OMS_STATUS_MOVE),
				 errmsg("%s cannot go from \"%s\" to \"%s\"", what, from, to),
				 errhint("The moves allowed are the rows of oms.status_move for \"%s\".",
						 entity)));
}

static OmsPlan company_by_code = {
	"SELECT company_id FROM oms.company WHERE code OPERATOR(pg_catalog.=) $1",
	1, {TEXTOID}, NULL
};
static OmsPlan company_only = {
	"SELECT company_id FROM oms.company ORDER BY company_id LIMIT 2", 0, {0}, NULL
};

static int32
company_id_of(const char *code, bool read_only)
{
	int32		company_id;

	if (code == NULL && oms_company && oms_company[0])
		code = oms_company;
	oms_spi_connect();
	if (code)
	{
		Datum		values[1] = {oms_text(code)};

		if (oms_memo(&company_by_code, values, NULL, read_only) == 0)
			ereport(ERROR,
					(errcode(ERRCODE_OMS_UNKNOWN_REFERENCE),
					 errmsg("company \"%s\" does not exist", code),
					 errhint("The companies are the rows of oms.company.")));
	}
	else
	{
		uint64		n = oms_memo(&company_only, NULL, NULL, read_only);

		if (n == 0)
			ereport(ERROR,
					(errcode(ERRCODE_OMS_UNKNOWN_REFERENCE),
					 errmsg("there is no company yet"),
					 errhint("Attach an ERP with oms.attach_erp(), or insert a row into oms.company.")));
		if (n > 1)
			ereport(ERROR,
					(errcode(ERRCODE_OMS_UNKNOWN_REFERENCE),
					 errmsg("there are several companies and none was named"),
					 errhint("Name it in the document, or SET oms.company.")));
	}
	company_id = oms_int4(0, 1);
	oms_spi_finish();
	return company_id;
}

bool
oms_try(void (*fn) (void *arg), void *arg, ErrorData **err)
{
	MemoryContext caller = CurrentMemoryContext;
	ResourceOwner owner = CurrentResourceOwner;
	ErrorData  *volatile caught = NULL;

	BeginInternalSubTransaction(NULL);
	MemoryContextSwitchTo(caller);
	PG_TRY();
	{
		fn(arg);
		ReleaseCurrentSubTransaction();
	}
	PG_CATCH();
	{
		MemoryContextSwitchTo(caller);
		caught = CopyErrorData();
		FlushErrorState();
		RollbackAndReleaseCurrentSubTransaction();
	}
	PG_END_TRY();
	MemoryContextSwitchTo(caller);
	CurrentResourceOwner = owner;
	if (caught == NULL)
		return true;
	if (ERRCODE_TO_CATEGORY(caught->sqlerrcode) == ERRCODE_OPERATOR_INTERVENTION ||
		ERRCODE_TO_CATEGORY(caught->sqlerrcode) == ERRCODE_TRANSACTION_ROLLBACK)
		ReThrowError(caught);
	*err = caught;
	return false;
}

static OmsPlan reject_plan = {
	"INSERT INTO oms.reject AS r (company_id, source, external_ref, document, sqlstate, message, detail, hint, document_hash)"
	" VALUES ($1, $2, $3, $4, $5, $6, $7, $8, pg_catalog.md5($4))"
	" ON CONFLICT (source, document_hash) DO UPDATE SET attempts = r.attempts OPERATOR(pg_catalog.+) 1,"
	" last_at = pg_catalog.now(), resolved_at = NULL, sqlstate = excluded.sqlstate,"
	" message = excluded.message, detail = excluded.detail, hint = excluded.hint",
	8, {INT4OID, TEXTOID, TEXTOID, TEXTOID, TEXTOID, TEXTOID, TEXTOID, TEXTOID}, NULL
};

void
oms_reject(int32 company_id, const char *source, const char *external_ref,
		   const char *document, const ErrorData *err)
{
	Datum		values[8] = {
		Int32GetDatum(company_id), oms_text(source), oms_text(external_ref),
		oms_text(document), oms_text(unpack_sql_state(err->sqlerrcode)),
		oms_text(err->message ? err->message : ""), oms_text(err->detail),
		oms_text(err->hint)
	};
	char		nulls[9] = "        ";

	if (company_id == 0)
		nulls[0] = 'n';
	if (external_ref == NULL)
		nulls[2] = 'n';
	if (err->detail == NULL)
		nulls[6] = 'n';
	if (err->hint == NULL)
		nulls[7] = 'n';
	oms_spi_connect();
	oms_exec(&reject_plan, values, nulls, false, 0);
	oms_spi_finish();
}

/*
 * Building jsonb
 */
static void
json_key(OmsJson *j, const char *key)
{
	JsonbValue	v;

	if (key == NULL)
		return;
	v.type = jbvString;
	v.val.string.val = pstrdup(key);
	v.val.string.len = strlen(key);
	pushJsonbValue(&j->state, WJB_KEY, &v);
}

static void
json_value(OmsJson *j, const char *key, JsonbValue *v)
{
	json_key(j, key);
	pushJsonbValue(&j->state, key ? WJB_VALUE : WJB_ELEM, v);
}

static void
json_numeric(OmsJson *j, const char *key, Datum num)
{
	JsonbValue	v;

	v.type = jbvNumeric;
	v.val.numeric = DatumGetNumeric(num);
	json_value(j, key, &v);
}

void
oms_json_begin(OmsJson *j)
{
	j->state = NULL;
	pushJsonbValue(&j->state, WJB_BEGIN_OBJECT, NULL);
}

void
oms_json_str(OmsJson *j, const char *key, const char *val)
{
	JsonbValue	v;

	if (val == NULL)
		v.type = jbvNull;
	else
	{
		v.type = jbvString;
		v.val.string.val = pstrdup(val);
		v.val.string.len = strlen(val);
	}
	json_value(j, key, &v);
}

void
oms_json_int(OmsJson *j, const char *key, int64 val)
{
	json_numeric(j, key, NumericGetDatum(int64_to_numeric(val)));
}

void
oms_json_float(OmsJson *j, const char *key, double val, int digits)
{
	Datum		num = DirectFunctionCall1(float8_numeric, Float8GetDatum(val));

	json_numeric(j, key, DirectFunctionCall2(numeric_round, num,
											 Int32GetDatum(digits)));
}

void
oms_json_bool(OmsJson *j, const char *key, bool val)
{
	JsonbValue	v;

	v.type = jbvBool;
	v.val.boolean = val;
	json_value(j, key, &v);
}

void
oms_json_paise(OmsJson *j, const char *key, int64 paise)
{
	json_numeric(j, key, oms_paise_numeric(paise));
}

void
oms_json_milli(OmsJson *j, const char *key, int64 milli)
{
	json_numeric(j, key,
				 DirectFunctionCall1(numeric_trim_scale,
									 oms_milli_numeric(milli)));
}

void
oms_json_time(OmsJson *j, const char *key, TimestampTz t)
{
	if (t == 0)
		oms_json_str(j, key, NULL);
	else
		oms_json_str(j, key,
					 DatumGetCString(DirectFunctionCall1(timestamptz_out,
														 TimestampTzGetDatum(t))));
}

void
oms_json_array(OmsJson *j, const char *key)
{
	json_key(j, key);
	pushJsonbValue(&j->state, WJB_BEGIN_ARRAY, NULL);
}

void
oms_json_object(OmsJson *j, const char *key)
{
	json_key(j, key);
	pushJsonbValue(&j->state, WJB_BEGIN_OBJECT, NULL);
}

void
oms_json_close_array(OmsJson *j)
{
	pushJsonbValue(&j->state, WJB_END_ARRAY, NULL);
}

void
oms_json_close_object(OmsJson *j)
{
	pushJsonbValue(&j->state, WJB_END_OBJECT, NULL);
}

Jsonb *
oms_json_end(OmsJson *j)
{
	JsonbValue *v = pushJsonbValue(&j->state, WJB_END_OBJECT, NULL);

	return JsonbValueToJsonb(v);
}

const char *
oms_company_setting(void)
{
	return oms_company ? oms_company : "";
}

int32
oms_company_id(const char *code)
{
	return company_id_of(code, true);
}

int32
oms_company_id_now(const char *code)
{
	return company_id_of(code, false);
}

PG_FUNCTION_INFO_V1(oms_company_id_sql);

Datum
oms_company_id_sql(PG_FUNCTION_ARGS)
{
	oms_require_installed();
	PG_RETURN_INT32(oms_company_id(PG_ARGISNULL(0) ? NULL :
								   text_to_cstring(PG_GETARG_TEXT_PP(0))));
}
