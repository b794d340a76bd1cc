-- Numbers of masters: none of them may be NaN or infinite, and those that may
-- be below zero are few and known.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pg_oms CASCADE;
BEGIN;
DO $$ BEGIN PERFORM oms.install(); END $$;
-- whether the CHECK constraints of the column alone, and its type, let a value through
CREATE FUNCTION pg_temp.takes(tab regclass, col name, value text) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
    typ text;
    expr text;
    good boolean;
BEGIN
    SELECT format_type(a.atttypid, a.atttypmod),
           coalesce((SELECT string_agg(pg_get_expr(k.conbin, k.conrelid), ' AND ') FROM pg_constraint k
                      WHERE k.conrelid = a.attrelid AND k.contype = 'c' AND k.conkey = ARRAY[a.attnum]), 'true')
      INTO typ, expr FROM pg_attribute a WHERE a.attrelid = tab AND a.attname = col;
    EXECUTE format('SELECT (%s) IS NOT FALSE FROM (SELECT %L::%s AS %I) v', expr, value, typ, col) INTO good;
    RETURN good;
EXCEPTION WHEN numeric_value_out_of_range OR invalid_text_representation THEN
    RETURN false;
END $$;
CREATE VIEW pg_temp.number AS
SELECT a.attrelid::regclass AS tab, a.attname AS col
  FROM pg_attribute a
 WHERE a.attrelid = ANY ('{oms.channel,oms.sku,oms.kit_component,oms.price,oms.tax_code,oms.gst_rate,oms.node,oms.service_area,oms.node_slot,oms.risk_model,oms.risk_term,oms.risk_policy,
       oms.courier_service,oms.zone_transit,oms.rate_card,oms.rate_slab,oms.network_status,oms.node_group_member,oms.sourcing_rule,oms.sourcing_step,oms.lane_cost,oms.demand_forecast,oms.stock_price}'::regclass[])
   AND a.attnum > 0 AND NOT a.attisdropped AND a.atttypid = ANY ('{int4,int8,numeric,float8}'::regtype[])
   AND a.attname !~ '_id$' AND (a.attname, a.attrelid) <> ('used', 'oms.node_slot'::regclass);
SELECT count(*) > 60 AS many FROM pg_temp.number;
SELECT tab, col, v AS value FROM pg_temp.number, unnest('{NaN,infinity,-infinity}'::text[]) v WHERE pg_temp.takes(tab, col, v) ORDER BY tab::text COLLATE "C", col COLLATE "C", v COLLATE "C";
SELECT tab, string_agg(col, ' ' ORDER BY col COLLATE "C") AS below_zero FROM pg_temp.number WHERE pg_temp.takes(tab, col, '-1') GROUP BY tab ORDER BY tab::text COLLATE "C";
-- what is stated is taken
SELECT tab, col FROM pg_temp.number WHERE NOT pg_temp.takes(tab, col, '1');
-- a slot of minus six hours divides the day as well
SELECT h FROM generate_series(-24, 25) h WHERE h <> 0 AND pg_temp.takes('oms.node', 'slot_hours', h::text);
INSERT INTO oms.company (company_id, code, name) VALUES (9300, 'NUMBERS', 'Numbers');
CREATE FUNCTION pg_temp.fails(q text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    d text;
BEGIN
    EXECUTE q;
    RETURN 'no error';
EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS d = PG_EXCEPTION_DETAIL;
    RETURN concat_ws(' / ', SQLSTATE || ': ' || SQLERRM, nullif(d, ''));
END $$;
SELECT split_part(pg_temp.fails(q), ' / ', 1) AS fails FROM unnest(ARRAY[
    $$INSERT INTO oms.node (company_id, code, name, handling_cost) VALUES (9300, 'N', 'N', 'NaN')$$,
    $$INSERT INTO oms.sourcing_rule (company_id, cost_per_km) VALUES (9300, -0.01)$$,
    $$INSERT INTO oms.risk_term (risk_model_id, term, weight, reason) SELECT risk_model_id, 'distance', 'infinity', 'R03' FROM oms.risk_model WHERE name = 'prior-1'$$]) q;
-- nor does a simulation take them, or a call
INSERT INTO oms.node (company_id, code, name) VALUES (9300, 'N', 'N');
SELECT pg_temp.fails(format('SELECT oms.simulate(%L, now(), now(), ''NUMBERS'')', rules)) FROM unnest(ARRAY[
    '{"rule": {"cost_per_km": -0.01}}', '{"rule": {"shipment_cost": "NaN"}}', '{"rule": {"shipment_cost": "Infinity"}}', '{"rule": {"max_distance_m": -1}}',
    '{"node": {"N": {"handling_cost": -1}}}', '{"node": {"N": {"handling_cost": "NaN"}}}', '{"node": {"N": {"priority": -1}}}']) rules;
SELECT pg_temp.fails($$SELECT oms.set_network_status('09', surcharge_pct => 'NaN', valid_from => '2026-01-02')$$);
SELECT pg_temp.fails($$SELECT oms.set_network_status('09', surcharge_pct => 1000, valid_from => '2026-01-02')$$);
ROLLBACK;
