#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
# Every system call of every operation fails once. Each time, either the operation reports the error and everything is
# as before, or it succeeds in spite of it; and the next process carries on.
NAME=torture
. "${top_srcdir:-.}/tests/netns/datapath.sh"
# every call takes minutes; each run takes every eighth, beginning with another one
STEP=${EBN_TORTURE_STEP:-8}
FIRST=$((RANDOM % STEP + 1))
echo "calls $FIRST, $((FIRST + STEP)), … (EBN_TORTURE_STEP=1: all)"
PRELOAD=$TMP/failcall.so
${CC:-cc} -shared -fPIC -o "$PRELOAD" "$top_srcdir/tests/netns/failcall.c" -ldl || die "failcall.c"
host
for n in 1 2 3; do container $n; done
small() { in_ns "$HOST" "$HELPER" -p "$PINS" -f 1000,1000 -t 1048576 -e 8 "$@"; }
broken() { # CALL ERRNO COMMAND...
	local at=$1 number=$2
	shift 2
	in_ns "$HOST" env LD_PRELOAD="$PRELOAD" FAIL_AT="$at" FAIL_ERRNO="$number" FAIL_COUNT="$TMP/count" \
		"$HELPER" -p "$PINS" -f 1000,1000 -t 1048576 -e 8 "$@"
}
# WHAT COMMAND... : the state is the one before, and BACK brings it there from the one after
torture() {
	local what=$1 n at number before now bad=0 done=0
	shift
	before=$(snapshot)
	broken 0 12 "$@" > /dev/null 2>&1 || { fail "$what: does not work at all"; return; }
	n=$(cat "$TMP/count")
	back || { fail "$what: cannot go back"; return; }
	before=$(snapshot)
	for at in $(seq "$FIRST" "$STEP" "$n"); do
		number=$((at % 2 ? 12 : 1))
		if broken "$at" "$number" "$@" > "$TMP/out" 2>&1; then
			done=$((done + 1))
			back || { fail "$what: cannot go back after call $at"; return; }
			before=$(snapshot)
			continue
		fi
		now=$(snapshot)
		if [ "$before" != "$now" ]; then
			# a cut short move is finished by whoever comes next, with the same result
			small load restore > /dev/null 2>&1
			now=$(snapshot)
		fi
		if [ "$before" != "$now" ]; then
			bad=$((bad + 1))
			[ $bad = 1 ] && { echo "$what: call $at, errno $number:"; cat "$TMP/out"; diff <(echo "$before") <(echo "$now"); }
			small cleanup > /dev/null 2>&1
			start > /dev/null 2>&1
			before=$(snapshot)
		fi
	done
	same "$what: calls of $n failed one by one, $done did not matter" 0 "$bad"
}

start() { small load "$(endpoint 1 app=a)" "$(endpoint 2 app=b)"; }

# ---- from nothing
back() { small cleanup; [ ! -e "$PINS" ]; }
broken 0 12 load > /dev/null 2>&1 || die "load"
n=$(cat "$TMP/count")
back || die "cleanup"
bad=0
for at in $(seq "$FIRST" "$STEP" "$n"); do
	broken "$at" 12 load > "$TMP/out" 2>&1
	rc=$?
	if ! small load cleanup > "$TMP/next" 2>&1; then
		bad=$((bad + 1))
		echo "load: call $at failed, $rc; the next process:"
		cat "$TMP/out" "$TMP/next"
		find "$PINS" -depth -delete
	fi
done
same "load: calls of $n failed one by one, the next process starts" 0 "$bad"

start || die "a datapath"
back() { small load "destroy c3"; }
torture "an endpoint made" load "$(endpoint 3 app=c)"
back() { small load "labels c1 app=a"; }
torture "labels" load "labels c1 app=other"
back() { small load; }
torture "an upgrade" load upgrade
back() { small load "upgrade flows4=1000"; }
torture "a flow table of another size" load "upgrade flows4=3000"
exit $failed
