-- oms.plan_split: the planner's search on a problem that the caller states.
-- Two near nodes with a line each, and a far one that has both; costs are
-- small enough to check by hand.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pg_oms CASCADE;
CREATE TEMP TABLE p AS SELECT jsonb '{
  "nodes": [{"id": "NEAR", "fixed": 40, "base": 30, "add": 10},
            {"id": "NEXT", "fixed": 45, "base": 31, "add": 10},
            {"id": "FAR", "fixed": 90.5, "base": 80, "add": 30}],
  "lines": [{"sku": "TEA", "qty": 2, "grams": 250, "stock": [5, 1, 3], "unit_cost": [1, 2, 3]},
            {"sku": "POT", "qty": 1, "grams": 1200, "stock": [0, 4, 2], "unit_cost": [5, 5, 2.25]}]}' AS doc;
CREATE FUNCTION pg_temp.short(doc jsonb, mode text) RETURNS text LANGUAGE sql AS $$
    SELECT concat_ws(' ', a.complete, a.lines || '/' || a.shipments, a.cost, a.slab_cost, CASE WHEN NOT a.proven THEN 'unproven' END,
                     (SELECT string_agg((e ->> 'qty') || 'x' || (e ->> 'sku') || '@' || (e ->> 'node'), ' ' ORDER BY o) FROM jsonb_array_elements(a.pieces) WITH ORDINALITY AS t (e, o)))
      FROM jsonb_to_record(oms.plan_split($1, $2)) AS a (complete boolean, proven boolean, lines int, shipments int, cost numeric, slab_cost numeric, pieces jsonb)
$$;
SELECT jsonb_pretty(oms.plan_split(doc)) FROM p;
-- one parcel from afar; two cheaper ones; by weight the far one is dear
SELECT m, pg_temp.short(doc, m) FROM p, unnest('{cost,shipments,slab,partial,greedy}'::text[]) m;
-- nobody has three pots and a tea: by lines, by units, not at all
SELECT m, d, pg_temp.short(jsonb_set(doc, '{lines,1,qty}', '7') || jsonb_build_object('split_lines', d), m)
  FROM p, unnest('{cost,partial,greedy}'::text[]) m, unnest('{f,t}'::boolean[]) d ORDER BY d, m;
-- a line divided
SELECT d, pg_temp.short(jsonb_set(doc, '{lines,1,qty}', '6') || jsonb_build_object('split_lines', d), 'cost') FROM p, unnest('{f,t}'::boolean[]) d;
-- limits: parcels, closed nodes, the slab; none of the optional fields
SELECT pg_temp.short(doc || '{"max_shipments": 1}', 'cost'), pg_temp.short(doc || '{"max_shipments": 1}', 'slab') FROM p;
SELECT pg_temp.short(jsonb_set(doc, '{nodes,2,open}', 'false'), 'shipments') FROM p;
SELECT pg_temp.short(doc || '{"slab_g": 10000}', 'slab') FROM p;
SELECT oms.plan_split('{"nodes": [{"id": 7}], "lines": [{"sku": "A", "qty": 0.5, "stock": [1]}]}');
SELECT oms.plan_split('{"nodes": [], "lines": [{"sku": "A", "qty": 0.5, "stock": []}]}');
-- equal cost: fewer parcels; equal in both: the node named first
SELECT pg_temp.short('{"nodes": [{"id": "A"}, {"id": "B"}, {"id": "C"}], "lines": [{"sku": "S", "qty": 1, "stock": [1, 0, 1]}, {"sku": "T", "qty": 1, "stock": [0, 1, 1]}]}', m),
       pg_temp.short('{"nodes": [{"id": "A"}, {"id": "B"}], "lines": [{"sku": "S", "qty": 1, "stock": [1, 1]}]}', m)
  FROM unnest('{cost,shipments,partial}'::text[]) m;
-- ordinary size is always proven: 12 nodes, 8 lines, all of them everywhere
SELECT m, a ->> 'proven' AS proven, a ->> 'shipments' AS shipments, a ->> 'cost' AS cost, a ->> 'slab_cost' AS slab_cost
  FROM (SELECT jsonb_build_object('nodes', (SELECT jsonb_agg(jsonb_build_object('id', n, 'fixed', 30 + n * 7 % 11, 'base', 20 + n * 5 % 7, 'add', 5 + n * 3 % 5)) FROM generate_series(1, 12) n),
               'lines', (SELECT jsonb_agg(jsonb_build_object('sku', 'S' || l, 'qty', 1 + l % 3, 'grams', 100 * l,
                   'stock', (SELECT jsonb_agg(3) FROM generate_series(1, 12)),
                   'unit_cost', (SELECT jsonb_agg((n * l) % 13) FROM generate_series(1, 12) n))) FROM generate_series(1, 8) l)) AS doc) q,
       unnest('{cost,shipments,slab}'::text[]) m, LATERAL oms.plan_split(doc, m) a;
-- what is no problem
CREATE FUNCTION pg_temp.refused(doc jsonb, mode text DEFAULT 'cost') RETURNS text LANGUAGE plpgsql AS $$
DECLARE d text;
BEGIN
    RETURN oms.plan_split(doc, mode);
EXCEPTION WHEN SQLSTATE 'OM001' THEN
    GET STACKED DIAGNOSTICS d = PG_EXCEPTION_DETAIL;
    RETURN coalesce(nullif(d, ''), SQLERRM);
END $$;
SELECT pg_temp.refused(doc, 'best') FROM p;
SELECT pg_temp.refused(x) FROM unnest('{"[]","3","{}"}'::jsonb[]) x;
SELECT pg_temp.refused(jsonb_set(doc, path::text[], value::jsonb), mode)
  FROM p, (VALUES ('{nodes}', '7', 'cost'), ('{lines}', '[]', 'cost'), ('{nodes,0}', '7', 'cost'), ('{lines,0}', '[]', 'cost'), ('{colour}', '"red"', 'cost'), ('{nodes,1,km}', '7', 'cost'),
                  ('{nodes,1,id}', 'null', 'cost'), ('{nodes,1,open}', '1', 'cost'), ('{nodes,1,fixed}', '-1', 'cost'), ('{nodes,1,fixed}', '1e9', 'cost'), ('{nodes,1,fixed}', '1e400', 'cost'), ('{nodes,1,fixed}', '-1e400', 'cost'), ('{nodes,1,fixed}', '1000000.001', 'cost'), ('{nodes,1,fixed}', '"9"', 'cost'),
                  ('{lines,0,sku}', '7', 'cost'), ('{lines,0,qty}', '0', 'cost'), ('{lines,0,qty}', '100001', 'cost'), ('{lines,0,stock}', '[1, 2]', 'cost'), ('{lines,0,stock,2}', '-4', 'cost'), ('{lines,0,unit_cost}', '{}', 'cost'),
                  ('{lines,0,grams}', '100001', 'cost'), ('{max_shipments}', '0', 'cost'), ('{slab_g}', '99', 'cost'), ('{split_lines}', '"yes"', 'cost'), ('{split_lines}', 'true', 'slab')) AS t (path, value, mode);
SELECT pg_temp.refused(doc #- path::text[], 'slab') FROM p, unnest('{"{nodes,0,base}","{nodes,1,base}","{nodes,1,add}","{lines,0,grams}","{lines,0,qty}","{lines,0,stock}"}'::text[]) path;
SELECT pg_temp.refused('{"nodes": [{"id": 7}], "lines": [{"sku": "A", "qty": 1, "stock": [1]}]}', 'slab');
