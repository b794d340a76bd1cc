-- Lots that an ERP states: taken in, promised before they are, fitted to the
-- count, moved away from under reservations, gone, and booked.
\getenv abs_srcdir PG_ABS_SRCDIR
\set shop :abs_srcdir '/sql/include/shop.inc'
BEGIN;
\i :shop
\set SHOW_CONTEXT never
CREATE SCHEMA toy;
CREATE TABLE toy.place (code text PRIMARY KEY);
INSERT INTO toy.place VALUES ('BLR'), ('BOM');
CREATE TABLE toy.thing (id int PRIMARY KEY, sku text);
INSERT INTO toy.thing VALUES (1, 'RICE'), (2, 'BOOK'), (3, 'TV');
CREATE TABLE toy.level (place text, thing int, qty numeric, PRIMARY KEY (place, thing));
INSERT INTO toy.level VALUES ('BLR', 1, 12), ('BOM', 1, 5), ('BLR', 2, 7), ('BOM', 2, 0), ('BLR', 3, 3);
CREATE TABLE toy.batch (place text, thing int, no text, bin text DEFAULT '', qty float8, best_before date, came timestamp, cost numeric);
INSERT INTO toy.batch VALUES ('BLR', 1, 'L1', 'a', 3, '2095-03-10', '2026-01-05', 40), ('BLR', 1, 'L1', 'b', 1, '2095-03-10', '2026-01-06', 41), ('BLR', 1, 'L2', '', 3, '2095-06-30', '2026-01-01', NULL),
    ('BLR', 1, 'L3', '', 3, NULL, '2026-01-09 12:30', NULL), ('BOM', 1, ' M|1 ', '', 9, '2095-01-01', NULL, -1), ('BOM', 1, repeat('long', 60), '', 1, '2020-01-01', NULL, NULL),
    ('BLR', 3, '  ', '', 1, NULL, NULL, NULL), ('BLR', 3, NULL, '', 1, NULL, NULL, NULL), ('BOM', 2, 'N1', '', 4, NULL, NULL, NULL), ('?', 1, 'X', '', 1, NULL, NULL, NULL);
CREATE TABLE toy.booking (id serial PRIMARY KEY, place text, thing int, qty numeric, lots jsonb, done boolean DEFAULT false);

INSERT INTO oms.erp_profile (profile, title, params, company_query) VALUES
('lots', 'A toy with lots', '{"schema": "toy"}', 'SELECT 1 AS key, ''SHOP'' AS code, ''Shop'' AS name, NULL AS currency, NULL AS timezone, ''29'' AS state');
INSERT INTO oms.erp_entity (profile, entity, needs, query) VALUES
('lots', 'node', '{}', $q$SELECT code AS key, code FROM @erp@.place WHERE $1::text[] IS NULL OR code = ANY ($1)$q$),
('lots', 'sku', '{}', $q$SELECT id AS key, sku AS code FROM @erp@.thing WHERE $1::text[] IS NULL OR id = ANY ($1::int[])$q$),
('lots', 'stock', '{}', $q$SELECT place || '|' || thing AS key, qty AS on_hand FROM @erp@.level WHERE $1::text[] IS NULL OR place || '|' || thing = ANY ($1)$q$),
('lots', 'lot', '{@erp@.batch}', $q$SELECT place || '|' || thing AS key, no AS lot, qty AS on_hand, best_before AS expires_on, came AS received_at, cost AS unit_cost FROM @erp@.batch
  WHERE $1::text[] IS NULL OR place || '|' || thing = ANY ($1)$q$);
INSERT INTO oms.erp_source (profile, entity, relation, watch, resolve) VALUES
('lots', 'node', '@erp@.place', '{code}', $q$SELECT i->>'code' FROM unnest($1) i$q$),
('lots', 'sku', '@erp@.thing', '{id,sku}', $q$SELECT i->>'id' FROM unnest($1) i$q$),
('lots', 'stock', '@erp@.level', '{place,thing,qty}', $q$SELECT (i->>'place') || '|' || (i->>'thing') FROM unnest($1) i$q$),
('lots', 'lot', '@erp@.batch', '{place,thing,no,qty,best_before,came,cost,colour?}', $q$SELECT (i->>'place') || '|' || (i->>'thing') FROM unnest($1) i$q$);
INSERT INTO oms.erp_call_map (profile, kind, send_sql, lots_sql, done_sql) VALUES
('lots', 'stock_out', 'INSERT INTO toy.booking (place, thing, qty) VALUES ($1, $2::int, - $3) RETURNING id::text',
 'INSERT INTO @erp@.booking (place, thing, qty, lots) VALUES ($1, $2::int, - $3, $6) RETURNING id::text', 'SELECT r, b.done FROM unnest($1) r JOIN @erp@.booking b ON b.id = r::int WHERE b.done');

