-- simulate: past orders planned again under other rules, without writing anything.

CREATE FUNCTION oms.simulation_check(rules jsonb, company_id integer) RETURNS void
LANGUAGE plpgsql STABLE PARALLEL UNSAFE COST 10000
SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    -- what a rule goes by is not what it says; the rest of these is not simulated
    not_rule text[] := '{sourcing_rule_id,company_id,channel_id,order_class,sku_id,primary_class,secondary_class,tertiary_class,ship_zone_id,pincode_prefix,state_code,fulfilment_mode,valid_from,valid_to,keyed,min_capacity,when_full,cost_per_load,park_queue,cancel_days}';
    of_node text[] := '{open,priority,handling_cost,pick_minutes,cutoff,cod,cold_chain,pos}';
    of_channel text[] := '{allow_split,max_shipments,allow_backorder,rule}';
    part record;
    col record;
    check_ record;
    known text[];
    holds boolean;
BEGIN
    IF jsonb_typeof(rules) IS DISTINCT FROM 'object' THEN
        RAISE EXCEPTION USING ERRCODE = 'OM001', MESSAGE = 'rules of a simulation are a JSON object',
            DETAIL = format('They are %s.', coalesce(jsonb_typeof(rules), 'NULL')), HINT = 'State what changes, as {"rule": {...}, "channel": {"CODE": {...}}, "node": {"CODE": {...}}}; {} changes nothing.';
    END IF;
    FOR part IN SELECT key FROM jsonb_object_keys(rules) k (key) WHERE key <> ALL ('{rule,channel,node}') ORDER BY 1 LOOP
        RAISE EXCEPTION USING ERRCODE = 'OM001', MESSAGE = format('unknown field "%s" in the rules of a simulation', part.key),
            DETAIL = format('Field %s.', part.key), HINT = 'Known are rule, channel and node.';
    END LOOP;
    FOR part IN SELECT key FROM jsonb_object_keys(rules) k (key) WHERE key IN ('channel', 'node') AND jsonb_typeof(rules -> key) <> 'object' LOOP
        RAISE EXCEPTION USING ERRCODE = 'OM001', MESSAGE = format('"%s" in the rules of a simulation is an object by code', part.key),
            DETAIL = format('Field %s.', part.key), HINT = format('Write {"%s": {"CODE": {...}}}.', part.key);
    END LOOP;
    FOR part IN
        SELECT 'rule' AS at, 'oms.sourcing_rule'::regclass AS tab, rules -> 'rule' AS val, true AS found WHERE rules ? 'rule'
        UNION ALL SELECT 'node.' || e.key, 'oms.node', e.value, EXISTS (SELECT FROM oms.node n WHERE n.company_id = $2 AND n.code = e.key)
          FROM jsonb_each(rules -> 'node') e
        UNION ALL SELECT 'channel.' || e.key, 'oms.channel', e.value, EXISTS (SELECT FROM oms.channel c WHERE c.company_id = $2 AND c.code = e.key)
          FROM jsonb_each(rules -> 'channel') e
        UNION ALL SELECT 'channel.' || e.key || '.rule', 'oms.sourcing_rule', e.value -> 'rule', true
          FROM jsonb_each(rules -> 'channel') e WHERE jsonb_typeof(e.value) = 'object' AND e.value ? 'rule'
        ORDER BY 1
    LOOP
        IF NOT part.found THEN
            RAISE EXCEPTION USING ERRCODE = 'OM002', MESSAGE = format('%s does not exist', replace(part.at, '.', ' ')),
                DETAIL = format('Field %s.', part.at), HINT = format('Codes are rows of %s.', part.tab);
        END IF;
        IF jsonb_typeof(part.val) <> 'object' THEN
            RAISE EXCEPTION USING ERRCODE = 'OM001', MESSAGE = format('"%s" in the rules of a simulation is an object of columns', part.at),
                DETAIL = format('Field %s.', part.at), HINT = format('Columns are those of %s.', part.tab);
        END IF;
        known := CASE part.tab WHEN 'oms.node'::regclass THEN of_node WHEN 'oms.channel'::regclass THEN of_channel
                 ELSE ARRAY(SELECT a.attname::text FROM pg_attribute a WHERE a.attrelid = part.tab AND a.attnum > 0 AND NOT a.attisdropped
                                AND a.attname::text <> ALL (not_rule) ORDER BY a.attnum) END;
        FOR col IN SELECT e.key, e.value, a.attnotnull FROM jsonb_each(part.val) e
                     LEFT JOIN pg_attribute a ON a.attrelid = part.tab AND a.attname = e.key AND a.attnum > 0 ORDER BY e.key LOOP
            IF col.key <> ALL (known) THEN
                RAISE EXCEPTION USING ERRCODE = 'OM001', MESSAGE = format('unknown field "%s" in the rules of a simulation', part.at || '.' || col.key),
                    DETAIL = format('Field %s.%s.', part.at, col.key), HINT = format('Known are %s.', array_to_string(known, ', '));
            END IF;
            CONTINUE WHEN col.key = 'rule' AND part.tab = 'oms.channel'::regclass;
            IF col.attnotnull AND col.value = 'null' THEN
                RAISE EXCEPTION USING ERRCODE = 'OM001', MESSAGE = format('"%s" of a simulation has no value', part.at || '.' || col.key),
                    DETAIL = format('Field %s.%s is null.', part.at, col.key), HINT = 'State a value, or leave it out to keep what is.';
            END IF;
            BEGIN
                EXECUTE format('SELECT (jsonb_populate_record(NULL::%s, $1)).%I IS NULL', part.tab, col.key) INTO holds USING jsonb_build_object(col.key, col.value);
            EXCEPTION WHEN data_exception THEN
                RAISE EXCEPTION USING ERRCODE = 'OM001', MESSAGE = format('"%s" of a simulation has a value it cannot have', part.at || '.' || col.key),
                    DETAIL = format('Field %s.%s is %s: %s.', part.at, col.key, col.value, SQLERRM), HINT = format('State a value that the column of %s may have.', part.tab);
            END;
        END LOOP;
        -- what the table would not take, a simulation does not either
        FOR check_ IN SELECT k.conname, pg_get_expr(k.conbin, k.conrelid) AS expr, k.conkey FROM pg_constraint k
                       WHERE k.conrelid = part.tab AND k.contype = 'c' ORDER BY k.conname LOOP
            EXECUTE format('SELECT %s FROM jsonb_populate_record(NULL::%s, $1)', check_.expr, part.tab) INTO holds USING part.val - 'rule';
            IF NOT holds AND EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = part.tab AND a.attnum = ANY (check_.conkey) AND part.val ? a.attname) THEN
                RAISE EXCEPTION USING ERRCODE = 'OM001', MESSAGE = format('"%s" of a simulation has a value that %s does not take', part.at, part.tab),
                    DETAIL = format('Fields %s: check %s.', (SELECT string_agg(a.attname, ', ' ORDER BY a.attnum) FROM pg_attribute a
                                     WHERE a.attrelid = part.tab AND a.attnum = ANY (check_.conkey)), check_.expr), HINT = 'State a value that the check allows.';
            END IF;
        END LOOP;
    END LOOP;
