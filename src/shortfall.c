/*
 * shortfall.c
 *	  A count came in below what is reserved: who goes without.
 *
 * The least urgent and newest order first, and of it only what is missing: what is reserved
 * but not released, then (where the policy says so) what is released but not
 * picked; never what is picked or packed.  Holds of carts are the first to
 * go without, of their own accord: a cart's order is planned anew.
 *
 * Locks: order, stock row of the key, then those of the plan.  Several orders
 * in one transaction keep no order of locks between them; the SQL function
 * has a lock_timeout far below deadlock_timeout: what is busy is left for
 * the next run, and nobody becomes a deadlock's victim.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#include "allocation.h"
#include "orders.h"
#include "stock.h"

#define MAX_CANDIDATES 1000

/*
 * Does allocation "a" hold the item, itself or as a kit?  OFFSET 0 keeps the
 * look-up one by allocation: made a join, it reads all reservations.
 */
#define MAY_HOLD(sku) \
	"(a.sku_id = " sku " OR EXISTS (SELECT FROM oms.kit_component k WHERE k.company_id = a.company_id AND k.kit_sku_id = a.sku_id OFFSET 0))" \
	" AND EXISTS (SELECT FROM oms.reservation r WHERE r.company_id = a.company_id AND r.allocation_id = a.allocation_id" \
	"  AND r.state = 'open' AND r.sku_id = " sku " OFFSET 0)"

static OmsPlan policy_plan = {
	"SELECT p.action, p.otherwise = 'cancel', coalesce(p.released, false), NOT c.allow_split"
	" FROM oms.\"order\" o JOIN oms.channel c ON c.channel_id = o.channel_id"
	" LEFT JOIN LATERAL (SELECT q.* FROM oms.shortfall_policy q WHERE q.company_id = $1"
	"  AND (q.channel_id IS NULL OR q.channel_id = o.channel_id) AND (q.node_id IS NULL OR q.node_id = $3)"
	"  AND (q.sku_id IS NULL OR q.sku_id = $4)"
	"  ORDER BY q.sku_id IS NULL, q.node_id IS NULL, q.channel_id IS NULL LIMIT 1) p ON true"
	" WHERE o.company_id = $1 AND o.order_id = $2",
	4, {INT4OID, INT8OID, INT4OID, INT4OID}, NULL
};

void
oms_short_policy(int32 company_id, int64 order_id, int32 node_id,
				 int32 sku_id, OmsShortPolicy *policy)
{
	Datum		values[4] = {
		Int32GetDatum(company_id), Int64GetDatum(order_id),
		Int32GetDatum(node_id), Int32GetDatum(sku_id)
	};
	const char *action;

	oms_spi_connect();
	oms_exec(&policy_plan, values, NULL, false, 1);
	action = oms_isnull(0, 1) ? "resource" : oms_cstr(0, 1);
	policy->action = action[0] == 'b' ? OMS_SHORT_BACKORDER :
		action[0] == 'c' ? OMS_SHORT_CANCEL :
		action[0] == 'l' ? OMS_SHORT_LEAVE : OMS_SHORT_RESOURCE;
	policy->cancel_rest = oms_bool(0, 2);
	policy->released = oms_bool(0, 3);
	policy->ship_complete = oms_bool(0, 4);
	if (policy->ship_complete && policy->cancel_rest &&
		policy->action == OMS_SHORT_RESOURCE)
		policy->action = OMS_SHORT_CANCEL;
	oms_spi_finish();
}

/* A short key, and what was done about it. */
typedef struct Short
{
	int32		company_id;
	OmsStockKey key;
	TimestampTz at;
	int			orders;
	int64		resourced;		/* milli, of the allocations */
	int64		backordered;
	int64		cancelled;
	int64		left;			/* milli of the key that orders still exceed */
} Short;

typedef struct Candidate
{
	Short	   *s;
	int64		order_id;
	int64		allocation_id;
	bool		done;			/* nothing more is short */
	OmsTakeOff	t;
} Candidate;

