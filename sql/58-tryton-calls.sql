-- erp: orders written into Tryton 6.0. Draft rows by SQL (sale_sale, sale_line,
-- sale_line_account_tax), everything else as tasks of ir_queue, which a
-- trytond-worker does with all of Tryton's checks. Times of ir_queue are UTC;
-- a worker takes tasks by expected_at, so those of one call follow each other.

UPDATE oms.erp_profile SET params = params || '{"write_orders": false, "reference": "OMS-", "invoice_method": "shipment"}' WHERE profile = 'tryton';

INSERT INTO oms.erp_param (profile, name, type, allowed, meaning, builtin)
SELECT 'tryton', v.name, v.type, v.allowed, v.meaning, true FROM (VALUES
    ('write_orders', 'boolean', NULL::text[], 'true: orders are written into Tryton as sales, and their steps'),
    ('reference', 'text', NULL, 'what a sale''s reference begins with; our order number follows'),
    ('invoice_method', 'text', '{manual,order,shipment}', 'invoice method of such sales'),
    ('party', 'integer', NULL, 'party of buyers that Tryton does not know; without, such orders are not written'),
    ('interstate_rule', 'integer', NULL, 'tax rule for supplies into another state; without: that of the party, else the only one there is'),
    ('charge_product', 'integer', NULL, 'product for charges (shipping, COD); without, they are left out')) AS v (name, type, allowed, meaning)
 WHERE NOT EXISTS (SELECT FROM oms.erp_param p WHERE p.profile = 'tryton' AND p.name = v.name);

INSERT INTO oms.erp_call_event (profile, event, kind, statuses, builtin) VALUES
    ('tryton', 'order.%', 'order_create', '{}', true),
    ('tryton', 'order.%', 'order_confirm', '{part_reserved,reserved,released,packed,part_shipped,shipped,part_delivered,delivered,rto,returned}', true),
    ('tryton', 'order.%', 'order_cancel', '{}', true),
    ('tryton', 'shipment.%', 'order_create', '{}', true),
    ('tryton', 'shipment.%', 'order_confirm', '{part_reserved,reserved,released,packed,part_shipped,shipped,part_delivered,delivered,rto,returned}', true),
    ('tryton', '%', 'shipment_pick', '{}', true),
    ('tryton', '%', 'shipment_pack', '{}', true),
    ('tryton', '%', 'shipment_ship', '{}', true);

INSERT INTO oms.erp_status (profile, entity, erp_value, oms_value, builtin) VALUES
    ('tryton', 'document', 'draft', 'draft', true), ('tryton', 'document', 'quotation', 'draft', true),
    ('tryton', 'document', 'confirmed', 'confirmed', true), ('tryton', 'document', 'processing', 'confirmed', true),
    ('tryton', 'document', 'processing draft', 'confirmed', true), ('tryton', 'document', 'processing waiting', 'confirmed', true),
    ('tryton', 'document', 'processing assigned', 'confirmed', true), ('tryton', 'document', 'processing picked', 'picked', true),
    ('tryton', 'document', 'processing packed', 'packed', true), ('tryton', 'document', 'processing done', 'shipped', true),
    ('tryton', 'document', 'processing cancelled', 'cancelled', true), ('tryton', 'document', 'done', 'shipped', true),
    ('tryton', 'document', 'done done', 'shipped', true), ('tryton', 'document', 'done cancelled', 'cancelled', true),
    ('tryton', 'document', 'cancelled', 'cancelled', true);

