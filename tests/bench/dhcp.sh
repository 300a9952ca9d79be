#!/bin/bash
# dhcpd beside Kea (memfile, two threads, no fsync) and ISC dhcpd, on the same machine in one run, medians of RUNS. Three tables:
#   rate       the highest rate of 4-way exchanges with under 0.1 % drops, for CLIENTS MAC addresses in a /16, all of them unknown
#   reserved   the same for DEVICES devices that have reserved addresses, and how long the server takes from its start to its first answer;
#              of rackstrap alone, unless servers are named
#   avalanche  AVALANCHE clients ask at the same instant: how many are served, how long it takes from DISCOVER to ACK
#   tests/bench/dhcp.sh [-n RUNS] [-g ours|perfdhcp] [-t TABLE,...] [SERVER...]     SERVER: rackstrap kea isc; ours: tests/bench/dhcp_load.c
# The generator stands where a relay does: ns r, 10.66.0.2 ---- 10.66.0.1, ns s: the server. Never fails on a figure; 77 if it cannot run.
set -u
cd "$(dirname "$0")/../.." || exit 1

RUNS=${RUNS:-5} CLIENTS=${CLIENTS:-60000} PERIOD=${PERIOD:-3} HALVINGS=${HALVINGS:-2}
DEVICES=${DEVICES:-100000} AVALANCHE=${AVALANCHE:-1000}
SERVER=${SERVER:-build/${VARIANT:-release}/rackstrap}
KEA=${KEA:-/usr/sbin/kea-dhcp4} ISC=${ISC:-/usr/sbin/dhcpd}
GENERATOR=ours TABLES=rate,reserved,avalanche
usage="usage: dhcp.sh [-n RUNS] [-g ours|perfdhcp] [-t rate,reserved,avalanche] [rackstrap|kea|isc]..."
while getopts n:g:t: o; do
    case $o in
    n) RUNS=$OPTARG ;;
    g) GENERATOR=$OPTARG ;;
    t) TABLES=$OPTARG ;;
    *) echo "$usage" >&2; exit 2 ;;
    esac
done
shift $((OPTIND - 1))
named=$#
[ $# -gt 0 ] || set -- rackstrap kea isc
case $GENERATOR in ours | perfdhcp) ;; *) echo "$usage" >&2; exit 2 ;; esac
for table in ${TABLES//,/ }; do
    case $table in rate | reserved | avalanche) ;; *) echo "$usage" >&2; exit 2 ;; esac
done
[ "$(id -u)" = 0 ] || { echo "skipped: bench/dhcp.sh needs root, for its network namespaces"; exit 77; }
[ "$GENERATOR" = ours ] || command -v perfdhcp >/dev/null || { echo "skipped: there is no perfdhcp (package kea-admin)"; exit 77; }
[ -x "$SERVER" ] || { echo "skipped: there is no $SERVER (make)"; exit 77; }
servers=()
for name; do
    case $name in
    rackstrap) servers+=("$name") ;;
    kea) [ -x "$KEA" ] && servers+=("$name") || echo "no $KEA: left out (package kea-dhcp4-server)" ;;
    isc) [ -x "$ISC" ] && servers+=("$name") || echo "no $ISC: left out (package isc-dhcp-server)" ;;
    *) echo "no server is called $name" >&2; exit 2 ;;
    esac
done

s=rs-bs-$$ r=rs-br-$$
dir=$(mktemp -d "${TMPDIR:-/tmp}/rs-bench.XXXXXX")
chmod 711 "$dir" # the server gives up being root
cc -std=gnu11 -D_GNU_SOURCE -O2 -o "$dir/dhcp_load" tests/bench/dhcp_load.c || exit 77
running=''
stop() {
    [ -n "$running" ] && kill "$running" 2>/dev/null && wait "$running" 2>/dev/null
    running=''
    for p in $(ip netns pids "$s" 2>/dev/null); do kill -9 "$p" 2>/dev/null; done
}
cleanup() {
    stop
    for p in $(ip netns pids "$r" 2>/dev/null); do kill -9 "$p" 2>/dev/null; done
    ip netns del "$s" 2>/dev/null
    ip netns del "$r" 2>/dev/null
    [ -n "${KEEP:-}" ] || rm -rf "$dir"
}
trap cleanup EXIT
trap 'exit 1' INT TERM

