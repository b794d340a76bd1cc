-- Past orders planned again under other rules: what would have gone from where.
\getenv abs_srcdir PG_ABS_SRCDIR
\set shop :abs_srcdir '/sql/include/shop.inc'
BEGIN;
\i :shop
-- a day of a shop: every row at the hour it would have had
CREATE FUNCTION pg_temp.hour(h numeric) RETURNS timestamptz LANGUAGE sql AS $$ SELECT '2026-03-02 00:00+05:30'::timestamptz + h * interval '1 hour' $$;
CREATE FUNCTION pg_temp.dated(h numeric) RETURNS void LANGUAGE sql AS $$
    UPDATE oms.stock_ledger SET created_at = pg_temp.hour(h) WHERE company_id = 9200 AND created_at = now();
    UPDATE oms.reservation SET created_at = pg_temp.hour(h) WHERE company_id = 9200 AND created_at = now();
    UPDATE oms.reservation SET closed_at = pg_temp.hour(h) WHERE company_id = 9200 AND closed_at = now();
    UPDATE oms.line_cancellation SET created_at = pg_temp.hour(h) WHERE company_id = 9200 AND created_at = now();
    UPDATE oms.event SET created_at = pg_temp.hour(h) WHERE company_id = 9200 AND created_at = now();
$$;
CREATE FUNCTION pg_temp.order_at(id text, what text, h numeric, more jsonb DEFAULT '{}') RETURNS text LANGUAGE plpgsql AS $$
DECLARE p text := pg_temp.plan(pg_temp.capture(id, what, more, pg_temp.hour(h)));
BEGIN PERFORM pg_temp.dated(h); RETURN p; END $$;
CREATE FUNCTION pg_temp.sim(rules jsonb, since numeric DEFAULT 9, till numeric DEFAULT 24, OUT ext text, OUT was text, OUT now text, OUT plan jsonb, OUT complete boolean, OUT dearer numeric) RETURNS SETOF record LANGUAGE sql AS $$
    SELECT external_id, array_to_string(was_nodes, ' '), array_to_string(nodes, ' '), plan, complete, cost - was_cost FROM oms.simulate(rules, pg_temp.hour(since), pg_temp.hour(till)) ORDER BY captured_at, order_id
$$;
SELECT pg_temp.set_stock(3, 5, 0, 'SHIRT'), pg_temp.set_stock(9, 9, 9, 'BOOK'), pg_temp.dated(1);
SELECT pg_temp.order_at('early', 'WEB 981001 PREPAID 1xBOOK', 8);
SELECT pg_temp.order_at('o1', 'WEB 981001 PREPAID 2xSHIRT', 10);
SELECT pg_temp.order_at('o2', 'WEB 981001 PREPAID 2xSHIRT 1xBOOK', 11);
SELECT pg_temp.order_at('o3', 'WEB 981001 PREPAID 1xSHIRT', 12);
SELECT pg_temp.order_at('o4', 'WEB 981001 PREPAID 1xSHIRT', 13);
SELECT oms.adjust_stock('BOM', 'SHIRT', 6), pg_temp.dated(13.5);
SELECT pg_temp.order_at('o5', 'WEB 981001 PREPAID 1xPAIR', 14);
SELECT oms.cancel_order(pg_temp.id('o1')), pg_temp.dated(15);
SELECT pg_temp.order_at('o6', 'WEB 981001 PREPAID 3xSHIRT', 16);
SELECT oms.cancel_line(pg_temp.id('o6'), 1, 1, request_id => 'x') ->> 'qty' AS cancelled, pg_temp.dated(17);
SELECT pg_temp.order_at('o7', 'NOW 981001 COD 1xSHIRT', 18);
SELECT pg_temp.order_at('o8', 'WEB 981001 PREPAID 9xSHIRT', 19);
SELECT pg_temp.stock('SHIRT'), pg_temp.stock('BOOK');

