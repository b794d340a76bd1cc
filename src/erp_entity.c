/*
 * erp_entity.c
 *	  Masters, documents and supply of the ERP: keys are evaluated anew, what
 *	  differs is written, what is gone is ended.
 *
 * A row that cannot be taken in goes to oms.reject and the others go on.  One
 * that refers to what is not here yet is noted in oms.erp_waiting, and looked
 * at again when that comes.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/inval.h"
#include "utils/jsonb.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"

#include "erp_entity.h"
#include "errors.h"

#define CHUNK_ROWS 5000			/* written by one statement */
#define FILLS_ROWS 500			/* so many change what plans are good */

typedef enum Fate
{
	TAKEN,
	REFUSED,					/* what we have of it stays */
	NONE						/* waits, or states that there is nothing */
} Fate;

/* What a row waits for */
typedef struct Wait
{
	const char *key;
	char	   *on_entity;
	char	   *on_key;
} Wait;

/* Rows of one entity on their way in */
typedef struct Intake
{
	OmsErp	   *erp;
	OmsErpEntity entity;
	OmsErpDirty *dirty;
	Datum	   *rows;
	char	  **keys;
	Fate	   *fates;
	int			n;
	OmsErpDirty *added;			/* keys that were new */
	OmsErpDirty reported;		/* keys with a row in oms.reject now */
	Wait	   *waits;
	int			nwaits;
	int			maxwaits;
	MemoryContext cxt;
} Intake;

/* A stretch of them, dealt with in one subtransaction */
typedef struct Stretch
{
	Intake	   *in;
	int			from;
	int			n;
} Stretch;

/*
 * Evaluating
 */
static void
evaluate(void *arg)
{
	Intake	   *in = (Intake *) arg;
	char	   *query;
	uint64		n;

	oms_spi_connect();
	oms_erp_push_latest();
	query = oms_erp_entity_query(in->erp, in->entity);
	if (query)
	{
		n = oms_erp_run(in->erp, "SELECT q.key::text, to_jsonb(q) FROM (%s\n) AS q",
						query, TEXTARRAYOID,
						in->dirty->whole ? (Datum) 0 :
						oms_text_array((const char *const *) in->dirty->keys, in->dirty->n),
						in->dirty->whole);
		in->rows = MemoryContextAllocHuge(in->cxt, sizeof(Datum) * (n + 1));
		in->keys = MemoryContextAllocHuge(in->cxt, sizeof(char *) * (n + 1));
		in->fates = MemoryContextAllocHuge(in->cxt, sizeof(Fate) * (n + 1));
		for (uint64 i = 0; i < n; i++)
		{
			bool		isnull;
			Datum		row = oms_datum(i, 2, &isnull);
			char	   *key = oms_cstr(i, 1);
			MemoryContext old;

			if (key == NULL)
				continue;
			old = MemoryContextSwitchTo(in->cxt);
			in->keys[in->n] = pstrdup(key);
			in->fates[in->n] = TAKEN;
			in->rows[in->n++] = PointerGetDatum(PG_DETOAST_DATUM_COPY(row));
			MemoryContextSwitchTo(old);
		}
	}
	else
		in->n = -1;
	PopActiveSnapshot();
	oms_spi_finish();
}

/* The rows of a stretch that are to be taken in */
static Datum
stretch_rows(const Stretch *s, int *n)
{
	Datum	   *rows = palloc(sizeof(Datum) * s->n);

	*n = 0;
	for (int i = s->from; i < s->from + s->n; i++)
		if (s->in->fates[i] == TAKEN)
			rows[(*n)++] = s->in->rows[i];
	return PointerGetDatum(construct_array(rows, *n, JSONBOID, -1, false, TYPALIGN_INT));
}

static void
report(Intake *in, int row, const ErrorData *why)
{
	Jsonb	   *doc = DatumGetJsonbP(in->rows[row]);
	MemoryContext old;

	oms_reject(in->erp->company_id,
			   psprintf("erp.%s", oms_erp_entity_name[in->entity]),
			   in->keys[row], JsonbToCString(NULL, &doc->root, VARSIZE(doc)), why);
	old = MemoryContextSwitchTo(in->cxt);
	oms_erp_dirty_add(&in->reported, in->keys[row]);
	MemoryContextSwitchTo(old);
}

