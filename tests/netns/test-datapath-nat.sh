#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
# Masquerade with real peers: containers, their host, a router with a narrow link behind it, and a server that knows no way to
# the containers. What the server answers, it answers to the host's address; what arrives has checksums its kernel accepted.
# shellcheck disable=SC2016 # texts for shells and programs in other namespaces
NAME=nat
. "${top_srcdir:-.}/tests/netns/datapath.sh"

host
for n in 1 2; do container $n; done
for n in router server; do
	ip netns add "$TAG-$n"
	ip -n "$TAG-$n" link set lo up
done
quiet() { in_ns "$1" sysctl -qw net.ipv6.conf.all.accept_dad=0 net.ipv6.conf.default.accept_dad=0 net.ipv4.conf.all.rp_filter=0 \
	net.ipv4.conf.default.rp_filter=0 net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1 net.ipv4.icmp_ratelimit=0 \
	net.ipv6.icmp.ratelimit=0; }
for n in "$HOST" "$TAG-router" "$TAG-server"; do quiet "$n"; done
ip -n "$HOST" link add wan type veth peer name wan netns "$TAG-router"
ip -n "$TAG-router" link add srv type veth peer name eth0 netns "$TAG-server"
address() { # NAMESPACE DEVICE IPV4 IPV6
	ip -n "$1" link set "$2" up
	ip -n "$1" addr add "$3" dev "$2"
	ip -n "$1" addr add "$4" dev "$2" nodad
}
address "$HOST" wan 198.51.100.2/24 2001:db8:1::2/64
address "$TAG-router" wan 198.51.100.1/24 2001:db8:1::1/64
address "$TAG-router" srv 203.0.113.1/24 2001:db8:2::1/64
address "$TAG-server" eth0 203.0.113.2/24 2001:db8:2::2/64
ip -n "$HOST" route add default via 198.51.100.1
ip -n "$HOST" -6 route add default via 2001:db8:1::1
ip -n "$TAG-server" route add 198.51.100.0/24 via 203.0.113.1
ip -n "$TAG-server" -6 route add 2001:db8:1::/64 via 2001:db8:2::1

cat > "$TMP/serve.py" <<'E2'
# TCP and UDP on one port: TCP tells who called, or swallows and counts; UDP sends back what it gets, with who sent it in front
import socket, sys, threading


def tcp(c, peer):
    head = c.recv(64)
    if head.startswith(b"COUNT"):
        n = len(head)
        while True:
            b = c.recv(65536)
            if not b:
                break
            n += len(b)
        c.sendall(b"%d\n" % n)
    elif head.startswith(b"STAY"):
        try:
            while head:
                c.sendall(head)
                head = c.recv(64)
        except ConnectionResetError:
            open(sys.argv[1], "a").write("reset\n")
    else:
        c.sendall(b"HTTP/1.0 200 OK\r\n\r\n%s %d\n" % (peer[0].replace("::ffff:", "").encode(), peer[1]))
    c.close()


def udp():
    s = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
    s.setsockopt(socket.IPPROTO_UDP, 102, 1)
    s.bind(("::", 7000))
    while True:
        b, peer = s.recvfrom(65536)
        s.sendto(("%s %d|" % (peer[0].replace("::ffff:", ""), peer[1])).encode() + b, peer)


threading.Thread(target=udp, daemon=True).start()
s = socket.socket(socket.AF_INET6)
s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
s.bind(("::", 7000))
s.listen(256)
while True:
    threading.Thread(target=tcp, args=s.accept(), daemon=True).start()
E2
cat > "$TMP/udp.py" <<'E2'
# udp.py ADDRESS SIZE [nosum] [from=PORT]: a datagram comes back whole; says who the server saw
import socket, sys
a, n = sys.argv[1], int(sys.argv[2])
s = socket.socket(socket.AF_INET6 if ":" in a else socket.AF_INET, socket.SOCK_DGRAM)
s.settimeout(2)
for o in sys.argv[3:]:
    if o == "nosum":
        s.setsockopt(socket.SOL_SOCKET, 11, 1)
        if ":" in a:
            s.setsockopt(socket.IPPROTO_UDP, 101, 1)
    elif o.startswith("from="):
        s.bind(("", int(o[5:])))
