/*
 * courier_lane.c
 *	  What is known about each courier service on one lane.
 *
 * A few statements, each over one or two tables, whatever the number of
 * services; the rows are matched here.  The same as one statement of
 * fourteen joins took twice as long, most of it setting up the executor.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "utils/builtins.h"
#include "utils/memutils.h"

#include "core_memo.h"
#include "courier_lane.h"

/* Both ends, as rules and regions see them. */
typedef struct Lane
{
	char	   *from_state;		/* NULL: unknown */
	char	   *to_state;
	const char *buyer_state;
	bool		same_city;
	bool		metros;			/* both ends */
	bool		same_state;
} Lane;

typedef struct Search
{
	const OmsCourierRequest *req;
	DateADT		day;
	bool		read_only;
	Lane		lane;
	OmsService *services;
	int			n;
} Search;

static uint64 run(Search *s, OmsPlan *p, Datum *values, const char *nulls);
static void find_lane(Search *s);
static void find_services(Search *s, MemoryContext caller);
static void find_zones(Search *s, MemoryContext caller);
static void find_rates(Search *s, Datum zones);
static void find_transit(Search *s, Datum zones);
static void find_record(Search *s);
static void find_breakers(Search *s);
static void find_network(Search *s);
static Datum zones_used(Search *s);
static OmsService *service_by_id(Search *s, int32 courier_service_id);

int
oms_lane_services(const OmsCourierRequest *req, DateADT day, bool read_only,
				  OmsService **services)
{
	MemoryContext caller = CurrentMemoryContext;
	Search		s = {0};
	Datum		zones;

	s.req = req;
	s.day = day;
	s.read_only = read_only;
	oms_spi_connect();
	find_lane(&s);
	find_services(&s, caller);
	find_zones(&s, caller);
	zones = zones_used(&s);
	find_rates(&s, zones);
	find_transit(&s, zones);
	find_record(&s);
	find_breakers(&s);
	find_network(&s);
	oms_spi_finish();
	*services = s.services;
	return s.n;
}

static uint64
run(Search *s, OmsPlan *p, Datum *values, const char *nulls)
{
	return oms_memo(p, values, nulls, s->read_only);
}

static OmsPlan lane_plan = {
	"SELECT f.state_code, t.state_code,"
	" coalesce(f.city, f.district) OPERATOR(pg_catalog.=) coalesce(t.city, t.district),"
	" f.metro IS NOT NULL AND t.metro IS NOT NULL,"
	" f.state_code OPERATOR(pg_catalog.=) t.state_code"
	" FROM (SELECT) one"
	" LEFT JOIN oms.pincode f ON f.pincode OPERATOR(pg_catalog.=) $1"
	" LEFT JOIN oms.pincode t ON t.pincode OPERATOR(pg_catalog.=) $2",
	2, {TEXTOID, TEXTOID}, NULL
};

static void
find_lane(Search *s)
{
	const OmsCourierRequest *req = s->req;
	Datum		values[2] = {oms_text(req->from_pincode), oms_text(req->to_pincode)};
	char		nulls[2];

	nulls[0] = req->from_pincode ? ' ' : 'n';
	nulls[1] = req->to_pincode ? ' ' : 'n';
	run(s, &lane_plan, values, nulls);
	s->lane.from_state = oms_cstr(0, 1);
	s->lane.to_state = oms_cstr(0, 2);
	s->lane.buyer_state = req->reverse ? s->lane.from_state : s->lane.to_state;
	s->lane.same_state = oms_bool(0, 5);
	/* districts of two states may share a name */
	s->lane.same_city = oms_bool(0, 3) && s->lane.same_state;
	s->lane.metros = oms_bool(0, 4);
}

