/*
 * worker.c
 *	  The launcher, the worker of a database, and waking it.
 *
 * Preloaded, a launcher (connected to no database) starts a worker in every
 * database that takes connections; one that finds no pg_oms there, or no
 * tables, ends at once.  oms.install() wakes the launcher for its database,
 * so that looking into all of them is needed seldom.  Not preloaded,
 * oms.start_worker() starts the one of its database.
 *
 * One worker per database: it holds a session advisory lock for as long as
 * it lives, which is also how others find its pid.  Shared memory (only when
 * preloaded) is a short cut to its latch.  It holds AccessShareLock on the
 * extension while it works, and none between: DROP EXTENSION waits for the
 * running job, then the worker sees that its home is gone and ends.
 *
 * DROP DATABASE, ALTER DATABASE ... RENAME and CREATE DATABASE ... TEMPLATE
 * want no other session, and hold a lock on the database while they wait for
 * that: a worker at rest that cannot have its share of this lock ends, and
 * the launcher starts it again when the lock is free.
 *
 * Jobs run with the rights of the owner of oms.job, not of a superuser.
 */
#include "postgres.h"

#include <signal.h>

#include "access/genam.h"
#include "access/heapam.h"
#include "access/tableam.h"
#include "access/xact.h"
#include "catalog/namespace.h"
#include "catalog/pg_database.h"
#include "catalog/pg_extension.h"
#include "commands/extension.h"
#include "fmgr.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "port/atomics.h"
#include "storage/ipc.h"
#include "storage/latch.h"
#include "storage/lmgr.h"
#include "storage/lock.h"
#include "storage/lwlock.h"
#include "storage/proc.h"
#include "storage/procsignal.h"
#include "storage/shmem.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"
#include "utils/syscache.h"
#include "utils/timeout.h"

#include "core_process.h"
#include "orders.h"
#include "worker.h"

/* Advisory lock (two-integer form) that the worker of a database holds */
#define OMS_ADVISORY_CLASS	0x6f6d73	/* "oms" */
#define OMS_ADVISORY_WORKER	1

#define OMS_WORKER_SLOTS	64	/* more databases: woken by their nap only */
#define OMS_NO_PROC			PG_UINT32_MAX

/*
 * How often a worker at rest looks whether somebody wants its database for
 * himself (ms): those commands give up after five seconds.
 */
#define OMS_COURTESY_MS		2000

/*
 * A database the workers know.  Slots are taken and freed under the lock;
 * wakers read them without, which at worst sets a latch for nothing (a
 * PGPROC is never freed).
 */
typedef struct WorkerSlot
{
	pg_atomic_uint32 database;	/* InvalidOid: free */
	pg_atomic_uint32 procno;	/* of the worker, or OMS_NO_PROC */
	pg_atomic_uint32 woken;		/* what came since it last looked, of
								 * OMS_WAKE_* */
	pg_atomic_uint32 wanted;	/* the launcher is to start it */
	pg_atomic_uint32 stopped;	/* by oms.stop_worker(): leave it so */
} WorkerSlot;

typedef struct WorkerShared
{
	LWLock	   *lock;
	pg_atomic_uint32 launcher;	/* procno, or OMS_NO_PROC */
	WorkerSlot	slot[OMS_WORKER_SLOTS];
} WorkerShared;

static WorkerShared *shared = NULL;

static int	worker_naptime = 1000;
static int	launcher_naptime = 60;
static int	job_timeout = 300000;
static bool worker_autostart = true;

static uint32 wake_at_commit = 0;	/* of OMS_WAKE_* */
static bool commit_callback_set = false;

static shmem_request_hook_type previous_request_hook = NULL;
static shmem_startup_hook_type previous_startup_hook = NULL;

PGDLLEXPORT void oms_launcher_main(Datum arg);
PGDLLEXPORT void oms_worker_main(Datum arg);

PG_FUNCTION_INFO_V1(oms_start_worker);
PG_FUNCTION_INFO_V1(oms_stop_worker);
PG_FUNCTION_INFO_V1(oms_worker_pid);
PG_FUNCTION_INFO_V1(oms_wake_worker);

