#!/usr/bin/python3
"""steps.py: reads `rackstrap events DEVICE --json` and prints when each kind of event first came, and how long after the one before."""
import datetime
import json
import sys


def rows(text):
    if text.lstrip().startswith("["):
        return json.loads(text)
    return [json.loads(line) for line in text.splitlines() if line.strip()]


def seconds(row):
    at = row["at"]
    if isinstance(at, (int, float)):
        return at / 1000
    return datetime.datetime.fromisoformat(at.replace("Z", "+00:00")).timestamp()


def main():
    seen, first, before = set(), None, None
    for row in rows(sys.stdin.read()):
        if row["event"] in seen:
            continue
        seen.add(row["event"])
        at = seconds(row)
        if row["event"] == "address" or first is None:
            first = before = at  # what comes before the first address waited for the power
        print(f"{at - first:7.1f} s  {at - before:+6.1f} s  {row['event']:<12} {row['detail']}")
        before = at


main()
