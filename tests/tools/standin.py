#!/usr/bin/python3
"""A stand-in for a machine's firmware: speaks the real protocols from a real interface, without a machine.

    standin.py boot  [--arch bios|uefi|ipxe] [--uuid U] [--serial S] [--no-files]    one whole network boot
    standin.py dhcp  [--arch ...]                                                    only the address
    standin.py noise [--seed N] [--count N] --server A --port P                       broken DHCP, TFTP and HTTP

`boot` is DHCP as the firmware would ask (options 60, 93, 94, 97), the loader by TFTP, DHCP again as iPXE would ask (options 77, 175),
the script by HTTP, and the kernel and initramfs that the script names. It prints what came of it as one JSON object:
address, server, loader, script_url, script, action (install, discover, local, none), url, token, files. Exit code 0 also for
`none`; 1 when something that was promised did not come. --interface (eth0) and its MAC address are the namespace's own.
"""
import argparse
import json
import random
import re
import socket
import struct
import subprocess
import sys
import time
import urllib.error
import urllib.request

COOKIE = bytes([0x63, 0x82, 0x53, 0x63])
ARCH = {"bios": 0, "uefi": 7, "ipxe": 0}
DISCOVER, OFFER, REQUEST, ACK, NAK = 1, 2, 3, 5, 6
TFTP_BLOCK = 1408
http = urllib.request.build_opener(urllib.request.ProxyHandler({}))


class Failed(Exception):
    """What was promised did not come."""


def interface_mac(name):
    with open(f"/sys/class/net/{name}/address", encoding="ascii") as f:
        return bytes.fromhex(f.read().strip().replace(":", ""))


# --- DHCP: whole frames, since a machine without an address has nothing else ---

def checksum(data):
    if len(data) % 2:
        data += b"\0"
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def frame(mac, payload):
    udp = struct.pack("!HHHH", 68, 67, 8 + len(payload), 0) + payload
    head = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 20 + len(udp), 0, 0, 64, 17, 0, bytes(4), b"\xff" * 4)
    head = head[:10] + struct.pack("!H", checksum(head)) + head[12:]
    return b"\xff" * 6 + mac + b"\x08\x00" + head + udp


def udp_payload(data):
    """The payload of a DHCP reply's frame, or None for any other frame."""
    if len(data) < 14 + 20 + 8 or data[12:14] != b"\x08\x00" or data[14] >> 4 != 4 or data[23] != 17:
        return None
    start = 14 + (data[14] & 15) * 4
    source, to, length, _ = struct.unpack("!HHHH", data[start:start + 8])
    return data[start + 8:start + length] if (source, to) == (67, 68) else None


def option(code, value):
    return bytes([code, len(value)]) + value


def uuid_smbios(text):
    b = bytes.fromhex(text.replace("-", ""))
    return b[3::-1] + b[5:3:-1] + b[7:5:-1] + b[8:]


def ask(kind, mac, xid, arch, uuid, extra=b""):
    head = struct.pack("!BBBBIHH4s4s4s4s", 1, 1, 6, 0, xid, 0, 0x8000, *[bytes(4)] * 4)
    head += mac + bytes(10) + bytes(64) + bytes(128)
    options = option(53, bytes([kind])) + option(57, struct.pack("!H", 1472))
    options += option(55, bytes([1, 3, 6, 7, 12, 15, 17, 26, 43, 60, 66, 67, 119, 175, 203]))
    options += option(60, b"PXEClient:Arch:%05d:UNDI:003000" % ARCH[arch]) + option(93, struct.pack("!H", ARCH[arch]))
    options += option(94, bytes([1, 3, 0])) + option(97, b"\0" + uuid_smbios(uuid)) + option(61, b"\1" + mac)
    if arch == "ipxe":
        options += option(77, b"iPXE") + option(175, bytes([0x13, 1, 1, 0x15, 1, 1, 0xEB, 3, 1, 0, 0]))
    return head + COOKIE + options + extra + b"\xff"


def parse(packet):
    """The fixed fields and the options of a reply (long options put together), or None."""
    if not packet or len(packet) < 240 or packet[0] != 2 or packet[236:240] != COOKIE:
        return None
    xid, = struct.unpack("!I", packet[4:8])
    options, at = {}, 240
    while at < len(packet) and packet[at] != 255:
        if packet[at] == 0:
            at += 1
            continue
        code, length = packet[at], packet[at + 1]
        options[code] = options.get(code, b"") + packet[at + 2:at + 2 + length]
        at += 2 + length
    file = options.get(67) or packet[108:236]
    return {"xid": xid, "yiaddr": socket.inet_ntoa(packet[16:20]), "siaddr": socket.inet_ntoa(packet[20:24]),
            "mac": packet[28:34], "file": file.split(b"\0")[0].decode("ascii", "replace"), "options": options,
            "kind": options.get(53, b"\0")[0]}