-- nothing changed: everything as it was, cost and promise too
SELECT count(*), bool_and(was_nodes = nodes AND was_parcels = parcels AND was_complete = complete AND was_cost = cost AND was_promised_at IS NOT DISTINCT FROM promised_at) AS same
  FROM oms.simulate('{}', pg_temp.hour(9), pg_temp.hour(24));
-- ... from any hour on, and when goods have left since
SELECT h, count(s), bool_and(was_nodes = nodes AND was_cost = cost AND was_complete = complete) AS same
  FROM generate_series(7, 20) h LEFT JOIN LATERAL oms.simulate('{}', pg_temp.hour(h), pg_temp.hour(24)) s ON true GROUP BY h ORDER BY h;
SELECT oms.add_awbs('SHOPC', '{A1,A2,A3,A4,A5,A6}');
SELECT oms.lift_hold(order_id), oms.release_order(order_id) FROM oms."order" WHERE order_id IN (pg_temp.id('o2'), pg_temp.id('o4'));
SELECT count(oms.dispatch_shipment(shipment_id)) FROM oms.shipment WHERE order_id IN (pg_temp.id('o2'), pg_temp.id('o4'));
SELECT pg_temp.dated(20);
-- what left does not come back: nothing is there for the next
SELECT pg_temp.order_at('o9', 'WEB 981001 PREPAID 1xSHIRT', 21);
SELECT h, bool_and(was_nodes = nodes AND was_cost = cost AND was_complete = complete) AS same
  FROM unnest('{9,11.5,13.2,15.5}'::numeric[]) h, oms.simulate('{}', pg_temp.hour(h), pg_temp.hour(24)) GROUP BY h ORDER BY h;

-- Mumbai first: its five shirts go to the first three orders (2, 2, 1), the
-- next comes from Bengaluru; a count of one more at 13:30; what is cancelled
-- comes back to where it was taken from here
SELECT * FROM pg_temp.sim('{"node": {"BOM": {"priority": -20000}}}');
-- a node that was closed; a window
SELECT * FROM pg_temp.sim('{"node": {"BOM": {"open": false}, "BLR": {"handling_cost": 20}}}', 10, 13);
-- no backorders: what is short takes nothing
SELECT * FROM pg_temp.sim('{"channel": {"WEB": {"allow_backorder": false}}}', 15.5);
-- one parcel an order
SELECT * FROM pg_temp.sim('{"channel": {"WEB": {"allow_split": false}}}', 15.5);
-- parcels cost so much more; a rule of one channel before that of all; what there is stays
INSERT INTO oms.sourcing_rule (company_id, channel_id, shipment_cost, cost_per_km) VALUES (9200, 9201, 60, 0.01);
SELECT ext, now, dearer FROM pg_temp.sim('{"rule": {"shipment_cost": 145, "cost_per_km": 0.02}}', 10, 11.5);
SELECT ext, now, dearer FROM pg_temp.sim('{"rule": {"shipment_cost": 1}, "channel": {"WEB": {"rule": {"shipment_cost": 245, "cost_per_km": 0.02}}}}', 10, 11.5);
SELECT ext, now, dearer FROM pg_temp.sim('{"rule": {"cost_per_km": 0.02}}', 10, 11.5);
SELECT ext, now, plan FROM pg_temp.sim('{"rule": {"pick": "distance", "max_distance_m": 100000}}', 10, 13);
DELETE FROM oms.sourcing_rule WHERE company_id = 9200;

-- a cart held the last shirts of Bengaluru for a quarter of an hour
SELECT pg_temp.set_stock(4, 4, 0, 'TV'), pg_temp.dated(2);
SELECT oms.reserve_cart(pg_temp.doc('', 'WEB 981001 PREPAID 4xTV') - 'external_id' - 'payment' || '{"cart_id": "K"}', pg_temp.hour(9)) -> 'holds' -> 0 ->> 'node' AS held, pg_temp.dated(9);
SELECT pg_temp.order_at('t1', 'WEB 981001 PREPAID 1xTV', 9.1);
SELECT pg_temp.order_at('t3', 'WEB 981002 PREPAID 1xTV', 9.3);
SELECT pg_temp.order_at('t2', 'WEB 981001 PREPAID 1xTV', 9.5);
SELECT ext, was, now FROM pg_temp.sim('{}', 9, 10);
SELECT ext, was, now FROM pg_temp.sim('{}', 9.2, 10);
-- its time was over before anybody closed it
SELECT ext, was, now FROM pg_temp.sim('{"node": {"BOM": {"open": false}}}', 9.2, 9.4);

