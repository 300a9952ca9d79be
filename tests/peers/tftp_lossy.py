"""The wire of tftp.sh where the kernel has no netem: a relay on 127.0.0.1:69 that loses and delays datagrams both ways, and gives
each transfer a fresh port as the server does. `tftp_lossy.py LOSS_PERCENT DELAY_MS FOLDER` runs each client through it."""
import hashlib, heapq, os, random, select, socket, subprocess, sys, threading, time

LOSS, DELAY, WORK = float(sys.argv[1]) / 100, float(sys.argv[2]) / 1000, sys.argv[3]
SERVER = ("10.77.0.1", 69)
rng = random.Random(7)


def udp(at=("", 0)):
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    s.bind(at)
    return s


class Relay(threading.Thread):
    """One pair of sockets a client port: `down` faces the client, `up` the server."""

    def __init__(self):
        super().__init__(daemon=True)
        self.front = udp(("127.0.0.1", 69))
        self.pairs, self.role, self.queue, self.n = {}, {self.front: None}, [], 0

    def later(self, sock, data, to):
        if rng.random() >= LOSS:
            self.n += 1
            heapq.heappush(self.queue, (time.monotonic() + DELAY, self.n, sock, data, to))

    def take(self, sock):
        data, peer = sock.recvfrom(65535)
        if sock is self.front:
            if peer not in self.pairs:
                pair = self.pairs[peer] = {"down": udp(("127.0.0.1", 0)), "up": udp(), "client": peer, "server": SERVER}
                self.role[pair["down"]] = self.role[pair["up"]] = pair
            self.later(self.pairs[peer]["up"], data, SERVER)
            return
        pair = self.role[sock]
        if sock is pair["up"]:
            pair["server"] = peer
            self.later(pair["down"], data, pair["client"])
        else:
            self.later(pair["up"], data, pair["server"])

    def run(self):
        while True:
            wait = max(0, self.queue[0][0] - time.monotonic()) if self.queue else 1
            for sock in select.select(list(self.role), [], [], wait)[0]:
                self.take(sock)
            while self.queue and self.queue[0][0] <= time.monotonic():
                _, _, sock, data, to = heapq.heappop(self.queue)
                sock.sendto(data, to)


def sha(path):
    return hashlib.sha256(open(path, "rb").read()).hexdigest() if os.path.exists(path) else "nothing"


def clients(name, got):
    yield "atftp", ["atftp", "--option", "timeout 1", "-g", "-r", name, "-l", got, "127.0.0.1"]
    yield "atftp windowsize 8", ["atftp", "--option", "timeout 1", "--option", "blksize 1428", "--option", "windowsize 8", "-g", "-r", name, "-l", got, "127.0.0.1"]
    yield "tftp-hpa", ["tftp", "-m", "binary", "127.0.0.1", "-c", "get", name, got]
    yield "curl", ["curl", "-s", "--tftp-blksize", "1428", "-o", got, f"tftp://127.0.0.1/{name}"]
    yield "busybox", ["busybox", "tftp", "-g", "-b", "1428", "-r", name, "-l", got, "127.0.0.1"]


def run(label, command, name, got, results):
    started = time.monotonic()
    # atftp 0.8 gives up when an OACK comes twice, which it must when the ACK 0 was lost (RFC 2347): its fault, so it may ask again.
    # Nothing else may.
    for attempt in range(1, 5):
        done = subprocess.run(command, cwd=WORK, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=75)
        if b"unexpected OACK" not in done.stdout:
            break
        print(f"# {label}: gave up at a repeated OACK, attempt {attempt}", flush=True)
    good = sha(got) == sha(f"{WORK}/root/{name}")
    seconds = time.monotonic() - started
    title = f"{label} {name} with loss {sys.argv[1]} %, delay {sys.argv[2]} ms"
    print(f"ok {title} ({seconds:.1f} s)" if good else f"not ok {title}: the file that came is another, after {seconds:.1f} s", flush=True)
    results.append(good)


def main():
    Relay().start()
    name = "f70000" if LOSS < 0.1 and DELAY < 0.05 else "f1024"
    results, threads = [], []
    for label, command in clients(name, "GOT"):
        got = f"{WORK}/in/lossy-{label.replace(' ', '-')}"
        if os.path.exists(got):
            os.unlink(got)
        command = [got if a == "GOT" else a for a in command]
        threads.append(threading.Thread(target=run, args=(label, command, name, got, results)))
        threads[-1].start()
    for t in threads:
        t.join()
    sys.exit(not (len(results) == 5 and all(results)))


main()
