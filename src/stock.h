/*
 * stock.h
 *	  Levels, reservations, dispatch and counts of stock.
 *
 * Lock order of the whole extension: order row, allocation rows, then stock
 * rows by (node_id, sku_id); never the other way about.
 */
#ifndef OMS_STOCK_H
#define OMS_STOCK_H

#include "core.h"

typedef struct OmsStockKey
{
	int32		node_id;
	int32		sku_id;
} OmsStockKey;

/* A level as a promise may use it; quantities in milli units. */
typedef struct OmsStockLevel
{
	OmsStockKey key;
	int64		on_hand;
	int64		reserved;		/* expired carts and the own cart left out */
	int64		safety;
	int64		backorder_limit;
	bool		tracked;		/* false: as much as anybody wants */
	bool		blocked;		/* nothing of it is promised */
	bool		has_terms;		/* the next four are to be read (stock_quota.c) */
	int64		kept;			/* from who asks: leases of others, buffer */
	int64		node_limit;		/* backorder_limit without the channel's word */
	int64		quota_id;		/* own quota, 0: none */
	int64		quota_left;
	bool		capped;			/* no more than quota_left */
	bool		has_lots;
} OmsStockLevel;

/* Who asks, and when: what a level depends on besides its row. */
typedef struct OmsStockView
{
	int32		channel_id;		/* 0: none, sees what no channel has */
	const char *const *own_carts;	/* their holds do not count */
	int			nown_carts;
	const struct OmsStockTake *own_takes;	/* nor these, kept by its own row */
	int			nown_takes;
	TimestampTz at;
} OmsStockView;

/*
 * All lots of these keys as the ERP states them, together no more than the
 * count: a row (jsonb) has lot, on_hand, expires_on, received_at, unit_cost
 * and pick_rank, in the columns' types.  No keys: nothing is stated.
 */
typedef struct OmsStockLots
{
	int			nkeys;
	OmsStockKey *keys;
	int			n;
	OmsStockKey *of;			/* a row's key */
	Datum	   *rows;
	int			nleft;			/* reservations that are leaving, and whose */
	int64	   *left;			/* units these rows hold no more */
} OmsStockLots;

/*
 * The ERP room sets these (floors depend downwards only).  NULL while no
 * ERP is attached.
 *
 * pending: the keys of these items whose count in the ERP, as last
 * committed, has not been taken into oms.stock yet, with that count, and
 * (lots may be NULL) their lots; returns their number.  Takes no lock.
 * refresh: the same for keys whose rows the caller holds locked, and writes
 * them (oms_stock_count); false when there was nothing to write.
 * book: asks the ERP to book it, through its outbox.
 * states_lots: the ERP says which lots stand at its nodes.
 * released: an allocation holds less than before, or nothing.
 */
typedef struct OmsStockErp
{
	int			(*pending) (int32 company_id, const int32 *sku_ids,
							int nskus, OmsStockKey **keys, int64 **on_hand,
							OmsStockLots *lots);
	bool		(*refresh) (int32 company_id, const OmsStockKey *keys,
							int nkeys);
	void		(*book) (int32 company_id, const char *kind,
						 OmsStockKey key, int64 qty, const char *document,
						 int64 reservation_id);
	bool		(*states_lots) (int32 company_id);
	void		(*released) (int32 company_id, int64 allocation_id);
} OmsStockErp;

extern OmsStockErp oms_stock_erp;

/*
 * Called when more of an item is free at a node, in the transaction by which
 * it is: somebody may wait for it.  NULL: nobody asks.
 */
extern void (*oms_stock_rose) (int32 company_id, int32 sku_id);

/*
 * Called before any promise, reservation or plan of a company: takes in
 * pending changes of the ERP to masters (items, prices, taxes, nodes).  Set
 * by the ERP room; NULL while no ERP can be attached.
 */
extern void (*oms_erp_before_promise) (int32 company_id);

/*
 * Levels of these items at all nodes, as fresh as the ERP's last commit.
 */
extern int	oms_stock_levels(int32 company_id, const int32 *sku_ids,
							 int nskus, const OmsStockView *view,
							 OmsStockLevel **levels);

