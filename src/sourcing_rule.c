/*
 * sourcing_rule.c
 *	  Which rule of oms.sourcing_rule a line falls under, and its steps.
 *
 * A rule matches when each of its keys that is not blank does.  Of those that
 * match the most specific counts: the keys are compared in a fixed order, and
 * at the first that one rule has and the other leaves blank, the one that has
 * it wins.  Of regions the narrower one does: an area before a pincode
 * prefix (a longer one first) before a state.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "fmgr.h"
#include "utils/builtins.h"

#include "core_memo.h"
#include "sourcing_rule.h"

#define NKEYS 7					/* channel ... region */
#define ITEM_KEY 2				/* item, then three classes */
#define CLASSES 3

typedef struct KeyedRule
{
	OmsSourcingRule rule;
	int			specific[NKEYS];	/* 0: blank */
	int32		sku_id;			/* 0: blank */
	int32		zone;			/* 0: blank */
	const char *classes[CLASSES];	/* NULL: blank */
} KeyedRule;

static int	read_rules(const OmsRuleQuery *q, KeyedRule **rules);
static int	compare_rules(const void *a, const void *b);
static char ***item_classes(const OmsRuleQuery *q);

void
oms_rule_read(uint64 row, int col, MemoryContext cxt, OmsSourcingRule *r)
{
	int			most;

	r->rule_id = oms_int4(row, col);
	r->max_distance_m = oms_int8(row, col + 1);
	r->min_available = oms_int8(row, col + 2);
	r->min_capacity = oms_int8(row, col + 3);
	r->refuse_full = oms_bool(row, col + 4);
	r->cost_per_km = oms_float8(row, col + 5);
	r->cost_per_minute = oms_float8(row, col + 6);
	r->cost_per_priority = oms_float8(row, col + 7);
	r->cost_per_load = oms_float8(row, col + 8);
	r->freight_weight = oms_float8(row, col + 9);
	r->price_weight = oms_float8(row, col + 10);
	r->shipment_cost = oms_int8(row, col + 11);
	r->max_nodes = oms_int4(row, col + 12);
	r->pick = oms_cstr(row, col + 13)[0];
	r->ship_complete = oms_bool(row, col + 14);
	r->line_complete = oms_bool(row, col + 15);
	r->single_node = oms_bool(row, col + 16);
	r->line_single_node = oms_bool(row, col + 17);
	most = oms_int4(row, col + 18);
	if (most > 0)
		r->max_shipments = Min(r->max_shipments, most);
	r->min_split_value = oms_int8(row, col + 19);
	r->park_queue = oms_strdup(cxt, oms_cstr(row, col + 20));
	r->cancel_days = oms_int4(row, col + 21);
	r->lane_costs = oms_bool(row, col + 22);
	r->max_parcel_g = oms_int4(row, col + 23);
	r->has_steps = oms_bool(row, col + 24);
	r->nsteps = 0;
	r->steps = NULL;
}

void
oms_rules_find(const OmsRuleQuery *q, const OmsSourcingRule *standard,
			   OmsSourcingRule *order, OmsSourcingRule **items)
{
	KeyedRule  *rules;
	int			n = read_rules(q, &rules);
	char	 ***classes = NULL;
	OmsSourcingRule *none = NULL;
	OmsSourcingRule *general = NULL;
	bool		shared = true;

	for (int i = 0; i < n && classes == NULL; i++)
		for (int c = 0; c < CLASSES; c++)
			if (rules[i].classes[c])
				classes = item_classes(q);
	qsort(rules, n, sizeof(KeyedRule), compare_rules);
	for (int j = 0; j < q->nitems; j++)
	{
		items[j] = NULL;
		for (int i = 0; i < n && items[j] == NULL; i++)
		{
			KeyedRule  *r = &rules[i];
			bool		matches = r->sku_id == 0 || r->sku_id == q->sku_ids[j];

			for (int c = 0; c < CLASSES && matches; c++)
				if (r->classes[c])
					matches = classes[j][c] &&
						strcmp(r->classes[c], classes[j][c]) == 0;
			if (matches)
				items[j] = &r->rule;
		}
		if (items[j] == NULL)
		{
			if (none == NULL)
			{
				none = palloc(sizeof(OmsSourcingRule));
				*none = *standard;
			}
			items[j] = none;
		}
		if (items[j] != items[0])
			shared = false;
	}
	for (int i = 0; i < n && general == NULL; i++)
		if (rules[i].sku_id == 0 && !rules[i].classes[0] &&
			!rules[i].classes[1] && !rules[i].classes[2])
			general = &rules[i].rule;
	if (shared && q->nitems > 0)
		*order = *items[0];
	else
		*order = general ? *general : *standard;
}