static void request_shared(void);
static void startup_shared(void);
static void wake(uint32 what);
static void wake_on_commit(XactEvent event, void *arg);
static WorkerSlot *find_slot(Oid database);
static WorkerSlot *take_slot(Oid database);
static void set_latch_of(uint32 procno);
static void tell_launcher(Oid database);
static void leave_launcher(int code, Datum arg);
static void leave_worker(int code, Datum arg);
static List *databases_without_worker(bool all, bool *postponed);
static BackgroundWorkerHandle *register_worker(Oid database, pid_t notify);
static pid_t worker_pid(void);
static void rest(long wait_ms);
static long tick(MemoryContext cxt, uint32 woken, bool first);
static void run_job(const char *name, bool mark);
static void commit_lazily(void);
static void note_commit_failure(const char *name, const char *error);
static void begin_work(const char *activity);
static void end_work(void);

void
oms_worker_init(void)
{
	BackgroundWorker launcher;

	DefineCustomIntVariable("oms.worker_naptime",
							"Longest pause of the worker between two looks at its jobs.",
							NULL, &worker_naptime, 1000, 10, 3600 * 1000,
							PGC_SIGHUP, GUC_UNIT_MS, NULL, NULL, NULL);
	DefineCustomIntVariable("oms.launcher_naptime",
							"Pause of the launcher between two looks into all databases.",
							"oms.install() has the worker of its database started at once.",
							&launcher_naptime, 60, 1, 24 * 3600,
							PGC_SIGHUP, GUC_UNIT_S, NULL, NULL, NULL);
	DefineCustomIntVariable("oms.job_timeout",
							"Longest time a job may take in the worker; 0 is no limit.",
							NULL, &job_timeout, 300000, 0, INT_MAX,
							PGC_SIGHUP, GUC_UNIT_MS, NULL, NULL, NULL);
	DefineCustomBoolVariable("oms.worker_autostart",
							 "Whether a preloaded server keeps a worker in this database.",
							 "Meant for ALTER DATABASE ... SET.",
							 &worker_autostart, true,
							 PGC_SUSET, 0, NULL, NULL, NULL);

	if (!process_shared_preload_libraries_in_progress || IsBinaryUpgrade)
		return;

	previous_request_hook = shmem_request_hook;
	shmem_request_hook = request_shared;
	previous_startup_hook = shmem_startup_hook;
	shmem_startup_hook = startup_shared;

	oms_process_describe(&launcher, "pg_oms launcher", "oms_launcher_main");
	launcher.bgw_restart_time = 5;
	RegisterBackgroundWorker(&launcher);
}

/*
 * Shared memory
 */
static void
request_shared(void)
{
	if (previous_request_hook)
		previous_request_hook();
	RequestAddinShmemSpace(sizeof(WorkerShared));
	RequestNamedLWLockTranche("pg_oms worker", 1);
}

static void
startup_shared(void)
{
	bool		found;

	if (previous_startup_hook)
		previous_startup_hook();
	LWLockAcquire(AddinShmemInitLock, LW_EXCLUSIVE);
	shared = ShmemInitStruct("pg_oms worker", sizeof(WorkerShared), &found);
	if (!found)
	{
		shared->lock = &GetNamedLWLockTranche("pg_oms worker")->lock;
		pg_atomic_init_u32(&shared->launcher, OMS_NO_PROC);
		for (int i = 0; i < OMS_WORKER_SLOTS; i++)
		{
			pg_atomic_init_u32(&shared->slot[i].database, InvalidOid);
			pg_atomic_init_u32(&shared->slot[i].procno, OMS_NO_PROC);
			pg_atomic_init_u32(&shared->slot[i].woken, 0);
			pg_atomic_init_u32(&shared->slot[i].wanted, 0);
			pg_atomic_init_u32(&shared->slot[i].stopped, 0);
		}
	}
	LWLockRelease(AddinShmemInitLock);
}

static WorkerSlot *
find_slot(Oid database)
{
	for (int i = 0; i < OMS_WORKER_SLOTS; i++)
		if (pg_atomic_read_u32(&shared->slot[i].database) == database)
			return &shared->slot[i];
	return NULL;
}

