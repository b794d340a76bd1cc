-- A toy ERP that states all there is: kits, price lists, addresses, suppliers,
-- orders, shipments, returns, supply. Changed row by row; after each step a
-- full recount finds no difference.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pg_oms CASCADE;
BEGIN;
SELECT oms.install() \g /dev/null
RESET client_min_messages;
SET LOCAL TIME ZONE 'Asia/Kolkata';
\set SHOW_CONTEXT never

CREATE SCHEMA full_erp;
SET LOCAL search_path = full_erp, public;
CREATE TABLE firm (id int PRIMARY KEY, name text);
INSERT INTO firm VALUES (1, 'Full Traders');
CREATE TABLE place (id int PRIMARY KEY, code text, pin text);
INSERT INTO place VALUES (1, 'BLR', '560001'), (2, 'DEL', '110001');
CREATE TABLE product (id int PRIMARY KEY, sku text, kind text, price numeric, unit_factor float8 DEFAULT 1);
INSERT INTO product VALUES (1, 'SOAP', 'goods', 40), (2, 'BOX', 'goods', 10), (3, 'GIFT', 'goods', 95), (4, 'WORK', 'service', 500), (5, 'TEA', 'goods', 900);
CREATE TABLE bom (kit int, part int, qty numeric, PRIMARY KEY (kit, part));
INSERT INTO bom VALUES (3, 1, 2), (3, 2, 1);
CREATE TABLE list (id int PRIMARY KEY, code text, cur text, gross boolean, hidden boolean DEFAULT false);
INSERT INTO list VALUES (1, 'WHOLESALE', 'INR', false);
CREATE TABLE list_price (id int PRIMARY KEY, list int, product int, min_qty numeric, price numeric, from_day date, to_day date);
INSERT INTO list_price VALUES (1, 1, 1, 0, 35, NULL, NULL), (2, 1, 1, 12, 33.5, '2026-01-01', '2026-12-31'), (3, 9, 1, 0, 1, NULL, NULL), (4, 1, 4, 0, 450, NULL, NULL);
CREATE TABLE partner (id int PRIMARY KEY, name text, buys boolean, sells boolean, phone text, gone boolean DEFAULT false);
INSERT INTO partner VALUES (1, 'Asha', true, false, '+91 98450 12345'), (2, 'Mill', false, true, '080-2345678'), (3, 'Both', true, true, NULL);
CREATE TABLE address (id int PRIMARY KEY, partner int, use text, street text, city text, state text, pin text, gone boolean DEFAULT false);
INSERT INTO address VALUES (1, 1, 'shipping', '1, MG Road', 'Bengaluru', 'IN-KA', '560001'), (2, 1, 'billing', '2, MG Road', 'Bengaluru', 'Karnataka', '560 001'), (3, 7, 'shipping', 'Nowhere', NULL, 'Atlantis', NULL);
CREATE TABLE sale (id int PRIMARY KEY, number text, ref text, partner int, place int, state text, delivery text, at timestamptz, total numeric);
CREATE TABLE sale_line (sale int, n int, product int, qty numeric, unit_factor float8, price numeric, PRIMARY KEY (sale, n));
INSERT INTO sale VALUES (1, 'SO1', 'web-1', 1, 1, 'open', 'none', '2026-03-02 10:00+05:30', 120), (2, 'SO2', 'web-2', 3, 2, 'open', 'mystery', '2026-03-02 11:00+05:30', 9);
-- 500 g of tea at 0.9 a gram is half a kilogram at 900
INSERT INTO sale_line VALUES (1, 1, 1, 3, 1, 40), (2, 1, 5, 500, 0.001, 0.9), (2, 2, 4, 1, 1, 500);
CREATE TABLE parcel (id int PRIMARY KEY, sale int, place int, back boolean, state text, awb text, done_at timestamptz);
INSERT INTO parcel VALUES (1, 1, 1, false, 'ready', NULL, NULL), (2, 1, 1, true, 'came', NULL, '2026-03-09 09:00+05:30');
CREATE TABLE purchase (id int PRIMARY KEY, place int, product int, qty numeric, came numeric DEFAULT 0, due date, partner int, closed boolean DEFAULT false);
INSERT INTO purchase VALUES (1, 1, 1, 100, 40, '2026-04-01', 2), (2, 1, 4, 1, 0, '2026-04-01', 2), (3, 2, 2, 5, 0, NULL, 8), (4, 1, 3, 5, 0, '2026-04-01', 2);

