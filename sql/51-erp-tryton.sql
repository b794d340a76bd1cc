-- erp profile 'tryton': Tryton 6.0 (modules sale, stock, product, party,
-- account).  What its rows mean, and why: doc/erp.md.

INSERT INTO oms.erp_profile (profile, title, params, builtin, version, erp_from, erp_to, probe, company_query) VALUES ('tryton', 'Tryton 6.0',
'{"demand": "confirmed", "price_includes_tax": true, "hsn": "^HSN ([0-9]{4,8})", "user": "oms"}', true, '1', '6.0', '6.0',
-- the schema holds no number: known by columns that came with 6.0 and went later
$q$
SELECT '6.0' WHERE (SELECT count(*) FROM pg_attribute a WHERE a.attnum > 0 AND NOT a.attisdropped
                     AND (a.attrelid, a.attname) IN ((to_regclass('@erp@.stock_move'), 'uom'), (to_regclass('@erp@.party_address'), 'postal_code'))) = 2
$q$, $q$
SELECT c.id::text AS key, p.code, p.name, u.code AS currency, c.timezone, s.code AS state
  FROM @erp@.company_company c
  JOIN @erp@.party_party p ON p.id = c.party
  JOIN @erp@.currency_currency u ON u.id = c.currency
  LEFT JOIN LATERAL (SELECT b.code FROM @erp@.party_address a JOIN @erp@.country_subdivision b ON b.id = a.subdivision
                      WHERE a.party = c.party ORDER BY a.sequence NULLS FIRST, a.id LIMIT 1) s ON true
 WHERE $1->>'company' IS NULL OR c.id = ($1->>'company')::integer
 ORDER BY c.id
$q$);

INSERT INTO oms.erp_param (profile, name, type, allowed, meaning, builtin) VALUES
('tryton', 'company', 'integer', NULL, 'id of the company (company_company); without: the first', true),
('tryton', 'demand', 'text', '{confirmed,assigned,done}', 'what Tryton has sold already and the count leaves out: confirmed (assigned moves and those of open shipments), assigned, or done (nothing)', true),
('tryton', 'price_includes_tax', 'boolean', NULL, 'list prices contain GST (MRP)', true),
('tryton', 'hsn', 'text', NULL, 'pattern that finds the HSN in the name of an accounting category, in parentheses', true),
('tryton', 'user', 'text', NULL, 'login that bookings are made as; without: admin', true),
('tryton', 'documents_from', 'date', NULL, 'orders, shipments and returns before this day are left out; without: none', true);

