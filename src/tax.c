/*
 * tax.c
 *	  GST on a quantity of one item: rate by value of a unit, amount, split.
 *
 * The rate comes from the ERP's own code (oms.tax_code) or, where that says
 * nothing, from the law's table by HSN (oms.gst_rate); tax_rate.c finds it.
 * Both give bands of unit value; doc/tax.md has the rules and their sources.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/pg_type.h"
#include "fmgr.h"
#include "funcapi.h"
#include "utils/builtins.h"
#include "utils/numeric.h"

#include "tax.h"
#include "tax_rate.h"

#define OMS_TAX_WHOLE		100000	/* 100 % in thousandths of a percent */

/* What a call site of oms.tax() keeps from row to row */
typedef struct TaxCall
{
	TupleDesc	desc;
	OmsTaxBook *book;
} TaxCall;

PG_FUNCTION_INFO_V1(oms_tax);
PG_FUNCTION_INFO_V1(oms_tax_rate);

static TaxCall *call_site(FunctionCallInfo fcinfo);
static void compute(const OmsTaxInput *in, const OmsTaxBands *bands,
					OmsTax *out);
static void refuse_no_rate(const OmsTaxInput *in) pg_attribute_noreturn();
static void check_quantity(int64 qty);
static void choose_rate(const OmsTaxBands *bands, const OmsTaxInput *in,
						OmsTax *out);
static int	band_of(const OmsTaxBands *bands, int64 unit);
static int64 unit_value(int64 taxable, int64 qty);
static const char *arg_state(FunctionCallInfo fcinfo, int n, char *state);
static const char *arg_bytes(FunctionCallInfo fcinfo, int n, int *len);
static Datum rate_numeric(int32 rate);

/*
 * oms.tax(net, qty, hsn, supplier_state, place_of_supply, day, inclusive,
 * tax_code, company, supply_type, reverse_charge): row by row, so that nothing
 * is copied or looked up that an earlier row has.
 */
Datum
oms_tax(PG_FUNCTION_ARGS)
{
	OmsTaxInput in = {0};
	OmsTax		out;
	TaxCall    *call;
	const OmsTaxBands *bands;
	const char *hsn;
	const char *code;
	const char *company;
	int			hsnlen;
	int			codelen;
	int			companylen;
	char		supplier[3];
	char		place[3];
	Datum		values[6];
	bool		nulls[6] = {false};
	int			i;

	for (i = 0; i < 7; i++)
		if (PG_ARGISNULL(i) && i != 2 && i != 4)
			PG_RETURN_NULL();
	call = call_site(fcinfo);

	in.net = oms_numeric_to_paise(PG_GETARG_DATUM(0));
	in.qty = oms_numeric_to_milli(PG_GETARG_DATUM(1));
	hsn = arg_bytes(fcinfo, 2, &hsnlen);
	in.supplier_state = arg_state(fcinfo, 3, supplier);
	in.place_of_supply = arg_state(fcinfo, 4, place);
	in.day = PG_GETARG_DATEADT(5);
	in.inclusive = PG_GETARG_BOOL(6);
	code = arg_bytes(fcinfo, 7, &codelen);
	company = arg_bytes(fcinfo, 8, &companylen);
	if (!PG_ARGISNULL(9))
		in.supply = oms_supply_of(text_to_cstring(PG_GETARG_TEXT_PP(9)));
	in.reverse_charge = !PG_ARGISNULL(10) && PG_GETARG_BOOL(10);

	if (in.place_of_supply == NULL)
		in.place_of_supply = in.supplier_state;
	check_quantity(in.qty);
	bands = oms_tax_book_bands(call->book, company, companylen, code, codelen,
							   hsn, hsnlen, in.day);
	if (bands == NULL)
	{
		in.hsn = hsn ? pnstrdup(hsn, hsnlen) : NULL;
		in.tax_code = code ? pnstrdup(code, codelen) : NULL;
		refuse_no_rate(&in);
	}
	compute(&in, bands, &out);

	values[0] = rate_numeric(out.rate);
	values[1] = oms_paise_numeric(out.taxable);
	values[2] = oms_paise_numeric(out.cgst);
	values[3] = oms_paise_numeric(out.sgst);
	values[4] = oms_paise_numeric(out.igst);
	values[5] = BoolGetDatum(out.dead_band);
	PG_RETURN_DATUM(HeapTupleGetDatum(heap_form_tuple(call->desc, values,
													  nulls)));
}

/* oms.tax_rate(hsn, day, unit_value): the catalogue alone; NULL if unknown */
Datum
oms_tax_rate(PG_FUNCTION_ARGS)
{
	int			len;
	const char *hsn = arg_bytes(fcinfo, 0, &len);
	DateADT		day = PG_GETARG_DATEADT(1);
	int64		unit = oms_numeric_to_paise(PG_GETARG_DATUM(2));
	const OmsTaxBands *bands;

	if (fcinfo->flinfo->fn_extra == NULL)
		fcinfo->flinfo->fn_extra = oms_tax_book(fcinfo->flinfo->fn_mcxt);
	bands = oms_tax_book_bands(fcinfo->flinfo->fn_extra, NULL, 0, NULL, 0,
							   hsn, len, day);
	if (bands == NULL)
		PG_RETURN_NULL();
	PG_RETURN_DATUM(rate_numeric(bands->rate[band_of(bands, unit)]));
}

