/*
 * sourcing_rule.h
 *	  Which rule of oms.sourcing_rule a line falls under, and its steps.
 */
#ifndef OMS_SOURCING_RULE_H
#define OMS_SOURCING_RULE_H

#include "sourcing.h"

/* Columns of a rule r (all NULL where there is none), for oms_rule_read. */
#define OMS_RULE_COLUMNS \
	"coalesce(r.sourcing_rule_id, 0), coalesce(r.max_distance_m, 0)::int8, coalesce((r.min_available * 1000)::int8, 0)," \
	" coalesce((r.min_capacity * 1000)::int8, 0), coalesce(r.when_full = 'refuse', false)," \
	" coalesce(r.cost_per_km, 0.02)::float8 * 100, coalesce(r.cost_per_minute, 0.01)::float8 * 100," \
	" coalesce(r.cost_per_priority, 0.05)::float8 * 100, coalesce(r.cost_per_load, 0)::float8 * 100," \
	" coalesce(r.freight_weight, 0)::float8, coalesce(r.stock_price_weight, 0)::float8," \
	" (coalesce(r.shipment_cost, 45) * 100)::int8, coalesce(r.max_nodes, 12), coalesce(r.pick, 'cost')," \
	" coalesce(r.ship_complete, false), coalesce(r.line_complete, false), coalesce(r.single_node, false)," \
	" coalesce(r.line_single_node, false), coalesce(r.max_shipments, 0), coalesce((r.min_split_value * 100)::int8, 0)," \
	" r.park_queue, coalesce(r.cancel_days, 0)," \
	" coalesce(r.lane_costs, false), coalesce(r.max_parcel_g, 0), EXISTS (SELECT FROM oms.sourcing_step t WHERE t.sourcing_rule_id = r.sourcing_rule_id)"

/*
 * Reads them from column "col" of a row on; strings go to "cxt".  The caller
 * has set allow_split and max_shipments to the channel's.
 */
extern void oms_rule_read(uint64 row, int col, MemoryContext cxt,
						  OmsSourcingRule *rule);

/* What rules go by. */
typedef struct OmsRuleQuery
{
	int32		company_id;
	int32		channel_id;
	const char *order_class;	/* NULL: none */
	const char *pincode;		/* of delivery; NULL unknown, as below */
	const char *state_code;
	bool		has_point;
	double		lng;
	double		lat;
	bool		carry_out;
	bool		allow_split;	/* the channel's, as the next */
	int			max_shipments;
	bool		item_rules;		/* the company has rules of items */
	TimestampTz at;
	int			nitems;
	const int32 *sku_ids;		/* [nitems] */
} OmsRuleQuery;

/*
 * The most specific rule of each item (doc/sourcing.md has the order), and
 * the order's: the one all items share, else the most specific that names
 * neither item nor class.  "standard" counts where none matches.
 */
extern void oms_rules_find(const OmsRuleQuery *q,
						   const OmsSourcingRule *standard,
						   OmsSourcingRule *order,
						   OmsSourcingRule **items);

/* Reads the steps of a rule that has some. */
extern void oms_rule_steps(OmsSourcingRule *rule);

/* The step of the rule that names the node; NULL: none does. */
extern const OmsSourcingStep *oms_rule_step(const OmsSourcingRule *rule,
											int32 node_id);

/*
 * Why the rule does not let a node supply an item of which "available" is
 * there; NULL when it does.
 */
extern const char *oms_rule_refuses(const OmsSourcingRule *rule,
									const OmsNode *node, bool carry_out,
									int64 available);

#endif							/* OMS_SOURCING_RULE_H */
