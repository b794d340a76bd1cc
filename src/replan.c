/*
 * replan.c
 *	  What waits of an order, planned anew: the one way by which backorders,
 *	  rejections and rerouting come to new allocations.
 *
 * Whoever takes goods off a node first makes their allocations wait (status
 * backordered, without a node) and then has them planned as at capture.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/date.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#include "allocation.h"
#include "core_probe.h"
#include "node_slot.h"
#include "orders.h"
#include "parking.h"

/*
 * Backorders, oldest first: what stock has come for is planned as at capture
 * and takes the place of the backordered allocation; the rest goes on
 * waiting.
 */
static OmsPlan waiting_plan = {
	/* stock changed since the last try, with a minute's grace for
	 * transactions that began before that try and committed after it, or a
	 * rejection ran out */
	"SELECT a.company_id, a.order_id FROM oms.allocation a"
	" JOIN oms.\"order\" o ON o.company_id = a.company_id AND o.order_id = a.order_id"
	" WHERE a.status = 'backordered' AND EXISTS (SELECT FROM oms.sku k LEFT JOIN oms.kit_component c"
	"   ON c.company_id = k.company_id AND c.kit_sku_id = k.sku_id"
	"   JOIN oms.stock s ON s.company_id = k.company_id AND s.sku_id = coalesce(c.sku_id, k.sku_id)"
	"   JOIN oms.node n ON n.node_id = s.node_id AND n.open"
	"   WHERE k.sku_id = a.sku_id AND s.sellable AND s.on_hand - s.reserved - s.safety + greatest(s.backorder_limit, s.channel_depth) > 0"
	"   AND NOT EXISTS (SELECT FROM oms.allocation_rejection j WHERE j.company_id = a.company_id AND j.order_id = a.order_id"
	"    AND j.node_id = s.node_id AND (j.until IS NULL OR j.until > $2))"
	"   AND (s.updated_at > a.updated_at - interval '1 minute'"
	"    OR EXISTS (SELECT FROM oms.allocation_rejection j WHERE j.company_id = a.company_id AND j.order_id = a.order_id"
	"     AND j.node_id = s.node_id AND j.until > a.updated_at)))"
	" AND ($4 = 0 OR (a.company_id = $3 AND (a.sku_id = $4 OR EXISTS (SELECT FROM oms.kit_component c"
	"  WHERE c.company_id = a.company_id AND c.kit_sku_id = a.sku_id AND c.sku_id = $4))))"
	/* the order of oms.ordered_atp */
	" GROUP BY a.company_id, a.order_id, o.priority"
	" ORDER BY o.priority DESC, min(a.promised_at) NULLS LAST, a.company_id, a.order_id LIMIT $1",
	4, {INT4OID, TIMESTAMPTZOID, INT4OID, INT4OID}, NULL
};
static OmsPlan tried_plan = {
	"UPDATE oms.allocation SET updated_at = clock_timestamp()"
	" WHERE company_id = $1 AND order_id = $2 AND status = 'backordered'",
	2, {INT4OID, INT8OID}, NULL
};
static OmsPlan order_plan = {
	"SELECT c.code, o.payment_mode = 'COD', (o.total_amount * 100)::int8, (o.paid_amount * 100)::int8, (o.goods_amount * 100)::int8,"
	" o.ship_pincode, oms.lng(o.ship_place), oms.lat(o.ship_place), o.ship_place IS NOT NULL, o.place_of_supply, o.only_node_id,"
	" o.planning_run + 1, coalesce(r.probability, 0),"
	/* what parcels collect already; of no use where nothing is collected */
	" CASE WHEN o.payment_mode = 'COD' THEN coalesce((SELECT (sum(s.cod_amount) * 100)::int8 FROM oms.shipment s"
	"  WHERE s.company_id = o.company_id AND s.order_id = o.order_id AND s.direction = 'forward' AND s.state <> 'CANCELLED'), 0) ELSE 0 END, o.order_class, o.ship_state_code, o.only_service, o.max_days, o.supply_type"
	" FROM oms.\"order\" o JOIN oms.channel c ON c.channel_id = o.channel_id"
	" LEFT JOIN oms.risk_score r ON r.company_id = o.company_id AND r.order_id = o.order_id"
	" WHERE o.company_id = $1 AND o.order_id = $2",
	2, {INT4OID, INT8OID}, NULL
};
static OmsPlan waiting_lines_plan = {
	"SELECT a.line_no, k.code, (sum(a.qty) * 1000)::int8, (sum(a.net_amount) * 100)::int8,"
	" (sum(a.cgst + a.sgst + a.igst) * 100)::int8"
	" FROM oms.allocation a JOIN oms.sku k ON k.sku_id = a.sku_id"
	" WHERE a.company_id = $1 AND a.order_id = $2 AND a.status = 'backordered' AND ($3 IS NULL OR a.allocation_id = ANY ($3))"
	" GROUP BY a.line_no, k.code ORDER BY a.line_no",
	3, {INT4OID, INT8OID, INT8ARRAYOID}, NULL
};
static OmsPlan unwait_plan = {
	"DELETE FROM oms.allocation WHERE company_id = $1 AND order_id = $2 AND status = 'backordered'"
	" AND ($3 IS NULL OR allocation_id = ANY ($3))",
	3, {INT4OID, INT8OID, INT8ARRAYOID}, NULL
};
static OmsPlan rejected_plan = {
	"SELECT DISTINCT node_id FROM oms.allocation_rejection WHERE company_id = $1 AND order_id = $2"
	" AND (until IS NULL OR until > $3)",
	3, {INT4OID, INT8OID, TIMESTAMPTZOID}, NULL
};
static OmsPlan replanned_plan = {
	"UPDATE oms.\"order\" SET planning_run = $3, tax_amount = tax_amount + $4,"
	" total_amount = total_amount + CASE WHEN $5 THEN 0 ELSE $4 END,"
	/* what counts as paid in full at capture goes on doing so */
	" paid_amount = CASE WHEN $5 OR payment_mode <> 'PREPAID' OR paid_amount < total_amount THEN paid_amount"
	"  ELSE greatest(paid_amount, total_amount + $4) END"
	" WHERE company_id = $1 AND order_id = $2",
	5, {INT4OID, INT8OID, INT4OID, NUMERICOID, BOOLOID}, NULL
};
static OmsPlan hold_order_plan = {
	"INSERT INTO oms.order_hold (company_id, order_id, hold, reason) VALUES ($1, $2, $3, $4)"
	" ON CONFLICT (company_id, order_id, hold) DO UPDATE SET resolved_at = NULL, resolution = NULL, resolved_by = NULL, reason = excluded.reason",
	4, {INT4OID, INT8OID, TEXTOID, TEXTOID}, NULL
};

