#!/bin/bash
# Bad input: broken files, a missing image, a full or unwritable state folder, a port in use, no permission, broken packets. Always a clear
# error or a counted drop, never a crash; and nothing that was there is lost.
# shellcheck source=tests/scenario/lib.sh
. "$(dirname "$0")/lib.sh"
begin bad-input
lab_up
write_config
small_releases red
write_inventory red
server_start
check "import" rs import "$inventory"
good=$(rs device list --json)
bad=$work/bad.yaml
refused() { # WHAT CODE WORDS: what is in $bad is refused with these words, and the inventory is as it was
    check "$1" fails "$2" "$3" rs import "$bad"
    check "$1: nothing has changed" is "$(rs device list --json)" "$good"
}

printf 'devices:\n  - name: hv-02\n   site: par1\n' >"$bad"
refused "a YAML error" 2 "$bad:3"
printf 'devices:\n  - name: hv-02\n    colour: red\n' >"$bad"
refused "an unknown key" 2 "$bad:3:5"
printf 'devices:\n  - name: hv-02\n    interfaces:\n      - {name: a, mac: "5254.0000.0001"}\n' >"$bad"
refused "a MAC address that another device has" "1|2" "hv-01"
printf 'devices:\n  - {name: hv-02, interfaces: [{name: a, mac: "52:54:00:00:00:02"}]}\n  - {name: hv-03, interfaces: [{name: a, mac: "52-54-00-00-00-02"}]}\n' >"$bad"
refused "a MAC address twice in one file" "1|2" "$bad:3"
check "an image that is not there" fails "1|2" red rs assign hv-01 green
printf 'devices:\n  - {name: hv-02, interfaces: [{name: a, mac: "52:54:00:00:00"}]}\n' >"$bad"
refused "half a MAC address" 2 "$bad:2"
head -c 3000 /dev/urandom >"$bad"
refused "no text at all" 2 "$bad"
check "a file that is not there" fails "1|2" "$work/none.yaml" rs import "$work/none.yaml"

sed 's/^tftp:/tftpp:/' "$config" >"$bad"
check "an unknown key in the configuration" fails 2 tftpp "$rackstrap" check-config -c "$bad"
sed 's/0.0.0.0:8080/0.0.0.0:80800/' "$config" >"$bad"
check "a port that cannot be" fails 2 "$bad:2" "$rackstrap" check-config -c "$bad"
check "a port in use" fails 1 8080 within timeout 20 "$rackstrap" serve -c "$config"
sed 's/\[br0\]/[br7]/; s/:8080/:8081/' "$config" >"$bad"
check "an interface that is not there" fails 1 br7 within timeout 20 "$rackstrap" serve -c "$bad"
check "no permission to serve" fails 1 "" within setpriv --reuid 65534 --regid 65534 --clear-groups timeout 20 "$rackstrap" serve -c "$config"
check "no permission to read the store" fails 1 "$state" setpriv --reuid 65533 --regid 65533 --clear-groups "$rackstrap" import -c "$config" "$inventory"
sed "s|^state_dir: .*|state_dir: $work/nowhere|" "$config" >"$bad"
check "a state folder that is not there" fails 1 "$work/nowhere" "$rackstrap" import -c "$bad" "$inventory"

# A full state folder: a file system of 1 MiB with a file that leaves nothing.
mkdir "$work/full"
mount -t tmpfs -o size=1m none "$work/full"
sed "s|^state_dir: .*|state_dir: $work/full|" "$config" >"$bad"
head -c 2M /dev/zero >"$work/full/ballast" 2>/dev/null
check "a full state folder" fails 1 "" "$rackstrap" import -c "$bad" "$inventory"
rm "$work/full/ballast"
sed '/image:/d' "$inventory" >"$work/bare.yaml"
check "with room again it works" "$rackstrap" import -c "$bad" "$work/bare.yaml"
umount "$work/full"

standin_up 5 52:54:00:00:00:55
ip -n "$namespace-m5" address add 10.77.0.55/24 dev eth0
for seed in 1 2 3; do
    check "noise $seed" on 5 /usr/bin/python3 "$top/tests/tools/standin.py" noise --seed $seed --count 2000 --server "$server_ip"
done
check "the server lives" kill -0 "$server_pid"
check "none of its processes has crashed" has_not "$(cat "$work/serve.log")" "signal"
check "the inventory is as it was" is "$(rs device list --json | json "[0]['name']")" hv-01
standin_up 1
blank_disk 1
check "a machine boots, and is installed" machine 1
check "it is written" wait_state hv-01 installed 10
exit $((failures > 0))
