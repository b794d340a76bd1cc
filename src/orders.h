/*
 * orders.h
 *	  Orders inside the room: the document as read, the order as planned.
 *
 * order_document.c reads and checks documents, fulfil.c plans, reserves and
 * makes allocations and parcels, orders.c captures (order_price.c,
 * order_buyer.c, order_write.c: its steps), order_change.c changes,
 * line_cancel.c cancels parts, replan.c plans anew, take_off.c takes goods off
 * nodes for reject.c, short_ship.c and shortfall.c, line_amend.c and
 * line_exchange.c change lines, cart.c promises and holds carts.
 */
#ifndef OMS_ORDERS_H
#define OMS_ORDERS_H

#include "core.h"
#include "sourcing.h"
#include "tax.h"

typedef struct OmsAddress
{
	const char *name;
	const char *phone;			/* ten digits */
	const char *street;			/* address lines joined */
	const char *city;
	const char *pincode;
	bool		has_point;
	double		lng;
	double		lat;
	/* looked up */
	const char *state_code;
	const char *district;
	bool		pincode_known;
} OmsAddress;

/* A line with what the catalogue says of its item. */
typedef struct OmsLine
{
	int32		line_no;
	const char *sku;
	int64		qty;			/* milli */
	bool		has_price;
	int64		unit_price;		/* paise */
	int64		discount;		/* paise, cart discount included once spread */
	int64		net;			/* paise */
	/* looked up */
	int32		sku_id;
	const char *hsn;
	const char *tax_code;
	int32		weight_g;
	int64		volume_mm3;
	bool		cod_ok;
	bool		cold_chain;
	bool		air_ok;
	int64		cost;			/* paise, -1 unknown */
	int64		list_price;		/* paise, -1 none */
	bool		list_includes_tax;
	bool		kit;
	int64		sale_min;		/* milli, 0: any; likewise the next two */
	int64		sale_max;
	int64		sale_step;
	bool		taxed;			/* tax below is of the whole line */
	OmsTax		tax;			/* rate and amount; states count per node */
} OmsLine;

typedef struct OmsCharge
{
	const char *kind;
	int64		amount;
} OmsCharge;

/* A canonical order (doc/order.schema.json), read and checked. */
typedef struct OmsOrderDoc
{
	const char *channel;
	const char *external_id;
	const char *company;
	TimestampTz placed_at;		/* 0: not given */
	const char *currency;		/* NULL: the company's */
	bool		cod;
	bool		has_paid;
	int64		paid;
	const char *customer_ref;
	const char *customer_name;
	const char *phone;			/* ten digits; NULL unknown */
	const char *email;
	const char *gstin;
	OmsSupply	supply;			/* B2B with a GSTIN, where nothing is said */
	const char *place_of_supply;	/* as stated; NULL: by the rules */
	OmsAddress	ship;
	bool		has_bill;
	OmsAddress	bill;
	int			nlines;
	OmsLine    *lines;
	int			ncharges;
	OmsCharge  *charges;
	bool		carry_out;
	const char *node;
	const char *cart_id;
	const char **own_carts;		/* cart_id and cart_ids */
	int			nown_carts;
	int32		priority;		/* 0 to 100 */
	const char *order_class;	/* for sourcing rules; NULL: none */
	const char *service;		/* code of the courier service; NULL: any */
	bool		has_max_days;
	int32		max_days;		/* in transit */
	char		hash[33];
} OmsOrderDoc;

/* Reads a document; with "cart" only what a cart or promise needs. */
extern void oms_order_read(Jsonb *doc, bool cart, OmsOrderDoc *out);

/*
 * GST state its goods are supplied in, NULL: the one of the node.  The states
 * of the addresses are known.
 */
extern const char *oms_order_place(const OmsOrderDoc *d);

/* Its hash, by which the same document is known again. */
extern void oms_order_hash(Jsonb *doc, OmsOrderDoc *out);

/* ten digits of an Indian mobile; raises INVALID_DOCUMENT naming "field" */
extern char *oms_normal_phone(const char *phone, const char *field);

