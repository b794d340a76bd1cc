-- A connector is rows: an ERP and its profile made here; attached, changed,
-- verified, its tables altered, attached again, detached.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pg_oms CASCADE;
BEGIN;
SELECT oms.install() \g /dev/null
RESET client_min_messages;
\set SHOW_CONTEXT never

CREATE SCHEMA "Toy";
SET LOCAL search_path = "Toy", public;
CREATE TABLE firm (id int PRIMARY KEY, name text);
INSERT INTO firm VALUES (1, 'Toy Traders'), (2, 'Other');
CREATE TABLE place (code text PRIMARY KEY, pin text, region text);
INSERT INTO place VALUES ('N', '110001', 'Delhi'), ('S', '560001', 'KA'), ('X', NULL, 'Atlantis');
CREATE TABLE product (id int PRIMARY KEY, sku text, title text, kg numeric, price numeric, gst numeric, live boolean, remark text);
INSERT INTO product VALUES (1, 'A', 'Ball', 0.25, 100, 12, true), (2, 'B', 'Bat', 1.2, 900.5, 18, true), (3, 'C', NULL, NULL, -1, NULL, NULL);
CREATE TABLE level (place text, product int, qty float8, PRIMARY KEY (place, product));
INSERT INTO level VALUES ('N', 1, 10), ('S', 1, 2.5), ('N', 2, NULL), ('?', 1, 7), ('N', 99, 7);
CREATE TABLE booking (id serial PRIMARY KEY, place text, product int, qty float8 CHECK (abs(qty) < 1000), done boolean);

INSERT INTO oms.erp_profile (profile, title, params, company_query) VALUES
('toy', 'A toy', '{"firm": 1, "schema": "Toy"}', 'SELECT id AS key, ''TOY'' AS code, name, NULL AS currency, NULL AS timezone, ''Karnataka'' AS state FROM @erp@.firm WHERE id = ($1->>''firm'')::int');
INSERT INTO oms.erp_entity (profile, entity, query) VALUES
('toy', 'node', $q$SELECT code AS key, code, 'Place ' || code AS name, pin AS pincode, region AS state FROM @erp@.place WHERE $1::text[] IS NULL OR code = ANY ($1)$q$),
('toy', 'sku', $q$SELECT id AS key, sku AS code, title AS name, kg * 1000 AS weight_g, gst::text AS tax_code, live AS active FROM @erp@.product WHERE $1::text[] IS NULL OR id = ANY ($1::int[]) -- ends in a remark$q$),
('toy', 'tax', $q$SELECT DISTINCT gst::text AS key, gst::text AS code, gst AS rate FROM @erp@.product WHERE gst IS NOT NULL AND ($1::text[] IS NULL OR gst::text = ANY ($1))$q$),
('toy', 'price', $q$SELECT id AS key, id AS item, price AS amount FROM @erp@.product WHERE $1::text[] IS NULL OR id = ANY ($1::int[])$q$),
('toy', 'stock', $q$SELECT place || '|' || product AS key, coalesce(qty, 0) AS on_hand FROM @erp@.level WHERE $1::text[] IS NULL OR place || '|' || product = ANY ($1)$q$);
INSERT INTO oms.erp_source (profile, entity, relation, watch, resolve) VALUES
('toy', 'node', '@erp@.place', '{code,pin,region}', $q$SELECT i->>'code' FROM unnest($1) i$q$),
('toy', 'sku', '@erp@.product', '{id,sku,title,kg,gst,live}', $q$SELECT i->>'id' FROM unnest($1) i$q$),
('toy', 'tax', '@erp@.product', '{id,gst}', $q$SELECT i->>'gst' FROM unnest($1) i$q$),
('toy', 'price', '@erp@.product', '{id,price}', $q$SELECT i->>'id' FROM unnest($1) i$q$),
('toy', 'stock', '@erp@.level', '{place,product,qty}', $q$SELECT (i->>'place') || '|' || (i->>'product') FROM unnest($1) i$q$);
INSERT INTO oms.erp_call_map (profile, kind, send_sql, done_sql) VALUES
('toy', 'stock_out', 'INSERT INTO booking (place, product, qty, done) VALUES ($1, $2::int, - $3, false) RETURNING id::text',
 'SELECT r, b.done FROM unnest($1) r LEFT JOIN @erp@.booking b ON b.id = r::int WHERE b.done IS NOT NULL');

