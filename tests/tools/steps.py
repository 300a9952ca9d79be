#!/usr/bin/python3
"""steps.py: reads `rackstrap events DEVICE --json` and prints when each kind of event first came, and how long after the one before."""
import datetime
import json
import sys


def seconds(row):
    return datetime.datetime.fromisoformat(row["at"].replace("Z", "+00:00")).timestamp()


def main():
    seen, first, before = set(), None, None
    for row in map(json.loads, sys.stdin):
        if row["event"] in seen:
            continue
        seen.add(row["event"])
        at = seconds(row)
        if row["event"] == "address" or first is None:
            first = before = at  # what comes before the first address waited for the power
        print(f"{at - first:7.1f} s  {at - before:+6.1f} s  {row['event']:<12} {row['detail']}")
        before = at


main()
