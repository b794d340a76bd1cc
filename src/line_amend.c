/*
 * line_amend.c
 *	  New quantities of lines: more is reserved, less is given back.
 */
#include "postgres.h"

#include "access/xact.h"
#include "catalog/pg_type.h"
#include "fmgr.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

#include "allocation.h"
#include "line_change.h"
#include "shipment.h"
#include "stock.h"

/* A line of the order, with its new quantity where it gets one. */
typedef struct Line
{
	int32		line_no;
	const char *sku;
	int64		unit_price;		/* paise */
	int64		now;			/* milli, cancelled ones left out */
	int64		qty;			/* milli, -1: as it is */
} Line;

static OmsPlan lines_plan = {
	"SELECT l.line_no, k.code, l.unit_price, l.qty - l.cancelled_qty"
	" FROM oms.order_line l JOIN oms.sku k ON k.sku_id = l.sku_id"
	" WHERE l.company_id = $1 AND l.order_id = $2 ORDER BY l.line_no",
	2, {INT4OID, INT8OID}, NULL
};
static OmsPlan asks_plan = {
	"SELECT CASE WHEN jsonb_typeof(e->'line_no') = 'number' AND (e->>'line_no')::numeric BETWEEN 1 AND 1000000"
	"  AND (e->>'line_no')::numeric % 1 = 0 THEN (e->>'line_no')::numeric::integer END,"
	" CASE WHEN jsonb_typeof(e->'qty') = 'number' AND (e->>'qty')::numeric BETWEEN 0 AND 99999999"
	"  AND (e->>'qty')::numeric * 1000 % 1 = 0 THEN (e->>'qty')::numeric END,"
	" (SELECT min(k) FROM jsonb_object_keys(CASE WHEN jsonb_typeof(e) = 'object' THEN e ELSE '{}' END) k"
	"  WHERE k NOT IN ('line_no', 'qty'))"
	" FROM jsonb_array_elements($1) WITH ORDINALITY AS l (e, i) ORDER BY i",
	1, {JSONBOID}, NULL
};

static void
invalid(const char *field, const char *what)
{
	ereport(ERROR,
			(errcode(ERRCODE_OMS_INVALID_DOCUMENT),
			 errmsg("field \"%s\" of an amendment %s", field, what),
			 errdetail("Field %s.", field),
			 errhint("Lines are an array of {line_no, qty}; qty is what is wanted of the line from now on.")));
}

static int
read_lines(int32 company_id, int64 order_id, Jsonb *asked, Line **lines)
{
	Datum		values[2] = {Int32GetDatum(company_id), Int64GetDatum(order_id)};
	int			n = (int) oms_exec(&lines_plan, values, NULL, false, 0);
	Line	   *l = palloc0(sizeof(Line) * (n + 1));
	int			nasks;

	for (int i = 0; i < n; i++)
	{
		l[i].line_no = oms_int4(i, 1);
		l[i].sku = oms_cstr(i, 2);
		l[i].unit_price = oms_paise(i, 3);
		l[i].now = oms_milli(i, 4);
		l[i].qty = -1;
	}
	*lines = l;
	if (!JB_ROOT_IS_ARRAY(asked) || JB_ROOT_IS_SCALAR(asked))
		invalid("lines", "must be an array");
	values[0] = JsonbPGetDatum(asked);
	nasks = (int) oms_exec(&asks_plan, values, NULL, false, 0);
	if (nasks == 0)
		invalid("lines", "is empty");
	for (int k = 0; k < nasks; k++)
	{
		int			i = 0;

		if (!oms_isnull(k, 3))
			invalid(psprintf("lines[%d].%s", k, oms_cstr(k, 3)), "is not known");
		if (oms_isnull(k, 1))
			invalid(psprintf("lines[%d].line_no", k), "must be a line number");
		if (oms_isnull(k, 2))
			invalid(psprintf("lines[%d].qty", k), "must be a quantity with at most three decimals");
		while (i < n && l[i].line_no != oms_int4(k, 1))
			i++;
		if (i == n)
			ereport(ERROR,
					(errcode(ERRCODE_OMS_UNKNOWN_REFERENCE),
					 errmsg("order " INT64_FORMAT " has no line %d", order_id, oms_int4(k, 1)),
					 errdetail("Field lines[%d].line_no.", k),
					 errhint("Its lines are the rows of oms.order_line.")));
		if (l[i].qty >= 0)
			invalid(psprintf("lines[%d].line_no", k), "comes twice");
		l[i].qty = oms_milli(k, 2);
	}
	return n;
}

