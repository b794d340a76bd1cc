/*
 * risk.c
 *	  COD/RTO risk of an order: probability, reasons, what to do.
 *
 * A model is rows: a logistic regression whose inputs this file computes from
 * what is known when the order is placed, and whose weights are oms.risk_term.
 * The action is the one with the highest expected contribution by the numbers
 * of oms.risk_policy.  doc/risk.md has the inputs, the formulas and where the
 * starting numbers come from.
 *
 * Model and policy are kept by oms_memo(); rates change with every outcome and
 * are read by one indexed statement a score.  Sums run in the order of RiskTermId, so that the same
 * data give the same bits.
 */
#include "postgres.h"

#include <math.h>

#include "catalog/pg_type.h"
#include "fmgr.h"
#include "utils/builtins.h"
#include "utils/numeric.h"

#include "core_memo.h"
#include "core_rows.h"
#include "risk.h"
#include "risk_address.h"

/* Smoothing: weight in orders of the level above */
#define OMS_RISK_M_PINCODE		25.0
#define OMS_RISK_M_DISTRICT		60.0
#define OMS_RISK_M_STATE		100.0
#define OMS_RISK_M_NATION		500.0
#define OMS_RISK_M_BUYER		2.0

/* The area may move the log-odds by this and no more */
#define OMS_RISK_AREA_LIMIT		0.7
#define OMS_RISK_AREA_REASON	"R03"

/* A smaller contribution (log-odds) is no reason to show */
#define OMS_RISK_REASON_MIN		0.08

#define OMS_RISK_MAX_UNITS		10
#define OMS_RISK_MAX_OPEN		5

/* Inputs, in the order they are added up; names as in oms.risk_input */
typedef enum RiskTermId
{
	RISK_LOG_VALUE,
	RISK_DISCOUNT_SHARE,
	RISK_UNITS,
	RISK_BUYER_NEW,
	RISK_BUYER_RATE,
	RISK_BUYER_COD_OPEN,
	RISK_AREA_RATE,
	RISK_ADDRESS_MISSING,
	RISK_ADDRESS_WORDS,
	RISK_ADDRESS_CHARS,
	RISK_ADDRESS_NO_DIGIT,
	RISK_ADDRESS_REPEAT,
	RISK_ADDRESS_MONKEY,
	RISK_PROMISE_FAST,
	RISK_PROMISE_MIDDLE,
	RISK_PROMISE_SLOW,
	RISK_PREPAID,
	RISK_NTERMS
} RiskTermId;

static const char *const term_names[RISK_NTERMS] = {
	"log_value", "discount_share", "units",
	"buyer_new", "buyer_rate", "buyer_cod_open",
	"area_rate",
	"address_missing", "address_words", "address_chars", "address_no_digit",
	"address_repeat", "address_monkey",
	"promise_fast", "promise_middle", "promise_slow",
	"prepaid"
};

/* One term of the model, and what it adds to this order */
typedef struct RiskTerm
{
	bool		used;			/* the model has it */
	double		weight;
	double		mean;
	const char *reason;
	double		value;
	double		contribution;
} RiskTerm;

/* Model and policy in force; money in paise */
typedef struct RiskRules
{
	int32		risk_model_id;
	double		intercept;
	RiskTerm	terms[RISK_NTERMS];
	double		margin_pct;
	int64		rto_handling;
	double		confirm_cost;
	double		confirm_good;
	double		confirm_bad;
	double		prepaid_good;
	double		prepaid_bad;
	double		prepaid_rto;
	double		block_above;
	int64		cod_max;
} RiskRules;

static void score(const OmsRiskInput *in, bool read_only, OmsRiskResult *out);
static void read_rules(int32 company_id, int32 channel_id, bool read_only,
					   RiskRules *rules);
static RiskTermId term_id(const char *name);
static double area_rate(const OmsRiskInput *in, double base, bool read_only);
static double smoothed(double rto, double orders, double parent, double m);
static double logit(double p);
static void compute_inputs(const OmsRiskInput *in, double area,
						   RiskTerm *terms);
