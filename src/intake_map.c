/*
 * intake_map.c
 *	  Maps of payloads: read once a session, kept until somebody changes them.
 *
 * Who changes one of the three tables tells all sessions (oms.memo_watch).
 * At REPEATABLE READ and above what is read may be old, so it is not kept.
 */
#include "postgres.h"

#include "access/xact.h"
#include "catalog/namespace.h"
#include "catalog/pg_type.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"

#include "core_inval.h"
#include "intake.h"

/* A map's head; its fields are read when it is first used. */
typedef struct Head
{
	char	   *map;
	char	   *version;
	bool		own;			/* not built in */
	bool		detects;
	OmsPath		detect;
	TimestampTz from;
	TimestampTz to;
	int			nroots;
	OmsPath    *roots;
	int			nlines;
	OmsPath    *lines;
	int			ncsv;
	char	  **csv_keys;
	int			nunused;
	char	  **unused;
	OmsMap	   *body;			/* NULL: not read yet */
} Head;

static MemoryContext maps_cxt = NULL;
static Head *heads = NULL;
static int	nheads = 0;
static bool stale = true;
static bool complete = false;	/* an error came between else */
static Oid	watched[2];

static OmsPlan heads_plan = {
	"SELECT map, version, NOT builtin, detect, valid_from, valid_to, root, lines, csv_key, unused"
	" FROM oms.intake_map ORDER BY map, version DESC",
	0, {InvalidOid}, NULL
};
static OmsPlan fields_plan = {
	"SELECT target, transform, arg, required, source FROM oms.intake_field"
	" WHERE map = $1 AND version = $2 ORDER BY target, priority",
	2, {TEXTOID, TEXTOID}, NULL
};

static const char *const transforms[] = {
	"text", "money", "minor", "sum", "sum_minor", "quantity", "integer",
	"number", "boolean", "time", "phone", "pincode", "state", "lookup", "join",
	"constant"
};

static void
maps_changed(Oid relid)
{
	if (relid == InvalidOid || relid == watched[0] || relid == watched[1])
		stale = true;
}

static OmsPath *
read_paths(uint64 row, int col, MemoryContext cxt, int *n)
{
	bool		isnull;
	Datum		array = oms_datum(row, col, &isnull);
	Datum	   *paths;
	MemoryContext old;
	OmsPath    *out;
	bool	   *nulls;
	int			kept = 0;

	*n = 0;
	if (isnull)
		return NULL;
	deconstruct_array(DatumGetArrayTypeP(array), JSONPATHOID, -1, false,
					  TYPALIGN_INT, &paths, &nulls, n);
	old = MemoryContextSwitchTo(cxt);
	out = palloc0(sizeof(OmsPath) * (*n + 1));
	for (int i = 0; i < *n; i++)
		if (!nulls[i])
			oms_path_compile(paths[i], &out[kept++]);
	*n = kept;
	MemoryContextSwitchTo(old);
	return out;
}

static char **
read_texts(uint64 row, int col, MemoryContext cxt, int *n)
{
	bool		isnull;
	Datum		array = oms_datum(row, col, &isnull);
	Datum	   *texts;
	bool	   *nulls;
	char	  **out;
	int			kept = 0;

	*n = 0;
	if (isnull)
		return NULL;
	deconstruct_array(DatumGetArrayTypeP(array), TEXTOID, -1, false,
					  TYPALIGN_INT, &texts, &nulls, n);
	out = MemoryContextAllocZero(cxt, sizeof(char *) * (*n + 1));
	for (int i = 0; i < *n; i++)
		if (!nulls[i])
			out[kept++] = oms_strdup(cxt, TextDatumGetCString(texts[i]));
	*n = kept;
	return out;
}

