-- erp: what came of the orders that we wrote into the ERP: echoes, news,
-- conflicts, and the report of what differs.

CREATE FUNCTION oms.erp_conflict(company_id integer, order_id bigint, reference text, field text, what text, differs jsonb, action text) RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, oms, pg_temp AS $$
DECLARE
    company text := (SELECT c.code FROM oms.company AS c WHERE c.company_id = $1);
    held boolean := false;
BEGIN
    IF action = 'hold' AND (SELECT o.status FROM oms."order" AS o WHERE o.company_id = $1 AND o.order_id = $2) IN ('captured', 'on_hold', 'backordered', 'part_reserved', 'reserved') THEN
        PERFORM oms.hold_order($2, 'ERP', what, company);
        held := true;
    END IF;
    INSERT INTO oms.event (company_id, topic, subject_id, type, payload)
    VALUES ($1, 'order', $2, 'erp.conflict', jsonb_build_object('reference', reference, 'field', field, 'what', what, 'differs', differs, 'held', held));
END $$;
COMMENT ON FUNCTION oms.erp_conflict(integer, bigint, text, text, text, jsonb, text) IS
    'OMS and ERP say different things about an order and neither may simply win: event erp.conflict, and with action "hold", where nothing is released yet, hold ERP.';

CREATE FUNCTION oms.erp_owner_of(company_id integer, field text, OUT owner text, OUT on_conflict text)
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, oms, pg_temp AS $$
    SELECT coalesce(o.owner, d.owner), coalesce(o.on_conflict, d.on_conflict)
      FROM (VALUES ('qty', 'oms', 'hold'), ('price', 'oms', 'oms'), ('status', 'oms', 'erp'), ('cancelled', 'oms', 'erp')) AS d (field, owner, on_conflict)
      LEFT JOIN oms.erp_owner AS o ON o.company_id = $1 AND o.field = d.field
     WHERE d.field = $2
$$;
COMMENT ON FUNCTION oms.erp_owner_of(integer, text) IS
    'Who has the last word on a field of an order, and what is done when the ERP says otherwise: the row of oms.erp_owner, else: quantities are held for a person, prices are reported, progress and cancellation in the ERP are followed.';

CREATE FUNCTION oms.erp_altered(params jsonb, company_id integer, document_id bigint, lines jsonb) RETURNS jsonb
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, oms, pg_temp AS $$
    WITH told AS (
        SELECT coalesce(s.erp_key, s.code) AS item, sum(l.qty) AS qty, sum(l.taxable) AS amount
          FROM oms.erp_document_line AS l JOIN oms.sku AS s ON s.sku_id = l.sku_id WHERE l.company_id = $2 AND l.document_id = $3 GROUP BY 1
    ), erp AS (
        SELECT e->>'item' AS item, sum((e->>'qty')::numeric) AS qty, sum((e->>'amount')::numeric) AS amount
          FROM jsonb_array_elements(lines) AS e WHERE e->>'item' IS NOT NULL AND e->>'item' IS DISTINCT FROM params->>'charge_product' GROUP BY 1
    ), d AS (
        SELECT coalesce(t.item, e.item) AS item, t.qty AS told_qty, e.qty AS erp_qty, t.amount AS told_amount, e.amount AS erp_amount
          FROM told AS t FULL JOIN erp AS e ON e.item = t.item
    )
    SELECT nullif(jsonb_strip_nulls(jsonb_build_object(
           'qty', (SELECT jsonb_agg(jsonb_build_object('item', d.item, 'told', coalesce(d.told_qty, 0), 'erp', coalesce(d.erp_qty, 0)) ORDER BY d.item COLLATE "C")
                     FROM d WHERE coalesce(d.told_qty, 0) <> coalesce(d.erp_qty, 0)),
           -- prices go over with four digits: what that and the ERP's rounding make is no news
           'price', (SELECT jsonb_agg(jsonb_build_object('item', d.item, 'told', round(d.told_amount / d.told_qty, 4), 'erp', round(d.erp_amount / d.erp_qty, 4)) ORDER BY d.item COLLATE "C")
                       FROM d WHERE d.told_qty > 0 AND d.erp_qty > 0
                        AND abs(d.told_amount / d.told_qty - d.erp_amount / d.erp_qty) > 0.0001 + 0.01 / least(d.told_qty, d.erp_qty)))), '{}')
