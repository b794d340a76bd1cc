-- erp: profiles of ERPs as rows, attaching and detaching, proofs, write-back.
-- In every text of a profile @erp@ stands for the ERP's schema (params
-- "schema", default public) and $2 for the parameters (jsonb).

CREATE FUNCTION oms.erp_entities() RETURNS text[]
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT '{node,sku,kit,tax,price_list,price,customer,address,supplier,order,shipment,return,stock,lot,inbound}'::pg_catalog.text[]
$$;
COMMENT ON FUNCTION oms.erp_entities() IS 'What an ERP can state, in the order of taking in: what others refer to comes first.';

CREATE TABLE oms.erp_profile (      --| An ERP we know how to read. To change a built-in one, copy its rows under a name of your own: changed built-in rows are not dumped.
    profile text PRIMARY KEY,       --| Name, as given to oms.attach_erp
    title text NOT NULL,            --| For people
    params jsonb NOT NULL DEFAULT '{}', --| Default parameters; those given to attach_erp win
    company_query text NOT NULL,    --| SQL: one row key, code, name, currency, timezone, state (name or code) for parameters $1. Without the parameter that names the company: all companies, the one to take first at the top
    company_param text NOT NULL DEFAULT 'company', --| The parameter that names the company by its key. Where it is not given, the first company is taken
    version text NOT NULL DEFAULT '1', --| Version of the profile itself
    erp text,                       --| The ERP it is for, a name that profiles of several versions share: attach_erp() given this name takes the one whose versions fit. NULL: the profile's own name
    probe text,                     --| SQL: the ERP's version as text, one row, parameters $1. NULL, or no row: unknown, any version is taken
    erp_from text,                  --| Lowest version of the ERP it is for, as 16 or 16.1; NULL: any
    erp_to text,                    --| Highest one, with all below it: 19 holds 19.2. NULL: any
    builtin boolean NOT NULL DEFAULT false --| Ships with the extension; others are the user's and are dumped
);
SELECT pg_catalog.pg_extension_config_dump('oms.erp_profile', 'WHERE NOT builtin');

CREATE TABLE oms.erp_entity (       --| How an ERP states one of our entities.
    profile text NOT NULL,          --| Profile
    entity text NOT NULL CHECK (entity = ANY (oms.erp_entities())), --| Entity
    query text NOT NULL,            --| SQL: key and the entity's columns, for keys $1 (text[], null: all) and parameters $2. Columns: doc/erp.md
    daily boolean NOT NULL DEFAULT false, --| Its rows change with the date alone: evaluated whole on the first call of a day
    needs text[] NOT NULL DEFAULT '{}', --| Tables, @erp@.name, of a part that not every such ERP has: where one is not there, this entity is absent
    builtin boolean NOT NULL DEFAULT false, --| Ships with the extension; others are the user's and are dumped
    PRIMARY KEY (profile, entity)
);
SELECT pg_catalog.pg_extension_config_dump('oms.erp_entity', 'WHERE NOT builtin');

CREATE TABLE oms.erp_source (       --| Which tables an entity is made of, and which of its keys a changed row touches.
    profile text NOT NULL,          --| Profile
    entity text NOT NULL,           --| Entity
    relation text NOT NULL,         --| Table, @erp@.name, quoted where needed
    watch text[] NOT NULL,          --| Columns whose change matters; with them a row's keys must be told. One that ends in ? need not be there; where all do, the table need not
    resolve text,                   --| SQL: keys, one a row, for row images $1 (jsonb[] of watched columns, old and new) and parameters $2. NULL: any change touches the whole entity
    builtin boolean NOT NULL DEFAULT false, --| Ships with the extension; others are the user's and are dumped
    PRIMARY KEY (profile, entity, relation)
);
SELECT pg_catalog.pg_extension_config_dump('oms.erp_source', 'WHERE NOT builtin');

CREATE TABLE oms.erp_status (       --| Vocabulary: what a word of the ERP is called here. Queries read it; what has no row here is left out or keeps its default, as the profile's query says.
    profile text NOT NULL,          --| Profile
    entity text NOT NULL,           --| What it is a word for: node (its kind), uom (GST unit code)
    erp_value text NOT NULL,        --| The ERP's word
    oms_value text NOT NULL,        --| Ours
    builtin boolean NOT NULL DEFAULT false, --| Ships with the extension; others are the user's and are dumped
    PRIMARY KEY (profile, entity, erp_value)
);
SELECT pg_catalog.pg_extension_config_dump('oms.erp_status', 'WHERE NOT builtin');

CREATE TABLE oms.erp_call_map (     --| How the ERP is asked to book something, or to take a step with an order: write-back.
    profile text NOT NULL,          --| Profile
    kind text NOT NULL CHECK (kind IN ('stock_out', 'stock_in', 'order_out', 'order_create', 'order_confirm', 'shipment_pick', 'shipment_pack', 'shipment_ship', 'order_cancel')), --| What is to be done: oms.erp_call.kind
    transport text NOT NULL DEFAULT 'sql' CHECK (transport IN ('sql', 'agent')), --| sql: by send_sql; agent: by a process of the ERP's or outside that takes calls (oms.erp_take_calls)
    send_sql text,                  --| SQL: tells the ERP. Of stock: returns its key of the booking; $1 warehouse key, $2 item key, $3 quantity, $4 our document, $5 parameters (jsonb). Of an order: returns the key of its document, and a reason where it is refused for good; $1 the document (oms.erp_document_json), $2 parameters
    lots_sql text,                  --| SQL in place of send_sql where the ERP states lots and those that go are known: also $6, [{"lot", "qty"}, ...], together at most $3. NULL: send_sql
    done_sql text,                  --| SQL: for keys $1 (text[]) and parameters $2 the key and whether it is done (of stock: in the count; true) or will never be (false); others not at all. NULL: done when told
    refused_sql text,               --| SQL: for keys $1 told minutes ago, those the ERP has tried and will not do by itself, and why. NULL: nothing to ask
    find_sql text,                  --| order_create: SQL: for references $1 (text[]) of documents and parameters $2 the reference and the key of what is there. NULL: nothing to ask
    builtin boolean NOT NULL DEFAULT false, --| Ships with the extension; others are the user's and are dumped
    PRIMARY KEY (profile, kind)
);
SELECT pg_catalog.pg_extension_config_dump('oms.erp_call_map', 'WHERE NOT builtin');

-- Capture ----------------------------------------------------------------------

CREATE FUNCTION oms.erp_capture() RETURNS trigger
LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'oms_erp_capture';
COMMENT ON FUNCTION oms.erp_capture() IS
    'Trigger that oms.attach_erp() puts on tables of the ERP: appends old and new values of the watched columns to oms.erp_change, in the ERP''s transaction. Only appends; needs no rights; does not fail on data.';

CREATE FUNCTION oms.erp_fingerprint(relation text, watch text[]) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE AS $$
    SELECT pg_catalog.md5(coalesce(pg_catalog.string_agg(
               a.attname::text OPERATOR(pg_catalog.||) ' ' OPERATOR(pg_catalog.||) pg_catalog.format_type(a.atttypid, a.atttypmod),
               ',' ORDER BY a.attname), ''))
      FROM pg_catalog.pg_attribute a
     WHERE a.attrelid OPERATOR(pg_catalog.=) pg_catalog.to_regclass(relation) AND a.attnum OPERATOR(pg_catalog.>) 0
       AND NOT a.attisdropped AND a.attname::text OPERATOR(pg_catalog.=) ANY (watch)
$$;
COMMENT ON FUNCTION oms.erp_fingerprint(text, text[]) IS
    'md5 over names and types of these columns of a table: changes when the ERP renames, drops or retypes one.';

CREATE FUNCTION oms.erp_images(images json) RETURNS jsonb[]
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE COST 100 AS 'MODULE_PATHNAME', 'oms_erp_images';
COMMENT ON FUNCTION oms.erp_images(json) IS
    'Column images of oms.erp_change as resolvers see it: an object of the watched columns for each row image, for op U old and new in turn. Raises invalid_parameter_value for anything else.';

