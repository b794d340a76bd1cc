-- What an ERP does to many rows, and to odd ones: COPY, MERGE, ON CONFLICT,
-- TRUNCATE, partitions, children, deferred constraints, savepoints, values of
-- every kind; roles without rights, logs that were tampered with.  Nothing
-- makes its statements fail, nothing is lost, nothing is kept of what it
-- rolled back.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pg_oms CASCADE;
BEGIN;
SELECT oms.install() \g /dev/null
\set SHOW_CONTEXT never
CREATE SCHEMA toy;
CREATE TABLE toy.place (code text PRIMARY KEY);
INSERT INTO toy.place VALUES ('N'), ('S'), ('E');
CREATE TABLE toy.product (id int PRIMARY KEY, sku text);
INSERT INTO toy.product SELECT i, 'P' || i FROM generate_series(1, 400) AS i;
-- counts in partitions by place, one of them in turn divided
CREATE TABLE toy.level (place text, product int, qty int, PRIMARY KEY (place, product)) PARTITION BY LIST (place);
CREATE TABLE toy.level_n PARTITION OF toy.level FOR VALUES IN ('N');
CREATE TABLE toy.level_s PARTITION OF toy.level FOR VALUES IN ('S') PARTITION BY RANGE (product);
CREATE TABLE toy.level_s1 PARTITION OF toy.level_s FOR VALUES FROM (1) TO (200);
CREATE TABLE toy.level_s2 PARTITION OF toy.level_s FOR VALUES FROM (200) TO (1000);
INSERT INTO toy.level SELECT p, i, 10 FROM unnest('{N,S}'::text[]) AS p, generate_series(1, 400) AS i;
-- and what is on its way, the old way
CREATE TABLE toy.moving (place text, product int, qty int);
CREATE TABLE toy.moving_late (why text) INHERITS (toy.moving);
INSERT INTO toy.moving VALUES ('N', 1, 1);
INSERT INTO toy.moving_late VALUES ('N', 1, 2, 'rain');
INSERT INTO oms.erp_profile (profile, title, params, company_query) VALUES
('bulk', 'Bulk', '{"schema": "toy"}', 'SELECT 1 AS key, ''TOY'' AS code, ''Toy'' AS name, NULL AS currency, NULL AS timezone, ''29'' AS state');
INSERT INTO oms.erp_entity (profile, entity, query) VALUES
('bulk', 'node', $q$SELECT code AS key, code FROM @erp@.place WHERE $1::text[] IS NULL OR code = ANY ($1)$q$),
('bulk', 'sku', $q$SELECT id AS key, sku AS code FROM @erp@.product WHERE $1::text[] IS NULL OR id = ANY ($1::int[])$q$),
('bulk', 'stock', $q$SELECT place || '|' || product AS key, sum(qty) AS on_hand FROM (SELECT place, product, qty FROM @erp@.level UNION ALL SELECT place, product, qty FROM @erp@.moving) AS a
   WHERE $1::text[] IS NULL OR place || '|' || product = ANY ($1) GROUP BY 1$q$);
INSERT INTO oms.erp_source (profile, entity, relation, watch, resolve) VALUES
('bulk', 'node', '@erp@.place', '{code}', $q$SELECT i->>'code' FROM unnest($1) i$q$),
('bulk', 'sku', '@erp@.product', '{id,sku}', $q$SELECT i->>'id' FROM unnest($1) i$q$),
('bulk', 'stock', '@erp@.level', '{place,product,qty}', $q$SELECT (i->>'place') || '|' || (i->>'product') FROM unnest($1) i$q$),
('bulk', 'stock', '@erp@.moving', '{place,product,qty}', $q$SELECT (i->>'place') || '|' || (i->>'product') FROM unnest($1) i$q$);
SELECT count(*) AS attached FROM oms.attach_erp('bulk');
SELECT relation, state, problem FROM oms.erp_lag() ORDER BY 1;
-- of node and product, what the ERP says and what we have
CREATE FUNCTION pg_temp.of(node text, product int, OUT erp bigint, OUT ours numeric) LANGUAGE sql AS $$
    SELECT (SELECT sum(qty) FROM (SELECT * FROM toy.level UNION ALL SELECT * FROM toy.moving) AS a WHERE (a.place, a.product) = ($1, $2)),
           (SELECT trim_scale(s.on_hand) FROM oms.stock s JOIN oms.node n USING (node_id) JOIN oms.sku k USING (sku_id) WHERE n.code = $1 AND k.code = 'P' || $2) $$;
