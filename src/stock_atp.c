/*
 * stock_atp.c
 *	  Available to promise by a date: what is free now, and what is on its
 *	  way until then, less what waits for it already.
 */
#include "postgres.h"

#include "access/xlog.h"
#include "catalog/pg_type.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

#include "stock_sql.h"

/* A component at a node: what there is by the date. */
typedef struct Heap
{
	OmsStockKey key;
	int64		qty;			/* milli, below zero when overdrawn */
	bool		counted;
} Heap;

typedef struct Atp
{
	int32		company_id;
	int			nparts;			/* the item, or a kit's components */
	int32	   *part;
	int64	   *each;			/* milli in one */
	int			nheaps;
	Heap	   *heaps;			/* by (node, item) */
} Atp;

PG_FUNCTION_INFO_V1(oms_atp);

static OmsPlan parts_plan = {
	"SELECT coalesce(c.sku_id, k.sku_id), (coalesce(c.qty, 1) * 1000)::int8 FROM oms.sku k"
	" LEFT JOIN oms.kit_component c ON c.company_id = k.company_id AND c.kit_sku_id = k.sku_id"
	" WHERE k.company_id = $1 AND k.sku_id = $2 ORDER BY 1",
	2, {INT4OID, INT4OID}, NULL
};
static OmsPlan nodes_plan = {
	"SELECT n.node_id FROM oms.node n WHERE n.company_id = $1 AND n.open AND NOT EXISTS (SELECT FROM oms.channel c"
	"  WHERE c.channel_id = $2 AND c.own_nodes AND NOT EXISTS (SELECT FROM oms.channel_node w"
	"   WHERE w.company_id = $1 AND w.channel_id = $2 AND w.node_id = n.node_id)) ORDER BY 1",
	2, {INT4OID, INT4OID}, NULL
};
static OmsPlan coming_plan = {
	"SELECT i.node_id, i.sku_id, (sum(i.qty) * 1000)::int8 FROM oms.inbound i"
	" WHERE i.company_id = $1 AND i.sku_id = ANY ($2) AND i.state = 'expected' AND i.ready_at <= $3 GROUP BY 1, 2",
	3, {INT4OID, INT4ARRAYOID, TIMESTAMPTZOID}, NULL
};

/* Where it waits for supply that is there by then, else node NULL. */
static OmsPlan waiting_plan = {
	"WITH w AS (SELECT a.allocation_id, coalesce(c.sku_id, a.sku_id) AS sku_id, a.qty * coalesce(c.qty, 1) AS qty FROM oms.allocation a"
	"  LEFT JOIN oms.kit_component c ON c.company_id = a.company_id AND c.kit_sku_id = a.sku_id"
	"  WHERE a.company_id = $1 AND a.status = 'backordered' AND coalesce(c.sku_id, a.sku_id) = ANY ($2)),"
	" p AS (SELECT i.node_id, i.sku_id, sum(g.qty) AS qty FROM w JOIN oms.supply_peg g ON g.company_id = $1 AND g.allocation_id = w.allocation_id"
	"  JOIN oms.inbound i ON i.company_id = $1 AND i.inbound_id = g.inbound_id AND i.sku_id = w.sku_id"
	"  WHERE i.state = 'expected' AND i.ready_at <= $3 GROUP BY 1, 2)"
	" SELECT p.node_id, p.sku_id, (p.qty * 1000)::int8 FROM p"
	" UNION ALL SELECT NULL, w.sku_id, ((sum(w.qty) - coalesce((SELECT sum(p.qty) FROM p WHERE p.sku_id = w.sku_id), 0)) * 1000)::int8 FROM w GROUP BY w.sku_id"
	" ORDER BY 1, 2",
	3, {INT4OID, INT4ARRAYOID, TIMESTAMPTZOID}, NULL
};

static Heap *
heap_of(Atp *a, int32 node_id, int32 sku_id)
{
	for (int i = 0; i < a->nheaps; i++)
		if (a->heaps[i].key.node_id == node_id && a->heaps[i].key.sku_id == sku_id)
			return &a->heaps[i];
	return NULL;
}

