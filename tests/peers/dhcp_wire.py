"""The cases of dhcp_wire.sh: one `ok` or `not ok` a case. Runs inside the client's namespace; the server's is SERVER_NS."""
import json, os, sqlite3, subprocess, sys, time

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "tools"))
from dhcp_raw import *

wire = Wire("eth0")
bad = 0


def case(name, good, why=""):
    global bad
    print(f"ok dhcp-wire-{name}" if good else f"not ok dhcp-wire-{name}: {why}", flush=True)
    bad += not good


def rs(*words):
    return subprocess.run([os.environ["RACKSTRAP"], *words, "-c", os.environ["CLI_CONFIG"]], capture_output=True, text=True).stdout


def until(seconds, fn):
    end = time.monotonic() + seconds
    while not (r := fn()) and time.monotonic() < end:
        time.sleep(0.1)
    return r


def events(name):
    return [x for x in map(json.loads, rs("events", "--json").splitlines()) if x["event"] == name]


def leases():
    return {x["address"]: x for x in json.loads(rs("lease", "list", "--json"))}


def stranger(n):
    return mac(f"52:54:00:00:aa:{n:02x}")


def probes():
    """The neighbour has the first address of the pool: nobody is offered it, and others do not wait."""
    a = wire.send(DISCOVER, stranger(1))
    again = wire.send(DISCOVER, stranger(1))  # joins the probe that waits
    known = wire.send(DISCOVER, mac("52:54:00:00:00:01"))
    came = [wire.receive(5) for _ in range(2)]
    case("others-do-not-wait", came[0] and came[0].xid == known and came[0].address == "10.77.0.11", came[0] and vars(came[0]))
    case("taken-is-not-offered", came[1] and came[1].xid == again and came[1].address == "10.77.0.101", came[1] and vars(came[1]))
    case("asked-again-joins", a != again and wire.receive(0.5) is None)
    took = []
    for _ in range(5):  # the shortest: a busy machine may hold one up
        at = time.monotonic()
        r = wire.ask(DISCOVER, stranger(1))
        took.append(time.monotonic() - at)
    case("probed-once", r and r.address == "10.77.0.101" and min(took) < 0.2, (r and vars(r), took))
    case("bound", (r := wire.bind(stranger(1))) and r.type == ACK and r.address == "10.77.0.101", r and vars(r))
    case("taken-is-quarantined", leases().get("10.77.0.100", {}).get("state") == "declined", leases())
    e = until(5, lambda: events("address-taken"))
    case("taken-is-journalled", e and "52:54:00:00:bb:01" in e[0]["detail"] and "10.77.0.100" in e[0]["detail"], e)


def fills():
    """Three addresses are left of 10.77.0.100-104 but the taken one: full is said once, in the log, the list and the events."""
    got = [wire.bind(stranger(n)) for n in (2, 3, 4)]
    case("pool-fills", [g and g.address for g in got] == [f"10.77.0.{n}" for n in (102, 103, 104)], [g and g.address for g in got])
    for _ in range(4):
        wire.send(DISCOVER, stranger(5))
        time.sleep(0.3)
    case("full-is-silent", wire.ask(DISCOVER, stranger(5), 0.5) is None)
    why = until(6, lambda: json.loads(rs("why", "52:54:00:00:aa:05", "--json")).get("last_not_answered"))
    case("why-says-full", why and why["reason"] == "pool-full" and why["times"] >= 1, why)
    whole = until(6, lambda: "(5 times)" in rs("why", "52:54:00:00:aa:05"))
    case("why-counts", whole, rs("why", "52:54:00:00:aa:05"))
    case("full-is-journalled-once", len(events("pool-full")) == 1, events("pool-full"))
    case("list-says-full", "pool of 10.77.0.0/24 is full since" in rs("lease", "list"), rs("lease", "list"))
    case("list-json-says-full", leases()["10.77.0.102"]["pool_full_since"], leases())
    wire.send(RELEASE, stranger(2), ciaddr="10.77.0.102", options=option(SERVER_ID, ip("10.77.0.1")))
    r = until(4, lambda: wire.ask(DISCOVER, stranger(5), 1))
    case("released-is-given", r and r.address == "10.77.0.102", r and vars(r))
    case("list-says-free", until(5, lambda: "is full" not in rs("lease", "list")), rs("lease", "list"))


