/*
 * pg_oms.c
 *	  Library entry: magic block and one call to each room that needs it.
 */
#include "postgres.h"

#include "fmgr.h"
#include "utils/guc.h"

#include "combiner.h"
#include "core.h"
#include "core_memo.h"
#include "core_rows.h"
#include "courier.h"
#include "erp.h"
#include "invoice.h"
#include "orders.h"
#include "returns.h"
#include "shipment.h"
#include "sourcing.h"
#include "stock.h"
#include "worker.h"

PG_MODULE_MAGIC;

void		_PG_init(void);

void
_PG_init(void)
{
	oms_core_init();
	oms_memo_init();
	oms_rows_init();
	oms_early_release_init();
	oms_sourcing_init();
	oms_stock_row_init();
	oms_courier_init();
	oms_shipment_init();
	oms_returns_init();
	oms_invoice_init();
	oms_worker_init();
	oms_orders_init();
	oms_combiner_init();
	oms_erp_init();
	oms_erp_wake = oms_worker_wake;
	oms_stock_rose = oms_worker_stock_rose;
	oms_orders_left = oms_worker_wake_stock;

	MarkGUCPrefixReserved("oms");
}
