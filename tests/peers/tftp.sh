#!/bin/bash
# The TFTP server against clients that others wrote: atftp, tftp-hpa, curl, busybox; each in a namespace of its own, with loss
# and delay on the wire between where the kernel can (tc netem). Every file must arrive whole. Also: what a client must not
# get, and what the journal says.  $RUN_TFTPD: the server's program.
set -u
cd "$(dirname "$0")/../.." || exit 1
run=${RUN_TFTPD:-build/release/tests/tools/run_tftpd}
[[ $EUID == 0 ]] || { echo "skipped: making network namespaces needs root"; exit 77; }
for tool in atftp tftp curl busybox ip python3; do
    command -v "$tool" >/dev/null || { echo "skipped: $tool is not installed"; exit 77; }
done
[[ -x $run ]] || make -s "$run" || exit 1
run=$(realpath "$run")

s=rs-tftps-$$ c=rs-tftpc-$$ work=$(mktemp -d) server='' failed=0
finish() {
    [[ $server ]] && kill "$server" 2>/dev/null && wait "$server" 2>/dev/null
    ip netns del "$s" 2>/dev/null
    ip netns del "$c" 2>/dev/null
    rm -rf "$work"
}
trap finish EXIT
ip netns add "$s" && ip netns add "$c" || { echo "skipped: this machine makes no network namespaces"; exit 77; }
ip -n "$s" link add tfs0 type veth peer name tfc0 netns "$c" || exit 1
ip -n "$s" addr add 10.77.0.1/24 dev tfs0
ip -n "$s" addr add 10.77.0.2/24 dev tfs0
ip -n "$c" addr add 10.77.0.50/24 dev tfc0
ip -n "$s" link set lo up && ip -n "$s" link set tfs0 up
ip -n "$c" link set lo up && ip -n "$c" link set tfc0 up
inside() { ip netns exec "$c" "$@"; }

mkdir -p "$work/root/sub" "$work/state" "$work/in"
chmod 777 "$work/state"
for n in 0 1 511 512 513 1024 20000 70000 4194304 33600000; do head -c "$n" /dev/urandom >"$work/root/f$n"; done
printf 'one\ntwo\n' >"$work/root/text"
echo secret >"$work/outside"
ln -s ../outside "$work/root/leads-out"
cp "$work/root/f513" "$work/root/sub/file"
ip netns exec "$s" "$run" -i tfs0 -s "$work/state" "$work/root" 2>"$work/log" &
server=$!
for _ in $(seq 300); do grep -q tftp-serving "$work/log" && break; sleep 0.1; done

ok() { echo "ok $1"; }
not_ok() { echo "not ok $1: $2"; failed=$((failed + 1)); }
# whole NAME FILE COMMAND...: the command puts the file at in/got, with the same hash
whole() {
    local name=$1 file=$2
    shift 2
    # atftp 0.8 gives up when an OACK comes twice, which it must when the ACK 0 was lost (RFC 2347): only that may be tried again.
    for _ in 1 2 3 4; do
        rm -f "$work/in/got"
        (cd "$work/in" && timeout 120 ip netns exec "$c" "$@") >"$work/out" 2>&1
        local status=$?
        grep -q "unexpected OACK" "$work/out" || break
    done
    if [[ -f $work/in/got && $(sha256sum <"$work/in/got") == "$(sha256sum <"$work/root/$file")" ]]; then
        ok "$name"
    else
        not_ok "$name" "status $status, $(stat -c %s "$work/in/got" 2>/dev/null || echo no) bytes; $(tail -n 1 "$work/out")"
    fi
}
each_client() { # FILE LABEL
    whole "atftp $1 $2" "$1" atftp -g -r "$1" -l got 10.77.0.1
    whole "atftp blksize 1428 windowsize 8 $1 $2" "$1" atftp --option "blksize 1428" --option "windowsize 8" -g -r "$1" -l got 10.77.0.1
    whole "tftp-hpa $1 $2" "$1" tftp -m binary 10.77.0.1 -c get "$1" got
    whole "curl $1 $2" "$1" curl -s --tftp-blksize 1428 -o got "tftp://10.77.0.1/$1"
    whole "busybox $1 $2" "$1" busybox tftp -g -b 1428 -r "$1" -l got 10.77.0.1
}

for n in 1 511 512 513 1024; do each_client "f$n" "on a clean wire"; done
each_client f4194304 "on a clean wire"
whole "tftp-hpa f0 (empty)" f0 tftp -m binary 10.77.0.1 -c get f0 got
whole "atftp blksize 8 f70000" f70000 atftp --option "blksize 8" -g -r f70000 -l got 10.77.0.1
whole "atftp blksize 32: more than 65,535 blocks" f4194304 atftp --option "blksize 32" --option "windowsize 64" -g -r f4194304 -l got 10.77.0.1
whole "tftp-hpa f33600000: more than 65,535 blocks in lock-step" f33600000 tftp -m binary 10.77.0.1 -c get f33600000 got
whole "the second address answers" f513 curl -s -o got tftp://10.77.0.2/f513
whole "backslashes and doubled slashes" sub/file atftp -g -r '\\sub//file' -l got 10.77.0.1
whole "busybox blksize 65464: lowered to the path's MTU" f70000 busybox tftp -g -b 65464 -r f70000 -l got 10.77.0.1

for name in ../outside sub/../../outside leads-out /etc/passwd missing; do
    rm -f "$work/in/got"
    (cd "$work/in" && inside timeout 20 curl -s --path-as-is -o got "tftp://10.77.0.1/$name") >/dev/null 2>&1
    status=$?
    if [[ $status == 68 || $status == 69 ]] && [[ ! -s $work/in/got ]]; then ok "refused: $name"; else not_ok "refused: $name" "curl ended with $status"; fi
done
echo new >"$work/in/new"
(cd "$work/in" && inside timeout 20 curl -s -T new tftp://10.77.0.1/new) >/dev/null 2>&1
status=$?
if [[ $status == 69 && ! -e $work/root/new ]]; then ok "writing is refused"; else not_ok "writing is refused" "curl ended with $status"; fi

if inside python3 tests/peers/tftp_odd.py >"$work/out" 2>&1; then cat "$work/out"; else cat "$work/out"; failed=$((failed + 1)); fi

if ip netns exec "$s" tc qdisc add dev tfs0 root netem loss 0% 2>/dev/null; then
    for delay in 0 1 50; do
        for loss in 0 1 10; do
            ip netns exec "$s" tc qdisc change dev tfs0 root netem loss "$loss%" delay "${delay}ms"
            file=f70000
            ((delay == 50 || loss == 10)) && file=f20000
            each_client "$file" "with loss $loss %, delay $delay ms"
        done
    done
else
    echo "# tc netem skipped: this kernel has no sch_netem; loss comes from lossy relays instead"
    inside python3 tests/peers/tftp_lossy.py "$work" || failed=$((failed + 1))
fi
if kill -0 "$server" 2>/dev/null; then ok "the server is still there"; else not_ok "the server is still there" "$(tail -n 3 "$work/log")"; fi
((failed == 0)) || tail -n 40 "$work/log"
exit $((failed > 0))