/* Nodes that rejected the order's goods are refused. */
static void
refuse_rejected(OmsFulfilment *f)
{
	MemoryContext caller = CurrentMemoryContext;
	Datum		values[3] = {
		Int32GetDatum(f->company_id), Int64GetDatum(f->order_id),
		TimestampTzGetDatum(f->at)
	};

	oms_spi_connect();
	f->nrejected = (int) oms_exec(&rejected_plan, values, NULL, false, 0);
	f->rejected = MemoryContextAllocZero(caller, sizeof(OmsNodeRefusal) * (f->nrejected + 1));
	for (int i = 0; i < f->nrejected; i++)
	{
		f->rejected[i].node_id = oms_int4(i, 1);
		f->rejected[i].reason = "REJECTED";
	}
	oms_spi_finish();
}

static void
keep_numbers(const OmsReplan *r, OmsFulfilment *f)
{
	f->line_ids = palloc0(sizeof(int64) * f->nlines);
	for (int j = 0; j < f->nlines; j++)
		for (int i = 0; i < r->nids && f->line_ids[j] == 0; i++)
			if (r->line_nos[i] == f->lines[j].line_no)
				f->line_ids[j] = r->ids[i];
}

/* All of it at the node named, or the reason why not. */
static void
check_at_node(const OmsReplan *r, const OmsFulfilment *f)
{
	const OmsNode *node = NULL;

	for (int i = 0; i < f->plan.nnodes; i++)
		if (f->plan.nodes[i].node_id == r->only_node_id)
			node = &f->plan.nodes[i];
	if (node && node->refused && strcmp(node->refused, "NO_STOCK") != 0)
		ereport(ERROR,
				(errcode(ERRCODE_OMS_NO_NODE),
				 errmsg("node \"%s\" cannot take it", node->code),
				 errdetail("It is refused as %s (oms.reason_code).", node->refused),
				 errhint("Name another node, or see oms.explain_order().")));
	if (!f->complete)
		oms_fulfil_raise_short(f);
	if (f->hold && strcmp(f->hold, "NOT_SERVICEABLE") == 0)
		ereport(ERROR,
				(errcode(ERRCODE_OMS_NOT_SERVICEABLE),
				 errmsg("no courier service reaches the buyer from node \"%s\"",
						node ? node->code : ""),
				 errhint("Name another node.")));
}