-- A sale's word is its state and, where it has shipments, that of the one
-- that is furthest behind; cancelled ones count where there is no other.
INSERT INTO oms.erp_document_map (profile, builtin, state_sql, lines_sql, taken_sql) VALUES ('tryton', true, $q$
SELECT s.id::text, s.reference, s.number, s.state || coalesce(' ' || h.state, ''), s.untaxed_amount_cache, s.tax_amount_cache, s.total_amount_cache
  FROM @erp@.sale_sale s
  LEFT JOIN LATERAL (
       SELECT o.state FROM @erp@.stock_shipment_out o
        WHERE s.state IN ('processing', 'done') AND o.id IN (
              SELECT split_part(m.shipment, ',', 2)::integer FROM @erp@.sale_line l JOIN @erp@.stock_move m ON m.origin = 'sale.line,' || l.id
               WHERE l.sale = s.id AND m.shipment LIKE 'stock.shipment.out,%')
        ORDER BY array_position('{draft,waiting,assigned,picked,packed,done,cancelled}'::text[], o.state::text) LIMIT 1) h ON true
 WHERE s.id = ANY ($1::integer[])
$q$, $q$
SELECT l.sale::text, l.product::text, round((l.quantity::numeric * o.factor::numeric / d.factor::numeric), 3), round(l.quantity::numeric * l.unit_price, 2)
  FROM @erp@.sale_line l
  JOIN @erp@.product_product p ON p.id = l.product
  JOIN @erp@.product_template t ON t.id = p.template
  JOIN @erp@.product_uom o ON o.id = l.unit
  JOIN @erp@.product_uom d ON d.id = t.default_uom
 WHERE l.sale = ANY ($1::integer[]) AND l.type = 'line'
$q$, $q$
SELECT l.sale::text, m.product::text,
       sum(CASE WHEN i.state = 'done' OR i.state = 'assigned' AND $2->>'demand' <> 'done' OR i.state = 'draft' AND i.shipment LIKE 'stock.shipment.out,%' AND $2->>'demand' = 'confirmed' THEN i.internal_quantity ELSE 0 END)::numeric,
       sum(CASE WHEN i.state = 'done' THEN i.internal_quantity ELSE 0 END)::numeric
  FROM @erp@.sale_line l
  JOIN @erp@.stock_move m ON m.origin = 'sale.line,' || l.id AND m.shipment LIKE 'stock.shipment.out,%'
  JOIN @erp@.stock_move i ON i.origin = 'stock.move,' || m.id AND i.shipment = m.shipment
  JOIN @erp@.stock_shipment_out o ON o.id = split_part(m.shipment, ',', 2)::integer
  JOIN @erp@.stock_location w ON w.id = o.warehouse
  JOIN @erp@.stock_location s ON s.id = w.storage_location
  JOIN @erp@.stock_location f ON f.id = i.from_location AND f."left" BETWEEN s."left" AND s."right"
 WHERE l.sale = ANY ($1::integer[])
 GROUP BY 1, 2
$q$);

