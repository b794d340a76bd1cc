/*
 * parcel_split.c
 *	  Parcels handed over in part, and parcels cancelled: their goods are
 *	  planned anew.
 */
#include "postgres.h"

#include "access/xact.h"
#include "catalog/pg_type.h"
#include "fmgr.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

#include "allocation.h"
#include "node_slot.h"
#include "orders.h"
#include "shipment.h"
#include "stock.h"

/* An allocation of the parcel; how much of it goes now. */
typedef struct Going
{
	int64		allocation_id;
	int32		line_no;
	int64		qty;			/* milli */
	int64		now;			/* milli */
} Going;

static OmsPlan contents_plan = {
	"SELECT a.allocation_id, a.line_no, a.qty, EXISTS (SELECT FROM oms.kit_component t WHERE t.company_id = $1 AND t.kit_sku_id = a.sku_id)"
	" FROM oms.allocation a WHERE a.company_id = $1 AND a.shipment_id = $2 AND a.status <> 'cancelled'"
	" ORDER BY a.line_no, a.allocation_id",
	2, {INT4OID, INT8OID}, NULL
};
static OmsPlan asks_plan = {
	"SELECT CASE WHEN jsonb_typeof(e->'line_no') = 'number' AND (e->>'line_no')::numeric BETWEEN 1 AND 1000000"
	"  AND (e->>'line_no')::numeric % 1 = 0 THEN (e->>'line_no')::numeric::integer END,"
	" CASE WHEN jsonb_typeof(e->'qty') = 'number' AND (e->>'qty')::numeric BETWEEN 0.001 AND 99999999"
	"  AND (e->>'qty')::numeric * 1000 % 1 = 0 THEN (e->>'qty')::numeric END,"
	" (SELECT min(k) FROM jsonb_object_keys(CASE WHEN jsonb_typeof(e) = 'object' THEN e ELSE '{}' END) k"
	"  WHERE k NOT IN ('line_no', 'qty'))"
	" FROM jsonb_array_elements($1) WITH ORDINALITY AS l (e, i) ORDER BY i",
	1, {JSONBOID}, NULL
};
static OmsPlan ships_complete_plan = {
	"SELECT NOT c.allow_split FROM oms.\"order\" o JOIN oms.channel c ON c.channel_id = o.channel_id"
	" WHERE o.company_id = $1 AND o.order_id = $2",
	2, {INT4OID, INT8OID}, NULL
};

static void
invalid(const char *field, const char *what)
{
	ereport(ERROR,
			(errcode(ERRCODE_OMS_INVALID_DOCUMENT),
			 errmsg("field \"%s\" of what is handed over %s", field, what),
			 errdetail("Field %s.", field),
			 errhint("Lines are an array of {line_no, qty}.")));
}

/* What of the parcel goes: lines asked for twice add up. */
static int
read_going(const OmsShipment *s, Jsonb *lines, Going **going)
{
	Datum		values[2] = {Int32GetDatum(s->company_id), Int64GetDatum(s->shipment_id)};
	int			n = (int) oms_exec(&contents_plan, values, NULL, false, 0);
	Going	   *g = palloc0(sizeof(Going) * (n + 1));
	bool	   *kit = palloc0(sizeof(bool) * (n + 1));
	int			nasks;

	for (int i = 0; i < n; i++)
	{
		g[i].allocation_id = oms_int8(i, 1);
		g[i].line_no = oms_int4(i, 2);
		g[i].qty = oms_milli(i, 3);
		kit[i] = oms_bool(i, 4);
	}
	*going = g;
	if (lines == NULL || !JB_ROOT_IS_ARRAY(lines) || JB_ROOT_IS_SCALAR(lines))
		invalid("lines", "must be an array");
	values[0] = JsonbPGetDatum(lines);
	nasks = (int) oms_exec(&asks_plan, values, NULL, false, 0);
	if (nasks == 0)
		invalid("lines", "is empty");
	for (int k = 0; k < nasks; k++)
	{
		int64		left = oms_milli(k, 2);

		if (!oms_isnull(k, 3))
			invalid(psprintf("lines[%d].%s", k, oms_cstr(k, 3)), "is not known");
		if (oms_isnull(k, 1))
			invalid(psprintf("lines[%d].line_no", k), "must be a line number");
		if (oms_isnull(k, 2))
			invalid(psprintf("lines[%d].qty", k), "must be a quantity above zero with at most three decimals");
		for (int i = 0; i < n; i++)
		{
			int64		more = Min(left, g[i].qty - g[i].now);

			if (g[i].line_no != oms_int4(k, 1))
				continue;
			if (kit[i] && left % 1000 != 0)
				invalid(psprintf("lines[%d].qty", k), "must be whole kits");
			g[i].now += more;
			left -= more;
		}
		if (left > 0)
			ereport(ERROR,
					(errcode(ERRCODE_OMS_INVALID_DOCUMENT),
					 errmsg("shipment " INT64_FORMAT " has less of line %d than is handed over",
							s->shipment_id, oms_int4(k, 1)),
					 errdetail("Field lines[%d].qty: %s too many.", k,
							   DatumGetCString(DirectFunctionCall1(numeric_out, oms_milli_numeric(left)))),
					 errhint("What a parcel holds are the rows of oms.allocation with its shipment_id.")));
	}
	return n;
}

