/*
 * split_slab.c
 *	  The cheapest plan when freight goes by the weight of a node's lines.
 *
 * Slabs couple the lines of a node, so a set of nodes says too little.
 * Orders of ordinary size are solved by sets of lines instead: best[T] is
 * the least cost of sending exactly the lines T from the nodes so far; the
 * next node takes some subset of T and the earlier ones the rest.  That is
 * n * 3^m steps and exact.  With a limit on nodes that could bind the table
 * has a layer for each count.
 *
 * Larger orders are searched line by line, heaviest first and cheapest node
 * first, within a budget; what is found is the optimum only if the search
 * came to its end.
 */
#include "postgres.h"

#include "miscadmin.h"

#include "core.h"
#include "split.h"

/* Steps of the table, and assignments of a search, at most. */
#define TABLE_BUDGET INT64CONST(20000000)
#define TABLE_LINES 14
#define SEARCH_BUDGET 2000000

#define NO_WAY (PG_INT64_MAX / 4)

/* Of equally dear plans the one from fewer nodes is better. */
typedef struct Value
{
	int64		cost;
	int			nodes;
} Value;

typedef struct Search
{
	const OmsSplitProblem *p;
	const OmsSplitFreight *f;
	int		   *line;			/* [m] heaviest first */
	int64	   *rest_floor;		/* [m + 1] least unit cost of lines >= k */
	int64	   *weight;			/* [n] so far */
	int		   *at;				/* [m] node of each line */
	int		   *best_at;
	Value		best;
	int64		examined;
	bool		cut;
} Search;

static void solve_table(const OmsSplitProblem *p, const OmsSplitFreight *f,
						int layers, OmsSplitPlan *plan);
static void solve_search(const OmsSplitProblem *p, const OmsSplitFreight *f,
						 OmsSplitPlan *plan);
static void search_line(Search *s, int k, Value so_far);
static int64 freight(const OmsSplitFreight *f, int node, int64 weight);
static int64 line_cost(const OmsSplitProblem *p, int node, int line);
static bool less(Value a, Value b);

void
oms_split_solve_slab(const OmsSplitProblem *p, const OmsSplitFreight *f,
					 OmsSplitPlan *plan)
{
	int			most = Min(p->n, p->m);
	int			layers = p->max_nodes < most ? Max(p->max_nodes, 0) : 1;
	int64		steps = (int64) p->n * layers;

	memset(plan, 0, sizeof(*plan));
	plan->take = palloc0(sizeof(int64) * (p->n * p->m + 1));
	plan->proven = true;
	for (int j = 0; j < p->m && steps <= TABLE_BUDGET; j++)
		steps *= 3;
	if (layers == 0)
		 /* no node may be used */ ;
	else if (p->m <= TABLE_LINES && steps <= TABLE_BUDGET)
		solve_table(p, f, layers, plan);
	else
		solve_search(p, f, plan);
	for (int j = 0; j < p->m; j++)
	{
		plan->unfilled += p->need[j];
		for (int i = 0; i < p->n; i++)
			plan->unfilled -= plan->take[i * p->m + j];
	}
}

int64
oms_split_slab_cost(const OmsSplitProblem *p, const OmsSplitFreight *f,
					const int64 *take)
{
	int64		cost = 0;

	for (int i = 0; i < p->n; i++)
	{
		int64		weight = 0;
		bool		used = false;

		for (int j = 0; j < p->m; j++)
		{
			int64		q = take[i * p->m + j];

			if (q <= 0)
				continue;
			used = true;
			weight += oms_muldiv(f->weight[j], q, p->need[j]);
			cost += oms_muldiv(q, p->unit_cost[i * p->m + j], 1000);
		}
		if (used)
			cost += freight(f, i, weight);
	}
	return cost;
}

/*
 * By sets of lines.  Layer c holds what c nodes can do at most; one layer is
 * enough, and any number of nodes allowed, where "layers" is 1 for want of a
 * binding limit.  A limit of one node needs no earlier layer.
 */
static void
solve_table(const OmsSplitProblem *p, const OmsSplitFreight *f, int layers,
			OmsSplitPlan *plan)
{
	int			n = p->n,
				m = p->m;
	bool		bounded = p->max_nodes < Min(n, m);
	int			nsets = 1 << m;
	Value		none = {NO_WAY, 0};
	Value	   *best = palloc(sizeof(Value) * layers * nsets);
	uint32	   *took = palloc0(sizeof(uint32) * n * layers * nsets);
	int64	   *weight = palloc0(sizeof(int64) * nsets);
	int64	   *units = palloc(sizeof(int64) * nsets);
	uint32		rest = nsets - 1;
	int			layer = layers - 1;

	for (int t = 1; t < nsets; t++)
	{
		int			j = pg_rightmost_one_pos32(t);

		weight[t] = weight[t & (t - 1)] + f->weight[j];
	}
	for (int c = 0; c < layers; c++)
		for (int t = 0; t < nsets; t++)
		{
			best[c * nsets + t] = none;
			if (t == 0)
				best[c * nsets + t].cost = 0;
		}
	units[0] = 0;
	for (int i = 0; i < n; i++)
	{
		uint32		holds = 0;

		for (int j = 0; j < m; j++)
			if (p->available[i * m + j] >= p->need[j])
				holds |= 1 << j;
		for (int t = 1; t < nsets; t++)
			units[t] = units[t & (t - 1)] +
				line_cost(p, i, pg_rightmost_one_pos32(t));
		/* larger sets and layers first: they read smaller ones of before */
		for (int c = layers - 1; c >= 0; c--)
			for (uint32 t = nsets - 1; t > 0; t--)
			{
				Value	   *v = &best[c * nsets + t];

				for (uint32 take = t & holds; take > 0; take = (take - 1) & t & holds)
				{
					Value		w = none;

					plan->examined++;
					if (!bounded || c > 0)
						w = best[(bounded ? c - 1 : 0) * nsets + (t ^ take)];
					else if (take == t)
						w.cost = 0;
					if (w.cost >= NO_WAY)
						continue;
					w.cost += units[take] + freight(f, i, weight[take]);
					w.nodes++;
					if (less(w, *v))
					{
						*v = w;
						took[(i * layers + c) * nsets + t] = take;
					}
				}
				if ((t & 1023) == 0)
					CHECK_FOR_INTERRUPTS();
			}
	}
	if (best[layer * nsets + rest].cost >= NO_WAY)
		return;
	plan->cost = best[layer * nsets + rest].cost;
	plan->shipments = best[layer * nsets + rest].nodes;
	/* the last node that improved a set is the one in its best plan */
	for (int i = n - 1; i >= 0; i--)
	{
		uint32		take = took[(i * layers + layer) * nsets + rest];

		for (int j = 0; j < m; j++)
			if (take & (1 << j))
				plan->take[i * m + j] = p->need[j];
		rest ^= take;
		if (take && bounded)
			layer--;
		if (rest == 0)
			break;
	}
}

