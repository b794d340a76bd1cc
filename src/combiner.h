/*
 * combiner.h
 *	  Orders of many sessions captured in one transaction: the queue in
 *	  shared memory, between its clients and the worker of a database.
 *
 * One lock guards everything here but the contents of a slot, which belong
 * to whom its state says; the state is written under the lock only.  Nobody
 * waits or raises while he holds it.
 */
#ifndef OMS_COMBINER_H
#define OMS_COMBINER_H

#include <semaphore.h>

#include "fmgr.h"
#include "lib/ilist.h"
#include "port/atomics.h"
#include "storage/dsm.h"
#include "storage/lwlock.h"

#include "core.h"

#define OMS_COMBINER_DATABASES	64
#define OMS_COMBINER_RUSHES		1024	/* power of two */
#define OMS_COMBINER_DATA		8192	/* bytes of a request, or its answer */
#define OMS_COMBINER_NO_PROC	PG_UINT32_MAX

typedef enum OmsCombinerState
{
	OMS_COMBINER_FREE,
	OMS_COMBINER_WAITING,		/* in its queue */
	OMS_COMBINER_TAKEN,			/* worker's */
	OMS_COMBINER_ABANDONED,		/* worker's; the client went away */
	OMS_COMBINER_DONE,			/* client's from here: committed, answered */
	OMS_COMBINER_RETURNED,		/* surely not captured: the row path is next */
	OMS_COMBINER_ORPHANED		/* the worker died: ask "xid" */
} OmsCombinerState;

typedef struct OmsCombinerSlot
{
	dlist_node	link;			/* in the free list or a queue */
	sem_t		answered;		/* what the client sleeps on */
	pg_atomic_uint32 state;
	int			queue;			/* index of its database */

	/* request: "data" is settings (name, value, ...), then the document */
	bool		accept;			/* first (accept.h), or give it back */
	Oid			userid;
	bool		superuser;
	bool		early;			/* its oms.early_lock_release */
	int			synchronous;	/* its synchronous_commit */
	TimestampTz at;
	uint32		settings_len;	/* MAXALIGNed */
	uint32		doc_len;

	/* answer: in "data", or where it is too long in a pinned segment */
	TransactionId xid;			/* of the transaction that holds it; written
								 * before that commits */
	XLogRecPtr	commit;			/* where its commit ends; once DONE */
	uint32		answer_len;
	dsm_handle	segment;		/* DSM_HANDLE_INVALID: in data */
	int			together;		/* requests in the transaction */
	bool		leads;			/* writes the log to disk for its batch ... */
	int			next;			/* ... and wakes them: the next, or -1 */
	bool		refused;		/* RETURNED for an error of its own */

	char		data[OMS_COMBINER_DATA] pg_attribute_aligned(MAXIMUM_ALIGNOF);
} OmsCombinerSlot;

typedef struct OmsCombinerQueue
{
	Oid			database;		/* InvalidOid: free */
	uint32		procno;			/* of the worker, or OMS_COMBINER_NO_PROC */
	int			pid;
	TimestampTz started;		/* when its start was asked for; 0 no */
	dlist_head	waiting;		/* oldest first */
	int			nwaiting;
	int			nslots;			/* in use for this database */

	/* since the server started */
	uint64		batches;		/* transactions committed */
	uint64		captured;		/* requests they answered */
	uint64		redone;			/* transactions undone because of one request */
	uint64		returned;		/* requests left to the row path */
	uint64		withdrawn;		/* clients that went away before the answer */
	uint64		full;			/* calls that found no slot free */
} OmsCombinerQueue;

typedef struct OmsCombinerShared
{
	LWLock	   *lock;
	dlist_head	free;
	int			nslots;
	OmsCombinerQueue queue[OMS_COMBINER_DATABASES];
	/* by item (hash) */
	pg_atomic_uint64 rush[OMS_COMBINER_RUSHES]; /* until when */
	pg_atomic_uint32 orders[OMS_COMBINER_RUSHES];	/* on the row path now */
	OmsCombinerSlot slot[FLEXIBLE_ARRAY_MEMBER];
} OmsCombinerShared;

/* NULL unless preloaded */
extern OmsCombinerShared *oms_combiner;

extern int	oms_combiner_batch;
extern int	oms_combiner_idle;

extern void oms_combiner_init(void);

/*
 * Has the worker capture the order, or accept it, where that is possible and
 * worth it; NULL: the caller does it himself (the row path), nothing has been
 * done.  Raises on a cancel only.
 */
extern Jsonb *oms_combiner_capture(FunctionCallInfo fcinfo, Jsonb *doc,
								   TimestampTz at);

/*
 * Around a capture on the row path: counts it, and finds out whether its
 * items are in a rush.
 */
typedef struct OmsCombinerRow
{
	TimestampTz timer;
	uint32		crowd;
	uint64		slots;			/* oms_slots_taken */
	uint64		waits;			/* oms_stock_row_waits */
} OmsCombinerRow;

extern void oms_combiner_before_row_path(Jsonb *doc, OmsCombinerRow *row);
extern void oms_combiner_after_row_path(Jsonb *doc, OmsCombinerRow *row);

/* Puts a slot nobody needs any more back; the lock is held. */
extern void oms_combiner_free_slot(OmsCombinerSlot *slot);
extern void oms_combiner_wake(uint32 procno);

#endif							/* OMS_COMBINER_H */
