/*
 * split.c
 *	  Exact search for the set of nodes that fills an order at least cost.
 *
 * Depth first over node sets in node order.  Given a set, lines are
 * independent of each other: each takes its cheapest units from the set.  A
 * branch is left when even all nodes still to come could not leave fewer
 * units unfilled than the best plan, or when one node more and the least
 * possible cost are not better than it.  The search is exact unless it
 * exceeds its budget, which it then says.
 */
#include "postgres.h"

#include "miscadmin.h"

#include "core.h"
#include "split.h"

/* Node sets to look at before a search is cut short. */
#define EXAMINE_BUDGET 200000

typedef struct Search
{
	const OmsSplitProblem *p;
	int		   *by_cost;		/* [m * n] nodes of a line, cheapest first */
	int64	   *reach;			/* [(n + 1) * m] most that nodes >= i can fill */
	int64	   *floor_cost;		/* [(n + 1) * m] least unit cost at nodes >= i */
	bool	   *open;			/* [n] the current set */
	int64	   *filled;			/* [m] by the current set */
	int			nopen;
	int64		open_cost;
	bool	   *best_open;
	int64		best_unfilled;	/* units, or lines with most_lines */
	int64		best_cost;
	int			best_nopen;
	int64	   *take;			/* [n * m] scratch, where a set is forbidden */
	int64		examined;
	int64		budget;
	bool		cut;
} Search;

static void search_from(Search *s, int next);
static bool better(const Search *s, int64 unfilled, int64 cost, int nopen);
static bool permitted(Search *s);
static bool useful(const OmsSplitProblem *p, int node, int line);
static int64 evaluate(Search *s, int64 *take, int64 *unfilled);
static int64 possible_unfilled(Search *s, int next, int64 *least_cost);

void
oms_split_solve(const OmsSplitProblem *p, OmsSplitPlan *plan)
{
	Search		s = {0};
	int			n = p->n,
				m = p->m;

	s.p = p;
	s.budget = p->budget > 0 ? p->budget : EXAMINE_BUDGET;
	s.by_cost = palloc(sizeof(int) * (n * m + 1));
	s.reach = palloc0(sizeof(int64) * ((n + 1) * m + 1));
	s.floor_cost = palloc(sizeof(int64) * ((n + 1) * m + 1));
	s.open = palloc0(sizeof(bool) * (n + 1));
	s.best_open = palloc0(sizeof(bool) * (n + 1));
	s.filled = palloc0(sizeof(int64) * (m + 1));
	if (p->forbidden)
		s.take = palloc(sizeof(int64) * (n * m + 1));

	for (int j = 0; j < m; j++)
	{
		int		   *order = &s.by_cost[j * n];

		/* stable insertion sort: equal costs keep node order */
		for (int i = 0; i < n; i++)
		{
			int			k = i;

			while (k > 0 && p->unit_cost[order[k - 1] * m + j] > p->unit_cost[i * m + j])
			{
				order[k] = order[k - 1];
				k--;
			}
			order[k] = i;
		}
		s.floor_cost[n * m + j] = PG_INT64_MAX;
		for (int i = n - 1; i >= 0; i--)
		{
			int64		a = Max(p->available[i * m + j], 0);
			int64		later = s.reach[(i + 1) * m + j];

			s.floor_cost[i * m + j] = s.floor_cost[(i + 1) * m + j];
			if (useful(p, i, j))
				s.floor_cost[i * m + j] = Min(s.floor_cost[i * m + j],
											  p->unit_cost[i * m + j]);
			s.reach[i * m + j] = p->split_lines ? later + a : Max(later, a);
		}
	}

	s.best_unfilled = 0;
	for (int j = 0; j < m; j++)
		s.best_unfilled += p->most_lines ? 1 : p->need[j];
	search_from(&s, 0);

	memcpy(s.open, s.best_open, sizeof(bool) * n);
	plan->take = palloc0(sizeof(int64) * (n * m + 1));
	plan->cost = evaluate(&s, plan->take, &plan->unfilled);
	plan->shipments = s.best_nopen;
	if (p->most_lines)
	{
		plan->unfilled = 0;
		for (int j = 0; j < m; j++)
		{
			plan->unfilled += p->need[j];
			for (int i = 0; i < n; i++)
				plan->unfilled -= plan->take[i * m + j];
		}
	}
	if (p->complete_only && plan->unfilled > 0)
	{
		memset(plan->take, 0, sizeof(int64) * n * m);
		plan->cost = 0;
		plan->shipments = 0;
		plan->unfilled = 0;
		for (int j = 0; j < m; j++)
			plan->unfilled += p->need[j];
	}
	plan->proven = !s.cut;
	plan->examined = s.examined;
}

static void
search_from(Search *s, int next)
{
	const OmsSplitProblem *p = s->p;

	if (s->nopen >= p->max_nodes)
		return;
	for (int i = next; i < p->n; i++)
	{
		int64		unfilled;
		int64		cost;
		int64		least;

		if (s->examined >= s->budget)
		{
			s->cut = true;
			return;
		}
		s->examined++;
		if ((s->examined & 1023) == 0)
			CHECK_FOR_INTERRUPTS();

		s->open[i] = true;
		s->nopen++;
		s->open_cost += p->open_cost[i];
		cost = evaluate(s, NULL, &unfilled);
		if (better(s, unfilled, cost, s->nopen) && permitted(s))
		{
			s->best_unfilled = unfilled;
			s->best_cost = cost;
			s->best_nopen = s->nopen;
			memcpy(s->best_open, s->open, sizeof(bool) * p->n);
		}
		unfilled = possible_unfilled(s, i + 1, &least);
		if (better(s, unfilled, s->open_cost + least, s->nopen + 1))
			search_from(s, i + 1);
		s->open[i] = false;
		s->nopen--;
		s->open_cost -= p->open_cost[i];
	}
}

