-- erp profile 'erpnext': ERPNext 14 and 15 (Frappe) on PostgreSQL, with or
-- without India Compliance.  What its rows mean, and why: doc/erp-erpnext.md.
-- Flags are 0 and 1, an empty reference is NULL or ''.

INSERT INTO oms.erp_profile (profile, title, params, erp, probe, erp_from, erp_to, builtin, company_query) VALUES ('erpnext', 'ERPNext 14 and 15 on PostgreSQL',
'{"demand": "confirmed", "nodes": "leaf", "skip": "^Work In Progress", "price_list": "Standard Selling"}', 'erpnext',
$q$SELECT a.app_version FROM @erp@."tabInstalled Application" a WHERE a.app_name = 'erpnext'$q$, '14', '15', true,
$q$
SELECT c.name AS key, coalesce(nullif(c.abbr, ''), c.name) AS code, c.name, c.default_currency AS currency,
       (SELECT z.name FROM @erp@."tabSingles" s JOIN pg_timezone_names z ON z.name = s.value WHERE s.doctype = 'System Settings' AND s.field = 'time_zone' LIMIT 1) AS timezone,
       (SELECT coalesce(nullif(to_jsonb(a)->>'gst_state_number', ''), a.state) FROM @erp@."tabDynamic Link" d JOIN @erp@."tabAddress" a ON a.name = d.parent
         WHERE d.parenttype = 'Address' AND d.link_doctype = 'Company' AND d.link_name = c.name AND coalesce(a.disabled, 0) = 0 ORDER BY a.is_primary_address DESC NULLS LAST, a.name LIMIT 1) AS state
  FROM @erp@."tabCompany" c
 WHERE $1->>'company' IS NULL OR c.name = $1->>'company'
 ORDER BY c.lft, c.name
$q$);

INSERT INTO oms.erp_param (profile, name, type, allowed, meaning, builtin) VALUES
('erpnext', 'company', 'text', NULL, 'name of the company; without: the first of the tree', true),
('erpnext', 'demand', 'text', '{assigned,confirmed,done}', 'what the count leaves out: open sales orders and production (confirmed), stock reservation entries (assigned), nothing (done)', true),
('erpnext', 'nodes', 'text', '{leaf,group}', 'leaf: every warehouse that holds stock is a node; group: those right below the company''s root are, with all below them', true),
('erpnext', 'skip', 'text', NULL, 'regular expression on names of warehouses that sell nothing', true),
('erpnext', 'price_list', 'text', NULL, 'price list whose rates are base prices', true);

WITH part AS (SELECT
-- {place}: warehouses that hold goods for sale, each with its node
$p$place AS MATERIALIZED (
    SELECT w.name AS warehouse, n.name AS node
      FROM @erp@."tabWarehouse" w
      JOIN @erp@."tabWarehouse" n ON CASE WHEN $2->>'nodes' = 'group' THEN n.lft <= w.lft AND n.rgt >= w.rgt AND n.company = w.company AND {top} ELSE n.name = w.name END
     WHERE w.company = $2->>'company' AND coalesce(w.is_group, 0) = 0 AND coalesce(w.disabled, 0) = 0 AND coalesce(n.disabled, 0) = 0 AND {sells}
)$p$ AS place,
$p$EXISTS (SELECT FROM @erp@."tabWarehouse" h WHERE h.name = n.parent_warehouse AND coalesce(h.parent_warehouse, '') = '')$p$ AS top,
$p$coalesce(w.warehouse_type, '') <> 'Transit' AND coalesce((to_jsonb(w)->>'is_rejected_warehouse')::integer, 0) = 0 AND (coalesce($2->>'skip', '') = '' OR w.warehouse_name !~ ($2->>'skip'))$p$ AS sells,
$p$coalesce(i.disabled, 0) = 0 AND coalesce(i.has_variants, 0) = 0 AND coalesce(i.is_fixed_asset, 0) = 0
   AND (coalesce(i.is_stock_item, 0) = 1 OR EXISTS (SELECT FROM @erp@."tabProduct Bundle" b WHERE b.new_item_code = i.name))
   AND (i.end_of_life IS NULL OR i.end_of_life > current_date)$p$ AS goods)
