-- Every invariant of oms.verify(): broken one at a time, each break is told
-- by exactly the row it should be told by.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pg_oms CASCADE;
RESET client_min_messages;
BEGIN;
SELECT oms.install() ~ '^(already )?installed' AS installed;
\getenv abs_srcdir PG_ABS_SRCDIR
\set business :abs_srcdir '/sql/include/business.inc'
\set ECHO none
\i :business
\set ECHO all
-- sound
SELECT * FROM oms.verify();

-- does something that breaks what must hold, looks, and undoes it
CREATE FUNCTION pg_temp.broken(what text) RETURNS TABLE (invariant text, subject text, detail text) LANGUAGE plpgsql AS $$
BEGIN
    BEGIN
        EXECUTE what;
        CREATE TEMP TABLE found ON COMMIT DROP AS SELECT * FROM oms.verify();
        RETURN QUERY SELECT f.invariant, f.subject, f.detail FROM pg_temp.found f ORDER BY 1, 2, 3;
        RAISE EXCEPTION USING ERRCODE = 'ZZ001';
    EXCEPTION WHEN SQLSTATE 'ZZ001' THEN NULL;
    END;
END $$;

-- stock
SELECT * FROM pg_temp.broken('UPDATE oms.stock SET reserved = 3 WHERE node_id = 921 AND sku_id = 931');
SELECT * FROM pg_temp.broken('DELETE FROM oms.reservation WHERE reservation_id = 9704');
SELECT * FROM pg_temp.broken($$INSERT INTO oms.reservation (company_id, node_id, sku_id, qty, cart_id) VALUES (901, 922, 931, 1, 'c2')$$);
SELECT * FROM pg_temp.broken($$ALTER TABLE oms.stock DROP CONSTRAINT stock_never_oversold; UPDATE oms.stock SET on_hand = 1 WHERE node_id = 921 AND sku_id = 931;
    INSERT INTO oms.stock_ledger (company_id, node_id, sku_id, delta, on_hand, reason) VALUES (901, 921, 931, -9, 1, 'erp')$$);
SELECT * FROM pg_temp.broken('UPDATE oms.stock SET on_hand = 11 WHERE node_id = 921 AND sku_id = 931');
SELECT * FROM pg_temp.broken('DELETE FROM oms.stock_ledger WHERE node_id = 922');
SELECT * FROM pg_temp.broken('UPDATE oms.stock SET shortfall = 1 WHERE node_id = 921 AND sku_id = 931');
-- terms of channels: what quotas gave, what the row says of them, lots and what is assigned of them
SELECT * FROM pg_temp.broken($$INSERT INTO oms.stock_quota (company_id, quota_id, node_id, sku_id, channel_id, qty, used) VALUES (901, 981, 921, 931, 911, 5, 2);
    UPDATE oms.stock SET has_terms = true WHERE node_id = 921 AND sku_id = 931; UPDATE oms.reservation SET quota_id = 981, quota_qty = 1 WHERE reservation_id = 9702$$);
-- what went counts on, what was given back does not
SELECT r.what, b.invariant, b.detail FROM unnest('{consumed,released}'::text[]) AS r (what), LATERAL pg_temp.broken(format($$INSERT INTO oms.stock_quota (company_id, quota_id, node_id, sku_id, channel_id, qty, used) VALUES (901, 981, 921, 931, 911, 5, 2);
    UPDATE oms.stock SET has_terms = true WHERE node_id = 921 AND sku_id = 931; UPDATE oms.reservation SET quota_id = 981, quota_qty = 2, close_reason = %L WHERE reservation_id = 9701$$, r.what)) b;
