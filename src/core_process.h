/*
 * core_process.h
 *	  What our background processes have in common.
 */
#ifndef OMS_CORE_PROCESS_H
#define OMS_CORE_PROCESS_H

#include "postmaster/bgworker.h"

/*
 * Describes a process with a database connection that is not restarted:
 * "name" is told by pg_stat_activity, "function" is where it begins.
 */
extern void oms_process_describe(BackgroundWorker *process, const char *name,
								 const char *function);

/* The begin of one: signals, and a connection (InvalidOid: to no database). */
extern void oms_process_begin(Oid database, const char *name);

/*
 * Of a session that does work: it reads committed and writes, whatever the
 * database has as its default.
 */
extern void oms_process_settings(void);

/* Ends the process where it was asked to; reads the configuration anew. */
extern void oms_process_interrupts(void);

#endif							/* OMS_CORE_PROCESS_H */
