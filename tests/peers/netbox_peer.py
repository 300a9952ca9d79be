#!/usr/bin/env python3
"""What netbox.sh does in its NetBox, and how it compares: netbox_peer.py DIR COMMAND..., DIR being the instance's folder (DIR/address,
DIR/token.v2).

    lab IMAGE IMAGE2           the lab's devices, prefix and user (a token of each kind in DIR/user.v1, DIR/user.v2), with no more rights than needed
    webhook URL SECRET         every change of a device, interface, MAC or IP address or prefix goes there
    webhook off
    compare LIST.json          is what `device list --json` said what NetBox says of the sound devices?
    faults                     the names of the devices that lint has to name
    set DEVICE KEY=VALUE...    status, serial, image (a custom field), ...; address=A moves its primary address
    get DEVICE KEY             status, journal, or a custom field
    see all|none|SITE          what the user may see of devices
    prefix-gateway ADDRESS     of the lab's prefix"""
import json, os, re, sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../tools/netbox"))
from fill import FAULTS, NetBox

READ = ["dcim.site", "dcim.region", "dcim.sitegroup", "dcim.location", "dcim.rack", "dcim.manufacturer", "dcim.devicetype", "dcim.devicerole",
        "dcim.platform", "dcim.interface", "dcim.macaddress", "ipam.prefix", "ipam.ipaddress", "ipam.vrf", "tenancy.tenant", "extras.tag",
        "extras.customfield", "extras.customfieldchoiceset", "extras.configcontext"]


def one_device(nb, name):
    return nb.one("dcim/devices/", name=name)


