-- erp: the way back. What the ERP is asked to book, and the orders it is told
-- of: from events to calls, calls to the ERP or its agents, answers.

CREATE TABLE oms.erp_call_event (   --| Which events of an order make which calls to the ERP, where parameter write_orders is true. A call is made once for each document, when there is something for it to do.
    profile text NOT NULL,          --| Profile
    event text NOT NULL,            --| Type of event, as in oms.event; % stands for anything
    kind text NOT NULL CHECK (kind IN ('order_create', 'order_confirm', 'shipment_pick', 'shipment_pack', 'shipment_ship', 'order_cancel')), --| The call
    statuses text[] NOT NULL DEFAULT '{}', --| The order must have one of these then; none: any
    builtin boolean NOT NULL DEFAULT false, --| Ships with the extension; others are the user's and are dumped
    PRIMARY KEY (profile, event, kind)
);
SELECT pg_catalog.pg_extension_config_dump('oms.erp_call_event', 'WHERE NOT builtin');

CREATE TABLE oms.erp_document_map ( --| How an ERP states the orders that we wrote into it.
    profile text PRIMARY KEY,       --| Profile
    state_sql text NOT NULL,        --| SQL: for keys $1 (text[]) of documents and parameters $2: key, reference, number, state (a word of oms.erp_status, entity document), untaxed, tax, total
    lines_sql text NOT NULL,        --| SQL: for keys $1 of documents: key, item (its key), qty (stock units), amount without tax
    taken_sql text,                 --| SQL: for keys $1 of documents: key, item, how many units the stock query leaves out for it (taken), and how many of these have left (done). NULL: the stock query leaves out nothing for orders
    builtin boolean NOT NULL DEFAULT false --| Ships with the extension; others are the user's and are dumped
);
SELECT pg_catalog.pg_extension_config_dump('oms.erp_document_map', 'WHERE NOT builtin');

-- Counted once ------------------------------------------------------------------

CREATE FUNCTION oms.erp_entity_query(profile text, entity text, company integer DEFAULT NULL) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, oms, pg_temp AS $$
    SELECT CASE WHEN $2 <> 'stock' OR m.taken_sql IS NULL OR a.company_id IS NULL THEN e.query ELSE
           replace(replace(replace($q$
SELECT coalesce(q.key::text, b.key) AS key, coalesce(q.on_hand::numeric, 0) + coalesce(b.back, 0) AS on_hand
  FROM (@query@
) AS q FULL JOIN (
    WITH live AS MATERIALIZED (
        SELECT DISTINCT d.erp_ref, d.order_id, d.node_id, l.sku_id, n.erp_key || '|' || s.erp_key AS key, s.erp_key AS item
          FROM oms.erp_document_line AS l
          JOIN oms.erp_document AS d ON d.company_id = l.company_id AND d.document_id = l.document_id
          JOIN oms.node AS n ON n.node_id = d.node_id
          JOIN oms.sku AS s ON s.sku_id = l.sku_id
         WHERE l.company_id = @company@ AND l.open AND d.erp_ref IS NOT NULL AND n.erp_key IS NOT NULL AND s.erp_key IS NOT NULL
           AND ($1::text[] IS NULL OR l.sku_id IN (SELECT i.sku_id FROM unnest($1::text[]) AS k JOIN oms.sku AS i ON i.company_id = @company@ AND i.erp_key = substr(k, strpos(k, '|') + 1))
                AND n.erp_key || '|' || s.erp_key = ANY ($1::text[]))
    ), linked AS MATERIALIZED (
        SELECT array_agg(DISTINCT v.erp_ref) AS refs FROM live AS v
    ), taken AS (
        SELECT v.order_id, v.node_id, v.sku_id, v.key, sum(t.taken::numeric) AS taken, sum(t.done::numeric) AS done
          FROM (@taken@
) AS t (ref, item, taken, done) JOIN live AS v ON v.erp_ref = t.ref::text AND v.item = t.item::text
         GROUP BY 1, 2, 3, 4
    )
    -- what left is given back until the calls that close it see it booked
    SELECT x.key, sum(least(greatest(x.taken - h.consumed - CASE WHEN k.booked THEN h.leaving ELSE 0 END, 0),
                            h.held + CASE WHEN k.booked THEN 0 ELSE h.leaving END)) AS back
      FROM taken AS x
     CROSS JOIN LATERAL (SELECT coalesce(sum(r.qty) FILTER (WHERE r.state <> 'closed' AND c.call_id IS NULL), 0) AS held, coalesce(sum(r.qty) FILTER (WHERE c.call_id IS NOT NULL), 0) AS leaving,
                                coalesce(sum(r.qty) FILTER (WHERE r.close_reason = 'consumed'), 0) AS consumed
                           FROM oms.allocation AS a JOIN oms.reservation AS r ON r.company_id = a.company_id AND r.allocation_id = a.allocation_id
                           LEFT JOIN oms.erp_call AS c ON c.company_id = r.company_id AND c.reservation_id = r.reservation_id AND r.state = 'leaving' AND c.kind = 'order_out' AND c.state IN ('sent', 'failed')
                          WHERE a.company_id = @company@ AND a.order_id = x.order_id AND r.node_id = x.node_id AND r.sku_id = x.sku_id) AS h
     CROSS JOIN LATERAL (SELECT h.leaving > 0 AND x.done - h.consumed >= h.leaving AS booked) AS k
     GROUP BY x.key
) AS b ON b.key = q.key::text
$q$, '@query@', e.query), '@taken@', replace(m.taken_sql, '$1', '(SELECT z.refs FROM linked AS z)')), '@company@', a.company_id::text) END
      FROM oms.erp_entity AS e
      LEFT JOIN oms.erp_document_map AS m ON m.profile = e.profile
      LEFT JOIN oms.erp_attachment AS a ON a.profile = e.profile AND a.company_id = coalesce($3, oms.erp_company_now()) AND EXISTS (SELECT FROM oms.erp_document AS d WHERE d.company_id = a.company_id AND d.open AND d.erp_ref IS NOT NULL)
     WHERE e.profile = $1 AND e.entity = $2
$$;
COMMENT ON FUNCTION oms.erp_entity_query(text, text, integer) IS
    'The query by which an entity is evaluated. Of stock, while the ERP has orders that we wrote: its count with what it holds for an order given back as far as we hold it too, so that it is subtracted once. NULL: the profile has no such entity.';

CREATE FUNCTION oms.erp_order_out(refs text[], params jsonb) RETURNS TABLE (ref text, done boolean)
LANGUAGE plpgsql STABLE PARALLEL SAFE COST 1000
SET search_path = pg_catalog, oms, pg_temp AS $$
DECLARE
    taken text;
