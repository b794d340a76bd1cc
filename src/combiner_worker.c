/*
 * combiner_worker.c
 *	  Orders of many sessions captured in one transaction: the worker's side.
 *
 * One worker per database, started by the first order that wants it, ends
 * when there was nothing to do for a while.  It takes the oldest order that
 * waits and with it those of the same user with the same settings, captures
 * them one after the other as that user, commits, answers.
 *
 * Most batches go through whole.  When an order fails, the transaction is
 * undone, that order given back to its client, who finds out himself what is
 * wrong with it, and the others are done again, each in a subtransaction.
 * When that fails too (at the commit, say), each in a transaction of its own.
 *
 * It never waits long for a row while others wait for it: a short
 * lock_timeout, shorter than deadlock_timeout, gives such an order back.  So
 * it cannot be the survivor of a deadlock, nor block who holds the row.
 *
 * An answer is put into its slot before the commit, and with it the id of
 * the transaction: if the worker ends in between, the client looks whether
 * that committed.
 */
#include "postgres.h"

#include <signal.h>

#include "access/transam.h"
#include "access/xact.h"
#include "access/xlog.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "storage/ipc.h"
#include "storage/latch.h"
#include "storage/lwlock.h"
#include "storage/proc.h"
#include "utils/guc.h"
#include "utils/memutils.h"
#include "utils/resowner.h"
#include "utils/snapmgr.h"

#include "accept.h"
#include "combiner.h"
#include "core_process.h"
#include "orders.h"
#include "stock_batch.h"
#include "worker.h"

/* Longest wait for a lock of somebody else's; below deadlock_timeout. */
#define LOCK_TIMEOUT_TEXT	"10ms"

/* Batches done order by order after one had to be done again. */
#define CAUTIOUS_BATCHES	16

/* While at rest, how often to look whether somebody wants the database. */
#define COURTESY_MS			2000

typedef struct Request
{
	OmsCombinerSlot *slot;		/* NULL once given back */
	Jsonb	   *doc;
	TimestampTz at;
	Jsonb	   *answer;
} Request;

static OmsCombinerQueue *queue = NULL;
static MemoryContext batch_cxt; /* requests and answers */
static int	cautious = 0;
static bool flush_wanted;		/* by a client of this batch */

PGDLLEXPORT void oms_combiner_main(Datum arg);

static bool attach(void);
static void leave(int code, Datum arg);
static bool leave_if_idle(void);
static void rest(TimestampTz idle_since);
static int	take(Request *r, int max, char **settings);
static void prepare(const Request *r, int n, const char *settings);
static void serve(Request *r, int n, const char *settings);
static bool attempt(Request *r, int n, bool separately);
static bool capture_one(Request *r, MemoryContext work);
static bool capture_separately(Request *r, MemoryContext work);
static void publish(Request *r, int n);
static void answer(Request *r, int n);
static void give_back(Request *r, bool refused);
static bool is_refusal(int sqlerrcode);

void
oms_combiner_main(Datum arg)
{
	TimestampTz idle_since;

	oms_process_begin(DatumGetObjectId(arg), "pg_oms combiner");
	oms_process_settings();
	SetConfigOption("search_path", "pg_catalog, pg_temp",
					PGC_USERSET, PGC_S_SESSION);
	SetConfigOption("lock_timeout", LOCK_TIMEOUT_TEXT,
					PGC_USERSET, PGC_S_SESSION);
	batch_cxt = AllocSetContextCreate(TopMemoryContext, "pg_oms combiner",
									  ALLOCSET_DEFAULT_SIZES);
	if (oms_combiner == NULL || !attach())
		proc_exit(0);
	pgstat_report_activity(STATE_IDLE, NULL);
	idle_since = GetCurrentTimestamp();

	for (;;)
	{
		Request    *r;
		char	   *settings;
		int			n;

		oms_process_interrupts();
		MemoryContextSwitchTo(batch_cxt);
		MemoryContextReset(batch_cxt);
		r = palloc0(oms_combiner_batch * sizeof(Request));
		n = take(r, oms_combiner_batch, &settings);
		if (n > 0)
		{
			serve(r, n, settings);
			idle_since = GetCurrentTimestamp();
		}
		else
			rest(idle_since);
	}
}

/*
 * Coming and going
 */
