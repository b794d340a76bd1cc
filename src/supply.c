/*
 * supply.c
 *	  Promises by supply that is on its way: which waiting allocation counts
 *	  on which rows of oms.inbound, and when it will be there.
 *
 * A peg (oms.supply_peg) is so many units of a supply that an allocation
 * counts on: what waits, and of what is reserved the part that the count
 * lacks.  Pegs of a supply are read and written under the lock of its row, so
 * no unit is promised twice; each writer also changes the row, so that a
 * snapshot taken before notices (serialization failure).  Pegs of
 * allocations that neither wait nor are reserved count for nothing.
 *
 * A new order takes what nobody counts on.  When supply changes all pegs of
 * the item are made anew, in the order in which waiting orders are served:
 * priority, promised date, allocation.
 *
 * Lock order: orders, allocations, stock rows, then supplies by inbound_id.
 * Who makes pegs anew holds supplies first and therefore never waits for an
 * order: what somebody works on keeps its date until the next time.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

#include "allocation.h"
#include "orders.h"
#include "stock_batch.h"
#include "supply.h"

typedef struct Supply
{
	int64		inbound_id;
	int32		node_id;
	int32		sku_id;
	int64		left;			/* milli, that nobody counts on */
	TimestampTz ready_at;
} Supply;

typedef struct Supplies
{
	int			n;
	Supply	   *s;				/* by (ready_at, inbound_id) */
} Supplies;

/* What became of the wants of one allocation. */
typedef struct Fill
{
	bool		asked;			/* there is supply it might count on */
	bool		lacks;			/* not for all of it */
	TimestampTz ready_at;		/* when the last of it is ready */
	int32		node_id;		/* and where */
} Fill;

static OmsPlan lock_plan = {
	"SELECT 1 FROM oms.inbound WHERE company_id = $1 AND sku_id = ANY ($2) AND state = 'expected'"
	" ORDER BY inbound_id FOR NO KEY UPDATE",
	2, {INT4OID, INT4ARRAYOID}, NULL
};

/* $3 is the order whose waiting allocations ($4, all if null) are planned */
static OmsPlan supplies_plan = {
	"SELECT i.inbound_id, i.node_id, i.sku_id, (greatest(i.qty - coalesce((SELECT sum(p.qty) FROM oms.supply_peg p"
	"  JOIN oms.allocation a ON a.company_id = p.company_id AND a.allocation_id = p.allocation_id AND a.status IN " OMS_PEG_LIVE
	"  WHERE p.company_id = i.company_id AND p.inbound_id = i.inbound_id"
	"   AND NOT (p.order_id = $3 AND a.status = 'backordered' AND ($4 IS NULL OR p.allocation_id = ANY ($4)))), 0), 0) * 1000)::int8, i.ready_at"
	" FROM oms.inbound i WHERE i.company_id = $1 AND i.sku_id = ANY ($2) AND i.state = 'expected'"
	" ORDER BY i.ready_at, i.inbound_id",
	4, {INT4OID, INT4ARRAYOID, INT8OID, INT8ARRAYOID}, NULL
};

static void
read_supplies(int32 company_id, const int32 *skus, int nskus, int64 order_id,
			  const int64 *replaced, int nreplaced, bool lock, Supplies *out)
{
	MemoryContext caller = CurrentMemoryContext;
	Datum		values[4] = {
		Int32GetDatum(company_id), oms_int4_array(skus, nskus),
		Int64GetDatum(order_id),
		nreplaced > 0 ? oms_int8_array(replaced, nreplaced) : (Datum) 0
	};

	out->n = 0;
	out->s = NULL;
	oms_spi_connect();
	if (!lock || oms_exec(&lock_plan, values, NULL, false, 0) > 0)
	{
		out->n = (int) oms_exec(&supplies_plan, values,
								nreplaced > 0 ? NULL : "   n", false, 0);
		out->s = MemoryContextAlloc(caller, sizeof(Supply) * (out->n + 1));
		for (int i = 0; i < out->n; i++)
		{
			out->s[i].inbound_id = oms_int8(i, 1);
			out->s[i].node_id = oms_int4(i, 2);
			out->s[i].sku_id = oms_int4(i, 3);
			out->s[i].left = oms_int8(i, 4);
			out->s[i].ready_at = oms_time(i, 5);
		}
	}
	oms_spi_finish();
}

