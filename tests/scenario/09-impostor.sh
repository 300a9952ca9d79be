#!/bin/bash
# Another machine that presents the MAC address without the token: it gets no secret, and cannot claim the job a second time.
# shellcheck source=tests/scenario/lib.sh
. "$(dirname "$0")/lib.sh"
begin impostor
rack_of_one
blank_disk 1
check "the machine boots" boot 1 --uuid "$uuid1"
token=$(booted 1 token)
check "it has a token" test ${#token} -ge 64
check "half of it is written" half_install 1

# The impostor: the same MAC address on another port, a machine of its own.
liar=$(standin_uuid 66)
disk='{"name": "vda", "serial": "x", "wwn": "", "by_path": "", "model": "", "size": 100663296}'
hello() { printf '{"mac": "%s", "uuid": "%s", "serial": "L", "model": "L", "disks": [%s], "interfaces": []}' $mac1 "$liar" "$disk"; }
standin_up 6 $mac1
ip -n "$namespace-m6" address add 10.77.0.66/24 dev eth0
script() { on 6 curl --noproxy '*' -s -m 10 "$url/boot/$mac1.ipxe?uuid=$1"; }
ip -n "$namespace" link set m1 down
no_token() { has "$1" '#!ipxe' && has_not "$1" rackstrap.token; }
refused() { [[ $1 =~ $'\n'4[0-9][0-9]$ ]] || { echo "it is not refused: $1"; return 1; }; }
check "its script: no token" no_token "$(script "$liar")"
check "its script without a UUID: no token" no_token "$(on 6 curl --noproxy '*' -s -m 10 "$url/boot/$mac1.ipxe")"
check "hello without a token" has "$(api 6 POST /agent/v1/hello "" "$(hello)")" 401
check "hello with an invented token" has "$(api 6 POST /agent/v1/hello "$(head -c 32 /dev/urandom | sha256sum | cut -c 1-64)" "$(hello)")" 401
claim=$(api 6 POST /agent/v1/claim "$token" "{\"uuid\": \"$liar\", \"disk\": $disk}")
check "even with the stolen token: no second claim by another machine" refused "$claim"
check "and no secret in the refusal" has_not "$claim" enrol_token
check "config without a token" has "$(api 6 GET /agent/v1/config "")" 401
check "config with the installer's token" refused "$(api 6 GET /agent/v1/config "$token")"
check "a key without a token" has "$(api 6 POST /agent/v1/enrol "" "{\"minion_id\": \"hv-01\", \"pubkey\": \"$(fake_pubkey)\", \"ssh_host_keys\": []}")" 401
check "NoCloud with an invented token" refused "$(api 6 GET "/nocloud/$(printf 0%.0s $(seq 64))/user-data" "")"
check "written without a token" has "$(api 6 POST /agent/v1/written "" '{"frames_written": 1, "frames_same": 1, "bytes_fetched": 1, "seconds": 1}')" 401
check "discover does not help it" has_not "$(api 6 POST /agent/v1/discover "" "$(hello)")" token
check "the device is installing still" is "$(device hv-01 state)" installing
ip -n "$namespace" link set m6 down
ip -n "$namespace" link set m1 up
fast 1
check "the true machine's install completes" wait "$install_pid"
check "it is written" wait_state hv-01 installed 20
check "one claim in the journal" is "$(count_events hv-01 claimed)" 1
check "the token is spent" refused "$(api 1 POST /agent/v1/claim "$token" "{\"uuid\": \"$uuid1\", \"disk\": $disk}")"
check "no token is in the log" has_not "$(cat "$work/serve.log")" "$token"
check "nor in the journal" has_not "$(events)" "$token"
enrol_token=$(root_cat "$work/disk-1.raw" /var/lib/rackstrap/seed.json | json "['token']")
check "first boot" first_boot 1
check "it is ready" wait_state hv-01 ready 10
check "the enrol token only repeats its first boot: no NoCloud" has "$(api 1 GET "/nocloud/$enrol_token/user-data" "")" 401
check "nor a claim" has "$(api 1 POST /agent/v1/claim "$enrol_token" "{\"uuid\": \"$uuid1\", \"disk\": $disk}")" 401
check "nor another key" has "$(api 1 POST /agent/v1/enrol "$enrol_token" "{\"minion_id\": \"hv-01\", \"pubkey\": \"$(fake_pubkey)\", \"ssh_host_keys\": []}")" 401
check "no enrol token is in the log" has_not "$(cat "$work/serve.log")" "$enrol_token"
exit $((failures > 0))
