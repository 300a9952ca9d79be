#!/bin/bash
# httpboot against real clients (curl, Python's http.client, raw sockets) in a network namespace of its own.
# SERVER is the command that serves STATE_DIR on PORT with the test's two devices; run_httpboot by default.
set -u
cd "$(dirname "$0")/../.." || exit 1

variant=${VARIANT:-release}
SERVER=${SERVER:-build/$variant/tests/tools/run_httpboot}
[ "$(id -u)" = 0 ] || { echo "skipped: http.sh needs root, for its network namespace"; exit 77; }
command -v curl >/dev/null || { echo "skipped: http.sh needs curl"; exit 77; }
[ -x "${SERVER%% *}" ] || { echo "skipped: $SERVER is not built"; exit 77; }

ns=rs-http-$$
dir=$(mktemp -d /tmp/rs-http.XXXXXX)
url=http://10.77.0.1:8080
failed=0
server=

cleanup() {
    [ -n "$server" ] && kill "$server" 2>/dev/null && wait "$server" 2>/dev/null
    ip netns del "$ns" 2>/dev/null
    rm -rf "$dir"
}
trap cleanup EXIT
trap 'exit 1' INT TERM

ok() { echo "ok http-$1"; }
not_ok() { echo "not ok http-$1: $2"; failed=1; }
is() { if [ "$2" = "$3" ]; then ok "$1"; else not_ok "$1" "wanted \"$3\", got \"$2\""; fi; }
in_ns() { ip netns exec "$ns" "$@"; }
get() { in_ns curl -sS --max-time 60 "$@"; }
head_of() { tr -d '\r' | awk -v k="$1" 'BEGIN { FS = ": " } tolower($1) == k { print $2 }'; }

digest=$(printf 'a%.0s' $(seq 64))
mkdir -p "$dir/state/netboot" "$dir/state/images/$digest"
head -c 3000000 /dev/urandom >"$dir/state/netboot/vmlinuz"
head -c 1000 /dev/urandom >"$dir/state/netboot/initrd.img"
head -c 200000000 /dev/zero >"$dir/state/images/$digest/pack"
head -c 5000 /dev/urandom >"$dir/state/images/$digest/manifest"
echo secret >"$dir/state/secret"

ip netns add "$ns" && in_ns ip link set lo up && in_ns ip addr add 10.77.0.1/24 dev lo && in_ns ip addr add 10.77.0.99/24 dev lo ||
    { echo "skipped: no network namespace can be made here"; exit 77; }

# shellcheck disable=SC2086
start() {
    ip netns exec "$ns" $SERVER "$dir/state" 8080 "$@" 2>>"$dir/log" & # not in_ns: the pid must be the server itself
    server=$!
    for _ in $(seq 100); do
        get -o /dev/null "$url/" 2>/dev/null && return
        sleep 0.1
    done
    not_ok start "the server did not answer within 10 s: $(tail -3 "$dir/log")"
    exit 1
}
start seed

