-- Which nodes may serve a place, how far they are, when they hand over.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pg_oms CASCADE;
RESET client_min_messages;
SET timezone = 'Asia/Kolkata';
SET datestyle = 'ISO';
BEGIN;
SELECT oms.install() IS NOT NULL AS installed;
INSERT INTO oms.company (code, name) VALUES ('MESHT', 'Mesh test'), ('MESHO', 'Another');
SET LOCAL oms.company = 'MESHT';
-- far from real ones, so that the shipped file does not matter
INSERT INTO oms.pincode (pincode, state_code, district, city) VALUES ('987001', '29', 'Testpur', NULL), ('987002', NULL, NULL, NULL)
ON CONFLICT DO NOTHING;
INSERT INTO oms.gstin (company_id, gstin, state_code) VALUES (oms.company_id(), '29ABCDE1234F1ZW', '29');

-- nodes: an ERP's warehouses, not placed yet
INSERT INTO oms.node (company_id, code, name, pincode, state_code, cutoff, pick_minutes, erp_key)
VALUES (oms.company_id(), 'DEL', 'Delhi', '110001', '07', '16:00', 60, 'e1'),
       (oms.company_id(), 'BOM', 'Mumbai', '400001', '27', '16:00', 60, 'e2'),
       (oms.company_id(), 'NOWHERE', 'Not placed', '987001', '29', '16:00', 60, 'e3'),
       (oms.company_id(), 'STATELESS', 'No state', '987002', NULL, '16:00', 60, 'e4'),
       (oms.company_id(), 'PAUSED', 'Paused', '110001', '07', '16:00', 60, 'e5'),
       (oms.company_id(), 'TOSTORE', 'An ERP warehouse that becomes a store', NULL, NULL, '16:00', 60, 'e6'),
       (oms.company_id('MESHO'), 'OTHER', 'Of another company', '110001', '07', '16:00', 60, NULL);
SELECT oms.place_node('DEL', 28.6139, 77.2090) = oms.node_id('DEL') AS placed,
       oms.place_node('BOM', 19.0760, 72.8777) = oms.node_id('BOM') AS placed,
       oms.place_node('PAUSED', 28.6139, 77.2090) IS NOT NULL AS placed,
       oms.place_node('OTHER', 28.6139, 77.2090, 'MESHO') IS NOT NULL AS placed;
UPDATE oms.node SET open = false WHERE company_id = oms.company_id() AND code = 'PAUSED';

-- dark stores: one new, one that the ERP had; running it again changes it, adds nothing
SELECT oms.add_dark_store('KOR', 'Koramangala', 12.9352, 77.6245, 3000, '987001', pick_minutes => 3) IS NOT NULL AS added;
SELECT oms.add_dark_store('KOR', 'Koramangala', 12.9352, 77.6245, 2500, '987001', pick_minutes => 3) = oms.node_id('KOR') AS same;
SELECT oms.add_dark_store('TOSTORE', 'Indiranagar', 12.9784, 77.6408, 2500, '987002', kind => 'store', gstin => '29ABCDE1234F1ZW') = oms.node_id('TOSTORE') AS turned;
SELECT code, kind, hyperlocal, pos, pincode, state_code, gstin, city, cutoff, pick_minutes, handling_cost, erp_key,
       (SELECT array_agg(a.radius_m) FROM oms.service_area a WHERE a.node_id = n.node_id) AS radii
  FROM oms.node n WHERE company_id = oms.company_id() AND hyperlocal ORDER BY code COLLATE "C";

-- Koramangala's door: its store first, then by distance; not placed last; the refused after
SELECT node, kind, inside, refused, distance_m IS NULL AS unknown FROM oms.nodes_near(12.9352, 77.6245);
-- distances against independently computed great circles (0.5 % between sphere and spheroid)
SELECT abs((SELECT distance_m FROM oms.nodes_near(12.9352, 77.6245) WHERE node = 'TOSTORE') / 5118.0 - 1) < 0.005 AS blr,
       abs((SELECT distance_m FROM oms.nodes_near(28.6139, 77.2090) WHERE node = 'BOM') / 1148096.0 - 1) < 0.005 AS del_bom,
       (SELECT distance_m FROM oms.nodes_near(28.6139, 77.2090) WHERE node = 'DEL') AS zero;
-- between the stores (2.5 km circles, 5.1 km apart): in neither
SELECT node, refused FROM oms.nodes_near(12.9568, 77.63265) WHERE kind <> 'warehouse' ORDER BY node COLLATE "C";
-- place unknown
SELECT node, distance_m, inside, refused FROM oms.nodes_near(NULL, NULL);

-- a polygon: boundary is inside, a hole is outside
DO $$
DECLARE s text := (SELECT n.nspname FROM pg_extension e JOIN pg_namespace n ON n.oid = e.extnamespace WHERE e.extname = 'postgis');
BEGIN
    EXECUTE format('SELECT oms.set_service_area(''KOR'', %I.st_geogfromtext(%L))', s,
        'POLYGON((77.60 12.90, 77.70 12.90, 77.70 13.00, 77.60 13.00, 77.60 12.90), (77.64 12.94, 77.66 12.94, 77.66 12.96, 77.64 12.96, 77.64 12.94))');
