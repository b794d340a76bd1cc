/*
 * accept.c
 *	  Accepting an order in a rush.
 *
 * On a channel that accepts first (oms.channel.accept_first) the buyer waits
 * for what he cannot do without: his number, his document on disk, and the
 * stock.  The document is checked and the nodes are planned as ever, by the
 * same reader and the same planner; then one row is written and the stock
 * taken.  Buyer, risk, tax, couriers, parcels and the explanation follow a
 * moment later, when the worker makes the order (accept_complete.c).
 *
 * What the row cannot hold, or would have to be decided by a person, is
 * captured whole at once: kits, carts, counter sales, backorders, stock with
 * terms (quotas, lots), slots of nodes, freight in the plan.
 *
 * A number is accepted or captured once.  The unique index of
 * oms.accepted_order stands for that: whoever captures the whole order of
 * such a channel holds a row there, too, for as long as his transaction runs,
 * and whoever accepts looks for the order after he has the row.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"

#include "accept.h"
#include "core_find.h"
#include "core_memo.h"
#include "core_probe.h"
#include "core_rows.h"
#include "node_slot.h"

/* The row to be written: what is accepted, or a claim of its number. */
typedef struct Row
{
	int32		company_id;
	int32		channel_id;
	TimestampTz at;
	const char *external_id;
	Jsonb	   *document;
	int			n;
	int32	   *line_nos;
	int32	   *node_ids;
	int32	   *sku_ids;
	int64	   *qtys;			/* milli */
} Row;

static bool came_before(const OmsCapture *c);
static bool plan_order(OmsCapture *c);
static int64 write_accepted(OmsCapture *c, Jsonb *doc, bool alone);
static Jsonb *answer(OmsCapture *c, int64 order_id);

static OmsPlan accepted_plan = {
	"INSERT INTO oms.accepted_order (company_id, order_id, channel_id, external_id, document, accepted_at, line_nos, node_ids, sku_ids, qtys)"
	" VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)"
	" ON CONFLICT (company_id, channel_id, external_id) DO NOTHING",
	10, {INT4OID, INT8OID, INT4OID, TEXTOID, JSONBOID, TIMESTAMPTZOID, INT4ARRAYOID, INT4ARRAYOID, INT4ARRAYOID, InvalidOid}, NULL
};
static OmsPlan accepted_alone_plan = {
	"INSERT INTO oms.accepted_order (company_id, order_id, channel_id, external_id, document, accepted_at, line_nos, node_ids, sku_ids, qtys)"
	" VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
	10, {INT4OID, INT8OID, INT4OID, TEXTOID, JSONBOID, TIMESTAMPTZOID, INT4ARRAYOID, INT4ARRAYOID, INT4ARRAYOID, InvalidOid}, NULL
};
static OmsPlan channel_plan = {
	"SELECT accept_first FROM oms.channel WHERE code = $1",
	1, {TEXTOID}, NULL
};

bool
oms_accepts_first(Jsonb *doc, bool all)
{
	JsonbValue	code;
	Datum		values[1];
	uint64		found = 0;
	uint64		n = 0;

	if (!JB_ROOT_IS_OBJECT(doc) ||
		!getKeyJsonValueFromContainer(&doc->root, "channel", 7, &code) ||
		code.type != jbvString)
		return false;
	values[0] = PointerGetDatum(cstring_to_text_with_len(code.val.string.val,
														 code.val.string.len));
	oms_spi_connect();
	if (!oms_memo_known(&channel_plan, values, &n))
	{
		int			level = oms_path_begin();

		n = oms_memo(&channel_plan, values, NULL, false);
		oms_path_end(level);
	}
	for (uint64 i = 0; i < n; i++)
		found += oms_bool(i, 1) ? 1 : 0;
	oms_spi_finish();
	return found > 0 && (!all || found == n);
}

Jsonb *
oms_accept(Jsonb *doc, TimestampTz at, bool alone)
{
	OmsCapture *c = palloc0(sizeof(OmsCapture));
	int64		order_id;

	oms_capture_read(c, doc, at);
	/* what the combiner does is nobody's trigger's business */
	if (!c->channel.accept_first || (alone && !oms_insert_is_direct(&accepted_alone_plan)))
		return NULL;
	/* before anything is refused that was taken, perhaps long ago */
	if (came_before(c))
		return NULL;
	oms_capture_look_up(c);
	if (!plan_order(c) || (order_id = write_accepted(c, doc, alone)) == 0)
		return NULL;
	return answer(c, order_id);
}