static OmsPlan services_plan = {
	"SELECT s.courier_service_id, s.courier_id, s.code,"
	" s.mode OPERATOR(pg_catalog.=) 'hyperlocal', s.mode OPERATOR(pg_catalog.=) 'air',"
	" s.cod, s.reverse, s.max_weight_g, s.max_value, s.max_cod,"
	" coalesce(s.max_distance_m, -1), s.cold_chain, s.minutes_per_km, s.oda_days,"
	" d.courier_service_id IS NOT NULL, d.prepaid, d.cod, d.oda,"
	" o.courier_service_id IS NOT NULL, o.pickup, o.reverse,"
	" coalesce(d.embargo_from, 'infinity'), coalesce(d.embargo_to, 'infinity'),"
	" coalesce(o.embargo_from, 'infinity'), coalesce(o.embargo_to, 'infinity'),"
	" s.min_weight_g, s.min_value, coalesce(s.max_volume_cm3, 2147483647)"
	" FROM oms.courier_service s"
	" JOIN oms.courier c ON c.courier_id OPERATOR(pg_catalog.=) s.courier_id AND c.active"
	" LEFT JOIN oms.serviceability d"
	" ON d.courier_service_id OPERATOR(pg_catalog.=) s.courier_service_id"
	" AND d.pincode OPERATOR(pg_catalog.=) $2"
	" LEFT JOIN oms.serviceability o"
	" ON o.courier_service_id OPERATOR(pg_catalog.=) s.courier_service_id"
	" AND o.pincode OPERATOR(pg_catalog.=) $1"
	" WHERE s.active",
	2, {TEXTOID, TEXTOID}, NULL
};

static void
find_services(Search *s, MemoryContext caller)
{
	const OmsCourierRequest *req = s->req;
	Datum		values[2] = {oms_text(req->from_pincode), oms_text(req->to_pincode)};
	char		nulls[2];
	MemoryContext spi;

	nulls[0] = req->from_pincode ? ' ' : 'n';
	nulls[1] = req->to_pincode ? ' ' : 'n';
	s->n = (int) run(s, &services_plan, values, nulls);
	s->services = MemoryContextAllocZero(caller, sizeof(OmsService) * Max(s->n, 1));
	for (int i = 0; i < s->n; i++)
	{
		OmsService *v = &s->services[i];

		v->quote.courier_service_id = oms_int4(i, 1);
		v->quote.courier_id = oms_int4(i, 2);
		spi = MemoryContextSwitchTo(caller);
		v->quote.code = oms_cstr(i, 3);
		MemoryContextSwitchTo(spi);
		v->hyperlocal = oms_bool(i, 4);
		v->air = oms_bool(i, 5);
		v->cod = oms_bool(i, 6);
		v->reverse = oms_bool(i, 7);
		v->max_weight_g = oms_int4(i, 8);
		v->max_value = oms_paise(i, 9);
		v->max_cod = oms_paise(i, 10);
		v->max_distance_m = oms_int4(i, 11);
		v->cold_chain = oms_bool(i, 12);
		v->minutes_per_km = oms_milli(i, 13);
		v->oda_days = oms_int4(i, 14);
		v->to_known = oms_bool(i, 15);
		v->to_prepaid = oms_bool(i, 16);
		v->to_cod = oms_bool(i, 17);
		v->oda = oms_bool(i, 18);
		v->from_known = oms_bool(i, 19);
		v->from_pickup = oms_bool(i, 20);
		v->from_reverse = oms_bool(i, 21);
		for (int end = 22; end <= 24; end += 2)
			v->embargo |= oms_time(i, end) <= req->ready_at &&
				req->ready_at < oms_time(i, end + 1);
		v->min_weight_g = oms_int4(i, 26);
		v->min_value = oms_paise(i, 27);
		v->max_volume_cm3 = oms_int4(i, 28);
		v->transit_days = -1;
	}
}

