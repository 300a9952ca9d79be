"""Clients of the API's server that curl cannot be: many at once, slow, half done. api_server.py HOST PORT TOKEN"""
import socket
import sys
import time

host, port, token = sys.argv[1], int(sys.argv[2]), sys.argv[3]
failed = 0
LONG = 5_000_000


def case(name, good, why=""):
    global failed
    print(f"ok api-{name}" if good else f"not ok api-{name}: {why}", flush=True)
    failed += not good


def connect():
    s = socket.create_connection((host, port), timeout=20)
    s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return s


def head(method, path, length=None, with_token=None, more=""):
    lines = [f"{method} {path} HTTP/1.1", f"Host: {host}:{port}"]
    if with_token:
        lines.append(f"Authorization: Bearer {with_token}")
    if length is not None:
        lines.append(f"Content-Length: {length}")
    return ("\r\n".join(lines) + "\r\n" + more + "\r\n").encode()


def answer(s):
    """The status, the headers, and the body of one answer."""
    f = s.makefile("rb")
    line = f.readline().decode()
    if not line:
        return 0, {}, b""
    headers = {}
    while (h := f.readline().decode().strip()):
        k, v = h.split(":", 1)
        headers[k.lower()] = v.strip()
    return int(line.split()[1]), headers, f.read(int(headers.get("content-length", 0)))


def ask(data):
    with connect() as s:
        s.sendall(data)
        return answer(s)


def within(seconds, what):
    began = time.monotonic()
    got = what()
    return got, time.monotonic() - began < seconds


# A stranger's long body is not read: the answer is there before it is sent.
(status, headers, body), quick = within(15, lambda: ask(head("POST", "/api/dcim/devices/", LONG)))
case("long-body-of-a-stranger-is-not-read", status == 403 and quick and headers["connection"] == "close", f"{status} {body}")
status, headers, body = ask(head("POST", "/api/dcim/devices/", LONG, "nbt_abcdefghijkl." + 40 * "x"))
case("long-body-with-a-bad-token-is-not-read", status == 403, f"{status} {body}")
status, headers, body = ask(head("POST", "/api/dcim/devices/", 11 << 20, token))
case("body-beyond-the-bound-is-413", status == 413 and b'"detail"' in body, f"{status} {body}")

# Four long bodies are under way: a fifth waits outside, and short requests do not notice.
slow = []
for _ in range(4):
    s = connect()
    s.sendall(head("POST", "/api/dcim/devices/", LONG, token, "Expect: 100-continue\r\n"))
    slow.append(s)
for s in slow:
    assert s.recv(100).startswith(b"HTTP/1.1 100"), "no leave to go on"
    s.sendall(b"[" + 70000 * b" ")
status, headers, body = ask(head("POST", "/api/dcim/devices/", LONG, token))
case("fifth-long-body-is-told-to-come-again", status == 503 and "retry-after" in headers, f"{status} {headers}")
(status, headers, body), quick = within(10, lambda: ask(head("GET", "/api/status/", None, token)))
case("short-requests-pass-long-ones", status == 200 and quick, f"{status} {body}")
for s in slow:
    s.sendall((LONG - 70002) * b" " + b"]")
statuses = [answer(s)[0] for s in slow]
case("long-bodies-are-taken", all(200 <= x < 500 and x not in (403, 408, 413) for x in statuses), statuses)
for s in slow:
    s.close()
status, headers, body = ask(head("POST", "/api/dcim/devices/", LONG, token) + b"[" + (LONG - 2) * b" " + b"]")
case("there-is-room-again", status not in (0, 403, 413, 503), f"{status} {body[:200]}")

# Those that idle or drip do not keep others out: connections_per_address is 56 here, of 64.
idle = []
for _ in range(56):
    s = connect()
    s.sendall(b"GET /api/ HTTP/1.1\r\n")
    idle.append(s)
(status, headers, body), quick = within(8, lambda: ask(head("GET", "/api/status/", None, token)))
case("who-drips-makes-place", status == 200 and quick, f"{status}")
for s in idle:
    s.close()

# Requests one behind the other on a connection: answers in order; bodies of any length between them.
with connect() as s:
    s.sendall(head("GET", "/api/status/", None, token) + head("POST", "/api/nowhere/", 2, token) + b"{}" + head("OPTIONS", "/api/status/", None, token))
    f = [answer(s)[0]]
    case("pipelined-requests-begin-with-the-first", f[0] == 200, f)
with connect() as s:
    got = []
    for data in (head("GET", "/api/status/", None, token), head("DELETE", "/api/dcim/devices/", 100000, token) + 100000 * b" ",
                 head("HEAD", "/api/status/", None, token)):
        s.sendall(data)
        if data.startswith(b"HEAD"):
            got.append(int(s.recv(65536).split()[1]))
        else:
            got.append(answer(s)[0])
    case("a-connection-lives-on-after-a-long-body", got[0] == 200 and got[2] == 200 and got[1] >= 400, got)

# Those that ask for much and take nothing: the bytes that are kept for them have an end, and others have theirs still.
greedy = []
for _ in range(45):
    s = socket.socket()
    s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    s.settimeout(20)
    s.connect((host, port))
    s.sendall(head("GET", "/api/dcim/devices/?limit=1000", None, token))
    s.recv(1)
    greedy.append(s)
status, headers, body = ask(head("GET", "/api/status/", None, token))
case("who-takes-nothing-is-given-no-more", status == 503 and "retry-after" in headers, f"{status}")
with socket.create_connection((host, port), 20, ("10.77.0.99", 0)) as s:
    s.sendall(head("GET", "/api/dcim/devices/?limit=1000", None, token))
    status, headers, body = answer(s)
    case("others-are-given-theirs", status == 200 and len(body) > 1000000, f"{status} {len(body)} bytes")
for s in greedy:
    s.close()
status, headers, body = ask(head("GET", "/api/status/", None, token))
case("and-then-again", status == 200, f"{status}")

sys.exit(failed > 0)
