#!/usr/bin/env bash
# bench/hot_sku/run.sh: many clients, one item.  Run by ./run bench hot_sku,
# which gives the server (PG*), OMS_ROOT and OMS_WORK.
#
#   ./run bench hot_sku [SECONDS [ROUNDS [SHAPES [CLIENTS [REPORT]]]]]
#       default 2 2 "uniform zipf hot" "1 4 16 64" 60
#
# REPORT: seconds that a report is open in the last table; 0 leaves out all
# that has to do with reports.  bench/README.md says what runs against what.
set -euo pipefail
cd "$OMS_ROOT"
# shellcheck source=demo/lib/say.sh
. demo/lib/say.sh
seconds=${1:-2}
rounds=${2:-2}
shapes=${3:-uniform zipf hot}
counts=${4:-1 4 16 64}
report=${5:-60}
out=$OMS_WORK/hot_sku
redis=
export PGOPTIONS='-c client_min_messages=warning'
variants='rival bare doc redis off on comb rush rcomb'
with_report='rival on comb rush rcomb'

sql() { psql -XqAt -v ON_ERROR_STOP=1 "$@"; }

finish() {
	[ -z "$redis" ] || kill "$redis" 2>/dev/null || :
	report_close || :
	sql -d postgres -c 'drop database if exists hot_sku with (force)' || :
}

redis_start() {
	redis-server --port 0 --unixsocket "$out/redis.sock" --dir "$out" --save '' \
		--appendonly yes --appendfsync always --auto-aof-rewrite-percentage 0 --daemonize no >"$out/redis.log" 2>&1 </dev/null &
	redis=$!
	for _ in {1..50}; do
		redis-cli -s "$out/redis.sock" ping >/dev/null 2>&1 && break
		sleep 0.1
	done
	for ((i = 1; i <= 1000; i++)); do
		printf 'HSET s%d' "$i"
		printf ' %d 100000000' {1..20}
		echo
	done | redis-cli -s "$out/redis.sock" >/dev/null
	order_sha=$(redis-cli -s "$out/redis.sock" script load "$(cat bench/hot_sku/order.lua)")
	[ "$(redis-cli -s "$out/redis.sock" config get appendfsync | tail -n 1)" = always ]
}

# what cannot run here is left out, with a line that says so
leave_out() {
	say "  $1 is left out: $2"
	variants=$(tr ' ' '\n' <<<"$variants" | grep -vx "$1" | xargs)
	with_report=$(tr ' ' '\n' <<<"$with_report" | grep -vx "$1" | xargs)
}

scripts() {
	local shape
	for shape in $shapes; do
		{
			case $shape in
			uniform) echo '\set a random(1, 1000)' ;;
			zipf) echo '\set a random_zipfian(1, 1000, 1.001)' ;;
			hot) printf '%s\n' '\set r random(1, 100)' '\set a case when :r <= 80 then 1 else random(2, 1000) end' ;;
			*) die "unknown shape \"$shape\": uniform, zipf or hot" ;;
			esac
			printf '%s\n' '\set b random(501, 1000)' '\set b case when :a <> :b then :b when :b = 1000 then 501 else :b + 1 end' \
				'\set phone 7000000000 + random(1, 1000000)'
		} >"$out/$shape.draw"
		{ cat "$out/$shape.draw"; echo 'SELECT rival.capture(rival.small_doc(:a, :b, :phone), 12.97, 77.59);'; } >"$out/rival.$shape"
		{ cat "$out/$shape.draw"; echo 'SELECT rival.bare(rival.small_doc(:a, :b, :phone));'; } >"$out/bare.$shape"
		{ cat "$out/$shape.draw"; echo 'SELECT rival.doc(:a, :b, :phone);'; } >"$out/doc.$shape"
		{ cat "$out/$shape.draw"; echo 'SELECT oms.capture_order(rival.doc(:a, :b, :phone));'; } >"$out/on.$shape"
		cp "$out/on.$shape" "$out/off.$shape"
		cp "$out/on.$shape" "$out/comb.$shape"
		sed "s/doc(/doc('RUSH', /" "$out/on.$shape" >"$out/rush.$shape"
		cp "$out/rush.$shape" "$out/rcomb.$shape"
	done
}

options() {
	case $1 in
	off) echo "-c oms.early_lock_release=off $row_path" ;;
	on | rush) echo "-c oms.early_lock_release=on $row_path" ;;
	comb | rcomb) echo "-c oms.early_lock_release=on -c oms.combiner=on" ;;
	esac
}

# CPU time of a server and its children, in microseconds: ps_cpu PID
ps_cpu() {
	cat /proc/[0-9]*/stat 2>/dev/null | awk -v pid="$1" -v tick="$(getconf CLK_TCK)" '
		{ sub(/\(.*\)/, "x") }
		$1 == pid { sum += $14 + $15 + $16 + $17 }
		$4 == pid { sum += $14 + $15 }
		END { printf "%d", sum / tick * 1e6 }'
}

