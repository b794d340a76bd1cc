/*
 * short_ship.c
 *	  A node picked less than it was told to: what was found goes on, the rest
 *	  is taken off the node and becomes what the policy says
 *	  (oms.shortfall_policy), and the count may be set right at once.
 */
#include "postgres.h"

#include "access/xact.h"
#include "catalog/pg_type.h"
#include "fmgr.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

#include "allocation.h"
#include "orders.h"
#include "shipment.h"
#include "stock.h"

typedef struct Pick
{
	int32		company_id;
	int64		order_id;
	int64		allocation_id;
	int32		line_no;
	OmsStockKey key;
	const char *status;
	int64		qty;			/* milli, as allocated */
	int64		picked;			/* milli */
	bool		kit;
	bool		erp;			/* the ERP counts at the node */
	int64		shelf;			/* milli left there; -1: not told */
	const char *reason;
	TimestampTz at;
} Pick;

static OmsPlan read_plan = {
	"SELECT a.line_no, a.node_id, a.sku_id, a.status, a.qty, n.stock_from = 'erp',"
	" EXISTS (SELECT FROM oms.kit_component t WHERE t.company_id = a.company_id AND t.kit_sku_id = a.sku_id)"
	" FROM oms.allocation a LEFT JOIN oms.node n ON n.node_id = a.node_id"
	" WHERE a.company_id = $1 AND a.allocation_id = $2",
	2, {INT4OID, INT8OID}, NULL
};

static void
read_pick(Pick *p)
{
	Datum		values[2] = {
		Int32GetDatum(p->company_id), Int64GetDatum(p->allocation_id)
	};

	if (oms_exec(&read_plan, values, NULL, false, 1) == 0)
		ereport(ERROR,
				(errcode(ERRCODE_OMS_UNKNOWN_REFERENCE),
				 errmsg("allocation " INT64_FORMAT " does not exist any more", p->allocation_id),
				 errhint("Its order was planned anew; see the rows of oms.allocation.")));
	p->line_no = oms_int4(0, 1);
	p->key.node_id = oms_int4(0, 2);
	p->key.sku_id = oms_int4(0, 3);
	p->status = oms_cstr(0, 4);
	p->qty = oms_milli(0, 5);
	p->erp = oms_bool(0, 6);
	p->kit = oms_bool(0, 7);
	if (strcmp(p->status, "reserved") != 0 &&
		strcmp(p->status, "released") != 0 && strcmp(p->status, "picked") != 0)
		ereport(ERROR,
				(errcode(ERRCODE_OMS_STATUS_MOVE),
				 errmsg("allocation " INT64_FORMAT " is \"%s\" and not to be picked", p->allocation_id, p->status),
				 errdetail("Picked is what is reserved, released or picked in part."),
				 errhint("What is packed is taken out by oms.cancel_shipment() first.")));
}

static void
check_pick(const Pick *p)
{
	if (p->picked > p->qty)
		ereport(ERROR,
				(errcode(ERRCODE_OMS_INVALID_DOCUMENT),
				 errmsg("more was picked than allocation " INT64_FORMAT " is for", p->allocation_id),
				 errdetail("Argument picked is above %s.",
						   DatumGetCString(DirectFunctionCall1(numeric_out, oms_milli_numeric(p->qty)))),
				 errhint("Put the surplus back.")));
	if (p->kit && p->picked % 1000 != 0)
		ereport(ERROR,
				(errcode(ERRCODE_OMS_INVALID_DOCUMENT),
				 errmsg("a kit is picked whole"),
				 errdetail("Argument picked has a fraction."),
				 errhint("Say how many whole kits were found.")));
	if (p->shelf >= 0 && (p->kit || p->erp))
		ereport(ERROR,
				(errcode(ERRCODE_OMS_INVALID_DOCUMENT),
				 errmsg(p->kit ? "a kit has no count of its own" : "the count of this node is the ERP's"),
				 errdetail("Argument shelf."),
				 errhint(p->kit ? "Count its components with oms.adjust_stock()." :
						 "Correct the count in the ERP.")));
}

/* What was found is picked; an order on hold is not. */
static void
go_on(const Pick *p)
{
	if (strcmp(p->status, "picked") == 0)
		return;
	oms_order_check_holds(p->company_id, p->order_id);
	if (strcmp(p->status, "reserved") == 0)
		oms_allocation_move(p->company_id, p->allocation_id, "released");
	oms_allocation_move(p->company_id, p->allocation_id, "picked");
}

static OmsPlan off_shelf_plan = {
	"SELECT coalesce(sum(r.qty), 0) FROM oms.allocation a"
	" JOIN oms.reservation r ON r.company_id = a.company_id AND r.allocation_id = a.allocation_id AND r.state = 'open' AND r.sku_id = $3"
	" WHERE a.company_id = $1 AND a.node_id = $2 AND a.status IN ('picked', 'packed')",
	3, {INT4OID, INT4OID, INT4OID}, NULL
};