-- where the ERP counts it books what left: once, though the plan made anew holds it as well
SELECT pg_temp.set_stock(0, 0, 2, 'RING'), pg_temp.dated(32);
UPDATE oms.node SET stock_from = 'erp' WHERE node_id = 9213;
SELECT pg_temp.order_at('e1', 'WEB 981003 PREPAID 1xRING', 33);
UPDATE oms.allocation SET status = 'shipped' WHERE order_id = pg_temp.id('e1');
UPDATE oms."order" SET status = 'shipped' WHERE order_id = pg_temp.id('e1');
UPDATE oms.stock SET on_hand = 1, reserved = 0 WHERE company_id = 9200 AND node_id = 9213 AND sku_id = 9226;
UPDATE oms.reservation SET state = 'closed', close_reason = 'consumed', closed_at = pg_temp.hour(34) WHERE company_id = 9200 AND sku_id = 9226;
INSERT INTO oms.stock_ledger (company_id, node_id, sku_id, delta, on_hand, reason, created_at) VALUES (9200, 9213, 9226, -1, 1, 'erp', pg_temp.hour(34));
SELECT pg_temp.order_at('e2', 'WEB 981003 PREPAID 1xRING', 35);
SELECT ext, was, now FROM pg_temp.sim('{}', 32.5, 36);
SELECT ext, was, now FROM pg_temp.sim('{}', 34.5, 36);
UPDATE oms.node SET stock_from = 'oms' WHERE node_id = 9213;
-- summed up
SELECT jsonb_pretty(oms.simulation_summary('{"node": {"BLR": {"open": false}}}', pg_temp.hour(10), pg_temp.hour(24)) - 'was');
SELECT oms.simulation_summary('{}', pg_temp.hour(10), pg_temp.hour(24)) -> 'difference' AS none;
SELECT oms.simulation_summary('{}', pg_temp.hour(1), pg_temp.hour(2)) #> '{simulated,fill_rate}' AS of_none;
SELECT oms.simulation_difference('{"nodes": {"A": 2, "B": 1}, "queued": ["x", "z"]}', '{"nodes": {"A": 2, "C": 3}, "queued": ["x", "y"]}') - '{filled,splits,parcels,cost}'::text[] AS difference;

-- an item that is sold no more is told
UPDATE oms.sku SET active = false WHERE code = 'TV' AND company_id = 9200;
SELECT external_id, was_nodes, nodes, error FROM oms.simulate('{}', pg_temp.hour(9), pg_temp.hour(10)) ORDER BY 1;
SELECT oms.simulation_summary('{}', pg_temp.hour(9), pg_temp.hour(10)) -> 'not_planned' AS not_planned;

-- nothing is written, nor needs to be
CREATE TEMP TABLE before AS SELECT (SELECT count(*) FROM oms.event) AS e, (SELECT count(*) FROM oms.reservation) AS r, (SELECT sum(version) FROM oms.stock) AS v, (SELECT last_value FROM oms.allocation_allocation_id_seq) AS a;
SAVEPOINT reading;
SET TRANSACTION READ ONLY;
SELECT count(*) FROM oms.simulate('{"node": {"BOM": {"priority": 1}}}', '-infinity', 'infinity');
ROLLBACK TO reading;
SELECT count(*) FROM oms.simulate('{}', '-infinity', 'infinity');
SELECT before = (SELECT x FROM (SELECT (SELECT count(*) FROM oms.event) AS e, (SELECT count(*) FROM oms.reservation) AS r, (SELECT sum(version) FROM oms.stock) AS v, (SELECT last_value FROM oms.allocation_allocation_id_seq) AS a) x) AS untouched FROM before;

