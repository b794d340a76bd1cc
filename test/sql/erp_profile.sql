-- Profiles as things of their own: the check beside a live catalogue, versions,
-- parameters, companies, the text form, and how far behind an ERP is.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pg_oms CASCADE;
BEGIN;
RESET client_min_messages;
\set SHOW_CONTEXT never

-- An ERP with faults.
CREATE SCHEMA faulty;
CREATE TABLE faulty.firm (id int PRIMARY KEY, name text, zone text);
INSERT INTO faulty.firm VALUES (2, 'Second', 'Asia/Kolkata'), (5, 'Fifth', 'Asia/Kolkata');
CREATE TABLE faulty.place (id int PRIMARY KEY, code text, sort text, pin text);
INSERT INTO faulty.place VALUES (1, 'N', 'depot', '110001'), (2, 'S', 'shop', '56000'), (3, 'E', 'yard', NULL), (4, 'W', 'yard', NULL);
CREATE TABLE faulty.item (id int PRIMARY KEY, sku text, label jsonb, weight text, kind text);
INSERT INTO faulty.item VALUES (1, 'A', '{"en": "Ball"}', '100', 'x'), (2, 'B', '{"en": "Bat"}', 'heavy', 'x'), (3, 'B', NULL, '-3', 'y'), (4, NULL, NULL, NULL, 'y');
CREATE TABLE faulty.cost (item int, amount float8, whence text);
INSERT INTO faulty.cost VALUES (1, 10, 'p1'), (2, 1e14, 'p2'), (9, 5, 'p3'), (3, NULL, 'p4'), (3, 7, 'p4'), (1, 1, NULL);
CREATE TABLE faulty.level (place int, item int, qty numeric, filler text);
INSERT INTO faulty.level SELECT 1, g, g, repeat('x', 1000) FROM generate_series(1, 1500) g;
INSERT INTO faulty.level VALUES (9, 1, 4, '');
CREATE VIEW faulty.partner AS SELECT 1 AS id, 'Z' AS name;
ANALYZE faulty.level;

INSERT INTO oms.erp_profile (profile, title, params, company_query) VALUES ('faulty', 'Full of faults', '{"schema": "faulty", "lang": "en"}',
 $q$SELECT id AS key, 'F' || id AS code, name, 'INR' AS currency, zone AS timezone, 'Atlantis' AS state FROM @erp@.firm WHERE $1->>'company' IS NULL OR id = ($1->>'company')::int ORDER BY id$q$);
INSERT INTO oms.erp_param (profile, name, type, allowed, meaning) VALUES
 ('faulty', 'company', 'integer', NULL, 'id of the firm'), ('faulty', 'lang', 'text', '{en,hi}', 'language of names');
INSERT INTO oms.erp_entity (profile, entity, query) VALUES
('faulty', 'node', $q$SELECT id::text AS key, code, pin AS pincode, v.oms_value AS kind FROM @erp@.place LEFT JOIN oms.erp_status v ON v.profile = $2->>'profile' AND v.entity = 'node' AND v.erp_value = sort
                       WHERE $1::text[] IS NULL OR id::text = ANY ($1)$q$),
('faulty', 'sku', $q$SELECT id::text AS key, sku AS code, label AS name, weight AS weight_g, kind AS colour FROM @erp@.item WHERE $1::text[] IS NULL OR id = ANY ($1::int[])$q$),
('faulty', 'tax', $q$SELECT kind AS key, 18 AS rate FROM @erp@.item$q$),
('faulty', 'price', $q$SELECT whence AS key, item::text AS item, amount FROM @erp@.cost WHERE $1::text[] IS NULL OR whence = ANY ($1)$q$),
('faulty', 'customer', $q$SELECT id::text AS key, nome AS name FROM @erp@.partner$q$),
('faulty', 'stock', $q$SELECT place || '|' || item AS key, qty + CASE WHEN $1::text[] IS NULL THEN 0 ELSE 1 END AS on_hand FROM @erp@.level
                        WHERE $1::text[] IS NULL OR place || '|' || item = ANY ($1)$q$),
