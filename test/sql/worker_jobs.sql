-- Jobs as rows, run in the session; partitions of the event log.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pg_oms CASCADE;
RESET client_min_messages;
BEGIN;
SELECT oms.install() ~ '^(already )?installed' AS installed;

-- the jobs that ship
SELECT name, command, every, wake, wake_stock, enabled FROM oms.job
 WHERE name IN ('erp_apply', 'erp_send', 'event_partitions', 'expire_carts', 'retry_backorders')
 ORDER BY name COLLATE "C";

-- only jobs of this test from here on
UPDATE oms.job SET enabled = false;
CREATE TABLE pg_temp.done (job text);
INSERT INTO oms.job (name, command, every, wake, wake_stock, next_run) VALUES
    ('t_due', 'INSERT INTO pg_temp.done VALUES (''t_due'') RETURNING job', '1 hour', false, false, now()),
    ('t_fails', 'INSERT INTO pg_temp.done VALUES (''t_fails''); SELECT 1/0', '10 seconds', false, false, now()),
    ('t_gone', 'SELECT pg_temp.no_such_function()', '30 minutes', false, false, now()),
    ('t_later', 'SELECT 1', '1 hour', false, false, now() + '1 hour'),
    ('t_several', 'SELECT 41; SELECT 42', '1 hour', false, false, now()),
    ('t_tx', 'COMMIT', '1 hour', false, false, now()),
    ('t_wake', 'SELECT count(*) FROM pg_temp.done', '1 hour', true, false, now() + '1 hour'),
    ('t_wake_stock', 'SELECT ''some came''', '1 hour', false, true, now() + '1 hour');
SELECT * FROM oms.run_jobs();
SELECT * FROM pg_temp.done;
-- nothing is due any more; what wakes runs whenever asked
SELECT * FROM oms.run_jobs();

-- the pause doubles with every failure, up to an hour (or the job's own pause)
CREATE VIEW pg_temp.pause AS
SELECT name, failures, last_error IS NOT NULL AS failed, last_result, last_took >= '0' AS took,
       round(extract(epoch FROM next_run - last_run)) AS pause_s
  FROM oms.job WHERE enabled AND last_run IS NOT NULL ORDER BY name COLLATE "C";
SELECT * FROM pg_temp.pause;
SELECT count(*) FROM generate_series(1, 12) AS g, LATERAL oms.run_jobs(CASE WHEN g > 0 THEN 't_fails' END);
SELECT count(*) FROM generate_series(1, 70) AS g, LATERAL oms.run_jobs(CASE WHEN g > 0 THEN 't_gone' END);
SELECT * FROM pg_temp.pause WHERE failures > 0;
-- one good run and it is forgotten
UPDATE oms.job SET command = 'SELECT ''well''' WHERE name = 't_fails';
SELECT * FROM oms.run_jobs('t_fails');
SELECT * FROM pg_temp.pause WHERE name = 't_fails';

-- by name: whether due or not, but it must be there and enabled
SELECT * FROM oms.run_jobs('t_later');
SAVEPOINT s;
SELECT * FROM oms.run_jobs('no such job');
\echo :LAST_ERROR_SQLSTATE
ROLLBACK TO s;
UPDATE oms.job SET enabled = false WHERE name = 't_later';
SAVEPOINT s;
SELECT * FROM oms.run_jobs('t_later');
ROLLBACK TO s;
SAVEPOINT s;
\set VERBOSITY terse
INSERT INTO oms.job (name, command, every) VALUES ('t_busy', 'SELECT 1', '0');
\set VERBOSITY default
ROLLBACK TO s;

-- a worker is another session: it does not see what is not committed
SELECT oms.worker_pid(), oms.stop_worker();
SELECT pid, jobs, failing, overdue_s >= 0 AS overdue FROM oms.worker_status();
SELECT oms.wake_worker();
SAVEPOINT s;
SELECT oms.start_worker();
\echo :LAST_ERROR_SQLSTATE
ROLLBACK TO s;

-- partitions of oms.event: this month and two more, nothing moved
SELECT oms.make_event_partitions('2031-12-31 23:30:00+00');
SELECT oms.make_event_partitions('2031-12-31 23:30:00+00');
INSERT INTO oms.event (created_at, company_id, topic, subject_id, type) VALUES
    ('2032-03-01 00:00:00+00', 1, 'test', 1, 'test.one'),
    ('2032-01-31 23:59:59+00', 1, 'test', 2, 'test.two');
SELECT oms.make_event_partitions('2032-02-01 00:00:00+00');
SELECT c.relname, pg_get_expr(c.relpartbound, c.oid) AS bound,
       (SELECT count(*) FROM oms.event e WHERE e.tableoid = c.oid AND e.topic = 'test') AS rows,
       obj_description(c.oid, 'pg_class') AS comment
  FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
 WHERE i.inhparent = 'oms.event'::regclass AND c.relname ~ '203[12]|default'
 ORDER BY c.relname COLLATE "C";
ROLLBACK;
-- without tables there is nothing to run
BEGIN;
SET LOCAL client_min_messages = warning;
CREATE FUNCTION pg_temp.gone() RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    PERFORM oms.uninstall();
    BEGIN
        PERFORM oms.run_jobs();
    EXCEPTION WHEN SQLSTATE 'OM003' THEN
        RETURN SQLERRM;
    END;
END $$;
SELECT pg_temp.gone();
ROLLBACK;
