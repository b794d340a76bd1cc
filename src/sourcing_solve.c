/*
 * sourcing_solve.c
 *	  The exact search under what a rule demands of a plan besides its cost.
 *
 * The search of split.c knows nodes, units and a limit on parcels.  Here
 * around it, each as a problem it can solve:
 *	  sites: their nodes become one, which has what they have together;
 *	  whole lines: a line that no plan can fill is taken out; where the limit
 *	  on parcels leaves one half filled, all sets of lines are tried, most
 *	  units first, each as "all of these or nothing";
 *	  a least value of parcels: where the best plan has a parcel below it,
 *	  the plans without one of those parcels are looked at, and so on.
 */
#include "postgres.h"

#include "miscadmin.h"

#include "core.h"
#include "sourcing_solve.h"

#define MAX_SUBSET_LINES 8
#define MAX_VALUE_SOLVES 300

/* The problem over sites. */
typedef struct Sites
{
	const OmsSolveRequest *q;
	OmsSplitProblem p;
	int		   *of;				/* [q->p.n] site of each node */
	int64	   *available;
	int64	   *open_cost;
	int64	   *unit_cost;
	int64	   *need;
	bool		even;			/* nodes of each site cost the same a unit */
	/* the least value of parcels */
	OmsSplitPlan best;
	bool		found;
	uint64		best_without;
	int			solves;
	int			nseen;
	uint64		seen[MAX_VALUE_SOLVES];
	bool		cut;
} Sites;

static void make_sites(const OmsSolveRequest *q, Sites *s);
static void solve_lines(Sites *s, uint64 without, OmsSplitPlan *plan);
static void solve_value(Sites *s, uint64 without);
static void to_nodes(const Sites *s, OmsSplitPlan *plan);

void
oms_sourcing_solve(const OmsSolveRequest *q, OmsSplitPlan *plan)
{
	Sites		s = {0};
	OmsSplitPlan free_plan;

	/* nothing asked that the search does not know: the usual order */
	if (q->site == NULL && !q->whole_lines && q->min_split_value == 0)
	{
		oms_split_solve(&q->p, plan);
		return;
	}
	make_sites(q, &s);
	if (q->min_split_value == 0)
		solve_lines(&s, 0, plan);
	else
	{
		solve_lines(&s, 0, &free_plan);
		solve_value(&s, 0);
		if (!s.found)
		{
			/* cut short before anything fitted: one parcel always does */
			s.p.max_nodes = 1;
			solve_lines(&s, 0, &s.best);
		}
		*plan = s.best;
		if (s.best_without != 0)
			for (int i = 0; i < q->p.n; i++)
				q->too_small[i] = (s.best_without >> s.of[i]) & 1;
		plan->proven = plan->proven && !s.cut &&
			plan->unfilled == free_plan.unfilled && plan->cost == free_plan.cost;
	}
	if (!s.even)
		plan->proven = false;
	to_nodes(&s, plan);
}

/* Cheapest nodes of a site first: what of the line each of them gives. */
static int64
take_from_site(const Sites *s, int site, int line, int64 qty, int64 *take)
{
	const OmsSplitProblem *p = &s->q->p;
	int64		cost = 0;

	while (qty > 0)
	{
		int			best = -1;
		int64		q;

		for (int i = 0; i < p->n; i++)
			if (s->of[i] == site && take[i] == 0 &&
				p->available[i * p->m + line] > 0 &&
				(best < 0 || p->unit_cost[i * p->m + line] <
				 p->unit_cost[best * p->m + line]))
				best = i;
		if (best < 0)
			break;
		q = Min(qty, p->available[best * p->m + line]);
		take[best] = q;
		cost += oms_muldiv(q, p->unit_cost[best * p->m + line], 1000);
		qty -= q;
	}
	return cost;
}

