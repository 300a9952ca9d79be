"""The clients of tftp_limits.sh: tftp_limits.py ROOT SERVER_PID SERVER_LOG RACKSTRAP CONFIGURATION STATE_DIR, in the clients' namespace."""
import os, select, socket, sqlite3, struct, subprocess, sys, threading, time

ROOT, PID, LOG, RACKSTRAP, CONFIG, STATE = sys.argv[1:]
SERVER = ("10.77.0.1", 69)
ALL, HOST = 2048, 512  # tftpd/places.h
bad = 0


def case(name, good, why=""):
    global bad
    print(f"ok tftp: {name}" if good else f"not ok tftp: {name}: {why}", flush=True)
    bad += not good


def address(i):
    return f"10.68.{i >> 8}.{i & 255}"


def client(source="10.77.0.50", port=0):
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    s.bind((source, port))
    s.settimeout(10)
    return s


def rrq(name, *options):
    return b"\0\1" + name.encode() + b"\0octet\0" + b"".join(str(o).encode() + b"\0" for o in options)


def ack(n):
    return struct.pack(">HH", 4, n & 0xFFFF)


def ask(s, request, tries=3):
    """The first answer; asks again as firmware does."""
    answer = select.poll()
    answer.register(s, select.POLLIN)
    for _ in range(tries):
        s.sendto(request, SERVER)
        if answer.poll(3000):
            return s.recvfrom(65535)
    return b"", None


def fetch(s, name, blksize=1428):
    """A whole file in lock-step; None when it is refused or breaks off."""
    p, peer = ask(s, rrq(name, "blksize", blksize))
    got, block = b"", 0
    while p[:2] in (b"\0\6", b"\0\3"):
        if p[:2] == b"\0\3" and struct.unpack(">H", p[2:4])[0] == (block + 1) & 0xFFFF:
            got += p[4:]
            block += 1
        s.sendto(ack(block), peer)
        if p[:2] == b"\0\3" and len(p) < blksize + 4:
            return got
        try:
            p, peer = s.recvfrom(65535)
        except socket.timeout:
            return None
    return None


def sockets():
    """UDP sockets of the server's namespace, without the one at port 69."""
    with open(f"/proc/{PID}/net/udp") as f:
        return sum(1 for line in f.readlines()[1:] if not line.split()[1].endswith(":0045"))


def memory():
    with open(f"/proc/{PID}/status") as f:
        kb = {l.split(":")[0]: int(l.split()[1]) for l in f if l.startswith("Rss") or l.startswith("VmHWM")}
    return f"RSS {kb['RssAnon']} KiB of its own and {kb['RssFile']} KiB of mapped files, {kb['VmHWM']} KiB at most", kb


def until(good, seconds=30):
    end = time.monotonic() + seconds
    while not good() and time.monotonic() < end:
        time.sleep(0.02)
    return time.monotonic() < end or good()


def write(name, data, how="w", age=10):
    path = f"{ROOT}/{name}"
    target = path + ".new" if how == "rename" else path
    with open(target, "r+b" if how == "in place" else "wb") as f:
        f.write(data)
    os.chmod(target, 0o644)
    os.utime(target, (time.time() - age,) * 2)
    if how == "rename":
        os.rename(target, path)


def events():
    return subprocess.run([RACKSTRAP, "events", "hv-01", "-c", CONFIG], capture_output=True, text=True).stdout


