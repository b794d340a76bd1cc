# shellcheck shell=bash
# packages.sh: the one list of Debian packages, by what needs them.

packages_of() {
	local v=$pg_major
	case $1 in
	demo) # build, server, labels, map
		echo "postgresql-$v postgresql-server-dev-$v postgresql-$v-postgis-3
			postgresql-$v-postgis-3-scripts libhpdf-dev libzint-dev liblemon-dev gcc g++ libc6-dev
			make rsync gzip zstd fonts-dejavu-core poppler-utils gnuplot-nox python3" ;;
	check) # the test runners and what tests read their results with
		echo "postgresql-$v-pgtap libtap-parser-sourcehandler-pgtap-perl
			libipc-run-perl zbar-tools python3-jsonschema" ;;
	tryton) # a real ERP
		echo "tryton-server tryton-proteus python3-psycopg2 python3-tz
			tryton-modules-sale tryton-modules-sale-price-list
			tryton-modules-sale-shipment-cost tryton-modules-stock-supply
			tryton-modules-carrier tryton-modules-purchase
			tryton-modules-account-invoice-stock" ;;
	bench) # what it is compared with
		echo "redis-server redis-tools" ;;
	esac
}

# packages_need GROUP...: installs what is missing of these groups.
packages_need() {
	local group package wanted=() missing=() installed
	for group in "$@"; do
		for package in $(packages_of "$group"); do wanted+=("$package"); done
	done
	installed=$(dpkg-query -W -f '${db:Status-Status} ${Package}\n' "${wanted[@]}" 2>/dev/null | sed -n 's/^installed //p') || :
	for package in "${wanted[@]}"; do
		grep -qxF "$package" <<<"$installed" || missing+=("$package")
	done
	[ ${#missing[@]} -gt 0 ] || return 0
	say "Debian packages to install: ${missing[*]}"
	local as_root=()
	if [ "$EUID" -ne 0 ]; then
		command -v sudo >/dev/null ||
			die "not root and no sudo: have an administrator run  apt-get install --no-install-recommends ${missing[*]}"
		as_root=(sudo --)
	fi
	"${as_root[@]}" /bin/bash "$root/demo/lib/install.sh" "${missing[@]}" </dev/null ||
		die "the packages could not be installed"
}
