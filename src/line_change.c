/*
 * line_change.c
 *	  Units added to an order and taken off it in one step: what amending
 *	  and exchanging lines come to.
 *
 * What is added waits first, so that the order does not end when everything
 * else is taken off; then what is taken off gives its stock back, and what was
 * added is planned as at capture: it may use what was just given back.  Money
 * is settled once, at the end: only the difference is refunded or due.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "fmgr.h"
#include "utils/builtins.h"

#include "allocation.h"
#include "line_change.h"
#include "shipment.h"
#include "stock.h"

static OmsPlan terms_plan = {
	"SELECT o.status, o.fulfilment_mode = 'SHIP', c.allow_split, c.allow_backorder, c.price_includes_tax,"
	" o.total_amount, o.tax_amount, EXISTS (SELECT FROM oms.allocation a WHERE a.company_id = $1 AND a.order_id = $2 AND a.status <> 'cancelled'),"
	" coalesce((SELECT max(shipment_id) FROM oms.shipment s WHERE s.company_id = $1 AND s.order_id = $2), 0)"
	" FROM oms.\"order\" o JOIN oms.channel c ON c.channel_id = o.channel_id"
	" WHERE o.company_id = $1 AND o.order_id = $2",
	2, {INT4OID, INT8OID}, NULL
};

typedef struct Terms
{
	const char *status;
	bool		ship;
	bool		split;
	bool		backorder;
	bool		inclusive;
	int64		total;			/* paise */
	int64		tax;			/* paise */
	bool		live;			/* not all of it is cancelled */
	int64		last_parcel;
} Terms;

static void
read_terms(const OmsLineChange *c, Terms *t)
{
	Datum		values[2] = {Int32GetDatum(c->company_id), Int64GetDatum(c->order_id)};

	oms_exec(&terms_plan, values, NULL, false, 1);
	t->status = oms_cstr(0, 1);
	t->ship = oms_bool(0, 2);
	t->split = oms_bool(0, 3);
	t->backorder = oms_bool(0, 4);
	t->inclusive = oms_bool(0, 5);
	t->total = oms_paise(0, 6);
	t->tax = oms_paise(0, 7);
	t->live = oms_bool(0, 8);
	t->last_parcel = oms_int8(0, 9);
}

static OmsPlan new_line_plan = {
	"INSERT INTO oms.order_line (company_id, order_id, line_no, sku_id, qty, unit_price, net_amount)"
	" SELECT $1, $2, max(line_no) + 1, $3, $4, $5, $6 FROM oms.order_line WHERE company_id = $1 AND order_id = $2"
	" RETURNING line_no",
	6, {INT4OID, INT8OID, INT4OID, NUMERICOID, NUMERICOID, NUMERICOID}, NULL
};
static OmsPlan more_line_plan = {
	"UPDATE oms.order_line SET qty = qty + $4, net_amount = net_amount + $5"
	" WHERE company_id = $1 AND order_id = $2 AND line_no = $3",
	5, {INT4OID, INT8OID, INT4OID, NUMERICOID, NUMERICOID}, NULL
};
static OmsPlan more_waits_plan = {
	"INSERT INTO oms.allocation (company_id, order_id, line_no, sku_id, qty, status, net_amount)"
	" VALUES ($1, $2, $3, $4, $5, 'backordered', $6) RETURNING allocation_id",
	6, {INT4OID, INT8OID, INT4OID, INT4OID, NUMERICOID, NUMERICOID}, NULL
};
static OmsPlan more_order_plan = {
	"UPDATE oms.\"order\" SET goods_amount = goods_amount + $3, total_amount = total_amount + $3"
	" WHERE company_id = $1 AND order_id = $2",
	3, {INT4OID, INT8OID, NUMERICOID}, NULL
};

