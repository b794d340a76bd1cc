-- bench/erp_cdc: one ERP table three times: bare, ours (attached), rival (a
-- PL/pgSQL row trigger that does the same job).
SET client_min_messages = warning;
CREATE EXTENSION pg_oms CASCADE;

CREATE SCHEMA bare;
CREATE TABLE bare.firm (id int PRIMARY KEY, name text NOT NULL);
INSERT INTO bare.firm VALUES (1, 'Bench Traders');
CREATE TABLE bare.place (id int PRIMARY KEY, code text NOT NULL);
INSERT INTO bare.place SELECT p, 'P' || p FROM generate_series(1, 20) AS p;
CREATE TABLE bare.product (id int PRIMARY KEY, code text NOT NULL);
INSERT INTO bare.product SELECT p, 'SKU' || p FROM generate_series(1, 5000) AS p;
-- as ERPs keep it: a key of its own, numbers, who and when, a remark
CREATE TABLE bare.stock_level (
    id int PRIMARY KEY,
    place_id int NOT NULL,
    product_id int NOT NULL,
    qty numeric(14,3) NOT NULL,
    min_qty numeric(14,3) NOT NULL DEFAULT 0,
    remark text,
    write_uid int NOT NULL DEFAULT 1,
    write_date timestamp NOT NULL DEFAULT now(),
    UNIQUE (place_id, product_id)
) WITH (autovacuum_enabled = off);
CREATE INDEX ON bare.stock_level (product_id);
INSERT INTO bare.stock_level (id, place_id, product_id, qty, remark)
SELECT (n.id - 1) * 5000 + p.id, n.id, p.id, 100 + p.id % 50, 'shelf ' || p.id % 97 FROM bare.place AS n, bare.product AS p ORDER BY n.id, p.id;

CREATE SCHEMA ours;
CREATE SCHEMA rival;
DO $$
DECLARE
    s text;
    t text;
BEGIN
    FOREACH s IN ARRAY '{ours,rival}'::text[] LOOP
        FOREACH t IN ARRAY '{firm,place,product,stock_level}'::text[] LOOP
            EXECUTE format('CREATE TABLE %I.%I (LIKE bare.%I INCLUDING ALL)', s, t, t);
            EXECUTE format('INSERT INTO %I.%I SELECT * FROM bare.%I', s, t, t);
        END LOOP;
        EXECUTE format('ALTER TABLE %I.stock_level SET (autovacuum_enabled = off)', s);
    END LOOP;
END $$;

-- what an able programmer would write: compare, then one insert
CREATE TABLE rival.change_log (
    change_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    relation text NOT NULL,
    op text NOT NULL,
    old_row jsonb,
    new_row jsonb,
    changed_at timestamptz NOT NULL DEFAULT now()
) WITH (autovacuum_enabled = off);
CREATE FUNCTION rival.capture() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF TG_OP = 'UPDATE' THEN
        IF (old.place_id, old.product_id, old.qty) IS DISTINCT FROM (new.place_id, new.product_id, new.qty) THEN
            INSERT INTO rival.change_log (relation, op, old_row, new_row)
            VALUES ('rival.stock_level', 'U', jsonb_build_object('place_id', old.place_id, 'product_id', old.product_id, 'qty', old.qty),
                    jsonb_build_object('place_id', new.place_id, 'product_id', new.product_id, 'qty', new.qty));
        END IF;
    ELSIF TG_OP = 'INSERT' THEN
        INSERT INTO rival.change_log (relation, op, new_row)
        VALUES ('rival.stock_level', 'I', jsonb_build_object('place_id', new.place_id, 'product_id', new.product_id, 'qty', new.qty));
    ELSE
        INSERT INTO rival.change_log (relation, op, old_row)
        VALUES ('rival.stock_level', 'D', jsonb_build_object('place_id', old.place_id, 'product_id', old.product_id, 'qty', old.qty));
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER capture AFTER INSERT OR UPDATE OR DELETE ON rival.stock_level FOR EACH ROW EXECUTE FUNCTION rival.capture();

INSERT INTO oms.erp_profile (profile, title, params, company_query) VALUES
('bench', 'bench/erp_cdc', '{"schema": "ours"}', 'SELECT id AS key, ''BENCH'' AS code, name, NULL AS currency, ''Asia/Kolkata'' AS timezone, ''Karnataka'' AS state FROM @erp@.firm');
INSERT INTO oms.erp_entity (profile, entity, query) VALUES
('bench', 'node', $q$SELECT id AS key, code, code AS name, 'KA' AS state FROM @erp@.place WHERE $1::text[] IS NULL OR id = ANY ($1::int[])$q$),
('bench', 'sku', $q$SELECT id AS key, code, code AS name FROM @erp@.product WHERE $1::text[] IS NULL OR id = ANY ($1::int[])$q$),
('bench', 'stock', $q$
SELECT l.place_id || '|' || l.product_id AS key, l.qty AS on_hand FROM @erp@.stock_level l WHERE $1::text[] IS NULL
UNION ALL
SELECT k, l.qty FROM unnest($1::text[]) k
  JOIN @erp@.stock_level l ON l.place_id = split_part(k, '|', 1)::int AND l.product_id = split_part(k, '|', 2)::int
$q$);
INSERT INTO oms.erp_source (profile, entity, relation, watch, resolve) VALUES
('bench', 'node', '@erp@.place', '{id,code}', $q$SELECT i->>'id' FROM unnest($1) i$q$),
('bench', 'sku', '@erp@.product', '{id,code}', $q$SELECT i->>'id' FROM unnest($1) i$q$),
('bench', 'stock', '@erp@.stock_level', '{place_id,product_id,qty}', $q$SELECT (i->>'place_id') || '|' || (i->>'product_id') FROM unnest($1) i$q$);
SELECT count(*) FROM oms.attach_erp('bench') \g /dev/null

