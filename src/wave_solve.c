/*
 * wave_solve.c
 *	  Many waiting orders planned together under stock and slots of nodes.
 *
 *	1 Each order that one node can fill goes there by minimum-cost flow
 *	  (wave_flow.c).  Items asked for more than there is of them at a node
 *	  get dearer there (Lagrangian prices), and the flow is solved again.
 *	2 Orders take what the flow gave them, those hardest to place first; who
 *	  finds too little, or had no single node, gets the exact best of what is
 *	  left (split.c), at those prices.  What no search can complete comes last.
 *	3 Each order is looked at alone once more with what is free now, at true
 *	  costs, as long as that gains.
 *	4 An order that is split or lacks units takes them from one of a single
 *	  line that loses less by going elsewhere.
 *	5 Orders that have all they want already (reserved before) move where
 *	  that saves more than the switching cost.
 *
 * 3 and 4 are also done to what planning one order after the other comes to;
 * the better of the two goes on.  3 to 5 only ever improve a plan that fits.  Ties go by order_id and node,
 * nothing depends on time: the same problem gives the same plan.
 */
#include "postgres.h"

#include <math.h>

#include "miscadmin.h"
#include "utils/memutils.h"

#include "core.h"
#include "split.h"
#include "wave.h"

/* Candidates of one order in the exact search. */
#define MAX_CANDIDATES 12
#define MAX_ROUNDS 25
/*
 * Arcs solved over all rounds, about.  With thousands of orders most of what
 * prices give comes in the first rounds; what is placed after that is as good
 * after three as after 25.
 */
#define ROUND_ARCS 200000
#define LEAST_ROUNDS 3
/* First step of the prices, paise a unit, and how it shrinks. */
#define FIRST_STEP 900.0
#define STEP_FALL 0.93
#define MAX_PASSES 4
/* An order not whole costs this part of the penalty of a unit. */
#define INCOMPLETE_SHARE 10

static int64 waiting_cost(OmsWave *w);
static void place_in_turn(OmsWave *w);
static void better_all(OmsWave *w, bool placed_best);
static void prices_and_flow(OmsWave *w, int64 *extra, int *choice);
static void place_all(OmsWave *w, const int64 *extra, const int *choice);
static bool improve(OmsWave *w, int i, bool moving);
static void swap_for(OmsWave *w, int i, int *holder_next,
					 const int *holder_first);
static void search(OmsWave *w, const OmsWaveOrder *o, const int64 *extra,
				   int64 *take);
static int64 plan_cost(const OmsWave *w, const OmsWaveOrder *o,
					   const int64 *take, int *nodes, int64 *missing);
static bool apply(OmsWave *w, const OmsWaveOrder *o, const int64 *take,
				  int sign);
static void check(const OmsWave *w, const int64 *stock, const int64 *slots,
				  const int64 *had);

static int64 *
order_take(OmsWave *w, const OmsWaveOrder *o)
{
	return &w->take[(Size) o->first_line * w->nnodes];
}

/* An order that is not whole costs something for that, too. */
static int64
shortage(const OmsWave *w, int64 missing)
{
	return missing > 0 ?
		w->penalty / INCOMPLETE_SHARE + oms_muldiv(missing, w->penalty, 1000) : 0;
}

static Size
take_size(const OmsWave *w, const OmsWaveOrder *o)
{
	return sizeof(int64) * (Size) o->nlines * w->nnodes;
}

int64
oms_wave_available(const OmsWave *w, const OmsWaveLine *line, int node)
{
	int64		least = PG_INT64_MAX / 4;

	for (int k = line->first_need; k < line->first_need + line->nneeds; k++)
	{
		int64		free_qty = w->stock[(Size) w->needs[k].sku * w->nnodes + node];

		if (w->needs[k].per_unit != 1000)
			free_qty = free_qty <= 0 ? 0 : free_qty / w->needs[k].per_unit * 1000;
		least = Min(least, free_qty);
	}
	least = Max(least, 0);
	return line->kit ? least / 1000 * 1000 : least;
}

