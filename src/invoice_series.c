/*
 * invoice_series.c
 *	  Numbers of tax documents: consecutive within a series of a GSTIN and a
 *	  financial year, without gaps (rule 46 of the CGST Rules).
 *
 * A sequence would leave a gap with every rollback.  Here the counter is a row
 * (oms.invoice_series) that the taker locks until its transaction ends, so
 * that the next one waits and sees either the number taken or the counter as
 * it was.  What was taken is kept in oms.invoice_number, so that it can be
 * proven (oms.verify()).
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "common/cryptohash.h"
#include "common/sha2.h"
#include "fmgr.h"
#include "utils/builtins.h"
#include "utils/datetime.h"

#include "invoice.h"
#include "shipment.h"
#include "tax.h"

#define MAX_NUMBER 16

/*
 * The year of the books: April to March
 */
char *
oms_financial_year(DateADT day)
{
	int			year,
				month,
				mday;

	j2date(day + POSTGRES_EPOCH_JDATE, &year, &month, &mday);
	if (month < 4)
		year--;
	return psprintf("%04d-%02d", year, (year + 1) % 100);
}

PG_FUNCTION_INFO_V1(oms_financial_year_sql);

Datum
oms_financial_year_sql(PG_FUNCTION_ARGS)
{
	DateADT		day = PG_GETARG_DATEADT(0);

	if (DATE_NOT_FINITE(day) || day < date2j(1950, 1, 1) - POSTGRES_EPOCH_JDATE ||
		day > date2j(9998, 12, 31) - POSTGRES_EPOCH_JDATE)
		ereport(ERROR,
				(errcode(ERRCODE_OMS_INVALID_DOCUMENT),
				 errmsg("no financial year for this day"),
				 errdetail("Argument day must be a date from 1950 to 9998.")));
	PG_RETURN_TEXT_P(cstring_to_text(oms_financial_year(day)));
}

static OmsPlan day_plan = {
	"SELECT ($2 AT TIME ZONE c.timezone)::date FROM oms.company c WHERE c.company_id = $1",
	2, {INT4OID, TIMESTAMPTZOID}, NULL
};

DateADT
oms_company_day(int32 company_id, TimestampTz at)
{
	Datum		values[2] = {Int32GetDatum(company_id), TimestampTzGetDatum(at)};
	bool		isnull;
	DateADT		day;

	if (oms_exec(&day_plan, values, NULL, false, 1) == 0)
		elog(ERROR, "company %d vanished", company_id);
	day = DatumGetDateADT(oms_datum(0, 1, &isnull));
	if (DATE_NOT_FINITE(day) || day < date2j(1950, 1, 1) - POSTGRES_EPOCH_JDATE ||
		day > date2j(9998, 12, 31) - POSTGRES_EPOCH_JDATE)
		ereport(ERROR,
				(errcode(ERRCODE_OMS_INVALID_DOCUMENT),
				 errmsg("a document cannot be of this day"),
				 errdetail("Argument at must be a moment from 1950 to 9998.")));
	return day;
}

/*
 * Taking a number
 */
static OmsPlan take_plan = {
	"UPDATE oms.invoice_series SET next_no = coalesce(next_no, first_no) + 1"
	" WHERE company_id = $1 AND gstin = $2 AND kind = $3 AND series = $4 AND fin_year = $5 AND active"
	" RETURNING next_no - 1, replace(replace(prefix, '{FY}', substr(fin_year, 3)), '{YY}', substr(fin_year, 3, 2) || substr(fin_year, 6)), width",
	5, {INT4OID, TEXTOID, TEXTOID, TEXTOID, TEXTOID}, NULL
};

/*
 * A year begins: the series goes on as it was the year before (or, for a
 * document dated back, as it is the year after), from 1.  MAIN is there
 * without being made.
 */
static OmsPlan begin_plan = {
	"INSERT INTO oms.invoice_series (company_id, gstin, kind, series, fin_year, prefix, width)"
	" SELECT $1, $2, $3, $4, $5, x.prefix, x.width FROM"
	" (SELECT s.prefix, s.width, 0 AS other, s.fin_year > $5 AS later, CASE WHEN s.fin_year < $5 THEN s.fin_year END AS before, s.fin_year FROM oms.invoice_series s"
	"   WHERE s.company_id = $1 AND s.gstin = $2 AND s.kind = $3 AND s.series = $4 AND s.active AND s.fin_year <> $5"
	"  UNION ALL SELECT CASE $3 WHEN 'invoice' THEN 'INV' WHEN 'credit_note' THEN 'CRN' WHEN 'debit_note' THEN 'DBN'"
	"    WHEN 'bill_of_supply' THEN 'BOS' ELSE 'DCH' END || '/{FY}/', 6, 1, NULL, NULL, NULL WHERE $4 = 'MAIN' AND NOT EXISTS"
	"    (SELECT FROM oms.invoice_series s WHERE s.company_id = $1 AND s.gstin = $2 AND s.kind = $3 AND s.series = 'MAIN')) x"
	" ORDER BY x.other, x.later, x.before DESC, x.fin_year LIMIT 1"
	" ON CONFLICT DO NOTHING",
	5, {INT4OID, TEXTOID, TEXTOID, TEXTOID, TEXTOID}, NULL
};
static OmsPlan note_plan = {
	"INSERT INTO oms.invoice_number (company_id, gstin, kind, series, fin_year, no, number, used_for)"
	" VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT DO NOTHING RETURNING 1",
	8, {INT4OID, TEXTOID, TEXTOID, TEXTOID, TEXTOID, INT8OID, TEXTOID, TEXTOID}, NULL
};

