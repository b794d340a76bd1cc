-- Rows written without an executor: whatever the owner adds to our tables
-- goes on working, whether it can be done directly or the statement is run.
\getenv abs_srcdir PG_ABS_SRCDIR
\set shop :abs_srcdir '/sql/include/shop.inc'
BEGIN;
\i :shop
DO $$ BEGIN PERFORM pg_temp.set_stock(900, 900, 0, 'SHIRT', 'BOOK'); END $$;
-- orders of the session, whose rows were made before anything was added
SELECT status, total FROM pg_temp.took('plain', 'WEB 981001 PREPAID 2xSHIRT');

-- columns of one's own: defaults, by sequence too; a generated one
CREATE SEQUENCE pg_temp.mine;
ALTER TABLE oms.order_line ADD mine text DEFAULT 'x' || 1 + 1, ADD nothing integer;
ALTER TABLE oms.shipment ADD number bigint DEFAULT nextval('pg_temp.mine'), ADD twice numeric GENERATED ALWAYS AS (declared_value * 2) STORED;
SELECT status, total FROM pg_temp.took('columns', 'WEB 981001 PREPAID 2xSHIRT 1xBOOK');
SELECT line_no, mine, nothing FROM oms.order_line WHERE order_id = pg_temp.id('columns') ORDER BY 1;
SELECT number, declared_value, twice FROM oms.shipment WHERE order_id = pg_temp.id('columns');
ALTER TABLE oms.shipment DROP twice;
SELECT status FROM pg_temp.took('dropped', 'WEB 981001 PREPAID 1xSHIRT');
SELECT number, declared_value FROM oms.shipment WHERE order_id = pg_temp.id('dropped');

-- constraints of one's own hold, and say which
ALTER TABLE oms.order_line ADD CONSTRAINT few CHECK (qty < 5);
SAVEPOINT s;
SELECT status FROM pg_temp.took('many', 'WEB 981001 PREPAID 7xSHIRT');
ROLLBACK TO s;
ALTER TABLE oms.order_line ADD wanted integer NOT NULL DEFAULT 0;
ALTER TABLE oms.order_line ALTER wanted DROP DEFAULT;
SAVEPOINT s;
SELECT status FROM pg_temp.took('null', 'WEB 981001 PREPAID 1xSHIRT');
ROLLBACK TO s;
ALTER TABLE oms.order_line DROP wanted;

-- indexes: partial, on an expression, unique, and one that is no B-tree
CREATE INDEX mine_partial ON oms.order_line (sku_id) WHERE qty > 1;
CREATE INDEX mine_expression ON oms.order_line ((qty * unit_price));
CREATE INDEX mine_hash ON oms.allocation USING hash (place_of_supply);
CREATE UNIQUE INDEX mine_unique ON oms."order" (company_id, ship_city) WHERE ship_city = 'Once';
SELECT status FROM pg_temp.took('indexed', 'WEB 981001 PREPAID 2xSHIRT', '{"ship_to": {"pincode": "981001", "address1": "1, Long Street", "city": "Once"}}');
SAVEPOINT s;
SELECT status FROM pg_temp.took('indexed twice', 'WEB 981001 PREPAID 2xSHIRT', '{"ship_to": {"pincode": "981001", "address1": "1, Long Street", "city": "Once"}}');
ROLLBACK TO s;
SET LOCAL enable_seqscan = off;
SELECT count(*) FROM oms.order_line WHERE qty * unit_price = 1050;
SELECT count(*) FROM oms.order_line WHERE qty > 1 AND sku_id = (SELECT sku_id FROM oms.sku WHERE code = 'SHIRT' AND company_id = oms.company_id());
SELECT count(*) > 0 AS found FROM oms.allocation WHERE place_of_supply = '29';
RESET enable_seqscan;
-- the same order again is still the same order
SELECT status FROM pg_temp.took('indexed', 'WEB 981001 PREPAID 2xSHIRT', '{"ship_to": {"pincode": "981001", "address1": "1, Long Street", "city": "Once"}}');

-- triggers: before, after, of the statement, with what was inserted; and off
CREATE TABLE pg_temp.seen (n serial, what text);
CREATE FUNCTION pg_temp.see() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO pg_temp.seen (what) VALUES (concat_ws(' ', tg_table_name, tg_when, tg_level));
    IF tg_when = 'BEFORE' THEN
        new.mine := 'by trigger';
    END IF;
    RETURN new;