int64
oms_wave_unit_cost(const OmsWave *w, const OmsWaveOrder *o,
				   const OmsWaveLine *line, int node, const int64 *extra)
{
	int64		cost = w->lane_unit[(Size) o->place * w->nnodes + node];

	if (w->price == NULL && extra == NULL)
		return cost;
	for (int k = line->first_need; k < line->first_need + line->nneeds; k++)
	{
		Size		c = (Size) w->needs[k].sku * w->nnodes + node;
		int64		worth = extra ? extra[c] : 0;

		if (w->price && o->price_weight > 0)
			worth += (int64) rint(o->price_weight * w->price[c]);
		cost += oms_muldiv(worth, w->needs[k].per_unit, 1000);
	}
	return cost;
}

void
oms_wave_solve(OmsWave *w)
{
	Size		cells = (Size) w->nskus * w->nnodes;
	int64	   *stock = palloc_extended(sizeof(int64) * (cells + 1), MCXT_ALLOC_HUGE);
	int64	   *slots = palloc(sizeof(int64) * (w->nnodes + 1));
	int64	   *extra = palloc_extended(sizeof(int64) * (cells + 1), MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);
	Size		takes = sizeof(int64) * (Size) w->nlines * w->nnodes;
	int64	   *had = palloc_extended(takes + 1, MCXT_ALLOC_HUGE);
	int64	   *before = palloc0(sizeof(int64) * (w->norders + 1));
	int		   *choice = palloc(sizeof(int) * (w->norders + 1));
	int64	   *best_take = palloc_extended(takes + 1, MCXT_ALLOC_HUGE);
	int64	   *best_stock = palloc_extended(sizeof(int64) * (cells + 1), MCXT_ALLOC_HUGE);
	int64	   *best_slots = palloc(sizeof(int64) * (w->nnodes + 1));
	int64		best;
	int64		missing;
	bool		gained;

	memcpy(stock, w->stock, sizeof(int64) * cells);
	memcpy(slots, w->slots, sizeof(int64) * w->nnodes);
	memcpy(had, w->take, takes);
	for (int i = 0; i < w->norders; i++)
		if (w->orders[i].moving)
			before[i] = plan_cost(w, &w->orders[i], order_take(w, &w->orders[i]), NULL, &missing);

	/* steps 1 to 4; and again without 1 and 2, one order after the other */
	prices_and_flow(w, extra, choice);
	place_all(w, extra, choice);
	better_all(w, false);
	best = waiting_cost(w);
	memcpy(best_take, w->take, takes);
	memcpy(best_stock, w->stock, sizeof(int64) * cells);
	memcpy(best_slots, w->slots, sizeof(int64) * w->nnodes);
	memcpy(w->take, had, takes);
	memcpy(w->stock, stock, sizeof(int64) * cells);
	memcpy(w->slots, slots, sizeof(int64) * w->nnodes);
	place_in_turn(w);
	better_all(w, true);
	if (waiting_cost(w) >= best)
	{
		memcpy(w->take, best_take, takes);
		memcpy(w->stock, best_stock, sizeof(int64) * cells);
		memcpy(w->slots, best_slots, sizeof(int64) * w->nnodes);
	}

	gained = false;
	for (int i = 0; i < w->norders; i++)
		gained |= w->orders[i].moving && improve(w, i, true);
	for (int i = 0; i < w->norders && gained; i++)
		if (!w->orders[i].moving)
			improve(w, i, false);

	w->cost = w->saved = w->unserved = 0;
	for (int i = 0; i < w->norders; i++)
	{
		int64		cost = plan_cost(w, &w->orders[i], order_take(w, &w->orders[i]), NULL, &missing);

		w->unserved += missing;
		if (w->orders[i].moving)
			w->saved += before[i] - cost;
		else
			w->cost += cost - shortage(w, missing);
	}
	check(w, stock, slots, had);
}