INSERT INTO oms.erp_entity (profile, entity, daily, builtin, query) VALUES
('tryton', 'node', false, true, $q$
SELECT w.id::text AS key, w.code, w.name, 'warehouse' AS kind, a.street AS address, a.city, a.postal_code AS pincode, s.code AS state, true AS active,
       (SELECT min(d.code) FROM @erp@.company_company c JOIN @erp@.party_identifier d ON d.party = c.party
          JOIN oms.gst_state g ON 'IN-' || g.iso = s.code
         WHERE c.id = ($2->>'company')::integer AND d.code ~ '^[0-9]{2}[A-Z]{5}[0-9]{4}[A-Z][0-9A-Z]Z[0-9A-Z]$' AND left(d.code, 2) = g.state_code) AS gstin
  FROM @erp@.stock_location w
  LEFT JOIN @erp@.party_address a ON a.id = w.address
  LEFT JOIN @erp@.country_subdivision s ON s.id = a.subdivision
 WHERE w.type = 'warehouse' AND w.active IS NOT FALSE
   AND ($1::text[] IS NULL OR w.id = ANY ($1::integer[]))
$q$),
-- Codes are unique among active products only, so only those are items.
('tryton', 'sku', false, true, $q$
SELECT p.id::text AS key, p.code, t.name || coalesce(' ' || ltrim(p.suffix_code, '-'), '') AS name,
       (SELECT min(c.name) FROM @erp@."product_template-product_category" tc JOIN @erp@.product_category c ON c.id = tc.category
         WHERE tc.template = t.id) AS category,
       t.account_category::text AS tax_code,
       (SELECT substring(c.name FROM $2->>'hsn') FROM @erp@.product_category c WHERE c.id = t.account_category) AS hsn,
       coalesce((SELECT v.oms_value FROM oms.erp_status v WHERE v.profile = $2->>'profile' AND v.entity = 'uom' AND v.erp_value = u.symbol), 'NOS') AS uom,
       cp.cost_price AS cost
  FROM @erp@.product_product p
  JOIN @erp@.product_template t ON t.id = p.template
  JOIN @erp@.product_uom u ON u.id = t.default_uom
  LEFT JOIN LATERAL (SELECT x.cost_price FROM @erp@.product_cost_price x
                      WHERE x.product = p.id AND (x.company = ($2->>'company')::integer OR x.company IS NULL)
                      ORDER BY x.company NULLS LAST, x.id LIMIT 1) cp ON true
 WHERE t.type = 'goods' AND t.salable AND t.active IS NOT FALSE AND p.active IS NOT FALSE
   AND ($1::text[] IS NULL OR p.id = ANY ($1::integer[]))
$q$),
-- One rate an accounting category: the sum of its customer taxes in force
-- today, those of type none opened into their children (CGST and SGST).  What
-- is a fixed amount is no GST rate; the description says that it is left out.
('tryton', 'tax', true, true, $q$
WITH RECURSIVE origin (category, at) AS (
    SELECT c.id, c.id FROM @erp@.product_category c
     WHERE c.accounting AND ($1::text[] IS NULL OR c.id = ANY ($1::integer[]))
    UNION
    SELECT o.category, c.parent FROM origin o JOIN @erp@.product_category c ON c.id = o.at WHERE c.taxes_parent AND c.parent IS NOT NULL
), leaf (category, tax, type, rate) AS (
    SELECT o.category, t.id, t.type, t.rate
      FROM origin o JOIN @erp@.product_category c ON c.id = o.at AND c.taxes_parent IS NOT TRUE
      JOIN @erp@.product_category_customer_taxes_rel r ON r.category = o.at JOIN @erp@.account_tax t ON t.id = r.tax
     WHERE t.company = ($2->>'company')::integer AND t.active IS NOT FALSE
       AND (t.start_date IS NULL OR t.start_date <= current_date) AND (t.end_date IS NULL OR t.end_date >= current_date)
    UNION
    SELECT l.category, t.id, t.type, t.rate FROM leaf l JOIN @erp@.account_tax t ON t.parent = l.tax
     WHERE t.active IS NOT FALSE
       AND (t.start_date IS NULL OR t.start_date <= current_date) AND (t.end_date IS NULL OR t.end_date >= current_date)
)
SELECT l.category::text AS key, l.category::text AS code, sum(CASE WHEN l.type = 'percentage' THEN l.rate * 100 ELSE 0 END) AS rate,
       (SELECT c.name FROM @erp@.product_category c WHERE c.id = l.category)
           || CASE WHEN bool_or(l.type = 'fixed') THEN ' (without what is not a percentage)' ELSE '' END AS description
  FROM leaf l GROUP BY l.category
$q$),
-- The list price, and what price lists (module product_price_list) make of
-- it: of an item's lines the first in order that is for at most the quantity
-- counts, so each quantity of a line is a step.  Formulas are Python; those of
-- one name or number and an operation with another number are worked out, an
-- item with any other has no price of the list, and that is told.
('tryton', 'price', false, true, $q$
SELECT p.id::text AS key, p.id::text AS item, x.list_price AS amount, ($2->>'price_includes_tax')::boolean AS includes_tax,
       NULL::text AS price_list, NULL::numeric AS min_qty, NULL::text AS problem
  FROM @erp@.product_product p
  JOIN LATERAL (SELECT l.list_price FROM @erp@.product_list_price l
                 WHERE l.template = p.template AND (l.company = ($2->>'company')::integer OR l.company IS NULL)
                 ORDER BY l.company NULLS LAST, l.id LIMIT 1) x ON x.list_price IS NOT NULL
 WHERE $1::text[] IS NULL OR p.id = ANY (ARRAY(SELECT k::integer FROM unnest($1::text[]) k WHERE strpos(k, '|') = 0))
UNION ALL
SELECT y->>'key', y->>'item', (y->>'amount')::numeric, (y->>'includes_tax')::boolean, y->>'price_list', (y->>'min_qty')::numeric, y->>'problem'
  FROM oms.erp_optional('@erp@.product_price_list_line', $o$
WITH RECURSIVE asked AS MATERIALIZED (
    SELECT DISTINCT split_part(k, '|', 1)::integer AS list, split_part(k, '|', 2)::integer AS product FROM unnest($1::text[]) k WHERE strpos(k, '|') > 0
), goods AS MATERIALIZED (
    SELECT p.id, p.template, x.list_price, cp.cost_price
      FROM @erp@.product_product p
      JOIN LATERAL (SELECT l.list_price FROM @erp@.product_list_price l
                     WHERE l.template = p.template AND (l.company = ($2->>'company')::integer OR l.company IS NULL)
                     ORDER BY l.company NULLS LAST, l.id LIMIT 1) x ON x.list_price IS NOT NULL
      LEFT JOIN LATERAL (SELECT c.cost_price FROM @erp@.product_cost_price c
                          WHERE c.product = p.id AND (c.company = ($2->>'company')::integer OR c.company IS NULL)
                          ORDER BY c.company NULLS LAST, c.id LIMIT 1) cp ON true
     WHERE $1 IS NULL OR p.id IN (SELECT a.product FROM asked a)
), direct AS (
    SELECT g.id AS product, c.category FROM goods g JOIN @erp@."product_template-product_category" c ON c.template = g.template
    UNION SELECT g.id, t.account_category FROM goods g JOIN @erp@.product_template t ON t.id = g.template WHERE t.account_category IS NOT NULL
), category AS (
    SELECT d.product, d.category FROM direct d
    UNION SELECT c.product, k.parent FROM category c JOIN @erp@.product_category k ON k.id = c.category WHERE k.parent IS NOT NULL
), line AS MATERIALIZED (
    SELECT l.price_list, l.tax_included, g.id AS product, g.list_price, g.cost_price, l.quantity, l.formula, l.place
      FROM (SELECT l.price_list, h.tax_included, l.product, l.category, trim_scale(coalesce(l.quantity, 0)::numeric) AS quantity, l.formula,
                   row_number() OVER (PARTITION BY l.price_list ORDER BY l.sequence NULLS FIRST, l.id) AS place
              FROM @erp@.product_price_list h JOIN @erp@.product_price_list_line l ON l.price_list = h.id
             WHERE h.company = ($2->>'company')::integer AND h.active IS NOT FALSE) l
      JOIN goods g ON (l.product IS NULL OR l.product = g.id)
     WHERE (l.category IS NULL OR EXISTS (SELECT FROM category c WHERE c.product = g.id AND c.category = l.category))
       AND ($1 IS NULL OR (l.price_list, g.id) IN (SELECT a.list, a.product FROM asked a))
), step AS (
    SELECT DISTINCT ON (s.price_list, s.product, s.quantity) s.price_list, s.product, s.quantity, l.tax_included, l.formula, l.list_price, l.cost_price
      FROM line s JOIN line l ON l.price_list = s.price_list AND l.product = s.product AND l.quantity <= s.quantity
     ORDER BY s.price_list, s.product, s.quantity, l.place
), value AS (
    SELECT s.*, CASE m[3] WHEN '*' THEN v.of * v.by WHEN '/' THEN v.of / nullif(v.by, 0) WHEN '+' THEN v.of + v.by WHEN '-' THEN v.of - v.by ELSE v.of END AS amount
      FROM step s
      LEFT JOIN LATERAL regexp_match(regexp_replace(regexp_replace(s.formula, '\s', '', 'g'), 'Decimal\([''"]([0-9.]+)[''"]\)', '\1', 'g'),
               '^(?:([0-9]+(?:\.[0-9]+)?)\*)?(unit_price|list_price|cost_price|[0-9]+(?:\.[0-9]+)?)(?:([*/+-])(?:([0-9]+(?:\.[0-9]+)?)|\(1([+-])([0-9]+(?:\.[0-9]+)?)\)))?$') AS m ON true
      LEFT JOIN LATERAL (SELECT coalesce(m[1]::numeric, 1) * CASE m[2] WHEN 'unit_price' THEN s.list_price WHEN 'list_price' THEN s.list_price
                                                                  WHEN 'cost_price' THEN coalesce(s.cost_price, 0) ELSE m[2]::numeric END AS of,
                                coalesce(m[4]::numeric, CASE m[5] WHEN '-' THEN 1 - m[6]::numeric ELSE 1 + m[6]::numeric END) AS by) AS v ON true
), told AS (
    SELECT v.*, min(v.formula) FILTER (WHERE v.amount IS NULL) OVER (PARTITION BY v.price_list, v.product) AS untold,
           row_number() OVER (PARTITION BY v.price_list, v.product ORDER BY v.quantity) AS n
      FROM value v
)
SELECT t.price_list || '|' || t.product || '|' || CASE WHEN t.untold IS NULL THEN t.quantity::text ELSE '0' END AS key, t.product::text AS item,
       CASE WHEN t.untold IS NULL THEN round(t.amount, 4) END AS amount, ($2->>'price_includes_tax')::boolean OR t.tax_included IS TRUE AS includes_tax,
       t.price_list::text AS price_list, CASE WHEN t.untold IS NULL THEN t.quantity END AS min_qty,
       'Formula "' || t.untold || '" of price list ' || t.price_list || ', item ' || t.product || '.' AS problem
  FROM told t WHERE t.untold IS NULL OR t.n = 1$o$, $1, $2) AS y
$q$),
('tryton', 'customer', false, true, $q$
SELECT p.id::text AS key, p.name, m.phone, m.email, i.code AS gstin, a.postal_code AS pincode
  FROM @erp@.party_party p
  LEFT JOIN LATERAL (SELECT (array_agg(c.value ORDER BY c.type, c.sequence NULLS FIRST, c.id) FILTER (WHERE c.type IN ('mobile', 'phone')))[1] AS phone,
                            (array_agg(c.value ORDER BY c.sequence NULLS FIRST, c.id) FILTER (WHERE c.type = 'email'))[1] AS email
                       FROM @erp@.party_contact_mechanism c WHERE c.party = p.id AND c.active IS NOT FALSE) m ON true
  LEFT JOIN LATERAL (SELECT d.code FROM @erp@.party_identifier d WHERE d.party = p.id AND d.code ~ '^[0-9]{2}[A-Z]{5}[0-9]{4}[A-Z][0-9A-Z]Z[0-9A-Z]$' ORDER BY d.sequence NULLS FIRST, d.id LIMIT 1) i ON true
  LEFT JOIN LATERAL (SELECT b.postal_code FROM @erp@.party_address b WHERE b.party = p.id AND b.active IS NOT FALSE
                      ORDER BY b.delivery DESC NULLS LAST, b.sequence NULLS FIRST, b.id LIMIT 1) a ON true
 WHERE p.active IS NOT FALSE AND NOT EXISTS (SELECT FROM @erp@.company_company c WHERE c.party = p.id)
   AND ($1::text[] IS NULL OR p.id = ANY ($1::integer[]))
$q$),
-- What stands below a warehouse's storage location, less what Tryton has
-- sold already: moves out of it that are assigned, and (demand: confirmed)
-- those of shipments not assigned yet.  A done move counts from its date on.
('tryton', 'stock', true, true, $q$
WITH w AS MATERIALIZED (
    SELECT h.id, s."left", s."right" FROM @erp@.stock_location h JOIN @erp@.stock_location s ON s.id = h.storage_location WHERE h.type = 'warehouse'
), m AS (
    SELECT * FROM @erp@.stock_move WHERE $1::text[] IS NULL
    UNION ALL
    SELECT x.* FROM (SELECT DISTINCT split_part(k, '|', 2)::integer AS product FROM unnest($1::text[]) k) i
      JOIN @erp@.stock_move x ON x.product = i.product
)
SELECT w.id || '|' || m.product AS key,
       sum(CASE WHEN w.id = tw.id THEN m.internal_quantity ELSE - m.internal_quantity END)::numeric AS on_hand
  FROM m
  JOIN @erp@.stock_location f ON f.id = m.from_location
  JOIN @erp@.stock_location t ON t.id = m.to_location
  LEFT JOIN w AS fw ON f."left" BETWEEN fw."left" AND fw."right"
  LEFT JOIN w AS tw ON t."left" BETWEEN tw."left" AND tw."right"
  JOIN w ON w.id IN (fw.id, tw.id)
 WHERE fw.id IS DISTINCT FROM tw.id AND m.company = ($2->>'company')::integer
   AND (m.state = 'done' AND coalesce(m.effective_date, m.planned_date) <=
            (now() AT TIME ZONE coalesce((SELECT c.timezone FROM @erp@.company_company c WHERE c.id = ($2->>'company')::integer), 'UTC'))::date
        OR w.id = fw.id AND m.state = 'assigned' AND $2->>'demand' <> 'done'
        OR w.id = fw.id AND m.state = 'draft' AND m.shipment LIKE 'stock.shipment.out,%' AND $2->>'demand' = 'confirmed')
 GROUP BY w.id, m.product
$q$);

