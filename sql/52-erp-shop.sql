-- erp profile 'shop': the demo's small ERP (demo/erp), and the example to
-- copy for an ERP of one's own.

INSERT INTO oms.erp_profile (profile, title, params, company_query, builtin) VALUES ('shop', 'The demo''s small ERP', '{}',
$q$
SELECT c.company_id::text AS key, c.code, c.name, c.currency, 'Asia/Kolkata' AS timezone,
       (SELECT w.state FROM @erp@.warehouse w WHERE w.company_id = c.company_id AND w.kind = 'wh' ORDER BY w.warehouse_id LIMIT 1) AS state
  FROM @erp@.company c WHERE $1->>'company' IS NULL OR c.company_id = ($1->>'company')::integer
 ORDER BY c.company_id
$q$, true);

INSERT INTO oms.erp_param (profile, name, type, meaning, builtin) VALUES
('shop', 'company', 'integer', 'company_id of the company; without: the first', true);

-- a virtual warehouse is no place
INSERT INTO oms.erp_word (profile, entity, builtin, query) VALUES
('shop', 'node', true, 'SELECT w.kind, count(*) FROM @erp@.warehouse w WHERE w.kind <> ''virtual'' GROUP BY 1'),
('shop', 'uom', true, 'SELECT i.uom, count(*) FROM @erp@.item i GROUP BY 1');

