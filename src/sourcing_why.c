/*
 * sourcing_why.c
 *	  Why an order was planned as it was: what was weighed in a run, packed
 *	  into one row of oms.decision_run.  The view oms.decision unpacks it.
 *
 * A row for every node of every order was half of what a capture wrote, and
 * is read for few orders.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "fmgr.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/guc.h"

#include "core_rows.h"
#include "sourcing.h"

static bool explain_runner_up = true;

void
oms_sourcing_init(void)
{
	DefineCustomBoolVariable("oms.explain_runner_up",
							 "Whether planning an order also finds the plan that came second, for oms.explain_order.",
							 NULL,
							 &explain_runner_up, true,
							 PGC_USERSET, 0, NULL, NULL, NULL);
}

bool
oms_sourcing_explains_runner_up(void)
{
	return explain_runner_up;
}

int
oms_sourcing_explain(const OmsPlanResult *res, OmsDecision *decisions, int n)
{
	for (int i = 0; i < res->nnodes; i++)
	{
		OmsDecision *d = &decisions[n++];

		memset(d, 0, sizeof(*d));
		d->subject = "node";
		d->node_id = res->nodes[i].node_id;
		d->outcome = res->nodes[i].refused ? "refused" :
			res->node_used[i] ? "chosen" : "ranked";
		d->reason = res->nodes[i].refused ? res->nodes[i].refused :
			res->node_used[i] ? NULL : "NOT_BEST";
		if (res->nodes[i].refused == NULL)
		{
			d->rank = 1;
			for (int k = 0; k < res->nnodes; k++)
				if (res->nodes[k].refused == NULL &&
					(res->node_cost[k] < res->node_cost[i] ||
					 (res->node_cost[k] == res->node_cost[i] && k < i)))
					d->rank++;
			d->cost = res->node_cost[i];
		}
		d->distance_m = res->nodes[i].distance_m;
	}
	return n;
}

int
oms_sourcing_explain_runner_up(const OmsPlanResult *res,
							   OmsDecision *decisions, int n)
{
	OmsDecision *d = &decisions[n];
	OmsJson		j;
	int			parcels = 0;

	if (res->nrunner_up == 0)
		return n;
	for (int k = 0; k < res->nrunner_up; k++)
	{
		bool		another = true;

		for (int l = 0; l < k && another; l++)
			another = !oms_same_site(&res->nodes[res->runner_up[k]],
									 &res->nodes[res->runner_up[l]]);
		parcels += another ? 1 : 0;
	}
	memset(d, 0, sizeof(*d));
	d->subject = "plan";
	d->outcome = "runner_up";
	d->rank = 2;
	d->cost = res->runner_up_cost;
	oms_json_begin(&j);
	oms_json_array(&j, "nodes");
	for (int k = 0; k < res->nrunner_up; k++)
		oms_json_str(&j, NULL, res->nodes[res->runner_up[k]].code);
	oms_json_close_array(&j);
	oms_json_int(&j, "parcels", parcels);
	oms_json_bool(&j, "proven", res->runner_up_proven);
	oms_json_milli(&j, "unfilled", res->runner_up_unfilled);
	oms_json_paise(&j, "difference", res->runner_up_cost - res->cost);
	d->terms = oms_json_end(&j);
	return n + 1;
}

static OmsPlan keep_plan = {
	"INSERT INTO oms.decision_run (company_id, order_id, run, subject, outcome, node_id, courier_service_id, rank, cost, distance, reason, terms)"
	" VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)",
	12, {INT4OID, INT8OID, INT4OID, TEXTOID, TEXTOID, INT4ARRAYOID, INT4ARRAYOID, INT2ARRAYOID, INT8ARRAYOID, INT4ARRAYOID, TEXTOID, JSONBOID}, NULL
};

/* The letters of the packed row, and of the view that unpacks it. */
static char
letter(const char *word)
{
	static const struct
	{
		const char *word;
		char		letter;
	}			letters[] = {
		{"node", 'n'}, {"plan", 'p'}, {"courier", 'c'},
		{"chosen", 'c'}, {"ranked", 'r'}, {"refused", 'x'}, {"runner_up", 's'}
	};

	for (int i = 0; i < lengthof(letters); i++)
		if (strcmp(letters[i].word, word) == 0)
			return letters[i].letter;
	elog(ERROR, "unknown word of a decision: \"%s\"", word);
	return 0;					/* keep compiler quiet */
}