BEGIN
    SELECT replace(replace(m.taken_sql, '@erp@', quote_ident(coalesce($2->>'schema', 'public'))), '$1', '(SELECT z.refs FROM linked AS z)') INTO taken
      FROM oms.erp_attachment AS a JOIN oms.erp_document_map AS m ON m.profile = a.profile ORDER BY a.company_id LIMIT 1;
    IF taken IS NULL THEN
        RETURN;
    END IF;
    RETURN QUERY EXECUTE format($q$
    WITH want AS MATERIALIZED (
        SELECT u.r, p.company_id, split_part(u.r, '|', 1)::bigint AS order_id, split_part(u.r, '|', 2)::integer AS node_id, split_part(u.r, '|', 3)::integer AS sku_id
          FROM unnest($1) AS u (r) JOIN oms.node AS p ON p.node_id = split_part(u.r, '|', 2)::integer
    ), live AS MATERIALIZED (
        SELECT DISTINCT w.r, d.erp_ref, s.erp_key AS item, d.step, d.company_id
          FROM want AS w JOIN oms.erp_document AS d ON d.company_id = w.company_id AND d.order_id = w.order_id AND d.node_id = w.node_id
          JOIN oms.sku AS s ON s.sku_id = w.sku_id
    ), linked AS MATERIALIZED (
        SELECT array_agg(DISTINCT v.erp_ref) AS refs FROM live AS v
    ), taken AS (
        SELECT v.r, sum(t.done::numeric) AS done FROM (%s
) AS t (ref, item, taken, done) JOIN live AS v ON v.erp_ref = t.ref::text AND v.item = t.item::text GROUP BY 1
    )
    SELECT w.r, coalesce(x.done, 0) - h.consumed >= h.leaving
      FROM want AS w
      LEFT JOIN taken AS x ON x.r = w.r
     CROSS JOIN LATERAL (SELECT coalesce(sum(e.qty) FILTER (WHERE c.call_id IS NOT NULL), 0) AS leaving, coalesce(sum(e.qty) FILTER (WHERE e.close_reason = 'consumed'), 0) AS consumed
                           FROM oms.allocation AS a JOIN oms.reservation AS e ON e.company_id = a.company_id AND e.allocation_id = a.allocation_id
                           LEFT JOIN oms.erp_call AS c ON c.company_id = e.company_id AND c.reservation_id = e.reservation_id AND e.state = 'leaving' AND c.kind = 'order_out' AND c.state IN ('sent', 'failed')
                          WHERE a.company_id = w.company_id AND a.order_id = w.order_id AND e.node_id = w.node_id AND e.sku_id = w.sku_id) AS h
     WHERE coalesce(x.done, 0) - h.consumed >= h.leaving
        OR NOT EXISTS (SELECT FROM live AS v WHERE v.r = w.r AND v.step IS DISTINCT FROM 'cancelled')
$q$, taken) USING refs, params;
END $$;
COMMENT ON FUNCTION oms.erp_order_out(text[], jsonb) IS
    'done_sql of kind order_out: for order|node|item, whether the ERP''s documents of that order have booked what left there (true), or are all cancelled (false).';

-- From events to calls ------------------------------------------------------------

CREATE FUNCTION oms.erp_wanted(company_id integer, order_id bigint)
RETURNS TABLE (node_id integer, line_no integer, sku_id integer, qty numeric, taxable numeric, tax numeric, interstate boolean, rank integer)
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, oms, pg_temp AS $$
    SELECT a.node_id, a.line_no, coalesce(k.sku_id, a.sku_id), sum(a.qty * coalesce(k.qty, 1)),
           sum(CASE WHEN coalesce(k.first, true) THEN coalesce(a.taxable, a.net_amount) ELSE 0 END),
           sum(CASE WHEN coalesce(k.first, true) THEN a.cgst + a.sgst + a.igst ELSE 0 END), bool_or(a.supplier_state <> a.place_of_supply),
           min(CASE WHEN a.status IN ('planned', 'reserved', 'released') THEN 0 ELSE array_position('{picked,packed,shipped}', a.status) END)
      FROM (SELECT x.*, CASE WHEN x.status IN ('delivered', 'rto', 'returned') THEN 'shipped' ELSE x.status END AS s FROM oms.allocation AS x
             WHERE x.company_id = $1 AND x.order_id = $2 AND x.node_id IS NOT NULL AND x.status NOT IN ('backordered', 'cancelled')) AS y
     CROSS JOIN LATERAL (SELECT y.node_id, y.line_no, y.sku_id, y.qty, y.taxable, y.net_amount, y.cgst, y.sgst, y.igst, y.supplier_state, y.place_of_supply, y.s AS status) AS a
      LEFT JOIN LATERAL (SELECT c.sku_id, c.qty, row_number() OVER (ORDER BY c.sku_id) = 1 AS first FROM oms.kit_component AS c
                          WHERE c.company_id = $1 AND c.kit_sku_id = a.sku_id) AS k ON true
     GROUP BY 1, 2, 3
$$;
COMMENT ON FUNCTION oms.erp_wanted(integer, bigint) IS
    'What of an order leaves from which node, by line and item (kits by component, the first with the price): what the ERP is to know of it. rank: how far all of it is: 0 to be picked, 1 picked, 2 packed, 3 shipped.';

CREATE FUNCTION oms.erp_call_rank(kind text) RETURNS integer
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
    SELECT pg_catalog.array_position('{order_create,order_confirm,shipment_pick,shipment_pack,shipment_ship,order_cancel}'::text[], kind)
$$;
COMMENT ON FUNCTION oms.erp_call_rank(text) IS 'Order of the steps of a document: a call waits for those of lower rank. NULL: no step of a document.';

CREATE FUNCTION oms.erp_look_at(company_id integer, order_id bigint) RETURNS void
LANGUAGE sql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, oms, pg_temp AS $$
    INSERT INTO oms.erp_change (relation, op, images)
    SELECT 'oms.stock', 'K', json_build_array(json_build_array('keys'), json_build_array(json_agg(DISTINCT n.erp_key || '|' || s.erp_key)))
      FROM oms.erp_document AS d JOIN oms.erp_document_line AS l USING (company_id, document_id)
      JOIN oms.node AS n ON n.node_id = d.node_id AND n.erp_key IS NOT NULL JOIN oms.sku AS s ON s.sku_id = l.sku_id AND s.erp_key IS NOT NULL
     WHERE d.company_id = $1 AND d.order_id = $2 AND d.erp_ref IS NOT NULL HAVING count(*) > 0
$$;
COMMENT ON FUNCTION oms.erp_look_at(integer, bigint) IS 'Notes the stock that the ERP''s documents of an order may hold, to be counted again.';

CREATE FUNCTION oms.erp_plan_calls(order_id bigint, events text[]) RETURNS integer
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE COST 1000
SET search_path = pg_catalog, oms, pg_temp AS $$
DECLARE
    att oms.erp_attachment;
    ord record;
    kinds text[];
    n record;
    d record;
    doc bigint;
    told boolean;
    made integer := 0;
    rows integer;
