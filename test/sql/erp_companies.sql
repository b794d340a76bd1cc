-- Several companies of one ERP: one profile, attached for each. A change is
-- looked at for all of them; what each has is its own.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pg_oms CASCADE;
BEGIN;
SELECT oms.install() \g /dev/null
RESET client_min_messages;
\set SHOW_CONTEXT never
CREATE SCHEMA group_erp;
SET LOCAL search_path = group_erp, public;
CREATE TABLE firm (id int PRIMARY KEY, code text);
INSERT INTO firm VALUES (1, 'NORTH'), (2, 'SOUTH');
CREATE TABLE place (id int PRIMARY KEY, firm int, code text);
INSERT INTO place VALUES (1, 1, 'DEL'), (2, 2, 'MAA'), (3, 2, 'BLR');
CREATE TABLE product (id int PRIMARY KEY, code text);          -- shared
INSERT INTO product VALUES (1, 'TEA'), (2, 'SALT');
CREATE TABLE price (product int, firm int, amount numeric, PRIMARY KEY (product, firm));
INSERT INTO price VALUES (1, 1, 100), (1, 2, 90), (2, 2, 20);
CREATE TABLE level (place int, product int, qty numeric, PRIMARY KEY (place, product));
INSERT INTO level VALUES (1, 1, 10), (2, 1, 20), (3, 2, 30);
CREATE TABLE booking (id serial PRIMARY KEY, place int, product int, qty numeric);
INSERT INTO oms.erp_profile (profile, title, params, company_param, company_query) VALUES
('group', 'A group', '{"schema": "group_erp"}', 'firm', 'SELECT id AS key, code, code AS name, ''INR'' AS currency, ''Asia/Kolkata'' AS timezone, ''29'' AS state FROM @erp@.firm WHERE $1->>''firm'' IS NULL OR id = ($1->>''firm'')::int ORDER BY id');
INSERT INTO oms.erp_entity (profile, entity, query) VALUES
('group', 'node', $q$SELECT id AS key, code, '29' AS state FROM @erp@.place WHERE firm = ($2->>'firm')::int AND ($1::text[] IS NULL OR id = ANY ($1::int[]))$q$),
('group', 'sku', $q$SELECT id AS key, code, '6109' AS hsn FROM @erp@.product WHERE $1::text[] IS NULL OR id = ANY ($1::int[])$q$),
('group', 'price', $q$SELECT product AS key, product AS item, amount FROM @erp@.price WHERE firm = ($2->>'firm')::int AND ($1::text[] IS NULL OR product = ANY ($1::int[]))$q$),
('group', 'stock', $q$SELECT place || '|' || product AS key, qty AS on_hand FROM @erp@.level WHERE $1::text[] IS NULL OR place || '|' || product = ANY ($1)$q$);
INSERT INTO oms.erp_source (profile, entity, relation, watch, resolve) VALUES
('group', 'node', '@erp@.place', '{id,firm,code}', $q$SELECT i->>'id' FROM unnest($1) i$q$),
('group', 'sku', '@erp@.product', '{id,code}', $q$SELECT i->>'id' FROM unnest($1) i$q$),
('group', 'price', '@erp@.price', '{product,firm,amount}', $q$SELECT i->>'product' FROM unnest($1) i$q$),
('group', 'stock', '@erp@.level', '{place,product,qty}', $q$SELECT (i->>'place') || '|' || (i->>'product') FROM unnest($1) i$q$);
INSERT INTO oms.erp_call_map (profile, kind, send_sql, done_sql) VALUES
('group', 'stock_out', 'INSERT INTO booking (place, product, qty) VALUES ($1::int, $2::int, - $3) RETURNING id::text', 'SELECT r, true FROM unnest($1) r JOIN @erp@.booking b ON b.id = r::int');

