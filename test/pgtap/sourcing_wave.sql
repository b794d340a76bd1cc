-- Waves of small random shops: where the flow is exact the optimum, else no
-- worse than planning one order after the other.
\set ON_ERROR_STOP 1
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pgtap;
CREATE EXTENSION IF NOT EXISTS pg_oms CASCADE;
SELECT plan(6);
SELECT oms.install() \g /dev/null
INSERT INTO oms.company (company_id, code, name) VALUES (1, 'W', 'Waves');
INSERT INTO oms.channel (company_id, code, name, kind) VALUES (1, 'WEB', 'Web', 'web');
INSERT INTO oms.sourcing_rule (company_id, lane_costs, cost_per_minute, cost_per_priority) VALUES (1, true, 0, 0);
INSERT INTO oms.pincode (pincode, state_code, district) SELECT (990000 + r)::text, '29', 'W' FROM generate_series(1, 8) r;
INSERT INTO oms.courier (courier_id, code, name) VALUES (1, 'C', 'Courier');
INSERT INTO oms.courier_service (courier_service_id, courier_id, code, name, mode) VALUES (1, 1, 'C-S', 'Surface', 'surface');
INSERT INTO oms.serviceability (courier_service_id, pincode) SELECT 1, (990000 + r)::text FROM generate_series(1, 8) r;
INSERT INTO oms.zone_rule (courier_id, seq, test, zone) VALUES (1, 1, 'otherwise', 'Z');
INSERT INTO oms.zone_transit (courier_service_id, zone, days) VALUES (1, 'Z', 2);
INSERT INTO oms.rate_card (rate_card_id, company_id, courier_service_id) VALUES (1, 1, 1);
INSERT INTO oms.rate_slab (rate_card_id, zone, leg, base, add) SELECT 1, 'Z', l, 40, 0 FROM unnest('{forward,rto,reverse}'::text[]) l;
INSERT INTO oms.node (node_id, company_id, code, name, state_code, pincode, handling_cost) SELECT n, 1, 'N' || n, 'Node', '29', '990001', 0 FROM generate_series(1, 4) n;
INSERT INTO oms.sku (sku_id, company_id, code, name, hsn) SELECT k, 1, 'S' || k, 'Item', '4901' FROM generate_series(1, 3) k;
INSERT INTO oms.price (company_id, sku_id, amount) SELECT 1, k, 100 FROM generate_series(1, 3) k;
INSERT INTO oms.stock (company_id, node_id, sku_id) SELECT 1, n, k FROM generate_series(1, 4) n, generate_series(1, 3) k;

CREATE TABLE public.outcome (seed integer, several boolean, optimum numeric, wave numeric, wave_units numeric, wave_short bigint, single numeric, single_units numeric, single_short bigint, faults bigint);
-- eight orders to a pincode each; one node after the other gets stock
CREATE FUNCTION public.shop(seed integer, several boolean) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    PERFORM setseed(seed / 1000.0);
    DELETE FROM oms.lane_cost;
    INSERT INTO oms.lane_cost (company_id, node_id, region, shipment_cost, unit_cost)
    SELECT 1, n, (990000 + r)::text, 30 + floor(random() * 60), floor(random() * 9) FROM generate_series(1, 4) n, generate_series(1, 8) r ORDER BY 2, 3;
    UPDATE oms.stock SET on_hand = 0;
    PERFORM oms.capture_order(jsonb_build_object('channel', 'WEB', 'external_id', seed || '-' || i, 'payment', '{"mode": "PREPAID"}'::jsonb,
            'ship_to', jsonb_build_object('pincode', (990000 + i)::text, 'address1', '1, Long Street'),
            'lines', (SELECT jsonb_agg(jsonb_build_object('sku', 'S' || (1 + (i + l) % 3), 'qty', CASE WHEN several THEN 1 + (i * l) % 2 ELSE 1 END))
                        FROM generate_series(1, CASE WHEN several THEN 1 + i % 3 ELSE 1 END) l)), '2026-03-02 10:00+05:30')
       FROM generate_series(1, 8) i;
    UPDATE oms.stock SET on_hand = s.q, updated_at = clock_timestamp() + interval '1 hour'
      FROM (SELECT n, k, floor(random() * CASE WHEN several THEN 5 ELSE 3 END) AS q FROM generate_series(1, 4) n, generate_series(1, 3) k ORDER BY 1, 2) s
     WHERE node_id = s.n AND sku_id = s.k;
