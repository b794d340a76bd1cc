-- erp: kits, price lists, addresses, suppliers, documents and supply as the
-- ERP states them. erp_rows_*() bring rows of a profile's query into our
-- columns, as they should be: what the ERP does not say stays as it is.
-- erp_check_*() tell which rows cannot be taken in, or wait for another.
-- src/erp_entity.c writes; oms.erp_verify() compares.

-- Helpers for profiles -----------------------------------------------------------

CREATE FUNCTION oms.erp_units(qty numeric, from_factor double precision, to_factor double precision) RETURNS numeric
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
    SELECT pg_catalog.round(qty OPERATOR(pg_catalog.*) from_factor::pg_catalog.numeric OPERATOR(pg_catalog./) nullif(to_factor, 0)::pg_catalog.numeric, 3)
$$;
COMMENT ON FUNCTION oms.erp_units(numeric, double precision, double precision) IS
    'A quantity in one unit, in another: the factors say how many of the reference unit each is (a gram 0.001, a kilogram 1). To the thousandth. Where an ERP keeps the inverse (how many of it make the reference unit), give them the other way round.';

CREATE FUNCTION oms.erp_unit_price(price numeric, from_factor double precision, to_factor double precision) RETURNS numeric
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
    SELECT pg_catalog.round(price OPERATOR(pg_catalog.*) to_factor::pg_catalog.numeric OPERATOR(pg_catalog./) nullif(from_factor, 0)::pg_catalog.numeric, 4)
$$;
COMMENT ON FUNCTION oms.erp_unit_price(numeric, double precision, double precision) IS
    'A price for one unit of the first kind, for one of the second; factors as in oms.erp_units().';

-- What rows of a profile mean ------------------------------------------------------

CREATE FUNCTION oms.erp_moment(value text, timezone text) RETURNS timestamptz
LANGUAGE sql STABLE PARALLEL SAFE AS $$
    SELECT CASE WHEN value OPERATOR(pg_catalog.~) ':.*([-+]|Z)' THEN value::timestamptz ELSE pg_catalog.timezone(timezone, value::timestamp) END
$$;
COMMENT ON FUNCTION oms.erp_moment(text, text) IS 'A moment as an ERP states it: with its zone, or else in this one.';

CREATE FUNCTION oms.erp_state_code(state text) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, oms, pg_temp AS $$
    SELECT min(g.state_code) FROM oms.gst_state AS g
     WHERE g.state_code = state OR lower(g.name) = lower(state) OR g.iso = upper(regexp_replace(state, '^IN-', '', 'i'))
$$;
COMMENT ON FUNCTION oms.erp_state_code(text) IS 'GST state of a code, name or ISO code; NULL when there is none.';

CREATE FUNCTION oms.erp_meaning(company integer, entity text, word text) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, oms, pg_temp AS $$
    SELECT v.oms_value FROM oms.erp_attachment AS a JOIN oms.erp_status AS v ON v.profile = a.profile
     WHERE a.company_id = company AND v.entity = $2 AND v.erp_value IN (word, split_part(word, '/', 1) || '/*')
     ORDER BY v.erp_value = word DESC LIMIT 1
$$;
COMMENT ON FUNCTION oms.erp_meaning(integer, text, text) IS
    'What a word of the attached ERP is called here (oms.erp_status); of two words joined by / also by a row for the first and any second, as draft/*. NULL when no row says.';

CREATE FUNCTION oms.erp_lines(lines jsonb) RETURNS jsonb
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, oms, pg_temp AS $$
    SELECT coalesce(jsonb_agg(jsonb_strip_nulls(jsonb_build_object('item', l->>'item', 'qty', trim_scale(round((l->>'qty')::numeric, 3)),
                                                                   'unit_price', trim_scale(round((l->>'unit_price')::numeric, 4)))) ORDER BY o), '[]')
      FROM jsonb_array_elements(CASE jsonb_typeof(lines) WHEN 'array' THEN lines ELSE '[]' END) WITH ORDINALITY AS u (l, o)
$$;
COMMENT ON FUNCTION oms.erp_lines(jsonb) IS 'Lines of a document of the ERP in one form: item (its key), qty, unit_price.';

CREATE FUNCTION oms.erp_rows_kit(company integer, rows jsonb[])
RETURNS TABLE (key text, kit_sku_id integer, sku_id integer, qty numeric)
LANGUAGE sql STABLE PARALLEL SAFE AS $$
    SELECT e->>'key', k.sku_id, s.sku_id, round((e->>'qty')::numeric, 3)
      FROM unnest(rows) AS e
      JOIN oms.sku AS k ON k.company_id = company AND k.erp_key = e->>'kit'
      JOIN oms.sku AS s ON s.company_id = company AND s.erp_key = e->>'component'
$$;
COMMENT ON FUNCTION oms.erp_rows_kit(integer, jsonb[]) IS 'Rows of a profile''s query for kits, brought into the columns of oms.kit_component. Those of items we do not have wait.';

