-- Packing, booking and hand-over: idempotent, falling back, one manifest per node and courier.
\set ON_ERROR_STOP on
\getenv abs_srcdir PG_ABS_SRCDIR
\set parcels :abs_srcdir '/sql/include/parcels.inc'
BEGIN;
\i :parcels
SELECT oms.add_awbs('TESTDLV', ARRAY['1122345678901', ' 1122345678902 ', '', '1122345678901']) AS added;
SELECT oms.add_awbs('TESTDLV', ARRAY['1122345678901']) AS known;
SELECT oms.add_awbs('TESTSFX', ARRAY['SF1TST', 'SF2TST']) AS added;
SELECT pg_temp.fails($$SELECT oms.add_awbs('NOBODY', ARRAY['1'])$$);

-- packing: once; not when held
DO $$ BEGIN PERFORM pg_temp.make_order('A1', true, '9121 2 999.00, 9122 1 499.00'); END $$;
INSERT INTO oms.order_hold (company_id, order_id, hold, reason)
SELECT 9100, order_id, 'COD_CONFIRM', 'risk' FROM oms."order" WHERE external_id = 'A1';
SELECT pg_temp.fails($$SELECT oms.pack_shipment(pg_temp.parcel('A1'))$$);
SELECT pg_temp.fails($$SELECT oms.dispatch_shipment(pg_temp.parcel('A1'))$$);
UPDATE oms.order_hold SET resolved_at = now(), resolution = 'lifted' WHERE company_id = 9100;
SELECT oms.pack_shipment(pg_temp.parcel('A1')) AS packed;
SELECT oms.pack_shipment(pg_temp.parcel('A1')) AS again;
SELECT pg_temp.status('A1');

-- booking: lowest number first, the same one when asked again
SELECT oms.book_shipment(pg_temp.parcel('A1')) AS awb;
SELECT oms.book_shipment(pg_temp.parcel('A1')) AS again;
SELECT awb, shipment_id = pg_temp.parcel('A1') AS ours, taken_at IS NOT NULL AS taken FROM oms.awb_pool WHERE courier_id = 9131 ORDER BY awb;
SELECT state, booked_at IS NOT NULL AS booked FROM oms.shipment WHERE shipment_id = pg_temp.parcel('A1');

-- hand-over: stock leaves, order shipped; once
SELECT pg_temp.stock(9121) AS tee, pg_temp.stock(9122) AS mug;
SELECT oms.dispatch_shipment(pg_temp.parcel('A1')) - 'shipment_id' AS dispatched;
SELECT oms.dispatch_shipment(pg_temp.parcel('A1')) - 'shipment_id' AS again;
SELECT pg_temp.status('A1'), pg_temp.stock(9121) AS tee, pg_temp.stock(9122) AS mug;
SELECT node_id, courier_id, array_length(shipments, 1) AS parcels FROM oms.manifest WHERE company_id = 9100 ORDER BY manifest_id;

-- the pool runs dry: not without fallback, then the next best courier and why
DO $$ BEGIN PERFORM pg_temp.make_order('A2', false, '9121 1 500.00'); PERFORM pg_temp.make_order('A3', false, '9121 1 500.00');
    PERFORM pg_temp.make_order('A4', false, '9121 1 500.00', service => NULL); PERFORM pg_temp.make_order('A5', false, '9121 1 500.00'); END $$;
SELECT oms.book_shipment(pg_temp.parcel('A2')) AS last_of_pool;
SELECT pg_temp.fails($$SELECT oms.book_shipment(pg_temp.parcel('A3'), false)$$);
SELECT oms.book_shipment(pg_temp.parcel('A3')) AS fallback;
SELECT v.code, s.freight > 0 AS quoted FROM oms.shipment s JOIN oms.courier_service v USING (courier_service_id) WHERE shipment_id = pg_temp.parcel('A3');
SELECT payload - 'expected_cost' AS why FROM oms.event WHERE company_id = 9100 AND type = 'shipment.courier_changed' ORDER BY event_id;
SELECT oms.book_shipment(pg_temp.parcel('A4')) AS none_was_chosen;
SELECT payload->>'reason' AS reason FROM oms.event WHERE company_id = 9100 AND type = 'shipment.courier_changed' AND subject_id = pg_temp.parcel('A4');
SELECT pg_temp.fails($$SELECT oms.book_shipment(pg_temp.parcel('A5'))$$);
SELECT pg_temp.status('A5');

-- no courier can carry it: told apart from an empty pool; nor what went over a counter
DO $$ BEGIN PERFORM pg_temp.make_order('A8', false, '9121 1 500.00', service => NULL); END $$;
UPDATE oms."order" SET ship_pincode = '799999' WHERE external_id = 'A8';
SELECT pg_temp.fails($$SELECT oms.book_shipment(pg_temp.parcel('A8'))$$);
UPDATE oms."order" SET fulfilment_mode = 'CARRY_OUT' WHERE external_id = 'A8';
SELECT pg_temp.fails($$SELECT oms.book_shipment(pg_temp.parcel('A8'))$$);

-- in bulk: the good go, the bad report, a manifest for each node and courier
DO $$ BEGIN PERFORM pg_temp.make_order('A6', false, '9121 1 500.00', 9112, 9142); END $$;
SELECT oms.add_awbs('TESTSFX', ARRAY['SF3TST']) AS added;
UPDATE oms.courier_service SET active = false WHERE courier_service_id = 9141;
CREATE TEMP TABLE bulk AS
SELECT o.external_id, d.ok, d.awb, regexp_replace(d.error, 'shipment [0-9]+', 'shipment N') AS error
  FROM oms.dispatch_shipments(ARRAY[pg_temp.parcel('A2'), pg_temp.parcel('A3'), 0, pg_temp.parcel('A6'), pg_temp.parcel('A5'), pg_temp.parcel('A2')]) d
  LEFT JOIN oms.shipment s USING (shipment_id) LEFT JOIN oms."order" o ON o.order_id = s.order_id;
SELECT * FROM bulk ORDER BY external_id COLLATE "C", awb;
SELECT m.node_id, c.code, array_length(m.shipments, 1) AS parcels FROM oms.manifest m JOIN oms.courier c USING (courier_id)
 WHERE m.company_id = 9100 ORDER BY manifest_id;
SELECT pg_temp.status('A2') AS a2, pg_temp.status('A5') AS a5, pg_temp.status('A6') AS a6;
SELECT pg_temp.stock(9121) AS blr, pg_temp.stock(9121, 9112) AS mum;

-- kits leave as their components
DO $$ BEGIN PERFORM pg_temp.make_order('A7', false, '9124 2 3000.00'); END $$;
UPDATE oms.shipment SET courier_service_id = 9142 WHERE shipment_id = pg_temp.parcel('A7');
SELECT oms.add_awbs('TESTSFX', ARRAY['SF4TST']) AS added;
SELECT pg_temp.stock(9121) AS tee, pg_temp.stock(9122) AS mug;
SELECT oms.dispatch_shipment(pg_temp.parcel('A7'))->>'state' AS state;
SELECT pg_temp.stock(9121) AS tee, pg_temp.stock(9122) AS mug;

-- every invariant holds
SELECT * FROM oms.verify();

-- what cannot be
SELECT pg_temp.fails('SELECT oms.dispatch_shipment(0)');
UPDATE oms.allocation SET status = 'cancelled' WHERE shipment_id = pg_temp.parcel('A4');
SELECT pg_temp.fails($$SELECT oms.pack_shipment(pg_temp.parcel('A4'))$$);
ROLLBACK;
