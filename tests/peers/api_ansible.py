"""nb_inventory on an API server of ours. Called by api_ansible.sh: URL FULL READ TENANT (tokens) VENV DIR."""
import json
import os
import subprocess
import sys

import pynetbox

url, full, read, tenant, venv, folder = sys.argv[1:7]
nb = pynetbox.api(url, token=full)
failed = 0
runs = 0
PROGRAMS = {"3.13.0": ("ansible-inventory", {}),
            "newest": (venv + "/bin/ansible-inventory", {"ANSIBLE_COLLECTIONS_PATH": venv + "/collections"})}


def fill():
    """Beside web-01, which was imported."""
    sites = {"par1": nb.dcim.sites.get(slug="par1").id, "lon-1": nb.dcim.sites.create(name="London 1", slug="lon-1", time_zone="Europe/London").id}
    floor = nb.dcim.locations.create(name="Floor 1", slug="floor-1", site=sites["par1"])
    room = nb.dcim.locations.create(name="Room A", slug="room-a", site=sites["par1"], parent=floor.id)
    racks = {n: nb.dcim.racks.create(name=n, site=sites["par1"], location=room.id).id for n in ("R01", "R02")}
    maker = nb.dcim.manufacturers.create(name="Dell", slug="dell")
    kind = nb.dcim.device_types.create(manufacturer=maker.id, model="R640", slug="r640")
    roles = {n: nb.dcim.device_roles.create(name=n.title(), slug=n, color="aabbcc").id for n in ("hypervisor", "storage")}
    platform = nb.dcim.platforms.create(name="Debian 12", slug="debian-12")
    ops = nb.tenancy.tenants.create(name="Ops", slug="ops")
    nb.extras.tags.create([{"name": "Blue", "slug": "blue"}, {"name": "Spare", "slug": "spare"}])
    one = nb.dcim.devices.create(name="hv-01", site=sites["par1"], location=room.id, rack=racks["R01"], role=roles["hypervisor"], device_type=kind.id,
                                 tenant=ops.id, platform=platform.id, status="active", serial="S1", asset_tag="A1", tags=[{"slug": "blue"}])
    two = nb.dcim.devices.create(name="hv-02", site=sites["par1"], rack=racks["R02"], role=roles["storage"], device_type=kind.id, status="planned")
    nb.dcim.devices.create(name="spare-01", site=sites["lon-1"], role=roles["hypervisor"], device_type=kind.id, status="staged",
                           tags=[{"slug": "spare"}, {"slug": "blue"}])
    for n, (device, dns) in enumerate([(one, "hv-01.example"), (two, "")], 1):
        eno1, _ = nb.dcim.interfaces.create([dict(device=device.id, name=f, type="10gbase-t") for f in ("eno1", "eno2")])
        nb.dcim.mac_addresses.create(mac_address=f"52:54:00:00:00:0{n}", assigned_object_type="dcim.interface", assigned_object_id=eno1.id)
        ip = nb.ipam.ip_addresses.create(address=f"10.77.0.1{n}/24", assigned_object_type="dcim.interface", assigned_object_id=eno1.id, dns_name=dns)
        device.update({"primary_ip4": ip.id})
    nb.ipam.prefixes.create(prefix="10.77.0.0/24", scope_type="dcim.site", scope_id=sites["par1"])


def ansible(which, options, words=("--list",), secret=None):
    """Its JSON; with a HOME of its own, since the plugin keeps the schema there."""
    global runs
    runs += 1
    program, environment = PROGRAMS[which]
    home = f"{folder}/home-{runs}"
    os.mkdir(home)
    with open(f"{home}/netbox.yml", "w") as f:
        json.dump({"plugin": "netbox.netbox.nb_inventory", "api_endpoint": url, "token": secret or read, "validate_certs": False, **options}, f)
    done = subprocess.run([program, "-i", f"{home}/netbox.yml", *words], cwd=home, capture_output=True, text=True, env={
        **{k: v for k, v in os.environ.items() if not k.startswith("ANSIBLE")}, **environment, "HOME": home, "ANSIBLE_NOCOLOR": "1",
        "ANSIBLE_TRANSFORM_INVALID_GROUP_CHARS": "ignore", "ANSIBLE_INVENTORY_ENABLED": "netbox.netbox.nb_inventory",
        "ANSIBLE_INVENTORY_ANY_UNPARSED_IS_FAILED": "true", "ANSIBLE_DEVEL_WARNING": "false"})
    assert done.returncode == 0, done.stderr[-500:]
    ansible.warnings = done.stderr
    return plain(json.loads(done.stdout))


