-- Orders after capture: duplicates, bulk, backorders, holds, payment,
-- cancellation, release.
\getenv abs_srcdir PG_ABS_SRCDIR
\set shop :abs_srcdir '/sql/include/shop.inc'
BEGIN;
\i :shop
CREATE FUNCTION pg_temp.state(ext text) RETURNS text LANGUAGE sql AS $$
    SELECT concat_ws(' | ', o.status, (SELECT string_agg(h.hold || coalesce(' ' || h.resolution || coalesce(' by ' || h.resolved_by, ''), ' open'), ', ' ORDER BY h.hold COLLATE "C") FROM oms.order_hold h WHERE h.order_id = o.order_id),
        (SELECT string_agg(trim_scale(a.qty) || ' ' || a.status, ', ' ORDER BY a.line_no, a.allocation_id) FROM oms.allocation a WHERE a.order_id = o.order_id),
        (SELECT 'refund ' || sum(r.amount) FROM oms.refund r WHERE r.order_id = o.order_id))
      FROM oms."order" o WHERE company_id = 9200 AND external_id = ext
$$;
DO $$ BEGIN PERFORM pg_temp.set_stock(10, 5, 0, 'SHIRT', 'BOOK'), pg_temp.set_stock(0, 0, 0, 'TV'), pg_temp.set_stock(1, 0, 0, 'NOTE'); END $$;

-- the same order again: nothing changes, whatever became of it
SELECT oms.capture_order(pg_temp.doc('dup', 'WEB 981001 PREPAID 1xSHIRT'), '2026-03-02 10:00+05:30') - 'order_id' - 'plan' - 'risk' AS first;
SELECT oms.capture_order(pg_temp.doc('dup', 'WEB 981001 PREPAID 1xSHIRT'), '2026-03-03 10:00+05:30') - 'order_id' AS again;
SELECT oms.cancel_order(pg_temp.id('dup'));
SELECT oms.capture_order(pg_temp.doc('dup', 'WEB 981001 PREPAID 1xSHIRT'), '2026-03-04 10:00+05:30') - 'order_id' AS cancelled_since;
-- another channel's number is another order
SELECT status FROM pg_temp.took('dup', 'NOW 981001 PREPAID 1xSHIRT');
SELECT count(*) FROM oms."order" WHERE company_id = 9200;
DELETE FROM oms.event WHERE company_id = 9200;

-- in bulk: what is refused lands in oms.reject, the rest goes on; again, and it only counts up
CREATE TEMP TABLE sent AS SELECT ARRAY[pg_temp.doc('b1', 'WEB 981001 PREPAID 1xBOOK')::text, 'no json', NULL, pg_temp.doc('b2', 'WEB 981001 PREPAID 1xNOSUCH')::text,
    pg_temp.doc('b1', 'WEB 981001 PREPAID 1xBOOK')::text, pg_temp.doc('b1', 'WEB 981001 PREPAID 2xBOOK')::text, pg_temp.doc('b3', 'NOW 981001 PREPAID 1xTV')::text, '{"channel": "WEB"}'] AS docs;
SELECT seq, ok, answer ->> 'status' AS status, answer ->> 'duplicate' AS duplicate, sqlstate, message FROM sent, oms.capture_orders(docs, '2026-03-02 10:00+05:30');
SELECT external_ref, sqlstate, message, regexp_replace(detail, 'order [0-9]+', 'order N') AS detail, hint IS NOT NULL AS hint, attempts, resolved_at FROM oms.reject WHERE source = 'capture_order' ORDER BY reject_id;
SELECT count(*) FILTER (WHERE ok), count(*) FILTER (WHERE NOT ok) FROM sent, oms.capture_orders(docs, '2026-03-02 10:00+05:30');
SELECT count(*), min(attempts), max(attempts) FROM oms.reject WHERE source = 'capture_order';
SELECT count(*) FROM oms.capture_orders('{}');