static void
read_heads(void)
{
	static bool told = false;
	Oid			space = get_namespace_oid("oms", false);

	if (!told)
		oms_relcache_watch(maps_changed);
	told = true;
	if (complete && !stale && !IsolationUsesXactSnapshot())
		return;
	complete = false;
	if (maps_cxt == NULL)
		maps_cxt = AllocSetContextCreate(CacheMemoryContext, "oms intake maps",
										 ALLOCSET_SMALL_SIZES);
	heads = NULL;
	nheads = 0;
	MemoryContextReset(maps_cxt);
	watched[0] = get_relname_relid("intake_map_pkey", space);
	watched[1] = get_relname_relid("intake_field_pkey", space);
	/* from here on: what is changed while we read makes it stale again */
	stale = IsolationUsesXactSnapshot();
	oms_spi_connect();
	oms_exec(&heads_plan, NULL, NULL, false, 0);
	heads = MemoryContextAllocZero(maps_cxt, sizeof(Head) * (SPI_processed + 1));
	for (uint64 i = 0; i < SPI_processed; i++)
	{
		Head	   *h = &heads[i];
		bool		isnull;
		Datum		detect;

		h->map = oms_strdup(maps_cxt, oms_cstr(i, 1));
		h->version = oms_strdup(maps_cxt, oms_cstr(i, 2));
		h->own = oms_bool(i, 3);
		detect = oms_datum(i, 4, &isnull);
		h->detects = !isnull;
		if (!isnull)
		{
			MemoryContext old = MemoryContextSwitchTo(maps_cxt);

			oms_path_compile(detect, &h->detect);
			MemoryContextSwitchTo(old);
		}
		h->from = oms_time(i, 5);
		h->to = oms_time(i, 6);
		h->roots = read_paths(i, 7, maps_cxt, &h->nroots);
		h->lines = read_paths(i, 8, maps_cxt, &h->nlines);
		h->csv_keys = read_texts(i, 9, maps_cxt, &h->ncsv);
		h->unused = read_texts(i, 10, maps_cxt, &h->nunused);
	}
	nheads = (int) SPI_processed;
	oms_spi_finish();
	complete = true;
}

/* Names with dots between them: all below the last is known. */
static void
learn_unused(OmsKnown *k, const char *at)
{
	for (;;)
	{
		const char *dot = strchr(at, '.');
		int			len = dot ? (int) (dot - at) : (int) strlen(at);

		k = oms_known_add(k, at, len);
		if (dot == NULL)
			break;
		at = dot + 1;
	}
	k->whole = true;
}

/* All that the map's paths read, and what it says is of no use. */
static void
learn_known(OmsMap *m, const Head *h)
{
	OmsKnown   *doc;
	OmsKnown   *line;

	m->known = palloc0(sizeof(OmsKnown));
	/* a payload has its order at one of the roots */
	for (int r = 0; r < Max(m->nroots, 1); r++)
	{
		doc = m->known;
		if (m->nroots > 0)
			oms_path_known(m->roots[r].path, m->known, m->known, m->known, &doc);
		if (doc == NULL)
			continue;
		for (int i = 0; i < m->nlines; i++)
		{
			oms_path_known(m->lines[i].path, m->known, doc, doc, &line);
			for (int u = 0; u < h->nunused && line; u++)
				if (strncmp(h->unused[u], "$line.", 6) == 0)
					learn_unused(line, h->unused[u] + 6);
			for (int f = m->first[OMS_I_FIRST_LINE]; f < m->nfields && line; f++)
				for (int p = 0; p < m->fields[f].npaths; p++)
					oms_path_known(m->fields[f].paths[p].path, m->known, doc, line, NULL);
		}
		for (int f = 0; f < m->first[OMS_I_FIRST_LINE]; f++)
			for (int p = 0; p < m->fields[f].npaths; p++)
				oms_path_known(m->fields[f].paths[p].path, m->known, doc, doc, NULL);
		for (int u = 0; u < h->nunused; u++)
		{
			if (strncmp(h->unused[u], "$payload.", 9) == 0)
				learn_unused(m->known, h->unused[u] + 9);
			else if (strncmp(h->unused[u], "$line.", 6) != 0)
				learn_unused(doc, h->unused[u]);
		}
	}
}

static void
read_body(Head *h)
{
	OmsMap	   *m = MemoryContextAllocZero(maps_cxt, sizeof(OmsMap));
	Datum		values[2] = {oms_text(h->map), oms_text(h->version)};
	MemoryContext old;
	int			n;

	m->map = h->map;
	m->version = h->version;
	m->nroots = h->nroots;
	m->roots = h->roots;
	m->nlines = h->nlines;
	m->lines = h->lines;
	m->ncsv = h->ncsv;
	m->csv_keys = h->csv_keys;
	for (int i = 0; i < m->nlines; i++)
		m->uses_vars = m->uses_vars || oms_path_uses_vars(m->lines[i].path);

	oms_spi_connect();
	n = (int) oms_exec(&fields_plan, values, NULL, false, 0);
	m->fields = MemoryContextAllocZero(maps_cxt, sizeof(OmsField) * (n + 1));
	for (int t = 0; t < OMS_I_NTARGETS; t++)
	{
		m->first[t] = m->nfields;
		for (int i = 0; i < n; i++)
		{
			OmsField   *f;
			char	   *transform;

			if (strcmp(oms_cstr(i, 1), oms_intake_targets[t].name) != 0)
				continue;
			f = &m->fields[m->nfields++];
			f->target = t;
			transform = oms_cstr(i, 2);
			while (f->transform < lengthof(transforms) - 1 &&
				   strcmp(transforms[f->transform], transform) != 0)
				f->transform++;
			f->arg = oms_strdup(maps_cxt, oms_cstr(i, 3));
			f->required = oms_bool(i, 4);
			f->paths = read_paths(i, 5, maps_cxt, &f->npaths);
			for (int p = 0; p < f->npaths; p++)
				m->uses_vars = m->uses_vars || oms_path_uses_vars(f->paths[p].path);
		}
	}
	m->first[OMS_I_NTARGETS] = m->nfields;
	oms_spi_finish();

	old = MemoryContextSwitchTo(maps_cxt);
	learn_known(m, h);
	MemoryContextSwitchTo(old);
	h->body = m;
}

