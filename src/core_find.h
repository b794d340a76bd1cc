/*
 * core_find.h
 *	  One row by its unique key, without an executor.
 */
#ifndef OMS_CORE_FIND_H
#define OMS_CORE_FIND_H

#include "core.h"

/*
 * Runs a statement of the form
 *
 *		SELECT COLUMNS FROM oms.TABLE WHERE a = $1 AND b = $2 ...
 *
 * written just so, as oms_exec() that is not read-only: 0 or 1, the row in
 * SPI_tuptable.  Where a, b, ... are not the key of a unique index, or the
 * table, the rights or the isolation level ask for more than a look into that
 * index, the statement itself is run.
 */
extern uint64 oms_find(OmsPlan *p, Datum *values, const char *nulls);

#endif							/* OMS_CORE_FIND_H */