static void
wait_for(Intake *in, int row, const char *on_entity, const char *on_key)
{
	MemoryContext old = MemoryContextSwitchTo(in->cxt);
	Wait	   *w;

	if (in->nwaits == in->maxwaits)
	{
		in->maxwaits = in->maxwaits ? in->maxwaits * 2 : 64;
		in->waits = in->waits
			? repalloc_huge(in->waits, sizeof(Wait) * in->maxwaits)
			: palloc(sizeof(Wait) * in->maxwaits);
	}
	w = &in->waits[in->nwaits++];
	w->key = in->keys[row];
	w->on_entity = pstrdup(on_entity);
	w->on_key = pstrdup(on_key);
	MemoryContextSwitchTo(old);
}

/* Deals with rows one by one where all together fail; fn(Stretch *). */
static void
in_stretches(Intake *in, void (*fn) (void *), int from, int n)
{
	Stretch		s = {in, from, n};
	ErrorData  *failed = oms_erp_try(fn, &s);

	CHECK_FOR_INTERRUPTS();
	if (failed == NULL)
		return;
	if (n > 1)
	{
		in_stretches(in, fn, from, n / 2);
		in_stretches(in, fn, from + n / 2, n - n / 2);
	}
	else
	{
		report(in, from, failed);
		in->fates[from] = REFUSED;
	}
}

/*
 * Checking
 */
typedef struct Finding
{
	int			row;
	char	   *on_entity;
	char	   *on_key;
	Fate		fate;
	ErrorData  *why;
} Finding;

static void
check_stretch(void *arg)
{
	Stretch    *s = (Stretch *) arg;
	Intake	   *in = s->in;
	Datum		values[2];
	Finding    *found;
	int			nfound;
	int			n;
	char	   *fate;

	oms_spi_connect();
	values[0] = Int32GetDatum(in->erp->company_id);
	values[1] = stretch_rows(s, &n);
	nfound = (int) oms_exec(&oms_erp_check_plans[in->entity], values, NULL, false, 0);
	found = palloc(sizeof(Finding) * Max(nfound, 1));
	for (int i = 0; i < nfound; i++)
	{
		found[i].row = s->from + oms_int4(i, 1) - 1;
		found[i].on_entity = oms_cstr(i, 2);
		found[i].on_key = oms_cstr(i, 3);
		fate = oms_cstr(i, 4);
		found[i].fate = strcmp(fate, "taken") == 0 ? TAKEN :
			strcmp(fate, "none") == 0 ? NONE : REFUSED;
		found[i].why = NULL;
		if (!oms_isnull(i, 5))
		{
			found[i].why = palloc0(sizeof(ErrorData));
			found[i].why->sqlerrcode = ERRCODE_OMS_ERP_ROW;
			found[i].why->message = oms_cstr(i, 5);
			found[i].why->detail = oms_cstr(i, 6);
			found[i].why->hint = oms_cstr(i, 7);
		}
	}
	for (int i = 0; i < nfound; i++)
	{
		if (found[i].on_key)
			wait_for(in, found[i].row, found[i].on_entity, found[i].on_key);
		if (found[i].why)
			report(in, found[i].row, found[i].why);
		in->fates[found[i].row] = Max(in->fates[found[i].row], found[i].fate);
	}
	oms_spi_finish();
}

/*
 * Writing
 */
static bool
referred_to(OmsErpEntity e)
{
	return e == OMS_ERP_NODE || e == OMS_ERP_SKU || e == OMS_ERP_CUSTOMER ||
		e == OMS_ERP_PRICE_LIST || e == OMS_ERP_SUPPLIER;
}

static void
put_stretch(void *arg)
{
	Stretch    *s = (Stretch *) arg;
	Intake	   *in = s->in;
	OmsPlan    *steps = oms_erp_put_plans[in->entity];
	Datum		values[2];
	int			n;

	oms_spi_connect();
	values[0] = Int32GetDatum(in->erp->company_id);
	values[1] = stretch_rows(s, &n);
	for (int i = 0; n > 0 && i < OMS_ERP_STEPS && steps[i].sql; i++)
	{
		oms_exec(&steps[i], values, NULL, false, 0);
		if (!referred_to(in->entity) || SPI_tuptable == NULL)
			continue;
		for (uint64 k = 0; k < SPI_processed; k++)
		{
			char	   *key = oms_cstr(k, 1);
			MemoryContext old = MemoryContextSwitchTo(in->cxt);

			oms_erp_dirty_add(in->added, key);
			MemoryContextSwitchTo(old);
		}
	}
	oms_spi_finish();
}

