/*
 * risk_address.h
 *	  How much an address looks like one a courier can find.
 */
#ifndef OMS_RISK_ADDRESS_H
#define OMS_RISK_ADDRESS_H

/* Inputs of the risk model; all 0 for a good address */
typedef struct OmsAddressQuality
{
	bool		missing;		/* nothing in it; the rest is 0 then */
	double		words_short;	/* 0 (enough words) .. 1 (hardly one) */
	double		chars_short;	/* 0 (long enough) .. 1 */
	bool		no_digit;		/* no house, plot or street number */
	bool		repeated;		/* aaaa, or a number of one digit: 0000 */
	double		monkey_share;	/* share of words nobody could pronounce */
} OmsAddressQuality;

/* "address" may be NULL. */
extern void oms_address_quality(const char *address,
								OmsAddressQuality *quality);

#endif							/* OMS_RISK_ADDRESS_H */
