#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
# Flows between endpoints by name, with what became of them and the rule that decided.
NAME=flows
. "${top_srcdir:-.}/tests/netns/datapath.sh"

host
for n in 1 2 3; do container $n; done
dp load "$(endpoint 1 app=client)" "$(endpoint 2 app=api)" "$(endpoint 3 app=db)" \
	"rule demo/api app=api in app=client tcp 80" "rule demo/db app=db in app=api tcp 5432" \
	"rule demo/client app=client out app=api - 0" commit || die "a policy"

observe() { # FILE [json] COMMAND... : what is said while the command runs
	local out=$1 how=
	shift
	[ "$1" != json ] || { how=json; shift; }
	mkfifo "$TMP/in"
	dp load restore "observe $how" < "$TMP/in" > "$out" 2>&1 &
	exec 7> "$TMP/in"
	for _ in $(seq 100); do grep -q ^observing "$out" && break; sleep 0.05; done
	"$@"
	sleep 0.5
	exec 7>&-
	wait $!
	rm "$TMP/in"
}
serve() { # CONTAINER PORT : answers every connection with a byte
	on "$1" nc -lk -s "10.9.0.$1" -p "$2" > /dev/null 2>&1 < /dev/null &
	JOBS+=($!)
}
try() { # CONTAINER ADDRESS PORT
	on "$1" timeout 1 bash -c "exec 3<>/dev/tcp/$2/$3" 2> /dev/null
}

serve 2 80
serve 3 5432
sleep 0.3
talk() {
	try 1 10.9.0.2 80	# client to api: both say yes
	try 1 10.9.0.2 81	# api does not listen to that port
	try 1 10.9.0.3 5432	# client may not leave for db
	try 2 10.9.0.3 5432	# api to db: nobody restricts what api sends
	on 1 ping -c 1 -W 1 fd09::2 > /dev/null
}
observe "$TMP/text" talk
cat "$TMP/text"
said() { # WHAT PATTERN
	check "$1" grep -qE -- "$2" "$TMP/text"
}
said "an allowed connection, and both rules" \
	'^[0-9T:.-]+Z c1 -> c2 TCP 80 ALLOWED by demo/client#[0-9]+ \(egress\), demo/api#[0-9]+ \(ingress\)'
said "a port that is not open to the client, and the side that denied" ' c1 -> c2 TCP 81 DENIED by default deny \(ingress\)'
said "a peer the client may not call" ' c1 -> c3 TCP 5432 DENIED by default deny \(egress\)'
said "no policy in one direction" ' c2 -> c3 TCP 5432 ALLOWED by default allow \(egress\), demo/db#[0-9]+ \(ingress\)'
said "the end of a connection" ' (c1 -> c2 TCP 80|c2 -> c1 TCP 80) CLOSED'
said "a ping that the other side denies" ' c1 -> c2 ICMPv6 EchoRequest DENIED by default deny \(ingress\)'
same "nothing without a name" "" "$(grep -E '\?| -> \? ' "$TMP/text")"

spoof() {
	on 1 ip addr add 10.9.0.77/32 dev eth0
	on 1 ping -c 1 -W 1 -I 10.9.0.77 10.9.0.2 > /dev/null
	try 1 10.9.0.2 80
	try 1 10.9.0.3 5432
}
observe "$TMP/json" json spoof
# the ring is asked for one object a line, so jq sees each on its own
q() { grep '^{' "$TMP/json" | jq -r "select($1) | $2" | sort -u; }
same "each line is JSON" "$(grep -c '^{' "$TMP/json")" "$(grep '^{' "$TMP/json" | jq -c . | wc -l)"
same "a spoofed packet" "DROPPED INVALID_SOURCE_IP 132 SOURCE_IP" \
	"$(q '.ebpfnet.reason == "SOURCE_IP"' '"\(.flow.verdict) \(.flow.drop_reason_desc) \(.flow.event_type.sub_type) \(.ebpfnet.reason)"')"
same "a verdict" "FORWARDED EGRESS c1 c2 client api" \
	"$(q '.flow.event_type.type == 5 and .flow.l4.TCP.destination_port == 80' \
	'"\(.flow.verdict) \(.flow.traffic_direction) \(.flow.source.pod_name) \(.flow.destination.pod_name) \(.flow.egress_allowed_by[0].name) \(.flow.ingress_allowed_by[0].name)"')"
same "a drop" "DROPPED EGRESS POLICY_DENIED k8s:app=db" \
	"$(q '.flow.event_type.type == 1 and .flow.l4.TCP.destination_port == 5432' \
	'"\(.flow.verdict) \(.flow.traffic_direction) \(.flow.drop_reason_desc) \(.flow.destination.labels[0])"')"
dp cleanup || fail "cleanup"
exit $failed