CREATE FUNCTION pg_temp.lots(item text) RETURNS TABLE (node text, lot text, expires_on date, on_hand numeric, gone boolean, assigned text) LANGUAGE sql AS $$
    SELECT n.code, left(b.lot, 10), b.expires_on, trim_scale(b.on_hand), b.gone,
           (SELECT string_agg(coalesce(o.external_id, r.cart_id) || ' ' || trim_scale(l.qty), ', ' ORDER BY r.reservation_id) FROM oms.reservation_lot l JOIN oms.reservation r USING (company_id, reservation_id)
              LEFT JOIN oms.allocation a ON a.allocation_id = r.allocation_id AND a.company_id = r.company_id LEFT JOIN oms."order" o ON o.order_id = a.order_id AND o.company_id = a.company_id
             WHERE l.company_id = b.company_id AND l.node_id = b.node_id AND l.sku_id = b.sku_id AND l.lot = b.lot AND r.state <> 'closed')
      FROM oms.stock_lot b JOIN oms.node n USING (node_id) JOIN oms.sku k USING (sku_id) WHERE b.company_id = 9200 AND k.code = item ORDER BY n.code COLLATE "C", b.lot COLLATE "C" $$;
CREATE FUNCTION pg_temp.sees(item text) RETURNS text LANGUAGE sql AS $$
    SELECT string_agg(node || ' ' || trim_scale(available), ', ' ORDER BY node COLLATE "C") FROM oms.available(item, at => '2026-03-02 10:00+05:30') WHERE on_hand > 0 $$;
CREATE FUNCTION pg_temp.sound() RETURNS text LANGUAGE sql AS $$
    SELECT coalesce(string_agg(x, '; '), 'sound') FROM (SELECT concat_ws(' ', drifted, erp_key, erp_value, '/', oms_value) AS x FROM oms.erp_verify() UNION ALL SELECT concat_ws(' ', invariant, subject, detail) FROM oms.verify()) v $$;

-- an ERP that has no such table: no lots, and no error
ALTER TABLE toy.batch RENAME TO put_aside;
SELECT * FROM oms.attach_erp('lots', dry_run => true);
SELECT * FROM oms.attach_erp('lots') AS r WHERE r ~ 'lot|stock|batch';
SELECT absent FROM oms.erp_attachment;
SELECT pg_temp.sees('RICE'), pg_temp.sound();
SELECT * FROM oms.erp_verify('lot');
SELECT oms.erp_refresh('lot');
-- what is named by hand is the ERP's from the moment it states lots
SELECT oms.adjust_lot('BLR', 'RICE', 'HAND', 5), oms.adjust_lot('BLR', 'RICE', 'L2', 1, pick_rank => 2), pg_temp.sees('RICE');
ALTER TABLE toy.put_aside RENAME TO batch;
SELECT * FROM oms.attach_erp('lots', dry_run => true) AS r WHERE r ~ 'lot|stock|batch';
SELECT * FROM oms.attach_erp('lots') AS r WHERE r ~ 'lot|stock|batch';
SELECT * FROM pg_temp.lots('RICE');
SELECT lot, received_at, unit_cost, pick_rank FROM oms.stock_lot WHERE node_id = 9211 AND NOT gone ORDER BY lot;
SELECT * FROM pg_temp.lots('BOOK');
SELECT pg_temp.sees('RICE'), pg_temp.sees('TV'), pg_temp.sees('BOOK');
SELECT pg_temp.sound();
SELECT on_hand, reason, count(*) FROM oms.stock_ledger WHERE company_id = 9200 GROUP BY 1, 2 ORDER BY 1, 2;

-- nothing changed, rolled back, said twice: nothing is written
CREATE TEMP TABLE before AS SELECT node_id, sku_id, version FROM oms.stock WHERE company_id = 9200;
UPDATE toy.batch SET bin = bin || 'z', qty = qty;
SAVEPOINT s;
DELETE FROM toy.batch;
SELECT pg_temp.sees('RICE');
ROLLBACK TO s;
SELECT oms.erp_apply() AS taken;
UPDATE toy.batch SET qty = qty + 1 WHERE no = 'L3';
UPDATE toy.batch SET qty = qty - 1 WHERE no = 'L3';
SELECT oms.erp_apply() AS taken, oms.erp_apply() AS again;
SELECT oms.erp_refresh('lot');
SELECT count(*) AS written FROM oms.stock s JOIN before b USING (node_id, sku_id) WHERE s.version <> b.version;

