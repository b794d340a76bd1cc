/*
 * sourcing.c
 *	  The planner: candidates from the mesh, levels from stock, the exact
 *	  search of split.c, and the reservation of what it chose.
 *
 * Opening a node costs (all of it planning cost, from oms.sourcing_rule):
 *	  shipment_cost + node.handling_cost + cost_per_km * km
 *	  + cost_per_minute * minutes until the buyer has it
 *	  + cost_per_priority * node.priority
 * a lane of oms.lane_cost standing in place of the first and the third, if
 * the rule asks for lanes, and each unit the lane's and the stock's price;
 * where minutes run until hand-over plus the ride at 25 km/h inside a city
 * for hyperlocal nodes, 40 km/h for parcels.  The courier's real freight is
 * asked afterwards, for the nodes chosen (doc/sourcing.md says why).
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "fmgr.h"
#include "utils/builtins.h"

#include "sourcing.h"
#include "sourcing_pick.h"
#include "split.h"
#include "stock_price.h"

#define HYPERLOCAL_KMH 25.0
#define PARCEL_KMH 40.0

/* Searches made anew for lines that share levels, at most. */
#define SHARED_ROUNDS 20

static int64 opening_cost(const OmsPlanRequest *req, const OmsNode *node,
						  const OmsLaneCost *lane);
static int64 unit_price(const OmsDemand *d, const OmsStockPrice *prices,
						int nprices, int32 node_id);
static int64 level_at(const OmsStockLevel *levels, int n, int32 node_id,
					  int32 sku_id, bool backorders);
static int64 demand_at(const OmsDemand *d, const OmsStockLevel *levels,
					   int nlevels, int32 node_id, bool backorders);
static int	compare_candidates(const void *a, const void *b, void *arg);
static int	keep_candidates(const OmsPlanRequest *req, const int64 *at_node,
							const int64 *cost, int *rank, int n);
static bool count_off(const OmsPlanRequest *req, const OmsSplitPlan *plan,
					  const int *rank, int ncandidates,
					  OmsStockLevel *levels, int nlevels,
					  int64 *available, OmsPlanResult *res);

void
oms_sourcing_plan(const OmsPlanRequest *req, OmsPlanResult *res)
{
	oms_sourcing_plan_without(req, NULL, 0, res);
}

typedef struct Ranking
{
	const int64 *filled;		/* [nnodes] units a node alone could fill */
	const int64 *cost;
	const OmsNode *nodes;
} Ranking;