/* What the channel and its sourcing rule ask. */
typedef struct OmsChannel
{
	int32		channel_id;
	int32		price_list_id;	/* 0: base prices */
	const char *kind;
	bool		price_includes_tax;
	bool		cod_allowed;
	bool		allow_backorder;
	bool		own_nodes;		/* served from oms.channel_node only */
	bool		accept_first;	/* orders are accepted, and made later */
	double		price_tolerance_pct;
	int64		cart_ttl_us;
	const char *company_state;
	const char *currency;
	const char *timezone;		/* the company's */
	OmsSourcingRule rule;		/* of the channel alone */
	int			max_shipments;	/* without the rule's own limit */
	bool		keyed_rules;	/* the company has rules by more than that */
	bool		item_rules;		/* ... by items */
} OmsChannel;

/* Raises UNKNOWN_REFERENCE; with "active" refuses one that is switched off. */
extern void oms_channel_find(int32 company_id, const char *code, bool active,
							 OmsChannel *channel);

/* The company's calendar day of a moment: what GST rates go by. */
extern DateADT oms_supply_day(const OmsChannel *channel, TimestampTz at);

/*
 * Fills the looked-up parts; raise UNKNOWN_REFERENCE naming the field.
 * price_list_id: whose prices go before base prices; 0: none.
 */
extern void oms_lines_find(int32 company_id, int32 price_list_id,
						   OmsLine *lines, int nlines, TimestampTz at);

/* Raises INVALID_DOCUMENT for a quantity the item is not sold in. */
extern void oms_lines_check_sale(const OmsLine *lines, int nlines);
extern void oms_address_find(OmsAddress *address);
extern int32 oms_node_find(int32 company_id, const char *code);

/* Demand of these lines, kits exploded; qty[i] NULL: whole lines. */
extern OmsDemand *oms_order_demand(int32 company_id, const OmsLine *lines,
								   int nlines);

/* One new allocation of a line. */
typedef struct OmsNewAllocation
{
	int64		allocation_id;
	int			line;			/* index */
	int			node;			/* index into plan nodes; -1 backordered */
	int64		qty;
	int64		net;
	int64		shipment_id;	/* 0: none */
	TimestampTz promised_at;	/* 0: none */
	TimestampTz supply_at;		/* when the supply it waits for is ready */
	const char *status;
	OmsTax		tax;			/* zero while backordered */
	const char *place_of_supply;	/* NULL while backordered */
} OmsNewAllocation;

/*
 * So many parcels more a courier picks up at a node; other couriers pick up
 * none there.  Nodes without such a row: anybody any number.
 */
typedef struct OmsPickup
{
	int32		node_id;
	int32		courier_id;
	int64		room;
} OmsPickup;

