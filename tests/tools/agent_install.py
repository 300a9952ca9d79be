#!/usr/bin/env python3
"""The real agent against the fake server, on files: agent_install.py AGENT [CASE...]. Prints `ok NAME` or `not ok NAME: why`."""
import hashlib, json, os, shutil, struct, subprocess, sys, tempfile, time, traceback

from fake_server import FakeServer
from release import FRAME, Release, make_image, run

MIB = 1 << 20
MAC, UUID = "52:54:00:00:00:01", "12345678-1234-1234-1234-123456789abc"
AGENT = os.path.abspath(sys.argv[1])
ROOT = os.geteuid() == 0 and not os.environ.get("NOT_ROOT")  # in a user namespace root cannot mount
# Growing a mounted ext4 takes CAP_SYS_RESOURCE, which containers often lack; agent_qemu.sh sees it grown in any case.
CAN_GROW = int([l for l in open("/proc/self/status") if l.startswith("CapEff")][0].split()[1], 16) >> 24 & 1


class Skip(Exception):
    pass


def want(condition, what):
    if not condition:
        raise AssertionError(what)


def sha(path):
    return hashlib.sha256(open(path, "rb").read()).hexdigest()


class Bench:
    """One image and release for all cases; a new disk and server for each."""

    def __init__(self):
        self.dir = tempfile.mkdtemp(prefix="rackstrap-agent-")
        self.image = self.dir + "/image"
        make_image(self.image)
        self.release = Release(self.image, self.dir + "/images")
        self.image_bytes = open(self.image, "rb").read()

    def server(self, **kw):
        return FakeServer(self.dir + "/images", self.release.digest, **kw)

    def disk(self, mib=96, fill=b"\xaa"):
        path = self.dir + "/disk"
        with open(path, "wb") as f:
            for _ in range(mib):
                f.write(fill * MIB)
        return path

    def argv(self, server, target, *more):
        argv = [AGENT, "install", "--url", server.url, "--token", server.token, "--mac", MAC, "--uuid", UUID]
        return argv + (["--target", target] if target else []) + list(more)

    def install(self, server, target, *more, seed=False):
        more = list(more) + ([] if seed else ["--no-seed"])
        return subprocess.run(self.argv(server, target, *more), capture_output=True, text=True, timeout=120)

    def start(self, server, target):
        return subprocess.Popen(self.argv(server, target, "--no-seed"), stdout=subprocess.PIPE, text=True)

    def check_disk(self, path, server, filled=b"\xaa", root_written=False):
        disk = open(path, "rb").read()
        for i, (kind, _, _) in enumerate(self.release.frames):
            at, n = i * FRAME, min(FRAME, self.release.disk_size - i * FRAME)
            if at < MIB or at + n > self.release.disk_size - 33 * 512 or (root_written and at >= 12 * MIB):
                continue
            expect = {b"D": self.image_bytes[at:at + n], b"Z": bytes(n), b"F": filled * n}[kind]
            want(disk[at:at + n] == expect, f"frame {i} of type {kind} is not what it must be")
        want(disk[:446] == self.image_bytes[:446], "the boot code is not the image's")
        want(disk[34 * 512:MIB] == self.image_bytes[34 * 512:MIB], "the rest of the first MiB is not the image's")
        want("No problems found" in run("sgdisk", "-v", path), "sgdisk finds problems")
        table = run("sgdisk", "-p", path)
        want(server.job.upper() in table, "the disk GUID is not the job's")
        want(disk[self.release.disk_size - 512:self.release.disk_size - 504] != b"EFI PART", "the image's own backup table is still there")
        third = run("sgdisk", "-i", "3", path)
        want(f"Last sector: {len(disk) // 512 - 34 - (len(disk) // 512 - 33) % 8}" in third.replace("  ", " "), "root was not grown: " + third)


