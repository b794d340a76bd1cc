/*
 * core.h
 *	  What every room uses: saved plans, row access, exact amounts, events.
 *
 * Amounts.  Money is int64 paise and quantity int64 thousandths ("milli")
 * in C; numeric in SQL.  No floating point touches either.
 */
#ifndef OMS_CORE_H
#define OMS_CORE_H

#include "executor/spi.h"
#include "utils/jsonb.h"
#include "utils/timestamp.h"

#include "errors.h"

#define OMS_MAX_ARGS 40

/* A statement of ours with its saved plan; declare static, text constant. */
typedef struct OmsPlan
{
	const char *sql;
	int			nargs;
	Oid			types[OMS_MAX_ARGS];
	SPIPlanPtr	plan;			/* NULL until first use */
} OmsPlan;

extern void oms_core_init(void);

/*
 * Connect to SPI.  Rows read live until oms_spi_finish(); what must live on
 * is copied (oms_strdup) into the context the caller names.  Calls nest.
 */
extern void oms_spi_connect(void);
extern void oms_spi_finish(void);

/*
 * Run a saved plan.  "nulls" may be NULL.  read_only exactly when the SQL
 * function is STABLE.  Returns SPI_processed; rows are in SPI_tuptable.
 */
extern uint64 oms_exec(OmsPlan *p, Datum *values, const char *nulls,
					   bool read_only, long limit);

/*
 * SET search_path = pg_catalog, pg_temp of a function that does not have it in
 * SQL because it mostly runs no statement.  An error undoes it.
 */
extern int	oms_path_begin(void);
extern void oms_path_end(int level);

/* Column "col" (from 1) of row "row" (from 0) of SPI_tuptable. */
extern Datum oms_datum(uint64 row, int col, bool *isnull);
extern bool oms_isnull(uint64 row, int col);
extern int32 oms_int4(uint64 row, int col); /* 0 when null */
extern int64 oms_int8(uint64 row, int col); /* 0 when null */
extern double oms_float8(uint64 row, int col);	/* 0 when null */
extern bool oms_bool(uint64 row, int col);	/* false when null */
extern char *oms_cstr(uint64 row, int col); /* palloc'd; NULL when null */
extern int64 oms_paise(uint64 row, int col);	/* numeric column, 0 if null */
extern int64 oms_milli(uint64 row, int col);	/* numeric column, 0 if null */
extern TimestampTz oms_time(uint64 row, int col);	/* 0 when null */

/*
 * Exact amounts.  The to_* functions round half away from zero and raise
 * numeric_value_out_of_range when the value does not fit numeric(14,x).
 */
extern int64 oms_numeric_to_paise(Datum num);
extern int64 oms_numeric_to_milli(Datum num);

/*
 * An argument that a person or program states: nothing is rounded.  More
 * decimals than the unit has, NaN, or a value that does not fit is OM001
 * naming the argument.
 */
extern int64 oms_paise_arg(Datum num, const char *name);
extern int64 oms_milli_arg(Datum num, const char *name);
extern Datum oms_paise_numeric(int64 paise);
extern Datum oms_milli_numeric(int64 milli);

/*
 * Arguments that have no default: INVALID_DOCUMENT naming the one that is
 * null.  A limit ("at most so many") may be 0, but not below.
 */
extern void oms_require_arg(FunctionCallInfo fcinfo, int arg,
							const char *name);
extern int64 oms_id_arg(FunctionCallInfo fcinfo, int arg, const char *name);
extern int32 oms_limit_arg(FunctionCallInfo fcinfo, int arg,
						   const char *name, int32 if_null);

/* a * b / c, rounded half away from zero, 128-bit intermediate; c > 0 */
extern int64 oms_muldiv(int64 a, int64 b, int64 c);

/* text Datum from a C string; (Datum) 0 if NULL (give 'n' in nulls then) */
extern Datum oms_text(const char *s);

/* one-dimensional arrays without nulls */
extern Datum oms_int4_array(const int32 *v, int n);
extern Datum oms_int8_array(const int64 *v, int n);
extern Datum oms_text_array(const char *const *v, int n);

/* Copy a C string into a context that outlives SPI.  NULL gives NULL. */
extern char *oms_strdup(MemoryContext cxt, const char *s);

/*
 * Append an event (audit log and outbox in one) in this transaction; SPI
 * need not be connected.  "payload" may be NULL.  No personal data in it.
 */
extern void oms_event(int32 company_id, const char *topic, int64 subject_id,
					  const char *type, Jsonb *payload);

/* Told of every event that oms_event() writes; SPI is connected.  Or NULL. */
extern void (*oms_event_written) (int32 company_id, const char *topic,
								  int64 subject_id, const char *type);

/* Raise ERRCODE_OMS_NOT_INSTALLED unless oms.install() has been run. */
extern void oms_require_installed(void);

/*
 * The allowed moves of oms.status_move.  oms_check_move raises
 * ERRCODE_OMS_STATUS_MOVE naming both states; "what" names the thing, as in
 * "allocation 17".
 */
extern bool oms_move_allowed(const char *entity, const char *from,
							 const char *to);
extern void oms_check_move(const char *entity, const char *from,
						   const char *to, const char *what);

/*
 * The company a call works for: "code", or where NULL the setting
 * oms.company, or the only company.  Raises UNKNOWN_REFERENCE.  The first is
 * for STABLE functions; the second sees what is committed now.
 */
extern const char *oms_company_setting(void);	/* never NULL */
extern int32 oms_company_id(const char *code);
extern int32 oms_company_id_now(const char *code);

/*
 * Runs fn(arg) in a subtransaction.  False when it raised: its work is undone
 * and *err (freed with FreeErrorData) says why.  What concerns the whole
 * transaction (cancel, shutdown, deadlock, serialization) is raised again.
 */
extern bool oms_try(void (*fn) (void *arg), void *arg, ErrorData **err);

/*
 * Keeps input that was refused (oms.reject); the same input refused again
 * counts up its attempts.  company_id 0 and NULL external_ref: unknown.
 */
extern void oms_reject(int32 company_id, const char *source,
					   const char *external_ref, const char *document,
					   const ErrorData *err);

/*
 * A small builder of jsonb, for answers, events and terms.  It builds in the
 * current memory context: begin, fill and end it on the same side of
 * oms_spi_connect().
 */
typedef struct OmsJson
{
	JsonbParseState *state;
} OmsJson;

extern void oms_json_begin(OmsJson *j);
extern void oms_json_str(OmsJson *j, const char *key, const char *val);
extern void oms_json_int(OmsJson *j, const char *key, int64 val);
extern void oms_json_float(OmsJson *j, const char *key, double val,
						   int digits);
extern void oms_json_bool(OmsJson *j, const char *key, bool val);
extern void oms_json_paise(OmsJson *j, const char *key, int64 paise);
extern void oms_json_milli(OmsJson *j, const char *key, int64 milli);
extern void oms_json_time(OmsJson *j, const char *key, TimestampTz t);

/* Open an array or object; key is NULL for an object inside an array. */
extern void oms_json_array(OmsJson *j, const char *key);
extern void oms_json_object(OmsJson *j, const char *key);
extern void oms_json_close_array(OmsJson *j);
extern void oms_json_close_object(OmsJson *j);
extern Jsonb *oms_json_end(OmsJson *j);

#endif							/* OMS_CORE_H */
