#!/bin/bash
# instance.sh: a real NetBox with its PostgreSQL, Redis and worker, everything below one folder.
#
#     instance.sh start DIR [--netns NAME] [--address IP]   makes DIR if need be; returns when the API answers at http://IP:8001
#     instance.sh stop DIR [PART]                           stops all of it, or web, worker, redis or postgres; the data stay
#     instance.sh exec DIR COMMAND...                       `netbox COMMAND...`: the management commands, e.g. shell
#     instance.sh prepare DIR                               only what takes long the first time, in a DIR that is removed
#
# --netns: in that network namespace; --address: what the web server listens on (default 127.0.0.1). PostgreSQL and Redis listen on Unix
# sockets below DIR only. The superuser is admin; DIR/token.v1 and DIR/token.v2 hold tokens of it.
#
# The first start of a version migrates an empty database, which takes minutes, and keeps what came out in build/netbox-VERSION.tar; later
# ones begin with that. Exits 77 with a sentence where the machine lacks something. Uses: make-venv.sh, Debian's postgresql, redis-server.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
build=$(cd "$here/../../.." && pwd)/build

die() {
    echo "instance.sh: $*" >&2
    exit 1
}

missing() {
    echo "NetBox cannot run: $*" >&2
    exit 77
}

# The newest server that Debian has put on the machine. Its programs are not on the PATH.
set_postgres() {
    pg=$(find /usr/lib/postgresql -maxdepth 3 -name initdb -path '*/bin/*' 2>/dev/null | sort -V | tail -n 1)
    [ -n "$pg" ] || missing "there is no PostgreSQL server (Debian's postgresql)"
    pg=$(dirname "$pg")
    command -v redis-server >/dev/null || missing "there is no Redis server (Debian's redis-server)"
}

# PostgreSQL refuses to run as root.
as_postgres() {
    if [ "$(id -u)" = 0 ]; then
        (cd / && setpriv --reuid postgres --regid postgres --clear-groups -- "$@")
    else
        "$@"
    fi
}

alive() {
    [ -s "$1" ] && kill -0 "$(head -n 1 "$1")" 2>/dev/null
}

write_config() {
    local dir=$1
    mkdir -p "$dir"/{conf,log,run,media,static}
    cat >"$dir/conf/configuration.py" <<END
ALLOWED_HOSTS = ['*']
DATABASES = {'default': {'NAME': 'netbox', 'USER': 'postgres', 'HOST': '$dir/pg', 'PORT': '5432', 'CONN_MAX_AGE': 300}}
REDIS = {
    'tasks': {'URL': 'unix://$dir/run/redis?db=0'},
    'caching': {'URL': 'unix://$dir/run/redis?db=1'},
}
SECRET_KEY = 'a-key-of-a-test-that-guards-nothing-at-all-0123456789'
API_TOKEN_PEPPERS = {1: 'a-pepper-of-a-test-that-guards-nothing-at-all-0123456789'}
CENSUS_REPORTING_ENABLED = False
ISOLATED_DEPLOYMENT = True
RELEASE_CHECK_URL = None
SEARCH_BACKEND = 'netbox.search.backends.CachedValueSearchBackend'
WEBHOOK_DEFAULT_TIMEOUT = 10
END
    : >"$dir/conf/__init__.py"
}

netbox() { # DIR COMMAND...
    local dir=$1
    shift
    NETBOX_ROOT=$dir "$dir/venv/bin/netbox" "$@"
}

# A cluster that may lose everything when the machine falls over: it is made anew from the tar anyway.
start_postgres() {
    local dir=$1
    if alive "$dir/pg/data/postmaster.pid"; then
        return
    fi
    as_postgres "$pg/pg_ctl" --silent --wait --timeout 60 -D "$dir/pg/data" -l "$dir/pg/log" \
        -o "-c listen_addresses= -c unix_socket_directories=$dir/pg -c fsync=off -c synchronous_commit=off -c full_page_writes=off
            -c shared_buffers=128MB -c max_connections=60 -c autovacuum_naptime=20s" start >>"$dir/log/pg_ctl" 2>&1 ||
        die "PostgreSQL does not start; its words are in $dir/pg/log"
}

