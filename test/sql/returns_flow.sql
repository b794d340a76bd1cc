-- Returns: what may come back, counted once, owed to the paisa; RTO the same way.
\set ON_ERROR_STOP on
\getenv abs_srcdir PG_ABS_SRCDIR
\set parcels :abs_srcdir '/sql/include/parcels.inc'
BEGIN;
\i :parcels
SELECT oms.add_awbs('TESTDLV', (SELECT array_agg('90000000' || i) FROM generate_series(100, 150) i)) AS added;
CREATE FUNCTION pg_temp.delivered(ref text, cod boolean, lines text, node integer DEFAULT 9111, channel integer DEFAULT 9101) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_temp.make_order(ref, cod, lines, node, channel => channel);
    PERFORM oms.dispatch_shipment(pg_temp.parcel(ref));
    RETURN pg_temp.scan(ref, '8', '2026-04-03T15:00:00+05:30');
END $$;
CREATE FUNCTION pg_temp.give_back(ref text, return_ref text, lines text DEFAULT NULL, at timestamptz DEFAULT '2026-04-05 12:00+05:30', reason text DEFAULT 'SIZE') RETURNS jsonb LANGUAGE sql AS $$
    SELECT oms.create_return(jsonb_strip_nulls(jsonb_build_object('channel', c.code, 'external_id', $1, 'return_ref', $2, 'reason', $5, 'lines', $3::jsonb)), $4)
      FROM oms."order" o JOIN oms.channel c USING (channel_id) WHERE o.external_id = $1 $$;
CREATE FUNCTION pg_temp.ret(return_ref text) RETURNS bigint LANGUAGE sql AS
    $$ SELECT return_id FROM oms.return_order WHERE company_id = 9100 AND external_id = $1 $$;

-- asked for: a node, a pickup, a number, a label
SELECT pg_temp.delivered('C1', true, '9121 3 1000.00, 9122 1 499.00, 9123 2 100.00');
SELECT pg_temp.give_back('C1', 'R1', '[{"line_no": 1, "qty": 1}]') - '{return_id,order_id,shipment_id}'::text[] AS asked;
SELECT pg_temp.give_back('C1', 'R1', '[{"line_no": 1, "qty": 1}]')->>'duplicate' AS again, pg_temp.give_back('C1', 'R1', '[{"line_no": 1.0, "qty": 1.000}]')->>'duplicate' AS same;
SELECT pg_temp.fails($$SELECT pg_temp.give_back('C1', 'R1', '[{"line_no": 1, "qty": 2}]')$$) AS other_content;
SELECT s.direction, s.state, s.node_id, s.dead_g, s.volume_cm3, s.declared_value, s.cod_amount FROM oms.shipment s WHERE s.return_id = pg_temp.ret('R1');
SELECT encode(substring(oms.label_pdf(shipment_id) FOR 5), 'escape') AS label FROM oms.return_order WHERE external_id = 'R1';
SELECT pg_temp.fails('SELECT oms.dispatch_shipment(' || shipment_id || ')') FROM oms.return_order WHERE external_id = 'R1';

