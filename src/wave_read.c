/*
 * wave_read.c
 *	  The problem of a wave, read in a few statements: orders that wait, those
 *	  that may move, levels, prices, costs from nodes to places, slots.
 *
 * What nodes cost and whether they serve is asked once for each place and
 * rule, not for each order.  What is read here is a guess by the time it is
 * written: the planner checks every order again under the locks (wave.c).
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "utils/builtins.h"
#include "utils/hsearch.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#include "node_slot.h"
#include "orders.h"
#include "sourcing_rule.h"
#include "stock_price.h"
#include "wave_plan.h"

/* As much as anybody wants of an item that is not counted. */
#define PLENTY INT64CONST(1000000000000)

/* Where an order goes and by which rule. */
typedef struct PlaceKey
{
	int32		channel_id;
	int32		only_node_id;
	double		lng;
	double		lat;
	bool		has_point;
	bool		cod;
	char		pincode[7];
	char		state_code[4];
	char		order_class[64];
} PlaceKey;

typedef struct Place
{
	PlaceKey	key;
	int			number;
	OmsSourcingRule rule;
} Place;

typedef struct Shop
{
	int32		channel_id;
	OmsChannel	channel;
} Shop;

typedef struct Reading
{
	OmsWaveInput *in;
	MemoryContext cxt;
	TimestampTz at;
	HTAB	   *places;
	int			nplaces;
	int			place_room;
	int64	   *open_cost;
	int64	   *lane_unit;
	List	   *shops;
	int			line_room;
	bool	   *slots_known;	/* [node] */
} Reading;

/*
 * One row a line and node.  What waits, of orders for which something is
 * there; then, if asked for, orders reserved in full whose items have come in
 * somewhere since.
 */
#define LINE_COLUMNS \
	" o.order_id, o.channel_id, c.code, coalesce(o.ship_pincode, ''), coalesce(oms.lng(o.ship_place), 0), coalesce(oms.lat(o.ship_place), 0)," \
	" o.ship_place IS NOT NULL, coalesce(o.only_node_id, 0), a.line_no, a.sku_id, (sum(a.qty) * 1000)::int8, coalesce(a.node_id, 0)" \
	", coalesce(o.ship_state_code, ''), coalesce(o.order_class, ''), o.payment_mode = 'COD'" \
	" FROM pick p JOIN oms.\"order\" o ON o.company_id = $1 AND o.order_id = p.order_id" \
	" JOIN oms.channel c ON c.channel_id = o.channel_id" \
	" JOIN oms.allocation a ON a.company_id = $1 AND a.order_id = o.order_id"

