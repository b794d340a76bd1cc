/*
 * worker_job.c
 *	  Jobs: rows of oms.job, run by the worker or by oms.run_jobs().
 *
 * A job runs in a subtransaction, so that its error becomes a note in its
 * row.  Whoever runs it holds its row locked for as long; others skip it.
 * The worker commits a mark of the start (last_run set, last_took empty) of
 * jobs that are suspect, and of every job once after it was started: a crash
 * leaves the mark behind, and the next claim counts it as a failure.  So a
 * job that takes the server down is not tried in a loop, and one that has
 * nothing to do every second costs one small update, not flushed.
 */
#include "postgres.h"

#include "access/table.h"
#include "access/xact.h"
#include "catalog/namespace.h"
#include "catalog/pg_type.h"
#include "fmgr.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/resowner.h"
#include "utils/timestamp.h"

#include "worker.h"

PG_FUNCTION_INFO_V1(oms_run_jobs);

typedef struct CallerState
{
	Oid			user;
	int			sec_context;
	int			guc_level;
} CallerState;

static void become_owner(CallerState *state);
static void become_caller(CallerState *state);
static void run_command(const char *command, OmsJobRun *run);
static void note_outcome(const char *name, TimestampTz started,
						 const OmsJobRun *run);

static OmsPlan path_plan = {
	"SELECT pg_catalog.concat_ws(', ', 'pg_catalog', 'oms',"
	" (SELECT pg_catalog.quote_ident(n.nspname) FROM pg_catalog.pg_extension e"
	"   JOIN pg_catalog.pg_namespace n ON n.oid OPERATOR(pg_catalog.=) e.extnamespace"
	"  WHERE e.extname OPERATOR(pg_catalog.=) 'postgis'), 'pg_temp')",
	0, {0}, NULL
};

static OmsPlan due_plan = {
	"SELECT name,"
	" next_run OPERATOR(pg_catalog.<=) pg_catalog.clock_timestamp()"
	"  OR (($1 AND wake OR $2 AND wake_stock) AND failures OPERATOR(pg_catalog.=) 0),"
	" greatest(0, pg_catalog.date_part('epoch', next_run OPERATOR(pg_catalog.-) pg_catalog.clock_timestamp())"
	"  OPERATOR(pg_catalog.*) 1000)::pg_catalog.float8,"
	" failures OPERATOR(pg_catalog.>) 0 OR last_took IS NULL OR last_took OPERATOR(pg_catalog.>) '1 second'"
	" FROM oms.job WHERE enabled ORDER BY name COLLATE \"C\"",
	2, {BOOLOID, BOOLOID}, NULL
};

static OmsPlan lock_plan = {
	"SELECT command, last_run IS NOT NULL AND last_took IS NULL"
	" FROM oms.job WHERE name OPERATOR(pg_catalog.=) $1 AND enabled"
	" FOR NO KEY UPDATE SKIP LOCKED",
	1, {TEXTOID}, NULL
};

static OmsPlan mark_plan = {
	"UPDATE oms.job SET last_run = pg_catalog.clock_timestamp(), last_took = NULL"
	" WHERE name OPERATOR(pg_catalog.=) $1",
	1, {TEXTOID}, NULL
};

/* $2: started (null: keep), $3: result, $4: error */
static OmsPlan note_plan = {
	"UPDATE oms.job SET last_run = coalesce($2, last_run),"
	" last_took = pg_catalog.clock_timestamp() OPERATOR(pg_catalog.-) coalesce($2, last_run, pg_catalog.clock_timestamp()),"
	" last_result = CASE WHEN $4 IS NULL THEN $3 ELSE last_result END,"
	" last_error = $4,"
	" failures = CASE WHEN $4 IS NULL THEN 0 ELSE failures OPERATOR(pg_catalog.+) 1 END,"
	" next_run = pg_catalog.clock_timestamp() OPERATOR(pg_catalog.+)"
	"  CASE WHEN $4 IS NULL THEN every"
	"  ELSE least(every OPERATOR(pg_catalog.*)"
	"    pg_catalog.power(2::pg_catalog.float8, least(failures OPERATOR(pg_catalog.+) 1, 12)::pg_catalog.float8),"
	"   greatest(every, '1 hour')) END"
	" WHERE name OPERATOR(pg_catalog.=) $1",
	4, {TEXTOID, TIMESTAMPTZOID, TEXTOID, TEXTOID}, NULL
};

