/*
 * shipment.c
 *	  Parcels: planned, packed, booked with a courier, handed over.
 *
 * Every call takes the order's lock, then the parcel's row, then stock rows
 * in key order (stock.h).  A bulk call takes all order locks by order_id
 * and all stock rows in key order before it begins, so that two bulk calls
 * wait for each other instead of deadlocking.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "fmgr.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/guc.h"

#include "allocation.h"
#include "core_rows.h"
#include "shipment.h"
#include "stock.h"

#define RANK_PICKED_UP 30

OmsReturnHooks oms_return_hooks;
void		(*oms_shipment_moves) (const OmsShipment *s, bool leaves, TimestampTz at) = NULL;
void		(*oms_shipments_ahead) (int32 company_id, Datum ids, TimestampTz at) = NULL;
int			oms_max_attempts = 3;
extern char *oms_label_font;

static void hand_over_checked(int32 company_id, int64 shipment_id,
							  TimestampTz at, OmsDispatched *out);
static void write_manifests(OmsDispatched *handed, int n);
static void lock_ahead(int32 company_id, Datum ids, TimestampTz at);

void
oms_shipment_init(void)
{
	DefineCustomIntVariable("oms.max_attempts",
							"Failed delivery attempts after which only RTO is offered.",
							NULL, &oms_max_attempts, 3, 1, 20,
							PGC_USERSET, 0, NULL, NULL, NULL);
	DefineCustomStringVariable("oms.label_font",
							   "TrueType font embedded in labels.",
							   "A file on the server; where it does not exist labels use Helvetica and Rs. for the rupee sign.",
							   &oms_label_font,
							   "/usr/share/fonts/truetype/dejavu/DejaVuSans.ttf",
							   PGC_SUSET, 0, NULL, NULL, NULL);
}

static OmsPlan plan_plan = {
	"INSERT INTO oms.shipment (company_id, order_id, return_id, direction, node_id, courier_service_id,"
	" cod_amount, declared_value, dead_g, volume_cm3, charge_g, zone, freight, cod_fee, courier_gst,"
	" rto_freight, expected_cost, promised_at, shipment_id)"
	" VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19)",
	19, {INT4OID, INT8OID, INT8OID, TEXTOID, INT4OID, INT4OID, NUMERICOID, NUMERICOID,
		INT4OID, INT4OID, INT4OID, TEXTOID, NUMERICOID, NUMERICOID,
	NUMERICOID, NUMERICOID, NUMERICOID, TIMESTAMPTZOID, INT8OID}, NULL
};

int64
oms_shipment_plan(const OmsShipmentPlan *plan)
{
	const OmsCourierQuote *q = plan->quote;
	Datum		values[19];
	char		nulls[20] = "                   ";
	int64		shipment_id;

	values[0] = Int32GetDatum(plan->company_id);
	values[1] = Int64GetDatum(plan->order_id);
	values[2] = Int64GetDatum(plan->return_id);
	values[3] = oms_text(plan->return_id == 0 ? "forward" : "reverse");
	values[4] = Int32GetDatum(plan->node_id);
	values[6] = oms_paise_numeric(plan->cod_amount);
	values[7] = oms_paise_numeric(plan->declared_value);
	values[8] = Int32GetDatum(plan->dead_g);
	values[9] = Int32GetDatum(plan->volume_cm3);
	values[17] = TimestampTzGetDatum(plan->promised_at);
	if (plan->return_id == 0)
		nulls[2] = 'n';
	if (plan->promised_at == 0)
		nulls[17] = 'n';
	if (q)
	{
		values[5] = Int32GetDatum(q->courier_service_id);
		values[10] = Int32GetDatum(q->charge_g);
		values[11] = oms_text(q->zone);
		values[12] = oms_paise_numeric(q->freight);
		values[13] = oms_paise_numeric(q->cod_fee);
		values[14] = oms_paise_numeric(q->gst);
		values[15] = oms_paise_numeric(q->rto_freight);
		values[16] = oms_paise_numeric(q->expected_cost);
		if (q->zone == NULL)
			nulls[11] = 'n';
	}
	else
	{
		nulls[5] = 'n';
		memset(nulls + 10, 'n', 7);
	}
	oms_spi_connect();
	shipment_id = oms_next("shipment_shipment_id_seq");
	values[18] = Int64GetDatum(shipment_id);
	oms_insert(&plan_plan, values, nulls);
	oms_spi_finish();
	return shipment_id;
}

static OmsPlan order_of_plan = {
	"SELECT order_id FROM oms.shipment WHERE company_id = $1 AND shipment_id = $2",
	2, {INT4OID, INT8OID}, NULL
};
static OmsPlan lock_plan = {
	"SELECT s.order_id, s.return_id, s.direction = 'reverse', s.node_id, s.courier_service_id, v.courier_id,"
	" c.code, v.code, s.awb, s.state, t.rank, t.terminal, t.rto, s.cod_amount, s.declared_value, s.dead_g,"
	" s.volume_cm3, s.attempts, s.shipped_at, s.delivered_at, o.ship_state_code"
	" FROM oms.shipment s"
	" JOIN oms.shipment_state t ON t.state = s.state"
	" JOIN oms.\"order\" o ON o.company_id = s.company_id AND o.order_id = s.order_id"
	" LEFT JOIN oms.courier_service v ON v.courier_service_id = s.courier_service_id"
	" LEFT JOIN oms.courier c ON c.courier_id = v.courier_id"
	" WHERE s.company_id = $1 AND s.shipment_id = $2 FOR NO KEY UPDATE OF s",
	2, {INT4OID, INT8OID}, NULL
};

void
oms_shipment_lock(int32 company_id, int64 shipment_id, OmsShipment *s)
{
	Datum		values[2] = {Int32GetDatum(company_id), Int64GetDatum(shipment_id)};

	oms_order_lock_of(&order_of_plan, company_id, shipment_id, "shipment",
					  "The parcels of an order are the rows of oms.shipment with its order_id.");
	if (oms_exec(&lock_plan, values, NULL, false, 1) == 0)
		elog(ERROR, "shipment " INT64_FORMAT " or its order vanished", shipment_id);
	memset(s, 0, sizeof(*s));
	s->company_id = company_id;
	s->shipment_id = shipment_id;
	s->order_id = oms_int8(0, 1);
	s->return_id = oms_int8(0, 2);
	s->reverse = oms_bool(0, 3);
	s->node_id = oms_int4(0, 4);
	s->courier_service_id = oms_int4(0, 5);
	s->courier_id = oms_int4(0, 6);
	s->courier = oms_cstr(0, 7);
	s->service = oms_cstr(0, 8);
	s->awb = oms_cstr(0, 9);
	s->state = oms_cstr(0, 10);
	s->rank = oms_int4(0, 11);
	s->terminal = oms_bool(0, 12);
	s->rto = oms_bool(0, 13);
	s->cod_amount = oms_paise(0, 14);
	s->declared_value = oms_paise(0, 15);
	s->dead_g = oms_int4(0, 16);
	s->volume_cm3 = oms_int4(0, 17);
	s->attempts = oms_int4(0, 18);
	s->shipped_at = oms_time(0, 19);
	s->delivered_at = oms_time(0, 20);
	s->region = oms_cstr(0, 21);
}

int32
oms_company_arg(FunctionCallInfo fcinfo, int argno)
{
	oms_require_installed();
	return oms_company_id(PG_ARGISNULL(argno) ? NULL :
						  text_to_cstring(PG_GETARG_TEXT_PP(argno)));
}

/* A moment; the transaction's where NULL. */
static TimestampTz
time_arg(FunctionCallInfo fcinfo, int argno)
{
	return PG_ARGISNULL(argno) ? GetCurrentTransactionStartTimestamp() :
		PG_GETARG_TIMESTAMPTZ(argno);
}

