/*
 * sourcing.c
 *	  The planner: candidates from the mesh, levels from stock, the exact
 *	  search of split.c, and the reservation of what it chose.
 *
 * Opening a node costs (all of it planning cost, from oms.sourcing_rule):
 *	  shipment_cost + node.handling_cost + cost_per_km * km
 *	  + cost_per_minute * minutes until the buyer has it
 *	  + cost_per_priority * node.priority
 *	  + cost_per_load * share of its slot that is used
 *	  + freight_weight * freight of the best service for the whole order
 * a lane of oms.lane_cost standing in place of the first and the third, if
 * the rule asks for lanes, and each unit the lane's and the stock's price;
 * where minutes run until hand-over plus the ride at 25 km/h inside a city
 * for hyperlocal nodes, 40 km/h for parcels.  The courier's real freight is
 * asked afterwards, for the nodes chosen (doc/sourcing.md says why).
 */
#include "postgres.h"

#include "access/xact.h"
#include "catalog/pg_type.h"
#include "fmgr.h"
#include "utils/builtins.h"

#include "node_slot.h"
#include "sourcing_pick.h"
#include "sourcing_rule.h"
#include "sourcing_solve.h"
#include "split.h"
#include "stock_batch.h"
#include "stock_price.h"

#define HYPERLOCAL_KMH 25.0
#define PARCEL_KMH 40.0

/* Searches made anew for lines that share levels, at most. */
#define SHARED_ROUNDS 20

/* Node sets that the search of the runner-up may look at in any case. */
#define RUNNER_UP_BUDGET 256

/* Planning cost of a step of the sequence, paise a unit, at most. */
#define STEP_COST INT64CONST(1000000000)

/* Everything one plan knows of its candidates. */
typedef struct Planning
{
	const OmsPlanRequest *req;
	OmsPlanResult *res;
	OmsStockLevel *levels;
	int			nlevels;
	int64	   *at_node;		/* [nnodes * ndemand] what may be used there */
	int64	   *filled;			/* [nnodes] units a node alone could fill */
	int		   *place;			/* [nnodes] first step that names the node */
	int		   *rank;			/* [ncandidates] nodes, best first */
	int			ncandidates;
	bool		stepped;		/* some rule has steps */
	OmsLaneCost *lanes;
	int			nlanes;
	OmsStockPrice *prices;
	int			nprices;
	int64	   *price;			/* [ncandidates * m] of a unit's stock */
	int64	   *unit_cost;		/* [ncandidates * m] of a unit, without steps */
} Planning;

static void refuse_nodes(const OmsPlanRequest *req,
						 const OmsNodeRefusal *refusals, int nrefusals,
						 OmsPlanResult *res);
static void read_levels(Planning *pl);
static void find_candidates(Planning *pl);
static void pose_problem(Planning *pl, OmsSolveRequest *q);
static int64 opening_cost(const Planning *pl, int node);
static int64 pinned(const OmsPlanRequest *req, int32 node_id, int32 line_no);
static bool has_pin(const OmsPlanRequest *req, int32 node_id);
static int64 unit_price(const OmsDemand *d, const OmsStockPrice *prices,
						int nprices, int32 node_id);
static int64 least_left(const OmsPlanRequest *req,
						const OmsStockLevel *levels, int nlevels,
						const OmsPlanResult *res);
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
static int64 cost_told(const Planning *pl, const OmsSolveRequest *q,
					   const OmsSplitPlan *plan);
static void find_runner_up(Planning *pl, const OmsSolveRequest *q,
						   const OmsSplitPlan *best);
static int64 cost_of_parcels(const Planning *pl);
static double planned_freight(const OmsPlanRequest *req, const OmsNode *node,
							  TimestampTz ready);

void
oms_sourcing_plan(const OmsPlanRequest *req, OmsPlanResult *res)
{
	oms_sourcing_plan_without(req, NULL, 0, res);
}

