/*
 * courier.c
 *	  Quotes of every courier service for a parcel, and what is learnt from
 *	  outcomes.
 *
 * courier_lane.c reads what is known about each service on the lane,
 * courier_rate.c prices the parcel; success, time, refusals and the order of
 * the quotes are judged here.  doc/courier.md has the formulas.
 */
#include "postgres.h"

#include <math.h>

#include "catalog/pg_type.h"
#include "fmgr.h"
#include "funcapi.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/memutils.h"

#include "catalog.h"
#include "courier_lane.h"

#define DEFAULT_DAYS 7			/* in transit, where zone_transit has no row */
#define DELIVERY_HOUR 20		/* local; a parcel's attempt is made by then */
#define DETOUR_PCT 130			/* road against straight line */
#define EVIDENCE_SERVICE 50.0	/* parcels the prior of a service weighs */
#define EVIDENCE_REGION 100.0	/* the same for all services of a region */
#define PRIOR_COD 0.80			/* delivered, where nothing was ever shipped */
#define PRIOR_PREPAID 0.97

static int	courier_day_cost = 500;

PG_FUNCTION_INFO_V1(oms_courier_quotes_sql);
PG_FUNCTION_INFO_V1(oms_courier_outcome_sql);

static int	quotes(const OmsCourierRequest *req, bool read_only,
				   OmsCourierQuote **result);
static void judge_success(const OmsCourierRequest *req, OmsService *services,
						  int n);
static void judge_time(const OmsCourierRequest *req, const OmsCalendar *cal,
					   OmsService *s);
static int64 expected_cost(const OmsCourierRequest *req, const OmsService *s);
static const char *refusal(const OmsCourierRequest *req, const OmsService *s);
static int	compare_quotes(const void *a, const void *b);

void
oms_courier_init(void)
{
	DefineCustomIntVariable("oms.courier_day_cost",
							"What a day in transit counts for when couriers are compared, paise.",
							NULL, &courier_day_cost, 500, 0, 10000000,
							PGC_USERSET, 0, NULL, NULL, NULL);
}

int
oms_courier_quotes(const OmsCourierRequest *req, OmsCourierQuote **result)
{
	return quotes(req, false, result);
}

static int
quotes(const OmsCourierRequest *req, bool read_only, OmsCourierQuote **result)
{
	OmsCalendar cal;
	OmsService *services;
	int			n;

	oms_calendar_load(req->company_id, req->ready_at, read_only, &cal);
	n = oms_lane_services(req, oms_calendar_day(&cal, req->ready_at, NULL),
						  read_only, &services);
	judge_success(req, services, n);
	*result = palloc(sizeof(OmsCourierQuote) * Max(n, 1));
	for (int i = 0; i < n; i++)
	{
		OmsService *s = &services[i];

		oms_rate_parcel(req, &s->rate, s->oda, s->hyperlocal, &s->quote);
		judge_time(req, &cal, s);
		s->quote.expected_cost = expected_cost(req, s);
		s->quote.refused = refusal(req, s);
		(*result)[i] = s->quote;
	}
	qsort(*result, n, sizeof(OmsCourierQuote), compare_quotes);
	pfree(services);
	return n;
}

/*
 * The order's own risk, moved by how much better or worse than the others
 * the service delivers in the buyer's state, as a difference of log-odds.
 * What the state itself does to every courier is in the order's risk
 * already and must not count twice.
 */
static double
shrunk(double successes, double trials, double prior, double weight)
{
	double		rate = (successes + weight * prior) / (trials + weight);

	return Min(Max(rate, 0.001), 0.999);
}

static double
logit(double p)
{
	return log(p / (1 - p));
}

static double
logistic(double x)
{
	return 1 / (1 + exp(-x));
}

