/*
 * simulate.c
 *	  Past orders planned again under other rules: oms.simulate().
 *
 * Nothing is written: no row is locked, no number drawn.  The planner is the
 * one that captures (oms_fulfil_plan without reserving); what it reads is
 * changed on the way in: rules and nodes as the caller states, counts and
 * holds of stock as they were.
 *
 * Stock of the first moment is today's less what the ledger and the
 * reservations say has happened since.  From there on the facts go in the
 * order of time, each order taking from this stock what its new plan takes:
 *	  a count of ours or the ERP's, and goods that came back, change on_hand;
 *	  holds of carts and of orders captured before are taken and given back;
 *	  orders planned here give back what was cancelled of them.
 * Handing over takes from on_hand and reserved alike, so it is left out, and
 * so is what the ERP books of it: that would take from the node where the
 * goods really were.
 *
 * Orders that were loaded later are from a time of which nothing may be on
 * the books.  Where a first count came after such an order, and before it
 * was loaded, the count is taken to have stood since ever, with a notice.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "fmgr.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/hsearch.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#include "orders.h"
#include "sourcing_rule.h"

/* A stock row as it would be. */
typedef struct Level
{
	OmsStockKey key;			/* first: the hash's */
	int64		on_hand;
	int64		reserved;
	int64		first_id;		/* ledger row already in on_hand, or 0 */
} Level;

typedef enum FactKind
{
	FACT_COUNT = 1,				/* on_hand of a key */
	FACT_HOLD,					/* reserved of a key */
	FACT_ORDER,					/* captured */
	FACT_LINE,					/* units of a line cancelled */
	FACT_CANCEL					/* the order cancelled */
} FactKind;

typedef struct Fact
{
	FactKind	kind;
	int64		order_id;		/* of a count its number */
	int32		line_no;
	bool		counted;		/* by the ledger, not booked by the ERP */
	OmsStockKey key;
	int64		qty;
} Fact;

/* What an order's new plan took of one key, for so many units of a line. */
typedef struct Taken
{
	int32		line_no;
	OmsStockKey key;
	int64		units;			/* of the line, milli */
	int64		qty;			/* of the key, milli */
	int64		part;			/* of the units, being given back */
	struct Taken *next;
} Taken;

typedef struct Holding
{
	int64		order_id;		/* first: the hash's */
	Taken	   *taken;			/* last piece first */
} Holding;

typedef struct NodeChange
{
	int32		node_id;
	bool		open;
	int32		priority;
	int64		handling_cost;
	int32		pick_minutes;
	TimeADT		cutoff;
	bool		cod;
	bool		cold_chain;
	bool		pos;
} NodeChange;

typedef struct Simulation
{
	int32		company_id;
	Datum		rules;			/* jsonb */
	MemoryContext cxt;			/* lives for the whole run */
	HTAB	   *levels;
	HTAB	   *holdings;
	int			nnodes;
	NodeChange *nodes;
	/* the order at hand */
	int64		order_id;
	OmsChannel	channel;
	OmsFulfilment f;
	OmsWhatIf	whatif;
} Simulation;

static void load_levels(Simulation *s, Datum from, Datum to);
static int	load_facts(Simulation *s, Datum from, Datum to, Fact **facts);
static void load_nodes(Simulation *s);
static void change_rule(void *arg, OmsSourcingRule *rule);
static void change_nodes(void *arg, const OmsMeshRequest *mesh,
						 OmsNode *nodes, int nnodes);
static void change_levels(void *arg, OmsStockLevel *levels, int nlevels);
static void plan_order(void *arg);
static void take(Simulation *s);
static void give_back(Simulation *s, int64 order_id, int32 line_no, int64 qty);
static void answer(Simulation *s, const ErrorData *err, ReturnSetInfo *rsinfo);

static OmsPlan check_plan = {
	"SELECT oms.simulation_check($1, $2)", 2, {JSONBOID, INT4OID}, NULL
};