END $$;
CREATE TRIGGER a BEFORE INSERT ON oms.order_line FOR EACH ROW EXECUTE FUNCTION pg_temp.see();
CREATE TRIGGER b AFTER INSERT ON oms.allocation REFERENCING NEW TABLE AS fresh FOR EACH STATEMENT EXECUTE FUNCTION pg_temp.see();
CREATE TRIGGER c AFTER INSERT ON oms.event FOR EACH ROW EXECUTE FUNCTION pg_temp.see();
SELECT status FROM pg_temp.took('triggers', 'WEB 981001 PREPAID 1xSHIRT 1xBOOK');
SELECT what, count(*) FROM (SELECT regexp_replace(what, 'event_\S+', 'event') AS what FROM pg_temp.seen) x GROUP BY what ORDER BY what COLLATE "C";
SELECT DISTINCT mine FROM oms.order_line WHERE order_id = pg_temp.id('triggers');
ALTER TABLE oms.order_line DISABLE TRIGGER a;
DROP TRIGGER b ON oms.allocation;
DROP TRIGGER c ON oms.event;
SELECT status FROM pg_temp.took('no triggers', 'WEB 981001 PREPAID 1xSHIRT');
SELECT count(*) FROM pg_temp.seen;
-- a constraint whose function captures an order itself
CREATE FUNCTION pg_temp.deep() RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
    IF current_setting('test.deep', true) = 'on' THEN
        PERFORM set_config('test.deep', 'off', true);
        PERFORM pg_temp.took('inner', 'WEB 981001 PREPAID 1xBOOK');
    END IF;
    RETURN true;
END $$;
ALTER TABLE oms.order_line ADD CONSTRAINT deep CHECK (pg_temp.deep());
SET LOCAL test.deep = 'on';
SELECT status, total FROM pg_temp.took('outer', 'WEB 981001 PREPAID 1xSHIRT');
SELECT o.external_id, l.line_no, k.code, l.qty, l.net_amount FROM oms.order_line l JOIN oms."order" o USING (company_id, order_id) JOIN oms.sku k USING (sku_id)
 WHERE order_id IN (pg_temp.id('inner'), pg_temp.id('outer')) ORDER BY o.external_id COLLATE "C";
ALTER TABLE oms.order_line DROP CONSTRAINT deep;
-- a constraint that reads tables sees the rows that the same call wrote
CREATE FUNCTION pg_temp.has_order(company integer, id bigint) RETURNS boolean STABLE LANGUAGE plpgsql AS $$
BEGIN
    RETURN EXISTS (SELECT FROM oms."order" WHERE company_id = company AND order_id = id);
END $$;
ALTER TABLE oms.order_line ADD CONSTRAINT has_order CHECK (pg_temp.has_order(company_id, order_id));
SELECT status FROM pg_temp.took('looks around', 'WEB 981001 PREPAID 1xSHIRT');
ALTER TABLE oms.order_line DROP CONSTRAINT has_order;

-- a domain in a default may get stricter
SAVEPOINT s;
CREATE DOMAIN pg_temp.word AS text;
ALTER TABLE oms.order_line ADD said text DEFAULT 'yes'::pg_temp.word;
SELECT status FROM pg_temp.took('domain', 'WEB 981001 PREPAID 1xSHIRT');
ALTER DOMAIN pg_temp.word ADD CONSTRAINT never CHECK (value <> 'yes');
\set VERBOSITY terse
SELECT status FROM pg_temp.took('domain', 'WEB 981001 PREPAID 2xSHIRT', '{"external_id": "stricter"}');
\set VERBOSITY default
ROLLBACK TO s;
-- read-only: refused by the statement that would lock the row of stock
SAVEPOINT s;
SELECT count(oms.reserve_cart(pg_temp.doc('cart', 'WEB 981001 PREPAID 1xSHIRT', '{"cart_id": "rows"}')));
SET TRANSACTION READ ONLY;
SELECT oms.release_cart('rows');
ROLLBACK TO s;

-- a table put aside in another schema gets no rows; the one that has its place does
CREATE SCHEMA regress_oms_aside;
CREATE TABLE regress_oms_aside.fresh (LIKE oms.order_charge INCLUDING ALL);
SAVEPOINT s;
SELECT status FROM pg_temp.took('before', 'WEB 981001 PREPAID 1xSHIRT', '{"charges": [{"kind": "SHIPPING", "amount": 49}]}');
ALTER TABLE oms.order_charge SET SCHEMA regress_oms_aside;
ALTER TABLE regress_oms_aside.fresh RENAME TO order_charge_fresh;
ALTER TABLE regress_oms_aside.order_charge_fresh SET SCHEMA oms;
ALTER TABLE oms.order_charge_fresh RENAME TO order_charge;
SELECT status FROM pg_temp.took('aside', 'WEB 981001 PREPAID 1xSHIRT', '{"charges": [{"kind": "SHIPPING", "amount": 49}]}');
SELECT (SELECT count(*) FROM regress_oms_aside.order_charge WHERE order_id = pg_temp.id('aside')) AS aside, (SELECT count(*) FROM oms.order_charge WHERE order_id = pg_temp.id('aside')) AS in_place;
ROLLBACK TO s;