void
oms_sourcing_plan_without(const OmsPlanRequest *req,
						  const OmsNodeRefusal *refusals, int nrefusals,
						  OmsPlanResult *res)
{
	OmsStockLevel *levels;
	OmsStockLevel *fresh;
	int			nlevels;
	int32	   *skus;
	int			nskus = 0;
	int64	   *filled;
	int64	   *at_node;		/* [nnodes * ndemand] */
	int		   *rank;
	int			ncandidates = 0;
	int			m = req->ndemand;
	OmsSplitProblem p = {0};
	OmsSplitPlan plan;
	int64	   *open_cost,
			   *unit_cost,
			   *available,
			   *need;
	Ranking		ranking;
	OmsLaneCost *lanes = NULL;
	OmsStockPrice *prices = NULL;
	int			nlanes = 0;
	int			nprices = 0;
	int64	   *price;			/* [ncandidates * m] of a unit's stock */

	res->nnodes = oms_mesh_nodes(&req->mesh, &res->nodes);
	for (int i = 0; i < res->nnodes; i++)
	{
		if (req->carry_out)
		{
			/* the buyer stands at the counter: no area, no distance */
			bool		here = res->nodes[i].node_id == req->mesh.only_node_id;
			const char *why = res->nodes[i].refused;

			if (here && why && (strcmp(why, "OUT_OF_AREA") == 0 ||
								strcmp(why, "DISTANCE") == 0 ||
								strcmp(why, "NO_PLACE") == 0))
				res->nodes[i].refused = NULL;
			if (!res->nodes[i].pos)
				res->nodes[i].refused = "RESTRICTED";
		}
		for (int r = 0; r < nrefusals; r++)
			if (refusals[r].node_id == res->nodes[i].node_id)
				res->nodes[i].refused = refusals[r].reason;
	}

	if (req->own_nodes)
		oms_sourcing_own_nodes(req, res);

	for (int j = 0; j < m; j++)
		nskus += Max(req->demand[j].ncomponents, 1);
	skus = palloc(sizeof(int32) * Max(nskus, 1));
	nskus = 0;
	for (int j = 0; j < m; j++)
	{
		if (req->demand[j].ncomponents == 0)
			skus[nskus++] = req->demand[j].sku_id;
		for (int c = 0; c < req->demand[j].ncomponents; c++)
			skus[nskus++] = req->demand[j].component_sku[c];
	}
	nlevels = oms_stock_levels(req->mesh.company_id, skus, nskus,
							   &req->view, &levels);

	if (req->rule.lane_costs && req->pincode && !req->carry_out)
		nlanes = oms_lane_costs(req->mesh.company_id, req->pincode, &lanes);
	if (req->rule.price_weight > 0 && !oms_pick_ordered(req->rule.pick))
		nprices = oms_stock_prices(req->mesh.company_id, skus, nskus, &prices);

	/* what each candidate could do alone */
	at_node = palloc0(sizeof(int64) * (res->nnodes * m + 1));
	filled = palloc0(sizeof(int64) * (res->nnodes + 1));
	res->node_cost = palloc0(sizeof(int64) * (res->nnodes + 1));
	res->node_used = palloc0(sizeof(bool) * (res->nnodes + 1));
	res->available = palloc0(sizeof(int64) * (m + 1));
	rank = palloc(sizeof(int) * (res->nnodes + 1));
	for (int i = 0; i < res->nnodes; i++)
	{
		if (res->nodes[i].refused)
			continue;
		for (int j = 0; j < m; j++)
		{
			int64		q = demand_at(&req->demand[j], levels, nlevels,
									  res->nodes[i].node_id, req->backorders);

			at_node[i * m + j] = q;
			res->available[j] = Min(res->available[j] + q, PG_INT64_MAX / 8);
			filled[i] += Min(q, req->demand[j].qty);
		}
		if (filled[i] == 0)
		{
			res->nodes[i].refused = "NO_STOCK";
			continue;
		}
		res->node_cost[i] = opening_cost(req, &res->nodes[i],
										 oms_lane_from(lanes, nlanes, res->nodes[i].node_id));
		rank[ncandidates++] = i;
	}

	/* keep the most promising, cheapest first: the search breaks ties so */
	ranking.filled = filled;
	ranking.cost = res->node_cost;
	ranking.nodes = res->nodes;
	qsort_arg(rank, ncandidates, sizeof(int), compare_candidates, &ranking);
	oms_pick_sort(req->rule.pick, res->nodes, rank, ncandidates);
	ncandidates = keep_candidates(req, at_node, res->node_cost, rank,
								  ncandidates);

	p.n = ncandidates;
	p.m = m;
	p.max_nodes = req->rule.allow_split ? req->rule.max_shipments : 1;
	p.split_lines = req->rule.allow_split && !req->rule.line_single_node;
	p.complete_only = !req->rule.allow_split;
	p.open_cost = open_cost = palloc(sizeof(int64) * (ncandidates + 1));
	p.unit_cost = unit_cost = palloc0(sizeof(int64) * (ncandidates * m + 1));
	p.available = available = palloc(sizeof(int64) * (ncandidates * m + 1));
	p.need = need = palloc(sizeof(int64) * (m + 1));
	price = palloc0(sizeof(int64) * (ncandidates * m + 1));
	for (int j = 0; j < m; j++)
		need[j] = req->demand[j].qty;
	for (int k = 0; k < ncandidates; k++)
	{
		int32		node_id = res->nodes[rank[k]].node_id;
		const OmsLaneCost *lane = oms_lane_from(lanes, nlanes, node_id);

		open_cost[k] = res->node_cost[rank[k]];
		for (int j = 0; j < m; j++)
		{
			available[k * m + j] = at_node[rank[k] * m + j];
			if (nprices > 0)
				price[k * m + j] = (int64) rint(req->rule.price_weight *
												unit_price(&req->demand[j], prices, nprices, node_id));
			unit_cost[k * m + j] = (lane ? lane->unit : 0) + price[k * m + j];
		}
	}
	oms_pick_apply(req->rule.pick, &p, open_cost, unit_cost);
	/*
	 * Lines of one item, and kits with components in common, share levels the
	 * search sees as separate.  Where a plan counts on units twice, what is
	 * really left for the line there is told to the search, and it goes again.
	 */
	fresh = palloc(sizeof(OmsStockLevel) * (nlevels + 1));
	memcpy(fresh, levels, sizeof(OmsStockLevel) * nlevels);
	res->pieces = palloc(sizeof(OmsPiece) * (ncandidates * m + 1));
	res->unfilled = palloc(sizeof(int64) * (m + 1));
	for (int round = 0;; round++)
	{
		oms_split_solve(&p, &plan);
		res->cost = plan.cost;
		res->proven = plan.proven && round == 0;
		memcpy(levels, fresh, sizeof(OmsStockLevel) * nlevels);
		memcpy(res->unfilled, need, sizeof(int64) * m);
		if (count_off(req, &plan, rank, ncandidates, levels, nlevels,
					  available, res))
			break;
		if (round < SHARED_ROUNDS)
			continue;
		if (p.complete_only)
		{
			res->npieces = 0;
			memcpy(res->unfilled, need, sizeof(int64) * m);
		}
		break;
	}
	for (int i = 0; i < res->npieces; i++)
		res->node_used[res->pieces[i].node] = true;
	res->stock_price = 0;
	for (int k = 0; k < ncandidates && nprices > 0; k++)
		for (int j = 0; j < m; j++)
			res->stock_price += oms_muldiv(plan.take[k * m + j], price[k * m + j], 1000);
	if (oms_pick_ordered(req->rule.pick))
	{
		/* the search minimised ranks: say what it costs */
		res->cost = 0;
		for (int i = 0; i < res->nnodes; i++)
			res->cost += res->node_used[i] ? res->node_cost[i] : 0;
	}
}

