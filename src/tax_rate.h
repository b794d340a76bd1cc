/*
 * tax_rate.h
 *	  Which GST rates hold for an item on a day, in bands of unit value.
 */
#ifndef OMS_TAX_RATE_H
#define OMS_TAX_RATE_H

#include "core.h"
#include "utils/date.h"

#define OMS_TAX_MAX_BANDS	16

/* Rates of one item on one day, lowest band first; the first begins at 0. */
typedef struct OmsTaxBands
{
	int			n;
	int64		above[OMS_TAX_MAX_BANDS];	/* paise, taxable value of a unit */
	int32		rate[OMS_TAX_MAX_BANDS];	/* thousandths of a percent */
} OmsTaxBands;

/*
 * By statements, through oms_memo() unless "read_only".  False when no rate
 * is in force; hsn and tax_code may be NULL.
 */
extern bool oms_tax_bands(int32 company_id, const char *tax_code,
						  const char *hsn, DateADT day, bool read_only,
						  OmsTaxBands *bands);

/*
 * The same for a STABLE function called row by row: what one snapshot shows is
 * asked once and kept in "cxt", for as long as the caller keeps the book.
 * Answers for NULL when there is no rate; the bands live to the next call.
 */
typedef struct OmsTaxBook OmsTaxBook;

extern OmsTaxBook *oms_tax_book(MemoryContext cxt);
extern const OmsTaxBands *oms_tax_book_bands(OmsTaxBook *book,
											 const char *company, int companylen,
											 const char *tax_code, int codelen,
											 const char *hsn, int hsnlen,
											 DateADT day);

#endif							/* OMS_TAX_RATE_H */
