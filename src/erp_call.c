/*
 * erp_call.c
 *	  The outbox: what the ERP is asked to book, and of which orders it is to
 *	  be told, through its own doors.
 *
 * A row is written in the transaction that needs the booking;
 * oms.erp_send() tells the ERP later, each call in a subtransaction of its
 * own; the count that contains the booking closes it (erp.c).
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "fmgr.h"
#include "utils/builtins.h"

#include "core_memo.h"
#include "erp.h"

static bool writes_orders(int32 company_id);

/*
 * The ERP's count leaves out what we hold for an order that it holds too
 * (oms.erp_entity_query).  When we hold less, that key is to be looked at.
 */
#define LOOK(which) \
	"INSERT INTO oms.erp_change (relation, op, images)" \
	" SELECT 'oms.stock', 'K', json_build_array(json_build_array('keys'), json_build_array(json_agg(DISTINCT n.erp_key || '|' || s.erp_key)))" \
	" FROM oms.reservation r JOIN oms.allocation a ON a.company_id = r.company_id AND a.allocation_id = r.allocation_id" \
	" JOIN oms.erp_document d ON d.company_id = a.company_id AND d.order_id = a.order_id AND d.node_id = r.node_id AND d.open AND d.erp_ref IS NOT NULL" \
	" JOIN oms.node n ON n.node_id = r.node_id AND n.erp_key IS NOT NULL JOIN oms.sku s ON s.sku_id = r.sku_id AND s.erp_key IS NOT NULL" \
	" WHERE r.company_id = $1 AND " which " HAVING count(*) > 0"

static OmsPlan look_reservation_plan = {
	LOOK("r.reservation_id = $2"), 2, {INT4OID, INT8OID}, NULL
};
static OmsPlan look_allocation_plan = {
	LOOK("r.allocation_id = $2"), 2, {INT4OID, INT8OID}, NULL
};

static OmsPlan book_plan = {
	"INSERT INTO oms.erp_call (company_id, kind, node_id, sku_id, qty, document, reservation_id)"
	" VALUES ($1, $2, $3, $4, $5, coalesce($6, ''), $7)",
	7, {INT4OID, TEXTOID, INT4OID, INT4OID, NUMERICOID, TEXTOID, INT8OID}, NULL
};

void
oms_erp_book(int32 company_id, const char *kind, OmsStockKey key, int64 qty,
			 const char *document, int64 reservation_id)
{
	Datum		values[7] = {
		Int32GetDatum(company_id), oms_text(kind), Int32GetDatum(key.node_id),
		Int32GetDatum(key.sku_id), oms_milli_numeric(qty), oms_text(document),
		Int64GetDatum(reservation_id)
	};
	char		nulls[] = "       ";

	if (document == NULL)
		nulls[5] = 'n';
	if (reservation_id == 0)
		nulls[6] = 'n';
	oms_spi_connect();
	oms_exec(&book_plan, values, nulls, false, 0);
	if (reservation_id != 0 && writes_orders(company_id))
	{
		Datum		v[2] = {Int32GetDatum(company_id), Int64GetDatum(reservation_id)};

		oms_exec(&look_reservation_plan, v, NULL, false, 0);
	}
	oms_spi_finish();
	if (oms_erp_wake)
		oms_erp_wake();
}

/*
 * Orders the ERP is to know
 */
static OmsPlan writes_plan = {
	"SELECT lower(params->>'write_orders') IN ('true', 't', 'on', 'yes', '1') FROM oms.erp_attachment WHERE company_id = $1",
	1, {INT4OID}, NULL
};
static OmsPlan note_order_plan = {
	"INSERT INTO oms.erp_order_note (company_id, order_id, event) VALUES ($1, $2, $3)",
	3, {INT4OID, INT8OID, TEXTOID}, NULL
};
static OmsPlan note_shipment_plan = {
	"INSERT INTO oms.erp_order_note (company_id, order_id, event)"
	" SELECT company_id, order_id, $3 FROM oms.shipment WHERE company_id = $1 AND shipment_id = $2 AND direction = 'forward'",
	3, {INT4OID, INT8OID, TEXTOID}, NULL
};

/* SPI is connected. */
static bool
writes_orders(int32 company_id)
{
	Datum		values[1] = {Int32GetDatum(company_id)};

	return oms_memo(&writes_plan, values, NULL, false) > 0 &&
		!oms_isnull(0, 1) && oms_bool(0, 1);
}

