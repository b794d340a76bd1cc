-- What may happen to orders after capture, by chance, hundreds of times: after
-- every step oms.verify() finds nothing, parcels collect what is due, and what
-- is paid too much, no more and no less, is owed back.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pgtap;
CREATE EXTENSION IF NOT EXISTS pg_oms CASCADE;
BEGIN;
\i test/sql/include/shop.inc
\set ECHO none
SELECT plan(4);
SELECT count(oms.add_awbs('SHOPC', ARRAY(SELECT 'CHANCE' || i FROM generate_series(1, 500) i))) = 1 AS numbers;
UPDATE oms.node SET accepts_returns = true WHERE company_id = 9200;
INSERT INTO oms.shortfall_policy (company_id, sku_id, action, released) VALUES (9200, 9223, 'cancel', true);
INSERT INTO oms.shortfall_policy (company_id, node_id, action, otherwise) VALUES (9200, 9213, 'resource', 'cancel');
DO $$ BEGIN PERFORM pg_temp.set_stock(12, 8, 6, 'SHIRT', 'BOOK', 'TV', 'RICE'); END $$;
CREATE TEMP TABLE rnd_log (n serial, seed float8, op text, outcome text);

-- "steps" calls drawn by a seed; 'sound', or the step that was not
CREATE FUNCTION pg_temp.chance(seed float8, steps integer) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    i integer; op text; o record; a record; s record; q text; item text; bad text; node text; k integer;
BEGIN
    PERFORM setseed(seed);
    FOR i IN 1 .. steps LOOP
        k := floor(random() * 28);
        SELECT * INTO o FROM oms."order" WHERE company_id = 9200 ORDER BY random() LIMIT 1;
        SELECT * INTO a FROM oms.allocation WHERE company_id = 9200 AND status <> 'cancelled' ORDER BY random() LIMIT 1;
        SELECT * INTO s FROM oms.shipment WHERE company_id = 9200 AND direction = 'forward' AND state <> 'CANCELLED' ORDER BY random() LIMIT 1;
        item := (ARRAY['SHIRT', 'BOOK', 'TV', 'PAIR', 'DRESS', 'RICE'])[1 + floor(random() * 6)];
        node := (ARRAY['BLR', 'BOM', 'DEL'])[1 + floor(random() * 3)];
        q := CASE
            WHEN k <= 5 OR o.order_id IS NULL THEN format('SELECT oms.capture_order(pg_temp.doc(%L, %L), now())', 'o' || i || '-' || seed,
                format('%s %s %s %sx%s@%s %sx%s@200', (ARRAY['WEB', 'WEB', 'ONE', 'B2B'])[1 + floor(random() * 4)], (ARRAY['981001', '981002'])[1 + floor(random() * 2)],
                       (ARRAY['COD', 'PREPAID'])[1 + floor(random() * 2)], 1 + floor(random() * 3), item, 500 + floor(random() * 300), 1 + floor(random() * 2), (ARRAY['SHIRT', 'BOOK'])[1 + floor(random() * 2)]))
            WHEN k = 6 THEN format('SELECT oms.release_order(%s)', o.order_id)
            WHEN k = 7 THEN format('SELECT oms.short_ship(%s, %s%s)', coalesce(a.allocation_id, -1), floor(random() * 3), CASE WHEN random() < 0.3 THEN ', shelf => ' || floor(random() * 5) ELSE '' END)
            WHEN k = 8 THEN format('SELECT oms.reject_allocation(%s, ''X'', %s)', coalesce(a.allocation_id, -1), CASE WHEN random() < 0.5 THEN 'NULL' ELSE 'now() - interval ''1 s''' END)
            WHEN k = 9 THEN format('SELECT oms.reroute_allocation(%s, %L, qty => %s)', coalesce(a.allocation_id, -1), node, CASE WHEN random() < 0.5 THEN 'NULL' ELSE '1' END)
            WHEN k IN (10, 11) THEN format('SELECT oms.amend_line(%s, %s, %s, %L, %L)', o.order_id, 1 + floor(random() * 3), floor(random() * 5), 'r' || i, random() < 0.5)
            WHEN k IN (12, 26) THEN format('SELECT oms.exchange_line(%s, %s, %L, %s, %L)', o.order_id, 1 + floor(random() * 2), item, 1 + floor(random() * 2), 'r' || i)
            WHEN k = 13 THEN format('SELECT oms.cancel_line(%s, %s, 1, request_id => %L)', o.order_id, 1 + floor(random() * 2), 'c' || i)
            WHEN k = 14 THEN format('SELECT oms.cancel_order(%s, rest => %L)', o.order_id, random() < 0.5)
            WHEN k IN (15, 16) THEN format('SELECT oms.dispatch_part(%s, (SELECT jsonb_agg(jsonb_build_object(''line_no'', line_no, ''qty'', greatest(1, floor(random() * qty)))) FROM (SELECT line_no, sum(qty) AS qty FROM oms.allocation WHERE shipment_id = %s AND status <> ''cancelled'' GROUP BY 1) x))', coalesce(s.shipment_id, -1), coalesce(s.shipment_id, -1))
            WHEN k = 17 THEN format('SELECT oms.cancel_shipment(%s)', coalesce(s.shipment_id, -1))
            WHEN k = 18 THEN format('SELECT oms.adjust_stock(%L, %L, %s)', node, (ARRAY['SHIRT', 'BOOK', 'TV'])[1 + floor(random() * 3)], floor(random() * 14))
            WHEN k = 19 THEN 'SELECT oms.resolve_shortfalls()'
            WHEN k = 20 THEN 'SELECT oms.retry_backorders()'
            WHEN k = 21 THEN format('SELECT oms.lift_hold(%s), oms.pay_order(%s, %s)', o.order_id, o.order_id, greatest(o.total_amount - o.paid_amount, 1))
            WHEN k IN (22, 23, 24) THEN format('SELECT oms.record_scan(jsonb_build_object(''courier'', ''SHOPC'', ''awb'', %L, ''code'', %L, ''scanned_at'', now()))', (SELECT w.awb FROM oms.shipment w WHERE w.company_id = 9200 AND w.direction = 'forward' AND w.shipped_at IS NOT NULL AND w.state = 'PICKED_UP' ORDER BY random() LIMIT 1), (ARRAY['8', '8', '9'])[1 + floor(random() * 3)])
            ELSE format('SELECT oms.receive_return((SELECT return_id FROM oms.return_order WHERE company_id = 9200 AND status IN (''authorized'', ''picked_up'') ORDER BY return_id LIMIT 1), disposition => %L)', (ARRAY['restock', 'scrap'])[1 + floor(random() * 2)])
        END;
        BEGIN
            EXECUTE q;
            INSERT INTO rnd_log (seed, op, outcome) VALUES (seed, q, 'ok');
        EXCEPTION WHEN OTHERS THEN
            INSERT INTO rnd_log (seed, op, outcome) VALUES (seed, q, SQLSTATE || ' ' || SQLERRM);
            IF SQLSTATE !~ '^OM' THEN RETURN format('step %s: %s -> %s %s', i, q, SQLSTATE, SQLERRM); END IF;
        END;
        SELECT string_agg(format('%s %s %s', v.invariant, v.subject, v.detail), '; ') INTO bad FROM oms.verify() v WHERE v.invariant <> 'orphan' OR v.subject !~ 'stock';
        IF bad IS NOT NULL THEN RETURN format('step %s: %s -> %s', i, q, bad); END IF;
        SELECT string_agg(format('order %s paid %s total %s refunds %s', p.order_id, p.paid_amount, p.total_amount, p.r), '; ') INTO bad FROM (
            SELECT o2.*, (SELECT coalesce(sum(f.amount), 0) FROM oms.refund f WHERE f.company_id = 9200 AND f.order_id = o2.order_id AND f.return_id IS NULL AND f.status <> 'void' AND NOT f.netted) AS r FROM oms."order" o2 WHERE o2.company_id = 9200 AND o2.status <> 'cancelled' AND o2.channel_id <> 9205) p
         WHERE p.r <> greatest(p.paid_amount - p.total_amount, 0);
        IF bad IS NOT NULL THEN RETURN format('step %s: %s -> %s', i, q, bad); END IF;
        -- cash: parcels of a COD order collect what is due, unless something waits
        SELECT string_agg(format('order %s due %s collect %s', p.order_id, p.due, p.cod), '; ') INTO bad FROM (
            SELECT o2.order_id, greatest(o2.total_amount - o2.paid_amount, 0) AS due,
                   (SELECT coalesce(sum(h.cod_amount), 0) FROM oms.shipment h WHERE h.company_id = 9200 AND h.order_id = o2.order_id AND h.direction = 'forward' AND h.state <> 'CANCELLED') AS cod,
                   EXISTS (SELECT FROM oms.allocation w WHERE w.company_id = 9200 AND w.order_id = o2.order_id AND w.status = 'backordered') AS waits,
                   EXISTS (SELECT FROM oms.shipment w WHERE w.company_id = 9200 AND w.order_id = o2.order_id AND w.shipped_at IS NOT NULL) AS gone
              FROM oms."order" o2 WHERE o2.company_id = 9200 AND o2.payment_mode = 'COD' AND o2.status <> 'cancelled') p
         WHERE NOT p.gone AND (p.cod > p.due OR (p.cod < p.due AND NOT p.waits));
        IF bad IS NOT NULL THEN RETURN format('step %s: %s -> %s', i, q, bad); END IF;
    END LOOP;
    RETURN 'sound';
END $$;
SELECT is(pg_temp.chance(0.25, 80), 'sound', 'the first calls');
SELECT is(pg_temp.chance(-0.75, 80), 'sound', 'and as many on what is there by then');
SELECT cmp_ok((SELECT count(*) FROM rnd_log WHERE outcome = 'ok'), '>', 70::bigint, 'half of them were done');
SELECT cmp_ok((SELECT count(DISTINCT substring(op FROM 'oms\.(\w+)')) FROM rnd_log WHERE outcome = 'ok'), '>=', 12::bigint, 'of all sorts');
SELECT * FROM finish();
ROLLBACK;
