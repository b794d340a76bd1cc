-- Numbers of tax documents: form, years, several series, what is refused, and no gap after a rollback.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pg_oms CASCADE;
BEGIN;
DO $$ BEGIN PERFORM oms.install(); END $$;
RESET client_min_messages;
SET LOCAL datestyle = 'ISO';
-- the year ends with March
SELECT d, oms.financial_year(d) FROM unnest('{2026-03-31,2026-04-01,2025-04-01,2025-12-31,2000-03-31,1999-04-01,2100-01-01}'::date[]) d;
-- IRN: a genuine one, our own, and what has none
SELECT oms.irn('01AMBPG7773M002', '2022-23', 'INV', 'SINV-CFY-00067') = '706daeccda0ef6f818da78f3a2a05a1288731057373002289b46c3229289a2e7' AS genuine,
       oms.irn('24AAQCA8719H1ZC', '2025-26', 'INV', 'SINV-0001') = 'f09b8a3d26c3bb476d6112a28c3d22df5bae3bc9e82c3914b92c888c6120b223' AS own,
       oms.irn('24AAQCA8719H1ZC', '2025-26', 'CRN', 'SINV-0001') = encode(sha256('24AAQCA8719H1ZC2025-26CRNSINV-0001'), 'hex') AS note,
       oms.irn('24AAQCA8719H1ZC', '2025-26', NULL, 'SINV-0001') IS NULL AS unknown;
