# shellcheck shell=bash
# workdir.sh: .oms, where everything happens, and who does it.  Sets
#   work         the real directory behind .oms, free of blanks
#   server_user  who builds, serves and tests: ourselves, or when run by root
#                an unprivileged user, as PostgreSQL refuses root

# as_server COMMAND...: runs it as that user.  Root itself never writes below
# $work, which that user owns.  Only this shell holds the lock (8).
as_server() {
	if [ "$EUID" -eq 0 ]; then
		runuser -u "$server_user" -- env HOME="$work" USER="$server_user" LOGNAME="$server_user" "$@" 8<&-
	else
		"$@" 8<&-
	fi
}

owner_of() { stat -Lc %U -- "$1"; }

# Finds the work directory of an earlier run; false when there is none.
workdir_find() {
	[ -d "$root/.oms" ] || return 1
	work=$(cd "$root/.oms" && pwd -P) || die "$root/.oms cannot be entered: run as its owner, or as root"
	# The link of a copied checkout leads to the original's directory.
	[ ! -L "$root/.oms" ] || [ "$(cat "$work/checkout" 2>/dev/null)" = "$root" ] || return 1
	server_user=$(id -un)
	if [ "$EUID" -eq 0 ]; then
		server_user=$(owner_of "$work")
		[ "$server_user" != root ] || server_user=postgres
	elif [ ! -O "$work" ]; then
		die "$root/.oms belongs to $(owner_of "$work"): run as that user or as root, or remove it"
	fi
	cd "$work" || return
}

workdir_open() {
	if ! workdir_find; then
		workdir_make
		workdir_find
	fi
	as_server test -w "$work" || die "$root/.oms is not writable for user $server_user: remove it"
}

# Inside the checkout if the server's user can work there, else a link to a
# directory under /var/tmp.
workdir_make() {
	server_user=$(id -un)
	[ "$EUID" -ne 0 ] || server_user=postgres
	id "$server_user" >/dev/null 2>&1 || die "there is no user \"$server_user\" to run the server as"
	[ ! -L "$root/.oms" ] || rm -f "$root/.oms"
	work=$root/.oms
	if plain_path "$root" && mkdir "$work"; then
		[ "$EUID" -ne 0 ] || chown "$server_user": "$work" || :
		if as_server test -w "$work" 2>/dev/null; then return; fi
		rmdir "$work"
	fi
	work=$(mktemp -d /var/tmp/pg_oms.XXXXXXXX)
	[ "$EUID" -ne 0 ] || chown "$server_user": "$work"
	chmod 755 "$work"
	printf '%s\n' "$root" | as_server tee "$work/checkout" >/dev/null
	ln -s "$work" "$root/.oms"
	say "  .oms is a link to $work: user $server_user, or make, could not work in $root"
}

# make, pg_regress and friends take no blanks or other odd characters.
plain_path() { [[ $1 =~ ^[A-Za-z0-9_./@+~-]+$ ]]; }

# One run of a kind at a time; the lock goes when this shell does.
workdir_lock() {
	as_server touch "$work/$1.lock"
	exec 8<"$work/$1.lock"
	flock -n 8 || die "another ./run is at work in this checkout"
}

workdir_busy() {
	[ -e "$work/$1.lock" ] || return 1
	! flock -n "$work/$1.lock" true
}