static double add_up(RiskRules *rules);
static int	find_reasons(const RiskTerm *terms, const char **reasons);
static void choose_action(const RiskRules *rules, const OmsRiskInput *in,
						  OmsRiskResult *out);
static bool expected(const RiskRules *rules, const OmsRiskInput *in,
					 double p, double *u);
static Jsonb *terms_json(const RiskTerm *terms);
static void json_double(OmsJson *j, const char *key, double val);

const char *
oms_risk_action_name(OmsRiskAction action)
{
	switch (action)
	{
		case OMS_RISK_ALLOW:
			return "allow";
		case OMS_RISK_CONFIRM:
			return "confirm";
		case OMS_RISK_PREPAID_ONLY:
			return "prepaid_only";
		case OMS_RISK_BLOCK:
			return "block";
	}
	elog(ERROR, "unknown risk action %d", (int) action);
	return NULL;				/* keep compiler quiet */
}

/*
 * The order's path: sees counters and models this transaction has changed,
 * hence not read-only.
 */
void
oms_risk_score(const OmsRiskInput *in, OmsRiskResult *out)
{
	score(in, false, out);
}

void
oms_risk_score_stable(const OmsRiskInput *in, OmsRiskResult *out)
{
	score(in, true, out);
}

static void
score(const OmsRiskInput *in, bool read_only, OmsRiskResult *out)
{
	RiskRules	rules;
	double		area;
	double		z;

	read_rules(in->company_id, in->channel_id, read_only, &rules);
	area = 1.0 / (1.0 + exp(-rules.intercept));
	if (rules.terms[RISK_AREA_RATE].used || rules.terms[RISK_BUYER_RATE].used)
		area = area_rate(in, area, read_only);
	compute_inputs(in, area, rules.terms);
	z = add_up(&rules);

	out->risk_model_id = rules.risk_model_id;
	out->probability = 1.0 / (1.0 + exp(-z));
	if (!isfinite(z))
		ereport(ERROR,
				(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
				 errmsg("risk model %d gives no finite score",
						rules.risk_model_id),
				 errhint("Look for infinite or NaN weights in oms.risk_term.")));
	out->nreasons = find_reasons(rules.terms, out->reasons);
	out->terms = terms_json(rules.terms);
	choose_action(&rules, in, out);
}

/*
 * The champion of the company, else the one for all, with its terms; the
 * policy of the channel, else of the company, else the one for all.
 */
static OmsPlan rules_plan = {
	"SELECT m.risk_model_id, m.intercept, t.term, t.weight, t.mean, t.reason,"
	" p.risk_policy_id,"
	" p.margin_pct, p.rto_handling, p.confirm_cost, p.confirm_good, p.confirm_bad,"
	" p.prepaid_good, p.prepaid_bad, p.prepaid_rto, p.block_above, p.cod_max"
	" FROM (SELECT risk_model_id, intercept FROM oms.risk_model"
	"  WHERE state OPERATOR(pg_catalog.=) 'champion'"
	"  AND (company_id OPERATOR(pg_catalog.=) $1 OR company_id IS NULL)"
	"  ORDER BY company_id LIMIT 1) m"
	" LEFT JOIN (SELECT risk_policy_id, margin_pct::pg_catalog.float8, rto_handling, confirm_cost,"
	"  confirm_good::pg_catalog.float8, confirm_bad::pg_catalog.float8,"
	"  prepaid_good::pg_catalog.float8, prepaid_bad::pg_catalog.float8,"
	"  prepaid_rto::pg_catalog.float8, block_above::pg_catalog.float8, cod_max"
	"  FROM oms.risk_policy"
	"  WHERE (company_id OPERATOR(pg_catalog.=) $1 OR company_id IS NULL)"
	"  AND (channel_id OPERATOR(pg_catalog.=) $2 OR channel_id IS NULL)"
	"  ORDER BY company_id, channel_id LIMIT 1) p ON true"
	" LEFT JOIN oms.risk_term t ON t.risk_model_id OPERATOR(pg_catalog.=) m.risk_model_id",
	2, {INT4OID, INT4OID}, NULL
};