('faulty', 'lot', 'SELEKT 1');
INSERT INTO oms.erp_source (profile, entity, relation, watch, resolve) VALUES
('faulty', 'node', '@erp@.place', '{id,code,sort,postcode}', $q$SELECT (i->>'id')::int + 1 / ((i->>'id')::int - 1) FROM unnest($1) i$q$),
('faulty', 'sku', '@erp@.item', '{id,sku,weight,kind,colour?}', $q$SELECT i->>'sku' FROM unnest($1) i$q$),
('faulty', 'price', '@erp@.cost', '{item,amount,whence}', NULL),
('faulty', 'customer', '@erp@.partner', '{id,name}', NULL),
('faulty', 'stock', '@erp@.level', '{place,item,qty}', $q$SELECT (i->>'place') || '|' || (i->>'item') FROM unnest($1) i$q$),
('faulty', 'stock', '@erp@.bin', '{id}', NULL);
INSERT INTO oms.erp_status (profile, entity, erp_value, oms_value) VALUES ('faulty', 'node', 'depot', 'warehouse'), ('faulty', 'node', 'shop', 'palace'), ('faulty', 'uom', 'u', 'NOS');
INSERT INTO oms.erp_word (profile, entity, query) VALUES ('faulty', 'node', 'SELECT sort, count(*) FROM @erp@.place GROUP BY 1');
INSERT INTO oms.erp_call_map (profile, kind, send_sql, done_sql) VALUES ('faulty', 'stock_out', 'INSERT INTO nowhere VALUES (1)', 'SELECT r, true FROM unnest($1) r');

SELECT count(*) AS n FROM pg_class \gset
SELECT severity, entity, relation, "column", regexp_replace(problem, '[0-9]+ kB', '_ kB') AS problem, example FROM oms.check_profile('faulty') ORDER BY severity, entity COLLATE "C" NULLS FIRST, relation COLLATE "C", "column" COLLATE "C", problem COLLATE "C";
SELECT count(*) - :n AS made, current_setting('transaction_read_only') AS ro, to_regclass('oms.meta') IS NULL AS not_installed FROM pg_class;
-- what to do is said of every finding
SELECT count(*) FROM oms.check_profile('faulty') WHERE severity <> 'info' AND coalesce(what_to_do, '') = '';
-- a text that writes is not run
SAVEPOINT s;
UPDATE oms.erp_entity SET query = 'WITH d AS (DELETE FROM @erp@.cost RETURNING whence) SELECT whence AS key, NULL AS item, 1 AS amount FROM d' WHERE profile = 'faulty' AND entity = 'price';
CREATE FUNCTION faulty.meddle() RETURNS text LANGUAGE plpgsql AS 'BEGIN DELETE FROM faulty.cost; RETURN ''x''; END';
UPDATE oms.erp_entity SET query = 'SELECT faulty.meddle() AS key, ''c'' AS code, 5 AS rate' WHERE profile = 'faulty' AND entity = 'tax';
SELECT entity, problem, example FROM oms.check_profile('faulty') WHERE entity IN ('tax', 'price') AND severity = 'error' ORDER BY entity, problem COLLATE "C";
SELECT count(*) FROM faulty.cost;
ROLLBACK TO s;

-- Companies and parameters
SELECT no, key, name, state_code, chosen FROM oms.erp_companies('faulty', oms.erp_profile_params('faulty', '{}')) ORDER BY no;
SELECT oms.erp_profile_params('faulty', '{}')->'company' AS first, oms.erp_profile_params('faulty', '{"company": 5}')->'company' AS named, oms.erp_profile_params('faulty', '{"company": null}')->'company' AS none;
SELECT severity, "column", problem, example, what_to_do FROM oms.check_profile('faulty', '{"compnay": 5, "lang": "fr", "company": "two", "schema": "faulty"}')
 WHERE entity IS NULL OR entity = 'company' ORDER BY "column" COLLATE "C";
