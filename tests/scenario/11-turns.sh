#!/bin/bash
# One machine may be written at a time, by two workers that share no memory: the others wait for their turn, are told their place, keep
# it when the server is killed, and are written in the order in which they asked. One that crashes while it is written makes place
# after a minute.
# shellcheck source=tests/scenario/lib.sh
. "$(dirname "$0")/lib.sh"
begin turns
lab_up
write_config
sed -i 's/^http: {/http: {max_streams: 1, workers: 2, /' "$config"
small_releases red
write_inventory red 3
server_start
check "import" rs import "$inventory"
for n in 1 2 3; do
    standin_up $n
    blank_disk $n
    check "machine $n: power on" boot $n --uuid "$(standin_uuid $n)"
done

said() { # NUMBER WORDS: on the console of that machine. It says its place anew each minute, and how long it takes once that is known.
    local deadline=$((SECONDS + 150))
    until grep -q "$2" "$work/agent-$1.log" 2>/dev/null; do
        [ $SECONDS -lt $deadline ] || { tail -n 5 "$work/agent-$1.log"; return 1; }
        sleep 0.1
    done
}
place() { rs device show "hv-0$1" --json | json "['wait']"; } # NUMBER
claims() { events --json | /usr/bin/python3 -c '
import json, sys
print(*(j["device"] for j in map(json.loads, sys.stdin) if j["event"] == "claimed"))'; }
untouched() { cmp "$work/disk-$1.raw" <(head -c 96M /dev/zero); }

check "machine 1: half of it is written" half_install 1
first=$install_pid
slow 1 1mbit # the others have all the time that they need
agent_install 2 &
second=$!
check "machine 2: its console says that it waits" said 2 "waiting for our turn: place 1 of 1, about "
agent_install 3 &
third=$!
check "machine 3: waits behind it" said 3 "waiting for our turn: place 2 of 2, about "
check "its timeline says so" has "$(events hv-03)" "waiting-turn"
check "with place and time left" has "$(events hv-03)" "place 2 of 2, about "
check "and so does the device" has "$(place 3)" "'place': 2, 'of': 2, 'seconds': "
check "the one that is written waits for nothing" is "$(place 1)" ""
check "machine 2 has not been touched" untouched 2
server_kill
server_start
sleep 3 # machine 3 asks before machine 2 does, or not: the order stays
check "after a restart, machine 3 keeps its place" has "$(place 3)" "'place': 2"
check "and the one that is written goes on" test -n "$(agents_of 1)"
fast 1
check "machine 1: is installed" wait $first
check "machine 2: is installed" wait $second
check "machine 3: is installed" wait $third
check "in the order in which they asked" is "$(claims)" "hv-01 hv-02 hv-03"
check "each has its image" is "$(root_cat "$work/disk-3.raw" /etc/which)" red
check "nobody waits any more" is "$(place 3)" ""

: >"$work/agent-2.log"
check "two are armed again" rs assign hv-01,hv-02 red
for n in 1 2; do
    blank_disk $n
    check "machine $n: power on" boot $n --uuid "$(standin_uuid $n)"
done
check "machine 1: half of it is written" half_install 1
agent_install 2 &
second=$!
check "machine 2: waits" said 2 "waiting for our turn: place 1 of 1"
kill_agent 1
crashed=$SECONDS
check "machine 2: gets the place of the one that crashed" wait $second
check "after a minute of silence" test $((SECONDS - crashed)) -ge 50
fast 1
check "machine 1: comes back" boot 1 --uuid "$(standin_uuid 1)"
check "and is written after all" agent_install 1
exit $((failures > 0))