/* What grows must be sold in that quantity; fills in item numbers. */
static void
check_items(OmsLineChange *c, const Line *lines, int n)
{
	OmsLine    *sold = palloc0(sizeof(OmsLine) * (n + 1));
	int			m = 0;

	for (int i = 0; i < n; i++)
	{
		int64		qty = lines[i].qty >= 0 ? lines[i].qty : lines[i].now;
		bool		grows = false;

		for (int k = 0; k < n; k++)
			grows |= lines[k].qty > lines[k].now &&
				strcmp(lines[k].sku, lines[i].sku) == 0;
		if (!grows || qty == 0)
			continue;
		sold[m].line_no = lines[i].line_no;
		sold[m].sku = lines[i].sku;
		sold[m++].qty = qty;
	}
	if (m == 0)
		return;
	oms_lines_find(c->company_id, 0, sold, m, c->at);
	oms_lines_check_sale(sold, m);
	for (int i = 0; i < m; i++)
	{
		if (sold[i].kit && sold[i].qty % 1000 != 0)
			invalid("lines", "asks for a part of a kit");
		for (int k = 0; k < c->nmore; k++)
			if (c->more[k].line_no == sold[i].line_no)
				c->more[k].sku_id = sold[i].sku_id;
	}
}

PG_FUNCTION_INFO_V1(oms_amend_lines);

/* oms.amend_lines(order_id, lines, request_id, partial, company, at) */
Datum
oms_amend_lines(PG_FUNCTION_ARGS)
{
	OmsLineChange c = {0};
	MemoryContext caller = CurrentMemoryContext;
	MemoryContext spi;
	Jsonb	   *asked;
	Jsonb	   *answer;
	char	   *request_id;
	char	   *status;
	Line	   *lines;
	int			n;
	OmsJson		j;

	c.company_id = oms_company_arg(fcinfo, 4);
	c.order_id = oms_id_arg(fcinfo, 0, "order_id");
	if (PG_ARGISNULL(1))
		invalid("lines", "is missing");
	asked = PG_GETARG_JSONB_P(1);
	request_id = oms_request_arg(fcinfo, 2);
	c.partial = !PG_ARGISNULL(3) && PG_GETARG_BOOL(3);
	c.at = PG_ARGISNULL(5) ? GetCurrentTransactionStartTimestamp() :
		PG_GETARG_TIMESTAMPTZ(5);
	c.reason = "BUYER";
	if (oms_erp_before_promise)
		oms_erp_before_promise(c.company_id);
	oms_order_lock(c.company_id, c.order_id);
	oms_spi_connect();
	answer = oms_line_change_before(c.company_id, c.order_id, request_id,
									"amend", asked);
	if (answer)
	{
		Datum		copy = SPI_datumTransfer(JsonbPGetDatum(answer), false, -1);

		oms_spi_finish();
		return copy;
	}
	n = read_lines(c.company_id, c.order_id, asked, &lines);
	c.more = palloc0(sizeof(OmsMore) * (n + 1));
	c.less = palloc0(sizeof(OmsLess) * (n + 1));
	for (int i = 0; i < n; i++)
	{
		if (lines[i].qty > lines[i].now)
		{
			OmsMore    *m = &c.more[c.nmore++];

			m->line_no = lines[i].line_no;
			m->sku = lines[i].sku;
			m->qty = lines[i].qty - lines[i].now;
			m->unit_price = lines[i].unit_price;
		}
		else if (lines[i].qty >= 0 && lines[i].qty < lines[i].now)
		{
			c.less[c.nless].line_no = lines[i].line_no;
			c.less[c.nless++].qty = lines[i].now - lines[i].qty;
		}
	}
	check_items(&c, lines, n);
	if (c.nmore + c.nless > 0)
	{
		oms_line_change(&c);
		oms_json_begin(&j);
		oms_json_str(&j, "request_id", request_id);
		oms_json_paise(&j, "added", c.added);
		oms_json_paise(&j, "taken", c.taken);
		oms_event(c.company_id, "order", c.order_id, "order.lines_amended",
				  oms_json_end(&j));
		oms_order_refresh(c.company_id, c.order_id);
	}
	status = oms_order_status_now(c.company_id, c.order_id);
	spi = MemoryContextSwitchTo(caller);
	oms_json_begin(&j);
	oms_json_int(&j, "order_id", c.order_id);
	oms_json_paise(&j, "added", c.added);
	oms_json_paise(&j, "taken", c.taken);
	oms_json_paise(&j, "refund", c.refund);
	oms_json_paise(&j, "due", c.due);
	oms_json_milli(&j, "waiting", c.waiting);
	oms_json_str(&j, "status", status);
	oms_json_bool(&j, "duplicate", false);
	answer = oms_json_end(&j);
	MemoryContextSwitchTo(spi);
	oms_line_change_keep(c.company_id, c.order_id, request_id, "amend", asked,
						 0, 0, 0, answer);
	oms_spi_finish();
	PG_RETURN_JSONB_P(answer);
}
