-- What stock is worth: prices worked out by hand, and plans that mind them.
\getenv abs_srcdir PG_ABS_SRCDIR
\set shop :abs_srcdir '/sql/include/shop.inc'
BEGIN;
\i :shop
INSERT INTO oms.pincode (pincode, state_code, district, place) VALUES ('982001', '27', 'Second', oms.geo_point(19.07, 72.87)), ('983001', '27', 'Third', NULL);
INSERT INTO oms.serviceability (courier_service_id, pincode) VALUES (9251, '982001'), (9251, '983001');
UPDATE oms.node SET open = false WHERE node_id = 9213;
-- a parcel: lane + handling 15 + priority 100 x 0.05; half of it a unit, and the unit's own cost:
-- BLR to 981: (40 + 20) / 2 + 10 = 40   BLR to 982: (60 + 20) / 2 + 20 = 60
-- BOM to 981: (80 + 20) / 2 + 30 = 80   BOM to 982: (40 + 20) / 2 +  5 = 35
INSERT INTO oms.lane_cost VALUES (9200, 9211, '981', 40, 10), (9200, 9211, '98', 60, 20), (9200, 9212, '981', 80, 30), (9200, 9212, '982', 40, 5);
INSERT INTO oms.demand_forecast (company_id, sku_id, region, period_from, period_to, qty)
SELECT 9200, 9221, r, '2026-03-02 00:00+05:30', '2026-03-12 00:00+05:30', q FROM (VALUES ('981', 8), ('982', 4)) v (r, q);
CREATE FUNCTION pg_temp.prices() RETURNS text LANGUAGE sql AS $$
    SELECT string_agg(format('%s %s %s', n.code, k.code, p.price), ', ' ORDER BY n.code COLLATE "C", k.code COLLATE "C")
      FROM oms.stock_price p JOIN oms.node n USING (node_id) JOIN oms.sku k USING (sku_id) WHERE p.company_id = 9200
$$;
-- 10 units for 12: two of 981 go without (200 each). A unit less at BLR is one more of them: 200 - 40; at BOM: 200 - 80, but
-- with four there the next would be one of 982: 200 - 35. The mean of the two: 142.50
SELECT pg_temp.set_stock(5, 5, 0, 'SHIRT');
SELECT oms.compute_stock_prices(at => '2026-03-02 00:00+05:30', cover => '10 days', share => 0.5) AS n, pg_temp.prices();
-- rules of one item, of the counter and of another day are not everybody's
INSERT INTO oms.sourcing_rule (company_id, sku_id, fulfilment_mode, valid_from, valid_to, cost_per_priority) VALUES (9200, 9221, 'SHIP', '-infinity', 'infinity', 2), (9200, NULL, 'CARRY_OUT', '-infinity', 'infinity', 2), (9200, NULL, 'SHIP', '2026-03-03', 'infinity', 2);
SELECT oms.compute_stock_prices(at => '2026-03-02 00:00+05:30', cover => '10 days', share => 0.5) AS n, pg_temp.prices();
DELETE FROM oms.sourcing_rule WHERE company_id = 9200;
-- with a dear unserved unit the more
SELECT oms.compute_stock_prices(at => '2026-03-02 00:00+05:30', cover => '10 days', share => 0.5, penalty => 500) AS n, pg_temp.prices();
-- BOM has enough: one more at BLR saves what 981 costs from there, 80 - 40; one more at BOM nothing
SELECT pg_temp.set_stock(5, 20, 0, 'SHIRT');
SELECT oms.compute_stock_prices(at => '2026-03-02 00:00+05:30', cover => '10 days', share => 0.5) AS n, pg_temp.prices();
-- what is reserved, kept back or not sold is not there: nothing at BOM serves 981, 4 of 982 go without
SELECT oms.set_stock_policy('BOM', 'SHIRT', safety => 20);
SELECT oms.compute_stock_prices(at => '2026-03-02 00:00+05:30', cover => '10 days', share => 0.5) AS n, pg_temp.prices();
SELECT oms.set_stock_policy('BOM', 'SHIRT', safety => 0);
-- half of the period is over: 4 and 2 are still to come, all from their own door; of BLR's five the next is one too many, the next but one is missing: half of 40
SELECT oms.compute_stock_prices(at => '2026-03-07 00:00+05:30', cover => '10 days', share => 0.5) AS n, pg_temp.prices();
-- a price stated by hand stays
INSERT INTO oms.stock_price (company_id, node_id, sku_id, price, basis) VALUES (9200, 9212, 9223, 7, 'given');
SELECT oms.compute_stock_prices(at => '2026-03-02 00:00+05:30', cover => '10 days', share => 0.5) AS n, pg_temp.prices();

