#!/usr/bin/env python3
"""What one client may cost, for http_limits.sh: HOST PORT PATIENT_PORT STALLED_PORT DIGEST. The servers' limits: PER_ADDRESS 1100;
STALL_MS 2000 at PORT, the usual two minutes at PATIENT_PORT, 12000 at STALLED_PORT."""
import re
import socket
import sys
import threading
import time

host, port, patient, stalled, digest = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4]), sys.argv[5]
pack = f"/images/{digest}/pack"
size = 200000000
failed = False


def case(fn):
    global failed
    name = "http-limits-" + fn.__name__.replace("_", "-")
    try:
        fn()
        print("ok", name, flush=True)
    except Exception as why:  # any surprise fails its case only
        failed = True
        print(f"not ok {name}: {type(why).__name__}: {why}", flush=True)


def connect(source="10.77.0.99", buffer=0, to=port):
    s = socket.socket()
    if buffer:
        s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer)
    s.settimeout(20)
    s.bind((source, 0))
    s.connect((host, to))
    return s


def head(path, more=""):
    return f"GET {path} HTTP/1.1\r\nHost: x\r\n{more}\r\n".encode()


def download(to=port):
    """Seconds for the whole file."""
    s = connect("10.77.0.1", to=to)
    start = time.monotonic()
    s.sendall(head(pack, "Connection: close\r\n"))
    n = 0
    while part := s.recv(1 << 20):
        n += len(part)
    s.close()
    if n < size:
        raise AssertionError("the download was cut short")
    return time.monotonic() - start


class Crowd:
    """A thousand connections from one address that hardly speak; the server closes them, they come back."""

    kinds = (b"", b"G", head("/")[:-2], b"POST /agent/v1/discover HTTP/1.1\r\nHost: x\r\nContent-Length: 60000\r\n\r\nx", head(pack))

    def __init__(self, n):
        self.stop = False
        self.came_back = 0
        self.all = [self.one(i) for i in range(n)]
        self.thread = threading.Thread(target=self.keep_up)
        self.thread.start()

    def one(self, i):
        s = connect(buffer=4096)
        s.sendall(self.kinds[i % len(self.kinds)])
        s.setblocking(False)
        return s

    def keep_up(self):
        """Every second each sends a byte, or takes one."""
        while not self.stop:
            for i, s in enumerate(self.all):
                try:
                    if i % len(self.kinds) == 4:
                        gone = s.recv(1) == b""
                    else:
                        s.send(b"x")
                        gone = False
                except BlockingIOError:
                    gone = False
                except OSError:
                    gone = True
                if gone:
                    s.close()
                    self.all[i] = self.one(i)
                    self.came_back += 1
            time.sleep(1)

    def leave(self):
        self.stop = True
        self.thread.join()
        for s in self.all:
            s.close()