static void
no_map(const char *map, const char *version, const char *other)
{
	if (map == NULL && other)
		ereport(ERROR,
				(errcode(ERRCODE_OMS_INTAKE_MAP),
				 errmsg("more than one map reads this payload"),
				 errdetail("They are %s.", other),
				 errhint("Say which the channel's is, in oms.intake_channel.")));
	if (map == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_OMS_INTAKE_MAP),
				 errmsg("no map reads this payload"),
				 errdetail("The channel has no row in oms.intake_channel, and no map recognises the payload."),
				 errhint("Say which map the channel's is, in oms.intake_channel; the maps are the rows of oms.intake_map.")));
	if (other)
		ereport(ERROR,
				(errcode(ERRCODE_OMS_INTAKE_MAP),
				 errmsg("the channel's map \"%s\" does not read this payload", map),
				 errdetail("%s", other),
				 errhint("Send what the map is for, or name another in oms.intake_channel.")));
	ereport(ERROR,
			(errcode(ERRCODE_OMS_INTAKE_MAP),
			 errmsg("there is no map \"%s\"%s in force", map,
					version ? psprintf(" version \"%s\"", version) : ""),
			 errdetail("The row of the channel in oms.intake_channel names it."),
			 errhint("The maps are the rows of oms.intake_map; see valid_from and valid_to.")));
}

static bool
is_asked(const Head *h, const char *map, const char *version, TimestampTz at)
{
	return (map == NULL || strcmp(h->map, map) == 0) &&
		(version == NULL || strcmp(h->version, version) == 0) &&
		h->from <= at && at < h->to;
}

const OmsMap *
oms_intake_map(const char *map, const char *version, Jsonb *payload,
			   TimestampTz at)
{
	Head	   *found = NULL;
	bool		any = false;
	StringInfoData names;

	read_heads();
	initStringInfo(&names);
	for (int i = 0; i < nheads; i++)
	{
		Head	   *h = &heads[i];

		if (!is_asked(h, map, version, at))
			continue;
		any = true;
		/* a map that is named and says nothing of what it reads reads all */
		if (h->detects ? !oms_path_true(&h->detect, payload) : map == NULL)
			continue;
		if (map != NULL)
		{
			found = h;			/* the newest: they are in that order */
			break;
		}
		if (found && strcmp(found->map, h->map) == 0)
			continue;
		if (found && found->own != h->own)
		{
			if (h->own)
			{
				found = h;		/* the user's goes before ours */
				resetStringInfo(&names);
				appendStringInfoString(&names, h->map);
			}
			continue;
		}
		appendStringInfo(&names, "%s%s", names.len ? ", " : "", h->map);
		if (found)
			no_map(NULL, NULL, names.data);
		found = h;
	}
	if (found == NULL)
		no_map(map, version, any && map ? "Its condition (oms.intake_map.detect) is not true of it." : NULL);
	if (found->body == NULL)
		read_body(found);
	return found->body;
}

const OmsMap *
oms_intake_csv_map(const char *map, const char *version, TimestampTz at)
{
	Head	   *found = NULL;
	bool		any = false;

	read_heads();
	for (int i = 0; i < nheads && found == NULL; i++)
		if (is_asked(&heads[i], map ? map : "csv", version, at))
		{
			any = true;
			if (heads[i].ncsv > 0)
				found = &heads[i];
		}
	if (found == NULL)
		no_map(map ? map : "csv", version, any ? "It has no csv_key: it reads no files." : NULL);
	if (found->body == NULL)
		read_body(found);
	return found->body;
}
