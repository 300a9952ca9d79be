#!/bin/bash
# DHCP options, subnets and relays, as real clients and a real relay see them: what dhclient, udhcpc and dhcpcd find in an answer, several
# interfaces, pools with holes, a shared network behind dhcrelay, and a relay that selects links.
#
#   c ---- br0 10.77.0.1 (s: the server) ---- 10.77.0.2 (r: dhcrelay, and one of our own) 10.78.0.1, 10.79.0.1 ---- d
#   e ---- br1 10.80.0.1
set -u
cd "$(dirname "$0")/../.." || exit 1

variant=${VARIANT:-release}
rackstrap=build/$variant/rackstrap
[ "$(id -u)" = 0 ] || { echo "skipped: dhcp_options.sh needs root, for its network namespaces"; exit 77; }
[ -x "$rackstrap" ] || { echo "skipped: $rackstrap is not built"; exit 77; }
for tool in dhclient udhcpc dhcpcd dhcrelay; do
    command -v $tool >/dev/null || { echo "skipped: dhcp_options.sh needs $tool"; exit 77; }
done

id=$$ s=rs-os-$$ c=rs-oc-$$ r=rs-or-$$ d=rs-od-$$ e=rs-oe-$$
dir=$(mktemp -d /tmp/rs-dhcp-options.XXXXXX)
chmod 711 "$dir" # the server gives up being root
failed=0 server='' relay=''

cleanup() {
    for p in $server $relay; do kill "$p" 2>/dev/null; done
    wait 2>/dev/null
    for n in $s $c $r $d $e; do
        for p in $(ip netns pids "$n" 2>/dev/null); do kill -9 "$p" 2>/dev/null; done
        ip netns del "$n" 2>/dev/null
    done
    [ -n "${KEEP:-}" ] || rm -rf "$dir"
}
trap cleanup EXIT
trap 'exit 1' INT TERM

ok() { echo "ok dhcp-options-$1"; }
not_ok() { echo "not ok dhcp-options-$1: $2"; failed=1; }
is() { if [ "$2" = "$3" ]; then ok "$1"; else not_ok "$1" "wanted \"$3\", got \"$2\""; fi; }
like() { if [[ $2 =~ $3 ]]; then ok "$1"; else not_ok "$1" "wanted $3, got \"$2\""; fi; }
in_s() { ip netns exec "$s" "$@"; }

# ---- the network
for n in $s $c $r $d $e; do
    ip netns add "$n" || { echo "skipped: no network namespace can be made here"; exit 77; }
    ip -n "$n" link set lo up
done
wire() { # ns name ns name
    ip link add "w$id" netns "$1" type veth peer name "x$id" netns "$3" &&
        ip -n "$1" link set "w$id" name "$2" up && ip -n "$3" link set "x$id" name "$4" up
}
ip -n "$s" link add br0 type bridge forward_delay 0 && ip -n "$s" link set br0 up
wire "$s" p0 "$c" eth0 && wire "$s" p1 "$r" up0 && wire "$r" down0 "$d" eth0 && wire "$s" br1 "$e" eth0
for p in p0 p1; do ip -n "$s" link set $p master br0; done
ip -n "$s" addr add 10.77.0.1/24 dev br0
ip -n "$s" addr add 10.80.0.1/24 dev br1
ip -n "$r" addr add 10.77.0.2/24 dev up0
ip -n "$r" addr add 10.78.0.1/24 dev down0
ip -n "$r" addr add 10.79.0.1/24 dev down0
ip netns exec "$r" sh -c 'echo 1 >/proc/sys/net/ipv4/ip_forward'
for net in 10.78.0.0/24 10.79.0.0/24 10.99.0.0/24; do ip -n "$s" route add $net via 10.77.0.2; done
ip -n "$r" addr add 10.99.0.1/24 dev lo

