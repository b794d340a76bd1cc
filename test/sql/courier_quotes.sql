-- What services quote for a parcel: prices, zones, reasons against, time, success.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pg_oms CASCADE;
RESET client_min_messages;
SET timezone = 'Asia/Kolkata';
SET datestyle = 'ISO';
BEGIN;
SELECT oms.install() IS NOT NULL AS installed;
INSERT INTO oms.company (code, name) VALUES ('COUR', 'Courier test'), ('COU2', 'Another');
SET LOCAL oms.company = 'COUR';
UPDATE oms.courier_service SET active = false; -- whatever is there
DELETE FROM oms.zone_rule;
INSERT INTO oms.pincode (pincode, state_code, district, metro, city) VALUES
    ('560066', '29', 'Bengaluru Urban', 'BENGALURU', 'Bengaluru'), ('560102', '29', 'Bengaluru Urban', 'BENGALURU', 'Bengaluru'),
    ('570001', '29', 'Mysuru', NULL, NULL), ('110001', '07', 'New Delhi', 'DELHI_NCR', 'Delhi'), ('110002', '07', 'Central', 'DELHI_NCR', 'Delhi'),
    ('122001', '06', 'Gurugram', 'DELHI_NCR', 'Gurugram'), ('226001', '09', 'Lucknow', NULL, NULL), ('431001', '27', 'Aurangabad', NULL, NULL),
    ('824101', '10', 'Aurangabad', NULL, NULL), ('682001', '32', 'Ernakulam', NULL, NULL), ('682020', '32', 'Ernakulam', NULL, NULL),
    ('695001', '32', 'Thiruvananthapuram', NULL, NULL), ('781001', '18', 'Kamrup', NULL, NULL), ('799001', NULL, NULL, NULL, NULL)
ON CONFLICT (pincode) DO UPDATE SET state_code = EXCLUDED.state_code, district = EXCLUDED.district, metro = EXCLUDED.metro, city = EXCLUDED.city;
INSERT INTO oms.courier (code, name) VALUES ('T-ONE', 'One'), ('T-TWO', 'Two');
INSERT INTO oms.courier_service (courier_id, code, name, mode, max_weight_g, max_value, max_cod, max_distance_m)
SELECT courier_id, s.code, s.code, s.mode, 20000, 500000, 50000, s.far FROM oms.courier c,
    (VALUES ('T-ONE', 'T-SURFACE', 'surface', NULL::integer), ('T-ONE', 'T-AIR', 'air', NULL), ('T-TWO', 'T-ODD', 'surface', NULL), ('T-TWO', 'T-LOCAL', 'hyperlocal', 5000)) AS s (courier, code, mode, far)
 WHERE c.code = s.courier;
INSERT INTO oms.serviceability (courier_service_id, pincode)
SELECT courier_service_id, p.pincode FROM oms.courier_service s, oms.pincode p
 WHERE s.code LIKE 'T-%' AND p.pincode IN ('560066','560102','570001','110001','110002','122001','226001','431001','824101','682001','682020','695001','781001','799001');
-- general rules: city before the special states; courier two has its own, the special states (and Kerala) first
INSERT INTO oms.zone_rule (courier_id, seq, test, states, zone) VALUES
    (NULL, 1, 'same_city', '{}', 'A'), (NULL, 2, 'special', '{01,12,13,14,15,16,17,18}', 'E'), (NULL, 3, 'metro_to_metro', '{}', 'C'),
    (NULL, 4, 'same_state', '{}', 'B'), (NULL, 5, 'otherwise', '{}', 'D');
INSERT INTO oms.zone_rule (courier_id, seq, test, states, zone)
SELECT courier_id, r.seq, r.test, r.states, r.zone FROM oms.courier, (VALUES
    (1, 'special', '{01,02,12,13,14,15,16,17,18,32}'::text[], 'E'), (2, 'same_city', '{}', 'A'), (3, 'same_state', '{}', 'B'),
    (4, 'metro_to_metro', '{}', 'C'), (5, 'otherwise', '{}', 'D')) AS r (seq, test, states, zone) WHERE code = 'T-TWO';
