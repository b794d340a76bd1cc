\set i :i + 1
SELECT oms.capture_order(doc) FROM bench_doc WHERE n = :i;
