# SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
# Sourced by the tests of the datapath: a host's network namespace, containers', and a pin directory,
# all with names of their own, all gone at the end. The caller has set NAME.
set -u
export LC_ALL=C
: "${top_builddir:=$(pwd)}" "${top_srcdir:=$top_builddir}" "${BPFTOOL:=bpftool}"

[ "$(id -u)" = 0 ] || { echo "needs root"; exit 77; }
if [ "$(stat -f -c %t /sys/fs/bpf 2>/dev/null)" != cafe4a11 ]; then
	mount -t bpf bpf /sys/fs/bpf || { echo "no BPF file system, and none can be mounted"; exit 77; }
fi

ID=$$
TAG=ebnt-$NAME-$ID
PINS=/sys/fs/bpf/$TAG
TMP=$(mktemp -d "${TMPDIR:-/tmp}/$TAG.XXXXXX")
HOST=$TAG-h
HELPER=$top_builddir/tests/netns/dp-helper
FLAGS=()
JOBS=()
failed=0

object_file() {
	local f
	for f in "${EBPFNET_OBJECT_PATH:-$top_builddir/bpf}/ebn_datapath.bpf.o" "$top_srcdir/bpf/ebn_datapath.bpf.o"; do
		[ -f "$f" ] && { echo "$f"; return; }
	done
}

in_ns() { # NAMESPACE COMMAND... : its network only, so that /sys/fs/bpf stays
	local ns=$1
	shift
	nsenter --net="/run/netns/$ns" -- "$@"
}
on() { local n=$1; shift; in_ns "$TAG-$n" "$@"; } # CONTAINER COMMAND...
dp() { in_ns "$HOST" "$HELPER" -p "$PINS" ${FLAGS[@]+"${FLAGS[@]}"} "$@"; }

ok() { echo "ok: $*"; }
fail() { echo "FAIL: $*"; failed=1; }
die() { fail "$*"; exit 1; }
check() { # WHAT COMMAND...
	local what=$1
	shift
	if "$@"; then ok "$what"; else fail "$what"; fi
}
same() { # WHAT EXPECTED GOT
	if [ "$2" = "$3" ]; then ok "$1"; else fail "$1"; diff <(echo "$2") <(echo "$3"); fi
}
refused() { # WHAT ERRNO TEXT COMMAND... : fails with that number and says that
	local what=$1 number=$2 text=$3 out
	shift 3
	if out=$("$@" 2>&1); then
		fail "$what: succeeded"
	elif ! grep -q -- ": -$number " <<< "$out"; then
		fail "$what: another error: $out"
	elif ! grep -q -- "$text" <<< "$out"; then
		fail "$what: \"$text\" is not said: $out"
	else
		ok "$what: $(tail -n 1 <<< "$out")"
	fi
}

cleanup() {
	local ns j
	for j in ${JOBS[@]+"${JOBS[@]}"}; do kill -9 "$j" 2>/dev/null; done
	wait 2>/dev/null
	find "$PINS" -depth -delete 2>/dev/null
	for ns in $(ip netns list | awk -v t="$TAG-" 'index($1, t) == 1 { print $1 }'); do
		# a job that is a function is a shell with the program as its child
		ip netns pids "$ns" | xargs -r kill -9 2>/dev/null
		ip netns del "$ns"
	done
	rm -rf "$TMP"
}
trap cleanup EXIT
trap 'exit 130' INT TERM HUP

host() { # the host's namespace
	ip netns add "$HOST"
	ip -n "$HOST" link set lo up
	in_ns "$HOST" sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1 \
		net.ipv4.conf.all.rp_filter=0 net.ipv4.conf.default.rp_filter=0
}
container() { # N : namespace TAG-N, device lxcN on the host, 10.9.0.N and fd09::N
	local n=$1 ns=$TAG-$1
	ip netns add "$ns"
	ip -n "$ns" link set lo up
	# tests/vm/netkit asks for another kind of pair, which not every kernel and not every ip knows
	if [ "${EBN_DEVICE:-veth}" = veth ]; then
		ip -n "$HOST" link add "lxc$n" type veth peer name eth0 netns "$ns"
	else
		in_ns "$HOST" "$top_builddir/tests/vm/pair" make "lxc$n" eth0 "/run/netns/$ns" "$EBN_DEVICE" || exit 99
	fi
	in_ns "$ns" sysctl -qw net.ipv6.conf.eth0.accept_dad=0 net.ipv6.conf.eth0.dad_transmits=0
	ip -n "$HOST" link set "lxc$n" up
	ip -n "$ns" link set eth0 up
	ip -n "$ns" addr add "10.9.0.$n/32" dev eth0
	ip -n "$ns" addr add "fd09::$n/128" dev eth0 nodad
	ip -n "$ns" route add 10.9.0.254 dev eth0
	ip -n "$ns" route add default via 10.9.0.254 dev eth0
	ip -n "$ns" -6 route add fd09::fe dev eth0
	ip -n "$ns" -6 route add default via fd09::fe dev eth0
	ip -n "$HOST" route add "10.9.0.$n/32" dev "lxc$n"
	ip -n "$HOST" -6 route add "fd09::$n/128" dev "lxc$n"
}
endpoint() { # N LABELS : the command that makes it
	echo "ep c$1 lxc$1 addr4=10.9.0.$1 addr6=fd09::$1 gw4=10.9.0.254 gw6=fd09::fe labels=$2"
}

# What an observer can see of a datapath: pins and their objects, filters, endpoints.
snapshot() {
	local d
	readlink "$PINS/current"
	find "$PINS" -mindepth 1 | sort
	python3 "$top_srcdir/tests/netns/pin-ids.py" "$PINS"
	for d in $(ip -n "$HOST" -o link | awk -F'[ :@]+' '{ print $2 }'); do
		tc -n "$HOST" qdisc show dev "$d" | sed "s/^/$d /; s/refcnt [0-9]*//"
		tc -n "$HOST" filter show dev "$d" ingress | sed "s/^/$d in /"
		tc -n "$HOST" filter show dev "$d" egress | sed "s/^/$d out /"
	done
	dp -r eps 2>&1
	dp -r status 2>&1 | sed -E 's/(adoptions|used|retired|lost|unrecorded|flows4|flows6|memory)=[0-9]+//g'
}