/* Rules that name no item ($2 is 0), or that item. */
static OmsPlan rules_plan = {
	"SELECT coalesce(r.channel_id, 0), r.order_class, coalesce(r.sku_id, 0),"
	" r.primary_class, r.secondary_class, r.tertiary_class, coalesce(r.ship_zone_id, 0), r.pincode_prefix, r.state_code,"
	" r.fulfilment_mode = 'CARRY_OUT', r.valid_from, r.valid_to, " OMS_RULE_COLUMNS
	" FROM oms.sourcing_rule r WHERE r.company_id = $1 AND r.sku_id IS NOT DISTINCT FROM nullif($2, 0)",
	2, {INT4OID, INT4OID}, NULL
};
static OmsPlan zones_plan = {
	"SELECT ship_zone_id FROM oms.ship_zone WHERE company_id = $1 AND oms.geo_covers(area, $2, $3)",
	3, {INT4OID, FLOAT8OID, FLOAT8OID}, NULL
};

/*
 * Row i of rules_plan, when it matches but for zone and classes; false: it
 * does not.
 */
static bool
read_rule(const OmsRuleQuery *q, uint64 i, MemoryContext cxt, KeyedRule *r)
{
	int32		channel_id = oms_int4(i, 1);
	const char *order_class = oms_cstr(i, 2);
	const char *prefix = oms_cstr(i, 8);
	const char *state = oms_cstr(i, 9);

	if ((channel_id != 0 && channel_id != q->channel_id) ||
		(order_class && (!q->order_class || strcmp(order_class, q->order_class) != 0)) ||
		(prefix && (!q->pincode || strncmp(q->pincode, prefix, strlen(prefix)) != 0)) ||
		(state && (!q->state_code || strcmp(state, q->state_code) != 0)) ||
		oms_bool(i, 10) != q->carry_out ||
		oms_time(i, 11) > q->at || oms_time(i, 12) <= q->at)
		return false;
	r->sku_id = oms_int4(i, 3);
	r->zone = oms_int4(i, 7);
	r->specific[0] = channel_id != 0;
	r->specific[1] = order_class != NULL;
	r->specific[ITEM_KEY] = r->sku_id != 0;
	for (int c = 0; c < CLASSES; c++)
	{
		r->classes[c] = oms_strdup(cxt, oms_cstr(i, 4 + c));
		r->specific[ITEM_KEY + 1 + c] = r->classes[c] != NULL;
	}
	r->specific[NKEYS - 1] = (r->zone ? 100 : 0) +
		(prefix ? 10 + (int) strlen(prefix) : 0) + (state ? 1 : 0);
	r->rule.allow_split = q->allow_split;
	r->rule.max_shipments = q->max_shipments;
	oms_rule_read(i, 13, cxt, &r->rule);
	return true;
}

/* Rules that match but for the classes of items. */
static int
read_rules(const OmsRuleQuery *q, KeyedRule **out)
{
	MemoryContext caller = CurrentMemoryContext;
	Datum		values[3] = {Int32GetDatum(q->company_id)};
	KeyedRule  *rules = palloc(sizeof(KeyedRule));
	int			n = 0;
	int			kept = 0;
	bool		zoned = false;

	oms_spi_connect();
	for (int j = -1; j < (q->item_rules ? q->nitems : 0); j++)
	{
		bool		seen = false;
		uint64		found;

		for (int k = 0; k < j && !seen; k++)
			seen = q->sku_ids[k] == q->sku_ids[j];
		if (seen)
			continue;
		values[1] = Int32GetDatum(j < 0 ? 0 : q->sku_ids[j]);
		found = oms_memo(&rules_plan, values, NULL, false);
		rules = repalloc(rules, sizeof(KeyedRule) * (n + found + 1));
		for (uint64 i = 0; i < found; i++)
		{
			memset(&rules[n], 0, sizeof(KeyedRule));
			if (read_rule(q, i, caller, &rules[n]))
				zoned |= rules[n++].zone != 0;
		}
	}
	if (zoned)
	{
		int			nzones = 0;

		if (q->has_point)
		{
			values[1] = Float8GetDatum(q->lng);
			values[2] = Float8GetDatum(q->lat);
			nzones = (int) oms_exec(&zones_plan, values, NULL, false, 0);
		}
		for (int i = 0; i < n; i++)
		{
			bool		inside = rules[i].zone == 0;

			for (int z = 0; z < nzones && !inside; z++)
				inside = oms_int4(z, 1) == rules[i].zone;
			if (inside)
				rules[kept++] = rules[i];
		}
		n = kept;
	}
	oms_spi_finish();
	*out = rules;
	return n;
}

