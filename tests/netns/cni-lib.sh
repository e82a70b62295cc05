# SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
# shellcheck shell=bash disable=SC2034,SC2154
# What the tests of ebpfnet-cni share: an agent with a pool, namespaces, and a runtime in a few lines. Sourced after agent-lib.sh.
cni=$(realpath "$top_builddir/examples/cni/ebpfnet-cni")
# the program itself, not the script in its place that finds the library: it would take longer than the plugin
if [ -x "$(dirname "$cni")/.libs/ebpfnet-cni" ]; then
	cni=$(dirname "$cni")/.libs/ebpfnet-cni
	export LD_LIBRARY_PATH=$(realpath "$top_builddir/lib/.libs")${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}
fi
net=cni-$id

# The environment of a runtime; COMMAND CONTAINER NETNS IFNAME, the document on standard input.
plugin() {
	CNI_COMMAND=$1 CNI_CONTAINERID=$2 CNI_NETNS=$3 CNI_IFNAME=$4 CNI_PATH=${cni_path-$(dirname "$cni")} \
		CNI_ARGS=${cni_args-} "$cni"
}

# A network configuration; further members as text, or in the place of these.
conf() { # [VERSION [JSON]]
	local more=${2-}

	jq -nc --arg v "${1-1.1.0}" --arg n "$net" --arg s "$work/sock" \
		'{cniVersion: $v, name: $n, type: "ebpfnet-cni", socket: $s, pool: "pods"'"${EBN_DEVICE:+, device: \"$EBN_DEVICE\"}"'} + ('"${more:-null}"')'
}

# The namespace of a container, a path as runtimes pass it.
space() { spaces+=("$1"); ip netns add "$(ns "$1")"; }
path() { echo "/run/netns/$(ns "$1")"; }

add() { # CONTAINER [VERSION [JSON]] : ADD into the namespace of that name
	conf "${2-1.1.0}" "${3-}" | plugin ADD "$1-$id" "$(path "$1")" eth0
}
del() { # CONTAINER [VERSION [JSON]]
	conf "${2-1.1.0}" "${3-}" | plugin DEL "$1-$id" "$(path "$1")" eth0
}

fails() { # WHAT CODE PATTERN COMMAND... : the plugin's error, on standard output, and nothing left
	local what=$1 code=$2 pattern=$3
	shift 3
	checks=$((checks + 1))
	if "$@" >"$work/out" 2>"$work/err"; then
		echo "FAILED: $what: succeeded"
	elif [ "$(jq -r .code "$work/out" 2>/dev/null)" != "$code" ]; then
		echo "FAILED: $what: not code $code"
	elif ! jq -r '.msg + " " + (.details // "")' "$work/out" | grep -Eq -- "$pattern"; then
		echo "FAILED: $what: no \"$pattern\""
	else
		return 0
	fi
	sed 's/^/    /' "$work/out" "$work/err" | head -n 12
	failures=$((failures + 1))
	return 1
}

result() { # WHAT FILTER WANTED : of the last output of check
	checks=$((checks + 1))
	local got
	got=$(jq -c "$2" "$work/out" 2>&1)
	[ "$got" = "$3" ] && return 0
	echo "FAILED: $1: $2 is $got, not $3"
	failures=$((failures + 1))
}

# Devices of ours on the host, endpoints, and addresses in use.
left() {
	echo "$(ip -o link show | grep -c ': ebn[0-9a-f]\{12\}') $(ctl -j endpoint list | jq length)" \
		"$(ctl -j ipam list | jq '[.[] | select(.resting_ms == 0)] | length')"
}