def differences(a, b, at=""):
    if isinstance(a, dict) and isinstance(b, dict):
        return [d for k in sorted({*a, *b}) for d in differences(a.get(k, "nothing"), b.get(k, "nothing"), f"{at}.{k}")]
    return [] if a == b else [f"{at} is {json.dumps(a)}, not {json.dumps(b)}"]


def equal(a, b):
    assert a == b, "; ".join(differences(a, b))


def plain(v):
    """Newer ones mark each text that came from outside."""
    if isinstance(v, dict):
        return v["__ansible_unsafe"] if "__ansible_unsafe" in v else {k: plain(x) for k, x in v.items()}
    return [plain(x) for x in v] if isinstance(v, list) else v


def groups(listing):
    return {n: sorted(g["hosts"]) for n, g in listing.items() if n != "_meta" and g.get("hosts")}


def children(listing):
    return {n: sorted(g["children"]) for n, g in listing.items() if n not in ("_meta", "all") and g.get("children")}


def summed_up(listing):
    """The hosts' variables, of an interface only what is ours to say."""
    hosts = listing["_meta"]["hostvars"]
    for h in hosts.values():
        if "interfaces" in h:
            h["interfaces"] = [[i["name"], i["mac_address"], i["type"]["value"] if i["type"] else None, i["tags"],
                                [a["address"] for a in i["ip_addresses"]]] for i in h["interfaces"]]
    return hosts


OURS = {"image": None, "state": "idle", "installed_release": None, "installed_at": None, "disk": None, "protected": False}


def host(**more):
    """What every host has, with `plurals`."""
    return {"is_virtual": False, "custom_fields": OURS, "services": [], "regions": [], "site_groups": [], "locations": [], "tags": [],
            "local_context_data": [None], "serial": "", **more}


HOSTS = {
    "hv-01": host(ansible_host="10.77.0.11", primary_ip4="10.77.0.11", dns_name="hv-01.example", sites=["par1"], racks=["R01"], device_roles=["hypervisor"],
                  tenants=["ops"], platforms=["debian-12"], device_types=["r640"], manufacturers=["dell"], status={"value": "active", "label": "Active"},
                  serial="S1", asset_tag="A1", tags=["blue"], locations=["room-a", "floor-1"],
                  interfaces=[["eno1", "52:54:00:00:00:01", "10gbase-t", [], ["10.77.0.11/24"]], ["eno2", None, "10gbase-t", [], []]]),
    "hv-02": host(ansible_host="10.77.0.12", primary_ip4="10.77.0.12", sites=["par1"], racks=["R02"], device_roles=["storage"],
                  device_types=["r640"], manufacturers=["dell"], status={"value": "planned", "label": "Planned"},
                  interfaces=[["eno1", "52:54:00:00:00:02", "10gbase-t", [], ["10.77.0.12/24"]], ["eno2", None, "10gbase-t", [], []]]),
    "spare-01": host(sites=["lon-1"], device_roles=["hypervisor"], device_types=["r640"], manufacturers=["dell"],
                     status={"value": "staged", "label": "Staged"}, tags=["spare", "blue"], interfaces=[]),
    "web-01": host(ansible_host="10.77.0.19", primary_ip4="10.77.0.19", sites=["par1"], device_roles=["web"], tenants=["web"],
                   interfaces=[["eno1", "52:54:00:00:00:09", "other", [], ["10.77.0.19/24"]]]),
}
ALL = sorted(HOSTS)


