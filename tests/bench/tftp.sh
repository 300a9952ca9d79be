#!/bin/bash
# tftpd beside tftpd-hpa and atftpd, on the same machine in one run, the median of RUNS, in network namespaces of its own:
#   64 MiB, one client, lock-step; 200 clients at once, 1 MiB each (both beside tftpd-hpa); 64 MiB, windowsize 16 (beside atftpd).
#   tests/bench/tftp.sh [-n RUNS]
# The client is tests/bench/tftp_get.c, as lean as one can be; what it used itself is printed. Never fails on a figure; 77 if it cannot run.
# HPA, ATFTPD: the programs (see tests/bench/peers).
set -u
cd "$(dirname "$0")/../.." || exit 1

RUNS=${RUNS:-5} BLKSIZE=${BLKSIZE:-1428} CLIENTS=${CLIENTS:-200} SIZE=${SIZE:-64}
SERVER=${SERVER:-build/${VARIANT:-release}/rackstrap}
HPA=${HPA:-/usr/sbin/in.tftpd} ATFTPD=${ATFTPD:-/usr/sbin/atftpd}
while getopts n: o; do
    case $o in n) RUNS=$OPTARG ;; *) echo "usage: tftp.sh [-n RUNS]" >&2; exit 2 ;; esac
done
[ "$(id -u)" = 0 ] || { echo "skipped: bench/tftp.sh needs root, for its network namespaces"; exit 77; }
[ -x "$SERVER" ] || { echo "skipped: there is no $SERVER (make)"; exit 77; }
cgroups=$(findmnt -n -t cgroup2 -o TARGET | head -1)
[ -n "$cgroups" ] && [ -w "$cgroups/cgroup.procs" ] || { echo "skipped: bench/tftp.sh needs a cgroup2, to count CPU time"; exit 77; }
[ -x "$HPA" ] || echo "no $HPA: left out (package tftpd-hpa)"
[ -x "$ATFTPD" ] || echo "no $ATFTPD: left out (package atftpd)"

c=rs-bc-$$
dir=$(mktemp -d "${TMPDIR:-/tmp}/rs-bench.XXXXXX")
chmod 755 "$dir" # the servers give up being root
names=(rackstrap)
[ -x "$HPA" ] && names+=(hpa)
[ -x "$ATFTPD" ] && names+=(atftpd)
declare -A address=([rackstrap]=10.67.1.1 [hpa]=10.67.2.1 [atftpd]=10.67.3.1)
ns() { echo "rs-b$1-$$"; }
cleanup() {
    for n in "${names[@]}"; do
        for p in $(ip netns pids "$(ns "$n")" 2>/dev/null); do kill "$p" 2>/dev/null; done
    done
    wait
    for n in "${names[@]}"; do
        for p in $(ip netns pids "$(ns "$n")" 2>/dev/null); do kill -9 "$p" 2>/dev/null; done
        ip netns del "$(ns "$n")" 2>/dev/null
        for _ in 1 2 3 4 5; do rmdir "$cgroups/$(ns "$n")" 2>/dev/null && break; sleep 0.1; done
    done
    ip netns del "$c" 2>/dev/null
    rm -rf "$dir"
}
trap cleanup EXIT
trap 'exit 1' INT TERM