void
oms_sourcing_plan_demands(const OmsPlanRequest *req,
						  const OmsNodeRefusal *refusals, int nrefusals,
						  OmsPlanResult *res)
{
	Planning	pl = {0};
	OmsStockLevel *fresh;
	OmsSolveRequest q = {0};
	OmsSplitPlan plan;
	int			m = req->ndemand;

	pl.req = req;
	pl.res = res;
	res->nnodes = oms_mesh_nodes(&req->mesh, &res->nodes);
	if (req->whatif)
		req->whatif->nodes(req->whatif->arg, &req->mesh, res->nodes, res->nnodes);
	refuse_nodes(req, refusals, nrefusals, res);
	if (req->own_nodes)
		oms_sourcing_own_nodes(req, res);
	read_levels(&pl);
	find_candidates(&pl);
	pose_problem(&pl, &q);

	/*
	 * Kits with components in common (and lines of one item where each has to
	 * come whole) share levels the search sees as separate.  Where a plan counts on units twice, what is
	 * really left for the line there is told to the search, and it goes again.
	 */
	fresh = palloc(sizeof(OmsStockLevel) * (pl.nlevels + 1));
	memcpy(fresh, pl.levels, sizeof(OmsStockLevel) * pl.nlevels);
	res->pieces = palloc(sizeof(OmsPiece) * (pl.ncandidates * m + 1));
	res->unfilled = palloc(sizeof(int64) * (m + 1));
	for (int round = 0;; round++)
	{
		oms_sourcing_solve(&q, &plan);
		res->cost = plan.cost;
		res->proven = plan.proven && round == 0 && !res->cut;
		memcpy(pl.levels, fresh, sizeof(OmsStockLevel) * pl.nlevels);
		memcpy(res->unfilled, q.p.need, sizeof(int64) * m);
		if (count_off(req, &plan, pl.rank, pl.ncandidates, pl.levels,
					  pl.nlevels, unconstify(int64 *, q.p.available), res))
			break;
		if (round < SHARED_ROUNDS)
			continue;
		if (q.p.complete_only)
		{
			res->npieces = 0;
			memcpy(res->unfilled, q.p.need, sizeof(int64) * m);
		}
		break;
	}
	for (int i = 0; i < res->npieces; i++)
		res->node_used[res->pieces[i].node] = true;
	res->left = least_left(req, pl.levels, pl.nlevels, res);
	for (int k = 0; k < pl.ncandidates && q.too_small; k++)
		if (q.too_small[k])
			res->nodes[pl.rank[k]].refused = "BELOW_MIN_SPLIT";
	res->stock_price = 0;
	for (int i = 0; i < pl.ncandidates * m && pl.nprices > 0; i++)
		res->stock_price += oms_muldiv(plan.take[i], pl.price[i], 1000);
	res->cost = cost_told(&pl, &q, &plan);
	res->nrunner_up = 0;
	if (req->runner_up && res->npieces > 0)
		find_runner_up(&pl, &q, &plan);
}

/*
 * Planning cost of a plan from the nodes marked used.  Where the search
 * minimised ranks or steps, what its parcels and units cost.
 */
static int64
cost_told(const Planning *pl, const OmsSolveRequest *q,
		  const OmsSplitPlan *plan)
{
	int64		cost;

	if (oms_pick_ordered(pl->req->rule.pick))
		return cost_of_parcels(pl);
	if (!pl->stepped && !q->whole_lines)
		return plan->cost;
	cost = cost_of_parcels(pl);
	for (int i = 0; i < pl->ncandidates * pl->req->ndemand; i++)
		cost += oms_muldiv(plan->take[i], pl->unit_cost[i], 1000);
	return cost;
}

/*
 * The best plan from another set of nodes: the same search with the set that
 * won forbidden.  It may look at as many sets as the search of the best did,
 * and some, so that no order takes long because of what is only told.
 */