ip netns add "$s" && ip netns add "$r" || { echo "skipped: no network namespace can be made here"; exit 77; }
ip link add rsb0 netns "$s" type veth peer name rsb1 netns "$r" || exit 77
for e in "$s rsb0 10.66.0.1/16" "$r rsb1 10.66.0.2/16"; do
    read -r n dev address <<<"$e"
    ip -n "$n" addr add "$address" dev "$dev" && ip -n "$n" link set lo up && ip -n "$n" link set "$dev" up
done

# ---- the servers, each with a new folder $work and an empty store; all give the same pool for the same hour. $reserved: with the devices
mac_and_address='{ for (i = 0; i < n; i++) { j = i + 256
    mac = sprintf("02:0c:00:%02x:%02x:%02x", i / 65536, i / 256 % 256, i % 256)
    ip = sprintf("10.%d.%d.%d", 66 + j / 65536, j / 256 % 256, j % 256); put() } }'
devices() { echo | awk -v n="$DEVICES" "function put() { $1 } $mac_and_address"; }
inventory() { # once: an import of so many is not what is measured
    [ -d "$dir/inventory" ] && return
    mkdir "$dir/inventory"
    {
        echo 'devices:'
        # shellcheck disable=SC2016
        devices 'printf "  - name: n%06d\n    site: par1\n    role: compute\n    interfaces:\n      - {name: eno1, mac: \"%s\", address: %s/13}\n", i, mac, ip'
    } >"$dir/devices.yaml"
    echo "state_dir: $dir/inventory" >"$dir/import.conf"
    "$SERVER" import -c "$dir/import.conf" "$dir/devices.yaml" >"$dir/import.log" || { cat "$dir/import.log" >&2; return 1; }
    # as in a room that is in service: of a device that something is to become of, each address is journalled
    python3 -c 'import sqlite3, sys; s = sqlite3.connect(sys.argv[1]); s.execute("UPDATE devices SET state = \"ready\""); s.commit()' "$dir/inventory/inventory.db"
}
start_rackstrap() {
    local pool=', pool: 10.66.1.0-10.66.255.250, unknown: discover' prefix=10.66.0.0/16
    if [ -n "$reserved" ]; then
        inventory && cp -a "$dir/inventory" "$work/state" || return
        pool='' prefix=10.64.0.0/13
    else
        mkdir "$work/state"
    fi
    cat >"$work/conf" <<END
state_dir: $work/state
dhcp:
  interfaces: [rsb0]
  lease_time: 1h
  subnets:
    - {prefix: $prefix, router: 10.66.0.1$pool}
END
    begun=$(date +%s.%N)
    ip netns exec "$s" "$SERVER" serve --only dhcpd -c "$work/conf" >"$work/log" 2>&1 &
}
start_kea() { # as fast as it can be: warnings only, no clean-up of the file meanwhile
    local pools='"pools": [ { "pool": "10.66.1.0 - 10.66.255.250" } ]' prefix=10.66.0.0/16
    # shellcheck disable=SC2016
    [ -z "$reserved" ] || {
        prefix=10.64.0.0/13
        pools="\"reservations\": [ $(devices 'printf "%s{\"hw-address\": \"%s\", \"ip-address\": \"%s\"}", i ? ",\n" : "", mac, ip') ]"
    }
    cat >"$work/conf" <<END
{ "Dhcp4": {
    "interfaces-config": { "interfaces": [ "rsb0" ], "dhcp-socket-type": "udp" },
    "lease-database": { "type": "memfile", "persist": true, "name": "$work/leases", "lfc-interval": 0 },
    "multi-threading": { "enable-multi-threading": true, "thread-pool-size": 2, "packet-queue-size": 64 },
    "valid-lifetime": 3600,
    "subnet4": [ { "subnet": "$prefix", $pools,
                   "option-data": [ { "name": "routers", "data": "10.66.0.1" } ] } ],
    "loggers": [ { "name": "kea-dhcp4", "severity": "WARN", "output_options": [ { "output": "stderr" } ] } ] } }
END
    begun=$(date +%s.%N)
    KEA_PIDFILE_DIR=$work KEA_LOCKFILE_DIR=$work KEA_DHCP_DATA_DIR=$work ip netns exec "$s" "$KEA" -c "$work/conf" >"$work/log" 2>&1 &
}
start_isc() { # no ping before an offer: the others send none for a relayed client either; its log goes nowhere, as there is no syslog
    local range='range 10.66.1.0 10.66.255.250;' net='10.66.0.0 netmask 255.255.0.0'
    [ -z "$reserved" ] || range='' net='10.64.0.0 netmask 255.248.0.0'
    : >"$work/leases"
    cat >"$work/conf" <<END
authoritative; ping-check false; default-lease-time 3600; max-lease-time 3600; ddns-update-style none;
subnet $net { option routers 10.66.0.1; $range }
END
    # shellcheck disable=SC2016
    [ -z "$reserved" ] || devices 'printf "host n%d { hardware ethernet %s; fixed-address %s; }\n", i, mac, ip' >>"$work/conf"
    begun=$(date +%s.%N)
    ip netns exec "$s" "$ISC" -4 -f -q -cf "$work/conf" -lf "$work/leases" -pf "$work/pid" rsb0 >"$work/log" 2>&1 &
}
# start NAME: until it answers; `ready` is how many milliseconds that took.
start() {
    work=$dir/$1-$((++started))
    mkdir "$work" && chmod 711 "$work"
    "start_$1" || return 1
    running=$!
    ready=$(ip netns exec "$r" timeout 60 "$dir/dhcp_load" first 10.66.0.2 10.66.0.1) ||
        { echo "$1 does not answer: $(tail -3 "$work/log")" >&2; return 1; }
    ready=$(awk -v a="$begun" -v b="$ready" 'BEGIN { printf "%.0f", (b - a) * 1000 }')
}
started=0 reserved=''
declare -A grow from=([rackstrap]=16000 [kea]=4000 [isc]=800)

# Of all processes of the server: user and system time in hundredths of a second; the highest resident memory in MiB.
cpu() { for p in $(ip netns pids "$s"); do cat "/proc/$p/stat"; done 2>/dev/null | sed 's/.*) //' | awk '{ n += $12 + $13 } END { print n + 0 }'; }
memory() { for p in $(ip netns pids "$s"); do cat "/proc/$p/status"; done 2>/dev/null | awk '/^VmHWM/ { n += $2 } END { printf "%.0f\n", n / 1024 }'; }

# Each prints "sent offers acks".
load_perfdhcp() { # the report has two halves: DISCOVER-OFFER, then REQUEST-ACK
    ip netns exec "$r" timeout 60 perfdhcp -4 -r "$1" -R "$clients" -b mac=02:0c:00:00:00:00 -s $((1000 + started)) -p "$PERIOD" -W 1000000 -l rsb1 10.66.0.1 >"$work/load" 2>&1
    awk '/^sent packets:/ { sent[++n] = $3 } /^received packets:/ { got[n] = $3 } END { print sent[1] + 0, got[1] + 0, got[2] + 0 }' "$work/load"
}
load_ours() { ip netns exec "$r" timeout 60 "$dir/dhcp_load" rate 10.66.0.2 10.66.0.1 "$1" "$clients" "$PERIOD" $((1000 + started)) 2>&1 | tee "$work/load"; }

# at RATE NAME: 0 it holds, 1 it nearly does, 2 it does not. Leaves the rate that the generator reached, the ACKs, and what the server used.
at() {
    local before sent offers rest
    before=$(cpu)
    read -r sent offers acked rest <<<"$("load_$GENERATOR" "$1")"
    used=$(($(cpu) - before))
    reached=$(awk -v n="$sent" -v t="$PERIOD" 'BEGIN { print n / t }')
    [ -n "${VERBOSE:-}" ] && echo "  $2 asked $1/s: $sent DISCOVERs, $offers OFFERs, $acked ACKs; CPU $used/100 s; $rest" >&2
    awk -v n="$sent" -v a="$acked" 'BEGIN { exit n > 0 && n - a < 0.001 * n ? 0 : n > 0 && n - a < 0.05 * n ? 1 : 2 }'
}
# A rate that fails by little is tried twice: a machine has hiccups.
holds() { at "$@" || { [ $? = 1 ] && at "$@"; }; }

# highest NAME: "rate CPU-seconds-for-10000 MiB limited ready", limited being 1 where the generator sent less than it was asked to.
# The rate grows until it does not hold; then the gap is halved. From the second run on it starts near what the run before found.
highest() {
    local name=$1 low=0 high=0 rate=${from[$1]} best="0 0" limited=0 i=0
    start "$name" || return 1
    while :; do
        if holds "$rate" "$name"; then
            low=$rate
            if awk -v a="$reached" -v b="${best%% *}" 'BEGIN { exit !(a > b) }'; then
                best=$(awk -v r="$reached" -v c="$used" -v n="$acked" 'BEGIN { printf "%.0f %.2f", r, c / 100 / n * 10000 }')
            fi
            # asking for more than it can send says nothing about the server
            if awk -v a="$reached" -v b="$rate" 'BEGIN { exit !(a < 0.85 * b) }'; then limited=1; break; fi
        else
            high=$rate
        fi
        if [ "$high" = 0 ]; then rate=$((rate * ${grow[$name]:-200} / 100)); continue; fi
        [ "$low" = 0 ] || [ "$((i++))" -lt "$HALVINGS" ] || break
        rate=$(((low + high) / 2))
        [ "$rate" -gt 0 ] || break
    done
    echo "$best $(memory) $limited $ready"
    stop
    [ -n "${KEEP:-}" ] || rm -rf "$work"
}

# in turn, so that whatever else the machine does falls on all
table_rate() { # TABLE
    for _ in $(seq "$RUNS"); do
        for name in "${servers[@]}"; do
            highest "$name" >"$dir/one" && cat "$dir/one" >>"$dir/$name.$1" && 
                from[$name]=$(awk '{ print ($1 > 250 ? int($1 * 0.8) : 200) }' "$dir/one") grow[$name]=125
        done
    done
    printf '%-10s %8s %17s %16s %8s %9s %s\n' server rate 'lowest..highest' 'CPU s/10,000' 'RSS MiB' 'ready ms' 'rackstrap is'
    for name in "${servers[@]}"; do
        [ -s "$dir/$name.$1" ] || { echo "$name gave no figure"; continue; }
        sort -n "$dir/$name.$1" | awk -v name="$name" '{ a[NR] = $1; c[NR] = $2; m[NR] = $3; l += $4; r[NR] = $5 }
            END { i = int((NR + 1) / 2); print name, a[i], a[1] ".." a[NR], c[i], m[i], r[i], l }'
    done | awk '$1 == "rackstrap" { ours = $2 }
        { printf "%-10s %8s %17s %16s %8s %9s", $1, $2, $3, $4, $5, $6; if ($1 != "rackstrap" && $2 > 0 && ours) printf " %.2f times", ours / $2;
          if ($7) printf " (the generator was the limit in %d runs)", $7; print "" }'
}

# One line a run: "served ms50 ms99 msmax again", from the generator's line.
avalanche() { # NAME
    local sent offers acks p50 p99 most rest
    start "$1" || return 1
    read -r sent offers acks p50 p99 most rest <<<"$(ip netns exec "$r" timeout 60 "$dir/dhcp_load" avalanche 10.66.0.2 10.66.0.1 "$AVALANCHE" 1000)"
    [ -n "${VERBOSE:-}" ] && echo "  $1: $sent DISCOVERs, $offers OFFERs, $acks ACKs; $p50 $p99 $most $rest" >&2
    echo "$acks $p50 $p99 $most ${rest##* }"
    stop
    rm -rf "$work"
}
table_avalanche() {
    for _ in $(seq "$RUNS"); do
        for name in "${servers[@]}"; do avalanche "$name" >>"$dir/$name.avalanche"; done
    done
    printf '%-10s %8s %8s %8s %8s %12s\n' server served 'p50 ms' 'p99 ms' 'max ms' 'sent again'
    for name in "${servers[@]}"; do
        [ -s "$dir/$name.avalanche" ] || { echo "$name gave no figure"; continue; }
        sort -n -k3 "$dir/$name.avalanche" | awk -v name="$name" '{ s[NR] = $1; a[NR] = $2; b[NR] = $3; c[NR] = $4; d[NR] = $5 }
            END { i = int((NR + 1) / 2); printf "%-10s %8s %8s %8s %8s %12s\n", name, s[i], a[i], b[i], c[i], d[i] }'
    done
}

for table in ${TABLES//,/ }; do
    case $table in
    rate)
        clients=$CLIENTS
        echo "4-way exchanges a second at under 0.1 % drops; $CLIENTS unknown clients, generator $GENERATOR, $PERIOD s a step, median of $RUNS"
        table_rate rate
        ;;
    reserved)
        reserved=1 clients=$DEVICES
        echo "the same with $DEVICES devices that have reserved addresses; ready: from the start to the first answer"
        all=("${servers[@]}")
        [ "$named" != 0 ] || servers=(rackstrap)
        table_rate reserved
        servers=("${all[@]}") reserved=''
        ;;
    avalanche)
        echo "$AVALANCHE clients at the same instant, from DISCOVER to ACK; median of $RUNS by p99"
        table_avalanche
        ;;
    esac
    echo
done
