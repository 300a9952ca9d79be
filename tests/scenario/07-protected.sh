#!/bin/bash
# A protected device: assign and import are refused with a clear error, nothing is armed, nothing is written.
# shellcheck source=tests/scenario/lib.sh
. "$(dirname "$0")/lib.sh"
begin protected
lab_up
write_config
small_releases red blue
write_inventory red
server_start
check "import" rs import "$inventory"
standin_up 1
blank_disk 1
check "the machine is installed" machine 1
check "first boot" first_boot 1
check "it is ready" wait_state hv-01 ready 10
check "protect" rs device protect hv-01
check "assign is refused, and says why" fails 1 protected rs assign hv-01 blue
check "a dry run is refused as well" fails 1 protected rs assign hv-01 blue --dry-run
sed -i 's/image: red/image: blue/' "$inventory"
check "import is refused" fails 1 protected rs import "$inventory"
check "the device is as it was" is "$(device hv-01 state)" ready
check "with its image" is "$(device hv-01 assigned)" red
check "why says boot from the disk" has "$(rs why hv-01)" local
check "the machine boots" machine 1
check "from its disk" is "$(booted 1 action)" local
check "unprotect" rs device unprotect hv-01
check "a dry run arms nothing" rs assign hv-01 blue --dry-run
check "still ready" is "$(device hv-01 state)" ready
check "assign" rs assign hv-01 blue
check "is armed" is "$(device hv-01 state)" armed
check "the machine is installed again" machine 1
check "with the other image" is "$(root_cat "$work/disk-1.raw" /etc/which)" blue
check "an image that is not there" fails 1 red rs assign hv-01 gren
check "a device that is not there" fails 1 hv-77 rs assign hv-77 red
exit $((failures > 0))