/* The slot of a database, a new one if need be; NULL when all are taken. */
static WorkerSlot *
take_slot(Oid database)
{
	WorkerSlot *slot;

	LWLockAcquire(shared->lock, LW_EXCLUSIVE);
	slot = find_slot(database);
	if (slot == NULL && (slot = find_slot(InvalidOid)) != NULL)
	{
		pg_atomic_write_u32(&slot->procno, OMS_NO_PROC);
		pg_atomic_write_u32(&slot->woken, 0);
		pg_atomic_write_u32(&slot->wanted, 0);
		pg_atomic_write_u32(&slot->stopped, 0);
		pg_atomic_write_u32(&slot->database, database);
	}
	LWLockRelease(shared->lock);
	return slot;
}

static uint32
my_procno(void)
{
	return (uint32) (MyProc - ProcGlobal->allProcs);
}

static void
set_latch_of(uint32 procno)
{
	if (procno != OMS_NO_PROC)
		SetLatch(&ProcGlobal->allProcs[procno].procLatch);
}

/*
 * Waking
 */
void
oms_worker_wake(void)
{
	wake(OMS_WAKE_WORK);
}

void
oms_worker_stock_rose(int32 company_id, int32 sku_id)
{
	if (shared != NULL && !(wake_at_commit & OMS_WAKE_STOCK) &&
		oms_orders_wait_for(company_id, sku_id))
		oms_worker_wake_stock();
}

void
oms_worker_wake_stock(void)
{
	wake(OMS_WAKE_STOCK);
}

static void
wake(uint32 what)
{
	if (shared == NULL)
		return;
	if (!commit_callback_set)
	{
		RegisterXactCallback(wake_on_commit, NULL);
		commit_callback_set = true;
	}
	wake_at_commit |= what;
}

/* A prepared transaction's work is found by the nap time. */
static void
wake_on_commit(XactEvent event, void *arg)
{
	WorkerSlot *slot;
	uint32		what = wake_at_commit;

	if (what == 0 || event == XACT_EVENT_PRE_COMMIT ||
		event == XACT_EVENT_PARALLEL_PRE_COMMIT ||
		event == XACT_EVENT_PRE_PREPARE)
		return;
	wake_at_commit = 0;
	if (event != XACT_EVENT_COMMIT)
		return;

	slot = find_slot(MyDatabaseId);
	if (slot == NULL)
		tell_launcher(MyDatabaseId);
	else
	{
		uint32		procno = pg_atomic_read_u32(&slot->procno);

		pg_atomic_fetch_or_u32(&slot->woken, what);
		pg_memory_barrier();
		if (procno != OMS_NO_PROC)
			set_latch_of(procno);
		else if (!pg_atomic_read_u32(&slot->stopped))
			tell_launcher(MyDatabaseId);
	}
}

/* Has the launcher start the worker of a database. */
static void
tell_launcher(Oid database)
{
	WorkerSlot *slot = take_slot(database);

	if (slot == NULL)
		return;
	pg_atomic_write_u32(&slot->wanted, 1);
	pg_memory_barrier();
	set_latch_of(pg_atomic_read_u32(&shared->launcher));
}

/*
 * The launcher
 */
static void
leave_launcher(int code, Datum arg)
{
	pg_atomic_write_u32(&shared->launcher, OMS_NO_PROC);
}

void
oms_launcher_main(Datum arg)
{
	TimestampTz looked = 0;
	MemoryContext cxt;

	oms_process_begin(InvalidOid, "pg_oms launcher");
	pg_atomic_write_u32(&shared->launcher, my_procno());
	before_shmem_exit(leave_launcher, (Datum) 0);
	cxt = AllocSetContextCreate(TopMemoryContext, "pg_oms launcher",
								ALLOCSET_DEFAULT_SIZES);
	MemoryContextSwitchTo(cxt);

	for (;;)
	{
		TimestampTz now = GetCurrentTimestamp();
		bool		all = TimestampDifferenceExceeds(looked, now,
													 launcher_naptime * 1000);
		bool		postponed;
		List	   *databases;
		ListCell   *lc;

		ResetLatch(MyLatch);
		if (all)
			looked = now;
		databases = databases_without_worker(all, &postponed);
		foreach(lc, databases)
		{
			BackgroundWorkerHandle *handle = register_worker(lfirst_oid(lc),
															 MyProcPid);
			pid_t		pid;

			if (ProcDiePending)
				proc_exit(0);
			if (handle == NULL)
			{
				ereport(LOG,
						(errmsg("no room for a worker of database %u, trying again later",
								lfirst_oid(lc)),
						 errhint("Raise max_worker_processes.")));
				break;
			}
			if (WaitForBackgroundWorkerStartup(handle, &pid) == BGWH_POSTMASTER_DIED)
				proc_exit(1);
		}
		MemoryContextReset(cxt);

		(void) WaitLatch(MyLatch,
						 WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH,
						 postponed ? 1000L : launcher_naptime * 1000L,
						 PG_WAIT_EXTENSION);
		oms_process_interrupts();
	}
}

