-- Orders of ONDC: prices by the quote's breakup, delivery, discounts of an item and of all.
\getenv abs_srcdir PG_ABS_SRCDIR
\set shop :abs_srcdir '/sql/include/shop.inc'
\set intake :abs_srcdir '/sql/include/intake.inc'
BEGIN;
\i :shop
\i :intake
DO $$ BEGIN PERFORM pg_temp.set_stock(50, 50, 0, 'SHIRT', 'BOOK', 'TV'); END $$;
-- in the shape of confirm; values are our own
CREATE TEMP TABLE sample AS SELECT $${
 "context": {"domain": "ONDC:RET12", "action": "confirm", "core_version": "1.2.0", "bap_id": "buyer.example.com", "bap_uri": "https://buyer.example.com", "bpp_id": "seller.example.com", "transaction_id": "T1", "message_id": "M1", "city": "std:080", "country": "IND", "timestamp": "2026-03-01T16:15:10.000Z", "ttl": "PT30S"},
 "message": {"order": {
  "id": "O-2026-1", "state": "Created", "created_at": "2026-03-01T16:15:10.000Z", "updated_at": "2026-03-01T16:15:10.000Z",
  "provider": {"id": "P1", "locations": [{"id": "L1"}]},
  "items": [{"id": "SHIRT", "fulfillment_id": "F1", "quantity": {"count": 2}}, {"id": "BOOK", "fulfillment_id": "F1", "quantity": {"count": 1}}],
  "billing": {"name": "Asha Rao", "address": {"name": "12", "building": "Long House", "locality": "Long Street", "city": "Shoppur", "state": "Karnataka", "country": "IND", "area_code": "981001"}, "email": "asha@example.com", "phone": "9845012345", "created_at": "2026-03-01T16:15:10.000Z", "updated_at": "2026-03-01T16:15:10.000Z"},
  "fulfillments": [{"id": "F1", "type": "Delivery", "@ondc/org/provider_name": "P", "tracking": false, "@ondc/org/category": "Standard Delivery", "@ondc/org/TAT": "P2D",
    "end": {"person": {"name": "Ravi Rao"}, "contact": {"email": "ravi@example.com", "phone": "9900112233"}, "location": {"gps": "12.970123,77.590456", "address": {"name": "14", "building": "Short House", "locality": "Short Street", "city": "Shoppur", "state": "Karnataka", "country": "IND", "area_code": "981001"}}}}],
  "quote": {"price": {"currency": "INR", "value": "1206.50"}, "ttl": "P1D", "breakup": [
    {"@ondc/org/item_id": "SHIRT", "@ondc/org/item_quantity": {"count": 2}, "title": "Shirt", "@ondc/org/title_type": "item", "price": {"currency": "INR", "value": "1000.00"}, "item": {"price": {"currency": "INR", "value": "500.00"}}},
    {"@ondc/org/item_id": "SHIRT", "title": "Tax", "@ondc/org/title_type": "tax", "price": {"currency": "INR", "value": "45.00"}},
    {"@ondc/org/item_id": "SHIRT", "title": "Discount", "@ondc/org/title_type": "discount", "price": {"currency": "INR", "value": "-100.00"}},
    {"@ondc/org/item_id": "BOOK", "@ondc/org/item_quantity": {"count": 1}, "title": "Book", "@ondc/org/title_type": "item", "price": {"currency": "INR", "value": "200.00"}},
    {"@ondc/org/item_id": "F1", "title": "Delivery charges", "@ondc/org/title_type": "delivery", "price": {"currency": "INR", "value": "50.00"}},
    {"@ondc/org/item_id": "F1", "title": "Tax", "@ondc/org/title_type": "tax", "price": {"currency": "INR", "value": "9.00"}},
    {"@ondc/org/item_id": "F1", "title": "Packing charges", "@ondc/org/title_type": "packing", "price": {"currency": "INR", "value": "10.00"}},
    {"@ondc/org/item_id": "F1", "title": "Convenience fee", "@ondc/org/title_type": "misc", "price": {"currency": "INR", "value": "2.50"}},
    {"@ondc/org/item_id": "ALL10", "title": "Offer", "@ondc/org/title_type": "offer", "price": {"currency": "INR", "value": "-10.00"}}]},
  "payment": {"uri": "https://pay.example.com", "tl_method": "http/get", "params": {"currency": "INR", "transaction_id": "3937", "amount": "1206.50"}, "status": "PAID", "type": "ON-ORDER", "collected_by": "BAP", "@ondc/org/buyer_app_finder_fee_type": "percent", "@ondc/org/buyer_app_finder_fee_amount": "3"},
  "tags": [{"code": "bpp_terms", "list": []}]}}}$$::jsonb AS p;
CREATE FUNCTION pg_temp.p(more jsonb DEFAULT '{}') RETURNS jsonb LANGUAGE sql AS $$ SELECT jsonb_set(p, '{message,order}', p #> '{message,order}' || more) FROM sample $$;
-- shirts 1000 + 45 - 100; book 200; delivery 50 + 9; packing 10 + 2.50; offer on all 10: 1206.50
SELECT pg_temp.doc_of('WEB', pg_temp.p());
SELECT * FROM pg_temp.took_from('WEB', pg_temp.p());
-- the offer is spread by value: 10 x 945 / 1145 = 8.25
SELECT line_no, qty, unit_price, discount, net_amount FROM oms.order_line WHERE order_id = pg_temp.id('O-2026-1') ORDER BY 1;
-- on_confirm says the same
SELECT status, duplicate FROM pg_temp.took_from('WEB', jsonb_set(pg_temp.p('{"state": "Accepted"}'), '{context,action}', '"on_confirm"'));
-- paid how
SELECT v.i, r #> '{document,payment}' AS payment, r ->> 'reason' AS reason, r #> '{intake,problems,0,problem}' AS problem FROM (VALUES (1, '{"payment": {"type": "ON-FULFILLMENT", "status": "NOT-PAID"}}'::jsonb), (2, '{"payment": {"type": "ON-ORDER", "status": "NOT-PAID"}}'),
     (3, '{"payment": {"type": "BARTER"}}'), (4, '{"state": "Cancelled"}'), (5, '{"payment": {}}')) v (i, more), LATERAL oms.intake_document('WEB', pg_temp.p(more)) r ORDER BY 1;
-- an item the quote does not have; no end
SELECT pg_temp.doc_of('WEB', jsonb_set(pg_temp.p(), '{message,order,items,1,id}', '"TV"'));
SELECT pg_temp.doc_of('WEB', pg_temp.p() #- '{message,order,fulfillments,0,end,location}' #- '{message,order,items,0,quantity}');
-- of another network
SELECT pg_temp.fails(format('SELECT oms.capture_from(%L, %L)', 'WEB', jsonb_set(pg_temp.p(), '{context,domain}', '"BECKN:X"')));
SELECT * FROM oms.verify();
ROLLBACK;
