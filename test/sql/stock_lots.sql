-- Lots: which goes first, until when, and what of it may be promised.
\getenv abs_srcdir PG_ABS_SRCDIR
\set shop :abs_srcdir '/sql/include/shop.inc'
BEGIN;
\i :shop
CREATE FUNCTION pg_temp.lots(item text) RETURNS TABLE (node text, lot text, expires_on date, on_hand numeric, assigned text) LANGUAGE sql AS $$
    SELECT n.code, b.lot, b.expires_on, trim_scale(b.on_hand),
           (SELECT string_agg(coalesce(o.external_id, r.cart_id) || ' ' || trim_scale(l.qty), ', ' ORDER BY r.reservation_id) FROM oms.reservation_lot l JOIN oms.reservation r USING (company_id, reservation_id)
              LEFT JOIN oms.allocation a ON a.allocation_id = r.allocation_id AND a.company_id = r.company_id LEFT JOIN oms."order" o ON o.order_id = a.order_id AND o.company_id = a.company_id
             WHERE l.company_id = b.company_id AND l.node_id = b.node_id AND l.sku_id = b.sku_id AND l.lot = b.lot AND r.state <> 'closed')
      FROM oms.stock_lot b JOIN oms.node n USING (node_id) JOIN oms.sku k USING (sku_id) WHERE b.company_id = 9200 AND k.code = item ORDER BY n.code COLLATE "C", b.lot COLLATE "C" $$;
CREATE FUNCTION pg_temp.sees(item text, day date) RETURNS text LANGUAGE sql AS $$
    SELECT string_agg(c || ' ' || coalesce((SELECT trim_scale(sum(available))::text FROM oms.available(item, channel => nullif(c, '-'), at => day + interval '10 hours')), 'none'), ', ' ORDER BY c COLLATE "C")
      FROM unnest('{-,NOW,WEB,B2B}'::text[]) c $$;
-- ten of three lots; two that stand there without one are not promised
SELECT oms.adjust_stock('BLR', 'RICE', 2), oms.adjust_lot('BLR', 'RICE', 'L1', 4, '2026-03-10', '2026-01-05', at => '2026-03-02'), oms.adjust_lot('BLR', 'RICE', 'L2', 3, '2026-06-30', '2026-01-01', at => '2026-03-02'), oms.adjust_lot('BLR', 'RICE', 'L3', 3, NULL, '2026-01-09', at => '2026-03-02');
SELECT trim_scale(on_hand) AS on_hand, has_terms FROM oms.stock WHERE company_id = 9200 AND sku_id = 9224;
SELECT d, pg_temp.sees('RICE', d) FROM unnest('{2026-03-10,2026-03-11,2026-07-01}'::date[]) d;
SELECT delta, on_hand, reason, document FROM oms.stock_ledger WHERE company_id = 9200 AND sku_id = 9224 ORDER BY ledger_id;
-- a channel wants thirty days of it, an item ten
UPDATE oms.channel SET shelf_days = 30 WHERE company_id = 9200 AND code = 'NOW';
SELECT d, pg_temp.sees('RICE', d) FROM unnest('{2026-03-01,2026-05-31,2026-06-01}'::date[]) d;
UPDATE oms.sku SET shelf_days = 8 WHERE company_id = 9200 AND code = 'RICE';
SELECT d, pg_temp.sees('RICE', d) FROM unnest('{2026-03-02,2026-03-03}'::date[]) d;
-- first to expire first, by what the channel may have; given back, free again
SELECT plan FROM pg_temp.took('a', 'WEB 981001 PREPAID 5xRICE');
SELECT plan FROM pg_temp.took('b', 'NOW 981001 PREPAID 3xRICE');
SELECT * FROM pg_temp.lots('RICE');
SELECT pg_temp.sees('RICE', '2026-03-02');
SELECT plan FROM pg_temp.took('c', 'WEB 981001 PREPAID 4xRICE');
SELECT oms.cancel_order(pg_temp.id('a')), pg_temp.sees('RICE', '2026-03-02');
SELECT * FROM pg_temp.lots('RICE');
SELECT * FROM oms.verify();
-- a cart, and the order that comes of it
SELECT oms.reserve_cart(pg_temp.doc('c', 'WEB 981001 PREPAID 2xRICE', '{"cart_id": "k"}'), '2026-03-02 10:00+05:30') -> 'holds' -> 0 ->> 'qty' AS held;
SELECT * FROM pg_temp.lots('RICE');
-- its lots are free for itself, and for all once it has expired
SELECT v.cart, v.at, oms.promise(pg_temp.doc('p', 'WEB 981001 PREPAID 1xRICE', jsonb_build_object('cart_id', v.cart)), v.at) -> 'available' -> 0 ->> 'available' AS available
  FROM (VALUES ('x', '2026-03-02 10:14+05:30'::timestamptz), ('k', '2026-03-02 10:14+05:30'), ('x', '2026-03-02 10:15+05:30')) v (cart, at);
