#!/bin/bash
# salt.sh: the courier and its Salt driver against a real master, salt-api and minions, in a network namespace of their own.
# Prints `ok NAME` or `not ok NAME: why` for each case. $RUN_COURIER is tests/tools/run_courier.c built; default: as `make` puts it.
# shellcheck disable=SC2317 # the cases are called by name
set -u

top=$(cd "$(dirname "$0")/../.." && pwd)
salt_tools=$top/tests/tools/salt
run_courier=${RUN_COURIER:-$top/build/release/tests/tools/run_courier}
ns=rs-salt-$$
work=$(mktemp -d /tmp/rs-salt.XXXXXX)
failed=0
courier=

skip() {
    echo "skipped: $*"
    exit 77
}

minion_stop() {
    local file=$work/$1/pid
    [ -s "$file" ] || return 0
    kill -TERM -- "-$(cat "$file")" 2>/dev/null
    for _ in $(seq 30); do
        kill -0 -- "-$(cat "$file")" 2>/dev/null || break
        sleep 0.1
    done
    kill -KILL -- "-$(cat "$file")" 2>/dev/null
    rm -f "$file"
}

cleanup() {
    local minion
    for minion in "$work"/*/pid; do
        [ -e "$minion" ] && minion_stop "$(basename "$(dirname "$minion")")"
    done
    [ -n "$courier" ] && kill "$courier" 2>/dev/null && wait "$courier" 2>/dev/null
    "$salt_tools/master.sh" stop "$work/m" 2>/dev/null
    ip netns del "$ns" 2>/dev/null
    if [ $failed = 0 ]; then
        rm -rf "$work"
    else
        echo "what is left for a look: $work" >&2
    fi
}

# key NAME: a key pair as the agent makes it, in $work/NAME/pki.
key() {
    rm -rf "${work:?}/$1/pki"
    mkdir -p "$work/$1/pki"
    (umask 077 && openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048 -out "$work/$1/pki/minion.pem" 2>/dev/null)
    openssl pkey -in "$work/$1/pki/minion.pem" -pubout -out "$work/$1/pki/minion.pub"
    cp "$work/m/pki/master.pub" "$work/$1/pki/minion_master.pub"
}

# minion_start NAME ID: a real minion with that key, configured as a machine's first boot does it.
minion_start() {
    local dir=$work/$1
    mkdir -p "$dir"/{conf,cache,run}
    cat >"$dir/conf/minion" <<END
master: 127.0.0.1
id: $2
user: root
pki_dir: $dir/pki
cachedir: $dir/cache
sock_dir: $dir/run
pidfile: $dir/run/minion.pid
log_file: $dir/log
rejected_retry: True
acceptance_wait_time: 1
END
    ip netns exec "$ns" setsid "$minion_venv/bin/salt-minion" -c "$dir/conf" </dev/null >>"$dir/out" 2>&1 &
    echo $! >"$dir/pid"
}

post() { "$run_courier" post "$work/state" "$@" >/dev/null; }
state() { "$run_courier" state "$work/state" "$1" 2>/dev/null; }
events() { "$run_courier" events "$work/state" "$1" 2>/dev/null; }

# until_true SECONDS COMMAND...
until_true() {
    local deadline=$((SECONDS + $1))
    shift
    until "$@"; do
        [ $SECONDS -lt $deadline ] || return 1
        sleep 0.2
    done
}
is() { [ "$(state "$1")" = "$2" ]; }
is_ready() { is "$1" ready; }
says() { events "$1" | grep -q -- "$2"; }

# The key that the master has accepted under this id is exactly that of $work/NAME. (Salt drops the newline at the end.)
accepted_is() {
    [ -s "$work/m/pki/minions/$1" ] && [ "$(cat "$work/m/pki/minions/$1")" = "$(cat "$work/$2/pki/minion.pub")" ]
}
pending_is() {
    [ -s "$work/m/pki/minions_pre/$1" ] && [ "$(cat "$work/m/pki/minions_pre/$1")" = "$(cat "$work/$2/pki/minion.pub")" ]
}

# judge NAME: the case is a function case_NAME that prints why it failed.
judge() {
    local why
    local since=$SECONDS
    if why=$("case_$1"); then
        echo "ok $1 ($((SECONDS - since)) s)"
    else
        echo "not ok $1: $why"
        failed=1
    fi
}

case_fresh() {
    key one
    post hv-01 "$work/one/pki/minion.pub" || { echo "post failed"; return 1; }
    minion_start one hv-01
    until_true 60 is_ready hv-01 || { echo "after 60 s it is $(state hv-01): $(events hv-01 | tail -1)"; return 1; }
    accepted_is hv-01 one || { echo "the accepted key is another"; return 1; }
    says hv-01 '^key-accepted:' || { echo "no key-accepted in the timeline"; return 1; }
    says hv-01 '^ready:' || { echo "no ready in the timeline"; return 1; }
    "$salt_tools/master.sh" exec "$work/m" salt hv-01 grains.item osfinger id 2>&1 | grep -q Debian || { echo "no grains"; return 1; }
    "$salt_tools/master.sh" exec "$work/m" salt hv-01 test.ping 2>&1 | grep -q True || { echo "salt hv-01 test.ping does not answer True"; return 1; }
}

case_reinstall() {
    minion_stop one
    key two
    post hv-01 "$work/two/pki/minion.pub" || { echo "post failed"; return 1; }
    minion_start two hv-01
    until_true 60 is_ready hv-01 || { echo "after 60 s it is $(state hv-01): $(events hv-01 | tail -1)"; return 1; }
    accepted_is hv-01 two || { echo "the accepted key is not the new one"; return 1; }
    says hv-01 '^old-key:' || { echo "no old-key in the timeline"; return 1; }
}

# Somebody else's minion gets in first and stays on. It must never be accepted, and the machine gets in all the same.
case_impostor() {
    key impostor
    key three
    minion_start impostor hv-02
    until_true 30 pending_is hv-02 impostor || { echo "the impostor's key does not get to pending"; return 1; }
    post hv-02 "$work/three/pki/minion.pub" || { echo "post failed"; return 1; }
    until_true 20 says hv-02 'did not send' || { echo "the timeline does not tell of it: $(events hv-02 | tail -1)"; return 1; }
    sleep 4
    [ ! -e "$work/m/pki/minions/hv-02" ] || { echo "a key was accepted though the machine has shown none"; return 1; }
    minion_start three hv-02
    local deadline=$((SECONDS + 120))
    until is_ready hv-02; do
        ! accepted_is hv-02 impostor || { echo "THE IMPOSTOR WAS ACCEPTED"; return 1; }
        [ $SECONDS -lt $deadline ] || { echo "after 120 s it is $(state hv-02): $(events hv-02 | tail -1)"; return 1; }
        sleep 0.1
    done
    accepted_is hv-02 three || { echo "the accepted key is not the machine's"; return 1; }
    minion_stop impostor
    [ "$(events hv-02 | grep -c '^waiting')" -le 8 ] || { echo "the timeline is full of repetitions"; return 1; }
}

case_down_then_up() {
    "$salt_tools/master.sh" stop "$work/m"
    key four
    post hv-03 "$work/four/pki/minion.pub" || { echo "post failed"; return 1; }
    minion_start four hv-03
    until_true 20 says hv-03 '^waiting: logging in to salt-api.*nobody answers\|^waiting: reading.*nobody answers' ||
        { echo "the timeline does not say that Salt is down: $(events hv-03 | tail -1)"; return 1; }
    sleep 3
    [ "$(events hv-03 | grep -c '^waiting')" = 1 ] || { echo "the timeline repeats itself"; return 1; }
    [ "$(state hv-03)" = enrolling ] || { echo "it is $(state hv-03), not enrolling"; return 1; }
    "$salt_tools/master.sh" start "$work/m" --netns "$ns" || { echo "the master does not start again"; return 1; }
    until_true 90 is_ready hv-03 || { echo "90 s after Salt is back it is $(state hv-03): $(events hv-03 | tail -1)"; return 1; }
    accepted_is hv-03 four || { echo "the accepted key is another"; return 1; }
}

# The API is there, the master behind it is not.
case_master_alone_down() {
    kill -TERM -- "-$(cat "$work/m/master.pid")" 2>/dev/null
    sleep 2
    kill -KILL -- "-$(cat "$work/m/master.pid")" 2>/dev/null
    key five
    post hv-04 "$work/five/pki/minion.pub" || { echo "post failed"; return 1; }
    minion_start five hv-04
    until_true 60 says hv-04 '^waiting:' || { echo "the timeline does not say that Salt is down"; return 1; }
    "$salt_tools/master.sh" stop "$work/m"
    "$salt_tools/master.sh" start "$work/m" --netns "$ns" || { echo "the master does not start again"; return 1; }
    until_true 120 is_ready hv-04 || { echo "120 s after the master is back it is $(state hv-04): $(events hv-04 | tail -1)"; return 1; }
    accepted_is hv-04 five || { echo "the accepted key is another"; return 1; }
}

# A machine with a token of its own tries to take the place of another, or of all.
case_names_of_others() {
    local id
    key six
    for id in '*' 'hv-0?' hv-01 ../hv-05 hv-05/x 'hv-05,hv-01'; do
        post hv-05 "$work/six/pki/minion.pub" "$id" || { echo "post failed"; return 1; }
        until_true 10 is hv-05 'failed(minion-id)' || { echo "as $id it is $(state hv-05)"; return 1; }
    done
    accepted_is hv-01 two || { echo "another machine's key is gone"; return 1; }
}

# The account can do what it must and nothing more.
case_scoped_account() {
    local token
    token=$(ip netns exec "$ns" curl --noproxy '*' -s -H 'Accept: application/json' -d username=enrol -d eauth=file \
        --data-urlencode "password@$work/m/password" http://127.0.0.1:8000/login | sed -n 's/.*"token": *"\([0-9a-f]*\)".*/\1/p')
    [ -n "$token" ] || { echo "cannot log in"; return 1; }
    while read -r body; do
        local status
        status=$(ip netns exec "$ns" curl --noproxy '*' -s -o /dev/null -w '%{http_code}' -H "X-Auth-Token: $token" \
            -H 'Accept: application/json' -H 'Content-Type: application/json' -d "$body" http://127.0.0.1:8000/)
        [ "$status" != 200 ] || { echo "is allowed: $body"; return 1; }
    done <<'END'
[{"client":"local","tgt":"*","fun":"cmd.run","arg":["id"]}]
[{"client":"wheel","fun":"key.accept","match":"*"}]
[{"client":"wheel","fun":"key.gen_accept","id_":"x"}]
[{"client":"wheel","fun":"config.apply","key":"open_mode","value":true}]
[{"client":"runner","fun":"jobs.list_jobs"}]
END
}

[ "$(id -u)" = 0 ] || skip "network namespaces need root"
[ -x "$run_courier" ] || skip "$run_courier is not built"
"$salt_tools/make-venv.sh" >/dev/null || skip "Salt cannot be fetched"
trap cleanup EXIT
trap 'exit 1' INT TERM

# The minions run from what an image has, which is less than the master needs.
minion_venv=$work/minion-venv
wheels=$top/build/salt-wheels
"$salt_tools/fetch-wheels.sh" "$wheels" && /usr/bin/python3 -m venv --without-pip "$minion_venv" &&
    "$top/build/salt-venv/bin/pip" --quiet --disable-pip-version-check --python "$minion_venv/bin/python" install --no-index \
        --find-links "$wheels" --no-deps -c "$wheels/requirements.txt" -r "$wheels/minion.txt" ||
    { echo "not ok minion: it cannot be installed from the wheels"; failed=1; exit 1; }

ip netns add "$ns" || skip "no network namespaces here"
ip -n "$ns" link set lo up
mkdir -p "$work/state"
"$salt_tools/master.sh" start "$work/m" --netns "$ns" || { echo "not ok start: the master does not start"; failed=1; exit 1; }
ip netns exec "$ns" "$run_courier" serve "$work/state" salt http://127.0.0.1:8000 "$work/m/password" 2>"$work/courier.log" &
courier=$!

for c in fresh reinstall impostor down_then_up master_alone_down names_of_others scoped_account; do
    judge $c
done
exit $failed
