-- Every table, view, column and function says what it is.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pgtap;
CREATE EXTENSION IF NOT EXISTS pg_oms CASCADE;
BEGIN;
SELECT oms.install() \g /dev/null
SELECT plan(8);

CREATE VIEW pg_temp.relation AS
SELECT c.oid, c.relnamespace::regnamespace || '.' || c.relname AS name, c.relkind, c.relispartition
  FROM pg_class c
 WHERE c.relnamespace IN ('oms'::regnamespace, 'oms_bi'::regnamespace) AND c.relkind IN ('r', 'p', 'v', 'm', 'f');

SELECT cmp_ok((SELECT count(*) FROM pg_temp.relation WHERE relkind IN ('r', 'p')), '>', 40::bigint, 'the tables are there to be looked at');
SELECT cmp_ok((SELECT count(*) FROM pg_temp.relation WHERE relkind = 'v'), '>=', 27::bigint, 'so are the views');

SELECT is_empty($$SELECT name FROM pg_temp.relation WHERE coalesce(obj_description(oid, 'pg_class'), '') = '' ORDER BY name$$,
    'every table and view has a comment');
SELECT is_empty($$SELECT r.name || '.' || a.attname FROM pg_temp.relation r JOIN pg_attribute a ON a.attrelid = r.oid
     WHERE NOT r.relispartition AND a.attnum > 0 AND NOT a.attisdropped AND coalesce(col_description(r.oid, a.attnum), '') = '' ORDER BY 1$$,
    'every column has a comment');
SELECT is_empty($$SELECT p.oid::regprocedure::text FROM pg_proc p
     WHERE p.pronamespace IN ('oms'::regnamespace, 'oms_bi'::regnamespace) AND coalesce(obj_description(p.oid, 'pg_proc'), '') = '' ORDER BY 1$$,
    'every function has a comment');
SELECT is_empty($$SELECT nspname FROM pg_namespace WHERE nspname IN ('oms', 'oms_bi') AND coalesce(obj_description(oid, 'pg_namespace'), '') = ''$$,
    'so have the schemas');
SELECT is_empty($$SELECT oid, attname FROM (SELECT r.oid, a.attname, col_description(r.oid, a.attnum) AS c FROM pg_temp.relation r JOIN pg_attribute a ON a.attrelid = r.oid
     WHERE a.attnum > 0) x WHERE c ~ '--\|'$$, 'no remark has been cut at the wrong place');
-- what BI tools read has simple types only
SELECT is_empty($$SELECT r.name || '.' || a.attname || ' ' || format_type(a.atttypid, a.atttypmod)
      FROM pg_temp.relation r JOIN pg_attribute a ON a.attrelid = r.oid
     WHERE r.name LIKE 'oms\_bi.%' AND a.attnum > 0 AND NOT a.attisdropped
       AND (a.atttypid <> ALL ('{int4,int8,numeric,float8,text,bool,date,timestamptz}'::regtype[])
            OR (a.atttypid = 'numeric'::regtype AND a.atttypmod = -1)) ORDER BY 1$$,
    'views of oms_bi have simple types, numeric with precision and scale');
SELECT * FROM finish();
ROLLBACK;
