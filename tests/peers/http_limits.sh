#!/bin/bash
# What a client that is slow, idle or greedy may cost httpboot, and that it costs the others nothing: real connections in a network namespace.
set -u
cd "$(dirname "$0")/../.." || exit 1

SERVER=build/${VARIANT:-release}/tests/tools/run_httpboot
[ "$(id -u)" = 0 ] || { echo "skipped: http_limits.sh needs root, for its network namespace"; exit 77; }
command -v curl >/dev/null || { echo "skipped: http_limits.sh needs curl"; exit 77; }
[ -x "$SERVER" ] || { echo "skipped: $SERVER is not built"; exit 77; }

ns=rs-lim-$$
dir=$(mktemp -d /tmp/rs-limits.XXXXXX)
servers=()
cleanup() {
    for s in "${servers[@]}"; do kill "$s" 2>/dev/null && wait "$s" 2>/dev/null; done
    ip netns del "$ns" 2>/dev/null
    rm -rf "$dir"
}
trap cleanup EXIT
trap 'exit 1' INT TERM

ip netns add "$ns" && ip -n "$ns" link set lo up && ip -n "$ns" addr add 10.77.0.1/24 dev lo && ip -n "$ns" addr add 10.77.0.99/24 dev lo ||
    { echo "skipped: no network namespace can be made here"; exit 77; }
digest=$(printf 'a%.0s' $(seq 64))
mkdir -p "$dir/state/images/$digest"
head -c 200000000 /dev/zero >"$dir/state/images/$digest/pack"
start() { # PORT STALL_MS [seed]
    STALL_MS=$2 PER_ADDRESS=1100 QUIET=1 ip netns exec "$ns" "$SERVER" "$dir/state" "$1" "${@:3}" 2>>"$dir/log" &
    servers+=($!)
    for _ in $(seq 100); do
        ip netns exec "$ns" curl -s -o /dev/null "http://10.77.0.1:$1/" && return
        sleep 0.1
    done
}
start 8080 2000 seed
start 8081 120000
start 8082 12000
ulimit -n 8192
ip netns exec "$ns" python3 tests/peers/http_limits.py 10.77.0.1 8080 8081 8082 "$digest"
rc=$?
if grep -q 'http-refused .*last=10.77.0.99' "$dir/log"; then
    echo "ok http-limits-refusals-are-logged"
else
    echo "not ok http-limits-refusals-are-logged: $(tail -3 "$dir/log")"
    rc=1
fi
exit $rc
