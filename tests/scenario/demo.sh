#!/bin/bash
# demo.sh [bios|uefi]: a blank machine boots from the network, has its image written and enrols with a real Salt master, while its
# timeline is shown. What `make demo` runs once everything is built. Leaves nothing running; the image is kept for the next time.
set -u
# shellcheck source=tests/scenario/lib.sh
. "$(dirname "$0")/lib.sh"

firmware=${1:-${FIRMWARE:-bios}}
recipe=${RECIPE:-$top/recipes/demo.yaml}
limit=${LIMIT:-480}

case $firmware in
    bios | uefi) ;;
    *) echo "the firmware is bios or uefi, not \"$firmware\"" >&2; exit 2 ;;
esac
begin "demo-$firmware"
steps=()
began=$SECONDS

step() { # SENTENCE COMMAND...: says it, does it, keeps how long it took
    local what=$1 at=$SECONDS
    shift
    printf '\n== %s\n' "$what"
    "$@" || die "$what: failed"
    steps+=("$((SECONDS - at)) $what")
}

follow() { # the timeline, until the device is ready or has failed
    "$rackstrap" events -f hv-01 -c "$config" & # the program itself, not a shell around it
    local follower=$! verdict code
    verdict=$(wait_state hv-01 ready "$limit")
    code=$?
    sleep 1
    kill "$follower" 2>/dev/null
    wait "$follower" 2>/dev/null
    [ $code = 0 ] || echo "$verdict"
    return $code
}
prepare() {
    demo_state "$recipe"
    take_state "$cache"
}
configure() {
    write_config "$(salt_config)"
    write_inventory "$(rs image list --json | json "[0]['image']")"
    rs check-config && sed 's/^/    /' "$inventory"
}
salt() { "$salt_tools/master.sh" exec "$work/salt" "$@"; }
answers() {
    printf '$ salt hv-01 test.ping\n'
    salt salt hv-01 test.ping || return 1
    printf '$ salt hv-01 grains.item osfinger id\n'
    salt salt hv-01 grains.item osfinger id
}

step "Salt: a virtual environment with the master" "$salt_tools/make-venv.sh"
step "the installer and the image $(basename "$recipe" .yaml) (kept for the next time)" prepare
step "the lab: a network namespace, a bridge, one $firmware machine with a blank disk, switched off" lab_up --hosts 1 --firmware "$firmware"
step "a Salt master with salt-api, in the lab" "$salt_tools/master.sh" start "$work/salt" --address "$server_ip" --netns "$namespace"
step "configuration and inventory" configure
step "rackstrap serve, in the lab" server_start
step "rackstrap import" rs import "$inventory"
step "power on" power on hv-01
step "from power-on to ready" follow
step "what Salt says" answers

printf '\nhv-01 is ready.\n'
printf '\n== the timeline, with the time that each step took\n'
events hv-01 --json | "$top/tests/tools/steps.py"
printf '\n== the whole command\n'
for line in "${steps[@]}"; do
    printf '%6s s  %s\n' "${line%% *}" "${line#* }"
done
printf '%6s s  in all\n' "$((SECONDS - began))"
