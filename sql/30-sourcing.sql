-- sourcing: the order status derived from its allocations, and why a plan is as it is.

CREATE FUNCTION oms.order_status(company_id integer, order_id bigint) RETURNS text
LANGUAGE c STABLE STRICT PARALLEL SAFE COST 1000
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'oms_order_status';
COMMENT ON FUNCTION oms.order_status(integer, bigint) IS
    'Status of an order as its allocations and open holds say it is; oms."order".status holds it, oms.verify() compares. Cancelled allocations count only when nothing else is left; a hold shows until something has been shipped.';

CREATE FUNCTION oms.geo_covers(area geography, lng double precision, lat double precision) RETURNS boolean
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
BEGIN ATOMIC
    SELECT ST_Covers(area, ST_SetSRID(ST_MakePoint(lng, lat), 4326)::geography);
END;
COMMENT ON FUNCTION oms.geo_covers(geography, double precision, double precision) IS
    'Whether an area holds a point (degrees); its boundary is inside. NULL where one is missing.';

CREATE FUNCTION oms.explain_order(order_id bigint, company text DEFAULT NULL)
RETURNS TABLE (run integer, seq integer, subject text, what text, outcome text, rank integer, cost numeric, reason text, meaning text, terms jsonb)
LANGUAGE sql STABLE PARALLEL SAFE COST 1000 ROWS 20
SET search_path = pg_catalog, pg_temp AS $$
    WITH c AS (SELECT oms.company_id($2) AS company_id)
    SELECT d.run, d.seq, d.subject,
           CASE WHEN d.subject <> 'plan' THEN concat_ws(' ', n.code, s.code)
                WHEN d.outcome = 'runner_up' THEN (SELECT string_agg(u.code, ' + ' ORDER BY u.i) FROM jsonb_array_elements_text(d.terms -> 'nodes') WITH ORDINALITY u (code, i))
                ELSE (SELECT string_agg(u.code, ' + ' ORDER BY x.seq) FROM oms.decision x JOIN oms.node u ON u.node_id = x.node_id
                       WHERE x.company_id = d.company_id AND x.order_id = d.order_id AND x.run = d.run AND x.subject = 'node' AND x.outcome = 'chosen') END,
           d.outcome, d.rank, d.cost, d.reason,
           CASE WHEN d.subject <> 'plan' THEN r.text
                ELSE concat_ws('; ',
                    CASE WHEN p.difference > 0 THEN p.difference || ' more' WHEN p.difference < 0 THEN -p.difference || ' less' WHEN p.difference = 0 THEN 'Costs the same' END,
                    CASE WHEN p.unfilled = 1 THEN '1 unit waits' WHEN p.unfilled > 0 THEN trim_scale(p.unfilled) || ' units wait' END,
                    CASE p.parcels WHEN 0 THEN 'no parcel' WHEN 1 THEN '1 parcel' ELSE p.parcels || ' parcels' END,
                    CASE WHEN p.complete THEN 'nothing waits' WHEN NOT p.complete THEN 'the rest waits' END,
                    CASE WHEN NOT p.proven THEN 'not all plans were weighed' END) END,
           d.terms
      FROM c JOIN oms.decision d ON d.company_id = c.company_id AND d.order_id = $1
      LEFT JOIN oms.node n ON n.node_id = d.node_id
      LEFT JOIN oms.courier_service s ON s.courier_service_id = d.courier_service_id
      LEFT JOIN oms.reason_code r ON r.code = d.reason
      CROSS JOIN jsonb_to_record(d.terms) AS p (difference numeric, unfilled numeric, parcels integer, complete boolean, proven boolean)
    UNION ALL
    SELECT o.planning_run, 10000, 'risk', m.name, k.action, NULL, round(k.probability::numeric, 4),
           array_to_string(k.reasons, ','),
           (SELECT string_agg(c2.text, '; ' ORDER BY c2.code) FROM oms.reason_code c2 WHERE c2.code = ANY (k.reasons)),
           jsonb_build_object('terms', k.terms, 'utilities', k.utilities)
      FROM c JOIN oms.risk_score k ON k.company_id = c.company_id AND k.order_id = $1
      JOIN oms."order" o ON o.company_id = k.company_id AND o.order_id = k.order_id
      JOIN oms.risk_model m ON m.risk_model_id = k.risk_model_id
     ORDER BY 1, 2
$$;
COMMENT ON FUNCTION oms.explain_order(bigint, text) IS
    'Every node and courier service considered for an order, in each planning run: chosen, ranked with its cost, or refused with a reason; the plan, and the best one with another set of nodes (runner_up), with their nodes and, as meaning, what it costs more, what waits and how many parcels; and the risk score with its terms. Cost is in the order''s currency (a probability for risk).';

