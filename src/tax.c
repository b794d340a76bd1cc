/*
 * tax.c
 *	  GST: the rate of an item on a day, the split by states, GSTINs.
 *
 * The rate comes from the ERP's own code (oms.tax_code) or, where that says
 * nothing, from the law's table by HSN (oms.gst_rate).  Both give bands of
 * unit value; doc/tax.md has the rules and their sources.  Rates are
 * kept by oms_memo(), so one committed a moment ago counts.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/pg_type.h"
#include "fmgr.h"
#include "funcapi.h"
#include "utils/builtins.h"
#include "utils/numeric.h"

#include "core_memo.h"
#include "tax.h"

#define OMS_TAX_MAX_BANDS	16
#define OMS_TAX_WHOLE		100000	/* 100 % in thousandths of a percent */
#define OMS_HSN_DIGITS		8
#define OMS_GSTIN_LENGTH	15

/* Rates of one item on one day, lowest band first */
typedef struct TaxBands
{
	int			n;
	int64		above[OMS_TAX_MAX_BANDS];	/* paise, taxable value of a unit */
	int32		rate[OMS_TAX_MAX_BANDS];
} TaxBands;

PG_FUNCTION_INFO_V1(oms_tax);
PG_FUNCTION_INFO_V1(oms_tax_rate);
PG_FUNCTION_INFO_V1(oms_is_gstin);

static void tax_compute(const OmsTaxInput *in, OmsTax *out, bool read_only);
static bool find_bands(int32 company_id, const char *tax_code,
					   const char *hsn, DateADT day, bool read_only,
					   TaxBands *bands);
static bool normal_hsn(const char *hsn, char *digits);
static bool read_bands(uint64 nrows, TaxBands *bands);
static void choose_rate(const TaxBands *bands, const OmsTaxInput *in,
						OmsTax *out);
static int	band_of(const TaxBands *bands, int64 unit);
static int64 tax_within(int64 net, int32 rate, bool inclusive);
static int64 unit_value(int64 taxable, int64 qty);
static void check_state(const char *state, const char *what);
static char *arg_cstring(FunctionCallInfo fcinfo, int n);
static bool gstin_has_form(const char *gstin, const char *form);

/*
 * oms.tax(net, qty, hsn, supplier_state, place_of_supply, day, inclusive,
 * tax_code, company)
 */
Datum
oms_tax(PG_FUNCTION_ARGS)
{
	OmsTaxInput in = {0};
	OmsTax		out;
	TupleDesc	desc;
	Datum		values[6];
	bool		nulls[6] = {false};
	int			i;

	for (i = 0; i < 7; i++)
		if (PG_ARGISNULL(i) && i != 2 && i != 4)
			PG_RETURN_NULL();
	if (get_call_result_type(fcinfo, NULL, &desc) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "return type must be a row type");

	in.net = oms_numeric_to_paise(PG_GETARG_DATUM(0));
	in.qty = oms_numeric_to_milli(PG_GETARG_DATUM(1));
	in.hsn = arg_cstring(fcinfo, 2);
	in.supplier_state = arg_cstring(fcinfo, 3);
	in.place_of_supply = arg_cstring(fcinfo, 4);
	in.day = PG_GETARG_DATEADT(5);
	in.inclusive = PG_GETARG_BOOL(6);
	in.tax_code = arg_cstring(fcinfo, 7);
	if (in.tax_code)
	{
		oms_require_installed();
		in.company_id = oms_company_id(arg_cstring(fcinfo, 8));
	}
	tax_compute(&in, &out, true);

	values[0] = DirectFunctionCall1(numeric_trim_scale,
									oms_milli_numeric(out.rate));
	values[1] = oms_paise_numeric(out.taxable);
	values[2] = oms_paise_numeric(out.cgst);
	values[3] = oms_paise_numeric(out.sgst);
	values[4] = oms_paise_numeric(out.igst);
	values[5] = BoolGetDatum(out.dead_band);
	PG_RETURN_DATUM(HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(desc),
													  values, nulls)));
}