/*
 * level_now: the level of one key as its row stands, or false where there is
 * more to it (no row, terms, not counted, no direct access); carts that
 * expired count still.  levels_are_rows: whether rows say all of these items,
 * the ERP having nothing to add.
 */
extern bool oms_stock_level_now(int32 company_id, OmsStockKey key,
								OmsStockLevel *level);
extern bool oms_stock_levels_are_rows(int32 company_id, const int32 *sku_ids,
									  int nskus);

/* Whether holds of carts on any of these items expired and are not given back. */
extern bool oms_stock_carts_expired(int32 company_id, const int32 *sku_ids,
									int nskus, TimestampTz at);

/* The one formula of what may be taken; below zero when overdrawn. */
extern int64 oms_stock_available(const OmsStockLevel *level);

/* The node's own, whoever asks: what alerts go by. */
extern int64 oms_stock_node_available(const OmsStockLevel *level);

/* Of "qty" units just added to "reserved": how many the count lacks. */
extern int64 oms_stock_beyond(const OmsStockLevel *level, int64 qty);

/* Events when a node runs out of an item, and when it has some again. */
extern void oms_stock_alert(int32 company_id, OmsStockKey key, int64 before,
							int64 after);

/*
 * stock_quota.c: fills in what the terms of channels make of these levels
 * for who asks; reads nothing where no level has terms.  "stated" (may be
 * NULL): lots that are in place of those in the table.  SPI connected.
 * use: counts what was taken against a quota (the stock row is locked).
 */
extern void oms_stock_terms(int32 company_id, OmsStockLevel *levels, int n,
							const OmsStockView *view,
							const OmsStockLots *stated);
extern void oms_stock_quota_use(int32 company_id, int64 quota_id, int64 qty);

/*
 * stock_lot.c; all under the lock of the stock row, SPI connected, and only
 * where has_terms.  lot_terms: keeps from who asks what lots do not cover.
 * trim: takes off open reservations the lots that are past, and what is too
 * much.  take: that, and assigns lots to those, and to what these allocations
 * or this cart hold; channel_id is that of orders that are not there yet.
 * settle: to all of the item that lack them.  fit: lots together are no more than the count.  move: what
 * a reservation was assigned left its lots, or came back.
 */
extern void oms_stock_lot_terms(int32 company_id, OmsStockLevel *levels,
								int n, Datum skus, const OmsStockView *view,
								const OmsStockLots *stated);
extern void oms_stock_lots_trim(int32 company_id, OmsStockKey key,
								TimestampTz at);
extern void oms_stock_lots_settle(int32 company_id, OmsStockKey key,
								  TimestampTz at);
extern void oms_stock_lots_take(int32 company_id, OmsStockKey key,
								const int64 *ids, int nids,
								const char *cart_id, int32 channel_id,
								TimestampTz at);
extern void oms_stock_lots_fit(int32 company_id, OmsStockKey key);
extern void oms_stock_lots_move(int32 company_id, int64 reservation_id,
								bool back);

/*
 * stock_lot_state.c, lots as the ERP states them.  differ: of which keys
 * ours are others.  state: ours become these; who loses one gets another as
 * far as there are.  The caller holds the rows of oms.stock for that.
 */
extern bool *oms_stock_lots_differ(int32 company_id,
								   const OmsStockLots *lots);
extern void oms_stock_lots_state(int32 company_id, const OmsStockLots *lots,
								 TimestampTz at);

typedef struct OmsStockTake
{
	OmsStockKey key;
	int64		qty;			/* milli, > 0 */
	int64		allocation_id;	/* 0 for a cart */
	const char *cart_id;		/* NULL for an allocation */
	TimestampTz expires_at;		/* of a cart's hold */
	int64		quota_id;		/* set by the reservation: units of a quota */
	int64		quota_qty;
	int64		beyond;			/* set too: units the count lacks */
} OmsStockTake;

/*
 * Takes all or nothing.  Rows are locked in key order; demand on one key is
 * summed; carts that expired are given back first, and the own carts are
 * converted: their holds are closed under the same locks, so that nobody can
 * take their units in between.  The channel's quota is used up first.  Untracked items are not held.
 * Takes of neither an allocation nor a cart are kept by the caller's own row;
 * of stock with terms, of what is not counted, and of units beyond the count
 * there are none such.
 * Returns -1 when taken, else the index of the first take that found too
 * little (*available says how much), with nothing changed.
 */
