-- oms.make_profile(): a profile for a schema of one's own from a mapping. The
-- worked example is that of doc/erp-generic.md (t/024_erp_generic.pl runs it
-- as written); here: odd names, types of keys, lookups, lists, sums, refusals.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pg_oms CASCADE;
RESET client_min_messages;
\set SHOW_CONTEXT never

BEGIN;
SELECT oms.install() \g /dev/null
CREATE SCHEMA "Our ERP";
SET LOCAL search_path = "Our ERP", public;
CREATE DOMAIN itemno AS integer CHECK (value > 0);
CREATE TABLE "Firm" (no smallint PRIMARY KEY, "Name" text, cur char(3));
INSERT INTO "Firm" VALUES (1, 'One', 'INR'), (2, 'Two', 'INR');
CREATE TABLE "Depot" (firm smallint, code char(4) PRIMARY KEY, descr text, addr integer, closed boolean DEFAULT false);
CREATE TABLE addr (id integer PRIMARY KEY, street text, zip text, state text);
INSERT INTO addr VALUES (1, '1 Main', '560001', 'KA'), (2, '2 "Side"', '400001', 'Maharashtra');
INSERT INTO "Depot" VALUES (1, 'N', 'North', 1), (1, 'S', 'South', 2), (2, 'X', 'Of the other', 2);
CREATE TABLE "order" ("select" itemno PRIMARY KEY, "Code ""x""" varchar(20), grp text, unit text, kg float8, rate numeric(5,2), gone date); -- items, of course
CREATE TABLE grp (name text PRIMARY KEY, label text);
INSERT INTO grp VALUES ('g1', 'First'), ('g2', 'Second');
INSERT INTO "order" VALUES (1, 'A', 'g1', 'PC', 0.25, 12, NULL), (2, 'B', 'g2', 'KG', 1, 5, NULL), (3, 'C', NULL, 'BAR', NULL, NULL, '2020-01-01'), (4, 'D', 'g2', 'KG', 2, 12, NULL);
CREATE TABLE cost (item integer, since date, price numeric, PRIMARY KEY (item, since));
INSERT INTO cost VALUES (1, '2026-01-01', 100), (1, '2026-06-01', 110), (2, '2026-01-01', 50.5);
CREATE TABLE moves (id bigserial PRIMARY KEY, depot char(4), item integer, qty numeric, state text);
INSERT INTO moves (depot, item, qty, state) VALUES ('N', 1, 10, 'done'), ('N', 1, -3, 'done'), ('N', 1, -5, 'draft'), ('S', 1, 4, 'done'), ('N', 2, 2.5, 'done');
CREATE TABLE sale (id uuid PRIMARY KEY, who text, depot char(4), st text, at timestamptz);
CREATE TABLE sale_line (sale uuid, n integer, item integer, qty numeric, price numeric);
INSERT INTO sale VALUES ('00000000-0000-0000-0000-000000000001', 'Asha', 'N', 'NEW', '2026-03-01 10:00+05:30'), ('00000000-0000-0000-0000-000000000002', 'Ravi', 'S', 'ODD', '2026-03-02 10:00+05:30');
INSERT INTO sale_line VALUES ('00000000-0000-0000-0000-000000000001', 1, 1, 2, 100), ('00000000-0000-0000-0000-000000000001', 2, 2, 0.5, 50.5);