-- Module stock_lot, if there; stock_lot_sled knows when lots end.  The same
-- moves as the count, as far as they name a lot; the newest lot of an item
-- stays at zero, so that it remains one of lots.
INSERT INTO oms.erp_entity (profile, entity, daily, builtin, needs, query) VALUES
('tryton', 'lot', true, true, '{@erp@.stock_lot}', $q$
WITH w AS MATERIALIZED (
    SELECT h.id, s."left", s."right" FROM @erp@.stock_location h JOIN @erp@.stock_location s ON s.id = h.storage_location WHERE h.type = 'warehouse'
), m AS (
    SELECT * FROM @erp@.stock_move WHERE $1::text[] IS NULL AND lot IS NOT NULL
    UNION ALL
    SELECT x.* FROM (SELECT DISTINCT split_part(k, '|', 2)::integer AS product FROM unnest($1::text[]) k) i
      JOIN @erp@.stock_move x ON x.product = i.product AND x.lot IS NOT NULL
), q AS (
    SELECT w.id AS warehouse, m.product, m.lot, max(m.lot) OVER (PARTITION BY w.id, m.product) AS newest,
           sum(CASE WHEN w.id = tw.id THEN m.internal_quantity ELSE - m.internal_quantity END)::numeric AS on_hand,
           min(coalesce(m.effective_date, m.planned_date)) FILTER (WHERE w.id = tw.id) AS received_at
      FROM m
      JOIN @erp@.stock_location f ON f.id = m.from_location
      JOIN @erp@.stock_location t ON t.id = m.to_location
      LEFT JOIN w AS fw ON f."left" BETWEEN fw."left" AND fw."right"
      LEFT JOIN w AS tw ON t."left" BETWEEN tw."left" AND tw."right"
      JOIN w ON w.id IN (fw.id, tw.id)
     WHERE fw.id IS DISTINCT FROM tw.id AND m.company = ($2->>'company')::integer
       AND (m.state = 'done' AND coalesce(m.effective_date, m.planned_date) <=
                (now() AT TIME ZONE coalesce((SELECT c.timezone FROM @erp@.company_company c WHERE c.id = ($2->>'company')::integer), 'UTC'))::date
            OR w.id = fw.id AND m.state = 'assigned' AND $2->>'demand' <> 'done'
            OR w.id = fw.id AND m.state = 'draft' AND m.shipment LIKE 'stock.shipment.out,%' AND $2->>'demand' = 'confirmed')
     GROUP BY w.id, m.product, m.lot
)
SELECT q.warehouse || '|' || q.product AS key, l.number AS lot, q.on_hand, q.received_at,
       least((j->>'shelf_life_expiration_date')::date, (j->>'expiration_date')::date) AS expires_on
  FROM q JOIN @erp@.stock_lot l ON l.id = q.lot CROSS JOIN LATERAL to_jsonb(l) AS j
 WHERE q.on_hand > 0 OR q.lot = q.newest
$q$);

