# SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
# shellcheck shell=bash disable=SC2034
# A network outside of the node, at the other end of one of its devices, and servers that say who asks. Sourced behind agent-lib.sh.

place() { # NAME NUMBER : both families
	local n
	make_space "$1" "$2"
	n=$(ns "$1")
	ip -n "$n" addr add "fd43::$2/128" dev eth0 nodad
	ip -n "$n" -6 route add fd43::1 dev eth0
	ip -n "$n" -6 route add default via fd43::1 dev eth0
}
both() { # NAME NUMBER LABELS
	endpoint "$@" | sed "s/addresses: .*/addresses: [10.43.0.$2, 'fd43::$2']/; s/gateways: .*/gateways: [10.43.0.1, 'fd43::1']/"
}

# the network outside: a client's namespace at the other end of the node's device
out=$(dev out)
spaces+=(out)
ip netns add "$(ns out)" || exit 1
ip link add "$out" type veth peer name eth0 netns "$(ns out)" || exit 1
ip addr add 10.144.0.1/24 dev "$out"
ip addr add fd44::1/64 dev "$out" nodad
ip link set "$out" up
ip -n "$(ns out)" addr add 10.144.0.2/24 dev eth0
ip -n "$(ns out)" addr add fd44::2/64 dev eth0 nodad
ip -n "$(ns out)" link set lo up
ip -n "$(ns out)" link set eth0 up
ip -n "$(ns out)" route add default via 10.144.0.1
ip -n "$(ns out)" -6 route add default via fd44::1
old4=$(cat /proc/sys/net/ipv4/ip_forward) old6=$(cat /proc/sys/net/ipv6/conf/all/forwarding)
leave() {
	local status=$?
	echo "$old4" >/proc/sys/net/ipv4/ip_forward
	echo "$old6" >/proc/sys/net/ipv6/conf/all/forwarding
	(exit "$status")
	cleanup
}
trap leave EXIT
echo 1 >/proc/sys/net/ipv4/ip_forward
echo 1 >/proc/sys/net/ipv6/conf/all/forwarding

# answers with its own name and who asks: TCP with a line of HTTP, UDP with a datagram
cat >"$work/who.py" <<'END'
import selectors, socket, sys
sel = selectors.DefaultSelector()
port = int(sys.argv[2])
for kind in socket.SOCK_DGRAM, socket.SOCK_STREAM:
    s = socket.socket(socket.AF_INET6, kind)
    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    s.bind(("::", port))
    if kind == socket.SOCK_STREAM:
        s.listen(64)
    sel.register(s, selectors.EVENT_READ, kind)
print("ready", flush=True)
while True:
    for key, _ in sel.select():
        if key.data == socket.SOCK_DGRAM:
            data, peer = key.fileobj.recvfrom(9000)
            text = "%s %s %d\n" % (sys.argv[1], peer[0].replace("::ffff:", ""), len(data))
            try:
                key.fileobj.sendto(text.encode().ljust(1450 if data[:3] == b"big" else 0), peer)
            except OSError:
                pass
        else:
            c, peer = key.fileobj.accept()
            c.settimeout(2)
            try:
                big = c.recv(4096).startswith(b"GET /big")
                text = "%s %s\n" % (sys.argv[1], peer[0].replace("::ffff:", "")) + ("x" * 300000 if big else "")
                c.sendall(("HTTP/1.0 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(text), text)).encode())
            except OSError:
                pass
            c.close()
END
run_server() { # NAME PORT
	if [ "$1" = host ]; then
		python3 "$work/who.py" host "$2" >"$work/server-host-$2" 2>&1 &
	else
		in_ns "$1" python3 "$work/who.py" "$1" "$2" >"$work/server-$1-$2" 2>&1 &
	fi
	pids+=("$!")
	disown
	for _ in $(seq 100); do grep -qs ready "$work/server-$1-$2" && return 0; sleep 0.05; done
	echo "no server in $1"
}
web() { in_ns out curl -s --connect-timeout 1 --max-time 2 "http://$1/"; }
udp() { # ADDRESS PORT [BYTES]
	in_ns out timeout 3 python3 -c "
import socket, sys
s = socket.socket(socket.AF_INET6 if ':' in sys.argv[1] else socket.AF_INET, socket.SOCK_DGRAM)
s.settimeout(2)
s.connect((sys.argv[1], int(sys.argv[2])))
s.send(b'x' * int(sys.argv[3]))
print(s.recv(100).decode())" "$1" "$2" "${3:-5}"
}