def options(plurals, **more):
    word = {True: ["sites", "racks", "device_roles", "tenants", "platforms", "tags", "status"],
            False: ["site", "rack", "role", "tenant", "platform", "tag", "status"]}[plurals]
    return {"plurals": plurals, "group_by": word, "interfaces": True, **more}


def want_groups(site, rack, role, tenant, platform, tag, status):
    web = nb.dcim.devices.get(name="web-01").status.value
    want = {site + "_par1": ["hv-01", "hv-02", "web-01"], site + "_lon-1": ["spare-01"], rack + "_R01": ["hv-01"], rack + "_R02": ["hv-02"],
            role + "_hypervisor": ["hv-01", "spare-01"], role + "_storage": ["hv-02"], role + "_web": ["web-01"], tenant + "_ops": ["hv-01"],
            tenant + "_web": ["web-01"], platform + "_debian-12": ["hv-01"], tag + "_blue": ["hv-01", "spare-01"], tag + "_spare": ["spare-01"],
            status + "_active": ["hv-01"], status + "_planned": ["hv-02"], status + "_staged": ["spare-01"]}
    want[status + "_" + web] = sorted(want.get(status + "_" + web, []) + ["web-01"])
    return want


def hosts_wanted(which):
    """HOSTS, with what web-01 has got by import; newer plugins leave out custom fields that are empty."""
    web = nb.dcim.devices.get(name="web-01")
    known = json.loads(json.dumps(HOSTS))
    known["web-01"].update(status={"value": web.status.value, "label": web.status.label})
    if web.device_type:
        known["web-01"].update(device_types=[web.device_type.slug], manufacturers=[web.device_type.manufacturer.slug])
    for h in known.values():
        if which != "3.13.0":
            h["custom_fields"] = {k: v for k, v in OURS.items() if v is not None}
    return known


def everything(which):
    got = ansible(which, options(True, dns_name=True, config_context=True))
    equal(groups(got), want_groups("sites", "racks", "device_roles", "tenants", "platforms", "tags", "status"))
    want = hosts_wanted(which)
    for h in want.values():
        h["config_context"] = [{}]
    found = summed_up(got)
    for h in [*found.values(), *want.values()]:
        h["tags"] = sorted(h["tags"])  # they are in no order
    equal(found, want)


def without_plurals(which):
    got = ansible(which, options(False))
    equal(groups(got), want_groups("site", "rack", "role", "tenant", "platform", "tag", "status"))
    one = got["_meta"]["hostvars"]["hv-01"]
    equal([one[k] for k in ("site", "rack", "role", "tenant", "platform", "device_type", "manufacturer")],
          ["par1", "R01", "hypervisor", "ops", "debian-12", "r640", "dell"])
    assert "config_context" not in one, one


def locations(which):
    got = ansible(which, {"group_by": ["sites", "location"]})
    equal(children(got).get("sites_par1"), ["location_floor-1"])
    equal(children(got).get("location_floor-1"), ["location_room-a"])
    equal(groups(got).get("location_room-a"), ["hv-01"])


def time_zones(which):
    got = ansible(which, {"group_by": ["time_zone"]})
    equal(groups(got).get("time_zone_Europe_London"), ["spare-01"])


def of_hosts(which, wanted, **more):
    equal(sorted(ansible(which, options(True, **more))["_meta"]["hostvars"]), wanted)
    assert "not allowed" not in ansible.warnings and "Warning" not in ansible.warnings, ansible.warnings


def query_filters(which):
    of_hosts(which, ["hv-01", "spare-01"], query_filters=[{"role": "hypervisor"}])
    of_hosts(which, ["hv-01", "hv-02", "web-01"], query_filters=[{"site": "par1"}])
    of_hosts(which, ["hv-01", "hv-02", "spare-01"], query_filters=[{"role": "hypervisor"}, {"role": "storage"}])
    of_hosts(which, ["hv-01"], query_filters=[{"tenant__n": "web"}, {"tenant": "ops"}])


def device_query_filters(which):
    of_hosts(which, ["hv-01", "hv-02", "web-01"], device_query_filters=[{"has_primary_ip": "true"}])
    of_hosts(which, ["hv-02"], device_query_filters=[{"name__isw": "hv-"}, {"status": "planned"}])
    of_hosts(which, ["spare-01"], device_query_filters=[{"tag": "blue"}, {"tag": "spare"}])