/* The most specific first; equally specific ones by their number. */
static int
compare_rules(const void *a, const void *b)
{
	const KeyedRule *x = a;
	const KeyedRule *y = b;

	for (int k = 0; k < NKEYS; k++)
		if (x->specific[k] != y->specific[k])
			return x->specific[k] > y->specific[k] ? -1 : 1;
	return x->rule.rule_id < y->rule.rule_id ? -1 : 1;
}

static OmsPlan classes_plan = {
	"SELECT nullif(split_part(k.category, '/', 1), ''), nullif(split_part(k.category, '/', 2), ''), nullif(split_part(k.category, '/', 3), '')"
	" FROM oms.sku k WHERE k.sku_id = $1",
	1, {INT4OID}, NULL
};

/* Primary, secondary and tertiary class of each item; NULL: it has none. */
static char ***
item_classes(const OmsRuleQuery *q)
{
	MemoryContext caller = CurrentMemoryContext;
	char	 ***classes = palloc(sizeof(char **) * (q->nitems + 1));

	for (int j = 0; j < q->nitems; j++)
		classes[j] = palloc0(sizeof(char *) * CLASSES);
	oms_spi_connect();
	for (int j = 0; j < q->nitems; j++)
	{
		Datum		values[1] = {Int32GetDatum(q->sku_ids[j])};

		if (oms_memo(&classes_plan, values, NULL, false) > 0)
			for (int c = 0; c < CLASSES; c++)
				classes[j][c] = oms_strdup(caller, oms_cstr(0, 1 + c));
	}
	oms_spi_finish();
	return classes;
}

static OmsPlan steps_plan = {
	"SELECT s.seq, coalesce(s.node_id, m.node_id), m.priority, coalesce(s.max_distance_m, r.max_distance_m, 0)::int8,"
	" coalesce((coalesce(s.min_available, r.min_available) * 1000)::int8, 0)"
	" FROM oms.sourcing_step s JOIN oms.sourcing_rule r USING (sourcing_rule_id)"
	" LEFT JOIN oms.node_group_member m ON m.node_group_id = s.node_group_id"
	" WHERE s.sourcing_rule_id = $1 AND (s.node_id IS NOT NULL OR m.node_id IS NOT NULL) ORDER BY 1, 2",
	1, {INT4OID}, NULL
};

void
oms_rule_steps(OmsSourcingRule *rule)
{
	MemoryContext caller = CurrentMemoryContext;
	Datum		values[1] = {Int32GetDatum(rule->rule_id)};
	int			n;
	int			place = -1;
	int32		seq = 0;

	if (!rule->has_steps || rule->steps)
		return;
	oms_spi_connect();
	n = (int) oms_memo(&steps_plan, values, NULL, false);
	rule->steps = MemoryContextAllocZero(caller, sizeof(OmsSourcingStep) * (n + 1));
	for (int i = 0; i < n; i++)
	{
		OmsSourcingStep *s = &rule->steps[rule->nsteps];

		if (place < 0 || oms_int4(i, 1) != seq)
			place++;
		seq = oms_int4(i, 1);
		if (oms_rule_step(rule, oms_int4(i, 2)))
			continue;			/* an earlier step has it */
		s->place = place;
		s->node_id = oms_int4(i, 2);
		s->has_priority = !oms_isnull(i, 3);
		s->priority = oms_int4(i, 3);
		s->max_distance_m = oms_int8(i, 4);
		s->min_available = oms_int8(i, 5);
		rule->nsteps++;
	}
	oms_spi_finish();
}

const OmsSourcingStep *
oms_rule_step(const OmsSourcingRule *rule, int32 node_id)
{
	for (int i = 0; i < rule->nsteps; i++)
		if (rule->steps[i].node_id == node_id)
			return &rule->steps[i];
	return NULL;
}

const char *
oms_rule_refuses(const OmsSourcingRule *rule, const OmsNode *node,
				 bool carry_out, int64 available)
{
	int64		max_distance_m = rule->max_distance_m;
	int64		min_available = rule->min_available;

	if (rule->has_steps)
	{
		const OmsSourcingStep *step = oms_rule_step(rule, node->node_id);

		if (step == NULL)
			return "NOT_IN_STEP";
		max_distance_m = step->max_distance_m;
		min_available = step->min_available;
	}
	if (max_distance_m > 0 && !carry_out)
	{
		if (node->distance_m < 0)
			return "NO_PLACE";
		if (node->distance_m > max_distance_m)
			return "DISTANCE";
	}
	if (min_available > 0 && available < min_available)
		return "BELOW_MIN_STOCK";
	return NULL;
}
