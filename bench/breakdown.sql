SELECT left(regexp_replace(query, '\s+', ' ', 'g'), 84) AS statement,
       round((calls / :orders.0)::numeric, 2) AS per_order,
       round((total_exec_time * 1000 / :orders)::numeric, 1) AS us_per_order
  FROM pg_stat_statements s JOIN pg_database d ON d.oid = s.dbid AND d.datname = current_database()
 WHERE NOT toplevel ORDER BY total_exec_time DESC LIMIT 25;
SELECT round((sum(total_exec_time) FILTER (WHERE toplevel AND query LIKE '%capture_order%') * 1000 / :orders)::numeric, 1) AS whole_call_us,
       round((sum(total_exec_time) FILTER (WHERE NOT toplevel) * 1000 / :orders)::numeric, 1) AS in_statements_us,
       round((sum(calls) FILTER (WHERE NOT toplevel) / :orders.0)::numeric, 1) AS statements,
       round((sum(wal_bytes) FILTER (WHERE toplevel AND query LIKE '%capture_order%') / :orders)::numeric, 0) AS wal_bytes
  FROM pg_stat_statements s JOIN pg_database d ON d.oid = s.dbid AND d.datname = current_database();
