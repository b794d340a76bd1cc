/*
 * invoice.h
 *	  Documents of the law on goods and services tax: numbers, invoices and
 *	  credit notes, shared by the files of the room invoice.
 */
#ifndef OMS_INVOICE_H
#define OMS_INVOICE_H

#include "core.h"
#include "utils/date.h"

extern void oms_invoice_init(void);

/* "2025-26" for a day of April 2025 to March 2026; palloc'd. */
extern char *oms_financial_year(DateADT day);

/* The day of a moment by the company's clock. */
extern DateADT oms_company_day(int32 company_id, TimestampTz at);

typedef struct OmsInvoiceNumber
{
	const char *fin_year;
	const char *series;
	int64		no;
	const char *number;
} OmsInvoiceNumber;

/*
 * The next number of a series, taken under a lock on the series' row that
 * lasts until this transaction ends: rolled back, the number is free again.
 * "series" NULL: MAIN.  "used_for" is for people.  SPI connected; strings live
 * until its finish.
 */
extern void oms_invoice_number(int32 company_id, const char *gstin,
							   const char *kind, const char *series,
							   DateADT day, const char *used_for,
							   OmsInvoiceNumber *out);

/* Whether a GSTIN has a series of this name, in any year; SPI connected. */
extern bool oms_invoice_has_series(int32 company_id, const char *gstin,
								   const char *kind, const char *series);

/*
 * Taxes what of an order (of one parcel, unless 0) is not invoiced and has not
 * left anew, where the rate of the day is another; returns how many
 * allocations changed.  SPI connected, order locked.
 */
extern int	oms_invoice_retax(int32 company_id, int64 order_id,
							  int64 shipment_id, DateADT day);

/*
 * Cancels an issued document, which keeps its number; raises INVOICE_FIXED
 * where that is too late.  SPI connected, order locked.
 */
extern void oms_invoice_cancel(int32 company_id, int64 invoice_id,
							   const char *reason, TimestampTz at);

#endif							/* OMS_INVOICE_H */
