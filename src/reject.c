/*
 * reject.c
 *	  Goods taken off a node: rejected there and sourced elsewhere, or
 *	  rerouted to a node that is named.
 *
 * Locks: the order; then, before anything is given back, the stock rows of
 * what is held and of what the plan is about to take, in the one order.
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

static OmsPlan order_of_plan = {
	"SELECT order_id FROM oms.allocation WHERE company_id = $1 AND allocation_id = $2"
	" UNION ALL SELECT order_id FROM oms.allocation_rejection WHERE company_id = $1 AND allocation_id = $2",
	2, {INT4OID, INT8OID}, NULL
};
static OmsPlan rejected_before_plan = {
	"SELECT line_no FROM oms.allocation_rejection WHERE company_id = $1 AND allocation_id = $2",
	2, {INT4OID, INT8OID}, NULL
};

static OmsPlan answer_plan = {
	"SELECT o.status, a.allocation_id, a.line_no, k.code, (a.qty * 1000)::int8, a.status, n.code, a.promised_at"
	" FROM oms.\"order\" o"
	" JOIN oms.allocation a ON a.company_id = o.company_id AND a.order_id = o.order_id AND a.line_no = $3"
	" JOIN oms.sku k ON k.sku_id = a.sku_id LEFT JOIN oms.node n ON n.node_id = a.node_id"
	" WHERE o.company_id = $1 AND o.order_id = $2 ORDER BY a.allocation_id",
	3, {INT4OID, INT8OID, INT4OID}, NULL
};

Jsonb *
oms_allocation_answer(int32 company_id, int64 order_id, int64 allocation_id,
					  int32 line_no, bool duplicate, const OmsTakeOff *t)
{
	Datum		values[3] = {
		Int32GetDatum(company_id), Int64GetDatum(order_id), Int32GetDatum(line_no)
	};
	MemoryContext caller = CurrentMemoryContext;
	MemoryContext spi;
	Jsonb	   *result;
	OmsJson		j;
	int			n;

	oms_spi_connect();
	n = (int) oms_exec(&answer_plan, values, NULL, false, 0);
	spi = MemoryContextSwitchTo(caller);
	oms_json_begin(&j);
	oms_json_int(&j, "allocation_id", allocation_id);
	oms_json_int(&j, "order_id", order_id);
	oms_json_str(&j, "status", n > 0 ? oms_cstr(0, 1) : NULL);
	oms_json_bool(&j, "duplicate", duplicate);
	if (t)
	{
		oms_json_milli(&j, "resourced", t->resourced);
		oms_json_milli(&j, "backordered", t->backordered);
		oms_json_milli(&j, "cancelled", t->cancelled);
	}
	oms_json_array(&j, "plan");
	for (int i = 0; i < n; i++)
	{
		oms_json_object(&j, NULL);
		oms_json_int(&j, "allocation_id", oms_int8(i, 2));
		oms_json_int(&j, "line_no", oms_int4(i, 3));
		oms_json_str(&j, "sku", oms_cstr(i, 4));
		oms_json_milli(&j, "qty", oms_int8(i, 5));
		oms_json_str(&j, "status", oms_cstr(i, 6));
		oms_json_str(&j, "node", oms_cstr(i, 7));
		oms_json_time(&j, "promised_at", oms_time(i, 8));
		oms_json_close_object(&j);
	}
	oms_json_close_array(&j);
	result = oms_json_end(&j);
	MemoryContextSwitchTo(spi);
	oms_spi_finish();
	return result;
}

int64
oms_allocation_order(int32 company_id, int64 allocation_id)
{
	Datum		values[2] = {Int32GetDatum(company_id), Int64GetDatum(allocation_id)};
	int64		order_id;

	oms_spi_connect();
	if (oms_exec(&order_of_plan, values, NULL, false, 1) == 0)
		ereport(ERROR,
				(errcode(ERRCODE_OMS_UNKNOWN_REFERENCE),
				 errmsg("allocation " INT64_FORMAT " does not exist", allocation_id),
				 errhint("What an order is planned as are the rows of oms.allocation with its order_id; planned anew they get new numbers.")));
	order_id = oms_int8(0, 1);
	oms_spi_finish();
	return order_id;
}

bool
oms_allocation_rejected(int32 company_id, int64 allocation_id, int32 *line_no)
{
	Datum		values[2] = {Int32GetDatum(company_id), Int64GetDatum(allocation_id)};

	if (oms_exec(&rejected_before_plan, values, NULL, false, 1) == 0)
		return false;
	*line_no = oms_int4(0, 1);
	return true;
}

static void
gone(int64 allocation_id)
{
	ereport(ERROR,
			(errcode(ERRCODE_OMS_UNKNOWN_REFERENCE),
			 errmsg("allocation " INT64_FORMAT " does not exist any more", allocation_id),
			 errhint("Its order was planned anew; see the rows of oms.allocation.")));
}

PG_FUNCTION_INFO_V1(oms_reject_allocation);

/* oms.reject_allocation(allocation_id, reason, exclude_until, company, at) */
Datum
oms_reject_allocation(PG_FUNCTION_ARGS)
{
	int32		company_id = oms_company_arg(fcinfo, 3);
	int64		allocation_id = oms_id_arg(fcinfo, 0, "allocation_id");
	TimestampTz at = PG_ARGISNULL(4) ? GetCurrentTransactionStartTimestamp() :
	PG_GETARG_TIMESTAMPTZ(4);
	OmsTakeOff	t = {0};
	OmsJson		j;
	int64		order_id;
	int32		line_no;

	if (PG_ARGISNULL(1) || VARSIZE_ANY_EXHDR(PG_GETARG_TEXT_PP(1)) == 0)
		ereport(ERROR,
				(errcode(ERRCODE_OMS_INVALID_DOCUMENT),
				 errmsg("a rejection needs a reason"),
				 errdetail("Argument reason is empty."),
				 errhint("Say what the node found, for instance NOT_FOUND or DAMAGED.")));
	if (oms_erp_before_promise)
		oms_erp_before_promise(company_id);
	order_id = oms_allocation_order(company_id, allocation_id);
	oms_order_lock(company_id, order_id);
	oms_spi_connect();
	if (oms_allocation_rejected(company_id, allocation_id, &line_no))
	{
		oms_spi_finish();
		PG_RETURN_JSONB_P(oms_allocation_answer(company_id, order_id, allocation_id, line_no,
												true, NULL));
	}
	t.company_id = company_id;
	t.order_id = order_id;
	t.at = at;
	t.n = oms_order_go_along(company_id, allocation_id, &t.taken);
	if (t.n == 0)
		gone(allocation_id);
	t.reason = TextDatumGetCString(PG_GETARG_DATUM(1));
	t.until = PG_ARGISNULL(2) ? 0 : PG_GETARG_TIMESTAMPTZ(2);
	line_no = t.taken[0].line_no;
	oms_order_take_off(&t);
	oms_json_begin(&j);
	oms_json_int(&j, "allocation_id", allocation_id);
	oms_json_int(&j, "allocations", t.n);
	oms_json_str(&j, "reason", t.reason);
	oms_event(company_id, "order", order_id, "order.rejected_by_node", oms_json_end(&j));
	oms_spi_finish();
	oms_order_refresh(company_id, order_id);
	PG_RETURN_JSONB_P(oms_allocation_answer(company_id, order_id, allocation_id, line_no,
												false, NULL));
}

