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
		-v erp="$profile" "$@" -f "demo/$file"
}

title() { printf '\n\033[1m%s\033[0m\n' "$*"; }

# each order is a transaction of its own, as a channel would send it
capture_all() {
	sql -c 'create table demo_stream (n serial, doc text)'
	gzip -dc demo/data/orders.ndjson.gz |
		sql -c "copy demo_stream (doc) from stdin (format csv, quote e'\x01', delimiter e'\x02')"
	sql -f demo/32_stream.sql >"$OMS_WORK/stream.out"
}

title '1. An ERP database'
case $kind in
generic)
	profile=shop
	step 'building the small ERP (items, prices, stock, customers, sales orders)' \
		demo/erp/build.sh -d "$PGDATABASE"
	;;
tryton)
	profile=tryton
	built=$OMS_WORK/cache/demo-tryton-$(cat demo/tryton/* demo/data/*.csv | cksum | cut -d' ' -f1).sql.gz
	if [ -f "$built" ]; then
		step 'restoring the Tryton 6.0 database built before' \
			bash -c "gzip -dc '$built' | psql -Xq -v ON_ERROR_STOP=1"
	else
		say '  building a real Tryton 6.0 through its own objects (a minute or two)'
		demo/tryton/build.sh "postgresql://$PGUSER@${PGHOST//\//%2F}:$PGPORT/$PGDATABASE"
		mkdir -p "${built%/*}"
		step 'keeping a dump of it for the next run' \
			bash -c "pg_dump --no-owner | gzip > '$built'"
	fi
	;;
*) die "unknown ERP: $kind" ;;
esac

title '2. CREATE EXTENSION, attach, place'
chapter 10_attach.sql
chapter 20_place.sql

title '3. Orders of three channels'
step 'capturing 2,500 documents, each in its own transaction' capture_all
chapter 30_capture.sql

title '4. Live availability'
chapter "40_live_$profile.sql"

title '5. Dispatch, scans, returns'
chapter 50_ship.sql
sql -c "select encode(oms.label_pdf(shipment_id), 'base64') from oms.shipment where direction = 'forward' and awb is not null order by cod_amount > 0 desc, shipment_id limit 1" |
	base64 -d >"$OMS_OUT/label.pdf"
sql -c "select encode(oms.label_pdf(shipment_id), 'base64') from oms.shipment where direction = 'reverse' and awb is not null order by shipment_id limit 1" |
	base64 -d >"$OMS_OUT/return-label.pdf"
say "   labels: $OMS_OUT/label.pdf and $OMS_OUT/return-label.pdf"

title '6. The worker'
chapter 60_worker.sql

title '7. Ten questions, a map'
chapter 70_report.sql
step 'drawing the map' demo/map.sh "$OMS_OUT/map.png"
say "   map: $OMS_OUT/map.png"

title '8. Is it sound?'
chapter 80_verify.sql