def blank(path):
    head = open(path, "rb").read(MIB)
    return head[:MIB - 512] == bytes(MIB - 512) and head[MIB - 512:].startswith(b"rackstrap: job ")


def no_backup(path):
    with open(path, "rb") as f:
        f.seek(-512, 2)
        return f.read(8) != b"EFI PART"


def full_install(b):
    s, disk = b.server(), b.disk()
    r = b.install(s, disk)
    want(r.returncode == 0, r.stdout + r.stderr)
    want(s.calls[:2] == ["hello", "claim"] and s.calls[-1] == "written", f"calls {s.calls}")
    want(s.bodies["claim"][0]["disk"]["size"] == 96 * MIB and s.bodies["claim"][0]["uuid"] == UUID, "claim body")
    want(sum(l - f + 1 for f, l in s.ranges) == b.release.pack_size, "the pack was not fetched once")
    b.check_disk(disk, s)


def same_size_disk(b):
    s, disk = b.server(), b.disk(64)
    r = b.install(s, disk)
    want(r.returncode == 0, r.stdout + r.stderr)
    want("No problems found" in run("sgdisk", "-v", disk), "sgdisk finds problems")
    want(s.job.upper() in run("sgdisk", "-p", disk), "GUID")


def seed_and_growth(b):
    if not ROOT:
        raise Skip("needs root and loop devices")
    s, disk = b.server(), b.disk(256)
    r = b.install(s, disk, seed=True)
    want(r.returncode == 0, r.stdout + r.stderr)
    root = b.dir + "/root"
    run("dd", f"if={disk}", f"of={root}", "bs=1M", "skip=12", "status=none")
    os.truncate(root, (256 * MIB - 33 * 512) // 4096 * 4096 - 12 * MIB)
    fsck = subprocess.run(["e2fsck", "-fn", root], capture_output=True, text=True)
    want(fsck.returncode == 0, fsck.stdout)
    blocks = int([l for l in run("dumpe2fs", "-h", root).splitlines() if l.startswith("Block count")][0].split()[-1])
    want(blocks == os.path.getsize(root) // 4096 or not CAN_GROW, f"{blocks} blocks")
    seed = json.loads(run("debugfs", "-R", "cat /var/lib/rackstrap/seed.json", root))
    want(seed == {"url": s.url, "token": s.enrol_token, "job": s.job, "device": "hv-01"}, f"seed {seed}")
    want("Mode:  0600" in run("debugfs", "-R", "stat /var/lib/rackstrap/seed.json", root), "seed's mode")
    want(f"{s.url}/nocloud/{s.enrol_token}/" in run("debugfs", "-R", "cat /etc/cloud/cloud.cfg.d/99-rackstrap.cfg", root), "NoCloud")
    want(s.enrol_token not in r.stdout and s.token not in r.stdout, "a token is on the console")
    run("losetup", "-a")
    want(disk not in run("losetup", "-a"), "a loop device is left behind")


def resume_after_kill(b):
    s, disk = b.server(), b.disk()
    s.rate = 4 * MIB  # four seconds: however busy this machine is, it is killed on the way
    p = b.start(s, disk)
    while not s.bodies.get("progress") or s.bodies["progress"][-1]["done"] < s.bodies["progress"][-1]["total"] // 2:
        want(p.poll() is None, "it ended before it was killed")
        time.sleep(0.02)
    p.kill()
    p.wait()
    want(blank(disk) and no_backup(disk), "a half-written disk could boot")
    s.rate = 0
    before = sum(l - f + 1 for f, l in s.ranges)
    r = b.install(s, disk)
    want(r.returncode == 0, r.stdout)
    want(s.bodies["written"][-1]["frames_same"] > 50, f"{s.bodies['written']}")
    want(s.bodies["written"][-1]["bytes_fetched"] < b.release.pack_size * 0.8, "everything was fetched again")
    b.check_disk(disk, s)


def flipped_byte(b):
    s, disk = b.server(), b.disk()
    bad = max(i for i, f in enumerate(b.release.frames) if f[0] == b"D" and i < 700)
    s.flip = b.release.frames[bad][1] + 5
    r = b.install(s, disk)
    want(r.returncode == 1, f"status {r.returncode}")
    failed = s.bodies["failed"][0]
    want(failed["reason"] == "image-corrupt" and f"frame {bad} at byte {bad * FRAME}" in failed["detail"], f"{failed}")
    want(sum(f <= s.flip <= l for f, l in s.ranges) == 2, "the frame was not fetched twice")
    want(blank(disk) and no_backup(disk) and not s.count("written"), "the disk could boot")


def flipped_byte_once(b):
    s, disk = b.server(), b.disk()
    s.flip, s.flip_times = b.release.frames[16][1] + 5, 1
    r = b.install(s, disk)
    want(r.returncode == 0 and "fetching it again" in r.stdout, r.stdout)
    b.check_disk(disk, s)


def short_pack(b):
    s, disk = b.server(), b.disk()
    before, pack = sha(disk), b.release.dir + "/pack"
    whole = open(pack, "rb").read()
    try:
        os.truncate(pack, len(whole) // 2)
        r = b.install(s, disk)
    finally:
        open(pack, "wb").write(whole)
    want(r.returncode == 1 and s.bodies["failed"][0]["reason"] == "image-corrupt", r.stdout)
    want(sha(disk) == before and not s.count("claim"), "the disk was touched or the job claimed")


def no_pack(b):
    s, disk = b.server(), b.disk()
    before, pack = sha(disk), b.release.dir + "/pack"
    os.rename(pack, pack + ".away")
    try:
        r = b.install(s, disk)
    finally:
        os.rename(pack + ".away", pack)
    want(r.returncode == 1 and s.bodies["failed"][0]["reason"] == "image-missing", r.stdout)
    want(sha(disk) == before and not s.count("claim"), "the disk was touched or the job claimed")


def flipped_byte_in_head(b):
    """What is broken in the first MiB is found before the job is claimed."""
    s, disk = b.server(), b.disk()
    before = sha(disk)
    s.flip = b.release.frames[0][1] + 5
    r = b.install(s, disk)
    want(r.returncode == 1 and s.bodies["failed"][0]["reason"] == "image-corrupt", r.stdout)
    want(sha(disk) == before and not s.count("claim"), "the disk was touched or the job claimed")


def waits_for_its_turn(b):
    s, disk = b.server(), b.disk()
    before = sha(disk)
    s.turns = [(2, 2, None), (2, 2, 90), (1, 1, 75)]
    p = b.start(s, disk)
    while s.count("claim") < 3:
        want(p.poll() is None, "it ended instead of waiting")
        time.sleep(0.02)
    want(sha(disk) == before, "the disk was touched before its turn")
    out, _ = p.communicate(timeout=60)
    want(p.returncode == 0 and s.count("claim") == 4, out)
    want([l for l in out.splitlines() if "turn" in l] == ["rackstrap: waiting for our turn: place 2 of 2",
         "rackstrap: waiting for our turn: place 1 of 1, about 1:15 left"], out)
    b.check_disk(disk, s)


def truncated_stream(b):
    s, disk = b.server(), b.disk()
    s.cut_after = b.release.pack_size // 3
    r = b.install(s, disk)
    want(r.returncode == 0, r.stdout)
    want(len(s.ranges) >= 3, f"ranges {s.ranges}")
    b.check_disk(disk, s)


def busy_server(b):
    """It wants to be left alone for three seconds."""
    s, disk = b.server(), b.disk()
    s.pack_busy = 1
    r = b.install(s, disk)
    want(r.returncode == 0, r.stdout)
    want(s.asked_at[1] - s.asked_at[0] >= 3, f"asked again after {s.asked_at[1] - s.asked_at[0]:.1f} s")
    b.check_disk(disk, s)


def server_restarted(b):
    s, disk = b.server(), b.disk()
    s.rate = 10 * MIB
    p = b.start(s, disk)
    while not s.ranges:
        time.sleep(0.02)
    time.sleep(0.5)
    port = s.port
    s.stop()
    time.sleep(1.5)
    s.rate = 0
    s.start(port)
    want(p.wait(60) == 0, "the agent gave up: " + p.stdout.read())
    b.check_disk(disk, s)


def too_small(b):
    s, disk = b.server(), b.disk(48)
    before = sha(disk)
    r = b.install(s, disk)
    want(r.returncode == 1 and s.bodies["failed"][0]["reason"] == "disk-too-small", r.stdout)
    want(sha(disk) == before and not s.count("claim"), "the disk was touched or the job claimed")


def fake_sysfs(b, disks):
    sys, dev = b.dir + "/sys", b.dir + "/dev"
    for d in (sys, dev):
        shutil.rmtree(d, ignore_errors=True)
    os.makedirs(dev)
    for name, serial, mib, ro, removable in disks:
        block = f"{sys}/block/{name}"
        os.makedirs(block + "/device")
        for file, text in (("size", mib * 2048), ("ro", ro), ("removable", removable), ("serial", serial), ("dev", "240:1")):
            open(f"{block}/{file}", "w").write(f"{text}\n")
        with open(f"{dev}/{name}", "wb") as f:
            f.write(b"\xaa" * (mib * MIB))
    return ["--sysfs", sys, "--dev", dev], dev


def two_disks(b):
    more, dev = fake_sysfs(b, [("vda", "AAA", 96, 0, 0), ("vdb", "BBB", 96, 0, 0), ("sr0", "", 96, 0, 1), ("vdc", "CCC", 96, 1, 0)])
    s = b.server()
    before = sha(dev + "/vda"), sha(dev + "/vdb")
    r = b.install(s, None, *more)
    want(r.returncode == 1 and s.bodies["failed"][0]["reason"] == "disk-ambiguous", r.stdout)
    want("vda" in s.bodies["failed"][0]["detail"] and "vdb" in s.bodies["failed"][0]["detail"], "the disks are not listed")
    want((sha(dev + "/vda"), sha(dev + "/vdb")) == before and not s.count("claim"), "a disk was touched")
    want([d["name"] for d in s.bodies["hello"][0]["disks"]] == ["vda", "vdb"], f"{s.bodies['hello']}")
    s = b.server(selector="serial=BBB")
    r = b.install(s, None, *more)
    want(r.returncode == 0, r.stdout)
    want(sha(dev + "/vda") == before[0], "the other disk was touched")
    b.check_disk(dev + "/vdb", s)


def hidden_disk(b):
    """One path of a multipath NVMe disk is in sysfs too, and is no disk of its own."""
    more, dev = fake_sysfs(b, [("nvme0c0n1", "AAA", 96, 0, 0), ("nvme0n1", "AAA", 96, 0, 0)])
    open(b.dir + "/sys/block/nvme0c0n1/hidden", "w").write("1\n")
    before = sha(dev + "/nvme0c0n1")
    s = b.server()
    r = b.install(s, None, *more)
    want(r.returncode == 0 and s.bodies["claim"][0]["disk"]["name"] == "nvme0n1", r.stdout)
    want(sha(dev + "/nvme0c0n1") == before, "the hidden one was written")


def disk_changes_its_name(b):
    """While the server is waited for, the name that was listed becomes another disk's."""
    more, dev = fake_sysfs(b, [("vda", "AAA", 96, 0, 0)])
    before = sha(dev + "/vda")
    s = b.server(selector="serial=AAA")
    s.status = {"hello": 503}
    p = subprocess.Popen(b.argv(s, None, *more, "--no-seed"), stdout=subprocess.PIPE, text=True)
    while not s.count("hello"):
        want(p.poll() is None, "it ended before it was answered")
        time.sleep(0.02)
    open(b.dir + "/sys/block/vda/serial", "w").write("BBB\n")
    s.status = {}
    out, _ = p.communicate(timeout=60)
    want(p.returncode == 1 and s.bodies["failed"][0]["reason"] == "disk-io" and "another disk" in out, out)
    want(sha(dev + "/vda") == before and not s.count("claim"), "the other disk was touched or the job claimed")


def no_disk(b):
    more, _ = fake_sysfs(b, [("vda", "AAA", 1, 0, 0)])
    s = b.server(selector="serial=ZZZ")
    r = b.install(s, None, *more)
    want(r.returncode == 1 and s.bodies["failed"][0]["reason"] == "no-disk", r.stdout)


def complete_disk_stays(b):
    s, disk = b.server(), b.disk()
    want(b.install(s, disk).returncode == 0, "first install")
    before = sha(disk)
    s.calls, s.ranges = [], []
    r = b.install(s, disk)
    want(r.returncode == 0 and s.calls == ["hello", "written"] and not s.ranges, f"{s.calls} {r.stdout}")
    want(sha(disk) == before, "the disk was written again")


def lost_last_callback(b):
    s, disk = b.server(), b.disk()
    s.silent = {"written"}
    p = b.start(s, disk)
    while not s.count("written"):
        want(p.poll() is None, "it ended without telling")
        time.sleep(0.02)
    p.kill()  # the power goes, and nobody has heard of the end
    p.wait()
    before = sha(disk)
    s.silent, s.calls = set(), []
    s.token = os.urandom(32).hex()
    r = b.install(s, disk)
    want(r.returncode == 0 and s.calls == ["hello", "written"], f"{s.calls}")
    want(sha(disk) == before, "the disk was written again")


def another_job_writes(b):
    s, disk = b.server(), b.disk()
    want(b.install(s, disk).returncode == 0, "first install")
    s2 = b.server()
    r = b.install(s2, disk)
    want(r.returncode == 0 and s2.count("claim") == 1, r.stdout)
    want(s2.bodies["written"][0]["frames_same"] > 100, "the frames that were there were fetched")
    b.check_disk(disk, s2)


def bad_token(b):
    s, disk = b.server(), b.disk()
    before = sha(disk)
    s.status = {"hello": 401}
    r = b.install(s, disk)
    want(r.returncode == 3 and sha(disk) == before and not s.count("failed"), f"{r.returncode} {s.calls}")


def claim_refused(b):
    for status in (401, 409):
        s, disk = b.server(), b.disk()
        before = sha(disk)
        s.status = {"claim": status}
        r = b.install(s, disk)
        want(r.returncode == 3 and sha(disk) == before, f"{r.returncode} {r.stdout}")


def taken_away(b):
    s, disk = b.server(), b.disk()
    s.rate = 4 * MIB
    s.status = {"progress": 401}
    r = b.install(s, disk)
    want(r.returncode == 3 and not s.count("written") and blank(disk), f"{r.returncode} {r.stdout}")


def taken_away_at_the_end(b):
    s, disk = b.server(), b.disk()
    s.refuse_at_end = True
    r = b.install(s, disk)
    want(r.returncode == 3 and not s.count("written") and blank(disk), f"{r.returncode} {r.stdout}")


def missing_image(b):
    s, disk = b.server(), b.disk()
    s.digest = "0" * 64
    r = b.install(s, disk)
    want(r.returncode == 1 and s.bodies["failed"][0]["reason"] == "image-missing" and not s.count("claim"), r.stdout)


def wrong_manifest(b):
    s, disk = b.server(), b.disk()
    path = b.release.dir + "/manifest"
    try:
        open(path, "ab").write(b"x")
        r = b.install(s, disk)
    finally:
        open(path, "wb").write(b.release.manifest)
    want(r.returncode == 1 and s.bodies["failed"][0]["reason"] == "image-corrupt" and not s.count("claim"), r.stdout)


def signature(b):
    key, public, other = (b.dir + "/" + n for n in ("key", "public", "other"))
    for k, p in ((key, public), (b.dir + "/key2", other)):
        run("openssl", "genpkey", "-algorithm", "ed25519", "-out", k)
        run("openssl", "pkey", "-in", k, "-pubout", "-out", p)
    run("openssl", "pkeyutl", "-sign", "-inkey", key, "-rawin", "-in", b.release.dir + "/manifest", "-out", b.release.dir + "/manifest.sig")
    s, disk = b.server(), b.disk()
    r = b.install(s, disk, "--release-key", other)
    want(r.returncode == 1 and s.bodies["failed"][0]["reason"] == "image-corrupt" and not s.count("claim"), r.stdout)
    r = b.install(s, disk, "--release-key", public)
    want(r.returncode == 0, r.stdout)


def discover(b):
    s = b.server()
    s.known_after = 1
    r = subprocess.run([AGENT, "discover", "--url", s.url, "--mac", MAC], capture_output=True, text=True, timeout=30)
    want(r.returncode == 0 and s.bodies["discover"][0]["mac"] == MAC, r.stdout)


def loop_device(b):
    """A block device; first while it is mounted."""
    if not ROOT:
        raise Skip("needs root and loop devices")
    disk, mnt = b.disk(96, b"\0"), b.dir + "/mnt"
    run("mkfs.ext4", "-q", disk)
    loop = run("losetup", "-f", "--show", disk).strip()
    os.makedirs(mnt, exist_ok=True)
    try:
        run("mount", loop, mnt)
        s = b.server()
        try:
            r = b.install(s, loop)
        finally:
            run("umount", mnt)
        want(r.returncode == 1 and s.bodies["failed"][0]["reason"] == "disk-busy" and not s.count("claim"), r.stdout)
        run("wipefs", "-a", loop)
        run("dd", "if=/dev/zero", f"of={loop}", "bs=1M", "status=none", "count=96")
        s = b.server()
        r = b.install(s, loop, seed=True)
        want(r.returncode == 0, r.stdout + r.stderr)
    finally:
        run("losetup", "-d", loop)
    b.check_disk(disk, s, b"\0", root_written=True)


FAKE_SYSTEMCTL = "#!/bin/sh\necho \"$@\" >>\"$FAKE_LOG\"\n[ \"$1\" != cat ] || [ -z \"$FAKE_NO_SALT\" ]\n"


def first_boot(b):
    root, bin, log = b.dir + "/fb", b.dir + "/bin", b.dir + "/log"
    os.makedirs(root + "/var/lib/rackstrap")
    os.makedirs(root + "/etc")
    os.makedirs(bin)
    for name in ("systemctl", "update-ca-certificates"):
        open(f"{bin}/{name}", "w").write(FAKE_SYSTEMCTL)
        os.chmod(f"{bin}/{name}", 0o755)
    open(root + "/etc/hosts", "w").write("127.0.0.1 localhost\n127.0.1.1 template\n")
    s = b.server()
    run("openssl", "genrsa", "-out", b.dir + "/m.pem", "2048")
    pub = run("openssl", "rsa", "-in", b.dir + "/m.pem", "-pubout")
    s.config.update(authorized_keys=["ssh-ed25519 AAAAkey op@desk"], ca_certificates="-----BEGIN CERTIFICATE-----\nx\n",
                    salt={"id": "hv-01", "master": "10.77.0.1", "master_port": 4506, "publish_port": 4505, "master_pub": pub})
    seed = {"url": s.url, "token": s.enrol_token, "job": s.job, "device": "hv-01"}
    json.dump(seed, open(root + "/var/lib/rackstrap/seed.json", "w"))
    env = dict(os.environ, PATH=bin + ":" + os.environ["PATH"], FAKE_LOG=log)

    def boot(**more):
        return subprocess.run([AGENT, "firstboot", "--root", root], env=dict(env, **more), capture_output=True, text=True, timeout=60)

    r = boot(FAKE_NO_SALT="1")
    want(r.returncode == 1 and s.bodies["failed"][0]["reason"] == "first-boot-error", r.stdout)
    want("salt-minion" in s.bodies["failed"][0]["detail"], f"{s.bodies['failed']}")
    s.status = {"enrol": 400}  # a boot that does not get to its end
    want(boot().returncode == 1 and os.path.exists(root + "/var/lib/rackstrap/seed.json"), "the seed went too early")
    first_key = open(root + "/etc/salt/pki/minion/minion.pem").read()
    s.status = {}
    r = boot()
    want(r.returncode == 0, r.stdout)
    body = s.bodies["enrol"][-1]
    want(body["minion_id"] == "hv-01" and body["pubkey"] == open(root + "/etc/salt/pki/minion/minion.pub").read(), f"{body}")
    want(open(root + "/etc/salt/pki/minion/minion.pem").read() == first_key, "a second boot made a second key")
    want([k.split()[0] for k in body["ssh_host_keys"]] == ["ssh-ed25519", "ecdsa-sha2-nistp256"], f"{body}")
    want(run("openssl", "rsa", "-in", root + "/etc/salt/pki/minion/minion.pem", "-pubout") == body["pubkey"], "key halves")
    want(open(root + "/etc/salt/pki/minion/minion_master.pub").read() == pub, "master's key")
    want(oct(os.stat(root + "/etc/salt/pki/minion/minion.pem").st_mode)[-3:] == "400", "minion.pem's mode")
    want(oct(os.stat(root + "/root/.ssh/authorized_keys").st_mode)[-3:] == "600", "authorized_keys' mode")
    want(open(root + "/root/.ssh/authorized_keys").read() == "ssh-ed25519 AAAAkey op@desk\n", "authorized_keys")
    want(open(root + "/etc/hosts").read() == "127.0.0.1 localhost\n127.0.1.1\thv-01.lab.example hv-01\n", "hosts")
    want(open(root + "/etc/hostname").read() == "hv-01\n", "hostname")
    want(not os.path.exists(root + "/var/lib/rackstrap/seed.json"), "the seed is still there")
    want(s.enrol_token not in open(root + "/var/lib/rackstrap/enrolled.json").read(), "the record holds the token")
    want("restart --no-block salt-minion.service" in open(log).read(), "the minion was not started")
    n = len(s.calls)
    want(boot().returncode == 0 and len(s.calls) == n, "a later boot did something")


CASES = [full_install, same_size_disk, seed_and_growth, resume_after_kill, flipped_byte, flipped_byte_once, flipped_byte_in_head, short_pack, no_pack, truncated_stream, busy_server,
         waits_for_its_turn,
         server_restarted, too_small, two_disks, hidden_disk, disk_changes_its_name, no_disk, complete_disk_stays, lost_last_callback, another_job_writes, bad_token,
         claim_refused, taken_away, taken_away_at_the_end, missing_image, wrong_manifest, signature, discover, loop_device, first_boot]


def main():
    bench, failed = Bench(), 0
    for case in CASES:
        if len(sys.argv) > 2 and case.__name__ not in sys.argv[2:]:
            continue
        name = "agent_" + case.__name__
        try:
            case(bench)
            print(f"ok {name}", flush=True)
        except Skip as why:
            print(f"skipped {name}: {why}", flush=True)
        except Exception as why:
            failed += 1
            print(f"not ok {name}: " + " ".join(str(why).split())[-1500:] if str(why) else f"not ok {name}: {traceback.format_exc()}", flush=True)
    shutil.rmtree(bench.dir)
    return 1 if failed else 0


sys.exit(main())
