/*
 * stock_price.c
 *	  What a unit of stock is worth where it stands: prices for the planner,
 *	  and the job that computes them.
 *
 * For every item, least cost of sending what stands at the nodes to where it
 * will be asked for:
 *	  min sum (share * parcel_jr + unit_jr) x_jr + penalty * u_r
 *	  sum_r x_jr <= stock_j, sum_j x_jr + u_r = demand_r
 * as a minimum-cost flow: nodes -> regions, nodes -> spare at no cost,
 * unserved -> regions at the penalty.  The dual of a stock row, what one unit
 * less at that node would cost the rest of the period, is the difference of
 * two potentials: node - spare.  It is not negative, as the arc to spare is
 * never full.
 *
 * It is taken twice and the mean counts: as stock is, and with a unit less at
 * every node, since stock falls until prices are computed anew.  (Where stock
 * just meets demand the dual is an interval; a thousandth less picks the end
 * that is lost by a unit that goes, not gained by one that comes.)
 *
 * The planner adds it to the cost of taking a unit there, so that the last
 * units of a node are kept for those only it serves cheaply.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#include "core_memo.h"
#include "mcf.h"
#include "stock_price.h"

/* Largest penalty, paise: far below what the flow's costs may be. */
#define MAX_PENALTY INT64CONST(100000000000)

/* Most milli units of a row: their sums fit the flow's limits. */
#define MAX_ROW INT64CONST(1000000000000)

/* A lane of the transport problem, sorted by (region, node). */
typedef struct Lane
{
	int			region;			/* index */
	int32		node_id;
	int64		cost;			/* paise a unit */
} Lane;

typedef struct Demand
{
	int32		sku_id;
	int			region;
	int64		qty;			/* milli */
} Demand;

typedef struct Supply
{
	OmsStockKey key;
	int64		qty;			/* milli */
} Supply;

/* Prices to be written. */
typedef struct Prices
{
	int			n;
	int			room;
	int32	   *node_id;
	int32	   *sku_id;
	int64	   *price;
} Prices;

static int	compare_price_keys(const void *a, const void *b);
static int	read_lanes(int32 company_id, const Datum *period, double share,
					   Lane **lanes);
static int	read_demand(int32 company_id, const Datum *period,
						Demand **demand);
static int	read_supply(int32 company_id, Supply **supply);
static void price_item(const Supply *supply, int nsupply,
					   const Demand *demand, int ndemand,
					   const Lane *lanes, int nlanes, int64 penalty,
					   Prices *out);
static void duals(const Supply *supply, int nsupply, const Demand *demand,
				  int ndemand, const Lane *lanes, int nlanes, int64 penalty,
				  int64 less, int64 *price);
static int64 write_prices(int32 company_id, const Prices *p);
static bool want_stop(void);

/*
 * Reading, for the planner
 */
static OmsPlan prices_plan = {
	"SELECT node_id, sku_id, (price * 100)::int8 FROM oms.stock_price"
	" WHERE company_id = $1 AND sku_id = ANY ($2) ORDER BY node_id, sku_id",
	2, {INT4OID, INT4ARRAYOID}, NULL
};

int
oms_stock_prices(int32 company_id, const int32 *sku_ids, int nskus,
				 OmsStockPrice **prices)
{
	MemoryContext caller = CurrentMemoryContext;
	Datum		values[2] = {Int32GetDatum(company_id), oms_int4_array(sku_ids, nskus)};
	int			n;

	oms_spi_connect();
	n = (int) oms_exec(&prices_plan, values, NULL, false, 0);
	*prices = MemoryContextAlloc(caller, sizeof(OmsStockPrice) * (n + 1));
	for (int i = 0; i < n; i++)
	{
		(*prices)[i].key.node_id = oms_int4(i, 1);
		(*prices)[i].key.sku_id = oms_int4(i, 2);
		(*prices)[i].price = oms_int8(i, 3);
	}
	oms_spi_finish();
	return n;
}