/* An order being planned: at capture, or again from a worker. */
typedef struct OmsFulfilment
{
	/* in */
	int32		company_id;
	int64		order_id;
	int32		run;
	const OmsChannel *channel;
	const char *order_class;	/* NULL: none */
	const char *service;		/* the only courier service; NULL: any */
	bool		has_max_days;
	int32		max_days;		/* in transit */
	bool		carry_out;
	int32		only_node_id;
	const char *const *own_carts;	/* whose holds become this order's */
	int			nown_carts;
	bool		cod;
	int64		due;			/* paise still to collect over all parcels */
	int64		goods;			/* paise, net of all lines of the order */
	const char *pincode;
	const char *state_code;		/* of delivery; NULL unknown */
	bool		has_point;
	double		lng;
	double		lat;
	const char *place_of_supply;	/* NULL: the state of the node */
	OmsSupply	supply;
	DateADT		supply_day;
	double		p_rto;
	int64		loss;
	TimestampTz at;
	int			nlines;
	OmsLine    *lines;			/* qty and net: what is to be planned now */
	const char *waits_for;		/* why it may be parked; NULL: UNFILLED */
	bool		reserve;		/* false: a promise, nothing is taken */
	bool		defer;			/* reserve, but where there is plenty leave the
								 * taking to oms_fulfil_take() */
	const OmsWhatIf *whatif;	/* NULL: as things are; else not reserve */
	int			nrejected;		/* nodes not to be asked, with the reason */
	OmsNodeRefusal *rejected;
	int			nreplaced;		/* waiting allocations this plan replaces; 0:
								 * all of the order */
	const int64 *replaced;
	int			npins;			/* to be planned so and not otherwise, as long as
								 * it can be */
	const OmsPin *pins;
	int			npickups;
	const OmsPickup *pickups;
	const OmsStockTake *accepted;	/* reserved for it already, as the pins say */
	int			naccepted;
	int64	   *line_ids;		/* [nlines] the allocation each line becomes at
								 * one node; NULL or 0: a new one */
	/* out */
	bool		taken;			/* the stock of the plan is reserved */
	OmsPlanRequest request;		/* what was planned */
	OmsSourcingRule rule;		/* the order's */
	OmsPlanResult plan;
	bool		pinned;			/* it is as the pins have it */
	bool		pickups_full;	/* a courier was refused for want of room */
	int			nallocations;
	OmsNewAllocation *allocations;
	int			nquotes;		/* parcels */
	struct OmsParcel *parcels;
	int64		tax;			/* paise over the planned allocations */
	TimestampTz promised_at;	/* latest; 0 none */
	bool		complete;		/* nothing backordered */
	const char *hold;			/* NULL, PREPAID_ONLY or NOT_SERVICEABLE */
	const char *hold_reason;
	OmsDemand  *demand;			/* [nlines], kits exploded */
	int			npegs;			/* dated supply it counts on (supply.c) */
	struct OmsPeg *pegs;
} OmsFulfilment;

/* What a document asks of the planner, its address found (oms_address_find). */
extern void oms_order_asks(const OmsOrderDoc *d, int32 company_id,
						   OmsChannel *channel, DateADT supply_day,
						   TimestampTz at, OmsFulfilment *f);

/* So many units of a supply on its way for an allocation. */
typedef struct OmsPeg
{
	int			allocation;		/* index */
	int64		inbound_id;
	int64		qty;			/* milli */
} OmsPeg;

/*
 * supply.c.  plan: what of the plan waits, or is reserved beyond the count,
 * is promised by the supply that is on its way and that nobody else counts
 * on; with f->reserve those rows are locked until the transaction ends.
 * write: keeps that, in place of what the order counted on before.
 */
extern void oms_fulfil_supply(OmsFulfilment *f);
extern void oms_fulfil_write_pegs(OmsFulfilment *f);

/*
 * Plans waiting orders again, best first, of one item (0: all of every
 * company); returns how many got something.
 */
extern int	oms_orders_retry(int max, TimestampTz at, int32 company_id,
							 int32 sku_id);

/*
 * Called when it filled some and stopped at "max": more may be filled, once
 * this transaction has committed.  NULL: nobody asks.
 */
extern void (*oms_orders_left) (void);

/*
 * Whether an order waits for the item itself, not for a kit of it.  Costs
 * next to nothing, and may say yes for one that did so lately.
 */
extern bool oms_orders_wait_for(int32 company_id, int32 sku_id);

typedef struct OmsParcel
{
	int			node;			/* index into plan nodes */
	int			part;			/* of the goods from there */
	int64		shipment_id;
	int64		value;			/* paise */
	int64		collect;		/* paise */
	int32		dead_g;
	int32		volume_cm3;
	int			nquotes;
	OmsCourierQuote *quotes;	/* best first; [0] chosen unless refused */
} OmsParcel;

/*
 * What the planner is asked for these lines: rules found, demand exploded.
 * Also fills f->rule.
 */
extern void oms_fulfil_request(OmsFulfilment *f, OmsPlanRequest *req);

/*
 * Plans, chooses couriers and (reserve) takes the stock; fills the out
 * fields but writes nothing except reservations.
 */
extern void oms_fulfil_plan(OmsFulfilment *f);

