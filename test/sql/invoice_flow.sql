-- Tax invoices of parcels and credit notes of returns: whose GSTIN, which taxes, shares of charges, once, and what is refused.
\set ON_ERROR_STOP on
\getenv abs_srcdir PG_ABS_SRCDIR
\set shop :abs_srcdir '/sql/include/shop.inc'
BEGIN;
\i :shop
UPDATE oms.node SET gstin = CASE code WHEN 'BLR' THEN '29ABCDE1234F1ZW' ELSE '07ABCDE1234F1Z2' END, address = '1 ' || name || ' Road', city = name WHERE node_id IN (9211, 9213);
-- Mumbai has none of its own, but the company has one for its state, with a principal place
INSERT INTO oms.gstin (company_id, gstin, state_code, legal_name, trade_name, address, city, pincode) VALUES
    (9200, '27ABCDE1234F1Z0', '27', 'Shop Private Limited', 'Shop', '9 Head Office Street', 'Mumbai', '400001');
SELECT pg_temp.set_stock(30, 0, 0, 'SHIRT', 'RING'), pg_temp.set_stock(0, 9, 0, 'TV'), pg_temp.set_stock(9, 9, 9, 'BOOK');
SELECT oms.add_awbs('SHOPC', (SELECT array_agg('INV' || i) FROM generate_series(1000, 1040) i)) AS added;
CREATE FUNCTION pg_temp.parcel(ref text, node text) RETURNS bigint LANGUAGE sql STABLE AS $$
    SELECT s.shipment_id FROM oms.shipment s JOIN oms.node n USING (node_id) WHERE s.company_id = 9200 AND s.order_id = pg_temp.id(ref) AND n.code = node
       AND s.direction = 'forward' AND s.state <> 'CANCELLED' ORDER BY 1 LIMIT 1 $$;
CREATE FUNCTION pg_temp.inv(ref text, node text, buyer jsonb DEFAULT NULL, at timestamptz DEFAULT '2026-03-31 23:59+05:30') RETURNS jsonb LANGUAGE sql AS $$
    SELECT oms.make_invoice(pg_temp.parcel(ref, node), buyer, at => at) - '{invoice_id,order_id,shipment_id,replaces}'::text[] $$;
CREATE FUNCTION pg_temp.lines(num text) RETURNS TABLE (line integer, what text, hsn text, qty numeric, price numeric, gross numeric, discount numeric, taxable numeric, rate numeric, cgst numeric, sgst numeric, igst numeric)
LANGUAGE sql STABLE AS $$
    SELECT l.line_no, l.description, l.hsn, trim_scale(l.qty), l.unit_price, l.gross, l.discount, l.taxable, trim_scale(l.rate), l.cgst, l.sgst, l.igst
      FROM oms.invoice_line l JOIN oms.invoice i USING (company_id, invoice_id) WHERE i.company_id = 9200 AND i.number = num AND i.status = 'issued' ORDER BY 1 $$;

-- one order from two nodes: each sends with its own GSTIN, the taxes differ; the charge is shared, by net amount, to the paisa
SELECT * FROM pg_temp.took('A', 'WEB 981001 PREPAID 2xSHIRT@525-50 1xTV@23600', '{"charges": [{"kind": "SHIPPING", "amount": 99.99}]}');
SELECT pg_temp.inv('A', 'BLR') AS bengaluru;
SELECT pg_temp.inv('A', 'BOM') AS mumbai;
SELECT pg_temp.inv('A', 'BLR') ->> 'duplicate' AS again;
-- 1000 of 24600: 99.99 * 1000 / 24600 = 4.06; the rest, 95.93, with the other; 5 % of 4.06 incl. = 0.19, 18 % of 95.93 = 14.63
SELECT * FROM pg_temp.lines('INV/25-26/000001');
SELECT i.gstin, l.description, l.hsn, l.taxable, l.igst, l.cgst FROM oms.invoice i JOIN oms.invoice_line l USING (company_id, invoice_id) WHERE i.gstin LIKE '27%' ORDER BY line_no;
SELECT sum(i.total) AS invoiced, o.total_amount FROM oms.invoice i JOIN oms."order" o USING (company_id, order_id) WHERE o.external_id = 'A' GROUP BY 2;
SELECT gstin, seller, dispatch, buyer, ship_to FROM oms.invoice WHERE company_id = 9200 ORDER BY gstin DESC;