body = bytes(i * 7 % 251 for i in range(n))
s.connect((a, 7000))
s.send(body)
who, back = s.recv(65536).split(b"|", 1)
assert back == body, len(back)
print(who.decode())
E2
cat > "$TMP/bulk.py" <<'E2'
# bulk.py ADDRESS BYTES: all of it arrives
import socket, sys
s = socket.create_connection((sys.argv[1], 7000), 5)
s.settimeout(20)
n = int(sys.argv[2])
s.sendall(b"COUNT" + b"x" * (n - 5))
s.shutdown(socket.SHUT_WR)
assert int(s.recv(100)) == n
E2
in_ns "$TAG-server" python3 "$TMP/serve.py" "$TMP/resets" > /dev/null 2>&1 &
JOBS+=($!)
in_ns "$TAG-server" iperf3 -s > /dev/null 2>&1 &
JOBS+=($!)
for _ in $(seq 100); do [ "$(in_ns "$TAG-server" ss -Hltn | wc -l)" -ge 2 ] && break; sleep 0.05; done

http() { # N ADDRESS [CURL OPTION...] : who the server saw
	local n=$1 a=$2
	shift 2
	on "$n" curl -s -g -m 5 "$@" "http://$a:7000/" | cut -d' ' -f1
}
yes() { check "$*" "$@"; }
no() { if "$@"; then fail "$* is let through"; else ok "no $*"; fi; }
ping4() { on "$1" ping -c 1 -W 1 -q "${@:2}" 203.0.113.2 > /dev/null 2>&1; }
ping6() { on "$1" ping -6 -c 1 -W 1 -q "${@:2}" 2001:db8:2::2 > /dev/null 2>&1; }
udp() { on "$1" python3 "$TMP/udp.py" "${@:2}" 2>&1 | cut -d' ' -f1; }
bulk() { on "$1" python3 "$TMP/bulk.py" "$2" "$3"; }
count() { dp -r drops | sed -n "s/^drop $1 packets=\([0-9]*\) .*/\1/p" | grep . || echo 0; }
ALL="rule all app=a out - - -"
H4=198.51.100.2 H6=2001:db8:1::2 S4=203.0.113.2 S6=2001:db8:2::2

no ping4 1
dp load "nat wan keep=10.0.0.0/8,fd09::/16" "attach wan netdev" "$(endpoint 1 app=a)" "$(endpoint 2 app=b)" || die "load"
# the gateway was asked for before anybody answered, and that it did not is remembered
on 1 ip neigh del 10.9.0.254 dev eth0 2> /dev/null
same "what is set" "nat wan attached=1 addr4=$H4 addr6=$H6 ports=1024-32767 keep=10.0.0.0/8,fd09::/16" "$(dp -r nats)"

everything() {
	local size
	echo "---- $*"
	same "TCP" "$H4" "$(http 1 $S4)"
	same "TCP, IPv6" "$H6" "$(http 1 "[$S6]")"
	same "TCP, the same port of two containers" "$H4 $H4" "$(http 1 $S4 --local-port 5555) $(http 2 $S4 --local-port 5555)"
	yes ping4 1
	yes ping6 1
	yes ping4 2
	# fragments, made where they are sent
	yes ping4 1 -s 4000
	yes ping6 1 -s 4000
	for size in 0 1 37 1200 9000; do
		same "UDP, $size bytes" "$H4" "$(udp 1 $S4 $size)"
		same "UDP, $size bytes, IPv6" "$H6" "$(udp 1 $S6 $size)"
	done
	same "UDP without a checksum" "$H4" "$(udp 1 $S4 100 nosum)"
	same "UDP without a checksum, IPv6" "$H6" "$(udp 1 $S6 100 nosum)"
	yes bulk 1 $S4 3000000
	yes bulk 1 $S6 3000000
	# what goes wrong on the way is told to who sent it
	check "a hop limit, told by the router" grep -q "From 198.51.100.1.*exceeded" <<< "$(on 1 ping -c 1 -W 1 -t 2 $S4)"
	check "a hop limit, told by the router, IPv6" grep -q "From 2001:db8:1::1.*exceeded" \
		<<< "$(on 1 ping -6 -c 1 -W 1 -t 2 $S6)"
	check "no such port" grep -q refused <<< "$(on 1 python3 -c '
import socket
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.settimeout(1)
s.connect(("203.0.113.2", 7001))
s.send(b"x")
print(s.recv(9))' 2>&1)"
	# the host itself
	same "the host" "$H4" "$(in_ns "$HOST" curl -s -m 2 http://$S4:7000/ | cut -d' ' -f1)"
	check "the host's ping" in_ns "$HOST" ping -c 1 -W 1 -q $S4 > /dev/null
}