def drops():
    """What is not answered is counted: of a device with an entry in the journal, of nobody under no address."""
    device = mac("52:54:00:00:00:01")
    for _ in range(3):
        wire.send(REQUEST, device, options=option(REQUESTED, ip("10.77.0.50")) + option(SERVER_ID, ip("10.77.0.66")))
    wire.s.send(frame(b"\2" + bytes(239) + COOKIE + b"\xff", device))  # a reply, to a server
    rows = until(8, lambda: (r := {(x["mac"], x["reason"]): x for x in json.loads(rs("drops", "--json"))}) and (None, "not-request") in r and r)
    case("counted", rows and rows[("52:54:00:00:00:01", "other-server")]["times"] == 3, rows)
    case("counted-without-mac", rows and rows[(None, "not-request")]["times"] == 1, rows)
    e = [(x["device"], x["mac"], x["detail"].split(":")[0]) for x in events("not-answered")]
    case("journalled-once", e == [(None, "52:54:00:00:aa:05", "pool-full"), ("hv-01", "52:54:00:00:00:01", "other-server"), (None, None, "not-request")],
         e)
    e = [x for x in events("other-server") if "10.77.0.66" in x["detail"]]
    case("chosen-server-is-journalled", len(e) == 1 and e[0]["device"] == "hv-01", e)


def busy():
    """Another process keeps the inventory locked: clients are answered, and what is to be told is told later."""
    lock = sqlite3.connect(os.environ["STATE"] + "/inventory.db", isolation_level=None)
    lock.execute("BEGIN IMMEDIATE")
    wire.send(DISCOVER, stranger(8))  # the pool is full
    time.sleep(3.2)  # the counts are due
    r = wire.bind(mac("52:54:00:00:00:01"))
    case("answers-while-locked", r and r.type == ACK and r.address == "10.77.0.11", r and vars(r))
    locked = json.loads(rs("why", "52:54:00:00:aa:08", "--json"))["last_not_answered"]
    lock.execute("ROLLBACK")
    told = until(6, lambda: json.loads(rs("why", "52:54:00:00:aa:08", "--json"))["last_not_answered"])
    case("told-when-unlocked", locked is None and told and told["times"] == 1, [locked, told])


def declined():
    """A client that finds its address taken tells us; so are we told by the journal."""
    r = wire.bind(stranger(1))
    wire.send(DECLINE, stranger(1), options=option(REQUESTED, ip(r.address)) + option(SERVER_ID, r.server))
    e = until(5, lambda: events("address-declined"))
    case("declined-is-journalled", e and e[0]["mac"] == "52:54:00:00:aa:01" and r.address in e[0]["detail"], e)
    case("declined-is-quarantined", leases()[r.address]["state"] == "declined", leases())
    case("declined-is-not-given", not (x := wire.ask(DISCOVER, stranger(1), 0.6)) or x.address != r.address, x and vars(x))


def other_server():
    """A real one, dnsmasq: its broadcast OFFER is heard."""
    for _ in range(2):
        wire.send(DISCOVER, stranger(7))
    e = until(8, lambda: [x for x in events("other-server") if "10.77.0.100" in x["detail"]])
    case("other-server", e and len(e) == 1 and e[0]["mac"] == "52:54:00:00:bb:01" and "br0" in e[0]["detail"], e)


def expiry():
    """Leases of two seconds: they end, are shown as such, and the one that ended first goes first."""
    first = [wire.bind(stranger(n)) for n in (20, 21)]
    case("short-leases", all(first), first)
    ends = until(6, lambda: [x["state"] for a, x in leases().items() if a in [f.address for f in first]] == ["expired"] * 2)
    case("expired", ends, leases())
    r = wire.bind(stranger(20))
    case("own-expired-is-given-again", r and r.address == first[0].address, r and vars(r))
    time.sleep(2.2)  # both have ended, the second one earlier
    r = [wire.bind(stranger(n)) for n in (30, 31, 32)]
    case("oldest-first", r[0] and r[1] and r[2] and r[0].address not in [f.address for f in first]
         and [r[1].address, r[2].address] == [first[1].address, first[0].address], [x and x.address for x in r])


globals()[sys.argv[1]]()
sys.exit(bad > 0)