-- Plans. To 983 a parcel costs 15 + 5 + 60 + 20 a unit from BLR; from BOM 15 + 5 + 75 + 35, 30 more; a unit at BLR is worth 40.
INSERT INTO oms.lane_cost VALUES (9200, 9212, '983', 75, 35);
SELECT pg_temp.set_stock(5, 20, 0, 'BOOK');
INSERT INTO oms.sourcing_rule (company_id, lane_costs, cost_per_minute) VALUES (9200, true, 0);
SELECT plan FROM pg_temp.took('myopic', 'WEB 983001 PREPAID 1xSHIRT');
SELECT what, outcome, cost, terms ->> 'stock_price' AS worth FROM oms.explain_order(pg_temp.id('myopic')) WHERE subject IN ('node', 'plan') ORDER BY seq;
UPDATE oms.sourcing_rule SET stock_price_weight = 1;
SELECT plan FROM pg_temp.took('priced', 'WEB 983001 PREPAID 1xSHIRT');
SELECT what, outcome, cost, terms ->> 'stock_price' AS worth FROM oms.explain_order(pg_temp.id('priced')) WHERE subject IN ('node', 'plan') ORDER BY seq;
-- half the worth is less than 30; and whoever is in 981 gets it from BLR all the same
UPDATE oms.sourcing_rule SET stock_price_weight = 0.5;
SELECT plan FROM pg_temp.took('half', 'WEB 983001 PREPAID 1xSHIRT');
UPDATE oms.sourcing_rule SET stock_price_weight = 1;
SELECT plan FROM pg_temp.took('near', 'WEB 981001 PREPAID 1xSHIRT');
SELECT cost, terms ->> 'stock_price' AS worth FROM oms.explain_order(pg_temp.id('near')) WHERE subject = 'plan' AND outcome = 'chosen';
-- a kit is worth its components: from BLR 2 x 40, from BOM the book's 7
SELECT plan FROM pg_temp.took('kit', 'WEB 981001 PREPAID 1xPAIR');
SELECT what, cost, terms ->> 'stock_price' AS worth FROM oms.explain_order(pg_temp.id('kit')) WHERE subject = 'plan' AND outcome = 'chosen';
-- each line whole from one node: 18 shirts are nowhere, only here and there
SELECT plan FROM pg_temp.took('divided', 'WEB 981001 PREPAID 18xSHIRT');
SELECT oms.cancel_order(pg_temp.id('divided'));
UPDATE oms.sourcing_rule SET line_single_node = true;
SELECT plan FROM pg_temp.took('whole', 'WEB 981001 PREPAID 18xSHIRT');

-- Without lanes the planner's distance counts: 845.1 km x 0.02 x half a parcel, from BOM to the middle of 981's pincodes that have a place
DELETE FROM oms.lane_cost;
DELETE FROM oms.pincode WHERE pincode IN ('981002', '981003');
DELETE FROM oms.stock_price;
DELETE FROM oms.demand_forecast WHERE region = '982';
SELECT oms.compute_stock_prices(at => '2026-03-02 00:00+05:30', cover => '10 days', share => 0.5) AS n, pg_temp.prices();

-- The forecast: orders 14 days old count half. 4 + 2 (in a kit) shirts weigh 3, a book 0.5, over 14 days that weigh 14 / 2 / ln 2 = 10.1 days
DELETE FROM oms.demand_forecast;
UPDATE oms."order" SET placed_at = '2026-01-01' WHERE company_id = 9200;
SELECT status FROM pg_temp.took('f1', 'WEB 981001 PREPAID 4xSHIRT', '{"placed_at": "2026-06-01T10:00:00+05:30"}', '2026-06-01 10:00+05:30');
SELECT status FROM pg_temp.took('f2', 'WEB 981001 PREPAID 1xPAIR', '{"placed_at": "2026-06-01T10:00:00+05:30"}', '2026-06-01 10:00+05:30');
SELECT oms.forecast_demand(at => '2026-06-15 10:00+05:30', history => '14 days') AS rows;
CREATE FUNCTION pg_temp.forecast() RETURNS text LANGUAGE sql AS $$
    SELECT string_agg(format('%s %s %s %s', k.code, f.region, f.qty, f.source), ', ' ORDER BY k.code COLLATE "C", f.region)
      FROM oms.demand_forecast f JOIN oms.sku k USING (sku_id) WHERE f.company_id = 9200
$$;
SELECT pg_temp.forecast();
-- units cancelled do not count; the run before is replaced
SELECT oms.cancel_order(pg_temp.id('f2'));
UPDATE oms.order_line SET cancelled_qty = qty WHERE order_id = pg_temp.id('f2');
SELECT oms.forecast_demand(at => '2026-06-15 10:00+05:30', history => '14 days') AS rows, pg_temp.forecast();
-- an item somebody has stated is left to him
INSERT INTO oms.demand_forecast (company_id, sku_id, region, period_from, period_to, qty) VALUES (9200, 9221, '5', '2026-06-20', '2026-06-21', 99);
SELECT oms.forecast_demand(at => '2026-06-15 10:00+05:30', history => '14 days') AS rows, pg_temp.forecast();
-- the job
DELETE FROM oms.demand_forecast;
SELECT name, error FROM oms.run_jobs('stock_prices');
SELECT oms.refresh_stock_prices('2026-06-15 10:00+05:30') AS prices, pg_temp.forecast();
-- what is refused
SELECT pg_temp.fails(q) FROM unnest(ARRAY[
    $$SELECT oms.compute_stock_prices(share => 1.5)$$, $$SELECT oms.compute_stock_prices(share => 'NaN')$$, $$SELECT oms.compute_stock_prices(penalty => -1)$$,
    $$SELECT oms.compute_stock_prices(cover => '0')$$, $$SELECT oms.compute_stock_prices(at => 'infinity')$$, $$SELECT oms.compute_stock_prices(at => NULL)$$,
    $$SELECT oms.compute_stock_prices('NONE')$$, $$SELECT oms.forecast_demand(half_life => '0')$$, $$SELECT oms.forecast_demand('NONE')$$]) q;
SELECT * FROM oms.verify();
ROLLBACK;
