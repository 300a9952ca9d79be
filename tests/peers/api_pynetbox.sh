#!/bin/bash
# pynetbox, unchanged, on our API: Debian's (7.0.0) and the newest. What it does is in api_pynetbox.py; both have a store of their own.
set -u
top=$(cd "$(dirname "$0")/../.." && pwd)
rackstrap=${RACKSTRAP:-$top/build/${VARIANT:-release}/rackstrap}
label=pynetbox
# shellcheck source=tests/peers/api_server.bash
. "$top/tests/peers/api_server.bash"
/usr/bin/python3 -c 'import pynetbox' 2>/dev/null || skip "there is no pynetbox (package python3-pynetbox)"
command -v sgdisk >/dev/null || skip "there is no sgdisk (package gdisk)"
venv=$("$top/tests/tools/netbox_clients/make-venv.sh") || skip "the newest pynetbox cannot be fetched"

inventory() {
    echo "sites: [{slug: par1, name: Paris 1}, {slug: lon1, name: London 1}]"
    echo "devices:"
    local n
    for n in $(seq 1203); do
        printf '  - {name: hv-%04d, site: %s, rack: r%02d, role: hypervisor, tenant: ops, serial: S%04d, interfaces: [{name: eno1, mac: "52:54:00:00:%02x:%02x", address: 10.%d.%d.%d/16, primary: true}]}\n' \
            "$n" "$([ "$n" -le 1000 ] && echo par1 || echo lon1)" "$((n / 40))" "$n" "$((n / 256))" "$((n % 256))" \
            "$([ "$n" -le 1000 ] && echo 77 || echo 78)" "$((1 + n / 250))" "$((1 + n % 250))"
    done
}
api_begin
inventory >"$dir/inventory.yaml"
run() { # LABEL PYTHON
    rm -rf "$dir/state"
    mkdir "$dir/state"
    : >"$dir/log"
    api_release red blue
    rs import "$dir/inventory.yaml" >"$dir/import" 2>&1 || { echo "not ok pynetbox-import: $(tail -n 1 "$dir/import")"; exit 1; }
    local full read write
    full=$(token full --rights read,write,assign)
    read=$(token reader --rights read)
    write=$(token writer --rights read,write)
    api_start
    in_ns env no_proxy='*' RACKSTRAP="$rackstrap" RACKSTRAP_CONFIG="$config" "$2" "$top/tests/peers/api_pynetbox.py" "$1" "$url" "$full" "$read" "$write" || failed=1
    api_stop
}
run pynetbox-debian /usr/bin/python3
run pynetbox-newest "$venv/bin/python"
exit $failed
