/*
 * shipment.h
 *	  Parcels as other rooms make them.
 */
#ifndef OMS_SHIPMENT_H
#define OMS_SHIPMENT_H

#include "core.h"
#include "courier.h"

typedef struct OmsShipmentPlan
{
	int32		company_id;
	int64		order_id;
	int64		return_id;		/* 0: forward */
	int32		node_id;
	int64		cod_amount;		/* paise */
	int64		declared_value; /* paise */
	int32		dead_g;
	int32		volume_cm3;
	const OmsCourierQuote *quote;	/* NULL: counter, or no courier yet */
	TimestampTz promised_at;
} OmsShipmentPlan;

/* Inserts the parcel in state PLANNED and returns its shipment_id. */
extern int64 oms_shipment_plan(const OmsShipmentPlan *plan);

#endif							/* OMS_SHIPMENT_H */