-- the illustrative card of the published vectors, in every zone, and one for riders
INSERT INTO oms.rate_card (company_id, courier_service_id, valid_from, divisor, slab_g, fuel_pct, cod_flat, cod_pct, gst_pct)
SELECT oms.company_id(), courier_service_id, '2026-01-01', 5000, 500, 10, 35, 2, 18 FROM oms.courier_service WHERE code LIKE 'T-%';
INSERT INTO oms.rate_slab (rate_card_id, zone, leg, base, add)
SELECT rate_card_id, z, l, CASE z WHEN 'D' THEN 45 ELSE 45 + ascii(z) - ascii('D') END, 38
  FROM oms.rate_card, unnest('{A,B,C,D,E,LOCAL}'::text[]) z, unnest('{forward,rto,reverse}'::text[]) l WHERE company_id = oms.company_id();

-- freight vectors: zone D, Bengaluru to Lucknow
SELECT v.*, q.charge_g / 500 = v.slabs AND q.freight = v.base + v.fuel AND q.cod_fee = v.cod AND q.gst = v.tax AND q.total = v.sum AS exact
  FROM (VALUES
    ( 400, 10*10*10,    0,  1000, 1,  45.00,  4.50,  0,     8.91,  58.41),
    ( 400, 20*20*10, 1000,  1000, 2,  83.00,  8.30, 35.00, 22.73, 149.03),
    (1200, 30*20*15, 2500,  2500, 4, 159.00, 15.90, 50.00, 40.48, 265.38),
    ( 500, 10*10*25, 1750,  1750, 1,  45.00,  4.50, 35.00, 15.21,  99.71),
    ( 501, 10*10*10, 1751,  1751, 2,  83.00,  8.30, 35.02, 22.74, 149.06)) AS v (dead, vol, cash, value, slabs, base, fuel, cod, tax, sum),
  LATERAL oms.courier_quotes('560066', '226001', v.dead, v.vol, v.cash, v.value, '2026-11-20 16:00+05:30') q WHERE q.service = 'T-SURFACE' AND q.zone = 'D';
-- 40 x 30 x 20 cm is 4.8 kg, billed 5; exact slabs stay; nothing weighs one slab; a cubic centimetre over a slab counts
SELECT w.*, q.charge_g FROM (VALUES (100, 24000), (500, 0), (501, 0), (1000, 0), (0, 0), (1, 2500), (1, 2501)) AS w (dead, vol),
  LATERAL oms.courier_quotes('560066', '226001', w.dead, w.vol, at => '2026-11-20 16:00+05:30') q WHERE q.service = 'T-SURFACE';
-- least weight
UPDATE oms.rate_card SET min_g = 2001 WHERE company_id = oms.company_id();
SELECT charge_g FROM oms.courier_quotes('560066', '226001', 100, 0, at => '2026-11-20 16:00+05:30') WHERE service = 'T-SURFACE';
UPDATE oms.rate_card SET min_g = 0 WHERE company_id = oms.company_id();

-- zones: each courier by its own rules
SELECT l.what, max(q.zone) FILTER (WHERE q.service = 'T-SURFACE') AS general, max(q.zone) FILTER (WHERE q.service = 'T-ODD') AS kerala_first
  FROM (VALUES (1, 'same city', '560066', '560102'), (2, 'same city, two districts', '110001', '110002'), (3, 'same state', '560066', '570001'),
    (4, 'metros', '560066', '110001'), (5, 'metros of one region', '110001', '122001'), (6, 'rest', '560066', '226001'), (7, 'one end special', '560066', '781001'),
    (8, 'special to metro', '781001', '110001'), (9, 'Kerala city pair', '682001', '682020'), (10, 'Kerala, two cities', '682001', '695001'), (11, 'into Kerala', '560066', '682001'),
    (12, 'districts of one name', '431001', '824101'), (13, 'state unknown', '560066', '799001'), (14, 'unknown to itself', '799001', '799001')) AS l (i, what, f, t),
  LATERAL oms.courier_quotes(l.f, l.t, 100, 0, at => '2026-11-20 16:00+05:30') q GROUP BY l.i, l.what ORDER BY l.i;
