-- Orders of Shopify: read, captured, kept, refused by path, tried again.
\getenv abs_srcdir PG_ABS_SRCDIR
\set shop :abs_srcdir '/sql/include/shop.inc'
\set intake :abs_srcdir '/sql/include/intake.inc'
BEGIN;
\i :shop
\i :intake
DO $$ BEGIN PERFORM pg_temp.set_stock(50, 50, 0, 'SHIRT', 'BOOK', 'TV'); END $$;
INSERT INTO oms.intake_channel (company_id, channel_id, map) VALUES (9200, 9201, 'shopify'), (9200, 9205, 'shopify');

-- in the shape of the REST resource; values are our own
CREATE TEMP TABLE sample AS SELECT $${
  "id": 5820001, "admin_graphql_api_id": "gid://shopify/Order/5820001", "app_id": 580111, "name": "#1001", "order_number": 1001, "number": 1, "test": false, "confirmed": true,
  "created_at": "2026-03-01T21:45:10+05:30", "processed_at": "2026-03-01T21:45:09+05:30", "updated_at": "2026-03-01T21:45:12+05:30", "cancelled_at": null, "closed_at": null,
  "currency": "INR", "presentment_currency": "INR", "financial_status": "paid", "fulfillment_status": null, "source_name": "web", "location_id": null,
  "gateway": "razorpay", "payment_gateway_names": ["razorpay"], "taxes_included": true, "tax_exempt": false, "email": "asha@example.com", "phone": null,
  "subtotal_price": "1640.00", "total_price": "1689.00", "current_total_price": "1689.00", "total_discounts": "135.00", "total_tax": "53.10", "total_outstanding": "0.00", "total_line_items_price": "1775.00", "total_weight": 900,
  "discount_codes": [{"code": "HOLI", "amount": "135.00", "type": "fixed_amount"}], "discount_applications": [{"type": "discount_code", "value": "135.0", "value_type": "fixed_amount", "code": "HOLI"}],
  "note": "", "note_attributes": [], "tags": "",
  "customer": {"id": 77001, "first_name": "Asha", "last_name": "Rao", "phone": "+919845012345", "email": "asha@example.com"},
  "billing_address": {"first_name": "Asha", "last_name": "Rao", "name": "Asha Rao", "address1": "12, Long Street", "address2": null, "city": "Shoppur", "province": "Karnataka", "province_code": "KA", "zip": "981001", "country": "India", "country_code": "IN", "phone": "098450 12345", "company": null, "latitude": 12.97, "longitude": 77.59},
  "shipping_address": {"first_name": "Asha", "last_name": "Rao", "name": "Asha Rao", "address1": "12, Long Street", "address2": "Near the tank", "city": "Shoppur", "province": "Karnataka", "province_code": "KA", "zip": "981 001", "country": "India", "country_code": "IN", "phone": "+91 98450-12345", "company": null, "latitude": 12.97, "longitude": 77.59},
  "line_items": [
    {"id": 91, "variant_id": 1, "product_id": 2, "title": "Shirt", "sku": "SHIRT", "quantity": 3, "current_quantity": 3, "fulfillable_quantity": 3, "price": "525.00", "total_discount": "0.00", "taxable": true, "gift_card": false, "requires_shipping": true, "grams": 200, "vendor": "Own",
     "tax_lines": [{"title": "IGST", "price": "68.87", "rate": 0.05}], "discount_allocations": [{"amount": "119.79", "discount_application_index": 0}], "properties": []},
    {"id": 92, "variant_id": 3, "product_id": 4, "title": "Book", "sku": "BOOK", "quantity": 1, "current_quantity": 1, "fulfillable_quantity": 1, "price": "200.00", "total_discount": "0.00", "taxable": true, "gift_card": false, "requires_shipping": true, "grams": 300, "vendor": "Own",
     "tax_lines": [], "discount_allocations": [{"amount": "15.21", "discount_application_index": 0}], "properties": []}],
  "shipping_lines": [{"id": 71, "title": "Standard", "code": "STD", "price": "49.00", "discounted_price": "49.00", "tax_lines": []}],
  "refunds": [], "fulfillments": []
}$$::jsonb AS p;
CREATE FUNCTION pg_temp.p(more jsonb DEFAULT '{}') RETURNS jsonb LANGUAGE sql AS $$ SELECT p || more FROM sample $$;