INSERT INTO oms.erp_source (profile, entity, relation, watch, builtin, resolve) VALUES
('tryton', 'node', '@erp@.stock_location', '{id,type,name,code,active,address}', true,
 $q$SELECT i->>'id' FROM unnest($1) i WHERE i->>'type' = 'warehouse'$q$),
('tryton', 'node', '@erp@.party_address', '{id,street,city,postal_code,subdivision}', true,
 $q$SELECT l.id::text FROM unnest($1) i JOIN @erp@.stock_location l ON l.address = (i->>'id')::integer$q$),
('tryton', 'node', '@erp@.party_identifier', '{party,code}', true, NULL),
('tryton', 'sku', '@erp@.product_product', '{id,template,code,suffix_code,active}', true,
 $q$SELECT i->>'id' FROM unnest($1) i$q$),
('tryton', 'sku', '@erp@.product_template', '{id,name,type,default_uom,account_category,active,salable}', true,
 $q$SELECT p.id::text FROM unnest($1) i JOIN @erp@.product_product p ON p.template = (i->>'id')::integer$q$),
('tryton', 'sku', '@erp@."product_template-product_category"', '{template,category}', true,
 $q$SELECT p.id::text FROM unnest($1) i JOIN @erp@.product_product p ON p.template = (i->>'template')::integer$q$),
