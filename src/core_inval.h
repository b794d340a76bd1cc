/*
 * core_inval.h
 *	  Told when a relation changes.
 */
#ifndef OMS_CORE_INVAL_H
#define OMS_CORE_INVAL_H

/*
 * "changed" is called whenever PostgreSQL says that a relation's description
 * changed; InvalidOid: any may have.  It must only note that.  Once a session
 * for each function; the server has room for ten such calls over all
 * extensions, of which all of ours are one.
 */
extern void oms_relcache_watch(void (*changed) (Oid relid));

#endif							/* OMS_CORE_INVAL_H */