static OmsPlan where_plan = {
	"SELECT a.node_id, a.line_no, n.code, a.status = 'backordered' FROM oms.allocation a LEFT JOIN oms.node n ON n.node_id = a.node_id"
	" WHERE a.company_id = $1 AND a.allocation_id = $2",
	2, {INT4OID, INT8OID}, NULL
};

/* How many units of the allocation go; all of it where NULL. */
static void
part_to_move(FunctionCallInfo fcinfo, OmsTaken *taken, int *n)
{
	int64		qty;

	if (PG_ARGISNULL(4))
		return;
	qty = oms_milli_arg(PG_GETARG_DATUM(4), "qty");
	if (qty <= 0)
		ereport(ERROR,
				(errcode(ERRCODE_OMS_INVALID_DOCUMENT),
				 errmsg("quantity must be above zero"),
				 errdetail("Argument qty."),
				 errhint("NULL moves all of the allocation.")));
	if (qty > taken->whole)
		ereport(ERROR,
				(errcode(ERRCODE_OMS_INVALID_DOCUMENT),
				 errmsg("allocation " INT64_FORMAT " has fewer units than are to be moved", taken->allocation_id),
				 errdetail("Argument qty is above %s.",
						   DatumGetCString(DirectFunctionCall1(numeric_out, oms_milli_numeric(taken->whole)))),
				 errhint("Move at most what it has.")));
	if (qty == taken->whole)
		return;
	if (*n > 1)
		ereport(ERROR,
				(errcode(ERRCODE_OMS_STATUS_MOVE),
				 errmsg("a part of allocation " INT64_FORMAT " cannot go elsewhere", taken->allocation_id),
				 errdetail("Its channel does not split orders."),
				 errhint("Move all of it, with the rest of the order.")));
	taken->qty = qty;
}