static void
make_sites(const OmsSolveRequest *q, Sites *s)
{
	int			n = q->p.n;
	int			m = q->p.m;
	int			nsites = 0;
	int64	   *take = palloc(sizeof(int64) * (n + 1));

	s->q = q;
	s->p = q->p;
	s->even = true;
	s->of = palloc(sizeof(int) * (n + 1));
	s->available = palloc0(sizeof(int64) * (n * m + 1));
	s->open_cost = palloc0(sizeof(int64) * (n + 1));
	s->unit_cost = palloc0(sizeof(int64) * (n * m + 1));
	s->need = palloc(sizeof(int64) * (m + 1));
	memcpy(s->need, q->p.need, sizeof(int64) * m);
	for (int i = 0; i < n; i++)
	{
		s->of[i] = -1;
		for (int k = 0; k < i && q->site && s->of[i] < 0; k++)
			if (q->site[k] == q->site[i])
				s->of[i] = s->of[k];
		if (s->of[i] < 0)
		{
			s->of[i] = nsites++;
			s->open_cost[s->of[i]] = q->p.open_cost[i];
		}
		s->open_cost[s->of[i]] = Min(s->open_cost[s->of[i]], q->p.open_cost[i]);
		for (int j = 0; j < m; j++)
		{
			int64	   *a = &s->available[s->of[i] * m + j];

			*a = Min(*a + Max(q->p.available[i * m + j], 0), PG_INT64_MAX / 8);
		}
	}
	for (int g = 0; g < nsites; g++)
		for (int j = 0; j < m; j++)
		{
			int64		qty = Min(s->available[g * m + j], s->need[j]);
			int64		first = -1;
			bool		even = true;

			for (int i = 0; i < n; i++)
				if (s->of[i] == g && q->p.available[i * m + j] > 0)
				{
					if (first < 0)
						first = q->p.unit_cost[i * m + j];
					even &= q->p.unit_cost[i * m + j] == first;
				}
			s->unit_cost[g * m + j] = Max(first, 0);
			if (even || qty <= 0)
				continue;
			memset(take, 0, sizeof(int64) * n);
			s->unit_cost[g * m + j] =
				oms_muldiv(take_from_site(s, g, j, qty, take), 1000, qty);
			s->even = false;
		}
	if (q->p.forbidden)
	{
		bool	   *forbidden = palloc0(sizeof(bool) * (n + 1));

		for (int i = 0; i < n; i++)
			forbidden[s->of[i]] |= q->p.forbidden[i];
		s->p.forbidden = forbidden;
	}
	s->p.n = nsites;
	s->p.available = s->available;
	s->p.open_cost = s->open_cost;
	s->p.unit_cost = s->unit_cost;
	s->p.need = s->need;
}

/* Units left of what is really wanted. */
static void
count_unfilled(const Sites *s, OmsSplitPlan *plan)
{
	plan->unfilled = 0;
	for (int j = 0; j < s->p.m; j++)
	{
		plan->unfilled += s->q->p.need[j];
		for (int g = 0; g < s->p.n; g++)
			plan->unfilled -= plan->take[g * s->p.m + j];
	}
}

static bool
line_open(const Sites *s, const OmsSplitPlan *plan, int line)
{
	int64		got = 0;

	for (int g = 0; g < s->p.n; g++)
		got += plan->take[g * s->p.m + line];
	return got > 0 && got < s->need[line];
}

/* Of these lines all or nothing; sets by falling number of units. */
static void
solve_subsets(Sites *s, OmsSplitProblem *p, OmsSplitPlan *plan)
{
	int			m = p->m;
	int64	   *need = palloc(sizeof(int64) * (m + 1));
	bool		tried[1 << MAX_SUBSET_LINES] = {0};
	OmsSplitPlan best = *plan;
	int64		best_units = -1;

	p->need = need;
	p->complete_only = true;
	for (int round = 0; round < (1 << m); round++)
	{
		int64		most = -1;
		int			set = 0;

		for (int t = 0; t < (1 << m); t++)
		{
			int64		units = 0;

			for (int j = 0; j < m; j++)
				units += (t >> j) & 1 ? s->need[j] : 0;
			if (!tried[t] && units > most)
			{
				most = units;
				set = t;
			}
		}
		if (most < best_units)
			break;
		tried[set] = true;
		CHECK_FOR_INTERRUPTS();
		for (int j = 0; j < m; j++)
			need[j] = (set >> j) & 1 ? s->need[j] : 0;
		oms_split_solve(p, plan);
		if (plan->unfilled == 0 &&
			(best_units < 0 || plan->cost < best.cost ||
			 (plan->cost == best.cost && plan->shipments < best.shipments)))
		{
			best = *plan;
			best_units = most;
		}
	}
	*plan = best;
}