-- first to expire first; a lot that gets smaller: the first in the queue keep theirs
SELECT plan FROM pg_temp.took('a', 'WEB 981001 PREPAID 3xRICE');
SELECT plan FROM pg_temp.took('b', 'WEB 981001 PREPAID 2xRICE');
SELECT * FROM pg_temp.lots('RICE') WHERE node = 'BLR' AND NOT gone;
UPDATE toy.batch SET qty = 0 WHERE no = 'L1' AND bin = 'bz';
UPDATE toy.batch SET qty = 1 WHERE no = 'L1' AND bin = 'az';
SELECT pg_temp.sees('RICE') AS seen_before_it_is_taken_in;
SELECT on_hand FROM pg_temp.lots('RICE') WHERE node = 'BLR' AND lot = 'L1';
SELECT oms.erp_apply() AS taken;
SELECT * FROM pg_temp.lots('RICE') WHERE node = 'BLR' AND NOT gone;
SELECT pg_temp.sees('RICE'), pg_temp.sound();
-- gone, in the very order that takes it in; its holders get others
DELETE FROM toy.batch WHERE no = 'L1';
SELECT plan FROM pg_temp.took('c', 'WEB 981001 PREPAID 1xRICE');
SELECT * FROM pg_temp.lots('RICE') WHERE node = 'BLR';
SELECT oms.erp_apply() AS taken, pg_temp.sees('RICE'), pg_temp.sound();
-- and there again, with another last day; a new one
INSERT INTO toy.batch VALUES ('BLR', 1, 'L1', 'a', 2, '2026-03-01'), ('BLR', 1, 'L4', '', 2, '2096-01-01');
SELECT pg_temp.sees('RICE');
UPDATE toy.batch SET best_before = '2026-03-02' WHERE no = 'L1';
SELECT pg_temp.sees('RICE') AS good_today;
SELECT oms.erp_apply() AS taken, pg_temp.sees('RICE'), pg_temp.sound();
SELECT * FROM pg_temp.lots('RICE') WHERE node = 'BLR';
-- the last day of an assigned one: it wants another
UPDATE toy.batch SET best_before = '2020-01-01' WHERE no = 'L2';
SELECT oms.erp_apply() AS taken;
SELECT * FROM pg_temp.lots('RICE') WHERE node = 'BLR' AND NOT gone;
SELECT pg_temp.sees('RICE'), pg_temp.sound();
UPDATE toy.batch SET best_before = NULL WHERE no = 'L2';

-- more in lots than counted: the first in order give way; counted again, they are back
UPDATE toy.level SET qty = 8 WHERE place = 'BLR' AND thing = 1;
SELECT oms.erp_apply() AS taken;
SELECT * FROM pg_temp.lots('RICE') WHERE node = 'BLR' AND NOT gone;
SELECT pg_temp.sees('RICE'), pg_temp.sound();
UPDATE toy.level SET qty = 12 WHERE place = 'BLR' AND thing = 1;
SELECT oms.erp_apply() AS taken;
SELECT * FROM pg_temp.lots('RICE') WHERE node = 'BLR' AND NOT gone;
-- count and lots in one go, seen before and after; a new item with its lots
UPDATE toy.level SET qty = 14 WHERE place = 'BLR' AND thing = 1;
UPDATE toy.batch SET qty = qty + 2 WHERE no = 'L4';
INSERT INTO toy.thing VALUES (4, 'NEW');
INSERT INTO toy.batch VALUES ('BLR', 4, 'S1', '', 4, '2095-01-01');
INSERT INTO toy.level VALUES ('BLR', 4, 6);
SELECT pg_temp.sees('RICE');
SELECT oms.erp_apply() AS taken, pg_temp.sees('RICE'), pg_temp.sees('NEW'), pg_temp.sound();

-- a lot gets smaller: who is pinned to it keeps it, then who came first
SAVEPOINT s;
SELECT * FROM pg_temp.lots('RICE') WHERE node = 'BLR' AND lot IN ('L2', 'L4');
SELECT oms.pin_lot(a.allocation_id, 'L4', at => '2026-03-02') FROM oms.allocation a WHERE a.company_id = 9200 AND a.order_id = pg_temp.id('c');
UPDATE toy.batch SET qty = 2 WHERE no = 'L4';
SELECT oms.erp_apply() AS taken;
SELECT * FROM pg_temp.lots('RICE') WHERE node = 'BLR' AND lot IN ('L2', 'L4');
UPDATE toy.batch SET qty = 0.25 WHERE no = 'L4';
SELECT oms.erp_apply() AS taken;
SELECT * FROM pg_temp.lots('RICE') WHERE node = 'BLR' AND lot IN ('L2', 'L4');
SELECT pg_temp.sound();
ROLLBACK TO s;

