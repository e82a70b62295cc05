#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
# Upgrades under load: nothing is lost, nothing is reset; and every step that fails leaves everything as it was.
NAME=upgrade
. "${top_srcdir:-.}/tests/netns/datapath.sh"

host
for n in 1 2; do container $n; done
# another build of the same programs: the object with a byte behind its end has another hash
mkdir "$TMP/other"
object=$(object_file)
[ -n "$object" ] || die "no object"
cat "$object" > "$TMP/other/ebn_datapath.bpf.o"
printf '\0' >> "$TMP/other/ebn_datapath.bpf.o"
chmod 0755 "$TMP" "$TMP/other"; chmod 0644 "$TMP/other/ebn_datapath.bpf.o"

# and one whose flow tables are laid out in another way
mkdir "$TMP/layout"
cp "$top_builddir/tests/netns/layout/ebn_datapath.bpf.o" "$TMP/layout/" || die "no object of another layout"
chmod 0755 "$TMP/layout"; chmod 0644 "$TMP/layout/ebn_datapath.bpf.o"

RULES=("rule p app=api in app=client tcp 5201" "rule r app=api in app=client tcp 5202" "rule q app=api in app=client icmp 8" commit)
tag() { dp -r status | grep -o 'tag=[0-9a-f]*'; }
load_begin() {
	nsenter --net="/run/netns/$TAG-2" -- iperf3 -s -1 -p 5201 > "$TMP/server" 2>&1 &
	server=$!
	for _ in $(seq 100); do on 2 ss -Hltn | grep -q 5201 && break; sleep 0.05; done
	nsenter --net="/run/netns/$TAG-1" -- iperf3 -c 10.9.0.2 -p 5201 -t 300 -b 200M -J > "$TMP/client" 2>&1 &
	client=$!
	nsenter --net="/run/netns/$TAG-1" -- ping -f -i 0.002 -q 10.9.0.2 > "$TMP/flood" 2>&1 &
	flood=$!
	JOBS+=("$server" "$client" "$flood")
	sleep 0.5
	resets=$(on 1 cat /proc/net/snmp | awk '/^Tcp: [0-9]/ { print $8 + $15 }')
}
load_end() { # WHAT
	kill -INT "$flood"; wait "$flood"
	check "the stream lives through $1" kill -0 "$client"
	kill -INT "$client"; wait "$client" "$server" 2>/dev/null
	echo "$1: $(grep -E 'packets transmitted' "$TMP/flood")"
	check "no packet lost in $1" grep -q ' 0% packet loss' "$TMP/flood"
	same "no connection reset in $1" "$resets" \
		"$(on 1 cat /proc/net/snmp | awk '/^Tcp: [0-9]/ { print $8 + $15 }')"
}

# a connection that says a word at either end of its life
cat > "$TMP/idle.py" <<'END'
import socket, sys
if sys.argv[1] == "server":
    s = socket.create_server(("", 5202))
    print("listening", flush=True)
    c, _ = s.accept()
    while data := c.recv(100):
        c.send(data)
else:
    c = socket.create_connection(("10.9.0.2", 5202))
    for word in b"one", b"two":
        c.send(word)
        c.settimeout(5)
        assert c.recv(100) == word
        print("said", flush=True)
        sys.stdin.readline()
END
idle_begin() {
	: > "$TMP/idle-server"
	: > "$TMP/idle"
	nsenter --net="/run/netns/$TAG-2" -- python3 "$TMP/idle.py" server > "$TMP/idle-server" 2>&1 &
	JOBS+=("$!")
	for _ in $(seq 100); do grep -q listening "$TMP/idle-server" && break; sleep 0.05; done
	rm -f "$TMP/word"; mkfifo "$TMP/word"
	nsenter --net="/run/netns/$TAG-1" -- python3 "$TMP/idle.py" client < "$TMP/word" > "$TMP/idle" 2>&1 &
	idle=$!
	JOBS+=("$idle")
	exec 7> "$TMP/word"
	for _ in $(seq 100); do grep -q said "$TMP/idle" && break; sleep 0.05; done
}
idle_end() { # WHAT
	printf '\n\n' >&7
	exec 7>&-
	wait "$idle"
	same "a silent connection lives through $1" 2 "$(grep -c said "$TMP/idle")"
}
value_size() { "$BPFTOOL" -j map show pinned "$PINS/current/ebn_flow4" | sed 's/.*"bytes_value":\([0-9]*\).*/\1/'; }
# of the stream, the largest flow there is
stream_bytes() { dp -r flows | sed -n 's/.* bytes=\([0-9]*\),\([0-9]*\).*/\1/p' | sort -n | tail -n 1; }

