-- E-invoices: when one is due, form INV-01 of invoices and credit notes, what is wrong with one, the portal's answer, cancellation.
\set ON_ERROR_STOP on
\getenv abs_srcdir PG_ABS_SRCDIR
\set shop :abs_srcdir '/sql/include/shop.inc'
BEGIN;
\i :shop
UPDATE oms.node SET gstin = '29ABCDE1234F1ZW', address = '12, Hosur Road', city = 'Bengaluru', pincode = '560034' WHERE node_id = 9211;
INSERT INTO oms.pincode (pincode, state_code, district, place) VALUES ('560034', '29', 'Bengaluru', oms.geo_point(12.93, 77.62)), ('560001', '29', 'Bengaluru', oms.geo_point(12.97, 77.59)), ('560025', '29', 'Bengaluru', oms.geo_point(12.97, 77.6)), ('400001', '27', 'Mumbai', oms.geo_point(18.94, 72.84)) ON CONFLICT DO NOTHING;
UPDATE oms.sku SET hsn = '61091000' WHERE sku_id = 9221;
INSERT INTO oms.serviceability (courier_service_id, pincode, cod) VALUES (9251, '560034', true), (9251, '400001', true), (9251, '560001', true);
SELECT pg_temp.set_stock(20, 0, 0, 'SHIRT', 'BOOK');
SELECT oms.add_awbs('SHOPC', (SELECT array_agg('IRP' || i) FROM generate_series(1000, 1010) i)) AS added;
CREATE FUNCTION pg_temp.parcel(ref text) RETURNS bigint LANGUAGE sql STABLE AS $$ SELECT min(s.shipment_id) FROM oms.shipment s WHERE s.company_id = 9200 AND s.order_id = pg_temp.id(ref) $$;
CREATE FUNCTION pg_temp.inv(num text) RETURNS bigint LANGUAGE sql STABLE AS $$ SELECT invoice_id FROM oms.invoice WHERE company_id = 9200 AND number = num $$;
CREATE FUNCTION pg_temp.make(ref text, buyer jsonb DEFAULT NULL, at timestamptz DEFAULT '2026-04-01 12:00+05:30') RETURNS text LANGUAGE sql AS $$ SELECT oms.make_invoice(pg_temp.parcel(ref), buyer, at => at) ->> 'number' $$;
SELECT * FROM pg_temp.took('X1', 'B2B 400001 PREPAID 3xSHIRT@400-100', '{"customer": {"gstin": "27AAPFU0939F1ZV", "phone": "9876543210", "name": "Acme \"Traders\""}, "charges": [{"kind": "SHIPPING", "amount": 100}]}');
SELECT pg_temp.make('X1') AS x1;
SELECT * FROM pg_temp.took('X2', 'WEB 981001 PREPAID 1xSHIRT@525');
SELECT pg_temp.make('X2') AS x2;
SELECT * FROM pg_temp.took('X3', 'B2B 981001 PREPAID 1xBOOK@100', '{"customer": {"gstin": "29AABCR1718E1ZL", "phone": "9876543211", "name": "Reader"}}');
SELECT pg_temp.make('X3') AS x3;

