# SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
# shellcheck shell=bash
# Sourced behind datapath.sh, by tests that make each system call and each allocation of an operation fail once. The test says
# what is there by a function state.
STEP=${EBN_TORTURE_STEP:-8}
PRELOAD=$TMP/failcall.so
${CC:-cc} -shared -fPIC -o "$PRELOAD" "$top_srcdir/tests/netns/failcall.c" -ldl || die "failcall.c"
small() { in_ns "$HOST" "$HELPER" -p "$PINS" -f 1000,1000 -t 1048576 -e 8 "$@"; }
broken() { # KIND CALL ERRNO COMMAND...
	local kind=$1 at=$2 number=$3
	shift 3
	in_ns "$HOST" env LD_PRELOAD="$PRELOAD" FAIL_KIND="$kind" FAIL_AT="$at" FAIL_ERRNO="$number" FAIL_COUNT="$TMP/count" \
		"$HELPER" -p "$PINS" -f 1000,1000 -t 1048576 -e 8 "$@"
}
# WHAT BACK COMMAND... : BACK brings the state from the one after to the one before, and knows by rc whether the command said that
# it succeeded. Then all of it was done; if not, all or nothing. Failures begin where loading ends.
declare -A loading=([calls]=0 [memory]=0)
count_loading() {
	local kind
	for kind in calls memory; do
		broken $kind 0 12 load >"$TMP/out" 2>&1 || die "loading"
		loading[$kind]=$(cat "$TMP/count")
	done
}
torture() {
	local what=$1 back=$2 step=$STEP kind n at before after now rc=0 bad=0 done=0
	shift 2
	# loading takes nearly all calls; of the others each fails
	[ $# = 0 ] || step=1
	[ "${loading[calls]}" != 0 ] || count_loading
	before=$(state)
	for kind in calls memory; do
		broken $kind 0 12 load "$@" >"$TMP/out" 2>&1 || { fail "$what: does not work at all"; cat "$TMP/out"; return; }
		n=$(cat "$TMP/count")
		after=$(state)
		rc=0
		$back || { fail "$what: cannot go back"; return; }
		for at in $(seq $(((($# > 0) * loading[$kind]) + RANDOM % step + 1)) "$step" "$n"); do
			broken $kind "$at" 12 load "$@" >"$TMP/out" 2>&1
			rc=$?
			now=$(state)
			done=$((done + 1))
			[ $rc -lt 128 ] || complain "killed, $rc"
			[ "$now" = "$after" ] || { [ $rc != 0 ] && [ "$now" = "$before" ]; } || complain "status $rc, and" "$after"
			$back || { complain "cannot go back"; break; }
			now=$(state)
			[ "$now" = "$before" ] || complain "behind it" "$before"
			before=$now
		done
	done
	same "$what: $done failures one by one" 0 "$bad"
	[ "$done" -gt 0 ] || fail "$what: nothing failed"
}
complain() { # TEXT [EXPECTED] : in torture()
	bad=$((bad + 1))
	echo "$what: $kind $at: $1"
	cat "$TMP/out"
	[ $# = 1 ] || diff <(echo "$2") <(echo "$now")
}
nothing() { true; }