-- a courier's own rules are all it has
DELETE FROM oms.zone_rule WHERE courier_id IS NOT NULL AND test = 'otherwise';
SELECT service, zone, refused FROM oms.courier_quotes('560066', '226001', 100, 0, at => '2026-11-20 16:00+05:30') WHERE service IN ('T-SURFACE', 'T-ODD') ORDER BY service COLLATE "C" DESC;

-- reasons. Everything in order first; the parcel at every limit
CREATE FUNCTION pg_temp.why(f text, t text, g integer DEFAULT 100, cod numeric DEFAULT 0, value numeric DEFAULT 100, at timestamptz DEFAULT '2026-11-20 16:00+05:30',
    reverse boolean DEFAULT false, hyper boolean DEFAULT false, far bigint DEFAULT NULL, cold boolean DEFAULT false, air boolean DEFAULT true) RETURNS text LANGUAGE sql AS $$
    SELECT string_agg(service || '=' || coalesce(refused, 'ok'), ' ' ORDER BY service COLLATE "C") FROM oms.courier_quotes(f, t, g, 0, cod, value, at, NULL, 0, reverse, hyper, far, cold, air) $$;
SELECT pg_temp.why('560066', '110001') AS plain;
SELECT pg_temp.why('560066', '110001', 20000, 50000, 500000) AS at_the_limits;
SELECT pg_temp.why('560066', '110001', 20001) AS heavy, pg_temp.why('560066', '110001', cod => 50000.01) AS much_cash, pg_temp.why('560066', '110001', value => 500000.01) AS precious;
SELECT pg_temp.why('560066', '110001', cold => true) AS cold, pg_temp.why('560066', '110001', air => false) AS grounded;
SELECT pg_temp.why('560066', '999998') AS nowhere, pg_temp.why('999998', '560066') AS from_nowhere, pg_temp.why(NULL, NULL) AS nothing;
SELECT pg_temp.why('560066', '560102', hyper => true, far => 5000) AS near, pg_temp.why('560066', '560102', hyper => true, far => 5001) AS far, pg_temp.why('560066', '560102', hyper => true) AS unknown;
SELECT pg_temp.why('560066', '110001', at => '2025-12-31 23:59+05:30') AS before_the_card, pg_temp.why('560066', '110001', at => '2026-01-01 00:00+05:30') AS its_first_day;
UPDATE oms.serviceability SET cod = false WHERE pincode = '110001';
SELECT pg_temp.why('560066', '110001', cod => 1) AS no_cash_there, pg_temp.why('110001', '560066', cod => 1) AS but_from_there;
UPDATE oms.serviceability SET prepaid = false WHERE pincode = '110001';
SELECT pg_temp.why('560066', '110001') AS neither, pg_temp.why('560066', '110001', cod => 1) AS neither_cod;
UPDATE oms.serviceability SET cod = true WHERE pincode = '110001';
SELECT pg_temp.why('560066', '110001') AS cash_only, pg_temp.why('560066', '110001', cod => 1) AS cash_only_cod;
UPDATE oms.serviceability SET prepaid = true, pickup = false, reverse = false WHERE pincode = '110001';
SELECT pg_temp.why('110001', '560066') AS no_pickup, pg_temp.why('110001', '560066', reverse => true) AS no_reverse, pg_temp.why('560066', '110001', reverse => true) AS reverse_to_there;
UPDATE oms.serviceability SET pickup = true, reverse = true WHERE pincode = '110001';
UPDATE oms.courier_service SET reverse = false WHERE code = 'T-AIR';
UPDATE oms.courier_service SET cod = false WHERE code = 'T-ODD';
SELECT pg_temp.why('110001', '560066', reverse => true) AS reverse, pg_temp.why('110001', '560066', cod => 10) AS cod;
UPDATE oms.serviceability SET embargo_from = '2026-11-10 00:00+05:30', embargo_to = '2026-11-20 16:00+05:30' WHERE pincode = '110001';
SELECT pg_temp.why('560066', '110001', at => '2026-11-09 23:59:59+05:30') AS before, pg_temp.why('560066', '110001', at => '2026-11-10 00:00+05:30') AS first,
       pg_temp.why('110001', '560066', at => '2026-11-20 15:59+05:30') AS other_end, pg_temp.why('560066', '110001', at => '2026-11-20 16:00+05:30') AS over;
