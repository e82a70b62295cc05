# SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
# shellcheck shell=bash disable=SC2034,SC2154
# Nodes on one machine: namespaces n1, n2 ... with an agent and pins each, and a bridge in a namespace of its own between them.
# nodes: their numbers. Sourced behind agent-lib.sh.
declare -A agent_of=()
# without the mount namespace of its own that "ip netns exec" makes: the pins are to be seen
at() { local n=$1; shift; nsenter --net="/run/netns/$(ns "n$n")" "$@"; }
nodectl() { local n=$1; shift; "$top_builddir/examples/ctl/ebpfnetctl" --name "$dp-$n" --socket "$work/sock$n" "$@"; }

take_down() {
	local status=$? n
	trap '' INT TERM HUP
	for n in $nodes; do
		[ -z "${agent_of[$n]-}" ] || { kill "${agent_of[$n]}" 2>/dev/null; wait "${agent_of[$n]}" 2>/dev/null; }
		[ ! -e "$work/n$n.yaml" ] || at "$n" "$agent" -c "$work/n$n.yaml" -s "$work/sock$n" --state "$work/state$n" --cleanup >/dev/null 2>&1
		[ "$status" = 0 ] || [ ! -s "$work/n$n.log" ] || tail -n 15 "$work/n$n.log" | sed "s/^/n$n: /"
	done
	(exit "$status")
	cleanup
}
trap take_down EXIT

# ---- the network between them: a bridge in a namespace of its own
spaces+=(net)
ip netns add "$(ns net)"
in_ns net ip link add br0 type bridge
in_ns net ip link set br0 up
for n in $nodes; do
	spaces+=("n$n")
	ip netns add "$(ns "n$n")"
	ip link add eth0 netns "$(ns "n$n")" type veth peer name "p$n" netns "$(ns net)"
	in_ns net ip link set "p$n" master br0 up
	at "$n" ip link set lo up
	at "$n" sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1 net.ipv4.conf.all.rp_filter=0
	at "$n" ip link set eth0 up
	at "$n" ip addr add "192.0.2.$n/24" dev eth0
	at "$n" ip addr add "2001:db8::$n/64" dev eth0 nodad
done

# NODE NAME NUMBER : an endpoint 10.42.NODE.NUMBER, fd42:NODE::NUMBER
pod() {
	local n=$1 name=$2 i=$3
	spaces+=("$name")
	ip netns add "$(ns "$name")"
	at "$n" ip link add "v$name" type veth peer name eth0 netns "$(ns "$name")" address "02:00:00:00:4$n:0$i"
	at "$n" ip link set "v$name" addrgenmode none up
	plug "$n" "$name" "10.42.$n.$i" "fd42:$n::$i"
}
plug() { # NODE NAME ADDRESS4 ADDRESS6 : addresses inside, routes outside
	in_ns "$2" ip link set lo up
	in_ns "$2" ip link set eth0 addrgenmode none up
	in_ns "$2" ip addr add "$3/32" dev eth0
	in_ns "$2" ip addr add "$4/128" dev eth0 nodad
	in_ns "$2" ip route add default via "10.42.$1.1" dev eth0 onlink
	in_ns "$2" ip -6 route add "fd42:$1::1" dev eth0
	in_ns "$2" ip -6 route add default via "fd42:$1::1" dev eth0
	at "$1" ip route add "$3" dev "v$2" scope link
	at "$1" ip -6 route add "$4" dev "v$2"
	at "$1" ip neigh add "$3" lladdr "$(in_ns "$2" ip -j link show eth0 | jq -r '.[0].address')" dev "v$2"
	at "$1" ip neigh add "$4" lladdr "$(in_ns "$2" ip -j link show eth0 | jq -r '.[0].address')" dev "v$2"
}

entry() { # NODE NAME NUMBER
	printf -- '- {name: %s, device: v%s, mac: "02:00:00:00:4%s:0%s", addresses: [10.42.%s.%s, "fd42:%s::%s"], gateways: [10.42.%s.1, "fd42:%s::1"], namespace: demo, labels: {app: %s}}\n' \
		"$2" "$2" "$1" "$3" "$1" "$3" "$1" "$3" "${4-$1}" "${4-$1}" "$2"
}
other_node() { # NUMBER [MORE]
	printf -- '- {name: n%s, addresses: [192.0.2.%s, "2001:db8::%s"], prefixes: [10.42.%s.0/24, "fd42:%s::/64"]%s}\n' "$1" "$1" "$1" "$1" "$1" "${2-}"
}
run_node() { # NODE : the agent in its namespace
	local waited=0
	nsenter --net="/run/netns/$(ns "n$1")" "$agent" -c "$work/n$1.yaml" -s "$work/sock$1" --state "$work/state$1" 2>>"$work/n$1.log" &
	agent_of[$1]=$!
	until nodectl "$1" call hello >/dev/null 2>&1; do
		kill -0 "${agent_of[$1]}" 2>/dev/null || { echo "the agent of n$1 ended"; exit 1; }
		[ $((waited += 1)) -lt 400 ] || { echo "the agent of n$1 does not answer"; exit 1; }
		sleep 0.05
	done
}
again() { # NODE : reads its file again
	local before now
	before=$(nodectl "$1" -j status | jq '.reloads + .reload_errors')
	kill -HUP "${agent_of[$1]}"
	for _ in $(seq 100); do
		now=$(nodectl "$1" -j status | jq '.reloads + .reload_errors')
		[ "$now" = "$before" ] || return 0
		sleep 0.05
	done
	return 1
}
