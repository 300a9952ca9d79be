#!/usr/bin/env python3
"""How fast the agent writes an image into a file, beside `curl | zstd -dc | dd conv=fsync` of the same image from the same server:
agent_bench.py AGENT [DISK_MIB DATA_MIB]. Prints seconds; nothing is asserted."""
import os, shutil, subprocess, sys, tempfile, time

from fake_server import FakeServer
from release import Release, make_image, run

AGENT = os.path.abspath(sys.argv[1])
DISK_MIB, DATA_MIB = (int(a) for a in sys.argv[2:4]) if len(sys.argv) > 3 else (2048, 456)


def timed(argv, shell=False):
    began = time.time()
    subprocess.run(argv, shell=shell, check=True, stdout=subprocess.DEVNULL)
    return time.time() - began


def main():
    dir = tempfile.mkdtemp(prefix="rackstrap-bench-")
    try:
        make_image(dir + "/image", DISK_MIB, DATA_MIB)
        release = Release(dir + "/image", dir + "/images")
        run("zstd", "-q", "-3", dir + "/image", "-o", dir + "/images/whole.zst")
        disk = dir + "/disk"
        for _ in range(3):
            s = FakeServer(dir + "/images", release.digest)
            with open(disk, "wb") as f:
                f.truncate(DISK_MIB << 20)
            os.sync()
            install = [AGENT, "install", "--url", s.url, "--token", s.token, "--mac", "52:54:00:00:00:01", "--target", disk, "--no-seed",]
            blank = timed(install)
            s = FakeServer(dir + "/images", release.digest)  # another job, the same image: nothing but comparing
            install[3], install[5] = s.url, s.token
            again = timed(install)
            os.truncate(disk, 0)
            os.truncate(disk, DISK_MIB << 20)
            os.sync()
            plain = timed(f"curl -sf {s.url}/images/whole.zst | zstd -dc | dd of={disk} bs=1M conv=notrunc,fsync status=none", shell=True)
            print(f"agent {blank:.2f} s, agent on a disk that holds it {again:.2f} s, curl|zstd|dd {plain:.2f} s", flush=True)
    finally:
        shutil.rmtree(dir)


main()