-- a shop that begins: its stock was counted at 20 o'clock, orders of that day were loaded after; what they
-- find is that count, once; who is before them in the day has his.  Orders that were on the books
-- before the count find nothing
SELECT pg_temp.set_stock(3, 1, 0, 'RING'), pg_temp.dated(20);
SELECT pg_temp.order_at('r1', 'ONE 981001 PREPAID 2xRING@1000', 10);
SELECT pg_temp.order_at('r2', 'ONE 981001 PREPAID 2xRING@1000', 11);
UPDATE oms.reservation SET created_at = pg_temp.hour(21) WHERE sku_id = 9226 AND company_id = 9200;
UPDATE oms.allocation SET created_at = pg_temp.hour(21) WHERE sku_id = 9226 AND company_id = 9200;
SELECT oms.adjust_stock('BLR', 'RING', 5), pg_temp.dated(22);
SET client_min_messages = notice;
SELECT * FROM pg_temp.sim('{}', 9.9) WHERE ext ~ '^r';
SELECT ext, plan FROM pg_temp.sim('{"node": {"BLR": {"open": false}}}', 9.9) WHERE ext ~ '^r';
SELECT ext, plan FROM pg_temp.sim('{}', 10.5) WHERE ext ~ '^r';
UPDATE oms.allocation SET created_at = pg_temp.hour(10) WHERE company_id = 9200 AND sku_id = 9226;
SELECT ext, plan FROM pg_temp.sim('{}', 9.9) WHERE ext ~ '^r';
SET client_min_messages = warning;
-- what is no rule is refused
-- (columns of rules come to be more)
\pset format unaligned
SELECT rules, regexp_replace(pg_temp.fails(format('SELECT oms.simulate(%L, now(), now())', rules)), 'Known are max_distance_m, .*, shipment_cost, .*', 'Known are columns.') AS fails FROM (VALUES
    ($$[]$$),
    ($${"rules": {}}$$),
    ($${"rule": []}$$),
    ($${"node": []}$$),
    ($${"node": {"NOWHERE": {}}}$$),
    ($${"channel": {"NOSUCH": {}}}$$),
    ($${"node": {"BLR": 1}}$$),
    ($${"node": {"BLR": {"code": "A"}}}$$),
    ($${"rule": {"shipment_cost": "dear"}}$$),
    ($${"rule": {"max_nodes": 0}}$$),
    ($${"rule": {"pick": "best"}}$$),
    ($${"rule": {"channel_id": 1}}$$),
    ($${"rule": {"max_nodes": null}}$$),
    ($${"node": {"BLR": {"open": null}}}$$),
    ($${"channel": {"WEB": {"rule": {"max_nodes": 31}}}}$$),
    ($${"channel": {"WEB": {"max_shipments": 0}}}$$),
    ($${"channel": {"WEB": {"active": false}}}$$),
    ($${"node": {"BLR": {"priority": 1e12}}}$$)) v (rules);
\pset format aligned
SELECT count(*) FROM oms.simulate('{"rule": {"max_distance_m": null}}', '-infinity', '-infinity');
SELECT pg_temp.fails(q) FROM (VALUES ($$SELECT oms.simulate(NULL, now(), now())$$), ($$SELECT oms.simulate('{}', NULL, now())$$), ($$SELECT oms.simulate('{}', now(), NULL)$$), ($$SELECT oms.simulation_summary('{}', now(), NULL)$$),
    ($$SELECT oms.simulate('{}', '2026-03-02 10:00+05:30', '2026-03-02 09:59:59+05:30')$$), ($$SELECT oms.simulation_summary('{}', 'infinity', '-infinity')$$)) v (q);
SELECT pg_temp.fails($$SELECT oms.simulate('{}', now(), now(), 'NOBODY')$$);
SELECT * FROM oms.verify();
ROLLBACK;
