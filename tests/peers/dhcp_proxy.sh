#!/bin/bash
# shellcheck disable=SC2317 # called by name
# `dhcp.mode: proxy` beside dnsmasq, which gives the addresses and names no boot file. Machines whose own firmware boots: SeaBIOS with iPXE
# in the NIC, OVMF by PXE (through port 4011) and by HTTP, each up to its script. A client that does not boot hears dnsmasq alone. What no
# firmware here sends, a BIOS ROM that is not iPXE, is asked as bytes, and so is port 4011.
#
#   dnsmasq 10.77.0.1 (ns o) ---- br0 10.77.0.2 (ns s: the server, the machines) ---- client (ns c)
set -u
cd "$(dirname "$0")/../.." || exit 1
rackstrap=${RACKSTRAP:-build/${VARIANT:-release}/rackstrap}
skip() { echo "skipped: $*"; exit 77; }
# shellcheck source=tests/peers/machines.bash
. tests/peers/machines.bash
[ "$(id -u)" = 0 ] || skip "dhcp_proxy.sh needs root, for its network namespaces"
[ -x "$rackstrap" ] || skip "there is no $rackstrap; run make"
need_machines
for program in dnsmasq udhcpc; do command -v $program >/dev/null || skip "there is no $program"; done

ns=rs-ps-$$ o=rs-po-$$ c=rs-pc-$$
dir=$(mktemp -d /tmp/rackstrap-proxy.XXXXXX)
chmod 755 "$dir"
failed=0
cleanup() {
    local n pid
    for n in "$ns" "$o" "$c"; do
        for pid in $(ip netns pids "$n" 2>/dev/null); do kill -KILL "$pid" 2>/dev/null; done
        ip netns del "$n" 2>/dev/null
    done
    rm -rf "$dir"
}
trap cleanup EXIT
trap 'exit 1' INT TERM
for n in "$ns" "$o" "$c"; do ip netns add "$n" && ip -n "$n" link set lo up || skip "no network namespace can be made here"; done
ip -n "$ns" link add br0 type bridge forward_delay 0 && ip -n "$ns" link set br0 up && ip -n "$ns" addr add 10.77.0.2/24 dev br0
for n in "$o" "$c"; do
    ip link add eth0 netns "$n" type veth peer name "${n%-*}" netns "$ns"
    ip -n "$ns" link set "${n%-*}" master br0 up && ip -n "$n" link set eth0 up
done
ip -n "$o" addr add 10.77.0.1/24 dev eth0
ip -n "$c" link set eth0 down address 52:54:00:00:00:0a && ip -n "$c" link set eth0 up

ok() { echo "ok proxy-$1"; }
not_ok() { echo "not ok proxy-$1: $2"; failed=1; }
is() { if [ "$2" = "$3" ]; then ok "$1"; else not_ok "$1" "wanted \"$3\", got \"$2\""; fi; }
events() { "$rackstrap" events "$1" -c "$dir/rackstrap.yaml"; }
happened() { events "$1" | grep -q "$2"; }
within() { # SECONDS COMMAND...
    local deadline=$((SECONDS + $1))
    shift
    until "$@"; do
        [ $SECONDS -lt $deadline ] || return 1
        sleep 0.3
    done
}

ip netns exec "$o" dnsmasq -d -C /dev/null --port=0 --interface=eth0 --bind-interfaces --dhcp-range=10.77.0.100,10.77.0.150,1h \
    --dhcp-host=52:54:00:00:00:01,10.77.0.11 --dhcp-host=52:54:00:00:00:02,10.77.0.12 --dhcp-host=52:54:00:00:00:03,10.77.0.13 \
    --dhcp-host=52:54:00:00:00:0a,10.77.0.20 --dhcp-leasefile="$dir/dnsmasq.leases" --log-dhcp >"$dir/dnsmasq" 2>&1 &
mkdir -p "$dir/state/tftp"
cp /usr/lib/ipxe/{undionly.kpxe,ipxe.efi,snponly.efi} "$dir/state/tftp/"
cat >"$dir/rackstrap.yaml" <<END
state_dir: $dir/state
dhcp:
  interfaces: [br0]
  mode: proxy
  subnets: [{prefix: 10.77.0.0/24, unknown: ignore}]
tftp: {interfaces: [br0]}
END
{
    echo devices:
    for n in 1 2 3 a; do
        echo "  - {name: hv-0$n, interfaces: [{name: eno1, mac: \"52:54:00:00:00:0$n\", address: 10.77.0.1$n/24, primary: true}]}"
    done
} | sed 's/10.77.0.1a/10.77.0.20/' >"$dir/rack.yaml"
"$rackstrap" import "$dir/rack.yaml" -c "$dir/rackstrap.yaml" >"$dir/import" 2>&1 || not_ok import "$(cat "$dir/import")"
ip netns exec "$ns" "$rackstrap" serve -c "$dir/rackstrap.yaml" >"$dir/log" 2>&1 &
within 30 grep -q 'dhcp-serve.*mode=proxy' "$dir/log" || not_ok serve "$(tail -n 5 "$dir/log")"

# ---- as bytes: prints what the offers and answers of 10.77.0.2 hold
cat >"$dir/ask.py" <<'END'
import socket, struct, sys

MAC = bytes.fromhex(sys.argv[2])
SERVER = b"\x0a\x4d\x00\x02"