-- several rates in a parcel: the charge bears each by taxable value; with books alone it is a bill of supply, in a series of its own
SELECT * FROM pg_temp.took('B', 'WEB 981001 PREPAID 1xSHIRT@1050 1xRING@2060 2xBOOK@500', '{"charges": [{"kind": "COD_FEE", "amount": 40}, {"kind": "SHIPPING", "amount": 60}]}');
SELECT pg_temp.inv('B', 'BLR', at => '2026-04-01 00:00+05:30');
SELECT * FROM pg_temp.lines('INV/26-27/000001');
SELECT * FROM pg_temp.took('C', 'WEB 981001 PREPAID 2xBOOK@500');
SELECT pg_temp.inv('C', 'BLR', at => '2026-04-01 00:00+05:30');
SELECT h.hsn, h.uom, h.rate, h.qty, h.taxable, h.cgst, h.sgst FROM oms.invoice_hsn h JOIN oms.invoice i USING (company_id, invoice_id) WHERE i.number = 'INV/26-27/000001' ORDER BY 1, 3;

-- a registered buyer: prices without tax, who is billed may be told
SELECT * FROM pg_temp.took('D', 'B2B 981002 PREPAID 3xSHIRT@400', '{"customer": {"gstin": "27AAPFU0939F1ZV", "phone": "9876543210", "name": "Acme"}, "charges": [{"kind": "SHIPPING", "amount": 100}]}');
SELECT pg_temp.inv('D', 'BLR', '{"legal_name": "Acme Traders LLP", "address1": "7 Fort", "place": "Mumbai", "pincode": "400001"}', '2026-04-02 00:00+05:30');
SELECT * FROM pg_temp.lines('INV/26-27/000002');
SELECT buyer, ship_to FROM oms.invoice WHERE number = 'INV/26-27/000002';

-- a parcel that changes before it goes gets another invoice; the first keeps its number, cancelled
SELECT * FROM pg_temp.took('E', 'WEB 981001 PREPAID 3xSHIRT@525');
SELECT pg_temp.inv('E', 'BLR', at => '2026-04-03 00:00+05:30') ->> 'number' AS first;
SELECT oms.cancel_line(pg_temp.id('E'), 1, 1, 'BUYER', 'c1') ->> 'qty' AS cancelled;
SELECT j ->> 'number' AS second, j ->> 'total' AS total, j ? 'replaces' AS replaces FROM oms.make_invoice(pg_temp.parcel('E', 'BLR'), at => '2026-04-03 00:00+05:30') j;
SELECT number, status, cancel_reason, total FROM oms.invoice WHERE order_id = pg_temp.id('E') ORDER BY invoice_id;

-- made with the hand-over, or when packed, where the company wants it; a scan is never refused for it
INSERT INTO oms.invoice_policy (company_id, make_at, round_rupee) VALUES (9200, 'dispatch', true);
SELECT * FROM pg_temp.took('F', 'WEB 981001 COD 1xSHIRT@525-191.67');
SELECT oms.pack_shipment(pg_temp.parcel('F', 'BLR')) AS packed, (SELECT count(*) FROM oms.invoice WHERE order_id = pg_temp.id('F')) AS invoices;
SELECT oms.dispatch_shipment(pg_temp.parcel('F', 'BLR'), at => '2026-04-04 00:00+05:30') ->> 'duplicate' AS duplicate;
SELECT number, invoice_date, taxable, cgst, sgst, round_off, total FROM oms.invoice WHERE order_id = pg_temp.id('F');
UPDATE oms.invoice_policy SET make_at = 'packing', round_rupee = false;
SELECT * FROM pg_temp.took('G', 'WEB 981001 COD 1xSHIRT@525');
SAVEPOINT packing; -- of today, whenever that is
SELECT oms.pack_shipment(pg_temp.parcel('G', 'BLR')) AS packed, (SELECT count(*) FROM oms.invoice WHERE order_id = pg_temp.id('G')) AS invoices;
SELECT count(*) AS invoices FROM oms.invoice WHERE order_id = pg_temp.id('G') AND status = 'issued';
ROLLBACK TO packing;
SELECT * FROM pg_temp.took('H', 'WEB 981001 COD 1xSHIRT@525');
UPDATE oms.node SET gstin = NULL WHERE node_id = 9211;
SELECT pg_temp.fails(format('SELECT oms.dispatch_shipment(%s)', pg_temp.parcel('H', 'BLR'))) ~ '^OM802: no invoice can be made for shipment \d+ / Node "BLR" has no GSTIN. / Set' AS refused;
SELECT oms.book_shipment(pg_temp.parcel('H', 'BLR')) IS NOT NULL AS booked;
SELECT j ->> 'state' AS state FROM oms.record_scan((SELECT jsonb_build_object('courier', 'SHOPC', 'awb', awb, 'code', 'IN_TRANSIT', 'scanned_at', '2026-04-05T10:00:00+05:30') FROM oms.shipment WHERE shipment_id = pg_temp.parcel('H', 'BLR'))) j;
SELECT type, payload ->> 'error' ~ '^OM802: no invoice can be made for shipment \d+$' AS says, payload ->> 'detail' AS detail FROM oms.event WHERE company_id = 9200 AND type = 'invoice.failed';
UPDATE oms.node SET gstin = '29ABCDE1234F1ZW' WHERE node_id = 9211;
UPDATE oms.invoice_policy SET make_at = 'demand';

