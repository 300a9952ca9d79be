#!/bin/bash
# HTTPS as configured, and several workers, by the program itself against curl, openssl and Python in a network namespace: versions, resumption,
# whole files, a stalled handshake, certificates that are refused, where the private key is in memory, a worker that is killed.
set -u
cd "$(dirname "$0")/../.." || exit 1

RACKSTRAP=${RACKSTRAP:-build/${VARIANT:-release}/rackstrap}
[ "$(id -u)" = 0 ] || { echo "skipped: http_tls.sh needs root, for its network namespace"; exit 77; }
for p in curl openssl python3; do
    command -v "$p" >/dev/null || { echo "skipped: http_tls.sh needs $p"; exit 77; }
done
[ -x "$RACKSTRAP" ] || { echo "skipped: $RACKSTRAP is not built"; exit 77; }

ns=rs-tls-$$
dir=$(mktemp -d /tmp/rs-tls.XXXXXX)
at=10.77.0.1
serve=
failed=0
cleanup() {
    [ -n "$serve" ] && kill "$serve" 2>/dev/null && wait "$serve" 2>/dev/null
    ip netns del "$ns" 2>/dev/null
    rm -rf "$dir"
}
trap cleanup EXIT
trap 'exit 1' INT TERM

ok() { echo "ok http-tls-$1"; }
not_ok() { echo "not ok http-tls-$1: $2"; failed=1; }
is() { if [ "$2" = "$3" ]; then ok "$1"; else not_ok "$1" "wanted \"$3\", got \"$2\""; fi; }
in_ns() { ip netns exec "$ns" "$@"; }
get() { in_ns curl -sS --max-time 60 --cacert "$dir/cert.pem" "$@"; }

ip netns add "$ns" && in_ns ip link set lo up && in_ns ip addr add "$at/24" dev lo || { echo "skipped: no network namespace can be made here"; exit 77; }
chmod 755 "$dir"
mkdir -p "$dir/state/netboot"
digest=$(printf 'a%.0s' $(seq 64))
mkdir -p "$dir/state/images/$digest"
head -c 30000001 /dev/urandom >"$dir/state/netboot/vmlinuz"
head -c 1000 /dev/urandom >"$dir/state/netboot/initrd.img"
head -c 500000000 /dev/zero >"$dir/state/images/$digest/pack"
make_cert() { # NAME
    openssl req -x509 -newkey rsa:2048 -nodes -keyout "$dir/$1-key.pem" -out "$dir/$1.pem" -subj "/CN=$1" -days 30 -addext "subjectAltName=IP:$at" 2>/dev/null
    chmod 600 "$dir/$1-key.pem"
}
make_cert cert
make_cert other
openssl req -new -key "$dir/cert-key.pem" -subj /CN=ended -out "$dir/ended.csr"
printf 'default_ca = a\n[a]\ndatabase = %s/index\nserial = %s/serial\nnew_certs_dir = %s\ndefault_md = sha256\npolicy = p\n[p]\ncommonName = supplied\n' \
    "$dir" "$dir" "$dir" >"$dir/ca.cnf"
: >"$dir/index" && echo 01 >"$dir/serial"
openssl ca -batch -selfsign -config "$dir/ca.cnf" -keyfile "$dir/cert-key.pem" -in "$dir/ended.csr" -out "$dir/ended.pem" \
    -startdate 20240101000000Z -enddate 20250101000000Z -notext 2>/dev/null
openssl rsa -aes256 -passout pass:x -in "$dir/cert-key.pem" -out "$dir/locked-key.pem" 2>/dev/null
echo nothing >"$dir/empty.pem"
install -m 600 "$dir/empty.pem" "$dir/empty-key.pem"
chmod 600 "$dir/locked-key.pem"
install -m 644 "$dir/cert-key.pem" "$dir/open-key.pem"

config() { # CERTIFICATE KEY
    printf 'state_dir: %s/state\nuser: nobody\nhttp:\n  listen: "%s:8080"\n  workers: 3\n  tls:\n    listen: "%s:8443"\n    certificate_file: %s/%s\n    key_file: %s/%s\n' \
        "$dir" "$at" "$at" "$dir" "$1" "$dir" "$2" >"$dir/r.yaml"
}