static void
write_gone(void *arg)
{
	Intake	   *in = (Intake *) arg;
	OmsPlan    *plan = &oms_erp_gone_plans[in->entity][in->dirty->whole ? 1 : 0];
	char	  **found = palloc_extended(sizeof(char *) * Max(in->n, 1), MCXT_ALLOC_HUGE);
	Datum		values[3];
	int			n = 0;

	if (plan->sql == NULL)
		return;
	for (int i = 0; i < in->n; i++)
		if (in->fates[i] != NONE)
			found[n++] = in->keys[i];
	values[0] = Int32GetDatum(in->erp->company_id);
	values[1] = in->dirty->whole ? (Datum) 0
		: oms_text_array((const char *const *) in->dirty->keys, in->dirty->n);
	values[2] = oms_text_array((const char *const *) found, n);
	oms_spi_connect();
	oms_exec(plan, values, in->dirty->whole ? " n " : NULL, false, 0);
	oms_spi_finish();
}

/*
 * Waiting and refusals
 */
static OmsPlan waited_plan = {
	"DELETE FROM oms.erp_waiting WHERE company_id = $1 AND entity = $2 AND ($3 IS NULL OR erp_key = ANY ($3))",
	3, {INT4OID, TEXTOID, TEXTARRAYOID}, NULL
};
static OmsPlan wait_plan = {
	"INSERT INTO oms.erp_waiting (company_id, entity, erp_key, on_entity, on_key)"
	" SELECT $1, $2, u.* FROM unnest($3, $4, $5) AS u ON CONFLICT DO NOTHING",
	5, {INT4OID, TEXTOID, TEXTARRAYOID, TEXTARRAYOID, TEXTARRAYOID}, NULL
};
static OmsPlan came_plan = {
	"UPDATE oms.erp_waiting SET ready = true WHERE company_id = $1 AND on_entity = $2 AND on_key = ANY ($3) AND NOT ready",
	3, {INT4OID, TEXTOID, TEXTARRAYOID}, NULL
};

/* a component that is no kit any more */
static OmsPlan opened_plan = {
	"UPDATE oms.erp_waiting w SET ready = true WHERE company_id = $1 AND on_entity = 'kit' AND NOT ready"
	" AND NOT EXISTS (SELECT FROM oms.sku s JOIN oms.kit_component c ON c.company_id = $1 AND c.kit_sku_id = s.sku_id"
	"  WHERE s.company_id = $1 AND s.erp_key = w.on_key)",
	1, {INT4OID}, NULL
};
static OmsPlan ready_plan = {
	"SELECT DISTINCT entity, erp_key FROM oms.erp_waiting WHERE company_id = $1 AND ready",
	1, {INT4OID}, NULL
};
static OmsPlan settled_plan = {
	"UPDATE oms.reject SET resolved_at = now() WHERE company_id = $1 AND source = $2 AND resolved_at IS NULL"
	" AND ($3 IS NULL OR external_ref = ANY ($3)) AND NOT EXISTS (SELECT FROM unnest($4) AS u WHERE u = external_ref)",
	4, {INT4OID, TEXTOID, TEXTARRAYOID, TEXTARRAYOID}, NULL
};

static void
note_waits(Intake *in)
{
	const char **texts[3];
	Datum		values[5];

	values[0] = Int32GetDatum(in->erp->company_id);
	values[1] = oms_text(oms_erp_entity_name[in->entity]);
	values[2] = in->dirty->whole ? (Datum) 0
		: oms_text_array((const char *const *) in->dirty->keys, in->dirty->n);
	oms_exec(&waited_plan, values, in->dirty->whole ? "  n" : NULL, false, 0);
	if (in->nwaits > 0)
	{
		for (int i = 0; i < 3; i++)
			texts[i] = palloc_extended(sizeof(char *) * in->nwaits, MCXT_ALLOC_HUGE);
		for (int i = 0; i < in->nwaits; i++)
		{
			texts[0][i] = in->waits[i].key;
			texts[1][i] = in->waits[i].on_entity;
			texts[2][i] = in->waits[i].on_key;
		}
		for (int i = 0; i < 3; i++)
			values[2 + i] = oms_text_array(texts[i], in->nwaits);
		oms_exec(&wait_plan, values, NULL, false, 0);
	}
}