static void
read_rules(int32 company_id, int32 channel_id, bool read_only,
		   RiskRules *rules)
{
	Datum		values[2] = {Int32GetDatum(company_id), Int32GetDatum(channel_id)};
	MemoryContext caller = CurrentMemoryContext;
	uint64		nrows;
	uint64		row;

	memset(rules, 0, sizeof(*rules));
	oms_spi_connect();
	nrows = oms_memo(&rules_plan, values, NULL, read_only);
	if (nrows == 0)
		ereport(ERROR,
				(errcode(ERRCODE_OMS_NO_RISK_MODEL),
				 errmsg("there is no risk model in charge"),
				 errhint("Set state to 'champion' in one row of oms.risk_model.")));
	if (oms_isnull(0, 7))
		ereport(ERROR,
				(errcode(ERRCODE_OMS_NO_RISK_MODEL),
				 errmsg("there is no risk policy"),
				 errhint("Insert a row into oms.risk_policy; company_id NULL is for all companies.")));

	rules->risk_model_id = oms_int4(0, 1);
	rules->intercept = oms_float8(0, 2);
	rules->margin_pct = oms_float8(0, 8);
	rules->rto_handling = oms_paise(0, 9);
	rules->confirm_cost = (double) oms_paise(0, 10);
	rules->confirm_good = oms_float8(0, 11);
	rules->confirm_bad = oms_float8(0, 12);
	rules->prepaid_good = oms_float8(0, 13);
	rules->prepaid_bad = oms_float8(0, 14);
	rules->prepaid_rto = oms_float8(0, 15);
	rules->block_above = oms_float8(0, 16);
	rules->cod_max = oms_paise(0, 17);
	for (row = 0; row < nrows; row++)
	{
		RiskTerm   *term;

		if (oms_isnull(row, 3))
			break;				/* a model of the intercept alone */
		term = &rules->terms[term_id(oms_cstr(row, 3))];
		term->used = true;
		term->weight = oms_float8(row, 4);
		term->mean = oms_float8(row, 5);
		term->reason = oms_strdup(caller, oms_cstr(row, 6));
	}
	oms_spi_finish();
}

static RiskTermId
term_id(const char *name)
{
	int			i;

	for (i = 0; i < RISK_NTERMS; i++)
		if (strcmp(name, term_names[i]) == 0)
			return (RiskTermId) i;
	ereport(ERROR,
			(errcode(ERRCODE_OMS_NO_RISK_MODEL),
			 errmsg("the risk model has a term this version cannot compute"),
			 errdetail("The term is \"%s\".", name),
			 errhint("The inputs are the rows of oms.risk_input.")));
	return RISK_NTERMS;			/* keep compiler quiet */
}

static OmsPlan rate_plan = {
	"SELECT 0, orders, rto FROM oms.risk_rate"
	" WHERE company_id OPERATOR(pg_catalog.=) $1"
	" AND level OPERATOR(pg_catalog.=) 'nation' AND key OPERATOR(pg_catalog.=) 'IN'"
	" UNION ALL SELECT 1, orders, rto FROM oms.risk_rate"
	" WHERE company_id OPERATOR(pg_catalog.=) $1"
	" AND level OPERATOR(pg_catalog.=) 'state' AND key OPERATOR(pg_catalog.=) $2"
	" UNION ALL SELECT 2, orders, rto FROM oms.risk_rate"
	" WHERE company_id OPERATOR(pg_catalog.=) $1"
	" AND level OPERATOR(pg_catalog.=) 'district' AND key OPERATOR(pg_catalog.=) $3"
	" UNION ALL SELECT 3, orders, rto FROM oms.risk_rate"
	" WHERE company_id OPERATOR(pg_catalog.=) $1"
	" AND level OPERATOR(pg_catalog.=) 'pincode' AND key OPERATOR(pg_catalog.=) $4",
	4, {INT4OID, TEXTOID, TEXTOID, TEXTOID}, NULL
};