BEGIN
    SELECT * INTO att FROM oms.erp_attachment AS a WHERE a.company_id = oms.erp_company_now();
    IF NOT FOUND THEN
        RETURN 0;
    END IF;
    SELECT o.status, o.company_id, o.order_id INTO ord FROM oms."order" AS o WHERE o.company_id = att.company_id AND o.order_id = $1;
    IF NOT FOUND THEN
        RETURN 0;
    END IF;
    kinds := ARRAY(SELECT DISTINCT e.kind FROM oms.erp_call_event AS e, unnest(events) AS v
                    WHERE e.profile = att.profile AND v LIKE e.event AND (e.statuses = '{}' OR ord.status = ANY (e.statuses)));
    -- what is not wanted any more, or less of it, or at another price: cancelled, as long as it is not picked
    FOR d IN
        SELECT x.document_id, x.node_id, x.erp_ref, c.call_id, c.state,
               EXISTS (SELECT FROM oms.erp_call AS k WHERE k.company_id = x.company_id AND k.document_id = x.document_id AND k.kind LIKE 'shipment%' AND k.state <> 'dropped') AS steps
          FROM oms.erp_document AS x LEFT JOIN oms.erp_call AS c ON c.company_id = x.company_id AND c.document_id = x.document_id AND c.kind = 'order_create'
         WHERE x.company_id = ord.company_id AND x.order_id = $1 AND x.open AND x.step IS DISTINCT FROM 'cancelled'
           AND NOT EXISTS (SELECT FROM oms.erp_call AS k WHERE k.company_id = x.company_id AND k.document_id = x.document_id AND k.kind = 'order_cancel')
           AND EXISTS (SELECT FROM oms.erp_document_line AS l
                         LEFT JOIN oms.erp_wanted(ord.company_id, $1) AS w ON w.node_id = x.node_id AND w.line_no = l.line_no AND w.sku_id = l.sku_id
                        WHERE l.company_id = x.company_id AND l.document_id = x.document_id
                          AND (SELECT coalesce(w.qty, 0) < sum(y.qty) OR w.qty = sum(y.qty) AND w.taxable <> sum(y.taxable) FROM oms.erp_document AS z JOIN oms.erp_document_line AS y USING (company_id, document_id)
                               WHERE z.company_id = x.company_id AND z.order_id = $1 AND z.node_id = x.node_id AND z.open AND z.step IS DISTINCT FROM 'cancelled' AND y.line_no = l.line_no AND y.sku_id = l.sku_id
                                 AND NOT EXISTS (SELECT FROM oms.erp_call AS k WHERE k.company_id = z.company_id AND k.document_id = z.document_id AND k.kind = 'order_cancel')))
         ORDER BY x.doc_no
    LOOP
        CONTINUE WHEN 'order_cancel' <> ALL (kinds);
        -- not told yet: it need not know
        UPDATE oms.erp_call AS k SET state = 'dropped' WHERE k.company_id = ord.company_id AND k.document_id = d.document_id AND k.kind = 'order_create' AND k.state IN ('pending', 'failed') AND d.erp_ref IS NULL;
        GET DIAGNOSTICS rows = ROW_COUNT;
        IF rows > 0 THEN
            UPDATE oms.erp_call AS k SET state = 'dropped' WHERE k.company_id = ord.company_id AND k.document_id = d.document_id AND k.state = 'pending';
            PERFORM oms.erp_close_document(ord.company_id, d.document_id, 'cancelled');
        ELSIF NOT d.steps OR ord.status = 'cancelled' THEN
            UPDATE oms.erp_call AS k SET state = 'dropped' WHERE k.company_id = ord.company_id AND k.document_id = d.document_id AND k.kind <> 'order_out' AND k.state IN ('pending', 'failed');
            INSERT INTO oms.erp_call (company_id, kind, document, document_id) VALUES (ord.company_id, 'order_cancel', 'order ' || $1, d.document_id);
            made := made + 1;
        END IF;
    END LOOP;
    -- what is wanted and not told
    FOR n IN SELECT w.node_id, min(w.rank) AS rank FROM oms.erp_wanted(ord.company_id, $1) AS w JOIN oms.node AS p ON p.node_id = w.node_id AND p.erp_key IS NOT NULL
              WHERE ord.status <> 'cancelled' GROUP BY 1 ORDER BY 1 LOOP
        CONTINUE WHEN 'order_create' <> ALL (kinds);
        INSERT INTO oms.erp_document AS x (company_id, order_id, node_id, doc_no, reference)
        SELECT ord.company_id, $1, n.node_id, f.doc_no, coalesce(att.params->>'reference', 'OMS-') || $1 || CASE WHEN f.doc_no > 1 THEN '/' || f.doc_no ELSE '' END
          FROM (SELECT coalesce(max(y.doc_no), 0) + 1 AS doc_no FROM oms.erp_document AS y WHERE y.company_id = ord.company_id AND y.order_id = $1) AS f
         WHERE EXISTS (SELECT FROM oms.erp_untold(ord.company_id, $1, n.node_id))
        RETURNING x.document_id INTO doc;
        IF doc IS NOT NULL THEN
            INSERT INTO oms.erp_document_line (company_id, document_id, line_no, sku_id, qty, taxable, tax, interstate)
            SELECT ord.company_id, doc, u.line_no, u.sku_id, u.qty, u.taxable, u.tax, u.interstate FROM oms.erp_untold(ord.company_id, $1, n.node_id) AS u;
            INSERT INTO oms.erp_call (company_id, kind, document, document_id) VALUES (ord.company_id, 'order_create', 'order ' || $1, doc);
            made := made + 1;
        END IF;
    END LOOP;
    -- its steps
    WITH v AS (
        SELECT x.document_id, k.kind
          FROM oms.erp_document AS x
          JOIN (SELECT w.node_id, min(w.rank) AS rank FROM oms.erp_wanted(ord.company_id, $1) AS w GROUP BY 1) AS w ON w.node_id = x.node_id
          JOIN (VALUES ('order_confirm', 0), ('shipment_pick', 1), ('shipment_pack', 2), ('shipment_ship', 3)) AS k (kind, rank) ON w.rank >= k.rank
         WHERE x.company_id = ord.company_id AND x.order_id = $1 AND x.open AND x.step IS DISTINCT FROM 'cancelled' AND k.kind = ANY (kinds)
           AND EXISTS (SELECT FROM oms.erp_call_map AS m WHERE m.profile = att.profile AND m.kind = k.kind)
           AND NOT EXISTS (SELECT FROM oms.erp_call AS c WHERE c.company_id = x.company_id AND c.document_id = x.document_id AND c.kind IN (k.kind, 'order_cancel') AND c.state <> 'dropped')
    )
    INSERT INTO oms.erp_call (company_id, kind, document, document_id)
    SELECT ord.company_id, v.kind, 'order ' || $1, v.document_id FROM v ORDER BY v.document_id, oms.erp_call_rank(v.kind);
    GET DIAGNOSTICS rows = ROW_COUNT;
    PERFORM oms.erp_look_at(ord.company_id, $1);
    RETURN made + rows;
END $$;
COMMENT ON FUNCTION oms.erp_plan_calls(bigint, text[]) IS
    'Calls that the ERP needs to have an order as it is now, as far as rows of oms.erp_call_event let these events make them; returns how many were made. One at a time for an order: see oms.erp_collect().';