CREATE FUNCTION oms.erp_check_kit(company integer, rows jsonb[])
RETURNS TABLE (n bigint, on_entity text, on_key text, fate text, message text, detail text, hint text)
LANGUAGE sql STABLE PARALLEL SAFE AS $$
    SELECT r.n, 'sku', v.key, 'none', v.message, v.detail, v.hint
      FROM unnest(rows) WITH ORDINALITY AS r (e, n)
      LEFT JOIN oms.sku AS k ON k.company_id = company AND k.erp_key = e->>'kit'
     CROSS JOIN LATERAL (VALUES
         (e->>'kit', k.sku_id IS NULL, NULL, NULL, NULL),
         (e->>'component', k.sku_id IS NOT NULL AND NOT EXISTS (SELECT FROM oms.sku AS s WHERE s.company_id = company AND s.erp_key = e->>'component'),
          format('a component of kit "%s" is no item here', k.code), format('Field component is "%s".', e->>'component'),
          'Without it the kit would leave incomplete. Let the query for items return it.')) AS v (key, missing, message, detail, hint)
     WHERE v.missing
    UNION ALL
    SELECT r.n, 'kit', e->>'component', 'none', 'a kit in a kit', format('Field component is "%s", itself a kit.', e->>'component'),
           'Let the query open it: one row for each item in the end.'
      FROM unnest(rows) WITH ORDINALITY AS r (e, n)
     WHERE EXISTS (SELECT FROM unnest(rows) AS o WHERE o->>'kit' = e->>'component')
        OR EXISTS (SELECT FROM oms.sku AS s JOIN oms.kit_component AS c ON c.company_id = company AND c.kit_sku_id = s.sku_id
                    WHERE s.company_id = company AND s.erp_key = e->>'component')
    UNION ALL
    SELECT r.n, NULL, NULL, 'refused', 'the quantity of a component is not above zero', format('Field qty is %s.', coalesce(e->>'qty', 'null')), 'Stock units of the component in one kit.'
      FROM unnest(rows) WITH ORDINALITY AS r (e, n)
     WHERE (round((e->>'qty')::numeric, 3) > 0 AND (e->>'qty')::numeric < 'NaN') IS NOT TRUE
$$;
COMMENT ON FUNCTION oms.erp_check_kit(integer, jsonb[]) IS 'Of rows for kits: those that wait for an item, or cannot be taken in.';

CREATE FUNCTION oms.erp_rows_price_list(company integer, rows jsonb[])
RETURNS TABLE (key text, code text, name text, currency text, includes_tax boolean, active boolean)
LANGUAGE sql STABLE PARALLEL SAFE AS $$
    SELECT e->>'key', r.code, coalesce(nullif(btrim(e->>'name'), ''), r.code), coalesce(substring(upper(btrim(e->>'currency')), '^[A-Z]{3}$'), t.currency),
           coalesce((e->>'includes_tax')::boolean, t.includes_tax), coalesce((e->>'active')::boolean, true)
      FROM unnest(rows) AS e
      LEFT JOIN oms.price_list AS t ON t.company_id = company AND t.erp_key = e->>'key'
     CROSS JOIN LATERAL (SELECT coalesce(nullif(btrim(e->>'code'), ''), e->>'key') AS code) AS r
$$;
COMMENT ON FUNCTION oms.erp_rows_price_list(integer, jsonb[]) IS 'Rows of a profile''s query for price lists, brought into the columns of oms.price_list.';

CREATE FUNCTION oms.erp_check_price(company integer, rows jsonb[])
RETURNS TABLE (n bigint, on_entity text, on_key text, fate text, message text, detail text, hint text)
LANGUAGE sql STABLE PARALLEL SAFE AS $$
    SELECT r.n, 'sku', e->>'item', 'none', NULL, NULL, NULL
      FROM unnest(rows) WITH ORDINALITY AS r (e, n)
     WHERE NOT EXISTS (SELECT FROM oms.sku AS s WHERE s.company_id = company AND s.erp_key = e->>'item')
    UNION ALL
    SELECT r.n, 'price_list', e->>'price_list', 'none', NULL, NULL, NULL
      FROM unnest(rows) WITH ORDINALITY AS r (e, n)
     WHERE e->>'price_list' IS NOT NULL AND NOT EXISTS (SELECT FROM oms.price_list AS l WHERE l.company_id = company AND l.erp_key = e->>'price_list')
    UNION ALL
    SELECT r.n, NULL, NULL, 'none', NULL, NULL, NULL
      FROM unnest(rows) WITH ORDINALITY AS r (e, n)
     WHERE ((e->>'amount')::numeric >= 0 AND (e->>'amount')::numeric < 'NaN') IS NOT TRUE AND e->>'problem' IS NULL
    UNION ALL
    SELECT r.n, NULL, NULL, 'none', 'the ERP has a price here that cannot be told', e->>'problem', 'Another price of the item counts instead, base or of fewer units. Orders that send their own unit_price do not need it.'
      FROM unnest(rows) WITH ORDINALITY AS r (e, n)
     WHERE e->>'problem' IS NOT NULL
