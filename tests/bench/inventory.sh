#!/bin/bash
# The inventory at size: a NetBox of 100,000 devices (DEVICES=N) with 4 interfaces each comes in, and again when nothing,
# and when one thing has changed. Loopback only. The made-up NetBox answers from the same two cores; its part is told.
set -u
cd "$(dirname "$0")/../.." || exit 1
n=${DEVICES:-100000}
rackstrap=build/${VARIANT:-release}/rackstrap
work=$(mktemp -d)
pid=
# shellcheck disable=SC2317
finish() {
    [ -n "$pid" ] && kill "$pid" 2>/dev/null
    wait 2>/dev/null
    rm -rf "$work"
}
trap finish EXIT
mkdir "$work/state"
exec 3< <(exec python3 tests/tools/fake_netbox.py --devices "$n" --interfaces 4)
pid=$!
read -r _ url <&3
printf '%s\n' 0123456789abcdef0123456789abcdef01234567 >"$work/token"
chmod 600 "$work/token"
printf 'state_dir: %s\nnetbox:\n  url: %s\n  token_file: %s\n  page_size: 1000\n' "$work/state" "$url" "$work/token" >"$work/rs.yaml"

measure() { # what, options
    local what=$1
    shift
    if /usr/bin/env python3 - "$what" "$rackstrap" sync netbox --once -c "$work/rs.yaml" "$@" <<'P'; then return 0; fi
import resource, subprocess, sys, time
began = time.monotonic()
out = subprocess.run(sys.argv[2:], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
took = time.monotonic() - began
use = resource.getrusage(resource.RUSAGE_CHILDREN)
print(f"{sys.argv[1]:28} {took:7.2f} s  CPU {use.ru_utime + use.ru_stime:6.2f} s  RSS {use.ru_maxrss / 1024:4.0f} MiB  {(out.stdout.splitlines() or [''])[1 if out.returncode == 0 else 0]}")
sys.exit(out.returncode)
P
    echo "failed: $what"
    exit 1
}
echo "$n devices with 4 interfaces each, from a made-up NetBox"
measure "first sync"
echo "database $(du -m "$work/state/inventory.db" | cut -f1) MiB"
measure "full, nothing has changed" --full
measure "incremental, nothing"
curl -sf -X POST "$url/fake/set" -d '{"endpoint": "dcim/devices", "id": 5, "set": {"serial": "bench"}}' >/dev/null
measure "incremental, one device"
