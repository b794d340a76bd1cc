/*
 * sourcing_lines.c
 *	  Lines of one item are one demand to the planner.
 *
 * The search looks at each demand by itself; two lines of one item would be
 * offered the same units, and the second be left without although another
 * node has some.  So they are planned as one, and what the plan gives is dealt
 * out to the lines in their order: whole lines first come first served.
 * Where each line has to come whole, they stay apart.
 */
#include "postgres.h"

#include "sourcing.h"

static bool
same_item(const OmsDemand *a, const OmsDemand *b)
{
	return a->sku_id == b->sku_id &&
		(a->rule ? a->rule->rule_id : 0) == (b->rule ? b->rule->rule_id : 0);
}

/* Which merged demand each line belongs to; their number. */
static int
merge(const OmsPlanRequest *req, OmsDemand *merged, int *of)
{
	int			n = 0;

	for (int j = 0; j < req->ndemand; j++)
	{
		of[j] = n;
		for (int k = 0; k < n && of[j] == n; k++)
			if (same_item(&merged[k], &req->demand[j]))
				of[j] = k;
		if (of[j] == n)
			merged[n++] = req->demand[j];
		else
		{
			merged[of[j]].qty += req->demand[j].qty;
			merged[of[j]].value += req->demand[j].value;
		}
	}
	return n;
}

/* Of units the count lacks, those among [from, from + qty) of a piece. */
static void
deal_beyond(const OmsDemand *d, const OmsPiece *whole, int64 from,
			OmsPiece *part)
{
	int			parts = Max(d->ncomponents, 1);

	if (whole->beyond == NULL)
		return;
	part->beyond = palloc0(sizeof(int64) * parts);
	for (int c = 0; c < parts; c++)
	{
		int64		each = d->ncomponents > 0 ? d->component_qty[c] : 1000;
		int64		counted = oms_muldiv(whole->qty, each, 1000) - whole->beyond[c];
		int64		before = oms_muldiv(from, each, 1000);
		int64		after = oms_muldiv(from + part->qty, each, 1000);

		part->beyond[c] = Max(after - counted, 0) - Max(before - counted, 0);
	}
}

/* Deals out what the plan gives of merged demands. */
static void
deal(const OmsPlanRequest *req, const OmsDemand *merged, const int *of,
	 OmsPlanResult *res)
{
	int			m = req->ndemand;
	OmsPiece   *whole = res->pieces;
	int			nwhole = res->npieces;
	int64	   *available = palloc0(sizeof(int64) * (m + 1));
	int64	   *unfilled = palloc0(sizeof(int64) * (m + 1));

	res->pieces = palloc0(sizeof(OmsPiece) * (nwhole * m + 1));
	res->npieces = 0;
	for (int j = 0; j < m; j++)
	{
		unfilled[j] = req->demand[j].qty;
		available[j] = res->available[of[j]];
	}
	for (int i = 0; i < nwhole; i++)
	{
		int64		given = 0;

		for (int j = 0; j < m && given < whole[i].qty; j++)
		{
			OmsPiece   *part;

			if (of[j] != whole[i].demand || unfilled[j] == 0)
				continue;
			part = &res->pieces[res->npieces++];
			*part = whole[i];
			part->demand = j;
			part->qty = Min(unfilled[j], whole[i].qty - given);
			part->beyond = NULL;
			deal_beyond(&merged[of[j]], &whole[i], given, part);
			given += part->qty;
			unfilled[j] -= part->qty;
		}
	}
	res->available = available;
	res->unfilled = unfilled;
}

/* The nodes stay in the plan's order, the lines of each come in theirs. */
static void
in_order(OmsPlanResult *res)
{
	for (int i = 1; i < res->npieces; i++)
		for (int k = i; k > 0 && res->pieces[k - 1].node == res->pieces[k].node &&
			 res->pieces[k - 1].demand > res->pieces[k].demand; k--)
		{
			OmsPiece	swap = res->pieces[k];

			res->pieces[k] = res->pieces[k - 1];
			res->pieces[k - 1] = swap;
		}
}

void
oms_sourcing_plan_without(const OmsPlanRequest *req,
						  const OmsNodeRefusal *refusals, int nrefusals,
						  OmsPlanResult *res)
{
	OmsPlanRequest one = *req;
	OmsDemand  *merged = palloc(sizeof(OmsDemand) * (req->ndemand + 1));
	int		   *of = palloc(sizeof(int) * (req->ndemand + 1));

	one.demand = merged;
	one.ndemand = merge(req, merged, of);
	if (one.ndemand == req->ndemand || req->npins > 0 ||
		req->rule.line_complete || req->rule.pick == 'l')
	{
		oms_sourcing_plan_demands(req, refusals, nrefusals, res);
		return;
	}
	oms_sourcing_plan_demands(&one, refusals, nrefusals, res);
	deal(req, merged, of, res);
	in_order(res);
}