static void
refuse_reverse(const OmsShipment *s)
{
	if (s->reverse)
		ereport(ERROR,
				(errcode(ERRCODE_OMS_STATUS_MOVE),
				 errmsg("shipment " INT64_FORMAT " is a pickup from a customer", s->shipment_id),
				 errhint("Its goods come in by oms.receive_return().")));
}

void
oms_shipment_refuse_ended(const OmsShipment *s, const char *verb)
{
	if (s->terminal)
		ereport(ERROR,
				(errcode(ERRCODE_OMS_STATUS_MOVE),
				 errmsg("shipment " INT64_FORMAT " in state \"%s\" cannot be %s",
						s->shipment_id, s->state, verb)));
}

/*
 * Packing
 */
static OmsPlan contents_plan = {
	"SELECT allocation_id, status FROM oms.allocation"
	" WHERE company_id = $1 AND shipment_id = $2 AND status <> 'cancelled'"
	" ORDER BY node_id, sku_id, allocation_id",
	2, {INT4OID, INT8OID}, NULL
};

static bool
before_packed(const char *status)
{
	return strcmp(status, "planned") == 0 || strcmp(status, "backordered") == 0 ||
		strcmp(status, "reserved") == 0 || strcmp(status, "released") == 0 ||
		strcmp(status, "picked") == 0;
}

