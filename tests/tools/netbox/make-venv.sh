#!/bin/bash
# make-venv.sh [DIR]: a virtual environment with NetBox. DIR defaults to build/netbox-venv. Does nothing when it is there already. Prints
# DIR. Exits 77 with a sentence where the machine lacks what it needs: Python 3.12 or newer, a C compiler, libpq's headers, PyPI.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
build=$(cd "$here/../../.." && pwd)/build

missing() {
    echo "NetBox cannot be installed: $*" >&2
    exit 77
}

# The first Python that is new enough and can make environments: on the PATH, or among pyenv's.
find_python() {
    local p
    for p in python3.14 python3.13 python3.12 python3 "${PYENV_ROOT:-$HOME/.pyenv}"/versions/3.1[2-9]*/bin/python3; do
        if "$p" -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 12))' 2>/dev/null; then
            command -v "$p"
            return
        fi
    done
    missing "it needs Python 3.12 or newer, and there is none on the PATH nor in pyenv (Debian 12 has 3.11)"
}

mkdir -p "$build"
dir=${1:-$build/netbox-venv}
mkdir -p "$dir"
dir=$(cd "$dir" && pwd)
exec 9>"$dir/.lock"
flock 9
# The list is put in place last, so its presence says that all is installed.
if ! cmp -s "$here/requirements.txt" "$dir/requirements.txt"; then
    python=$(find_python)
    command -v pg_config >/dev/null || missing "its database driver is built from source, which needs Debian's libpq-dev"
    command -v cc >/dev/null || missing "its database driver is built from source, which needs a C compiler"
    rm -rf "${dir:?}/bin" "${dir:?}/lib"
    "$python" -m venv "$dir"
    "$dir/bin/pip" --quiet --disable-pip-version-check install --no-compile -r "$here/requirements.txt" >&2 ||
        missing "pip could not install it (its words are above): is PyPI in reach?"
    cp "$here/requirements.txt" "$dir/requirements.txt"
fi
echo "$dir"
