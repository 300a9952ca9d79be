#!/bin/bash
# shellcheck disable=SC2317 # called by name
# `rackstrap serve` whose processes are killed: a server comes back by itself, none outlives the supervisor, none holds
# another's socket, and only courier knows the password.
set -u
top=$(cd "$(dirname "$0")/../.." && pwd)
rackstrap=${RACKSTRAP:-$top/build/${VARIANT:-release}/rackstrap}
skip() { echo "skipped: $*"; exit 77; }
[ "$(id -u)" = 0 ] || skip "serve.sh needs root, for its network namespace"
[ -x "$rackstrap" ] || skip "there is no $rackstrap; run make"
for program in curl flock ip ss python3; do command -v "$program" >/dev/null || skip "there is no $program"; done

ns=rs-serve-$$
dir=$(mktemp -d /tmp/rackstrap-serve.XXXXXX)
chmod 0755 "$dir"
failed=0
server=
in_ns() { ip netns exec "$ns" "$@"; }
cleanup() {
    local pid
    for pid in $(ip netns pids "$ns" 2>/dev/null); do kill -KILL "$pid" 2>/dev/null; done
    ip netns del "$ns" 2>/dev/null
    rm -rf "$dir"
}
trap cleanup EXIT
trap 'exit 1' INT TERM
ip netns add "$ns" && in_ns ip link set lo up || skip "no network namespace can be made here"

check() { # NAME COMMAND...: ok when the command succeeds
    local what=$1 out
    shift
    if out=$("$@" 2>&1); then echo "ok serve-$what"; else
        echo "not ok serve-$what: ${out:-$* failed}; the log ends with: $(tail -n 3 "$dir/log")"
        failed=1
    fi
}
within() { # SECONDS COMMAND...
    local deadline=$((SECONDS + $1))
    shift
    until "$@"; do
        [ $SECONDS -lt $deadline ] || return 1
        sleep 0.1
    done
}

mkdir -p "$dir/state/tftp" "$dir/state/images" "$dir/state/netboot"
secret=$(head -c 16 /dev/urandom | od -An -tx1 | tr -d ' \n')
(umask 077 && echo "$secret" >"$dir/pass")
printf -- '-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n' >"$dir/master.pub"
cat >"$dir/rackstrap.yaml" <<END
state_dir: $dir/state
http: {listen: "127.0.0.1:8080"}
tftp: {port: 69}
enrol:
  driver: salt
  salt: {master: 127.0.0.1, api: "http://127.0.0.1:8000", username: enrol, password_file: $dir/pass, master_pubkey_file: $dir/master.pub}