static void
add(const OmsLineChange *c, OmsMore *m)
{
	Datum		values[6] = {Int32GetDatum(c->company_id), Int64GetDatum(c->order_id)};

	m->net = oms_muldiv(m->unit_price, m->qty, 1000);
	if (m->line_no == 0)
	{
		values[2] = Int32GetDatum(m->sku_id);
		values[3] = oms_milli_numeric(m->qty);
		values[4] = oms_paise_numeric(m->unit_price);
		values[5] = oms_paise_numeric(m->net);
		oms_exec(&new_line_plan, values, NULL, false, 0);
		m->line_no = oms_int4(0, 1);
	}
	else
	{
		values[2] = Int32GetDatum(m->line_no);
		values[3] = oms_milli_numeric(m->qty);
		values[4] = oms_paise_numeric(m->net);
		oms_exec(&more_line_plan, values, NULL, false, 0);
	}
	values[2] = Int32GetDatum(m->line_no);
	values[3] = Int32GetDatum(m->sku_id);
	values[4] = oms_milli_numeric(m->qty);
	values[5] = oms_paise_numeric(m->net);
	oms_exec(&more_waits_plan, values, NULL, false, 0);
	m->allocation_id = oms_int8(0, 1);
	values[2] = oms_paise_numeric(m->net);
	oms_exec(&more_order_plan, values, NULL, false, 0);
}

static OmsPlan lines_held_plan = {
	"SELECT allocation_id FROM oms.allocation WHERE company_id = $1 AND order_id = $2 AND line_no = ANY ($3)"
	" AND status IN ('reserved', 'released', 'picked', 'packed') ORDER BY allocation_id",
	3, {INT4OID, INT8OID, INT4ARRAYOID}, NULL
};

/* What the lines that lose units hold: any of it may be given back. */
static int
lines_held(const OmsLineChange *c, int64 **ids)
{
	int32	   *line_nos = palloc(sizeof(int32) * (c->nless + 1));
	Datum		values[3] = {Int32GetDatum(c->company_id), Int64GetDatum(c->order_id)};
	int			n;

	for (int i = 0; i < c->nless; i++)
		line_nos[i] = c->less[i].line_no;
	values[2] = oms_int4_array(line_nos, c->nless);
	n = (int) oms_exec(&lines_held_plan, values, NULL, false, 0);
	*ids = palloc(sizeof(int64) * (n + 1));
	for (int i = 0; i < n; i++)
		(*ids)[i] = oms_int8(i, 1);
	return n;
}

static OmsPlan all_of_order_plan = {
	"SELECT allocation_id, status FROM oms.allocation WHERE company_id = $1 AND order_id = $2"
	" AND status NOT IN ('cancelled', 'backordered', 'delivered', 'returned', 'rto') ORDER BY allocation_id",
	2, {INT4OID, INT8OID}, NULL
};

/* A channel that does not split: all that is on its way to be sent. */
static int
whole_order(const OmsLineChange *c, int64 **ids)
{
	Datum		values[2] = {Int32GetDatum(c->company_id), Int64GetDatum(c->order_id)};
	int			n = (int) oms_exec(&all_of_order_plan, values, NULL, false, 0);

	*ids = palloc(sizeof(int64) * (n + 1));
	for (int i = 0; i < n; i++)
	{
		const char *status = oms_cstr(i, 2);

		if (strcmp(status, "packed") == 0 || strcmp(status, "shipped") == 0)
			ereport(ERROR,
					(errcode(ERRCODE_OMS_STATUS_MOVE),
					 errmsg("nothing more can be added to order " INT64_FORMAT, c->order_id),
					 errdetail("It goes in one parcel, which is %s.", status),
					 errhint("Capture another order.")));
		(*ids)[i] = oms_int8(i, 1);
	}
	return n;
}

static OmsPlan waiting_plan = {
	"SELECT coalesce(sum(qty), 0) FROM oms.allocation WHERE company_id = $1 AND order_id = $2 AND line_no = ANY ($3) AND status = 'backordered'",
	3, {INT4OID, INT8OID, INT4ARRAYOID}, NULL
};