start_redis() {
    local dir=$1
    if alive "$dir/run/redis.pid"; then
        return
    fi
    setsid redis-server --port 0 --unixsocket "$dir/run/redis" --save '' --appendonly no --dir "$dir/run" --daemonize no \
        </dev/null >"$dir/log/redis" 2>&1 &
    echo $! >"$dir/run/redis.pid"
    for _ in $(seq 100); do
        [ -S "$dir/run/redis" ] && return
        sleep 0.05
    done
    die "Redis does not start; its words are in $dir/log/redis"
}

# The superuser with a token of each kind.
make_tokens() {
    local dir=$1
    (umask 077 && netbox "$dir" shell -v 0 --no-imports >"$dir/log/tokens" 2>&1 <<END
from users.models import Token, User
u = User.objects.create_superuser("admin", "admin@netbox.example", "a-Password-of-a-test-1")
for v in (1, 2):
    t = Token(user=u, version=v, write_enabled=True)
    t.save()
    open("$dir/token.v%d" % v, "w").write(t.token if v == 1 else "nbt_%s.%s" % (t.key, t.token))
END
    ) || die "no tokens could be made: $dir/log/tokens"
    [ -s "$dir/token.v2" ] || die "no tokens could be made: $dir/log/tokens"
}

kept_database() {
    echo "$build/netbox-$({ cat "$here/requirements.txt"; declare -f make_tokens write_config; } | sha256sum | cut -c1-12)-pg$(basename "$(dirname "$pg")").tar"
}

# The migrated database of this version with nobody but the superuser and tokens of it: the tar, or made and put into it. The sum of
# what makes it is part of its name.
make_database() {
    local dir=$1 kept
    kept=$(kept_database)
    install -d -m 0700 "$dir/pg"
    [ "$(id -u)" != 0 ] || chown postgres: "$dir/pg"
    exec 8>"$build/netbox.lock" # two at once would both migrate
    flock 8
    if [ -s "$kept" ]; then
        tar -xf "$kept" -C "$dir"
        exec 8>&-
        return
    fi
    as_postgres "$pg/initdb" --no-sync -A trust -U postgres --encoding UTF8 --locale C.UTF-8 -D "$dir/pg/data" >"$dir/log/initdb" 2>&1 ||
        die "initdb has failed: $dir/log/initdb"
    start_postgres "$dir" 8>&- # a server would hold the lock for as long as it runs
    start_redis "$dir" 8>&-
    psql -q -X -h "$dir/pg" -U postgres -c 'CREATE DATABASE netbox' postgres
    # Hundreds of migrations leave the collector of garbage ever more to look through: seldom is enough, and nearly halves the time.
    NETBOX_ROOT=$dir "$dir/venv/bin/python" -c 'import gc, sys
gc.set_threshold(1000000, 20, 1000)
from netbox.cli import main
sys.exit(main(["migrate", "--no-input", "--skip-checks"]))' >"$dir/log/migrate" 2>&1 || die "the migration has failed: $dir/log/migrate"
    make_tokens "$dir"
    as_postgres "$pg/pg_ctl" --silent --wait -D "$dir/pg/data" -m fast stop
    rm -f "$build"/netbox-*-pg*.tar
    tar -cf "$kept.$$" -C "$dir" pg/data token.v1 token.v2
    mv "$kept.$$" "$kept"
    exec 8>&-
}

start_web() {
    local dir=$1 address deadline=$((SECONDS + 120))
    if ! alive "$dir/run/web.pid"; then
        address=$(cat "$dir/address")
        NETBOX_ROOT=$dir "${within[@]}" setsid "$dir/venv/bin/gunicorn" --bind "$address:8001" --workers 2 --threads 2 --preload --timeout 120 \
            --access-logfile "$dir/log/access" netbox.wsgi </dev/null >>"$dir/log/web" 2>&1 &
        echo $! >"$dir/run/web.pid"
        while ! "${within[@]}" curl --noproxy '*' -s -o /dev/null -m 20 "http://$address:8001/api/"; do
            alive "$dir/run/web.pid" || die "the web server has ended; its words are in $dir/log/web"
            [ $SECONDS -lt $deadline ] || die "NetBox does not answer after 120 s; see $dir/log"
            sleep 0.3
        done
    fi
}

