#!/bin/bash
# The agent writes images to files and loop devices, from a server that misbehaves in every way we know. In a network namespace of its own.
set -u
cd "$(dirname "$0")/../.." || exit 1
agent=${AGENT:-build/release/rackstrap-agent}
[ -x "$agent" ] || { echo "skipped: $agent is not built"; exit 77; }
for tool in sgdisk mkfs.ext4 unshare ssh-keygen openssl; do
    command -v "$tool" >/dev/null || PATH=$PATH:/usr/sbin:/sbin
    command -v "$tool" >/dev/null || { echo "skipped: $tool is missing"; exit 77; }
done
if [ "${1:-}" != inside ]; then
    if [ "$(id -u)" = 0 ]; then exec unshare --net "$0" inside "$@"; fi
    NOT_ROOT=1 exec unshare --net --user --map-root-user "$0" inside "$@"
fi
shift
ip link set lo up || exit 1
exec python3 -B tests/tools/agent_install.py "$agent" "$@"
