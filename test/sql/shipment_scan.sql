-- Scans late, twice and in any order: the state follows from all of them, each effect happens once.
\set ON_ERROR_STOP on
\getenv abs_srcdir PG_ABS_SRCDIR
\set parcels :abs_srcdir '/sql/include/parcels.inc'
BEGIN;
\i :parcels
SELECT oms.add_awbs('TESTDLV', (SELECT array_agg('90000000' || i) FROM generate_series(100, 150) i)) AS added;
INSERT INTO oms.scan_code (courier, code, state, ndr_code) SELECT 'TESTDLV', code, state, ndr_code FROM oms.scan_code WHERE courier = 'DELHIVERY';
CREATE FUNCTION pg_temp.sent(ref text, cod boolean, lines text DEFAULT '9121 2 999.00') RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_temp.make_order(ref, cod, lines);
    RETURN oms.dispatch_shipment(pg_temp.parcel(ref))->>'state';
END $$;
INSERT INTO oms.customer (customer_id, company_id, name, cod_open) VALUES (9161, 9100, 'Asha Rao', 3);

-- the plain way
SELECT pg_temp.sent('B1', true);
UPDATE oms."order" SET customer_id = 9161 WHERE external_id = 'B1';
SELECT pg_temp.scan('B1', 'UD:In Transit', '2026-04-02T10:00:00+05:30') AS transit,
       pg_temp.scan('B1', 'UD:Pending', '2026-04-03T06:00:00+05:30') AS hub,
       pg_temp.scan('B1', 'UD:Dispatched', '2026-04-03T09:00:00+05:30') AS ofd;
SELECT pg_temp.scan('B1', 'DL:Delivered', '2026-04-03T15:00:00+05:30') AS delivered;
SELECT pg_temp.scan('B1', 'DL:Delivered', '2026-04-03T15:00:00+05:30') AS twice;
SELECT pg_temp.status('B1'), delivered_at, last_scan_at, attempts FROM oms.shipment WHERE shipment_id = pg_temp.parcel('B1');
SELECT delivered, rto, cod_open FROM oms.customer WHERE customer_id = 9161;
SELECT type, payload->>'from' AS from, payload->>'to' AS to FROM oms.event
 WHERE company_id = 9100 AND topic = 'shipment' AND subject_id = pg_temp.parcel('B1') AND type = 'shipment.state' ORDER BY event_id;

-- ClickPost's numbers, 8 then 6: delivered stays delivered
SELECT pg_temp.sent('B2', false);
SELECT pg_temp.scan('B2', '8', '2026-04-03T15:00:00+05:30') AS "8", pg_temp.scan('B2', '6', '2026-04-03T09:00:00+05:30') AS "6 before",
       pg_temp.scan('B2', '6', '2026-04-03T16:00:00+05:30') AS "6 after", pg_temp.scan('B2', '9', '2026-04-02T16:00:00+05:30') AS "9 before";
SELECT pg_temp.status('B2'), (SELECT count(*) FROM oms.scan c WHERE c.shipment_id = pg_temp.parcel('B2')) AS kept;
SELECT attempt, ndr_code, outcome FROM oms.ndr WHERE shipment_id = pg_temp.parcel('B2');

-- 9, 9 at different times: two attempts, numbered by time; pair and reason of one time are one
SELECT pg_temp.sent('B3', true);
SELECT pg_temp.scan('B3', '6', '2026-04-04T09:00:00+05:30') AS ofd,
       pg_temp.scan('B3', '9', '2026-04-04T18:00:00+05:30') AS second_told_first,
       pg_temp.scan('B3', 'UD:Pending', '2026-04-03T18:00:00+05:30', 'EOD-11') AS first_told_second,
       pg_temp.scan('B3', '9', '2026-04-04T18:00:00+05:30') AS twice,
       pg_temp.scan('B3', 'EOD-74', '2026-04-04T18:00:00+05:30') AS reason_of_second;
SELECT attempt, ndr_code, failed_at, act_by, outcome FROM oms.ndr WHERE shipment_id = pg_temp.parcel('B3') ORDER BY attempt;
SELECT pg_temp.scan('B3', '6', '2026-04-05T09:00:00+05:30') AS again, pg_temp.scan('B3', '9', '2026-04-05T18:00:00+05:30') AS third;