-- what may not come back
SELECT pg_temp.fails($$SELECT pg_temp.give_back('C1', 'X', '[{"line_no": 1, "qty": 2.001}]')$$) AS too_many
UNION ALL SELECT pg_temp.fails($$SELECT pg_temp.give_back('C1', 'X', '[{"line_no": 3, "qty": 1}]')$$)
UNION ALL SELECT pg_temp.fails($$SELECT pg_temp.give_back('C1', 'X', '[{"line_no": 4, "qty": 1}]')$$)
UNION ALL SELECT pg_temp.fails($$SELECT pg_temp.give_back('C1', 'X', '[{"line_no": 1, "qty": 1}]', '2026-04-10 15:00:01+05:30')$$)
UNION ALL SELECT pg_temp.fails($$SELECT pg_temp.give_back('C1', 'X', '[{"line_no": 1, "qty": 0}]')$$)
UNION ALL SELECT pg_temp.fails($$SELECT pg_temp.give_back('C1', 'X', '[{"line_no": 1, "qty": 1}, {"line_no": 1, "qty": 1}]')$$)
UNION ALL SELECT pg_temp.fails($$SELECT pg_temp.give_back('C1', 'X', '[{"line_no": "1", "qty": 1}]')$$)
UNION ALL SELECT pg_temp.fails($$SELECT pg_temp.give_back('C1', 'X', '{"line_no": 1}')$$)
UNION ALL SELECT pg_temp.fails($$SELECT pg_temp.give_back('C1', 'X', '[1, null, "x"]')$$)
UNION ALL SELECT pg_temp.fails($$SELECT pg_temp.give_back('C1', 'X', '5')$$)
UNION ALL SELECT pg_temp.fails($$SELECT pg_temp.give_back('C1', 'X', '[]')$$)
UNION ALL SELECT pg_temp.fails($$SELECT pg_temp.give_back('C1', 'X', '[{"line_no": 1, "qty": 1, "note": "N"}]')$$)
UNION ALL SELECT pg_temp.fails($$SELECT pg_temp.give_back('C1', 'X', reason => 'WHIM')$$)
UNION ALL SELECT pg_temp.fails($$SELECT oms.create_return('{"channel": "web", "external_id": "none", "return_ref": "X", "reason": "SIZE"}')$$)
UNION ALL SELECT pg_temp.fails($$SELECT oms.create_return('{"order_id": 1.5, "return_ref": "X", "reason": "SIZE"}')$$)
UNION ALL SELECT pg_temp.fails($$SELECT oms.create_return('{"order_id": 0, "return_ref": "X", "reason": "SIZE"}')$$)
UNION ALL SELECT pg_temp.fails($$SELECT oms.create_return('{"order_id": 0, "reason": "SIZE"}')$$)
UNION ALL SELECT pg_temp.fails($$SELECT oms.receive_return(0)$$);
SELECT pg_temp.make_order('C2', true, '9121 1 500.00') IS NOT NULL AS not_delivered;
SELECT pg_temp.fails($$SELECT pg_temp.give_back('C2', 'X')$$) AS not_delivered;
-- the last second of the last day is in time
SELECT pg_temp.give_back('C1', 'R2', '[{"line_no": 1, "qty": 1}]', '2026-04-10 15:00:00+05:30')->>'status' AS in_time;

-- its pickup moves it; goods are counted by people, once
SELECT oms.record_scan(jsonb_build_object('courier', 'TESTDLV', 'awb', s.awb, 'code', c, 'scanned_at', t))->>'state' AS state
  FROM (VALUES (1, '4', '2026-04-06T10:00:00+05:30'), (2, '8', '2026-04-07T10:00:00+05:30')) v (i, c, t), oms.shipment s
 WHERE s.return_id = pg_temp.ret('R1') ORDER BY i;
SELECT status, received_at IS NULL AS not_counted, pg_temp.stock(9121) AS tee FROM oms.return_order WHERE external_id = 'R1';
SELECT oms.receive_return(pg_temp.ret('R1')) - '{return_id,refund_id}'::text[] AS received;
SELECT oms.receive_return(pg_temp.ret('R1'))->>'duplicate' AS again, pg_temp.stock(9121) AS tee;
SELECT pg_temp.status('C1');

-- 1000.00 for three, returned one by one: 333.33, 333.34, 333.33; the last brings the allocation to returned
SELECT oms.receive_return(pg_temp.ret('R2'), disposition => 'scrap') - '{return_id,refund_id}'::text[] AS second;
SELECT pg_temp.give_back('C1', 'R3', '[{"line_no": 1, "qty": 1}]')->>'status' AS third;
SELECT pg_temp.fails($$SELECT oms.receive_return(pg_temp.ret('R3'), '[{"line_no": 1, "qty": 2}]')$$) AS more_than_asked;
SELECT pg_temp.fails($$SELECT oms.receive_return(pg_temp.ret('R3'), disposition => 'sell')$$) AS unknown;
SELECT oms.receive_return(pg_temp.ret('R3'), '[{"line_no": 1, "qty": 1, "disposition": "quarantine"}]') - '{return_id,refund_id}'::text[] AS third;
SELECT pg_temp.status('C1'), pg_temp.stock(9121) AS one_restocked;
SELECT amount, tax_amount, mode, status, sum(amount) OVER () AS sum, sum(tax_amount) OVER () AS tax FROM oms.refund WHERE company_id = 9100 ORDER BY refund_id;
SELECT sum(cgst + sgst + igst) AS tax_of_line FROM oms.allocation a JOIN oms."order" o USING (company_id, order_id) WHERE o.external_id = 'C1' AND line_no = 1;