CREATE FUNCTION pg_temp.log() RETURNS TABLE (relation text, op text, changes bigint, rows text) LANGUAGE sql AS $$
    SELECT relation, op, sum(changes), CASE WHEN count(*) < sum(changes) THEN 'packed' ELSE 'one each' END FROM oms.erp_change GROUP BY 1, 2 ORDER BY 1, 2 $$;
SELECT * FROM pg_temp.of('N', 1);

-- many rows at once: many in a row of the log
UPDATE toy.level SET qty = 11;
SELECT * FROM pg_temp.log();
SELECT oms.erp_apply();
SELECT count(*) FILTER (WHERE on_hand >= 11) AS taken_in FROM oms.stock;
SELECT count(*) AS drift FROM oms.erp_verify();
-- at most so many at a time, none lost
UPDATE toy.level SET qty = 12;
SELECT oms.erp_apply(100) BETWEEN 100 AND 200 AS some, (SELECT sum(changes) > 0 FROM oms.erp_change) AS more;
SELECT oms.erp_apply() > 500 AS the_rest;
SELECT count(*) AS left FROM oms.erp_change;
SELECT count(*) AS drift FROM oms.erp_verify();

-- COPY, ON CONFLICT, MERGE
DELETE FROM toy.level WHERE product IN (1, 2, 3);
COPY toy.level FROM stdin;
N	1	100
S	1	200
N	2	300
\.
INSERT INTO toy.level VALUES ('N', 1, 1), ('N', 3, 7) ON CONFLICT (place, product) DO UPDATE SET qty = toy.level.qty + excluded.qty;
INSERT INTO toy.level VALUES ('N', 1, 999) ON CONFLICT DO NOTHING;
MERGE INTO toy.level AS l USING (VALUES ('S', 1, 0), ('S', 2, 55), ('N', 2, 5)) AS v (place, product, qty) ON l.place = v.place AND l.product = v.product
 WHEN MATCHED AND v.qty = 0 THEN DELETE WHEN MATCHED THEN UPDATE SET qty = l.qty + v.qty WHEN NOT MATCHED THEN INSERT VALUES (v.place, v.product, v.qty);
SELECT * FROM pg_temp.log();
SELECT oms.erp_apply();
SELECT p.*, o.* FROM (VALUES ('N', 1), ('S', 1), ('N', 2), ('S', 2), ('N', 3)) AS p (node, product), pg_temp.of(p.node, p.product) AS o;

-- partitions: a row moves; one is detached, attached, made, truncated by its own name, dropped
UPDATE toy.level SET place = 'S' WHERE place = 'N' AND product = 3;
SELECT oms.erp_apply();
SELECT p.*, o.* FROM (VALUES ('N', 3), ('S', 3)) AS p (node, product), pg_temp.of(p.node, p.product) AS o;
ALTER TABLE toy.level DETACH PARTITION toy.level_n;
SELECT * FROM pg_temp.of('N', 10);
SELECT oms.erp_apply() AS no_rows;
SELECT * FROM pg_temp.of('N', 10);
UPDATE toy.level_n SET qty = 77 WHERE product = 10;
ALTER TABLE toy.level ATTACH PARTITION toy.level_n FOR VALUES IN ('N');
SELECT oms.erp_apply() AS no_rows;
SELECT * FROM pg_temp.of('N', 10);
UPDATE toy.level_n SET qty = 78 WHERE product = 10;
SELECT oms.erp_apply() AS one;
SELECT * FROM pg_temp.of('N', 10);
CREATE TABLE toy.level_e PARTITION OF toy.level FOR VALUES IN ('E');
INSERT INTO toy.level VALUES ('E', 10, 5);
SELECT oms.erp_apply() AS one;
SELECT * FROM pg_temp.of('E', 10);
SELECT relation, problem FROM oms.erp_lag() WHERE problem IS NOT NULL;
SELECT * FROM oms.erp_resync();
SELECT relation, problem FROM oms.erp_lag() WHERE problem IS NOT NULL;
TRUNCATE toy.level_e;
SELECT * FROM pg_temp.log();
SELECT oms.erp_apply() AS one;
SELECT * FROM pg_temp.of('E', 10);
DROP TABLE toy.level_s2;
SELECT oms.erp_apply() AS no_rows;
SELECT * FROM pg_temp.of('S', 399);
SELECT count(*) AS drift FROM oms.erp_verify();

