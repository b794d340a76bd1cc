/*
 * tax.h
 *	  GST on a quantity of one item supplied from one state to another.
 */
#ifndef OMS_TAX_H
#define OMS_TAX_H

#include "core.h"
#include "utils/date.h"

typedef struct OmsTaxInput
{
	int32		company_id;
	const char *tax_code;		/* the ERP's code, wins; may be NULL */
	const char *hsn;			/* may be NULL when tax_code is given */
	DateADT		day;			/* date of supply */
	int64		net;			/* paise, after discounts */
	int64		qty;			/* milli units; value bands look at one unit */
	bool		inclusive;		/* "net" contains the tax */
	const char *supplier_state; /* GST state of the fulfilling node */
	const char *place_of_supply;	/* GST state of the supply */
} OmsTaxInput;

typedef struct OmsTax
{
	int32		rate;			/* thousandths of a percent: 18 % is 18000 */
	int64		taxable;		/* paise */
	int64		cgst;			/* paise; 0 inter-state */
	int64		sgst;			/* paise, SGST or UTGST; 0 inter-state */
	int64		igst;			/* paise; 0 intra-state */
	bool		dead_band;		/* no rate is consistent with the inclusive
								 * price; the higher was taken */
} OmsTax;

/* Raises NO_TAX_RATE when neither the ERP nor the catalogue has a rate. */
extern void oms_tax_compute(const OmsTaxInput *in, OmsTax *out);

/*
 * Splits "tax" paise by the states: CGST and SGST within one, else IGST.
 * The rate and the taxable value do not depend on them.
 */
extern void oms_tax_place(OmsTax *out, int64 tax, const char *supplier_state,
						  const char *place_of_supply);

/* Check digit and form of a GSTIN. */
extern bool oms_gstin_valid(const char *gstin);

#endif							/* OMS_TAX_H */