('tryton', 'sku', '@erp@.product_category', '{id,name}', true,
 $q$SELECT p.id::text FROM unnest($1) i JOIN @erp@."product_template-product_category" tc ON tc.category = (i->>'id')::integer
    JOIN @erp@.product_product p ON p.template = tc.template
    UNION SELECT p.id::text FROM unnest($1) i JOIN @erp@.product_template t ON t.account_category = (i->>'id')::integer
    JOIN @erp@.product_product p ON p.template = t.id$q$),
('tryton', 'sku', '@erp@.product_cost_price', '{product,company,cost_price}', true,
 $q$SELECT i->>'product' FROM unnest($1) i$q$),
('tryton', 'tax', '@erp@.account_tax', '{id,parent,type,rate,active,company,start_date,end_date}', true, NULL),
('tryton', 'tax', '@erp@.product_category', '{accounting,taxes_parent,parent,name}', true, NULL),
('tryton', 'tax', '@erp@.product_category_customer_taxes_rel', '{category,tax}', true, NULL),
('tryton', 'price', '@erp@.product_list_price', '{template,company,list_price}', true,
 $q$WITH p AS (SELECT DISTINCT p.id::text AS id FROM unnest($1) i JOIN @erp@.product_product p ON p.template = (i->>'template')::integer)
    SELECT p.id FROM p UNION ALL SELECT x->>'key' FROM oms.erp_optional('@erp@.product_price_list_line', $o$
SELECT DISTINCT l.price_list || '|' || k || '|' || q AS key
  FROM @erp@.product_price_list_line l, unnest($1) k, unnest(ARRAY['0', trim_scale(coalesce(l.quantity, 0)::numeric)::text]) q$o$, ARRAY(SELECT p.id FROM p), $2) x$q$),