END
start() {
    ip netns exec "$ns" "$rackstrap" serve -c "$dir/rackstrap.yaml" >>"$dir/log" 2>&1 & # not in_ns: the pid must be the server itself
    server=$!
}
answers() { in_ns curl -s -o /dev/null --max-time 2 http://127.0.0.1:8080/boot/52:54:00:00:00:01.ipxe; }
pid_of() { # NAME: of the newest process of that server
    local pid
    for pid in $(ip netns pids "$ns"); do [ "$(cat "/proc/$pid/comm" 2>/dev/null)" = "$1" ] && echo "$pid"; done | tail -n 1
}
holders() { in_ns ss -Hltnp 'sport = 8080' | grep -o 'pid=[0-9]*' | sort -u; }
only_its_own() { # the supervisor holds it too, for httpboot's next life
    local want have
    want=$(printf 'pid=%s\n' "$server" "$(pid_of httpboot)" | sort -u)
    have=$(holders)
    [ "$want" = "$have" ] || { echo "port 8080 is held by" $have "and not by" $want; return 1; }
}
knows() { # PID: is the password in its memory?
    python3 - "$1" "$secret" <<'END'
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
is_new() { local now; now=$(pid_of "$1"); [ -n "$now" ] && [ "$now" != "$2" ]; }
nobody_left() { [ -z "$(ip netns pids "$ns")" ]; }
dies() { # NAME
    local old
    old=$(pid_of "$1")
    kill -KILL "$old"
    within 20 is_new "$1" "$old"
}

refuses() { # NAME STATUS WORDS COMMAND...
    local what=$1 status=$2 words=$3 out code
    shift 3
    out=$("$@" 2>&1)
    code=$?
    if [ $code = "$status" ] && [[ $out == *"$words"* ]]; then echo "ok serve-$what"; else
        echo "not ok serve-$what: exit $code: $out"
        failed=1
    fi
}
sed '1a user: root' "$dir/rackstrap.yaml" >"$dir/root.yaml"
refuses not-as-root 2 "do not run as root" in_ns timeout 5 "$rackstrap" serve -c "$dir/root.yaml"
mkdir -p "$dir/planted/tftp" && : >"$dir/other" && ln "$dir/other" "$dir/planted/leases.db"
sed "s|^state_dir:.*|state_dir: $dir/planted|" "$dir/rackstrap.yaml" >"$dir/planted.yaml"
refuses gives-no-file-away-that-is-elsewhere-too 1 "leases.db is a link" in_ns timeout 5 "$rackstrap" serve -c "$dir/planted.yaml"
check its-owner-stays [ "$(stat -c %u "$dir/other")" = 0 ]
mkdir -p "$dir/private/state/tftp" && chmod 0700 "$dir/private"
sed "s|^state_dir:.*|state_dir: $dir/private/state|" "$dir/rackstrap.yaml" >"$dir/private.yaml"
for command in serve check-config; do
    refuses "$command-with-a-folder-that-the-servers-cannot-enter" 2 "cannot enter $dir/private, which" in_ns timeout 5 "$rackstrap" $command -c "$dir/private.yaml"
done
sed "s|^tftp:.*|tftp: {root: $dir/private/state/tftp}|" "$dir/rackstrap.yaml" >"$dir/private.yaml"
refuses a-tftp-folder-that-the-servers-cannot-enter 2 "cannot enter $dir/private, which" in_ns timeout 5 "$rackstrap" serve -c "$dir/private.yaml"
sed "s|^tftp:.*|tftp: {root: $dir/none}|" "$dir/rackstrap.yaml" >"$dir/private.yaml"
refuses no-tftp-folder 1 "\`rackstrap netboot build\` makes it" in_ns timeout 5 "$rackstrap" serve -c "$dir/private.yaml"
mkdir -p "$dir/own" && chmod 0700 "$dir/own" && ln -s "$dir/own" "$dir/link" # it is given to them
sed "s|^state_dir:.*|state_dir: $dir/link/|" "$dir/rackstrap.yaml" >"$dir/private.yaml"
refuses a-closed-state-dir-is-given-to-the-servers 0 "is right" "$rackstrap" check-config -c "$dir/private.yaml"
refuses only-nothing 2 "takes names" in_ns timeout 5 "$rackstrap" serve --only "" -c "$dir/rackstrap.yaml"

# Only what the named servers need is asked for: neither dhcpd's interface, nor the lock that the dhcpd of another `serve` has.
mkdir -p "$dir/beside/tftp"
{ sed "s|^state_dir:.*|state_dir: $dir/beside|" "$dir/rackstrap.yaml"
    printf 'api: {listen: "127.0.0.1:8090"}\ndhcp: {interfaces: [nowhere0], subnets: [{prefix: 10.77.0.0/24}]}\n'; } >"$dir/beside.yaml"
refuses dhcpd-needs-its-interface 1 'no interface "nowhere0"' in_ns timeout 5 "$rackstrap" serve --only dhcpd,api -c "$dir/beside.yaml"
flock "$dir/beside" ip netns exec "$ns" timeout 30 "$rackstrap" serve --only api -c "$dir/beside.yaml" >>"$dir/log" 2>&1 &
server=$!
api_answers() { in_ns curl -s -o "$dir/none" --max-time 2 http://127.0.0.1:8090/api/; }
check only-api-beside-another-s-dhcpd within 20 api_answers
for pid in $(ip netns pids "$ns"); do kill -TERM "$pid" 2>/dev/null; done
check only-api-stops within 20 nobody_left
wait "$server" 2>/dev/null

start
check answers within 20 answers
for name in tftpd courier; do within 20 pid_of "$name" >/dev/null; done
check port-held-by-its-own-server only_its_own
only_tftpd() { # not the supervisor: whom it forks next would hold the port of a tftpd that died
    [ "$(in_ns ss -Hlunp 'sport = 69' | grep -o 'pid=[0-9]*' | sort -u)" = "pid=$(pid_of tftpd)" ]
}
check port-69-is-tftpd-s-alone within 20 only_tftpd
for name in httpboot tftpd; do
    if knows "$(pid_of $name)"; then
        echo "not ok serve-$name-does-not-know-the-password: it is in its memory"
        failed=1
    else
        echo "ok serve-$name-does-not-know-the-password"
    fi
done
check courier-knows-the-password knows "$(pid_of courier)"
check httpboot-comes-back dies httpboot
check answers-again within 20 answers
check tftpd-comes-back dies tftpd
check port-69-is-the-new-tftpd-s-alone within 20 only_tftpd
old=$(pid_of tftpd)
kill -KILL "$(pid_of httpboot)" "$old" "$(pid_of courier)"
check all-come-back-together within 20 is_new tftpd "$old"
check no-port-was-in-the-way sh -c "! grep open-failed '$dir/log'"
check crash-is-in-the-journal grep -q server-crashed <("$rackstrap" events -c "$dir/rackstrap.yaml")
kill -KILL "$server"
check none-outlives-the-supervisor within 20 nobody_left
start
check starts-again-at-once within 20 answers
kill -TERM "$server"
check stops-by-sigterm within 20 nobody_left
wait "$server" 2>/dev/null
exit $failed
