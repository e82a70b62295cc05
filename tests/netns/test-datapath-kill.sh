#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
# The writer is killed at a random moment of an update, again and again, while packets flow: what was allowed stays allowed,
# what was denied stays denied, and the next writer takes over without a complaint.
NAME=kill
. "${top_srcdir:-.}/tests/netns/datapath.sh"
ROUNDS=${EBN_KILLS:-150}
SEED=${EBN_SEED:-$RANDOM}
echo "seed $SEED, $ROUNDS kills (EBN_SEED, EBN_KILLS)"
RANDOM=$SEED

host
for n in 1 2 3; do container $n; done
FLAGS=(-f 2000,2000 -t 2097152 -e 8)
ACCEPT="rule p app=b in app=a icmp 8"
dp load "$(endpoint 1 app=a)" "$(endpoint 2 app=b)" "$(endpoint 3 app=c)" "$ACCEPT" commit maintain || die "load"

# programs whose flow tables are laid out in another way; the next load takes the tables back
mkdir "$TMP/layout"
cp "$top_builddir/tests/netns/layout/ebn_datapath.bpf.o" "$TMP/layout/" || die "no object of another layout"
chmod 0755 "$TMP" "$TMP/layout"; chmod 0644 "$TMP/layout/ebn_datapath.bpf.o"

# one echo every 10 ms each way: c1 -> c2 is allowed, c3 -> c2 is denied
nsenter --net="/run/netns/$TAG-1" -- ping -i 0.01 10.9.0.2 > "$TMP/allowed" 2>&1 &
allowed=$!
nsenter --net="/run/netns/$TAG-3" -- ping -i 0.01 -q 10.9.0.2 > "$TMP/denied" 2>&1 &
denied=$!
JOBS+=("$allowed" "$denied")

# each of them changes something and ends where it began, so that enforcement is the same at every moment; the policy comes
# first, for labels that nobody has had yet are denied by a process that does not know the rules
UPDATES=(
	"-l 100|$ACCEPT|commit|labels c1 app=a,x=1|$ACCEPT|commit|labels c1 app=a|addr 192.0.2.9 app=q,z=1|addr 192.0.2.9 -"
	"-l 100|$ACCEPT|rule q app=c in app=a icmp 8|commit|$ACCEPT|commit"
	"-l 20|ep x dumx addr4=10.9.7.7 mac=02:00:00:00:00:07 labels=app=x|destroy x"
	"|upgrade|rollback|upgrade"
	"|upgrade flows4=4000|upgrade flows4=2000"
	"|upgrade dir=$TMP/layout|upgrade"
	"-l 20|maintain|restore|flags c1 2|flags c1 0"
)
span=(120 120 120 500 700 700 120)	# ms until the kill
ip -n "$HOST" link add dumx type veth peer name dumy
bad=0
for i in $(seq "$ROUNDS"); do
	n=$((RANDOM % ${#UPDATES[@]}))
	IFS='|' read -r -a update <<< "${UPDATES[n]}"
	# shellcheck disable=SC2086
	in_ns "$HOST" "$HELPER" -p "$PINS" "${FLAGS[@]}" load restore > "$TMP/next" 2>&1 || {
		bad=$((bad + 1))
		echo "before kill $i:"; cat "$TMP/next"
		[ $bad -lt 5 ] || break
	}
	# an endpoint whose making was cut short is there, or it is not; both are right
	if dp -r eps 2>/dev/null | grep -q ' x dev='; then dp load "destroy x" > /dev/null 2>&1 || fail "a half-made endpoint stays"; fi
	# shellcheck disable=SC2086
	nsenter --net="/run/netns/$HOST" -- "$HELPER" -p "$PINS" "${FLAGS[@]}" ${update[0]} load "${update[@]:1}" \
		> "$TMP/out" 2>&1 &
	pid=$!
	# adopting takes some 30 ms, loading programs some 150 ms
	printf -v pause '0.%03d' $((RANDOM % ${span[n]}))
	sleep "$pause"
	kill -9 $pid 2>/dev/null
	wait $pid 2>/dev/null
	rc=$?
	if [ $rc != 137 ] && [ $rc != 0 ]; then
		bad=$((bad + 1))
		echo "update $i (${update[*]}) failed by itself:"; cat "$TMP/out"
		[ $bad -lt 5 ] || break
	fi
done
same "takeovers without a complaint, of $ROUNDS" 0 "$bad"
kill -INT "$allowed" "$denied"
wait "$allowed" "$denied"
tail -n 3 "$TMP/allowed"; tail -n 3 "$TMP/denied"
# the last ones may have been on their way when ping was stopped; every other one has its answer
missing=$(sed -n 's/.*icmp_seq=\([0-9]*\) .*/\1/p' "$TMP/allowed" | sort -n | awk '$1 > ++n { while (n < $1) print n++ }')
same "allowed packets without an answer" "" "$missing"
check "no denied packet did" grep -q ' 0 received, 100% packet loss' "$TMP/denied"
dp load restore maintain || fail "the last takeover"
same "three endpoints" 3 "$(dp -r eps | grep -c dev=lxc)"
dp cleanup || fail "cleanup"
check "nothing is left" test ! -e "$PINS"
exit $failed