/* What was refused before and is not now needs nobody any more. */
static void
settle_rejects(Intake *in)
{
	Datum		values[4];

	values[0] = Int32GetDatum(in->erp->company_id);
	values[1] = oms_text(psprintf("erp.%s", oms_erp_entity_name[in->entity]));
	values[2] = in->dirty->whole ? (Datum) 0
		: oms_text_array((const char *const *) in->dirty->keys, in->dirty->n);
	values[3] = oms_text_array((const char *const *) in->reported.keys, in->reported.n);
	oms_exec(&settled_plan, values, in->dirty->whole ? "  n " : NULL, false, 0);
}

/* Rows whose wait is over are to be looked at. */
static void
call_ready(const OmsErp *erp, OmsErpDirty *dirty)
{
	Datum		values[1] = {Int32GetDatum(erp->company_id)};

	oms_exec(&ready_plan, values, NULL, false, 0);
	for (uint64 i = 0; i < SPI_processed; i++)
	{
		int			e = oms_erp_entity_number(oms_cstr(i, 1));

		if (e >= 0 && !erp->paused[e])
			oms_erp_dirty_add(&dirty[e], oms_cstr(i, 2));
	}
}

/* Who waits for these keys waits no more; any such? */
static bool
tell_waiting(const OmsErp *erp, OmsErpEntity entity, const OmsErpDirty *added)
{
	Datum		values[3] = {Int32GetDatum(erp->company_id)};

	if (entity == OMS_ERP_KIT)
		return oms_exec(&opened_plan, values, NULL, false, 0) > 0;
	if (added->n == 0)
		return false;
	values[1] = oms_text(oms_erp_entity_name[entity]);
	values[2] = oms_text_array((const char *const *) added->keys, added->n);
	return oms_exec(&came_plan, values, NULL, false, 0) > 0;
}

/*
 * A table that has just begun to fill is taken for one that is almost empty:
 * the plans of what follows, also of other entities, would read it from end
 * to end for each row.
 */
static void
gather_statistics(OmsErpEntity entity)
{
	static const char *const analyze[OMS_ERP_NENTITIES] = {
		[OMS_ERP_NODE] = "ANALYZE oms.node",
		[OMS_ERP_SKU] = "ANALYZE oms.sku",
		[OMS_ERP_PRICE] = "ANALYZE oms.price",
		[OMS_ERP_CUSTOMER] = "ANALYZE oms.customer",
		[OMS_ERP_ADDRESS] = "ANALYZE oms.customer_address",
		[OMS_ERP_ORDER] = "ANALYZE oms.erp_order",
		[OMS_ERP_SHIPMENT] = "ANALYZE oms.erp_shipment",
		[OMS_ERP_RETURN] = "ANALYZE oms.erp_return",
	};

	if (analyze[entity] == NULL)
		return;
	oms_spi_connect();
	SPI_execute(analyze[entity], false, 0);
	oms_spi_finish();
}

/* They are paused by themselves: their tables feed others too. */
static bool
pauses_alone(OmsErpEntity e)
{
	return e == OMS_ERP_KIT || e == OMS_ERP_PRICE_LIST || e == OMS_ERP_ADDRESS ||
		e == OMS_ERP_SUPPLIER || e == OMS_ERP_ORDER || e == OMS_ERP_SHIPMENT ||
		e == OMS_ERP_RETURN || e == OMS_ERP_INBOUND;
}

void
oms_erp_apply_entity(OmsErp *erp, OmsErpEntity entity, OmsErpDirty *dirty,
					 OmsErpDirty *added)
{
	Intake		in = {0};
	ErrorData  *failed;

	if (erp->paused[entity] || (!dirty->whole && dirty->n == 0))
		return;
	in.erp = erp;
	in.entity = entity;
	in.dirty = dirty;
	in.added = added;
	in.cxt = CurrentMemoryContext;
	failed = oms_erp_try(evaluate, &in);
	if (failed)
	{
		oms_erp_pause(erp, entity, failed->message);
		return;
	}
	if (in.n < 0)
		return;					/* the profile has no such entity */
	if (oms_erp_check_plans[entity].sql)
		for (int from = 0; from < in.n; from += CHUNK_ROWS)
			in_stretches(&in, check_stretch, from, Min(CHUNK_ROWS, in.n - from));

	/* what has gone makes room for what comes */
	failed = oms_erp_try(write_gone, &in);
	if (failed && !pauses_alone(entity))
		ReThrowError(failed);
	if (failed)
	{
		oms_erp_pause(erp, entity, failed->message);
		return;
	}
	for (int from = 0; from < in.n; from += CHUNK_ROWS)
	{
		in_stretches(&in, put_stretch, from, Min(CHUNK_ROWS, in.n - from));
		if (from == 0 && dirty->whole && in.n > FILLS_ROWS)
			gather_statistics(entity);
	}
	if (oms_erp_check_plans[entity].sql)
		note_waits(&in);
	settle_rejects(&in);
}

