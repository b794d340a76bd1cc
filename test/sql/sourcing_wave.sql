-- Waves: orders that wait planned together; optima worked out by hand.
\getenv abs_srcdir PG_ABS_SRCDIR
\set shop :abs_srcdir '/sql/include/shop.inc'
BEGIN;
\i :shop
SET oms.company = 'SHOP';
UPDATE oms.node SET handling_cost = 0, priority = 0 WHERE company_id = 9200;
INSERT INTO oms.sourcing_rule (company_id, lane_costs, cost_per_minute) VALUES (9200, true, 0);
INSERT INTO oms.serviceability (courier_service_id, pincode) VALUES (9251, '981005');
INSERT INTO oms.pincode (pincode, state_code, district) VALUES ('981005', '29', 'Shopvale');
-- what a parcel costs to each place
INSERT INTO oms.lane_cost (company_id, node_id, region, shipment_cost) VALUES
    (9200, 9211, '981001', 10), (9200, 9212, '981001', 12), (9200, 9213, '981001', 90),
    (9200, 9211, '981002', 10), (9200, 9212, '981002', 50), (9200, 9213, '981002', 95),
    (9200, 9211, '981005', 20), (9200, 9212, '981005', 21), (9200, 9213, '981005', 22);
CREATE FUNCTION pg_temp.plans() RETURNS SETOF text LANGUAGE sql AS $$
    SELECT o.external_id || ': ' || string_agg(concat_ws(' ', trim_scale(a.qty) || 'x' || k.code, coalesce(n.code, 'waits')), ', ' ORDER BY a.line_no, n.code COLLATE "C")
      FROM oms."order" o JOIN oms.allocation a USING (company_id, order_id) JOIN oms.sku k USING (sku_id) LEFT JOIN oms.node n ON n.node_id = a.node_id
     WHERE o.company_id = 9200 AND a.status <> 'cancelled' GROUP BY o.order_id, o.external_id ORDER BY o.order_id
$$;
CREATE FUNCTION pg_temp.wave(VARIADIC args text[] DEFAULT '{}') RETURNS text LANGUAGE plpgsql AS $$
DECLARE a jsonb;
BEGIN -- half an hour after the orders
    EXECUTE format('SELECT oms.allocate_wave(at => %L %s)', '2026-03-02 10:30+05:30', (SELECT string_agg(', ' || x, '') FROM unnest(args) x)) INTO a;
    RETURN (a - 'wave_id' - 'written')::text;
END $$;

-- One unit at BLR, one at BOM. Each for itself: A from BLR for 10, then B from BOM for 50. Together: A from BOM for 12, B from BLR for 10.
SELECT status FROM pg_temp.took('A', 'WEB 981001 PREPAID 1xSHIRT');
SELECT status FROM pg_temp.took('B', 'WEB 981002 PREPAID 1xSHIRT');
SELECT pg_temp.set_stock(1, 1, 0, 'SHIRT');
SELECT pg_temp.wave();
SELECT * FROM pg_temp.plans();
SELECT orders, moves, cost, unserved, rounds, state FROM oms.wave;
SELECT moving, state, tries FROM oms.wave_order ORDER BY order_id;
SELECT terms ->> 'proven' AS proven, cost FROM oms.explain_order(pg_temp.id('A')) WHERE subject = 'plan';
-- nothing is left to do
SELECT pg_temp.wave();
SELECT * FROM oms.verify();
SELECT count(oms.cancel_order(order_id)) FROM oms."order" WHERE company_id = 9200;

