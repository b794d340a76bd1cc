/*
 * returns.c
 *	  Returns: asked for by customers, or begun by couriers (RTO).
 *
 * A customer's return is checked against what was delivered and not yet
 * returned, gets a receiving node and a pickup.  An RTO is a return too: the
 * scans open it (hooks at the end), people count its goods like any other
 * (refund.c).  Everything happens under the order's lock.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "fmgr.h"
#include "utils/builtins.h"

#include "allocation.h"
#include "returns.h"

/* An allocation the buyer holds. */
typedef struct Held
{
	int64		allocation_id;
	int32		line_no;
	const char *sku;
	int64		left;			/* milli, not yet asked back */
	bool		returnable;
	bool		late;
	const char *last_day;
	int64		qty;			/* milli of the allocation */
	int32		node_id;
	int32		weight_g;		/* of one unit */
	int64		volume_mm3;		/* of one unit */
	int64		amount;			/* paise of qty */
	int64		take;			/* milli, asked back now */
} Held;

static Jsonb *create_return(Jsonb *doc, TimestampTz at);
static void rto_started(const OmsShipment *s, TimestampTz at);
static void rto_arrived(const OmsShipment *s, TimestampTz at);
static void picked_up(const OmsShipment *s, TimestampTz at);
static void pickup_cancelled(const OmsShipment *s);
static void gone(const OmsShipment *s, TimestampTz at);

void
oms_returns_init(void)
{
	oms_return_hooks.rto_started = rto_started;
	oms_return_hooks.rto_arrived = rto_arrived;
	oms_return_hooks.picked_up = picked_up;
	oms_return_hooks.pickup_cancelled = pickup_cancelled;
	oms_return_hooks.gone = gone;
}

/*
 * Reading documents
 */
static void
invalid(const char *field, const char *what)
{
	ereport(ERROR,
			(errcode(ERRCODE_OMS_INVALID_DOCUMENT),
			 errmsg("field \"%s\" of a return %s", field, what),
			 errhint("A return needs return_ref, reason, order_id or channel and external_id, and may name lines [{line_no, qty}].")));
}

static char *
doc_text(Jsonb *doc, const char *key, bool required)
{
	JsonbValue *v = getKeyJsonValueFromContainer(&doc->root, key, strlen(key), NULL);

	if (v == NULL || v->type == jbvNull)
	{
		if (required)
			invalid(key, "is missing");
		return NULL;
	}
	if (v->type != jbvString || v->val.string.len == 0)
		invalid(key, "must be text");
	return pnstrdup(v->val.string.val, v->val.string.len);
}

static OmsPlan asks_plan = {
	"SELECT CASE WHEN jsonb_typeof(e->'line_no') = 'number' AND (e->>'line_no')::numeric BETWEEN 1 AND 1000000"
	"  AND (e->>'line_no')::numeric % 1 = 0 THEN (e->>'line_no')::numeric::integer END,"
	" CASE WHEN jsonb_typeof(e->'qty') = 'number' AND (e->>'qty')::numeric BETWEEN 0 AND 99999999"
	"  AND (e->>'qty')::numeric * 1000 % 1 = 0 THEN (e->>'qty')::numeric END,"
	" e->>'disposition',"
	" (SELECT min(k) FROM jsonb_object_keys(CASE WHEN jsonb_typeof(e) = 'object' THEN e ELSE '{}' END) k"
	"  WHERE k NOT IN ('line_no', 'qty', 'disposition'))"
	" FROM jsonb_array_elements($1) WITH ORDINALITY AS l (e, i) ORDER BY i",
	1, {JSONBOID}, NULL
};

