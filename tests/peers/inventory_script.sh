#!/bin/bash
# shellcheck disable=SC2317 # called by name
# `rackstrap inventory` as Ansible's inventory script: what ansible-inventory makes of it, whole; no server runs.
set -u
top=$(cd "$(dirname "$0")/../.." && pwd)
rackstrap=${RACKSTRAP:-$top/build/${VARIANT:-release}/rackstrap}
skip() { echo "skipped: $*"; exit 77; }
[ -x "$rackstrap" ] || skip "there is no $rackstrap; run make"
for program in ansible ansible-inventory; do command -v "$program" >/dev/null || skip "there is no $program (package ansible)"; done

dir=$(mktemp -d /tmp/rackstrap-ansible.XXXXXX)
chmod 0755 "$dir"
trap 'rm -rf "$dir"' EXIT
trap 'exit 1' INT TERM
export RACKSTRAP_CONFIG=$dir/rackstrap.yaml HOME=$dir ANSIBLE_NOCOLOR=1 ANSIBLE_TRANSFORM_INVALID_GROUP_CHARS=ignore
unset ANSIBLE_CONFIG ANSIBLE_INVENTORY
cd "$dir" || exit 1
mkdir state
echo "state_dir: $dir/state" >"$RACKSTRAP_CONFIG"
script=$dir/rackstrap-inventory
ln -s "$rackstrap" "$script"
cat >rack.yaml <<'END'
sites: [{slug: par1, name: Paris 1}, {slug: lon-1, name: London 1}]
devices:
  - {name: hv-01, site: par1, rack: r01, role: hypervisor, tenant: ops, platform: debian-12, model: R640, serial: S1, image: debian-12-hypervisor,
     interfaces: [{name: eno1, mac: "52:54:00:00:00:01", address: 10.77.0.11/24, primary: true}, {name: eno2, mac: "52:54:00:00:00:f1", address: 10.78.0.11/24}]}
  - {name: hv-02, site: par1, rack: r02, role: hypervisor, protected: true, interfaces: [{name: eno1, mac: "52:54:00:00:00:02", address: 10.77.0.12/24}]}
  - {name: spare, site: lon-1, interfaces: [{name: eno1, mac: "52:54:00:00:00:03"}]}
END
failed=0
check() { # NAME COMMAND...
    local what=$1 out
    shift
    if out=$("$@" 2>&1); then echo "ok inventory-$what"; else echo "not ok inventory-$what: $(tail -n 3 <<<"$out")"; failed=1; fi
}
says() { # WANTED COMMAND...: these words on standard output and nothing else anywhere
    local want=$1 out
    shift
    out=$("$@" 2>&1)
    [ "$out" = "$want" ] || { echo "it says: $out"; return 1; }
}
listing() { # of ansible-inventory, as it is expected to be
    ansible-inventory -i "$script" --list >list.json 2>list.err || { cat list.err; return 1; }
    [ ! -s list.err ] || { cat list.err; return 1; }
    python3 - <<'END'
import json
j = json.load(open("list.json"))
hosts = j.pop("_meta")["hostvars"]
# Newer ones list the groups' hosts in the order of the script, and add a profile.
groups = {name: sorted(g["hosts"]) for name, g in j.items() if "hosts" in g}
want = {"sites_par1": ["hv-01", "hv-02"], "sites_lon-1": ["spare"], "racks_r01": ["hv-01"], "racks_r02": ["hv-02"],
        "roles_hypervisor": ["hv-01", "hv-02"], "tenants_ops": ["hv-01"], "platforms_debian-12": ["hv-01"],
        "state_idle": ["hv-01", "hv-02", "spare"], "status_planned": ["hv-01", "hv-02", "spare"], "images_debian-12-hypervisor": ["hv-01"]}
assert groups == want, groups
assert sorted(j["all"]["children"]) == sorted([*want, "ungrouped"]), j["all"]
assert sorted(hosts) == ["hv-01", "hv-02", "spare"], hosts
assert {n: h.get("ansible_host") for n, h in hosts.items()} == {"hv-01": "10.77.0.11", "hv-02": "10.77.0.12", "spare": None}, hosts
facts = hosts["hv-01"]["rackstrap"]
assert (facts["site"], facts["rack"], facts["role"], facts["tenant"], facts["platform"], facts["model"], facts["serial"]) == \
    ("par1", "r01", "hypervisor", "ops", "debian-12", "R640", "S1"), facts
assert [i["mac"] for i in facts["interfaces"]] == ["52:54:00:00:00:01", "52:54:00:00:00:f1"], facts
assert (facts["state"], facts["image"], facts["protected"]) == ("idle", "debian-12-hypervisor", False), facts
assert hosts["hv-02"]["rackstrap"]["protected"] is True
END
}
host_is_as_in_the_list() {
    ansible-inventory -i "$script" --list >list.json && "$script" --host hv-01 >host.json || return 1
    python3 -c 'import json
a, b = json.load(open("list.json"))["_meta"]["hostvars"]["hv-01"], json.load(open("host.json"))
assert a == b, (a, b)'
}
ends() { # CODE WORDS COMMAND...: nothing on standard output
    local want=$1 words=$2 out code
    shift 2
    out=$("$@" 2>err)
    code=$?
    [ $code = "$want" ] && [ -z "$out" ] && [[ $(cat err) == *"$words"* ]] || { echo "exit $code: $out$(cat err)"; return 1; }
}
pings() { ansible -i "$script" -c local -e ansible_python_interpreter=/usr/bin/python3 "$1" -m ping -o >ping 2>&1; [ "$(grep -c '"ping": "pong"' ping)" = "$2" ] || { cat ping; return 1; }; }

check empty-store says '{
  "_meta": {
    "hostvars": {}
  },
  "all": {
    "children": [
      "ungrouped"
    ]
  }
}' "$script" --list
check import "$rackstrap" import rack.yaml
check as-ansible-inventory-reads-it listing
check host-is-as-in-the-list host_is_as_in_the_list
check no-such-host says '{}' "$script" --host nobody
check the-command-is-the-same cmp <("$script" --list) <("$rackstrap" inventory)
check selectors says hv-01 python3 -c 'import json, subprocess, sys
print(*json.loads(subprocess.check_output([sys.argv[1], "inventory", "--tenant", "ops"]))["_meta"]["hostvars"])' "$rackstrap"
check ansible-on-a-group pings roles_hypervisor 2
check ansible-on-an-intersection pings 'sites_par1:&racks_r02' 1
check ansible-on-one pings hv-01 1
check both-are-refused ends 2 "which is it" "$script" --list --host hv-01
check unknown-option ends 2 "no option" "$script" --frobnicate
check no-configuration ends 1 "name it with -c" "$script" --list -c "$dir/none.yaml"
exit $failed