CREATE FUNCTION oms.erp_untold(company_id integer, order_id bigint, node_id integer)
RETURNS TABLE (line_no integer, sku_id integer, qty numeric, taxable numeric, tax numeric, interstate boolean)
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, oms, pg_temp AS $$
    SELECT w.line_no, w.sku_id, w.qty - coalesce(t.qty, 0), w.taxable - coalesce(t.taxable, 0), w.tax - coalesce(t.tax, 0), coalesce(w.interstate, false)
      FROM oms.erp_wanted($1, $2) AS w
      LEFT JOIN (SELECT l.line_no, l.sku_id, sum(l.qty) AS qty, sum(l.taxable) AS taxable, sum(l.tax) AS tax
                   FROM oms.erp_document AS d JOIN oms.erp_document_line AS l USING (company_id, document_id)
                  WHERE d.company_id = $1 AND d.order_id = $2 AND d.node_id = $3 AND d.step IS DISTINCT FROM 'cancelled'
                    AND NOT EXISTS (SELECT FROM oms.erp_call AS k WHERE k.company_id = d.company_id AND k.document_id = d.document_id AND k.kind = 'order_cancel')
                  GROUP BY 1, 2) AS t ON t.line_no = w.line_no AND t.sku_id = w.sku_id
     WHERE w.node_id = $3 AND w.qty > coalesce(t.qty, 0)
$$;
COMMENT ON FUNCTION oms.erp_untold(integer, bigint, integer) IS 'What of an order at a node the ERP has not been told of.';

CREATE FUNCTION oms.erp_close_document(company_id integer, document_id bigint, step text) RETURNS void
LANGUAGE sql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, oms, pg_temp AS $$
    UPDATE oms.erp_document_line AS l SET open = false WHERE l.company_id = $1 AND l.document_id = $2 AND l.open;
    UPDATE oms.erp_document AS d SET open = false, step = coalesce($3, d.step) WHERE d.company_id = $1 AND d.document_id = $2;
$$;
COMMENT ON FUNCTION oms.erp_close_document(integer, bigint, text) IS 'A document of the ERP is over: nothing of it is asked or looked at any more.';

CREATE FUNCTION oms.erp_collect(max_orders integer DEFAULT 1000) RETURNS integer
LANGUAGE plpgsql VOLATILE STRICT PARALLEL UNSAFE COST 10000
SET search_path = pg_catalog, oms, pg_temp AS $$
DECLARE
    att oms.erp_attachment;
    o record;
    events text[];
    made integer := 0;
BEGIN
    SELECT * INTO att FROM oms.erp_attachment AS a WHERE a.company_id = oms.erp_company_now();
    IF NOT FOUND THEN
        DELETE FROM oms.erp_order_note AS c WHERE NOT EXISTS (SELECT FROM oms.erp_attachment AS a WHERE a.company_id = c.company_id);
        RETURN 0;
    END IF;
    FOR o IN SELECT c.order_id FROM oms.erp_order_note AS c WHERE c.company_id = att.company_id GROUP BY 1 ORDER BY min(c.note_id) LIMIT max_orders LOOP
        -- one at a time for an order; who is at it has not seen this note, or takes it
        CONTINUE WHEN NOT pg_try_advisory_xact_lock(20265801, hashint8(o.order_id));
        WITH g AS (DELETE FROM oms.erp_order_note AS c WHERE c.company_id = att.company_id AND c.order_id = o.order_id RETURNING c.event)
        SELECT array_agg(DISTINCT g.event) INTO events FROM g;
        CONTINUE WHEN events IS NULL;
        made := made + oms.erp_plan_calls(o.order_id, events);
    END LOOP;
    -- what left of an order that the ERP ships by its own document is booked by that
    FOR o IN
        UPDATE oms.erp_call AS k SET kind = 'order_out', state = 'sent', sent_at = now(), document_id = x.document_id, erp_ref = x.order_id || '|' || x.node_id || '|' || k.sku_id
          FROM (SELECT c.call_id, a.order_id, r.node_id, min(d.document_id) AS document_id
                  FROM oms.erp_call AS c
                  JOIN oms.reservation AS r ON r.company_id = c.company_id AND r.reservation_id = c.reservation_id
                  JOIN oms.allocation AS a ON a.company_id = r.company_id AND a.allocation_id = r.allocation_id
                  JOIN oms.erp_document AS d ON d.company_id = a.company_id AND d.order_id = a.order_id AND d.node_id = r.node_id AND d.open AND d.step IS DISTINCT FROM 'cancelled'
                 WHERE c.company_id = att.company_id AND c.state = 'pending' AND c.kind IN ('stock_out', 'order_out')
                   AND EXISTS (SELECT FROM oms.erp_call_map AS m WHERE m.profile = att.profile AND m.kind = 'order_out')
                 GROUP BY 1, 2, 3) AS x
         WHERE k.company_id = att.company_id AND k.call_id = x.call_id AND k.state = 'pending'
        RETURNING x.order_id
    LOOP
        PERFORM oms.erp_look_at(att.company_id, o.order_id);
    END LOOP;
    RETURN made;
END $$;
COMMENT ON FUNCTION oms.erp_collect(integer) IS
    'Orders that changed (oms.erp_order_note), at most so many: makes the calls by which the ERP has them as they are now. Returns how many calls. oms.erp_send() and oms.erp_take_calls() begin with it.';

CREATE FUNCTION oms.erp_document_json(company_id integer, document_id bigint) RETURNS jsonb
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, oms, pg_temp AS $$
    SELECT jsonb_build_object('reference', d.reference, 'key', d.erp_ref, 'order_id', o.order_id, 'channel', h.code, 'external_id', o.external_id,
           'placed_at', o.placed_at, 'currency', o.currency, 'cod', o.payment_mode = 'COD', 'node', n.erp_key, 'node_code', n.code,
           'customer', c.erp_key, 'buyer_gstin', o.buyer_gstin, 'place_of_supply', o.place_of_supply,
           'interstate', (SELECT bool_or(l.interstate) FROM oms.erp_document_line AS l WHERE l.company_id = d.company_id AND l.document_id = d.document_id),
           'ship', jsonb_build_object('name', o.ship_name, 'phone', o.ship_phone, 'address', o.ship_address, 'city', o.ship_city, 'state', o.ship_state_code, 'pincode', o.ship_pincode),
           'charges', CASE WHEN d.doc_no > 1 THEN '[]' ELSE (SELECT coalesce(jsonb_agg(jsonb_build_object('kind', g.kind, 'amount', g.amount) ORDER BY g.charge_no), '[]') FROM oms.order_charge AS g
                        WHERE g.company_id = o.company_id AND g.order_id = o.order_id AND g.kind <> 'CART_DISCOUNT') END,
           'lines', (SELECT jsonb_agg(jsonb_build_object('line_no', l.line_no, 'item', s.erp_key, 'code', s.code, 'name', s.name, 'qty', l.qty, 'unit_price', round(l.taxable / l.qty, 4),
                            'taxable', l.taxable, 'tax', l.tax) ORDER BY l.line_no, l.sku_id)
                       FROM oms.erp_document_line AS l JOIN oms.sku AS s ON s.sku_id = l.sku_id WHERE l.company_id = d.company_id AND l.document_id = d.document_id))
      FROM oms.erp_document AS d
      JOIN oms."order" AS o ON o.company_id = d.company_id AND o.order_id = d.order_id
      JOIN oms.channel AS h ON h.channel_id = o.channel_id
      JOIN oms.node AS n ON n.node_id = d.node_id
      LEFT JOIN oms.customer AS c ON c.customer_id = o.customer_id
     WHERE d.company_id = $1 AND d.document_id = $2
