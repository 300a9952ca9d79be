#!/bin/bash
# An unknown MAC address: it gets what the subnet's `unknown` says, is listed, and `why` explains it. Nothing of it is written.
# shellcheck source=tests/scenario/lib.sh
. "$(dirname "$0")/lib.sh"
begin unknown-mac
stranger=52:54:00:00:00:99
lab_up
write_config
small_releases red
write_inventory red
server_start
check "import" rs import "$inventory"
standin_up 9 $stranger
for arch in bios uefi ipxe; do
    check "discover, $arch: boots" boot 9 --arch $arch --uuid "$(standin_uuid 9)"
    check "discover, $arch: looks, and writes nothing" is "$(booted 9 action)" discover
    check "discover, $arch: no token" is "$(booted 9 token)" ""
    check "discover, $arch: an address of the pool" has "$(booted 9 address)" 10.77.0.1
done
check "it is listed" has "$(rs device list --unknown)" $stranger
check "it is listed, as JSON" has "$(rs device list --unknown --json)" $stranger
check "why explains it" has "$(rs why $stranger)" discover
check "its facts are taken" has "$(api 9 POST /agent/v1/discover "" "{\"mac\": \"$stranger\", \"uuid\": \"$(standin_uuid 9)\", \"serial\": \"S9\", \"model\": \"M9\", \"disks\": [], \"interfaces\": []}")" 200
check "a known machine is not among them" has_not "$(rs device list --unknown)" "$mac1"
sed -i "s/hv-01/hv-09/; s/00:01\"/00:99\"/; s/10.77.0.11/10.77.0.19/" "$inventory"
check "into the inventory with it" rs import "$inventory"
check "it is asked to boot again" boot 9 --uuid "$(standin_uuid 9)"
check "and is installed now, with no restart of anything" is "$(booted 9 action)" install
check "with an address of its own" is "$(booted 9 address)" 10.77.0.19
check "it is unknown no longer" has_not "$(rs device list --unknown)" $stranger

server_stop
unknown=ignore write_config
server_start
standin_up 8 52:54:00:00:00:88
check "ignore: boots" boot 8 --uuid "$(standin_uuid 8)"
check "ignore: nothing" is "$(booted 8 action)" none
check "ignore: no token" is "$(booted 8 token)" ""
check "ignore: it is listed" has "$(rs device list --unknown)" 52:54:00:00:00:88
check "ignore: why explains it" has "$(rs why 52:54:00:00:00:88)" ignore
check "why of a MAC never seen" has "$(rs why 52:54:00:00:00:77)" ignore
check "why of no MAC" fails 2 "" rs why not-a-mac
exit $((failures > 0))