INSERT INTO oms.erp_entity (profile, entity, builtin, query) VALUES
('shop', 'node', true, $q$
SELECT w.warehouse_id::text AS key, w.code, w.name, v.oms_value AS kind, w.city, w.pincode, w.state, w.gstin, w.is_active AS active
  FROM @erp@.warehouse w
  JOIN oms.erp_status v ON v.profile = $2->>'profile' AND v.entity = 'node' AND v.erp_value = w.kind
 WHERE w.company_id = ($2->>'company')::integer
   AND ($1::text[] IS NULL OR w.warehouse_id = ANY ($1::integer[]))
$q$),
('shop', 'sku', true, $q$
SELECT i.item_id::text AS key, upper(i.item_code) AS code, i.description AS name, g.name AS category, i.hsn_code AS hsn, i.hsn_code AS tax_code,
       (SELECT v.oms_value FROM oms.erp_status v WHERE v.profile = $2->>'profile' AND v.entity = 'uom' AND v.erp_value = i.uom) AS uom,
       i.weight_kg * 1000 AS weight_g, i.length_cm * 10 AS length_mm, i.width_cm * 10 AS width_mm, i.height_cm * 10 AS height_mm,
       i.std_cost AS cost, i.cod_allowed AS cod_ok, i.returnable, i.cold_chain, i.fragile, NOT i.surface_only AS air_ok, i.status = 'A' AS active
  FROM @erp@.item i JOIN @erp@.item_group g ON g.group_id = i.group_id
 WHERE $1::text[] IS NULL OR i.item_id = ANY ($1::integer[])
$q$),
('shop', 'tax', true, $q$
SELECT t.hsn || '|' || t.valid_from || '|' || t.above_value AS key, t.hsn AS code, t.valid_from, t.above_value, t.percent AS rate, t.description
  FROM @erp@.tax_rate t
 WHERE $1::text[] IS NULL OR t.hsn || '|' || t.valid_from || '|' || t.above_value = ANY ($1)
$q$),
('shop', 'price', true, $q$
SELECT p.item_id || '|' || p.valid_from AS key, p.item_id::text AS item, p.valid_from, p.price AS amount, true AS includes_tax
  FROM @erp@.price p WHERE $1::text[] IS NULL
UNION ALL
SELECT k, p.item_id::text, p.valid_from, p.price, true
  FROM unnest($1::text[]) k
  JOIN @erp@.price p ON p.item_id = split_part(k, '|', 1)::integer AND p.valid_from = split_part(k, '|', 2)::date
$q$),
('shop', 'customer', true, $q$
SELECT c.customer_id::text AS key, c.name, c.phone, c.email, c.gstin,
       (SELECT a.pincode FROM @erp@.customer_address a WHERE a.customer_id = c.customer_id ORDER BY a.kind <> 'shipping', a.address_id LIMIT 1) AS pincode
  FROM @erp@.customer c
 WHERE c.is_active AND ($1::text[] IS NULL OR c.customer_id = ANY ($1::integer[]))
$q$),
('shop', 'address', true, $q$
SELECT a.address_id::text AS key, a.customer_id::text AS customer, a.kind, a.line1 AS address1, a.line2 AS address2, a.city, a.state, a.pincode
  FROM @erp@.customer_address a WHERE $1::text[] IS NULL OR a.address_id = ANY ($1::integer[])
$q$),
('shop', 'order', true, $q$
SELECT o.order_id::text AS key, o.order_no AS number, o.customer_ref AS reference, o.customer_id::text AS customer, o.warehouse_id::text AS node, o.status, o.order_date AS ordered_at,
       l.total, l.lines
  FROM @erp@.sales_order o
  JOIN @erp@.warehouse w ON w.warehouse_id = o.warehouse_id AND w.company_id = ($2->>'company')::integer
  LEFT JOIN LATERAL (SELECT sum(round(x.qty * x.unit_price, 2)) AS total,
                            jsonb_agg(jsonb_build_object('item', x.item_id::text, 'qty', x.qty, 'unit_price', x.unit_price) ORDER BY x.line_no) AS lines
                       FROM @erp@.sales_order_line x WHERE x.order_id = o.order_id) l ON true
 WHERE $1::text[] IS NULL OR o.order_id = ANY ($1::integer[])
$q$),
('shop', 'stock', true, $q$
SELECT l.warehouse_id || '|' || l.item_id AS key, l.qty_on_hand AS on_hand FROM @erp@.stock_level l WHERE $1::text[] IS NULL
UNION ALL
SELECT k, l.qty_on_hand
  FROM unnest($1::text[]) k
  JOIN @erp@.stock_level l ON l.item_id = split_part(k, '|', 2)::integer AND l.warehouse_id = split_part(k, '|', 1)::integer
$q$);
-- an older one keeps no batches
INSERT INTO oms.erp_entity (profile, entity, builtin, needs, query) VALUES
('shop', 'lot', true, '{@erp@.item_batch}', $q$
SELECT b.warehouse_id || '|' || b.item_id AS key, b.batch_no AS lot, b.qty AS on_hand, b.best_before AS expires_on, b.came_at AS received_at
  FROM @erp@.item_batch b WHERE $1::text[] IS NULL
UNION ALL
SELECT k, b.batch_no, b.qty, b.best_before, b.came_at
  FROM unnest($1::text[]) k
  JOIN @erp@.item_batch b ON b.item_id = split_part(k, '|', 2)::integer AND b.warehouse_id = split_part(k, '|', 1)::integer
$q$);

INSERT INTO oms.erp_source (profile, entity, relation, watch, builtin, resolve) VALUES
('shop', 'node', '@erp@.warehouse', '{warehouse_id,company_id,code,name,kind,city,state,pincode,gstin,is_active}', true,
 $q$SELECT i->>'warehouse_id' FROM unnest($1) i$q$),
('shop', 'sku', '@erp@.item', '{item_id,item_code,description,group_id,hsn_code,uom,status,weight_kg,length_cm,width_cm,height_cm,std_cost,fragile,cod_allowed,returnable,cold_chain,surface_only}', true,
 $q$SELECT i->>'item_id' FROM unnest($1) i$q$),
('shop', 'sku', '@erp@.item_group', '{group_id,name}', true,
 $q$SELECT t.item_id::text FROM unnest($1) i JOIN @erp@.item t ON t.group_id = (i->>'group_id')::integer$q$),
('shop', 'tax', '@erp@.tax_rate', '{hsn,valid_from,above_value,percent,description}', true,
 $q$SELECT (i->>'hsn') || '|' || (i->>'valid_from') || '|' || (i->>'above_value') FROM unnest($1) i$q$),
