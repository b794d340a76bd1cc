/*
 * ndr.c
 *	  Failed delivery attempts (non-delivery reports) and what is asked of
 *	  the courier.
 *
 * Each failed attempt is a row; attempts are numbered by the time they
 * happened, whatever order they were reported in.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "fmgr.h"
#include "utils/builtins.h"
#include "utils/date.h"
#include "utils/timestamp.h"

#include "shipment.h"

/* A seller is heard within a day of the failure. */
#define ACT_WITHIN "24 hours"

/* Couriers keep a parcel so many days after its first failure. */
#define DEFER_DAYS 6

static OmsPlan failed_plan = {
	"INSERT INTO oms.ndr (company_id, shipment_id, attempt, ndr_code, failed_at, act_by)"
	" SELECT $1, $2, 1 + coalesce(max(n.attempt), 0), $3, $4, $4 + interval '" ACT_WITHIN "'"
	" FROM oms.ndr n WHERE n.company_id = $1 AND n.shipment_id = $2"
	" HAVING NOT bool_or(n.failed_at = $4) IS TRUE"
	" RETURNING attempt, act_by",
	4, {INT4OID, INT8OID, TEXTOID, TIMESTAMPTZOID}, NULL
};
static OmsPlan reason_plan = {
	"UPDATE oms.ndr SET ndr_code = $3 WHERE company_id = $1 AND shipment_id = $2 AND failed_at = $4"
	" AND ndr_code = '0'",
	4, {INT4OID, INT8OID, TEXTOID, TIMESTAMPTZOID}, NULL
};
static OmsPlan late_plan = {
	"SELECT 1 FROM oms.ndr n WHERE n.company_id = $1 AND n.shipment_id = $2 AND n.failed_at > $3",
	3, {INT4OID, INT8OID, TIMESTAMPTZOID}, NULL
};
static OmsPlan negate_plan = {
	"UPDATE oms.ndr SET attempt = -attempt WHERE company_id = $1 AND shipment_id = $2",
	2, {INT4OID, INT8OID}, NULL
};
static OmsPlan renumber_plan = {
	"UPDATE oms.ndr n SET attempt = r.attempt FROM"
	" (SELECT ndr_id, row_number() OVER (ORDER BY failed_at, ndr_id) AS attempt FROM oms.ndr"
	"  WHERE company_id = $1 AND shipment_id = $2) r"
	" WHERE n.company_id = $1 AND n.ndr_id = r.ndr_id",
	2, {INT4OID, INT8OID}, NULL
};

/*
 * A failed attempt at "at": two scans of one time are one attempt, of which
 * the known reason is kept.  SPI connected, parcel locked.
 */
void
oms_ndr_failed(const OmsShipment *s, const char *ndr_code, TimestampTz at)
{
	Datum		values[4] = {
		Int32GetDatum(s->company_id), Int64GetDatum(s->shipment_id),
		oms_text(ndr_code), TimestampTzGetDatum(at)
	};
	int32		attempt;
	TimestampTz act_by;
	OmsJson		j;

	if (oms_exec(&failed_plan, values, NULL, false, 0) == 0)
	{
		oms_exec(&reason_plan, values, NULL, false, 0);
		return;
	}
	attempt = oms_int4(0, 1);
	act_by = oms_time(0, 2);
	values[2] = TimestampTzGetDatum(at);
	if (oms_exec(&late_plan, values, NULL, false, 1) > 0)
	{
		oms_exec(&negate_plan, values, NULL, false, 0);
		oms_exec(&renumber_plan, values, NULL, false, 0);
	}
	oms_json_begin(&j);
	oms_json_int(&j, "order_id", s->order_id);
	oms_json_int(&j, "attempts", attempt);
	oms_json_str(&j, "ndr_code", ndr_code);
	oms_json_time(&j, "act_by", act_by);
	oms_json_bool(&j, "only_rto", attempt >= oms_max_attempts);
	oms_event(s->company_id, "shipment", s->shipment_id, "shipment.ndr",
			  oms_json_end(&j));
}

