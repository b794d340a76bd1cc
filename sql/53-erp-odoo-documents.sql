-- erp profile 'odoo', second part: kits, price lists, addresses, suppliers,
-- orders, shipments, returns, supply on its way.  Odoo's times are UTC.

WITH part AS (SELECT
-- how much one of a unit is: from 19 factor says so, before its inverse does
$p$unit AS MATERIALIZED (
    SELECT u.id, CASE WHEN to_jsonb(u) ? 'relative_factor' THEN u.factor ELSE 1 / nullif(u.factor, 0) END::numeric AS size FROM @erp@.uom_uom u
)$p$ AS unit,
$p$buyer AS MATERIALIZED (
    SELECT (x->>'id')::integer AS id
      FROM oms.erp_optional('@erp@.sale_order', $o$SELECT DISTINCT o.partner_id AS id FROM @erp@.sale_order o WHERE $1 IS NULL OR o.partner_id = ANY ($1::integer[])$o$,
                            (SELECT array_agg(w.id::text) FROM want w), $2) AS x
)$p$ AS buyer,
$p$buyers AS MATERIALIZED (
    SELECT p.id
      FROM (SELECT 0 AS customer_rank) void
     CROSS JOIN LATERAL (SELECT y.id, y.company_id, y.active, customer_rank AS rank FROM @erp@.res_partner y) p
     WHERE p.active IS NOT FALSE AND (p.company_id IS NULL OR p.company_id IN (SELECT f.id FROM firm f))
       AND (p.rank > 0 OR p.id IN (SELECT b.id FROM buyer b)) AND p.id NOT IN (SELECT c.partner_id FROM @erp@.res_company c WHERE c.partner_id IS NOT NULL)
       AND ($1::text[] IS NULL OR p.id = ANY (ARRAY(SELECT w.id FROM want w)))
)$p$ AS customer,
$p$(s.rank > 0 OR s.id IN (SELECT i.partner_id FROM @erp@.product_supplierinfo i WHERE i.partner_id IS NOT NULL))$p$ AS vendor,
$p$firm (id, depth) AS (
    SELECT ($2->>'company')::integer, 0
    UNION ALL
    SELECT c.parent_id, f.depth + 1 FROM firm f JOIN @erp@.res_company c ON c.id = f.id WHERE c.parent_id IS NOT NULL AND f.depth < 20
)$p$ AS firm,
-- demand in stock units; what was done from 17 in the move's unit
$p$(SELECT jsonb_agg(jsonb_build_object('item', m.product_id::text, 'qty', m.qty) ORDER BY m.first)
      FROM (SELECT v.product_id, min(v.id) AS first,
                   round(sum(CASE WHEN v.state = 'done' AND v.done IS NOT NULL THEN v.done * coalesce(mu.size / pu.size, 1) ELSE v.product_qty::numeric END), 3) AS qty
              FROM (SELECT NULL::numeric AS quantity) void
             CROSS JOIN LATERAL (SELECT y.id, y.product_id, y.product_uom, y.product_qty, y.state, quantity::numeric AS done FROM @erp@.stock_move y WHERE y.picking_id = k.id) v
              LEFT JOIN @erp@.product_product vp ON vp.id = v.product_id LEFT JOIN @erp@.product_template vt ON vt.id = vp.product_tmpl_id
              LEFT JOIN unit mu ON mu.id = v.product_uom LEFT JOIN unit pu ON pu.id = vt.uom_id
             WHERE v.state <> 'cancel' OR k.state = 'cancel'
             GROUP BY v.product_id) m)$p$ AS moved)