-- What a profile's rows mean -----------------------------------------------------

CREATE FUNCTION oms.erp_rows_node(rows jsonb[])
RETURNS TABLE (key text, code text, name text, kind text, address text, city text, pincode text, state_code text, state_of_pincode text, gstin text, active boolean)
LANGUAGE sql STABLE PARALLEL SAFE AS $$
    SELECT r.key, r.code, coalesce(r.name, r.code), coalesce(r.kind, 'warehouse'), r.address, r.city, r.pincode,
           (SELECT min(g.state_code) FROM oms.gst_state g
             WHERE g.state_code = r.state OR lower(g.name) = lower(r.state) OR g.iso = upper(regexp_replace(r.state, '^IN-', '', 'i'))),
           (SELECT p.state_code FROM oms.pincode p WHERE p.pincode = r.pincode),
           nullif(r.gstin, ''), coalesce(r.active, true)
      FROM unnest(rows) AS e, LATERAL (SELECT e->>'key' AS key, coalesce(nullif(btrim(e->>'code'), ''), e->>'key') AS code,
           nullif(btrim(e->>'name'), '') AS name, e->>'kind' AS kind, nullif(e->>'address', '') AS address, nullif(e->>'city', '') AS city,
           substring(replace(e->>'pincode', ' ', ''), '^[1-9][0-9]{5}$') AS pincode, e->>'state' AS state, e->>'gstin' AS gstin,
           (e->>'active')::boolean AS active) AS r
$$;
COMMENT ON FUNCTION oms.erp_rows_node(jsonb[]) IS 'Rows of a profile''s query for nodes, brought into the columns of oms.node; the GST state is found by code, name or ISO code, else by pincode.';

CREATE FUNCTION oms.erp_rows_sku(rows jsonb[])
RETURNS TABLE (key text, code text, name text, category text, hsn text, tax_code text, uom text, weight_g integer, length_mm integer,
    width_mm integer, height_mm integer, cost numeric, cod_ok boolean, returnable boolean, cold_chain boolean, fragile boolean,
    air_ok boolean, tracked boolean, active boolean)
LANGUAGE sql STABLE PARALLEL SAFE AS $$
    SELECT e->>'key', r.code || CASE WHEN row_number() OVER (PARTITION BY r.code ORDER BY (e->>'active')::boolean DESC NULLS FIRST, e->>'key') > 1
                                     THEN '~' || (e->>'key') ELSE '' END,
           coalesce(nullif(btrim(e->>'name'), ''), r.code), nullif(e->>'category', ''),
           substring(replace(e->>'hsn', ' ', ''), '^[0-9]{4,8}$'), nullif(e->>'tax_code', ''), nullif(e->>'uom', ''),
           CASE WHEN (e->>'weight_g')::numeric > 0 THEN ceil((e->>'weight_g')::numeric)::integer END,
           CASE WHEN (e->>'length_mm')::numeric > 0 THEN ceil((e->>'length_mm')::numeric)::integer END,
           CASE WHEN (e->>'width_mm')::numeric > 0 THEN ceil((e->>'width_mm')::numeric)::integer END,
           CASE WHEN (e->>'height_mm')::numeric > 0 THEN ceil((e->>'height_mm')::numeric)::integer END,
           CASE WHEN (e->>'cost')::numeric >= 0 AND (e->>'cost')::numeric < 'NaN' THEN round((e->>'cost')::numeric, 2) END, (e->>'cod_ok')::boolean, (e->>'returnable')::boolean, (e->>'cold_chain')::boolean,
           (e->>'fragile')::boolean, (e->>'air_ok')::boolean, (e->>'tracked')::boolean, coalesce((e->>'active')::boolean, true)
      FROM unnest(rows) AS e, LATERAL (SELECT coalesce(nullif(btrim(e->>'code'), ''), e->>'key') AS code) AS r
$$;
COMMENT ON FUNCTION oms.erp_rows_sku(jsonb[]) IS 'Rows of a profile''s query for items, brought into the columns of oms.sku; null where the ERP does not say.';

CREATE FUNCTION oms.erp_new_sku(company integer, rows jsonb[])
RETURNS TABLE (sku_id integer, erp_key text, differs boolean, code text, name text, category text, hsn text, tax_code text, uom text,
    weight_g integer, length_mm integer, width_mm integer, height_mm integer, cost numeric, cod_ok boolean, returnable boolean,
    cold_chain boolean, fragile boolean, air_ok boolean, tracked boolean, active boolean)
LANGUAGE sql STABLE PARALLEL SAFE AS $$
    SELECT t.sku_id, t.erp_key,
           (n.code, n.name, n.category, n.hsn, n.tax_code, n.uom, n.weight_g, n.length_mm, n.width_mm, n.height_mm, n.cost, n.cod_ok,
            n.returnable, n.cold_chain, n.fragile, n.air_ok, n.tracked, n.active) IS DISTINCT FROM
           (t.code, t.name, t.category, t.hsn, t.tax_code, t.uom, t.weight_g, t.length_mm, t.width_mm, t.height_mm, t.cost, t.cod_ok,
            t.returnable, t.cold_chain, t.fragile, t.air_ok, t.tracked, t.active),
           n.code, n.name, n.category, n.hsn, n.tax_code, n.uom, n.weight_g, n.length_mm, n.width_mm, n.height_mm, n.cost, n.cod_ok,
           n.returnable, n.cold_chain, n.fragile, n.air_ok, n.tracked, n.active
      FROM oms.erp_rows_sku(rows) AS r
      JOIN oms.sku AS t ON t.company_id = company AND t.erp_key = r.key
     CROSS JOIN LATERAL (SELECT r.code, r.name, coalesce(r.category, t.category) AS category, coalesce(r.hsn, t.hsn) AS hsn,
           coalesce(r.tax_code, t.tax_code) AS tax_code, coalesce(r.uom, t.uom) AS uom, coalesce(r.weight_g, t.weight_g) AS weight_g,
           coalesce(r.length_mm, t.length_mm) AS length_mm, coalesce(r.width_mm, t.width_mm) AS width_mm,
           coalesce(r.height_mm, t.height_mm) AS height_mm, coalesce(r.cost, t.cost) AS cost, coalesce(r.cod_ok, t.cod_ok) AS cod_ok,
           coalesce(r.returnable, t.returnable) AS returnable, coalesce(r.cold_chain, t.cold_chain) AS cold_chain,
           coalesce(r.fragile, t.fragile) AS fragile, coalesce(r.air_ok, t.air_ok) AS air_ok, coalesce(r.tracked, t.tracked) AS tracked,
           r.active) AS n
$$;
COMMENT ON FUNCTION oms.erp_new_sku(integer, jsonb[]) IS 'For items we have: what they should be after these rows of the ERP, and whether that differs. What the ERP does not say stays as it is.';

CREATE FUNCTION oms.erp_rows_tax(rows jsonb[])
RETURNS TABLE (key text, code text, valid_from date, above_value numeric, rate numeric, description text)
LANGUAGE sql STABLE PARALLEL SAFE AS $$
    SELECT e->>'key', e->>'code', coalesce((e->>'valid_from')::date, '-infinity'), coalesce(round((e->>'above_value')::numeric, 2), 0),
           round((e->>'rate')::numeric, 3), e->>'description'
      FROM unnest(rows) AS e
$$;
COMMENT ON FUNCTION oms.erp_rows_tax(jsonb[]) IS 'Rows of a profile''s query for taxes (rate in percent), brought into the columns of oms.tax_code.';

