#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
# Other nodes, egress gateways and the source of clients outside, while every system call and every allocation of each operation
# fails once. Each time the operation reports an error and nothing has changed, or all of it is done; and the next process carries on.
NAME=nodes-torture
. "${top_srcdir:-.}/tests/netns/datapath.sh"
. "$top_srcdir/tests/netns/torture.sh"
host
for n in 1 2; do container $n; done
in_ns "$HOST" ip link add ebnout type veth peer name ebnoutp
in_ns "$HOST" ip addr add 192.0.2.1/24 dev ebnout
in_ns "$HOST" ip link set ebnout up
in_ns "$HOST" ip link set ebnoutp up
# All of it; identities of addresses, too.
state() {
	small -r nodes addrs egresses sources 2>&1 | sort
	in_ns "$HOST" ip route show 10.42.0.0/16
}
small load "$(endpoint 1 app=a)" "$(endpoint 2 app=b)" "attach ebnout netdev" overlay "node n2 addr4=192.0.2.2 to=10.42.2.0/24" || die "a datapath"
check "a node" grep -q '^address 192.0.2.2 6$' <<< "$(state)"

back() { small load "nodedel n3" >/dev/null 2>&1; true; }
torture "another node" back "node n3 addr4=192.0.2.3 addr6=2001:db8::3 to=10.42.3.0/24 to=10.42.4.0/24"
torture "a native one" back "node n3 addr4=192.0.2.3 flags=1 to=10.42.3.0/24"
back() { small load "node n2 addr4=192.0.2.2 to=10.42.2.0/24"; }
torture "moved" back "node n2 addr4=192.0.2.9 to=10.42.2.0/25"
torture "gone" back "nodedel n2"
torture "listed" nothing nodes addrs

back() { small load egressclear; }
torture "a rule" back "egress out endpoints=app=a to=203.0.113.0/24 except=203.0.113.7/32 node=n2"
torture "a gateway" back "egress out to=203.0.113.0/24 addr4=192.0.2.1"
back() { small load "egress out endpoints=app=a to=203.0.113.0/24 node=n2"; }
back || die "a rule"
torture "another rule" back "egress in endpoints=app=b to=198.51.100.0/24 to=203.0.113.0/25 node=n2"
torture "no rule" back egressclear
torture "rules listed" nothing egresses

back() { small load sourceclear >/dev/null 2>&1; true; }
torture "a source" back "source min=61000 max=61099"
back() { small load "source min=61000 max=61099"; }
back || die "a source"
torture "other ports" back "source min=62000 max=62099 addr4=192.0.2.1"
torture "no source" back sourceclear
torture "source asked" nothing sources
exit $failed