# ---- what check-config says
refused() { # NAME CERTIFICATE KEY WORDS
    config "$2" "$3"
    local said
    if said=$("$RACKSTRAP" check-config -c "$dir/r.yaml" 2>&1); then
        not_ok "$1" "taken"
    elif grep -q "$4" <<<"$said"; then
        ok "$1"
    else
        not_ok "$1" "$said"
    fi
}
refused no-certificate empty.pem cert-key.pem 'r.yaml:8:23: .*holds no PEM certificate'
refused no-key cert.pem empty-key.pem 'r.yaml:9:15: .*holds no PEM private key'
refused wrong-key cert.pem other-key.pem "r.yaml:9:15: .*not the certificate's"
refused locked-key cert.pem locked-key.pem 'has a password'
refused open-key cert.pem open-key.pem 'every user can read'
refused no-file nowhere.pem cert-key.pem 'cannot read .*nowhere.pem'
config ended.pem cert-key.pem # serve would go on: it is said, and no error
if said=$("$RACKSTRAP" check-config -c "$dir/r.yaml" 2>&1); then is ended "$(grep -c 'ended on 2025-01-01' <<<"$said")" 1; else not_ok ended "$said"; fi
config cert.pem cert-key.pem
"$RACKSTRAP" check-config -c "$dir/r.yaml" >/dev/null && ok check-config || not_ok check-config "a good certificate was refused"

# ---- serve
ip netns exec "$ns" "$RACKSTRAP" serve --only httpboot,courier -c "$dir/r.yaml" >"$dir/log" 2>&1 &
serve=$!
workers() { ps --ppid "$serve" -o pid= -o comm= | awk '$2 == "httpboot" { print $1 }'; }
await() { # SECONDS COMMAND...
    local i
    for ((i = 0; i < $1 * 10; i++)); do
        "${@:2}" && return
        sleep 0.1
    done
    return 1
}
three() { [ "$(workers | wc -l)" = 3 ] && [ "$(grep -c http-serving "$dir/log")" -ge 3 ]; }
await 10 three || { not_ok workers "no three workers within 10 s: $(tail -3 "$dir/log")"; exit 1; }
ok workers

for v in 1.2 1.3; do
    is "curl-$v" "$(get --tlsv$v --tls-max $v -o "$dir/got" -w '%{http_code} %{ssl_verify_result}' "https://$at:8443/netboot/vmlinuz")" "200 0"
    cmp -s "$dir/got" "$dir/state/netboot/vmlinuz" && ok "whole-$v" || not_ok "whole-$v" "the file came out different"
done
is range "$(get -r 16380-16390 "https://$at:8443/netboot/vmlinuz" | sha256sum)" "$(tail -c +16381 "$dir/state/netboot/vmlinuz" | head -c 11 | sha256sum)"
is keep-alive "$(get -o /dev/null -o /dev/null -w '%{num_connects} ' "https://$at:8443/netboot/initrd.img" "https://$at:8443/netboot/initrd.img")" "1 0 "
urls=()
for i in $(seq 16); do urls+=(-o "$dir/p$i" "https://$at:8443/netboot/vmlinuz"); done
is parallel "$(get -Z --parallel-max 16 "${urls[@]}" 2>/dev/null && cat "$dir"/p* | sha256sum)" \
    "$(for _ in $(seq 16); do cat "$dir/state/netboot/vmlinuz"; done | sha256sum)"
rm -f "$dir"/p[0-9]*
slow=$(get --limit-rate 5M -o "$dir/got" -w '%{http_code}' "https://$at:8443/netboot/vmlinuz")
cmp -s "$dir/got" "$dir/state/netboot/vmlinuz" && is slow-reader "$slow" 200 || not_ok slow-reader "the file came out different"
case $(get "https://$at:8443/boot/52:54:00:00:00:01.ipxe") in '#!ipxe'*) ok script ;; *) not_ok script "no script" ;; esac
is plain-beside "$(get -o /dev/null -w '%{http_code}' "http://$at:8080/netboot/initrd.img")" 200