List *
oms_jobs_due(uint32 woken, long *wait_ms)
{
	MemoryContext caller = CurrentMemoryContext;
	Datum		values[2] = {
		BoolGetDatum((woken & OMS_WAKE_WORK) != 0),
		BoolGetDatum((woken & OMS_WAKE_STOCK) != 0)
	};
	List	   *due = NIL;
	uint64		n;

	oms_spi_connect();
	n = oms_exec(&due_plan, values, NULL, true, 0);
	for (uint64 i = 0; i < n; i++)
	{
		if (oms_bool(i, 2))
		{
			MemoryContext old = MemoryContextSwitchTo(caller);
			OmsJobDue  *job = palloc(sizeof(OmsJobDue));

			job->name = oms_cstr(i, 1);
			job->suspect = oms_bool(i, 4);
			due = lappend(due, job);
			MemoryContextSwitchTo(old);
		}
		else if (oms_float8(i, 3) < *wait_ms)
			*wait_ms = (long) oms_float8(i, 3);
	}
	oms_spi_finish();
	return due;
}

bool
oms_job_claim(const char *name)
{
	Datum		values[1] = {oms_text(name)};
	bool		claimed = false;

	oms_spi_connect();
	if (oms_exec(&lock_plan, values, NULL, false, 1) > 0)
	{
		if (oms_bool(0, 2))		/* begun, not ended */
			oms_job_failed(name, "the run before did not finish: the worker or the server was stopped");
		else
		{
			oms_exec(&mark_plan, values, NULL, false, 0);
			claimed = true;
		}
	}
	oms_spi_finish();
	return claimed;
}

bool
oms_job_run(const char *name, OmsJobRun *run)
{
	MemoryContext caller = CurrentMemoryContext;
	Datum		values[1] = {oms_text(name)};
	TimestampTz started = GetCurrentTimestamp();
	CallerState caller_state;
	char	   *command;

	run->result = run->error = NULL;
	run->wrote = false;
	become_owner(&caller_state);
	oms_spi_connect();
	command = oms_exec(&lock_plan, values, NULL, false, 1) == 0 ? NULL :
		oms_strdup(caller, oms_cstr(0, 1));
	oms_spi_finish();
	if (command != NULL)
	{
		run_command(command, run);
		note_outcome(name, started, run);
		pfree(command);
	}
	become_caller(&caller_state);
	return command != NULL;
}

void
oms_job_failed(const char *name, const char *error)
{
	OmsJobRun	run = {NULL, (char *) error, false};

	note_outcome(name, 0, &run);
}

/*
 * A job runs with the rights of the owner of oms.job, who alone writes its
 * command, and with a search_path nobody else chooses: so that whoever may
 * call oms.run_jobs() has the same done as the worker, and no more.
 * Restored by become_caller(), or by the abort of the transaction.
 */
static void
become_owner(CallerState *state)
{
	Oid			job = get_relname_relid("job", get_namespace_oid("oms", false));
	Relation	rel;

	GetUserIdAndSecContext(&state->user, &state->sec_context);
	state->guc_level = NewGUCNestLevel();
	oms_spi_connect();
	oms_exec(&path_plan, NULL, NULL, true, 1);
	(void) set_config_option("search_path", oms_cstr(0, 1), PGC_USERSET,
							 PGC_S_SESSION, GUC_ACTION_SAVE, true, 0, false);
	oms_spi_finish();

	rel = table_open(job, RowExclusiveLock);
	SetUserIdAndSecContext(rel->rd_rel->relowner,
						   state->sec_context | SECURITY_LOCAL_USERID_CHANGE);
	table_close(rel, NoLock);
}

