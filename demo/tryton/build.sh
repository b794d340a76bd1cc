#!/bin/bash
# A small but real Tryton 6.0 database from Debian's packages, unattended.
#
#   demo/tryton/build.sh postgresql://user[:password]@host[:port]/database
#
# host may be a percent-encoded directory (%2Frun%2Fpostgresql) for a unix
# socket.  The database is made where it does not exist; one that holds a
# Tryton already is refused, or dropped first with DROP=1.  The role needs
# CREATEDB at most.  Packages: see README.md.  About a minute.
set -euo pipefail
export LC_ALL=C.UTF-8
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd -P)
uri=${1:?usage: build.sh postgresql://user@host:port/database}
uri=${uri%%\?*}
base=${uri%/*} db=${uri##*/}
modules='ir res sale sale_price_list sale_shipment_cost stock_supply carrier purchase account_invoice_stock'

for need in /usr/bin/trytond-admin /usr/bin/python3; do
	[ -x "$need" ] || { echo "build.sh: no $need; install the packages named in demo/tryton/README.md" >&2; exit 1; }
done

# Tryton asks information_schema about every table it makes.  With the limits
# below the planner finds the good join order (60 s of queries become 3).
export PGOPTIONS="${PGOPTIONS:-} -c jit=off -c join_collapse_limit=12 -c from_collapse_limit=12 -c geqo=off -c synchronous_commit=off"
export PYTHONDONTWRITEBYTECODE=1 PYTHONWARNINGS=ignore
sql() { PGOPTIONS="$PGOPTIONS -c client_min_messages=error" psql -XqAt -v ON_ERROR_STOP=1 -d "$base/$1" -v db="$db"; }

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
printf '[database]\nuri = %s/\nlanguage = en\n' "$base" >"$work/trytond.conf"
printf 'admin\n' >"$work/password"
export TRYTONPASSFILE=$work/password

maintenance=${MAINTENANCE_DB:-postgres}
if [ -n "${DROP:-}" ]; then
	echo 'drop database if exists :"db" with (force);' | sql "$maintenance"
fi
exists=$(echo "select count(*) from pg_database where datname = :'db';" | sql "$maintenance")
if [ "$exists" = 0 ]; then
	echo "create database :\"db\" template template0 encoding 'UTF8';" | sql "$maintenance"
elif [ "$(echo "select to_regclass('public.ir_module') is not null;" | sql "$db")" = t ]; then
	echo "build.sh: database \"$db\" holds a Tryton already (DROP=1 drops it first)" >&2
	exit 1
fi

echo 'Tryton makes its tables'
progress() { # of trytond-admin's log, the line that opens each module
	local line
	while read -r line; do
		[[ $line =~ INFO\ trytond.modules\ ([a-z_]+)$ ]] || continue
		printf '  %5d s  %s\n' "$SECONDS" "${BASH_REMATCH[1]}"
	done
}
# shellcheck disable=SC2086
/usr/bin/trytond-admin -vv -c "$work/trytond.conf" -d "$db" -u $modules --activate-dependencies \
	--email admin@example.com </dev/null 2>&1 | tee "$work/log" | progress || {
	tail -n 20 "$work/log" >&2
	exit 1
}
echo 'analyze;' | sql "$db"

echo 'The demo company, through Tryton'"'"'s own objects'
/usr/bin/python3 "$here/seed.py" "$uri"
echo 'analyze;' | sql "$db"
echo "select 'Tryton database ' || current_database() || ': ' || pg_size_pretty(pg_database_size(current_database()))
	|| ', ' || (select count(*) from pg_tables where schemaname = 'public') || ' tables';" | sql "$db"
