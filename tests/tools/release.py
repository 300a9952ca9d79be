"""A small bootable-looking disk image and a release of it, made without any of our own code: a second reading of base/manifest.h."""
import ctypes, hashlib, json, os, struct, subprocess

FRAME = 65536
ROOT_FIRST = 12 << 20
_zstd = ctypes.CDLL("libzstd.so.1")
_zstd.ZSTD_compress.restype = _zstd.ZSTD_compressBound.restype = ctypes.c_size_t
_zstd.ZSTD_compressBound.argtypes = [ctypes.c_size_t]
_zstd.ZSTD_compress.argtypes = [ctypes.c_char_p, ctypes.c_size_t, ctypes.c_char_p, ctypes.c_size_t, ctypes.c_int]


def compress(data):
    out = ctypes.create_string_buffer(_zstd.ZSTD_compressBound(len(data)))
    n = _zstd.ZSTD_compress(out, len(out), data, len(data), 3)
    return out.raw[:n]


def run(*argv):
    return subprocess.run(argv, check=True, capture_output=True, text=True).stdout


def make_image(path, mib=64, payload_mib=20, cloud=True):
    """GPT: BIOS boot, a data partition, a hole of 2 MiB that belongs to nothing, and an ext4 root, last."""
    root = path + ".root"
    os.makedirs(root + "/etc/cloud" if cloud else root + "/etc")
    with open(root + "/payload", "wb") as f:
        for i in range(payload_mib):  # half random, half text: as a real system's files compress
            f.write(os.urandom(1 << 19) + (b"rackstrap %08d\n" % i) * (1 << 19) if i % 2 else os.urandom(1 << 20))
            f.truncate((i + 1) << 20)
            f.seek((i + 1) << 20)
    with open(path, "wb") as f:
        f.truncate(mib << 20)
        f.write(b"\xeb\x63\x90 boot code of sector 0")
        f.seek(1 << 20)
        f.write(os.urandom(300000))
        f.seek(3 << 20)
        f.write(os.urandom(100000))
    run("sgdisk", "-a", "8", "-n", "1:1M:+1M", "-t", "1:ef02", "-n", "2:2M:+8M", "-t", "2:ef00", "-n", "3:12M:0", "-t", "3:8300", path)
    blocks = ((mib << 20) - ROOT_FIRST - (1 << 20)) // 4096
    run("mkfs.ext4", "-q", "-b", "4096", "-d", root, "-E", f"offset={ROOT_FIRST},lazy_itable_init=0", path, str(blocks))
    run("rm", "-rf", root)


def frame_type(i, data):
    if data.count(0) < len(data):
        return b"D"
    return b"F" if 10 << 20 <= i * FRAME < 12 << 20 else b"Z"


class Release:
    """folder/DIGEST/{manifest,pack}; frames: (type, pack offset, stored length)."""

    def __init__(self, image, folder, name="demo"):
        self.frames, records, pack_at = [], [], 0
        os.makedirs(folder, exist_ok=True)
        with open(image, "rb") as f, open(folder + "/pack.new", "wb") as pack:
            while data := f.read(FRAME):
                kind = frame_type(len(self.frames), data)
                stored = compress(data) if kind == b"D" else b""
                pack.write(stored)
                self.frames.append((kind, pack_at, len(stored)))
                records.append(hashlib.sha256(data).digest() + hashlib.sha256(stored).digest() + struct.pack(">I", len(stored)))
                pack_at += len(stored)
        self.disk_size, self.pack_size = os.path.getsize(image), pack_at
        header = {"architecture": "amd64", "created": 1780000000, "disk_size": self.disk_size, "image": name, "pack_size": pack_at,
                  "root_partition": 3, "version": "20261121T101500Z"}
        text = json.dumps(header, sort_keys=True, separators=(",", ":")).encode()
        extents = []
        for i, (kind, _, _) in enumerate(self.frames):
            if not extents or extents[-1][0] != kind:
                extents.append([kind, 0, b""])
            extents[-1][1] += 1
            extents[-1][2] += records[i] if kind == b"D" else b""
        self.manifest = b"rackstrap-manifest-1\n" + struct.pack(">I", len(text)) + text + struct.pack(">I", len(extents))
        self.manifest += b"".join(k + struct.pack(">I", n) + r for k, n, r in extents)
        self.digest = hashlib.sha256(self.manifest).hexdigest()
        self.dir = f"{folder}/{self.digest}"
        os.makedirs(self.dir, exist_ok=True)
        os.rename(folder + "/pack.new", self.dir + "/pack")
        with open(self.dir + "/manifest", "wb") as f:
            f.write(self.manifest)