static OmsPlan waiting_plan = {
	"WITH pick AS (SELECT DISTINCT a.order_id FROM oms.allocation a"
	" JOIN oms.\"order\" o ON o.company_id = a.company_id AND o.order_id = a.order_id AND o.fulfilment_mode = 'SHIP'"
	" WHERE a.company_id = $1 AND a.status = 'backordered' AND EXISTS (SELECT FROM oms.sku k"
	"  LEFT JOIN oms.kit_component t ON t.company_id = k.company_id AND t.kit_sku_id = k.sku_id"
	"  JOIN oms.stock s ON s.company_id = k.company_id AND s.sku_id = coalesce(t.sku_id, k.sku_id)"
	"  WHERE k.sku_id = a.sku_id AND s.sellable AND (s.on_hand - s.reserved - s.safety > 0 OR NOT k.tracked))"
	" ORDER BY a.order_id LIMIT $2)"
	" SELECT false," LINE_COLUMNS " AND a.status = 'backordered'"
	" GROUP BY o.company_id, o.order_id, c.channel_id, a.line_no, a.sku_id, a.node_id ORDER BY o.order_id, a.line_no",
	2, {INT4OID, INT4OID}, NULL
};
static OmsPlan moving_plan = {
	"WITH pick AS (SELECT DISTINCT a.order_id FROM oms.allocation a"
	" JOIN oms.\"order\" o ON o.company_id = a.company_id AND o.order_id = a.order_id"
	"  AND o.fulfilment_mode = 'SHIP' AND o.only_node_id IS NULL AND o.status IN ('reserved', 'on_hold')"
	" WHERE a.company_id = $1 AND a.status = 'reserved'"
	" AND EXISTS (SELECT FROM oms.sku k"
	"  LEFT JOIN oms.kit_component t ON t.company_id = k.company_id AND t.kit_sku_id = k.sku_id"
	"  JOIN oms.stock s ON s.company_id = k.company_id AND s.sku_id = coalesce(t.sku_id, k.sku_id) AND s.node_id <> a.node_id"
	"  WHERE k.sku_id = a.sku_id AND k.tracked AND s.sellable AND s.on_hand - s.reserved - s.safety > 0"
	"  AND EXISTS (SELECT FROM oms.stock_ledger g WHERE g.company_id = s.company_id AND g.node_id = s.node_id AND g.sku_id = s.sku_id"
	"   AND g.delta > 0 AND g.created_at >= a.created_at))"
	" AND NOT EXISTS (SELECT FROM oms.allocation b WHERE b.company_id = a.company_id AND b.order_id = a.order_id"
	"  AND b.status NOT IN ('reserved', 'cancelled'))"
	" ORDER BY a.order_id LIMIT $2)"
	" SELECT true," LINE_COLUMNS " AND a.status = 'reserved'"
	" GROUP BY o.company_id, o.order_id, c.channel_id, a.line_no, a.sku_id, a.node_id ORDER BY o.order_id, a.line_no, a.node_id",
	2, {INT4OID, INT4OID}, NULL
};
static OmsPlan nodes_plan = {
	"SELECT n.node_id, coalesce((SELECT CASE WHEN jsonb_typeof(j.value) = 'object'"
	"  THEN (SELECT coalesce(sum(k.value::int8), 0)::int8 FROM jsonb_each_text(j.value) k) ELSE (j.value)::int8 END"
	"  FROM jsonb_each($2) j WHERE j.key = n.code), -1)"
	" FROM oms.node n WHERE n.company_id = $1 ORDER BY n.node_id",
	2, {INT4OID, JSONBOID}, NULL
};
static OmsPlan kits_plan = {
	"SELECT k.sku_id, coalesce(t.sku_id, k.sku_id), coalesce((t.qty * 1000)::int8, 1000), t.sku_id IS NOT NULL"
	" FROM oms.sku k LEFT JOIN oms.kit_component t ON t.company_id = k.company_id AND t.kit_sku_id = k.sku_id"
	" WHERE k.sku_id = ANY ($1) ORDER BY 1, 2",
	1, {INT4ARRAYOID}, NULL
};
static OmsPlan barred_plan = {
	"SELECT order_id, node_id FROM oms.allocation_rejection WHERE company_id = $1 AND order_id = ANY ($2)"
	" AND (until IS NULL OR until > $3)",
	3, {INT4OID, INT8ARRAYOID, TIMESTAMPTZOID}, NULL
};

static int
node_index(const OmsWaveInput *in, int32 node_id)
{
	int			lo = 0,
				hi = in->w.nnodes - 1;

	while (lo <= hi)
	{
		int			mid = (lo + hi) / 2;

		if (in->node_ids[mid] == node_id)
			return mid;
		if (in->node_ids[mid] < node_id)
			lo = mid + 1;
		else
			hi = mid - 1;
	}
	return -1;
}

static int
compare_int4(const void *a, const void *b)
{
	int32		x = *(const int32 *) a;
	int32		y = *(const int32 *) b;

	return x < y ? -1 : x > y;
}

static int
sku_index(const OmsWaveInput *in, int32 sku_id)
{
	int32	   *found = bsearch(&sku_id, in->sku_ids, in->w.nskus, sizeof(int32), compare_int4);

	return found ? (int) (found - in->sku_ids) : -1;
}

static const OmsChannel *
shop(Reading *r, int32 channel_id, const char *code)
{
	ListCell   *lc;
	Shop	   *s;
	MemoryContext old;

	foreach(lc, r->shops)
	{
		s = lfirst(lc);
		if (s->channel_id == channel_id)
			return &s->channel;
	}
	old = MemoryContextSwitchTo(r->cxt);
	s = palloc0(sizeof(Shop));
	s->channel_id = channel_id;
	oms_channel_find(r->in->company_id, code, true, &s->channel);
	r->shops = lappend(r->shops, s);
	MemoryContextSwitchTo(old);
	return &s->channel;
}