/* Packs what is not packed yet; -1 when the parcel holds nothing. */
static int
pack_contents(const OmsShipment *s)
{
	Datum		values[2] = {Int32GetDatum(s->company_id), Int64GetDatum(s->shipment_id)};
	uint64		n = oms_exec(&contents_plan, values, NULL, false, 0);
	int64	   *todo = palloc(sizeof(int64) * Max(n, 1));
	int			ntodo = 0;

	if (n == 0)
		return -1;
	for (uint64 i = 0; i < n; i++)
		if (before_packed(oms_cstr(i, 2)))
			todo[ntodo++] = oms_int8(i, 1);
	for (int i = 0; i < ntodo; i++)
		oms_allocation_move(s->company_id, todo[i], "packed");
	if (ntodo > 0)
	{
		OmsJson		j;

		oms_json_begin(&j);
		oms_json_int(&j, "order_id", s->order_id);
		oms_json_int(&j, "allocations", ntodo);
		oms_event(s->company_id, "shipment", s->shipment_id,
				  "shipment.packed", oms_json_end(&j));
	}
	return ntodo;
}

static int
pack(const OmsShipment *s)
{
	int			packed;

	refuse_reverse(s);
	if (s->shipped_at != 0)
		return 0;
	oms_shipment_refuse_ended(s, "packed");
	oms_order_check_holds(s->company_id, s->order_id);
	packed = pack_contents(s);
	if (packed < 0)
		ereport(ERROR,
				(errcode(ERRCODE_OMS_STATUS_MOVE),
				 errmsg("shipment " INT64_FORMAT " has nothing in it", s->shipment_id),
				 errdetail("All its allocations are cancelled.")));
	if (packed > 0 && oms_shipment_moves)
		oms_shipment_moves(s, false, GetCurrentTransactionStartTimestamp());
	return packed;
}

PG_FUNCTION_INFO_V1(oms_pack_shipment);

Datum
oms_pack_shipment(PG_FUNCTION_ARGS)
{
	int32		company_id = oms_company_arg(fcinfo, 1);
	OmsShipment s;
	int			packed;

	oms_spi_connect();
	oms_shipment_lock(company_id, oms_id_arg(fcinfo, 0, "shipment_id"), &s);
	packed = pack(&s);
	oms_order_refresh(company_id, s.order_id);
	oms_spi_finish();
	PG_RETURN_INT32(packed);
}

/*
 * Hand-over
 */
static OmsPlan handed_plan = {
	"UPDATE oms.shipment s SET shipped_at = $3, state = CASE WHEN t.rank < $4 THEN 'PICKED_UP' ELSE s.state END"
	" FROM oms.shipment_state t WHERE t.state = s.state AND s.company_id = $1 AND s.shipment_id = $2"
	" RETURNING s.state",
	4, {INT4OID, INT8OID, TIMESTAMPTZOID, INT4OID}, NULL
};

int
oms_shipment_move_allocations(const OmsShipment *s, const char *to)
{
	Datum		values[2] = {Int32GetDatum(s->company_id), Int64GetDatum(s->shipment_id)};
	uint64		n = oms_exec(&contents_plan, values, NULL, false, 0);
	int64	   *ids = palloc(sizeof(int64) * Max(n, 1));
	int			moved = 0;

	for (uint64 i = 0; i < n; i++)
		if (strcmp(oms_cstr(i, 2), to) != 0)
			ids[moved++] = oms_int8(i, 1);
	for (int i = 0; i < moved; i++)
		oms_allocation_move(s->company_id, ids[i], to);
	return moved;
}

