#!/usr/bin/env bash
# bench/planner/run.sh: how long planning takes, and what a capture is made
# of.  Run by ./run bench planner, which gives the server (PG*), OMS_ROOT and
# OMS_WORK.
#
#   ./run bench planner [ORDERS]      default 2,000 of each kind
set -euo pipefail
cd "$OMS_ROOT"
# shellcheck source=demo/lib/say.sh
. demo/lib/say.sh
orders=${1:-2000}
out=$OMS_WORK/planner
export PGOPTIONS='-c client_min_messages=warning'

sql() { psql -XqAt -v ON_ERROR_STOP=1 "$@"; }
trap 'sql -d postgres -c "drop database if exists planner with (force)" || :' EXIT
rm -rf "$out" && mkdir -p "$out"

search() {
	cc -O2 -w -D_GNU_SOURCE -Isrc -I"$(pg_config --includedir-server)" bench/planner/search.c src/split.c src/split_slab.c -o "$out/search"
	printf '\nThe search alone, 20,000 random orders of each size, no server: microseconds of CPU time\n'
	printf '%5s %5s %6s %8s %8s %8s %8s\n' lines nodes lines p50 p99 longest sets
	"$out/search" | awk -F'|' '{ printf "%5d %5d %6s %8.1f %8.1f %8.1f %8d%s\n", $1, $2, $3 == "units" ? "split" : "whole", $4, $5, $6, $7, ($8 != 0 ? "  (" $8 " cut short)" : "") }'
}

# take NAME STATEMENT [setting]: median and 99th percentile, in microseconds
take() {
	echo '\set a random(1, 1000)
\set b random(501, 1000)
\set b case when :a <> :b then :b when :b = 1000 then 501 else :b + 1 end
\set phone 7000000000 + random(1, 1000000)' >"$out/$1.sql"
	echo "$2;" >>"$out/$1.sql"
	PGOPTIONS="$PGOPTIONS ${3:--c synchronous_commit=off}" pgbench -n -M prepared -c 1 -t $((orders + 200)) \
		-f "$out/$1.sql" -l --log-prefix="$out/$1" planner >"$out/$1.txt" 2>&1 || { cat "$out/$1.txt" >&2; exit 1; }
	# the first 200 make plans and fill memory
	cat "$out/$1".[0-9]* | tail -n "$orders" | sort -n -k3,3 | awk -v name="$1" '{ t[NR] = $3 } END { print name "\t" t[int(NR * 0.5)] "\t" t[int(NR * 0.99)] }' >>"$out/figures"
	rm -f "$out/$1".[0-9]*
}

if command -v cc >/dev/null && [ -f "$(pg_config --includedir-server)/postgres.h" ]; then search; else say '  the search alone is left out: no C compiler, or no headers of the server'; fi
sql -d postgres -c 'drop database if exists planner with (force)' -c 'create database planner' -c 'alter database planner set oms.worker_autostart = off'
step 'a shop of 20 nodes and 1,000 items' sql -d planner -f bench/hot_sku/setup.sql
if [ "$(sql -d planner -c "load 'pg_oms'" -c "select count(*) from pg_settings where name = 'oms.combiner_queue'")" = 1 ]; then
	PGOPTIONS="$PGOPTIONS -c oms.combiner=off"
fi
sql -d planner -c "select oms.capture_order(rival.doc(1, 501, 7000000001) || '{\"external_id\": \"KNOWN\"}')" >/dev/null
take statement 'SELECT rival.doc(:a, :b, :phone)'
take parse "SELECT oms.capture_order(rival.doc(1, 501, 7000000001) || '{\"external_id\": \"KNOWN\"}')"
take plan "SELECT oms.promise(rival.doc(:a, :b, :phone) - 'external_id')"
take capture 'SELECT oms.capture_order(rival.doc(:a, :b, :phone))'
take durable 'SELECT oms.capture_order(rival.doc(:a, :b, :phone))' '-c synchronous_commit=on'
printf '\noms.capture_order, 2 lines, 20 nodes, one session: microseconds at the client\n'
awk -F'\t' '
	{ p50[$1] = $2; p99[$1] = $3 }
	function line(text, a, b) { printf "%-66s %7d %7s\n", text, p50[a] - (b == "" ? 0 : p50[b]), b == "" ? p99[a] : "" }
	END {
		printf "%-66s %7s %7s\n", "", "p50", "p99"
		line("the whole, durable", "durable")
		line("the whole, asynchronous commit", "capture")
		line("oms.promise of the same, which writes nothing", "plan")
		print "of that, by difference of medians:"
		line("  statement, and making the document", "statement")
		line("  parse: document read, order known already, answered", "parse", "statement")
		line("  plan: items, prices, tax, nodes, levels, search, couriers, promise", "plan", "parse")
		line("  rows: buyer, risk, reservation, rows of the order, commit record", "capture", "plan")
		line("  log flushed", "durable", "capture")
	}' "$out/figures"
printf 'WAL of one capture: '
psql -XqAt -d planner <<'SQL'
SELECT count(oms.capture_order(rival.doc(i, 500 + i, 7000000000 + i))) FROM generate_series(1, 200) i \g /dev/null
SELECT pg_current_wal_insert_lsn() AS before \gset
SELECT count(oms.capture_order(rival.doc(i, 500 + i, 7000000000 + i))) FROM generate_series(1, 200) i \g /dev/null
SELECT round(pg_wal_lsn_diff(pg_current_wal_insert_lsn(), :'before') / 200) || ' bytes, pages written once since the checkpoint'
SQL
