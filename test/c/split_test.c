/*
 * split_test.c
 *	  The exact searches of src/split*.c against plain enumeration.
 *
 * Stand-alone: compiled with them and the few functions of the server in
 * shims.h.  Prints one line a family of instances, as
 *	  name|instances|wrong
 * The enumeration knows nothing of the search: it tries every set of nodes
 * and, in the small families, every way of dividing each line over it; for
 * freight by slabs every assignment of lines to nodes.
 */
#include "shims.h"

#define MAX_N 30
#define MAX_M 16

typedef struct Instance
{
	OmsSplitProblem p;
	int64		open_cost[MAX_N];
	int64		unit_cost[MAX_N * MAX_M];
	int64		available[MAX_N * MAX_M];
	int64		need[MAX_M];
} Instance;

static void
make(Instance *x, int n, int m, int units, bool unit_costs, bool tight)
{
	memset(&x->p, 0, sizeof(x->p));
	x->p.n = n;
	x->p.m = m;
	x->p.open_cost = x->open_cost;
	x->p.unit_cost = x->unit_cost;
	x->p.available = x->available;
	x->p.need = x->need;
	for (int i = 0; i < n; i++)
	{
		/* few distinct costs, so that there are ties */
		x->open_cost[i] = pick(0, 5) * 100;
		for (int j = 0; j < m; j++)
		{
			x->unit_cost[i * m + j] = unit_costs ? pick(0, 4) * 30 : 0;
			x->available[i * m + j] = pick(tight ? -1 : 0, units) * 1000;
		}
	}
	for (int j = 0; j < m; j++)
		x->need[j] = pick(1, units) * 1000;
}

/*
 * The best way of filling "rest" units of line j from nodes >= i of the set:
 * most filled, then cheapest.  Every division is tried.
 */
static void
divide(const OmsSplitProblem *p, int set, int j, int i, int64 rest,
	   int64 cost, int64 *least_rest, int64 *least_cost)
{
	if (i == p->n)
	{
		if (rest < *least_rest || (rest == *least_rest && cost < *least_cost))
		{
			*least_rest = rest;
			*least_cost = cost;
		}
		return;
	}
	divide(p, set, j, i + 1, rest, cost, least_rest, least_cost);
	if (set & (1 << i))
		for (int64 q = 1000; q <= p->available[i * p->m + j] && q <= rest; q += 1000)
		{
			if (!p->split_lines && q != p->need[j])
				continue;
			divide(p, set, j, i + 1, rest - q,
				   cost + q / 1000 * p->unit_cost[i * p->m + j],
				   least_rest, least_cost);
		}
}

/*
 * For large sets: without unit costs the line just takes what there is; a
 * whole line goes to the cheapest node that has it all.
 */
static void
sum_up(const OmsSplitProblem *p, int set, int j, int64 *rest, int64 *cost)
{
	int64		sum = 0;

	if (!p->split_lines)
	{
		for (int i = 0; i < p->n; i++)
		{
			int64		c = p->need[j] / 1000 * p->unit_cost[i * p->m + j];

			if ((set & (1 << i)) && p->available[i * p->m + j] >= p->need[j] &&
				(*rest > 0 || c < *cost))
			{
				*rest = 0;
				*cost = c;
			}
		}
		return;
	}
	for (int i = 0; i < p->n; i++)
		if ((set & (1 << i)) && p->available[i * p->m + j] > 0)
			sum += p->available[i * p->m + j];
	*rest = Max(p->need[j] - sum, 0);
	*cost = 0;
}

static void
enumerate(const OmsSplitProblem *p, bool small, int64 *unfilled, int64 *cost,
		  int *ships)
{
	int64		all = 0;

	for (int j = 0; j < p->m; j++)
		all += p->most_lines ? 1 : p->need[j];
	*unfilled = all;
	*cost = 0;
	*ships = 0;
	for (int set = 1; set < 1 << p->n; set++)
	{
		int64		u = 0,
					c = 0;
		int			k = __builtin_popcount(set);
		bool		won;

		if (k > p->max_nodes)
			continue;
		for (int i = 0; i < p->n; i++)
			if (set & (1 << i))
				c += p->open_cost[i];
		for (int j = 0; j < p->m; j++)
		{
			int64		rest = p->need[j],
						line_cost = 0;

			if (small)
				divide(p, set, j, 0, p->need[j], 0, &rest, &line_cost);
			else
				sum_up(p, set, j, &rest, &line_cost);
			u += p->most_lines ? rest > 0 : rest;
			c += line_cost;
		}
		if (p->complete_only && u > 0)
			continue;
		if (u != *unfilled)
			won = u < *unfilled;
		else if (p->objective == OMS_SPLIT_SHIPMENTS)
			won = k < *ships || (k == *ships && c < *cost);
		else
			won = c < *cost || (c == *cost && k < *ships);
		if (won)
		{
			*unfilled = u;
			*cost = c;
			*ships = k;
		}
	}
}

