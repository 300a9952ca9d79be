"""Many clients on one interface, and a server that is killed again and again: what a client was acknowledged stays its own. Run by
dhcp_crash.sh inside the clients' namespace: dhcp_crash.py SEED KILLS COMMAND..., where COMMAND starts the server."""
import collections, json, os, signal, subprocess, sys, threading

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "tools"))
from dhcp_raw import *

CLIENTS, PATIENCE = 300, 0.5  # seconds until a client starts over
SERVER = option(SERVER_ID, ip("10.77.0.1"))
seed, kills, command = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3:]
rnd = random.Random(seed)
wire = Wire("eth0")
problems = []
count = collections.Counter()
holder = {}  # address -> the client that was acknowledged it and has not given it up


class Client:
    def __init__(self, n):
        self.mac = mac(f"52:54:00:00:{n >> 8:02x}:{n & 255:02x}")
        self.address = None  # acknowledged
        self.waits, self.xid, self.until = None, 0, 0

    def send(self, kind, now, **how):
        self.xid = rnd.getrandbits(32)
        self.waits, self.until = kind, now + PATIENCE
        wire.send(kind, self.mac, self.xid, **how)

    def begin(self, now):
        """What a client does next: mostly it boots once more, as firmware, iPXE and the system do one after the other."""
        if self.address and (dice := rnd.random()) < 0.2:
            wire.send(RELEASE, self.mac, ciaddr=self.address, options=SERVER)
            self.give_up()
            count["release"] += 1
        elif self.address and dice < 0.4:
            return self.send(REQUEST, now, options=option(REQUESTED, ip(self.address)))  # INIT-REBOOT
        self.send(DISCOVER, now)

    def give_up(self):
        holder.pop(self.address, None)
        self.address = None

    def heard(self, r, now):
        if r.type == OFFER and self.waits == DISCOVER:
            if self.address and r.address != self.address:
                problems.append(f"{mac_text(self.mac)} holds {self.address} and was offered {r.address}")
            self.send(REQUEST, now, options=option(REQUESTED, ip(r.address)) + SERVER)
        elif r.type == ACK and self.waits == REQUEST:
            self.acknowledged(r.address)
            self.waits, self.until = None, now + rnd.random() * 0.2
        elif r.type == NAK and self.waits == REQUEST:
            count["nak"] += 1
            if self.address:
                problems.append(f"{mac_text(self.mac)} holds {self.address} and was refused")
            self.waits, self.until = None, now

    def acknowledged(self, address):
        other = holder.get(address)
        count["ack"] += 1
        if other and other is not self:
            problems.append(f"{address} was given to {mac_text(other.mac)} and {mac_text(self.mac)}")
        if self.address and self.address != address:
            problems.append(f"{mac_text(self.mac)} held {self.address} and was acknowledged {address}")
        self.address = address
        holder[address] = self


clients = {c.mac: c for c in map(Client, range(1, CLIENTS + 1))}


def run(until, now=time.monotonic):
    """Clients ask and are answered, until then."""
    while (t := now()) < until:
        for c in clients.values():
            if c.until <= t:
                c.begin(t)
        while (r := wire.receive(0.002)) and now() < t + 0.02:
            if (c := clients.get(r.mac)) and r.xid == c.xid:
                c.heard(r, now())


def start():
    log = open(os.environ["LOG"], "ab")
    server = subprocess.Popen(command, stdout=log, stderr=log, start_new_session=True)
    before, end = count["ack"], time.monotonic() + 15
    while count["ack"] == before and time.monotonic() < end:
        run(time.monotonic() + 0.05)
    if count["ack"] == before:
        print(f"not ok dhcp-crash-starts: no answer within 15 s; see {os.environ['LOG']}")
        sys.exit(1)
    return server


def leases():
    out = subprocess.run([os.environ["RACKSTRAP"], "lease", "list", "--json", "-c", os.environ["CONFIG"]], capture_output=True, text=True)
    return json.loads(out.stdout)


def check_records(when):
    rows = leases()
    live = {x["address"]: x["mac"] for x in rows if x["state"] == "bound"}
    for address, c in holder.items():
        if live.get(address) != mac_text(c.mac):
            problems.append(f"{when}: {address}, acknowledged to {mac_text(c.mac)}, is recorded for {live.get(address)}")
    double = [m for m, n in collections.Counter(live.values()).items() if n > 1]
    if double:
        problems.append(f"{when}: two live leases each: {double}")


def main():
    server = start()
    for n in range(kills):
        moment = rnd.uniform(0.05, 1.0)
        killer = threading.Timer(moment, os.killpg, (server.pid, signal.SIGKILL))  # in the midst of asking
        killer.start()
        run(time.monotonic() + moment + 0.1)  # what it sent before it died is still an answer
        killer.join()
        server.wait()
        check_records(f"after kill {n + 1}")
        server = start()
    run(time.monotonic() + 1.5)
    check_records("at the end")
    os.killpg(server.pid, signal.SIGTERM)
    server.wait()
    print(f"# seed {seed}: {kills} kills, {count['ack']} acknowledged, {count['nak']} refused, {count['release']} released, "
          f"{len(holder)} addresses held at the end")
    for p in problems[:20]:
        print(f"# {p}")
    print(f"ok dhcp-crash-{kills}-kills" if not problems else f"not ok dhcp-crash-{kills}-kills: {len(problems)} problems; seed {seed}")
    enough = count["ack"] > 10 * kills
    print("ok dhcp-crash-load" if enough else f"not ok dhcp-crash-load: only {count['ack']} acknowledged")
    sys.exit(bool(problems) or not enough)


main()