/* The count is what is on the shelf and what was taken from it to be sent. */
static void
set_count(const Pick *p)
{
	Datum		values[3] = {
		Int32GetDatum(p->company_id), Int32GetDatum(p->key.node_id),
		Int32GetDatum(p->key.sku_id)
	};

	oms_exec(&off_shelf_plan, values, NULL, false, 1);
	oms_stock_count(p->company_id, p->key, p->shelf + oms_milli(0, 1), "adjust",
					psprintf("short pick of allocation " INT64_FORMAT, p->allocation_id));
}

static void
short_event(const Pick *p, const OmsTakeOff *t)
{
	OmsJson		j;

	oms_json_begin(&j);
	oms_json_int(&j, "allocation_id", p->allocation_id);
	oms_json_int(&j, "line_no", p->line_no);
	oms_json_int(&j, "node_id", p->key.node_id);
	oms_json_milli(&j, "asked", p->qty);
	oms_json_milli(&j, "picked", p->picked);
	oms_json_milli(&j, "resourced", t->resourced);
	oms_json_milli(&j, "backordered", t->backordered);
	oms_json_milli(&j, "cancelled", t->cancelled);
	oms_json_str(&j, "reason", p->reason);
	oms_event(p->company_id, "order", p->order_id, "order.short_shipped",
			  oms_json_end(&j));
}

/* Order locked, SPI connected; true when nothing had to be done. */
static bool
short_ship(Pick *p, OmsTakeOff *t)
{
	OmsShortPolicy policy;
	bool		before = strcmp(p->status, "picked") == 0;

	check_pick(p);
	if (p->picked == p->qty)
	{
		go_on(p);
		if (p->shelf >= 0 && !before)
			set_count(p);
		return before;
	}
	oms_short_policy(p->company_id, p->order_id, p->key.node_id,
					 p->key.sku_id, &policy);
	t->company_id = p->company_id;
	t->order_id = p->order_id;
	t->at = p->at;
	t->reason = p->reason;
	t->action = policy.action == OMS_SHORT_LEAVE ? OMS_SHORT_BACKORDER : policy.action;
	t->cancel_rest = policy.cancel_rest;
	t->n = oms_order_go_along(p->company_id, p->allocation_id, &t->taken);
	if (t->action == OMS_SHORT_CANCEL || !policy.ship_complete)
	{
		t->n = 1;
		t->taken[0].qty = p->qty - p->picked;
		if (p->picked > 0)
			go_on(p);
	}
	oms_order_take_off(t);
	if (p->shelf >= 0)
		set_count(p);
	short_event(p, t);
	return false;
}

PG_FUNCTION_INFO_V1(oms_short_ship);

/* oms.short_ship(allocation_id, picked, reason, shelf, company, at) */
Datum
oms_short_ship(PG_FUNCTION_ARGS)
{
	Pick		p = {0};
	OmsTakeOff	t = {0};
	bool		duplicate;

	p.company_id = oms_company_arg(fcinfo, 4);
	p.allocation_id = oms_id_arg(fcinfo, 0, "allocation_id");
	p.picked = PG_ARGISNULL(1) ? -1 : oms_milli_arg(PG_GETARG_DATUM(1), "picked");
	p.reason = PG_ARGISNULL(2) ? "NOT_FOUND" : text_to_cstring(PG_GETARG_TEXT_PP(2));
	p.shelf = PG_ARGISNULL(3) ? -1 : oms_milli_arg(PG_GETARG_DATUM(3), "shelf");
	p.at = PG_ARGISNULL(5) ? GetCurrentTransactionStartTimestamp() :
		PG_GETARG_TIMESTAMPTZ(5);
	if (p.picked < 0)
		ereport(ERROR,
				(errcode(ERRCODE_OMS_INVALID_DOCUMENT),
				 errmsg("what was picked is missing or below zero"),
				 errdetail("Argument picked."),
				 errhint("Say how many units were found, 0 when none.")));
	if (!PG_ARGISNULL(3) && p.shelf < 0)
		ereport(ERROR,
				(errcode(ERRCODE_OMS_INVALID_DOCUMENT),
				 errmsg("a count is not below zero"),
				 errdetail("Argument shelf."),
				 errhint("Say how many units are left on the shelf, 0 when none.")));
	if (oms_erp_before_promise)
		oms_erp_before_promise(p.company_id);
	p.order_id = oms_allocation_order(p.company_id, p.allocation_id);
	oms_order_lock(p.company_id, p.order_id);
	oms_spi_connect();
	duplicate = oms_allocation_rejected(p.company_id, p.allocation_id, &p.line_no);
	if (!duplicate)
	{
		read_pick(&p);
		duplicate = short_ship(&p, &t);
	}
	oms_spi_finish();
	if (!duplicate)
		oms_order_refresh(p.company_id, p.order_id);
	PG_RETURN_JSONB_P(oms_allocation_answer(p.company_id, p.order_id,
											p.allocation_id, p.line_no,
											duplicate, &t));
}
