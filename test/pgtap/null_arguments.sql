-- Every function of the extension, called with nothing but NULLs, answers or
-- raises, and does not say that it knows no number 0 or nothing by the name "";
-- the server stays up and nothing is written.
\set ON_ERROR_STOP 1
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pgtap;
CREATE EXTENSION IF NOT EXISTS pg_oms CASCADE;
SELECT plan(4);
SELECT oms.install();
INSERT INTO oms.company (code, name) VALUES ('NULLS', 'Nulls');

CREATE TEMP TABLE outcome (function text, state text, message text);
DO $$
DECLARE
    f record;
BEGIN
    FOR f IN
        SELECT p.oid::regprocedure::text AS name, p.prokind, p.proretset,
               format('%s(%s)', p.oid::regproc, (SELECT string_agg('NULL::' || format_type(t, NULL), ', ' ORDER BY n)
                   FROM unnest(p.proargtypes::oid[]) WITH ORDINALITY AS a (t, n))) AS call
          FROM pg_proc p
          JOIN pg_depend d ON d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'e'
          JOIN pg_extension e ON e.oid = d.refobjid AND e.extname = 'pg_oms'
         WHERE p.prokind = 'f' AND p.prorettype <> 'trigger'::regtype
           AND p.proname NOT IN ('install', 'uninstall', 'start_worker', 'stop_worker')
         ORDER BY 1
    LOOP
        BEGIN
            EXECUTE format('SELECT * FROM %s AS r', f.call);
            INSERT INTO outcome VALUES (f.name, '00000', '');
        EXCEPTION WHEN OTHERS THEN
            INSERT INTO outcome VALUES (f.name, SQLSTATE, SQLERRM);
        END;
    END LOOP;
END $$;

SELECT cmp_ok((SELECT count(*) FROM outcome), '>=', 60::bigint, 'the functions were called');
SELECT is((SELECT string_agg(function || ' ' || state, ', ') FROM outcome WHERE state = 'XX000'), NULL,
          'none fails with an internal error');
SELECT is((SELECT string_agg(function || ': ' || message, ', ') FROM outcome WHERE message ~ '\m0 (does not exist|has)|""|<NULL>|\(null\)'), NULL,
          'none takes NULL for 0 or an empty text');
SELECT is((SELECT count(*) FROM oms."order") + (SELECT count(*) FROM oms.shipment) + (SELECT count(*) FROM oms.node), 0::bigint,
          'nothing was written');
SELECT * FROM finish();
