/*
 * core_memo.h
 *	  Rows of masters, kept per session until somebody changes the masters.
 */
#ifndef OMS_CORE_MEMO_H
#define OMS_CORE_MEMO_H

#include "core.h"

extern void oms_memo_init(void);

/*
 * As oms_exec() of a statement that reads masters and nothing else: the same
 * rows in SPI_tuptable, from memory where the same user asked with the same
 * values before and nobody changed one of its tables since.  A statement over
 * any table that oms.memo_watch() does not watch is run each time, and so is
 * every one at REPEATABLE READ or above, or with "read_only".  The rows are
 * not to be written to, and live to the end of the transaction at most.
 *
 * What depends on the moment does not belong into the statement: return the
 * bounds and compare in C, pass a day, or use oms_memo_at().
 */
extern uint64 oms_memo(OmsPlan *p, Datum *values, const char *nulls,
					   bool read_only);

/*
 * The same for a statement whose argument "at" (from 0, timestamptz) is a
 * moment.  The last two columns of its rows say from when to when (exclusive)
 * they are the answer, other arguments being equal.
 */
extern uint64 oms_memo_at(OmsPlan *p, Datum *values, const char *nulls,
						  bool read_only, int at);

/*
 * Where something made of the rows just returned is kept, NULL yet or made
 * before; to be made in *cxt, it lives as long as they do and is not to be
 * written to either.  NULL where the rows themselves are not kept.
 */
extern void **oms_memo_made(MemoryContext *cxt);

/* As oms_memo() where it is remembered; false, and nothing is run, where not. */
extern bool oms_memo_known(OmsPlan *p, Datum *values, uint64 *n);

/* The statement is about to be freed. */
extern void oms_memo_forget(OmsPlan *p);

#endif							/* OMS_CORE_MEMO_H */