static void
judge_success(const OmsCourierRequest *req, OmsService *services, int n)
{
	double		shipped = 0;
	double		delivered = 0;
	double		all_shipped = 0;
	double		all_delivered = 0;
	double		everywhere;
	double		region;

	for (int i = 0; i < n; i++)
	{
		shipped += services[i].shipped;
		delivered += services[i].delivered;
		all_shipped += services[i].all_shipped;
		all_delivered += services[i].all_delivered;
	}
	everywhere = shrunk(all_delivered, all_shipped,
						req->cod ? PRIOR_COD : PRIOR_PREPAID, EVIDENCE_REGION);
	region = shrunk(delivered, shipped, everywhere, EVIDENCE_REGION);

	for (int i = 0; i < n; i++)
	{
		OmsService *s = &services[i];
		double		own;
		double		prior;
		double		here;

		own = shrunk(s->all_delivered, s->all_shipped, everywhere,
					 EVIDENCE_SERVICE);
		prior = logistic(logit(region) + logit(own) - logit(everywhere));
		here = shrunk(s->delivered, s->shipped, prior, EVIDENCE_SERVICE);
		if (!(req->p_rto > 0))	/* NaN too */
			s->quote.p_success = 1;
		else if (req->p_rto >= 1)
			s->quote.p_success = 0;
		else
			s->quote.p_success = logistic(logit(1 - req->p_rto) +
										  logit(here) - logit(region));
	}
}

/* Working days in transit and the first attempt. */
static void
judge_time(const OmsCourierRequest *req, const OmsCalendar *cal, OmsService *s)
{
	DateADT		day;

	if (s->hyperlocal)
	{
		int64		road_m = oms_muldiv(Max(req->distance_m, 0), DETOUR_PCT, 100);
		int64		ride = oms_muldiv(road_m * s->minutes_per_km,
									  USECS_PER_MINUTE, 1000000);

		s->quote.days = s->delay_days;
		s->quote.promised_at = req->ready_at + ride +
			s->delay_days * USECS_PER_DAY;
		return;
	}
	s->quote.days = (s->transit_days < 0 ? DEFAULT_DAYS : s->transit_days) +
		s->delay_days + (s->oda ? s->oda_days : 0);
	day = oms_calendar_add(cal, oms_calendar_day(cal, req->ready_at, NULL),
						   s->quote.days);
	s->quote.promised_at = oms_calendar_moment(cal, day,
											   DELIVERY_HOUR * USECS_PER_HOUR);
	if (s->quote.promised_at < req->ready_at)
		s->quote.promised_at = oms_calendar_moment(cal,
												   oms_calendar_add(cal, day + 1, 0),
												   DELIVERY_HOUR * USECS_PER_HOUR);
}

/* Paise: what the parcel costs in the mean of its two ends. */
static int64
expected_cost(const OmsCourierRequest *req, const OmsService *s)
{
	const OmsCourierQuote *q = &s->quote;
	double		good = q->freight + q->cod_fee + q->gst;
	int64		fee = s->rate.cod_on_rto ? q->cod_fee : 0;
	int64		back = q->freight + q->rto_freight + fee;
	double		bad = back + oms_muldiv(back, s->rate.gst, 100000) + req->loss;

	return (int64) rint(q->p_success * good + (1 - q->p_success) * bad +
						(double) courier_day_cost * q->days);
}

/* The first reason against the service, NULL when it can carry the parcel. */
static const char *
refusal(const OmsCourierRequest *req, const OmsService *s)
{
	if (req->only_service && strcmp(req->only_service, s->quote.code) != 0)
		return "NOT_NAMED";
	if (s->hyperlocal != req->hyperlocal)
		return "NO_PICKUP";
	if (!s->to_known || !(s->to_prepaid || (req->cod && s->to_cod)))
		return "NOT_SERVICEABLE";
	if (req->reverse)
	{
		if (!s->reverse || !s->from_known || !s->from_reverse)
			return "NO_REVERSE";
	}
	else if (!s->from_known || !s->from_pickup)
		return "NO_PICKUP";
	if (s->embargo)
		return "EMBARGO";
	if (req->cod && !(s->cod && s->to_cod && req->collect <= s->max_cod))
		return "NO_COD";
	if (req->cold_chain && !s->cold_chain)
		return "COLD_CHAIN";
	if (s->air && !req->air_ok)
		return "NO_AIR";
	if (req->value > s->max_value)
		return "TOO_VALUABLE";
	if (req->value < s->min_value)
		return "TOO_CHEAP";
	if (s->hyperlocal && s->max_distance_m >= 0 &&
		(req->distance_m < 0 || req->distance_m > s->max_distance_m))
		return "TOO_FAR";
	if (s->breaker)
		return "BREAKER";
	if (s->blocked)
		return "NETWORK";
	if (!s->rate.known)
		return "NO_RATE";
	if (oms_rate_weight(req, &s->rate) > s->max_weight_g)
		return "TOO_HEAVY";
	if (oms_rate_weight(req, &s->rate) < s->min_weight_g)
		return "TOO_LIGHT";
	if (req->volume_cm3 > s->max_volume_cm3)
		return "TOO_LARGE";
	if (req->has_max_days && s->quote.days > req->max_days)
		return "TOO_SLOW";
	return NULL;
}

