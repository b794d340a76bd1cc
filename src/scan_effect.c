/*
 * scan_effect.c
 *	  What follows from a parcel's new state, each once: allocations, the
 *	  return of an RTO, the courier's and the buyer's record.
 *
 * Called by scan.c under the locks of order and parcel, when the state has
 * changed and been written.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "utils/timestamp.h"

#include "risk.h"
#include "shipment.h"

#define RANK_PICKED_UP 30

static void replace_cancelled(const OmsShipment *s);
static void lose(const OmsShipment *s, const OmsShipmentTurn *turn);
static void courier_outcome(const OmsShipment *s, bool delivered,
							TimestampTz at);
static void order_outcome(const OmsShipment *s);

void
oms_shipment_turned(OmsShipment *s, const OmsShipmentTurn *turn)
{
	const char *state = s->state;

	if (s->reverse)
	{
		if (strcmp(state, "LOST") == 0 || strcmp(state, "DAMAGED") == 0)
		{
			if (oms_return_hooks.gone)
				oms_return_hooks.gone(s, turn->at);
		}
		else if (strcmp(state, "CANCELLED") == 0)
		{
			if (oms_return_hooks.pickup_cancelled)
				oms_return_hooks.pickup_cancelled(s);
		}
		else if (s->rank >= RANK_PICKED_UP && oms_return_hooks.picked_up)
			oms_return_hooks.picked_up(s, turn->at);
		return;
	}
	if (s->rto && !turn->was_rto)
	{
		oms_shipment_move_allocations(s, "rto");
		if (oms_return_hooks.rto_started)
			oms_return_hooks.rto_started(s, turn->rto_at);
	}
	if (strcmp(state, "DELIVERED") == 0)
	{
		oms_shipment_move_allocations(s, "delivered");
		courier_outcome(s, true, turn->at);
		order_outcome(s);
	}
	else if (strcmp(state, "RTO_DELIVERED") == 0)
	{
		if (oms_return_hooks.rto_arrived)
			oms_return_hooks.rto_arrived(s, turn->at);
		courier_outcome(s, false, turn->at);
		order_outcome(s);
	}
	else if (strcmp(state, "RTO_DISPOSED") == 0)
	{
		if (oms_return_hooks.gone)
			oms_return_hooks.gone(s, turn->at);
		courier_outcome(s, false, turn->at);
		order_outcome(s);
	}
	else if (strcmp(state, "LOST") == 0 || strcmp(state, "DAMAGED") == 0)
		lose(s, turn);
	else if (strcmp(state, "CANCELLED") == 0)
		replace_cancelled(s);
}

/*
 * Lost or damaged: the courier's fault.  Its goods reach nobody, so the
 * allocations end as rto (the parcel's state says why); what was paid for
 * them is owed back.  On the way back the return stands already, and is
 * settled instead.
 */
static void
lose(const OmsShipment *s, const OmsShipmentTurn *turn)
{
	if (!turn->was_rto)
		oms_shipment_move_allocations(s, "rto");
	courier_outcome(s, false, turn->at);
	if (oms_return_hooks.gone)
		oms_return_hooks.gone(s, turn->at);
	order_outcome(s);
}

static OmsPlan replace_plan = {
	"WITH fresh AS (INSERT INTO oms.shipment (company_id, order_id, direction, node_id, cod_amount,"
	"  declared_value, dead_g, volume_cm3, promised_at)"
	"  SELECT company_id, order_id, direction, node_id, cod_amount, declared_value, dead_g, volume_cm3, promised_at"
	"  FROM oms.shipment WHERE company_id = $1 AND shipment_id = $2 RETURNING shipment_id),"
	"  slot AS (UPDATE oms.slot_use u SET shipment_id = f.shipment_id FROM fresh f"
	"   WHERE u.company_id = $1 AND u.shipment_id = $2 AND u.order_id = (SELECT order_id FROM oms.shipment WHERE company_id = $1 AND shipment_id = $2))"
	" UPDATE oms.allocation a SET shipment_id = f.shipment_id FROM fresh f"
	" WHERE a.company_id = $1 AND a.shipment_id = $2 AND a.status <> 'cancelled'"
	" RETURNING f.shipment_id",
	2, {INT4OID, INT8OID}, NULL
};
static OmsPlan has_contents_plan = {
	"SELECT 1 FROM oms.allocation WHERE company_id = $1 AND shipment_id = $2 AND status <> 'cancelled' LIMIT 1",
	2, {INT4OID, INT8OID}, NULL
};

