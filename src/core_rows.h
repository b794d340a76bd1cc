/*
 * core_rows.h
 *	  Rows written without an executor.
 */
#ifndef OMS_CORE_ROWS_H
#define OMS_CORE_ROWS_H

#include "core.h"

extern void oms_rows_init(void);

/*
 * Runs a statement of the form
 *
 *		INSERT INTO oms.TABLE (COLUMNS) VALUES ($1, ..., $n)
 *
 * with or without ON CONFLICT (COLUMNS) DO NOTHING behind it, written just
 * so.  False when there was a conflict.  Defaults, CHECK and NOT NULL
 * constraints, indexes and rights count as with the statement; so do
 * triggers, row security, rules and whatever else is on the table: then the
 * statement itself is run.  A parameter's type may be given as InvalidOid: it
 * is the column's.  SPI must be connected; nothing is in SPI_tuptable after.
 */
extern bool oms_insert(OmsPlan *p, Datum *values, const char *nulls);

/* Whether that is what oms_insert() will do: no trigger, policy or the like. */
extern bool oms_insert_is_direct(OmsPlan *p);

/* The next number of a sequence of ours, as nextval(). */
extern int64 oms_next(const char *sequence);

#endif							/* OMS_CORE_ROWS_H */
