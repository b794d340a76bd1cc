-- Masters kept in memory: what holds for a time, who may see, who is told.
-- (Changes by other sessions: test/specs/iso_core_memo.spec.)
\getenv abs_srcdir PG_ABS_SRCDIR
\set shop :abs_srcdir '/sql/include/shop.inc'
BEGIN;
\i :shop
DO $$ BEGIN PERFORM pg_temp.set_stock(900, 900, 0, 'SHIRT', 'BOOK'); END $$;

-- a price holds from its moment to the next one's, whatever was asked before
INSERT INTO oms.price (company_id, sku_id, valid_from, amount)
SELECT 9200, sku_id, t::timestamptz, a FROM oms.sku, (VALUES ('2026-03-02 12:00+05:30', 600), ('2026-03-02 13:00+05:30', 700)) v (t, a) WHERE company_id = 9200 AND code = 'SHIRT';
SELECT n, t AS at, (SELECT total FROM pg_temp.took('price' || n, 'WEB 981001 PREPAID 1xSHIRT', at => t::timestamptz)) AS total
  FROM unnest('{2026-03-02 11:00+05:30,2026-03-02 12:00+05:30,2026-03-02 12:59:59.999999+05:30,2026-03-02 13:00+05:30,2026-03-02 11:59:59.999999+05:30,2026-03-02 12:30+05:30}'::text[]) WITH ORDINALITY AS u (t, n) ORDER BY n;
-- one put in between counts at once
INSERT INTO oms.price (company_id, sku_id, valid_from, amount) SELECT 9200, sku_id, '2026-03-02 12:30+05:30', 650 FROM oms.sku WHERE company_id = 9200 AND code = 'SHIRT';
SELECT n, t AS at, (SELECT total FROM pg_temp.took('between' || n, 'WEB 981001 PREPAID 1xSHIRT', at => t::timestamptz)) AS total
  FROM unnest('{2026-03-02 12:00+05:30,2026-03-02 12:30+05:30,2026-03-02 12:29+05:30}'::text[]) WITH ORDINALITY AS u (t, n) ORDER BY n;

-- so do an embargo and trouble in the network, by the moment of hand-over (16:00)
CREATE FUNCTION pg_temp.holds(id text, at timestamptz) RETURNS text LANGUAGE sql AS $$
    SELECT coalesce((SELECT string_agg(h ->> 'hold', ',') FROM jsonb_array_elements(pg_temp.capture(id, 'WEB 981001 PREPAID 1xBOOK', at => at) -> 'holds') h), 'none')
$$;
SELECT pg_temp.holds('free', '2026-03-03 10:00+05:30');
UPDATE oms.serviceability SET embargo_from = '2026-03-04 00:00+05:30', embargo_to = '2026-03-06 00:00+05:30' WHERE pincode = '981001';
SELECT day, pg_temp.holds('embargo' || day, format('2026-03-%s 10:00+05:30', day)::timestamptz) FROM unnest('{03,04,05,06}'::text[]) day ORDER BY day;
UPDATE oms.serviceability SET embargo_from = NULL, embargo_to = NULL WHERE pincode = '981001';
INSERT INTO oms.network_status (region, blocked, valid_from, valid_to) VALUES ('981', true, '2026-03-10 15:00+05:30', '2026-03-10 16:00:01+05:30'), ('981', true, '2026-03-11 16:00:01+05:30', '2026-03-11 17:00+05:30'), ('981', true, '2026-03-12 10:00+05:30', '2026-03-12 16:00+05:30');
SELECT day, pg_temp.holds('network' || day, format('2026-03-%s 10:00+05:30', day)::timestamptz) FROM unnest('{10,11,12}'::text[]) day ORDER BY day;
DELETE FROM oms.network_status;
SELECT pg_temp.holds('quiet', '2026-03-10 10:00+05:30');

-- rights and row security are the asker's: others' answers are not for him
CREATE ROLE regress_oms_memo;
SELECT oms.grant_role('app', 'regress_oms_memo') IS NOT NULL AS granted;
DO $$
BEGIN
    EXECUTE format('GRANT USAGE ON SCHEMA %I TO regress_oms_memo', pg_my_temp_schema()::regnamespace);
    EXECUTE format('GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA %I TO regress_oms_memo', pg_my_temp_schema()::regnamespace);
END $$;
SELECT total FROM pg_temp.took('owner', 'WEB 981001 PREPAID 1xBOOK');
SET ROLE regress_oms_memo;
SELECT total FROM pg_temp.took('app', 'WEB 981001 PREPAID 1xBOOK');
RESET ROLE;
REVOKE SELECT ON oms.price FROM regress_oms_memo;
SET ROLE regress_oms_memo;
SAVEPOINT s;
\set VERBOSITY terse
SELECT total FROM pg_temp.took('revoked', 'WEB 981001 PREPAID 1xBOOK');
ROLLBACK TO s;
\set VERBOSITY default
RESET ROLE;
GRANT SELECT ON oms.price TO regress_oms_memo;
ALTER TABLE oms.channel ENABLE ROW LEVEL SECURITY;
CREATE POLICY b2b ON oms.channel USING (kind = current_setting('test.kind', true));
SET ROLE regress_oms_memo;
SET LOCAL test.kind = 'web';
SELECT total FROM pg_temp.took('seen', 'WEB 981001 PREPAID 1xBOOK');
SET LOCAL test.kind = 'b2b';
SAVEPOINT s;
SELECT total FROM pg_temp.took('hidden', 'WEB 981001 PREPAID 1xBOOK');
ROLLBACK TO s;
RESET ROLE;
SELECT total FROM pg_temp.took('owner sees', 'WEB 981001 PREPAID 1xBOOK');

-- a row trigger of the owner's that asks in the next statement has the new row
CREATE FUNCTION pg_temp.ask() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_temp.took('asked', 'WEB 981001 PREPAID 1xBOOK'); RETURN NULL; END $$;
CREATE CONSTRAINT TRIGGER zz_ask AFTER UPDATE ON oms.price DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION pg_temp.ask();
UPDATE oms.price SET amount = 222 WHERE sku_id = (SELECT sku_id FROM oms.sku WHERE company_id = 9200 AND code = 'BOOK');
SET CONSTRAINTS ALL IMMEDIATE;
SELECT total_amount FROM oms."order" WHERE order_id = pg_temp.id('asked');
DROP TRIGGER zz_ask ON oms.price;

-- every master tells, in both ways; the function is for that alone
SELECT tgname, tgenabled, count(*) >= 20 AS many, count(DISTINCT tgrelid) = count(*) AS one_each FROM pg_trigger WHERE tgname LIKE 'oms\_memo%' GROUP BY tgname, tgenabled ORDER BY tgname COLLATE "C";
CREATE TRIGGER wrong BEFORE INSERT ON oms.calendar FOR EACH STATEMENT EXECUTE FUNCTION oms.memo_changed();
INSERT INTO oms.calendar (company_id, day, name) VALUES (9200, '2026-12-25', 'Christmas');
ROLLBACK;