/*
 * RTO rate of the delivery address: of the pincode, leaning on the district,
 * on the state, on the nation, on the model's base, the more the fewer orders
 * there are.
 */
static double
area_rate(const OmsRiskInput *in, double base, bool read_only)
{
	static const double m[4] = {
		OMS_RISK_M_NATION, OMS_RISK_M_STATE, OMS_RISK_M_DISTRICT, OMS_RISK_M_PINCODE
	};
	double		orders[4] = {0};
	double		rto[4] = {0};
	char	   *district = in->state_code && in->district ?
	psprintf("%s/%s", in->state_code, in->district) : NULL;
	Datum		values[4] = {
		Int32GetDatum(in->company_id), oms_text(in->state_code),
		oms_text(district), oms_text(in->pincode)
	};
	char		nulls[4] = {
		' ', in->state_code ? ' ' : 'n', district ? ' ' : 'n',
		in->pincode ? ' ' : 'n'
	};
	double		rate = base;
	uint64		nrows;
	uint64		row;
	int			level;

	oms_spi_connect();
	nrows = oms_exec(&rate_plan, values, nulls, read_only, 0);
	for (row = 0; row < nrows; row++)
	{
		level = oms_int4(row, 1);
		orders[level] = oms_float8(row, 2);
		rto[level] = oms_float8(row, 3);
	}
	oms_spi_finish();
	for (level = 0; level < 4; level++)
		rate = smoothed(rto[level], orders[level], rate, m[level]);
	return rate;
}

/* (k + m * parent) / (n + m), within (0, 1) whatever the counters say */
static double
smoothed(double rto, double orders, double parent, double m)
{
	double		rate = (rto + m * parent) / (orders + m);

	if (!(rate > 1e-6))
		return 1e-6;
	return Min(rate, 1.0 - 1e-6);
}

static double
logit(double p)
{
	return log(p / (1.0 - p));
}

static void
compute_inputs(const OmsRiskInput *in, double area, RiskTerm *terms)
{
	double		value = (double) Max(in->value, 0);
	double		discount = (double) Max(in->discount, 0);
	double		buyer;
	OmsAddressQuality address;

	oms_address_quality(in->address, &address);
	buyer = smoothed(Max(in->buyer_rto, 0),
					 (double) Max(in->buyer_delivered, 0) + Max(in->buyer_rto, 0),
					 area, OMS_RISK_M_BUYER);

	terms[RISK_LOG_VALUE].value = log1p(value / 100.0);
	terms[RISK_DISCOUNT_SHARE].value = discount > 0 ? discount / (value + discount) : 0;
	terms[RISK_UNITS].value = Min(Max(in->units, 0), OMS_RISK_MAX_UNITS);
	terms[RISK_BUYER_NEW].value = in->buyer_orders <= 0;
	terms[RISK_BUYER_RATE].value = logit(buyer) - logit(area);
	terms[RISK_BUYER_COD_OPEN].value = Min(Max(in->buyer_cod_open, 0), OMS_RISK_MAX_OPEN);
	terms[RISK_AREA_RATE].value = logit(area);
	terms[RISK_ADDRESS_MISSING].value = address.missing;
	terms[RISK_ADDRESS_WORDS].value = address.words_short;
	terms[RISK_ADDRESS_CHARS].value = address.chars_short;
	terms[RISK_ADDRESS_NO_DIGIT].value = address.no_digit;
	terms[RISK_ADDRESS_REPEAT].value = address.repeated;
	terms[RISK_ADDRESS_MONKEY].value = address.monkey_share;
	terms[RISK_PROMISE_FAST].value = in->promise_days >= 0 && in->promise_days <= 2;
	terms[RISK_PROMISE_MIDDLE].value = in->promise_days >= 3 && in->promise_days <= 5;
	terms[RISK_PROMISE_SLOW].value = in->promise_days > 5;
	terms[RISK_PREPAID].value = !in->cod;
}