/* What those who waited cost, with penalties. */
static int64
waiting_cost(OmsWave *w)
{
	int64		sum = 0;
	int64		missing;

	for (int i = 0; i < w->norders; i++)
		if (!w->orders[i].moving)
			sum += plan_cost(w, &w->orders[i], order_take(w, &w->orders[i]), NULL, &missing);
	return sum;
}

/* As they would be planned without a wave: each the best of what is left. */
static void
place_in_turn(OmsWave *w)
{
	for (int i = 0; i < w->norders; i++)
	{
		const OmsWaveOrder *o = &w->orders[i];
		int64	   *take = order_take(w, o);

		if (o->moving)
			continue;
		CHECK_FOR_INTERRUPTS();
		search(w, o, NULL, take);
		if (!apply(w, o, take, 1))
			memset(take, 0, take_size(w, o));
	}
}

/* What has been given back, and when: by count of the orders that moved. */
typedef struct Risen
{
	int			clock;
	int		   *sku;			/* [sku] */
	int		   *node;			/* [node] that was full */
	int		   *looked;			/* [order] when it found nothing better */
} Risen;

/* Could the order find better than when it was looked at last? */
static bool
worth_looking(const OmsWave *w, int i, const Risen *r)
{
	const OmsWaveOrder *o = &w->orders[i];

	for (int l = o->first_line; l < o->first_line + o->nlines; l++)
		for (int k = w->lines[l].first_need; k < w->lines[l].first_need + w->lines[l].nneeds; k++)
			if (r->sku[w->needs[k].sku] > r->looked[i])
				return true;
	for (int j = 0; j < w->nnodes; j++)
		if (r->node[j] > r->looked[i])
			return true;
	return false;
}

/* The order has moved: its items, and slots of nodes that were full. */
static void
note_risen(const OmsWave *w, int i, const bool *full, Risen *r)
{
	const OmsWaveOrder *o = &w->orders[i];

	r->clock++;
	for (int l = o->first_line; l < o->first_line + o->nlines; l++)
		for (int k = w->lines[l].first_need; k < w->lines[l].first_need + w->lines[l].nneeds; k++)
			r->sku[w->needs[k].sku] = r->clock;
	for (int j = 0; j < w->nnodes; j++)
		if (full[j] && w->slots[j] > 0)
			r->node[j] = r->clock;
}

/*
 * Steps 3 and 4 for all that wait.  "placed_best": each has the best of what
 * was left when it was placed, and less is left now.
 */
static void
better_all(OmsWave *w, bool placed_best)
{
	Size		cells = (Size) w->nskus * w->nnodes;
	bool	   *full = palloc(sizeof(bool) * (w->nnodes + 1));
	Risen		risen = {0};
	int		   *holder_first = palloc_extended(sizeof(int) * (cells + 1), MCXT_ALLOC_HUGE);
	int		   *holder_next = palloc(sizeof(int) * (w->norders + 1));
	bool		gained = true;

	risen.sku = palloc0(sizeof(int) * (w->nskus + 1));
	risen.node = palloc0(sizeof(int) * (w->nnodes + 1));
	risen.looked = palloc(sizeof(int) * (w->norders + 1));
	for (int i = 0; i < w->norders; i++)
		risen.looked[i] = placed_best ? 0 : -1;
	for (int pass = 0; pass < MAX_PASSES && gained; pass++)
	{
		gained = false;
		for (int i = 0; i < w->norders; i++)
		{
			if (w->orders[i].moving || !worth_looking(w, i, &risen))
				continue;
			for (int j = 0; j < w->nnodes; j++)
				full[j] = w->slots[j] <= 0;
			if (improve(w, i, false))
			{
				gained = true;
				note_risen(w, i, full, &risen);
			}
			risen.looked[i] = risen.clock;
		}
	}
	pfree(risen.sku);
	pfree(risen.node);
	pfree(risen.looked);
	pfree(full);

	/* who holds what alone, last order first, so that lists go by order */
	for (Size c = 0; c < cells; c++)
		holder_first[c] = -1;
	for (int i = w->norders - 1; i >= 0; i--)
	{
		const OmsWaveOrder *o = &w->orders[i];
		const OmsWaveLine *line = &w->lines[o->first_line];

		holder_next[i] = -1;
		if (o->nlines != 1 || line->kit)
			continue;
		for (int j = 0; j < w->nnodes; j++)
			if (order_take(w, o)[j] == line->qty)
			{
				Size		c = (Size) w->needs[line->first_need].sku * w->nnodes + j;

				holder_next[i] = holder_first[c];
				holder_first[c] = i;
			}
	}
	for (int i = 0; i < w->norders; i++)
		if (!w->orders[i].moving)
			swap_for(w, i, holder_next, holder_first);
	pfree(holder_first);
	pfree(holder_next);
}