int
oms_return_asks(Jsonb *lines, OmsReturnAsk **asks)
{
	Datum		values[1] = {JsonbPGetDatum(lines)};
	int			n;

	if (!JB_ROOT_IS_ARRAY(lines) || JB_ROOT_IS_SCALAR(lines))
		invalid("lines", "must be an array");
	n = (int) oms_exec(&asks_plan, values, NULL, false, 0);
	*asks = palloc0(sizeof(OmsReturnAsk) * Max(n, 1));
	for (int i = 0; i < n; i++)
	{
		if (!oms_isnull(i, 4))
			invalid(psprintf("lines[%d].%s", i, oms_cstr(i, 4)), "is not known");
		if (oms_isnull(i, 1))
			invalid(psprintf("lines[%d].line_no", i), "must be a line number");
		if (oms_isnull(i, 2))
			invalid(psprintf("lines[%d].qty", i), "must be a quantity with at most three decimals");
		(*asks)[i].line_no = oms_int4(i, 1);
		(*asks)[i].qty = oms_milli(i, 2);
		(*asks)[i].disposition = oms_cstr(i, 3);
		for (int k = 0; k < i; k++)
			if ((*asks)[k].line_no == (*asks)[i].line_no)
				invalid(psprintf("lines[%d].line_no", i), "comes twice");
	}
	return n;
}

static OmsPlan order_by_id_plan = {
	"SELECT order_id FROM oms.\"order\" WHERE company_id = $1 AND order_id = $2",
	2, {INT4OID, INT8OID}, NULL
};
static OmsPlan order_by_external_plan = {
	"SELECT o.order_id FROM oms.\"order\" o JOIN oms.channel c ON c.channel_id = o.channel_id"
	" WHERE o.company_id = $1 AND c.code = $2 AND o.external_id = $3",
	3, {INT4OID, TEXTOID, TEXTOID}, NULL
};

static int64
find_order(Jsonb *doc, int32 company_id)
{
	JsonbValue *v = getKeyJsonValueFromContainer(&doc->root, "order_id", 8, NULL);
	Datum		values[3] = {Int32GetDatum(company_id)};

	if (v && v->type == jbvNumeric)
	{
		char	   *text = DatumGetCString(DirectFunctionCall1(numeric_out,
															   NumericGetDatum(v->val.numeric)));
		int64		order_id;

		if (strspn(text, "0123456789") != strlen(text) || strlen(text) > 18)
			invalid("order_id", "must be a whole number");
		order_id = strtoi64(text, NULL, 10);
		values[1] = Int64GetDatum(order_id);
		if (oms_exec(&order_by_id_plan, values, NULL, false, 1) == 0)
			ereport(ERROR,
					(errcode(ERRCODE_OMS_UNKNOWN_REFERENCE),
					 errmsg("order " INT64_FORMAT " does not exist", order_id)));
	}
	else
	{
		char	   *channel = doc_text(doc, "channel", true);
		char	   *external_id = doc_text(doc, "external_id", true);

		values[1] = oms_text(channel);
		values[2] = oms_text(external_id);
		if (oms_exec(&order_by_external_plan, values, NULL, false, 1) == 0)
			ereport(ERROR,
					(errcode(ERRCODE_OMS_UNKNOWN_REFERENCE),
					 errmsg("channel \"%s\" has no order \"%s\"", channel, external_id)));
	}
	return oms_int8(0, 1);
}

static OmsPlan reason_plan = {
	"SELECT 1 FROM oms.reason_code WHERE code = $1 AND kind = 'return'",
	1, {TEXTOID}, NULL
};

static void
check_reason(const char *reason)
{
	Datum		values[1] = {oms_text(reason)};

	if (oms_exec(&reason_plan, values, NULL, false, 1) == 0)
		ereport(ERROR,
				(errcode(ERRCODE_OMS_UNKNOWN_REFERENCE),
				 errmsg("return reason \"%s\" does not exist", reason),
				 errhint("The reasons are the rows of oms.reason_code of kind return.")));
}

/*
 * What may come back
 */
