/*
 * erp_table.c
 *	  What the ERP does to its tables while they are attached.
 *
 * oms.erp_look() says which no longer fit, by the catalogue.  It is asked
 * when some relation's description has changed since this session last
 * found all in order; so most calls cost nothing.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "fmgr.h"
#include "utils/inval.h"

#include "erp.h"

void
oms_erp_event(const OmsErp *erp, const char *type, const char *entity,
			  const char *relation, const char *why)
{
	OmsJson		j;

	oms_json_begin(&j);
	oms_json_str(&j, "profile", erp->profile);
	if (entity)
		oms_json_str(&j, "entity", entity);
	if (relation)
		oms_json_str(&j, "relation", relation);
	oms_json_str(&j, strcmp(type, "erp.resumed") == 0 ? "after" : "why", why);
	oms_event(erp->company_id, "erp", 0, type, oms_json_end(&j));
}

/*
 * A digest that differs alone is no reason to pause: the table is attached
 * as it should be, but partitions have come or gone, or its triggers were
 * off for a while.
 */
static OmsPlan look_plan = {
	"WITH k AS MATERIALIZED (SELECT * FROM oms.erp_look($1)),"
	" p AS (UPDATE oms.erp_source_link l SET state = 'paused', cause = 'table', problem = k.wrong FROM k"
	"  WHERE l.relation = k.relation AND l.state = 'attached' AND k.wrong IS NOT NULL RETURNING l.relation, k.wrong),"
	" o AS MATERIALIZED (SELECT l.relation, l.problem, k.digest FROM oms.erp_source_link l JOIN k ON k.relation = l.relation"
	"  WHERE l.state = 'paused' AND l.cause = 'table' AND k.wrong IS NULL),"
	" r AS (UPDATE oms.erp_source_link l SET state = 'attached', cause = NULL, problem = NULL, digest = o.digest FROM o"
	"  WHERE l.relation = o.relation RETURNING l.relation, o.problem),"
	" d AS (UPDATE oms.erp_source_link l SET digest = k.digest FROM k"
	"  WHERE l.relation = k.relation AND l.state = 'attached' AND k.wrong IS NULL AND l.digest IS DISTINCT FROM k.digest RETURNING l.relation)"
	" SELECT 'p', relation, wrong FROM p UNION ALL SELECT 'r', relation, problem FROM r UNION ALL SELECT 'd', relation, NULL FROM d"
	" ORDER BY 1, 2",
	1, {TEXTOID}, NULL
};
static OmsPlan entities_plan = {
	"SELECT DISTINCT s.entity FROM oms.erp_source s WHERE s.profile = $1 AND replace(s.relation, '@erp@', $2) = $3",
	3, {TEXTOID, TEXTOID, TEXTOID}, NULL
};

typedef struct Finding
{
	char		what;
	char	   *relation;
	char	   *why;
} Finding;

bool
oms_erp_check_tables(const OmsErp *erp, OmsErpDirty *dirty)
{
	static uint64 in_order = 0; /* oms_erp_catalog_seen when all was well */
	uint64		seen = oms_erp_catalog_seen;
	Datum		values[3] = {oms_text(erp->profile), oms_text(erp->schema)};
	Finding    *found;
	uint64		n;
	bool		changed = false;

	if (in_order == seen)
		return false;
	n = oms_exec(&look_plan, values, NULL, false, 0);
	if (n == 0)
	{
		in_order = seen;
		return false;
	}
	found = palloc(sizeof(Finding) * n);
	for (uint64 i = 0; i < n; i++)
	{
		found[i].what = oms_cstr(i, 1)[0];
		found[i].relation = oms_cstr(i, 2);
		found[i].why = oms_cstr(i, 3);
	}
	for (uint64 i = 0; i < n; i++)
	{
		if (found[i].what != 'd')
		{
			changed = true;
			oms_erp_event(erp, found[i].what == 'p' ? "erp.paused" : "erp.resumed",
						  NULL, found[i].relation, found[i].why);
		}
		if (found[i].what == 'p')
			continue;
		values[2] = oms_text(found[i].relation);
		oms_exec(&entities_plan, values, NULL, false, 0);
		for (uint64 e = 0; e < SPI_processed; e++)
			for (int k = 0; k < OMS_ERP_NENTITIES; k++)
				if (strcmp(oms_cstr(e, 1), oms_erp_entity_name[k]) == 0)
					dirty[k].whole = true;
	}
	if (changed)
		CacheInvalidateRelcacheByRelid(oms_erp_log_relid());	/* tell all */
	return changed;
}

PG_FUNCTION_INFO_V1(oms_erp_reread);

/* For SQL that writes oms.erp_source_link: all sessions are to look again. */
Datum
oms_erp_reread(PG_FUNCTION_ARGS)
{
	CacheInvalidateRelcacheByRelid(oms_erp_log_relid());
	PG_RETURN_VOID();
}
