/*
 * fulfil.c
 *	  From lines to allocations and parcels: plan nodes, ask couriers, take
 *	  the stock, tax by the node's state, write it all down.
 *
 * The loop: plan; a chosen node no courier can serve is refused and the plan
 * made anew; then reserve; whoever was faster makes us plan again with fresh
 * levels.  Where no courier can serve any node the order is still reserved
 * and held for a person (NOT_SERVICEABLE), or, if only the cash is the
 * obstacle, for payment (PREPAID_ONLY).
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/date.h"

#include "core_memo.h"
#include "core_rows.h"
#include "node_slot.h"
#include "orders.h"
#include "parcel_divide.h"
#include "parking.h"
#include "shipment.h"
#include "sourcing_rule.h"
#include "tax.h"

#define MAX_TRIES 20

static void lines_of_parcel(const OmsFulfilment *f, int64 *value,
						  OmsParcel *parcel, OmsCourierRequest *req);
static OmsParcel *parcel_of(const OmsFulfilment *f, int node, int part);
static bool ask_couriers(OmsFulfilment *f, bool cod);
static int64 line_share(const OmsLine *line, int64 before, int64 qty);
static int	compare_parcels(const void *a, const void *b, void *arg);
static bool keeps_pins(const OmsFulfilment *f);
static void limit_couriers(OmsFulfilment *f, int32 node_id, OmsParcel *p);
static void make_allocations(OmsFulfilment *f);
static void take_ids(OmsFulfilment *f);
static bool has_plenty(const OmsFulfilment *f, const OmsPlanRequest *req);
static bool keep_accepted(OmsFulfilment *f, OmsPlanRequest *req);
static void as_one_parcel(const OmsFulfilment *f, OmsPlanRequest *req);

/* The rules that the lines fall under, and the order's. */
static void
find_rules(OmsFulfilment *f, OmsPlanRequest *req)
{
	OmsRuleQuery q = {0};
	OmsSourcingRule **items;
	int32	   *skus;

	f->rule = f->channel->rule;
	if (f->channel->keyed_rules)
	{
		items = palloc(sizeof(OmsSourcingRule *) * (f->nlines + 1));
		skus = palloc(sizeof(int32) * (f->nlines + 1));
		for (int j = 0; j < f->nlines; j++)
			skus[j] = f->lines[j].sku_id;
		q.company_id = f->company_id;
		q.channel_id = f->channel->channel_id;
		q.order_class = f->order_class;
		q.pincode = f->pincode;
		q.state_code = f->state_code;
		q.has_point = f->has_point;
		q.lng = f->lng;
		q.lat = f->lat;
		q.carry_out = f->carry_out;
		q.allow_split = f->channel->rule.allow_split;
		q.max_shipments = f->channel->max_shipments;
		q.item_rules = f->channel->item_rules;
		q.at = f->at;
		q.nitems = f->nlines;
		q.sku_ids = skus;
		oms_rules_find(&q, &f->channel->rule, &f->rule, items);
		for (int j = 0; j < f->nlines; j++)
		{
			oms_rule_steps(items[j]);
			if (items[j]->rule_id != f->rule.rule_id)
				req->demand[j].rule = items[j];
		}
	}
	oms_rule_steps(&f->rule);
	req->rule = f->rule;
}

/* What if these rules were others? */
static void
change_rules(OmsFulfilment *f, OmsPlanRequest *req)
{
	f->whatif->rule(f->whatif->arg, &f->rule);
	req->rule = f->rule;
	for (int j = 0; j < f->nlines; j++)
		if (req->demand[j].rule)
		{
			OmsSourcingRule *rule = palloc(sizeof(OmsSourcingRule));

			*rule = *req->demand[j].rule;
			f->whatif->rule(f->whatif->arg, rule);
			req->demand[j].rule = rule;
		}
}

static OmsPlan service_plan = {
	"SELECT 1 FROM oms.courier_service WHERE code = $1",
	1, {TEXTOID}, NULL
};

