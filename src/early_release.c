/*
 * early_release.c
 *	  Lets the row locks of stock go before the commit is durable; the answer
 *	  still waits for it.
 *
 * A commit holds its row locks while it waits for the disk and for standbys,
 * and whoever wants the same item waits with it.  A transaction that took or
 * gave back stock therefore commits in two steps:
 *
 *	PRE_COMMIT	synchronous_commit is set aside and counts as off, so that
 *				RecordTransactionCommit writes the commit record and goes on;
 *	COMMIT		the xid has left the proc array: the setting is put back;
 *	AFTER_LOCKS	all locks are gone, the xid's own too, on which those sleep
 *				who already wait for a row: now the log is flushed up to the
 *				commit record and standbys are awaited, as the setting asks.
 *
 * All of it happens inside CommitTransaction with interrupts held: the client
 * is answered, listeners are notified and files are deleted after it.
 *
 * The variable is written directly: synchronous_commit as a setting has an
 * assign hook, which keeps the mode to wait in; that must stay as it is, and
 * nothing here may fail.  Between the two writes no code of users runs.
 *
 * remote_apply is left to the server: only a commit record written under it
 * makes the standby answer when it has applied it.
 *
 * doc/stock.md has the races.
 */
#include "postgres.h"

#include "access/transam.h"
#include "access/xact.h"
#include "access/xlog.h"
#include "miscadmin.h"
#include "replication/message.h"
#include "replication/syncrep.h"
#include "utils/guc.h"
#include "utils/resowner.h"

#include "stock.h"

static bool early_lock_release = true;

static bool holds_stock;		/* this transaction locked rows of oms.stock */
static int	set_aside = SYNCHRONOUS_COMMIT_OFF; /* its synchronous_commit */
static XLogRecPtr awaited = InvalidXLogRecPtr;	/* its commit, not yet durable */

static void on_transaction(XactEvent event, void *arg);
static void on_release(ResourceReleasePhase phase, bool is_commit,
					   bool is_top_level, void *arg);
static void put_back(void);

void
oms_early_release_init(void)
{
	DefineCustomBoolVariable("oms.early_lock_release",
							 "Lets other sessions have the stock rows of a transaction before its commit is durable.",
							 "The transaction itself is answered only when it is durable, standbys included.",
							 &early_lock_release, true,
							 PGC_USERSET, 0, NULL, NULL, NULL);
	RegisterXactCallback(on_transaction, NULL);
	RegisterResourceReleaseCallback(on_release, NULL);
}

bool
oms_early_release_enabled(void)
{
	return early_lock_release;
}

void
oms_early_release_mark(void)
{
	holds_stock = true;
}

/*
 * The answer that something is done already must not be lost when what it
 * names is: that may be visible before it is durable.  A record of ours lies
 * behind it in the log, and the commit waits for that.
 */
void
oms_early_release_rely(void)
{
	if (!RecoveryInProgress())
		LogLogicalMessage("pg_oms", "", 0, true);
}

static void
on_transaction(XactEvent event, void *arg)
{
	switch (event)
	{
		case XACT_EVENT_PRE_COMMIT:
			if (holds_stock && early_lock_release &&
				synchronous_commit > SYNCHRONOUS_COMMIT_OFF &&
				synchronous_commit < SYNCHRONOUS_COMMIT_REMOTE_APPLY &&
				TransactionIdIsValid(GetTopTransactionIdIfAny()))
			{
				set_aside = synchronous_commit;
				synchronous_commit = SYNCHRONOUS_COMMIT_OFF;
			}
			break;
		case XACT_EVENT_COMMIT:
			if (set_aside != SYNCHRONOUS_COMMIT_OFF)
				awaited = XactLastCommitEnd;
			put_back();
			break;
		case XACT_EVENT_ABORT:	/* perhaps after PRE_COMMIT */
		case XACT_EVENT_PREPARE:	/* the server waits itself */
			put_back();
			break;
		default:
			break;
	}
}

static void
put_back(void)
{
	if (set_aside != SYNCHRONOUS_COMMIT_OFF)
		synchronous_commit = set_aside;
	set_aside = SYNCHRONOUS_COMMIT_OFF;
	holds_stock = false;
}

/*
 * Called for each resource owner of the transaction, children first, in one
 * phase after the other: the first call after the locks does it.  An error
 * here would tell the client that a transaction failed which others have
 * seen; so, as where the server itself flushes a commit, it is a PANIC.
 */
static void
on_release(ResourceReleasePhase phase, bool is_commit, bool is_top_level,
		   void *arg)
{
	XLogRecPtr	lsn = awaited;

	if (phase != RESOURCE_RELEASE_AFTER_LOCKS || XLogRecPtrIsInvalid(lsn) ||
		!is_commit || !is_top_level)
		return;
	awaited = InvalidXLogRecPtr;
	START_CRIT_SECTION();
	XLogFlush(lsn);
	END_CRIT_SECTION();
	SyncRepWaitForLSN(lsn, true);
}
