#!/bin/bash
# The command line as a person meets it, on a store of its own: help of every command, wrong usages, exit codes, JSON that Python
# reads. No network is touched.
set -u
top=$(cd "$(dirname "$0")/../.." && pwd)
rackstrap=${RACKSTRAP:-$top/build/${VARIANT:-release}/rackstrap}
[ -x "$rackstrap" ] || { echo "skipped: there is no $rackstrap; run make"; exit 77; }
dir=$(mktemp -d /tmp/rackstrap-cli.XXXXXX)
chmod 0755 "$dir" # the servers' user can come to the state_dir
trap 'rm -rf "$dir"' EXIT
trap 'exit 1' INT TERM
export RACKSTRAP_CONFIG=$dir/rackstrap.yaml
echo "state_dir: $dir/state" >"$RACKSTRAP_CONFIG"
mkdir "$dir/state"
failed=0
not_ok() { echo "not ok cli-$1: $2"; failed=1; }

ends() { # CODE WORDS COMMAND...: that exit code, and what it prints (on stdout for 0, else on stderr) holds the words
    local code=$1 words=$2 got out err text
    shift 2
    out=$("$rackstrap" "$@" 2>"$dir/err" </dev/null)
    got=$?
    err=$(cat "$dir/err")
    text=$out
    ((code)) && text=$err
    if [ $got = "$code" ] && [[ $text == *"$words"* ]]; then echo "ok cli-$*"; else not_ok "$*" "exit $got: $out$err"; fi
}
json() { # EXPRESSION COMMAND...: standard output is one JSON value j, and the expression holds
    local expression=$1 out
    shift
    if out=$("$rackstrap" "$@" --json 2>&1 | python3 -c "import json, sys; j = json.load(sys.stdin); assert $expression, j" 2>&1); then
        echo "ok cli-$* --json"
    else
        not_ok "$* --json" "$(tail -n 1 <<<"$out")"
    fi
}

ends 0 "usage: rackstrap COMMAND" --help
ends 2 "usage: rackstrap COMMAND"
commands=$("$rackstrap" --help | sed -nE 's/^  ([a-z-]+( [a-z-]+)?)( .*)?$/\1/p' | grep -v '^lab')
[ "$(wc -l <<<"$commands")" -ge 18 ] || not_ok "list of commands" "only: $commands"
while read -r command; do
    # shellcheck disable=SC2086
    ends 0 "usage: rackstrap $command" $command --help
    # shellcheck disable=SC2086
    ends 2 "no option" $command --frobnicate
done <<<"$commands"
for group in device image lease journal netboot token; do
    ends 0 "usage: rackstrap $group COMMAND" $group --help
    ends 2 "rackstrap $group " $group
    ends 2 "no command" $group frobnicate
done
ends 0 "make the installer" netboot --help
ends 0 "rackstrap lab up" lab --help
ends 2 "no command" lab frobnicate
ends 2 "no command" frobnicate
ends 2 "the command comes first" -c "$RACKSTRAP_CONFIG" device list
ends 2 "needs a value" device list -c
ends 2 "what is" ip 10.77.0.1 10.77.0.2
ends 2 "something is missing" assign hv-01
ends 2 "does not go with --once" sync netbox --status --once
ends 2 "goes with --once or --status" sync netbox --json
ends 2 "number from 1 on" events --last 0
ends 1 "name it with -c" check-config -c "$dir/none.yaml"

# An empty store.
for listing in "device list" "device list --unknown" "lease list" drops "image list"; do
    # shellcheck disable=SC2086
    json "j == []" $listing
    # shellcheck disable=SC2086
    ends 0 "" $listing
done
json 'j["ours"] is False' ip 10.77.0.11
json 'j["action"] == "ignore" and j["device"] is None' why 52:54:00:00:00:77
ends 0 "" events --json
ends 0 "0 entries" journal verify

cat >"$dir/rack.yaml" <<'END'
sites: [{slug: par1, name: Paris 1}]
devices:
  - {name: hv-01, site: par1, rack: r01, interfaces: [{name: eno1, mac: "52:54:00:00:00:01", address: 10.77.0.11/24, primary: true}]}
