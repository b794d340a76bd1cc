/*
 * postcode.h
 *	  Postal codes: ranges of them, and lists of places served.
 */
#ifndef OMS_POSTCODE_H
#define OMS_POSTCODE_H

#include "postgres.h"

/*
 * Whether a code lies from "from" to "to", both included; NULL or empty: no
 * bound on that side.  Digits compare as numbers, letters as letters, so that
 * BH20 lies behind BH4.
 */
extern bool oms_postcode_between(const char *code, const char *from,
								 const char *to);

/*
 * Whether a list of places has this one: GST states (two digits), beginnings
 * of pincodes, and ranges A..B; with ! before it a place is excluded, which
 * wins.  A list of exclusions only has all else.
 */
extern bool oms_place_listed(const char *const *list, int n,
							 const char *pincode, const char *state_code);

#endif							/* OMS_POSTCODE_H */
