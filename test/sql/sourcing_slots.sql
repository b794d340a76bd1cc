-- Capacity of nodes, reserved like stock; and orders that cannot be filled:
-- parked, and cancelled in the end.
\getenv abs_srcdir PG_ABS_SRCDIR
\set shop :abs_srcdir '/sql/include/shop.inc'
BEGIN;
\i :shop
SELECT pg_temp.set_stock(50, 50, 50, 'SHIRT', 'BOOK');
-- Bengaluru takes two parcels a day
UPDATE oms.node SET capacity = 2 WHERE code = 'BLR' AND company_id = 9200;
UPDATE oms.node SET open = code = 'BLR' WHERE company_id = 9200;
CREATE FUNCTION pg_temp.took1(id text, what text, more jsonb DEFAULT '{}', at timestamptz DEFAULT '2026-03-02 10:00+05:30', OUT plan text, OUT promised timestamptz) LANGUAGE sql AS $$
    SELECT pg_temp.plan(a), (a ->> 'promised_at')::timestamptz FROM pg_temp.capture(id, what, more, at) a
$$;
CREATE FUNCTION pg_temp.slots() RETURNS TABLE (node text, starts_at timestamptz, used numeric, capacity numeric, uses bigint) LANGUAGE sql AS $$
    SELECT n.code, s.starts_at, trim_scale(s.used), trim_scale(s.capacity), (SELECT count(*) FROM oms.slot_use u WHERE (u.node_id, u.starts_at) = (s.node_id, s.starts_at))
      FROM oms.node_slot s JOIN oms.node n USING (node_id) WHERE s.company_id = 9200 ORDER BY 1, 2
$$;
-- a promise takes nothing; Monday, before the cut-off: two go that day, the next two on Tuesday
SELECT count(oms.promise(pg_temp.doc('p', 'NOW 981001 PREPAID 1xSHIRT'), '2026-03-02 10:00+05:30')) FROM generate_series(1, 3);
SELECT * FROM pg_temp.slots();
SELECT i, t.* FROM generate_series(1, 5) i, pg_temp.took1('d' || i, 'NOW 981001 PREPAID 1xSHIRT 3xBOOK') t;
SELECT * FROM pg_temp.slots();
SELECT oms.promise(pg_temp.doc('p', 'NOW 981001 PREPAID 1xSHIRT'), '2026-03-02 10:00+05:30') -> 'promised_at' AS third_day;
-- given back once, and taken by the next
SELECT oms.cancel_order(pg_temp.id('d1')), oms.cancel_order(pg_temp.id('d1'));
SELECT * FROM pg_temp.slots();
SELECT * FROM pg_temp.took1('d6', 'NOW 981001 PREPAID 1xSHIRT');
-- of a line: the parcel goes on, until nothing is in it
SELECT (oms.cancel_line(pg_temp.id('d2'), 2)) ->> 'status' AS status;
SELECT used FROM pg_temp.slots() LIMIT 1;
SELECT (oms.cancel_line(pg_temp.id('d2'), 1)) ->> 'status' AS status;
SELECT used FROM pg_temp.slots() LIMIT 1;
-- Saturday after the cut-off: Monday's slot; a day off that is a row; a slot cut down below what is taken
SELECT * FROM pg_temp.took1('s1', 'NOW 981001 PREPAID 1xSHIRT', '{}', '2026-03-07 18:00+05:30');
INSERT INTO oms.node_slot (company_id, node_id, starts_at, capacity) VALUES (9200, 9211, '2026-03-10 00:00+05:30', 0);
UPDATE oms.node_slot SET capacity = 0 WHERE node_id = 9211 AND starts_at = '2026-03-09 00:00+05:30';
SELECT * FROM pg_temp.took1('s2', 'NOW 981001 PREPAID 1xSHIRT', '{}', '2026-03-07 18:00+05:30');
SELECT * FROM pg_temp.slots() WHERE starts_at > '2026-03-08';
-- another node where this one would be late, and its reason where the rule refuses it
UPDATE oms.node SET open = true WHERE company_id = 9200;
INSERT INTO oms.sourcing_rule (company_id, cost_per_minute, cost_per_km, when_full) VALUES (9200, 0, 0.02, 'refuse');
SELECT * FROM pg_temp.took1('r1', 'NOW 981001 PREPAID 1xSHIRT', '{}', '2026-03-09 10:00+05:30');
SELECT what, outcome, reason FROM oms.explain_order(pg_temp.id('r1')) WHERE subject = 'node' ORDER BY 1;
UPDATE oms.sourcing_rule SET when_full = 'next';
SELECT * FROM pg_temp.took1('r2', 'NOW 981001 PREPAID 1xSHIRT', '{}', '2026-03-09 10:00+05:30');
-- at least so much must be left: of the 12th one place is, and it is passed over
UPDATE oms.sourcing_rule SET min_capacity = 2;
SELECT * FROM pg_temp.took1('r3', 'NOW 981001 PREPAID 1xSHIRT', '{}', '2026-03-09 10:00+05:30');
SELECT * FROM pg_temp.slots() WHERE used > 0 AND starts_at > '2026-03-08' ORDER BY starts_at;
SELECT * FROM pg_temp.took1('r4', 'NOW 981001 PREPAID 1xSHIRT', '{}', '2026-03-09 10:00+05:30');
UPDATE oms.sourcing_rule SET min_capacity = NULL;
-- load as a weight: an empty node 844 km off against one that is half full here
UPDATE oms.sourcing_rule SET cost_per_load = 40;
UPDATE oms.node SET capacity = 2 WHERE code = 'BOM' AND company_id = 9200;
SELECT i, t.plan FROM generate_series(1, 3) i, pg_temp.took1('l' || i, 'NOW 981001 PREPAID 1xSHIRT', '{}', '2026-03-16 10:00+05:30') t;
SELECT * FROM oms.verify();
DELETE FROM oms.sourcing_rule WHERE company_id = 9200;