static int
compare_price_keys(const void *a, const void *b)
{
	const OmsStockKey *x = a;
	const OmsStockKey *y = b;

	if (x->node_id != y->node_id)
		return x->node_id < y->node_id ? -1 : 1;
	return x->sku_id < y->sku_id ? -1 : x->sku_id > y->sku_id;
}

int64
oms_stock_price_at(const OmsStockPrice *prices, int n, int32 node_id,
				   int32 sku_id)
{
	OmsStockKey key = {node_id, sku_id};
	const OmsStockPrice *found = n == 0 ? NULL :
		bsearch(&key, prices, n, sizeof(OmsStockPrice), compare_price_keys);

	return found ? found->price : 0;
}

static OmsPlan lanes_plan = {
	"SELECT DISTINCT ON (node_id) node_id, (shipment_cost * 100)::int8, (unit_cost * 100)::int8"
	" FROM oms.lane_cost WHERE company_id = $1"
	" AND region IN (left($2, 1), left($2, 2), left($2, 3), left($2, 4), left($2, 5), $2)"
	" ORDER BY node_id, length(region) DESC",
	2, {INT4OID, TEXTOID}, NULL
};

int
oms_lane_costs(int32 company_id, const char *pincode, OmsLaneCost **lanes)
{
	MemoryContext caller = CurrentMemoryContext;
	Datum		values[2] = {Int32GetDatum(company_id), oms_text(pincode)};
	int			n;

	oms_spi_connect();
	n = (int) oms_memo(&lanes_plan, values, NULL, false);
	*lanes = MemoryContextAlloc(caller, sizeof(OmsLaneCost) * (n + 1));
	for (int i = 0; i < n; i++)
	{
		(*lanes)[i].node_id = oms_int4(i, 1);
		(*lanes)[i].shipment = oms_int8(i, 2);
		(*lanes)[i].unit = oms_int8(i, 3);
	}
	oms_spi_finish();
	return n;
}

const OmsLaneCost *
oms_lane_from(const OmsLaneCost *lanes, int n, int32 node_id)
{
	for (int i = 0; i < n; i++)
		if (lanes[i].node_id == node_id)
			return &lanes[i];
	return NULL;
}

/*
 * Computing
 */
PG_FUNCTION_INFO_V1(oms_compute_stock_prices);

/*
 * oms.compute_stock_prices(company, at, cover, share, penalty) returns integer
 */
