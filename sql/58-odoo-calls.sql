-- erp: orders written into Odoo 16 to 19 by an agent in Odoo's own process
-- (data/erp/odoo_agent.py), which takes these calls.

UPDATE oms.erp_profile SET params = params || '{"write_orders": false, "reference": "OMS-"}' WHERE profile = 'odoo';

INSERT INTO oms.erp_param (profile, name, type, allowed, meaning, builtin)
SELECT 'odoo', v.name, v.type, NULL, v.meaning, true FROM (VALUES
    ('write_orders', 'boolean', 'true: an agent in Odoo is given orders to write, and their steps'),
    ('reference', 'text', 'what a sale order''s customer reference begins with; our order number follows'),
    ('charge_product', 'integer', 'product of delivery and other charges; its lines are not compared')) AS v (name, type, meaning)
 WHERE NOT EXISTS (SELECT FROM oms.erp_param p WHERE p.profile = 'odoo' AND p.name = v.name);

INSERT INTO oms.erp_call_event (profile, event, kind, statuses, builtin)
SELECT 'odoo', v.event, v.kind, v.statuses, true FROM (VALUES
    ('order.%', 'order_create', '{}'::text[]), ('shipment.%', 'order_create', '{}'), ('order.%', 'order_cancel', '{}'),
    ('order.%', 'order_confirm', '{part_reserved,reserved,released,packed,part_shipped,shipped,part_delivered,delivered,rto,returned}'),
    ('shipment.%', 'order_confirm', '{part_reserved,reserved,released,packed,part_shipped,shipped,part_delivered,delivered,rto,returned}'),
    ('%', 'shipment_pick', '{}'), ('%', 'shipment_ship', '{}')) AS v (event, kind, statuses);

-- the order's state and, of its deliveries to the customer, that of the one furthest behind
INSERT INTO oms.erp_status (profile, entity, erp_value, oms_value, builtin)
SELECT 'odoo', 'document', v.word, v.step, true FROM (VALUES
    ('draft', 'draft'), ('sent', 'draft'), ('sale', 'confirmed'), ('done', 'confirmed'), ('sale draft', 'confirmed'), ('sale waiting', 'confirmed'), ('sale confirmed', 'confirmed'),
    ('sale assigned', 'confirmed'), ('sale done', 'shipped'), ('sale cancel', 'cancelled'), ('done done', 'shipped'), ('cancel', 'cancelled'), ('cancel cancel', 'cancelled'),
    ('cancel done', 'shipped')) AS v (word, step);