CREATE TEMP TABLE m (mapping jsonb);
INSERT INTO m VALUES ($${
  "title": "Our own", "schema": "Our ERP",
  "company": {"table": "Firm", "key": "no", "columns": {"code": {"sql": "'F' || no"}, "name": "Name", "currency": "cur", "state": {"value": "29"}}},
  "entities": {
    "node": {"table": "Depot", "key": "code", "company": "firm", "where": "NOT closed", "columns": {"name": "descr",
             "address": {"table": "addr", "match": {"id": "addr"}, "column": "street"}, "pincode": {"table": "addr", "match": {"id": "addr"}, "column": "zip"}, "state": {"table": "addr", "match": {"id": "addr"}, "column": "state"}}},
    "sku": {"table": "order", "key": "select", "columns": {"code": "Code \"x\"", "category": {"table": "grp", "match": {"name": "grp"}, "column": "label"}, "uom": {"column": "unit", "words": "uom"},
            "weight_g": {"sql": "kg * 1000"}, "tax_code": {"sql": "rate::text"}, "active": {"sql": "gone IS NULL"}, "cod_ok": false}},
    "tax": {"table": "order", "key": "rate", "where": "rate IS NOT NULL -- 0 is a rate", "distinct": true, "columns": {"code": {"sql": "rate::text"}, "rate": "rate"}},
    "price": {"table": "cost", "key": ["item", "since"], "columns": {"item": "item", "amount": "price", "valid_from": "since", "includes_tax": {"value": true}}},
    "stock": {"table": "moves", "key": ["depot", "item"], "where": "state = 'done'", "columns": {"on_hand": {"sum": "qty"}}},
    "order": {"table": "sale", "key": "id", "columns": {"status": "st", "ordered_at": "at", "node": {"sql": "rtrim(depot)"}, "lines": {"table": "sale_line", "match": {"sale": "id"}, "order": "n", "columns": {"item": "item", "qty": "qty", "unit_price": "price"}}}}
  },
  "words": {"uom": {"PC": "NOS", "KG": "KGS"}, "order": {"NEW": "confirmed"}}
}$$);
SELECT oms.make_profile('ours', mapping) FROM m;
SELECT relation, entity, watch FROM oms.erp_source WHERE profile = 'ours' ORDER BY entity COLLATE "C", relation COLLATE "C";
SELECT entity, query FROM oms.erp_entity WHERE profile = 'ours' AND entity IN ('node', 'price') ORDER BY entity COLLATE "C";
SELECT resolve FROM oms.erp_source WHERE profile = 'ours' AND relation = '@erp@.addr';
SELECT severity, entity, "column", problem, example FROM oms.check_profile('ours') WHERE severity <> 'info';
SELECT r FROM oms.attach_erp('ours', '{"company": "1"}') AS r WHERE r LIKE 'entity%' OR r LIKE 'company%';
CREATE TEMP VIEW picture AS
SELECT l FROM (
    SELECT concat_ws('|', 'node', code, name, address, pincode, state_code, open) FROM oms.node
    UNION ALL SELECT concat_ws('|', 'sku', code, category, uom, weight_g, tax_code, cod_ok, active) FROM oms.sku
    UNION ALL SELECT concat_ws('|', 'tax', code, rate) FROM oms.tax_code
    UNION ALL SELECT concat_ws('|', 'price', k.code, p.amount, to_char(p.valid_from AT TIME ZONE 'Asia/Kolkata', 'YYYY-MM-DD')) FROM oms.price p JOIN oms.sku k USING (sku_id)
    UNION ALL SELECT concat_ws('|', 'order', erp_key, node_key, status, erp_status, lines) FROM oms.erp_order
    UNION ALL SELECT concat_ws('|', 'stock', n.code, k.code, trim_scale(s.on_hand)) FROM oms.stock s JOIN oms.node n USING (node_id) JOIN oms.sku k USING (sku_id)) AS x (l) ORDER BY l COLLATE "C";
SELECT * FROM picture;
SELECT * FROM oms.erp_verify();

CREATE TEMP TABLE was AS TABLE picture;
UPDATE addr SET zip = '560002' WHERE id = 1;
UPDATE "Depot" SET closed = true WHERE code = 'S';
UPDATE grp SET label = 'Erste' WHERE name = 'g1';
UPDATE "order" SET rate = 18 WHERE "select" = 2;
UPDATE "order" SET "Code ""x""" = 'A-1' WHERE "select" = 1;
UPDATE cost SET since = '2026-07-01' WHERE item = 1 AND since = '2026-06-01';
INSERT INTO moves (depot, item, qty, state) VALUES ('N', 1, 1, 'done');
UPDATE moves SET state = 'done' WHERE state = 'draft';
UPDATE sale_line SET qty = 3 WHERE n = 1;
UPDATE sale SET st = 'NEW' WHERE who = 'Ravi';
SELECT oms.erp_apply() > 0 AS taken;
SELECT '-' AS "?", l FROM (TABLE was EXCEPT TABLE picture) AS x UNION ALL SELECT '+', l FROM (TABLE picture EXCEPT TABLE was) AS x ORDER BY 2, 1;
SELECT * FROM oms.erp_verify();

-- made anew while attached
SELECT oms.make_profile('ours', jsonb_set(mapping, '{entities,node,columns,name}', '"code"')) FROM m;
SELECT count(*) > 0 AS attached FROM oms.attach_erp('ours', '{"company": "1"}');
SELECT code, name FROM oms.node ORDER BY code;
-- it has a text like any other
SELECT count(*) > 10 AS lines FROM regexp_split_to_table(oms.export_profile('ours'), E'\n');
SELECT oms.detach_erp('ours');