/* The rule of orders of this key, as far as it does not go by items. */
static void
find_rule(Reading *r, const PlaceKey *key, const OmsChannel *channel,
		  OmsSourcingRule *rule)
{
	OmsRuleQuery q = {0};

	*rule = channel->rule;
	if (!channel->keyed_rules)
		return;
	q.company_id = r->in->company_id;
	q.channel_id = key->channel_id;
	q.order_class = key->order_class[0] ? key->order_class : NULL;
	q.pincode = key->pincode[0] ? key->pincode : NULL;
	q.state_code = key->state_code[0] ? key->state_code : NULL;
	q.has_point = key->has_point;
	q.lng = key->lng;
	q.lat = key->lat;
	q.allow_split = channel->rule.allow_split;
	q.max_shipments = channel->max_shipments;
	q.at = r->at;
	oms_rules_find(&q, &channel->rule, rule, NULL);
}

/* Parcels each node can still take in its first slot with room. */
static void
read_slots(Reading *r, const OmsPlanRequest *req, OmsPlanResult *res)
{
	OmsWaveInput *in = r->in;
	int64	   *filled = palloc(sizeof(int64) * (res->nnodes + 1));
	int64	   *at_node = palloc0(sizeof(int64) * (res->nnodes + 1));

	for (int i = 0; i < res->nnodes; i++)
		filled[i] = 1000;
	oms_slots_look(req, filled, at_node, res);
	for (int i = 0; i < res->nnodes; i++)
	{
		int			j = node_index(in, res->nodes[i].node_id);
		int64		room = OMS_WAVE_ANY;

		if (j < 0 || r->slots_known[j])
			continue;
		if (res->nodes[i].refused)
		{
			if (strcmp(res->nodes[i].refused, "CAPACITY_FULL") != 0)
				continue;		/* not here; asked again elsewhere */
			room = 0;
		}
		else if (res->slots && res->slots[i].starts_at != 0 && !res->nodes[i].capacity_units)
			room = (res->slots[i].capacity - res->slots[i].used) / 1000;
		r->slots_known[j] = true;
		in->w.slots[j] = Min(in->w.slots[j], Max(room, 0));
	}
}

/* What each node costs an order of this key, asked when first met. */
static Place *
place_of(Reading *r, const PlaceKey *key, const OmsChannel *channel)
{
	OmsWaveInput *in = r->in;
	bool		known;
	Place	   *p = hash_search(r->places, key, HASH_ENTER, &known);
	OmsPlanRequest req = {0};
	OmsPlanResult res = {0};
	int			n = in->w.nnodes;
	int64	   *open;
	int64	   *unit;
	int64	   *units;
	MemoryContext old;
	MemoryContext own;

	if (known)
		return p;
	p->number = r->nplaces++;
	if (r->nplaces > r->place_room)
	{
		r->place_room = 2 * r->place_room + 64;
		if (r->open_cost == NULL)
		{
			r->open_cost = MemoryContextAllocHuge(r->cxt, sizeof(int64) * n * r->place_room + 1);
			r->lane_unit = MemoryContextAllocHuge(r->cxt, sizeof(int64) * n * r->place_room + 1);
		}
		else
		{
			r->open_cost = repalloc_huge(r->open_cost, sizeof(int64) * n * r->place_room + 1);
			r->lane_unit = repalloc_huge(r->lane_unit, sizeof(int64) * n * r->place_room + 1);
		}
	}
	open = &r->open_cost[(Size) p->number * n];
	unit = &r->lane_unit[(Size) p->number * n];
	for (int j = 0; j < n; j++)
	{
		open[j] = -1;
		unit[j] = 0;
	}

	own = AllocSetContextCreate(CurrentMemoryContext, "oms wave place", ALLOCSET_DEFAULT_SIZES);
	old = MemoryContextSwitchTo(own);
	find_rule(r, key, channel, &p->rule);
	/* an order of nodes, or a least value of parcels: one by one only */
	if (p->rule.pick != 'c' || p->rule.has_steps || p->rule.min_split_value > 0)
	{
		MemoryContextSwitchTo(old);
		MemoryContextDelete(own);
		return p;
	}
	req.mesh.company_id = in->company_id;
	req.mesh.has_point = key->has_point;
	req.mesh.lng = key->lng;
	req.mesh.lat = key->lat;
	req.mesh.only_node_id = key->only_node_id;
	req.mesh.max_distance_m = p->rule.max_distance_m;
	req.mesh.at = r->at;
	req.mesh.pincode = key->pincode[0] ? key->pincode : NULL;
	req.mesh.state_code = key->state_code[0] ? key->state_code : NULL;
	req.mesh.cod = key->cod;
	req.pincode = req.mesh.pincode;
	req.rule = p->rule;
	req.rule.freight_weight = 0;	/* goes by the order; the planner asks */
	req.view.channel_id = key->channel_id;
	req.view.at = r->at;
	req.own_nodes = channel->own_nodes;
	res.nnodes = oms_mesh_nodes(&req.mesh, &res.nodes);
	if (req.own_nodes)
		oms_sourcing_own_nodes(&req, &res);
	read_slots(r, &req, &res);
	oms_sourcing_opening_costs(&req, &res, &units);
	for (int i = 0; i < res.nnodes; i++)
	{
		int			j = node_index(in, res.nodes[i].node_id);

		if (res.nodes[i].refused || j < 0)
			continue;
		open[j] = Max(res.node_cost[i], 0);
		unit[j] = units[i];
	}
	MemoryContextSwitchTo(old);
	MemoryContextDelete(own);
	return p;
}