/* A document may name a courier service; it must be one. */
static void
check_service(const char *code)
{
	Datum		values[1] = {oms_text(code)};

	oms_spi_connect();
	if (oms_memo(&service_plan, values, NULL, false) == 0)
		ereport(ERROR,
				(errcode(ERRCODE_OMS_UNKNOWN_REFERENCE),
				 errmsg("courier service \"%s\" does not exist", code),
				 errdetail("Field fulfilment.service."),
				 errhint("The services are the rows of oms.courier_service; left out, the best goes.")));
	oms_spi_finish();
}

void
oms_fulfil_request(OmsFulfilment *f, OmsPlanRequest *req)
{
	req->mesh.company_id = f->company_id;
	req->mesh.has_point = f->has_point;
	req->mesh.lng = f->lng;
	req->mesh.lat = f->lat;
	req->mesh.only_node_id = f->only_node_id;
	req->mesh.at = f->at;
	req->mesh.pincode = f->pincode;
	req->mesh.state_code = f->state_code;
	req->mesh.cod = f->cod;
	req->pincode = f->pincode;
	req->view.channel_id = f->channel->channel_id;
	req->view.own_carts = f->own_carts;
	req->view.nown_carts = f->nown_carts;
	req->view.own_takes = f->accepted;
	req->view.nown_takes = f->naccepted;
	req->view.at = f->at;
	req->own_nodes = f->channel->own_nodes;
	req->carry_out = f->carry_out;
	req->backorders = f->channel->allow_backorder && !f->carry_out;
	if (f->service && f->run <= 1)
		check_service(f->service);
	req->whatif = f->whatif;
	req->slots = !f->carry_out && !f->whatif;
	req->ndemand = f->nlines;
	req->demand = oms_order_demand(f->company_id, f->lines, f->nlines);
	find_rules(f, req);
	if (f->whatif)
		change_rules(f, req);
	if (f->rule.freight_weight > 0)
		as_one_parcel(f, req);
	/* the nodes of a rule that all lines share are measured by the mesh */
	if (!f->rule.has_steps)
		req->mesh.max_distance_m = f->rule.max_distance_m;
	for (int j = 0; j < f->nlines; j++)
		if (req->demand[j].rule)
			req->mesh.max_distance_m = 0;
}

/* The order as one parcel, to compare nodes by what its freight would be. */
static void
as_one_parcel(const OmsFulfilment *f, OmsPlanRequest *req)
{
	OmsCourierRequest *c = &req->parcel;
	int64		grams = 0;
	int64		mm3 = 0;

	c->company_id = f->company_id;
	c->to_pincode = f->pincode;
	c->air_ok = true;
	for (int j = 0; j < f->nlines; j++)
	{
		const OmsLine *line = &f->lines[j];

		c->value += line->net;
		grams += oms_muldiv(line->weight_g, line->qty, 1000);
		mm3 += oms_muldiv(line->volume_mm3, line->qty, 1000);
		c->cold_chain |= line->cold_chain;
		c->air_ok &= line->air_ok;
	}
	c->dead_g = (int32) Min(Max(grams, 1), 1000000000);
	c->volume_cm3 = (int32) Min(Max((mm3 + 999) / 1000, 1), 1000000000);
	c->cod = f->cod;
	c->collect = f->cod ? f->due : 0;
	c->p_rto = f->p_rto;
	c->loss = f->loss;
	c->only_service = f->service;
	c->has_max_days = f->has_max_days;
	c->max_days = f->max_days;
}