CREATE FUNCTION oms.erp_rows_price(company integer, rows jsonb[])
RETURNS TABLE (key text, sku_id integer, price_list_id integer, min_qty numeric, valid_from timestamptz, valid_to timestamptz, amount numeric, includes_tax boolean)
LANGUAGE sql STABLE PARALLEL SAFE AS $$
    SELECT e->>'key', s.sku_id, coalesce(l.price_list_id, 0), coalesce(round((e->>'min_qty')::numeric, 3), 0),
           coalesce((e->>'valid_from')::timestamp AT TIME ZONE c.timezone, '-infinity'), (e->>'valid_to')::timestamp AT TIME ZONE c.timezone,
           round((e->>'amount')::numeric, 2), coalesce((e->>'includes_tax')::boolean, l.includes_tax, true)
      FROM unnest(rows) AS e
      JOIN oms.company AS c ON c.company_id = company
      JOIN oms.sku AS s ON s.company_id = company AND s.erp_key = e->>'item'
      LEFT JOIN oms.price_list AS l ON l.company_id = company AND l.erp_key = e->>'price_list'
     WHERE (e->>'amount')::numeric >= 0 AND (e->>'amount')::numeric < 'NaN' AND (l.price_list_id IS NOT NULL OR e->>'price_list' IS NULL) AND e->>'problem' IS NULL
$$;
COMMENT ON FUNCTION oms.erp_rows_price(integer, jsonb[]) IS 'Rows of a profile''s query for prices, brought into the columns of oms.price; dates begin at midnight of the company. Prices below zero are left out, those of items or lists we do not have wait.';

CREATE FUNCTION oms.erp_rows_customer(rows jsonb[])
RETURNS TABLE (key text, name text, phone text, email text, gstin text, pincode text)
LANGUAGE sql STABLE PARALLEL SAFE AS $$
    SELECT e->>'key', nullif(btrim(e->>'name'), ''), substring(regexp_replace(e->>'phone', '[^0-9]', '', 'g'), '[0-9]{10}$'),
           nullif(lower(btrim(e->>'email')), ''), nullif(upper(btrim(e->>'gstin')), ''),
           substring(replace(e->>'pincode', ' ', ''), '^[1-9][0-9]{5}$')
      FROM unnest(rows) AS e
$$;
COMMENT ON FUNCTION oms.erp_rows_customer(jsonb[]) IS 'Rows of a profile''s query for customers, brought into the columns of oms.customer; the phone as its last ten digits.';

CREATE FUNCTION oms.erp_rows_lot(company integer, rows jsonb[])
RETURNS TABLE (key text, lot text, on_hand numeric, expires_on date, ends boolean, received_at timestamptz, unit_cost numeric, pick_rank integer)
LANGUAGE sql STABLE PARALLEL SAFE AS $$
    SELECT e->>'key', r.lot, (greatest(sum(CASE WHEN (e->>'on_hand')::numeric BETWEEN -99999999999 AND 99999999999 THEN (e->>'on_hand')::numeric ELSE 0 END), 0) * 1000)::bigint / 1000.0,
           min(CASE WHEN d < '0001-01-01' THEN '0001-01-01' WHEN d < 'infinity' THEN d END), bool_or(e ? 'expires_on'), min(t) FILTER (WHERE isfinite(t)),
           round(max((e->>'unit_cost')::numeric) FILTER (WHERE (e->>'unit_cost')::numeric BETWEEN 0 AND 999999999999), 2), min((e->>'pick_rank')::integer)
      FROM unnest(rows) AS e
      JOIN oms.company AS c ON c.company_id = company
     CROSS JOIN LATERAL (SELECT CASE WHEN octet_length(l) > 200 THEN left(l, 40) || '~' || md5(l) ELSE l END AS lot, (e->>'expires_on')::date AS d,
                          CASE WHEN e->>'received_at' ~ ':.*([-+]|Z)' THEN (e->>'received_at')::timestamptz ELSE (e->>'received_at')::timestamp AT TIME ZONE c.timezone END AS t
                     FROM btrim(e->>'lot') AS l) AS r
     WHERE r.lot <> ''
     GROUP BY 1, 2
$$;
COMMENT ON FUNCTION oms.erp_rows_lot(integer, jsonb[]) IS 'Rows of a profile''s query for lots, brought into the columns of oms.stock_lot, one a key and lot: what stands in several places of a node is one lot. ends: the query states when lots end. Rows without a number are no lots.';

CREATE FUNCTION oms.erp_new_lot(company integer, rows jsonb[], keys text[], node_ids integer[], sku_ids integer[], counts bigint[])
RETURNS TABLE (node_id integer, sku_id integer, lot text, on_hand numeric, expires_on date, received_at timestamptz, unit_cost numeric, pick_rank integer)
LANGUAGE sql STABLE PARALLEL SAFE AS $$
    SELECT f.node_id, f.sku_id, f.lot, f.on_hand - greatest(least(f.on_hand, f.over - f.before), 0), f.expires_on, f.received_at, f.unit_cost, f.pick_rank
      FROM (SELECT b.*, sum(b.on_hand) OVER o - b.on_hand AS before, sum(b.on_hand) OVER (PARTITION BY b.node_id, b.sku_id) - b.count AS over
              FROM (SELECT u.node_id, u.sku_id, greatest(u.count, 0) / 1000.0 AS count, r.lot, r.on_hand,
                           CASE WHEN r.ends THEN r.expires_on ELSE t.expires_on END AS expires_on, coalesce(r.received_at, t.received_at, now()) AS received_at,
                           coalesce(r.unit_cost, t.unit_cost) AS unit_cost, coalesce(r.pick_rank, t.pick_rank, 0) AS pick_rank
                      FROM oms.erp_rows_lot(company, rows) AS r
                      JOIN unnest(keys, node_ids, sku_ids, counts) AS u (key, node_id, sku_id, count) ON u.key = r.key
                      LEFT JOIN oms.stock_lot AS t ON t.company_id = company AND t.sku_id = u.sku_id AND t.node_id = u.node_id AND t.lot = r.lot) AS b
              JOIN oms.sku AS k ON k.sku_id = b.sku_id
            WINDOW o AS (PARTITION BY b.node_id, b.sku_id ORDER BY b.pick_rank, CASE k.lot_order WHEN 'fefo' THEN b.expires_on END NULLS LAST,
                         CASE k.lot_order WHEN 'lefo' THEN b.expires_on END DESC NULLS LAST, CASE WHEN k.lot_order IN ('fefo', 'fifo') THEN b.received_at END,
                         CASE WHEN k.lot_order IN ('lefo', 'lifo') THEN b.received_at END DESC, CASE k.lot_order WHEN 'cost_low' THEN b.unit_cost END NULLS LAST,
                         CASE k.lot_order WHEN 'cost_high' THEN b.unit_cost END DESC NULLS LAST, b.lot)) AS f
$$;
COMMENT ON FUNCTION oms.erp_new_lot(integer, jsonb[], text[], integer[], integer[], bigint[]) IS
    'What the lots of these stock keys should be after these rows of the ERP. Together they are no more than the count (thousandths): what is too much is taken from the first in the item''s order. What the ERP does not say stays as it is.';

-- Taking in ------------------------------------------------------------------------

CREATE FUNCTION oms.erp_apply(max_changes integer DEFAULT 10000) RETURNS integer
LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE COST 10000 AS 'MODULE_PATHNAME', 'oms_erp_apply';
COMMENT ON FUNCTION oms.erp_apply(integer) IS
    'Takes in pending changes of the ERP, about so many; returns how many it took, 0 when nothing is pending. Masters first, then stock. A row that cannot be written goes to oms.reject; an entity whose tables no longer fit is paused.';

CREATE FUNCTION oms.erp_refresh(entity text DEFAULT NULL) RETURNS void
LANGUAGE c VOLATILE PARALLEL UNSAFE COST 100000 AS 'MODULE_PATHNAME', 'oms_erp_refresh';
COMMENT ON FUNCTION oms.erp_refresh(text) IS
    'Evaluates an entity (default: all) whole and writes what differs. After loads that skip triggers (session_replication_role). Error OM002 for an unknown entity.';