-- the ERP's word: here only what it does not say is set
SELECT pg_temp.fails($$SELECT oms.adjust_lot('BLR', 'RICE', 'L4', 5)$$);
SELECT pg_temp.fails($$SELECT oms.adjust_lot('BLR', 'RICE', 'L9', 1)$$);
SELECT oms.adjust_lot('BLR', 'RICE', 'L3', 3, pick_rank => -1);
UPDATE toy.batch SET came = '2026-02-01' WHERE no = 'L3';
SELECT oms.erp_apply() AS taken;
SELECT lot, received_at, pick_rank FROM oms.stock_lot WHERE node_id = 9211 AND lot = 'L3';
UPDATE oms.stock_lot SET on_hand = 1 WHERE lot = 'L3';
SELECT drifted, erp_key, erp_value, oms_value FROM oms.erp_verify();
SELECT oms.erp_refresh();
SELECT pg_temp.sound();

-- what left by our hand is booked: neither twice nor free in between
SELECT oms.add_awbs('SHOPC', '{9200000001,9200000002}'), oms.release_order(pg_temp.id('a'));
SELECT oms.pack_shipment(s.shipment_id), oms.dispatch_shipment(s.shipment_id, at => '2026-03-03 10:00+05:30') IS NOT NULL AS gone FROM oms.shipment s WHERE s.order_id = pg_temp.id('a') AND s.company_id = 9200;
SAVEPOINT s;
UPDATE oms.reservation_lot SET lot = 'other' WHERE lot = 'L4' AND reservation_id IN (SELECT reservation_id FROM oms.erp_call);
DELETE FROM oms.reservation_lot WHERE lot = 'L3' AND reservation_id IN (SELECT reservation_id FROM oms.erp_call);
SELECT oms.erp_send() AS told_a_part;
SELECT qty, lots FROM toy.booking;
ROLLBACK TO s;
DELETE FROM oms.reservation_lot WHERE reservation_id IN (SELECT reservation_id FROM oms.erp_call);
SELECT oms.erp_send() AS told_none;
SELECT qty, lots FROM toy.booking;
ROLLBACK TO s;
SELECT oms.erp_send() AS told;
SELECT * FROM pg_temp.lots('RICE') WHERE node = 'BLR' AND NOT gone;
SELECT pg_temp.sees('RICE');
-- the ERP's lots first
SAVEPOINT s;
DELETE FROM toy.batch WHERE no = 'L3';
SELECT pg_temp.sees('RICE') AS less;
SELECT oms.erp_apply() AS taken, pg_temp.sees('RICE') AS less, pg_temp.sound();
ROLLBACK TO s;
-- all together, as the ERP books it: from the lot we took it from, or another
SELECT place, thing, qty, lots FROM toy.booking;
UPDATE toy.booking SET done = true;
UPDATE toy.level SET qty = 11 WHERE place = 'BLR' AND thing = 1;
SAVEPOINT s;
DELETE FROM toy.batch WHERE no = 'L3';
SELECT pg_temp.sees('RICE') AS as_many;
SELECT oms.erp_apply() AS taken, pg_temp.sees('RICE') AS as_many, pg_temp.sound();
SELECT * FROM pg_temp.lots('RICE') WHERE node = 'BLR';
ROLLBACK TO s;
DELETE FROM oms.reservation_lot WHERE lot = 'L3' AND reservation_id IN (SELECT reservation_id FROM oms.erp_call);
SELECT pg_temp.sees('RICE') AS of_no_lot;
SELECT oms.erp_apply() AS taken, pg_temp.sees('RICE') AS of_no_lot;
ROLLBACK TO s;
UPDATE toy.batch SET qty = 0 WHERE no IN ('L1', 'L2');
SELECT pg_temp.sees('RICE') AS as_many;
SELECT oms.erp_apply() AS taken, pg_temp.sees('RICE') AS as_many;
SELECT * FROM pg_temp.lots('RICE') WHERE node = 'BLR' AND NOT gone;
SELECT pg_temp.sound();
SELECT lot, qty FROM oms.shipment_lot WHERE company_id = 9200 AND order_id = pg_temp.id('a') ORDER BY lot;

