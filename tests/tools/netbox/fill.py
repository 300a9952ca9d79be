#!/usr/bin/env python3
"""Fills an empty NetBox through its REST API with an inventory that is the same each time.

    fill.py URL TOKEN_FILE DEVICES [IMAGE...]

The first DEVICES devices are sound: node0001 ... with four interfaces (from templates of their type), a MAC address on the first two, an
address on the first, which is their primary one, and no image or one of IMAGE (demo, debian-12) by turns. After them come a switch a rack, a device without a name, and `FAULTS`."""
import json, sys, threading, urllib.error, urllib.parse, urllib.request

PER_RACK = 40
PORTS_WITH_MAC = 2
FAULTS = {
    "shared-mac-a": "the MAC address of its interface is on shared-mac-b's too",
    "shared-mac-b": "see shared-mac-a",
    "no-address": "it has no primary address",
    "outside": "its address is in no prefix",
    "twice-a": "its address is twice-b's too",
    "twice-b": "see twice-a",
    "unknown-image": "its image is one that nobody has",
    "no host name!": "its name is none that a host can have",
}


class Refused(Exception):
    def __init__(self, status, body):
        super().__init__(f"{status}: {body[:2000]}")
        self.status, self.body = status, body


class NetBox:
    """The API, in verbs. Keeps nothing but where and who."""

    def __init__(self, url, token):
        self.url, self.token = url.rstrip("/"), token
        self.opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), Still)

    def raw(self, method, path, body=None, headers=None, token=True):
        """status, headers, body as text. What is wrong is an answer too."""
        url = path if path.startswith("http") else f"{self.url}/api/{path}"
        data = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
        r = urllib.request.Request(url, data, method=method, headers={"Accept": "application/json", **(headers or {})})
        if data is not None:
            r.add_header("Content-Type", "application/json")
        if token:
            token = self.token if token is True else token
            r.add_header("Authorization", ("Bearer " if token.startswith("nbt_") else "Token ") + token)
        try:
            with self.opener.open(r, timeout=300) as answer:
                return answer.status, answer.headers, answer.read().decode()
        except urllib.error.HTTPError as e:
            return e.code, e.headers, e.read().decode()

    def call(self, method, path, body=None):
        status, _, text = self.raw(method, path, body)
        if status >= 300:
            raise Refused(status, f"{method} {path}: {text}")
        return json.loads(text) if text else None

    def get(self, path):
        return self.call("GET", path)

    def all(self, path, **query):
        """Every object of a list."""
        url = f"{path}?{urllib.parse.urlencode({'limit': 1000, **query})}"
        out = []
        while url:
            page = self.get(url)
            out += page["results"]
            url = page["next"]
        return out

    def one(self, path, **query):
        found = self.all(path, **query)
        if len(found) != 1:
            raise LookupError(f"{path} {query}: {len(found)}")
        return found[0]

    def post(self, path, body):
        return self.call("POST", path, body)

    def patch(self, path, body):
        return self.call("PATCH", path, body)

    def delete(self, path, body=None):
        return self.call("DELETE", path, body)

    def bulk(self, method, path, rows, size=100, threads=2):
        """Many objects, as many requests at a time as NetBox has workers; in the order of rows."""
        parts = [rows[i:i + size] for i in range(0, len(rows), size)]
        out, wrong = [None] * len(parts), []

        def work(first):
            try:
                for i in range(first, len(parts), threads):
                    out[i] = self.call(method, path, parts[i])
            except Exception as e:  # told by the one who waits
                wrong.append(e)

        pool = [threading.Thread(target=work, args=(i,)) for i in range(threads)]
        for t in pool:
            t.start()
        for t in pool:
            t.join()
        if wrong:
            raise wrong[0]
        return [o for part in out for o in part or []]


class Still(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *args):
        return None


def mac(device, port):
    return "02:5B:00:%02X:%02X:%02X" % (device >> 8, device & 255, port)


def address(device):
    """Two prefixes of a /22, one a site, with the hosts from .0.10 on."""
    return f"10.50.{(device & 1) * 4 + (10 + device // 2) // 256}.{(10 + device // 2) % 256}"


