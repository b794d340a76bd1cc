/*
 * intake_csv.c
 *	  Files of a marketplace: rows become payloads, one for each order.
 *
 * A row that cannot be read is kept by itself; where its order is known, the
 * whole order is refused: one without some of its lines would be wrong.
 */
#include "postgres.h"

#include <ctype.h>

#include "access/xact.h"
#include "fmgr.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/memutils.h"

#include "intake.h"

typedef struct Row
{
	int			no;				/* in the file, the header is 1 */
	char	  **values;
	int			nvalues;
	char	   *key;			/* the order's number, NULL: none */
	const char *start;			/* as it came */
	int			len;
	const char *bad;			/* what is wrong, NULL: nothing */
} Row;

typedef struct CsvFile
{
	const char *at;
	const char *end;
	char		delimiter;
	int			no;
	char	  **names;			/* NULL: a column without one */
	int			nnames;
} CsvFile;

/* Next record; false at the end of the file. */
static bool
next_row(CsvFile *f, Row *r)
{
	StringInfoData value;
	int			max = 16;
	bool		more = true;

	if (f->at >= f->end)
		return false;
	memset(r, 0, sizeof(*r));
	r->no = ++f->no;
	r->start = f->at;
	r->values = palloc(sizeof(char *) * max);
	initStringInfo(&value);
	while (more)
	{
		char	   *s;
		int			len;

		resetStringInfo(&value);
		if (f->at < f->end && *f->at == '"')
		{
			for (f->at++; f->at < f->end; f->at++)
			{
				if (*f->at == '"' && f->at + 1 < f->end && f->at[1] == '"')
					f->at++;
				else if (*f->at == '"')
					break;
				appendStringInfoChar(&value, *f->at);
			}
			if (f->at >= f->end)
				r->bad = "a quote is not closed";
			else
				f->at++;
			if (f->at < f->end && *f->at != f->delimiter && *f->at != '\n' && *f->at != '\r')
				r->bad = "something follows a closing quote";
		}
		while (f->at < f->end && *f->at != f->delimiter && *f->at != '\n' && *f->at != '\r')
			appendStringInfoChar(&value, *f->at++);
		s = value.data;
		while (isspace((unsigned char) *s))
			s++;
		len = strlen(s);
		while (len > 0 && isspace((unsigned char) s[len - 1]))
			len--;
		if (r->nvalues == max)
			r->values = repalloc(r->values, sizeof(char *) * (max *= 2));
		r->values[r->nvalues++] = pnstrdup(s, len);
		more = f->at < f->end && *f->at == f->delimiter;
		if (more)
			f->at++;
	}
	r->len = f->at - r->start;
	if (f->at < f->end && *f->at == '\r')
		f->at++;
	if (f->at < f->end && *f->at == '\n')
		f->at++;
	pfree(value.data);
	return true;
}

static bool
is_blank(const Row *r)
{
	for (int i = 0; i < r->nvalues; i++)
		if (r->values[i][0])
			return false;
	return r->bad == NULL;
}

/* What most separates the header. */
static char
find_delimiter(const char *s, const char *end)
{
	static const char marks[] = ",;\t|";
	int			count[4] = {0};
	bool		quoted = false;
	int			best = 0;

	for (; s < end && (quoted || (*s != '\n' && *s != '\r')); s++)
	{
		if (*s == '"')
			quoted = !quoted;
		for (int i = 0; i < 4 && !quoted; i++)
			count[i] += *s == marks[i];
	}
	for (int i = 1; i < 4; i++)
		if (count[i] > count[best])
			best = i;
	return marks[best];
}

/* "Order ID*" is order_id; bytes of other scripts stay. */
static char *
column_name(const char *s)
{
	StringInfoData name;
	bool		gap = false;

	initStringInfo(&name);
	for (; *s; s++)
	{
		unsigned char c = (unsigned char) *s;

		if (isalnum(c) || c >= 0x80)
		{
			if (gap && name.len)
				appendStringInfoChar(&name, '_');
			gap = false;
			appendStringInfoChar(&name, c < 0x80 ? tolower(c) : c);
		}
		else
			gap = true;
	}
	return name.len ? name.data : NULL;
}