INSERT INTO oms.erp_call_map (profile, kind, builtin, send_sql, done_sql, refused_sql, find_sql) VALUES
('tryton', 'order_out', true, NULL, $q$SELECT x.ref, x.done FROM oms.erp_order_out($1, $2) AS x$q$, NULL, NULL),
('tryton', 'order_create', true, $q$
WITH RECURSIVE d AS (
    SELECT $1 AS j, ($2->>'company')::integer AS company, c.currency, c.timezone,
           coalesce(($1->>'customer')::integer, ($2->>'party')::integer) AS party, ($1->>'node')::integer AS warehouse,
           (SELECT u.id FROM @erp@.res_user u WHERE u.login IN ($2->>'user', 'admin') ORDER BY u.login = 'admin' LIMIT 1) AS uid
      FROM @erp@.company_company c WHERE c.id = ($2->>'company')::integer
), have AS (
    SELECT min(s.id) AS id FROM @erp@.sale_sale s JOIN d ON s.company = d.company WHERE s.reference = d.j->>'reference'
), a AS (
    SELECT (SELECT x.id FROM @erp@.party_address x WHERE x.party = d.party AND x.active IS NOT FALSE ORDER BY x.delivery DESC NULLS LAST, x.sequence NULLS FIRST, x.id LIMIT 1) AS delivery,
           (SELECT x.id FROM @erp@.party_address x WHERE x.party = d.party AND x.active IS NOT FALSE ORDER BY x.invoice DESC NULLS LAST, x.sequence NULLS FIRST, x.id LIMIT 1) AS invoice
      FROM d
), line AS (
    SELECT v.n, p.id AS product, p.template, t.account_category, n.id AS unit, n.quantity, round((e->>'unit_price')::numeric * n.ratio, 4) AS price
      FROM d CROSS JOIN LATERAL jsonb_array_elements(d.j->'lines') WITH ORDINALITY AS v (e, n)
      JOIN @erp@.product_product p ON p.id = (e->>'item')::integer
      JOIN @erp@.product_template t ON t.id = p.template
     CROSS JOIN LATERAL (
           SELECT o.id, round((e->>'qty')::numeric * b.factor::numeric / o.factor::numeric, o.digits) AS quantity, o.factor::numeric / b.factor::numeric AS ratio
             FROM @erp@.product_uom b JOIN @erp@.product_uom o ON o.category = b.category AND (o.active IS NOT FALSE OR o.id = b.id)
            WHERE b.id = t.default_uom
            ORDER BY round((e->>'qty')::numeric * b.factor::numeric / o.factor::numeric, o.digits) <> round((e->>'qty')::numeric * b.factor::numeric / o.factor::numeric, 8),
                     o.id <> b.id, o.factor DESC, o.id LIMIT 1) n
    UNION ALL
    SELECT 1000 + v.n, p.id, p.template, t.account_category, t.default_uom, 1, round((e->>'amount')::numeric, 4)
      FROM d CROSS JOIN LATERAL jsonb_array_elements(d.j->'charges') WITH ORDINALITY AS v (e, n)
      JOIN @erp@.product_product p ON p.id = ($2->>'charge_product')::integer
      JOIN @erp@.product_template t ON t.id = p.template
), category (product, id) AS (
    SELECT DISTINCT l.product, l.account_category FROM line l WHERE l.account_category IS NOT NULL
    UNION
    SELECT c.product, x.parent FROM category c JOIN @erp@.product_category x ON x.id = c.id WHERE x.taxes_parent AND x.parent IS NOT NULL
), rule AS (
    SELECT coalesce(($2->>'interstate_rule')::integer,
                    (SELECT y.customer_tax_rule FROM @erp@.party_party_account y WHERE y.party = d.party AND (y.company = d.company OR y.company IS NULL) AND y.customer_tax_rule IS NOT NULL ORDER BY y.company NULLS LAST LIMIT 1),
                    (SELECT min(r.id) FROM @erp@.account_tax_rule r WHERE r.company = d.company AND r.kind IN ('sale', 'both') HAVING count(*) = 1)) AS id
      FROM d WHERE (d.j->>'interstate')::boolean
), tax AS (
    SELECT DISTINCT c.product, coalesce((SELECT z.tax FROM rule JOIN @erp@.account_tax_rule_line z ON z.rule = rule.id
                                          WHERE z.origin_tax = r.tax AND z.tax IS NOT NULL ORDER BY z.sequence NULLS FIRST, z.id LIMIT 1), r.tax) AS tax
      FROM category c JOIN @erp@.product_category x ON x.id = c.id AND x.taxes_parent IS NOT TRUE
      JOIN @erp@.product_category_customer_taxes_rel r ON r.category = c.id
      JOIN @erp@.account_tax t ON t.id = r.tax AND t.company = ($2->>'company')::integer AND t.active IS NOT FALSE
), refuse AS (
    SELECT CASE WHEN d.party IS NULL THEN 'Tryton does not know the buyer, and parameter "party" names nobody in their place'
                WHEN a.delivery IS NULL THEN 'party ' || d.party || ' has no address in Tryton'
                WHEN NOT EXISTS (SELECT FROM @erp@.stock_location w WHERE w.id = d.warehouse AND w.type = 'warehouse') THEN 'the node is no warehouse in Tryton'
                WHEN (SELECT count(*) FROM line WHERE line.n < 1000) <> jsonb_array_length(d.j->'lines') THEN 'Tryton does not know every item of the order' END AS why
      FROM d, a
), s AS (
    INSERT INTO @erp@.sale_sale (company, currency, party, invoice_address, shipment_party, shipment_address, warehouse, invoice_method, invoice_state,
                                 shipment_method, shipment_state, state, reference, description, create_date, create_uid)
    SELECT d.company, d.currency, d.party, a.invoice, NULL, a.delivery, d.warehouse, $2->>'invoice_method', 'none', 'order', 'none', 'draft',
           d.j->>'reference', left(concat_ws(' ', d.j->>'channel', d.j->>'external_id'), 200), now() AT TIME ZONE 'UTC', d.uid
      FROM d, a, refuse, have WHERE refuse.why IS NULL AND have.id IS NULL
    RETURNING id, create_uid
), l AS (
    INSERT INTO @erp@.sale_line (sale, type, sequence, product, quantity, unit, unit_price, create_date, create_uid)
    SELECT s.id, 'line', line.n, line.product, line.quantity, line.unit, line.price, now() AT TIME ZONE 'UTC', s.create_uid FROM s, line ORDER BY line.n
    RETURNING id, product, create_uid
), x AS (
    INSERT INTO @erp@.sale_line_account_tax (line, tax, create_date, create_uid)
    SELECT l.id, tax.tax, now() AT TIME ZONE 'UTC', l.create_uid FROM l JOIN tax ON tax.product = l.product
)
SELECT coalesce(have.id, (SELECT s.id FROM s))::text, CASE WHEN have.id IS NULL THEN refuse.why END FROM have, refuse
$q$, NULL, NULL, $q$
SELECT s.reference, min(s.id)::text FROM @erp@.sale_sale s WHERE s.company = ($2->>'company')::integer AND s.reference = ANY ($1) GROUP BY 1
$q$);