INSERT INTO oms.erp_entity (profile, entity, builtin, needs, query)
SELECT 'odoo', v.entity, true, v.needs::text[],
       replace(replace(replace(replace(replace(replace(v.query, '{unit}', p.unit), '{buyer}', p.buyer), '{customer}', p.customer), '{vendor}', p.vendor), '{firm}', p.firm), '{moved}', p.moved)
  FROM part AS p, (VALUES
-- Bills of materials of type phantom; kits in kits are opened.  Of several
-- for an item Odoo takes the first by sequence, that of the variant first.
('kit', '{@erp@.mrp_bom,@erp@.mrp_bom_line}', $q$
WITH RECURSIVE {firm}, {unit}, bom AS MATERIALIZED (
    SELECT DISTINCT ON (p.id) p.id AS kit, b.id, nullif(b.product_qty, 0)::numeric * coalesce(bu.size / pu.size, 1) AS makes
      FROM @erp@.mrp_bom b
      JOIN @erp@.product_product p ON p.product_tmpl_id = b.product_tmpl_id AND (b.product_id IS NULL OR b.product_id = p.id)
      JOIN @erp@.product_template t ON t.id = p.product_tmpl_id
      LEFT JOIN unit bu ON bu.id = b.product_uom_id LEFT JOIN unit pu ON pu.id = t.uom_id
     WHERE b.type = 'phantom' AND b.active IS NOT FALSE AND p.active IS NOT FALSE AND t.active IS NOT FALSE AND t.type IN ('consu', 'product')
       AND (t.company_id IS NULL OR t.company_id IN (SELECT f.id FROM firm f)) AND (b.company_id IS NULL OR b.company_id IN (SELECT f.id FROM firm f))
     ORDER BY p.id, b.sequence NULLS LAST, b.product_id NULLS LAST, b.id
), line AS MATERIALIZED (
    SELECT b.kit, l.product_id AS component, l.product_qty::numeric * coalesce(lu.size / pu.size, 1) / b.makes AS qty
      FROM bom b
      JOIN @erp@.mrp_bom_line l ON l.bom_id = b.id
      JOIN @erp@.product_product p ON p.id = l.product_id
      JOIN @erp@.product_template t ON t.id = p.product_tmpl_id AND t.type IN ('consu', 'product')
      LEFT JOIN unit lu ON lu.id = l.product_uom_id LEFT JOIN unit pu ON pu.id = t.uom_id
     WHERE l.id NOT IN (SELECT (x->>'id')::integer FROM oms.erp_optional('@erp@.mrp_bom_line_product_template_attribute_value_rel', $o$
SELECT r.mrp_bom_line_id AS id FROM @erp@.mrp_bom_line_product_template_attribute_value_rel r$o$, NULL, $2) x)
    UNION ALL
    -- a line for some variants only: one of its values of each attribute
    SELECT b.kit, l.product_id, l.product_qty::numeric * coalesce(lu.size / pu.size, 1) / b.makes
      FROM bom b
      JOIN @erp@.mrp_bom_line l ON l.bom_id = b.id
      JOIN @erp@.product_product p ON p.id = l.product_id
      JOIN @erp@.product_template t ON t.id = p.product_tmpl_id AND t.type IN ('consu', 'product')
      JOIN (SELECT (x->>'line')::integer AS line, array_agg((x->>'value')::integer) AS vals
              FROM oms.erp_optional('@erp@.mrp_bom_line_product_template_attribute_value_rel', $o$
SELECT r.mrp_bom_line_id AS line, r.product_template_attribute_value_id AS value FROM @erp@.mrp_bom_line_product_template_attribute_value_rel r$o$, NULL, $2) x GROUP BY 1) o ON o.line = l.id
      LEFT JOIN unit lu ON lu.id = l.product_uom_id LEFT JOIN unit pu ON pu.id = t.uom_id
     WHERE NOT EXISTS (SELECT FROM @erp@.product_template_attribute_value a WHERE a.id = ANY (o.vals)
                        GROUP BY a.attribute_line_id
                       HAVING count(*) FILTER (WHERE EXISTS (SELECT FROM @erp@.product_variant_combination c WHERE c.product_product_id = b.kit AND c.product_template_attribute_value_id = a.id)) = 0)
), opened (kit, component, qty, depth) AS (
    SELECT l.kit, l.component, l.qty, 1 FROM line l
    UNION ALL
    SELECT o.kit, l.component, o.qty * l.qty, o.depth + 1 FROM opened o JOIN line l ON l.kit = o.component WHERE o.depth < 10
)
SELECT o.kit || '|' || o.component AS key, o.kit::text AS kit, o.component::text AS component, round(sum(o.qty), 3) AS qty
  FROM opened o
 WHERE o.component NOT IN (SELECT b.kit FROM bom b)
   AND ($1::text[] IS NULL OR o.kit || '|' || o.component = ANY ($1))
 GROUP BY o.kit, o.component HAVING round(sum(o.qty), 3) > 0
$q$),
('price_list', '{@erp@.product_pricelist}', $q$
WITH RECURSIVE {firm}
SELECT l.id::text AS key, l.id::text AS code, oms.erp_translated(to_jsonb(l.name), $2->>'lang') AS name, u.name AS currency, l.active IS NOT FALSE AS active
  FROM @erp@.product_pricelist l
  LEFT JOIN @erp@.res_currency u ON u.id = l.currency_id
 WHERE (l.company_id IS NULL OR l.company_id IN (SELECT f.id FROM firm f))
   AND ($1::text[] IS NULL OR l.id = ANY ($1::integer[]))
$q$),
-- The partner's own address serves for both; those below it by their type.
('address', '{}', $q$
WITH RECURSIVE {firm}, want AS MATERIALIZED (
    SELECT DISTINCT x::integer AS id FROM unnest($1::text[]) k, unnest(string_to_array(k, '|')) x WHERE x <> 'ship'
), {buyer}, {customer}, c AS (
    SELECT b.id, b.id AS customer, NULL::text AS type FROM buyers b
    UNION ALL
    SELECT y.id, b.id, y.type FROM buyers b JOIN @erp@.res_partner y ON y.parent_id = b.id AND y.type IN ('delivery', 'invoice', 'other') AND y.active IS NOT FALSE
), a AS (
    SELECT c.id || CASE WHEN c.id = c.customer THEN '' ELSE '|' || c.customer END AS key, c.customer, CASE WHEN c.id = c.customer OR c.type = 'invoice' THEN 'billing' ELSE 'shipping' END AS kind, c.id FROM c
    UNION ALL
    SELECT c.id || '|ship', c.customer, 'shipping', c.id FROM c WHERE c.id = c.customer
), state AS MATERIALIZED (
    SELECT s.id, coalesce(lpad(to_jsonb(s)->>'l10n_in_tin', 2, '0'), (SELECT g.state_code FROM oms.gst_state g WHERE lower(g.name) = lower(s.name)), s.code) AS code
      FROM @erp@.res_country_state s JOIN @erp@.res_country k ON k.id = s.country_id AND k.code = 'IN'
)
SELECT a.key, a.customer::text, a.kind, nullif(btrim(p.name), '') AS name, CASE WHEN m.phone !~ '^\+' OR m.phone ~ '^\+91' THEN m.phone END AS phone,
       nullif(btrim(p.street), '') AS address1, nullif(btrim(p.street2), '') AS address2, nullif(btrim(p.city), '') AS city,
       CASE WHEN k.code = 'IN' THEN s.code END AS state,
       CASE WHEN coalesce(k.code, 'IN') = 'IN' THEN substring(replace(p.zip, ' ', '') FROM '^[1-9][0-9]{5}$') END AS pincode, upper(k.code) AS country, true AS active
  FROM (SELECT NULL::text AS mobile) void
 CROSS JOIN a
  JOIN LATERAL (SELECT y.id, y.name, y.phone, y.street, y.street2, y.city, y.zip, y.country_id, y.state_id, mobile AS cell FROM @erp@.res_partner y) p ON p.id = a.id
  LEFT JOIN @erp@.res_country k ON k.id = p.country_id
  LEFT JOIN state s ON s.id = p.state_id
 CROSS JOIN LATERAL (SELECT regexp_replace(split_part(translate(coalesce(nullif(btrim(p.cell), ''), p.phone), '/,;', '///'), '/', 1), '[^0-9+]', '', 'g') AS phone) m
 WHERE coalesce(nullif(btrim(p.street), ''), nullif(btrim(p.city), ''), nullif(btrim(p.zip), '')) IS NOT NULL
   AND ($1::text[] IS NULL OR a.key = ANY ($1))
$q$),
('supplier', '{@erp@.product_supplierinfo}', $q$
WITH RECURSIVE {firm}
SELECT s.id::text AS key, s.id::text AS code, coalesce(nullif(btrim(s.name), ''), (SELECT h.name FROM @erp@.res_partner h WHERE h.id = s.parent_id)) AS name,
       substring(upper(replace(s.vat, ' ', '')) FROM '^[0-9]{2}[A-Z]{5}[0-9]{4}[A-Z][0-9A-Z]Z[0-9A-Z]$') AS gstin,
       CASE WHEN s.phone !~ '^\s*\+' OR s.phone ~ '^\s*\+\s*91' THEN s.phone END AS phone, substring(s.email FROM '[^<>,;\s]+@[^<>,;\s]+') AS email,
       CASE WHEN coalesce(k.code, 'IN') = 'IN' THEN substring(replace(s.zip, ' ', '') FROM '^[1-9][0-9]{5}$') END AS pincode,
       (SELECT max(i.delay) FROM @erp@.product_supplierinfo i WHERE i.partner_id = s.id AND i.delay >= 0) AS lead_days
  FROM (SELECT 0 AS supplier_rank) void
 CROSS JOIN LATERAL (SELECT y.id, y.name, y.parent_id, y.vat, y.phone, y.email, y.zip, y.country_id, y.company_id, y.active, supplier_rank AS rank FROM @erp@.res_partner y) s
  LEFT JOIN @erp@.res_country k ON k.id = s.country_id
 WHERE s.active IS NOT FALSE AND (s.company_id IS NULL OR s.company_id IN (SELECT f.id FROM firm f)) AND {vendor}
   AND ($1::text[] IS NULL OR s.id = ANY ($1::integer[]))
$q$),
-- Money in the company's currency at the order's own rate; lines of goods.
('order', '{@erp@.sale_order,@erp@.sale_order_line}', $q$
WITH {unit}
SELECT o.id::text AS key, o.name AS number, nullif(btrim(o.client_order_ref), '') AS reference, o.partner_id::text AS customer, o.warehouse::text AS node,
       concat_ws('/', o.state, nullif(o.delivery, '')) AS status, o.date_order AT TIME ZONE 'UTC' AS ordered_at, u.name AS currency,
       round(o.amount_total::numeric / r.rate, 2) AS total,
       (SELECT jsonb_agg(jsonb_build_object('item', l.product_id::text, 'qty', round(l.product_uom_qty::numeric * f.size, 3),
                                            'unit_price', round(l.price_unit::numeric * (1 - coalesce(l.discount, 0)::numeric / 100) / f.size / r.rate, 2)) ORDER BY l.sequence, l.id)
          FROM (SELECT NULL::integer AS product_uom_id, NULL::integer AS product_uom) void
         CROSS JOIN LATERAL (SELECT y.id, y.sequence, y.product_id, y.product_uom_qty, y.price_unit, y.discount, y.display_type, coalesce(product_uom_id, product_uom) AS uom FROM @erp@.sale_order_line y WHERE y.order_id = o.id) l
          JOIN @erp@.product_product p ON p.id = l.product_id
          JOIN @erp@.product_template t ON t.id = p.product_tmpl_id AND t.type IN ('consu', 'product')
          LEFT JOIN unit lu ON lu.id = l.uom
          LEFT JOIN unit pu ON pu.id = t.uom_id
         CROSS JOIN LATERAL (SELECT coalesce(nullif(lu.size / pu.size, 0), 1) AS size) f
         WHERE coalesce(l.display_type, '') = '') AS lines
  FROM (SELECT NULL::integer AS warehouse_id, NULL::text AS delivery_status, NULL::numeric AS currency_rate) void
 CROSS JOIN LATERAL (SELECT y.id, y.name, y.client_order_ref, y.partner_id, y.state, y.date_order, y.amount_total, y.company_id, warehouse_id AS warehouse, delivery_status AS delivery, currency_rate::numeric AS rate FROM @erp@.sale_order y) o
  JOIN @erp@.res_company c ON c.id = o.company_id
  LEFT JOIN @erp@.res_currency u ON u.id = c.currency_id
 CROSS JOIN LATERAL (SELECT coalesce(nullif(o.rate, 0), 1) AS rate) r
 WHERE o.company_id = ($2->>'company')::integer
   AND ($1::text[] IS NULL OR o.id = ANY ($1::integer[]))
$q$),
-- Transfers to customers, whatever the type of operation is called.
('shipment', '{@erp@.stock_picking}', $q$
WITH {unit}, carrier AS MATERIALIZED (
    SELECT (x->>'id')::integer AS id, oms.erp_translated(x->'name', $2->>'lang') AS name
      FROM oms.erp_optional('@erp@.delivery_carrier', $o$SELECT d.id, d.name FROM @erp@.delivery_carrier d$o$, NULL, $2) AS x
)
SELECT k.id::text AS key, k.name AS number, nullif(btrim(k.origin), '') AS reference, k.sale::text AS "order", y.warehouse_id::text AS node, k.state AS status,
       (SELECT c.name FROM carrier c WHERE c.id = k.carrier) AS carrier, nullif(btrim(k.tracking), '') AS awb,
       CASE WHEN k.state = 'done' THEN k.date_done AT TIME ZONE 'UTC' END AS shipped_at, {moved} AS lines
  FROM (SELECT NULL::integer AS sale_id, NULL::integer AS carrier_id, NULL::text AS carrier_tracking_ref) void
 CROSS JOIN LATERAL (SELECT y.id, y.name, y.origin, y.state, y.date_done, y.location_dest_id, y.picking_type_id, y.company_id, sale_id AS sale, carrier_id AS carrier, carrier_tracking_ref AS tracking FROM @erp@.stock_picking y) k
  JOIN @erp@.stock_location d ON d.id = k.location_dest_id AND d.usage = 'customer'
  LEFT JOIN @erp@.stock_picking_type y ON y.id = k.picking_type_id
 WHERE k.company_id = ($2->>'company')::integer
   AND ($1::text[] IS NULL OR k.id = ANY ($1::integer[]))
$q$),
('return', '{@erp@.stock_picking}', $q$
WITH {unit}
SELECT k.id::text AS key, k.name AS number, nullif(btrim(k.origin), '') AS reference, k.sale::text AS "order", y.warehouse_id::text AS node, k.state AS status,
       CASE WHEN k.state = 'done' THEN k.date_done AT TIME ZONE 'UTC' END AS received_at, {moved} AS lines
  FROM (SELECT NULL::integer AS sale_id) void
 CROSS JOIN LATERAL (SELECT y.id, y.name, y.origin, y.state, y.date_done, y.location_id, y.location_dest_id, y.picking_type_id, y.company_id, sale_id AS sale FROM @erp@.stock_picking y) k
  JOIN @erp@.stock_location d ON d.id = k.location_id AND d.usage = 'customer'
  JOIN @erp@.stock_location e ON e.id = k.location_dest_id AND e.usage <> 'customer'
  LEFT JOIN @erp@.stock_picking_type y ON y.id = k.picking_type_id
 WHERE k.company_id = ($2->>'company')::integer
   AND ($1::text[] IS NULL OR k.id = ANY ($1::integer[]))
$q$),
-- Open moves into a warehouse from suppliers, production, transit or another
-- warehouse; what customers send back is no supply.
('inbound', '{@erp@.stock_move}', $q$
SELECT m.id::text AS key, w.id::text AS node, m.product_id::text AS item, greatest(m.product_qty, 0)::numeric AS qty, m.date AT TIME ZONE 'UTC' AS expected_at,
       coalesce(nullif(btrim(m.origin), ''), k.name) AS document,
       CASE WHEN f.usage = 'supplier' THEN (SELECT s.id::text FROM (SELECT 0 AS supplier_rank) void
             CROSS JOIN LATERAL (SELECT y.id, y.active, supplier_rank AS rank FROM @erp@.res_partner y) s JOIN @erp@.res_partner q ON q.id = k.partner_id AND s.id IN (q.id, q.parent_id)
              WHERE s.active IS NOT FALSE AND {vendor} ORDER BY s.id = q.id DESC LIMIT 1) END AS supplier
  FROM @erp@.stock_move m
  JOIN @erp@.stock_location f ON f.id = m.location_id AND f.usage IN ('supplier', 'production', 'transit', 'internal')
  JOIN @erp@.stock_location t ON t.id = m.location_dest_id AND t.usage = 'internal'
  JOIN @erp@.stock_warehouse w ON w.view_location_id = ANY (string_to_array(btrim(t.parent_path, '/'), '/')::integer[])
  LEFT JOIN @erp@.stock_picking k ON k.id = m.picking_id
 WHERE m.state IN ('waiting', 'confirmed', 'partially_available', 'assigned')
   AND (f.usage <> 'internal' OR w.view_location_id <> ALL (coalesce(string_to_array(btrim(f.parent_path, '/'), '/')::integer[], '{}')))
   AND w.company_id = ($2->>'company')::integer AND w.active IS NOT FALSE
   AND ($1::text[] IS NULL OR m.id = ANY ($1::integer[]))
$q$)) AS v (entity, needs, query);