/* What the plan takes must be there, and amount to what it says. */
static bool
sound(const OmsSplitProblem *p, const OmsSplitPlan *plan)
{
	int64		unfilled = 0,
				cost = 0;
	int			opened = 0;

	for (int j = 0; j < p->m; j++)
	{
		int64		taken = 0;
		int			from = 0;

		for (int i = 0; i < p->n; i++)
		{
			int64		q = plan->take[i * p->m + j];

			if (q < 0 || (q > 0 && q > p->available[i * p->m + j]))
				return false;
			taken += q;
			from += q > 0;
			cost += oms_muldiv(q, p->unit_cost[i * p->m + j], 1000);
		}
		if (taken > p->need[j] || (!p->split_lines && from > 1))
			return false;
		unfilled += p->need[j] - taken;
	}
	for (int i = 0; i < p->n; i++)
		for (int j = 0; j < p->m; j++)
			if (plan->take[i * p->m + j] > 0)
			{
				opened++;
				cost += p->open_cost[i];
				break;
			}
	return unfilled == plan->unfilled && cost == plan->cost &&
		opened <= p->max_nodes && opened == plan->shipments &&
		!(p->complete_only && unfilled > 0 && opened > 0);
}

static void
family(const char *name, int instances, int max_n, int max_m, int units,
	   bool unit_costs, bool split_lines, bool complete_only, bool tight,
	   bool small, OmsSplitObjective objective, bool most_lines)
{
	int			wrong = 0;

	for (int k = 0; k < instances; k++)
	{
		Instance	x = {0};
		OmsSplitPlan plan;
		int64		unfilled,
					cost,
					shortage = 0;
		int			ships;

		seed = UINT64CONST(20261123) * (k + 1);
		make(&x, pick(small ? 0 : max_n - 2, max_n), pick(1, max_m), units,
			 unit_costs, tight);
		x.p.max_nodes = pick(1, max_n);
		x.p.split_lines = split_lines;
		x.p.complete_only = complete_only;
		x.p.objective = objective;
		x.p.most_lines = most_lines;
		oms_split_solve(&x.p, &plan);
		enumerate(&x.p, small, &unfilled, &cost, &ships);
		for (int j = 0; j < x.p.m; j++)
		{
			int64		rest = x.need[j];

			for (int i = 0; i < x.p.n; i++)
				rest -= plan.take[i * x.p.m + j];
			shortage += most_lines ? rest > 0 : rest;
		}
		if (!plan.proven || !sound(&x.p, &plan) || shortage != unfilled ||
			plan.cost != cost || plan.shipments != ships)
			wrong++;
	}
	printf("%s|%d|%d\n", name, instances, wrong);
}

/* Every assignment of whole lines: the least slab cost, then fewest nodes. */
static void
assign(const OmsSplitProblem *p, const OmsSplitFreight *f, int j,
	   int64 *weight, int64 units, int64 *cost, int *ships)
{
	int64		c = units;
	int			k = 0;

	if (j < p->m)
	{
		for (int i = 0; i < p->n; i++)
		{
			int64		before = weight[i];

			if (p->available[i * p->m + j] < p->need[j])
				continue;
			weight[i] = Max(before, 0) + f->weight[j];
			assign(p, f, j + 1, weight,
				   units + p->need[j] / 1000 * p->unit_cost[i * p->m + j],
				   cost, ships);
			weight[i] = before;
		}
		return;
	}
	for (int i = 0; i < p->n; i++)
		if (weight[i] >= 0)
		{
			k++;
			c += f->first[i];
			for (int64 w = f->slab; w < weight[i]; w += f->slab)
				c += f->further[i];
		}
	if (k <= p->max_nodes && (*cost < 0 || c < *cost || (c == *cost && k < *ships)))
	{
		*cost = c;
		*ships = k;
	}
}