/* Step 1. */
static void
prices_and_flow(OmsWave *w, int64 *extra, int *choice)
{
	Size		cells = (Size) w->nskus * w->nnodes;
	int64	   *use = palloc_extended(sizeof(int64) * (cells + 1), MCXT_ALLOC_HUGE);
	double	   *mu = palloc_extended(sizeof(double) * (cells + 1), MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);
	double		step = FIRST_STEP;
	int			rounds = MAX_ROUNDS;
	MemoryContext loop = AllocSetContextCreate(CurrentMemoryContext, "oms wave flow",
											   ALLOCSET_DEFAULT_SIZES);

	for (int round = 0; round < rounds; round++)
	{
		MemoryContext old = MemoryContextSwitchTo(loop);
		bool		over = false;

		CHECK_FOR_INTERRUPTS();
		oms_wave_flow(w, extra, choice);
		MemoryContextSwitchTo(old);
		MemoryContextReset(loop);
		rounds = Min(MAX_ROUNDS, Max(LEAST_ROUNDS, ROUND_ARCS / Max(w->arcs, 1)));

		memset(use, 0, sizeof(int64) * cells);
		for (int i = 0; i < w->norders; i++)
		{
			const OmsWaveOrder *o = &w->orders[i];

			if (o->moving || choice[i] < 0)
				continue;
			for (int l = o->first_line; l < o->first_line + o->nlines; l++)
				for (int k = w->lines[l].first_need; k < w->lines[l].first_need + w->lines[l].nneeds; k++)
					use[(Size) w->needs[k].sku * w->nnodes + choice[i]] +=
						oms_muldiv(w->lines[l].qty, w->needs[k].per_unit, 1000);
		}
		for (Size c = 0; c < cells; c++)
		{
			int64		excess = use[c] - w->stock[c];

			if (use[c] > 0 && excess > 0)
			{
				over = true;
				mu[c] += step * Min(3.0, excess / 1000.0);
			}
			else if (mu[c] > 0)
				mu[c] = Max(0.0, mu[c] - step / 2);
			extra[c] = (int64) rint(mu[c]);
		}
		step *= STEP_FALL;
		if (!over)
			break;
	}
	MemoryContextDelete(loop);
}

typedef struct Regret
{
	int			order;
	int64		hard;
} Regret;

static int
compare_regret(const void *a, const void *b)
{
	const Regret *x = a;
	const Regret *y = b;

	if (x->hard != y->hard)
		return x->hard > y->hard ? -1 : 1;
	return x->order < y->order ? -1 : 1;
}