-- refusals
SAVEPOINT s;
SELECT oms.attach_erp('nosuch');
\echo :LAST_ERROR_SQLSTATE
ROLLBACK TO s;
SELECT oms.attach_erp('toy', '{"schema": "public"}');
\echo :LAST_ERROR_SQLSTATE
ROLLBACK TO s;
SELECT oms.attach_erp('toy', '{"firm": 3}');
\echo :LAST_ERROR_SQLSTATE
ROLLBACK TO s;
SELECT oms.detach_erp('toy');
\echo :LAST_ERROR_SQLSTATE
ROLLBACK TO s;
SELECT oms.erp_refresh('stocks');
\echo :LAST_ERROR_SQLSTATE
ROLLBACK TO s;
SELECT oms.erp_verify('stocks');
\echo :LAST_ERROR_SQLSTATE
ROLLBACK TO s;

SELECT * FROM oms.attach_erp('toy', dry_run => true);
SELECT * FROM oms.attach_erp('toy');
SELECT oms.attach_erp('shop');
\echo :LAST_ERROR_SQLSTATE
ROLLBACK TO s;
SELECT * FROM oms.attach_erp('toy') AS r WHERE r LIKE 'entity stock%';

CREATE TEMP VIEW stands AS SELECT n.code AS node, k.code AS sku, s.on_hand, s.reserved FROM oms.stock s JOIN oms.node n USING (node_id) JOIN oms.sku k USING (sku_id) ORDER BY 1, 2;
SELECT code, name, pincode, state_code, stock_from FROM oms.node ORDER BY code;
SELECT code, name, weight_g, tax_code, active FROM oms.sku ORDER BY code;
SELECT k.code, p.amount, p.includes_tax, p.valid_from FROM oms.price p JOIN oms.sku k USING (sku_id) ORDER BY 1;
SELECT code, rate FROM oms.tax_code ORDER BY code;
SELECT * FROM stands;
SELECT reason, count(*) FROM oms.stock_ledger GROUP BY 1;
SELECT * FROM oms.erp_verify();

-- capture: what is watched, and nothing else
UPDATE product SET remark = 'not watched';
UPDATE level SET qty = qty;
SELECT count(*) AS nothing FROM oms.erp_change;
UPDATE level SET qty = 9 WHERE place = 'N' AND product = 1;
INSERT INTO level VALUES ('S', 2, 4);
DELETE FROM level WHERE place = 'S' AND product = 1;
UPDATE product SET price = price + 1, title = repeat('long', 1000) WHERE id = 1;
SELECT relation, op, changes, left(images::text, 120) AS images FROM oms.erp_change ORDER BY change_id;
SELECT relation, pending, state, problem FROM oms.erp_lag() ORDER BY relation;

-- a role of the ERP's that knows nothing of us, by COPY too
CREATE ROLE regress_erp_user;
GRANT USAGE ON SCHEMA "Toy" TO regress_erp_user;
GRANT SELECT, INSERT, UPDATE ON level TO regress_erp_user;
SET ROLE regress_erp_user;
UPDATE level SET qty = 4 WHERE place = 'S' AND product = 2;
COPY level FROM stdin;
S	3	5
X	3	6
\.
RESET ROLE;
SELECT op, sum(changes) FROM oms.erp_change GROUP BY op ORDER BY op;

-- a promise sees it before anybody took it in
SELECT n.code, p.on_hand FROM oms.sku k, oms.erp_pending(k.company_id, k.sku_id) p JOIN oms.node n USING (node_id) WHERE k.code = 'A' ORDER BY 1;
SELECT * FROM stands;
-- an application's role takes it in, with no right on the ERP's tables
CREATE ROLE regress_erp_app;
SELECT oms.grant_role('app', 'regress_erp_app') \g /dev/null
SET ROLE regress_erp_app;
SELECT node, on_hand FROM oms.available('A', 'N');
SELECT oms.erp_apply();
SELECT oms.erp_apply() AS again;
RESET ROLE;
SELECT * FROM stands;
SELECT code, length(name) FROM oms.sku WHERE code = 'A';
SELECT * FROM oms.erp_verify();

-- stock before its item, codes that change places, an item that goes
INSERT INTO level VALUES ('N', 4, 44);
SELECT oms.erp_apply();
INSERT INTO product VALUES (4, 'D', 'Doll', 1, 50, 12, true);
UPDATE product SET sku = CASE id WHEN 1 THEN 'B' ELSE 'A' END WHERE id IN (1, 2);
DELETE FROM product WHERE id = 3;
SELECT oms.erp_apply();
SELECT code, erp_key, active FROM oms.sku ORDER BY erp_key;
SELECT * FROM stands WHERE sku = 'D';
SELECT * FROM oms.erp_verify();