CREATE FUNCTION oms.erp_pending(company_id integer, sku_id integer, OUT node_id integer, OUT on_hand numeric) RETURNS SETOF record
LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE COST 1000 AS 'MODULE_PATHNAME', 'oms_erp_pending';
COMMENT ON FUNCTION oms.erp_pending(integer, integer) IS
    'Counts of an item that the ERP has committed and oms.stock does not show yet, as a promise takes them into account.';

CREATE FUNCTION oms.erp_verify(entity text DEFAULT NULL)
RETURNS TABLE (drifted text, erp_key text, erp_value text, oms_value text)
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE COST 100000
SET search_path = pg_catalog, oms, pg_temp AS $$
#variable_conflict use_column
DECLARE
    att record;
    e record;
    compare text;
    differ jsonb;
    still jsonb;
    unsettled boolean;
BEGIN
    IF to_regclass('oms.erp_attachment') IS NULL THEN
        RAISE EXCEPTION USING ERRCODE = 'OM003', MESSAGE = 'pg_oms has no tables in this database yet',
            HINT = 'Call oms.install(), or oms.attach_erp() which calls it.';
    END IF;
    IF entity IS NOT NULL AND entity <> ALL (oms.erp_entities()) THEN
        RAISE EXCEPTION USING ERRCODE = 'OM002', MESSAGE = format('there is no entity "%s"', entity),
            HINT = format('Entities are %s.', array_to_string(oms.erp_entities(), ', '));
    END IF;
    FOR att IN SELECT * FROM oms.erp_attachment ORDER BY company_id LOOP
    FOR e IN
        SELECT x.entity AS name, replace(oms.erp_entity_query(x.profile, x.entity, att.company_id), '@erp@', quote_ident(coalesce(att.params->>'schema', 'public'))) AS query,
               ARRAY(SELECT replace(s.relation, '@erp@', quote_ident(coalesce(att.params->>'schema', 'public')))
                       FROM oms.erp_source AS s WHERE s.profile = att.profile AND (s.entity = x.entity OR x.entity = 'lot' AND s.entity = 'stock')) || ARRAY['oms.stock'] AS relations
          FROM oms.erp_entity AS x
         WHERE x.profile = att.profile AND ($1 IS NULL OR x.entity = $1) AND x.entity <> ALL (att.absent)
         ORDER BY array_position(oms.erp_entities(), x.entity)
    LOOP
        compare := CASE e.name
        WHEN 'node' THEN $q$
            SELECT 'node', coalesce(r.key, t.erp_key), concat_ws(', ', r.code, r.name, r.state_code), concat_ws(', ', t.code, t.name, t.state_code, CASE WHEN t.open THEN 'open' ELSE 'closed' END)
              FROM oms.erp_rows_node(@rows@) r FULL JOIN (SELECT * FROM oms.node WHERE company_id = @company@ AND erp_key IS NOT NULL) t ON t.erp_key = r.key
             WHERE (r.key IS NULL AND t.open) OR (t.erp_key IS NULL)
                OR (r.key IS NOT NULL AND (t.code, t.name, t.city, t.pincode, t.state_code, t.gstin, t.open) IS DISTINCT FROM
                   (r.code, r.name, coalesce(r.city, t.city), coalesce(r.pincode, t.pincode), coalesce(r.state_code, t.state_code), coalesce(r.gstin, t.gstin), t.open AND r.active)) $q$
        WHEN 'sku' THEN $q$
            SELECT 'sku', r.key, concat_ws(', ', n.code, n.name, n.tax_code, n.active), concat_ws(', ', t.code, t.name, t.tax_code, t.active)
              FROM oms.erp_rows_sku(@rows@) r LEFT JOIN oms.sku t ON t.company_id = @company@ AND t.erp_key = r.key LEFT JOIN oms.erp_new_sku(@company@, @rows@) n ON n.erp_key = r.key
             WHERE t.erp_key IS NULL OR n.differs
            UNION ALL
            SELECT 'sku', t.erp_key, NULL, t.code FROM oms.sku t
             WHERE t.company_id = @company@ AND t.erp_key IS NOT NULL AND t.active AND NOT EXISTS (SELECT FROM oms.erp_rows_sku(@rows@) r WHERE r.key = t.erp_key) $q$
        WHEN 'tax' THEN $q$
            SELECT 'tax', coalesce(r.key, t.erp_key), concat_ws(', ', r.code, r.valid_from, r.above_value, r.rate), concat_ws(', ', t.code, t.valid_from, t.above_value, t.rate)
              FROM oms.erp_rows_tax(@rows@) r FULL JOIN (SELECT * FROM oms.tax_code WHERE company_id = @company@ AND erp_key IS NOT NULL) t ON t.erp_key = r.key
             WHERE (r.code, r.valid_from, r.above_value, r.rate, r.description) IS DISTINCT FROM (t.code, t.valid_from, t.above_value, t.rate, t.description) $q$
        WHEN 'price' THEN $q$
            SELECT 'price', coalesce(r.key, t.erp_key), concat_ws(', ', r.sku_id, nullif(r.price_list_id, 0), nullif(r.min_qty, 0), r.valid_from, r.valid_to, r.amount, r.includes_tax),
                   concat_ws(', ', t.sku_id, nullif(t.price_list_id, 0), nullif(t.min_qty, 0), t.valid_from, t.valid_to, t.amount, t.includes_tax)
              FROM oms.erp_rows_price(@company@, @rows@) r FULL JOIN (SELECT * FROM oms.price WHERE company_id = @company@ AND erp_key IS NOT NULL) t ON t.erp_key = r.key
             WHERE (r.sku_id, r.price_list_id, r.min_qty, r.valid_from, r.valid_to, r.amount, r.includes_tax) IS DISTINCT FROM (t.sku_id, t.price_list_id, t.min_qty, t.valid_from, t.valid_to, t.amount, t.includes_tax) $q$
        WHEN 'customer' THEN $q$
            SELECT 'customer', r.key, concat_ws(', ', r.pincode, r.gstin), concat_ws(', ', t.pincode, t.gstin)
              FROM oms.erp_rows_customer(@rows@) r LEFT JOIN oms.customer t ON t.company_id = @company@ AND t.erp_key = r.key
             WHERE t.erp_key IS NULL OR (t.name, t.phone, t.email, t.gstin, t.pincode) IS DISTINCT FROM (r.name, r.phone, r.email, r.gstin, coalesce(r.pincode, t.pincode)) $q$
        WHEN 'lot' THEN $q$
            WITH a AS MATERIALIZED (SELECT n.erp_key || '|' || k.erp_key AS key, s.node_id, s.sku_id, (s.on_hand * 1000)::bigint AS count
                    FROM oms.stock s JOIN oms.node n ON n.node_id = s.node_id JOIN oms.sku k ON k.sku_id = s.sku_id
                   WHERE s.company_id = @company@ AND n.stock_from = 'erp' AND n.erp_key IS NOT NULL AND k.erp_key IS NOT NULL),
                 g AS (SELECT a.key, l.* FROM (SELECT array_agg(a.key) AS keys, array_agg(a.node_id) AS nodes, array_agg(a.sku_id) AS skus, array_agg(a.count) AS counts FROM a) AS x,
                              oms.erp_new_lot(@company@, @rows@, x.keys, x.nodes, x.skus, x.counts) AS l JOIN a ON a.node_id = l.node_id AND a.sku_id = l.sku_id),
                 t AS (SELECT a.key, b.* FROM oms.stock_lot b JOIN a ON a.node_id = b.node_id AND a.sku_id = b.sku_id WHERE b.company_id = @company@ AND NOT b.gone)
            SELECT 'lot', coalesce(g.key, t.key) || '|' || coalesce(g.lot, t.lot), concat_ws(', ', trim_scale(g.on_hand), g.expires_on, g.unit_cost), concat_ws(', ', trim_scale(t.on_hand), t.expires_on, t.unit_cost)
              FROM g FULL JOIN t ON t.key = g.key AND t.lot = g.lot
             WHERE (g.on_hand, g.expires_on, g.received_at, g.unit_cost, g.pick_rank) IS DISTINCT FROM (t.on_hand, t.expires_on, t.received_at, t.unit_cost, t.pick_rank) $q$
        WHEN 'stock' THEN $q$
            SELECT 'stock', coalesce(r.key, t.key), r.on_hand::text, t.on_hand::text
              FROM (SELECT e->>'key' AS key, round((e->>'on_hand')::numeric, 3) AS on_hand FROM unnest(@rows@) AS e
                     WHERE EXISTS (SELECT FROM oms.node n WHERE n.company_id = @company@ AND n.stock_from = 'erp' AND n.erp_key = split_part(e->>'key', '|', 1))
                       AND EXISTS (SELECT FROM oms.sku s WHERE s.company_id = @company@ AND s.erp_key = substr(e->>'key', strpos(e->>'key', '|') + 1))) r
              FULL JOIN (SELECT n.erp_key || '|' || s.erp_key AS key, k.on_hand FROM oms.stock k
                          JOIN oms.node n ON n.node_id = k.node_id JOIN oms.sku s ON s.sku_id = k.sku_id
                         WHERE k.company_id = @company@ AND n.stock_from = 'erp' AND n.erp_key IS NOT NULL AND s.erp_key IS NOT NULL) t ON t.key = r.key
             WHERE coalesce(r.on_hand, 0) <> coalesce(t.on_hand, 0) $q$
        ELSE oms.erp_compare(e.name) END;
        -- One statement, so one snapshot, sees the ERP, us, and what is
        -- pending.  While something is pending a difference may be just that:
        -- what still differs after several looks is drift.
        still := NULL;
        FOR attempt IN 1 .. 10 LOOP
            PERFORM oms.erp_apply(2147483647);
            EXECUTE format(E'WITH r AS MATERIALIZED (SELECT coalesce(array_agg(to_jsonb(q)), ''{}'') AS rows FROM (%s\n) AS q WHERE q.key IS NOT NULL)'
                           ' SELECT coalesce(jsonb_agg(to_jsonb(d)), ''[]''), EXISTS (SELECT FROM oms.erp_change AS c WHERE c.relation = ANY ($3))'
                           '   FROM (%s) AS d (drifted, erp_key, erp_value, oms_value)',
                           e.query, replace(replace(compare, '@rows@', '(SELECT rows FROM r)'), '@company@', att.company_id::text))
               INTO differ, unsettled USING NULL::text[], att.params, e.relations;
            still := CASE WHEN still IS NULL THEN differ ELSE
                (SELECT coalesce(jsonb_agg(f), '[]') FROM jsonb_array_elements(differ) AS f
                  WHERE EXISTS (SELECT FROM jsonb_array_elements(still) AS s WHERE s->>'erp_key' = f->>'erp_key')) END;
            EXIT WHEN still = '[]' OR NOT unsettled;
        END LOOP;
        RETURN QUERY SELECT x.drifted, x.erp_key, x.erp_value, x.oms_value
                       FROM jsonb_to_recordset(still) AS x (drifted text, erp_key text, erp_value text, oms_value text)
                      ORDER BY x.erp_key COLLATE "C";
    END LOOP;
    END LOOP;
