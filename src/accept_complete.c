/*
 * accept_complete.c
 *	  Making orders of what was accepted in a rush.
 *
 * The capture of orders.c, with the number, the moment and the plan of the
 * acceptance.  As long as the planner keeps to that plan no row of stock is
 * touched: the units are reserved, what is written is for whom.  Where a node
 * was closed since, its count fell, or no courier goes from there, what was
 * taken is given back under the locks of the new plan's rows.
 *
 * Whoever asks for an order that is accepted and not made yet makes it on the
 * way (oms_order_lock); else the worker does, in turn.  What cannot be made,
 * because an item is not sold any more, say, stays accepted, with the reason,
 * and keeps its stock until somebody refuses it.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/memutils.h"

#include "accept.h"
#include "worker.h"

/*
 * The index of numbers is entered at the lowest found unfinished, less so
 * many that may be committed late, and once in so long at its beginning:
 * entries of orders that are made stay in it while a report is open.
 */
#define LATE_NUMBERS	10000
#define WHOLE_EVERY_MS	60000

typedef struct Row
{
	int32		company_id;
	int64		order_id;
} Row;

typedef struct Chunk
{
	Row		   *rows;
	int			n;
} Chunk;

static OmsPlan lock_plan = {
	"SELECT document, accepted_at, line_nos, node_ids, sku_ids, qtys FROM oms.accepted_order WHERE company_id = $1 AND order_id = $2 FOR UPDATE",
	2, {INT4OID, INT8OID}, NULL
};

static int
read_array(Datum array, Oid type, int len, bool byval, Datum **values)
{
	int			n;

	deconstruct_array(DatumGetArrayTypeP(array), type, len, byval,
					  TYPALIGN_INT, values, NULL, &n);
	return n;
}

/* The row, locked; NULL when there is none (any more).  In the caller's memory. */
static OmsAccepted *
lock_row(int32 company_id, int64 order_id)
{
	MemoryContext caller = CurrentMemoryContext;
	Datum		values[2] = {Int32GetDatum(company_id), Int64GetDatum(order_id)};
	OmsAccepted *a = NULL;
	bool		isnull;

	oms_spi_connect();
	if (oms_exec(&lock_plan, values, NULL, false, 1) > 0)
	{
		MemoryContext spi = MemoryContextSwitchTo(caller);
		Datum	   *line_no;
		Datum	   *node_id;
		Datum	   *sku_id;
		Datum	   *qty;

		a = palloc0(sizeof(OmsAccepted));
		a->order_id = order_id;
		a->document = (Jsonb *) DatumGetPointer(PG_DETOAST_DATUM_COPY(oms_datum(0, 1, &isnull)));
		a->at = oms_time(0, 2);
		a->n = read_array(oms_datum(0, 3, &isnull), INT4OID, 4, true, &line_no);
		if (read_array(oms_datum(0, 4, &isnull), INT4OID, 4, true, &node_id) != a->n ||
			read_array(oms_datum(0, 5, &isnull), INT4OID, 4, true, &sku_id) != a->n ||
			read_array(oms_datum(0, 6, &isnull), NUMERICOID, -1, false, &qty) != a->n)
			elog(ERROR, "accepted order " INT64_FORMAT " has lists of different lengths", order_id);
		a->takes = palloc0(sizeof(OmsStockTake) * (a->n + 1));
		a->pins = palloc0(sizeof(OmsPin) * (a->n + 1));
		for (int i = 0; i < a->n; i++)
		{
			a->takes[i].key.node_id = a->pins[i].node_id = DatumGetInt32(node_id[i]);
			a->takes[i].key.sku_id = DatumGetInt32(sku_id[i]);
			a->takes[i].qty = a->pins[i].qty = oms_numeric_to_milli(qty[i]);
			a->pins[i].line_no = DatumGetInt32(line_no[i]);
		}
		MemoryContextSwitchTo(spi);
	}
	oms_spi_finish();
	return a;
}

bool
oms_accept_complete(int32 company_id, int64 order_id)
{
	OmsAccepted *a = lock_row(company_id, order_id);

	if (a == NULL)
		return false;
	(void) oms_capture_accepted(a);
	oms_accept_remove(company_id, order_id);
	return true;
}

/*
 * Many
 */