static int64
waiting(const OmsLineChange *c)
{
	int32	   *line_nos = palloc(sizeof(int32) * (c->nmore + 1));
	Datum		values[3] = {Int32GetDatum(c->company_id), Int64GetDatum(c->order_id)};

	for (int i = 0; i < c->nmore; i++)
		line_nos[i] = c->more[i].line_no;
	values[2] = oms_int4_array(line_nos, c->nmore);
	oms_exec(&waiting_plan, values, NULL, false, 1);
	return oms_milli(0, 1);
}

static OmsPlan credit_plan = {
	"UPDATE oms.\"order\" SET paid_amount = paid_amount + $3 WHERE company_id = $1 AND order_id = $2",
	3, {INT4OID, INT8OID, NUMERICOID}, NULL
};
static OmsPlan due_plan = {
	"SELECT greatest(o.total_amount - o.paid_amount - CASE WHEN o.payment_mode = 'COD' THEN"
	"  coalesce((SELECT sum(s.cod_amount) FROM oms.shipment s WHERE s.company_id = $1 AND s.order_id = $2"
	"   AND s.direction = 'forward' AND s.state = 'DELIVERED'), 0) ELSE 0 END, 0),"
	" o.payment_mode = 'PREPAID' FROM oms.\"order\" o WHERE o.company_id = $1 AND o.order_id = $2",
	2, {INT4OID, INT8OID}, NULL
};
static OmsPlan hold_plan = {
	"INSERT INTO oms.order_hold (company_id, order_id, hold, reason) VALUES ($1, $2, 'PAYMENT', 'a prepaid order was changed and is not fully paid')"
	" ON CONFLICT (company_id, order_id, hold) DO UPDATE SET resolved_at = NULL, resolution = NULL, resolved_by = NULL, reason = excluded.reason",
	2, {INT4OID, INT8OID}, NULL
};

/*
 * An order that grows needs what it was to give back: refunds that were paid
 * come off what was paid, those that are due fall to what is paid too much.
 */
static OmsPlan net_plan = {
	"WITH paid AS (UPDATE oms.refund SET netted = true WHERE company_id = $1 AND order_id = $2"
	"  AND return_id IS NULL AND status = 'paid' AND NOT netted RETURNING amount)"
	" UPDATE oms.\"order\" SET paid_amount = paid_amount - (SELECT coalesce(sum(amount), 0) FROM paid)"
	" WHERE company_id = $1 AND order_id = $2 RETURNING greatest(paid_amount - total_amount, 0)",
	2, {INT4OID, INT8OID}, NULL
};
static OmsPlan lower_plan = {
	"WITH f AS (SELECT refund_id, amount, tax_amount,"
	"  greatest(least(amount, $3 - coalesce(sum(amount) OVER (ORDER BY refund_id ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), 0)), 0) AS stays"
	"  FROM oms.refund WHERE company_id = $1 AND order_id = $2 AND return_id IS NULL AND status = 'due')"
	" UPDATE oms.refund r SET status = CASE WHEN f.stays = 0 THEN 'void' ELSE 'due' END,"
	"  amount = CASE WHEN f.stays = 0 THEN r.amount ELSE f.stays END,"
	"  tax_amount = CASE WHEN f.stays = 0 THEN r.tax_amount ELSE round(r.tax_amount * f.stays / r.amount, 2) END"
	" FROM f WHERE r.company_id = $1 AND r.refund_id = f.refund_id AND f.stays < f.amount",
	3, {INT4OID, INT8OID, NUMERICOID}, NULL
};

static void
take_back_refunds(const OmsLineChange *c)
{
	Datum		values[3] = {Int32GetDatum(c->company_id), Int64GetDatum(c->order_id)};

	oms_exec(&net_plan, values, NULL, false, 0);
	values[2] = oms_paise_numeric(oms_paise(0, 1));
	oms_exec(&lower_plan, values, NULL, false, 0);
}

