/*
 * split.c
 *	  Exact search for the set of nodes that fills an order at least cost.
 *
 * Depth first over node sets in node order.  Given a set, lines are
 * independent of each other: each takes its cheapest units from the set.
 * What a line takes is kept for each depth and changes only where the node
 * that is added is cheaper for it than what it has.
 *
 * A branch is left when even all nodes still to come could not leave fewer
 * units unfilled than the best plan, or when one node more and the least
 * possible cost are not better than it.  A node from which no line would take
 * anything is not added: no line will with more nodes in the set either.
 *
 * A set put together greedily tells beforehand what is to be beaten; it is
 * not an answer.  So of plans that are equally good it is always the first in
 * node order that is found, and what is found depends on nothing else.
 *
 * The search is exact unless it exceeds its budget, which it then says.
 */
#include "postgres.h"

#include "miscadmin.h"

#include "core.h"
#include "split.h"

/* Node sets to look at before a search is cut short. */
#define EXAMINE_BUDGET 200000

/* What a line takes from the current set. */
typedef struct LineState
{
	int64		rest;			/* milli units not filled */
	int64		cost;			/* of those filled */
	int			complete_at;	/* place in by_cost of the node that filled
								 * it, n while it is not */
	int			cheapest;		/* least place in by_cost of all in the set */
} LineState;

/* A node for a line. */
typedef struct Offer
{
	int64		available;		/* at most need; 0: of no use to the line */
	int64		cost;			/* of that */
	int64		full_cost;		/* of the whole need, if there was as much */
	int			place;			/* in by_cost */
} Offer;

typedef struct Search
{
	const OmsSplitProblem *p;
	int		   *by_cost;		/* [m * n] nodes of a line, cheapest first */
	Offer	   *offer;			/* [n * m] */
	int64	   *reach;			/* [(n + 1) * m] most that nodes >= i can fill */
	int64	   *floor_cost;		/* [(n + 1) * m] least unit cost at nodes >= i */
	int64	   *floor_full;		/* [(n + 1) * m] least full_cost at nodes >= i */
	int64	   *floor_open;		/* [n + 1] least cost of opening some >= i */
	int64	   *floor_offer;	/* [(n + 1) * m] the same of those a line can
								 * take from */
	int64	   *rounding;		/* [m] what rounding may save, in paise */
	bool	   *open;			/* [n] the current set */
	LineState  *state;			/* [(depth + 1) * m] */
	int			nopen;
	int64		open_cost;
	bool	   *best_open;
	int64		best_unfilled;	/* units, or lines with most_lines */
	int64		best_cost;
	int			best_nopen;
	bool		to_reach;		/* the best is what greed came to: as good
								 * will do */
	int64	   *take;			/* [n * m] scratch, where a set is forbidden */
	int64		examined;
	int64		budget;
	bool		cut;
} Search;

static void prepare(Search *s, const OmsSplitProblem *p);
static void greed(Search *s);
static void search_from(Search *s, int next);
static bool useful(const OmsSplitProblem *p, int node, int line);
static bool taken_from(const Search *s, int node);
static int64 add_node(Search *s, int node, int64 *unfilled);
static void fill_line(const Search *s, int line, LineState *to);
static bool better(const Search *s, int64 unfilled, int64 cost, int nopen);
static int64 possible_unfilled(const Search *s, int next, int64 *least_cost);
static int64 evaluate(const Search *s, int64 *take, int64 *unfilled);
static bool permitted(const Search *s);