INSERT INTO oms.erp_entity (profile, entity, daily, builtin, needs, query)
SELECT 'erpnext', v.entity, v.daily, true, v.needs::text[], replace(replace(replace(replace(v.query, '{place}', p.place), '{top}', p.top), '{sells}', p.sells), '{goods}', p.goods)
  FROM part AS p, (VALUES
('node', false, '{}', $q$
SELECT w.name AS key, w.warehouse_name AS code, w.warehouse_name AS name,
       (SELECT v.oms_value FROM oms.erp_status v WHERE v.profile = 'erpnext' AND v.entity = 'node' AND v.erp_value = w.warehouse_type) AS kind,
       concat_ws(', ', nullif(coalesce(a.address_line1, w.address_line_1), ''), nullif(coalesce(a.address_line2, w.address_line_2), '')) AS address,
       coalesce(a.city, w.city) AS city, substring(replace(coalesce(a.pincode, w.pin), ' ', '') FROM '^[1-9][0-9]{5}$') AS pincode,
       CASE WHEN coalesce(nullif(a.country, ''), 'India') = 'India' THEN coalesce(nullif(to_jsonb(a)->>'gst_state_number', ''), a.state, w.state) END AS state, nullif(upper(to_jsonb(a)->>'gstin'), '') AS gstin, true AS active
  FROM @erp@."tabWarehouse" w
  LEFT JOIN LATERAL (SELECT x.* FROM @erp@."tabDynamic Link" d JOIN @erp@."tabAddress" x ON x.name = d.parent
                      WHERE d.parenttype = 'Address' AND (d.link_doctype = 'Warehouse' AND d.link_name = w.name OR d.link_doctype = 'Company' AND d.link_name = w.company) AND coalesce(x.disabled, 0) = 0
                      ORDER BY d.link_doctype DESC, x.is_primary_address DESC NULLS LAST, x.name LIMIT 1) a ON true
 WHERE w.company = $2->>'company' AND coalesce(w.disabled, 0) = 0 AND {sells}
   AND CASE WHEN $2->>'nodes' = 'group' THEN EXISTS (SELECT FROM @erp@."tabWarehouse" n WHERE n.name = w.name AND {top}) ELSE coalesce(w.is_group, 0) = 0 END
   AND ($1::text[] IS NULL OR w.name = ANY ($1))
$q$),
-- The tax template of the item, else of the nearest group above it; of the
-- company, for no tax category, begun, the last to begin.
('sku', true, '{}', $q$
SELECT i.name AS key, i.item_code AS code, i.item_name AS name, i.item_group AS category, substring(regexp_replace(to_jsonb(i)->>'gst_hsn_code', '[ .]', '', 'g') FROM '^[0-9]{4,8}$') AS hsn,
       coalesce((SELECT x.item_tax_template
                   FROM (SELECT 'Item'::text AS doctype, i.name AS name, 2147483647 AS depth
                         UNION ALL
                         SELECT 'Item Group', h.name, h.lft FROM @erp@."tabItem Group" g JOIN @erp@."tabItem Group" h ON h.lft <= g.lft AND h.rgt >= g.rgt WHERE g.name = i.item_group) o
                   JOIN @erp@."tabItem Tax" x ON x.parenttype = o.doctype AND x.parent = o.name AND coalesce(x.tax_category, '') = '' AND (x.valid_from IS NULL OR x.valid_from <= current_date) AND coalesce(x.minimum_net_rate, 0) = 0
                   JOIN @erp@."tabItem Tax Template" t ON t.name = x.item_tax_template AND t.company = $2->>'company' AND coalesce(t.disabled, 0) = 0
                  ORDER BY o.depth DESC, x.valid_from DESC NULLS LAST, x.idx, x.name LIMIT 1),
                CASE WHEN regexp_replace(to_jsonb(i)->>'gst_hsn_code', '[ .]', '', 'g') ~ '^[0-9]{4,8}$' THEN 'hsn' ELSE 'default' END) AS tax_code,
       coalesce((SELECT v.oms_value FROM oms.erp_status v WHERE v.profile = 'erpnext' AND v.entity = 'uom' AND v.erp_value = i.stock_uom), 'OTH') AS uom,
       nullif(i.weight_per_unit, 0) * CASE lower(i.weight_uom) WHEN 'kg' THEN 1000 WHEN 'gram' THEN 1 WHEN 'milligram' THEN 0.001 WHEN 'tonne' THEN 1000000 WHEN 'pound' THEN 453.59237 WHEN 'ounce' THEN 28.349523 END AS weight_g,
       nullif(greatest(i.valuation_rate, 0), 0) AS cost, coalesce(i.is_stock_item, 0) = 1 AS tracked, true AS active
  FROM @erp@."tabItem" i
 WHERE {goods} AND ($1::text[] IS NULL OR i.name = ANY ($1))
$q$),
-- The rate India Compliance states, else that of the IGST account, else of
-- CGST and SGST together, else the highest of its accounts.
('tax', false, '{}', $q$
SELECT t.name AS key, t.name AS code, t.name AS description,
       coalesce(CASE WHEN to_jsonb(t)->>'gst_treatment' IN ('Nil-Rated', 'Exempted', 'Non-GST') THEN 0 END, nullif((to_jsonb(t)->>'gst_rate')::numeric, 0),
                max(d.tax_rate) FILTER (WHERE d.tax_type ILIKE '%IGST%'),
                max(d.tax_rate) FILTER (WHERE d.tax_type ILIKE '%CGST%') + max(d.tax_rate) FILTER (WHERE d.tax_type ILIKE '%SGST%'), max(d.tax_rate), 0) AS rate
  FROM @erp@."tabItem Tax Template" t LEFT JOIN @erp@."tabItem Tax Template Detail" d ON d.parent = t.name AND d.tax_rate BETWEEN 0 AND 100
 WHERE t.company = $2->>'company' AND coalesce(t.disabled, 0) = 0 AND ($1::text[] IS NULL OR t.name = ANY ($1))
 GROUP BY t.name
UNION ALL
SELECT 'default', 'default', min(s.name), sum(r.rate)
  FROM @erp@."tabSales Taxes and Charges Template" s JOIN @erp@."tabSales Taxes and Charges" r ON r.parent = s.name AND r.parenttype = 'Sales Taxes and Charges Template' AND r.charge_type = 'On Net Total'
 WHERE s.company = $2->>'company' AND s.is_default = 1 AND coalesce(s.disabled, 0) = 0 AND ($1::text[] IS NULL OR 'default' = ANY ($1))
HAVING sum(r.rate) BETWEEN 0 AND 100
$q$),
-- One price a list, item and day; of several the one by the stock unit.
-- Those of the parameter's list are base prices.  Names may contain |: of a
-- key each end may be the item's.
('price', false, '{}', $q$
SELECT DISTINCT ON (p.price_list, p.item_code, p.valid_from)
       CASE WHEN p.price_list = $2->>'price_list' THEN '' ELSE p.price_list || '|' END || p.item_code || '|' || coalesce(to_char(p.valid_from, 'YYYY-MM-DD'), '') AS key,
       p.item_code AS item, p.valid_from, p.valid_upto + 1 AS valid_to, nullif(p.price_list, $2->>'price_list') AS price_list,
       p.price_list_rate / coalesce(nullif(u.conversion_factor, 0), 1) AS amount,
       coalesce((SELECT bool_or(coalesce(r.included_in_print_rate, 0) = 1) FROM @erp@."tabSales Taxes and Charges Template" s JOIN @erp@."tabSales Taxes and Charges" r ON r.parent = s.name AND r.parenttype = 'Sales Taxes and Charges Template'
                  WHERE s.company = $2->>'company' AND s.is_default = 1 AND coalesce(s.disabled, 0) = 0), false) AS includes_tax
  FROM @erp@."tabItem Price" p
  JOIN @erp@."tabPrice List" l ON l.name = p.price_list AND coalesce(l.selling, 0) = 1 AND (coalesce(l.enabled, 0) = 1 OR l.name = $2->>'price_list')
  JOIN @erp@."tabCompany" c ON c.name = $2->>'company' AND c.default_currency = l.currency
  JOIN @erp@."tabItem" i ON i.name = p.item_code AND {goods}
  LEFT JOIN @erp@."tabUOM Conversion Detail" u ON u.parent = p.item_code AND u.parenttype = 'Item' AND u.uom = p.uom AND p.uom <> i.stock_uom
 WHERE coalesce(p.selling, 0) = 1 AND coalesce(p.customer, '') = '' AND coalesce(p.batch_no, '') = '' AND p.price_list_rate >= 0
   AND (coalesce(p.uom, '') IN ('', i.stock_uom) OR u.conversion_factor > 0)
   AND ($1::text[] IS NULL OR p.item_code = ANY (ARRAY(SELECT array_to_string(n[j:], '|') FROM unnest($1) k CROSS JOIN LATERAL string_to_array(regexp_replace(k, '\|[^|]*$', ''), '|') n, generate_subscripts(n, 1) j)))
 ORDER BY p.price_list, p.item_code, p.valid_from, coalesce(p.uom, '') NOT IN ('', i.stock_uom), p.modified DESC, p.name
$q$),
('customer', false, '{}', $q$
SELECT c.name AS key, c.customer_name AS name, c.mobile_no AS phone, c.email_id AS email,
       substring(upper(coalesce(nullif(to_jsonb(c)->>'gstin', ''), c.tax_id)) FROM '^[0-9]{2}[A-Z]{5}[0-9]{4}[A-Z][0-9A-Z]Z[0-9A-Z]$') AS gstin,
       substring(replace(a.pincode, ' ', '') FROM '^[1-9][0-9]{5}$') AS pincode
  FROM @erp@."tabCustomer" c
  LEFT JOIN LATERAL (SELECT x.pincode FROM @erp@."tabDynamic Link" d JOIN @erp@."tabAddress" x ON x.name = d.parent
                      WHERE d.parenttype = 'Address' AND d.link_doctype = 'Customer' AND d.link_name = c.name AND coalesce(x.disabled, 0) = 0
                      ORDER BY x.is_shipping_address DESC NULLS LAST, x.is_primary_address DESC NULLS LAST, x.name LIMIT 1) a ON true
 WHERE coalesce(c.disabled, 0) = 0 AND ($1::text[] IS NULL OR c.name = ANY ($1))
$q$),
('stock', false, '{}', $q$
WITH {place}, b AS (
    SELECT x.item_code, x.warehouse, x.actual_qty, to_jsonb(x) AS j FROM @erp@."tabBin" x WHERE $1::text[] IS NULL
    UNION ALL
    SELECT x.item_code, x.warehouse, x.actual_qty, to_jsonb(x)
      FROM (SELECT DISTINCT substr(k, strpos(k, '|') + 1) AS item FROM unnest($1::text[]) k) i JOIN @erp@."tabBin" x ON x.item_code = i.item
)
SELECT p.node || '|' || b.item_code AS key,
       sum(coalesce(b.actual_qty, 0) - CASE $2->>'demand' WHEN 'done' THEN 0 WHEN 'assigned' THEN coalesce((b.j->>'reserved_stock')::numeric, 0)
           ELSE greatest(coalesce((b.j->>'reserved_qty')::numeric, 0), 0) + greatest(coalesce((b.j->>'reserved_qty_for_production')::numeric, 0), 0)
              + greatest(coalesce((b.j->>'reserved_qty_for_sub_contract')::numeric, 0), 0) END) AS on_hand
  FROM b JOIN place p ON p.warehouse = b.warehouse
 GROUP BY p.node, b.item_code
$q$),
-- By the ledger until 14, by bundles of batches from 15; both may be there.
('lot', false, '{"@erp@.\"tabBatch\""}', $q$
WITH {place}, item AS MATERIALIZED (
    SELECT DISTINCT substr(k, strpos(k, '|') + 1) AS name FROM unnest($1::text[]) k
), m AS (
    SELECT e.item_code, e.warehouse, e.batch_no, e.actual_qty AS qty FROM @erp@."tabStock Ledger Entry" e
     WHERE coalesce(e.is_cancelled, 0) = 0 AND coalesce(e.batch_no, '') <> '' AND coalesce(to_jsonb(e)->>'serial_and_batch_bundle', '') = ''
       AND ($1::text[] IS NULL OR e.item_code = ANY (ARRAY(SELECT i.name FROM item i)))
    UNION ALL
    SELECT x->>'item_code', x->>'warehouse', x->>'batch_no', (x->>'qty')::numeric
      FROM oms.erp_optional('@erp@."tabSerial and Batch Entry"', $o$
SELECT h.item_code, coalesce(nullif(e.warehouse, ''), h.warehouse) AS warehouse, e.batch_no, e.qty
  FROM @erp@."tabSerial and Batch Entry" e JOIN @erp@."tabSerial and Batch Bundle" h ON h.name = e.parent
 WHERE h.docstatus = 1 AND coalesce(h.is_cancelled, 0) = 0 AND coalesce(e.batch_no, '') <> '' AND ($1 IS NULL OR h.item_code = ANY ($1))$o$,
           CASE WHEN $1::text[] IS NOT NULL THEN ARRAY(SELECT i.name FROM item i) END, $2) AS x
), n AS (
    SELECT p.node, m.item_code, m.batch_no, sum(m.qty) AS qty FROM m JOIN place p ON p.warehouse = m.warehouse GROUP BY 1, 2, 3
)
SELECT n.node || '|' || n.item_code AS key, n.batch_no AS lot, n.qty AS on_hand, b.expiry_date AS expires_on, b.creation AS received_at
  FROM n JOIN @erp@."tabBatch" b ON b.name = n.batch_no AND coalesce(b.disabled, 0) = 0
 WHERE n.qty > 0
$q$)) AS v (entity, daily, needs, query);