void
oms_fulfil_plan(OmsFulfilment *f)
{
	OmsPlanRequest req = {0};
	OmsNodeRefusal *refusals = f->rejected;
	int			nrefusals = f->nrejected;
	int			tries = 0;
	bool		any_courier = false;

	oms_fulfil_request(f, &req);
	req.runner_up = f->reserve && oms_sourcing_explains_runner_up();
	f->demand = req.demand;
	req.npins = f->npins;
	req.pins = f->pins;

	for (;;)
	{
		int			refused = nrefusals;

		CHECK_FOR_INTERRUPTS();
		oms_sourcing_plan_without(&req, refusals, nrefusals, &f->plan);
		if (req.npins > 0 && !keeps_pins(f))
		{
			/* somebody was faster, or rules forbid it: any plan, then */
			req.npins = 0;
			continue;
		}

		/* couriers: a node nobody can serve is none */
		f->nquotes = 0;
		oms_parcel_divide(f);
		f->parcels = palloc0(sizeof(OmsParcel) * (f->plan.npieces + 1));
		if (!f->carry_out)
		{
			for (int i = 0; i < f->plan.npieces; i++)
			{
				const OmsPiece *piece = &f->plan.pieces[i];

				if (parcel_of(f, piece->node, piece->part) == NULL)
				{
					f->parcels[f->nquotes].node = piece->node;
					f->parcels[f->nquotes++].part = piece->part;
				}
			}
			qsort_arg(f->parcels, f->nquotes, sizeof(OmsParcel),
					  compare_parcels, NULL);
			ask_couriers(f, f->cod);
			for (int i = 0; i < f->nquotes; i++)
			{
				bool		served = f->parcels[i].nquotes > 0 &&
				f->parcels[i].quotes[0].refused == NULL;

				if (served)
					any_courier = true;
				else if (f->hold == NULL)
				{
					/* every round refuses nodes not refused before */
					if (refusals == NULL)
						refusals = palloc(sizeof(OmsNodeRefusal));
					else
						refusals = repalloc(refusals, sizeof(OmsNodeRefusal) * (nrefusals + 1));
					refusals[nrefusals].node_id = f->plan.nodes[f->parcels[i].node].node_id;
					refusals[nrefusals++].reason = "NOT_SERVICEABLE";
				}
			}
			if (nrefusals > refused)
			{
				req.npins = 0;
				continue;
			}
			if (f->plan.npieces == 0 && nrefusals > f->nrejected && f->hold == NULL && !any_courier &&
				!f->pickups_full)
			{
				/* every node with stock was refused: hold it there instead */
				f->hold = "NOT_SERVICEABLE";
				f->hold_reason = "no courier service reaches the buyer from any node with stock";
				nrefusals = f->nrejected;
				continue;
			}
		}
		if (!f->reserve)
			break;
		take_ids(f);
		if (f->naccepted > 0 && keep_accepted(f, &req))
			break;
		if (f->defer && has_plenty(f, &req))
		{
			f->request = req;
			break;
		}
		f->taken = oms_sourcing_reserve(&req, &f->plan, NULL, 0);
		if (f->taken)
			break;
		if (++tries == MAX_TRIES)
			ereport(ERROR,
					(errcode(ERRCODE_T_R_SERIALIZATION_FAILURE),
					 errmsg("stock of this order's items keeps changing"),
					 errhint("Try the call again.")));
	}

	if (f->hold && f->cod)
	{
		/* would it go without the cash? */
		if (ask_couriers(f, false))
		{
			f->hold = "PREPAID_ONLY";
			f->hold_reason = "no courier service collects cash on this lane";
		}
	}
	f->pinned = req.npins > 0;
	f->complete = true;
	for (int j = 0; j < f->nlines; j++)
		if (f->plan.unfilled[j] > 0)
			f->complete = false;
	make_allocations(f);
	if (!f->carry_out && !f->whatif)
		oms_fulfil_supply(f);
}

/*
 * What was taken when the order was accepted becomes the plan's reservations.
 * False where the plan is another: then it is given back, and the rows of
 * both are locked.
 */
static bool
keep_accepted(OmsFulfilment *f, OmsPlanRequest *req)
{
	OmsStockTake *takes = palloc0(sizeof(OmsStockTake) * (f->plan.npieces + 1));

	for (int i = 0; i < f->plan.npieces; i++)
	{
		const OmsPiece *piece = &f->plan.pieces[i];

		takes[i].key.node_id = f->plan.nodes[piece->node].node_id;
		takes[i].key.sku_id = req->demand[piece->demand].sku_id;
		takes[i].qty = piece->qty;
		takes[i].allocation_id = piece->allocation_id;
	}
	f->taken = req->npins > 0 && !oms_slots_wanted(req, &f->plan);
	if (f->taken)
		oms_stock_hold_takes(f->company_id, takes, f->plan.npieces);
	else
		oms_stock_give_takes(f->company_id, f->accepted, f->naccepted, takes, f->plan.npieces);
	f->naccepted = req->view.nown_takes = 0;
	return f->taken;
}

