-- What is learnt and switched while it runs: success, breakers, the network.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pg_oms CASCADE;
RESET client_min_messages;
SET timezone = 'Asia/Kolkata';
SET datestyle = 'ISO';
BEGIN;
SELECT oms.install() IS NOT NULL AS installed;
INSERT INTO oms.company (code, name) VALUES ('COUR', 'Courier test');
SET LOCAL oms.company = 'COUR';
UPDATE oms.courier_service SET active = false;
DELETE FROM oms.zone_rule;
DELETE FROM oms.network_status;
INSERT INTO oms.pincode (pincode, state_code, district) VALUES ('560066', '29', 'B'), ('226001', '09', 'L'), ('110001', '07', 'D'), ('799001', NULL, NULL)
ON CONFLICT (pincode) DO UPDATE SET state_code = EXCLUDED.state_code, district = EXCLUDED.district;
INSERT INTO oms.courier (code, name) VALUES ('T-ONE', 'One'), ('T-TWO', 'Two');
INSERT INTO oms.courier_service (courier_id, code, name, mode) SELECT courier_id, 'T-A', 'A', 'surface' FROM oms.courier WHERE code = 'T-ONE';
INSERT INTO oms.courier_service (courier_id, code, name, mode) SELECT courier_id, 'T-B', 'B', 'surface' FROM oms.courier WHERE code = 'T-TWO';
INSERT INTO oms.serviceability (courier_service_id, pincode) SELECT courier_service_id, p FROM oms.courier_service, unnest('{560066,226001,110001,799001}'::text[]) p WHERE code LIKE 'T-%';
INSERT INTO oms.zone_rule (seq, test, zone) VALUES (1, 'otherwise', 'D');
INSERT INTO oms.zone_transit SELECT courier_service_id, 'D', 3 FROM oms.courier_service WHERE code LIKE 'T-%';
INSERT INTO oms.rate_card (company_id, courier_service_id, gst_pct, cod_flat) SELECT oms.company_id(), courier_service_id, 18, 30 FROM oms.courier_service WHERE code LIKE 'T-%';
INSERT INTO oms.rate_slab (rate_card_id, zone, leg, base, add)
SELECT rate_card_id, 'D', l, CASE code WHEN 'T-A' THEN 60 ELSE 72 END, 10 FROM oms.rate_card JOIN oms.courier_service USING (courier_service_id), unnest('{forward,rto}'::text[]) l WHERE company_id = oms.company_id();
CREATE FUNCTION pg_temp.q(t text DEFAULT '226001', p double precision DEFAULT 0.2, loss numeric DEFAULT 0, cod numeric DEFAULT 1000, at timestamptz DEFAULT '2026-11-20 16:00+05:30')
RETURNS SETOF record LANGUAGE sql AS $$
    SELECT service, refused, p_success, expected_cost FROM oms.courier_quotes('560066', t, 100, 0, cod, cod, at, p, loss) $$;

-- nothing known: the order's own risk. Equal quotes: by id
SELECT service, round(p_success::numeric, 6) AS p FROM pg_temp.q() AS (service text, refused text, p_success float8, cost numeric);
-- the cheaper at 75 %, the dearer at 88 %, in Uttar Pradesh alone, COD
DO $$
BEGIN
    FOR i IN 1..1000 LOOP
        PERFORM oms.courier_outcome(oms.company_id(), oms.courier_service_id('T-A'), '09', true, i <= 750, i <= 600, 4);
        PERFORM oms.courier_outcome(oms.company_id(), oms.courier_service_id('T-B'), '09', true, i <= 880, i <= 900, 3);
    END LOOP;
    PERFORM oms.courier_outcome(oms.company_id(), oms.courier_service_id('T-A'), NULL, true, true);
END $$;
SELECT code, region, t.cod, shipped, delivered, first_attempt, days_sum FROM oms.courier_stat t JOIN oms.courier_service USING (courier_service_id)
 WHERE company_id = oms.company_id() ORDER BY code COLLATE "C", region COLLATE "C";
