#!/bin/bash
# shellcheck disable=SC2317 # called by name
# What the four running servers may do: who they are by /proc, what they can write, and what becomes of one that makes a forbidden
# call. The call is put into the running process by a debugger: the program has no door for it.
set -u
top=$(cd "$(dirname "$0")/../.." && pwd)
rackstrap=${RACKSTRAP:-$top/build/${VARIANT:-release}/rackstrap}
skip() { echo "skipped: $*"; exit 77; }
[ "$(id -u)" = 0 ] || skip "sandbox.sh needs root, for its network namespace"
[ -x "$rackstrap" ] || skip "there is no $rackstrap; run make"
for program in curl ip gdb setpriv; do command -v "$program" >/dev/null || skip "there is no $program"; done

ns=rs-box-$$
dir=$(mktemp -d /tmp/rackstrap-sandbox.XXXXXX)
chmod 0755 "$dir"
failed=0
cleanup() {
    local pid
    for pid in $(ip netns pids "$ns" 2>/dev/null); do kill -KILL "$pid" 2>/dev/null; done
    ip netns del "$ns" 2>/dev/null
    rm -rf "$dir"
}
trap cleanup EXIT
trap 'exit 1' INT TERM
ip netns add "$ns" && ip -n "$ns" link set lo up && ip -n "$ns" link add br0 type bridge && ip -n "$ns" link set br0 up &&
    ip -n "$ns" addr add 10.77.0.1/24 dev br0 || skip "no network namespace can be made here"