Datum
oms_compute_stock_prices(PG_FUNCTION_ARGS)
{
	int32		company_id;
	Datum		period[2];
	double		share;
	int64		penalty;
	Lane	   *lanes;
	Demand	   *demand;
	Supply	   *supply;
	int			nlanes,
				ndemand,
				nsupply;
	Prices		out = {0};
	MemoryContext loop;

	oms_require_installed();
	company_id = oms_company_id(PG_ARGISNULL(0) ? NULL :
								text_to_cstring(PG_GETARG_TEXT_PP(0)));
	for (int i = 1; i < 5; i++)
		if (PG_ARGISNULL(i))
			ereport(ERROR,
					(errcode(ERRCODE_OMS_INVALID_DOCUMENT),
					 errmsg("\"%s\" is missing",
							i == 1 ? "at" : i == 2 ? "cover" : i == 3 ? "share" : "penalty"),
					 errhint("Leave the argument out for its default.")));
	period[0] = PG_GETARG_DATUM(1);
	period[1] = DirectFunctionCall2(timestamptz_pl_interval, period[0],
									PG_GETARG_DATUM(2));
	share = PG_GETARG_FLOAT8(3);
	/* NaN fails each comparison */
	if (!(share >= 0 && share <= 1))
		ereport(ERROR,
				(errcode(ERRCODE_OMS_INVALID_DOCUMENT),
				 errmsg("\"share\" is not between 0 and 1"),
				 errdetail("It is %g.", share),
				 errhint("It is the part of a parcel's cost that one unit carries, about 0.55.")));
	penalty = oms_paise_arg(PG_GETARG_DATUM(4), "penalty");
	if (penalty < 0 || penalty > MAX_PENALTY)
		ereport(ERROR,
				(errcode(ERRCODE_OMS_INVALID_DOCUMENT),
				 errmsg("\"penalty\" is not between 0 and a thousand million"),
				 errhint("It is what a unit that cannot be supplied costs.")));
	if (TIMESTAMP_NOT_FINITE(DatumGetTimestampTz(period[0])) ||
		DatumGetTimestampTz(period[1]) <= DatumGetTimestampTz(period[0]))
		ereport(ERROR,
				(errcode(ERRCODE_OMS_INVALID_DOCUMENT),
				 errmsg("the period is empty"),
				 errdetail("\"cover\" must be positive and \"at\" finite."),
				 errhint("Leave the arguments out for their defaults.")));

	nlanes = read_lanes(company_id, period, share, &lanes);
	ndemand = read_demand(company_id, period, &demand);
	nsupply = read_supply(company_id, &supply);

	loop = AllocSetContextCreate(CurrentMemoryContext, "oms stock prices",
								 ALLOCSET_DEFAULT_SIZES);
	out.room = 1024;
	out.node_id = palloc(sizeof(int32) * out.room);
	out.sku_id = palloc(sizeof(int32) * out.room);
	out.price = palloc(sizeof(int64) * out.room);
	/* both are sorted by item */
	for (int s = 0, d = 0; s < nsupply;)
	{
		int32		sku_id = supply[s].key.sku_id;
		int			s_end = s;
		int			d_end;
		MemoryContext old;

		while (s_end < nsupply && supply[s_end].key.sku_id == sku_id)
			s_end++;
		while (d < ndemand && demand[d].sku_id < sku_id)
			d++;
		d_end = d;
		while (d_end < ndemand && demand[d_end].sku_id == sku_id)
			d_end++;
		if (d_end > d)
		{
			CHECK_FOR_INTERRUPTS();
			/* grown outside: the loop's memory is thrown away */
			if (out.n + (s_end - s) > out.room)
			{
				out.room = 2 * out.room + (s_end - s);
				out.node_id = repalloc_huge(out.node_id, sizeof(int32) * out.room);
				out.sku_id = repalloc_huge(out.sku_id, sizeof(int32) * out.room);
				out.price = repalloc_huge(out.price, sizeof(int64) * out.room);
			}
			old = MemoryContextSwitchTo(loop);
			price_item(&supply[s], s_end - s, &demand[d], d_end - d,
					   lanes, nlanes, penalty, &out);
			MemoryContextSwitchTo(old);
			MemoryContextReset(loop);
		}
		s = s_end;
		d = d_end;
	}
	MemoryContextDelete(loop);
	PG_RETURN_INT32((int32) write_prices(company_id, &out));
}

/*
 * What a unit costs from each node to each region: by oms.lane_cost, or as
 * the planner reckons without it under the rule that names nothing, from the
 * middle of the region's pincodes.
 * Hyperlocal nodes serve areas, not regions: only by lanes that are stated.
 * The lane of a region is that of the longest that begins it.
 */
