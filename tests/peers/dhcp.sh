#!/bin/bash
# dhcpd against the clients and the relay that others wrote: dhclient, udhcpc, dhcpcd, perfdhcp, dhcrelay.
#
#   client(ns c) ---- br0 10.77.0.1 (ns s: the server) ---- 10.77.0.2 (ns r: dhcrelay) 10.78.0.1 ---- client(ns d)
#
# SERVER is the command that serves `-c FILE`; IMPORT imports devices by the same FILE. By default both are the program; for dhcpd alone:
#   SERVER=build/release/tests/tools/run_dhcpd IMPORT="build/release/tests/tools/run_dhcpd -i"
set -u
cd "$(dirname "$0")/../.." || exit 1

variant=${VARIANT:-release}
SERVER=${SERVER:-build/$variant/rackstrap serve --only dhcpd}
IMPORT=${IMPORT:-build/$variant/rackstrap import}
[ "$(id -u)" = 0 ] || { echo "skipped: dhcp.sh needs root, for its network namespaces"; exit 77; }
[ -x "${SERVER%% *}" ] || { echo "skipped: $SERVER is not built"; exit 77; }
for tool in dhclient udhcpc dhcpcd perfdhcp dhcrelay; do
    command -v $tool >/dev/null || { echo "skipped: dhcp.sh needs $tool"; exit 77; }
done

id=$$ s=rs-s-$$ c=rs-c-$$ r=rs-r-$$ d=rs-d-$$
dir=$(mktemp -d /tmp/rs-dhcp.XXXXXX)
chmod 711 "$dir" # the server gives up being root
failed=0 server='' jobs=''

cleanup() {
    for p in $server $jobs; do kill "$p" 2>/dev/null; done
    wait 2>/dev/null
    for n in $s $c $r $d; do
        for p in $(ip netns pids "$n" 2>/dev/null); do kill -9 "$p" 2>/dev/null; done
        ip netns del "$n" 2>/dev/null
    done
    [ -n "${KEEP:-}" ] || rm -rf "$dir"
}
trap cleanup EXIT
trap 'exit 1' INT TERM

ok() { echo "ok dhcp-$1"; }
not_ok() { echo "not ok dhcp-$1: $2"; failed=1; }
is() { if [ "$2" = "$3" ]; then ok "$1"; else not_ok "$1" "wanted \"$3\", got \"$2\""; fi; }
like() { if [[ $2 =~ $3 ]]; then ok "$1"; else not_ok "$1" "wanted $3, got \"$2\""; fi; }
in_s() { ip netns exec "$s" "$@"; }
logged() { grep -c -- "$1" "$dir/log"; }

# ---- the network
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
ip -n "$r" addr add 10.78.0.1/24 dev down0
ip netns exec "$r" sh -c 'echo 1 >/proc/sys/net/ipv4/ip_forward'
ip -n "$s" route add 10.78.0.0/24 via 10.77.0.2

