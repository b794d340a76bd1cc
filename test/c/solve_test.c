/*
 * solve_test.c
 *	  What rules demand of a plan (src/sourcing_solve.c) against enumeration.
 *
 * Stand-alone: compiled with it, with the search, and the few functions of
 * the server below.  Prints one line a family of instances, as
 *	  name|instances|wrong|not proven
 * The enumeration tries every number of units of every line from every node
 * and knows nothing of sites becoming nodes, of sets of lines or of nodes
 * left out.  A plan must keep to what is demanded; one that says it is proven
 * must be as good as the best.
 */
#include "postgres.h"

#include "shims.h"
#include "sourcing_solve.h"

#define MAX_N 5
#define MAX_M 3

typedef struct Instance
{
	OmsSolveRequest q;
	int64		open_cost[MAX_N];
	int64		unit_cost[MAX_N * MAX_M];
	int64		available[MAX_N * MAX_M];
	int64		need[MAX_M];
	int64		value[MAX_M];
	int			site[MAX_N];
	bool		too_small[MAX_N];
} Instance;

typedef struct Best
{
	bool		found;
	int64		unfilled;
	int64		cost;
	int			parcels;
} Best;

/* What units x come to; false when they do not keep to what is demanded. */
static bool
judge(const Instance *in, const int64 *x, Best *b)
{
	int			n = in->q.p.n;
	int			m = in->q.p.m;
	int64		value[MAX_N] = {0};
	bool		used[MAX_N] = {0};
	int			first = -1;

	b->found = true;
	b->unfilled = b->cost = b->parcels = 0;
	for (int j = 0; j < m; j++)
	{
		int64		got = 0;

		for (int i = 0; i < n; i++)
		{
			int			s = in->q.site ? in->site[i] : i;

			if (x[i * m + j] > in->available[i * m + j])
				return false;
			if (x[i * m + j] == 0)
				continue;
			got += x[i * m + j];
			used[s] = true;
			value[s] += oms_muldiv(in->value[j], x[i * m + j], in->need[j]);
			b->cost += oms_muldiv(x[i * m + j], in->unit_cost[i * m + j], 1000);
		}
		if (got > in->need[j] || (in->q.whole_lines && got > 0 && got < in->need[j]))
			return false;
		b->unfilled += in->need[j] - got;
	}
	for (int s = 0; s < n; s++)
	{
		int64		least = PG_INT64_MAX;

		if (!used[s])
			continue;
		for (int i = 0; i < n; i++)
			if ((in->q.site ? in->site[i] : i) == s)
				least = Min(least, in->open_cost[i]);
		b->cost += least;
		b->parcels++;
		if (first < 0 || value[s] > value[first])
			first = s;
	}
	for (int s = 0; s < n; s++)
		if (used[s] && s != first && value[s] < in->q.min_split_value)
			return false;
	if (b->parcels > in->q.p.max_nodes)
		return false;
	return !(in->q.p.complete_only && b->unfilled > 0 && b->parcels > 0);
}

static void
enumerate(const Instance *in, int64 *x, int at, Best *best)
{
	int			m = in->q.p.m;

	if (at == in->q.p.n * m)
	{
		Best		b;

		if (judge(in, x, &b) &&
			(!best->found || b.unfilled < best->unfilled ||
			 (b.unfilled == best->unfilled && b.cost < best->cost)))
			*best = b;
		return;
	}
	for (int64 q = 0; q <= in->available[at]; q += 1000)
	{
		x[at] = q;
		enumerate(in, x, at + 1, best);
	}
	x[at] = 0;
}

typedef struct Family
{
	const char *name;
	int			n;
	int			m;
	int			instances;
	bool		sites;
	bool		even;			/* nodes cost the same a unit */
	bool		whole;
	bool		values;
	bool		complete;
} Family;

static const Family families[] = {
	{"plain", 4, 2, 300, false, false, false, false, false},
	{"sites", 4, 2, 400, true, true, false, false, false},
	{"sites, dear units", 4, 2, 400, true, false, false, false, false},
	{"whole lines", 4, 2, 400, false, false, true, false, false},
	{"whole lines, three", 3, 3, 300, false, false, true, false, false},
	{"whole lines at sites", 4, 2, 300, true, true, true, false, false},
	{"least value", 4, 2, 400, false, false, false, true, false},
	{"least value, three", 3, 3, 300, false, false, false, true, false},
	{"least value, whole order", 4, 2, 300, false, false, false, true, true},
	{"everything", 4, 2, 300, true, true, true, true, false},
};

static void
make(const Family *f, Instance *in)
{
	memset(in, 0, sizeof(*in));
	in->q.p.n = f->n;
	in->q.p.m = f->m;
	in->q.p.max_nodes = pick(1, f->n);
	in->q.p.split_lines = true;
	in->q.p.complete_only = f->complete;
	in->q.p.open_cost = in->open_cost;
	in->q.p.unit_cost = in->unit_cost;
	in->q.p.available = in->available;
	in->q.p.need = in->need;
	in->q.whole_lines = f->whole;
	in->q.min_split_value = f->values ? pick(1, 6) * 1000 : 0;
	in->q.value = in->value;
	in->q.too_small = in->too_small;
	in->q.site = f->sites ? in->site : NULL;
	for (int j = 0; j < f->m; j++)
	{
		in->need[j] = pick(1, 4) * 1000;
		in->value[j] = in->need[j] * pick(1, 4);
	}
	for (int i = 0; i < f->n; i++)
	{
		in->open_cost[i] = pick(0, 40);
		in->site[i] = pick(0, 1);
		for (int j = 0; j < f->m; j++)
		{
			in->available[i * f->m + j] = pick(0, 2) * 1000;
			in->unit_cost[i * f->m + j] = f->even ? 7 : pick(0, 12);
		}
	}
}

int
main(void)
{
	for (int f = 0; f < lengthof(families); f++)
	{
		int			wrong = 0;
		int			unproven = 0;

		seed = 1000 + f;
		for (int k = 0; k < families[f].instances; k++)
		{
			Instance	in;
			OmsSplitPlan plan;
			Best		best = {0};
			Best		got;
			int64		x[MAX_N * MAX_M] = {0};

			make(&families[f], &in);
			enumerate(&in, x, 0, &best);
			oms_sourcing_solve(&in.q, &plan);
			if (!judge(&in, plan.take, &got) || got.unfilled != plan.unfilled)
				wrong++;
			else if (plan.proven &&
					 (got.unfilled != best.unfilled || got.cost != best.cost))
				wrong++;
			unproven += plan.proven ? 0 : 1;
		}
		printf("%s|%d|%d|%d\n", families[f].name, families[f].instances,
			   wrong, unproven);
	}
	return 0;
}