/*
 * Capture and promise
 */
static void
add_peg(OmsFulfilment *f, int allocation, int64 inbound_id, int64 qty)
{
	if (f->npegs == 0)
		f->pegs = palloc(sizeof(OmsPeg));
	else
		f->pegs = repalloc(f->pegs, sizeof(OmsPeg) * (f->npegs + 1));
	f->pegs[f->npegs].allocation = allocation;
	f->pegs[f->npegs].inbound_id = inbound_id;
	f->pegs[f->npegs++].qty = qty;
}

/* A node that would serve the order if only it had the goods. */
static bool
may_serve(const OmsFulfilment *f, int32 node_id)
{
	for (int i = 0; i < f->plan.nnodes; i++)
		if (f->plan.nodes[i].node_id == node_id)
			return f->plan.nodes[i].refused == NULL ||
				strcmp(f->plan.nodes[i].refused, "NO_STOCK") == 0;
	return false;
}

/* node_id 0: any node that may serve the order. */
static void
fill_want(OmsFulfilment *f, Supplies *sup, int allocation, int32 sku_id,
		  int64 qty, int32 node_id, Fill *fill)
{
	for (int i = 0; i < sup->n; i++)
	{
		Supply	   *s = &sup->s[i];
		int64		take = Min(s->left, qty);

		if (s->sku_id != sku_id ||
			(node_id != 0 ? s->node_id != node_id : !may_serve(f, s->node_id)))
			continue;
		fill->asked = true;
		if (take <= 0)
			continue;
		s->left -= take;
		qty -= take;
		add_peg(f, allocation, s->inbound_id, take);
		if (s->ready_at >= fill->ready_at)
		{
			fill->ready_at = s->ready_at;
			fill->node_id = s->node_id;
		}
	}
	if (qty > 0)
		fill->lacks = true;
}

/* By when the buyer has it, handed over by the node from "ready" on. */
static TimestampTz
arrival(OmsCourierRequest *req, const OmsNode *node, TimestampTz ready,
		int32 service_id)
{
	OmsCourierQuote *quotes;
	int			n;

	req->from_pincode = node->pincode;
	req->hyperlocal = node->hyperlocal;
	req->distance_m = node->distance_m;
	req->ready_at = oms_mesh_ready_at(req->company_id, node, ready);
	n = oms_courier_quotes(req, &quotes);
	for (int i = 0; i < n; i++)
		if (quotes[i].refused == NULL &&
			(service_id == 0 || quotes[i].courier_service_id == service_id))
			return quotes[i].promised_at;
	return 0;
}

static TimestampTz
line_arrival(const OmsFulfilment *f, const OmsNewAllocation *a,
			 const OmsNode *node, TimestampTz ready, int32 service_id)
{
	const OmsLine *line = &f->lines[a->line];
	OmsCourierRequest req = {0};

	req.company_id = f->company_id;
	req.to_pincode = f->pincode;
	req.cod = f->cod;
	req.collect = f->cod ? a->net : 0;
	req.value = a->net;
	req.dead_g = (int32) Min(Max(oms_muldiv(line->weight_g, a->qty, 1000), 1), 1000000000);
	req.volume_cm3 = (int32) Min(Max((oms_muldiv(line->volume_mm3, a->qty, 1000) + 999) / 1000, 1), 1000000000);
	req.cold_chain = line->cold_chain;
	req.air_ok = line->air_ok;
	req.p_rto = f->p_rto;
	req.loss = f->loss;
	return arrival(&req, node, ready, service_id);
}

static const OmsNode *
plan_node(const OmsFulfilment *f, int32 node_id)
{
	for (int i = 0; i < f->plan.nnodes; i++)
		if (f->plan.nodes[i].node_id == node_id)
			return &f->plan.nodes[i];
	return NULL;
}

static bool
travels_in(const OmsFulfilment *f, int allocation, const OmsParcel *parcel)
{
	int			node = f->allocations[allocation].node;

	return node >= 0 && f->plan.pieces[allocation].part == parcel->part &&
		oms_same_site(&f->plan.nodes[parcel->node], &f->plan.nodes[node]);
}