# ---- what is refused
s_client() { in_ns timeout 10 openssl s_client -connect "$at:8443" -CAfile "$dir/cert.pem" "$@" </dev/null 2>&1; }
for v in 1 1_1; do
    s_client -tls$v -cipher 'DEFAULT@SECLEVEL=0' | grep -q 'protocol version' && ok "no-tls$v" || not_ok "no-tls$v" "$(s_client -tls$v -cipher 'DEFAULT@SECLEVEL=0' | tail -3)"
done
s_client -alpn h2 | grep -q 'no application protocol' && ok no-h2 || not_ok no-h2 "it was taken"
s_client -alpn h2,http/1.1 | grep -q 'ALPN protocol: http/1.1' && ok alpn || not_ok alpn "$(s_client -alpn h2,http/1.1 | grep ALPN)"
is plain-to-tls "$(get -o /dev/null -w '%{http_code}' "http://$at:8443/" 2>/dev/null)" 000
get "https://$at:8080/" 2>&1 | grep -qi 'ssl\|wrong version' && ok tls-to-plain || not_ok tls-to-plain "no error"
# A session made at one worker is resumed at any: ten times, three workers.
for v in 2 3; do
    in_ns bash -c "{ printf 'GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n'; sleep 0.5; } | openssl s_client -connect $at:8443 -tls1_$v -sess_out $dir/session$v -ign_eof" >/dev/null 2>&1
    n=$(for _ in $(seq 10); do s_client -tls1_$v -sess_in "$dir/session$v" | grep -c '^Reused'; done | awk '{ n += $1 } END { print n }')
    is "resumed-1.$v" "$n" 10
done

# ---- odd clients
in_ns python3 - "$at" "$dir/cert.pem" <<'PY' || failed=1
import socket, ssl, sys, threading, time
host, cert = sys.argv[1], sys.argv[2]
bad = False
def case(name, good, why):
    global bad
    bad = bad or not good
    print(f"ok http-tls-{name}" if good else f"not ok http-tls-{name}: {why}", flush=True)

def until_closed(first):
    s = socket.create_connection((host, 8443), timeout=20)
    s.sendall(first)
    start = time.monotonic()
    try:
        while s.recv(100):
            pass
    except ConnectionResetError:
        pass
    except TimeoutError:
        return 99
    return time.monotonic() - start

took = {}
threads = [threading.Thread(target=lambda k=k, b=b: took.update({k: until_closed(b)}))
           for k, b in {"silent": b"", "half": b"\x16\x03\x01\x02\x00\x01\x00", "garbage": bytes(range(256))}.items()]
for t in threads:
    t.start()
context = ssl.create_default_context(cafile=cert)
def connect():
    return context.wrap_socket(socket.create_connection((host, 8443), timeout=20), server_hostname=host)
# 60 requests in one record, and a head that fills the first buffer exactly: what OpenSSL holds is not forgotten.
s = connect()
one = b"GET /netboot/initrd.img HTTP/1.1\r\nHost: x\r\n\r\n"
s.sendall(one * 60)
n = 0
while n < 60 * 1000 and (part := s.recv(65536)):
    n += len(part)
case("pipelined", n >= 60 * 1000, f"{n} bytes came")
s = connect()
head = b"GET /netboot/initrd.img HTTP/1.1\r\nHost: x\r\nX: "
s.sendall(head + b"y" * (12000 - len(head)) + b"\r\n\r\n")
data = b""
while len(data.partition(b"\r\n\r\n")[2]) < 1000 and (part := s.recv(65536)):
    data += part
