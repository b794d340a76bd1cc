-- Properties of the risk score on many made-up orders: sums, reasons and
-- actions recomputed in SQL, and what must never happen.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pgtap;
CREATE EXTENSION IF NOT EXISTS pg_oms CASCADE;
RESET client_min_messages;
\pset format unaligned
\pset tuples_only true
BEGIN;
SELECT plan(19);

CREATE TEMP TABLE installed ON COMMIT DROP AS SELECT oms.install();
INSERT INTO oms.company (code, name) VALUES ('RISKP', 'Risk properties');
-- areas good and bad, 40 pincodes in 8 districts
INSERT INTO oms.risk_rate (company_id, level, key, orders, rto)
SELECT company_id, l.level, l.key, l.orders, l.orders * l.share
  FROM oms.company, (
    SELECT 'pincode', (999000 + i)::text, i * 25.0, (i % 10) / 10.0 FROM generate_series(1, 40) i UNION ALL
    SELECT 'district', '29/D' || i, i * 100.0, i / 10.0 FROM generate_series(0, 7) i UNION ALL
    SELECT 'state', '29', 5000, 0.3 UNION ALL SELECT 'nation', 'IN', 50000, 0.27) l (level, key, orders, share)
 WHERE code = 'RISKP';

CREATE TEMP TABLE doc ON COMMIT DROP AS
SELECT i, jsonb_build_object('company', 'RISKP', 'value', (i * 7919) % 60000, 'discount', (i * 31) % 900, 'units', i % 13,
           'cod', i % 7 <> 0, 'promise_days', i % 11 - 1, 'buyer_orders', i % 6 - 1, 'buyer_delivered', (i / 3) % 5, 'buyer_rto', (i / 5) % 4,
           'buyer_cod_open', (i / 7) % 8, 'pincode', (999000 + i % 50)::text, 'district', 'D' || i % 9, 'state_code', '29',
           'address', (ARRAY['', 'near temple', 'Flat 7, 4th Cross, Secretgarden Layout, near school, Pune', 'sdfghj', 'aaaa 0000', 'House 12 Main Road Secretgarden Colony Nagpur city'])[i % 6 + 1],
           'margin', (i * 37) % 900 - 100, 'loss', (i * 17) % 400)
       -- and orders with nothing against them but the area
       || CASE WHEN i % 25 = 0 THEN '{"value": 500, "discount": 0, "units": 1, "promise_days": 2, "buyer_orders": 3, "buyer_rto": 0, "buyer_cod_open": 0, "address": "Flat 7, 4th Cross, Secretgarden Layout, near school, Pune"}' ELSE '{}' END::jsonb AS d
  FROM generate_series(1, 2500) i;
CREATE TEMP TABLE scored ON COMMIT DROP AS
SELECT i, d, s, (s ->> 'probability')::float8 AS p, s ->> 'action' AS action, s -> 'utilities' AS u,
       ARRAY(SELECT jsonb_array_elements_text(s -> 'reasons')) AS reasons,
       (d ->> 'margin')::float8 AS m, (d ->> 'loss')::float8 + 25 AS l, (d ->> 'cod')::boolean AS cod
  FROM doc, LATERAL (SELECT oms.risk_score(d)) x (s);
CREATE TEMP TABLE term ON COMMIT DROP AS
SELECT i, j.n, j.o ->> 'term' AS term, (j.o ->> 'value')::float8 AS value, (j.o ->> 'contribution')::float8 AS contribution, j.o ->> 'reason' AS reason
  FROM scored, jsonb_array_elements(s -> 'terms') WITH ORDINALITY j (o, n);
CREATE INDEX ON term (i);
ANALYZE term;

SELECT is(count(*), 2500::bigint, 'every order has a probability between 0 and 1') FROM scored WHERE p > 0 AND p < 1;
SELECT ok(min(p) < 0.03 AND max(p) > 0.9, 'from unlikely to nearly certain') FROM scored;
SELECT is(count(*), 0::bigint, 'the contributions add up to the score')
  FROM (SELECT i, p, 1 / (1 + exp(-(SELECT intercept FROM oms.risk_model WHERE name = 'prior-1') - sum(contribution))) AS q
          FROM term JOIN scored USING (i) GROUP BY i, p) t WHERE abs(p - q) > 1e-12;
SELECT is(count(*), 0::bigint, 'each contribution is weight * (value - mean), the area''s within 0.7')
  FROM term t JOIN oms.risk_term r ON r.term = t.term AND r.risk_model_id = (SELECT risk_model_id FROM oms.risk_model WHERE name = 'prior-1')
 WHERE abs(contribution - CASE t.term WHEN 'area_rate' THEN greatest(-0.7, least(0.7, weight * (value - mean))) ELSE weight * (value - mean) END) > 1e-12;
SELECT ok(max(contribution) = 0.7 AND min(contribution) = -0.7, 'areas reach both limits') FROM term WHERE term = 'area_rate';

