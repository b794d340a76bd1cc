-- Plans that are kept go by index, however little the tables hold when they
-- are made; the settings by which they do are seen by nothing that runs.
\getenv abs_srcdir PG_ABS_SRCDIR
\set shop :abs_srcdir '/sql/include/shop.inc'
BEGIN;
\i :shop
-- what would be seen by a trigger that the first run of a statement fires
CREATE TABLE pg_temp.seen (seqscan text, jit text);
CREATE FUNCTION pg_temp.look() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO pg_temp.seen VALUES (current_setting('enable_seqscan'), current_setting('jit'));
    RETURN NULL;
END $$;
CREATE TRIGGER look AFTER INSERT OR UPDATE ON oms.stock FOR EACH ROW EXECUTE FUNCTION pg_temp.look();
CREATE TRIGGER look AFTER INSERT OR UPDATE OR DELETE ON oms.allocation FOR EACH ROW EXECUTE FUNCTION pg_temp.look();
CREATE FUNCTION pg_temp.scans() RETURNS text LANGUAGE sql AS $$
    SELECT string_agg(relname || ' ' || seq_scan, ', ' ORDER BY relname) FROM pg_stat_xact_user_tables
     WHERE relid IN ('oms.stock'::regclass, 'oms.allocation'::regclass, 'oms."order"'::regclass, 'oms.sku'::regclass)
$$;
SET jit = on;
SET jit_above_cost = 0;
-- a table that is known to hold one page: a sequential scan is by far the cheapest
ANALYZE oms.stock, oms.allocation, oms."order", oms.sku;
SELECT pg_temp.scans() AS before \gset
SELECT oms.capture_order(pg_temp.doc('waits', 'WEB 981001 PREPAID 2xSHIRT'), '2026-03-02 10:00+05:30') ->> 'order_id' AS id \gset
SELECT oms.adjust_stock('BLR', 'SHIRT', 5), oms.retry_backorders(at => '2026-03-02 11:00+05:30');
SELECT oms.release_order(:id), oms.cancel_order(:id);
SELECT pg_temp.scans() = :'before' AS by_index;
SELECT DISTINCT seqscan, jit FROM pg_temp.seen;
-- planned anew, with another search path, after DDL, and after an error
SELECT pg_temp.scans() AS before \gset
SELECT oms.risk_outcome(:id, true);
SET LOCAL search_path = oms, public;
SELECT oms.risk_outcome(:id, true);
ALTER TABLE oms.allocation ADD mine integer;
SELECT oms.adjust_stock('BLR', 'SHIRT', 3), oms.retry_backorders(at => '2026-03-02 12:00+05:30');
SAVEPOINT s;
\set VERBOSITY terse
ALTER TABLE oms.allocation RENAME status TO state;
SELECT oms.retry_backorders(at => '2026-03-02 12:00+05:30');
ROLLBACK TO s;
SHOW enable_seqscan;
SHOW jit;
SELECT oms.retry_backorders(at => '2026-03-02 12:00+05:30');
SELECT pg_temp.scans() = :'before' AS by_index;
ROLLBACK;
