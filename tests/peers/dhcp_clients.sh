#!/bin/bash
# dhcpd with two interfaces against the clients that dhcp.sh leaves out: systemd-networkd, dhcpcd as it configures an address and declines
# one that is taken, firmware, iPXE and the system on one NIC, and perfdhcp's avalanche.
#
#   client(ns c) eth0 ---- br0 10.77.0.1 (ns s: the server) ---- eth0 10.77.0.250 (ns o: has addresses that nobody told the server of)
#   client(ns e) eth0 ---- eth1 10.79.0.1 (ns s)
set -u
cd "$(dirname "$0")/../.." || exit 1
rackstrap=$PWD/build/${VARIANT:-release}/rackstrap
[ "$(id -u)" = 0 ] || { echo "skipped: dhcp_clients.sh needs root, for its network namespaces"; exit 77; }
[ -x "$rackstrap" ] || { echo "skipped: $rackstrap is not built"; exit 77; }
for tool in udhcpc dhcpcd dhclient perfdhcp; do
    command -v $tool >/dev/null || { echo "skipped: dhcp_clients.sh needs $tool"; exit 77; }
done
networkd=/lib/systemd/systemd-networkd

s=rs-ks-$$ c=rs-kc-$$ e=rs-ke-$$ o=rs-ko-$$
dir=$(mktemp -d /tmp/rs-clients.XXXXXX)
chmod 711 "$dir" # the server and networkd give up being root
failed=0
cleanup() {
    for n in $s $c $e $o; do
        for p in $(ip netns pids "$n" 2>/dev/null); do kill -9 "$p" 2>/dev/null; done
        ip netns del "$n" 2>/dev/null
    done
    [ -n "${KEEP:-}" ] || rm -rf "$dir"
}
trap cleanup EXIT
trap 'exit 1' INT TERM
ok() { echo "ok dhcp-clients-$1"; }
not_ok() { echo "not ok dhcp-clients-$1: $2"; failed=1; }
is() { if [ "$2" = "$3" ]; then ok "$1"; else not_ok "$1" "wanted \"$3\", got \"$2\""; fi; }
like() { if [[ $2 =~ $3 ]]; then ok "$1"; else not_ok "$1" "wanted $3, got \"$2\""; fi; }
logged() { grep -c -- "$1" "$dir/log"; }
until_logged() { # PATTERN
    for _ in $(seq 100); do
        grep -q -- "$1" "$dir/log" && return
        sleep 0.1
    done
    return 1
}

for n in $s $c $e $o; do
    ip netns add "$n" || { echo "skipped: no network namespace can be made here"; exit 77; }
    ip -n "$n" link set lo up
done
ip -n "$s" link add br0 type bridge forward_delay 0 && ip -n "$s" link set br0 up
for n in $c $o; do
    ip link add "w$$" netns "$s" type veth peer name eth0 netns "$n" && ip -n "$s" link set "w$$" name "p$n" up && ip -n "$s" link set "p$n" master br0
done
ip link add eth1 netns "$s" type veth peer name eth0 netns "$e"
ip -n "$s" link set eth1 up
for n in $c $o $e; do ip -n "$n" link set eth0 up; done
ip -n "$c" link set eth0 address 52:54:00:00:aa:01
ip -n "$e" link set eth0 address 52:54:00:00:ee:01
ip -n "$s" addr add 10.77.0.1/22 dev br0
ip -n "$s" addr add 10.79.0.1/24 dev eth1
ip -n "$o" addr add 10.77.0.250/22 dev eth0

mkdir "$dir/state"
cat >"$dir/config.yaml" <<END
state_dir: $dir/state
dhcp:
  interfaces: [br0, eth1]
  probe: 0
  subnets:
    - {prefix: 10.77.0.0/22, router: 10.77.0.1, pool: 10.77.1.0-10.77.3.199, unknown: discover}
    - {prefix: 10.79.0.0/24, router: 10.79.0.1, pool: 10.79.0.100-10.79.0.199, unknown: discover}
END
ip netns exec "$s" "$rackstrap" serve --only dhcpd -c "$dir/config.yaml" >"$dir/log" 2>&1 &
server=$!
until_logged 'dhcp-serve interface=eth1' || { not_ok start "$(tail -3 "$dir/log")"; exit 1; }

# ---- one NIC: firmware, iPXE and two systems, each with a client identifier of its own; one address, from the pool
cat >"$dir/script" <<END
#!/bin/sh
[ "\$1" = bound ] && echo "\$ip" >>$dir/out
[ -n "\${new_ip_address:-}" ] && [ "\${reason:-}" != PREINIT ] && echo "\$new_ip_address" >>$dir/out
exit 0
END
chmod +x "$dir/script"
udhcpc_of() { # ns [options]: the address
    local n=$1
    shift
    : >"$dir/out"
    ip netns exec "$n" timeout 20 udhcpc -i eth0 -n -q -f -t 5 -T 1 -s "$dir/script" "$@" >"$dir/udhcpc.log" 2>&1
    tail -1 "$dir/out"
}
firmware=$(udhcpc_of "$c" -V PXEClient:Arch:00007:UNDI:003000 -x 0x5d:0007 -x 0x3d:00112233445566778899aabbccddeeff00)
like firmware "$firmware" '^10\.77\.[123]\.'
is ipxe-same "$(udhcpc_of "$c" -x 0x4d:69505845 -x 0x3d:01525400000000)" "$firmware"
is system-same "$(udhcpc_of "$c" -x 0x3d:ff0000000100020000ab11deadbeef00)" "$firmware"