mac() { # ns MAC: the machine gets another NIC, without an address
    ip -n "$1" addr flush dev eth0 && ip -n "$1" link set eth0 down address "$2" && ip -n "$1" link set eth0 up
    rm -f "$dir"/*.leases
}

# ---- the server: the same option in several places, so that each client shows which of them won
long=$(printf '%090d' 0)
cat >"$dir/config.yaml" <<END
state_dir: $dir/state
http: {listen: "127.0.0.1:8080"}
dhcp:
  interfaces: [br0, br1]
  probe: 0
  options:
    ntp-servers: 10.0.0.1
    time-servers: 10.0.0.1
    log-servers: 10.0.0.1
    domain-name-servers: [10.0.0.1]
    interface-mtu: 1400
  subnets:
    - prefix: 10.77.0.0/24
      router: 10.77.0.1
      dns: [10.77.0.1]
      domain: lab.example
      pools: [10.77.0.100-10.77.0.149, 10.77.0.160-10.77.0.199]
      unknown: discover
      options:
        time-servers: 10.0.0.2
        log-servers: 10.0.0.2
        interface-mtu: 1300
        domain-search: [a.lab.example, lab.example, other.example]
        classless-static-routes: [10.1.0.0/16 via 10.77.0.2, 192.168.7.128/25 via 10.77.0.3]
    - {prefix: 10.78.0.0/24, shared_network: far, router: 10.78.0.1, pool: 10.78.0.100-10.78.0.100, unknown: discover,
       options: {root-path: "1$long", nis-domain: "2$long", 101: "3$long"}}
    - {prefix: 10.79.0.0/24, shared_network: far, router: 10.79.0.1, pool: 10.79.0.100-10.79.0.120, unknown: discover, lease_time: 10m}
    - {prefix: 10.80.0.0/24, pool: 10.80.0.100-10.80.0.104, exclude: [10.80.0.100, 10.80.0.102-10.80.0.104], unknown: discover}
END
devices() { # log server of hv-01
    cat >"$dir/devices.yaml" <<END
sites: [{slug: par1, name: Paris 1, dhcp_options: {log-servers: 10.0.0.4, tftp-server-name: site.example}}]
roles: [{slug: hv, dhcp_options: {log-servers: 10.0.0.3, tftp-server-name: role.example, 150: [10.0.0.3, 10.0.0.33], 43: "hex:0104c0a80001"}}]
devices:
  - name: hv-01
    site: par1
    role: hv
    interfaces: [{name: eno1, mac: "52:54:00:00:00:01", address: 10.77.0.11/24, primary: true}]
    dhcp_options: {log-servers: $1, 224: {type: uint16, value: 5}, posix-timezone: {value: "UTC0", always: true}}
  - name: hv-02
    role: hv
    interfaces: [{name: eno1, mac: "52:54:00:00:00:02", address: 10.79.0.12/24, primary: true}]
END
    in_s "$rackstrap" import "$dir/devices.yaml" -c "$dir/config.yaml" >"$dir/import.log" 2>&1 || not_ok import "$(tail -3 "$dir/import.log")"
}
start() {
    ip netns exec "$s" "$rackstrap" serve --only dhcpd -c "$dir/config.yaml" 2>>"$dir/log" &
    server=$!
    for _ in $(seq 300); do
        [ "$(grep -c 'dhcp-serve' "$dir/log")" -ge "$1" ] && return
        sleep 0.1
    done
    not_ok start "$(tail -3 "$dir/log")"
    exit 1
}
stop() {
    kill "$server" 2>/dev/null
    wait "$server" 2>/dev/null
    server=
}

# ---- the clients: each leaves what it found in an answer in a file, one NAME=VALUE a line
cat >"$dir/script" <<'END'
#!/bin/sh
case "${reason:-$1}" in BOUND | REBOOT | bound) env >"$OUT" ;; esac
exit 0
END
chmod +x "$dir/script"
: >"$dir/empty"
cat >"$dir/dhclient.conf" <<'END'
option rfc3442 code 121 = array of unsigned integer 8;
option tftps code 150 = array of ip-address;
option own code 224 = unsigned integer 16;
option ptz code 100 = text;
option tz code 101 = text;
request subnet-mask, routers, domain-name, domain-name-servers, ntp-servers, time-servers, log-servers, interface-mtu, domain-search, rfc3442,
    tftp-server-name, tftps, own, vendor-encapsulated-options, root-path, nis-domain, tz;
END
export OUT=$dir/out

run_dhclient() { # ns
    rm -f "$OUT"
    ip netns exec "$1" timeout 40 dhclient -4 -1 -d -sf "$dir/script" -cf "$dir/dhclient.conf" -lf "$dir/dhclient.leases" \
        -pf "$dir/dhclient.pid" -e "OUT=$OUT" eth0 >"$dir/dhclient.log" 2>&1 &
    local p=$!
    for _ in $(seq 300); do
        [ -s "$OUT" ] && break
        sleep 0.1
    done
    sleep 0.2
    kill "$p" 2>/dev/null
    wait "$p" 2>/dev/null
    touch "$OUT"
}
run_udhcpc() { # ns [options]
    local n=$1
    shift
    : >"$OUT"
    ip netns exec "$n" timeout 30 udhcpc -i eth0 -n -q -f -t 4 -T 1 -s "$dir/script" "$@" >"$dir/udhcpc.log" 2>&1
}
run_dhcpcd() { # ns OPTIONS; it takes no variable over to its script
    : >"$OUT"
    printf 'noarp\noption %s\n' "$2" >"$dir/dhcpcd.conf"
    printf '#!/bin/sh\n[ "$reason" != BOUND ] || env >%s\n' "$OUT" >"$dir/dhcpcd.script"
    chmod +x "$dir/dhcpcd.script"
    ip netns exec "$1" timeout 20 unshare -m sh -c "mount -t tmpfs none /var/lib/dhcpcd 2>/dev/null; mount -t tmpfs none /run 2>/dev/null
        exec dhcpcd -4 -1 -B -f $dir/dhcpcd.conf -c $dir/dhcpcd.script eth0" >"$dir/dhcpcd.log" 2>&1
}
found() { sed -n "s/^$1='\{0,1\}\([^']*\)'\{0,1\}$/\1/p" "$OUT" | head -1; }
want() { # case name value
    is "$1-$2" "$(found "$2")" "$3"
}

mkdir -p "$dir/state"
devices 10.0.0.5
start 2

# ---- a device: the most specific of five places, by dhclient
mac "$c" 52:54:00:00:00:01
run_dhclient "$c"
want device new_ip_address 10.77.0.11
want device new_ntp_servers 10.0.0.1            # the server's
want device new_time_servers 10.0.0.2           # the subnet's
want device new_interface_mtu 1300              # the subnet's over the server's
want device new_tftp_server_name site.example   # the site's over the role's
want device new_log_servers 10.0.0.5            # its own over all others
want device new_domain_name_servers 10.77.0.1   # `dns` of the subnet over the server's option
want device new_tftps "10.0.0.3 10.0.0.33"      # the role's, by code
want device new_own 5                           # a code that no table has
want device new_vendor_encapsulated_options 1:4:c0:a8:0:1
want device new_ptz UTC0                        # never asked for, but to everyone
want device new_domain_search "a.lab.example. lab.example. other.example."
want device new_rfc3442 "16 10 1 10 77 0 2 25 192 168 7 128 10 77 0 3 0 10 77 0 1"
want device new_routers ""                      # RFC 3442: it asked for classless routes

# ---- a change of the inventory is in the next answer
devices 10.0.0.55
run_dhclient "$c"
want changed new_log_servers 10.0.0.55
shown=$(in_s "$rackstrap" device show hv-01 -c "$dir/config.yaml")
like shown "$shown" 'name log-servers, value 10.0.0.55, from device'
like shown-site "$shown" 'name tftp-server-name, value site.example, from site'

# ---- a stranger, by udhcpc: what it asks for and nothing else
mac "$c" 52:54:00:00:aa:01
run_udhcpc "$c" -O ntpsrv -O search -O staticroutes -O mtu -O 150
want stranger ntpsrv 10.0.0.1
want stranger mtu 1300
want stranger search "a.lab.example lab.example other.example"
want stranger staticroutes "10.1.0.0/16 10.77.0.2 192.168.7.128/25 10.77.0.3 0.0.0.0/0 10.77.0.1"
want stranger opt150 ""
run_udhcpc "$c" -o -O router
want unasked ntpsrv ""
want unasked router 10.77.0.1

# ---- by dhcpcd
mac "$c" 52:54:00:00:00:01
run_dhcpcd "$c" ntp_servers,log_servers,domain_search,classless_static_routes,interface_mtu
want dhcpcd new_log_servers 10.0.0.55
want dhcpcd new_interface_mtu 1300
want dhcpcd new_domain_search "a.lab.example lab.example other.example"
want dhcpcd new_classless_static_routes "10.1.0.0/16 10.77.0.2 192.168.7.128/25 10.77.0.3 0.0.0.0/0 10.77.0.1"

ip -n "$c" route flush dev eth0 2>/dev/null

# ---- another interface, a pool with holes: one address is left of it
mac "$e" 52:54:00:00:bb:01
run_udhcpc "$e"
want second-interface ip 10.80.0.101
want second-interface siaddr ""
mac "$e" 52:54:00:00:bb:02
run_udhcpc "$e" -t 2
want pool-is-full ip ""
like pool-is-full-said "$(cat "$dir/log")" 'mac=52:54:00:00:bb:02 reason=pool-full'

# ---- two subnets on the link behind a real relay: its giaddr is in one of them, the addresses in both
ip netns exec "$r" dhcrelay -4 -d -a -id down0 -iu up0 10.77.0.1 >"$dir/dhcrelay.log" 2>&1 &
relay=$!
for _ in $(seq 50); do
    ip netns exec "$r" ss -Hlun 'sport = 67' | grep -q 67 && break
    sleep 0.1
done
mac "$d" 52:54:00:00:00:02
run_udhcpc "$d" -O lease
want shared-reserved ip 10.79.0.12
want shared-reserved router 10.79.0.1
want shared-reserved lease 600 # of the subnet that the address is in
mac "$d" 52:54:00:00:cc:01
run_dhclient "$d"
want shared-first new_ip_address 10.78.0.100
want shared-first new_routers 10.78.0.1
# More options than 548 bytes hold: the rest is in `file` and `sname` (option 52).
want overload new_root_path "1$long"
want overload new_nis_domain "2$long"
want overload new_tz "3$long"
run_udhcpc "$d" -O rootpath -O nisdomain -O 101
want overload rootpath "1$long"
want overload nisdomain "2$long"
run_dhcpcd "$d" root_path,nis_domain
want overload-dhcpcd new_root_path "1$long"
mac "$d" 52:54:00:00:cc:02
run_udhcpc "$d"
want shared-second ip 10.79.0.100
kill "$relay" && wait "$relay" 2>/dev/null
relay=

# ---- a relay of our own: link selection, server override, and whom not to believe
cat >"$dir/relay.py" <<'END'
import socket, sys
def ip(a): return socket.inet_aton(a)
def ask(source, mac, options, ciaddr="0.0.0.0", giaddr=None, port=67, kind=1, wait=10):
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    s.bind((source, port))
    s.settimeout(wait)
    giaddr = source if giaddr is None else giaddr
    m = bytes([1, 1, 6, 1, 9, 9, 9, 9, 0, 0, 0, 0]) + ip(ciaddr) + bytes(8) + ip(giaddr) + bytes.fromhex(mac.replace(":", "")) + bytes(202)
    m += bytes.fromhex("63825363") + bytes([53, 1, kind]) + options + b"\xff"
    s.sendto(m, ("10.77.0.1", 67))
    try:
        a = s.recv(1500)
    except socket.timeout:
        return print("silence")
    finally:
        s.close()
    found, rest, last = {}, a[240:], 0
    while rest and rest[0] != 255:
        if rest[0]:
            last = rest[0]
            found[last] = rest[2:2 + rest[1]]
            rest = rest[2 + rest[1]:]
        else:
            rest = rest[1:]
    print({2: "offer", 5: "ack", 6: "nak"}[found[53][0]], socket.inet_ntoa(a[16:20]), socket.inet_ntoa(found[54]), "last", last)
def link(net, override=None):
    v = bytes([5, 4]) + ip(net) if net else b""
    v += bytes([11, 4]) + ip(override) if override else b""
    return bytes([82, len(v)]) + v
m = "52:54:00:00:dd:01"
what = sys.argv[1]
if what == "select": ask("10.77.0.2", m, link("10.79.0.0"))
if what == "override": ask("10.77.0.2", m, link(None, "10.77.0.2"))
if what == "nowhere": ask("10.77.0.2", m, link("10.66.0.0"), wait=1)
if what == "stranger": ask("10.99.0.1", m, link("10.79.0.0"), wait=1)
if what == "named": ask("10.99.0.1", m, link("10.79.0.0"))
if what == "unnamed": ask("10.77.0.2", m, b"", wait=1)
if what == "forged": ask("10.77.0.2", m, link("10.79.0.0", "10.77.0.2") + bytes([118, 4]) + ip("10.79.0.0"), giaddr="0.0.0.0", wait=1)
if what == "big": ask("10.77.0.2", m, bytes([82, 202, 1, 200]) + bytes(200) + bytes([61, 200]) + bytes(200))
if what == "renew": ask(sys.argv[2], sys.argv[3], b"", ciaddr=sys.argv[2], giaddr="0.0.0.0", port=68, kind=3)
if what == "reboot": ask("10.77.0.2", sys.argv[2], link("10.78.0.0") + bytes([50, 4]) + ip(sys.argv[3]), kind=3, wait=float(sys.argv[4]))
END
as_relay() { ip netns exec "$r" python3 "$dir/relay.py" "$@" 2>&1 | tail -1; }
like link-selection "$(as_relay select)" '^offer 10\.79\.0\.1[0-9][0-9] 10\.77\.0\.1 last 82$'
like server-override "$(as_relay override)" '^offer 10\.77\.0\.1[0-9][0-9] 10\.77\.0\.2 last 82$'
is selects-nothing "$(as_relay nowhere)" silence
is stranger "$(as_relay stranger)" silence
like stranger-said "$(cat "$dir/log")" 'reason=untrusted-relay'
big=$(as_relay big) # both do not fit: the client's identifier is what it must have
[[ $big == offer* && $big != *"last 82" ]] && ok without-relay-info || not_ok without-relay-info "$big"
ip -n "$r" addr add 10.79.0.12/24 dev lo 2>/dev/null
ip -n "$r" addr add 10.78.0.100/24 dev lo 2>/dev/null
like renew-in-one "$(as_relay renew 10.79.0.12 52:54:00:00:00:02)" "^ack 10.79.0.12 10.77.0.1 "
like renew-in-other "$(as_relay renew 10.78.0.100 52:54:00:00:cc:01)" "^ack 10.78.0.100 10.77.0.1 "
is reboot-right "$(as_relay reboot 52:54:00:00:cc:01 10.78.0.100 10)" "ack 10.78.0.100 10.77.0.1 last 82"
is reboot-other-subnet "$(as_relay reboot 52:54:00:00:00:02 10.79.0.12 10)" "ack 10.79.0.12 10.77.0.1 last 82"
is reboot-wrong-network "$(as_relay reboot 52:54:00:00:cc:01 10.77.0.100 10)" "nak 0.0.0.0 10.77.0.1 last 82"
is reboot-unknown "$(as_relay reboot 52:54:00:00:dd:77 10.78.0.100 1)" silence

# ---- relays that are named are believed, and nobody else
stop
like without-relay-info-counted "$(cat "$dir/log")" 'without-relay-info packets=1'
sed -i 's|^  probe: 0|  probe: 0\n  relays: [10.99.0.0/24]|' "$dir/config.yaml"
start 4
like named "$(as_relay named)" '^offer 10\.79\.0\.1[0-9][0-9] 10\.77\.0\.1 last 82$'
is unnamed "$(as_relay unnamed)" silence

# ---- addresses that no machine may have
sed 's|10.79.0.12/24|10.79.0.1/24|' "$dir/devices.yaml" >"$dir/router.yaml"
like import-router "$(in_s "$rackstrap" import "$dir/router.yaml" -c "$dir/config.yaml" 2>&1)" 'router.yaml:11:.*10.79.0.1 is the router of 10.79.0.0/24'
sed 's|10.77.0.11/24|10.80.0.1/24|' "$dir/devices.yaml" >"$dir/own.yaml"
like import-own "$(in_s "$rackstrap" import "$dir/own.yaml" -c "$dir/config.yaml" 2>&1)" "10.80.0.1 is this server's own, on br1"
like ip-own "$(in_s "$rackstrap" ip 10.80.0.1 -c "$dir/config.yaml")" "use: this server's own, on br1"
like ip-router "$(in_s "$rackstrap" ip 10.78.0.1 -c "$dir/config.yaml")" "use: the router of 10.78.0.0/24"

kill -0 "$server" 2>/dev/null && ok alive || not_ok alive "the server died: $(tail -3 "$dir/log")"
stop
exit $failed
