-- GST on amounts: inclusive and exclusive, split of states, bands, ERP codes.
-- The figures are worked out by hand from value * rate / (100 + rate).
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pg_oms CASCADE;
RESET client_min_messages;

BEGIN;
SELECT oms.install() IS NOT NULL AS installed;
INSERT INTO oms.company (code, name) VALUES ('TAXT', 'Tax test');
-- codes that carry their rate in their name
INSERT INTO oms.tax_code (company_id, code, valid_from, above_value, rate)
SELECT company_id, c.code, '2020-01-01', 0, c.rate
  FROM oms.company, (VALUES ('GST5', 5), ('GST18', 18), ('GST40', 40), ('GST0', 0), ('GST100', 100), ('GST025', 0.25)) c (code, rate)
 WHERE oms.company.code = 'TAXT';

-- inclusive price, within a state
SELECT v.price, t.rate, t.taxable, t.cgst, t.sgst, t.igst, t.taxable + t.cgst + t.sgst = v.price AS whole
  FROM (VALUES (1, 1180.00, 'GST18'), (2, 999, 'GST18'), (3, 999, 'GST5'), (4, 499, 'GST5'), (5, 2625.00, 'GST5'), (6, 2626, 'GST5'),
               (7, 2626, 'GST18'), (8, 2951, 'GST18'), (9, 149999, 'GST40'), (10, 100, 'GST18'), (11, 1, 'GST18'),
               (12, 0.01, 'GST18'), (13, 0, 'GST18'), (14, 100, 'GST0'), (15, 100.01, 'GST100'), (16, 100, 'GST025')) v (n, price, code),
       oms.tax(v.price, 1, NULL, '29', '29', '2025-10-01', true, v.code, 'TAXT') t
 ORDER BY v.n;
-- exclusive
SELECT v.net, t.*
  FROM (VALUES (1, 1000.00, 'GST18'), (2, 0.03, 'GST18'), (3, 2.50, 'GST5'), (4, 2.70, 'GST5'), (5, 99999999999.99, 'GST40')) v (n, net, code),
       oms.tax(v.net, 1, NULL, '29', '29', '2025-10-01', false, v.code, 'TAXT') t
 ORDER BY v.n;

-- states: same; other; billed in 29, delivered in 27; no address
SELECT v.n, t.cgst, t.sgst, t.igst
  FROM (VALUES (1, '29', '29'), (2, '29', '27'), (3, '07', '29'), (4, '29', NULL)) v (n, supplier, place),
       oms.tax(1180, 1, '8518', v.supplier, v.place, '2025-10-01') t
 ORDER BY v.n;

-- two pieces at 2,600 without tax are above the limit; 400 off the cart brings each to 2,400
SELECT t.* FROM (VALUES (1, 5200), (2, 4800)) v (n, net), oms.tax(v.net, 2, '6109', '29', '27', '2025-10-01', false) t ORDER BY v.n;
-- inclusive prices around the dead band (2625, 2950]: 5 % holds up to 2625, 18 % from 2950.01
SELECT v.price, v.qty, t.rate, t.taxable, t.dead_band
  FROM (VALUES (1, 2625.00, 1), (2, 2625.01, 1), (3, 2626, 1), (4, 2800, 1), (5, 2950.00, 1), (6, 2950.01, 1), (7, 2951, 1),
               (8, 5250.00, 2), (9, 5252, 2), (10, 1312.50, 0.5), (11, 1313, 0.5), (12, 0, 1)) v (n, price, qty),
       oms.tax(v.price, v.qty, '61', '29', '27', '2025-10-01') t
 ORDER BY v.n;
-- three bands, each consistent or dead on its own
INSERT INTO oms.tax_code (company_id, code, valid_from, above_value, rate)
SELECT company_id, 'BANDS', '2020-01-01', b.above_value, b.rate
  FROM oms.company, (VALUES (0, 0), (100, 10), (200, 50)) b (above_value, rate) WHERE code = 'TAXT';
SELECT v.price, t.rate, t.taxable, t.dead_band
  FROM (VALUES (100), (100.01), (110), (110.02), (220), (220.01), (300), (300.02)) v (price),
       oms.tax(v.price, 1, NULL, '29', '27', '2025-10-01', true, 'BANDS', 'TAXT') t
 ORDER BY v.price;

-- a credit is the mirror of its charge
SELECT t.* FROM (VALUES (1, -999), (2, -2800)) v (n, net), oms.tax(v.net, 1, '61', '29', '29', '2025-10-01') t ORDER BY v.n;

-- the ERP's code wins; dated; where it has nothing in force, the HSN counts
INSERT INTO oms.tax_code (company_id, code, valid_from, above_value, rate)
SELECT company_id, c.code, c.valid_from::date, c.above_value, c.rate
  FROM oms.company, (VALUES ('8518', '2025-04-01', 0, 12), ('8518', '2026-04-01', 0, 5), ('HIGH', '2025-04-01', 1000, 40)) c (code, valid_from, above_value, rate)
 WHERE oms.company.code = 'TAXT';
SELECT v.code, v.day, t.rate
  FROM (VALUES ('8518', '2025-03-31'), ('8518', '2025-10-01'), ('8518', '2026-03-31'), ('8518', '2026-04-01'),
               ('none', '2025-10-01'), ('HIGH', '2025-10-01'), ('', '2025-10-01')) v (code, day),
       oms.tax(1180, 1, '85183000', '29', '27', greatest(v.day::date, '2025-04-01'), true, v.code, 'TAXT') t
 ORDER BY v.code COLLATE "C", v.day COLLATE "C";
-- nothing asked, nothing answered
SELECT oms.tax(NULL, 1, '61', '29', '27', '2025-10-01') IS NULL AS no_amount, oms.tax(1, 1, '61', '29', '27', NULL) IS NULL AS no_day;

-- refusals
\set VERBOSITY default
\set SHOW_CONTEXT never
SAVEPOINT s;
SELECT oms.tax(100, 1, '98765432', '29', '27', '2025-10-01');
\echo :LAST_ERROR_SQLSTATE
ROLLBACK TO s;
SELECT oms.tax(100, 1, NULL, '29', '27', '2025-10-01', true, 'none', 'TAXT');
ROLLBACK TO s;
SELECT oms.tax(100, 1, '8518', '29', '27', '2025-10-01', true, 'GST5', 'NOBODY');
ROLLBACK TO s;
SELECT oms.tax(100, 0, '8518', '29', '27', '2025-10-01');
ROLLBACK TO s;
SELECT oms.tax(100, 1, '8518', 'KA', '27', '2025-10-01');
ROLLBACK TO s;
SELECT oms.tax('NaN', 1, '8518', '29', '27', '2025-10-01');
ROLLBACK TO s;
SELECT oms.tax(1e15, 1, '8518', '29', '27', '2025-10-01');
ROLLBACK;