INSERT INTO oms.erp_source (profile, entity, relation, watch, builtin, resolve) VALUES
('odoo', 'kit', '@erp@.mrp_bom', '{id,type,product_tmpl_id,product_id,product_qty,product_uom_id,sequence,active,company_id}', true, NULL),
('odoo', 'kit', '@erp@.mrp_bom_line', '{id,bom_id,product_id,product_qty,product_uom_id}', true, NULL),
('odoo', 'kit', '@erp@.mrp_bom_line_product_template_attribute_value_rel', '{mrp_bom_line_id?,product_template_attribute_value_id?}', true, NULL),
('odoo', 'kit', '@erp@.product_product', '{id,product_tmpl_id,active}', true, NULL),
('odoo', 'kit', '@erp@.product_template', '{id,type,active,uom_id,company_id}', true, NULL),
('odoo', 'kit', '@erp@.product_variant_combination', '{product_product_id,product_template_attribute_value_id}', true, NULL),
('odoo', 'kit', '@erp@.product_template_attribute_value', '{id,attribute_line_id}', true, NULL),
('odoo', 'kit', '@erp@.uom_uom', '{id,factor}', true, NULL),
('odoo', 'kit', '@erp@.res_company', '{id,parent_id}', true, NULL),
('odoo', 'price_list', '@erp@.product_pricelist', '{id,name,active,currency_id,company_id}', true,
 $q$SELECT i->>'id' FROM unnest($1) i$q$),