/* Would such a plan beat the best so far? */
static bool
better(const Search *s, int64 unfilled, int64 cost, int nopen)
{
	if (unfilled != s->best_unfilled)
		return unfilled < s->best_unfilled;
	if (s->p->objective == OMS_SPLIT_SHIPMENTS && nopen != s->best_nopen)
		return nopen < s->best_nopen;
	if (cost != s->best_cost)
		return cost < s->best_cost;
	return nopen < s->best_nopen;
}

/* Is the current set one to answer, where another one is forbidden? */
static bool
permitted(Search *s)
{
	const OmsSplitProblem *p = s->p;
	int64		unfilled;

	if (p->forbidden == NULL)
		return true;
	if (memcmp(s->open, p->forbidden, sizeof(bool) * p->n) == 0)
		return false;
	memset(s->take, 0, sizeof(int64) * p->n * p->m);
	evaluate(s, s->take, &unfilled);
	for (int i = 0; i < p->n; i++)
	{
		bool		serves = !s->open[i];

		for (int j = 0; j < p->m && !serves; j++)
			serves = s->take[i * p->m + j] > 0;
		if (!serves)
			return false;
	}
	return true;
}

/* Can the node fill the line, or a part of it where that is allowed? */
static bool
useful(const OmsSplitProblem *p, int node, int line)
{
	int64		a = p->available[node * p->m + line];

	return a > 0 && (p->split_lines || a >= p->need[line]);
}

/*
 * Cost of the current set, each line taking its cheapest units; "take" may
 * be NULL.  Nodes of the set that serve nothing still cost: a set without
 * them is another branch and cheaper.
 */
static int64
evaluate(Search *s, int64 *take, int64 *unfilled)
{
	const OmsSplitProblem *p = s->p;
	int64		cost = 0;

	*unfilled = 0;
	for (int i = 0; i < p->n; i++)
		if (s->open[i])
			cost += p->open_cost[i];
	for (int j = 0; j < p->m; j++)
	{
		int64		rest = p->need[j];

		for (int k = 0; k < p->n && rest > 0; k++)
		{
			int			i = s->by_cost[j * p->n + k];
			int64		a = p->available[i * p->m + j];

			if (!s->open[i] || a <= 0 || (!p->split_lines && a < rest))
				continue;
			a = Min(a, rest);
			cost += oms_muldiv(a, p->unit_cost[i * p->m + j], 1000);
			if (take)
				take[i * p->m + j] += a;
			rest -= a;
		}
		*unfilled += p->most_lines ? rest > 0 : rest;
	}
	return cost;
}

/*
 * What the current set and everything from "next" on could at best leave
 * unfilled, and the least unit cost of filling as much.
 */
static int64
possible_unfilled(Search *s, int next, int64 *least_cost)
{
	const OmsSplitProblem *p = s->p;
	int64		unfilled = 0;

	*least_cost = 0;
	for (int j = 0; j < p->m; j++)
	{
		int64		reach = s->reach[next * p->m + j];
		int64		least = s->floor_cost[next * p->m + j];
		int64		fill;

		for (int i = 0; i < next; i++)
			if (s->open[i])
			{
				int64		a = Max(p->available[i * p->m + j], 0);

				reach = p->split_lines ? reach + a : Max(reach, a);
				if (useful(p, i, j))
					least = Min(least, p->unit_cost[i * p->m + j]);
			}
		if (p->split_lines)
			fill = Min(Max(reach, 0), p->need[j]);
		else
			fill = reach >= p->need[j] ? p->need[j] : 0;
		unfilled += p->most_lines ? fill < p->need[j] : p->need[j] - fill;
		if (fill > 0)
			*least_cost += oms_muldiv(fill, least, 1000);
	}
	return unfilled;
}

void
oms_split_greedy(const OmsSplitProblem *p, OmsSplitPlan *plan)
{
	int			n = p->n,
				m = p->m;

	memset(plan, 0, sizeof(*plan));
	plan->take = palloc0(sizeof(int64) * (n * m + 1));
	plan->proven = true;
	for (int j = 0; j < m; j++)
	{
		int			best = -1;

		for (int i = 0; i < n; i++)
			if (p->available[i * m + j] >= p->need[j] &&
				(best < 0 || p->unit_cost[i * m + j] < p->unit_cost[best * m + j]))
				best = i;
		if (best < 0)
		{
			plan->unfilled += p->need[j];
			continue;
		}
		plan->take[best * m + j] = p->need[j];
		plan->cost += oms_muldiv(p->need[j], p->unit_cost[best * m + j], 1000);
	}
	for (int i = 0; i < n; i++)
		for (int j = 0; j < m; j++)
			if (plan->take[i * m + j] > 0)
			{
				plan->shipments++;
				plan->cost += p->open_cost[i];
				break;
			}
}