/* The rules that hold on the lane, of every courier. */
static OmsPlan zones_plan = {
	"SELECT coalesce(q.courier_id, 0), q.seq, q.zone,"
	" CASE WHEN q.test OPERATOR(pg_catalog.=) 'same_city' THEN $3"
	" WHEN q.test OPERATOR(pg_catalog.=) 'special'"
	" THEN $1 OPERATOR(pg_catalog.=) ANY (q.states) OR $2 OPERATOR(pg_catalog.=) ANY (q.states)"
	" WHEN q.test OPERATOR(pg_catalog.=) 'metro_to_metro' THEN $4"
	" WHEN q.test OPERATOR(pg_catalog.=) 'same_state' THEN $5"
	" ELSE true END"
	" FROM oms.zone_rule q",
	5, {TEXTOID, TEXTOID, BOOLOID, BOOLOID, BOOLOID}, NULL
};

/*
 * A courier with rules of its own goes by them alone; among the rules that
 * hold the one with the lowest seq decides.
 */
static void
find_zones(Search *s, MemoryContext caller)
{
	Datum		values[5];
	char		nulls[5];
	uint64		n;

	memset(nulls, ' ', sizeof(nulls));
	values[0] = oms_text(s->lane.from_state);
	nulls[0] = s->lane.from_state ? ' ' : 'n';
	values[1] = oms_text(s->lane.to_state);
	nulls[1] = s->lane.to_state ? ' ' : 'n';
	values[2] = BoolGetDatum(s->lane.same_city);
	values[3] = BoolGetDatum(s->lane.metros);
	values[4] = BoolGetDatum(s->lane.same_state);
	n = run(s, &zones_plan, values, nulls);

	for (int i = 0; i < s->n; i++)
	{
		OmsService *v = &s->services[i];
		uint64		best = n;

		if (v->hyperlocal)
		{
			v->quote.zone = "LOCAL";
			continue;
		}
		for (uint64 r = 0; r < n; r++)
		{
			if (oms_int4(r, 1) == v->quote.courier_id)
				v->own_zones = true;
		}
		for (uint64 r = 0; r < n; r++)
		{
			if (oms_int4(r, 1) == (v->own_zones ? v->quote.courier_id : 0) &&
				oms_bool(r, 4) &&
				(best == n || oms_int4(r, 2) < v->zone_seq))
			{
				best = r;
				v->zone_seq = oms_int4(r, 2);
			}
		}
		if (best < n)
		{
			MemoryContext spi = MemoryContextSwitchTo(caller);

			v->quote.zone = oms_cstr(best, 3);
			MemoryContextSwitchTo(spi);
		}
	}
}

/* The distinct zones of the services, as text[]. */
static Datum
zones_used(Search *s)
{
	const char **zones = palloc(sizeof(char *) * Max(s->n, 1));
	int			n = 0;

	for (int i = 0; i < s->n; i++)
	{
		bool		seen = s->services[i].quote.zone == NULL;

		for (int j = 0; j < n && !seen; j++)
			seen = strcmp(zones[j], s->services[i].quote.zone) == 0;
		if (!seen)
			zones[n++] = s->services[i].quote.zone;
	}
	return oms_text_array(zones, n);
}

static OmsPlan rates_plan = {
	"SELECT k.courier_service_id, k.rate_card_id, k.valid_from,"
	" r.leg OPERATOR(pg_catalog.=) 'rto', r.zone, r.base, r.add,"
	" k.divisor, k.slab_g, k.min_g, k.fuel_pct, k.cod_flat, k.cod_pct,"
	" k.cod_on_rto, k.gst_pct, k.oda_charge, k.per_km"
	" FROM oms.rate_card k"
	" LEFT JOIN oms.rate_slab r ON r.rate_card_id OPERATOR(pg_catalog.=) k.rate_card_id"
	" AND r.zone OPERATOR(pg_catalog.=) ANY ($3)"
	" AND (r.leg OPERATOR(pg_catalog.=) $4 OR r.leg OPERATOR(pg_catalog.=) 'rto')"
	" WHERE k.company_id OPERATOR(pg_catalog.=) $1"
	" AND k.valid_from OPERATOR(pg_catalog.<=) $2"
	" AND k.valid_to OPERATOR(pg_catalog.>) $2",
	4, {INT4OID, DATEOID, TEXTARRAYOID, TEXTOID}, NULL
};

/*
 * Of cards that overlap the one that began last is in force, with whatever
 * zones it has.
 */