CREATE FUNCTION pg_temp.fails(q text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE d text;
BEGIN
    EXECUTE q;
    RETURN 'no error';
EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS d = PG_EXCEPTION_DETAIL;
    RETURN SQLSTATE || ' ' || SQLERRM || ' | ' || d;
END $$;
SELECT pg_temp.fails(format('SELECT oms.irn(%L, %L, %L, %L)', g, y, t, n)) AS refused
  FROM (VALUES ('24AAQCA8719H1Z', '2025-26', 'INV', 'A'), ('24AAQCA8719H1ZC', '2025-27', 'INV', 'A'), ('24AAQCA8719H1ZC', '25-26', 'INV', 'A'),
               ('24AAQCA8719H1ZC', '2025-26', 'BIL', 'A'), ('24AAQCA8719H1ZC', '2025-26', 'INV', ''), ('24AAQCA8719H1ZC', '2025-26', 'INV', '/A'),
               ('24AAQCA8719H1ZC', '2025-26', 'INV', '12345678901234567'), ('24AAQCA8719H1ZC', '2025-26', 'INV', 'A 1')) v (g, y, t, n);
SELECT pg_temp.fails($$SELECT oms.financial_year('infinity')$$), pg_temp.fails($$SELECT oms.financial_year('1949-12-31')$$);

INSERT INTO oms.company (company_id, code, name, state_code) VALUES (9300, 'SERIES', 'Series Pvt Ltd', '29');
SET LOCAL oms.company = 'SERIES';
-- nothing need be made: MAIN, six digits; the day is the company's
SELECT n, oms.next_invoice_number('29ABCDE1234F1ZW', k, t) AS number
  FROM (VALUES (1, 'invoice', timestamptz '2026-03-31 23:59:59.999+05:30'), (2, 'invoice', '2026-03-31 18:29:59+00'), (3, 'invoice', '2026-03-31 18:30:00+00'),
               (4, 'invoice', '2026-04-01 00:00+05:30'), (5, 'invoice', '2026-03-01 00:00+05:30'), (6, 'credit_note', '2026-04-01 00:00+05:30'),
               (7, 'debit_note', '2026-04-01 00:00+05:30'), (8, 'bill_of_supply', '2026-04-01 00:00+05:30'), (9, 'challan', '2026-04-01 00:00+05:30')) v (n, k, t) ORDER BY n;
-- another GSTIN begins at 1; one node has its own series, which begins where the old system ended
SELECT oms.next_invoice_number('27ABCDE1234F1Z0', at => '2026-04-02 00:00+05:30') AS number;
INSERT INTO oms.invoice_series (company_id, gstin, kind, series, fin_year, prefix, width, first_no) VALUES
    (9300, '29ABCDE1234F1ZW', 'invoice', 'BLR', '2025-26', 'B{YY}-', 4, 9998),
    (9300, '29ABCDE1234F1ZW', 'invoice', 'OLD', '2025-26', 'O', 15, 1);
SELECT n, oms.next_invoice_number('29ABCDE1234F1ZW', at => t, series => s) AS number
  FROM (VALUES (1, timestamptz '2025-12-01 12:00+05:30', 'BLR'), (2, '2025-12-01 12:00+05:30', 'BLR'), (3, '2026-12-01 12:00+05:30', 'BLR'), (4, '2024-12-01 12:00+05:30', 'BLR'),
               (5, '2025-12-01 12:00+05:30', 'OLD'), (6, '2028-12-01 12:00+05:30', 'OLD')) v (n, t, s) ORDER BY n;
-- used up, unknown, switched off, the same numbers twice, no GSTIN, no such kind
SELECT pg_temp.fails($$SELECT oms.next_invoice_number('29ABCDE1234F1ZW', at => '2025-12-01 12:00+05:30', series => 'BLR')$$) AS refused
UNION ALL SELECT pg_temp.fails($$SELECT oms.next_invoice_number('29ABCDE1234F1ZW', at => '2025-12-01 12:00+05:30', series => 'NONE')$$);
UPDATE oms.invoice_series SET active = false WHERE company_id = 9300 AND series = 'BLR';
INSERT INTO oms.invoice_series (company_id, gstin, kind, series, fin_year, prefix) VALUES
    (9300, '29ABCDE1234F1ZW', 'invoice', 'TWIN', '2026-27', 'inv/{FY}/');
SELECT pg_temp.fails($$SELECT oms.next_invoice_number('29ABCDE1234F1ZW', at => '2025-12-01 12:00+05:30', series => 'BLR')$$) AS refused
UNION ALL SELECT pg_temp.fails($$SELECT oms.next_invoice_number('29ABCDE1234F1ZW', at => '2026-12-01 12:00+05:30', series => 'TWIN')$$)
UNION ALL SELECT pg_temp.fails($$SELECT oms.next_invoice_number('29ABCDE1234F1ZX')$$)
UNION ALL SELECT pg_temp.fails($$SELECT oms.next_invoice_number(NULL)$$)
UNION ALL SELECT pg_temp.fails($$SELECT oms.next_invoice_number('29ABCDE1234F1ZW', 'receipt')$$)
UNION ALL SELECT pg_temp.fails($$SELECT oms.next_invoice_number('29ABCDE1234F1ZW', at => 'infinity')$$)
UNION ALL SELECT pg_temp.fails($$SELECT oms.next_invoice_number('29ABCDE1234F1ZW', company => 'NOBODY')$$);
-- forms that can give no number of the law
SELECT pg_temp.fails(format('INSERT INTO oms.invoice_series (company_id, gstin, kind, series, fin_year, prefix, width) VALUES (9300, %L, %L, %L, %L, %L, %s)', '29ABCDE1234F1ZW', 'invoice', 'X', '2026-27', p, w)) AS refused
  FROM (VALUES ('', 6), ('0A', 6), ('/A', 6), ('A_', 6), ('INV/{FY}/', 7), ('INV/{FY}/', 0), ('A{X}', 3), ('A', 16)) v (p, w);
-- a rollback gives the number back: no gap, whatever was rolled back
SELECT oms.next_invoice_number('29ABCDE1234F1ZW', at => '2026-12-01 12:00+05:30') AS kept;
SAVEPOINT a;
SELECT oms.next_invoice_number('29ABCDE1234F1ZW', at => '2026-12-01 12:00+05:30') AS undone;
SELECT oms.next_invoice_number('29ABCDE1234F1ZW', at => '2026-12-01 12:00+05:30') AS undone;
ROLLBACK TO a;
SELECT oms.next_invoice_number('29ABCDE1234F1ZW', at => '2026-12-01 12:00+05:30') AS kept;
SELECT kind, series, fin_year, array_agg(no ORDER BY no) AS nos FROM oms.invoice_number WHERE company_id = 9300 AND gstin = '29ABCDE1234F1ZW' GROUP BY 1, 2, 3 ORDER BY 1, 2, 3;
SELECT * FROM oms.verify() WHERE invariant LIKE 'invoice%';
-- what verify() finds: a gap, a counter that ran ahead
SAVEPOINT b;
DELETE FROM oms.invoice_number WHERE company_id = 9300 AND series = 'MAIN' AND kind = 'invoice' AND fin_year = '2026-27' AND no = 2;
UPDATE oms.invoice_series SET next_no = next_no + 1 WHERE company_id = 9300 AND series = 'OLD' AND fin_year = '2025-26';
SELECT * FROM oms.verify() WHERE invariant LIKE 'invoice%';
ROLLBACK TO b;
-- a number in words of others is not ours to repeat
SELECT pg_temp.fails($$INSERT INTO oms.invoice_number (company_id, gstin, kind, series, fin_year, no, number) VALUES (9300, '29ABCDE1234F1ZW', 'invoice', 'HAND', '2026-27', 1, 'inv/26-27/000001')$$) LIKE '23505 %' AS refused;
ROLLBACK;