/* Step 2. */
static void
place_all(OmsWave *w, const int64 *extra, const int *choice)
{
	Regret	   *turn = palloc(sizeof(Regret) * (w->norders + 1));
	int			n = 0;

	for (int i = 0; i < w->norders; i++)
	{
		const OmsWaveOrder *o = &w->orders[i];

		if (o->moving)
			continue;
		turn[n].order = i;
		turn[n].hard = o->nlines * INT64CONST(100000);
		for (int l = o->first_line; l < o->first_line + o->nlines && choice[i] >= 0; l++)
			for (int k = w->lines[l].first_need; k < w->lines[l].first_need + w->lines[l].nneeds; k++)
				turn[n].hard += extra[(Size) w->needs[k].sku * w->nnodes + choice[i]];
		n++;
	}
	qsort(turn, n, sizeof(Regret), compare_regret);

	/* what the flow gave; then complete plans of what is left; then the rest */
	for (int pass = 0; pass < 3; pass++)
		for (int t = 0; t < n; t++)
		{
			int			i = turn[t].order;
			const OmsWaveOrder *o = &w->orders[i];
			int64	   *take = order_take(w, o);
			int64		missing;

			if (turn[t].hard < 0 || (pass == 0 && choice[i] < 0))
				continue;
			CHECK_FOR_INTERRUPTS();
			memset(take, 0, take_size(w, o));
			if (pass == 0)
				for (int l = 0; l < o->nlines; l++)
					take[(Size) l * w->nnodes + choice[i]] = w->lines[o->first_line + l].qty;
			else
				search(w, o, pass == 1 ? extra : NULL, take);
			plan_cost(w, o, take, NULL, &missing);
			if ((missing == 0 || pass == 2) && apply(w, o, take, 1))
				turn[t].hard = -1;	/* placed */
			else
				memset(take, 0, take_size(w, o));
		}
}

/*
 * Steps 3 and 5: the order alone, with what it has given back.  True when it
 * has a better plan now.
 */
static bool
improve(OmsWave *w, int i, bool moving)
{
	const OmsWaveOrder *o = &w->orders[i];
	int64	   *take = order_take(w, o);
	int64	   *better = palloc0(take_size(w, o) + 1);
	int64		missing;
	int64		now;
	int64		then;

	CHECK_FOR_INTERRUPTS();
	now = plan_cost(w, o, take, NULL, &missing);
	apply(w, o, take, -1);
	search(w, o, NULL, better);
	then = plan_cost(w, o, better, NULL, &missing) + (moving ? w->switching : 0);
	if (moving && missing > 0)
		then = PG_INT64_MAX;
	if (then < now && apply(w, o, better, 1))
	{
		memcpy(take, better, take_size(w, o));
		pfree(better);
		return true;
	}
	apply(w, o, take, 1);
	pfree(better);
	return false;
}

/*
 * Step 4: order i, split or short of units, from one node, the missing units
 * taken from orders that hold them alone and lose less elsewhere.
 */
