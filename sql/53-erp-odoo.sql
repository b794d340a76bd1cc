-- erp profile 'odoo': Odoo 16 to 19, community or enterprise.  What its rows
-- mean, and why: doc/erp-odoo.md.  Tables that not every version or module
-- has are read through oms.erp_optional(), columns through to_jsonb(row) or,
-- where there are many rows, by their bare names in a subquery whose outer
-- query has NULLs of these names: the inner one is taken where there is one.

CREATE FUNCTION oms.erp_translated(value jsonb, lang text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT CASE pg_catalog.jsonb_typeof(value)
           WHEN 'object' THEN (SELECT t.value FROM pg_catalog.jsonb_each_text(value) AS t WHERE t.value OPERATOR(pg_catalog.<>) ''
                ORDER BY t.key OPERATOR(pg_catalog.<>) lang, t.key OPERATOR(pg_catalog.<>) 'en_US', t.key COLLATE "C" LIMIT 1)
           ELSE value OPERATOR(pg_catalog.#>>) '{}' END
$$;
COMMENT ON FUNCTION oms.erp_translated(jsonb, text) IS
    'For queries of profiles: a text that an ERP keeps by language, as {"en_US": "Chair"}: in the language asked for, else in en_US, else in any; a plain text as it is.';

INSERT INTO oms.erp_profile (profile, title, params, erp, probe, erp_from, erp_to, builtin, company_query) VALUES ('odoo', 'Odoo 16 to 19',
'{"demand": "assigned", "owners": "all", "lang": "en_US"}', 'odoo',
$q$SELECT regexp_replace(m.latest_version, '^saas[~-]', '') FROM @erp@.ir_module_module m WHERE m.name = 'base'$q$, '16', '19', true,
$q$
SELECT c.id::text AS key, coalesce(nullif(btrim(left(regexp_replace(upper(c.name), '[^A-Z0-9]+', '-', 'g'), 20), '-'), ''), 'ODOO-' || c.id) AS code, c.name, u.name AS currency,
       coalesce((SELECT z.name FROM pg_timezone_names z WHERE z.name = p.tz), CASE WHEN coalesce(k.code, 'IN') = 'IN' THEN 'Asia/Kolkata' ELSE 'UTC' END) AS timezone,
       CASE WHEN k.code = 'IN' THEN coalesce(lpad(to_jsonb(s)->>'l10n_in_tin', 2, '0'), (SELECT g.state_code FROM oms.gst_state g WHERE lower(g.name) = lower(s.name)), s.code) END AS state
  FROM @erp@.res_company c
  JOIN @erp@.res_currency u ON u.id = c.currency_id
  LEFT JOIN @erp@.res_partner p ON p.id = c.partner_id
  LEFT JOIN @erp@.res_country k ON k.id = p.country_id
  LEFT JOIN @erp@.res_country_state s ON s.id = p.state_id
 WHERE CASE WHEN $1->>'company' IS NULL THEN (to_jsonb(c)->>'active')::boolean IS NOT FALSE ELSE c.id = ($1->>'company')::integer END
 ORDER BY EXISTS (SELECT FROM @erp@.stock_warehouse w WHERE w.company_id = c.id AND w.active IS NOT FALSE) DESC, c.id
$q$);

INSERT INTO oms.erp_param (profile, name, type, allowed, meaning, builtin) VALUES
('odoo', 'company', 'integer', NULL, 'id of the res_company; without: the first active one that has a warehouse', true),
('odoo', 'demand', 'text', '{assigned,confirmed,done}', 'what the count leaves out: what is reserved (assigned, Odoo''s free quantity), all open moves out of the warehouse (confirmed), nothing (done, Odoo''s quantity on hand)', true),
('odoo', 'owners', 'text', '{all,own}', 'all: goods of other owners that stand in the warehouse count too, as in Odoo; own: they do not', true),
('odoo', 'lang', 'text', NULL, 'language of names, as en_US; en_US or any other where there is none', true);

-- Pieces of the queries below: {firm} the company and those above it (a
-- branch uses what its parents have), {goods} what is an item, {other} the
-- same of another, {taxes} the sale taxes of each template as one code.
WITH part AS (SELECT
$p$firm (id, depth) AS (
    SELECT ($2->>'company')::integer, 0
    UNION ALL
    SELECT c.parent_id, f.depth + 1 FROM firm f JOIN @erp@.res_company c ON c.id = f.id WHERE c.parent_id IS NOT NULL AND f.depth < 20
)$p$ AS firm,
$p$p.active IS NOT FALSE AND t.active IS NOT FALSE AND t.type IN ('consu', 'product') AND (t.company_id IS NULL OR t.company_id IN (SELECT f.id FROM firm f))$p$ AS goods,
$p$o.active IS NOT FALSE AND ot.active IS NOT FALSE AND ot.type IN ('consu', 'product') AND (ot.company_id IS NULL OR ot.company_id IN (SELECT f.id FROM firm f))$p$ AS other,
    -- the places where goods may be taken from, each with its warehouse
$p$places AS MATERIALIZED (
    SELECT l.id, w.id AS warehouse
      FROM (SELECT DISTINCT location_id FROM q) d
      JOIN @erp@.stock_location l ON l.id = d.location_id AND l.usage = 'internal'
      JOIN @erp@.stock_warehouse w ON w.view_location_id = ANY (string_to_array(btrim(l.parent_path, '/'), '/')::integer[])
     WHERE w.company_id = ($2->>'company')::integer AND w.active IS NOT FALSE
)$p$ AS places,
    -- price_include until 17; from 18 an override, else the company's setting
$p$coalesce(CASE WHEN to_jsonb(l) ? 'price_include_override' THEN coalesce(to_jsonb(l)->>'price_include_override', to_jsonb(c)->>'account_price_include') = 'tax_included' ELSE (to_jsonb(l)->>'price_include')::boolean END, false)$p$ AS included,
$p$taxes AS MATERIALIZED (
    SELECT (x->>'template')::integer AS template, x->>'code' AS code, (x->>'included')::boolean AS included
      FROM oms.erp_optional('@erp@.product_taxes_rel', $o$
WITH RECURSIVE {firm}, tax AS MATERIALIZED (
    SELECT t.id, f.depth, bool_or({included}) AS included
      FROM @erp@.account_tax t JOIN firm f ON f.id = t.company_id
      LEFT JOIN @erp@.account_tax_filiation_rel g ON g.parent_tax = t.id AND t.amount_type = 'group'
      JOIN @erp@.account_tax l ON l.id = coalesce(g.child_tax, t.id) AND (l.active IS NOT FALSE)
      JOIN @erp@.res_company c ON c.id = l.company_id
     WHERE t.active IS NOT FALSE AND t.type_tax_use = 'sale'
     GROUP BY t.id, f.depth
), used AS (
    SELECT r.prod_id, x.id, x.included, x.depth, min(x.depth) OVER (PARTITION BY r.prod_id) AS nearest
      FROM @erp@.product_taxes_rel r JOIN tax x ON x.id = r.tax_id
     WHERE $1 IS NULL OR r.prod_id IN (SELECT p.product_tmpl_id FROM @erp@.product_product p WHERE p.id = ANY ($1::integer[]))
)
SELECT u.prod_id AS template, string_agg(u.id::text, '+' ORDER BY u.id) AS code, bool_or(u.included) AS included
  FROM used u WHERE u.depth = u.nearest GROUP BY u.prod_id$o$, {items}, $2) AS x
)$p$ AS taxes)
INSERT INTO oms.erp_entity (profile, entity, builtin, needs, query)
SELECT 'odoo', v.entity, true, v.needs::text[],
       replace(replace(replace(replace(replace(replace(replace(v.query, '{taxes}', p.taxes), '{items}', CASE v.entity WHEN 'price' THEN '(SELECT w.items FROM want w)' ELSE '$1' END), '{included}', p.included), '{places}', p.places), '{other}', p.other), '{goods}', p.goods), '{firm}', p.firm)
  FROM part AS p, (VALUES
('node', '{}', $q$
SELECT w.id::text AS key, w.code, w.name,
       (SELECT v.oms_value FROM oms.erp_status v WHERE v.profile = 'odoo' AND v.entity = 'node' AND v.erp_value = w.code) AS kind,
       concat_ws(', ', nullif(btrim(a.street), ''), nullif(btrim(a.street2), '')) AS address, a.city,
       CASE WHEN coalesce(k.code, 'IN') = 'IN' THEN substring(replace(a.zip, ' ', '') FROM '^[1-9][0-9]{5}$') END AS pincode,
       CASE WHEN k.code = 'IN' THEN coalesce(lpad(to_jsonb(s)->>'l10n_in_tin', 2, '0'), (SELECT g.state_code FROM oms.gst_state g WHERE lower(g.name) = lower(s.name)), s.code) END AS state,
       substring(upper(replace(a.vat, ' ', '')) FROM '^[0-9]{2}[A-Z]{5}[0-9]{4}[A-Z][0-9A-Z]Z[0-9A-Z]$') AS gstin, true AS active
  FROM @erp@.stock_warehouse w
  JOIN @erp@.res_company c ON c.id = w.company_id
  LEFT JOIN @erp@.res_partner a ON a.id = coalesce(w.partner_id, c.partner_id)
  LEFT JOIN @erp@.res_country k ON k.id = a.country_id
  LEFT JOIN @erp@.res_country_state s ON s.id = a.state_id
 WHERE w.company_id = ($2->>'company')::integer AND w.active IS NOT FALSE
   AND ($1::text[] IS NULL OR w.id = ANY ($1::integer[]))
$q$),
-- Of items with the same code the oldest has it, the others get ~id behind
-- it; one without has its id.
('sku', '{}', $q$
WITH RECURSIVE {firm}, {taxes}, pounds AS (
    SELECT CASE WHEN EXISTS (SELECT FROM @erp@.ir_config_parameter i WHERE i.key = 'product.weight_in_lbs' AND i.value = '1') THEN 453.59237 ELSE 1000 END AS grams
), unit AS MATERIALIZED (
    SELECT u.id, coalesce(substring(to_jsonb(u)->>'l10n_in_code' FROM '^[A-Z]{3}'),
                          (SELECT v.oms_value FROM @erp@.ir_model_data d JOIN oms.erp_status v ON v.profile = 'odoo' AND v.entity = 'uom' AND v.erp_value = d.name
                            WHERE d.model = 'uom.uom' AND d.module = 'uom' AND d.res_id = u.id LIMIT 1), 'OTH') AS code
      FROM @erp@.uom_uom u
), cost AS MATERIALIZED (
    SELECT (x->>'id')::integer AS id, (x->>'cost')::numeric AS cost
      FROM oms.erp_optional('@erp@.ir_property', $o$
SELECT DISTINCT ON (i.res_id) split_part(i.res_id, ',', 2) AS id, i.value_float AS cost
  FROM @erp@.ir_property i
 WHERE i.name = 'standard_price' AND i.res_id LIKE 'product.product,%' AND (i.company_id = ($2->>'company')::integer OR i.company_id IS NULL)
   AND ($1 IS NULL OR i.res_id = ANY (SELECT 'product.product,' || k FROM unnest($1) k))
 ORDER BY i.res_id, i.company_id NULLS LAST, i.id$o$, $1, $2) AS x
)
SELECT p.id::text AS key,
       CASE WHEN coalesce(btrim(p.default_code), '') = '' THEN CASE WHEN EXISTS (SELECT FROM @erp@.product_product o WHERE o.default_code = p.id::text) THEN '~' ELSE '' END || p.id
            ELSE btrim(p.default_code) || CASE WHEN
                 EXISTS (SELECT FROM @erp@.product_product o JOIN @erp@.product_template ot ON ot.id = o.product_tmpl_id
                          WHERE o.default_code = p.default_code AND o.id < p.id AND {other})
              OR p.default_code <> btrim(p.default_code)
                 AND EXISTS (SELECT FROM @erp@.product_product o JOIN @erp@.product_template ot ON ot.id = o.product_tmpl_id
                              WHERE btrim(o.default_code) = btrim(p.default_code) AND o.id <> p.id AND (o.default_code = btrim(o.default_code) OR o.id < p.id) AND {other})
            THEN '~' || p.id ELSE '' END END AS code,
       oms.erp_translated(t.label, $2->>'lang') || coalesce((
           SELECT ' (' || string_agg(oms.erp_translated(to_jsonb(v.name), $2->>'lang'), ', ' ORDER BY (to_jsonb(l)->>'sequence')::integer, l.id, a.id) || ')'
             FROM @erp@.product_variant_combination m
             JOIN @erp@.product_template_attribute_value a ON a.id = m.product_template_attribute_value_id
             JOIN @erp@.product_template_attribute_line l ON l.id = a.attribute_line_id
             JOIN @erp@.product_attribute_value v ON v.id = a.product_attribute_value_id
            WHERE m.product_product_id = p.id
              AND EXISTS (SELECT FROM @erp@.product_template_attribute_value b WHERE b.attribute_line_id = l.id AND b.id <> a.id AND b.ptav_active IS NOT FALSE)), '') AS name,
       g.complete_name AS category,
       substring(regexp_replace(t.hsn, '[ .]', '', 'g') FROM '^[0-9]{4,8}$') AS hsn,
       coalesce(x.code, CASE WHEN t.hsn ~ '^[0-9 .]{4,}$' THEN 'hsn' ELSE 'none' END) AS tax_code,
       u.code AS uom,
       nullif(greatest(p.weight::numeric, 0), 0) * (SELECT grams FROM pounds) AS weight_g,
       (SELECT nullif(c.cost, 0) FROM (SELECT CASE jsonb_typeof(p.own_cost) WHEN 'object' THEN (p.own_cost->>($2->>'company'))::numeric
                     WHEN 'number' THEN (p.own_cost #>> '{}')::numeric ELSE k.cost END AS cost) c WHERE c.cost >= 0) AS cost,
       coalesce(t.storable, false) OR t.type = 'product' AS tracked, true AS active
  FROM (SELECT NULL::boolean AS is_storable, NULL::text AS l10n_in_hsn_code, NULL::text AS hs_code, NULL::jsonb AS standard_price) void
 CROSS JOIN LATERAL (SELECT y.id, y.product_tmpl_id, y.default_code, y.active, y.weight, to_jsonb(standard_price) AS own_cost FROM @erp@.product_product y) p
  JOIN LATERAL (SELECT y.id, y.type, y.active, y.company_id, y.uom_id, y.categ_id, to_jsonb(y.name) AS label, is_storable AS storable, coalesce(nullif(l10n_in_hsn_code, ''), hs_code) AS hsn
                  FROM @erp@.product_template y) t ON t.id = p.product_tmpl_id
  LEFT JOIN unit u ON u.id = t.uom_id
  LEFT JOIN @erp@.product_category g ON g.id = t.categ_id
  LEFT JOIN taxes x ON x.template = t.id
  LEFT JOIN cost k ON k.id = p.id
 WHERE {goods}
   AND ($1::text[] IS NULL OR p.id = ANY ($1::integer[]))
$q$),
-- A code is a tax or, of templates with several, all of them.  Groups are
-- opened; only what is a percentage is in the rate.
('tax', '{@erp@.account_tax,@erp@.product_taxes_rel}', $q$
WITH RECURSIVE {firm}, used AS (
    SELECT r.prod_id, t.id, f.depth, min(f.depth) OVER (PARTITION BY r.prod_id) AS nearest
      FROM @erp@.product_taxes_rel r JOIN @erp@.account_tax t ON t.id = r.tax_id JOIN firm f ON f.id = t.company_id
     WHERE t.active IS NOT FALSE AND t.type_tax_use = 'sale'
       AND ($1::text[] IS NULL OR r.prod_id = ANY (ARRAY(SELECT s.prod_id FROM unnest($1) k JOIN @erp@.product_taxes_rel s ON s.tax_id = split_part(k, '+', 1)::integer WHERE k LIKE '%+%')))
), code (code, taxes) AS (
    SELECT t.id::text, ARRAY[t.id] FROM @erp@.account_tax t JOIN firm f ON f.id = t.company_id
     WHERE t.active IS NOT FALSE AND t.type_tax_use = 'sale' AND ($1::text[] IS NULL OR t.id::text = ANY ($1))
    UNION
    SELECT string_agg(u.id::text, '+' ORDER BY u.id), array_agg(u.id ORDER BY u.id)
      FROM used u WHERE u.depth = u.nearest GROUP BY u.prod_id HAVING count(*) > 1
)
SELECT s.code AS key, s.code,
       sum(CASE WHEN l.amount_type = 'percent' THEN l.amount WHEN l.amount_type = 'division' AND l.amount < 100 THEN 100 * l.amount / (100 - l.amount) ELSE 0 END)::numeric AS rate,
       (SELECT string_agg(oms.erp_translated(to_jsonb(n.name), $2->>'lang'), ' + ' ORDER BY n.id) FROM @erp@.account_tax n WHERE n.id = ANY (s.taxes))
           || CASE WHEN bool_or(l.amount_type NOT IN ('percent', 'division')) THEN ' (without what is not a percentage)' ELSE '' END AS description
  FROM code s
  JOIN @erp@.account_tax t ON t.id = ANY (s.taxes)
  LEFT JOIN @erp@.account_tax_filiation_rel g ON g.parent_tax = t.id AND t.amount_type = 'group'
  JOIN @erp@.account_tax l ON l.id = coalesce(g.child_tax, t.id) AND l.active IS NOT FALSE
 WHERE $1::text[] IS NULL OR s.code = ANY ($1)
 GROUP BY s.code, s.taxes
HAVING sum(CASE WHEN l.amount_type = 'percent' THEN l.amount WHEN l.amount_type = 'division' AND l.amount < 100 THEN 100 * l.amount / (100 - l.amount) ELSE 0 END) BETWEEN 0 AND 100
UNION ALL
SELECT 'none', 'none', 0, 'no sale tax in Odoo' WHERE $1::text[] IS NULL OR 'none' = ANY ($1)
$q$),
-- Base prices by item, then rules of price lists in the company's currency,
-- a row for each item they price: fixed, or from the list price; what goes by
-- cost or by another list has none.  Odoo takes the most specific rule, then
-- the one for the larger quantity; so a rule under a more specific one that
-- holds as early and as long is left out.
('price', '{}', $q$
WITH RECURSIVE {firm}, want AS MATERIALIZED (
    SELECT array_agg(DISTINCT CASE WHEN k LIKE '%|%' THEN split_part(k, '|', 3) ELSE k END) AS items FROM unnest($1::text[]) k
), {taxes}, base AS MATERIALIZED (
    SELECT p.id, t.id AS template, t.categ_id AS category, coalesce(x.included, false) AS included,
           t.list_price::numeric + coalesce((SELECT sum(a.price_extra) FROM @erp@.product_variant_combination m
               JOIN @erp@.product_template_attribute_value a ON a.id = m.product_template_attribute_value_id WHERE m.product_product_id = p.id), 0)::numeric AS amount
      FROM @erp@.product_product p
      JOIN @erp@.product_template t ON t.id = p.product_tmpl_id
      LEFT JOIN taxes x ON x.template = t.id
     WHERE {goods} AND t.list_price IS NOT NULL
       AND ($1::text[] IS NULL OR p.id = ANY (ARRAY(SELECT unnest(w.items)::integer FROM want w)))
), rule AS MATERIALIZED (
    SELECT i.pricelist_id AS list, i.id, i.applied_on, i.product_tmpl_id, i.product_id, i.categ_id, i.compute_price, i.fixed_price::numeric, coalesce(i.percent_price, 0)::numeric AS percent_price, to_jsonb(i) AS j,
           greatest(coalesce(i.min_quantity, 0), 0)::numeric AS min_quantity, coalesce(i.date_start, '-infinity') AS date_start, coalesce(i.date_end, 'infinity') AS date_end
      FROM @erp@.product_pricelist_item i
      JOIN @erp@.product_pricelist l ON l.id = i.pricelist_id AND l.active IS NOT FALSE AND (l.company_id IS NULL OR l.company_id IN (SELECT f.id FROM firm f))
      JOIN @erp@.res_company c ON c.id = ($2->>'company')::integer AND c.currency_id = l.currency_id
     WHERE (to_jsonb(i)->>'active')::boolean IS NOT FALSE
), above AS MATERIALIZED (
    SELECT g.id, unnest(string_to_array(btrim(g.parent_path, '/'), '/')::integer[]) AS ancestor FROM @erp@.product_category g
), priced AS (
    SELECT b.id AS item, r.* FROM rule r JOIN base b ON r.applied_on = '0_product_variant' AND b.id = r.product_id
    UNION ALL
    SELECT b.id, r.* FROM rule r JOIN base b ON r.applied_on = '1_product' AND b.template = r.product_tmpl_id
    UNION ALL
    SELECT b.id, r.* FROM rule r JOIN above a ON r.applied_on = '2_product_category' AND a.ancestor = r.categ_id JOIN base b ON b.category = a.id
    UNION ALL
    SELECT b.id, r.* FROM rule r JOIN base b ON r.applied_on = '3_global'
), best AS (
    SELECT DISTINCT ON (r.item, r.list, r.min_quantity, r.date_start) r.*
      FROM priced r
     WHERE NOT EXISTS (SELECT FROM priced s WHERE s.item = r.item AND s.list = r.list AND s.applied_on < r.applied_on
                          AND s.min_quantity <= r.min_quantity AND s.date_start <= r.date_start AND s.date_end >= r.date_end)
     ORDER BY r.item, r.list, r.min_quantity, r.date_start, r.applied_on, r.categ_id DESC NULLS LAST, r.id DESC
), zone AS (
    SELECT coalesce(p.tz, CASE WHEN coalesce(k.code, 'IN') = 'IN' THEN 'Asia/Kolkata' ELSE 'UTC' END) AS name
      FROM @erp@.res_company c LEFT JOIN @erp@.res_partner p ON p.id = c.partner_id LEFT JOIN @erp@.res_country k ON k.id = p.country_id WHERE c.id = ($2->>'company')::integer
)
SELECT b.id::text AS key, b.id::text AS item, b.amount, b.included AS includes_tax, NULL::text AS price_list, NULL::numeric AS min_qty, NULL::timestamp AS valid_from, NULL::timestamp AS valid_to
  FROM base b
UNION ALL
SELECT r.list || '|' || r.id || '|' || r.item, r.item::text,
       CASE r.compute_price WHEN 'fixed' THEN r.fixed_price WHEN 'percentage' THEN b.amount * (1 - r.percent_price / 100)
            ELSE least(greatest(coalesce(round(b.amount * (1 - d.discount / 100) / d.step) * d.step, b.amount * (1 - d.discount / 100)) + d.surcharge, b.amount + d.low), b.amount + d.high) END,
       b.included, r.list::text, r.min_quantity,
       CASE WHEN isfinite(r.date_start) THEN r.date_start AT TIME ZONE 'UTC' AT TIME ZONE (SELECT z.name FROM zone z) END,
       CASE WHEN isfinite(r.date_end) THEN r.date_end AT TIME ZONE 'UTC' AT TIME ZONE (SELECT z.name FROM zone z) END
  FROM best r
  JOIN base b ON b.id = r.item
 CROSS JOIN LATERAL (SELECT coalesce((r.j->>'price_discount')::numeric, 0) AS discount, coalesce((r.j->>'price_surcharge')::numeric, 0) AS surcharge, nullif((r.j->>'price_round')::numeric, 0) AS step,
                            nullif((r.j->>'price_min_margin')::numeric, 0) AS low, nullif((r.j->>'price_max_margin')::numeric, 0) AS high) d
 WHERE r.compute_price = 'fixed' OR r.compute_price IN ('percentage', 'formula') AND coalesce(r.j->>'base', 'list_price') = 'list_price'
$q$),
-- Who buys: a rank as customer, or a sale order.  The phone is the mobile's
-- (until 18), of several in one field the first, none of another country.
('customer', '{}', $q$
WITH RECURSIVE {firm}, buyer AS MATERIALIZED (
    SELECT (x->>'id')::integer AS id
      FROM oms.erp_optional('@erp@.sale_order', $o$SELECT DISTINCT o.partner_id AS id FROM @erp@.sale_order o WHERE $1 IS NULL OR o.partner_id = ANY ($1::integer[])$o$, $1, $2) AS x
)
SELECT p.id::text AS key, coalesce(nullif(btrim(p.name), ''), (SELECT h.name FROM @erp@.res_partner h WHERE h.id = p.parent_id)) AS name,
       CASE WHEN m.phone !~ '^\+' OR m.phone ~ '^\+91' THEN m.phone END AS phone, substring(p.email FROM '[^<>,;\s]+@[^<>,;\s]+') AS email,
       substring(upper(replace(p.vat, ' ', '')) FROM '^[0-9]{2}[A-Z]{5}[0-9]{4}[A-Z][0-9A-Z]Z[0-9A-Z]$') AS gstin,
       CASE WHEN coalesce(k.code, 'IN') = 'IN' THEN p.zip END AS pincode
  FROM (SELECT NULL::text AS mobile, 0 AS customer_rank) void
 CROSS JOIN LATERAL (SELECT y.id, y.name, y.parent_id, y.phone, y.email, y.vat, y.zip, y.country_id, y.company_id, y.active, mobile AS cell, customer_rank AS rank FROM @erp@.res_partner y) p
  LEFT JOIN @erp@.res_country k ON k.id = p.country_id
 CROSS JOIN LATERAL (SELECT regexp_replace(split_part(translate(coalesce(nullif(btrim(p.cell), ''), p.phone), '/,;', '///'), '/', 1), '[^0-9+]', '', 'g') AS phone) m
 WHERE p.active IS NOT FALSE AND (p.company_id IS NULL OR p.company_id IN (SELECT f.id FROM firm f))
   AND (p.rank > 0 OR p.id IN (SELECT b.id FROM buyer b))
   AND p.id NOT IN (SELECT c.partner_id FROM @erp@.res_company c WHERE c.partner_id IS NOT NULL)
   AND ($1::text[] IS NULL OR p.id = ANY ($1::integer[]))
$q$),
-- What stands in internal locations below a warehouse's view location.  A
-- quant may be without quantity (counted, not applied) or below zero.
('stock', '{}', $q$
WITH q AS MATERIALIZED (
    SELECT u.product_id, u.location_id, u.quantity, u.reserved_quantity, u.owner_id FROM @erp@.stock_quant u WHERE $1::text[] IS NULL
    UNION ALL
    SELECT u.product_id, u.location_id, u.quantity, u.reserved_quantity, u.owner_id
      FROM (SELECT DISTINCT split_part(k, '|', 2)::integer AS id FROM unnest($1::text[]) k) i JOIN @erp@.stock_quant u ON u.product_id = i.id
), {places}, n AS (
    SELECT p.warehouse, q.product_id, coalesce(q.quantity, 0)::numeric - CASE WHEN $2->>'demand' = 'assigned' THEN coalesce(q.reserved_quantity, 0)::numeric ELSE 0 END AS quantity
      FROM q JOIN places p ON p.id = q.location_id
     WHERE $2->>'owners' <> 'own' OR q.owner_id IS NULL OR q.owner_id = (SELECT c.partner_id FROM @erp@.res_company c WHERE c.id = ($2->>'company')::integer)
    UNION ALL
    SELECT w.id, m.product_id, - m.product_qty::numeric
      FROM @erp@.stock_move m
      JOIN @erp@.stock_location f ON f.id = m.location_id AND f.usage = 'internal'
      JOIN @erp@.stock_location t ON t.id = m.location_dest_id
      JOIN @erp@.stock_warehouse w ON w.view_location_id = ANY (string_to_array(btrim(f.parent_path, '/'), '/')::integer[])
     WHERE $2->>'demand' = 'confirmed' AND m.state IN ('waiting', 'confirmed', 'partially_available', 'assigned')
       AND w.company_id = ($2->>'company')::integer AND w.active IS NOT FALSE
       AND (w.view_location_id <> ALL (string_to_array(btrim(t.parent_path, '/'), '/')::integer[]) OR t.usage <> 'internal')
       AND ($1::text[] IS NULL OR m.product_id IN (SELECT split_part(k, '|', 2)::integer FROM unnest($1) k))
)
SELECT n.warehouse || '|' || n.product_id AS key, sum(n.quantity) AS on_hand FROM n GROUP BY n.warehouse, n.product_id HAVING sum(n.quantity) <> 0
$q$),
-- The newest lot of an item stays at zero, so that it remains one of lots.
('lot', '{@erp@.stock_lot}', $q$
WITH q AS MATERIALIZED (
    SELECT u.* FROM @erp@.stock_quant u WHERE $1::text[] IS NULL AND u.lot_id IS NOT NULL
    UNION ALL
    SELECT u.* FROM (SELECT DISTINCT split_part(k, '|', 2)::integer AS id FROM unnest($1::text[]) k) i JOIN @erp@.stock_quant u ON u.product_id = i.id AND u.lot_id IS NOT NULL
), {places}, n AS (
    SELECT p.warehouse, q.product_id, q.lot_id, max(q.lot_id) OVER (PARTITION BY p.warehouse, q.product_id) AS newest,
           sum(coalesce(q.quantity, 0)::numeric - CASE WHEN $2->>'demand' <> 'done' THEN coalesce(q.reserved_quantity, 0)::numeric ELSE 0 END) AS on_hand, min(q.in_date) AS received_at
      FROM q JOIN places p ON p.id = q.location_id
     WHERE $2->>'owners' <> 'own' OR q.owner_id IS NULL OR q.owner_id = (SELECT c.partner_id FROM @erp@.res_company c WHERE c.id = ($2->>'company')::integer)
     GROUP BY p.warehouse, q.product_id, q.lot_id
)
SELECT n.warehouse || '|' || n.product_id AS key, l.name AS lot, n.on_hand, n.received_at AT TIME ZONE 'UTC' AS received_at,
       least((to_jsonb(l)->>'removal_date')::timestamp, (to_jsonb(l)->>'expiration_date')::timestamp)::date AS expires_on
  FROM n JOIN @erp@.stock_lot l ON l.id = n.lot_id
 WHERE n.on_hand > 0 OR n.lot_id = n.newest
$q$)) AS v (entity, needs, query);

-- A location's images carry their path, so a tree that moved tells both its
-- old warehouse and its new one.
INSERT INTO oms.erp_source (profile, entity, relation, watch, builtin, resolve) VALUES
('odoo', 'node', '@erp@.stock_warehouse', '{id,code,name,partner_id,company_id,active}', true,
 $q$SELECT i->>'id' FROM unnest($1) i$q$),
('odoo', 'node', '@erp@.res_partner', '{id,street,street2,city,zip,state_id,country_id,vat}', true,
 $q$SELECT w.id::text FROM unnest($1) i JOIN @erp@.stock_warehouse w ON w.partner_id = (i->>'id')::integer
    UNION SELECT w.id::text FROM unnest($1) i JOIN @erp@.res_company c ON c.partner_id = (i->>'id')::integer JOIN @erp@.stock_warehouse w ON w.company_id = c.id AND w.partner_id IS NULL$q$),
('odoo', 'node', '@erp@.res_company', '{id,partner_id}', true,
 $q$SELECT w.id::text FROM unnest($1) i JOIN @erp@.stock_warehouse w ON w.company_id = (i->>'id')::integer$q$),
('odoo', 'node', '@erp@.res_country_state', '{id,name,code,l10n_in_tin?}', true, NULL),
('odoo', 'node', '@erp@.res_country', '{id,code}', true, NULL),
('odoo', 'sku', '@erp@.product_product', '{id,product_tmpl_id,default_code,active,weight,standard_price?}', true,
 $q$SELECT i->>'id' FROM unnest($1) i
    UNION SELECT p.id::text FROM unnest($1) i JOIN @erp@.product_product p ON p.default_code IN (i->>'default_code', btrim(i->>'default_code'))
    UNION SELECT i->>'default_code' FROM unnest($1) i WHERE i->>'default_code' ~ '^[1-9][0-9]{0,8}$'
    UNION SELECT p.id::text FROM @erp@.product_product p WHERE p.default_code <> btrim(p.default_code) AND btrim(p.default_code) IN (SELECT btrim(i->>'default_code') FROM unnest($1) i)$q$),
('odoo', 'sku', '@erp@.product_template', '{id,name,type,is_storable?,categ_id,uom_id,active,company_id,l10n_in_hsn_code?,hs_code?}', true,
 $q$WITH m AS (SELECT p.id, p.default_code FROM unnest($1) i JOIN @erp@.product_product p ON p.product_tmpl_id = (i->>'id')::integer)
    SELECT m.id::text FROM m
    UNION SELECT p.id::text FROM m JOIN @erp@.product_product p ON p.default_code IN (m.default_code, btrim(m.default_code))
    UNION SELECT p.id::text FROM @erp@.product_product p WHERE p.default_code <> btrim(p.default_code) AND btrim(p.default_code) IN (SELECT btrim(m.default_code) FROM m)$q$),
('odoo', 'sku', '@erp@.product_variant_combination', '{product_product_id,product_template_attribute_value_id}', true,
 $q$SELECT i->>'product_product_id' FROM unnest($1) i$q$),
('odoo', 'sku', '@erp@.product_template_attribute_value', '{id,product_tmpl_id,attribute_line_id,product_attribute_value_id,ptav_active}', true,
 $q$SELECT p.id::text FROM unnest($1) i JOIN @erp@.product_product p ON p.product_tmpl_id = (i->>'product_tmpl_id')::integer$q$),
('odoo', 'sku', '@erp@.product_template_attribute_line', '{id,product_tmpl_id,sequence?}', true,
 $q$SELECT p.id::text FROM unnest($1) i JOIN @erp@.product_product p ON p.product_tmpl_id = (i->>'product_tmpl_id')::integer$q$),
('odoo', 'sku', '@erp@.product_attribute_value', '{id,name}', true,
 $q$SELECT m.product_product_id::text FROM unnest($1) i JOIN @erp@.product_template_attribute_value a ON a.product_attribute_value_id = (i->>'id')::integer
    JOIN @erp@.product_variant_combination m ON m.product_template_attribute_value_id = a.id$q$),
('odoo', 'sku', '@erp@.product_category', '{id,complete_name}', true,
 $q$SELECT p.id::text FROM unnest($1) i JOIN @erp@.product_template t ON t.categ_id = (i->>'id')::integer JOIN @erp@.product_product p ON p.product_tmpl_id = t.id$q$),
('odoo', 'sku', '@erp@.uom_uom', '{id,l10n_in_code?}', true,
 $q$SELECT p.id::text FROM unnest($1) i JOIN @erp@.product_template t ON t.uom_id = (i->>'id')::integer JOIN @erp@.product_product p ON p.product_tmpl_id = t.id$q$),
('odoo', 'sku', '@erp@.ir_config_parameter', '{key,value}', true,
 $q$SELECT p.id::text FROM @erp@.product_product p WHERE EXISTS (SELECT FROM unnest($1) i WHERE i->>'key' = 'product.weight_in_lbs')$q$),
('odoo', 'sku', '@erp@.ir_property', '{name?,res_id?,company_id?,value_float?}', true,
 $q$SELECT split_part(i->>'res_id', ',', 2) FROM unnest($1) i WHERE i->>'res_id' LIKE 'product.product,%' AND i->>'name' = 'standard_price'$q$),
('odoo', 'sku', '@erp@.product_taxes_rel', '{prod_id?,tax_id?}', true,
 $q$SELECT p.id::text FROM unnest($1) i JOIN @erp@.product_product p ON p.product_tmpl_id = (i->>'prod_id')::integer$q$),
('odoo', 'sku', '@erp@.account_tax', '{id?,active?,type_tax_use?,company_id?,amount_type?}', true,
 $q$SELECT p.id::text FROM unnest($1) i JOIN @erp@.product_taxes_rel r ON r.tax_id = (i->>'id')::integer JOIN @erp@.product_product p ON p.product_tmpl_id = r.prod_id
    UNION SELECT p.id::text FROM unnest($1) i JOIN @erp@.account_tax_filiation_rel f ON f.child_tax = (i->>'id')::integer JOIN @erp@.product_taxes_rel r ON r.tax_id = f.parent_tax
    JOIN @erp@.product_product p ON p.product_tmpl_id = r.prod_id$q$),
('odoo', 'sku', '@erp@.account_tax_filiation_rel', '{parent_tax?,child_tax?}', true,
 $q$SELECT p.id::text FROM unnest($1) i JOIN @erp@.product_taxes_rel r ON r.tax_id = (i->>'parent_tax')::integer JOIN @erp@.product_product p ON p.product_tmpl_id = r.prod_id$q$),
('odoo', 'sku', '@erp@.res_company', '{id,parent_id}', true, NULL),
('odoo', 'tax', '@erp@.account_tax', '{id,name,amount,amount_type,type_tax_use,company_id,active}', true, NULL),
('odoo', 'tax', '@erp@.account_tax_filiation_rel', '{parent_tax,child_tax}', true, NULL),
('odoo', 'tax', '@erp@.res_company', '{id,parent_id}', true, NULL),
-- a set that no template has any more is known here only
('odoo', 'tax', '@erp@.product_taxes_rel', '{prod_id,tax_id}', true,
 $q$SELECT s.code FROM (SELECT string_agg(r.tax_id::text, '+' ORDER BY r.tax_id) AS code FROM @erp@.product_taxes_rel r JOIN @erp@.account_tax t ON t.id = r.tax_id
                         WHERE r.prod_id IN (SELECT (i->>'prod_id')::integer FROM unnest($1) i) AND t.active IS NOT FALSE AND t.type_tax_use = 'sale'
                         GROUP BY r.prod_id, t.company_id HAVING count(*) > 1) s
    UNION SELECT x->>'key' FROM oms.erp_optional('oms.tax_code', $o$SELECT c.erp_key AS key FROM oms.tax_code c WHERE c.erp_key LIKE '%+%'$o$, NULL, $2) x$q$),
-- what lists said of an item until now is known here only (before the
-- first install there is nothing to know)
('odoo', 'price', '@erp@.product_product', '{id,product_tmpl_id,active}', true,
 $q$WITH m (id) AS (SELECT (i->>'id')::integer FROM unnest($1) i)
    SELECT m.id::text FROM m UNION SELECT x->>'key' FROM oms.erp_optional('oms.price', $o$SELECT x.erp_key AS key FROM oms.sku k JOIN oms.price x ON x.company_id = k.company_id AND x.sku_id = k.sku_id AND x.price_list_id <> 0
     WHERE k.erp_key = ANY ($1)$o$, (SELECT array_agg(m.id::text) FROM m), $2) x$q$),
('odoo', 'price', '@erp@.product_template', '{id,list_price,type,active,company_id,categ_id}', true,
 $q$WITH m (id) AS (SELECT p.id FROM unnest($1) i JOIN @erp@.product_product p ON p.product_tmpl_id = (i->>'id')::integer)
    SELECT m.id::text FROM m UNION SELECT x->>'key' FROM oms.erp_optional('oms.price', $o$SELECT x.erp_key AS key FROM oms.sku k JOIN oms.price x ON x.company_id = k.company_id AND x.sku_id = k.sku_id AND x.price_list_id <> 0
     WHERE k.erp_key = ANY ($1)$o$, (SELECT array_agg(m.id::text) FROM m), $2) x$q$),
('odoo', 'price', '@erp@.product_variant_combination', '{product_product_id,product_template_attribute_value_id}', true,
 $q$WITH m (id) AS (SELECT (i->>'product_product_id')::integer FROM unnest($1) i)
    SELECT m.id::text FROM m UNION SELECT x->>'key' FROM oms.erp_optional('oms.price', $o$SELECT x.erp_key AS key FROM oms.sku k JOIN oms.price x ON x.company_id = k.company_id AND x.sku_id = k.sku_id AND x.price_list_id <> 0
     WHERE k.erp_key = ANY ($1)$o$, (SELECT array_agg(m.id::text) FROM m), $2) x$q$),
('odoo', 'price', '@erp@.product_template_attribute_value', '{id,price_extra}', true,
 $q$WITH m (id) AS (SELECT v.product_product_id FROM unnest($1) i JOIN @erp@.product_variant_combination v ON v.product_template_attribute_value_id = (i->>'id')::integer)
    SELECT m.id::text FROM m UNION SELECT x->>'key' FROM oms.erp_optional('oms.price', $o$SELECT x.erp_key AS key FROM oms.sku k JOIN oms.price x ON x.company_id = k.company_id AND x.sku_id = k.sku_id AND x.price_list_id <> 0
     WHERE k.erp_key = ANY ($1)$o$, (SELECT array_agg(m.id::text) FROM m), $2) x$q$),
('odoo', 'price', '@erp@.product_taxes_rel', '{prod_id?,tax_id?}', true,
 $q$WITH m (id) AS (SELECT p.id FROM unnest($1) i JOIN @erp@.product_product p ON p.product_tmpl_id = (i->>'prod_id')::integer)
    SELECT m.id::text FROM m UNION SELECT x->>'key' FROM oms.erp_optional('oms.price', $o$SELECT x.erp_key AS key FROM oms.sku k JOIN oms.price x ON x.company_id = k.company_id AND x.sku_id = k.sku_id AND x.price_list_id <> 0
     WHERE k.erp_key = ANY ($1)$o$, (SELECT array_agg(m.id::text) FROM m), $2) x$q$),
('odoo', 'price', '@erp@.account_tax', '{id?,active?,type_tax_use?,company_id?,amount_type?,price_include?,price_include_override?}', true,
 $q$WITH m (id) AS (SELECT p.id FROM unnest($1) i JOIN @erp@.product_taxes_rel r ON r.tax_id = (i->>'id')::integer JOIN @erp@.product_product p ON p.product_tmpl_id = r.prod_id
    UNION SELECT p.id FROM unnest($1) i JOIN @erp@.account_tax_filiation_rel f ON f.child_tax = (i->>'id')::integer JOIN @erp@.product_taxes_rel r ON r.tax_id = f.parent_tax
    JOIN @erp@.product_product p ON p.product_tmpl_id = r.prod_id)
    SELECT m.id::text FROM m UNION SELECT x->>'key' FROM oms.erp_optional('oms.price', $o$SELECT x.erp_key AS key FROM oms.sku k JOIN oms.price x ON x.company_id = k.company_id AND x.sku_id = k.sku_id AND x.price_list_id <> 0
     WHERE k.erp_key = ANY ($1)$o$, (SELECT array_agg(m.id::text) FROM m), $2) x$q$),
('odoo', 'price', '@erp@.account_tax_filiation_rel', '{parent_tax?,child_tax?}', true,
 $q$WITH m (id) AS (SELECT p.id FROM unnest($1) i JOIN @erp@.product_taxes_rel r ON r.tax_id = (i->>'parent_tax')::integer JOIN @erp@.product_product p ON p.product_tmpl_id = r.prod_id)
    SELECT m.id::text FROM m UNION SELECT x->>'key' FROM oms.erp_optional('oms.price', $o$SELECT x.erp_key AS key FROM oms.sku k JOIN oms.price x ON x.company_id = k.company_id AND x.sku_id = k.sku_id AND x.price_list_id <> 0
     WHERE k.erp_key = ANY ($1)$o$, (SELECT array_agg(m.id::text) FROM m), $2) x$q$),
-- the company's own partner has its time zone, which days of lists go by
('odoo', 'price', '@erp@.res_partner', '{id,tz,country_id}', true,
 $q$SELECT x->>'key' FROM oms.erp_optional('oms.price', 'SELECT x.erp_key AS key FROM oms.price x WHERE x.price_list_id <> 0', NULL, $2) x
     WHERE EXISTS (SELECT FROM unnest($1) i JOIN @erp@.res_company c ON c.id = ($2->>'company')::integer AND c.partner_id = (i->>'id')::integer)$q$),
('odoo', 'price', '@erp@.res_country', '{id,code}', true, NULL),
('odoo', 'price', '@erp@.product_pricelist', '{id,active,currency_id,company_id}', true, NULL),
('odoo', 'price', '@erp@.product_pricelist_item', '{id,pricelist_id,applied_on,product_tmpl_id,product_id,categ_id,compute_price,base,fixed_price,percent_price,price_discount?,price_surcharge?,price_round?,price_min_margin?,price_max_margin?,min_quantity,date_start,date_end,active?}', true, NULL),
('odoo', 'price', '@erp@.product_category', '{id,parent_path}', true, NULL),
('odoo', 'price', '@erp@.res_company', '{id,parent_id,currency_id,partner_id,account_price_include?}', true, NULL),
('odoo', 'customer', '@erp@.res_partner', '{id,name,parent_id,phone,mobile?,email,vat,zip,country_id,customer_rank?,active,company_id}', true,
 $q$SELECT i->>'id' FROM unnest($1) i UNION SELECT p.id::text FROM unnest($1) i JOIN @erp@.res_partner p ON p.parent_id = (i->>'id')::integer$q$),
('odoo', 'customer', '@erp@.sale_order', '{partner_id?}', true, $q$SELECT i->>'partner_id' FROM unnest($1) i$q$),
('odoo', 'customer', '@erp@.res_company', '{id,partner_id,parent_id}', true, NULL),
('odoo', 'customer', '@erp@.res_country', '{id,code}', true, NULL),
('odoo', 'stock', '@erp@.stock_quant', '{product_id,location_id,quantity,reserved_quantity,owner_id}', true,
 $q$SELECT w.id || '|' || (i->>'product_id') FROM unnest($1) i JOIN @erp@.stock_location l ON l.id = (i->>'location_id')::integer
      JOIN @erp@.stock_warehouse w ON w.view_location_id = ANY (string_to_array(btrim(l.parent_path, '/'), '/')::integer[])$q$),
('odoo', 'stock', '@erp@.stock_location', '{id,parent_path,usage}', true,
 $q$SELECT w.id || '|' || q.product_id FROM unnest($1) i JOIN @erp@.stock_quant q ON q.location_id = (i->>'id')::integer
      JOIN @erp@.stock_warehouse w ON w.view_location_id = ANY (string_to_array(btrim(i->>'parent_path', '/'), '/')::integer[])
    UNION SELECT w.id || '|' || m.product_id FROM unnest($1) i JOIN @erp@.stock_move m ON (i->>'id')::integer IN (m.location_id, m.location_dest_id)
      JOIN @erp@.stock_location l ON l.id = m.location_id
      JOIN @erp@.stock_warehouse w ON w.view_location_id = ANY (string_to_array(btrim(i->>'parent_path', '/'), '/')::integer[]) OR w.view_location_id = ANY (string_to_array(btrim(l.parent_path, '/'), '/')::integer[])
     WHERE $2->>'demand' = 'confirmed' AND m.state IN ('waiting', 'confirmed', 'partially_available', 'assigned')$q$),
('odoo', 'stock', '@erp@.stock_warehouse', '{id,view_location_id,company_id,active}', true, NULL),
('odoo', 'stock', '@erp@.res_company', '{id,partner_id}', true, NULL),
('odoo', 'stock', '@erp@.stock_move', '{product_id,product_qty,state,location_id,location_dest_id}', true,
 $q$SELECT w.id || '|' || (i->>'product_id') FROM unnest($1) i JOIN @erp@.stock_location l ON l.id = (i->>'location_id')::integer
      JOIN @erp@.stock_warehouse w ON w.view_location_id = ANY (string_to_array(btrim(l.parent_path, '/'), '/')::integer[]) WHERE $2->>'demand' = 'confirmed'$q$),
('odoo', 'lot', '@erp@.stock_quant', '{product_id,location_id,lot_id,quantity,reserved_quantity,owner_id,in_date}', true,
 $q$SELECT w.id || '|' || (i->>'product_id') FROM unnest($1) i JOIN @erp@.stock_location l ON l.id = (i->>'location_id')::integer
      JOIN @erp@.stock_warehouse w ON w.view_location_id = ANY (string_to_array(btrim(l.parent_path, '/'), '/')::integer[]) WHERE i->>'lot_id' IS NOT NULL$q$),
('odoo', 'lot', '@erp@.stock_lot', '{id,name,product_id,removal_date?,expiration_date?}', true,
 $q$SELECT w.id || '|' || (i->>'product_id') FROM unnest($1) i CROSS JOIN @erp@.stock_warehouse w WHERE w.company_id = ($2->>'company')::integer$q$),
('odoo', 'lot', '@erp@.stock_location', '{id,parent_path,usage}', true,
 $q$SELECT w.id || '|' || q.product_id FROM unnest($1) i JOIN @erp@.stock_quant q ON q.location_id = (i->>'id')::integer AND q.lot_id IS NOT NULL
      JOIN @erp@.stock_warehouse w ON w.view_location_id = ANY (string_to_array(btrim(i->>'parent_path', '/'), '/')::integer[])$q$),
('odoo', 'lot', '@erp@.res_company', '{id,partner_id}', true, NULL),
('odoo', 'lot', '@erp@.stock_warehouse', '{id,view_location_id,company_id,active}', true, NULL);

-- units by the name they have in Odoo's own data, whatever they are called
INSERT INTO oms.erp_status (profile, entity, erp_value, oms_value, builtin)
SELECT 'odoo', 'uom', v.word, v.code, true FROM (VALUES
    ('product_uom_unit', 'NOS'), ('product_uom_dozen', 'DOZ'), ('product_uom_pack_6', 'PAC'),
    ('product_uom_kgm', 'KGS'), ('product_uom_gram', 'GMS'), ('product_uom_ton', 'MTS'), ('product_uom_lb', 'OTH'), ('product_uom_oz', 'OTH'),
    ('product_uom_day', 'OTH'), ('product_uom_hour', 'OTH'), ('product_uom_minute', 'OTH'),
    ('product_uom_meter', 'MTR'), ('product_uom_km', 'KME'), ('product_uom_cm', 'CMS'), ('product_uom_millimeter', 'OTH'),
    ('product_uom_inch', 'OTH'), ('product_uom_foot', 'OTH'), ('product_uom_yard', 'YDS'), ('product_uom_mile', 'OTH'),
    ('uom_square_meter', 'SQM'), ('uom_square_foot', 'SQF'),
    ('product_uom_litre', 'LTR'), ('product_uom_milliliter', 'MLT'), ('product_uom_cubic_meter', 'CBM'), ('product_uom_floz', 'OTH'), ('product_uom_qt', 'OTH'),
    ('product_uom_gal', 'UGS'), ('product_uom_cubic_inch', 'OTH'), ('product_uom_cubic_foot', 'OTH')) AS v (word, code);

INSERT INTO oms.erp_word (profile, entity, builtin, query) VALUES
('odoo', 'uom', true, $q$
SELECT d.name, count(*) FROM @erp@.product_template t JOIN @erp@.ir_model_data d ON d.model = 'uom.uom' AND d.module = 'uom' AND d.res_id = t.uom_id
 WHERE t.active IS NOT FALSE AND t.type IN ('consu', 'product') GROUP BY d.name
$q$);