INSERT INTO oms.erp_document_map (profile, builtin, state_sql, lines_sql, taken_sql) VALUES ('odoo', true, $q$
SELECT o.id::text, o.client_order_ref, o.name, o.state || coalesce(' ' || k.state, ''), o.amount_untaxed, o.amount_tax, o.amount_total
  FROM @erp@.sale_order o
  LEFT JOIN LATERAL (
       SELECT p.state FROM @erp@.stock_picking p JOIN @erp@.stock_location d ON d.id = p.location_dest_id AND d.usage = 'customer'
        WHERE p.id IN (SELECT m.picking_id FROM @erp@.stock_move m JOIN @erp@.sale_order_line l ON l.id = m.sale_line_id WHERE l.order_id = o.id)
        ORDER BY array_position('{draft,waiting,confirmed,assigned,done,cancel}'::text[], p.state::text) LIMIT 1) k ON true
 WHERE o.id = ANY ($1::integer[])
$q$, $q$
SELECT l.order_id::text, l.product_id::text, round(l.product_uom_qty::numeric * coalesce(nullif(lu.size / nullif(pu.size, 0), 0), 1), 3), l.price_subtotal
  FROM @erp@.sale_order_line l
  JOIN @erp@.product_product p ON p.id = l.product_id
  JOIN @erp@.product_template t ON t.id = p.product_tmpl_id
  LEFT JOIN LATERAL (SELECT CASE WHEN to_jsonb(u) ? 'category_id' THEN 1 / nullif(u.factor::numeric, 0) ELSE u.factor::numeric END AS size FROM @erp@.uom_uom u
                      WHERE u.id = coalesce(to_jsonb(l)->>'product_uom_id', to_jsonb(l)->>'product_uom')::integer) lu ON true
  LEFT JOIN LATERAL (SELECT CASE WHEN to_jsonb(u) ? 'category_id' THEN 1 / nullif(u.factor::numeric, 0) ELSE u.factor::numeric END AS size FROM @erp@.uom_uom u WHERE u.id = t.uom_id) pu ON true
 WHERE l.order_id = ANY ($1::integer[]) AND coalesce(l.display_type, '') = '' AND NOT coalesce((to_jsonb(l)->>'is_delivery')::boolean, false)
$q$, $q$
SELECT l.order_id::text, m.product_id::text,
       sum(CASE WHEN m.state = 'done' THEN CASE WHEN t.usage = 'customer' THEN m.product_qty::numeric ELSE 0 END
                WHEN $2->>'demand' = 'confirmed' AND m.state IN ('waiting', 'confirmed', 'partially_available', 'assigned') AND t.usage = 'customer' THEN m.product_qty::numeric
                WHEN $2->>'demand' = 'assigned' THEN (SELECT coalesce(sum(coalesce((x.j->>'quantity_product_uom')::numeric, (x.j->>'reserved_qty')::numeric, (x.j->>'product_qty')::numeric)), 0)
                                                        FROM (SELECT to_jsonb(n) AS j FROM @erp@.stock_move_line n WHERE n.move_id = m.id) x)
                ELSE 0 END),
       sum(CASE WHEN m.state = 'done' AND t.usage = 'customer' THEN m.product_qty::numeric ELSE 0 END)
  FROM @erp@.sale_order_line l
  JOIN @erp@.stock_move m ON m.sale_line_id = l.id AND m.state <> 'cancel'
  JOIN @erp@.stock_location f ON f.id = m.location_id AND f.usage IN ('internal', 'transit')
  JOIN @erp@.stock_location t ON t.id = m.location_dest_id
 WHERE l.order_id = ANY ($1::integer[])
 GROUP BY 1, 2
$q$);

INSERT INTO oms.erp_call_map (profile, kind, transport, builtin, send_sql, done_sql, find_sql)
SELECT 'odoo', v.kind, v.transport, true, NULL, v.done, v.find FROM (VALUES
    ('order_create', 'agent', NULL, $q$SELECT o.client_order_ref, min(o.id)::text FROM @erp@.sale_order o WHERE o.client_order_ref = ANY ($1) AND o.company_id = ($2->>'company')::integer GROUP BY 1$q$),
    ('order_confirm', 'agent', $q$SELECT o.id::text, o.state <> 'cancel' FROM @erp@.sale_order o WHERE o.id = ANY ($1::integer[]) AND o.state IN ('sale', 'done', 'cancel')$q$, NULL),
    ('shipment_pick', 'agent', NULL, NULL),
    ('shipment_ship', 'agent', $q$SELECT l.order_id::text, true FROM @erp@.sale_order_line l JOIN @erp@.stock_move m ON m.sale_line_id = l.id JOIN @erp@.stock_location t ON t.id = m.location_dest_id AND t.usage = 'customer'
          WHERE l.order_id = ANY ($1::integer[]) AND m.state <> 'cancel' GROUP BY 1 HAVING bool_and(m.state = 'done')$q$, NULL),
    ('order_cancel', 'agent', $q$SELECT o.id::text, true FROM @erp@.sale_order o WHERE o.id = ANY ($1::integer[]) AND o.state = 'cancel'$q$, NULL),
    ('order_out', 'sql', $q$SELECT x.ref, x.done FROM oms.erp_order_out($1, $2) AS x$q$, NULL)) AS v (kind, transport, done, find)
 WHERE NOT EXISTS (SELECT FROM oms.erp_call_map m WHERE m.profile = 'odoo' AND m.kind = v.kind);