/* A parcel goes when the last of its goods is there. */
static void
delay_parcel(OmsFulfilment *f, OmsParcel *parcel, const Fill *fills)
{
	bool		unknown = false;
	TimestampTz ready = 0;
	int			latest = -1;
	TimestampTz promised = 0;

	for (int i = 0; i < f->nallocations; i++)
		if (travels_in(f, i, parcel) && fills[i].asked)
		{
			unknown |= fills[i].lacks;
			if (latest < 0 || fills[i].ready_at > ready)
			{
				ready = fills[i].ready_at;
				latest = i;
			}
		}
	if (latest < 0)
		return;
	if (!unknown && parcel->nquotes > 0 && parcel->quotes[0].refused == NULL)
		promised = Max(parcel->quotes[0].promised_at,
					   line_arrival(f, &f->allocations[latest],
									&f->plan.nodes[parcel->node], Max(ready, f->at),
									parcel->quotes[0].courier_service_id));
	if (parcel->nquotes > 0)
		parcel->quotes[0].promised_at = promised;
	for (int i = 0; i < f->nallocations; i++)
		if (travels_in(f, i, parcel))
			f->allocations[i].promised_at = promised;
}

/*
 * What is known of getting a line's goods where nothing is on its way: days
 * in which a node that lists the item gets it, or the channel's; -1 unknown.
 */
static OmsPlan lead_plan = {
	"SELECT coalesce(max(coalesce(k.days, c.lead_days)) FILTER (WHERE coalesce(k.days, c.lead_days) IS NOT NULL), -1),"
	" bool_or(coalesce(k.days, c.lead_days) IS NULL)"
	" FROM oms.channel c, unnest($2::int4[]) AS u (sku_id)"
	" LEFT JOIN LATERAL (SELECT min(coalesce(s.lead_days, n.lead_days)) AS days FROM oms.stock s JOIN oms.node n ON n.node_id = s.node_id"
	"  WHERE s.company_id = $1 AND s.sku_id = u.sku_id AND n.node_id = ANY ($3)) k ON true"
	" WHERE c.channel_id = $4",
	4, {INT4OID, INT4ARRAYOID, INT4ARRAYOID, INT4OID}, NULL
};

static int
lead_days(int32 company_id, const int32 *skus, int nskus, const int32 *nodes,
		  int nnodes, int32 channel_id)
{
	Datum		values[4] = {
		Int32GetDatum(company_id), oms_int4_array(skus, nskus),
		oms_int4_array(nodes, nnodes), Int32GetDatum(channel_id)
	};
	int			days;

	oms_spi_connect();
	days = oms_exec(&lead_plan, values, NULL, false, 1) > 0 && !oms_bool(0, 2) ?
		oms_int4(0, 1) : -1;
	oms_spi_finish();
	return days;
}

/* The nearest node that may serve the order, and when a waiting line's is. */
static void
date_by_lead(OmsFulfilment *f, OmsNewAllocation *a, const OmsDemand *d,
			 const Fill *fill)
{
	int32	   *nodes = palloc(sizeof(int32) * (f->plan.nnodes + 1));
	const OmsNode *first = NULL;
	int			n = 0;
	int			days;

	for (int i = 0; i < f->plan.nnodes; i++)
		if (may_serve(f, f->plan.nodes[i].node_id))
		{
			nodes[n++] = f->plan.nodes[i].node_id;
			if (first == NULL)
				first = &f->plan.nodes[i];
		}
	if (n == 0)
		return;
	days = lead_days(f->company_id,
					 d->ncomponents ? d->component_sku : &d->sku_id,
					 Max(d->ncomponents, 1), nodes, n, f->channel->channel_id);
	if (days < 0)
		return;
	a->supply_at = Max(f->at + days * USECS_PER_DAY, fill->ready_at);
	a->promised_at = line_arrival(f, a, first, a->supply_at, 0);
}

static OmsPlan id_plan = {
	"SELECT nextval('oms.allocation_allocation_id_seq'::regclass)", 0, {0}, NULL
};