END $$;
COMMENT ON FUNCTION oms.erp_verify(text) IS
    'Takes in what is pending, evaluates an entity (default: all) in full and returns one row for each key where we differ from the ERP; none when sound, also while the ERP works on. Rows the ERP holds and oms.reject refused are drift too. Error OM002 for an unknown entity.';

-- Write-back: sql/58-erp-writeback.sql --------------------------------------------


CREATE FUNCTION oms.erp_settle(call_id bigint, again boolean DEFAULT false) RETURNS text
LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE COST 1000 AS 'MODULE_PATHNAME', 'oms_erp_settle';
COMMENT ON FUNCTION oms.erp_settle(bigint, boolean) IS
    'For a person, when a booking failed: it has been booked in the ERP some other way, so its reservation is closed and the call done; or (again) the ERP is to be told once more. Returns the state the call has now. Errors OM002 (no such call), OM004 (it has not failed).';


-- Attaching -----------------------------------------------------------------------

CREATE FUNCTION oms.erp_profile_absent(profile text, params jsonb)
RETURNS TABLE (entity text, relation text)
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, oms, pg_temp AS $$
    SELECT e.entity, min(r COLLATE "C")
      FROM oms.erp_entity AS e, unnest(e.needs) AS n, replace(n, '@erp@', quote_ident(params->>'schema')) AS r
     WHERE e.profile = $1 AND to_regclass(r) IS NULL
     GROUP BY 1 ORDER BY 1
$$;
COMMENT ON FUNCTION oms.erp_profile_absent(text, jsonb) IS 'Entities of a profile that this ERP does not have, and a table that they would need.';

CREATE FUNCTION oms.erp_profile_tables(profile text, params jsonb)
RETURNS TABLE (relation text, watch text[], missing text[])
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, oms, pg_temp AS $$
    SELECT r.relation, array_agg(DISTINCT r.name ORDER BY r.name) FILTER (WHERE r.there OR NOT r.optional),
           coalesce(array_agg(DISTINCT r.name ORDER BY r.name) FILTER (WHERE NOT r.there AND NOT r.optional), '{}')
      FROM (SELECT t.relation, rtrim(w, '?') AS name, w LIKE '%?' AS optional,
                   EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = to_regclass(t.relation) AND a.attname = rtrim(w, '?') AND a.attnum > 0 AND NOT a.attisdropped) AS there
              FROM oms.erp_source AS s, unnest(s.watch) AS w, LATERAL (SELECT replace(s.relation, '@erp@', quote_ident(params->>'schema')) AS relation) AS t
             WHERE s.profile = $1 AND s.entity NOT IN (SELECT a.entity FROM oms.erp_profile_absent($1, params) AS a)) AS r
     GROUP BY r.relation HAVING bool_or(r.there OR NOT r.optional) ORDER BY r.relation
$$;
COMMENT ON FUNCTION oms.erp_profile_tables(text, jsonb) IS 'Tables a profile reads, the columns it watches, and those that are not there; without those of absent entities, and without optional tables that are not there.';

CREATE FUNCTION oms.erp_optional(relation text, query text, keys text[], params jsonb) RETURNS SETOF jsonb
LANGUAGE plpgsql STABLE PARALLEL SAFE COST 1000
SET search_path = pg_catalog, oms, pg_temp AS $$
BEGIN
    IF to_regclass(relation) IS NOT NULL THEN
        RETURN QUERY EXECUTE format(E'SELECT to_jsonb(q) FROM (%s\n) AS q', query) USING keys, params;
    END IF;
END $$;
COMMENT ON FUNCTION oms.erp_optional(text, text, text[], jsonb) IS
    'For queries of profiles: rows of a query on a table that not every such ERP has, none where it is not there. Its $1 and $2 are keys and params. Runs with the rights of the caller.';

CREATE FUNCTION oms.erp_reread() RETURNS void
LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'oms_erp_reread';
COMMENT ON FUNCTION oms.erp_reread() IS 'Has all sessions read again which entities are paused.';

CREATE FUNCTION oms.erp_attach_note(profile text, relation text, watch text[]) RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, oms, pg_temp AS $$
BEGIN
    INSERT INTO oms.erp_source_link AS l (relation, profile, watch, fingerprint, columns, digest)
    VALUES ($2, $1, $3, oms.erp_fingerprint($2, $3), oms.erp_columns($2, $3), (SELECT s.digest FROM oms.erp_standing(ARRAY[$2], false) AS s))
    ON CONFLICT ON CONSTRAINT erp_source_link_pkey DO UPDATE
       SET watch = excluded.watch, fingerprint = excluded.fingerprint, columns = excluded.columns, digest = excluded.digest,
           state = 'attached', cause = NULL, problem = NULL, attached_at = now();
    PERFORM oms.erp_reread();