-- Slots: BLR has room for one parcel. Three orders of three units each side: only the one that saves most by it gets it (C: 10 against 50).
SELECT status FROM pg_temp.took('D', 'WEB 981005 PREPAID 1xBOOK');
SELECT status FROM pg_temp.took('C', 'WEB 981002 PREPAID 1xBOOK');
SELECT status FROM pg_temp.took('E', 'WEB 981001 PREPAID 1xBOOK');
SELECT pg_temp.set_stock(9, 9, 9, 'BOOK');
SELECT pg_temp.wave('capacity => ''{"BLR": 1}''');
SELECT * FROM pg_temp.plans() p WHERE p ~ '^[CDE]';
SELECT count(oms.cancel_order(order_id)) FROM oms."order" WHERE company_id = 9200 AND status <> 'cancelled';
-- the same by the node's own capacity, which counts for everybody
UPDATE oms.node SET capacity = 1 WHERE node_id = 9212;
SELECT pg_temp.set_stock(0, 0, 0, 'BOOK');
SELECT status FROM pg_temp.took('D2', 'WEB 981005 PREPAID 1xBOOK');
SELECT status FROM pg_temp.took('E2', 'WEB 981001 PREPAID 1xBOOK');
SELECT status FROM pg_temp.took('C2', 'WEB 981002 PREPAID 1xBOOK');
SELECT pg_temp.set_stock(1, 9, 9, 'BOOK');
-- BLR has one unit, BOM one slot: C2 10 from BLR, E2 12 from BOM, D2 22 from DEL
SELECT pg_temp.wave();
SELECT * FROM pg_temp.plans() p WHERE p ~ '^[CDE]2';
UPDATE oms.node SET capacity = NULL WHERE node_id = 9212;
SELECT count(oms.cancel_order(order_id)) FROM oms."order" WHERE company_id = 9200 AND status <> 'cancelled';

-- Several lines: F wants both, from one node that is BLR only; G takes its shirt from BOM though BLR is nearer
SELECT pg_temp.set_stock(0, 0, 0, 'BOOK', 'SHIRT');
SELECT status FROM pg_temp.took('G', 'WEB 981001 PREPAID 1xSHIRT');
SELECT status FROM pg_temp.took('F', 'WEB 981001 PREPAID 1xSHIRT 1xBOOK');
SELECT pg_temp.set_stock(1, 0, 0, 'BOOK'), pg_temp.set_stock(1, 1, 0, 'SHIRT');
SELECT pg_temp.wave();
SELECT * FROM pg_temp.plans() p WHERE p ~ '^[FG]:';
SELECT count(oms.cancel_order(order_id)) FROM oms."order" WHERE company_id = 9200 AND status <> 'cancelled';
-- an order no single node fills is split, a kit counts as its components
SELECT pg_temp.set_stock(0, 0, 0, 'BOOK', 'SHIRT');
SELECT status FROM pg_temp.took('H', 'WEB 981001 PREPAID 1xSHIRT 1xBOOK');
SELECT status FROM pg_temp.took('K', 'WEB 981001 PREPAID 2xPAIR');
SELECT pg_temp.set_stock(0, 4, 9, 'SHIRT'), pg_temp.set_stock(1, 1, 9, 'BOOK');
SELECT pg_temp.wave();
SELECT * FROM pg_temp.plans() p WHERE p ~ '^[HK]:';
SELECT * FROM oms.verify();
SELECT count(oms.cancel_order(order_id)) FROM oms."order" WHERE company_id = 9200 AND status <> 'cancelled';

-- More is wanted than there is: who is served whole first; the rest waits on
SELECT pg_temp.set_stock(0, 0, 0, 'BOOK', 'SHIRT');
SELECT status FROM pg_temp.took('L', 'WEB 981001 PREPAID 4xBOOK');
SELECT status FROM pg_temp.took('M', 'WEB 981001 PREPAID 2xBOOK');
SELECT pg_temp.set_stock(3, 0, 0, 'BOOK');
SELECT pg_temp.wave();
SELECT * FROM pg_temp.plans() p WHERE p ~ '^[LM]:';
SELECT count(oms.cancel_order(order_id)) FROM oms."order" WHERE company_id = 9200 AND status <> 'cancelled';

