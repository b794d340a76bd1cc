#!/usr/bin/env bash
# One picture of the business: where orders come from (hexagons), which nodes
# serve them, and the circles that dark stores and shops serve in the cities
# that have most of them.  Needs psql (PG* variables), gnuplot with pngcairo.
#
#   map.sh OUT.png
set -euo pipefail
out=${1:?usage: map.sh OUT.png}
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT

psql -XqAt -v ON_ERROR_STOP=1 -v dir="$dir" -v cell=25000 -v city_cell=900 -f "$here/map.sql"
if ! grep -q '[0-9]' "$dir/land.dat"; then
	echo 'map.sh: there are no pincodes to draw the country from: call oms.load_pincodes()' >&2
	exit 1
fi
# it warns of every class without a hexagon; only a failure is worth showing
gnuplot -e "dir = '$dir'; out = '$dir/map.png'" "$here/map.gp" 2>"$dir/log" || {
	cat "$dir/log" >&2
	exit 1
}
mv "$dir/map.png" "$out"
