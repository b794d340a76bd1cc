/*
 * risk_whatif.c
 *	  oms.risk_score(jsonb): the risk of an order as described, for trying out.
 */
#include "postgres.h"

#include "access/xact.h"
#include "catalog/pg_type.h"
#include "fmgr.h"
#include "utils/builtins.h"
#include "utils/numeric.h"

#include "risk.h"

/* The description, names not yet looked up */
typedef struct WhatIf
{
	OmsRiskInput in;
	char	   *company;
	char	   *channel;
	bool		has_value;
} WhatIf;

PG_FUNCTION_INFO_V1(oms_risk_whatif);

static void read_whatif(Jsonb *doc, WhatIf *w);
static void read_whatif_field(const char *key, JsonbValue *v, WhatIf *w);
static int64 whatif_money(const char *key, JsonbValue *v);
static int32 whatif_count(const char *key, JsonbValue *v);
static char *whatif_text(const char *key, JsonbValue *v);
static void whatif_wrong(const char *key, const char *expected);
static void look_up_whatif(WhatIf *w);
static void json_jsonb(OmsJson *j, const char *key, Jsonb *val);
static void json_push(OmsJson *j, const char *key, JsonbValue *val);

Datum
oms_risk_whatif(PG_FUNCTION_ARGS)
{
	WhatIf		w;
	OmsRiskResult out;
	JsonbValue	v;
	OmsJson		j;
	int			i;

	oms_require_installed();
	read_whatif(PG_GETARG_JSONB_P(0), &w);
	look_up_whatif(&w);
	oms_risk_score_stable(&w.in, &out);

	oms_json_begin(&j);
	oms_json_int(&j, "risk_model_id", out.risk_model_id);
	v.type = jbvNumeric;
	v.val.numeric = DatumGetNumeric(DirectFunctionCall1(float8_numeric,
														Float8GetDatum(out.probability)));
	json_push(&j, "probability", &v);
	oms_json_str(&j, "action", oms_risk_action_name(out.action));
	oms_json_str(&j, "reason", out.reason);
	oms_json_array(&j, "reasons");
	for (i = 0; i < out.nreasons; i++)
		oms_json_str(&j, NULL, out.reasons[i]);
	oms_json_close_array(&j);
	json_jsonb(&j, "terms", out.terms);
	json_jsonb(&j, "utilities", out.utilities);
	PG_RETURN_JSONB_P(oms_json_end(&j));
}

static void
json_jsonb(OmsJson *j, const char *key, Jsonb *val)
{
	JsonbValue	v;

	v.type = jbvBinary;
	v.val.binary.data = &val->root;
	v.val.binary.len = VARSIZE(val) - VARHDRSZ;
	json_push(j, key, &v);
}

static void
json_push(OmsJson *j, const char *key, JsonbValue *val)
{
	JsonbValue	k;

	k.type = jbvString;
	k.val.string.val = unconstify(char *, key);
	k.val.string.len = strlen(key);
	pushJsonbValue(&j->state, WJB_KEY, &k);
	pushJsonbValue(&j->state, WJB_VALUE, val);
}

static void
read_whatif(Jsonb *doc, WhatIf *w)
{
	JsonbIterator *it = JsonbIteratorInit(&doc->root);
	JsonbIteratorToken token;
	JsonbValue	v;

	memset(w, 0, sizeof(*w));
	w->in.cod = true;
	w->in.units = 1;
	w->in.promise_days = -1;
	w->in.buyer_orders = -1;
	w->in.margin = OMS_RISK_BY_POLICY;
	w->in.at = GetCurrentTransactionStartTimestamp();
	if (!JB_ROOT_IS_OBJECT(doc))
		ereport(ERROR,
				(errcode(ERRCODE_OMS_INVALID_DOCUMENT),
				 errmsg("the order to score must be a JSON object")));
	(void) JsonbIteratorNext(&it, &v, true);
	while ((token = JsonbIteratorNext(&it, &v, true)) == WJB_KEY)
	{
		char	   *key = pnstrdup(v.val.string.val, v.val.string.len);

		(void) JsonbIteratorNext(&it, &v, true);
		if (v.type != jbvNull)
			read_whatif_field(key, &v, w);
	}
	if (!w->has_value)
		ereport(ERROR,
				(errcode(ERRCODE_OMS_INVALID_DOCUMENT),
				 errmsg("field \"value\" is missing"),
				 errhint("It is what the buyer pays, in rupees.")));
}

