# lib.sh: what the scenarios and the demo share. Source it, call `begin NAME`, and let the exit trap do the cleaning.
#
# A scenario has a lab of its own (namespace rackstrap-NAME-PID, bridge br0, 10.77.0.1/24), a server in it and either QEMU machines
# or stand-ins: namespaces with a veth to the bridge, in which tests/tools/standin.py speaks what firmware speaks and the real
# agent writes a file. Everything lies in $work; on failure the logs are kept in build/scenario/NAME.
#
# shellcheck shell=bash

top=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
build=${BUILD:-$top/build}
bin=${BIN:-$build/release}
rackstrap=${RACKSTRAP:-$bin/rackstrap}
agent=${AGENT:-$bin/rackstrap-agent}
salt_tools=$top/tests/tools/salt
server_ip=10.77.0.1
http_port=8080
url=http://$server_ip:$http_port
export mac1=52:54:00:00:00:01
export uuid1=7261636b-7374-4072-8070-000000000001

skip() {
    echo "skipped: $*"
    exit 77
}

# --- words for the tests: one line for each case ---

failures=0
ok() { echo "ok $scenario: $1" >&3; }
not_ok() {
    echo "not ok $scenario: $1: $2" >&3
    failures=$((failures + 1))
}
check() { # WHAT COMMAND...: in this shell, so that the command may set variables and start or wait for processes
    local what=$1
    shift
    if "$@" >"$work/said" 2>&1; then ok "$what"; else not_ok "$what" "$(head -c 2000 "$work/said" | grep . || echo "$* failed")"; fi
}
is() { [ "$1" = "$2" ] || { echo "it is \"$1\", not \"$2\""; return 1; }; }
has() { [[ $1 == *"$2"* ]] || { echo "no \"$2\" in \"$1\""; return 1; }; }
has_not() { [[ $1 != *"$2"* ]] || { echo "\"$2\" in \"$1\""; return 1; }; }
fails() { # CODES WORDS COMMAND...: ends with one of these codes, separated by |, and says these words
    local codes=$1 words=$2 out got
    shift 2
    out=$("$@" 2>&1)
    got=$?
    if [[ "|$codes|" == *"|$got|"* && $out == *"$words"* ]]; then return 0; fi
    echo "exit $got: $out"
    return 1
}
die() { # what cannot go on
    echo "not ok $scenario: $*" >&3
    failures=$((failures + 1))
    exit 1
}

# --- the frame ---

begin() { # NAME
    scenario=$1
    [ "$(id -u)" = 0 ] || skip "$scenario needs root: it makes a network namespace"
    local need
    for need in "$rackstrap" "$agent"; do
        [ -x "$need" ] || skip "there is no $need; run make"
    done
    exec 3>&1
    lab_name=$scenario-$$
    namespace=rackstrap-$lab_name
    work=$(mktemp -d /tmp/rackstrap.XXXXXX)
    chmod 755 "$work" # the server's own user passes through
    kept=$build/scenario/$scenario
    state=$work/state config=$work/rackstrap.yaml inventory=$work/inventory.yaml
    server_pid='' install_pid='' standins=()
    trap finish EXIT
    trap 'exit 1' INT TERM HUP
}

finish() {
    local code=$?
    trap - EXIT INT TERM HUP
    trap '' PIPE # who reads may have gone; cleaning goes on
    [ $code = 0 ] && [ $failures != 0 ] && code=1
    [ -n "$server_pid" ] && server_stop
    [ -e "$work/salt/conf/master" ] && "$salt_tools/master.sh" stop "$work/salt" >/dev/null 2>&1
    if [ $code != 0 ] && [ $code != 77 ]; then keep_logs; fi
    local s pid
    for s in "${standins[@]}"; do
        for pid in $(ip netns pids "$s"); do kill -KILL "$pid" 2>/dev/null; done
        ip netns del "$s" 2>/dev/null
    done
    lab down >/dev/null 2>&1
    rm -rf "$work"
    exit $code
}