class Filling:
    def __init__(self, nb, images):
        self.nb, self.images, self.ids = nb, [None, *images], {}

    def make(self, path, **values):
        o = self.nb.post(f"{path}/", values)
        self.ids[path, o.get("slug") or o.get("name") or o.get("prefix")] = o["id"]
        return o["id"]

    def catalogue(self):
        """What devices refer to."""
        make = self.make
        for name in ("image", "installed_release"):
            make("extras/custom-fields", name=name, type="text", object_types=["dcim.device"])
        make("extras/custom-fields", name="hardware", type="json", object_types=["dcim.device"], label="Discovered hardware")
        make("extras/custom-fields", name="gateway", type="text", object_types=["ipam.prefix"])
        choices = self.nb.post("extras/custom-field-choice-sets/", {"name": "Teams", "extra_choices": [["red", "Team Red"], ["blue", "Team Blue"]]})
        make("extras/custom-fields", name="team", type="select", object_types=["dcim.device"], choice_set=choices["id"])
        self.tags = [make("extras/tags", name="Compute", slug="compute", color="4caf50"), make("extras/tags", name="Édition «1»", slug="edition-1", color="9e9e9e")]
        region = self.nb.post("dcim/regions/", {"name": "France", "slug": "france"})["id"]
        self.tenants = [make("tenancy/tenants", name="Ops", slug="ops"), make("tenancy/tenants", name="Web & Söhne", slug="web")]
        self.sites = [make("dcim/sites", name="Paris", slug="paris", status="active", region=region, time_zone="Europe/Paris"),
                      make("dcim/sites", name="Lyon", slug="lyon", status="active", tenant=self.tenants[1])]
        self.halls = [make("dcim/locations", name="Hall 1", slug="hall-1", site=self.sites[0], status="active")]
        self.halls.append(make("dcim/locations", name="Row A", slug="row-a", site=self.sites[0], parent=self.halls[0], status="active"))
        self.halls.append(make("dcim/locations", name="Cave", slug="cave", site=self.sites[1], status="active"))
        makers = [make("dcim/manufacturers", name="Dell", slug="dell"), make("dcim/manufacturers", name="Supermicro", slug="supermicro")]
        self.types = [make("dcim/device-types", manufacturer=makers[0], model="R640", slug="r640", u_height=1, part_number="210-AKWU"),
                      make("dcim/device-types", manufacturer=makers[1], model="X11", slug="x11", u_height=1)]
        self.switch_type = make("dcim/device-types", manufacturer=makers[0], model="S5248F", slug="s5248f", u_height=0)
        self.nb.post("dcim/interface-templates/", [{"device_type": t, "name": f"eth{p}", "type": "10gbase-t"} for t in self.types for p in range(4)])
        self.roles = [make("dcim/device-roles", name="Compute", slug="compute", color="4caf50"),
                      make("dcim/device-roles", name="Storage", slug="storage", color="2196f3")]
        self.switch_role = make("dcim/device-roles", name="Switch", slug="switch", color="9e9e9e", vm_role=False)
        self.platforms = [make("dcim/platforms", name="Debian 12", slug="debian-12"), make("dcim/platforms", name="Rocky 9", slug="rocky-9")]
        self.nb.post("extras/config-contexts/", {"name": "time", "weight": 1000, "data": {"ntp": ["10.50.0.2"]}})
        self.nb.post("extras/config-contexts/", {"name": "paris", "weight": 2000, "sites": [self.sites[0]], "data": {"dns": ["10.50.0.3"]}})
        self.prefixes = [make("ipam/prefixes", prefix="10.50.0.0/22", status="active", scope_type="dcim.site", scope_id=self.sites[0], custom_fields={"gateway": "10.50.0.1"}),
                         make("ipam/prefixes", prefix="10.50.4.0/22", status="active", scope_type="dcim.site", scope_id=self.sites[1], custom_fields={"gateway": "10.50.4.1"}),
                         make("ipam/prefixes", prefix="10.50.0.0/16", status="container"),
                         make("ipam/prefixes", prefix="2001:db8:50::/64", status="active", tenant=self.tenants[0])]

    def device(self, name, i, **more):
        """Device i (from 0) of the kind that there are many of."""
        return {"name": name, "device_type": self.types[i % 2], "role": self.roles[i % 2], "site": self.sites[i % 2], "location": self.halls[1 + i % 2],
                "status": "staged" if i % 10 == 0 else "active", **more}

    def machines(self, n):
        per_site = (n + 1) // 2
        racks = {}
        for s in range(2):
            for r in range((per_site + PER_RACK - 1) // PER_RACK):
                racks[s, r] = self.make("dcim/racks", name=f"R{s + 1}{r + 1:02d}", site=self.sites[s], location=self.halls[1 + s], status="active", u_height=48)
        rows = []
        for i in range(n):
            rows.append(self.device(f"node{i + 1:04d}", i, rack=racks[i % 2, i // 2 // PER_RACK], position=i // 2 % PER_RACK + 1, face="front",
                                    tenant=self.tenants[i % 2] if i % 5 else None, platform=self.platforms[i % 2], serial=f"SN{i + 1:06d}",
                                    tags=[self.tags[0]] + ([self.tags[1]] if i % 3 == 0 else []),
                                    custom_fields={"image": self.images[i % len(self.images)], "team": ("red", None)[i % 2]}))
        devices = self.nb.bulk("POST", "dcim/devices/", rows)
        self.addresses(devices, [[mac(i + 1, p) for p in range(PORTS_WITH_MAC)] for i in range(n)], [address(i) + "/22" for i in range(n)])
        switches = [{"name": f"sw-{site}-{r}", "device_type": self.switch_type, "role": self.switch_role, "site": self.sites[site], "location": self.halls[1 + site],
                     "rack": rack, "status": "active"} for (site, r), rack in racks.items()]
        self.nb.bulk("POST", "dcim/devices/", switches + [{k: v for k, v in self.device(None, 0).items() if k != "name"}])

    def addresses(self, devices, macs, addresses, role=None):
        """MAC addresses for the interfaces of each device, the address for its first one, and both said to be the primary ones."""
        ports = {}
        for o in self.nb.all("dcim/interfaces/", fields="id,name,device"):
            ports[o["device"]["id"], o["name"]] = o["id"]
        port = [[ports[d["id"], f"eth{p}"] for p in range(len(m))] for d, m in zip(devices, macs)]
        made = self.nb.bulk("POST", "dcim/mac-addresses/", [{"mac_address": m, "assigned_object_type": "dcim.interface", "assigned_object_id": i}
                                                          for ids, ms in zip(port, macs) for i, m in zip(ids, ms)])
        self.nb.bulk("PATCH", "dcim/interfaces/", [{"id": m["assigned_object_id"], "primary_mac_address": m["id"]} for m in made
                                                   if m["assigned_object"]["name"] == "eth0"])
        made = self.nb.bulk("POST", "ipam/ip-addresses/", [{"address": a, "status": "active", "assigned_object_type": "dcim.interface", "assigned_object_id": ids[0],
                                                          "dns_name": f"{(d['name'] or 'none').replace(' ', '-').strip('!')}.lab.example", **({"role": role} if role else {})}
                                                         for d, ids, a in zip(devices, port, addresses) if a])
        with_address = [d for d, a in zip(devices, addresses) if a]
        self.nb.bulk("PATCH", "dcim/devices/", [{"id": d["id"], "primary_ip4": a["id"]} for d, a in zip(with_address, made)])

    def faults(self, n):
        """What lint has to find."""
        names = list(FAULTS)
        devices = self.nb.bulk("POST", "dcim/devices/", [self.device(name, 1, **({"custom_fields": {"image": "no-such-image"}} if name == "unknown-image" else {}))
                                                       for name in names])
        macs = [[mac(0xf000 if name.startswith("shared") else 0xf000 + k, 0)] for k, name in enumerate(names, 1)]
        hosts = [None if name == "no-address" else "192.0.2.9/32" if name == "outside" else f"10.50.7.{200 + k}/22" for k, name in enumerate(names)]
        plain = [i for i, name in enumerate(names) if not name.startswith("twice")]
        self.addresses([devices[i] for i in plain], [macs[i] for i in plain], [hosts[i] for i in plain])
        # NetBox lets an address be there twice when its role is one that is shared by nature.
        twice = [i for i, name in enumerate(names) if name.startswith("twice")]
        self.addresses([devices[i] for i in twice], [macs[i] for i in twice], ["10.50.7.250/22"] * 2, role="vip")


def fill(nb, n, images=("demo", "debian-12")):
    f = Filling(nb, images)
    f.catalogue()
    f.machines(n)
    f.faults(n)
    return f


if __name__ == "__main__":
    fill(NetBox(sys.argv[1], open(sys.argv[2]).read().strip()), int(sys.argv[3]), sys.argv[4:] or ("demo", "debian-12"))
