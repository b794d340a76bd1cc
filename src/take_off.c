/*
 * take_off.c
 *	  Goods taken off a node that has not got them: by rejection, short ship
 *	  or shortfall.  One way for all: split, give back, then source elsewhere,
 *	  let wait or cancel.
 *
 * Locks: the order; then, before anything is given back, the stock rows of
 * what is held and of what the plan is about to take, in the one order.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "fmgr.h"

#include "allocation.h"
#include "orders.h"
#include "shipment.h"
#include "stock.h"

/* The allocation itself first; where the channel does not split, the rest
 * of the order at the node after it. */
static OmsPlan go_along_plan = {
	"SELECT b.allocation_id, b.line_no, b.qty FROM oms.allocation a"
	" JOIN oms.\"order\" o ON o.company_id = a.company_id AND o.order_id = a.order_id"
	" JOIN oms.channel c ON c.channel_id = o.channel_id"
	" JOIN oms.allocation b ON b.company_id = a.company_id AND b.order_id = a.order_id"
	"  AND (b.allocation_id = a.allocation_id OR NOT c.allow_split AND b.node_id IS NOT DISTINCT FROM a.node_id AND b.status <> 'cancelled')"
	" WHERE a.company_id = $1 AND a.allocation_id = $2"
	" ORDER BY b.allocation_id <> a.allocation_id, b.allocation_id",
	2, {INT4OID, INT8OID}, NULL
};

int
oms_order_go_along(int32 company_id, int64 allocation_id, OmsTaken **taken)
{
	Datum		values[2] = {Int32GetDatum(company_id), Int64GetDatum(allocation_id)};
	int			n = (int) oms_exec(&go_along_plan, values, NULL, false, 0);

	*taken = palloc0(sizeof(OmsTaken) * (n + 1));
	for (int i = 0; i < n; i++)
	{
		(*taken)[i].allocation_id = oms_int8(i, 1);
		(*taken)[i].line_no = oms_int4(i, 2);
		(*taken)[i].qty = (*taken)[i].whole = oms_milli(i, 3);
	}
	return n;
}

static OmsPlan parcels_plan = {
	"SELECT DISTINCT shipment_id FROM oms.allocation"
	" WHERE company_id = $1 AND allocation_id = ANY ($2) AND shipment_id IS NOT NULL ORDER BY 1",
	2, {INT4OID, INT8ARRAYOID}, NULL
};
static OmsPlan unplace_plan = {
	"UPDATE oms.allocation SET node_id = NULL, shipment_id = NULL, promised_at = NULL"
	" WHERE company_id = $1 AND allocation_id = ANY ($2)",
	2, {INT4OID, INT8ARRAYOID}, NULL
};

void
oms_order_unplace(int32 company_id, const int64 *ids, int nids)
{
	Datum		values[2] = {Int32GetDatum(company_id), oms_int8_array(ids, nids)};
	int64	   *parcels;
	int			n;

	oms_spi_connect();
	for (int i = 0; i < nids; i++)
		oms_stock_release_allocation(company_id, ids[i]);
	n = (int) oms_exec(&parcels_plan, values, NULL, false, 0);
	parcels = palloc(sizeof(int64) * (n + 1));
	for (int i = 0; i < n; i++)
		parcels[i] = oms_int8(i, 1);
	oms_exec(&unplace_plan, values, NULL, false, 0);
	for (int i = 0; i < n; i++)
		oms_shipment_taken_out(company_id, parcels[i]);
	oms_spi_finish();
}

static OmsPlan keep_rejection_plan = {
	"INSERT INTO oms.allocation_rejection (company_id, allocation_id, order_id, line_no, sku_id, node_id, qty, reason, until)"
	" SELECT company_id, allocation_id, order_id, line_no, sku_id, node_id, qty, $3, $4"
	" FROM oms.allocation WHERE company_id = $1 AND allocation_id = ANY ($2)",
	4, {INT4OID, INT8ARRAYOID, TEXTOID, TIMESTAMPTZOID}, NULL
};
static OmsPlan mark_plan = {
	"SELECT nextval('oms.allocation_allocation_id_seq'::regclass)",
	0, {0}, NULL
};
static OmsPlan still_waits_plan = {
	"SELECT allocation_id, qty FROM oms.allocation WHERE company_id = $1 AND order_id = $2"
	" AND status = 'backordered' AND allocation_id > $3 ORDER BY allocation_id",
	3, {INT4OID, INT8OID, INT8OID}, NULL
};

