#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
# Tracked flows and masquerade, while every system call and every allocation of each operation fails once. Each time the
# operation reports an error or succeeds in spite of it, no flow is lost, and the next process carries on.
NAME=ct-torture
. "${top_srcdir:-.}/tests/netns/datapath.sh"
. "$top_srcdir/tests/netns/torture.sh"
host
for n in 1 2; do container $n; done
in_ns "$HOST" ip link add ebnout type veth peer name ebnoutp
in_ns "$HOST" ip addr add 192.0.2.1/24 dev ebnout
in_ns "$HOST" ip link set ebnout up
in_ns "$HOST" ip link set ebnoutp up
# What must be there after each failure, whatever it was: flows, and devices that masquerade.
state() { small -r flows 2>&1 | sed -E 's/ bytes=.*//' | sort; small -r nats 2>&1; }
small load "$(endpoint 1 app=a)" "$(endpoint 2 app=b)" "nat ebnout ports=61000-61099" || die "a datapath"
ping_ok() { on 1 ping -c1 -W1 10.9.0.2 >/dev/null; }
for _ in $(seq 10); do ping_ok && break; done
small load "export $TMP/flows" || die "an export"
check "there are flows" grep -q '^flow ' <<< "$(small -r flows)"


torture "adopted" nothing
torture "listed" nothing flows sums
# what was said to be whole is
whole() { [ $rc != 0 ] || small load "import $TMP/again" >/dev/null; }
torture "exported" whole "export $TMP/again"
torture "asked of masquerade" nothing nats "nats ebnout" "natstats ebnout"
back() { small load "nat ebnout ports=61000-61099"; }
torture "no masquerade" back "natclear ebnout"
torture "other ports" back "nat ebnout ports=62000-62099"
back() { small load "import $TMP/flows" >/dev/null; }
torture "flushed" back flush
small load flush >/dev/null
same "there are none" 0 "$(small -r flows | grep -c '^flow ')"
back() { small load flush >/dev/null; }
torture "imported" back "import $TMP/flows"
exit $failed
