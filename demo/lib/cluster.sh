# shellcheck shell=bash
# cluster.sh: a throw-away PostgreSQL cluster in DIR/data that listens on a
# unix socket only.  Sets PGHOST, PGPORT, PGUSER and PGDATABASE for clients.

# cluster_start DIR STAGE demo|check
cluster_start() {
	step 'start the server' cluster_start_quietly "$@"
	cluster_clients "$1"
}

cluster_start_quietly() {
	local dir=$1 data=$1/data
	if [ ! -e "$data/oms.conf" ]; then # never finished: from scratch
		as_server rm -rf "$data"
		as_server initdb -D "$data" -U postgres -A trust -E UTF8 --locale=C.UTF-8 --no-instructions
		echo "include 'oms.conf'" | as_server tee -a "$data/postgresql.conf"
	fi
	cluster_socket_dir "$dir"
	cluster_settings "$@" | as_server tee "$data/oms.conf"
	as_server pg_ctl -D "$data" -l "$dir/server.log" -w -t 120 start || {
		tail -n 30 "$dir/server.log"
		return 1
	}
}

cluster_settings() {
	local stage=$2 socket port
	socket=$(readlink -f "$1/socket")
	port=$(free_port "$socket")
	cat <<CONF
port = $port
listen_addresses = ''
unix_socket_directories = '$socket'
unix_socket_permissions = 0700
extension_destdir = '$stage'
dynamic_library_path = '$stage$("$(pg_config_path)" --pkglibdir):\$libdir'
timezone = 'Asia/Kolkata'
log_timezone = 'Asia/Kolkata'
max_worker_processes = 16
max_prepared_transactions = 10
shared_buffers = 256MB
CONF
	case $3 in
	demo) cat <<CONF
shared_preload_libraries = 'pg_oms, pg_stat_statements'
pg_stat_statements.track = none
CONF
		;;
	check) echo 'fsync = off' ;;
	esac
}

# Socket paths are limited to 107 bytes: a short one stands in if need be.
cluster_socket_dir() {
	local dir=$1 short
	if [ -d "$dir/socket" ] && as_server test -O "$dir/socket"; then return; fi
	as_server rm -rf "$dir/socket"
	if [ ${#dir} -lt 80 ]; then
		as_server mkdir -m 700 "$dir/socket"
	else
		short=$(as_server mktemp -d /tmp/pg_oms.XXXXXXXX)
		as_server ln -s "$short" "$dir/socket"
	fi
}

# The number only names the socket; still take one that no server uses.
free_port() {
	local port
	for ((port = 5480; port < 5980; port++)); do
		[[ ! -e /var/run/postgresql/.s.PGSQL.$port && ! -e $1/.s.PGSQL.$port ]] || continue
		! grep -qsE "^port *= *$port\b" /etc/postgresql/*/*/postgresql.conf || continue
		! (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null || continue
		echo "$port"
		return
	done
	return 1
}

cluster_clients() {
	PGHOST=$(readlink -f "$1/socket")
	PGPORT=$(sed -n 's/^port = //p' "$1/data/oms.conf")
	export PGHOST PGPORT PGUSER=postgres PGDATABASE=postgres
}

# A postmaster.pid that names another directory came with a copied checkout:
# that server is not ours to stop, and the copied files are not sound.
cluster_stop() {
	local data=$1/data
	[ -e "$data/postmaster.pid" ] || return 0
	if [ "$(as_server sed -n 2p "$data/postmaster.pid")" != "$data" ]; then
		as_server rm -rf "$data" "$1/socket"
	elif as_server pg_ctl -D "$data" status >/dev/null; then
		step 'stop the server' as_server pg_ctl -D "$data" -m fast -w -t 120 stop
	fi
}

cluster_database() {
	as_server psql -X -v ON_ERROR_STOP=1 -d postgres -v name="$1" <<'SQL'
DROP DATABASE IF EXISTS :"name" WITH (FORCE);
CREATE DATABASE :"name";
SQL
}