/* What waits, as a fulfilment to be planned; false when nothing does. */
static bool
prepare(const OmsReplan *r, OmsFulfilment *f, int64 *tax_before)
{
	MemoryContext caller = CurrentMemoryContext;
	Datum		values[3] = {Int32GetDatum(r->company_id), Int64GetDatum(r->order_id)};
	OmsChannel *channel = palloc0(sizeof(OmsChannel));
	char	   *code;

	oms_spi_connect();
	values[2] = r->nids > 0 ? oms_int8_array(r->ids, r->nids) : (Datum) 0;
	f->nlines = (int) oms_exec(&waiting_lines_plan, values,
							   r->nids > 0 ? NULL : "  n", false, 0);
	if (f->nlines == 0)
	{
		oms_spi_finish();
		return false;
	}
	f->lines = MemoryContextAllocZero(caller, sizeof(OmsLine) * f->nlines);
	*tax_before = 0;
	for (int i = 0; i < f->nlines; i++)
	{
		f->lines[i].line_no = oms_int4(i, 1);
		f->lines[i].sku = oms_strdup(caller, oms_cstr(i, 2));
		f->lines[i].qty = oms_int8(i, 3);
		f->lines[i].net = oms_int8(i, 4);
		*tax_before += oms_int8(i, 5);
	}
	oms_exec(&order_plan, values, NULL, false, 1);
	code = oms_strdup(caller, oms_cstr(0, 1));
	f->company_id = r->company_id;
	f->order_id = r->order_id;
	f->cod = oms_bool(0, 2);
	f->goods = oms_int8(0, 5);
	f->due = f->cod ? Max(oms_int8(0, 3) - oms_int8(0, 4) - oms_int8(0, 14), 0) : 0;
	f->pincode = oms_strdup(caller, oms_cstr(0, 6));
	f->lng = oms_float8(0, 7);
	f->lat = oms_float8(0, 8);
	f->has_point = oms_bool(0, 9);
	f->place_of_supply = oms_strdup(caller, oms_cstr(0, 10));
	f->only_node_id = oms_int4(0, 11);
	f->run = oms_int4(0, 12);
	f->p_rto = oms_float8(0, 13);
	f->order_class = oms_strdup(caller, oms_cstr(0, 15));
	f->state_code = oms_strdup(caller, oms_cstr(0, 16));
	f->service = oms_strdup(caller, oms_cstr(0, 17));
	f->has_max_days = !oms_isnull(0, 18);
	f->max_days = oms_int4(0, 18);
	f->supply = oms_supply_of(oms_cstr(0, 19));
	oms_spi_finish();

	oms_channel_find(r->company_id, code, true, channel);
	oms_lines_find(r->company_id, channel->price_list_id, f->lines, f->nlines, r->at);
	f->channel = channel;
	f->at = r->at;
	f->supply_day = oms_supply_day(channel, r->at);
	f->replaced = r->ids;
	f->nreplaced = r->nids;
	f->npins = r->npins;
	f->pins = r->pins;
	f->npickups = r->npickups;
	f->pickups = r->pickups;
	refuse_rejected(f);
	if (r->only_node_id)
		f->only_node_id = r->only_node_id;
	return true;
}

static OmsPlan lock_ahead_plan = {
	"SELECT 1 FROM oms.stock s WHERE s.company_id = $1 AND (s.node_id, s.sku_id) IN"
	" (SELECT n, k FROM unnest($2, $3) AS u (n, k)"
	"  UNION SELECT r.node_id, r.sku_id FROM oms.reservation r"
	"   WHERE r.company_id = $1 AND r.allocation_id = ANY ($4) AND r.state = 'open')"
	" ORDER BY s.node_id, s.sku_id FOR NO KEY UPDATE",
	4, {INT4OID, INT4ARRAYOID, INT4ARRAYOID, INT8ARRAYOID}, NULL
};