-- a customer's return: what arrived, without charges; in parts that add up to the line, and to the refunds
SELECT * FROM pg_temp.took('I', 'WEB 981001 PREPAID 3xSHIRT@525-575.01 1xBOOK@200-100', '{"charges": [{"kind": "SHIPPING", "amount": 50}]}');
SELECT pg_temp.inv('I', 'BLR', at => '2026-04-05 00:00+05:30') ->> 'number' AS number;
SELECT * FROM pg_temp.lines('INV/26-27/000006');
SELECT oms.dispatch_shipment(pg_temp.parcel('I', 'BLR'), at => '2026-04-05 00:00+05:30') ->> 'duplicate' AS duplicate;
SELECT j ->> 'state' AS state FROM oms.record_scan((SELECT jsonb_build_object('courier', 'SHOPC', 'awb', awb, 'code', 'DELIVERED', 'scanned_at', '2026-04-06T10:00:00+05:30') FROM oms.shipment WHERE shipment_id = pg_temp.parcel('I', 'BLR'))) j;
CREATE FUNCTION pg_temp.back(ref text, name text, lines text) RETURNS bigint LANGUAGE sql AS $$
    SELECT (oms.create_return(jsonb_build_object('channel', 'WEB', 'external_id', $1, 'return_ref', $2, 'reason', 'SIZE', 'lines', $3::jsonb), '2026-04-07 12:00+05:30') ->> 'return_id')::bigint $$;
CREATE FUNCTION pg_temp.note(id bigint) RETURNS jsonb LANGUAGE sql AS $$
    SELECT jsonb_build_object('duplicate', j -> 'duplicate', 'notes', (SELECT jsonb_agg(n - '{invoice_id,original_id,date}'::text[]) FROM jsonb_array_elements(j -> 'notes') n)) FROM oms.make_credit_note(id, at => '2026-04-10 12:00+05:30') j $$;
SELECT pg_temp.back('I', 'I1', '[{"line_no": 1, "qty": 1}]') AS r1 \gset
SELECT regexp_replace(pg_temp.fails('SELECT oms.make_credit_note(' || :r1 || ')'), 'return \d+', 'return N') AS not_counted;
SELECT oms.receive_return(:r1) ->> 'refund' AS refund;
SELECT pg_temp.note(:r1);
SELECT pg_temp.note(:r1) -> 'duplicate' AS again;
SELECT pg_temp.back('I', 'I2', '[{"line_no": 1, "qty": 2}, {"line_no": 2, "qty": 1}]') AS r2 \gset
SELECT oms.receive_return(:r2, '[{"line_no": 1, "qty": 1}, {"line_no": 2, "qty": 1}]') ->> 'refund' AS refund;
SELECT pg_temp.note(:r2);
SELECT pg_temp.back('I', 'I3', '[{"line_no": 1, "qty": 1}]') AS r3 \gset
SELECT oms.receive_return(:r3) ->> 'refund' AS refund;
SELECT pg_temp.note(:r3);
SELECT c.number, l.original_line_no, trim_scale(l.qty) AS qty, l.taxable, l.cgst, l.sgst FROM oms.invoice c JOIN oms.invoice_line l USING (company_id, invoice_id) WHERE c.order_id = pg_temp.id('I') AND c.kind = 'credit_note' ORDER BY 1, 2;
SELECT (SELECT sum(total) FROM oms.invoice WHERE order_id = pg_temp.id('I') AND kind = 'credit_note') AS credited,
       (SELECT sum(amount) FROM oms.refund WHERE order_id = pg_temp.id('I')) AS refunded, (SELECT sum(cgst + sgst + igst) FROM oms.invoice WHERE order_id = pg_temp.id('I') AND kind = 'credit_note') AS tax,
       (SELECT sum(tax_amount) FROM oms.refund WHERE order_id = pg_temp.id('I')) AS tax_refunded;