-- paid: once, by one reference; then the return is closed
SELECT oms.pay_refund(refund_id, 'UTR1') - 'refund_id' AS paid FROM oms.refund WHERE return_id = pg_temp.ret('R1');
SELECT oms.pay_refund(refund_id, 'UTR1') - 'refund_id' AS again FROM oms.refund WHERE return_id = pg_temp.ret('R1');
SELECT pg_temp.fails('SELECT oms.pay_refund(' || refund_id || ', ''UTR2'')') FROM oms.refund WHERE return_id = pg_temp.ret('R1');
SELECT external_id, status, closed_at IS NOT NULL AS closed FROM oms.return_order WHERE company_id = 9100 ORDER BY return_id;

-- less arrives than was asked: paid for what came, the rest may be asked again
SELECT pg_temp.delivered('C3', false, '9122 2 800.00, 9121 1 200.00');
SELECT pg_temp.give_back('C3', 'R4')->>'awb' IS NOT NULL AS booked;
SELECT oms.receive_return(pg_temp.ret('R4'), '[{"line_no": 1, "qty": 1}]') - '{return_id,refund_id}'::text[] AS short;
SELECT pg_temp.give_back('C3', 'R5')->>'status' AS rest;
SELECT oms.receive_return(pg_temp.ret('R5')) - '{return_id,refund_id}'::text[] AS rest;
SELECT pg_temp.status('C3');
SELECT pg_temp.fails($$SELECT pg_temp.give_back('C3', 'R6')$$) AS nothing_left;

-- cancelled: counts no more, its pickup neither
SELECT pg_temp.delivered('C4', false, '9121 2 400.00');
SELECT pg_temp.give_back('C4', 'R7')->>'status' AS asked;
SELECT oms.cancel_return(pg_temp.ret('R7')) AS cancelled, oms.cancel_return(pg_temp.ret('R7')) AS again;
SELECT s.state FROM oms.shipment s WHERE s.return_id = pg_temp.ret('R7');
SELECT pg_temp.fails($$SELECT oms.receive_return(pg_temp.ret('R7'))$$);
SELECT pg_temp.give_back('C4', 'R8')->>'status' AS asked;

-- prices without tax: the tax is owed too; a node that takes no returns sends them to the nearest that does
SELECT pg_temp.delivered('C5', false, '9121 3 1000.00', 9112, 9102);
SELECT pg_temp.give_back('C5', 'R9', '[{"line_no": 1, "qty": 2}]')->>'node' AS node;
SELECT oms.receive_return(pg_temp.ret('R9')) - '{return_id,refund_id}'::text[] AS received;
SELECT amount, tax_amount FROM oms.refund WHERE return_id = pg_temp.ret('R9');

-- a kit comes back as what it was picked from
SELECT pg_temp.stock(9121) AS tee, pg_temp.stock(9122) AS mug;
SELECT pg_temp.delivered('C6', false, '9124 2 3000.00');
SELECT pg_temp.give_back('C6', 'R10', '[{"line_no": 1, "qty": 1}]')->>'status' AS asked;
SELECT oms.receive_return(pg_temp.ret('R10'))->>'refund' AS refund;
SELECT pg_temp.stock(9121) AS tee, pg_temp.stock(9122) AS mug;

-- RTO: COD owes nothing, prepaid all of it, even of what came back short
DO $$ BEGIN PERFORM pg_temp.make_order('C7', true, '9121 2 999.00'); PERFORM pg_temp.make_order('C8', false, '9121 2 999.00, 9122 1 1.00');
    PERFORM oms.dispatch_shipment(pg_temp.parcel('C7')); PERFORM oms.dispatch_shipment(pg_temp.parcel('C8')); END $$;
