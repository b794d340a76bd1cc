-- oms.min_cost_flow: problems small enough to work out by hand, limits, and
-- that a timeout ends it in the midst.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pg_oms CASCADE;
-- two orders of 2 and 1 units, two nodes with 2 slots each, unserved at 1,000: order 2 reaches node 3 only
SELECT status, total_cost, flow FROM oms.min_cost_flow('{2,1,0,0,-3}', '{1,1,2,1,2,3,4}', '{3,4,3,5,5,5,5}', '{2,2,1,2,1,2,2}', '{40,50,30,1000,1000,0,0}');
-- one slot less: the dearest choice stays unserved
SELECT status, total_cost, flow FROM oms.min_cost_flow('{2,1,0,0,-3}', '{1,1,2,1,2,3,4}', '{3,4,3,5,5,5,5}', '{2,2,1,2,1,2,0}', '{40,50,30,1000,1000,0,0}');
-- the difference of potentials is the price of a unit more
SELECT status, total_cost, potential[2] - potential[1] AS price FROM oms.min_cost_flow('{3,-3}', '{1,1}', '{2,2}', '{2,9}', '{3,7}');
-- a loop that earns, and a circle that does
SELECT * FROM oms.min_cost_flow('{0,0}', '{1,1,2}', '{1,2,1}', '{4,3,9}', '{-2,-5,1}');
-- nothing, and nothing possible
SELECT * FROM oms.min_cost_flow('{}', '{}', '{}', '{}', '{}');
SELECT * FROM oms.min_cost_flow('{0,0}', '{}', '{}', '{}', '{}');
SELECT * FROM oms.min_cost_flow('{1,-1}', '{}', '{}', '{}', '{}');
SELECT * FROM oms.min_cost_flow('{2,-2}', '{1,2}', '{2,1}', '{1,5}', '{1,1}');
SELECT * FROM oms.min_cost_flow('{1,-1}', NULL, '{}', '{}', '{}');
-- arrays need not begin at 1, and are not written to
SELECT f, status, flow FROM (SELECT '[0:1]={1,1}'::int[] AS f) a, oms.min_cost_flow('{1,-1}', f, '{2,2}', '{1,1}', '{4,3}');
-- what is no problem
CREATE FUNCTION pg_temp.refused(supply bigint[], f integer[], t integer[], capacity bigint[], cost bigint[]) RETURNS text LANGUAGE plpgsql AS $$
DECLARE d text;
BEGIN
    RETURN oms.min_cost_flow(supply, f, t, capacity, cost);
EXCEPTION WHEN SQLSTATE 'OM001' THEN
    GET STACKED DIAGNOSTICS d = PG_EXCEPTION_DETAIL;
    RETURN d;
END $$;
SELECT pg_temp.refused(s::bigint[], f::int[], t::int[], k::bigint[], c::bigint[])
  FROM (VALUES ('{2,-1}', '{1}', '{2}', '{1}', '{1}'), ('{1,-1}', '{1}', '{2,1}', '{1}', '{1}'), ('{1,-1}', '{1}', '{2}', '{}', '{1}'), ('{1,-1}', '{1}', '{2}', '{1}', '{1,2}'),
               ('{1,-1}', '{0}', '{2}', '{1}', '{1}'), ('{1,-1}', '{1}', '{3}', '{1}', '{1}'), ('{1,-1}', '{1}', '{2}', '{-1}', '{1}'), ('{1,-1}', '{1}', '{2}', '{NULL}', '{1}'),
               ('{1,-1}', '{{1}}', '{2}', '{1}', '{1}'), ('{1,-1}', '{1}', '{2}', '{9223372036854775807}', '{1}'), ('{1,-1}', '{1,1}', '{2,2}', '{4611686018427387903,4611686018427387903}', '{1,1}'),
               ('{-9223372036854775808,-9223372036854775808}', '{1}', '{2}', '{1}', '{1}'), ('{1,-1}', '{1}', '{2}', '{1}', '{-9223372036854775808}'), ('{1,-1}', '{1}', '{2}', '{1}', '{384307168202282326}')) AS v (s, f, t, k, c);
-- the largest costs and amounts that are let in
SELECT * FROM oms.min_cost_flow('{1,-1}', '{1}', '{2}', '{1}', '{384307168202282325}');
SELECT status, total_cost FROM oms.min_cost_flow('{1537228672809129301,-1537228672809129301}', '{1}', '{2}', '{1537228672809129302}', '{6}');
SELECT total_cost FROM oms.min_cost_flow('{1537228672809129301,-1537228672809129301}', '{1}', '{2}', '{1537228672809129302}', '{7}');
-- 30,000 orders with 12 arcs to 40 nodes; then a tenth of the time it took
CREATE TEMP TABLE big AS
  WITH arcs AS (SELECT i AS f, 30001 + (i * 31 + k * 7 + (i * k) % 11) % 40 AS t, 1::bigint AS cap, 2000 + (i * 7919::bigint + k * 104729) % 12007 AS c FROM generate_series(1, 30000) i, generate_series(1, 12) k
                UNION ALL SELECT i, 30041, 1, 1000000 FROM generate_series(1, 30000) i
                UNION ALL SELECT 30000 + s, 30041, 740, 0 FROM generate_series(1, 40) s)
SELECT array_fill(1::bigint, '{30000}') || array_fill(0::bigint, '{40}') || -30000::bigint AS s, array_agg(f) AS f, array_agg(t) AS t, array_agg(cap) AS cap, array_agg(c) AS c FROM arcs;
SELECT clock_timestamp() AS began \gset
SELECT status, (SELECT count(*) FROM unnest(a.flow) x WHERE x > 0) AS used FROM big, oms.min_cost_flow(s, f, t, cap, c) a;
SELECT extract(epoch FROM clock_timestamp() - :'began') AS took \gset
SELECT set_config('statement_timeout', greatest(10, round(:took * 100))::text || 'ms', false) IS NOT NULL AS set, clock_timestamp() AS began \gset
SELECT total_cost FROM big, oms.min_cost_flow(s, f, t, cap, c);
SET statement_timeout = 0;
SELECT extract(epoch FROM clock_timestamp() - :'began') < 0.7 * :took AS ended_early;
