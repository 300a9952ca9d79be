#!/bin/bash
# The server is killed with -9 during an install, all its processes at once, and started again: the install completes; no
# acknowledged lease, state or journal entry is lost.
# shellcheck source=tests/scenario/lib.sh
. "$(dirname "$0")/lib.sh"
begin server-killed
rack_of_one
standin_up 2 52:54:00:00:00:99
blank_disk 1
check "a stranger takes an address of the pool" boot 2 --uuid "$(standin_uuid 2)"
check "power on" boot 1 --uuid "$uuid1"
check "half of it is written" half_install 1
leases=$(rs lease list --json)
journal=$(events)
check "there are leases" has "$leases" "$(booted 2 address)"
server_kill
check "all leases are there when it is dead" is "$(rs lease list --json)" "$leases"
check "and the journal" is "$(events | head -c ${#journal})" "$journal"
check "and the state" is "$(device hv-01 state)" installing
sleep 2
check "the installer waits" test -n "$(agents_of 1)"
server_start
fast 1
check "the install completes" wait "$install_pid"
check "it is written" wait_state hv-01 installed 20
check "its root is whole" is "$(root_cat "$work/disk-1.raw" /srv/data | sha256sum)" "$(root_cat "$work/red.raw" /srv/data | sha256sum)"
check "one claim in the journal" is "$(count_events hv-01 claimed)" 1
address=$(booted 2 address)
check "the stranger asks again" boot 2 --uuid "$(standin_uuid 2)"
check "and has the address it had" is "$(booted 2 address)" "$address"
server_kill
server_start
check "the next boot is from the disk" machine 1
check "no second install" is "$(booted 1 action)" local
exit $((failures > 0))