SELECT * FROM pg_temp.broken('UPDATE oms.stock SET has_terms = true WHERE node_id = 921 AND sku_id = 931');
SELECT * FROM pg_temp.broken('UPDATE oms.stock SET channel_depth = 2 WHERE node_id = 921 AND sku_id = 931');
SELECT v.t, v.more, b.invariant, b.detail FROM (VALUES ('channel_threshold', '911, -3'), ('channel_threshold', '911, 3'), ('stock_lot', '''L'', 1'), ('stock_quota (company_id, node_id, sku_id, channel_id, qty)', '911, 1')) v (t, more),
    LATERAL pg_temp.broken(format('INSERT INTO oms.%s VALUES (901, 921, 931, %s)', v.t, v.more)) b ORDER BY v.t COLLATE "C", v.more COLLATE "C";
SELECT * FROM pg_temp.broken('INSERT INTO oms.channel_threshold VALUES (901, 922, 931, 911, 1)');
SELECT * FROM pg_temp.broken($$INSERT INTO oms.stock_lot (company_id, node_id, sku_id, lot, on_hand) VALUES (901, 921, 931, 'L1', 6), (901, 921, 931, 'L2', 5); UPDATE oms.stock SET has_terms = true WHERE node_id = 921 AND sku_id = 931$$);
-- two of a lot of one; of what is closed it is only a record
SELECT v.reservation, b.* FROM (VALUES (9701), (9702)) v (reservation), LATERAL pg_temp.broken(format($$INSERT INTO oms.stock_lot (company_id, node_id, sku_id, lot, on_hand) VALUES (901, 921, 931, 'L1', 1);
    UPDATE oms.stock SET has_terms = true WHERE node_id = 921 AND sku_id = 931; INSERT INTO oms.reservation_lot (company_id, reservation_id, lot, node_id, sku_id, seq, qty) VALUES (901, %s, 'L1', 921, 931, 1, 2)$$, v.reservation)) b;
-- supply: promised once; whoever is cancelled or gone counts on nothing; received as its receipts say
SELECT v.what, b.* FROM (VALUES
    ('all of it', $$INSERT INTO oms.supply_peg (company_id, allocation_id, inbound_id, order_id, qty) VALUES (901, 9207, 985, 9105, 3)$$),
    ('one twice', $$INSERT INTO oms.supply_peg (company_id, allocation_id, inbound_id, order_id, qty) VALUES (901, 9207, 985, 9105, 3), (901, 9204, 985, 9103, 1)$$),
    ('over', $$INSERT INTO oms.supply_peg (company_id, allocation_id, inbound_id, order_id, qty) VALUES (901, 9207, 985, 9105, 3), (901, 9206, 985, 9105, 1), (901, 9203, 985, 9102, 1)$$),
    ('no receipt', 'UPDATE oms.inbound SET received_qty = 1 WHERE inbound_id = 985'),
    ('not received', $$INSERT INTO oms.inbound_receipt (company_id, receipt_id, inbound_id, qty) VALUES (901, 'R', 985, 2)$$)) v (what, sql),
    LATERAL pg_temp.broken($$INSERT INTO oms.inbound (company_id, inbound_id, ref, node_id, sku_id, qty, due_at, ready_at) VALUES (901, 985, 'PO', 921, 932, 3, '2026-03-09', '2026-03-09'); $$ || v.sql) b ORDER BY v.what COLLATE "C";
-- reservations and allocations
SELECT * FROM pg_temp.broken($$UPDATE oms.reservation SET state = 'leaving' WHERE reservation_id IN (9702, 9703)$$);
SELECT * FROM pg_temp.broken($$INSERT INTO oms.reservation (company_id, reservation_id, node_id, sku_id, qty, allocation_id) VALUES (901, 9799, 922, 932, 1, 9211);
    UPDATE oms.stock SET reserved = 1, safety = 0 WHERE node_id = 922$$);
SELECT * FROM pg_temp.broken($$UPDATE oms.reservation SET state = 'closed', close_reason = 'released' WHERE reservation_id = 9703;
    UPDATE oms.stock SET reserved = 1 WHERE node_id = 921 AND sku_id = 932$$);
SELECT * FROM pg_temp.broken($$UPDATE oms.reservation SET qty = 1 WHERE reservation_id = 9702; UPDATE oms.stock SET reserved = 1 WHERE node_id = 921 AND sku_id = 931$$);
SELECT * FROM pg_temp.broken($$INSERT INTO oms.reservation (company_id, node_id, sku_id, qty, allocation_id) VALUES (901, 922, 932, 1, 9204);
    UPDATE oms.stock SET reserved = 1, safety = 0 WHERE node_id = 922$$);
-- what is leaving may be held until the ERP has booked it; what is not counted needs no hold
SELECT * FROM pg_temp.broken($$UPDATE oms.reservation SET state = 'leaving', close_reason = NULL, closed_at = NULL WHERE reservation_id = 9701; UPDATE oms.stock SET reserved = 4 WHERE node_id = 921 AND sku_id = 931;
    INSERT INTO oms.erp_call (company_id, kind, node_id, sku_id, qty, document, reservation_id) SELECT 901, 'stock_out', node_id, sku_id, qty, 'shipment', 9701 FROM oms.reservation WHERE reservation_id = 9701$$);
SELECT * FROM pg_temp.broken($$UPDATE oms.reservation SET state = 'leaving', close_reason = NULL, closed_at = NULL WHERE reservation_id = 9701; UPDATE oms.stock SET reserved = 4 WHERE node_id = 921 AND sku_id = 931;
    INSERT INTO oms.erp_call (company_id, kind, node_id, sku_id, qty, document, reservation_id, state) SELECT 901, 'stock_out', node_id, sku_id, qty, 'shipment', 9701, 'done' FROM oms.reservation WHERE reservation_id = 9701$$);
SELECT * FROM pg_temp.broken($$UPDATE oms.sku SET tracked = false WHERE sku_id = 931$$);
SELECT * FROM pg_temp.broken('UPDATE oms.allocation SET shipment_id = 9301 WHERE allocation_id = 9202');
SELECT * FROM pg_temp.broken('UPDATE oms.allocation SET shipment_id = 1 WHERE allocation_id = 9202');
SELECT * FROM pg_temp.broken('UPDATE oms.allocation SET cgst = 10 WHERE allocation_id = 9202');
SELECT * FROM pg_temp.broken('UPDATE oms.allocation SET cgst = 18, sgst = 0 WHERE allocation_id = 9202');
SELECT * FROM pg_temp.broken('UPDATE oms.allocation SET cgst = 0, sgst = 0, igst = 18 WHERE allocation_id = 9202');
-- orders
SELECT * FROM pg_temp.broken('UPDATE oms.order_line SET cancelled_qty = 1 WHERE order_id = 9101');
SELECT * FROM pg_temp.broken('UPDATE oms.allocation SET net_amount = 119, taxable = 101 WHERE allocation_id = 9202');
SELECT * FROM pg_temp.broken('UPDATE oms."order" SET goods_amount = 1 WHERE order_id = 9106');
SELECT * FROM pg_temp.broken($$UPDATE oms."order" SET status = 'shipped' WHERE order_id = 9106$$);
SELECT * FROM pg_temp.broken($$UPDATE oms.order_hold SET resolved_at = now() WHERE order_id = 9103$$);
SELECT * FROM pg_temp.broken('UPDATE oms.refund SET amount = 118.01 WHERE refund_id = 9602');
SELECT * FROM pg_temp.broken($$INSERT INTO oms.refund (company_id, order_id, amount, mode) VALUES (901, 9102, 118.01, 'bank')$$);
-- collected on delivery may be paid back
SELECT * FROM pg_temp.broken($$INSERT INTO oms.refund (company_id, order_id, amount, mode) VALUES (901, 9102, 118, 'bank')$$);
-- shipments: the same number on two live parcels of one courier, whatever the service
SELECT * FROM pg_temp.broken($$UPDATE oms.shipment SET awb = 'W9303' WHERE shipment_id = 9308$$);
SELECT * FROM pg_temp.broken($$UPDATE oms.shipment SET awb = 'W9301', courier_service_id = 952 WHERE shipment_id = 9308$$);

-- capacity: a slot adds up, and is taken by parcels that go
SELECT * FROM pg_temp.broken($$INSERT INTO oms.node_slot (company_id, node_id, starts_at, capacity, used) VALUES (901, 921, '2026-03-04', 5, 1)$$);
SELECT * FROM pg_temp.broken($$INSERT INTO oms.slot_use (company_id, order_id, shipment_id, node_id, starts_at, qty) SELECT company_id, order_id, shipment_id, node_id, '2026-03-04', 1 FROM oms.shipment WHERE shipment_id = 9307$$);
SELECT * FROM pg_temp.broken($$INSERT INTO oms.node_slot (company_id, node_id, starts_at, capacity, used) VALUES (901, 921, '2026-03-04', 5, 1); INSERT INTO oms.slot_use VALUES (901, 1, 1, 921, '2026-03-04', 1)$$);

-- waves: done when no order of it is open
SELECT * FROM pg_temp.broken($$INSERT INTO oms.wave (company_id, wave_id, state, planned_for, orders, moves, cost, saved, unserved, rounds, arcs, read_ms, solve_ms, flow_ms) VALUES (901, 991, 'done', '2026-03-04', 2, 0, 0, 0, 0, 1, 1, 0, 0, 0);
    INSERT INTO oms.wave_order (company_id, wave_id, order_id, moving, state) VALUES (901, 991, 9105, false, 'open'), (901, 991, 9103, false, 'planned')$$);

-- what else tells right from wrong, one condition each; right is told by no row
SELECT v.n, v.what, b.* FROM (VALUES
    (1, 'below zero the count is nought', $$UPDATE oms.stock SET on_hand = -5, shortfall = 2 WHERE node_id = 921 AND sku_id = 931; INSERT INTO oms.stock_ledger (company_id, node_id, sku_id, delta, on_hand, reason) VALUES (901, 921, 931, -15, -5, 'erp')$$),
    (2, 'a limit is no shortfall', $$UPDATE oms.stock SET on_hand = 1, backorder_limit = 1, shortfall = 1 WHERE node_id = 921 AND sku_id = 931; INSERT INTO oms.stock_ledger (company_id, node_id, sku_id, delta, on_hand, reason) VALUES (901, 921, 931, -9, 1, 'erp')$$),
    (3, 'leaving it still counts against the quota', $$INSERT INTO oms.stock_quota (company_id, quota_id, node_id, sku_id, channel_id, qty, used) VALUES (901, 981, 921, 931, 911, 5, 2); UPDATE oms.stock SET has_terms = true, reserved = 4 WHERE node_id = 921 AND sku_id = 931;
        UPDATE oms.reservation SET state = 'leaving', close_reason = NULL, closed_at = NULL, quota_id = 981, quota_qty = 2 WHERE reservation_id = 9701;
        INSERT INTO oms.erp_call (company_id, kind, node_id, sku_id, qty, document, reservation_id) VALUES (901, 'stock_out', 921, 931, 2, 'd', 9701)$$),
    (4, 'a booking of goods that come back is none of what leaves', $$UPDATE oms.reservation SET state = 'leaving', close_reason = NULL, closed_at = NULL WHERE reservation_id = 9701; UPDATE oms.stock SET reserved = 4 WHERE node_id = 921 AND sku_id = 931;
        INSERT INTO oms.erp_call (company_id, kind, node_id, sku_id, qty, document, reservation_id) VALUES (901, 'stock_in', 921, 931, 2, 'd', 9701)$$),
    (5, 'held open by what is shipped', $$INSERT INTO oms.reservation (company_id, reservation_id, node_id, sku_id, qty, allocation_id) VALUES (901, 9799, 922, 932, 1, 9203); UPDATE oms.stock SET reserved = 1, safety = 0 WHERE node_id = 922$$),
    (6, 'held by what is packed and asks for none', $$INSERT INTO oms.reservation (company_id, reservation_id, node_id, sku_id, qty, allocation_id) VALUES (901, 9799, 921, 931, 1, 9210); UPDATE oms.stock SET reserved = 3 WHERE node_id = 921 AND sku_id = 931$$),
    (7, 'travels in the parcel that brings it back', 'UPDATE oms.allocation SET shipment_id = 9307 WHERE allocation_id = 9209'),
    (8, 'travels in a parcel of another node', 'UPDATE oms.shipment SET node_id = 922 WHERE shipment_id = 9302'),
    (9, 'which stands on the same site', $$UPDATE oms.shipment SET node_id = 922 WHERE shipment_id = 9302; UPDATE oms.node SET site = 'S', state_code = '29' WHERE company_id = 901$$),
    (10, 'the same site, another state', $$UPDATE oms.shipment SET node_id = 922 WHERE shipment_id = 9302; UPDATE oms.node SET site = 'S' WHERE company_id = 901$$),
    (11, 'what is cancelled may name any', $$UPDATE oms.order_line SET qty = 2, cancelled_qty = 1 WHERE order_id = 9103; INSERT INTO oms.allocation (company_id, order_id, line_no, sku_id, node_id, qty, status, shipment_id, net_amount) VALUES (901, 9103, 1, 933, 922, 1, 'cancelled', 9304, 0)$$),
    (12, 'all three taxes', 'UPDATE oms.allocation SET cgst = 4, sgst = 4, igst = 10, supplier_state = NULL WHERE allocation_id = 9205'),
    (13, 'CGST between states', 'UPDATE oms.allocation SET cgst = 9, sgst = 9, igst = 0 WHERE allocation_id = 9205'),
    (14, 'a slot taken', $$INSERT INTO oms.node_slot (company_id, node_id, starts_at, capacity, used) VALUES (901, 921, '2026-03-04', 5, 1); INSERT INTO oms.slot_use VALUES (901, 9108, 9308, 921, '2026-03-04', 1)$$),
    (15, 'by a parcel that does not go', $$INSERT INTO oms.node_slot (company_id, node_id, starts_at, capacity, used) VALUES (901, 921, '2026-03-04', 5, 1); INSERT INTO oms.slot_use VALUES (901, 9108, 9308, 921, '2026-03-04', 1); UPDATE oms.shipment SET state = 'CANCELLED' WHERE shipment_id = 9308$$),
    (16, 'more ordered than there is', 'UPDATE oms.order_line SET qty = 3 WHERE order_id = 9101'),
    (17, 'refunds that do not count', $$INSERT INTO oms.refund (company_id, order_id, amount, mode, status, netted) VALUES (901, 9107, 50, 'bank', 'void', false), (901, 9107, 60, 'bank', 'due', true)$$),
    (18, 'cash of a parcel that comes back', $$UPDATE oms.shipment SET cod_amount = 100 WHERE shipment_id = 9307; INSERT INTO oms.refund (company_id, order_id, amount, mode) VALUES (901, 9107, 50, 'bank')$$),
    (19, 'the number of a cancelled parcel', $$UPDATE oms.shipment SET state = 'CANCELLED', awb = 'W9308', courier_service_id = 952 WHERE shipment_id = 9304$$),
    (20, 'left of a lot that the ERP has made smaller', $$INSERT INTO oms.stock_lot (company_id, node_id, sku_id, lot, on_hand) VALUES (901, 921, 931, 'L1', 1); UPDATE oms.stock SET has_terms = true, reserved = 4 WHERE node_id = 921 AND sku_id = 931;
        UPDATE oms.reservation SET state = 'leaving', close_reason = NULL, closed_at = NULL WHERE reservation_id = 9701; INSERT INTO oms.erp_call (company_id, kind, node_id, sku_id, qty, document, reservation_id) VALUES (901, 'stock_out', 921, 931, 2, 'd', 9701);
        INSERT INTO oms.reservation_lot (company_id, reservation_id, lot, node_id, sku_id, seq, qty) VALUES (901, 9701, 'L1', 921, 931, 1, 2)$$),
    (21, 'and held of it, too', $$INSERT INTO oms.stock_lot (company_id, node_id, sku_id, lot, on_hand) VALUES (901, 921, 931, 'L1', 1); UPDATE oms.stock SET has_terms = true, reserved = 4 WHERE node_id = 921 AND sku_id = 931;
        UPDATE oms.reservation SET state = 'leaving', close_reason = NULL, closed_at = NULL WHERE reservation_id = 9701; INSERT INTO oms.erp_call (company_id, kind, node_id, sku_id, qty, document, reservation_id) VALUES (901, 'stock_out', 921, 931, 2, 'd', 9701);
        INSERT INTO oms.reservation_lot (company_id, reservation_id, lot, node_id, sku_id, seq, qty) VALUES (901, 9701, 'L1', 921, 931, 1, 2), (901, 9702, 'L1', 921, 931, 1, 1)$$)
  ) v (n, what, sql), LATERAL pg_temp.broken(v.sql) b ORDER BY v.n, b.invariant COLLATE "C";

-- orphans: one of each kind
SELECT o.kind, b.invariant, b.subject, b.detail
  FROM (VALUES
    (1, $$INSERT INTO oms.order_charge (company_id, order_id, charge_no, kind, amount) VALUES (901, 1, 1, 'SHIPPING', 1)$$),
    (2, $$INSERT INTO oms.order_hold (company_id, order_id, hold, reason) VALUES (901, 1, 'MANUAL', 'r')$$),
    (3, $$UPDATE oms.decision_run SET order_id = 1 WHERE company_id = 901$$),
    (4, $$UPDATE oms.risk_score SET order_id = 1 WHERE order_id = 9109$$),
    (5, $$UPDATE oms."order" SET channel_id = 1 WHERE order_id = 9101$$),
    (6, $$UPDATE oms."order" SET customer_id = 1 WHERE order_id = 9101$$),
    (7, $$UPDATE oms.order_line SET sku_id = 1 WHERE order_id = 9106$$),
    (8, $$UPDATE oms.shipment SET courier_service_id = 1 WHERE shipment_id = 9304$$),
    (9, $$INSERT INTO oms.awb_pool (courier_id, awb, shipment_id) VALUES (941, 'P1', 1)$$),
    (10, $$UPDATE oms.scan SET shipment_id = 1 WHERE scan_id = 9401$$),
    (11, $$UPDATE oms.ndr SET shipment_id = 1 WHERE ndr_id = 9454$$),
    (12, $$UPDATE oms.return_order SET order_id = 1 WHERE return_id = 9501$$),
    (13, $$UPDATE oms.return_line SET return_id = 1 WHERE return_id = 9501$$),
    (14, $$UPDATE oms.return_line SET allocation_id = 1 WHERE return_id = 9501$$),
    (15, $$UPDATE oms.refund SET order_id = 1 WHERE refund_id = 9601$$),
    (16, $$INSERT INTO oms.stock (company_id, node_id, sku_id) VALUES (901, 1, 931)$$),
    (17, $$INSERT INTO oms.stock (company_id, node_id, sku_id) VALUES (901, 921, 1)$$),
    (18, $$INSERT INTO oms.erp_call (company_id, call_id, kind, node_id, sku_id, qty, document, reservation_id) VALUES (901, 9801, 'stock_out', 921, 931, 1, 'd', 1)$$),
    (19, $$DELETE FROM oms.order_line WHERE order_id = 9106$$),
    (20, $$DELETE FROM oms."order" WHERE order_id = 9106$$),
    (21, $$DELETE FROM oms.shipment WHERE shipment_id = 9307; INSERT INTO oms.scan (company_id, scan_id, shipment_id, courier_id, code, scanned_at, state) VALUES (901, 9402, 9307, 941, 'DLV', '2026-03-04 10:00+00', 'DELIVERED')$$),
    (22, $$UPDATE oms.shipment SET order_id = 1 WHERE shipment_id = 9307$$),
    (23, $$UPDATE oms.shipment SET node_id = 1 WHERE shipment_id = 9307$$),
    (24, $$UPDATE oms.allocation SET node_id = 1 WHERE allocation_id = 9208$$),
    (25, $$INSERT INTO oms.parking (company_id, order_id, queue, reason, parked_at) VALUES (901, 1, 'Q', 'UNFILLED', '2026-03-04')$$),
    (26, $$INSERT INTO oms.line_cancellation (company_id, order_id, request_id, line_no, qty, amount, refund, reason) VALUES (901, 9106, 'q', 2, 1, 1, 0, 'BUYER')$$),
    (27, $$INSERT INTO oms.line_change (company_id, order_id, request_id, kind, asked, answer) VALUES (901, 1, 'q', 'amend', '{}', '{}')$$),
    (28, $$INSERT INTO oms.allocation_rejection (company_id, allocation_id, order_id, line_no, sku_id, node_id, qty, reason) VALUES (901, 9208, 9106, 2, 931, 921, 1, 'LOST')$$),
    (29, $$INSERT INTO oms.wave (company_id, wave_id, planned_for, orders, moves, cost, saved, unserved, rounds, arcs, read_ms, solve_ms, flow_ms) VALUES (901, 991, '2026-03-04', 1, 0, 0, 0, 0, 1, 1, 0, 0, 0);
        INSERT INTO oms.wave_order (company_id, wave_id, order_id, moving) VALUES (901, 991, 1, false)$$),
    (30, $$INSERT INTO oms.customer (customer_id, company_id, name) VALUES (962, 1, 'Nobody')$$)
  ) AS o (kind, what), LATERAL pg_temp.broken(o.what) b
 ORDER BY o.kind, b.invariant COLLATE "C", b.subject COLLATE "C", b.detail COLLATE "C";

-- and still sound
SELECT count(*) FROM oms.verify();
ROLLBACK;
