# shellcheck shell=bash
# say.sh: what the shell scripts print.  Sourced by ./run; a script of the
# demo may source it too: step "text" command...

clock_us() { printf '%s' "${EPOCHREALTIME//[!0-9]/}"; }

# Seconds since a clock_us value, with one decimal.
seconds_since() {
	local ds=$((($(clock_us) - $1 + 50000) / 100000))
	printf '%d.%d' $((ds / 10)) $((ds % 10))
}

run_started=${run_started:-$(clock_us)}

say() { printf '%s\n' "$*"; }
die() { printf 'run: %s\n' "$*" >&2; exit 1; }

# step TEXT COMMAND...: runs the command (a function runs in a subshell with
# errexit) and prints one line with the seconds it took, a dot every five
# seconds meanwhile.  Its output is shown only if it fails, which ends the run.
# Do not call it in a condition: that would switch errexit off inside.
step() {
	local text=$1 start log ticker rc
	shift
	start=$(clock_us)
	log=$(mktemp /tmp/pg_oms_step.XXXXXX)
	printf '  %s ' "$text"
	(while sleep 5 3>&- && kill -0 $$; do printf . >&3; done) 3>&1 >/dev/null 2>&1 </dev/null 8<&- &
	ticker=$!
	set +e
	(set -e; "$@") >"$log" 2>&1 </dev/null
	rc=$?
	set -e
	kill "$ticker" 2>/dev/null || :
	wait "$ticker" 2>/dev/null || :
	if [ "$rc" -ne 0 ]; then
		printf ' FAILED after %s s\n' "$(seconds_since "$start")"
		tail -n 80 "$log" | sed 's/^/    /'
		rm -f "$log"
		exit "$rc"
	fi
	rm -f "$log"
	printf ' %s s\n' "$(seconds_since "$start")"
}