END $$;
COMMENT ON FUNCTION oms.erp_attach_note(text, text, text[]) IS 'Notes a table of the ERP as attached and what it is like now: fingerprint, columns, digest.';

CREATE FUNCTION oms.erp_attach_table(profile text, relation text, watch text[], always boolean) RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, oms, pg_temp AS $$
#variable_conflict use_variable
DECLARE
    args text := (SELECT string_agg(quote_literal(a), ', ' ORDER BY o) FROM unnest(ARRAY[relation] || watch) WITH ORDINALITY AS u (a, o));
    fires text := CASE WHEN always THEN 'ALWAYS' ELSE '' END;
    m record;
BEGIN
    -- the table first: partitions get its row trigger from it
    FOR m IN SELECT x.relid::regclass::text AS name, x.part AND x.relid <> to_regclass($2) AS part, x.kind FROM oms.erp_members($2) AS x
              ORDER BY x.relid <> to_regclass($2), x.relid::regclass::text COLLATE "C" LOOP
        IF NOT m.part THEN
            EXECUTE format('CREATE OR REPLACE TRIGGER oms_capture AFTER INSERT OR UPDATE OR DELETE ON %s FOR EACH ROW EXECUTE FUNCTION oms.erp_capture(%s)', m.name, args);
            EXECUTE format('ALTER TABLE %s ENABLE %s TRIGGER oms_capture', m.name, fires);
        END IF;
        IF m.kind IN ('r', 'p') THEN
            EXECUTE format('CREATE OR REPLACE TRIGGER oms_capture_truncate AFTER TRUNCATE ON %s FOR EACH STATEMENT EXECUTE FUNCTION oms.erp_capture(%s)', m.name, quote_literal(relation));
            EXECUTE format('ALTER TABLE ONLY %s ENABLE %s TRIGGER oms_capture_truncate', m.name, fires);
        END IF;
    END LOOP;
    PERFORM oms.erp_attach_note($1, $2, $3);
END $$;
COMMENT ON FUNCTION oms.erp_attach_table(text, text, text[], boolean) IS
    'Puts our triggers on one table of the ERP, its partitions and children, and notes what it is like. Takes SHARE ROW EXCLUSIVE on it until the transaction ends.';

CREATE FUNCTION oms.erp_attach_company(profile text, params jsonb) RETURNS integer
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, oms, pg_temp AS $$
DECLARE
    q text;
    r record;
    id integer;
BEGIN
    SELECT replace(p.company_query, '@erp@', quote_ident($2->>'schema')) INTO q FROM oms.erp_profile AS p WHERE p.profile = $1;
    EXECUTE format(E'SELECT q.key::text AS key, q.code::text AS code, q.name::text AS name, q.currency::text AS currency, q.timezone::text AS timezone, q.state::text AS state FROM (%s\n) AS q', q)
       INTO r USING $2;
    IF r.key IS NULL THEN
        RAISE EXCEPTION USING ERRCODE = 'OM601', MESSAGE = format('profile "%s" finds no company in this ERP', $1),
            DETAIL = format('Parameters are %s.', $2 - 'profile'), HINT = 'Name it in the parameters, as in {"company": 1}.';
    END IF;
    UPDATE oms.company AS c SET erp_key = r.key WHERE c.code = r.code AND c.erp_key IS NULL;
    INSERT INTO oms.company AS c (code, name, currency, timezone, state_code, erp_key)
    VALUES (r.code, r.name, coalesce(r.currency, 'INR'), coalesce(r.timezone, 'Asia/Kolkata'),
            coalesce((SELECT min(g.state_code) FROM oms.gst_state g WHERE g.state_code = r.state OR lower(g.name) = lower(r.state) OR g.iso = upper(regexp_replace(r.state, '^IN-', '', 'i'))), '29'), r.key)
    ON CONFLICT (erp_key) DO UPDATE SET name = excluded.name
    RETURNING c.company_id INTO id;
    RETURN id;
END $$;
COMMENT ON FUNCTION oms.erp_attach_company(text, jsonb) IS 'Finds the ERP''s company and makes ours of it; returns its company_id. Error OM601 when there is none.';

CREATE FUNCTION oms.erp_attach_row(profile text, company integer, params jsonb) RETURNS void
LANGUAGE sql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, oms, pg_temp AS $$
    INSERT INTO oms.erp_attachment AS a (profile, company_id, params, absent, clock_on)
    SELECT $1, company, $3, ARRAY(SELECT x.entity FROM oms.erp_profile_absent($1, $3) AS x), (now() AT TIME ZONE c.timezone)::date FROM oms.company AS c WHERE c.company_id = company
    ON CONFLICT ON CONSTRAINT erp_attachment_pkey DO UPDATE SET params = excluded.params, absent = excluded.absent, paused = '{}'
$$;
COMMENT ON FUNCTION oms.erp_attach_row(text, integer, jsonb) IS 'Part of attaching: notes in oms.erp_attachment which ERP feeds which company, and what it does not have.';

CREATE FUNCTION oms.attach_erp(profile text, params jsonb DEFAULT '{}', dry_run boolean DEFAULT false) RETURNS SETOF text
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE COST 1000000
SET search_path = pg_catalog, oms, pg_temp
SET client_min_messages = warning AS $$
DECLARE
    picked text := oms.erp_pick_profile(profile, params);
    par jsonb := oms.erp_profile_params(picked, oms.erp_known_params(picked, params));
    sch text := quote_ident(par->>'schema');
    other text;
    company integer;
    fresh boolean;
    t record;
    n bigint;
    attempt integer;