-- due: by the turnover of any earlier year from 2017-18 on, not of this one
SELECT * FROM oms.einvoice_need(pg_temp.inv('INV/26-27/000001'));
INSERT INTO oms.turnover (company_id, fin_year, amount) VALUES (9200, '2016-17', 99999999999), (9200, '2024-25', 50000000), (9200, '2026-27', 99999999999);
SELECT * FROM oms.einvoice_need(pg_temp.inv('INV/26-27/000001'));
UPDATE oms.turnover SET amount = 50000000.01 WHERE fin_year = '2024-25';
SELECT * FROM oms.einvoice_need(pg_temp.inv('INV/26-27/000001'));
UPDATE oms.turnover SET amount = 100000000 WHERE fin_year = '2024-25';
SELECT i.number, n.* FROM oms.invoice i, oms.einvoice_need(i.invoice_id) n WHERE i.company_id = 9200 ORDER BY i.invoice_id;
SELECT * FROM oms.einvoice_need(0);
-- by date of the document
SAVEPOINT a;
CREATE FUNCTION pg_temp.need_on(d date, t numeric) RETURNS text LANGUAGE plpgsql AS $$
DECLARE r record;
BEGIN
    UPDATE oms.turnover SET amount = t, fin_year = '2017-18' WHERE fin_year IN ('2024-25', '2017-18');
    UPDATE oms.invoice SET invoice_date = d WHERE invoice_id = pg_temp.inv('INV/26-27/000001');
    SELECT * INTO r FROM oms.einvoice_need(pg_temp.inv('INV/26-27/000001'));
    RETURN r.reason || coalesce(' by ' || r.report_by, '');
END $$;
SELECT d, t, pg_temp.need_on(d, t) FROM (VALUES (date '2020-09-30', 6e9::numeric), ('2020-10-01', 6e9), ('2022-09-30', 1.5e8), ('2022-10-01', 1.5e8), ('2023-07-31', 6e7), ('2023-08-01', 6e7), ('2023-11-01', 999999999), ('2023-11-01', 1e9), ('2025-03-31', 1e8), ('2025-04-01', 1e8)) v (d, t);
ROLLBACK TO a;