everything "filters"
dp load maintain || die "maintain"
everything "links"

# ---- checksums left to the device, and not; segments put together, and not
for what in "tx off" "tx on tso off gso off" "gro off" "tx on tso on gso on gro on"; do
	for d in "$HOST wan" "$HOST lxc1" "$TAG-1 eth0" "$TAG-router wan" "$TAG-server eth0"; do
		# shellcheck disable=SC2086 # two words, and several
		in_ns ${d% *} ethtool -K ${d#* } $what > /dev/null 2>&1
	done
	echo "---- $what"
	same "TCP" "$H4 $H6" "$(http 1 $S4) $(http 1 "[$S6]")"
	same "UDP" "$H4 $H6" "$(udp 1 $S4 1200) $(udp 1 $S6 1200)"
	yes bulk 1 $S4 1000000
	yes bulk 1 $S6 1000000
	same "UDP without a checksum" "$H4 $H6" "$(udp 1 $S4 1200 nosum) $(udp 1 $S6 1200 nosum)"
	yes ping4 1
	yes ping6 1
	check "errors about both" grep -q "From 2001:db8:1::1.*exceeded" <<< "$(on 1 ping -6 -c 1 -W 1 -t 2 $S6)"
	check "families" grep -q "From 198.51.100.1.*exceeded" <<< "$(on 1 ping -c 1 -W 1 -t 2 $S4)"
done
check "iperf3" on 1 iperf3 -c $S4 -t 1 > /dev/null
check "iperf3, the other way" on 1 iperf3 -c $S4 -t 1 -R > /dev/null

# ---- a narrow link behind the router, which the server knows nothing of: the router's word about it reaches who sends
ip -n "$TAG-router" link set srv mtu 1300
yes bulk 1 $S4 1000000
yes bulk 1 $S6 1000000
check "the path's MTU is known" grep -q "mtu 1300" <<< "$(on 1 ip route get $S4; on 1 ip -6 route get $S6)"
same "both families know it" 2 "$( (on 1 ip route get $S4; on 1 ip -6 route get $S6) | grep -c "mtu 1300")"

# ---- who calls in is answered as it called; what is left alone leaves as it is
ip -n "$TAG-server" route add 10.9.0.0/24 via 203.0.113.1
ip -n "$TAG-router" route add 10.9.0.0/24 via $H4
on 1 python3 "$TMP/serve.py" "$TMP/resets1" > /dev/null 2>&1 &
JOBS+=($!)
for _ in $(seq 100); do [ "$(on 1 ss -Hltn | wc -l)" -ge 1 ] && break; sleep 0.05; done
same "an answer is not translated" "$S4" "$(in_ns "$TAG-server" curl -s -m 2 http://10.9.0.1:7000/ | cut -d' ' -f1)"
same "but the way out is" "$H4" "$(http 1 $S4)"
dp load "nat wan keep=203.0.113.0/24" || die "another prefix"
same "a destination that is left alone" 10.9.0.2 "$(http 2 $S4)"
dp load "nat wan keep=10.0.0.0/8,fd09::/16" || die "the first prefixes"
same "and no more" "$H4" "$(http 2 $S4)"
ip -n "$TAG-server" route del 10.9.0.0/24

# ---- a port of one flow is no way in to another
same "nobody comes in by a port" "" "$(http 2 $H4)"

# ---- a flow outlives the process that made it, killed or not, and the sweep does not take its port
on 1 python3 -c '
import socket, sys
s = socket.create_connection(("203.0.113.2", 7000), 2)
s.settimeout(2)
for line in sys.stdin:
    s.sendall(b"STAY" + line.encode())
    print(s.recv(100).decode().strip(), flush=True)
' < <(for i in 1 2 3 4 5; do until [ -e "$TMP/go$i" ]; do sleep 0.02; done; echo $i; done) > "$TMP/alive" 2>&1 &
JOBS+=($!)
said() { touch "$TMP/go$1"; for _ in $(seq 100); do grep -q "STAY$1" "$TMP/alive" && return 0; sleep 0.02; done; return 1; }
yes said 1
dp load maintain || die "adopted"
yes said 2
( dp load "sleep 5" & pid=$!; sleep 0.7; kill -9 $pid ) 2> /dev/null
dp load maintain || die "adopted after a kill"
yes said 3
check "adopted as it was" grep -q "nat wan attached=1 addr4=$H4 addr6=$H6" <<< "$(dp -r nats)"
dp load upgrade || die "upgrade"
yes said 4
# ---- or the tables: another node's, where it has the address and the endpoint
dp load "export $TMP/flows" cleanup || die "export"
dp load "nat wan keep=10.0.0.0/8,fd09::/16" "attach wan netdev" "$(endpoint 1 app=a)" "$(endpoint 2 app=b)" \
	"import $TMP/flows" > "$TMP/said" || die "import"
check "flows are taken along" grep -Eq "imported=[1-9][0-9]* present=0 expired=[0-9]+ refused=0" "$TMP/said"
yes said 5
same "and are there already" "imported=0" "$(dp load "import $TMP/flows" | grep -o "imported=[0-9]*")"
dp load "nat wan ports=31000-31010" || die "other ports"
dp load flush "import $TMP/flows" > "$TMP/said" || die "import where the ports are others"
check "not those whose port cannot be kept" grep -q "refused=[1-9]" "$TMP/said"
dp load "nat wan" || die "all ports"

# ---- policy that allows a flow no more: both ends are told, or neither, and each by the address that it knows
keep() { # NAME : a connection that says a word for each file NAMEn that comes, and at last what became of it
	on 1 python3 -c '
import socket, sys
s = socket.create_connection(("203.0.113.2", 7000), 2)
s.settimeout(1)
try:
    for line in sys.stdin:
        s.sendall(b"STAY" + line.encode())
        print(s.recv(100).decode().strip(), flush=True)
except OSError as e:
    print(type(e).__name__, flush=True)
' < <(for i in 1 2; do until [ -e "$TMP/$1$i" ]; do sleep 0.02; done; echo $i; done) > "$TMP/$1" 2>&1 &
	JOBS+=($!)
	touch "$TMP/${1}1"
	for _ in $(seq 100); do grep -q STAY1 "$TMP/$1" && return 0; sleep 0.02; done
	return 1
}
denied() { # NAME : says one word more, which is not allowed
	touch "$TMP/${1}2"
	for _ in $(seq 150); do grep -q Error "$TMP/$1" && break; sleep 0.02; done
	grep Error "$TMP/$1"
}
for cut in 1 0; do
	dp load "$ALL" commit "cut $cut" || die "cut $cut"
	yes keep "talk$cut"
	rm -f "$TMP/resets"
	dp load "rule only app=a out app=b tcp 1" commit "cut $cut" || die "policy"
	case $cut in
	1)	same "cut: who sends is told" ConnectionResetError "$(denied talk1)"
		check "cut: who answers is told" grep -q reset "$TMP/resets" ;;
	0)	same "not cut: nothing comes back" TimeoutError "$(denied talk0)"
		same "not cut: nobody is told" "" "$(cat "$TMP/resets" 2> /dev/null)" ;;
	esac