static OmsPlan outcomes_plan = {
	"UPDATE oms.ndr n SET outcome = r.outcome FROM"
	" (SELECT ndr_id, CASE WHEN lead(ndr_id) OVER (ORDER BY attempt) IS NOT NULL THEN 'NDR'"
	"   WHEN $3 = 'DELIVERED' THEN 'DELIVERED' WHEN $3 LIKE 'RTO%' THEN 'RTO' END AS outcome"
	"  FROM oms.ndr WHERE company_id = $1 AND shipment_id = $2) r"
	" WHERE n.company_id = $1 AND n.ndr_id = r.ndr_id AND n.outcome IS DISTINCT FROM r.outcome",
	3, {INT4OID, INT8OID, TEXTOID}, NULL
};

/* What came of each attempt, now that the parcel is in "state". */
void
oms_ndr_outcomes(const OmsShipment *s, const char *state)
{
	Datum		values[3] = {
		Int32GetDatum(s->company_id), Int64GetDatum(s->shipment_id),
		oms_text(state)
	};

	if (s->attempts > 0)
		oms_exec(&outcomes_plan, values, NULL, false, 0);
}

/*
 * Asking the courier for something
 */
static OmsPlan open_plan = {
	"SELECT n.ndr_id, n.attempt, n.act_by, n.action,"
	" (SELECT min(f.failed_at) FROM oms.ndr f WHERE f.company_id = n.company_id AND f.shipment_id = n.shipment_id),"
	" $3 > n.act_by"
	" FROM oms.ndr n WHERE n.company_id = $1 AND n.shipment_id = $2 AND n.outcome IS NULL"
	" ORDER BY n.attempt DESC LIMIT 1",
	3, {INT4OID, INT8OID, TIMESTAMPTZOID}, NULL
};
static OmsPlan act_plan = {
	"UPDATE oms.ndr SET action = $3, action_at = $4 WHERE company_id = $1 AND ndr_id = $2",
	4, {INT4OID, INT8OID, TEXTOID, TIMESTAMPTZOID}, NULL
};
static OmsPlan edit_plan = {
	"UPDATE oms.\"order\" SET ship_name = coalesce($3, ship_name), ship_phone = coalesce($4, ship_phone),"
	" ship_address = coalesce($5, ship_address) WHERE company_id = $1 AND order_id = $2",
	5, {INT4OID, INT8OID, TEXTOID, TEXTOID, TEXTOID}, NULL
};
static OmsPlan defer_plan = {
	"SELECT $1 ~ '^[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])$'",
	1, {TEXTOID}, NULL
};

static void
refused(const OmsShipment *s, const char *action, const char *why)
{
	ereport(ERROR,
			(errcode(ERRCODE_OMS_NDR_ACTION),
			 errmsg("action \"%s\" is not possible for shipment " INT64_FORMAT,
					action, s->shipment_id),
			 errdetail("%s", why),
			 errhint("oms.ndr_open() lists the failed attempts with the actions left for each.")));
}

static char *
detail_text(Jsonb *details, const char *key)
{
	JsonbValue *v = NULL;

	if (details && JB_ROOT_IS_OBJECT(details))
		v = getKeyJsonValueFromContainer(&details->root, key, strlen(key), NULL);
	if (v == NULL || v->type != jbvString || v->val.string.len == 0)
		return NULL;
	return pnstrdup(v->val.string.val, v->val.string.len);
}

static void
edit_details(const OmsShipment *s, Jsonb *details)
{
	Datum		values[5] = {Int32GetDatum(s->company_id), Int64GetDatum(s->order_id)};
	char		nulls[6] = "     ";
	static const char *const keys[] = {"name", "phone", "address"};
	int			given = 0;

	for (int i = 0; i < 3; i++)
	{
		char	   *text = detail_text(details, keys[i]);

		values[2 + i] = oms_text(text);
		if (text)
			given++;
		else
			nulls[2 + i] = 'n';
	}
	if (given == 0)
		ereport(ERROR,
				(errcode(ERRCODE_OMS_INVALID_DOCUMENT),
				 errmsg("action \"EDIT_DETAILS\" without anything to edit"),
				 errhint("Give name, phone or address in the details.")));
	oms_exec(&edit_plan, values, nulls, false, 0);
}