def lab(nb, folder, *images):
    site, role = nb.one("dcim/sites/", slug="paris")["id"], nb.one("dcim/device-roles/", slug="compute")["id"]
    kind = nb.one("dcim/device-types/", slug="r640")["id"]
    nb.post("ipam/prefixes/", {"prefix": "10.77.0.0/24", "status": "active", "scope_type": "dcim.site", "scope_id": site, "custom_fields": {"gateway": "10.77.0.1"}})
    for n, image in enumerate(images, 1):
        d = nb.post("dcim/devices/", {"name": f"hv-{n:02}", "device_type": kind, "role": role, "site": site, "status": "staged", "custom_fields": {"image": image or None}})
        port = nb.one("dcim/interfaces/", device_id=d["id"], name="eth0")["id"]
        m = nb.post("dcim/mac-addresses/", {"mac_address": f"52:54:00:00:00:{n:02x}", "assigned_object_type": "dcim.interface", "assigned_object_id": port})
        nb.patch(f"dcim/interfaces/{port}/", {"primary_mac_address": m["id"]})
        a = nb.post("ipam/ip-addresses/", {"address": f"10.77.0.{10 + n}/24", "assigned_object_type": "dcim.interface", "assigned_object_id": port})
        nb.patch(f"dcim/devices/{d['id']}/", {"primary_ip4": a["id"]})
    user = nb.post("users/users/", {"username": "rackstrap", "password": "a-Password-of-a-test-3"})["id"]
    permit(nb, user, "catalogue", READ, ["view"])
    permit(nb, user, "devices", ["dcim.device"], ["view"])
    permit(nb, user, "write devices", ["dcim.device"], ["change"])
    permit(nb, user, "journal", ["extras.journalentry"], ["add"])
    for version in (1, 2):
        t = nb.post("users/tokens/", {"user": user, "version": version, "write_enabled": True})
        with open(os.open(f"{folder}/user.v{version}", os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as f:
            f.write(t["token"] if version == 1 or t["token"].startswith("nbt_") else f"nbt_{t['key']}.{t['token']}")


def permit(nb, user, name, types, actions):
    nb.post("users/permissions/", {"name": name, "object_types": types, "actions": actions, "users": [user]})


def see(nb, what):
    p = nb.one("users/permissions/", name="devices")["id"]
    nb.patch(f"users/permissions/{p}/", {"enabled": what != "none", "constraints": None if what in ("all", "none") else {"site__slug": what}})


def webhook(nb, url, secret=None):
    if url == "off":
        rule = nb.one("extras/event-rules/", name="rackstrap")
        nb.patch(f"extras/event-rules/{rule['id']}/", {"enabled": False})
        return
    hook = nb.post("extras/webhooks/", {"name": "rackstrap", "payload_url": url, "secret": secret})
    nb.post("extras/event-rules/", {"name": "rackstrap", "action_type": "webhook", "action_object_type": "extras.webhook", "action_object_id": hook["id"],
                                    "event_types": ["object_created", "object_updated", "object_deleted"],
                                    "object_types": ["dcim.device", "dcim.interface", "dcim.macaddress", "ipam.ipaddress", "ipam.prefix"]})


def set_values(nb, name, *pairs):
    d = one_device(nb, name)
    for key, value in (p.split("=", 1) for p in pairs):
        if key == "address":
            nb.patch(f"ipam/ip-addresses/{d['primary_ip4']['id']}/", {"address": value})
        elif key in d["custom_fields"]:
            nb.patch(f"dcim/devices/{d['id']}/", {"custom_fields": {key: value or None}})
        else:
            nb.patch(f"dcim/devices/{d['id']}/", {key: value})


def get_value(nb, name, key):
    d = one_device(nb, name)
    if key == "journal":
        for e in nb.all("extras/journal-entries/", assigned_object_type="dcim.device", assigned_object_id=d["id"], ordering="id"):
            print(e["kind"]["value"], e["comments"])
    elif key in d["custom_fields"]:
        value = d["custom_fields"][key]
        print(value if isinstance(value, str) or value is None else json.dumps(value))
    else:
        print(d[key]["value"] if isinstance(d[key], dict) else d[key])


def word(o, key="slug"):
    return o[key] if o else None


def compare(nb, file):
    """Every sound device is there with all that NetBox says of it; and nobody else."""
    ours = {d["name"]: d for d in json.load(open(file))}
    unsound = set(FAULTS) - {"no-address", "outside", "unknown-image"}
    macs, wrong = {}, []
    for m in nb.all("dcim/mac-addresses/"):
        if m["assigned_object"]:
            macs.setdefault((m["assigned_object"]["device"]["name"], m["assigned_object"]["name"]), set()).add(m["mac_address"].lower())
    wanted = [d for d in nb.all("dcim/devices/") if d["name"] and re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]*", d["name"])]
    for d in wanted:
        got = ours.pop(d["name"], None)
        if d["name"] in unsound:
            continue
        if got is None:
            wrong.append(f"{d['name']} is missing")
            continue
        says = {"site": word(d["site"]), "tenant": word(d["tenant"]), "role": word(d["role"]), "platform": word(d["platform"]), "model": d["device_type"]["model"],
                "serial": d["serial"] or None, "address": word(d["primary_ip4"], "address"), "rack": word(d["rack"], "name")}
        for key, value in says.items():
            have = got[key] if key != "rack" else got[key] and got[key].lower()
            if have != (value.lower() if key == "rack" and value else value):
                wrong.append(f"{d['name']}: {key} is {got[key]}, not {value}")
        for i in got["interfaces"]:
            if i["mac"] not in macs.get((d["name"], i["name"]), ()):
                wrong.append(f"{d['name']}: {i['name']} has the MAC address {i['mac']}, not of {macs.get((d['name'], i['name']))}")
        if {i["name"] for i in got["interfaces"]} != {port for name, port in macs if name == d["name"]}:
            wrong.append(f"{d['name']}: its interfaces are {[i['name'] for i in got['interfaces']]}")
    wrong += [f"{name} is nobody's" for name in ours]
    print(f"{len(wanted)} devices compared")
    if wrong:
        print("\n".join(wrong[:20]))
        sys.exit(1)


def gateway(nb, address):
    p = nb.one("ipam/prefixes/", prefix="10.77.0.0/24")
    nb.patch(f"ipam/prefixes/{p['id']}/", {"custom_fields": {"gateway": address}})


def main():
    folder, command, *rest = sys.argv[1:]
    nb = NetBox(f"http://{open(folder + '/address').read().strip()}:8001", open(folder + "/token.v2").read().strip())
    {"lab": lambda *a: lab(nb, folder, *a), "webhook": lambda *a: webhook(nb, *a), "compare": lambda *a: compare(nb, *a),
     "faults": lambda: print("\n".join(FAULTS)), "set": lambda *a: set_values(nb, *a), "get": lambda *a: get_value(nb, *a),
     "see": lambda *a: see(nb, *a), "prefix-gateway": lambda *a: gateway(nb, *a)}[command](*rest)


if __name__ == "__main__":
    main()