INSERT INTO oms.erp_source (profile, entity, relation, watch, builtin, resolve) VALUES
('erpnext', 'node', '@erp@."tabWarehouse"', '{name,warehouse_name,warehouse_type,company,is_group,disabled,parent_warehouse,is_rejected_warehouse?,address_line_1,address_line_2,city,state,pin}', true,
 $q$SELECT i->>'name' FROM unnest($1) i UNION SELECT w.name FROM unnest($1) i JOIN @erp@."tabWarehouse" w ON w.parent_warehouse = i->>'name'$q$),
('erpnext', 'node', '@erp@."tabAddress"', '{name,address_line1,address_line2,city,state,pincode,country,gstin?,gst_state_number?,disabled,is_primary_address}', true,
 $q$SELECT w.name FROM unnest($1) i JOIN @erp@."tabDynamic Link" d ON d.parent = i->>'name' AND d.parenttype = 'Address'
      JOIN @erp@."tabWarehouse" w ON d.link_doctype = 'Warehouse' AND w.name = d.link_name OR d.link_doctype = 'Company' AND w.company = d.link_name$q$),
('erpnext', 'node', '@erp@."tabDynamic Link"', '{parent,parenttype,link_doctype,link_name}', true,
 $q$SELECT w.name FROM unnest($1) i JOIN @erp@."tabWarehouse" w ON i->>'link_doctype' = 'Warehouse' AND w.name = i->>'link_name' OR i->>'link_doctype' = 'Company' AND w.company = i->>'link_name'$q$),