static OmsPlan find_plan = {
	"SELECT order_id, document FROM oms.accepted_order WHERE company_id = $1 AND channel_id = $2 AND external_id = $3",
	3, {INT4OID, INT4OID, TEXTOID}, NULL
};
static OmsPlan captured_plan = {
	"SELECT order_id FROM oms.\"order\" WHERE company_id = $1 AND channel_id = $2 AND external_id = $3",
	3, {INT4OID, INT4OID, TEXTOID}, NULL
};
static bool
came_before(const OmsCapture *c)
{
	Datum		values[3] = {
		Int32GetDatum(c->company_id), Int32GetDatum(c->channel.channel_id), oms_text(c->doc.external_id)
	};
	bool		found;

	oms_spi_connect();
	found = oms_find(&find_plan, values, NULL) > 0 ||
		oms_find(&captured_plan, values, NULL) > 0;
	oms_spi_finish();
	return found;
}

/* The plan of all of it; false where it takes more than a row can hold. */
static bool
plan_order(OmsCapture *c)
{
	OmsOrderDoc *d = &c->doc;
	OmsFulfilment *f = &c->f;
	OmsPlanResult *plan = &f->plan;
	OmsPlanRequest req = {0};

	if (d->carry_out || d->nown_carts > 0)
		return false;
	for (int i = 0; i < d->nlines; i++)
		if (d->lines[i].kit)
			return false;
	oms_capture_price(c);
	oms_capture_request(c);
	oms_fulfil_request(f, &req);
	if (f->rule.freight_weight > 0)
		return false;
	if (!oms_sourcing_plan_near(&req, plan))
	{
		memset(plan, 0, sizeof(OmsPlanResult));
		oms_sourcing_plan(&req, plan);
	}
	for (int j = 0; j < f->nlines; j++)
		if (plan->unfilled[j] > 0)
			return false;
	for (int i = 0; i < plan->npieces; i++)
		if (plan->pieces[i].beyond)
			return false;
	return !oms_slots_wanted(&req, plan);
}

static OmsPlan remove_plan = {
	"DELETE FROM oms.accepted_order WHERE company_id = $1 AND order_id = $2",
	2, {INT4OID, INT8OID}, NULL
};

static bool
write_row(OmsPlan *plan, const Row *r, int64 order_id)
{
	Datum	   *qty = palloc(sizeof(Datum) * (r->n + 1));
	Datum		values[10];

	for (int i = 0; i < r->n; i++)
		qty[i] = oms_milli_numeric(r->qtys[i]);
	values[0] = Int32GetDatum(r->company_id);
	values[1] = Int64GetDatum(order_id);
	values[2] = Int32GetDatum(r->channel_id);
	values[3] = oms_text(r->external_id);
	values[4] = JsonbPGetDatum(r->document);
	values[5] = TimestampTzGetDatum(r->at);
	values[6] = oms_int4_array(r->line_nos, r->n);
	values[7] = oms_int4_array(r->node_ids, r->n);
	values[8] = oms_int4_array(r->sku_ids, r->n);
	values[9] = PointerGetDatum(construct_array(qty, r->n, NUMERICOID, -1, false, TYPALIGN_INT));
	return oms_insert(plan, values, NULL);
}

void
oms_accept_remove(int32 company_id, int64 order_id)
{
	Datum		values[2] = {Int32GetDatum(company_id), Int64GetDatum(order_id)};

	oms_spi_connect();
	oms_exec(&remove_plan, values, NULL, false, 0);
	oms_spi_finish();
}

/*
 * Writes the row and takes the stock: last, it is what orders wait for each
 * other on.  The order's number, or 0 with nothing done: the channel's number
 * is there already, or the stock is not.
 */
