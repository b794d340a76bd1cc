-- Orders from files: columns by name, rows grouped by order, bad rows kept and the rest taken.
\getenv abs_srcdir PG_ABS_SRCDIR
\set shop :abs_srcdir '/sql/include/shop.inc'
\set intake :abs_srcdir '/sql/include/intake.inc'
BEGIN;
\i :shop
\i :intake
DO $$ BEGIN PERFORM pg_temp.set_stock(50, 50, 0, 'SHIRT', 'BOOK', 'TV'); END $$;
CREATE FUNCTION pg_temp.file(csv text, OUT row_no int, OUT ok boolean, OUT external_id text, OUT status text, OUT total text, OUT sqlstate text, OUT message text) RETURNS SETOF record LANGUAGE sql AS $$
    SELECT row_no, ok, external_id, status, answer ->> 'total', sqlstate, message FROM oms.capture_csv('WEB', csv, '2026-03-02 10:00+05:30')
$$;
-- a mark at the beginning, semicolons, quotes, a quote in quotes, a line break and a separator in a value, CRLF
SELECT * FROM pg_temp.file(E'\uFEFFOrder ID;Order Date;SKU;Quantity;Selling Price;Discount;Payment Mode;Buyer Name;"Shipping Address";City;State;Pin Code;Phone No.;Shipping Charges\r\n'
 || E'M-1;05/03/2026 10:30;SHIRT;2;"1,525.00";25;COD;"Rao; ""Asha""";"12, Long Street\r\nTop floor";Shoppur;Karnataka;981001;+91-9845012345;49\r\n'
 || E'M-2;05-Mar-2026;BOOK;1;Rs. 200;;Prepaid;Ravi;14 Short Street;Shopgaon;MH;981002;;\r\n\r\n'
 || E'M-1;05/03/2026 10:30;BOOK;1;200;;COD;;;;;;;\r\n');
SELECT external_id, ship_name, ship_address, placed_at, payment_mode, total_amount FROM oms."order" WHERE company_id = 9200 ORDER BY external_id;
SELECT external_id, jsonb_pretty(payload) FROM oms.intake_message WHERE company_id = 9200 AND external_id = 'M-1';
-- the same file again changes nothing
SELECT external_id, status FROM pg_temp.file(E'Order ID,SKU,Quantity,Selling Price,Discount,Payment Mode,Buyer Name,Shipping Address,City,State,Pin Code,Order Date\nM-2,BOOK,1,200,,Prepaid,Ravi,14 Short Street,Shopgaon,MH,981002,05-Mar-2026');
-- tabs; bad rows and orders, each by itself
SELECT * FROM pg_temp.file(E'order_id\tsku\tqty\tprice\tpayment_method\tpincode\n'
 || E'B-1\tBOOK\t1\t200\tUPI\t981001\n'
 || E'B-2\tBOOK\t1\t200\tUPI\t981001\ttoo much\n'
 || E'\tBOOK\t1\t200\tUPI\t981001\n'
 || E'B-3\tBOOK\tone\t200\tUPI\t981001\n'
 || E'B-4\tNO-SUCH\t1\t200\tUPI\t981001\n'
 || E'B-2\tSHIRT\t1\t525\tUPI\t981001\n'
 || E'B-5\tBOOK\t1\t200\t\t981001\n'
 || E'B-6\tBOOK\t2\t200\tCash on delivery\t981001\n');
SELECT source, external_ref, sqlstate, detail, document FROM oms.reject WHERE company_id = 9200 ORDER BY reject_id;
-- never what was misread, tried again or not
SELECT r ->> 'status' AS status, r ->> 'message' AS message FROM oms.intake_message m, LATERAL oms.intake_retry(message_id) r WHERE m.company_id = 9200 AND m.external_id = 'B-2';
-- corrected: only the order in question is sent again
SELECT * FROM pg_temp.file(E'order_id\tsku\tqty\tprice\tpayment_method\tpincode\nB-2\tBOOK\t1\t200\tUPI\t981001\nB-2\tSHIRT\t1\t525\tUPI\t981001\n');
SELECT status, reason, order_id = pg_temp.id('B-2') AS of_it FROM oms.intake_message WHERE company_id = 9200 AND external_id = 'B-2' ORDER BY message_id;
-- a quote that is not closed takes the rest of the file with it
SELECT row_no, ok, external_id, message FROM pg_temp.file(E'order_id,sku,qty,price,payment_method,pincode\nC-1,BOOK,1,200,UPI,981001\nC-2,"BOOK,1,200,UPI,981001\nC-3,BOOK,1,200,UPI,981001\n');
-- cancelled rows are no lines
SELECT external_id, status, total FROM pg_temp.file(E'order_id,sku,qty,price,payment_method,pincode,status\nD-1,BOOK,1,200,UPI,981001,Placed\nD-1,SHIRT,1,525,UPI,981001,Cancelled\nD-2,SHIRT,1,525,UPI,981001,CANCELLED\n');
-- what is no file
SELECT pg_temp.fails($$SELECT * FROM oms.capture_csv('WEB', '')$$);
SELECT pg_temp.fails($$SELECT * FROM oms.capture_csv('WEB', NULL)$$);
SELECT pg_temp.fails($$SELECT * FROM oms.capture_csv('WEB', 'a,b')$$);
SELECT pg_temp.fails($$SELECT * FROM oms.capture_csv('WEB', 'order id,Order_ID')$$);
SELECT pg_temp.fails($$SELECT * FROM oms.capture_csv('WEB', '"order id')$$);
SELECT * FROM oms.capture_csv('WEB', 'order_id');
INSERT INTO oms.intake_channel (company_id, channel_id, map) VALUES (9200, 9202, 'shopify');
SELECT pg_temp.fails($$SELECT * FROM oms.capture_csv('NOW', 'order_id')$$);
SELECT * FROM oms.verify();
ROLLBACK;
