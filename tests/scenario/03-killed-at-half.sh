#!/bin/bash
# The machine loses power at about half of the writing: what is on the disk does not boot by itself; on the next power-on the
# install completes, with a token of its own.
# shellcheck source=tests/scenario/lib.sh
. "$(dirname "$0")/lib.sh"
begin killed-at-half
rack_of_one
blank_disk 1
check "power on" boot 1 --uuid "$uuid1"
check "the script installs" is "$(booted 1 action)" install
first_token=$(booted 1 token)
check "half of it is written" half_install 1
kill_agent 1
check "half a disk does not boot" not_bootable "$work/disk-1.raw"
check "the device is installing" is "$(device hv-01 state)" installing
fast 1
check "power on again" boot 1 --uuid "$uuid1"
check "the script installs again" is "$(booted 1 action)" install
check "with another token" test "$(booted 1 token)" != "$first_token"
check "the install completes" agent_install 1
check "it is written" wait_state hv-01 installed 10
check "the first token is dead" has "$(api 1 POST /agent/v1/claim "$first_token" "{\"uuid\": \"$uuid1\", \"disk\": {\"name\": \"disk-1.raw\", \"size\": 100663296}}")" 401
check "the disk boots" bootable "$work/disk-1.raw"
check "its partition table is whole" has "$(sgdisk -v "$work/disk-1.raw")" "No problems found"
check "its root is whole" is "$(root_cat "$work/disk-1.raw" /srv/data | sha256sum)" "$(root_cat "$work/red.raw" /srv/data | sha256sum)"
check "frames that were there were not fetched again" has "$(tail -n 5 "$work/agent-1.log")" "were there"
check "and then it boots from its disk" machine 1
check "no third install" is "$(booted 1 action)" local
exit $((failures > 0))