PG_FUNCTION_INFO_V1(oms_simulate);

/*
 * oms.simulate(rules jsonb, from timestamptz, to timestamptz, company text)
 * returns table
 */
Datum
oms_simulate(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
	Simulation	s = {0};
	MemoryContext each;
	HASHCTL		ctl = {0};
	Datum		values[2];
	Fact	   *facts;
	int			n;

	InitMaterializedSRF(fcinfo, 0);
	oms_require_installed();
	oms_require_arg(fcinfo, 0, "rules");
	oms_require_arg(fcinfo, 1, "from");
	oms_require_arg(fcinfo, 2, "to");
	if (PG_GETARG_TIMESTAMPTZ(1) > PG_GETARG_TIMESTAMPTZ(2))
	{
		char	   *from = pstrdup(timestamptz_to_str(PG_GETARG_TIMESTAMPTZ(1)));

		ereport(ERROR,
				(errcode(ERRCODE_OMS_INVALID_DOCUMENT),
				 errmsg("\"from\" of a simulation is after \"to\""),
				 errdetail("From %s to %s.", from,
						   timestamptz_to_str(PG_GETARG_TIMESTAMPTZ(2))),
				 errhint("Orders captured from the first moment on and before the second are planned again.")));
	}
	s.company_id = oms_company_id_now(PG_ARGISNULL(3) ? NULL :
									  text_to_cstring(PG_GETARG_TEXT_PP(3)));
	s.rules = JsonbPGetDatum(PG_GETARG_JSONB_P(0));
	s.cxt = CurrentMemoryContext;
	values[0] = s.rules;
	values[1] = Int32GetDatum(s.company_id);
	oms_spi_connect();
	oms_exec(&check_plan, values, NULL, false, 0);
	oms_spi_finish();

	s.whatif.arg = &s;
	s.whatif.rule = change_rule;
	s.whatif.nodes = change_nodes;
	s.whatif.levels = change_levels;
	ctl.keysize = sizeof(OmsStockKey);
	ctl.entrysize = sizeof(Level);
	ctl.hcxt = s.cxt;
	s.levels = hash_create("simulated stock", 1024, &ctl,
						   HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
	ctl.keysize = sizeof(int64);
	ctl.entrysize = sizeof(Holding);
	s.holdings = hash_create("simulated orders", 1024, &ctl,
							 HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
	load_levels(&s, PG_GETARG_DATUM(1), PG_GETARG_DATUM(2));
	load_nodes(&s);
	n = load_facts(&s, PG_GETARG_DATUM(1), PG_GETARG_DATUM(2), &facts);

	each = AllocSetContextCreate(s.cxt, "simulated order", ALLOCSET_DEFAULT_SIZES);
	for (int i = 0; i < n; i++)
	{
		const Fact *fact = &facts[i];
		Level	   *level;

		CHECK_FOR_INTERRUPTS();
		if (fact->kind == FACT_ORDER)
		{
			ErrorData  *err = NULL;

			s.order_id = fact->order_id;
			MemoryContextSwitchTo(each);
			if (oms_try(plan_order, &s, &err))
				take(&s);
			MemoryContextSwitchTo(each);
			answer(&s, err, rsinfo);
			MemoryContextSwitchTo(s.cxt);
			MemoryContextReset(each);
		}
		else if (fact->kind == FACT_LINE)
			give_back(&s, fact->order_id, fact->line_no, fact->qty);
		else if (fact->kind == FACT_CANCEL)
			give_back(&s, fact->order_id, 0, PG_INT64_MAX);
		else if ((level = hash_search(s.levels, &fact->key, HASH_FIND, NULL)) != NULL)
		{
			if (fact->kind == FACT_COUNT && fact->counted &&
				fact->order_id == level->first_id)
				continue;
			if (fact->kind == FACT_COUNT)
				level->on_hand += fact->qty;
			else
				level->reserved += fact->qty;
		}
	}
	MemoryContextDelete(each);
	hash_destroy(s.levels);
	hash_destroy(s.holdings);
	return (Datum) 0;
}

/*
 * Reservations but those of orders in the window, which are planned anew:
 * from when to when each counts.  What an order took when it was captured,
 * it has since then, though it may have been loaded later.
 */
#define FACTUAL_HOLDS(window) \
	"SELECT r.node_id, r.sku_id, r.qty, CASE WHEN r.created_at = a.created_at THEN least(r.created_at, o.captured_at) ELSE r.created_at END AS since, least(r.closed_at, r.expires_at) AS until," \
	"  r.close_reason = 'consumed' AND n.stock_from = 'oms' AS left_us" \
	"  FROM oms.reservation r JOIN oms.node n ON n.node_id = r.node_id" \
	"  LEFT JOIN oms.allocation a ON a.company_id = r.company_id AND a.allocation_id = r.allocation_id" \
	"  LEFT JOIN oms.\"order\" o ON o.company_id = a.company_id AND o.order_id = a.order_id" \
	"  WHERE r.company_id = $1 AND NOT coalesce(" window ", false)"

/* What was there and held at the first moment; a first count that an order was loaded after. */
static OmsPlan levels_plan = {
	"WITH late AS (SELECT item, range_agg(tstzrange(captured_at, loaded_at, '(]')) AS times FROM ("
	"   SELECT coalesce(c.sku_id, a.sku_id) AS item, o.captured_at, min(a.created_at) AS loaded_at FROM oms.\"order\" o"
	"   JOIN oms.allocation a ON a.company_id = o.company_id AND a.order_id = o.order_id"
	"   LEFT JOIN oms.kit_component c ON c.company_id = a.company_id AND c.kit_sku_id = a.sku_id"
	"   WHERE o.company_id = $1 AND o.captured_at >= $2 AND o.captured_at < $3"
	"   GROUP BY 1, 2, o.order_id HAVING min(a.created_at) > o.captured_at) x GROUP BY 1)"
	" SELECT s.node_id, s.sku_id, ((s.on_hand - coalesce(l.delta, 0) + coalesce(f.delta, 0)) * 1000)::int8, (coalesce(h.qty, 0) * 1000)::int8, f.ledger_id"
	" FROM oms.stock s LEFT JOIN late ON late.item = s.sku_id"
	" LEFT JOIN LATERAL (SELECT g.ledger_id, g.delta, g.on_hand, g.created_at FROM oms.stock_ledger g WHERE g.company_id = $1 AND g.node_id = s.node_id AND g.sku_id = s.sku_id"
	"  ORDER BY g.ledger_id LIMIT 1) f ON f.created_at >= $2 AND f.delta = f.on_hand"
	"  AND late.times @> f.created_at"
	" LEFT JOIN (SELECT node_id, sku_id, sum(delta) AS delta FROM oms.stock_ledger"
	"  WHERE company_id = $1 AND created_at >= $2 GROUP BY 1, 2) l USING (node_id, sku_id)"
	" LEFT JOIN (SELECT node_id, sku_id, sum(qty) AS qty FROM (" FACTUAL_HOLDS("o.captured_at >= $2") ") x"
	"  WHERE since < $2 AND (until >= $2 OR until IS NULL) GROUP BY 1, 2) h USING (node_id, sku_id)"
	" WHERE s.company_id = $1",
	3, {INT4OID, TIMESTAMPTZOID, TIMESTAMPTZOID}, NULL
};

static void
load_levels(Simulation *s, Datum from, Datum to)
{
	Datum		values[3] = {Int32GetDatum(s->company_id), from, to};
	int			nfirst = 0;
	uint64		n;

	oms_spi_connect();
	n = oms_exec(&levels_plan, values, NULL, false, 0);
	for (uint64 i = 0; i < n; i++)
	{
		OmsStockKey key = {oms_int4(i, 1), oms_int4(i, 2)};
		Level	   *level = hash_search(s->levels, &key, HASH_ENTER, NULL);

		level->on_hand = oms_int8(i, 3);
		level->reserved = oms_int8(i, 4);
		level->first_id = oms_int8(i, 5);
		nfirst += level->first_id != 0 ? 1 : 0;
	}
	oms_spi_finish();
	if (nfirst > 0)
		ereport(NOTICE,
				(errmsg_plural("the first count of %d item at a node is taken to have stood before as well",
							   "the first counts of %d items at nodes are taken to have stood before as well",
							   nfirst, nfirst),
				 errdetail("Orders of a time before it were loaded after it; what was there then is not on the books.")));
}

/*
 * Of one moment: what happened to stock, then orders, then what was cancelled
 * of them.
 */
static OmsPlan facts_plan = {
	"WITH hold AS (" FACTUAL_HOLDS("o.captured_at >= $2 AND o.captured_at < $3") ")"
	/* counts; what left goes with what was held */
	" SELECT created_at AS at, 1 AS kind, ledger_id AS id, 0 AS line_no, node_id, sku_id, (delta * 1000)::int8 AS qty"
	"  FROM oms.stock_ledger WHERE company_id = $1 AND created_at >= $2 AND created_at < $3 AND reason <> 'dispatch'"
	/* the ERP's booking of what really left for these orders */
	" UNION ALL SELECT r.closed_at, 1, r.reservation_id, NULL, r.node_id, r.sku_id, (r.qty * 1000)::int8"
	"  FROM oms.reservation r JOIN oms.node n ON n.node_id = r.node_id AND n.stock_from = 'erp'"
	"  JOIN oms.allocation a ON a.company_id = r.company_id AND a.allocation_id = r.allocation_id"
	"  JOIN oms.\"order\" o ON o.company_id = a.company_id AND o.order_id = a.order_id AND o.captured_at >= $2 AND o.captured_at < $3"
	"  WHERE r.company_id = $1 AND r.close_reason = 'consumed' AND r.closed_at < $3"
	" UNION ALL SELECT since, 2, 0, NULL, node_id, sku_id, (qty * 1000)::int8 FROM hold WHERE since >= $2 AND since < $3"
	" UNION ALL SELECT until, 2, 0, NULL, node_id, sku_id, (-qty * 1000)::int8 FROM hold WHERE until >= $2 AND until < $3 AND left_us IS NOT TRUE"
	" UNION ALL SELECT captured_at, 3, order_id, NULL, NULL, NULL, NULL"
	"  FROM oms.\"order\" WHERE company_id = $1 AND captured_at >= $2 AND captured_at < $3"
	" UNION ALL SELECT created_at, 4, order_id, line_no, NULL, NULL, (qty * 1000)::int8"
	"  FROM oms.line_cancellation WHERE company_id = $1 AND created_at >= $2 AND created_at < $3"
	" UNION ALL SELECT created_at, 5, subject_id, NULL, NULL, NULL, NULL"
	"  FROM oms.event WHERE company_id = $1 AND topic = 'order' AND type = 'order.cancelled' AND created_at >= $2 AND created_at < $3"
	" ORDER BY at, kind, id, node_id, sku_id, qty",
	3, {INT4OID, TIMESTAMPTZOID, TIMESTAMPTZOID}, NULL
};

static int
load_facts(Simulation *s, Datum from, Datum to, Fact **facts)
{
	Datum		values[3] = {Int32GetDatum(s->company_id), from, to};
	int			n;

	oms_spi_connect();
	n = (int) oms_exec(&facts_plan, values, NULL, false, 0);
	*facts = MemoryContextAllocHuge(s->cxt, sizeof(Fact) * (Size) (n + 1));
	for (int i = 0; i < n; i++)
	{
		Fact	   *fact = &(*facts)[i];

		fact->kind = oms_int4(i, 2);
		fact->order_id = oms_int8(i, 3);
		fact->line_no = oms_int4(i, 4);
		fact->counted = !oms_isnull(i, 4);
		fact->key.node_id = oms_int4(i, 5);
		fact->key.sku_id = oms_int4(i, 6);
		fact->qty = oms_int8(i, 7);
	}
	oms_spi_finish();
	return n;
}

/*
 * The changes
 */
static OmsPlan nodes_plan = {
	"SELECT n.node_id, r.open, r.priority, (r.handling_cost * 100)::int8, r.pick_minutes, r.cutoff, r.cod, r.cold_chain, r.pos"
	" FROM jsonb_each($2 -> 'node') e JOIN oms.node n ON n.company_id = $1 AND n.code = e.key,"
	" LATERAL jsonb_populate_record(n, e.value) r ORDER BY 1",
	2, {INT4OID, JSONBOID}, NULL
};

static void
load_nodes(Simulation *s)
{
	Datum		values[2] = {Int32GetDatum(s->company_id), s->rules};

	oms_spi_connect();
	s->nnodes = (int) oms_exec(&nodes_plan, values, NULL, false, 0);
	s->nodes = MemoryContextAllocZero(s->cxt, sizeof(NodeChange) * (s->nnodes + 1));
	for (int i = 0; i < s->nnodes; i++)
	{
		NodeChange *c = &s->nodes[i];
		bool		isnull;

		c->node_id = oms_int4(i, 1);
		c->open = oms_bool(i, 2);
		c->priority = oms_int4(i, 3);
		c->handling_cost = oms_int8(i, 4);
		c->pick_minutes = oms_int4(i, 5);
		c->cutoff = DatumGetTimeADT(oms_datum(i, 6, &isnull));
		c->cod = oms_bool(i, 7);
		c->cold_chain = oms_bool(i, 8);
		c->pos = oms_bool(i, 9);
	}
	oms_spi_finish();
}

static void
change_nodes(void *arg, const OmsMeshRequest *mesh, OmsNode *nodes, int nnodes)
{
	Simulation *s = arg;

	for (int c = 0; c < s->nnodes; c++)
		for (int i = 0; i < nnodes; i++)
			if (nodes[i].node_id == s->nodes[c].node_id)
			{
				nodes[i].priority = s->nodes[c].priority;
				nodes[i].handling_cost = s->nodes[c].handling_cost;
				nodes[i].pick_minutes = s->nodes[c].pick_minutes;
				nodes[i].cutoff = s->nodes[c].cutoff;
				nodes[i].cod = s->nodes[c].cod;
				nodes[i].cold_chain = s->nodes[c].cold_chain;
				nodes[i].pos = s->nodes[c].pos;
				nodes[i].refused = oms_mesh_refusal(mesh, &nodes[i], s->nodes[c].open);
			}
}

/* The row the rule is from with the columns that are stated in their place. */
static OmsPlan rule_plan = {
	"SELECT " OMS_RULE_COLUMNS " FROM (SELECT 1) one LEFT JOIN oms.sourcing_rule b ON b.sourcing_rule_id = $1,"
	" LATERAL jsonb_populate_record(b, coalesce($2 -> 'rule', '{}') || coalesce($2 -> 'channel' -> $3 -> 'rule', '{}')) r",
	3, {INT4OID, JSONBOID, TEXTOID}, NULL
};
static OmsPlan channel_plan = {
	"SELECT r.allow_split, r.max_shipments, r.allow_backorder, c.code FROM oms.channel c,"
	" LATERAL jsonb_populate_record(c, coalesce($2 -> 'channel' -> c.code, '{}') - 'rule') r WHERE c.channel_id = $1",
	2, {INT4OID, JSONBOID}, NULL
};

static void
change_rule(void *arg, OmsSourcingRule *rule)
{
	Simulation *s = arg;
	MemoryContext caller = CurrentMemoryContext;
	OmsSourcingRule old = *rule;
	Datum		values[3] = {Int32GetDatum(rule->rule_id), s->rules};
	Datum		channel[2] = {Int32GetDatum(s->channel.channel_id), s->rules};

	oms_spi_connect();
	oms_exec(&channel_plan, channel, NULL, false, 1);
	values[2] = oms_text(oms_cstr(0, 4));
	rule->allow_split = s->channel.rule.allow_split;
	rule->max_shipments = s->channel.max_shipments;
	oms_exec(&rule_plan, values, NULL, false, 1);
	oms_rule_read(0, 1, caller, rule);
	rule->has_steps = old.has_steps;
	rule->nsteps = old.nsteps;
	rule->steps = old.steps;
	oms_spi_finish();
}

static void
change_levels(void *arg, OmsStockLevel *levels, int nlevels)
{
	Simulation *s = arg;

	for (int i = 0; i < nlevels; i++)
	{
		Level	   *l = hash_search(s->levels, &levels[i].key, HASH_FIND, NULL);

		levels[i].on_hand = l ? l->on_hand : 0;
		levels[i].reserved = l ? l->reserved : 0;
	}
}

/*
 * An order, planned
 */
static OmsPlan order_plan = {
	"SELECT c.code, o.payment_mode = 'COD', ((o.total_amount - o.paid_amount) * 100)::int8, (o.goods_amount * 100)::int8,"
	" o.ship_pincode, oms.lng(o.ship_place), oms.lat(o.ship_place), o.ship_place IS NOT NULL, o.place_of_supply, o.only_node_id,"
	" coalesce(r.probability, 0), o.order_class, o.ship_state_code, o.fulfilment_mode = 'CARRY_OUT', o.captured_at, o.only_service, o.max_days, o.supply_type"
	" FROM oms.\"order\" o JOIN oms.channel c ON c.channel_id = o.channel_id"
	" LEFT JOIN oms.risk_score r ON r.company_id = o.company_id AND r.order_id = o.order_id"
	" WHERE o.company_id = $1 AND o.order_id = $2",
	2, {INT4OID, INT8OID}, NULL
};
static OmsPlan lines_plan = {
	"SELECT l.line_no, k.code, (l.qty * 1000)::int8, (l.net_amount * 100)::int8"
	" FROM oms.order_line l JOIN oms.sku k ON k.sku_id = l.sku_id"
	" WHERE l.company_id = $1 AND l.order_id = $2 ORDER BY l.line_no",
	2, {INT4OID, INT8OID}, NULL
};

static void
plan_order(void *arg)
{
	Simulation *s = arg;
	MemoryContext caller = CurrentMemoryContext;
	OmsFulfilment *f = &s->f;
	Datum		values[2] = {Int32GetDatum(s->company_id), Int64GetDatum(s->order_id)};
	char	   *code;

	memset(f, 0, sizeof(*f));
	memset(&s->channel, 0, sizeof(s->channel));
	oms_spi_connect();
	oms_exec(&order_plan, values, NULL, false, 1);
	code = oms_strdup(caller, oms_cstr(0, 1));
	f->company_id = s->company_id;
	f->order_id = s->order_id;
	f->carry_out = oms_bool(0, 14);
	f->cod = oms_bool(0, 2) && !f->carry_out;
	f->due = f->cod ? Max(oms_int8(0, 3), 0) : 0;
	f->goods = oms_int8(0, 4);
	f->pincode = f->carry_out ? NULL : oms_strdup(caller, oms_cstr(0, 5));
	f->has_point = oms_bool(0, 8);
	f->lng = f->has_point ? oms_float8(0, 6) : 0;
	f->lat = f->has_point ? oms_float8(0, 7) : 0;
	f->place_of_supply = oms_strdup(caller, oms_cstr(0, 9));
	f->only_node_id = oms_int4(0, 10);
	f->p_rto = oms_float8(0, 11);
	f->order_class = oms_strdup(caller, oms_cstr(0, 12));
	f->service = oms_strdup(caller, oms_cstr(0, 16));
	f->has_max_days = !oms_isnull(0, 17);
	f->max_days = oms_int4(0, 17);
	f->supply = oms_supply_of(oms_cstr(0, 18));
	f->state_code = f->carry_out ? NULL : oms_strdup(caller, oms_cstr(0, 13));
	f->at = oms_time(0, 15);
	f->nlines = (int) oms_exec(&lines_plan, values, NULL, false, 0);
	f->lines = MemoryContextAllocZero(caller, sizeof(OmsLine) * (f->nlines + 1));
	for (int i = 0; i < f->nlines; i++)
	{
		f->lines[i].line_no = oms_int4(i, 1);
		f->lines[i].sku = oms_strdup(caller, oms_cstr(i, 2));
		f->lines[i].qty = oms_int8(i, 3);
		f->lines[i].net = oms_int8(i, 4);
	}
	oms_spi_finish();

	oms_channel_find(s->company_id, code, true, &s->channel);
	values[0] = Int32GetDatum(s->channel.channel_id);
	values[1] = s->rules;
	oms_spi_connect();
	oms_exec(&channel_plan, values, NULL, false, 1);
	s->channel.rule.allow_split = oms_bool(0, 1);
	s->channel.rule.max_shipments = s->channel.max_shipments = oms_int4(0, 2);
	s->channel.allow_backorder = oms_bool(0, 3);
	oms_spi_finish();
	oms_lines_find(s->company_id, s->channel.price_list_id, f->lines, f->nlines, f->at);
	f->channel = &s->channel;
	f->supply_day = oms_supply_day(&s->channel, f->at);
	f->whatif = &s->whatif;
	oms_fulfil_plan(f);
}

/* What the plan takes is not there for the next. */
static void
take(Simulation *s)
{
	OmsFulfilment *f = &s->f;
	Holding    *holding = hash_search(s->holdings, &s->order_id, HASH_ENTER, NULL);
	MemoryContext each = MemoryContextSwitchTo(s->cxt);
	bool		all = true;

	holding->taken = NULL;
	/* without backorders an order that is short is refused: takes nothing */
	for (int j = 0; j < f->nlines; j++)
		all &= f->plan.unfilled[j] == 0;
	for (int i = 0; (all || s->channel.allow_backorder) && i < f->plan.npieces; i++)
	{
		const OmsPiece *piece = &f->plan.pieces[i];
		const OmsDemand *d = &f->demand[piece->demand];

		for (int c = 0; c < Max(d->ncomponents, 1); c++)
		{
			OmsStockKey key = {
				f->plan.nodes[piece->node].node_id,
				d->ncomponents ? d->component_sku[c] : d->sku_id
			};
			Level	   *level = hash_search(s->levels, &key, HASH_FIND, NULL);
			Taken	   *t;

			if (level == NULL)
				continue;		/* an item that is not counted */
			t = palloc0(sizeof(Taken));
			t->line_no = f->lines[piece->demand].line_no;
			t->key = key;
			t->units = piece->qty;
			t->qty = d->ncomponents ?
				oms_muldiv(piece->qty, d->component_qty[c], 1000) : piece->qty;
			t->next = holding->taken;
			holding->taken = t;
			level->reserved += t->qty;
		}
	}
	MemoryContextSwitchTo(each);
}

/*
 * Gives back units of a line (0: all of the order), the last piece first, and
 * of each key in proportion.
 */
static void
give_back(Simulation *s, int64 order_id, int32 line_no, int64 qty)
{
	Holding    *holding = hash_search(s->holdings, &order_id, HASH_FIND, NULL);
	Taken	   *first = holding ? holding->taken : NULL;

	for (Taken *t = first; t; t = t->next)
	{
		int64		rest = qty;

		/* less what pieces before this one of the same item give */
		for (Taken *u = first; line_no != 0 && u != t; u = u->next)
			if (u->line_no == line_no && u->key.sku_id == t->key.sku_id)
				rest -= u->part;
		t->part = line_no == 0 || t->line_no == line_no ?
			Min(t->units, Max(rest, 0)) : 0;
	}
	for (Taken *t = first; t; t = t->next)
	{
		Level	   *level = hash_search(s->levels, &t->key, HASH_FIND, NULL);
		int64		q = t->units > 0 ? oms_muldiv(t->qty, t->part, t->units) : 0;

		level->reserved -= q;
		t->qty -= q;
		t->units -= t->part;
	}
}

/*
 * What was: the first run's decisions and the promise
 */
static OmsPlan was_plan = {
	"SELECT o.external_id, o.captured_at, o.promised_at,"
	" ARRAY(SELECT n.code FROM oms.decision d JOIN oms.node n ON n.node_id = d.node_id WHERE d.company_id = $1 AND d.order_id = $2"
	"  AND d.run = 1 AND d.subject = 'node' AND d.outcome = 'chosen' ORDER BY n.code),"
	" (p.terms ->> 'parcels')::int4, coalesce((p.terms ->> 'complete')::bool, false), p.cost"
	" FROM oms.\"order\" o LEFT JOIN oms.decision p ON p.company_id = o.company_id AND p.order_id = o.order_id AND p.run = 1"
	"  AND p.subject = 'plan' AND p.outcome = 'chosen'"
	" WHERE o.company_id = $1 AND o.order_id = $2",
	2, {INT4OID, INT8OID}, NULL
};

static int
compare_text(const void *a, const void *b)
{
	return strcmp(*(const char *const *) a, *(const char *const *) b);
}

static void
answer(Simulation *s, const ErrorData *err, ReturnSetInfo *rsinfo)
{
	OmsFulfilment *f = &s->f;
	Datum		values[15];
	bool		nulls[15] = {0};
	Datum		keys[2] = {Int32GetDatum(s->company_id), Int64GetDatum(s->order_id)};
	bool		takes = err == NULL && (f->complete || s->channel.allow_backorder);

	oms_spi_connect();
	oms_exec(&was_plan, keys, NULL, false, 1);
	values[0] = Int64GetDatum(s->order_id);
	for (int c = 1; c <= 7; c++)
		values[c] = oms_datum(0, c, &nulls[c]);
	nulls[5] = false;
	if (oms_isnull(0, 5))
		values[5] = Int32GetDatum(0);
	for (int c = 8; c <= 13; c++)
		nulls[c] = err != NULL;
	nulls[14] = err == NULL;
	if (err)
		values[14] = oms_text(err->message);
	else
	{
		const char **code = palloc(sizeof(char *) * (f->plan.nnodes + 1));
		int			n = 0;
		OmsJson		j;

		for (int i = 0; i < f->plan.nnodes && takes; i++)
			if (f->plan.node_used[i])
				code[n++] = f->plan.nodes[i].code;
		qsort(code, n, sizeof(char *), compare_text);
		values[8] = oms_text_array(code, n);
		values[9] = Int32GetDatum(takes ? (f->carry_out ? Min(n, 1) : f->nquotes) : 0);
		values[10] = BoolGetDatum(f->complete);
		nulls[11] = n == 0;
		values[11] = oms_paise_numeric(f->plan.cost);
		nulls[12] = !takes || f->promised_at == 0;
		values[12] = TimestampTzGetDatum(f->promised_at);
		oms_json_begin(&j);
		for (int l = 0; l < f->nlines; l++)
		{
			oms_json_object(&j, psprintf("%d", f->lines[l].line_no));
			for (int i = 0; i < f->plan.npieces && takes; i++)
				if (f->plan.pieces[i].demand == l)
					oms_json_milli(&j, f->plan.nodes[f->plan.pieces[i].node].code,
								   f->plan.pieces[i].qty);
			oms_json_close_object(&j);
		}
		values[13] = JsonbPGetDatum(oms_json_end(&j));
	}
	tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, values, nulls);
	oms_spi_finish();
}
