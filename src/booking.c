/*
 * booking.c
 *	  AWB numbers: pools pre-fetched from couriers, and the courier that
 *	  takes a parcel when the chosen one has none left.
 *
 * Whoever books skips numbers that others are taking; nobody waits.
 */
#include "postgres.h"

#include "access/xact.h"
#include "catalog/pg_type.h"
#include "fmgr.h"
#include "lib/stringinfo.h"
#include "utils/builtins.h"

#include "shipment.h"

static bool take_awb(OmsShipment *s, int32 courier_id);
static void keep_booking(OmsShipment *s, const OmsCourierQuote *q);
static bool book_next_best(OmsShipment *s, bool must);

/* Materialized: a join that ran it again for each row would take them all. */
static OmsPlan take_awb_plan = {
	"WITH f AS MATERIALIZED (SELECT courier_id, awb FROM oms.awb_pool WHERE courier_id = $1 AND shipment_id IS NULL"
	"  ORDER BY awb COLLATE \"C\" LIMIT 1 FOR UPDATE SKIP LOCKED)"
	" UPDATE oms.awb_pool p SET shipment_id = $2, taken_at = now() FROM f"
	" WHERE p.courier_id = f.courier_id AND p.awb = f.awb RETURNING p.awb",
	2, {INT4OID, INT8OID}, NULL
};

static bool
take_awb(OmsShipment *s, int32 courier_id)
{
	Datum		values[2] = {Int32GetDatum(courier_id), Int64GetDatum(s->shipment_id)};

	if (oms_exec(&take_awb_plan, values, NULL, false, 0) == 0)
		return false;
	s->awb = oms_cstr(0, 1);
	return true;
}

static OmsPlan booked_plan = {
	"UPDATE oms.shipment SET awb = $3, booked_at = now(),"
	" state = CASE WHEN state = 'PLANNED' THEN 'BOOKED' ELSE state END"
	" WHERE company_id = $1 AND shipment_id = $2 RETURNING state",
	3, {INT4OID, INT8OID, TEXTOID}, NULL
};
static OmsPlan requoted_plan = {
	"UPDATE oms.shipment s SET courier_service_id = $3, charge_g = $4, zone = $5, freight = $6,"
	" cod_fee = $7, courier_gst = $8, rto_freight = $9, expected_cost = $10"
	" FROM oms.courier_service v JOIN oms.courier c ON c.courier_id = v.courier_id"
	" WHERE s.company_id = $1 AND s.shipment_id = $2 AND v.courier_service_id = $3"
	" RETURNING v.courier_id, c.code, v.code",
	10, {INT4OID, INT8OID, INT4OID, INT4OID, TEXTOID, NUMERICOID, NUMERICOID,
	NUMERICOID, NUMERICOID, NUMERICOID}, NULL
};

static void
keep_quote(OmsShipment *s, const OmsCourierQuote *q)
{
	Datum		values[10] = {
		Int32GetDatum(s->company_id), Int64GetDatum(s->shipment_id),
		Int32GetDatum(q->courier_service_id), Int32GetDatum(q->charge_g),
		oms_text(q->zone ? q->zone : ""), oms_paise_numeric(q->freight),
		oms_paise_numeric(q->cod_fee), oms_paise_numeric(q->gst),
		oms_paise_numeric(q->rto_freight), oms_paise_numeric(q->expected_cost)
	};

	oms_exec(&requoted_plan, values, NULL, false, 0);
	s->courier_service_id = q->courier_service_id;
	s->courier_id = oms_int4(0, 1);
	s->courier = oms_cstr(0, 2);
	s->service = oms_cstr(0, 3);
}

/* Writes AWB and, with another service than planned, its quote; an event. */
static void
keep_booking(OmsShipment *s, const OmsCourierQuote *q)
{
	Datum		values[3] = {Int32GetDatum(s->company_id), Int64GetDatum(s->shipment_id)};
	OmsJson		j;

	if (q)
	{
		const char *from = s->service;

		keep_quote(s, q);
		oms_json_begin(&j);
		oms_json_str(&j, "from", from);
		oms_json_str(&j, "to", s->service);
		oms_json_str(&j, "reason", from ? "NO_AWB" : "NOT_CHOSEN");
		oms_json_paise(&j, "expected_cost", q->expected_cost);
		oms_event(s->company_id, "shipment", s->shipment_id,
				  "shipment.courier_changed", oms_json_end(&j));
	}
	values[2] = oms_text(s->awb);
	oms_exec(&booked_plan, values, NULL, false, 0);
	if (strcmp(s->state, "PLANNED") == 0)
		s->state = oms_cstr(0, 1);
	oms_json_begin(&j);
	oms_json_int(&j, "order_id", s->order_id);
	oms_json_str(&j, "service", s->service);
	oms_json_str(&j, "awb", s->awb);
	oms_event(s->company_id, "shipment", s->shipment_id, "shipment.booked",
			  oms_json_end(&j));
}