/* Adds the rows of one of the two statements; the first column says which. */
static void
read_orders(Reading *r, OmsPlan *plan, int max_orders)
{
	OmsWaveInput *in = r->in;
	OmsWave    *w = &in->w;
	Datum		values[2] = {Int32GetDatum(in->company_id), Int32GetDatum(max_orders)};
	int			n;
	SPITupleTable *rows;
	int			last_line = -1;

	n = (int) oms_exec(plan, values, NULL, false, 0);
	rows = SPI_tuptable;
	w->orders = w->orders ?
		repalloc_huge(w->orders, sizeof(OmsWaveOrder) * (w->norders + n + 1)) :
		MemoryContextAllocHuge(r->cxt, sizeof(OmsWaveOrder) * (n + 1));
	if (w->nlines + n + 1 > r->line_room)
	{
		r->line_room = w->nlines + n + 1;
		w->lines = w->lines ?
			repalloc_huge(w->lines, sizeof(OmsWaveLine) * r->line_room) :
			MemoryContextAllocHuge(r->cxt, sizeof(OmsWaveLine) * r->line_room);
		in->line_sku = in->line_sku ?
			repalloc_huge(in->line_sku, sizeof(int32) * r->line_room) :
			MemoryContextAllocHuge(r->cxt, sizeof(int32) * r->line_room);
	}
	in->had = in->had ?
		repalloc_huge(in->had, sizeof(OmsWaveHad) * (in->nhad + n + 1)) :
		MemoryContextAllocHuge(r->cxt, sizeof(OmsWaveHad) * (n + 1));
	for (int i = 0; i < n; i++)
	{
		OmsWaveOrder *o;
		int64		order_id;
		int32		line_no;

		SPI_tuptable = rows;
		order_id = oms_int8(i, 2);
		line_no = oms_int4(i, 10);
		if (last_line < 0 || w->orders[w->norders - 1].order_id != order_id)
		{
			PlaceKey	key;
			const Place *place;
			const OmsSourcingRule *rule;
			const OmsChannel *channel;
			char	   *pincode = oms_cstr(i, 5);
			char	   *state = oms_cstr(i, 14);
			char	   *class = oms_cstr(i, 15);
			bool		moving = oms_bool(i, 1);
			char	   *code = oms_cstr(i, 4);

			memset(&key, 0, sizeof(key));
			key.channel_id = oms_int4(i, 3);
			key.only_node_id = oms_int4(i, 9);
			key.lng = oms_float8(i, 6);
			key.lat = oms_float8(i, 7);
			key.has_point = oms_bool(i, 8);
			strlcpy(key.pincode, pincode, sizeof(key.pincode));
			strlcpy(key.state_code, state, sizeof(key.state_code));
			strlcpy(key.order_class, class, sizeof(key.order_class));
			key.cod = oms_bool(i, 16);
			o = &w->orders[w->norders++];
			memset(o, 0, sizeof(*o));
			o->order_id = order_id;
			o->first_line = w->nlines;
			o->moving = moving;
			channel = shop(r, key.channel_id, code);
			place = place_of(r, &key, channel);
			rule = &place->rule;
			o->place = place->number;
			o->price_weight = rule->price_weight;
			o->max_nodes = rule->allow_split && !rule->single_node ? rule->max_shipments : 1;
			/* a line whole: from one node, which is the simpler way */
			o->split_lines = rule->allow_split && !rule->line_single_node && !rule->line_complete;
			o->complete_only = !rule->allow_split || rule->ship_complete;
			in->channel_id = in->channel_id == 0 || in->channel_id == key.channel_id ?
				key.channel_id : -1;
			last_line = -1;
		}
		o = &w->orders[w->norders - 1];
		SPI_tuptable = rows;
		if (last_line < 0 || w->lines[last_line].line_no != line_no)
		{
			last_line = w->nlines++;
			memset(&w->lines[last_line], 0, sizeof(OmsWaveLine));
			w->lines[last_line].line_no = line_no;
			in->line_sku[last_line] = oms_int4(i, 11);
			o->nlines++;
		}
		w->lines[last_line].qty += oms_int8(i, 12);
		if (o->moving)
		{
			in->had[in->nhad].line = last_line;
			in->had[in->nhad].node = node_index(in, oms_int4(i, 13));
			in->had[in->nhad++].qty = oms_int8(i, 12);
		}
	}
}

