-- ./run erp: what was found, in tables.
SELECT :'what' = 'findings' AS findings, :'what' = 'attached' AS attached, :'what' = 'verdict' AS verdict \gset
\pset null ''
\if :findings
-- words that are not mapped are printed with the verdict
SELECT EXISTS (SELECT FROM oms_run.finding AS f WHERE f.severity = 'error' OR f.severity = 'warning' AND f.relation IS DISTINCT FROM 'oms.erp_status') AS any \gset
\if :any
\echo
\echo 'Errors and warnings:'
SELECT f.severity, concat_ws(', ', f.entity, f.relation, f."column") AS "where", f.problem, f.example FROM oms_run.finding AS f
 WHERE f.severity IN ('error', 'warning') AND (f.relation IS DISTINCT FROM 'oms.erp_status' OR f.severity = 'error') ORDER BY f.severity, f.no;
\endif
\pset format unaligned
\pset tuples_only on
SELECT format('  hint: %s: %s%s', concat_ws(', ', f.entity, f.relation, f."column"), f.problem, ' (' || f.example || ')') FROM oms_run.finding AS f
 WHERE f.severity = 'hint' AND f.problem !~ '^the query reads' ORDER BY f.no;
\endif
\if :attached
\pset format unaligned
\pset tuples_only on
SELECT '  ' || a.line FROM oms_run.attached AS a WHERE a.line !~ '^(table|entity|profile) ' ORDER BY a.no;
SELECT format('  tables with triggers: %s', count(*)) FROM oms.erp_source_link;
\endif
\if :verdict
\echo
SELECT s.entity, substring(f.problem FROM '^[0-9]+')::bigint AS "rows in the ERP", substring(a.line FROM ': ([0-9]+) rows')::bigint AS "rows here", s.refused,
       (SELECT count(*) FROM oms_run.drift AS d WHERE d.entity = s.entity) AS drift, s.state
  FROM oms_run.state AS s
  LEFT JOIN oms_run.finding AS f ON f.severity = 'info' AND f.entity = s.entity
  LEFT JOIN oms_run.attached AS a ON a.line LIKE 'entity ' || s.entity || ': %'
 ORDER BY s.no;
SELECT EXISTS (SELECT FROM oms_run.finding AS f WHERE f.relation = 'oms.erp_status' AND f.severity = 'warning') AS unmapped,
       EXISTS (SELECT FROM oms.reject AS r WHERE r.source LIKE 'erp.%' AND r.resolved_at IS NULL) AS refused,
       EXISTS (SELECT FROM oms_run.drift) AS drift, EXISTS (SELECT FROM oms_run.failed) AS failed,
       EXISTS (SELECT FROM oms_run.state AS s WHERE s.problem IS NOT NULL) AS problem \gset
\if :unmapped
\echo 'Words of the ERP without a row in oms.erp_status:'
SELECT f.entity, f.example AS word, f.problem FROM oms_run.finding AS f WHERE f.relation = 'oms.erp_status' AND f.severity = 'warning' ORDER BY f.no;
\else
\echo '  unmapped values: none'
\endif
\if :refused
\echo 'Rows refused (the first of each kind):'
SELECT r.source, r.message, count(*) AS rows, min(r.external_ref) AS "a key" FROM oms.reject AS r WHERE r.source LIKE 'erp.%' AND r.resolved_at IS NULL
 GROUP BY 1, 2 ORDER BY 3 DESC, 1, 2 LIMIT 20;
\else
\echo '  refused rows: none'
\endif
\if :drift
\echo 'Drift (five of each entity):'
SELECT d.entity, d.erp_key, d.erp_value, d.oms_value FROM (SELECT x.*, row_number() OVER (PARTITION BY x.entity ORDER BY x.erp_key COLLATE "C") AS no FROM oms_run.drift AS x) AS d
 WHERE d.no <= 5 ORDER BY d.entity, d.no;
\else
\echo '  drift: none'
\endif
\if :failed
\echo 'Entities that could not be verified:'
SELECT * FROM oms_run.failed;
\endif
\if :problem
\echo 'Paused, or without triggers:'
SELECT s.entity, s.state, s.problem FROM oms_run.state AS s WHERE s.problem IS NOT NULL;
\endif
\endif
