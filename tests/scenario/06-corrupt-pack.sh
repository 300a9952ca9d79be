#!/bin/bash
# A flipped byte in the pack: the agent refuses the frame and says which, the device is failed(image-corrupt), its disk does not
# boot, and nothing else stops.
# shellcheck source=tests/scenario/lib.sh
. "$(dirname "$0")/lib.sh"
begin corrupt-pack
lab_up
write_config
small_releases red blue
write_inventory red 1
write_inventory_more() { # hv-02 with the other image
    sed 's/hv-01/hv-02/; s/00:01"/00:02"/; s/10.77.0.11/10.77.0.12/; s/image: red/image: blue/; /^sites/d; /^devices/d' "$inventory" >"$work/more"
    cat "$work/more" >>"$inventory"
}
write_inventory_more
server_start
check "import" rs import "$inventory"
digest=$(rs image show red --json | json "['digest']")
pack=$state/images/$digest/pack
at=$(($(stat -c %s "$pack") / 2))
byte=$(od -An -tu1 -j $at -N 1 "$pack" | tr -d ' ')
/usr/bin/python3 -c 'import sys; sys.stdout.buffer.write(bytes([int(sys.argv[1])]))' $((byte ^ 1)) | dd of="$pack" bs=1 seek=$at conv=notrunc status=none

standin_up 1
standin_up 2
blank_disk 1
blank_disk 2
check "power on" boot 1 --uuid "$uuid1"
check "the agent refuses" fails 1 "" agent_install 1
check "and says which frame" grep -q "frame [0-9]" "$work/agent-1.log"
check "the device has failed" is "$(device hv-01 state)" failed
check "with its reason" is "$(device hv-01 reason)" image-corrupt
check "the journal says which frame" has "$(events hv-01)" "frame"
check "the disk does not boot" not_bootable "$work/disk-1.raw"
check "another power-on does not install what has failed" boot 1 --uuid "$uuid1"
check "no install" test "$(booted 1 action)" != install
check "another machine is installed meanwhile" machine 2
check "its device is written" wait_state hv-02 installed 10
check "with its image" is "$(root_cat "$work/disk-2.raw" /etc/which)" blue
exit $((failures > 0))
