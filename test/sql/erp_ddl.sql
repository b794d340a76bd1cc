-- The ERP alters, drops, renames, moves and retypes its tables while they are
-- attached: its DDL succeeds, the entity is paused with an event that says
-- what changed, the log keeps growing, promises go on with the last values,
-- and it mends itself, by itself or by oms.erp_resync().
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pg_oms CASCADE;
BEGIN;
SELECT oms.install() \g /dev/null
\set SHOW_CONTEXT never
CREATE SCHEMA toy;
CREATE SCHEMA attic;
CREATE TABLE toy.place (code text PRIMARY KEY);
INSERT INTO toy.place VALUES ('N'), ('S');
CREATE TABLE toy.product (id int PRIMARY KEY, sku text, price numeric);
INSERT INTO toy.product VALUES (1, 'A', 100), (2, 'B', 200);
CREATE TABLE toy.level (place text, product int, qty int, note text, PRIMARY KEY (place, product));
INSERT INTO toy.level VALUES ('N', 1, 10), ('S', 1, 5), ('N', 2, 7);
INSERT INTO oms.erp_profile (profile, title, params, company_query) VALUES
('ddl', 'DDL', '{"schema": "toy"}', 'SELECT 1 AS key, ''TOY'' AS code, ''Toy'' AS name, NULL AS currency, NULL AS timezone, ''29'' AS state');
INSERT INTO oms.erp_entity (profile, entity, query) VALUES
('ddl', 'node', $q$SELECT code AS key, code FROM @erp@.place WHERE $1::text[] IS NULL OR code = ANY ($1)$q$),
('ddl', 'sku', $q$SELECT id AS key, sku AS code FROM @erp@.product WHERE $1::text[] IS NULL OR id = ANY ($1::int[])$q$),
('ddl', 'price', $q$SELECT id AS key, id AS item, price AS amount FROM @erp@.product WHERE $1::text[] IS NULL OR id = ANY ($1::int[])$q$),
('ddl', 'stock', $q$SELECT place || '|' || product AS key, qty AS on_hand FROM @erp@.level WHERE $1::text[] IS NULL OR place || '|' || product = ANY ($1)$q$);
INSERT INTO oms.erp_source (profile, entity, relation, watch, resolve) VALUES
('ddl', 'node', '@erp@.place', '{code}', $q$SELECT i->>'code' FROM unnest($1) i$q$),
('ddl', 'sku', '@erp@.product', '{id,sku}', $q$SELECT i->>'id' FROM unnest($1) i$q$),
('ddl', 'price', '@erp@.product', '{id,price}', $q$SELECT i->>'id' FROM unnest($1) i$q$),
('ddl', 'stock', '@erp@.level', '{place,product,qty}', $q$SELECT (i->>'place') || '|' || (i->>'product') FROM unnest($1) i$q$);
SELECT count(*) AS attached FROM oms.attach_erp('ddl');

-- what a promise says, what the log holds, what is told
CREATE FUNCTION pg_temp.stands(OUT sees text, OUT prices text, OUT pending bigint, OUT level text) LANGUAGE sql AS $$
    SELECT (SELECT string_agg(format('%s %s %s', k, a.node, trim_scale(a.on_hand)), ', ' ORDER BY k, a.node) FROM unnest('{A,B}'::text[]) AS k, oms.available(k) AS a),
           (SELECT string_agg(trim_scale(p.amount)::text, ', ' ORDER BY k.code) FROM oms.price p JOIN oms.sku k USING (sku_id)),
           (SELECT sum(l.pending)::bigint FROM oms.erp_lag() AS l),
           (SELECT concat_ws(': ', l.state, l.problem) FROM oms.erp_lag() AS l WHERE l.relation = 'toy.level') $$;
