-- Place of supply and the split of a tax, rule by rule of the IGST Act.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pg_oms CASCADE;
RESET client_min_messages;
\set mh '''27AAPFU0939F1ZV'''
\set ka '''29ABCDE1234F1ZW'''

SELECT v.what, p.* FROM (VALUES
    (1, 'consumer, same state',                    '29', '29', '29', NULL, NULL, true, NULL::boolean),
    (2, 'consumer, other state',                   '29', '27', '27', NULL, NULL, true, NULL),
    (3, 'consumer, billed here, delivered there',  '29', '27', '29', NULL, NULL, true, NULL),
    (4, 'consumer, billed there, delivered here',  '29', '29', '27', NULL, NULL, true, NULL),
    (5, 'consumer, delivery unknown',              '29', NULL, '27', NULL, NULL, true, NULL),
    (6, 'consumer, no address',                    '29', NULL, NULL, NULL, NULL, true, NULL),
    (7, 'consumer at the counter',                 '29', NULL, NULL, NULL, NULL, false, NULL),
    (8, 'consumer at the counter, address stated', '29', NULL, '27', NULL, NULL, false, NULL),
    (9, 'registered, delivered to himself',        '29', '27', '27', :mh, 'B2B', true, NULL),
    (10, 'registered here, his site there',        '29', '27', '29', :ka, 'B2B', true, false),
    (11, 'bill to here, ship to there',            '29', '27', '29', :ka, 'B2B', true, true),
    (12, 'the same, not said so',                  '29', '27', '29', :ka, 'B2B', true, NULL),
    (13, 'bill to there, ship to here',            '29', '29', '27', :mh, 'B2B', true, NULL),
    (25, 'registered here, one address, there',    '29', '27', NULL, :ka, 'B2B', true, NULL),
    (14, 'registered, delivery unknown',           '29', NULL, NULL, :mh, 'B2B', true, NULL),
    (15, 'registered at the counter',              '29', NULL, '27', :mh, 'B2B', false, NULL),
    (16, 'SEZ in the same state',                  '29', '29', '29', :ka, 'SEZWP', true, NULL),
    (17, 'SEZ under LUT',                          '29', '29', '29', :ka, 'SEZWOP', true, NULL),
    (18, 'export',                                 '29', NULL, NULL, NULL, 'EXPWP', true, NULL),
    (19, 'export by the address',                  '29', '96', '96', NULL, NULL, true, NULL),
    (20, 'deemed export, same state',              '29', '29', '29', :ka, 'DEXP', true, NULL),
    (21, 'import',                                 '96', '27', '27', :mh, NULL, true, NULL),
    (22, 'other territory',                        '97', '97', '97', NULL, NULL, true, NULL),
    (23, 'codes given up: 28 is 37 now',           '37', '28', NULL, NULL, NULL, true, NULL),
    (24, 'codes given up: 25 is 26 now',           '26', '25', NULL, NULL, NULL, true, NULL)
  ) v (n, what, supplier, ship, bill, gstin, supply, movement, third),
  oms.place_of_supply(v.supplier, v.ship, v.bill, v.gstin, v.supply, v.movement, v.third) p
 ORDER BY v.n;
SELECT oms.place_of_supply(NULL) IS NULL AS no_supplier;

-- whose the tax is: 15.25 is odd in paise
SELECT v.supplier, v.place, v.supply, s.* FROM (VALUES
    (1, 15.25, '29', '29', NULL), (2, 15.25, '29', '27', NULL), (3, 15.25, '29', NULL, NULL), (4, 15.25, '04', '04', NULL), (5, 15.25, '26', '26', 'B2B'),
    (6, 15.25, '31', '31', NULL), (7, 15.25, '35', '35', NULL), (8, 15.25, '38', '38', NULL), (9, 15.25, '97', '97', NULL), (10, 15.25, '07', '07', NULL),
    (11, 15.25, '34', '34', NULL), (12, 15.25, '04', '03', NULL), (13, 15.25, '29', '29', 'SEZWP'), (14, 15.25, '29', '29', 'SEZWOP'), (15, 15.25, '29', '96', 'EXPWP'),
    (16, 15.25, '29', '96', 'EXPWOP'), (17, 15.25, '29', '29', 'DEXP'), (18, -15.25, '29', '29', NULL), (19, 0.01, '29', '29', NULL), (20, 0, '29', '29', NULL)
  ) v (n, tax, supplier, place, supply), oms.tax_split(v.tax, v.supplier, v.place, v.supply) s
 ORDER BY v.n;

-- in the whole computation: prices with tax of 1,180.00 at 18 %
SELECT v.what, t.rate, t.taxable, t.cgst, t.sgst, t.igst FROM (VALUES
    (1, 'SEZ, tax paid', '29', '29', 'SEZWP', true, false), (2, 'SEZ, LUT', '29', '29', 'SEZWOP', true, false), (3, 'export, tax paid', '29', '96', 'EXPWP', true, false),
    (4, 'export, LUT', '29', '96', 'EXPWOP', true, false), (5, 'deemed export', '29', '29', 'DEXP', true, false), (6, 'reverse charge', '29', '29', 'B2B', true, true),
    (7, 'without tax in the price, LUT', '29', '27', 'SEZWOP', false, false), (8, 'B2B', '29', '27', 'B2B', false, false)
  ) v (n, what, supplier, place, supply, inclusive, reverse),
  oms.tax(1180, 1, '8518', v.supplier, v.place, '2025-10-01', v.inclusive, supply_type => v.supply, reverse_charge => v.reverse) t
 ORDER BY v.n;

\set VERBOSITY default
\set SHOW_CONTEXT never
SELECT oms.place_of_supply('29', '27', NULL, '27AAPFU0939F1ZX');
SELECT oms.place_of_supply('29', '27', NULL, NULL, 'EXPORT');
SELECT oms.place_of_supply('29', '45');
SELECT oms.place_of_supply('', '27');
SELECT oms.tax_split(1, '00', '27');
SELECT oms.tax(100, 1, '8518', '98', '27', '2025-10-01');
