/*
 * split.h
 *	  Which nodes fill an order at the least cost: the exact search behind
 *	  every plan (room sourcing).  Pure arithmetic: no SQL, no clock.
 */
#ifndef OMS_SPLIT_H
#define OMS_SPLIT_H

#include "postgres.h"

/* What is best among plans that leave equally little unfilled. */
typedef enum OmsSplitObjective
{
	OMS_SPLIT_COST = 0,			/* least cost, then fewest nodes */
	OMS_SPLIT_SHIPMENTS			/* fewest nodes, then least cost */
} OmsSplitObjective;

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
	bool		most_lines;		/* fill the most lines, not the most units;
								 * not with split_lines */
	OmsSplitObjective objective;
	const bool *forbidden;		/* [n] a set of nodes that is no answer, nor
								 * is one with a node that serves nothing;
								 * NULL: none is forbidden */
	int64		budget;			/* node sets looked at, at most; 0: 200,000 */
} OmsSplitProblem;

/*
 * Freight by weight: a node costs its first slab, and so much for each
 * further slab or part of one that its lines weigh together.
 */
typedef struct OmsSplitFreight
{
	const int64 *first;			/* [n] */
	const int64 *further;		/* [n] */
	const int64 *weight;		/* [m] of a whole line */
	int64		slab;			/* weight of one; > 0 */
} OmsSplitFreight;

typedef struct OmsSplitPlan
{
	int64		unfilled;		/* milli units left over all lines */
	int64		cost;
	int64	   *take;			/* [n * m] */
	int			shipments;		/* nodes used */
	bool		proven;			/* the search was not cut short */
	int64		examined;		/* node sets (slab: assignments) looked at */
} OmsSplitPlan;

/*
 * Fewest units (or lines) unfilled first, then as "objective" says; ties go
 * to the set found first in node order, so nodes must come in order of
 * preference.
 */
extern void oms_split_solve(const OmsSplitProblem *p, OmsSplitPlan *plan);

/*
 * The complete plan of whole lines with the least slab freight plus unit
 * costs, then the fewest nodes.  open_cost, split_lines and objective are
 * not looked at; nothing is taken when there is no complete plan.  In
 * split_slab.c.
 */
extern void oms_split_solve_slab(const OmsSplitProblem *p,
								 const OmsSplitFreight *f,
								 OmsSplitPlan *plan);

/*
 * What choosing line by line comes to: each whole from the node with the
 * least unit cost that holds it, whatever else is opened by that.  Limits
 * are not looked at.
 */
extern void oms_split_greedy(const OmsSplitProblem *p, OmsSplitPlan *plan);

/* Slab freight plus unit costs of what a plan takes. */
extern int64 oms_split_slab_cost(const OmsSplitProblem *p,
								 const OmsSplitFreight *f,
								 const int64 *take);

#endif							/* OMS_SPLIT_H */