void
oms_shipment_hand_over(OmsShipment *s, TimestampTz at)
{
	Datum		values[4] = {
		Int32GetDatum(s->company_id), Int64GetDatum(s->shipment_id),
		TimestampTzGetDatum(at), Int32GetDatum(RANK_PICKED_UP)
	};
	uint64		n;
	int64	   *ids;
	OmsJson		j;

	pack_contents(s);
	oms_shipment_move_allocations(s, "shipped");
	n = oms_exec(&contents_plan, values, NULL, false, 0);
	ids = palloc(sizeof(int64) * Max(n, 1));
	for (uint64 i = 0; i < n; i++)
		ids[i] = oms_int8(i, 1);
	oms_stock_lock_allocations(s->company_id, ids, (int) n);
	for (uint64 i = 0; i < n; i++)
		oms_stock_dispatch(s->company_id, ids[i],
						   psprintf("shipment " INT64_FORMAT, s->shipment_id));
	oms_exec(&handed_plan, values, NULL, false, 0);
	s->state = oms_cstr(0, 1);
	s->rank = Max(s->rank, RANK_PICKED_UP);
	s->shipped_at = at;
	oms_json_begin(&j);
	oms_json_int(&j, "order_id", s->order_id);
	oms_json_int(&j, "node_id", s->node_id);
	oms_json_str(&j, "service", s->service);
	oms_json_str(&j, "awb", s->awb);
	oms_event(s->company_id, "shipment", s->shipment_id,
			  "shipment.dispatched", oms_json_end(&j));
	oms_order_refresh(s->company_id, s->order_id);
}

typedef struct Moved
{
	const OmsShipment *s;
	TimestampTz at;
} Moved;

static void
try_moved(void *arg)
{
	Moved	   *m = arg;

	oms_spi_connect();
	oms_shipment_moves(m->s, true, m->at);
	oms_spi_finish();
}

void
oms_shipment_moved(const OmsShipment *s, TimestampTz at)
{
	Moved		m = {s, at};
	ErrorData  *err;
	OmsJson		j;

	if (oms_shipment_moves == NULL || oms_try(try_moved, &m, &err))
		return;
	oms_json_begin(&j);
	oms_json_int(&j, "order_id", s->order_id);
	oms_json_str(&j, "error", psprintf("%s: %s", unpack_sql_state(err->sqlerrcode), err->message));
	oms_json_str(&j, "detail", err->detail);
	oms_event(s->company_id, "shipment", s->shipment_id, "invoice.failed",
			  oms_json_end(&j));
	FreeErrorData(err);
}

/* Where we count, no more leaves than is there by the count. */
static OmsPlan uncounted_plan = {
	"SELECT n.code, k.code, s.on_hand, h.qty FROM"
	" (SELECT r.node_id, r.sku_id, sum(r.qty) AS qty FROM oms.allocation a"
	"   JOIN oms.reservation r ON r.company_id = a.company_id AND r.allocation_id = a.allocation_id AND r.state = 'open'"
	"   WHERE a.company_id = $1 AND a.shipment_id = $2 AND a.status <> 'cancelled' GROUP BY 1, 2) h"
	" JOIN oms.stock s ON s.company_id = $1 AND s.node_id = h.node_id AND s.sku_id = h.sku_id"
	" JOIN oms.node n ON n.node_id = h.node_id AND n.stock_from <> 'erp' JOIN oms.sku k ON k.sku_id = h.sku_id"
	" WHERE s.on_hand < h.qty ORDER BY h.node_id, h.sku_id LIMIT 1",
	2, {INT4OID, INT8OID}, NULL
};
static OmsPlan ids_plan = {
	"SELECT allocation_id FROM oms.allocation WHERE company_id = $1 AND shipment_id = $2 AND status <> 'cancelled'",
	2, {INT4OID, INT8OID}, NULL
};