static void
find_runner_up(Planning *pl, const OmsSolveRequest *q,
			   const OmsSplitPlan *best)
{
	OmsPlanResult *res = pl->res;
	OmsSolveRequest second = *q;
	OmsSplitPlan plan;
	int			n = pl->ncandidates;
	bool	   *won = palloc0(sizeof(bool) * (n + 1));
	bool	   *used = palloc0(sizeof(bool) * (res->nnodes + 1));
	bool	   *kept = res->node_used;
	bool		another = false;

	for (int k = 0; k < n; k++)
		won[k] = res->node_used[pl->rank[k]];
	second.p.forbidden = won;
	second.p.budget = Max(best->examined, RUNNER_UP_BUDGET);
	second.too_small = palloc0(sizeof(bool) * (n + 1));
	oms_sourcing_solve(&second, &plan);
	res->runner_up = palloc(sizeof(int) * (n + 1));
	for (int k = 0; k < n; k++)
	{
		for (int j = 0; j < q->p.m; j++)
			used[pl->rank[k]] |= plan.take[k * q->p.m + j] > 0;
		if (used[pl->rank[k]])
			res->runner_up[res->nrunner_up++] = pl->rank[k];
		another |= used[pl->rank[k]] != won[k];
	}
	if (!another)
		res->nrunner_up = 0;
	res->node_used = used;
	res->runner_up_cost = cost_told(pl, &second, &plan);
	res->node_used = kept;
	res->runner_up_unfilled = plan.unfilled;
	res->runner_up_proven = plan.proven && res->proven;
}

/* Refusals that the mesh does not know of, and those the counter lifts. */
static void
refuse_nodes(const OmsPlanRequest *req, const OmsNodeRefusal *refusals,
			 int nrefusals, OmsPlanResult *res)
{
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
}

static void
read_levels(Planning *pl)
{
	const OmsPlanRequest *req = pl->req;
	int32	   *skus;
	int			n = 0;

	for (int j = 0; j < req->ndemand; j++)
		n += Max(req->demand[j].ncomponents, 1);
	skus = palloc(sizeof(int32) * Max(n, 1));
	n = 0;
	for (int j = 0; j < req->ndemand; j++)
	{
		if (req->demand[j].ncomponents == 0)
			skus[n++] = req->demand[j].sku_id;
		for (int c = 0; c < req->demand[j].ncomponents; c++)
			skus[n++] = req->demand[j].component_sku[c];
	}
	pl->nlevels = oms_stock_levels(req->mesh.company_id, skus, n,
								   &req->view, &pl->levels);
	if (req->whatif)
		req->whatif->levels(req->whatif->arg, pl->levels, pl->nlevels);
	if (req->rule.lane_costs && req->pincode && !req->carry_out)
		pl->nlanes = oms_lane_costs(req->mesh.company_id, req->pincode, &pl->lanes);
	if (req->rule.price_weight > 0 && !oms_pick_ordered(req->rule.pick))
		pl->nprices = oms_stock_prices(req->mesh.company_id, skus, n, &pl->prices);
}

/*
 * What a demand may have of a node: what is there, unless the line's rule or
 * the node itself forbids it ("why" then says so).
 */
static int64
may_use(const Planning *pl, int node, int line, const char **why)
{
	const OmsPlanRequest *req = pl->req;
	const OmsDemand *d = &req->demand[line];
	const OmsSourcingRule *rule = d->rule ? d->rule : &req->rule;
	const OmsNode *n = &pl->res->nodes[node];
	int64		qty = demand_at(d, pl->levels, pl->nlevels, n->node_id,
								req->backorders);
	const char *refused;

	if (d->cold_chain && !n->cold_chain)
		refused = "NODE_COLD_CHAIN";
	else
		refused = oms_rule_refuses(rule, n, req->carry_out, qty);
	if (refused == NULL)
		return qty;
	/* of a node that has nothing it says nothing, but for where it stands */
	if (qty > 0 || strcmp(refused, "BELOW_MIN_STOCK") != 0)
		*why = refused;
	return 0;
}