/* Feasible first, by (expected_cost, id); the refused by id. */
static int
compare_quotes(const void *a, const void *b)
{
	const OmsCourierQuote *x = a;
	const OmsCourierQuote *y = b;

	if ((x->refused == NULL) != (y->refused == NULL))
		return x->refused == NULL ? -1 : 1;
	if (x->refused == NULL && x->expected_cost != y->expected_cost)
		return x->expected_cost < y->expected_cost ? -1 : 1;
	return x->courier_service_id < y->courier_service_id ? -1 : 1;
}

/*
 * All regions before the one: every transaction takes the rows of a service
 * in this order.
 */
static OmsPlan outcome_plan = {
	"INSERT INTO oms.courier_stat AS s (company_id, courier_service_id, region, cod,"
	" shipped, delivered, first_attempt, days_sum, updated_at)"
	" VALUES ($1, $2, $3, $4, 1, $5, $6, $7, pg_catalog.now())"
	" ON CONFLICT (company_id, courier_service_id, region, cod) DO UPDATE SET"
	" shipped = s.shipped OPERATOR(pg_catalog.+) 1,"
	" delivered = s.delivered OPERATOR(pg_catalog.+) EXCLUDED.delivered,"
	" first_attempt = s.first_attempt OPERATOR(pg_catalog.+) EXCLUDED.first_attempt,"
	" days_sum = s.days_sum OPERATOR(pg_catalog.+) EXCLUDED.days_sum,"
	" updated_at = EXCLUDED.updated_at",
	7, {INT4OID, INT4OID, TEXTOID, BOOLOID, FLOAT8OID, FLOAT8OID, FLOAT8OID}, NULL
};

void
oms_courier_outcome(int32 company_id, int32 courier_service_id,
					const char *region, bool cod, bool delivered,
					bool first_attempt, double days)
{
	Datum		values[7];

	values[0] = Int32GetDatum(company_id);
	values[1] = Int32GetDatum(courier_service_id);
	values[2] = oms_text("*");
	values[3] = BoolGetDatum(cod);
	values[4] = Float8GetDatum(delivered ? 1 : 0);
	values[5] = Float8GetDatum(delivered && first_attempt ? 1 : 0);
	values[6] = Float8GetDatum(delivered && days > 0 && !isinf(days) ? days : 0);
	oms_spi_connect();
	oms_exec(&outcome_plan, values, NULL, false, 0);
	if (region)
	{
		values[2] = oms_text(region);
		oms_exec(&outcome_plan, values, NULL, false, 0);
	}
	oms_spi_finish();
}

/* oms.courier_outcome(company_id, courier_service_id, region, cod, delivered, first_attempt, days) */
Datum
oms_courier_outcome_sql(PG_FUNCTION_ARGS)
{
	static const char *const names[] = {
		"company_id", "courier_service_id", NULL, "cod", "delivered"
	};

	oms_require_installed();
	for (int i = 0; i < lengthof(names); i++)
		if (names[i])
			oms_require_arg(fcinfo, i, names[i]);
	oms_courier_outcome(PG_GETARG_INT32(0), PG_GETARG_INT32(1),
						PG_ARGISNULL(2) ? NULL : text_to_cstring(PG_GETARG_TEXT_PP(2)),
						PG_GETARG_BOOL(3), PG_GETARG_BOOL(4),
						!PG_ARGISNULL(5) && PG_GETARG_BOOL(5),
						PG_ARGISNULL(6) ? 0 : PG_GETARG_FLOAT8(6));
	PG_RETURN_VOID();
}

