-- The planner among many nodes: what it considers, refuses and chooses.
\getenv abs_srcdir PG_ABS_SRCDIR
\set shop :abs_srcdir '/sql/include/shop.inc'
BEGIN;
\i :shop
-- thirty more nodes, farther and farther north of Bengaluru, each with books; the television stands in the farthest
INSERT INTO oms.node (node_id, company_id, code, name, state_code, pincode, place)
SELECT 9300 + i, 9200, 'N' || to_char(i, 'FM00'), 'Node', '29', '981001', oms.geo_point(13 + i / 10.0, 77.59) FROM generate_series(1, 30) i;
DO $$ BEGIN PERFORM count(oms.adjust_stock('N' || to_char(i, 'FM00'), 'BOOK', 20)), count(oms.adjust_stock('N' || to_char(i, 'FM00'), 'SHIRT', i % 4)) FROM generate_series(1, 30) i; END $$;
SELECT oms.adjust_stock('N30', 'TV', 1), oms.adjust_stock('N30', 'BOOK', 0);
SELECT (SELECT max_nodes FROM oms.sourcing_rule WHERE company_id = 9200) AS max_nodes, count(*) AS nodes FROM oms.node WHERE company_id = 9200;
-- what only one distant node has is not lost among nearer ones
SELECT plan FROM pg_temp.took('far', 'NOW 981001 PREPAID 15xBOOK 1xTV@23600');
SELECT oms.cancel_order(pg_temp.id('far'));
-- the nearest when all have it; farther only for what is missing
SELECT plan FROM pg_temp.took('near', 'WEB 981001 PREPAID 1xBOOK');
SELECT plan FROM pg_temp.took('three', 'WEB 981001 PREPAID 3xSHIRT 1xBOOK');
SELECT what, outcome, rank, reason FROM oms.explain_order(pg_temp.id('three')) WHERE subject = 'node' AND (rank <= 4 OR outcome = 'refused') ORDER BY run, seq;
-- nowhere to be delivered: thirty nodes refused one after the other, held for a person
SELECT status, holds, plan FROM pg_temp.took('nowhere', 'WEB 981099 PREPAID 1xBOOK');
SELECT complete, serviceable FROM jsonb_to_record(oms.promise(pg_temp.doc('-', 'WEB 981099 PREPAID 1xBOOK'), '2026-03-02 10:00+05:30')) AS p (complete boolean, serviceable boolean);
-- a courier that picks up only in the far half
DELETE FROM oms.serviceability WHERE pincode = '981001';
INSERT INTO oms.serviceability (courier_service_id, pincode, pickup) VALUES (9251, '981001', false), (9251, '981005', true);
UPDATE oms.node SET pincode = '981005' WHERE node_id BETWEEN 9326 AND 9330;
SELECT status, holds, plan FROM pg_temp.took('pickup', 'WEB 981001 PREPAID 1xBOOK');
SELECT reason, count(*) FROM oms.explain_order(pg_temp.id('pickup')) WHERE subject = 'node' AND outcome = 'refused' GROUP BY 1 ORDER BY 1;
-- the rule: of the channel before the company's; distance, priority, parcel cost
INSERT INTO oms.sourcing_rule (company_id, channel_id, max_distance_m) VALUES (9200, NULL, 1), (9200, 9201, 200000);
INSERT INTO oms.serviceability (courier_service_id, pincode) VALUES (9251, '981006');
UPDATE oms.node SET pincode = '981006' WHERE node_id BETWEEN 9300 AND 9330;
-- (N01 and N03 are not full any more, but the nearest)
SELECT plan FROM pg_temp.took('r1', 'WEB 981001 PREPAID 21xBOOK');
SELECT reason, count(*) FROM oms.explain_order(pg_temp.id('r1')) WHERE subject = 'node' AND outcome = 'refused' GROUP BY 1 ORDER BY 1;
SELECT plan FROM pg_temp.took('r2', 'ONE 981001 PREPAID 1xBOOK');
UPDATE oms.node SET priority = 0 WHERE node_id = 9305;
UPDATE oms.sourcing_rule SET cost_per_priority = 10 WHERE channel_id = 9201;
SELECT plan FROM pg_temp.took('r3', 'WEB 981001 PREPAID 1xBOOK');
UPDATE oms.node SET open = false WHERE node_id = 9305;
UPDATE oms.node SET state_code = NULL WHERE node_id = 9304;
UPDATE oms.sourcing_rule SET cost_per_priority = 0, cost_per_km = 0, cost_per_minute = 0 WHERE channel_id = 9201;
UPDATE oms.node SET handling_cost = 5 WHERE node_id BETWEEN 9301 AND 9307 AND node_id <> 9306;
SELECT plan FROM pg_temp.took('r4', 'WEB 981001 PREPAID 1xBOOK');
SELECT what, reason FROM oms.explain_order(pg_temp.id('r4')) WHERE subject = 'node' AND reason IN ('CLOSED', 'NO_STATE') ORDER BY 1;
SELECT * FROM oms.verify();
ROLLBACK;
