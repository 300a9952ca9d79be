#!/bin/bash
# The TFTP clients of firmware and boot loaders, in two booting machines: OVMF's and iPXE's (the NIC's ROM under BIOS) fetch GRUB,
# which shows that it arrived whole by running; GRUB's own fetches a large file, with the network card of each kind of firmware,
# and prints the SHA-256 that it has (MIB=65: its block numbers wrap). dnsmasq gives the addresses, so that nothing but tftpd is looked at.
set -u
cd "$(dirname "$0")/../.." || exit 1
PATH=$PATH:/usr/sbin:/sbin
run=${RUN_TFTPD:-build/${VARIANT:-release}/tests/tools/run_tftpd}
skip() { echo "skipped: $*"; exit 77; }
[ "$(id -u)" = 0 ] || skip "tftp_boot.sh needs root, for its network namespace"
for tool in qemu-system-x86_64 grub-mkimage dnsmasq ip; do command -v "$tool" >/dev/null || skip "there is no $tool"; done
for file in /usr/lib/grub/x86_64-efi/efinet.mod /usr/lib/grub/i386-pc/pxe.mod /usr/share/OVMF/OVMF_CODE_4M.fd; do
    [ -f "$file" ] || skip "there is no $file"
done
[ -x "$run" ] || make -s "$run" || exit 1
run=$(realpath "$run")

ns=rs-tfb-$$ dir=$(mktemp -d) pids=()
finish() {
    local p
    for p in "${pids[@]}"; do kill "$p" 2>/dev/null; done
    wait
    ip netns del "$ns" 2>/dev/null
    rm -rf "$dir"
}
trap finish EXIT
trap 'exit 1' INT TERM
ip netns add "$ns" && ip -n "$ns" link set lo up && ip -n "$ns" link add br0 type bridge || skip "no network namespace can be made here"
ip -n "$ns" addr add 10.77.0.1/24 dev br0 && ip -n "$ns" link set br0 up
for tap in bios uefi; do
    ip netns exec "$ns" ip tuntap add "$tap" mode tap && ip -n "$ns" link set "$tap" master br0 up || skip "no tap device can be made here"
done

# GRUB with its orders inside: fetch, print the sum to the serial line, switch off.
mkdir "$dir/root"
head -c "$((${MIB:-8} << 20))" /dev/urandom >"$dir/root/large"
cat >"$dir/grub.cfg" <<'END'
serial --unit=0
terminal_output serial
echo "grub runs on $grub_platform"
hashsum --hash sha256 (tftp,10.77.0.1)/large
hashsum --hash sha256 (tftp,10.77.0.1)/missing
echo "grub is done"
halt
END
grub-mkimage -O x86_64-efi -p / -c "$dir/grub.cfg" -o "$dir/root/grub.efi" efinet tftp serial terminal echo hashsum gcry_sha256 halt || exit 1
grub-mkimage -O i386-pc-pxe -p / -c "$dir/grub.cfg" -o "$dir/root/grub.pxe" pxe tftp serial terminal echo hashsum gcry_sha256 halt || exit 1
want=$(sha256sum <"$dir/root/large" | cut -d' ' -f1)

ip netns exec "$ns" "$run" -i br0 "$dir/root" 2>"$dir/tftpd.log" &
pids+=($!)
ip netns exec "$ns" dnsmasq --no-daemon --conf-file=/dev/null --port=0 --interface=br0 --bind-interfaces --user=root --no-ping \
    --dhcp-range=10.77.0.100,10.77.0.150,1h --dhcp-leasefile="$dir/leases" --dhcp-match=set:efi,option:client-arch,7 \
    --dhcp-boot=tag:efi,grub.efi,,10.77.0.1 --dhcp-boot=tag:!efi,grub.pxe,,10.77.0.1 >"$dir/dnsmasq.log" 2>&1 &
pids+=($!)

cp /usr/share/OVMF/OVMF_VARS_4M.fd "$dir/vars"
machine() { # TAP OPTIONS...: what it says goes to TAP.console
    local tap=$1
    shift
    ip netns exec "$ns" qemu-system-x86_64 -accel tcg,thread=multi -cpu max -m 256 -nodefaults -display none -no-reboot \
        -serial "file:$dir/$tap.console" -netdev "tap,id=n,ifname=$tap,script=no,downscript=no" "$@" >"$dir/$tap.qemu" 2>&1 &
    pids+=($!)
}
machine bios -device virtio-net-pci,netdev=n,mac=52:54:00:00:01:01,bootindex=1
machine uefi -machine q35 -device virtio-net-pci,netdev=n,mac=52:54:00:00:01:02,bootindex=1,romfile= -device virtio-rng-pci \
    -drive if=pflash,unit=0,format=raw,readonly=on,file=/usr/share/OVMF/OVMF_CODE_4M.fd -drive "if=pflash,unit=1,format=raw,file=$dir/vars"

began=$SECONDS
until grep -qs "grub is done" "$dir/bios.console" && grep -qs "grub is done" "$dir/uefi.console"; do
    ((SECONDS - began < ${LIMIT:-400})) || break
    sleep 0.3
done

failed=0
check() { # NAME FILE WORDS
    if tr -d '\r' <"$dir/$2" | grep -q -- "$3"; then echo "ok tftp boot: $1"; else
        echo "not ok tftp boot: $1: no \"$3\" in $2, which ends with: $(tail -c 300 "$dir/$2" | tr -c ' -~' ' ')"
        failed=1
    fi
}
check "iPXE's client fetches GRUB, which runs (BIOS)" bios.console "grub runs on pc"
check "OVMF's client fetches GRUB, which runs (UEFI)" uefi.console "grub runs on efi"
check "GRUB's client over the PXE stack: ${MIB:-8} MiB whole" bios.console "$want"
check "GRUB's client over UEFI's: ${MIB:-8} MiB whole" uefi.console "$want"
check "and both go on after a file that is missing" bios.console "grub is done"
check "and after it" uefi.console "grub is done"
check "the server saw OVMF's probe end" tftpd.log "tftp-probe"
echo "# $((SECONDS - began)) s; $(grep -o 'tftp-sent .*' "$dir/tftpd.log" | sed 's/peer=//' | tr '\n' ';')"
((failed == 0)) || tail -n 20 "$dir/tftpd.log" "$dir/dnsmasq.log"
exit "$failed"
