/*
 * sourcing.h
 *	  The planner: which nodes fill which lines.  Promise, cart, capture and
 *	  re-planning all call it.
 */
#ifndef OMS_SOURCING_H
#define OMS_SOURCING_H

#include "core.h"
#include "courier.h"
#include "mesh.h"
#include "stock.h"

/* A node that a step of a rule names. */
typedef struct OmsSourcingStep
{
	int			place;			/* of its step in the sequence, from 0 */
	int32		node_id;
	bool		has_priority;
	int32		priority;		/* in place of the node's */
	int64		max_distance_m; /* 0: no limit */
	int64		min_available;	/* milli, 0: no limit */
} OmsSourcingStep;

/* A row of oms.sourcing_rule, and what of the channel bears on it. */
typedef struct OmsSourcingRule
{
	int32		rule_id;		/* 0: no row, the defaults */
	int64		max_distance_m; /* 0: no limit */
	int64		min_available;	/* milli, 0: no limit */
	int64		min_capacity;	/* milli, 0: what the order takes */
	bool		refuse_full;
	double		cost_per_km;	/* paise */
	double		cost_per_minute;
	double		cost_per_priority;
	double		cost_per_load;
	double		freight_weight;
	double		price_weight;	/* of stock prices; 0: not looked at */
	bool		lane_costs;		/* oms.lane_cost in place of distance */
	int64		shipment_cost;	/* paise */
	int			max_nodes;
	int			max_shipments;	/* the channel's, and less where the rule says */
	bool		allow_split;	/* the channel's */
	char		pick;			/* first letter of sourcing_rule.pick */
	bool		ship_complete;
	bool		line_complete;
	bool		single_node;
	bool		line_single_node;
	int64		min_split_value;	/* paise, 0: none */
	int32		max_parcel_g;	/* 0: no limit */
	const char *park_queue;		/* NULL: not parked */
	int			cancel_days;	/* 0: never */
	bool		has_steps;
	int			nsteps;
	OmsSourcingStep *steps;		/* by place; a node counts where first named */
} OmsSourcingRule;

/* A line (or what is left of it) that wants stock. */
typedef struct OmsDemand
{
	int32		line_no;
	int32		sku_id;
	int64		qty;			/* milli */
	int64		value;			/* paise, of all of it */
	bool		cold_chain;
	const OmsSourcingRule *rule;	/* whose nodes it may use; NULL: the
									 * order's */
	int			ncomponents;	/* 0: not a kit */
	int32	   *component_sku;
	int64	   *component_qty;	/* milli units in one kit */
} OmsDemand;

/* What a wave gave a line of a node: the plan keeps to it (wave.c). */
typedef struct OmsPin
{
	int32		line_no;
	int32		node_id;
	int64		qty;
} OmsPin;

/*
 * A plan of what might have been: the caller changes what is read before it
 * is used.  Slots and dated supply are not asked for then.
 */
typedef struct OmsWhatIf
{
	void	   *arg;
	void		(*rule) (void *arg, OmsSourcingRule *rule);
	void		(*nodes) (void *arg, const OmsMeshRequest *mesh,
						  OmsNode *nodes, int nnodes);
	void		(*levels) (void *arg, OmsStockLevel *levels, int nlevels);
} OmsWhatIf;

typedef struct OmsPlanRequest
{
	OmsMeshRequest mesh;		/* company, place, node restriction, time */
	const char *pincode;		/* of the buyer, for lanes; NULL unknown */
	OmsSourcingRule rule;
	OmsStockView view;			/* channel, own carts, moment */
	bool		own_nodes;		/* only nodes of oms.channel_node */
	bool		carry_out;		/* over the counter of mesh.only_node_id */
	bool		backorders;		/* reservations may use backorder_limit */
	bool		slots;			/* capacity of nodes counts and is taken */
	OmsCourierRequest parcel;	/* the order as one parcel, for freight */
	const OmsWhatIf *whatif;	/* NULL: as things are */
	bool		runner_up;		/* find the best other set of nodes, too */
	int			ndemand;
	OmsDemand  *demand;
	int			npins;			/* nothing but this is planned; 0: any */
	const OmsPin *pins;
} OmsPlanRequest;

/* The slot of a node that a parcel would go into. */
typedef struct OmsNodeSlot
{
	TimestampTz starts_at;		/* 0: the node has no limit */
	TimestampTz ready_at;		/* handed over then */
	int64		capacity;		/* milli */
	int64		used;			/* milli, when looked at */
	int64		take;			/* milli, of the plan reserved */
	bool		known;			/* it has a row */
} OmsNodeSlot;

