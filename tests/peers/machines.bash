# machines.bash: machines in QEMU for the peer scripts, without the lab around them. Source it; shellcheck shell=bash
#
# `machine` starts one in the namespace $ns, on a tap of the bridge br0; what it shows is in $dir/NAME.console. The firmware's own
# clients ask for addresses and load: SeaBIOS with iPXE as the NIC's ROM, OVMF by PXE, OVMF by HTTP. Without KVM: it may exist and hang.

need_machines() { # skips the script where there are none
    local x
    for x in qemu-system-x86_64 ip python3; do command -v "$x" >/dev/null || skip "there is no $x"; done
    for x in /usr/share/OVMF/OVMF_CODE_4M.fd /usr/share/OVMF/OVMF_VARS_4M.fd /usr/lib/ipxe/ipxe.efi; do
        [ -e "$x" ] || skip "there is no $x (packages ovmf, ipxe)"
    done
}

machine() { # NAME MAC bios|uefi-pxe|uefi-http
    local name=$1 mac=$2 rom=,romfile= arguments=()
    case $3 in
    bios) arguments=(-machine pc,graphics=off -boot n) rom= ;;
    *) # IPv6's turn would come before HTTP's, and so would IPv4's PXE: a minute each
        cp /usr/share/OVMF/OVMF_VARS_4M.fd "$dir/$name.vars"
        arguments=(-machine q35
            -drive "if=pflash,unit=0,format=raw,readonly=on,file=/usr/share/OVMF/OVMF_CODE_4M.fd"
            -drive "if=pflash,unit=1,format=raw,file=$dir/$name.vars"
            -fw_cfg "name=opt/org.tianocore/IPv6PXESupport,string=n" -device virtio-rng-pci)
        [ "$3" = uefi-pxe ] || arguments+=(-fw_cfg "name=opt/org.tianocore/IPv4PXESupport,string=n")
        ;;
    esac
    ip -n "$ns" tuntap add "tap-$name" mode tap && ip -n "$ns" link set "tap-$name" master br0 up || return 1
    ip netns exec "$ns" timeout 240 qemu-system-x86_64 -nodefaults -display none -vga none -accel tcg,thread=multi -cpu max -m 512 \
        "${arguments[@]}" -netdev "tap,id=net0,ifname=tap-$name,script=no,downscript=no" \
        -device "virtio-net-pci,netdev=net0,mac=$mac,bootindex=1$rom" -serial "file:$dir/$name.console" >"$dir/$name.qemu" 2>&1 &
}

stop_machine() { # NAME
    local pid
    for pid in $(ip netns pids "$ns"); do
        grep -qz "ifname=tap-$1," "/proc/$pid/cmdline" 2>/dev/null && kill -KILL "$pid"
    done
    ip -n "$ns" link del "tap-$1"
}

shown() { # NAME: the end of what it showed, for a person
    tr -d '\000' <"$dir/$1.console" | tr '\r' '\n' | grep -v Downloading | tail -n 12
}