static void
read_whatif_field(const char *key, JsonbValue *v, WhatIf *w)
{
	OmsRiskInput *in = &w->in;

	if (strcmp(key, "value") == 0)
	{
		in->value = whatif_money(key, v);
		w->has_value = true;
	}
	else if (strcmp(key, "margin") == 0)
		in->margin = whatif_money(key, v);
	else if (strcmp(key, "loss") == 0)
		in->loss = whatif_money(key, v);
	else if (strcmp(key, "discount") == 0)
		in->discount = whatif_money(key, v);
	else if (strcmp(key, "cod") == 0)
	{
		if (v->type != jbvBool)
			whatif_wrong(key, "true or false");
		in->cod = v->val.boolean;
	}
	else if (strcmp(key, "units") == 0)
		in->units = whatif_count(key, v);
	else if (strcmp(key, "promise_days") == 0)
		in->promise_days = whatif_count(key, v);
	else if (strcmp(key, "buyer_orders") == 0)
		in->buyer_orders = whatif_count(key, v);
	else if (strcmp(key, "buyer_delivered") == 0)
		in->buyer_delivered = whatif_count(key, v);
	else if (strcmp(key, "buyer_rto") == 0)
		in->buyer_rto = whatif_count(key, v);
	else if (strcmp(key, "buyer_cod_open") == 0)
		in->buyer_cod_open = whatif_count(key, v);
	else if (strcmp(key, "address") == 0)
		in->address = whatif_text(key, v);
	else if (strcmp(key, "city") == 0)
		in->city = whatif_text(key, v);
	else if (strcmp(key, "pincode") == 0)
		in->pincode = whatif_text(key, v);
	else if (strcmp(key, "district") == 0)
		in->district = whatif_text(key, v);
	else if (strcmp(key, "state_code") == 0)
		in->state_code = whatif_text(key, v);
	else if (strcmp(key, "company") == 0)
		w->company = whatif_text(key, v);
	else if (strcmp(key, "channel") == 0)
		w->channel = whatif_text(key, v);
	else
		ereport(ERROR,
				(errcode(ERRCODE_OMS_INVALID_DOCUMENT),
				 errmsg("field \"%s\" is not known", key),
				 errhint("The fields are listed in the comment of oms.risk_score(jsonb).")));
}

static int64
whatif_money(const char *key, JsonbValue *v)
{
	if (v->type != jbvNumeric)
		whatif_wrong(key, "a number");
	return oms_numeric_to_paise(NumericGetDatum(v->val.numeric));
}

/* A whole number, or the next above; -1 where allowed means not known */
static int32
whatif_count(const char *key, JsonbValue *v)
{
	int64		milli;

	if (v->type != jbvNumeric)
		whatif_wrong(key, "a number");
	milli = oms_numeric_to_milli(NumericGetDatum(v->val.numeric));
	if (milli < -1000 || milli > INT64CONST(1000000000))
		whatif_wrong(key, "between -1 and 1000000");
	return (int32) (milli > 0 ? (milli + 999) / 1000 : milli / 1000);
}

static char *
whatif_text(const char *key, JsonbValue *v)
{
	if (v->type != jbvString)
		whatif_wrong(key, "text");
	return v->val.string.len == 0 ? NULL :
		pnstrdup(v->val.string.val, v->val.string.len);
}

static void
whatif_wrong(const char *key, const char *expected)
{
	ereport(ERROR,
			(errcode(ERRCODE_OMS_INVALID_DOCUMENT),
			 errmsg("field \"%s\" must be %s", key, expected)));
}

static OmsPlan whatif_channel_plan = {
	"SELECT channel_id FROM oms.channel"
	" WHERE company_id OPERATOR(pg_catalog.=) $1"
	" AND code OPERATOR(pg_catalog.=) $2",
	2, {INT4OID, TEXTOID}, NULL
};
static OmsPlan whatif_pincode_plan = {
	"SELECT district, state_code FROM oms.pincode"
	" WHERE pincode OPERATOR(pg_catalog.=) $1",
	1, {TEXTOID}, NULL
};

/* Company, channel, and where only the pincode is given, its district. */
static void
look_up_whatif(WhatIf *w)
{
	MemoryContext caller = CurrentMemoryContext;

	w->in.company_id = oms_company_id(w->company);
	oms_spi_connect();
	if (w->channel)
	{
		Datum		values[2] = {Int32GetDatum(w->in.company_id), oms_text(w->channel)};

		if (oms_exec(&whatif_channel_plan, values, NULL, true, 1) == 0)
			ereport(ERROR,
					(errcode(ERRCODE_OMS_UNKNOWN_REFERENCE),
					 errmsg("channel \"%s\" does not exist", w->channel)));
		w->in.channel_id = oms_int4(0, 1);
	}
	if (w->in.pincode && !w->in.district && !w->in.state_code)
	{
		Datum		values[1] = {oms_text(w->in.pincode)};

		if (oms_exec(&whatif_pincode_plan, values, NULL, true, 1) > 0)
		{
			w->in.district = oms_strdup(caller, oms_cstr(0, 1));
			w->in.state_code = oms_strdup(caller, oms_cstr(0, 2));
		}
	}
	oms_spi_finish();
}
