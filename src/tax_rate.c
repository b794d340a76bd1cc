/*
 * tax_rate.c
 *	  Which GST rates hold for an item on a day, in bands of unit value.
 *
 * Two ways to the same answer.  An order asks through oms_memo(), so that it
 * sees what this transaction has just taken in from the ERP.  A query over
 * many rows has one snapshot, and what that shows cannot change under it: the
 * rows of a code or HSN are read once, for all days, and a day is looked up
 * in memory (OmsTaxBook).
 *
 * When is a book out of date?  It belongs to a call site, and PL/pgSQL keeps
 * call sites from one snapshot to the next.  So it notes by which snapshot it
 * was filled: two with the same limits, the same count of finished
 * transactions and the same command number show the same rows, unless a
 * savepoint was left between them, which its number tells.
 */
#include "postgres.h"

#include "access/xact.h"
#include "catalog/pg_type.h"
#include "common/hashfn.h"
#include "miscadmin.h"
#include "storage/proc.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"

#include "core_memo.h"
#include "tax_rate.h"

#define OMS_HSN_DIGITS		8
#define OMS_BOOK_PAGES		20000	/* then it begins anew */

/* A row of oms.tax_code or oms.gst_rate; of equal group those of one band set */
typedef struct RateRow
{
	DateADT		from;
	DateADT		to;
	int64		above;
	int32		rate;
	int			group;
} RateRow;

typedef enum PageKind
{
	PAGE_HSN,
	PAGE_CODE,
	PAGE_COMPANY,				/* a company by its code */
	PAGE_SETTING				/* the company where none is named */
} PageKind;

/* All rows that name one code or HSN, the ones that win first */
typedef struct BookPage
{
	uint64		hash;			/* key of the table: kind, company, text */
	PageKind	kind;
	int32		company_id;		/* whose code it is */
	int32		found_id;		/* the company it names */
	int			len;
	char	   *text;
	int			nrows;
	RateRow    *rows;
	bool		asked;			/* day, found and bands are of the last call */
	bool		found;
	DateADT		day;
	OmsTaxBands bands;
} BookPage;

typedef struct BookDate
{
	LocalTransactionId lxid;
	SubTransactionId sub;
	Oid			user;
	CommandId	curcid;
	TransactionId xmin;
	TransactionId xmax;
	uint32		xcnt;
	int32		subxcnt;
	uint64		completed;
} BookDate;

struct OmsTaxBook
{
	MemoryContext parent;
	MemoryContext cxt;			/* of all below */
	BookDate	date;
	HTAB	   *pages;
	int			npages;
};

static bool normal_hsn(const char *hsn, int len, char *digits);
static bool first_group(const RateRow *rows, int n, DateADT day,
						OmsTaxBands *bands);
static int	read_rows(uint64 nrows, RateRow *rows);
static void date_of_now(BookDate *date);
static void begin_book(OmsTaxBook *book, const BookDate *date);
static BookPage *page_of(OmsTaxBook *book, PageKind kind, int32 company_id,
						 const char *text, int len);
static void fill_page(OmsTaxBook *book, BookPage *page);
static bool page_bands(BookPage *page, DateADT day);
static int32 book_company(OmsTaxBook *book, const char *company, int len);

/*
 * The order of preference: the ERP's latest; for an HSN the longest prefix, of
 * equals the user's own row, then the latest.
 */
static OmsPlan code_plan = {
	"SELECT valid_from, CAST(NULL AS pg_catalog.date), above_value, rate, ''::pg_catalog.text, false"
	" FROM oms.tax_code"
	" WHERE company_id OPERATOR(pg_catalog.=) $1"
	" AND code OPERATOR(pg_catalog.=) $2"
	" AND valid_from OPERATOR(pg_catalog.<=) $3"
	" ORDER BY valid_from DESC, above_value",
	3, {INT4OID, TEXTOID, DATEOID}, NULL
};

/* Every prefix of the HSN lies between its chapter and itself. */
static OmsPlan hsn_plan = {
	"SELECT valid_from, valid_to, above_value, rate, hsn, builtin FROM oms.gst_rate"
	" WHERE hsn OPERATOR(pg_catalog.>=) $1"
	" AND hsn OPERATOR(pg_catalog.<=) $2"
	" AND pg_catalog.starts_with($2, hsn)"
	" AND valid_from OPERATOR(pg_catalog.<=) $3"
	" AND (valid_to IS NULL OR valid_to OPERATOR(pg_catalog.>=) $3)"
	" ORDER BY pg_catalog.length(hsn) DESC, builtin, valid_from DESC,"
	" above_value",
	3, {TEXTOID, TEXTOID, DATEOID}, NULL
};