('erpnext', 'sku', '@erp@."tabItem"', '{name,item_code,item_name,item_group,stock_uom,disabled,has_variants,is_fixed_asset,is_stock_item,end_of_life,weight_per_unit,weight_uom,valuation_rate,gst_hsn_code?}', true,
 $q$SELECT i->>'name' FROM unnest($1) i$q$),
('erpnext', 'sku', '@erp@."tabProduct Bundle"', '{name,new_item_code}', true, $q$SELECT i->>'new_item_code' FROM unnest($1) i$q$),
('erpnext', 'sku', '@erp@."tabItem Tax"', '{parent,parenttype,item_tax_template,tax_category,valid_from,minimum_net_rate,idx}', true,
 $q$SELECT i->>'parent' FROM unnest($1) i WHERE i->>'parenttype' = 'Item'
    UNION SELECT t.name FROM unnest($1) i JOIN @erp@."tabItem Group" h ON h.name = i->>'parent' JOIN @erp@."tabItem Group" g ON g.lft BETWEEN h.lft AND h.rgt
      JOIN @erp@."tabItem" t ON t.item_group = g.name WHERE i->>'parenttype' = 'Item Group'$q$),
('erpnext', 'sku', '@erp@."tabItem Group"', '{name,lft,rgt}', true, NULL),
('erpnext', 'sku', '@erp@."tabItem Tax Template"', '{name,company,disabled}', true, NULL),
('erpnext', 'tax', '@erp@."tabItem Tax Template"', '{name,company,disabled,gst_rate?,gst_treatment?}', true, $q$SELECT i->>'name' FROM unnest($1) i$q$),
('erpnext', 'tax', '@erp@."tabItem Tax Template Detail"', '{parent,tax_type,tax_rate}', true, $q$SELECT i->>'parent' FROM unnest($1) i$q$),
('erpnext', 'tax', '@erp@."tabSales Taxes and Charges Template"', '{name,company,is_default,disabled}', true, $q$SELECT 'default'$q$),
-- rows of orders and invoices are in this table too
('erpnext', 'tax', '@erp@."tabSales Taxes and Charges"', '{parent,parenttype,charge_type,rate}', true,
 $q$SELECT 'default' FROM unnest($1) i WHERE i->>'parenttype' = 'Sales Taxes and Charges Template' LIMIT 1$q$),
('erpnext', 'price', '@erp@."tabItem Price"', '{name,item_code,price_list,uom,price_list_rate,valid_from,valid_upto,selling,customer,batch_no,modified}', true,
 $q$SELECT CASE WHEN i->>'price_list' = $2->>'price_list' THEN '' ELSE (i->>'price_list') || '|' END || (i->>'item_code') || '|' || coalesce(i->>'valid_from', '') FROM unnest($1) i$q$),