END $$;
COMMENT ON FUNCTION oms.simulation_check(jsonb, integer) IS
    'Whether these are rules for oms.simulate: returns nothing when they are. Raises OM001 naming the field that is unknown or has a value it cannot have, OM002 for a channel or node of the company (its key) that does not exist.';

CREATE FUNCTION oms.simulate(rules jsonb, "from" timestamptz, "to" timestamptz, company text DEFAULT NULL)
RETURNS TABLE (order_id bigint, external_id text, captured_at timestamptz,
    was_promised_at timestamptz, was_nodes text[], was_parcels integer, was_complete boolean, was_cost numeric,
    nodes text[], parcels integer, complete boolean, cost numeric, promised_at timestamptz, plan jsonb, error text)
LANGUAGE c VOLATILE PARALLEL UNSAFE COST 1000000 ROWS 1000
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'oms_simulate';
COMMENT ON FUNCTION oms.simulate(jsonb, timestamptz, timestamptz, text) IS
    'What if: plans the orders captured in [from, to) again, in their order, by the planner that captures, under rules that are changed as stated (doc/sourcing.md has the form; {} changes nothing) and with the stock of then, from which each new plan takes; where orders of a time before the first count were loaded after it, that count stands for it, and a NOTICE says so. Writes nothing and locks no row, so it works on a standby and in a READ ONLY transaction. was_: nodes, parcels, completeness and planning cost of the first planning run as it was, and the promise as it is now; without prefix: the same as planned now; plan: {line number: {node: units}}; error says why an order could not be planned. Raises OM001 and OM002 for rules that are none, OM001 for from after to, or either NULL.';

