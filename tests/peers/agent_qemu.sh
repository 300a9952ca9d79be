#!/bin/bash
# The agent as process 1 of a machine in QEMU, in a network namespace of its own: modules, DHCP, install, growth, restart.
set -u
cd "$(dirname "$0")/../.." || exit 1
PATH=$PATH:/usr/sbin:/sbin
agent=${AGENT:-build/release/rackstrap-agent}
[ -x "$agent" ] || { echo "skipped: $agent is not built"; exit 77; }
[ "$(id -u)" = 0 ] || { echo "skipped: needs root for a network namespace"; exit 77; }
for tool in qemu-system-x86_64 sgdisk mkfs.ext4 cpio zstd modprobe; do
    command -v "$tool" >/dev/null || { echo "skipped: $tool is missing"; exit 77; }
done
kernel=
for k in /boot/vmlinuz-*; do
    version=${k#/boot/vmlinuz-}
    [ -f "$k" ] && [ -f "/lib/modules/$version/modules.dep" ] && kernel=$version
done
[ -n "$kernel" ] || { echo "skipped: no kernel package is installed"; exit 77; }
[ "${1:-}" = inside ] || exec unshare --net "$0" inside
ip link set lo up || exit 1
exec python3 -B tests/tools/agent_qemu.py "$agent" "$kernel"
