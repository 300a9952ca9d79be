#!/bin/bash
# The TFTP server's limits, with `rackstrap serve` itself: a thousand transfers at once in one process and what memory that takes,
# floods of requests, files that change while they are read, last ACKs that never come. The clients are tests/peers/tftp_limits.py,
# in a namespace with 65,536 addresses.
set -u
cd "$(dirname "$0")/../.." || exit 1
rackstrap=${RACKSTRAP:-build/${VARIANT:-release}/rackstrap}
skip() { echo "skipped: $*"; exit 77; }
[ "$(id -u)" = 0 ] || skip "tftp_limits.sh needs root, for its network namespaces"
[ -x "$rackstrap" ] || skip "there is no $rackstrap; run make"
rackstrap=$(realpath "$rackstrap")
for tool in ip python3; do command -v "$tool" >/dev/null || skip "there is no $tool"; done

s=rs-tls-$$ c=rs-tlc-$$ dir=$(mktemp -d /tmp/rackstrap-tftp.XXXXXX) server=''
chmod 755 "$dir" # the server gives up being root
finish() {
    [ "$server" ] && kill "$server" 2>/dev/null && wait "$server"
    ip netns del "$s" 2>/dev/null
    ip netns del "$c" 2>/dev/null
    rm -rf "$dir"
}
trap finish EXIT
trap 'exit 1' INT TERM
ip netns add "$s" && ip netns add "$c" || skip "no network namespace can be made here"
ip -n "$s" link add tl0 type veth peer name tl1 netns "$c" || exit 1
ip -n "$s" addr add 10.77.0.1/24 dev tl0 && ip -n "$c" addr add 10.77.0.50/24 dev tl1
for n in "$s" "$c"; do ip -n "$n" link set lo up; done
ip -n "$s" link set tl0 up && ip -n "$c" link set tl1 up
ip -n "$c" route add local 10.68.0.0/16 dev lo && ip -n "$s" route add 10.68.0.0/16 via 10.77.0.50 || exit 1

mkdir -p "$dir/root" "$dir/state"
head -c 65536 /dev/urandom >"$dir/root/loader"
chmod -R a+rX "$dir/root"
cat >"$dir/rackstrap.yaml" <<END
state_dir: $dir/state
http: {listen: "127.0.0.1:8080"}
tftp: {interfaces: [tl0], root: $dir/root}
END
cat >"$dir/devices.yaml" <<END
sites: [{slug: par1, name: Paris 1}]
devices:
  - {name: hv-01, site: par1, interfaces: [{name: eno1, mac: "52:54:00:00:00:01", address: 10.77.0.50/24, primary: true}]}
END
"$rackstrap" import "$dir/devices.yaml" -c "$dir/rackstrap.yaml" >"$dir/import" 2>&1 || { echo "not ok import: $(tail -n 2 "$dir/import")"; exit 1; }
ip netns exec "$s" "$rackstrap" serve --only tftpd -c "$dir/rackstrap.yaml" >"$dir/log" 2>&1 &
server=$!
for _ in $(seq 300); do grep -q tftp-serving "$dir/log" && break; sleep 0.1; done
pid=$(for p in $(ip netns pids "$s"); do [ "$(cat "/proc/$p/comm")" = tftpd ] && echo "$p"; done | head -n 1)
[ "$pid" ] || { echo "not ok the server starts: $(tail -n 3 "$dir/log")"; exit 1; }

ulimit -n 16384 # the clients hold a socket each
ip netns exec "$c" python3 -B tests/peers/tftp_limits.py "$dir/root" "$pid" "$dir/log" "$rackstrap" "$dir/rackstrap.yaml" "$dir/state"
status=$?
((status == 0)) || tail -n 20 "$dir/log"
exit "$status"