mac() { # ns MAC: the machine gets another NIC, without an address
    ip -n "$1" addr flush dev eth0 && ip -n "$1" link set eth0 down address "$2" && ip -n "$1" link set eth0 up
    rm -f "$dir"/*.leases
}

# ---- the server
config() { # lease_time unknown
    cat >"$dir/config.yaml" <<END
state_dir: $dir/state
http: {listen: "0.0.0.0:8080"}
dhcp:
  interfaces: [br0]
  lease_time: $1
  subnets:
    - {prefix: 10.77.0.0/24, router: 10.77.0.1, dns: [10.77.0.1], domain: lab.example, pool: 10.77.0.100-10.77.0.219, unknown: $2}
    - {prefix: 10.78.0.0/24, router: 10.78.0.1, pool: 10.78.0.100-10.78.0.199, unknown: discover}
END
}
devices() { # address of hv-01
    cat >"$dir/devices.yaml" <<END
sites: [{slug: par1, name: Paris 1}]
devices:
  - {name: hv-01, site: par1, interfaces: [{name: eno1, mac: "52:54:00:00:00:01", address: $1/24, primary: true}]}
  - {name: hv-02, site: par1, interfaces: [{name: eno1, mac: "52:54:00:00:00:02", address: 10.78.0.12/24, primary: true}]}
END
    $IMPORT "$dir/devices.yaml" -c "$dir/config.yaml" >"$dir/import.log" 2>&1 || not_ok import "$(tail -3 "$dir/import.log")"
}
start() {
    # shellcheck disable=SC2086
    ip netns exec "$s" $SERVER -c "$dir/config.yaml" 2>>"$dir/log" &
    server=$!
    for _ in $(seq 50); do
        in_s ss -Hlun 'sport = 67' | grep -q 67 && break
        sleep 0.1
    done
    sleep 0.3
    kill -0 "$server" 2>/dev/null || { not_ok start "$(tail -3 "$dir/log")"; exit 1; }
}
stop() { # a KILL takes the server with its supervisor, as a power cut does
    if [ "${1:-}" = KILL ]; then
        for p in $(ip netns pids "$s"); do kill -9 "$p" 2>/dev/null; done
    else
        kill "$server" 2>/dev/null
    fi
    wait "$server" 2>/dev/null
    for _ in $(seq 50); do
        in_s ss -Hlun 'sport = 67' | grep -q 67 || break
        sleep 0.1
    done
    server=
}
restart() { stop; config "$@"; start; }

# ---- the clients; each prints the address it got, and leaves it alone: no script touches this machine's files
cat >"$dir/script" <<'END'
#!/bin/sh
[ -n "${new_ip_address:-}" ] && echo "$reason $new_ip_address" >>"$OUT"
[ "$1" = bound ] && echo "bound $ip $siaddr $boot_file" >>"$OUT"
[ "$1" = renew ] && echo "renew $ip" >>"$OUT"
exit 0
END
chmod +x "$dir/script"
: >"$dir/empty"
export OUT=$dir/out

run_dhclient() { # ns [options]
    local n=$1
    shift
    : >"$OUT"
    ip netns exec "$n" timeout 20 dhclient -4 -1 -d -sf "$dir/script" -cf "$dir/empty" -lf "$dir/dhclient.leases" \
        -pf "$dir/dhclient.pid" -e "OUT=$OUT" "$@" eth0 >"$dir/dhclient.log" 2>&1 &
    local p=$!
    for _ in $(seq 100); do
        [ -s "$OUT" ] && break
        sleep 0.1
    done
    sleep 0.2
    kill "$p" 2>/dev/null
    wait "$p" 2>/dev/null
    awk 'END { print $2 }' "$OUT"
}
run_udhcpc() { # ns [options]
    local n=$1
    shift
    : >"$OUT"
    ip netns exec "$n" timeout 30 udhcpc -i eth0 -n -q -f -t 5 -T 1 -s "$dir/script" "$@" >"$dir/udhcpc.log" 2>&1
    awk '$1 == "bound" { a = $2 } END { print a }' "$OUT"
}
run_dhcpcd() { # ns [options]
    local n=$1
    shift
    ip netns exec "$n" timeout 20 unshare -m sh -c "mount -t tmpfs none /var/lib/dhcpcd 2>/dev/null; mount -t tmpfs none /run 2>/dev/null; exec dhcpcd -4 -1 -T -f $dir/empty -c $dir/script $* eth0" \
        >"$dir/dhcpcd.log" 2>&1
    sed -n "s/.*new_ip_address='\{0,1\}\([0-9.]*\).*/\1/p; s/.*offered \([0-9.]*\) from.*/\1/p" "$dir/dhcpcd.log" | head -1
}

config 1h discover
mkdir -p "$dir/state"
devices 10.77.0.11
start

# ---- one NIC, three clients with three client identifiers, one address
mac "$c" 52:54:00:00:00:01
is dhclient-reserved "$(run_dhclient "$c")" 10.77.0.11
is udhcpc-reserved "$(run_udhcpc "$c")" 10.77.0.11
is dhcpcd-reserved "$(run_dhcpcd "$c")" 10.77.0.11

# ---- boot answers, as a client shows them
run_udhcpc "$c" -V PXEClient:Arch:00000:UNDI:002001 -x 0x5d:0000 >/dev/null
like boot-bios "$(tail -1 "$OUT")" "10.77.0.1 undionly.kpxe"
run_udhcpc "$c" -V PXEClient:Arch:00007:UNDI:003000 -x 0x5d:0007 >/dev/null
like boot-uefi "$(tail -1 "$OUT")" "10.77.0.1 ipxe.efi"
run_udhcpc "$c" -x 0x4d:69505845 >/dev/null
like boot-ipxe "$(tail -1 "$OUT")" 'http://10.77.0.1:8080/boot/52-54-00-00-00-01.ipxe.uuid=\$\{uuid\}&serial=\$\{serial:uristring\}&arch=\$\{buildarch\}'

# ---- strangers, the same address again, release
mac "$c" 52:54:00:00:aa:01
first=$(run_dhclient "$c")
like dhclient-pool "$first" '^10\.77\.0\.(1[0-9][0-9]|2[01][0-9])$'
is udhcpc-same "$(run_udhcpc "$c")" "$first"
: >"$OUT"
ip netns exec "$c" timeout 20 udhcpc -i eth0 -n -f -R -t 5 -T 1 -s "$dir/script" >"$dir/udhcpc.log" 2>&1 &
p=$!
sleep 1.5
ip -n "$c" addr add "$first/24" dev eth0
kill "$p" && wait "$p" 2>/dev/null
sleep 0.5
is release "$(logged "dhcp-release.*address=$first")" 1

# ---- a server killed between two asks knows its leases
mac "$c" 52:54:00:00:aa:02
second=$(run_udhcpc "$c")
stop KILL
start
is kept-over-kill "$(run_udhcpc "$c")" "$second"