static void
solve_search(const OmsSplitProblem *p, const OmsSplitFreight *f,
			 OmsSplitPlan *plan)
{
	Search		s = {0};
	int			m = p->m;
	Value		nothing = {0, 0};

	s.p = p;
	s.f = f;
	s.line = palloc(sizeof(int) * (m + 1));
	s.rest_floor = palloc0(sizeof(int64) * (m + 1));
	s.weight = palloc(sizeof(int64) * (p->n + 1));
	s.at = palloc(sizeof(int) * (m + 1));
	s.best_at = palloc(sizeof(int) * (m + 1));
	s.best.cost = NO_WAY;
	for (int i = 0; i < p->n; i++)
		s.weight[i] = -1;		/* not opened */
	for (int j = 0; j < m; j++)
	{
		int			k = j;

		while (k > 0 && f->weight[s.line[k - 1]] < f->weight[j])
		{
			s.line[k] = s.line[k - 1];
			k--;
		}
		s.line[k] = j;
	}
	for (int k = m - 1; k >= 0; k--)
	{
		int64		least = NO_WAY;

		for (int i = 0; i < p->n; i++)
			if (p->available[i * m + s.line[k]] >= p->need[s.line[k]])
				least = Min(least, line_cost(p, i, s.line[k]));
		if (least >= NO_WAY)
			return;				/* nobody holds it: proven */
		s.rest_floor[k] = s.rest_floor[k + 1] + least;
	}
	search_line(&s, 0, nothing);
	plan->examined = s.examined;
	plan->proven = !s.cut;
	if (s.best.cost >= NO_WAY)
		return;
	plan->cost = s.best.cost;
	plan->shipments = s.best.nodes;
	for (int j = 0; j < m; j++)
		plan->take[s.best_at[j] * m + j] = p->need[j];
}

/* Tries line k of the order at each node, the cheapest addition first. */
static void
search_line(Search *s, int k, Value so_far)
{
	const OmsSplitProblem *p = s->p;
	int			j;
	Value		tried = {-1, -1};

	if (k == p->m)
	{
		s->best = so_far;
		memcpy(s->best_at, s->at, sizeof(int) * p->m);
		return;
	}
	j = s->line[k];
	for (;;)
	{
		int			next = -1;
		Value		add = {NO_WAY, 0};
		Value		sum;
		int64		weight;

		/* next after (tried.cost, tried.nodes) in order of (cost, node) */
		for (int i = 0; i < p->n; i++)
		{
			Value		v = {0, i};

			if (p->available[i * p->m + j] < p->need[j] ||
				(s->weight[i] < 0 && so_far.nodes >= p->max_nodes))
				continue;
			v.cost = line_cost(p, i, j) +
				freight(s->f, i, Max(s->weight[i], 0) + s->f->weight[j]) -
				(s->weight[i] < 0 ? 0 : freight(s->f, i, s->weight[i]));
			if (less(tried, v) && (next < 0 || less(v, add)))
			{
				add = v;
				next = i;
			}
		}
		if (next < 0)
			return;
		tried = add;
		sum.cost = so_far.cost + add.cost;
		sum.nodes = so_far.nodes + (s->weight[next] < 0 ? 1 : 0);
		if (!less((Value) {sum.cost + s->rest_floor[k + 1], sum.nodes}, s->best))
		{
			/* dearer additions are no better, unless they open nothing */
			if (sum.cost + s->rest_floor[k + 1] > s->best.cost)
				return;
			continue;
		}
		if (s->examined >= SEARCH_BUDGET)
		{
			s->cut = true;
			return;
		}
		s->examined++;
		if ((s->examined & 1023) == 0)
			CHECK_FOR_INTERRUPTS();
		weight = s->weight[next];
		s->weight[next] = Max(weight, 0) + s->f->weight[j];
		s->at[j] = next;
		search_line(s, k + 1, sum);
		s->weight[next] = weight;
	}
}

static int64
freight(const OmsSplitFreight *f, int node, int64 weight)
{
	int64		over = weight - f->slab;

	return f->first[node] +
		(over > 0 ? (over + f->slab - 1) / f->slab * f->further[node] : 0);
}

static int64
line_cost(const OmsSplitProblem *p, int node, int line)
{
	return oms_muldiv(p->need[line], p->unit_cost[node * p->m + line], 1000);
}

static bool
less(Value a, Value b)
{
	return a.cost < b.cost || (a.cost == b.cost && a.nodes < b.nodes);
}