# measure VARIANT SHAPE CLIENTS: orders a second and CPU us an order; 0 0 for
# a run with an error.  The first second (six of 64 clients) is not counted:
# new sessions make their plans in it, and get to know the items.
measure() {
	local variant=$1 shape=$2 clients=$3 warm=1 before n
	if [ "$variant" = redis ]; then
		before=$(ps_cpu "$redis")
		n=$((seconds * (clients == 1 ? 2000 : clients * 600)))
		redis-benchmark -s "$out/redis.sock" -c "$clients" -n "$n" -r 1000000000 --csv \
			evalsha "$order_sha" 0 "$shape" __rand_int__ __rand_int__ __rand_int__ 2>"$out/redis.err" | awk -F'","' 'NR == 2 { printf "%d\t", $2 }'
		echo "$((($(ps_cpu "$redis") - before) / n))"
		return
	fi
	[ "$clients" -lt 64 ] || warm=6
	PGOPTIONS="$PGOPTIONS $(options "$variant")" \
		pgbench -n -M prepared -c "$clients" -j 1 -T $((warm + seconds)) -P 1 -f "$out/$variant.$shape" hot_sku >"$out/run.txt" 2>&1 &
	n=$!
	sleep "$warm"
	before=$(ps_cpu "$postmaster")
	wait "$n" || { tail -n 5 "$out/run.txt" >&2; printf '0\t0\n'; return; }
	# a process that is just going would be counted nowhere
	until [ "$(sql -d postgres -c "select count(*) from pg_stat_activity where application_name = 'pgbench'")" = 0 ]; do sleep 0.1; done
	sleep 0.2
	awk -v warm="$warm" -v cpu="$(($(ps_cpu "$postmaster") - before))" '
		$1 == "progress:" && $2 > warm + 0.5 { n++; sum += $4 }
		END { printf "%d\t%d\n", n ? sum / n : 0, sum ? cpu / sum : 0 }' "$out/run.txt"
}

# one who reads for as long as it is open: one snapshot
report_open() {
	PGAPPNAME=hot_sku_report psql -Xq -d hot_sku -c 'begin isolation level repeatable read' -c 'select count(*) from oms.stock' \
		-c 'select pg_sleep(100000)' >/dev/null 2>&1 </dev/null &
	until [ "$(sql -d postgres -c "select count(*) from pg_stat_activity where application_name = 'hot_sku_report' and query like '%sleep%' and state = 'active'")" = 1 ]; do sleep 0.2; done
}
report_close() {
	sql -d postgres -c "select pg_terminate_backend(pid, 5000) from pg_stat_activity where application_name = 'hot_sku_report'" >/dev/null
}

# What was accepted has to be made some time: how many a second, one process
# and nothing else to do.
make_accepted() {
	local since orders
	sql -d hot_sku -c 'vacuum analyze oms.accepted_order' -c 'select oms.complete_orders(200)' >/dev/null
	since=$(date +%s%N)
	orders=$(printf 'select oms.complete_orders(100);\n%.0s' {1..30} | sql -d hot_sku | awk '{ n += $1 } END { print n }')
	printf '\nOrders made of what was accepted: %d a second (%d in one process)\n' $((orders * 1000000000 / ($(date +%s%N) - since))) "$orders"
}

# every variant once a round, one after the other: cell SHAPE REPORT CLIENTS
cell() {
	local shape=$1 open=$2 clients=$3 which=$variants times=$rounds variant r
	sql -d hot_sku -c 'vacuum oms.stock, rival.stock, oms.customer, oms.accepted_order' -c 'checkpoint'
	if [ "$open" = yes ]; then
		which=$with_report
		times=1
		report_open
	fi
	for ((r = 1; r <= times; r++)); do
		for variant in $which; do
			printf '%s\t%s\t%s\t%s\t%s\n' "$shape" "$open" "$clients" "$variant" "$(measure "$variant" "$shape" "$clients")" >>"$out/figures"
		done
	done
	[ "$open" = no ] || report_close
	say "  $shape, report open: $open, $clients clients: $(tail -n "$(($(wc -w <<<"$which") * times))" "$out/figures" | awk -F'\t' '{ printf "%s %d  ", $4, $5 }')"
}