UPDATE oms.serviceability SET embargo_to = NULL WHERE pincode = '110001';
SELECT pg_temp.why('560066', '110001', at => '2030-01-01') AS until_further_notice;
UPDATE oms.serviceability SET embargo_from = NULL WHERE pincode = '110001';
UPDATE oms.courier SET active = false WHERE code = 'T-TWO';
SELECT pg_temp.why('560066', '110001') AS one_courier;
UPDATE oms.courier SET active = true WHERE code = 'T-TWO';
SELECT count(*) AS rates_of_another_company FROM oms.courier_quotes('560066', '110001', 100, 0, at => '2026-11-20 16:00+05:30', company => 'COU2') WHERE refused IS NULL OR total IS NOT NULL;

-- overlapping cards: the one that began last, with the zones it has; the day is the company's
INSERT INTO oms.rate_card (company_id, courier_service_id, valid_from, valid_to, slab_g, gst_pct) SELECT oms.company_id(), courier_service_id, '2026-06-01', '2026-07-01', 1000, 0 FROM oms.courier_service WHERE code = 'T-SURFACE';
INSERT INTO oms.rate_slab SELECT rate_card_id, 'D', 'forward', 10, 1 FROM oms.rate_card WHERE slab_g = 1000 AND company_id = oms.company_id();
SELECT d.at, t.t AS dest, refused, freight, gst, rto_freight FROM unnest('{2026-05-31 23:59+05:30,2026-06-01 00:00+05:30,2026-06-30 23:59+05:30,2026-07-01 00:00+05:30}'::timestamptz[]) AS d (at), unnest('{226001,110001}'::text[]) AS t (t),
  LATERAL oms.courier_quotes('560066', t.t, 100, 0, at => d.at) WHERE service = 'T-SURFACE' ORDER BY d.at, t.t DESC;

-- riders: begun kilometres, ride time over the road
UPDATE oms.rate_card SET per_km = 7 WHERE courier_service_id = oms.courier_service_id('T-LOCAL');
SELECT m, freight, promised_at::time FROM unnest('{0,1,1000,1001,2500}'::bigint[]) m, LATERAL oms.courier_quotes('560066', '560102', 100, 0, at => '2026-11-22 10:00+05:30', hyperlocal => true, distance_m => m) WHERE service = 'T-LOCAL';
-- parcels: working days, Sundays (22 Nov) and days off do not count; out of delivery area is slower and dearer
INSERT INTO oms.zone_transit SELECT courier_service_id, 'D', 2 FROM oms.courier_service WHERE code = 'T-SURFACE';
INSERT INTO oms.calendar VALUES (oms.company_id(), '2026-11-24', 'Guru Nanak Jayanti');
SELECT to_char(d.at, 'Dy DD HH24:MI') AS handed_over, days, to_char(promised_at, 'Dy DD HH24:MI') AS by FROM unnest('{2026-11-18 16:00+05:30,2026-11-20 16:00+05:30,2026-11-21 22:00+05:30,2026-11-24 10:00+05:30}'::timestamptz[]) AS d (at),
  LATERAL oms.courier_quotes('560066', '226001', 100, 0, at => d.at) WHERE service = 'T-SURFACE' ORDER BY d.at;
UPDATE oms.zone_transit SET days = 0;
SELECT to_char(d.at, 'Dy DD HH24:MI') AS handed_over, to_char(promised_at, 'Dy DD HH24:MI') AS by FROM unnest('{2026-11-20 20:00+05:30,2026-11-20 20:01+05:30,2026-11-21 22:00+05:30}'::timestamptz[]) AS d (at),
  LATERAL oms.courier_quotes('560066', '226001', 100, 0, at => d.at) WHERE service = 'T-SURFACE' ORDER BY d.at;
UPDATE oms.rate_card SET oda_charge = 20 WHERE company_id = oms.company_id();
UPDATE oms.serviceability SET oda = true WHERE pincode = '226001';
SELECT service, days, freight FROM oms.courier_quotes('560066', '226001', 100, 0, at => '2026-11-20 16:00+05:30') WHERE service IN ('T-AIR', 'T-SURFACE') ORDER BY service COLLATE "C";
ROLLBACK;
