/*
 * tax_place.c
 *	  Where a supply of goods is made, and so which tax it bears.
 *
 * IGST Act: s.7 and s.8 say what is between states, s.10 the place of goods
 * that stay in India, s.11 of those that leave or enter it, s.16 what is
 * zero-rated.
 */
#include "postgres.h"

#include "fmgr.h"
#include "funcapi.h"
#include "utils/builtins.h"

#include "tax.h"

#define ABROAD "96"

static const char *const supply_codes[] = {
	"B2C", "B2B", "SEZWP", "SEZWOP", "EXPWP", "EXPWOP", "DEXP"
};

PG_FUNCTION_INFO_V1(oms_place_of_supply_sql);
PG_FUNCTION_INFO_V1(oms_tax_split);

static const char *merged(const char *state);
static const char *state_arg(FunctionCallInfo fcinfo, int n, const char *what);
static char *text_arg(FunctionCallInfo fcinfo, int n);
static bool is_ut(const char *state);

/*
 * oms.place_of_supply(supplier_state, ship_state, bill_state, buyer_gstin,
 * supply_type, movement, third_party)
 */
Datum
oms_place_of_supply_sql(PG_FUNCTION_ARGS)
{
	OmsPlaceInput in = {0};
	const char *place;
	const char *rule;
	TupleDesc	desc;
	Datum		values[3];
	bool		nulls[3] = {false};

	if (PG_ARGISNULL(0))
		PG_RETURN_NULL();
	if (get_call_result_type(fcinfo, NULL, &desc) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "return type must be a row type");
	in.supplier_state = state_arg(fcinfo, 0, "supplier state");
	if (in.supplier_state == NULL)
		oms_check_state("", "supplier state");
	in.ship_state = state_arg(fcinfo, 1, "state of delivery");
	in.bill_state = state_arg(fcinfo, 2, "state of billing");
	in.buyer_gstin = text_arg(fcinfo, 3);
	if (in.buyer_gstin && !oms_gstin_valid(in.buyer_gstin))
		ereport(ERROR,
				(errcode(ERRCODE_OMS_INVALID_GSTIN),
				 errmsg("\"%s\" is not a valid GSTIN", in.buyer_gstin),
				 errdetail("Argument buyer_gstin: form or check digit is wrong."),
				 errhint("Correct it, or leave it out for an unregistered buyer. oms.check_gstin() says what is wrong.")));
	in.supply = oms_supply_of(text_arg(fcinfo, 4));
	in.handed_over = !PG_ARGISNULL(5) && !PG_GETARG_BOOL(5);
	in.third_party = PG_ARGISNULL(6) ? -1 : PG_GETARG_BOOL(6);

	place = oms_place_of_supply(&in, &rule);
	if (place == NULL)
		place = in.supplier_state;
	values[0] = CStringGetTextDatum(place);
	values[1] = BoolGetDatum(oms_inter_state(in.supply, in.supplier_state, place));
	values[2] = CStringGetTextDatum(rule);
	PG_RETURN_DATUM(HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(desc),
													  values, nulls)));
}

/* oms.tax_split(tax, supplier_state, place_of_supply, supply_type) */
Datum
oms_tax_split(PG_FUNCTION_ARGS)
{
	OmsTax		out;
	OmsSupply	supply;
	const char *supplier;
	const char *place;
	bool		ut;
	TupleDesc	desc;
	Datum		values[4];
	bool		nulls[4] = {false};

	if (PG_ARGISNULL(0) || PG_ARGISNULL(1))
		PG_RETURN_NULL();
	if (get_call_result_type(fcinfo, NULL, &desc) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "return type must be a row type");
	supplier = state_arg(fcinfo, 1, "supplier state");
	if (supplier == NULL)
		oms_check_state("", "supplier state");
	place = state_arg(fcinfo, 2, "place of supply");
	supply = oms_supply_of(text_arg(fcinfo, 3));
	oms_tax_place(&out, oms_supply_untaxed(supply) ? 0 :
				  oms_numeric_to_paise(PG_GETARG_DATUM(0)), supply, supplier,
				  place ? place : supplier);
	ut = is_ut(supplier);
	values[0] = oms_paise_numeric(out.cgst);
	values[1] = oms_paise_numeric(ut ? 0 : out.sgst);
	values[2] = oms_paise_numeric(ut ? out.sgst : 0);
	values[3] = oms_paise_numeric(out.igst);
	PG_RETURN_DATUM(HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(desc),
													  values, nulls)));
}

