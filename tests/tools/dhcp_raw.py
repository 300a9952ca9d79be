"""DHCP clients of any MAC address on one interface: frames made and read by hand. Imported by the tests that need more of a client
than a real one does; run inside the client's namespace."""
import random, select, socket, struct, time

DISCOVER, OFFER, REQUEST, DECLINE, ACK, NAK, RELEASE, INFORM = range(1, 9)
SERVER_ID, REQUESTED, TYPE, LEASE = 54, 50, 53, 51
COOKIE = b"\x63\x82\x53\x63"
EVERYONE = b"\xff" * 6


def ip(text):
    return socket.inet_aton(text)


def mac(text):
    return bytes.fromhex(text.replace(":", ""))


def mac_text(b):
    return ":".join(f"{x:02x}" for x in b)


def checksum(b):
    s = sum(struct.unpack(f">{len(b) // 2}H", b))
    s = (s >> 16) + (s & 0xFFFF)
    return ~(s + (s >> 16)) & 0xFFFF


def option(code, value):
    return bytes([code, len(value)]) + value


def message(kind, who, xid, ciaddr="0.0.0.0", options=b"", broadcast=True):
    return (struct.pack(">4BIHH", 1, 1, 6, 0, xid, 0, 0x8000 if broadcast else 0) + ip(ciaddr) + bytes(12) + who + bytes(202) + COOKIE
            + option(TYPE, bytes([kind])) + options + b"\xff").ljust(300, b"\0")


def frame(payload, who, source="0.0.0.0", to="255.255.255.255", to_mac=EVERYONE):
    udp = struct.pack(">4H", 68, 67, 8 + len(payload), 0) + payload
    head = struct.pack(">BBHHHBBH", 0x45, 0, 20 + len(udp), 0, 0, 64, 17, 0) + ip(source) + ip(to)
    head = head[:10] + struct.pack(">H", checksum(head)) + head[12:]
    return to_mac + who + b"\x08\x00" + head + udp


class Reply:
    def __init__(self, m):
        self.xid, = struct.unpack(">I", m[4:8])
        self.address, self.mac = socket.inet_ntoa(m[16:20]), m[28:34]
        self.options, at = {}, 240
        while at + 1 < len(m) and m[at] != 255:
            if m[at]:
                self.options[m[at]] = m[at + 2:at + 2 + m[at + 1]]
                at += 1 + m[at + 1]
            at += 1
        self.type = self.options.get(TYPE, b"\0")[0]
        self.server = self.options.get(SERVER_ID, b"")


class Wire:
    def __init__(self, interface):
        self.s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(0x0800))
        self.s.bind((interface, 0))
        index = struct.pack("iHH8s", socket.if_nametoindex(interface), 1, 0, b"")  # promiscuous: each MAC address is ours
        self.s.setsockopt(263, 1, index)
        self.s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8 << 20)

    def send(self, kind, who, xid=None, options=b"", ciaddr="0.0.0.0", **how):
        xid = random.getrandbits(32) if xid is None else xid
        to = {k: how[k] for k in ("source", "to", "to_mac") if k in how}
        self.s.send(frame(message(kind, who, xid, ciaddr, options, how.get("broadcast", True)), who, **to))
        return xid

    def receive(self, seconds):
        """The next answer of a server, or None."""
        end = time.monotonic() + seconds
        while True:
            left = end - time.monotonic()
            if not select.select([self.s], [], [], max(left, 0))[0]:
                return None
            f = self.s.recv(2048)
            if len(f) >= 42 + 240 and f[23] == 17 and f[34:38] == b"\x00\x43\x00\x44" and f[42] == 2:
                return Reply(f[42:])

    def answer(self, xid, seconds=2.0):
        end = time.monotonic() + seconds
        while (r := self.receive(end - time.monotonic())) and r.xid != xid:
            pass
        return r

    def ask(self, kind, who, seconds=2.0, **how):
        return self.answer(self.send(kind, who, **how), seconds)

    def bind(self, who, seconds=2.0, **how):
        """The four-way exchange. The ACK, or None."""
        o = self.ask(DISCOVER, who, seconds, **how)
        if not o or o.type != OFFER:
            return None
        chosen = option(REQUESTED, ip(o.address)) + option(SERVER_ID, o.server)
        return self.ask(REQUEST, who, seconds, options=chosen)
