#!/bin/bash
# The inventory file: import of DEVICES devices of four interfaces each, again, and export; time, memory, size of the
# database. Then what that inventory answers: a MAC address's device, and a page of 1,000 devices of the API, by HTTP as a client has it. Never
# fails on a figure.
set -u
cd "$(dirname "$0")/../.." || exit 1
rackstrap=$PWD/build/${VARIANT:-release}/rackstrap
[ -x "$rackstrap" ] || { echo "skipped: there is no $rackstrap"; exit 77; }
[ -x /usr/bin/time ] || { echo "skipped: /usr/bin/time is not here (package time)"; exit 77; }
devices=${DEVICES:-100000}
label=bench-file
# shellcheck source=tests/peers/api_server.bash
. tests/peers/api_server.bash
api_begin
export RACKSTRAP_CONFIG=$config

measure() { # NAME COMMAND...: a row of the table
    local name=$1 s user sys kb
    shift
    if ! /usr/bin/time -o "$dir/time" -f "%e %U %S %M" "$rackstrap" "$@" >"$dir/out" 2>"$dir/err"; then
        echo "$name failed: $(tail -n 1 "$dir/err")"
        return
    fi
    read -r s user sys kb <"$dir/time"
    printf '%-28s %8.1f %8.1f %8d\n' "$name" "$s" "$(awk "BEGIN { print $user + $sys }")" $((kb / 1024))
}

tests/tools/inventory_file.py "$devices" >"$dir/in.yaml"
echo "the inventory file: $devices devices of 4 interfaces, $(($(stat -c %s "$dir/in.yaml") / 1000000)) MB"
printf '%-28s %8s %8s %8s\n' "" seconds "CPU s" "RSS MiB"
measure "import, into nothing" import "$dir/in.yaml"
measure "import, the same again" import "$dir/in.yaml"
measure "export" export
cp "$dir/out" "$dir/export.yaml"
measure "import of the export" import "$dir/export.yaml"
echo "the database: $(($(stat -c %s "$dir/state/inventory.db") / 1000000)) MB"
"${rackstrap%/*}/tests/tools/mac_lookup" "$dir/state"

token=$(token bench --rights read)
api_start || { echo "the API's server does not answer: $(tail -n 2 "$dir/log")"; exit 1; }
page() { # PATH: milliseconds of 21 requests on one connection each, by curl; the first is not counted
    local times
    times=$(for _ in $(seq 21); do
        in_ns curl --noproxy '*' -s -o "$dir/answer" -w '%{time_total}\n' -H "Authorization: Bearer $token" "$url$1"
    done | tail -n +2 | sort -n)
    awk -v what="GET $1" -v size="$(stat -c %s "$dir/answer")" '{ t[NR] = $1 * 1000 }
        END { printf "%-44s median %6.1f ms  p95 %6.1f ms  %8d bytes\n", what, (t[10] + t[11]) / 2, t[19], size }' <<<"$times"
}
page "/api/dcim/devices/?limit=1000"
page "/api/dcim/devices/?limit=1000&offset=50000"
page "/api/dcim/devices/?limit=1000&brief=1"
page "/api/dcim/interfaces/?limit=1000"
page "/api/dcim/devices/77/"
page "/api/ipam/ip-addresses/?limit=1000"
for pid in $(ip netns pids "$ns"); do
    [ "$(cat "/proc/$pid/comm")" = api ] && echo "the API's server: RSS $(awk '/VmRSS/ { print int($2 / 1024) }' "/proc/$pid/status") MiB"
done
api_stop