static void
slabs(const char *name, int instances, int max_n, int min_m, int max_m,
	  int density, bool limited)
{
	int			wrong = 0;

	for (int k = 0; k < instances; k++)
	{
		Instance	x = {0};
		OmsSplitFreight f;
		OmsSplitPlan plan;
		int64		first[MAX_N],
					further[MAX_N],
					heavy[MAX_M],
					weight[MAX_N];
		int64		cost = -1;
		int			ships = 0,
					m;

		seed = UINT64CONST(424242) * (k + 1);
		m = pick(min_m, max_m);
		make(&x, pick(1, max_n), m, 3, true, false);
		for (int i = 0; i < x.p.n; i++)
		{
			x.open_cost[i] = 0;
			first[i] = pick(0, 4) * 50;
			further[i] = pick(0, 4) * 30;
			weight[i] = -1;
			for (int j = 0; j < m; j++)
				x.available[i * m + j] = pick(1, 10) <= density ? 4000 : 0;
		}
		for (int j = 0; j < m; j++)
			heavy[j] = pick(1, 1200);
		f.first = first;
		f.further = further;
		f.weight = heavy;
		f.slab = 500;
		x.p.max_nodes = limited ? pick(0, 3) : x.p.n;
		x.p.split_lines = false;
		x.p.complete_only = true;
		oms_split_solve_slab(&x.p, &f, &plan);
		assign(&x.p, &f, 0, weight, 0, &cost, &ships);
		if (!plan.proven || (cost < 0) != (plan.unfilled > 0) ||
			(cost >= 0 && (plan.cost != cost || plan.shipments != ships)))
			wrong++;
		/* what it takes, counted anew; open_cost is 0 */
		plan.cost -= oms_split_slab_cost(&x.p, &f, plan.take);
		for (int i = 0; i < x.p.n; i++)
			for (int j = 0; j < m; j++)
				plan.cost += plan.take[i * m + j] / 1000 * x.unit_cost[i * m + j];
		if (!sound(&x.p, &plan))
			wrong++;
	}
	printf("%s|%d|%d\n", name, instances, wrong);
}

/* Slabs of an order too large for the table and for the search. */
static void
slabs_beyond(void)
{
	Instance	x = {0};
	OmsSplitFreight f;
	OmsSplitPlan plan;
	int64		first[MAX_N],
				further[MAX_N],
				heavy[MAX_M];

	seed = 11;
	make(&x, 30, 16, 3, true, false);
	for (int i = 0; i < 30; i++)
	{
		first[i] = pick(200, 300);
		further[i] = pick(5, 20);
		for (int j = 0; j < 16; j++)
		{
			x.available[i * 16 + j] = 4000;
			x.unit_cost[i * 16 + j] = pick(0, 400);
		}
	}
	for (int j = 0; j < 16; j++)
		heavy[j] = pick(1, 1200);
	f.first = first;
	f.further = further;
	f.weight = heavy;
	f.slab = 500;
	x.p.max_nodes = 30;
	x.p.split_lines = false;
	x.p.complete_only = true;
	oms_split_solve_slab(&x.p, &f, &plan);
	printf("slabs beyond the budget|1|%d\n",
		   plan.proven || plan.unfilled != 0 ||
		   plan.cost != oms_split_slab_cost(&x.p, &f, plan.take));
}

/* Line by line: the cheaper unit, though the other node does both. */
static void
greedy(void)
{
	Instance	x = {0};
	OmsSplitPlan plan;
	int			wrong = 0;

	make(&x, 2, 2, 3, true, false);
	x.p.max_nodes = 2;
	for (int i = 0; i < 4; i++)
		x.available[i] = 5000;
	x.need[0] = x.need[1] = 2000;
	x.open_cost[0] = x.open_cost[1] = 1000;
	x.unit_cost[0] = 5;
	x.unit_cost[1] = 7;
	x.unit_cost[2] = 6;
	x.unit_cost[3] = 6;
	oms_split_greedy(&x.p, &plan);
	wrong += plan.cost != 2022 || plan.shipments != 2 || plan.unfilled != 0;
	x.available[0] = x.available[2] = 1999;
	oms_split_greedy(&x.p, &plan);
	wrong += plan.cost != 1012 || plan.shipments != 1 || plan.unfilled != 2000;
	printf("line by line|2|%d\n", wrong);
}