$$;
COMMENT ON FUNCTION oms.erp_altered(jsonb, integer, bigint, jsonb) IS
    'What the ERP''s lines of a document say otherwise than we told it: {"qty": [{item, told, erp}], "price": [...]}, units and prices without tax. NULL: nothing.';

CREATE FUNCTION oms.erp_watch(max_documents integer DEFAULT 100000) RETURNS integer
LANGUAGE plpgsql VOLATILE STRICT PARALLEL UNSAFE COST 100000
SET search_path = pg_catalog, oms, pg_temp AS $$
DECLARE
    att oms.erp_attachment;
    sch text;
    m record;
    r record;
    told integer;
    seen integer;
    differs jsonb;
    news jsonb;
    field text;
    own record;
    n integer := 0;
BEGIN
    SELECT * INTO att FROM oms.erp_attachment AS a WHERE a.company_id = oms.erp_company_now();
    IF NOT FOUND THEN
        RETURN 0;
    END IF;
    SELECT x.* INTO m FROM oms.erp_document_map AS x WHERE x.profile = att.profile;
    IF NOT FOUND OR NOT EXISTS (SELECT FROM oms.erp_document AS d WHERE d.company_id = att.company_id AND d.open AND d.erp_ref IS NOT NULL) THEN
        RETURN 0;
    END IF;
    sch := quote_ident(coalesce(att.params->>'schema', 'public'));
    FOR r IN EXECUTE format($q$
        WITH d AS MATERIALIZED (
            SELECT x.* FROM oms.erp_document AS x WHERE x.company_id = $3 AND x.open AND x.erp_ref IS NOT NULL ORDER BY x.document_id LIMIT $4
        ), s AS (
            SELECT * FROM (%s
) AS q (key, reference, number, state, untaxed, tax, total)
        ), l AS (
            SELECT q.key::text AS key, jsonb_agg(jsonb_build_object('item', q.item::text, 'qty', q.qty::numeric, 'amount', q.amount::numeric) ORDER BY q.item::text COLLATE "C", q.qty, q.amount) AS lines
              FROM (%s
) AS q (key, item, qty, amount) GROUP BY 1
        )
        SELECT d.document_id, d.order_id, d.node_id, d.reference, d.step AS was, d.altered, d.erp_state AS was_state, s.key IS NULL AS gone, s.number::text AS number, s.state::text AS state,
               s.untaxed::numeric AS untaxed, s.tax::numeric AS tax, s.total::numeric AS total, coalesce(l.lines, '[]') AS lines, s.reference IS DISTINCT FROM d.reference AS renamed,
               v.oms_value AS step, d.seen_at IS NULL AS first
          FROM d LEFT JOIN s ON s.key::text = d.erp_ref LEFT JOIN l ON l.key = d.erp_ref
          LEFT JOIN oms.erp_status AS v ON v.profile = $5 AND v.entity = 'document' AND v.erp_value = s.state::text
         WHERE d.seen_at IS NULL OR (d.erp_state, d.erp_number, d.erp_untaxed, d.erp_tax, d.erp_total, d.erp_lines)
               IS DISTINCT FROM (coalesce(s.state::text, '(gone)'), s.number::text, s.untaxed::numeric(14,2), s.tax::numeric(14,2), s.total::numeric(14,2), coalesce(l.lines, '[]'))
         ORDER BY d.document_id
        $q$, replace(replace(m.state_sql, '@erp@', sch), '$1', '(SELECT array_agg(z.erp_ref) FROM d AS z)'), replace(replace(m.lines_sql, '@erp@', sch), '$1', '(SELECT array_agg(z.erp_ref) FROM d AS z)'))
        USING NULL::text[], att.params, att.company_id, max_documents, att.profile
    LOOP
        n := n + 1;
        IF r.gone THEN
            r.step := 'cancelled';
            r.state := '(gone)';
        END IF;
        differs := CASE WHEN r.step = 'cancelled' THEN r.altered ELSE oms.erp_altered(att.params, att.company_id, r.document_id, r.lines) END;
        UPDATE oms.erp_document AS d SET erp_state = r.state, step = r.step, erp_number = r.number, erp_untaxed = r.untaxed, erp_tax = r.tax, erp_total = r.total, erp_lines = r.lines,
               altered = differs, seen_at = clock_timestamp()
         WHERE d.company_id = att.company_id AND d.document_id = r.document_id AND d.open;
        CONTINUE WHEN NOT FOUND;
        IF r.step = 'cancelled' THEN
            UPDATE oms.erp_call AS k SET state = 'dropped' WHERE k.company_id = att.company_id AND k.document_id = r.document_id AND k.kind <> 'order_out' AND k.state IN ('pending', 'failed');
        END IF;
        -- an echo: what we told it, or less; anything beyond is news
        SELECT coalesce(max(CASE k.kind WHEN 'order_create' THEN 0 WHEN 'order_confirm' THEN 1 WHEN 'shipment_pick' THEN 2 WHEN 'shipment_pack' THEN 3 WHEN 'shipment_ship' THEN 4 ELSE 9 END), 0) INTO told
          FROM oms.erp_call AS k WHERE k.company_id = att.company_id AND k.document_id = r.document_id AND k.kind <> 'order_out' AND k.state IN ('sent', 'taken', 'done');
        seen := array_position('{draft,confirmed,picked,packed,shipped,cancelled}', r.step) - 1;
        news := '{}';
        IF differs IS DISTINCT FROM r.altered THEN
            news := news || coalesce(differs, '{"restored": true}');
        END IF;
        IF r.step IS NULL THEN
            news := news || jsonb_build_object('unknown_state', r.state);
        ELSIF r.step = 'cancelled' AND told < 9 AND r.was IS DISTINCT FROM 'cancelled' THEN
            news := news || jsonb_build_object('cancelled', r.state);
        ELSIF seen BETWEEN told + 1 AND 4 AND r.was IS DISTINCT FROM r.step THEN
            news := news || jsonb_build_object('status', r.step);
        END IF;
        CONTINUE WHEN news = '{}';
        INSERT INTO oms.event (company_id, topic, subject_id, type, payload)
        VALUES (att.company_id, 'order', r.order_id, 'erp.order_changed', jsonb_build_object('reference', r.reference, 'changed', news));
        FOR field IN SELECT f FROM unnest('{qty,price,status,cancelled}'::text[]) AS f WHERE news ? f LOOP
            SELECT * INTO own FROM oms.erp_owner_of(att.company_id, field);
            PERFORM oms.erp_follow(att.company_id, r.order_id, r.node_id, r.document_id, r.reference, field, news->field, own.owner, own.on_conflict);
        END LOOP;
    END LOOP;
    -- what is over on both sides; all documents of an order at a node together
    PERFORM oms.erp_close_document(x.company_id, x.document_id, NULL)
       FROM (SELECT d.* FROM oms.erp_document AS d WHERE d.company_id = att.company_id AND d.open AND d.step IN ('shipped', 'cancelled')) AS x
      WHERE NOT EXISTS (SELECT FROM oms.erp_document AS y WHERE y.company_id = x.company_id AND y.order_id = x.order_id AND y.node_id = x.node_id AND y.open AND y.step IS DISTINCT FROM 'cancelled' AND y.step IS DISTINCT FROM 'shipped')
        AND NOT EXISTS (SELECT FROM oms.allocation AS a JOIN oms.reservation AS v ON v.company_id = a.company_id AND v.allocation_id = a.allocation_id
                         WHERE a.company_id = x.company_id AND a.order_id = x.order_id AND v.node_id = x.node_id AND v.state <> 'closed')
        AND NOT EXISTS (SELECT FROM oms.erp_call AS k WHERE k.company_id = x.company_id AND k.document_id = x.document_id AND k.state IN ('pending', 'taken', 'sent'));
    RETURN n;
