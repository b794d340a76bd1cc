/*
 * wave.h
 *	  Many waiting orders planned together (room sourcing): the problem, and
 *	  the solver in wave_solve.c and wave_flow.c.  Pure arithmetic but for
 *	  errors and interrupts.
 *
 * Quantities are milli units, costs paise.  Matrices by item and node are
 * [sku * nnodes + node], by line and node [line * nnodes + node], by place
 * (where a buyer is, and by which rule) and node [place * nnodes + node].
 */
#ifndef OMS_WAVE_H
#define OMS_WAVE_H

#include "postgres.h"

/* So much of an item in one unit of a line: 1,000, or as in a kit. */
typedef struct OmsWaveNeed
{
	int			sku;
	int64		per_unit;
} OmsWaveNeed;

typedef struct OmsWaveLine
{
	int32		line_no;
	int64		qty;
	bool		kit;			/* whole ones only */
	int			first_need;
	int			nneeds;
} OmsWaveLine;

typedef struct OmsWaveOrder
{
	int64		order_id;
	int			first_line;
	int			nlines;
	int			place;
	double		price_weight;
	int			max_nodes;
	bool		split_lines;
	bool		complete_only;	/* everything or nothing */
	bool		moving;			/* has all it wants already: may move */
	const bool *barred;			/* [nnodes] not to be asked; NULL: none */
} OmsWaveOrder;

typedef struct OmsWave
{
	int			nnodes;
	int			nskus;
	int			norders;
	int			nlines;
	OmsWaveOrder *orders;		/* by order_id */
	OmsWaveLine *lines;
	OmsWaveNeed *needs;
	const int64 *open_cost;		/* [place, node]; -1: refused there */
	const int64 *lane_unit;		/* [place, node] of a unit */
	const int64 *price;			/* [sku, node] of a unit; NULL: none */
	int64	   *stock;			/* [sku, node] free, without what those who
								 * may move have */
	int64	   *slots;			/* [node] parcels it can still take */
	int64		penalty;		/* of a unit unserved */
	int64		switching;		/* what moving an order must save */
	int			max_arcs;		/* nodes an order may choose from in the flow */
	/* in: what those who may move have; out: what is best */
	int64	   *take;			/* [line, node] */
	/* out */
	int			rounds;			/* flows solved */
	int			arcs;			/* of the first flow */
	int64		cost;			/* of those who waited, as planned */
	int64		saved;			/* by those who move, switching not counted */
	int64		unserved;		/* milli */
	int64		flow_us;		/* time in the flow solver */
} OmsWave;

/* Slots of a node without a limit. */
#define OMS_WAVE_ANY INT64CONST(1000000000)

/*
 * Fills "take".  The same problem gives the same plan.  Stock and slots are
 * what is left afterwards.
 */
extern void oms_wave_solve(OmsWave *w);

/*
 * wave_flow.c: orders that wait each to one node that has all of it, by
 * minimum-cost flow; choice[order] is the node or -1.  "extra" [sku, node] is
 * added to the price of a unit.
 */
extern void oms_wave_flow(OmsWave *w, const int64 *extra, int *choice);

/* Units of a line a node can fill by what is free; in wave_solve.c. */
extern int64 oms_wave_available(const OmsWave *w, const OmsWaveLine *line,
								int node);

/* What a unit of a line costs from a node; "extra" may be NULL. */
extern int64 oms_wave_unit_cost(const OmsWave *w, const OmsWaveOrder *o,
								const OmsWaveLine *line, int node,
								const int64 *extra);

#endif							/* OMS_WAVE_H */