-- Moves: N had to come from BOM for 50; stock comes to BLR, 10. O saves 2 only: less than the switching cost
SELECT pg_temp.set_stock(0, 5, 0, 'BOOK');
SELECT status FROM pg_temp.took('N', 'WEB 981002 PREPAID 1xBOOK');
SELECT status FROM pg_temp.took('O', 'WEB 981001 PREPAID 1xBOOK');
SELECT pg_temp.set_stock(5, 3, 0, 'BOOK');
SELECT pg_temp.wave('moves => false');
-- a day later it would be promised later: everything is as it was
SELECT oms.allocate_wave(at => '2026-03-03 10:00+05:30') - 'wave_id' - 'written' AS answer;
SELECT * FROM pg_temp.plans() p WHERE p ~ '^[NO]:';
SELECT pg_temp.wave();
SELECT * FROM pg_temp.plans() p WHERE p ~ '^[NO]:';
SELECT status, promised_at IS NOT NULL AS promised FROM oms."order" WHERE order_id = pg_temp.id('N');
SELECT type FROM oms.event WHERE subject_id = pg_temp.id('N') AND topic = 'order' ORDER BY event_id;
SELECT s.state, count(*) FROM oms.shipment s WHERE s.order_id = pg_temp.id('N') GROUP BY 1 ORDER BY 1;
-- smaller switching cost: O as well; released, nothing moves any more
SELECT pg_temp.set_stock(6, 3, 0, 'BOOK');
SELECT pg_temp.wave('switching_cost => 1.99');
SELECT * FROM pg_temp.plans() p WHERE p ~ '^[NO]:';
SELECT pg_temp.set_stock(0, 3, 0, 'SHIRT');
SELECT status FROM pg_temp.took('R', 'WEB 981002 PREPAID 1xSHIRT');
SELECT oms.release_order(pg_temp.id('R'));
SELECT pg_temp.set_stock(3, 3, 0, 'SHIRT');
SELECT pg_temp.wave();
SELECT * FROM pg_temp.plans() p WHERE p ~ '^R:';
SELECT * FROM oms.verify();
SELECT count(oms.cancel_order(order_id)) FROM oms."order" WHERE company_id = 9200 AND status <> 'cancelled';

-- Lines that stand at different nodes: two parcels
SELECT pg_temp.set_stock(0, 0, 0, 'BOOK', 'SHIRT');
SELECT status FROM pg_temp.took('S', 'WEB 981001 PREPAID 1xSHIRT 1xBOOK');
SELECT pg_temp.set_stock(0, 1, 0, 'SHIRT'), pg_temp.set_stock(1, 0, 0, 'BOOK');
SELECT pg_temp.wave();
SELECT * FROM pg_temp.plans() p WHERE p ~ '^S:';
-- one node only where the rule says so: it waits on
SELECT count(oms.cancel_order(order_id)) FROM oms."order" WHERE company_id = 9200 AND status <> 'cancelled';
SELECT pg_temp.set_stock(0, 0, 0, 'BOOK', 'SHIRT');
SELECT status FROM pg_temp.took('S2', 'ONE 981001 PREPAID 1xSHIRT 1xBOOK');
SELECT pg_temp.set_stock(0, 1, 0, 'SHIRT'), pg_temp.set_stock(1, 0, 0, 'BOOK');
SELECT pg_temp.wave();
SELECT * FROM pg_temp.plans() p WHERE p ~ '^S2:';
SELECT count(oms.cancel_order(order_id)) FROM oms."order" WHERE company_id = 9200 AND status <> 'cancelled';

