-- Which waiting lines the free stock would reach, in their order.
\getenv abs_srcdir PG_ABS_SRCDIR
\set shop :abs_srcdir '/sql/include/shop.inc'
BEGIN;
\i :shop
CREATE FUNCTION pg_temp.ordered(item text) RETURNS TABLE (external_id text, line_no integer, qty numeric, before numeric, available numeric) LANGUAGE sql AS $$
    SELECT o.external_id, a.line_no, trim_scale(a.qty), trim_scale(a.before), trim_scale(a.available)
      FROM oms.ordered_atp(item) WITH ORDINALITY a JOIN oms."order" o USING (order_id) WHERE o.company_id = 9200 ORDER BY a.ordinality $$;
SELECT pg_temp.set_stock(0, 0, 0, 'SHIRT', 'BOOK');
SELECT count(*) FROM (VALUES ('a', '5xSHIRT'), ('b', '3xSHIRT 4xSHIRT 1xBOOK'), ('c', '20xSHIRT'), ('d', '2xSHIRT'), ('k', '1xPAIR')) v (id, lines),
    LATERAL pg_temp.took(id, 'WEB 981001 PREPAID ' || lines) WHERE plan ~ 'waits';
SELECT * FROM pg_temp.ordered('SHIRT');
SELECT pg_temp.set_stock(10, 5, 0, 'SHIRT');
SELECT * FROM pg_temp.ordered('SHIRT');
-- what is cancelled waits no more; a paused node gives nothing, nor one not for sale
SELECT oms.cancel_order(pg_temp.id('a'));
SELECT * FROM pg_temp.ordered('SHIRT');
UPDATE oms.node SET open = false WHERE node_id = 9212;
SELECT available FROM pg_temp.ordered('SHIRT');
SELECT oms.set_stock_policy('BLR', 'SHIRT', sellable => false);
SELECT available FROM pg_temp.ordered('SHIRT');
SELECT * FROM pg_temp.ordered('BOOK');
SELECT * FROM pg_temp.ordered('TV');
SELECT pg_temp.fails($$SELECT oms.ordered_atp('NONE')$$);
-- and that is what is served
SELECT oms.set_stock_policy('BLR', 'SHIRT', sellable => true), oms.retry_backorders(50, '2026-03-02 11:00+05:30') AS tried;
SELECT o.external_id, a.line_no, a.status, sum(trim_scale(a.qty)) AS qty FROM oms.allocation a JOIN oms."order" o USING (company_id, order_id)
 WHERE a.company_id = 9200 AND a.sku_id = 9221 AND a.status <> 'cancelled' GROUP BY 1, 2, 3 ORDER BY o.external_id COLLATE "C", a.line_no, a.status COLLATE "C" DESC;
ROLLBACK;