/* A heap for each component at each node that serves the channel. */
static void
make_heaps(Atp *a, const OmsStockView *view)
{
	OmsStockLevel *levels;
	int			nlevels = oms_stock_levels(a->company_id, a->part, a->nparts,
										   view, &levels);
	Datum		values[2] = {
		Int32GetDatum(a->company_id), Int32GetDatum(view->channel_id)
	};
	int			nnodes;

	nnodes = (int) oms_exec(&nodes_plan, values, NULL, false, 0);
	a->heaps = palloc0(sizeof(Heap) * (nnodes * a->nparts + 1));
	for (int i = 0; i < nnodes; i++)
		for (int p = 0; p < a->nparts; p++)
		{
			Heap	   *h = &a->heaps[a->nheaps++];

			h->key.node_id = oms_int4(i, 1);
			h->key.sku_id = a->part[p];
			h->counted = true;
		}
	for (int l = 0; l < nlevels; l++)
	{
		Heap	   *h = heap_of(a, levels[l].key.node_id, levels[l].key.sku_id);

		if (h == NULL)
			continue;
		h->counted = levels[l].tracked;
		h->qty = levels[l].tracked ?
			oms_stock_available(&levels[l]) - (levels[l].blocked ? 0 : levels[l].backorder_limit) : 0;
	}
}

/* What waits takes from where it is promised, else from the first nodes. */
static void
take_waiting(Atp *a)
{
	uint64		n = SPI_processed;

	for (uint64 i = 0; i < n; i++)
	{
		int32		sku_id = oms_int4(i, 2);
		int64		qty = oms_int8(i, 3);
		Heap	   *h = oms_isnull(i, 1) ? NULL : heap_of(a, oms_int4(i, 1), sku_id);

		if (h)
			h->qty -= qty;
		else
			for (int k = 0; k < a->nheaps && qty > 0; k++)
				if (a->heaps[k].key.sku_id == sku_id && a->heaps[k].qty > 0)
				{
					int64		part = Min(qty, a->heaps[k].qty);

					a->heaps[k].qty -= part;
					qty -= part;
				}
	}
}

/* oms.atp(sku, node, by, channel, company, at, less_waiting) */
Datum
oms_atp(PG_FUNCTION_ARGS)
{
	Atp			a = {0};
	OmsStockView view = {0};
	char	   *node = oms_stock_text_arg(fcinfo, 1);
	char	   *channel = oms_stock_text_arg(fcinfo, 3);
	int32		node_id = 0;
	bool		flag;
	bool		unlimited = false;
	int64		total = 0;
	Datum		values[3];

	oms_require_installed();
	a.company_id = oms_company_id(oms_stock_text_arg(fcinfo, 4));
	if (oms_erp_before_promise && !RecoveryInProgress())
		oms_erp_before_promise(a.company_id);
	values[1] = Int32GetDatum(oms_stock_find_sku(a.company_id,
												 oms_stock_text_arg(fcinfo, 0), &flag));
	if (node)
		node_id = oms_stock_find_node(a.company_id, node, &flag);
	if (channel)
		view.channel_id = oms_stock_find_channel(a.company_id, channel);
	view.at = PG_ARGISNULL(5) ? GetCurrentTransactionStartTimestamp() :
		PG_GETARG_TIMESTAMPTZ(5);

	oms_spi_connect();
	values[0] = Int32GetDatum(a.company_id);
	a.nparts = (int) oms_exec(&parts_plan, values, NULL, false, 0);
	a.part = palloc(sizeof(int32) * (a.nparts + 1));
	a.each = palloc(sizeof(int64) * (a.nparts + 1));
	for (int i = 0; i < a.nparts; i++)
	{
		a.part[i] = oms_int4(i, 1);
		a.each[i] = oms_int8(i, 2);
	}
	make_heaps(&a, &view);
	values[1] = oms_int4_array(a.part, a.nparts);
	values[2] = PG_ARGISNULL(2) ? TimestampTzGetDatum(view.at) : PG_GETARG_DATUM(2);
	if (!PG_ARGISNULL(2))
	{
		oms_exec(&coming_plan, values, NULL, false, 0);
		for (uint64 i = 0; i < SPI_processed; i++)
		{
			Heap	   *h = heap_of(&a, oms_int4(i, 1), oms_int4(i, 2));

			if (h)
				h->qty += oms_int8(i, 3);
		}
	}
	if (PG_ARGISNULL(6) || PG_GETARG_BOOL(6))
	{
		oms_exec(&waiting_plan, values, NULL, false, 0);
		take_waiting(&a);
	}
	for (int i = 0; i < a.nheaps; i += a.nparts)
	{
		int64		whole = PG_INT64_MAX;

		for (int p = 0; p < a.nparts; p++)
		{
			Heap	   *h = &a.heaps[i + p];

			if (!h->counted)
				continue;
			whole = Min(whole, a.nparts == 1 && a.each[0] == 1000 ? Max(h->qty, 0) :
						Max(h->qty, 0) / a.each[p] * 1000);
		}
		if (node_id != 0 && a.heaps[i].key.node_id != node_id)
			continue;
		if (whole == PG_INT64_MAX)
			unlimited = true;
		else
			total += whole;
	}
	oms_spi_finish();
	if (unlimited)
		PG_RETURN_NULL();
	PG_RETURN_DATUM(oms_milli_numeric(total));
}