check() { # NAME COMMAND...: ok when the command succeeds
    local what=$1 out
    shift
    if out=$("$@" 2>&1); then echo "ok sandbox-$what"; else
        echo "not ok sandbox-$what: ${out:-$* failed}; the log ends with: $(tail -n 3 "$dir/log")"
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

mkdir -p "$dir/state/tftp" "$dir/state/images" "$dir/state/netboot" "$dir/everybodys"
chmod 0777 "$dir/everybodys"
echo secret >"$dir/everybodys/file" && chmod 0666 "$dir/everybodys/file"
cat >"$dir/rackstrap.yaml" <<END
state_dir: $dir/state
user: nobody
http: {listen: "0.0.0.0:8080"}
api: {listen: "127.0.0.1:8081"}
tftp: {interfaces: [br0]}
dhcp: {interfaces: [br0], subnets: [{prefix: 10.77.0.0/24, pool: 10.77.0.100-10.77.0.199}]}
END
# No more than the unit gives, so that it is shown to be enough.
unit=$top/rackstrap/rackstrap.service
bound=-all$(sed -n 's/^CapabilityBoundingSet=//p' "$unit" | tr '[:upper:]' '[:lower:]' | sed 's/\bcap_/,+/g; s/ //g')
ip netns exec "$ns" setpriv --no-new-privs --inh-caps=-all --bounding-set="$bound" "$rackstrap" serve -c "$dir/rackstrap.yaml" >>"$dir/log" 2>&1 &

answers() { ip netns exec "$ns" curl -s -o /dev/null --max-time 2 http://127.0.0.1:8080/boot/52:54:00:00:00:01.ipxe; }
pid_of() { # NAME
    local pid
    for pid in $(ip netns pids "$ns"); do [ "$(cat "/proc/$pid/comm" 2>/dev/null)" = "$1" ] && echo "$pid" && return; done
    return 1
}
is_confined() { local pid; pid=$(pid_of "$1") && grep -q '^Seccomp:.*2$' "/proc/$pid/status"; }
all_run() { for name in dhcpd tftpd httpboot courier api; do is_confined $name || return 1; done; answers; }
others() { for name in dhcpd tftpd httpboot courier api; do [ $name = "$1" ] || pid_of $name; done; }

is() { # PID FIELD VALUE: a line of /proc/PID/status
    local got
    got=$(awk -v f="$2:" '$1 == f { $1 = ""; sub(/^ +/, ""); gsub(/[ \t]+/, " "); sub(/ $/, ""); print }' "/proc/$1/status")
    [ "$got" = "$3" ] || { echo "$2 is \"$got\", not \"$3\""; return 1; }
}
has_nothing() { # PID
    local user group field
    user=$(id -u nobody) group=$(id -g nobody)
    is "$1" Uid "$user $user $user $user" && is "$1" Gid "$group $group $group $group" && is "$1" Groups "" &&
        is "$1" NoNewPrivs 1 && is "$1" Seccomp 2 || return 1
    for field in CapInh CapPrm CapEff CapBnd CapAmb; do is "$1" $field 0000000000000000 || return 1; done
    grep -q '^Max core file size *0 *0 ' "/proc/$1/limits" || { echo "it may dump its core"; return 1; }
}
inject() { # PID EXPRESSION: the process evaluates it; prints what the debugger says. SIGSYS stays the process's own affair.
    timeout 120 gdb -nx -p "$1" -batch -iex 'set auto-load no' -iex 'set debuginfod enabled off' \
        -ex 'handle SIGSYS nostop noprint pass' -ex "print $2" 2>&1
}
writes_nothing() { # PID: neither an existing file of everybody's nor a new one, though their owners would let it
    local out
    out=$(inject "$1" "(int)open(\"$dir/everybodys/file\", 1)")
    [[ $out == *'= -1'* ]] || { echo "opened for writing: $out"; return 1; }
    out=$(inject "$1" "(int)open(\"$dir/everybodys/new-$1\", 0101, 0666)")
    [[ $out == *'= -1'* && ! -e $dir/everybodys/new-$1 ]] || { echo "made: $out"; return 1; }
}

unit_is_right() { # systemd's own reading of it, with our program in its place
    sed "s|^ExecStart=/usr/local/bin/rackstrap|ExecStart=$rackstrap|; /^Documentation=/d" "$unit" >"$dir/rackstrap.service"
    local out
    out=$(systemd-analyze verify "$dir/rackstrap.service" 2>&1) && [ -z "$out" ] || { echo "$out"; return 1; }
}
if command -v systemd-analyze >/dev/null; then check unit unit_is_right; fi
check all-five-run within 60 all_run
landlock=$(grep -c 'sandboxed .*kept-by=landlock' "$dir/log")
for name in dhcpd tftpd httpboot courier api; do
    pid=$(pid_of $name) || continue
    check "$name-has-nothing" has_nothing "$pid"
    if ((landlock)); then check "$name-writes-nothing-outside" writes_nothing "$pid"; fi
done

comes_back() { local now; now=$(pid_of "$1") && [ "$now" != "$2" ] && is_confined "$1"; }
dies_alone() { # NAME CALL EXPRESSION
    local pid before said
    pid=$(pid_of "$1") before=$(others "$1")
    said=$(inject "$pid" "$3")
    within 60 comes_back "$1" "$pid" || { echo "it did not come back; gdb said: $said"; return 1; }
    [ "$before" = "$(others "$1")" ] || { echo "the others are not the same processes"; return 1; }
    within 30 answers || { echo "httpboot does not answer"; return 1; }
    "$rackstrap" events -c "$dir/rackstrap.yaml" | grep -q "server-crashed.*$1 was killed by signal 31 (SYS) at the system call $2 " ||
        { echo "the journal has: $("$rackstrap" events -c "$dir/rackstrap.yaml" | tail -n 2); gdb said: $said"; return 1; }
}
printf '#!/bin/sh\necho it ran >%s/everybodys/ran\n' "$dir" >"$dir/evil" && chmod 0755 "$dir/evil"
check dhcpd-execve dies_alone dhcpd execve "(int)execl(\"$dir/evil\", \"evil\", (char *)0)"
check tftpd-ptrace dies_alone tftpd ptrace "(long)ptrace(16, $(pid_of httpboot), 0, 0)"
check httpboot-socket dies_alone httpboot socket "(int)socket(2, 1, 0)"
check courier-mkdir dies_alone courier mkdir "(int)mkdir(\"$dir/state/x\", 0777)"
check api-kill dies_alone api kill "(int)kill($(pid_of httpboot), 9)"
check nothing-ran test ! -e "$dir/everybodys/ran"
check all-five-run-again within 60 all_run
exit $failed