void
oms_erp_note_event(int32 company_id, const char *topic, int64 subject_id,
				   const char *type)
{
	Datum		values[3];
	OmsPlan    *plan;

	if (strcmp(topic, "order") == 0 && strcmp(type, "order.retry_failed") != 0)
		plan = &note_order_plan;
	else if (strcmp(type, "shipment.packed") == 0 ||
			 strcmp(type, "shipment.dispatched") == 0 ||
			 strcmp(type, "shipment.cancelled") == 0 ||
			 strcmp(type, "shipment.split") == 0)
		plan = &note_shipment_plan;
	else
		return;
	if (!writes_orders(company_id))
		return;
	values[0] = Int32GetDatum(company_id);
	values[1] = Int64GetDatum(subject_id);
	values[2] = oms_text(type);
	oms_exec(plan, values, NULL, false, 0);
	if (oms_erp_wake)
		oms_erp_wake();
}

void
oms_erp_released(int32 company_id, int64 allocation_id)
{
	Datum		values[2] = {Int32GetDatum(company_id), Int64GetDatum(allocation_id)};

	oms_spi_connect();
	if (writes_orders(company_id))
		oms_exec(&look_allocation_plan, values, NULL, false, 0);
	oms_spi_finish();
}

static OmsPlan failed_plan = {
	"SELECT company_id, coalesce(node_id, 0), coalesce(sku_id, 0), coalesce(reservation_id, 0), state FROM oms.erp_call WHERE call_id = $1",
	1, {INT8OID}, NULL
};
static OmsPlan lock_stock_plan = {
	"SELECT 1 FROM oms.stock WHERE company_id = $1 AND node_id = $2 AND sku_id = $3 FOR NO KEY UPDATE",
	3, {INT4OID, INT4OID, INT4OID}, NULL
};
static OmsPlan settled_plan = {
	"UPDATE oms.erp_call SET state = CASE WHEN $3 THEN 'pending' ELSE 'done' END,"
	" attempts = CASE WHEN $3 THEN 0 ELSE attempts END, next_at = now(),"
	" erp_ref = CASE WHEN $3 AND kind <> 'order_out' THEN NULL ELSE erp_ref END, done_at = CASE WHEN $3 THEN NULL ELSE now() END"
	" WHERE company_id = $1 AND call_id = $2 AND state = 'failed' RETURNING state",
	3, {INT4OID, INT8OID, BOOLOID}, NULL
};

PG_FUNCTION_INFO_V1(oms_erp_settle);

/* What a person decides about a booking the ERP did not make. */
Datum
oms_erp_settle(PG_FUNCTION_ARGS)
{
	int64		call_id = PG_GETARG_INT64(0);
	bool		again = PG_GETARG_BOOL(1);
	MemoryContext caller = CurrentMemoryContext;
	Datum		values[3] = {Int64GetDatum(call_id)};
	int32		company_id;
	OmsStockKey key;
	int64		reservation_id;
	char	   *state;

	oms_require_installed();
	oms_spi_connect();
	if (oms_exec(&failed_plan, values, NULL, false, 1) == 0)
		ereport(ERROR,
				(errcode(ERRCODE_OMS_UNKNOWN_REFERENCE),
				 errmsg("booking %lld does not exist", (long long) call_id),
				 errhint("Bookings are the rows of oms.erp_call.")));
	company_id = oms_int4(0, 1);
	key.node_id = oms_int4(0, 2);
	key.sku_id = oms_int4(0, 3);
	reservation_id = oms_int8(0, 4);
	state = oms_cstr(0, 5);

	/* the stock row first, as whoever takes in counts does */
	values[0] = Int32GetDatum(company_id);
	values[1] = Int32GetDatum(key.node_id);
	values[2] = Int32GetDatum(key.sku_id);
	if (key.node_id != 0)
		oms_exec(&lock_stock_plan, values, NULL, false, 1);
	values[1] = Int64GetDatum(call_id);
	values[2] = BoolGetDatum(again);
	if (oms_exec(&settled_plan, values, NULL, false, 1) == 0)
		ereport(ERROR,
				(errcode(ERRCODE_OMS_STATUS_MOVE),
				 errmsg("booking %lld is \"%s\", not \"failed\"", (long long) call_id, state),
				 errhint("Only what the ERP has refused needs a decision.")));
	state = oms_strdup(caller, oms_cstr(0, 1));
	if (!again && reservation_id != 0)
		oms_stock_left(company_id, reservation_id);
	oms_spi_finish();
	if (again && oms_erp_wake)
		oms_erp_wake();
	PG_RETURN_TEXT_P(cstring_to_text(state));
}