# ---- the second interface, and systemd-networkd on it: bound, its address configured, given back when it ends. (Version 252 finds an
# address that is taken, but cannot send its DECLINE: "Network is unreachable".)
networkd() { # ns: starts it without systemd and udev (a read-only /sys says there is none), in a /run of its own
    mkdir -p "$dir/networkd"
    cat >"$dir/networkd/10-eth0.network" <<-END
	[Match]
	Name=eth0
	[Network]
	DHCP=ipv4
	LinkLocalAddressing=no
	IPv6AcceptRA=no
	END
    # shellcheck disable=SC2016
    ip netns exec "$1" unshare -m sh -c 'mount --make-rprivate / && mount -t tmpfs none /run && mkdir -p /run/systemd/network /run/systemd/netif/links \
        /run/systemd/netif/leases /run/systemd/netif/lldp && cp "$1"/*.network /run/systemd/network/ && chown -R systemd-network:systemd-network /run/systemd/netif &&
        mount --bind /sys /sys && mount -o remount,bind,ro /sys && exec env SYSTEMD_LOG_LEVEL=debug SYSTEMD_LOG_TARGET=console "$2"' \
        sh "$dir/networkd" "$networkd" >"$dir/networkd.log" 2>&1 &
    networkd_pid=$!
}
address_of() { ip -n "$1" -4 -br addr show dev eth0 | awk '{ print $3 }'; }
if [ -x $networkd ] && getent passwd systemd-network >/dev/null; then
    networkd "$e"
    until_logged 'dhcp-ack.*mac=52:54:00:00:ee:01'
    for _ in $(seq 50); do
        [ -n "$(address_of "$e")" ] && break
        sleep 0.1
    done
    like networkd-bound "$(address_of "$e")" '^10\.79\.0\.1[0-9][0-9]/24'
    like networkd-interface "$(grep 'dhcp-ack.*mac=52:54:00:00:ee:01' "$dir/log")" 'interface=eth1'
    kill "$networkd_pid"
    until_logged 'dhcp-release.*mac=52:54:00:00:ee:01'
    is networkd-release "$(logged 'dhcp-release.*mac=52:54:00:00:ee:01')" 1
    wait "$networkd_pid" 2>/dev/null
else
    echo "# systemd-networkd is not installed: its cases are left out"
fi

# ---- dhcpcd as it comes: it configures the address, after ARP; taken: DECLINE, another one
ip -n "$c" link set eth0 down address 52:54:00:00:aa:02 && ip -n "$c" link set eth0 up
taken=$(udhcpc_of "$c")
ip -n "$o" addr add "$taken/22" dev eth0
: >"$dir/empty"
ip netns exec "$c" unshare -m sh -c "mount -t tmpfs none /var/lib/dhcpcd 2>/dev/null; mount -t tmpfs none /run; exec timeout 25 dhcpcd -4 -B -f $dir/empty -c $dir/script -L eth0" \
    >"$dir/dhcpcd.log" 2>&1 &
p=$!
if until_logged "dhcp-decline.*address=$taken"; then ok dhcpcd-decline; else not_ok dhcpcd-decline "$(tail -5 "$dir/dhcpcd.log")"; fi
for _ in $(seq 200); do
    got=$(address_of "$c")
    [ -n "$got" ] && [ "${got%/*}" != "$taken" ] && break
    sleep 0.1
done
if [ -n "$got" ] && [ "${got%/*}" != "$taken" ]; then ok dhcpcd-another; else not_ok dhcpcd-another "$taken was taken, it has \"$got\": $(tail -3 "$dir/dhcpcd.log")"; fi
kill "$p" 2>/dev/null
wait "$p" 2>/dev/null
ip -n "$o" addr del "$taken/22" dev eth0
ip -n "$c" addr flush dev eth0

# ---- dhclient whose script finds the address taken
ip -n "$c" link set eth0 down address 52:54:00:00:aa:03 && ip -n "$c" link set eth0 up
taken=$(udhcpc_of "$c")
cat >"$dir/refuses" <<END
#!/bin/sh
[ "\${new_ip_address:-}" = $taken ] && exit 1
[ -n "\${new_ip_address:-}" ] && echo "\$new_ip_address" >>$dir/out
exit 0
END
chmod +x "$dir/refuses"
: >"$dir/out"
ip netns exec "$c" timeout 40 dhclient -4 -d -sf "$dir/refuses" -cf "$dir/empty" -lf "$dir/leases" -pf "$dir/pid" eth0 >"$dir/dhclient.log" 2>&1 &
p=$!
for _ in $(seq 250); do
    [ -s "$dir/out" ] && break
    sleep 0.1
done
is dhclient-decline "$(logged "dhcp-decline.*address=$taken")" 1
got=$(tail -1 "$dir/out")
if [ -n "$got" ] && [ "$got" != "$taken" ]; then ok dhclient-another; else not_ok dhclient-another "it has \"$got\": $(tail -3 "$dir/dhclient.log")"; fi
kill "$p" 2>/dev/null
wait "$p" 2>/dev/null

# ---- an avalanche: as many clients at the same instant, from a relay's address, until each has its ACK
ip netns exec "$o" timeout 60 perfdhcp -4 --scenario avalanche -R 300 -l eth0 10.77.0.1 >"$dir/perfdhcp.log" 2>&1
is avalanche "$(awk '/^received packets:/ { n += $3 } END { print n + 0 }' "$dir/perfdhcp.log")" 600 # who waits too long asks again: no drop is final
grep -E 'provision|resent' "$dir/perfdhcp.log" | sed 's/^/# /'

kill -0 "$server" 2>/dev/null && ok alive || not_ok alive "$(tail -3 "$dir/log")"
kill "$server"
wait "$server" 2>/dev/null
exit $failed
