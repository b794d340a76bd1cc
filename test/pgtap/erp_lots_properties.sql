-- An ERP's counts and lots changed at random between orders, cancellations,
-- hand-overs, bookings and pins: what a promise sees before a change is taken
-- in is what it sees after; never any drift, never an invariant broken.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pgtap;
CREATE EXTENSION IF NOT EXISTS pg_oms CASCADE;
BEGIN;
\i test/sql/include/shop.inc
\set ECHO none
SELECT plan(7);

CREATE SCHEMA toy;
CREATE TABLE toy.place (code text PRIMARY KEY);
INSERT INTO toy.place VALUES ('BLR'), ('BOM');
CREATE TABLE toy.level (place text PRIMARY KEY, qty numeric);
INSERT INTO toy.level VALUES ('BLR', 12), ('BOM', 5);
CREATE TABLE toy.batch (place text, no text, qty numeric, best_before date);
INSERT INTO toy.batch VALUES ('BLR', 'F0', 4, '2095-03-10'), ('BLR', 'F1', 5, NULL), ('BOM', 'F2', 3, '2095-01-01');
CREATE TABLE toy.booking (id serial PRIMARY KEY, place text, qty numeric, lots jsonb, done boolean DEFAULT false);
INSERT INTO oms.erp_profile (profile, title, params, company_query) VALUES
('lots', 'A toy with lots', '{"schema": "toy"}', 'SELECT 1 AS key, ''SHOP'' AS code, ''Shop'' AS name, NULL AS currency, NULL AS timezone, ''29'' AS state');
INSERT INTO oms.erp_entity (profile, entity, query) VALUES
('lots', 'node', $q$SELECT code AS key, code FROM @erp@.place WHERE $1::text[] IS NULL OR code = ANY ($1)$q$),
('lots', 'sku', $q$SELECT 1 AS key, 'RICE' AS code$q$),
('lots', 'stock', $q$SELECT place || '|1' AS key, qty AS on_hand FROM @erp@.level WHERE $1::text[] IS NULL OR place || '|1' = ANY ($1)$q$),
('lots', 'lot', $q$SELECT place || '|1' AS key, no AS lot, qty AS on_hand, best_before AS expires_on FROM @erp@.batch WHERE $1::text[] IS NULL OR place || '|1' = ANY ($1)$q$);
INSERT INTO oms.erp_source (profile, entity, relation, watch, resolve) VALUES
('lots', 'stock', '@erp@.level', '{place,qty}', $q$SELECT (i->>'place') || '|1' FROM unnest($1) i$q$),
('lots', 'lot', '@erp@.batch', '{place,no,qty,best_before}', $q$SELECT (i->>'place') || '|1' FROM unnest($1) i$q$);
INSERT INTO oms.erp_call_map (profile, kind, send_sql, lots_sql, done_sql) VALUES
('lots', 'stock_out', 'INSERT INTO toy.booking (place, qty) VALUES ($1, $3) RETURNING id::text', 'INSERT INTO toy.booking (place, qty, lots) VALUES ($1, $3, $6) RETURNING id::text',
 'SELECT r, true FROM unnest($1) r JOIN @erp@.booking b ON b.id = r::int WHERE b.done');
SELECT count(*) FROM oms.attach_erp('lots') \g /dev/null
DO $$ BEGIN PERFORM oms.add_awbs('SHOPC', ARRAY(SELECT (9200000000 + i)::text FROM generate_series(1, 400) i)); END $$;

-- the same numbers everywhere: a multiplicative generator
CREATE FUNCTION pg_temp.pick(seed integer, draw integer, n integer) RETURNS integer LANGUAGE sql IMMUTABLE AS $$
    SELECT ((hashint8(seed * 1000::bigint + draw)::bigint + 2147483648) % n)::integer
$$;
CREATE FUNCTION pg_temp.sees() RETURNS text LANGUAGE sql AS $$
    SELECT coalesce(string_agg(node || ' ' || trim_scale(available), ', ' ORDER BY node COLLATE "C"), 'nothing')
      FROM oms.available('RICE', at => '2026-03-02 10:00+05:30') WHERE available > 0
$$;
-- one thing that happens
CREATE FUNCTION pg_temp.happens(i integer) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    op integer := pg_temp.pick(i, 1, 12);
    node text := CASE pg_temp.pick(i, 2, 4) WHEN 0 THEN 'BOM' ELSE 'BLR' END;
    lot text := 'F' || pg_temp.pick(i, 3, 4);
    roll integer := pg_temp.pick(i, 4, 100);
    o record;