$$;
COMMENT ON FUNCTION oms.erp_check_price(integer, jsonb[]) IS 'Of rows for prices: those that wait for an item or a price list, those below zero, which are none, and those that the ERP cannot state.';

CREATE FUNCTION oms.erp_rows_address(company integer, rows jsonb[])
RETURNS TABLE (key text, customer_id bigint, kind text, name text, phone text, address1 text, address2 text, city text, state_code text, pincode text, country text, active boolean)
LANGUAGE sql STABLE PARALLEL SAFE AS $$
    SELECT e->>'key', c.customer_id, coalesce(substring(lower(e->>'kind'), '^(billing|shipping)$'), t.kind, 'shipping'), coalesce(nullif(btrim(e->>'name'), ''), t.name),
           coalesce(substring(regexp_replace(e->>'phone', '[^0-9]', '', 'g'), '[0-9]{10}$'), t.phone),
           coalesce(nullif(btrim(e->>'address1'), ''), t.address1), coalesce(nullif(btrim(e->>'address2'), ''), t.address2), coalesce(nullif(btrim(e->>'city'), ''), t.city),
           coalesce(oms.erp_state_code(e->>'state'), CASE WHEN e->>'pincode' IS NOT NULL THEN (SELECT p.state_code FROM oms.pincode AS p WHERE p.pincode = replace(e->>'pincode', ' ', '')) END, t.state_code),
           coalesce(substring(replace(e->>'pincode', ' ', ''), '^[1-9][0-9]{5}$'), t.pincode), coalesce(substring(upper(btrim(e->>'country')), '^[A-Z]{2}$'), t.country),
           coalesce((e->>'active')::boolean, true)
      FROM unnest(rows) AS e
      JOIN oms.customer AS c ON c.company_id = company AND c.erp_key = e->>'customer'
      LEFT JOIN oms.customer_address AS t ON t.company_id = company AND t.erp_key = e->>'key'
$$;
COMMENT ON FUNCTION oms.erp_rows_address(integer, jsonb[]) IS 'Rows of a profile''s query for addresses, brought into the columns of oms.customer_address. Those of customers we do not have wait.';

CREATE FUNCTION oms.erp_check_address(company integer, rows jsonb[])
RETURNS TABLE (n bigint, on_entity text, on_key text, fate text, message text, detail text, hint text)
LANGUAGE sql STABLE PARALLEL SAFE AS $$
    SELECT r.n, 'customer', e->>'customer', 'none', NULL, NULL, NULL
      FROM unnest(rows) WITH ORDINALITY AS r (e, n)
     WHERE NOT EXISTS (SELECT FROM oms.customer AS c WHERE c.company_id = company AND c.erp_key = e->>'customer')
$$;
COMMENT ON FUNCTION oms.erp_check_address(integer, jsonb[]) IS 'Of rows for addresses: those that wait for a customer.';

CREATE FUNCTION oms.erp_rows_supplier(company integer, rows jsonb[])
RETURNS TABLE (key text, code text, name text, gstin text, phone text, email text, pincode text, lead_days integer, active boolean)
LANGUAGE sql STABLE PARALLEL SAFE AS $$
    SELECT e->>'key', r.code, coalesce(nullif(btrim(e->>'name'), ''), r.code), coalesce(nullif(upper(btrim(e->>'gstin')), ''), t.gstin),
           coalesce(substring(regexp_replace(e->>'phone', '[^0-9]', '', 'g'), '[0-9]{10}$'), t.phone), coalesce(nullif(lower(btrim(e->>'email')), ''), t.email),
           coalesce(substring(replace(e->>'pincode', ' ', ''), '^[1-9][0-9]{5}$'), t.pincode),
           coalesce(CASE WHEN (e->>'lead_days')::numeric BETWEEN 0 AND 3650 THEN ceil((e->>'lead_days')::numeric)::integer END, t.lead_days),
           coalesce((e->>'active')::boolean, true)
      FROM unnest(rows) AS e
      LEFT JOIN oms.supplier AS t ON t.company_id = company AND t.erp_key = e->>'key'
     CROSS JOIN LATERAL (SELECT coalesce(nullif(btrim(e->>'code'), ''), e->>'key') AS code) AS r
$$;
COMMENT ON FUNCTION oms.erp_rows_supplier(integer, jsonb[]) IS 'Rows of a profile''s query for suppliers, brought into the columns of oms.supplier.';

-- Documents: the ERP's word alone counts, null is null.
CREATE FUNCTION oms.erp_rows_order(company integer, rows jsonb[])
RETURNS TABLE (key text, number text, reference text, customer_key text, node_key text, status text, erp_status text, ordered_at timestamptz, currency text, total numeric, lines jsonb)
LANGUAGE sql STABLE PARALLEL SAFE AS $$
    SELECT e->>'key', nullif(btrim(e->>'number'), ''), nullif(btrim(e->>'reference'), ''), e->>'customer', e->>'node', oms.erp_meaning(company, 'order', e->>'status'),
           e->>'status', oms.erp_moment(e->>'ordered_at', c.timezone), e->>'currency', trim_scale(round((e->>'total')::numeric, 2)), oms.erp_lines(e->'lines')
      FROM unnest(rows) AS e JOIN oms.company AS c ON c.company_id = company
