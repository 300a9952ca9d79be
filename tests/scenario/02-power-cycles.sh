#!/bin/bash
# Ten power cycles without a change of assignment: the disk is never written again, the machine boots from it.
# shellcheck source=tests/scenario/lib.sh
. "$(dirname "$0")/lib.sh"
begin power-cycles
rack_of_one
blank_disk 1
check "the machine is installed" machine 1
check "it is written" wait_state hv-01 installed 10
check "the image's root is on the disk" is "$(root_cat "$work/disk-1.raw" /etc/which)" red
before=$(sha256sum <"$work/disk-1.raw")
written() { is "$(sha256sum <"$work/disk-1.raw")" "$before"; }
for n in 1 2 3; do
    check "cycle $n, before its first boot: a machine that was installed boots from its disk" machine 1
    check "cycle $n: no install" is "$(booted 1 action)" local
done
check "the disk is as it was" written
check "first boot" first_boot 1
before=$(sha256sum <"$work/disk-1.raw")
check "it is ready" wait_state hv-01 ready 10
check "its SSH host keys are shown" has "$(rs device show hv-01)" "ssh-ed25519 "
for n in 4 5 6 7 8 9 10; do
    check "cycle $n" machine 1
    check "cycle $n: no install" is "$(booted 1 action)" local
    check "cycle $n: no token in the script" has_not "$(booted 1 script)" rackstrap.token
    [ $n != 7 ] || { server_kill; server_start; } # nor does a server that was restarted change its mind
done
check "UEFI: no install either" boot 1 --arch uefi --uuid "$uuid1"
check "UEFI: from its disk" is "$(booted 1 action)" local
check "the same import again arms nothing" rs import "$inventory"
check "and the machine boots from its disk" machine 1
check "still no install" is "$(booted 1 action)" local
check "the disk is as it was" written
check "one claim in the journal" is "$(count_events hv-01 claimed)" 1
check "still ready" is "$(device hv-01 state)" ready
exit $((failures > 0))