/* Fills the contributions; returns the log-odds. */
static double
add_up(RiskRules *rules)
{
	double		z = rules->intercept;
	int			i;

	for (i = 0; i < RISK_NTERMS; i++)
	{
		RiskTerm   *t = &rules->terms[i];

		if (!t->used)
			continue;
		t->contribution = t->weight * (t->value - t->mean);
		if (i == RISK_AREA_RATE)
			t->contribution = Max(-OMS_RISK_AREA_LIMIT,
								  Min(OMS_RISK_AREA_LIMIT, t->contribution));
		z += t->contribution;
	}
	return z;
}

/*
 * The (at most three) reason codes that raise the risk most, contributions of
 * one code taken together; equal ones in the order of their codes.
 */
static int
find_reasons(const RiskTerm *terms, const char **reasons)
{
	const char *codes[RISK_NTERMS];
	double		sums[RISK_NTERMS];
	int			ncodes = 0;
	int			nreasons = 0;
	int			i;
	int			j;

	for (i = 0; i < RISK_NTERMS; i++)
	{
		if (!terms[i].used)
			continue;
		for (j = 0; j < ncodes; j++)
			if (strcmp(codes[j], terms[i].reason) == 0)
				break;
		if (j == ncodes)
		{
			codes[ncodes] = terms[i].reason;
			sums[ncodes++] = 0;
		}
		sums[j] += terms[i].contribution;
	}
	while (nreasons < 3)
	{
		int			best = -1;

		for (j = 0; j < ncodes; j++)
			if (sums[j] >= OMS_RISK_REASON_MIN &&
				(best < 0 || sums[j] > sums[best] ||
				 (sums[j] == sums[best] && strcmp(codes[j], codes[best]) < 0)))
				best = j;
		if (best < 0)
			break;
		reasons[nreasons++] = codes[best];
		sums[best] = 0;
	}
	return nreasons;
}

/*
 * Highest expected contribution; of equals the mildest.  Refusing COD or the
 * order takes a reason besides the area.  And it takes something to protect:
 * an order that is expected to lose money even when paid ahead is a matter of
 * price, which no treatment of the buyer mends.
 */
static void
choose_action(const RiskRules *rules, const OmsRiskInput *in,
			  OmsRiskResult *out)
{
	double		u[OMS_RISK_BLOCK + 1];
	double		p = out->probability;
	bool		prepaid_earns = expected(rules, in, p, u);
	bool		other_reason = false;
	OmsRiskAction best = OMS_RISK_ALLOW;
	OmsJson		j;
	int			i;

	for (i = 0; i < out->nreasons; i++)
		if (strcmp(out->reasons[i], OMS_RISK_AREA_REASON) != 0)
			other_reason = true;

	if (!in->cod)
		out->reason = "paid ahead";
	else if (other_reason && p > rules->block_above)
	{
		best = OMS_RISK_BLOCK;
		out->reason = psprintf("probability %.4f is above %.4f", p,
							   rules->block_above);
	}
	else if (in->value > rules->cod_max)
	{
		best = OMS_RISK_PREPAID_ONLY;
		out->reason = psprintf("value %.2f is above the limit of cash on delivery, %.2f",
							   in->value / 100.0, rules->cod_max / 100.0);
	}
	else
	{
		OmsRiskAction last = other_reason && prepaid_earns ? OMS_RISK_BLOCK : OMS_RISK_CONFIRM;
		const char *limit = "";

		for (i = OMS_RISK_CONFIRM; i <= last; i++)
			if (u[i] > u[best])
				best = (OmsRiskAction) i;
		for (i = last + 1; i <= OMS_RISK_BLOCK; i++)
			if (u[i] > u[best])
				limit = prepaid_earns ? "; more would need a reason besides the area" :
					"; it loses money even when paid ahead, which is a matter of price";
		if (best == OMS_RISK_ALLOW)
			out->reason = psprintf("earns most without asking%s", limit);
		else
			out->reason = psprintf("expected to earn %.2f more than without asking%s",
								   (u[best] - u[OMS_RISK_ALLOW]) / 100.0, limit);
	}
	out->action = best;

	oms_json_begin(&j);
	for (i = OMS_RISK_ALLOW; i <= OMS_RISK_BLOCK; i++)
		json_double(&j, oms_risk_action_name((OmsRiskAction) i), u[i] / 100.0);
	out->utilities = oms_json_end(&j);
}