/*
 * The courier cancelled before it had the parcel: a new parcel takes the
 * goods, for another courier to be found when it is booked.
 */
static void
replace_cancelled(const OmsShipment *s)
{
	Datum		values[2] = {Int32GetDatum(s->company_id), Int64GetDatum(s->shipment_id)};
	OmsJson		j;

	if (oms_exec(&has_contents_plan, values, NULL, false, 1) == 0)
		return;
	oms_exec(&replace_plan, values, NULL, false, 0);
	oms_json_begin(&j);
	oms_json_int(&j, "order_id", s->order_id);
	oms_json_int(&j, "replaced_by", oms_int8(0, 1));
	oms_event(s->company_id, "shipment", s->shipment_id,
			  "shipment.courier_cancelled", oms_json_end(&j));
}

/*
 * Counters of couriers and areas are shared by many orders.  The nation's
 * row goes first, so that whoever counts several outcomes in one transaction
 * cannot deadlock with others over the rest.
 */
static OmsPlan counters_plan = {
	"SELECT 1 FROM oms.risk_rate WHERE company_id = $1 AND level = 'nation' AND key = 'IN' FOR NO KEY UPDATE",
	1, {INT4OID}, NULL
};

static void
courier_outcome(const OmsShipment *s, bool delivered, TimestampTz at)
{
	Datum		values[1] = {Int32GetDatum(s->company_id)};
	double		days = 0;

	oms_exec(&counters_plan, values, NULL, false, 0);
	if (s->courier_service_id == 0)
		return;
	if (s->shipped_at != 0 && at > s->shipped_at)
		days = (double) (at - s->shipped_at) / USECS_PER_DAY;
	oms_courier_outcome(s->company_id, s->courier_service_id,
						s->region ? s->region : "*", s->cod_amount > 0,
						delivered, delivered && s->attempts == 0, days);
}

static OmsPlan outcome_plan = {
	"SELECT count(*) FILTER (WHERE NOT t.terminal),"
	" count(*) FILTER (WHERE s.state = 'DELIVERED'),"
	" count(*) FILTER (WHERE t.rto AND t.terminal AND NOT EXISTS"
	"  (SELECT FROM oms.ndr d JOIN oms.ndr_code c ON c.ndr_code = d.ndr_code"
	"    WHERE d.company_id = s.company_id AND d.shipment_id = s.shipment_id"
	"    HAVING count(*) > 0 AND bool_and(c.fault = 'courier'))),"
	" (SELECT count(*) FROM oms.allocation a WHERE a.company_id = $1 AND a.order_id = $2"
	"   AND a.shipment_id IS NULL AND a.status IN ('planned', 'backordered', 'reserved', 'released', 'picked', 'packed', 'shipped'))"
	" FROM oms.shipment s JOIN oms.shipment_state t ON t.state = s.state"
	" WHERE s.company_id = $1 AND s.order_id = $2 AND s.direction = 'forward' AND s.state <> 'CANCELLED'"
	" AND (t.terminal OR EXISTS (SELECT FROM oms.allocation a WHERE a.company_id = $1"
	"  AND a.shipment_id = s.shipment_id AND a.status <> 'cancelled'))",
	2, {INT4OID, INT8OID}, NULL
};

/*
 * The order's outcome for risk: once, when its last parcel has ended.  One
 * parcel that came back by the buyer's doing makes the order an RTO.
 */
static void
order_outcome(const OmsShipment *s)
{
	Datum		values[2] = {Int32GetDatum(s->company_id), Int64GetDatum(s->order_id)};
	int64		delivered;
	int64		buyers;

	oms_exec(&outcome_plan, values, NULL, false, 1);
	if (oms_int8(0, 1) + oms_int8(0, 4) > 0)
		return;
	delivered = oms_int8(0, 2);
	buyers = oms_int8(0, 3);
	oms_risk_outcome(s->company_id, s->order_id,
					 buyers > 0 || delivered == 0,
					 buyers == 0 && delivered == 0);
}
