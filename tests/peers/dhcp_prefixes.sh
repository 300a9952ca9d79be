#!/bin/bash
# DHCP from the inventory's prefixes, as a real client behind a real relay sees it: a prefix that is added in the store is in the next
# answer, with its mask and gateway; one that is removed is the reason that `drops` gives. A configured subnet without a router has the
# prefix's.
#
#   c ---- br0 10.77.0.1 (s: the server) ---- 10.77.0.2 (r: dhcrelay) 10.90.0.1 ---- d
set -u
cd "$(dirname "$0")/../.." || exit 1

variant=${VARIANT:-release}
rackstrap=$PWD/build/$variant/rackstrap
[ "$(id -u)" = 0 ] || { echo "skipped: dhcp_prefixes.sh needs root, for its network namespaces"; exit 77; }
[ -x "$rackstrap" ] || { echo "skipped: $rackstrap is not built"; exit 77; }
for tool in udhcpc dhcrelay; do
    command -v $tool >/dev/null || { echo "skipped: dhcp_prefixes.sh needs $tool"; exit 77; }
done

id=$$ s=rs-ps-$$ c=rs-pc-$$ r=rs-pr-$$ d=rs-pd-$$
dir=$(mktemp -d /tmp/rs-dhcp-prefixes.XXXXXX)
chmod 711 "$dir" # the server gives up being root
failed=0 server='' relay=''

cleanup() {
    for p in $server $relay; do kill "$p" 2>/dev/null; done
    wait 2>/dev/null
    for n in $s $c $r $d; do
        for p in $(ip netns pids "$n" 2>/dev/null); do kill -9 "$p" 2>/dev/null; done
        ip netns del "$n" 2>/dev/null
    done
    [ -n "${KEEP:-}" ] || rm -rf "$dir"
}
trap cleanup EXIT
trap 'exit 1' INT TERM

ok() { echo "ok dhcp-prefixes-$1"; }
not_ok() { echo "not ok dhcp-prefixes-$1: $2"; failed=1; }
is() { if [ "$2" = "$3" ]; then ok "$1"; else not_ok "$1" "wanted \"$3\", got \"$2\""; fi; }
like() { if [[ $2 =~ $3 ]]; then ok "$1"; else not_ok "$1" "wanted $3, got \"$2\""; fi; }
rs() { ip netns exec "$s" "$rackstrap" "$@" -c "$dir/config.yaml"; }

for n in $s $c $r $d; do
    ip netns add "$n" || { echo "skipped: no network namespace can be made here"; exit 77; }
    ip -n "$n" link set lo up
done
wire() { # ns name ns name
    ip link add "w$id" netns "$1" type veth peer name "x$id" netns "$3" &&
        ip -n "$1" link set "w$id" name "$2" up && ip -n "$3" link set "x$id" name "$4" up
}
ip -n "$s" link add br0 type bridge forward_delay 0 && ip -n "$s" link set br0 up
wire "$s" p0 "$c" eth0 && wire "$s" p1 "$r" up0 && wire "$r" down0 "$d" eth0
for p in p0 p1; do ip -n "$s" link set $p master br0; done
ip -n "$s" addr add 10.77.0.1/24 dev br0
ip -n "$r" addr add 10.77.0.2/24 dev up0
ip -n "$r" addr add 10.90.0.1/24 dev down0
ip netns exec "$r" sh -c 'echo 1 >/proc/sys/net/ipv4/ip_forward'
ip -n "$s" route add 10.90.0.0/24 via 10.77.0.2
mac() { # ns MAC
    ip -n "$1" addr flush dev eth0 && ip -n "$1" link set eth0 down address "$2" && ip -n "$1" link set eth0 up
}

mkdir -p "$dir/state"
cat >"$dir/config.yaml" <<END
state_dir: $dir/state
http: {listen: "127.0.0.1:8080"}
dhcp:
  interfaces: [br0]
  probe: 0
  options: {domain-name-servers: [10.0.0.53]}
  subnets: [{prefix: 10.77.0.0/24}]
END
cat >"$dir/devices.yaml" <<END
devices:
  - {name: hv-01, interfaces: [{name: eno1, mac: "52:54:00:00:00:01", address: 10.77.0.11/24, primary: true}]}
  - {name: hv-02, interfaces: [{name: eno1, mac: "52:54:00:00:00:02", address: 10.90.0.12/24, primary: true}]}
END
like import-warns "$(rs import "$dir/devices.yaml" 2>&1)" 'hv-02: 10.90.0.12/24 is in no subnet .* no prefix of the inventory'

sql() { # as another process changes the inventory
    python3 -c 'import sqlite3, sys
db = sqlite3.connect(sys.argv[1], timeout=30, isolation_level=None)
db.executescript(sys.argv[2])' "$dir/state/inventory.db" "$1" || not_ok sql "$1"
}
number() { # 10.90.0.0 as the store has it
    local a b c d
    IFS=. read -r a b c d <<<"$1"
    echo $(((a << 24) + (b << 16) + (c << 8) + d))
}
prefix() { # NET ROUTER: a /24
    echo "prefixes: [{prefix: $1/24, router: $2}]" >"$dir/prefix.yaml"
    rs import "$dir/prefix.yaml" >"$dir/import.log" 2>&1 || not_ok import-prefix "$(tail -n 1 "$dir/import.log")"
}

