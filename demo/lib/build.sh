# shellcheck shell=bash
# build.sh: a copy of the checkout, built and staged by the server's user, so
# that the checkout stays as it is and no system directory is written to.

pg_config_path() { printf '/usr/lib/postgresql/%s/bin/pg_config' "$pg_major"; }

# build_sync DIR: brings DIR up to the checkout.  Compared by content and
# without times, so that what changed is new to make.  Built files are kept.
build_sync() {
	as_server mkdir -p "$1"
	local remote=() target=$1/
	if [ "$EUID" -eq 0 ]; then # root reads, the server's user writes
		remote=(--rsh "sh -c 'shift; exec runuser -u $server_user -- \"\$@\"' sh")
		target=copy:$1/
	fi
	rsync -rlpc --delete --chmod=u+rwX,go+rX \
		--exclude=/.git --exclude=/.oms --exclude='*.o' --exclude='*.so' \
		--exclude='*.bc' --exclude='/sql/pg_oms--*.sql' --exclude=/results \
		--exclude=/tmp_check --exclude=/regression.out --exclude=/regression.diffs \
		--exclude=/.built-from --exclude=__pycache__ \
		"${remote[@]}" "$root/" "$target"
}

# build_make SRC STAGE [MAKE ARGUMENT...]: compiles and stages.
build_make() {
	local src=$1 stage=$2
	shift 2
	step 'build the extension' build_all "$src" "$@"
	step 'stage it' build_stage "$src" "$stage"
}

build_all() {
	local src=$1 names
	shift
	# A file that went away leaves no time stamp to notice it by.
	names=$(cd "$src" && printf "%s\n" src/*.[ch] src/*.cpp sql/*.sql sql/install/*.sql | cksum)
	if [ "$names" != "$(cat "$src/.built-from" 2>/dev/null)" ]; then
		build_run "$src" clean
		printf '%s\n' "$names" | as_server tee "$src/.built-from"
	fi
	build_run "$src" -j "$(nproc)" all "$@"
}

build_stage() {
	as_server rm -rf "$2"
	build_run "$1" install DESTDIR="$2"
}

build_run() {
	local src=$1
	shift
	as_server make -C "$src" -s with_llvm=no PG_CONFIG="$(pg_config_path)" "$@"
}
