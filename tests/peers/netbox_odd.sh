#!/bin/bash
# A sync with a made-up NetBox that misbehaves in every way that fake_netbox.py knows: the sync ends with a sentence and
# nothing is changed; and what people do in NetBox arrives. Loopback only.
set -u
cd "$(dirname "$0")/../.." || exit 1
rackstrap=${RACKSTRAP:-build/release/rackstrap}
command -v curl >/dev/null || { echo "skipped: curl is missing"; exit 77; }
[ "$(id -u)" = 0 ] || { echo "skipped: needs root, for courier's own user"; exit 77; }
work=$(mktemp -d)
chmod 755 "$work"
pid=
courier=
bad=0
# shellcheck disable=SC2317
finish() {
    [ -n "$courier" ] && kill "$courier" 2>/dev/null
    [ -n "$pid" ] && kill "$pid" 2>/dev/null
    wait 2>/dev/null
    rm -rf "$work"
}
trap finish EXIT

ok() { echo "ok $1"; }
not_ok() {
    echo "not ok $1: $2"
    bad=1
}
start() { # options of fake_netbox.py
    [ -n "$pid" ] && { kill "$pid"; wait "$pid" 2>/dev/null; }
    exec 3< <(exec python3 tests/tools/fake_netbox.py --token 0123456789abcdef0123456789abcdef01234567 "$@")
    pid=$!
    read -r _ url <&3
    rm -rf "$work/state"
    mkdir "$work/state"
    chown nobody "$work/state"
    printf 'state_dir: %s\nuser: %s\nwipe_limit: 2\nhttp: {listen: "127.0.0.1:18799"}\nnetbox:\n  url: %s\n  token_file: %s\n  timeout: 2s\n  page_size: 20\n  interval: 3600s\n' \
        "$work/state" nobody "$url" "$work/token" >"$work/rs.yaml"
}
say() { curl -sf -X POST "$url/fake/$1" -d "$2" >/dev/null; }
nb_sync() { timeout 60 "$rackstrap" sync netbox --once -c "$work/rs.yaml" "$@" >"$work/out" 2>&1; }
sql() { python3 -c 'import sqlite3,sys; print(sqlite3.connect("file:"+sys.argv[1]+"?mode=ro",uri=True).execute(sys.argv[2]).fetchone()[0])' "$work/state/inventory.db" "$1"; }
# Everything that a sync may change, but for the state of the sync itself.
picture() {
    python3 - "$work/state/inventory.db" <<'P'
import hashlib, sqlite3, sys
d = sqlite3.connect("file:" + sys.argv[1] + "?mode=ro", uri=True)
h = hashlib.sha256()
for t in "sites locations racks tenants roles platforms manufacturers device_types tags tagged custom_fields prefixes devices interfaces mac_addresses ip_addresses journal jobs sync_faults device_changes".split():
    h.update(repr(d.execute("SELECT * FROM %s ORDER BY 1, 2" % t).fetchall()).encode())
print(h.hexdigest())
P
}
printf '%s\n' 0123456789abcdef0123456789abcdef01234567 >"$work/token"
chmod 600 "$work/token"

# ---- a first sync, and one that finds nothing new
start --devices 60
nb_sync && [ "$(sql 'SELECT count(*) FROM devices WHERE netbox_id > 0')" = 60 ] && [ "$(sql 'SELECT count(*) FROM mac_addresses')" = 240 ] &&
    [ "$(sql 'SELECT count(*) FROM ip_addresses WHERE is_primary')" = 60 ] && ok "first sync" || not_ok "first sync" "$(cat "$work/out")"
holds() { # NAME CODE EXPRESSION COMMAND...: that exit code, and standard output is one JSON value j, of which the expression holds
    local what=$1 code=$2 expression=$3 out got
    shift 3
    out=$("$rackstrap" "$@" --json -c "$work/rs.yaml" 2>"$work/err")
    got=$?
    if [ $got = "$code" ] && python3 -c "import datetime, json, sys; j = json.load(sys.stdin); assert $expression" <<<"$out" 2>/dev/null; then ok "$what"; else
        not_ok "$what" "exit $got: $out $(cat "$work/err")"
    fi
}
holds "a sync as JSON" 0 'j["full"] is True and j["devices"] == 60 and j["new"] == 0 and j["version"] and j["read_s"] >= 0' sync netbox --once --full
holds "how old the copy is, as JSON" 0 'datetime.datetime.fromisoformat(j["success"].replace("Z", "+00:00")) and j["full"] and 0 <= j["age_s"] < 300 and j["error"] is None' sync netbox --status
say fault '{"fault": "500", "endpoint": "dcim/devices", "after": 1}'
nb_sync --full
say heal '{}'
holds "the last sync failed" 1 'j["error"] and j["success"] < j["attempt"]' sync netbox --status
nb_sync --full
holds "and the next did not" 0 'j["error"] is None' sync netbox --status