END $$;
CREATE FUNCTION public.cost(OUT cost numeric, OUT units numeric, OUT short bigint) LANGUAGE sql AS $$
    SELECT coalesce(sum(l.unit_cost * a.qty), 0) + coalesce((SELECT sum(p.shipment_cost) FROM (SELECT DISTINCT o.order_id, a.node_id, o.ship_pincode
              FROM oms.allocation a JOIN oms."order" o USING (order_id) WHERE a.status = 'reserved') x JOIN oms.lane_cost p ON p.node_id = x.node_id AND p.region = x.ship_pincode), 0),
           coalesce(sum(a.qty), 0), (SELECT count(DISTINCT b.order_id) FROM oms.allocation b WHERE b.status = 'backordered')
      FROM oms.allocation a JOIN oms."order" o USING (order_id) JOIN oms.lane_cost l ON l.node_id = a.node_id AND l.region = o.ship_pincode WHERE a.status = 'reserved'
$$;
-- the optimum by a flow of its own: order 1-8, item at node, node, sink; rooms by node
CREATE FUNCTION public.optimum(rooms integer[]) RETURNS numeric LANGUAGE sql AS $$
    WITH arc AS (
        SELECT o.n AS f, (8 + 4 * (s.sku_id - 1) + s.node_id)::int AS t, 1::bigint AS cap, ((l.shipment_cost + l.unit_cost) * 100)::bigint AS cost
          FROM (SELECT right(q.ship_pincode, 1)::int AS n, q.ship_pincode, a.sku_id FROM oms."order" q JOIN oms.allocation a USING (order_id) WHERE a.status <> 'cancelled') o
          JOIN oms.stock s ON s.sku_id = o.sku_id JOIN oms.lane_cost l ON l.node_id = s.node_id AND l.region = o.ship_pincode
        UNION ALL SELECT 8 + 4 * (sku_id - 1) + node_id, 20 + node_id, on_hand::bigint, 0 FROM oms.stock
        UNION ALL SELECT 20 + i::int, 25, r, 0 FROM unnest(rooms) WITH ORDINALITY AS u (r, i)
        UNION ALL SELECT n, 25, 1, 1000000 FROM generate_series(1, 8) n)
    SELECT f.total_cost / 100.0 FROM (SELECT array_agg(f) AS f, array_agg(t) AS t, array_agg(cap) AS k, array_agg(cost) AS c FROM arc) a,
           oms.min_cost_flow(array_fill(1::bigint, '{8}') || array_fill(0::bigint, '{16}') || -8::bigint, a.f, a.t, a.k, a.c) f
$$;
CREATE FUNCTION public.play(seed integer, several boolean) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    rooms integer[] := CASE WHEN several THEN '{99,99,99,99}' ELSE ARRAY[1 + seed % 3, 1 + seed % 2, 2, 9] END;
    r public.outcome;
BEGIN
    PERFORM public.shop(seed, several);
    r.seed := seed; r.several := several;
    r.optimum := CASE WHEN NOT several THEN public.optimum(rooms) END;
    BEGIN -- one after the other, undone
        PERFORM oms.retry_backorders(100, '2026-03-02 10:30+05:30') ;
        SELECT * INTO r.single, r.single_units, r.single_short FROM public.cost();
        RAISE EXCEPTION 'undo';
    EXCEPTION WHEN raise_exception THEN NULL;
    END;
    PERFORM oms.allocate_wave(at => '2026-03-02 10:30+05:30', capacity => jsonb_build_object('N1', rooms[1], 'N2', rooms[2], 'N3', rooms[3], 'N4', rooms[4]));
    SELECT * INTO r.wave, r.wave_units, r.wave_short FROM public.cost();
    SELECT count(*) INTO r.faults FROM oms.verify() WHERE invariant <> 'stock_ledger';
    INSERT INTO public.outcome SELECT r.*;
    PERFORM oms.cancel_order(order_id) FROM oms."order" WHERE status <> 'cancelled';
END $$;
SELECT count(public.play(s, false)) FROM generate_series(1, 20) s \g /dev/null
SELECT count(public.play(s, true)) FROM generate_series(101, 130) s \g /dev/null

SELECT is((SELECT count(*) FROM outcome WHERE NOT several AND wave + (8 - wave_units) * 10000 <> optimum), 0::bigint, 'orders of one unit: the optimum, under stock and room of nodes');
SELECT cmp_ok((SELECT count(*) FROM outcome WHERE NOT several AND wave_units < 8), '>', 3::bigint, 'also where not all can be served');
SELECT is((SELECT sum(faults) FROM outcome), 0::numeric, 'all is sound');
SELECT is((SELECT count(*) FROM outcome WHERE several AND (wave_units, -wave - 100 * wave_short) < (single_units, -single - 100 * single_short)), 0::bigint, 'several lines: never worse than one after the other');
SELECT cmp_ok((SELECT count(*) FROM outcome WHERE several AND (wave_units, -wave - 100 * wave_short) > (single_units, -single - 100 * single_short)), '>', 10::bigint, 'and often better');
SELECT cmp_ok((SELECT sum(wave) FROM outcome WHERE several AND (wave_units, wave_short) = (single_units, single_short)), '<', (SELECT sum(single) FROM outcome WHERE several AND (wave_units, wave_short) = (single_units, single_short)), 'cheaper over all where as much is filled');
SELECT * FROM finish();