SELECT pg_temp.stock(9121) AS tee, pg_temp.stock(9122) AS mug;
SELECT pg_temp.scan('C7', '14', '2026-04-09T10:00:00+05:30') AS c7, pg_temp.scan('C8', '21', '2026-04-09T10:00:00+05:30') AS c8;
SELECT oms.receive_return(pg_temp.ret('RTO-' || pg_temp.parcel('C7'))) - 'return_id' AS cod;
SELECT oms.receive_return(pg_temp.ret('RTO-' || pg_temp.parcel('C8')), '[{"line_no": 1, "qty": 1}]') - '{return_id,refund_id}'::text[] AS prepaid_short;
SELECT pg_temp.status('C7') AS c7, pg_temp.status('C8') AS c8, pg_temp.stock(9121) AS tee, pg_temp.stock(9122) AS mug;
-- the scan that it arrived comes after the people who counted it
SELECT pg_temp.scan('C8', '14', '2026-04-10T10:00:00+05:30') AS c8;
SELECT status FROM oms.return_order WHERE external_id = 'RTO-' || pg_temp.parcel('C8');

-- lost on the way back: owed in full, once, and not to be asked back again
SELECT pg_temp.delivered('C9', true, '9121 2 999.00');
SELECT pg_temp.give_back('C9', 'R11', '[{"line_no": 1, "qty": 1}]')->>'status' AS asked;
SELECT oms.record_scan(jsonb_build_object('courier', 'TESTDLV', 'awb', s.awb, 'code', '16', 'scanned_at', '2026-04-08T10:00:00+05:30'))->>'state' AS state
  FROM oms.shipment s WHERE s.return_id = pg_temp.ret('R11');
SELECT r.status, r.received_at, f.amount FROM oms.return_order r JOIN oms.refund f USING (return_id) WHERE external_id = 'R11';
SELECT pg_temp.fails($$SELECT pg_temp.give_back('C9', 'R12', '[{"line_no": 1, "qty": 2}]')$$);

-- the courier cancels the pickup: another is planned; a customer's cancellation is no reason for one
SELECT pg_temp.delivered('C10', false, '9121 1 10.00');
SELECT pg_temp.give_back('C10', 'R13')->>'status' AS asked;
SELECT oms.record_scan(jsonb_build_object('courier', 'TESTDLV', 'awb', s.awb, 'code', 'CANCELLED', 'scanned_at', '2026-04-08T10:00:00+05:30'))->>'state' AS state
  FROM oms.shipment s WHERE s.return_id = pg_temp.ret('R13');
SELECT oms.book_shipment(r.shipment_id) IS NOT NULL AS booked_again FROM oms.return_order r WHERE external_id = 'R13';
SELECT s.state, s.shipment_id = r.shipment_id AS current, s.dead_g FROM oms.return_order r JOIN oms.shipment s USING (return_id) WHERE r.external_id = 'R13' ORDER BY s.shipment_id;
SELECT oms.cancel_return(pg_temp.ret('R13')) AS cancelled;
SELECT s.state FROM oms.shipment s WHERE s.return_id = pg_temp.ret('R13') ORDER BY s.shipment_id;

-- nobody takes returns
UPDATE oms.node SET accepts_returns = false WHERE company_id = 9100;
SELECT pg_temp.fails($$SELECT pg_temp.give_back('C10', 'R14')$$);

-- what happened, and the ledger agrees with the counts
SELECT type, count(*) FROM oms.event WHERE company_id = 9100 AND (topic = 'return' OR type LIKE 'refund.%') GROUP BY type ORDER BY type COLLATE "C";
SELECT s.sku_id, s.node_id, s.on_hand - l.delta AS drift FROM oms.stock s
  JOIN (SELECT sku_id, node_id, sum(delta) AS delta FROM oms.stock_ledger WHERE company_id = 9100 GROUP BY 1, 2) l USING (sku_id, node_id)
 WHERE s.company_id = 9100 ORDER BY 1, 2;
-- every invariant holds
SELECT * FROM oms.verify();
ROLLBACK;