static OmsPlan held_plan = {
	"SELECT a.allocation_id, a.line_no, u.code,"
	" a.qty - coalesce((SELECT sum(CASE WHEN r.status IN ('inspected', 'closed') AND r.received_at IS NOT NULL"
	"   THEN l.received_qty ELSE l.qty END)"
	"  FROM oms.return_line l JOIN oms.return_order r ON r.company_id = l.company_id AND r.return_id = l.return_id"
	"  WHERE r.company_id = $1 AND r.order_id = $2 AND l.allocation_id = a.allocation_id"
	"  AND r.status NOT IN ('rejected', 'cancelled')), 0),"
	" u.returnable, d.at + make_interval(days => u.return_days) < $3,"
	" to_char(d.at + make_interval(days => u.return_days), 'YYYY-MM-DD'),"
	" a.qty, a.node_id, u.weight_g, u.length_mm::int8 * u.width_mm * u.height_mm,"
	" a.net_amount + CASE WHEN c.price_includes_tax THEN 0 ELSE a.cgst + a.sgst + a.igst END"
	" FROM oms.allocation a"
	" JOIN oms.\"order\" o ON o.company_id = a.company_id AND o.order_id = a.order_id"
	" JOIN oms.channel c ON c.channel_id = o.channel_id"
	" JOIN oms.sku u ON u.sku_id = a.sku_id"
	" LEFT JOIN oms.shipment s ON s.company_id = a.company_id AND s.shipment_id = a.shipment_id"
	" CROSS JOIN LATERAL (SELECT coalesce(s.delivered_at, a.updated_at) AS at) d"
	" WHERE a.company_id = $1 AND a.order_id = $2 AND a.status = 'delivered'"
	" ORDER BY a.line_no, a.allocation_id",
	3, {INT4OID, INT8OID, TIMESTAMPTZOID}, NULL
};

static int
read_held(int32 company_id, int64 order_id, TimestampTz at, Held **held)
{
	Datum		values[3] = {
		Int32GetDatum(company_id), Int64GetDatum(order_id),
		TimestampTzGetDatum(at)
	};
	int			n = (int) oms_exec(&held_plan, values, NULL, false, 0);

	*held = palloc0(sizeof(Held) * Max(n, 1));
	for (int i = 0; i < n; i++)
	{
		Held	   *h = &(*held)[i];

		h->allocation_id = oms_int8(i, 1);
		h->line_no = oms_int4(i, 2);
		h->sku = oms_cstr(i, 3);
		h->left = oms_milli(i, 4);
		h->returnable = oms_bool(i, 5);
		h->late = oms_bool(i, 6);
		h->last_day = oms_cstr(i, 7);
		h->qty = oms_milli(i, 8);
		h->node_id = oms_int4(i, 9);
		h->weight_g = oms_int4(i, 10);
		h->volume_mm3 = oms_int8(i, 11);
		h->amount = oms_paise(i, 12);
	}
	return n;
}

static void
not_allowed(const char *detail)
{
	ereport(ERROR,
			(errcode(ERRCODE_OMS_RETURN_NOT_ALLOWED),
			 errmsg("return is not allowed"),
			 errdetail("%s", detail)));
}

/* Takes "qty" of a line from the allocations that hold it. */
static void
take_line(Held *held, int n, int32 line_no, int64 qty)
{
	int64		left = 0;

	for (int i = 0; i < n; i++)
	{
		if (held[i].line_no != line_no)
			continue;
		if (!held[i].returnable)
			not_allowed(psprintf("Item \"%s\" of line %d is not returnable.",
								 held[i].sku, line_no));
		if (!held[i].late)
			left += held[i].left;
	}
	if (qty > left)
	{
		for (int i = 0; i < n; i++)
			if (held[i].line_no == line_no && held[i].late)
				not_allowed(psprintf("Item \"%s\" of line %d could be returned until %s.",
									 held[i].sku, line_no, held[i].last_day));
		not_allowed(psprintf("Line %d: %s asked back, %s delivered and not yet returned.",
							 line_no,
							 DatumGetCString(DirectFunctionCall1(numeric_out, oms_milli_numeric(qty))),
							 DatumGetCString(DirectFunctionCall1(numeric_out, oms_milli_numeric(left)))));
	}
	for (int i = 0; i < n && qty > 0; i++)
	{
		if (held[i].line_no != line_no || held[i].late)
			continue;
		held[i].take = Min(qty, held[i].left);
		qty -= held[i].take;
	}
}