/*
 * Masters
 */
static OmsPlan stock_keys_plan = {
	"SELECT n.erp_key || '|' || k FROM oms.node n, unnest($2) AS k"
	" WHERE n.company_id = $1 AND n.stock_from = 'erp' AND n.erp_key IS NOT NULL",
	2, {INT4OID, TEXTARRAYOID}, NULL
};

void
oms_erp_apply_masters(OmsErp *erp, OmsErpDirty *dirty, OmsErpDirty *stock)
{
	call_ready(erp, dirty);
	for (OmsErpEntity e = 0; e < OMS_ERP_STOCK; e++)
	{
		OmsErpDirty added = {0};

		if (!dirty[e].whole && dirty[e].n == 0)
			continue;
		oms_erp_apply_entity(erp, e, &dirty[e], &added);
		if (e == OMS_ERP_KIT)
		{
			/* components that have just become kits, or ceased to be */
			tell_waiting(erp, e, &added);
			memset(&dirty[e], 0, sizeof(OmsErpDirty));
			call_ready(erp, dirty);
			oms_erp_apply_entity(erp, e, &dirty[e], &added);
		}
		else if (tell_waiting(erp, e, &added))
			call_ready(erp, dirty);

		/* their stock may have been there before them */
		if (e == OMS_ERP_NODE && added.n > 0)
			stock->whole = true;
		else if (e == OMS_ERP_SKU && added.n > 0 && !stock->whole)
		{
			Datum		values[2] = {
				Int32GetDatum(erp->company_id),
				oms_text_array((const char *const *) added.keys, added.n)
			};

			oms_exec(&stock_keys_plan, values, NULL, false, 0);
			for (uint64 i = 0; i < SPI_processed; i++)
				oms_erp_dirty_add(stock, oms_cstr(i, 1));
		}
	}
}

/*
 * Pausing.  Lots that cannot be read are no reason to stop counting, so where
 * they have tables of their own only these are paused.
 */
static OmsPlan pause_plan = {
	"UPDATE oms.erp_source_link l SET state = 'paused', cause = 'query', problem = $4 FROM oms.erp_source s,"
	" (SELECT ARRAY(SELECT relation FROM oms.erp_source WHERE profile = $1 GROUP BY 1 HAVING bool_and(entity = 'lot')) AS own) o"
	" WHERE l.profile = $1 AND s.profile = $1 AND replace(s.relation, '@erp@', $2) = l.relation"
	" AND s.entity = $3 AND l.state <> 'paused' AND (s.entity <> 'lot' OR s.relation = ANY (o.own) OR o.own = '{}')",
	4, {TEXTOID, TEXTOID, TEXTOID, TEXTOID}, NULL
};
static OmsPlan pause_alone_plan = {
	"UPDATE oms.erp_attachment SET paused = paused || $2 WHERE profile = $1 AND company_id = $3 AND $2 <> ALL (paused)",
	3, {TEXTOID, TEXTOID, INT4OID}, NULL
};

void
oms_erp_pause(OmsErp *erp, OmsErpEntity entity, const char *why)
{
	Datum		values[4] = {oms_text(erp->profile)};
	uint64		n;

	oms_spi_connect();
	if (pauses_alone(entity))
	{
		values[1] = oms_text(oms_erp_entity_name[entity]);
		values[2] = Int32GetDatum(erp->company_id);
		n = oms_exec(&pause_alone_plan, values, NULL, false, 0);
	}
	else
	{
		values[1] = oms_text(erp->schema);
		values[2] = oms_text(oms_erp_entity_name[entity]);
		values[3] = oms_text(why);
		n = oms_exec(&pause_plan, values, NULL, false, 0);
	}
	if (n > 0)
		oms_erp_event(erp, "erp.paused", oms_erp_entity_name[entity], NULL, why);
	oms_spi_finish();
	erp->paused[entity] = true;
	CacheInvalidateRelcacheByRelid(oms_erp_log_relid());	/* tell other backends */
}