bool
oms_shipment_book(OmsShipment *s, bool fallback, bool must)
{
	if (s->awb)
		return true;
	oms_shipment_refuse_ended(s, "booked");
	if (s->courier_service_id != 0 && take_awb(s, s->courier_id))
	{
		keep_booking(s, NULL);
		return true;
	}
	if (fallback)
		return book_next_best(s, must);
	if (must)
		ereport(ERROR,
				(errcode(ERRCODE_OMS_NO_AWB),
				 errmsg("no AWB number for shipment " INT64_FORMAT, s->shipment_id),
				 s->courier ? errdetail("The pool of \"%s\" is empty.", s->courier) :
				 errdetail("No courier service is chosen."),
				 errhint("Fill the pool with oms.add_awbs(), or allow a fallback courier.")));
	return false;
}

/*
 * The parcel as a courier is asked about it.  Distance in metres, -1 where
 * either end has no place.
 */
static OmsPlan request_plan = {
	"SELECT n.pincode, o.ship_pincode, n.hyperlocal, coalesce(oms.parcel_distance(n.place, o.ship_place), -1),"
	" o.fulfilment_mode, coalesce(k.probability, 0), coalesce(p.rto_handling, 0),"
	" coalesce(i.cold, false), coalesce(i.air, true), o.only_service, o.max_days"
	" FROM oms.shipment s"
	" JOIN oms.\"order\" o ON o.company_id = s.company_id AND o.order_id = s.order_id"
	" JOIN oms.node n ON n.node_id = s.node_id"
	" LEFT JOIN oms.risk_score k ON k.company_id = s.company_id AND k.order_id = s.order_id"
	" LEFT JOIN LATERAL (SELECT q.rto_handling FROM oms.risk_policy q WHERE q.company_id = s.company_id"
	"  AND (q.channel_id = o.channel_id OR q.channel_id IS NULL) ORDER BY q.channel_id NULLS LAST LIMIT 1) p ON true"
	" LEFT JOIN LATERAL (SELECT bool_or(u.cold_chain) AS cold, bool_and(u.air_ok) AS air"
	"  FROM oms.allocation a JOIN oms.sku u ON u.sku_id = a.sku_id"
	"  WHERE a.company_id = s.company_id AND a.order_id = s.order_id"
	"  AND (a.shipment_id = s.shipment_id OR s.direction = 'reverse' AND a.allocation_id IN"
	"   (SELECT l.allocation_id FROM oms.return_line l WHERE l.company_id = s.company_id AND l.return_id = s.return_id))) i ON true"
	" WHERE s.company_id = $1 AND s.shipment_id = $2",
	2, {INT4OID, INT8OID}, NULL
};

static int
quote(const OmsShipment *s, OmsCourierQuote **quotes)
{
	Datum		values[2] = {Int32GetDatum(s->company_id), Int64GetDatum(s->shipment_id)};
	OmsCourierRequest req = {0};
	const char *here;
	const char *there;

	if (oms_exec(&request_plan, values, NULL, false, 1) == 0)
		elog(ERROR, "shipment " INT64_FORMAT " has no node", s->shipment_id);
	if (strcmp(oms_cstr(0, 5), "CARRY_OUT") == 0)
		ereport(ERROR,
				(errcode(ERRCODE_OMS_NOT_SERVICEABLE),
				 errmsg("shipment " INT64_FORMAT " needs no courier", s->shipment_id),
				 errdetail("The order was handed over a counter.")));
	here = oms_cstr(0, 1);
	there = oms_cstr(0, 2);
	req.company_id = s->company_id;
	req.reverse = s->reverse;
	req.from_pincode = s->reverse ? there : here;
	req.to_pincode = s->reverse ? here : there;
	req.hyperlocal = oms_bool(0, 3);
	req.distance_m = oms_int8(0, 4);
	req.p_rto = oms_float8(0, 6);
	req.loss = oms_paise(0, 7);
	req.cold_chain = oms_bool(0, 8);
	req.air_ok = oms_bool(0, 9);
	if (!s->reverse)
	{
		req.only_service = oms_cstr(0, 10);
		req.has_max_days = !oms_isnull(0, 11);
		req.max_days = oms_int4(0, 11);
	}
	req.cod = s->cod_amount > 0;
	req.collect = s->cod_amount;
	req.value = s->declared_value;
	req.dead_g = s->dead_g;
	req.volume_cm3 = s->volume_cm3;
	req.ready_at = GetCurrentTransactionStartTimestamp();
	return oms_courier_quotes(&req, quotes);
}