# table SHAPE REPORT COLUMN(5 orders a second, 6 CPU) VARIANTS
table() {
	awk -F'\t' -v shape="$1" -v open="$2" -v column="$3" -v variants="$4" '
		function median(list,    v, n, i, j, t) {
			n = split(list, v, " ")
			for (i = 2; i <= n; i++)
				for (j = i; j > 1 && v[j] + 0 < v[j - 1] + 0; j--) { t = v[j]; v[j] = v[j - 1]; v[j - 1] = t }
			return n % 2 ? v[(n + 1) / 2] + 0 : (v[n / 2] + v[n / 2 + 1]) / 2
		}
		function ratio(a, b) { printf " %10s", ((a in m) && m[b] != 0 ? sprintf("%.2f", m[a] / m[b]) : "-") }
		$1 == shape && $2 == "no" { without[$3, $4] = without[$3, $4] " " $5 }
		$1 == shape && $2 == open { if (!($3 in seen)) { seen[$3] = 1; order[++k] = $3 } all[$3, $4] = all[$3, $4] " " $column }
		END {
			n = split(variants, v, " ")
			printf "%7s", "clients"
			for (i = 1; i <= n; i++) printf " %7s", v[i]
			if (column == 5 && open == "no") printf "     on/off   on/rival comb/rival rush/rival rcomb/rival rcomb/redis rival/bare"
			if (column == 5 && open == "yes") for (i = 1; i <= n; i++) printf " %10s", v[i] "/self"
			print ""
			for (x = 1; x <= k; x++) {
				delete m
				printf "%7d", order[x]
				for (i = 1; i <= n; i++) { m[v[i]] = median(all[order[x], v[i]]); printf " %7d", m[v[i]] }
				if (column == 5 && open == "no") { ratio("on", "off"); ratio("on", "rival"); ratio("comb", "rival"); ratio("rush", "rival"); ratio("rcomb", "rival"); printf " "; ratio("rcomb", "redis"); ratio("rival", "bare") }
				if (column == 5 && open == "yes") for (i = 1; i <= n; i++) { m["self"] = median(without[order[x], v[i]]); ratio(v[i], "self") }
				print ""
			}
		}' "$out/figures"
}

# A long report in a rush: orders a second without it, then by windows of 10 s
# since it opened, relative to that.
long_report() {
	local variant clients run
	clients=$(tr ' ' '\n' <<<"$counts" | sort -n | tail -n 1)
	printf '\nA report is open for %d s, hot, %d clients: orders a second without, then shares of that by windows of 10 s\n' "$report" "$clients"
	for variant in $with_report; do
		sql -d hot_sku -c 'vacuum oms.stock, rival.stock, oms.customer, oms.accepted_order' -c 'checkpoint'
		PGOPTIONS="$PGOPTIONS $(options "$variant")" \
			pgbench -n -M prepared -c "$clients" -j 1 -T $((13 + report)) -P 1 -f "$out/$variant.hot" hot_sku >"$out/report.txt" 2>&1 &
		run=$!
		sleep 13
		report_open
		wait "$run"
		report_close
		awk -v variant="$variant" -v last=$((13 + report)) '
			$1 == "progress:" && $2 > 3.5 && $2 < 13.5 { n++; sum += $4 }
			$1 == "progress:" && $2 > 13.5 && $2 < last + 0.5 { w = int(($2 - 13.5) / 10); m[w]++; s[w] += $4; if (w > top) top = w }
			END {
				base = n ? sum / n : 1
				printf "%-7s %7d", variant, base
				for (w = 0; w <= top; w++) if (m[w] >= 5) printf " %6.2f", s[w] / m[w] / base
				print ""
			}' "$out/report.txt"
	done
}

rm -rf "$out" && mkdir -p -m 700 "$out"
trap finish EXIT
scripts
sql -d postgres -c 'drop database if exists hot_sku with (force)' -c 'create database hot_sku' -c 'alter database hot_sku set oms.worker_autostart = off'
step 'a shop of 20 nodes and 1,000 items' sql -d hot_sku -f bench/hot_sku/setup.sql
postmaster=$(head -n 1 "$(sql -d postgres -c 'show data_directory')/postmaster.pid")
row_path=
if [ "$(sql -d hot_sku -c "load 'pg_oms'" -c "select count(*) from pg_settings where name in ('oms.combiner', 'oms.combiner_queue')")" = 2 ]; then
	row_path='-c oms.combiner=off'
else
	leave_out rcomb 'the server has not preloaded pg_oms'
	leave_out comb 'the server has not preloaded pg_oms (shared_preload_libraries)'
fi
if command -v redis-server >/dev/null; then redis_start; else leave_out redis 'there is no redis-server'; fi
say "fsync $(sql -d hot_sku -c 'show fsync'), synchronous_commit $(sql -d hot_sku -c 'show synchronous_commit'), full_page_writes $(sql -d hot_sku -c 'show full_page_writes'); $([ -z "$redis" ] || redis-server --version | sed 's/.* v=\([^ ]*\).*/redis \1, appendfsync always/')"
for shape in $shapes; do
	for clients in $counts; do
		cell "$shape" no "$clients"
		[ "$report" = 0 ] || cell "$shape" yes "$clients"
	done
done
for shape in $shapes; do
	printf '\n%s: orders a second, medians of %d rounds of %d s\n' "$shape" "$rounds" "$seconds"
	table "$shape" no 5 "$variants"
	printf '%s: CPU time of the server, microseconds an order\n' "$shape"
	table "$shape" no 6 "$variants"
	if [ "$report" != 0 ]; then
		printf '%s: orders a second while a report is open, and their share of those without\n' "$shape"
		table "$shape" yes 5 "$with_report"
	fi
done
case " $shapes " in *' hot '*) [ "$report" = 0 ] || long_report ;; esac
case " $variants " in *' rush '*) make_accepted ;; esac
found=$(sql -d hot_sku -c 'select * from oms.verify() limit 5')
[ -z "$found" ] || die "oms.verify() finds: $found"