/* Items of the lines, exploded: needs by line, and the items themselves. */
static void
read_needs(Reading *r)
{
	OmsWaveInput *in = r->in;
	OmsWave    *w = &in->w;
	Datum		values[1];
	int32	   *asked = palloc_extended(sizeof(int32) * (w->nlines + 1), MCXT_ALLOC_HUGE);
	int			nasked = 0;
	int			n;
	int			nneeds = 0;

	memcpy(asked, in->line_sku, sizeof(int32) * w->nlines);
	qsort(asked, w->nlines, sizeof(int32), compare_int4);
	for (int i = 0; i < w->nlines; i++)
		if (i == 0 || asked[i] != asked[i - 1])
			asked[nasked++] = asked[i];
	values[0] = oms_int4_array(asked, nasked);
	n = (int) oms_exec(&kits_plan, values, NULL, false, 0);
	in->sku_ids = MemoryContextAllocHuge(r->cxt, sizeof(int32) * (n + 1));
	for (int i = 0; i < n; i++)
		in->sku_ids[i] = oms_int4(i, 2);
	qsort(in->sku_ids, n, sizeof(int32), compare_int4);
	w->nskus = 0;
	for (int i = 0; i < n; i++)
		if (i == 0 || in->sku_ids[i] != in->sku_ids[i - 1])
			in->sku_ids[w->nskus++] = in->sku_ids[i];

	/* the same needs serve all lines of an item */
	w->needs = MemoryContextAllocHuge(r->cxt, sizeof(OmsWaveNeed) * (n + 1));
	for (int i = 0; i < n; i++)
	{
		w->needs[nneeds].sku = sku_index(in, oms_int4(i, 2));
		w->needs[nneeds++].per_unit = oms_int8(i, 3);
	}
	for (int l = 0; l < w->nlines; l++)
	{
		int			lo = 0,
					hi = n - 1;

		/* first row of the item */
		while (lo < hi)
		{
			int			mid = (lo + hi) / 2;

			if (oms_int4(mid, 1) < in->line_sku[l])
				lo = mid + 1;
			else
				hi = mid;
		}
		w->lines[l].first_need = lo;
		for (int i = lo; i < n && oms_int4(i, 1) == in->line_sku[l]; i++)
		{
			w->lines[l].nneeds++;
			w->lines[l].kit |= oms_bool(i, 4);
		}
	}
}