void
oms_split_solve(const OmsSplitProblem *p, OmsSplitPlan *plan)
{
	Search		s = {0};
	int			n = p->n,
				m = p->m;

	prepare(&s, p);
	if (p->forbidden == NULL)	/* greed might come to just that */
		greed(&s);
	search_from(&s, 0);

	memcpy(s.open, s.best_open, sizeof(bool) * n);
	plan->take = palloc0(sizeof(int64) * (n * m + 1));
	plan->cost = evaluate(&s, plan->take, &plan->unfilled);
	plan->shipments = s.best_nopen;
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

/* Cost of "qty" milli units; 128 bits only where they are needed. */
static int64
cost_of(int64 qty, int64 unit_cost)
{
	int64		product;

	if (qty >= 0 && unit_cost >= 0 &&
		!__builtin_mul_overflow(qty, unit_cost, &product) &&
		product <= PG_INT64_MAX - 500)
		return (product + 500) / 1000;
	return oms_muldiv(qty, unit_cost, 1000);
}

static void
prepare(Search *s, const OmsSplitProblem *p)
{
	int			n = p->n,
				m = p->m;
	int			depth = Max(Min(n, p->max_nodes), 0);

	s->p = p;
	s->budget = p->budget > 0 ? p->budget : EXAMINE_BUDGET;
	if (p->forbidden)
		s->take = palloc(sizeof(int64) * (n * m + 1));
	s->by_cost = palloc(sizeof(int) * (n * m + 1));
	s->offer = palloc0(sizeof(Offer) * (n * m + 1));
	s->reach = palloc0(sizeof(int64) * ((n + 1) * m + 1));
	s->floor_cost = palloc(sizeof(int64) * ((n + 1) * m + 1));
	s->floor_full = palloc(sizeof(int64) * ((n + 1) * m + 1));
	s->floor_open = palloc(sizeof(int64) * (n + 1));
	s->floor_offer = palloc(sizeof(int64) * ((n + 1) * m + 1));
	s->rounding = palloc0(sizeof(int64) * (m + 1));
	s->open = palloc0(sizeof(bool) * (n + 1));
	s->best_open = palloc0(sizeof(bool) * (n + 1));
	s->state = palloc(sizeof(LineState) * ((depth + 2) * m + 1));

	/* one at least; all that cost less than nothing */
	s->floor_open[n] = PG_INT64_MAX;
	for (int i = n - 1; i >= 0; i--)
		s->floor_open[i] = p->open_cost[i] >= 0 || s->floor_open[i + 1] >= 0 ?
			Min(s->floor_open[i + 1], p->open_cost[i]) :
			s->floor_open[i + 1] + p->open_cost[i];
	for (int j = 0; j < m; j++)
	{
		int		   *order = &s->by_cost[j * n];

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
		if (p->split_lines && p->need[j] % 1000 != 0)
			s->rounding[j] = (n + 1) / 2;
		for (int k = 0; k < n; k++)
		{
			int			i = order[k];
			Offer	   *o = &s->offer[i * m + j];

			o->place = k;
			if (!useful(p, i, j))
				continue;
			o->available = Min(p->available[i * m + j], p->need[j]);
			o->cost = cost_of(o->available, p->unit_cost[i * m + j]);
			o->full_cost = o->available == p->need[j] ? o->cost :
				cost_of(p->need[j], p->unit_cost[i * m + j]);
			if (p->split_lines && o->available % 1000 != 0)
				s->rounding[j] = (n + 1) / 2;
		}
		s->floor_cost[n * m + j] = s->floor_full[n * m + j] =
			s->floor_offer[n * m + j] = PG_INT64_MAX;
		for (int i = n - 1; i >= 0; i--)
		{
			Offer	   *o = &s->offer[i * m + j];
			int			here = i * m + j;
			int			later = here + m;

			s->floor_cost[here] = s->floor_cost[later];
			s->floor_full[here] = s->floor_full[later];
			s->floor_offer[here] = s->floor_offer[later];
			if (o->available > 0)
			{
				s->floor_offer[here] = Min(s->floor_offer[here], p->open_cost[i]);
				s->floor_cost[here] = Min(s->floor_cost[here], p->unit_cost[here]);
				s->floor_full[here] = Min(s->floor_full[here], o->full_cost);
			}
			s->reach[here] = p->split_lines ? s->reach[later] + o->available :
				Max(s->reach[later], o->available);
		}
		s->state[j].rest = p->need[j];
		s->state[j].cost = 0;
		s->state[j].complete_at = s->state[j].cheapest = n;
		s->best_unfilled += p->most_lines ? 1 : p->need[j];
	}
}

/*
 * Adds the node that helps most, again and again.  What it comes to is to be
 * reached by the search; the set counts only if that is cut short before.
 */
static void
greed(Search *s)
{
	const OmsSplitProblem *p = s->p;

	while (s->nopen < p->max_nodes)
	{
		int			best = -1;
		int64		unfilled;
		int64		cost;

		for (int i = 0; i < p->n; i++)
		{
			if (s->open[i] || !taken_from(s, i))
				continue;
			cost = add_node(s, i, &unfilled);
			if (better(s, unfilled, s->open_cost + p->open_cost[i] + cost, s->nopen + 1))
			{
				best = i;
				s->best_unfilled = unfilled;
				s->best_cost = s->open_cost + p->open_cost[i] + cost;
				s->best_nopen = s->nopen + 1;
			}
		}
		if (best < 0)
			break;
		(void) add_node(s, best, &unfilled);
		s->open[best] = true;
		s->open_cost += p->open_cost[best];
		s->nopen++;
	}
	s->to_reach = s->nopen > 0;
	memcpy(s->best_open, s->open, sizeof(bool) * p->n);
	memset(s->open, 0, sizeof(bool) * p->n);
	s->nopen = 0;
	s->open_cost = 0;
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

		if (p->open_cost[i] >= 0 && !taken_from(s, i))
			continue;
		if (s->examined >= s->budget)
		{
			s->cut = true;
			return;
		}
		s->examined++;
		if ((s->examined & 1023) == 0)
			CHECK_FOR_INTERRUPTS();

		cost = add_node(s, i, &unfilled);
		s->open[i] = true;
		s->nopen++;
		s->open_cost += p->open_cost[i];
		if (better(s, unfilled, s->open_cost + cost, s->nopen) && permitted(s))
		{
			s->best_unfilled = unfilled;
			s->best_cost = s->open_cost + cost;
			s->best_nopen = s->nopen;
			s->to_reach = false;
			memcpy(s->best_open, s->open, sizeof(bool) * p->n);
		}
		if (i + 1 < p->n)
		{
			unfilled = possible_unfilled(s, i + 1, &least);
			if (better(s, unfilled, s->open_cost + least, s->nopen + 1))
				search_from(s, i + 1);
		}
		s->open[i] = false;
		s->nopen--;
		s->open_cost -= p->open_cost[i];
	}
}

