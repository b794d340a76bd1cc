/*
 * tax_share.c
 *	  Parts of amounts that add up to the whole, to the paisa.
 *
 * Every part is the difference of two rounded running sums, so whatever the
 * parts, and however often one is taken, the sum is the whole.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "common/int.h"
#include "fmgr.h"
#include "funcapi.h"
#include "utils/array.h"
#include "utils/builtins.h"

#include "core.h"

PG_FUNCTION_INFO_V1(oms_apportion);
PG_FUNCTION_INFO_V1(oms_credit_share);

static void refuse(const char *what, const char *detail) pg_attribute_noreturn();

/* oms.apportion(amount, weights): weights to two decimals, not negative */
Datum
oms_apportion(PG_FUNCTION_ARGS)
{
	int64		amount = oms_paise_arg(PG_GETARG_DATUM(0), "amount");
	ArrayType  *array = PG_GETARG_ARRAYTYPE_P(1);
	Datum	   *items;
	bool	   *nulls;
	int			n;
	int64		total = 0;
	int64		before = 0;

	if (ARR_NDIM(array) > 1)
		refuse("weights must be a list", "They have more than one dimension.");
	deconstruct_array(array, NUMERICOID, -1, false, TYPALIGN_INT,
					  &items, &nulls, &n);
	for (int i = 0; i < n; i++)
	{
		int64		weight;

		if (nulls[i])
			refuse("a weight is missing", psprintf("Weight %d is NULL.", i + 1));
		weight = oms_paise_arg(items[i], "weights");
		if (weight < 0)
			refuse("a weight is below zero",
				   psprintf("Weight %d is %s.", i + 1,
							DatumGetCString(DirectFunctionCall1(numeric_out, items[i]))));
		if (pg_add_s64_overflow(total, weight, &total))
			refuse("the weights are too large", "Their sum does not fit.");
	}
	for (int i = 0; i < n; i++)
	{
		/* nothing to go by: equal parts */
		int64		weight = total > 0 ? oms_paise_arg(items[i], "weights") : 1;
		int64		whole = total > 0 ? total : n;

		items[i] = oms_paise_numeric(oms_muldiv(amount, before + weight, whole) -
									 oms_muldiv(amount, before, whole));
		before += weight;
	}
	PG_RETURN_ARRAYTYPE_P(construct_array(items, n, NUMERICOID, -1, false,
										  TYPALIGN_INT));
}

/*
 * oms.credit_share(qty, taxable, cgst, sgst, igst, credited, credit): of
 * "qty" invoiced, "credited" are credited already and "credit" are now.
 */
Datum
oms_credit_share(PG_FUNCTION_ARGS)
{
	static const char *const names[] = {
		"qty", "taxable", "cgst", "sgst", "igst", "credited", "credit"
	};
	int64		in[7];
	TupleDesc	desc;
	Datum		values[4];
	bool		nulls[4] = {false};

	if (get_call_result_type(fcinfo, NULL, &desc) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "return type must be a row type");
	for (int i = 0; i < 7; i++)
		in[i] = i >= 1 && i <= 4 ? oms_paise_arg(PG_GETARG_DATUM(i), names[i]) :
			oms_milli_arg(PG_GETARG_DATUM(i), names[i]);
	if (in[0] <= 0)
		refuse("the quantity invoiced must be positive", "Argument qty.");
	if (in[5] < 0 || in[6] < 0)
		refuse("a quantity credited is below zero", "Arguments credited and credit.");
	if (in[5] + in[6] > in[0])
		refuse("more is credited than was invoiced",
			   psprintf("Invoiced %s, credited before %s, to be credited %s.",
						DatumGetCString(DirectFunctionCall1(numeric_out, PG_GETARG_DATUM(0))),
						DatumGetCString(DirectFunctionCall1(numeric_out, PG_GETARG_DATUM(5))),
						DatumGetCString(DirectFunctionCall1(numeric_out, PG_GETARG_DATUM(6)))));
	for (int i = 0; i < 4; i++)
		values[i] = oms_paise_numeric(oms_muldiv(in[i + 1], in[5] + in[6], in[0]) -
									  oms_muldiv(in[i + 1], in[5], in[0]));
	PG_RETURN_DATUM(HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(desc),
													  values, nulls)));
}

static void
refuse(const char *what, const char *detail)
{
	ereport(ERROR,
			(errcode(ERRCODE_OMS_INVALID_DOCUMENT),
			 errmsg("%s", what),
			 errdetail("%s", detail),
			 errhint("Amounts are INR with two decimals, quantities have three.")));
}