$$;
COMMENT ON FUNCTION oms.erp_rows_order(integer, jsonb[]) IS 'Rows of a profile''s query for orders, brought into the columns of oms.erp_order.';

CREATE FUNCTION oms.erp_rows_shipment(company integer, rows jsonb[])
RETURNS TABLE (key text, number text, reference text, order_key text, node_key text, status text, erp_status text, carrier text, awb text, shipped_at timestamptz, lines jsonb)
LANGUAGE sql STABLE PARALLEL SAFE AS $$
    SELECT e->>'key', nullif(btrim(e->>'number'), ''), nullif(btrim(e->>'reference'), ''), e->>'order', e->>'node', oms.erp_meaning(company, 'shipment', e->>'status'),
           e->>'status', nullif(btrim(e->>'carrier'), ''), nullif(btrim(e->>'awb'), ''), oms.erp_moment(e->>'shipped_at', c.timezone), oms.erp_lines(e->'lines')
      FROM unnest(rows) AS e JOIN oms.company AS c ON c.company_id = company
$$;
COMMENT ON FUNCTION oms.erp_rows_shipment(integer, jsonb[]) IS 'Rows of a profile''s query for shipments, brought into the columns of oms.erp_shipment.';

CREATE FUNCTION oms.erp_rows_return(company integer, rows jsonb[])
RETURNS TABLE (key text, number text, reference text, order_key text, node_key text, status text, erp_status text, received_at timestamptz, lines jsonb)
LANGUAGE sql STABLE PARALLEL SAFE AS $$
    SELECT e->>'key', nullif(btrim(e->>'number'), ''), nullif(btrim(e->>'reference'), ''), e->>'order', e->>'node', oms.erp_meaning(company, 'return', e->>'status'),
           e->>'status', oms.erp_moment(e->>'received_at', c.timezone), oms.erp_lines(e->'lines')
      FROM unnest(rows) AS e JOIN oms.company AS c ON c.company_id = company
$$;
COMMENT ON FUNCTION oms.erp_rows_return(integer, jsonb[]) IS 'Rows of a profile''s query for returns, brought into the columns of oms.erp_return.';

CREATE FUNCTION oms.erp_check_document(company integer, entity text, rows jsonb[])
RETURNS TABLE (n bigint, on_entity text, on_key text, fate text, message text, detail text, hint text)
LANGUAGE sql STABLE PARALLEL SAFE AS $$
    SELECT r.n, NULL, NULL, 'taken', CASE WHEN e->>'status' IS NULL THEN format('the ERP states no status of %s %s', entity, coalesce(e->>'number', e->>'key'))
                                       ELSE format('the status "%s" of %s %s has no meaning here', e->>'status', entity, coalesce(e->>'number', e->>'key')) END,
           format('Field status. Its status is unknown until then; all else is taken in.'),
           format('Add a row to oms.erp_status: profile "%s", entity "%s", erp_value "%s"; then call oms.erp_refresh(''%2$s'').',
                  (SELECT a.profile FROM oms.erp_attachment AS a WHERE a.company_id = company LIMIT 1), entity, e->>'status')
      FROM unnest(rows) WITH ORDINALITY AS r (e, n)
     WHERE oms.erp_meaning(company, entity, e->>'status') IS NULL
$$;
COMMENT ON FUNCTION oms.erp_check_document(integer, text, jsonb[]) IS 'Of rows for orders, shipments and returns: those whose status has no meaning here. They are taken in without.';

CREATE FUNCTION oms.erp_rows_inbound(company integer, rows jsonb[])
RETURNS TABLE (key text, ref text, node_id integer, sku_id integer, qty numeric, due_at timestamptz, document text, supplier_id integer, state text)
LANGUAGE sql STABLE PARALLEL SAFE AS $$
    SELECT e->>'key', 'erp:' || CASE WHEN octet_length(e->>'key') > 190 THEN md5(e->>'key') ELSE e->>'key' END, n.node_id, s.sku_id, round((e->>'qty')::numeric, 3),
           coalesce(d.moment, t.due_at, now() + make_interval(days => coalesce(p.lead_days, 0))), coalesce(nullif(btrim(e->>'document'), ''), t.document),
           CASE WHEN e->>'supplier' IS NULL THEN t.supplier_id ELSE p.supplier_id END, 'expected'
      FROM unnest(rows) AS e
      JOIN oms.company AS c ON c.company_id = company
      JOIN oms.node AS n ON n.company_id = company AND n.erp_key = e->>'node'
      JOIN oms.sku AS s ON s.company_id = company AND s.erp_key = e->>'item'
      LEFT JOIN oms.supplier AS p ON p.company_id = company AND p.erp_key = e->>'supplier'
      LEFT JOIN oms.inbound AS t ON t.company_id = company AND t.erp_key = e->>'key'
     CROSS JOIN LATERAL (SELECT CASE WHEN isfinite(m) THEN m END AS moment FROM oms.erp_moment(e->>'expected_at', c.timezone) AS m) AS d
     WHERE round((e->>'qty')::numeric, 3) > 0