('odoo', 'price_list', '@erp@.res_company', '{id,parent_id}', true, NULL),
('odoo', 'price_list', '@erp@.res_currency', '{id,name}', true, NULL),
('odoo', 'address', '@erp@.res_partner', '{id,name,parent_id,type,company_id,street,street2,city,zip,state_id,country_id,phone,mobile?,customer_rank?,active}', true,
 $q$WITH t AS (SELECT (i->>'id')::integer AS id, (i->>'parent_id')::integer AS parent FROM unnest($1) i)
    SELECT t.id::text FROM t UNION SELECT t.id || '|ship' FROM t UNION SELECT t.id || '|' || t.parent FROM t WHERE t.parent IS NOT NULL
    UNION SELECT a.id || '|' || t.id FROM t JOIN @erp@.res_partner a ON a.parent_id = t.id$q$),
('odoo', 'address', '@erp@.sale_order', '{partner_id?}', true,
 $q$WITH t AS (SELECT (i->>'partner_id')::integer AS id FROM unnest($1) i)
    SELECT t.id::text FROM t UNION SELECT t.id || '|ship' FROM t UNION SELECT a.id || '|' || t.id FROM t JOIN @erp@.res_partner a ON a.parent_id = t.id$q$),
('odoo', 'address', '@erp@.res_country', '{id,code}', true, NULL),
('odoo', 'address', '@erp@.res_country_state', '{id,name,code,country_id,l10n_in_tin?}', true, NULL),
('odoo', 'address', '@erp@.res_company', '{id,partner_id,parent_id}', true, NULL),
('odoo', 'supplier', '@erp@.res_partner', '{id,name,parent_id,company_id,vat,phone,email,zip,country_id,supplier_rank?,active}', true,
 $q$SELECT i->>'id' FROM unnest($1) i UNION SELECT p.id::text FROM unnest($1) i JOIN @erp@.res_partner p ON p.parent_id = (i->>'id')::integer$q$),
