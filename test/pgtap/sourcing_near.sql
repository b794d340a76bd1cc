-- Orders of a channel in a rush are planned without reading what other nodes
-- have, where the cheapest has all: random shops, each order accepted by one
-- channel and planned by the whole planner for another.  What is accepted
-- from one node comes from the node that the planner takes.
\set ON_ERROR_STOP 1
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pgtap;
CREATE EXTENSION IF NOT EXISTS pg_oms CASCADE;
BEGIN;
\i test/sql/include/shop.inc
\set ECHO none
SELECT plan(8);
CREATE FUNCTION pg_temp.pick(seed integer, draw integer, n integer) RETURNS integer LANGUAGE sql IMMUTABLE AS $$
    SELECT ((hashint8(seed * 1000::bigint + draw)::bigint + 2147483648) % n)::integer
$$;
CREATE FUNCTION pg_temp.one_of(seed integer, draw integer, VARIADIC numeric[]) RETURNS numeric LANGUAGE sql IMMUTABLE AS $$
    SELECT $3[1 + pg_temp.pick($1, $2, cardinality($3))]
$$;
-- couriers take everything: what an order is accepted with is planned without them
UPDATE oms.courier_service SET cold_chain = true WHERE courier_service_id = 9251;
INSERT INTO oms.channel (channel_id, company_id, code, name, kind, accept_first) VALUES (9209, 9200, 'RUSH', 'In a rush', 'web', true);
INSERT INTO oms.node (node_id, company_id, code, name, state_code, pincode) SELECT 9280 + i, 9200, 'M' || i, 'More', '29', '981001' FROM generate_series(1, 5) i;
INSERT INTO oms.node_group (node_group_id, company_id, code, name) VALUES (9291, 9200, 'G', 'Group');
INSERT INTO oms.stock (company_id, node_id, sku_id) SELECT 9200, n.node_id, k.sku_id FROM oms.node n, oms.sku k WHERE n.company_id = 9200 AND k.sku_id IN (9221, 9222, 9223, 9224) ON CONFLICT DO NOTHING;
CREATE FUNCTION pg_temp.shop(s integer) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    UPDATE oms.node n SET
           place = CASE WHEN pg_temp.pick(s, 100 + i, 3) = 0 THEN oms.geo_point(12.97, 77.59) ELSE oms.geo_point(12.97 + pg_temp.pick(s, 120 + i, 40) / 10.0, 77.59) END,
           handling_cost = CASE pg_temp.pick(s, 1, 3) WHEN 0 THEN 0 WHEN 1 THEN pg_temp.pick(s, 140 + i, 3) ELSE pg_temp.pick(s, 140 + i, 5000) / 100.0 END,
           priority = pg_temp.one_of(s, 160 + i, -100, -10, -1, 0, 1, 100, 1000)::integer * pg_temp.pick(s, 2, 2),
           pick_minutes = pg_temp.one_of(s, 180 + i, 0, 60, 600)::integer * pg_temp.pick(s, 3, 2),
           open = pg_temp.pick(s, 200 + i, 8) > 0, cold_chain = pg_temp.pick(s, 220 + i, 2) = 0,
           site = CASE WHEN pg_temp.pick(s, 4, 3) = 0 AND pg_temp.pick(s, 240 + i, 2) = 0 THEN 'S' || pg_temp.pick(s, 260 + i, 2) END
      FROM (SELECT node_id, row_number() OVER (ORDER BY node_id)::integer AS i FROM oms.node WHERE company_id = 9200) m WHERE m.node_id = n.node_id;
    UPDATE oms.sku SET cold_chain = sku_id = 9223 AND pg_temp.pick(s, 5, 2) = 0 WHERE company_id = 9200;
    UPDATE oms.stock t SET on_hand = CASE WHEN pg_temp.pick(s, 6, 2) = 0 THEN pg_temp.one_of(s, 300 + i, 0, 0, 0, 9) ELSE pg_temp.one_of(s, 300 + i, -1, 0, 1, 1, 2, 2, 3, 9) END,
           safety = pg_temp.one_of(s, 400 + i, 0, 0, 0, 0, 1), backorder_limit = pg_temp.pick(s, 9, 2) * pg_temp.one_of(s, 500 + i, 0, 0, 3), sellable = pg_temp.pick(s, 600 + i, 20) > 0
      FROM (SELECT node_id, sku_id, row_number() OVER (ORDER BY node_id, sku_id)::integer AS i FROM oms.stock WHERE company_id = 9200) m
     WHERE (m.node_id, m.sku_id) = (t.node_id, t.sku_id);
    INSERT INTO oms.sourcing_rule (company_id, channel_id, order_class, sku_id, pincode_prefix, max_distance_m, min_available, cost_per_km, cost_per_minute, cost_per_priority, shipment_cost, max_nodes,
           ship_complete, line_complete, single_node, line_single_node, max_shipments, min_split_value, pick, stock_price_weight, lane_costs)
    SELECT 9200, NULL, NULL, k.sku, k.prefix, pg_temp.one_of(s, 700 + k.i, NULL, NULL, NULL, 150000, 1000)::integer, pg_temp.one_of(s, 710 + k.i, NULL, NULL, NULL, 1, 2, 9),
           pg_temp.one_of(s, 720 + k.i, 0, 0, 0.02, 1), pg_temp.one_of(s, 730 + k.i, 0, 0, 0.01, 0.1), pg_temp.one_of(s, 740 + k.i, 0, 0.05, 1, 5), pg_temp.one_of(s, 750 + k.i, 0, 0, 45),
           pg_temp.one_of(s, 760 + k.i, 1, 2, 3, 12, 12)::integer, pg_temp.pick(s, 770 + k.i, 4) = 0, pg_temp.pick(s, 780 + k.i, 4) = 0, pg_temp.pick(s, 790 + k.i, 6) = 0, pg_temp.pick(s, 800 + k.i, 4) = 0,
           pg_temp.one_of(s, 810 + k.i, NULL, 1, 2, 5)::integer, pg_temp.one_of(s, 820 + k.i, NULL, NULL, 300), (ARRAY['priority', 'distance', 'stock', 'line', 'cost'])[1 + least(pg_temp.pick(s, 830 + k.i, 16), 4)],
           pg_temp.one_of(s, 840 + k.i, 0, 0, 0, 0, 0, 0.5), pg_temp.pick(s, 850 + k.i, 5) = 0
      FROM (VALUES (1, NULL::integer, NULL), (2, 9221, NULL), (3, NULL, '9810')) k (i, sku, prefix) WHERE pg_temp.pick(s, 860 + k.i, 2 * k.i) = 0;
    IF pg_temp.pick(s, 7, 10) = 0 THEN
        INSERT INTO oms.sourcing_step (sourcing_rule_id, seq, node_id) SELECT sourcing_rule_id, t, 9210 + t FROM oms.sourcing_rule, generate_series(2, 3) t WHERE company_id = 9200;
    END IF;
    INSERT INTO oms.stock_price (company_id, node_id, sku_id, price) SELECT 9200, node_id, sku_id, pg_temp.pick(s, 1400 + node_id % 100 + sku_id % 100 * 100, 100) FROM oms.stock WHERE company_id = 9200;
    INSERT INTO oms.lane_cost (company_id, node_id, region, shipment_cost, unit_cost) SELECT 9200, node_id, '98100' || r, pg_temp.pick(s, node_id + r, 100), pg_temp.pick(s, node_id - r, 60) FROM oms.node, generate_series(1, 2) r WHERE company_id = 9200;
    -- of the last ones carts hold all there is at some nodes; some of them have expired (entries of it, also dead ones, make the planner look for more)
    IF s > 400 THEN
        WITH held AS (
            UPDATE oms.stock SET reserved = greatest(on_hand, 0) WHERE company_id = 9200 AND on_hand > 0 AND pg_temp.pick(s, 900 + node_id % 100 + sku_id % 100 * 100, 3) = 0
            RETURNING node_id, sku_id, reserved)
        INSERT INTO oms.reservation (company_id, node_id, sku_id, qty, cart_id, expires_at)
        SELECT 9200, node_id, sku_id, reserved, 'c', '2026-03-02 10:00+05:30'::timestamptz + make_interval(mins => 15 * pg_temp.pick(s, node_id + sku_id, 3) - 15) FROM held;
    END IF;