def fetch_all_false(which):
    got = ansible(which, options(True, fetch_all=False, dns_name=True, device_query_filters=[{"site": "par1"}]))
    found = summed_up(got)
    equal(sorted(found), ["hv-01", "hv-02", "web-01"])
    equal([found["hv-01"]["interfaces"], found["hv-01"]["dns_name"]], [HOSTS["hv-01"]["interfaces"], "hv-01.example"])
    equal(found["web-01"]["interfaces"], HOSTS["web-01"]["interfaces"])


def host_by_dns_name(which):
    got = ansible(which, {"ansible_host_dns_name": True})
    equal([got["_meta"]["hostvars"][h].get("ansible_host") for h in ALL], ["hv-01.example", "10.77.0.12", None, "10.77.0.19"])


def less_is_asked(which):
    got = ansible(which, {"racks": False, "services": False, "group_by": ["sites"]})
    equal(groups(got)["sites_lon-1"], ["spare-01"])
    assert "racks" not in got["_meta"]["hostvars"]["hv-01"] and "services" not in got["_meta"]["hostvars"]["hv-01"], got


def composed(which):
    got = ansible(which, {"compose": {"where": "site.slug", "image": "custom_fields.image"}, "keyed_groups": [{"key": "status.value", "prefix": "is"}],
                          "groups": {"ready": "custom_fields.state == 'ready'", "idle": "custom_fields.state == 'idle'"}})
    equal([groups(got).get(g) for g in ("is_active", "is_staged", "ready", "idle")], [["hv-01"], ["spare-01"], None, ALL])
    equal(got["_meta"]["hostvars"]["spare-01"]["where"], "lon-1")


def site_data_and_prefixes(which):
    if which == "3.13.0":  # it wants the `site` that prefixes had before NetBox 4.2, of a real NetBox too
        got = ansible(which, {"site_data": True})
    else:
        got = ansible(which, {"site_data": True, "prefixes": True})
        equal([p["prefix"] for p in got["_meta"]["hostvars"]["hv-01"]["sites"][0]["prefixes"]], ["10.77.0.0/24"])
    equal([got["_meta"]["hostvars"][h]["sites"][0]["name"] for h in ("hv-01", "spare-01")], ["Paris 1", "London 1"])


def flattened(which):
    got = ansible(which, {"flatten_custom_fields": True, "config_context": True, "flatten_config_context": True})
    equal([got["_meta"]["hostvars"]["hv-01"][k] for k in ("state", "protected")], ["idle", False])


def bearer(which):
    if which != "3.13.0":
        equal(sorted(ansible(which, {}, secret={"type": "Bearer", "value": read})["_meta"]["hostvars"]), ALL)


def one_tenant_s(which):
    got = ansible(which, options(True), secret=tenant)
    equal(sorted(got["_meta"]["hostvars"]), ["web-01"])
    text = json.dumps(got)
    assert "hv-0" not in text and "ops" not in groups(got), text


def one_host(which):
    equal(ansible(which, {"group_by": ["tenants"]}, ("--host", "hv-01"))["ansible_host"], "10.77.0.11")


CASES = [everything, without_plurals, locations, time_zones, query_filters, device_query_filters, fetch_all_false, host_by_dns_name, less_is_asked, composed,
         site_data_and_prefixes, flattened, bearer, one_tenant_s, one_host]
try:
    fill()
except Exception as e:
    print(f"not ok ansible-fill: {type(e).__name__}: {e}")
    sys.exit(1)
only = sys.argv[7:]
for version in PROGRAMS:
    for f in CASES:
        if only and f.__name__ not in only:
            continue
        name = f"ansible-{version}-{f.__name__.replace('_', '-')}"
        try:
            f(version)
            print(f"ok {name}", flush=True)
        except Exception as e:
            failed = 1
            print(f"not ok {name}: {type(e).__name__}: {str(e)[:1500]}", flush=True)
sys.exit(failed)