/* Would such a plan beat the best so far, or reach what is to be reached? */
static bool
better(const Search *s, int64 unfilled, int64 cost, int nopen)
{
	if (unfilled != s->best_unfilled)
		return unfilled < s->best_unfilled;
	if (s->p->objective == OMS_SPLIT_SHIPMENTS && nopen != s->best_nopen)
		return nopen < s->best_nopen;
	if (cost != s->best_cost)
		return cost < s->best_cost;
	return nopen < s->best_nopen || (nopen == s->best_nopen && s->to_reach);
}

/* Is the current set one to answer, where another one is forbidden? */
static bool
permitted(const Search *s)
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

/* Would any line take anything from the node, were it in the set? */
static bool
taken_from(const Search *s, int node)
{
	int			m = s->p->m;
	const Offer *o = &s->offer[node * m];
	const LineState *l = &s->state[s->nopen * m];

	for (int j = 0; j < m; j++)
		if (o[j].available > 0 && o[j].place < l[j].complete_at)
			return true;
	return false;
}

/*
 * What lines take from the current set and the node, into the state behind
 * the current one; the cost of that.
 */
static int64
add_node(Search *s, int node, int64 *unfilled)
{
	const OmsSplitProblem *p = s->p;
	int			m = p->m;
	const Offer *o = &s->offer[node * m];
	const LineState *from = &s->state[s->nopen * m];
	LineState  *to = &s->state[(s->nopen + 1) * m];
	bool		was_open = s->open[node];
	int64		cost = 0;

	*unfilled = 0;
	s->open[node] = true;
	for (int j = 0; j < m; j++)
	{
		to[j] = from[j];
		if (o[j].available > 0 && o[j].place < from[j].complete_at)
		{
			to[j].cheapest = Min(from[j].cheapest, o[j].place);
			if (to[j].cheapest == o[j].place && o[j].available == p->need[j])
			{
				to[j].rest = 0;
				to[j].cost = o[j].full_cost;
				to[j].complete_at = o[j].place;
			}
			else
				fill_line(s, j, &to[j]);
		}
		cost += to[j].cost;
		*unfilled += p->most_lines ? to[j].rest > 0 : to[j].rest;
	}
	s->open[node] = was_open;
	return cost;
}