static OmsPlan lock_key_plan = {
	"SELECT 1 FROM oms.stock WHERE company_id = $1 AND node_id = $2 AND sku_id = $3 FOR NO KEY UPDATE",
	3, {INT4OID, INT4OID, INT4OID}, NULL
};
static OmsPlan excess_plan = {
	"SELECT greatest(s.reserved - greatest(s.on_hand, 0) - greatest(s.backorder_limit, s.channel_depth)"
	"  - coalesce((SELECT sum(r.qty) FROM oms.reservation r WHERE r.company_id = $1 AND r.sku_id = $3 AND r.node_id = $2"
	"   AND r.cart_id IS NOT NULL AND r.state = 'open'), 0), 0)"
	" FROM oms.stock s WHERE s.company_id = $1 AND s.node_id = $2 AND s.sku_id = $3 AND s.shortfall > 0",
	3, {INT4OID, INT4OID, INT4OID}, NULL
};

/* What orders hold of the key that the count does not cover. */
static int64
excess(const Short *s)
{
	Datum		values[3] = {
		Int32GetDatum(s->company_id), Int32GetDatum(s->key.node_id),
		Int32GetDatum(s->key.sku_id)
	};

	return oms_exec(&excess_plan, values, NULL, false, 1) > 0 ? oms_milli(0, 1) : 0;
}

/* As it stands under the order's lock: status, units, what they hold. */
static OmsPlan candidate_plan = {
	"SELECT a.status, a.qty, sum(r.qty), a.sku_id <> $3, coalesce(k.sale_step, 0), a.sku_id"
	" FROM oms.allocation a JOIN oms.sku k ON k.sku_id = a.sku_id"
	" JOIN oms.reservation r ON r.company_id = a.company_id AND r.allocation_id = a.allocation_id AND r.state = 'open'"
	"  AND r.node_id = $2 AND r.sku_id = $3"
	" WHERE a.company_id = $1 AND a.allocation_id = $4 AND a.status IN ('reserved', 'released')"
	" GROUP BY a.allocation_id, a.status, a.qty, a.sku_id, k.sale_step",
	4, {INT4OID, INT4OID, INT4OID, INT8OID}, NULL
};
static OmsPlan beyond_plan = {
	"SELECT 1 FROM oms.allocation WHERE company_id = $1 AND allocation_id = ANY ($2) AND status NOT IN ('reserved', 'released')",
	2, {INT4OID, INT8ARRAYOID}, NULL
};

/* May all that has to go along be taken?  Not when some of it is picked. */
static bool
all_there(int32 company_id, const OmsTaken *taken, int n)
{
	int64	   *ids = palloc(sizeof(int64) * n);
	Datum		values[2] = {Int32GetDatum(company_id)};

	for (int i = 0; i < n; i++)
		ids[i] = taken[i].allocation_id;
	values[1] = oms_int8_array(ids, n);
	return oms_exec(&beyond_plan, values, NULL, false, 1) == 0;
}

static void
order_event(const Candidate *c)
{
	OmsJson		j;

	oms_json_begin(&j);
	oms_json_int(&j, "node_id", c->s->key.node_id);
	oms_json_int(&j, "sku_id", c->s->key.sku_id);
	oms_json_int(&j, "allocation_id", c->allocation_id);
	oms_json_milli(&j, "resourced", c->t.resourced);
	oms_json_milli(&j, "backordered", c->t.backordered);
	oms_json_milli(&j, "cancelled", c->t.cancelled);
	oms_event(c->s->company_id, "order", c->order_id, "order.shortfall",
			  oms_json_end(&j));
}