static int64
write_accepted(OmsCapture *c, Jsonb *doc, bool alone)
{
	const OmsPlanResult *plan = &c->f.plan;
	int			n = plan->npieces;
	int32	   *ids = palloc(sizeof(int32) * (3 * n + 1));
	Row			r = {c->company_id, c->channel.channel_id, c->at, c->doc.external_id, doc, n, ids, ids + n, ids + 2 * n, NULL};
	OmsStockTake *takes = palloc0(sizeof(OmsStockTake) * (n + 1));
	OmsStockView view = {0};
	Datum		values[3] = {
		Int32GetDatum(r.company_id), Int32GetDatum(r.channel_id), oms_text(r.external_id)
	};
	int64		order_id = 0;
	int64		available;

	r.qtys = palloc(sizeof(int64) * (n + 1));
	for (int i = 0; i < n; i++)
	{
		const OmsPiece *piece = &plan->pieces[i];

		r.line_nos[i] = c->f.lines[piece->demand].line_no;
		r.node_ids[i] = takes[i].key.node_id = plan->nodes[piece->node].node_id;
		r.sku_ids[i] = takes[i].key.sku_id = c->f.lines[piece->demand].sku_id;
		r.qtys[i] = takes[i].qty = piece->qty;
	}
	view.channel_id = r.channel_id;
	view.at = c->at;
	oms_spi_connect();
	order_id = oms_next("order_order_id_seq");
	/* alone: looked for before, so no speculation */
	if (!write_row(alone ? &accepted_alone_plan : &accepted_plan, &r, order_id))
		order_id = 0;
	/* captured meanwhile? */
	if (order_id != 0 &&
		(oms_find(&captured_plan, values, NULL) > 0 ||
		 oms_stock_reserve(r.company_id, takes, n, &view, &available) >= 0))
	{
		oms_accept_remove(r.company_id, order_id);
		order_id = 0;
	}
	oms_spi_finish();
	return order_id;
}

/*
 * Claims
 */

/* Whether the channel has, or may get, orders that are accepted. */
static bool
may_accept(const OmsCapture *c)
{
	static OmsProbe probe = {
		"accepted_order_company_id_channel_id_external_id_key",
		"CREATE UNIQUE INDEX accepted_order_company_id_channel_id_external_id_key ON oms.accepted_order USING btree (company_id, channel_id, external_id)",
		InvalidOid, InvalidOid, false, false, false, NULL
	};
	static const Oid types[] = {INT4OID, INT4OID};
	Datum		keys[] = {
		Int32GetDatum(c->company_id), Int32GetDatum(c->channel.channel_id)
	};
	bool		any;

	if (c->channel.accept_first)
		return true;
	oms_spi_connect();
	any = oms_probe(&probe, types, keys, lengthof(keys), BTEqualStrategyNumber);
	oms_spi_finish();
	return any;
}

bool
oms_accept_claim(OmsCapture *c, Jsonb *doc, int64 *accepted, Jsonb **document)
{
	MemoryContext caller = CurrentMemoryContext;
	Row			r = {c->company_id, c->channel.channel_id, c->at, c->doc.external_id, doc, 0, NULL, NULL, NULL, NULL};
	Datum		values[3] = {
		Int32GetDatum(r.company_id), Int32GetDatum(r.channel_id), oms_text(r.external_id)
	};
	bool		isnull;
	bool		found = false;

	if (!may_accept(c))
		return true;
	oms_spi_connect();
	c->order_id = oms_next("order_order_id_seq");
	while (!write_row(&accepted_plan, &r, c->order_id) && !found)
	{
		CHECK_FOR_INTERRUPTS();
		found = oms_find(&find_plan, values, NULL) > 0;
		if (found)
		{
			*accepted = oms_int8(0, 1);
			MemoryContextSwitchTo(caller);
			*document = (Jsonb *) DatumGetPointer(PG_DETOAST_DATUM_COPY(oms_datum(0, 2, &isnull)));
			c->order_id = 0;
			break;
		}
		/* made or refused meanwhile */
	}
	oms_spi_finish();
	c->claimed = !found;
	return !found;
}

void
oms_accept_unclaim(OmsCapture *c)
{
	if (c->claimed)
		oms_accept_remove(c->company_id, c->order_id);
	c->claimed = false;
}

static Jsonb *
answer(OmsCapture *c, int64 order_id)
{
	const OmsPlanResult *plan = &c->f.plan;
	OmsJson		j;

	oms_json_begin(&j);
	oms_json_int(&j, "order_id", order_id);
	oms_json_bool(&j, "duplicate", false);
	oms_json_str(&j, "status", "accepted");
	oms_json_paise(&j, "goods", c->goods);
	oms_json_array(&j, "plan");
	for (int i = 0; i < plan->npieces; i++)
	{
		const OmsPiece *piece = &plan->pieces[i];

		oms_json_object(&j, NULL);
		oms_json_int(&j, "line_no", c->f.lines[piece->demand].line_no);
		oms_json_str(&j, "sku", c->f.lines[piece->demand].sku);
		oms_json_milli(&j, "qty", piece->qty);
		oms_json_str(&j, "status", "reserved");
		oms_json_str(&j, "node", plan->nodes[piece->node].code);
		oms_json_close_object(&j);
	}
	oms_json_close_array(&j);
	return oms_json_end(&j);
}
