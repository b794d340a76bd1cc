-- erp profile 'tryton': price lists, addresses, suppliers, sales, shipments,
-- returns, purchases.  Where a module is not there, nor are its entities.

INSERT INTO oms.erp_entity (profile, entity, builtin, needs, query) VALUES
('tryton', 'price_list', true, '{@erp@.product_price_list}', $q$
SELECT h.id::text AS key, h.name AS code, h.name, u.code AS currency, ($2->>'price_includes_tax')::boolean OR h.tax_included IS TRUE AS includes_tax, h.active IS NOT FALSE AS active
  FROM @erp@.product_price_list h
  JOIN @erp@.company_company c ON c.id = h.company
  JOIN @erp@.currency_currency u ON u.id = c.currency
 WHERE h.company = ($2->>'company')::integer AND ($1::text[] IS NULL OR h.id = ANY ($1::integer[]))
$q$),
('tryton', 'address', true, '{}', $q$
SELECT a.id::text AS key, a.party::text AS customer,
       CASE WHEN (to_jsonb(a)->>'delivery')::boolean IS NOT TRUE AND (to_jsonb(a)->>'invoice')::boolean THEN 'billing' ELSE 'shipping' END AS kind,
       a.party_name AS name, split_part(a.street, E'\n', 1) AS address1, nullif(replace(substr(a.street, length(split_part(a.street, E'\n', 1)) + 2), E'\n', ', '), '') AS address2,
       a.city, s.code AS state, a.postal_code AS pincode, k.code AS country, a.active IS NOT FALSE AS active
  FROM @erp@.party_address a
  LEFT JOIN @erp@.country_subdivision s ON s.id = a.subdivision
  LEFT JOIN @erp@.country_country k ON k.id = a.country
 WHERE NOT EXISTS (SELECT FROM @erp@.company_company c WHERE c.party = a.party) AND ($1::text[] IS NULL OR a.id = ANY ($1::integer[]))
$q$),
-- a party from which something was bought, or may be
('tryton', 'supplier', true, '{@erp@.purchase_purchase,@erp@.purchase_product_supplier}', $q$
SELECT p.id::text AS key, p.code, p.name, i.code AS gstin, m.phone, m.email, a.postal_code AS pincode, t.lead_days, p.active IS NOT FALSE AS active
  FROM @erp@.party_party p
  LEFT JOIN LATERAL (SELECT (array_agg(c.value ORDER BY c.type, c.sequence NULLS FIRST, c.id) FILTER (WHERE c.type IN ('mobile', 'phone')))[1] AS phone,
                            (array_agg(c.value ORDER BY c.sequence NULLS FIRST, c.id) FILTER (WHERE c.type = 'email'))[1] AS email
                       FROM @erp@.party_contact_mechanism c WHERE c.party = p.id AND c.active IS NOT FALSE) m ON true
  LEFT JOIN LATERAL (SELECT d.code FROM @erp@.party_identifier d WHERE d.party = p.id AND d.code ~ '^[0-9]{2}[A-Z]{5}[0-9]{4}[A-Z][0-9A-Z]Z[0-9A-Z]$' ORDER BY d.sequence NULLS FIRST, d.id LIMIT 1) i ON true
  LEFT JOIN LATERAL (SELECT b.postal_code FROM @erp@.party_address b WHERE b.party = p.id AND b.active IS NOT FALSE ORDER BY b.sequence NULLS FIRST, b.id LIMIT 1) a ON true
  LEFT JOIN LATERAL (SELECT ceil(extract(epoch FROM min(x.lead_time)) / 86400)::integer AS lead_days FROM @erp@.purchase_product_supplier x
                      WHERE x.party = p.id AND x.active IS NOT FALSE AND (x.company = ($2->>'company')::integer OR x.company IS NULL)) t ON true
 WHERE ($1::text[] IS NULL OR p.id = ANY ($1::integer[]))
   AND (EXISTS (SELECT FROM @erp@.purchase_purchase x WHERE x.party = p.id AND x.company = ($2->>'company')::integer)
        OR EXISTS (SELECT FROM @erp@.purchase_product_supplier x WHERE x.party = p.id AND (x.company = ($2->>'company')::integer OR x.company IS NULL)))
$q$),
('tryton', 'order', true, '{@erp@.sale_sale,@erp@.sale_line}', $q$
SELECT s.id::text AS key, s.number, s.reference, s.party::text AS customer, s.warehouse::text AS node, s.state || '/' || coalesce(s.shipment_state, 'none') AS status,
       s.sale_date AS ordered_at, c.code AS currency, s.total_amount_cache AS total,
       (SELECT jsonb_agg(jsonb_build_object('item', l.product::text, 'qty', oms.erp_units(l.quantity::numeric, u.factor, d.factor),
                                            'unit_price', oms.erp_unit_price(l.unit_price, u.factor, d.factor)) ORDER BY l.sequence NULLS FIRST, l.id)
          FROM @erp@.sale_line l
          JOIN @erp@.product_product p ON p.id = l.product
          JOIN @erp@.product_template t ON t.id = p.template
          JOIN @erp@.product_uom d ON d.id = t.default_uom
          JOIN @erp@.product_uom u ON u.id = coalesce(l.unit, t.default_uom)
         WHERE l.sale = s.id AND l.type = 'line') AS lines
  FROM @erp@.sale_sale s
  JOIN @erp@.currency_currency c ON c.id = s.currency
 WHERE s.company = ($2->>'company')::integer AND ($1::text[] IS NULL OR s.id = ANY ($1::integer[]))
   AND ($2->>'documents_from' IS NULL OR coalesce(s.sale_date, s.create_date::date) >= ($2->>'documents_from')::date)
$q$),
-- What goes to the buyer are the moves to a customer's location; those from
-- storage to the output zone are the picking of the same goods.
('tryton', 'shipment', true, '{@erp@.stock_shipment_out,@erp@.sale_line}', $q$
WITH carrier AS MATERIALIZED (
    SELECT (x->>'id')::integer AS id, x->>'name' AS name
      FROM oms.erp_optional('@erp@.carrier', $o$SELECT c.id, p.name FROM @erp@.carrier c JOIN @erp@.party_party p ON p.id = c.party$o$, NULL, $2) x
)
SELECT h.id::text AS key, h.number, h.reference, o.sale::text AS "order", h.warehouse::text AS node, h.state AS status,
       (SELECT r.name FROM carrier r WHERE r.id = (to_jsonb(h)->>'carrier')::integer) AS carrier, to_jsonb(h)->>'shipping_reference' AS awb,
       CASE WHEN h.state = 'done' THEN h.effective_date END AS shipped_at, g.lines
  FROM @erp@.stock_shipment_out h
  LEFT JOIN LATERAL (SELECT CASE WHEN count(DISTINCT l.sale) = 1 THEN min(l.sale) END AS sale
                       FROM @erp@.stock_move m JOIN @erp@.sale_line l ON l.id = split_part(m.origin, ',', 2)::integer
                      WHERE m.shipment = 'stock.shipment.out,' || h.id AND m.origin LIKE 'sale.line,%') o ON true
  LEFT JOIN LATERAL (SELECT jsonb_agg(jsonb_build_object('item', x.product::text, 'qty', x.qty) ORDER BY x.product) AS lines
                       FROM (SELECT m.product, round(sum(m.internal_quantity)::numeric, 3) AS qty
                               FROM @erp@.stock_move m JOIN @erp@.stock_location t ON t.id = m.to_location
                              WHERE m.shipment = 'stock.shipment.out,' || h.id AND t.type = 'customer' AND m.state <> 'cancelled' GROUP BY m.product) x) g ON true
 WHERE h.company = ($2->>'company')::integer AND ($1::text[] IS NULL OR h.id = ANY ($1::integer[]))
   AND ($2->>'documents_from' IS NULL OR coalesce(h.effective_date, h.planned_date, h.create_date::date) >= ($2->>'documents_from')::date)
$q$),
('tryton', 'return', true, '{@erp@.stock_shipment_out_return,@erp@.sale_line}', $q$
SELECT h.id::text AS key, h.number, h.reference, o.sale::text AS "order", h.warehouse::text AS node, h.state AS status,
       CASE WHEN h.state IN ('received', 'done') THEN h.effective_date END AS received_at, g.lines
  FROM @erp@.stock_shipment_out_return h
  LEFT JOIN LATERAL (SELECT CASE WHEN count(DISTINCT l.sale) = 1 THEN min(l.sale) END AS sale
                       FROM @erp@.stock_move m JOIN @erp@.sale_line l ON l.id = split_part(m.origin, ',', 2)::integer
                      WHERE m.shipment = 'stock.shipment.out.return,' || h.id AND m.origin LIKE 'sale.line,%') o ON true
  LEFT JOIN LATERAL (SELECT jsonb_agg(jsonb_build_object('item', x.product::text, 'qty', x.qty) ORDER BY x.product) AS lines
                       FROM (SELECT m.product, round(sum(m.internal_quantity)::numeric, 3) AS qty
                               FROM @erp@.stock_move m JOIN @erp@.stock_location f ON f.id = m.from_location
                              WHERE m.shipment = 'stock.shipment.out.return,' || h.id AND f.type = 'customer' AND m.state <> 'cancelled' GROUP BY m.product) x) g ON true
 WHERE h.company = ($2->>'company')::integer AND ($1::text[] IS NULL OR h.id = ANY ($1::integer[]))
   AND ($2->>'documents_from' IS NULL OR coalesce(h.effective_date, h.planned_date, h.create_date::date) >= ($2->>'documents_from')::date)
$q$),
-- Moves still to be made from a supplier (or a production) into a warehouse,
-- and from its input zone into its storage: received, not put away.
('tryton', 'inbound', true, '{@erp@.purchase_purchase,@erp@.purchase_line,@erp@.stock_shipment_in}', $q$
WITH w AS MATERIALIZED (
    SELECT h.id, s."left", s."right", i."left" AS in_left, i."right" AS in_right
      FROM @erp@.stock_location h JOIN @erp@.stock_location s ON s.id = h.storage_location JOIN @erp@.stock_location i ON i.id = h.input_location
     WHERE h.type = 'warehouse'
)
SELECT m.id::text AS key, w.id::text AS node, m.product::text AS item, round(m.internal_quantity::numeric, 3) AS qty,
       coalesce(m.planned_date, l.delivery_date_store, u.delivery_date) AS expected_at, coalesce(u.number, h.number) AS document, coalesce(u.party, h.supplier)::text AS supplier
  FROM @erp@.stock_move m
  JOIN @erp@.stock_location f ON f.id = m.from_location
  JOIN @erp@.stock_location t ON t.id = m.to_location
  JOIN w ON t."left" BETWEEN w."left" AND w."right" AND (f.type IN ('supplier', 'production') OR f."left" BETWEEN w.in_left AND w.in_right AND NOT f."left" BETWEEN w."left" AND w."right")
         OR t."left" BETWEEN w.in_left AND w.in_right AND f.type IN ('supplier', 'production')
  LEFT JOIN @erp@.stock_shipment_in h ON h.id = CASE WHEN m.shipment LIKE 'stock.shipment.in,%' THEN split_part(m.shipment, ',', 2)::integer END
  LEFT JOIN @erp@.stock_move o ON o.id = CASE WHEN m.origin LIKE 'stock.move,%' THEN split_part(m.origin, ',', 2)::integer END
  LEFT JOIN @erp@.purchase_line l ON l.id = CASE WHEN m.origin LIKE 'purchase.line,%' THEN split_part(m.origin, ',', 2)::integer
                                                 WHEN o.origin LIKE 'purchase.line,%' THEN split_part(o.origin, ',', 2)::integer END
  LEFT JOIN @erp@.purchase_purchase u ON u.id = l.purchase
 WHERE m.state IN ('draft', 'assigned') AND m.company = ($2->>'company')::integer AND ($1::text[] IS NULL OR m.id = ANY ($1::integer[]))
$q$);