/*
 * Databases to start a worker in: those asked for, and, if "all", every one
 * that takes connections, is no template, and has none.  Those that somebody
 * wants for himself just now come later, *postponed tells.  Slots of
 * databases that are gone are freed on the way.
 */
static List *
databases_without_worker(bool all, bool *postponed)
{
	MemoryContext caller = CurrentMemoryContext;
	List	   *there = NIL;
	List	   *todo = NIL;
	Relation	rel;
	TableScanDesc scan;
	HeapTuple	tup;

	*postponed = false;
	StartTransactionCommand();
	(void) GetTransactionSnapshot();
	rel = table_open(DatabaseRelationId, AccessShareLock);
	scan = table_beginscan_catalog(rel, 0, NULL);
	while ((tup = heap_getnext(scan, ForwardScanDirection)) != NULL)
	{
		Form_pg_database db = (Form_pg_database) GETSTRUCT(tup);
		MemoryContext old = MemoryContextSwitchTo(caller);
		WorkerSlot *slot = find_slot(db->oid);
		bool		wanted = slot != NULL &&
		pg_atomic_exchange_u32(&slot->wanted, 0) != 0;

		there = lappend_oid(there, db->oid);
		if (db->datallowconn && db->datconnlimit != -2 && !db->datistemplate &&
			(all || wanted) &&
			(slot == NULL ||
			 (pg_atomic_read_u32(&slot->procno) == OMS_NO_PROC &&
			  !pg_atomic_read_u32(&slot->stopped))))
		{
			if (!oms_worker_database_wanted(db->oid))
				todo = lappend_oid(todo, db->oid);
			else if (wanted)
			{
				pg_atomic_write_u32(&slot->wanted, 1);
				*postponed = true;
			}
		}
		MemoryContextSwitchTo(old);
	}
	table_endscan(scan);
	table_close(rel, AccessShareLock);
	CommitTransactionCommand();
	MemoryContextSwitchTo(caller);

	LWLockAcquire(shared->lock, LW_EXCLUSIVE);
	for (int i = 0; i < OMS_WORKER_SLOTS; i++)
	{
		Oid			database = pg_atomic_read_u32(&shared->slot[i].database);

		if (OidIsValid(database) && !list_member_oid(there, database) &&
			pg_atomic_read_u32(&shared->slot[i].procno) == OMS_NO_PROC)
			pg_atomic_write_u32(&shared->slot[i].database, InvalidOid);
	}
	LWLockRelease(shared->lock);
	list_free(there);
	return todo;
}

static BackgroundWorkerHandle *
register_worker(Oid database, pid_t notify)
{
	BackgroundWorker worker;
	BackgroundWorkerHandle *handle;

	oms_process_describe(&worker, "pg_oms worker", "oms_worker_main");
	worker.bgw_main_arg = ObjectIdGetDatum(database);
	worker.bgw_notify_pid = notify;
	/* who asked for it by name gets it, whatever oms.worker_autostart says */
	worker.bgw_extra[0] = MyDatabaseId == database;
	return RegisterDynamicBackgroundWorker(&worker, &handle) ? handle : NULL;
}

/*
 * The worker
 */
static void
leave_worker(int code, Datum arg)
{
	WorkerSlot *slot = (WorkerSlot *) DatumGetPointer(arg);

	pg_atomic_write_u32(&slot->procno, OMS_NO_PROC);
}

