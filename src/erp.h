/*
 * erp.h
 *	  The ERP in the same database: capture, taking in, write-back.
 *
 * Nothing here ever locks, updates or references a row of the ERP: its
 * tables are read by plain SELECT, and written only by a profile's own
 * write-back statement.  See doc/erp.md.
 */
#ifndef OMS_ERP_H
#define OMS_ERP_H

#include "core.h"
#include "stock.h"

/*
 * In the order of taking in: what others refer to comes first.  The same as
 * oms.erp_entities().
 */
typedef enum OmsErpEntity
{
	OMS_ERP_NODE,
	OMS_ERP_SKU,
	OMS_ERP_KIT,
	OMS_ERP_TAX,
	OMS_ERP_PRICE_LIST,
	OMS_ERP_PRICE,
	OMS_ERP_CUSTOMER,
	OMS_ERP_ADDRESS,
	OMS_ERP_SUPPLIER,
	OMS_ERP_ORDER,
	OMS_ERP_SHIPMENT,
	OMS_ERP_RETURN,
	OMS_ERP_STOCK,				/* from here on stock rows are locked */
	OMS_ERP_LOT,				/* keys are those of stock */
	OMS_ERP_INBOUND,			/* after stock: so do those who receive it */
	OMS_ERP_NENTITIES
} OmsErpEntity;

extern const char *const oms_erp_entity_name[OMS_ERP_NENTITIES];
extern int	oms_erp_entity_number(const char *name);	/* -1: there is none */

/* What an order asks for, so what a promise takes in before it answers. */
#define OMS_ERP_OF_ORDERS "{node,sku,kit,tax,price_list,price,customer}"
extern bool oms_erp_of_orders(OmsErpEntity entity);

/* The attached ERP, as read from oms.erp_attachment. */
typedef struct OmsErp
{
	int32		company_id;
	bool		alone;			/* no other company is attached */
	char	   *profile;
	char	   *schema;			/* quoted; stands for @erp@ in profile texts */
	Datum		params;			/* jsonb */
	bool		snapshot;		/* first snapshot not complete yet */
	bool		lots;			/* it states lots */
	bool		paused[OMS_ERP_NENTITIES];	/* or absent */
} OmsErp;

/* Keys of one entity to look at again. */
typedef struct OmsErpDirty
{
	bool		whole;			/* all of them */
	int			n;
	int			max;
	char	  **keys;
} OmsErpDirty;

/* One stock key with what the ERP says about it. */
typedef struct OmsErpCount
{
	char	   *erp_key;
	OmsStockKey key;
	bool		exists;			/* oms.stock has a row */
	bool		calls;			/* bookings sent and not yet seen */
	bool		lots;			/* its lots differ */
	bool		lots_only;		/* and nothing else */
	int64		was;			/* oms.stock.on_hand, milli */
	int64		on_hand;		/* the ERP's count, milli */
	int64		left;			/* milli, booked by the ERP in this count, but
								 * still held by a leaving reservation */
} OmsErpCount;

/* A booking whose fate was seen together with a count. */
typedef struct OmsErpBooked
{
	int64		call_id;
	OmsStockKey key;
	int64		reservation_id; /* 0: none */
	bool		done;			/* false: the ERP refused it */
} OmsErpBooked;

/*
 * What oms_erp_resolve_rows() wants of a log grouped by table ("t": relation,
 * whole): images, unless all is to be looked at anyway.
 */
#define OMS_ERP_IMAGES_OF_LOG \
	" SELECT t.relation, t.whole, CASE WHEN NOT t.whole THEN (SELECT array_agg(i) FROM oms.erp_change AS x," \
	" unnest(oms.erp_images(x.images)) AS i WHERE x.relation = t.relation) END FROM t"
#define OMS_ERP_IMAGES_OF_CLAIMED \
	" SELECT t.relation, t.whole, CASE WHEN NOT t.whole THEN (SELECT array_agg(i) FROM r AS x," \
	" unnest(oms.erp_images(x.images)) AS i WHERE x.relation = t.relation) END, t.changes FROM t"

/* A promise does not look at more changes of a table one by one. */
#define OMS_ERP_MANY_LOOKED "1000"

/* Rights of the owner of oms.erp_change and a fixed search_path. */
typedef struct OmsErpGuard
{
	Oid			userid;
	int			sec_context;
	int			guc_level;
} OmsErpGuard;

extern void oms_erp_init(void);

/*
 * Have the worker look at the log or the outbox once this transaction has
 * committed.  Set to the worker room's own by pg_oms.c; NULL without one.
 */
extern void (*oms_erp_wake) (void);

extern void oms_erp_enter(OmsErpGuard *guard);
extern void oms_erp_leave(OmsErpGuard *guard);

/* OID of oms.erp_change, InvalidOid where it does not exist. */
extern Oid	oms_erp_log_relid(void);

/* Has the log any row, as last committed? Microseconds. */
extern bool oms_erp_log_has_rows(void);

/* Is there so much of it that bulk changes may be among it? */
extern bool oms_erp_log_is_long(void);

/* Changes of relations' descriptions seen by this session */
extern uint64 oms_erp_catalog_seen;

