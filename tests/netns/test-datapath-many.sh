#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
# A hundred thousand flows, half of them masqueraded, through everything that happens to a datapath while they live: an upgrade,
# larger tables, a writer that is killed. Each of them is there afterwards, and its counters go on.
NAME=many
. "${top_srcdir:-.}/tests/netns/datapath.sh"
HALF=${EBN_FLOWS:-50000}
FLOOD=$top_builddir/tests/netns/flood

host
for n in 1 2; do container $n; done
ip -n "$HOST" link add wan type veth peer name far
for d in wan far; do ip -n "$HOST" link set $d up; done
ip -n "$HOST" addr add 198.51.100.2/24 dev wan
ip -n "$HOST" addr add 2001:db8:1::2/64 dev wan nodad
# nobody is there: what leaves, leaves
ip -n "$HOST" neigh add 198.51.100.9 lladdr 02:00:00:00:00:99 dev wan
ip -n "$HOST" neigh add 2001:db8:1::9 lladdr 02:00:00:00:00:99 dev wan
FLAGS=(-f 200000,200000 -t 4194304)
dp load "nat wan ports=2000-32000" "attach wan netdev" "$(endpoint 1 app=a)" "$(endpoint 2 app=b)" maintain || die "load"
mac=$(ip -n "$HOST" -o link show lxc1 | grep -o 'link/ether [0-9a-f:]*' | cut -d' ' -f2)

# Half of a half to each place: to the other container, and out, both families. A range has 30,001 ports for a destination.
quarter=$((HALF / 2))
send() {
	local to
	for to in "10.9.0.1 10.9.0.2" "fd09::1 fd09::2" "10.9.0.1 198.51.100.9" "fd09::1 2001:db8:1::9"; do
		# shellcheck disable=SC2086 # two words
		on 1 "$FLOOD" eth0 "$mac" udp $to "count=$quarter" pause=50 > "$TMP/rate" || return 1
	done
}
sums() { dp -r sums; }
is() { # WHAT ROUNDS
	same "$1" "flows=$((HALF * 2)) translated=$HALF packets=$((HALF * 2 * $2))" "$(sums)"
}

send || die "flood"
echo "# $(cat "$TMP/rate")"
is "they are there" 1
dp load upgrade || die "upgrade"
is "none is lost in an upgrade" 1
send || die "flood"
is "they go on" 2
# while they speak: a writer that is killed, in the middle of an upgrade too
# not through dp(), whose process would be a shell that is killed in its place
for command in "sleep 300000" "upgrade flows4=400000"; do
	nsenter --net="/run/netns/$HOST" -- "$HELPER" -p "$PINS" "${FLAGS[@]}" load "$command" &
	writer=$!
	JOBS+=("$writer")
	[ "$command" = "sleep 300000" ] || send || die "flood"
	sleep 0.3
	kill -9 $writer
	wait $writer 2> /dev/null
done
dp load restore maintain || die "adopted"
is "after two kills they go on" 3
dp load "upgrade flows4=300000 flows6=300000" maintain || die "larger tables"
is "none is lost on the way to larger tables" 3
send || die "flood"
is "and they go on" 4
dp load "export $TMP/flows" cleanup || die "export"
dp load "nat wan ports=2000-32000" "attach wan netdev" "$(endpoint 1 app=a)" "$(endpoint 2 app=b)" "import $TMP/flows" \
	> "$TMP/said" || die "import"
check "all are taken along" grep -q "imported=$((HALF * 2)) " "$TMP/said"
send || die "flood"
is "to tables of another life" 5
dp load cleanup || die "cleanup"
exit $failed
