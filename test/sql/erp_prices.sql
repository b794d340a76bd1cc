-- Prices and open orders: the ERP changes a price, and orders that are open
-- keep theirs, are given the lower one, or follow, as their channel says.
\getenv abs_srcdir PG_ABS_SRCDIR
\set shop :abs_srcdir '/sql/include/shop.inc'
\set back :abs_srcdir '/sql/include/back.inc'
BEGIN;
\i :shop
\i :back
CREATE FUNCTION pg_temp.money(ext text) RETURNS text LANGUAGE sql AS $$
    SELECT concat_ws(' ', o.status, 'goods', o.goods_amount, 'tax', o.tax_amount, 'total', o.total_amount, 'paid', o.paid_amount,
             (SELECT string_agg(concat_ws('x', trim_scale(l.qty), l.unit_price) || CASE WHEN l.discount > 0 THEN '-' || l.discount ELSE '' END || '=' || l.net_amount, ' ' ORDER BY line_no) FROM oms.order_line l WHERE l.order_id = o.order_id),
             (SELECT 'collects ' || string_agg(s.cod_amount || ' of ' || s.declared_value, ', ' ORDER BY s.shipment_id) FROM oms.shipment s WHERE s.order_id = o.order_id),
             (SELECT 'owed ' || sum(amount) || ' tax ' || sum(tax_amount) FROM oms.refund f WHERE f.order_id = o.order_id AND status = 'due'))
      FROM oms."order" o WHERE o.order_id = pg_temp.id(ext)
$$;
CREATE FUNCTION pg_temp.erp_price(item text, amount numeric) RETURNS integer LANGUAGE plpgsql AS $$
BEGIN
    UPDATE back.product SET price = amount WHERE sku = item;
    PERFORM oms.erp_apply();
    RETURN oms.reprice_orders();
END $$;
UPDATE oms.channel SET price_change = 'keep' WHERE company_id = 9200;
UPDATE oms.channel SET price_change = 'lower', cod_allowed = true WHERE channel_id = 9202;
UPDATE oms.channel SET price_change = 'reprice' WHERE channel_id = 9203;
SELECT * FROM oms.list_price('SHIRT', 'WEB');

-- 3 shirts at 525 with 5 %: 1500 + 75
SELECT count(pg_temp.capture(c || m, concat_ws(' ', c, '981001', CASE m WHEN 'c' THEN 'COD' ELSE 'PREPAID' END, '3xSHIRT 1xBOOK'))) FROM unnest('{WEB,NOW,ONE}'::text[]) c, unnest('{c,p}'::text[]) m;
SELECT count(pg_temp.capture('own', 'NOW 981001 PREPAID 1xSHIRT@500'));
SELECT c || m AS "order", pg_temp.money(c || m) FROM unnest('{WEB,NOW,ONE}'::text[]) c, unnest('{c,p}'::text[]) m ORDER BY 1;
-- down to 420: 1200 + 60. Kept; passed on, and owed to who has paid; followed by who has not
SELECT pg_temp.erp_price('SHIRT', 420) AS lines;
SELECT c || m AS "order", pg_temp.money(c || m) FROM unnest('{WEB,NOW,ONE}'::text[]) c, unnest('{c,p}'::text[]) m ORDER BY 1;
SELECT pg_temp.money('own');
SELECT external_id, payload FROM oms.event e JOIN oms."order" o ON o.order_id = e.subject_id WHERE type = 'order.repriced' ORDER BY external_id, event_id;
SELECT oms.reprice_orders() AS again;
-- up to 3540: above 2500 a shirt has 18 %: 3 x 3000 + 1620. Only who follows and has not paid
SELECT pg_temp.erp_price('SHIRT', 3540) AS lines;
SELECT c || m AS "order", pg_temp.money(c || m) FROM unnest('{WEB,NOW,ONE}'::text[]) c, unnest('{c,p}'::text[]) m ORDER BY 1;
SELECT a.tax_rate, a.taxable, a.cgst, a.sgst, a.igst FROM oms.allocation a JOIN oms.sku k USING (sku_id) WHERE order_id = pg_temp.id('ONEc') AND k.code = 'SHIRT';
-- released: no more
SELECT oms.lift_hold(pg_temp.id('NOWc'));
SELECT oms.release_order(pg_temp.id('NOWc'));
SELECT pg_temp.erp_price('SHIRT', 105) AS lines;
SELECT pg_temp.money('NOWc'), pg_temp.money('NOWp'), pg_temp.money('ONEc');
SELECT pg_temp.fails(format('SELECT oms.reprice_line(%s, 1, 5)', pg_temp.id('NOWc')));
-- paid in full: it stands
SELECT oms.pay_order(pg_temp.id('ONEc'), total_amount) FROM oms."order" WHERE order_id = pg_temp.id('ONEc');
SELECT pg_temp.erp_price('SHIRT', 210) AS lines;
SELECT pg_temp.money('ONEc');