$$;
COMMENT ON FUNCTION oms.erp_document_json(integer, bigint) IS
    'All the ERP needs to make or find its document of an order: reference, keys of node, items and customer, quantities in stock units, prices without tax; personal data of the consignee in "ship".';

-- Telling -------------------------------------------------------------------------

CREATE FUNCTION oms.erp_call_again(company_id integer, call_id bigint, why text, final boolean DEFAULT false) RETURNS text
LANGUAGE sql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, oms, pg_temp AS $$
    WITH u AS (
        UPDATE oms.erp_call AS k SET attempts = k.attempts + 1, error = $3, state = CASE WHEN $4 OR k.attempts >= 7 THEN 'failed' ELSE 'pending' END,
               next_at = clock_timestamp() + least(interval '1 hour', interval '10 seconds' * 2 ^ k.attempts)
         WHERE k.company_id = $1 AND k.call_id = $2 RETURNING k.company_id, k.call_id, k.kind, k.document, k.state
    ), e AS (
        INSERT INTO oms.event (company_id, topic, subject_id, type, payload)
        SELECT u.company_id, 'erp', u.call_id, 'erp.call_failed', jsonb_build_object('kind', u.kind, 'document', u.document, 'error', $3) FROM u WHERE u.state = 'failed'
    )
    SELECT u.state FROM u
$$;
COMMENT ON FUNCTION oms.erp_call_again(integer, bigint, text, boolean) IS
    'A call did not succeed: it is tried again after 10 s, doubled each time up to an hour; the eighth time, or when it is final, it has failed, with event erp.call_failed. Returns its state.';

CREATE FUNCTION oms.erp_send_documents(max_calls integer) RETURNS integer
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE COST 10000
SET search_path = pg_catalog, oms, pg_temp AS $$
DECLARE
    att oms.erp_attachment;
    sch text;
    c record;
    ref text;
    refused text;
    why text;
    sent integer := 0;
BEGIN
    SELECT * INTO att FROM oms.erp_attachment AS a WHERE a.company_id = oms.erp_company_now();
    IF NOT FOUND THEN
        RETURN 0;
    END IF;
    sch := quote_ident(coalesce(att.params->>'schema', 'public'));
    FOR c IN
        SELECT k.company_id, k.call_id, k.kind, k.document_id, replace(m.send_sql, '@erp@', sch) AS sql, m.done_sql IS NULL AS at_once
          FROM oms.erp_call AS k
          LEFT JOIN oms.erp_call_map AS m ON m.profile = att.profile AND m.kind = k.kind
         WHERE k.company_id = att.company_id AND k.state = 'pending' AND k.next_at <= clock_timestamp() AND oms.erp_call_rank(k.kind) IS NOT NULL
           AND coalesce(m.transport, 'sql') = 'sql'
           AND NOT EXISTS (SELECT FROM oms.erp_call AS b WHERE b.company_id = k.company_id AND b.document_id = k.document_id
                              AND oms.erp_call_rank(b.kind) < oms.erp_call_rank(k.kind) AND b.state NOT IN ('done', 'dropped'))
         ORDER BY k.call_id LIMIT max_calls FOR UPDATE OF k SKIP LOCKED
    LOOP
        BEGIN
            IF c.sql IS NULL THEN
                RAISE EXCEPTION USING ERRCODE = 'OM601', MESSAGE = format('profile "%s" has no call "%s"', att.profile, c.kind), HINT = 'Add a row to oms.erp_call_map.';
            END IF;
            ref := NULL;
            refused := NULL;
            PERFORM set_config('search_path', format('%I, pg_temp', coalesce(att.params->>'schema', 'public')), true);
            EXECUTE c.sql INTO ref, refused USING oms.erp_document_json(c.company_id, c.document_id), att.params;
            PERFORM set_config('search_path', 'pg_catalog, oms, pg_temp', true);
            IF refused IS NULL AND ref IS NULL THEN
                RAISE EXCEPTION USING MESSAGE = 'the ERP gave no key';
            END IF;
        EXCEPTION WHEN OTHERS THEN
            GET STACKED DIAGNOSTICS why = MESSAGE_TEXT;
            PERFORM oms.erp_call_again(c.company_id, c.call_id, why);
            CONTINUE;
        END;
        IF refused IS NOT NULL THEN
            PERFORM oms.erp_call_again(c.company_id, c.call_id, refused, true);
            CONTINUE;
        END IF;
        PERFORM oms.erp_told(c.company_id, c.call_id, ref, c.at_once);
        sent := sent + 1;
    END LOOP;
    RETURN sent;
END $$;
COMMENT ON FUNCTION oms.erp_send_documents(integer) IS
    'Part of oms.erp_send(): tells the ERP of steps of orders that are due and wait for no earlier one. Returns how many.';

CREATE FUNCTION oms.erp_told(company_id integer, call_id bigint, ref text, at_once boolean) RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, oms, pg_temp AS $$
DECLARE
    k record;
BEGIN
    UPDATE oms.erp_call AS x SET state = CASE WHEN at_once THEN 'done' ELSE 'sent' END, erp_ref = coalesce($3, x.erp_ref), sent_at = clock_timestamp(), done_at = CASE WHEN at_once THEN clock_timestamp() END,
           attempts = x.attempts + 1, error = NULL, next_at = clock_timestamp() + interval '1 second'
     WHERE x.company_id = $1 AND x.call_id = $2 RETURNING x.kind, x.document_id INTO k;
    IF k.kind = 'order_create' AND $3 IS NOT NULL THEN
        UPDATE oms.erp_document AS d SET erp_ref = $3 WHERE d.company_id = $1 AND d.document_id = k.document_id;
        PERFORM oms.erp_look_at($1, d.order_id) FROM oms.erp_document AS d WHERE d.company_id = $1 AND d.document_id = k.document_id;
    END IF;
END $$;
COMMENT ON FUNCTION oms.erp_told(integer, bigint, text, boolean) IS 'The ERP was told of a call and gave a key; at_once: it is done with that.';

CREATE FUNCTION oms.erp_find_documents() RETURNS integer
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, oms, pg_temp AS $$
DECLARE
    att oms.erp_attachment;
    find text;
    f record;
    found_ integer := 0;