/*
 * Cuts the sorted candidates down to rule.max_nodes: for every line the
 * first that fills it (or else has most of it), then by turns the first of
 * the others and the cheapest of them.
 */
static int
keep_candidates(const OmsPlanRequest *req, const int64 *at_node,
				const int64 *cost, int *rank, int n)
{
	int			m = req->ndemand;
	int			max = req->rule.max_nodes;
	bool	   *keep;
	int			kept = 0;

	if (n <= max)
		return n;
	keep = palloc0(sizeof(bool) * n);
	for (int j = 0; j < m && kept < max; j++)
	{
		int			best = 0;

		for (int k = 0; k < n; k++)
		{
			int64		q = Min(at_node[rank[k] * m + j], req->demand[j].qty);

			if (q > Min(at_node[rank[best] * m + j], req->demand[j].qty))
				best = k;
		}
		kept += keep[best] ? 0 : 1;
		keep[best] = true;
	}
	for (bool by_cost = false; kept < max; by_cost = !by_cost)
	{
		int			next = -1;

		for (int k = 0; k < n; k++)
			if (!keep[k] &&
				(next < 0 || (by_cost && cost[rank[k]] < cost[rank[next]])))
				next = k;
		kept++;
		keep[next] = true;
	}
	kept = 0;
	for (int k = 0; k < n; k++)
		if (keep[k])
			rank[kept++] = rank[k];
	return kept;
}

static void
note_beyond(OmsPiece *piece, const OmsDemand *d, int component, int64 units)
{
	if (piece->beyond == NULL && units > 0)
		piece->beyond = palloc0(sizeof(int64) * Max(d->ncomponents, 1));
	if (piece->beyond)
		piece->beyond[component] = units;
}

/*
 * Makes the plan's pieces, counting what each takes off the levels.  False
 * when units were counted on twice: "available" then says what is left.
 */
static bool
count_off(const OmsPlanRequest *req, const OmsSplitPlan *plan,
		  const int *rank, int ncandidates, OmsStockLevel *levels,
		  int nlevels, int64 *available, OmsPlanResult *res)
{
	int			m = req->ndemand;
	bool		sound = true;

	res->npieces = 0;
	for (int k = 0; k < ncandidates; k++)
	{
		for (int j = 0; j < m; j++)
		{
			OmsDemand  *d = &req->demand[j];
			int64		q = plan->take[k * m + j];
			int32		node_id = res->nodes[rank[k]].node_id;
			OmsPiece   *piece;

			if (q <= 0)
				continue;
			q = Min(q, demand_at(d, levels, nlevels, node_id, req->backorders));
			if (q < plan->take[k * m + j])
			{
				available[k * m + j] = q;
				sound = false;
			}
			if (q <= 0)
				continue;
			piece = &res->pieces[res->npieces++];
			piece->demand = j;
			piece->node = rank[k];
			piece->qty = q;
			piece->allocation_id = 0;
			piece->beyond = NULL;
			for (int l = 0; l < nlevels; l++)
			{
				if (levels[l].key.node_id != node_id)
					continue;
				if (d->ncomponents == 0 && levels[l].key.sku_id == d->sku_id)
				{
					levels[l].reserved += q;
					note_beyond(piece, d, 0, oms_stock_beyond(&levels[l], q));
				}
				for (int c = 0; c < d->ncomponents; c++)
					if (levels[l].key.sku_id == d->component_sku[c])
					{
						int64		units = oms_muldiv(q, d->component_qty[c], 1000);

						levels[l].reserved += units;
						note_beyond(piece, d, c, oms_stock_beyond(&levels[l], units));
					}
			}
			res->unfilled[j] -= q;
		}
	}
	return sound;
}