/* Too large to be proven: still a sound plan, within the budget. */
static void
beyond(void)
{
	int			wrong = 0;
	int			cut = 0;

	for (int k = 0; k < 5; k++)
	{
		Instance	x = {0};
		OmsSplitPlan plan;

		seed = UINT64CONST(7) * (k + 1);
		make(&x, 30, 8, 3, true, false);
		for (int j = 0; j < 8; j++)
			x.need[j] = 20000;
		x.p.max_nodes = 30;
		x.p.split_lines = true;
		x.p.complete_only = false;
		x.p.most_lines = false;
		x.p.objective = k % 2 ? OMS_SPLIT_SHIPMENTS : OMS_SPLIT_COST;
		oms_split_solve(&x.p, &plan);
		cut += !plan.proven;
		if (!sound(&x.p, &plan) || plan.examined > 200000 || plan.unfilled > 0)
			wrong++;
	}
	printf("beyond the budget (%d cut short)|5|%d\n", cut, wrong);
}

/* Equal plans: the nodes that come first. */
static void
ties(void)
{
	Instance	x = {0};
	OmsSplitPlan plan;
	int			wrong = 0;

	seed = 1;
	make(&x, 6, 1, 3, false, false);
	for (int i = 0; i < 6; i++)
	{
		x.open_cost[i] = 500;
		x.available[i] = 2000;
	}
	x.need[0] = 3000;
	x.p.max_nodes = 3;
	x.p.split_lines = true;
	x.p.complete_only = false;
	x.p.most_lines = false;
	x.p.objective = OMS_SPLIT_COST;
	oms_split_solve(&x.p, &plan);
	wrong += plan.take[0] != 2000 || plan.take[1] != 1000 || plan.cost != 1000;
	x.need[0] = 2000;
	oms_split_solve(&x.p, &plan);
	wrong += plan.take[0] != 2000 || plan.cost != 500;
	/* fractions are not lost */
	x.need[0] = 2001;
	oms_split_solve(&x.p, &plan);
	wrong += plan.take[0] != 2000 || plan.take[1] != 1 || plan.unfilled != 0;
	/* nothing to choose from */
	x.p.n = 0;
	oms_split_solve(&x.p, &plan);
	wrong += plan.unfilled != 2001 || plan.cost != 0 || !plan.proven;
	printf("ties and edges|4|%d\n", wrong);
}

int
main(void)
{
	family("lines divided", 3000, 5, 3, 4, true, true, false, false, true, OMS_SPLIT_COST, false);
	family("lines divided, negative stock", 1000, 5, 3, 4, true, true, false, true, true, OMS_SPLIT_COST, false);
	family("lines whole", 3000, 6, 3, 4, true, false, false, false, true, OMS_SPLIT_COST, false);
	family("all or nothing", 3000, 6, 3, 4, true, false, true, false, true, OMS_SPLIT_COST, false);
	family("all or nothing, lines divided", 2000, 5, 3, 4, true, true, true, false, true, OMS_SPLIT_COST, false);
	family("many nodes, many lines", 60, 14, 8, 6, false, true, false, false, false, OMS_SPLIT_COST, false);
	family("fewest parcels, lines whole", 3000, 6, 3, 4, true, false, true, false, true, OMS_SPLIT_SHIPMENTS, false);
	family("fewest parcels, lines divided", 3000, 5, 3, 4, true, true, true, false, true, OMS_SPLIT_SHIPMENTS, false);
	family("most lines, fewest parcels", 3000, 6, 3, 4, true, false, false, true, true, OMS_SPLIT_SHIPMENTS, true);
	family("most lines, least cost", 3000, 6, 3, 4, true, false, false, false, true, OMS_SPLIT_COST, true);
	family("most units, fewest parcels", 2000, 5, 3, 4, true, true, false, false, true, OMS_SPLIT_SHIPMENTS, false);
	family("fewest parcels of many nodes", 60, 14, 8, 6, false, true, false, false, false, OMS_SPLIT_SHIPMENTS, false);
	family("a hundred thousand, lines divided", 50000, 5, 3, 3, true, true, false, false, true, OMS_SPLIT_COST, false);
	family("a hundred thousand, lines whole", 50000, 6, 4, 4, true, false, false, false, true, OMS_SPLIT_COST, false);
	family("many nodes, many whole lines", 400, 12, 8, 6, true, false, false, false, false, OMS_SPLIT_COST, false);
	family("fewest parcels, many whole lines", 400, 12, 8, 6, true, false, false, false, false, OMS_SPLIT_SHIPMENTS, false);
	slabs("slabs", 2000, 5, 1, 5, 6, false);
	slabs("slabs, few nodes allowed", 2000, 5, 1, 5, 7, true);
	slabs("slabs of many lines", 20, 2, 15, 15, 9, false);
	slabs("slabs of many lines, few nodes allowed", 20, 3, 15, 15, 5, true);
	slabs_beyond();
	greedy();
	beyond();
	ties();
	return 0;
}
