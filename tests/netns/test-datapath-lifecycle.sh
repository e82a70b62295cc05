#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
# Open, prepare, load, adopt, refuse, clean up.
NAME=life
. "${top_srcdir:-.}/tests/netns/datapath.sh"

host
for n in 1 2 3; do container $n; done

# ---- a restart changes nothing that is right
dp load "$(endpoint 1 app=a)" "$(endpoint 2 app=b)" "$(endpoint 3 app=c)" || die "a first start"
first=$(snapshot)
check "endpoints are attached by filters at once" grep -q "lxc1 in .*ebn_from_ep" <<< "$first"
dp load restore || die "a restart"
same "a restart changes nothing" "$first" "$(snapshot)"
dp load maintain || die "maintain"
moved=$(snapshot)
check "filters moved to links" grep -q "tcx_links=6" <<< "$moved"
check "no filter is left" test -z "$(grep "ebn_from_ep direct" <<< "$moved")"
dp load restore maintain || die "a restart with links"
same "a restart with links changes nothing" "$moved" "$(snapshot)"

# ---- what is missing is attached again
rm "$PINS/links/$(ip -n "$HOST" -o link show lxc2 | cut -d: -f1)-in"
dp load restore || die "restore"
check "a lost link is replaced by a filter" grep -q "lxc2 in .*ebn_from_ep" <<< "$(snapshot)"
dp load maintain || die "maintain"

# ---- one writer, many readers
mkfifo "$TMP/in"
dp prepare "say ready" wait < "$TMP/in" > "$TMP/out" &
exec 7> "$TMP/in"
for _ in $(seq 100); do grep -q ready "$TMP/out" && break; sleep 0.05; done
refused "a second writer" 16 "process [0-9]* holds the writer's lock" dp status
check "a reader beside the writer" dp -r status
refused "a reader writes nothing" 30 "load" dp -r load
exec 7>&-
wait

# ---- pins that cannot be trusted
python3 "$top_srcdir/tests/netns/poke.py" "$PINS/current/ebn_node" 0 00
refused "damaged node tables" 71 "ebn_node\|node tables" dp load
refused "damaged node tables, to a reader" 71 "ebn_node\|node tables" dp -r status
python3 "$top_srcdir/tests/netns/poke.py" "$PINS/current/ebn_node" 0 31
check "mended" dp load
mv "$PINS/current/ebn_flow4" "$PINS/current/saved"
refused "a missing pin" 71 "ebn_flow4" dp load
"$BPFTOOL" map create "$PINS/current/ebn_flow4" type array key 4 value 576 entries 16 name ebn_flow4 flags 0
refused "somebody else's map" 71 "ebn_flow4" dp load
rm "$PINS/current/ebn_flow4"
mv "$PINS/current/saved" "$PINS/current/ebn_flow4"
check "put back" dp load

# ---- nothing is left
ids=$(python3 "$top_srcdir/tests/netns/pin-ids.py" "$PINS" | grep -o "prog_id=[0-9]*" | sort -u | cut -d= -f2)
dp cleanup || die "cleanup"
check "the pin directory is gone" test ! -e "$PINS"
for n in 1 2 3; do
	check "no qdisc on lxc$n" test -z "$(tc -n "$HOST" qdisc show dev lxc$n | grep clsact)"
done
# the kernel frees them when it finds the time
for _ in $(seq 50); do
	left=0
	for id in $ids; do "$BPFTOOL" prog show id "$id" > /dev/null 2>&1 && left=$((left + 1)); done
	[ "$left" != 0 ] || break
	sleep 0.1
done
same "programs left in the kernel" 0 "$left"
dp load cleanup load cleanup || fail "load after a cleanup"

# ---- directories that are not ours
mkdir -p "$PINS/somebody"; chmod 0700 "$PINS"
refused "a directory with something else in it" 13 "not ours" dp status
rmdir "$PINS/somebody"; chmod 0755 "$PINS"
refused "a directory others may read" 13 "mode 0755" dp status
chown 65534 "$PINS"; chmod 0700 "$PINS"
refused "somebody else's directory" 13 "belongs to user 65534" dp status
rmdir "$PINS"
refused "not a BPF file system" 19 "mount -t bpf" in_ns "$HOST" "$HELPER" -p "$TMP/pins" status
refused "nothing to read" 2 "there is no datapath\|cannot open" dp -r status
refused "no BPF file system at all" 19 "mount -t bpf" unshare -m sh -c \
	"mount -t tmpfs none /sys/fs/bpf && exec nsenter --net=/run/netns/$HOST $HELPER -p $PINS status"
refused "a relative directory" 22 "pin_dir" in_ns "$HOST" "$HELPER" -p pins status

# ---- privileges
for cap in bpf net_admin perfmon; do
	keep=$(echo "-all,+bpf,+net_admin,+perfmon,+dac_override" | sed "s/,+$cap//")
	refused "without $cap" 1 "CAP_${cap^^} is missing" in_ns "$HOST" setpriv --bounding-set "$keep" \
		--inh-caps "$keep" "$HELPER" -p "$PINS" load
done
keep=-all,+bpf,+net_admin,+perfmon
check "with these three alone" in_ns "$HOST" setpriv --bounding-set $keep --inh-caps $keep \
	"$HELPER" -p "$PINS" load "$(endpoint 1 app=a)" maintain cleanup
exit $failed