SELECT plan FROM pg_temp.took('d', 'WEB 981001 PREPAID 3xRICE', '{"cart_id": "k"}', '2026-03-02 10:05+05:30');
SELECT * FROM pg_temp.lots('RICE');
-- a part cancelled gives up what was taken last; gone, it says what left
SELECT oms.cancel_line(pg_temp.id('d'), 1, 1, request_id => 'q') ->> 'qty' AS cancelled;
SELECT oms.add_awbs('SHOPC', '{9200000001,9200000002}'), oms.release_order(pg_temp.id('d'));
SELECT oms.pack_shipment(s.shipment_id), oms.dispatch_shipment(s.shipment_id, at => '2026-03-03 10:00+05:30') IS NOT NULL AS gone FROM oms.shipment s WHERE s.order_id = pg_temp.id('d') AND s.company_id = 9200;
SELECT * FROM pg_temp.lots('RICE');
SELECT order_id = pg_temp.id('d') AS d, line_no, lot, expires_on, qty FROM oms.shipment_lot WHERE company_id = 9200 ORDER BY allocation_id, lot;
SELECT * FROM oms.verify();
-- pinned to a lot: from those who have it
SELECT pg_temp.fails(format('SELECT oms.pin_lot(%s, %L)', a.allocation_id, lot)), lot FROM oms.allocation a, unnest('{L2,L9}'::text[]) lot WHERE a.company_id = 9200 AND a.order_id = pg_temp.id('c') AND a.status = 'reserved' ORDER BY lot;
SELECT oms.pin_lot(a.allocation_id, 'L2', true, at => '2026-03-02') FROM oms.allocation a WHERE a.company_id = 9200 AND a.order_id = pg_temp.id('c') AND a.status = 'reserved';
SELECT * FROM pg_temp.lots('RICE');
SELECT * FROM oms.verify();
-- what stands there without a lot gets one; no more than stands there
SELECT oms.adjust_lot('BLR', 'RICE', 'L4', 2, '2026-12-31', '2026-02-01', unlotted => true, at => '2026-03-02'), trim_scale(on_hand) AS on_hand FROM oms.stock WHERE company_id = 9200 AND sku_id = 9224;
SELECT pg_temp.fails($$SELECT oms.adjust_lot('BLR', 'RICE', 'L5', 1, unlotted => true)$$);
-- a count below the lots: they give way in order
SELECT pg_temp.sees('RICE', '2026-03-02'), oms.adjust_stock('BLR', 'RICE', 6), pg_temp.sees('RICE', '2026-03-02');
SELECT * FROM pg_temp.lots('RICE');
SELECT * FROM oms.verify();
-- who lost his lot gets another when lots are counted, or at the hand-over; the next taker does not touch theirs
SELECT plan FROM pg_temp.took('e', 'WEB 981001 PREPAID 1xRICE', at => '2026-03-02 12:00+05:30');
SELECT oms.adjust_lot('BLR', 'RICE', 'L4', 2, at => '2026-03-02') AS change;
SELECT * FROM pg_temp.lots('RICE');
-- of five, two are taken of the lot that ends first; past its end its holder wants two of the other three, and comes before the next taker
SELECT oms.adjust_lot('BLR', 'SHIRT', 'E1', 2, '2026-03-10', at => '2026-03-02'), oms.adjust_lot('BLR', 'SHIRT', 'E2', 3, '2026-12-31', at => '2026-03-02');
SELECT plan FROM pg_temp.took('x', 'WEB 981001 PREPAID 2xSHIRT');
SELECT d, pg_temp.sees('SHIRT', d) FROM unnest('{2026-03-10,2026-03-11}'::date[]) d;
SELECT plan FROM pg_temp.took('y', 'WEB 981001 PREPAID 1xSHIRT', at => '2026-03-15 10:00+05:30');
SELECT * FROM pg_temp.lots('SHIRT');
SELECT oms.cancel_order(pg_temp.id('x')), oms.cancel_order(pg_temp.id('y')), oms.adjust_lot('BLR', 'SHIRT', 'E1', 0), oms.adjust_lot('BLR', 'SHIRT', 'E2', 0);
-- displaced is who got the lot last; nobody whose goods are with the courier while the ERP has not booked them
SELECT oms.adjust_lot('BLR', 'SHIRT', 'F1', 3, '2026-06-01', at => '2026-03-02'), oms.adjust_lot('BLR', 'SHIRT', 'F2', 4, '2026-12-31', at => '2026-03-02');
SELECT id, plan FROM (VALUES (1, 'p1', 1), (2, 'p2', 1), (3, 'p3', 2)) v (n, id, qty), LATERAL pg_temp.took(id, format('WEB 981001 PREPAID %sxSHIRT', qty)) ORDER BY n;
SELECT * FROM pg_temp.lots('SHIRT') WHERE on_hand > 0;
SELECT oms.pin_lot(allocation_id, 'F1', true, at => '2026-03-02') FROM oms.allocation WHERE company_id = 9200 AND order_id = pg_temp.id('p3');
SELECT * FROM pg_temp.lots('SHIRT') WHERE on_hand > 0;
UPDATE oms.node SET stock_from = 'erp' WHERE node_id = 9211;
SELECT oms.release_order(pg_temp.id('p3'));
SELECT oms.pack_shipment(s.shipment_id), oms.dispatch_shipment(s.shipment_id, at => '2026-03-03 10:00+05:30') IS NOT NULL AS gone FROM oms.shipment s WHERE s.order_id = pg_temp.id('p3') AND s.company_id = 9200;
SELECT pg_temp.fails(format('SELECT oms.pin_lot(%s, %L, true, at => %L)', allocation_id, 'F1', '2026-03-02')) FROM oms.allocation WHERE company_id = 9200 AND order_id = pg_temp.id('p2');
SELECT plan FROM pg_temp.took('p4', 'WEB 981001 PREPAID 2xSHIRT');
SELECT pg_temp.fails(format('SELECT oms.pin_lot(%s, %L, true, at => %L)', allocation_id, 'F1', '2026-03-02')) FROM oms.allocation WHERE company_id = 9200 AND order_id = pg_temp.id('p4');
SELECT * FROM pg_temp.lots('SHIRT') WHERE on_hand > 0;
-- nor a lot whose last day is over
SELECT pg_temp.fails(format('SELECT oms.pin_lot(%s, %L, true, at => %L)', allocation_id, 'F1', day)) FROM unnest('{2026-06-01,2026-06-02}'::text[]) day, oms.allocation WHERE company_id = 9200 AND order_id = pg_temp.id('p1') ORDER BY day;
SELECT * FROM oms.verify();
UPDATE oms.node SET stock_from = 'oms' WHERE node_id = 9211;
-- recalled from the courier: what left of the lot is there again, and still the order's
SELECT oms.add_awbs('SHOPC', '{9200000003}'), oms.release_order(pg_temp.id('p1'));
SELECT s.shipment_id, oms.dispatch_shipment(s.shipment_id, at => '2026-03-03 10:00+05:30') IS NOT NULL AS gone FROM oms.shipment s WHERE s.order_id = pg_temp.id('p1') AND s.company_id = 9200 \gset
SELECT * FROM pg_temp.lots('SHIRT') WHERE on_hand > 0;
SELECT oms.cancel_shipment(:shipment_id, at => '2026-03-03 11:00+05:30') ->> 'status' AS status;
SELECT * FROM pg_temp.lots('SHIRT') WHERE on_hand > 0;
SELECT * FROM oms.verify();
-- each rule
SELECT oms.adjust_lot('BLR', 'BOOK', 'a', 5, '2027-12-31', '2026-01-02', 10, at => '2026-03-02'), oms.adjust_lot('BLR', 'BOOK', 'b', 5, '2027-06-30', '2026-01-01', 30, at => '2026-03-02'), oms.adjust_lot('BLR', 'BOOK', 'c', 5, '2028-06-30', '2026-01-03', 20, at => '2026-03-02'),
       oms.adjust_lot('BLR', 'BOOK', 'z', 1, '2029-06-30', '2026-01-04', 15, pick_rank => -1, at => '2026-03-02');
