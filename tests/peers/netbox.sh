#!/bin/bash
# A real NetBox (PyPI's, with PostgreSQL and Redis) drives the inventory: it is filled with 500 devices through its API and brought in; what is
# changed there is in the next DHCP answer, by webhook and by poll; while it is away machines boot on; when it hides devices the sync stops and
# asks; a stand-in and a machine in QEMU are installed from it, and it is told so. $QEMU=no leaves the machine out; $DEVICES, 40 or more, takes
# fewer than 500.
# Exits 77 with a sentence where the machine cannot have a NetBox.
# shellcheck source=tests/scenario/lib.sh
. "$(dirname "$0")/../scenario/lib.sh"
begin netbox
netbox_tools=$top/tests/tools/netbox
nb=$work/nb
recipe=${RECIPE:-$top/recipes/demo.yaml}
demo=$(sed -n 's/^name: *//p' "$recipe")
devices=${DEVICES:-500}

end() {
    local code=$?
    "$netbox_tools/instance.sh" stop "$nb" >/dev/null 2>&1
    cp "$nb"/log/* "$work/" 2>/dev/null
    (exit $code)
    finish
}
trap end EXIT

netbox() { within /usr/bin/python3 "$top/tests/peers/netbox_peer.py" "$nb" "$@"; }
instance() { "$netbox_tools/instance.sh" "$@"; }
rsn() { ip netns exec "$namespace" "$rackstrap" "$@" -c "$config"; } # as rs, where NetBox is
standing() { rsn sync netbox --status --json | json "['$1']"; }
took() { echo "# $1: $((SECONDS - $2)) s" >&3; }

netbox_config() { # INTERVAL [webhook]
    cat <<END
enrol: {driver: none}
wipe_limit: 2
netbox:
  url: http://127.0.0.1:8001
  token_file: $work/netbox.token
  interval: $1
${2:+  webhook_secret_file: $work/webhook.secret}
  write: {status: true, journal: true, release_field: installed_release, hardware_field: hardware}
${2:+api: {listen: "127.0.0.1:8081"\}}
END
}
address_of() { # NUMBER: what DHCP gives to the stand-in
    on "$1" /usr/bin/python3 "$top/tests/tools/standin.py" dhcp 2>/dev/null | json "['address']" 2>/dev/null
}
until_is() { # SECONDS WANTED COMMAND...
    local deadline=$((SECONDS + $1)) wanted=$2 now
    shift 2
    while now=$("$@" 2>&1); [ "$now" != "$wanted" ]; do
        [ "$SECONDS" -lt "$deadline" ] || { echo "$* is \"$now\" after all, not \"$wanted\""; return 1; }
        sleep 0.2
    done
}
until_has() { # SECONDS WANTED COMMAND...
    local deadline=$((SECONDS + $1)) wanted=$2 now
    shift 2
    while now=$("$@" 2>&1); [[ $now != *"$wanted"* ]]; do
        [ "$SECONDS" -lt "$deadline" ] || { echo "no \"$wanted\" in \"$now\""; return 1; }
        sleep 0.3
    done
}
sync_now() { # OPTIONS...: after the one that courier may be at
    local _ out code
    for _ in $(seq 100); do
        out=$(rsn sync netbox --once "$@" 2>&1)
        code=$?
        [[ $out == *"another sync is under way"* ]] || break
        sleep 0.3
    done
    echo "$out"
    return $code
}
synced_since() { # MILLISECONDS
    [ "$(date -d "$(standing success)" +%s%3N || echo 0)" -gt "$1" ] && echo yes
}
armed() { rs device list --json state=armed | /usr/bin/python3 -c 'import json, sys; print(len(json.load(sys.stdin)))'; }
known() { rs device list --json | /usr/bin/python3 -c 'import json, sys; print(len(json.load(sys.stdin)))'; }
same_as_netbox() { rs device list --json >"$work/list.json" && netbox compare "$work/list.json"; }

# --- a NetBox, and what is in it ---

lab_up --hosts 1
began=$SECONDS
instance start "$nb" --netns "$namespace" >"$work/instance.log" 2>&1
case $? in
0) ;;
77) skip "$(tail -n 1 "$work/instance.log")" ;;
*) die "no NetBox: $(tail -n 3 "$work/instance.log")" ;;
esac
took "NetBox $(sed -n 's/^netbox==//p' "$netbox_tools/requirements.txt") is up" $began
began=$SECONDS
check "filled through its API" within /usr/bin/python3 "$netbox_tools/fill.py" http://127.0.0.1:8001 "$nb/token.v2" "$devices" red blue
third_image=$demo
if [ "${QEMU:-yes}" = yes ]; then
    "$top/tests/tools/salt/fetch-wheels.sh" "$top/build/salt-wheels" || die "Salt's wheels, which $recipe has in it, were not fetched"
    keep_raw=yes demo_state "$recipe"
    take_state "$cache"
else
    third_image=
    write_config "$(netbox_config 60s)"
    small_releases
fi
check "the lab's devices" netbox lab "$third_image" red ""
took "filled with $devices devices" $began
cp "$nb/user.v1" "$work/netbox.token"
echo "a secret of the webhook" >"$work/webhook.secret"
chmod 600 "$work/netbox.token" "$work/webhook.secret"
write_config "$(netbox_config 2s)"
for word in red blue; do
    small_disk "$work/$word.raw" "$word"
    rs image frame "$word" "$work/$word.raw" >>"$work/frame.log" 2>&1 || die "the release $word was not made: $(tail -n 2 "$work/frame.log")"
done

# --- everything comes in, and nothing is wiped unasked ---

began=$SECONDS
check "sync, with a token of NetBox's first kind" rsn sync netbox --once
took "first sync" $began
check "what NetBox says of $devices devices and their interfaces is here" same_as_netbox
waiting=$(standing waiting)
check "more than wipe_limit are not armed unasked" is "$(armed) $((waiting > 2))" "0 1"
cp "$nb/user.v2" "$work/netbox.token"
check "sync, with one of its second kind" rsn sync netbox --once --count "$waiting"
check "when asked for by their number they are armed" is "$(armed)" "$waiting"
check "lint" eval 'rs lint >"$work/lint.log" 2>&1; [ $? -le 1 ]'
for name in $(netbox faults | grep -v ' '); do
    check "lint tells of $name" has "$(cat "$work/lint.log")" "$name"
done
check "lint says where" has "$(cat "$work/lint.log")" "http://127.0.0.1:8001/"

# --- a change is in the next DHCP answer ---

standin_up 2
server_start
check "a stand-in gets its address from NetBox" until_is 20 10.77.0.12 address_of 2
netbox set hv-02 address=10.77.0.32/24 serial=NEW-02
check "poll: another address" until_is 20 10.77.0.32 address_of 2
check "poll: another serial number" until_is 10 NEW-02 device hv-02 serial
server_stop
write_config "$(netbox_config 1h webhook)"
started=$(date +%s%3N)
server_start
check "webhook set up" netbox webhook http://127.0.0.1:8081/webhook/netbox "$(cat "$work/webhook.secret")"
check "the sync of the start is over" until_is 60 yes synced_since "$started"
netbox set hv-02 address=10.77.0.42/24
began=$SECONDS
check "webhook: another address, though the next poll is an hour away" until_is 30 10.77.0.42 address_of 2
took "from NetBox to the DHCP answer by webhook" $began

# --- machines are installed from it, and it is told ---

if [ -n "$third_image" ]; then
    qemu_began=$SECONDS
    check "a machine in QEMU is switched on" power on hv-01
fi
blank_disk 2
check "the stand-in's network boot and install" machine 2
check "its first boot" first_boot 2
check "ready" wait_state hv-02 ready 60
check "status active in NetBox" until_is 30 active netbox get hv-02 status
check "the release in NetBox" has "$(netbox get hv-02 installed_release)" "red@"
check "the hardware in NetBox" has "$(netbox get hv-02 hardware)" '"disks"'
journal=$(netbox get hv-02 journal)
for step in assigned claimed written ready; do
    check "NetBox's journal: $step" has "$journal" "rackstrap: $step"
done
check "each once" is "$(grep -c 'rackstrap: ready' <<<"$journal")" 1
check "what we wrote comes back by the sync and does nothing" sync_now
check "still ready, one job" is "$(device hv-02 state) $(count_events hv-02 assigned)" "ready 1"
netbox set hv-02 image=blue serial=ACTIVE-02
check "another image and serial number for an active device are read" until_is 30 ACTIVE-02 device hv-02 serial
check "and do not arm it" is "$(device hv-02 state)" ready
netbox set hv-02 status=staged
check "staged: armed" wait_state hv-02 armed 30
check "written back" until_has 30 "rackstrap: assigned" eval 'netbox get hv-02 journal | tail -n 1'

# --- NetBox is away ---

instance stop "$nb" web
check "NetBox away: a machine boots from the last good copy" boot 2
check "its install" is "$(booted 2 action)" install
check "cancel" rs cancel hv-02
check "how old the copy is" has "$(rs device list hv-02 2>&1; rs sync netbox --status)" " old"
check "a sync says that NetBox is away" fails 1 "127.0.0.1" sync_now
instance start "$nb" >"$work/instance.log" 2>&1 || die "NetBox does not come again: $(tail -n 3 "$work/instance.log")"
check "NetBox back: it is told what happened meanwhile" until_has 90 "rackstrap: cancelled" netbox get hv-02 journal

# --- NetBox hides devices ---

before=$(known)
netbox see lyon
check "half of the devices hidden: the sync stops and asks" fails 1 "max_drop" sync_now --full
check "nothing is gone" is "$(known)" "$before"
netbox see none
check "the permission taken away: the sync stops" fails 1 "403" sync_now --full
check "nothing is gone then either" is "$(known)" "$before"
check "machines get answers" is "$(address_of 2)" 10.77.0.42
netbox see all
check "given back: the sync goes on" sync_now --full
check "all as NetBox says" same_as_netbox

# --- and the real machine ---

if [ -n "$third_image" ]; then
    check "the machine in QEMU is ready" wait_state hv-01 ready 600
    took "from power-on to ready, in QEMU" "$qemu_began"
    check "status active in NetBox" until_is 60 active netbox get hv-01 status
    check "its release in NetBox" has "$(netbox get hv-01 installed_release)" "$demo@"
    check "its hardware in NetBox" has "$(netbox get hv-01 hardware)" '"disks"'
    check "its journal in NetBox" has "$(netbox get hv-01 journal)" "success rackstrap: ready"
fi
exit $((failures > 0))
