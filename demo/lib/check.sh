# shellcheck shell=bash
# check.sh: ./run check.  Everything happens in $work/check, on servers of its
# own, so that a demo left running is neither used nor disturbed.

strict='-Wall -Wextra -Werror -Wno-unused-parameter -Wno-sign-compare'
passed=0
failed=0
limit=600 # seconds, of one run of a test runner

run_check() {
	[ $# -eq 0 ] || die './run check takes no arguments'
	trap check_close EXIT
	packages_need demo check tryton
	workdir_open
	workdir_lock check
	check=$work/check
	src=$check/src
	check_stop_servers
	as_server rm -rf "$check"
	step 'copy the checkout' build_sync "$src"
	step 'validate META.json' as_server python3 "$src/test/meta.py" "$src"
	build_make "$src" "$check/stage" PG_CFLAGS="$strict" PG_CXXFLAGS="$strict"
	cluster_start "$check" "$check/stage" check
	check_tryton
	check_regress
	check_isolation
	check_pgtap
	check_tap
	finished=yes
}

# The last line is the verdict whatever happened before it.
check_close() {
	local rc=$?
	trap - EXIT
	set +e
	rm -f "${log:-}"
	[ -z "${check:-}" ] || check_stop_servers
	if [ -z "${finished:-}" ]; then
		failed=$((failed + 1))
	elif [ $((passed + failed)) -eq 0 ]; then
		say 'No test ran.'
		rc=1
	fi
	[ "$failed" -eq 0 ] || [ "$rc" -ne 0 ] || rc=1
	if [ "$rc" -eq 0 ]; then as_server rm -rf "$check/data"; fi
	say "Whole run: $(seconds_since "$run_started") s"
	say "$passed passed, $failed failed"
	exit "$rc"
}

# Whatever still works below $check, by its working directory: a runner that
# met the time limit leaves its children behind.
check_stop_tests() {
	local proc pids=()
	for proc in /proc/[0-9]*; do
		case $(readlink "$proc/cwd" 2>/dev/null) in
		"$src" | "$src"/*) pids+=("${proc#/proc/}") ;;
		esac
	done
	[ ${#pids[@]} -eq 0 ] || as_server sh -c 'kill "$@"' sh "${pids[@]}" 2>/dev/null || :
}

# Our server, and those of tests that were killed.
check_stop_servers() {
	local pidfile data
	check_stop_tests
	while read -r pidfile; do
		data=${pidfile%/postmaster.pid}
		[ "$(sed -n 2p "$pidfile")" = "$data" ] || continue
		as_server pg_ctl -D "$data" -m immediate -w stop >/dev/null 2>&1 || :
	done < <(find "$check" -name postmaster.pid 2>/dev/null)
}

# Tests restore a real Tryton database from the dump that OMS_TRYTON_DUMP
# names; without a dump to hand one is built once and kept.
check_tryton() {
	local given=$root/../shared/erp/tryton/tryton.sql.gz cache=$work/cache/tryton.sql.gz builder
	as_server mkdir -p "$work/cache"
	if [ -f "$given" ]; then
		cmp -s "$given" "$cache" || as_server tee "$cache" <"$given" >/dev/null
	elif [ -f "$src/demo/tryton/build.sh" ]; then
		builder=$(cd "$src/demo/tryton" && find . -type f | sort | xargs cat | cksum)
		cache=$work/cache/tryton-${builder%% *}.sql.gz
		[ -f "$cache" ] || step 'build a Tryton database (once; minutes)' check_tryton_build "$cache"
	fi
	if [ -f "$cache" ]; then
		export OMS_TRYTON_DUMP=$cache
	else
		say '  no Tryton database: its tests will be skipped'
	fi
}

check_tryton_build() {
	local uri
	uri="postgresql://$PGUSER@${PGHOST//\//%2F}:$PGPORT/tryton"
	as_server bash "$src/demo/tryton/build.sh" "$uri"
	as_server sh -c 'pg_dump --no-owner --no-privileges tryton | gzip -n >"$1.new" && mv "$1.new" "$1"' sh "$1"
	as_server dropdb tryton
}

# pg_regress and its isolation twin: a test is a file; they say how each went.
check_regress() { check_runner regress 'test/sql/*.sql' ISOLATION= TAP_TESTS=; }
check_isolation() { check_runner isolation 'test/specs/*.spec' REGRESS= TAP_TESTS=; }

check_runner() {
	local kind=$1 files=$2 line total good=0 bad=0 rc=0 start
	shift 2
	total=$(compgen -G "$src/$files" | wc -l) || :
	[ "$total" -gt 0 ] || { say "$kind: no tests yet"; return; }
	say "$kind"
	start=$(clock_us)
	as_server rm -f "$src/regression.diffs"
	while IFS= read -r line; do
		case $line in
		*' ... FAILED'*) bad=$((bad + 1)) ;;
		*' ... ok '*) good=$((good + 1)) ;;
		*' ... '* | *rror* | make* | '#'* | *FATAL*) ;;
		rc=*) rc=${line#rc=}; continue ;;
		*) continue ;;
		esac
		say "  $line"
	done < <(check_make "$@" 2>&1 || echo "rc=$?"; check_stop_tests)
	if [ "$rc" -ne 0 ]; then
		head -c 60000 "$src/regression.diffs" 2>/dev/null || tail -n 40 "$check/server.log"
		if [ $((good + bad)) -lt "$total" ]; then
			say "  it gave up: $((total - good - bad)) of $total did not run (an expected/*.out that is missing?)"
			bad=$((total - good))
		fi
		[ "$bad" -gt 0 ] || bad=1
	fi
	check_count "$kind" "$total files" "$good" "$bad" "$start"
}

check_make() {
	as_server timeout --foreground -k 10 "$limit" make -C "$src" -s --no-print-directory installcheck \
		with_llvm=no PG_CONFIG="$(pg_config_path)" "$@" </dev/null
}

# pgTAP: each file in a database of its own that has pgtap and pg_oms.
check_pgtap() {
	compgen -G "$src/test/pgtap/*.sql" >/dev/null || { say 'pgTAP: no tests yet'; return; }
	say pgTAP
	step 'make the template database' check_pgtap_template
	check_each pgTAP "$src"/test/pgtap/*.sql
}

check_pgtap_template() {
	as_server createdb oms_pgtap
	as_server psql -X -v ON_ERROR_STOP=1 -d oms_pgtap -c 'CREATE EXTENSION pgtap' -c 'CREATE EXTENSION pg_oms CASCADE'
}

check_one_pgTAP() {
	as_server dropdb --if-exists --force oms_pgtap_run
	as_server createdb -T oms_pgtap oms_pgtap_run
	cd "$src"
	as_server timeout --foreground -k 10 "$limit" pg_prove --verbose -d oms_pgtap_run "$1"
}

# TAP: each file makes clusters of its own, from the staged build.
check_tap() {
	compgen -G "$src/test/t/*.pl" >/dev/null || { say 'TAP: no tests yet'; return; }
	say TAP
	grep -E '^(extension_destdir|dynamic_library_path)' "$check/data/oms.conf" |
		as_server tee "$check/tap.conf" >/dev/null
	export TEMP_CONFIG=$check/tap.conf
	check_each TAP "$src"/test/t/*.pl
	unset TEMP_CONFIG
}

check_one_TAP() {
	check_make REGRESS= ISOLATION= TAP_TESTS=1 PROVE_TESTS="test/t/$(basename "$1")" PROVE_FLAGS=--verbose
}

# Runs files that print TAP, one by one, and counts their assertions.
check_each() {
	local kind=$1 file rc start kind_start good=0 bad=0 ok not_ok skipped
	shift
	kind_start=$(clock_us)
	log=$(mktemp /tmp/pg_oms_tap.XXXXXX)
	for file in "$@"; do
		start=$(clock_us)
		set +e
		(set -e; "check_one_$kind" "$file") >"$log" 2>&1 </dev/null
		rc=$?
		set -e
		[ "$rc" -ne 124 ] || echo "not ok 0 - ended within $limit s" >>"$log"
		[ "$rc" -eq 0 ] || check_stop_tests
		ok=$(grep -E '^ok [0-9]' "$log" | grep -cviE '# skip') || :
		skipped=$(grep -ciE '^ok [0-9].*# skip|^1\.\.0 # skip' "$log") || :
		not_ok=$(grep -E '^not ok [0-9]' "$log" | grep -cviE '# todo') || :
		if [ "$rc" -ne 0 ] && [ "$not_ok" -eq 0 ]; then not_ok=1; fi
		good=$((good + ok))
		bad=$((bad + not_ok))
		printf '  %-40s %4d ok, %d not ok%s  %s s\n' "$(basename "$file")" "$ok" "$not_ok" \
			"$([ "$skipped" -eq 0 ] || echo ", $skipped skipped")" "$(seconds_since "$start")"
		[ "$not_ok" -eq 0 ] || tail -n 100 "$log" | sed 's/^/    /'
	done
	rm -f "$log"
	check_count "$kind" "$# files, $((good + bad)) assertions" "$good" "$bad" "$kind_start"
}

check_count() {
	say "  $1: $2, $3 passed, $4 failed, $(seconds_since "$5") s"
	passed=$((passed + $3))
	failed=$((failed + $4))
}