extern int	oms_stock_reserve(int32 company_id, OmsStockTake *takes,
							  int ntakes, const OmsStockView *view,
							  int64 *available);

/*
 * Takes that a row of its own keeps: hold_takes makes them reservations of
 * the allocations they name; give_takes gives them back, having locked their
 * rows and those of "ahead" in the one order.
 */
extern void oms_stock_hold_takes(int32 company_id, const OmsStockTake *takes,
								 int ntakes);
extern void oms_stock_give_takes(int32 company_id, const OmsStockTake *takes,
								 int ntakes, const OmsStockTake *ahead,
								 int nahead);

/*
 * Locks the stock rows of all that these allocations hold, in the one order.
 * For calls that give back or dispatch several allocations one by one: the
 * order of allocations is not that of rows.
 */
extern void oms_stock_lock_allocations(int32 company_id, const int64 *ids,
									   int nids);

/* Gives back what the allocation holds, exactly once; returns units. */
extern int64 oms_stock_release_allocation(int32 company_id,
										  int64 allocation_id);

/*
 * Gives back "part" of the "whole" units the allocation is for, and so much
 * of what it holds (a kit's components in proportion); part < whole.
 */
extern int64 oms_stock_release_part(int32 company_id, int64 allocation_id,
									int64 part, int64 whole);

/* Gives back what a cart holds. */
extern int64 oms_stock_release_cart(int32 company_id, const char *cart_id);

/* Gives back those of a cart's holds that have expired, not renewed ones. */
extern int64 oms_stock_expire_cart(int32 company_id, const char *cart_id,
								   TimestampTz at);

/*
 * The allocation's goods left the node.  Where the ERP counts, the
 * reservation goes on (state leaving) until the ERP has booked it, so that
 * no unit is free in between; else the count falls at once.
 */
extern void oms_stock_dispatch(int32 company_id, int64 allocation_id,
							   const char *document);

/*
 * stock_recall.c: goods of these allocations that left are held for them
 * again, exactly as before; where we count, the count rises.  False, with
 * work half done, when the ERP was told already: the caller raises.
 */
extern bool oms_stock_recall(int32 company_id, const int64 *ids, int nids,
							 const char *document);

/* Goods came (back) into a node, sellable. */
extern void oms_stock_receive(int32 company_id, OmsStockKey key, int64 qty,
							  const char *document);

/*
 * Sets a count (the caller need not hold the row; it is locked here).  Keeps ledger, shortfall and events: stock.out when nothing
 * is available any more, stock.in when something is again, stock.shortfall.
 */
extern void oms_stock_count(int32 company_id, OmsStockKey key,
							int64 on_hand, const char *reason,
							const char *document);

/* The same where oms_stock_lots_state() follows: leaves lots alone. */
extern void oms_stock_count_only(int32 company_id, OmsStockKey key,
								 int64 on_hand, const char *reason,
								 const char *document);

/*
 * Sets what is kept back and how far reservations may exceed the count; -1
 * leaves the one as it is.  Returns 0, or, with nothing changed, by how much
 * reservations exceed the count when that is more than the limit.
 */
extern int64 oms_stock_policy(int32 company_id, OmsStockKey key,
							  int64 safety, int64 backorder_limit,
							  int sellable);

/*
 * early_release.c.  mark: this transaction holds rows of oms.stock, and lets
 * them go before its commit is durable (oms.early_lock_release).  rely: it
 * answers that something is done already; its commit waits until that is
 * durable, too.
 */
extern void oms_early_release_init(void);
extern bool oms_early_release_enabled(void);	/* the setting */
extern void oms_early_release_mark(void);
extern void oms_early_release_rely(void);

/*
 * stock_row.c: settings and shared memory of direct row access; how often this
 * session found a row of stock locked.
 */
extern uint64 oms_stock_row_waits;
extern void oms_stock_row_init(void);

/* Closes a leaving reservation: the ERP has booked it. */
extern void oms_stock_left(int32 company_id, int64 reservation_id);

#endif							/* OMS_STOCK_H */