/* Nothing about the plan but the stock itself is to be taken. */
static bool
has_plenty(const OmsFulfilment *f, const OmsPlanRequest *req)
{
	if (f->carry_out || f->nown_carts > 0 || f->line_ids ||
		f->plan.npieces == 0 || f->plan.left < OMS_PLENTY ||
		oms_slots_wanted(req, &f->plan))
		return false;
	for (int j = 0; j < f->nlines; j++)
		if (f->plan.unfilled[j] > 0)
			return false;
	for (int i = 0; i < f->plan.npieces; i++)
		if (f->plan.pieces[i].beyond)
			return false;
	return true;
}

bool
oms_fulfil_take(OmsFulfilment *f)
{
	Assert(f->defer && !f->taken);
	f->taken = oms_sourcing_reserve(&f->request, &f->plan, NULL, 0);
	for (int i = 0; i < f->plan.npieces && f->taken; i++)
		if (f->plan.pieces[i].beyond)
		{
			/* that needs supply to be looked for: not here */
			for (int k = 0; k < f->plan.npieces; k++)
				oms_stock_release_allocation(f->company_id,
											 f->plan.pieces[k].allocation_id);
			f->taken = false;
		}
	return f->taken;
}

/* Parcels by node, as the plan's nodes are in order. */
static int
compare_parcels(const void *a, const void *b, void *arg)
{
	const OmsParcel *x = a;
	const OmsParcel *y = b;

	if (x->node != y->node)
		return x->node < y->node ? -1 : 1;
	return x->part < y->part ? -1 : x->part > y->part;
}

/* The parcel that this part of a node's goods travels in; NULL: none yet. */
static OmsParcel *
parcel_of(const OmsFulfilment *f, int node, int part)
{
	for (int p = 0; p < f->nquotes; p++)
		if (f->parcels[p].part == part &&
			oms_same_site(&f->plan.nodes[f->parcels[p].node], &f->plan.nodes[node]))
			return &f->parcels[p];
	return NULL;
}

/* When the last of its nodes has it ready. */
static TimestampTz
parcel_ready_at(const OmsFulfilment *f, int node)
{
	OmsPlanRequest req = {0};
	TimestampTz ready = 0;

	req.mesh.company_id = f->company_id;
	req.mesh.at = f->at;
	for (int i = 0; i < f->plan.nnodes; i++)
		if (f->plan.node_used[i] &&
			oms_same_site(&f->plan.nodes[i], &f->plan.nodes[node]))
			ready = Max(ready, oms_sourcing_ready_at(&req, &f->plan, i));
	return ready;
}

/* Couriers that pick up nothing more at the node go behind the others. */
static void
limit_couriers(OmsFulfilment *f, int32 node_id, OmsParcel *p)
{
	OmsCourierQuote *sorted = palloc(sizeof(OmsCourierQuote) * (p->nquotes + 1));
	bool		limited = false;
	int			n = 0;

	for (int i = 0; i < f->npickups; i++)
		limited |= f->pickups[i].node_id == node_id;
	if (!limited)
		return;
	for (int q = 0; q < p->nquotes; q++)
	{
		bool		room = false;

		for (int i = 0; i < f->npickups; i++)
			if (f->pickups[i].node_id == node_id &&
				f->pickups[i].courier_id == p->quotes[q].courier_id)
				room = f->pickups[i].room > 0;
		if (room || p->quotes[q].refused)
			continue;
		p->quotes[q].refused = "CAPACITY_FULL";
		f->pickups_full = true;
	}
	for (int refused = 0; refused < 2; refused++)
		for (int q = 0; q < p->nquotes; q++)
			if ((p->quotes[q].refused != NULL) == refused)
				sorted[n++] = p->quotes[q];
	memcpy(p->quotes, sorted, sizeof(OmsCourierQuote) * n);
}

/* Did all that was to be planned come about? */
static bool
keeps_pins(const OmsFulfilment *f)
{
	int64		left = 0;

	for (int i = 0; i < f->npins; i++)
		left += f->pins[i].qty;
	for (int i = 0; i < f->plan.npieces; i++)
		left -= f->plan.pieces[i].qty;
	return left == 0;
}