/*
 * Takes the stock of a plan that was left to it.  False when somebody was
 * faster: nothing is taken then, plan again.
 */
extern bool oms_fulfil_take(OmsFulfilment *f);

/* Writes allocations with their tax, parcels and decisions. */
extern void oms_fulfil_write(OmsFulfilment *f);

/* Plan as jsonb: array "plan" under the open object of j. */
extern void oms_fulfil_json(const OmsFulfilment *f, OmsJson *j);

/*
 * Raises OUT_OF_STOCK naming every short item and what is available; NO_NODE
 * where the node named has no counter to sell over.
 */
extern void oms_fulfil_raise_short(const OmsFulfilment *f);

/*
 * Cancels what is left of an order; nothing when that was done before.
 * Raises STATUS_MOVE when something was handed over.  Order locked.
 */
extern void oms_order_cancel(int32 company_id, int64 order_id,
							 const char *reason);

/*
 * Cancels so many units of a line, those that wait first.  SPI connected,
 * order locked; the caller refreshes its status.
 */
extern void oms_line_cancel_waiting(int32 company_id, int64 order_id,
									int32 line_no, int64 qty,
									const char *reason);

/* After its amount fell: paid in full now?  Order locked. */
extern void oms_order_settle(int32 company_id, int64 order_id);

/* Part of an order to be planned anew. */
typedef struct OmsReplan
{
	int32		company_id;
	int64		order_id;
	TimestampTz at;
	int			nids;			/* 0: all that waits */
	const int64 *ids;			/* allocations, status backordered */
	const char *waits_for;		/* why what stays over is parked, or NULL */
	bool		keep;			/* keep the decisions, and write what waits
								 * anew, also when nothing could be reserved */
	int32		only_node_id;	/* 0: any; else all of it there, or an error */
	const int32 *line_nos;		/* of ids, whose numbers are kept there */
	bool		whole;			/* all of it somewhere, or OUT_OF_STOCK */
	bool		wait;			/* do not plan: let it wait */
	int			npins;			/* as a wave has it, if that is possible still */
	const OmsPin *pins;
	int			npickups;
	const OmsPickup *pickups;
	bool		pinned;			/* out: it was */
} OmsReplan;

/*
 * Locks the stock rows that "held" hold and those the plan would take as
 * things stand, in the one order, then slots of nodes likewise: to be called
 * before anything is given back.  The plan proper may come out otherwise if
 * somebody was faster, and then lock a row that comes before these.
 */
extern void oms_order_lock_ahead(const OmsReplan *replan, const int64 *held,
								 int nheld);

/* What becomes of goods that a node has not got. */
typedef enum OmsShortAction
{
	OMS_SHORT_RESOURCE,			/* from other nodes */
	OMS_SHORT_BACKORDER,		/* it waits */
	OMS_SHORT_CANCEL,
	OMS_SHORT_LEAVE				/* people decide */
} OmsShortAction;

/* An allocation taken off its node, or part of it. */
typedef struct OmsTaken
{
	int64		allocation_id;
	int64		whole;			/* milli it has */
	int64		qty;			/* milli to take, up to whole */
	int32		line_no;
	int64		taken_id;		/* out: the allocation of the part taken */
} OmsTaken;

typedef struct OmsTakeOff
{
	int32		company_id;
	int64		order_id;
	TimestampTz at;
	int			n;
	OmsTaken   *taken;
	const char *reason;			/* of a rejection to be kept; NULL: none */
	TimestampTz until;			/* of the rejection; 0: for good */
	OmsShortAction action;
	bool		cancel_rest;	/* what no other node has is cancelled, else
								 * it waits */
	/* out, milli */
	int64		resourced;
	int64		backordered;
	int64		cancelled;
} OmsTakeOff;

/*
 * take_off.c: takes goods off their node under the order's lock: stock goes
 * back, parcels shrink, and "action" is taken.  The caller writes its event
 * and refreshes the status.  Raises STATUS_MOVE for what is packed.
 */
extern void oms_order_take_off(OmsTakeOff *t);