END $$;
COMMENT ON FUNCTION oms.erp_watch(integer) IS
    'Looks at the orders that we wrote into the ERP, at most so many, and takes note of what changed there. What comes back as we told it changes nothing; what the ERP altered is event erp.order_changed, and goes by oms.erp_owner. Documents that are over on both sides are closed. Returns how many had changed.';

CREATE FUNCTION oms.erp_follow(company_id integer, order_id bigint, node_id integer, document_id bigint, reference text, field text, differs jsonb, owner text, on_conflict text) RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, oms, pg_temp AS $$
DECLARE
    company text := (SELECT c.code FROM oms.company AS c WHERE c.company_id = $1);
    rank integer := (SELECT min(w.rank) FROM oms.erp_wanted($1, $2) AS w WHERE w.node_id = $3);
    why text;
BEGIN
    IF field IN ('qty', 'price') THEN
        IF owner = 'erp' OR on_conflict = 'oms' THEN
            RETURN;
        END IF;
        PERFORM oms.erp_conflict($1, $2, reference, field, CASE field WHEN 'qty' THEN 'the ERP altered quantities of ' ELSE 'the ERP altered prices of ' END || reference, differs, on_conflict);
    ELSIF on_conflict = 'hold' THEN
        PERFORM oms.erp_conflict($1, $2, reference, field, CASE field WHEN 'status' THEN 'the ERP is further with ' ELSE 'the ERP cancelled ' END || reference, differs, 'hold');
    ELSIF on_conflict = 'oms' THEN
        RETURN;
    ELSIF rank IS NULL THEN
        RETURN;                     -- nothing of it is wanted here any more
    ELSIF field = 'cancelled' THEN
        -- cancellation wins only before anything was picked
        IF rank > 0 OR EXISTS (SELECT FROM oms.allocation AS a WHERE a.company_id = $1 AND a.order_id = $2 AND a.status IN ('picked', 'packed', 'shipped', 'delivered', 'rto', 'returned')) THEN
            PERFORM oms.erp_conflict($1, $2, reference, field, 'the ERP cancelled ' || reference || ', which is picked here', differs, 'hold');
        ELSIF EXISTS (SELECT FROM oms.erp_wanted($1, $2) AS w WHERE w.node_id <> $3)
            OR EXISTS (SELECT FROM oms.erp_document AS d WHERE d.company_id = $1 AND d.order_id = $2 AND d.document_id <> $4 AND d.open AND d.step IS DISTINCT FROM 'cancelled') THEN
            PERFORM oms.erp_conflict($1, $2, reference, field, 'the ERP cancelled ' || reference || ', a part of the order', differs, 'hold');
        ELSE
            BEGIN
                PERFORM oms.cancel_order($2, 'SELLER', company);
            EXCEPTION WHEN OTHERS THEN
                GET STACKED DIAGNOSTICS why = MESSAGE_TEXT;
                PERFORM oms.erp_conflict($1, $2, reference, field, 'the ERP cancelled ' || reference || ', and here it cannot be: ' || why, differs, 'hold');
            END;
        END IF;
    ELSIF differs #>> '{}' IN ('packed', 'shipped') THEN
        BEGIN
            IF EXISTS (SELECT FROM oms.allocation AS a WHERE a.company_id = $1 AND a.order_id = $2 AND a.node_id = $3 AND a.status = 'reserved') THEN
                PERFORM oms.release_order($2, company);
            END IF;
            PERFORM CASE WHEN differs #>> '{}' = 'packed' THEN oms.pack_shipment(s.shipment_id, company)::text ELSE oms.dispatch_shipment(s.shipment_id, company)::text END
               FROM (SELECT DISTINCT a.shipment_id FROM oms.allocation AS a
                      WHERE a.company_id = $1 AND a.order_id = $2 AND a.node_id = $3 AND a.shipment_id IS NOT NULL AND a.status IN ('released', 'picked', 'packed')) AS s;
        EXCEPTION WHEN OTHERS THEN
            GET STACKED DIAGNOSTICS why = MESSAGE_TEXT;
            PERFORM oms.erp_conflict($1, $2, reference, field, 'the ERP is further with ' || reference || ', and here it cannot be: ' || why, differs, 'hold');
        END;
    END IF;