/* From the cheapest node of the set on, until there is enough. */
static void
fill_line(const Search *s, int line, LineState *to)
{
	const OmsSplitProblem *p = s->p;
	const int  *order = &s->by_cost[line * p->n];

	to->rest = p->need[line];
	to->cost = 0;
	to->complete_at = p->n;
	for (int k = to->cheapest; k < p->n; k++)
	{
		const Offer *o = &s->offer[order[k] * p->m + line];

		if (!s->open[order[k]] || o->available == 0)
			continue;
		if (o->available >= to->rest)
		{
			to->cost += cost_of(to->rest, p->unit_cost[order[k] * p->m + line]);
			to->rest = 0;
			to->complete_at = k;
			return;
		}
		to->cost += o->cost;
		to->rest -= o->available;
	}
}

/*
 * What the current set and one or more nodes from "next" on could at best
 * leave unfilled, and the least that filling as much would cost more.
 */
static int64
possible_unfilled(const Search *s, int next, int64 *least_cost)
{
	const OmsSplitProblem *p = s->p;
	int			n = p->n,
				m = p->m;
	const LineState *l = &s->state[s->nopen * m];
	int64		unfilled = 0;
	int64		least_open = s->floor_open[next];

	*least_cost = 0;
	for (int j = 0; j < m; j++)
	{
		int64		reach = s->reach[next * m + j];
		int64		rest;
		int			here = l[j].cheapest < n ? s->by_cost[j * n + l[j].cheapest] * m + j : -1;

		if (p->split_lines)
			rest = Max(l[j].rest - reach, 0);
		else
			rest = reach > 0 ? 0 : l[j].rest;
		unfilled += p->most_lines ? rest > 0 : rest;
		if (p->need[j] == 0)
			continue;
		/* what the set does not fill has to come from one that has it */
		if (rest < l[j].rest && s->floor_open[next] >= 0)
			least_open = Max(least_open, s->floor_offer[next * m + j]);
		if (rest == 0)
		{
			int64		least = s->floor_full[next * m + j];

			if (here >= 0)
				least = Min(least, s->offer[here].full_cost);
			*least_cost += least - s->rounding[j];
		}
		else if (rest < p->need[j])
		{
			int64		least = s->floor_cost[next * m + j];

			if (here >= 0)
				least = Min(least, p->unit_cost[here]);
			*least_cost += cost_of(p->need[j] - rest, least) - s->rounding[j];
		}
	}
	*least_cost += least_open;
	return unfilled;
}

/*
 * Cost of the set that was found, each line taking its cheapest units.
 */
static int64
evaluate(const Search *s, int64 *take, int64 *unfilled)
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
			int64		a = Min(s->offer[i * p->m + j].available, rest);

			if (!s->open[i] || a == 0)
				continue;
			cost += cost_of(a, p->unit_cost[i * p->m + j]);
			take[i * p->m + j] += a;
			rest -= a;
		}
		*unfilled += rest;
	}
	return cost;
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