static int
wanted_skus(const OmsFulfilment *f, const OmsDemand *demand, int32 *skus)
{
	int			n = 0;

	for (int i = 0; i < f->nallocations; i++)
	{
		const OmsNewAllocation *a = &f->allocations[i];
		const OmsDemand *d = &demand[a->line];

		for (int c = 0; c < Max(d->ncomponents, 1); c++)
			if (a->node < 0 ||
				(f->plan.pieces[i].beyond && f->plan.pieces[i].beyond[c] > 0))
			{
				if (skus)
					skus[n] = d->ncomponents ? d->component_sku[c] : d->sku_id;
				n++;
			}
	}
	return n;
}

void
oms_fulfil_supply(OmsFulfilment *f)
{
	const OmsDemand *demand = f->demand;
	int32	   *skus;
	int			nskus = wanted_skus(f, demand, NULL);
	Supplies	sup;
	Fill	   *fills;

	f->npegs = 0;
	if (nskus == 0)
		return;
	skus = palloc(sizeof(int32) * nskus);
	wanted_skus(f, demand, skus);
	read_supplies(f->company_id, skus, nskus, f->order_id, f->replaced,
				  f->nreplaced, f->reserve, &sup);
	fills = palloc0(sizeof(Fill) * (f->nallocations + 1));
	for (int i = 0; i < f->nallocations; i++)
	{
		OmsNewAllocation *a = &f->allocations[i];
		const OmsDemand *d = &demand[a->line];

		for (int c = 0; c < Max(d->ncomponents, 1); c++)
		{
			int32		sku_id = d->ncomponents ? d->component_sku[c] : d->sku_id;

			if (a->node < 0)
				fill_want(f, &sup, i, sku_id, d->ncomponents ?
						  oms_muldiv(a->qty, d->component_qty[c], 1000) : a->qty,
						  0, &fills[i]);
			else if (f->plan.pieces[i].beyond && f->plan.pieces[i].beyond[c] > 0)
				fill_want(f, &sup, i, sku_id, f->plan.pieces[i].beyond[c],
						  f->plan.nodes[a->node].node_id, &fills[i]);
		}
	}
	for (int p = 0; p < f->nquotes; p++)
		delay_parcel(f, &f->parcels[p], fills);
	f->promised_at = 0;
	for (int i = 0; i < f->nallocations; i++)
	{
		OmsNewAllocation *a = &f->allocations[i];

		if (a->node < 0 && fills[i].asked && !fills[i].lacks)
		{
			a->supply_at = Max(fills[i].ready_at, f->at);
			a->promised_at = line_arrival(f, a, plan_node(f, fills[i].node_id),
										  a->supply_at, 0);
		}
		else if (a->node < 0)
			date_by_lead(f, a, &demand[a->line], &fills[i]);
		f->promised_at = Max(f->promised_at, a->promised_at);
	}
	if (!f->reserve)
		return;
	oms_spi_connect();
	for (int k = 0; k < f->npegs; k++)
	{
		OmsNewAllocation *a = &f->allocations[f->pegs[k].allocation];

		if (a->allocation_id != 0)
			continue;
		oms_exec(&id_plan, NULL, NULL, false, 1);
		a->allocation_id = oms_int8(0, 1);
	}
	oms_spi_finish();
}

static OmsPlan stale_plan = {
	"DELETE FROM oms.supply_peg p WHERE p.company_id = $1 AND p.order_id = $2 AND NOT EXISTS (SELECT FROM oms.allocation a"
	"  WHERE a.company_id = p.company_id AND a.allocation_id = p.allocation_id AND a.status IN " OMS_PEG_LIVE ")",
	2, {INT4OID, INT8OID}, NULL
};
static OmsPlan peg_plan = {
	"INSERT INTO oms.supply_peg AS p (company_id, order_id, allocation_id, inbound_id, qty) VALUES ($1, $2, $3, $4, $5)"
	" ON CONFLICT (company_id, allocation_id, inbound_id) DO UPDATE SET qty = p.qty + excluded.qty",
	5, {INT4OID, INT8OID, INT8OID, INT8OID, NUMERICOID}, NULL
};
static OmsPlan pegged_plan = {
	"UPDATE oms.inbound SET version = version + 1 WHERE company_id = $1 AND inbound_id = $2",
	2, {INT4OID, INT8OID}, NULL
};

