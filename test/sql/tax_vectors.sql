-- Vectors of Indian commerce: public facts and figures worked out by hand,
-- each with the answer beside it. What differs is shown; nothing should be.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pg_oms CASCADE;
RESET client_min_messages;

-- GSTIN: genuine and synthetic ones, and three with a wrong digit
SELECT g FROM unnest(ARRAY['24AAQCA8719H1ZC', '05AAACG2115R1ZN', '05AAACG2140A1ZL', '29AABCR1718E1ZL', '24AANFA2641L1ZF', '24AABCR6898M1ZN', '24AAUPV7468F1ZW',
    '29AAHCM7727Q1ZI', '33AAAAR6720M1ZG', '24AUTPV8831F1ZZ', '36AASFP8573D2ZN', '24AANCA4892J1Z8', '27AAJCS5738D1Z6', '29AABCF8078M2ZW', '27AAPFU0939F1ZV',
    '29ABCDE1234F1ZW', '07ABCDE1234F1Z2', '27ABCDE1234F1Z0', '36ABCDE1234F1Z1']) g
 WHERE NOT oms.is_gstin(g) OR oms.check_gstin(g) IS NOT NULL OR oms.check_gstin(g, substr(g, 3, 10), left(g, 2)) IS NOT NULL;
SELECT g FROM unnest(ARRAY['01AABCE2207R1Z5', '24AANFA2641L1ZK', '29AAFCA7488L1Z0']) g WHERE oms.is_gstin(g) OR oms.check_gstin(g) IS NULL;

-- S10: eight digits and their check digit
SELECT * FROM (VALUES ('47312482', '9'), ('12345678', '5'), ('00000000', '5'), ('87654321', '6'), ('99999999', '5'), ('10000005', '1')) v (serial, digit)
 WHERE oms.s10_digit(v.serial) IS DISTINCT FROM v.digit;
SELECT n, oms.check_s10(n) AS problem FROM unnest(ARRAY['EE473124829IN', 'RA123456785IN', 'EE473124820IN', 'ee473124829in', 'EE47312482IN', '473124829', '', NULL]) WITH ORDINALITY AS t (n, i) ORDER BY i;
SELECT s FROM unnest(ARRAY['1234567', '123456789', '1234567a', '']) s WHERE oms.s10_digit(s) IS NOT NULL;

-- contained tax: price, rate, taxable, tax, CGST, SGST
CREATE TEMPORARY TABLE contained (price numeric, rate numeric, taxable numeric, tax numeric, cgst numeric, sgst numeric);
INSERT INTO contained VALUES
    (1180, 18, 1000.00, 180.00, 90.00, 90.00), (999, 18, 846.61, 152.39, 76.20, 76.19), (999, 5, 951.43, 47.57, 23.79, 23.78), (499, 5, 475.24, 23.76, 11.88, 11.88),
    (2625, 5, 2500.00, 125.00, 62.50, 62.50), (2626, 18, 2225.42, 400.58, 200.29, 200.29), (2951, 18, 2500.85, 450.15, 225.08, 225.07),
    (149999, 40, 107142.14, 42856.86, 21428.43, 21428.43), (100, 18, 84.75, 15.25, 7.63, 7.62), (1, 18, 0.85, 0.15, 0.08, 0.07),
    -- by hand: exact halves go up; large amounts; nothing; credits mirror
    (0.59, 18, 0.50, 0.09, 0.05, 0.04), (10.50, 5, 10.00, 0.50, 0.25, 0.25), (1.05, 5, 1.00, 0.05, 0.03, 0.02), (0.13, 18, 0.11, 0.02, 0.01, 0.01), (0.03, 18, 0.03, 0.00, 0.00, 0.00),
    (99999999999.99, 18, 84745762711.86, 15254237288.13, 7627118644.07, 7627118644.06), (103, 3, 100.00, 3.00, 1.50, 1.50), (0, 18, 0.00, 0.00, 0.00, 0.00), (100, 0, 100.00, 0.00, 0.00, 0.00),
    (-999, 18, -846.61, -152.39, -76.20, -76.19);
CREATE TEMPORARY TABLE of_rate (rate numeric, hsn text);
INSERT INTO of_rate VALUES (0, '4901'), (3, '7113'), (5, '0406'), (18, '8528'), (40, '22021010');
SELECT c.*, t.* FROM contained c JOIN of_rate r USING (rate), oms.tax(c.price, 1, r.hsn, '29', '29', '2025-09-22') t
 WHERE (t.rate, t.taxable, t.cgst, t.sgst, t.igst) IS DISTINCT FROM (c.rate, c.taxable, c.cgst, c.sgst, 0.00) OR c.taxable + c.cgst + c.sgst <> c.price OR c.cgst + c.sgst <> c.tax;
SELECT c.*, t.* FROM contained c JOIN of_rate r USING (rate), oms.tax(c.price, 1, r.hsn, '29', '27', '2025-09-22') t
 WHERE (t.rate, t.taxable, t.cgst, t.sgst, t.igst) IS DISTINCT FROM (c.rate, c.taxable, 0.00, 0.00, c.tax);
