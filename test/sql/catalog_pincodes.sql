-- The file of pincodes that comes with the extension, and one of the user's.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pg_oms CASCADE;
RESET client_min_messages;
BEGIN;
SELECT oms.install() IS NOT NULL AS installed;
DELETE FROM oms.pincode;
INSERT INTO oms.pincode (pincode, state_code, district) VALUES ('999999', '38', 'Of the user'), ('560001', '01', 'Wrong');
SELECT oms.load_pincodes() AS in_file;
SELECT count(*) - 1 AS loaded, count(place) AS placed, count(DISTINCT state_code) AS states,
       count(*) FILTER (WHERE state_code IS NULL) AS stateless FROM oms.pincode;
-- rows of data/pincodes.csv
SELECT pincode, state_code, district, metro, city, place = oms.geo_point(x.lat, x.lng) AS placed
  FROM oms.pincode JOIN (VALUES ('110001', 28.6199, 77.2129), ('110002', 28.6340, 77.2403)) AS x (pin, lat, lng) ON pin = pincode
 ORDER BY pincode;
SELECT pincode, state_code, metro, city, district FROM oms.pincode
 WHERE pincode IN ('560001', '122001', '201301', '201001', '421302', '411001', '695001', '999999') ORDER BY pincode;
SELECT metro, count(DISTINCT city) AS cities FROM oms.pincode WHERE metro IS NOT NULL GROUP BY metro ORDER BY metro COLLATE "C";
-- again: nothing to write
CREATE TEMP TABLE before AS SELECT pincode, ctid AS version FROM oms.pincode;
SELECT oms.load_pincodes() AS in_file;
SELECT count(*) AS rewritten FROM oms.pincode p JOIN before b USING (pincode) WHERE p.ctid <> b.version;
-- the user's own metro area, longest prefix wins
INSERT INTO oms.metro_area (prefix, metro, city) VALUES ('695', 'TRIVANDRUM', 'Thiruvananthapuram'), ('560001', NULL, NULL);
SELECT oms.load_pincodes() AS in_file;
SELECT pincode, metro, city FROM oms.pincode WHERE pincode IN ('695001', '560001', '560002') ORDER BY pincode;
DO $$
BEGIN
    PERFORM oms.load_pincodes('/nonexistent/pincodes.csv');
EXCEPTION WHEN undefined_file THEN
    RAISE NOTICE '% %', SQLSTATE, SQLERRM;
END $$;
ROLLBACK;