/* In a subtransaction: takes from one allocation what is missing. */
static void
take_from(void *arg)
{
	Candidate  *c = arg;
	Short	   *s = c->s;
	Datum		values[4] = {
		Int32GetDatum(s->company_id), Int32GetDatum(s->key.node_id),
		Int32GetDatum(s->key.sku_id), Int64GetDatum(c->allocation_id)
	};
	OmsShortPolicy policy;
	int64		missing;
	int64		qty;
	int64		held;
	int64		step;
	int64		units;
	int32		sku_id;
	bool		released;

	memset(&c->t, 0, sizeof(c->t));
	if (!oms_order_try_lock(s->company_id, c->order_id))
		return;					/* somebody works on it; next time */
	oms_spi_connect();
	oms_early_release_mark();
	oms_exec(&lock_key_plan, values, NULL, false, 1);
	if (oms_stock_erp.refresh)
		oms_stock_erp.refresh(s->company_id, &s->key, 1);
	missing = excess(s);
	c->done = missing == 0;
	if (c->done || oms_exec(&candidate_plan, values, NULL, false, 1) == 0)
	{
		oms_spi_finish();
		return;
	}
	released = strcmp(oms_cstr(0, 1), "released") == 0;
	qty = oms_milli(0, 2);
	held = oms_milli(0, 3);
	step = oms_bool(0, 4) ? 1000 : Max(oms_milli(0, 5), 1);
	sku_id = oms_int4(0, 6);
	oms_short_policy(s->company_id, c->order_id, s->key.node_id, sku_id, &policy);
	if (policy.action == OMS_SHORT_LEAVE || (released && !policy.released))
	{
		oms_spi_finish();
		return;
	}
	/* whole steps that hold at least what is missing */
	units = missing >= held ? qty :
		(oms_muldiv(missing, qty, held) + (step - 1)) / step * step;
	while (units < qty && oms_muldiv(units, held, qty) < missing)
		units += step;
	c->t.n = oms_order_go_along(s->company_id, c->allocation_id, &c->t.taken);
	if (policy.action == OMS_SHORT_CANCEL || !policy.ship_complete)
	{
		c->t.n = 1;
		c->t.taken[0].qty = Min(units, qty);
	}
	else if (!all_there(s->company_id, c->t.taken, c->t.n))
	{
		oms_spi_finish();
		return;
	}
	c->t.company_id = s->company_id;
	c->t.order_id = c->order_id;
	c->t.at = s->at;
	c->t.action = policy.action;
	c->t.cancel_rest = policy.cancel_rest;
	oms_order_take_off(&c->t);
	order_event(c);
	c->done = excess(s) == 0;
	oms_spi_finish();
	oms_order_refresh(s->company_id, c->order_id);
}

static OmsPlan candidates_plan = {
	"SELECT a.order_id, a.allocation_id FROM oms.allocation a"
	" JOIN oms.\"order\" o ON o.company_id = a.company_id AND o.order_id = a.order_id"
	" WHERE a.company_id = $1 AND a.node_id = $2 AND a.status IN ('reserved', 'released')"
	" AND " MAY_HOLD("$3")
	" ORDER BY a.status <> 'reserved', o.priority, o.placed_at DESC, a.order_id DESC, a.allocation_id DESC LIMIT $4",
	4, {INT4OID, INT4OID, INT4OID, INT4OID}, NULL
};

static void
failed_event(const Candidate *c, const ErrorData *err)
{
	OmsJson		j;

	oms_json_begin(&j);
	oms_json_int(&j, "node_id", c->s->key.node_id);
	oms_json_int(&j, "order_id", c->order_id);
	oms_json_str(&j, "error", err->message);
	oms_event(c->s->company_id, "stock", c->s->key.sku_id,
			  "stock.shortfall_failed", oms_json_end(&j));
}

static void
resolve_key(Short *s)
{
	Datum		values[4] = {
		Int32GetDatum(s->company_id), Int32GetDatum(s->key.node_id),
		Int32GetDatum(s->key.sku_id), Int32GetDatum(MAX_CANDIDATES)
	};
	Candidate  *c;
	bool		done;
	int			n;

	oms_spi_connect();
	done = excess(s) == 0;
	n = done ? 0 : (int) oms_exec(&candidates_plan, values, NULL, false, 0);
	c = palloc0(sizeof(Candidate) * (n + 1));
	for (int i = 0; i < n; i++)
	{
		c[i].s = s;
		c[i].order_id = oms_int8(i, 1);
		c[i].allocation_id = oms_int8(i, 2);
	}
	for (int i = 0; i < n && !done; i++)
	{
		ErrorData  *err;

		CHECK_FOR_INTERRUPTS();
		if (!oms_try(take_from, &c[i], &err))
		{
			if (err->sqlerrcode != ERRCODE_LOCK_NOT_AVAILABLE)
				failed_event(&c[i], err);
			continue;
		}
		done = c[i].done;
		if (c[i].t.resourced + c[i].t.backordered + c[i].t.cancelled == 0)
			continue;
		s->orders++;
		s->resourced += c[i].t.resourced;
		s->backordered += c[i].t.backordered;
		s->cancelled += c[i].t.cancelled;
	}
	s->left = s->orders > 0 ? excess(s) : 0;
	oms_spi_finish();
}

