-- Three hundred orders made by a plain generator, through capture, payment,
-- release, cancellation and backorders: what must hold for every one of them.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pgtap;
CREATE EXTENSION IF NOT EXISTS pg_oms CASCADE;
BEGIN;
\i test/sql/include/shop.inc
\set ECHO none
SELECT plan(19);

-- the same numbers everywhere: a multiplicative generator
CREATE FUNCTION pg_temp.pick(seed integer, draw integer, n integer) RETURNS integer LANGUAGE sql IMMUTABLE AS $$
    SELECT ((hashint8(seed * 1000::bigint + draw)::bigint + 2147483648) % n)::integer
$$;
CREATE FUNCTION pg_temp.make(seed integer) RETURNS jsonb LANGUAGE sql AS $$
    SELECT jsonb_build_object('channel', ch, 'external_id', 'p' || seed,
        'payment', jsonb_build_object('mode', CASE WHEN ch <> 'B2B' AND pg_temp.pick(seed, 2, 2) = 0 THEN 'COD' ELSE 'PREPAID' END),
        'customer', jsonb_build_object('phone', '98765' || to_char(pg_temp.pick(seed, 3, 40), 'FM00000')),
        'ship_to', jsonb_build_object('pincode', '98100' || 1 + pg_temp.pick(seed, 4, 3), 'address1', '12, Long Street, Near Lake'),
        'lines', (SELECT jsonb_agg(jsonb_build_object('sku', item, 'qty', CASE item WHEN 'RICE' THEN 0.125 * (1 + pg_temp.pick(seed, 10 + l, 40)) ELSE 1 + pg_temp.pick(seed, 20 + l, 4) END,
                                       'unit_price', 10 + pg_temp.pick(seed, 30 + l, 300000) / 100.0, 'discount', pg_temp.pick(seed, 40 + l, 1000) / 100.0))
                    FROM generate_series(1, 1 + pg_temp.pick(seed, 5, 4)) l, LATERAL (SELECT ('{SHIRT,BOOK,RICE,TV,PAIR,DRESS,NOTE}'::text[])[1 + pg_temp.pick(seed, 50 + l, 7)] AS item) i),
        'charges', jsonb_build_array(jsonb_build_object('kind', 'CART_DISCOUNT', 'amount', pg_temp.pick(seed, 6, 500) / 100.0), jsonb_build_object('kind', 'SHIPPING', 'amount', pg_temp.pick(seed, 7, 5000) / 100.0)))
      FROM (SELECT ('{WEB,NOW,ONE,TWO,B2B}'::text[])[1 + pg_temp.pick(seed, 1, 5)] AS ch) c
$$;
DO $$ BEGIN PERFORM pg_temp.set_stock(60, 60, 30, 'SHIRT', 'BOOK', 'RICE', 'TV'), pg_temp.set_stock(1, 1, 0, 'NOTE'), oms.set_stock_policy('BLR', 'SHIRT', 5, 3), oms.set_stock_policy('BOM', 'BOOK', backorder_limit => 10); END $$;
CREATE TEMP TABLE answer (n integer, doc jsonb, promise jsonb, answer jsonb, sqlstate text);
DO $$
DECLARE d jsonb; p jsonb; c jsonb;
BEGIN
    FOR n IN 1 .. 300 LOOP
        d := pg_temp.make(n);
        p := oms.promise(d, '2026-03-02 10:00+05:30');
        BEGIN
            c := oms.capture_order(d, '2026-03-02 10:00+05:30');
            INSERT INTO answer VALUES (n, d, p, c);
        EXCEPTION WHEN SQLSTATE 'OM101' THEN
            INSERT INTO answer VALUES (n, d, p, NULL, SQLSTATE);
        END;
    END LOOP;
END $$;
CREATE VIEW pg_temp.o AS SELECT o.*, a.doc, a.promise, a.answer, c.code AS channel, c.price_includes_tax FROM answer a JOIN oms."order" o ON o.order_id = (a.answer ->> 'order_id')::bigint JOIN oms.channel c USING (channel_id);