/* Only the difference is refunded, or still to be paid. */
static void
settle(OmsLineChange *c, int64 less_tax)
{
	Datum		values[3] = {Int32GetDatum(c->company_id), Int64GetDatum(c->order_id)};

	c->credited = Min(c->credit, c->added);
	if (c->credited > 0)
	{
		values[2] = oms_paise_numeric(c->credited);
		oms_exec(&credit_plan, values, NULL, false, 0);
	}
	if (c->added > 0)
		take_back_refunds(c);
	oms_shipment_balance_cash(c->company_id, c->order_id);
	if (c->taken > 0)
		c->refund = oms_order_refund_over(c->company_id, c->order_id,
										  c->taken, Max(less_tax, 0), false);
	oms_order_settle(c->company_id, c->order_id);
	oms_exec(&due_plan, values, NULL, false, 1);
	c->due = oms_paise(0, 1);
	if (c->due > 0 && oms_bool(0, 2))
		oms_exec(&hold_plan, values, NULL, false, 0);
}

int64
oms_line_resettle(int32 company_id, int64 order_id, int64 added, int64 taken,
				  int64 less_tax)
{
	OmsLineChange c = {0};

	c.company_id = company_id;
	c.order_id = order_id;
	c.added = added;
	c.taken = taken;
	settle(&c, less_tax);
	return c.refund;
}

static bool
may_grow(const Terms *t, bool delivered)
{
	static const char *const live[] = {
		"captured", "on_hold", "backordered", "part_reserved", "reserved",
		"released", "packed", "part_shipped", NULL
	};

	for (int i = 0; live[i]; i++)
		if (strcmp(t->status, live[i]) == 0)
			return t->ship;
	return delivered && t->ship && (strcmp(t->status, "delivered") == 0 ||
									strcmp(t->status, "part_delivered") == 0);
}

void
oms_line_change(OmsLineChange *c)
{
	Terms		t;
	Terms		after;
	OmsReplan	r = {0};
	OmsCancelled gone = {0};
	int64	   *held;
	int64	   *along = NULL;
	int64	   *ids;
	int			nheld;
	int			nalong = 0;

	read_terms(c, &t);
	if (c->nmore > 0 && !may_grow(&t, c->credit > 0))
		ereport(ERROR,
				(errcode(ERRCODE_OMS_STATUS_MOVE),
				 errmsg("nothing more can be added to order " INT64_FORMAT, c->order_id),
				 errdetail("It is %s.", t.ship ? t.status : "sold over the counter"),
				 errhint("Capture another order.")));
	for (int i = 0; i < c->nmore; i++)
		add(c, &c->more[i]);
	nheld = lines_held(c, &held);
	if (c->nmore > 0 && !t.split)
		nalong = whole_order(c, &along);
	ids = palloc(sizeof(int64) * (c->nmore + nalong + 1));
	for (int i = 0; i < c->nmore; i++)
		ids[r.nids++] = c->more[i].allocation_id;
	r.company_id = c->company_id;
	r.order_id = c->order_id;
	r.at = c->at;
	r.ids = ids;
	r.keep = true;
	r.whole = !c->partial || !t.backorder;
	r.wait = c->nmore == 0;
	if (c->nmore > 0 || c->nless > 1)
	{
		held = repalloc(held, sizeof(int64) * (nheld + nalong + 1));
		for (int i = 0; i < nalong; i++)
			held[nheld++] = along[i];
		oms_order_lock_ahead(&r, held, nheld);
	}
	for (int i = 0; i < c->nless; i++)
	{
		OmsCancelled one = {0};

		oms_order_cancel_units(c->company_id, c->order_id, c->less[i].line_no,
							   c->less[i].qty, c->reason, &one);
		gone.amount += one.amount;
		c->refund += one.refund;
	}
	if (nalong > 0)
	{
		/* what of it was not cancelled just now */
		nalong = whole_order(c, &along);
		for (int i = 0; i < nalong; i++)
		{
			oms_allocation_move(c->company_id, along[i], "backordered");
			ids[r.nids++] = along[i];
		}
		oms_order_unplace(c->company_id, along, nalong);
	}
	if (c->nmore > 0)
	{
		oms_order_replan(&r);
		oms_shipment_merge(c->company_id, c->order_id, t.last_parcel);
		c->waiting = waiting(c);
	}
	read_terms(c, &after);
	c->taken = gone.amount;
	if (!after.live)
		return;					/* cancelled, and settled by that */
	c->added = after.total - t.total + gone.amount;
	settle(c, t.tax - after.tax);
}