END
ends 0 "1 new" import "$dir/rack.yaml" --dry-run
json "j == []" device list
ends 0 "1 new" import "$dir/rack.yaml"
ends 1 "none.yaml" import "$dir/none.yaml"
ends 2 "rackstrap.yaml:1:1" import "$RACKSTRAP_CONFIG"
json '[d["name"] for d in j] == ["hv-01"]' device list rack=r01
json 'j == []' device list --rack r02
json 'j["interfaces"][0]["mac"] == "52:54:00:00:00:01" and j["job"] is None' device show 5254.0000.0001
json 'j["action"] == "local"' why hv-01
json '"the first of its kind, when it asks next" in j["loader_reason"]' why hv-01
json 'j["device"] == "hv-01"' ip 10.77.0.11

# What there is beside what boots: IPv6, a tag, a second MAC address, a prefix; as another process writes it.
python3 -c 'import sqlite3, sys
db = sqlite3.connect(sys.argv[1])
db.executescript("""
INSERT INTO ip_addresses (address, length, interface_id, dns_name) SELECT x'"'20010db8000000000000000000000011'"', 64, min(id), '"'hv-01.example'"' FROM interfaces;
INSERT INTO mac_addresses (mac, interface_id, is_primary) SELECT 0x525400000101, min(id), 0 FROM interfaces;
INSERT INTO prefixes (first, last, length) VALUES (x'"'20010db8000000000000000000000000'"', x'"'20010db80000ffffffffffffffffffff'"', 48);
INSERT INTO prefixes (first, last, length, router) VALUES (0x0a4d0000, 0x0a4dffff, 16, 0x0a4d0001);
INSERT INTO tags (name, slug) VALUES ('"'GPU'"', '"'gpu'"');
INSERT INTO tagged (model, object_id, tag_id) SELECT '"'dcim.device'"', id, 1 FROM devices;
""")' "$dir/state/inventory.db" || not_ok setup "the store cannot be written"
json 'j["device"] == "hv-01" and j["interface"] == "eno1" and j["dns_name"] == "hv-01.example" and j["prefixes"][0]["prefix"] == "2001:db8::/48"' ip 2001:db8::11
json 'j["ours"] is True and j["device"] is None' ip 2001:db8::12
json 'j["ours"] is False' ip 2001:db9::11
json 'j["gateway"] == "10.77.0.1" and j["subnet"] == "10.77.0.0/16" and j["prefixes"][0]["gateway"] == "10.77.0.1"' ip 10.77.0.11
json 'j["use"] == "the router of 10.77.0.0/16"' ip 10.77.0.1
json '[m["mac"] for m in j["mac_addresses"]] == ["52:54:00:00:00:01", "52:54:00:00:01:01"] and j["tags"] == ["gpu"]' device show 52:54:00:00:01:01
json '[x["address"] for x in j["ip_addresses"]] == ["10.77.0.11/24", "2001:db8::11/64"] and j["last_events"][0]["event"] == "created"' device show hv-01
json '[d["name"] for d in j] == ["hv-01"]' device list tag=gpu,status=planned,state=idle,address=2001:db8::11
json 'j == []' device list --installed-since 2020-01-01
json '[d["status"] for d in j] == ["planned"]' device list netbox=no
ends 0 "name eno1, mac 52:54:00:00:00:01" device show hv-01
ends 2 "selected by" device list colour=red
ends 2 "no state" device list --state red
ends 2 "no status" device list --status red
ends 2 "write state=ready" device list status=ready
ends 2 "is no time" device list --installed-since red
ends 2 "selector is for devices" device list --unknown hv-01
for command in "device show" "device protect" cancel events; do
    # shellcheck disable=SC2086
    ends 1 hv-09 $command hv-09
done
ends 2 "neither a device nor" why hv-09
ends 2 "is not an address" ip hv-01
ends 2 "is not an address" ip 10.77.0.0/24
ends 1 "no image" assign hv-01 red
ends 2 "empty selector" assign "" red
ends 1 "no job" cancel hv-01
ends 1 red image show red
ends 1 none.raw image frame red "$dir/none.raw"
ends 0 "is protected" device protect hv-01
if "$rackstrap" events --json | python3 -c 'import json, sys; assert [json.loads(l)["event"] for l in sys.stdin] == ["created", "created", "protected"]'; then
    echo "ok cli-events-are-a-line-each"
