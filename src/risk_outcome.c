/*
 * risk_outcome.c
 *	  Outcomes of orders, counted for buyers and areas.
 *
 * Counters change in the transaction that learns the outcome and never before:
 * a score made at a moment rests on what was known at that moment.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "fmgr.h"
#include "utils/builtins.h"

#include "risk.h"

PG_FUNCTION_INFO_V1(oms_risk_outcome_sql);

static void count_rate(int32 company_id, const char *level, const char *key,
					   bool rto);

/*
 * An outcome became known.  The buyer's open COD orders go down whoever was at
 * fault; the other counters are the buyer's and the area's, so a fault of the
 * courier leaves them alone.  Rates count COD orders only: prepaid ones come
 * back ten times less and would hide an area's risk.
 */
static OmsPlan outcome_order_plan = {
	"SELECT o.customer_id, o.payment_mode OPERATOR(pg_catalog.=) 'COD',"
	" o.ship_pincode, p.district, coalesce(p.state_code, o.ship_state_code)"
	" FROM oms.\"order\" o"
	" LEFT JOIN oms.pincode p ON p.pincode OPERATOR(pg_catalog.=) o.ship_pincode"
	" WHERE o.company_id OPERATOR(pg_catalog.=) $1"
	" AND o.order_id OPERATOR(pg_catalog.=) $2",
	2, {INT4OID, INT8OID}, NULL
};
static OmsPlan outcome_buyer_plan = {
	"UPDATE oms.customer SET"
	" delivered = delivered OPERATOR(pg_catalog.+) $2,"
	" rto = rto OPERATOR(pg_catalog.+) $3,"
	" cod_open = greatest(cod_open OPERATOR(pg_catalog.-) $4, 0)"
	" WHERE customer_id OPERATOR(pg_catalog.=) $1",
	4, {INT8OID, INT4OID, INT4OID, INT4OID}, NULL
};
static OmsPlan outcome_rate_plan = {
	"INSERT INTO oms.risk_rate AS r (company_id, level, key, orders, rto)"
	" VALUES ($1, $2, $3, 1, $4)"
	" ON CONFLICT (company_id, level, key) DO UPDATE SET"
	" orders = r.orders OPERATOR(pg_catalog.+) excluded.orders,"
	" rto = r.rto OPERATOR(pg_catalog.+) excluded.rto,"
	" updated_at = pg_catalog.now()",
	4, {INT4OID, TEXTOID, TEXTOID, FLOAT8OID}, NULL
};

void
oms_risk_outcome(int32 company_id, int64 order_id, bool rto,
				 bool courier_fault)
{
	Datum		values[4] = {Int32GetDatum(company_id), Int64GetDatum(order_id)};
	int64		customer_id;
	bool		cod;
	char	   *pincode;
	char	   *district;
	char	   *state;

	oms_spi_connect();
	if (oms_exec(&outcome_order_plan, values, NULL, false, 0) == 0)
		ereport(ERROR,
				(errcode(ERRCODE_OMS_UNKNOWN_REFERENCE),
				 errmsg("order " INT64_FORMAT " does not exist", order_id)));
	customer_id = oms_int8(0, 1);
	cod = oms_bool(0, 2);
	pincode = oms_cstr(0, 3);
	district = oms_cstr(0, 4);
	state = oms_cstr(0, 5);

	/*
	 * The most shared row first: who holds it is alone with the others, so
	 * that transactions with several outcomes do not wait for each other in a
	 * circle.
	 */
	if (cod && !courier_fault)
	{
		count_rate(company_id, "nation", "IN", rto);
		count_rate(company_id, "state", state, rto);
		if (state && district)
			count_rate(company_id, "district",
					   psprintf("%s/%s", state, district), rto);
		count_rate(company_id, "pincode", pincode, rto);
	}
	if (customer_id != 0 && (cod || !courier_fault))
	{
		values[0] = Int64GetDatum(customer_id);
		values[1] = Int32GetDatum(!courier_fault && !rto);
		values[2] = Int32GetDatum(!courier_fault && rto);
		values[3] = Int32GetDatum(cod);
		oms_exec(&outcome_buyer_plan, values, NULL, false, 0);
	}
	oms_spi_finish();
}

static void
count_rate(int32 company_id, const char *level, const char *key, bool rto)
{
	Datum		values[4] = {
		Int32GetDatum(company_id), oms_text(level), oms_text(key),
		Float8GetDatum(rto ? 1.0 : 0.0)
	};

	if (key)
		oms_exec(&outcome_rate_plan, values, NULL, false, 0);
}

/* oms.risk_outcome(order_id, rto, courier_fault, company) */
Datum
oms_risk_outcome_sql(PG_FUNCTION_ARGS)
{
	oms_require_installed();
	oms_require_arg(fcinfo, 0, "order_id");
	oms_require_arg(fcinfo, 1, "rto");
	oms_require_arg(fcinfo, 2, "courier_fault");
	oms_risk_outcome(oms_company_id(PG_ARGISNULL(3) ? NULL : text_to_cstring(PG_GETARG_TEXT_PP(3))),
					 PG_GETARG_INT64(0), PG_GETARG_BOOL(1), PG_GETARG_BOOL(2));
	PG_RETURN_VOID();
}