static OmsPlan move_plan = {
	"UPDATE oms.allocation SET shipment_id = $3 WHERE company_id = $1 AND allocation_id = ANY ($2)",
	3, {INT4OID, INT8ARRAYOID, INT8OID}, NULL
};
static OmsPlan promise_plan = {
	"SELECT max(promised_at) FROM oms.allocation WHERE company_id = $1 AND shipment_id = $2 AND status <> 'cancelled'",
	2, {INT4OID, INT8OID}, NULL
};

/* What stays behind gets a parcel of its own from the same node. */
static int64
leave_behind(OmsShipment *s, Going *g, int n)
{
	Datum		values[3] = {Int32GetDatum(s->company_id), Int64GetDatum(s->shipment_id)};
	OmsShipmentPlan sp = {0};
	OmsShipment before = *s;
	int64	   *ids = palloc(sizeof(int64) * (n + 1));
	int64	   *all = palloc(sizeof(int64) * (n + 1));
	int			nids = 0;
	int64		rest_id;
	OmsJson		j;

	for (int i = 0; i < n; i++)
		all[i] = g[i].allocation_id;
	oms_stock_lock_allocations(s->company_id, all, n);
	for (int i = 0; i < n; i++)
	{
		int64		rest = g[i].qty - g[i].now;

		if (rest == 0)
			continue;
		ids[nids] = g[i].allocation_id;
		if (g[i].now > 0)
		{
			ids[nids] = oms_allocation_split(s->company_id, g[i].allocation_id, rest);
			oms_allocation_split_hold(s->company_id, g[i].allocation_id,
									  ids[nids], rest, g[i].qty);
		}
		nids++;
	}
	oms_exec(&promise_plan, values, NULL, false, 1);
	sp.promised_at = oms_time(0, 1);
	sp.company_id = s->company_id;
	sp.order_id = s->order_id;
	sp.node_id = s->node_id;
	sp.dead_g = sp.volume_cm3 = 1;
	rest_id = oms_shipment_plan(&sp);
	values[1] = oms_int8_array(ids, nids);
	values[2] = Int64GetDatum(rest_id);
	oms_exec(&move_plan, values, NULL, false, 0);
	oms_slots_follow(s->company_id, s->order_id, s->shipment_id, rest_id);
	oms_shipment_taken_out(s->company_id, s->shipment_id);
	oms_shipment_lock(s->company_id, s->shipment_id, s);
	oms_shipment_put_in(s->company_id, rest_id, before.cod_amount - s->cod_amount);
	oms_shipment_balance_cash(s->company_id, s->order_id);
	oms_json_begin(&j);
	oms_json_int(&j, "order_id", s->order_id);
	oms_json_int(&j, "rest", rest_id);
	oms_event(s->company_id, "shipment", s->shipment_id, "shipment.split",
			  oms_json_end(&j));
	return rest_id;
}

static OmsPlan rest_of_plan = {
	"SELECT (payload ->> 'rest')::int8 FROM oms.event WHERE company_id = $1 AND topic = 'shipment' AND subject_id = $2"
	" AND type = 'shipment.split' ORDER BY event_id DESC LIMIT 1",
	2, {INT4OID, INT8OID}, NULL
};

PG_FUNCTION_INFO_V1(oms_dispatch_part);