INSERT INTO oms.erp_source (profile, entity, relation, watch, builtin, resolve) VALUES
('tryton', 'price_list', '@erp@.product_price_list', '{id,name,company,tax_included,active}', true,
 $q$SELECT i->>'id' FROM unnest($1) i$q$),
('tryton', 'address', '@erp@.party_address', '{id,party,party_name,street,city,postal_code,subdivision,country,active,delivery?,invoice?}', true,
 $q$SELECT i->>'id' FROM unnest($1) i$q$),
('tryton', 'supplier', '@erp@.party_party', '{id,code,name,active}', true,
 $q$SELECT i->>'id' FROM unnest($1) i$q$),
('tryton', 'supplier', '@erp@.party_contact_mechanism', '{party,type,value,active,sequence}', true,
 $q$SELECT i->>'party' FROM unnest($1) i$q$),
('tryton', 'supplier', '@erp@.party_identifier', '{party,code,sequence}', true,
 $q$SELECT i->>'party' FROM unnest($1) i$q$),
('tryton', 'supplier', '@erp@.party_address', '{party,postal_code,active,sequence}', true,
 $q$SELECT i->>'party' FROM unnest($1) i$q$),
('tryton', 'supplier', '@erp@.purchase_purchase', '{party,company}', true,
 $q$SELECT i->>'party' FROM unnest($1) i$q$),