/* So much of a demand at a node. */
typedef struct OmsPiece
{
	int			demand;			/* index */
	int			node;			/* index into nodes */
	int64		qty;
	int64		allocation_id;
	int			part;			/* of what goes from there: its parcel */
	int64	   *beyond;			/* [components, or 1] stock units the count
								 * lacks; NULL: none */
} OmsPiece;

/*
 * With so many units left where least is left, milli, others are not expected
 * to take the rest before we do.
 */
#define OMS_PLENTY INT64CONST(256000)

typedef struct OmsPlanResult
{
	int			nnodes;
	OmsNode    *nodes;			/* candidates first, refused after */
	int64	   *node_cost;		/* [nnodes] planning cost of opening each */
	bool	   *node_used;		/* [nnodes] */
	OmsNodeSlot *slots;			/* [nnodes], or NULL: no node has a limit */
	int			npieces;
	OmsPiece   *pieces;			/* by (node, demand) */
	int64	   *unfilled;		/* [ndemand] milli */
	int64	   *available;		/* [ndemand] over all candidates, milli */
	int64		left;			/* after the pieces, where least is left, milli */
	int64		cost;
	int64		stock_price;	/* of it: worth of the stock taken */
	bool		proven;
	bool		cut;			/* a slot had room for a part only */

	/* the best other set of nodes, each serving something, where asked for */
	int			nrunner_up;		/* 0: there is none */
	int		   *runner_up;		/* index into nodes */
	int64		runner_up_cost;
	int64		runner_up_unfilled; /* milli, over all demands */
	bool		runner_up_proven;
} OmsPlanResult;

/*
 * Planning cost of opening each node of res->nodes that is not refused, into
 * res->node_cost; *unit_cost[node] becomes what a unit costs besides.
 */
extern void oms_sourcing_opening_costs(const OmsPlanRequest *req,
									   OmsPlanResult *res,
									   int64 **unit_cost);

/* Plans with the levels of this moment; takes nothing. */
extern void oms_sourcing_plan(const OmsPlanRequest *req, OmsPlanResult *res);

/*
 * sourcing_near.c: the same plan where the cheapest node has everything, at
 * the price of its own levels; false, with *res undefined, where that is not
 * plain to see.  Nothing is said of the other nodes.
 */
extern bool oms_sourcing_plan_near(const OmsPlanRequest *req,
								   OmsPlanResult *res);

/*
 * Takes the plan's pieces, whose allocation_id the caller has set (or for a
 * cart: cart_id and expires_at).  False when somebody was faster: plan
 * again.
 */
extern bool oms_sourcing_reserve(const OmsPlanRequest *req,
								 OmsPlanResult *res, const char *cart_id,
								 TimestampTz expires_at);

/* Refuses nodes the channel may not be served from (stock_quota.c). */
extern void oms_sourcing_own_nodes(const OmsPlanRequest *req,
								   OmsPlanResult *res);

/* Refuses a candidate for the next plan of the same result's nodes. */
typedef struct OmsNodeRefusal
{
	int32		node_id;
	const char *reason;
} OmsNodeRefusal;

extern void oms_sourcing_plan_without(const OmsPlanRequest *req,
									  const OmsNodeRefusal *refusals,
									  int nrefusals, OmsPlanResult *res);

/* The same, each demand by itself: lines of one item have been made one. */
extern void oms_sourcing_plan_demands(const OmsPlanRequest *req,
									  const OmsNodeRefusal *refusals,
									  int nrefusals, OmsPlanResult *res);

/* One row of oms.decision. */
typedef struct OmsDecision
{
	const char *subject;
	int32		node_id;		/* 0: NULL */
	int32		courier_service_id; /* 0: NULL */
	const char *outcome;
	int			rank;			/* 0: NULL */
	int64		cost;
	const char *reason;			/* NULL: none */
	int64		distance_m;		/* of a node; -1: unknown */
	Jsonb	   *terms;			/* NULL: {} */
} OmsDecision;

/* Whether two nodes hand over one parcel: they are one, or of one site. */
extern bool oms_same_site(const OmsNode *a, const OmsNode *b);

/* When a node of the plan hands a parcel over. */
extern TimestampTz oms_sourcing_ready_at(const OmsPlanRequest *req,
										 const OmsPlanResult *res, int node);

extern void oms_sourcing_keep(int32 company_id, int64 order_id, int32 run,
							  const OmsDecision *decisions, int ndecisions);

extern void oms_sourcing_init(void);

/* The setting oms.explain_runner_up. */
extern bool oms_sourcing_explains_runner_up(void);

/* The nodes of a plan as decisions; appends, returns the new count. */
extern int	oms_sourcing_explain(const OmsPlanResult *res,
								 OmsDecision *decisions, int n);

/* The plan that came second, likewise. */
extern int	oms_sourcing_explain_runner_up(const OmsPlanResult *res,
										   OmsDecision *decisions, int n);

#endif							/* OMS_SOURCING_H */