/*
 * Quotes for every parcel; true when each has a service.
 */
static bool
ask_couriers(OmsFulfilment *f, bool cod)
{
	bool		all = f->nquotes > 0;
	int64		goods = 0;
	int64		left = f->due;
	bool		complete = true;

	for (int j = 0; j < f->nlines; j++)
	{
		goods += f->lines[j].net;
		if (f->plan.unfilled[j] > 0)
			complete = false;
	}
	for (int i = 0; i < f->nquotes; i++)
	{
		OmsParcel  *p = &f->parcels[i];
		OmsNode    *node = &f->plan.nodes[p->node];
		OmsCourierRequest req = {0};

		req.company_id = f->company_id;
		req.from_pincode = node->pincode;
		req.to_pincode = f->pincode;
		req.hyperlocal = node->hyperlocal;
		req.distance_m = node->distance_m;
		req.air_ok = true;
		lines_of_parcel(f, &p->value, p, &req);
		if (f->cod)
		{
			if (complete && i == f->nquotes - 1)
				p->collect = left;
			else
				p->collect = goods > 0 ? oms_muldiv(f->due, p->value, goods) : 0;
			left -= p->collect;
		}
		req.cod = cod && p->collect > 0;
		req.collect = req.cod ? p->collect : 0;
		req.value = p->value;
		req.dead_g = p->dead_g;
		req.volume_cm3 = p->volume_cm3;
		req.p_rto = f->p_rto;
		req.loss = f->loss;
		req.ready_at = parcel_ready_at(f, p->node);
		req.only_service = f->service;
		req.has_max_days = f->has_max_days;
		req.max_days = f->max_days;
		p->nquotes = oms_courier_quotes(&req, &p->quotes);
		if (f->npickups > 0)
			limit_couriers(f, node->node_id, p);
		if (p->nquotes == 0 || p->quotes[0].refused)
			all = false;
	}
	return all;
}

static void
lines_of_parcel(const OmsFulfilment *f, int64 *value,
				OmsParcel *parcel, OmsCourierRequest *req)
{
	int64		grams = 0;
	int64		mm3 = 0;

	*value = 0;
	for (int i = 0; i < f->plan.npieces; i++)
	{
		const OmsPiece *piece = &f->plan.pieces[i];
		const OmsLine *line = &f->lines[piece->demand];

		if (piece->part != parcel->part ||
			!oms_same_site(&f->plan.nodes[piece->node], &f->plan.nodes[parcel->node]))
			continue;
		*value += oms_muldiv(line->net, piece->qty, line->qty);
		grams += oms_muldiv(line->weight_g, piece->qty, 1000);
		mm3 += oms_muldiv(line->volume_mm3, piece->qty, 1000);
		req->cold_chain |= line->cold_chain;
		req->air_ok &= line->air_ok;
	}
	parcel->dead_g = (int32) Min(Max(grams, 1), 1000000000);
	parcel->volume_cm3 = (int32) Min(Max((mm3 + 999) / 1000, 1), 1000000000);
}

static void
take_ids(OmsFulfilment *f)
{
	for (int i = 0; i < f->plan.npieces; i++)
	{
		OmsPiece   *piece = &f->plan.pieces[i];

		bool		first = true;

		for (int k = 0; k < i && first; k++)
			first = f->plan.pieces[k].demand != piece->demand;
		if (first && f->line_ids && f->line_ids[piece->demand])
			piece->allocation_id = f->line_ids[piece->demand];
		else
			piece->allocation_id = oms_next("allocation_allocation_id_seq");
	}
}

/* Share of the line's amount for units (before, before + qty]; sums exactly. */
static int64
line_share(const OmsLine *line, int64 before, int64 qty)
{
	return oms_muldiv(line->net, before + qty, line->qty) -
		oms_muldiv(line->net, before, line->qty);
}