def exchange(raw, mac, payload, xid, kinds, tries=5):
    """Sends, and sends again, until a reply of one of these kinds is there; None for silence."""
    for attempt in range(tries):
        raw.send(frame(mac, payload))
        deadline = time.monotonic() + 1 + attempt
        while (left := deadline - time.monotonic()) > 0:
            raw.settimeout(left)
            try:
                reply = parse(udp_payload(raw.recv(4096)))
            except (TimeoutError, IndexError):
                continue
            if reply and reply["xid"] == xid and reply["mac"] == mac and reply["kind"] in kinds:
                return reply
    return None


def dhcp(interface, arch, uuid):
    """DISCOVER, OFFER, REQUEST, ACK; the address is put on the interface. None when nobody answers."""
    mac, xid = interface_mac(interface), random.getrandbits(32)
    raw = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(0x0800))
    raw.bind((interface, 0x0800))
    with raw:
        offer = exchange(raw, mac, ask(DISCOVER, mac, xid, arch, uuid), xid, [OFFER])
        if not offer:
            return None
        extra = option(54, offer["options"][54]) + option(50, socket.inet_aton(offer["yiaddr"]))
        ack = exchange(raw, mac, ask(REQUEST, mac, xid, arch, uuid, extra), xid, [ACK, NAK])
    if not ack or ack["kind"] == NAK:
        raise Failed("an offer, and then no ACK of it")
    bits = sum(bin(b).count("1") for b in ack["options"].get(1, b"\xff\xff\xff\0"))
    subprocess.run(["ip", "address", "flush", "dev", interface], check=True)
    subprocess.run(["ip", "address", "add", f"{ack['yiaddr']}/{bits}", "dev", interface], check=True)
    return ack


# --- TFTP ---

def tftp(server, file, timeout=5):
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.settimeout(timeout)
    words = [file, "octet", "blksize", str(TFTP_BLOCK), "tsize", "0"]
    request = b"\0\1" + b"".join(w.encode() + b"\0" for w in words)
    data, want, size, block = b"", 0, None, 512
    to, last = (server, 69), request
    for _ in range(200000):
        sock.sendto(last, to)
        try:
            packet, peer = sock.recvfrom(65536)
        except TimeoutError as why:
            raise Failed(f"tftp {file}: no answer") from why
        op = struct.unpack("!H", packet[:2])[0]
        if op == 5:
            raise Failed(f"tftp {file}: {packet[4:].split(bytes(1))[0].decode()}")
        if op == 6:
            w = packet[2:].split(b"\0")
            o = {w[i].lower(): w[i + 1] for i in range(0, len(w) - 1, 2)}
            block, size = int(o.get(b"blksize", 512)), int(o[b"tsize"]) if b"tsize" in o else None
        elif op == 3 and struct.unpack("!H", packet[2:4])[0] == (want + 1) % 65536:
            want = (want + 1) % 65536
            data += packet[4:]
        to, last = peer, b"\0\4" + struct.pack("!H", want)
        if op == 3 and len(packet) - 4 < block:
            sock.sendto(last, to)
            if size is not None and size != len(data):
                raise Failed(f"tftp {file}: {len(data)} bytes, {size} were promised")
            return data
    raise Failed(f"tftp {file}: no end")


# --- HTTP, and the few words of iPXE's language that a boot script is made of ---

def get(url):
    with http.open(url, timeout=30) as answer:
        body = answer.read()
        length = answer.headers.get("Content-Length")
    if length is not None and int(length) != len(body):
        raise Failed(f"{url}: {len(body)} bytes, {length} were promised")
    return body


def expand(text, settings):
    return re.sub(r"\$\{([^}]*)\}", lambda m: settings.get(m.group(1).split("/")[-1].split(":")[0], ""), text)


def run_script(text, settings):
    """What the script would make the machine do: its action, kernel, arguments and initramfs."""
    lines = [line.strip() for line in text.splitlines()]
    labels = {line[1:]: i for i, line in enumerate(lines) if line.startswith(":")}
    got, at = {"action": "none"}, 0
    for _ in range(1000):
        if at >= len(lines):
            return got
        # "a && b || c": every first part is taken as done, but a comparison.
        parts = [p.split() for p in re.split(r"\s*(?:&&|\|\|)\s*", expand(lines[at], settings))]
        words, at = parts[0], at + 1
        if words and words[0] == "iseq":
            words = parts[1 if words[1] == words[2] else 2] if len(parts) > 2 else []
        if not words or words[0].startswith(("#", ":")):
            continue
        if words[0] == "goto":
            at = labels[words[1]]
        elif words[0] == "kernel":
            got["kernel"], got["cmdline"] = words[1], words[2:]
        elif words[0] == "initrd":
            got["initrd"] = words[-1]
        elif words[0] == "sleep":
            time.sleep(int(words[1]))
        elif words[0] == "chain" and "/boot/" in words[-1]:
            got.update(action="again", url=words[-1])
            return got
        elif words[0] in ("exit", "sanboot"):
            got["action"] = "local" if words[0] == "sanboot" or "boots from its disk" in text else "none"
            return got
        elif words[0] == "boot":
            args = dict(w.split("=", 1) for w in got["cmdline"] if "=" in w)
            got.update(action=args.get("rackstrap.mode", "none"), url=args.get("rackstrap.url"),
                       token=args.get("rackstrap.token"))
            return got
    raise Failed("the script goes round in circles")