/* oms.tax_rate(hsn, day, unit_value): the catalogue alone; NULL if unknown */
Datum
oms_tax_rate(PG_FUNCTION_ARGS)
{
	char	   *hsn = text_to_cstring(PG_GETARG_TEXT_PP(0));
	DateADT		day = PG_GETARG_DATEADT(1);
	int64		unit = oms_numeric_to_paise(PG_GETARG_DATUM(2));
	TaxBands	bands;

	if (!find_bands(0, NULL, hsn, day, true, &bands))
		PG_RETURN_NULL();
	PG_RETURN_DATUM(DirectFunctionCall1(numeric_trim_scale,
										oms_milli_numeric(bands.rate[band_of(&bands, unit)])));
}

Datum
oms_is_gstin(PG_FUNCTION_ARGS)
{
	text	   *t = PG_GETARG_TEXT_PP(0);
	char		gstin[OMS_GSTIN_LENGTH + 1];

	if (VARSIZE_ANY_EXHDR(t) != OMS_GSTIN_LENGTH)
		PG_RETURN_BOOL(false);
	memcpy(gstin, VARDATA_ANY(t), OMS_GSTIN_LENGTH);
	gstin[OMS_GSTIN_LENGTH] = '\0';
	PG_RETURN_BOOL(oms_gstin_valid(gstin));
}

/*
 * The order's path: sees what this transaction has just taken in from the
 * ERP, hence not read-only.
 */
void
oms_tax_compute(const OmsTaxInput *in, OmsTax *out)
{
	tax_compute(in, out, false);
}

static void
tax_compute(const OmsTaxInput *in, OmsTax *out, bool read_only)
{
	const char *place = in->place_of_supply ? in->place_of_supply : in->supplier_state;
	TaxBands	bands;
	int64		tax;

	check_state(in->supplier_state, "supplier state");
	check_state(place, "place of supply");
	if (in->qty <= 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("quantity to tax must be positive")));
	if (!find_bands(in->company_id, in->tax_code, in->hsn, in->day, read_only,
					&bands))
		ereport(ERROR,
				(errcode(ERRCODE_OMS_NO_TAX_RATE),
				 errmsg("no GST rate is known for HSN \"%s\" on %s",
						in->hsn ? in->hsn : "(none)",
						DatumGetCString(DirectFunctionCall1(date_out,
															DateADTGetDatum(in->day)))),
				 in->tax_code ? errdetail("The ERP's tax code \"%s\" has none in force either.",
										  in->tax_code) : 0,
				 errhint("Correct the item's HSN (2, 4, 6 or 8 digits, leading zero kept), or add the rate to oms.tax_code or oms.gst_rate.")));

	choose_rate(&bands, in, out);
	tax = tax_within(in->net, out->rate, in->inclusive);
	out->taxable = in->inclusive ? in->net - tax : in->net;
	oms_tax_place(out, tax, in->supplier_state, place);
}

void
oms_tax_place(OmsTax *out, int64 tax, const char *supplier_state,
			  const char *place_of_supply)
{
	out->cgst = out->sgst = out->igst = 0;
	if (strcmp(supplier_state, place_of_supply) == 0)
	{
		out->cgst = oms_muldiv(tax, 1, 2);
		out->sgst = tax - out->cgst;
	}
	else
		out->igst = tax;
}

static OmsPlan code_plan = {
	"SELECT valid_from, above_value, rate, ''::pg_catalog.text, false"
	" FROM oms.tax_code"
	" WHERE company_id OPERATOR(pg_catalog.=) $1"
	" AND code OPERATOR(pg_catalog.=) $2"
	" AND valid_from OPERATOR(pg_catalog.<=) $3"
	" ORDER BY valid_from DESC, above_value",
	3, {INT4OID, TEXTOID, DATEOID}, NULL
};

/*
 * Every prefix of the HSN lies between its chapter and itself.  The longest
 * prefix wins, of equals the user's own row, then the latest.
 */
