/*
 * wave_flow.c
 *	  The flow of a wave: each order, one unit of flow, to one node.
 *
 *	  order -> item at node -> node -> sink		one line, not a kit
 *	  order -> node -> sink						several lines, or a kit
 *	  order -> sink								unserved
 *
 * An item at a node lets through as many orders as its stock fills of the
 * smallest of them, a node as many as it has slots.  Where all orders of an
 * item want equally many and nothing else does, that is exact; for the rest
 * the caller raises prices of what is asked for too much.
 */
#include "postgres.h"

#include "miscadmin.h"
#include "portability/instr_time.h"

#include "core.h"
#include "mcf.h"
#include "wave.h"

/* An unserved order costs more than any way of serving it. */
#define UNSERVED INT64CONST(100000000)
#define MOST_COST (UNSERVED / 10)
/* Costs are told apart from seniority, which only breaks ties, by this. */
#define MAX_SCALE 10000

typedef struct Arc
{
	int			node;
	int64		cost;
} Arc;

static int
compare_arcs(const void *a, const void *b)
{
	const Arc  *x = a;
	const Arc  *y = b;

	if (x->cost != y->cost)
		return x->cost < y->cost ? -1 : 1;
	return x->node < y->node ? -1 : x->node > y->node;
}

static bool
want_stop(void)
{
	return QueryCancelPending || ProcDiePending;
}

/* Nodes that hold all of the order, cheapest first. */
static int
bundles(const OmsWave *w, const OmsWaveOrder *o, const int64 *extra,
		Arc *arcs)
{
	int			n = 0;

	for (int j = 0; j < w->nnodes; j++)
	{
		int64		cost = w->open_cost[(Size) o->place * w->nnodes + j];

		if (cost < 0 || w->slots[j] <= 0 || (o->barred && o->barred[j]))
			continue;
		for (int l = o->first_line; l < o->first_line + o->nlines && cost >= 0; l++)
		{
			if (oms_wave_available(w, &w->lines[l], j) < w->lines[l].qty)
				cost = -1;
			else
				cost += oms_muldiv(w->lines[l].qty,
								   oms_wave_unit_cost(w, o, &w->lines[l], j, extra), 1000);
		}
		if (cost < 0)
			continue;
		arcs[n].node = j;
		arcs[n++].cost = Min(cost, MOST_COST);
	}
	qsort(arcs, n, sizeof(Arc), compare_arcs);
	return Min(n, w->max_arcs);
}

/* One line of an item that is no kit: goes by the item's stock. */
static bool
simple(const OmsWave *w, const OmsWaveOrder *o)
{
	return o->nlines == 1 && !w->lines[o->first_line].kit;
}

