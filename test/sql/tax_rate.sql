-- Rates of the catalogue: by date, by prefix, by value of a unit.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pg_oms CASCADE;
RESET client_min_messages;

-- the change of 22 September 2025
SELECT hsn, oms.tax_rate(hsn, '2025-09-21') AS before, oms.tax_rate(hsn, '2025-09-22') AS after
  FROM unnest(ARRAY['8528', '0406', '1806', '2523', '0405', '1905', '8415', '330510', '340111', '960321', '8712']) WITH ORDINALITY AS t (hsn, n)
 ORDER BY n;

-- bands: above the limit, not at it
SELECT hsn, day, value, oms.tax_rate(hsn, day, value) AS rate
  FROM (VALUES ('61', date '2025-09-21', 1000.00), ('61', '2025-09-21', 1000.01), ('62', '2025-09-21', 1500), ('62', '2025-09-22', 1500),
               ('61', '2025-09-22', 2500.00), ('61', '2025-09-22', 2500.01), ('6109', '2026-01-01', 2500.01),
               ('63022110', '2026-01-01', 2500), ('64', '2025-09-22', 2500.00), ('64', '2025-09-22', 2500.01), ('64', '2025-09-21', 999)) v (hsn, day, value)
 ORDER BY hsn COLLATE "C", day, value;

-- the longest prefix, however the code is written; a lost leading zero is not guessed at
SELECT hsn, oms.tax_rate(hsn, '2026-01-01') AS rate
  FROM unnest(ARRAY['3401', '34011190', '3401.11.90', '3401 30', '04061000', '0406', '850760', '85071000', '49', '4901',
                    '40610', '406', '9', '', '99999999', '850760123', 'six', '8528x']) WITH ORDINALITY AS t (hsn, n)
 ORDER BY n;
-- before the catalogue begins
SELECT oms.tax_rate('8528', '2025-03-31') IS NULL AS unknown;

-- every shipped rate is one of the law's, no validity overlaps, every group begins at zero
SELECT DISTINCT rate FROM oms.gst_rate WHERE builtin ORDER BY rate;
SELECT DISTINCT rate FROM oms.gst_rate WHERE builtin AND valid_to IS NULL AND rate IN (12, 28);
SELECT a.hsn FROM oms.gst_rate a JOIN oms.gst_rate b ON b.hsn = a.hsn AND b.above_value = a.above_value
   AND b.valid_from > a.valid_from AND (a.valid_to IS NULL OR b.valid_from <= a.valid_to) WHERE a.builtin AND b.builtin;
SELECT hsn, valid_from FROM oms.gst_rate WHERE builtin GROUP BY hsn, valid_from HAVING min(above_value) > 0;

BEGIN;
-- the user's own row wins over a shipped one of the same prefix, a longer prefix over both
INSERT INTO oms.gst_rate (hsn, valid_from, rate, source) VALUES ('8528', '2025-04-01', 7, 'test'), ('852859', '2025-04-01', 9, 'test');
SELECT oms.tax_rate('8528', '2026-01-01') AS own, oms.tax_rate('852859', '2026-01-01') AS longer, oms.tax_rate('852872', '2026-01-01') AS own_too;
-- a group that does not begin at zero says nothing below it
INSERT INTO oms.gst_rate (hsn, valid_from, above_value, rate, source) VALUES ('9870', '2025-04-01', 100, 7, 'test');
SELECT oms.tax_rate('9870', '2026-01-01', 200) IS NULL AS unusable;
ROLLBACK;
