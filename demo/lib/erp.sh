# shellcheck shell=bash
# erp.sh: ./run erp [--keep] DUMP PROFILE [PARAMS].  Restores a dump of an ERP
# into a database of its own, attaches it, and says whether all is right.

erp_db=oms_erp

run_erp() {
	local keep=${OMS_ERP_KEEP:-} dump profile params
	if [ "${1:-}" = --keep ]; then
		keep=1
		shift
	fi
	[ $# -ge 2 ] && [ $# -le 3 ] || die 'erp wants a dump, a profile and perhaps parameters: ./run erp DUMP PROFILE [PARAMS]'
	dump=$(realpath -e -- "$1" 2>/dev/null) || die "there is no file or directory \"$1\""
	[ -r "$dump" ] || die "cannot read \"$dump\""
	profile=$2
	params=${3:-}
	[ -n "$params" ] || params='{}'
	serve demo
	erp_log=$(mktemp -d /tmp/pg_oms_erp.XXXXXX)
	erp_keep=$keep
	erp_ok=
	trap erp_close EXIT
	erp_parameters "$profile" "$params"
	step 'make a database for it' erp_database
	export PGDATABASE=$erp_db
	step 'restore the dump' erp_restore "$dump"
	python3 "$root/demo/lib/dump.py" --errors "$erp_log/restore"
	step 'gather statistics' erp_analyze
	step 'make the extension in it' erp_extension
	erp_begin "$profile" "$params"
	step 'check the profile' erp_check
	erp_print findings
	step 'attach' erp_attach
	erp_print attached
	step 'verify: every row again' erp_verify
	erp_print verdict
	[ "$(erp_sql <<<'SELECT ok FROM oms_run.verdict;')" = t ] || exit 1
	erp_ok=1
}

# As the server's user: what a dump says runs with psql.
erp_sql() {
	as_server env PGOPTIONS='-c client_min_messages=warning -c synchronous_commit=off -c jit=off' \
		psql -XqAt -v ON_ERROR_STOP=1 "$@"
}

# Said before anything is restored.
erp_parameters() {
	local kind
	kind=$(erp_sql -d postgres -v params="$2" <<<"SELECT jsonb_typeof(:'params'::jsonb);" 2>/dev/null) || kind=no
	[ "$kind" = object ] || die "PARAMS is no JSON object, as '{\"company\": 1}': $2"
}

erp_database() {
	erp_sql -d postgres -v name="$erp_db" <<'SQL'
DROP DATABASE IF EXISTS :"name" WITH (FORCE);
CREATE DATABASE :"name" TEMPLATE template0 ENCODING 'UTF8';
-- nothing goes on there but what is done here
ALTER DATABASE :"name" SET oms.worker_autostart = off;
SQL
}

# Statements that fail are told afterwards; a restore that breaks off is not
# gone on with.
erp_restore() {
	local rc
	python3 "$root/demo/lib/dump.py" "$1" 2>"$erp_log/dump" |
		as_server env PGOPTIONS='-c client_min_messages=error -c synchronous_commit=off -c maintenance_work_mem=256MB' \
			psql -Xq -v VERBOSITY=verbose -o /dev/null 2>"$erp_log/restore" || rc=$?
	cat "$erp_log/dump"
	[ -z "${rc:-}" ] || { tail -n 5 "$erp_log/restore"; return 1; }
	[ "$(erp_sql <<<"SELECT count(*) > 0 FROM pg_class WHERE relkind IN ('r', 'p') AND relnamespace NOT IN ('pg_catalog'::regnamespace, 'information_schema'::regnamespace) AND relpersistence = 'p';")" = t ] || {
		echo 'It made no table.'
		tail -n 20 "$erp_log/restore"
		return 1
	}
}

# PostGIS apart, as the ERP's schema is the ERP's.
erp_extension() {
	erp_sql <<'SQL'
SELECT NOT EXISTS (SELECT FROM pg_extension WHERE extname = 'postgis') AS apart \gset
\if :apart
CREATE SCHEMA IF NOT EXISTS oms_gis;
CREATE EXTENSION postgis SCHEMA oms_gis;
\endif
CREATE EXTENSION IF NOT EXISTS pg_oms;
SQL
}

# What is meant by the names given: schema, profile, parameters.
erp_begin() {
	erp_sql -v profile="$1" -v params="$2" -f "$OMS_ROOT/demo/lib/erp_begin.sql" || exit 1
	erp_sql <<<"SELECT '  ' || line FROM oms_run.said;"
}

erp_analyze() { erp_sql <<<'ANALYZE;'; }
erp_check() { erp_sql -f "$OMS_ROOT/demo/lib/erp_check.sql"; }
erp_attach() { erp_sql -f "$OMS_ROOT/demo/lib/erp_attach.sql"; }
erp_verify() { erp_sql -f "$OMS_ROOT/demo/lib/erp_verify.sql"; }

erp_print() {
	as_server psql -Xq -v ON_ERROR_STOP=1 -P pager=off -P footer=off -P format=wrapped -P columns=132 \
		-v what="$1" -f "$OMS_ROOT/demo/lib/erp_print.sql"
}

erp_close() {
	local rc=$?
	trap - EXIT
	set +e
	rm -rf "${erp_log:-}"
	if [ -n "$erp_keep" ]; then
		say "The database is kept: psql -h $PGHOST -p $PGPORT -U $PGUSER $erp_db"
	else
		as_server dropdb --if-exists --force -h "$PGHOST" -p "$PGPORT" "$erp_db" 2>/dev/null
	fi
	say "The server stays up.  Stop it: ./run stop"
	say "Whole run: $(seconds_since "$run_started") s"
	if [ -n "$erp_ok" ]; then
		say 'Attached, nothing differs.'
	else
		[ "$rc" -ne 0 ] || rc=1
		say 'NOT sound: see above.'
	fi
	exit "$rc"
}