/* The place in the sequence and the priority that rules give a node. */
static void
apply_steps(Planning *pl, int node)
{
	const OmsPlanRequest *req = pl->req;
	OmsNode    *n = &pl->res->nodes[node];
	int			first = -1;

	for (int j = 0; j < req->ndemand; j++)
	{
		const OmsSourcingRule *rule = req->demand[j].rule ? req->demand[j].rule : &req->rule;
		const OmsSourcingStep *step;

		if (!rule->has_steps)
			continue;
		pl->stepped = true;
		step = oms_rule_step(rule, n->node_id);
		if (step && (first < 0 || step->place < first))
		{
			first = step->place;
			if (step->has_priority)
				n->priority = step->priority;
		}
	}
	pl->place[node] = Max(first, 0);
}

static void
find_candidates(Planning *pl)
{
	const OmsPlanRequest *req = pl->req;
	OmsPlanResult *res = pl->res;
	int			m = req->ndemand;

	pl->at_node = palloc0(sizeof(int64) * (res->nnodes * m + 1));
	pl->filled = palloc0(sizeof(int64) * (res->nnodes + 1));
	pl->place = palloc0(sizeof(int) * (res->nnodes + 1));
	pl->rank = palloc(sizeof(int) * (res->nnodes + 1));
	res->node_cost = palloc0(sizeof(int64) * (res->nnodes + 1));
	res->node_used = palloc0(sizeof(bool) * (res->nnodes + 1));
	res->available = palloc0(sizeof(int64) * (m + 1));
	for (int i = 0; i < res->nnodes; i++)
	{
		const char *why = "NO_STOCK";

		if (res->nodes[i].refused)
			continue;
		for (int j = 0; j < m; j++)
		{
			int64		q = may_use(pl, i, j, &why);

			pl->at_node[i * m + j] = q;
			pl->filled[i] += Min(q, req->demand[j].qty);
		}
		if (pl->filled[i] == 0)
			res->nodes[i].refused = why;
	}
	res->slots = NULL;
	res->cut = false;
	if (req->slots)
		oms_slots_look(req, pl->filled, pl->at_node, res);
	for (int i = 0; i < res->nnodes; i++)
	{
		if (res->nodes[i].refused)
			continue;
		for (int j = 0; j < m; j++)
			res->available[j] = Min(res->available[j] + pl->at_node[i * m + j],
									PG_INT64_MAX / 8);
		apply_steps(pl, i);
		res->node_cost[i] = opening_cost(pl, i);
		if (req->npins == 0 || has_pin(req, res->nodes[i].node_id))
			pl->rank[pl->ncandidates++] = i;
	}

	/* keep the most promising, cheapest first: the search breaks ties so */
	qsort_arg(pl->rank, pl->ncandidates, sizeof(int), compare_candidates, pl);
	oms_pick_sort(req->rule.pick, res->nodes, pl->rank, pl->ncandidates);
	pl->ncandidates = keep_candidates(req, pl->at_node, res->node_cost,
									  pl->rank, pl->ncandidates);
}

/* Numbers of sites by candidate; NULL where each node stands by itself. */
static const int *
site_numbers(const Planning *pl)
{
	const OmsNode *nodes = pl->res->nodes;
	int		   *site = palloc(sizeof(int) * (pl->ncandidates + 1));
	bool		any = false;

	for (int k = 0; k < pl->ncandidates; k++)
	{
		site[k] = k;
		for (int l = 0; l < k && site[k] == k; l++)
			if (oms_same_site(&nodes[pl->rank[k]], &nodes[pl->rank[l]]))
			{
				site[k] = site[l];
				any = true;
			}
	}
	return any ? site : NULL;
}

/*
 * Units of later steps cost so much more than anything else that they are
 * taken only where earlier ones have none.
 */
