-- A line, or some units of it, cancelled before they are handed over.
\getenv abs_srcdir PG_ABS_SRCDIR
\set shop :abs_srcdir '/sql/include/shop.inc'
BEGIN;
\i :shop
CREATE FUNCTION pg_temp.story(ext text) RETURNS TABLE (status text, total text, lines text, allocations text, parcels text, refunds text, holds text) LANGUAGE sql AS $$
    SELECT o.status, concat_ws(' ', o.payment_mode, o.total_amount, 'tax', o.tax_amount, 'paid', o.paid_amount),
           (SELECT string_agg(concat_ws(' of ', trim_scale(l.cancelled_qty), trim_scale(l.qty)), ', ' ORDER BY l.line_no) FROM oms.order_line l WHERE l.order_id = o.order_id),
           (SELECT string_agg(concat_ws(' ', trim_scale(a.qty), k.code, n.code, a.status, a.net_amount, a.taxable, nullif(a.cgst + a.sgst + a.igst, 0)), ', ' ORDER BY a.line_no, a.status, a.node_id)
              FROM oms.allocation a JOIN oms.sku k USING (sku_id) LEFT JOIN oms.node n ON n.node_id = a.node_id WHERE a.order_id = o.order_id),
           (SELECT string_agg(concat_ws(' ', n.code, s.state, s.declared_value, nullif(s.cod_amount, 0) || ' cash', s.dead_g || ' g'), ', ' ORDER BY s.shipment_id)
              FROM oms.shipment s JOIN oms.node n USING (node_id) WHERE s.order_id = o.order_id),
           (SELECT string_agg(concat_ws(' tax ', r.amount, r.tax_amount), ', ' ORDER BY r.refund_id) FROM oms.refund r WHERE r.order_id = o.order_id),
           (SELECT string_agg(h.hold || coalesce(' ' || h.resolution, ''), ', ' ORDER BY h.hold) FROM oms.order_hold h WHERE h.order_id = o.order_id)
      FROM oms."order" o WHERE o.company_id = 9200 AND o.external_id = ext
$$;
CREATE FUNCTION pg_temp.less(ext text, line integer, qty numeric DEFAULT NULL, request text DEFAULT NULL) RETURNS jsonb LANGUAGE sql AS $$
    SELECT oms.cancel_line(pg_temp.id(ext), line, qty, 'BUYER', request) - 'order_id' - 'line_no'
$$;
DO $$ BEGIN PERFORM pg_temp.set_stock(6, 6, 0, 'SHIRT', 'BOOK'), pg_temp.set_stock(2, 0, 0, 'TV'), pg_temp.set_stock(5, 0, 0, 'RICE'); END $$;

-- paid: three shirts with an odd discount, one by one; shares add up to the paisa
SELECT * FROM pg_temp.took('p', 'WEB 981001 PREPAID 3xSHIRT@525-100.01 1xBOOK');
SELECT pg_temp.less('p', 1, 1, 'r1');
SELECT * FROM pg_temp.story('p');
SELECT pg_temp.stock('SHIRT') AS shirt;
-- the same request again changes nothing; the same number for something else is refused
SELECT pg_temp.less('p', 1, 1, 'r1');
SELECT pg_temp.fails($$SELECT pg_temp.less('p', 1, 2, 'r1')$$);
SELECT pg_temp.fails($$SELECT pg_temp.less('p', 2, NULL, 'r1')$$);
SELECT pg_temp.less('p', 1, 1, 'r2');
SELECT pg_temp.less('p', 1, 1, 'r3');
SELECT * FROM pg_temp.story('p');
SELECT pg_temp.less('p', 1), pg_temp.fails($$SELECT pg_temp.less('p', 1, 1, 'r4')$$);
SELECT pg_temp.stock('SHIRT') AS shirt;
SELECT * FROM oms.verify();
-- the last of the order cancels the order; what is owed in all is what was paid
SELECT pg_temp.less('p', 2, NULL, 'r5'), pg_temp.less('p', 2, NULL, 'r5');
SELECT * FROM pg_temp.story('p');
SELECT request_id, line_no, asked, qty, amount, refund, reason FROM oms.line_cancellation ORDER BY request_id;
SELECT type, payload - 'order_id' FROM oms.event WHERE company_id = 9200 AND topic IN ('order', 'shipment') AND type ~ 'cancel|changed' ORDER BY event_id;
SELECT * FROM oms.verify();

-- cash: two parcels together always collect what the order costs now
SELECT * FROM pg_temp.took('c', 'WEB 981001 COD 8xBOOK 1xSHIRT', '{"customer": {"phone": "9876500010"}, "charges": [{"kind": "SHIPPING", "amount": 49}]}');
SELECT * FROM pg_temp.story('c');
SELECT pg_temp.less('c', 1, 3, 'a');
SELECT * FROM pg_temp.story('c');
SELECT pg_temp.less('c', 2);
SELECT * FROM pg_temp.story('c');
-- what is paid ahead of it may be all there is left to pay
SELECT oms.pay_order(pg_temp.id('c'), 649);
SELECT pg_temp.less('c', 1, 2, 'b');
SELECT * FROM pg_temp.story('c');
SELECT cod_open FROM oms.customer WHERE company_id = 9200 AND phone = '9876500010';
SELECT * FROM oms.verify();
SELECT oms.cancel_order(pg_temp.id('c'));
SELECT refunds FROM pg_temp.story('c');

-- what waits goes first, then what is least far; packed may still go, shipped may not
SELECT * FROM pg_temp.took('w', 'WEB 981001 PREPAID 4xTV 1xBOOK');
SELECT count(oms.pack_shipment(shipment_id)) FROM oms.shipment WHERE order_id = pg_temp.id('w');
SELECT pg_temp.less('w', 1, 3, 'x');
SELECT * FROM pg_temp.story('w');
SELECT oms.add_awbs('SHOPC', '{SHOP1}');
SELECT count(oms.dispatch_shipment(shipment_id)) FROM oms.shipment WHERE order_id = pg_temp.id('w') AND state = 'PLANNED';
SELECT pg_temp.fails($$SELECT pg_temp.less('w', 1)$$);
-- lost: the rest of what was paid is owed back too
SELECT oms.record_scan('{"courier": "SHOPC", "awb": "SHOP1", "code": "LOST", "scanned_at": "2099-03-03T18:00:00+05:30"}') ->> 'state' AS state;
SELECT status, refunds FROM pg_temp.story('w');
SELECT * FROM oms.verify();

-- by weight, prices without tax, kits
SELECT * FROM pg_temp.took('b', 'B2B 981001 PREPAID 2.5xRICE@60 1xTV@20000 2xPAIR@1000');
SELECT pg_temp.less('b', 1, 0.75, 'y'), pg_temp.less('b', 3, 1, 'k');
SELECT * FROM pg_temp.story('b');
SELECT pg_temp.stock('RICE') AS rice, pg_temp.stock('SHIRT') AS shirt, pg_temp.stock('BOOK') AS book;
SELECT * FROM oms.verify();

-- refused
SELECT pg_temp.fails($$SELECT pg_temp.less('b', 3, 0.5, 'z')$$);
SELECT pg_temp.fails($$SELECT pg_temp.less('b', 1, 2, 'z')$$);
SELECT pg_temp.fails($$SELECT pg_temp.less('b', 9)$$);
SELECT pg_temp.fails($$SELECT pg_temp.less('b', 1, 0, 'z')$$);
SELECT pg_temp.fails($$SELECT pg_temp.less('b', 1, 1)$$);
SELECT pg_temp.fails($$SELECT oms.cancel_line(-1, 1)$$);
ROLLBACK;
