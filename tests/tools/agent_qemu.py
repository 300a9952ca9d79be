#!/usr/bin/env python3
"""The agent as process 1: Debian's kernel, an initramfs of nothing but modules and the agent, a blank disk, QEMU's own DHCP server, and the
fake server. agent_qemu.py AGENT KERNEL_VERSION"""
import json, os, shutil, subprocess, sys, tempfile, time

from fake_server import FakeServer
from release import Release, make_image, run

AGENT, KERNEL = os.path.abspath(sys.argv[1]), sys.argv[2]
MODULES = ["virtio_pci", "virtio_net", "virtio_blk", "ext4", "loop", "crc32c_generic", "crc32c_intel"]
MIB = 1 << 20
MAC = "52:54:00:00:00:01"


def make_initramfs(dir):
    root, lib = dir + "/initramfs", f"/lib/modules/{KERNEL}"
    os.makedirs(root + lib)
    shutil.copy(AGENT, root + "/init")
    for name in MODULES:
        for line in run("modprobe", "-S", KERNEL, "--show-depends", name).splitlines():
            if line.startswith("insmod "):
                path = line.split()[1]
                os.makedirs(os.path.dirname(root + path), exist_ok=True)
                shutil.copy(path, root + path)
    for name in ("modules.alias", "modules.dep"):
        shutil.copy(f"{lib}/{name}", root + lib)
    os.mkdir(root + "/dev")
    subprocess.run(f"cd {root} && find . | cpio -o -H newc --quiet | zstd -q -1 >{dir}/initrd", shell=True, check=True)
    return dir + "/initrd"


def boot(dir, initrd, disk, append):
    argv = ["qemu-system-x86_64", "-accel", "tcg,thread=multi", "-cpu", "max", "-smp", "2", "-m", "512", "-nographic", "-no-reboot",
            "-nodefaults", "-serial", "stdio", "-kernel", f"/boot/vmlinuz-{KERNEL}", "-initrd", initrd,
            "-append", "console=ttyS0 quiet panic=-1 " + append, "-drive", f"file={disk},format=raw,if=none,id=d",
            "-device", "virtio-blk-pci,drive=d,serial=DISK-1", "-netdev", "user,id=n", "-device", f"virtio-net-pci,netdev=n,mac={MAC}"]
    began = time.time()
    r = subprocess.run(argv, stdin=subprocess.DEVNULL, capture_output=True, text=True, errors="replace", timeout=240)
    return r.stdout, time.time() - began


def check(name, condition, why):
    print(f"ok {name}" if condition else f"not ok {name}: " + " ".join(str(why).split())[-2500:], flush=True)
    return 0 if condition else 1


def main():
    dir, bad = tempfile.mkdtemp(prefix="rackstrap-qemu-"), 0
    try:
        make_image(dir + "/image")
        release = Release(dir + "/image", dir + "/images")
        s = FakeServer(dir + "/images", release.digest, selector="serial=DISK-1")
        initrd, disk = make_initramfs(dir), dir + "/disk"
        with open(disk, "wb") as f:
            f.truncate(256 * MIB)
        url = f"rackstrap.url=http://10.0.2.2:{s.port}"
        line = f"{url} rackstrap.mode=install rackstrap.token={s.token} rackstrap.mac={MAC} BOOTIF=01-{MAC.replace(':', '-')}"
        out, seconds = boot(dir, initrd, disk, line)
        if os.environ.get("VERBOSE"):
            print(out, seconds, json.dumps(s.bodies))
        bad += check("agent_init_installs", s.count("written") == 1, out)
        hello = s.bodies.get("hello", [{}])[0]
        bad += check("agent_init_tells_facts", hello.get("mac") == MAC and [d["serial"] for d in hello.get("disks", [])] == ["DISK-1"]
                     and hello["disks"][0]["by_path"].startswith("pci-0000:00:") and hello["interfaces"] == [{"name": "eth0", "mac": MAC}], hello)
        bad += check("agent_init_table", s.job.upper() in run("sgdisk", "-p", disk), "GUID")
        root = dir + "/root"
        run("dd", f"if={disk}", f"of={root}", "bs=1M", "skip=12", "status=none")
        head = run("dumpe2fs", "-h", root)
        blocks = int([l for l in head.splitlines() if l.startswith("Block count")][0].split()[-1])
        bad += check("agent_init_grows_root", blocks == ((256 * MIB // 512 - 33) // 8 * 8 * 512 - 12 * MIB) // 4096, f"{blocks} blocks")
        os.truncate(root, blocks * 4096)
        fsck = subprocess.run(["e2fsck", "-fn", root], capture_output=True, text=True)
        bad += check("agent_init_root_is_sound", fsck.returncode == 0, fsck.stdout)
        bad += check("agent_init_hides_tokens", s.enrol_token not in out, "a token is on the console")
        before, s.calls = run("sha256sum", disk), []
        out, _ = boot(dir, initrd, disk, line)
        bad += check("agent_init_second_boot_writes_nothing", s.calls == ["hello", "written"] and run("sha256sum", disk) == before, out)
        s.calls, s.bodies = [], {}
        out, _ = boot(dir, initrd, disk, f"{url} rackstrap.mode=discover rackstrap.mac={MAC}")
        bad += check("agent_init_discovers", s.calls == ["discover", "discover"], out)
    finally:
        shutil.rmtree(dir)
    return 1 if bad else 0


sys.exit(main())
