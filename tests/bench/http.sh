#!/bin/bash
# httpboot beside nginx with sendfile, on the same machine in one run, the median of RUNS: streams of SIZE MiB with 1 and 64 clients, and boot
# scripts rendered from the store beside a static file of the same size. Prints a table; never fails on a figure.
# NGINX_BIN, WRK: the programs (see tests/bench/peers); exit 77 without them. Everything runs in a network namespace of its own.
set -u
cd "$(dirname "$0")/../.." || exit 1

SERVER=${SERVER:-build/${VARIANT:-release}/tests/tools/run_httpboot}
NGINX_BIN=${NGINX_BIN:-$(command -v nginx || echo /usr/sbin/nginx)}
WRK=${WRK:-$(command -v wrk || echo /usr/bin/wrk)}
RUNS=${RUNS:-5} SIZE=${SIZE:-1024} SECONDS_EACH=${SECONDS_EACH:-3}
[ "$(id -u)" = 0 ] || { echo "skipped: bench/http.sh needs root, for its network namespace"; exit 77; }
for p in "$NGINX_BIN" "$WRK" "$SERVER"; do
    [ -x "$p" ] || { echo "skipped: there is no $p"; exit 77; }
done

ns=rs-bench-$$
dir=$(mktemp -d /tmp/rs-bench.XXXXXX)
ours='' theirs=''
cleanup() {
    [ -n "$ours" ] && kill "$ours" 2>/dev/null
    [ -n "$theirs" ] && kill "$theirs" 2>/dev/null
    wait
    ip netns del "$ns" 2>/dev/null
    rm -rf "$dir"
}
trap cleanup EXIT
trap 'exit 1' INT TERM

ip netns add "$ns" && ip netns exec "$ns" ip link set lo up || exit 77
digest=$(printf 'a%.0s' $(seq 64))
mkdir -p "$dir/state/images/$digest" "$dir/state/netboot" "$dir/logs"
pack=$dir/state/images/$digest/pack
head -c "$((SIZE << 20))" /dev/zero >"$pack"

QUIET=1 ip netns exec "$ns" "$SERVER" "$dir/state" 8080 seed &
ours=$!
cat >"$dir/nginx.conf" <<CONF
daemon off; master_process off; worker_processes 1; pid $dir/pid; error_log $dir/logs/error;
events { worker_connections 4096; }
http {
    access_log off; sendfile on; tcp_nopush on; sendfile_max_chunk 1m; keepalive_requests 1000000000;
    client_body_temp_path $dir/logs; proxy_temp_path $dir/logs; fastcgi_temp_path $dir/logs; uwsgi_temp_path $dir/logs; scgi_temp_path $dir/logs;
    server { listen 8081; root $dir/state; }
}
CONF
ip netns exec "$ns" "$NGINX_BIN" -p "$dir" -c "$dir/nginx.conf" &
theirs=$!
sleep 1
ip netns exec "$ns" curl -sS -o "$dir/state/script" http://127.0.0.1:8080/boot/52:54:00:00:00:02.ipxe || exit 1

# In hundredths of a second: user and system time of a process.
cpu() { awk '{ print $14 + $15 }' "/proc/$1/stat"; }

# The same of the whole machine: through the loopback interface the receiver's work is now the server's process's, now nobody's, as it falls.
machine() { awk '$1 == "cpu" { print $2 + $3 + $4 + $7 + $8 }' /proc/stat; }

# streams PID PORT N: "MiB/s CPU-seconds-a-GiB CPU-seconds-a-GiB-of-the-machine", of 8 GiB at least
streams() {
    local i before start all total=$((8192 / SIZE)) args=()
    ((total > $3)) || total=$3
    for ((i = 0; i < total; i++)); do
        args+=(-o /dev/null "http://127.0.0.1:$2/images/$digest/pack")
    done
    before=$(cpu "$1") all=$(machine) start=$(date +%s.%N)
    # A stream that breaks off would make the rate a better one.
    ip netns exec "$ns" curl -fsS -Z --parallel-max "$3" "${args[@]}" >/dev/null 2>"$dir/curl" ||
        { echo "streams of port $2 failed: $(tail -n 1 "$dir/curl")" >&2; echo 0 0 0; return; }
    awk -v s="$start" -v e="$(date +%s.%N)" -v n="$total" -v m="$SIZE" -v c="$(($(cpu "$1") - before))" -v a="$(($(machine) - all))" \
        'BEGIN { g = n * m / 1024; printf "%.0f %.3f %.3f\n", n * m / (e - s), c / 100 / g, a / 100 / g }'
}

# requests PID PORT PATH: "requests-a-second CPU-microseconds-a-request and of the machine"; errors, if there were any, on standard error
requests() {
    local before all
    before=$(cpu "$1") all=$(machine)
    ip netns exec "$ns" "$WRK" -t1 -c64 -d"${SECONDS_EACH}s" "http://127.0.0.1:$2$3" >"$dir/wrk"
    awk '/Non-2xx|Socket errors/ { print > "/dev/stderr" }' "$dir/wrk"
    awk -v c="$(($(cpu "$1") - before))" -v a="$(($(machine) - all))" \
        '/requests in/ { n = $1 } /Requests\/sec/ { printf "%d %.1f %.1f\n", $2, n ? c * 10000 / n : 0, n ? a * 10000 / n : 0 }' "$dir/wrk"
}

median() { sort -n | awk '{ a[NR] = $0 } END { print a[int((NR + 1) / 2)] }'; }
compare() { # NAME UNIT CPU-UNIT OURS THEIRS, each "rate cpu machine"
    awk -v n="$1" -v u="$2" -v c="$3" -v o="$4" -v t="$5" 'BEGIN { split(o, a, " "); split(t, b, " ");
        printf "%-28s %12s %s %12s %s   ratio %.2f", n, a[1], u, b[1], u, (b[1] > 0 ? a[1] / b[1] : 0);
        if (b[2] > 0) printf "   CPU %s %s %s, ratio %.2f; of the machine %s %s, ratio %.2f", c, a[2], b[2], a[2] / b[2], a[3], b[3], a[3] / b[3]
        print "" }'
}

printf '%-28s %12s %18s\n' what httpboot nginx
for n in 1 64; do
    : >"$dir/a" && : >"$dir/b"
    for _ in $(seq "$RUNS"); do # in turn, so that whatever else the machine does falls on both
        streams "$ours" 8080 "$n" >>"$dir/a"
        streams "$theirs" 8081 "$n" >>"$dir/b"
    done
    compare "$SIZE MiB streams, $n" MiB/s s/GiB "$(median <"$dir/a")" "$(median <"$dir/b")"
done
: >"$dir/a" && : >"$dir/b"
for _ in $(seq "$RUNS"); do
    requests "$ours" 8080 /boot/52:54:00:00:00:02.ipxe >>"$dir/a"
    requests "$theirs" 8081 /script >>"$dir/b"
done
compare "boot scripts, 64 connections" req/s us/req "$(median <"$dir/a")" "$(median <"$dir/b")"