$$;
COMMENT ON FUNCTION oms.erp_rows_inbound(integer, jsonb[]) IS 'Rows of a profile''s query for supply on its way, brought into the columns of oms.inbound. What has nothing to come is none; what goes to a node or is an item we do not have waits.';

CREATE FUNCTION oms.erp_check_inbound(company integer, rows jsonb[])
RETURNS TABLE (n bigint, on_entity text, on_key text, fate text, message text, detail text, hint text)
LANGUAGE sql STABLE PARALLEL SAFE AS $$
    SELECT r.n, v.entity, v.key, CASE v.entity WHEN 'supplier' THEN 'taken' ELSE 'none' END, NULL, NULL, NULL
      FROM unnest(rows) WITH ORDINALITY AS r (e, n)
     CROSS JOIN LATERAL (VALUES
         ('node', e->>'node', NOT EXISTS (SELECT FROM oms.node AS x WHERE x.company_id = company AND x.erp_key = e->>'node')),
         ('sku', e->>'item', NOT EXISTS (SELECT FROM oms.sku AS x WHERE x.company_id = company AND x.erp_key = e->>'item')),
         ('supplier', e->>'supplier', e->>'supplier' IS NOT NULL AND NOT EXISTS (SELECT FROM oms.supplier AS x WHERE x.company_id = company AND x.erp_key = e->>'supplier'))) AS v (entity, key, missing)
     WHERE v.missing
    UNION ALL
    SELECT r.n, NULL, NULL, 'none', NULL, NULL, NULL
      FROM unnest(rows) WITH ORDINALITY AS r (e, n)
     WHERE round((e->>'qty')::numeric, 3) <= 0
    UNION ALL
    SELECT r.n, NULL, NULL, 'refused', v.message, v.detail, v.hint
      FROM unnest(rows) WITH ORDINALITY AS r (e, n)
     CROSS JOIN LATERAL (VALUES
         ('the quantity still to come is not known', format('Field qty is %s.', coalesce(e->>'qty', 'null')), 'Stock units, 0 or more.',
          ((e->>'qty')::numeric < 'NaN') IS NOT TRUE),
         ('supply of a kit', format('Field item is "%s".', e->>'item'), 'Kits have no stock of their own: let the query name their components.',
          EXISTS (SELECT FROM oms.sku AS x JOIN oms.kit_component AS c ON c.company_id = company AND c.kit_sku_id = x.sku_id
                   WHERE x.company_id = company AND x.erp_key = e->>'item'))) AS v (message, detail, hint, wrong)
     WHERE v.wrong
$$;
COMMENT ON FUNCTION oms.erp_check_inbound(integer, jsonb[]) IS 'Of rows for supply on its way: those that wait for a node, an item or a supplier, cannot be taken in, or have nothing to come.';

CREATE FUNCTION oms.erp_put_inbound(company integer, rows jsonb[]) RETURNS bigint
LANGUAGE sql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, oms, pg_temp AS $$
    -- another node or item is another supply
    SELECT count(oms.set_inbound(t.ref, n.code, k.code, 0, t.due_at, company => c.code))
      FROM (SELECT t.* FROM oms.erp_rows_inbound(company, rows) AS r JOIN oms.inbound AS t ON t.company_id = company AND t.erp_key = r.key
             WHERE (t.node_id, t.sku_id) <> (r.node_id, r.sku_id) AND t.state = 'expected' ORDER BY t.sku_id, t.ref) AS t
      JOIN oms.company AS c ON c.company_id = company
      JOIN oms.node AS n ON n.node_id = t.node_id JOIN oms.sku AS k ON k.sku_id = t.sku_id;
    UPDATE oms.inbound AS t SET ref = t.ref || '~' || t.inbound_id, erp_key = NULL
      FROM oms.erp_rows_inbound(company, rows) AS r
     WHERE t.company_id = company AND t.erp_key = r.key AND (t.node_id, t.sku_id) <> (r.node_id, r.sku_id);
    SELECT count(oms.set_inbound(r.ref, n.code, k.code, r.qty, r.due_at, document => r.document, company => c.code))
      FROM (SELECT r.* FROM oms.erp_rows_inbound(company, rows) AS r LEFT JOIN oms.inbound AS t ON t.company_id = company AND t.erp_key = r.key
             WHERE t.inbound_id IS NULL OR (t.qty, t.due_at, t.state) IS DISTINCT FROM (r.qty, r.due_at, r.state) OR t.document IS DISTINCT FROM r.document
             ORDER BY r.sku_id, r.ref) AS r
      JOIN oms.company AS c ON c.company_id = company
      JOIN oms.node AS n ON n.node_id = r.node_id JOIN oms.sku AS k ON k.sku_id = r.sku_id;
    WITH u AS (
        UPDATE oms.inbound AS t SET erp_key = r.key, supplier_id = r.supplier_id
          FROM oms.erp_rows_inbound(company, rows) AS r
         WHERE t.company_id = company AND t.ref = r.ref AND (t.erp_key, t.supplier_id) IS DISTINCT FROM (r.key, r.supplier_id)
        RETURNING 1)
    SELECT count(*) FROM u