static void
take_lines(Held *held, int n, const OmsReturnAsk *asks, int nasks)
{
	bool		any = false;

	for (int i = 0; i < nasks; i++)
	{
		if (asks[i].qty <= 0)
			invalid("lines", "asks for a quantity of zero");
		take_line(held, n, asks[i].line_no, asks[i].qty);
	}
	for (int i = 0; i < n && nasks < 0; i++)
		if (held[i].left > 0 && held[i].take == 0)
		{
			int64		left = 0;

			for (int k = i; k < n && held[k].line_no == held[i].line_no; k++)
				left += held[k].left;
			take_line(held, n, held[i].line_no, left);
		}
	for (int i = 0; i < n; i++)
		any |= held[i].take > 0;
	if (!any)
		not_allowed("Nothing of the order is delivered and not yet returned.");
}

/* The sender where it takes returns, else the nearest node that does. */
static OmsPlan receiver_plan = {
	"SELECT n.node_id FROM oms.node n, oms.\"order\" o"
	" WHERE n.company_id = $1 AND n.accepts_returns AND o.company_id = $1 AND o.order_id = $2"
	" ORDER BY n.node_id <> $3, oms.parcel_distance(n.place, o.ship_place) NULLS LAST, n.node_id LIMIT 1",
	3, {INT4OID, INT8OID, INT4OID}, NULL
};

static int32
receiver(int32 company_id, int64 order_id, int32 sender)
{
	Datum		values[3] = {
		Int32GetDatum(company_id), Int64GetDatum(order_id), Int32GetDatum(sender)
	};

	if (oms_exec(&receiver_plan, values, NULL, false, 1) == 0)
		ereport(ERROR,
				(errcode(ERRCODE_OMS_NO_NODE),
				 errmsg("no node accepts returns"),
				 errhint("Set accepts_returns of a row of oms.node.")));
	return oms_int4(0, 1);
}

/*
 * Writing
 */
static OmsPlan insert_plan = {
	"INSERT INTO oms.return_order (company_id, order_id, kind, external_id, status, reason, node_id, shipment_id, created_at)"
	" VALUES ($1, $2, $3, $4, 'authorized', $5, $6, $7, $8) RETURNING return_id",
	8, {INT4OID, INT8OID, TEXTOID, TEXTOID, TEXTOID, INT4OID, INT8OID,
	TIMESTAMPTZOID}, NULL
};
static OmsPlan insert_line_plan = {
	"INSERT INTO oms.return_line (company_id, return_id, line_no, allocation_id, qty) VALUES ($1, $2, $3, $4, $5)",
	5, {INT4OID, INT8OID, INT4OID, INT8OID, NUMERICOID}, NULL
};
static OmsPlan set_parcel_plan = {
	"UPDATE oms.return_order SET shipment_id = $3 WHERE company_id = $1 AND return_id = $2",
	3, {INT4OID, INT8OID, INT8OID}, NULL
};

static void
insert_return(OmsReturn *r, const char *reason, TimestampTz at)
{
	Datum		values[8] = {
		Int32GetDatum(r->company_id), Int64GetDatum(r->order_id),
		oms_text(r->rto ? "RTO" : "CIR"), oms_text(r->external_id),
		oms_text(reason), Int32GetDatum(r->node_id),
		Int64GetDatum(r->shipment_id), TimestampTzGetDatum(at)
	};

	oms_exec(&insert_plan, values, r->shipment_id ? "        " : "      n ", false, 0);
	r->return_id = oms_int8(0, 1);
	r->status = "authorized";
}

static void
insert_line(const OmsReturn *r, int32 line_no, int64 allocation_id, int64 qty)
{
	Datum		values[5] = {
		Int32GetDatum(r->company_id), Int64GetDatum(r->return_id),
		Int32GetDatum(line_no), Int64GetDatum(allocation_id),
		oms_milli_numeric(qty)
	};

	oms_exec(&insert_line_plan, values, NULL, false, 0);
}

static OmsPlan pickup_possible_plan = {
	"SELECT fulfilment_mode = 'SHIP' AND ship_pincode IS NOT NULL FROM oms.\"order\""
	" WHERE company_id = $1 AND order_id = $2",
	2, {INT4OID, INT8OID}, NULL
};