void
oms_order_lock_ahead(const OmsReplan *r, const int64 *held, int nheld)
{
	OmsFulfilment f = {0};
	OmsDemand  *demand;
	int32	   *nodes = palloc(sizeof(int32));
	int32	   *skus = palloc(sizeof(int32));
	int			n = 0;
	int64		tax;
	Datum		values[4] = {Int32GetDatum(r->company_id)};

	if (!r->wait && prepare(r, &f, &tax))
	{
		demand = oms_order_demand(r->company_id, f.lines, f.nlines);
		oms_fulfil_plan(&f);
		for (int i = 0; i < (r->only_node_id ? f.nlines : f.plan.npieces); i++)
		{
			OmsDemand  *d = &demand[r->only_node_id ? i : f.plan.pieces[i].demand];
			int32		node_id = r->only_node_id ? r->only_node_id :
			f.plan.nodes[f.plan.pieces[i].node].node_id;
			int			parts = Max(d->ncomponents, 1);

			nodes = repalloc(nodes, sizeof(int32) * (n + parts));
			skus = repalloc(skus, sizeof(int32) * (n + parts));
			for (int k = 0; k < parts; k++)
			{
				nodes[n] = node_id;
				skus[n++] = d->ncomponents > 0 ? d->component_sku[k] : d->sku_id;
			}
		}
	}
	values[1] = oms_int4_array(nodes, n);
	values[2] = oms_int4_array(skus, n);
	values[3] = oms_int8_array(held, nheld);
	oms_spi_connect();
	oms_exec(&lock_ahead_plan, values, NULL, false, 0);
	oms_slots_lock(r->company_id, r->order_id, held, nheld, &f.plan);
	oms_spi_finish();
}

/* Without planning: what was taxed for a node is not any more. */
static OmsPlan untax_plan = {
	"WITH old AS (SELECT allocation_id, cgst + sgst + igst AS tax FROM oms.allocation"
	"  WHERE company_id = $1 AND order_id = $2 AND status = 'backordered' AND ($3 IS NULL OR allocation_id = ANY ($3))),"
	" untaxed AS (UPDATE oms.allocation a SET tax_rate = NULL, taxable = NULL, cgst = 0, sgst = 0, igst = 0,"
	"  supplier_state = NULL, place_of_supply = NULL FROM old WHERE a.company_id = $1 AND a.allocation_id = old.allocation_id)"
	" SELECT o.planning_run, -(SELECT coalesce(sum(tax), 0) FROM old), c.price_includes_tax"
	" FROM oms.\"order\" o JOIN oms.channel c ON c.channel_id = o.channel_id WHERE o.company_id = $1 AND o.order_id = $2",
	3, {INT4OID, INT8OID, INT8ARRAYOID}, NULL
};

static void
only_wait(const OmsReplan *r)
{
	Datum		values[5] = {
		Int32GetDatum(r->company_id), Int64GetDatum(r->order_id),
		r->nids > 0 ? oms_int8_array(r->ids, r->nids) : (Datum) 0
	};

	oms_spi_connect();
	oms_exec(&untax_plan, values, r->nids > 0 ? NULL : "  n", false, 1);
	values[2] = Int32GetDatum(oms_int4(0, 1));
	values[3] = oms_paise_numeric(oms_paise(0, 2));
	values[4] = BoolGetDatum(oms_bool(0, 3));
	oms_exec(&replanned_plan, values, NULL, false, 0);
	oms_spi_finish();
}

bool
oms_order_replan(OmsReplan *r)
{
	Datum		values[5] = {Int32GetDatum(r->company_id), Int64GetDatum(r->order_id)};
	Datum		ids = r->nids > 0 ? oms_int8_array(r->ids, r->nids) : (Datum) 0;
	const char *nulls = r->nids > 0 ? "   " : "  n";
	OmsFulfilment *f = palloc0(sizeof(OmsFulfilment));
	int64		tax_before;

	if (r->wait)
	{
		only_wait(r);
		return false;
	}
	if (!prepare(r, f, &tax_before))
		return false;
	f->reserve = true;
	f->waits_for = r->waits_for;
	if (r->only_node_id)
		keep_numbers(r, f);
	oms_fulfil_plan(f);
	r->pinned = f->pinned;
	if (r->only_node_id)
		check_at_node(r, f);
	else if (r->whole && !f->complete)
		oms_fulfil_raise_short(f);

	oms_spi_connect();
	if (f->plan.npieces == 0 && !r->keep)
	{
		oms_exec(&tried_plan, values, NULL, false, 0);
		oms_spi_finish();
		return false;
	}
	values[2] = ids;
	oms_exec(&unwait_plan, values, nulls, false, 0);
	oms_fulfil_write(f);
	if (f->hold)
	{
		values[2] = oms_text(f->hold);
		values[3] = oms_text(f->hold_reason);
		oms_exec(&hold_order_plan, values, NULL, false, 0);
	}
	values[2] = Int32GetDatum(f->run);
	values[3] = oms_paise_numeric(f->tax - tax_before);
	values[4] = BoolGetDatum(f->channel->price_includes_tax);
	oms_exec(&replanned_plan, values, NULL, false, 0);
	if (!f->channel->price_includes_tax && f->complete)
		oms_order_settle_charges(r->company_id, r->order_id);
	if (f->complete)
		oms_unpark(r->company_id, r->order_id, r->at);
	oms_spi_finish();
	return f->plan.npieces > 0;
}