-- Tasks of one call: {tasks} gives n (their order), model, method, ids.  A
-- trytond-worker listens on the channel "'ir.queue'", quotes included.  It can
-- miss a notification that comes while it looks for tasks, and then sleeps for
-- a minute: whoever asks whether it is done rings again.
INSERT INTO oms.erp_call_map (profile, kind, builtin, send_sql, done_sql, refused_sql)
SELECT 'tryton', v.kind, true, replace(replace(replace($q$
WITH d AS (
    SELECT ($1->>'key')::integer AS sale, (SELECT u.id FROM @erp@.res_user u WHERE u.login IN ($2->>'user', 'admin') ORDER BY u.login = 'admin' LIMIT 1) AS uid
), h AS (
    SELECT o.id, o.state FROM @erp@.stock_shipment_out o
     WHERE o.state <> 'cancelled' AND o.id IN (SELECT split_part(m.shipment, ',', 2)::integer FROM d JOIN @erp@.sale_line l ON l.sale = d.sale
                                                 JOIN @erp@.stock_move m ON m.origin = 'sale.line,' || l.id WHERE m.shipment LIKE 'stock.shipment.out,%')
), t AS ({tasks}), q AS (
    INSERT INTO @erp@.ir_queue (name, data, enqueued_at, expected_at, create_date, create_uid)
    SELECT 'default', json_build_object('model', t.model, 'method', t.method, 'user', d.uid, 'instances', t.ids, 'args', json_build_array(), 'kwargs', json_build_object(),
           'context', json_build_object('company', ($2->>'company')::integer, '_skip_warnings', true))::text,
           clock_timestamp() AT TIME ZONE 'UTC', (clock_timestamp() AT TIME ZONE 'UTC') + t.n * interval '1 millisecond', now() AT TIME ZONE 'UTC', 0
      FROM d, t WHERE t.ids IS NOT NULL ORDER BY t.n
    RETURNING id
)
SELECT CASE WHEN {ready} THEN $1->>'key' END, {refused} FROM d WHERE pg_notify('''ir.queue''', (SELECT count(*)::text FROM q)) IS NOT NULL
$q$, '{tasks}', v.tasks), '{ready}', v.ready), '{refused}', v.refused), v.done, $q$
SELECT r, 'Tryton did not do it (sale ' || r || '): see its ir_queue and the log of its trytond-worker'
  FROM unnest($1) r
 WHERE EXISTS (SELECT FROM @erp@.ir_queue q WHERE q.enqueued_at > (now() AT TIME ZONE 'UTC') - interval '2 days'
                  AND (q.data LIKE '%"sale.sale"%[' || r || ']%' OR q.data LIKE '%"stock.shipment.out"%'))
   AND NOT EXISTS (SELECT FROM @erp@.ir_queue q WHERE q.enqueued_at > (now() AT TIME ZONE 'UTC') - interval '2 days'
                      AND (q.data LIKE '%"sale.sale"%[' || r || ']%' OR q.data LIKE '%"stock.shipment.out"%')
                      AND (q.dequeued_at IS NULL OR q.finished_at IS NULL AND q.dequeued_at > (now() AT TIME ZONE 'UTC') - interval '2 minutes'))
