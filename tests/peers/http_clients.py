#!/usr/bin/env python3
"""Odd and hostile HTTP clients for http.sh: HOST PORT DIGEST SERVER_PID. One line `ok NAME` or `not ok NAME: why` for each case."""
import http.client
import os
import random
import socket
import sys
import threading
import time

host, port, digest, pid = sys.argv[1], int(sys.argv[2]), sys.argv[3], int(sys.argv[4])
failed = False


def case(fn):
    global failed
    name = "http-" + fn.__name__.replace("_", "-")
    try:
        fn()
        print("ok", name, flush=True)
    except Exception as why:  # any surprise fails its case only
        failed = True
        print(f"not ok {name}: {type(why).__name__}: {why}", flush=True)


def connect(timeout=20):
    return socket.create_connection((host, port), timeout=timeout)


def request(path="/netboot/initrd.img", more=""):
    return f"GET {path} HTTP/1.1\r\nHost: x\r\n{more}\r\n".encode()


def read_all(s):
    data = b""
    while True:
        try:
            part = s.recv(1 << 16)
        except ConnectionResetError:
            return data
        if not part:
            return data
        data += part


def status_of(data):
    return int(data.split(b" ", 2)[1])


def expect(got, want):
    if got != want:
        raise AssertionError(f"wanted {want!r}, got {got!r}")


class Pipelined(http.client.HTTPResponse):
    """One of many answers on a connection: all are read through one buffer, which none of them closes."""

    def __init__(self, sock, fp):
        super().__init__(sock)
        self.fp.close()
        self.fp = fp

    def _close_conn(self):
        self.fp = None


def pipelined():
    """Answers come in the order of the requests, however many were sent at once."""
    paths = [random.choice(["/netboot/initrd.img", "/nothing", "/boot/52:54:00:00:00:02.ipxe"]) for _ in range(200)]
    s = connect()
    sender = threading.Thread(target=lambda: s.sendall(b"".join(request(p) for p in paths)))
    sender.start()
    fp = s.makefile("rb")
    for p in paths:
        r = Pipelined(s, fp)
        r.begin()
        body = r.read()
        expect((r.status, len(body) == 1000), (404, False) if p == "/nothing" else (200, p.startswith("/netboot")))
    sender.join()


def pipelined_post_and_get():
    s = connect()
    body = b'{"mac":"52:54:00:00:00:55"}'
    head = b"POST /agent/v1/discover HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % len(body)
    s.sendall(head + body + request("/nothing", "Connection: close\r\n"))
    data = read_all(s)
    expect(data.count(b"HTTP/1.1 "), 2)
    expect((status_of(data), b'"known":false' in data, b"404" in data), (200, True, True))


def dripped():
    s = connect()
    for b in request(more="Connection: close\r\n"):
        s.sendall(bytes([b]))
    data = read_all(s)
    expect((status_of(data), len(data.split(b"\r\n\r\n", 1)[1])), (200, 1000))


def half_closed():
    s = connect()
    s.sendall(request())
    s.shutdown(socket.SHUT_WR)
    expect(status_of(read_all(s)), 200)


def garbage():
    """Whatever is thrown at it, it answers 4xx or 5xx or closes, and goes on."""
    rnd = random.Random(1)
    folder = "tests/vectors/http"
    things = [open(os.path.join(folder, n), "rb").read() for n in sorted(os.listdir(folder))]
    for _ in range(200):
        x = bytearray(rnd.choice(things))
        for _ in range(rnd.randrange(4)):
            if x:
                x[rnd.randrange(len(x))] = rnd.randrange(256)
        things.append(bytes(x[: rnd.randrange(len(x) + 1)]))
        things.append(rnd.randbytes(rnd.randrange(300)))
    for x in things:
        s = connect()
        try:
            s.sendall(x)
            s.shutdown(socket.SHUT_WR)
        except (BrokenPipeError, ConnectionResetError, OSError):
            pass
        read_all(s)
        s.close()
    dripped()


def error_is_readable():
    """A body that is refused unread does not take the answer with it."""
    for _ in range(20):
        s = connect()
        try:
            s.sendall(b"POST /agent/v1/discover HTTP/1.1\r\nHost: x\r\nContent-Length: 70000\r\n\r\n" + b"x" * 70000)
        except OSError:
            pass
        expect(status_of(read_all(s)), 413)


def download(ret):
    s = connect(60)
    start = time.monotonic()
    s.sendall(request(f"/images/{digest}/pack", "Connection: close\r\n"))
    n = 0
    while True:
        part = s.recv(1 << 20)
        if not part:
            break
        n += len(part)
    ret.append((n, time.monotonic() - start))


def slowloris():
    """A thousand connections that hardly speak, and a download beside them at about its usual speed; they are gone in time."""
    alone, beside = [], []
    download(alone)
    idle = []
    for i in range(1000):
        s = connect()
        s.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n" if i % 2 else b"G")
        idle.append(s)
    download(beside)
    if beside[0][0] < 200000000:
        raise AssertionError("the download was cut short")
    if beside[0][1] > 3 * alone[0][1] + 1:
        raise AssertionError(f"{beside[0][1]:.2f} s beside them, {alone[0][1]:.2f} s alone")
    time.sleep(12)
    for s in idle:
        s.settimeout(5)
        expect(s.recv(1000), b"")
        s.close()


def slow_reader():
    """One that takes nothing of its answer holds back nobody."""
    stuck = []
    for _ in range(50):
        s = connect()
        s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        s.sendall(request(f"/images/{digest}/pack"))
        stuck.append(s)
    ret = []
    download(ret)
    if ret[0][0] < 200000000:
        raise AssertionError("the download was cut short")
    for s in stuck:
        s.close()


def aborted_downloads():
    for _ in range(100):
        s = connect()
        s.sendall(request(f"/images/{digest}/pack"))
        s.recv(1000)
        s.close()
    dripped()


def parallel():
    ret = []
    threads = [threading.Thread(target=download, args=(ret,)) for _ in range(16)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    expect(len(ret), 16)
    if min(n for n, _ in ret) < 200000000:
        raise AssertionError("a download was cut short")


def no_descriptor_left_open():
    """After all of it the server holds what it held when it was idle: a few files, no connections."""
    for _ in range(50):
        n = sum(os.readlink(f"/proc/{pid}/fd/{fd}").startswith("socket:") for fd in os.listdir(f"/proc/{pid}/fd"))
        if n <= 4:
            return
        time.sleep(0.2)
    raise AssertionError(f"{n} sockets are open")


for c in (pipelined_post_and_get, pipelined, dripped, half_closed, garbage, error_is_readable, aborted_downloads, slow_reader, parallel,
          slowloris, no_descriptor_left_open):
    case(c)
sys.exit(1 if failed else 0)