for mode in "tcx links" "clsact filters"; do
	FLAGS=(-f 2000,2000)
	[ "$mode" = "tcx links" ] || FLAGS+=(-m 0x80)
	dp load "$(endpoint 1 app=client)" "$(endpoint 2 app=api)" "${RULES[@]}" maintain || die "load"
	first=$(tag)
	size=$(value_size)
	load_begin
	dp load "upgrade dir=$TMP/other" || fail "upgrade"
	check "other programs are in force, $mode" test "$(tag)" != "$first"
	dp -o "$TMP/other" load rollback || fail "rollback"
	same "the first programs are back, $mode" "$first" "$(tag)"
	dp load "upgrade dir=$TMP/other" || fail "upgrade"
	# load finds programs of another version and replaces them
	dp load restore || fail "load"
	same "load upgrades too, $mode" "$first" "$(tag)"
	load_end "upgrades and rollbacks with $mode"

	# the flow tables grow and shrink; the flows move with them
	load_begin
	before=$(dp -r flows | grep -c proto=6)
	dp load "upgrade flows4=20000" status || fail "a larger flow table"
	check "the IPv4 table grew, $mode" test "$(dp -r status | sed 's/.*flows4_max=\([0-9]*\).*/\1/')" -ge 26000
	same "the flows are still there, $mode" "$before" "$(dp -r flows | grep -c proto=6)"
	refused "no rollback to tables that are gone" 71 "flow tables were replaced" dp load rollback
	dp load "upgrade flows4=2000 flows6=4000" || fail "a smaller flow table"
	same "and again, $mode" "$before" "$(dp -r flows | grep -c proto=6)"
	load_end "tables of another size with $mode"

	# tables of another layout, there and back; load brings the first programs' tables back
	load_begin
	idle_begin
	before=$(dp -r flows | grep -c proto=6)
	counted=$(stream_bytes)
	dp load "upgrade dir=$TMP/layout" || fail "tables of another layout"
	check "other programs are in force, $mode" test "$(tag)" != "$first"
	check "with other tables, $mode" test "$(value_size)" != "$size"
	same "the flows are there, $mode" "$before" "$(dp -r flows | grep -c proto=6)"
	check "and what they counted, $mode" test "$(stream_bytes)" -ge "$counted"
	refused "no rollback to tables of another layout" 71 "flow tables were replaced" dp -o "$TMP/layout" load rollback
	flows=$(dp -r flows | grep -c proto=6)
	counted=$(stream_bytes)
	dp load restore || fail "the first layout"
	same "the first programs are back, $mode" "$first" "$(tag)"
	same "and their tables, $mode" "$size" "$(value_size)"
	same "with the flows, $mode" "$flows" "$(dp -r flows | grep -c proto=6)"
	check "and what they counted, $mode" test "$(stream_bytes)" -ge "$counted"
	idle_end "two layouts with $mode"
	load_end "tables of another layout with $mode"

	# every step
	dp load upgrade maintain || die "upgrade"
	before=$(snapshot)
	load_begin
	for step in 1 2 3 4 5 6 7; do
		for how in "" "flows4=9000 dir=$TMP/layout"; do
			refused "step $step ${how:+with other tables }fails" 125 "upgrade" dp load "upgrade fail=$step $how"
			same "everything is as before step $step, $mode" "$before" "$(snapshot)"
		done
	done
	load_end "failing upgrades with $mode"
	check "an upgrade after all that" dp load upgrade
	check "and back" dp load rollback
	dp cleanup || die "cleanup"
done
dp load || die "load"
refused "nothing to go back to" 2 "no earlier set" dp load rollback
refused "an object directory that is not absolute" 22 "absolute" dp load "upgrade dir=other"
chmod 0777 "$TMP/other"
refused "an object directory others may write" 13 "root's alone" dp load "upgrade dir=$TMP/other"
chmod 0755 "$TMP/other"
echo "not an object" > "$TMP/other/ebn_datapath.bpf.o"
before=$(snapshot)
refused "a file that is no object" 71 "not a BPF object" dp load "upgrade dir=$TMP/other"
cp "$(find "$top_builddir/tests" -name '*.bpf.o' ! -name 'ebn_datapath*' | head -n 1)" "$TMP/other/ebn_datapath.bpf.o" 2>/dev/null &&
	refused "another program's object" 71 "ebn_cfg\|no program\|no map" dp load "upgrade dir=$TMP/other"
same "nothing changed" "$before" "$(snapshot)"
dp cleanup || fail "cleanup"
exit $failed