static void
swap_for(OmsWave *w, int i, int *holder_next, const int *holder_first)
{
	const OmsWaveOrder *o = &w->orders[i];
	int64	   *take = order_take(w, o);
	int			nodes;
	int64		missing;
	int64		now = plan_cost(w, o, take, &nodes, &missing);
	int64	   *mine;
	int		   *moved;
	int64	  **was;

	if (nodes < 2 && missing == 0)
		return;
	CHECK_FOR_INTERRUPTS();
	mine = palloc0(take_size(w, o) + 1);
	moved = palloc(sizeof(int) * o->nlines);
	was = palloc(sizeof(int64 *) * o->nlines);
	for (int j = 0; j < w->nnodes; j++)
	{
		int			nmoved = 0;
		int64		loss = 0;
		int64		then;
		bool		possible = true;

		if (w->open_cost[(Size) o->place * w->nnodes + j] < 0 || (o->barred && o->barred[j]))
			continue;
		/* dearer there than now: nobody has to give way */
		memset(mine, 0, take_size(w, o));
		for (int l = 0; l < o->nlines; l++)
			mine[(Size) l * w->nnodes + j] = w->lines[o->first_line + l].qty;
		then = plan_cost(w, o, mine, NULL, &missing);
		if (then >= now)
			continue;
		apply(w, o, take, -1);
		for (int l = o->first_line; l < o->first_line + o->nlines && possible; l++)
		{
			const OmsWaveLine *line = &w->lines[l];
			int64		lack = line->qty - oms_wave_available(w, line, j);
			Size		c = (Size) w->needs[line->first_need].sku * w->nnodes + j;

			if (lack <= 0)
				continue;
			possible = false;
			for (int b = line->kit ? -1 : holder_first[c]; b >= 0; b = holder_next[b])
			{
				const OmsWaveOrder *other = &w->orders[b];
				int64	   *theirs = order_take(w, other);
				int64	   *elsewhere;
				int64		short_of;
				int64		from;
				int64		to;
				int64		kept;

				/* it may have moved since, or be the one we are filling */
				if (b == i || theirs[j] != w->lines[other->first_line].qty || theirs[j] < lack)
					continue;
				elsewhere = palloc0(take_size(w, other) + 1);
				kept = w->stock[c];
				from = plan_cost(w, other, theirs, NULL, &short_of);
				apply(w, other, theirs, -1);
				w->stock[c] = 0;	/* not here */
				search(w, other, NULL, elsewhere);
				w->stock[c] = kept + theirs[j];
				to = plan_cost(w, other, elsewhere, NULL, &short_of) +
					(other->moving ? w->switching : 0);
				if (short_of > 0 || elsewhere[j] > 0 || !apply(w, other, elsewhere, 1))
				{
					apply(w, other, theirs, 1);
					pfree(elsewhere);
					continue;
				}
				loss += to - from;
				was[nmoved] = palloc(take_size(w, other));
				memcpy(was[nmoved], theirs, take_size(w, other));
				memcpy(theirs, elsewhere, take_size(w, other));
				pfree(elsewhere);
				moved[nmoved++] = b;
				possible = true;
				break;
			}
		}
		if (possible && nmoved > 0 && then + loss < now && apply(w, o, mine, 1))
		{
			memcpy(take, mine, take_size(w, o));
			break;
		}
		/* as it was, the last first */
		while (nmoved-- > 0)
		{
			const OmsWaveOrder *other = &w->orders[moved[nmoved]];

			apply(w, other, order_take(w, other), -1);
			memcpy(order_take(w, other), was[nmoved], take_size(w, other));
			apply(w, other, order_take(w, other), 1);
		}
		apply(w, o, take, 1);
	}
	pfree(mine);
	pfree(moved);
	pfree(was);
}

typedef struct Candidate
{
	int			node;
	int64		filled;
	int64		cost;
} Candidate;

static int
compare_candidates(const void *a, const void *b)
{
	const Candidate *x = a;
	const Candidate *y = b;

	if (x->filled != y->filled)
		return x->filled > y->filled ? -1 : 1;
	if (x->cost != y->cost)
		return x->cost < y->cost ? -1 : 1;
	return x->node < y->node ? -1 : 1;
}

/*
 * The exact best of what is free for one order, into take [line, node] of
 * its own lines, which is zero.
 */
