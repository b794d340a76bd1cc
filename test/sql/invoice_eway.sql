-- E-way bills: need, days, JSON of a parcel, what is wrong with one, what the portal answered.
\set ON_ERROR_STOP on
\getenv abs_srcdir PG_ABS_SRCDIR
\set shop :abs_srcdir '/sql/include/shop.inc'
BEGIN;
\i :shop
-- days: 200 km or part each, 20 over-dimensional; before 2021 100
SELECT d AS km, oms.eway_days(d) AS days, oms.eway_days(d, true) AS odc, oms.eway_days(d, day => '2020-12-31') AS before_2021
  FROM unnest('{0,0.1,1,20,20.1,100,200,200.1,201,400,401,450,2467}'::numeric[]) d;
SELECT oms.eway_days(-1), oms.eway_days(NULL), oms.eway_days('NaN'), oms.eway_days(1, day => '2018-03-31');
-- to 23:59 India time, whatever the session's zone
SELECT g, d, o, oms.eway_valid_until(g, d, o) AS until FROM (VALUES (timestamptz '2022-09-16 19:29+05:30', 2467, false), ('2022-10-05 12:39+05:30', 200, false), ('2022-10-05 23:59:59+05:30', 1, false),
    ('2022-10-05 18:30:00+00', 1, false), ('2024-02-28 10:00+05:30', 40, true), ('2020-12-31 10:00+05:30', 200, false), ('infinity', 1, false)) v (g, d, o);
-- need: exceeding the limit, between states and within one
SELECT v, f, t, n.needed, n.reason, n.above_value, n.part_b FROM (VALUES (50000.00, '29', '27'), (50000.01, '29', '27'), (50000.01, '29', '29'), (100000, '27', '27'), (100000.01, '27', '27'),
    (100000.01, '07', '07'), (100000, '33', '33'), (100000, '19', '19'), (100000, '03', '03'), (100000, '08', '08'), (100000.01, '08', '08'), (NULL, '29', '27'), (1, NULL, '27')) v (v, f, t), oms.eway_need(v, f, t, '2026-04-01') n;
SELECT 'within a city of Rajasthan' AS what, n.needed, n.reason, n.above_value FROM oms.eway_need(200000, '08', '08', '2026-04-01', within_city => true) n
UNION ALL SELECT 'and above', n.needed, n.reason, n.above_value FROM oms.eway_need(200000.01, '08', '08', '2026-04-01', within_city => true) n
UNION ALL SELECT 'within a city elsewhere', n.needed, n.reason, n.above_value FROM oms.eway_need(50000.01, '29', '29', '2026-04-01', within_city => true) n
UNION ALL SELECT 'job work between states', n.needed, n.reason, n.above_value FROM oms.eway_need(1, '29', '27', '2026-04-01', job_work => true) n
UNION ALL SELECT 'handicraft between states', n.needed, n.reason, n.above_value FROM oms.eway_need(1, '29', '27', '2026-04-01', handicraft => true) n
UNION ALL SELECT 'job work within one', n.needed, n.reason, n.above_value FROM oms.eway_need(1, '29', '29', '2026-04-01', job_work => true) n
UNION ALL SELECT 'exempt goods', n.needed, n.reason, n.above_value FROM oms.eway_need(100000, '29', '27', '2026-04-01', exempt => true) n
UNION ALL SELECT 'before there were any', n.needed, n.reason, n.above_value FROM oms.eway_need(100000, '29', '27', '2018-03-31') n;
SELECT km, n.needed, n.part_b FROM unnest('{50,50.1,NULL}'::numeric[]) km, oms.eway_need(60000, '29', '29', '2026-04-01', transporter_km => km) n;
-- a state changes its limit, and asks nothing of consumers: rows of the user's
INSERT INTO oms.eway_threshold (state_code, movement, valid_from, above_value, consumers, source) VALUES ('29', 'intra', '2026-05-01', 200000, false, 'a notification');
SELECT d, r, n.needed, n.reason, n.above_value FROM (VALUES (date '2026-04-30', true), ('2026-05-01', true), ('2026-05-01', false)) v (d, r), oms.eway_need(150000, '29', '29', d, registered => r) n;