$$;
COMMENT ON FUNCTION oms.erp_put_inbound(integer, jsonb[]) IS 'Writes supply on its way as the ERP states it, by oms.set_inbound(): those who wait for it are promised anew.';

CREATE FUNCTION oms.erp_end_inbound(company integer, asked text[], found text[]) RETURNS bigint
LANGUAGE sql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, oms, pg_temp AS $$
    -- of what has become a kit there is no supply to set
    UPDATE oms.inbound AS t SET qty = 0, state = 'cancelled', version = t.version + 1, updated_at = now()
     WHERE t.company_id = company AND t.erp_key IS NOT NULL AND t.state = 'expected'
       AND (asked IS NULL OR t.erp_key = ANY (asked)) AND NOT EXISTS (SELECT FROM unnest(found) AS f WHERE f = t.erp_key)
       AND EXISTS (SELECT FROM oms.kit_component AS x WHERE x.company_id = company AND x.kit_sku_id = t.sku_id);
    SELECT count(oms.set_inbound(t.ref, n.code, k.code, 0, t.due_at, company => c.code))
      FROM (SELECT t.* FROM oms.inbound AS t WHERE t.company_id = company AND t.erp_key IS NOT NULL AND t.state = 'expected'
               AND (asked IS NULL OR t.erp_key = ANY (asked)) AND NOT EXISTS (SELECT FROM unnest(found) AS f WHERE f = t.erp_key)
             ORDER BY t.sku_id, t.ref) AS t
      JOIN oms.company AS c ON c.company_id = company
      JOIN oms.node AS n ON n.node_id = t.node_id JOIN oms.sku AS k ON k.sku_id = t.sku_id
$$;
COMMENT ON FUNCTION oms.erp_end_inbound(integer, text[], text[]) IS 'Ends supply of the ERP of which nothing is to come any more.';

-- Which document is which ----------------------------------------------------------

CREATE FUNCTION oms.erp_find_order(company integer, reference text, OUT order_id bigint, OUT origin text)
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, oms, pg_temp AS $$
    SELECT f.order_id, f.origin FROM (
        SELECT o.order_id, 'oms' AS origin FROM oms."order" AS o
         WHERE o.company_id = company AND o.order_id = substring(reference, '^OMS-([0-9]{1,18})(?:/[0-9]+)?$')::bigint
        UNION ALL
        (SELECT min(o.order_id), 'erp' FROM oms.channel AS c JOIN oms."order" AS o ON o.company_id = c.company_id AND o.channel_id = c.channel_id AND o.external_id = reference
          WHERE c.company_id = company HAVING count(*) = 1)) AS f
     LIMIT 1
$$;
COMMENT ON FUNCTION oms.erp_find_order(integer, text) IS
    'Our order that a document of the ERP refers to: OMS-12 and OMS-12/2 are ours (origin oms), else the channel''s number, where only one channel has it (origin erp). NULL when there is none.';

CREATE FUNCTION oms.erp_find_shipment(company integer, reference text, awb text, OUT shipment_id bigint, OUT origin text)
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, oms, pg_temp AS $$
    SELECT f.shipment_id, f.origin FROM (
        SELECT s.shipment_id, 'oms' AS origin FROM oms.shipment AS s
         WHERE s.company_id = company AND s.shipment_id = substring(reference, '^shipment ([0-9]{1,18})$')::bigint
        UNION ALL
        (SELECT min(s.shipment_id), 'erp' FROM oms.shipment AS s WHERE s.company_id = company AND s.awb = $3 HAVING count(*) = 1)) AS f
     LIMIT 1
$$;
COMMENT ON FUNCTION oms.erp_find_shipment(integer, text, text) IS
    'Our shipment that one of the ERP is: by a reference as "shipment 12" (origin oms), else by the courier''s number (origin erp). NULL when there is none.';

CREATE FUNCTION oms.erp_doc_hash(entity text, company integer, key text) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, oms, pg_temp AS $$
    SELECT md5(jsonb_build_array(t.number, t.reference, t.customer_key, t.node_key, t.erp_status, t.currency, t.total, t.lines)::text)
      FROM oms.erp_order AS t WHERE entity = 'order' AND t.company_id = company AND t.erp_key = key
    UNION ALL
    SELECT md5(jsonb_build_array(t.number, t.reference, t.order_key, t.node_key, t.erp_status, t.carrier, t.awb, t.lines)::text)
      FROM oms.erp_shipment AS t WHERE entity = 'shipment' AND t.company_id = company AND t.erp_key = key
$$;
COMMENT ON FUNCTION oms.erp_doc_hash(text, integer, text) IS
    'md5 of what the ERP says of an order or shipment (oms.erp_order, oms.erp_shipment), as kept in oms.erp_link: the same hash again is an echo.';