static bool
attach(void)
{
	LWLockAcquire(oms_combiner->lock, LW_EXCLUSIVE);
	for (int i = 0; i < OMS_COMBINER_DATABASES; i++)
		if (oms_combiner->queue[i].database == MyDatabaseId)
			queue = &oms_combiner->queue[i];
	if (queue && queue->procno != OMS_COMBINER_NO_PROC)
		queue = NULL;			/* there is one already */
	if (queue)
	{
		queue->procno = (uint32) (MyProc - ProcGlobal->allProcs);
		queue->pid = MyProcPid;
	}
	LWLockRelease(oms_combiner->lock);
	if (queue == NULL)
		return false;
	before_shmem_exit(leave, (Datum) 0);
	return true;
}

/*
 * Whatever the reason, nobody is left waiting.  Our transaction, if any, is
 * still there: it aborts after this, unless it has committed.
 */
static void
leave(int code, Datum arg)
{
	dsm_handle *unread;
	int			nunread = 0;

	if (queue == NULL)
		return;
	unread = palloc(oms_combiner->nslots * sizeof(dsm_handle));
	LWLockAcquire(oms_combiner->lock, LW_EXCLUSIVE);
	queue->procno = OMS_COMBINER_NO_PROC;
	queue->pid = 0;
	queue->started = 0;
	queue->nwaiting = 0;
	dlist_init(&queue->waiting);
	for (int i = 0; i < oms_combiner->nslots; i++)
	{
		OmsCombinerSlot *slot = &oms_combiner->slot[i];
		uint32		state = pg_atomic_read_u32(&slot->state);

		if (&oms_combiner->queue[slot->queue] != queue)
			continue;
		if (state == OMS_COMBINER_WAITING)
		{
			queue->returned++;
			pg_atomic_write_u32(&slot->state, OMS_COMBINER_RETURNED);
		}
		else if (state == OMS_COMBINER_TAKEN)
		{
			queue->returned++;
			pg_atomic_write_u32(&slot->state, OMS_COMBINER_ORPHANED);
		}
		else if (state == OMS_COMBINER_ABANDONED)
		{
			if (slot->segment != DSM_HANDLE_INVALID)
				unread[nunread++] = slot->segment;
			oms_combiner_free_slot(slot);
			continue;
		}
		else
			continue;
		sem_post(&slot->answered);
	}
	LWLockRelease(oms_combiner->lock);
	queue = NULL;
	for (int i = 0; i < nunread; i++)
		dsm_unpin_segment(unread[i]);
}

/* Nobody can enter the queue after this has said true. */
static bool
leave_if_idle(void)
{
	bool		idle;

	LWLockAcquire(oms_combiner->lock, LW_EXCLUSIVE);
	idle = dlist_is_empty(&queue->waiting);
	if (idle)
	{
		queue->procno = OMS_COMBINER_NO_PROC;
		queue->pid = 0;
		queue->started = 0;
	}
	LWLockRelease(oms_combiner->lock);
	return idle;
}

static void
rest(TimestampTz idle_since)
{
	pgstat_report_stat(false);
	(void) WaitLatch(MyLatch, WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH,
					 Min(oms_combiner_idle * 1000L, COURTESY_MS),
					 PG_WAIT_EXTENSION);
	ResetLatch(MyLatch);
	if (ProcDiePending)
		proc_exit(0);
	CHECK_FOR_INTERRUPTS();
	if ((TimestampDifferenceExceeds(idle_since, GetCurrentTimestamp(),
									oms_combiner_idle * 1000) ||
		 oms_worker_database_wanted(MyDatabaseId)) &&
		leave_if_idle())
	{
		queue = NULL;
		proc_exit(0);
	}
}

/*
 * Requests
 */
static bool
alike(const OmsCombinerSlot *a, const OmsCombinerSlot *b)
{
	return a->userid == b->userid && a->superuser == b->superuser &&
		a->settings_len == b->settings_len &&
		memcmp(a->data, b->data, a->settings_len) == 0;
}

/*
 * The oldest request, and those that can go into one transaction with it,
 * oldest first.  So nobody waits longer than what came before him takes.
 */