BEGIN
    SELECT * INTO att FROM oms.erp_attachment AS a WHERE a.company_id = oms.erp_company_now();
    IF NOT FOUND THEN
        RETURN 0;
    END IF;
    SELECT replace(m.find_sql, '@erp@', quote_ident(coalesce(att.params->>'schema', 'public'))) INTO find
      FROM oms.erp_call_map AS m WHERE m.profile = att.profile AND m.kind = 'order_create';
    IF find IS NULL THEN
        RETURN 0;
    END IF;
    FOR f IN EXECUTE format(E'SELECT k.call_id, min(q.key::text) AS key FROM (%s\n) AS q (reference, key)'
        ' JOIN oms.erp_document AS d ON d.company_id = $3 AND d.reference = q.reference::text AND d.erp_ref IS NULL'
        ' JOIN oms.erp_call AS k ON k.company_id = d.company_id AND k.document_id = d.document_id AND k.kind = ''order_create'' AND (k.state = ''done'' OR k.state = ''taken'' AND k.next_at <= clock_timestamp() OR k.state IN (''pending'', ''failed'') AND k.attempts > 0)'
        ' GROUP BY 1', find)
        USING ARRAY(SELECT d.reference FROM oms.erp_document AS d JOIN oms.erp_call AS k ON k.company_id = d.company_id AND k.document_id = d.document_id AND k.kind = 'order_create'
                     WHERE d.company_id = att.company_id AND d.open AND d.erp_ref IS NULL AND (k.state = 'done' OR k.state = 'taken' AND k.next_at <= clock_timestamp() OR k.state IN ('pending', 'failed') AND k.attempts > 0)),
              att.params, att.company_id
    LOOP
        PERFORM oms.erp_told(att.company_id, f.call_id, f.key, true);
        found_ := found_ + 1;
    END LOOP;
    RETURN found_;
END $$;
COMMENT ON FUNCTION oms.erp_find_documents() IS
    'Documents that were to be made and whose answer was lost: looked for in the ERP by their reference. Returns how many were found.';

CREATE FUNCTION oms.erp_poll() RETURNS integer
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE COST 10000
SET search_path = pg_catalog, oms, pg_temp AS $$
DECLARE
    att oms.erp_attachment;
    sch text;
    m record;
    f record;
    done integer := 0;
    why text;
BEGIN
    SELECT * INTO att FROM oms.erp_attachment AS a WHERE a.company_id = oms.erp_company_now();
    IF NOT FOUND THEN
        RETURN 0;
    END IF;
    sch := quote_ident(coalesce(att.params->>'schema', 'public'));
    FOR m IN
        SELECT k.kind, replace(p.done_sql, '@erp@', sch) AS done_sql, replace(p.refused_sql, '@erp@', sch) AS refused_sql,
               array_agg(k.erp_ref) AS refs, array_agg(k.erp_ref) FILTER (WHERE k.sent_at < clock_timestamp() - interval '3 minutes') AS old, array_agg(k.call_id) AS ids
          FROM (SELECT x.* FROM oms.erp_call AS x WHERE x.company_id = att.company_id AND x.state = 'sent' AND x.next_at <= clock_timestamp() AND x.erp_ref IS NOT NULL
                   AND oms.erp_call_rank(x.kind) IS NOT NULL ORDER BY x.call_id LIMIT 1000 FOR UPDATE SKIP LOCKED) AS k
          JOIN oms.erp_call_map AS p ON p.profile = att.profile AND p.kind = k.kind
         WHERE p.done_sql IS NOT NULL
         GROUP BY 1, 2, 3 ORDER BY oms.erp_call_rank(k.kind)
    LOOP
        UPDATE oms.erp_call AS k SET next_at = clock_timestamp() + greatest(interval '1 second', least(interval '30 seconds', (clock_timestamp() - k.sent_at) / 4))
         WHERE k.company_id = att.company_id AND k.call_id = ANY (m.ids);
        BEGIN
            FOR f IN EXECUTE format(E'SELECT k.call_id, coalesce(q.d, false) AS done FROM (%s\n) AS q (r, d) JOIN oms.erp_call AS k ON k.company_id = $3 AND k.call_id = ANY ($4) AND k.erp_ref = q.r::text', m.done_sql)
                USING m.refs, att.params, att.company_id, m.ids
            LOOP
                IF f.done THEN
                    UPDATE oms.erp_call AS k SET state = 'done', done_at = clock_timestamp(), error = NULL WHERE k.company_id = att.company_id AND k.call_id = f.call_id;
                    done := done + 1;
                ELSIF EXISTS (SELECT FROM oms.erp_call AS k JOIN oms.erp_document AS d USING (company_id, document_id) WHERE k.company_id = att.company_id AND k.call_id = f.call_id AND d.step = 'cancelled') THEN
                    UPDATE oms.erp_call AS k SET state = 'dropped' WHERE k.company_id = att.company_id AND k.call_id = f.call_id;
                ELSE
                    PERFORM oms.erp_call_again(att.company_id, f.call_id, 'the ERP will not do it: its document has ended otherwise', true);
                END IF;
            END LOOP;
            IF m.refused_sql IS NOT NULL AND m.old IS NOT NULL THEN
                FOR f IN EXECUTE format(E'SELECT k.call_id, q.w::text AS why FROM (%s\n) AS q (r, w) JOIN oms.erp_call AS k ON k.company_id = $3 AND k.call_id = ANY ($4) AND k.state = ''sent'' AND k.erp_ref = q.r::text', m.refused_sql)
                    USING m.old, att.params, att.company_id, m.ids
                LOOP
                    PERFORM oms.erp_call_again(att.company_id, f.call_id, f.why);
                END LOOP;
            END IF;
        EXCEPTION WHEN OTHERS THEN
            GET STACKED DIAGNOSTICS why = MESSAGE_TEXT;
            RAISE LOG 'the ERP could not be asked what became of "%": %', m.kind, why;
        END;
    END LOOP;
    RETURN done;
END $$;
COMMENT ON FUNCTION oms.erp_poll() IS
    'Part of oms.erp_send(): asks the ERP what became of the steps it was told of. Done ones are done, those it tried in vain are told again. Returns how many were done.';

CREATE FUNCTION oms.erp_send(max_calls integer DEFAULT 100) RETURNS integer
LANGUAGE plpgsql VOLATILE STRICT PARALLEL UNSAFE COST 10000
SET search_path = pg_catalog, oms, pg_temp AS $$
DECLARE
    att oms.erp_attachment;
    c record;
    lots jsonb;
    ref text;
    sent integer := 0;
    n integer;
    why text;