CREATE FUNCTION oms.erp_find_links(company integer, entity text, keys text[] DEFAULT NULL) RETURNS bigint
LANGUAGE sql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, oms, pg_temp AS $$
    WITH d AS MATERIALIZED (
        SELECT t.erp_key, f.order_id AS oms_key, f.origin FROM oms.erp_order AS t CROSS JOIN LATERAL oms.erp_find_order(company, t.reference) AS f
         WHERE $2 = 'order' AND t.company_id = company AND (keys IS NULL OR t.erp_key IN (SELECT u FROM unnest(keys) AS u))
        UNION ALL
        SELECT t.erp_key, f.shipment_id, f.origin FROM oms.erp_shipment AS t CROSS JOIN LATERAL oms.erp_find_shipment(company, t.reference, t.awb) AS f
         WHERE $2 = 'shipment' AND t.company_id = company AND (keys IS NULL OR t.erp_key IN (SELECT u FROM unnest(keys) AS u))
    ), gone AS (
        -- what was found by a reference goes with it; what we had made stays
        DELETE FROM oms.erp_link AS l
         WHERE l.company_id = company AND l.entity = $2 AND l.origin = 'erp' AND (keys IS NULL OR l.erp_key IN (SELECT u FROM unnest(keys) AS u))
           AND NOT EXISTS (SELECT FROM d WHERE d.erp_key = l.erp_key AND d.oms_key IS NOT NULL)
    ), put AS (
        INSERT INTO oms.erp_link AS l (company_id, entity, erp_key, oms_key, origin, doc_hash)
        SELECT company, $2, d.erp_key, d.oms_key, d.origin, oms.erp_doc_hash($2, company, d.erp_key) FROM d WHERE d.oms_key IS NOT NULL
        ON CONFLICT ON CONSTRAINT erp_link_pkey DO UPDATE
           SET oms_key = CASE WHEN l.origin = 'oms' THEN l.oms_key ELSE excluded.oms_key END,
               origin = CASE WHEN l.origin = 'oms' THEN l.origin ELSE excluded.origin END, doc_hash = excluded.doc_hash, at = now()
         WHERE l.doc_hash IS DISTINCT FROM excluded.doc_hash OR l.origin = 'erp' AND (l.oms_key, l.origin) <> (excluded.oms_key, excluded.origin)
        RETURNING 1
    ), hash AS (
        -- of those that no reference leads to
        UPDATE oms.erp_link AS l SET doc_hash = oms.erp_doc_hash($2, company, d.erp_key), at = now() FROM d
         WHERE l.company_id = company AND l.entity = $2 AND l.erp_key = d.erp_key AND l.origin = 'oms' AND d.oms_key IS NULL
           AND l.doc_hash IS DISTINCT FROM oms.erp_doc_hash($2, company, d.erp_key)
    )
    SELECT count(*) FROM put
$$;
COMMENT ON FUNCTION oms.erp_find_links(integer, text, text[]) IS
    'Finds which orders or shipments of the ERP (these keys, or all) are ours and keeps oms.erp_link; called as the ERP''s documents are taken in, and by anybody after orders came here that were there before. Returns how many links are new or changed.';

-- Proof ----------------------------------------------------------------------------

CREATE FUNCTION oms.erp_compare(entity text) RETURNS text
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, oms, pg_temp AS $$
    SELECT format($q$
        SELECT %1$L, d.key, d.erp, CASE WHEN d.t IS NOT NULL THEN d.oms END
          FROM (SELECT coalesce(r.key, t.key) AS key, r.j AS r, t.j AS t,
                       (SELECT string_agg(f.key || ' ' || coalesce(f.value, '-'), ', ' ORDER BY f.key) FROM jsonb_each_text(r.j) AS f WHERE r.j->f.key IS DISTINCT FROM t.j->f.key) AS erp,
                       (SELECT string_agg(f.key || ' ' || coalesce(t.j->>f.key, '-'), ', ' ORDER BY f.key) FROM jsonb_each(coalesce(r.j, t.j)) AS f
                         WHERE r.j->f.key IS DISTINCT FROM t.j->f.key AND (r.j IS NOT NULL OR f.value <> 'null' AND f.key !~ '_id$|_at$|^(erp_key|version)$')) AS oms
                  FROM (SELECT x.key, to_jsonb(x) - 'key' AS j FROM oms.erp_rows_%1$s(@company@, @rows@) AS x) AS r
                  FULL JOIN (SELECT x.erp_key AS key, to_jsonb(x) AS j FROM oms.%2$I AS x WHERE x.company_id = @company@ AND x.erp_key IS NOT NULL) AS t ON t.key = r.key) AS d
         WHERE CASE WHEN d.r IS NULL THEN %3$s ELSE d.t IS NULL OR d.erp IS NOT NULL END $q$, v.entity, v.held, v.live)
      FROM (VALUES ('kit', 'kit_component', 'true'), ('price_list', 'price_list', $c$d.t->>'active' = 'true'$c$), ('address', 'customer_address', $c$d.t->>'active' = 'true'$c$),
                   ('supplier', 'supplier', $c$d.t->>'active' = 'true'$c$), ('order', 'erp_order', 'true'), ('shipment', 'erp_shipment', 'true'), ('return', 'erp_return', 'true'),
                   ('inbound', 'inbound', $c$d.t->>'state' = 'expected'$c$)) AS v (entity, held, live)
     WHERE v.entity = $1