/* The same without a day, for the book */
static OmsPlan all_codes_plan = {
	"SELECT valid_from, CAST(NULL AS pg_catalog.date), above_value, rate, ''::pg_catalog.text, false"
	" FROM oms.tax_code"
	" WHERE company_id OPERATOR(pg_catalog.=) $1"
	" AND code OPERATOR(pg_catalog.=) $2"
	" ORDER BY valid_from DESC, above_value",
	2, {INT4OID, TEXTOID}, NULL
};
static OmsPlan all_hsn_plan = {
	"SELECT valid_from, valid_to, above_value, rate, hsn, builtin FROM oms.gst_rate"
	" WHERE hsn OPERATOR(pg_catalog.>=) $1"
	" AND hsn OPERATOR(pg_catalog.<=) $2"
	" AND pg_catalog.starts_with($2, hsn)"
	" ORDER BY pg_catalog.length(hsn) DESC, builtin, valid_from DESC,"
	" above_value",
	2, {TEXTOID, TEXTOID}, NULL
};

bool
oms_tax_bands(int32 company_id, const char *tax_code, const char *hsn,
			  DateADT day, bool read_only, OmsTaxBands *bands)
{
	bool		found = false;
	char		digits[OMS_HSN_DIGITS + 1];
	RateRow    *rows;
	uint64		n;

	oms_spi_connect();
	if (tax_code)
	{
		Datum		values[3] = {
			Int32GetDatum(company_id), oms_text(tax_code), DateADTGetDatum(day)
		};

		n = oms_memo(&code_plan, values, NULL, read_only);
		rows = palloc(sizeof(RateRow) * Max(n, 1));
		found = first_group(rows, read_rows(n, rows), day, bands);
	}
	if (!found && hsn && normal_hsn(hsn, strlen(hsn), digits))
	{
		Datum		values[3] = {
			PointerGetDatum(cstring_to_text_with_len(digits, 2)),
			oms_text(digits), DateADTGetDatum(day)
		};

		n = oms_memo(&hsn_plan, values, NULL, read_only);
		rows = palloc(sizeof(RateRow) * Max(n, 1));
		found = first_group(rows, read_rows(n, rows), day, bands);
	}
	oms_spi_finish();
	return found;
}

/*
 * The digits of an HSN written as 61091000, 6109.10.00 or 6109 10 00.  An odd
 * number of digits is one that lost its leading zero somewhere; its prefixes
 * would name other goods.
 */
static bool
normal_hsn(const char *hsn, int len, char *digits)
{
	int			n = 0;

	for (int i = 0; i < len; i++)
	{
		if (hsn[i] == ' ' || hsn[i] == '.')
			continue;
		if (hsn[i] < '0' || hsn[i] > '9' || n == OMS_HSN_DIGITS)
			return false;
		digits[n++] = hsn[i];
	}
	digits[n] = '\0';
	return n >= 2 && n % 2 == 0;
}

/* Rows of SPI_tuptable; a group is one prefix, origin and first day. */
static int
read_rows(uint64 nrows, RateRow *rows)
{
	char	   *prefix = NULL;
	bool		builtin = false;
	int			group = 0;

	for (uint64 i = 0; i < nrows; i++)
	{
		RateRow    *r = &rows[i];
		bool		isnull;
		char	   *p = oms_cstr(i, 5);
		bool		b = oms_bool(i, 6);

		r->from = DatumGetDateADT(oms_datum(i, 1, &isnull));
		r->to = DatumGetDateADT(oms_datum(i, 2, &isnull));
		if (isnull)
			DATE_NOEND(r->to);
		r->above = oms_paise(i, 3);
		r->rate = (int32) oms_milli(i, 4);
		if (i > 0 && (r->from != rows[i - 1].from || b != builtin ||
					  strcmp(p, prefix) != 0))
			group++;
		r->group = group;
		prefix = p;
		builtin = b;
	}
	return (int) nrows;
}

/*
 * The bands of the first group in force.  They must start at zero, else some
 * value would have no rate.
 */
static bool
first_group(const RateRow *rows, int n, DateADT day, OmsTaxBands *bands)
{
	int			group = -1;

	bands->n = 0;
	for (int i = 0; i < n; i++)
	{
		if (rows[i].from > day || rows[i].to < day)
			continue;
		if (group == -1)
			group = rows[i].group;
		if (rows[i].group != group)
			break;
		if (bands->n == OMS_TAX_MAX_BANDS)
			ereport(ERROR,
					(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
					 errmsg("more than %d value bands of one GST rate",
							OMS_TAX_MAX_BANDS)));
		bands->above[bands->n] = rows[i].above;
		bands->rate[bands->n] = rows[i].rate;
		bands->n++;
	}
	return bands->n > 0 && bands->above[0] == 0;
}

/*
 * The book
 */
OmsTaxBook *
oms_tax_book(MemoryContext cxt)
{
	OmsTaxBook *book = MemoryContextAllocZero(cxt, sizeof(OmsTaxBook));

	book->parent = cxt;
	return book;
}