static TaxCall *
call_site(FunctionCallInfo fcinfo)
{
	TaxCall    *call = fcinfo->flinfo->fn_extra;
	TupleDesc	desc;
	MemoryContext old;

	if (call)
		return call;
	if (get_call_result_type(fcinfo, NULL, &desc) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "return type must be a row type");
	old = MemoryContextSwitchTo(fcinfo->flinfo->fn_mcxt);
	call = palloc0(sizeof(TaxCall));
	call->desc = BlessTupleDesc(CreateTupleDescCopy(desc));
	call->book = oms_tax_book(fcinfo->flinfo->fn_mcxt);
	MemoryContextSwitchTo(old);
	fcinfo->flinfo->fn_extra = call;
	return call;
}

/*
 * The order's path: sees what this transaction has just taken in from the
 * ERP, hence not read-only.
 */
void
oms_tax_compute(const OmsTaxInput *in, OmsTax *out)
{
	if (!oms_tax_try(in, out))
		refuse_no_rate(in);
}

bool
oms_tax_try(const OmsTaxInput *in, OmsTax *out)
{
	OmsTaxInput full = *in;
	OmsTaxBands bands;

	if (full.place_of_supply == NULL)
		full.place_of_supply = full.supplier_state;
	oms_check_state(full.supplier_state, "supplier state");
	oms_check_state(full.place_of_supply, "place of supply");
	check_quantity(full.qty);
	if (!oms_tax_bands(full.company_id, full.tax_code, full.hsn, full.day,
					   false, &bands))
		return false;
	compute(&full, &bands, out);
	return true;
}

static void
check_quantity(int64 qty)
{
	if (qty <= 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("quantity to tax must be positive")));
}

static void
refuse_no_rate(const OmsTaxInput *in)
{
	ereport(ERROR,
			(errcode(ERRCODE_OMS_NO_TAX_RATE),
			 errmsg("no GST rate is known for HSN \"%s\" on %s",
					in->hsn ? in->hsn : "(none)",
					DatumGetCString(DirectFunctionCall1(date_out,
														DateADTGetDatum(in->day)))),
			 in->tax_code ? errdetail("The ERP's tax code \"%s\" has none in force either.",
									  in->tax_code) : 0,
			 errhint("Correct the item's HSN (2, 4, 6 or 8 digits, leading zero kept), or add the rate to oms.tax_code or oms.gst_rate.")));
}

/* "in" is whole: states checked, place of supply and quantity there. */
static void
compute(const OmsTaxInput *in, const OmsTaxBands *bands, OmsTax *out)
{
	OmsTaxInput own = *in;
	int64		tax;

	/* tax that the seller does not charge cannot be in the price */
	if (oms_supply_untaxed(own.supply) || own.reverse_charge)
		own.inclusive = false;
	choose_rate(bands, &own, out);
	if (oms_supply_untaxed(own.supply))
		out->rate = 0;
	tax = oms_tax_on(own.net, out->rate, own.inclusive);
	out->taxable = own.inclusive ? own.net - tax : own.net;
	oms_tax_place(out, tax, own.supply, own.supplier_state,
				  own.place_of_supply);
}

void
oms_tax_place(OmsTax *out, int64 tax, OmsSupply supply,
			  const char *supplier_state, const char *place_of_supply)
{
	out->cgst = out->sgst = out->igst = 0;
	if (oms_inter_state(supply, supplier_state, place_of_supply))
		out->igst = tax;
	else
	{
		out->cgst = oms_muldiv(tax, 1, 2);
		out->sgst = tax - out->cgst;
	}
}

/*
 * The band a unit falls into depends on its taxable value, and with a price
 * that contains the tax, the taxable value on the band.  The lowest band that
 * agrees with itself is taken; where the price is too high for one band and
 * too low for the next (the dead band), the higher rate is.
 */
static void
choose_rate(const OmsTaxBands *bands, const OmsTaxInput *in, OmsTax *out)
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
		int64		taxable = in->net - oms_tax_on(in->net, bands->rate[band], true);

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
band_of(const OmsTaxBands *bands, int64 unit)
{
	int			band = 0;

	while (band + 1 < bands->n && unit > bands->above[band + 1])
		band++;
	return band;
}

int64
oms_tax_on(int64 net, int32 rate, bool inclusive)
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

/* A state's code in "state"; NULL when null or empty */
static const char *
arg_state(FunctionCallInfo fcinfo, int n, char *state)
{
	int			len;
	const char *s = arg_bytes(fcinfo, n, &len);

	if (s == NULL && n != 3)
		return NULL;
	if (s == NULL || len != 2)
		oms_check_state(s ? pnstrdup(s, len) : "", n == 3 ? "supplier state" : "place of supply");
	memcpy(state, s, 2);
	state[2] = '\0';
	oms_check_state(state, n == 3 ? "supplier state" : "place of supply");
	return state;
}

/* Bytes of a text argument; NULL when null or empty */
static const char *
arg_bytes(FunctionCallInfo fcinfo, int n, int *len)
{
	text	   *t;

	*len = 0;
	if (PG_ARGISNULL(n))
		return NULL;
	t = PG_GETARG_TEXT_PP(n);
	*len = VARSIZE_ANY_EXHDR(t);
	return *len > 0 ? VARDATA_ANY(t) : NULL;
}

/* 18000 is 18, 250 is 0.25 */
static Datum
rate_numeric(int32 rate)
{
	if (rate % 1000 == 0)
		return NumericGetDatum(int64_to_numeric(rate / 1000));
	return DirectFunctionCall1(numeric_trim_scale, oms_milli_numeric(rate));
}