-- against the formula of doc/courier.md, worked out here in numeric
CREATE TABLE pg_temp.expect AS
WITH k AS (SELECT 1000 + 1001.0 AS n_all, 880 + 751.0 AS d_all, 2000.0 AS n_r, 1630.0 AS d_r),
     e AS (SELECT (d_all + 100 * 0.80) / (n_all + 100) AS everywhere FROM k),
     r AS (SELECT everywhere, (d_r + 100 * everywhere) / (n_r + 100) AS region FROM k, e),
     s AS (SELECT v.service, everywhere, region, (v.d_all + 50 * everywhere) / (v.n_all + 50) AS own, v.n, v.d
             FROM r, (VALUES ('T-A', 1001.0, 751.0, 1000.0, 750.0), ('T-B', 1000.0, 880.0, 1000.0, 880.0)) AS v (service, n_all, d_all, n, d)),
     l AS (SELECT *, ln(region / (1 - region)) + ln(own / (1 - own)) - ln(everywhere / (1 - everywhere)) AS prior FROM s),
     h AS (SELECT *, (d + 50 / (1 + exp(-prior))) / (n + 50) AS here FROM l)
SELECT service, 1 / (1 + exp(-(ln(0.8 / 0.2) + ln(here / (1 - here)) - ln(region / (1 - region))))) AS p FROM h;
SELECT service, round(q.p_success::numeric, 4) AS p, abs(q.p_success - e.p::float8) < 1e-9 AS by_formula
  FROM pg_temp.q() AS q (service text, refused text, p_success float8, cost numeric) JOIN expect e USING (service) ORDER BY service COLLATE "C";
-- expected cost: (60 or 72 + 30) + GST when delivered, both ways + GST + loss when not, 5 rupees a day
SELECT service, cost, abs(cost - (p * (f + 30) * 1.18 + (1 - p) * (2 * f * 1.18 + l.loss) + 15)) < 0.006 AS by_formula, l.loss
  FROM (VALUES (0), (200)) AS l (loss), LATERAL pg_temp.q(loss => l.loss) AS q (service text, refused text, p_success float8, cost numeric) JOIN expect e USING (service),
  LATERAL (SELECT CASE service WHEN 'T-A' THEN 60 ELSE 72 END AS f) f ORDER BY l.loss, cost;
-- prepaid parcels and other states have their own record; all of it counts for a state never seen
SELECT service, round(p_success::numeric, 4) AS prepaid FROM pg_temp.q(cod => 0) AS (service text, refused text, p_success float8, cost numeric) ORDER BY service COLLATE "C";
SELECT service, round(p_success::numeric, 2) AS delhi FROM pg_temp.q('110001') AS (service text, refused text, p_success float8, cost numeric) ORDER BY service COLLATE "C";
SELECT p, min(p_success), max(p_success) FROM unnest('{0,1}'::float8[]) p, LATERAL pg_temp.q(p => p) AS (service text, refused text, p_success float8, cost numeric) GROUP BY p ORDER BY p;
-- what a day counts for
SET LOCAL oms.courier_day_cost = 0;
SELECT max(cost) - (SELECT max(cost) FROM pg_temp.q('110001', 0) AS (service text, refused text, p_success float8, cost numeric)) AS same,
       max(cost) FROM pg_temp.q('110001', 0) AS (service text, refused text, p_success float8, cost numeric);
RESET oms.courier_day_cost;

-- breakers
CREATE FUNCTION pg_temp.why(t text DEFAULT '226001', at timestamptz DEFAULT '2026-11-20 16:00+05:30') RETURNS text LANGUAGE sql AS $$
    SELECT string_agg(service || '=' || coalesce(refused, 'ok'), ' ' ORDER BY service COLLATE "C") FROM pg_temp.q(t, at => at) AS (service text, refused text, p_success float8, cost numeric) $$;
SELECT oms.open_breaker('T-A', '09', 'hub down', '2026-11-20 18:00+05:30');
SELECT pg_temp.why() AS open, pg_temp.why('110001') AS elsewhere, pg_temp.why(at => '2026-11-20 17:59:59+05:30') AS still, pg_temp.why(at => '2026-11-20 18:00+05:30') AS probe;
SELECT oms.open_breaker('T-A', '09', 'worse'), pg_temp.why(at => '2030-01-01') AS until_closed;
SELECT oms.close_breaker('T-A', '09') AS was_open, oms.close_breaker('T-A', '09') AS again, pg_temp.why() AS closed;
SELECT oms.open_breaker('T-B'), pg_temp.why() AS everywhere, pg_temp.why('799001') AS even_unknown;
SELECT oms.close_breaker('T-B') AS was_open, pg_temp.why() AS closed;