static void
become_caller(CallerState *state)
{
	SetUserIdAndSecContext(state->user, state->sec_context);
	AtEOXact_GUC(true, state->guc_level);
}

/* Runs the SQL in a subtransaction; results in the caller's context. */
static void
run_command(const char *command, OmsJobRun *run)
{
	MemoryContext caller = CurrentMemoryContext;
	ResourceOwner owner = CurrentResourceOwner;

	BeginInternalSubTransaction(NULL);
	MemoryContextSwitchTo(caller);
	PG_TRY();
	{
		int			rc;

		oms_spi_connect();
		rc = SPI_execute(command, false, 0);
		if (rc < 0)
			ereport(ERROR,
					(errcode(ERRCODE_OMS_WORKER),
					 errmsg("a job cannot run this command: %s",
							SPI_result_code_string(rc))));
		if (SPI_tuptable != NULL && SPI_processed > 0 &&
			SPI_tuptable->tupdesc->natts > 0)
			run->result = oms_strdup(caller, oms_cstr(0, 1));
		oms_spi_finish();
		run->wrote = TransactionIdIsValid(GetCurrentTransactionIdIfAny());
		ReleaseCurrentSubTransaction();
		MemoryContextSwitchTo(caller);
		CurrentResourceOwner = owner;
	}
	PG_CATCH();
	{
		ErrorData  *edata;

		MemoryContextSwitchTo(caller);
		edata = CopyErrorData();
		RollbackAndReleaseCurrentSubTransaction();
		FlushErrorState();
		MemoryContextSwitchTo(caller);
		CurrentResourceOwner = owner;
		run->result = NULL;
		run->error = psprintf("%s: %s", unpack_sql_state(edata->sqlerrcode),
							  edata->message);
		FreeErrorData(edata);
	}
	PG_END_TRY();
}

static void
note_outcome(const char *name, TimestampTz started, const OmsJobRun *run)
{
	Datum		values[4] = {
		oms_text(name), TimestampTzGetDatum(started), oms_text(run->result),
		oms_text(run->error)
	};
	char		nulls[4] = {' ', ' ', ' ', ' '};

	if (started == 0)
		nulls[1] = 'n';
	if (run->result == NULL)
		nulls[2] = 'n';
	if (run->error == NULL)
		nulls[3] = 'n';
	oms_spi_connect();
	oms_exec(&note_plan, values, nulls, false, 0);
	oms_spi_finish();
}

/*
 * oms.run_jobs(only_job): runs here what the worker would run now, or the
 * one job named, as the worker would.  One row a job that ran.
 */
Datum
oms_run_jobs(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
	long		wait_ms = 0;
	List	   *jobs;
	ListCell   *lc;

	oms_require_installed();
	InitMaterializedSRF(fcinfo, 0);
	if (PG_ARGISNULL(0))
		jobs = oms_jobs_due(OMS_WAKE_ALL, &wait_ms);
	else
	{
		OmsJobDue  *job = palloc0(sizeof(OmsJobDue));

		job->name = text_to_cstring(PG_GETARG_TEXT_PP(0));
		jobs = list_make1(job);
	}

	foreach(lc, jobs)
	{
		char	   *name = ((OmsJobDue *) lfirst(lc))->name;
		OmsJobRun	run;
		Datum		values[3];
		bool		nulls[3] = {false, false, false};

		CHECK_FOR_INTERRUPTS();
		if (!oms_job_run(name, &run))
		{
			if (!PG_ARGISNULL(0))
				ereport(ERROR,
						(errcode(ERRCODE_OMS_UNKNOWN_REFERENCE),
						 errmsg("job \"%s\" cannot be run now", name),
						 errdetail("It does not exist, is disabled, or is being run."),
						 errhint("The jobs are the rows of oms.job.")));
			continue;
		}
		values[0] = oms_text(name);
		values[1] = oms_text(run.result);
		values[2] = oms_text(run.error);
		nulls[1] = run.result == NULL;
		nulls[2] = run.error == NULL;
		tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, values, nulls);
	}
	return (Datum) 0;
}