('tryton', 'price', '@erp@.product_product', '{id,template}', true,
 $q$WITH p AS (SELECT DISTINCT i->>'id' AS id FROM unnest($1) i)
    SELECT p.id FROM p UNION ALL SELECT x->>'key' FROM oms.erp_optional('@erp@.product_price_list_line', $o$
SELECT DISTINCT l.price_list || '|' || k || '|' || q AS key
  FROM @erp@.product_price_list_line l, unnest($1) k, unnest(ARRAY['0', trim_scale(coalesce(l.quantity, 0)::numeric)::text]) q$o$, ARRAY(SELECT p.id FROM p), $2) x$q$),
('tryton', 'price', '@erp@."product_template-product_category"', '{template,category}', true,
 $q$WITH p AS (SELECT DISTINCT p.id::text AS id FROM unnest($1) i JOIN @erp@.product_product p ON p.template = (i->>'template')::integer)
    SELECT x->>'key' FROM oms.erp_optional('@erp@.product_price_list_line', $o$
SELECT DISTINCT l.price_list || '|' || k || '|' || q AS key
  FROM @erp@.product_price_list_line l, unnest($1) k, unnest(ARRAY['0', trim_scale(coalesce(l.quantity, 0)::numeric)::text]) q$o$, ARRAY(SELECT p.id FROM p), $2) x$q$),
('tryton', 'price', '@erp@.product_template', '{id,account_category}', true,
 $q$WITH p AS (SELECT DISTINCT p.id::text AS id FROM unnest($1) i JOIN @erp@.product_product p ON p.template = (i->>'id')::integer)
    SELECT x->>'key' FROM oms.erp_optional('@erp@.product_price_list_line', $o$
SELECT DISTINCT l.price_list || '|' || k || '|' || q AS key
  FROM @erp@.product_price_list_line l, unnest($1) k, unnest(ARRAY['0', trim_scale(coalesce(l.quantity, 0)::numeric)::text]) q$o$, ARRAY(SELECT p.id FROM p), $2) x$q$),
('tryton', 'price', '@erp@.product_cost_price', '{product,company,cost_price}', true,
 $q$WITH p AS (SELECT DISTINCT i->>'product' AS id FROM unnest($1) i)
    SELECT x->>'key' FROM oms.erp_optional('@erp@.product_price_list_line', $o$
SELECT DISTINCT l.price_list || '|' || k || '|' || q AS key
  FROM @erp@.product_price_list_line l, unnest($1) k, unnest(ARRAY['0', trim_scale(coalesce(l.quantity, 0)::numeric)::text]) q WHERE EXISTS (SELECT FROM @erp@.product_price_list_line c WHERE c.price_list = l.price_list AND c.formula LIKE '%cost_price%')$o$, ARRAY(SELECT p.id FROM p), $2) x$q$),
('tryton', 'price', '@erp@.product_category', '{parent}', true, NULL),
('tryton', 'price', '@erp@.product_price_list', '{id?,company?,active?,tax_included?}', true, NULL),
('tryton', 'price', '@erp@.product_price_list_line', '{price_list?,product?,category?,quantity?,formula?,sequence?}', true, NULL),
('tryton', 'customer', '@erp@.party_party', '{id,name,active}', true,
 $q$SELECT i->>'id' FROM unnest($1) i$q$),
('tryton', 'customer', '@erp@.party_address', '{party,postal_code,active,delivery,sequence}', true,
 $q$SELECT i->>'party' FROM unnest($1) i$q$),
('tryton', 'customer', '@erp@.party_contact_mechanism', '{party,type,value,active,sequence}', true,
 $q$SELECT i->>'party' FROM unnest($1) i$q$),
