#!/bin/bash
# install.sh PACKAGE...: installs Debian packages, as root, so that
# no service is started or restarted and no PostgreSQL cluster is made.  The
# two switches that see to it are put back on every way out.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/say.sh"

policy=/usr/sbin/policy-rc.d
policy_kept=$policy.before-pg_oms
policy_mark='pg_oms: no service while packages are installed'
cluster_dir=/etc/postgresql-common/createcluster.d
cluster_switch=$cluster_dir/zz-pg_oms.conf
log=$(mktemp /tmp/pg_oms_apt.XXXXXX)

export DEBIAN_FRONTEND=noninteractive NEEDRESTART_SUSPEND=1 LC_ALL=C.UTF-8

put_back() {
	if grep -qsF "$policy_mark" "$policy"; then rm -f "$policy"; fi
	if [ -e "$policy_kept" ] || [ -L "$policy_kept" ]; then mv -f "$policy_kept" "$policy"; fi
	rm -f "$cluster_switch" "$log"
	if [ -n "${made_dirs:-}" ]; then
		rmdir --ignore-fail-on-non-empty "$cluster_dir" 2>/dev/null || :
	fi
}

# Denies every start, stop and restart.  An administrator's own policy is
# moved aside and comes back unchanged, also after a run that was killed.
deny_services() {
	if grep -qsF "$policy_mark" "$policy"; then
		return
	fi
	if [ -e "$policy" ] || [ -L "$policy" ]; then mv "$policy" "$policy_kept"; fi
	printf '#!/bin/sh\n# %s\nexit 101\n' "$policy_mark" >"$policy"
	chmod 755 "$policy"
}

# Debian's server package makes and starts a cluster "main" when it is first
# installed, unless told otherwise here.
deny_main_cluster() {
	if [ ! -d "$cluster_dir" ]; then
		made_dirs=yes
		mkdir -p "$cluster_dir"
	fi
	echo 'create_main_cluster = false' >"$cluster_switch"
}

# apt COMMAND...: one line with percentages.
apt() {
	local start kind percent phase='' shown rc
	start=$(clock_us)
	set +e
	apt-get -y -q -o APT::Status-Fd=3 -o Dpkg::Use-Pty=0 -o DPkg::Lock::Timeout=300 \
		-o Dpkg::Options::=--force-confdef -o Dpkg::Options::=--force-confold \
		"$@" 3>&1 >"$log" 2>&1 </dev/null |
		while IFS=: read -r kind _ percent _; do
			case $kind in
			dlstatus) kind=download ;;
			pmstatus) kind=unpack ;;
			*) continue ;;
			esac
			if [ "$kind" != "$phase" ]; then
				phase=$kind shown=0
				printf ' %s' "$phase"
			fi
			while [ "$shown" -lt 100 ] && [ "${percent%.*}" -ge $((shown + 10)) ]; do
				shown=$((shown + 10))
				printf ' %d%%' "$shown"
			done
		done
	rc=${PIPESTATUS[0]}
	set -e
	printf ' %s s\n' "$(seconds_since "$start")"
	[ "$rc" -eq 0 ] || tail -n 25 "$log" | sed 's/^/    /'
	return "$rc"
}

exec 9>/run/lock/pg_oms-install
flock 9
trap put_back EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

deny_services
deny_main_cluster
printf '  apt: package lists'
apt update 9>&- || say '  the package lists could not be renewed; going on with those at hand'
printf '  apt:'
apt install --no-install-recommends "$@" 9>&-