BEGIN
    IF op <= 1 THEN
        UPDATE toy.level SET qty = roll % 20 WHERE place = node;
    ELSIF op <= 3 THEN
        UPDATE toy.batch SET qty = roll % 8 WHERE place = node AND no = lot;
        IF NOT FOUND THEN
            INSERT INTO toy.batch VALUES (node, lot, roll % 8, CASE WHEN roll < 60 THEN date '2095-01-01' + roll END);
        END IF;
    ELSIF op = 4 THEN
        DELETE FROM toy.batch WHERE place = node AND no = lot;
        RETURN 'gone';
    ELSIF op = 5 THEN
        UPDATE toy.batch SET best_before = CASE WHEN roll < 30 THEN date '2020-01-01' WHEN roll < 70 THEN date '2096-02-01' END WHERE place = node AND no = lot;
    ELSIF op <= 7 THEN
        PERFORM pg_temp.capture('o' || i, 'NOW 981001 PREPAID ' || 1 + roll % 3 || 'xRICE');
        RETURN 'order';
    ELSIF op = 10 THEN      -- the ERP books what left, of their lots or not
        FOR o IN SELECT * FROM toy.booking WHERE NOT done AND (id + roll) % 3 > 0 LOOP
            UPDATE toy.booking SET done = true WHERE id = o.id;
            UPDATE toy.level SET qty = qty - o.qty WHERE place = o.place;
            UPDATE toy.batch t SET qty = greatest(t.qty - l.qty, 0) FROM jsonb_to_recordset(o.lots) l (lot text, qty numeric)
             WHERE roll < 80 AND t.place = o.place AND t.no = l.lot;
            RETURN 'booked';
        END LOOP;
    ELSE
        SELECT a.order_id, a.allocation_id INTO o FROM oms.allocation a JOIN oms."order" q USING (company_id, order_id)
         WHERE a.company_id = 9200 AND a.status = 'reserved' AND q.status = 'reserved' ORDER BY hashint8(a.allocation_id * 1000 + i) LIMIT 1;
        IF FOUND AND op = 8 THEN
            PERFORM oms.cancel_order(o.order_id);
            RETURN 'cancelled';
        ELSIF FOUND AND op = 9 THEN
            PERFORM oms.release_order(o.order_id);
            PERFORM oms.pack_shipment(s.shipment_id), oms.dispatch_shipment(s.shipment_id, at => '2026-03-03 10:00+05:30') FROM oms.shipment s WHERE s.order_id = o.order_id AND s.company_id = 9200;
            PERFORM oms.erp_send();
            RETURN 'left';
        ELSIF FOUND THEN
            PERFORM oms.pin_lot(o.allocation_id, lot, true, at => '2026-03-02');
            RETURN 'pinned';
        END IF;
    END IF;
    RETURN 'erp';
END $$;
CREATE TEMP TABLE step (n integer, what text, before text, after text, drift text, broken text, unexpected text);
DO $$
DECLARE
    s step;
BEGIN
    FOR i IN 1 .. 200 LOOP
        s := NULL;
        s.n := i;
        BEGIN
            s.what := pg_temp.happens(i);
        EXCEPTION WHEN OTHERS THEN
            s.what := 'refused';    -- no stock, no such lot, too little of it
            s.unexpected := CASE WHEN SQLSTATE NOT IN ('OM101', 'OM002') THEN SQLSTATE || ' ' || SQLERRM END;
        END;
        s.before := pg_temp.sees();
        IF pg_temp.pick(i, 5, 10) < 6 THEN
            PERFORM oms.erp_apply();
            s.after := pg_temp.sees();
            SELECT string_agg(concat_ws(' ', v.drifted, v.erp_key, v.erp_value, '/', v.oms_value), '; ') INTO s.drift FROM oms.erp_verify() v;
            SELECT string_agg(concat_ws(' ', v.invariant, v.subject, v.detail), '; ') INTO s.broken FROM oms.verify() v;
        END IF;
        INSERT INTO step SELECT s.*;
    END LOOP;
END $$;

SELECT is_empty($$SELECT n, what, unexpected FROM step WHERE unexpected IS NOT NULL$$, 'nothing fails but for want of stock');
SELECT cmp_ok((SELECT min(c) FROM (SELECT count(s.n) AS c FROM unnest('{order,cancelled,left,booked,pinned,gone}'::text[]) w LEFT JOIN step s ON s.what = w GROUP BY w) x), '>', 3::bigint, 'of everything something happens');
SELECT is_empty($$SELECT n, what, before, after FROM step WHERE after <> before$$, 'seen before it is taken in as after');
SELECT is_empty($$SELECT n, what, drift FROM step WHERE drift IS NOT NULL$$, 'no drift');
SELECT is_empty($$SELECT n, what, broken FROM step WHERE broken IS NOT NULL$$, 'all is sound');
SELECT cmp_ok((SELECT count(DISTINCT after) FROM step), '>', 10::bigint, 'with many answers');
UPDATE toy.booking SET done = true;
UPDATE toy.level SET qty = 1000;
DELETE FROM toy.batch;
INSERT INTO toy.batch VALUES ('BLR', 'L', 1000, NULL), ('BOM', 'L', 1000, NULL);
SELECT oms.erp_apply() > 0 AS applied \g /dev/null
SELECT is((SELECT sum(available) FROM oms.available('RICE')), (SELECT 2000 - sum(reserved) FROM oms.stock WHERE company_id = 9200), 'with plenty all is free but what is held');
SELECT * FROM finish();
ROLLBACK;