def message(kind, arch, ciaddr, more=b""):
    options = b"\x35\x01" + bytes([kind]) + b"\x3c\x14PXEClient:Arch:%05d" % arch + b"\x5d\x02" + struct.pack(">H", arch)
    options += b"\x61\x11\x00" + bytes(range(16)) + more + b"\xff"
    return bytes([1, 1, 6, 0, 7, 7, 7, 7, 0, 0, 0x80, 0]) + ciaddr + bytes(12) + MAC + bytes(202) + b"\x63\x82\x53\x63" + options

def read(m):
    got, at = {}, 240
    while m[at] != 255:
        if m[at] == 0:
            at += 1
            continue
        got[m[at]] = m[at + 2:at + 2 + m[at + 1]]
        at += 2 + m[at + 1]
    yiaddr = socket.inet_ntoa(m[16:20])
    siaddr = socket.inet_ntoa(m[20:24])
    file = m[108:236].rstrip(b"\0").decode() or "-"
    return f"type={got[53][0]} yiaddr={yiaddr} siaddr={siaddr} file={file} 60={got.get(60, b'-').decode()} 43={got.get(43, b'').hex() or '-'} 97={97 in got}"

s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
s.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, b"eth0")
s.settimeout(float(sys.argv[4]) if len(sys.argv) > 4 else 10)
what, arch = sys.argv[1], int(sys.argv[3])
if what == "offer":
    s.bind(("", 68))
    s.sendto(message(1, arch, bytes(4)), ("255.255.255.255", 67))
else:
    s.bind(("10.77.0.20", int(what)))
    s.sendto(message(3, arch, b"\x0a\x4d\x00\x14"), ("10.77.0.2", 4011))
try:
    while True:
        m, (peer, port) = s.recvfrom(2000)
        if peer == "10.77.0.2":
            print(f"from={port} {read(m)}")
            break
except socket.timeout:
    print("silence")
END
ask() { ip netns exec "$c" python3 "$dir/ask.py" "$@" 2>&1; }
ip -n "$c" addr add 10.77.0.20/24 dev eth0
is offer-bios "$(ask offer 52540000000a 0)" \
    "from=67 type=2 yiaddr=0.0.0.0 siaddr=10.77.0.2 file=undionly.kpxe 60=PXEClient 43=060108ff 97=True"
is offer-uefi "$(ask offer 52540000000a 7)" "from=67 type=2 yiaddr=0.0.0.0 siaddr=10.77.0.2 file=- 60=PXEClient 43=- 97=True"
is ack-uefi "$(ask 4011 52540000000a 7)" \
    "from=4011 type=5 yiaddr=0.0.0.0 siaddr=10.77.0.2 file=ipxe.efi 60=PXEClient 43=- 97=True"
is ack-uefi-from-68 "$(ask 68 52540000000a 9)" \
    "from=4011 type=5 yiaddr=0.0.0.0 siaddr=10.77.0.2 file=ipxe.efi 60=PXEClient 43=- 97=True"
is ack-bios "$(ask 4011 52540000000a 0)" \
    "from=4011 type=5 yiaddr=0.0.0.0 siaddr=10.77.0.2 file=undionly.kpxe 60=PXEClient 43=060108ff 97=True"
is unknown-is-ignored "$(ask offer 5254000000ff 0 2)" silence
is unknown-is-ignored-on-4011 "$(ask 4011 5254000000ff 7 2)" silence

# ---- a client that does not boot: dnsmasq's address, and nothing of ours
ip -n "$c" addr flush dev eth0
cat >"$dir/script" <<END
#!/bin/sh
[ "\$1" = bound ] && echo "\$ip \$serverid \${boot_file:--}" >"$dir/bound"
exit 0
END
chmod +x "$dir/script"
ip netns exec "$c" timeout 20 udhcpc -i eth0 -n -q -f -t 5 -T 2 -s "$dir/script" >"$dir/udhcpc" 2>&1
is udhcpc "$(cat "$dir/bound" 2>/dev/null)" "10.77.0.20 10.77.0.1 -"
is not-booting "$(grep -c 'dhcp-drop.*reason=not-booting' "$dir/log")" 1

# ---- machines
SECONDS=0
machine hv-01 52:54:00:00:00:01 bios
machine hv-02 52:54:00:00:00:02 uefi-pxe
machine hv-03 52:54:00:00:00:03 uefi-http
n=0
for kind in bios-ipxe-rom uefi-pxe uefi-http; do
    n=$((n + 1))
    if within 180 happened hv-0$n ' script '; then ok "$kind (after $SECONDS s)"; else
        not_ok $kind "no script; $(events hv-0$n) $(shown hv-0$n) $(tail -n 5 "$dir/log")"
    fi
done
# Once or, where the machine is slow and the firmware asks again, more often.
if grep -q 'dhcp-ack.*mac=52:54:00:00:00:02.*state=proxy client=uefi-x64 ' "$dir/log"; then ok by-4011; else
    not_ok by-4011 "$(grep 'mac=52:54:00:00:00:02' "$dir/log")"
fi
if happened hv-02 'loader .*ipxe.efi.*by TFTP' && happened hv-03 'loader .*ipxe.efi.*by HTTP'; then ok loaders; else not_ok loaders "$(events hv-02) $(events hv-03)"; fi
if happened hv-02 'boot-offer .*its uefi-x64 client was offered ipxe.efi'; then ok journal; else not_ok journal "$(events hv-02)"; fi
is no-leases "$("$rackstrap" lease list --json -c "$dir/rackstrap.yaml")" "[]"
exit $failed