static void
resolved_event(const Short *s)
{
	OmsJson		j;

	oms_json_begin(&j);
	oms_json_int(&j, "node_id", s->key.node_id);
	oms_json_int(&j, "orders", s->orders);
	oms_json_milli(&j, "resourced", s->resourced);
	oms_json_milli(&j, "backordered", s->backordered);
	oms_json_milli(&j, "cancelled", s->cancelled);
	oms_json_milli(&j, "left", s->left);
	oms_event(s->company_id, "stock", s->key.sku_id,
			  "stock.shortfall_resolved", oms_json_end(&j));
}

/* Only keys somebody can be taken off: the others would come every time. */
static OmsPlan keys_plan = {
	"SELECT s.company_id, s.node_id, s.sku_id FROM oms.stock s"
	" WHERE s.shortfall > 0 AND ($2 IS NULL OR s.company_id = $2)"
	" AND EXISTS (SELECT FROM oms.allocation a WHERE a.company_id = s.company_id AND a.node_id = s.node_id"
	"  AND a.status IN ('reserved', 'released') AND " MAY_HOLD("s.sku_id") " OFFSET 0)"
	" ORDER BY 1, 2, 3 LIMIT $1",
	2, {INT4OID, INT4OID}, NULL
};

PG_FUNCTION_INFO_V1(oms_resolve_shortfalls);

/* oms.resolve_shortfalls(max, at, company) returns integer */
Datum
oms_resolve_shortfalls(PG_FUNCTION_ARGS)
{
	Datum		values[2];
	TimestampTz at = PG_ARGISNULL(1) ? GetCurrentTransactionStartTimestamp() :
	PG_GETARG_TIMESTAMPTZ(1);
	MemoryContext loop = AllocSetContextCreate(CurrentMemoryContext,
											   "oms resolve_shortfalls",
											   ALLOCSET_DEFAULT_SIZES);
	MemoryContext old;
	Short	   *shorts;
	int			n;
	int			orders = 0;

	oms_require_installed();
	values[0] = Int32GetDatum(oms_limit_arg(fcinfo, 0, "max", 50));
	values[1] = PG_ARGISNULL(2) ? (Datum) 0 :
		Int32GetDatum(oms_company_id(text_to_cstring(PG_GETARG_TEXT_PP(2))));
	oms_spi_connect();
	n = (int) oms_exec(&keys_plan, values, PG_ARGISNULL(2) ? " n" : NULL, false, 0);
	shorts = MemoryContextAllocZero(fcinfo->flinfo->fn_mcxt, sizeof(Short) * (n + 1));
	for (int i = 0; i < n; i++)
	{
		shorts[i].company_id = oms_int4(i, 1);
		shorts[i].key.node_id = oms_int4(i, 2);
		shorts[i].key.sku_id = oms_int4(i, 3);
		shorts[i].at = at;
	}
	oms_spi_finish();

	old = MemoryContextSwitchTo(loop);
	for (int i = 0; i < n; i++)
	{
		resolve_key(&shorts[i]);
		if (shorts[i].orders > 0)
			resolved_event(&shorts[i]);
		orders += shorts[i].orders;
		MemoryContextReset(loop);
	}
	MemoryContextSwitchTo(old);
	MemoryContextDelete(loop);
	PG_RETURN_INT32(orders);
}
