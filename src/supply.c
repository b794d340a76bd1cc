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
#include "utils/guc.h"
#include "utils/timestamp.h"

#include "allocation.h"
#include "orders.h"
#include "stock_sql.h"

/* Allocations whose pegs count. */
#define LIVE "('backordered', 'reserved', 'released', 'picked', 'packed')"

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
	"  JOIN oms.allocation a ON a.company_id = p.company_id AND a.allocation_id = p.allocation_id AND a.status IN " LIVE
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

/* A parcel goes when the last of its goods is there. */
static void
delay_parcel(OmsFulfilment *f, OmsParcel *parcel, const Fill *fills)
{
	bool		unknown = false;
	TimestampTz ready = 0;
	int			latest = -1;
	TimestampTz promised = 0;

	for (int i = 0; i < f->nallocations; i++)
		if (f->allocations[i].node == parcel->node && fills[i].asked)
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
		if (f->allocations[i].node == parcel->node)
			f->allocations[i].promised_at = promised;
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
	if (sup.n == 0)
		return;
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
			a->promised_at = line_arrival(f, a, plan_node(f, fills[i].node_id),
										  Max(fills[i].ready_at, f->at), 0);
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
	"  WHERE a.company_id = p.company_id AND a.allocation_id = p.allocation_id AND a.status IN " LIVE ")",
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
	int			n = (int) oms_exec(&wants_plan, values, NULL, false, 0);

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
	" (SELECT s.courier_service_id FROM oms.shipment s WHERE s.company_id = a.company_id AND s.shipment_id = a.shipment_id)"
	" FROM oms.allocation a JOIN oms.\"order\" o ON o.company_id = a.company_id AND o.order_id = a.order_id"
	" JOIN oms.sku k ON k.sku_id = a.sku_id"
	" LEFT JOIN LATERAL (SELECT i.ready_at, i.node_id FROM oms.supply_peg g JOIN oms.inbound i"
	"  ON i.company_id = g.company_id AND i.inbound_id = g.inbound_id"
	"  WHERE g.company_id = a.company_id AND g.allocation_id = a.allocation_id ORDER BY i.ready_at DESC, i.inbound_id DESC LIMIT 1) p ON true"
	" LEFT JOIN LATERAL (SELECT bool_and(a.qty * coalesce(t.qty, 1) <= coalesce((SELECT sum(g.qty) FROM oms.supply_peg g JOIN oms.inbound i"
	"   ON i.company_id = g.company_id AND i.inbound_id = g.inbound_id"
	"   WHERE g.company_id = a.company_id AND g.allocation_id = a.allocation_id AND i.sku_id = coalesce(t.sku_id, a.sku_id)), 0)) AS covered"
	"  FROM (SELECT 1) one LEFT JOIN oms.kit_component t ON t.company_id = a.company_id AND t.kit_sku_id = a.sku_id) c ON true"
	" WHERE a.company_id = $1 AND a.allocation_id = $2 AND a.status IN " LIVE,
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
 * reserved beyond the count there is not enough on its way.  An order that
 * somebody works on is left as it is.
 */
static bool
redate(int32 company_id, int64 allocation_id, bool lacks,
	   const OmsNode *nodes, int nnodes, TimestampTz at)
{
	Datum		values[3] = {Int32GetDatum(company_id), Int64GetDatum(allocation_id)};
	int64		order_id;
	int64		shipment_id;
	int32		line_no;
	TimestampTz was;
	TimestampTz promised = 0;
	bool		waits;
	OmsJson		j;

	if (oms_exec(&covered_plan, values, NULL, false, 1) == 0)
		return false;
	order_id = oms_int8(0, 1);
	line_no = oms_int4(0, 2);
	was = oms_time(0, 3);
	waits = strcmp(oms_cstr(0, 15), "backordered") == 0;
	shipment_id = oms_int8(0, 16);
	if (waits ? !oms_bool(0, 14) : lacks)
		promised = 0;
	else if (oms_isnull(0, 11))
		return false;			/* it has what it needs by now */
	else
	{
		TimestampTz ready = Max(oms_time(0, 11), at);
		int32		node_id = waits ? oms_int4(0, 12) : oms_int4(0, 13);
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
			if (nodes[i].node_id == node_id)
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

/* All supplies of the item, in the one order. */
static void
lock_supplies(int32 company_id, int32 sku_id)
{
	Datum		values[2] = {Int32GetDatum(company_id), oms_int4_array(&sku_id, 1)};

	oms_exec(&lock_plan, values, NULL, false, 0);
}

/* Returns how many promises changed. */
static int
repeg(int32 company_id, int32 sku_id, TimestampTz at)
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
	lock_supplies(company_id, sku_id);
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
		CHECK_FOR_INTERRUPTS();
		changed += redate(company_id, wants[w].allocation_id,
						  wants[w].qty > 0 && sup.n > 0, nodes, nnodes, at) ? 1 : 0;
	}
	for (int b = 0; b < nbefore; b++)
	{
		bool		seen = false;

		for (int w = 0; w < nwants && !seen; w++)
			seen = wants[w].allocation_id == before[b];
		if (!seen)
			changed += redate(company_id, before[b], false, nodes, nnodes, at) ? 1 : 0;
	}
	oms_spi_finish();
	return changed;
}

/*
 * What people and ERPs say of supply
 */
PG_FUNCTION_INFO_V1(oms_set_inbound);
PG_FUNCTION_INFO_V1(oms_receive_inbound);
PG_FUNCTION_INFO_V1(oms_repeg_supply);

static OmsPlan find_plan = {
	"SELECT i.inbound_id, i.node_id, i.sku_id, (i.qty * 1000)::int8, i.state, n.stock_from = 'erp' FROM oms.inbound i JOIN oms.node n ON n.node_id = i.node_id"
	" WHERE i.company_id = $1 AND i.ref = $2",
	2, {INT4OID, TEXTOID}, NULL
};
static OmsPlan set_plan = {
	"INSERT INTO oms.inbound AS i (company_id, ref, node_id, sku_id, qty, due_at, ready_at, document, state)"
	" VALUES ($1, $2, $3, $4, $5, $6, $6 + make_interval(mins => $7), $8, CASE WHEN $5 > 0 THEN 'expected' ELSE 'cancelled' END)"
	" ON CONFLICT (company_id, ref) DO UPDATE SET qty = excluded.qty, due_at = excluded.due_at, ready_at = excluded.ready_at,"
	" document = coalesce(excluded.document, i.document), version = i.version + 1, updated_at = now(),"
	" state = CASE WHEN excluded.qty > 0 THEN 'expected' WHEN i.received_qty > 0 THEN 'received' ELSE 'cancelled' END"
	" WHERE i.node_id = excluded.node_id AND i.sku_id = excluded.sku_id"
	" RETURNING inbound_id",
	8, {INT4OID, TEXTOID, INT4OID, INT4OID, NUMERICOID, TIMESTAMPTZOID, INT4OID, TEXTOID}, NULL
};

static char *
ref_arg(FunctionCallInfo fcinfo, int arg, const char *name)
{
	char	   *ref = oms_stock_text_arg(fcinfo, arg);

	if (ref == NULL || ref[strspn(ref, " ")] == '\0' || strlen(ref) > 200)
		oms_stock_refuse_argument(name, "is missing or longer than 200 bytes",
								  "Your own number of it: sent twice it counts once.");
	return ref;
}

/*
 * oms.set_inbound(ref, node, sku, qty, due_at, lead_minutes, document,
 * company, at)
 */
Datum
oms_set_inbound(PG_FUNCTION_ARGS)
{
	char	   *ref;
	char	   *sku = oms_stock_text_arg(fcinfo, 2);
	char	   *document = oms_stock_text_arg(fcinfo, 6);
	int32		company_id;
	int32		sku_id;
	int32		lead = PG_ARGISNULL(5) ? 0 : PG_GETARG_INT32(5);
	bool		flag;
	bool		kit;
	Datum		values[8];
	int64		inbound_id;
	TimestampTz at = PG_ARGISNULL(8) ? GetCurrentTransactionStartTimestamp() :
	PG_GETARG_TIMESTAMPTZ(8);

	oms_require_installed();
	ref = ref_arg(fcinfo, 0, "ref");
	company_id = oms_company_id(oms_stock_text_arg(fcinfo, 7));
	if (PG_ARGISNULL(3))
		oms_stock_refuse_argument("qty", "is missing", "The units still expected; 0 cancels.");
	if (PG_ARGISNULL(4) || TIMESTAMP_NOT_FINITE(PG_GETARG_TIMESTAMPTZ(4)))
		oms_stock_refuse_argument("due_at", "is missing or not finite", "The moment at which it arrives.");
	if (lead < 0 || lead > 525600)
		oms_stock_refuse_argument("lead_minutes", "is not between 0 and 525,600", "Minutes from arrival until it can be picked.");
	values[0] = Int32GetDatum(company_id);
	values[1] = oms_text(ref);
	values[2] = Int32GetDatum(oms_stock_find_node(company_id, oms_stock_text_arg(fcinfo, 1), &flag));
	sku_id = oms_stock_find_sku(company_id, sku, &kit);
	if (kit)
		oms_stock_refuse_argument("sku", "is a kit and has no stock of its own", "Name its components (oms.kit_component).");
	values[3] = Int32GetDatum(sku_id);
	values[4] = oms_milli_numeric(oms_stock_quantity_arg(fcinfo, 3, "qty", 0));
	values[5] = PG_GETARG_DATUM(4);
	values[6] = Int32GetDatum(lead);
	values[7] = oms_text(document);
	oms_spi_connect();
	lock_supplies(company_id, sku_id);
	if (oms_exec(&set_plan, values, document ? NULL : "       n", false, 0) == 0)
		ereport(ERROR,
				(errcode(ERRCODE_OMS_CONFLICTING_DUPLICATE),
				 errmsg("supply \"%s\" is of another node or item", ref),
				 errdetail("Argument ref."),
				 errhint("Cancel it (qty 0) and give the new one a number of its own.")));
	inbound_id = oms_int8(0, 1);
	repeg(company_id, sku_id, at);
	oms_spi_finish();
	PG_RETURN_INT64(inbound_id);
}

static OmsPlan receipt_plan = {
	"SELECT inbound_id, (qty * 1000)::int8, filled FROM oms.inbound_receipt WHERE company_id = $1 AND receipt_id = $2",
	2, {INT4OID, TEXTOID}, NULL
};
static OmsPlan keep_receipt_plan = {
	"INSERT INTO oms.inbound_receipt (company_id, receipt_id, inbound_id, qty) VALUES ($1, $2, $3, $4)",
	4, {INT4OID, TEXTOID, INT8OID, NUMERICOID}, NULL
};
static OmsPlan filled_plan = {
	"UPDATE oms.inbound_receipt SET filled = $3 WHERE company_id = $1 AND receipt_id = $2",
	3, {INT4OID, TEXTOID, INT4OID}, NULL
};
static OmsPlan received_plan = {
	"UPDATE oms.inbound SET received_qty = received_qty + $3, qty = greatest(qty - $3, 0), version = version + 1, updated_at = now(),"
	" state = CASE WHEN qty > $3 THEN 'expected' ELSE 'received' END"
	" WHERE company_id = $1 AND inbound_id = $2",
	3, {INT4OID, INT8OID, NUMERICOID}, NULL
};

/* Fills what waits for the item, without waiting for who works on orders. */
static int
fill_waiting(int32 company_id, int32 sku_id, TimestampTz at)
{
	int			nest = NewGUCNestLevel();
	int			filled;

	(void) set_config_option("lock_timeout", "50ms", PGC_USERSET,
							 PGC_S_SESSION, GUC_ACTION_SAVE, true, 0, false);
	filled = oms_orders_retry(1000, at, company_id, sku_id);
	AtEOXact_GUC(true, nest);
	return filled;
}

/* oms.receive_inbound(ref, qty, receipt_id, company, at) */
Datum
oms_receive_inbound(PG_FUNCTION_ARGS)
{
	char	   *ref;
	char	   *receipt_id;
	int32		company_id;
	int64		inbound_id;
	int64		qty;
	OmsStockKey key;
	OmsStockLevel level;
	bool		erp;
	bool		known;
	int			filled = 0;
	Datum		values[4];
	TimestampTz at = PG_ARGISNULL(4) ? GetCurrentTransactionStartTimestamp() :
	PG_GETARG_TIMESTAMPTZ(4);

	oms_require_installed();
	ref = ref_arg(fcinfo, 0, "ref");
	receipt_id = ref_arg(fcinfo, 2, "receipt_id");
	company_id = oms_company_id(oms_stock_text_arg(fcinfo, 3));
	qty = oms_stock_quantity_arg(fcinfo, 1, "qty", 0);
	if (qty == 0)
		oms_stock_refuse_argument("qty", "is missing or zero", "The units that came; oms.set_inbound says what is still expected.");
	oms_spi_connect();
	values[0] = Int32GetDatum(company_id);
	values[1] = oms_text(ref);
	if (oms_exec(&find_plan, values, NULL, false, 1) == 0)
		ereport(ERROR,
				(errcode(ERRCODE_OMS_UNKNOWN_REFERENCE),
				 errmsg("supply \"%s\" does not exist", ref),
				 errhint("Supplies are the rows of oms.inbound, made by oms.set_inbound().")));
	inbound_id = oms_int8(0, 1);
	key.node_id = oms_int4(0, 2);
	key.sku_id = oms_int4(0, 3);
	erp = oms_bool(0, 6);

	/* the same receipt twice at once: the second waits here */
	oms_early_release_mark();
	oms_stock_lock_key(company_id, key, &level);
	values[1] = oms_text(receipt_id);
	known = oms_exec(&receipt_plan, values, NULL, false, 1) > 0;
	if (known && (oms_int8(0, 1) != inbound_id || oms_int8(0, 2) != qty))
		ereport(ERROR,
				(errcode(ERRCODE_OMS_CONFLICTING_DUPLICATE),
				 errmsg("receipt \"%s\" came before with another content", receipt_id),
				 errdetail("Argument receipt_id."),
				 errhint("Each receipt has a number of its own.")));
	if (known)
	{
		filled = oms_int4(0, 3);
		oms_spi_finish();
		PG_RETURN_INT32(filled);
	}
	values[2] = Int64GetDatum(inbound_id);
	values[3] = oms_milli_numeric(qty);
	oms_exec(&keep_receipt_plan, values, NULL, false, 0);
	lock_supplies(company_id, key.sku_id);
	values[1] = Int64GetDatum(inbound_id);
	values[2] = oms_milli_numeric(qty);
	oms_exec(&received_plan, values, NULL, false, 0);
	if (!erp)
	{
		oms_stock_count(company_id, key, level.on_hand + qty, "receipt", ref);
		filled = fill_waiting(company_id, key.sku_id, at);
		values[1] = oms_text(receipt_id);
		values[2] = Int32GetDatum(filled);
		oms_exec(&filled_plan, values, NULL, false, 0);
	}
	repeg(company_id, key.sku_id, at);
	oms_spi_finish();
	PG_RETURN_INT32(filled);
}

/*
 * Items whose pegs are not what they would be made anew: of allocations that
 * count no more, of less than waits while there is supply, or of a later
 * supply than a less urgent order's.
 */
static OmsPlan unsettled_plan = {
	"WITH live AS (SELECT i.company_id, i.sku_id, i.inbound_id, i.qty, coalesce((SELECT sum(p.qty) FROM oms.supply_peg p"
	"   JOIN oms.allocation a ON a.company_id = p.company_id AND a.allocation_id = p.allocation_id AND a.status IN " LIVE
	"   WHERE p.company_id = i.company_id AND p.inbound_id = i.inbound_id), 0) AS pegged,"
	"   coalesce((SELECT sum(p.qty) FROM oms.supply_peg p WHERE p.company_id = i.company_id AND p.inbound_id = i.inbound_id), 0) AS kept"
	"  FROM oms.inbound i WHERE i.state = 'expected' AND ($1 = 0 OR i.company_id = $1) AND ($2 = 0 OR i.sku_id = $2)),"
	" waiting AS (SELECT a.company_id, coalesce(k.sku_id, a.sku_id) AS sku_id, a.allocation_id, a.qty * coalesce(k.qty, 1) AS qty, o.priority, a.promised_at"
	"  FROM oms.allocation a JOIN oms.\"order\" o ON o.company_id = a.company_id AND o.order_id = a.order_id"
	"  LEFT JOIN oms.kit_component k ON k.company_id = a.company_id AND k.kit_sku_id = a.sku_id"
	"  WHERE a.status = 'backordered')"
	" SELECT DISTINCT l.company_id, l.sku_id FROM live l"
	" WHERE l.kept <> l.pegged"
	"  OR (l.pegged < l.qty AND EXISTS (SELECT FROM waiting w WHERE w.company_id = l.company_id AND w.sku_id = l.sku_id"
	"   AND (w.promised_at IS NULL OR w.qty > (SELECT coalesce(sum(p.qty), 0) FROM oms.supply_peg p JOIN oms.inbound i"
	"    ON i.company_id = p.company_id AND i.inbound_id = p.inbound_id AND i.sku_id = l.sku_id"
	"    WHERE p.company_id = w.company_id AND p.allocation_id = w.allocation_id))))"
	"  OR EXISTS (SELECT FROM waiting w JOIN waiting v ON v.company_id = w.company_id AND v.sku_id = w.sku_id AND v.priority < w.priority"
	"   AND v.promised_at < coalesce(w.promised_at, 'infinity') WHERE w.company_id = l.company_id AND w.sku_id = l.sku_id)"
	" ORDER BY 1, 2",
	2, {INT4OID, INT4OID}, NULL
};

/* oms.repeg_supply(sku, company, at) */
Datum
oms_repeg_supply(PG_FUNCTION_ARGS)
{
	char	   *sku = oms_stock_text_arg(fcinfo, 0);
	char	   *company = oms_stock_text_arg(fcinfo, 1);
	bool		kit;
	Datum		values[2] = {Int32GetDatum(0), Int32GetDatum(0)};
	int			n;
	int32	   *keys;
	int			changed = 0;
	TimestampTz at = PG_ARGISNULL(2) ? GetCurrentTransactionStartTimestamp() :
	PG_GETARG_TIMESTAMPTZ(2);

	oms_require_installed();
	if (sku || company)
		values[0] = Int32GetDatum(oms_company_id(company));
	if (sku)
		values[1] = Int32GetDatum(oms_stock_find_sku(DatumGetInt32(values[0]), sku, &kit));
	oms_spi_connect();
	n = (int) oms_exec(&unsettled_plan, values, NULL, false, 0);
	keys = palloc(sizeof(int32) * 2 * (n + 1));
	for (int i = 0; i < n; i++)
	{
		keys[2 * i] = oms_int4(i, 1);
		keys[2 * i + 1] = oms_int4(i, 2);
	}
	for (int i = 0; i < n; i++)
		changed += repeg(keys[2 * i], keys[2 * i + 1], at);
	oms_spi_finish();
	PG_RETURN_INT32(changed);
}
