-- Lines of one item are planned as one: each unit at a node is there once,
-- and no line waits while another node has some.
\getenv abs_srcdir PG_ABS_SRCDIR
\set shop :abs_srcdir '/sql/include/shop.inc'
BEGIN;
\i :shop
DO $$ BEGIN PERFORM pg_temp.set_stock(1, 1, 0, 'SHIRT'), pg_temp.set_stock(5, 5, 0, 'BOOK'); END $$;
SELECT status, plan FROM pg_temp.took('two', 'WEB 981001 PREPAID 1xSHIRT 1xSHIRT');
SELECT what, outcome, terms FROM oms.explain_order(pg_temp.id('two')) WHERE subject = 'plan' AND outcome = 'chosen';
DO $$ BEGIN PERFORM pg_temp.set_stock(5, 6, 0, 'SHIRT'); END $$;
-- other lines between them: dealt out in the order of the lines
SELECT status, plan FROM pg_temp.took('mix', 'WEB 981001 PREPAID 3xSHIRT 1xBOOK 5xSHIRT');
SELECT a.line_no, n.code, a.qty, a.net_amount FROM oms.allocation a JOIN oms.node n USING (node_id) WHERE a.order_id = pg_temp.id('mix') ORDER BY 1, 2;
-- one is left for three lines: the first gets it
SELECT status, plan FROM pg_temp.took('few', 'WEB 981001 PREPAID 1xSHIRT 1xSHIRT 1xSHIRT');
SELECT pg_temp.fails($$SELECT pg_temp.took('no', 'NOW 981001 PREPAID 1xSHIRT 2xSHIRT')$$);
SELECT pg_temp.stock('SHIRT') AS shirt;
SELECT * FROM oms.verify() WHERE invariant <> 'orphan' OR subject !~ 'stock';
ROLLBACK;