END $$;
SELECT p.what, (SELECT inside FROM oms.nodes_near(p.lat, p.lng) WHERE node = 'KOR')
  FROM (VALUES ('inside', 12.92, 77.62), ('corner', 12.90, 77.60), ('on its meridian', 12.95, 77.60), ('in the hole', 12.95, 77.65), ('outside', 12.95, 77.71)) AS p (what, lat, lng);
-- validity: half open
UPDATE oms.service_area SET valid_from = '2026-01-01 00:00+05:30', valid_to = '2026-02-01 00:00+05:30' WHERE node_id = oms.node_id('KOR');
SELECT at, (SELECT inside FROM oms.nodes_near(12.92, 77.62, at) WHERE node = 'KOR')
  FROM unnest('{2025-12-31 23:59:59+05:30,2026-01-01 00:00+05:30,2026-01-31 23:59:59+05:30,2026-02-01 00:00+05:30}'::timestamptz[]) AS at;

-- hand-over. 2026-01-24 is a Saturday, 26th Republic Day: cut-off, Sunday, day off; riders go at once
INSERT INTO oms.calendar (company_id, day, name) VALUES (oms.company_id(), '2026-01-26', 'Republic Day');
SELECT to_char(at, 'Dy HH24:MI') AS planned, to_char((SELECT ready_at FROM oms.nodes_near(0, 0, at) WHERE node = 'DEL'), 'Dy DD HH24:MI') AS warehouse,
       to_char((SELECT ready_at FROM oms.nodes_near(0, 0, at) WHERE node = 'KOR'), 'Dy DD HH24:MI') AS dark_store
  FROM unnest('{2026-01-23 09:00+05:30,2026-01-23 15:30+05:30,2026-01-23 15:59:59+05:30,2026-01-23 16:00+05:30,2026-01-24 16:00+05:30,2026-01-25 09:00+05:30,2026-01-26 00:00+05:30,2026-01-27 00:00+05:30}'::timestamptz[]) AS at;
-- the company's clock counts, not the session's
UPDATE oms.company SET timezone = 'America/New_York' WHERE code = 'MESHT';
SELECT ready_at AT TIME ZONE 'UTC' AS utc FROM oms.nodes_near(0, 0, '2026-07-07 19:59+00') WHERE node = 'DEL'
UNION ALL SELECT ready_at AT TIME ZONE 'UTC' FROM oms.nodes_near(0, 0, '2026-07-07 20:00+00') WHERE node = 'DEL';
UPDATE oms.company SET timezone = 'Asia/Kolkata' WHERE code = 'MESHT';
UPDATE oms.company SET timezone = 'Nowhere/Atall' WHERE code = 'MESHO';
CREATE FUNCTION pg_temp.fails(q text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE d text; h text;
BEGIN
    EXECUTE q;
    RETURN 'no error';
EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS d = PG_EXCEPTION_DETAIL, h = PG_EXCEPTION_HINT;
    RETURN SQLSTATE || ': ' || SQLERRM || CASE WHEN d <> '' THEN ' / ' || d ELSE '' END || CASE WHEN h = '' THEN ' (no hint)' ELSE '' END;
END $$;
SELECT pg_temp.fails(q) FROM unnest(ARRAY[
    $$SELECT oms.nodes_near(0, 0, company => 'MESHO')$$,
    $$SELECT oms.nodes_near(91, 0)$$,
    $$SELECT oms.nodes_near('NaN', 0)$$,
    $$SELECT oms.nodes_near(0, 'Infinity')$$,
    $$SELECT oms.nodes_near(0, 0, 'infinity')$$,
    $$SELECT oms.nodes_near(0, 0, company => 'NOPE')$$,
    $$SELECT oms.place_node('NOPE', 0, 0)$$,
    $$SELECT oms.place_node('OTHER', 0, 0)$$,
    $$SELECT oms.place_node('DEL', 77.2, 'NaN')$$,
    $$SELECT oms.place_node('DEL', NULL, 0)$$,
    $$SELECT oms.set_service_area('DEL')$$,
    $$SELECT oms.set_service_area('DEL', NULL, 0)$$,
    $$SELECT oms.set_service_area('NOWHERE', NULL, 100)$$,
    $$SELECT oms.set_service_area('DEL', oms.geo_point(1, 1))$$,
    $$SELECT oms.add_dark_store('X', 'X', 0, 0, 100, '987002')$$,
    $$SELECT oms.add_dark_store('X', 'X', 0, 0, 0, '987001')$$,
    $$SELECT oms.add_dark_store('X', 'X', 0, 0, NULL, '987001')$$,
    $$SELECT oms.add_dark_store('X', 'X', 0, 200, 100, '987001')$$,
    $$SELECT oms.add_dark_store('X', 'X', 0, 0, 100, '987001', kind => 'castle')$$
]) AS q;
SELECT count(*) AS left_behind FROM oms.node WHERE code = 'X';
ROLLBACK;