void
oms_worker_main(Datum arg)
{
	MemoryContext cxt;
	WorkerSlot *slot = NULL;
	bool		first = true;
	uint32		woken = OMS_WAKE_ALL;
	LOCKTAG		tag;

	oms_process_begin(DatumGetObjectId(arg), "pg_oms worker");
	if (!worker_autostart && !MyBgworkerEntry->bgw_extra[0])
		proc_exit(0);
	oms_process_settings();

	SET_LOCKTAG_ADVISORY(tag, MyDatabaseId, OMS_ADVISORY_CLASS,
						 OMS_ADVISORY_WORKER, 2);
	begin_work("pg_oms: looking for jobs");
	if (!oms_worker_home_is_there() ||
		LockAcquire(&tag, ExclusiveLock, true, true) == LOCKACQUIRE_NOT_AVAIL)
	{
		end_work();
		proc_exit(0);
	}
	end_work();

	if (shared != NULL && (slot = take_slot(MyDatabaseId)) != NULL)
	{
		/* stopped between the launcher's decision and now */
		if (pg_atomic_read_u32(&slot->stopped) &&
			!MyBgworkerEntry->bgw_extra[0])
			proc_exit(0);
		before_shmem_exit(leave_worker, PointerGetDatum(slot));
		pg_atomic_write_u32(&slot->procno, my_procno());
	}
	cxt = AllocSetContextCreate(TopMemoryContext, "pg_oms worker",
								ALLOCSET_DEFAULT_SIZES);

	for (;;)
	{
		long		wait_ms;

		MemoryContextSwitchTo(cxt);
		wait_ms = tick(cxt, woken, first);
		MemoryContextReset(cxt);
		first = false;

		rest(wait_ms);
		woken = slot == NULL ? 0 : pg_atomic_exchange_u32(&slot->woken, 0);
	}
}

/*
 * Sleeps until woken or the time is up; ends the process when asked to stop,
 * or when somebody wants the database for himself.
 */
static void
rest(long wait_ms)
{
	for (;;)
	{
		int			events;

		if (ProcDiePending)
			proc_exit(0);
		events = WaitLatch(MyLatch,
						   WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH,
						   Min(wait_ms, OMS_COURTESY_MS), PG_WAIT_EXTENSION);
		ResetLatch(MyLatch);
		oms_process_interrupts();
		if (oms_worker_database_wanted(MyDatabaseId))
		{
			if (shared != NULL)
				tell_launcher(MyDatabaseId);
			proc_exit(0);
		}
		wait_ms -= OMS_COURTESY_MS;
		if ((events & WL_LATCH_SET) || wait_ms <= 0)
			return;
	}
}

/* Whether a command on the database as a whole holds it. */
bool
oms_worker_database_wanted(Oid database)
{
	LOCKTAG		tag;

	SET_LOCKTAG_OBJECT(tag, InvalidOid, DatabaseRelationId, database, 0);
	if (LockAcquire(&tag, RowExclusiveLock, true, true) == LOCKACQUIRE_NOT_AVAIL)
		return true;
	LockRelease(&tag, RowExclusiveLock, true);
	return false;
}

/*
 * Whether extension and job table are there.  Locks the extension until the
 * transaction ends, so that both stay.
 */
bool
oms_worker_home_is_there(void)
{
	Oid			ext = get_extension_oid("pg_oms", true);
	Oid			nsp;

	if (!OidIsValid(ext))
		return false;
	LockDatabaseObject(ExtensionRelationId, ext, 0, AccessShareLock);
	if (get_extension_oid("pg_oms", true) != ext)
		return false;
	nsp = get_namespace_oid("oms", true);
	return OidIsValid(nsp) && OidIsValid(get_relname_relid("job", nsp));
}

static void
begin_work(const char *activity)
{
	SetCurrentStatementStartTimestamp();
	pgstat_report_activity(STATE_RUNNING, activity);
	StartTransactionCommand();
	PushActiveSnapshot(GetTransactionSnapshot());
}

static void
end_work(void)
{
	PopActiveSnapshot();
	CommitTransactionCommand();
	pgstat_report_stat(true);
	pgstat_report_activity(STATE_IDLE, NULL);
}

/* The transaction holds nothing but a note that may be lost. */
static void
commit_lazily(void)
{
	(void) set_config_option("synchronous_commit", "off", PGC_USERSET,
							 PGC_S_SESSION, GUC_ACTION_LOCAL, true, 0, false);
}

