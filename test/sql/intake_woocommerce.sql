-- Orders of WooCommerce: amounts without tax, addresses, payment, fees.
\getenv abs_srcdir PG_ABS_SRCDIR
\set shop :abs_srcdir '/sql/include/shop.inc'
\set intake :abs_srcdir '/sql/include/intake.inc'
BEGIN;
\i :shop
\i :intake
DO $$ BEGIN PERFORM pg_temp.set_stock(50, 50, 0, 'SHIRT', 'BOOK', 'TV'); END $$;
-- in the shape of the REST resource; values are our own.  Shirts 525 with 5 %: 500 each without; a coupon takes 10 % off them
CREATE TEMP TABLE sample AS SELECT $${
  "id": 4711, "parent_id": 0, "number": "4711", "order_key": "wc_order_abc", "created_via": "checkout", "version": "9.3.3", "status": "processing", "currency": "INR", "currency_symbol": "₹",
  "date_created": "2026-03-01T21:45:10", "date_created_gmt": "2026-03-01T16:15:10", "date_modified": "2026-03-01T21:50:00", "date_modified_gmt": "2026-03-01T16:20:00",
  "discount_total": "150.00", "discount_tax": "7.50", "shipping_total": "42.37", "shipping_tax": "7.63", "cart_tax": "75.10", "total": "1684.59", "total_tax": "82.73", "prices_include_tax": true,
  "customer_id": 12, "customer_ip_address": "203.0.113.7", "customer_note": "",
  "billing": {"first_name": "Asha", "last_name": "Rao", "company": "", "address_1": "12, Long Street", "address_2": "", "city": "Shoppur", "state": "KA", "postcode": "981001", "country": "IN", "email": "asha@example.com", "phone": "9845012345"},
  "shipping": {"first_name": "", "last_name": "", "company": "", "address_1": "", "address_2": "", "city": "", "state": "", "postcode": "", "country": "", "phone": ""},
  "payment_method": "razorpay", "payment_method_title": "Cards and UPI", "transaction_id": "pay_1", "date_paid": "2026-03-01T21:46:00", "date_paid_gmt": "2026-03-01T16:16:00", "date_completed": null,
  "cart_hash": "x", "meta_data": [], "tax_lines": [{"id": 1, "rate_code": "IN-1", "tax_total": "75.10"}],
  "line_items": [
    {"id": 1, "name": "Shirt", "product_id": 10, "variation_id": 0, "quantity": 3, "tax_class": "", "subtotal": "1500.00", "subtotal_tax": "75.00", "total": "1350.00", "total_tax": "67.50", "taxes": [], "meta_data": [], "sku": "SHIRT", "price": 450},
    {"id": 2, "name": "Book", "product_id": 11, "variation_id": 0, "quantity": 3, "tax_class": "zero", "subtotal": "200.00", "subtotal_tax": "0.00", "total": "200.00", "total_tax": "0.00", "taxes": [], "meta_data": [], "sku": "BOOK", "price": 66.666667}],
  "shipping_lines": [{"id": 3, "method_title": "Flat", "total": "42.37"}],
  "fee_lines": [{"id": 4, "name": "Gift packing", "total": "9.49", "total_tax": "7.60"}], "coupon_lines": [{"code": "ten"}], "refunds": []
}$$::jsonb AS p;
CREATE FUNCTION pg_temp.p(more jsonb DEFAULT '{}') RETURNS jsonb LANGUAGE sql AS $$ SELECT p || more FROM sample $$;
-- 1350 + 67.50; three books for 200; 42.37 + 7.63; 9.49 + 7.60: together 1684.59
SELECT pg_temp.doc_of('WEB', pg_temp.p());
SELECT * FROM pg_temp.took_from('WEB', pg_temp.p());
SELECT line_no, qty, unit_price, discount, net_amount FROM oms.order_line WHERE order_id = pg_temp.id('4711') ORDER BY 1;
SELECT total_amount, paid_amount, charge_amount, placed_at, ship_state_code FROM oms."order" WHERE order_id = pg_temp.id('4711');
-- to a business channel as they are
SELECT r #> '{document,lines}' AS lines, r #> '{document,charges}' AS charges FROM oms.intake_document('B2B', pg_temp.p()) r;
-- an address of its own: nothing is mixed with the billing one
SELECT r #> '{document,ship_to}' AS ship_to, r #> '{document,customer,phone}' AS phone FROM oms.intake_document('WEB', pg_temp.p('{"shipping": {"first_name": "Ravi", "last_name": "", "address_1": "", "address_2": "Second floor", "city": "Shopgaon", "state": "MH", "postcode": "981002", "country": "IN", "phone": "+91 9900112233"}}')) r;
SELECT r #> '{document,ship_to}' AS ship_to FROM oms.intake_document('WEB', pg_temp.p() - 'shipping') r;
-- paid how
SELECT v.i, r #> '{document,payment}' AS payment, r ->> 'reason' AS reason, r #> '{intake,problems}' AS problems
  FROM (VALUES (1, '{"payment_method": "cod", "date_paid": null, "date_paid_gmt": null}'::jsonb), (2, '{"date_paid": null, "date_paid_gmt": null, "status": "pending"}'), (3, '{"payment_method": "bacs", "date_paid": null, "date_paid_gmt": null, "status": "on-hold"}'),
               (4, '{"payment_method": ""}'), (5, '{"status": "cancelled"}'), (6, '{"status": "refunded"}'), (7, '{"status": "failed"}'), (8, '{"status": "completed"}')) v (i, more),
       LATERAL oms.intake_document('WEB', pg_temp.p(more)) r ORDER BY 1;
-- what is missing, and what is new
SELECT pg_temp.doc_of('WEB', jsonb_set(jsonb_set(pg_temp.p(), '{line_items,1,sku}', '""'), '{billing,postcode}', '"56-01"'));
SELECT pg_temp.doc_of('WEB', jsonb_set(pg_temp.p(), '{line_items,1,quantity}', '"1.0005"'));
SELECT pg_temp.doc_of('WEB', jsonb_set(pg_temp.p(), '{billing,country}', '"US"'));
SELECT unknown FROM pg_temp.took_from('WEB', pg_temp.p('{"id": 2, "delivery_slot": "10-12", "meta_data": [{"id": 5, "key": "_gstin", "value": "x"}]}'));
SELECT * FROM oms.verify();
ROLLBACK;