SELECT r FROM oms.attach_erp('group', '{"firm": 1}') AS r WHERE r ~ 'entity (node|price|stock)|company';
SELECT r FROM oms.attach_erp('group', '{"firm": 2}') AS r WHERE r ~ 'entity (node|price|stock)|company';
SAVEPOINT s;
SELECT oms.attach_erp('group', '{"firm": 2, "schema": "public"}');
\echo :LAST_ERROR_SQLSTATE
ROLLBACK TO s;
SELECT oms.attach_erp('shop');
\echo :LAST_ERROR_SQLSTATE
ROLLBACK TO s;
CREATE TEMP VIEW has AS SELECT c.code AS company, n.code AS node, k.code AS sku, s.on_hand, p.amount FROM oms.stock s JOIN oms.company c USING (company_id) JOIN oms.node n USING (node_id)
  JOIN oms.sku k ON k.sku_id = s.sku_id LEFT JOIN oms.price p ON p.company_id = s.company_id AND p.sku_id = s.sku_id WHERE c.code IN ('NORTH', 'SOUTH') ORDER BY 1, 2, 3;
SELECT * FROM has;
SELECT * FROM oms.erp_verify();
SELECT relation, pending, state, problem FROM oms.erp_lag();
SELECT entity, state FROM oms.erp_state();

-- one change of the ERP, taken in for whom it concerns
UPDATE price SET amount = amount + 1;
UPDATE product SET code = 'CHAI' WHERE id = 1;
UPDATE level SET qty = qty + 5;
INSERT INTO level VALUES (1, 2, 7);
INSERT INTO price VALUES (2, 1, 25);
SELECT oms.erp_apply() AS taken, oms.erp_apply() AS again;
SELECT * FROM has;
SELECT * FROM oms.erp_verify();
-- a place changes hands: closed there, opened here
UPDATE place SET firm = 1 WHERE id = 3;
SELECT * FROM oms.erp_verify();
SELECT c.code AS company, n.code AS node, n.open, n.stock_from FROM oms.node n JOIN oms.company c USING (company_id) WHERE c.code IN ('NORTH', 'SOUTH') ORDER BY 1, 2;
SELECT * FROM has WHERE node = 'BLR';

-- a promise of either company sees it before anybody took it in, and takes nothing from the other
UPDATE level SET qty = 50 WHERE place = 2 AND product = 1;
UPDATE price SET amount = 777 WHERE product = 1;
SET LOCAL oms.company = 'SOUTH';
SELECT on_hand FROM oms.available('CHAI', 'MAA');
INSERT INTO oms.channel (company_id, code, name, kind) SELECT company_id, 'WEB', 'Web', 'web' FROM oms.company WHERE code IN ('NORTH', 'SOUTH');
SELECT oms.promise('{"company": "SOUTH", "channel": "WEB", "payment": {"mode": "PREPAID"}, "ship_to": {"pincode": "560001"}, "lines": [{"sku": "CHAI", "qty": 1}]}') IS NOT NULL AS asked;
SELECT company, amount FROM has WHERE sku = 'CHAI' ORDER BY 1, 2;
SELECT oms.erp_apply() > 0 AS some;
SELECT company, amount FROM has WHERE sku = 'CHAI' ORDER BY 1, 2;
SELECT * FROM oms.erp_verify();

-- bookings of each are told
INSERT INTO oms.erp_call (company_id, kind, node_id, sku_id, qty, document)
SELECT s.company_id, 'stock_out', s.node_id, s.sku_id, 1, 'shipment of ' || has.company FROM has JOIN oms.company c ON c.code = has.company JOIN oms.node n ON n.company_id = c.company_id AND n.code = has.node
  JOIN oms.stock s ON s.company_id = c.company_id AND s.node_id = n.node_id JOIN oms.sku k ON k.sku_id = s.sku_id AND k.code = has.sku WHERE has.node IN ('DEL', 'MAA') AND has.sku = 'CHAI';
SELECT oms.erp_send() AS of_one;
SELECT oms.erp_each('erp_send') AS of_all;
SELECT place, product, qty FROM booking ORDER BY place;
SHOW oms.company;
SAVEPOINT s;
SELECT oms.erp_each('install');
\echo :LAST_ERROR_SQLSTATE
ROLLBACK TO s;

-- all are detached together
SELECT oms.detach_erp('group');
SELECT count(*) AS attached FROM oms.erp_attachment;
SELECT DISTINCT c.code, n.stock_from FROM oms.node n JOIN oms.company c USING (company_id) WHERE c.code IN ('NORTH', 'SOUTH') ORDER BY 1;
SELECT count(*) AS triggers FROM pg_trigger WHERE tgrelid IN (SELECT oid FROM pg_class WHERE relnamespace = 'group_erp'::regnamespace) AND NOT tgisinternal;
ROLLBACK;