static void
read_header(CsvFile *f)
{
	Row			r;

	do
	{
		if (!next_row(f, &r))
			ereport(ERROR,
					(errcode(ERRCODE_OMS_INVALID_DOCUMENT),
					 errmsg("the file has no header"),
					 errdetail("Argument csv is empty."),
					 errhint("The first row names the columns.")));
	} while (is_blank(&r));
	if (r.bad)
		ereport(ERROR,
				(errcode(ERRCODE_OMS_INVALID_DOCUMENT),
				 errmsg("the header of the file cannot be read: %s", r.bad),
				 errdetail("Argument csv, row %d.", r.no),
				 errhint("The first row names the columns.")));
	f->names = palloc(sizeof(char *) * r.nvalues);
	for (int i = 0; i < r.nvalues; i++)
	{
		f->names[i] = column_name(r.values[i]);
		for (int k = 0; k < i && f->names[i]; k++)
			if (f->names[k] && strcmp(f->names[k], f->names[i]) == 0)
				ereport(ERROR,
						(errcode(ERRCODE_OMS_INVALID_DOCUMENT),
						 errmsg("the file has column \"%s\" twice", f->names[i]),
						 errdetail("Argument csv, columns %d and %d.", k + 1, i + 1),
						 errhint("Give one of them another name; of names only letters and digits count.")));
	}
	f->nnames = r.nvalues;
}

static int
find_key(const CsvFile *f, const OmsMap *map)
{
	StringInfoData names;

	for (int k = 0; k < map->ncsv; k++)
		for (int i = 0; i < f->nnames; i++)
			if (f->names[i] && strcmp(f->names[i], map->csv_keys[k]) == 0)
				return i;
	initStringInfo(&names);
	for (int k = 0; k < map->ncsv; k++)
		appendStringInfo(&names, "%s%s", k ? ", " : "", map->csv_keys[k]);
	ereport(ERROR,
			(errcode(ERRCODE_OMS_INVALID_DOCUMENT),
			 errmsg("the file has no column with the order's number"),
			 errdetail("Map \"%s\" looks for %s.", map->map, names.data),
			 errhint("Name the column in oms.intake_map.csv_key of a map of your own.")));
	return -1;					/* not reached */
}

static void
check_row(const CsvFile *f, Row *r, int key)
{
	if (key < r->nvalues && r->values[key][0])
		r->key = r->values[key];
	for (int i = f->nnames; i < r->nvalues && r->bad == NULL; i++)
		if (r->values[i][0])
			r->bad = psprintf("it has %d values, the header %d columns", r->nvalues, f->nnames);
	for (int i = 0; i < f->nnames && i < r->nvalues && r->bad == NULL; i++)
		if (f->names[i] == NULL && r->values[i][0])
			r->bad = psprintf("column %d has a value and no name", i + 1);
	if (r->bad == NULL && r->key == NULL)
		r->bad = psprintf("%s is empty", f->names[key]);
}

static int
compare_rows(const void *a, const void *b)
{
	const Row  *x = a;
	const Row  *y = b;
	int			c = strcmp(x->key ? x->key : "", y->key ? y->key : "");

	return c ? c : x->no - y->no;
}

/* Rows of one order, and the order of the file. */
typedef struct CsvOrder
{
	const Row  *rows;
	int			n;
} CsvOrder;

static int
compare_groups(const void *a, const void *b)
{
	return ((const CsvOrder *) a)->rows[0].no - ((const CsvOrder *) b)->rows[0].no;
}

static Jsonb *
make_payload(const CsvFile *f, const CsvOrder *g, const char *because)
{
	OmsJson		j;

	oms_json_begin(&j);
	oms_json_array(&j, "rows");
	for (int i = 0; i < g->n; i++)
	{
		oms_json_object(&j, NULL);
		for (int c = 0; c < f->nnames && c < g->rows[i].nvalues; c++)
			if (f->names[c] && g->rows[i].values[c][0])
				oms_json_str(&j, f->names[c], g->rows[i].values[c]);
		oms_json_close_object(&j);
	}
	oms_json_close_array(&j);
	if (because)
		oms_json_str(&j, "bad", because);	/* never to be taken (intake.c) */
	return oms_json_end(&j);
}