SELECT count(*) AS vectors FROM contained;

-- the dead band of apparel and footwear: price, rate, taxable, warning
SELECT v.*, t.rate, t.taxable, t.dead_band
  FROM (VALUES (2625.00, 5, 2500.00, false), (2625.01, 5, 2500.01, false), (2626.00, 18, 2225.42, true), (2950.00, 18, 2500.00, true), (2950.01, 18, 2500.01, false), (2951.00, 18, 2500.85, false))
       v (price, rate_expected, taxable_expected, warned), (VALUES ('61'), ('6204'), ('630210'), ('64039110')) g (hsn), oms.tax(v.price, 1, g.hsn, '29', '29', '2025-09-22') t
 WHERE v.price <> 2625.01 AND (t.rate, t.taxable, t.dead_band) IS DISTINCT FROM (v.rate_expected::numeric, v.taxable_expected, v.warned);
-- 2625.01 at 5 % is 2500.01 (to the paisa), above the limit: it is the first price in the band
SELECT t.rate, t.taxable, t.dead_band FROM oms.tax(2625.01, 1, '61', '29', '29', '2025-09-22') t;

-- states: node 29; same, other, billed here and delivered there, none
SELECT v.*, p.place_of_supply, t.cgst, t.sgst, t.igst
  FROM (VALUES (1, '29', '29', '29', 90, 90, 0), (2, '27', '27', '27', 0, 0, 180), (3, '27', '29', '27', 0, 0, 180), (4, NULL, NULL, '29', 90, 90, 0)) v (n, ship, bill, place, cgst_expected, sgst_expected, igst_expected),
       oms.place_of_supply('29', v.ship, v.bill) p, oms.tax(1000, 1, '8528', '29', p.place_of_supply, '2025-09-22', false) t
 WHERE (p.place_of_supply, t.cgst, t.sgst, t.igst) IS DISTINCT FROM (v.place, v.cgst_expected, v.sgst_expected, v.igst_expected);

-- rate by date, by 4, 6 and 8 digits
SELECT v.*, oms.tax_rate(d.hsn, '2025-09-21', v.value) AS before_is, oms.tax_rate(d.hsn, '2025-09-22', v.value) AS after_is
  FROM (VALUES ('8528', 0, 28, 18), ('0406', 0, 12, 5), ('1806', 0, 18, 5), ('2523', 0, 28, 18), ('8415', 0, 28, 18), ('0405', 0, 12, 5), ('1905', 0, 18, 5), ('8712', 0, 12, 5),
               ('6109', 1500, 12, 5), ('6203', 1500, 12, 5), ('6109', 1000, 5, 5), ('6109', 1000.01, 12, 5), ('6109', 2500.00, 12, 5), ('6109', 2500.01, 12, 18),
               ('6403', 1000, 12, 5), ('6403', 2500.00, 18, 5), ('6403', 2500.01, 18, 18), ('6302', 2500.00, 12, 5), ('6302', 2500.01, 12, 18)) v (hsn4, value, before, after),
       LATERAL (VALUES (v.hsn4), (v.hsn4 || '90'), (v.hsn4 || '9099')) d (hsn)
 WHERE (oms.tax_rate(d.hsn, '2025-09-21', v.value), oms.tax_rate(d.hsn, '2025-09-22', v.value)) IS DISTINCT FROM (v.before::numeric, v.after::numeric);
-- the last and the first day a row is in force, and the days beside them
SELECT d.day::date, oms.tax_rate('8528', d.day::date) FROM generate_series('2025-09-20', '2025-09-23', interval '1 day') d (day) ORDER BY 1;

-- a cart discount of 400 on two pieces of 2,600 moves both into the lower band
SELECT t.rate, sum(t.taxable) AS taxable, sum(t.igst) AS igst FROM oms.tax(2600, 1, '6109', '29', '27', '2025-09-22', false) t, generate_series(1, 2) GROUP BY 1;
SELECT t.rate, sum(t.taxable) AS taxable, sum(t.igst) AS igst
  FROM unnest(oms.apportion(400, '{2600,2600}')) s (part), oms.tax(2600 - s.part, 1, '6109', '29', '27', '2025-09-22', false) t GROUP BY 1;

-- fractional quantities: the value of one unit decides
SELECT v.net, v.qty, t.rate FROM (VALUES (1250.00, 0.5), (1250.01, 0.5), (1250.005, 0.5), (7500, 3), (7500.02, 3), (0.01, 0.001), (2.51, 0.001)) v (net, qty), oms.tax(v.net, v.qty, '61', '29', '29', '2025-09-22', false) t ORDER BY v.qty, v.net;