static void
add_steps(const Planning *pl, int64 *unit_cost)
{
	const OmsPlanRequest *req = pl->req;
	int			m = req->ndemand;
	int64		units = 1;
	int			last = 0;

	for (int j = 0; j < m; j++)
		units = Min(units + req->demand[j].qty / 1000, PG_INT64_MAX / 8);
	for (int pass = 0; pass < 2; pass++)
		for (int k = 0; k < pl->ncandidates; k++)
			for (int j = 0; j < m; j++)
			{
				const OmsSourcingRule *rule = req->demand[j].rule ? req->demand[j].rule : &req->rule;
				const OmsSourcingStep *step =
				oms_rule_step(rule, pl->res->nodes[pl->rank[k]].node_id);

				if (step == NULL)
					continue;
				if (pass == 0)
					last = Max(last, step->place + 1);
				else
					unit_cost[k * m + j] += step->place *
						Min(STEP_COST, PG_INT64_MAX / 8 / units / (last + 1));
			}
}

/* The candidates as a problem of the search, under the order's rule. */
static void
pose_problem(Planning *pl, OmsSolveRequest *q)
{
	const OmsPlanRequest *req = pl->req;
	const OmsSourcingRule *rule = &req->rule;
	int			n = pl->ncandidates;
	int			m = req->ndemand;
	int64	   *open_cost = palloc(sizeof(int64) * (n + 1));
	int64	   *unit_cost = palloc0(sizeof(int64) * (n * m + 1));
	int64	   *available = palloc(sizeof(int64) * (n * m + 1));
	int64	   *need = palloc(sizeof(int64) * (m + 1));
	int64	   *value = palloc(sizeof(int64) * (m + 1));

	q->p.n = n;
	q->p.m = m;
	q->p.max_nodes = rule->allow_split && !rule->single_node ?
		rule->max_shipments : 1;
	q->p.complete_only = !rule->allow_split || rule->ship_complete;
	q->p.split_lines = rule->allow_split && !rule->line_single_node &&
		!(rule->line_complete && q->p.max_nodes == 1);
	q->whole_lines = rule->line_complete && q->p.split_lines;
	q->min_split_value = rule->min_split_value;
	q->too_small = palloc0(sizeof(bool) * (n + 1));
	q->site = site_numbers(pl);
	for (int j = 0; j < m; j++)
	{
		need[j] = req->demand[j].qty;
		value[j] = req->demand[j].value;
	}
	pl->price = palloc0(sizeof(int64) * (n * m + 1));
	pl->unit_cost = palloc0(sizeof(int64) * (n * m + 1));
	for (int k = 0; k < n; k++)
	{
		int32		node_id = pl->res->nodes[pl->rank[k]].node_id;
		const OmsLaneCost *lane = oms_lane_from(pl->lanes, pl->nlanes, node_id);

		open_cost[k] = pl->res->node_cost[pl->rank[k]];
		for (int j = 0; j < m; j++)
		{
			available[k * m + j] = Min(pl->at_node[pl->rank[k] * m + j],
									   pinned(req, node_id, req->demand[j].line_no));
			if (pl->nprices > 0)
				pl->price[k * m + j] = (int64) rint(rule->price_weight *
													unit_price(&req->demand[j], pl->prices,
															   pl->nprices, node_id));
			unit_cost[k * m + j] = (lane ? lane->unit : 0) + pl->price[k * m + j];
		}
	}
	memcpy(pl->unit_cost, unit_cost, sizeof(int64) * n * m);
	q->p.open_cost = open_cost;
	q->p.unit_cost = unit_cost;
	q->p.available = available;
	q->p.need = need;
	q->value = value;
	oms_pick_apply(rule->pick, &q->p, open_cost, unit_cost);
	if (pl->stepped)
		add_steps(pl, unit_cost);
}

