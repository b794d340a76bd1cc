-- Plans by the order of nodes (sourcing_rule.pick) instead of by cost.
\getenv abs_srcdir PG_ABS_SRCDIR
\set shop :abs_srcdir '/sql/include/shop.inc'
BEGIN;
\i :shop
INSERT INTO oms.serviceability (courier_service_id, pincode) VALUES (9251, '981005');
UPDATE oms.node SET priority = CASE code WHEN 'DEL' THEN 1 WHEN 'BOM' THEN 2 ELSE 3 END WHERE company_id = 9200;
SELECT pg_temp.set_stock(10, 4, 3, 'SHIRT', 'BOOK');
INSERT INTO oms.sourcing_rule (company_id, pick) VALUES (9200, 'cost');
-- by cost: one parcel
SELECT plan FROM pg_temp.took('cost', 'NOW 981001 PREPAID 8xSHIRT');
SELECT oms.cancel_order(pg_temp.id('cost'));
UPDATE oms.sourcing_rule SET pick = 'priority' WHERE company_id = 9200;
SELECT plan FROM pg_temp.took('priority', 'NOW 981001 PREPAID 8xSHIRT 2xBOOK');
-- its cost is that of its parcels, its ranks stay those of cost
SELECT what, outcome, rank, cost > 0 AS cost FROM oms.explain_order(pg_temp.id('priority')) WHERE subject = 'node' ORDER BY seq;
SELECT p.cost = sum(n.cost) AS parcels FROM oms.decision p JOIN oms.decision n USING (order_id, run)
 WHERE p.order_id = pg_temp.id('priority') AND p.subject = 'plan' AND p.outcome = 'chosen' AND n.subject = 'node' AND n.outcome = 'chosen' GROUP BY p.cost;
SELECT oms.cancel_order(pg_temp.id('priority'));
-- the limit on parcels comes first: two nodes that fill it, as far up as can be
SELECT plan FROM pg_temp.took('two', 'TWO 981001 PREPAID 9xSHIRT');
SELECT oms.cancel_order(pg_temp.id('two'));
-- and so does filling: one parcel from whoever has all of it
SELECT plan FROM pg_temp.took('one', 'ONE 981001 PREPAID 8xSHIRT');
SELECT oms.cancel_order(pg_temp.id('one'));
-- by distance from the buyer in Mumbai; a node that stands nowhere comes last
UPDATE oms.sourcing_rule SET pick = 'distance' WHERE company_id = 9200;
SELECT plan FROM pg_temp.took('near', 'NOW 981002 PREPAID 6xSHIRT');
SELECT oms.cancel_order(pg_temp.id('near'));
UPDATE oms.node SET place = NULL WHERE node_id = 9211;
SELECT plan FROM pg_temp.took('nowhere', 'NOW 981002 PREPAID 6xSHIRT');
SELECT oms.cancel_order(pg_temp.id('nowhere'));
UPDATE oms.node SET place = oms.geo_point(12.97, 77.59) WHERE node_id = 9211;
-- most stock first, for each line by itself; what others hold is not stock
UPDATE oms.sourcing_rule SET pick = 'stock' WHERE company_id = 9200;
SELECT pg_temp.set_stock(1, 2, 9, 'BOOK');
SELECT oms.reserve_cart(pg_temp.doc('c', 'NOW 981001 PREPAID 8xSHIRT', '{"cart_id": "c", "fulfilment": {"mode": "SHIP", "node": "BLR"}}'), '2026-03-02 10:00+05:30') -> 'holds' -> 0 ->> 'node' AS held;
SELECT plan FROM pg_temp.took('most', 'NOW 981001 PREPAID 5xSHIRT 1xBOOK');
SELECT oms.cancel_order(pg_temp.id('most')), oms.release_cart('c');
-- as much of it at two: by priority
SELECT pg_temp.set_stock(1, 4, 4, 'BOOK');
SELECT plan FROM pg_temp.took('tie', 'NOW 981001 PREPAID 5xBOOK');
SELECT oms.cancel_order(pg_temp.id('tie')), pg_temp.set_stock(1, 2, 9, 'BOOK');
-- a line whole from one node: the first that has it all
UPDATE oms.sourcing_rule SET pick = 'line' WHERE company_id = 9200;
SELECT plan FROM pg_temp.took('line', 'NOW 981001 PREPAID 4xSHIRT 1xBOOK');
SELECT status, plan FROM pg_temp.took('none', 'WEB 981001 PREPAID 11xSHIRT 1xBOOK');
SELECT * FROM oms.verify();
ROLLBACK;