-- the area by the hierarchy, from the counters
SELECT is(count(*), 0::bigint, 'the area''s rate leans on district, state, nation and model')
  FROM scored s JOIN term t ON t.i = s.i AND t.term = 'area_rate'
  JOIN oms.company c ON c.code = 'RISKP'
  LEFT JOIN oms.risk_rate pin ON pin.company_id = c.company_id AND pin.level = 'pincode' AND pin.key = d ->> 'pincode'
  LEFT JOIN oms.risk_rate dis ON dis.company_id = c.company_id AND dis.level = 'district' AND dis.key = '29/' || (d ->> 'district'),
  LATERAL (SELECT (13500 + 500 * 0.26::float8) / 50500) n (nation), LATERAL (SELECT (1500 + 100 * nation) / 5100) st (state),
  LATERAL (SELECT (coalesce(dis.rto, 0) + 60 * state) / (coalesce(dis.orders, 0) + 60)) di (district),
  LATERAL (SELECT (coalesce(pin.rto, 0) + 25 * district) / (coalesce(pin.orders, 0) + 25)) pi (pincode)
 WHERE abs(t.value - ln(pincode / (1 - pincode))) > 1e-12;

-- reasons
SELECT is(count(*), 0::bigint, 'reasons: the three largest sums by code, from 0.08 on')
  FROM scored s, LATERAL (SELECT array_agg(reason ORDER BY c DESC, reason COLLATE "C") AS want
                            FROM (SELECT reason, sum(contribution) AS c FROM term t WHERE t.i = s.i GROUP BY reason
                                  HAVING sum(contribution) >= 0.08 ORDER BY 2 DESC, reason COLLATE "C" LIMIT 3) r) w
 WHERE s.reasons <> coalesce(want, '{}');

-- utilities and action, by the starting policy
SELECT is(count(*), 0::bigint, 'the expected contributions are those of the formulas')
  FROM scored WHERE abs((u ->> 'allow')::float8 - ((1 - p) * m - p * l)) > 1e-9 OR abs((u ->> 'confirm')::float8 - ((1 - p) * 0.96 * m - p * 0.75 * l - 3)) > 1e-9
      OR abs((u ->> 'prepaid_only')::float8 - ((1 - p) * 0.45 + p * 0.1) * (0.98 * m - 0.02 * l)) > 1e-9 OR (u ->> 'block')::float8 <> 0;
SELECT is(count(*), 0::bigint, 'the action is the best one allowed')
  FROM scored, LATERAL (SELECT EXISTS (SELECT FROM unnest(reasons) r WHERE r <> 'R03')) o (other)
 WHERE action <> CASE WHEN NOT cod THEN 'allow' WHEN other AND p > 0.95 THEN 'block' WHEN (d ->> 'value')::numeric > 50000 THEN 'prepaid_only'
       WHEN other AND 0.98 * m - 0.02 * l > 0 AND (u ->> 'prepaid_only')::float8 > greatest((u ->> 'allow')::float8, (u ->> 'confirm')::float8) THEN 'prepaid_only'
       WHEN (u ->> 'confirm')::float8 > (u ->> 'allow')::float8 THEN 'confirm' ELSE 'allow' END;
SELECT is(array_agg(DISTINCT action ORDER BY action), '{allow,block,confirm,prepaid_only}', 'all actions are met') FROM scored;
SELECT is(count(*), 0::bigint, 'an order paid ahead is always allowed') FROM scored WHERE NOT cod AND action <> 'allow';
SELECT is(count(*), 0::bigint, 'the area alone refuses nobody')
  FROM scored WHERE action IN ('prepaid_only', 'block') AND reasons <@ '{R03}' AND (d ->> 'value')::numeric <= 50000;
SELECT ok(count(*) > 0, 'and it would have, by the sums') FROM scored
 WHERE reasons = '{R03}' AND cod AND 0.98 * m - 0.02 * l > 0 AND (u ->> 'prepaid_only')::float8 > greatest((u ->> 'allow')::float8, (u ->> 'confirm')::float8);

SELECT is(count(*), 0::bigint, 'the same order, the same answer') FROM scored WHERE s <> oms.risk_score(d);
SELECT is(count(*), 0::bigint, 'one more order returned by the buyer raises the risk')
  FROM scored WHERE (oms.risk_score(jsonb_set(d, '{buyer_rto}', to_jsonb((d ->> 'buyer_rto')::int + 1))) ->> 'probability')::float8 <= p;
SELECT is(count(*), 0::bigint, 'one more delivered lowers it')
  FROM scored WHERE (oms.risk_score(jsonb_set(d, '{buyer_delivered}', to_jsonb((d ->> 'buyer_delivered')::int + 1))) ->> 'probability')::float8 >= p;
SELECT is(count(*), 0::bigint, 'paying ahead lowers it')
  FROM scored WHERE cod AND (oms.risk_score(d || '{"cod": false}') ->> 'probability')::float8 >= p;
SELECT is(count(*), 0::bigint, 'another pincode with the same counters scores the same: the pincode itself is no input')
  FROM scored WHERE (d ->> 'pincode')::int > 999040 AND s <> oms.risk_score(d || '{"pincode": "999999"}');
SELECT is(count(*), 0::bigint, 'nothing of the address is in the answer') FROM scored WHERE s::text ~* 'secretgarden|temple|pune|nagpur';

SELECT * FROM finish();
ROLLBACK;
