/*
 * sourcing_pick.h
 *	  Plans by the order of nodes instead of by cost (sourcing_rule.pick).
 */
#ifndef OMS_SOURCING_PICK_H
#define OMS_SOURCING_PICK_H

#include "mesh.h"
#include "split.h"

/* Whether nodes are taken in an order, not by cost. */
extern bool oms_pick_ordered(char pick);

/* Puts the candidates nodes[rank[0..n-1]] in the order asked for. */
extern void oms_pick_sort(char pick, const OmsNode *nodes, int *rank, int n);

/* Makes the search follow the order the problem's nodes are in. */
extern void oms_pick_apply(char pick, OmsSplitProblem *p, int64 *open_cost,
						   int64 *unit_cost);

#endif							/* OMS_SOURCING_PICK_H */
