/*
 * parking.c
 *	  Orders that cannot be filled, under a name, and their end.
 *
 * Parking is an overlay: the order waits as any other (oms.retry_backorders
 * goes on trying) and a row says in which queue people find it and when what
 * still waits is cancelled.  An order is parked while something of it waits;
 * nobody need write that it is not any more.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#include "allocation.h"
#include "orders.h"
#include "parking.h"

static OmsPlan park_plan = {
	"INSERT INTO oms.parking AS p (company_id, order_id, queue, reason, parked_at, cancel_at)"
	" VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (company_id, order_id) DO UPDATE"
	" SET queue = excluded.queue, reason = excluded.reason, parked_at = excluded.parked_at, cancel_at = excluded.cancel_at, ended_at = NULL, outcome = NULL"
	" WHERE p.ended_at IS NOT NULL RETURNING 1",
	6, {INT4OID, INT8OID, TEXTOID, TEXTOID, TIMESTAMPTZOID, TIMESTAMPTZOID}, NULL
};

void
oms_park(int32 company_id, int64 order_id, TimestampTz at,
		 const OmsSourcingRule *rule, const char *reason)
{
	TimestampTz cancel_at = at + rule->cancel_days * USECS_PER_DAY;
	Datum		values[6] = {
		Int32GetDatum(company_id), Int64GetDatum(order_id),
		oms_text(rule->park_queue), oms_text(reason),
		TimestampTzGetDatum(at), TimestampTzGetDatum(cancel_at)
	};
	OmsJson		j;

	if (rule->park_queue == NULL ||
		oms_exec(&park_plan, values, rule->cancel_days ? NULL : "     n", false, 0) == 0)
		return;
	oms_json_begin(&j);
	oms_json_str(&j, "queue", rule->park_queue);
	oms_json_str(&j, "reason", reason);
	if (rule->cancel_days)
		oms_json_time(&j, "cancel_at", cancel_at);
	oms_event(company_id, "order", order_id, "order.parked", oms_json_end(&j));
}

static OmsPlan unpark_plan = {
	"UPDATE oms.parking p SET ended_at = $3, outcome = 'over' WHERE company_id = $1 AND order_id = $2 AND ended_at IS NULL"
	" AND NOT EXISTS (SELECT FROM oms.allocation a WHERE a.company_id = $1 AND a.order_id = $2 AND a.status = 'backordered')",
	3, {INT4OID, INT8OID, TIMESTAMPTZOID}, NULL
};

void
oms_unpark(int32 company_id, int64 order_id, TimestampTz at)
{
	Datum		values[3] = {
		Int32GetDatum(company_id), Int64GetDatum(order_id),
		TimestampTzGetDatum(at)
	};

	oms_exec(&unpark_plan, values, NULL, false, 0);
}

static OmsPlan due_plan = {
	"SELECT company_id, order_id FROM oms.parking WHERE cancel_at <= $1 AND ended_at IS NULL ORDER BY cancel_at, company_id, order_id LIMIT $2",
	2, {TIMESTAMPTZOID, INT4OID}, NULL
};
static OmsPlan still_plan = {
	"SELECT 1 FROM oms.parking WHERE company_id = $1 AND order_id = $2 AND ended_at IS NULL AND cancel_at <= $3",
	3, {INT4OID, INT8OID, TIMESTAMPTZOID}, NULL
};
static OmsPlan waiting_plan = {
	"SELECT line_no, sum(qty), sum(sum(qty)) OVER () = (SELECT sum(b.qty) FROM oms.allocation b"
	"  WHERE b.company_id = $1 AND b.order_id = $2 AND b.status <> 'cancelled')"
	" FROM oms.allocation WHERE company_id = $1 AND order_id = $2 AND status = 'backordered' GROUP BY line_no ORDER BY line_no",
	2, {INT4OID, INT8OID}, NULL
};
static OmsPlan end_plan = {
	"UPDATE oms.parking SET ended_at = $3, outcome = $4 WHERE company_id = $1 AND order_id = $2",
	4, {INT4OID, INT8OID, TIMESTAMPTZOID, TEXTOID}, NULL
};

typedef struct Parked
{
	int32		company_id;
	int64		order_id;
	TimestampTz at;
	bool		cancelled;
} Parked;

/* What waits of one order ends; what is planned goes on. */
static void
cancel_one(void *arg)
{
	Parked	   *p = arg;
	Datum		values[4] = {
		Int32GetDatum(p->company_id), Int64GetDatum(p->order_id),
		TimestampTzGetDatum(p->at)
	};
	int32	   *lines;
	int64	   *qty;
	int			n;
	bool		all;

	p->cancelled = false;
	if (!oms_order_try_lock(p->company_id, p->order_id))
		return;					/* somebody works on it; next time */
	oms_spi_connect();
	if (oms_exec(&still_plan, values, NULL, false, 1) == 0)
	{
		oms_spi_finish();
		return;
	}
	n = (int) oms_exec(&waiting_plan, values, NULL, false, 0);
	all = n > 0 && oms_bool(0, 3);
	lines = palloc(sizeof(int32) * (n + 1));
	qty = palloc(sizeof(int64) * (n + 1));
	for (int i = 0; i < n; i++)
	{
		lines[i] = oms_int4(i, 1);
		qty[i] = oms_milli(i, 2);
	}
	if (all)
		oms_order_cancel(p->company_id, p->order_id, "UNFILLED");
	for (int i = 0; i < n && !all; i++)
		oms_line_cancel_waiting(p->company_id, p->order_id, lines[i], qty[i],
								"UNFILLED");
	values[3] = oms_text(n > 0 ? "cancelled" : "over");
	oms_exec(&end_plan, values, NULL, false, 0);
	oms_spi_finish();
	if (n > 0)
		oms_order_refresh(p->company_id, p->order_id);
	p->cancelled = n > 0;
}