static OmsPlan waiting_plan = {
	"SELECT company_id, order_id FROM oms.accepted_order"
	" WHERE company_id = $1 AND order_id >= $2"
	" AND (tries = 0 OR tried_at + '1 minute'::interval * 2 ^ least(tries - 1, 10) <= clock_timestamp())"
	" ORDER BY company_id, order_id LIMIT $3 FOR UPDATE SKIP LOCKED",
	3, {INT4OID, INT8OID, INT4OID}, NULL
};
static OmsPlan companies_plan = {
	"SELECT company_id FROM oms.company ORDER BY company_id", 0, {0}, NULL
};
static OmsPlan failed_plan = {
	"UPDATE oms.accepted_order SET tries = tries + 1, tried_at = clock_timestamp(), error = $3"
	" WHERE company_id = $1 AND order_id = $2 RETURNING tries",
	3, {INT4OID, INT8OID, TEXTOID}, NULL
};

static void
make_rows(void *arg)
{
	Chunk	   *chunk = arg;
	MemoryContext work = AllocSetContextCreate(CurrentMemoryContext,
											   "oms complete_orders",
											   ALLOCSET_DEFAULT_SIZES);

	for (int i = 0; i < chunk->n; i++)
	{
		MemoryContext old = MemoryContextSwitchTo(work);

		CHECK_FOR_INTERRUPTS();
		(void) oms_accept_complete(chunk->rows[i].company_id,
								   chunk->rows[i].order_id);
		MemoryContextSwitchTo(old);
		MemoryContextReset(work);
	}
	MemoryContextDelete(work);
}

/* Keeps why; told once, when it failed first.  What was busy is not to blame. */
static void
note_failure(const Row *row, const ErrorData *err)
{
	Datum		values[3] = {
		Int32GetDatum(row->company_id), Int64GetDatum(row->order_id),
		oms_text(psprintf("%s: %s%s%s", unpack_sql_state(err->sqlerrcode), err->message,
						  err->detail ? ": " : "", err->detail ? err->detail : ""))
	};
	bool		first;
	OmsJson		j;

	if (err->sqlerrcode == ERRCODE_LOCK_NOT_AVAILABLE ||
		ERRCODE_TO_CATEGORY(err->sqlerrcode) == ERRCODE_TRANSACTION_ROLLBACK)
		return;
	oms_spi_connect();
	first = oms_exec(&failed_plan, values, NULL, false, 0) > 0 && oms_int4(0, 1) == 1;
	oms_spi_finish();
	if (!first)
		return;
	oms_json_begin(&j);
	oms_json_str(&j, "sqlstate", unpack_sql_state(err->sqlerrcode));
	oms_event(row->company_id, "order", row->order_id, "order.not_completed",
			  oms_json_end(&j));
}

/* All at once; when one fails, one by one. */
static int
make_chunk(Chunk *chunk)
{
	int			made = 0;
	ErrorData  *err;

	if (oms_try(make_rows, chunk, &err))
		return chunk->n;
	FreeErrorData(err);
	for (int i = 0; i < chunk->n; i++)
	{
		Chunk		one = {&chunk->rows[i], 1};

		if (oms_try(make_rows, &one, &err))
			made++;
		else
		{
			note_failure(one.rows, err);
			FreeErrorData(err);
		}
	}
	return made;
}

static int
complete_company(int32 company_id, int64 from, int max, int64 *lowest)
{
	MemoryContext caller = CurrentMemoryContext;
	Datum		values[3] = {
		Int32GetDatum(company_id), Int64GetDatum(from), Int32GetDatum(max)
	};
	Chunk		chunk;

	oms_spi_connect();
	chunk.n = (int) oms_exec(&waiting_plan, values, NULL, false, 0);
	chunk.rows = MemoryContextAllocZero(caller, sizeof(Row) * (chunk.n + 1));
	for (int i = 0; i < chunk.n; i++)
	{
		chunk.rows[i].company_id = oms_int4(i, 1);
		chunk.rows[i].order_id = oms_int8(i, 2);
	}
	oms_spi_finish();
	*lowest = chunk.n > 0 ? chunk.rows[0].order_id : 0;
	return chunk.n > 0 ? make_chunk(&chunk) : 0;
}

PG_FUNCTION_INFO_V1(oms_complete_orders);

