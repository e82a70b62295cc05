#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
# Tracked flows and masquerade, while every system call and every allocation of each operation fails once. Each time the
# operation reports an error or succeeds in spite of it, no flow is lost, and the next process carries on.
NAME=ct-torture
. "${top_srcdir:-.}/tests/netns/datapath.sh"
STEP=${EBN_TORTURE_STEP:-8}
PRELOAD=$TMP/failcall.so
${CC:-cc} -shared -fPIC -o "$PRELOAD" "$top_srcdir/tests/netns/failcall.c" -ldl || die "failcall.c"
host
for n in 1 2; do container $n; done
in_ns "$HOST" ip link add ebnout type veth peer name ebnoutp
in_ns "$HOST" ip addr add 192.0.2.1/24 dev ebnout
in_ns "$HOST" ip link set ebnout up
in_ns "$HOST" ip link set ebnoutp up
small() { in_ns "$HOST" "$HELPER" -p "$PINS" -f 1000,1000 -t 1048576 -e 8 "$@"; }
broken() { # KIND CALL ERRNO COMMAND...
	local kind=$1 at=$2 number=$3
	shift 3
	in_ns "$HOST" env LD_PRELOAD="$PRELOAD" FAIL_KIND="$kind" FAIL_AT="$at" FAIL_ERRNO="$number" FAIL_COUNT="$TMP/count" \
		"$HELPER" -p "$PINS" -f 1000,1000 -t 1048576 -e 8 "$@"
}
# What must be there after each failure, whatever it was: flows, and devices that masquerade.
state() { small -r flows 2>&1 | sed -E 's/ bytes=.*//' | sort; small -r nats 2>&1; }
# WHAT BACK COMMAND... : BACK brings the state from the one after to the one before, and knows by rc whether the command said that
# it succeeded. Then all of it was done; if not, all or nothing. Failures begin where loading ends.
declare -A loading=([calls]=0 [memory]=0)
torture() {
	local what=$1 back=$2 step=$STEP kind n at before after now rc=0 bad=0 done=0
	shift 2
	# loading takes nearly all calls; of the others each fails
	[ $# = 0 ] || step=1
	before=$(state)
	for kind in calls memory; do
		broken $kind 0 12 load "$@" >"$TMP/out" 2>&1 || { fail "$what: does not work at all"; cat "$TMP/out"; return; }
		n=$(cat "$TMP/count")
		[ $# -gt 0 ] || loading[$kind]=$n
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

small load "$(endpoint 1 app=a)" "$(endpoint 2 app=b)" "nat ebnout ports=61000-61099" || die "a datapath"
ping_ok() { on 1 ping -c1 -W1 10.9.0.2 >/dev/null; }
for _ in $(seq 10); do ping_ok && break; done
small load "export $TMP/flows" || die "an export"
check "there are flows" grep -q '^flow ' <<< "$(small -r flows)"

nothing() { true; }
torture "adopted" nothing
torture "listed" nothing flows sums
# what was said to be whole is
whole() { [ $rc != 0 ] || small load "import $TMP/again" >/dev/null; }
torture "exported" whole "export $TMP/again"
torture "asked of masquerade" nothing nats "nats ebnout" "natstats ebnout"
back() { small load "nat ebnout ports=61000-61099"; }
torture "no masquerade" back "natclear ebnout"
torture "other ports" back "nat ebnout ports=62000-62099"
back() { small load "import $TMP/flows" >/dev/null; }
torture "flushed" back flush
small load flush >/dev/null
same "there are none" 0 "$(small -r flows | grep -c '^flow ')"
back() { small load flush >/dev/null; }
torture "imported" back "import $TMP/flows"
exit $failed