/* A whole number of an argument, or what it stands for when null. */
static int64
arg_amount(FunctionCallInfo fcinfo, int i)
{
	return PG_ARGISNULL(i) ? 0 : oms_numeric_to_paise(PG_GETARG_DATUM(i));
}

/*
 * oms.courier_quotes(from, to, weight_g, volume_cm3, cod_amount, value, at,
 * p_rto, loss, reverse, hyperlocal, distance_m, cold_chain, air_ok, company)
 */
Datum
oms_courier_quotes_sql(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
	OmsCourierRequest req = {0};
	OmsCourierQuote *q;
	int			n;

	oms_require_installed();
	InitMaterializedSRF(fcinfo, 0);
	req.company_id = oms_company_id(PG_ARGISNULL(14) ? NULL :
									text_to_cstring(PG_GETARG_TEXT_PP(14)));
	req.from_pincode = PG_ARGISNULL(0) ? NULL : text_to_cstring(PG_GETARG_TEXT_PP(0));
	req.to_pincode = PG_ARGISNULL(1) ? NULL : text_to_cstring(PG_GETARG_TEXT_PP(1));
	req.dead_g = PG_ARGISNULL(2) ? 0 : PG_GETARG_INT32(2);
	req.volume_cm3 = PG_ARGISNULL(3) ? 0 : PG_GETARG_INT32(3);
	req.collect = arg_amount(fcinfo, 4);
	req.cod = req.collect > 0;
	req.value = arg_amount(fcinfo, 5);
	req.ready_at = PG_ARGISNULL(6) ? GetCurrentTransactionStartTimestamp() :
		PG_GETARG_TIMESTAMPTZ(6);
	req.p_rto = PG_ARGISNULL(7) ? 1 - (req.cod ? PRIOR_COD : PRIOR_PREPAID) :
		PG_GETARG_FLOAT8(7);
	req.loss = arg_amount(fcinfo, 8);
	req.reverse = !PG_ARGISNULL(9) && PG_GETARG_BOOL(9);
	req.hyperlocal = !PG_ARGISNULL(10) && PG_GETARG_BOOL(10);
	req.distance_m = PG_ARGISNULL(11) ? -1 : PG_GETARG_INT64(11);
	req.cold_chain = !PG_ARGISNULL(12) && PG_GETARG_BOOL(12);
	req.air_ok = PG_ARGISNULL(13) || PG_GETARG_BOOL(13);
	if (req.dead_g < 0 || req.volume_cm3 < 0 || req.collect < 0 ||
		req.value < 0 || req.loss < 0 || !(req.p_rto >= 0 && req.p_rto <= 1))
		ereport(ERROR,
				(errcode(ERRCODE_OMS_INVALID_DOCUMENT),
				 errmsg("parcel is out of range"),
				 errdetail("Weight, volume and amounts must not be negative, p_rto lies between 0 and 1.")));

	n = quotes(&req, true, &q);
	for (int i = 0; i < n; i++)
	{
		Datum		values[13];
		bool		nulls[13] = {0};
		bool		priced = q[i].charge_g > 0;

		values[0] = oms_text(q[i].code);
		values[1] = oms_text(q[i].refused);
		nulls[1] = q[i].refused == NULL;
		values[2] = oms_text(q[i].zone);
		nulls[2] = q[i].zone == NULL;
		values[3] = Int32GetDatum(q[i].charge_g);
		values[4] = oms_paise_numeric(q[i].freight);
		values[5] = oms_paise_numeric(q[i].cod_fee);
		values[6] = oms_paise_numeric(q[i].gst);
		values[7] = oms_paise_numeric(q[i].freight + q[i].cod_fee + q[i].gst);
		values[8] = oms_paise_numeric(q[i].rto_freight);
		values[9] = Float8GetDatum(q[i].p_success);
		values[10] = Int32GetDatum(q[i].days);
		values[11] = TimestampTzGetDatum(q[i].promised_at);
		values[12] = oms_paise_numeric(q[i].expected_cost);
		for (int c = 3; c <= 8; c++)
			nulls[c] = !priced;
		nulls[12] = !priced;
		tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, values, nulls);
	}
	return (Datum) 0;
}