/*
 * Expected contribution of each action in paise; false when an order paid
 * ahead would not earn anything.
 */
static bool
expected(const RiskRules *rules, const OmsRiskInput *in, double p, double *u)
{
	double		good = 1.0 - p;
	double		margin = in->margin != OMS_RISK_BY_POLICY ? (double) in->margin :
	rint((double) in->value * rules->margin_pct / 100.0);
	double		loss = (double) in->loss + (double) rules->rto_handling;
	double		prepaid = (1.0 - rules->prepaid_rto) * margin - rules->prepaid_rto * loss;

	u[OMS_RISK_ALLOW] = good * margin - p * loss;
	u[OMS_RISK_CONFIRM] = good * rules->confirm_good * margin
		- p * rules->confirm_bad * loss - rules->confirm_cost;
	u[OMS_RISK_PREPAID_ONLY] = (good * rules->prepaid_good + p * rules->prepaid_bad)
		* prepaid;
	u[OMS_RISK_BLOCK] = 0;
	return prepaid > 0;
}

/* An array with an object for each term of the model, in a fixed order */
static Jsonb *
terms_json(const RiskTerm *terms)
{
	OmsJson		j = {NULL};
	int			i;

	pushJsonbValue(&j.state, WJB_BEGIN_ARRAY, NULL);
	for (i = 0; i < RISK_NTERMS; i++)
	{
		if (!terms[i].used)
			continue;
		oms_json_object(&j, NULL);
		oms_json_str(&j, "term", term_names[i]);
		json_double(&j, "value", terms[i].value);
		json_double(&j, "contribution", terms[i].contribution);
		oms_json_str(&j, "reason", terms[i].reason);
		oms_json_close_object(&j);
	}
	return JsonbValueToJsonb(pushJsonbValue(&j.state, WJB_END_ARRAY, NULL));
}

/* A double with its 15 significant digits; whole ones the short way */
static void
json_double(OmsJson *j, const char *key, double val)
{
	JsonbValue	k;
	JsonbValue	v;

	if (val == rint(val) && fabs(val) < 1e9)
	{
		oms_json_int(j, key, (int64) val);
		return;
	}
	k.type = jbvString;
	k.val.string.val = unconstify(char *, key);
	k.val.string.len = strlen(key);
	v.type = jbvNumeric;
	v.val.numeric = DatumGetNumeric(DirectFunctionCall1(float8_numeric,
														Float8GetDatum(val)));
	pushJsonbValue(&j->state, WJB_KEY, &k);
	pushJsonbValue(&j->state, WJB_VALUE, &v);
}

static OmsPlan keep_plan = {
	"INSERT INTO oms.risk_score (company_id, order_id, risk_model_id, probability, action, terms, reasons, utilities)"
	" VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
	8, {INT4OID, INT8OID, INT4OID, FLOAT8OID, TEXTOID, JSONBOID, TEXTARRAYOID, JSONBOID}, NULL
};

void
oms_risk_keep(int32 company_id, int64 order_id, const OmsRiskResult *result)
{
	Datum		reasons[3];
	Datum		values[8];
	int			i;

	for (i = 0; i < result->nreasons; i++)
		reasons[i] = oms_text(result->reasons[i]);
	values[0] = Int32GetDatum(company_id);
	values[1] = Int64GetDatum(order_id);
	values[2] = Int32GetDatum(result->risk_model_id);
	values[3] = Float8GetDatum(result->probability);
	values[4] = oms_text(oms_risk_action_name(result->action));
	values[5] = JsonbPGetDatum(result->terms);
	values[6] = PointerGetDatum(construct_array(reasons, result->nreasons, TEXTOID,
												-1, false, TYPALIGN_INT));
	values[7] = JsonbPGetDatum(result->utilities);
	oms_spi_connect();
	oms_insert(&keep_plan, values, NULL);
	oms_spi_finish();
}