/*
 * Gives back what allocations hold that were moved to backordered, and takes
 * them out of their parcels; stock rows locked ahead.
 */
extern void oms_order_unplace(int32 company_id, const int64 *ids, int nids);

/*
 * What has to go along with an allocation: itself first, and where the
 * channel does not split all of the order at that node.  SPI connected;
 * returns their number, 0 when it does not exist any more.
 */
extern int	oms_order_go_along(int32 company_id, int64 allocation_id,
							   OmsTaken **taken);

/*
 * What a company does with goods a node has not got (oms.shortfall_policy).
 * Where the channel does not split, "ship_complete", and what no node has is
 * to be cancelled, the missing units are cancelled at once: the rest goes.
 */
typedef struct OmsShortPolicy
{
	OmsShortAction action;
	bool		cancel_rest;
	bool		released;		/* a shortfall also takes what is released */
	bool		ship_complete;
} OmsShortPolicy;

extern void oms_short_policy(int32 company_id, int64 order_id, int32 node_id,
							 int32 sku_id, OmsShortPolicy *policy);

/* reject.c: the order an allocation is of, or was; raises UNKNOWN_REFERENCE. */
extern int64 oms_allocation_order(int32 company_id, int64 allocation_id);

/* Was it taken off its node by a rejection?  SPI connected. */
extern bool oms_allocation_rejected(int32 company_id, int64 allocation_id,
									int32 *line_no);

/* The answer of calls on one allocation; t may be NULL. */
extern Jsonb *oms_allocation_answer(int32 company_id, int64 order_id,
									int64 allocation_id, int32 line_no,
									bool duplicate, const OmsTakeOff *t);

/* Cancels whole allocations of an order not handed over; see line_cancel.c. */
typedef struct OmsCancelled
{
	int64		qty;			/* milli */
	int64		amount;			/* paise the order costs less */
	int64		tax;			/* paise of GST in it */
	int64		refund;			/* paise that became due to the buyer */
} OmsCancelled;

extern void oms_order_cancel_allocations(int32 company_id, int64 order_id,
										 const int64 *ids, int nids,
										 const char *reason,
										 OmsCancelled *out);

/*
 * Plans what waits as at capture, reserves and writes it in place of the
 * allocations that waited; nodes that rejected the order are refused.  What
 * the GST of the order changes by is booked.  The caller holds the order's
 * lock, writes the event and refreshes the status.  True when something was
 * reserved.  With only_node_id raises NO_NODE, OUT_OF_STOCK, NOT_SERVICEABLE.
 */
extern bool oms_order_replan(OmsReplan *replan);

/*
 * Captures one order in this transaction (oms.capture_order): a canonical
 * document, unchecked; "at" is now.  The answer, in the caller's context.
 */
extern Jsonb *oms_capture(Jsonb *doc, TimestampTz at);

/* The same where a channel may accept it first; never left to the combiner. */
extern Jsonb *oms_capture_here(Jsonb *doc, TimestampTz at);

/*
 * Cancels so many units of a line, and no refund is made for them unless the
 * order ends with it; raises STATUS_MOVE when there are fewer.
 */
extern void oms_order_cancel_units(int32 company_id, int64 order_id,
								   int32 line_no, int64 qty,
								   const char *reason, OmsCancelled *out);

/*
 * Brings the GST of charges in the total of an order priced without tax to
 * what its goods bear now; returns by how much it grew, paise.  SPI connected,
 * order locked.
 */
extern int64 oms_order_settle_charges(int32 company_id, int64 order_id);

/*
 * Owes the buyer what is paid above what the order costs now and not owed
 * back yet, at most "amount"; returns paise.  Of "tax" it contains its
 * share, or (share false) all.
 */
extern int64 oms_order_refund_over(int32 company_id, int64 order_id,
								   int64 amount, int64 tax, bool share);

/* line_exchange.c: a return that was to pay for an exchange does not come. */
extern void oms_exchange_void(int32 company_id, int64 return_id);

extern void oms_orders_init(void);

#endif							/* OMS_ORDERS_H */