-- a parcel: what bears no tax does not count, what is exempt neither
UPDATE oms.node SET gstin = '29ABCDE1234F1ZW', address = '12, Hosur Road', city = 'Bengaluru', pincode = '560034' WHERE node_id = 9211;
INSERT INTO oms.pincode (pincode, state_code, district, place) VALUES ('560034', '29', 'Bengaluru', oms.geo_point(12.93, 77.62)), ('400001', '27', 'Mumbai', oms.geo_point(18.94, 72.84)) ON CONFLICT DO NOTHING;
UPDATE oms.sku SET hsn = '85287219' WHERE sku_id = 9222;
INSERT INTO oms.serviceability (courier_service_id, pincode, cod) VALUES (9251, '560034', true), (9251, '400001', true);
SELECT pg_temp.set_stock(9, 0, 0, 'TV', 'RING', 'BOOK', 'SHIRT');
CREATE FUNCTION pg_temp.parcel(ref text) RETURNS bigint LANGUAGE sql STABLE AS $$ SELECT min(s.shipment_id) FROM oms.shipment s WHERE s.company_id = 9200 AND s.order_id = pg_temp.id(ref) $$;
SELECT * FROM pg_temp.took('W1', 'B2B 400001 PREPAID 2xTV@25000 1xBOOK@700', '{"customer": {"gstin": "27AAPFU0939F1ZV", "phone": "9876543210", "name": "Acme Traders"}, "charges": [{"kind": "SHIPPING", "amount": 507}]}');
SELECT * FROM oms.eway_need_of(pg_temp.parcel('W1'), day => '2026-04-01');
SELECT oms.make_invoice(pg_temp.parcel('W1'), at => '2026-04-01 12:00+05:30') - '{invoice_id,order_id,shipment_id}'::text[] AS invoice;
-- with its share of the charge: 507 * 50000 / 50700 = 500
SELECT * FROM oms.eway_need_of(pg_temp.parcel('W1'), day => '2026-04-01');
SELECT * FROM pg_temp.took('W2', 'WEB 981001 PREPAID 1xRING@103000');
SELECT needed, reason, value FROM oms.eway_need_of(pg_temp.parcel('W2'), day => '2026-04-01');
SELECT * FROM oms.eway_need_of(0);
SELECT jsonb_pretty(oms.eway_json(pg_temp.parcel('W1'), '{"mode": 1, "vehicle_no": "KA01AB1234", "distance_km": 984.2}')) AS json;
SELECT * FROM oms.check_eway_json(oms.eway_json(pg_temp.parcel('W1'), '{"mode": 1, "vehicle_no": "KA01AB1234", "distance_km": 984.2}'), '2026-04-02');
-- Part A alone, by the courier's transporter
SELECT path, rule FROM oms.check_eway_json(oms.eway_json(pg_temp.parcel('W1')), '2026-04-02');
INSERT INTO oms.courier_transporter (courier_id, transporter_id) VALUES (9241, '29AAFCA7488L1Z0');
SELECT e -> 'transMode' AS mode, e -> 'transporterId' AS id, e -> 'transporterName' AS name, e -> 'transDistance' AS km FROM jsonb_path_query(oms.eway_json(pg_temp.parcel('W1')), '$.billLists[0]') e;
SELECT path, rule FROM oms.check_eway_json(oms.eway_json(pg_temp.parcel('W1')), '2026-04-02');
-- what is wrong: form, then rules
CREATE FUNCTION pg_temp.wrong(change jsonb, day date DEFAULT '2026-04-02') RETURNS TABLE (path text, rule text, expected jsonb, value jsonb) LANGUAGE sql AS $$
    SELECT c.* FROM oms.check_eway_json(jsonb_build_object('version', '1.0.0621', 'billLists', jsonb_build_array(
        (oms.eway_json(pg_temp.parcel('W1'), '{"mode": 1, "vehicle_no": "KA01AB1234", "distance_km": 984}') #> '{billLists,0}') || change)), day) c $$;
SELECT w.* FROM (VALUES (1, '{"fromPincode": null}'::jsonb), (2, '{"docNo": "12345678901234567"}'), (3, '{"docDate": "32/04/2026"}'), (4, '{"transMode": 2}'), (5, '{"transMode": 4, "transDocNo": ""}'), (6, '{"transMode": ""}'),
    (7, '{"subSupplyType": 8}'), (8, '{"transDistance": 4001}'), (9, '{"colour": "red"}'), (10, '{"itemList": []}'), (11, '{"totalValue": 1.001}'), (12, '{"vehicleNo": "KA 01 AB 1234"}'), (13, '{"docType": "XXX"}')) v (n, c), pg_temp.wrong(c) w ORDER BY n, path;
SELECT w.* FROM (VALUES (1, '{"toGstin": "27AAPFU0939F1ZX"}'::jsonb), (2, '{"userGstin": "27AAPFU0939F1ZV"}'), (3, '{"toStateCode": 29}'), (4, '{"fromPincode": 400001}'), (5, '{"actualToStateCode": 25}'), (6, '{"docDate": "31/02/2026"}'), (7, '{"docDate": "03/04/2026"}'),
    (8, '{"totalValue": 50702}'), (9, '{"igstValue": 0}'), (10, '{"totInvValue": 59999}'), (11, '{"cgstValue": 100, "sgstValue": 100}'), (12, '{"toGstin": "29ABCDE1234F1ZW", "toStateCode": 29}')) v (n, c), pg_temp.wrong(c) w ORDER BY n, path, rule;
SELECT path, rule FROM pg_temp.wrong('{}', '2026-09-28') UNION ALL SELECT path, rule FROM pg_temp.wrong('{}', '2026-09-29');
SELECT count(*) FROM oms.check_eway_json(NULL) UNION ALL SELECT count(*) FROM oms.check_eway_json('5') UNION ALL SELECT count(*) FROM oms.check_eway_json('{"version": "1.0.0621", "billLists": []}');
SELECT pg_temp.fails(format('SELECT oms.eway_json(%s, %L)', pg_temp.parcel('W1'), t)) AS refused FROM unnest(ARRAY['[]', '{"mode": "1"}', '{"speed": 1}', '{"distance_km": 4001}', '{"doc_date": "2026-13-01"}', '{"doc_date": "2026-02-29"}', '{"doc_date": null}']) t
UNION ALL SELECT pg_temp.fails('SELECT oms.eway_json(0)');

-- the portal's answer: once, for one parcel; it holds until, is extended, cancelled
SELECT oms.record_eway_bill(pg_temp.parcel('W1'), '123456789012', '2026-04-02 10:00+05:30', 984, 'KA01AB1234') AS noted, oms.record_eway_bill(pg_temp.parcel('W1'), '123456789012', '2026-04-02 10:00+05:30', 984) AS again;
SELECT ewb_no, valid_until, status FROM oms.eway_bill WHERE company_id = 9200;
SELECT regexp_replace(pg_temp.fails(q), 'shipment \d+', 'shipment N') AS refused FROM unnest(ARRAY[
    format('SELECT oms.record_eway_bill(%s, %L, now(), 1)', pg_temp.parcel('W1'), '123456789013'), format('SELECT oms.record_eway_bill(%s, %L, now(), 1)', pg_temp.parcel('W1'), '12345'),
    format('SELECT oms.record_eway_bill(%s, %L, now(), NULL)', pg_temp.parcel('W1'), '123456789013'), 'SELECT oms.record_eway_bill(0, ''123456789013'', now(), 1)',
    format('SELECT oms.cancel_invoice(invoice_id, %L) FROM oms.invoice WHERE shipment_id = %s', 'x', pg_temp.parcel('W1')),
    'SELECT oms.extend_eway_bill(''123456789012'', 100, at => ''2026-04-07 15:58+05:30'')', 'SELECT oms.extend_eway_bill(''123456789012'', -1, at => ''2026-04-07 23:00+05:30'')', 'SELECT oms.extend_eway_bill(''000000000000'', 1)',
    'SELECT oms.cancel_eway_bill(''123456789012'', ''5'')', 'SELECT oms.cancel_eway_bill(''000000000000'', ''1'')', 'SELECT oms.cancel_eway_bill(''123456789012'', ''2'', at => ''2026-04-03 10:00:01+05:30'')']) q;
SELECT oms.extend_eway_bill('123456789012', 300, at => '2026-04-07 15:59+05:30') AS before, oms.extend_eway_bill('123456789012', 10, at => '2026-04-10 07:59+05:30') AS after;
-- the parcel is on its way: near its end it is to be extended
SELECT oms.add_awbs('SHOPC', '{EWAY1}') AS added, oms.dispatch_shipment(pg_temp.parcel('W1'), at => '2026-04-02 11:00+05:30') ->> 'duplicate' AS duplicate;
SELECT what, number, due FROM oms.invoice_todo('2026-04-01', at => '2026-04-11 16:00+05:30') WHERE shipment_id = pg_temp.parcel('W1');
SELECT oms.cancel_eway_bill('123456789012', '2', 'Order cancelled', at => '2026-04-03 10:00+05:30') AS cancelled, oms.cancel_eway_bill('123456789012', '4') AS again;
SELECT oms.record_eway_bill(pg_temp.parcel('W1'), '123456789013', '2026-04-03 11:00+05:30', 984) AS another;
SELECT regexp_replace(pg_temp.fails(q), 'shipment \d+', 'shipment N') AS refused FROM unnest(ARRAY['SELECT oms.eway_part_b(''123456789012'', ''KA01AB1234'', ''4'')', 'SELECT oms.eway_part_b(''123456789013'', ''KA 01'', ''4'')', 'SELECT oms.eway_part_b(''123456789013'', ''KA01AB1234'', ''5'')',
    'SELECT oms.eway_part_b(''000000000000'', ''KA01AB1234'', ''4'')']) q;
SELECT oms.eway_part_b('123456789013', 'KA01AB9999', '4', at => '2026-04-05 08:00+05:30') AS part_b;
SELECT oms.eway_part_b('123456789013', 'KA02CD0001', '1', 'Engine', at => '2026-04-06 08:00+05:30') -> 'reasonRem' AS broken_down, pg_temp.fails('SELECT oms.eway_part_b(''123456789013'', ''KA01AB1234'', ''1'', at => ''2026-04-11 00:00+05:30'')') AS too_late;
SELECT ewb_no, valid_until, status, extended, cancel_code FROM oms.eway_bill WHERE company_id = 9200 ORDER BY 1;
SELECT * FROM oms.verify() WHERE invariant LIKE 'invoice%' OR invariant = 'orphan';
ROLLBACK;
