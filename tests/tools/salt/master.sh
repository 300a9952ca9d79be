#!/bin/bash
# master.sh: a real Salt master with salt-api, everything below one folder.
#
#     master.sh start DIR [--address IP] [--netns NAME]   makes DIR if need be, starts both, returns when the API answers
#     master.sh stop DIR                                  stops both; the keys stay
#     master.sh exec DIR PROGRAM [ARGUMENT...]            runs salt, salt-key, salt-call, ... beside that master
#
# --address: what the master listens on for minions, 4505 and 4506 (default 127.0.0.1). The API listens on 127.0.0.1:8000 only.
# --netns: in that network namespace; `exec` remembers it.
#
# For the enrol configuration: user `enrol`, eauth `file`, password in DIR/password, api http://127.0.0.1:8000. The minions need
# DIR/pki/master.pub. The virtual environment is $SALT_VENV, or make-venv.sh's default.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)

die() {
    echo "master.sh: $*" >&2
    exit 1
}

# The smallest configuration that is safe. The account may look at keys, accept and delete them, and ping; nothing else. Its password
# is 256 random bits, of which the master knows the SHA-256.
write_config() {
    local dir=$1 address=$2
    mkdir -p "$dir/conf" "$dir/pki" "$dir/cache" "$dir/run" "$dir/log"
    chmod 700 "$dir/conf" "$dir/pki" "$dir/cache" "$dir/run"
    if [ ! -e "$dir/password" ]; then
        (umask 077 && head -c 32 /dev/urandom | od -An -tx1 | tr -d ' \n' >"$dir/password")
        (umask 077 && echo "enrol:$(sha256sum <"$dir/password" | cut -d' ' -f1)" >"$dir/conf/users")
    fi
    cat >"$dir/conf/master" <<END
interface: $address
user: root
pki_dir: $dir/pki
cachedir: $dir/cache
sock_dir: $dir/run
pidfile: $dir/run/master.pid
api_pidfile: $dir/run/api.pid
log_file: $dir/log/master
api_logfile: $dir/log/api
log_level: error
log_level_logfile: warning
# One machine's worth of work: fewer processes start sooner.
worker_threads: 3
timeout: 5
gather_job_timeout: 5
file_roots: {base: [$dir/states]}
auto_accept: False
open_mode: False

external_auth:
  file:
    ^filename: $dir/conf/users
    ^hashtype: sha256
    enrol:
      - test.ping
      - '@key': [print, accept_dict, delete_dict]
netapi_enable_clients: [wheel, local]
rest_cherrypy:
  host: 127.0.0.1
  port: 8000
  disable_ssl: True
  log_access_file: $dir/log/access
END
}

# Sets `within`: what to put in front of a command so that it runs beside the master.
set_within() {
    within=()
    if [ -s "$1/netns" ]; then
        within=(ip netns exec "$(cat "$1/netns")")
    fi
}

alive() {
    [ -s "$1" ] && kill -0 "$(cat "$1")" 2>/dev/null
}

start() {
    local dir=$1 address=127.0.0.1 netns='' venv
    shift
    while [ $# -gt 0 ]; do
        case $1 in
            --address) address=$2; shift 2 ;;
            --netns) netns=$2; shift 2 ;;
            *) die "start does not know \"$1\"" ;;
        esac
    done
    mkdir -p "$dir"
    dir=$(cd "$dir" && pwd)
    # Salt's IPC sockets live below it, and a socket's path is at most 107 bytes.
    [ ${#dir} -le 60 ] || die "$dir: the path is too long for Salt's sockets; 60 bytes at most"
    venv=${SALT_VENV:-$("$here/make-venv.sh")}
    ln -sfn "$venv" "$dir/venv"
    printf '%s' "$netns" >"$dir/netns"
    write_config "$dir" "$address"

    set_within "$dir"
    "${within[@]}" setsid "$venv/bin/salt-master" -c "$dir/conf" </dev/null >>"$dir/log/out" 2>&1 &
    echo $! >"$dir/master.pid"
    "${within[@]}" setsid "$venv/bin/salt-api" -c "$dir/conf" </dev/null >>"$dir/log/out" 2>&1 &
    echo $! >"$dir/api.pid"
    wait_ready "$dir"
}

# The master answers a login through the API.
wait_ready() {
    local dir=$1 deadline=$((SECONDS + 90))
    while [ $SECONDS -lt $deadline ]; do
        alive "$dir/master.pid" || die "salt-master has ended; its words are in $dir/log/out and $dir/log/master"
        alive "$dir/api.pid" || die "salt-api has ended; its words are in $dir/log/out and $dir/log/api"
        if "${within[@]}" curl --noproxy '*' -s -f -o /dev/null -m 10 http://127.0.0.1:8000/login -H 'Accept: application/json' \
            -d username=enrol --data-urlencode "password@$dir/password" -d eauth=file; then
            return 0
        fi
        sleep 0.3
    done
    die "the Salt master does not answer after 90 s; see $dir/log"
}

# Each was started as the leader of a session of its own, so its children go with it.
stop_one() {
    local file=$1 pid
    [ -s "$file" ] || return 0
    pid=$(cat "$file")
    kill -TERM -- "-$pid" 2>/dev/null || true
    for _ in $(seq 50); do
        kill -0 -- "-$pid" 2>/dev/null || break
        sleep 0.1
    done
    kill -KILL -- "-$pid" 2>/dev/null || true
    rm -f "$file"
}

stop() {
    stop_one "$1/api.pid"
    stop_one "$1/master.pid"
}

run() {
    local dir=$1 program=$2
    shift 2
    set_within "$dir"
    "${within[@]}" "$dir/venv/bin/$program" -c "$dir/conf" "$@"
}

[ $# -ge 2 ] || die "usage: master.sh start DIR [--address IP] [--netns NAME] | stop DIR | exec DIR PROGRAM [ARGUMENT...]"
verb=$1
shift
case $verb in
    start) start "$@" ;;
    stop) stop "$(cd "$1" && pwd)" ;;
    exec) run "$(cd "$1" && pwd)" "${@:2}" ;;
    *) die "\"$verb\" is neither start, stop nor exec" ;;
esac