('tryton', 'supplier', '@erp@.purchase_product_supplier', '{party,company,lead_time,active}', true,
 $q$SELECT i->>'party' FROM unnest($1) i$q$),
('tryton', 'order', '@erp@.sale_sale', '{id,number,reference,party,warehouse,state,shipment_state,sale_date,currency,total_amount_cache,company}', true,
 $q$SELECT i->>'id' FROM unnest($1) i$q$),
('tryton', 'order', '@erp@.sale_line', '{sale,type,product,quantity,unit,unit_price,sequence}', true,
 $q$SELECT i->>'sale' FROM unnest($1) i$q$),
('tryton', 'order', '@erp@.product_uom', '{id,factor}', true, NULL),
('tryton', 'shipment', '@erp@.stock_shipment_out', '{id,number,reference,warehouse,state,effective_date,planned_date,company,carrier?,shipping_reference?}', true,
 $q$SELECT i->>'id' FROM unnest($1) i$q$),
('tryton', 'shipment', '@erp@.stock_move', '{product,to_location,internal_quantity,state,shipment}', true,
 $q$SELECT split_part(i->>'shipment', ',', 2) FROM unnest($1) i WHERE i->>'shipment' LIKE 'stock.shipment.out,%'$q$),
('tryton', 'shipment', '@erp@.party_party', '{id,name}', true,
 $q$SELECT x->>'id' FROM oms.erp_optional('@erp@.carrier', $o$SELECT h.id FROM @erp@.carrier c JOIN @erp@.stock_shipment_out h ON (to_jsonb(h)->>'carrier')::integer = c.id
     WHERE c.party = ANY ($1::integer[])$o$, ARRAY(SELECT i->>'id' FROM unnest($1) i), $2) x$q$),