else
    not_ok events-are-a-line-each "$("$rackstrap" events --json)"
fi
ends 0 "3 entries are as written" journal verify

# A release, and a job: nothing is armed, kept or taken back without a word.
ends 0 "is not protected" device unprotect hv-01
if command -v sgdisk >/dev/null || PATH=$PATH:/usr/sbin command -v sgdisk >/dev/null; then
    truncate -s 8M "$dir/red.raw"
    PATH=$PATH:/usr/sbin sgdisk -a 2048 -n 1:2048:0 -t 1:8300 "$dir/red.raw" >/dev/null
    ends 2 "cannot be an image's name" image frame "a b" "$dir/red.raw"
    ends 0 "red@" image frame red "$dir/red.raw"
    json 'j[0]["image"] == "red" and j[0]["disk_size"] == 8 << 20' image list
    json 'j["image"] == "red"' image show red
    ends 1 "no image" assign hv-01 reed
    ends 0 "nothing was changed" assign hv-01 red --dry-run
    json 'j["state"] == "idle" and j["job"] is None' device show hv-01
    ends 1 "--count says 2" assign hv-01 red --count 2
    ends 0 "is armed with red" assign hv-01 red
    json 'j["action"] == "install"' why hv-01
    ends 0 "stays armed" device protect hv-01
    json 'j["action"] == "local"' why hv-01
    ends 1 "is protected" assign hv-01 red
    ends 0 "written at its next network boot" device unprotect hv-01
    ends 0 "is cancelled" cancel hv-01
    json 'j["action"] == "local"' why hv-01
    ends 0 "red@" image frame red "$dir/red.raw"
    ends 0 "red@" image frame red "$dir/red.raw" # perhaps within one second
fi

# What a configuration says of addresses and options.
cat - "$RACKSTRAP_CONFIG" >"$dir/dhcp.yaml" <<'END'
dhcp:
  interfaces: [lo]
  options: {ntp-servers: [10.77.0.5]}
  subnets:
    - {prefix: 10.77.0.0/24, router: 10.77.0.1, options: {tftp-server-name: one}}
    - {prefix: 10.78.0.0/24}
END
sed '/10.78.0.0/d' "$dir/dhcp.yaml" >"$dir/one.yaml"
cat >"$dir/bare.yaml" <<'END'
devices:
  - {name: hv-02, interfaces: [{name: eno1, mac: "52:54:00:00:00:02", primary: true}]}