static OmsPlan read_lanes_plan = {
	"WITH asked AS (SELECT DISTINCT region FROM oms.demand_forecast WHERE company_id = $1 AND period_from < $3 AND period_to > $2),"
	" r AS (SELECT region, row_number() OVER (ORDER BY region COLLATE \"C\") - 1 AS i FROM asked),"
	" rule AS (SELECT * FROM oms.sourcing_rule WHERE company_id = $1 AND fulfilment_mode = 'SHIP' AND valid_from <= $2 AND valid_to > $2"
	"  AND num_nonnulls(channel_id, order_class, sku_id, primary_class, secondary_class, tertiary_class, ship_zone_id, pincode_prefix, state_code) = 0"
	"  ORDER BY sourcing_rule_id LIMIT 1),"
	" middle AS (SELECT r.region, avg(oms.lng(p.place)) AS lng, avg(oms.lat(p.place)) AS lat"
	"  FROM oms.pincode p CROSS JOIN generate_series(1, 6) n JOIN r ON r.region = left(p.pincode, n)"
	"  WHERE p.place IS NOT NULL GROUP BY r.region),"
	" lane AS (SELECT DISTINCT ON (r.region, l.node_id) r.region, l.node_id, l.shipment_cost, l.unit_cost"
	"  FROM r JOIN oms.lane_cost l ON l.company_id = $1"
	"   AND l.region IN (left(r.region, 1), left(r.region, 2), left(r.region, 3), left(r.region, 4), left(r.region, 5), r.region)"
	"  ORDER BY r.region, l.node_id, length(l.region) DESC)"
	" SELECT r.i::int4, n.node_id,"
	/* straight line on a sphere: a ranking, not a tariff */
	"  round(100 * (coalesce(lane.unit_cost, 0) + $4::numeric * (n.handling_cost + coalesce(lane.shipment_cost,"
	"   coalesce(u.shipment_cost, 45) + coalesce(u.cost_per_km, 0.02) * coalesce(round((12742.0176 * asin(sqrt(least(1,"
	"     power(sin(radians(m.lat - oms.lat(n.place)) / 2), 2)"
	"     + cos(radians(m.lat)) * cos(radians(oms.lat(n.place))) * power(sin(radians(m.lng - oms.lng(n.place)) / 2), 2)))))::numeric, 3), 0))"
	"   + coalesce(u.cost_per_priority, 0.05) * n.priority)))::int8"
	" FROM r CROSS JOIN oms.node n LEFT JOIN rule u ON true LEFT JOIN middle m ON m.region = r.region"
	" LEFT JOIN lane ON lane.region = r.region AND lane.node_id = n.node_id"
	" WHERE n.company_id = $1 AND n.open AND (NOT n.hyperlocal OR lane.node_id IS NOT NULL)"
	" ORDER BY 1, 2",
	4, {INT4OID, TIMESTAMPTZOID, TIMESTAMPTZOID, FLOAT8OID}, NULL
};

static int
read_lanes(int32 company_id, const Datum *period, double share, Lane **lanes)
{
	MemoryContext caller = CurrentMemoryContext;
	Datum		values[4] = {
		Int32GetDatum(company_id), period[0], period[1], Float8GetDatum(share)
	};
	int			n;

	oms_spi_connect();
	n = (int) oms_exec(&read_lanes_plan, values, NULL, false, 0);
	*lanes = MemoryContextAllocHuge(caller, sizeof(Lane) * ((Size) n + 1));
	for (int i = 0; i < n; i++)
	{
		(*lanes)[i].region = oms_int4(i, 1);
		(*lanes)[i].node_id = oms_int4(i, 2);
		(*lanes)[i].cost = Min(Max(oms_int8(i, 3), 0), MAX_PENALTY);
	}
	oms_spi_finish();
	return n;
}

/* Of each row so much as of its period is ahead. */
static OmsPlan read_demand_plan = {
	"SELECT f.sku_id, r.i::int4, (sum(f.qty * (extract(epoch FROM least(f.period_to, $3) - greatest(f.period_from, $2))"
	"  / extract(epoch FROM f.period_to - f.period_from))) * 1000)::int8"
	" FROM oms.demand_forecast f JOIN (SELECT region, row_number() OVER (ORDER BY region COLLATE \"C\") - 1 AS i"
	"  FROM (SELECT DISTINCT region FROM oms.demand_forecast WHERE company_id = $1 AND period_from < $3 AND period_to > $2) a) r USING (region)"
	" WHERE f.company_id = $1 AND f.period_from < $3 AND f.period_to > $2"
	" GROUP BY 1, 2 ORDER BY 1, 2",
	3, {INT4OID, TIMESTAMPTZOID, TIMESTAMPTZOID}, NULL
};

static int
read_demand(int32 company_id, const Datum *period, Demand **demand)
{
	MemoryContext caller = CurrentMemoryContext;
	Datum		values[3] = {Int32GetDatum(company_id), period[0], period[1]};
	int			n;

	oms_spi_connect();
	n = (int) oms_exec(&read_demand_plan, values, NULL, false, 0);
	*demand = MemoryContextAllocHuge(caller, sizeof(Demand) * ((Size) n + 1));
	for (int i = 0; i < n; i++)
	{
		(*demand)[i].sku_id = oms_int4(i, 1);
		(*demand)[i].region = oms_int4(i, 2);
		(*demand)[i].qty = Min(oms_int8(i, 3), MAX_ROW);
	}
	oms_spi_finish();
	return n;
}

