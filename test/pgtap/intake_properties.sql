-- Random payloads: whatever the amounts, taxes and quantities, the canonical
-- order costs what the payload says, to the paisa, worked out here anew.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pgtap;
CREATE EXTENSION IF NOT EXISTS pg_oms CASCADE;
BEGIN;
SELECT oms.install() \g /dev/null
SELECT plan(8);
INSERT INTO oms.company (company_id, code, name) VALUES (1, 'C', 'C');
INSERT INTO oms.channel (channel_id, company_id, code, name, kind, price_includes_tax) VALUES (1, 1, 'WEB', 'With tax', 'web', true), (2, 1, 'B2B', 'Without', 'b2b', false);
SELECT setseed(0.42) \g /dev/null

-- Magento: rows without tax, six decimals in some
CREATE TEMP TABLE item AS
SELECT o, i, (1 + floor(random() * 7))::int AS ordered, round((random() * 3000)::numeric, (random() * 6)::int) AS row_total, random() AS d, round((random() * 300)::numeric, (random() * 4)::int) AS tax, random() < 0.3 AS fewer
  FROM generate_series(1, 400) o, generate_series(1, 5) i WHERE random() < 0.7;
ALTER TABLE item ADD discount numeric, ADD gone int;
UPDATE item SET discount = round(row_total * d::numeric * 0.8, 2), gone = CASE WHEN fewer THEN floor(random() * ordered)::int ELSE 0 END;
CREATE TEMP TABLE sample AS
SELECT o, (round((random() * 200)::numeric, 4)) AS shipping, round((random() * 20)::numeric, 4) AS shipping_tax FROM (SELECT DISTINCT o FROM item) x;
CREATE TEMP TABLE doc AS
SELECT s.*, c.code, c.price_includes_tax AS incl, r -> 'document' AS d, r #> '{intake,problems}' AS problems
  FROM sample s CROSS JOIN oms.channel c CROSS JOIN LATERAL (
    SELECT jsonb_build_object('increment_id', s.o::text, 'grand_total', 1, 'state', 'new', 'payment', jsonb_build_object('method', 'upi'), 'shipping_amount', s.shipping, 'shipping_tax_amount', s.shipping_tax,
        'extension_attributes', jsonb_build_object('shipping_assignments', jsonb_build_array(jsonb_build_object('shipping', jsonb_build_object('address', jsonb_build_object('postcode', '560001'))))),
        'items', (SELECT jsonb_agg(jsonb_build_object('sku', 'S' || i, 'qty_ordered', ordered, 'qty_canceled', gone, 'qty_refunded', 0, 'row_total', row_total, 'discount_amount', discount, 'tax_amount', tax) ORDER BY i) FROM item WHERE item.o = s.o)) AS p) p,
    LATERAL oms.intake_document(c.code, p.p) r;
SELECT is_empty('SELECT o, code, problems FROM doc WHERE d = ''null'' OR problems IS NOT NULL', 'every payload becomes an order');
CREATE TEMP TABLE worth AS
SELECT o, code, d, incl,
       (SELECT sum(round((l ->> 'unit_price')::numeric * (l ->> 'qty')::numeric, 2) - coalesce((l ->> 'discount')::numeric, 0)) FROM jsonb_array_elements(d -> 'lines') l) AS goods,
       coalesce((SELECT sum((c ->> 'amount')::numeric) FROM jsonb_array_elements(d -> 'charges') c), 0) AS charges,
       (SELECT sum((row_total - discount + CASE WHEN incl THEN tax ELSE 0 END) * (ordered - gone) / ordered) FROM item i WHERE i.o = doc.o) AS exact_goods,
       shipping + CASE WHEN incl THEN shipping_tax ELSE 0 END AS exact_charges
  FROM doc;
SELECT cmp_ok((SELECT count(*) FROM worth), '>', 700::bigint, 'there are enough of them');
-- each part is rounded at six decimals before the sum: 5 lines of 0.0000005 at most
SELECT is_empty('SELECT o, code, goods, exact_goods FROM worth WHERE abs(goods + charges - (exact_goods + exact_charges)) > 0.005001', 'together they cost what the payload says, rounded once');
SELECT is_empty('SELECT o, code, goods, exact_goods FROM worth WHERE abs(goods - exact_goods) > 0.005001', 'so do the goods');
SELECT is_empty($$SELECT o, code, l FROM doc, jsonb_array_elements(d -> 'lines') l WHERE (l ->> 'discount')::numeric < 0 OR scale((l ->> 'unit_price')::numeric) > 2 OR (l ->> 'unit_price')::numeric < 0$$,
    'no price or discount is below zero, or in parts of a paisa');
