#!/bin/bash
# The TFTP server behind a router whose far side is narrower than the server's own: with a router that says "too big", and with one
# that says nothing (a black hole). No transfer may hang, and the blksize offered follows what the path is known to take.
set -u
cd "$(dirname "$0")/../.." || exit 1
run=${RUN_TFTPD:-build/${VARIANT:-release}/tests/tools/run_tftpd}
skip() { echo "skipped: $*"; exit 77; }
[ "$(id -u)" = 0 ] || skip "tftp_path.sh needs root, for its network namespaces"
for tool in ip python3; do command -v "$tool" >/dev/null || skip "there is no $tool"; done
[ -x "$run" ] || make -s "$run" || exit 1
run=$(realpath "$run")

s=rs-tps-$$ r=rs-tpr-$$ c=rs-tpc-$$ dir=$(mktemp -d) server=''
finish() {
    [ "$server" ] && kill "$server" 2>/dev/null && wait "$server"
    for n in "$s" "$r" "$c"; do ip netns del "$n" 2>/dev/null; done
    rm -rf "$dir"
}
trap finish EXIT
trap 'exit 1' INT TERM
for n in "$s" "$r" "$c"; do ip netns add "$n" && ip -n "$n" link set lo up || skip "no network namespace can be made here"; done
ip -n "$s" link add tp0 type veth peer name tp1 netns "$r" && ip -n "$c" link add tp3 type veth peer name tp2 netns "$r" || exit 1
ip -n "$s" addr add 10.77.0.1/24 dev tp0 && ip -n "$r" addr add 10.77.0.254/24 dev tp1
ip -n "$c" addr add 10.78.0.50/24 dev tp3 && ip -n "$c" addr add 10.78.0.51/24 dev tp3 && ip -n "$r" addr add 10.78.0.254/24 dev tp2
ip -n "$s" link set tp0 up && ip -n "$c" link set tp3 up && ip -n "$r" link set tp1 up && ip -n "$r" link set tp2 up
ip -n "$s" route add default via 10.77.0.254 && ip -n "$c" route add default via 10.78.0.254
ip netns exec "$r" sh -c 'echo 1 >/proc/sys/net/ipv4/ip_forward' || exit 1
narrow() { ip -n "$r" link set tp2 mtu "$1" && ip -n "$c" link set tp3 mtu "$1"; }
forget() { ip -n "$s" route flush cache; }
silent() { ip -n "$r" rule "$1" pref 10 ipproto icmp blackhole; } # what the router itself says in ICMP has no way out

mkdir "$dir/root" && head -c 200000 /dev/urandom >"$dir/root/loader"
ip netns exec "$s" "$run" -i tp0 "$dir/root" 2>"$dir/log" &
server=$!
for _ in $(seq 300); do grep -q tftp-serving "$dir/log" && break; sleep 0.1; done

failed=0
# get NAME OFFERED WITHIN [SOURCE [WINDOW]]: blksize 1468 is asked for, OFFERED must be answered; whole within so many seconds
get() {
    if out=$(ip netns exec "$c" python3 -B - "$dir/root/loader" "$2" "$3" "${4:-10.78.0.50}" "${5:-1}" <<'END'
import socket, struct, sys, time
want, offered, within, source, window = open(sys.argv[1], "rb").read(), int(sys.argv[2]), float(sys.argv[3]), sys.argv[4], int(sys.argv[5])
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.bind((source, 0))
s.settimeout(within)
began = time.monotonic()
s.sendto(b"\0\1loader\0octet\0blksize\0001468\0windowsize\0%d\0" % window, ("10.77.0.1", 69))
p, peer = s.recvfrom(65535)
blksize = int(p.split(b"\0")[2])
got, block = b"", 0
s.sendto(struct.pack(">HH", 4, 0), peer)
while True:
    p, _ = s.recvfrom(65535)
    if struct.unpack(">HH", p[:4]) == (3, block + 1):
        got, block = got + p[4:], block + 1
        if block % window == 0 or len(p) < blksize + 4:
            s.sendto(struct.pack(">HH", 4, block), peer)
        if len(p) < blksize + 4:
            break
took = time.monotonic() - began
print(f"blksize {blksize}, {took:.2f} s", "" if got == want else "another file")
sys.exit(got != want or blksize != offered or took > within)
END
    ); then echo "ok tftp path: $1 ($out)"; else
        echo "not ok tftp path: $1: $(tail -n 1 <<<"$out")"
        failed=1
    fi
}

get "as wide as the interface" 1468 15
ip -n "$s" link set tp0 mtu 1400
get "the interface's own MTU is the limit" 1368 15
ip -n "$s" link set tp0 mtu 1500
forget
narrow 1000
get "a narrow hop that says so" 1468 15
get "what it said is offered to the next" 968 15
forget
get "the same with a window" 1468 15 10.78.0.50 8
get "and for the next" 968 15 10.78.0.50 8
forget
if silent add 2>/dev/null; then
    get "a narrow hop that says nothing" 1468 25
    get "and with a window" 1468 25 10.78.0.51 8
    silent del
else
    echo "# left out: no rule by protocol in this kernel"
fi
((failed == 0)) || tail -n 20 "$dir/log"
exit "$failed"