('odoo', 'supplier', '@erp@.product_supplierinfo', '{partner_id,delay}', true, $q$SELECT i->>'partner_id' FROM unnest($1) i$q$),
('odoo', 'supplier', '@erp@.res_country', '{id,code}', true, NULL),
('odoo', 'supplier', '@erp@.res_company', '{id,parent_id}', true, NULL),
('odoo', 'order', '@erp@.sale_order', '{id,name,client_order_ref,partner_id,warehouse_id?,state,delivery_status?,date_order,amount_total,currency_rate?,company_id}', true,
 $q$SELECT i->>'id' FROM unnest($1) i$q$),
('odoo', 'order', '@erp@.sale_order_line', '{id,order_id,product_id,product_uom?,product_uom_id?,product_uom_qty,price_unit,discount,display_type,sequence}', true,
 $q$SELECT i->>'order_id' FROM unnest($1) i$q$),
('odoo', 'order', '@erp@.product_template', '{id,type,uom_id}', true,
 $q$SELECT l.order_id::text FROM unnest($1) i JOIN @erp@.product_product p ON p.product_tmpl_id = (i->>'id')::integer JOIN @erp@.sale_order_line l ON l.product_id = p.id$q$),
('odoo', 'order', '@erp@.uom_uom', '{id,factor}', true, NULL),
('odoo', 'order', '@erp@.res_company', '{id,currency_id}', true, NULL),
('odoo', 'order', '@erp@.res_currency', '{id,name}', true, NULL),
('odoo', 'shipment', '@erp@.stock_picking', '{id,name,origin,state,sale_id?,carrier_id?,carrier_tracking_ref?,date_done,picking_type_id,location_dest_id,company_id}', true,
 $q$SELECT i->>'id' FROM unnest($1) i$q$),
