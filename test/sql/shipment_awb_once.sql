-- A parcel takes one AWB number of the pool, whichever way the statement is
-- planned: a nested loop once took them all.
\getenv abs_srcdir PG_ABS_SRCDIR
\set shop :abs_srcdir '/sql/include/shop.inc'
BEGIN;
\i :shop
-- the planner believes that the pool is empty
SELECT oms.add_awbs('SHOPC', ARRAY(SELECT 'GONE' || i FROM generate_series(1, 9) i));
DELETE FROM oms.awb_pool;
ANALYZE oms.awb_pool;
SELECT oms.add_awbs('SHOPC', ARRAY(SELECT 'ONCE' || i FROM generate_series(1, 9) i));
DO $$ BEGIN PERFORM pg_temp.set_stock(5, 0, 0, 'BOOK'); END $$;
SELECT plan FROM pg_temp.took('a', 'WEB 981001 PREPAID 1xBOOK');
SET LOCAL enable_hashjoin = off;
SET LOCAL enable_mergejoin = off;
SET LOCAL enable_material = off;
SELECT oms.book_shipment(shipment_id) FROM oms.shipment WHERE order_id = pg_temp.id('a');
SELECT count(*) FILTER (WHERE shipment_id IS NOT NULL) AS taken, count(*) FILTER (WHERE shipment_id IS NULL) AS free FROM oms.awb_pool WHERE courier_id = 9241;
ROLLBACK;
