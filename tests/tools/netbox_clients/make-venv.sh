#!/bin/bash
# make-venv.sh [DIR]: a virtual environment with the newest pynetbox, ansible-core and the newest collection netbox.netbox (in
# DIR/collections). DIR defaults to build/netbox-clients-venv. Does nothing when it is there already. Prints DIR.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
build=$(cd "$here/../../.." && pwd)/build
mkdir -p "$build"
dir=${1:-$build/netbox-clients-venv}
mkdir -p "$dir"
dir=$(cd "$dir" && pwd)

# The lists are put in place last, so their presence says that all is there.
complete() {
    cmp -s "$here/requirements.txt" "$dir/requirements.txt" && cmp -s "$here/collection.txt" "$dir/collection.txt"
}
exec 9>"$dir/.lock"
flock 9
if ! complete; then
    echo "fetching NetBox's clients into $dir" >&2
    rm -rf "${dir:?}/bin" "${dir:?}/lib" "${dir:?}/collections"
    /usr/bin/python3 -m venv "$dir"
    "$dir/bin/pip" --quiet --disable-pip-version-check install --no-deps -r "$here/requirements.txt"
    fetched=$(mktemp -d "$dir/fetched.XXXXXX")
    trap 'rm -rf "$fetched"' EXIT
    "$dir/bin/pip" --quiet --disable-pip-version-check download --no-deps --only-binary :all: --python-version 3.13 \
        --dest "$fetched" -r "$here/collection.txt"
    "$dir/bin/python" - "$fetched" "$dir/collections" <<'END'
import pathlib, sys, zipfile
wheel, = pathlib.Path(sys.argv[1]).glob("ansible-*.whl")
with zipfile.ZipFile(wheel) as z:
    z.extractall(sys.argv[2], [n for n in z.namelist() if n.startswith("ansible_collections/netbox/netbox/")])
END
    cp "$here/requirements.txt" "$here/collection.txt" "$dir/"
fi
echo "$dir"