static OmsPlan hsn_plan = {
	"SELECT valid_from, above_value, rate, hsn, builtin FROM oms.gst_rate"
	" WHERE hsn OPERATOR(pg_catalog.>=) $1"
	" AND hsn OPERATOR(pg_catalog.<=) $2"
	" AND pg_catalog.starts_with($2, hsn)"
	" AND valid_from OPERATOR(pg_catalog.<=) $3"
	" AND (valid_to IS NULL OR valid_to OPERATOR(pg_catalog.>=) $3)"
	" ORDER BY pg_catalog.length(hsn) DESC, builtin, valid_from DESC,"
	" above_value",
	3, {TEXTOID, TEXTOID, DATEOID}, NULL
};

/* False when no rate is in force; hsn and tax_code may be NULL. */
static bool
find_bands(int32 company_id, const char *tax_code, const char *hsn,
		   DateADT day, bool read_only, TaxBands *bands)
{
	bool		found = false;
	char		digits[OMS_HSN_DIGITS + 1];

	oms_spi_connect();
	if (tax_code)
	{
		Datum		values[3] = {
			Int32GetDatum(company_id), oms_text(tax_code), DateADTGetDatum(day)
		};

		found = read_bands(oms_memo(&code_plan, values, NULL, read_only),
						   bands);
	}
	if (!found && hsn && normal_hsn(hsn, digits))
	{
		Datum		values[3] = {
			PointerGetDatum(cstring_to_text_with_len(digits, 2)),
			oms_text(digits), DateADTGetDatum(day)
		};

		found = read_bands(oms_memo(&hsn_plan, values, NULL, read_only),
						   bands);
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
normal_hsn(const char *hsn, char *digits)
{
	int			n = 0;

	for (; *hsn; hsn++)
	{
		if (*hsn == ' ' || *hsn == '.')
			continue;
		if (*hsn < '0' || *hsn > '9' || n == OMS_HSN_DIGITS)
			return false;
		digits[n++] = *hsn;
	}
	digits[n] = '\0';
	return n >= 2 && n % 2 == 0;
}

/*
 * The bands of the first row's group (same validity and prefix).  They must
 * start at zero, else some value would have no rate.
 */
static bool
read_bands(uint64 nrows, TaxBands *bands)
{
	bool		isnull;
	DateADT		valid_from;
	char	   *prefix;
	bool		builtin;
	uint64		row;

	bands->n = 0;
	if (nrows == 0)
		return false;
	valid_from = DatumGetDateADT(oms_datum(0, 1, &isnull));
	prefix = oms_cstr(0, 4);
	builtin = oms_bool(0, 5);
	for (row = 0; row < nrows; row++)
	{
		if (DatumGetDateADT(oms_datum(row, 1, &isnull)) != valid_from ||
			oms_bool(row, 5) != builtin ||
			strcmp(oms_cstr(row, 4), prefix) != 0)
			break;
		if (bands->n == OMS_TAX_MAX_BANDS)
			ereport(ERROR,
					(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
					 errmsg("more than %d value bands of one GST rate",
							OMS_TAX_MAX_BANDS)));
		bands->above[bands->n] = oms_paise(row, 2);
		bands->rate[bands->n] = (int32) oms_milli(row, 3);
		bands->n++;
	}
	return bands->above[0] == 0;
}

/*
 * The band a unit falls into depends on its taxable value, and with a price
 * that contains the tax, the taxable value on the band.  The lowest band that
 * agrees with itself is taken; where the price is too high for one band and
 * too low for the next (the dead band), the higher rate is.
 */
static void
choose_rate(const TaxBands *bands, const OmsTaxInput *in, OmsTax *out)
{
	int			band = 0;
	int			implied;

	out->dead_band = false;
	if (!in->inclusive)
	{
		out->rate = bands->rate[band_of(bands, unit_value(in->net, in->qty))];
		return;
	}
	for (;;)
	{
		int64		taxable = in->net - tax_within(in->net, bands->rate[band], true);

		implied = band_of(bands, unit_value(taxable, in->qty));
		if (implied <= band)
			break;
		band++;
	}
	out->rate = bands->rate[band];
	out->dead_band = implied < band;
}

/* The highest band that "unit" lies above; the first begins at zero. */
static int
band_of(const TaxBands *bands, int64 unit)
{
	int			band = 0;

	while (band + 1 < bands->n && unit > bands->above[band + 1])
		band++;
	return band;
}

/*
 * Rule 35 of the CGST Rules: tax contained in a value is
 * value * rate / (100 + rate).
 */
static int64
tax_within(int64 net, int32 rate, bool inclusive)
{
	return oms_muldiv(net, rate, inclusive ? OMS_TAX_WHOLE + rate : OMS_TAX_WHOLE);
}

/* Value of one unit to the paisa, as an invoice states it; of a credit too */
static int64
unit_value(int64 taxable, int64 qty)
{
	int64		unit = oms_muldiv(taxable, 1000, qty);

	return unit < 0 ? -unit : unit;
}

static void
check_state(const char *state, const char *what)
{
	if (state == NULL || strlen(state) != 2 ||
		strspn(state, "0123456789") != 2)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("%s must be a GST state code of two digits", what),
				 errdetail("It is \"%s\".", state ? state : ""),
				 errhint("The codes are the rows of oms.gst_state.")));
}

