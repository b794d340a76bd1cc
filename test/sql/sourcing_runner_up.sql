-- The plan that came second: the best one with another set of nodes, told
-- with the one that was chosen.
\getenv abs_srcdir PG_ABS_SRCDIR
\set shop :abs_srcdir '/sql/include/shop.inc'
BEGIN;
\i :shop
SELECT pg_temp.set_stock(3, 2, 5, 'SHIRT'), pg_temp.set_stock(2, 1, 0, 'TV'), pg_temp.set_stock(0, 0, 4, 'RICE'), pg_temp.set_stock(9, 9, 9, 'BOOK');
-- what came second, whether its cost is that of its nodes, and the difference that of the two plans
CREATE FUNCTION pg_temp.second(ext text, OUT chosen text, OUT nodes jsonb, OUT unfilled numeric, OUT costs boolean, OUT differs boolean, OUT rank integer, OUT proven boolean) LANGUAGE sql AS $$
    WITH e AS (SELECT * FROM oms.explain_order(pg_temp.id(ext)) WHERE run = 1)
    SELECT (SELECT string_agg(what, ' ' ORDER BY what) FROM e WHERE subject = 'node' AND outcome = 'chosen'),
           r.terms -> 'nodes', (r.terms ->> 'unfilled')::numeric,
           r.cost = (SELECT sum(n.cost) FROM e n WHERE n.subject = 'node' AND r.terms -> 'nodes' ? n.what),
           (r.terms ->> 'difference')::numeric = r.cost - c.cost AND r.cost >= c.cost, r.rank, (r.terms ->> 'proven')::boolean
      FROM e c LEFT JOIN e r ON r.outcome = 'runner_up' WHERE c.subject = 'plan' AND c.outcome = 'chosen'
$$;
SELECT pg_temp.plan(pg_temp.capture('a', 'WEB 981001 PREPAID 2xSHIRT'));
-- from one node each: the next cheapest, never the winner and a node that sends nothing
SELECT * FROM pg_temp.second('a');
SELECT what, outcome, rank, meaning FROM oms.explain_order(pg_temp.id('a')) WHERE subject IN ('node', 'plan') ORDER BY seq;
SELECT oms.cancel_order(pg_temp.id('a'));
-- Delhi has all; without it two parcels
SELECT pg_temp.plan(pg_temp.capture('b', 'WEB 981001 PREPAID 4xSHIRT'));
SELECT * FROM pg_temp.second('b');
SELECT oms.cancel_order(pg_temp.id('b'));
-- the other node has less: so many units would wait
SELECT pg_temp.plan(pg_temp.capture('c', 'WEB 981001 PREPAID 2xTV'));
SELECT * FROM pg_temp.second('c');
SELECT what, outcome, meaning FROM oms.explain_order(pg_temp.id('c')) WHERE subject = 'plan' ORDER BY seq;
SELECT oms.cancel_order(pg_temp.id('c'));
-- ... which is no plan where everything goes together or not at all
SELECT pg_temp.plan(pg_temp.capture('d', 'ONE 981001 PREPAID 2xTV'));
SELECT * FROM pg_temp.second('d');
-- only one node has it; nothing could be planned
SELECT pg_temp.plan(pg_temp.capture('e', 'WEB 981001 PREPAID 1xRICE'));
SELECT * FROM pg_temp.second('e');
SELECT what, outcome, meaning FROM oms.explain_order(pg_temp.id('e')) WHERE subject = 'plan' ORDER BY seq;
-- part of it waits
SELECT pg_temp.plan(pg_temp.capture('part', 'WEB 981001 PREPAID 4xTV'));
SELECT what, outcome, meaning FROM oms.explain_order(pg_temp.id('part')) WHERE subject = 'plan' ORDER BY seq;
SELECT oms.cancel_order(pg_temp.id('part'));
SELECT pg_temp.plan(pg_temp.capture('f', 'WEB 981001 PREPAID 1xRING'));
SELECT count(*) FROM oms.explain_order(pg_temp.id('f')) WHERE subject = 'plan';
-- switched off
SET LOCAL oms.explain_runner_up = off;
SELECT pg_temp.plan(pg_temp.capture('off', 'WEB 981001 PREPAID 1xSHIRT'));
SELECT * FROM pg_temp.second('off');
SELECT oms.cancel_order(pg_temp.id('off'));
SET LOCAL oms.explain_runner_up = on;
-- the nearest has no book to sell: one parcel from either of the others
UPDATE oms.stock SET sellable = false WHERE company_id = 9200 AND node_id = 9211 AND sku_id = 9223;
SELECT pg_temp.plan(pg_temp.capture('g', 'WEB 981001 PREPAID 1xSHIRT 1xBOOK'));
SELECT * FROM pg_temp.second('g');
-- by priority: the cost told is that of its parcels all the same
INSERT INTO oms.sourcing_rule (company_id, channel_id, pick) VALUES (9200, 9201, 'priority');
UPDATE oms.node SET priority = CASE code WHEN 'DEL' THEN 1 WHEN 'BOM' THEN 2 ELSE 3 END WHERE company_id = 9200;
SELECT pg_temp.plan(pg_temp.capture('h', 'WEB 981001 PREPAID 2xSHIRT'));
WITH e AS (SELECT * FROM oms.explain_order(pg_temp.id('h')))
SELECT r.terms -> 'nodes' AS nodes, r.cost = (SELECT sum(cost) FROM e WHERE subject = 'node' AND r.terms -> 'nodes' ? what) AS costs,
       (r.terms ->> 'difference')::numeric = r.cost - (SELECT cost FROM e WHERE subject = 'plan' AND outcome = 'chosen') AS differs FROM e r WHERE outcome = 'runner_up';