static int
take(Request *r, int max, char **settings)
{
	dlist_mutable_iter iter;
	int			n = 0;

	LWLockAcquire(oms_combiner->lock, LW_EXCLUSIVE);
	dlist_foreach_modify(iter, &queue->waiting)
	{
		OmsCombinerSlot *slot = dlist_container(OmsCombinerSlot, link, iter.cur);

		if (n > 0 && !alike(r[0].slot, slot))
			continue;
		dlist_delete(&slot->link);
		queue->nwaiting--;
		pg_atomic_write_u32(&slot->state, OMS_COMBINER_TAKEN);
		r[n++].slot = slot;
		if (n == max)
			break;
	}
	LWLockRelease(oms_combiner->lock);

	for (int i = 0; i < n; i++)
	{
		OmsCombinerSlot *slot = r[i].slot;

		r[i].at = slot->at;
		r[i].doc = palloc(slot->doc_len);
		memcpy(r[i].doc, slot->data + slot->settings_len, slot->doc_len);
	}
	*settings = NULL;
	if (n > 0)
	{
		*settings = palloc(r[0].slot->settings_len + 1);
		memcpy(*settings, r[0].slot->data, r[0].slot->settings_len);
		(*settings)[r[0].slot->settings_len] = '\0';
	}
	return n;
}

static void
set(const char *name, const char *value)
{
	const char *now = GetConfigOption(name, true, false);

	if (now == NULL || strcmp(now, value) != 0)
		SetConfigOption(name, value, PGC_SUSET, PGC_S_SESSION);
}

/*
 * Becomes the clients' user, with their settings.  Where all of them let
 * locks go early, the clients await disk and standbys themselves, as each
 * wants it, and the next batch need not wait for that.  A standby says that
 * it has applied a commit only when the commit asks for it.
 */
static void
prepare(const Request *r, int n, const char *settings)
{
	static const char *const levels[] = {
		"off", "local", "remote_write", "on", "remote_apply"
	};
	int			level = SYNCHRONOUS_COMMIT_OFF;
	bool		early = true;

	for (int i = 0; i < n; i++)
	{
		level = Max(level, r[i].slot->synchronous);
		early = early && r[i].slot->early;
	}
	flush_wanted = level > SYNCHRONOUS_COMMIT_OFF;
	if (early && level < SYNCHRONOUS_COMMIT_REMOTE_APPLY)
		level = SYNCHRONOUS_COMMIT_OFF;

	if (GetSessionUserId() != r[0].slot->userid ||
		session_auth_is_superuser != r[0].slot->superuser)
		SetSessionAuthorization(r[0].slot->userid, r[0].slot->superuser);
	set("oms.early_lock_release", early ? "on" : "off");
	set("synchronous_commit", levels[level]);
	while (*settings)
	{
		const char *value = settings + strlen(settings) + 1;

		set(settings, value);
		settings = value + strlen(value) + 1;
	}
}

static void
serve(Request *r, int n, const char *settings)
{
	bool		prepared = false;

	pgstat_report_activity(STATE_RUNNING,
						   psprintf("pg_oms combiner: %d orders", n));
	PG_TRY();
	{
		prepare(r, n, settings);
		prepared = true;
	}
	PG_CATCH();
	{
		HOLD_INTERRUPTS();
		MemoryContextSwitchTo(batch_cxt);
		EmitErrorReport();
		FlushErrorState();
		RESUME_INTERRUPTS();
	}
	PG_END_TRY();

	if (prepared)
	{
		bool		done;

		if (cautious > 0)
		{
			cautious--;
			done = attempt(r, n, true);
		}
		else
		{
			done = attempt(r, n, false);
			if (!done)
			{
				cautious = CAUTIOUS_BATCHES;
				done = attempt(r, n, true);
			}
		}
		if (done)
			answer(r, n);
		else
			for (int i = 0; i < n; i++)
				if (r[i].slot && attempt(&r[i], 1, false))
					answer(&r[i], 1);
	}
	for (int i = 0; i < n; i++)
		give_back(&r[i], false);
	pgstat_report_activity(STATE_IDLE, NULL);
}

/*
 * All requests that are not given back, in one transaction.  True: they are
 * committed, with their answers in the slots.  False: nothing was done; the
 * one that was to blame, if any, is given back.
 */
