#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
# The program in README.md loads the datapath, attaches it to a device and ends; traffic passes and
# is counted. Everything happens in a network and a mount namespace, and is gone with them.
set -eu
if [ -z "${EBN_IN_NAMESPACE:-}" ]; then
	EBN_IN_NAMESPACE=1 exec unshare --net --mount --propagation private "$0"
fi
src=${top_srcdir:-.} build=${top_builddir:-.}
work=$(mktemp -d)
peer=
trap '[ -z "$peer" ] || kill "$peer" 2>/dev/null; rm -rf "$work"' EXIT

# pins go to a BPF file system that nobody else sees
mount -t bpf bpf /sys/fs/bpf
awk '/^```c$/ { if (!n++) on = 1; next } /^```$/ { on = 0 } on' "$src/README.md" > "$work/program.c"
# shellcheck disable=SC2086 # CC is a list of words
${CC:-cc} -Wall -Wextra -Werror -I"$src/include" -o "$work/program" "$work/program.c" \
	"$build/lib/.libs/libebpfnet.so" -Wl,-rpath,"$build/lib/.libs"

unshare --net sleep 60 &
peer=$!
ip link add ours type veth peer name theirs
# the other end moves when the peer's namespace is there
for _ in $(seq 50); do
	[ "$(readlink "/proc/$peer/ns/net")" = "$(readlink /proc/self/ns/net)" ] || break
	sleep 0.1
done
ip link set theirs netns "$peer"
ip addr add 192.0.2.1/24 dev ours
ip link set ours up
nsenter -t "$peer" -n ip addr add 192.0.2.2/24 dev theirs
nsenter -t "$peer" -n ip link set theirs up

"$work/program" ours
[ -d /sys/fs/bpf/ebpfnet/default ] || { echo "nothing is pinned"; exit 1; }
attached=$(bpftool net show dev ours | grep -c ebn_ || true)
[ "$attached" -ge 1 ] || { echo "nothing is attached to the device"; bpftool net show; exit 1; }
ping -q -c 3 -i 0.2 -W 2 192.0.2.2 || { echo "a watched device does not pass traffic"; exit 1; }

# a second run finds everything and changes nothing
before=$(bpftool net show dev ours | grep -o 'prog_id [0-9]*\|id [0-9]*' | sort)
"$work/program" ours
after=$(bpftool net show dev ours | grep -o 'prog_id [0-9]*\|id [0-9]*' | sort)
[ "$before" = "$after" ] || { echo "a second run changed what is attached: $before; $after"; exit 1; }
echo "attached: $attached programs"