('tryton', 'return', '@erp@.stock_shipment_out_return', '{id,number,reference,warehouse,state,effective_date,planned_date,company}', true,
 $q$SELECT i->>'id' FROM unnest($1) i$q$),
('tryton', 'return', '@erp@.stock_move', '{product,from_location,internal_quantity,state,shipment}', true,
 $q$SELECT split_part(i->>'shipment', ',', 2) FROM unnest($1) i WHERE i->>'shipment' LIKE 'stock.shipment.out.return,%'$q$),
('tryton', 'inbound', '@erp@.stock_move', '{id,product,from_location,to_location,internal_quantity,state,planned_date,company,shipment}', true,
 $q$SELECT i->>'id' FROM unnest($1) i WHERE i->>'state' IN ('draft', 'assigned')$q$),
('tryton', 'inbound', '@erp@.purchase_line', '{id,delivery_date_store,purchase}', true,
 $q$WITH m AS (SELECT m.id FROM unnest($1) i JOIN @erp@.stock_move m ON m.origin = 'purchase.line,' || (i->>'id'))
    SELECT m.id::text FROM m UNION ALL SELECT n.id::text FROM m JOIN @erp@.stock_move n ON n.origin = 'stock.move,' || m.id$q$),
('tryton', 'inbound', '@erp@.purchase_purchase', '{id,number,party,delivery_date}', true,
 $q$WITH m AS (SELECT m.id FROM unnest($1) i JOIN @erp@.purchase_line l ON l.purchase = (i->>'id')::integer JOIN @erp@.stock_move m ON m.origin = 'purchase.line,' || l.id)
    SELECT m.id::text FROM m UNION ALL SELECT n.id::text FROM m JOIN @erp@.stock_move n ON n.origin = 'stock.move,' || m.id$q$),
('tryton', 'inbound', '@erp@.stock_shipment_in', '{id,number,supplier}', true,
 $q$SELECT m.id::text FROM unnest($1) i JOIN @erp@.stock_move m ON m.shipment = 'stock.shipment.in,' || (i->>'id')$q$),
('tryton', 'inbound', '@erp@.stock_location', '{parent,storage_location,input_location,type}', true, NULL);

-- A sale whose shipments need a decision (exception) is still to be shipped;
-- one with nothing to ship is confirmed until it is done.
INSERT INTO oms.erp_status (profile, entity, erp_value, oms_value, builtin) VALUES
    ('tryton', 'order', 'draft/*', 'draft', true), ('tryton', 'order', 'quotation/*', 'draft', true), ('tryton', 'order', 'confirmed/*', 'confirmed', true),
    ('tryton', 'order', 'processing/none', 'confirmed', true), ('tryton', 'order', 'processing/waiting', 'confirmed', true), ('tryton', 'order', 'processing/exception', 'confirmed', true),
    ('tryton', 'order', 'processing/partially shipped', 'part_shipped', true), ('tryton', 'order', 'processing/sent', 'shipped', true),
    ('tryton', 'order', 'done/*', 'shipped', true), ('tryton', 'order', 'cancelled/*', 'cancelled', true),
    ('tryton', 'shipment', 'draft', 'draft', true), ('tryton', 'shipment', 'waiting', 'waiting', true), ('tryton', 'shipment', 'assigned', 'assigned', true),
    ('tryton', 'shipment', 'picked', 'picked', true), ('tryton', 'shipment', 'packed', 'packed', true), ('tryton', 'shipment', 'done', 'shipped', true),
    ('tryton', 'shipment', 'cancelled', 'cancelled', true),
    ('tryton', 'return', 'draft', 'draft', true), ('tryton', 'return', 'received', 'received', true), ('tryton', 'return', 'done', 'received', true),
    ('tryton', 'return', 'cancelled', 'cancelled', true);