/* The supply is locked. */
static void
write_peg(int32 company_id, int64 order_id, int64 allocation_id,
		  int64 inbound_id, int64 qty)
{
	Datum		values[5] = {
		Int32GetDatum(company_id), Int64GetDatum(order_id),
		Int64GetDatum(allocation_id), Int64GetDatum(inbound_id),
		oms_milli_numeric(qty)
	};

	oms_exec(&peg_plan, values, NULL, false, 0);
	values[1] = Int64GetDatum(inbound_id);
	oms_exec(&pegged_plan, values, NULL, false, 0);
}

void
oms_fulfil_write_pegs(OmsFulfilment *f)
{
	Datum		values[2] = {Int32GetDatum(f->company_id), Int64GetDatum(f->order_id)};

	if (f->run <= 1 && f->npegs == 0)
		return;
	oms_spi_connect();
	if (f->run > 1)
		oms_exec(&stale_plan, values, NULL, false, 0);
	for (int k = 0; k < f->npegs; k++)
		write_peg(f->company_id, f->order_id,
				  f->allocations[f->pegs[k].allocation].allocation_id,
				  f->pegs[k].inbound_id, f->pegs[k].qty);
	oms_spi_finish();
}

/*
 * Pegs of an item made anew
 */
static OmsPlan unpeg_plan = {
	"WITH gone AS (DELETE FROM oms.supply_peg p USING oms.inbound i WHERE p.company_id = $1 AND i.company_id = $1"
	"  AND i.inbound_id = p.inbound_id AND i.sku_id = $2 RETURNING p.allocation_id)"
	" SELECT DISTINCT allocation_id FROM gone ORDER BY 1",
	2, {INT4OID, INT4OID}, NULL
};

/*
 * What wants supply, in the order in which it is served: what waits, at any
 * node that is open to the order, and what is reserved at a node beyond its
 * count, the last in the order beyond it.
 */
static OmsPlan wants_plan = {
	"WITH beyond AS ("
	"  SELECT r.company_id, r.allocation_id, r.node_id, least(r.qty, greatest(sum(r.qty) OVER (PARTITION BY r.node_id"
	"    ORDER BY o.priority DESC, a.promised_at NULLS LAST, r.reservation_id) - (greatest(s.on_hand, 0) - (s.reserved - h.held)), 0)) AS qty"
	"   FROM oms.stock s"
	"   JOIN LATERAL (SELECT coalesce(sum(x.qty), 0) AS held FROM oms.reservation x JOIN oms.allocation y"
	"     ON y.company_id = x.company_id AND y.allocation_id = x.allocation_id"
	"     WHERE x.company_id = s.company_id AND x.node_id = s.node_id AND x.sku_id = s.sku_id AND x.state = 'open') h ON true"
	"   JOIN oms.reservation r ON r.company_id = s.company_id AND r.node_id = s.node_id AND r.sku_id = s.sku_id AND r.state = 'open'"
	"   JOIN oms.allocation a ON a.company_id = r.company_id AND a.allocation_id = r.allocation_id"
	"   JOIN oms.\"order\" o ON o.company_id = a.company_id AND o.order_id = a.order_id"
	"  WHERE s.company_id = $1 AND s.sku_id = $2 AND s.reserved > greatest(s.on_hand, 0)), wants AS ("
	"  SELECT b.allocation_id, b.qty, ARRAY[b.node_id] AS nodes FROM beyond b WHERE b.qty > 0"
	"  UNION ALL"
	"  SELECT a.allocation_id, a.qty * coalesce(k.qty, 1), ARRAY(SELECT n.node_id FROM oms.node n"
	"    WHERE n.company_id = a.company_id AND n.open AND (o.only_node_id IS NULL OR n.node_id = o.only_node_id)"
	"     AND (NOT c.own_nodes OR EXISTS (SELECT FROM oms.channel_node w WHERE w.company_id = n.company_id AND w.channel_id = c.channel_id AND w.node_id = n.node_id))"
	"     AND NOT EXISTS (SELECT FROM oms.allocation_rejection j WHERE j.company_id = a.company_id AND j.order_id = a.order_id"
	"      AND j.node_id = n.node_id AND (j.until IS NULL OR j.until > $3)))"
	"   FROM oms.allocation a JOIN oms.\"order\" o ON o.company_id = a.company_id AND o.order_id = a.order_id"
	"   JOIN oms.channel c ON c.channel_id = o.channel_id"
	"   LEFT JOIN oms.kit_component k ON k.company_id = a.company_id AND k.kit_sku_id = a.sku_id"
	"  WHERE a.company_id = $1 AND a.status = 'backordered' AND coalesce(k.sku_id, a.sku_id) = $2)"
	" SELECT w.allocation_id, a.order_id, (w.qty * 1000)::int8, w.nodes FROM wants w"
	" JOIN oms.allocation a ON a.company_id = $1 AND a.allocation_id = w.allocation_id"
	" JOIN oms.\"order\" o ON o.company_id = $1 AND o.order_id = a.order_id"
	" ORDER BY o.priority DESC, a.promised_at NULLS LAST, a.allocation_id",
	3, {INT4OID, INT4OID, TIMESTAMPTZOID}, NULL
};