-- after the last attempt only RTO is offered
SELECT courier, attempt, reason, fault, act_by, actions FROM oms.ndr_open(at => '2026-04-05 20:00+05:30');
SELECT pg_temp.fails($$SELECT oms.ndr_action(pg_temp.parcel('B3'), 'RE_ATTEMPT', at => '2026-04-05 20:00+05:30')$$);
SELECT oms.ndr_action(pg_temp.parcel('B3'), 'RTO', at => '2026-04-05 20:00+05:30') - 'shipment_id' AS asked;

-- before that: what may be asked, until when
SELECT pg_temp.sent('B12', true);
SELECT pg_temp.fails($$SELECT oms.ndr_action(pg_temp.parcel('B12'), 'RTO')$$) AS nothing_failed;
SELECT pg_temp.scan('B12', 'EOD-74', '2026-04-03T18:00:00+05:30') AS bad_address;
SELECT actions FROM oms.ndr_open(at => '2026-04-04 17:00+05:30') WHERE shipment_id = pg_temp.parcel('B12');
SELECT pg_temp.fails($$SELECT oms.ndr_action(pg_temp.parcel('B12'), 'PRAY', at => '2026-04-04 17:00+05:30')$$)
UNION ALL SELECT pg_temp.fails($$SELECT oms.ndr_action(pg_temp.parcel('B12'), 'DEFER', at => '2026-04-04 17:00+05:30')$$)
UNION ALL SELECT pg_temp.fails($$SELECT oms.ndr_action(pg_temp.parcel('B12'), 'DEFER', '{"date": "2026-04-04"}', at => '2026-04-04 17:00+05:30')$$)
UNION ALL SELECT pg_temp.fails($$SELECT oms.ndr_action(pg_temp.parcel('B12'), 'DEFER', '{"date": "2026-04-10"}', at => '2026-04-04 17:00+05:30')$$)
UNION ALL SELECT pg_temp.fails($$SELECT oms.ndr_action(pg_temp.parcel('B12'), 'EDIT_DETAILS', '{"pincode": "1"}', at => '2026-04-04 17:00+05:30')$$)
UNION ALL SELECT pg_temp.fails($$SELECT oms.ndr_action(pg_temp.parcel('B12'), 'RE_ATTEMPT', at => '2026-04-04 18:00:01+05:30')$$);
SELECT oms.ndr_action(pg_temp.parcel('B12'), 'DEFER', '{"date": "2026-04-09"}', at => '2026-04-04 18:00+05:30') - 'shipment_id' AS last_day_last_moment;
SELECT oms.ndr_action(pg_temp.parcel('B12'), 'EDIT_DETAILS', '{"address": "Flat 5", "phone": "9876500000"}', at => '2026-04-04 17:00+05:30') - 'shipment_id' AS better;
SELECT ship_name, ship_phone, ship_address FROM oms."order" WHERE external_id = 'B12';
SELECT count(*) AS personal_data_in_events FROM oms.event WHERE company_id = 9100 AND payload::text ~ '98765|Flat|Asha';
SET oms.max_attempts = 1;
SELECT pg_temp.fails($$SELECT oms.ndr_action(pg_temp.parcel('B12'), 'RE_ATTEMPT', at => '2026-04-04 17:00+05:30')$$);
RESET oms.max_attempts;

-- RTO: a return on its way, the buyer's outcome, goods counted by people
SELECT pg_temp.scan('B3', '12', '2026-04-06T09:00:00+05:30') AS marked;
SELECT pg_temp.status('B3');
SELECT pg_temp.scan('B3', '6', '2026-04-06T10:00:00+05:30') AS no_way_forward, pg_temp.scan('B3', '21', '2026-04-07T09:00:00+05:30') AS back,
       pg_temp.scan('B3', '8', '2026-04-09T09:00:00+05:30') AS delivered_means_back;