SELECT is_empty($$SELECT w.o, l, i FROM worth w, jsonb_array_elements(d -> 'lines') l JOIN item i ON i.i = substr(l ->> 'sku', 2)::int WHERE i.o = w.o
     AND abs(round((l ->> 'unit_price')::numeric * (l ->> 'qty')::numeric, 2) - coalesce((l ->> 'discount')::numeric, 0) - (i.row_total - i.discount + CASE WHEN w.incl THEN i.tax ELSE 0 END) * (i.ordered - i.gone) / i.ordered) > 0.010001$$,
    'no line is off by more than what the running sum carries');

-- Shopify: line discounts as the platform allocates them, orders with tax
CREATE TEMP TABLE shop AS
SELECT o, r -> 'document' AS d, p.total
  FROM generate_series(1, 300) o, LATERAL (
    SELECT jsonb_build_object('id', o, 'financial_status', 'paid', 'taxes_included', true, 'shipping_address', jsonb_build_object('zip', '560001'),
           'line_items', jsonb_agg(jsonb_build_object('sku', 'A', 'quantity', q, 'price', price::text, 'discount_allocations', jsonb_build_array(jsonb_build_object('amount', a::text), jsonb_build_object('amount', b::text))))) AS p,
           sum(q * price - a - b) AS total
      FROM (SELECT q, price, round((q * price * (random() * 0.4)::numeric), 2) AS a, round((q * price * (random() * 0.5)::numeric), 2) AS b
              FROM (SELECT (1 + floor(random() * 9))::int AS q, round((random() * 999 + o * 0)::numeric, 2) AS price FROM generate_series(1, 4)) x) y) p,
    LATERAL oms.intake_document('WEB', p.p) r;
SELECT is_empty($$SELECT o FROM shop WHERE total IS DISTINCT FROM (SELECT sum((l ->> 'unit_price')::numeric * (l ->> 'qty')::numeric - coalesce((l ->> 'discount')::numeric, 0)) FROM jsonb_array_elements(d -> 'lines') l)$$,
    'two discounts of a line come off it exactly');

-- what may be sold of any item is what oms.atp says
INSERT INTO oms.node (node_id, company_id, code, name, state_code) SELECT n, 1, 'N' || n, 'N', '29' FROM generate_series(1, 6) n;
INSERT INTO oms.sku (sku_id, company_id, code, name, tracked) SELECT s, 1, 'K' || s, 'K', s % 17 <> 0 FROM generate_series(1, 300) s;
INSERT INTO oms.kit_component (company_id, kit_sku_id, sku_id, qty) SELECT 1, s, s - 1, 1 + s % 3 FROM generate_series(10, 300, 10) s UNION ALL SELECT 1, s, s - 2, 1 FROM generate_series(10, 300, 10) s;
INSERT INTO oms.stock (company_id, node_id, sku_id, on_hand, safety, reserved, sellable, backorder_limit)
SELECT 1, n, s, h, floor(random() * 3), floor(random() * (h + 1)), random() < 0.9, CASE WHEN random() < 0.2 THEN 5 ELSE 0 END
  FROM generate_series(1, 6) n, generate_series(1, 300) s, LATERAL (SELECT floor(random() * 20 + n * 0 + s * 0)::int AS h) x WHERE s % 10 <> 0 AND random() < 0.8;
UPDATE oms.node SET open = false WHERE node_id = 3;
UPDATE oms.channel SET own_nodes = true WHERE channel_id = 2;
INSERT INTO oms.channel_node (company_id, channel_id, node_id) VALUES (1, 2, 1), (1, 2, 5);
INSERT INTO oms.allocation (company_id, order_id, line_no, sku_id, qty, status, net_amount) SELECT 1, 1, s, s, 1 + s % 4, 'backordered', 0 FROM generate_series(1, 300, 7) s;
INSERT INTO oms.channel_stock_rule (company_id, channel_id) VALUES (1, 1), (1, 2);
SELECT oms.refresh_channel_stock() \g /dev/null
SELECT is_empty($$SELECT c.code, s.code, t.qty, oms.atp(s.code, channel => c.code) FROM oms.channel c CROSS JOIN oms.sku s LEFT JOIN oms.channel_stock_told t ON t.channel_id = c.channel_id AND t.sku_id = s.sku_id
     WHERE t.qty IS DISTINCT FROM oms.atp(s.code, channel => c.code) OR t.version IS NULL$$, 'what channels are told is what may be promised');
SELECT * FROM finish();
ROLLBACK;