static void
read_stock(Reading *r)
{
	OmsWaveInput *in = r->in;
	OmsWave    *w = &in->w;
	Size		cells = (Size) w->nskus * w->nnodes;
	OmsStockView view = {0};
	OmsStockLevel *levels;
	OmsStockPrice *prices;
	int64	   *price = MemoryContextAllocExtended(r->cxt, sizeof(int64) * (cells + 1), MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);
	int			n;

	/* several channels see what none of them has for itself */
	view.channel_id = Max(in->channel_id, 0);
	view.at = r->at;
	w->stock = MemoryContextAllocExtended(r->cxt, sizeof(int64) * (cells + 1), MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);
	n = oms_stock_levels(in->company_id, in->sku_ids, w->nskus, &view, &levels);
	for (int i = 0; i < n; i++)
	{
		int			s = sku_index(in, levels[i].key.sku_id);
		int			j = node_index(in, levels[i].key.node_id);
		int64		q = oms_stock_available(&levels[i]);

		if (s < 0 || j < 0)
			continue;
		/* what stands there: waiting ends with goods, not with promises */
		if (levels[i].tracked)
			q -= levels[i].backorder_limit;
		w->stock[(Size) s * w->nnodes + j] = Min(Max(q, 0), PLENTY);
	}
	n = oms_stock_prices(in->company_id, in->sku_ids, w->nskus, &prices);
	for (int i = 0; i < n; i++)
	{
		int			s = sku_index(in, prices[i].key.sku_id);
		int			j = node_index(in, prices[i].key.node_id);

		if (s >= 0 && j >= 0)
			price[(Size) s * w->nnodes + j] = prices[i].price;
	}
	w->price = n > 0 ? price : NULL;
}

static void
read_barred(Reading *r)
{
	OmsWaveInput *in = r->in;
	OmsWave    *w = &in->w;
	int64	   *ids = palloc_extended(sizeof(int64) * (w->norders + 1), MCXT_ALLOC_HUGE);
	Datum		values[3] = {Int32GetDatum(in->company_id), 0, TimestampTzGetDatum(r->at)};
	int			n;

	for (int i = 0; i < w->norders; i++)
		ids[i] = w->orders[i].order_id;
	values[1] = oms_int8_array(ids, w->norders);
	n = (int) oms_exec(&barred_plan, values, NULL, false, 0);
	for (int k = 0; k < n; k++)
		for (int i = 0; i < w->norders; i++)
			if (w->orders[i].order_id == oms_int8(k, 1))
			{
				int			j = node_index(in, oms_int4(k, 2));

				if (w->orders[i].barred == NULL)
					w->orders[i].barred = MemoryContextAllocZero(r->cxt, sizeof(bool) * (w->nnodes + 1));
				if (j >= 0)
					((bool *) w->orders[i].barred)[j] = true;
			}
}

bool
oms_wave_read(OmsWaveInput *in, int max_orders, bool moves, Datum capacity,
			  TimestampTz at)
{
	Reading		r = {0};
	OmsWave    *w = &in->w;
	HASHCTL		ctl = {0};
	Datum		values[2] = {Int32GetDatum(in->company_id), capacity};

	r.in = in;
	r.at = at;
	r.cxt = CurrentMemoryContext;
	ctl.keysize = sizeof(PlaceKey);
	ctl.entrysize = sizeof(Place);
	ctl.hcxt = r.cxt;
	r.places = hash_create("oms wave places", 256, &ctl, HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);

	oms_spi_connect();
	w->nnodes = (int) oms_exec(&nodes_plan, values, capacity ? NULL : " n", false, 0);
	in->node_ids = MemoryContextAlloc(r.cxt, sizeof(int32) * (w->nnodes + 1));
	w->slots = MemoryContextAlloc(r.cxt, sizeof(int64) * (w->nnodes + 1));
	r.slots_known = MemoryContextAllocZero(r.cxt, sizeof(bool) * (w->nnodes + 1));
	for (int j = 0; j < w->nnodes; j++)
	{
		in->node_ids[j] = oms_int4(j, 1);
		w->slots[j] = oms_int8(j, 2) < 0 ? OMS_WAVE_ANY : Min(oms_int8(j, 2), OMS_WAVE_ANY);
	}
	read_orders(&r, &waiting_plan, max_orders);
	if (moves)
		read_orders(&r, &moving_plan, max_orders);
	w->open_cost = r.open_cost;
	w->lane_unit = r.lane_unit;
	if (w->norders > 0)
	{
		read_needs(&r);
		read_stock(&r);
		read_barred(&r);
		w->take = MemoryContextAllocExtended(r.cxt, sizeof(int64) * ((Size) w->nlines * w->nnodes + 1),
											 MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);
		for (int i = 0; i < in->nhad; i++)
			if (in->had[i].node >= 0)
				w->take[(Size) in->had[i].line * w->nnodes + in->had[i].node] += in->had[i].qty;
	}
	oms_spi_finish();
	return w->norders > 0;
}
