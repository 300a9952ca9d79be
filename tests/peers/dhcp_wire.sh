#!/bin/bash
# dhcpd and who else is on its wire: a neighbour that has an address of the pool, another DHCP server (dnsmasq), a pool that fills, packets
# that get no answer, leases that end.
#
#   clients (ns c, dhcp_wire.py) eth0 ---- br0 10.77.0.1 (ns s: the server) ---- eth0 10.77.0.100 (ns o: the neighbour)
set -u
cd "$(dirname "$0")/../.." || exit 1
variant=${VARIANT:-release}
export RACKSTRAP=$PWD/build/$variant/rackstrap
tool=build/$variant/tests/tools/run_dhcpd
[ "$(id -u)" = 0 ] || { echo "skipped: dhcp_wire.sh needs root, for its network namespaces"; exit 77; }
[ -x "$RACKSTRAP" ] && [ -x "$tool" ] || { echo "skipped: $RACKSTRAP or $tool is not built; run make all tools"; exit 77; }
for need in dnsmasq dhcpcd; do
    command -v $need >/dev/null || { echo "skipped: dhcp_wire.sh needs $need"; exit 77; }
done

id=$$ s=rs-ws-$$ c=rs-wc-$$ o=rs-wo-$$
dir=$(mktemp -d /tmp/rs-wire.XXXXXX)
chmod 711 "$dir" # the server gives up being root
failed=0
cleanup() {
    for n in $s $c $o; do
        for p in $(ip netns pids "$n" 2>/dev/null); do kill -9 "$p" 2>/dev/null; done
        ip netns del "$n" 2>/dev/null
    done
    [ -n "${KEEP:-}" ] || rm -rf "$dir"
}
trap cleanup EXIT
trap 'exit 1' INT TERM

for n in $s $c $o; do
    ip netns add "$n" || { echo "skipped: no network namespace can be made here"; exit 77; }
    ip -n "$n" link set lo up
done
ip -n "$s" link add br0 type bridge forward_delay 0 && ip -n "$s" link set br0 up
for n in $c $o; do
    ip link add "w$id" netns "$s" type veth peer name eth0 netns "$n" && ip -n "$s" link set "w$id" name "p$n" up && ip -n "$s" link set "p$n" master br0
done
ip -n "$o" link set eth0 address 52:54:00:00:bb:01
for n in $c $o; do ip -n "$n" link set eth0 up; done
ip -n "$s" addr add 10.77.0.1/24 dev br0
ip -n "$o" addr add 10.77.0.100/24 dev eth0

config() { # FILE LEASE_TIME POOL
    cat >"$1" <<-END
	state_dir: $dir/state
	dhcp:
	  interfaces: [br0]
	  lease_time: $2
	  subnets:
	    - {prefix: 10.77.0.0/24, router: 10.77.0.1, pool: $3, unknown: discover}
	END
}
start() { # COMMAND...
    ip netns exec "$s" "$@" >>"$dir/log" 2>&1 &
    server=$!
    for _ in $(seq 100); do
        grep -q 'dhcp-serve' "$dir/log" && return
        sleep 0.05
    done
    echo "not ok dhcp-wire-start: $(tail -3 "$dir/log")"
    exit 1
}
cases() { ip netns exec "$c" python3 tests/peers/dhcp_wire.py "$1" || failed=1; }

mkdir "$dir/state"
export CLI_CONFIG=$dir/config.yaml STATE=$dir/state
config "$CLI_CONFIG" 1h 10.77.0.100-10.77.0.104
cat >"$dir/devices.yaml" <<END
devices:
  - {name: hv-01, interfaces: [{name: eno1, mac: "52:54:00:00:00:01", address: 10.77.0.11/24, primary: true}]}
END
"$RACKSTRAP" import "$dir/devices.yaml" -c "$CLI_CONFIG" >"$dir/import.log" 2>&1 || { echo "not ok dhcp-wire-import: $(tail -2 "$dir/import.log")"; exit 1; }
start "$RACKSTRAP" serve --only dhcpd -c "$CLI_CONFIG"
cases probes
cases fills
[ "$(grep -c dhcp-pool-full "$dir/log")" = 1 ] && echo "ok dhcp-wire-full-is-logged-once" || { echo "not ok dhcp-wire-full-is-logged-once: $(grep dhcp-pool-full "$dir/log")"; failed=1; }
cases drops
cases busy
cases declined

ip netns exec "$o" dnsmasq -d -p 0 -C /dev/null -i eth0 --bind-interfaces --dhcp-authoritative --dhcp-broadcast -F 10.77.0.200,10.77.0.210 \
    --dhcp-leasefile="$dir/dnsmasq.leases" >"$dir/dnsmasq.log" 2>&1 &
for _ in $(seq 100); do
    ip netns exec "$o" ss -Hlun 'sport = 67' | grep -q 67 && break
    sleep 0.05
done
cases other_server
for p in $(ip netns pids "$o"); do kill "$p"; done
grep -q 'warn.*dhcp-other-server server=10.77.0.100 interface=br0' "$dir/log" && echo "ok dhcp-wire-other-server-is-warned-of" || { echo "not ok dhcp-wire-other-server-is-warned-of"; failed=1; }

kill "$server"
wait "$server" 2>/dev/null
mv "$dir/log" "$dir/log.1"
chown -R root "$dir/state" # run_dhcpd stays root, but gives up overriding owners
config "$dir/short.yaml" 2s 10.77.0.140-10.77.0.142
start "$tool" -c "$dir/short.yaml"
cases expiry
kill "$server"
wait "$server" 2>/dev/null

# ---- dhcpcd rebinds: what it unicasts when half of its lease is over goes nowhere, what it broadcasts later is answered
mv "$dir/log" "$dir/log.2"
config "$dir/short.yaml" 8s 10.77.0.140-10.77.0.142
start "$tool" -c "$dir/short.yaml"
: >"$dir/empty"
ip -n "$c" route add blackhole 10.77.0.1/32
ip netns exec "$c" unshare -m sh -c "mount -t tmpfs none /var/lib/dhcpcd 2>/dev/null; mount -t tmpfs none /run; exec timeout 40 dhcpcd -4 -B -d -A -L -f $dir/empty -c /bin/true eth0" \
    >"$dir/dhcpcd.log" 2>&1 &
client=$!
for _ in $(seq 200); do
    grep -q 'state=rebinding' "$dir/log" && break
    sleep 0.1
done
if grep -q 'dhcp-ack.*state=rebinding' "$dir/log" && ! grep -q 'state=renewing' "$dir/log"; then
    echo "ok dhcp-wire-rebinding"
else
    echo "not ok dhcp-wire-rebinding: $(tail -4 "$dir/dhcpcd.log")"
    failed=1
fi
kill "$client" "$server"
wait 2>/dev/null
exit $failed