('erpnext', 'price', '@erp@."tabItem"', '{name,stock_uom,disabled,has_variants,is_fixed_asset,is_stock_item,end_of_life}', true,
 $q$SELECT CASE WHEN p.price_list = $2->>'price_list' THEN '' ELSE p.price_list || '|' END || p.item_code || '|' || coalesce(to_char(p.valid_from, 'YYYY-MM-DD'), '') FROM unnest($1) i JOIN @erp@."tabItem Price" p ON p.item_code = i->>'name'$q$),
('erpnext', 'price', '@erp@."tabPrice List"', '{name,currency,enabled,selling}', true, NULL),
('erpnext', 'price', '@erp@."tabCompany"', '{name,default_currency}', true, NULL),
('erpnext', 'price', '@erp@."tabProduct Bundle"', '{name,new_item_code}', true,
 $q$SELECT CASE WHEN p.price_list = $2->>'price_list' THEN '' ELSE p.price_list || '|' END || p.item_code || '|' || coalesce(to_char(p.valid_from, 'YYYY-MM-DD'), '') FROM unnest($1) i JOIN @erp@."tabItem Price" p ON p.item_code = i->>'new_item_code'$q$),
('erpnext', 'price', '@erp@."tabUOM Conversion Detail"', '{parent,parenttype,uom,conversion_factor}', true,
 $q$SELECT CASE WHEN p.price_list = $2->>'price_list' THEN '' ELSE p.price_list || '|' END || p.item_code || '|' || coalesce(to_char(p.valid_from, 'YYYY-MM-DD'), '') FROM unnest($1) i JOIN @erp@."tabItem Price" p ON p.item_code = i->>'parent'$q$),
('erpnext', 'price', '@erp@."tabSales Taxes and Charges Template"', '{name,company,is_default,disabled}', true, NULL),
('erpnext', 'price', '@erp@."tabSales Taxes and Charges"', '{parent,parenttype,included_in_print_rate}', true,
 $q$SELECT CASE WHEN p.price_list = $2->>'price_list' THEN '' ELSE p.price_list || '|' END || p.item_code || '|' || coalesce(to_char(p.valid_from, 'YYYY-MM-DD'), '') FROM @erp@."tabItem Price" p WHERE EXISTS (SELECT FROM unnest($1) i WHERE i->>'parenttype' = 'Sales Taxes and Charges Template')$q$),
('erpnext', 'customer', '@erp@."tabCustomer"', '{name,customer_name,mobile_no,email_id,tax_id,gstin?,disabled}', true, $q$SELECT i->>'name' FROM unnest($1) i$q$),
('erpnext', 'customer', '@erp@."tabAddress"', '{name,pincode,disabled,is_primary_address,is_shipping_address}', true,
 $q$SELECT d.link_name FROM unnest($1) i JOIN @erp@."tabDynamic Link" d ON d.parent = i->>'name' AND d.parenttype = 'Address' AND d.link_doctype = 'Customer'$q$),
('erpnext', 'customer', '@erp@."tabDynamic Link"', '{parent,parenttype,link_doctype,link_name}', true,
 $q$SELECT i->>'link_name' FROM unnest($1) i WHERE i->>'link_doctype' = 'Customer'$q$),
('erpnext', 'stock', '@erp@."tabBin"', '{item_code,warehouse,actual_qty,reserved_qty,reserved_qty_for_production,reserved_qty_for_sub_contract,reserved_stock?}', true,
 $q$SELECT n.name || '|' || (i->>'item_code') FROM unnest($1) i JOIN @erp@."tabWarehouse" w ON w.name = i->>'warehouse' JOIN @erp@."tabWarehouse" n ON n.company = w.company AND n.lft <= w.lft AND n.rgt >= w.rgt$q$),
('erpnext', 'stock', '@erp@."tabWarehouse"', '{name,warehouse_name,warehouse_type,company,is_group,disabled,parent_warehouse,lft,rgt,is_rejected_warehouse?}', true, NULL),
('erpnext', 'lot', '@erp@."tabBatch"', '{name,item,expiry_date,disabled,creation}', true,
 $q$SELECT w.name || '|' || (i->>'item') FROM unnest($1) i JOIN @erp@."tabWarehouse" w ON w.company = $2->>'company'$q$),
('erpnext', 'lot', '@erp@."tabStock Ledger Entry"', '{item_code,warehouse,batch_no,actual_qty,is_cancelled,serial_and_batch_bundle?}', true,
 $q$SELECT n.name || '|' || (i->>'item_code') FROM unnest($1) i JOIN @erp@."tabWarehouse" w ON w.name = i->>'warehouse' JOIN @erp@."tabWarehouse" n ON n.company = w.company AND n.lft <= w.lft AND n.rgt >= w.rgt
     WHERE i->>'batch_no' <> ''$q$),
('erpnext', 'lot', '@erp@."tabSerial and Batch Bundle"', '{name?,item_code?,warehouse?,docstatus?,is_cancelled?}', true,
 $q$SELECT w.name || '|' || (i->>'item_code') FROM unnest($1) i JOIN @erp@."tabWarehouse" w ON w.company = $2->>'company'$q$),
('erpnext', 'lot', '@erp@."tabSerial and Batch Entry"', '{parent?,warehouse?,batch_no?,qty?}', true,
 $q$SELECT w.name || '|' || h.item_code FROM unnest($1) i JOIN @erp@."tabSerial and Batch Bundle" h ON h.name = i->>'parent' JOIN @erp@."tabWarehouse" w ON w.company = $2->>'company'$q$),
('erpnext', 'lot', '@erp@."tabWarehouse"', '{name,warehouse_name,warehouse_type,company,is_group,disabled,parent_warehouse,lft,rgt,is_rejected_warehouse?}', true, NULL);