# ---- curl
get -o "$dir/k" "$url/netboot/vmlinuz"
cmp -s "$dir/k" "$dir/state/netboot/vmlinuz" && ok get || not_ok get "the file came out different"
is head "$(get -I "$url/netboot/vmlinuz" | head_of content-length)" 3000000
is range "$(get -r 1000-1999 "$url/netboot/vmlinuz" | sha256sum)" "$(tail -c +1001 "$dir/state/netboot/vmlinuz" | head -c 1000 | sha256sum)"
is range-suffix "$(get -r -77 "$url/netboot/vmlinuz" | sha256sum)" "$(tail -c 77 "$dir/state/netboot/vmlinuz" | sha256sum)"
is range-beyond "$(get -o /dev/null -w '%{http_code}' -r 3000000- "$url/netboot/vmlinuz")" 416
is range-several "$(get -o /dev/null -w '%{http_code} %{size_download}' -r 0-1,5-6 "$url/netboot/vmlinuz")" "200 3000000"
head -c 1234567 "$dir/state/netboot/vmlinuz" >"$dir/part"
get -C - -o "$dir/part" "$url/netboot/vmlinuz"
cmp -s "$dir/part" "$dir/state/netboot/vmlinuz" && ok resume || not_ok resume "the resumed file came out different"
etag=$(get -I "$url/netboot/vmlinuz" | head_of etag)
is not-modified "$(get -o /dev/null -w '%{http_code}' -H "If-None-Match: $etag" "$url/netboot/vmlinuz")" 304
is if-range "$(get -o /dev/null -w '%{http_code}' -r 0-9 -H "If-Range: $etag" "$url/netboot/vmlinuz")" 206
is keep-alive "$(get -o /dev/null -o /dev/null -o /dev/null -w '%{num_connects} ' "$url/netboot/initrd.img" "$url/netboot/initrd.img" "$url/nothing")" "1 0 0 "
is http10 "$(get -0 -o /dev/null -w '%{http_code} %{size_download}' "$url/netboot/initrd.img")" "200 1000"
is path-attack "$(get --path-as-is -o /dev/null -w '%{http_code}' "$url/netboot/../secret")" 404
is post-expect "$(get -o /dev/null -w '%{http_code}' -H 'Expect: 100-continue' -H "Authorization: Bearer $digest" -d '{}' "$url/agent/v1/written")" 401
is post-chunked "$(get -o /dev/null -w '%{http_code}' -H 'Transfer-Encoding: chunked' -d '{}' "$url/agent/v1/discover")" 411
head -c 100000 /dev/zero | tr '\0' x >"$dir/large"
is post-large "$(get -o /dev/null -w '%{http_code}' -H 'Expect:' --data-binary "@$dir/large" "$url/agent/v1/discover")" 413

# ---- scripts
script=$(get "$url/boot/52-54-00-00-00-01.ipxe?uuid=6f1c2d3e-0000-4000-8000-000000000001")
token=$(sed -n 's/.*rackstrap\.token=\([0-9a-f]\{64\}\).*/\1/p' <<<"$script")
case $script in
*"kernel http://10.77.0.1:8080/netboot/vmlinuz initrd=initrd.img"*"rackstrap.mode=install"*) ok script-install ;;
*) not_ok script-install "$script" ;;
esac
case $(get "$url/boot/52:54:00:00:00:02.ipxe") in *sanboot*) ok script-local ;; *) not_ok script-local "no sanboot" ;; esac
case $(get "$url/boot/52:54:00:00:00:77.ipxe") in *mode=discover*) ok script-stranger ;; *) not_ok script-stranger "no discover" ;; esac
is agent "$(get -o /dev/null -w '%{http_code}' -H "Authorization: Bearer $token" -d '{"mac":"52:54:00:00:00:01"}' "$url/agent/v1/hello")" 200

# ---- pipelining, garbage, slow clients, limits: Python
in_ns python3 tests/peers/http_clients.py 10.77.0.1 8080 "$digest" "$server" || failed=1

# ---- the port is in use
if in_ns timeout 10 $SERVER "$dir/state2" 8080 2>"$dir/second"; then
    not_ok port-in-use "a second server started"
elif grep -q "port 8080 .*in use" "$dir/second"; then
    ok port-in-use
else
    not_ok port-in-use "$(cat "$dir/second")"
fi

# ---- killed and started again: a script's token is still good
kill -9 "$server" && wait "$server" 2>/dev/null
start
is token-after-kill "$(get -o /dev/null -w '%{http_code}' -H "Authorization: Bearer $token" -d '{"mac":"52:54:00:00:00:01"}' "$url/agent/v1/hello")" 200

# ---- the log
[ -n "$token" ] && grep -q "$token" "$dir/log" && not_ok no-token-in-log "the token is in the log" || ok no-token-in-log
kill "$server" && wait "$server"
is ends-on-sigterm $? 0
server=
exit $failed
