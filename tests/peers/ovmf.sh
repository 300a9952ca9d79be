#!/bin/bash
# shellcheck disable=SC2317 # called by name
# OVMF's own clients against the program itself: a machine by UEFI PXE (DHCP, TFTP), one by UEFI HTTP Boot (DHCP, HEAD and GET), each up
# to iPXE and its script; and a loader that freezes, which gives way to the next one.
set -u
cd "$(dirname "$0")/../.." || exit 1
rackstrap=${RACKSTRAP:-build/${VARIANT:-release}/rackstrap}
skip() { echo "skipped: $*"; exit 77; }
# shellcheck source=tests/peers/machines.bash
. tests/peers/machines.bash
[ "$(id -u)" = 0 ] || skip "ovmf.sh needs root, for its network namespace"
[ -x "$rackstrap" ] || skip "there is no $rackstrap; run make"
need_machines

ns=rs-ovmf-$$
dir=$(mktemp -d /tmp/rackstrap-ovmf.XXXXXX)
chmod 755 "$dir"
failed=0
cleanup() {
    local pid
    for pid in $(ip netns pids "$ns" 2>/dev/null); do kill -KILL "$pid" 2>/dev/null; done
    ip netns del "$ns" 2>/dev/null
    rm -rf "$dir"
}
trap cleanup EXIT
trap 'exit 1' INT TERM
ip netns add "$ns" && ip -n "$ns" link set lo up || skip "no network namespace can be made here"
ip -n "$ns" link add br0 type bridge forward_delay 0 && ip -n "$ns" link set br0 up && ip -n "$ns" addr add 10.77.0.1/24 dev br0

ok() { echo "ok ovmf-$1"; }
not_ok() { echo "not ok ovmf-$1: $2"; failed=1; }
events() { "$rackstrap" events "$1" -c "$dir/rackstrap.yaml"; }
within() { # SECONDS COMMAND...
    local deadline=$((SECONDS + $1))
    shift
    until "$@"; do
        [ $SECONDS -lt $deadline ] || return 1
        sleep 0.3
    done
}
happened() { events "$1" | grep -q "$2"; }
is_there() { # CASE DEVICE WORDS
    if happened "$2" "$3"; then ok "$1"; else not_ok "$1" "no $3 among: $(events "$2")"; fi
}
why() { "$rackstrap" why "$1" -c "$dir/rackstrap.yaml"; }
has() { if [[ $2 == *"$3"* ]]; then ok "$1"; else not_ok "$1" "no \"$3\" in $2"; fi; }
comes_to_script() { # CASE DEVICE
    if within 150 happened "$2" ' script '; then ok "$1 (after $SECONDS s)"; else
        not_ok "$1" "no script; $(events "$2") $(shown "$2") $(tail -n 5 "$dir/log")"
    fi
}

mkdir -p "$dir/state/tftp"
cp /usr/lib/ipxe/{ipxe,snponly}.efi "$dir/state/tftp/"
head -c 4096 /dev/zero >"$dir/state/tftp/frozen.efi" # no program: the firmware fetches it whole, and nothing comes of it
cat >"$dir/rackstrap.yaml" <<END
state_dir: $dir/state
dhcp:
  interfaces: [br0]
  clients:
    - {name: frozen, arch: [7], loaders: [frozen.efi, snponly.efi]}
  subnets:
    - {prefix: 10.77.0.0/24, router: 10.77.0.1}
tftp: {interfaces: [br0]}
END
for n in 1 2; do
    echo "  - {name: hv-0$n, interfaces: [{name: eno1, mac: \"52:54:00:00:00:0$n\", address: 10.77.0.1$n/24, primary: true}]}"
done | { echo devices:; cat; } >"$dir/rack.yaml"
"$rackstrap" import "$dir/rack.yaml" -c "$dir/rackstrap.yaml" >"$dir/import" 2>&1 || not_ok import "$(cat "$dir/import")"
ip netns exec "$ns" "$rackstrap" serve -c "$dir/rackstrap.yaml" >"$dir/log" 2>&1 &
within 10 grep -q 'dhcp-serve' "$dir/log" || not_ok serve "$(tail -n 5 "$dir/log")"

# One boots by HTTP. The other by PXE gets a loader that comes to nothing: OVMF goes on to HTTP Boot, which is how the loader is known to
# have failed at once (that nothing is heard for dhcp.loader_timeout is the ladder's unit test).
SECONDS=0
machine hv-02 52:54:00:00:00:02 uefi-http
machine hv-01 52:54:00:00:00:01 uefi-pxe
comes_to_script http-boot hv-02
is_there http-loader hv-02 'loader.*ipxe.efi, .* by HTTP'
if within 90 happened hv-01 'loader-gave-way.*frozen.efi was fetched'; then ok frozen-gives-way; else
    not_ok frozen-gives-way "$(events hv-01) $(shown hv-01)"
fi
stop_machine hv-01
stop_machine hv-02

SECONDS=0
has why-next "$(why hv-01)" 'loaders_given_up: frozen.efi'
machine hv-01 52:54:00:00:00:01 uefi-pxe
comes_to_script pxe-boot hv-01
is_there the-next-one hv-01 'loader .*snponly.efi'
is_there settled hv-01 'loader-settled.*snponly.efi brings iPXE up'
has why-settled "$(why hv-01)" 'loader_reason: snponly.efi has brought iPXE up'
"$rackstrap" device reset-loader hv-01 -c "$dir/rackstrap.yaml" >/dev/null
has reset "$(why hv-01)" 'loaders_given_up: -'
exit $failed