INSERT INTO oms.erp_status (profile, entity, erp_value, oms_value, builtin)
SELECT 'erpnext', 'uom', v.word, v.code, true FROM (VALUES
    ('Nos', 'NOS'), ('Unit', 'UNT'), ('Each', 'NOS'), ('Piece', 'PCS'), ('Pair', 'PRS'), ('Set', 'SET'), ('Box', 'BOX'), ('Bag', 'BAG'), ('Bottle', 'BTL'), ('Can', 'CAN'), ('Carton', 'CTN'), ('Pack', 'PAC'),
    ('Dozen', 'DOZ'), ('Gross', 'GRS'), ('Roll', 'ROL'), ('Tube', 'TUB'), ('Kg', 'KGS'), ('Gram', 'GMS'), ('Quintal', 'QTL'), ('Tonne', 'MTS'), ('Litre', 'LTR'), ('Millilitre', 'MLT'), ('Cubic Meter', 'CBM'),
    ('Meter', 'MTR'), ('Centimeter', 'CMS'), ('Kilometer', 'KME'), ('Yard', 'YDS'), ('Square Meter', 'SQM'), ('Square Foot', 'SQF'), ('Square Yard', 'SQY'),
    ('Inch', 'OTH'), ('Foot', 'OTH'), ('Pound', 'OTH'), ('Ounce', 'OTH'), ('Percent', 'OTH'), ('Hour', 'OTH'), ('Minute', 'OTH'), ('Day', 'OTH')) AS v (word, code);
INSERT INTO oms.erp_word (profile, entity, builtin, query) VALUES
('erpnext', 'uom', true, $q$SELECT i.stock_uom, count(*) FROM @erp@."tabItem" i WHERE coalesce(i.disabled, 0) = 0 AND coalesce(i.has_variants, 0) = 0 AND coalesce(i.is_stock_item, 0) = 1 GROUP BY 1$q$);