-- lines of one item share its stock: what one line takes, the other finds elsewhere
SELECT * FROM pg_temp.took('share', 'WEB 981001 PREPAID 8xSHIRT 4xSHIRT');
SELECT oms.cancel_order(pg_temp.id('share'));
-- and kits with components in common do
SELECT * FROM pg_temp.took('kits', 'WEB 981001 PREPAID 3xPAIR 4xDRESS 1xSHIRT');
SELECT pg_temp.stock('SHIRT') AS shirt, pg_temp.stock('BOOK') AS book;
SELECT oms.cancel_order(pg_temp.id('kits'));
SELECT * FROM pg_temp.took('nokits', 'NOW 981001 PREPAID 5xPAIR 4xDRESS');
SELECT oms.cancel_order(pg_temp.id('nokits'));
SELECT pg_temp.fails(format('SELECT oms.capture_order(%L)', pg_temp.doc('toomany', 'NOW 981001 PREPAID 6xPAIR 4xDRESS')));
-- one parcel or nothing; two parcels at most
SELECT * FROM pg_temp.took('one', 'ONE 981001 PREPAID 5xSHIRT 5xBOOK');
SELECT * FROM pg_temp.took('onebig', 'ONE 981001 PREPAID 7xSHIRT');
SELECT oms.cancel_order(pg_temp.id('one')), oms.cancel_order(pg_temp.id('onebig'));
DO $$ BEGIN PERFORM pg_temp.set_stock(4, 4, 4, 'RICE'); END $$;
SELECT * FROM pg_temp.took('two', 'TWO 981001 PREPAID 10xRICE');
SELECT * FROM pg_temp.took('three', 'WEB 981001 PREPAID 4xRICE');
SELECT oms.cancel_order(pg_temp.id('two')), oms.cancel_order(pg_temp.id('three'));

-- safety is kept back; a backorder limit is lent
SELECT oms.set_stock_policy('BLR', 'RICE', safety => 3), oms.set_stock_policy('BOM', 'RICE', backorder_limit => 2);
SELECT * FROM oms.available('RICE') ORDER BY node COLLATE "C";
SELECT * FROM pg_temp.took('lent', 'WEB 981002 PREPAID 6xRICE');
SELECT * FROM oms.available('RICE', 'BOM');
SELECT pg_temp.fails($$SELECT oms.set_stock_policy('BOM', 'RICE', backorder_limit => 1)$$);
SELECT pg_temp.fails(format('SELECT oms.capture_order(%L)', pg_temp.doc('unlent', 'NOW 981002 PREPAID 7xRICE')));
SELECT oms.cancel_order(pg_temp.id('lent'));
SELECT oms.set_stock_policy('BLR', 'RICE', 0), oms.set_stock_policy('BOM', 'RICE', backorder_limit => 0);
SELECT * FROM oms.available('NOTE');

-- backorders: filled in part, then in full, oldest order first
SELECT * FROM pg_temp.took('old', 'WEB 981001 COD 2xTV@23600 1xBOOK');
SELECT * FROM pg_temp.took('new', 'B2B 981002 PREPAID 2xTV@20000');
SELECT oms.retry_backorders(at => '2026-03-02 11:00+05:30');
SELECT oms.adjust_stock('BOM', 'TV', 3);
SELECT oms.retry_backorders(at => '2026-03-03 11:00+05:30');
SELECT x, pg_temp.state(x) FROM unnest('{old,new}'::text[]) x;
SELECT oms.adjust_stock('DEL', 'TV', 5);
SELECT oms.retry_backorders(at => '2026-03-04 11:00+05:30'), oms.retry_backorders(at => '2026-03-04 11:00+05:30');
SELECT x, pg_temp.state(x) FROM unnest('{old,new}'::text[]) x;
SELECT external_id, planning_run, paid_amount, tax_amount, total_amount, promised_at FROM oms."order" WHERE order_id IN (pg_temp.id('old'), pg_temp.id('new')) ORDER BY 1;
SELECT o.external_id, n.code, s.cod_amount, s.state FROM oms."order" o JOIN oms.shipment s USING (company_id, order_id) JOIN oms.node n USING (node_id)
 WHERE o.order_id IN (pg_temp.id('old'), pg_temp.id('new')) ORDER BY 1, s.shipment_id;