-- Written in chunks. Between them somebody takes T2's unit at BLR: T2 alone is planned anew. T3 was cancelled meanwhile
SELECT pg_temp.set_stock(0, 0, 0, 'BOOK', 'SHIRT');
SELECT status FROM pg_temp.took('T1', 'WEB 981002 PREPAID 1xSHIRT');
SELECT status FROM pg_temp.took('T2', 'WEB 981001 PREPAID 1xSHIRT');
SELECT status FROM pg_temp.took('T3', 'WEB 981001 PREPAID 1xSHIRT');
SELECT pg_temp.set_stock(3, 0, 0, 'SHIRT');
SELECT pg_temp.wave('chunk => 1');
SELECT state, finished_at IS NULL AS unfinished FROM oms.wave ORDER BY wave_id DESC LIMIT 1;
SELECT pg_temp.set_stock(1, 5, 0, 'SHIRT');
SELECT oms.cancel_order(pg_temp.id('T3'));
SELECT pg_temp.wave('chunk => 1');
SELECT pg_temp.wave('chunk => 1');
SELECT * FROM pg_temp.plans() p WHERE p ~ '^T';
SELECT o.external_id, w.state, w.tries FROM oms.wave_order w JOIN oms."order" o USING (company_id, order_id) WHERE o.external_id ~ '^T' ORDER BY 1;
SELECT count(oms.cancel_order(order_id)) FROM oms."order" WHERE company_id = 9200 AND status <> 'cancelled';

-- A node that rejected the order is not asked; neither is one no courier serves, which the planner finds
SELECT pg_temp.set_stock(1, 0, 0, 'SHIRT');
SELECT status FROM pg_temp.took('U', 'WEB 981001 PREPAID 1xSHIRT');
SELECT oms.reject_allocation((SELECT allocation_id FROM oms.allocation WHERE order_id = pg_temp.id('U')), 'DAMAGED') ->> 'status' AS rejected;
SELECT pg_temp.set_stock(3, 0, 3, 'SHIRT');
SELECT pg_temp.wave();
SELECT * FROM pg_temp.plans() p WHERE p ~ '^U:';
-- ... but for a node whose rejection is over by then
SELECT pg_temp.set_stock(1, 0, 0, 'SHIRT'), oms.cancel_order(pg_temp.id('U'));
SELECT status FROM pg_temp.took('U2', 'WEB 981001 PREPAID 1xSHIRT');
SELECT oms.reject_allocation((SELECT allocation_id FROM oms.allocation WHERE order_id = pg_temp.id('U2')), 'DAMAGED', '2026-03-02 10:20+05:30', at => '2026-03-02 10:10+05:30') ->> 'status' AS rejected;
SELECT pg_temp.set_stock(3, 0, 3, 'SHIRT');
SELECT pg_temp.wave();
SELECT * FROM pg_temp.plans() p WHERE p ~ '^U2:';
-- an order on hold moves as any: from Mumbai, 50, to Bengaluru, 10
SELECT pg_temp.set_stock(0, 3, 0, 'SHIRT'), oms.cancel_order(pg_temp.id('U2'));
SELECT status, holds FROM pg_temp.took('HELD', 'WEB 981002 PREPAID 1xSHIRT', '{"payment": {"mode": "PREPAID", "paid_amount": 1}}');
SELECT pg_temp.set_stock(3, 3, 0, 'SHIRT');
SELECT pg_temp.wave();
SELECT * FROM pg_temp.plans() p WHERE p ~ '^HELD:';
SELECT oms.cancel_order(pg_temp.id('HELD'));
SELECT pg_temp.set_stock(0, 0, 0, 'BOOK');
SELECT status FROM pg_temp.took('V', 'WEB 981001 COD 1xBOOK');
UPDATE oms.serviceability SET pickup = false WHERE pincode = '981001' AND courier_service_id = 9251;
SELECT pg_temp.set_stock(3, 3, 0, 'BOOK');
SELECT pg_temp.wave();
SELECT * FROM pg_temp.plans() p WHERE p ~ '^V:';
SELECT o.external_id, w.state FROM oms.wave_order w JOIN oms."order" o USING (company_id, order_id) WHERE o.external_id ~ '^[UV]' ORDER BY 1;