-- a row that cannot be taken in stands alone
UPDATE product SET price = 1e15 WHERE id = 1;
UPDATE product SET price = 51 WHERE id = 4;
SELECT oms.erp_apply();
SELECT source, external_ref, message, attempts FROM oms.reject;
SELECT k.erp_key, p.amount FROM oms.price p JOIN oms.sku k USING (sku_id) ORDER BY 1;
SELECT drifted, erp_key FROM oms.erp_verify();
UPDATE product SET price = 1 WHERE id = 1;
SELECT * FROM oms.erp_verify();

-- TRUNCATE; the user's own settings stay
UPDATE oms.node SET open = false, kind = 'dark_store' WHERE code = 'N';
UPDATE oms.sku SET return_days = 3 WHERE code = 'A';
TRUNCATE level;
INSERT INTO level VALUES ('N', 1, 1);
UPDATE place SET pin = '110002' WHERE code = 'N';
SELECT oms.erp_apply();
SELECT * FROM stands;
SELECT code, kind, open, pincode FROM oms.node WHERE code = 'N';
SELECT * FROM oms.erp_verify();
UPDATE oms.node SET open = true WHERE code = 'N';

-- write-back: what left is neither free nor counted twice
INSERT INTO oms.reservation (company_id, reservation_id, node_id, sku_id, qty, state, allocation_id)
SELECT company_id, 1000, node_id, sku_id, 1, 'leaving', 1 FROM oms.stock JOIN oms.node n USING (company_id, node_id) JOIN oms.sku k USING (company_id, sku_id) WHERE n.code = 'N' AND k.erp_key = '1';
UPDATE oms.stock s SET reserved = 1 FROM oms.reservation r WHERE r.reservation_id = 1000 AND s.node_id = r.node_id AND s.sku_id = r.sku_id;
INSERT INTO oms.erp_call (company_id, call_id, kind, node_id, sku_id, qty, document, reservation_id)
SELECT company_id, 1, 'stock_out', node_id, sku_id, qty, 'shipment 1', 1000 FROM oms.reservation WHERE reservation_id = 1000
UNION ALL SELECT company_id, 2, 'stock_out', node_id, sku_id, 5000, 'shipment 2', NULL FROM oms.reservation WHERE reservation_id = 1000
UNION ALL SELECT company_id, 3, 'stock_in', node_id, sku_id, 1, 'return 1', NULL FROM oms.reservation WHERE reservation_id = 1000;
SELECT oms.erp_send();
SELECT call_id, state, attempts, error, next_at > now() AS later FROM oms.erp_call ORDER BY call_id;
SELECT oms.erp_send() AS not_due;
UPDATE oms.erp_call SET attempts = 7, next_at = now() WHERE call_id = 2;
SELECT oms.erp_send();
SELECT state FROM oms.erp_call WHERE call_id = 2;
SELECT type, payload FROM oms.event WHERE topic = 'erp' ORDER BY event_id;
SELECT place, product, qty FROM booking;
SELECT * FROM stands WHERE node = 'N' AND sku = 'B';
UPDATE booking SET done = true;
UPDATE level SET qty = 0 WHERE place = 'N' AND product = 1;
SELECT n.code, p.on_hand AS with_what_left FROM oms.sku k, oms.erp_pending(k.company_id, k.sku_id) p JOIN oms.node n USING (node_id) WHERE k.erp_key = '1' ORDER BY 1;
SELECT oms.erp_apply();
SELECT * FROM stands WHERE node = 'N' AND sku = 'B';
SELECT state, close_reason FROM oms.reservation WHERE reservation_id = 1000;
SELECT call_id, state FROM oms.erp_call ORDER BY call_id;
-- what failed is for people to settle
SAVEPOINT t;
SELECT oms.erp_settle(99);
\echo :LAST_ERROR_SQLSTATE
ROLLBACK TO t;
SELECT oms.erp_settle(1);
\echo :LAST_ERROR_SQLSTATE
ROLLBACK TO t;
SELECT oms.erp_settle(2, again => true);
SELECT call_id, state, attempts, next_at > now() AS later FROM oms.erp_call WHERE call_id = 2;
UPDATE oms.erp_call SET state = 'failed' WHERE call_id = 2;
SELECT oms.erp_settle(2);
-- what was told and is refused later
UPDATE oms.erp_call_map SET refused_sql = 'SELECT r, ''gone: '' || r FROM unnest($1) r WHERE NOT EXISTS (SELECT FROM @erp@.booking b WHERE b.id = r::int)' WHERE profile = 'toy';
INSERT INTO oms.reservation (company_id, reservation_id, node_id, sku_id, qty, state, allocation_id)
SELECT company_id, 1001, node_id, sku_id, 2, 'leaving', 2 FROM oms.reservation WHERE reservation_id = 1000;
UPDATE oms.stock s SET reserved = reserved + 2, backorder_limit = 2 FROM oms.reservation r WHERE r.reservation_id = 1001 AND s.node_id = r.node_id AND s.sku_id = r.sku_id;
INSERT INTO oms.erp_call (company_id, call_id, kind, node_id, sku_id, qty, document, reservation_id)
SELECT company_id, 4, 'stock_out', node_id, sku_id, 2, 'shipment 4', 1001 FROM oms.reservation WHERE reservation_id = 1001;
SELECT oms.erp_send();
DELETE FROM booking WHERE qty = -2;
UPDATE oms.erp_call SET next_at = now() - interval '1 hour' WHERE call_id = 4;
SELECT oms.erp_send();
SELECT call_id, state, error LIKE 'gone: %' AS told_why FROM oms.erp_call WHERE call_id = 4;
SELECT oms.erp_settle(4);
SELECT state, close_reason FROM oms.reservation WHERE reservation_id = 1001;
SELECT * FROM stands WHERE node = 'N' AND sku = 'B';

