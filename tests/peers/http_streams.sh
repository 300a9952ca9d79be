#!/bin/bash
# Strangers that fetch a pack by many connections at once: each address is sent few at a time, the others are told to come again, and a
# machine's stream goes on. Real connections in a network namespace.
set -u
cd "$(dirname "$0")/../.." || exit 1
SERVER=build/${VARIANT:-release}/tests/tools/run_httpboot
[ "$(id -u)" = 0 ] || { echo "skipped: http_streams.sh needs root, for its network namespace"; exit 77; }
[ -x "$SERVER" ] || { echo "skipped: $SERVER is not built"; exit 77; }
ns=rs-str-$$
dir=$(mktemp -d /tmp/rs-streams.XXXXXX)
server=
cleanup() {
    [ -n "$server" ] && kill "$server" 2>/dev/null && wait "$server" 2>/dev/null
    ip netns del "$ns" 2>/dev/null
    rm -rf "$dir"
}
trap cleanup EXIT
trap 'exit 1' INT TERM
ip netns add "$ns" && ip -n "$ns" link set lo up && ip -n "$ns" addr add 10.77.0.1/24 dev lo && ip -n "$ns" addr add 10.77.0.99/24 dev lo ||
    { echo "skipped: no network namespace can be made here"; exit 77; }
digest=$(printf 'a%.0s' $(seq 64))
mkdir -p "$dir/state/images/$digest"
truncate -s 64M "$dir/state/images/$digest/pack"
STREAMS_PER_ADDRESS=4 QUIET=1 ip netns exec "$ns" "$SERVER" "$dir/state" 8080 seed 2>"$dir/log" &
server=$!
for _ in $(seq 100); do
    ip netns exec "$ns" curl -s -o /dev/null http://10.77.0.1:8080/ && break
    sleep 0.1
done
ip netns exec "$ns" python3 - 10.77.0.1 8080 "/images/$digest/pack" <<'END'
import socket, sys, time
host, port, path = sys.argv[1], int(sys.argv[2]), sys.argv[3]
failed = False


def check(name, condition, why=""):
    global failed
    failed = failed or not condition
    print(f"ok http-streams-{name}" if condition else f"not ok http-streams-{name}: {why}", flush=True)


def ask(source="10.77.0.99", method="GET", path=path):
    s = socket.socket()
    s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    s.settimeout(10)
    s.bind((source, 0))
    s.connect((host, port))
    s.sendall(f"{method} {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
    return s, s.recv(2000)


def status(answer):
    return answer.split(b" ")[1].decode()


busy = [ask() for _ in range(10)]
got = [status(a) for _, a in busy]
check("few-of-one-address", got == ["200"] * 4 + ["503"] * 6, got)
check("the-others-come-again", b"Retry-After: 5\r\n" in busy[9][1], busy[9][1])
check("other-files-are-served", status(ask(path="/nothing")[1]) == "404")
check("head-is-no-stream", status(ask(method="HEAD")[1]) == "200")
s, answer = ask("10.77.0.1")
n = len(answer) - answer.index(b"\r\n\r\n") - 4
start = time.monotonic()
while n < 64 << 20:
    n += len(s.recv(1 << 20))
check("another-address-has-its-stream", status(answer) == "200" and n == 64 << 20, (answer[:100], n))
s.sendall(f"GET {path} HTTP/1.1\r\nHost: x\r\nRange: bytes=0-9\r\n\r\n".encode())
check("an-ended-stream-counts-no-more", all(status(s.recv(2000)) == "206" for s in [s]))
for s, _ in busy[:2]:
    s.close()
deadline = time.monotonic() + 10
while time.monotonic() < deadline and status((a := ask())[1]) == "503":
    time.sleep(0.1)
check("nor-does-one-that-was-closed", status(a[1]) == "200", a[1])
sys.exit(failed)
END