def thousand():
    """Each has its OACK before any goes on: so all of them are under way at once."""
    with open(f"{ROOT}/loader", "rb") as f:
        want = f.read()
    idle, _ = memory()
    all_, poll = {}, select.poll()
    for i in range(1000):
        s = client(address(i), 2000)
        s.setblocking(False)
        all_[s.fileno()] = {"s": s, "block": 0, "got": [], "peer": None}
        poll.register(s, select.POLLIN)
        s.sendto(rrq("loader", "blksize", 1428), SERVER)
    answered, end = 0, time.monotonic() + 30
    while answered < 1000 and time.monotonic() < end:
        for fd, _ in poll.poll(1000):
            p, peer = all_[fd]["s"].recvfrom(2000)
            if p[:2] == b"\0\6" and not all_[fd]["peer"]:
                all_[fd]["peer"] = peer
                answered += 1
    case("a thousand transfers are under way at once", answered == 1000 and sockets() >= 1000, f"{answered} answered, {sockets()} sockets")
    during, kb = memory()
    for x in all_.values():
        x["s"].sendto(ack(0), x["peer"] or SERVER)
    whole, end = 0, time.monotonic() + 180
    while whole < 1000 and time.monotonic() < end:
        for fd, _ in poll.poll(1000):
            x = all_[fd]
            p, peer = x["s"].recvfrom(2000)
            if p[:2] != b"\0\3" or peer != x["peer"]:
                continue
            if struct.unpack(">H", p[2:4])[0] == x["block"] + 1:
                x["block"] += 1
                x["got"].append(p[4:])
                if len(p) < 1432:
                    whole += b"".join(x["got"]) == want
            x["s"].sendto(ack(x["block"]), peer)
    case("and each of the thousand files arrives whole", whole == 1000, f"{whole} did")
    print(f"# before: {idle}\n# a thousand at once: {during}")
    case("in less than 64 MiB of memory", kb["VmHWM"] < 65536, during)
    for x in all_.values():
        x["s"].close()
    case("their sockets are closed afterwards", until(lambda: sockets() == 0), f"{sockets()} are open")