static void
find_rates(Search *s, Datum zones)
{
	Datum		values[4] = {Int32GetDatum(s->req->company_id),
		DateADTGetDatum(s->day), zones,
	oms_text(s->req->reverse ? "reverse" : "forward")};
	uint64		n;

	n = run(s, &rates_plan, values, NULL);
	for (uint64 i = 0; i < n; i++)
	{
		OmsService *v = service_by_id(s, oms_int4(i, 1));
		OmsRate    *rate;
		bool		isnull;
		DateADT		valid_from = DatumGetDateADT(oms_datum(i, 3, &isnull));
		char	   *zone = oms_cstr(i, 5);

		if (v == NULL)
			continue;
		rate = &v->rate;
		if (rate->rate_card_id == 0 || valid_from > rate->valid_from)
		{
			memset(rate, 0, sizeof(OmsRate));
			rate->rate_card_id = oms_int4(i, 2);
			rate->valid_from = valid_from;
			rate->divisor = oms_int4(i, 8);
			rate->slab_g = oms_int4(i, 9);
			rate->min_g = oms_int4(i, 10);
			rate->fuel = oms_milli(i, 11);
			rate->cod_flat = oms_paise(i, 12);
			rate->cod_rate = oms_milli(i, 13);
			rate->cod_on_rto = oms_bool(i, 14);
			rate->gst = oms_milli(i, 15);
			rate->oda_charge = oms_paise(i, 16);
			rate->per_km = oms_paise(i, 17);
		}
		if (rate->rate_card_id != oms_int4(i, 2) || zone == NULL ||
			v->quote.zone == NULL || strcmp(zone, v->quote.zone) != 0)
			continue;
		if (oms_bool(i, 4))
		{
			rate->rto_known = true;
			rate->rto_base = oms_paise(i, 6);
			rate->rto_add = oms_paise(i, 7);
		}
		else
		{
			rate->known = true;
			rate->base = oms_paise(i, 6);
			rate->add = oms_paise(i, 7);
		}
	}
	for (int i = 0; i < s->n; i++)
	{
		OmsRate    *rate = &s->services[i].rate;

		if (rate->known && !rate->rto_known)
		{
			rate->rto_base = rate->base;
			rate->rto_add = rate->add;
		}
	}
}

static OmsPlan transit_plan = {
	"SELECT courier_service_id, zone, days FROM oms.zone_transit"
	" WHERE zone OPERATOR(pg_catalog.=) ANY ($1)",
	1, {TEXTARRAYOID}, NULL
};

static void
find_transit(Search *s, Datum zones)
{
	uint64		n = run(s, &transit_plan, &zones, NULL);

	for (uint64 i = 0; i < n; i++)
	{
		OmsService *v = service_by_id(s, oms_int4(i, 1));

		if (v && v->quote.zone && strcmp(oms_cstr(i, 2), v->quote.zone) == 0)
			v->transit_days = oms_int4(i, 3);
	}
}

static OmsPlan record_plan = {
	"SELECT courier_service_id, region OPERATOR(pg_catalog.=) '*', shipped, delivered"
	" FROM oms.courier_stat"
	" WHERE company_id OPERATOR(pg_catalog.=) $1"
	" AND courier_service_id OPERATOR(pg_catalog.=) ANY ($2)"
	" AND (region OPERATOR(pg_catalog.=) '*' OR region OPERATOR(pg_catalog.=) $3)"
	" AND cod OPERATOR(pg_catalog.=) $4",
	4, {INT4OID, INT4ARRAYOID, TEXTOID, BOOLOID}, NULL
};