-- network: at either end, state, prefix or pincode; worst of what is said; per courier; what is said anew replaces
CREATE FUNCTION pg_temp.net(at timestamptz DEFAULT '2026-11-20 16:00+05:30') RETURNS text LANGUAGE sql AS $$
    SELECT string_agg(service || '=' || coalesce(refused, 'ok') || '/' || days || '/' || freight, ' ' ORDER BY service COLLATE "C") FROM oms.courier_quotes('560066', '226001', 100, 0, at => at) $$;
SELECT pg_temp.net() AS quiet;
SELECT oms.set_network_status('09', NULL, 2, 10, valid_from => '2026-11-19 00:00+05:30', valid_to => '2026-11-25 00:00+05:30', note => 'floods') IS NOT NULL AS set, pg_temp.net() AS state, pg_temp.net('2026-11-25 00:00+05:30') AS over;
SELECT oms.set_network_status('560', 'T-ONE', 1, 12.5, valid_from => '2026-11-19 00:00+05:30') IS NOT NULL AS set, pg_temp.net() AS origin_prefix;
SELECT oms.set_network_status('226001', 'T-TWO', blocked => true, valid_from => '2026-11-20 12:00+05:30') IS NOT NULL AS set, pg_temp.net() AS pincode, pg_temp.net('2026-11-20 11:59+05:30') AS before;
SELECT oms.set_network_status('226001', 'T-TWO', valid_from => '2026-11-20 15:00+05:30') IS NULL AS ended, pg_temp.net() AS now, pg_temp.net('2026-11-20 14:59+05:30') AS before;
SELECT oms.set_network_status('09', NULL, 5, valid_from => '2026-11-20 00:00+05:30') IS NOT NULL AS worse, pg_temp.net() AS now, pg_temp.net('2026-11-19 12:00+05:30') AS yesterday;

CREATE FUNCTION pg_temp.fails(q text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE d text;
BEGIN
    EXECUTE q;
    RETURN 'no error';
EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS d = PG_EXCEPTION_DETAIL;
    RETURN SQLSTATE || ': ' || SQLERRM || CASE WHEN d <> '' THEN ' / ' || d ELSE '' END;
END $$;
SELECT pg_temp.fails(q) FROM unnest(ARRAY[
    $$SELECT oms.open_breaker('NOPE')$$,
    $$SELECT oms.open_breaker('T-A', '99')$$,
    $$SELECT oms.close_breaker('T-A', NULL)$$,
    $$SELECT oms.set_network_status('5600')$$,
    $$SELECT oms.set_network_status('09', 'NOPE')$$,
    $$SELECT oms.set_network_status('09', delay_days => -1, valid_from => '2026-01-02')$$,
    $$SELECT oms.set_network_status('09', valid_from => '2026-01-02', valid_to => '2026-01-02')$$,
    $$SELECT oms.courier_outcome(NULL, 1, NULL, true, true)$$,
    $$SELECT oms.courier_quotes('560066', '226001', -1, 0)$$,
    $$SELECT oms.courier_quotes('560066', '226001', 1, 0, p_rto => 'NaN')$$,
    $$SELECT oms.courier_quotes('560066', '226001', 1, 0, p_rto => 1.01)$$,
    $$SELECT oms.courier_quotes('560066', '226001', 1, 0, -1)$$,
    $$SELECT oms.courier_quotes('560066', '226001', 1, 0, 'NaN')$$,
    $$SELECT oms.courier_quotes('560066', '226001', 1, 0, at => 'infinity')$$,
    $$SELECT oms.courier_quotes('560066', '226001', 1, 0, company => 'NOPE')$$
]) AS q;
-- the largest parcel does not overflow
SELECT service, refused, charge_g FROM oms.courier_quotes('560066', '226001', 2147483647, 2147483647, 0, 999999999999.99, '2026-11-20 16:00+05:30') ORDER BY service COLLATE "C";
ROLLBACK;
