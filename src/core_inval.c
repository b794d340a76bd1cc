/*
 * core_inval.c
 *	  Told when a relation changes.
 */
#include "postgres.h"

#include "utils/inval.h"

#include "core_inval.h"

static void (*watchers[16]) (Oid relid);
static int	nwatchers = 0;

static void
on_relcache(Datum arg, Oid relid)
{
	for (int i = 0; i < nwatchers; i++)
		watchers[i] (relid);
}

void
oms_relcache_watch(void (*changed) (Oid relid))
{
	if (nwatchers == lengthof(watchers))
		elog(ERROR, "too many watch relations");
	if (nwatchers == 0)
		CacheRegisterRelcacheCallback(on_relcache, (Datum) 0);
	watchers[nwatchers++] = changed;
}
