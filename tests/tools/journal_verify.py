#!/usr/bin/env python3
"""Checks an export of the journal (rackstrap journal export) without rackstrap, by what inventory/README.md says alone.

Reads the lines from standard input. Exit 0: every line is as it was written, and each follows the one before; the number of entries
and the last hash are printed. Exit 1: a sentence says what is not. --partial: lines may be missing (an export of one device, or
since a time); each is then checked by itself, and against its neighbour where that is there. --expect HASH: a line must have it.
"""
import argparse
import hashlib
import json
import sys

TEXTS = {1: ("device", "mac", "actor", "event", "detail"),
         2: ("device", "mac", "actor", "event", "detail", "address", "before", "after")}
NOTHING = "0" * 64


def number(n):
    return (n & 0xFFFFFFFFFFFFFFFF).to_bytes(8, "big")


def text(entry, key):
    value = bytes.fromhex(entry[key + "_hex"]) if key + "_hex" in entry else entry[key].encode()
    return number(len(value)) + value


def hash_of(entry):
    data = bytes.fromhex(entry["prev"])
    if entry["form"] > 1:
        data += number(-entry["form"])
    data += number(entry["id"]) + number(entry["at_ms"]) + number(entry["device_id"])
    return hashlib.sha256(data + b"".join(text(entry, key) for key in TEXTS[entry["form"]])).hexdigest()


def says_unhashed(entry):
    return entry["form"] == 1 and any(entry.get(key) or entry.get(key + "_hex") for key in TEXTS[2][len(TEXTS[1]):])


def check(lines, partial, expect):
    before, n, expected = None, 0, False
    for line in lines:
        entry = json.loads(line)
        if says_unhashed(entry) or hash_of(entry) != entry["hash"]:
            return f"entry {entry['id']} is not what was written"
        want_id = before["id"] + 1 if before else 1
        if not partial and entry["id"] != want_id:
            return f"entry {want_id} is missing or not in its place"
        if before and entry["id"] <= before["id"]:
            return f"entry {entry['id']} is not in its place"
        if entry["id"] == want_id and entry["prev"] != (before["hash"] if before else NOTHING):
            return f"entry {entry['id']} does not follow the one before it"
        expected = expected or entry["hash"] == expect
        before, n = entry, n + 1
    if expect and not expected:
        return "no entry has the expected hash"
    print(n, before["hash"] if before else NOTHING)
    return None


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--partial", action="store_true")
    parser.add_argument("--expect")
    args = parser.parse_args()
    try:
        fault = check(sys.stdin, args.partial, args.expect)
    except (ValueError, KeyError, TypeError) as error:
        fault = f"a line is no entry: {error!r}"
    if fault:
        print(fault)
    return 1 if fault else 0


sys.exit(main())