END $$;
CREATE FUNCTION pg_temp.what(s integer, draw integer) RETURNS text LANGUAGE sql AS $$
    SELECT ' 98100' || 1 + pg_temp.pick(s, draw, 2) || ' PREPAID ' || string_agg(1 + pg_temp.pick(s, draw + i::integer, 3) || 'x' || item, ' ' ORDER BY i)
      FROM unnest('{SHIRT,TV@900,BOOK,RICE}'::text[]) WITH ORDINALITY AS u (item, i) WHERE i = 1 + pg_temp.pick(s, draw + 5, 4) OR pg_temp.pick(s, draw + 10 + i::integer, 5) = 0
$$;
-- "node of line 1, line 2, ...": each whole from one node, or nothing
CREATE FUNCTION pg_temp.nodes(answer jsonb) RETURNS text LANGUAGE sql AS $$
    SELECT string_agg(concat_ws(' ', p ->> 'line_no', (p ->> 'qty')::numeric::float8, coalesce(p ->> 'node', 'waits')), ', ' ORDER BY (p ->> 'line_no')::integer, p ->> 'node') FROM jsonb_array_elements(answer -> 'plan') p
$$;
CREATE TEMP TABLE seen (seed integer, what text, status text, accepted text, planned text, one boolean);
CREATE FUNCTION pg_temp.try(s integer) RETURNS SETOF seen LANGUAGE plpgsql AS $$
DECLARE r seen; rs seen[]; a jsonb;
BEGIN
    BEGIN
        PERFORM pg_temp.shop(s);
        FOR draw IN 1000 .. 1200 BY 100 LOOP
            r := NULL;
            r.seed := s;
            r.what := pg_temp.what(s, draw);
            r.planned := pg_temp.nodes(oms.promise(pg_temp.doc('p', 'RUSH' || r.what), '2026-03-02 10:00+05:30'));
            a := oms.capture_order(pg_temp.doc('o' || draw, 'RUSH' || r.what), '2026-03-02 10:00+05:30');
            r.status := a ->> 'status';
            r.accepted := pg_temp.nodes(a);
            r.one := (SELECT count(DISTINCT p ->> 'node') FROM jsonb_array_elements(a -> 'plan') p) = 1;
            rs := rs || r;
        END LOOP;
        RAISE SQLSTATE 'ZZ000';
    EXCEPTION WHEN SQLSTATE 'ZZ000' THEN NULL;
    END;
    RETURN QUERY SELECT * FROM unnest(rs);