static Datum
int2_array(const int16 *v, int n)
{
	Datum	   *d = palloc(sizeof(Datum) * Max(n, 1));

	for (int i = 0; i < n; i++)
		d[i] = Int16GetDatum(v[i]);
	return PointerGetDatum(construct_array(d, n, INT2OID, 2, true, TYPALIGN_SHORT));
}

/* Terms of those that have any, by their number. */
static Jsonb *
pack_terms(const OmsDecision *decisions, int n)
{
	JsonbParseState *state = NULL;
	bool		any = false;

	pushJsonbValue(&state, WJB_BEGIN_OBJECT, NULL);
	for (int i = 0; i < n; i++)
	{
		JsonbValue	key;
		JsonbValue	val;

		if (decisions[i].terms == NULL)
			continue;
		any = true;
		key.type = jbvString;
		key.val.string.val = psprintf("%d", i + 1);
		key.val.string.len = strlen(key.val.string.val);
		pushJsonbValue(&state, WJB_KEY, &key);
		JsonbToJsonbValue(decisions[i].terms, &val);
		pushJsonbValue(&state, WJB_VALUE, &val);
	}
	return any ? JsonbValueToJsonb(pushJsonbValue(&state, WJB_END_OBJECT, NULL)) : NULL;
}

void
oms_sourcing_keep(int32 company_id, int64 order_id, int32 run,
				  const OmsDecision *decisions, int n)
{
	char	   *subject = palloc(n + 1),
			   *outcome = palloc(n + 1);
	int32	   *node = palloc(sizeof(int32) * (n + 1)),
			   *service = palloc(sizeof(int32) * (n + 1)),
			   *distance = palloc(sizeof(int32) * (n + 1));
	int16	   *rank = palloc(sizeof(int16) * (n + 1));
	int64	   *cost = palloc(sizeof(int64) * (n + 1));
	StringInfoData reason;
	Jsonb	   *terms = pack_terms(decisions, n);
	Datum		values[12];

	initStringInfo(&reason);
	for (int i = 0; i < n; i++)
	{
		const OmsDecision *d = &decisions[i];

		subject[i] = letter(d->subject);
		outcome[i] = letter(d->outcome);
		node[i] = d->node_id;
		service[i] = d->courier_service_id;
		rank[i] = (int16) Min(d->rank, PG_INT16_MAX);
		cost[i] = d->cost;
		/* hectometres, as km are shown with one decimal; couriers have none */
		distance[i] = d->subject[0] != 'n' || d->distance_m < 0 ? -1 :
			(int32) ((d->distance_m + 50) / 100);
		if (i > 0)
			appendStringInfoChar(&reason, ',');
		if (d->reason)
			appendStringInfoString(&reason, d->reason);
	}
	subject[n] = outcome[n] = '\0';
	values[0] = Int32GetDatum(company_id);
	values[1] = Int64GetDatum(order_id);
	values[2] = Int32GetDatum(run);
	values[3] = oms_text(subject);
	values[4] = oms_text(outcome);
	values[5] = oms_int4_array(node, n);
	values[6] = oms_int4_array(service, n);
	values[7] = int2_array(rank, n);
	values[8] = oms_int8_array(cost, n);
	values[9] = oms_int4_array(distance, n);
	values[10] = oms_text(reason.data);
	values[11] = terms ? JsonbPGetDatum(terms) : (Datum) 0;
	oms_spi_connect();
	oms_insert(&keep_plan, values, terms ? NULL : "           n");
	oms_spi_finish();
}
