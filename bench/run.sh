#!/usr/bin/env bash
# bench/run.sh: what one capture costs on the demo's database.  Run by
# ./run bench, which gives the server (PG*), OMS_ROOT, OMS_OUT and OMS_WORK.
#
#   ./run bench [ROUNDS [ORDERS]]     default 3 rounds of 3,000 orders
#
# Works on a copy of the demo's database; bench/README.md says how to read it.
set -euo pipefail
cd "$OMS_ROOT"
# shellcheck source=demo/lib/say.sh
. demo/lib/say.sh
rounds=${1:-3}
orders=${2:-3000}
out=$OMS_WORK/bench
rm -rf "$out" && mkdir -p "$out"
export PGOPTIONS='-c client_min_messages=warning'

sql() { psql -XqAt -v ON_ERROR_STOP=1 "$@"; }

if [ "$(sql -d erp -c "select to_regclass('oms.\"order\"') is not null")" != t ]; then
	die "there is no demo database to measure on: run ./run demo first"
fi

copy_database() {
	sql -d erp -c 'select oms.stop_worker()' || :
	sql -d postgres -c 'drop database if exists bench with (force)' \
		-c "select pg_terminate_backend(pid) from pg_stat_activity where datname = 'erp'" \
		-c 'create database bench template erp' \
		-c "alter database bench set oms.worker_autostart = off"
	sql -d erp -c 'select oms.start_worker()' || :
}

# bench_doc: two-line web orders of the demo's items to its buyers' pincodes
make_documents() {
	sql -d bench -v n="$1" -f bench/documents.sql
}

# capture LABEL ORDERS [guc=value]: one session, one order a transaction
capture() {
	local label=$1 n=$2
	shift 2
	PGOPTIONS="$PGOPTIONS $*" pgbench -n -M prepared -c 1 -t "$n" -D i="$next" \
		-f bench/capture.sql -l --log-prefix="$out/$label" bench >"$out/$label.txt" 2>&1 ||
		{ cat "$out/$label.txt"; exit 1; }
	next=$((next + n))
	cat "$out/$label".[0-9]* | sort -n -k3,3 | awk -v label="$label" '
		{ t[NR] = $3; sum += $3 }
		END { printf "%-28s %8d %8d %8d %9.1f\n", label, t[int(NR * 0.5)], t[int(NR * 0.99)], sum / NR, 1e6 / (sum / NR) }'
	rm -f "$out/$label".[0-9]*
}

step 'copying the demo database' copy_database
step 'making documents' make_documents $(((rounds * orders * 2 + orders + 600) * 21 / 20))
next=0
printf '\noms.capture_order, 2-line order, one session (microseconds)\n'
printf '%-28s %8s %8s %8s %9s\n' '' median p99 mean per_s
capture warm-up 500 >/dev/null
for ((r = 1; r <= rounds; r++)); do
	capture "durable, round $r" "$orders"
	capture "asynchronous, round $r" "$orders" -c synchronous_commit=off
done

printf '\nWhere the time goes: statements inside one capture (asynchronous commit)\n'
sql -d bench -c 'create extension if not exists pg_stat_statements' -c 'select pg_stat_statements_reset()' >/dev/null
capture 'with statement statistics' "$orders" -c synchronous_commit=off -c pg_stat_statements.track=all
psql -Xq -d bench -P pager=off -v orders="$orders" -f bench/breakdown.sql

printf '\nWAL of one capture\n'
psql -XqAt -d bench -v n="$next" -f bench/wal.sql
next=$((next + 1))
sql -d postgres -c 'drop database bench with (force)'
