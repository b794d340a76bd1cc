/*
 * erp_call.c
 *	  The outbox: what the ERP is asked to book, through its own doors.
 *
 * A row is written in the transaction that needs the booking;
 * oms.erp_send() tells the ERP later, each call in a subtransaction of its
 * own; the count that contains the booking closes it (erp.c).
 */
#include "postgres.h"

#include "catalog/pg_type.h"

#include "erp.h"

static OmsPlan book_plan = {
	"INSERT INTO oms.erp_call (company_id, kind, node_id, sku_id, qty, document, reservation_id)"
	" VALUES ($1, $2, $3, $4, $5, coalesce($6, ''), $7)",
	7, {INT4OID, TEXTOID, INT4OID, INT4OID, NUMERICOID, TEXTOID, INT8OID}, NULL
};

void
oms_erp_book(int32 company_id, const char *kind, OmsStockKey key, int64 qty,
			 const char *document, int64 reservation_id)
{
	Datum		values[7] = {
		Int32GetDatum(company_id), oms_text(kind), Int32GetDatum(key.node_id),
		Int32GetDatum(key.sku_id), oms_milli_numeric(qty), oms_text(document),
		Int64GetDatum(reservation_id)
	};
	char		nulls[] = "       ";

	if (document == NULL)
		nulls[5] = 'n';
	if (reservation_id == 0)
		nulls[6] = 'n';
	oms_spi_connect();
	oms_exec(&book_plan, values, nulls, false, 0);
	oms_spi_finish();
	if (oms_erp_wake)
		oms_erp_wake();
}
