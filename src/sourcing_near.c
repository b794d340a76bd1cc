/*
 * sourcing_near.c
 *	  The plan where the cheapest node has everything.
 *
 * Opening a node costs what it costs, whatever it is opened for.  So where
 * units cost nothing besides, and no node costs less than nothing, no plan is
 * better than the cheapest node alone, if that can fill every line.  Nodes
 * that are cheaper and could fill nothing are no candidates.  Then the levels
 * of that node are all there is to read, and there is nothing to search.
 *
 * It is the plan that oms_sourcing_plan() makes, or none: any doubt is left to
 * that.  What an explanation needs, of the other nodes, is not found out.
 */
#include "postgres.h"

#include "sourcing.h"
#include "sourcing_pick.h"
#include "sourcing_rule.h"

/* Does the rule leave it at the costs of nodes? */
static bool
costs_nodes_only(const OmsSourcingRule *rule)
{
	return !oms_pick_ordered(rule->pick) && !rule->has_steps &&
		!rule->lane_costs && rule->price_weight == 0 &&
		rule->freight_weight == 0 && rule->max_nodes > 0 &&
		rule->max_shipments > 0;
}

static bool
simple_request(const OmsPlanRequest *req)
{
	if (req->carry_out || req->whatif || req->npins > 0 || req->runner_up ||
		req->view.nown_carts > 0 || req->view.nown_takes > 0 ||
		!costs_nodes_only(&req->rule))
		return false;
	for (int j = 0; j < req->ndemand; j++)
	{
		if (req->demand[j].ncomponents > 0 ||
			(req->demand[j].rule && req->demand[j].rule->has_steps))
			return false;
		for (int k = 0; k < j; k++)
			if (req->demand[k].sku_id == req->demand[j].sku_id)
				return false;
	}
	return true;
}

/* What the node alone could fill: nothing, everything, or a part. */
typedef enum Fill
{
	FILLS_NOTHING,
	FILLS_ALL,
	FILLS_PART
} Fill;

static Fill
fill(const OmsPlanRequest *req, const OmsNode *node, int64 *left)
{
	int			nothing = 0;
	int			all = 0;

	*left = PG_INT64_MAX;
	for (int j = 0; j < req->ndemand; j++)
	{
		const OmsDemand *d = &req->demand[j];
		OmsStockKey key = {node->node_id, d->sku_id};
		OmsStockLevel level;
		int64		qty;

		if (!oms_stock_level_now(req->mesh.company_id, key, &level))
			return FILLS_PART;
		/* beyond the count it is not a plain take */
		qty = Max(oms_stock_available(&level) - level.backorder_limit, 0);
		if ((d->cold_chain && !node->cold_chain) ||
			oms_rule_refuses(d->rule ? d->rule : &req->rule, node, false, qty))
			return FILLS_PART;
		if (qty >= d->qty)
			all++;
		else if (qty == 0 && oms_stock_available(&level) <= 0)
			nothing++;
		*left = Min(*left, qty - d->qty);
	}
	return all == req->ndemand ? FILLS_ALL :
		nothing == req->ndemand ? FILLS_NOTHING : FILLS_PART;
}

/* The cheapest node not refused yet; -1: none is left. */
static int
cheapest(const OmsPlanResult *res)
{
	int			best = -1;

	for (int i = 0; i < res->nnodes; i++)
		if (res->nodes[i].refused == NULL &&
			(best < 0 || res->node_cost[i] < res->node_cost[best] ||
			 (res->node_cost[i] == res->node_cost[best] &&
			  res->nodes[i].node_id < res->nodes[best].node_id)))
			best = i;
	return best;
}

bool
oms_sourcing_plan_near(const OmsPlanRequest *req, OmsPlanResult *res)
{
	int64	   *unit_cost;
	int32	   *skus;
	int64		left = 0;
	int			node;

	if (!simple_request(req))
		return false;
	skus = palloc(sizeof(int32) * (req->ndemand + 1));
	for (int j = 0; j < req->ndemand; j++)
		skus[j] = req->demand[j].sku_id;
	if (!oms_stock_levels_are_rows(req->mesh.company_id, skus, req->ndemand))
		return false;
	res->nnodes = oms_mesh_nodes(&req->mesh, &res->nodes);
	if (req->own_nodes)
		oms_sourcing_own_nodes(req, res);
	for (int i = 0; i < res->nnodes; i++)
		if (res->nodes[i].refused == NULL && res->nodes[i].capacity >= 0)
			return false;
	oms_sourcing_opening_costs(req, res, &unit_cost);
	for (;;)
	{
		Fill		filled;

		node = cheapest(res);
		if (node < 0 || res->node_cost[node] < 0)
			return false;
		filled = fill(req, &res->nodes[node], &left);
		if (filled == FILLS_PART)
			return false;
		if (filled == FILLS_ALL)
			break;
		/* or does it have what carts held until they expired? */
		if (oms_stock_carts_expired(req->mesh.company_id, skus, req->ndemand,
									req->view.at))
			return false;
		res->nodes[node].refused = "NO_STOCK";
	}

	res->node_used = palloc0(sizeof(bool) * (res->nnodes + 1));
	res->node_used[node] = true;
	res->pieces = palloc0(sizeof(OmsPiece) * (req->ndemand + 1));
	res->unfilled = palloc0(sizeof(int64) * (req->ndemand + 1));
	res->available = NULL;
	res->npieces = req->ndemand;
	for (int j = 0; j < req->ndemand; j++)
	{
		res->pieces[j].demand = j;
		res->pieces[j].node = node;
		res->pieces[j].qty = req->demand[j].qty;
	}
	res->left = left;
	res->cost = res->node_cost[node];
	res->stock_price = 0;
	res->slots = NULL;
	res->cut = false;
	res->proven = true;
	res->nrunner_up = 0;
	return true;
}