static void
check_counted(const OmsShipment *s)
{
	Datum		values[2] = {Int32GetDatum(s->company_id), Int64GetDatum(s->shipment_id)};
	int			n = (int) oms_exec(&ids_plan, values, NULL, false, 0);
	int64	   *ids = palloc(sizeof(int64) * (n + 1));

	for (int i = 0; i < n; i++)
		ids[i] = oms_int8(i, 1);
	oms_stock_lock_allocations(s->company_id, ids, n);
	if (oms_exec(&uncounted_plan, values, NULL, false, 1) > 0)
		ereport(ERROR,
				(errcode(ERRCODE_OMS_OUT_OF_STOCK),
				 errmsg("more would leave node \"%s\" than is counted there", oms_cstr(0, 1)),
				 errdetail("%s: %s in the parcel, %s counted.", oms_cstr(0, 2), oms_cstr(0, 4), oms_cstr(0, 3)),
				 errhint("Correct the count with oms.adjust_stock(), or say what was not found with oms.short_ship().")));
}

/* Strings of "out" are copied into the context current at the call. */
static void
hand_over_checked(int32 company_id, int64 shipment_id, TimestampTz at,
				  OmsDispatched *out)
{
	MemoryContext caller = CurrentMemoryContext;
	OmsShipment s;

	oms_spi_connect();
	oms_shipment_lock(company_id, shipment_id, &s);
	refuse_reverse(&s);
	out->fresh = s.shipped_at == 0;
	if (out->fresh)
	{
		oms_shipment_refuse_ended(&s, "handed over");
		pack(&s);
		check_counted(&s);
		if (oms_shipment_moves)
			oms_shipment_moves(&s, true, at);
		oms_shipment_book(&s, true, true);
		oms_shipment_hand_over(&s, at);
	}
	out->shipment_id = shipment_id;
	out->company_id = company_id;
	out->node_id = s.node_id;
	out->courier_id = s.courier_id;
	out->courier = oms_strdup(caller, s.courier);
	out->awb = oms_strdup(caller, s.awb);
	out->state = oms_strdup(caller, s.state);
	oms_spi_finish();
}

PG_FUNCTION_INFO_V1(oms_dispatch_shipment);

Datum
oms_dispatch_shipment(PG_FUNCTION_ARGS)
{
	OmsDispatched h;
	OmsJson		j;

	oms_shipment_dispatch(oms_company_arg(fcinfo, 1), oms_id_arg(fcinfo, 0, "shipment_id"),
						  time_arg(fcinfo, 2), &h);
	oms_json_begin(&j);
	oms_json_int(&j, "shipment_id", h.shipment_id);
	oms_json_str(&j, "courier", h.courier);
	oms_json_str(&j, "awb", h.awb);
	oms_json_str(&j, "state", h.state);
	oms_json_bool(&j, "duplicate", !h.fresh);
	PG_RETURN_JSONB_P(oms_json_end(&j));
}

void
oms_shipment_dispatch(int32 company_id, int64 shipment_id, TimestampTz at,
					  OmsDispatched *out)
{
	OmsDispatched copy;

	hand_over_checked(company_id, shipment_id, at, out);
	copy = *out;
	write_manifests(&copy, 1);
}

static OmsPlan manifest_plan = {
	"INSERT INTO oms.manifest (company_id, node_id, courier_id, shipments) VALUES ($1, $2, $3, $4)",
	4, {INT4OID, INT4OID, INT4OID, INT8ARRAYOID}, NULL
};

/* One manifest for each (node, courier) of what was handed over just now. */
static void
write_manifests(OmsDispatched *handed, int n)
{
	int64	   *ids = palloc(sizeof(int64) * Max(n, 1));

	oms_spi_connect();
	for (int i = 0; i < n; i++)
	{
		int			count = 0;
		Datum		values[4];

		if (!handed[i].fresh)
			continue;
		for (int k = i; k < n; k++)
			if (handed[k].fresh && handed[k].node_id == handed[i].node_id &&
				handed[k].courier_id == handed[i].courier_id)
			{
				ids[count++] = handed[k].shipment_id;
				if (k > i)
					handed[k].fresh = false;
			}
		values[0] = Int32GetDatum(handed[i].company_id);
		values[1] = Int32GetDatum(handed[i].node_id);
		values[2] = Int32GetDatum(handed[i].courier_id);
		values[3] = oms_int8_array(ids, count);
		oms_exec(&manifest_plan, values, NULL, false, 0);
	}
	oms_spi_finish();
}

