#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
# Endpoints: 500 of them, with every fallback; what is refused; nothing is left.
NAME=eps
. "${top_srcdir:-.}/tests/netns/datapath.sh"
N=500

host
for i in $(seq $N); do
	echo "link add d$i type veth peer name p$i"
	echo "link set d$i up"
done | ip -n "$HOST" -batch - || die "devices"
commands() {
	local i
	for i in $(seq $N); do
		echo "ep e$i d$i addr4=10.8.$((i / 250)).$((i % 250 + 1)) addr6=fd08::$i labels=app=a$((i % 20)),zone=z$((i % 3)) time=1"
	done
}
mapfile -t EPS < <(commands)
life() { # FLAGS...
	FLAGS=("$@")
	local what="with ${*:-all features}" times p50 p99
	times=$(dp load "${EPS[@]:0:N}" | awk '/^create/ { print $2 }' | sort -n)
	same "$N endpoints made $what" $N "$(wc -l <<< "$times")"
	p50=$(sed -n "$((N / 2))p" <<< "$times")
	p99=$(sed -n "$((N * 99 / 100))p" <<< "$times")
	echo "create: p50 $p50 us, p99 $p99 us $what"
	same "counted $what" "endpoints=$N" "$(dp -r status | grep -o "endpoints=[0-9]*")"
	same "listed $what" $N "$(dp -r eps | grep -c attached=1)"
	before=$(dp -r eps)
	dp load restore || fail "restore $what"
	same "the same after a restart $what" "$before" "$(dp -r eps)"
}
ending() {
	local destroy=()
	for i in $(seq $N); do destroy+=("destroy e$i"); done
	dp load "${destroy[@]}" || fail "destroy"
	same "all destroyed" "endpoints=0 devices=0" "$(dp -r status | grep -o "endpoints=[0-9]* devices=[0-9]*")"
	same "no filter is left" 0 "$(tc -n "$HOST" qdisc show | grep -c clsact)"
	same "no link is left" "" "$(ls "$PINS/links")"
	dp load maintain cleanup || fail "cleanup"
}

life
# a part of them moves to links, the rest waits
dp load step step step step step step || fail "some steps of maintenance"
check "some are links now" grep -q "attached=2\|tcx_links=[1-9]" <<< "$(dp -r status)"
ending
# without tcx; without membarrier
# fewer, for the fallbacks
N=60
for mask in 0x80 0x1000; do
	life -m $mask
	if [ $mask = 0x80 ]; then
		dp load maintain || fail "maintain"
		same "no link without tcx" "tcx_links=0" "$(dp -r status | grep -o "tcx_links=[0-9]*")"
	fi
	ending
done
FLAGS=(-e 3)

# ---- what is refused leaves nothing behind
dp load "ep a d1 addr4=10.8.0.1 labels=app=a" "ep b d2 addr4=10.8.0.2 id=7" || die "two endpoints"
before=$(snapshot)
refused "a name in use" 17 "named" dp load "ep a d3 addr4=10.8.0.3"
refused "an id in use" 17 "id 7" dp load "ep c d3 addr4=10.8.0.3 id=7"
refused "an address in use" 17 "address" dp load "ep c d3 addr4=10.8.0.1"
refused "a device in use" 17 "attached" dp load "ep c d1 addr4=10.8.0.3"
refused "no such device" 19 "no such device" dp load "ep c nope addr4=10.8.0.3"
refused "no address" 22 "no address" dp load "ep c d3"
refused "the other family" 22 "other family" dp load "ep c d3 addr4=fd08::1"
refused "a name that is too long" 22 "63 bytes" dp load "ep $(printf 'x%.0s' $(seq 64)) d3 addr4=10.8.0.3"
refused "a local endpoint's address told of" 17 "addr" dp load "addr 10.8.0.1 app=x"
refused "a local endpoint's address forgotten" 16 "addr" dp load "addr 10.8.0.1 -"
same "nothing changed" "$before" "$(snapshot)"
dp load "ep c d3 addr4=10.8.0.3" || die "a third"
refused "rows used up" 28 "cannot be written" dp load "ep d d4 addr4=10.8.0.4"
check "no filter on it" test -z "$(tc -n "$HOST" filter show dev d4 ingress)"

# ---- labels, flags, addresses
dp load "labels a app=new,tier=x" "flags b 1" "addr 192.0.2.7 app=far" "addr 2001:db8::7 app=far" || die "changes"
check "labels" grep -q "labels=k8s:app=new;k8s:tier=x;" <<< "$(dp -r eps)"
dp load "rates a 1000000 0 8000 5" || die "rates"
says() { # WHAT WANTED COMMAND : what the helper prints
	check "$1" grep -q -- "$2" <<< "$(dp -r "$3" 2>&1)"
}
says "rates are in the tables" "^rates 1000000 0 8000 5" "rates a"
says "others have none" "^rates 0 0 0 0" "rates b"
says "a reader sets none" "-30" "rates a 9000 0 0 0"
# a rate below 8k, a burst alone, a rate and a burst beyond the largest
for bad in "7999 0 0 0" "0 5 0 0" "0 0 1000000000001 0" "0 0 8000 8000000001"; do
	check "rates refused: $bad" grep -q -- "-22" <<< "$(dp load "rates a $bad" 2>&1)"
done
dp load "rates a 0 0 0 0" || die "no rates"
says "taken away" "^rates 0 0 0 0" "rates a"
check "flags" grep -q " b .*flags=1" <<< "$(dp -r eps)"
far=$(dp -r "addr 192.0.2.7")
check "an address that was told of" test "$far" != identity=2
same "both families, one identity" "$far" "$(dp -r "addr 2001:db8::7")"
same "a restart remembers" "$far" "$(dp load restore "addr 192.0.2.7")"
dp load "addr 192.0.2.7 -" || die "delete"
same "forgotten" identity=2 "$(dp -r "addr 192.0.2.7")"
refused "forgotten twice" 2 "addr" dp load "addr 192.0.2.7 -"

# ---- a device that goes away
ip -n "$HOST" link del d2
check "it has no name any more" grep -q " b dev=- .*attached=0" <<< "$(dp -r eps)"
refused "its endpoint is not restored" 19 "gone" dp load restore
dp load "destroy b" restore upgrade || fail "the others go on"
dp cleanup || fail "cleanup"
exit $failed
