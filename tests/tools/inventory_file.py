#!/usr/bin/env python3
"""An inventory file of any size, on standard output: inventory_file.py DEVICES [INTERFACES]."""
import sys


def device(i, nics):
    lines = [f"  - name: node-{i:06d}", f"    site: dc{i // 20000}", f"    rack: r{i // 40:05d}", "    role: compute",
             f"    tenant: t{i % 10}", "    platform: debian-12", "    manufacturer: dell", "    model: R640",
             f"    serial: SN{i:08d}", "    status: active", "    interfaces:"]
    for k in range(nics):
        m = i * nics + k
        mac = ":".join(f"{b:02x}" for b in (0x52, 0x54, m >> 24 & 255, m >> 16 & 255, m >> 8 & 255, m & 255))
        a = i + 256
        address = f", address: 10.{a >> 16 & 255}.{a >> 8 & 255}.{a & 255}/8, primary: true" if k == 0 else ""
        lines.append(f"      - {{name: eno{k + 1}, mac: \"{mac}\"{address}, type: 10gbase-t, "
                     f"description: \"port {k} of node {i}\"}}")
    return "\n".join(lines) + "\n"


def main():
    nics = int(sys.argv[2]) if len(sys.argv) > 2 else 4
    print("devices:")
    for i in range(int(sys.argv[1])):
        sys.stdout.write(device(i, nics))


main()