-- what is left is the charge; it may be credited by hand
SELECT invoice_id AS ii FROM oms.invoice WHERE number = 'INV/26-27/000006' \gset
SELECT pg_temp.fails(format('SELECT oms.credit_invoice(%s, %L, %L)', :ii, 'x', '[{"line_no": 1, "qty": 1}]'));
SELECT pg_temp.fails(format('SELECT oms.credit_invoice(%s, %L, %L)', :ii, 'x', '[{"line_no": 9, "qty": 1}]'));
SELECT oms.credit_invoice(:ii, 'Goodwill', at => '2026-04-10 12:00+05:30') - '{invoice_id,original_id}'::text[] AS rest;
SELECT pg_temp.fails(format('SELECT oms.credit_invoice(%s, %L, at => %L)', :ii, 'x', '2026-04-11 12:00+05:30')) AS nothing_left;

-- RTO: all of the invoice, charges too; refused after 30 November of the next year
SELECT oms.dispatch_shipment(pg_temp.parcel('A', 'BLR'), at => '2026-03-31 23:59+05:30') ->> 'duplicate' AS duplicate;
SELECT j ->> 'state' AS state FROM oms.record_scan((SELECT jsonb_build_object('courier', 'SHOPC', 'awb', awb, 'code', 'RTO_DELIVERED', 'scanned_at', '2026-04-06T10:00:00+05:30') FROM oms.shipment WHERE shipment_id = pg_temp.parcel('A', 'BLR'))) j;
SELECT return_id AS rto FROM oms.return_order WHERE company_id = 9200 AND order_id = pg_temp.id('A') \gset
SELECT oms.receive_return(:rto) ->> 'status' AS status;
SELECT pg_temp.fails(format('SELECT oms.make_credit_note(%s, at => %L)', :rto, '2026-12-01 00:00+05:30'));
SELECT pg_temp.fails(format('SELECT oms.make_credit_note(%s, at => %L)', :rto, '2026-03-30 00:00+05:30'));
SELECT n ->> 'number' AS number, n ->> 'original' AS original, n ->> 'total' AS total FROM jsonb_path_query(oms.make_credit_note(:rto, at => '2026-11-30 23:59+05:30'), '$.notes[*]') n;