END $$;
COMMENT ON FUNCTION oms.erp_follow(integer, bigint, integer, bigint, text, text, jsonb, text, text) IS
    'The ERP altered a field of an order that we wrote: follows it, holds the order for a person, or leaves it at the event, as oms.erp_owner says. Cancellation wins only before anything was picked; progress is that of whoever is further.';

-- The report ----------------------------------------------------------------------

CREATE FUNCTION oms.erp_reconcile(since timestamptz DEFAULT '-infinity')
RETURNS TABLE (scope text, document text, cause text, field text, oms_value text, erp_value text, difference numeric, detail text)
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE COST 1000000 ROWS 100
SET search_path = pg_catalog, oms, pg_temp AS $$
DECLARE
    att oms.erp_attachment;
    sch text;
    m record;
BEGIN
    SELECT * INTO att FROM oms.erp_attachment AS a WHERE a.company_id = oms.erp_company_now();
    IF NOT FOUND THEN
        RETURN;
    END IF;
    sch := quote_ident(coalesce(att.params->>'schema', 'public'));
    SELECT x.state_sql, x.lines_sql INTO m FROM oms.erp_document_map AS x WHERE x.profile = att.profile;

    -- orders that should be there and are not, or are on their way
    RETURN QUERY
        SELECT 'order', coalesce(d.reference, 'order ' || o.order_id),
               CASE WHEN EXISTS (SELECT FROM oms.erp_order_note AS t WHERE t.company_id = o.company_id AND t.order_id = o.order_id) THEN 'not collected yet'
                    WHEN d.document_id IS NULL THEN 'never told'
                    WHEN k.state = 'failed' THEN 'failed call'
                    WHEN k.state IN ('pending', 'taken', 'sent') THEN 'pending call' ELSE 'missing there' END,
               'exists', 'yes', 'no', NULL::numeric, k.error
          FROM oms."order" AS o
          LEFT JOIN oms.erp_document AS d ON d.company_id = o.company_id AND d.order_id = o.order_id
          LEFT JOIN oms.erp_call AS k ON k.company_id = d.company_id AND k.document_id = d.document_id AND k.kind = 'order_create'
         WHERE o.company_id = att.company_id AND o.placed_at >= since AND lower(att.params->>'write_orders') IN ('true', 't', 'on', 'yes', '1')
           AND d.erp_ref IS NULL AND o.status <> 'cancelled' AND k.state IS DISTINCT FROM 'dropped' AND (o.captured_at >= att.attached_at OR o.status IN ('captured', 'on_hold', 'backordered', 'part_reserved', 'reserved', 'released', 'packed'))
           AND EXISTS (SELECT FROM oms.erp_wanted(o.company_id, o.order_id) AS w JOIN oms.node AS n ON n.node_id = w.node_id AND n.erp_key IS NOT NULL);

    IF m.state_sql IS NOT NULL THEN
        RETURN QUERY EXECUTE format($q$
            WITH d AS MATERIALIZED (
                SELECT x.*, o.status, o.total_amount FROM oms.erp_document AS x JOIN oms."order" AS o ON o.company_id = x.company_id AND o.order_id = x.order_id
                 WHERE x.company_id = $3 AND x.erp_ref IS NOT NULL AND o.placed_at >= $4
            ), s AS MATERIALIZED (
                SELECT q.key::text AS key, q.state::text AS state, q.untaxed::numeric AS untaxed, q.tax::numeric AS tax, v.oms_value AS step
                  FROM (%s
) AS q (key, reference, number, state, untaxed, tax, total) LEFT JOIN oms.erp_status AS v ON v.profile = $5 AND v.entity = 'document' AND v.erp_value = q.state::text
            ), l AS MATERIALIZED (
                SELECT q.key::text AS key, jsonb_agg(jsonb_build_object('item', q.item::text, 'qty', q.qty::numeric, 'amount', q.amount::numeric) ORDER BY q.item::text COLLATE "C") AS lines
                  FROM (%s
) AS q (key, item, qty, amount) GROUP BY 1
            ), p AS MATERIALIZED (
                SELECT d.*, s.key, s.state AS now_state, s.step AS now_step, s.untaxed, s.tax AS now_tax, coalesce(l.lines, '[]') AS lines, w.rank, t.taxable, t.tax AS told_tax,
                       oms.erp_altered($2, d.company_id, d.document_id, coalesce(l.lines, '[]')) AS now_altered, k.kind AS call_kind, k.state AS call_state, k.error AS call_error,
                       EXISTS (SELECT FROM oms.erp_order_note AS n WHERE n.company_id = d.company_id AND n.order_id = d.order_id) AS noted
                  FROM d LEFT JOIN s ON s.key = d.erp_ref LEFT JOIN l ON l.key = d.erp_ref
                  LEFT JOIN LATERAL (SELECT min(x.rank) AS rank FROM oms.erp_wanted(d.company_id, d.order_id) AS x WHERE x.node_id = d.node_id) AS w ON true
                  LEFT JOIN LATERAL (SELECT sum(x.taxable) AS taxable, sum(x.tax) AS tax FROM oms.erp_document_line AS x WHERE x.company_id = d.company_id AND x.document_id = d.document_id) AS t ON true
                  LEFT JOIN LATERAL (SELECT x.kind, x.state, x.error FROM oms.erp_call AS x WHERE x.company_id = d.company_id AND x.document_id = d.document_id AND x.kind <> 'order_out'
                                      AND x.state IN ('pending', 'taken', 'sent', 'failed') ORDER BY x.state = 'failed' DESC, oms.erp_call_rank(x.kind) LIMIT 1) AS k ON true
            ), why AS MATERIALIZED (
                SELECT p.*, CASE WHEN p.noted THEN 'not collected yet' WHEN p.call_state = 'failed' THEN 'failed call' WHEN p.call_state IS NOT NULL THEN 'pending call' END AS on_its_way,
                       CASE WHEN p.rank IS NULL THEN 'cancelled' ELSE (ARRAY['confirmed', 'picked', 'packed', 'shipped'])[p.rank + 1] END AS ours
                  FROM p
            )
            SELECT 'order', y.reference, 'missing there', 'exists', 'yes', 'no', NULL::numeric, 'key ' || y.erp_ref
              FROM why AS y WHERE y.key IS NULL AND y.rank IS NOT NULL
            UNION ALL
            SELECT 'shipment', y.reference, CASE WHEN y.now_step IS NULL THEN 'unknown word' ELSE coalesce(y.on_its_way,
                       CASE WHEN y.erp_state IS DISTINCT FROM y.now_state THEN 'not taken in yet' ELSE 'ERP altered' END) END,
                   'status', y.ours, coalesce(y.now_step, y.now_state), NULL, y.call_kind || coalesce(': ' || y.call_error, '')
              FROM why AS y
             WHERE y.key IS NOT NULL AND y.now_step IS DISTINCT FROM y.ours AND NOT (y.ours = 'confirmed' AND y.now_step = 'draft' AND y.on_its_way IS NULL AND y.status IN ('on_hold', 'backordered', 'captured'))
            UNION ALL
            SELECT 'order', y.reference, CASE WHEN y.noted THEN 'not collected yet' WHEN y.altered IS DISTINCT FROM y.now_altered THEN 'not taken in yet' ELSE 'ERP altered' END,
                   'qty of ' || (e->>'item'), e->>'told', e->>'erp', (e->>'erp')::numeric - (e->>'told')::numeric, NULL
              FROM why AS y CROSS JOIN LATERAL jsonb_array_elements(y.now_altered->'qty') AS e
             WHERE y.key IS NOT NULL AND y.now_step IS DISTINCT FROM 'cancelled'
            UNION ALL
            -- what the order says now and the document was never told
            SELECT 'order', y.reference, coalesce(y.on_its_way, 'changed here'), 'qty of ' || coalesce(i.erp_key, i.code), x.wanted::text, x.told::text, x.told - x.wanted, NULL
              FROM why AS y
             CROSS JOIN LATERAL (SELECT t.sku_id, sum(t.told) AS told, sum(t.wanted) AS wanted FROM (
                    SELECT b.sku_id, b.qty AS told, 0::numeric AS wanted FROM oms.erp_document AS a JOIN oms.erp_document_line AS b USING (company_id, document_id)
                     WHERE a.company_id = y.company_id AND a.order_id = y.order_id AND a.node_id = y.node_id AND a.step IS DISTINCT FROM 'cancelled' AND a.erp_ref IS NOT NULL
                    UNION ALL SELECT w.sku_id, 0, w.qty FROM oms.erp_wanted(y.company_id, y.order_id) AS w WHERE w.node_id = y.node_id) AS t GROUP BY 1 HAVING sum(t.told) <> sum(t.wanted)) AS x
              JOIN oms.sku AS i ON i.sku_id = x.sku_id
             WHERE y.key IS NOT NULL AND y.now_step IS DISTINCT FROM 'cancelled' AND y.rank IS NOT NULL
               AND NOT EXISTS (SELECT FROM oms.erp_document AS z WHERE z.company_id = y.company_id AND z.order_id = y.order_id AND z.node_id = y.node_id AND z.doc_no < y.doc_no AND z.step IS DISTINCT FROM 'cancelled' AND z.erp_ref IS NOT NULL)
            UNION ALL
            SELECT 'money', y.reference,
                   CASE WHEN y.now_altered ? 'qty' OR y.now_altered ? 'price' THEN 'ERP altered'
                        WHEN abs(y.untaxed - y.taxable) <= 0.01 * greatest(jsonb_array_length(y.lines), 1) THEN 'rounding'
                        WHEN EXISTS (SELECT FROM jsonb_array_elements(y.lines) AS e WHERE e->>'item' = $2->>'charge_product') THEN 'charges' ELSE 'amount' END,
                   'amount without tax', y.taxable::text, y.untaxed::text, y.untaxed - y.taxable, NULL
              FROM why AS y WHERE y.key IS NOT NULL AND y.now_step IS DISTINCT FROM 'cancelled' AND y.untaxed <> y.taxable
            UNION ALL
            SELECT 'money', y.reference,
                   CASE WHEN y.now_altered ? 'qty' OR y.now_altered ? 'price' THEN 'ERP altered'
                        WHEN abs(y.now_tax - y.told_tax) <= 0.01 * greatest(jsonb_array_length(y.lines), 1) THEN 'rounding' ELSE 'tax' END,
                   'tax', y.told_tax::text, y.now_tax::text, y.now_tax - y.told_tax, NULL
              FROM why AS y WHERE y.key IS NOT NULL AND y.now_step IS DISTINCT FROM 'cancelled' AND y.now_tax <> y.told_tax
            ORDER BY 1, 2, 4
            $q$, replace(replace(m.state_sql, '@erp@', sch), '$1', '(SELECT array_agg(z.erp_ref) FROM d AS z)'), replace(replace(m.lines_sql, '@erp@', sch), '$1', '(SELECT array_agg(z.erp_ref) FROM d AS z)'))
            USING NULL::text[], att.params, att.company_id, since, att.profile;
    END IF;

    -- bookings of stock that are not booked
    RETURN QUERY
        SELECT 'stock', k.document, CASE k.state WHEN 'failed' THEN 'failed call' ELSE 'pending call' END, k.kind || ' of ' || s.code || ' at ' || n.code,
               trim_scale(k.qty)::text, '0', CASE k.kind WHEN 'stock_in' THEN - k.qty ELSE k.qty END, k.error
          FROM oms.erp_call AS k JOIN oms.node AS n ON n.node_id = k.node_id JOIN oms.sku AS s ON s.sku_id = k.sku_id
         WHERE k.company_id = att.company_id AND k.state IN ('pending', 'taken', 'sent', 'failed') ORDER BY k.call_id;
    -- counts: what the ERP says, taken in or not
    RETURN QUERY
        WITH c AS (SELECT x.relation FROM oms.erp_change AS x LIMIT 1)
        SELECT 'stock', v.erp_key, CASE WHEN EXISTS (SELECT FROM c) THEN 'not taken in yet' ELSE 'drift' END, 'on hand', v.oms_value, v.erp_value,
               coalesce(v.erp_value::numeric, 0) - coalesce(v.oms_value::numeric, 0), NULL::text
          FROM oms.erp_stock_differs() AS v ORDER BY 2;
