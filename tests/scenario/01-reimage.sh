#!/bin/bash
# Real machines in QEMU and a real Salt master. A blank machine is installed and enrols; it is power-cycled twice without being written
# again; then it is given another image: that image is there, enrolled again, the old key gone and the new one accepted. In the end
# Ansible reaches it by our inventory. The first machine's firmware is $FIRMWARE (bios).
# shellcheck source=tests/scenario/lib.sh
. "$(dirname "$0")/lib.sh"
firmware=${FIRMWARE:-bios}
begin "reimage-$firmware"
recipe=${RECIPE:-$top/recipes/demo.yaml}
image=$(sed -n 's/^name: *//p' "$recipe")
other_recipe=${OTHER_RECIPE:-$top/recipes/demo-b.yaml}
other=$(sed -n 's/^name: *//p' "$other_recipe")

salt() { timeout 120 "$salt_tools/master.sh" exec "$work/salt" "$@" 2>&1; }
key_of() { sha256sum <"$work/salt/pki/minions/hv-01"; }
answers_within() { # SECONDS: the minion answers the master
    local deadline=$((SECONDS + $1))
    while [ "$SECONDS" -lt "$deadline" ]; do
        [[ $(salt salt -t 5 hv-01 test.ping) == *True* ]] && return 0
    done
    return 1
}
installed() { is "$(device hv-01 installed)" "$1"; }

"$salt_tools/make-venv.sh" >/dev/null || die "no Salt to test with"
keep_raw=yes demo_state "$recipe"
take_state "$cache"
lab_up --hosts 1 --firmware "$firmware"
"$salt_tools/master.sh" start "$work/salt" --address "$server_ip" --netns "$namespace" || die "no Salt master"
ssh_key
write_config "$(salt_config)
hosts: {authorized_keys: [\"$(cat "$work/id.pub")\"]}"
write_inventory "$image"
# The other image is made of the first one's disk, so that it takes no second download.
sed "s|^  disk: .*|  disk: $cache/raw|; s|^  sha256: .*|  sha256: \"$(sha256sum <"$cache/raw" | cut -d' ' -f1)\"|" "$other_recipe" >"$work/other.yaml"
check "a second image, made of the first one's disk" rs image build --agent "$agent" "$work/other.yaml"
server_start
check "import" rs import "$inventory"

began=$SECONDS
check "power on" power on hv-01
check "from power-on to ready" wait_state hv-01 ready 480
echo "# $firmware: from power-on to ready $((SECONDS - began)) s" >&3
check "salt test.ping" has "$(salt salt hv-01 test.ping)" True
check "the image" installed "$image"
old_key=$(key_of)
jobs=$(count_events hv-01 claimed)

for n in 1 2; do
    check "power cycle $n" power cycle hv-01
    sleep 5
    check "power cycle $n: answers again" answers_within 180
    check "power cycle $n: not written again" is "$(count_events hv-01 claimed)" "$jobs"
done

check "assign, dry run" rs assign hv-01 "$other" --dry-run
check "still ready" is "$(device hv-01 state)" ready
check "assign" rs assign hv-01 "$other"
check "armed" is "$(device hv-01 state)" armed
check "power cycle" power cycle hv-01
check "ready again" wait_state hv-01 ready 480
check "the other image" installed "$other"
check "another key is accepted" test "$(key_of)" != "$old_key"
check "one key only" is "$(salt salt-key -l accepted --out json | json "['minions']")" "['hv-01']"
check "none is pending" is "$(find "$work/salt/pki/minions_pre" -type f | wc -l)" 0
check "salt test.ping" has "$(salt salt hv-01 test.ping)" True
if command -v ansible >/dev/null; then
    check "ansible -m ping, by the inventory script and the key that the machine said is its own" ansible_ping hv-01
fi
exit $((failures > 0))