/* Text argument as C string; NULL when null or empty */
static char *
arg_cstring(FunctionCallInfo fcinfo, int n)
{
	char	   *s;

	if (PG_ARGISNULL(n))
		return NULL;
	s = text_to_cstring(PG_GETARG_TEXT_PP(n));
	return s[0] ? s : NULL;
}

/*
 * Forms of a GSTIN: d digit, a letter, x either, n not zero, z as in regular
 * registrations, u U or O; anything else is itself.
 */
static const char *const gstin_forms[] = {
	"ddaaaaaddddanzx",			/* regular */
	"ddaaaaaddddanCx",			/* collects tax at source */
	"ddaaaaxddddanDx",			/* deducts tax at source */
	"ddaaaadddddadZx",			/* government department */
	"ddddaaadddddNRx",			/* non-resident */
	"99ddaaadddddOSx",			/* online services from abroad */
	"ddddaaaddddduNx",			/* United Nations body */
};

bool
oms_gstin_valid(const char *gstin)
{
	static const char digits[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ";
	bool		form = false;
	int			sum = 0;
	int			i;

	if (strlen(gstin) != OMS_GSTIN_LENGTH)
		return false;
	for (i = 0; i < lengthof(gstin_forms) && !form; i++)
		form = gstin_has_form(gstin, gstin_forms[i]);
	if (!form)
		return false;

	for (i = 0; i < OMS_GSTIN_LENGTH - 1; i++)
	{
		int			product = (strchr(digits, gstin[i]) - digits) * (i % 2 + 1);

		sum += product / 36 + product % 36;
	}
	return gstin[OMS_GSTIN_LENGTH - 1] == digits[(36 - sum % 36) % 36];
}

static bool
gstin_has_form(const char *gstin, const char *form)
{
	for (; *form; form++, gstin++)
	{
		bool		digit = *gstin >= '0' && *gstin <= '9';
		bool		letter = *gstin >= 'A' && *gstin <= 'Z';
		bool		fits;

		switch (*form)
		{
			case 'd':
				fits = digit;
				break;
			case 'a':
				fits = letter;
				break;
			case 'x':
				fits = digit || letter;
				break;
			case 'n':
				fits = letter || (digit && *gstin != '0');
				break;
			case 'z':
				fits = *gstin == 'Z' || (digit && *gstin != '0') ||
					(*gstin >= 'A' && *gstin <= 'J' && *gstin != 'C');
				break;
			case 'u':
				fits = *gstin == 'U' || *gstin == 'O';
				break;
			default:
				fits = *gstin == *form;
				break;
		}
		if (!fits)
			return false;
	}
	return true;
}