-- units, by slots of six hours of packing (an hour after capture): 10 units each
UPDATE oms.node SET capacity = 10, capacity_unit = 'units', slot_hours = 6 WHERE code = 'BLR' AND company_id = 9200;
UPDATE oms.node SET open = code = 'BLR' WHERE company_id = 9200;
SELECT plan FROM pg_temp.took1('u1', 'NOW 981001 PREPAID 3xSHIRT 4xBOOK', '{}', '2026-04-06 10:59+05:30');
SELECT plan FROM pg_temp.took1('u2', 'NOW 981001 PREPAID 3xSHIRT', '{}', '2026-04-06 10:00+05:30');
SELECT plan FROM pg_temp.took1('u3', 'NOW 981001 PREPAID 1xSHIRT', '{}', '2026-04-06 10:00+05:30');
-- more than any slot takes: as much as one does
SELECT plan FROM pg_temp.took1('u4', 'WEB 981001 PREPAID 12xSHIRT 1xBOOK', '{}', '2026-04-06 10:00+05:30');
SELECT * FROM pg_temp.slots() WHERE starts_at > '2026-04-01';
-- a part, too, only of a slot of which so much is left
INSERT INTO oms.sourcing_rule (company_id, min_capacity) VALUES (9200, 10);
SELECT pg_temp.plan(oms.promise(pg_temp.doc('p', 'WEB 981001 PREPAID 12xSHIRT'), '2026-04-06 10:00+05:30'));
UPDATE oms.sourcing_rule SET min_capacity = 11;
SELECT pg_temp.plan(oms.promise(pg_temp.doc('p', 'WEB 981001 PREPAID 12xSHIRT'), '2026-04-06 10:00+05:30'));
DELETE FROM oms.sourcing_rule WHERE company_id = 9200;
-- kits whole: half a kilo leaves room for nine
SELECT pg_temp.set_stock(5, 0, 0, 'RICE'), pg_temp.plan(oms.promise(pg_temp.doc('p', 'WEB 981001 PREPAID 0.5xRICE 12xPAIR'), '2026-04-09 10:00+05:30'));
-- so many units of a line, of a line in two parts
SELECT (oms.cancel_line(pg_temp.id('u1'), 1, 2, request_id => 'two')) ->> 'status' AS status;
SELECT * FROM pg_temp.slots() WHERE starts_at > '2026-04-01' LIMIT 1;
SELECT * FROM oms.verify();
-- rejected: the slot is free again, and the new parcel takes one of its node
UPDATE oms.node SET open = true WHERE company_id = 9200;
UPDATE oms.node SET capacity = 5 WHERE code <> 'BLR' AND company_id = 9200;
SELECT oms.reject_allocation(a.allocation_id, 'BROKEN', at => '2026-04-06 10:00+05:30') ->> 'status' AS status FROM oms.allocation a WHERE a.order_id = pg_temp.id('u2');
SELECT * FROM pg_temp.slots() WHERE starts_at > '2026-04-01';
-- a courier's cancellation makes a new parcel, whose slot it stays
SELECT oms.add_awbs('SHOPC', '{9900000001}') AS awbs;
SELECT oms.release_order(pg_temp.id('u3'));
SELECT count(oms.pack_shipment(shipment_id)) FROM oms.shipment WHERE order_id = pg_temp.id('u3');
SELECT oms.book_shipment(shipment_id) IS NOT NULL AS booked FROM oms.shipment WHERE order_id = pg_temp.id('u3');
SELECT oms.record_scan(jsonb_build_object('courier', 'SHOPC', 'awb', '9900000001', 'code', '10', 'scanned_at', now() + interval '1 minute')) ->> 'state' AS scanned;
SELECT s.state, u.starts_at, u.qty FROM oms.shipment s LEFT JOIN oms.slot_use u USING (shipment_id) WHERE s.order_id = pg_temp.id('u3') ORDER BY s.shipment_id;
SELECT * FROM oms.verify();
-- a part is handed over: the rest keeps its units of the slot; recalled, they are taken anew
SELECT plan FROM pg_temp.took1('u7', 'NOW 981001 PREPAID 4xSHIRT 1xBOOK', '{"fulfilment": {"mode": "SHIP", "node": "BLR"}}', '2026-04-08 10:00+05:30');
SELECT oms.release_order(pg_temp.id('u7'));
SELECT oms.add_awbs('SHOPC', '{9900000002,9900000003}') AS awbs;
SELECT oms.dispatch_part(shipment_id, '[{"line_no": 1, "qty": 3}]', at => '2026-04-08 15:00+05:30') -> 'rest' IS NOT NULL AS rest FROM oms.shipment WHERE order_id = pg_temp.id('u7');
SELECT s.state, u.qty, u.starts_at FROM oms.shipment s JOIN oms.slot_use u USING (shipment_id) WHERE s.order_id = pg_temp.id('u7') ORDER BY s.shipment_id;
SELECT * FROM pg_temp.slots() WHERE starts_at > '2026-04-08';
SELECT oms.cancel_shipment(shipment_id, at => '2026-04-08 13:00+05:30') IS NOT NULL AS recalled FROM oms.shipment WHERE order_id = pg_temp.id('u7') AND state = 'PLANNED';
SELECT * FROM pg_temp.slots() WHERE starts_at > '2026-04-08';
SELECT * FROM oms.verify();
-- over the counter nothing is packed
SELECT plan FROM pg_temp.took1('u5', 'POS 981001 PREPAID 12xSHIRT', '{"fulfilment": {"mode": "CARRY_OUT", "node": "BLR"}}', '2026-04-06 10:00+05:30');
-- no slot in a month: the node is full
UPDATE oms.node SET capacity = 0, open = code = 'BLR' WHERE company_id = 9200;
SELECT plan FROM pg_temp.took1('u6', 'WEB 981001 PREPAID 1xSHIRT', '{}', '2026-05-04 10:00+05:30');
SELECT what, reason FROM oms.explain_order(pg_temp.id('u6')) WHERE subject = 'node' ORDER BY 1;
-- a cart holds goods there all the same
SELECT oms.reserve_cart(pg_temp.doc('c', 'NOW 981001 PREPAID 1xSHIRT', '{"cart_id": "c"}'), '2026-05-04 10:00+05:30') -> 'holds' -> 0 ->> 'node' AS held, oms.release_cart('c');
UPDATE oms.node SET capacity = NULL, open = true WHERE company_id = 9200;
SELECT * FROM oms.verify();