/* oms.complete_orders(max integer) returns integer */
Datum
oms_complete_orders(PG_FUNCTION_ARGS)
{
	static int32 company = 0;
	static int64 from = 0;
	static TimestampTz whole = 0;
	int			max = PG_GETARG_INT32(0);
	int			made = 0;
	int32	   *companies;
	int			n;
	int			first = 0;
	MemoryContext caller = CurrentMemoryContext;
	TimestampTz now = GetCurrentTimestamp();

	oms_require_installed();
	if (max < 0)
		ereport(ERROR,
				(errcode(ERRCODE_OMS_INVALID_DOCUMENT),
				 errmsg("max is %d, which is below zero", max),
				 errdetail("Argument max."),
				 errhint("It is the number of orders to make at most.")));
	oms_spi_connect();
	n = (int) oms_exec(&companies_plan, NULL, NULL, false, 0);
	companies = MemoryContextAlloc(caller, sizeof(int32) * (n + 1));
	for (int i = 0; i < n; i++)
		companies[i] = oms_int4(i, 1);
	oms_spi_finish();
	/* in turn: after the one that had orders last */
	while (first < n && companies[first] <= company)
		first++;
	for (int i = 0; i < n && made < max; i++)
	{
		int32		id = companies[(first + i) % n];
		bool		resume = id == company &&
		!TimestampDifferenceExceeds(whole, now, WHOLE_EVERY_MS);
		int64		lowest;

		made += complete_company(id, resume ? from : 0, max - made, &lowest);
		if (lowest > 0)
		{
			if (!resume)
				whole = now;
			company = id;
			from = Max(lowest - LATE_NUMBERS, 0);
		}
	}
	/* there may be more, and it is not tried again before the next round */
	if (made > 0 && made == max)
		oms_worker_wake();
	PG_RETURN_INT32(made);
}

PG_FUNCTION_INFO_V1(oms_complete_order);

/* oms.complete_order(order_id bigint, company text) returns boolean */
Datum
oms_complete_order(PG_FUNCTION_ARGS)
{
	int32		company_id;

	oms_require_installed();
	company_id = oms_company_id_now(PG_ARGISNULL(1) ? NULL :
									text_to_cstring(PG_GETARG_TEXT_PP(1)));
	PG_RETURN_BOOL(!PG_ARGISNULL(0) &&
				   oms_accept_complete(company_id, PG_GETARG_INT64(0)));
}

PG_FUNCTION_INFO_V1(oms_refuse_order);

/*
 * oms.refuse_order(order_id bigint, reason text, company text) returns boolean
 *
 * The document goes to oms.reject, so nothing is lost.
 */
Datum
oms_refuse_order(PG_FUNCTION_ARGS)
{
	int32		company_id;
	int64		order_id;
	OmsAccepted *a;
	ErrorData	err = {0};
	OmsOrderDoc doc;
	OmsJson		j;

	oms_require_installed();
	company_id = oms_company_id_now(PG_ARGISNULL(2) ? NULL :
									text_to_cstring(PG_GETARG_TEXT_PP(2)));
	if (PG_ARGISNULL(0) || PG_ARGISNULL(1))
		ereport(ERROR,
				(errcode(ERRCODE_OMS_INVALID_DOCUMENT),
				 errmsg("%s is null", PG_ARGISNULL(0) ? "order_id" : "reason"),
				 errdetail("Argument %s.", PG_ARGISNULL(0) ? "order_id" : "reason"),
				 errhint("Name the accepted order and why it is refused.")));
	order_id = PG_GETARG_INT64(0);
	if ((a = lock_row(company_id, order_id)) == NULL)
		PG_RETURN_BOOL(false);
	oms_stock_give_takes(company_id, a->takes, a->n, NULL, 0);
	oms_accept_remove(company_id, order_id);
	oms_order_read(a->document, false, &doc);
	err.sqlerrcode = ERRCODE_OMS_INVALID_DOCUMENT;
	err.message = psprintf("accepted order " INT64_FORMAT " was refused: %s", order_id,
						   text_to_cstring(PG_GETARG_TEXT_PP(1)));
	oms_reject(company_id, "refuse_order", doc.external_id,
			   JsonbToCString(NULL, &a->document->root, VARSIZE(a->document)), &err);
	oms_json_begin(&j);
	oms_json_str(&j, "external_id", doc.external_id);
	oms_event(company_id, "order", order_id, "order.refused", oms_json_end(&j));
	PG_RETURN_BOOL(true);
}