SELECT severity, problem, example FROM oms.check_profile('faulty', '{"company": 7}') WHERE entity = 'company';
SAVEPOINT s;
SELECT oms.attach_erp('faulty', '{"compnay": 5}');
\echo :LAST_ERROR_SQLSTATE
ROLLBACK TO s;
SELECT oms.attach_erp('faulty', '{"lang": "fr"}', dry_run => true);
ROLLBACK TO s;
SELECT oms.check_profile('faulty', '[1]');
\echo :LAST_ERROR_SQLSTATE
ROLLBACK TO s;
\set VERBOSITY terse
SELECT oms.check_profile('nosuch');
\echo :LAST_ERROR_SQLSTATE
ROLLBACK TO s;
SELECT oms.check_profile(NULL);
\echo :LAST_ERROR_SQLSTATE
ROLLBACK TO s;
\set VERBOSITY default
SELECT severity, "column", problem, example FROM oms.check_profile('faulty', '{"schema": "no such"}');

-- Versions
SELECT v, f, t, oms.erp_version_fits(v, f, t) FROM (VALUES ('16.0', '16', '19'), ('15.9', '16', '19'), ('19.2', '16', '19'), ('20', '16', '19'), ('16.0.1.3', '16.0', '16.0'), ('16.1', '16.0', '16.0'),
    ('saas~17.2', '17', '17'), ('16', '16.0', NULL), (NULL, '16', '19'), ('unknown', '16', '19'), ('9', NULL, '10'), ('10', '9', NULL)) AS x (v, f, t);
CREATE TABLE faulty.about (release text);
INSERT INTO faulty.about VALUES ('2.4');
INSERT INTO oms.erp_profile (profile, title, params, company_query, erp, probe, erp_from, erp_to) VALUES
 ('toy_1', 'Toy 1', '{"schema": "faulty"}', 'SELECT 1', 'toy', 'SELECT release FROM @erp@.about', '1', '1'),
 ('toy_2', 'Toy 2', '{"schema": "faulty"}', 'SELECT 1', 'toy', 'SELECT release FROM @erp@.about', '2', '2'),
 ('toy_2_4', 'Toy 2.4', '{"schema": "faulty"}', 'SELECT 1', 'toy', 'SELECT release FROM @erp@.about', '2.4', '2.9');
SELECT oms.erp_version('toy_1'), oms.erp_version('faulty'), oms.erp_pick_profile('toy'), oms.erp_pick_profile('toy_2'), oms.erp_pick_profile('faulty');
SAVEPOINT s;
SELECT oms.erp_pick_profile('toy_1');
\echo :LAST_ERROR_SQLSTATE
ROLLBACK TO s;
UPDATE faulty.about SET release = '3';
SELECT oms.attach_erp('toy');
\echo :LAST_ERROR_SQLSTATE
ROLLBACK TO s;
SELECT oms.erp_pick_profile('toy', '{"schema": "elsewhere"}');
\echo :LAST_ERROR_SQLSTATE
ROLLBACK TO s;

