/*
 * split.h
 *	  Which nodes fill an order at the least cost: the exact search behind
 *	  every plan (room sourcing).  Pure arithmetic: no SQL, no clock.
 */
#ifndef OMS_SPLIT_H
#define OMS_SPLIT_H

#include "postgres.h"

/*
 * n nodes and m lines.  Matrices are row-major by node: x[node * m + line].
 * Quantities are milli units, costs paise.
 */
typedef struct OmsSplitProblem
{
	int			n;
	int			m;
	const int64 *open_cost;		/* [n] cost of using a node at all */
	const int64 *unit_cost;		/* [n * m] cost of one unit (1,000 milli) */
	const int64 *available;		/* [n * m] */
	const int64 *need;			/* [m] */
	int			max_nodes;		/* at most so many nodes */
	bool		split_lines;	/* a line may be filled by several nodes */
	bool		complete_only;	/* everything or nothing */
} OmsSplitProblem;

typedef struct OmsSplitPlan
{
	int64		unfilled;		/* milli units left over all lines */
	int64		cost;
	int64	   *take;			/* [n * m] */
	bool		proven;			/* the search was not cut short */
	int64		examined;		/* node sets looked at */
} OmsSplitPlan;

/*
 * Fewest units unfilled first, then least cost; ties go to the set found
 * first in node order, so nodes must come in order of preference.
 */
extern void oms_split_solve(const OmsSplitProblem *p, OmsSplitPlan *plan);

#endif							/* OMS_SPLIT_H */
