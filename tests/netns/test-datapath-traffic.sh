#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
# Real packets between namespaces: allowed and denied by policy, both families, by filter and by link.
NAME=traffic
. "${top_srcdir:-.}/tests/netns/datapath.sh"

host
for n in 1 2 3; do container $n; done
cat > "$TMP/serve.py" <<'EOP'
import socket
import sys
import threading


def answer(c):
    c.recv(4096)
    c.sendall(b"HTTP/1.0 200 OK\r\n\r\nhello\n")
    c.close()


def serve(port):
    s = socket.socket(socket.AF_INET6)
    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    s.bind(("::", port))
    s.listen(16)
    while True:
        threading.Thread(target=answer, args=(s.accept()[0],)).start()


for p in sys.argv[1:]:
    threading.Thread(target=serve, args=(int(p),)).start()
EOP
for n in 2 3; do
	on $n python3 "$TMP/serve.py" 80 81 > /dev/null 2>&1 &
	JOBS+=($!)
done
for n in 2 3; do
	for _ in $(seq 100); do [ "$(on $n ss -Hltn | wc -l)" -ge 2 ] && break; sleep 0.05; done
done

http() { on "$1" curl -s -m 1 -o /dev/null "http://$2:$3/"; }
yes() { check "$*" "$@"; }
no() { if "$@"; then fail "$* is let through"; else ok "no $*"; fi; }
ping4() { on "$1" ping -c 1 -W 1 -q "$2" > /dev/null 2>&1; }
ping6() { on "$1" ping -6 -c 1 -W 1 -q "$2" > /dev/null 2>&1; }
count() { dp -r drops | sed -n "s/^drop $1 packets=\([0-9]*\) .*/\1/p" | grep . || echo 0; }

# c1 is the client, c2 the api, c3 the database: c1 -> c2:80, c2 -> c3:81, ping to everybody but c3
RULES=("rule api app=api in app=client tcp 80" "rule api-ping app=api in - icmp 8" "rule api-ping6 app=api in - icmp6 128"
	"rule client-ping app=client in - icmp 8" "rule client-ping6 app=client in - icmp6 128"
	"rule db app=db in app=api tcp 81" commit)
round() { # what is to hold, whatever the programs hang on
	local before
	echo "---- $*"
	yes http 1 10.9.0.2 80
	yes http 1 '[fd09::2]' 80
	no http 1 10.9.0.2 81
	no http 1 '[fd09::2]' 81
	no http 1 10.9.0.3 80
	no http 1 10.9.0.3 81
	yes http 2 10.9.0.3 81
	yes http 2 '[fd09::3]' 81
	no http 2 10.9.0.3 80
	yes ping4 1 10.9.0.2
	yes ping6 1 fd09::2
	yes ping4 2 10.9.0.1
	yes ping4 3 10.9.0.1
	no ping4 1 10.9.0.3
	no ping6 1 fd09::3
	# an address that is not its own
	before=$(count 5)
	on 1 ip addr add 10.9.0.99/32 dev eth0
	no on 1 ping -c 1 -W 1 -q -I 10.9.0.99 10.9.0.2 > /dev/null 2>&1
	on 1 ip addr del 10.9.0.99/32 dev eth0
	check "a wrong source address is counted" test "$(count 5)" -gt "$before"
	# the gateway answers for itself, and for nobody else
	on 1 ip neigh flush dev eth0
	yes ping4 1 10.9.0.2
	same "the gateway's MAC address" "$(ip -n "$HOST" -o link show lxc1 | sed 's/.*ether \([^ ]*\).*/\1/')" \
		"$(on 1 ip neigh show 10.9.0.254 | sed 's/.*lladdr \([^ ]*\).*/\1/')"
}

dp load "$(endpoint 1 app=client)" "$(endpoint 2 app=api)" "$(endpoint 3 app=db)" "${RULES[@]}" || die "load"
round "filters"
check "flows are tracked" grep -q "10.9.0.1 .*-> 10.9.0.2 80 proto=6" <<< "$(dp -r flows)"
dp load maintain || die "maintain"
same "links" "tcx_links=6" "$(dp -r status | grep -o "tcx_links=[0-9]*")"
round "links"
dp load "flags c1 2" "flags c2 2" "flags c3 2" || die "flags"
round "delivery through the stack"
dp load "flags c1 0" "flags c2 0" "flags c3 0" || die "flags"

# ---- policy changes reach living flows; audit lets through; labels move an endpoint
on 1 python3 -c '
import socket, sys, time
s = socket.create_connection(("10.9.0.2", 80), 2)
s.settimeout(1)
print("open", flush=True)
sys.stdin.readline()
try:
    s.sendall(b"GET / HTTP/1.0\r\n\r\n")
    print("answer", len(s.recv(100)), flush=True)
except OSError as e:
    print("cut", e, flush=True)
' < <(while [ ! -e "$TMP/go" ]; do sleep 0.05; done; echo) > "$TMP/alive" 2>&1 &
JOBS+=($!)
for _ in $(seq 100); do grep -q open "$TMP/alive" && break; sleep 0.05; done
dp load "rule none app=api in app=nobody tcp 80" "rule db app=db in app=api tcp 81" commit || die "a stricter policy"
touch "$TMP/go"
for _ in $(seq 100); do grep -q "cut\|answer" "$TMP/alive" && break; sleep 0.05; done
check "a living connection is checked again" grep -q cut "$TMP/alive"
no http 1 10.9.0.2 80
dp load "flags c2 1" || die "audit"
yes http 1 10.9.0.2 80
dp load "flags c2 0" || die "no audit"
no http 1 10.9.0.2 80
no http 1 10.9.0.3 81
dp load "labels c1 app=api" || die "labels"
yes http 1 10.9.0.3 81
dp load "labels c1 app=client" || die "labels"
no http 1 10.9.0.3 81

# ---- without the daemon enforcement stays as it is; after a cleanup there is none
dp load "${RULES[@]}" || die "the first policy"
round "nobody is running"
no http 1 10.9.0.2 81
dp load cleanup || die "cleanup"
yes http 1 10.9.0.2 81

# ---- idle flows go: the limit of ICMP, idle_ticks[5] of the header, set to eight ticks of an eighth of a second
dp load "$(endpoint 1 app=client)" "$(endpoint 2 app=api)" || die "load"
yes ping4 1 10.9.0.2
python3 "$top_srcdir/tests/netns/poke.py" "$PINS/current/ebn_node" 160 08000000
same "an idle flow is there" flows=1 "$(dp -r flows | tail -n 1)"
sleep 1.8
dp load maintain || die "maintain"
same "and gone after its time" flows=0 "$(dp -r flows | tail -n 1)"
dp cleanup || die "cleanup"

FLAGS=(-m 0x1080)
dp load "$(endpoint 1 app=client)" "$(endpoint 2 app=api)" "$(endpoint 3 app=db)" "${RULES[@]}" maintain || die "load"
same "no links" "tcx_links=0" "$(dp -r status | grep -o "tcx_links=[0-9]*")"
round "without tcx and membarrier"
dp cleanup || die "cleanup"
exit $failed