typedef struct Want
{
	int64		allocation_id;
	int64		order_id;
	int64		qty;
	int			nnodes;
	int32	   *nodes;
} Want;

static int
read_wants(int32 company_id, int32 sku_id, TimestampTz at, Want **wants)
{
	Datum		values[3] = {
		Int32GetDatum(company_id), Int32GetDatum(sku_id),
		TimestampTzGetDatum(at)
	};
	int			n;

	oms_stock_batch_write();
	n = (int) oms_exec(&wants_plan, values, NULL, false, 0);

	*wants = palloc(sizeof(Want) * (n + 1));
	for (int i = 0; i < n; i++)
	{
		Want	   *w = &(*wants)[i];
		bool		isnull;
		ArrayType  *a = DatumGetArrayTypePCopy(oms_datum(i, 4, &isnull));

		w->allocation_id = oms_int8(i, 1);
		w->order_id = oms_int8(i, 2);
		w->qty = oms_int8(i, 3);
		w->nnodes = ArrayGetNItems(ARR_NDIM(a), ARR_DIMS(a));
		w->nodes = (int32 *) ARR_DATA_PTR(a);
	}
	return n;
}

/* When all of it is ready, and what a promise of it needs; waiting or not. */
static OmsPlan covered_plan = {
	"SELECT a.order_id, a.line_no, a.promised_at, o.ship_pincode, o.payment_mode = 'COD', (a.net_amount * 100)::int8,"
	" (k.weight_g * a.qty)::int8, (k.length_mm::int8 * k.width_mm * k.height_mm * a.qty / 1000)::int8, k.cold_chain, k.air_ok,"
	" p.ready_at, p.node_id, a.node_id, coalesce(c.covered, false), a.status, a.shipment_id,"
	" (SELECT s.courier_service_id FROM oms.shipment s WHERE s.company_id = a.company_id AND s.shipment_id = a.shipment_id),"
	" o.channel_id, ARRAY(SELECT coalesce(t.sku_id, a.sku_id) FROM (SELECT 1) one LEFT JOIN oms.kit_component t ON t.company_id = a.company_id AND t.kit_sku_id = a.sku_id), o.captured_at"
	" FROM oms.allocation a JOIN oms.\"order\" o ON o.company_id = a.company_id AND o.order_id = a.order_id"
	" JOIN oms.sku k ON k.sku_id = a.sku_id"
	" LEFT JOIN LATERAL (SELECT i.ready_at, i.node_id FROM oms.supply_peg g JOIN oms.inbound i"
	"  ON i.company_id = g.company_id AND i.inbound_id = g.inbound_id"
	"  WHERE g.company_id = a.company_id AND g.allocation_id = a.allocation_id ORDER BY i.ready_at DESC, i.inbound_id DESC LIMIT 1) p ON true"
	" LEFT JOIN LATERAL (SELECT bool_and(a.qty * coalesce(t.qty, 1) <= coalesce((SELECT sum(g.qty) FROM oms.supply_peg g JOIN oms.inbound i"
	"   ON i.company_id = g.company_id AND i.inbound_id = g.inbound_id"
	"   WHERE g.company_id = a.company_id AND g.allocation_id = a.allocation_id AND i.sku_id = coalesce(t.sku_id, a.sku_id)), 0)) AS covered"
	"  FROM (SELECT 1) one LEFT JOIN oms.kit_component t ON t.company_id = a.company_id AND t.kit_sku_id = a.sku_id) c ON true"
	" WHERE a.company_id = $1 AND a.allocation_id = $2 AND a.status IN " OMS_PEG_LIVE,
	2, {INT4OID, INT8OID}, NULL
};
static OmsPlan date_plan = {
	"UPDATE oms.allocation SET promised_at = $3 WHERE company_id = $1 AND allocation_id = $2",
	3, {INT4OID, INT8OID, TIMESTAMPTZOID}, NULL
};
static OmsPlan order_date_plan = {
	"UPDATE oms.\"order\" o SET promised_at = (SELECT max(a.promised_at) FROM oms.allocation a"
	"  WHERE a.company_id = o.company_id AND a.order_id = o.order_id AND a.status <> 'cancelled')"
	" WHERE o.company_id = $1 AND o.order_id = $2",
	2, {INT4OID, INT8OID}, NULL
};
static OmsPlan parcel_date_plan = {
	"UPDATE oms.shipment SET promised_at = $3 WHERE company_id = $1 AND shipment_id = $2",
	3, {INT4OID, INT8OID, TIMESTAMPTZOID}, NULL
};