('odoo', 'shipment', '@erp@.stock_move', '{id,picking_id,product_id,product_qty,quantity?,product_uom,state}', true,
 $q$SELECT i->>'picking_id' FROM unnest($1) i$q$),
('odoo', 'shipment', '@erp@.product_template', '{id,uom_id}', true,
 $q$SELECT m.picking_id::text FROM unnest($1) i JOIN @erp@.product_product p ON p.product_tmpl_id = (i->>'id')::integer JOIN @erp@.stock_move m ON m.product_id = p.id$q$),
('odoo', 'shipment', '@erp@.stock_location', '{id,usage}', true,
 $q$SELECT k.id::text FROM unnest($1) i JOIN @erp@.stock_picking k ON k.location_dest_id = (i->>'id')::integer$q$),
('odoo', 'shipment', '@erp@.stock_picking_type', '{id,warehouse_id}', true,
 $q$SELECT k.id::text FROM unnest($1) i JOIN @erp@.stock_picking k ON k.picking_type_id = (i->>'id')::integer$q$),
('odoo', 'shipment', '@erp@.delivery_carrier', '{id?,name?}', true,
 $q$SELECT k.id::text FROM unnest($1) i JOIN @erp@.stock_picking k ON to_jsonb(k)->>'carrier_id' = i->>'id'$q$),