mkdir -p "$dir/root" "$dir/state"
chmod 755 "$dir/root"
get=$dir/tftp_get
cc -std=gnu11 -D_GNU_SOURCE -O2 -o "$get" tests/bench/tftp_get.c || { echo "skipped: the client does not compile"; exit 77; }
head -c "$((SIZE << 20))" /dev/urandom >"$dir/root/large"
head -c "$((1 << 20))" /dev/urandom >"$dir/root/small"
chmod 644 "$dir/root"/*

ip netns add "$c" || { echo "skipped: no network namespace can be made here"; exit 77; }
ip -n "$c" link set lo up
for n in "${names[@]}"; do
    ip netns add "$(ns "$n")" && ip link add "to-$n" netns "$c" type veth peer name rst0 netns "$(ns "$n")" || exit 77
    ip -n "$(ns "$n")" addr add "${address[$n]}/24" dev rst0
    ip -n "$c" addr add "${address[$n]}0/24" dev "to-$n"
    ip -n "$(ns "$n")" link set lo up && ip -n "$(ns "$n")" link set rst0 up && ip -n "$c" link set "to-$n" up
done

cat >"$dir/conf" <<END
state_dir: $dir/state
tftp: {interfaces: [rst0], root: $dir/root}
END
for n in "${names[@]}"; do
    case $n in
    rackstrap) command=("$SERVER" serve --only tftpd -c "$dir/conf") ;;
    hpa) command=("$HPA" -L -4 -s -u nobody -a "${address[$n]}:69" "$dir/root") ;;
    atftpd) command=("$ATFTPD" --daemon --no-fork --no-multicast --maxthread 1000 --bind-address "${address[$n]}" --logfile /dev/null "$dir/root") ;;
    esac
    mkdir "$cgroups/$(ns "$n")" || exit 77
    sh -c 'echo $$ >"$1/cgroup.procs" && shift && exec "$@"' sh "$cgroups/$(ns "$n")" ip netns exec "$(ns "$n")" "${command[@]}" >"$dir/$n.log" 2>&1 &
done
sleep 1.5

# User and system time in microseconds, of all that the server ever was: tftpd-hpa forks for each request and does not wait for its children.
cpu() { awk '$1 == "usage_usec" { print $2 }' "$cgroups/$(ns "$1")/cpu.stat"; }
# In MiB, of all processes: memory of their own, and all that is resident, which for rackstrap is mostly the mapped file.
memory() {
    for p in $(ip netns pids "$(ns "$1")"); do cat "/proc/$p/smaps_rollup"; done 2>/dev/null |
        awk '/^Rss:/ { r += $2 } /^Anonymous:/ { a += $2 } END { printf "%.1f %.1f\n", a / 1024, r / 1024 }'
}

# transfers SERVER FILE CLIENTS WINDOW MiB: "MiB/s CPU-seconds-a-GiB client's-CPU-seconds-a-GiB sent-again"
transfers() {
    local before out
    before=$(cpu "$1")
    out=$(ip netns exec "$c" "$get" "${address[$1]}" "$2" "$dir/root/$2" "$3" "$BLKSIZE" "$4" 2>>"$dir/errors") || return 1
    sleep 0.2 # what served has to end, to be counted
    awk -v o="$out" -v m="$5" -v c="$(($(cpu "$1") - before))" 'BEGIN { split(o, a, " ");
        printf "%.1f %.2f %.2f %d\n", m / a[1], c / 1e6 / (m / 1024), a[2] / (m / 1024), a[3] }'
}

# most SERVER ...: the same once more, not timed: the most memory seen meanwhile
most() {
    ip netns exec "$c" "$get" "${address[$1]}" "$2" "$dir/root/$2" "$3" "$BLKSIZE" "$4" >/dev/null 2>&1 &
    local p=$!
    while kill -0 "$p" 2>/dev/null; do memory "$1"; sleep 0.05; done | sort -n | tail -1
}

median() { sort -n | awk '{ l[NR] = $0 } END { print l[int((NR + 1) / 2)] }'; }

# compare WHAT PEER FILE CLIENTS WINDOW
compare() {
    local who mib
    printf '%s\n' " ${names[*]} " | grep -q " $2 " || return
    mib=$(awk -v b="$(stat -c %s "$dir/root/$3")" -v n="$4" 'BEGIN { print n * b / 1048576 }')
    for _ in $(seq "$RUNS"); do # in turn, so that whatever else the machine does falls on both
        for who in rackstrap "$2"; do
            transfers "$who" "$3" "$4" "$5" "$mib" >>"$dir/$1.$who" || echo "$1: $who did not deliver: $(tail -1 "$dir/errors")"
        done
    done
    for who in rackstrap "$2"; do
        [ -s "$dir/$1.$who" ] || continue
        echo "$who $(median <"$dir/$1.$who") $(most "$who" "$3" "$4" "$5")"
    done | awk -v what="$1" '{ printf "%-26s %-10s %8s %10s %8s %8s %14s %6s", what, $1, $2, $3, $6, $7, $4, $5; r[NR] = $2; c[NR] = $3 }
        NR == 1 { print "" }
        END { if (NR == 2 && r[2] > 0) printf "   rackstrap: rate %.2f, CPU %.2f", r[1] / r[2], (c[2] > 0 ? c[1] / c[2] : 0); print "" }'
}

echo "TFTP, blksize $BLKSIZE, median of $RUNS; the client's own CPU is its limit: at a full core it, not the server, is measured"
printf '%-26s %-10s %8s %10s %8s %8s %14s %6s\n' what server MiB/s 'CPU s/GiB' 'own MiB' 'RSS MiB' 'client s/GiB' again
compare "$SIZE-MiB-lock-step" hpa large 1 1
compare "$CLIENTS-at-once-1-MiB-each" hpa small "$CLIENTS" 1
compare "$SIZE-MiB-windowsize-16" atftpd large 1 16