END $$;
INSERT INTO seen SELECT t.* FROM generate_series(1, 500) s, pg_temp.try(s) t;
SELECT is((SELECT count(*) FROM seen), 1500::bigint, 'three orders of each shop');
SELECT cmp_ok((SELECT count(*) FROM seen WHERE status = 'accepted' AND one), '>', 400::bigint, 'many are accepted from one node');
SELECT cmp_ok((SELECT count(*) FROM seen WHERE status = 'accepted' AND NOT one), '>', 20::bigint, 'some from several');
SELECT cmp_ok((SELECT count(*) FROM seen WHERE status <> 'accepted'), '>', 200::bigint, 'some not');
SELECT cmp_ok((SELECT count(DISTINCT right(planned, 3)) FROM seen WHERE status = 'accepted' AND one), '>', 6::bigint, 'from all sorts of nodes');
SELECT is_empty($$SELECT * FROM seen WHERE status = 'accepted' AND one AND accepted IS DISTINCT FROM planned$$, 'from the node that the planner takes');
SELECT is_empty($$SELECT * FROM seen WHERE status = 'accepted' AND accepted IS DISTINCT FROM planned$$, 'and so are those from several');
SELECT is_empty($$SELECT * FROM oms.verify()$$, 'nothing is left of it');
SELECT * FROM finish();
ROLLBACK;