CREATE TABLE public.first AS SELECT * FROM bare.stock_level;

-- The table as it was at first, and empty logs: every round finds the same.
CREATE FUNCTION public.refill(schema text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    SET LOCAL session_replication_role = replica;
    EXECUTE format('TRUNCATE %I.stock_level', schema);
    EXECUTE format('INSERT INTO %I.stock_level SELECT * FROM public.first ORDER BY id', schema);
    TRUNCATE oms.erp_change, rival.change_log;
END $$;

-- CPU of this backend so far, nanoseconds
CREATE FUNCTION public.cpu() RETURNS bigint LANGUAGE sql VOLATILE AS $$ SELECT split_part(pg_read_file('/proc/self/schedstat'), ' ', 1)::bigint $$;

-- N statements of one transaction, each of another row: CPU nanoseconds a
-- statement, without the loop's own.
CREATE FUNCTION public.singles(schema text, what text, n integer) RETURNS numeric LANGUAGE plpgsql AS $$
DECLARE
    began bigint;
    loop_only bigint;
    k integer;
BEGIN
    EXECUTE format('SET LOCAL search_path = %I', schema);
    -- plans are made, the trigger is known
    FOR i IN 1 .. 7 LOOP
        UPDATE stock_level SET qty = qty + 1 WHERE place_id = 20 AND product_id = 5000;
        UPDATE stock_level SET remark = 'r' || i WHERE place_id = 20 AND product_id = 5000;
    END LOOP;
    began := public.cpu();
    FOR i IN 1 .. n LOOP
        k := i * 37 % 99999;
    END LOOP;
    loop_only := public.cpu() - began;
    began := public.cpu();
    IF what = 'stock' THEN
        FOR i IN 1 .. n LOOP
            k := i * 37 % 99999;
            UPDATE stock_level SET qty = qty - 1 WHERE place_id = 1 + k / 5000 AND product_id = 1 + k % 5000;
        END LOOP;
    ELSE
        FOR i IN 1 .. n LOOP
            k := i * 37 % 99999;
            UPDATE stock_level SET remark = 'counted' WHERE place_id = 1 + k / 5000 AND product_id = 1 + k % 5000;
        END LOOP;
    END IF;
    RETURN (public.cpu() - began - loop_only)::numeric / n;
END $$;

-- One statement over all 100,000 rows, committed by who calls: CPU
-- nanoseconds a row.
CREATE FUNCTION public.bulk(schema text, what text) RETURNS numeric LANGUAGE plpgsql AS $$
DECLARE
    began bigint := public.cpu();
    done integer;
BEGIN
    EXECUTE format('UPDATE %I.stock_level SET %s', schema, CASE what WHEN 'stock' THEN 'qty = qty - 1' ELSE 'remark = ''counted''' END);
    GET DIAGNOSTICS done = ROW_COUNT;
    RETURN (public.cpu() - began)::numeric / done;
END $$;

-- From the ERP's commit to the worker's, milliseconds each.
CREATE TABLE public.applied (trial int, ms numeric);
CREATE PROCEDURE public.commit_to_applied(trials integer) LANGUAGE plpgsql AS $$
DECLARE
    began timestamptz;
    r record;
    waited integer;
BEGIN
    SELECT s.node_id, s.sku_id INTO r FROM oms.stock AS s JOIN oms.node AS n USING (node_id) JOIN oms.sku AS k USING (sku_id)
     WHERE n.code = 'P7' AND k.code = 'SKU7';
    FOR i IN 1 .. trials LOOP
        UPDATE ours.stock_level SET qty = 200 + i WHERE place_id = 7 AND product_id = 7;
        COMMIT;
        began := clock_timestamp();
        waited := 0;
        WHILE (SELECT s.on_hand FROM oms.stock AS s WHERE s.node_id = r.node_id AND s.sku_id = r.sku_id) <> 200 + i LOOP
            PERFORM pg_sleep(0.0002);
            waited := waited + 1;
            IF waited > 20000 THEN
                RAISE EXCEPTION 'the worker does not take in';
            END IF;
        END LOOP;
        INSERT INTO public.applied VALUES (i, extract(epoch FROM clock_timestamp() - began) * 1000);
        COMMIT;
        PERFORM pg_sleep(0.003);
    END LOOP;
END $$;

-- Asking when nothing is pending: CPU nanoseconds a call, all of it.
CREATE FUNCTION public.asking(n integer) RETURNS numeric LANGUAGE plpgsql AS $$
DECLARE
    began bigint;
    company integer := (SELECT company_id FROM oms.company);
    sku integer := (SELECT sku_id FROM oms.sku WHERE code = 'SKU7');
BEGIN
    PERFORM FROM oms.erp_pending(company, sku);
    began := public.cpu();
    FOR i IN 1 .. n LOOP
        PERFORM FROM oms.erp_pending(company, sku);
    END LOOP;
    RETURN (public.cpu() - began)::numeric / n;
END $$;

-- Promises that missed what was committed before them
CREATE TABLE public.missed (client int, product int, was numeric, seen numeric);
VACUUM (ANALYZE, FREEZE);