/*
 * The date of an allocation by the pegs it has now; "lacks": of what is
 * reserved beyond the count there is not enough on its way; "had_pegs": its
 * date until now was by supply.  An order that
 * somebody works on is left as it is.
 */
static bool
redate(int32 company_id, int64 allocation_id, bool lacks, bool had_pegs,
	   const OmsNode *nodes, int nnodes, TimestampTz at)
{
	Datum		values[3] = {Int32GetDatum(company_id), Int64GetDatum(allocation_id)};
	int64		order_id;
	int64		shipment_id;
	int32		line_no;
	TimestampTz was;
	TimestampTz promised = 0;
	bool		waits;
	bool		covered = false;
	int			days = -1;
	OmsJson		j;

	if (oms_exec(&covered_plan, values, NULL, false, 1) == 0)
		return false;
	order_id = oms_int8(0, 1);
	line_no = oms_int4(0, 2);
	was = oms_time(0, 3);
	waits = strcmp(oms_cstr(0, 15), "backordered") == 0;
	shipment_id = oms_int8(0, 16);
	if (waits ? !oms_bool(0, 14) : lacks)
	{
		bool		isnull;
		ArrayType  *skus = DatumGetArrayTypePCopy(oms_datum(0, 19, &isnull));
		int32	   *ids = palloc(sizeof(int32) * (nnodes + 1));

		for (int i = 0; i < nnodes; i++)
			ids[i] = nodes[i].node_id;
		/* by what is usual; where it was so before, it is still */
		if (waits)
			days = lead_days(company_id, (int32 *) ARR_DATA_PTR(skus),
							 ArrayGetNItems(ARR_NDIM(skus), ARR_DIMS(skus)), ids,
							 nnodes, oms_int4(0, 18));
		if (days >= 0 && !had_pegs)
			return false;
		promised = 0;
	}
	else if (oms_isnull(0, 11))
		return false;			/* it has what it needs by now */
	else
		covered = true;
	if (covered || days >= 0)
	{
		TimestampTz ready = Max(covered ? oms_time(0, 11) :
								oms_time(0, 20) + days * USECS_PER_DAY, at);
		int32		node_id = !waits ? oms_int4(0, 13) : covered ? oms_int4(0, 12) : 0;
		int32		service_id = oms_int4(0, 17);
		OmsCourierRequest req = {0};

		req.company_id = company_id;
		req.to_pincode = oms_cstr(0, 4);
		req.cod = oms_bool(0, 5);
		req.value = oms_int8(0, 6);
		req.collect = req.cod ? req.value : 0;
		req.dead_g = (int32) Min(Max(oms_int8(0, 7), 1), 1000000000);
		req.volume_cm3 = (int32) Min(Max(oms_int8(0, 8), 1), 1000000000);
		req.cold_chain = oms_bool(0, 9);
		req.air_ok = oms_bool(0, 10);
		for (int i = 0; i < nnodes; i++)
			if (promised == 0 &&
				(node_id != 0 ? nodes[i].node_id == node_id : nodes[i].refused == NULL))
				promised = arrival(&req, &nodes[i], ready, service_id);
	}
	if (promised == was || !oms_order_try_lock(company_id, order_id))
		return false;
	values[2] = TimestampTzGetDatum(promised);
	oms_exec(&date_plan, values, promised ? NULL : "  n", false, 0);
	if (shipment_id)
	{
		values[1] = Int64GetDatum(shipment_id);
		oms_exec(&parcel_date_plan, values, promised ? NULL : "  n", false, 0);
	}
	values[1] = Int64GetDatum(order_id);
	oms_exec(&order_date_plan, values, NULL, false, 0);
	oms_json_begin(&j);
	oms_json_int(&j, "line_no", line_no);
	oms_json_time(&j, "was", was);
	oms_json_time(&j, "promised_at", promised);
	oms_event(company_id, "order", order_id, "order.promise_changed",
			  oms_json_end(&j));
	return true;
}