void
oms_wave_flow(OmsWave *w, const int64 *extra, int *choice)
{
	Size		cells = (Size) w->nskus * w->nnodes;
	int		   *at = palloc_extended(sizeof(int) * (cells + 1), MCXT_ALLOC_HUGE);
	int64	   *least = palloc_extended(sizeof(int64) * (cells + 1), MCXT_ALLOC_HUGE);
	Arc		   *arcs = palloc(sizeof(Arc) * (w->nnodes + 1));
	int			room = 1024;
	int			n = w->norders;
	int			m = 0;
	int		   *arc_node;		/* of arcs out of orders */
	int32	   *from = palloc(sizeof(int32) * room);
	int32	   *to = palloc(sizeof(int32) * room);
	int64	   *capacity;
	int64	   *cost = palloc(sizeof(int64) * room);
	int64	   *supply;
	int64	   *flow;
	int64	   *potential;
	int			order_arcs;
	int			first_node;
	int			sink;
	int			waiting = 0;
	int			nwaiting = 0;
	int64		scale;
	int		   *cell_of;
	OmsFlowProblem p;
	OmsFlowStatus status;
	instr_time	began,
				took;

	arc_node = palloc(sizeof(int) * room);
	for (Size c = 0; c < cells; c++)
		at[c] = -1;
	for (int i = 0; i < w->norders; i++)
		nwaiting += !w->orders[i].moving;
	scale = Min(nwaiting, MAX_SCALE) + 1;
	/* arcs out of orders; where to is filled in when all are known */
	for (int i = 0; i < w->norders; i++)
	{
		const OmsWaveOrder *o = &w->orders[i];
		int			k;

		choice[i] = -1;
		if (o->moving)
			continue;
		waiting++;
		k = bundles(w, o, extra, arcs);
		if (m + k + 1 > room)
		{
			room = 2 * room + k;
			from = repalloc_huge(from, sizeof(int32) * room);
			to = repalloc_huge(to, sizeof(int32) * room);
			cost = repalloc_huge(cost, sizeof(int64) * room);
			arc_node = repalloc_huge(arc_node, sizeof(int) * room);
		}
		for (int a = 0; a < k; a++)
		{
			from[m] = i;
			cost[m] = arcs[a].cost * scale;
			arc_node[m] = arcs[a].node;
			to[m] = -1;
			if (simple(w, o))
			{
				const OmsWaveLine *line = &w->lines[o->first_line];
				Size		c = (Size) w->needs[line->first_need].sku * w->nnodes + arcs[a].node;

				if (at[c] < 0)
				{
					at[c] = n++;
					least[c] = line->qty;
				}
				least[c] = Min(least[c], line->qty);
				to[m] = at[c];
			}
			m++;
		}
		from[m] = i;
		/* the older an order, the dearer not to serve it: by less than a paisa */
		cost[m] = UNSERVED * scale + (nwaiting - waiting) * (scale - 1) / nwaiting;
		arc_node[m] = -1;
		to[m++] = -1;
	}
	order_arcs = m;
	first_node = n;
	n += w->nnodes;
	sink = n++;

	/* from items at nodes, and from nodes */
	room = m + (first_node - w->norders) + w->nnodes + 1;
	from = repalloc_huge(from, sizeof(int32) * room);
	to = repalloc_huge(to, sizeof(int32) * room);
	cost = repalloc_huge(cost, sizeof(int64) * room);
	capacity = palloc_extended(sizeof(int64) * room, MCXT_ALLOC_HUGE);
	cell_of = palloc(sizeof(int) * (first_node - w->norders + 1));
	for (int a = 0; a < order_arcs; a++)
	{
		capacity[a] = 1;
		if (to[a] < 0)
			to[a] = arc_node[a] < 0 ? sink : first_node + arc_node[a];
	}
	for (Size c = 0; c < cells; c++)
		if (at[c] >= 0)
			cell_of[at[c] - w->norders] = (int) c;
	for (int v = w->norders; v < first_node; v++)
	{
		int			c = cell_of[v - w->norders];

		from[m] = v;
		to[m] = first_node + c % w->nnodes;
		capacity[m] = Min(w->stock[c] / Max(least[c], 1), waiting);
		cost[m++] = 0;
	}
	for (int j = 0; j < w->nnodes; j++)
	{
		from[m] = first_node + j;
		to[m] = sink;
		capacity[m] = Min(Max(w->slots[j], 0), waiting);
		cost[m++] = 0;
	}
	supply = palloc0(sizeof(int64) * n);
	for (int i = 0; i < w->norders; i++)
		supply[i] = w->orders[i].moving ? 0 : 1;
	supply[sink] = -waiting;
	flow = palloc_extended(sizeof(int64) * (m + 1), MCXT_ALLOC_HUGE);
	potential = palloc_extended(sizeof(int64) * (n + 1), MCXT_ALLOC_HUGE);

	p.n = n;
	p.m = m;
	p.supply = supply;
	p.from = from;
	p.to = to;
	p.capacity = capacity;
	p.cost = cost;
	INSTR_TIME_SET_CURRENT(began);
	status = oms_mcf_solve(&p, want_stop, flow, potential);
	if (status == OMS_FLOW_STOPPED)
	{
		CHECK_FOR_INTERRUPTS();
		/* interrupts are held off: to the end, then */
		status = oms_mcf_solve(&p, NULL, flow, potential);
	}
	INSTR_TIME_SET_CURRENT(took);
	INSTR_TIME_SUBTRACT(took, began);
	w->flow_us += INSTR_TIME_GET_MICROSEC(took);
	if (status != OMS_FLOW_OPTIMAL)
		elog(ERROR, "the flow of the wave was not solved: status %d", (int) status);
	if (w->rounds++ == 0)
		w->arcs = order_arcs;
	for (int a = 0; a < order_arcs; a++)
		if (flow[a] > 0)
			choice[from[a]] = arc_node[a];
}