def flood(sources, ports, stop):
    """Requests without an end, none ever acknowledged; sockets are kept, so that no ICMP tells that nobody waits."""
    kept = []
    while not stop.is_set():
        for i in range(sources * ports):
            if len(kept) <= i:
                kept.append(client(address(20000 + i % sources), 3000 + i // sources))
            kept[i].sendto(rrq("loader", "blksize", 1428), SERVER)
            if i % 50 == 0 and stop.wait(0.01): # some thousand a second: places are what is tested, not the processor
                break


def under_flood(name, sources, ports, most):
    stop, worst, before = threading.Event(), 0, sockets()
    t = threading.Thread(target=flood, args=(sources, ports, stop), daemon=True)
    t.start()
    case(f"{name}: begins", until(lambda: sockets() >= most, 20))
    whole = 0
    began = time.monotonic()
    for i in range(20):
        whole += len(fetch(client(address(i)), "loader") or b"") == 65536
        worst = max(worst, sockets())
    took = time.monotonic() - began
    stop.set()
    t.join()
    case(f"{name}: others are served whole", whole == 20, f"{whole} of 20")
    case(f"{name}: at most {most} places are taken", 0 < worst <= min(ALL, most + before) + 4, f"{worst} sockets")
    print(f"# 20 files one after the other took {took:.1f} s, {worst} sockets at most")


def refused():
    """Refused in a loop: each gets his answer, the log does not grow with it."""
    lines = lambda word: open(LOG).read().count(word)
    before, answers = lines("tftp-refused "), 0
    began = time.monotonic()
    s = client()
    for i in range(3000):
        p, _ = ask(s, rrq(f"missing-{i}"))
        answers += p[:4] == b"\0\5\0\1"
    said, seconds = lines("tftp-refused ") - before, time.monotonic() - began
    case("3,000 requests for missing files are answered", answers == 3000, answers)
    case("the log names a hundred a second of them", said <= 100 * (seconds + 2), f"{said} in {seconds:.1f} s")
    time.sleep(1)
    ask(s, rrq("missing"))
    case("and counts the others", said == 3000 or until(lambda: lines("tftp-refused-more ") > 0))


def own_limit():
    """One address that holds all of its places: once they were silent for a second the oldest gives way."""
    held = [client(address(9), 4000 + i) for i in range(HOST + 20)]
    for s in held:
        s.sendto(rrq("loader", "blksize", 1428), SERVER)
    until(lambda: sockets() >= HOST)
    case("an address has its share and no more", sockets() == HOST, f"{sockets()} sockets")
    got = fetch(client(address(9)), "loader")
    case("its oldest silent transfer gives way to its next", got is not None and len(got) == 65536)
    for s in held:
        s.close()


def changing():
    def three_blocks(name):
        s = client()
        p, peer = ask(s, rrq(name, "blksize", 1024))
        for n in range(3):
            s.sendto(ack(n), peer)
            p, _ = s.recvfrom(2000)
        return s, peer, p[4:]

    def rest(s, peer):
        got, n = b"", 3
        while True:
            s.sendto(ack(n), peer)
            p, _ = s.recvfrom(2000)
            if p[:2] != b"\0\3":
                return None, p
            got, n = got + p[4:], n + 1
            if len(p) < 1028:
                return got, p

    for name, data, how, whole in (("written in its place", b"B" * 50000, "in place", False), ("replaced by renaming", b"B" * 50000, "rename", True),
                                   ("cut short", b"", "w", False), ("grown", b"A" * 60000, "w", False)):
        write("changing", b"A" * 50000)
        s, peer, _ = three_blocks("changing")
        write("changing", data, how, age=5)
        got, p = rest(s, peer)
        if whole:
            case(f"{name}: the reader gets the old file whole", got is not None and set(got) == {65} and len(got) == 50000 - 3 * 1024)
        else:
            case(f"{name}: the reader gets an ERROR, not a mixture", p[:2] == b"\0\5", p[:20])
        case(f"{name}: the next reader gets the new file", fetch(client(), "changing") == data)


def last_ack():
    """The file's last block is taken, and nothing is said: with the port closed, and with it open."""
    def all_but_last(s):
        p, peer = ask(s, rrq("short", "blksize", 512))
        s.sendto(ack(0), peer)
        p, peer = s.recvfrom(2000)
        s.sendto(ack(1), peer)
        return s.recvfrom(2000)

    write("short", b"x" * 700)
    s = client()
    p, _ = all_but_last(s)
    s.close()
    log = lambda: open(LOG).read()
    case("a client that takes the last block and closes its port", until(lambda: "last-ack=missing" in log(), 8) and len(p) == 192, log()[-300:])
    case("is in the journal", until(lambda: "short" in events() and "last ACK" in events()), events())


def locked():
    """Another process keeps the inventory locked: transfers go on, and what was fetched is told later."""
    write("while-locked", b"x" * 700)
    lock = sqlite3.connect(STATE + "/inventory.db", isolation_level=None)
    lock.execute("BEGIN IMMEDIATE")
    whole, slowest, end = fetch(client(), "while-locked") == b"x" * 700, 0, time.monotonic() + 2
    while time.monotonic() < end: # meanwhile the server tries to write, more than once
        began = time.monotonic()
        whole = fetch(client(), "short") == b"x" * 700 and whole
        slowest = max(slowest, time.monotonic() - began)
    case("with a locked inventory files are served, and without a wait", whole and slowest < 5, f"{whole}, {slowest:.1f} s")
    case("and nothing is told yet", "while-locked" not in events())
    lock.execute("ROLLBACK")
    case("it is told when the lock is gone", until(lambda: "while-locked" in events(), 20), events())


def repeated():
    s = client()
    _, first = ask(s, rrq("loader", "blksize", 512))
    _, same = ask(s, rrq("loader", "blksize", 512))
    p, other = ask(s, rrq("loader", "blksize", 1024))
    case("a repeated request is the same transfer", first == same, f"{first} {same}")
    case("with other options it is a new one", other != first and p == b"\0\6blksize\x001024\0", f"{other} {p}")
    s.sendto(b"\0\5\0\0\0", other)


thousand()
repeated()
changing()
last_ack()
locked()
refused()
own_limit()
under_flood("a flood from one address", 1, 4000, HOST)
under_flood("a flood from 3,000 addresses", 3000, 1, ALL)
case("the server is the one that started", os.path.exists(f"/proc/{PID}"))
sys.exit(bad > 0)
