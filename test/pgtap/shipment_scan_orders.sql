-- Whatever order a parcel's scans arrive in, and however often, it ends in
-- the same state with the same attempts, allocations and return; the courier's record
-- counts it once. (Journeys that contradict themselves are not shuffled: doc/shipment.md.)
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pgtap;
BEGIN;
\i test/sql/include/parcels.inc
\set ECHO none
\set QUIET 1
SELECT plan(12);
SELECT oms.add_awbs('TESTDLV', (SELECT array_agg('AWB' || i) FROM generate_series(1000, 1999) i)) \g /dev/null

UPDATE oms.stock SET on_hand = 1000 WHERE company_id = 9100;
UPDATE oms.stock_ledger SET delta = 1000, on_hand = 1000 WHERE company_id = 9100;

CREATE TEMP TABLE journey (name text, i integer, code text, at timestamptz, ndr text);
INSERT INTO journey
SELECT n, i, split_part(s, ' ', 1), '2026-04-01 06:00+05:30'::timestamptz + i * interval '7 hours', nullif(split_part(s, ' ', 2), '')
  FROM (VALUES ('delivered', '4,5,5,1004,6,8'),
               ('third attempt', '4,5,1004,6,9 1,1004,6,9 5,6,8'),
               ('rto', '3,25,4,5,6,9 2,6,9 2,6,9 2,12,21,21,13,15,13,14'),
               ('rto said plainly', '4,5,6,9 4,12,21,8'),
               ('lost', '4,5,18,16'),
               ('lost on the way back', '4,5,6,9 6,12,21,16')) v (n, codes),
       LATERAL unnest(string_to_array(codes, ',')) WITH ORDINALITY u (s, i);

-- One run: the scans in an order drawn from "seed" (0: as they happened), every third of them twice.
CREATE FUNCTION pg_temp.run(journey text, seed integer) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    ref text := journey || ' ' || seed;
    s bigint;
    docs text[];
    answer text;
BEGIN
    s := pg_temp.make_order(ref, true, '9121 2 999.00, 9122 1 499.00');
    PERFORM oms.dispatch_shipment(s, at => '2026-04-01 05:00+05:30');
    SELECT array_agg(d ORDER BY o) INTO docs FROM (
        SELECT jsonb_build_object('courier', 'TESTDLV', 'awb', p.awb, 'code', j.code, 'scanned_at', to_char(j.at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"'), 'ndr_code', j.ndr)::text AS d,
               CASE WHEN seed = 0 THEN lpad(j.i::text, 3, '0') ELSE md5(j.name || j.i || twice || seed) END AS o
          FROM pg_temp.journey j, oms.shipment p, generate_series(0, CASE WHEN j.i % 3 = seed % 3 AND seed > 0 THEN 1 ELSE 0 END) twice
         WHERE j.name = run.journey AND p.shipment_id = s) x;
    PERFORM FROM oms.record_scans(docs) r WHERE NOT r.ok;
    IF FOUND THEN RETURN 'refused'; END IF;
    SELECT concat_ws(' | ', p.state, 'attempts ' || p.attempts, coalesce(p.delivered_at, p.rto_at)::text, p.last_scan_at,
               (SELECT string_agg(concat_ws(' ', n.attempt, n.ndr_code, n.failed_at, n.outcome), ', ' ORDER BY n.attempt) FROM oms.ndr n WHERE n.shipment_id = s),
               pg_temp.status(ref),
               (SELECT concat_ws(' ', r.kind, r.status, r.received_at, count(l.*)) FROM oms.return_order r LEFT JOIN oms.return_line l USING (company_id, return_id)
                 WHERE r.shipment_id = s GROUP BY r.return_id, r.kind, r.status, r.received_at),
               (SELECT count(*) FROM oms.scan c WHERE c.shipment_id = s))
      INTO answer FROM oms.shipment p WHERE p.shipment_id = s;
    RETURN answer;
END $$;

CREATE TEMP TABLE truth AS SELECT name, pg_temp.run(name, 0) AS answer FROM (SELECT DISTINCT name FROM journey) j;
SELECT matches(answer, w, 'as it happened: ' || name) FROM truth JOIN (VALUES
    ('delivered', '^DELIVERED \| attempts 0 .*delivered: delivered 2, delivered 1 \| 6$'),
    ('third attempt', '^DELIVERED \| attempts 2 .*1 1 .* NDR, 2 5 .* DELIVERED .*delivered 1 \| 10$'),
    ('rto', '^RTO_DELIVERED \| attempts 3 .*3 2 .* RTO \| rto: rto 2, rto 1 \| RTO received .* 2 \| 17$'),
    ('rto said plainly', '^RTO_DELIVERED \| attempts 1 .* RTO \| rto: rto 2, rto 1 \| RTO received .* 2 \| 7$'),
    ('lost', '^LOST \| attempts 0 .*rto: rto 2, rto 1 \| 4$'),
    ('lost on the way back', '^LOST \| attempts 1 .*rto: rto 2, rto 1 \| RTO closed 2 \| 7$')) v (name, w) USING (name) ORDER BY name COLLATE "C";
SELECT is((SELECT string_agg(DISTINCT t.name || ': ' || r.answer, E'\n') FROM truth t, generate_series(1, 25) seed, LATERAL (SELECT pg_temp.run(t.name, seed) AS answer) r
            WHERE t.name = n AND r.answer <> t.answer), NULL, 'in 25 other orders the same: ' || n)
  FROM unnest(ARRAY['delivered', 'lost', 'rto', 'third attempt']) n;
SELECT is((SELECT (sum(shipped), sum(delivered))::text FROM oms.courier_stat WHERE company_id = 9100 AND region = '29'),
          (SELECT (count(*), count(*) FILTER (WHERE state = 'DELIVERED'))::text FROM oms.shipment WHERE company_id = 9100),
          'the courier''s record counts each parcel once');
SELECT is_empty('SELECT * FROM oms.verify()', 'every invariant holds');
SELECT * FROM finish();
ROLLBACK;