void
oms_shipment_requote(OmsShipment *s)
{
	OmsCourierQuote *quotes;

	if (s->awb == NULL && quote(s, &quotes) > 0 && quotes[0].refused == NULL)
		keep_quote(s, &quotes[0]);
}

static bool
book_next_best(OmsShipment *s, bool must)
{
	OmsCourierQuote *quotes;
	int			n = quote(s, &quotes);
	int			feasible = 0;
	StringInfoData why;

	initStringInfo(&why);
	for (int i = 0; i < n; i++)
	{
		if (i > 0)
			appendStringInfoString(&why, ", ");
		appendStringInfo(&why, "%s: %s", quotes[i].code,
						 quotes[i].refused ? quotes[i].refused : "NO_AWB");
		if (quotes[i].refused)
			continue;
		feasible++;
		if (quotes[i].courier_id != s->courier_id &&
			take_awb(s, quotes[i].courier_id))
		{
			keep_booking(s, &quotes[i]);
			return true;
		}
	}
	if (!must)
		return false;
	if (feasible == 0 && s->courier_service_id == 0)
		ereport(ERROR,
				(errcode(ERRCODE_OMS_NOT_SERVICEABLE),
				 errmsg("no courier service can carry shipment " INT64_FORMAT, s->shipment_id),
				 errdetail("Services: %s.", n > 0 ? why.data : "none"),
				 errhint("The codes are rows of oms.reason_code.")));
	ereport(ERROR,
			(errcode(ERRCODE_OMS_NO_AWB),
			 errmsg("no AWB number for shipment " INT64_FORMAT, s->shipment_id),
			 errdetail("Services: %s.", n > 0 ? why.data : "none"),
			 errhint("Fill the pools with oms.add_awbs().")));
}

PG_FUNCTION_INFO_V1(oms_book_shipment);

Datum
oms_book_shipment(PG_FUNCTION_ARGS)
{
	int32		company_id = oms_company_arg(fcinfo, 2);
	OmsShipment s;
	Datum		awb;

	oms_spi_connect();
	oms_shipment_lock(company_id, oms_id_arg(fcinfo, 0, "shipment_id"), &s);
	oms_shipment_book(&s, PG_GETARG_BOOL(1), true);
	awb = SPI_datumTransfer(oms_text(s.awb), false, -1);
	oms_spi_finish();
	return awb;
}

PG_FUNCTION_INFO_V1(oms_add_awbs);

static OmsPlan add_awbs_plan = {
	"INSERT INTO oms.awb_pool (courier_id, awb)"
	" SELECT c.courier_id, btrim(a) FROM oms.courier c, unnest($2) a WHERE c.code = $1 AND btrim(a) <> ''"
	" ON CONFLICT (courier_id, awb) DO NOTHING",
	2, {TEXTOID, TEXTARRAYOID}, NULL
};
static OmsPlan courier_exists_plan = {
	"SELECT 1 FROM oms.courier WHERE code = $1", 1, {TEXTOID}, NULL
};

/* Numbers that are there already change nothing. */
Datum
oms_add_awbs(PG_FUNCTION_ARGS)
{
	Datum		values[2] = {PG_GETARG_DATUM(0), PG_GETARG_DATUM(1)};
	uint64		added;

	oms_require_installed();
	oms_spi_connect();
	if (oms_exec(&courier_exists_plan, values, NULL, false, 1) == 0)
		ereport(ERROR,
				(errcode(ERRCODE_OMS_UNKNOWN_REFERENCE),
				 errmsg("courier \"%s\" does not exist", TextDatumGetCString(values[0])),
				 errhint("The couriers are the rows of oms.courier.")));
	added = oms_exec(&add_awbs_plan, values, NULL, false, 0);
	oms_spi_finish();
	PG_RETURN_INT32((int32) added);
}