-- events lie in the partition of their month, also after it was detached
SELECT tableoid::regclass = format('oms.event_%s', to_char(now() AT TIME ZONE 'UTC', 'YYYY_MM'))::regclass AS in_month, payload ->> 'status' AS status
  FROM oms.event WHERE topic = 'order' AND subject_id = pg_temp.id('plain') AND type = 'order.captured';
DO $$ BEGIN EXECUTE format('ALTER TABLE oms.event DETACH PARTITION oms.event_%s', to_char(now() AT TIME ZONE 'UTC', 'YYYY_MM')); END $$;
SELECT status FROM pg_temp.took('detached', 'WEB 981001 PREPAID 1xSHIRT');
SELECT tableoid::regclass, actor = session_user AS by_me, created_at = now() AS now FROM oms.event WHERE topic = 'order' AND subject_id = pg_temp.id('detached') AND type = 'order.captured';
-- and there may be none at all
SAVEPOINT s;
DO $$
DECLARE
    part regclass;
BEGIN
    FOR part IN SELECT inhrelid FROM pg_inherits WHERE inhparent = 'oms.event'::regclass LOOP
        EXECUTE format('ALTER TABLE oms.event DETACH PARTITION %s', part);
    END LOOP;
END $$;
\set VERBOSITY terse
SELECT status FROM pg_temp.took('no partition', 'WEB 981001 PREPAID 1xSHIRT');
\set VERBOSITY default
ROLLBACK TO s;

-- row security: rows that a policy forbids are not written
CREATE ROLE regress_oms_rows;
SELECT oms.grant_role('app', 'regress_oms_rows') IS NOT NULL AS granted;
DO $$
BEGIN
    EXECUTE format('GRANT USAGE ON SCHEMA %I TO regress_oms_rows', pg_my_temp_schema()::regnamespace);
    EXECUTE format('GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA %I TO regress_oms_rows', pg_my_temp_schema()::regnamespace);
    EXECUTE format('GRANT ALL ON ALL SEQUENCES IN SCHEMA %I TO regress_oms_rows', pg_my_temp_schema()::regnamespace);
END $$;
SET ROLE regress_oms_rows;
SELECT status FROM pg_temp.took('granted', 'WEB 981001 PREPAID 1xSHIRT');
RESET ROLE;
-- who may not call the function of a constraint may not write, though another could just now
REVOKE EXECUTE ON FUNCTION pg_temp.has_order FROM PUBLIC, regress_oms_rows;
ALTER TABLE oms.order_line ADD CONSTRAINT has_order CHECK (pg_temp.has_order(company_id, order_id));
SELECT status FROM pg_temp.took('by its owner', 'WEB 981001 PREPAID 1xSHIRT');
SET ROLE regress_oms_rows;
SAVEPOINT s;
\set VERBOSITY terse
SELECT status FROM pg_temp.took('by another', 'WEB 981001 PREPAID 1xSHIRT');
\set VERBOSITY default
ROLLBACK TO s;
RESET ROLE;
SELECT status FROM pg_temp.took('by its owner again', 'WEB 981001 PREPAID 1xSHIRT');
ALTER TABLE oms.order_line DROP CONSTRAINT has_order;

ALTER TABLE oms.order_charge ENABLE ROW LEVEL SECURITY;
CREATE POLICY small ON oms.order_charge USING (true) WITH CHECK (amount < 50);
SET ROLE regress_oms_rows;
SELECT status FROM pg_temp.took('small charge', 'WEB 981001 PREPAID 1xSHIRT', '{"charges": [{"kind": "SHIPPING", "amount": 49}]}');
SAVEPOINT s;
\set VERBOSITY terse
SELECT status FROM pg_temp.took('large charge', 'WEB 981001 PREPAID 1xSHIRT', '{"charges": [{"kind": "SHIPPING", "amount": 50}]}');
ROLLBACK TO s;
RESET ROLE;
-- rights: none, and on columns only
REVOKE INSERT ON oms.order_line FROM regress_oms_rows;
SET ROLE regress_oms_rows;
SAVEPOINT s;
SELECT status FROM pg_temp.took('revoked', 'WEB 981001 PREPAID 1xSHIRT');
ROLLBACK TO s;
RESET ROLE;
\set VERBOSITY default
GRANT INSERT (company_id, order_id, line_no, sku_id, qty, unit_price, discount, net_amount, list_price) ON oms.order_line TO regress_oms_rows;
SET ROLE regress_oms_rows;
SELECT status FROM pg_temp.took('by columns', 'WEB 981001 PREPAID 1xSHIRT');
RESET ROLE;
SELECT count(*) AS broken FROM oms.verify();
ROLLBACK;
