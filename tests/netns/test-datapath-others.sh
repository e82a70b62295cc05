#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
# Beside other people's programs, and beside another daemon of our own.
NAME=others
. "${top_srcdir:-.}/tests/netns/datapath.sh"
FOREIGN=$top_builddir/tests/netns/foreign
OTHER=/sys/fs/bpf/$TAG-other
mkdir -p "$OTHER"
finish() { find "$OTHER" "$PINS-2" -depth -delete 2>/dev/null; cleanup; }
trap finish EXIT

host
for n in 1 2 3 4; do container $n; done
ifindex() { ip -n "$HOST" -o link show "$1" | cut -d: -f1; }
order() { in_ns "$HOST" "$top_srcdir/tests/netns/tcx-order.py" "$(ifindex "$1")" "$2" | xargs; }

# lxc1: tcx programs on both hooks. lxc2: a clsact qdisc with a bpf filter, and one of another kind at our first
# choice of priority. lxc3: nothing. lxc4: an empty clsact qdisc.
"$FOREIGN" - prog "$OTHER/prog"
tcx=1
in_ns "$HOST" "$FOREIGN" lxc1 in "$OTHER/in" 2>/dev/null && in_ns "$HOST" "$FOREIGN" lxc1 out "$OTHER/out" || tcx=0
tc -n "$HOST" qdisc add dev lxc2 clsact
in_ns "$HOST" tc filter add dev lxc2 ingress prio 7 bpf da object-pinned "$OTHER/prog"
tc -n "$HOST" filter add dev lxc2 ingress prio 1 protocol ip matchall action pass 2>/dev/null ||
	tc -n "$HOST" filter add dev lxc2 ingress prio 1 protocol ip u32 match u32 0 0 action pass 2>/dev/null ||
	tc -n "$HOST" filter add dev lxc2 ingress prio 1 protocol ip u32 match u32 0 0
tc -n "$HOST" qdisc add dev lxc4 clsact
theirs() { # what is not ours
	local d
	for d in lxc1 lxc2 lxc3 lxc4; do
		tc -n "$HOST" filter show dev $d ingress | grep -v ' ebn_\|pref [0-9]* bpf chain 0 $'
		tc -n "$HOST" filter show dev $d egress | grep -v ' ebn_\|pref [0-9]* bpf chain 0 $'
	done
	tc -n "$HOST" qdisc show dev lxc2 | grep clsact
	tc -n "$HOST" qdisc show dev lxc4 | grep clsact
	python3 "$top_srcdir/tests/netns/pin-ids.py" "$OTHER"
}
before=$(theirs)
[ $tcx = 0 ] || same "their order" "foreign" "$(order lxc1 in)"

dp load "$(endpoint 1 app=a)" "$(endpoint 2 app=b)" "$(endpoint 3 app=c)" "attach lxc4 watch" || die "load"
same "theirs is untouched by our filters" "$before" "$(theirs)"
check "ours is on lxc2" grep -q "lxc2 in .*ebn_from_ep" <<< "$(snapshot)"
dp load maintain || die "maintain"
same "theirs is untouched by our links" "$before" "$(theirs)"
if [ $tcx = 1 ]; then
	same "ours decides first on the way in" "ebn_from_ep foreign" "$(order lxc1 in)"
	same "ours decides first on the way out" "ebn_to_ep foreign" "$(order lxc1 out)"
	same "a watched device" "ebn_watch_in" "$(order lxc4 in)"
fi
dp load upgrade "attach lxc4 watch" || die "upgrade"
same "theirs is untouched by an upgrade" "$before" "$(theirs)"
refused "a device in two roles" 17 "another role" dp load "attach lxc4 netdev"
refused "an endpoint's device taken off by name" 2 "not attached" dp load "detach lxc1"
refused "an endpoint on a device in use" 17 "attached already" dp load "ep x lxc4 addr4=10.9.0.77"

# ---- a second daemon with its own pins and devices
ip -n "$HOST" link add dum0 type veth peer name dum1
second() { in_ns "$HOST" "$HELPER" -p "$PINS-2" -n second "$@"; }
second load "ep other dum0 addr4=10.9.1.1 mac=02:00:00:00:00:01 labels=app=z" maintain || die "a second daemon"
one=$(snapshot | grep -v dum)
second load "labels other app=y" upgrade restore maintain "destroy other" cleanup || die "a second daemon's life"
same "one daemon's life changes nothing of the other's" "$one" "$(snapshot | grep -v dum)"
check "its pins are gone" test ! -e "$PINS-2"

dp load "destroy c1" "detach lxc4" || die "detach"
[ $tcx = 0 ] || same "theirs stays when ours goes" "foreign" "$(order lxc1 in)"
check "their empty qdisc stays" grep -q clsact <<< "$(tc -n "$HOST" qdisc show dev lxc4)"
dp cleanup || die "cleanup"
same "theirs is untouched by a cleanup" "$before" "$(theirs)"
check "our qdisc is gone" test -z "$(tc -n "$HOST" qdisc show dev lxc3 | grep clsact)"

# ---- their filter in our qdisc keeps it
dp load "$(endpoint 3 app=c)" || die "load"
in_ns "$HOST" tc filter add dev lxc3 egress prio 9 bpf da object-pinned "$OTHER/prog"
dp cleanup || die "cleanup"
check "a qdisc somebody moved into stays" grep -q clsact <<< "$(tc -n "$HOST" qdisc show dev lxc3)"
check "and so does the filter" grep -q foreign <<< "$(tc -n "$HOST" filter show dev lxc3 egress)"
tc -n "$HOST" qdisc del dev lxc3 clsact

# ---- rows of devices that went away are used again
commands=()
for i in $(seq 256); do
	ip -n "$HOST" link add "w$i" type veth peer name "x$i"
	commands+=("attach w$i watch")
done
dp load "${commands[@]}" || fail "256 devices"
ip -n "$HOST" link add y type veth peer name yy
refused "one more" 12 "more than 256" dp load "attach y watch"
ip -n "$HOST" link del w7
check "one more when another is gone" dp load "attach y watch"
dp cleanup || fail "cleanup"
same "no qdisc is left" "" "$(tc -n "$HOST" qdisc show | grep "clsact.*dev [wy]")"
exit $failed