/* The best plan without these sites. */
static void
solve_lines(Sites *s, uint64 without, OmsSplitPlan *plan)
{
	OmsSplitProblem p = s->p;
	int			m = p.m;
	int64	   *available = palloc(sizeof(int64) * (p.n * m + 1));
	bool		open = false;

	memcpy(available, s->available, sizeof(int64) * p.n * m);
	for (int g = 0; g < p.n; g++)
		if ((without >> g) & 1)
			memset(&available[g * m], 0, sizeof(int64) * m);
	p.available = available;
	memcpy(s->need, s->q->p.need, sizeof(int64) * m);
	for (int j = 0; j < m && s->q->whole_lines && !p.complete_only; j++)
	{
		int64		all = 0;

		for (int g = 0; g < p.n; g++)
			all = Min(all + available[g * m + j], PG_INT64_MAX / 8);
		if (all < s->need[j])
			s->need[j] = 0;
	}
	oms_split_solve(&p, plan);
	for (int j = 0; j < m && s->q->whole_lines; j++)
		open |= line_open(s, plan, j);
	if (open && m <= MAX_SUBSET_LINES)
		solve_subsets(s, &p, plan);
	else if (open)
	{
		/* too many to try: without the lines that were left open */
		for (int j = 0; j < m; j++)
			if (line_open(s, plan, j))
				for (int g = 0; g < p.n; g++)
					plan->take[g * m + j] = 0;
		plan->proven = false;
	}
	count_unfilled(s, plan);
}

/* Is a better than what was found? */
static bool
better_than_found(const Sites *s, const OmsSplitPlan *a)
{
	if (!s->found || a->unfilled != s->best.unfilled)
		return !s->found || a->unfilled < s->best.unfilled;
	if (a->cost != s->best.cost)
		return a->cost < s->best.cost;
	return a->shipments < s->best.shipments;
}

/*
 * Without these sites, and then without those whose parcels would be worth
 * too little.  A site taken out can only make a plan worse, so what is not
 * better than the best found is not looked into.
 */
static void
solve_value(Sites *s, uint64 without)
{
	OmsSplitPlan plan;
	int64		value[64] = {0};
	int			first = 0;
	bool		fits = true;

	for (int i = 0; i < s->nseen; i++)
		if (s->seen[i] == without)
			return;
	if (s->solves++ >= MAX_VALUE_SOLVES || s->nseen >= MAX_VALUE_SOLVES)
	{
		s->cut = true;
		return;
	}
	s->seen[s->nseen++] = without;
	solve_lines(s, without, &plan);
	if (!better_than_found(s, &plan))
		return;
	for (int g = 0; g < s->p.n; g++)
	{
		for (int j = 0; j < s->p.m; j++)
			if (s->q->p.need[j] > 0)
				value[g] += oms_muldiv(s->q->value[j],
									   plan.take[g * s->p.m + j],
									   s->q->p.need[j]);
		if (value[g] > value[first])
			first = g;
	}
	for (int g = 0; g < s->p.n; g++)
	{
		bool		used = false;

		for (int j = 0; j < s->p.m; j++)
			used |= plan.take[g * s->p.m + j] > 0;
		if (!used || g == first || value[g] >= s->q->min_split_value)
			continue;
		fits = false;
		solve_value(s, without | (UINT64CONST(1) << g));
	}
	if (fits)
	{
		s->best = plan;
		s->best_without = without;
		s->found = true;
	}
}

/* From sites back to nodes. */
static void
to_nodes(const Sites *s, OmsSplitPlan *plan)
{
	int			n = s->q->p.n;
	int			m = s->q->p.m;
	int64	   *take = palloc0(sizeof(int64) * (n * m + 1));
	int64	   *line = palloc(sizeof(int64) * (n + 1));

	for (int g = 0; g < s->p.n; g++)
		for (int j = 0; j < m; j++)
		{
			memset(line, 0, sizeof(int64) * n);
			take_from_site(s, g, j, plan->take[g * m + j], line);
			for (int i = 0; i < n; i++)
				take[i * m + j] += line[i];
		}
	plan->take = take;
}