case("long-head", b" 200 " in data, "no answer")
s.sendall(b"POST /agent/v1/discover HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 60000\r\n\r\n")
goes_on = s.recv(1000)
s.sendall(b"x" * 60000)
case("expect", b" 100 " in goes_on and b" 400 " in s.recv(1000), f"{goes_on!r}")
s.sendall(b"GET /nothing HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
data = b""
while part := s.recv(65536):
    data += part
case("close-notify", b" 404 " in data, "no answer before the end")
for t in threads:
    t.join()
case("handshake-in-time", 8 < took["silent"] < 14 and 8 < took["half"] < 14 and took["garbage"] < 8, took)
sys.exit(bad)
PY

# ---- the private key: in the supervisor as it was read, in the workers as OpenSSL keeps it, elsewhere not at all
python3 - "$serve" "$dir/cert-key.pem" <<'PY' || failed=1
import base64, os, re, subprocess, sys
supervisor, path = sys.argv[1], sys.argv[2]
text = open(path).read()
line = text.splitlines()[5].encode()
modulus = subprocess.run(["openssl", "rsa", "-in", path, "-noout", "-text"], capture_output=True, text=True).stdout
prime = bytes.fromhex(re.search(r"prime1:\s*([0-9a-f:\s]+)", modulus).group(1).replace(":", "").replace(" ", "").replace("\n", "").removeprefix("00"))
def holds(pid, *needles):
    with open(f"/proc/{pid}/maps") as maps, open(f"/proc/{pid}/mem", "rb", 0) as mem:
        for row in maps:
            span, rights = row.split()[:2]
            if "r" not in rights or "[v" in row:
                continue
            first, last = (int(x, 16) for x in span.split("-"))
            try:
                mem.seek(first)
                data = mem.read(last - first)
            except (OSError, OverflowError):
                continue
            if any(n in data for n in needles):
                return True
    return False
children = subprocess.run(["ps", "--ppid", supervisor, "-o", "pid=", "-o", "comm="], capture_output=True, text=True).stdout.split()
by_name = {}
for pid, name in zip(children[::2], children[1::2]):
    by_name.setdefault(name, []).append(pid)
der = (line, prime, prime[::-1])
problems = []
if not holds(supervisor, line):
    problems.append("the supervisor has lost it: the search finds nothing")
if not all(holds(p, prime, prime[::-1]) for p in by_name["httpboot"]):
    problems.append("a worker does not have it: the search finds nothing")
if any(holds(p, line) for p in by_name["httpboot"]):
    problems.append("a worker still has the file's text")
if any(holds(p, *der) for p in by_name["courier"]):
    problems.append("courier has it")
print("not ok http-tls-key-in-memory: " + "; ".join(problems) if problems else "ok http-tls-key-in-memory")
sys.exit(bool(problems))
PY

# ---- one worker is killed: the others' downloads go on, nobody is refused meanwhile, it comes again
for i in $(seq 12); do
    get --limit-rate 60M -o /dev/null -w '%{size_download}\n' "http://$at:8080/images/$digest/pack" >"$dir/down$i" 2>/dev/null &
done
connected() { in_ns ss -Htnp state established "sport = :8080"; }
twelve() { [ "$(connected | grep -c pid=)" = 12 ]; }
await 20 twelve || not_ok twelve-downloads "$(connected)"
# The one that has the fewest of them.
read -r has victim < <(connected | grep -o 'pid=[0-9]*' | sort | uniq -c | sort -n | sed 's/pid=//')
kill -9 "$victim"
bad=0
for _ in $(seq 50); do
    [ "$(get -o /dev/null -w '%{http_code}' "http://$at:8080/netboot/initrd.img")" = 200 ] || bad=$((bad + 1))
done
is nobody-refused "$bad" 0
for job in $(jobs -p); do [ "$job" = "$serve" ] || wait "$job"; done
whole=$(cat "$dir"/down* | grep -c '^500000000$')
if [ "$whole" -eq $((12 - has)) ] && [ "$has" -lt 12 ]; then ok others-go-on; else not_ok others-go-on "$whole of 12 were whole, the killed worker had $has"; fi
again() { [ "$(workers | wc -l)" = 3 ] && ! workers | grep -qx "$victim"; }
await 5 again && ok comes-again || not_ok comes-again "$(tail -3 "$dir/log")"
grep -q 'was killed by signal 9' "$dir/log" && ok killed-is-logged || not_ok killed-is-logged "$(tail -3 "$dir/log")"

kill "$serve" && wait "$serve"
is ends-on-sigterm $? 0
serve=
exit $failed