-- Documents, kits, lists, suppliers, supply.  Times are those of the system
-- settings, as the company's here.
-- {place}: as for counts, warehouses that hold goods for sale, with their nodes
INSERT INTO oms.erp_entity (profile, entity, builtin, query)
SELECT 'erpnext', v.entity, true, replace(v.query, '{place}', '(' || (SELECT substring(e.query FROM 'place AS MATERIALIZED \(\n(.*?)\n\), b AS \(') FROM oms.erp_entity AS e WHERE e.profile = 'erpnext' AND e.entity = 'stock') || ')')
  FROM (VALUES
('kit', $q$
SELECT b.new_item_code || '|' || r.item_code AS key, b.new_item_code AS kit, r.item_code AS component, sum(r.qty) AS qty
  FROM @erp@."tabProduct Bundle" b
  JOIN @erp@."tabProduct Bundle Item" r ON r.parent = b.name AND r.qty > 0
  JOIN @erp@."tabItem" k ON k.name = b.new_item_code AND coalesce(k.disabled, 0) = 0
  JOIN @erp@."tabItem" c ON c.name = r.item_code AND coalesce(c.is_stock_item, 0) = 1
 WHERE coalesce((to_jsonb(b)->>'disabled')::integer, 0) = 0
   AND ($1::text[] IS NULL OR b.new_item_code || '|' || r.item_code = ANY ($1))
 GROUP BY b.new_item_code, r.item_code
$q$),
('price_list', $q$
SELECT l.name AS key, l.price_list_name AS code, l.price_list_name AS name, l.currency, coalesce(l.enabled, 0) = 1 AS active
  FROM @erp@."tabPrice List" l
 WHERE coalesce(l.selling, 0) = 1 AND l.name <> $2->>'price_list' AND ($1::text[] IS NULL OR l.name = ANY ($1))
$q$),
('address', $q$
SELECT a.name || '|' || d.link_name AS key, d.link_name AS customer, CASE a.address_type WHEN 'Billing' THEN 'billing' ELSE 'shipping' END AS kind, a.address_title AS name, a.phone, a.address_line1 AS address1, a.address_line2 AS address2,
       a.city, CASE WHEN upper(c.code) = 'IN' THEN coalesce(nullif(to_jsonb(a)->>'gst_state_number', ''), a.state) END AS state,
       CASE WHEN upper(coalesce(c.code, 'IN')) = 'IN' THEN substring(replace(a.pincode, ' ', '') FROM '^[1-9][0-9]{5}$') END AS pincode, upper(c.code) AS country, coalesce(a.disabled, 0) = 0 AS active
  FROM @erp@."tabDynamic Link" d
  JOIN @erp@."tabAddress" a ON a.name = d.parent
  JOIN @erp@."tabCustomer" u ON u.name = d.link_name AND coalesce(u.disabled, 0) = 0
  LEFT JOIN @erp@."tabCountry" c ON c.name = a.country
 WHERE d.parenttype = 'Address' AND d.link_doctype = 'Customer'
   AND ($1::text[] IS NULL OR a.name || '|' || d.link_name = ANY ($1))
$q$),
('supplier', $q$
SELECT s.name AS key, s.name AS code, s.supplier_name AS name, substring(upper(coalesce(nullif(to_jsonb(s)->>'gstin', ''), s.tax_id)) FROM '^[0-9]{2}[A-Z]{5}[0-9]{4}[A-Z][0-9A-Z]Z[0-9A-Z]$') AS gstin,
       s.mobile_no AS phone, s.email_id AS email, coalesce(s.disabled, 0) = 0 AS active
  FROM @erp@."tabSupplier" s WHERE $1::text[] IS NULL OR s.name = ANY ($1)
$q$),
-- docstatus 0 is a draft, 1 submitted, 2 cancelled; status says more.
('order', $q$
SELECT o.name AS key, o.name AS number, nullif(o.po_no, '') AS reference, o.customer, o.docstatus || '/' || o.status || CASE WHEN o.per_delivered > 0 AND o.per_delivered < 100 THEN '/part' ELSE '' END AS status, o.transaction_date::timestamp AS ordered_at,
       c.default_currency AS currency, round(o.base_grand_total, 2) AS total,
       (SELECT p.node FROM {place} p WHERE p.warehouse = o.set_warehouse LIMIT 1) AS node,
       (SELECT jsonb_agg(jsonb_build_object('item', l.item_code, 'qty', round(l.stock_qty, 3), 'unit_price', round(l.base_net_amount / nullif(l.stock_qty, 0), 2)) ORDER BY l.idx)
          FROM @erp@."tabSales Order Item" l WHERE l.parent = o.name) AS lines
  FROM @erp@."tabSales Order" o JOIN @erp@."tabCompany" c ON c.name = o.company
 WHERE o.company = $2->>'company' AND ($1::text[] IS NULL OR o.name = ANY ($1))
$q$),
('shipment', $q$
SELECT o.name AS key, o.name AS number, nullif(o.po_no, '') AS reference, o.docstatus || '/' || o.status AS status, nullif(o.transporter_name, '') AS carrier, nullif(o.lr_no, '') AS awb,
       CASE WHEN o.docstatus = 1 THEN o.posting_date + o.posting_time END AS shipped_at,
       (SELECT min(l.against_sales_order) FROM @erp@."tabDelivery Note Item" l WHERE l.parent = o.name) AS "order",
       (SELECT p.node FROM @erp@."tabDelivery Note Item" l JOIN {place} p ON p.warehouse = l.warehouse WHERE l.parent = o.name ORDER BY l.idx LIMIT 1) AS node,
       (SELECT jsonb_agg(jsonb_build_object('item', l.item_code, 'qty', round(l.stock_qty, 3)) ORDER BY l.idx) FROM @erp@."tabDelivery Note Item" l WHERE l.parent = o.name) AS lines
  FROM @erp@."tabDelivery Note" o
 WHERE o.company = $2->>'company' AND coalesce(o.is_return, 0) = 0 AND ($1::text[] IS NULL OR o.name = ANY ($1))
$q$),
('return', $q$
SELECT o.name AS key, o.name AS number, nullif(o.return_against, '') AS reference, o.docstatus || '/' || o.status AS status, CASE WHEN o.docstatus = 1 THEN o.posting_date + o.posting_time END AS received_at,
       (SELECT min(l.against_sales_order) FROM @erp@."tabDelivery Note Item" l WHERE l.parent = o.name) AS "order",
       (SELECT p.node FROM @erp@."tabDelivery Note Item" l JOIN {place} p ON p.warehouse = l.warehouse WHERE l.parent = o.name ORDER BY l.idx LIMIT 1) AS node,
       (SELECT jsonb_agg(jsonb_build_object('item', l.item_code, 'qty', round(abs(l.stock_qty), 3)) ORDER BY l.idx) FROM @erp@."tabDelivery Note Item" l WHERE l.parent = o.name) AS lines
  FROM @erp@."tabDelivery Note" o
 WHERE o.company = $2->>'company' AND o.is_return = 1 AND ($1::text[] IS NULL OR o.name = ANY ($1))
$q$),
('inbound', $q$
SELECT l.name AS key, p.node, l.item_code AS item, greatest(l.stock_qty - coalesce(l.received_qty, 0) * coalesce(nullif(l.conversion_factor, 0), 1), 0) AS qty, l.schedule_date::timestamp AS expected_at, o.name AS document, o.supplier
  FROM @erp@."tabPurchase Order Item" l
  JOIN @erp@."tabPurchase Order" o ON o.name = l.parent AND o.docstatus = 1 AND o.status NOT IN ('Closed', 'Completed', 'Delivered', 'Cancelled')
  JOIN {place} p ON p.warehouse = l.warehouse
 WHERE o.company = $2->>'company' AND l.stock_qty > coalesce(l.received_qty, 0) * coalesce(nullif(l.conversion_factor, 0), 1)
   AND ($1::text[] IS NULL OR l.name = ANY ($1))
$q$)) AS v (entity, query);

INSERT INTO oms.erp_source (profile, entity, relation, watch, builtin, resolve) VALUES
('erpnext', 'kit', '@erp@."tabProduct Bundle"', '{name,new_item_code,disabled?}', true, NULL),
('erpnext', 'kit', '@erp@."tabProduct Bundle Item"', '{parent,item_code,qty}', true, NULL),
('erpnext', 'kit', '@erp@."tabItem"', '{name,disabled,is_stock_item}', true,
 $q$SELECT b.new_item_code || '|' || r.item_code FROM unnest($1) i JOIN @erp@."tabProduct Bundle Item" r ON true JOIN @erp@."tabProduct Bundle" b ON b.name = r.parent WHERE i->>'name' IN (b.new_item_code, r.item_code)$q$),
('erpnext', 'price_list', '@erp@."tabPrice List"', '{name,price_list_name,currency,enabled,selling}', true, $q$SELECT i->>'name' FROM unnest($1) i$q$),
('erpnext', 'address', '@erp@."tabAddress"', '{name,address_type,address_title,phone,address_line1,address_line2,city,state,pincode,country,gst_state_number?,disabled}', true,
 $q$SELECT d.parent || '|' || d.link_name FROM unnest($1) i JOIN @erp@."tabDynamic Link" d ON d.parent = i->>'name' AND d.parenttype = 'Address' AND d.link_doctype = 'Customer'$q$),
