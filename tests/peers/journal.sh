#!/bin/bash
# The journal as a stranger checks it: an export, verified by a program that shares no line with ours (tests/tools/journal_verify.py),
# as it is and after each kind of forgery; and the store's own file, forged past us. No network is touched.
set -u
top=$(cd "$(dirname "$0")/../.." && pwd)
rackstrap=${RACKSTRAP:-$top/build/${VARIANT:-release}/rackstrap}
verify=$top/tests/tools/journal_verify.py
[ -x "$rackstrap" ] || { echo "skipped: there is no $rackstrap; run make"; exit 77; }
dir=$(mktemp -d /tmp/rackstrap-journal.XXXXXX)
trap 'rm -rf "$dir"' EXIT
trap 'exit 1' INT TERM
export RACKSTRAP_CONFIG=$dir/rackstrap.yaml
mkdir "$dir/state"
cat >"$RACKSTRAP_CONFIG" <<EOT
state_dir: $dir/state
EOT
failed=0
ok() { echo "ok journal-$1"; }
not_ok() { echo "not ok journal-$1: $2"; failed=1; }

list() { # ROLE
    echo "devices:"
    for i in 1 2 3; do
        echo "  - {name: hv-0$i, site: par1, role: $1, serial: \"é\\\"'\", interfaces: [{name: eno1, mac: \"52:54:00:00:00:0$i\", address: 10.77.0.1$i/24}]}"
    done
}
list compute >"$dir/a.yaml"
list storage >"$dir/b.yaml"
"$rackstrap" import "$dir/a.yaml" >/dev/null && "$rackstrap" import "$dir/b.yaml" >/dev/null &&
    "$rackstrap" device protect hv-02 >/dev/null || { not_ok setup "the inventory cannot be filled"; exit 1; }
"$rackstrap" journal export >"$dir/all" || not_ok export "exit $?"

head=$("$verify" <"$dir/all")
if [ "$head" = "7 $("$rackstrap" journal verify | sed -n 's/.* hash is //p')" ]; then ok export; else not_ok export "$head"; fi
if "$rackstrap" journal export --device hv-02 | tee "$dir/one" | "$verify" --partial >/dev/null && [ "$(wc -l <"$dir/one")" = 3 ]; then
    ok export-of-a-device
else
    not_ok export-of-a-device "$(cat "$dir/one")"
fi
if [ -z "$("$rackstrap" journal export --since 2200-01-01)" ] && [ "$("$rackstrap" journal export --since 2020-01-01T10:00Z | wc -l)" = 7 ]; then
    ok export-since
else
    not_ok export-since "other lines than those since then"
fi
if "$rackstrap" journal export --since yesterday 2>"$dir/err" || ! grep -q "write 2026" "$dir/err"; then
    not_ok export-since-what "$(cat "$dir/err")"
else
    ok export-since-what
fi
if python3 -c 'import json, sys
for x in map(json.loads, sys.stdin):
    if x["event"] == "changed":
        assert json.loads(x["before"])["role"] == "compute" and json.loads(x["after"])["role"] == "storage", x' <"$dir/one"; then
    ok before-and-after
else
    not_ok before-and-after "$(cat "$dir/one")"
fi

forged() { # NAME PROGRAM: the lines, through the sed program, are found out
    if sed -E "$2" <"$dir/all" >"$dir/forged" && cmp -s "$dir/all" "$dir/forged"; then
        not_ok "$1" "the forgery changed nothing"
    elif why=$("$verify" <"$dir/forged"); then
        not_ok "$1" "the stranger's tool sees nothing"
    else
        echo "ok journal-$1 ($why)"
    fi
}
forged changed-detail '3s/"detail":"/&not /'
forged changed-actor '4s/"actor":"[^"]*"/"actor":"nobody"/'
forged changed-after '5s/storage/compute/'
forged changed-address '6s/"address":""/"address":"192.0.2.1"/'
forged changed-time '2s/"at_ms":1/"at_ms":2/'
forged changed-form '2s/"form":2/"form":1/'
forged removed 4d
forged removed-first 1d
forged inserted '3{p;s/"id":3/"id":4/}'
forged swapped '2{h;d};3G'
head -n 5 "$dir/all" >"$dir/cut"
if "$verify" --expect "${head#* }" <"$dir/cut" >/dev/null; then not_ok cut "the expected hash is not missed"; else ok cut; fi

# Past us, in the file.
file_forged() { # NAME SQL WORDS
    rm -rf "$dir/state2"
    cp -r "$dir/state" "$dir/state2"
    python3 -c 'import sqlite3, sys
db = sqlite3.connect(sys.argv[1])
db.executescript("DROP TRIGGER journal_no_update; DROP TRIGGER journal_no_delete;" + sys.argv[2])' "$dir/state2/inventory.db" "$2"
    echo "state_dir: $dir/state2" >"$dir/two.yaml"
    if out=$("$rackstrap" journal verify -c "$dir/two.yaml" 2>&1) || [[ $out != *"$3"* ]]; then
        not_ok "$1" "$out"
    else
        ok "$1"
    fi
}
file_forged file-changed "UPDATE journal SET after_json = '{}' WHERE id = 5" "entry 5 is not what was written"
file_forged file-removed "DELETE FROM journal WHERE id = 3" "no entry 3"
file_forged file-cut "DELETE FROM journal WHERE id > 5" "its end was cut off"
file_forged file-renumbered "DELETE FROM journal WHERE id = 3; UPDATE journal SET id = id - 1 WHERE id > 3" "entry 3 is not what was written"
file_forged file-inserted "INSERT INTO journal SELECT 8, at_ms, device_id, device, mac, actor, event, detail, hash, form, address, before_json, after_json FROM journal WHERE id = 7" "entry 8 is not"
if "$rackstrap" journal verify --expect "${head#* }" | grep -q "entry 7 has the expected hash"; then ok expect; else not_ok expect "its own hash is not found"; fi
if "$rackstrap" journal verify --expect "$(printf '0%.0s' {1..64})" 2>/dev/null; then not_ok expect-other "a hash that no entry has is found"; else ok expect-other; fi
if "$rackstrap" journal verify --expect zz 2>/dev/null; then not_ok expect-what "zz is taken for a hash"; else ok expect-what; fi

# Who and from where: as sshd tells the shell.
SSH_CONNECTION="192.0.2.7 51022 192.0.2.1 22" SUDO_USER=alice "$rackstrap" device unprotect hv-02 >/dev/null
who=$("$rackstrap" events hv-02 --json --last 1 | python3 -c 'import json, sys; x = json.load(sys.stdin); print(x["actor"], x["address"], x["after"])')
if [ "$(id -u)" != 0 ]; then
    echo "ok journal-who # not root: no sudo to see"
elif [ "$who" = "alice via sudo 192.0.2.7 {'protected': False}" ]; then
    ok who
else
    not_ok who "$who"
fi
if "$rackstrap" events hv-01 | grep -q "    by .*: role compute -> storage"; then ok events-say-it; else not_ok events-say-it "$("$rackstrap" events hv-01)"; fi
exit $failed