CREATE FUNCTION oms.plan_split(problem jsonb, mode text DEFAULT 'cost') RETURNS jsonb
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE COST 1000 AS 'MODULE_PATHNAME', 'oms_plan_split';
COMMENT ON FUNCTION oms.plan_split(jsonb, text) IS
    'What if: the planner''s exact search on the nodes, costs and stock that the caller states (form in doc/sourcing.md); reads and writes no table. Modes: cost (least cost, then fewest parcels), shipments (fewest parcels, then cost), slab (least freight by weight slab), partial (most lines, or units where lines may be divided, then fewest parcels, then cost), greedy (line by line, for comparison). proven says whether the plan is the optimum for certain. Amounts are of one unit, two decimals. Raises OM001 for a problem or mode that is none.';

CREATE FUNCTION oms.min_cost_flow(supply bigint[], arc_from integer[], arc_to integer[], capacity bigint[], cost bigint[],
    OUT status text, OUT total_cost bigint, OUT flow bigint[], OUT potential bigint[])
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE COST 100000 AS 'MODULE_PATHNAME', 'oms_min_cost_flow';
COMMENT ON FUNCTION oms.min_cost_flow(bigint[], integer[], integer[], bigint[], bigint[]) IS
    'The cheapest flow of whole units: supply (of node 1, 2, ...; negative: wanted; adding up to 0) over arcs from node to node, each with a capacity and a cost per unit, by LEMON''s network simplex. status is optimal or infeasible (the rest NULL then); flow is by arc, potential by node: an arc''s cost + potential[from] - potential[to] is not negative unless it is full, nor positive unless it is empty. The answer is checked before it is returned. Raises OM001 for arguments that are no problem.';

CREATE FUNCTION oms.forecast_demand(company text DEFAULT NULL, at timestamptz DEFAULT now(), cover interval DEFAULT '7 days',
    half_life interval DEFAULT '14 days', history interval DEFAULT '56 days') RETURNS integer
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    whose integer := oms.company_id(company);
    half float8 := extract(epoch FROM half_life) / 86400;
    days float8;
    made integer;
BEGIN
    IF at IS NULL OR NOT isfinite(at) OR cover IS NULL OR at + cover <= at OR half IS NULL OR half <= 0 OR history IS NULL OR at - history >= at THEN
        RAISE EXCEPTION USING ERRCODE = 'OM001', MESSAGE = 'no period to forecast',
            DETAIL = 'at must be finite; cover, half_life and history must be positive.', HINT = 'Leave the arguments out for their defaults.';
    END IF;
    -- one forecast at a time; readers go on
    LOCK TABLE oms.demand_forecast IN SHARE ROW EXCLUSIVE MODE;
    SELECT extract(epoch FROM at - greatest(min(o.placed_at), at - history)) / 86400 INTO days
      FROM oms."order" o WHERE o.company_id = whose AND o.placed_at < at;
    DELETE FROM oms.demand_forecast f WHERE f.company_id = whose AND f.source = 'history';
    -- a rate of units a day: what was ordered, weighing half for each half-life it is old, over the weight of all the days looked at
    INSERT INTO oms.demand_forecast (company_id, sku_id, region, period_from, period_to, qty, source)
    SELECT whose, d.sku_id, d.region, at, at + cover,
           (d.weighed * ln(2::float8) / (half * (1 - power(0.5, greatest(days, 1) / half))) * extract(epoch FROM cover) / 86400)::numeric(14,3), 'history'
      FROM (SELECT coalesce(k.sku_id, l.sku_id) AS sku_id, left(o.ship_pincode, 3) AS region,
                   sum((l.qty - l.cancelled_qty)::float8 * coalesce(k.qty, 1)::float8
                       * power(0.5, extract(epoch FROM at - o.placed_at)::float8 / 86400 / half)) AS weighed
              FROM oms."order" o
              JOIN oms.order_line l ON l.company_id = o.company_id AND l.order_id = o.order_id
              LEFT JOIN oms.kit_component k ON k.company_id = l.company_id AND k.kit_sku_id = l.sku_id
             WHERE o.company_id = whose AND o.placed_at < at AND o.placed_at >= at - history AND o.ship_pincode ~ '^[1-9][0-9]{5}$'
             GROUP BY 1, 2) d
     WHERE d.weighed > 0
       AND NOT EXISTS (SELECT FROM oms.demand_forecast g
                        WHERE g.company_id = whose AND g.sku_id = d.sku_id AND g.source = 'given' AND g.period_from < at + cover AND g.period_to > at);
    GET DIAGNOSTICS made = ROW_COUNT;
    RETURN made;
END $$;
COMMENT ON FUNCTION oms.forecast_demand(text, timestamptz, interval, interval, interval) IS
    'Forecasts from past orders how much of each item each region (first three digits of the pincode) will order from at to at + cover: an exponentially smoothed daily rate over history, half_life the age at which an order counts half; kits as their components, cancelled units left out. Replaces its own earlier rows of oms.demand_forecast; an item with rows stated by somebody for the period gets none. Returns the rows made. Raises OM001 for an empty period, OM002 for an unknown company.';