/* Splits what is taken in part; the holds are divided under the row locks. */
static void
divide(OmsTakeOff *t, int64 *ids, int64 *held)
{
	for (int i = 0; i < t->n; i++)
	{
		OmsTaken   *x = &t->taken[i];

		held[i] = x->allocation_id;
		ids[i] = x->taken_id = x->qty >= x->whole ? x->allocation_id :
			oms_allocation_split(t->company_id, x->allocation_id, x->qty);
	}
}

static void
divide_holds(const OmsTakeOff *t)
{
	for (int i = 0; i < t->n; i++)
		if (t->taken[i].taken_id != t->taken[i].allocation_id)
			oms_allocation_split_hold(t->company_id, t->taken[i].allocation_id,
									  t->taken[i].taken_id, t->taken[i].qty,
									  t->taken[i].whole);
}

void
oms_order_take_off(OmsTakeOff *t)
{
	int64	   *ids = palloc(sizeof(int64) * (t->n + 1));
	int64	   *held = palloc(sizeof(int64) * (t->n + 1));
	Datum		values[4] = {Int32GetDatum(t->company_id)};
	OmsReplan	r = {0};
	int64		total = 0;
	int64		mark;
	int64	   *rest;
	int			nrest;
	OmsCancelled gone;

	oms_spi_connect();
	divide(t, ids, held);
	for (int i = 0; i < t->n; i++)
	{
		total += t->taken[i].qty;
		if (t->action != OMS_SHORT_CANCEL)
			oms_allocation_move(t->company_id, ids[i], "backordered");
	}
	if (t->reason)
	{
		values[1] = oms_int8_array(ids, t->n);
		values[2] = oms_text(t->reason);
		values[3] = TimestampTzGetDatum(t->until);
		oms_exec(&keep_rejection_plan, values, t->until ? NULL : "   n", false, 0);
	}
	if (t->action == OMS_SHORT_CANCEL)
	{
		oms_stock_lock_allocations(t->company_id, held, t->n);
		divide_holds(t);
		oms_order_cancel_allocations(t->company_id, t->order_id, ids, t->n,
									 "SELLER", &gone);
		t->cancelled = total;
		oms_spi_finish();
		return;
	}
	r.company_id = t->company_id;
	r.order_id = t->order_id;
	r.at = t->at;
	r.ids = ids;
	r.nids = t->n;
	r.keep = true;
	r.waits_for = t->reason ? "REJECTED" : NULL;
	r.wait = t->action == OMS_SHORT_BACKORDER;
	oms_order_lock_ahead(&r, held, t->n);
	divide_holds(t);
	oms_order_unplace(t->company_id, ids, t->n);
	oms_exec(&mark_plan, NULL, NULL, false, 1);
	mark = oms_int8(0, 1);
	oms_order_replan(&r);
	oms_shipment_balance_cash(t->company_id, t->order_id);
	t->backordered = 0;
	if (r.wait)
		t->backordered = total;
	else
	{
		values[1] = Int64GetDatum(t->order_id);
		values[2] = Int64GetDatum(mark);
		nrest = (int) oms_exec(&still_waits_plan, values, NULL, false, 0);
		rest = palloc(sizeof(int64) * (nrest + 1));
		for (int i = 0; i < nrest; i++)
		{
			rest[i] = oms_int8(i, 1);
			t->backordered += oms_milli(i, 2);
		}
		t->resourced = total - t->backordered;
		if (t->cancel_rest && nrest > 0)
		{
			oms_order_cancel_allocations(t->company_id, t->order_id, rest,
										 nrest, "SELLER", &gone);
			t->cancelled = t->backordered;
			t->backordered = 0;
		}
	}
	oms_spi_finish();
}