-- TCS: half each within a state; returns above sales give nothing; by date
SELECT v.n, t.* FROM (VALUES (1, 100000, 10000, date '2024-07-10', false), (2, 100000, 10000, '2024-07-10', true), (3, 100000, 10000, '2024-07-09', true), (4, 10000, 10000.01, '2025-01-01', true),
        (5, 10000, 10000, '2025-01-01', false), (6, 1.00, 0, '2025-01-01', false), (7, 3.00, 0, '2025-01-01', false), (8, 99999999999.99, 0, '2025-01-01', true), (9, 100000, NULL, '2025-01-01', true),
        (10, 100000, 0, '2018-09-30', true), (11, NULL, 0, '2025-01-01', true), (12, 1000, 0, '2025-01-01', NULL)) v (n, supplies, returns, day, inter)
  LEFT JOIN LATERAL oms.tcs(v.supplies, v.returns, v.day, v.inter) t ON true ORDER BY v.n;
-- TDS 194-O
SELECT v.n, t.* FROM (VALUES (1, 100000, date '2024-09-30', true, false, 0), (2, 100000, '2024-10-01', true, false, 0), (3, 100000, '2024-10-01', false, false, 0), (4, 500000, '2024-10-01', true, true, 0),
        (5, 500000.01, '2024-10-01', true, true, 0), (6, 100000, '2024-10-01', true, true, 400000), (7, 100000, '2024-10-01', true, true, 400001), (8, 100000, '2024-10-01', false, true, 0), (9, 100000, '2021-03-31', true, false, 0), (10, -5, '2024-10-01', true, false, 0), (11, NULL, '2024-10-01', true, false, 0)) v (n, gross, day, pan, individual, earlier),
        oms.tds_194o(v.gross, v.day, v.pan, v.individual, v.earlier) t ORDER BY v.n;

-- parts add up, however many
SELECT oms.apportion(100, '{1,1,1}') AS thirds, oms.apportion(0.05, '{1,1,1}') AS small, oms.apportion(-100, '{1,1,1}') AS credit, oms.apportion(10, '{0,0,0}') AS equal,
       oms.apportion(10, '{0,5,0}') AS one, oms.apportion(10, '{}') AS none, oms.apportion(0, '{1,2}') AS nothing;
SELECT setseed(0.25);
SELECT count(*) AS carts, count(*) FILTER (WHERE s.sum <> c.amount) AS lost, max(s.off) < 0.01 + 1e-9 AS fair
  FROM (SELECT i, round((random() * 10000)::numeric, 2) AS amount, ARRAY(SELECT round((random() * 5000)::numeric, 2) FROM generate_series(1, 1 + i % 9)) AS weights FROM generate_series(1, 2000) i) c,
       LATERAL (SELECT sum(p.part) AS sum, max(abs(p.part - c.amount * c.weights[p.n] / nullif((SELECT sum(w) FROM unnest(c.weights) w), 0))) AS off FROM unnest(oms.apportion(c.amount, c.weights)) WITH ORDINALITY p (part, n)) s;

-- credit notes: 3 units at 1,000.00 with tax of 18 %, back one by one, then in fractions; never a paisa more or less
SELECT v.before, s.* FROM (VALUES (0), (1), (2)) v (before), oms.credit_share(3, 847.46, 76.27, 76.27, 0, v.before, 1) s ORDER BY v.before;
SELECT count(*) AS invoices, count(*) FILTER (WHERE (x.taxable, x.cgst, x.sgst, x.igst) IS DISTINCT FROM (i.taxable, i.cgst, i.sgst, i.igst)) AS drifted
  FROM (SELECT n, 1 + n % 7 AS qty, round((random() * 99999)::numeric, 2) AS taxable, round((random() * 999)::numeric, 2) AS cgst, round((random() * 999)::numeric, 2) AS sgst, round((random() * 999)::numeric, 2) AS igst, 1 + n % 3 AS steps FROM generate_series(1, 1000) n) i,
       LATERAL (SELECT sum(c.taxable_credit) AS taxable, sum(c.cgst_credit) AS cgst, sum(c.sgst_credit) AS sgst, sum(c.igst_credit) AS igst
                  FROM generate_series(0, i.steps - 1) k, oms.credit_share(i.qty, i.taxable, i.cgst, i.sgst, i.igst, round(i.qty * k::numeric / i.steps, 3), round(i.qty * (k + 1)::numeric / i.steps, 3) - round(i.qty * k::numeric / i.steps, 3)) c) x;
-- until when they reduce tax
SELECT d AS invoiced, oms.credit_note_until(d) AS until, oms.credit_note_until(d, '2026-10-15') AS with_return
  FROM unnest('{2025-03-31,2025-04-01,2025-12-31,2026-01-01,2026-03-31,2026-04-01}'::date[]) d ORDER BY d;

\set VERBOSITY default
\set SHOW_CONTEXT never
SELECT oms.apportion(10, '{1,-1}');
SELECT oms.apportion(10, '{1,NULL}');
SELECT oms.apportion(10.005, '{1}');
SELECT oms.credit_share(3, 100, 9, 9, 0, 2, 1.001);
SELECT oms.credit_share(0, 100, 9, 9, 0, 0, 0);
