/*
 * parcel_divide.c
 *	  Goods of a node that are too heavy for one parcel.
 *
 * First fit by falling weight: the heaviest units first, each into the first
 * part with room.  A unit that is heavier than a part may be goes alone.
 * Units of a line are not looked at one by one: so many as fit go at once.
 */
#include "postgres.h"

#include "parcel_divide.h"

/* Parts of the goods of one place; what is over goes into the last. */
#define MAX_PARTS 100

typedef struct Part
{
	int64		left;			/* grams */
	bool		empty;
} Part;

typedef struct Dividing
{
	const OmsFulfilment *f;
	OmsPiece   *pieces;
	int			npieces;
	Part		parts[MAX_PARTS];
	int			nparts;
} Dividing;

static int64
weight(const OmsFulfilment *f, const OmsPiece *piece)
{
	return oms_muldiv(f->lines[piece->demand].weight_g, piece->qty, 1000);
}

/* How much of "qty" units of so many grams goes into a part. */
static int64
fits(const Part *part, int64 grams, int64 qty, bool last)
{
	if (last || oms_muldiv(grams, qty, 1000) <= part->left)
		return qty;
	if (part->left >= grams)
		return Min(part->left / grams * 1000, qty);
	return part->empty ? Min(qty, 1000) : 0;
}

/* What the count lacks of a piece is in what is taken from it last. */
static void
share_beyond(const Dividing *d, const OmsPiece *piece, int64 before,
			 OmsPiece *taken)
{
	const OmsDemand *demand = &d->f->demand[piece->demand];
	int			n = Max(demand->ncomponents, 1);

	if (piece->beyond == NULL)
		return;
	taken->beyond = palloc0(sizeof(int64) * n);
	for (int c = 0; c < n; c++)
	{
		int64		each = demand->ncomponents ? demand->component_qty[c] : 1000;
		int64		counted = oms_muldiv(piece->qty, each, 1000) - piece->beyond[c];
		int64		upto = oms_muldiv(before + taken->qty, each, 1000);

		taken->beyond[c] = Max(upto - Max(counted, oms_muldiv(before, each, 1000)), 0);
	}
}

static void
put_piece(Dividing *d, const OmsPiece *piece)
{
	int64		grams = Max(d->f->lines[piece->demand].weight_g, 1);
	int64		before = 0;

	for (int b = 0; before < piece->qty; b++)
	{
		int64		qty;
		OmsPiece   *taken;

		if (b == d->nparts)
		{
			d->parts[b].left = d->f->rule.max_parcel_g;
			d->parts[b].empty = true;
			d->nparts++;
		}
		qty = fits(&d->parts[b], grams, piece->qty - before, b == MAX_PARTS - 1);
		if (qty == 0)
			continue;
		d->pieces = repalloc(d->pieces, sizeof(OmsPiece) * (d->npieces + 1));
		taken = &d->pieces[d->npieces++];
		*taken = *piece;
		taken->qty = qty;
		taken->part = b;
		share_beyond(d, piece, before, taken);
		d->parts[b].left -= oms_muldiv(grams, qty, 1000);
		d->parts[b].empty = false;
		before += qty;
	}
}

/* The heaviest piece of a place that is not done yet; -1: all are. */
static int
heaviest(const OmsFulfilment *f, int node, const bool *done)
{
	int			best = -1;

	for (int i = 0; i < f->plan.npieces; i++)
		if (!done[i] && oms_same_site(&f->plan.nodes[f->plan.pieces[i].node],
									  &f->plan.nodes[node]) &&
			(best < 0 || f->lines[f->plan.pieces[i].demand].weight_g >
			 f->lines[f->plan.pieces[best].demand].weight_g))
			best = i;
	return best;
}

void
oms_parcel_divide(OmsFulfilment *f)
{
	Dividing	d = {0};
	bool	   *done;
	bool		heavy = false;

	if (f->rule.max_parcel_g == 0 || f->carry_out)
		return;
	for (int i = 0; i < f->plan.npieces; i++)
	{
		int64		grams = 0;

		for (int k = 0; k < f->plan.npieces; k++)
			if (oms_same_site(&f->plan.nodes[f->plan.pieces[i].node],
							  &f->plan.nodes[f->plan.pieces[k].node]))
				grams += weight(f, &f->plan.pieces[k]);
		heavy |= grams > f->rule.max_parcel_g;
	}
	if (!heavy)
		return;
	d.f = f;
	d.pieces = palloc(sizeof(OmsPiece));
	done = palloc0(sizeof(bool) * (f->plan.npieces + 1));
	for (int i = 0; i < f->plan.npieces; i++)
	{
		int			next;

		d.nparts = 0;
		while ((next = heaviest(f, f->plan.pieces[i].node, done)) >= 0)
		{
			put_piece(&d, &f->plan.pieces[next]);
			done[next] = true;
		}
	}
	f->plan.pieces = d.pieces;
	f->plan.npieces = d.npieces;
}