/* A row that belongs to no order we know. */
static void
keep_bad(const OmsIntakeChannel *channel, const Row *r, Datum *values, bool *nulls)
{
	ErrorData	err = {0};

	err.sqlerrcode = ERRCODE_OMS_INTAKE_PAYLOAD;
	err.message = psprintf("row %d of a file of channel \"%s\" cannot be read: %s", r->no, channel->code, r->bad);
	err.hint = "Correct the row and send the file again; what was taken before changes nothing.";
	oms_reject(channel->company_id, "capture_csv", NULL, pnstrdup(r->start, r->len), &err);
	values[1] = BoolGetDatum(false);
	values[3] = oms_text("refused");
	values[6] = CStringGetTextDatum(unpack_sql_state(err.sqlerrcode));
	values[7] = CStringGetTextDatum(err.message);
	nulls[2] = nulls[4] = nulls[5] = true;
}

PG_FUNCTION_INFO_V1(oms_capture_csv);

/* oms.capture_csv(channel, csv, at, company) */
Datum
oms_capture_csv(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
	MemoryContext loop = AllocSetContextCreate(CurrentMemoryContext,
											   "oms capture_csv",
											   ALLOCSET_DEFAULT_SIZES);
	TimestampTz at = PG_ARGISNULL(2) ? GetCurrentTransactionStartTimestamp() :
	PG_GETARG_TIMESTAMPTZ(2);
	OmsIntakeChannel channel;
	const OmsMap *map;
	CsvFile		f = {0};
	text	   *csv;
	Row		   *rows;
	Row			r;
	CsvOrder	   *groups;
	int			max = 64;
	int			n = 0;
	int			ngroups = 0;
	int			key;

	oms_intake_channel(fcinfo, 0, 3, &channel);
	oms_require_arg(fcinfo, 1, "csv");
	csv = PG_GETARG_TEXT_PP(1);
	map = oms_intake_csv_map(channel.map, channel.version, at);
	f.at = VARDATA_ANY(csv);
	f.end = f.at + VARSIZE_ANY_EXHDR(csv);
	if (f.end - f.at >= 3 && memcmp(f.at, "\xef\xbb\xbf", 3) == 0)
		f.at += 3;
	f.delimiter = find_delimiter(f.at, f.end);
	read_header(&f);
	key = find_key(&f, map);
	if (channel.map == NULL)
	{
		channel.map = pstrdup(map->map);	/* the one that reads files */
		channel.version = pstrdup(map->version);
	}

	rows = palloc(sizeof(Row) * max);
	while (next_row(&f, &r))
	{
		CHECK_FOR_INTERRUPTS();
		if (is_blank(&r))
			continue;
		check_row(&f, &r, key);
		if (n == max)
			rows = repalloc_huge(rows, sizeof(Row) * (max *= 2));
		rows[n++] = r;
	}
	qsort(rows, n, sizeof(Row), compare_rows);
	groups = palloc_extended(sizeof(CsvOrder) * (n + 1), MCXT_ALLOC_HUGE);
	for (int i = 0; i < n; i++)
		if (i > 0 && rows[i].key && rows[i - 1].key && strcmp(rows[i].key, rows[i - 1].key) == 0)
			groups[ngroups - 1].n++;
		else
		{
			groups[ngroups].rows = &rows[i];
			groups[ngroups++].n = 1;
		}
	qsort(groups, ngroups, sizeof(CsvOrder), compare_groups);

	InitMaterializedSRF(fcinfo, 0);
	for (int i = 0; i < ngroups; i++)
	{
		MemoryContext old = MemoryContextSwitchTo(loop);
		Datum		values[8] = {0};
		bool		nulls[8] = {0};
		const CsvOrder *g = &groups[i];
		const char *because = NULL;

		CHECK_FOR_INTERRUPTS();
		for (int k = 0; k < g->n && because == NULL; k++)
			if (g->rows[k].bad)
				because = psprintf("row %d of its file: %s", g->rows[k].no, g->rows[k].bad);
		values[0] = Int32GetDatum(g->rows[0].no);
		if (g->rows[0].key == NULL)
			keep_bad(&channel, g->rows, values, nulls);
		else
			oms_intake_one(&channel, make_payload(&f, g, because), at, because, g->rows[0].key, values, nulls);
		tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, values, nulls);
		MemoryContextSwitchTo(old);
		MemoryContextReset(loop);
	}
	MemoryContextDelete(loop);
	return (Datum) 0;
}