static void
check_gstin(const char *gstin)
{
	if (!oms_gstin_valid(gstin))
		ereport(ERROR,
				(errcode(ERRCODE_OMS_INVALID_GSTIN),
				 errmsg("\"%s\" is no GSTIN", gstin),
				 errdetail("A series of document numbers belongs to a GSTIN."),
				 errhint("Check it with oms.is_gstin().")));
}

void
oms_invoice_number(int32 company_id, const char *gstin, const char *kind,
				   const char *series, DateADT day, const char *used_for,
				   OmsInvoiceNumber *out)
{
	Datum		values[8];
	char	   *digits;
	const char *prefix;
	int			width;

	check_gstin(gstin);
	if (series == NULL)
		series = "MAIN";
	out->fin_year = oms_financial_year(day);
	out->series = series;
	values[0] = Int32GetDatum(company_id);
	values[1] = oms_text(gstin);
	values[2] = oms_text(kind);
	values[3] = oms_text(series);
	values[4] = oms_text(out->fin_year);
	if (oms_exec(&take_plan, values, NULL, false, 0) == 0)
	{
		oms_exec(&begin_plan, values, NULL, false, 0);
		if (oms_exec(&take_plan, values, NULL, false, 0) == 0)
			ereport(ERROR,
					(errcode(ERRCODE_OMS_INVOICE_SERIES),
					 errmsg("GSTIN %s has no series \"%s\" of numbers for %s %s",
							gstin, series, kind, out->fin_year),
					 errdetail("It was never made, or is not active."),
					 errhint("Insert it into oms.invoice_series, or set it active; series MAIN needs no making.")));
	}
	out->no = oms_int8(0, 1);
	prefix = oms_cstr(0, 2);
	width = oms_int4(0, 3);
	digits = psprintf(INT64_FORMAT, out->no);
	if ((int) strlen(digits) > width)
		ereport(ERROR,
				(errcode(ERRCODE_OMS_INVOICE_SERIES),
				 errmsg("series \"%s\" of GSTIN %s is used up for %s %s",
						series, gstin, kind, out->fin_year),
				 errdetail("Number " INT64_FORMAT " has more than %d digits; a document number has at most %d characters in all.",
						   out->no, width, MAX_NUMBER),
				 errhint("Use another series: insert one with another prefix into oms.invoice_series.")));
	out->number = psprintf("%s%0*lld", prefix, width, (long long) out->no);
	values[5] = Int64GetDatum(out->no);
	values[6] = oms_text(out->number);
	values[7] = oms_text(used_for);
	if (oms_exec(&note_plan, values, used_for ? NULL : "       n", false, 0) == 0)
		ereport(ERROR,
				(errcode(ERRCODE_OMS_INVOICE_SERIES),
				 errmsg("number \"%s\" was used before by GSTIN %s in %s",
						out->number, gstin, out->fin_year),
				 errdetail("Two series of one GSTIN, kind and year make the same numbers; capitals do not matter."),
				 errhint("Give series \"%s\" another prefix in oms.invoice_series.", series)));
}

static OmsPlan has_plan = {
	"SELECT 1 FROM oms.invoice_series WHERE company_id = $1 AND gstin = $2 AND kind = $3 AND series = $4 AND active LIMIT 1",
	4, {INT4OID, TEXTOID, TEXTOID, TEXTOID}, NULL
};

bool
oms_invoice_has_series(int32 company_id, const char *gstin, const char *kind,
					   const char *series)
{
	Datum		values[4] = {
		Int32GetDatum(company_id), oms_text(gstin), oms_text(kind), oms_text(series)
	};

	return oms_exec(&has_plan, values, NULL, false, 1) > 0;
}

static const char *const kinds[] = {"invoice", "credit_note", "debit_note",
"bill_of_supply", "challan"};

PG_FUNCTION_INFO_V1(oms_next_invoice_number);