('erpnext', 'address', '@erp@."tabDynamic Link"', '{parent,parenttype,link_doctype,link_name}', true,
 $q$SELECT (i->>'parent') || '|' || (i->>'link_name') FROM unnest($1) i WHERE i->>'link_doctype' = 'Customer' AND i->>'parenttype' = 'Address'$q$),
('erpnext', 'address', '@erp@."tabCustomer"', '{name,disabled}', true,
 $q$SELECT d.parent || '|' || d.link_name FROM unnest($1) i JOIN @erp@."tabDynamic Link" d ON d.link_name = i->>'name' AND d.parenttype = 'Address' AND d.link_doctype = 'Customer'$q$),
('erpnext', 'address', '@erp@."tabCountry"', '{name,code}', true, NULL),
('erpnext', 'supplier', '@erp@."tabSupplier"', '{name,supplier_name,tax_id,gstin?,mobile_no,email_id,disabled}', true, $q$SELECT i->>'name' FROM unnest($1) i$q$),
('erpnext', 'order', '@erp@."tabSales Order"', '{name,po_no,customer,docstatus,status,per_delivered,transaction_date,base_grand_total,set_warehouse,company}', true, $q$SELECT i->>'name' FROM unnest($1) i$q$),
('erpnext', 'order', '@erp@."tabSales Order Item"', '{parent,item_code,stock_qty,base_net_amount,idx}', true, $q$SELECT i->>'parent' FROM unnest($1) i$q$),
('erpnext', 'order', '@erp@."tabCompany"', '{name,default_currency}', true, NULL),
('erpnext', 'order', '@erp@."tabWarehouse"', '{name,warehouse_name,warehouse_type,company,is_group,disabled,parent_warehouse,lft,rgt,is_rejected_warehouse?}', true, NULL),
('erpnext', 'shipment', '@erp@."tabDelivery Note"', '{name,po_no,docstatus,status,transporter_name,lr_no,posting_date,posting_time,is_return,company}', true, $q$SELECT i->>'name' FROM unnest($1) i$q$),
('erpnext', 'shipment', '@erp@."tabDelivery Note Item"', '{parent,item_code,stock_qty,against_sales_order,warehouse,idx}', true, $q$SELECT i->>'parent' FROM unnest($1) i$q$),
('erpnext', 'shipment', '@erp@."tabWarehouse"', '{name,warehouse_name,warehouse_type,company,is_group,disabled,parent_warehouse,lft,rgt,is_rejected_warehouse?}', true, NULL),
('erpnext', 'return', '@erp@."tabDelivery Note"', '{name,return_against,docstatus,status,posting_date,posting_time,is_return,company}', true, $q$SELECT i->>'name' FROM unnest($1) i$q$),
('erpnext', 'return', '@erp@."tabDelivery Note Item"', '{parent,item_code,stock_qty,against_sales_order,warehouse,idx}', true, $q$SELECT i->>'parent' FROM unnest($1) i$q$),
('erpnext', 'return', '@erp@."tabWarehouse"', '{name,warehouse_name,warehouse_type,company,is_group,disabled,parent_warehouse,lft,rgt,is_rejected_warehouse?}', true, NULL),
('erpnext', 'inbound', '@erp@."tabPurchase Order"', '{name,docstatus,status,supplier,company}', true,
 $q$SELECT l.name FROM unnest($1) i JOIN @erp@."tabPurchase Order Item" l ON l.parent = i->>'name'$q$),
('erpnext', 'inbound', '@erp@."tabPurchase Order Item"', '{name,parent,item_code,warehouse,stock_qty,received_qty,conversion_factor,schedule_date}', true, $q$SELECT i->>'name' FROM unnest($1) i$q$),
('erpnext', 'inbound', '@erp@."tabWarehouse"', '{name,warehouse_name,warehouse_type,company,is_group,disabled,parent_warehouse,lft,rgt,is_rejected_warehouse?}', true, NULL);

-- docstatus, status, and whether part of it has gone
INSERT INTO oms.erp_status (profile, entity, erp_value, oms_value, builtin)
SELECT 'erpnext', 'order', d.docstatus || '/' || s.status || p.part,
       CASE WHEN d.docstatus = 2 OR s.status = 'Cancelled' THEN 'cancelled' WHEN d.docstatus = 0 OR s.status = 'Draft' THEN 'draft'
            WHEN s.status IN ('To Bill', 'Completed') OR s.status = 'Closed' AND p.part <> '' THEN 'shipped' WHEN s.status = 'Closed' THEN 'cancelled'
            WHEN p.part <> '' THEN 'part_shipped' ELSE 'confirmed' END, true
  FROM generate_series(0, 2) AS d (docstatus), unnest('{Draft,On Hold,To Pay,To Deliver and Bill,To Deliver,To Bill,Completed,Closed,Cancelled}'::text[]) AS s (status), unnest('{"",/part}'::text[]) AS p (part)
UNION ALL
SELECT 'erpnext', e.entity, d.docstatus || '/' || s.status,
       CASE WHEN d.docstatus = 2 OR s.status = 'Cancelled' THEN 'cancelled' WHEN d.docstatus = 0 OR s.status = 'Draft' THEN 'draft' WHEN e.entity = 'return' THEN 'received' ELSE 'shipped' END, true
  FROM unnest('{shipment,return}'::text[]) AS e (entity), generate_series(0, 2) AS d (docstatus), unnest('{Draft,To Bill,Partially Billed,Completed,Return,Return Issued,Closed,Cancelled}'::text[]) AS s (status);