-- parked: an order that nobody can fill, and one of which a part waits
SELECT pg_temp.set_stock(2, 0, 0, 'TV');
INSERT INTO oms.sourcing_rule (company_id, park_queue, cancel_days) VALUES (9200, 'UNFILLABLE', 5);
SELECT a -> 'parked' AS parked, a -> 'status' AS status FROM pg_temp.capture('k1', 'WEB 981001 PREPAID 1xRING@1030', '{}', '2026-03-02 10:00+05:30') a;
SELECT a -> 'parked' AS parked, a -> 'status' AS status FROM pg_temp.capture('k2', 'WEB 981001 PREPAID 3xTV', '{}', '2026-03-02 11:00+05:30') a;
SELECT a -> 'parked' AS parked, a -> 'status' AS status FROM pg_temp.capture('k3', 'WEB 981001 PREPAID 2xTV', '{}', '2026-03-02 12:00+05:30') a;
SELECT queue, reason, parked_at, cancel_at, trim_scale(waiting) AS waiting FROM oms.parked_orders();
-- goods come for the third: it is parked no more
SELECT oms.cancel_order(pg_temp.id('k2'));
SELECT oms.retry_backorders(at => '2026-03-03 10:00+05:30');
SELECT order_id = pg_temp.id('k1') AS first FROM oms.parked_orders();
SELECT ended_at, outcome FROM oms.parking WHERE order_id = pg_temp.id('k3');
-- rejected by the only node that had it: parked again, by a new clock
SELECT oms.reject_allocation(a.allocation_id, 'BROKEN', at => '2026-03-04 10:00+05:30') ->> 'status' AS status FROM oms.allocation a WHERE a.order_id = pg_temp.id('k3') AND status = 'reserved';
SELECT reason, cancel_at FROM oms.parking WHERE order_id = pg_temp.id('k3');
-- what is parked already keeps its time, whatever else of it comes to wait
SELECT pg_temp.set_stock(1, 0, 0, 'RING');
SELECT a -> 'parked' AS parked, a -> 'status' AS status FROM pg_temp.capture('k5', 'WEB 981001 PREPAID 2xRING@1030', '{}', '2026-03-02 10:00+05:30') a;
SELECT oms.reject_allocation(a.allocation_id, 'BROKEN', at => '2026-03-04 10:00+05:30') ->> 'status' AS status FROM oms.allocation a WHERE a.order_id = pg_temp.id('k5') AND status = 'reserved';
SELECT reason, parked_at, cancel_at FROM oms.parking WHERE order_id = pg_temp.id('k5');
SELECT oms.cancel_order(pg_temp.id('k5'));
SELECT pg_temp.set_stock(0, 0, 0, 'RING');
-- the time is over for the first on the 7th at ten, and not before
SELECT oms.cancel_parked('2026-03-07 09:59+05:30') AS before, oms.cancel_parked('2026-03-07 10:00+05:30') AS due, oms.cancel_parked('2026-03-07 10:00+05:30') AS again;
SELECT o.status, p.outcome FROM oms."order" o JOIN oms.parking p USING (order_id) WHERE o.order_id = pg_temp.id('k1');
SELECT payload ->> 'reason' AS reason FROM oms.event WHERE subject_id = pg_temp.id('k1') AND type = 'order.cancelled';
-- a part that waits is cancelled, the part that goes goes on, and less is due
SELECT pg_temp.set_stock(0, 1, 0, 'TV');
SELECT status, total, plan FROM pg_temp.took('k4', 'WEB 981001 PREPAID 3xTV 1xBOOK', '{}', '2026-03-02 11:00+05:30');
SELECT oms.cancel_parked('2026-03-08 10:00+05:30', 10) AS due;
SELECT status, total_amount, (SELECT sum(amount) FROM oms.refund r WHERE r.order_id = o.order_id) AS refund FROM oms."order" o WHERE order_id = pg_temp.id('k4');
SELECT line_no, qty, cancelled_qty FROM oms.order_line WHERE order_id = pg_temp.id('k4') ORDER BY 1;
SELECT count(*) AS parked, count(*) FILTER (WHERE outcome = 'cancelled') AS cancelled FROM oms.parking WHERE company_id = 9200;
-- the worker does it
SELECT name, error FROM oms.run_jobs('cancel_parked');
SELECT * FROM oms.verify();
ROLLBACK;
