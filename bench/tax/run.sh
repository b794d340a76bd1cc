#!/usr/bin/env bash
# bench/tax/run.sh: how many lines a second are taxed on one core.  Run by
# ./run bench tax, which gives the server (PG*), OMS_ROOT and OMS_WORK.
#
#   ./run bench tax [LINES [ROUNDS]]    default 1000000 5
#
# bench/README.md says what runs against what.
set -euo pipefail
cd "$OMS_ROOT"
# shellcheck source=demo/lib/say.sh
. demo/lib/say.sh
lines=${1:-1000000}
rounds=${2:-5}
out=$OMS_WORK/bench_tax
export PGOPTIONS='-c client_min_messages=warning -c max_parallel_workers_per_gather=0 -c jit=off -c work_mem=256MB'
rm -rf "$out" && mkdir -p "$out"

sql() { psql -XqAt -v ON_ERROR_STOP=1 "$@"; }
finish() { sql -d postgres -c 'drop database if exists bench_tax with (force)' || :; }
trap finish EXIT
prepare() {
	finish
	sql -d postgres -c 'create database bench_tax' -c 'alter database bench_tax set oms.worker_autostart = off'
	sql -d bench_tax -v lines="$lines" -f bench/tax/setup.sql
}

sums='count(*)||chr(32)||sum(taxable)||chr(32)||sum(cgst)||chr(32)||sum(sgst)||chr(32)||sum(igst)||chr(32)||trim_scale(sum(rate))'
call='(net, qty, hsn, supplier, place, day, inclusive)'
few=$((lines / 10 > 0 ? lines / 10 : 1))
declare -A statement=(
	[list]="select $sums from (select (t).* from (select oms.tax$call as t from line offset 0) x) y"
	[from]="select $sums from line, oms.tax$call t"
	[kept]="with made as materialized (select id, (t).* from (select id, oms.tax$call as t from line offset 0) x) select $sums from made"
	[sql]="select $sums from by_sql"
	[row]="select $sums from (select (t).* from (select row_tax$call as t from line where id <= $few offset 0) x) y"
	[rowours]="select $sums from (select (t).* from (select oms.tax$call as t from line where id <= $few offset 0) x) y"
	[scan]="select count(*)||chr(32)||sum(net)||chr(32)||sum(qty)||chr(32)||count(hsn||supplier||place)||chr(32)||max(day) from line"
)
names=(list from kept sql row rowours scan)

step "making $lines lines" prepare
for ((r = 0; r <= rounds; r++)); do
	for name in "${names[@]}"; do
		sql -d bench_tax -F $'\t' -v q="${statement[$name]}" <<<"select '$name', $r, t.* from took(:'q') t" >>"$out/figures"
	done
done

# the same figures from all that tax the same lines
awk -F'\t' '$1 == "list" || $1 == "from" || $1 == "kept" || $1 == "sql" { if (whole == "") whole = $5; if ($5 != whole) bad = 1 }
	$1 ~ /^row/ { if (part == "") part = $5; if ($5 != part) bad = 1 } END { exit bad }' "$out/figures" ||
	die "the variants do not agree: $out/figures"

printf '\nLines taxed a second on one core; medians of %d rounds, the first not counted. CPU of the server process.\n' "$rounds"
printf '%-56s %12s %12s %10s\n' '' 'by CPU' 'by the clock' 'us a line'
show() { # NAME LINES TEXT
	awk -F'\t' -v name="$1" -v n="$2" -v text="$3" '
		function median(v, n,    i, j, t) {
			for (i = 2; i <= n; i++) for (j = i; j > 1 && v[j] < v[j - 1]; j--) { t = v[j]; v[j] = v[j - 1]; v[j - 1] = t }
			return n % 2 ? v[(n + 1) / 2] : (v[n / 2] + v[n / 2 + 1]) / 2
		}
		$1 == name && $2 > 0 { cpu[++k] = $3 + 0; wall[k] = $4 + 0 }
		END { c = median(cpu, k); w = median(wall, k); printf "%-56s %12d %12d %10.3f\n", text, n * 1e6 / c, n * 1e6 / w, c / n }' "$out/figures"
}
show list "$lines" 'oms.tax in the select list, summed'
show kept "$lines" 'the same, every line kept in a temporary store'
show from "$lines" 'oms.tax in FROM, summed'
show sql "$lines" 'SQL over the set: rate of each code and day once'
show row "$few" "PL/pgSQL for a row ($few lines)"
show rowours "$few" "oms.tax on these ($few lines)"
show scan "$lines" 'reading the lines, for comparison'
printf '\nAll that tax the same lines have the same sums.\n'