/*
 * Requests
 */
char *
oms_request_arg(FunctionCallInfo fcinfo, int arg)
{
	if (PG_ARGISNULL(arg) || VARSIZE_ANY_EXHDR(PG_GETARG_TEXT_PP(arg)) == 0)
		ereport(ERROR,
				(errcode(ERRCODE_OMS_INVALID_DOCUMENT),
				 errmsg("a line is changed under a number of the caller's"),
				 errdetail("Argument request_id is empty."),
				 errhint("Give each request one, so that sent twice it is done once.")));
	if (VARSIZE_ANY_EXHDR(PG_GETARG_TEXT_PP(arg)) > 200)
		ereport(ERROR,
				(errcode(ERRCODE_OMS_INVALID_DOCUMENT),
				 errmsg("the number of a request is longer than 200 bytes"),
				 errdetail("Argument request_id has %d bytes.",
						   (int) VARSIZE_ANY_EXHDR(PG_GETARG_TEXT_PP(arg))),
				 errhint("Give it a shorter one, such as a UUID.")));
	return text_to_cstring(PG_GETARG_TEXT_PP(arg));
}

static OmsPlan before_plan = {
	"SELECT kind = $4 AND asked = $5, answer || '{\"duplicate\": true}' FROM oms.line_change"
	" WHERE company_id = $1 AND order_id = $2 AND request_id = $3",
	5, {INT4OID, INT8OID, TEXTOID, TEXTOID, JSONBOID}, NULL
};

Jsonb *
oms_line_change_before(int32 company_id, int64 order_id,
					   const char *request_id, const char *kind, Jsonb *asked)
{
	Datum		values[5] = {
		Int32GetDatum(company_id), Int64GetDatum(order_id),
		oms_text(request_id), oms_text(kind), JsonbPGetDatum(asked)
	};
	bool		isnull;

	if (oms_exec(&before_plan, values, NULL, false, 1) == 0)
		return NULL;
	if (!oms_bool(0, 1))
		ereport(ERROR,
				(errcode(ERRCODE_OMS_CONFLICTING_DUPLICATE),
				 errmsg("request \"%s\" changed something else of order " INT64_FORMAT, request_id, order_id),
				 errdetail("It came with another content first."),
				 errhint("Give another request another number.")));
	return DatumGetJsonbPCopy(oms_datum(0, 2, &isnull));
}

static OmsPlan keep_plan = {
	"INSERT INTO oms.line_change (company_id, order_id, request_id, kind, asked, line_no, new_line_no, return_id, answer)"
	" VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
	9, {INT4OID, INT8OID, TEXTOID, TEXTOID, JSONBOID, INT4OID, INT4OID, INT8OID, JSONBOID}, NULL
};

void
oms_line_change_keep(int32 company_id, int64 order_id,
					 const char *request_id, const char *kind, Jsonb *asked,
					 int32 line_no, int32 new_line_no, int64 return_id,
					 Jsonb *answer)
{
	Datum		values[9] = {
		Int32GetDatum(company_id), Int64GetDatum(order_id),
		oms_text(request_id), oms_text(kind), JsonbPGetDatum(asked),
		Int32GetDatum(line_no), Int32GetDatum(new_line_no),
		Int64GetDatum(return_id), JsonbPGetDatum(answer)
	};
	char		nulls[10] = "         ";

	nulls[5] = line_no ? ' ' : 'n';
	nulls[6] = new_line_no ? ' ' : 'n';
	nulls[7] = return_id ? ' ' : 'n';
	oms_exec(&keep_plan, values, nulls, false, 0);
}