PG_FUNCTION_INFO_V1(oms_reroute_allocation);

/* oms.reroute_allocation(allocation_id, node, company, at, qty) */
Datum
oms_reroute_allocation(PG_FUNCTION_ARGS)
{
	int32		company_id = oms_company_arg(fcinfo, 2);
	int64		allocation_id = oms_id_arg(fcinfo, 0, "allocation_id");
	Datum		values[2] = {Int32GetDatum(company_id), Int64GetDatum(allocation_id)};
	const char *code;
	OmsReplan	r = {0};
	OmsTaken   *taken;
	OmsJson		j;
	int64	   *ids;
	int64	   *held;
	int32	   *line_nos;
	const char *from;
	bool		waits;
	int32		line_no;
	int			n;

	oms_require_arg(fcinfo, 1, "node");
	code = text_to_cstring(PG_GETARG_TEXT_PP(1));
	if (oms_erp_before_promise)
		oms_erp_before_promise(company_id);
	r.company_id = company_id;
	r.order_id = oms_allocation_order(company_id, allocation_id);
	r.only_node_id = oms_node_find(company_id, code);
	r.at = PG_ARGISNULL(3) ? GetCurrentTransactionStartTimestamp() :
		PG_GETARG_TIMESTAMPTZ(3);
	oms_order_lock(company_id, r.order_id);
	oms_spi_connect();
	if (oms_exec(&where_plan, values, NULL, false, 1) == 0)
		gone(allocation_id);
	from = oms_cstr(0, 3);
	waits = oms_bool(0, 4);
	if (oms_int4(0, 1) == r.only_node_id)
	{
		line_no = oms_int4(0, 2);
		oms_spi_finish();
		PG_RETURN_JSONB_P(oms_allocation_answer(company_id, r.order_id, allocation_id, line_no,
												true, NULL));
	}
	n = oms_order_go_along(company_id, allocation_id, &taken);
	part_to_move(fcinfo, taken, &n);
	ids = palloc(sizeof(int64) * n);
	held = palloc(sizeof(int64) * n);
	line_nos = palloc(sizeof(int32) * n);
	for (int i = 0; i < n; i++)
	{
		held[i] = ids[i] = taken[i].allocation_id;
		line_nos[i] = taken[i].line_no;
	}
	line_no = line_nos[0];
	if (taken[0].qty < taken[0].whole)
		ids[0] = oms_allocation_split(company_id, held[0], taken[0].qty);
	for (int i = 0; i < n && !waits; i++)
		oms_allocation_move(company_id, ids[i], "backordered");
	r.ids = ids;
	r.line_nos = line_nos;
	r.nids = n;
	oms_order_lock_ahead(&r, held, n);
	if (ids[0] != held[0])
		oms_allocation_split_hold(company_id, held[0], ids[0], taken[0].qty,
								  taken[0].whole);
	oms_order_unplace(company_id, ids, n);
	oms_order_replan(&r);
	oms_json_begin(&j);
	oms_json_int(&j, "allocation_id", ids[0]);
	oms_json_str(&j, "from", from);
	oms_json_str(&j, "to", code);
	oms_event(company_id, "order", r.order_id, "order.rerouted", oms_json_end(&j));
	oms_spi_finish();
	oms_order_refresh(company_id, r.order_id);
	PG_RETURN_JSONB_P(oms_allocation_answer(company_id, r.order_id, allocation_id, line_no,
												false, NULL));
}