CREATE TEMP TABLE told (event_id bigint);
CREATE FUNCTION pg_temp.told() RETURNS SETOF text LANGUAGE sql AS $$
    WITH n AS (INSERT INTO told SELECT e.event_id FROM oms.event AS e WHERE e.topic = 'erp' AND e.event_id NOT IN (SELECT t.event_id FROM told AS t) RETURNING event_id)
    SELECT concat_ws(' ', e.type, coalesce(e.payload->>'relation', e.payload->>'entity') || ':', coalesce(e.payload->>'why', e.payload->>'after')) FROM oms.event AS e WHERE e.event_id IN (SELECT n.event_id FROM n) ORDER BY e.event_id $$;
SELECT * FROM pg_temp.stands();

-- not watched: nobody minds
ALTER TABLE toy.level ADD COLUMN bin text DEFAULT 'x', DROP COLUMN note;
ALTER TABLE toy.level ADD COLUMN twice int GENERATED ALWAYS AS (qty * 2) STORED;
UPDATE toy.level SET qty = 9 WHERE place = 'N' AND product = 1;
SELECT oms.erp_apply();
SELECT * FROM pg_temp.stands();
SELECT * FROM pg_temp.told();

-- a column renamed, and back
ALTER TABLE toy.level RENAME qty TO quantity;
UPDATE toy.level SET quantity = 8 WHERE place = 'N' AND product = 1;
SELECT * FROM pg_temp.stands();
SELECT oms.erp_apply() AS nothing;
SELECT * FROM pg_temp.stands();
SELECT * FROM pg_temp.told();
UPDATE toy.level SET quantity = 7 WHERE place = 'N' AND product = 1;
SELECT * FROM pg_temp.stands();
UPDATE toy.product SET price = 101 WHERE id = 1;
SELECT oms.erp_apply() AS the_price_goes_on;
SELECT * FROM oms.erp_resync();
SELECT * FROM pg_temp.stands();
ALTER TABLE toy.level RENAME quantity TO qty;
SELECT oms.erp_apply() AS mended;
SELECT * FROM pg_temp.stands();
SELECT * FROM pg_temp.told();
SELECT * FROM oms.erp_verify();

-- a column dropped, and one of that name made anew
ALTER TABLE toy.product DROP COLUMN price;
UPDATE toy.product SET sku = 'B' WHERE id = 2;
INSERT INTO toy.product VALUES (3, 'C');
SELECT oms.erp_apply() AS nothing;
SELECT * FROM pg_temp.stands();
SELECT * FROM pg_temp.told();
ALTER TABLE toy.product ADD COLUMN price numeric DEFAULT 50;
SELECT oms.erp_apply() AS mended;
SELECT * FROM pg_temp.stands();
SELECT * FROM pg_temp.told();
SELECT * FROM oms.erp_verify();

-- retyped: the worker's job takes it as it is now
ALTER TABLE toy.level DROP COLUMN twice;
ALTER TABLE toy.level ALTER qty TYPE numeric(10,3);
UPDATE toy.level SET qty = 6.5 WHERE place = 'N' AND product = 1;
SELECT oms.erp_apply() AS nothing;
SELECT * FROM pg_temp.stands();
SELECT * FROM oms.erp_resync();
SELECT oms.erp_apply() AS what_was_kept;
SELECT * FROM pg_temp.stands();
SELECT * FROM pg_temp.told();
SELECT * FROM oms.erp_resync() AS nothing_to_do;
SELECT * FROM oms.erp_verify();
-- retyped to what the query cannot read: it waits, and says why, once
ALTER TABLE toy.level ALTER qty TYPE text USING 'about ' || qty;
SELECT oms.erp_apply() AS nothing;
SELECT * FROM oms.erp_resync();
SELECT * FROM oms.erp_resync();
SELECT * FROM pg_temp.stands();
SELECT * FROM pg_temp.told();
ALTER TABLE toy.level ALTER qty TYPE numeric USING substr(qty, 7)::numeric;
SELECT * FROM oms.erp_resync();
SELECT * FROM pg_temp.told();
SELECT * FROM oms.erp_verify();

