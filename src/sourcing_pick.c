/*
 * sourcing_pick.c
 *	  Plans by the order of nodes instead of by cost (sourcing_rule.pick).
 *
 * A unit costs what its node's place in the order is, opening a node costs
 * nothing.  So the cheapest plan takes as much as it can from the first node,
 * then from the second: the search of split.c needs to know nothing of it,
 * and the limit on parcels holds as ever.
 */
#include "postgres.h"

#include "sourcing_pick.h"

/* Planning cost of one place in the order, paise a unit. */
#define OMS_PICK_STEP 1000

typedef struct PickOrder
{
	char		pick;
	const OmsNode *nodes;
} PickOrder;

bool
oms_pick_ordered(char pick)
{
	return pick == 'p' || pick == 'd' || pick == 's' || pick == 'l';
}

/* By distance where asked for (unknown last), priority, id. */
static int
compare_order(const void *a, const void *b, void *arg)
{
	const PickOrder *o = arg;
	const OmsNode *x = &o->nodes[*(const int *) a];
	const OmsNode *y = &o->nodes[*(const int *) b];

	if (o->pick == 'd' && x->distance_m != y->distance_m)
	{
		if (x->distance_m < 0 || y->distance_m < 0)
			return x->distance_m < 0 ? 1 : -1;
		return x->distance_m < y->distance_m ? -1 : 1;
	}
	if (x->priority != y->priority)
		return x->priority < y->priority ? -1 : 1;
	return x->node_id < y->node_id ? -1 : 1;
}

void
oms_pick_sort(char pick, const OmsNode *nodes, int *rank, int n)
{
	PickOrder	order = {pick, nodes};

	if (oms_pick_ordered(pick))
		qsort_arg(rank, n, sizeof(int), compare_order, &order);
}

void
oms_pick_apply(char pick, OmsSplitProblem *p, int64 *open_cost,
			   int64 *unit_cost)
{
	if (!oms_pick_ordered(pick))
		return;
	if (pick == 'l')
		p->split_lines = false;
	for (int i = 0; i < p->n; i++)
	{
		open_cost[i] = 0;
		for (int j = 0; j < p->m; j++)
		{
			int			place = i;

			/* most of the line's item first; equals keep the order */
			if (pick == 's')
			{
				int64		mine = p->available[i * p->m + j];

				place = 0;
				for (int k = 0; k < p->n; k++)
					if (p->available[k * p->m + j] > mine ||
						(p->available[k * p->m + j] == mine && k < i))
						place++;
			}
			unit_cost[i * p->m + j] = (int64) place * OMS_PICK_STEP;
		}
	}
}
