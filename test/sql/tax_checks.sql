-- Checks of identifiers: GSTIN, PAN, telephone, HSN, pincode.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pg_oms CASCADE;
RESET client_min_messages;

-- GSTIN: nothing wrong
SELECT g, oms.check_gstin(g) FROM unnest(ARRAY['24AAQCA8719H1ZC', '05AAACG2115R1ZN', '27AAPFU0939F1ZV', '29ABCDE1234F1ZW', '36ABCDE1234F1Z1']) g
 WHERE oms.check_gstin(g) IS NOT NULL;
SELECT oms.check_gstin('24AAQCA8719H1ZC', 'AAQCA8719H', '24') IS NULL AS right_pan_and_state;
-- something wrong
SELECT v.gstin, oms.check_gstin(v.gstin, v.pan, v.state) AS problem
  FROM (VALUES (1, NULL, NULL, NULL), (2, '', NULL, NULL), (3, '24AAQCA8719H1Z', NULL, NULL), (4, '24aaqca8719h1zc', NULL, NULL),
               (5, '24AAQCA8719H1Z?', NULL, NULL), (6, '24AANFA2641L1ZK', NULL, NULL), (7, '01AABCE2207R1Z5', NULL, NULL),
               (8, '39ABCDE1234F1ZV', NULL, NULL), (9, '00ABCDE1234F1ZQ', NULL, NULL), (10, '24AAQCA8719H1ZC', 'AAQCA8719J', NULL),
               (11, '24AAQCA8719H1ZC', NULL, '27'), (12, '२४AAQCA8719H1ZC', NULL, NULL)) v (n, gstin, pan, state)
 ORDER BY v.n;
-- is_gstin and check_gstin agree wherever the state exists
SELECT count(*) AS disagree
  FROM unnest(ARRAY['24AAQCA8719H1Z', '27AAPFU0939F1Z', '29AABCF8078M2Z', '24AAQC58719H1D', '9917ABC12345OS', '97AAQCA8719H1Z']) g,
       regexp_split_to_table('0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ', '') c
 WHERE oms.is_gstin(g || c) <> (oms.check_gstin(g || c) IS NULL);

-- PAN
SELECT p, oms.check_pan(p) AS problem, oms.pan_holder(p) AS holder
  FROM unnest(ARRAY['AAQCA8719H', 'AAUPV7468F', 'AANFA2641L', 'AAAHR6720M', 'AAATR6720M', 'AAABR6720M', 'AAALR6720M', 'AAAJR6720M', 'AAAGR6720M',
                    'AAAAR6720M', 'ABCDE1234F', 'AAQCA8719', 'AAQCA87190', 'aaqca8719h', 'AAQCA871AH', '', NULL]) WITH ORDINALITY AS t (p, n)
 ORDER BY n;

-- telephones
SELECT p, oms.phone_e164(p) AS e164, oms.check_phone(p) AS as_mobile, oms.check_phone(p, false) AS as_any
  FROM unnest(ARRAY['9876543210', '+919876543210', '+91 98765 43210', '+91-98765-43210', '919876543210', '09876543210', '0091 98765 43210',
                    '+91 (0) 9876543210', '6000000000', '5999999999', '080 2345 6789', '011-23456789', '+91 22 2345 6789', '0987654321', '98765', '98765432101',
                    '+1 415 555 2671', '98765x43210', '', '9876+543210', '99999999999999999999999', NULL]) WITH ORDINALITY AS t (p, n)
 ORDER BY n;

-- HSN: turnover in INR; B2C up to five crore needs none
SELECT v.hsn, v.turnover, v.supply, oms.check_hsn(v.hsn, v.turnover, v.supply) AS problem
  FROM (VALUES (1, '6109', NULL, NULL), (2, '6109.10', NULL, NULL), (3, '61091000', NULL, NULL), (4, '6109 10 00', NULL, NULL), (5, '9968', NULL, NULL),
               (6, '996812', NULL, NULL), (7, '61', NULL, NULL), (8, '610910001', NULL, NULL), (9, '61091', NULL, NULL), (10, '0061', NULL, NULL),
               (11, '7701', NULL, NULL), (12, '99681200', NULL, NULL), (13, 'cotton', NULL, NULL), (14, NULL, NULL, NULL),
               (15, '6109', 50000000.00, 'B2B'), (16, '6109', 50000000.01, 'B2B'), (17, '6109', 50000000.01, 'B2C'), (18, '610910', 50000000.01, 'B2B'),
               (19, NULL, 50000000.00, 'B2C'), (20, NULL, 50000000.00, 'B2B'), (21, NULL, 50000000.01, 'B2C'),
               (25, '6109', 1e15, 'B2B'), (22, '610910', 1, 'EXPWOP'), (23, '61091000', 1, 'EXPWP'), (24, '9968', 1, 'EXPWP')) v (n, hsn, turnover, supply)
 ORDER BY v.n;

-- pincodes: by the first three digits alone
SELECT v.pincode, v.state, oms.check_pincode(v.pincode, v.state) AS problem
  FROM (VALUES (1, '560001', NULL), (2, '560001', '29'), (3, '560001', '27'), (4, '403001', '30'), (5, '403001', '27'), (6, '244001', '09'), (7, '244001', '05'),
               (8, '900056', '07'), (9, '900056', NULL), (10, '060001', NULL), (11, '56001', NULL), (12, '5600011', NULL), (13, '56000a', NULL), (14, '', NULL),
               (15, NULL, NULL), (16, '198001', NULL), (17, '194101', '38'), (18, '194101', '01'), (19, '560001', '98'), (20, '500001', '36'), (21, '500001', '37')) v (n, pincode, state)
 ORDER BY v.n;
BEGIN;
-- and by the catalogue where there is one for the region
SELECT oms.install() IS NOT NULL AS installed;
INSERT INTO oms.pincode (pincode, state_code) VALUES ('560001', '29'), ('500001', '36'), ('510001', NULL) ON CONFLICT DO NOTHING;
SELECT v.pincode, v.state, oms.check_pincode(v.pincode, v.state) AS problem
  FROM (VALUES (1, '560001', '29'), (2, '560001', '27'), (3, '560998', '29'), (4, '500001', '37'), (5, '510001', '37'), (6, '510001', '29'), (7, '110001', '07')) v (n, pincode, state)
 ORDER BY v.n;
ROLLBACK;

-- codes of states: checks and catalogue agree but for codes given up that old registrations carry (25, 28) and 96, where nobody registers
SELECT string_agg(state_code, ' ' ORDER BY state_code) AS utgst FROM oms.gst_state WHERE builtin AND union_territory;
SELECT to_char(n, 'FM00') AS code FROM generate_series(0, 99) n
 WHERE (oms.check_gstin(to_char(n, 'FM00') || 'ABCDE1234F1Z' || '0') LIKE 'begins with%') <> NOT EXISTS (SELECT FROM oms.gst_state g WHERE g.state_code = to_char(n, 'FM00'))
 ORDER BY n;
