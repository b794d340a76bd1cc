/*
 * risk.h
 *	  Probability that an order comes back, and what to do about it.
 */
#ifndef OMS_RISK_H
#define OMS_RISK_H

#include "core.h"

typedef enum OmsRiskAction
{
	OMS_RISK_ALLOW,
	OMS_RISK_CONFIRM,
	OMS_RISK_PREPAID_ONLY,
	OMS_RISK_BLOCK
} OmsRiskAction;

/* Margin by the policy's percentage of the value */
#define OMS_RISK_BY_POLICY PG_INT64_MIN

/* What is known when the order is placed, and nothing later. */
typedef struct OmsRiskInput
{
	int32		company_id;
	int32		channel_id;
	bool		cod;
	int64		value;			/* paise, what the buyer pays */
	int64		discount;		/* paise, all discounts */
	int32		units;			/* whole units, rounded up */
	int32		promise_days;	/* -1: not known */
	int32		buyer_orders;	/* earlier orders of this buyer; -1: buyer
								 * not recognised */
	int32		buyer_delivered;
	int32		buyer_rto;
	int32		buyer_cod_open;
	const char *address;		/* street lines joined; may be NULL */
	const char *city;			/* may be NULL */
	const char *pincode;		/* may be NULL */
	const char *district;		/* of the pincode; may be NULL */
	const char *state_code;		/* may be NULL */
	int64		margin;			/* paise earned if delivered, after forward
								 * freight; or OMS_RISK_BY_POLICY */
	int64		loss;			/* paise of freight lost if it comes back, both
								 * ways; the policy's handling is added */
	TimestampTz at;
} OmsRiskInput;

typedef struct OmsRiskResult
{
	int32		risk_model_id;
	double		probability;
	OmsRiskAction action;
	const char *reason;			/* for people: why this action */
	int			nreasons;		/* codes, largest contribution first */
	const char *reasons[3];
	Jsonb	   *terms;
	Jsonb	   *utilities;
} OmsRiskResult;

extern const char *oms_risk_action_name(OmsRiskAction action);

/* Raises NO_RISK_MODEL when there is no champion.  Results in the caller's
 * memory context. */
extern void oms_risk_score(const OmsRiskInput *in, OmsRiskResult *out);

/* The same under the caller's snapshot, for a STABLE function. */
extern void oms_risk_score_stable(const OmsRiskInput *in, OmsRiskResult *out);

/* Writes oms.risk_score for the order. */
extern void oms_risk_keep(int32 company_id, int64 order_id,
						  const OmsRiskResult *result);

/*
 * An outcome became known: counts into oms.risk_rate (all levels of the
 * pincode) and the buyer's counters.  A fault of the courier (lost, never
 * attempted, misrouted) counts for nobody.
 */
extern void oms_risk_outcome(int32 company_id, int64 order_id, bool rto,
							 bool courier_fault);

#endif							/* OMS_RISK_H */