('shop', 'price', '@erp@.price', '{item_id,valid_from,price}', true,
 $q$SELECT (i->>'item_id') || '|' || (i->>'valid_from') FROM unnest($1) i$q$),
('shop', 'customer', '@erp@.customer', '{customer_id,name,gstin,phone,email,is_active}', true,
 $q$SELECT i->>'customer_id' FROM unnest($1) i$q$),
('shop', 'customer', '@erp@.customer_address', '{customer_id,kind,pincode}', true,
 $q$SELECT i->>'customer_id' FROM unnest($1) i$q$),
('shop', 'address', '@erp@.customer_address', '{address_id,customer_id,kind,line1,line2,city,state,pincode}', true,
 $q$SELECT i->>'address_id' FROM unnest($1) i$q$),
('shop', 'order', '@erp@.sales_order', '{order_id,order_no,order_date,customer_id,warehouse_id,status,customer_ref}', true,
 $q$SELECT i->>'order_id' FROM unnest($1) i$q$),
('shop', 'order', '@erp@.sales_order_line', '{order_id,line_no,item_id,qty,unit_price}', true,
 $q$SELECT i->>'order_id' FROM unnest($1) i$q$),
('shop', 'stock', '@erp@.stock_level', '{item_id,warehouse_id,qty_on_hand}', true,
 $q$SELECT (i->>'warehouse_id') || '|' || (i->>'item_id') FROM unnest($1) i$q$),
('shop', 'lot', '@erp@.item_batch', '{item_id,warehouse_id,batch_no,qty,best_before,came_at}', true,
 $q$SELECT (i->>'warehouse_id') || '|' || (i->>'item_id') FROM unnest($1) i$q$);

INSERT INTO oms.erp_status (profile, entity, erp_value, oms_value, builtin) VALUES
    ('shop', 'node', 'wh', 'warehouse', true), ('shop', 'node', 'shop', 'store', true),
    ('shop', 'uom', 'NOS', 'NOS', true), ('shop', 'uom', 'KG', 'KGS', true),
    ('shop', 'order', 'draft', 'draft', true), ('shop', 'order', 'confirmed', 'confirmed', true), ('shop', 'order', 'shipped', 'shipped', true), ('shop', 'order', 'cancelled', 'cancelled', true);

INSERT INTO oms.erp_call_map (profile, kind, builtin, send_sql, lots_sql, done_sql) VALUES
('shop', 'stock_out', true, $q$
INSERT INTO @erp@.stock_movement (item_id, warehouse_id, qty, reason, document) VALUES ($2::integer, $1::integer, - $3, 'SALE', left($4, 40))
RETURNING movement_id::text
$q$, $q$
WITH l AS (
    SELECT x.lot, x.qty FROM jsonb_to_recordset($6) AS x (lot text, qty numeric)
    UNION ALL SELECT NULL, $3 - sum(x.qty) FROM jsonb_to_recordset($6) AS x (qty numeric) HAVING sum(x.qty) < $3
), m AS (
    INSERT INTO @erp@.stock_movement (item_id, warehouse_id, qty, reason, document, batch_no)
    SELECT $2::integer, $1::integer, - l.qty, 'SALE', left($4, 40), l.lot FROM l
    RETURNING movement_id
)
SELECT max(movement_id)::text FROM m
$q$, $q$SELECT m.movement_id::text, true FROM @erp@.stock_movement m WHERE m.movement_id = ANY ($1::bigint[])$q$),
('shop', 'stock_in', true, $q$
INSERT INTO @erp@.stock_movement (item_id, warehouse_id, qty, reason, document) VALUES ($2::integer, $1::integer, $3, 'RETURN', left($4, 40))
RETURNING movement_id::text
$q$, NULL, $q$SELECT m.movement_id::text, true FROM @erp@.stock_movement m WHERE m.movement_id = ANY ($1::bigint[])$q$);