-- the table renamed: its changes are still kept; and back
ALTER TABLE toy.level RENAME TO level_old;
UPDATE toy.level_old SET qty = 5 WHERE place = 'N' AND product = 1;
SELECT * FROM pg_temp.stands();
SELECT oms.erp_apply() AS nothing;
SELECT * FROM pg_temp.stands();
SELECT * FROM pg_temp.told();
SELECT * FROM oms.erp_resync();
ALTER TABLE toy.level_old RENAME TO level;
SELECT oms.erp_apply() AS mended;
SELECT * FROM pg_temp.stands();
SELECT * FROM pg_temp.told();
-- moved to another schema, and back
ALTER TABLE toy.level SET SCHEMA attic;
UPDATE attic.level SET qty = 4 WHERE place = 'N' AND product = 1;
SELECT oms.erp_apply() AS nothing;
SELECT * FROM pg_temp.stands();
ALTER TABLE attic.level SET SCHEMA toy;
SELECT oms.erp_apply() AS mended;
SELECT * FROM pg_temp.stands();
SELECT * FROM pg_temp.told();

-- dropped and made anew: no trigger, so nothing of it is kept until it has one
DROP TABLE toy.level;
SELECT oms.erp_apply() AS nothing;
SELECT * FROM pg_temp.stands();
CREATE TABLE toy.level (qty numeric, product bigint, place varchar(10), PRIMARY KEY (place, product));
INSERT INTO toy.level VALUES (3, 1, 'N'), (2, 1, 'S'), (1, 2, 'N');
SELECT oms.erp_apply() AS nothing;
SELECT * FROM pg_temp.stands();
SELECT * FROM oms.erp_resync();
SELECT * FROM pg_temp.stands();
UPDATE toy.level SET qty = 30 WHERE place = 'N' AND product = 1;
SELECT oms.erp_apply() AS captured;
SELECT * FROM pg_temp.stands();
SELECT * FROM pg_temp.told();
SELECT * FROM oms.erp_verify();
-- one put in its place while the old one goes on beside: the same
ALTER TABLE toy.level RENAME TO level_old;
CREATE TABLE toy.level (LIKE toy.level_old INCLUDING ALL);
INSERT INTO toy.level SELECT * FROM toy.level_old;
UPDATE toy.level SET qty = 31 WHERE place = 'N' AND product = 1;
SELECT oms.erp_apply() AS nothing;
SELECT * FROM pg_temp.told();
SELECT * FROM oms.erp_resync();
SELECT * FROM pg_temp.stands();
SELECT * FROM pg_temp.told();

-- triggers off for a load, and on again: what came in is found
ALTER TABLE toy.level DISABLE TRIGGER USER;
UPDATE toy.level SET qty = 32 WHERE place = 'N' AND product = 1;
ALTER TABLE toy.level ENABLE TRIGGER USER;
SELECT oms.erp_apply() AS nothing_in_the_log;
SELECT * FROM pg_temp.stands();
ALTER TABLE toy.level DISABLE TRIGGER oms_capture;
SELECT oms.erp_apply() AS nothing;
UPDATE toy.level SET qty = 33 WHERE place = 'N' AND product = 1;
SELECT * FROM pg_temp.stands();
ALTER TABLE toy.level ENABLE TRIGGER oms_capture;
SELECT oms.erp_apply() AS nothing_in_the_log;
SELECT * FROM pg_temp.stands();
SELECT * FROM pg_temp.told();
-- a load that only says so to its own session leaves no trace: verify finds it, refresh mends it
SET LOCAL session_replication_role = replica;
UPDATE toy.level SET qty = 34 WHERE place = 'N' AND product = 1;
INSERT INTO toy.product VALUES (4, 'D', 5);
RESET session_replication_role;
SELECT oms.erp_apply() AS nothing;
SELECT * FROM oms.erp_verify();
SELECT oms.erp_refresh();
SELECT * FROM oms.erp_verify();


ROLLBACK;

-- nothing to do where nothing is attached
SELECT * FROM oms.erp_resync();