/* GST of the goods, from the node's state to the buyer's. */
static void
tax_allocation(const OmsFulfilment *f, OmsNewAllocation *a)
{
	const OmsLine *line = &f->lines[a->line];
	const char *supplier = f->plan.nodes[a->node].gst_state;
	OmsTaxInput in = {0};

	a->place_of_supply = f->place_of_supply ? f->place_of_supply : supplier;
	if (line->taxed && a->qty == line->qty)
	{
		a->tax = line->tax;
		oms_tax_place(&a->tax, a->tax.cgst + a->tax.sgst + a->tax.igst,
					  f->supply, supplier, a->place_of_supply);
		return;
	}
	in.company_id = f->company_id;
	in.tax_code = line->tax_code;
	in.hsn = line->hsn;
	in.day = f->supply_day;
	in.net = a->net;
	in.qty = a->qty;
	in.inclusive = f->channel->price_includes_tax;
	in.supplier_state = supplier;
	in.place_of_supply = a->place_of_supply;
	in.supply = f->supply;
	oms_tax_compute(&in, &a->tax);
}

static void
make_allocations(OmsFulfilment *f)
{
	int64	   *done = palloc0(sizeof(int64) * (f->nlines + 1));
	int			n = 0;

	f->allocations = palloc0(sizeof(OmsNewAllocation) *
							 (f->plan.npieces + f->nlines + 1));
	f->promised_at = 0;
	f->tax = 0;
	for (int i = 0; i < f->plan.npieces; i++)
	{
		OmsPiece   *piece = &f->plan.pieces[i];
		OmsNewAllocation *a = &f->allocations[n++];
		const OmsParcel *parcel;

		a->allocation_id = piece->allocation_id;
		a->line = piece->demand;
		a->node = piece->node;
		a->qty = piece->qty;
		a->net = line_share(&f->lines[a->line], done[a->line], a->qty);
		done[a->line] += a->qty;
		a->status = f->carry_out ? "delivered" : "reserved";
		a->promised_at = f->carry_out ? f->at : 0;
		if ((parcel = parcel_of(f, a->node, piece->part)) != NULL &&
			parcel->nquotes > 0 && parcel->quotes[0].refused == NULL)
			a->promised_at = parcel->quotes[0].promised_at;
		f->promised_at = Max(f->promised_at, a->promised_at);
		tax_allocation(f, a);
		f->tax += a->tax.cgst + a->tax.sgst + a->tax.igst;
	}
	for (int j = 0; j < f->nlines; j++)
		if (f->plan.unfilled[j] > 0)
		{
			OmsNewAllocation *a = &f->allocations[n++];

			a->line = j;
			a->node = -1;
			a->qty = f->plan.unfilled[j];
			a->net = line_share(&f->lines[j], done[j], a->qty);
			a->status = "backordered";
		}
	f->nallocations = n;
}

static OmsPlan allocation_plan = {
	"INSERT INTO oms.allocation (company_id, allocation_id, order_id, line_no, sku_id, node_id, qty, status, shipment_id,"
	" net_amount, tax_rate, taxable, cgst, sgst, igst, supplier_state, place_of_supply, promised_at)"
	" VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18)",
	18, {INT4OID, INT8OID, INT8OID, INT4OID, INT4OID, INT4OID, NUMERICOID, TEXTOID, INT8OID,
	NUMERICOID, NUMERICOID, NUMERICOID, NUMERICOID, NUMERICOID, NUMERICOID, TEXTOID, TEXTOID, TIMESTAMPTZOID}, NULL
};