/* oms.dispatch_part(shipment_id, lines, company, at) returns jsonb */
Datum
oms_dispatch_part(PG_FUNCTION_ARGS)
{
	int32		company_id = oms_company_arg(fcinfo, 2);
	int64		shipment_id = oms_id_arg(fcinfo, 0, "shipment_id");
	Jsonb	   *lines = PG_ARGISNULL(1) ? NULL : PG_GETARG_JSONB_P(1);
	TimestampTz at = PG_ARGISNULL(3) ? GetCurrentTransactionStartTimestamp() :
	PG_GETARG_TIMESTAMPTZ(3);
	Datum		values[2] = {Int32GetDatum(company_id)};
	OmsShipment s;
	OmsDispatched done;
	Going	   *going;
	int64		rest_id = 0;
	int64		rest = 0;
	int			n;
	OmsJson		j;

	oms_spi_connect();
	oms_shipment_lock(company_id, shipment_id, &s);
	values[1] = Int64GetDatum(s.order_id);
	if (s.shipped_at != 0)
	{
		values[1] = Int64GetDatum(shipment_id);
		if (oms_exec(&rest_of_plan, values, NULL, false, 1) > 0)
			rest_id = oms_int8(0, 1);
	}
	else if (!s.reverse && !s.terminal)
	{
		n = read_going(&s, lines, &going);
		for (int i = 0; i < n; i++)
			rest += going[i].qty - going[i].now;
		oms_exec(&ships_complete_plan, values, NULL, false, 1);
		if (rest > 0 && oms_bool(0, 1))
			ereport(ERROR,
					(errcode(ERRCODE_OMS_STATUS_MOVE),
					 errmsg("order " INT64_FORMAT " is sent complete", s.order_id),
					 errdetail("Its channel does not split orders (oms.channel.allow_split)."),
					 errhint("Hand over the whole parcel, or cancel what is missing.")));
		if (rest > 0)
			rest_id = leave_behind(&s, going, n);
	}
	oms_spi_finish();
	oms_shipment_dispatch(company_id, shipment_id, at, &done);
	oms_json_begin(&j);
	oms_json_int(&j, "shipment_id", shipment_id);
	oms_json_str(&j, "courier", done.courier);
	oms_json_str(&j, "awb", done.awb);
	oms_json_str(&j, "state", done.state);
	oms_json_bool(&j, "duplicate", !done.fresh);
	if (rest_id)
		oms_json_int(&j, "rest", rest_id);
	else
		oms_json_str(&j, "rest", NULL);
	PG_RETURN_JSONB_P(oms_json_end(&j));
}

/*
 * Cancelling a parcel
 */
static OmsPlan scanned_plan = {
	"SELECT 1 FROM oms.scan WHERE company_id = $1 AND shipment_id = $2",
	2, {INT4OID, INT8OID}, NULL
};
static OmsPlan unship_plan = {
	"UPDATE oms.shipment SET shipped_at = NULL, state = CASE WHEN awb IS NULL THEN 'PLANNED' ELSE 'BOOKED' END"
	" WHERE company_id = $1 AND shipment_id = $2",
	2, {INT4OID, INT8OID}, NULL
};
static OmsPlan status_plan = {
	"SELECT status FROM oms.allocation WHERE company_id = $1 AND allocation_id = $2",
	2, {INT4OID, INT8OID}, NULL
};

/* Handed over, but the courier has not reported it: as if it had not been. */
static void
recall(OmsShipment *s, const int64 *ids, int n)
{
	Datum		values[2] = {Int32GetDatum(s->company_id), Int64GetDatum(s->shipment_id)};

	if (strcmp(s->state, "PICKED_UP") != 0 ||
		oms_exec(&scanned_plan, values, NULL, false, 1) > 0)
		ereport(ERROR,
				(errcode(ERRCODE_OMS_STATUS_MOVE),
				 errmsg("shipment " INT64_FORMAT " is on its way", s->shipment_id),
				 errdetail("It is \"%s\", and the courier has it.", s->state),
				 errhint("Ask the courier to bring it back: oms.ndr_action() with RTO after a failed attempt, or a return.")));
	if (!oms_stock_recall(s->company_id, ids, n,
						  psprintf("shipment " INT64_FORMAT " recalled", s->shipment_id)))
		ereport(ERROR,
				(errcode(ERRCODE_OMS_STATUS_MOVE),
				 errmsg("shipment " INT64_FORMAT " is booked out in the ERP", s->shipment_id),
				 errdetail("The ERP was told that its goods left."),
				 errhint("Take them in again as a return.")));
	oms_exec(&unship_plan, values, NULL, false, 0);
	s->shipped_at = 0;
}

