/*
 * mcf_sql.c
 *	  oms.min_cost_flow(): minimum-cost flow over arrays (doc/sourcing.md).
 *
 * The solver's answer is checked before anybody sees it: flow against
 * capacities and supplies, and its optimality by the potentials.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "common/int.h"
#include "fmgr.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"

#include "core.h"
#include "mcf.h"

#define MAX_FLOW_NODES 1000000
#define MAX_FLOW_ARCS 5000000
#define MAX_FLOW_SUM (INT64CONST(1) << 62)
#define MAX_FLOW_COST (INT64CONST(1) << 60)

static void *read_array(FunctionCallInfo fcinfo, int arg, const char *name,
						Oid type, int *n);
static void check_problem(const OmsFlowProblem *p);
static int64 check_answer(const OmsFlowProblem *p, const int64 *flow,
						  const int64 *potential);
static bool want_stop(void);
static void refuse(const char *detail) pg_attribute_noreturn();

PG_FUNCTION_INFO_V1(oms_min_cost_flow);

Datum
oms_min_cost_flow(PG_FUNCTION_ARGS)
{
	OmsFlowProblem p;
	int			size;
	int64	   *flow;
	int64	   *potential;
	OmsFlowStatus status;
	TupleDesc	desc;
	Datum		values[4] = {0};
	bool		nulls[4] = {false, true, true, true};

	if (get_call_result_type(fcinfo, NULL, &desc) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "return type must be a row type");
	p.supply = read_array(fcinfo, 0, "supply", INT8OID, &p.n);
	p.from = read_array(fcinfo, 1, "arc_from", INT4OID, &p.m);
	p.to = read_array(fcinfo, 2, "arc_to", INT4OID, &size);
	if (size != p.m)
		refuse(psprintf("arc_to has %d elements, arc_from %d.", size, p.m));
	p.capacity = read_array(fcinfo, 3, "capacity", INT8OID, &size);
	if (size != p.m)
		refuse(psprintf("capacity has %d elements, arc_from %d.", size, p.m));
	p.cost = read_array(fcinfo, 4, "cost", INT8OID, &size);
	if (size != p.m)
		refuse(psprintf("cost has %d elements, arc_from %d.", size, p.m));
	check_problem(&p);

	flow = palloc0(sizeof(int64) * (p.m + 1));
	potential = palloc0(sizeof(int64) * (p.n + 1));
	status = p.n == 0 ? OMS_FLOW_OPTIMAL :
		oms_mcf_solve(&p, want_stop, flow, potential);
	if (status == OMS_FLOW_STOPPED)
	{
		CHECK_FOR_INTERRUPTS();
		/* interrupts are held off: to the end, then */
		status = oms_mcf_solve(&p, NULL, flow, potential);
	}
	if (status == OMS_FLOW_NO_MEMORY)
		ereport(ERROR,
				(errcode(ERRCODE_OUT_OF_MEMORY),
				 errmsg("out of memory"),
				 errdetail("A flow over %d nodes and %d arcs did not fit.", p.n, p.m)));
	if (status == OMS_FLOW_BROKEN)
		elog(ERROR, "the flow solver failed");

	if (status == OMS_FLOW_INFEASIBLE)
		values[0] = CStringGetTextDatum("infeasible");
	else
	{
		values[0] = CStringGetTextDatum("optimal");
		values[1] = Int64GetDatum(check_answer(&p, flow, potential));
		values[2] = oms_int8_array(flow, p.m);
		values[3] = oms_int8_array(potential, p.n);
		memset(nulls, 0, sizeof(nulls));
	}
	PG_RETURN_DATUM(HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(desc), values, nulls)));
}

/* The elements, which are stored one after the other. */
static void *
read_array(FunctionCallInfo fcinfo, int arg, const char *name, Oid type,
		   int *n)
{
	ArrayType  *a = PG_GETARG_ARRAYTYPE_P_COPY(arg);

	if (ARR_NDIM(a) > 1)
		refuse(psprintf("%s has more than one dimension.", name));
	if (array_contains_nulls(a))
		refuse(psprintf("%s contains NULL.", name));
	Assert(ARR_ELEMTYPE(a) == type);
	*n = ARR_NDIM(a) == 0 ? 0 : ARR_DIMS(a)[0];
	return ARR_DATA_PTR(a);
}

