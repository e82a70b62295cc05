#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
# The balancer of docs/tutorial.md: connections to the service's address reach its backends, one that stops answering is left
# out and comes back, and nothing stays. In a network and a mount namespace and a cgroup of its own.
set -u
if [ -z "${EBN_IN_NAMESPACE:-}" ]; then
	EBN_IN_NAMESPACE=1 exec unshare --net --mount --propagation private "$0"
fi
balancer=${top_builddir:-.}/examples/tutorial/balancer
work=$(mktemp -d "${TMPDIR:-/tmp}/ebnt-balancer-$$.XXXXXX") failures=0 checks=0
declare -A server=()
pids=()
cleanup() {
	kill -9 ${pids[@]+"${pids[@]}"} ${server[@]+"${server[@]}"} 2>/dev/null
	wait 2>/dev/null
	rmdir "$work/cg/ebnt-balancer-$$" 2>/dev/null
	umount "$work/cg" 2>/dev/null
	rm -rf "$work"
}
trap cleanup EXIT
trap 'exit 1' INT TERM
mount -t bpf bpf /sys/fs/bpf || exit 77
mkdir "$work/cg"
mount -t cgroup2 none "$work/cg" || { echo "no cgroup of version 2 can be mounted"; exit 77; }
cgroup=$work/cg/ebnt-balancer-$$
mkdir "$cgroup" || exit 77

check() { # WHAT COMMAND...
	local what=$1
	shift
	checks=$((checks + 1))
	"$@" >"$work/out" 2>&1 && return
	echo "FAILED: $what: $*"
	head -n 20 "$work/out" "$work/log"
	failures=$((failures + 1))
}
fails() { ! "$@"; }
eventually() { # COMMAND...
	for _ in $(seq $((100 * ${CK_TIMEOUT_MULTIPLIER:-1}))); do
		"$@" >/dev/null 2>&1 && return
		sleep 0.1
	done
	return 1
}
serve() { # ADDRESS : answers each connection with the address
	python3 -c '
import socket, sys
s = socket.socket()
s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
s.bind((sys.argv[1], 80))
s.listen(64)
while True:
    c = s.accept()[0]
    c.sendall(sys.argv[1].encode())
    c.close()' "$1" &
	server[$1]=$!
	eventually nc -z "$1" 80
}
ask() { # N : connects N times from inside the cgroup, prints who answered
	python3 -c '
import os, socket, sys
open(sys.argv[1] + "/cgroup.procs", "w").write(str(os.getpid()))
for _ in range(int(sys.argv[2])):
    s = socket.create_connection(("10.96.0.1", 80), 5)
    print(s.recv(64).decode())
    s.close()' "$cgroup" "$1" | sort -u | tr '\n' ' '
}
answer() { [ "$(ask "$1")" = "$2" ]; } # N "ADDRESS... "

ip link set lo up
serve 127.0.0.11
serve 127.0.0.12
: >"$work/log"
check "usage" fails "$balancer" "$cgroup" 10.96.0.1 80
check "no such cgroup" fails "$balancer" "$work" 10.96.0.1 80 127.0.0.11
"$balancer" "$cgroup" 10.96.0.1 80 127.0.0.11 127.0.0.12 127.0.0.13 >"$work/log" 2>&1 &
pids+=($!)
check "the third has no server, and is out" eventually grep -qx '127.0.0.13 is out' "$work/log"
check "both others answer" answer 40 '127.0.0.11 127.0.0.12 '
check "outside of the cgroup the address is nobody's" fails nc -z -w 1 10.96.0.1 80
kill "${server[127.0.0.11]}"
check "one stops" eventually grep -qx '127.0.0.11 is out' "$work/log"
check "and is left out" answer 20 '127.0.0.12 '
serve 127.0.0.13
check "one comes" eventually grep -qx '127.0.0.13 is back' "$work/log"
check "and is given connections" answer 40 '127.0.0.12 127.0.0.13 '
kill "${pids[0]}"
wait "${pids[0]}"
check "it ends with 0" test $? = 0
check "nothing is pinned any more" fails test -e /sys/fs/bpf/ebpfnet/balancer
check "the address is nobody's again" fails answer 1 '127.0.0.12 '
echo "$checks checks, $failures failures"
[ "$failures" = 0 ]