static int
cancel_shipment(OmsShipment *s, const char *reason, TimestampTz at)
{
	Datum		values[2] = {Int32GetDatum(s->company_id), Int64GetDatum(s->shipment_id)};
	int			n = (int) oms_exec(&contents_plan, values, NULL, false, 0);
	int64	   *ids = palloc(sizeof(int64) * (n + 1));
	bool		recalled = s->shipped_at != 0;
	OmsReplan	r = {0};
	OmsJson		j;

	for (int i = 0; i < n; i++)
		ids[i] = oms_int8(i, 1);
	if (recalled)
		recall(s, ids, n);
	for (int i = 0; i < n; i++)
	{
		values[1] = Int64GetDatum(ids[i]);
		oms_exec(&status_plan, values, NULL, false, 1);
		if (strcmp(oms_cstr(0, 1), "reserved") != 0)
			oms_allocation_move(s->company_id, ids[i], "reserved");
		oms_allocation_move(s->company_id, ids[i], "backordered");
	}
	r.company_id = s->company_id;
	r.order_id = s->order_id;
	r.at = at;
	r.ids = ids;
	r.nids = n;
	r.keep = true;
	if (n > 0)
	{
		oms_order_lock_ahead(&r, ids, n);
		oms_order_unplace(s->company_id, ids, n);
		oms_order_replan(&r);
	}
	else
		oms_shipment_taken_out(s->company_id, s->shipment_id);
	oms_shipment_balance_cash(s->company_id, s->order_id);
	oms_json_begin(&j);
	oms_json_int(&j, "shipment_id", s->shipment_id);
	oms_json_int(&j, "allocations", n);
	oms_json_bool(&j, "recalled", recalled);
	oms_json_str(&j, "reason", reason);
	oms_event(s->company_id, "order", s->order_id, "order.fulfilment_cancelled",
			  oms_json_end(&j));
	return n;
}

static OmsPlan after_plan = {
	"SELECT o.status, (SELECT count(*) FROM oms.allocation a WHERE a.company_id = $1 AND a.order_id = $2 AND a.status = 'backordered')"
	" FROM oms.\"order\" o WHERE o.company_id = $1 AND o.order_id = $2",
	2, {INT4OID, INT8OID}, NULL
};

PG_FUNCTION_INFO_V1(oms_cancel_shipment);

/* oms.cancel_shipment(shipment_id, reason, company, at) returns jsonb */
Datum
oms_cancel_shipment(PG_FUNCTION_ARGS)
{
	int32		company_id = oms_company_arg(fcinfo, 2);
	int64		shipment_id = oms_id_arg(fcinfo, 0, "shipment_id");
	const char *reason = PG_ARGISNULL(1) ? "SELLER" : text_to_cstring(PG_GETARG_TEXT_PP(1));
	TimestampTz at = PG_ARGISNULL(3) ? GetCurrentTransactionStartTimestamp() :
	PG_GETARG_TIMESTAMPTZ(3);
	MemoryContext caller = CurrentMemoryContext;
	Datum		values[2] = {Int32GetDatum(company_id)};
	OmsShipment s;
	bool		duplicate;
	char	   *status;
	int64		waiting;
	int			n = 0;
	OmsJson		j;

	if (oms_erp_before_promise)
		oms_erp_before_promise(company_id);
	oms_spi_connect();
	oms_shipment_lock(company_id, shipment_id, &s);
	duplicate = strcmp(s.state, "CANCELLED") == 0;
	if (s.reverse)
		ereport(ERROR,
				(errcode(ERRCODE_OMS_STATUS_MOVE),
				 errmsg("shipment " INT64_FORMAT " is a pickup from a customer", shipment_id),
				 errdetail("It belongs to return " INT64_FORMAT ".", s.return_id),
				 errhint("Cancel the return: oms.cancel_return().")));
	if (!duplicate)
	{
		oms_shipment_refuse_ended(&s, "cancelled");
		n = cancel_shipment(&s, reason, at);
		oms_order_refresh(company_id, s.order_id);
	}
	values[1] = Int64GetDatum(s.order_id);
	oms_exec(&after_plan, values, NULL, false, 1);
	status = oms_strdup(caller, oms_cstr(0, 1));
	waiting = oms_int8(0, 2);
	oms_spi_finish();
	oms_json_begin(&j);
	oms_json_int(&j, "shipment_id", shipment_id);
	oms_json_int(&j, "order_id", s.order_id);
	oms_json_int(&j, "allocations", n);
	oms_json_int(&j, "waiting", waiting);
	oms_json_str(&j, "status", status);
	oms_json_bool(&j, "duplicate", duplicate);
	PG_RETURN_JSONB_P(oms_json_end(&j));
}