# ---- what NetBox would bring back is not taken out
name=$(sql 'SELECT name FROM devices WHERE netbox_id = 6')
"$rackstrap" device remove "$name" --yes -c "$work/rs.yaml" >"$work/out" 2>&1
rc=$?
if [ $rc = 1 ] && grep -q "$url/dcim/devices/6/), or leave it out by netbox.filter" "$work/out" && [ "$(sql 'SELECT removed_ms FROM devices WHERE netbox_id = 6')" = 0 ]; then
    ok "a device of NetBox's is not removed"
else
    not_ok "a device of NetBox's is not removed" "exit $rc: $(cat "$work/out")"
fi
cp -r "$work/state" "$work/left" && printf 'state_dir: %s\n' "$work/left" >"$work/left.yaml"
if "$rackstrap" device remove "$name" --yes -c "$work/left.yaml" >"$work/out" 2>&1; then ok "but where none is followed any more"; else not_ok "but where none is followed any more" "$(cat "$work/out")"; fi

before=$(picture)
nb_sync --full && [ "$(picture)" = "$before" ] && ok "unchanged full sync writes nothing" || not_ok "unchanged full sync writes nothing" "$(cat "$work/out")"
nb_sync && [ "$(picture)" = "$before" ] && ok "unchanged incremental sync writes nothing" || not_ok "unchanged incremental sync writes nothing" "$(cat "$work/out")"

# ---- misbehaviour: a sentence with the URL, and nothing changed
for fault in cut short wrong-types redirect next-elsewhere endless-next 500 503 403 401 silent closed html bad-json not-a-list duplicates count-lies huge nul deep; do
    say fault "{\"fault\": \"$fault\", \"endpoint\": \"dcim/devices\", \"after\": 1}"
    nb_sync --full
    rc=$?
    say heal '{}'
    if [ "$fault" = nul ] && [ $rc = 0 ]; then # names that cannot be: faults, and the devices stay
        [ "$(sql 'SELECT count(*) FROM devices WHERE netbox_id > 0 AND removed_ms = 0')" = 60 ] && ok "$fault" || not_ok "$fault" "devices are gone"
        nb_sync --full
        continue
    fi
    if [ $rc = 0 ] || [ $rc -ge 124 ]; then
        not_ok "$fault" "exit $rc: $(head -3 "$work/out")"
    elif ! grep -q '/api/dcim/devices\|dcim.device\|max_drop' "$work/out"; then
        not_ok "$fault" "does not say where: $(head -3 "$work/out")"
    elif grep -q 0123456789abcdef "$work/out"; then
        not_ok "$fault" "tells the token"
    elif [ "$(picture)" != "$before" ]; then
        not_ok "$fault" "something was changed"
    else
        ok "$fault: $(sed -n '1s/.*: //p' "$work/out" | cut -c1-100)"
    fi
done
say fault '{"fault": "empty", "endpoint": "dcim/devices"}'
nb_sync --full
[ $? = 1 ] && grep -q max_drop "$work/out" && [ "$(picture)" = "$before" ] && ok "an emptied NetBox stops the sync" || not_ok "an emptied NetBox stops the sync" "$(cat "$work/out")"
say heal '{}'
say fault '{"fault": "429", "endpoint": "dcim/racks", "times": 1}'
say fault '{"fault": "503", "endpoint": "dcim/sites", "times": 1}'
nb_sync --full && ok "429 and 503 once are waited for" || not_ok "429 and 503 once are waited for" "$(cat "$work/out")"
say heal '{}'
sed -i 's/^0123/9999/' "$work/token"
nb_sync --full
[ $? = 1 ] && grep -q token_file "$work/out" && ok "a wrong token" || not_ok "a wrong token" "$(cat "$work/out")"
sed -i 's/^9999/0123/' "$work/token"