/* Plans the pickup and books it where a courier has a number to give. */
static void
plan_pickup(OmsReturn *r, const Held *held, int n)
{
	Datum		values[3] = {Int32GetDatum(r->company_id), Int64GetDatum(r->order_id)};
	OmsShipmentPlan plan = {0};
	OmsShipment s;
	int64		volume = 0;

	oms_exec(&pickup_possible_plan, values, NULL, false, 1);
	if (!oms_bool(0, 1))
		return;
	plan.company_id = r->company_id;
	plan.order_id = r->order_id;
	plan.return_id = r->return_id;
	plan.node_id = r->node_id;
	for (int i = 0; i < n; i++)
	{
		plan.dead_g += (int32) oms_muldiv(held[i].weight_g, held[i].take, 1000);
		volume += oms_muldiv(held[i].volume_mm3, held[i].take, 1000);
		plan.declared_value += oms_muldiv(held[i].amount, held[i].take, held[i].qty);
	}
	plan.dead_g = Max(plan.dead_g, 1);
	plan.volume_cm3 = (int32) Min((volume + 999) / 1000, PG_INT32_MAX);
	r->shipment_id = oms_shipment_plan(&plan);
	values[1] = Int64GetDatum(r->return_id);
	values[2] = Int64GetDatum(r->shipment_id);
	oms_exec(&set_parcel_plan, values, NULL, false, 0);
	oms_shipment_lock(r->company_id, r->shipment_id, &s);
	if (!oms_shipment_book(&s, true, false))
		oms_return_event(r, "return.no_pickup");
}

static OmsPlan by_ref_plan = {
	"SELECT r.return_id, r.reason, (SELECT string_agg(x.t, ',' ORDER BY x.line_no) FROM"
	"  (SELECT l.line_no, l.line_no || ':' || trim_scale(sum(l.qty)) AS t FROM oms.return_line l"
	"    WHERE l.company_id = r.company_id AND l.return_id = r.return_id GROUP BY l.line_no) x),"
	" (SELECT string_agg(trim_scale(x.line_no) || ':' || trim_scale(x.qty), ',' ORDER BY x.line_no)"
	"   FROM jsonb_to_recordset($4) AS x (line_no numeric, qty numeric))"
	" FROM oms.return_order r WHERE r.company_id = $1 AND r.order_id = $2 AND r.external_id = $3",
	4, {INT4OID, INT8OID, TEXTOID, JSONBOID}, NULL
};

/* The return this number was used for, or 0; another content is refused. */
static int64
find_by_ref(int32 company_id, int64 order_id, const char *ref,
			const char *reason, Jsonb *lines)
{
	Datum		values[4] = {
		Int32GetDatum(company_id), Int64GetDatum(order_id), oms_text(ref),
		lines ? JsonbPGetDatum(lines) : (Datum) 0
	};
	char	   *had;
	char	   *asked;

	if (oms_exec(&by_ref_plan, values, lines ? "    " : "   n", false, 1) == 0)
		return 0;
	had = oms_cstr(0, 3);
	asked = oms_cstr(0, 4);
	if (strcmp(oms_cstr(0, 2), reason) != 0 ||
		(lines && strcmp(had ? had : "", asked ? asked : "") != 0))
		ereport(ERROR,
				(errcode(ERRCODE_OMS_CONFLICTING_DUPLICATE),
				 errmsg("return \"%s\" came before with another content", ref),
				 errdetail("It was for lines %s, reason %s.", had ? had : "(none)", oms_cstr(0, 2))));
	return oms_int8(0, 1);
}

static OmsPlan answer_plan = {
	"SELECT r.status, n.code, s.shipment_id, c.code, s.awb FROM oms.return_order r"
	" LEFT JOIN oms.node n ON n.node_id = r.node_id"
	" LEFT JOIN oms.shipment s ON s.company_id = r.company_id AND s.shipment_id = r.shipment_id"
	" LEFT JOIN oms.courier_service v ON v.courier_service_id = s.courier_service_id"
	" LEFT JOIN oms.courier c ON c.courier_id = v.courier_id"
	" WHERE r.company_id = $1 AND r.return_id = $2",
	2, {INT4OID, INT8OID}, NULL
};