def a_thousand_idle_and_installs_at_full_speed():
    crowd_s, scripts = [], []
    download()
    before = min(download() for _ in range(3))
    crowd = Crowd(1000)
    try:
        for _ in range(4):  # for longer than a head's ten seconds
            crowd_s.append(download())
            for _ in range(10):
                start = time.monotonic()
                s = connect("10.77.0.1")
                s.sendall(head("/boot/52:54:00:00:00:02.ipxe"))
                if b" 200 " not in s.recv(1000):
                    raise AssertionError("a script was refused")
                scripts.append(time.monotonic() - start)
                s.close()
            time.sleep(3)
    finally:
        crowd.leave()
    if not crowd.came_back:
        raise AssertionError("none of the thousand was closed")
    alone = max(before, min(download() for _ in range(3)))  # the machine may have got other work meanwhile
    if min(crowd_s) > 1.5 * alone + 0.05:
        raise AssertionError(f"{min(crowd_s):.3f} s beside them, {alone:.3f} s alone")
    if sorted(scripts)[len(scripts) // 2] > 0.1:
        raise AssertionError(f"a script took {sorted(scripts)[len(scripts) // 2]:.3f} s")


def until_closed(s, every, limit):
    """Seconds until the server closes; one byte is taken or sent every so often."""
    start = time.monotonic()
    while time.monotonic() - start < limit:
        try:
            if not every(s):
                break
        except TimeoutError:
            pass
        except OSError:
            break
    return time.monotonic() - start


def one_byte_a_second_is_not_enough():
    """Of a head, which has ten seconds however many bytes come; of an answer, which has to get on in each two."""
    result = {}

    def dripping():
        s = connect()
        s.settimeout(0.2)
        s.sendall(b"GET / HTTP/1.1\r\nX: ")

        def every(s):
            s.send(b"x")
            return s.recv(1) != b""

        result["head"] = until_closed(s, every, 20)

    def sipping():
        s = connect(buffer=4096)
        s.sendall(head(pack))

        n = 0
        for _ in range(30):  # six seconds
            time.sleep(0.2)
            n += len(s.recv(1))
        # What has come is still there to be read after the server has closed; what has not is gone with the reset.
        try:
            while part := s.recv(65536):
                n += len(part)
            result["answer"] = f"ended in order after {n} bytes"
        except ConnectionResetError:
            result["answer"] = "reset"

    def slow_but_sure():
        s = connect(buffer=65536)
        s.sendall(head(pack))
        start, n = time.monotonic(), 0
        while time.monotonic() - start < 9 and (part := s.recv(65536)):
            n += len(part)
            time.sleep(0.1)
        result["sure"] = time.monotonic() - start
        s.close()

    threads = [threading.Thread(target=t) for t in (dripping, sipping, slow_but_sure)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    if not 9 < result["head"] < 14:
        raise AssertionError(f"a head that dripped was closed after {result['head']:.1f} s")
    if result["answer"] != "reset":
        raise AssertionError(f"an answer that was sipped {result['answer']}")
    if result["sure"] < 9:
        raise AssertionError("who read slowly but steadily was closed")


def await_service(to):
    """The server has noticed that others have left."""
    for _ in range(100):
        try:
            with connect(to=to) as s:
                s.sendall(head("/nothing"))
                if s.recv(1000):
                    return
        except ConnectionError:
            pass
        time.sleep(0.1)
    raise AssertionError("those that left are still counted")


def one_address_has_its_share():
    """1100 of which all are served: the next is closed at once. Others are not touched. Then those that wait give way to new ones."""
    busy = [connect(buffer=4096, to=patient) for _ in range(1100)]
    for s in busy:
        s.sendall(head(pack))
    for s in busy:
        s.recv(1)
    s = connect(to=patient)
    try:
        s.sendall(head("/nothing"))
        if s.recv(100):
            raise AssertionError("one more was served")
    except ConnectionError:
        pass
    download(patient)
    for s in busy:
        s.close()
    await_service(patient)
    waiting = []
    for _ in range(1100):  # asked once, so that the order in which they wait is known
        s = connect(to=patient)
        s.sendall(head("/nothing"))
        s.recv(1000)
        waiting.append(s)
    s = connect(to=patient)
    s.sendall(head("/nothing"))
    if b" 404 " not in s.recv(1000):
        raise AssertionError("a new one did not take the place of one that waits")
    waiting[0].settimeout(5)
    if waiting[0].recv(1):
        raise AssertionError("another than the longest waiting was pushed out")
    for s in waiting:
        s.close()


def is_served(to):
    try:
        with connect(to=to) as s:
            s.sendall(head("/nothing"))
            return b" 404 " in s.recv(1000)
    except ConnectionError:
        return False


def bodies_of_strangers_give_way():
    """1100 that send a body byte by byte: the first has a token of the armed job, and stays; a new one takes the place of one without."""
    with connect(to=patient) as s:
        s.sendall(head("/boot/52:54:00:00:00:01.ipxe", "Connection: close\r\n"))
        script = b""
        while part := s.recv(4096):
            script += part
    token = re.search(rb"rackstrap\.token=([0-9a-f]{64})", script)[1].decode()
    post = "POST /agent/v1/progress HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %s\r\nContent-Length: 6000\r\n\r\nx"
    all_of_them = []
    for t in [token] + ["0" * 64] * 1099:
        s = connect(to=patient)
        s.sendall((post % t).encode())
        all_of_them.append(s)
    if not is_served(patient):
        raise AssertionError("a new one did not take the place of one that sends a body")
    all_of_them[1].settimeout(5)
    try:
        if all_of_them[1].recv(1):
            raise AssertionError("another than the first of them was pushed out")
    except ConnectionResetError:
        pass
    all_of_them[0].setblocking(False)
    try:
        all_of_them[0].recv(1)
        raise AssertionError("the one with a token was pushed out")
    except BlockingIOError:
        pass
    for s in all_of_them:
        s.close()


def stalled_answers_give_way():
    """1100 that take nothing of their answer: after a quarter of the twelve seconds that they may stall, a new one is served."""
    busy = [connect(buffer=4096, to=stalled) for _ in range(1100)]
    start = time.monotonic()
    for s in busy:
        s.sendall(head(pack))
    for s in busy:
        s.recv(1)
    if is_served(stalled) and time.monotonic() - start < 2.5:
        raise AssertionError("one that had not stalled yet was pushed out")
    while not is_served(stalled) and time.monotonic() - start < 11:
        time.sleep(0.1)
    if not 2.5 < time.monotonic() - start < 10:
        raise AssertionError(f"a new one was served after {time.monotonic() - start:.1f} s")
    for s in busy:
        s.close()


for c in (bodies_of_strangers_give_way, stalled_answers_give_way, one_address_has_its_share,
          one_byte_a_second_is_not_enough, a_thousand_idle_and_installs_at_full_speed):
    case(c)
sys.exit(1 if failed else 0)
