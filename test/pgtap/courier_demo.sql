-- The demo's couriers on the real pincodes: complete, repeatable, and priced without contradiction.
\set ON_ERROR_STOP on
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pgtap;
CREATE EXTENSION IF NOT EXISTS pg_oms CASCADE;
BEGIN;
SELECT plan(17);
DO $$ BEGIN PERFORM oms.install(); PERFORM oms.load_pincodes(); END $$;
INSERT INTO oms.company (code, name) VALUES ('DEMO', 'Demo');
ANALYZE oms.pincode;
CREATE TEMP TABLE took AS SELECT clock_timestamp() AS began;
\o /dev/null
\ir ../../demo/couriers.sql
\o
SELECT cmp_ok(extract(epoch FROM clock_timestamp() - began)::numeric, '<', 5::numeric, 'runs in five seconds') FROM took;
CREATE FUNCTION pg_temp.counts() RETURNS text LANGUAGE sql AS $$
    SELECT concat_ws(' ', (SELECT count(*) FROM oms.courier_service), (SELECT count(*) FROM oms.zone_rule), (SELECT count(*) FROM oms.rate_slab),
        (SELECT count(*) FROM oms.serviceability), (SELECT count(*) FROM oms.courier_stat), (SELECT count(*) FROM oms.awb_pool)) $$;
CREATE TEMP TABLE before AS SELECT pg_temp.counts() AS n;
\o /dev/null
\ir ../../demo/couriers.sql
\o
SELECT is(pg_temp.counts(), (SELECT n FROM before), 'a second run adds nothing');
SELECT is((SELECT count(*)::integer FROM oms.rate_card WHERE note IS DISTINCT FROM 'illustrative, not the courier''s prices'), 0, 'every card says it is illustrative');
SELECT is((SELECT count(*)::integer FROM oms.awb_pool p JOIN oms.courier c USING (courier_id)
    WHERE awb !~ CASE c.code WHEN 'DELHIVERY' THEN '^[0-9]{13,14}$' ELSE '^SF[0-9]{9}IN$' END), 0, 'AWB numbers have their courier''s form');
SELECT cmp_ok((SELECT min(n) FROM (SELECT count(*) AS n FROM oms.awb_pool GROUP BY courier_id) x), '>=', 5000::bigint, 'and are enough');
SELECT is((SELECT count(*)::integer FROM oms.courier_stat WHERE NOT (0 <= first_attempt AND first_attempt <= delivered AND delivered <= shipped)), 0, 'records add up');
SELECT is((SELECT count(*)::integer FROM oms.courier_stat a WHERE a.region = '*' AND abs(a.shipped -
    (SELECT sum(r.shipped) FROM oms.courier_stat r WHERE (r.company_id, r.courier_service_id, r.cod) = (a.company_id, a.courier_service_id, a.cod) AND r.region <> '*')) > 1e-6), 0, 'all regions are the sum of the regions');

-- the demo's own nodes can hand over, and deliver to each other
CREATE TEMP TABLE origin (code text, pincode text);
INSERT INTO origin VALUES ('BLR1', '560066'), ('BOM1', '421302'), ('DEL1', '122004'), ('MAA1', '600056'), ('CCU1', '712311');
SELECT is((SELECT count(*)::integer FROM origin o, origin d, LATERAL oms.courier_quotes(o.pincode, d.pincode, 700, 2000, 999, 999, '2026-11-20 16:00+05:30') q
    WHERE q.refused IS NULL), 75, 'three parcel services between any two of the five centres, COD');
SELECT is((SELECT count(*)::integer FROM unnest('{560038,560034,560102,560041,400053,400076,400013,400050,122001,122018,122002}'::text[]) p,
    LATERAL oms.courier_quotes(p, p, 700, 2000, 999, 999, '2026-11-20 16:00+05:30', hyperlocal => true, distance_m => 1500) q WHERE q.refused IS NULL AND q.service = 'SFX-LOCAL'), 11, 'riders at every store');

-- a sample of real lanes: every 40th pincode from every centre, COD
CREATE TEMP TABLE sample AS SELECT pincode FROM (SELECT pincode, row_number() OVER (ORDER BY pincode) AS n FROM oms.pincode) x WHERE n % 40 = 0;
CREATE TEMP TABLE lane AS
SELECT o.code, s.pincode AS dest, q.*
  FROM origin o, sample s, LATERAL oms.courier_quotes(o.pincode, s.pincode, 700, 2000, 999, 999, '2026-11-20 16:00+05:30', 0.2, 100)
  WITH ORDINALITY AS q (service, refused, zone, charge_g, freight, cod_fee, gst, total, rto_freight, p_success, days, promised_at, expected_cost, pos);
SELECT is((SELECT count(*)::integer FROM lane), 5 * 4 * (SELECT count(*)::integer FROM sample), 'every service answers on every lane');
SELECT is((SELECT count(*)::integer FROM lane l JOIN lane m ON (m.code, m.dest, m.pos) = (l.code, l.dest, l.pos + 1)
    WHERE (l.refused IS NOT NULL AND m.refused IS NULL) OR (l.refused IS NULL AND m.refused IS NULL AND l.expected_cost > m.expected_cost)), 0, 'feasible first, cheapest expectation first');
SELECT is((SELECT count(*)::integer FROM lane WHERE total <> freight + cod_fee + gst OR gst <> round((freight + cod_fee) * 0.18, 2)), 0, 'totals add up, GST on the sum');
SELECT is((SELECT count(*)::integer FROM lane WHERE refused IS NOT NULL AND refused NOT IN (SELECT code FROM oms.reason_code WHERE kind = 'courier')), 0, 'every reason is in the catalogue');
SELECT is((SELECT count(*)::integer FROM lane WHERE refused IS NULL AND NOT EXISTS (SELECT FROM oms.serviceability v
    WHERE v.courier_service_id = oms.courier_service_id(lane.service) AND v.pincode = dest AND v.cod AND v.embargo_from IS NULL)), 0, 'nobody feasible without serviceability for cash');
SELECT cmp_ok((SELECT count(DISTINCT (code, dest)) FROM lane WHERE refused IS NULL), '>', (SELECT count(*) * 5 * 8 / 10 FROM sample), 'most of the country can pay cash');
SELECT is((SELECT count(DISTINCT left(service, 3))::integer FROM lane WHERE pos = 1 AND refused IS NULL), 2, 'neither courier wins everywhere');
SELECT is((SELECT count(*)::integer FROM generate_series(1, 60) g, LATERAL oms.courier_quotes('560066', '226001', g * 100, 0) a,
    LATERAL oms.courier_quotes('560066', '226001', g * 100 + 100, 0) b WHERE a.service = b.service AND a.total > b.total), 0, 'heavier is never cheaper');
SELECT * FROM finish();
ROLLBACK;
