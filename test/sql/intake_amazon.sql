-- Orders of Amazon: order and items together, hidden buyers, COD in parts, what Amazon ships itself.
\getenv abs_srcdir PG_ABS_SRCDIR
\set shop :abs_srcdir '/sql/include/shop.inc'
\set intake :abs_srcdir '/sql/include/intake.inc'
BEGIN;
\i :shop
\i :intake
DO $$ BEGIN PERFORM pg_temp.set_stock(50, 50, 0, 'SHIRT', 'BOOK', 'TV'); END $$;
-- in the shape of getOrder and getOrderItems; values are our own
CREATE TEMP TABLE sample AS SELECT $${"order": {
  "AmazonOrderId": "402-5550001-0000001", "SellerOrderId": "402-5550001-0000001", "PurchaseDate": "2026-03-01T16:15:10Z", "LastUpdateDate": "2026-03-01T16:45:10Z", "OrderStatus": "Unshipped", "FulfillmentChannel": "MFN", "SalesChannel": "Amazon.in",
  "ShipServiceLevel": "IN Std Dom", "OrderTotal": {"CurrencyCode": "INR", "Amount": "1729.00"}, "NumberOfItemsShipped": 0, "NumberOfItemsUnshipped": 4, "PaymentMethod": "Other", "PaymentMethodDetails": ["Standard"], "MarketplaceId": "A21TJRUUN4KGV",
  "ShipmentServiceLevelCategory": "Standard", "OrderType": "StandardOrder", "EarliestShipDate": "2026-03-02T18:30:00Z", "LatestShipDate": "2026-03-03T18:29:59Z", "IsBusinessOrder": false, "IsPrime": true, "IsPremiumOrder": false, "IsReplacementOrder": "false",
  "ShippingAddress": {"Name": "A. Rao", "AddressLine1": "12, Long Street", "AddressLine2": "Second floor", "AddressLine3": "Near the tank", "City": "SHOPPUR", "StateOrRegion": "KARNATAKA", "PostalCode": "981001", "CountryCode": "IN", "AddressType": "Residential"},
  "BuyerInfo": {"BuyerEmail": "x1y2@marketplace.amazon.in"}},
 "items": [
  {"ASIN": "B0EXAMPLE1", "SellerSKU": "SHIRT", "OrderItemId": "111", "Title": "Shirt", "QuantityOrdered": 3, "QuantityShipped": 0, "ItemPrice": {"CurrencyCode": "INR", "Amount": "1575.00"}, "ItemTax": {"CurrencyCode": "INR", "Amount": "70.25"},
   "PromotionDiscount": {"CurrencyCode": "INR", "Amount": "100.01"}, "PromotionIds": ["P"], "ShippingPrice": {"CurrencyCode": "INR", "Amount": "60.00"}, "ShippingDiscount": {"CurrencyCode": "INR", "Amount": "25.99"}, "IsGift": "true", "ConditionId": "New",
   "BuyerInfo": {"GiftWrapPrice": {"CurrencyCode": "INR", "Amount": "20.00"}}},
  {"ASIN": "B0EXAMPLE2", "SellerSKU": "BOOK", "OrderItemId": "112", "Title": "Book", "QuantityOrdered": 1, "QuantityShipped": 0, "ItemPrice": {"CurrencyCode": "INR", "Amount": "200.00"}, "ItemTax": {"CurrencyCode": "INR", "Amount": "0.00"}, "IsGift": "false"},
  {"ASIN": "B0EXAMPLE3", "SellerSKU": "TV", "OrderItemId": "113", "Title": "Television", "QuantityOrdered": 0, "QuantityShipped": 0, "IsGift": "false"}]}$$::jsonb AS p;
CREATE FUNCTION pg_temp.p(more jsonb DEFAULT '{}') RETURNS jsonb LANGUAGE sql AS $$ SELECT jsonb_set(p, '{order}', p -> 'order' || more) FROM sample $$;
-- 1575 - 100.01 + 200 + 60 - 25.99 + 20 = 1729.00; the cancelled television is none
SELECT pg_temp.doc_of('WEB', pg_temp.p());
SELECT * FROM pg_temp.took_from('WEB', pg_temp.p());
SELECT order_class, paid_amount, total_amount, ship_phone, ship_state_code FROM oms."order" WHERE order_id = pg_temp.id('402-5550001-0000001');
-- as the two answers come, whole
SELECT t.status, t.duplicate, t.unknown FROM sample, pg_temp.took_from('WEB', jsonb_build_object('order', jsonb_build_object('payload', p -> 'order'), 'items', jsonb_build_object('payload', jsonb_build_object('AmazonOrderId', '402-5550001-0000001', 'OrderItems', p -> 'items')))) t;
SELECT t.status, t.duplicate, t.unknown FROM sample, pg_temp.took_from('WEB', jsonb_build_object('order', p -> 'order', 'items', jsonb_build_object('OrderItems', p -> 'items'))) t;
-- cash, and a part of it paid by gift card; fee of cash on delivery
SELECT r #> '{document,payment}' AS payment, r #> '{document,charges}' AS charges, r #> '{intake,warnings}' AS warnings
  FROM oms.intake_document('WEB', jsonb_set(pg_temp.p('{"PaymentMethod": "COD", "OrderTotal": {"CurrencyCode": "INR", "Amount": "1754.00"}, "PaymentExecutionDetail": [{"Payment": {"CurrencyCode": "INR", "Amount": "500.00"}, "PaymentMethod": "GC"}, {"Payment": {"CurrencyCode": "INR", "Amount": "1254.00"}, "PaymentMethod": "COD"}]}'),
       '{items,1,CODFee}', '{"CurrencyCode": "INR", "Amount": "25.00"}')) r;
-- none of these is ours to ship
SELECT v.i, r ->> 'reason' AS reason FROM (VALUES (1, '{"OrderStatus": "Canceled"}'::jsonb), (2, '{"FulfillmentChannel": "AFN"}'), (3, '{"OrderStatus": "Pending"}'), (4, '{"OrderStatus": "Shipped"}'), (5, '{"OrderStatus": "Unfulfillable"}')) v (i, more),
       LATERAL oms.intake_document('WEB', pg_temp.p(more)) r ORDER BY 1;
SELECT status, reason FROM pg_temp.took_from('WEB', pg_temp.p('{"AmazonOrderId": "2", "OrderStatus": "Pending"}') #- '{order,ShippingAddress}');
SELECT status FROM pg_temp.took_from('WEB', pg_temp.p('{"AmazonOrderId": "2"}'));
-- without its items, and other faults
SELECT pg_temp.doc_of('WEB', pg_temp.p() - 'items');
SELECT pg_temp.doc_of('WEB', jsonb_set(pg_temp.p() #- '{order,ShippingAddress,PostalCode}' #- '{items,0,SellerSKU}', '{items,1,ItemPrice,Amount}', '"two hundred"'));
SELECT pg_temp.fails(format('SELECT oms.capture_from(%L, %L)', 'WEB', pg_temp.p('{"AmazonOrderId": "3", "OrderTotal": {"CurrencyCode": "AED", "Amount": "1729.00"}}')));
SELECT * FROM oms.verify();
ROLLBACK;