static Jsonb *
answer(int32 company_id, int64 order_id, int64 return_id, bool duplicate)
{
	Datum		values[2] = {Int32GetDatum(company_id), Int64GetDatum(return_id)};
	OmsJson		j;

	oms_exec(&answer_plan, values, NULL, false, 1);
	oms_json_begin(&j);
	oms_json_int(&j, "return_id", return_id);
	oms_json_int(&j, "order_id", order_id);
	oms_json_str(&j, "status", oms_cstr(0, 1));
	oms_json_str(&j, "node", oms_cstr(0, 2));
	if (oms_isnull(0, 3))
		oms_json_str(&j, "shipment_id", NULL);
	else
		oms_json_int(&j, "shipment_id", oms_int8(0, 3));
	oms_json_str(&j, "courier", oms_cstr(0, 4));
	oms_json_str(&j, "awb", oms_cstr(0, 5));
	oms_json_bool(&j, "duplicate", duplicate);
	return oms_json_end(&j);
}

PG_FUNCTION_INFO_V1(oms_create_return);

Datum
oms_create_return(PG_FUNCTION_ARGS)
{
	Datum		result;

	oms_require_installed();
	oms_spi_connect();
	result = SPI_datumTransfer(JsonbPGetDatum(create_return(PG_GETARG_JSONB_P(0),
															PG_GETARG_TIMESTAMPTZ(1))),
							   false, -1);
	oms_spi_finish();
	return result;
}

static Jsonb *
create_return(Jsonb *doc, TimestampTz at)
{
	OmsReturn	r = {0};
	OmsReturnAsk *asks = NULL;
	int			nasks = -1;
	char	   *reason;
	JsonbValue *v;
	Jsonb	   *lines = NULL;
	Held	   *held;
	int			n;
	int			first = -1;
	int64		known;

	if (!JB_ROOT_IS_OBJECT(doc))
		ereport(ERROR,
				(errcode(ERRCODE_OMS_INVALID_DOCUMENT),
				 errmsg("a return must be a JSON object")));
	r.external_id = doc_text(doc, "return_ref", true);
	reason = doc_text(doc, "reason", true);
	r.company_id = oms_company_id(doc_text(doc, "company", false));
	v = getKeyJsonValueFromContainer(&doc->root, "lines", 5, NULL);
	if (v && v->type != jbvNull)
	{
		lines = JsonbValueToJsonb(v);
		nasks = oms_return_asks(lines, &asks);
	}
	check_reason(reason);
	r.order_id = find_order(doc, r.company_id);
	oms_order_lock(r.company_id, r.order_id);
	known = find_by_ref(r.company_id, r.order_id, r.external_id, reason, lines);
	if (known)
		return answer(r.company_id, r.order_id, known, true);
	n = read_held(r.company_id, r.order_id, at, &held);
	take_lines(held, n, asks, nasks);
	for (int i = 0; i < n; i++)
		if (held[i].take > 0 && (first < 0 || held[i].take > held[first].take))
			first = i;
	r.node_id = receiver(r.company_id, r.order_id, held[first].node_id);
	insert_return(&r, reason, at);
	for (int i = 0; i < n; i++)
		if (held[i].take > 0)
			insert_line(&r, held[i].line_no, held[i].allocation_id, held[i].take);
	oms_return_event(&r, "return.created");
	plan_pickup(&r, held, n);
	/* writes the order's row: a call with an older snapshot must not pass */
	oms_order_refresh(r.company_id, r.order_id);
	return answer(r.company_id, r.order_id, r.return_id, false);
}

/*
 * What couriers report
 */
static OmsPlan of_parcel_plan = {
	"SELECT return_id FROM oms.return_order WHERE company_id = $1 AND order_id = $2 AND shipment_id = $3"
	" AND status NOT IN ('rejected', 'cancelled')",
	3, {INT4OID, INT8OID, INT8OID}, NULL
};