/* Runs what is due; returns for how long there is nothing to do. */
static long
tick(MemoryContext cxt, uint32 woken, bool first)
{
	volatile long wait_ms = worker_naptime;
	List	   *volatile due = NIL;
	ListCell   *lc;

	/* an error here leaves nothing due: it is tried again after a nap */

	PG_TRY();
	{
		long		wait = worker_naptime;
		MemoryContext work;

		begin_work("pg_oms: looking for jobs");
		if (!oms_worker_home_is_there())
		{
			end_work();
			proc_exit(0);
		}
		work = MemoryContextSwitchTo(cxt);
		due = oms_jobs_due(woken, &wait);
		MemoryContextSwitchTo(work);
		wait_ms = Max(wait, 10);
		end_work();
	}
	PG_CATCH();
	{
		HOLD_INTERRUPTS();
		MemoryContextSwitchTo(cxt);
		disable_all_timeouts(false);
		QueryCancelPending = false;
		EmitErrorReport();
		AbortCurrentTransaction();
		MemoryContextSwitchTo(cxt);
		FlushErrorState();
		pgstat_report_activity(STATE_IDLE, NULL);
		RESUME_INTERRUPTS();
		due = NIL;
		wait_ms = worker_naptime;
	}
	PG_END_TRY();

	MemoryContextSwitchTo(cxt);
	foreach(lc, due)
	{
		if (ProcDiePending)
			proc_exit(0);
		run_job(((OmsJobDue *) lfirst(lc))->name,
				first || ((OmsJobDue *) lfirst(lc))->suspect);
		MemoryContextSwitchTo(cxt);
	}
	/* what was just run has a new time */
	return due == NIL ? wait_ms : 10;
}

/* One job: its mark, then its run, each in a transaction; never fails. */
static void
run_job(const char *name, bool mark)
{
	MemoryContext cxt = CurrentMemoryContext;
	char	   *volatile failure = NULL;
	char	   *activity = psprintf("pg_oms job: %s", name);

	PG_TRY();
	{
		bool		claimed = true;

		if (mark)
		{
			begin_work(activity);
			claimed = oms_worker_home_is_there() && oms_job_claim(name);
			end_work();
		}
		if (claimed)
		{
			OmsJobRun	run;

			begin_work(activity);
			if (job_timeout > 0)
				enable_timeout_after(STATEMENT_TIMEOUT, job_timeout);
			if (oms_worker_home_is_there() && oms_job_run(name, &run))
			{
				if (run.error)
					ereport(LOG, (errmsg("job \"%s\" failed: %s", name, run.error)));
				if (!run.wrote)
					commit_lazily();
			}
			disable_timeout(STATEMENT_TIMEOUT, false);
			end_work();
		}
	}
	PG_CATCH();
	{
		ErrorData  *edata;

		HOLD_INTERRUPTS();
		disable_all_timeouts(false);
		QueryCancelPending = false;
		MemoryContextSwitchTo(cxt);
		edata = CopyErrorData();
		EmitErrorReport();
		AbortCurrentTransaction();
		MemoryContextSwitchTo(cxt);
		FlushErrorState();
		failure = psprintf("%s: %s", unpack_sql_state(edata->sqlerrcode),
						   edata->message);
		pgstat_report_activity(STATE_IDLE, NULL);
		RESUME_INTERRUPTS();
	}
	PG_END_TRY();

	if (failure)
		note_commit_failure(name, failure);
}

/* The transaction of a run failed as a whole, at commit for example. */
static void
note_commit_failure(const char *name, const char *error)
{
	MemoryContext cxt = CurrentMemoryContext;

	PG_TRY();
	{
		begin_work("pg_oms: noting a failure");
		if (oms_worker_home_is_there())
			oms_job_failed(name, error);
		end_work();
	}
	PG_CATCH();
	{
		HOLD_INTERRUPTS();
		MemoryContextSwitchTo(cxt);
		EmitErrorReport();
		AbortCurrentTransaction();
		MemoryContextSwitchTo(cxt);
		FlushErrorState();
		pgstat_report_activity(STATE_IDLE, NULL);
		RESUME_INTERRUPTS();
	}
	PG_END_TRY();
}