SELECT pg_temp.doc_of('WEB', pg_temp.p());
SELECT * FROM pg_temp.took_from('WEB', pg_temp.p());
SELECT o.total_amount, o.paid_amount, o.placed_at, o.ship_phone, o.ship_state_code, l.line_no, l.qty, l.unit_price, l.discount, l.net_amount
  FROM oms."order" o JOIN oms.order_line l USING (company_id, order_id) WHERE o.order_id = pg_temp.id('5820001') ORDER BY l.line_no;
SELECT status, external_id, map, version, order_id = pg_temp.id('5820001') AS of_it, extra, attempts FROM oms.intake_message WHERE company_id = 9200 ORDER BY message_id;
-- the same again, and again with what does not matter to an order: nothing changes
SELECT status, duplicate FROM pg_temp.took_from('WEB', pg_temp.p());
SELECT status, duplicate FROM pg_temp.took_from('WEB', pg_temp.p('{"updated_at": "2026-03-01T22:00:00+05:30", "tags": "vip"}'));
SELECT status, attempts FROM oms.intake_message WHERE company_id = 9200 ORDER BY message_id;
-- in the envelope of the REST answer
SELECT status, duplicate FROM pg_temp.took_from('WEB', jsonb_build_object('order', pg_temp.p()));
-- an edited order: what is different
SELECT pg_temp.fails(format('SELECT oms.capture_from(%L, %L, %L)', 'WEB', pg_temp.p('{"financial_status": "pending", "total_outstanding": "1689.00"}') #- '{line_items,1}', '2026-03-02 10:00+05:30'));
SELECT pg_temp.fails(format('SELECT oms.capture_from(%L, %L, %L)', 'WEB', jsonb_set(pg_temp.p(), '{shipping_address,address1}', '"14, Long Street"'), '2026-03-02 10:00+05:30'));

-- unknown fields are kept
SELECT unknown FROM pg_temp.took_from('WEB', jsonb_set(pg_temp.p('{"id": 2, "note": "leave it at the gate", "note_attributes": [{"name": "floor", "value": "3"}], "brand_new": {"a": 1}}'), '{line_items,0,properties}', '[{"name": "engrave", "value": "AR"}]'));
SELECT extra FROM oms.intake_message WHERE company_id = 9200 AND external_id = '2';

-- paid how
SELECT v.id, d -> 'payment' AS payment, d -> 'charges' AS charges
  FROM (VALUES (1, '{"financial_status": "pending", "total_outstanding": "1689.00", "payment_gateway_names": ["Cash on Delivery (COD)"]}'::jsonb),
               (2, '{"financial_status": "partially_paid", "total_outstanding": "1189.00", "payment_gateway_names": ["razorpay", "Cash on Delivery (COD)"]}'),
               (3, '{"financial_status": "paid", "payment_gateway_names": ["Cash on Delivery (COD)"]}'),
               (4, '{"financial_status": "pending", "total_outstanding": "1689.00"}'),
               (5, '{"financial_status": "partially_paid", "total_outstanding": "689.00"}'),
               (6, '{"payment_gateway_names": [], "gateway": null}'),
               (7, '{"payment_gateway_names": ["Codex Pay"]}'),
               (8, '{"shipping_lines": [{"price": "49.00", "discounted_price": "0.00"}, {"price": "10.00", "discounted_price": "10.00", "is_removed": true}]}')) v (id, more),
       LATERAL oms.intake_document('WEB', pg_temp.p(v.more)) r, LATERAL (SELECT r -> 'document') x (d) ORDER BY 1;

-- quantities that were taken off since; nothing left; lines that are no goods
SELECT r #> '{document,lines}' AS lines, r #> '{intake,dropped}' AS dropped, r ->> 'reason' AS reason
  FROM (VALUES (1, jsonb_set(pg_temp.p(), '{line_items,0,current_quantity}', '2')), (2, jsonb_set(pg_temp.p(), '{line_items,0,current_quantity}', '0')),
               (3, jsonb_set(jsonb_set(pg_temp.p(), '{line_items,0,current_quantity}', '0'), '{line_items,1,current_quantity}', '0')),
               (4, jsonb_set(pg_temp.p(), '{line_items,1,gift_card}', 'true')), (5, jsonb_set(jsonb_set(pg_temp.p(), '{line_items,1,sku}', 'null'), '{line_items,1,current_quantity}', '0'))) v (i, p), LATERAL oms.intake_document('WEB', v.p) r ORDER BY i;
-- no order is wanted of these
SELECT status, reason FROM pg_temp.took_from('WEB', pg_temp.p('{"id": 31, "test": true}'))
UNION ALL SELECT status, reason FROM pg_temp.took_from('WEB', pg_temp.p('{"id": 32, "cancelled_at": "2026-03-01T22:00:00+05:30"}'))
UNION ALL SELECT status, reason FROM pg_temp.took_from('WEB', pg_temp.p('{"id": 33, "financial_status": "refunded"}'))
UNION ALL SELECT status, reason FROM pg_temp.took_from('WEB', pg_temp.p('{"id": 34, "fulfillment_status": "fulfilled"}'));
-- ... and where there is one already it is named
SELECT status, reason FROM pg_temp.took_from('WEB', pg_temp.p('{"cancelled_at": "2026-03-01T22:00:00+05:30"}'));
SELECT order_id = pg_temp.id('5820001') AS named FROM oms.intake_message WHERE company_id = 9200 AND external_id = '5820001' AND reason = 'CANCELLED';

-- prices without tax to a channel with tax, and the other way: nothing is lost
-- 1575 - 119.79 + 72.76 = 1527.97; 200 - 15.21 = 184.79; shipping 49 + 8.82
SELECT r #> '{document,lines}' AS lines, r #> '{document,charges}' AS charges, r #> '{intake,warnings}' AS warnings
  FROM oms.intake_document('WEB', jsonb_set(jsonb_set(pg_temp.p('{"taxes_included": false, "current_total_price": "1770.58"}'), '{line_items,0,tax_lines,0,price}', '"72.76"'),
       '{shipping_lines,0,tax_lines}', '[{"price": "8.82", "rate": 0.18}]')) r;
-- 1455.21 - 68.87 = 1386.34
SELECT r #> '{document,lines}' AS lines, r #> '{intake,warnings}' AS warnings FROM oms.intake_document('B2B', pg_temp.p()) r;
-- a total that does not add up is told
SELECT r #> '{intake,warnings}' AS warnings FROM oms.intake_document('WEB', pg_temp.p('{"current_total_price": "1789.00", "total_tip_received": "100.00"}')) r;

-- what is missing or cannot be read, by path
SELECT pg_temp.doc_of('WEB', jsonb_set(jsonb_set(pg_temp.p() - 'id', '{line_items,1,sku}', 'null'), '{line_items,0,price}', '"1,5x"') #- '{shipping_address,zip}');
SELECT pg_temp.fails(format('SELECT oms.capture_from(%L, %L)', 'WEB', jsonb_set(pg_temp.p('{"id": 41}'), '{shipping_address,zip}', '"12"')));
SELECT pg_temp.doc_of('WEB', jsonb_set(pg_temp.p('{"financial_status": "gifted", "created_at": "yesterday"}'), '{shipping_address,country_code}', '"AE"'));
SELECT pg_temp.doc_of('WEB', jsonb_set(pg_temp.p('{"id": 42}'), '{line_items}', '[]'));
SELECT pg_temp.doc_of('WEB', jsonb_set(jsonb_set(pg_temp.p(), '{line_items,0,quantity}', '-1'), '{line_items,0,current_quantity}', '-1'));
SELECT pg_temp.doc_of('WEB', jsonb_set(pg_temp.p(), '{line_items,0,price}', '"99999999999999999999"'));
SELECT pg_temp.doc_of('WEB', jsonb_set(jsonb_set(pg_temp.p(), '{line_items,0,price}', '"9999999999"'), '{line_items,0,current_quantity}', '99999999999'));
SELECT pg_temp.doc_of('WEB', jsonb_set(jsonb_set(pg_temp.p(), '{line_items,0,price}', '"9999999999"'), '{line_items,0,quantity}', '99999999999'));
SELECT pg_temp.doc_of('WEB', jsonb_set(pg_temp.p(), '{line_items,0}', '3'));
-- hidden phone: told, not refused
SELECT warnings FROM pg_temp.took_from('WEB', jsonb_set(jsonb_set(pg_temp.p('{"id": 43, "customer": {}}'), '{shipping_address,phone}', '"********45"'), '{billing_address,phone}', 'null'));
-- money of another country
SELECT pg_temp.fails(format('SELECT oms.capture_from(%L, %L)', 'WEB', pg_temp.p('{"id": 44, "currency": "USD"}')));
-- no map, or not this one
SELECT pg_temp.fails($$SELECT oms.capture_from('WEB', '{"a": 1}')$$);
SELECT pg_temp.fails($$SELECT oms.capture_from('NOW', '{"a": 1}')$$);
SELECT pg_temp.fails($$SELECT oms.capture_from('NOW', '[1]')$$);
SELECT pg_temp.fails($$SELECT oms.capture_from('NOWHERE', '{}')$$);
SELECT pg_temp.fails($$SELECT oms.capture_from('WEB', NULL)$$);
UPDATE oms.intake_channel SET version = '2001-01' WHERE channel_id = 9201;
SELECT pg_temp.fails(format('SELECT oms.capture_from(%L, %L)', 'WEB', pg_temp.p('{"id": 45}')));
UPDATE oms.intake_channel SET version = NULL WHERE channel_id = 9201;
-- a channel without a row: by what it looks like
SELECT status FROM pg_temp.took_from('ONE', pg_temp.p('{"id": 46}'));

-- many: the good are taken, the bad kept and tried again when they are right
SELECT seq, ok, external_id, status, message_id IS NOT NULL AS kept, answer ->> 'total' AS total, sqlstate, message
  FROM oms.capture_many_from('WEB', jsonb_build_array(pg_temp.p('{"id": 51}'), jsonb_set(pg_temp.p('{"id": 52}'), '{line_items,0,sku}', '"SHIRT-M"'), '7', pg_temp.p('{"id": 53, "test": true}'), pg_temp.p('{"id": 51}')), '2026-03-02 10:00+05:30');
SELECT external_id, status, reason, problems ->> 'message' AS message, attempts FROM oms.intake_message WHERE company_id = 9200 AND status = 'refused' ORDER BY message_id;
SELECT external_ref, sqlstate, message, resolved_at IS NOT NULL AS resolved FROM oms.reject WHERE company_id = 9200 AND source = 'capture_from' ORDER BY reject_id;
SELECT type, payload FROM oms.event WHERE company_id = 9200 AND topic = 'intake' ORDER BY event_id;
SELECT r ->> 'status' AS status, r ->> 'message' AS message FROM oms.intake_message m, LATERAL oms.intake_retry(message_id, '2026-03-02 10:00+05:30') r WHERE m.company_id = 9200 AND m.external_id = '52';
-- the listing's code is ours by a row of the user's, before the built-in one
INSERT INTO oms.intake_field (map, version, target, priority, source, transform, arg) VALUES ('shopify', '2024-10', 'lines[].sku', 10, '{$.sku}', 'lookup', 'our_sku');
INSERT INTO oms.intake_value (vocabulary, match, value) VALUES ('our_sku', 'shirt-m', 'SHIRT'), ('our_sku', 'shirt', 'SHIRT'), ('our_sku', 'book', 'BOOK');
SELECT r ->> 'status' AS status, r ->> 'total' AS total FROM oms.intake_message m, LATERAL oms.intake_retry(message_id, '2026-03-02 10:00+05:30') r WHERE m.company_id = 9200 AND m.external_id = '52';
SELECT status, attempts, order_id = pg_temp.id('52') AS of_it FROM oms.intake_message WHERE company_id = 9200 AND external_id = '52';
SELECT external_ref, resolved_at IS NOT NULL AS resolved FROM oms.reject WHERE company_id = 9200 AND source = 'capture_from' ORDER BY reject_id;
SELECT r ->> 'status' AS status, r ->> 'duplicate' AS duplicate FROM oms.intake_message m, LATERAL oms.intake_retry(message_id) r WHERE m.company_id = 9200 AND m.external_id = '52';
SELECT pg_temp.fails('SELECT oms.intake_retry(-1)');
SELECT pg_temp.fails($$SELECT * FROM oms.capture_many_from('WEB', '{}')$$);
-- a map of one's own
SELECT oms.copy_intake_map('shopify', '2024-10', 'shopify', '2025-01') > 40 AS copied;
SELECT pg_temp.fails($$SELECT oms.copy_intake_map('shopify', '1999', 'x', 'y')$$);
UPDATE oms.intake_field SET source = '{$.name}' WHERE map = 'shopify' AND version = '2025-01' AND target = 'external_id';
SELECT a #>> '{intake,external_id}' AS external_id, a #>> '{intake,version}' AS version FROM oms.capture_from('WEB', pg_temp.p('{"id": 61, "name": "#61"}'), '2026-03-02 10:00+05:30') a;
SELECT * FROM oms.verify();
ROLLBACK;