# Webhooks are sent by it.
start_worker() {
    local dir=$1
    if ! alive "$dir/run/worker.pid"; then
        NETBOX_ROOT=$dir "${within[@]}" setsid "$dir/venv/bin/netbox" rqworker high default low </dev/null >>"$dir/log/worker" 2>&1 &
        echo $! >"$dir/run/worker.pid"
    fi
}

set_within() {
    within=()
    if [ -s "$1/netns" ]; then
        within=(ip netns exec "$(cat "$1/netns")")
    fi
}

start() {
    local dir=$1 netns='' address=127.0.0.1
    shift
    while [ $# -gt 0 ]; do
        case $1 in
            --netns) netns=$2; shift 2 ;;
            --address) address=$2; shift 2 ;;
            *) die "start does not know \"$1\"" ;;
        esac
    done
    set_postgres
    mkdir -p "$dir"
    dir=$(cd "$dir" && pwd)
    chmod a+x "$dir" # for the user postgres
    # A socket's path is at most 107 bytes.
    [ ${#dir} -le 60 ] || die "$dir: the path is too long for sockets; 60 bytes at most"
    if [ ! -e "$dir/address" ]; then
        local venv
        venv=${NETBOX_VENV:-$("$here/make-venv.sh")}
        ln -sfn "$venv" "$dir/venv"
        printf '%s' "$netns" >"$dir/netns"
        printf '%s' "$address" >"$dir/address"
    fi
    set_within "$dir"
    write_config "$dir"
    [ -e "$dir/pg/data" ] || make_database "$dir"
    start_postgres "$dir"
    start_redis "$dir"
    start_web "$dir"
    start_worker "$dir"
}

# Ends a process group that start has made, gently and then not.
end_group() {
    local file=$1 pid
    alive "$file" || return 0
    pid=$(cat "$file")
    kill -TERM -- "-$pid" 2>/dev/null || true
    for _ in $(seq 100); do
        kill -0 -- "-$pid" 2>/dev/null || break
        sleep 0.1
    done
    kill -KILL -- "-$pid" 2>/dev/null || true
    rm -f "$file"
}

stop() {
    local dir=$1 part=${2:-all}
    set_postgres
    case $part in all | web) end_group "$dir/run/web.pid" ;; esac
    case $part in all | worker) end_group "$dir/run/worker.pid" ;; esac
    case $part in all | redis) end_group "$dir/run/redis.pid" ;; esac
    case $part in
        all | postgres)
            if alive "$dir/pg/data/postmaster.pid"; then
                as_postgres "$pg/pg_ctl" --silent --wait -D "$dir/pg/data" -m immediate stop || true
            fi
            ;;
    esac
}

prepare() {
    local dir=$1
    set_postgres
    trap 'stop "$dir"; rm -rf "$dir"' EXIT
    mkdir -p "$dir"
    dir=$(cd "$dir" && pwd)
    chmod a+x "$dir"
    local venv
    venv=${NETBOX_VENV:-$("$here/make-venv.sh")}
    ln -sfn "$venv" "$dir/venv"
    write_config "$dir"
    [ -s "$(kept_database)" ] || make_database "$dir"
}

[ $# -ge 2 ] || die "usage: instance.sh start|stop|exec|prepare DIR ..."
command=$1
dir=$2
shift 2
case $command in
    start) start "$dir" "$@" ;;
    stop) [ ! -d "$dir" ] || stop "$dir" "$@" ;;
    exec) netbox "$dir" "$@" ;;
    prepare) prepare "$dir" ;;
    *) die "there is no command \"$command\"" ;;
esac