END $$;
COMMENT ON FUNCTION oms.erp_reconcile(timestamptz) IS
    'OMS against ERP, a row a difference with its cause, of orders placed since then: scope order, shipment, stock or money; cause: not collected yet, pending call, failed call, never told, missing there, not taken in yet, ERP altered, changed here, unknown word, rounding, tax, charges, amount, drift. Looks at the ERP now, changes nothing.';

CREATE FUNCTION oms.erp_stock_differs() RETURNS TABLE (erp_key text, erp_value text, oms_value text)
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE COST 100000
SET search_path = pg_catalog, oms, pg_temp AS $$
DECLARE
    att oms.erp_attachment;
BEGIN
    SELECT * INTO att FROM oms.erp_attachment AS a WHERE a.company_id = oms.erp_company_now();
    IF NOT FOUND OR oms.erp_entity_query(att.profile, 'stock', att.company_id) IS NULL THEN
        RETURN;
    END IF;
    RETURN QUERY EXECUTE format($q$
        SELECT coalesce(r.key, t.key), trim_scale(r.on_hand)::text, trim_scale(t.on_hand)::text
          FROM (SELECT q.key::text AS key, round(q.on_hand::numeric, 3) AS on_hand FROM (%s
) AS q
                 WHERE EXISTS (SELECT FROM oms.node n WHERE n.company_id = $3 AND n.stock_from = 'erp' AND n.erp_key = split_part(q.key::text, '|', 1))
                   AND EXISTS (SELECT FROM oms.sku s WHERE s.company_id = $3 AND s.erp_key = substr(q.key::text, strpos(q.key::text, '|') + 1))) AS r
          FULL JOIN (SELECT n.erp_key || '|' || s.erp_key AS key, k.on_hand FROM oms.stock AS k JOIN oms.node AS n ON n.node_id = k.node_id JOIN oms.sku AS s ON s.sku_id = k.sku_id
                      WHERE k.company_id = $3 AND n.stock_from = 'erp' AND n.erp_key IS NOT NULL AND s.erp_key IS NOT NULL) AS t ON t.key = r.key
         WHERE coalesce(r.on_hand, 0) <> coalesce(t.on_hand, 0)$q$, replace(oms.erp_entity_query(att.profile, 'stock', att.company_id), '@erp@', quote_ident(coalesce(att.params->>'schema', 'public'))))
        USING NULL::text[], att.params, att.company_id;
END $$;
COMMENT ON FUNCTION oms.erp_stock_differs() IS 'Counts of the ERP that differ from ours now, taken in or not; changes nothing.';

CREATE FUNCTION oms.erp_reconcile_totals(since timestamptz DEFAULT '-infinity')
RETURNS TABLE (scope text, cause text, differences bigint, documents bigint, difference numeric)
LANGUAGE sql VOLATILE PARALLEL UNSAFE COST 1000000 ROWS 20
SET search_path = pg_catalog, oms, pg_temp AS $$
    SELECT r.scope, r.cause, count(*), count(DISTINCT r.document), sum(r.difference)
      FROM oms.erp_reconcile(since) AS r GROUP BY 1, 2 ORDER BY 1, 2
$$;
COMMENT ON FUNCTION oms.erp_reconcile_totals(timestamptz) IS 'oms.erp_reconcile() in totals by scope and cause: how many differences, in how many documents, and their sum (units or money).';