# ---- what people do there
say set '{"endpoint": "dcim/devices", "id": 5, "set": {"serial": "NEW-5", "status": "offline"}}'
nb_sync && [ "$(sql "SELECT serial || status FROM devices WHERE netbox_id = 5")" = NEW-5offline ] &&
    [ "$(sql "SELECT count(*) FROM journal WHERE actor = 'netbox' AND event = 'changed'")" = 1 ] && ok "one change, one journal entry" || not_ok "one change, one journal entry" "$(cat "$work/out")"
a=$(sql 'SELECT name FROM devices WHERE netbox_id = 10') b=$(sql 'SELECT name FROM devices WHERE netbox_id = 11')
say set "{\"endpoint\": \"dcim/devices\", \"id\": 10, \"set\": {\"name\": \"$b\"}}"
say set "{\"endpoint\": \"dcim/devices\", \"id\": 11, \"set\": {\"name\": \"$a\"}}"
nb_sync && [ "$(sql 'SELECT name FROM devices WHERE netbox_id = 10')" = "$b" ] && ok "two devices exchange their names" || not_ok "two devices exchange their names" "$(cat "$work/out")"
say set '{"endpoint": "dcim/mac-addresses", "id": 41, "set": {"mac_address": "02:01:00:00:00:2D"}}'
nb_sync && [ "$(sql "SELECT count(*) FROM sync_faults WHERE kind = 'double-MAC-address'")" -ge 1 ] &&
    [ "$(sql "SELECT count(*) FROM mac_addresses WHERE mac = $((0x02010000002D))")" = 1 ] && ok "a MAC address twice is a fault" || not_ok "a MAC address twice is a fault" "$(cat "$work/out")"
say set '{"endpoint": "dcim/mac-addresses", "id": 41, "set": {"mac_address": "02:01:00:00:00:29"}}'
nb_sync && [ "$(sql "SELECT count(*) FROM sync_faults WHERE kind = 'double-MAC-address'")" = 0 ] && ok "and goes when it is put right" || not_ok "and goes when it is put right" "$(cat "$work/out")"
say set '{"endpoint": "dcim/devices", "id": 20, "set": {"name": "no host name!"}}'
nb_sync && [ "$(sql "SELECT count(*) FROM sync_faults WHERE kind = 'name' AND netbox_id = 20")" = 1 ] &&
    [ "$(sql 'SELECT count(*) FROM devices WHERE netbox_id = 20 AND removed_ms = 0')" = 1 ] && ok "a name that is none is a fault, and the device stays" || not_ok "a name that is none is a fault, and the device stays" "$(cat "$work/out")"
say set '{"endpoint": "dcim/devices", "id": 30, "set": null}'
nb_sync --full && [ "$(sql 'SELECT count(*) FROM devices WHERE netbox_id > 0 AND removed_ms = 0')" = 59 ] && ok "a device that is gone is removed" || not_ok "a device that is gone is removed" "$(cat "$work/out")"
"$rackstrap" device protect "$(sql 'SELECT name FROM devices WHERE netbox_id = 31')" -c "$work/rs.yaml" >/dev/null
say set '{"endpoint": "dcim/devices", "id": 31, "set": null}'
nb_sync --full && [ "$(sql "SELECT count(*) FROM sync_faults WHERE kind = 'not-removed'")" = 1 ] && ok "but a protected one is not" || not_ok "but a protected one is not" "$(cat "$work/out")"
for i in 40 41 42 43 44 45 46 47; do say set "{\"endpoint\": \"dcim/devices\", \"id\": $i, \"set\": null}"; done
nb_sync --full
[ $? = 1 ] && grep -q -- '--accept-drop 8\|--accept-drop 9' "$work/out" && ok "many that are gone: stops and asks" || not_ok "many that are gone: stops and asks" "$(cat "$work/out")"
n=$(sed -n 's/.*--accept-drop \([0-9]*\).*/\1/p' "$work/out")
nb_sync --full --accept-drop "$n" && [ "$(sql 'SELECT count(*) FROM devices WHERE netbox_id > 0 AND removed_ms = 0')" = 51 ] && ok "and goes on when told" || not_ok "and goes on when told" "$(cat "$work/out")"

# ---- images: of devices in planned or staged, and only so many at once
python3 - "$work/state/inventory.db" <<'P'
import sqlite3, sys
d = sqlite3.connect(sys.argv[1], timeout=10)
with d:
    d.execute("INSERT INTO images (name) VALUES ('demo')")
    d.execute("INSERT INTO releases (image_id, version, digest, disk_size, data_size, pack_size, created_ms) SELECT id, '1', ?, 1, 1, 1, 1 FROM images", ("a" * 64,))