static OmsPlan lock_orders_plan = {
	"SELECT 1 FROM oms.\"order\" o WHERE o.company_id = $1 AND o.order_id IN"
	" (SELECT s.order_id FROM oms.shipment s WHERE s.company_id = $1 AND s.shipment_id = ANY ($2))"
	" ORDER BY o.order_id FOR NO KEY UPDATE",
	2, {INT4OID, INT8ARRAYOID}, NULL
};
static OmsPlan lock_stock_plan = {
	"SELECT 1 FROM oms.stock k WHERE k.company_id = $1 AND (k.node_id, k.sku_id) IN"
	" (SELECT r.node_id, r.sku_id FROM oms.reservation r JOIN oms.allocation a"
	"   ON a.company_id = r.company_id AND a.allocation_id = r.allocation_id"
	"  WHERE a.company_id = $1 AND a.shipment_id = ANY ($2) AND r.state = 'open')"
	" ORDER BY k.node_id, k.sku_id FOR NO KEY UPDATE",
	2, {INT4OID, INT8ARRAYOID}, NULL
};

static void
lock_ahead(int32 company_id, Datum ids, TimestampTz at)
{
	Datum		values[2] = {Int32GetDatum(company_id), ids};

	oms_spi_connect();
	oms_exec(&lock_orders_plan, values, NULL, false, 0);
	oms_exec(&lock_stock_plan, values, NULL, false, 0);
	if (oms_shipments_ahead)
		oms_shipments_ahead(company_id, ids, at);
	oms_spi_finish();
}

typedef struct BulkItem
{
	int32		company_id;
	int64		shipment_id;
	TimestampTz at;
	OmsDispatched	   *out;
} BulkItem;

static void
bulk_hand_over(void *arg)
{
	BulkItem   *item = arg;

	hand_over_checked(item->company_id, item->shipment_id, item->at,
					  item->out);
}

PG_FUNCTION_INFO_V1(oms_dispatch_shipments);

/*
 * Each parcel in a subtransaction of its own: the good go, the bad report; or,
 * not "partial", all or none.
 */
Datum
oms_dispatch_shipments(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
	int32		company_id = oms_company_arg(fcinfo, 1);
	Datum	   *ids;
	bool	   *nulls;
	bool		partial = PG_ARGISNULL(3) || PG_GETARG_BOOL(3);
	int			n;
	int			done = 0;
	OmsDispatched	   *handed;

	InitMaterializedSRF(fcinfo, 0);
	if (PG_ARGISNULL(0))
		return (Datum) 0;
	deconstruct_array(PG_GETARG_ARRAYTYPE_P(0), INT8OID, 8, FLOAT8PASSBYVAL,
					  TYPALIGN_DOUBLE, &ids, &nulls, &n);
	lock_ahead(company_id, PG_GETARG_DATUM(0), time_arg(fcinfo, 2));
	handed = palloc0(sizeof(OmsDispatched) * Max(n, 1));
	for (int i = 0; i < n; i++)
	{
		BulkItem	item;
		ErrorData  *err;
		Datum		row[4] = {ids[i], BoolGetDatum(true)};
		bool		rownulls[4] = {false, false, false, true};

		CHECK_FOR_INTERRUPTS();
		if (nulls[i])
			continue;
		item.company_id = company_id;
		item.shipment_id = DatumGetInt64(ids[i]);
		item.at = time_arg(fcinfo, 2);
		item.out = &handed[done];
		if (oms_try(bulk_hand_over, &item, &err))
			row[2] = oms_text(handed[done++].awb);
		else if (!partial)
			ReThrowError(err);	/* and none goes */
		else
		{
			row[1] = BoolGetDatum(false);
			rownulls[2] = true;
			row[3] = oms_text(err->detail ?
							  psprintf("%s: %s (%s)", unpack_sql_state(err->sqlerrcode),
									   err->message, err->detail) :
							  psprintf("%s: %s", unpack_sql_state(err->sqlerrcode),
									   err->message));
			rownulls[3] = false;
			FreeErrorData(err);
			memset(&handed[done], 0, sizeof(OmsDispatched));
		}
		tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, row, rownulls);
	}
	write_manifests(handed, done);
	return (Datum) 0;
}
