#!/bin/bash
# make-venv.sh [DIR]: a virtual environment with Salt's master, salt-api, minion and command line. DIR defaults to build/salt-venv,
# the wheels lie beside it in build/salt-wheels. Does nothing when it is there already. Prints DIR.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
build=$(cd "$here/../../.." && pwd)/build
mkdir -p "$build"
dir=${1:-$build/salt-venv}
mkdir -p "$dir"
dir=$(cd "$dir" && pwd)

# As in fetch-wheels.sh: the list is put in place last.
exec 9>"$dir/.lock"
flock 9
if ! cmp -s "$here/requirements.txt" "$dir/requirements.txt"; then
    "$here/fetch-wheels.sh" "$build/salt-wheels"
    rm -rf "${dir:?}/bin" "${dir:?}/lib"
    /usr/bin/python3 -m venv "$dir"
    "$dir/bin/pip" --quiet --disable-pip-version-check install --no-index --find-links "$build/salt-wheels" --no-deps \
        -r "$here/requirements.txt"
    cp "$here/requirements.txt" "$dir/requirements.txt"
fi
echo "$dir"