-- INV-01; no quotes, amounts without tax, the charge as a line of its own
SELECT jsonb_pretty(oms.einvoice_json(pg_temp.inv('INV/26-27/000001')) - 'ItemList') AS head;
SELECT e FROM jsonb_path_query(oms.einvoice_json(pg_temp.inv('INV/26-27/000001')), '$.ItemList[*]') e;
SELECT * FROM oms.check_einvoice_json(oms.einvoice_json(pg_temp.inv('INV/26-27/000001')), '2026-04-02');
SELECT oms.einvoice_json(pg_temp.inv('INV/26-27/000001'), '{"mode": 1, "vehicle_no": "KA01AB1234", "distance_km": 984, "transporter_id": "29AAFCA7488L1Z0"}') -> 'EwbDtls' AS ewb;
SELECT * FROM oms.check_einvoice_json(oms.einvoice_json(pg_temp.inv('INV/26-27/000001'), '{"mode": 1, "vehicle_no": "KA01AB1234", "distance_km": 984}'), '2026-04-02');
SELECT pg_temp.fails(format('SELECT oms.einvoice_json(%s)', i)) AS refused FROM unnest(ARRAY[pg_temp.inv('INV/26-27/000002'), pg_temp.inv('BOS/26-27/000001'), 0]) i
UNION ALL SELECT pg_temp.fails(format('SELECT oms.einvoice_json(%s, %L)', pg_temp.inv('INV/26-27/000001'), '{"mode": 9}'));
-- what is wrong: form, then rules
CREATE FUNCTION pg_temp.wrong(at text[], v jsonb, day date DEFAULT '2026-04-02') RETURNS TABLE (path text, rule text, expected jsonb, value jsonb) LANGUAGE sql AS $$
    SELECT c.* FROM oms.check_einvoice_json(CASE WHEN v IS NULL THEN oms.einvoice_json(pg_temp.inv('INV/26-27/000001')) #- at ELSE jsonb_set(oms.einvoice_json(pg_temp.inv('INV/26-27/000001')), at, v) END, day) c $$;
SELECT w.* FROM (VALUES (1, '{Version}'::text[], '"1.0"'::jsonb), (2, '{BuyerDtls,Pos}', NULL), (3, '{TranDtls,SupTyp}', '"B2C"'), (4, '{DocDtls,No}', '"0123"'), (5, '{DocDtls,Dt}', '"1/4/2026"'), (6, '{SellerDtls,Pin}', '"560034"'),
    (7, '{SellerDtls,Loc}', '"AB"'), (8, '{ItemList,0,HsnCd}', '"610"'), (9, '{ItemList,0,TotAmt}', '-1'), (10, '{ItemList}', '[]'), (11, '{ValDtls,RndOffAmt}', '100'), (12, '{BuyerDtls,Em}', '"x"'), (13, '{SellerDtls,Fax}', '"1"'), (14, '{ItemList,1,SlNo}', '2')) v (n, p, c), pg_temp.wrong(p, c) w ORDER BY n, path;
SELECT w.* FROM (VALUES (1, '{BuyerDtls,Gstin}'::text[], '"27AAPFU0939F1ZX"'::jsonb), (2, '{BuyerDtls,Gstin}', '"29ABCDE1234F1ZW"'), (3, '{BuyerDtls,Gstin}', '"URP"'), (4, '{BuyerDtls,Pin}', '560001'), (5, '{BuyerDtls,Pos}', '"29"'), (6, '{BuyerDtls,Pos}', '"25"'), (7, '{TranDtls,SupTyp}', '"EXPWOP"'),
    (8, '{ItemList,0,HsnCd}', '"6109"'), (9, '{ItemList,0,IsServc}', '"Y"'), (10, '{ItemList,1,SlNo}', '"1"'), (11, '{ItemList,0,Unit}', NULL), (12, '{ItemList,0,UnitPrice}', '401'), (13, '{ItemList,0,Discount}', '0'), (14, '{ItemList,0,GstRt}', '12'), (15, '{ItemList,0,TotItemVal}', '1200'),
    (16, '{ValDtls,AssVal}', '1198.99'), (17, '{ValDtls,TotInvVal}', '1261.01'), (18, '{ItemList,0,SgstAmt}', '27.5'), (19, '{DocDtls,Dt}', '"30/02/2026"'), (20, '{DocDtls,Dt}', '"03/04/2026"')) v (n, p, c), pg_temp.wrong(p, c) w ORDER BY n, path, rule;
-- within a state: CGST and SGST
SELECT * FROM pg_temp.took('X4', 'B2B 560001 PREPAID 1xSHIRT@999.99', '{"customer": {"gstin": "29AABCR1718E1ZL", "phone": "9876543211", "name": "Reader and Sons"}}');
SELECT pg_temp.make('X4', '{"address1": "1 Residency Road", "place": "Bengaluru", "pincode": "560025"}') AS x4;
SELECT j #> '{ItemList,0,CgstAmt}' AS cgst, j #> '{ItemList,0,SgstAmt}' AS sgst, j #> '{ItemList,0,IgstAmt}' AS igst, j -> 'ShipDtls' AS ship FROM oms.einvoice_json(pg_temp.inv('INV/26-27/000003')) j;
SELECT * FROM oms.check_einvoice_json(oms.einvoice_json(pg_temp.inv('INV/26-27/000003')), '2026-04-02');

-- the portal's answer: the IRN must be the document's own
SELECT pg_temp.fails(format('SELECT oms.record_irn(%s, %L)', pg_temp.inv('INV/26-27/000001'), a)) AS refused FROM unnest(ARRAY['{}', '[]', '{"Irn": "x", "AckDt": "2026-04-01"}', format('{"Irn": "%s", "AckDt": "2026-04-01 12:30:00"}', repeat('0', 64))]) a
UNION ALL SELECT pg_temp.fails('SELECT oms.record_irn(0, ''{}'')');
CREATE FUNCTION pg_temp.answer(num text, typ text, ack text) RETURNS jsonb LANGUAGE sql AS $$
    SELECT jsonb_build_object('Irn', encode(sha256(convert_to('29ABCDE1234F1ZW2026-27' || typ || num, 'UTF8')), 'hex'), 'AckNo', 112010036563310, 'AckDt', ack, 'SignedQRCode', 'eyJ.a.b') $$;
SELECT oms.record_irn(pg_temp.inv('INV/26-27/000001'), pg_temp.answer('INV/26-27/000001', 'INV', '2026-04-02 09:00:00')) AS kept, oms.record_irn(pg_temp.inv('INV/26-27/000001'), pg_temp.answer('INV/26-27/000001', 'INV', '2026-04-02 09:00:00')) AS again;
SELECT ack_no, ack_at, signed_qr, status FROM oms.einvoice WHERE company_id = 9200;
SELECT pg_temp.fails(format('SELECT oms.cancel_invoice(%s, %L)', pg_temp.inv('INV/26-27/000001'), 'x')) AS registered;
-- cancelled within 24 hours of it, though the invoice left and is older; not while its e-way bill is active
SELECT oms.dispatch_shipment(pg_temp.parcel('X1'), at => '2026-04-01 13:00+05:30') ->> 'duplicate' AS duplicate;
SELECT oms.record_eway_bill(pg_temp.parcel('X1'), '123456789014', '2026-04-02 09:00+05:30', 984) AS eway;
SELECT regexp_replace(pg_temp.fails(format('SELECT oms.cancel_irn(%s, %s, %s, at => %L)', pg_temp.inv(i), coalesce(quote_literal(c), 'NULL'), coalesce(quote_literal(r), 'NULL'), t)), 'invoice [0-9]+ ', 'invoice N ') AS refused
  FROM (VALUES ('INV/26-27/000001', '3', 'Order cancelled', '2026-04-03 09:00+05:30'), ('INV/26-27/000001', '3', 'Order cancelled', '2026-04-03 09:00:01+05:30'), ('INV/26-27/000001', '9', 'x', '2026-04-03 09:00+05:30'), ('INV/26-27/000001', '1', NULL, '2026-04-03 09:00+05:30'), ('INV/26-27/000002', '1', 'x', '2026-04-03 09:00+05:30')) v (i, c, r, t);
SELECT oms.cancel_eway_bill('123456789014', '2', at => '2026-04-02 10:00+05:30') -> 'cancelRsnCode' AS code;
SELECT oms.cancel_irn(pg_temp.inv('INV/26-27/000001'), '3', 'Order cancelled', at => '2026-04-03 09:00+05:30') - 'Irn' AS cancelled, oms.cancel_irn(pg_temp.inv('INV/26-27/000001'), '1', 'again') - 'Irn' AS again;
SELECT i.status, i.cancel_reason, e.status, e.cancel_code FROM oms.invoice i JOIN oms.einvoice e USING (company_id, invoice_id) WHERE i.company_id = 9200;
-- a new invoice for the same goods, registered; returned: a credit note of its own IRN, naming it
SELECT pg_temp.make('X1', at => '2026-04-03 12:00+05:30') AS anew;
SELECT oms.record_irn(pg_temp.inv('INV/26-27/000004'), pg_temp.answer('INV/26-27/000004', 'INV', '2026-04-03 12:01:00')) AS kept;
SELECT oms.credit_invoice(pg_temp.inv('INV/26-27/000004'), 'Damaged', '[{"line_no": 1, "qty": 1}]', at => '2026-04-10 12:00+05:30') ->> 'total' AS credited;
SELECT j -> 'DocDtls' AS doc, j -> 'RefDtls' AS ref, j -> 'ValDtls' AS val FROM oms.einvoice_json(pg_temp.inv('CRN/26-27/000001')) j;
SELECT * FROM oms.check_einvoice_json(oms.einvoice_json(pg_temp.inv('CRN/26-27/000001')), '2026-04-10');
SELECT oms.record_irn(pg_temp.inv('CRN/26-27/000001'), pg_temp.answer('CRN/26-27/000001', 'CRN', '2026-04-10 12:01:00')) AS kept;
SELECT n.* FROM oms.einvoice_need(pg_temp.inv('CRN/26-27/000001')) n;
SELECT * FROM oms.verify() WHERE invariant LIKE 'invoice%' OR invariant = 'orphan';
ROLLBACK;
