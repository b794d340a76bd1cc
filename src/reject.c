/*
 * reject.c
 *	  Goods taken off a node: rejected there and sourced elsewhere, or
 *	  rerouted to a node that is named.
 *
 * Locks: the order; then, before anything is given back, the stock rows of
 * these items at every node, in the one order.  The plan may take any of
 * them, and a row locked after a later one would deadlock with captures.
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

/* The allocation itself first; where the channel does not split, the rest
 * of the order at the node after it. */
static OmsPlan affected_plan = {
	"SELECT b.allocation_id, b.line_no FROM oms.allocation a"
	" JOIN oms.\"order\" o ON o.company_id = a.company_id AND o.order_id = a.order_id"
	" JOIN oms.channel c ON c.channel_id = o.channel_id"
	" JOIN oms.allocation b ON b.company_id = a.company_id AND b.order_id = a.order_id"
	"  AND (b.allocation_id = a.allocation_id OR NOT c.allow_split AND b.node_id IS NOT DISTINCT FROM a.node_id AND b.status <> 'cancelled')"
	" WHERE a.company_id = $1 AND a.allocation_id = $2"
	" ORDER BY b.allocation_id <> a.allocation_id, b.allocation_id",
	2, {INT4OID, INT8OID}, NULL
};
static OmsPlan keep_rejection_plan = {
	"INSERT INTO oms.allocation_rejection (company_id, allocation_id, order_id, line_no, sku_id, node_id, qty, reason, until)"
	" SELECT company_id, allocation_id, order_id, line_no, sku_id, node_id, qty, $3, $4"
	" FROM oms.allocation WHERE company_id = $1 AND allocation_id = ANY ($2)",
	4, {INT4OID, INT8ARRAYOID, TEXTOID, TIMESTAMPTZOID}, NULL
};
static OmsPlan lock_items_plan = {
	"SELECT 1 FROM oms.stock s WHERE s.company_id = $1 AND s.sku_id IN"
	" (SELECT coalesce(c.sku_id, a.sku_id) FROM oms.allocation a"
	"   LEFT JOIN oms.kit_component c ON c.company_id = a.company_id AND c.kit_sku_id = a.sku_id"
	"   WHERE a.company_id = $1 AND a.allocation_id = ANY ($2)"
	"  UNION SELECT r.sku_id FROM oms.reservation r"
	"   WHERE r.company_id = $1 AND r.allocation_id = ANY ($2) AND r.state = 'open')"
	" ORDER BY s.node_id, s.sku_id FOR NO KEY UPDATE",
	2, {INT4OID, INT8ARRAYOID}, NULL
};
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

/*
 * Takes allocations, moved to backordered before, off their nodes: stock is
 * given back and their parcels shrink.
 */
