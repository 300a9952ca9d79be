#!/bin/bash
# The API's server by the program itself, in a network namespace: its sockets, methods, tokens, HTTPS, long and slow bodies, long answers, a slow
# reader, NetBox's webhook; which secrets it knows; and that it comes back when it is killed, while machines are served on.
set -u
top=$(cd "$(dirname "$0")/../.." && pwd)
rackstrap=${RACKSTRAP:-$top/build/${VARIANT:-release}/rackstrap}
skip() { echo "skipped: $*"; exit 77; }
[ "$(id -u)" = 0 ] || skip "api_server.sh needs root, for its network namespace"
[ -x "$rackstrap" ] || skip "there is no $rackstrap; run make"
for program in curl ip openssl python3 ss; do command -v "$program" >/dev/null || skip "there is no $program"; done

ns=rs-api-$$
dir=$(mktemp -d /tmp/rs-api.XXXXXX)
chmod 0755 "$dir"
at=10.77.0.1
failed=0
server=
cleanup() {
    local pid
    for pid in $(ip netns pids "$ns" 2>/dev/null); do kill -KILL "$pid" 2>/dev/null; done
    ip netns del "$ns" 2>/dev/null
    rm -rf "$dir"
}
trap cleanup EXIT
trap 'exit 1' INT TERM
in_ns() { ip netns exec "$ns" "$@"; }
rs() { "$rackstrap" "$@" -c "$dir/r.yaml"; }
ok() { echo "ok api-$1"; }
not_ok() { echo "not ok api-$1: $2; the log ends with: $(tail -n 2 "$dir/log" 2>/dev/null)"; failed=1; }
is() { if [ "$2" = "$3" ]; then ok "$1"; else not_ok "$1" "wanted \"$3\", got \"$2\""; fi; }
has() { if [[ $2 == *"$3"* ]]; then ok "$1"; else not_ok "$1" "\"$3\" is not in \"$2\""; fi; }
within() { # SECONDS COMMAND...
    local deadline=$((SECONDS + $1))
    shift
    until "$@"; do
        [ $SECONDS -lt $deadline ] || return 1
        sleep 0.1
    done
}
pid_of() {
    local pid
    for pid in $(ip netns pids "$ns"); do [ "$(cat "/proc/$pid/comm" 2>/dev/null)" = "$1" ] && echo "$pid"; done | tail -n 1
}

ip netns add "$ns" && in_ns ip link set lo up && in_ns ip addr add "$at/24" dev lo && in_ns ip addr add 10.77.0.99/24 dev lo || skip "no network namespace can be made here"
mkdir -p "$dir/state"
openssl req -x509 -newkey rsa:2048 -nodes -keyout "$dir/key.pem" -out "$dir/cert.pem" -subj /CN=api -days 30 -addext "subjectAltName=IP:$at" 2>/dev/null
secret=$(openssl rand -hex 16)
netbox_token=$(openssl rand -hex 20)
(umask 077 && echo "$secret" >"$dir/secret" && echo "$netbox_token" >"$dir/token")
chmod 600 "$dir/key.pem"
cat >"$dir/r.yaml" <<END
state_dir: $dir/state
user: nobody
http: {listen: "$at:8080"}
api:
  listen: "$at:8081"
  connections: 64
  connections_per_address: 56
  tls: {listen: "$at:8443", certificate_file: $dir/cert.pem, key_file: $dir/key.pem}
netbox: {url: "http://127.0.0.1:9", token_file: $dir/token, webhook_secret_file: $dir/secret}
END
said=$(rs check-config 2>&1)
has check-config-warns-of-plain-http "$said" "api.listen is plain HTTP on an address that others reach"
has check-config-is-right "$said" "is right"

python3 - >"$dir/devices.yaml" <<'END'
print("devices:")
for i in range(1, 1001):
    print(f"  - {{name: hv-{i:04}, site: par1, rack: r{i // 40:02}, role: hypervisor, serial: S{i}, interfaces: "
          f"[{{name: eno1, mac: \"52:54:00:00:{i >> 8:02x}:{i & 255:02x}\", address: 10.78.{i >> 8}.{i & 255}/16, primary: true}}]}}")
