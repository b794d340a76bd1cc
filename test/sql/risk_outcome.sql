-- Outcomes: counted for buyer and area, and what they do to the next score.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pg_oms CASCADE;
RESET client_min_messages;
\set VERBOSITY default
\set SHOW_CONTEXT never

BEGIN;
SELECT oms.install() IS NOT NULL AS installed;
INSERT INTO oms.company (code, name) VALUES ('RISKO', 'Outcomes');
SELECT company_id AS c FROM oms.company WHERE code = 'RISKO' \gset
INSERT INTO oms.pincode (pincode, state_code, district) VALUES ('999001', '29', 'Testpur'), ('999002', '29', 'Testpur'), ('999003', '27', 'Testpur');
INSERT INTO oms.customer (customer_id, company_id, buyer_hash, orders, cod_open) OVERRIDING SYSTEM VALUE VALUES (-1, :c, 'buyer 1', 3, 2), (-2, :c, 'buyer 2', 1, 0);
INSERT INTO oms."order" (company_id, order_id, channel_id, external_id, document_hash, status, placed_at, currency, payment_mode, goods_amount, total_amount, customer_id, ship_pincode, ship_state_code)
OVERRIDING SYSTEM VALUE
SELECT :c, o.id, 0, 'o' || o.id, '', 'shipped', '2026-01-01', 'INR', o.mode, 100, 100, o.buyer, o.pincode, o.state
  FROM (VALUES (-1, 'COD', -1, '999001', '29'), (-2, 'COD', -1, '999002', '29'), (-3, 'PREPAID', -1, '999001', '29'), (-4, 'COD', -2, '999003', '27'),
               (-5, 'COD', NULL, '999999', '29'), (-6, 'COD', NULL, NULL, NULL)) o (id, mode, buyer, pincode, state);

SELECT oms.risk_outcome(-1, true, company => 'RISKO');          -- came back
SELECT oms.risk_outcome(-2, false, company => 'RISKO');         -- delivered
SELECT oms.risk_outcome(-3, true, company => 'RISKO');          -- prepaid: the buyer's, not the area's
SELECT oms.risk_outcome(-4, true, true, 'RISKO');               -- the courier's fault: nobody's
SELECT oms.risk_outcome(-5, false, company => 'RISKO');         -- pincode unknown to the master
SELECT oms.risk_outcome(-6, false, company => 'RISKO');         -- no address at all
SELECT customer_id, delivered, rto, cod_open FROM oms.customer WHERE company_id = :c ORDER BY customer_id DESC;
SELECT level, key, orders, rto FROM oms.risk_rate WHERE company_id = :c ORDER BY level COLLATE "C", key COLLATE "C";

-- the area term: pincode towards district, state, nation, and the model's 0.26, weights 25, 60, 100, 500
SELECT abs((j ->> 'value')::float8 - ln(r.pin / (1 - r.pin))) < 1e-12 AS area_rate
  FROM (SELECT (1 + 25 * district) / (1 + 25) AS pin
          FROM (SELECT (1 + 60 * state) / (2 + 60) AS district
                  FROM (SELECT (1 + 100 * nation) / (3 + 100) AS state
                          FROM (SELECT (1 + 500 * 0.26::float8) / (4 + 500) AS nation) n) s) d) r,
       jsonb_array_elements(oms.risk_score('{"value": 500, "company": "RISKO", "pincode": "999001"}') -> 'terms') j
 WHERE j ->> 'term' = 'area_rate';
-- districts of the same name in two states are two
SELECT oms.risk_score('{"value": 500, "company": "RISKO", "pincode": "999003"}') -> 'probability'
       = oms.risk_score('{"value": 500, "company": "RISKO", "district": "Testpur", "state_code": "27"}') -> 'probability' AS same,
       oms.risk_score('{"value": 500, "company": "RISKO", "pincode": "999002"}') -> 'probability'
       = oms.risk_score('{"value": 500, "company": "RISKO", "pincode": "999003"}') -> 'probability' AS other;
-- however bad, the area moves the log-odds by 0.7 at most, and however good
UPDATE oms.risk_rate SET orders = 100000, rto = 99000 WHERE company_id = :c AND key = '999001';
UPDATE oms.risk_rate SET orders = 100000, rto = 0 WHERE company_id = :c AND key = '999002';
SELECT v.pincode, j ->> 'contribution' AS contribution, s -> 'reasons' ? 'R03' AS shown
  FROM (VALUES ('999001'), ('999002')) v (pincode),
       LATERAL (SELECT oms.risk_score(jsonb_build_object('value', 500, 'company', 'RISKO', 'pincode', v.pincode))) x (s),
       jsonb_array_elements(s -> 'terms') j
 WHERE j ->> 'term' = 'area_rate' ORDER BY v.pincode COLLATE "C";
-- counters that cannot be give a number all the same
UPDATE oms.risk_rate SET orders = 1, rto = 100000 WHERE company_id = :c AND key = '999001';
SELECT (oms.risk_score('{"value": 500, "company": "RISKO", "pincode": "999001", "buyer_orders": 1, "buyer_rto": -1, "buyer_delivered": -1}') ->> 'probability')::float8 BETWEEN 0 AND 1 AS sane;

SAVEPOINT s;
SELECT oms.risk_outcome(-99, true, company => 'RISKO');
\echo :LAST_ERROR_SQLSTATE
ROLLBACK TO s;
SELECT oms.risk_outcome(NULL, true);
ROLLBACK;
