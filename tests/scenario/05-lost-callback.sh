#!/bin/bash
# The installer's last callback is lost: no second install. Twice: once the machine comes back to the network and its installer finds
# the disk complete; once it boots its disk at once, and the first boot's token proves that it was written.
# shellcheck source=tests/scenario/lib.sh
. "$(dirname "$0")/lib.sh"
begin lost-callback
lab_up
write_config
small_releases red
write_inventory red 2
server_start
check "import" rs import "$inventory"

# An install through a proxy that swallows the last call; the power goes once the disk is complete.
install_unheard() { # NUMBER
    local _
    on "$1" /usr/bin/python3 "$top/tests/tools/lossy_proxy.py" --to "$server_ip:$http_port" --drop /agent/v1/written \
        >"$work/proxy-$1.log" 2>&1 &
    for _ in $(seq 50); do
        grep -q listening "$work/proxy-$1.log" && break
        sleep 0.1
    done
    agent_install "$1" http://127.0.0.1:9000 &
    install_pid=$!
    for _ in $(seq 300); do
        grep -q dropped "$work/proxy-$1.log" && break
        sleep 0.1
    done
    kill_agent "$1"
    grep -q dropped "$work/proxy-$1.log" || { echo "the last call was never made: $(tail -n 3 "$work/agent-$1.log")"; return 1; }
}

for n in 1 2; do
    standin_up $n
    blank_disk $n
    check "machine $n: power on" boot $n --uuid "$(standin_uuid $n)"
    check "machine $n: installs, and nobody hears of the end" install_unheard $n
    check "machine $n: the disk is complete" bootable "$work/disk-$n.raw"
    check "machine $n: the server does not know" is "$(device hv-0$n state)" installing
done

before=$(sha256sum <"$work/disk-1.raw")
check "machine 1: comes back by the network" machine 1
check "machine 1: nothing was written" is "$(sha256sum <"$work/disk-1.raw")" "$before"
check "machine 1: is written now" wait_state hv-01 installed 10
check "machine 1: boots from its disk then" machine 1
check "machine 1: no install" is "$(booted 1 action)" local

check "machine 2: its first boot from the disk" first_boot 2
before=$(sha256sum <"$work/disk-2.raw")
check "machine 2: is ready" wait_state hv-02 ready 10
check "machine 2: boots from its disk when it comes by the network" machine 2
check "machine 2: no install" is "$(booted 2 action)" local
check "machine 2: nothing was written" is "$(sha256sum <"$work/disk-2.raw")" "$before"
exit $((failures > 0))