def boot(o):
    mac = interface_mac(o.interface)
    result = {"mac": mac.hex(":"), "action": "none"}
    lease = dhcp(o.interface, o.arch, o.uuid)
    if not lease:
        return result
    result.update(address=lease["yiaddr"], server=lease["siaddr"], loader=lease["file"])
    if o.arch != "ipxe" and lease["file"]:
        if not o.no_files:
            result["loader_bytes"] = len(tftp(lease["siaddr"], lease["file"]))
        lease = dhcp(o.interface, "ipxe", o.uuid)
        if not lease:
            raise Failed("the firmware got an address, iPXE did not")
    if not lease["file"].startswith("http"):
        return result
    settings = {"uuid": o.uuid, "serial": o.serial, "mac": mac.hex(":"), "ip": lease["yiaddr"], "buildarch": "x86_64",
                "platform": "efi" if o.arch == "uefi" else "pcbios", "product": "standin", "manufacturer": "rackstrap"}
    result["script_url"] = url = expand(lease["file"], settings)
    while True:
        script = get(url).decode()
        if not script.startswith("#!ipxe"):
            raise Failed(f"what came from {url} is no iPXE script")
        result["script"] = script
        result.update(run_script(script, settings))
        if result["action"] != "again":
            break
        url = result["url"]
    if not o.no_files and "kernel" in result:
        result["files"] = {url: len(get(url)) for url in (result["kernel"], result["initrd"])}
    return result


# --- noise: what a broken or hostile neighbour sends ---

def mutate(rng, data):
    data = bytearray(data)
    for _ in range(rng.randrange(1, 8)):
        choice = rng.randrange(3)
        if choice == 0 and data:
            data[rng.randrange(len(data))] = rng.randrange(256)
        elif choice == 1 and data:
            del data[rng.randrange(len(data)):]
        else:
            at = rng.randrange(len(data) + 1)
            data[at:at] = rng.randbytes(rng.randrange(1, 32))
    return bytes(data[:1400])


def send_http(server, port, data):
    try:
        with socket.create_connection((server, port), timeout=2) as s:
            s.settimeout(0.2)
            s.sendall(data)
            s.recv(4096)
    except OSError:
        pass  # a refusal is an answer; whether the server lives is asked afterwards


def noise(o):
    rng = random.Random(o.seed)
    mac, uuid = interface_mac(o.interface), o.uuid
    raw = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(0x0800))
    raw.bind((o.interface, 0x0800))
    udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    http_seed = b"GET /boot/52:54:00:00:00:01.ipxe?uuid=x HTTP/1.1\r\nHost: a\r\nRange: bytes=0-5\r\nContent-Length: 3\r\n\r\nabc"
    for i in range(o.count):
        kind = rng.choice([DISCOVER, REQUEST, 4, 7, 8, 0, 255])
        raw.send(frame(mac, mutate(rng, ask(kind, mac, rng.getrandbits(32), rng.choice(list(ARCH)), uuid))))
        if o.server:
            udp.sendto(mutate(rng, b"\0\1ipxe.efi\0octet\0blksize\x001468\0tsize\x000\0"), (o.server, 69))
            if i % 20 == 0:
                send_http(o.server, o.port, mutate(rng, http_seed))
    return {"sent": o.count}


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("command", choices=["boot", "dhcp", "noise"])
    p.add_argument("--interface", default="eth0")
    p.add_argument("--arch", choices=list(ARCH), default="bios")
    p.add_argument("--uuid", default="7261636b-7374-4072-8070-000000000001")
    p.add_argument("--serial", default="LAB00001")
    p.add_argument("--no-files", action="store_true", help="do not fetch loader, kernel and initramfs")
    p.add_argument("--seed", type=int, default=1)
    p.add_argument("--count", type=int, default=1000)
    p.add_argument("--server")
    p.add_argument("--port", type=int, default=8080)
    o = p.parse_args()
    try:
        if o.command == "boot":
            result = boot(o)
        elif o.command == "noise":
            result = noise(o)
        else:
            lease = dhcp(o.interface, o.arch, o.uuid)
            result = {"address": lease["yiaddr"], "file": lease["file"]} if lease else {}
    except (Failed, OSError, urllib.error.HTTPError) as why:
        print(json.dumps({"error": str(why)}))
        sys.exit(1)
    print(json.dumps(result, indent=1))


main()
