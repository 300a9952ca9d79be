#!/bin/bash
# How long the REST API takes to answer, over DEVICES devices of four interfaces each; without a socket. Never fails on a figure.
set -u
cd "$(dirname "$0")/../.." || exit 1
tool=build/${VARIANT:-release}/tests/tools/api_page
[ -x "$tool" ] || { echo "skipped: there is no $tool"; exit 77; }
exec "$tool" "${DEVICES:-100000}"