END
use() { # ADDRESS USE
    json "j['use'] == '$2'" ip "$1" -c "$dir/dhcp.yaml"
}
use 10.77.0.0 "the network address of 10.77.0.0/24"
use 10.77.0.255 "the broadcast address of 10.77.0.0/24"
use 10.77.0.1 "the router of 10.77.0.0/24"
json 'j["use"] is None' ip 10.77.0.9 -c "$dir/dhcp.yaml"
ends 0 "1 new" import "$dir/bare.yaml"
json '[o["code"] for o in j["dhcp_options"]] == [42]' device show hv-02 -c "$dir/dhcp.yaml"
json '[o["code"] for o in j["dhcp_options"]] == [42, 66]' device show hv-02 -c "$dir/one.yaml"
json '[o["code"] for o in j["dhcp_options"]] == [42, 66]' device show hv-01 -c "$dir/dhcp.yaml"
# A loader timed out, and the machine has not asked since: what is said of it agrees.
python3 - "$dir"/state/*inventory*.db <<'END'
import sqlite3, sys
db = sqlite3.connect(sys.argv[1])
db.execute("INSERT INTO ladders (mac, client, offered, before, moved_ms, fetched, fetched_ms, heard_ms, settled, failed)"
           " VALUES (?, 'uefi-x64', 'ipxe.efi', '', 0, 'ipxe.efi', 1000, 0, '', '')", (0x525400000002,))
db.commit()
END
json "'before' in j['loader_reason'] and j['loaders_given_up'] == 'ipxe.efi'" why hv-02 -c "$dir/dhcp.yaml"
ends 0 "SINCE (UTC)" device list -c "$dir/dhcp.yaml"
ends 0 "is no longer" device remove hv-02 --yes

# What cannot be read is said, and is not "nothing".
cp -r "$dir/state" "$dir/broken"
sed "s|$dir/state|$dir/broken|" "$RACKSTRAP_CONFIG" >"$dir/broken.yaml"
python3 -c 'import sqlite3, sys; sqlite3.connect(sys.argv[1]).execute("DROP TABLE silences")' "$dir"/broken/*inventory*.db
ends 1 "silences" why 52:54:00:00:00:77 -c "$dir/broken.yaml"
ends 1 "silences" why hv-01 -c "$dir/broken.yaml"

# Out of the inventory again, and what comes into being by a slip.
ends 1 "say so with --yes" device remove hv-01
ends 0 "no longer in the inventory" device remove hv-01 --yes
ends 1 "no device" device show hv-01
json "j == []" device list
ends 0 "removed" events
shows_removed() { # REF: the timeline that stayed, and on stderr when the device went
    local out
    out=$("$rackstrap" events "$1" 2>"$dir/err")
    if [[ $out == *created*removed* ]] && grep -Eq '^hv-01 was removed from the inventory on [0-9-]{10} at [0-9:]{8} UTC' "$dir/err"; then
        echo "ok cli-events-of-a-removed-device $1"
    else
        not_ok "events-of-a-removed-device $1" "$out$(cat "$dir/err")"
    fi
}
shows_removed hv-01
shows_removed 52:54:00:00:00:01
ends 1 "no device has" events 52:54:00:00:00:99
sed 's/site: par1/site: par2/' "$dir/rack.yaml" >"$dir/slip.yaml"
ends 0 "would make site par2, which hv-01 names" import "$dir/slip.yaml" --dry-run
ends 0 "made site par2, which hv-01 names" import "$dir/slip.yaml"
sed 's/site: par1/disk: colour=red/' "$dir/rack.yaml" >"$dir/disk.yaml"
ends 2 "disk.yaml:3:25: device hv-01: " import "$dir/disk.yaml"

# Tokens of the API.
json "j == []" token list
ends 2 "say what it is for: --rights" token create ci
ends 2 "is no right" token create ci --rights all
ends 2 "is named twice" token create ci --rights read,read
ends 2 "--expires takes a time" token create ci --rights read --expires tomorrow
ends 2 "--from" token create ci --rights read --from 10.0.0.1/8
ends 2 "--from is empty" token create ci --rights read --from ""
ends 2 "--tenant is empty" token create ci --rights read --tenant ""
ends 2 "the token's name" token create "c i" --rights read
ends 1 'there is no tenant "none"' token create ci --rights read --tenant none
ends 0 "nbt_" token create ci --rights read,assign --expires 90d --from 10.0.0.0/8,192.0.2.1
ends 1 "names are not used twice" token create ci --rights read
json "[(t['name'], t['rights'], t['from'], t['condition']) for t in j] == [('ci', 'read,assign', '10.0.0.0/8,192.0.2.1/32', 'good')]" token list
ends 1 "there is no token" token revoke none
ends 0 "good for nothing now" token revoke ci
json "j[0]['condition'] == 'revoked' and j[0]['revoked']" token list
ends 0 "token-created" events

echo "state_dir: $dir/nowhere" >"$dir/bad.yaml"
ends 1 "make it: install -d $dir/nowhere" device list -c "$dir/bad.yaml"
ends 1 "make it: install -d $dir/nowhere" check-config -c "$dir/bad.yaml"
printf 'state_dir: %s/state\nuser: rs-no-such-user\n' "$dir" >"$dir/user.yaml"
ends 2 "the user \"rs-no-such-user\" does not exist" check-config -c "$dir/user.yaml"
ends 0 "is right" check-config
(umask 077 && printf '%040d\n' 1 >"$dir/netbox.token")
cat - "$RACKSTRAP_CONFIG" >"$dir/outer.yaml" <<END
api: {listen: "127.0.0.1:8090"}
netbox: {url: "https://netbox.example", token_file: $dir/netbox.token}
END
ends 0 ", the API, NetBox at https://netbox.example" check-config -c "$dir/outer.yaml"
ends 0 "to the hour" token list --help
says() { # WORDS COMMAND...: exit code 0, and standard error holds the words
    local words=$1
    shift
    "$rackstrap" "$@" >/dev/null 2>"$dir/err" </dev/null
    local code=$?
    if [ $code = 0 ] && grep -qF -- "$words" "$dir/err"; then echo "ok cli-$* says $words"; else not_ok "$*" "exit $code: $(cat "$dir/err")"; fi
}
cat >"$dir/net.yaml" <<END
state_dir: $dir/state
tftp: {root: $dir/no-tftp}
dhcp: {interfaces: [rs-none], subnets: [{prefix: 10.77.0.0/24, pool: 10.77.0.100-10.77.0.109}]}
END
says 'the pool of 10.77.0.0/24 is for machines of the inventory' check-config -c "$dir/net.yaml"
says 'there is no interface "rs-none"' check-config -c "$dir/net.yaml"
says '`rackstrap netboot build` makes it' check-config -c "$dir/net.yaml"
sed 's|10.77.0.11/24|10.77.0.11/16|' "$dir/rack.yaml" >"$dir/length.yaml"
says 'hv-01: 10.77.0.11/16 is in the subnet 10.77.0.0/24, whose length it has not' import "$dir/length.yaml" --dry-run -c "$dir/net.yaml"
sed 's|10.77.0.11/24|10.99.0.11/24|' "$dir/rack.yaml" >"$dir/elsewhere.yaml"
says 'hv-01: 10.99.0.11/24 is in no subnet' import "$dir/elsewhere.yaml" --dry-run -c "$dir/net.yaml"
sed 's|10.77.0.11/24|10.77.0.255/16|' "$dir/rack.yaml" >"$dir/broadcast.yaml"
ends 2 "the broadcast address of 10.77.0.0/24" import "$dir/broadcast.yaml" --dry-run -c "$dir/net.yaml"
sed 's|site: par1|image: not-built|' "$dir/rack.yaml" >"$dir/waits.yaml"
ends 0 'build the image, then `rackstrap assign DEVICE not-built`' import "$dir/waits.yaml"
ends 0 'build the image, then `rackstrap assign hv-01 not-built`' why hv-01
: >"$dir/empty.yaml"
# Out again, and into itself: nothing changes.
"$rackstrap" export >"$dir/all.yaml"
ends 0 '  - name: hv-01' export hv-01
ends 0 'SELECTOR: names with commas' export --help
ends 0 "0 new, 0 changed" import "$dir/all.yaml"
ends 2 "cannot be selected by" export color=red
ends 2 "empty.yaml:1:1: there is nothing to import" import "$dir/empty.yaml"
echo "state_dir: $dir/empty.yaml" >"$dir/file.yaml"
ends 2 "is not a folder" check-config -c "$dir/file.yaml"
printf 'state_dir: %s/state\nuser: root\n' "$dir" >"$dir/user.yaml"
ends 2 "do not run as root" check-config -c "$dir/user.yaml"
if command -v openssl >/dev/null && openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=x -days -1 \
    -keyout "$dir/key.pem" -out "$dir/ended.pem" 2>/dev/null; then
    cat >"$dir/ended.yaml" <<END
state_dir: $dir/state
http: {tls: {listen: "127.0.0.1:8443", certificate_file: $dir/ended.pem, key_file: $dir/key.pem}}
hosts: {ca_certificates_file: $dir/ended.pem}
END
    says "warning: http.tls.certificate_file: the certificate ended on" check-config -c "$dir/ended.yaml"
fi
"$rackstrap" device list >/dev/full 2>"$dir/err"
[ $? = 1 ] && echo "ok cli-a-full-output-fails" || not_ok a-full-output-fails "$(cat "$dir/err")"
exit $failed