('tryton', 'customer', '@erp@.party_identifier', '{party,type,code,sequence}', true,
 $q$SELECT i->>'party' FROM unnest($1) i$q$),
('tryton', 'stock', '@erp@.stock_move', '{product,from_location,to_location,internal_quantity,state,effective_date,planned_date,company,shipment}', true,
 $q$SELECT w.id || '|' || (i->>'product')
      FROM unnest($1) i
     CROSS JOIN LATERAL (VALUES ((i->>'from_location')::integer), ((i->>'to_location')::integer)) d (location)
      JOIN @erp@.stock_location l ON l.id = d.location
      JOIN @erp@.stock_location w ON w.type = 'warehouse'
      JOIN @erp@.stock_location s ON s.id = w.storage_location AND l."left" BETWEEN s."left" AND s."right"
     WHERE i->>'product' IS NOT NULL$q$),
('tryton', 'stock', '@erp@.stock_location', '{parent,storage_location,type}', true, NULL),
('tryton', 'lot', '@erp@.stock_move', '{product,lot,from_location,to_location,internal_quantity,state,effective_date,planned_date,company,shipment}', true,
 $q$SELECT w.id || '|' || (i->>'product')
      FROM unnest($1) i
     CROSS JOIN LATERAL (VALUES ((i->>'from_location')::integer), ((i->>'to_location')::integer)) d (location)
      JOIN @erp@.stock_location l ON l.id = d.location
      JOIN @erp@.stock_location w ON w.type = 'warehouse'
      JOIN @erp@.stock_location s ON s.id = w.storage_location AND l."left" BETWEEN s."left" AND s."right"
     WHERE i->>'product' IS NOT NULL AND i->>'lot' IS NOT NULL$q$),
('tryton', 'lot', '@erp@.stock_lot', '{id,number,product,shelf_life_expiration_date?,expiration_date?}', true,
 $q$SELECT w.id || '|' || (i->>'product') FROM unnest($1) i JOIN @erp@.stock_location w ON w.type = 'warehouse'$q$),
('tryton', 'lot', '@erp@.stock_location', '{parent,storage_location,type}', true, NULL);

INSERT INTO oms.erp_status (profile, entity, erp_value, oms_value, builtin) VALUES
    ('tryton', 'uom', 'u', 'NOS', true), ('tryton', 'uom', 'kg', 'KGS', true), ('tryton', 'uom', 'g', 'GMS', true),
    ('tryton', 'uom', 'l', 'LTR', true), ('tryton', 'uom', 'm', 'MTR', true);

INSERT INTO oms.erp_word (profile, entity, builtin, query) VALUES
('tryton', 'uom', true, 'SELECT u.symbol, count(*) FROM @erp@.product_template t JOIN @erp@.product_uom u ON u.id = t.default_uom GROUP BY 1');

-- Draft moves, one a lot where they are known, and a task in Tryton's own
-- queue that does them with all of Tryton's checks; a trytond-worker must run.
-- The key of the booking is that of its moves.  An assigned move counts like
-- a done one: it is out of the count already.  Tryton's clock is UTC.  Where
-- a quantity has more digits than the stock unit may have (0.485 kg at two),
-- the move is in a smaller unit of the category (485 g).
INSERT INTO oms.erp_call_map (profile, kind, builtin, send_sql, lots_sql, done_sql, refused_sql)
SELECT 'tryton', v.kind, true,
       replace(replace(replace(replace(replace(t.sql, '{lots}', 'SELECT $3 AS qty'), '{column}', ''), '{lot}', ''), '{from}', v.from_sql), '{to}', v.to_sql),
       CASE WHEN v.kind = 'stock_out' THEN replace(replace(replace(replace(replace(t.sql, '{lots}', $q$
    SELECT x.qty, x.lot FROM jsonb_to_recordset($6) AS x (lot text, qty numeric)
    UNION ALL SELECT $3 - sum(x.qty), NULL FROM jsonb_to_recordset($6) AS x (qty numeric) HAVING sum(x.qty) < $3
$q$), '{column}', ', lot'), '{lot}', ', (SELECT max(o.id) FROM @erp@.stock_lot o WHERE o.product = p.id AND btrim(o.number) = l.lot)'), '{from}', v.from_sql), '{to}', v.to_sql) END,
       v.done_sql, $q$
