#!/bin/bash
# The inventory file: import of DEVICES devices of four interfaces each, again, and export; time, memory, size of the
# database. Never fails on a figure.
set -u
cd "$(dirname "$0")/../.." || exit 1
rackstrap=$PWD/build/${VARIANT:-release}/rackstrap
[ -x "$rackstrap" ] || { echo "skipped: there is no $rackstrap"; exit 77; }
[ -x /usr/bin/time ] || { echo "skipped: /usr/bin/time is not here (package time)"; exit 77; }
devices=${DEVICES:-100000}
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
mkdir "$dir/state"
echo "state_dir: $dir/state" >"$dir/rackstrap.yaml"
export RACKSTRAP_CONFIG=$dir/rackstrap.yaml

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
