# api_server: a store, an API server and tokens for the tests with NetBox's clients. Sourced; the caller has set `top`, `rackstrap` and
# `label`. Everything is in a network namespace of its own, so that any number of these run at once.
#
#     api_begin            the namespace, $dir, $config; removed when the script ends
#     api_release NAME...  small releases of images of these names
#     rs COMMAND...        the command line on this store
#     api_start            the server; returns when it answers at $url
#     api_stop
#     token NAME ARGS...   makes a token and prints it
#     in_ns COMMAND...

skip() { echo "skipped: $*"; exit 77; }
[ "$(id -u)" = 0 ] || skip "$label needs root, for its network namespace"
[ -x "$rackstrap" ] || skip "there is no $rackstrap; run make"

failed=0
server=
url=http://127.0.0.1:8090
in_ns() { ip netns exec "$ns" "$@"; }
api_cleanup() {
    local pid
    [ -z "$server" ] || api_stop
    for pid in $(ip netns pids "$ns" 2>/dev/null); do kill -KILL "$pid" 2>/dev/null; done
    ip netns del "$ns" 2>/dev/null
    rm -rf "$dir"
}
api_begin() {
    ns=rs-$label-$$
    dir=$(mktemp -d "/tmp/rackstrap-$label.XXXXXX")
    chmod 0755 "$dir" # the servers' user can come to the state_dir
    trap api_cleanup EXIT
    trap 'exit 1' INT TERM
    ip netns add "$ns" && in_ns ip link set lo up || skip "no network namespace can be made here"
    config=$dir/rackstrap.yaml
    mkdir "$dir/state"
    cat >"$config" <<END
state_dir: $dir/state
http: {listen: "127.0.0.1:8080"}
api: {listen: "127.0.0.1:8090"}
${1:-wipe_limit: 5}
END
}
rs() { "$rackstrap" "$@" -c "$config"; }
api_release() { # NAME...
    local name
    for name in "$@"; do
        truncate -s 8M "$dir/$name.raw"
        sgdisk -Z -a 2048 -n 1:2048:0 -t 1:8304 -c 1:root "$dir/$name.raw" >/dev/null 2>&1
        rs image frame "$name" "$dir/$name.raw" >"$dir/frame.log" 2>&1 || { echo "not ok $label-release: $(tail -n 2 "$dir/frame.log")"; exit 1; }
    done
}
api_start() {
    local _
    ip netns exec "$ns" "$rackstrap" serve --only api -c "$config" >>"$dir/log" 2>&1 & # not in_ns: the pid must be the server itself
    server=$!
    for _ in $(seq 600); do
        in_ns curl --noproxy '*' -s -o "$dir/answer" -m 2 "$url/api/" && return 0
        kill -0 "$server" 2>/dev/null || break
        sleep 0.05
    done
    echo "not ok $label-serve: $(tail -n 3 "$dir/log")"
    exit 1
}
api_stop() {
    kill -TERM "$server" 2>/dev/null
    wait "$server" 2>/dev/null
    server=
}
token() { # NAME ARGUMENTS...
    rs token create "$@" 2>/dev/null | grep -oE 'nbt_[A-Za-z0-9]{12}\.[A-Za-z0-9]{40}'
}