SELECT r, 'Tryton could not do move ' || r || ': see the log of its trytond-worker'
  FROM unnest($1) r CROSS JOIN LATERAL replace(r, ',', ', ') AS list
 WHERE EXISTS (SELECT FROM @erp@.stock_move m WHERE m.id = ANY (string_to_array(r, ',')::integer[]) AND m.state = 'draft')
   AND EXISTS (SELECT FROM @erp@.ir_queue q WHERE q.data LIKE '%"stock.move"%[' || list || ']%'
                AND q.dequeued_at < (now() AT TIME ZONE 'UTC') - interval '2 minutes' AND q.finished_at IS NULL)
   AND NOT EXISTS (SELECT FROM @erp@.ir_queue q WHERE q.data LIKE '%"stock.move"%[' || list || ']%' AND q.dequeued_at IS NULL)
$q$
FROM (VALUES ($q$
WITH u AS (
    SELECT id FROM @erp@.res_user WHERE login IN ($5->>'user', 'admin') ORDER BY login = 'admin' LIMIT 1
), l AS ({lots}), m AS (
    INSERT INTO @erp@.stock_move (company, product, uom, quantity, internal_quantity, unit_price, currency, from_location, to_location,
                                  state, planned_date, create_date, create_uid{column})
    SELECT c.id, p.id, n.id, n.quantity, l.qty, coalesce(x.list_price, 0), c.currency, {from}, {to},
           'draft', (now() AT TIME ZONE coalesce(c.timezone, 'UTC'))::date, now() AT TIME ZONE 'UTC', u.id{lot}
      FROM @erp@.stock_location w, @erp@.company_company c, u, l,
           @erp@.product_product p JOIN @erp@.product_template t ON t.id = p.template
           LEFT JOIN LATERAL (SELECT o.list_price FROM @erp@.product_list_price o WHERE o.template = t.id AND o.company = ($5->>'company')::integer
                               ORDER BY o.id LIMIT 1) x ON true
          CROSS JOIN LATERAL (
               SELECT o.id, round(l.qty * d.factor::numeric / o.factor::numeric, o.digits) AS quantity
                 FROM @erp@.product_uom d JOIN @erp@.product_uom o ON o.category = d.category AND (o.active IS NOT FALSE OR o.id = d.id)
                WHERE d.id = t.default_uom
                ORDER BY round(l.qty * d.factor::numeric / o.factor::numeric, o.digits) <> round(l.qty * d.factor::numeric / o.factor::numeric, 8),
                         o.id <> d.id, o.factor DESC, o.id
                LIMIT 1) n
     WHERE w.id = $1::integer AND p.id = $2::integer AND c.id = ($5->>'company')::integer
    RETURNING id
), a AS (
    SELECT json_agg(m.id ORDER BY m.id) AS ids, string_agg(m.id::text, ',' ORDER BY m.id) AS key FROM m HAVING count(*) > 0
), q AS (
    INSERT INTO @erp@.ir_queue (name, data, enqueued_at, create_date, create_uid)
    SELECT 'default', json_build_object('model', 'stock.move', 'method', 'do', 'user', u.id, 'instances', a.ids,
           'args', json_build_array(), 'kwargs', json_build_object(), 'context', json_build_object('company', ($5->>'company')::integer))::text,
           clock_timestamp() AT TIME ZONE 'UTC', now() AT TIME ZONE 'UTC', 0
      FROM a, u
    RETURNING id
)
SELECT a.key FROM a, q WHERE pg_notify('ir.queue', '') IS NOT NULL AND pg_notify('''ir.queue''', '') IS NOT NULL
$q$)) AS t (sql), (VALUES
('stock_out', 'w.storage_location', '(SELECT min(l.id) FROM @erp@.stock_location l WHERE l.type = ''customer'' AND l.active IS NOT FALSE)', $q$
SELECT r, bool_and(coalesce(m.state IN ('assigned', 'done'), false))
  FROM unnest($1) r CROSS JOIN LATERAL unnest(string_to_array(r, ',')) i LEFT JOIN @erp@.stock_move m ON m.id = i::integer
 GROUP BY r HAVING bool_and(m.state IN ('assigned', 'done')) AND count(m.state) = count(*) OR bool_or(m.state IS NULL OR m.state = 'cancelled')
$q$),
('stock_in', '(SELECT min(l.id) FROM @erp@.stock_location l WHERE l.type = ''customer'' AND l.active IS NOT FALSE)', 'w.storage_location', $q$
SELECT r, m.state = 'done'
  FROM unnest($1) r LEFT JOIN @erp@.stock_move m ON m.id = r::integer
 WHERE m.state IS NULL OR m.state IN ('done', 'cancelled')
$q$)) AS v (kind, from_sql, to_sql, done_sql);