SELECT pg_temp.scan('B3', '14', '2026-04-09T09:30:00+05:30') AS "14 too";
SELECT kind, external_id = 'RTO-' || shipment_id AS ref, status, reason, node_id, received_at FROM oms.return_order WHERE shipment_id = pg_temp.parcel('B3');
SELECT line_no, qty, received_qty FROM oms.return_line l JOIN oms.return_order r USING (company_id, return_id) WHERE r.shipment_id = pg_temp.parcel('B3');
SELECT attempt, outcome, action FROM oms.ndr WHERE shipment_id = pg_temp.parcel('B3') ORDER BY attempt;
SELECT rto_at, pg_temp.stock(9121) AS not_counted_yet FROM oms.shipment WHERE shipment_id = pg_temp.parcel('B3');
SELECT pg_temp.status('B3');

-- Delhivery's DL is not always delivered
SELECT pg_temp.sent('B4', false);
SELECT pg_temp.scan('B4', 'DL:RTO', '2026-04-09T09:00:00+05:30') AS dl_rto;
SELECT pg_temp.status('B4');

-- delivered before a late and older RTO scan, and the other way about: kept, told to people, nothing undone
SELECT pg_temp.sent('B5', false);
SELECT pg_temp.scan('B5', '8', '2026-04-03T15:00:00+05:30') AS delivered, pg_temp.scan('B5', '14', '2026-04-03T14:00:00+05:30') AS older_rto;
SELECT pg_temp.sent('B6', false);
SELECT pg_temp.scan('B6', '21', '2026-04-03T15:00:00+05:30') AS rto, pg_temp.scan('B6', '8', '2026-04-03T14:00:00+05:30') AS older_delivered;
SELECT pg_temp.status('B5') AS b5, pg_temp.status('B6') AS b6;
SELECT count(*) AS conflicts FROM oms.event WHERE company_id = 9100 AND type = 'shipment.conflict';

-- the courier has what nobody handed over; a pickup failure before it
SELECT pg_temp.make_order('B7', false, '9122 1 499.00') IS NOT NULL AS made;
SELECT oms.book_shipment(pg_temp.parcel('B7')) IS NOT NULL AS booked;
SELECT pg_temp.scan('B7', 'UD:Not Picked', '2026-04-01T19:00:00+05:30') AS missed, pg_temp.status('B7');
SELECT pg_temp.stock(9122) AS held;
SELECT pg_temp.scan('B7', 'UD:In Transit', '2026-04-02T19:00:00+05:30') AS has_it, pg_temp.status('B7');
SELECT shipped_at, pg_temp.stock(9122) AS gone FROM oms.shipment WHERE shipment_id = pg_temp.parcel('B7');

-- cancelled by the courier: before the hand-over a new parcel, after it an RTO
SELECT pg_temp.make_order('B8', false, '9122 1 499.00') IS NOT NULL AS made;
SELECT oms.book_shipment(pg_temp.parcel('B8')) IS NOT NULL AS booked;
SELECT pg_temp.scan('B8', 'CN:Canceled', '2026-04-01T19:00:00+05:30') AS cancelled;
SELECT direction, state, awb IS NOT NULL AS booked, courier_service_id,
       (SELECT count(*) FROM oms.allocation a WHERE a.shipment_id = s.shipment_id) AS contents
  FROM oms.shipment s JOIN oms."order" o USING (company_id, order_id) WHERE o.external_id = 'B8' ORDER BY shipment_id;
SELECT oms.dispatch_shipment(pg_temp.parcel('B8'))->>'state' AS goes_after_all;
SELECT pg_temp.scan('B7', 'CN:Canceled', '2026-04-03T19:00:00+05:30') AS cancelled_on_the_way, pg_temp.status('B7');

-- lost: the courier's fault, the paid amount is due; COD owes nothing
SELECT pg_temp.sent('B9', false, '9121 1 700.00, 9122 1 300.00'), pg_temp.sent('B10', true);
UPDATE oms."order" SET customer_id = 9161 WHERE external_id = 'B10';
SELECT pg_temp.scan('B9', 'LOST', '2026-04-09T19:00:00+05:30') AS lost, pg_temp.scan('B10', '17', '2026-04-09T19:00:00+05:30') AS damaged;
SELECT pg_temp.status('B9') AS b9, pg_temp.status('B10') AS b10;
SELECT o.external_id, f.amount, f.tax_amount, f.mode, f.status, f.return_id FROM oms.refund f JOIN oms."order" o USING (company_id, order_id) WHERE f.company_id = 9100;
SELECT delivered, rto, cod_open FROM oms.customer WHERE customer_id = 9161;