CREATE FUNCTION oms.compute_stock_prices(company text DEFAULT NULL, at timestamptz DEFAULT now(), cover interval DEFAULT '7 days',
    share double precision DEFAULT 0.55, penalty numeric DEFAULT 200) RETURNS integer
LANGUAGE c VOLATILE PARALLEL UNSAFE COST 1000000
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'oms_compute_stock_prices';
COMMENT ON FUNCTION oms.compute_stock_prices(text, timestamptz, interval, double precision, numeric) IS
    'Writes into oms.stock_price what it costs from at to at + cover if a unit of an item at a node is gone: the duals (mean of as stock is and with a unit less at every node) of the cheapest way of supplying the demand of oms.demand_forecast (of each row the part of its period that is ahead) from what is available now. A unit to a region costs share of what a parcel costs and its own cost (oms.lane_cost, else as the planner reckons), one that cannot be supplied penalty. Prices stated by hand stay. Returns the number of prices above 0. Raises OM001 for an empty period, a share beyond 0 to 1 or a negative penalty, OM002 for an unknown company.';

CREATE FUNCTION oms.refresh_stock_prices(at timestamptz DEFAULT now()) RETURNS integer
LANGUAGE plpgsql VOLATILE STRICT PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    whose text;
    n integer := 0;
BEGIN
    FOR whose IN SELECT c.code FROM oms.company c
                  WHERE EXISTS (SELECT FROM oms.sourcing_rule r WHERE r.company_id = c.company_id AND r.stock_price_weight > 0)
                  ORDER BY c.company_id LOOP
        PERFORM oms.forecast_demand(whose, at);
        n := n + oms.compute_stock_prices(whose, at);
    END LOOP;
    RETURN n;
END $$;
COMMENT ON FUNCTION oms.refresh_stock_prices(timestamptz) IS
    'Forecasts demand and computes stock prices, both with their defaults, for every company with a sourcing rule that weighs them; the job stock_prices runs it. Returns the number of prices above 0.';

CREATE FUNCTION oms.allocate_wave(company text DEFAULT NULL, max_orders integer DEFAULT 5000, chunk integer DEFAULT 200, at timestamptz DEFAULT now(),
    moves boolean DEFAULT true, switching_cost numeric DEFAULT 10, capacity jsonb DEFAULT NULL) RETURNS jsonb
LANGUAGE c VOLATILE PARALLEL UNSAFE COST 1000000
SET search_path = pg_catalog, pg_temp
SET lock_timeout = '50ms'
AS 'MODULE_PATHNAME', 'oms_allocate_wave';
COMMENT ON FUNCTION oms.allocate_wave(text, integer, integer, timestamptz, boolean, numeric, jsonb) IS
    'Plans up to max_orders that wait together (the oldest for which something is there), so that all of them cost least, and with moves as many reserved in full whose items have come in elsewhere since, which move where that saves more than switching_cost; then writes the first chunk of orders. Called again, and in several sessions at once, it writes the next chunk of the company''s open wave. capacity: parcels the wave may plan by code of node, {"BLR": 100}, or by couriers that pick up there, {"BLR": {"DELHIVERY": 60, "SHADOWFAX": 40}}: others do not. Answers wave_id, orders and moves read, cost, saved, written (orders this call came to), left (orders not written yet) and the states of all (oms.wave_order); busy when another session is planning. Raises OM001 for a limit below 1, a negative cost or a capacity that is none, OM002 for an unknown company, node or courier.';

CREATE PROCEDURE oms.run_wave(company text DEFAULT NULL, max_orders integer DEFAULT 5000, chunk integer DEFAULT 200, at timestamptz DEFAULT now(),
    moves boolean DEFAULT true, switching_cost numeric DEFAULT 10, capacity jsonb DEFAULT NULL)
LANGUAGE plpgsql AS $$
DECLARE
    answer pg_catalog.jsonb;
BEGIN
    LOOP
        answer := oms.allocate_wave(company, max_orders, chunk, at, moves, switching_cost, capacity);
        COMMIT;
        -- what is left without being ours to write is another session's
        EXIT WHEN (answer OPERATOR(pg_catalog.->>) 'left')::pg_catalog.int8 OPERATOR(pg_catalog.=) 0
               OR (answer OPERATOR(pg_catalog.->>) 'written')::pg_catalog.int8 OPERATOR(pg_catalog.=) 0;
    END LOOP;
END $$;
COMMENT ON PROCEDURE oms.run_wave(text, integer, integer, timestamptz, boolean, numeric, jsonb) IS
    'Plans a wave and writes it to the end, or goes on with the open one: oms.allocate_wave() again and again, each chunk in a transaction of its own; ends when all is written, or what is left is being written by other sessions. CALL it outside a transaction.';