SELECT run, subject, what, outcome, reason FROM oms.explain_order(pg_temp.id('new')) WHERE subject = 'node' ORDER BY run, seq;

-- holds, one by one and all; a lifted order can be released, a rejected one is cancelled
SELECT * FROM pg_temp.took('holds', 'WEB 981001 PREPAID 1xBOOK@10', '{"payment": {"mode": "PREPAID", "paid_amount": 4}, "ship_to": {"pincode": "981001"}}');
SELECT oms.lift_hold(pg_temp.id('holds'), 'ADDRESS', 'asha'), pg_temp.state('holds');
SELECT oms.lift_hold(pg_temp.id('holds'), 'NOSUCH'), oms.lift_hold(pg_temp.id('holds'), 'ADDRESS', 'ravi'), pg_temp.state('holds');
SELECT oms.pay_order(pg_temp.id('holds'), 6, 'upi 17'), pg_temp.state('holds');
SELECT oms.lift_hold(pg_temp.id('holds')), pg_temp.state('holds');
SELECT oms.release_order(pg_temp.id('holds')), oms.release_order(pg_temp.id('holds')), pg_temp.state('holds');
SELECT oms.cancel_order(pg_temp.id('holds'), 'SELLER'), pg_temp.state('holds');
SELECT type, payload FROM oms.event WHERE topic = 'order' AND subject_id = pg_temp.id('holds') ORDER BY event_id;
SELECT * FROM pg_temp.took('no', 'WEB 981001 COD 8xBOOK', '{"customer": {"phone": "9876500000"}}');
SELECT cod_open FROM oms.customer WHERE company_id = 9200 AND phone = '9876500000';
SELECT oms.reject_hold(pg_temp.id('no'), 'NOSUCH'), pg_temp.state('no');
SELECT oms.reject_hold(pg_temp.id('no'), 'BLOCKED', 'asha'), oms.reject_hold(pg_temp.id('no')), pg_temp.state('no'), pg_temp.stock('BOOK');
SELECT cod_open FROM oms.customer WHERE company_id = 9200 AND phone = '9876500000';

-- COD that is paid ahead is prepaid: nothing to collect, no hold for cash
SELECT * FROM pg_temp.took('cod', 'WEB 981003 COD 1xBOOK', '{"customer": {"phone": "9876500001"}}');
SELECT cod_amount FROM oms.shipment WHERE order_id = pg_temp.id('cod');
SELECT oms.pay_order(pg_temp.id('cod'), 50), pg_temp.state('cod');
SELECT oms.pay_order(pg_temp.id('cod'), 150), pg_temp.state('cod');
SELECT o.payment_mode, o.paid_amount, s.cod_amount, c.cod_open FROM oms."order" o JOIN oms.shipment s USING (company_id, order_id) JOIN oms.customer c ON c.customer_id = o.customer_id WHERE o.order_id = pg_temp.id('cod');
SELECT oms.cancel_order(pg_temp.id('cod')), oms.cancel_order(pg_temp.id('cod')), pg_temp.state('cod');

-- what is released or packed can still be cancelled; parcels with it
SELECT status FROM pg_temp.took('late', 'WEB 981001 PREPAID 1xBOOK 1xSHIRT');
SELECT oms.release_order(pg_temp.id('late')), pg_temp.state('late');
SELECT oms.cancel_order(pg_temp.id('late')), pg_temp.state('late');
SELECT state FROM oms.shipment WHERE order_id = pg_temp.id('late');
SELECT cancelled_qty = qty AS cancelled FROM oms.order_line WHERE order_id = pg_temp.id('late');

-- all given back but what 'dup' of the other channel, 'b1', 'old' and 'new' hold
SELECT pg_temp.stock(x) FROM unnest('{SHIRT,BOOK,RICE,TV}'::text[]) x;
SELECT * FROM oms.verify();
ROLLBACK;
