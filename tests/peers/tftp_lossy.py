"""The wire of tftp.sh where the kernel has no netem: relays that lose and delay datagrams both ways, and give each transfer a fresh
port as the server does. `tftp_lossy.py FOLDER` runs each client through one relay for each loss and delay, all at the same time."""
import hashlib, heapq, os, random, select, socket, subprocess, sys, threading, time

WORK = sys.argv[1]
SERVER = ("10.77.0.1", 69)
WIRES = [(loss, delay) for loss in (0, 1, 10) for delay in (0, 1, 50)]  # per cent; milliseconds


def udp(at=("", 0)):
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    s.bind(at)
    return s


class Relay(threading.Thread):
    """One pair of sockets a client port: `down` faces the client, `up` the server."""

    def __init__(self, address, loss, delay):
        super().__init__(daemon=True)
        self.address, self.loss, self.delay, self.rng = address, loss / 100, delay / 1000, random.Random(7)
        self.front = udp((address, 69))
        self.pairs, self.role, self.queue, self.n = {}, {self.front: None}, [], 0

    def later(self, sock, data, to):
        if self.rng.random() >= self.loss:
            self.n += 1
            heapq.heappush(self.queue, (time.monotonic() + self.delay, self.n, sock, data, to))

    def take(self, sock):
        data, peer = sock.recvfrom(65535)
        if sock is self.front:
            if peer not in self.pairs:
                pair = self.pairs[peer] = {"down": udp((self.address, 0)), "up": udp(), "client": peer, "server": SERVER}
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


def clients(name, got, at):
    yield "atftp", ["atftp", "--option", "timeout 1", "-g", "-r", name, "-l", got, at]
    yield "atftp windowsize 8", ["atftp", "--option", "timeout 1", "--option", "blksize 1428", "--option", "windowsize 8", "-g", "-r", name, "-l", got, at]
    yield "tftp-hpa", ["tftp", "-m", "binary", at, "-c", "get", name, got]
    yield "curl", ["curl", "-s", "--tftp-blksize", "1428", "-o", got, f"tftp://{at}/{name}"]
    yield "busybox", ["busybox", "tftp", "-g", "-b", "1428", "-r", name, "-l", got, at]


def run(title, command, name, got, results):
    started = time.monotonic()
    # atftp 0.8 gives up when an OACK comes twice, which it must when the ACK 0 was lost (RFC 2347): its fault, so it may ask again.
    # Nothing else may.
    for attempt in range(1, 5):
        done = subprocess.run(command, cwd=WORK, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=300)
        if b"unexpected OACK" not in done.stdout:
            break
        print(f"# {title}: gave up at a repeated OACK, attempt {attempt}", flush=True)
    good = sha(got) == sha(f"{WORK}/root/{name}")
    seconds = time.monotonic() - started
    print(f"ok {title} ({seconds:.1f} s)" if good else f"not ok {title}: the file that came is another, after {seconds:.1f} s; it said {done.stdout[-200:]}", flush=True)
    results.append(good)


def main():
    results, threads = [], []
    for n, (loss, delay) in enumerate(WIRES):
        at = f"127.0.1.{n + 1}"
        Relay(at, loss, delay).start()
        name = "f70000" if loss < 10 and delay < 50 else "f20000"
        for label, _ in clients("", "", ""):
            got = f"{WORK}/in/lossy-{n}-{label.replace(' ', '-')}"
            title = f"{label} {name} with loss {loss} %, delay {delay} ms"
            threads.append(threading.Thread(target=run, args=(title, dict(clients(name, got, at))[label], name, got, results)))
            threads[-1].start()
    for t in threads:
        t.join()
    sys.exit(not (len(results) == len(threads) and all(results)))


main()