/* True when something of the order was reserved. */
static bool
retry_order(int32 company_id, int64 order_id, TimestampTz at)
{
	OmsReplan	r = {0};

	if (!oms_order_try_lock(company_id, order_id))
		return false;			/* somebody works on it; next time */
	r.company_id = company_id;
	r.order_id = order_id;
	r.at = at;
	if (!oms_order_replan(&r))
		return false;
	oms_event(company_id, "order", order_id, "order.backorder_filled", NULL);
	oms_order_refresh(company_id, order_id);
	return true;
}

bool
oms_orders_wait_for(int32 company_id, int32 sku_id)
{
	static OmsProbe probe = {
		"allocation_backordered",
		"CREATE INDEX allocation_backordered ON oms.allocation USING btree (company_id, sku_id, allocation_id)"
		" WHERE (status = 'backordered'::text)",
		InvalidOid, InvalidOid, false, false, false, NULL
	};
	static const Oid types[] = {INT4OID, INT4OID};
	Datum		keys[] = {Int32GetDatum(company_id), Int32GetDatum(sku_id)};

	return oms_probe(&probe, types, keys, 2, BTEqualStrategyNumber);
}

void		(*oms_orders_left) (void);

typedef struct Retry
{
	int32		company_id;
	int64		order_id;
	TimestampTz at;
	bool		filled;
} Retry;

static void
retry_one(void *arg)
{
	Retry	   *r = arg;

	r->filled = retry_order(r->company_id, r->order_id, r->at);
}

PG_FUNCTION_INFO_V1(oms_retry_backorders);

/*
 * oms.retry_backorders(max integer, at timestamptz) returns integer
 *
 * Several orders in one transaction keep no order of locks between them.
 * The SQL function has a lock_timeout far below deadlock_timeout: what is
 * busy is left for the next run, and no capture becomes a deadlock's victim.
 */
Datum
oms_retry_backorders(PG_FUNCTION_ARGS)
{
	oms_require_installed();
	PG_RETURN_INT32(oms_orders_retry(oms_limit_arg(fcinfo, 0, "max", 0),
									 PG_GETARG_TIMESTAMPTZ(1), 0, 0));
}

int
oms_orders_retry(int max, TimestampTz at, int32 company_id, int32 sku_id)
{
	Datum		values[4] = {
		Int32GetDatum(max), TimestampTzGetDatum(at),
		Int32GetDatum(company_id), Int32GetDatum(sku_id)
	};
	MemoryContext caller = CurrentMemoryContext;
	MemoryContext loop = AllocSetContextCreate(CurrentMemoryContext,
											   "oms retry_backorders",
											   ALLOCSET_DEFAULT_SIZES);
	MemoryContext old;
	Retry	   *orders;
	int			n;
	int			filled = 0;

	oms_spi_connect();
	n = (int) oms_exec(&waiting_plan, values, NULL, false, 0);
	orders = MemoryContextAllocZero(caller, sizeof(Retry) * (n + 1));
	for (int i = 0; i < n; i++)
	{
		orders[i].company_id = oms_int4(i, 1);
		orders[i].order_id = oms_int8(i, 2);
		orders[i].at = at;
	}
	oms_spi_finish();

	old = MemoryContextSwitchTo(loop);
	for (int i = 0; i < n; i++)
	{
		ErrorData  *err;

		CHECK_FOR_INTERRUPTS();
		/* one order that cannot be planned must not stop the others */
		if (oms_try(retry_one, &orders[i], &err))
			filled += orders[i].filled ? 1 : 0;
		else if (err->sqlerrcode != ERRCODE_LOCK_NOT_AVAILABLE)
		{
			OmsJson		j;

			oms_json_begin(&j);
			oms_json_str(&j, "error", err->message);
			oms_event(orders[i].company_id, "order", orders[i].order_id,
					  "order.retry_failed", oms_json_end(&j));
		}
		MemoryContextReset(loop);
	}
	MemoryContextSwitchTo(old);
	MemoryContextDelete(loop);
	if (n == max && filled > 0 && oms_orders_left)
		oms_orders_left();
	return filled;
}
