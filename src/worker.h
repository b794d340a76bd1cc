/*
 * worker.h
 *	  Background work: waking the worker, and running jobs.
 */
#ifndef OMS_WORKER_H
#define OMS_WORKER_H

#include "nodes/pg_list.h"

#include "core.h"

extern void oms_worker_init(void);

/*
 * Have the jobs marked "wake" run as soon as this transaction has committed.
 * Cheap and callable anywhere in a transaction, also from a trigger.  Where
 * the library is not preloaded the worker finds the work at its next nap.
 */
extern void oms_worker_wake(void);

/*
 * Of an item more is free at a node: likewise the jobs marked "wake_stock",
 * where an order waits for it.  Kits are not asked for; they are found when
 * such a job is due.
 */
extern void oms_worker_stock_rose(int32 company_id, int32 sku_id);

/* The same without asking. */
extern void oms_worker_wake_stock(void);

/*
 * For background processes.  home_is_there: whether pg_oms and its tables
 * are; both stay until the transaction ends.  database_wanted: whether a
 * command on a database as a whole waits for everybody to leave it.
 */
extern bool oms_worker_home_is_there(void);
extern bool oms_worker_database_wanted(Oid database);

/* A job to run now; in the caller's context. */
typedef struct OmsJobDue
{
	char	   *name;
	bool		suspect;		/* failed, was slow or unfinished, or is new:
								 * mark its start */
} OmsJobDue;

/* What a run of a job came to; strings in the caller's context. */
typedef struct OmsJobRun
{
	char	   *result;			/* first column of the first row, or NULL */
	char	   *error;			/* NULL when all went well */
	bool		wrote;			/* whether it changed anything */
} OmsJobRun;

/*
 * The enabled jobs to run now (OmsJobDue), in name order, in the caller's
 * memory context: those that are due and, where "woken" (of OMS_WAKE_*) says
 * so, those marked wake or wake_stock that are not backing off.  *wait_ms
 * becomes the time until the next one is due, at most its value on entry.
 */
#define OMS_WAKE_WORK	1
#define OMS_WAKE_STOCK	2
#define OMS_WAKE_ALL	(OMS_WAKE_WORK | OMS_WAKE_STOCK)

extern List *oms_jobs_due(uint32 woken, long *wait_ms);

/*
 * Marks the start of a run, to be committed before it: a run that takes the
 * process down is found out by its mark.  Such a job is counted as failed
 * here, and false returned; so it is for a job that somebody else runs.
 */
extern bool oms_job_claim(const char *name);

/*
 * Runs a job in a subtransaction, with the rights of the owner of oms.job,
 * and notes what came of it.  False if it is
 * disabled, gone, or being run by somebody else.
 */
extern bool oms_job_run(const char *name, OmsJobRun *run);

/* Notes a failure that came up outside the run, as at its commit. */
extern void oms_job_failed(const char *name, const char *error);

#endif							/* OMS_WORKER_H */
