/*
 * core_find.h
 *	  Rows by the key of an index, without an executor.
 */
#ifndef OMS_CORE_FIND_H
#define OMS_CORE_FIND_H

#include "core.h"

/*
 * SPI_tuptable where the executor did not make it.  "values" and "nulls", row
 * by row, where the rows have been taken apart already (they are read many
 * times), else NULL.  "made" is oms_memo_made()'s.  SPI's own tables have a
 * memory context, these have none.
 */
typedef struct OmsRows
{
	SPITupleTable table;
	Datum	   *values;
	bool	   *nulls;
	void	   *made;
} OmsRows;

static inline OmsRows *
oms_own_rows(SPITupleTable *table)
{
	return table->tuptabcxt == NULL ? (OmsRows *) table : NULL;
}

/*
 * Runs a statement of the form
 *
 *		SELECT COLUMNS FROM oms.TABLE WHERE a = $1 AND b = $2 ...
 *
 * written just so, as oms_exec() that is not read-only: how many, the rows in
 * SPI_tuptable.  Where a, b, ... are not the first columns of an index, or the
 * table, the rights or the isolation level ask for more than a look into that
 * index, the statement itself is run.
 */
extern uint64 oms_find(OmsPlan *p, Datum *values, const char *nulls);

/* The table that oms_find() reads directly for a statement, or InvalidOid. */
extern Oid	oms_find_table(OmsPlan *p);

#endif							/* OMS_CORE_FIND_H */