BEGIN
    profile := picked;
    IF current_setting('transaction_isolation') <> 'read committed' AND NOT dry_run THEN
        RAISE EXCEPTION USING ERRCODE = 'OM601', MESSAGE = 'an ERP is attached in a READ COMMITTED transaction',
            HINT = 'BEGIN ISOLATION LEVEL READ COMMITTED.';
    END IF;
    IF to_regclass('oms.erp_attachment') IS NOT NULL THEN
        EXECUTE 'SELECT a.profile FROM oms.erp_attachment AS a WHERE a.profile <> $1 LIMIT 1' INTO other USING $1;
        IF other IS NOT NULL THEN
            RAISE EXCEPTION USING ERRCODE = 'OM602', MESSAGE = 'an ERP is attached already', DETAIL = format('Its profile is "%s".', other),
                HINT = format('Call oms.detach_erp(%L) first.', other);
        END IF;
        EXECUTE 'SELECT a.params->>''schema'' FROM oms.erp_attachment AS a WHERE a.params->>''schema'' IS DISTINCT FROM $1 LIMIT 1' INTO other USING par->>'schema';
        IF other IS NOT NULL THEN
            RAISE EXCEPTION USING ERRCODE = 'OM602', MESSAGE = 'an ERP is attached already', DETAIL = format('It is in schema "%s".', other),
                HINT = format('Companies of one ERP are attached one by one; for another ERP call oms.detach_erp(%L) first.', $1);
        END IF;
    END IF;

    -- does the profile fit?
    FOR t IN SELECT * FROM oms.erp_profile_tables($1, par) LOOP
        IF cardinality(t.missing) > 0 AND NOT dry_run THEN
            RAISE EXCEPTION USING ERRCODE = 'OM601', MESSAGE = format('profile "%s" does not fit this database', $1),
                DETAIL = CASE WHEN to_regclass(t.relation) IS NULL THEN format('There is no table %s.', t.relation)
                              ELSE format('Table %s has no column %s.', t.relation, array_to_string(t.missing, ', ')) END,
                HINT = format('SELECT * FROM oms.attach_erp(%L, dry_run => true) lists all that is missing. Another schema is given as {"schema": "..."}.', $1);
        ELSIF dry_run THEN
            IF to_regclass(t.relation) IS NULL THEN
                RETURN NEXT format('table %s: missing', t.relation);
            ELSE
                RETURN NEXT format('table %s: %s columns watched%s', t.relation, cardinality(t.watch),
                    CASE WHEN cardinality(t.missing) > 0 THEN ', missing ' || array_to_string(t.missing, ', ') ELSE '' END);
            END IF;
        END IF;
    END LOOP;
    IF dry_run THEN
        RETURN QUERY
            WITH c AS MATERIALIZED (SELECT x.*, row_number() OVER () AS no FROM oms.check_profile($1, params) AS x)
            SELECT CASE WHEN c.severity = 'info' THEN format('entity %s: %s', c.entity, c.problem)
                        ELSE format('%s: %s: %s%s', c.severity, concat_ws(', ', c.entity, c.relation, c."column"), c.problem, ': ' || c.example) END
              FROM c WHERE c.severity <> 'hint' ORDER BY c.severity <> 'info', c.no;
        RETURN QUERY SELECT format('entity %s: absent, the ERP has no table %s', a.entity, a.relation) FROM oms.erp_profile_absent($1, par) AS a;
        RETURN NEXT 'dry run: nothing was changed';
        RETURN;
    END IF;

    PERFORM oms.install();
    company := oms.erp_attach_company($1, par);
    fresh := NOT EXISTS (SELECT FROM oms.erp_attachment AS a WHERE a.profile = $1 AND a.company_id = company);
    PERFORM oms.erp_attach_row($1, company, par);

    -- Triggers before the snapshot, all or none: whoever waits behind us for
    -- one table must not wait while we wait for another.
    FOR attempt IN 1 .. 20 LOOP
        BEGIN
            PERFORM set_config('lock_timeout', '200ms', true);
            PERFORM oms.erp_attach_table($1, x.relation, x.watch, coalesce((par->>'always')::boolean, false))
               FROM oms.erp_profile_tables($1, par) AS x;
            PERFORM set_config('lock_timeout', '0', true);
            EXIT;
        EXCEPTION WHEN lock_not_available OR deadlock_detected THEN
            IF attempt = 20 THEN
                RAISE EXCEPTION USING ERRCODE = 'OM601', MESSAGE = 'a table of the ERP is in use and could not be attached', DETAIL = SQLERRM,
                    HINT = 'Try again when long transactions of the ERP have ended.';
            END IF;
            PERFORM pg_sleep(0.05 * attempt);
        END;
    END LOOP;
    IF fresh THEN
        UPDATE oms.node AS d SET stock_from = 'erp' WHERE d.company_id = company AND d.erp_key IS NOT NULL;
    END IF;
    PERFORM oms.erp_refresh();
    UPDATE oms.erp_attachment AS a SET snapshot_at = clock_timestamp() WHERE a.profile = $1 AND a.company_id = company;

    RETURN NEXT format('profile %s: %s', $1, (SELECT p.title FROM oms.erp_profile AS p WHERE p.profile = $1));
    RETURN NEXT (SELECT format('company %s: %s, %s', c.code, c.name, c.currency) FROM oms.company AS c WHERE c.company_id = company);
    RETURN QUERY SELECT format('company %s is there too: name it in the parameters to take it', c.name) FROM oms.erp_companies($1, par) AS c
        WHERE fresh AND NOT c.chosen AND params->(SELECT p.company_param FROM oms.erp_profile AS p WHERE p.profile = $1) IS NULL ORDER BY c.no LIMIT 20;
    RETURN QUERY SELECT format('table %s: %s columns watched', l.relation, cardinality(l.watch)) FROM oms.erp_source_link AS l WHERE l.profile = $1 ORDER BY l.relation COLLATE "C";
    RETURN QUERY
        SELECT format('entity %s: %s rows', v.name, v.rows) FROM (VALUES
            ('node', (SELECT count(*) FROM oms.node AS x WHERE x.company_id = company AND x.erp_key IS NOT NULL)),
            ('sku', (SELECT count(*) FROM oms.sku AS x WHERE x.company_id = company AND x.erp_key IS NOT NULL)),
            ('tax', (SELECT count(*) FROM oms.tax_code AS x WHERE x.company_id = company AND x.erp_key IS NOT NULL)),
            ('price', (SELECT count(*) FROM oms.price AS x WHERE x.company_id = company AND x.erp_key IS NOT NULL)),
            ('customer', (SELECT count(*) FROM oms.customer AS x WHERE x.company_id = company AND x.erp_key IS NOT NULL)),
            ('stock', (SELECT count(*) FROM oms.stock AS x WHERE x.company_id = company))) AS v (name, rows);
    RETURN QUERY SELECT format('entity %s: %s', e.entity, coalesce('absent, the ERP has no table ' || a.relation, (SELECT count(*) || ' rows' FROM oms.stock_lot AS x WHERE x.company_id = company AND NOT x.gone)))
        FROM oms.erp_entity AS e LEFT JOIN oms.erp_profile_absent($1, par) AS a ON a.entity = e.entity
        WHERE e.profile = $1 AND (e.entity = 'lot' OR a.entity IS NOT NULL) ORDER BY e.entity;
    RETURN QUERY SELECT format('entity %s: %s', h.entity, concat_ws(', ', h.rows || ' rows', h.note)) FROM oms.erp_held(company) AS h JOIN oms.erp_entity AS e ON e.profile = $1 AND e.entity = h.entity
        WHERE h.entity NOT IN (SELECT a.entity FROM oms.erp_profile_absent($1, par) AS a);
    RETURN QUERY SELECT format('%s: its query failed, see the events erp.paused', x) FROM oms.erp_attachment AS a, unnest(a.paused) AS x WHERE a.profile = $1 AND a.company_id = company;
    RETURN QUERY SELECT format('node %s has no GST state: set oms.node.state_code', d.code) FROM oms.node AS d
        WHERE d.company_id = company AND d.erp_key IS NOT NULL AND d.state_code IS NULL ORDER BY d.code;
    RETURN QUERY SELECT format('%s %s was refused: %s', r.source, r.external_ref, r.message) FROM oms.reject AS r
        WHERE r.source LIKE 'erp.%' AND r.resolved_at IS NULL ORDER BY r.reject_id LIMIT 20;
    RETURN QUERY SELECT format('paused %s: %s', l.relation, coalesce(l.problem, 'see oms.event')) FROM oms.erp_lag() AS l WHERE l.state = 'paused';
END $$;
COMMENT ON FUNCTION oms.attach_erp(text, jsonb, boolean) IS
    'Attaches the ERP in this database by its profile: installs our tables if need be, puts the capture triggers on the ERP''s, takes the first snapshot, and reports. The same profile again repairs: triggers, fingerprints, a full refresh; it ends a pause. With another company of the same ERP in the parameters it attaches that one too. dry_run only reports. Errors OM601 (unknown profile, or it does not fit), OM602 (another ERP is attached). Tables of the ERP cannot be written from its trigger until the transaction ends: seconds; oms.attach_erp_online() avoids that.';

CREATE PROCEDURE oms.attach_erp_online(profile text, params jsonb DEFAULT '{}')
LANGUAGE plpgsql AS $$
DECLARE
    picked text := oms.erp_pick_profile(profile, params);
    par jsonb := oms.erp_profile_params(picked, oms.erp_known_params(picked, params));
    t record;
    done boolean;
