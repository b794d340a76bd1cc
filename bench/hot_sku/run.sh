#!/usr/bin/env bash
# bench/hot_sku/run.sh: many clients, one item.  Run by ./run bench hot_sku,
# which gives the server (PG*), OMS_ROOT and OMS_WORK.
#
#   ./run bench hot_sku [SECONDS [ROUNDS [SHAPES [CLIENTS]]]]
#       default 5 3 "uniform zipf hot" "1 4 16 64"
#
# bench/README.md says what runs against what.
set -euo pipefail
cd "$OMS_ROOT"
# shellcheck source=demo/lib/say.sh
. demo/lib/say.sh
seconds=${1:-5}
rounds=${2:-3}
shapes=${3:-uniform zipf hot}
counts=${4:-1 4 16 64}
warm=3 # seconds of each run that do not count: new sessions make their plans
out=$OMS_WORK/hot_sku
redis=
export PGOPTIONS='-c client_min_messages=warning'
variants='rival bare redis off on comb cart'

sql() { psql -XqAt -v ON_ERROR_STOP=1 "$@"; }

finish() {
	[ -z "$redis" ] || kill "$redis" 2>/dev/null || :
	bi_close || :
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
		{ cat "$out/$shape.draw"; echo 'SELECT oms.capture_order(rival.doc(:a, :b, :phone));'; } >"$out/on.$shape"
		cp "$out/on.$shape" "$out/off.$shape"
		cp "$out/on.$shape" "$out/comb.$shape"
		{ cat "$out/$shape.draw"; echo "SELECT oms.reserve_cart(jsonb_build_object('company', 'HOT', 'channel', 'WEB', 'cart_id', gen_random_uuid(), 'ship_to', '{\"pincode\": \"981001\"}'::jsonb, 'lines', jsonb_build_array(jsonb_build_object('sku', 'S' || :a, 'qty', 1), jsonb_build_object('sku', 'S' || :b, 'qty', 1))));"; } >"$out/cart.$shape"
	done
}

# measure VARIANT SHAPE CLIENTS: orders a second; 0 for a run with an error
measure() {
	local variant=$1 shape=$2 clients=$3
	if [ "$variant" = redis ]; then
		redis-benchmark -s "$out/redis.sock" -c "$clients" -n $((seconds * (clients == 1 ? 2000 : clients * 600))) -r 1000000000 --csv \
			evalsha "$order_sha" 0 "$shape" __rand_int__ __rand_int__ __rand_int__ 2>"$out/redis.err" | awk -F'","' 'NR == 2 { print int($2) }'
		return
	fi
	PGOPTIONS="$PGOPTIONS -c oms.early_lock_release=$([ "$variant" = off ] && echo off || echo on) -c oms.combiner=$([ "$variant" = comb ] && echo on || echo off)" \
		pgbench -n -M prepared -c "$clients" -j 1 -T $((warm + seconds)) -P 1 -f "$out/$variant.$shape" hot_sku >"$out/run.txt" 2>&1 ||
		{ tail -n 5 "$out/run.txt" >&2; echo 0; return; }
	awk -v warm="$warm" '$1 == "progress:" && $2 > warm + 0.5 { n++; sum += $4 } END { print n ? int(sum / n) : 0 }' "$out/run.txt"
}

# a report that takes its time: one snapshot for as long as it is open
bi_open() {
	PGAPPNAME=hot_sku_bi psql -Xq -d hot_sku -c 'begin isolation level repeatable read' -c 'select count(*) from oms.stock' \
		-c 'select pg_sleep(100000)' >/dev/null 2>&1 </dev/null &
	until [ "$(sql -d postgres -c "select count(*) from pg_stat_activity where application_name = 'hot_sku_bi' and query like '%sleep%' and state = 'active'")" = 1 ]; do sleep 0.2; done
}
bi_close() {
	sql -d postgres -c "select pg_terminate_backend(pid, 5000) from pg_stat_activity where application_name = 'hot_sku_bi'" >/dev/null
}

table() {
	awk -F'\t' -v variants="$variants" '
		function median(list,    v, n, i, j, t) {
			n = split(list, v, " ")
			for (i = 2; i <= n; i++)
				for (j = i; j > 1 && v[j] + 0 < v[j - 1] + 0; j--) { t = v[j]; v[j] = v[j - 1]; v[j - 1] = t }
			return n % 2 ? v[(n + 1) / 2] + 0 : (v[n / 2] + v[n / 2 + 1]) / 2
		}
		{ key = $1 "\t" $2 "\t" $3; if (!(key in seen)) { seen[key] = 1; order[++k] = key } all[key, $4] = all[key, $4] " " $5 }
		END {
			n = split(variants, v, " ")
			printf "%-8s %-3s %7s", "shape", "BI", "clients"
			for (i = 1; i <= n; i++) printf " %9s", v[i]
			printf "   on/off on/rival on/redis comb/on comb/rival comb/redis rival/bare\n"
			for (x = 1; x <= k; x++) {
				split(order[x], p, "\t")
				printf "%-8s %-3s %7d", p[1], p[2], p[3]
				for (i = 1; i <= n; i++) { m[v[i]] = median(all[order[x], v[i]]); printf " %9d", m[v[i]] }
				for (x2 in m)
					d[x2] = m[x2] ? m[x2] : 1
				printf "   %6.2f %8.2f %8.3f %7.2f %10.2f %10.3f %10.2f\n", m["on"] / d["off"], m["on"] / d["rival"], m["on"] / d["redis"],
					m["comb"] / d["on"], m["comb"] / d["rival"], m["comb"] / d["redis"], m["rival"] / d["bare"]
			}
		}' "$out/figures"
}

rm -rf "$out" && mkdir -p -m 700 "$out"
trap finish EXIT
scripts
sql -d postgres -c 'drop database if exists hot_sku with (force)' -c 'create database hot_sku' -c 'alter database hot_sku set oms.worker_autostart = off'
step 'a shop of 20 nodes and 1,000 items' sql -d hot_sku -f bench/hot_sku/setup.sql
redis_start
say "fsync $(sql -d hot_sku -c 'show fsync'), synchronous_commit $(sql -d hot_sku -c 'show synchronous_commit'), full_page_writes $(sql -d hot_sku -c 'show full_page_writes'); redis $(redis-server --version | sed 's/.* v=\([^ ]*\).*/\1/'), appendfsync always"
for shape in $shapes; do
	for bi in no yes; do
		for clients in $counts; do
			sql -d hot_sku -c 'vacuum' -c 'checkpoint'
			[ "$bi" = no ] || bi_open
			for ((r = 1; r <= rounds; r++)); do
				for variant in $variants; do
					printf '%s\t%s\t%s\t%s\t%s\n' "$shape" "$bi" "$clients" "$variant" "$(measure "$variant" "$shape" "$clients")" >>"$out/figures"
				done
			done
			[ "$bi" = no ] || bi_close
			say "  $shape, BI $bi, $clients clients: $(tail -n $((7 * rounds)) "$out/figures" | awk -F'\t' '{ printf "%s %d  ", $4, $5 }')"
		done
	done
done
printf '\nOrders a second, medians of %d rounds of %d s\n' "$rounds" "$seconds"
table
found=$(sql -d hot_sku -c 'select * from oms.verify() limit 5')
[ -z "$found" ] || die "oms.verify() finds: $found"