INSERT INTO oms.erp_profile (profile, title, params, company_query) VALUES
('full', 'Everything', '{"schema": "full_erp"}', 'SELECT id AS key, ''FULL'' AS code, name, ''INR'' AS currency, ''Asia/Kolkata'' AS timezone, ''29'' AS state FROM @erp@.firm');
INSERT INTO oms.erp_entity (profile, entity, query) VALUES
('full', 'node', $q$SELECT id AS key, code, pin AS pincode, '29' AS state FROM @erp@.place WHERE $1::text[] IS NULL OR id = ANY ($1::int[])$q$),
('full', 'sku', $q$SELECT id AS key, sku AS code FROM @erp@.product WHERE kind = 'goods' AND ($1::text[] IS NULL OR id = ANY ($1::int[]))$q$),
('full', 'kit', $q$SELECT kit || '|' || part AS key, kit, part AS component, qty FROM @erp@.bom WHERE $1::text[] IS NULL OR kit || '|' || part = ANY ($1)$q$),
('full', 'price_list', $q$SELECT id AS key, code, cur AS currency, gross AS includes_tax, NOT hidden AS active FROM @erp@.list WHERE $1::text[] IS NULL OR id = ANY ($1::int[])$q$),
('full', 'price', $q$SELECT 'p' || id AS key, id AS item, price AS amount, NULL::int AS price_list, NULL::numeric AS min_qty, NULL::date AS valid_from, NULL::date AS valid_to FROM @erp@.product WHERE $1::text[] IS NULL OR 'p' || id = ANY ($1)
  UNION ALL SELECT 'l' || id, product, price, list, min_qty, from_day, to_day + 1 FROM @erp@.list_price WHERE $1::text[] IS NULL OR 'l' || id = ANY ($1)$q$),
('full', 'customer', $q$SELECT id AS key, name, phone FROM @erp@.partner WHERE buys AND ($1::text[] IS NULL OR id = ANY ($1::int[]))$q$),
('full', 'address', $q$SELECT id AS key, partner AS customer, use AS kind, street AS address1, city, state, pin AS pincode, NOT gone AS active FROM @erp@.address WHERE $1::text[] IS NULL OR id = ANY ($1::int[])$q$),
('full', 'supplier', $q$SELECT id AS key, name, phone, 4 AS lead_days, NOT gone AS active FROM @erp@.partner WHERE sells AND ($1::text[] IS NULL OR id = ANY ($1::int[]))$q$),
('full', 'order', $q$SELECT s.id AS key, s.number, s.ref AS reference, s.partner AS customer, s.place AS node, s.state || '/' || s.delivery AS status, s.at AS ordered_at, s.total,
   (SELECT jsonb_agg(jsonb_build_object('item', l.product, 'qty', oms.erp_units(l.qty, l.unit_factor, p.unit_factor), 'unit_price', oms.erp_unit_price(l.price, l.unit_factor, p.unit_factor)) ORDER BY l.n)
      FROM @erp@.sale_line l JOIN @erp@.product p ON p.id = l.product WHERE l.sale = s.id) AS lines
  FROM @erp@.sale s WHERE $1::text[] IS NULL OR s.id = ANY ($1::int[])$q$),
