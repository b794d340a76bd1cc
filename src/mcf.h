/*
 * mcf.h
 *	  Minimum-cost flow by LEMON's network simplex, for C (room sourcing).
 *
 * mcf.cpp is the only C++ of the extension and knows nothing of the server:
 * nothing of the server is called below oms_mcf_solve() but "stop", and no
 * exception leaves it.  So no error of ours jumps over C++ frames.
 */
#ifndef OMS_MCF_H
#define OMS_MCF_H

#include <stdbool.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C"
{
#endif

/*
 * Nodes are 0 .. n - 1, arcs 0 .. m - 1.  What the caller guarantees: the
 * supplies add up to 0, capacities are not negative, the capacities and the
 * absolute supplies add up to 2^62 at most, and (n + 1) times any absolute
 * cost is 2^60 at most.
 */
typedef struct OmsFlowProblem
{
	int			n;
	int			m;
	const int64_t *supply;		/* [n] negative: wanted */
	const int32_t *from;		/* [m] */
	const int32_t *to;			/* [m] */
	const int64_t *capacity;	/* [m] */
	const int64_t *cost;		/* [m] of one unit */
} OmsFlowProblem;

typedef enum OmsFlowStatus
{
	OMS_FLOW_OPTIMAL,
	OMS_FLOW_INFEASIBLE,
	OMS_FLOW_STOPPED,			/* "stop" said so */
	OMS_FLOW_NO_MEMORY,
	OMS_FLOW_BROKEN				/* cannot happen */
} OmsFlowStatus;

/*
 * Fills flow [m] and potential [n] when optimal: with reduced cost of an arc
 * its cost + potential[from] - potential[to], none is negative below
 * capacity and none positive above zero.  "stop" (may be NULL) is asked
 * every few hundred steps; it must return.  Not reentrant.
 */
extern OmsFlowStatus oms_mcf_solve(const OmsFlowProblem *p,
								   bool (*stop) (void),
								   int64_t *flow, int64_t *potential);

#ifdef __cplusplus
}
#endif

#endif							/* OMS_MCF_H */
