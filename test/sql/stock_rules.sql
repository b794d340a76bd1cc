-- What may be sold of an item, and from where at all.
\getenv abs_srcdir PG_ABS_SRCDIR
\set shop :abs_srcdir '/sql/include/shop.inc'
BEGIN;
\i :shop
SELECT pg_temp.set_stock(50, 50, 0, 'SHIRT', 'BOOK');
-- fewest, most, whole boxes: the field is named
UPDATE oms.sku SET sale_min = 3, sale_max = 12, sale_step = 3 WHERE code = 'SHIRT' AND company_id = 9200;
SELECT qty, pg_temp.fails(format($$SELECT oms.promise(pg_temp.doc('p', 'WEB 981001 PREPAID 1xBOOK %sxSHIRT'))$$, qty)) FROM unnest('{3,12,15,4,2.5}'::numeric[]) qty;
-- the step holds for each line, fewest and most for the order
SELECT pg_temp.fails($$SELECT pg_temp.capture('two', 'WEB 981001 PREPAID 9xSHIRT 6xSHIRT')$$);
UPDATE oms.sku SET sale_min = 7, sale_step = NULL WHERE code = 'SHIRT' AND company_id = 9200;
SELECT pg_temp.fails($$SELECT pg_temp.capture('few', 'WEB 981001 PREPAID 2xSHIRT 4xSHIRT')$$);
SELECT status, plan FROM pg_temp.took('ok', 'WEB 981001 PREPAID 2xSHIRT 5xSHIRT');
SELECT pg_temp.fails($$SELECT oms.reserve_cart(pg_temp.doc('c', 'WEB 981001 PREPAID 13xSHIRT', '{"cart_id": "c"}'))$$);
-- an order that is known already is not asked again
UPDATE oms.sku SET sale_min = 8 WHERE code = 'SHIRT' AND company_id = 9200;
SELECT pg_temp.capture('ok', 'WEB 981001 PREPAID 2xSHIRT 5xSHIRT') -> 'duplicate' AS duplicate;
UPDATE oms.sku SET sale_min = NULL, sale_max = NULL WHERE code = 'SHIRT' AND company_id = 9200;
SELECT pg_temp.fails($$UPDATE oms.sku SET sale_step = 0 WHERE code = 'SHIRT' AND company_id = 9200$$) ~ 'sku_sale_step_check' AS refused;
-- what is planned again may be any part of an order
UPDATE oms.sku SET sale_min = 60, sale_step = 60 WHERE code = 'RICE' AND company_id = 9200;
SELECT pg_temp.set_stock(50, 0, 0, 'RICE');
SELECT plan FROM pg_temp.took('part', 'WEB 981001 PREPAID 60xRICE');
SELECT pg_temp.set_stock(60, 0, 0, 'RICE'), oms.retry_backorders(50, '2026-03-02 11:00+05:30') AS tried, pg_temp.stock('RICE');
-- not from Bengaluru any more: what is reserved stays, nothing new
SELECT oms.set_stock_policy('BLR', 'BOOK', sellable => false);
SELECT node, trim_scale(on_hand) AS on_hand, trim_scale(available) AS available FROM oms.available('BOOK') ORDER BY node COLLATE "C";
SELECT plan FROM pg_temp.took('b1', 'WEB 981001 PREPAID 1xBOOK');
SELECT oms.set_stock_policy('BLR', 'SHIRT', backorder_limit => 5, sellable => false);
SELECT pg_temp.fails($$SELECT pg_temp.capture('s2', 'NOW 981001 PREPAID 51xSHIRT')$$);
SELECT pg_temp.stock('SHIRT');
SELECT oms.cancel_order(pg_temp.id('ok')), pg_temp.stock('SHIRT');
-- counted anew it is still not for sale; a waiting order is not tried for it
SELECT status, plan FROM pg_temp.took('w', 'WEB 981001 PREPAID 51xBOOK');
SELECT oms.adjust_stock('BLR', 'BOOK', 80) > 0 AS counted, oms.retry_backorders(50, '2026-03-02 11:00+05:30') AS tried;
SELECT oms.set_stock_policy('BLR', 'BOOK', sellable => true), oms.retry_backorders(50, '2026-03-02 11:00+05:30') AS tried;
SELECT type, payload - 'node_id' AS payload FROM oms.event WHERE company_id = 9200 AND topic = 'stock' AND subject_id = 9223 AND payload ->> 'node_id' = '9211' ORDER BY event_id;
-- what is not counted is sold wherever it is listed
INSERT INTO oms.stock (company_id, node_id, sku_id, sellable) VALUES (9200, 9211, 9225, false);
SELECT plan FROM pg_temp.took('n', 'WEB 981001 PREPAID 1xNOTE@10');
SELECT * FROM oms.verify();
ROLLBACK;