static void
search(OmsWave *w, const OmsWaveOrder *o, const int64 *extra, int64 *take)
{
	static MemoryContext loop = NULL;
	MemoryContext old;
	Candidate  *c;
	int			n = 0;
	int			m = o->nlines;
	OmsSplitProblem p = {0};
	OmsSplitPlan plan;
	int64	   *open,
			   *unit,
			   *available,
			   *need;

	if (m == 1)
	{
		/* one line: of the nodes that fill it the cheapest */
		const OmsWaveLine *line = &w->lines[o->first_line];
		int64		best_cost = PG_INT64_MAX;
		int64		best_open = 0;
		int			best = -1;

		for (int j = 0; j < w->nnodes; j++)
		{
			int64		open_here = w->open_cost[(Size) o->place * w->nnodes + j];
			int64		cost;

			if (open_here < 0 || w->slots[j] <= 0 || (o->barred && o->barred[j]) ||
				oms_wave_available(w, line, j) < line->qty)
				continue;
			cost = open_here +
				oms_muldiv(line->qty, oms_wave_unit_cost(w, o, line, j, extra), 1000);
			if (cost < best_cost || (cost == best_cost && open_here < best_open))
			{
				best_cost = cost;
				best_open = open_here;
				best = j;
			}
		}
		if (best >= 0)
		{
			take[best] = line->qty;
			return;
		}
	}
	if (loop == NULL)
		loop = AllocSetContextCreate(TopMemoryContext, "oms wave search",
									 ALLOCSET_DEFAULT_SIZES);
	MemoryContextReset(loop);
	old = MemoryContextSwitchTo(loop);
	c = palloc(sizeof(Candidate) * (w->nnodes + 1));
	for (int j = 0; j < w->nnodes; j++)
	{
		int64		cost = w->open_cost[(Size) o->place * w->nnodes + j];

		if (cost < 0 || w->slots[j] <= 0 || (o->barred && o->barred[j]))
			continue;
		c[n].node = j;
		c[n].filled = 0;
		c[n].cost = cost;
		for (int l = 0; l < m; l++)
			c[n].filled += Min(oms_wave_available(w, &w->lines[o->first_line + l], j),
							   w->lines[o->first_line + l].qty);
		if (c[n].filled > 0)
			n++;
	}
	qsort(c, n, sizeof(Candidate), compare_candidates);
	n = Min(n, MAX_CANDIDATES);
	p.n = n;
	p.m = m;
	p.max_nodes = o->max_nodes;
	p.split_lines = o->split_lines;
	p.complete_only = o->complete_only;
	p.open_cost = open = palloc(sizeof(int64) * (n + 1));
	p.unit_cost = unit = palloc(sizeof(int64) * (n * m + 1));
	p.available = available = palloc(sizeof(int64) * (n * m + 1));
	p.need = need = palloc(sizeof(int64) * (m + 1));
	for (int l = 0; l < m; l++)
		need[l] = w->lines[o->first_line + l].qty;
	for (int k = 0; k < n; k++)
	{
		open[k] = c[k].cost;
		for (int l = 0; l < m; l++)
		{
			const OmsWaveLine *line = &w->lines[o->first_line + l];

			available[k * m + l] = oms_wave_available(w, line, c[k].node);
			unit[k * m + l] = oms_wave_unit_cost(w, o, line, c[k].node, extra);
		}
	}
	if (n > 0)
	{
		oms_split_solve(&p, &plan);
		for (int k = 0; k < n; k++)
			for (int l = 0; l < m; l++)
				take[(Size) l * w->nnodes + c[k].node] = plan.take[k * m + l];
	}
	MemoryContextSwitchTo(old);
}

/* True cost with the penalty; how many nodes, and what is missing. */
static int64
plan_cost(const OmsWave *w, const OmsWaveOrder *o, const int64 *take,
		  int *nodes, int64 *missing)
{
	int64		cost = 0;
	int			used = 0;

	*missing = 0;
	for (int l = 0; l < o->nlines; l++)
		*missing += w->lines[o->first_line + l].qty;
	for (int j = 0; j < w->nnodes; j++)
	{
		bool		here = false;

		for (int l = 0; l < o->nlines; l++)
		{
			int64		q = take[(Size) l * w->nnodes + j];

			if (q <= 0)
				continue;
			here = true;
			*missing -= q;
			cost += oms_muldiv(q, oms_wave_unit_cost(w, o, &w->lines[o->first_line + l], j, NULL), 1000);
		}
		if (here)
		{
			used++;
			cost += Max(w->open_cost[(Size) o->place * w->nnodes + j], 0);
		}
	}
	if (nodes)
		*nodes = used;
	return cost + shortage(w, *missing);
}