/* The open return this parcel carries; false where there is none. */
static bool
return_of_parcel(const OmsShipment *s, OmsReturn *r)
{
	Datum		values[3] = {
		Int32GetDatum(s->company_id), Int64GetDatum(s->order_id),
		Int64GetDatum(s->shipment_id)
	};

	if (oms_exec(&of_parcel_plan, values, NULL, false, 1) == 0)
		return false;
	oms_return_lock(s->company_id, oms_int8(0, 1), r);
	return true;
}

static OmsPlan coming_back_plan = {
	"SELECT allocation_id, line_no, qty FROM oms.allocation"
	" WHERE company_id = $1 AND shipment_id = $2 AND status = 'rto' ORDER BY allocation_id",
	2, {INT4OID, INT8OID}, NULL
};

static void
rto_started(const OmsShipment *s, TimestampTz at)
{
	OmsReturn	r = {0};
	Datum		values[2] = {Int32GetDatum(s->company_id), Int64GetDatum(s->shipment_id)};
	int			n = (int) oms_exec(&coming_back_plan, values, NULL, false, 0);
	SPITupleTable *rows = SPI_tuptable;

	if (n == 0)
		return;
	r.company_id = s->company_id;
	r.order_id = s->order_id;
	r.rto = true;
	r.external_id = psprintf("RTO-" INT64_FORMAT, s->shipment_id);
	r.node_id = s->node_id;
	r.shipment_id = s->shipment_id;
	insert_return(&r, "UNDELIVERED", at);
	for (int i = 0; i < n; i++)
	{
		bool		isnull;
		Datum		qty = SPI_getbinval(rows->vals[i], rows->tupdesc, 3, &isnull);

		insert_line(&r,
					DatumGetInt32(SPI_getbinval(rows->vals[i], rows->tupdesc, 2, &isnull)),
					DatumGetInt64(SPI_getbinval(rows->vals[i], rows->tupdesc, 1, &isnull)),
					oms_numeric_to_milli(qty));
	}
	oms_return_event(&r, "return.created");
	oms_return_move(&r, "picked_up", at);
}

static void
rto_arrived(const OmsShipment *s, TimestampTz at)
{
	OmsReturn	r;

	if (return_of_parcel(s, &r) &&
		(strcmp(r.status, "authorized") == 0 || strcmp(r.status, "picked_up") == 0))
		oms_return_move(&r, "received", at);
}

static void
picked_up(const OmsShipment *s, TimestampTz at)
{
	OmsReturn	r;

	if (return_of_parcel(s, &r) && strcmp(r.status, "authorized") == 0)
		oms_return_move(&r, "picked_up", at);
}

/* The courier will not come: another pickup, to be booked when wanted. */
static void
pickup_cancelled(const OmsShipment *s)
{
	OmsReturn	r;
	OmsShipmentPlan plan = {0};
	Datum		values[3] = {Int32GetDatum(s->company_id)};

	if (!return_of_parcel(s, &r) || strcmp(r.status, "authorized") != 0)
		return;
	plan.company_id = s->company_id;
	plan.order_id = s->order_id;
	plan.return_id = s->return_id;
	plan.node_id = s->node_id;
	plan.declared_value = s->declared_value;
	plan.dead_g = s->dead_g;
	plan.volume_cm3 = s->volume_cm3;
	values[1] = Int64GetDatum(r.return_id);
	values[2] = Int64GetDatum(oms_shipment_plan(&plan));
	oms_exec(&set_parcel_plan, values, NULL, false, 0);
	oms_return_event(&r, "return.no_pickup");
}

/*
 * A parcel that will arrive nowhere.  Its return, if it carries one, ends
 * with nothing received and the whole owed; else the order's money is.
 */
static void
gone(const OmsShipment *s, TimestampTz at)
{
	OmsReturn	r;
	OmsReturnLine *lines;
	int			n;
	int64		amount;

	if (!return_of_parcel(s, &r))
	{
		if (!s->reverse)
			(void) oms_refund_parcel(s);
		return;
	}
	if (strcmp(r.status, "inspected") == 0 || strcmp(r.status, "closed") == 0)
		return;
	n = oms_return_lines(&r, &lines);
	oms_return_move(&r, "received", 0);
	oms_return_move(&r, "inspected", 0);
	(void) oms_return_settle(&r, lines, n, true, &amount);
}