CREATE FUNCTION oms.simulation_difference(before jsonb, after jsonb) RETURNS jsonb
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp AS $$
    SELECT jsonb_build_object(
        'nodes', (SELECT coalesce(jsonb_object_agg(key, coalesce(a.value::numeric, 0) - coalesce(b.value::numeric, 0)), '{}')
                    FROM jsonb_each_text($1 -> 'nodes') b FULL JOIN jsonb_each_text($2 -> 'nodes') a USING (key)
                   WHERE coalesce(a.value::numeric, 0) <> coalesce(b.value::numeric, 0)),
        'queued', (SELECT coalesce(jsonb_object_agg(key, CASE WHEN b.key IS NULL THEN 'newly' WHEN a.key IS NULL THEN 'no longer' ELSE 'still' END), '{}')
                     FROM jsonb_array_elements_text($1 -> 'queued') b (key) FULL JOIN jsonb_array_elements_text($2 -> 'queued') a (key) USING (key)),
        'filled', ($2 ->> 'filled')::numeric - ($1 ->> 'filled')::numeric,
        'splits', ($2 ->> 'splits')::numeric - ($1 ->> 'splits')::numeric,
        'parcels', ($2 ->> 'parcels')::numeric - ($1 ->> 'parcels')::numeric,
        'cost', ($2 ->> 'cost')::numeric - ($1 ->> 'cost')::numeric)
$$;
COMMENT ON FUNCTION oms.simulation_difference(jsonb, jsonb) IS
    'What differs between two runs, each as under was or simulated in oms.simulation_summary: parcels by node (after less before, those that differ), orders that wait still, newly or no longer, by number of the channel, and the differences of the numbers.';

CREATE FUNCTION oms.simulation_summary(rules jsonb, "from" timestamptz, "to" timestamptz, company text DEFAULT NULL) RETURNS jsonb
LANGUAGE sql VOLATILE PARALLEL UNSAFE COST 1000000
SET search_path = pg_catalog, pg_temp AS $$
    WITH s AS MATERIALIZED (SELECT * FROM oms.simulate($1, $2, $3, $4)),
    runs AS (
        SELECT 'was' AS run, external_id, was_nodes AS nodes, was_parcels AS parcels, was_complete AS complete, was_cost AS cost FROM s WHERE error IS NULL
        UNION ALL SELECT 'simulated', external_id, nodes, parcels, complete, cost FROM s WHERE error IS NULL
    ), told AS (
        SELECT w.run, jsonb_build_object(
                   'orders', count(r.run), 'filled', count(*) FILTER (WHERE complete), 'splits', count(*) FILTER (WHERE parcels > 1),
                   'fill_rate', round(count(*) FILTER (WHERE complete)::numeric / nullif(count(r.run), 0), 4),
                   'parcels', coalesce(sum(parcels), 0), 'cost', coalesce(sum(cost), 0),
                   'nodes', (SELECT coalesce(jsonb_object_agg(n, orders), '{}')
                               FROM (SELECT n, count(*) AS orders FROM runs x, unnest(x.nodes) n WHERE x.run = w.run GROUP BY n) y),
                   'queued', (SELECT coalesce(jsonb_agg(x.external_id ORDER BY x.external_id), '[]') FROM runs x WHERE x.run = w.run AND NOT x.complete)) AS what
          FROM (VALUES ('was'), ('simulated')) w (run) LEFT JOIN runs r USING (run) GROUP BY w.run
    ), two AS (
        SELECT (SELECT what FROM told WHERE run = 'was') AS was, (SELECT what FROM told WHERE run = 'simulated') AS simulated
    )
    SELECT jsonb_build_object('was', was, 'simulated', simulated, 'difference', oms.simulation_difference(was, simulated),
               'not_planned', (SELECT coalesce(jsonb_object_agg(external_id, error), '{}') FROM s WHERE error IS NOT NULL))
      FROM two
$$;
COMMENT ON FUNCTION oms.simulation_summary(jsonb, timestamptz, timestamptz, text) IS
    'oms.simulate, summed up: was and simulated, each with orders, filled (complete ones), fill_rate, splits (orders of several parcels), parcels, cost, nodes (orders by node) and queued (orders of which something waits, by number of the channel); difference, as oms.simulation_difference tells it; not_planned: orders left out, with the reason. Raises as oms.simulate does.';