# ---- the address of a device was changed: its old lease is refused, it gets the new one
mac "$c" 52:54:00:00:00:01
run_dhclient "$c" >/dev/null
devices 10.77.0.21
is init-reboot-nak "$(run_dhclient "$c")" 10.77.0.21
is init-reboot-nak-sent "$(logged 'dhcp-nak.*mac=52:54:00:00:00:01.*state=init-reboot')" 1
run_dhclient "$c" >/dev/null
like init-reboot-ack "$(logged 'dhcp-ack.*address=10.77.0.21 state=init-reboot')" '^[1-9]'

# ---- another machine has the address: DECLINE, quarantine, another one
mac "$c" 52:54:00:00:aa:03
taken=$(run_udhcpc "$c")
ip -n "$r" addr add "$taken/24" dev up0
got=$(run_udhcpc "$c" -a)
ip -n "$r" addr del "$taken/24" dev up0
[ -n "$got" ] && [ "$got" != "$taken" ] && ok decline || not_ok decline "$taken is taken, yet it got \"$got\""
is decline-heard "$(logged "dhcp-decline.*address=$taken")" 1

# ---- through a relay with option 82
ip netns exec "$r" dhcrelay -4 -d -a -id down0 -iu up0 10.77.0.1 >"$dir/dhcrelay.log" 2>&1 &
jobs="$jobs $!"
sleep 1
mac "$d" 52:54:00:00:00:02
is relay-reserved "$(run_udhcpc "$d")" 10.78.0.12
mac "$d" 52:54:00:00:aa:04
like relay-pool "$(run_dhclient "$d")" '^10\.78\.0\.1[0-9][0-9]$'

# ---- INFORM, as a client with an address of its own sends it
mac "$c" 52:54:00:00:00:01
ip -n "$c" addr add 10.77.0.21/24 dev eth0
informed=$(ip netns exec "$c" timeout 10 python3 -c '
import socket
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.settimeout(5)
s.bind(("10.77.0.21", 68))
s.sendto(bytes([1, 1, 6, 0, 9, 9, 9, 9, 0, 0, 0, 0, 10, 77, 0, 21]) + bytes(12) + bytes.fromhex("525400000001") + bytes(202)
         + bytes.fromhex("63825363350108ff"), ("10.77.0.1", 67))
m = s.recv(1500)
print(m[240:243].hex(), m[16:20].hex(), 51 in m[240:])' 2>&1)
is inform "$informed" "350105 00000000 False"

# ---- renewing by unicast; rebinding by broadcast
restart 1m discover
mac "$c" 52:54:00:00:00:01
cat >"$dir/apply" <<END
#!/bin/sh
echo "\$reason" >>$dir/reasons
case \$reason in BOUND | RENEW | REBIND | REBOOT) ip addr replace "\$new_ip_address/24" dev eth0 ;; esac
exit 0
END
chmod +x "$dir/apply"
ip netns exec "$c" timeout 60 dhclient -4 -d -sf "$dir/apply" -cf "$dir/empty" -lf "$dir/dhclient.leases" -pf "$dir/dhclient.pid" eth0 \
    >"$dir/dhclient.log" 2>&1 &
p=$!
for _ in $(seq 70); do # dhclient renews before half of the minute is over
    grep -qx RENEW "$dir/reasons" 2>/dev/null && break
    sleep 0.5
done
like renewing "$(cat "$dir/reasons")" RENEW
kill "$p" && wait "$p" 2>/dev/null
# A stand-in rebinds: the clients above take longer than a test may. It also leaves its checksum to the NIC, as virtual machines do.
ip -n "$c" addr replace 10.77.0.21/24 dev eth0
rebound=$(ip netns exec "$c" timeout 10 python3 -c '
import socket
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
s.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, b"eth0")
s.settimeout(5)
s.bind(("10.77.0.21", 68))
s.sendto(bytes([1, 1, 6, 0, 9, 9, 9, 9, 0, 0, 0, 0, 10, 77, 0, 21]) + bytes(12) + bytes.fromhex("525400000001") + bytes(202)
         + bytes.fromhex("63825363350103ff"), ("255.255.255.255", 67))
m = s.recv(1500)
print(m[240:243].hex(), m[16:20].hex())' 2>&1)
is rebinding "$rebound" "350105 0a4d0015"

# ---- unknown machines where the rule is to ignore them
restart 1h ignore
mac "$c" 52:54:00:00:aa:05
is ignore "$(run_udhcpc "$c")" ""
like ignore-counted "$(logged 'dhcp-drop.*mac=52:54:00:00:aa:05 reason=unknown-mac')" '^[1-9]'

# ---- load: 100 clients, 4-way, as a relay asks
restart 1h discover
kill ${jobs} 2>/dev/null
sleep 0.5
ip netns exec "$r" timeout 60 perfdhcp -4 -r 200 -R 60 -p 5 -W 1000000 -l up0 10.77.0.1 >"$dir/perfdhcp.log" 2>&1
drops=$(awk '/^drops ratio:/ { n++; bad += $3 > 0 } END { print n, bad + 0 }' "$dir/perfdhcp.log")
is perfdhcp "$drops" "2 0"

kill -0 "$server" 2>/dev/null && ok alive || not_ok alive "the server died: $(tail -3 "$dir/log")"
stop
exit $failed
