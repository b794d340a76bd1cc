-- Properties of the tax on sweeps of amounts, rates and quantities, against
-- the formulas written in SQL.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pgtap;
CREATE EXTENSION IF NOT EXISTS pg_oms CASCADE;
RESET client_min_messages;
\pset format unaligned
\pset tuples_only true
BEGIN;
SELECT plan(12);

CREATE TEMP TABLE installed ON COMMIT DROP AS SELECT oms.install();
INSERT INTO oms.company (code, name) VALUES ('TAXP', 'Tax properties');
INSERT INTO oms.tax_code (company_id, code, above_value, rate)
SELECT company_id, 'R' || rate, 0, rate FROM oms.company, unnest(ARRAY[0, 0.25, 1.5, 3, 5, 12, 18, 28, 40]) rate WHERE code = 'TAXP';

-- amounts: every paisa up to 3.00, then steps of a prime
CREATE TEMP TABLE sweep ON COMMIT DROP AS
SELECT a.net, r.rate, i.inclusive, s.place, t.rate AS got_rate, t.taxable, t.cgst, t.sgst, t.igst, t.dead_band
  FROM (SELECT n / 100.0 AS net FROM generate_series(0, 300) n UNION ALL SELECT n / 100.0 FROM generate_series(301, 4000000, 40009) n) a,
       unnest(ARRAY[0, 0.25, 1.5, 3, 5, 12, 18, 28, 40]) r (rate),
       (VALUES (true), (false)) i (inclusive), (VALUES ('29'), ('27')) s (place),
       oms.tax(a.net, 1, NULL, '29', s.place, '2026-01-15', i.inclusive, 'R' || r.rate, 'TAXP') t;

SELECT ok(count(*) > 10000, 'the sweep is a sweep') FROM sweep;
SELECT is(count(*), 0::bigint, 'the rate is the code''s') FROM sweep WHERE got_rate <> rate;
SELECT is(count(*), 0::bigint, 'inclusive: taxable and taxes add up to the net amount')
  FROM sweep WHERE inclusive AND taxable + cgst + sgst + igst <> net;
SELECT is(count(*), 0::bigint, 'exclusive: taxable is the net amount') FROM sweep WHERE NOT inclusive AND taxable <> net;
SELECT is(count(*), 0::bigint, 'the tax is the formula''s, rounded half up to the paisa')
  FROM sweep WHERE cgst + sgst + igst <> CASE WHEN inclusive THEN round(net * rate / (100 + rate), 2) ELSE round(net * rate / 100, 2) END;
SELECT is(count(*), 0::bigint, 'one state: CGST and SGST within a paisa, CGST not the smaller, no IGST')
  FROM sweep WHERE place = '29' AND (igst <> 0 OR cgst - sgst NOT IN (0, 0.01));
SELECT is(count(*), 0::bigint, 'two states: IGST alone') FROM sweep WHERE place <> '29' AND (cgst <> 0 OR sgst <> 0);
SELECT is(count(*), 0::bigint, 'the split does not change the sum')
  FROM sweep a JOIN sweep b USING (net, rate, inclusive) WHERE a.place = '29' AND b.place = '27' AND a.cgst + a.sgst <> b.igst;
SELECT is(count(*), 0::bigint, 'a single band is never dead') FROM sweep WHERE dead_band;

-- bands: apparel, quantities fractional too
CREATE TEMP TABLE banded ON COMMIT DROP AS
SELECT n.net, q.qty, i.inclusive, t.*
  FROM (SELECT n / 100.0 AS price FROM generate_series(200000, 320000, 37) n UNION VALUES (2500.00), (2500.01), (2625.00), (2625.01), (2950.00), (2950.01)) p,
       unnest(ARRAY[0.25, 1, 2, 7]) q (qty), (VALUES (true), (false)) i (inclusive),
       round(p.price * q.qty, 2) n (net),
       oms.tax(n.net, q.qty, '6109', '29', '27', '2026-01-15', i.inclusive) t;
SELECT is(count(*), 0::bigint, 'where the band is not dead, the rate is that of the unit''s taxable value')
  FROM banded WHERE NOT dead_band AND rate <> oms.tax_rate('6109', '2026-01-15', round(taxable / qty, 2));
SELECT is(count(*), 0::bigint, 'dead: inclusive, above what 5 % allows, below what 18 % needs, and taxed at 18 %')
  FROM banded WHERE dead_band <> (inclusive AND round((net - round(net * 5 / 105, 2)) / qty, 2) > 2500
                                            AND round((net - round(net * 18 / 118, 2)) / qty, 2) <= 2500)
     OR dead_band AND rate <> 18;
SELECT ok(bool_or(dead_band) AND bool_or(rate = 5) AND bool_or(rate = 18 AND NOT dead_band), 'all three cases were met') FROM banded;

SELECT * FROM finish();
ROLLBACK;