-- Couriers that pick up no more: of three orders at one node SHOPC takes one parcel, DEAR one; the third waits on
SELECT count(oms.cancel_order(order_id)) FROM oms."order" WHERE company_id = 9200 AND status <> 'cancelled';
UPDATE oms.serviceability SET pickup = true WHERE courier_service_id = 9251;
INSERT INTO oms.courier (courier_id, code, name) VALUES (9242, 'DEAR', 'Dear courier'), (9243, 'THIRD', 'Third courier');
INSERT INTO oms.courier_service (courier_service_id, courier_id, code, name, mode) VALUES (9252, 9242, 'DEAR-S', 'Surface', 'surface'), (9253, 9243, 'THIRD-S', 'Surface', 'surface');
INSERT INTO oms.serviceability (courier_service_id, pincode) SELECT s, p FROM unnest('{9252,9253}'::int[]) s, unnest('{981001,981002,981005}'::text[]) p;
INSERT INTO oms.zone_rule (courier_id, seq, test, zone) VALUES (9242, 1, 'otherwise', 'Z'), (9243, 1, 'otherwise', 'Z');
INSERT INTO oms.zone_transit (courier_service_id, zone, days) VALUES (9252, 'Z', 2), (9253, 'Z', 2);
INSERT INTO oms.rate_card (rate_card_id, company_id, courier_service_id) VALUES (9262, 9200, 9252), (9263, 9200, 9253);
INSERT INTO oms.rate_slab (rate_card_id, zone, leg, base, add) SELECT c, 'Z', l, 90, 20 FROM unnest('{9262,9263}'::int[]) c, unnest('{forward,rto,reverse}'::text[]) l;
SELECT pg_temp.set_stock(0, 0, 0, 'BOOK', 'SHIRT');
SELECT status FROM pg_temp.took('X1', 'WEB 981001 PREPAID 1xBOOK');
SELECT status FROM pg_temp.took('X2', 'WEB 981001 PREPAID 1xBOOK');
SELECT status FROM pg_temp.took('X3', 'WEB 981001 PREPAID 1xBOOK');
SELECT pg_temp.set_stock(9, 0, 0, 'BOOK');
SELECT pg_temp.wave($$capacity => '{"BLR": {"SHOPC": 1, "DEAR": 1}}'$$);
SELECT o.external_id, a.status, v.code FROM oms."order" o JOIN oms.allocation a USING (company_id, order_id) LEFT JOIN oms.shipment s USING (company_id, shipment_id)
  LEFT JOIN oms.courier_service v ON v.courier_service_id = s.courier_service_id WHERE o.external_id ~ '^X' ORDER BY 1;
-- where the couriers with room do not serve the order it waits, without a hold; and goes with the next wave
UPDATE oms.serviceability SET prepaid = false WHERE courier_service_id = 9252;
SELECT pg_temp.wave($$capacity => '{"BLR": {"SHOPC": 0, "DEAR": 5}}'$$);
SELECT o.status, w.state FROM oms.wave_order w JOIN oms."order" o USING (company_id, order_id) WHERE o.external_id = 'X3';
SELECT pg_temp.wave();
SELECT o.status, w.state FROM oms.wave_order w JOIN oms."order" o USING (company_id, order_id) WHERE o.external_id = 'X3' ORDER BY w.wave_id;

-- what is refused
SELECT pg_temp.fails(q) FROM unnest(ARRAY[
    $$SELECT oms.allocate_wave(max_orders => 0)$$, $$SELECT oms.allocate_wave(chunk => NULL)$$, $$SELECT oms.allocate_wave(switching_cost => -1)$$, $$SELECT oms.allocate_wave(switching_cost => 'NaN')$$, $$SELECT oms.allocate_wave(moves => NULL)$$,
    $$SELECT oms.allocate_wave(at => 'infinity')$$, $$SELECT oms.allocate_wave('NONE')$$,
    $$SELECT oms.allocate_wave(capacity => '[1]')$$, $$SELECT oms.allocate_wave(capacity => '{"NONE": 1}')$$, $$SELECT oms.allocate_wave(capacity => '{"BLR": -1}')$$,
    $$SELECT oms.allocate_wave(capacity => '{"BLR": {"NONE": 1}}')$$, $$SELECT oms.allocate_wave(capacity => '{"BLR": {"SHOPC": "x"}}')$$]) q;
SELECT * FROM oms.verify();
ROLLBACK;