P
# 3, 6, 9, ... want demo; of these 60 alone is staged: armed. The others are active: they have it, as people say.
nb_sync --full && [ "$(sql "SELECT count(*) FROM jobs")" = 1 ] && [ "$(sql "SELECT count(*) FROM devices WHERE assigned = 'demo' AND removed_ms = 0")" -ge 10 ] &&
    ok "devices that are active are recorded, not armed" || not_ok "devices that are active are recorded, not armed" "$(cat "$work/out")"
for i in 1 2 4; do say set "{\"endpoint\": \"dcim/devices\", \"id\": $i, \"set\": {\"status\": \"staged\", \"custom_fields\": {\"image\": \"demo\"}}}"; done
nb_sync && [ "$(sql "SELECT count(*) FROM jobs")" = 1 ] && grep -q -- '--count 3' "$work/out" && ok "more than wipe_limit: none is armed" || not_ok "more than wipe_limit: none is armed" "$(cat "$work/out")"
nb_sync --count 2 && [ "$(sql "SELECT count(*) FROM jobs")" = 1 ] && ok "a wrong number arms none" || not_ok "a wrong number arms none" "$(cat "$work/out")"
nb_sync --count 3 && [ "$(sql "SELECT count(*) FROM jobs WHERE state = 'armed'")" = 4 ] && ok "the right number arms them" || not_ok "the right number arms them" "$(cat "$work/out")"
nb_sync --full && [ "$(sql "SELECT count(*) FROM jobs")" = 4 ] && ok "once" || not_ok "once" "$(cat "$work/out")"
say set '{"endpoint": "dcim/devices", "id": 4, "set": {"custom_fields": {"image": null}}}'
nb_sync && [ "$(sql "SELECT count(*) FROM jobs WHERE state = 'armed'")" = 3 ] && ok "an image that is taken away takes the job back" || not_ok "an image that is taken away takes the job back" "$(cat "$work/out")"
say set '{"endpoint": "dcim/devices", "id": 4, "set": {"custom_fields": {"image": "nowhere"}}}'
nb_sync && [ "$(sql "SELECT count(*) FROM sync_faults WHERE kind = 'unknown-image' AND netbox_id = 4")" = 1 ] && ok "an unknown image is a fault" || not_ok "an unknown image is a fault" "$(cat "$work/out")"

# ---- courier, and a webhook's request
touch "$work/courier.log"
"$rackstrap" serve --only courier -c "$work/rs.yaml" >"$work/courier.log" 2>&1 &
courier=$!
for ((i = 0; i < 100; i++)); do
    grep -q netbox-sync "$work/courier.log" && break
    sleep 0.1
done
say set '{"endpoint": "dcim/devices", "id": 6, "set": {"serial": "HOOK-6"}}'
python3 - "$work/state/inventory.db" <<'P'
import sqlite3, sys, time
d = sqlite3.connect(sys.argv[1], timeout=10)
with d:
    d.execute("INSERT INTO sync_requests VALUES ('dcim.device', 6, 'updated', ?)", (int(time.time() * 1000),))
P
asked=$(date +%s%N)
for ((i = 0; i < 100; i++)); do
    [ "$(sql 'SELECT serial FROM devices WHERE netbox_id = 6')" = HOOK-6 ] && break
    sleep 0.05
done
ms=$((($(date +%s%N) - asked) / 1000000))
if [ "$(sql 'SELECT serial FROM devices WHERE netbox_id = 6')" = HOOK-6 ]; then ok "a webhook's object is in the store after $ms ms"; else not_ok "webhook" "$(tail -5 "$work/courier.log")"; fi
ended=$(date +%s%N)
kill "$courier"
wait "$courier"
courier=
ms=$((($(date +%s%N) - ended) / 1000000))
((ms < 4000)) && ok "courier ends $ms ms after SIGTERM" || not_ok "courier ends" "$ms ms"

# ---- before 4.2: MAC addresses are the interfaces' own
start --devices 30 --old
nb_sync && [ "$(sql 'SELECT count(*) FROM mac_addresses')" = 120 ] && [ "$(sql 'SELECT count(*) FROM prefixes WHERE site_id > 0')" = 1 ] && ok "NetBox 4.1" || not_ok "NetBox 4.1" "$(cat "$work/out")"
before=$(picture)
nb_sync --full && [ "$(picture)" = "$before" ] && ok "NetBox 4.1, again" || not_ok "NetBox 4.1, again" "$(cat "$work/out")"
exit $bad