static bool
attempt(Request *r, int n, bool separately)
{
	volatile int current = -1;
	volatile bool done = false;

	PG_TRY();
	{
		MemoryContext work;

		SetCurrentStatementStartTimestamp();
		StartTransactionCommand();
		if (!oms_worker_home_is_there())
		{
			AbortCurrentTransaction();
			proc_exit(0);
		}
		work = AllocSetContextCreate(CurTransactionContext,
									 "pg_oms combined capture",
									 ALLOCSET_DEFAULT_SIZES);
		/* nobody becomes somebody else from here, as in SECURITY DEFINER */
		SetUserIdAndSecContext(GetSessionUserId(), SECURITY_LOCAL_USERID_CHANGE);
		if (!separately && n > 1)
			oms_stock_batch_begin();
		for (int i = 0; i < n; i++)
		{
			if (r[i].slot == NULL)
				continue;
			current = i;
			CHECK_FOR_INTERRUPTS();
			if (!separately)
			{
				if (!capture_one(&r[i], work))
					give_back(&r[i], false);
			}
			else if (!capture_separately(&r[i], work))
				give_back(&r[i], r[i].slot->refused);
		}
		current = -1;
		PushActiveSnapshot(GetTransactionSnapshot());
		oms_stock_batch_write();
		PopActiveSnapshot();
		publish(r, n);
		CommitTransactionCommand();
		SetUserIdAndSecContext(GetSessionUserId(), 0);
		MemoryContextSwitchTo(batch_cxt);
		done = true;
	}
	PG_CATCH();
	{
		ErrorData  *edata;

		HOLD_INTERRUPTS();
		QueryCancelPending = false;
		MemoryContextSwitchTo(batch_cxt);
		edata = CopyErrorData();
		AbortCurrentTransaction();
		MemoryContextSwitchTo(batch_cxt);
		FlushErrorState();
		RESUME_INTERRUPTS();

		LWLockAcquire(oms_combiner->lock, LW_EXCLUSIVE);
		queue->redone++;
		LWLockRelease(oms_combiner->lock);
		if (current >= 0)
			give_back(&r[current], is_refusal(edata->sqlerrcode));
		else
			ereport(LOG,
					(errcode(edata->sqlerrcode),
					 errmsg("the combiner could not commit %d orders together: %s",
							n, edata->message)));
	}
	PG_END_TRY();
	return done;
}

/*
 * As a statement of its own: with a snapshot that sees the orders before it.
 * False, with nothing done: it cannot be accepted first.
 * Its answer, where too long for the slot, goes into a segment at once.
 */
static bool
capture_one(Request *r, MemoryContext work)
{
	OmsCombinerSlot *slot = r->slot;
	Jsonb	   *result;

	MemoryContextSwitchTo(work);
	CommandCounterIncrement();
	PushActiveSnapshot(GetTransactionSnapshot());
	result = slot->accept || oms_accepts_first(r->doc, false) ?
		oms_accept(r->doc, r->at, true) : NULL;
	if (result == NULL && !slot->accept)
		result = oms_capture(r->doc, r->at);
	PopActiveSnapshot();
	if (result == NULL)
	{
		MemoryContextReset(work);
		return false;
	}

	if (slot->segment != DSM_HANDLE_INVALID)
	{
		dsm_unpin_segment(slot->segment);	/* of the attempt before */
		slot->segment = DSM_HANDLE_INVALID;
	}
	r->answer = NULL;
	slot->answer_len = VARSIZE(result);
	if (VARSIZE(result) > OMS_COMBINER_DATA)
	{
		dsm_segment *segment = dsm_create(VARSIZE(result), 0);

		memcpy(dsm_segment_address(segment), result, VARSIZE(result));
		dsm_pin_segment(segment);
		slot->segment = dsm_segment_handle(segment);
		dsm_detach(segment);
	}
	else
	{
		r->answer = MemoryContextAlloc(batch_cxt, VARSIZE(result));
		memcpy(r->answer, result, VARSIZE(result));
	}
	MemoryContextReset(work);
	return true;
}

/* In a subtransaction; false: it failed and is undone. */
static bool
capture_separately(Request *r, MemoryContext work)
{
	ResourceOwner owner = CurrentResourceOwner;
	volatile bool done = false;

	BeginInternalSubTransaction(NULL);
	PG_TRY();
	{
		done = capture_one(r, work);
		r->slot->refused = false;
		ReleaseCurrentSubTransaction();
	}
	PG_CATCH();
	{
		ErrorData  *edata;

		QueryCancelPending = false;
		MemoryContextSwitchTo(batch_cxt);
		edata = CopyErrorData();
		FlushErrorState();
		RollbackAndReleaseCurrentSubTransaction();
		r->slot->refused = is_refusal(edata->sqlerrcode);
		FreeErrorData(edata);
		MemoryContextReset(work);
	}
	PG_END_TRY();
	MemoryContextSwitchTo(work);
	CurrentResourceOwner = owner;
	return done;
}