keep_logs() {
    rm -rf "$kept"
    mkdir -p "$kept"
    cp "$work"/*.log "$work"/*.yaml "$work"/*.json "$kept/" 2>/dev/null
    local f
    for f in "$work"/lab/hv-*/console.log; do
        [ -e "$f" ] && cp "$f" "$kept/console-$(basename "$(dirname "$f")").log"
    done
    for f in "$work"/salt/log/*; do
        [ -e "$f" ] && cp "$f" "$kept/salt-$(basename "$f").log"
    done
    [ -e "$state" ] && rs events >"$kept/events.log" 2>&1
    for f in "$kept"/*.log; do
        [ -s "$f" ] || continue
        printf '\n--- the end of %s\n' "$f"
        tail -n 20 "$f" | tr -d '\r' | sed 's/\x1b\[[0-9;?]*[a-zA-Z]//g'
    done
    printf '\nall logs are in %s\n' "$kept"
}

# --- lab ---

lab() { # COMMAND ARGUMENTS...
    local command=$1
    shift
    "$rackstrap" lab "$command" --name "$lab_name" --dir "$work/lab" "$@"
}
within() { ip netns exec "$namespace" "$@"; }
lab_up() { # OPTIONS...: machines are made, and switched on by power_on
    lab up --off --disks "$work/disks" "$@" >"$work/lab.log" || die "no lab"
}
power() { lab power "$@"; } # on|off|cycle|reset [HOST...]
lab_field() { # HOST-NUMBER FIELD
    lab status --json | json "['hosts'][$1-1]['$2']"
}

json() { # EXPRESSION: of the JSON document on the standard input
    /usr/bin/python3 -c 'import json,sys; v=eval("json.load(sys.stdin)"+sys.argv[1]); print("" if v is None else v)' "$1"
}

# --- the server ---

write_config() { # [EXTRA YAML]
    cat >"$config" <<END
state_dir: $state
http: {listen: "0.0.0.0:$http_port"}
kernel_args: console=ttyS0
dhcp:
  interfaces: [br0]
  lease_time: 1h
  subnets:
    - prefix: 10.77.0.0/24
      router: $server_ip
      dns: [$server_ip]
      domain: lab.example
      pool: 10.77.0.100-10.77.0.199
      unknown: ${unknown:-discover}
tftp: {interfaces: [br0]}
${1:-enrol: {driver: none\}}
END
}
salt_config() {
    cat <<END
enrol:
  driver: salt
  salt:
    master: $server_ip
    api: "http://127.0.0.1:8000"
    username: enrol
    eauth: file
    password_file: $work/salt/password
    master_pubkey_file: $work/salt/pki/master.pub
END
}

write_inventory() { # IMAGE [HOSTS]: hv-01 .. hv-HOSTS with that image
    local n
    {
        echo "sites: [{slug: par1, name: Paris 1}]"
        echo "devices:"
        for n in $(seq -f %02g "${2:-1}"); do
            echo "  - name: hv-$n"
            echo "    site: par1"
            echo "    rack: r01"
            echo "    role: hypervisor"
            echo "    interfaces:"
            echo "      - {name: eno1, mac: \"52:54:00:00:00:$(printf %02x $((10#$n)))\", address: 10.77.0.$((10 + 10#$n))/24, primary: true}"
            [ -z "$1" ] || echo "    image: $1"
        done
    } >"$inventory"
}

rs() { # COMMAND ARGUMENTS...: the command line, on this scenario's configuration
    "$rackstrap" "$@" -c "$config"
}

server_start() {
    # No function here: $! has to be the server itself.
    ip netns exec "$namespace" setsid "$rackstrap" serve -c "$config" </dev/null >>"$work/serve.log" 2>&1 &
    server_pid=$!
    disown
    local _
    for _ in $(seq 100); do
        kill -0 "$server_pid" 2>/dev/null || die "the server has ended: $(tail -n 3 "$work/serve.log")"
        within curl -s -o /dev/null -m 2 "$url/" && return 0
        sleep 0.1
    done
    die "the server does not answer on $url"
}
server_stop() {
    local pid=$server_pid _
    server_pid=
    kill -TERM "$pid" 2>/dev/null
    for _ in $(seq 50); do
        kill -0 -- "-$pid" 2>/dev/null || return 0
        sleep 0.1
    done
    kill -KILL -- "-$pid" 2>/dev/null
}
server_kill() { # as a power cut would: every process of it at once
    kill -KILL -- "-$server_pid"
    while kill -0 -- "-$server_pid" 2>/dev/null; do sleep 0.05; done
    server_pid=
}

device() { rs device show "$1" --json | json "['$2']"; }
events() { rs events "$@"; }
count_events() { # DEVICE EVENT
    events "$1" --json | /usr/bin/python3 -c '
import json, sys
print(sum(json.loads(line)["event"] == sys.argv[1] for line in sys.stdin))' "$2"
}
wait_state() { # DEVICE STATES SECONDS: until the device is in one of these, separated by |
    local deadline=$((SECONDS + $3)) now
    while [ "$SECONDS" -lt "$deadline" ]; do
        now=$(device "$1" state)
        [[ "|$2|" == *"|$now|"* ]] && return 0
        [ "$now" = failed ] && { echo "$1 has failed: $(device "$1" reason)"; return 1; }
        sleep 0.5
    done
    echo "$1 is $now after $3 s, not $2"
    return 1
}

# --- people's ways to an installed machine ---

ssh_key() { ssh-keygen -q -t ed25519 -N '' -C "$scenario" -f "$work/id"; } # before write_config, which names it
# The host keys are those that the machine posted at its first boot: nothing is trusted because it answers.
ansible_ping() { # DEVICE
    rs device show "$1" --json | /usr/bin/python3 -c '
import json, sys
d = json.load(sys.stdin)
for key in d["ssh_host_keys"]: print(d["address"].split("/")[0], key)' >"$work/known_hosts"
    [ -s "$work/known_hosts" ] || { echo "$1 posted no SSH host key"; return 1; }
    ln -sfn "$rackstrap" "$work/rackstrap-inventory"
    within env HOME="$work" RACKSTRAP_CONFIG="$config" ANSIBLE_NOCOLOR=1 ANSIBLE_TIMEOUT=60 ANSIBLE_SSH_RETRIES=5 \
        ANSIBLE_SSH_COMMON_ARGS="-o UserKnownHostsFile=$work/known_hosts -o StrictHostKeyChecking=yes" \
        timeout 240 ansible -i "$work/rackstrap-inventory" "$1" -m ping -u root --private-key "$work/id" \
        -e ansible_python_interpreter=/usr/bin/python3 >"$work/ping" 2>&1
    grep -q '"ping": "pong"' "$work/ping" || { cat "$work/ping"; return 1; }
}

# --- images ---

# The releases and the installer are built once for a recipe, an agent and a kernel, and every scenario starts from a copy.
# The copy shares the big files (hard links); the database is its own.
digest_of() { sha256sum "$@" | sha256sum | cut -c 1-16; }
take_state() { # CACHE
    mkdir -p "$state"
    (cd "$1" && find . -type d -exec mkdir -p "$state/{}" \; &&
        find . -type f \( -path './images/*' -o -path './netboot/*' -o -path './tftp/*' \) -exec ln -f {} "$state/{}" \; &&
        find . -type f ! -path './images/*' ! -path './netboot/*' ! -path './tftp/*' ! -name .complete ! -name .netboot ! -name raw -exec cp -p {} "$state/{}" \;)
}

demo_state() { # RECIPE...: a state folder with the installer and a release of each recipe; sets `cache`, and with `keep_raw` leaves the disk as $cache/raw
    local recipe stamp
    stamp=$(digest_of "$agent" "$@" "$salt_tools/requirements.txt")
    cache=$build/cache/state-$stamp
    if [ ! -e "$cache/.complete" ] || [ -n "${keep_raw:-}" ] && [ ! -e "$cache/raw" ]; then
        rm -rf "$build"/cache/state-* "$cache"
        mkdir -p "$cache"
        config_for "$cache" >"$work/cache.yaml"
        for recipe in "$@"; do
            "$rackstrap" image build --agent "$agent" ${keep_raw:+--keep-raw "$cache/raw"} -c "$work/cache.yaml" "$recipe" || die "$recipe was not built"
        done
        touch "$cache/.complete"
    fi
    # The installer takes seconds, and follows the program.
    stamp=$(digest_of "$agent" "$rackstrap" /boot/vmlinuz-*)
    if [ "$(cat "$cache/.netboot" 2>/dev/null)" != "$stamp" ]; then
        config_for "$cache" >"$work/cache.yaml"
        "$rackstrap" netboot build --agent "$agent" -c "$work/cache.yaml" || die "the installer was not built"
        echo "$stamp" >"$cache/.netboot"
    fi
}
config_for() { # STATE: enough of a configuration to build with
    printf 'state_dir: %s\nhttp: {listen: "0.0.0.0:%s"}\n' "$1" "$http_port"
}

# --- stand-ins ---

standin_up() { # NUMBER [MAC]: a namespace for it, joined to the bridge
    local s=$namespace-m$1
    ip netns add "$s"
    standins+=("$s")
    ip -n "$namespace" link add "m$1" type veth peer name eth0 netns "$s"
    ip -n "$namespace" link set "m$1" master br0 up
    ip -n "$s" link set eth0 address "${2:-52:54:00:00:00:$(printf %02x "$1")}"
    ip -n "$s" link set lo up
    ip -n "$s" link set eth0 up
}
on() { ip netns exec "$namespace-m$1" "${@:2}"; } # NUMBER COMMAND...
boot() { # NUMBER [OPTIONS]: a network boot; its JSON goes to $work/boot-NUMBER.json
    on "$1" /usr/bin/python3 "$top/tests/tools/standin.py" boot --no-files "${@:2}" >"$work/boot-$1.json" ||
        { cat "$work/boot-$1.json"; return 1; }
}
booted() { json ".get('$2')" <"$work/boot-$1.json"; } # NUMBER FIELD
api() { # NUMBER METHOD PATH TOKEN [BODY]: prints the body, then the status on a line of its own
    on "$1" curl --noproxy '*' -s -m 10 -X "$2" -H 'Content-Type: application/json' ${4:+-H "Authorization: Bearer $4"} \
        ${5:+-d "$5"} -w '\n%{http_code}\n' "$url$3"
}

# --- small releases: a disk of 64 MiB that the agent can really install, made without building a system ---

# GPT, BIOS boot partition, ext4 root with 24 MiB of incompressible data: what an install has to carry, and no more.
small_disk() { # FILE WORD: the word is in the root's /etc/which
    local tree=$work/tree-$2
    mkdir -p "$tree/etc" "$tree/var/lib" "$tree/srv"
    echo "$2" >"$tree/etc/which"
    head -c 24M /dev/urandom >"$tree/srv/data"
    truncate -s 64M "$1"
    sgdisk -Z -a 2048 -n 1:2048:4095 -t 1:ef02 -n 2:4096:0 -t 2:8304 -c 2:root "$1" >/dev/null 2>&1
    mke2fs -q -t ext4 -d "$tree" -E offset=$((4096 * 512)) "$1" $((59 * 1024))k
    rm -rf "$tree"
}
small_releases() { # WORD...: fresh state with netboot files and one release of each word
    local word
    mkdir -p "$state/netboot" "$state/tftp"
    head -c 4M /dev/urandom >"$state/netboot/vmlinuz"
    head -c 8M /dev/urandom >"$state/netboot/initrd.img"
    cp /usr/lib/ipxe/undionly.kpxe /usr/lib/ipxe/ipxe.efi "$state/tftp/"
    for word in "$@"; do
        small_disk "$work/$word.raw" "$word"
        rs image frame "$word" "$work/$word.raw" >>"$work/frame.log" 2>&1 || die "the release $word was not made: $(tail -n 2 "$work/frame.log")"
    done
}
root_cat() { # DISK PATH: a file of the root file system on that disk
    debugfs -R "cat $2" "$1?offset=$((4096 * 512))" 2>/dev/null
}
bootable() { # DISK: has a partition table or a boot sector
    [ "$(dd if="$1" bs=1 skip=512 count=8 status=none | tr -d '\0')" = "EFI PART" ] ||
        [ "$(od -An -tx1 -j 510 -N 2 "$1" | tr -d ' ')" = 55aa ]
}
not_bootable() { ! bootable "$1" || { echo "$1 has a partition table or a boot sector"; return 1; }; }
blank_disk() { # NUMBER: its disk, zeros
    rm -f "$work/disk-$1.raw"
    truncate -s 96M "$work/disk-$1.raw"
}

# What most scenarios start from: a served rack of one stand-in, hv-01, armed with the small release `red`.
rack_of_one() {
    lab_up --hosts 1
    write_config "enrol: {driver: none}"
    small_releases red
    write_inventory red
    server_start
    check "import" rs import "$inventory"
    standin_up 1
}

# The real agent, on what the boot script of `boot` said. Its own words go to $work/agent-NUMBER.log. It can restart the machine, which
# here would be this one: so it is told not to, and has not the right to.
run_agent() { # NUMBER ARGUMENTS...
    on "$1" setpriv --bounding-set=-sys_boot --inh-caps=-sys_boot "$agent" "${@:2}" >>"$work/agent-$1.log" 2>&1
}
agent_install() { # NUMBER [URL]
    run_agent "$1" install --target "$work/disk-$1.raw" --url "${2:-$(booted "$1" url)}" --token "$(booted "$1" token)" \
        --mac "$(booted "$1" mac)" --uuid "$(standin_uuid "$1")" --release-key "$state/netboot/release.pub"
}
standin_uuid() { printf '7261636b-7374-4072-8070-0000000000%02x' "$1"; }
machine() { # NUMBER: switched on: a network boot, and the install if the script says so
    boot "$1" --uuid "$(standin_uuid "$1")" || return 1
    [ "$(booted "$1" action)" != install ] || agent_install "$1"
}
# The first boot of what was installed: the real agent, on the root file system of that disk, in mounts of its own.
# shellcheck disable=SC2016 # the inner shell expands
first_boot() { # NUMBER
    mkdir -p "$work/root-$1"
    on "$1" unshare -m setpriv --bounding-set=-sys_boot --inh-caps=-sys_boot sh -c '
        mount -o loop,offset=2097152 "$1" "$2" && "$3" firstboot --root "$2" && umount "$2"' \
        first-boot "$work/disk-$1.raw" "$work/root-$1" "$agent" >>"$work/agent-$1.log" 2>&1
}
fake_pubkey() {
    [ -e "$work/pub.pem" ] || openssl genrsa 2048 2>/dev/null | openssl rsa -pubout >"$work/pub.pem" 2>/dev/null
    awk '{printf "%s\\n", $0}' "$work/pub.pem"
}
slow() { # NUMBER RATE: what the machine receives comes no faster
    ip netns exec "$namespace" tc qdisc replace dev "m$1" root tbf rate "$2" burst 64k latency 200ms
}
fast() { ip netns exec "$namespace" tc qdisc del dev "m$1" root; }
# Starts an install in the background and returns when about half of it is written. Sets install_pid.
half_install() { # NUMBER
    slow "$1" 24mbit
    agent_install "$1" &
    install_pid=$!
    local _ size
    for _ in $(seq 400); do
        size=$(du -k "$work/disk-$1.raw" | cut -f 1)
        [ "$size" -gt 11000 ] && return 0
        kill -0 $install_pid 2>/dev/null || break
        sleep 0.05
    done
    echo "the install of stand-in $1 did not come to half: $size KiB; $(tail -n 3 "$work/agent-$1.log")"
    return 1
}
agents_of() { # NUMBER: pids of agents in the stand-in's namespace
    local pid
    for pid in $(ip netns pids "$namespace-m$1"); do
        [ "$(cat "/proc/$pid/comm" 2>/dev/null)" = rackstrap-agent ] && echo "$pid"
    done
    true
}
kill_agent() { # NUMBER: as pulling the plug would
    local pid
    for pid in $(agents_of "$1"); do kill -KILL "$pid" 2>/dev/null; done
    wait "$install_pid" 2>/dev/null
    true
}