const OmsTaxBands *
oms_tax_book_bands(OmsTaxBook *book, const char *company, int companylen,
				   const char *tax_code, int codelen,
				   const char *hsn, int hsnlen, DateADT day)
{
	BookDate	date;
	BookPage   *page;

	date_of_now(&date);
	if (book->cxt == NULL || book->npages >= OMS_BOOK_PAGES ||
		memcmp(&date, &book->date, sizeof(date)) != 0)
		begin_book(book, &date);

	if (tax_code && codelen > 0)
	{
		page = page_of(book, PAGE_CODE, book_company(book, company, companylen),
					   tax_code, codelen);
		if (page_bands(page, day))
			return &page->bands;
	}
	if (hsn && hsnlen > 0)
	{
		page = page_of(book, PAGE_HSN, 0, hsn, hsnlen);
		if (page_bands(page, day))
			return &page->bands;
	}
	return NULL;
}

static void
date_of_now(BookDate *date)
{
	Snapshot	s = GetActiveSnapshot();

	memset(date, 0, sizeof(*date));
	date->lxid = MyProc->lxid;
	date->sub = GetCurrentSubTransactionId();
	date->user = GetUserId();
	date->curcid = s->curcid;
	date->xmin = s->xmin;
	date->xmax = s->xmax;
	date->xcnt = s->xcnt;
	date->subxcnt = s->subxcnt;
	date->completed = s->snapXactCompletionCount;
}

static void
begin_book(OmsTaxBook *book, const BookDate *date)
{
	HASHCTL		ctl = {0};

	memset(&book->date, 0, sizeof(book->date)); /* of no moment until whole */
	if (book->cxt)
	{
		MemoryContext cxt = book->cxt;

		book->cxt = NULL;
		MemoryContextDelete(cxt);
	}
	book->npages = 0;
	book->cxt = AllocSetContextCreate(book->parent, "oms tax book",
									  ALLOCSET_DEFAULT_SIZES);
	ctl.keysize = sizeof(uint64);
	ctl.entrysize = sizeof(BookPage);
	ctl.hcxt = book->cxt;
	book->pages = hash_create("oms tax book", 256, &ctl,
							  HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
	book->date = *date;
}

/* The page of a text, read when it is asked for the first time. */
static BookPage *
page_of(OmsTaxBook *book, PageKind kind, int32 company_id, const char *text,
		int len)
{
	uint64		hash = DatumGetUInt64(hash_any_extended((const unsigned char *) text, len,
														((uint64) (uint32) company_id << 2) | kind));
	BookPage   *page = hash_search(book->pages, &hash, HASH_FIND, NULL);
	BookPage	fresh = {0};

	if (page && page->kind == kind && page->company_id == company_id &&
		page->len == len && memcmp(page->text, text, len) == 0)
		return page;

	/* entered when it is whole: an error may come between */
	fresh.hash = hash;
	fresh.kind = kind;
	fresh.company_id = company_id;
	fresh.len = len;
	fresh.text = MemoryContextAlloc(book->cxt, len + 1);
	memcpy(fresh.text, text, len);
	fresh.text[len] = '\0';
	fill_page(book, &fresh);
	page = hash_search(book->pages, &hash, HASH_ENTER, NULL);
	*page = fresh;
	book->npages++;
	return page;
}

static void
fill_page(OmsTaxBook *book, BookPage *page)
{
	char		digits[OMS_HSN_DIGITS + 1];
	RateRow    *rows;
	uint64		n;

	if (page->kind >= PAGE_COMPANY)
	{
		oms_require_installed();
		page->found_id = oms_company_id(page->kind == PAGE_COMPANY ? page->text : NULL);
		return;
	}
	if (page->kind == PAGE_HSN && !normal_hsn(page->text, page->len, digits))
		return;
	oms_spi_connect();
	if (page->kind == PAGE_CODE)
	{
		Datum		values[2] = {Int32GetDatum(page->company_id), oms_text(page->text)};

		n = oms_exec(&all_codes_plan, values, NULL, true, 0);
	}
	else
	{
		Datum		values[2] = {
			PointerGetDatum(cstring_to_text_with_len(digits, 2)), oms_text(digits)
		};

		n = oms_exec(&all_hsn_plan, values, NULL, true, 0);
	}
	rows = MemoryContextAlloc(book->cxt, sizeof(RateRow) * Max(n, 1));
	page->nrows = read_rows(n, rows);
	page->rows = rows;
	oms_spi_finish();
}

static bool
page_bands(BookPage *page, DateADT day)
{
	if (!page->asked || page->day != day)
	{
		page->asked = false;
		page->found = first_group(page->rows, page->nrows, day, &page->bands);
		page->day = day;
		page->asked = true;
	}
	return page->found;
}

/* NULL: the setting, else the only company */
static int32
book_company(OmsTaxBook *book, const char *company, int len)
{
	if (len > 0)
		return page_of(book, PAGE_COMPANY, 0, company, len)->found_id;
	company = oms_company_setting();
	return page_of(book, PAGE_SETTING, 0, company, strlen(company))->found_id;
}