-- against every set of nodes, for orders of two lines over random stock
SELECT setseed(0.25);
DELETE FROM oms.sourcing_rule WHERE company_id = 9200;
UPDATE oms.stock SET sellable = true WHERE company_id = 9200;
DO $$
DECLARE q1 int; q2 int; wrong int := 0; seen int := 0; sets text; got record;
BEGIN
    FOR i IN 1 .. 40 LOOP
        PERFORM oms.adjust_stock(n, k, floor(random() * 4)::int) FROM unnest('{BLR,BOM,DEL}'::text[]) n, unnest('{SHIRT,TV}'::text[]) k;
        q1 := 1 + floor(random() * 3); q2 := 1 + floor(random() * 3);
        CREATE TEMP TABLE free AS SELECT n.node_id, n.code, greatest(max(s.on_hand - s.reserved) FILTER (WHERE s.sku_id = 9221), 0) AS a, greatest(max(s.on_hand - s.reserved) FILTER (WHERE s.sku_id = 9222), 0) AS b
            FROM oms.node n JOIN oms.stock s USING (company_id, node_id) WHERE n.company_id = 9200 GROUP BY 1, 2;
        PERFORM pg_temp.capture('r' || i, format('WEB 981001 PREPAID %sxSHIRT %sxTV', q1, q2));
        SELECT * INTO got FROM pg_temp.second('r' || i);
        -- a set fills what it has together; each of its nodes must send something: without it, less is filled or another sends it
        WITH e AS (SELECT what, cost FROM oms.explain_order(pg_temp.id('r' || i)) WHERE run = 1 AND subject = 'node' AND outcome <> 'refused'),
        f AS (SELECT free.*, e.cost, 1 << (row_number() OVER (ORDER BY least(a, q1) + least(b, q2) DESC, e.cost, node_id) - 1)::int AS bit FROM free JOIN e ON e.what = free.code),
        s AS (SELECT m, sum(cost) AS cost, greatest(q1 - sum(a), 0) + greatest(q2 - sum(b), 0) AS unfilled, string_agg(code, ' ' ORDER BY code) AS nodes
                FROM generate_series(1, 7) m JOIN f ON m & bit > 0 GROUP BY m),
        -- in order of the bits each takes what is left
        t AS (SELECT s.m, f.code, least(f.a, greatest(q1 - coalesce(sum(f.a) OVER w, 0), 0)) + least(f.b, greatest(q2 - coalesce(sum(f.b) OVER w, 0), 0)) AS sends
                FROM s JOIN f ON s.m & f.bit > 0 WINDOW w AS (PARTITION BY s.m ORDER BY f.bit ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING))
        SELECT s.nodes INTO sets FROM s
         WHERE s.nodes IS DISTINCT FROM got.chosen AND bit_count(s.m::bit(8)) = (SELECT count(*) FROM f WHERE s.m & bit > 0)
           AND NOT EXISTS (SELECT FROM t WHERE t.m = s.m AND sends = 0)
         ORDER BY s.unfilled, s.cost, bit_count(s.m::bit(8)) LIMIT 1;
        IF got.chosen IS NOT NULL THEN
            seen := seen + (sets IS NOT NULL)::int;
            IF sets IS DISTINCT FROM (SELECT string_agg(x, ' ' ORDER BY x) FROM jsonb_array_elements_text(got.nodes) x) THEN
                wrong := wrong + 1;
                RAISE NOTICE '% of %, %: wanted %, got %', i, q1, q2, sets, got;
            END IF;
        END IF;
        DROP TABLE free;
        PERFORM oms.cancel_order(pg_temp.id('r' || i));
    END LOOP;
    RAISE NOTICE '% wrong, % had a second plan: %', wrong, CASE WHEN seen > 20 THEN 'most' ELSE 'few' END, seen > 20;
END $$;
ROLLBACK;