('odoo', 'shipment', '@erp@.uom_uom', '{id,factor}', true, NULL),
('odoo', 'return', '@erp@.stock_picking', '{id,name,origin,state,sale_id?,date_done,picking_type_id,location_id,location_dest_id,company_id}', true,
 $q$SELECT i->>'id' FROM unnest($1) i$q$),
('odoo', 'return', '@erp@.stock_move', '{id,picking_id,product_id,product_qty,quantity?,product_uom,state}', true,
 $q$SELECT i->>'picking_id' FROM unnest($1) i$q$),
('odoo', 'return', '@erp@.product_template', '{id,uom_id}', true,
 $q$SELECT m.picking_id::text FROM unnest($1) i JOIN @erp@.product_product p ON p.product_tmpl_id = (i->>'id')::integer JOIN @erp@.stock_move m ON m.product_id = p.id$q$),
('odoo', 'return', '@erp@.stock_location', '{id,usage}', true,
 $q$SELECT k.id::text FROM unnest($1) i JOIN @erp@.stock_picking k ON (i->>'id')::integer IN (k.location_id, k.location_dest_id)$q$),
('odoo', 'return', '@erp@.stock_picking_type', '{id,warehouse_id}', true,
 $q$SELECT k.id::text FROM unnest($1) i JOIN @erp@.stock_picking k ON k.picking_type_id = (i->>'id')::integer$q$),