/* Opening the parcels of the plan, without what steps and ranks add. */
static int64
cost_of_parcels(const Planning *pl)
{
	const OmsPlanResult *res = pl->res;
	int64		cost = 0;

	for (int i = 0; i < res->nnodes; i++)
	{
		bool		first = res->node_used[i];

		for (int k = 0; k < i && first; k++)
			if (res->node_used[k] && oms_same_site(&res->nodes[i], &res->nodes[k]))
				first = false;
		cost += first ? res->node_cost[i] : 0;
	}
	return cost;
}

bool
oms_same_site(const OmsNode *a, const OmsNode *b)
{
	if (a->node_id == b->node_id)
		return true;
	return a->site && b->site && strcmp(a->site, b->site) == 0 &&
		a->state_code && b->state_code &&
		strcmp(a->state_code, b->state_code) == 0;
}

TimestampTz
oms_sourcing_ready_at(const OmsPlanRequest *req, const OmsPlanResult *res,
					  int node)
{
	if (res->slots && res->slots[node].starts_at != 0)
		return res->slots[node].ready_at;
	return oms_mesh_ready_at(req->mesh.company_id, &res->nodes[node],
							 req->mesh.at);
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
			piece->part = 0;
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

/* Freight of the order as one parcel from there; 0 where nobody goes. */
static double
planned_freight(const OmsPlanRequest *req, const OmsNode *node,
				TimestampTz ready)
{
	OmsCourierRequest c = req->parcel;
	OmsCourierQuote *quotes;

	c.from_pincode = node->pincode;
	c.hyperlocal = node->hyperlocal;
	c.distance_m = node->distance_m;
	c.ready_at = ready;
	if (oms_courier_quotes(&c, &quotes) == 0 || quotes[0].refused)
		return 0;
	return quotes[0].freight;
}

static bool
reserve_stock(const OmsPlanRequest *req, OmsPlanResult *res,
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

/* What a wave left a line of a node: no limit without one. */
static int64
pinned(const OmsPlanRequest *req, int32 node_id, int32 line_no)
{
	int64		qty = req->npins > 0 ? 0 : PG_INT64_MAX;

	for (int i = 0; i < req->npins; i++)
		if (req->pins[i].node_id == node_id && req->pins[i].line_no == line_no)
			qty += req->pins[i].qty;
	return qty;
}

static bool
has_pin(const OmsPlanRequest *req, int32 node_id)
{
	for (int i = 0; i < req->npins; i++)
		if (req->pins[i].node_id == node_id)
			return true;
	return false;
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
opening_cost(const Planning *pl, int i)
{
	const OmsPlanRequest *req = pl->req;
	const OmsPlanResult *res = pl->res;
	const OmsNode *node = &res->nodes[i];
	const OmsSourcingRule *rule = &req->rule;
	const OmsLaneCost *lane = oms_lane_from(pl->lanes, pl->nlanes, node->node_id);
	double		km = node->distance_m > 0 ? node->distance_m / 1000.0 : 0;
	TimestampTz ready = oms_sourcing_ready_at(req, res, i);
	double		minutes = (ready - req->mesh.at) / (60.0 * USECS_PER_SEC) +
	km / (node->hyperlocal ? HYPERLOCAL_KMH : PARCEL_KMH) * 60;
	double		more = 0;

	if (req->carry_out)
		return 0;
	if (rule->cost_per_load > 0 && res->slots && res->slots[i].starts_at != 0)
		more += rule->cost_per_load *
			(res->slots[i].capacity > 0 ?
			 Min((double) res->slots[i].used / res->slots[i].capacity, 1.0) : 1.0);
	if (rule->freight_weight > 0)
		more += rule->freight_weight * planned_freight(req, node, ready);
	return (lane ? lane->shipment : rule->shipment_cost) + node->handling_cost +
		(int64) rint((lane ? 0 : rule->cost_per_km * km) +
					 rule->cost_per_minute * minutes +
					 rule->cost_per_priority * node->priority + more);
}

void
oms_sourcing_opening_costs(const OmsPlanRequest *req, OmsPlanResult *res,
						   int64 **unit_cost)
{
	Planning	pl = {0};

	pl.req = req;
	pl.res = res;
	if (req->rule.lane_costs && req->pincode)
		pl.nlanes = oms_lane_costs(req->mesh.company_id, req->pincode, &pl.lanes);
	res->node_cost = palloc0(sizeof(int64) * (res->nnodes + 1));
	*unit_cost = palloc0(sizeof(int64) * (res->nnodes + 1));
	for (int i = 0; i < res->nnodes; i++)
	{
		const OmsLaneCost *lane = oms_lane_from(pl.lanes, pl.nlanes, res->nodes[i].node_id);

		if (res->nodes[i].refused)
			continue;
		res->node_cost[i] = opening_cost(&pl, i);
		(*unit_cost)[i] = lane ? lane->unit : 0;
	}
}

typedef struct Reserving
{
	const OmsPlanRequest *req;
	OmsPlanResult *res;
	const char *cart_id;
	TimestampTz expires_at;
} Reserving;

/* Stock first, then slots: the order of locks. */
static void
reserve_both(void *arg)
{
	Reserving  *r = arg;

	if (!reserve_stock(r->req, r->res, r->cart_id, r->expires_at) ||
		(oms_slots_wanted(r->req, r->res) && !oms_slots_take(r->req, r->res)))
		ereport(ERROR,
				(errcode(ERRCODE_OMS_OUT_OF_STOCK),
				 errmsg("stock or a slot of a node was taken meanwhile")));
}

bool
oms_sourcing_reserve(const OmsPlanRequest *req, OmsPlanResult *res,
					 const char *cart_id, TimestampTz expires_at)
{
	Reserving	r = {req, res, cart_id, expires_at};
	ErrorData  *err;

	/*
	 * Where somebody may be faster, a subtransaction: what was taken is given
	 * back, and rows let go, before the plan is made anew.  The next plan may
	 * want a row that comes before these in the order of locks; with these
	 * held, it and all who queue there would deadlock.  Not under a savepoint:
	 * who waits for a subtransaction that has ended inside it would go on
	 * waiting for the whole, though the savepoint be rolled back.  Nor in the
	 * combiner, which does not wait for rows.
	 */
	if (!oms_slots_wanted(req, res) &&
		(res->left >= OMS_PLENTY || GetCurrentTransactionNestLevel() > 1 ||
		 oms_stock_batch_collecting()))
		return reserve_stock(req, res, cart_id, expires_at);
	if (!oms_try(reserve_both, &r, &err))
	{
		if (err->sqlerrcode != ERRCODE_OMS_OUT_OF_STOCK)
			ReThrowError(err);
		FreeErrorData(err);
		return false;
	}
	return true;
}

/* What the levels hold after the pieces, where that is least. */
static int64
least_left(const OmsPlanRequest *req, const OmsStockLevel *levels,
		   int nlevels, const OmsPlanResult *res)
{
	int64		left = PG_INT64_MAX;

	for (int i = 0; i < res->npieces; i++)
	{
		const OmsDemand *d = &req->demand[res->pieces[i].demand];
		int32		node_id = res->nodes[res->pieces[i].node].node_id;

		for (int c = 0; c < Max(d->ncomponents, 1); c++)
			left = Min(left, level_at(levels, nlevels, node_id,
									  d->ncomponents ? d->component_sku[c] : d->sku_id,
									  false));
	}
	return left;
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
	const Planning *pl = arg;
	const OmsPlanResult *res = pl->res;
	int			i = *(const int *) a;
	int			j = *(const int *) b;

	if (pl->place[i] != pl->place[j])
		return pl->place[i] < pl->place[j] ? -1 : 1;
	if (pl->filled[i] != pl->filled[j])
		return pl->filled[i] > pl->filled[j] ? -1 : 1;
	if (res->node_cost[i] != res->node_cost[j])
		return res->node_cost[i] < res->node_cost[j] ? -1 : 1;
	return res->nodes[i].node_id < res->nodes[j].node_id ? -1 : 1;
}
