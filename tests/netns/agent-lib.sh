# SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
# shellcheck shell=bash disable=SC2034
# What the tests of the agent share: namespaces with a device each, an agent, and checks. Sourced.
set -u
id=$$
agent=$top_builddir/examples/agent/ebpfnet-agent
work=$(mktemp -d "${TMPDIR:-/tmp}/ebnt-agent.XXXXXX") || exit 1
dp=ebnt-agent-$id
pins=/sys/fs/bpf/ebpfnet/$dp
agent_pid='' failures=0 checks=0 spaces=() pids=()

[ "$(id -u)" = 0 ] || { echo "needs root"; exit 77; }
if ! grep -q ' /sys/fs/bpf bpf ' /proc/mounts; then
	mount -t bpf bpf /sys/fs/bpf || { echo "no BPF file system can be mounted"; exit 77; }
fi

ns() { echo "ebnt-agent-$id-$1"; }
dev() { echo "eba$id$1"; }
in_ns() { local n; n=$(ns "$1"); shift; ip netns exec "$n" "$@"; }
ctl() { "$top_builddir/examples/ctl/ebpfnetctl" --name "$dp" --socket "$work/sock" "$@"; }
call() { ctl call "$@" 2>&1; }

cleanup() {
	local status=$? s
	trap '' INT TERM HUP
	trap - EXIT
	for s in ${pids[@]+"${pids[@]}"}; do
		kill -9 "$s" 2>/dev/null
	done
	stop_agent KILL
	[ ! -e "$pins" ] || [ ! -f "$work/agent.yaml" ] || {
		base_config >"$work/agent.yaml"
		"$agent" -c "$work/agent.yaml" -s "$work/sock" --state "$work/state" --cleanup
	}
	for s in ${spaces[@]+"${spaces[@]}"}; do
		ip netns pids "$(ns "$s")" 2>/dev/null | xargs -r kill -9 2>/dev/null
		ip link del "$(dev "$s")" 2>/dev/null
		ip netns del "$(ns "$s")" 2>/dev/null
	done
	[ "$status" = 0 ] || [ ! -s "$work/agent.log" ] || tail -n 40 "$work/agent.log" | sed 's/^/agent: /'
	rm -rf "$work"
	exit "$status"
}
trap cleanup EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

check() { # WHAT COMMAND... : succeeds
	local what=$1
	shift
	checks=$((checks + 1))
	"$@" >"$work/out" 2>&1 && return 0
	echo "FAILED: $what: $*"
	head -n 20 "$work/out" | sed 's/^/    /'
	failures=$((failures + 1))
	return 1
}

refuse() { # WHAT COMMAND... : fails
	local what=$1
	shift
	checks=$((checks + 1))
	"$@" >"$work/out" 2>&1 || return 0
	echo "FAILED: $what: succeeded: $*"
	head -n 20 "$work/out" | sed 's/^/    /'
	failures=$((failures + 1))
	return 1
}

says() { # WHAT PATTERN COMMAND... : the output holds the pattern
	local what=$1 pattern=$2
	shift 2
	checks=$((checks + 1))
	"$@" >"$work/out" 2>&1
	grep -Eq -- "$pattern" "$work/out" && return 0
	echo "FAILED: $what: no \"$pattern\" from: $*"
	head -n 20 "$work/out" | sed 's/^/    /'
	failures=$((failures + 1))
	return 1
}

finish() {
	echo "$checks checks, $failures failures"
	[ "$failures" = 0 ] && [ "$checks" -gt 0 ]
	exit
}

make_space() { # NAME NUMBER
	local n
	n=$(ns "$1")
	spaces+=("$1")
	ip netns add "$n" || exit 1
	make_link "$1" "$2"
}

make_link() { # NAME NUMBER
	local n
	n=$(ns "$1")
	ip link add "$(dev "$1")" type veth peer name eth0 netns "$n" address "02:00:00:00:43:0$2" || exit 1
	ip link set "$(dev "$1")" addrgenmode none up
	ip -n "$n" link set lo up
	ip -n "$n" link set eth0 addrgenmode none up
	ip -n "$n" addr add "10.43.0.$2/32" dev eth0
	ip -n "$n" route add 10.43.0.1 dev eth0 scope link
	ip -n "$n" route add default via 10.43.0.1
}

endpoint() { # NAME NUMBER LABELS : in YAML
	cat <<-END
	- name: $1
	  device: $(dev "$1")
	  mac: "02:00:00:00:43:0$2"
	  addresses: [10.43.0.$2]
	  gateways: [10.43.0.1]
	  namespace: demo
	  labels: {$3}
	END
}

policy() { # NAME SUBJECT PEER PORT : who may reach the subject
	cat <<-END
	- apiVersion: networking.k8s.io/v1
	  kind: NetworkPolicy
	  metadata: {name: $1, namespace: demo}
	  spec:
	    podSelector: {matchLabels: {app: $2}}
	    policyTypes: [Ingress]
	    ingress:
	    - from: [{podSelector: {matchLabels: {app: $3}}}]
	      ports: [{protocol: TCP, port: $4}]
	END
}

base_config() {
	printf 'version: 1\nnode: {datapath: %s, name: n1, flows4: 4096, flows6: 4096, table_bytes: 4MiB}\n' "$dp"
}

start_agent() { # OPTION...
	local waited=0
	"$agent" -c "$work/agent.yaml" -s "$work/sock" --state "$work/state" "$@" 2>>"$work/agent.log" &
	agent_pid=$!
	until ctl call hello >/dev/null 2>&1; do
		kill -0 "$agent_pid" 2>/dev/null || { echo "the agent ended"; exit 1; }
		[ $((waited += 1)) -lt 200 ] || { echo "the agent does not answer"; exit 1; }
		sleep 0.05
	done
}

stop_agent() { # SIGNAL
	[ -n "$agent_pid" ] || return 0
	kill "-$1" "$agent_pid" 2>/dev/null
	wait "$agent_pid" 2>/dev/null
	agent_pid=''
}

reload() { # : SIGHUP, and waits until it was handled
	local before now=0
	before=$(ctl -j status | jq '.reloads + .reload_errors')
	kill -HUP "$agent_pid"
	for _ in $(seq 100); do
		now=$(ctl -j status | jq '.reloads + .reload_errors')
		[ "$now" = "$before" ] || return 0
		sleep 0.05
	done
	echo "the agent does not reload"
	return 1
}

serve() { # NAME PORT
	in_ns "$1" python3 -m http.server "$2" --directory "$work/www" >/dev/null 2>&1 &
	pids+=($!)
	disown
	for _ in $(seq 100); do
		in_ns "$1" curl -s -o /dev/null --max-time 1 "http://127.0.0.1:$2/" && return 0
		sleep 0.05
	done
	echo "no server in $1"
	return 1
}

http() { # FROM NUMBER [PORT]
	in_ns "$1" curl -sf -o /dev/null --connect-timeout 1 --max-time 2 "http://10.43.0.$2:${3:-80}/"
}
