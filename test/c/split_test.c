/*
 * split_test.c
 *	  The exact search of src/split.c against plain enumeration.
 *
 * Stand-alone: compiled with src/split.c and the few functions of the server
 * below.  Prints one line a family of instances, as
 *	  name|instances|wrong
 * The enumeration knows nothing of the search: it tries every set of nodes
 * and, in the small families, every way of dividing each line over it.
 */
#include "postgres.h"

#include "core.h"
#include "split.h"

#undef printf					/* the plain one: no libpgport here */

#define MAX_N 30
#define MAX_M 8

/* what split.c needs of the server */
volatile sig_atomic_t InterruptPending = false;

void
ProcessInterrupts(void)
{
}

void *
palloc(Size size)
{
	return malloc(size);
}

void *
palloc0(Size size)
{
	return calloc(1, size);
}

#ifdef USE_ASSERT_CHECKING
void
ExceptionalCondition(const char *conditionName, const char *errorType,
					 const char *fileName, int lineNumber)
{
	abort();
}
#endif

/* half away from zero; operands are not negative here */
int64
oms_muldiv(int64 a, int64 b, int64 c)
{
	return (a * b + c / 2) / c;
}

/* splitmix64: the same instances everywhere */
static uint64 seed;

static int
pick(int lo, int hi)
{
	uint64		z = (seed += UINT64CONST(0x9E3779B97F4A7C15));

	z = (z ^ (z >> 30)) * UINT64CONST(0xBF58476D1CE4E5B9);
	z = (z ^ (z >> 27)) * UINT64CONST(0x94D049BB133111EB);
	z ^= z >> 31;
	return lo + (int) (z % (uint64) (hi - lo + 1));
}

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

/* For large sets: without unit costs the line just takes what there is. */
static void
sum_up(const OmsSplitProblem *p, int set, int j, int64 *rest, int64 *cost)
{
	int64		sum = 0;

	for (int i = 0; i < p->n; i++)
		if ((set & (1 << i)) && p->available[i * p->m + j] > 0)
			sum += p->available[i * p->m + j];
	*rest = Max(p->need[j] - sum, 0);
	*cost = 0;
}

static void
enumerate(const OmsSplitProblem *p, bool small, int64 *unfilled, int64 *cost)
{
	int64		all = 0;

	for (int j = 0; j < p->m; j++)
		all += p->need[j];
	*unfilled = all;
	*cost = 0;
	for (int set = 1; set < 1 << p->n; set++)
	{
		int64		u = 0,
					c = 0;

		if (__builtin_popcount(set) > p->max_nodes)
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
			u += rest;
			c += line_cost;
		}
		if (p->complete_only && u > 0)
			continue;
		if (u < *unfilled || (u == *unfilled && c < *cost))
		{
			*unfilled = u;
			*cost = c;
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
		opened <= p->max_nodes &&
		!(p->complete_only && unfilled > 0 && opened > 0);
}

static void
family(const char *name, int instances, int max_n, int max_m, int units,
	   bool unit_costs, bool split_lines, bool complete_only, bool tight,
	   bool small)
{
	int			wrong = 0;

	for (int k = 0; k < instances; k++)
	{
		Instance	x;
		OmsSplitPlan plan;
		int64		unfilled,
					cost;

		seed = UINT64CONST(20261123) * (k + 1);
		make(&x, pick(small ? 0 : max_n - 2, max_n), pick(1, max_m), units,
			 unit_costs, tight);
		x.p.max_nodes = pick(1, max_n);
		x.p.split_lines = split_lines;
		x.p.complete_only = complete_only;
		oms_split_solve(&x.p, &plan);
		enumerate(&x.p, small, &unfilled, &cost);
		if (!plan.proven || !sound(&x.p, &plan) ||
			plan.unfilled != unfilled || plan.cost != cost)
			wrong++;
	}
	printf("%s|%d|%d\n", name, instances, wrong);
}

/* Too large to be proven: still a sound plan, within the budget. */
static void
beyond(void)
{
	int			wrong = 0;
	int			cut = 0;

	for (int k = 0; k < 5; k++)
	{
		Instance	x;
		OmsSplitPlan plan;

		seed = UINT64CONST(7) * (k + 1);
		make(&x, 30, 8, 3, true, false);
		for (int j = 0; j < 8; j++)
			x.need[j] = 20000;
		x.p.max_nodes = 30;
		x.p.split_lines = true;
		x.p.complete_only = false;
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
	Instance	x;
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
	family("lines divided", 3000, 5, 3, 4, true, true, false, false, true);
	family("lines divided, negative stock", 1000, 5, 3, 4, true, true, false, true, true);
	family("lines whole", 3000, 6, 3, 4, true, false, false, false, true);
	family("all or nothing", 3000, 6, 3, 4, true, false, true, false, true);
	family("all or nothing, lines divided", 2000, 5, 3, 4, true, true, true, false, true);
	family("many nodes, many lines", 60, 14, 8, 6, false, true, false, false, false);
	beyond();
	ties();
	return 0;
}
