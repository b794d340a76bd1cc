/*
 * wave_plan.h
 *	  A wave as read from the tables (wave_read.c), for wave.c.
 */
#ifndef OMS_WAVE_PLAN_H
#define OMS_WAVE_PLAN_H

#include "core.h"
#include "wave.h"

/* What an order that may move has where. */
typedef struct OmsWaveHad
{
	int			line;			/* index */
	int			node;			/* index, -1: none of ours */
	int64		qty;
} OmsWaveHad;

typedef struct OmsWaveInput
{
	int32		company_id;
	OmsWave		w;
	int32	   *node_ids;		/* [nnodes] ascending */
	int32	   *sku_ids;		/* [nskus] ascending */
	int32	   *line_sku;		/* [nlines] */
	int32		channel_id;		/* of all orders; -1: several */
	int			nhad;
	OmsWaveHad *had;
} OmsWaveInput;

/*
 * Reads up to max_orders that wait, oldest first, and as many that may move.
 * "capacity": parcels by code of node, or by couriers' codes there
 * (jsonb, 0: none stated).  False when
 * there is none of either.  in->company_id is set, the rest zero.
 */
extern bool oms_wave_read(OmsWaveInput *in, int max_orders, bool moves,
						  Datum capacity, TimestampTz at);

#endif							/* OMS_WAVE_PLAN_H */