-- the ERP alters its tables
ALTER TABLE product RENAME price TO list_price;
ALTER TABLE product ADD COLUMN colour text;
UPDATE product SET list_price = 2 WHERE id = 1;
UPDATE level SET qty = 3 WHERE place = 'N' AND product = 1;
SELECT relation, pending, state, problem FROM oms.erp_lag() ORDER BY relation;
SELECT n.code, p.on_hand AS stock_goes_on FROM oms.sku k, oms.erp_pending(k.company_id, k.sku_id) p JOIN oms.node n USING (node_id) WHERE k.erp_key = '1' ORDER BY 1;
SELECT oms.erp_apply();
SELECT relation, pending, state, problem FROM oms.erp_lag() ORDER BY relation;
SELECT type, payload FROM oms.event WHERE type = 'erp.paused';
SELECT amount AS still FROM oms.price p JOIN oms.sku k USING (sku_id) WHERE k.erp_key = '1';
SAVEPOINT t;
SELECT oms.attach_erp('toy');
ROLLBACK TO t;
ALTER TABLE product RENAME list_price TO price;
ALTER TABLE product ALTER price TYPE numeric(12,2);
SELECT oms.attach_erp('toy') \g /dev/null
SELECT relation, pending, state, problem FROM oms.erp_lag() ORDER BY relation;
SELECT amount AS now FROM oms.price p JOIN oms.sku k USING (sku_id) WHERE k.erp_key = '1';
-- a column the query needs and nobody watches
ALTER TABLE level ADD COLUMN lot text;
UPDATE oms.erp_entity SET query = replace(query, 'FROM @erp@.level WHERE', 'FROM @erp@.level WHERE lot IS NULL AND') WHERE profile = 'toy' AND entity = 'stock';
UPDATE level SET qty = 8;
SELECT oms.erp_apply();
ALTER TABLE level DROP COLUMN lot;
UPDATE level SET qty = 9;
SELECT oms.erp_apply();
SELECT payload->>'entity' AS entity, payload->>'why' AS why FROM oms.event WHERE type = 'erp.paused' ORDER BY event_id;
UPDATE oms.erp_entity SET query = replace(query, 'lot IS NULL AND', '') WHERE profile = 'toy' AND entity = 'stock';
DROP TRIGGER oms_capture ON level;
SELECT relation, state, problem FROM oms.erp_lag() WHERE problem IS NOT NULL;
SELECT oms.attach_erp('toy') \g /dev/null
SELECT relation, state, problem FROM oms.erp_lag() WHERE problem IS NOT NULL;
SELECT * FROM stands WHERE node = 'N' AND sku = 'B';
SELECT * FROM oms.erp_verify();

-- detached: nothing of ours is left on its tables, and we count
ALTER TABLE level RENAME TO stock_level;
SELECT oms.detach_erp('toy');
SELECT count(*) AS triggers FROM pg_trigger WHERE tgrelid IN (SELECT oid FROM pg_class WHERE relnamespace = '"Toy"'::regnamespace) AND NOT tgisinternal;
SELECT DISTINCT stock_from FROM oms.node;
SELECT count(*) AS attached FROM oms.erp_attachment;
SELECT call_id, state, error FROM oms.erp_call ORDER BY call_id;
SELECT oms.erp_apply() AS nothing, oms.erp_send() AS to_do;
ALTER TABLE stock_level RENAME TO level;
-- and again: all keys are known
SELECT * FROM oms.attach_erp('toy') AS r WHERE r LIKE 'entity%';
SELECT * FROM oms.erp_verify();
ROLLBACK;