const char *
oms_place_of_supply(const OmsPlaceInput *in, const char **rule)
{
	char	   *registered = NULL;
	const char *state;

	if (in->buyer_gstin)
	{
		registered = pnstrdup(in->buyer_gstin, 2);
		/* registered with the centre: no state of its own */
		if (!oms_state_known(registered) || strcmp(registered, "99") == 0)
			registered = NULL;
	}

	if (oms_supply_export(in->supply) ||
		(in->ship_state && strcmp(in->ship_state, ABROAD) == 0))
	{
		*rule = "IGST 11(b)";
		return ABROAD;
	}
	if (in->supplier_state && strcmp(in->supplier_state, ABROAD) == 0)
	{
		/* where the importer is */
		*rule = "IGST 11(a)";
		return registered ? registered :
			in->ship_state ? in->ship_state : in->bill_state;
	}
	if (in->buyer_gstin == NULL)
	{
		/* the address on the invoice; of two the one of delivery */
		state = in->handed_over ? NULL : in->ship_state;
		*rule = "IGST 10(1)(ca)";
		return state ? state : in->bill_state;
	}
	if (in->handed_over)
	{
		*rule = "IGST 10(1)(c)";
		return in->supplier_state;
	}
	if (registered && (in->third_party == 1 ||
					   (in->third_party == -1 && in->ship_state &&
						in->bill_state &&
						strcmp(merged(in->ship_state), merged(in->bill_state)) != 0)))
	{
		*rule = "IGST 10(1)(b)";
		return registered;
	}
	*rule = "IGST 10(1)(a)";
	return in->ship_state ? in->ship_state :
		registered ? registered : in->bill_state;
}

bool
oms_inter_state(OmsSupply supply, const char *supplier_state,
				const char *place_of_supply)
{
	if (oms_supply_sez(supply) || oms_supply_export(supply))
		return true;
	return strcmp(merged(supplier_state), merged(place_of_supply)) != 0 ||
		strcmp(supplier_state, ABROAD) == 0;
}

OmsSupply
oms_supply_of(const char *code)
{
	if (code == NULL || code[0] == '\0')
		return OMS_SUPPLY_B2C;
	for (int i = 0; i < lengthof(supply_codes); i++)
		if (strcmp(supply_codes[i], code) == 0)
			return (OmsSupply) i;
	ereport(ERROR,
			(errcode(ERRCODE_OMS_INVALID_DOCUMENT),
			 errmsg("there is no type of supply \"%s\"", code),
			 errdetail("Field or argument supply_type."),
			 errhint("Types are B2C, B2B, SEZWP, SEZWOP, EXPWP, EXPWOP and DEXP: WP is with payment of tax, WOP without (bond or LUT). An ordinary supply needs none.")));
	return OMS_SUPPLY_B2C;		/* keep compiler quiet */
}

const char *
oms_supply_code(OmsSupply supply)
{
	return supply_codes[supply];
}

/* 01 to 38, other territory, other countries, the centre */
bool
oms_state_known(const char *state)
{
	int			n;

	if (state[0] < '0' || state[0] > '9' || state[1] < '0' ||
		state[1] > '9' || state[2] != '\0')
		return false;
	n = (state[0] - '0') * 10 + state[1] - '0';
	return (n >= 1 && n <= 38) || n == 96 || n == 97 || n == 99;
}

void
oms_check_state(const char *state, const char *what)
{
	if (state == NULL || strlen(state) != 2 ||
		strspn(state, "0123456789") != 2)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("%s must be a GST state code of two digits", what),
				 errdetail("It is \"%s\".", state ? state : ""),
				 errhint("The codes are the rows of oms.gst_state.")));
	if (!oms_state_known(state))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("%s is not a GST state code", what),
				 errdetail("It is \"%s\".", state),
				 errhint("The codes are the rows of oms.gst_state.")));
}

/*
 * Codes that were given up: Daman and Diu went into 26 in 2020, Andhra
 * Pradesh before Telangana was 28.
 */
static const char *
merged(const char *state)
{
	if (strcmp(state, "25") == 0)
		return "26";
	if (strcmp(state, "28") == 0)
		return "37";
	return state;
}

/* UTGST instead of SGST: union territories without an assembly, CGST 2(114) */
static bool
is_ut(const char *state)
{
	static const char *const uts[] = {"04", "25", "26", "31", "35", "38", "97"};

	for (int i = 0; i < lengthof(uts); i++)
		if (strcmp(state, uts[i]) == 0)
			return true;
	return false;
}

static const char *
state_arg(FunctionCallInfo fcinfo, int n, const char *what)
{
	char	   *s = text_arg(fcinfo, n);

	if (s)
		oms_check_state(s, what);
	return s;
}

static char *
text_arg(FunctionCallInfo fcinfo, int n)
{
	char	   *s;

	if (PG_ARGISNULL(n))
		return NULL;
	s = text_to_cstring(PG_GETARG_TEXT_PP(n));
	return s[0] ? s : NULL;
}