-- children: their rows are the parent's to who reads it
UPDATE toy.moving_late SET qty = 20;
INSERT INTO toy.moving_late VALUES ('S', 1, 4, 'snow');
UPDATE toy.moving SET qty = qty + 1 WHERE place = 'N';
SELECT * FROM pg_temp.log();
SELECT oms.erp_apply();
SELECT p.*, o.* FROM (VALUES ('N', 1), ('S', 1)) AS p (node, product), pg_temp.of(p.node, p.product) AS o;
CREATE TABLE toy.moving_lost () INHERITS (toy.moving);
INSERT INTO toy.moving_lost VALUES ('S', 1, 50);
SELECT oms.erp_apply() AS no_rows;
SELECT * FROM pg_temp.of('S', 1);
SELECT relation, problem FROM oms.erp_lag() WHERE problem IS NOT NULL;
SELECT * FROM oms.erp_resync();
UPDATE toy.moving_lost SET qty = 60;
SELECT oms.erp_apply() AS one;
SELECT * FROM pg_temp.of('S', 1);
TRUNCATE toy.moving_lost;
SELECT oms.erp_apply() AS one;
ALTER TABLE toy.moving_late NO INHERIT toy.moving;
SELECT oms.erp_apply() AS no_rows;
SELECT p.*, o.* FROM (VALUES ('N', 1), ('S', 1)) AS p (node, product), pg_temp.of(p.node, p.product) AS o;
SELECT count(*) AS drift FROM oms.erp_verify();

-- savepoints: what was rolled back is not in the log, also when somebody looked
SAVEPOINT a;
UPDATE toy.level SET qty = 1 WHERE product = 20 AND place = 'N';
SAVEPOINT b;
UPDATE toy.level SET qty = 2 WHERE product = 21 AND place = 'N';
SELECT sum(changes) AS two FROM oms.erp_change;
ROLLBACK TO b;
UPDATE toy.level SET qty = 3 WHERE product = 22 AND place = 'N';
SELECT count(*) FROM oms.available('P22', 'N');
RELEASE a;
SELECT i FROM oms.erp_change, unnest(oms.erp_images(images)) AS i ORDER BY i;
SELECT oms.erp_apply() AS two;
SELECT count(*) AS left FROM oms.erp_change;
DO $$ BEGIN
    UPDATE toy.level SET qty = 9 WHERE product = 23 AND place = 'N';
    BEGIN
        UPDATE toy.level SET qty = 9 WHERE product = 24 AND place = 'N';
        RAISE division_by_zero;
    EXCEPTION WHEN division_by_zero THEN
        UPDATE toy.level SET qty = 9 WHERE product = 25 AND place = 'N';
    END;
END $$;
SELECT i->'product' AS product FROM oms.erp_change, unnest(oms.erp_images(images)) AS i GROUP BY 1 ORDER BY 1;
SELECT oms.erp_apply() AS two;
-- a trigger of the ERP's that asks us in the middle of a statement
CREATE FUNCTION toy.ask() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    RAISE WARNING 'P% at N: %', new.product, (SELECT trim_scale(on_hand) FROM oms.available('P' || new.product, 'N'));
    RETURN NULL;
END $$;
CREATE TRIGGER zzz_ask AFTER UPDATE ON toy.level FOR EACH ROW EXECUTE FUNCTION toy.ask();
UPDATE toy.level SET qty = 40 + product WHERE product IN (30, 31) AND place = 'N';
DROP TRIGGER zzz_ask ON toy.level;
SELECT oms.erp_apply() AS two;
-- deferred constraints: checked at the end, by triggers that update in turn
CREATE TABLE toy.total (product int PRIMARY KEY, qty int);
CREATE FUNCTION toy.late() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    UPDATE toy.level SET qty = 1000 WHERE place = 'N' AND product = new.product;
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER late AFTER INSERT ON toy.total DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION toy.late();
INSERT INTO toy.total VALUES (40, 1);
SELECT count(*) AS not_yet FROM oms.erp_change;
SET CONSTRAINTS ALL IMMEDIATE;
SELECT oms.erp_apply() AS one;
SELECT * FROM pg_temp.of('N', 40);
SELECT count(*) AS drift FROM oms.erp_verify();
ROLLBACK;

