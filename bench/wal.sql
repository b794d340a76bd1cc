SELECT pg_current_wal_insert_lsn() AS before \gset
SELECT count(oms.capture_order(doc)) FROM bench_doc WHERE n = :n + 1 \g /dev/null
SELECT pg_wal_lsn_diff(pg_current_wal_insert_lsn(), :'before') || ' bytes, after a checkpoint more (full pages)';