BEGIN
    IF max_calls < 0 THEN
        RAISE EXCEPTION USING ERRCODE = 'OM001', MESSAGE = 'max_calls is below zero', DETAIL = format('Argument max_calls is %s.', max_calls), HINT = 'It says how many are looked at, at most; 0 is none.';
    END IF;
    SELECT * INTO att FROM oms.erp_attachment AS a WHERE a.company_id = oms.erp_company_now();
    IF NOT FOUND THEN
        RETURN 0;
    END IF;
    PERFORM oms.erp_collect();
    PERFORM oms.erp_find_documents();
    -- what is done lets the next step go
    FOR pass IN 1 .. 8 LOOP
        n := oms.erp_poll() + oms.erp_send_documents(greatest(max_calls - sent, 0));
        sent := sent + n;
        EXIT WHEN n = 0 OR sent >= max_calls;
    END LOOP;
    FOR c IN
        SELECT k.company_id, k.call_id, k.attempts, k.qty, k.document, n.erp_key AS node_key, s.erp_key AS sku_key,
               replace(m.send_sql, '@erp@', quote_ident(coalesce(att.params->>'schema', 'public'))) AS sql, k.reservation_id,
               CASE WHEN 'lot' <> ALL (att.absent) THEN replace(m.lots_sql, '@erp@', quote_ident(coalesce(att.params->>'schema', 'public'))) END AS lots_sql
          FROM oms.erp_call AS k
          JOIN oms.node AS n ON n.node_id = k.node_id
          JOIN oms.sku AS s ON s.sku_id = k.sku_id
          LEFT JOIN oms.erp_call_map AS m ON m.profile = att.profile AND m.kind = k.kind
         WHERE k.company_id = att.company_id AND k.state = 'pending' AND k.next_at <= clock_timestamp()
           AND k.kind IN ('stock_out', 'stock_in') AND coalesce(m.transport, 'sql') = 'sql'
         ORDER BY k.call_id LIMIT max_calls FOR UPDATE OF k SKIP LOCKED
    LOOP
        BEGIN
            IF c.sql IS NULL THEN
                RAISE EXCEPTION USING ERRCODE = 'OM601', MESSAGE = format('profile "%s" cannot book this', att.profile),
                    HINT = 'Add a row to oms.erp_call_map.';
            END IF;
            lots := NULL;
            IF c.lots_sql IS NOT NULL THEN
                SELECT jsonb_agg(jsonb_build_object('lot', l.lot, 'qty', l.qty) ORDER BY l.seq, l.lot) INTO lots
                  FROM oms.reservation_lot AS l WHERE l.company_id = c.company_id AND l.reservation_id = c.reservation_id;
            END IF;
            -- the ERP's own triggers expect its path
            PERFORM set_config('search_path', format('%I, pg_temp', coalesce(att.params->>'schema', 'public')), true);
            IF lots IS NULL THEN
                EXECUTE c.sql INTO ref USING c.node_key, c.sku_key, c.qty, c.document, att.params;
            ELSE
                EXECUTE c.lots_sql INTO ref USING c.node_key, c.sku_key, c.qty, c.document, att.params, lots;
            END IF;
            PERFORM set_config('search_path', 'pg_catalog, oms, pg_temp', true);
            IF ref IS NULL THEN
                RAISE EXCEPTION USING MESSAGE = 'the ERP gave no key for the booking';
            END IF;
            UPDATE oms.erp_call AS k SET state = 'sent', erp_ref = ref, sent_at = now(), attempts = k.attempts + 1, error = NULL
             WHERE k.company_id = c.company_id AND k.call_id = c.call_id;
            sent := sent + 1;
        EXCEPTION WHEN OTHERS THEN
            GET STACKED DIAGNOSTICS why = MESSAGE_TEXT;
            UPDATE oms.erp_call AS k SET attempts = k.attempts + 1, error = why,
                   state = CASE WHEN k.attempts >= 7 THEN 'failed' ELSE 'pending' END,
                   next_at = now() + least(interval '1 hour', interval '10 seconds' * 2 ^ k.attempts)
             WHERE k.company_id = c.company_id AND k.call_id = c.call_id;
            IF c.attempts >= 7 THEN
                INSERT INTO oms.event (company_id, topic, subject_id, type, payload)
                VALUES (c.company_id, 'erp', c.call_id, 'erp.call_failed', jsonb_build_object('error', why));
            END IF;
        END;
    END LOOP;
    -- told long ago and nothing seen of it: has the ERP given up?
    FOR c IN
        SELECT k.company_id, array_agg(k.erp_ref ORDER BY k.call_id) AS refs,
               replace(m.refused_sql, '@erp@', quote_ident(coalesce(att.params->>'schema', 'public'))) AS sql
          FROM oms.erp_call AS k JOIN oms.erp_call_map AS m ON m.profile = att.profile AND m.kind = k.kind AND m.refused_sql IS NOT NULL AND k.document_id IS NULL
         WHERE k.company_id = att.company_id AND k.state = 'sent' AND k.next_at < now() - interval '3 minutes'
         GROUP BY k.company_id, m.refused_sql
    LOOP
        -- not again for some minutes
        UPDATE oms.erp_call AS k SET next_at = now() WHERE k.company_id = c.company_id AND k.state = 'sent' AND k.erp_ref = ANY (c.refs);
        BEGIN
            EXECUTE format(E'WITH f AS (UPDATE oms.erp_call AS k SET state = ''failed'', error = r.why FROM (%s\n) AS r (ref, why)'
                           ' WHERE k.company_id = $3 AND k.state = ''sent'' AND k.erp_ref = r.ref::text RETURNING k.company_id, k.call_id, k.error)'
                           ' INSERT INTO oms.event (company_id, topic, subject_id, type, payload)'
                           ' SELECT f.company_id, ''erp'', f.call_id, ''erp.call_failed'', jsonb_build_object(''error'', f.error) FROM f', c.sql)
               USING c.refs, att.params, c.company_id;
        EXCEPTION WHEN OTHERS THEN
            GET STACKED DIAGNOSTICS why = MESSAGE_TEXT;
            RAISE LOG 'the ERP could not be asked what it refused: %', why;
        END;
    END LOOP;
    RETURN sent;
END $$;
COMMENT ON FUNCTION oms.erp_send(integer) IS
    'Tells the ERP, through its own doors, what it is to book and which orders it is to have: pending rows of oms.erp_call that are due, the steps of an order one after the other. Each in a subtransaction; one that fails is tried again after 10 s, doubled each time up to an hour, and fails for good at the eighth time with an event. What was told minutes ago and refused meanwhile is told again (steps of orders) or marked failed (bookings). Returns how many were told.';

-- Agents --------------------------------------------------------------------------

CREATE FUNCTION oms.erp_take_calls(agent text, max_calls integer DEFAULT 10, lease interval DEFAULT '5 minutes')
RETURNS TABLE (call_id bigint, kind text, reference text, key text, attempts integer, document jsonb)
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE COST 10000
SET search_path = pg_catalog, oms, pg_temp AS $$
#variable_conflict use_column
DECLARE
    att oms.erp_attachment;