-- what is refused, by name
SELECT pg_temp.fails(format('SELECT oms.record_scan(%L)', d)) FROM (VALUES
    (1, '[]'), (2, '{}'), (3, '{"courier": "TESTDLV", "awb": "90000000100", "code": "8"}'),
    (4, '{"courier": "TESTDLV", "awb": "90000000100", "code": "8", "scanned_at": "yesterday"}'),
    (5, '{"courier": "TESTDLV", "awb": "90000000100", "code": "8", "scanned_at": "2026-02-30T10:00:00Z"}'),
    (6, '{"courier": "TESTDLV", "awb": "90000000100", "code": "8", "scanned_at": "2026-02-28T10:00:00+99:00"}'),
    (61, '{"courier": "TESTDLV", "awb": "90000000100", "code": "8", "scanned_at": "2026- 4- 3T10:00:00Z"}'),
    (62, '{"courier": "TESTDLV", "awb": "90000000100", "code": "8", "scanned_at": "2026-04"}'),
    (63, '{"courier": "TESTDLV", "awb": "90000000100", "code": "8", "scanned_at": "2026-04-03T10:00:00+5"}'),
    (7, '{"courier": "NOBODY", "awb": "90000000100", "code": "8", "scanned_at": "2026-02-28T10:00:00Z"}'),
    (8, '{"courier": "TESTDLV", "awb": "nothing", "code": "8", "scanned_at": "2026-02-28T10:00:00Z"}'),
    (9, '{"courier": "TESTDLV", "awb": "90000000100", "code": "DL", "scanned_at": "2026-02-28T10:00:00Z"}'),
    (10, '{"courier": "TESTDLV", "awb": "90000000100", "code": {"x": 1}, "scanned_at": "2026-02-28T10:00:00Z"}')) v (i, d) ORDER BY i;
-- and what is not: times as couriers write them
SELECT pg_temp.scan('B1', '5', t) FROM (VALUES ('2026-04-02 11:00:00'), ('2026-04-02T11:00:00.123Z'), ('2026-04-02T11:00:00+0530'), ('2026-04-02T11:00:00-08')) v (t);
SELECT scanned_at FROM oms.scan WHERE shipment_id = pg_temp.parcel('B1') AND code = '5' ORDER BY scanned_at;

-- in bulk: rejects are kept with their reason, and settled when the code is known
SELECT pg_temp.sent('B11', false);
CREATE TEMP TABLE docs AS SELECT ARRAY[
    format('{"courier": "TESTDLV", "awb": "%s", "code": 6, "scanned_at": "2026-04-03T09:00:00+05:30", "extra": [1]}', awb),
    format('{"courier": "TESTDLV", "awb": "%s", "code": "NEW-1", "scanned_at": "2026-04-03T10:00:00+05:30"}', awb),
    'no json', NULL, '7',
    format('{"courier": "TESTDLV", "awb": "%s", "code": "8", "scanned_at": "2026-04-03T11:00:00+05:30"}', awb)] AS d
  FROM oms.shipment WHERE shipment_id = pg_temp.parcel('B11');
SELECT seq, ok, result->>'state' AS state, regexp_replace(error, 'DETAIL.*', '') AS error FROM docs, oms.record_scans(d) ORDER BY seq;
SELECT seq, ok, result->>'duplicate' AS duplicate FROM docs, oms.record_scans(d) WHERE ok ORDER BY seq;
SELECT external_ref, sqlstate, message, attempts, resolved_at IS NULL AS open FROM oms.reject WHERE source = 'record_scan' ORDER BY message COLLATE "C";
INSERT INTO oms.scan_code (courier, code, state) VALUES ('TESTDLV', 'NEW-1', 'OUT_FOR_DELIVERY');
SELECT count(*) FILTER (WHERE ok) AS taken FROM docs, oms.record_scans(d);
SELECT message, attempts, resolved_at IS NULL AS open FROM oms.reject WHERE source = 'record_scan' ORDER BY message COLLATE "C";

-- nothing is reserved for what is gone
SELECT sum(reserved) AS reserved FROM oms.stock WHERE company_id = 9100;
-- every invariant holds
SELECT * FROM oms.verify();
ROLLBACK;
