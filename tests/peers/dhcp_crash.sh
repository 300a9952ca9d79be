#!/bin/bash
# dhcpd killed with -9 while 300 clients ask: each acknowledged lease is there afterwards, and no address has two owners. SEED=n repeats
# the same choices; KILLS=n.
#
#   clients (ns c, dhcp_crash.py) eth0 ---- eth0 10.77.0.1/22 (ns s: the server)
set -u
cd "$(dirname "$0")/../.." || exit 1
export RACKSTRAP=$PWD/build/${VARIANT:-release}/rackstrap
[ "$(id -u)" = 0 ] || { echo "skipped: dhcp_crash.sh needs root, for its network namespaces"; exit 77; }
[ -x "$RACKSTRAP" ] || { echo "skipped: $RACKSTRAP is not built"; exit 77; }
seed=${SEED:-$RANDOM}
s=rs-cs-$$ c=rs-cc-$$
dir=$(mktemp -d /tmp/rs-crash.XXXXXX)
chmod 711 "$dir" # the server gives up being root
cleanup() {
    for n in $s $c; do
        for p in $(ip netns pids "$n" 2>/dev/null); do kill -9 "$p" 2>/dev/null; done
        ip netns del "$n" 2>/dev/null
    done
    [ -n "${KEEP:-}" ] || rm -rf "$dir"
}
trap cleanup EXIT
trap 'exit 1' INT TERM

for n in $s $c; do
    ip netns add "$n" || { echo "skipped: no network namespace can be made here"; exit 77; }
    ip -n "$n" link set lo up
done
ip link add eth0 netns "$s" type veth peer name eth0 netns "$c"
for n in $s $c; do ip -n "$n" link set eth0 up; done
ip -n "$s" addr add 10.77.0.1/22 dev eth0

export LOG=$dir/log CONFIG=$dir/config.yaml
mkdir "$dir/state"
cat >"$CONFIG" <<END
state_dir: $dir/state
dhcp:
  interfaces: [eth0]
  probe: 50ms
  subnets:
    - {prefix: 10.77.0.0/22, pool: 10.77.1.0-10.77.2.99, unknown: discover}
END
echo "devices:" >"$dir/devices.yaml"
for n in $(seq 40); do
    printf '  - {name: hv-%02d, interfaces: [{name: eno1, mac: "52:54:00:00:00:%02x", address: 10.77.0.%d/22, primary: true}]}\n' "$n" "$n" $((n + 10))
done >>"$dir/devices.yaml"
"$RACKSTRAP" import "$dir/devices.yaml" -c "$CONFIG" >"$dir/import.log" 2>&1 || { echo "not ok dhcp-crash-import: $(tail -2 "$dir/import.log")"; exit 1; }
ip netns exec "$c" python3 tests/peers/dhcp_crash.py "$seed" "${KILLS:-20}" ip netns exec "$s" "$RACKSTRAP" serve --only dhcpd -c "$CONFIG"