/*
 * SQL functions
 */

/* pid of this database's worker, 0 when there is none */
static pid_t
worker_pid(void)
{
	LockData   *locks = GetLockStatusData();

	for (int i = 0; i < locks->nelements; i++)
	{
		LockInstanceData *l = &locks->locks[i];

		if (l->locktag.locktag_type == LOCKTAG_ADVISORY &&
			l->locktag.locktag_field1 == MyDatabaseId &&
			l->locktag.locktag_field2 == OMS_ADVISORY_CLASS &&
			l->locktag.locktag_field3 == OMS_ADVISORY_WORKER &&
			l->locktag.locktag_field4 == 2 &&
			(l->holdMask & LOCKBIT_ON(ExclusiveLock)))
			return l->pid;
	}
	return 0;
}

/* Waits a moment; for what others do, which sets no latch of ours. */
static void
wait_a_moment(void)
{
	(void) WaitLatch(MyLatch,
					 WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH,
					 10L, PG_WAIT_EXTENSION);
	ResetLatch(MyLatch);
	CHECK_FOR_INTERRUPTS();
}

/* oms.start_worker() returns the pid of the worker it started. */
Datum
oms_start_worker(PG_FUNCTION_ARGS)
{
	BackgroundWorkerHandle *handle;
	pid_t		pid = worker_pid();

	oms_require_installed();
	if (RecoveryInProgress())
		ereport(ERROR,
				(errcode(ERRCODE_OMS_WORKER),
				 errmsg("a worker cannot run on a standby"),
				 errhint("Preloaded, it starts by itself after promotion.")));
	if (pid != 0)
		ereport(ERROR,
				(errcode(ERRCODE_OMS_WORKER),
				 errmsg("this database has a worker already"),
				 errdetail("Its process is %d.", (int) pid),
				 errhint("oms.stop_worker() stops it.")));
	if (shared != NULL)
	{
		WorkerSlot *slot = take_slot(MyDatabaseId);

		if (slot != NULL)
			pg_atomic_write_u32(&slot->stopped, 0);
	}
	handle = register_worker(MyDatabaseId, MyProcPid);
	if (handle == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_OMS_WORKER),
				 errmsg("the server has no room for another background worker"),
				 errhint("Raise max_worker_processes.")));
	while ((pid = worker_pid()) == 0)
	{
		BgwHandleStatus status = GetBackgroundWorkerPid(handle, &pid);

		if (status == BGWH_STOPPED || status == BGWH_POSTMASTER_DIED)
			ereport(ERROR,
					(errcode(ERRCODE_OMS_WORKER),
					 errmsg("the worker ended as soon as it was started"),
					 errdetail("It must see pg_oms and its tables as committed."),
					 errhint("Commit oms.install() first; else see the server log.")));
		wait_a_moment();
	}
	PG_RETURN_INT32(pid);
}

/*
 * oms.stop_worker() ends the worker and waits for its end; false if there is
 * none.  A job it is in the middle of is rolled back.
 */
Datum
oms_stop_worker(PG_FUNCTION_ARGS)
{
	pid_t		pid = worker_pid();

	if (shared != NULL)
	{
		WorkerSlot *slot = take_slot(MyDatabaseId);

		if (slot != NULL)
			pg_atomic_write_u32(&slot->stopped, 1);
	}
	if (pid == 0)
		PG_RETURN_BOOL(false);
	if (kill(pid, SIGTERM) != 0 && errno != ESRCH)
		ereport(ERROR,
				(errcode(ERRCODE_OMS_WORKER),
				 errmsg("could not stop the worker: %m")));
	while (worker_pid() == pid)
		wait_a_moment();
	PG_RETURN_BOOL(true);
}

/* oms.worker_pid(): null when no worker runs in this database */
Datum
oms_worker_pid(PG_FUNCTION_ARGS)
{
	pid_t		pid = worker_pid();

	if (pid == 0)
		PG_RETURN_NULL();
	PG_RETURN_INT32(pid);
}

/* oms.wake_worker(): the worker looks at once after this transaction */
Datum
oms_wake_worker(PG_FUNCTION_ARGS)
{
	wake(OMS_WAKE_ALL);
	PG_RETURN_VOID();
}