DO $$
DECLARE rule text;
BEGIN
    FOREACH rule IN ARRAY '{fefo,lefo,fifo,lifo,cost_low,cost_high}'::text[] LOOP
        UPDATE oms.sku SET lot_order = rule WHERE company_id = 9200 AND code = 'BOOK';
        PERFORM pg_temp.capture(rule, 'WEB 981001 PREPAID 3xBOOK');
        UPDATE oms."order" SET ship_name = (SELECT string_agg(l.lot || trim_scale(l.qty), ' ' ORDER BY l.seq) FROM oms.reservation_lot l JOIN oms.reservation r USING (company_id, reservation_id) JOIN oms.allocation a USING (company_id, allocation_id)
            WHERE a.order_id = pg_temp.id(rule)) WHERE company_id = 9200 AND external_id = rule;
        PERFORM oms.cancel_order(pg_temp.id(rule));
    END LOOP;
END $$;
SELECT external_id AS rule, ship_name AS lots FROM oms."order" WHERE company_id = 9200 AND external_id ~ '[fct]' AND length(external_id) > 1 ORDER BY order_id;
-- refused, nothing done
SELECT pg_temp.fails(q) FROM (VALUES ($$SELECT oms.adjust_lot('BLR', 'RICE', NULL, 1)$$), ($$SELECT oms.adjust_lot('BLR', 'RICE', 'X', -1)$$), ($$SELECT oms.adjust_lot('BLR', 'RICE', 'X', NULL)$$), ($$SELECT oms.adjust_lot('BLR', 'RICE', 'X', 1, 'infinity')$$), ($$SELECT oms.adjust_lot('BLR', 'RICE', 'X', 1, received_at => '-infinity')$$),
    ($$SELECT oms.adjust_lot('BLR', 'RICE', 'X', 1, at => 'infinity')$$), ($$SELECT oms.pin_lot(NULL, 'X')$$), ($$SELECT oms.adjust_lot('BLR', 'PAIR', 'X', 1)$$),
    ($$SELECT oms.adjust_lot('NOWHERE', 'RICE', 'X', 1)$$), ($$SELECT oms.pin_lot(-1, 'L1')$$), ($$SELECT oms.pin_lot(1, NULL)$$)) v (q);
SELECT * FROM oms.verify();
ROLLBACK;