bool
oms_sourcing_reserve(const OmsPlanRequest *req, OmsPlanResult *res,
					 const char *cart_id, TimestampTz expires_at)
{
	OmsStockTake *takes;
	int			ntakes = 0;
	int64		available;

	for (int i = 0; i < res->npieces; i++)
		ntakes += Max(req->demand[res->pieces[i].demand].ncomponents, 1);
	takes = palloc0(sizeof(OmsStockTake) * (ntakes + 1));
	ntakes = 0;
	for (int i = 0; i < res->npieces; i++)
	{
		OmsPiece   *piece = &res->pieces[i];
		OmsDemand  *d = &req->demand[piece->demand];

		for (int c = 0; c < Max(d->ncomponents, 1); c++)
		{
			OmsStockTake *t = &takes[ntakes++];

			t->key.node_id = res->nodes[piece->node].node_id;
			t->key.sku_id = d->ncomponents ? d->component_sku[c] : d->sku_id;
			t->qty = d->ncomponents ?
				oms_muldiv(piece->qty, d->component_qty[c], 1000) : piece->qty;
			t->allocation_id = piece->allocation_id;
			t->cart_id = cart_id;
			t->expires_at = expires_at;
		}
	}
	if (oms_stock_reserve(req->mesh.company_id, takes, ntakes, &req->view,
						  &available) >= 0)
		return false;
	ntakes = 0;
	for (int i = 0; i < res->npieces; i++)
	{
		OmsDemand  *d = &req->demand[res->pieces[i].demand];

		for (int c = 0; c < Max(d->ncomponents, 1); c++)
			note_beyond(&res->pieces[i], d, c, takes[ntakes++].beyond);
	}
	return true;
}

/* What one unit of the demand is worth at a node: a kit, its components. */
static int64
unit_price(const OmsDemand *d, const OmsStockPrice *prices, int nprices,
		   int32 node_id)
{
	int64		sum = 0;

	if (d->ncomponents == 0)
		return oms_stock_price_at(prices, nprices, node_id, d->sku_id);
	for (int c = 0; c < d->ncomponents; c++)
		sum += oms_muldiv(oms_stock_price_at(prices, nprices, node_id, d->component_sku[c]),
						  d->component_qty[c], 1000);
	return sum;
}

static int64
opening_cost(const OmsPlanRequest *req, const OmsNode *node,
			 const OmsLaneCost *lane)
{
	double		km = node->distance_m > 0 ? node->distance_m / 1000.0 : 0;
	TimestampTz ready = oms_mesh_ready_at(req->mesh.company_id, node,
										  req->mesh.at);
	double		minutes = (ready - req->mesh.at) / (60.0 * USECS_PER_SEC) +
	km / (node->hyperlocal ? HYPERLOCAL_KMH : PARCEL_KMH) * 60;

	if (req->carry_out)
		return 0;
	return (lane ? lane->shipment : req->rule.shipment_cost) +
		node->handling_cost +
		(int64) rint((lane ? 0 : req->rule.cost_per_km * km) +
					 req->rule.cost_per_minute * minutes +
					 req->rule.cost_per_priority * node->priority);
}

static int64
level_at(const OmsStockLevel *levels, int n, int32 node_id, int32 sku_id,
		 bool backorders)
{
	for (int i = 0; i < n; i++)
		if (levels[i].key.node_id == node_id && levels[i].key.sku_id == sku_id)
		{
			int64		q = oms_stock_available(&levels[i]);

			if (!backorders)
				q -= levels[i].backorder_limit;
			return Max(q, 0);
		}
	return 0;
}

/* Units of a demand a node could fill; kits whole, from their components. */
static int64
demand_at(const OmsDemand *d, const OmsStockLevel *levels, int nlevels,
		  int32 node_id, bool backorders)
{
	int64		q = PG_INT64_MAX / 8;

	if (d->ncomponents == 0)
		return level_at(levels, nlevels, node_id, d->sku_id, backorders);
	for (int c = 0; c < d->ncomponents; c++)
	{
		int64		have = level_at(levels, nlevels, node_id,
									d->component_sku[c], backorders);

		q = Min(q, have / d->component_qty[c] * 1000);
	}
	return q;
}

static int
compare_candidates(const void *a, const void *b, void *arg)
{
	const Ranking *r = arg;
	int			i = *(const int *) a;
	int			j = *(const int *) b;

	if (r->filled[i] != r->filled[j])
		return r->filled[i] > r->filled[j] ? -1 : 1;
	if (r->cost[i] != r->cost[j])
		return r->cost[i] < r->cost[j] ? -1 : 1;
	return r->nodes[i].node_id < r->nodes[j].node_id ? -1 : 1;
}
