/*
 * tax.h
 *	  GST on a quantity of one item supplied from one state to another.
 */
#ifndef OMS_TAX_H
#define OMS_TAX_H

#include "core.h"
#include "utils/date.h"

/* Kinds of supply, as INV-01 (SupTyp) names them; B2C is ours. */
typedef enum OmsSupply
{
	OMS_SUPPLY_B2C,				/* and whatever is taxed the ordinary way */
	OMS_SUPPLY_B2B,
	OMS_SUPPLY_SEZWP,			/* to a special economic zone, tax paid */
	OMS_SUPPLY_SEZWOP,			/* ... without, under bond or LUT */
	OMS_SUPPLY_EXPWP,			/* export, tax paid */
	OMS_SUPPLY_EXPWOP,			/* ... without */
	OMS_SUPPLY_DEXP				/* deemed export: taxed as at home */
} OmsSupply;

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
	const char *place_of_supply;	/* GST state; NULL: the supplier's */
	OmsSupply	supply;
	bool		reverse_charge; /* the buyer owes the tax, not in "net" */
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

/* The same; false where no rate is known. */
extern bool oms_tax_try(const OmsTaxInput *in, OmsTax *out);

/*
 * Splits "tax" paise by the states: CGST and SGST within one, else IGST.
 * The rate and the taxable value do not depend on them.
 */
extern void oms_tax_place(OmsTax *out, int64 tax, OmsSupply supply,
						  const char *supplier_state,
						  const char *place_of_supply);

/*
 * Tax on or in an amount at a rate (thousandths of a percent), paise; Rule 35
 * of the CGST Rules: contained in a value it is value * rate / (100 + rate).
 */
extern int64 oms_tax_on(int64 net, int32 rate, bool inclusive);

/* tax_place.c */

/* Raises INVALID_DOCUMENT for another; NULL or empty is B2C. */
extern OmsSupply oms_supply_of(const char *code);
extern const char *oms_supply_code(OmsSupply supply);

/* Zero-rated without payment: no tax at all */
#define oms_supply_untaxed(s) ((s) == OMS_SUPPLY_SEZWOP || (s) == OMS_SUPPLY_EXPWOP)
#define oms_supply_sez(s) ((s) == OMS_SUPPLY_SEZWP || (s) == OMS_SUPPLY_SEZWOP)
#define oms_supply_export(s) ((s) == OMS_SUPPLY_EXPWP || (s) == OMS_SUPPLY_EXPWOP)

/* IGST and not CGST with SGST; both states are codes. */
extern bool oms_inter_state(OmsSupply supply, const char *supplier_state,
							const char *place_of_supply);

/* Raises unless "state" is a code of two digits that GST knows. */
extern void oms_check_state(const char *state, const char *what);
extern bool oms_state_known(const char *state);

/* What decides where a supply of goods is made. */
typedef struct OmsPlaceInput
{
	const char *supplier_state; /* NULL: not known yet */
	const char *ship_state;		/* of delivery; NULL unknown or none */
	const char *bill_state;		/* of the address on the invoice; may be NULL */
	const char *buyer_gstin;	/* NULL: not registered; else valid */
	OmsSupply	supply;
	bool		handed_over;	/* over a counter: the goods do not move */
	int			third_party;	/* delivered to another than the buyer: 1 yes,
								 * 0 no, -1 unknown */
} OmsPlaceInput;

/*
 * The state, which is the supplier's where NULL; "rule" is the section of
 * the IGST Act.
 */
extern const char *oms_place_of_supply(const OmsPlaceInput *in,
									   const char **rule);

/* tax_check.c: check digit and form of a GSTIN. */
extern bool oms_gstin_valid(const char *gstin);

#endif							/* OMS_TAX_H */
