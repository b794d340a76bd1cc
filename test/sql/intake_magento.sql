-- Orders of Magento 2: rows without tax, configurable items and bundles, what was cancelled since.
\getenv abs_srcdir PG_ABS_SRCDIR
\set shop :abs_srcdir '/sql/include/shop.inc'
\set intake :abs_srcdir '/sql/include/intake.inc'
BEGIN;
\i :shop
\i :intake
DO $$ BEGIN PERFORM pg_temp.set_stock(50, 50, 0, 'SHIRT', 'BOOK', 'TV'); END $$;
-- in the shape of the REST resource; values are our own.  Two shirts at 500 without tax, 10 % off: 900 and 5 % of it
CREATE TEMP TABLE sample AS SELECT $${
  "entity_id": 88, "increment_id": "000000088", "state": "new", "status": "pending", "created_at": "2026-03-01 16:15:10", "updated_at": "2026-03-01 16:15:11", "store_id": 1, "order_currency_code": "INR", "base_currency_code": "INR",
  "grand_total": 1204, "base_grand_total": 1204, "subtotal": 1200, "subtotal_incl_tax": 1250, "shipping_amount": 50, "shipping_incl_tax": 59, "shipping_tax_amount": 9, "shipping_discount_amount": 0, "discount_amount": -100, "tax_amount": 54, "total_due": 1204, "total_item_count": 2, "total_qty_ordered": 3,
  "customer_email": "asha@example.com", "customer_firstname": "Asha", "customer_lastname": "Rao", "customer_is_guest": 0, "customer_id": 7,
  "billing_address": {"address_type": "billing", "city": "Shoppur", "country_id": "IN", "email": "asha@example.com", "entity_id": 1, "firstname": "Asha", "lastname": "Rao", "parent_id": 88, "postcode": "981001", "region": "Karnataka", "region_code": "KA", "region_id": 549, "street": ["12, Long Street"], "telephone": "9845012345"},
  "payment": {"account_status": null, "additional_information": ["Cash On Delivery"], "amount_ordered": 1204, "entity_id": 88, "method": "cashondelivery", "parent_id": 88, "shipping_amount": 50},
  "items": [
    {"item_id": 1, "sku": "SHIRT", "name": "Shirt", "product_type": "configurable", "qty_ordered": 2, "qty_canceled": 0, "qty_refunded": 0, "qty_shipped": 0, "qty_invoiced": 0, "price": 500, "price_incl_tax": 525, "row_total": 1000, "row_total_incl_tax": 1050, "discount_amount": 100, "discount_percent": 10, "tax_amount": 45, "tax_percent": 5, "discount_tax_compensation_amount": 0, "order_id": 88},
    {"item_id": 2, "parent_item_id": 1, "sku": "SHIRT", "name": "Shirt-M", "product_type": "simple", "qty_ordered": 2, "qty_canceled": 0, "qty_refunded": 0, "price": 0, "row_total": 0, "order_id": 88},
    {"item_id": 3, "sku": "BOOK", "name": "Book", "product_type": "simple", "qty_ordered": 1, "qty_canceled": 0, "qty_refunded": 0, "qty_shipped": 0, "qty_invoiced": 0, "price": 200, "price_incl_tax": 200, "row_total": 200, "row_total_incl_tax": 200, "discount_amount": 0, "tax_amount": 0, "tax_percent": 0, "discount_tax_compensation_amount": 0, "order_id": 88}],
  "extension_attributes": {"shipping_assignments": [{"shipping": {"address": {"address_type": "shipping", "city": "Shopgaon", "country_id": "IN", "firstname": "Ravi", "lastname": "Rao", "postcode": "981002", "region": "Maharashtra", "region_code": "MH", "region_id": 553, "street": ["14 Short Street", "Second floor", "Gate 2"], "telephone": "09900112233"}, "method": "flatrate_flatrate", "total": {"shipping_amount": 50}}, "items": []}]}
}$$::jsonb AS p;
CREATE FUNCTION pg_temp.p(more jsonb DEFAULT '{}') RETURNS jsonb LANGUAGE sql AS $$ SELECT p || more FROM sample $$;
-- 1000 - 100 + 45 = 945; 200; 50 + 9: 1204
SELECT pg_temp.doc_of('WEB', pg_temp.p());
SELECT * FROM pg_temp.took_from('WEB', pg_temp.p());
-- catalogue prices with tax, discount on them: the tax that the discount takes off is put back.  2 x 525 less 105
SELECT (r #>> '{document,lines,0,unit_price}')::numeric * 2 - (r #>> '{document,lines,0,discount}')::numeric AS net FROM oms.intake_document('WEB', jsonb_set(pg_temp.p(), '{items,0}', pg_temp.p() #> '{items,0}' || '{"discount_amount": 105, "tax_amount": 45, "discount_tax_compensation_amount": 5}')) r;
-- one shirt was cancelled, all of the book refunded
SELECT r #> '{document,lines}' AS lines, r #> '{intake,dropped}' AS dropped FROM oms.intake_document('WEB', jsonb_set(jsonb_set(pg_temp.p(), '{items,0,qty_canceled}', '1'), '{items,2,qty_refunded}', '"1.0000"')) r;
-- paid how
SELECT v.i, r #> '{document,payment}' AS payment, r ->> 'reason' AS reason FROM (VALUES (1, '{"payment": {"method": "razorpay"}, "total_paid": 1204, "total_due": 0}'::jsonb), (2, '{"payment": {"method": "banktransfer"}}'), (3, '{"payment": {"method": "checkmo"}, "total_paid": 204, "total_due": 1000}'),
     (4, '{"state": "canceled"}'), (5, '{"state": "closed"}'), (6, '{"state": "complete"}')) v (i, more), LATERAL oms.intake_document('WEB', pg_temp.p(more)) r ORDER BY 1;
-- what is missing
SELECT pg_temp.doc_of('WEB', (pg_temp.p() - 'payment') #- '{extension_attributes,shipping_assignments}' #- '{items,0,row_total}');
SELECT unknown FROM pg_temp.took_from('WEB', pg_temp.p('{"increment_id": "2", "extension_attributes": {"shipping_assignments": [{"shipping": {"address": {"postcode": "981001", "country_id": "IN", "prefix": "Ms"}}}], "gift_message": {"message": "hi"}}}'));
SELECT * FROM oms.verify();
ROLLBACK;
