#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
# The programs of docs/tutorial.md do what the page says, and leave nothing behind. Everything happens in a network and a
# mount namespace, and is gone with them.
set -u
if [ -z "${EBN_IN_NAMESPACE:-}" ]; then
	EBN_IN_NAMESPACE=1 exec unshare --net --mount --propagation private "$0"
fi
tutorial=${top_builddir:-.}/examples/tutorial
work=$(mktemp -d) failures=0 checks=0 pids=()
# a killed process must not leave the namespaces of its children
trap 'kill -9 ${pids[@]+"${pids[@]}"} 2>/dev/null; rm -rf "$work"' EXIT
trap 'exit 1' INT TERM
mount -t bpf bpf /sys/fs/bpf || exit 77

check() { # WHAT COMMAND...
	local what=$1
	shift
	checks=$((checks + 1))
	"$@" >"$work/out" 2>&1 && return
	echo "FAILED: $what: $*"
	head -n 20 "$work/out"
	failures=$((failures + 1))
}
fails() { ! "$@"; }
refuse() { # WHAT COMMAND...
	local what=$1
	shift
	check "$what" fails "$@"
}
eventually() { # COMMAND...
	# an emulated machine takes its time
	for _ in $(seq $((50 * ${CK_TIMEOUT_MULTIPLIER:-1}))); do
		"$@" >/dev/null 2>&1 && return
		sleep 0.1
	done
	return 1
}

unshare --net sleep $((120 * ${CK_TIMEOUT_MULTIPLIER:-1})) &
box=$!
pids+=("$box")
inside() { nsenter -t "$box" -n "$@"; }
eventually sh -c "[ \"\$(readlink /proc/$box/ns/net)\" != \"\$(readlink /proc/self/ns/net)\" ]"
ip link set lo up
ip link add box type veth peer name eth0 netns "$box"
ip addr add 10.44.0.9/32 dev box
ip link set box up
ip route add 10.44.0.2/32 dev box src 10.44.0.9
inside ip link set lo up
inside ip link set eth0 up
inside ip addr add 10.44.0.2/32 dev eth0
inside ip route add 10.44.0.1 dev eth0
inside ip route add default via 10.44.0.1
for port in 80 81; do
	nsenter -t "$box" -n nc -lk 10.44.0.2 $port >/dev/null &
	pids+=($!)
done
nc -lk 10.44.0.9 90 >/dev/null &
pids+=($!)
reach() { nc -z -w 1 10.44.0.2 "$1"; }
# the gateway's address is nobody's: without the datapath the way back needs a route
inside ip route add 10.44.0.9 dev eth0
check "before: a port that will be open" eventually reach 80
check "before: a port that will not" eventually reach 81

"$tutorial/firewall" box 10.44.0.2 10.44.0.1 80 >"$work/log" 2>&1 &
firewall=$!
pids+=("$firewall")
inside ip route del 10.44.0.9 dev eth0
check "the firewall stands" eventually test -e /sys/fs/bpf/ebpfnet/firewall/current
check "and answers for the gateway" eventually reach 80
refuse "another port" reach 81
refuse "ping" ping -c 1 -W 1 10.44.0.2
check "what the container begins" inside nc -z -w 1 10.44.0.9 90
check "the refused one is shown" eventually grep -q 'container TCP 81 DENIED by default deny' "$work/log"
refuse "the allowed one is not" grep -q 'container TCP 80 ' "$work/log"
kill "$firewall"
wait "$firewall"
check "it ends with 0" test $? = 0
refuse "nothing is pinned any more" test -e /sys/fs/bpf/ebpfnet/firewall
refuse "nothing is attached any more" sh -c 'tc filter show dev box ingress | grep ebn_'
inside ip route add 10.44.0.9 dev eth0
check "and everything is open" reach 81
"$tutorial/firewall" >"$work/usage" 2>&1
check "usage" test $? = 2
refuse "no such device" "$tutorial/firewall" nodev 10.44.0.2 10.44.0.1
cp "$work/out" "$work/said"
check "is said" grep -q 'nodev' "$work/said"
echo "$checks checks, $failures failures"
[ "$failures" = 0 ]
