-- Every refusal of the rooms core, stock, sourcing and orders: its SQLSTATE,
-- message, detail and hint; and that a refused call leaves nothing behind.
\getenv abs_srcdir PG_ABS_SRCDIR
\set shop :abs_srcdir '/sql/include/shop.inc'
BEGIN;
\i :shop
\a
\t
DO $$ BEGIN PERFORM pg_temp.set_stock(5, 0, 0, 'SHIRT', 'BOOK', 'RICE', 'BARE', 'RING'); END $$;
DO $$ BEGIN PERFORM pg_temp.capture('held', 'WEB 981001 PREPAID 1xBOOK@10'), pg_temp.capture('sold', 'POS 981001 PREPAID 1xBOOK', '{"fulfilment": {"mode": "CARRY_OUT", "node": "BLR"}}'),
    pg_temp.capture('gone', 'WEB 981001 PREPAID 1xBOOK'); PERFORM oms.cancel_order(pg_temp.id('gone')); END $$;
CREATE TEMP TABLE before AS SELECT (SELECT count(*) FROM oms."order") AS orders, (SELECT count(*) FROM oms.reservation) AS reservations, (SELECT count(*) FROM oms.event) AS events, (SELECT sum(reserved) FROM oms.stock) AS reserved;
-- a document with one part replaced (NULL: left out)
CREATE FUNCTION pg_temp.with_part(path text, part jsonb) RETURNS text LANGUAGE sql AS $$
    SELECT format('SELECT oms.capture_order(%L, %L)', CASE WHEN part IS NULL THEN d #- p ELSE jsonb_set(d, p, part) END, '2026-03-02 10:00+05:30')
      FROM (SELECT pg_temp.doc('bad', 'WEB 981001 PREPAID 1xBOOK 2xSHIRT@500') || '{"charges": [{"kind": "SHIPPING", "amount": 40}], "customer": {}, "fulfilment": {}}', string_to_array(path, ',')) x (d, p)
$$;

-- the document, field by field
SELECT path || ' = ' || coalesce(left(part::text, 30), 'left out'), pg_temp.fails(pg_temp.with_part(path, part)) FROM (VALUES
    ('channel', NULL), ('channel', '1'), ('channel', '""'), ('channel', to_jsonb(repeat('x', 101))), ('channel', '"NONE"'), ('channel', '"OFF"'),
    ('external_id', NULL), ('external_id', to_jsonb(repeat('x', 51))), ('company', '"NONE"'), ('surprise', '1'), ('currency', '"USD"'),
    ('placed_at', '"soon"'), ('placed_at', '"2026-13-45T10:00:00+05:30"'), ('placed_at', '"2026-03-02T10:00:00 Mars/Base"'),
    ('payment', NULL), ('payment', '[]'), ('payment', '{}'), ('payment,mode', '"CHEQUE"'), ('payment,paid_amount', '-1'), ('payment,paid_amount', '1.005'),
    ('payment,paid_amount', '99999999999999'), ('payment,paid_amount', '5000'), ('payment,when', '1'),
    ('customer,phone', '"12345"'), ('customer,phone', '"98765x43210"'), ('customer,gstin', '"29ABCDE1234F1ZX"'), ('customer,age', '3'),
    ('fulfilment,mode', '"DRONE"'), ('fulfilment,mode', '"CARRY_OUT"'), ('fulfilment,node', '"NONE"'),
    ('ship_to', NULL), ('ship_to,pincode', NULL), ('ship_to,pincode', '"12345"'), ('ship_to,pincode', '"012345"'), ('ship_to,pincode', '560001'),
    ('ship_to,country', '"US"'), ('ship_to,lat', '12.9'), ('ship_to,lat', '91'), ('ship_to,phone', '"1"'), ('bill_to', '{}'),
    ('lines', NULL), ('lines', '{}'), ('lines', '[]'), ('lines', to_jsonb(array_fill(1, ARRAY[501]))), ('lines,0', '1'), ('lines,0,sku', NULL), ('lines,0,sku', '"NONE"'), ('lines,0,sku', '"OLD"'), ('lines,0,sku', '"NOTE"'),
    ('lines,0,qty', NULL), ('lines,0,qty', '0'), ('lines,0,qty', '-1'), ('lines,0,qty', '1.0005'), ('lines,0,qty', '"1"'),
    ('lines,0,unit_price', '-1'), ('lines,0,discount', '200.01'), ('lines,0,line_no', '0'), ('lines,0,line_no', '1.5'), ('lines,1,line_no', '1'), ('lines,1,color', '"red"'),
    ('charges', '1'), ('charges,0', '1'), ('charges,0,kind', '"TIP"'), ('charges,0,amount', NULL), ('charges,0', '{"kind": "CART_DISCOUNT", "amount": 1200.01}')
) AS v (path, part);
SELECT 'not an object', pg_temp.fails($$SELECT oms.capture_order('[]')$$);
SELECT pg_temp.fails(format('SELECT oms.capture_order(%L, %L)', pg_temp.doc('bad', w), '2026-03-02 10:00+05:30')) FROM unnest(ARRAY[
    'PRE 981001 COD 1xBOOK', 'B2B 981001 COD 1xBOOK@10', 'B2B 981001 PREPAID 1xBOOK', 'WEB 981001 PREPAID 0.5xPAIR',
    'WEB 981001 PREPAID 1xBARE@10', 'NOW 981001 COD 6xSHIRT 2xBOOK 9xTV', 'WEB 981001 PREPAID 99999999999xBOOK@99999999999']) w;
-- over the counter: no backorders, and only where there is one
SELECT pg_temp.fails(format('SELECT oms.capture_order(%L)', pg_temp.doc('bad', 'POS 981001 PREPAID 6xBOOK', '{"fulfilment": {"mode": "CARRY_OUT", "node": "BLR"}}')));
SELECT pg_temp.fails(format('SELECT oms.capture_order(%L)', pg_temp.doc('bad', 'POS 981001 PREPAID 1xBOOK', '{"fulfilment": {"mode": "CARRY_OUT", "node": "BOM"}}')));
-- the same number with another content
SELECT pg_temp.fails(format('SELECT oms.capture_order(%L)', pg_temp.doc('held', 'WEB 981001 PREPAID 2xBOOK@10')));
-- carts
SELECT pg_temp.fails(format('SELECT oms.reserve_cart(%L)', pg_temp.doc('-', 'WEB 981001 PREPAID 1xBOOK')));
SELECT pg_temp.fails(format('SELECT oms.reserve_cart(%L)', pg_temp.doc('-', 'WEB 981001 PREPAID 9xBOOK 1xTV', '{"cart_id": "c"}')));
-- orders
SELECT q, pg_temp.fails(q) FROM unnest(ARRAY[
    $$SELECT oms.cancel_order(0)$$, $$SELECT oms.lift_hold(0)$$, $$SELECT oms.reject_hold(0)$$, $$SELECT oms.pay_order(0, 1)$$, $$SELECT oms.release_order(0)$$,
    $$SELECT oms.cancel_order(NULL)$$, $$SELECT oms.lift_hold(NULL)$$, $$SELECT oms.reject_hold(NULL)$$, $$SELECT oms.pay_order(NULL, 1)$$, $$SELECT oms.release_order(NULL)$$,
    $$SELECT oms.cancel_order(pg_temp.id('sold'))$$, $$SELECT oms.cancel_order(pg_temp.id('held'), company => 'NONE')$$, $$SELECT oms.release_order(pg_temp.id('held'))$$,
    $$SELECT oms.pay_order(pg_temp.id('held'), NULL)$$, $$SELECT oms.pay_order(pg_temp.id('held'), 0)$$, $$SELECT oms.pay_order(pg_temp.id('held'), 0.01)$$,
    $$SELECT oms.pay_order(pg_temp.id('held'), 'NaN')$$, $$SELECT oms.pay_order(pg_temp.id('held'), 1e20)$$, $$SELECT oms.pay_order(pg_temp.id('gone'), 1)$$]) q;
-- stock
SELECT q, pg_temp.fails(q) FROM unnest(ARRAY[
    $$SELECT oms.adjust_stock('NONE', 'BOOK', 1)$$, $$SELECT oms.adjust_stock(NULL, 'BOOK', 1)$$, $$SELECT oms.adjust_stock('BLR', 'NONE', 1)$$, $$SELECT oms.adjust_stock('BLR', NULL, 1)$$,
    $$SELECT oms.adjust_stock('BLR', 'BOOK', NULL)$$, $$SELECT oms.adjust_stock('BLR', 'BOOK', -1)$$, $$SELECT oms.adjust_stock('BLR', 'PAIR', 1)$$, $$SELECT oms.adjust_stock('BLR', 'BOOK', 1, NULL, 'NONE')$$,
    $$SELECT oms.available('NONE')$$, $$SELECT oms.available(NULL)$$, $$SELECT oms.available('BOOK', 'NONE')$$,
    $$SELECT oms.set_stock_policy('BLR', 'BOOK', -1)$$, $$SELECT oms.set_stock_policy('BLR', 'BOOK', 1, -1)$$, $$SELECT oms.set_stock_policy('NONE', 'BOOK', 1)$$, $$SELECT oms.set_stock_policy('BLR', 'NONE', 1)$$]) q;
UPDATE oms.node SET stock_from = 'erp' WHERE node_id = 9213;
SELECT pg_temp.fails($$SELECT oms.adjust_stock('DEL', 'BOOK', 1)$$);
-- no champion, no company, several companies
SAVEPOINT s;
UPDATE oms.risk_model SET state = 'retired';
SELECT pg_temp.fails(format('SELECT oms.capture_order(%L)', pg_temp.doc('bad', 'WEB 981001 COD 1xBOOK')));
ROLLBACK TO s;
SET LOCAL oms.company = 'NONE';
SELECT pg_temp.fails(format('SELECT oms.capture_order(%L)', pg_temp.doc('bad', 'WEB 981001 COD 1xBOOK')));
SET LOCAL oms.company = '';
INSERT INTO oms.company (code, name) VALUES ('SHOP2', 'Another');
SELECT pg_temp.fails(format('SELECT oms.capture_order(%L)', pg_temp.doc('bad', 'WEB 981001 COD 1xBOOK')));
SET LOCAL oms.company = 'SHOP';
-- an allocation that goes where it may not
SELECT pg_temp.fails($$UPDATE oms.stock SET reserved = 99 WHERE company_id = 9200 AND node_id = 9211 AND sku_id = 9221$$) ~ 'stock_never_oversold' AS guarded;
-- nothing came of any of it
SELECT (SELECT count(*) FROM oms."order") = orders, (SELECT count(*) FROM oms.reservation) = reservations, (SELECT count(*) FROM oms.event) = events, (SELECT sum(reserved) FROM oms.stock) = reserved FROM before;
-- NULL in, NULL out
SELECT oms.capture_order(NULL) IS NULL, oms.promise(NULL) IS NULL, oms.reserve_cart(NULL) IS NULL, oms.release_cart(NULL) IS NULL, oms.capture_order('{}', NULL) IS NULL;
SELECT * FROM oms.verify();
ROLLBACK;