-- The text form
INSERT INTO oms.erp_profile (profile, title, params, company_query, version) VALUES ('small one', ' "quoted" ', '{"company": 1}', E'SELECT 1 AS key,\n\n       2 AS code   \n  -- the end\n', '1.2');
INSERT INTO oms.erp_param (profile, name, meaning) VALUES ('small one', 'company', 'which');
INSERT INTO oms.erp_entity (profile, entity, query, daily, needs) VALUES ('small one', 'node', 'SELECT 1 AS key', true, ARRAY['@erp@.a', 'b "c" \']);
INSERT INTO oms.erp_source (profile, entity, relation, watch) VALUES ('small one', 'node', '@erp@."tab Node"', '{a,b?}');
INSERT INTO oms.erp_status (profile, entity, erp_value, oms_value) VALUES ('small one', 'node', '', 'store'), ('small one', 'node', 'to [deliver]', '  warehouse'), ('small one', 'node', '#', 'x:y');
SELECT oms.export_profile('small one') AS text \gset
\echo :text
SELECT oms.import_profile(:'text');
SELECT oms.export_profile('small one') = :'text' AS again, count(*) AS differ FROM oms.diff_profile('small one', :'text');
SELECT needs, daily FROM oms.erp_entity WHERE profile = 'small one';
SELECT erp_value, oms_value FROM oms.erp_status WHERE profile = 'small one' ORDER BY erp_value COLLATE "C";
-- every profile there is, as a copy of another name
SELECT bool_and(oms.import_profile(replace(oms.export_profile(p.profile), E'\n[profile ' || p.profile || E']\n', E'\n[profile copy_' || p.profile || E']\n')) LIKE 'profile copy_% made: 1 profile%') AS made,
       count(*) > 2 AS several FROM (SELECT profile FROM oms.erp_profile WHERE builtin ORDER BY 1) AS p;
SELECT count(*) AS differ FROM oms.erp_profile AS p, oms.diff_profile(p.profile, 'copy_' || p.profile) WHERE builtin;
SELECT count(*) AS differ FROM oms.erp_profile AS p, oms.diff_profile('copy_' || p.profile, replace(oms.export_profile(p.profile), E'\n', E'\r\n')) WHERE builtin;
SELECT * FROM oms.diff_profile('small one', replace(replace(replace(:'text', 'meaning: which', 'meaning: what'), '[status node "#"]', '[status uom "#"]'), 'version: 1.2', 'version: 1.3'));
SELECT section, field, left(in_a, 20) AS in_a, left(in_b, 20) AS in_b FROM oms.diff_profile('toy_1', 'toy_2');
-- refused, each by its line, and nothing is left of them
CREATE TEMP TABLE bad (no int, text text);
INSERT INTO bad VALUES (1, 'no section'), (2, E'[profile x]\ntitel: y'), (3, E'[profile x]\n[entity node]\n'), (4, E'[profile x]\ntitle: y\n\n[entity node]\nquery: SELEC 1'),
 (5, E'[profile x]\ntitle: y\ncompany_query: SELECT 1\n[entity nodes]\nquery: SELECT 1'), (6, E'[profile x]\ntitle: y\n[entity node]\nquery: SELECT 1'),
 (7, E'[profile x]\ntitle: y\ncompany_query: SELECT 1\n[source node t]\nwatch: ["a"]'), (8, E'[profile x]\ntitle: y\ncompany_query: SELECT 1\nparams: [1'),
 (9, E'[profile x]\ntitle: y\ncompany_query: SELECT 1\n[entity node]\nquery: SELECT 1\ndaily: 3'), (10, E'[profile x]\ntitle: y\ncompany_query: SELECT 1; SELECT 2'),
 (11, E'[profile x]\ntitle: y\ntitle: z'), (12, E'[profile x]\ntitle: y\ncompany_query:\n\n[entity node]\nquery: SELECT 1'), (13, E'[profile x]\ntitle: "y'),
 (14, E'[profile x y]\ntitle: y'), (15, E'[entity node]\nquery: SELECT 1'), (16, E'[profile x]\ntitle: y\n[entity node]\nquery: SELECT 1\n[entity node]\nquery: SELECT 2'),
 (17, E'[profile x]\ntitle: y\n[nosuch z]\na: b'), (18, E'[profile tryton]\ntitle: y\ncompany_query: SELECT 1'), (19, ''),
 (20, E'[profile x]\ntitle: y\ncompany_query: SELECT 1\n[entity node]\nquery: SELECT 1\nneeds: ["a", 1]'), (21, E'[profile x]\ntitle: y\ncompany_query: SELECT 1\n[call_map stock_sideways]\nsend_sql: SELECT 1\ndone_sql: SELECT 1'),
 (22, E'[profile x]\ntitle: y\n# a remark\n  indented'), (23, E'[profile x]\ntitle: y\ncompany_query: SELECT 1\nversion: "\\u0000"');
CREATE FUNCTION pg_temp.refusal(t text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE m text; d text; h text;
BEGIN
    RETURN 'taken: ' || oms.import_profile(t);
EXCEPTION WHEN SQLSTATE 'OM001' THEN
    GET STACKED DIAGNOSTICS m = MESSAGE_TEXT, d = PG_EXCEPTION_DETAIL, h = PG_EXCEPTION_HINT;
    RETURN regexp_replace(m, ': (there are|it has) .*', '') || ' / ' || d || CASE WHEN h = '' THEN ' / NO HINT' ELSE '' END;
END $$;
SELECT b.no, pg_temp.refusal(b.text) FROM bad AS b ORDER BY 1;
SELECT count(*) FROM oms.erp_profile WHERE profile = 'x';
-- one that stood stays as it was when the new text is refused
SELECT pg_temp.refusal(replace(:'text', 'daily: true', 'daily: maybe'));
SELECT oms.export_profile('small one') = :'text' AS same;
\set VERBOSITY terse
SAVEPOINT s;
SELECT oms.export_profile('nosuch');
\echo :LAST_ERROR_SQLSTATE
ROLLBACK TO s;
SELECT * FROM oms.diff_profile('nosuch', 'shop');
\echo :LAST_ERROR_SQLSTATE
ROLLBACK TO s;

\set VERBOSITY default

-- How far behind: made sound, attached, changed, refused, paused
UPDATE oms.erp_entity SET query = $q$SELECT id::text AS key, sku || id AS code, label->>'en' AS name FROM @erp@.item WHERE $1::text[] IS NULL OR id::text = ANY ($1)$q$ WHERE profile = 'faulty' AND entity = 'sku';
UPDATE oms.erp_entity SET query = $q$SELECT whence AS key, item::text AS item, amount FROM @erp@.cost WHERE whence IS NOT NULL AND amount IS NOT NULL AND ($1::text[] IS NULL OR whence = ANY ($1))$q$ WHERE profile = 'faulty' AND entity = 'price';
UPDATE oms.erp_entity SET query = $q$SELECT id::text AS key, code, pin AS pincode FROM @erp@.place WHERE $1::text[] IS NULL OR id::text = ANY ($1)$q$ WHERE profile = 'faulty' AND entity = 'node';
UPDATE oms.erp_entity SET query = $q$SELECT place || '|' || item AS key, qty AS on_hand FROM @erp@.level WHERE $1::text[] IS NULL OR place || '|' || item = ANY ($1)$q$ WHERE profile = 'faulty' AND entity = 'stock';
UPDATE oms.erp_source SET watch = '{id,code,pin}', resolve = $q$SELECT i->>'id' FROM unnest($1) i$q$ WHERE profile = 'faulty' AND entity = 'node';
UPDATE oms.erp_source SET resolve = $q$SELECT i->>'id' FROM unnest($1) i$q$ WHERE profile = 'faulty' AND entity = 'sku';
DELETE FROM oms.erp_entity WHERE profile = 'faulty' AND entity IN ('tax', 'customer', 'lot');
DELETE FROM oms.erp_source WHERE profile = 'faulty' AND (entity = 'customer' OR relation = '@erp@.bin');
SELECT severity, entity, problem FROM oms.check_profile('faulty', '{"company": 5}') WHERE severity IN ('error', 'warning') ORDER BY 1, 2, 3;
SELECT * FROM oms.attach_erp('faulty') AS a WHERE a !~ '^(table|node)';
SELECT relation, pending, age, state, problem, entities, paused, refused, applied_at FROM oms.erp_lag() ORDER BY relation;
SELECT * FROM oms.erp_state();
-- again: the same company, though none is named
SAVEPOINT s;
SELECT oms.detach_erp('faulty');
SELECT a FROM oms.attach_erp('faulty', '{"company": 5}') AS a WHERE a LIKE 'company%';
SELECT a FROM oms.attach_erp('faulty') AS a WHERE a LIKE 'company%';
ROLLBACK TO s;
UPDATE faulty.item SET sku = 'New' WHERE id = 1;
SELECT relation, pending, age >= '0'::interval AS age, entities FROM oms.erp_lag() WHERE pending > 0;
SELECT entity, state, pending FROM oms.erp_state() WHERE pending > 0;
SELECT oms.erp_apply();
SELECT DISTINCT pending, applied_at >= (SELECT snapshot_at FROM oms.erp_attachment) AS applied FROM oms.erp_lag();
ALTER TABLE faulty.cost DISABLE TRIGGER oms_capture;
DROP TRIGGER oms_capture_truncate ON faulty.level;
ALTER TABLE faulty.place RENAME pin TO postcode;
SELECT oms.erp_apply();
SELECT relation, state, problem, paused FROM oms.erp_lag() ORDER BY relation;
SELECT entity, state, refused, problem FROM oms.erp_state();
ROLLBACK;
