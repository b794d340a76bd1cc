/*
 * compat.h
 *	  Differences between PostgreSQL versions; the only file that asks for one.
 */
#ifndef OMS_COMPAT_H
#define OMS_COMPAT_H

#if PG_VERSION_NUM >= 180000
#define oms_index_beginscan(heap, index, snapshot, nkeys) \
	index_beginscan(heap, index, snapshot, NULL, nkeys, 0)
#define oms_check_exprs(rri) ((rri)->ri_CheckConstraintExprs)
#define oms_check_index_constraints(rri, slot, estate, tid, arbiters) \
	ExecCheckIndexConstraints(rri, slot, estate, tid, NULL, arbiters)
#else
#define oms_index_beginscan(heap, index, snapshot, nkeys) \
	index_beginscan(heap, index, snapshot, nkeys, 0)
#define oms_check_exprs(rri) ((rri)->ri_ConstraintExprs)
#define oms_check_index_constraints(rri, slot, estate, tid, arbiters) \
	ExecCheckIndexConstraints(rri, slot, estate, tid, arbiters)
#endif

#if PG_VERSION_NUM >= 160000
#define oms_insert_index_tuples(rri, slot, estate, no_dup, conflict, arbiters) \
	ExecInsertIndexTuples(rri, slot, estate, false, no_dup, conflict, arbiters, false)
#else
#define oms_insert_index_tuples(rri, slot, estate, no_dup, conflict, arbiters) \
	ExecInsertIndexTuples(rri, slot, estate, false, no_dup, conflict, arbiters)
#endif

/* columns that a query reads of one of its tables */
#if PG_VERSION_NUM >= 160000
#define oms_selected_cols(query, rte) \
	((rte)->perminfoindex == 0 ? NULL : \
	 getRTEPermissionInfo((query)->rteperminfos, rte)->selectedCols)
#else
#define oms_selected_cols(query, rte) ((rte)->selectedCols)
#endif

#if PG_VERSION_NUM >= 170000
#define oms_search_path_matches(path) SearchPathMatchesCurrentEnvironment(path)
#else
#define oms_search_path_matches(path) OverrideSearchPathMatchesCurrent(path)
#endif

#if PG_VERSION_NUM >= 160000
#define oms_decode_datetime(field, ftype, nf, dtype, tm, fsec, tz) \
	DecodeDateTime(field, ftype, nf, dtype, tm, fsec, tz, &(DateTimeErrorExtra) {0})
#else
#define oms_decode_datetime(field, ftype, nf, dtype, tm, fsec, tz) \
	DecodeDateTime(field, ftype, nf, dtype, tm, fsec, tz)
#endif

#endif							/* OMS_COMPAT_H */