-- lots that cannot be read stop lots only
ALTER TABLE toy.batch RENAME cost TO price;
UPDATE toy.batch SET qty = 0 WHERE no = 'L4';
UPDATE toy.level SET qty = 5 WHERE place = 'BLR' AND thing = 1;
SELECT pg_temp.sees('RICE') AS by_the_last_lots;
SELECT oms.erp_apply() AS taken, oms.erp_apply() AS again;
SELECT relation, pending, state, problem FROM oms.erp_lag() ORDER BY relation;
SELECT * FROM pg_temp.lots('RICE') WHERE node = 'BLR' AND NOT gone;
ALTER TABLE toy.batch RENAME price TO cost;
SELECT oms.attach_erp('lots') \g /dev/null
SELECT relation, state, problem FROM oms.erp_lag() WHERE problem IS NOT NULL;
SELECT * FROM pg_temp.lots('RICE') WHERE node = 'BLR' AND NOT gone;
-- a query that fails
UPDATE toy.batch SET qty = 2 WHERE no = 'L4';
UPDATE oms.erp_entity SET query = replace(query, 'qty AS', '1 / qty::int AS') WHERE profile = 'lots' AND entity = 'lot';
UPDATE toy.level SET qty = 6 WHERE place = 'BLR' AND thing = 1;
SELECT pg_temp.sees('RICE') AS by_the_last_lots;
SELECT oms.erp_apply() AS taken;
SELECT relation, state FROM oms.erp_lag() ORDER BY relation;
SELECT payload->>'entity' AS entity, payload->>'relation' AS relation, payload->>'why' AS why FROM oms.event WHERE type = 'erp.paused' ORDER BY event_id;
SELECT trim_scale(on_hand) AS counts_go_on FROM oms.stock WHERE node_id = 9211 AND sku_id = 9224;
UPDATE oms.erp_entity SET query = replace(query, '1 / qty::int AS', 'qty AS') WHERE profile = 'lots' AND entity = 'lot';
SELECT oms.attach_erp('lots') \g /dev/null
-- the other way round: counts that cannot be read do not stop lots
ALTER TABLE toy.level RENAME qty TO amount;
UPDATE toy.batch SET qty = 1 WHERE no = 'L4';
SELECT oms.erp_apply() AS taken;
SELECT trim_scale(on_hand) AS lots_go_on FROM oms.stock_lot WHERE lot = 'L4';
ALTER TABLE toy.level RENAME amount TO qty;
SELECT oms.attach_erp('lots') \g /dev/null

-- numbers that are none, days that never come
UPDATE toy.batch SET best_before = 'infinity', came = '-infinity' WHERE no = 'L1';
UPDATE toy.batch SET best_before = '-infinity' WHERE no = 'L3';
UPDATE toy.batch SET qty = 'NaN' WHERE no = 'L4';
UPDATE toy.batch SET qty = '-Infinity' WHERE no = 'L2';
SELECT oms.erp_apply() AS taken;
SELECT * FROM pg_temp.lots('RICE') WHERE node = 'BLR' AND NOT gone;

-- no lots any more: promised by the count; and without the ERP ours again
TRUNCATE toy.batch;
SELECT oms.erp_apply() AS taken, pg_temp.sees('RICE'), pg_temp.sees('NEW');
SELECT count(*) FILTER (WHERE NOT gone) AS there, bool_and(on_hand = 0) AS nothing FROM oms.stock_lot;
INSERT INTO toy.batch VALUES ('BLR', 1, 'L5', '', 6, '2095-01-01');
SELECT oms.erp_apply() AS taken, pg_temp.sees('RICE');
SELECT * FROM pg_temp.lots('RICE') WHERE node = 'BLR' AND NOT gone;
SELECT oms.release_order(pg_temp.id('b'));
SELECT oms.pack_shipment(s.shipment_id), oms.dispatch_shipment(s.shipment_id, at => '2026-03-03 10:00+05:30') IS NOT NULL AS gone FROM oms.shipment s WHERE s.order_id = pg_temp.id('b') AND s.company_id = 9200;
SELECT oms.detach_erp('lots');
SELECT pg_temp.stock('RICE'), pg_temp.sound();
SELECT * FROM pg_temp.lots('RICE') WHERE node = 'BLR' AND NOT gone;
SELECT oms.adjust_lot('BLR', 'RICE', 'L5', 5), oms.adjust_lot('BLR', 'RICE', 'L1', 2), pg_temp.sees('RICE');
SELECT * FROM pg_temp.lots('RICE') WHERE node = 'BLR' AND NOT gone;
SELECT pg_temp.sound();
ROLLBACK;