/* Push a snapshot that sees all that is committed, and our own work. */
extern void oms_erp_push_latest(void);

/*
 * SPI is connected, the guard entered.  load: false when no ERP is attached
 * (to this company, unless that is 0).
 */
extern bool oms_erp_load(OmsErp *erp, int32 company_id);

/* The companies that ERPs are attached for, in order */
extern int32 *oms_erp_companies(int *n);
extern char *oms_erp_entity_query(const OmsErp *erp, OmsErpEntity entity);

/* Runs a profile's text read-only; "wrap" has one %s for it. */
extern uint64 oms_erp_run(const OmsErp *erp, const char *wrap,
						  const char *body, Oid argtype, Datum arg,
						  bool argnull);

/* Adds what rows of SPI_tuptable (relation, truncated, images) touch. */
extern void oms_erp_resolve_rows(const OmsErp *erp, OmsErpDirty *dirty);

/* The same in two steps, where several companies read the same tables */
typedef struct OmsErpChanged
{
	char	   *relation;
	bool		truncated;
	bool		noimages;
	Datum		images;
} OmsErpChanged;

extern OmsErpChanged *oms_erp_changed(int *n);
extern void oms_erp_resolve(const OmsErp *erp, const OmsErpChanged *tables,
							int n, OmsErpDirty *dirty);
extern void oms_erp_dirty_add(OmsErpDirty *dirty, const char *key);

/* Node and item of stock keys, in lock order. */
extern OmsErpCount *oms_erp_map_keys(const OmsErp *erp, char **keys, int n,
									 int *nmapped);

/*
 * Under one snapshot pushed by the caller: counts of these keys (all by one
 * query when "whole"), and the bookings these counts contain.
 */
extern void oms_erp_count_keys(const OmsErp *erp, OmsErpCount *counts, int n,
							   bool whole, OmsErpBooked **booked,
							   int *nbooked);

/*
 * Writes them, and the lots that go with them (no keys: none); the caller
 * holds the stock rows, left the guard.
 */
extern void oms_erp_write_counts(const OmsErp *erp, OmsErpCount *counts,
								 int n, OmsErpBooked *booked, int nbooked,
								 const OmsStockLots *lots);

/*
 * erp_lot.c.  lots: all lots of keys with their counts, under the snapshot of
 * the caller, in "cxt"; what went wrong is returned, with nothing stated.
 * all_lots: appends the keys that have lots, here or in the ERP.  some_lots:
 * those of "counts" among them.  booked_lots: adds whose units they lack.
 */
extern ErrorData *oms_erp_lots(const OmsErp *erp, OmsErpCount *counts, int n,
							   bool whole, MemoryContext cxt,
							   OmsStockLots *lots);
extern ErrorData *oms_erp_all_lots(const OmsErp *erp, OmsErpDirty *dirty,
								   MemoryContext cxt);
extern void oms_erp_some_lots(const OmsStockLots *lots,
							  const OmsErpCount *counts, int n,
							  OmsStockLots *some);
extern void oms_erp_booked_lots(OmsStockLots *lots,
								const OmsErpBooked *booked, int nbooked);
extern OmsErpCount *oms_erp_find_count(OmsErpCount *counts, int n,
									   OmsStockKey key);
extern bool oms_erp_states_lots(int32 company_id);

/*
 * erp_table.c.  Attached tables that no longer fit are paused, those that fit
 * again resumed; what may have changed unseen is marked to be evaluated
 * whole.  True when a pause began or ended: load again.  event: of "entity"
 * or "relation", the other NULL.
 */
extern bool oms_erp_check_tables(const OmsErp *erp, OmsErpDirty *dirty);
extern void oms_erp_event(const OmsErp *erp, const char *type,
						  const char *entity, const char *relation,
						  const char *why);

/*
 * erp_entity.c.  Takes in all that comes before stock; appends keys of new
 * items and nodes to *stock.
 */
extern void oms_erp_apply_masters(OmsErp *erp, OmsErpDirty *dirty,
								  OmsErpDirty *stock);

/*
 * Runs fn(arg) in a subtransaction.  When it fails on the ERP's tables or
 * data (SQLSTATE classes 22, 23, 42), rolls it back and returns what
 * happened; any other error goes on.  NULL when all went well.
 */
extern ErrorData *oms_erp_try(void (*fn) (void *), void *arg);

/* The hooks of stock.h */
extern int	oms_erp_pending_counts(int32 company_id, const int32 *sku_ids,
								   int nskus, OmsStockKey **keys,
								   int64 **on_hand, OmsStockLots *lots);
extern bool oms_erp_refresh_counts(int32 company_id, const OmsStockKey *keys,
								   int nkeys);
extern void oms_erp_take_in_masters(int32 company_id);
extern void oms_erp_book(int32 company_id, const char *kind, OmsStockKey key,
						 int64 qty, const char *document,
						 int64 reservation_id);
extern void oms_erp_released(int32 company_id, int64 allocation_id);

/* Notes orders for the ERP to be told of (oms_event_written of core.h). */
extern void oms_erp_note_event(int32 company_id, const char *topic,
							   int64 subject_id, const char *type);

#endif							/* OMS_ERP_H */
