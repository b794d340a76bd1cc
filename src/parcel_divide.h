/*
 * parcel_divide.h
 *	  Goods of a node that are too heavy for one parcel.
 */
#ifndef OMS_PARCEL_DIVIDE_H
#define OMS_PARCEL_DIVIDE_H

#include "orders.h"

/*
 * Puts the plan's pieces into parts of at most rule.max_parcel_g for each
 * place they go from; a piece of which some goes in another part becomes
 * several.  Before anything is reserved.
 */
extern void oms_parcel_divide(OmsFulfilment *f);

#endif							/* OMS_PARCEL_DIVIDE_H */