static void
find_record(Search *s)
{
	int32	   *ids = palloc(sizeof(int32) * Max(s->n, 1));
	Datum		values[4];
	uint64		n;

	for (int i = 0; i < s->n; i++)
		ids[i] = s->services[i].quote.courier_service_id;
	values[0] = Int32GetDatum(s->req->company_id);
	values[1] = oms_int4_array(ids, s->n);
	values[2] = oms_text(s->lane.buyer_state);
	values[3] = BoolGetDatum(s->req->cod);
	n = run(s, &record_plan, values, s->lane.buyer_state ? NULL : "  n ");
	for (uint64 i = 0; i < n; i++)
	{
		OmsService *v = service_by_id(s, oms_int4(i, 1));

		if (v == NULL)
			continue;
		if (oms_bool(i, 2))
		{
			v->all_shipped = oms_float8(i, 3);
			v->all_delivered = oms_float8(i, 4);
		}
		else
		{
			v->shipped = oms_float8(i, 3);
			v->delivered = oms_float8(i, 4);
		}
	}
}

static OmsPlan breakers_plan = {
	"SELECT courier_service_id, coalesce(until, 'infinity') FROM oms.courier_health"
	" WHERE state OPERATOR(pg_catalog.=) 'open'"
	" AND (region OPERATOR(pg_catalog.=) '*' OR region OPERATOR(pg_catalog.=) $1)",
	1, {TEXTOID}, NULL
};

static void
find_breakers(Search *s)
{
	Datum		values[1] = {oms_text(s->lane.buyer_state)};
	uint64		n;

	n = run(s, &breakers_plan, values, s->lane.buyer_state ? NULL : "n");
	for (uint64 i = 0; i < n; i++)
	{
		OmsService *v = service_by_id(s, oms_int4(i, 1));

		if (v && oms_time(i, 2) > s->req->ready_at)
			v->breaker = true;
	}
}

static OmsPlan network_plan = {
	"SELECT coalesce(courier_id, 0), blocked, delay_days, surcharge_pct, valid_from, valid_to"
	" FROM oms.network_status"
	" WHERE region OPERATOR(pg_catalog.=) ANY ($1)"
	" AND valid_from OPERATOR(pg_catalog.<) $3"
	" AND valid_to OPERATOR(pg_catalog.>) $2",
	3, {TEXTARRAYOID, TIMESTAMPTZOID, TIMESTAMPTZOID}, NULL
};

/* One trouble may be told of the state, the prefix and the pincode: the worst counts. */
static void
find_network(Search *s)
{
	const char *ends[2] = {s->req->from_pincode, s->req->to_pincode};
	const char *states[2] = {s->lane.from_state, s->lane.to_state};
	const char *regions[6];
	int			nregions = 0;
	TimestampTz at = s->req->ready_at;
	TimestampTz day = at - ((at % USECS_PER_DAY) + USECS_PER_DAY) % USECS_PER_DAY;
	Datum		values[3];
	uint64		n;

	for (int i = 0; i < 2; i++)
	{
		if (states[i])
			regions[nregions++] = states[i];
		if (ends[i])
		{
			regions[nregions++] = ends[i];
			regions[nregions++] = pnstrdup(ends[i], 3);
		}
	}
	values[0] = oms_text_array(regions, nregions);
	/* what holds some time that day, so that the question repeats */
	values[1] = TimestampTzGetDatum(day);
	values[2] = TimestampTzGetDatum(day + USECS_PER_DAY);
	n = run(s, &network_plan, values, NULL);
	for (uint64 r = 0; r < n; r++)
	{
		int32		courier_id = oms_int4(r, 1);

		if (oms_time(r, 5) > at || oms_time(r, 6) <= at)
			continue;
		for (int i = 0; i < s->n; i++)
		{
			OmsService *v = &s->services[i];

			if (courier_id != 0 && courier_id != v->quote.courier_id)
				continue;
			v->blocked |= oms_bool(r, 2);
			v->delay_days = Max(v->delay_days, oms_int4(r, 3));
			v->rate.surcharge = Max(v->rate.surcharge, oms_milli(r, 4));
		}
	}
}

static OmsService *
service_by_id(Search *s, int32 courier_service_id)
{
	for (int i = 0; i < s->n; i++)
	{
		if (s->services[i].quote.courier_service_id == courier_service_id)
			return &s->services[i];
	}
	return NULL;
}