BEGIN
    IF agent IS NULL OR btrim(agent) = '' OR max_calls IS NULL OR max_calls < 0 OR lease IS NULL OR lease <= '0' THEN
        RAISE EXCEPTION USING ERRCODE = 'OM001', MESSAGE = 'an agent must have a name, a number of calls and a time for them',
            DETAIL = format('Arguments are agent %L, max_calls %s, lease %s.', agent, coalesce(max_calls::text, 'null'), coalesce(lease::text, 'null')), HINT = 'As in oms.erp_take_calls(''odoo'', 10).';
    END IF;
    SELECT * INTO att FROM oms.erp_attachment AS a WHERE a.company_id = oms.erp_company_now();
    IF NOT FOUND THEN
        RETURN;
    END IF;
    PERFORM oms.erp_collect();
    -- whose answer is overdue: done after all, or to be given again
    PERFORM oms.erp_find_documents();
    UPDATE oms.erp_call AS k SET state = 'pending', error = format('agent "%s" gave no answer', k.agent)
     WHERE k.company_id = att.company_id AND k.state = 'taken' AND k.next_at <= clock_timestamp();
    RETURN QUERY
        WITH due AS (
            SELECT k.company_id, k.call_id
              FROM oms.erp_call AS k JOIN oms.erp_call_map AS m ON m.profile = att.profile AND m.kind = k.kind AND m.transport = 'agent'
             WHERE k.company_id = att.company_id AND k.state = 'pending' AND k.next_at <= clock_timestamp()
               AND NOT EXISTS (SELECT FROM oms.erp_call AS b WHERE b.company_id = k.company_id AND b.document_id = k.document_id
                                  AND oms.erp_call_rank(b.kind) < oms.erp_call_rank(k.kind) AND b.state NOT IN ('done', 'dropped'))
             ORDER BY k.call_id LIMIT max_calls FOR UPDATE OF k SKIP LOCKED
        ), u AS (
            UPDATE oms.erp_call AS k SET state = 'taken', agent = $1, attempts = k.attempts + 1, next_at = clock_timestamp() + lease
              FROM due WHERE k.company_id = due.company_id AND k.call_id = due.call_id
            RETURNING k.*
        )
        SELECT u.call_id, u.kind, d.reference, d.erp_ref, u.attempts,
               CASE WHEN u.document_id IS NULL THEN jsonb_build_object('node', n.erp_key, 'item', s.erp_key, 'qty', u.qty, 'document', u.document) ELSE oms.erp_document_json(u.company_id, u.document_id) END
          FROM u LEFT JOIN oms.erp_document AS d ON d.company_id = u.company_id AND d.document_id = u.document_id
          LEFT JOIN oms.node AS n ON n.node_id = u.node_id LEFT JOIN oms.sku AS s ON s.sku_id = u.sku_id
         ORDER BY u.call_id;
END $$;
COMMENT ON FUNCTION oms.erp_take_calls(text, integer, interval) IS
    'For an agent (in the ERP, or an RPC worker): the next calls of transport "agent", in order, which are its own until the lease ends; then, unless the ERP has the document after all, they are given again. kind, reference (look for it before making anything), key of the ERP''s document, and the document (oms.erp_document_json; of bookings node, item, qty, document). Answer with oms.erp_call_done() or oms.erp_call_failed(). Two agents never get the same. Error OM001 for arguments.';

CREATE FUNCTION oms.erp_answered(INOUT call_id bigint, OUT company_id integer, OUT kind text, OUT state text, OUT document_id bigint, OUT erp_ref text)
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, oms, pg_temp AS $$
DECLARE
    what text;
BEGIN
    SELECT x.company_id, x.kind, x.state, x.document_id, x.erp_ref, x.document INTO company_id, kind, state, document_id, erp_ref, what FROM oms.erp_call AS x WHERE x.call_id = $1 FOR UPDATE;
    IF NOT FOUND THEN
        RAISE EXCEPTION USING ERRCODE = 'OM002', MESSAGE = format('call %s does not exist', $1), HINT = 'Calls are the rows of oms.erp_call.';
    ELSIF state IN ('failed', 'dropped') THEN
        RAISE EXCEPTION USING ERRCODE = 'OM004', MESSAGE = format('call %s is "%s"', $1, state), DETAIL = format('It is %s of %s.', kind, what),
            HINT = 'A failed call is settled with oms.erp_settle(); what was dropped is not wanted any more.';
    END IF;
END $$;
COMMENT ON FUNCTION oms.erp_answered(bigint) IS 'The call an agent answers, locked. Errors OM002 (no such call), OM004 (nobody waits for an answer to it).';

CREATE FUNCTION oms.erp_call_done(call_id bigint, key text DEFAULT NULL) RETURNS text
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, oms, pg_temp AS $$
DECLARE
    k record;
    at_once boolean;
BEGIN
    SELECT * INTO k FROM oms.erp_answered($1);
    IF k.state NOT IN ('sent', 'done') THEN
        IF k.kind IN ('order_create', 'stock_out', 'stock_in') AND coalesce($2, k.erp_ref) IS NULL THEN
            RAISE EXCEPTION USING ERRCODE = 'OM001', MESSAGE = format('call %s needs the ERP''s key', $1), DETAIL = format('Its kind is %s, argument key is null.', k.kind), HINT = 'Give the key of what the ERP made.';
        END IF;
        SELECT m.done_sql IS NULL OR k.kind = 'order_create' INTO at_once FROM oms.erp_attachment AS a JOIN oms.erp_call_map AS m ON m.profile = a.profile AND m.kind = k.kind WHERE a.company_id = k.company_id;
        PERFORM oms.erp_told(k.company_id, k.call_id, coalesce($2, k.erp_ref, (SELECT d.erp_ref FROM oms.erp_document AS d WHERE d.company_id = k.company_id AND d.document_id = k.document_id)), coalesce(at_once, true) AND k.document_id IS NOT NULL);
        SELECT x.state INTO k.state FROM oms.erp_call AS x WHERE x.company_id = k.company_id AND x.call_id = k.call_id;
    END IF;
    RETURN k.state;
END $$;
COMMENT ON FUNCTION oms.erp_call_done(bigint, text) IS
    'An agent''s answer: the ERP has done it; key of what it made. The same answer twice changes nothing. Returns the state of the call (sent: the ERP is still asked whether it is in the count). Errors OM001 (no key), OM002 (no such call), OM004 (failed or dropped).';

CREATE FUNCTION oms.erp_call_failed(call_id bigint, error text, final boolean DEFAULT false) RETURNS text
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, oms, pg_temp AS $$
DECLARE
    k record;
BEGIN
    SELECT * INTO k FROM oms.erp_answered($1);
    IF k.state IN ('sent', 'done') THEN
        RETURN k.state;
    END IF;
    UPDATE oms.erp_call AS x SET attempts = greatest(x.attempts - 1, 0) WHERE x.company_id = k.company_id AND x.call_id = k.call_id AND k.state = 'taken';
    RETURN oms.erp_call_again(k.company_id, k.call_id, coalesce(error, 'the agent gave no reason'), coalesce(final, false));
END $$;
COMMENT ON FUNCTION oms.erp_call_failed(bigint, text, boolean) IS
    'An agent''s answer: the ERP refused. It is tried again after 10 s, doubled each time; the eighth time, or final, it has failed. Of what was answered as done it changes nothing. Returns the state of the call. Errors OM002, OM004 as oms.erp_call_done().';