/* Answers go into their slots, for whoever may read them after the commit. */
static void
publish(Request *r, int n)
{
	TransactionId xid = GetTopTransactionIdIfAny();

	for (int i = 0; i < n; i++)
	{
		OmsCombinerSlot *slot = r[i].slot;

		if (slot == NULL)
			continue;
		if (slot->segment == DSM_HANDLE_INVALID)
			memcpy(slot->data, r[i].answer, slot->answer_len);
		slot->together = n;
		pg_write_barrier();
		slot->xid = xid;
	}
}

/* After the commit. */
static void
answer(Request *r, int n)
{
	int			captured = 0;
	dsm_handle *unread = palloc(n * sizeof(dsm_handle));
	OmsCombinerSlot **done = palloc(n * sizeof(OmsCombinerSlot *));
	int			nunread = 0;
	int			leader = -1;

	/* nothing else to do: once for all of them (a hint, so without lock) */
	if (flush_wanted && queue->nwaiting == 0)
	{
		XLogFlush(XactLastCommitEnd);
		flush_wanted = false;
	}

	LWLockAcquire(oms_combiner->lock, LW_EXCLUSIVE);
	for (int i = 0; i < n; i++)
	{
		OmsCombinerSlot *slot = r[i].slot;

		if (slot == NULL)
			continue;
		slot->commit = XactLastCommitEnd;
		if (pg_atomic_read_u32(&slot->state) == OMS_COMBINER_ABANDONED)
		{
			if (slot->segment != DSM_HANDLE_INVALID)
				unread[nunread++] = slot->segment;
			oms_combiner_free_slot(slot);
		}
		else
		{
			/* nothing to write to disk: nobody would wake the others */
			if (leader < 0 && flush_wanted &&
				slot->synchronous > SYNCHRONOUS_COMMIT_OFF &&
				!XLogRecPtrIsInvalid(slot->commit))
				leader = captured;
			done[captured++] = slot;
		}
		r[i].slot = NULL;
	}
	if (leader > 0)
	{
		OmsCombinerSlot *first = done[leader];

		done[leader] = done[0];
		done[0] = first;
	}
	for (int i = 0; i < captured; i++)
	{
		done[i]->leads = i == 0 && leader >= 0;
		done[i]->next = i + 1 < captured ? (int) (done[i + 1] - oms_combiner->slot) : -1;
		pg_write_barrier();
		pg_atomic_write_u32(&done[i]->state, OMS_COMBINER_DONE);
	}
	queue->batches++;
	queue->captured += captured;
	LWLockRelease(oms_combiner->lock);
	/* slots may be somebody else's by now: he sleeps on */
	for (int i = 0; i < (leader >= 0 ? 1 : captured); i++)
		sem_post(&done[i]->answered);
	for (int i = 0; i < nunread; i++)
		dsm_unpin_segment(unread[i]);
}

/* To the client, who captures it himself; once. */
static void
give_back(Request *r, bool refused)
{
	OmsCombinerSlot *slot = r->slot;
	dsm_handle	segment;
	sem_t	   *client = NULL;

	if (slot == NULL)
		return;
	r->slot = NULL;
	segment = slot->segment;
	slot->segment = DSM_HANDLE_INVALID;
	slot->refused = refused;
	slot->together = 0;
	slot->xid = InvalidTransactionId;
	LWLockAcquire(oms_combiner->lock, LW_EXCLUSIVE);
	queue->returned++;
	if (pg_atomic_read_u32(&slot->state) == OMS_COMBINER_ABANDONED)
		oms_combiner_free_slot(slot);
	else
	{
		client = &slot->answered;
		pg_atomic_write_u32(&slot->state, OMS_COMBINER_RETURNED);
	}
	LWLockRelease(oms_combiner->lock);
	if (client)
		sem_post(client);
	if (segment != DSM_HANDLE_INVALID)
		dsm_unpin_segment(segment);
}

/* Whether an error is the order's own, not one of time and place. */
static bool
is_refusal(int sqlerrcode)
{
	switch (ERRCODE_TO_CATEGORY(sqlerrcode))
	{
		case ERRCODE_TRANSACTION_ROLLBACK:
		case ERRCODE_INSUFFICIENT_RESOURCES:
		case ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE:
		case ERRCODE_OPERATOR_INTERVENTION:
		case ERRCODE_SYSTEM_ERROR:
		case ERRCODE_INTERNAL_ERROR:
			return false;
		default:
			return true;
	}
}
