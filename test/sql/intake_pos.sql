-- Bills of a till: handed over the counter, paid; returns and training are no orders.
\getenv abs_srcdir PG_ABS_SRCDIR
\set shop :abs_srcdir '/sql/include/shop.inc'
\set intake :abs_srcdir '/sql/include/intake.inc'
BEGIN;
\i :shop
\i :intake
DO $$ BEGIN PERFORM pg_temp.set_stock(10, 10, 0, 'SHIRT', 'BOOK'); END $$;
CREATE TEMP TABLE sample AS SELECT $${
  "bill_no": "BLR/26/000017", "bill_date": "01/03/2026 18:30", "store": "BLR", "terminal": "2", "cashier": "K7", "type": "SALE", "training": false, "void": false, "total": 1190.00, "round_off": -0.99,
  "customer": {"name": "Asha", "mobile": "9845012345"},
  "items": [{"sku": "SHIRT", "name": "Shirt", "qty": 2, "mrp": 525, "price": 525, "discount": 50.01, "tax_rate": 5}, {"barcode": "BOOK", "name": "Book", "qty": "1", "mrp": 200, "price": 190}, {"sku": "BOOK", "qty": 1, "price": 200, "void": true}],
  "bag_charge": 1, "payments": [{"mode": "CASH", "amount": 1190}]
}$$::jsonb AS p;
CREATE FUNCTION pg_temp.p(more jsonb DEFAULT '{}') RETURNS jsonb LANGUAGE sql AS $$ SELECT p || more FROM sample $$;
-- 1050 - 50.01 + 190 + 1 = 1190.99, and the till rounds down by 0.99
SELECT pg_temp.doc_of('POS', pg_temp.p());
SELECT * FROM pg_temp.took_from('POS', pg_temp.p());
SELECT pg_temp.stock('SHIRT') AS shirt, pg_temp.stock('BOOK') AS book;
SELECT fulfilment_mode, status, paid_amount, total_amount, placed_at FROM oms."order" WHERE order_id = pg_temp.id('BLR/26/000017');
SELECT status, duplicate FROM pg_temp.took_from('POS', pg_temp.p());
SELECT pg_temp.stock('SHIRT') AS shirt;
SELECT v.i, r ->> 'reason' AS reason FROM (VALUES (1, '{"type": "RETURN"}'::jsonb), (2, '{"void": true}'), (3, '{"training": "Y"}')) v (i, more), LATERAL oms.intake_document('POS', pg_temp.p(more)) r ORDER BY 1;
SELECT pg_temp.doc_of('POS', pg_temp.p('{"store": "", "bill_no": null}'));
SELECT pg_temp.fails(format('SELECT oms.capture_from(%L, %L)', 'POS', pg_temp.p('{"bill_no": "2", "store": "NOWHERE"}')));
SELECT pg_temp.fails(format('SELECT oms.capture_from(%L, %L)', 'POS', pg_temp.p('{"bill_no": "3", "items": [{"sku": "SHIRT", "qty": 100, "price": 525}]}')));
-- a shop's own orders on another platform go over the counter as well
INSERT INTO oms.intake_value (vocabulary, match, value) VALUES ('shopify_location', '655441491', 'BLR');
SELECT status, total FROM pg_temp.took_from('POS', '{"id": 9001, "source_name": "pos", "location_id": 655441491, "fulfillment_status": "fulfilled", "financial_status": "paid", "payment_gateway_names": ["Cash"], "currency": "INR", "taxes_included": true, "total_price": "525.00", "created_at": "2026-03-01T18:00:00+05:30", "line_items": [{"sku": "SHIRT", "quantity": 1, "price": "525.00", "fulfillment_status": "fulfilled"}]}');
SELECT pg_temp.doc_of('POS', '{"id": 9002, "source_name": "pos", "location_id": 1, "fulfillment_status": "fulfilled", "financial_status": "paid", "line_items": [{"sku": "SHIRT", "quantity": 1, "price": "525.00"}]}');
SELECT * FROM oms.verify();
ROLLBACK;