/* What mcf.h wants to be guaranteed. */
static void
check_problem(const OmsFlowProblem *p)
{
	int64		balance = 0;
	int64		sum = 0;
	int64		limit = MAX_FLOW_COST / (p->n + 1);

	if (p->n > MAX_FLOW_NODES || p->m > MAX_FLOW_ARCS)
		refuse(psprintf("There are %d nodes and %d arcs; the limits are %d and %d.",
						p->n, p->m, MAX_FLOW_NODES, MAX_FLOW_ARCS));
	for (int i = 0; i < p->n; i++)
	{
		/* the sum bounds the balance */
		if (p->supply[i] <= -MAX_FLOW_SUM || p->supply[i] >= MAX_FLOW_SUM ||
			(sum += Abs(p->supply[i])) > MAX_FLOW_SUM)
			refuse("The supplies are too large.");
		balance += p->supply[i];
	}
	if (balance != 0)
		refuse(psprintf("The supplies add up to " INT64_FORMAT ", not 0.", balance));
	for (int a = 0; a < p->m; a++)
	{
		if (p->from[a] < 1 || p->from[a] > p->n || p->to[a] < 1 || p->to[a] > p->n)
			refuse(psprintf("Arc %d goes from node %d to node %d of %d.",
							a + 1, p->from[a], p->to[a], p->n));
		if (p->capacity[a] < 0)
			refuse(psprintf("The capacity of arc %d is negative.", a + 1));
		if (p->capacity[a] >= MAX_FLOW_SUM || (sum += p->capacity[a]) > MAX_FLOW_SUM)
			refuse("The capacities are too large together; nothing needs more than all supply.");
		if (p->cost[a] < -limit || p->cost[a] > limit)
			refuse(psprintf("The cost of arc %d is beyond " INT64_FORMAT ".", a + 1, limit));
	}
	/* from 0 in the solver */
	for (int a = 0; a < p->m; a++)
	{
		((int32 *) p->from)[a]--;
		((int32 *) p->to)[a]--;
	}
}

/* The cost of the flow; what is wrong with it is a fault of the solver. */
static int64
check_answer(const OmsFlowProblem *p, const int64 *flow,
			 const int64 *potential)
{
	int64	   *net = palloc0(sizeof(int64) * (p->n + 1));
	int64		total = 0;

	for (int a = 0; a < p->m; a++)
	{
		int64		reduced = p->cost[a] + potential[p->from[a]] - potential[p->to[a]];
		int64		cost;

		if (flow[a] < 0 || flow[a] > p->capacity[a])
			elog(ERROR, "flow of arc %d exceeds its capacity", a + 1);
		if ((reduced < 0 && flow[a] < p->capacity[a]) || (reduced > 0 && flow[a] > 0))
			elog(ERROR, "flow of arc %d is not optimal", a + 1);
		net[p->from[a]] += flow[a];
		net[p->to[a]] -= flow[a];
		if (pg_mul_s64_overflow(flow[a], p->cost[a], &cost) ||
			pg_add_s64_overflow(total, cost, &total))
			ereport(ERROR,
					(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
					 errmsg("cost of the flow is out of range")));
	}
	for (int i = 0; i < p->n; i++)
		if (net[i] != p->supply[i])
			elog(ERROR, "flow is not conserved at node %d", i + 1);
	return total;
}

static bool
want_stop(void)
{
	return QueryCancelPending || ProcDiePending;
}

static void
refuse(const char *detail)
{
	ereport(ERROR,
			(errcode(ERRCODE_OMS_INVALID_DOCUMENT),
			 errmsg("invalid flow problem"),
			 errdetail_internal("%s", detail),
			 errhint("doc/sourcing.md describes the arguments.")));
}
