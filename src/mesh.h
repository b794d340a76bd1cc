/*
 * mesh.h
 *	  Which fulfilment nodes may serve a place, how far they are, and when
 *	  they can hand a parcel over.
 */
#ifndef OMS_MESH_H
#define OMS_MESH_H

#include "core.h"
#include "utils/date.h"

typedef struct OmsNode
{
	int32		node_id;
	const char *code;
	const char *kind;
	const char *pincode;
	const char *state_code;		/* NULL: refused NO_STATE */
	bool		hyperlocal;
	bool		pos;
	int32		priority;
	int64		handling_cost;	/* paise */
	int32		pick_minutes;
	TimeADT		cutoff;
	int64		distance_m;		/* -1: unknown */
	const char *refused;		/* reason code, or NULL: a candidate */
} OmsNode;

typedef struct OmsMeshRequest
{
	int32		company_id;
	bool		has_point;
	double		lng;
	double		lat;
	int32		only_node_id;	/* 0: any */
	int64		max_distance_m; /* 0: no limit */
	TimestampTz at;
} OmsMeshRequest;

/*
 * Every node of the company: candidates first, by (distance, node_id),
 * unknown distance last among them; then the refused with their reason.
 * Allocated in the caller's memory context.
 */
extern int	oms_mesh_nodes(const OmsMeshRequest *req, OmsNode **nodes);

/*
 * When a parcel planned at "at" is handed over by the node: today when
 * planned before the cut-off (local time of the company), else the next
 * working day at the cut-off; hyperlocal nodes: at + pick_minutes.
 */
extern TimestampTz oms_mesh_ready_at(int32 company_id, const OmsNode *node,
									 TimestampTz at);

#endif							/* OMS_MESH_H */
