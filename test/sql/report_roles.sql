-- Rights by kind of role; PUBLIC has none.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pg_oms CASCADE;
RESET client_min_messages;
BEGIN;
SELECT oms.install() ~ '^(already )?installed' AS installed;
CREATE ROLE regress_oms_nobody;
CREATE ROLE regress_oms_reader;
CREATE ROLE regress_oms_app;
CREATE ROLE regress_oms_operator;
CREATE ROLE regress_oms_admin;

INSERT INTO oms.job (name, command, every, enabled) VALUES ('whoami', 'SELECT current_user', '1 hour', true), ('path', 'SELECT left(current_setting(''search_path''), 15)', '1 hour', true);

-- PUBLIC has nothing
SELECT count(*) AS functions_public_may_call FROM pg_proc p WHERE p.pronamespace = 'oms'::regnamespace AND has_function_privilege('regress_oms_nobody', p.oid, 'EXECUTE');
SELECT count(*) AS tables_public_may_read FROM pg_class c WHERE c.relnamespace IN ('oms'::regnamespace, 'oms_bi'::regnamespace) AND c.relkind IN ('r', 'p', 'v')
   AND has_table_privilege('regress_oms_nobody', c.oid, 'SELECT, INSERT, UPDATE, DELETE');

SELECT oms.grant_role('reader', 'regress_oms_reader');
SELECT oms.grant_role('app', 'regress_oms_app') ~ '^regress_oms_app may call [0-9]+ functions as app$' AS app;
SELECT oms.grant_role('operator', 'regress_oms_operator') ~ 'operator$' AS operator;
SELECT oms.grant_role('admin', 'regress_oms_admin') ~ 'admin$' AS admin;

-- who may do what
SELECT r.role,
       has_schema_privilege(r.role, 'oms_bi', 'USAGE') AND has_table_privilege(r.role, 'oms_bi.fact_order', 'SELECT') AS reports,
       has_schema_privilege(r.role, 'oms', 'USAGE') AS inside,
       has_table_privilege(r.role, 'oms.customer', 'SELECT') AS personal_data,
       has_table_privilege(r.role, 'oms.stock', 'UPDATE') AS stock,
       has_table_privilege(r.role, 'oms.stock_ledger', 'INSERT') AS ledger,
       has_table_privilege(r.role, 'oms.stock_ledger', 'UPDATE, DELETE') AS rewrite,
       has_table_privilege(r.role, 'oms.rate_card', 'UPDATE') AS configure,
       has_function_privilege(r.role, 'oms.order_status(integer, bigint)', 'EXECUTE') AS ask,
       has_function_privilege(r.role, 'oms.wake_worker()', 'EXECUTE') AS wake,
       has_function_privilege(r.role, 'oms.run_jobs(text)', 'EXECUTE') AS run_jobs,
       has_function_privilege(r.role, 'oms.start_worker()', 'EXECUTE') AS worker,
       has_column_privilege(r.role, 'oms.job', 'enabled', 'UPDATE') AS pause_job,
       has_column_privilege(r.role, 'oms.job', 'command', 'UPDATE') AS rewrite_job,
       has_function_privilege(r.role, 'oms.grant_role(text, name)', 'EXECUTE') AS grants
  FROM (VALUES (1, 'regress_oms_nobody'), (2, 'regress_oms_reader'), (3, 'regress_oms_app'), (4, 'regress_oms_operator'), (5, 'regress_oms_admin')) AS r (n, role)
 ORDER BY r.n \gx

-- and so it is
\set VERBOSITY terse
SET LOCAL ROLE regress_oms_reader;
SELECT count(*) >= 0 AS reads FROM oms_bi.fact_order;
SELECT count(*) >= 0 AS reads FROM oms_bi.demand_by_cell;
SELECT count(*) >= 0 AS reads FROM oms_bi.stock_outs;
SAVEPOINT s;
SELECT count(*) FROM oms."order";
ROLLBACK TO s;
SELECT oms.worker_pid();
ROLLBACK TO s;
DELETE FROM oms_bi.dim_courier;
ROLLBACK TO s;
SET LOCAL ROLE regress_oms_app;
SELECT oms.order_status(1, 1);
SAVEPOINT s;
SELECT oms.start_worker();
ROLLBACK TO s;
UPDATE oms.rate_card SET note = 'x';
ROLLBACK TO s;
SET LOCAL ROLE regress_oms_operator;
SELECT count(*) >= 0 AS verifies FROM oms.verify();
-- runs jobs as the worker would: as the owner of oms.job, whatever the caller's search_path
SET LOCAL search_path = pg_temp;
SELECT name, result = (SELECT tableowner FROM pg_tables WHERE schemaname = 'oms' AND tablename = 'job') AS as_owner, error FROM oms.run_jobs('whoami');
SELECT name, result, error FROM oms.run_jobs('path');
SELECT current_user, current_setting('search_path');
RESET search_path;
SAVEPOINT s;
DELETE FROM oms.event;
ROLLBACK TO s;
SET LOCAL ROLE regress_oms_admin;
UPDATE oms.job SET enabled = false WHERE name = 'expire_carts';
SAVEPOINT s;
UPDATE oms.job SET command = 'SELECT 1';
ROLLBACK TO s;
SELECT oms.grant_role('admin', 'regress_oms_nobody');
ROLLBACK TO s;
RESET ROLE;

-- taken back
SELECT oms.revoke_role('regress_oms_app');
SELECT count(*) AS functions_left FROM pg_proc p WHERE p.pronamespace = 'oms'::regnamespace AND has_function_privilege('regress_oms_app', p.oid, 'EXECUTE');
SELECT has_schema_privilege('regress_oms_app', 'oms', 'USAGE') AS inside, has_schema_privilege('regress_oms_app', 'oms_bi', 'USAGE') AS reports;

-- refusals
\set VERBOSITY default
\set SHOW_CONTEXT never
SAVEPOINT s;
SELECT oms.grant_role('owner', 'regress_oms_app');
\echo :LAST_ERROR_SQLSTATE
ROLLBACK TO s;
SELECT oms.grant_role('app', 'regress_oms_none');
\echo :LAST_ERROR_SQLSTATE
ROLLBACK TO s;
ROLLBACK;
BEGIN;
CREATE ROLE regress_oms_app;
DO $$
BEGIN
    SET LOCAL client_min_messages = warning;
    PERFORM oms.uninstall();
    PERFORM oms.grant_role('app', 'regress_oms_app');
END $$;
\echo :LAST_ERROR_SQLSTATE
ROLLBACK;