void
oms_supply_lock(int32 company_id, int32 sku_id)
{
	Datum		values[2] = {Int32GetDatum(company_id), oms_int4_array(&sku_id, 1)};

	oms_exec(&lock_plan, values, NULL, false, 0);
}

int
oms_supply_repeg(int32 company_id, int32 sku_id, TimestampTz at)
{
	Datum		values[2] = {Int32GetDatum(company_id), Int32GetDatum(sku_id)};
	Supplies	sup;
	Want	   *wants;
	int			nwants;
	int			nbefore;
	int64	   *before;
	OmsNode    *nodes;
	int			nnodes;
	OmsMeshRequest mesh = {0};
	int			changed = 0;

	oms_spi_connect();
	oms_supply_lock(company_id, sku_id);
	nbefore = (int) oms_exec(&unpeg_plan, values, NULL, false, 0);
	before = palloc(sizeof(int64) * (nbefore + 1));
	for (int i = 0; i < nbefore; i++)
		before[i] = oms_int8(i, 1);
	nwants = read_wants(company_id, sku_id, at, &wants);
	if (nwants == 0 && nbefore == 0)
	{
		oms_spi_finish();
		return 0;
	}
	read_supplies(company_id, &sku_id, 1, 0, NULL, 0, false, &sup);
	for (int w = 0; w < nwants; w++)
		for (int i = 0; i < sup.n && wants[w].qty > 0; i++)
		{
			int64		take = Min(sup.s[i].left, wants[w].qty);
			bool		may = false;

			for (int k = 0; k < wants[w].nnodes; k++)
				may |= wants[w].nodes[k] == sup.s[i].node_id;
			if (!may || take <= 0)
				continue;
			write_peg(company_id, wants[w].order_id, wants[w].allocation_id,
					  sup.s[i].inbound_id, take);
			sup.s[i].left -= take;
			wants[w].qty -= take;
		}
	mesh.company_id = company_id;
	mesh.at = at;
	nnodes = oms_mesh_nodes(&mesh, &nodes);
	for (int w = 0; w < nwants; w++)
	{
		bool		had_pegs = false;

		CHECK_FOR_INTERRUPTS();
		for (int b = 0; b < nbefore && !had_pegs; b++)
			had_pegs = before[b] == wants[w].allocation_id;
		changed += redate(company_id, wants[w].allocation_id,
						  wants[w].qty > 0 && sup.n > 0, had_pegs, nodes,
						  nnodes, at) ? 1 : 0;
	}
	for (int b = 0; b < nbefore; b++)
	{
		bool		seen = false;

		for (int w = 0; w < nwants && !seen; w++)
			seen = wants[w].allocation_id == before[b];
		if (!seen)
			changed += redate(company_id, before[b], false, true, nodes,
									nnodes, at) ? 1 : 0;
	}
	oms_spi_finish();
	return changed;
}