/* The day a delivery is put off to: after today, within the courier's time. */
static char *
deferred_to(const OmsShipment *s, Jsonb *details, TimestampTz first_failed,
			TimestampTz at)
{
	char	   *text = detail_text(details, "date");
	Datum		values[1] = {oms_text(text)};
	DateADT		day;
	DateADT		today;
	DateADT		first;

	if (text == NULL ||
		(oms_exec(&defer_plan, values, NULL, false, 1), !oms_bool(0, 1)))
		ereport(ERROR,
				(errcode(ERRCODE_OMS_INVALID_DOCUMENT),
				 errmsg("action \"DEFER\" needs a \"date\" in the details"),
				 errhint("Write it as 2026-04-01.")));
	day = DatumGetDateADT(DirectFunctionCall1(date_in, CStringGetDatum(text)));
	today = DatumGetDateADT(DirectFunctionCall1(timestamptz_date,
												TimestampTzGetDatum(at)));
	first = DatumGetDateADT(DirectFunctionCall1(timestamptz_date,
												TimestampTzGetDatum(first_failed)));
	if (day <= today)
		refused(s, "DEFER", "The day must be after the day of asking.");
	if (day > first + DEFER_DAYS)
		refused(s, "DEFER", psprintf("The courier keeps a parcel at most %d days after its first failed attempt.",
									 DEFER_DAYS));
	return text;
}

PG_FUNCTION_INFO_V1(oms_ndr_action);

Datum
oms_ndr_action(PG_FUNCTION_ARGS)
{
	char	   *action;
	Jsonb	   *details;
	int32		company_id;
	OmsShipment s;
	Datum		values[4];
	TimestampTz at;
	int64		ndr_id;
	int32		attempt;
	TimestampTz first_failed;
	bool		late;
	bool		rto;
	char	   *date = NULL;
	OmsJson		j;
	Jsonb	   *answer;
	Datum		result;

	oms_require_installed();
	if (PG_ARGISNULL(1))
		ereport(ERROR,
				(errcode(ERRCODE_OMS_INVALID_DOCUMENT),
				 errmsg("no action is given"),
				 errhint("The actions are RE_ATTEMPT, DEFER, EDIT_DETAILS and RTO.")));
	action = text_to_cstring(PG_GETARG_TEXT_PP(1));
	details = PG_ARGISNULL(2) ? NULL : PG_GETARG_JSONB_P(2);
	company_id = oms_company_arg(fcinfo, 3);
	at = PG_ARGISNULL(4) ? GetCurrentTransactionStartTimestamp() :
		PG_GETARG_TIMESTAMPTZ(4);
	rto = strcmp(action, "RTO") == 0;
	if (!rto && strcmp(action, "RE_ATTEMPT") != 0 &&
		strcmp(action, "DEFER") != 0 && strcmp(action, "EDIT_DETAILS") != 0)
		ereport(ERROR,
				(errcode(ERRCODE_OMS_INVALID_DOCUMENT),
				 errmsg("action \"%s\" is unknown", action),
				 errhint("Actions are RE_ATTEMPT, DEFER, EDIT_DETAILS and RTO.")));
	oms_spi_connect();
	oms_shipment_lock(company_id, oms_id_arg(fcinfo, 0, "shipment_id"), &s);
	values[0] = Int32GetDatum(company_id);
	values[1] = Int64GetDatum(s.shipment_id);
	values[2] = TimestampTzGetDatum(at);
	if (oms_exec(&open_plan, values, NULL, false, 1) == 0)
		refused(&s, action, "No failed attempt waits for an answer.");
	ndr_id = oms_int8(0, 1);
	attempt = oms_int4(0, 2);
	first_failed = oms_time(0, 5);
	late = oms_bool(0, 6);
	if (!rto && s.attempts >= oms_max_attempts)
		refused(&s, action, psprintf("After %d failed attempts only RTO is left.",
									 s.attempts));
	if (!rto && late)
		refused(&s, action, "The courier's time for an answer is over.");
	if (strcmp(action, "EDIT_DETAILS") == 0)
		edit_details(&s, details);
	else if (strcmp(action, "DEFER") == 0)
		date = deferred_to(&s, details, first_failed, at);
	values[1] = Int64GetDatum(ndr_id);
	values[2] = oms_text(action);
	values[3] = TimestampTzGetDatum(at);
	oms_exec(&act_plan, values, NULL, false, 0);
	oms_json_begin(&j);
	oms_json_int(&j, "shipment_id", s.shipment_id);
	oms_json_int(&j, "attempt", attempt);
	oms_json_str(&j, "action", action);
	if (date)
		oms_json_str(&j, "date", date);
	answer = oms_json_end(&j);
	oms_event(company_id, "shipment", s.shipment_id, "shipment.ndr_action",
			  answer);
	result = SPI_datumTransfer(JsonbPGetDatum(answer), false, -1);
	oms_spi_finish();
	return result;
}