static void
unplace(int32 company_id, const int64 *ids, int nids)
{
	Datum		values[2] = {Int32GetDatum(company_id), oms_int8_array(ids, nids)};
	int64	   *parcels;
	int			n;

	oms_spi_connect();
	oms_exec(&lock_items_plan, values, NULL, false, 0);
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

static OmsPlan answer_plan = {
	"SELECT o.status, a.allocation_id, a.line_no, k.code, (a.qty * 1000)::int8, a.status, n.code, a.promised_at"
	" FROM oms.\"order\" o"
	" JOIN oms.allocation a ON a.company_id = o.company_id AND a.order_id = o.order_id AND a.line_no = $3"
	" JOIN oms.sku k ON k.sku_id = a.sku_id LEFT JOIN oms.node n ON n.node_id = a.node_id"
	" WHERE o.company_id = $1 AND o.order_id = $2 ORDER BY a.allocation_id",
	3, {INT4OID, INT8OID, INT4OID}, NULL
};

static Jsonb *
answer(int32 company_id, int64 order_id, int64 allocation_id, int32 line_no,
	   bool duplicate)
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

/* The order an allocation is of, or was; raises UNKNOWN_REFERENCE. */
static int64
order_of(int32 company_id, int64 allocation_id)
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

PG_FUNCTION_INFO_V1(oms_reject_allocation);

/* oms.reject_allocation(allocation_id, reason, exclude_until, company, at) */
Datum
oms_reject_allocation(PG_FUNCTION_ARGS)
{
	int32		company_id = oms_company_arg(fcinfo, 3);
	int64		allocation_id = PG_ARGISNULL(0) ? 0 : PG_GETARG_INT64(0);
	TimestampTz at = PG_ARGISNULL(4) ? GetCurrentTransactionStartTimestamp() :
	PG_GETARG_TIMESTAMPTZ(4);
	Datum		values[4] = {Int32GetDatum(company_id), Int64GetDatum(allocation_id)};
	OmsReplan	r = {0};
	OmsJson		j;
	int64	   *ids;
	int64		order_id;
	int32		line_no;
	int			n;

	if (PG_ARGISNULL(1) || VARSIZE_ANY_EXHDR(PG_GETARG_TEXT_PP(1)) == 0)
		ereport(ERROR,
				(errcode(ERRCODE_OMS_INVALID_DOCUMENT),
				 errmsg("a rejection needs a reason"),
				 errdetail("Argument reason is empty."),
				 errhint("Say what the node found, for instance NOT_FOUND or DAMAGED.")));
	if (oms_erp_before_promise)
		oms_erp_before_promise(company_id);
	order_id = order_of(company_id, allocation_id);
	oms_order_lock(company_id, order_id);
	oms_spi_connect();
	if (oms_exec(&rejected_before_plan, values, NULL, false, 1) > 0)
	{
		line_no = oms_int4(0, 1);
		oms_spi_finish();
		PG_RETURN_JSONB_P(answer(company_id, order_id, allocation_id, line_no, true));
	}
	n = (int) oms_exec(&affected_plan, values, NULL, false, 0);
	if (n == 0)
		ereport(ERROR,
				(errcode(ERRCODE_OMS_UNKNOWN_REFERENCE),
				 errmsg("allocation " INT64_FORMAT " does not exist any more", allocation_id),
				 errhint("Its order was planned anew; see the rows of oms.allocation.")));
	ids = palloc(sizeof(int64) * n);
	for (int i = 0; i < n; i++)
		ids[i] = oms_int8(i, 1);
	line_no = oms_int4(0, 2);
	values[1] = oms_int8_array(ids, n);
	values[2] = PG_GETARG_DATUM(1);
	values[3] = PG_ARGISNULL(2) ? (Datum) 0 : PG_GETARG_DATUM(2);
	for (int i = 0; i < n; i++)
		oms_allocation_move(company_id, ids[i], "backordered");
	oms_exec(&keep_rejection_plan, values, PG_ARGISNULL(2) ? "   n" : NULL, false, 0);
	unplace(company_id, ids, n);
	oms_json_begin(&j);
	oms_json_int(&j, "allocation_id", allocation_id);
	oms_json_int(&j, "allocations", n);
	oms_json_str(&j, "reason", TextDatumGetCString(PG_GETARG_DATUM(1)));
	oms_event(company_id, "order", order_id, "order.rejected_by_node", oms_json_end(&j));
	r.company_id = company_id;
	r.order_id = order_id;
	r.at = at;
	r.ids = ids;
	r.nids = n;
	r.keep = true;
	oms_order_replan(&r);
	oms_spi_finish();
	oms_order_refresh(company_id, order_id);
	PG_RETURN_JSONB_P(answer(company_id, order_id, allocation_id, line_no, false));
}

static OmsPlan where_plan = {
	"SELECT a.node_id, a.line_no, n.code, a.status = 'backordered' FROM oms.allocation a LEFT JOIN oms.node n ON n.node_id = a.node_id"
	" WHERE a.company_id = $1 AND a.allocation_id = $2",
	2, {INT4OID, INT8OID}, NULL
};

PG_FUNCTION_INFO_V1(oms_reroute_allocation);

/* oms.reroute_allocation(allocation_id, node, company, at) */
Datum
oms_reroute_allocation(PG_FUNCTION_ARGS)
{
	int32		company_id = oms_company_arg(fcinfo, 2);
	int64		allocation_id = PG_ARGISNULL(0) ? 0 : PG_GETARG_INT64(0);
	Datum		values[2] = {Int32GetDatum(company_id), Int64GetDatum(allocation_id)};
	const char *code = PG_ARGISNULL(1) ? "" : text_to_cstring(PG_GETARG_TEXT_PP(1));
	OmsReplan	r = {0};
	OmsJson		j;
	int64	   *ids;
	int32	   *line_nos;
	const char *from;
	bool		waits;
	int			n;

	if (oms_erp_before_promise)
		oms_erp_before_promise(company_id);
	r.company_id = company_id;
	r.order_id = order_of(company_id, allocation_id);
	r.only_node_id = oms_node_find(company_id, code);
	r.at = PG_ARGISNULL(3) ? GetCurrentTransactionStartTimestamp() :
		PG_GETARG_TIMESTAMPTZ(3);
	oms_order_lock(company_id, r.order_id);
	oms_spi_connect();
	if (oms_exec(&where_plan, values, NULL, false, 1) == 0)
		ereport(ERROR,
				(errcode(ERRCODE_OMS_UNKNOWN_REFERENCE),
				 errmsg("allocation " INT64_FORMAT " does not exist any more", allocation_id),
				 errhint("Its order was planned anew; see the rows of oms.allocation.")));
	from = oms_cstr(0, 3);
	waits = oms_bool(0, 4);
	if (oms_int4(0, 1) == r.only_node_id)
	{
		int32		line_no = oms_int4(0, 2);

		oms_spi_finish();
		PG_RETURN_JSONB_P(answer(company_id, r.order_id, allocation_id, line_no, true));
	}
	n = (int) oms_exec(&affected_plan, values, NULL, false, 0);
	ids = palloc(sizeof(int64) * n);
	line_nos = palloc(sizeof(int32) * n);
	for (int i = 0; i < n; i++)
	{
		ids[i] = oms_int8(i, 1);
		line_nos[i] = oms_int4(i, 2);
	}
	for (int i = 0; i < n && !waits; i++)
		oms_allocation_move(company_id, ids[i], "backordered");
	unplace(company_id, ids, n);
	r.ids = ids;
	r.line_nos = line_nos;
	r.nids = n;
	oms_order_replan(&r);
	oms_json_begin(&j);
	oms_json_int(&j, "allocation_id", allocation_id);
	oms_json_str(&j, "from", from);
	oms_json_str(&j, "to", code);
	oms_event(company_id, "order", r.order_id, "order.rerouted", oms_json_end(&j));
	n = line_nos[0];
	oms_spi_finish();
	oms_order_refresh(company_id, r.order_id);
	PG_RETURN_JSONB_P(answer(company_id, r.order_id, allocation_id, n, false));
}
