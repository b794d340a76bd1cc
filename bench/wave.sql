-- A wave measured: so many orders wait (psql -v orders=5000, default) of so
-- many lines at most (-v lines=4; with 1 each order has 15 arcs), 50 nodes, 400
-- items at 15 nodes each; then stock comes and the wave is solved and written
-- in chunks of 200.  Wants a database with pg_oms installed.
\if :{?orders}
\else
\set orders 5000
\endif
\if :{?lines}
\else
\set lines 4
\endif
\set QUIET 1
SET client_min_messages = warning;
SET synchronous_commit = off;
SET oms.company = 'WAVES';
SELECT set_config('wave.orders', :'orders', false), set_config('wave.lines', :'lines', false) \g /dev/null
INSERT INTO oms.company (company_id, code, name) VALUES (9900, 'WAVES', 'Waves');
INSERT INTO oms.channel (company_id, code, name, kind) VALUES (9900, 'WEB', 'Web', 'web');
INSERT INTO oms.sourcing_rule (company_id, lane_costs, cost_per_minute) VALUES (9900, true, 0);
INSERT INTO oms.courier (courier_id, code, name) VALUES (9900, 'WAVES', 'Everywhere');
INSERT INTO oms.courier_service (courier_service_id, courier_id, code, name, mode) VALUES (9900, 9900, 'WAVES', 'Surface', 'surface');
INSERT INTO oms.zone_rule (courier_id, seq, test, zone) VALUES (9900, 1, 'otherwise', 'Z');
INSERT INTO oms.zone_transit (courier_service_id, zone, days) VALUES (9900, 'Z', 2);
INSERT INTO oms.rate_card (rate_card_id, company_id, courier_service_id) VALUES (9900, 9900, 9900);
INSERT INTO oms.rate_slab (rate_card_id, zone, leg, base, add) SELECT 9900, 'Z', l, 40, 0 FROM unnest('{forward,rto,reverse}'::text[]) l;
INSERT INTO oms.pincode (pincode, state_code, district) SELECT (990000 + r)::text, '29', 'Waves' FROM generate_series(1, 60) r;
INSERT INTO oms.serviceability (courier_service_id, pincode) SELECT 9900, (990000 + r)::text FROM generate_series(1, 60) r;
-- room for two parcels an order
INSERT INTO oms.node (node_id, company_id, code, name, state_code, pincode, capacity)
SELECT 9900 + n, 9900, 'N' || n, 'Node ' || n, '29', '990001', ceil(current_setting('wave.orders')::int * 2.0 / 50) FROM generate_series(1, 50) n;
INSERT INTO oms.sku (sku_id, company_id, code, name, hsn) SELECT 990000 + k, 9900, 'S' || k, 'Item ' || k, '4901' FROM generate_series(1, 400) k;
INSERT INTO oms.price (company_id, sku_id, amount) SELECT 9900, 990000 + k, 100 FROM generate_series(1, 400) k;
INSERT INTO oms.lane_cost (company_id, node_id, region, shipment_cost, unit_cost)
SELECT 9900, 9900 + n, (990000 + r)::text, 30 + (n * 7919 + r * 104729) % 97, (n * 31 + r * 17) % 11 FROM generate_series(1, 50) n, generate_series(1, 60) r;
INSERT INTO oms.stock (company_id, node_id, sku_id, on_hand) SELECT 9900, 9901 + (k * 13 + j * 3) % 50, 990000 + k, 0 FROM generate_series(1, 400) k, generate_series(1, 15) j ON CONFLICT DO NOTHING;
ANALYZE;
DO $$
BEGIN
    FOR i IN 1 .. current_setting('wave.orders')::int LOOP
        PERFORM oms.capture_order(jsonb_build_object('company', 'WAVES', 'channel', 'WEB', 'external_id', i::text, 'payment', '{"mode": "PREPAID"}'::jsonb,
            'ship_to', jsonb_build_object('pincode', (990001 + i * 37 % 60)::text, 'address1', '1, Long Street'),
            'lines', (SELECT jsonb_agg(jsonb_build_object('sku', 'S' || (1 + (i * 7919 + l * 104729) % 400), 'qty', 1 + (i + l) % 7 / 6))
                        FROM generate_series(1, least(current_setting('wave.lines')::int, CASE WHEN i % 100 < 58 THEN 1 WHEN i % 100 < 80 THEN 2 WHEN i % 100 < 91 THEN 3 ELSE 4 END)) l)), '2026-03-02 10:00+05:30');
        IF i % 100 = 0 THEN COMMIT; END IF;
    END LOOP;
END $$;
-- a tenth more units than are wanted
UPDATE oms.stock s SET on_hand = w.units, updated_at = now()
  FROM (SELECT t.node_id, t.sku_id, ceil(d.qty * 1.1 / count(*) OVER (PARTITION BY t.sku_id)) AS units
          FROM oms.stock t JOIN (SELECT sku_id, sum(qty) AS qty FROM oms.allocation WHERE company_id = 9900 GROUP BY 1) d USING (sku_id) WHERE t.company_id = 9900) w
 WHERE s.company_id = 9900 AND s.node_id = w.node_id AND s.sku_id = w.sku_id;
INSERT INTO oms.stock_ledger (company_id, node_id, sku_id, delta, on_hand, reason) SELECT company_id, node_id, sku_id, on_hand, on_hand, 'snapshot' FROM oms.stock WHERE company_id = 9900;
ANALYZE;
SELECT clock_timestamp() AS began \gset
CALL oms.run_wave(max_orders => :orders, at => '2026-03-02 10:30+05:30', moves => false);
SELECT orders, arcs, rounds, round(read_ms::numeric) AS read_ms, round(flow_ms::numeric) AS flow_ms, round(solve_ms::numeric) AS solve_ms,
       round((extract(epoch FROM clock_timestamp() - :'began') * 1000)::numeric - read_ms::numeric - solve_ms::numeric) AS write_ms, cost, unserved
  FROM oms.wave WHERE company_id = 9900 ORDER BY wave_id DESC LIMIT 1;
SELECT state, count(*) FROM oms.wave_order WHERE company_id = 9900 GROUP BY 1 ORDER BY 1;
SELECT status, count(*) FROM oms."order" WHERE company_id = 9900 GROUP BY 1 ORDER BY 1;
SELECT count(*) AS faults FROM oms.verify();
