"""What no well-behaved client sends. Run by tftp.sh inside the client's namespace."""
import random, socket, struct, sys

SERVER = ("10.77.0.1", 69)
bad = 0


def case(name, good, why=""):
    global bad
    print(f"ok {name}" if good else f"not ok {name}: {why}")
    bad += not good


def client():
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    s.settimeout(2)
    return s


def get(s):
    try:
        return s.recvfrom(65535)
    except socket.timeout:
        return None, None


def rrq(name, *options, mode=b"octet"):
    return b"\0\1" + name + b"\0" + mode + b"\0" + b"".join(o + b"\0" for o in options)


def ack(n):
    return struct.pack(">HH", 4, n & 0xFFFF)


def quiet(s, seconds=0.03):
    s.settimeout(seconds)
    p, _ = get(s)
    s.settimeout(2)
    return p is None


s = client()
s.sendto(rrq(b"f1024", b"BLKSIZE", b"100", b"nonsense", b"1", b"TSize", b"0"), SERVER)
p, tid = get(s)
case("OACK has what was asked for and known, nothing else", p == b"\0\6blksize\x00100\0tsize\x001024\0", p)
case("a fresh port for the transfer", tid and tid[1] != 69, tid)
stranger = client()
stranger.sendto(ack(0), tid)
p, _ = get(stranger)
case("a stranger gets ERROR 5", p is not None and p[:4] == b"\0\5\0\5", p)
stranger.sendto(b"\0\5\0\5unknown\0", tid)
case("a stranger's ERROR gets no answer", quiet(stranger, 0.5))
s.sendto(ack(0), tid)
p, _ = get(s)
case("and the transfer goes on", p is not None and p[:4] == b"\0\3\0\1" and len(p) == 104, p)
s.sendto(ack(1), tid)
get(s)
s.sendto(ack(1), tid)
case("a duplicate ACK sends nothing", quiet(s))
s.sendto(b"\0\5\0\0closed\0", tid)
case("ERROR ends it without an answer", quiet(s, 1.5))

s = client()
s.sendto(rrq(b"f513", b"blksize", b"512"), SERVER)
p, tid = get(s)
s.sendto(b"\0\5\0\x08User aborted the transfer\0", tid)
case("ERROR before ACK 0 ends it", quiet(s, 1.5))

s = client()
s.sendto(rrq(b"f513", b"tsize", b"0"), SERVER)
p1, tid1 = get(s)
s.sendto(rrq(b"f513", b"tsize", b"0"), SERVER)
p2, tid2 = get(s)
case("a repeated request is one transfer", tid2 is not None and tid2 == tid1, f"{tid1} {tid2}")
s.sendto(b"\0\5\0\0\0", tid1)

s = client()
s.sendto(rrq(b"f513"), SERVER)
p, _ = get(s)
case("no options, no OACK", p is not None and p[:4] == b"\0\3\0\1" and len(p) == 516, p)

s = client()
s.sendto(rrq(b"text", mode=b"NetASCII"), SERVER)
p, _ = get(s)
case("netascii is translated", p == b"\0\3\0\1one\r\ntwo\r\n", p)

s = client()
s.sendto(rrq(b"f513\0octet"), SERVER)
get(s)
rng = random.Random(1)
for i in range(2000):
    junk = bytes(rng.randrange(256) for _ in range(rng.randrange(80)))
    s.sendto(junk if i % 2 else b"\0" + bytes([rng.randrange(1, 8)]) + junk, SERVER)
    if i % 50 == 0:
        s.sendto(rrq(b"f1", b"windowsize", b"65535"), SERVER)
s = client()
s.sendto(rrq(b"f1"), SERVER)
p, _ = get(s)
case("it serves after 2,000 packets of garbage", p is not None and len(p) == 5, p)
sys.exit(bad > 0)
