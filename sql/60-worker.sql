-- worker: jobs and who runs them.  Settings are described in doc/worker.md.

CREATE FUNCTION oms.start_worker() RETURNS integer
LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'oms_start_worker';
COMMENT ON FUNCTION oms.start_worker() IS
    'Starts the background worker of this database and returns its pid. It ends with the server (or a crash of it) unless pg_oms is preloaded. Raises OM701 when there is one already, when no worker slot is free, or on a standby; OM003 before oms.install().';

CREATE FUNCTION oms.stop_worker() RETURNS boolean
LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'oms_stop_worker';
COMMENT ON FUNCTION oms.stop_worker() IS
    'Stops the background worker of this database and waits until it is gone; a job under way is rolled back. False if there was none. A preloaded server starts it again after a restart; ALTER DATABASE ... SET oms.worker_autostart = off keeps it away.';

CREATE FUNCTION oms.worker_pid() RETURNS integer
LANGUAGE c VOLATILE STRICT PARALLEL RESTRICTED AS 'MODULE_PATHNAME', 'oms_worker_pid';
COMMENT ON FUNCTION oms.worker_pid() IS
    'Process number of the background worker of this database; NULL when none runs.';

CREATE FUNCTION oms.wake_worker() RETURNS void
LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'oms_wake_worker';
COMMENT ON FUNCTION oms.wake_worker() IS
    'Has the jobs marked wake or wake_stock run at once after this transaction commits. Does nothing where pg_oms is not preloaded: the worker then looks every oms.worker_naptime.';

CREATE FUNCTION oms.run_jobs(only_job text DEFAULT NULL, OUT name text, OUT result text, OUT error text)
RETURNS SETOF record
LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'oms_run_jobs';
COMMENT ON FUNCTION oms.run_jobs(text) IS
    'Runs now, in this session and transaction, the jobs that are due or marked wake or wake_stock, or the one job named whether due or not; each in a subtransaction, with the rights of the owner of oms.job as in the worker. One row a job: what it returned, or its error (SQLSTATE first). Jobs that somebody else is running are left out. Raises OM002 when the job named cannot be run, OM003 before oms.install().';

CREATE FUNCTION oms.worker_status(
    OUT pid integer, OUT supervised boolean, OUT started_at timestamptz, OUT activity text,
    OUT jobs integer, OUT failing integer, OUT overdue_s numeric)
LANGUAGE plpgsql VOLATILE PARALLEL RESTRICTED
SET search_path = pg_catalog, oms, pg_temp AS $$
BEGIN
    pid := oms.worker_pid();
    supervised := EXISTS (SELECT FROM pg_stat_get_activity(NULL) AS a WHERE a.backend_type = 'pg_oms launcher');
    SELECT a.backend_start, CASE a.state WHEN 'active' THEN a.query ELSE a.state END INTO started_at, activity
      FROM pg_stat_get_activity(pid) AS a WHERE a.pid = worker_status.pid;
    IF to_regclass('oms.job') IS NOT NULL THEN
        SELECT count(*), count(*) FILTER (WHERE j.failures > 0),
               round(greatest(extract(epoch FROM max(clock_timestamp() - j.next_run)), 0), 1)
          INTO jobs, failing, overdue_s
          FROM oms.job AS j WHERE j.enabled;
    END IF;
END $$;
COMMENT ON FUNCTION oms.worker_status() IS
    'The background worker of this database in one row: pid (NULL: none), supervised (a launcher keeps it alive), since when, what it does now, enabled jobs, how many of them failed last time, and by how many seconds the latest is overdue. Columns about processes are empty without pg_read_all_stats.';

CREATE FUNCTION oms.combiner_stat(
    OUT pid integer, OUT waiting integer, OUT batches bigint, OUT captured bigint, OUT mean_batch double precision,
    OUT redone bigint, OUT returned bigint, OUT withdrawn bigint, OUT queue_full bigint)
LANGUAGE c VOLATILE STRICT PARALLEL RESTRICTED AS 'MODULE_PATHNAME', 'oms_combiner_stat';
COMMENT ON FUNCTION oms.combiner_stat() IS
    'The combiner in this database since the server started, in one row: pid of its worker (NULL: none), orders with it now, transactions committed, orders they captured, orders a transaction, transactions undone because of one order, orders left to their session (one that failed or met a lock; never an error by itself), orders whose session went away, calls that found the queue full. Zeros where pg_oms is not preloaded.';

CREATE FUNCTION oms.make_event_partitions(at timestamptz DEFAULT now(), months_ahead integer DEFAULT 2)
RETURNS integer
LANGUAGE plpgsql VOLATILE STRICT PARALLEL UNSAFE
SET search_path = pg_catalog, oms, pg_temp
SET lock_timeout = '2s'
SET timezone = 'UTC' AS $$
DECLARE
    month timestamptz;
    part text;
    made integer := 0;
BEGIN
    FOR month IN SELECT generate_series(date_trunc('month', at), date_trunc('month', at) + months_ahead * interval '1 month', '1 month') LOOP
        part := to_char(month, '"event_"YYYY"_"MM');
        CONTINUE WHEN to_regclass('oms.' || part) IS NOT NULL;
        -- rows that came before their partition stay where they are
        CONTINUE WHEN EXISTS (SELECT FROM oms.event_default WHERE created_at >= month AND created_at < month + interval '1 month');
        EXECUTE format('CREATE TABLE oms.%I (LIKE oms.event INCLUDING DEFAULTS INCLUDING CONSTRAINTS INCLUDING COMMENTS)', part);
        EXECUTE format('COMMENT ON TABLE oms.%I IS %L', part, 'Events of ' || to_char(month, 'YYYY-MM') || ' (UTC).');
        -- attached, not made as a partition: the parent stays open to writers
        EXECUTE format('ALTER TABLE oms.event ATTACH PARTITION oms.%I FOR VALUES FROM (%L) TO (%L)',
                       part, month, month + interval '1 month');
        made := made + 1;
    END LOOP;
    RETURN made;
END $$;
COMMENT ON FUNCTION oms.make_event_partitions(timestamptz, integer) IS
    'Makes the monthly partitions (months of UTC) of oms.event for the month of "at" and the months ahead, where missing; returns how many. Moves no rows: a month that already has rows in event_default stays there. Waits at most two seconds for a lock.';