static OmsPlan read_supply_plan = {
	"SELECT s.node_id, s.sku_id, ((s.on_hand - s.reserved - s.safety) * 1000)::int8"
	" FROM oms.stock s JOIN oms.sku k ON k.sku_id = s.sku_id AND k.tracked"
	" JOIN oms.node n ON n.node_id = s.node_id AND n.open"
	" WHERE s.company_id = $1 AND s.sellable AND s.on_hand - s.reserved - s.safety > 0"
	" ORDER BY s.sku_id, s.node_id",
	1, {INT4OID}, NULL
};

static int
read_supply(int32 company_id, Supply **supply)
{
	MemoryContext caller = CurrentMemoryContext;
	Datum		values[1] = {Int32GetDatum(company_id)};
	int			n;

	oms_spi_connect();
	n = (int) oms_exec(&read_supply_plan, values, NULL, false, 0);
	*supply = MemoryContextAllocHuge(caller, sizeof(Supply) * ((Size) n + 1));
	for (int i = 0; i < n; i++)
	{
		(*supply)[i].key.node_id = oms_int4(i, 1);
		(*supply)[i].key.sku_id = oms_int4(i, 2);
		(*supply)[i].qty = Min(oms_int8(i, 3), MAX_ROW);
	}
	oms_spi_finish();
	return n;
}

static int
compare_lanes(const void *a, const void *b)
{
	const Lane *x = a;
	const Lane *y = b;

	if (x->region != y->region)
		return x->region < y->region ? -1 : 1;
	return x->node_id < y->node_id ? -1 : x->node_id > y->node_id;
}

/* Appends the prices of one item that are above 0. */
static void
price_item(const Supply *supply, int nsupply, const Demand *demand,
		   int ndemand, const Lane *lanes, int nlanes, int64 penalty,
		   Prices *out)
{
	int64	   *now = palloc0(sizeof(int64) * nsupply);
	int64	   *later = palloc0(sizeof(int64) * nsupply);

	duals(supply, nsupply, demand, ndemand, lanes, nlanes, penalty, 1, now);
	duals(supply, nsupply, demand, ndemand, lanes, nlanes, penalty, 1001, later);
	for (int j = 0; j < nsupply; j++)
	{
		/* half up; neither is negative */
		int64		price = (now[j] + later[j] + 1) / 2;

		if (price <= 0)
			continue;
		out->node_id[out->n] = supply[j].key.node_id;
		out->sku_id[out->n] = supply[j].key.sku_id;
		out->price[out->n++] = price;
	}
}

