#!/bin/bash
# rackstrap lint as a person meets it: an inventory that is right, one with a fault of each kind, NetBox's place of what came from there,
# JSON, and the exit codes. No network is touched.
set -u
top=$(cd "$(dirname "$0")/../.." && pwd)
rackstrap=${RACKSTRAP:-$top/build/${VARIANT:-release}/rackstrap}
[ -x "$rackstrap" ] || { echo "skipped: there is no $rackstrap; run make"; exit 77; }
dir=$(mktemp -d /tmp/rackstrap-lint.XXXXXX)
trap 'rm -rf "$dir"' EXIT
trap 'exit 1' INT TERM
export RACKSTRAP_CONFIG=$dir/rackstrap.yaml
mkdir "$dir/state"
failed=0
ok() { echo "ok lint-$1"; }
not_ok() { echo "not ok lint-$1: $2"; failed=1; }
says() { # CASE CODE WORDS [OPTIONS]
    local name=$1 code=$2 words=$3 out got
    shift 3
    out=$("$rackstrap" lint "$@" 2>&1)
    got=$?
    if [ $got = "$code" ] && [[ $out == *"$words"* ]]; then ok "$name"; else not_ok "$name" "exit $got: $out"; fi
}
sql() {
    python3 -c 'import sqlite3, sys
sqlite3.connect(sys.argv[1], isolation_level=None).executescript(sys.argv[2])' "$dir/state/inventory.db" "$1" || not_ok sql "$1"
}

printf '0123456789%.0s' 1 2 3 4 >"$dir/token"
chmod 600 "$dir/token"
cat >"$RACKSTRAP_CONFIG" <<END
state_dir: $dir/state
netbox: {url: "https://netbox.example/base", token_file: $dir/token}
dhcp:
  interfaces: [lo]
  subnets: [{prefix: 10.77.0.0/24, router: 10.77.0.1}]
END
cat >"$dir/rack.yaml" <<'END'
devices:
  - {name: hv-01, site: par1, interfaces: [{name: eno1, mac: "52:54:00:00:00:01", address: 10.77.0.11/24, primary: true}]}
  - {name: hv-02, site: par1, interfaces: [{name: eno1, mac: "52:54:00:00:00:02", address: 10.77.0.12/24, primary: true}]}
END
says empty 0 "nothing is wrong"
"$rackstrap" import "$dir/rack.yaml" >/dev/null || not_ok import "exit $?"
says clean 0 "nothing is wrong"
if [ "$("$rackstrap" lint --json)" = "[]" ]; then ok clean-json; else not_ok clean-json "$("$rackstrap" lint --json)"; fi

sql "UPDATE ip_addresses SET address = address + 65536, netbox_id = 41 WHERE address = 0x0a4d000b"
says outside 1 "  hv-01: 10.78.0.11 (interface eno1) is in no prefix"
says its-place 1 "https://netbox.example/base/ipam/ip-addresses/41/"
says count 1 "1 thing is to be mended"
sql "INSERT INTO prefixes (first, last, length, netbox_id) VALUES (0x0a4e0000, 0x0a4e00ff, 24, 9)"
says gateway 1 "  10.78.0.0/24: devices have addresses in it, and it has no gateway  https://netbox.example/base/ipam/prefixes/9/"
sql "UPDATE prefixes SET router = 0x0a4e0001"
says mended 0 "nothing is wrong"
sql "UPDATE devices SET assigned = 'debian-99', netbox_id = 5 WHERE name = 'hv-02'"
says image 1 "  hv-02: there is no debian-99  https://netbox.example/base/dcim/devices/5/"
says fix 1 "build the image"
sql "INSERT INTO sync_faults (kind, sentence, object_type, netbox_id, device, since_ms) VALUES ('double-mac', 'AA:BB:CC:00:00:01 is on eno1 and eno2', 'dcim.macaddress', 77, 'hv-02', 1)"
says sync 1 "  hv-02: AA:BB:CC:00:00:01 is on eno1 and eno2  https://netbox.example/base/dcim/mac-addresses/77/"
sql "UPDATE sync_faults SET sentence = 'a' || char(27) || '[2J' || char(155) || 'b'"
says terminal 1 "  hv-02: a?[2J??b"
if "$rackstrap" lint --json 2>/dev/null | python3 -c 'import json, sys
j = json.load(sys.stdin)
assert [x["check"] for x in j] == ["unknown-image", "double-mac"], j
assert j[0]["netbox"] == "https://netbox.example/base/dcim/devices/5/" and j[0]["fix"] and j[1]["fix"] is None, j'; then
    ok json
else
    not_ok json "$("$rackstrap" lint --json 2>&1)"
fi
exit $failed