/* oms.next_invoice_number(gstin, kind, at, series, used_for, company) */
Datum
oms_next_invoice_number(PG_FUNCTION_ARGS)
{
	int32		company_id = oms_company_arg(fcinfo, 5);
	MemoryContext caller = CurrentMemoryContext;
	OmsInvoiceNumber n;
	char	   *gstin;
	char	   *kind;
	char	   *answer;
	bool		known = false;

	oms_require_arg(fcinfo, 0, "gstin");
	gstin = text_to_cstring(PG_GETARG_TEXT_PP(0));
	kind = PG_ARGISNULL(1) ? "invoice" : text_to_cstring(PG_GETARG_TEXT_PP(1));
	for (int i = 0; i < lengthof(kinds); i++)
		known |= strcmp(kind, kinds[i]) == 0;
	if (!known)
		ereport(ERROR,
				(errcode(ERRCODE_OMS_INVALID_DOCUMENT),
				 errmsg("there are no numbers for documents of kind \"%s\"", kind),
				 errdetail("Argument kind."),
				 errhint("Kinds are invoice, credit_note, debit_note, bill_of_supply and challan.")));
	oms_spi_connect();
	oms_invoice_number(company_id, gstin, kind,
					   PG_ARGISNULL(3) ? NULL : text_to_cstring(PG_GETARG_TEXT_PP(3)),
					   oms_company_day(company_id,
									   PG_ARGISNULL(2) ? GetCurrentTransactionStartTimestamp() : PG_GETARG_TIMESTAMPTZ(2)),
					   PG_ARGISNULL(4) ? NULL : text_to_cstring(PG_GETARG_TEXT_PP(4)), &n);
	answer = oms_strdup(caller, n.number);
	oms_spi_finish();
	PG_RETURN_TEXT_P(cstring_to_text(answer));
}

/*
 * The number an invoice gets at the registration portal: SHA-256 of what makes
 * it unique, without separators.
 */
PG_FUNCTION_INFO_V1(oms_irn);

Datum
oms_irn(PG_FUNCTION_ARGS)
{
	char	   *gstin = text_to_cstring(PG_GETARG_TEXT_PP(0));
	char	   *fin_year = text_to_cstring(PG_GETARG_TEXT_PP(1));
	char	   *type = text_to_cstring(PG_GETARG_TEXT_PP(2));
	char	   *number = text_to_cstring(PG_GETARG_TEXT_PP(3));
	char	   *whole = psprintf("%s%s%s%s", gstin, fin_year, type, number);
	pg_cryptohash_ctx *hash;
	uint8		digest[PG_SHA256_DIGEST_LENGTH];
	char		hex[PG_SHA256_DIGEST_LENGTH * 2 + 1];
	size_t		len = strlen(number);

	/* the portal's test registrations have no right check digit */
	if (strlen(gstin) != 15 || strspn(gstin, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789") != 15)
		ereport(ERROR,
				(errcode(ERRCODE_OMS_INVALID_GSTIN),
				 errmsg("\"%s\" is no GSTIN", gstin),
				 errdetail("Argument gstin: 15 capitals and digits.")));
	if (strlen(fin_year) != 7 || strspn(fin_year, "0123456789") != 4 || fin_year[4] != '-' ||
		strspn(fin_year + 5, "0123456789") != 2 ||
		(atoi(fin_year) + 1) % 100 != atoi(fin_year + 5))
		ereport(ERROR,
				(errcode(ERRCODE_OMS_INVALID_DOCUMENT),
				 errmsg("\"%s\" is no financial year", fin_year),
				 errdetail("Argument fin_year."),
				 errhint("April 2025 to March 2026 is 2025-26; see oms.financial_year().")));
	if (strcmp(type, "INV") != 0 && strcmp(type, "CRN") != 0 && strcmp(type, "DBN") != 0)
		ereport(ERROR,
				(errcode(ERRCODE_OMS_INVALID_DOCUMENT),
				 errmsg("\"%s\" is no type of an e-invoice", type),
				 errdetail("Argument doc_type."),
				 errhint("Types are INV, CRN and DBN.")));
	if (len == 0 || len > MAX_NUMBER || number[0] == '-' || number[0] == '/' ||
		strspn(number, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-/") != len)
		ereport(ERROR,
				(errcode(ERRCODE_OMS_INVALID_DOCUMENT),
				 errmsg("\"%s\" is no number of an invoice", number),
				 errdetail("Argument number: at most %d letters, digits, - and /, the first a letter or digit.", MAX_NUMBER)));
	hash = pg_cryptohash_create(PG_SHA256);
	if (hash == NULL)
		ereport(ERROR, (errcode(ERRCODE_OUT_OF_MEMORY), errmsg("out of memory")));
	if (pg_cryptohash_init(hash) < 0 ||
		pg_cryptohash_update(hash, (const uint8 *) whole, strlen(whole)) < 0 ||
		pg_cryptohash_final(hash, digest, sizeof(digest)) < 0)
	{
		pg_cryptohash_free(hash);
		elog(ERROR, "could not compute SHA-256");
	}
	pg_cryptohash_free(hash);
	hex_encode((const char *) digest, sizeof(digest), hex);
	hex[sizeof(hex) - 1] = '\0';
	PG_RETURN_TEXT_P(cstring_to_text(hex));
}
