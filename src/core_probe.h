/*
 * core_probe.h
 *	  Is there anything to look for?  Asked of an index.
 */
#ifndef OMS_CORE_PROBE_H
#define OMS_CORE_PROBE_H

#include "access/stratnum.h"

#include "core.h"

/* An index of ours; declare static, texts constant. */
typedef struct OmsProbe
{
	const char *index;			/* name in schema oms */
	const char *definition;		/* as pg_get_indexdef() writes it */
	/* known once it was looked at */
	Oid			relid;
	Oid			table;
	bool		valid;
	bool		usable;
	bool		listed;
	struct OmsProbe *next;
} OmsProbe;

/*
 * False when the index has no entry at all whose first columns are keys[0] to
 * keys[n - 2] and whose next is as "last" says to keys[n - 1]: then no row is
 * visible to anybody.  True means nothing but that a statement has to look,
 * also where the index is not as its definition says.  Of integers and
 * timestamps only.
 */
extern bool oms_probe(OmsProbe *p, const Oid *types, const Datum *keys, int n,
					  StrategyNumber last);

#endif							/* OMS_CORE_PROBE_H */