$$;
COMMENT ON FUNCTION oms.erp_compare(text) IS 'Part of oms.erp_verify(): the query that compares what we hold of an entity with rows of the ERP; NULL for those that have one of their own.';

CREATE FUNCTION oms.erp_held(company integer) RETURNS TABLE (entity text, rows bigint, note text)
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, oms, pg_temp AS $$
    SELECT v.entity, v.rows, nullif(concat_ws(', ', w.waiting || ' wait for what is not here', u.unknown || ' of unknown status'), '')
      FROM (SELECT 'kit', count(*) FROM oms.kit_component AS x WHERE x.company_id = company AND x.erp_key IS NOT NULL
            UNION ALL SELECT 'price_list', count(*) FROM oms.price_list AS x WHERE x.company_id = company AND x.erp_key IS NOT NULL AND x.active
            UNION ALL SELECT 'address', count(*) FROM oms.customer_address AS x WHERE x.company_id = company AND x.erp_key IS NOT NULL AND x.active
            UNION ALL SELECT 'supplier', count(*) FROM oms.supplier AS x WHERE x.company_id = company AND x.erp_key IS NOT NULL AND x.active
            UNION ALL SELECT 'order', count(*) FROM oms.erp_order AS x WHERE x.company_id = company
            UNION ALL SELECT 'shipment', count(*) FROM oms.erp_shipment AS x WHERE x.company_id = company
            UNION ALL SELECT 'return', count(*) FROM oms.erp_return AS x WHERE x.company_id = company
            UNION ALL SELECT 'inbound', count(*) FROM oms.inbound AS x WHERE x.company_id = company AND x.erp_key IS NOT NULL AND x.state = 'expected') AS v (entity, rows)
      LEFT JOIN LATERAL (SELECT count(DISTINCT y.erp_key) AS waiting FROM oms.erp_waiting AS y WHERE y.company_id = company AND y.entity = v.entity HAVING count(*) > 0) AS w ON true
      LEFT JOIN LATERAL (SELECT count(*) AS unknown FROM (SELECT 'order' AS entity FROM oms.erp_order AS y WHERE y.company_id = company AND y.status IS NULL
                          UNION ALL SELECT 'shipment' FROM oms.erp_shipment AS y WHERE y.company_id = company AND y.status IS NULL
                          UNION ALL SELECT 'return' FROM oms.erp_return AS y WHERE y.company_id = company AND y.status IS NULL) AS z WHERE z.entity = v.entity HAVING count(*) > 0) AS u ON true
     ORDER BY array_position(oms.erp_entities(), v.entity)
$$;
COMMENT ON FUNCTION oms.erp_held(integer) IS 'What we hold of the ERP''s kits, price lists, addresses, suppliers, documents and supply: rows, those that wait for something else, those whose status has no meaning here.';

-- Several companies of one ERP --------------------------------------------------------

CREATE FUNCTION oms.erp_company_now() RETURNS integer
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, oms, pg_temp AS $$
    SELECT a.company_id FROM oms.erp_attachment AS a JOIN oms.company AS c ON c.company_id = a.company_id
     ORDER BY (c.code = current_setting('oms.company', true)) IS TRUE DESC, a.company_id LIMIT 1
$$;
COMMENT ON FUNCTION oms.erp_company_now() IS
    'Company for which calls to the ERP and comparisons are made: that of setting oms.company where it is attached, else the first that is. NULL: none is attached.';

CREATE FUNCTION oms.erp_each(call text) RETURNS bigint
LANGUAGE plpgsql VOLATILE STRICT PARALLEL UNSAFE COST 10000
SET search_path = pg_catalog, oms, pg_temp AS $$
DECLARE
    company text;
    was text := coalesce(current_setting('oms.company', true), '');
    n bigint;
    total bigint := 0;
BEGIN
    IF call <> ALL ('{erp_send,erp_watch}') THEN
        RAISE EXCEPTION USING ERRCODE = 'OM001', MESSAGE = format('"%s" is no call that is made for each company', call),
            DETAIL = 'Argument call.', HINT = 'Such calls are erp_send and erp_watch.';
    END IF;
    FOR company IN SELECT c.code FROM oms.erp_attachment AS a JOIN oms.company AS c ON c.company_id = a.company_id ORDER BY a.company_id LOOP
        PERFORM set_config('oms.company', company, true);
        EXECUTE format('SELECT oms.%I()', call) INTO n;
        total := total + coalesce(n, 0);
    END LOOP;
    PERFORM set_config('oms.company', was, true);
    RETURN total;
END $$;
COMMENT ON FUNCTION oms.erp_each(text) IS
    'erp_send or erp_watch for each company that is attached, one after the other; returns the sum. What jobs call.';
