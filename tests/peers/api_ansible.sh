#!/bin/bash
# Ansible's netbox.netbox.nb_inventory, unchanged, on our API: Debian's (3.13.0) and the newest collection. The store is filled through
# the API by pynetbox; what ansible-inventory says is compared whole. The cases are in api_ansible.py.
set -u
top=$(cd "$(dirname "$0")/../.." && pwd)
rackstrap=${RACKSTRAP:-$top/build/${VARIANT:-release}/rackstrap}
label=ansible
# shellcheck source=tests/peers/api_server.bash
. "$top/tests/peers/api_server.bash"
command -v ansible-inventory >/dev/null || skip "there is no ansible-inventory (package ansible)"
/usr/bin/python3 -c 'import pytz' 2>/dev/null || skip "there is no pytz (package python3-tz)"
venv=$("$top/tests/tools/netbox_clients/make-venv.sh") || skip "the newest collection cannot be fetched"

api_begin
full=$(token full --rights read,write,assign)
read=$(token reader --rights read)
rs import /dev/stdin >"$dir/import" 2>&1 <<'END' || { echo "not ok ansible-import: $(tail -n 1 "$dir/import")"; exit 1; }
tenants: [{slug: web, name: Web}]
sites: [{slug: par1, name: Paris 1}]
devices:
  - {name: web-01, site: par1, tenant: web, role: web, interfaces: [{name: eno1, mac: "52:54:00:00:00:09", address: 10.77.0.19/24, primary: true}]}
END
tenant=$(token web --rights read --tenant web)
api_start
in_ns env no_proxy='*' "$venv/bin/python" "$top/tests/peers/api_ansible.py" "$url" "$full" "$read" "$tenant" "$venv" "$dir" || failed=1
exit $failed