-- Values of every kind, on a table watched whole
BEGIN;
SELECT oms.install() \g /dev/null
CREATE SCHEMA toy;
CREATE TYPE toy.mood AS ENUM ('fine', 'bad');
CREATE TYPE toy.pair AS (a int, b text);
CREATE DOMAIN toy.code AS varchar(8) CHECK (value <> '');
CREATE TYPE toy.evil;
CREATE FUNCTION toy.evil_in(cstring) RETURNS toy.evil LANGUAGE internal IMMUTABLE STRICT AS 'textin';
CREATE FUNCTION toy.evil_out(toy.evil) RETURNS cstring LANGUAGE internal IMMUTABLE STRICT AS 'pg_ddl_command_out';
CREATE TYPE toy.evil (INPUT = toy.evil_in, OUTPUT = toy.evil_out, LIKE = text);
CREATE TABLE toy.odd (id int PRIMARY KEY, gone int, b boolean, i2 smallint, i8 bigint, n numeric, f float8, m money, d date, t timestamp, z timestamptz, iv interval, u uuid, y bytea, bi bit(5), x xml, j jsonb, js json,
    tx text, ch char(5), a int[], ta toy.mood[], e toy.mood, p toy.pair, pa toy.pair[], r int4range, mr nummultirange, c toy.code, ip inet, pt point, tsv tsvector, rc regclass, "Odd ""name" text, g int GENERATED ALWAYS AS (id * 2) STORED, v toy.evil, va toy.evil[]);
ALTER TABLE toy.odd DROP COLUMN gone;
INSERT INTO oms.erp_profile (profile, title, params, company_query) VALUES
('odd', 'Odd', '{"schema": "toy"}', 'SELECT 1 AS key, ''TOY'' AS code, ''Toy'' AS name, NULL AS currency, NULL AS timezone, ''29'' AS state');
INSERT INTO oms.erp_entity (profile, entity, query) VALUES ('odd', 'sku', 'SELECT id AS key, ''S'' || id AS code FROM @erp@.odd WHERE $1::text[] IS NULL OR id = ANY ($1::int[])');
INSERT INTO oms.erp_source (profile, entity, relation, watch, resolve)
SELECT 'odd', 'sku', '@erp@.odd', array_agg(attname::text), 'SELECT i->>''id'' FROM unnest($1) i' FROM pg_attribute WHERE attrelid = 'toy.odd'::regclass AND attnum > 0 AND NOT attisdropped;
SELECT count(*) AS attached FROM oms.attach_erp('odd');
SET LOCAL timezone = 'Asia/Kolkata';
SET LOCAL search_path = toy, pg_temp;
INSERT INTO odd VALUES (1, true, -32768, 9223372036854775807, 1234567890.1234567890, 0.1, 12.5, '2026-11-23', '2026-11-23 10:11:12.5', '2026-11-23 10:11:12Z', '1 day 2 hours', 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11', '\x00ff', B'10101',
    '<a>ü</a>', '{"a": [1, null]}', '{"b":  2}', E'quote " back \\ tab \t ü', 'ab', '{1,NULL,3}', '{fine,bad}', 'bad', '(1,"x y")', ARRAY['(2,z)'::toy.pair], '[1,5)', '{[1,2),[3,4)}', 'abc', '10.0.0.1/8', '(1,2)', 'a b', 'toy.odd', 'named');
SELECT jsonb_pretty(i) FROM oms.erp_change, unnest(oms.erp_images(images)) AS i;
INSERT INTO odd (id, n, f, d, t, z, tx, y, a, j, v, va) VALUES (2, 'NaN', 'Infinity', 'infinity', '-infinity', 'infinity', repeat('ü', 400000), decode(repeat('ab', 300000), 'hex'), array_fill(7, ARRAY[40000]),
    jsonb_build_object('k', repeat('v', 100000)), 'evil', ARRAY['e'::toy.evil]), (3, '-Infinity', '-0', '4713-01-01 BC', '294276-12-31', '4713-01-01 BC', '', '', '{}', 'null', NULL, '{}');
UPDATE odd SET n = 1e1000, f = 'NaN' WHERE id = 2;
SELECT i->'id' AS id, left(i->>'n', 10) AS n, length(i->>'n') AS digits, i->'f' AS f, i->'d' AS d, i->'t' AS t, i->'z' AS z, octet_length(i->>'tx') AS tx, length(i->>'y') AS y, i->'a' AS a, i->'j' AS j, i->'v' AS v, i->'va' AS va
  FROM oms.erp_change AS e, unnest(oms.erp_images(e.images)) WITH ORDINALITY AS u (i, o) WHERE i->>'id' <> '1' ORDER BY e.change_id, o;