-- cancelling: freely before the goods left, then for 24 hours, not once credited; again changes nothing
SELECT oms.cancel_invoice(i.invoice_id, 'Typo', at => '2026-05-30 00:00+05:30') AS before_it_left FROM oms.invoice i WHERE i.number = 'INV/26-27/000002' AND i.status = 'issued';
SELECT oms.cancel_invoice(i.invoice_id, 'Typo') AS again FROM oms.invoice i WHERE i.number = 'INV/26-27/000002';
SELECT pg_temp.inv('D', 'BLR', at => '2026-05-30 00:00+05:30') ->> 'number' AS anew;
SELECT pg_temp.fails(format('SELECT oms.cancel_invoice(%s, %L, at => %L)', invoice_id, 'Typo', '2026-04-05 00:00:01+05:30')) AS late FROM oms.invoice WHERE order_id = pg_temp.id('F');
SELECT oms.cancel_invoice(invoice_id, 'Typo', at => '2026-04-05 00:00+05:30') AS in_time FROM oms.invoice WHERE order_id = pg_temp.id('F');
SELECT pg_temp.fails(format('SELECT oms.cancel_invoice(%s, %L)', :ii, 'Typo')) AS credited;
SELECT pg_temp.fails(format('SELECT oms.cancel_invoice(%s, %L)', :ii, '')) AS no_reason UNION ALL SELECT pg_temp.fails('SELECT oms.cancel_invoice(0, ''x'')') UNION ALL SELECT pg_temp.fails('SELECT oms.make_invoice(0)') UNION ALL SELECT pg_temp.fails('SELECT oms.make_invoice(NULL)')
UNION ALL SELECT regexp_replace(pg_temp.fails(format('SELECT oms.make_invoice(%s, %L)', pg_temp.parcel('D', 'BLR'), b)), 'shipment \d+', 'shipment N') FROM unnest('{[],"{\"name\": \"x\"}","{\"place\": 5}"}'::text[]) b
UNION ALL SELECT regexp_replace(pg_temp.fails(format('SELECT oms.make_credit_note(%s)', return_id)), 'return \d+', 'return N') FROM oms.return_order WHERE return_id = 0;
-- what is to be done: E has an invoice and is here; of F the invoice was cancelled after it left, and H has none
SELECT what, o.external_id, t.number, due FROM oms.invoice_todo('2026-03-01', at => '2026-04-20 12:00+05:30') t LEFT JOIN oms.shipment s USING (shipment_id) LEFT JOIN oms."order" o USING (company_id, order_id) ORDER BY what COLLATE "C", o.external_id COLLATE "C";
SELECT gstin, kind, month, from_number, to_number, documents, cancelled FROM oms.invoice_issued WHERE company_id = 9200 ORDER BY gstin COLLATE "C", kind COLLATE "C", month;
-- nothing that is not taxed there, or in another currency
SELECT * FROM pg_temp.took('J', 'WEB 981001 PREPAID 1xBOOK@500');
SAVEPOINT a;
UPDATE oms.allocation SET supplier_state = '07' WHERE order_id = pg_temp.id('J');
SELECT regexp_replace(pg_temp.fails(format('SELECT oms.make_invoice(%s)', pg_temp.parcel('J', 'BLR'))), 'shipment \d+', 'shipment N') AS refused;
ROLLBACK TO a;
UPDATE oms."order" SET currency = 'USD' WHERE order_id = pg_temp.id('J');
SELECT regexp_replace(pg_temp.fails(format('SELECT oms.make_invoice(%s)', pg_temp.parcel('J', 'BLR'))), 'shipment \d+', 'shipment N') AS refused;
ROLLBACK TO a;
UPDATE oms.node SET gstin = '27ABCDE1234F1Z0' WHERE node_id = 9211;
SELECT regexp_replace(pg_temp.fails(format('SELECT oms.make_invoice(%s)', pg_temp.parcel('J', 'BLR'))), 'shipment \d+', 'shipment N') AS refused;
ROLLBACK TO a;
-- a node with a series of its own takes from it; one may be named
INSERT INTO oms.invoice_series (company_id, gstin, kind, series, fin_year, prefix, width) VALUES (9200, '29ABCDE1234F1ZW', 'bill_of_supply', 'BLR', '2026-27', 'KA-{YY}-B', 5);
SELECT pg_temp.inv('J', 'BLR', at => '2026-04-05 00:00+05:30') ->> 'number' AS number;
SELECT count(*) AS documents, count(DISTINCT (gstin, kind, number)) AS numbers FROM oms.invoice WHERE company_id = 9200;
SELECT * FROM oms.verify();
-- an operator makes and cancels documents, and rewrites none
CREATE ROLE regress_oms_books;
DO $$ BEGIN PERFORM oms.grant_role('operator', 'regress_oms_books'); END $$;
SELECT pg_temp.parcel('H', 'BLR') AS h \gset
SET LOCAL ROLE regress_oms_books;
SELECT oms.make_invoice(:h, at => '2026-04-05 12:00+05:30') ->> 'number' AS number;
SELECT oms.cancel_invoice(invoice_id, 'Typo', at => '2026-04-05 13:00+05:30') AS cancelled FROM oms.invoice WHERE shipment_id = :h;
\set ON_ERROR_STOP off
\set VERBOSITY terse
SAVEPOINT b;
DELETE FROM oms.invoice WHERE shipment_id = :h;
ROLLBACK TO b;
UPDATE oms.invoice_line SET taxable = 0;
ROLLBACK TO b;
UPDATE oms.invoice_number SET no = 99;
ROLLBACK;
