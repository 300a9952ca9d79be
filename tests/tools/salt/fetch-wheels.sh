#!/bin/bash
# fetch-wheels.sh DIR: fills DIR with the wheels of Salt (minion, master, salt-api; CPython 3.11 of Debian 12) and puts the pinned
# list beside them as DIR/requirements.txt. Does nothing when DIR is complete. To install from DIR, also without a network:
#
#     python3 -m venv /opt/salt
#     /opt/salt/bin/pip install --no-index --find-links DIR --no-deps -r DIR/requirements.txt
#
# A minion alone, as an image wants it (83 MB instead of 233):
#
#     /opt/salt/bin/pip install --no-index --find-links DIR --no-deps -c DIR/requirements.txt -r DIR/minion.txt
#
# Needs python3-venv, python3-dev and a C compiler: one of the packages comes as source.
set -euo pipefail

[ $# = 1 ] || { echo "usage: $0 DIR" >&2; exit 2; }
here=$(cd "$(dirname "$0")" && pwd)
mkdir -p "$1"
dir=$(cd "$1" && pwd)

# The lists are copied last, so their presence says that every wheel is there.
complete() {
    cmp -s "$here/requirements.txt" "$dir/requirements.txt" && cmp -s "$here/minion.txt" "$dir/minion.txt"
}
if complete; then
    exit 0
fi

exec 9>"$dir/.lock"
flock 9
if complete; then
    exit 0
fi

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
echo "fetching Salt's wheels into $dir" >&2
/usr/bin/python3 -m venv "$work/venv"
rm -f "$dir"/*.whl
"$work/venv/bin/pip" --quiet --disable-pip-version-check wheel --no-deps --wheel-dir "$dir" -r "$here/requirements.txt"
cp "$here/minion.txt" "$dir/minion.txt"
cp "$here/requirements.txt" "$dir/requirements.txt"
