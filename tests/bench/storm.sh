#!/bin/bash
# A boot storm: N stand-in machines of the inventory, a job armed for each, do all that a machine does up to the installer: DHCP as firmware,
# the loader by TFTP, DHCP as iPXE, boot script, kernel and initramfs by HTTP. All start within a second (tests/bench/storm.c).
#   tests/bench/storm.sh [-n MACHINES] [-k KERNEL-MiB] [-i INITRAMFS-MiB]
# Prints time, p50 and p99 of each step, CPU and memory of each server. Ends with 1 if a machine failed; 77 if it cannot run.
set -u
cd "$(dirname "$0")/../.." || exit 1

machines=1000 kernel=8 initramfs=20
SERVER=${SERVER:-build/${VARIANT:-release}/rackstrap}
while getopts n:k:i: o; do
    case $o in
    n) machines=$OPTARG ;;
    k) kernel=$OPTARG ;;
    i) initramfs=$OPTARG ;;
    *) echo "usage: storm.sh [-n MACHINES] [-k KERNEL-MiB] [-i INITRAMFS-MiB]" >&2; exit 2 ;;
    esac
done
PATH=$PATH:/usr/sbin
[ "$(id -u)" = 0 ] || { echo "skipped: bench/storm.sh needs root, for its network namespaces"; exit 77; }
[ -x "$SERVER" ] || { echo "skipped: there is no $SERVER (make)"; exit 77; }
command -v sgdisk >/dev/null || { echo "skipped: there is no sgdisk (package gdisk)"; exit 77; }
((machines > 0 && machines <= 30000)) || { echo "storm.sh: -n takes 1 to 30000" >&2; exit 2; }

s=rs-ss-$$ r=rs-sr-$$
dir=$(mktemp -d "${TMPDIR:-/tmp}/rs-storm.XXXXXX")
chmod 711 "$dir" # the servers give up being root
cleanup() {
    local n p
    for n in $s $r; do
        for p in $(ip netns pids "$n" 2>/dev/null); do kill -9 "$p" 2>/dev/null; done
        ip netns del "$n" 2>/dev/null
    done
    [ -n "${KEEP:-}" ] || rm -rf "$dir"
}
trap cleanup EXIT
trap 'exit 1' INT TERM
cc -std=gnu11 -D_GNU_SOURCE -O2 -o "$dir/storm" tests/bench/storm.c || exit 77

ip netns add "$s" && ip netns add "$r" || { echo "skipped: no network namespace can be made here"; exit 77; }
ip link add rss0 netns "$s" type veth peer name rsr0 netns "$r" || exit 77
ip -n "$s" addr add 10.73.0.1/16 dev rss0 && ip -n "$s" link set lo up && ip -n "$s" link set rss0 up
ip -n "$r" link set lo up && ip -n "$r" link set rsr0 up
# Machine I has 10.73.1.0 + I and 02:73:00 + I.
address() { echo "10.73.$((1 + $1 / 256)).$(($1 % 256))"; }
for ((i = 0; i < machines; i++)); do echo "addr add $(address $i)/16 dev rsr0"; done | ip -n "$r" -batch -

# ---- the store: a release, and a device with a job for each machine
state=$dir/state
mkdir -p "$state/tftp" "$state/netboot" "$state/images"
head -c 872448 /dev/urandom >"$state/tftp/ipxe.efi" # as long as Debian's
head -c "${kernel}M" /dev/urandom >"$state/netboot/vmlinuz"
head -c "${initramfs}M" /dev/urandom >"$state/netboot/initrd.img"
cat >"$dir/conf" <<END
state_dir: $state
user: nobody
http: {listen: "10.73.0.1:8080"}
dhcp:
  interfaces: [rss0]
  subnets: [{prefix: 10.73.0.0/16, router: 10.73.0.1}]
tftp: {interfaces: [rss0]}
END
export RACKSTRAP_CONFIG=$dir/conf
truncate -s 8M "$dir/raw" && sgdisk -a 2048 -n 1:2048:0 -t 1:8300 "$dir/raw" >/dev/null || exit 1
"$SERVER" image frame storm "$dir/raw" >"$dir/log" 2>&1 || { tail -n 3 "$dir/log"; exit 1; }
{
    echo "sites: [{slug: par1, name: Paris 1}]"
    echo "devices:"
    for ((i = 0; i < machines; i++)); do
        printf '  - {name: hv-%05d, site: par1, image: storm, interfaces: [{name: eno1, mac: "02:73:00:00:%02x:%02x", address: %s/16, primary: true}]}\n' \
            "$i" $((i / 256)) $((i % 256)) "$(address $i)"
    done
} >"$dir/rack.yaml"
"$SERVER" import "$dir/rack.yaml" --count "$machines" >>"$dir/log" 2>&1 || { tail -n 3 "$dir/log"; exit 1; }

# ---- the servers
ip netns exec "$s" "$SERVER" serve >"$dir/serve.log" 2>&1 &
for _ in $(seq 100); do
    (($(ip netns exec "$s" ss -Hlun 'sport = 67 or sport = 69' | wc -l) >= 2)) && ip netns exec "$s" ss -Hltn 'sport = 8080' | grep -q 8080 && break
    sleep 0.1
done
sleep 0.5

usage() { # NAME: CPU in hundredths of a second, highest resident memory and the part of it that is its own, in MiB
    local p
    for p in $(ip netns pids "$s"); do
        [ "$(cat "/proc/$p/comm" 2>/dev/null)" = "$1" ] || continue
        echo "$(sed 's/.*) //' "/proc/$p/stat" | awk '{ print $12 + $13 }') $(awk '/^VmHWM/ { h = $2 } /^RssAnon/ { a = $2 } END { print h / 1024, a / 1024 }' "/proc/$p/status")"
    done | awk '{ c += $1; h += $2; a += $3 } END { print c + 0, h + 0, a + 0 }'
}
declare -A before
for name in dhcpd tftpd httpboot courier; do before[$name]=$(usage $name); done
ip netns exec "$r" "$dir/storm" rsr0 10.73.0.1 "$(address 0)" "$machines" "$state/tftp/ipxe.efi" "$state/netboot/vmlinuz" "$state/netboot/initrd.img"
status=$?
printf '%-20s %9s %12s %12s\n' server 'CPU s' 'RSS MiB' 'own MiB'
for name in dhcpd tftpd httpboot courier; do
    read -r cpu rss own <<<"$(usage $name)"
    awk -v n="$name" -v c="$cpu" -v b="${before[$name]%% *}" -v r="$rss" -v o="$own" 'BEGIN { printf "%-20s %9.2f %12.0f %12.0f\n", n, (c - b) / 100, r, o }'
done
if grep -E 'warn|error' "$dir/serve.log" | grep -v no-user | head -n 5 | grep .; then echo "(the servers' log complains)"; fi
exit $status
