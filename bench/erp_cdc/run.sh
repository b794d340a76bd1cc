#!/usr/bin/env bash
# bench/erp_cdc/run.sh: what capture costs the ERP, and how fresh we are.
# Run by ./run bench erp_cdc, which gives the server (PG*), OMS_ROOT and
# OMS_WORK.
#
#   ./run bench erp_cdc [ROUNDS [STATEMENTS [TRIALS]]]
#       default 5 20000 1000
#
# bench/README.md says what runs against what.
set -euo pipefail
cd "$OMS_ROOT"
# shellcheck source=demo/lib/say.sh
. demo/lib/say.sh
rounds=${1:-5}
statements=${2:-20000}
trials=${3:-1000}
out=$OMS_WORK/erp_cdc
export PGOPTIONS='-c client_min_messages=warning'

sql() { psql -XqAt -v ON_ERROR_STOP=1 "$@"; }
finish() { sql -d postgres -c 'drop database if exists erp_cdc with (force)' || :; }

# transactions of one prepared statement each, by one session: its CPU
commits() {
	local schema=$1 set='qty = qty - 1' before after
	[ "$2" = stock ] || set="remark = 'counted'"
	sql -d erp_cdc -c "select refill('$schema')" >/dev/null
	{
		echo "load 'pg_oms';"
		echo "prepare u (int) as update $schema.stock_level set $set where place_id = 1 + \$1 / 5000 and product_id = 1 + \$1 % 5000;"
		for _ in {1..7}; do echo "execute u (99999);"; done
		echo 'select cpu();'
		awk -v n="$statements" 'BEGIN { for (i = 1; i <= n; i++) printf "execute u (%d);\n", i * 37 % 99999 }'
		echo 'select cpu();'
	} >"$out/commits.sql"
	{ read -r before; read -r after; } < <(sql -d erp_cdc -f "$out/commits.sql")
	echo $(((after - before) / statements))
}

# kind KIND WHAT: every variant once, one after the other
kind() {
	local schema value
	local order=(bare ours rival bare ours)
	for schema in "${order[@]:$((r % 3)):3}"; do
		case $1 in
		commit) value=$(commits "$schema" "$2") ;;
		single) value=$(sql -d erp_cdc -c "select refill('$schema')" -c "select singles('$schema', '$2', $statements)" | tail -n 1) ;;
		bulk) value=$(sql -d erp_cdc -c "load 'pg_oms'" -c "select refill('$schema')" -c "select bulk('$schema', '$2')" | tail -n 1) ;;
		esac
		printf '%s %s\t%s\t%s\n' "$1" "$2" "$schema" "$value" >>"$out/figures"
	done
}

table() {
	awk -F'\t' '
		function median(list,    v, n, i, j, t) {
			n = split(list, v, " ")
			for (i = 2; i <= n; i++)
				for (j = i; j > 1 && v[j] + 0 < v[j - 1] + 0; j--) { t = v[j]; v[j] = v[j - 1]; v[j - 1] = t }
			return n % 2 ? v[(n + 1) / 2] + 0 : (v[n / 2] + v[n / 2 + 1]) / 2
		}
		function least(list,    v, n, i, m) { n = split(list, v, " "); m = v[1] + 0; for (i = 2; i <= n; i++) if (v[i] + 0 < m) m = v[i] + 0; return m }
		{ if (!($1 in seen)) { seen[$1] = 1; order[++k] = $1 } all[$1, $2] = all[$1, $2] " " $3 }
		END {
			name["commit stock"] = "one row, a transaction each"; name["commit remark"] = "the same, column not watched"
			name["single stock"] = "one row, in one transaction"; name["single remark"] = "the same, column not watched"
			name["bulk stock"] = "100,000 rows at once, a row"; name["bulk remark"] = "the same, column not watched"
			printf "%-30s %8s %8s %8s   %9s %10s %10s\n", "CPU, nanoseconds", "bare", "ours", "rival", "ours/bare", "rival/bare", "least/least"
			for (i = 1; i <= k; i++) {
				b = median(all[order[i], "bare"]); o = median(all[order[i], "ours"]); r = median(all[order[i], "rival"])
				printf "%-30s %8d %8d %8d   %9.2f %10.2f %10.2f\n", name[order[i]], b, o, r, o / b, r / b, least(all[order[i], "ours"]) / least(all[order[i], "bare"])
			}
		}' "$out/figures"
}

# each client its own place, the worker at work beside: what was committed is
# what the next promise says
fresh() {
	cat >"$out/fresh.sql" <<-'SQL'
		\set place :client_id + 11
		\set p random(1, 300)
		\set v random(0, 900)
		UPDATE ours.stock_level SET qty = :v WHERE place_id = :place AND product_id = :p;
		SELECT on_hand AS seen, on_hand <> :v AS wrong FROM oms.available('SKU' || :p, 'P' || :place) \gset
		\if :wrong
		INSERT INTO public.missed VALUES (:client_id, :p, :v, :seen);
		\endif
	SQL
	sql -d erp_cdc -c 'truncate missed'
	pgbench -n -c 4 -t "$trials" -f "$out/fresh.sql" erp_cdc >"$out/run.txt" 2>&1 || { tail -n 5 "$out/run.txt" >&2; die "pgbench failed"; }
	printf '%d promises right after a commit of the ERP, %s: %d missed it\n' $((4 * trials)) "$1" "$(sql -d erp_cdc -c 'select count(*) from missed')"
}

rm -rf "$out" && mkdir -p -m 700 "$out"
trap finish EXIT
sql -d postgres -c 'drop database if exists erp_cdc with (force)' -c 'create database erp_cdc' -c 'alter database erp_cdc set oms.worker_autostart = off'
step 'an ERP of 20 places and 5,000 products, three times' sql -d erp_cdc -f bench/erp_cdc/setup.sql
say "fsync $(sql -d erp_cdc -c 'show fsync'), synchronous_commit $(sql -d erp_cdc -c 'show synchronous_commit'), preloaded: $(sql -d postgres -c 'show shared_preload_libraries')"
for ((r = 1; r <= rounds; r++)); do
	for k in 'commit stock' 'commit remark' 'single stock' 'single remark' 'bulk stock' 'bulk remark'; do
		# shellcheck disable=SC2086
		kind $k
	done
	say "  round $r of $rounds"
done
printf '\n'
table

sql -d erp_cdc -c "select refill('ours')" -c 'select oms.erp_refresh()' -c 'vacuum oms.erp_change' >/dev/null
printf '\nAsking when nothing is pending: %d ns of CPU, the call included\n' "$(sql -d erp_cdc -c 'select round(asking(100000))')"
fresh 'nobody taking in'
sql -d erp_cdc -c 'select oms.start_worker()' >/dev/null
fresh 'the worker taking in'
# its first run makes its plans
sql -d erp_cdc -c 'call commit_to_applied(20)' -c 'truncate applied' -c "call commit_to_applied($trials)"
sql -d erp_cdc -c "select format('Commit to taken in by the worker, ms: median %s, 90 %% %s, 99 %% %s of %s', p[1], p[2], p[3], n)
	from (select array_agg(round(x::numeric, 2) order by o) as p, max(n) as n from (select percentile_cont(array[0.5, 0.9, 0.99]) within group (order by ms) as a, count(*) as n from applied) q, unnest(a) with ordinality as u (x, o)) z"
found=$(sql -d erp_cdc -c 'select * from oms.erp_verify() limit 5')
[ -z "$found" ] || die "oms.erp_verify() finds: $found"
say 'oms.erp_verify() finds no drift'