PG_FUNCTION_INFO_V1(oms_cancel_parked);

/*
 * oms.cancel_parked(at timestamptz, max integer) returns integer
 *
 * Several orders in one transaction, as oms.retry_backorders: what is busy
 * is left for the next run.
 */
Datum
oms_cancel_parked(PG_FUNCTION_ARGS)
{
	Datum		values[2] = {
		PG_GETARG_DATUM(0), Int32GetDatum(oms_limit_arg(fcinfo, 1, "max", 0))
	};
	MemoryContext loop = AllocSetContextCreate(CurrentMemoryContext,
											   "oms cancel_parked",
											   ALLOCSET_DEFAULT_SIZES);
	MemoryContext old;
	Parked	   *orders;
	int			n;
	int			cancelled = 0;

	oms_require_installed();
	oms_spi_connect();
	n = (int) oms_exec(&due_plan, values, NULL, false, 0);
	orders = MemoryContextAllocZero(fcinfo->flinfo->fn_mcxt, sizeof(Parked) * (n + 1));
	for (int i = 0; i < n; i++)
	{
		orders[i].company_id = oms_int4(i, 1);
		orders[i].order_id = oms_int8(i, 2);
		orders[i].at = PG_GETARG_TIMESTAMPTZ(0);
	}
	oms_spi_finish();

	old = MemoryContextSwitchTo(loop);
	for (int i = 0; i < n; i++)
	{
		ErrorData  *err;

		CHECK_FOR_INTERRUPTS();
		/* one order that cannot be cancelled must not stop the others */
		if (oms_try(cancel_one, &orders[i], &err))
			cancelled += orders[i].cancelled ? 1 : 0;
		else if (err->sqlerrcode != ERRCODE_LOCK_NOT_AVAILABLE)
		{
			OmsJson		j;

			oms_json_begin(&j);
			oms_json_str(&j, "error", err->message);
			oms_event(orders[i].company_id, "order", orders[i].order_id,
					  "order.cancel_failed", oms_json_end(&j));
		}
		MemoryContextReset(loop);
	}
	MemoryContextSwitchTo(old);
	MemoryContextDelete(loop);
	PG_RETURN_INT32(cancelled);
}