SELECT cmp_ok((SELECT count(*) FROM answer WHERE answer IS NOT NULL), '>', 250::bigint, 'most were taken');
SELECT cmp_ok((SELECT count(DISTINCT status) FROM pg_temp.o), '>=', 4::bigint, 'in all sorts of states');
SELECT is_empty($$SELECT n FROM answer WHERE sqlstate IS NOT NULL AND doc ->> 'channel' <> 'NOW'$$, 'only where nothing is backordered is anything refused');
SELECT is_empty($$SELECT n FROM answer WHERE sqlstate IS NOT NULL AND promise -> 'complete' = 'true'$$, 'and only what was not promised');
SELECT is_empty($$SELECT n FROM answer WHERE answer IS NOT NULL AND pg_temp.plan(promise) <> pg_temp.plan(answer)$$, 'what is promised is done: the same plan');
SELECT is_empty($$SELECT n FROM answer WHERE answer IS NOT NULL AND promise -> 'promised_at' <> answer -> 'promised_at' AND doc #>> '{payment,mode}' = 'PREPAID'$$, 'and the same date');
SELECT is_empty($$SELECT * FROM oms.verify()$$, 'everything adds up');
-- money, from the document
SELECT is_empty($$SELECT external_id FROM pg_temp.o WHERE goods_amount <> (SELECT sum(round((l ->> 'qty')::numeric * (l ->> 'unit_price')::numeric, 2) - (l ->> 'discount')::numeric) FROM jsonb_array_elements(doc -> 'lines') l)
    - (doc #>> '{charges,0,amount}')::numeric$$, 'goods are quantity times price less discounts');
-- the charge bears the rates of the goods, by their value
CREATE FUNCTION pg_temp.shipping_tax(id bigint, shipping numeric) RETURNS numeric LANGUAGE sql AS $$
    WITH line AS (SELECT l.net_amount AS value, oms.tax_rate(k.hsn, '2026-03-02', round(l.net_amount / l.qty, 2)) AS rate
                    FROM oms.order_line l JOIN oms.sku k USING (sku_id) WHERE l.order_id = id),
        by_rate AS (SELECT rate, sum(value) AS w, sum(sum(value)) OVER (ORDER BY rate) AS upto, sum(sum(value)) OVER () AS whole FROM line GROUP BY rate)
    SELECT sum(round((round(shipping * upto / whole, 2) - round(shipping * (upto - w) / whole, 2)) * rate / 100, 2)) FROM by_rate
$$;
SELECT is_empty($$SELECT external_id FROM pg_temp.o WHERE total_amount <> goods_amount + (doc #>> '{charges,1,amount}')::numeric
    + CASE WHEN price_includes_tax THEN 0 ELSE tax_amount + pg_temp.shipping_tax(order_id, (doc #>> '{charges,1,amount}')::numeric) END
    OR total_amount <> goods_amount + charge_amount + charge_tax_amount + CASE WHEN price_includes_tax THEN 0 ELSE tax_amount END$$, 'the total is goods, charges and tax that is not contained');
SELECT is_empty($$SELECT external_id FROM pg_temp.o WHERE tax_amount <> (SELECT coalesce(sum(cgst + sgst + igst), 0) FROM oms.allocation a WHERE a.order_id = o.order_id)$$, 'tax is that of the allocations');
SELECT is_empty($$SELECT external_id FROM pg_temp.o WHERE payment_mode = 'COD' AND NOT EXISTS (SELECT FROM oms.allocation a WHERE a.order_id = o.order_id AND a.status = 'backordered')
    AND total_amount <> (SELECT sum(cod_amount) FROM oms.shipment s WHERE s.order_id = o.order_id)$$, 'the parcels of a complete COD order collect what is due');
-- limits of the channel
SELECT is_empty($$SELECT external_id FROM pg_temp.o WHERE (SELECT count(DISTINCT node_id) FROM oms.allocation a WHERE a.order_id = o.order_id) > CASE channel WHEN 'ONE' THEN 1 WHEN 'TWO' THEN 2 ELSE 3 END$$, 'no more parcels than allowed');
SELECT is_empty($$SELECT external_id FROM pg_temp.o WHERE channel = 'ONE' AND (SELECT count(DISTINCT status) FROM oms.allocation a WHERE a.order_id = o.order_id) > 1$$, 'one parcel or nothing');
SELECT is_empty($$SELECT 1 FROM oms.stock WHERE company_id = 9200 AND node_id = 9211 AND sku_id = 9221 AND reserved > 60 - 5 + 3$$, 'safety is kept');
-- life goes on
DO $$
DECLARE r record;
BEGIN
    FOR r IN SELECT n, (answer ->> 'order_id')::bigint AS id FROM answer WHERE answer IS NOT NULL ORDER BY n LOOP
        CASE r.n % 5
            WHEN 0 THEN PERFORM oms.cancel_order(r.id);
            WHEN 1 THEN PERFORM oms.pay_order(r.id, total_amount - paid_amount) FROM oms."order" WHERE order_id = r.id AND total_amount > paid_amount;
            WHEN 2 THEN PERFORM oms.lift_hold(r.id), oms.release_order(r.id);
            WHEN 3 THEN PERFORM oms.reject_hold(r.id);
            ELSE NULL;
        END CASE;
        IF r.n % 60 = 0 THEN PERFORM pg_temp.set_stock(40 + r.n / 4, 60, 30 + r.n / 4, 'SHIRT', 'TV', 'BOOK'), oms.retry_backorders(at => '2026-03-03 10:00+05:30'); END IF;
    END LOOP;
END $$;
SELECT is_empty($$SELECT * FROM oms.verify()$$, 'after all sorts of changes everything adds up');
SELECT is_empty($$SELECT external_id FROM pg_temp.o WHERE status = 'cancelled' AND paid_amount <> (SELECT coalesce(sum(amount), 0) FROM oms.refund r WHERE r.order_id = o.order_id)$$, 'what was paid for cancelled orders is owed');
SELECT is_empty($$SELECT c.customer_id FROM oms.customer c WHERE company_id = 9200 AND cod_open <> (SELECT count(*) FROM oms."order" o WHERE o.customer_id = c.customer_id AND payment_mode = 'COD' AND status <> 'cancelled')$$, 'open COD orders of a buyer are counted');
-- and all of it can be undone
DO $$ BEGIN PERFORM oms.cancel_order(order_id) FROM oms."order" WHERE company_id = 9200; END $$;
SELECT is((SELECT sum(reserved) FROM oms.stock WHERE company_id = 9200), 0::numeric, 'with every order cancelled nothing is reserved');
SELECT is_empty($$SELECT * FROM oms.verify()$$, 'and everything adds up');
SELECT * FROM finish();
ROLLBACK;