/*
 * Takes (1) or gives back (-1) what a plan needs of stock and slots.  Taking
 * more than there is: false, and nothing is taken.
 */
static bool
apply(OmsWave *w, const OmsWaveOrder *o, const int64 *take, int sign)
{
	bool		fits = true;

	for (int j = 0; j < w->nnodes; j++)
	{
		bool		here = false;

		for (int l = 0; l < o->nlines; l++)
		{
			int64		q = take[(Size) l * w->nnodes + j];
			const OmsWaveLine *line = &w->lines[o->first_line + l];

			if (q <= 0)
				continue;
			here = true;
			for (int k = line->first_need; k < line->first_need + line->nneeds; k++)
			{
				int64	   *s = &w->stock[(Size) w->needs[k].sku * w->nnodes + j];

				*s -= sign * oms_muldiv(q, w->needs[k].per_unit, 1000);
				fits &= *s >= 0;
			}
		}
		if (here)
		{
			w->slots[j] -= sign;
			fits &= w->slots[j] >= 0;
		}
	}
	if (sign > 0 && !fits)
	{
		apply(w, o, take, -1);
		return false;
	}
	return true;
}

/*
 * What was planned, counted anew from the beginning ("had" is what those who
 * may move had): a fault here must not reach the tables.
 */
static void
check(const OmsWave *w, const int64 *stock, const int64 *slots,
	  const int64 *had)
{
	Size		cells = (Size) w->nskus * w->nnodes;
	int64	   *left = palloc_extended(sizeof(int64) * (cells + 1), MCXT_ALLOC_HUGE);
	int64	   *parcels = palloc(sizeof(int64) * (w->nnodes + 1));

	memcpy(left, stock, sizeof(int64) * cells);
	memcpy(parcels, slots, sizeof(int64) * w->nnodes);
	for (int i = 0; i < w->norders; i++)
	{
		const OmsWaveOrder *o = &w->orders[i];
		int			used = 0;

		for (int j = 0; j < w->nnodes; j++)
		{
			bool		here = false;
			bool		before = false;

			for (int l = o->first_line; l < o->first_line + o->nlines; l++)
			{
				int64		q = w->take[(Size) l * w->nnodes + j];
				int64		more = q - had[(Size) l * w->nnodes + j];

				if (q < 0)
					elog(ERROR, "a wave takes less than nothing");
				here |= q > 0;
				before |= had[(Size) l * w->nnodes + j] > 0;
				for (int k = w->lines[l].first_need; k < w->lines[l].first_need + w->lines[l].nneeds; k++)
					left[(Size) w->needs[k].sku * w->nnodes + j] -= (more < 0 ? -1 : 1) *
						oms_muldiv(Abs(more), w->needs[k].per_unit, 1000);
			}
			used += here;
			parcels[j] -= (int) here - (int) before;
		}
		if (used > o->max_nodes && !o->moving)
			elog(ERROR, "a wave plans order " INT64_FORMAT " in %d parcels", o->order_id, used);
		for (int l = o->first_line; l < o->first_line + o->nlines; l++)
		{
			int64		sum = 0;

			for (int j = 0; j < w->nnodes; j++)
				sum += w->take[(Size) l * w->nnodes + j];
			if (sum > w->lines[l].qty || (o->moving && sum < w->lines[l].qty))
				elog(ERROR, "a wave plans order " INT64_FORMAT " otherwise than it was ordered", o->order_id);
		}
	}
	for (Size c = 0; c < cells; c++)
		if (left[c] != w->stock[c] || left[c] < Min(stock[c], 0))
			elog(ERROR, "a wave plans more than there is");
	for (int j = 0; j < w->nnodes; j++)
		if (parcels[j] != w->slots[j] || parcels[j] < Min(slots[j], 0))
			elog(ERROR, "a wave plans more parcels than node %d can take", j);
}