$q$
FROM (VALUES
('order_confirm', 'true', 'NULL::text',
 $q$SELECT v.n, 'sale.sale' AS model, v.method, (SELECT json_agg(s.id) FROM @erp@.sale_sale s WHERE s.id = d.sale AND s.state = ANY (v.states)) AS ids
      FROM d, (VALUES (1, 'quote', '{draft}'::text[]), (2, 'confirm', '{draft,quotation}')) v (n, method, states)$q$,
 $q$SELECT s.id::text, s.state <> 'cancelled' FROM @erp@.sale_sale s WHERE pg_notify('''ir.queue''', '') IS NOT NULL AND s.id = ANY ($1::integer[])
       AND (s.state IN ('processing', 'done', 'cancelled') AND (s.state <> 'processing' OR s.shipment_state <> 'none'))$q$),
('shipment_pick', 'EXISTS (SELECT FROM h)', 'NULL::text',
 $q$SELECT v.n, 'stock.shipment.out' AS model, v.method, (SELECT json_agg(h.id ORDER BY h.id) FROM h WHERE h.state = ANY (v.states)) AS ids
      FROM d, (VALUES (1, 'wait', '{draft}'::text[]), (2, 'assign_try', '{draft,waiting}'), (3, 'pick', '{draft,waiting,assigned}')) v (n, method, states)$q$,
 '{picked,packed,done}'),
('shipment_pack', 'EXISTS (SELECT FROM h)', 'NULL::text',
 $q$SELECT 1 AS n, 'stock.shipment.out' AS model, 'pack' AS method, (SELECT json_agg(h.id ORDER BY h.id) FROM h WHERE h.state = 'picked') AS ids FROM d$q$,
 '{packed,done}'),
('shipment_ship', 'EXISTS (SELECT FROM h)', 'NULL::text',
 $q$SELECT 1 AS n, 'stock.shipment.out' AS model, 'done' AS method, (SELECT json_agg(h.id ORDER BY h.id) FROM h WHERE h.state = 'packed') AS ids FROM d$q$,
 '{done}'),
('order_cancel', 'true',
 $q$CASE WHEN EXISTS (SELECT FROM h WHERE h.state IN ('picked', 'packed', 'done')) THEN 'Tryton has picked it' END$q$,
 $q$SELECT v.n, v.model, 'cancel' AS method, CASE v.n WHEN 1 THEN (SELECT json_agg(s.id) FROM @erp@.sale_sale s WHERE s.id = d.sale AND s.state IN ('draft', 'quotation', 'confirmed'))
           ELSE (SELECT json_agg(h.id ORDER BY h.id) FROM h WHERE NOT EXISTS (SELECT FROM h WHERE h.state IN ('picked', 'packed', 'done'))) END AS ids
      FROM d, (VALUES (1, 'sale.sale'), (2, 'stock.shipment.out')) v (n, model)$q$,
 $q$SELECT s.id::text, true FROM @erp@.sale_sale s WHERE pg_notify('''ir.queue''', '') IS NOT NULL AND s.id = ANY ($1::integer[])
       AND (s.state = 'cancelled' OR s.state IN ('processing', 'done') AND NOT EXISTS (
            SELECT FROM @erp@.sale_line l JOIN @erp@.stock_move m ON m.origin = 'sale.line,' || l.id AND m.state <> 'cancelled' WHERE l.sale = s.id AND m.shipment LIKE 'stock.shipment.out,%'))$q$)
) AS v0 (kind, ready, refused, tasks, done0)
CROSS JOIN LATERAL (SELECT v0.kind, v0.ready, v0.refused, v0.tasks, CASE WHEN v0.done0 LIKE '{%' THEN replace($q$
SELECT r, true FROM unnest($1) r
 WHERE pg_notify('''ir.queue''', '') IS NOT NULL
   AND (SELECT bool_and(o.state IN {states}) FROM @erp@.stock_shipment_out o
         WHERE o.state <> 'cancelled' AND o.id IN (SELECT split_part(m.shipment, ',', 2)::integer FROM @erp@.sale_line l JOIN @erp@.stock_move m ON m.origin = 'sale.line,' || l.id
                                                    WHERE l.sale = r::integer AND m.shipment LIKE 'stock.shipment.out,%'))
$q$, '{states}', '(''' || replace(btrim(v0.done0, '{}'), ',', ''',''') || ''')') ELSE v0.done0 END AS done) AS v;