static void
write_allocation(OmsFulfilment *f, OmsNewAllocation *a)
{
	OmsLine    *line = &f->lines[a->line];
	Datum		values[18];
	char		nulls[19] = "                  ";

	values[0] = Int32GetDatum(f->company_id);
	values[1] = Int64GetDatum(a->allocation_id ? a->allocation_id :
							  oms_next("allocation_allocation_id_seq"));
	values[2] = Int64GetDatum(f->order_id);
	values[3] = Int32GetDatum(line->line_no);
	values[4] = Int32GetDatum(line->sku_id);
	values[5] = Int32GetDatum(a->node >= 0 ? f->plan.nodes[a->node].node_id : 0);
	values[6] = oms_milli_numeric(a->qty);
	values[7] = oms_text(a->status);
	values[8] = Int64GetDatum(a->shipment_id);
	nulls[8] = a->shipment_id ? ' ' : 'n';
	values[9] = oms_paise_numeric(a->net);
	if (a->node >= 0)
	{
		values[10] = oms_milli_numeric(a->tax.rate);
		values[11] = oms_paise_numeric(a->tax.taxable);
		values[15] = oms_text(f->plan.nodes[a->node].gst_state);
		values[16] = oms_text(a->place_of_supply);
	}
	else
		nulls[5] = nulls[10] = nulls[11] = nulls[15] = nulls[16] = 'n';
	values[12] = oms_paise_numeric(a->tax.cgst);
	values[13] = oms_paise_numeric(a->tax.sgst);
	values[14] = oms_paise_numeric(a->tax.igst);
	values[17] = TimestampTzGetDatum(a->promised_at);
	nulls[17] = a->promised_at ? ' ' : 'n';
	oms_insert(&allocation_plan, values, nulls);
}

void
oms_fulfil_write(OmsFulfilment *f)
{
	OmsDecision *decisions;
	int			n;
	int			room = f->plan.nnodes + 3;

	oms_spi_connect();
	for (int p = 0; p < f->nquotes; p++)
	{
		OmsParcel  *parcel = &f->parcels[p];
		OmsShipmentPlan sp = {0};
		bool		served = parcel->nquotes > 0 && parcel->quotes[0].refused == NULL;

		sp.company_id = f->company_id;
		sp.order_id = f->order_id;
		sp.node_id = f->plan.nodes[parcel->node].node_id;
		sp.cod_amount = parcel->collect;
		sp.declared_value = parcel->value;
		sp.dead_g = parcel->dead_g;
		sp.volume_cm3 = parcel->volume_cm3;
		sp.quote = served ? &parcel->quotes[0] : NULL;
		sp.promised_at = served ? parcel->quotes[0].promised_at : 0;
		parcel->shipment_id = oms_shipment_plan(&sp);
		for (int i = 0; i < f->nallocations; i++)
			if (f->allocations[i].node >= 0 &&
				parcel_of(f, f->allocations[i].node, f->plan.pieces[i].part) == parcel)
				f->allocations[i].shipment_id = parcel->shipment_id;
		for (int i = 0; i < f->plan.nnodes; i++)
			if (f->plan.node_used[i] && parcel_of(f, i, parcel->part) == parcel)
				oms_slots_keep(f->company_id, f->order_id, parcel->shipment_id, &f->plan, i, parcel->part);
		room += parcel->nquotes;
	}
	for (int i = 0; i < f->nallocations; i++)
		write_allocation(f, &f->allocations[i]);
	oms_fulfil_write_pegs(f);

	if (!f->complete)
		oms_park(f->company_id, f->order_id, f->at, &f->rule,
				 f->waits_for ? f->waits_for : "UNFILLED");

	decisions = palloc0(sizeof(OmsDecision) * room);
	n = oms_sourcing_explain(&f->plan, decisions, 0);
	if (f->plan.npieces > 0)
	{
		OmsDecision *d = &decisions[n++];
		OmsJson		j;

		d->subject = "plan";
		d->outcome = "chosen";
		d->rank = 1;
		d->cost = f->plan.cost;
		oms_json_begin(&j);
		oms_json_int(&j, "parcels", f->nquotes);
		oms_json_bool(&j, "proven", f->plan.proven);
		oms_json_bool(&j, "complete", f->complete);
		if (f->rule.rule_id)
			oms_json_int(&j, "rule", f->rule.rule_id);
		if (f->plan.stock_price > 0)
			oms_json_paise(&j, "stock_price", f->plan.stock_price);
		d->terms = oms_json_end(&j);
		n = oms_sourcing_explain_runner_up(&f->plan, decisions, n);
	}
	for (int p = 0; p < f->nquotes; p++)
		for (int q = 0; q < f->parcels[p].nquotes; q++)
		{
			OmsCourierQuote *quote = &f->parcels[p].quotes[q];
			OmsDecision *d = &decisions[n++];
			OmsJson		j;

			d->subject = "courier";
			d->node_id = f->plan.nodes[f->parcels[p].node].node_id;
			d->courier_service_id = quote->courier_service_id;
			d->reason = quote->refused;
			if (quote->refused)
				d->outcome = "refused";
			else
			{
				d->outcome = q == 0 ? "chosen" : "ranked";
				d->rank = q + 1;
				d->cost = quote->expected_cost;
				oms_json_begin(&j);
				oms_json_str(&j, "zone", quote->zone);
				oms_json_paise(&j, "freight", quote->freight);
				oms_json_paise(&j, "cod_fee", quote->cod_fee);
				oms_json_paise(&j, "gst", quote->gst);
				oms_json_float(&j, "p_success", quote->p_success, 4);
				oms_json_int(&j, "days", quote->days);
				d->terms = oms_json_end(&j);
			}
		}
	oms_sourcing_keep(f->company_id, f->order_id, f->run, decisions, n);
	oms_spi_finish();
}