-- keys go by an index
CREATE TABLE big AS SELECT g AS id, 'c' || g AS code FROM generate_series(1, 20000) AS g;
ALTER TABLE big ADD PRIMARY KEY (id);
CREATE TABLE bigstock AS SELECT 'N'::text AS depot, g AS item, 1 AS qty FROM generate_series(1, 20000) AS g;
CREATE INDEX ON bigstock (item, depot);
ANALYZE big, bigstock;
SELECT oms.make_profile('large', '{"schema": "Our ERP", "company": {"code": "L"}, "entities": {"sku": {"table": "big", "key": "id", "columns": {"code": "code"}}, "stock": {"table": "bigstock", "key": ["depot", "item"], "columns": {"on_hand": "qty"}}}}');
SELECT entity, problem FROM oms.check_profile('large') WHERE problem LIKE '%end to end%';

-- refusals: each names the part
SAVEPOINT s;
CREATE FUNCTION pg_temp.refused(name text, mapping jsonb) RETURNS text LANGUAGE plpgsql AS $$
DECLARE m text; d text; h text;
BEGIN
    RETURN oms.make_profile(name, mapping);
EXCEPTION WHEN SQLSTATE 'OM001' THEN
    GET STACKED DIAGNOSTICS m = MESSAGE_TEXT, d = PG_EXCEPTION_DETAIL, h = PG_EXCEPTION_HINT;
    RETURN concat_ws(' / ', m, nullif(d, ''), h);
END $$;
\pset tuples_only on
\pset format unaligned
SELECT v.n || ' ' || pg_temp.refused(name, CASE path WHEN '{}' THEN new ELSE jsonb_set(mapping, path::text[], new) END)
  FROM m, (VALUES (1, 'odoo', '{}', 'null'), (2, 'No Name', '{}', 'null'), (3, NULL, '{}', '{}'), (4, 'x', '{}', NULL), (5, 'x', '{}', '[]'), (6, 'x', '{entities}', '{}'), (7, 'x', '{entity}', '{}'), (8, 'x', '{schema}', '"nosuch"'),
    (9, 'x', '{company}', 'null'), (10, 'x', '{company}', '{"name": "no code"}'), (11, 'x', '{company,key}', '"number"'), (12, 'x', '{entities,nodes}', '{"table": "Depot"}'), (13, 'x', '{entities,node}', '[1]'), (14, 'x', '{entities,node,table}', '"depot"'),
    (15, 'x', '{entities,node,table}', 'null'), (16, 'x', '{entities,node,key}', '"id"'), (17, 'x', '{entities,node,key}', '[]'), (18, 'x', '{entities,stock,key}', '"item"'), (19, 'x', '{entities,stock,columns}', '{}'), (20, 'x', '{entities,node,columns,colour}', '"code"'),
    (21, 'x', '{entities,node,columns,city}', '"town"'), (22, 'x', '{entities,node,columns,city}', '{"sql": "1; DROP TABLE addr"}'), (23, 'x', '{entities,node,columns,city}', '{"sql": "nosuch + 1"}'), (24, 'x', '{entities,node,columns,city}', '{"colum": "a"}'),
    (25, 'x', '{entities,node,columns,city}', '{"table": "addr", "column": "zip"}'), (26, 'x', '{entities,node,columns,city}', '{"table": "addr", "match": {"nr": "addr"}, "column": "zip"}'), (27, 'x', '{entities,node,columns,city}', '{"table": "addr", "match": {"id": "nr"}, "column": "zip"}'),
    (28, 'x', '{entities,node,columns,city}', '{"table": "addr", "match": {"id": "addr"}}'), (29, 'x', '{entities,node,where}', '"closed) OR (true"'), (30, 'x', '{entities,node,where}', '5'), (31, 'x', '{entities,node,filter}', '"true"'), (32, 'x', '{words}', '{"order": "x"}'),
    (33, 'x', '{entities,node,company}', '"company"'), (34, 'x', '{entities,node,table}', '"pg_catalog.pg_tables"'), (35, 'x', '{entities,node,columns,city}', '{"sql": "1 AS text), CAST(2"}')) AS v (n, name, path, value), LATERAL (SELECT v.value::jsonb) AS j (new)
 ORDER BY v.n;
\pset format aligned
\pset tuples_only off
SELECT count(*) AS left_behind FROM oms.erp_profile WHERE profile = 'x';
ROLLBACK;
