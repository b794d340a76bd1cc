/*
 * mesh.h
 *	  Which fulfilment nodes may serve a place, how far they are, and when
 *	  they can hand a parcel over.
 */
#ifndef OMS_MESH_H
#define OMS_MESH_H

#include "catalog.h"

typedef struct OmsNode
{
	int32		node_id;
	const char *code;
	const char *kind;
	const char *pincode;
	const char *state_code;		/* NULL: refused NO_STATE */
	const char *gst_state;		/* of the GSTIN it supplies under; as above
								 * where it has none of its own */
	bool		hyperlocal;
	bool		pos;
	int32		priority;
	int64		handling_cost;	/* paise */
	int32		pick_minutes;
	TimeADT		cutoff;
	int64		distance_m;		/* -1: unknown */
	bool		cod;			/* sends parcels against cash */
	bool		cold_chain;
	int			nregions;		/* -1: delivers everywhere */
	const char **regions;		/* GST states, pincode prefixes */
	const char *site;			/* NULL: stands by itself */
	int64		capacity;		/* milli of a slot; -1: no limit */
	bool		capacity_units; /* counts stock units, not parcels */
	int			slot_hours;
	bool		inside;			/* one of its areas holds the point; looked at
								 * for hyperlocal nodes only */
	const char *refused;		/* reason code, or NULL: a candidate */
} OmsNode;

typedef struct OmsMeshRequest
{
	int32		company_id;
	bool		has_point;
	double		lng;
	double		lat;
	int32		only_node_id;	/* 0: any; without a point its areas are not
								 * asked for (handed over the counter) */
	const char *pincode;		/* NULL: where to is not asked */
	const char *state_code;		/* of delivery; NULL unknown */
	bool		cod;
	int64		max_distance_m; /* 0: no limit; with one, a node of unknown
								 * distance is refused NO_PLACE */
	TimestampTz at;
} OmsMeshRequest;

/*
 * Every node of the company: candidates first, by (distance, node_id),
 * unknown distance last among them; then the refused with their reason.
 * Allocated in the caller's memory context; texts live to the end of the
 * transaction at most.
 */
extern int	oms_mesh_nodes(const OmsMeshRequest *req, OmsNode **nodes);

/* The first reason against a node of these, NULL when it may serve. */
extern const char *oms_mesh_refusal(const OmsMeshRequest *req,
									const OmsNode *node, bool open);

/*
 * When a parcel planned at "at" is handed over by the node: today at the
 * cut-off when planned before it (local time of the company) on a working
 * day, but not before it is packed; else the next working day at the
 * cut-off.  Hyperlocal nodes: at + pick_minutes.
 */
extern TimestampTz oms_mesh_ready_at(int32 company_id, const OmsNode *node,
									 TimestampTz at);

/* The same with a calendar loaded before, for several nodes. */
extern TimestampTz oms_mesh_ready_on(const OmsCalendar *cal,
									 const OmsNode *node, TimestampTz at);

#endif							/* OMS_MESH_H */