END
rs import "$dir/devices.yaml" >/dev/null || not_ok import "1000 devices were not imported"
token=$(rs token create ci --rights read,write,assign 2>/dev/null)
reader=$(rs token create reader --rights read --expires 1h --from "$at" 2>/dev/null)
elsewhere=$(rs token create elsewhere --rights read --from 192.0.2.0/24 2>/dev/null)
[ ${#token} = 57 ] && ok token-is-made || not_ok token-is-made "\"$token\""

ip netns exec "$ns" "$rackstrap" serve -c "$dir/r.yaml" --debug >>"$dir/log" 2>&1 &
server=$!
api=http://$at:8081
code() { in_ns curl -s -o /dev/null -w '%{http_code}' --max-time 20 "$@"; }
auth() { code -H "Authorization: Token $token" "$@"; }
answers() { [ "$(auth $api/api/status/)" = 200 ]; }
within 20 answers && ok answers || not_ok answers "$(auth $api/api/status/)"

# ---- what is where
is machines-do-not-reach-the-api "$(code http://$at:8080/api/status/)" 404
is nor-the-webhook "$(code -X POST -d x http://$at:8080/webhook/netbox)" 404
is no-boot-scripts-at-the-api "$(code $api/boot/52:54:00:00:00:01.ipxe)" 404
is its-user "$(awk '/^Uid/ { print $2, $3, $4, $5 }' "/proc/$(pid_of api)/status")" "65534 65534 65534 65534"
is seccomp "$(awk '/^Seccomp:/ { print $2 }' "/proc/$(pid_of api)/status")" 2

# ---- methods and tokens
for m in GET HEAD OPTIONS; do is "method-$m" "$(if [ $m = HEAD ]; then auth -I $api/api/status/; else auth -X $m $api/api/status/; fi)" 200; done
for m in PUT PATCH DELETE; do is "method-$m-comes-through" "$(auth -X $m -H 'Content-Type: application/json' -d '{}' $api/api/dcim/devices/99999999/)" 404; done
is method-TRACE "$(auth -X TRACE $api/api/status/)" 405
is without-a-token "$(code $api/api/dcim/devices/)" 403
is with-a-bad-token "$(code -H 'Authorization: Token 0123456789abcdef0123456789abcdef01234567' $api/api/dcim/devices/)" 403
is from-elsewhere "$(code -H "Authorization: Token $elsewhere" $api/api/dcim/devices/)" 403
is as-bearer "$(code -H "Authorization: Bearer $reader" "$api/api/dcim/devices/?limit=1")" 200
is a-reader-does-not-write "$(code -H "Authorization: Bearer $reader" -H 'Content-Type: application/json' -d '{"name": "x", "slug": "x"}' $api/api/dcim/sites/)" 403
rs token revoke reader >/dev/null
is revoked-at-once "$(code -H "Authorization: Bearer $reader" "$api/api/dcim/devices/?limit=1")" 403
is use-is-noted "$(rs token list --json | python3 -c 'import json,sys; print({t["name"]: t["last_used"] is not None for t in json.load(sys.stdin)})')" \
    "{'ci': True, 'elsewhere': False, 'reader': True}"
within 20 grep -q 'api-refused requests=' "$dir/log" && ok refusals-are-in-the-log || not_ok refusals-are-in-the-log "none"
! grep -q "${token#*.}" "$dir/log" && ok no-token-in-the-log || not_ok no-token-in-the-log "$token"

# ---- HTTPS, and the names in URLs
next() { python3 -c 'import json,sys; print(json.load(sys.stdin)["next"])'; }
is urls-are-of-the-host-that-was-asked "$(in_ns curl -s -H "Authorization: Token $token" -H 'Host: boot.example:8081' "$api/api/dcim/devices/?limit=1" | next)" \
    "http://boot.example:8081/api/dcim/devices/?limit=1&offset=1"
is urls-by-https "$(in_ns curl -s --cacert "$dir/cert.pem" -H "Authorization: Token $token" "https://$at:8443/api/dcim/devices/?limit=1" | next)" \
    "https://$at:8443/api/dcim/devices/?limit=1&offset=1"
is a-stranger-forwards-nothing "$(in_ns curl -s -H "Authorization: Token $token" -H 'X-Forwarded-Proto: https' "$api/api/dcim/devices/?limit=1" | next)" \
    "http://$at:8081/api/dcim/devices/?limit=1&offset=1"
is no-html-in-a-host "$(auth -H 'Host: a"><b' "$api/api/dcim/devices/")" 400

# ---- long answers
page="$api/api/dcim/devices/?limit=1000"
in_ns curl -s -H "Authorization: Token $token" "$page" -o "$dir/fast"
in_ns curl -s -H "Authorization: Token $token" --cacert "$dir/cert.pem" "https://$at:8443/api/dcim/devices/?limit=1000" -o "$dir/tls"
in_ns curl -s -H "Authorization: Token $token" --limit-rate 1M "$page" -o "$dir/slow" &
slow=$!
for _ in 1 2 3 4 5; do auth $api/api/status/; done >"$dir/codes"
is others-are-served-beside-a-slow-reader "$(cat "$dir/codes")" 200200200200200
wait $slow
size=$(stat -c %s "$dir/fast")
[ "$size" -gt 1000000 ] && ok "a-thousand-devices" || not_ok a-thousand-devices "$size bytes"
cmp -s "$dir/fast" "$dir/slow" && ok a-slow-reader-has-it-whole || not_ok a-slow-reader-has-it-whole "$(stat -c %s "$dir/slow") of $size"
sed 's|https://10.77.0.1:8443|http://10.77.0.1:8081|g' "$dir/tls" | cmp -s - "$dir/fast" && ok the-same-by-https || not_ok the-same-by-https "$(stat -c %s "$dir/tls")"

# ---- clients that curl cannot be
in_ns python3 "$top/tests/peers/api_server.py" "$at" 8081 "$token" || failed=1
rss=$(awk '/^VmHWM/ { print $2 }' "/proc/$(pid_of api)/status")
[ "$rss" -lt 204800 ] && ok memory-is-bounded || not_ok memory-is-bounded "$rss KiB at most"

# ---- the webhook
hook() { # BODY SIGNATURE
    code -H "X-Hook-Signature: $2" -H 'Content-Type: application/json' --data-binary "$1" $api/webhook/netbox
}
signature() { printf %s "$1" | openssl dgst -sha512 -hmac "$secret" -r | cut -d' ' -f1; }
body='{"event":"updated","timestamp":"2026-11-21T10:00:00Z","object_type":"dcim.device","username":"a","request_id":"b","data":{"id":5,"url":"/api/dcim/devices/5/"},"snapshots":{}}'
is webhook "$(hook "$body" "$(signature "$body")")" 200
is webhook-again "$(hook "$body" "$(signature "$body")")" 200
is webhook-forged "$(hook "$body" "$(signature "$body ")")" 403
is webhook-unsigned "$(code -d "$body" $api/webhook/netbox)" 403
long="{\"event\":\"updated\",\"object_type\":\"dcim.device\",\"data\":{\"id\":6,\"x\":\"$(head -c 100000 /dev/zero | tr '\0' x)\"}}"
is webhook-of-100-kb "$(hook "$long" "$(signature "$long")")" 200
within 20 grep -q 'webhook-refused requests=' "$dir/log" && ok forged-webhooks-are-logged || not_ok forged-webhooks-are-logged none

# ---- who knows what
knows() { # PID SECRET
    python3 - "$1" "$2" <<'END'
import sys
found = False
with open(f"/proc/{sys.argv[1]}/maps") as maps, open(f"/proc/{sys.argv[1]}/mem", "rb", 0) as memory:
    for line in maps:
        span, rights = line.split()[:2]
        if not rights.startswith("rw"):
            continue
        start, end = (int(x, 16) for x in span.split("-"))
        try:
            memory.seek(start)
            found = found or sys.argv[2].encode() in memory.read(end - start)
        except OSError:
            pass
sys.exit(0 if found else 1)
END
}
knows "$(pid_of api)" "$secret" && ok api-knows-the-webhook-s-secret || not_ok api-knows-the-webhook-s-secret "it does not"
for name in httpboot courier; do
    if knows "$(pid_of $name)" "$secret"; then not_ok "$name-does-not-know-it" "it is in its memory"; else ok "$name-does-not-know-it"; fi
done
for name in httpboot api; do
    if knows "$(pid_of $name)" "$netbox_token"; then not_ok "$name-does-not-know-netbox-s-token" "it is in its memory"; else ok "$name-does-not-know-netbox-s-token"; fi
done

key=$(sed -n 2p "$dir/key.pem") # a line of the text; the API's own process keeps what OpenSSL made of it
for name in httpboot courier api; do
    if knows "$(pid_of $name)" "$key"; then not_ok "$name-does-not-know-the-key-s-text" "it is in its memory"; else ok "$name-does-not-know-the-key-s-text"; fi
done

# ---- killed
old=$(pid_of api) boot=$(pid_of httpboot)
kill -KILL "$old"
is a-call-meanwhile-waits "$(auth $api/api/status/)" 200
new=$(pid_of api)
[ -n "$new" ] && [ "$new" != "$old" ] && ok comes-back || not_ok comes-back "$new after $old"
is the-boot-server-does-not-notice "$(pid_of httpboot)" "$boot"
rs events | grep -q 'server-crashed.*api was killed' && ok its-end-is-in-the-journal || not_ok its-end-is-in-the-journal "$(rs events | tail -n 1)"
! grep -q open-failed "$dir/log" && ok no-port-was-in-the-way || not_ok no-port-was-in-the-way "$(grep open-failed "$dir/log")"
rs journal verify >/dev/null && ok the-journal-is-whole || not_ok the-journal-is-whole "$(rs journal verify 2>&1)"
kill -TERM "$server"
wait "$server" 2>/dev/null

# ---- alone
ip netns exec "$ns" "$rackstrap" serve -c "$dir/r.yaml" --only api >>"$dir/log" 2>&1 &
server=$!
within 20 answers && ok alone || not_ok alone "$(auth $api/api/status/)"
is machines-are-not-served-then "$(code http://$at:8080/)" 000
kill -TERM "$server"
wait "$server" 2>/dev/null
exit $failed