('full', 'shipment', $q$SELECT id AS key, 'P' || id AS number, sale AS order, place AS node, state AS status, awb, done_at AS shipped_at FROM @erp@.parcel WHERE NOT back AND ($1::text[] IS NULL OR id = ANY ($1::int[]))$q$),
('full', 'return', $q$SELECT id AS key, 'R' || id AS number, sale AS order, place AS node, state AS status, done_at AS received_at FROM @erp@.parcel WHERE back AND ($1::text[] IS NULL OR id = ANY ($1::int[]))$q$),
('full', 'inbound', $q$SELECT id AS key, place AS node, product AS item, greatest(qty - came, 0) AS qty, due AS expected_at, 'PO' || id AS document, partner AS supplier FROM @erp@.purchase WHERE NOT closed AND ($1::text[] IS NULL OR id = ANY ($1::int[]))$q$);
INSERT INTO oms.erp_source (profile, entity, relation, watch, resolve)
SELECT 'full', v.entity, '@erp@.' || v.relation, v.watch::text[], 'SELECT ' || v.key || ' FROM unnest($1) i' FROM (VALUES
('node', 'place', '{id,code,pin}', 'i->>''id'''), ('sku', 'product', '{id,sku,kind}', 'i->>''id'''),
('kit', 'bom', '{kit,part,qty}', '(i->>''kit'') || ''|'' || (i->>''part'')'), ('price_list', 'list', '{id,code,cur,gross,hidden}', 'i->>''id'''),
('price', 'product', '{id,price}', '''p'' || (i->>''id'')'), ('price', 'list_price', '{id,list,product,min_qty,price,from_day,to_day}', '''l'' || (i->>''id'')'),
('customer', 'partner', '{id,name,phone,buys}', 'i->>''id'''), ('address', 'address', '{id,partner,use,street,city,state,pin,gone}', 'i->>''id'''),
('supplier', 'partner', '{id,name,phone,sells,gone}', 'i->>''id'''), ('order', 'sale', '{id,number,ref,partner,place,state,delivery,at,total}', 'i->>''id'''),
('order', 'sale_line', '{sale,n,product,qty,unit_factor,price}', 'i->>''sale'''), ('shipment', 'parcel', '{id,sale,place,back,state,awb,done_at}', 'i->>''id'''),
('return', 'parcel', '{id,sale,place,back,state,done_at}', 'i->>''id'''), ('inbound', 'purchase', '{id,place,product,qty,came,due,partner,closed}', 'i->>''id''')
) v (entity, relation, watch, key);
INSERT INTO oms.erp_status (profile, entity, erp_value, oms_value) VALUES
('full', 'order', 'draft/*', 'draft'), ('full', 'order', 'open/none', 'confirmed'), ('full', 'order', 'open/some', 'part_shipped'), ('full', 'order', 'open/all', 'shipped'), ('full', 'order', 'void/*', 'cancelled'),
('full', 'shipment', 'ready', 'assigned'), ('full', 'shipment', 'gone', 'shipped'), ('full', 'return', 'came', 'received');

SELECT r FROM oms.attach_erp('full') AS r WHERE r NOT LIKE 'table%';
SELECT drifted, erp_key FROM oms.erp_verify();
DELETE FROM purchase WHERE id = 4;
SELECT * FROM oms.erp_verify();
CREATE TEMP VIEW kits AS SELECT k.code AS kit, s.code AS component, c.qty FROM oms.kit_component c JOIN oms.sku k ON k.sku_id = c.kit_sku_id JOIN oms.sku s ON s.sku_id = c.sku_id JOIN oms.company o ON o.company_id = c.company_id WHERE o.code = 'FULL' ORDER BY 1, 2;
CREATE TEMP VIEW prices AS SELECT k.code AS item, l.code AS list, p.min_qty, p.valid_from, p.valid_to, p.amount, p.includes_tax FROM oms.price p JOIN oms.sku k USING (sku_id) JOIN oms.company o ON o.company_id = p.company_id LEFT JOIN oms.price_list l ON l.price_list_id = p.price_list_id WHERE o.code = 'FULL' ORDER BY 1, 2 NULLS FIRST, 3;
CREATE TEMP VIEW waiting AS SELECT w.entity, w.erp_key, w.on_entity, w.on_key FROM oms.erp_waiting w JOIN oms.company o USING (company_id) WHERE o.code = 'FULL' ORDER BY 1, 2, 3;
CREATE TEMP VIEW coming AS SELECT i.erp_key, n.code AS node, s.code AS item, i.qty, i.due_at, i.document, i.state, p.name AS supplier FROM oms.inbound i JOIN oms.node n USING (node_id) JOIN oms.sku s USING (sku_id) JOIN oms.company o ON o.company_id = i.company_id LEFT JOIN oms.supplier p USING (supplier_id) WHERE o.code = 'FULL' ORDER BY i.inbound_id;
SELECT * FROM kits;
SELECT code, name, currency, includes_tax, active FROM oms.price_list ORDER BY erp_key;
SELECT * FROM prices;
SELECT erp_key, kind, address1, city, state_code, pincode, active FROM oms.customer_address ORDER BY erp_key;
SELECT erp_key, name, phone, lead_days, active FROM oms.supplier ORDER BY erp_key;
SELECT erp_key, number, reference, customer_key, node_key, status, erp_status, ordered_at, total, lines FROM oms.erp_order ORDER BY erp_key;
SELECT erp_key, number, order_key, node_key, status, awb, shipped_at FROM oms.erp_shipment;
SELECT erp_key, number, order_key, status, received_at FROM oms.erp_return;
SELECT erp_key, node, item, qty, CASE WHEN erp_key <> '3' THEN due_at END AS due_at, document, state, supplier FROM coming;
SELECT * FROM waiting;
SELECT source, external_ref, sqlstate, message, detail, hint FROM oms.reject WHERE resolved_at IS NULL ORDER BY source, external_ref;

-- what was missing comes: the prices of a service that is goods now, the supply of it, the address of a partner who buys now, a list
UPDATE product SET kind = 'goods' WHERE id = 4;
INSERT INTO list VALUES (9, 'NINE', 'INR', true);
INSERT INTO partner VALUES (7, 'New', true, false, NULL), (8, 'Late', false, true, NULL);
SELECT oms.erp_apply();
SELECT * FROM prices;
SELECT erp_key, kind, address1, state_code FROM oms.customer_address WHERE erp_key = '3';
SELECT erp_key, node, item, qty, state, supplier FROM coming;
SELECT * FROM waiting;
SELECT * FROM oms.erp_verify();

-- kits: a part more, one less, a quantity; a part that is no item, a kit in a kit, until that is none
INSERT INTO product VALUES (6, 'RIBBON', 'service', 1);
INSERT INTO bom VALUES (3, 6, 1);
UPDATE bom SET qty = 3 WHERE part = 1;
DELETE FROM bom WHERE part = 2;
SELECT oms.erp_apply();
SELECT * FROM kits;
SELECT external_ref, message, detail FROM oms.reject WHERE source = 'erp.kit' AND resolved_at IS NULL;
UPDATE product SET kind = 'goods' WHERE id = 6;
INSERT INTO bom VALUES (1, 5, 0.1);
SELECT oms.erp_apply();
SELECT * FROM kits;
SELECT external_ref, message, detail FROM oms.reject WHERE source = 'erp.kit' AND resolved_at IS NULL;
SELECT * FROM waiting;
DELETE FROM bom WHERE kit = 1;
INSERT INTO bom VALUES (3, 5, 0);
SELECT oms.erp_apply();
SELECT * FROM kits;
SELECT external_ref, message, detail FROM oms.reject WHERE source = 'erp.kit' AND resolved_at IS NULL;
UPDATE bom SET qty = 0.25 WHERE qty = 0;
SELECT * FROM oms.erp_verify();
SELECT * FROM kits;
SELECT count(*) AS open FROM oms.reject WHERE source = 'erp.kit' AND resolved_at IS NULL;

-- price lists: a price moves to another quantity, two change places, one ends, a list is hidden and deleted
UPDATE list_price SET min_qty = 24 WHERE id = 2;
UPDATE list_price SET product = 5 WHERE id = 1;
DELETE FROM list_price WHERE id = 4;
INSERT INTO list_price VALUES (5, 1, 4, 0, 440, NULL, NULL);
UPDATE list SET hidden = true WHERE id = 9;
SELECT oms.erp_apply();
SELECT * FROM prices;
UPDATE list_price SET min_qty = 24 - min_qty, product = 6 - product WHERE id IN (1, 2);
DELETE FROM list WHERE id = 9;
SELECT oms.erp_apply();
SELECT * FROM prices;
SELECT code, active FROM oms.price_list ORDER BY erp_key;
SELECT * FROM oms.erp_verify();

-- addresses and suppliers: what the ERP does not say stays, what is gone is no longer used
UPDATE address SET street = '9, MG Road', city = NULL WHERE id = 1;
UPDATE address SET gone = true WHERE id = 2;
DELETE FROM address WHERE id = 3;
UPDATE partner SET sells = false WHERE id = 3;
UPDATE partner SET phone = NULL, name = 'Old Mill' WHERE id = 2;
SELECT * FROM oms.erp_verify();
SELECT erp_key, address1, city, active FROM oms.customer_address ORDER BY erp_key;
SELECT erp_key, name, phone, active FROM oms.supplier ORDER BY erp_key;

-- documents: a word gets a meaning, states move, lines change, one is deleted
INSERT INTO oms.erp_status (profile, entity, erp_value, oms_value) VALUES ('full', 'order', 'open/mystery', 'confirmed');
SELECT oms.erp_refresh('order');
SELECT erp_key, status, erp_status FROM oms.erp_order ORDER BY erp_key;
UPDATE sale SET delivery = 'some' WHERE id = 1;
UPDATE sale SET state = 'void', delivery = 'whatever' WHERE id = 2;
UPDATE sale_line SET qty = 4 WHERE sale = 1;
UPDATE parcel SET state = 'gone', awb = 'AWB1', done_at = '2026-03-03 18:00+05:30' WHERE id = 1;
UPDATE parcel SET state = 'lost' WHERE id = 2;
SELECT oms.erp_apply() > 0 AS some;
SELECT erp_key, status, erp_status, lines FROM oms.erp_order ORDER BY erp_key;
SELECT status, erp_status, awb, shipped_at FROM oms.erp_shipment;
SELECT status, erp_status, received_at FROM oms.erp_return;
SELECT type, payload FROM oms.event WHERE topic = 'erp' ORDER BY event_id;
SELECT source, external_ref, message FROM oms.reject WHERE resolved_at IS NULL ORDER BY source, external_ref;
DELETE FROM sale WHERE id = 2;
UPDATE parcel SET back = false WHERE id = 2;
SELECT * FROM oms.erp_verify();
SELECT erp_key FROM oms.erp_order;
SELECT (SELECT count(*) FROM oms.erp_shipment) AS shipments, (SELECT count(*) FROM oms.erp_return) AS returns;
SELECT h.* FROM oms.company c, oms.erp_held(c.company_id) h WHERE c.code = 'FULL';

-- which is which: by the channel's number, by ours, by the courier's
INSERT INTO oms.channel (channel_id, company_id, code, name, kind) SELECT v.id, company_id, v.code, v.code, 'web' FROM oms.company, (VALUES (9401, 'W1'), (9402, 'W2')) v (id, code) WHERE oms.company.code = 'FULL';
INSERT INTO oms."order" (company_id, order_id, channel_id, external_id, document_hash, status, placed_at, currency, payment_mode, goods_amount, total_amount)
SELECT company_id, v.id, v.channel, v.ext, '', 'captured', now(), 'INR', 'PREPAID', 1, 1 FROM oms.company, (VALUES (940001, 9401, 'web-1'), (940002, 9401, 'web-3'), (940003, 9402, 'web-3')) v (id, channel, ext) WHERE oms.company.code = 'FULL';
CREATE TEMP VIEW links AS SELECT l.entity, l.erp_key, l.oms_key, l.origin, l.doc_hash = oms.erp_doc_hash(l.entity, l.company_id, l.erp_key) AS now FROM oms.erp_link l JOIN oms.company o USING (company_id) WHERE o.code = 'FULL' ORDER BY 1, 2;
INSERT INTO sale VALUES (3, 'SO3', 'OMS-940002', 1, 1, 'draft', 'none', '2026-03-05 10:00+05:30', 1), (4, 'SO4', 'OMS-940002/2', 1, 1, 'draft', 'none', '2026-03-05 10:00+05:30', 1),
    (5, 'SO5', 'web-3', 1, 1, 'draft', 'none', '2026-03-05 10:00+05:30', 1), (6, 'SO6', 'OMS-1', 1, 1, 'draft', 'none', '2026-03-05 10:00+05:30', 1), (7, 'SO7', 'OMS-99999999999999999999', 1, 1, 'draft', 'none', '2026-03-05 10:00+05:30', 1);
SELECT oms.erp_apply() > 0 AS some;
SELECT * FROM links;
SELECT oms.erp_find_links(company_id, 'order') FROM oms.company WHERE code = 'FULL';
SELECT * FROM links;
UPDATE sale SET total = 7 WHERE id = 3;
UPDATE sale SET ref = NULL WHERE id IN (1, 4);
DELETE FROM sale WHERE id = 3;
SELECT oms.erp_apply() > 0 AS some;
SELECT * FROM links;
SELECT * FROM oms.erp_verify();

-- supply: some of it came, another node, no more; what users receive is not theirs
UPDATE purchase SET came = 90, due = '2026-05-01' WHERE id = 1;
UPDATE purchase SET place = 2 WHERE id = 2;
UPDATE purchase SET qty = 0 WHERE id = 3;
SELECT oms.erp_apply() > 0 AS some;
SELECT erp_key, node, item, qty, document, state FROM coming;
SAVEPOINT s;
SELECT oms.receive_inbound('erp:1', 1, 'receipt 1', 'FULL');
\echo :LAST_ERROR_SQLSTATE
ROLLBACK TO s;
UPDATE purchase SET closed = true WHERE id = 1;
SELECT * FROM oms.erp_verify();
SELECT erp_key, node, item, qty, state FROM coming;

-- supply of what becomes a kit ends all the same
INSERT INTO bom VALUES (4, 1, 1);
SELECT oms.erp_apply();
DELETE FROM purchase WHERE id = 2;
SELECT * FROM oms.erp_verify();
SELECT erp_key, item, qty, state FROM coming WHERE erp_key = '2';
SELECT paused FROM oms.erp_attachment;

-- a query that fails pauses its entity alone
ALTER TABLE sale_line RENAME unit_factor TO factor;
UPDATE sale SET total = 8 WHERE id = 1;
UPDATE product SET price = 41 WHERE id = 1;
SELECT oms.erp_apply();
SELECT amount FROM prices WHERE item = 'SOAP' AND list IS NULL;
SELECT paused FROM oms.erp_attachment;
ALTER TABLE sale_line RENAME factor TO unit_factor;
ALTER TABLE product RENAME unit_factor TO f;
SELECT r FROM oms.attach_erp('full') AS r WHERE r ~ 'paused|order';
UPDATE sale SET total = 9 WHERE id = 1;
UPDATE product SET price = 42 WHERE id = 1;
SELECT oms.erp_apply();
SELECT amount FROM prices WHERE item = 'SOAP' AND list IS NULL;
SELECT paused FROM oms.erp_attachment;
SELECT payload - 'profile' FROM oms.event WHERE type = 'erp.paused' ORDER BY event_id;
ALTER TABLE product RENAME f TO unit_factor;
SELECT r FROM oms.attach_erp('full') AS r WHERE r ~ 'paused|order';
SELECT total FROM oms.erp_order WHERE erp_key = '1';
SELECT * FROM oms.erp_verify();

-- detached and attached again: all keys are known
SELECT oms.detach_erp('full');
DELETE FROM bom WHERE part = 6;
UPDATE bom SET qty = 7;
SELECT r FROM oms.attach_erp('full') AS r WHERE r LIKE 'entity%';
SELECT * FROM oms.erp_verify();
ROLLBACK;