BEGIN
    profile := picked;
    PERFORM FROM oms.attach_erp(profile, params, true) AS a WHERE a LIKE 'table %missing%';
    IF FOUND THEN
        RAISE EXCEPTION USING ERRCODE = 'OM601', MESSAGE = pg_catalog.format('profile "%s" does not fit this database', profile),
            HINT = pg_catalog.format('SELECT * FROM oms.attach_erp(%L, dry_run => true) lists all that is missing.', profile);
    END IF;
    PERFORM oms.install();
    COMMIT;
    FOR t IN SELECT * FROM oms.erp_profile_tables(profile, par) LOOP
        done := false;
        FOR attempt IN 1 .. 20 LOOP
            BEGIN
                PERFORM pg_catalog.set_config('lock_timeout', '200ms', true);
                PERFORM oms.erp_attach_table(profile, t.relation, t.watch, coalesce((par->>'always')::boolean, false));
                done := true;
            EXCEPTION WHEN lock_not_available OR deadlock_detected THEN
                PERFORM pg_catalog.pg_sleep(0.05 * attempt);
            END;
            COMMIT;
            EXIT WHEN done;
        END LOOP;
        IF NOT done THEN
            RAISE EXCEPTION USING ERRCODE = 'OM601', MESSAGE = pg_catalog.format('table %s of the ERP is in use and could not be attached', t.relation),
                HINT = 'Call it again; what is attached stays.';
        END IF;
    END LOOP;
    -- the triggers are there: this finds nothing to wait for but its catalog rows
    PERFORM oms.erp_attach_snapshot(profile, par);
END $$;
COMMENT ON PROCEDURE oms.attach_erp_online(text, jsonb) IS
    'oms.attach_erp() for a busy ERP: commits after each table, so that no writer of the ERP waits longer than one CREATE TRIGGER takes; then takes the snapshot with no lock on the ERP at all. Not inside a transaction. Errors as attach_erp.';
-- "all functions" leaves procedures out
REVOKE ALL ON PROCEDURE oms.attach_erp_online(text, jsonb) FROM PUBLIC;

CREATE FUNCTION oms.erp_attach_snapshot(profile text, params jsonb) RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, oms, pg_temp AS $$
DECLARE
    company integer := oms.erp_attach_company(profile, params);
BEGIN
    PERFORM oms.erp_attach_row($1, company, $2);
    UPDATE oms.node AS d SET stock_from = 'erp' WHERE d.company_id = company AND d.erp_key IS NOT NULL;
    PERFORM oms.erp_refresh();
    UPDATE oms.erp_attachment AS a SET snapshot_at = clock_timestamp() WHERE a.profile = $1 AND a.company_id = company;
END $$;
COMMENT ON FUNCTION oms.erp_attach_snapshot(text, jsonb) IS 'Second half of attaching, where the triggers are there already: the attachment row and the first snapshot.';

CREATE FUNCTION oms.detach_erp(profile text) RETURNS text
LANGUAGE plpgsql VOLATILE STRICT PARALLEL UNSAFE
SET search_path = pg_catalog, oms, pg_temp
SET client_min_messages = warning AS $$
DECLARE
    companies integer[];
    t record;
    r record;
BEGIN
    PERFORM FROM oms.erp_attachment AS a WHERE a.profile = $1 ORDER BY a.company_id FOR NO KEY UPDATE;
    IF NOT FOUND THEN
        RAISE EXCEPTION USING ERRCODE = 'OM601', MESSAGE = format('the ERP profile "%s" is not attached', $1),
            HINT = 'The one attached is in oms.erp_attachment.';
    END IF;
    companies := ARRAY(SELECT a.company_id FROM oms.erp_attachment AS a WHERE a.profile = $1);
    -- the last word of the ERP
    PERFORM oms.erp_apply(2147483647);
    FOR attempt IN 1 .. 20 LOOP
        BEGIN
            PERFORM set_config('lock_timeout', '200ms', true);
            -- by what the catalogue says: the ERP may have renamed the table
            FOR t IN SELECT g.tgrelid::regclass AS relation, g.tgname FROM pg_trigger g
                      WHERE g.tgfoid = 'oms.erp_capture()'::regprocedure AND g.tgparentid = 0 ORDER BY g.tgrelid::regclass::text LOOP
                EXECUTE format('DROP TRIGGER %I ON %s', t.tgname, t.relation);
            END LOOP;
            PERFORM set_config('lock_timeout', '0', true);
            EXIT;
        EXCEPTION WHEN lock_not_available OR deadlock_detected THEN
            IF attempt = 20 THEN
                RAISE EXCEPTION USING ERRCODE = 'OM601', MESSAGE = 'a table of the ERP is in use and could not be detached', DETAIL = SQLERRM,
                    HINT = 'Try again when long transactions of the ERP have ended.';
            END IF;
            PERFORM pg_sleep(0.05 * attempt);
        END;
    END LOOP;

    -- from here on we count; what has left and was not booked has left here too
    FOR r IN
        SELECT s.company_id, s.node_id, s.sku_id, v.qty
          FROM oms.stock AS s
          JOIN (SELECT x.company_id, x.node_id, x.sku_id, sum(x.qty) AS qty FROM oms.reservation AS x WHERE x.company_id = ANY (companies) AND x.state = 'leaving' GROUP BY 1, 2, 3) AS v
            USING (company_id, node_id, sku_id)
         ORDER BY s.company_id, s.node_id, s.sku_id FOR NO KEY UPDATE OF s
    LOOP
        WITH l AS (UPDATE oms.reservation_lot AS y SET gone = true FROM oms.reservation AS x
                    WHERE x.company_id = r.company_id AND x.node_id = r.node_id AND x.sku_id = r.sku_id AND x.state = 'leaving'
                      AND y.company_id = x.company_id AND y.reservation_id = x.reservation_id AND NOT y.gone RETURNING y.lot, y.qty)
        UPDATE oms.stock_lot AS b SET on_hand = greatest(b.on_hand - g.qty, 0) FROM (SELECT l.lot, sum(l.qty) AS qty FROM l GROUP BY 1) AS g
         WHERE b.company_id = r.company_id AND b.node_id = r.node_id AND b.sku_id = r.sku_id AND b.lot = g.lot;
        UPDATE oms.reservation AS x SET state = 'closed', close_reason = 'consumed', closed_at = now()
         WHERE x.company_id = r.company_id AND x.node_id = r.node_id AND x.sku_id = r.sku_id AND x.state = 'leaving';
        UPDATE oms.stock AS s SET reserved = s.reserved - r.qty, on_hand = s.on_hand - r.qty, version = s.version + 1, updated_at = now(),
               shortfall = greatest(0, s.reserved - r.qty - greatest(s.on_hand - r.qty, 0) - greatest(s.backorder_limit, s.channel_depth))
         WHERE s.company_id = r.company_id AND s.node_id = r.node_id AND s.sku_id = r.sku_id;
        INSERT INTO oms.stock_ledger (company_id, node_id, sku_id, delta, on_hand, reason, document)
        SELECT r.company_id, r.node_id, r.sku_id, -r.qty, s.on_hand, 'dispatch', 'detached from the ERP'
          FROM oms.stock AS s WHERE s.company_id = r.company_id AND s.node_id = r.node_id AND s.sku_id = r.sku_id;
    END LOOP;
    UPDATE oms.erp_call AS k SET state = 'failed', error = 'the ERP was detached' WHERE k.company_id = ANY (companies) AND k.state IN ('pending', 'taken', 'sent');
    UPDATE oms.node AS d SET stock_from = 'oms' WHERE d.company_id = ANY (companies) AND d.stock_from = 'erp';
    DELETE FROM oms.erp_source_link AS l WHERE l.profile = $1;
    DELETE FROM oms.erp_change;
    DELETE FROM oms.erp_attachment AS a WHERE a.profile = $1;
    RETURN format('detached from %s; our own count goes on from the ERP''s last', $1);
END $$;
COMMENT ON FUNCTION oms.detach_erp(text) IS
    'Takes in what is pending, removes our triggers from the ERP''s tables (nothing else of ours is there) and counts stock here from now on, of all its companies; bookings the ERP has not made are marked failed. Keys stay, so that attaching again finds everything. Error OM601 when the profile is not attached.';