void
oms_fulfil_json(const OmsFulfilment *f, OmsJson *j)
{
	oms_json_array(j, "plan");
	for (int i = 0; i < f->nallocations; i++)
	{
		const OmsNewAllocation *a = &f->allocations[i];
		const OmsParcel *parcel;

		oms_json_object(j, NULL);
		oms_json_int(j, "line_no", f->lines[a->line].line_no);
		oms_json_str(j, "sku", f->lines[a->line].sku);
		oms_json_milli(j, "qty", a->qty);
		oms_json_str(j, "status", f->reserve ? a->status :
					 a->node >= 0 ? "available" : "backordered");
		oms_json_str(j, "node", a->node >= 0 ? f->plan.nodes[a->node].code : NULL);
		if (a->node >= 0 &&
			(parcel = parcel_of(f, a->node, f->plan.pieces[i].part)) != NULL &&
			parcel->nquotes > 0 && parcel->quotes[0].refused == NULL)
			oms_json_str(j, "courier", parcel->quotes[0].code);
		oms_json_time(j, "promised_at", a->promised_at);
		if (a->supply_at)
			oms_json_time(j, "supply_at", a->supply_at);
		oms_json_close_object(j);
	}
	oms_json_close_array(j);
	if (f->reserve && !f->complete && f->rule.park_queue)
		oms_json_str(j, "parked", f->rule.park_queue);
}

static char *
quantity(int64 milli)
{
	milli = Min(milli, INT64CONST(99999999999999));
	return DatumGetCString(DirectFunctionCall1(numeric_out,
											   oms_milli_numeric(milli)));
}

void
oms_fulfil_raise_short(const OmsFulfilment *f)
{
	StringInfoData detail;

	for (int i = 0; f->carry_out && i < f->plan.nnodes; i++)
		if (f->plan.nodes[i].node_id == f->only_node_id &&
			f->plan.nodes[i].refused &&
			strcmp(f->plan.nodes[i].refused, "NO_STOCK") != 0)
			ereport(ERROR,
					(errcode(ERRCODE_OMS_NO_NODE),
					 errmsg("node \"%s\" cannot sell over its counter",
							f->plan.nodes[i].code),
					 errdetail("It is refused as %s (oms.reason_code).",
							   f->plan.nodes[i].refused),
					 errhint("A counter is a node with oms.node.pos set that is open and has a GST state.")));
	initStringInfo(&detail);
	for (int j = 0; j < f->nlines; j++)
	{
		int64		qty = f->lines[j].qty;

		if (f->plan.unfilled[j] == 0)
			continue;
		appendStringInfo(&detail, "%s%s: asked %s, available %s",
						 detail.len ? "; " : "", f->lines[j].sku,
						 quantity(qty), quantity(f->plan.available[j]));
		if (f->plan.available[j] >= qty)
			appendStringInfo(&detail, ", but only %s with the other lines in the parcels allowed",
							 quantity(qty - f->plan.unfilled[j]));
	}
	ereport(ERROR,
			(errcode(ERRCODE_OMS_OUT_OF_STOCK),
			 errmsg("not enough stock for the order"),
			 errdetail("%s.", detail.data),
			 errhint("Take fewer, or let the channel backorder (oms.channel.allow_backorder).")));
}