('odoo', 'return', '@erp@.uom_uom', '{id,factor}', true, NULL),
('odoo', 'inbound', '@erp@.stock_move', '{id,product_id,product_qty,state,location_id,location_dest_id,date,origin,picking_id}', true,
 $q$SELECT i->>'id' FROM unnest($1) i$q$),
('odoo', 'inbound', '@erp@.stock_picking', '{id,name,partner_id}', true,
 $q$SELECT m.id::text FROM unnest($1) i JOIN @erp@.stock_move m ON m.picking_id = (i->>'id')::integer WHERE m.state NOT IN ('done', 'cancel')$q$),
('odoo', 'inbound', '@erp@.stock_location', '{id,parent_path,usage}', true,
 $q$SELECT m.id::text FROM unnest($1) i JOIN @erp@.stock_move m ON (i->>'id')::integer IN (m.location_id, m.location_dest_id) WHERE m.state NOT IN ('done', 'cancel')$q$),
('odoo', 'inbound', '@erp@.stock_warehouse', '{id,view_location_id,company_id,active}', true, NULL),
('odoo', 'inbound', '@erp@.res_partner', '{id,parent_id,supplier_rank?,active}', true,
 $q$SELECT m.id::text FROM @erp@.stock_move m JOIN @erp@.stock_picking k ON k.id = m.picking_id JOIN @erp@.res_partner p ON p.id = k.partner_id
     WHERE m.state IN ('waiting', 'confirmed', 'partially_available', 'assigned') AND EXISTS (SELECT FROM unnest($1) i WHERE (i->>'id')::integer IN (p.id, p.parent_id))$q$),
('odoo', 'inbound', '@erp@.product_supplierinfo', '{partner_id}', true,
 $q$SELECT m.id::text FROM @erp@.stock_move m JOIN @erp@.stock_picking k ON k.id = m.picking_id JOIN @erp@.res_partner p ON p.id = k.partner_id
     WHERE m.state IN ('waiting', 'confirmed', 'partially_available', 'assigned') AND EXISTS (SELECT FROM unnest($1) i WHERE (i->>'partner_id')::integer IN (p.id, p.parent_id))$q$);

-- state, and delivery_status where there is one.  Until 16 done means locked.
INSERT INTO oms.erp_status (profile, entity, erp_value, oms_value, builtin)
SELECT 'odoo', 'order', concat_ws('/', s.state, d.delivery),
       CASE WHEN s.state = 'cancel' THEN 'cancelled' WHEN s.state IN ('draft', 'sent') THEN 'draft'
            WHEN d.delivery = 'partial' THEN 'part_shipped' WHEN d.delivery = 'full' THEN 'shipped' ELSE 'confirmed' END, true
  FROM unnest('{draft,sent,sale,done,cancel}'::text[]) AS s (state), unnest('{NULL,pending,started,partial,full}'::text[]) AS d (delivery);
INSERT INTO oms.erp_status (profile, entity, erp_value, oms_value, builtin) VALUES
    ('odoo', 'shipment', 'draft', 'draft', true), ('odoo', 'shipment', 'waiting', 'waiting', true), ('odoo', 'shipment', 'confirmed', 'waiting', true),
    ('odoo', 'shipment', 'assigned', 'assigned', true), ('odoo', 'shipment', 'done', 'shipped', true), ('odoo', 'shipment', 'cancel', 'cancelled', true),
    ('odoo', 'return', 'draft', 'draft', true), ('odoo', 'return', 'waiting', 'draft', true), ('odoo', 'return', 'confirmed', 'draft', true),
    ('odoo', 'return', 'assigned', 'draft', true), ('odoo', 'return', 'done', 'received', true), ('odoo', 'return', 'cancel', 'cancelled', true);