-- a discount stays; below it nothing is changed; what is cancelled keeps what it was cancelled for
SELECT count(pg_temp.capture('d', 'NOW 981001 PREPAID 4xSHIRT@210-40'));
SELECT oms.cancel_line(pg_temp.id('d'), 1, 1, request_id => 'c') ->> 'refund' AS refund;
SELECT pg_temp.money('d');
SELECT pg_temp.erp_price('SHIRT', 105) AS lines;
SELECT pg_temp.money('d');
SELECT pg_temp.erp_price('SHIRT', 9) AS lines;
SELECT pg_temp.money('d');
-- shares of several allocations lose nothing: 7 units over two nodes at 100.01
SELECT pg_temp.erp_price('SHIRT', 300) AS lines;
UPDATE back.level SET qty = CASE place WHEN 'BLR' THEN (SELECT reserved + 4 FROM oms.stock WHERE node_id = 9211 AND sku_id = 9221) ELSE 3 END WHERE product = 'SHIRT';
SELECT plan FROM pg_temp.took('s', 'NOW 981001 PREPAID 7xSHIRT');
SELECT pg_temp.erp_price('SHIRT', 100.01) AS lines;
SELECT pg_temp.money('s'), string_agg(concat_ws(' ', trim_scale(qty), net_amount, taxable, cgst, sgst, igst), ', ' ORDER BY allocation_id) FROM oms.allocation WHERE order_id = pg_temp.id('s');
-- prices without tax: 2 x 500 + 50, and 100 for shipping + 5; at 250 it is 500 + 25 + 105; what waits is taxed when it is known from where it leaves
SELECT status, total, tax FROM pg_temp.took('wait', 'B2B 981001 PREPAID 2xSHIRT@500', '{"charges": [{"kind": "SHIPPING", "amount": 100}]}');
SELECT oms.reprice_line(pg_temp.id('wait'), 1, 250), pg_temp.money('wait');
UPDATE back.level SET qty = qty + 10 WHERE place = 'BLR' AND product = 'SHIRT';
SELECT status, total, tax FROM pg_temp.took('b2b', 'B2B 981001 PREPAID 2xSHIRT@500', '{"charges": [{"kind": "SHIPPING", "amount": 100}]}');
SELECT oms.reprice_line(pg_temp.id('b2b'), 1, 250), pg_temp.money('b2b');
SELECT oms.reprice_line(pg_temp.id('b2b'), 1, 500), pg_temp.money('b2b');

-- promotions the ERP states as data: 10 % from five on, 20 % tomorrow; in at once, and their day comes by itself
SELECT amount FROM oms.list_price('SHIRT', 'NOW', 5);
INSERT INTO back.promotion VALUES (1, 'SHIRT', 5, 10, NULL, NULL), (2, 'SHIRT', 5, 20, now() AT TIME ZONE 'Asia/Kolkata' + interval '1 day', now() AT TIME ZONE 'Asia/Kolkata' + interval '3 days');
SELECT oms.erp_apply() > 0 AS applied, oms.reprice_orders();
SELECT p.amount, q.amount AS fewer, r.amount AS tomorrow, s.amount AS after FROM oms.list_price('SHIRT', 'NOW', 5) p, oms.list_price('SHIRT', 'NOW', 4) q, oms.list_price('SHIRT', 'NOW', 7, now() + interval '2 days') r, oms.list_price('SHIRT', 'NOW', 7, now() + interval '4 days') s;
SELECT pg_temp.money('s');
SELECT plan FROM pg_temp.took('s5', 'NOW 981001 PREPAID 5xBOOK');
SELECT oms.reprice_orders(), oms.reprice_orders(at => now() + interval '2 days') AS the_day_after;
SELECT pg_temp.money('s');
-- the list price changes, and what is reckoned from it
SELECT pg_temp.erp_price('SHIRT', 80) AS lines;
SELECT pg_temp.money('s');
DELETE FROM back.promotion;
SELECT oms.erp_apply() > 0 AS applied, oms.reprice_orders();

-- written into the ERP before: told again at the new price
SELECT pg_temp.send() \g /dev/null
SELECT back.step(pg_temp.sale('WEBc'), 'confirmed'), back.step(pg_temp.sale('d'), 'confirmed');
SELECT pg_temp.send() \g /dev/null
SELECT pg_temp.document('WEBc'), pg_temp.document('d');
SELECT oms.reprice_line(pg_temp.id('d'), 1, 84, 'by hand');
SELECT pg_temp.money('d');
SELECT pg_temp.send() \g /dev/null
SELECT pg_temp.document('WEBc'), pg_temp.document('d');
SELECT pg_temp.fails('SELECT oms.reprice_orders(-1)'), pg_temp.fails(format('SELECT oms.reprice_line(%s, 9, 5)', pg_temp.id('s'))), pg_temp.fails(format('SELECT oms.reprice_line(%s, 1, -5)', pg_temp.id('s'))),
       pg_temp.fails(format('SELECT oms.reprice_line(%s, 1, 0.001)', pg_temp.id('s'))), pg_temp.fails('SELECT oms.reprice_line(1, 1, NULL)');
SELECT * FROM oms.verify() WHERE invariant <> 'orphan' OR subject LIKE 'erp%';
SELECT * FROM oms.erp_verify();
ROLLBACK;
