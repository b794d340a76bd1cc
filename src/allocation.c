/*
 * allocation.c
 *	  Life of allocations and the order status derived from them.
 *
 * The order row's lock guards everything that hangs on the order, so two
 * calls on one order never interleave.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "fmgr.h"
#include "utils/builtins.h"

#include "allocation.h"

static OmsPlan lock_order_plan = {
	"SELECT 1 FROM oms.\"order\" WHERE company_id = $1 AND order_id = $2 FOR NO KEY UPDATE",
	2, {INT4OID, INT8OID}, NULL
};

void
oms_order_lock(int32 company_id, int64 order_id)
{
	Datum		values[2] = {Int32GetDatum(company_id), Int64GetDatum(order_id)};

	oms_spi_connect();
	if (oms_exec(&lock_order_plan, values, NULL, false, 1) == 0)
		ereport(ERROR,
				(errcode(ERRCODE_OMS_UNKNOWN_REFERENCE),
				 errmsg("order " INT64_FORMAT " does not exist", order_id),
				 errhint("Orders are known by order_id; oms.\"order\" has channel and external_id beside it.")));
	oms_spi_finish();
}

static OmsPlan try_lock_order_plan = {
	"SELECT 1 FROM oms.\"order\" WHERE company_id = $1 AND order_id = $2 FOR NO KEY UPDATE SKIP LOCKED",
	2, {INT4OID, INT8OID}, NULL
};

bool
oms_order_try_lock(int32 company_id, int64 order_id)
{
	Datum		values[2] = {Int32GetDatum(company_id), Int64GetDatum(order_id)};
	bool		locked;

	oms_spi_connect();
	locked = oms_exec(&try_lock_order_plan, values, NULL, false, 1) > 0;
	oms_spi_finish();
	return locked;
}

static OmsPlan holds_plan = {
	"SELECT string_agg(hold || ' (' || reason || ')', ', ' ORDER BY hold) FROM oms.order_hold"
	" WHERE company_id = $1 AND order_id = $2 AND resolved_at IS NULL",
	2, {INT4OID, INT8OID}, NULL
};

void
oms_order_check_holds(int32 company_id, int64 order_id)
{
	Datum		values[2] = {Int32GetDatum(company_id), Int64GetDatum(order_id)};
	char	   *holds;

	oms_spi_connect();
	oms_exec(&holds_plan, values, NULL, false, 1);
	holds = oms_cstr(0, 1);
	if (holds)
		ereport(ERROR,
				(errcode(ERRCODE_OMS_ORDER_HELD),
				 errmsg("order " INT64_FORMAT " is on hold", order_id),
				 errdetail("Open holds: %s.", holds),
				 errhint("Lift them with oms.lift_hold(), or cancel the order.")));
	oms_spi_finish();
}

static OmsPlan status_plan = {
	"SELECT status, order_id FROM oms.allocation WHERE company_id = $1 AND allocation_id = $2",
	2, {INT4OID, INT8OID}, NULL
};
static OmsPlan move_plan = {
	"UPDATE oms.allocation SET status = $3, updated_at = now() WHERE company_id = $1 AND allocation_id = $2",
	3, {INT4OID, INT8OID, TEXTOID}, NULL
};

void
oms_allocation_move(int32 company_id, int64 allocation_id, const char *to)
{
	Datum		values[3] = {
		Int32GetDatum(company_id), Int64GetDatum(allocation_id), oms_text(to)
	};
	char	   *from;

	oms_spi_connect();
	if (oms_exec(&status_plan, values, NULL, false, 1) == 0)
		ereport(ERROR,
				(errcode(ERRCODE_OMS_UNKNOWN_REFERENCE),
				 errmsg("allocation " INT64_FORMAT " does not exist", allocation_id)));
	from = oms_cstr(0, 1);
	oms_check_move("allocation", from, to,
				   psprintf("allocation " INT64_FORMAT, allocation_id));
	oms_exec(&move_plan, values, NULL, false, 0);
	oms_spi_finish();
}

static OmsPlan shipment_allocations_plan = {
	"SELECT allocation_id FROM oms.allocation"
	" WHERE company_id = $1 AND shipment_id = $2 AND status NOT IN ('cancelled', $3)"
	" ORDER BY allocation_id",
	3, {INT4OID, INT8OID, TEXTOID}, NULL
};

void
oms_allocation_move_shipment(int32 company_id, int64 shipment_id,
							 const char *to)
{
	Datum		values[3] = {
		Int32GetDatum(company_id), Int64GetDatum(shipment_id), oms_text(to)
	};
	uint64		n;
	int64	   *ids;

	oms_spi_connect();
	n = oms_exec(&shipment_allocations_plan, values, NULL, false, 0);
	ids = palloc(sizeof(int64) * Max(n, 1));
	for (uint64 i = 0; i < n; i++)
		ids[i] = oms_int8(i, 1);
	for (uint64 i = 0; i < n; i++)
		oms_allocation_move(company_id, ids[i], to);
	oms_spi_finish();
}

static OmsPlan refresh_plan = {
	"UPDATE oms.\"order\" o SET status = d.status, promised_at = coalesce(d.promised_at, o.promised_at)"
	" FROM (SELECT oms.order_status($1, $2) AS status, p.status AS old_status,"
	"  (SELECT max(a.promised_at) FROM oms.allocation a WHERE a.company_id = $1 AND a.order_id = $2"
	"    AND a.status <> 'cancelled') AS promised_at"
	"  FROM oms.\"order\" p WHERE p.company_id = $1 AND p.order_id = $2) d"
	" WHERE o.company_id = $1 AND o.order_id = $2"
	" RETURNING d.old_status, d.status",
	2, {INT4OID, INT8OID}, NULL
};

void
oms_order_refresh(int32 company_id, int64 order_id)
{
	Datum		values[2] = {Int32GetDatum(company_id), Int64GetDatum(order_id)};
	char	   *from;
	char	   *to;

	oms_spi_connect();
	if (oms_exec(&refresh_plan, values, NULL, false, 0) == 0)
		elog(ERROR, "order " INT64_FORMAT " vanished", order_id);
	from = oms_cstr(0, 1);
	to = oms_cstr(0, 2);
	if (strcmp(from, to) != 0)
	{
		OmsJson		j;

		oms_json_begin(&j);
		oms_json_str(&j, "from", from);
		oms_json_str(&j, "to", to);
		oms_event(company_id, "order", order_id, "order.status",
				  oms_json_end(&j));
	}
	oms_spi_finish();
}