start() { # TIMES: it has served so often then
    ip netns exec "$s" "$rackstrap" serve --only dhcpd -c "$dir/config.yaml" 2>>"$dir/log" &
    server=$!
    for _ in $(seq 300); do
        [ "$(grep -c 'dhcp-serve' "$dir/log")" -ge "$1" ] && break
        sleep 0.1
    done
}
start 1
ip netns exec "$r" dhcrelay -4 -d -a -id down0 -iu up0 10.77.0.1 >"$dir/dhcrelay.log" 2>&1 &
relay=$!
for _ in $(seq 50); do
    ip netns exec "$r" ss -Hlun 'sport = 67' | grep -q 67 && break
    sleep 0.1
done

# udhcpc calls it with what happened
cat >"$dir/script" <<'END'
#!/bin/sh
[ "$1" != bound ] || env >"$OUT"
END
chmod +x "$dir/script"
export OUT=$dir/out
run() { # ns [options]
    local n=$1
    shift
    : >"$OUT"
    ip netns exec "$n" timeout 30 udhcpc -i eth0 -n -q -f -t 3 -T 1 -s "$dir/script" "$@" >"$dir/udhcpc.log" 2>&1
}
want() { # case name value
    is "$1-$2" "$(sed -n "s/^$2='\{0,1\}\([^']*\)'\{0,1\}$/\1/p" "$OUT" | head -1)" "$3"
}
drops() { # CASE MAC WORDS: what is told of the MAC, which is written within a second or so
    local said=
    for _ in $(seq 60); do
        said=$(rs drops 2>/dev/null | grep "$2")
        [[ $said == *"$3"* ]] && break
        sleep 0.1
    done
    like "$1" "$said" "$3"
}

# ---- no subnet and no prefix
mac "$d" 52:54:00:00:00:02
run "$d" -t 1
want unknown-network ip ""
drops unknown-network-said 52:54:00:00:00:02 "nor prefix of the inventory"

# ---- the prefix comes in: the next DISCOVER has its answer
prefix 10.90.0.0 10.90.0.1
run "$d"
want added ip 10.90.0.12
want added router 10.90.0.1
want added subnet 255.255.255.0
want added dns 10.0.0.53 # what the server says everywhere
like why "$(rs why hv-02)" "subnet: 10.90.0.0/24"
like why-gateway "$(rs why hv-02)" "gateway: 10.90.0.1"
like ip "$(rs ip 10.90.0.12)" "device: hv-02"
like ip-router "$(rs ip 10.90.0.1)" "use: the router of 10.90.0.0/24"
if rs import "$dir/devices.yaml" 2>&1 | grep -q warning; then not_ok import-is-content "it warns of an address in a prefix"; else ok import-is-content; fi

# ---- its gateway moves
sql "UPDATE prefixes SET router = $(number 10.90.0.254)"
run "$d"
want moved router 10.90.0.254

# ---- a stranger there is nobody's, and a device without an address there has no pool
mac "$d" 52:54:00:00:00:99
run "$d" -t 1
want stranger ip ""
drops stranger-said 52:54:00:00:00:99 "unknown-mac"
mac "$d" 52:54:00:00:00:01
run "$d" -t 1
want elsewhere ip ""
drops elsewhere-said 52:54:00:00:00:01 "no-pool"

# ---- a longer prefix inside is another link
sql "INSERT INTO prefixes (first, last, length) VALUES ($(number 10.90.0.8), $(number 10.90.0.15), 29)"
mac "$d" 52:54:00:00:00:02
run "$d" -t 1
want inner ip ""
sql "DELETE FROM prefixes WHERE length = 29"

# ---- a configured subnet that names no router
mac "$c" 52:54:00:00:00:01
run "$c"
want configured ip 10.77.0.11
want configured router ""
prefix 10.77.0.0 10.77.0.254
run "$c"
want configured-with-prefix ip 10.77.0.11
want configured-with-prefix router 10.77.0.254

# ---- removed: no answer any more, and the reason is told
run "$d"
want before ip 10.90.0.12
sql "DELETE FROM prefixes; DELETE FROM silences"
run "$d" -t 1
want removed ip ""
drops removed-said 52:54:00:00:00:02 "no-subnet"
run "$c"
want removed-router router ""

# ---- no subnet in the configuration at all
kill "$server"
wait "$server" 2>/dev/null
sed -i '/subnets:/d' "$dir/config.yaml"
start 2
prefix 10.77.0.0 10.77.0.254
run "$c"
want prefixes-alone ip 10.77.0.11
want prefixes-alone router 10.77.0.254
want prefixes-alone dns 10.0.0.53
[ $failed = 0 ] || tail -n 20 "$dir/log"
exit $failed
