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

void		(*oms_order_missing) (int32 company_id, int64 order_id);

static OmsPlan lock_order_plan = {
	"SELECT 1 FROM oms.\"order\" WHERE company_id = $1 AND order_id = $2 FOR NO KEY UPDATE",
	2, {INT4OID, INT8OID}, NULL
};

void
oms_order_lock(int32 company_id, int64 order_id)
{
	Datum		values[2] = {Int32GetDatum(company_id), Int64GetDatum(order_id)};

	oms_spi_connect();
	/* made by us or, while we waited for that, by somebody else */
	if (oms_exec(&lock_order_plan, values, NULL, false, 1) == 0 &&
		(oms_order_missing == NULL ||
		 (oms_order_missing(company_id, order_id),
		  oms_exec(&lock_order_plan, values, NULL, false, 1) == 0)))
		ereport(ERROR,
				(errcode(ERRCODE_OMS_UNKNOWN_REFERENCE),
				 errmsg("order " INT64_FORMAT " does not exist", order_id),
				 errhint("Orders are known by order_id; oms.\"order\" has channel and external_id beside it.")));
	oms_spi_finish();
}

int64
oms_order_lock_of(OmsPlan *order_of, int32 company_id, int64 id,
				  const char *what, const char *hint)
{
	Datum		values[2] = {Int32GetDatum(company_id), Int64GetDatum(id)};
	int64		order_id;

	if (oms_exec(order_of, values, NULL, false, 1) == 0)
		ereport(ERROR,
				(errcode(ERRCODE_OMS_UNKNOWN_REFERENCE),
				 errmsg("%s " INT64_FORMAT " does not exist", what, id),
				 errhint("%s", hint)));
	order_id = oms_int8(0, 1);
	oms_order_lock(company_id, order_id);
	return order_id;
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

/*
 * The status of order $2 of company $1 as its allocations and open holds say
 * it is, and until when all of it is promised.
 */
#define DERIVED \
	"SELECT CASE WHEN s.live = 0 THEN CASE WHEN s.cancelled > 0 THEN 'cancelled' ELSE 'captured' END" \
	"  WHEN s.returned = s.live THEN 'returned'" \
	"  WHEN s.rto + s.returned = s.live THEN 'rto'" \
	"  WHEN s.delivered + s.returned = s.live THEN 'delivered'" \
	"  WHEN s.delivered > 0 THEN 'part_delivered'" \
	"  WHEN s.shipped + s.rto + s.returned = s.live THEN 'shipped'" \
	"  WHEN s.shipped + s.rto + s.returned > 0 THEN 'part_shipped'" \
	"  WHEN EXISTS (SELECT FROM oms.order_hold h WHERE h.company_id = $1 AND h.order_id = $2 AND h.resolved_at IS NULL) THEN 'on_hold'" \
	"  WHEN s.packed = s.live THEN 'packed'" \
	"  WHEN s.working + s.packed = s.live THEN 'released'" \
	"  WHEN s.backordered = s.live THEN 'backordered'" \
	"  WHEN s.backordered > 0 THEN 'part_reserved'" \
	"  WHEN s.planned = s.live THEN 'captured'" \
	"  ELSE 'reserved' END AS status, s.promised_at" \
	" FROM (SELECT count(*) FILTER (WHERE a.status <> 'cancelled') AS live," \
	"   count(*) FILTER (WHERE a.status = 'cancelled') AS cancelled," \
	"   count(*) FILTER (WHERE a.status = 'planned') AS planned," \
	"   count(*) FILTER (WHERE a.status = 'backordered') AS backordered," \
	"   count(*) FILTER (WHERE a.status IN ('released', 'picked')) AS working," \
	"   count(*) FILTER (WHERE a.status = 'packed') AS packed," \
	"   count(*) FILTER (WHERE a.status = 'shipped') AS shipped," \
	"   count(*) FILTER (WHERE a.status = 'delivered') AS delivered," \
	"   count(*) FILTER (WHERE a.status = 'rto') AS rto," \
	"   count(*) FILTER (WHERE a.status = 'returned') AS returned," \
	"   max(a.promised_at) FILTER (WHERE a.status <> 'cancelled') AS promised_at" \
	"   FROM oms.allocation a WHERE a.company_id = $1 AND a.order_id = $2) s"

static OmsPlan derive_plan = {DERIVED, 2, {INT4OID, INT8OID}, NULL};

PG_FUNCTION_INFO_V1(oms_order_status);

/* oms.order_status(company_id, order_id) returns text */
Datum
oms_order_status(PG_FUNCTION_ARGS)
{
	Datum		values[2] = {PG_GETARG_DATUM(0), PG_GETARG_DATUM(1)};
	MemoryContext caller = CurrentMemoryContext;
	char	   *status;

	oms_require_installed();
	oms_spi_connect();
	oms_exec(&derive_plan, values, NULL, true, 1);
	status = oms_strdup(caller, oms_cstr(0, 1));
	oms_spi_finish();
	PG_RETURN_DATUM(oms_text(status));
}

static OmsPlan refresh_plan = {
	"UPDATE oms.\"order\" o SET status = d.status, promised_at = coalesce(d.promised_at, o.promised_at)"
	/* OFFSET: worked out once, not for each place it is used in */
	" FROM (SELECT t.status, p.status AS old_status, t.promised_at FROM oms.\"order\" p, (" DERIVED ") t"
	"  WHERE p.company_id = $1 AND p.order_id = $2 OFFSET 0) d"
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

/* The part's share is rounded, the rest keeps what is left. */
static OmsPlan split_plan = {
	"WITH a AS (SELECT *, round(net_amount * $3 / qty, 2) AS net_part, round(cgst * $3 / qty, 2) AS c,"
	"  round(sgst * $3 / qty, 2) AS s, round(igst * $3 / qty, 2) AS i, net_amount <> taxable AS inclusive"
	"  FROM oms.allocation WHERE company_id = $1 AND allocation_id = $2),"
	" p AS (SELECT *, CASE WHEN taxable IS NULL THEN NULL WHEN inclusive THEN net_part - c - s - i ELSE net_part END AS taxable_part FROM a),"
	" rest AS (UPDATE oms.allocation r SET qty = r.qty - $3, net_amount = r.net_amount - net_part, taxable = r.taxable - taxable_part,"
	"  cgst = r.cgst - c, sgst = r.sgst - s, igst = r.igst - i"
	"  FROM p WHERE r.company_id = $1 AND r.allocation_id = $2)"
	" INSERT INTO oms.allocation (company_id, order_id, line_no, sku_id, node_id, qty, status, shipment_id, net_amount,"
	"  tax_rate, taxable, cgst, sgst, igst, supplier_state, place_of_supply, promised_at, created_at, updated_at)"
	" SELECT company_id, order_id, line_no, sku_id, node_id, $3, status, shipment_id, net_part,"
	"  tax_rate, taxable_part, c, s, i, supplier_state, place_of_supply, promised_at, created_at, updated_at"
	" FROM p RETURNING allocation_id",
	3, {INT4OID, INT8OID, NUMERICOID}, NULL
};

int64
oms_allocation_split(int32 company_id, int64 allocation_id, int64 qty)
{
	Datum		values[3] = {
		Int32GetDatum(company_id), Int64GetDatum(allocation_id),
		oms_milli_numeric(qty)
	};
	int64		part;

	oms_spi_connect();
	if (oms_exec(&split_plan, values, NULL, false, 0) == 0)
		elog(ERROR, "allocation " INT64_FORMAT " vanished", allocation_id);
	part = oms_int8(0, 1);
	oms_spi_finish();
	return part;
}

static OmsPlan split_hold_plan = {
	"WITH part AS (SELECT reservation_id, node_id, sku_id, round(qty * $4 / $5, 3) AS qty, qty AS held, quota_id, quota_qty FROM oms.reservation"
	"  WHERE company_id = $1 AND allocation_id = $2 AND state = 'open'),"
	/* the quota's units stay with the rest as far as they fit */
	" kept AS (UPDATE oms.reservation r SET qty = r.qty - p.qty,"
	"  quota_qty = CASE WHEN r.quota_qty > 0 THEN least(r.quota_qty, r.qty - p.qty) END FROM part p"
	"  WHERE r.company_id = $1 AND r.reservation_id = p.reservation_id)"
	" INSERT INTO oms.reservation (company_id, node_id, sku_id, qty, allocation_id, quota_id, quota_qty)"
	" SELECT $1, node_id, sku_id, qty, $3, CASE WHEN quota_qty + qty > held THEN quota_id END,"
	"  nullif(greatest(quota_qty + qty - held, 0), 0) FROM part ORDER BY node_id, sku_id",
	5, {INT4OID, INT8OID, INT8OID, NUMERICOID, NUMERICOID}, NULL
};

void
oms_allocation_split_hold(int32 company_id, int64 allocation_id, int64 part_id,
						  int64 part, int64 whole)
{
	Datum		values[5] = {
		Int32GetDatum(company_id), Int64GetDatum(allocation_id),
		Int64GetDatum(part_id), oms_milli_numeric(part),
		oms_milli_numeric(whole)
	};

	oms_spi_connect();
	oms_exec(&split_hold_plan, values, NULL, false, 0);
	oms_spi_finish();
}
