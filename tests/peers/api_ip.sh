#!/bin/bash
# shellcheck disable=SC2317 # called by name
# "Is this address ours, and whose": the API says what `rackstrap ip --json` says; a tenant is told of its own alone.
set -u
top=$(cd "$(dirname "$0")/../.." && pwd)
rackstrap=${RACKSTRAP:-$top/build/${VARIANT:-release}/rackstrap}
label=api-ip
# shellcheck source=tests/peers/api_server.bash
. "$top/tests/peers/api_server.bash"
for program in curl python3; do command -v "$program" >/dev/null || skip "there is no $program"; done

api_begin 'dhcp: {interfaces: [lo], subnets: [{prefix: 10.79.0.0/24, router: 10.79.0.1}]}'
rs import /dev/stdin >"$dir/import" 2>&1 <<'END' || { echo "not ok api-ip-import: $(tail -n 1 "$dir/import")"; exit 1; }
tenants: [{slug: web, name: Web}, {slug: ops, name: Ops}]
sites: [{slug: par1, name: Paris 1}]
prefixes: [{prefix: 10.77.0.0/24, tenant: web}, {prefix: 10.78.0.0/24}]
devices:
  - {name: web-01, site: par1, tenant: web, interfaces: [{name: eno1, mac: "52:54:00:00:00:09", address: 10.77.0.19/24, primary: true}]}
  - {name: web-02, site: par1, tenant: web, interfaces: [{name: eno1, mac: "52:54:00:00:00:0a", address: 10.79.0.20/24, primary: true}]}
END
full=$(token full --rights read)
ops=$(token ops --rights read --tenant ops)
web=$(token web --rights read --tenant web)
api_start
asked() { in_ns curl --noproxy '*' -s -m 10 -H "Authorization: Bearer $1" "$url/api/plugins/rackstrap/ip/$2/"; } # TOKEN ADDRESS
check() { # NAME COMMAND...
    local what=$1 out
    shift
    if out=$("$@" 2>&1); then echo "ok api-ip-$what"; else echo "not ok api-ip-$what: $(tail -n 2 <<<"$out")"; failed=1; fi
}
as_the_command() { # ADDRESS TOKEN
    asked "$2" "$1" >"$dir/api.json" && in_ns "$rackstrap" ip "$1" --json -c "$config" >"$dir/command.json" || return 1
    python3 -c 'import json, sys
a, b = (json.load(open(f)) for f in sys.argv[1:])
assert a == b, (a, b)' "$dir/api.json" "$dir/command.json"
}
says() { # EXPRESSION TOKEN ADDRESS: of the answer j
    asked "$2" "$3" | python3 -c "import json, sys; j = json.load(sys.stdin); assert $1, j"
}
for address in 10.77.0.19 10.77.0.77 10.78.0.5 10.79.0.1 10.79.0.20 127.0.0.1 192.0.2.1 2001:db8::1; do
    check "as-the-command-says-$address" as_the_command "$address" "$full"
done
check its-owner-as-the-command-says as_the_command 10.77.0.19 "$web"
check anothers-address-in-anothers-prefix-is-not-there says 'j["ours"] is False and not any(j[k] for k in j if k != "address")' "$ops" 10.77.0.19
check anothers-address-in-a-served-subnet-is-the-subnet-s says \
    'j["ours"] and j["subnet"] == "10.79.0.0/24" and not j["device"] and not j["mac"] and not j["dns_name"]' "$ops" 10.79.0.20
check a-prefix-of-nobody-is-everybody-s says 'j["ours"] and j["prefixes"][0]["prefix"] == "10.78.0.0/24"' "$ops" 10.78.0.5
check no-address says '"is not an address" in j["address"][0]' "$full" nonsense
check a-long-word says '"address" in j' "$full" "$(head -c 100 /dev/zero | tr '\0' 1)"
check no-token says '"credentials" in j["detail"]' "" 10.77.0.19
exit $failed
