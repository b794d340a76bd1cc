#!/usr/bin/env bash
# The main job, end to end, on an ERP's database: build the ERP, attach,
# capture, plan, ship, return, report.  Run by ./run demo, which gives the
# server (PG*), OMS_ROOT (the checkout's copy, built), OMS_OUT and OMS_WORK.
#
#   demo.sh generic|tryton
set -euo pipefail
kind=${1:-generic}
cd "$OMS_ROOT"
# shellcheck source=demo/lib/say.sh
. demo/lib/say.sh
export PGOPTIONS='-c client_min_messages=warning'

sql() { psql -XqAt -v ON_ERROR_STOP=1 "$@"; }

# chapter FILE [psql options]: runs demo/FILE, which prints its own tables
chapter() {
	local file=$1
	shift
	psql -Xq -v ON_ERROR_STOP=1 -P pager=off -P footer=off -P linestyle=unicode \
		-P format=wrapped -P columns=132 -v erp="$profile" "$@" -f "demo/$file"
}

# bold on a terminal only; a chapter ends with an empty line, a step does not
title() {
	if [ -t 1 ]; then printf '\033[1m%s\033[0m\n' "$*"; else printf '%s\n' "$*"; fi
}

# wait_for QUERY: until it says true, a minute at most
wait_for() {
	local i
	for ((i = 0; i < 240; i++)); do
		[ "$(sql -c "$1")" != t ] || return 0
		sleep 0.25
	done
	echo "still waiting after a minute for: $1"
	return 1
}

# What the ERP's own users do, through the ERP's own programs.
erp_act() { python3 demo/tryton/act.py "$tryton_uri" "$@"; }

erp_sell_out() {
	if [ "$kind" = generic ]; then
		sql -c "select count(erp_count(i.item_code, w.code, 0)) from demo_pick p join item i on upper(i.item_code) = p.sku
			join stock_level l using (item_id) join warehouse w using (warehouse_id) where l.qty_on_hand <> 0" >/dev/null
	else
		sql -c "select format('inventory %s %s 0', p.sku, n.code) from demo_pick p join oms.stock s using (sku_id)
			join oms.node n using (node_id) where s.on_hand <> 0" | erp_act - >/dev/null
	fi
}

erp_receives() {
	if [ "$kind" = generic ]; then
		sql -c "select erp_post(i.item_code, 'BOM1', 40, 'RECEIPT', 'GRN-DEMO') from demo_wait w join item i on upper(i.item_code) = w.sku" >/dev/null
	else
		sql -c "select format('inventory %s BOM1 40', sku) from demo_wait" | erp_act - >/dev/null
	fi
}

erp_follows() {
	if [ "$kind" = generic ]; then
		step 'the worker books what left and came in the ERP' wait_for \
			"select not exists (select from oms.erp_call where state in ('pending', 'sent'))"
		chapter 55_erp_shop.sql
	else
		tryton_books
		chapter 55_erp_tryton.sql
	fi
}

# Tryton books by its own queue and worker; ours runs for three quarters of a
# minute, which is not enough for every parcel of two weeks.
tryton_books() {
	local conf=$OMS_WORK/trytond.conf
	printf '[database]\nuri = %s/\n[queue]\nworker = True\n' "${tryton_uri%/*}" >"$conf"
	# what a shell starts behind itself ignores SIGINT, the one signal a
	# trytond-worker stops for; timeout ends it with all its processes
	step 'a trytond-worker books what left and came, for 45 seconds' tryton_worker "$conf"
}

tryton_worker() {
	timeout -k 2 45 python3 -W ignore /usr/bin/trytond-worker -c "$1" -d "$PGDATABASE" -n 1 >"$OMS_WORK/trytond-worker.log" 2>&1 || :
}

# each order is a transaction of its own, as a channel would send it
capture_all() {
	sql -c 'create table demo_stream (n serial, doc text)'
	gzip -dc demo/data/orders.ndjson.gz |
		sql -c "copy demo_stream (doc) from stdin (format csv, quote e'\x01', delimiter e'\x02')"
	sql -f demo/32_stream.sql >"$OMS_WORK/stream.out"
}

echo
title '1. An ERP database'
case $kind in
generic)
	profile=shop
	step 'building the small ERP (items, prices, stock, customers, sales orders)' \
		demo/erp/build.sh -d "$PGDATABASE"
	;;
tryton)
	profile=tryton
	tryton_uri=postgresql://$PGUSER@${PGHOST//\//%2F}:$PGPORT/$PGDATABASE
	built=$OMS_WORK/cache/demo-tryton-$(cat demo/tryton/* demo/data/*.csv | cksum | cut -d' ' -f1).sql.gz
	if [ -f "$built" ]; then
		step 'restoring the Tryton 6.0 database built before' \
			bash -c "gzip -dc '$built' | psql -Xq -v ON_ERROR_STOP=1"
	else
		say '  building a real Tryton 6.0 through its own objects (a minute or two)'
		demo/tryton/build.sh "$tryton_uri"
		mkdir -p "${built%/*}"
		step 'keeping a dump of it for the next run' \
			bash -c "pg_dump --no-owner | gzip > '$built'"
	fi
	;;
*) die "unknown ERP: $kind" ;;
esac

echo
title '2. CREATE EXTENSION, attach, place'
chapter 10_attach.sql
chapter 20_place.sql

title '3. Orders of three channels'
step 'capturing 2,500 documents, each in its own transaction' capture_all
chapter 30_capture.sql
chapter 34_channel.sql

title '4. Live availability'
chapter 40_live.sql
say 'Now the ERP sells it out: its own program counts it to zero everywhere, in its own transaction.'
erp_sell_out
chapter 42_sold_out.sql
step 'the worker takes the change in' wait_for \
	"select exists (select from oms.event e join demo_pick p on p.sku_id = e.subject_id where e.type = 'stock.out') and not exists (select from oms.erp_change)"
chapter 44_alert.sql

title '5. Dispatch, scans, returns'
chapter 50_ship.sql
sql -c "select encode(oms.label_pdf(shipment_id), 'base64') from oms.shipment where direction = 'forward' and awb is not null order by cod_amount > 0 desc, shipment_id limit 1" |
	base64 -d >"$OMS_OUT/label.pdf"
sql -c "select encode(oms.label_pdf(shipment_id), 'base64') from oms.shipment where direction = 'reverse' and awb is not null order by shipment_id limit 1" |
	base64 -d >"$OMS_OUT/return-label.pdf"
say "   labels: $OMS_OUT/label.pdf and $OMS_OUT/return-label.pdf"
erp_follows

title '6. The worker'
chapter 60_worker.sql
erp_receives
# 40 more in the one ERP, counted as 40 in the other
[ "$kind" = generic ] && left='<= greatest(w.units - 40, 0)' || left='< w.units'
step 'the worker does the rest' wait_for \
	"select not exists (select from oms.reservation where cart_id = 'demo-cart' and state <> 'closed')
	    and exists (select from demo_wait w where (select coalesce(sum(qty), 0) from oms.allocation a where a.sku_id = w.sku_id and a.status = 'backordered') $left)"
chapter 62_worker_after.sql

title '7. Ten questions, a map'
chapter 70_report.sql
step 'drawing the map' demo/map.sh "$OMS_OUT/map.png"
say "   map: $OMS_OUT/map.png"

echo
title '8. Is it sound?'
chapter 80_verify.sql