SELECT oms.erp_apply();
SELECT count(*) AS drift FROM oms.erp_verify();
-- the same again is no change, of the same length is one
UPDATE odd SET tx = tx, y = y, j = j, a = a;
SELECT count(*) AS none FROM oms.erp_change;
UPDATE odd SET tx = overlay(tx PLACING 'u' FROM 399999) WHERE id = 2;
UPDATE odd SET f = '0' WHERE id = 3;
SELECT sum(changes) AS two FROM oms.erp_change;
SELECT oms.erp_apply() AS two;
SELECT oms.erp_images('[["a"],[1],[null]]'), oms.erp_images('[]');
SAVEPOINT s;
SELECT oms.erp_images('{"a": 1}');
ROLLBACK TO s;
SELECT oms.erp_images('[[1],[2]]');
ROLLBACK TO s;
SELECT oms.erp_images('[1]');
ROLLBACK TO s;

-- a role that may do nothing here, with a path of its own
CREATE ROLE regress_erp_clerk;
GRANT USAGE ON SCHEMA toy TO regress_erp_clerk;
GRANT SELECT, INSERT, UPDATE, DELETE ON odd TO regress_erp_clerk;
CREATE SCHEMA bad;
CREATE FUNCTION bad.hash(text, text) RETURNS boolean LANGUAGE sql AS 'SELECT 1 / 0 = 1';
CREATE OPERATOR bad.= (LEFTARG = text, RIGHTARG = text, FUNCTION = bad.hash);
CREATE TABLE bad.erp_change (x int);
GRANT USAGE ON SCHEMA bad TO regress_erp_clerk;
SET LOCAL search_path = bad, pg_catalog;
SET ROLE regress_erp_clerk;
INSERT INTO toy.odd (id, tx) VALUES (10, 'clerk');
UPDATE toy.odd SET tx = 'clerk 2' WHERE id = 10;
RESET ROLE;
SET LOCAL search_path = toy, pg_temp;
SELECT op, changes FROM oms.erp_change ORDER BY change_id;
SELECT oms.erp_apply() AS two;

-- the log tampered with: further columns, indexes, a trigger, a constraint that refuses, a column lost, the log gone
ALTER TABLE oms.erp_change ADD COLUMN mine int DEFAULT 5;
CREATE INDEX mine ON oms.erp_change (relation, length(images::text));
UPDATE odd SET i2 = 1 WHERE id = 10;
UPDATE odd SET i2 = 2 WHERE id = 10;
SELECT op, changes, images->1->2 IS NULL AS filled FROM oms.erp_change ORDER BY change_id;
SELECT oms.erp_apply() AS two;
SAVEPOINT s;
ALTER TABLE oms.erp_change ADD CONSTRAINT refused CHECK (op = 'T');
UPDATE odd SET i2 = 3 WHERE id = 10;
SELECT i2 FROM odd WHERE id = 10;
SELECT count(*) AS lost FROM oms.erp_change;
ROLLBACK TO s;
CREATE FUNCTION bad.trap() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'no'; END $$;
CREATE TRIGGER trap BEFORE INSERT ON oms.erp_change FOR EACH ROW EXECUTE FUNCTION bad.trap();
UPDATE odd SET i2 = 4 WHERE id = 10;
SELECT i2 FROM odd WHERE id = 10;
ROLLBACK TO s;
ALTER TABLE oms.erp_change DROP COLUMN images CASCADE;
UPDATE odd SET i2 = 5 WHERE id = 10;
DELETE FROM odd WHERE id = 10;
ROLLBACK TO s;
DROP TABLE oms.erp_change CASCADE;
INSERT INTO odd (id) VALUES (11);
TRUNCATE odd;
ROLLBACK TO s;
UPDATE odd SET i2 = 6 WHERE id = 10;
ALTER TABLE oms.erp_change RENAME TO erp_change_old;
CREATE VIEW oms.erp_change AS SELECT * FROM oms.erp_change_old;
UPDATE odd SET i2 = 7 WHERE id = 10;
ROLLBACK TO s;
ALTER SCHEMA oms RENAME TO oms_gone;
UPDATE odd SET i2 = 8 WHERE id = 10;
SELECT i2 FROM odd WHERE id = 10;
ROLLBACK TO s;
UPDATE odd SET i2 = 9 WHERE id = 10;
SELECT sum(changes) AS one FROM oms.erp_change;
ROLLBACK;