/* What stock is worth with "less" milli units less at each node. */
static void
duals(const Supply *supply, int nsupply, const Demand *demand, int ndemand,
	  const Lane *lanes, int nlanes, int64 penalty, int64 less, int64 *price)
{
	int			n = nsupply + ndemand + 2;
	int			spare = n - 2;
	int			unserved = n - 1;
	int			room = nsupply * ndemand + nsupply + ndemand + 1;
	int			m = 0;
	int64	   *amount = palloc0(sizeof(int64) * n);
	int32	   *from = palloc(sizeof(int32) * room);
	int32	   *to = palloc(sizeof(int32) * room);
	int64	   *capacity = palloc(sizeof(int64) * room);
	int64	   *cost = palloc(sizeof(int64) * room);
	int64	   *flow = palloc0(sizeof(int64) * room);
	int64	   *potential = palloc0(sizeof(int64) * n);
	int64		stock = 0;
	int64		asked = 0;
	OmsFlowProblem p;
	OmsFlowStatus status;

	for (int j = 0; j < nsupply; j++)
	{
		amount[j] = supply[j].qty - Min(supply[j].qty, less);
		stock += amount[j];
	}
	for (int r = 0; r < ndemand; r++)
	{
		amount[nsupply + r] = -demand[r].qty;
		asked += demand[r].qty;
	}
	if (asked == 0)
		return;
	amount[spare] = -stock;
	amount[unserved] = asked;

	/* no arc is ever full: what is scarce shows at the nodes alone */
#define ARC(f, t, k, c) \
	(from[m] = (f), to[m] = (t), capacity[m] = (k), cost[m++] = (c))
	for (int j = 0; j < nsupply; j++)
	{
		for (int r = 0; r < ndemand; r++)
		{
			Lane		key = {demand[r].region, supply[j].key.node_id, 0};
			const Lane *lane = nlanes == 0 ? NULL :
				bsearch(&key, lanes, nlanes, sizeof(Lane), compare_lanes);

			if (lane)
				ARC(j, nsupply + r, Min(amount[j], demand[r].qty) + 1, lane->cost);
		}
		ARC(j, spare, amount[j] + 1, 0);
	}
	for (int r = 0; r < ndemand; r++)
		ARC(unserved, nsupply + r, demand[r].qty + 1, penalty);
	ARC(unserved, spare, asked + 1, 0);
#undef ARC

	p.n = n;
	p.m = m;
	p.supply = amount;
	p.from = from;
	p.to = to;
	p.capacity = capacity;
	p.cost = cost;
	status = oms_mcf_solve(&p, want_stop, flow, potential);
	if (status == OMS_FLOW_STOPPED)
	{
		CHECK_FOR_INTERRUPTS();
		/* interrupts are held off: to the end, then */
		status = oms_mcf_solve(&p, NULL, flow, potential);
	}
	if (status != OMS_FLOW_OPTIMAL)
		elog(ERROR, "the transport problem of item %d was not solved: status %d",
			 supply[0].key.sku_id, (int) status);
	for (int j = 0; j < nsupply; j++)
		price[j] = Max(potential[j] - potential[spare], 0);
}

/* Readers go on meanwhile; one writer at a time, so no order of rows. */
static OmsPlan lock_prices_plan = {
	"LOCK TABLE oms.stock_price IN SHARE ROW EXCLUSIVE MODE", 0, {0}, NULL
};
static OmsPlan drop_prices_plan = {
	"DELETE FROM oms.stock_price p WHERE p.company_id = $1 AND p.basis = 'forecast'"
	" AND NOT EXISTS (SELECT FROM unnest($2::int4[], $3::int4[]) AS u (node_id, sku_id)"
	"  WHERE u.node_id = p.node_id AND u.sku_id = p.sku_id)",
	3, {INT4OID, INT4ARRAYOID, INT4ARRAYOID}, NULL
};
static OmsPlan write_prices_plan = {
	"INSERT INTO oms.stock_price AS p (company_id, node_id, sku_id, price)"
	" SELECT $1, u.node_id, u.sku_id, u.price::numeric / 100 FROM unnest($2::int4[], $3::int4[], $4::int8[]) AS u (node_id, sku_id, price)"
	" ON CONFLICT (company_id, node_id, sku_id) DO UPDATE SET price = excluded.price, computed_at = excluded.computed_at"
	" WHERE p.basis = 'forecast' AND p.price <> excluded.price",
	4, {INT4OID, INT4ARRAYOID, INT4ARRAYOID, INT8ARRAYOID}, NULL
};

static int64
write_prices(int32 company_id, const Prices *p)
{
	Datum		values[4];

	oms_spi_connect();
	oms_exec(&lock_prices_plan, NULL, NULL, false, 0);
	values[0] = Int32GetDatum(company_id);
	values[1] = oms_int4_array(p->node_id, p->n);
	values[2] = oms_int4_array(p->sku_id, p->n);
	values[3] = oms_int8_array(p->price, p->n);
	oms_exec(&drop_prices_plan, values, NULL, false, 0);
	oms_exec(&write_prices_plan, values, NULL, false, 0);
	oms_spi_finish();
	return p->n;
}

static bool
want_stop(void)
{
	return QueryCancelPending || ProcDiePending;
}
