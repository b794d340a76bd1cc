/*
 * sourcing_solve.h
 *	  The exact search under what a rule demands of a plan besides its cost.
 */
#ifndef OMS_SOURCING_SOLVE_H
#define OMS_SOURCING_SOLVE_H

#include "split.h"

typedef struct OmsSolveRequest
{
	OmsSplitProblem p;			/* over nodes; limits as the rule has them */
	const int  *site;			/* [n] nodes of equal number are one parcel */
	bool		whole_lines;	/* each line whole or not at all */
	int64		min_split_value;	/* paise; 0: none */
	const int64 *value;			/* [m] paise of a whole line */
	bool	   *too_small;		/* [n] out: left out for that value */
} OmsSolveRequest;

/*
 * As oms_split_solve, "take" by node.  Exact, and says where it is not
 * proven: a site whose nodes differ in unit cost, and a least value of
 * parcels that rules the cheapest plan out.
 */
extern void oms_sourcing_solve(const OmsSolveRequest *q, OmsSplitPlan *plan);

#endif							/* OMS_SOURCING_SOLVE_H */
