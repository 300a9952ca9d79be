#!/bin/bash
# shellcheck disable=SC2317 # called by name
# The lab with real QEMU machines: a BIOS and a UEFI host come up and ask for an address, are switched off, reset and cycled;
# `down` leaves nothing of whole and of half labs, and never kills a process that is not the lab's.
set -u
top=$(cd "$(dirname "$0")/../.." && pwd)
rackstrap=${RACKSTRAP:-$top/build/release/rackstrap}
skip() { echo "skipped: $*"; exit 77; }
[ "$(id -u)" = 0 ] || skip "the lab needs root"
[ -x "$rackstrap" ] || skip "there is no $rackstrap; run make"
for program in qemu-system-x86_64 tcpdump ip python3; do
    command -v "$program" >/dev/null || skip "there is no $program"
done

failed=0
name=t$$
dir=$(mktemp -d /tmp/rackstrap-lab.XXXXXX)
innocent=
lab() { local command=$1; shift; "$rackstrap" lab "$command" --name "$name" --dir "$dir/state" "$@"; }
clean() {
    lab down >/dev/null 2>&1
    [ -z "$innocent" ] || kill "$innocent" 2>/dev/null
    rm -rf "$dir"
}
trap clean EXIT
trap 'exit 1' INT TERM

ok() { echo "ok $1"; }
not_ok() { echo "not ok $1: $2"; failed=1; }
check() { # NAME COMMAND...: ok when the command succeeds
    local what=$1 out
    shift
    if out=$("$@" 2>&1); then ok "$what"; else not_ok "$what" "${out:-$* failed}"; fi
}
refuses() { # NAME CODE WORDS COMMAND...: fails with this code and says this
    local what=$1 code=$2 words=$3 out got
    shift 3
    out=$("$@" 2>&1)
    got=$?
    if [ $got = "$code" ] && [[ $out == *"$words"* ]]; then ok "$what"; else not_ok "$what" "exit $got: $out"; fi
}
field() { # HOST-NUMBER FIELD
    lab status --json | python3 -c 'import json,sys; print(json.load(sys.stdin)["hosts"][int(sys.argv[1])-1][sys.argv[2]])' "$@"
}
is() { [ "$1" = "$2" ] || { echo "it is $1, not $2"; return 1; }; }
asks_for_address() { # MAC SECONDS: a DISCOVER of that MAC passes the bridge
    lab run -- timeout "$2" tcpdump -lnp -i br0 -c 1 "ether src $1 and udp dst port 67"
}
processes() { # QEMUs of this lab
    local pid
    for pid in /proc/[0-9]*; do
        { tr '\0' '\n' <"$pid/cmdline" | grep -q "^$dir/state/hv-.*qemu.pid$" && echo "${pid#/proc/}"; } 2>/dev/null
    done
    true
}
nothing_left() {
    local left
    left=$(processes)
    [ -z "$left" ] || { echo "processes: $left"; return 1; }
    [ ! -e "/run/netns/rackstrap-$name" ] || { echo "the namespace"; return 1; }
    left=$(find "$dir" -mindepth 1; find "/var/tmp/rackstrap-lab/$name" 2>/dev/null)
    [ -z "$left" ] || { echo "files: $left"; return 1; }
}

refuses "status of no lab" 1 "there is no lab" lab status
refuses "a name with a slash" 2 "lower-case letters" "$rackstrap" lab up --name a/b
refuses "no such option" 2 "lab --help" lab up --wipe-everything
check "down of no lab" lab down
check "help" "$rackstrap" lab --help

for firmware in bios uefi; do
    check "$firmware: up, switched off" lab up --hosts 1 --firmware $firmware --off --memory 512M
    check "$firmware: is off" is "$(field 1 state)" off
    asks_for_address 52:54:00:00:00:01 90 >"$dir/dump" 2>&1 &
    dump=$!
    check "$firmware: power on" lab power on hv-01
    check "$firmware: runs" is "$(field 1 state)" running
    if wait $dump; then ok "$firmware: asks for an address"; else not_ok "$firmware: asks for an address" "$(tail -3 "$dir/dump")"; fi
    rm -f "$dir/dump"
    check "$firmware: its console says something" test -s "$(field 1 console_log)"
    refuses "$firmware: a second up" 1 "already" lab up --firmware $firmware
    pid=$(field 1 pid)
    check "$firmware: reset" lab power reset hv-01
    check "$firmware: reset keeps the process" is "$(field 1 pid)" "$pid"
    check "$firmware: cycle" lab power cycle hv-01
    check "$firmware: cycle takes another process" test "$(field 1 pid)" != "$pid"
    check "$firmware: power off" lab power off hv-01
    check "$firmware: is off again" is "$(field 1 state)" off
    check "$firmware: no process when off" is "$(processes)" ""
    refuses "$firmware: reset when off" 1 "is off" lab power reset hv-01
    refuses "$firmware: console when off" 1 "is off" lab console hv-01
    refuses "$firmware: no such host" 1 "no host" lab power on hv-07
    check "$firmware: down" lab down
    check "$firmware: nothing is left" nothing_left
done

lab up --hosts 2 --memory 256M >/dev/null
kill -9 "$(field 1 pid)"
rm "$dir/state/state.json"
check "down without a state file, a machine killed" lab down
check "nothing is left of half a lab" nothing_left

lab up --hosts 1 --off >/dev/null
sleep 600 &
innocent=$!
echo $innocent >"$dir/state/hv-01/qemu.pid"
check "down with a pid file that names another's process" lab down
check "the other's process lives" kill -0 $innocent
check "nothing is left then" nothing_left

lab up --hosts 1 --off >/dev/null
echo '{"format": 1' >"$dir/state/state.json"
refuses "status with a damaged state file" 1 "damaged" lab status
check "down with a damaged state file" lab down
check "nothing is left of a damaged lab" nothing_left

mkdir "$dir/state" && echo mine >"$dir/state/notes"
refuses "up in a folder that is somebody's" 1 "not empty" lab up --off
check "down there removes nothing" lab down
check "the folder's file is still there" test -e "$dir/state/notes"
rm -rf "$dir/state"

ip netns add "rackstrap-$name"
refuses "up over the rest of a lab" 1 "lab down" lab up --off
check "down of a bare namespace" lab down
check "nothing is left of it" nothing_left

lab up --hosts 1 --disks "$dir/disks" --off --disk 8M >/dev/null
echo precious | dd of="$dir/disks/hv-01.raw" conv=notrunc status=none
check "down, keeping the disks" lab down --keep-disks
check "up again" lab up --hosts 1 --disks "$dir/disks" --off --disk 16M
check "the disk is the one that was kept" is "$(head -c 8 "$dir/disks/hv-01.raw")" precious
check "and it has grown" is "$(stat -c %s "$dir/disks/hv-01.raw")" 16777216
check "a command inside the lab" lab run -- ip -br link show dev br0
refuses "its exit code is ours" 7 "" lab run -- sh -c 'exit 7'
check "down at the end" lab down
check "nothing is left at the end" nothing_left
exit $failed