done
dp load "$ALL" commit "cut 0" || die "no policy"

# ---- too few ports: refused at the end of the range, with its reason, and nobody else notices
dp load "nat wan ports=20000-20002" || die "three ports"
before=$(count 29)
for p in 6001 6002 6003; do same "flow $p" "$H4" "$(udp 1 $S4 10 from=$p)"; done
same "one too many" "" "$(udp 1 $S4 10 from=6004 | grep "$H4")"
check "is counted as exhausted" test "$(count 29)" -gt "$before"
same "another destination has ports of its own" "$H6" "$(udp 1 $S6 10)"
same "who has a port keeps it" "$H4" "$(udp 1 $S4 10 from=6002)"
check "which is said" grep -q " 100% warn=1" <<< "$(dp -r natstats)"
refused "ports that the host uses" 98 ip_local_port_range dp load "nat wan ports=40000-50000"
refused "an address that is an endpoint's" 17 "an endpoint's" dp load "nat wan addr4=10.9.0.1"
refused "no such device" 19 "no such device" dp load "nat none"

# ---- nothing leaves as it is when there is nothing to leave with; and all of it once that is asked for
ip -n "$TAG-router" route add 10.9.0.0/24 via $H4 2> /dev/null
dp load "natclear wan" || die "clear"
same "no masquerade any more" "" "$(dp -r nats)"
no ping4 1
dp load cleanup || die "cleanup"
exit $failed
