#!/usr/bin/env python3
"""A NetBox that is made up: an inventory of any size, the same for the same seed, and every misbehaviour that is asked for.

    fake_netbox.py [--devices N] [--interfaces K] [--seed S] [--port P] [--listen ADDRESS] [--url URL] [--token T]... [--old]

prints `listening URL` and serves until it is ended. In Python: FakeNetBox(devices=100). Objects are not kept but formed when they are
asked for; what a test changes lies over them (`overlay`). It answers as NetBox 4.7 does, for what a client of ours asks: lists with limit,
offset, start, fields, brief, ordering=id, and the filters id, name, device_id, interface_id, last_updated__gte; details; POST, PATCH, DELETE.
--old is the shape before 4.2: no /dcim/mac-addresses/, MAC addresses as a field of interfaces, prefixes with a site instead of a scope.

Misbehaviour, and changes from outside, by requests that NetBox does not know (none needs a token):
    POST /fake/fault    {"fault": NAME, "endpoint": "dcim/devices" (all), "after": 1 (pages answered rightly first), "times": 1 (always)}
    POST /fake/heal     {}
    POST /fake/set      {"endpoint": "dcim/devices", "id": 5, "set": {"name": "x", "status": {"value": "active"}}} or "set": null: deleted
    GET  /fake/log      the requests since the last asking: [{"method", "path", "body", "status"}]
Faults: see FAULTS. They hold for GET unless "method" says another."""
import argparse, bisect, datetime, http.server, json, re, socket, threading, time, urllib.parse

FAULTS = {
    "cut": "half of the answer, then the connection is closed, though Content-Length says the whole",
    "short": "half of the page's rows, though count and next are of the whole",
    "wrong-types": "numbers as strings, strings as numbers, lists as objects, null for an id",
    "redirect": "302 to another host",
    "next-elsewhere": "`next` names another host",
    "endless-next": "`next` is the page itself, for ever",
    "429": "Too Many Requests with Retry-After: 1",
    "500": "NetBox's own JSON of an exception",
    "503": "a proxy's HTML",
    "403": "no permission",
    "401": "a proxy's refusal",
    "400": "NetBox refuses a value",
    "drip": "a byte every 0.2 s",
    "silent": "the connection is taken and nothing ever said (30 s)",
    "closed": "the connection is closed without an answer",
    "empty": "an empty list",
    "html": "200 with a login page",
    "bad-json": "a brace too few",
    "not-a-list": "200 with a JSON object that is no page",
    "duplicates": "each page begins with the row before it",
    "count-lies": "count is ten times what there is",
    "huge": "a string of 64 MiB in the first row",
    "nul": "names with a NUL and control characters",
    "deep": "10,000 nested lists",
}

T0 = "2026-01-01T00:00:00.000000Z"
CHOICES = {"staged": "Staged", "active": "Active", "planned": "Planned", "failed": "Failed", "offline": "Offline", "inventory": "Inventory",
           "decommissioning": "Decommissioning"}


def now():
    return datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def when(text):
    return datetime.datetime.fromisoformat(text.replace(" ", "+").replace("Z", "+00:00"))


def ip(n):
    return f"{n >> 24}.{n >> 16 & 255}.{n >> 8 & 255}.{n & 255}"


class Endpoint:
    """A kind of object: how many there are at first, how the variables of one come from its id, and a template a field."""

    def __init__(self, name, count, variables, fields):
        self.name, self.count, self.variables, self.fields = name, count, variables, fields
        self.overlay = {}      # id -> object, or None: deleted
        self.by_parent = None  # (filter, id of parent -> range of ids): the filters that need no look at every object
        self.templates = {}

    def template(self, wanted):
        """The template of these fields (None: all)."""
        if wanted not in self.templates:
            names = [f for f in self.fields if wanted is None or f in wanted]
            self.templates[wanted] = "{" + ",".join(f'"{f}":{self.fields[f]}' for f in names) + "}"
        return self.templates[wanted]

    def row(self, i, wanted=None):
        if i in self.overlay:
            o = self.overlay[i]
            return json.dumps(o if wanted is None else {k: v for k, v in o.items() if k in wanted}, ensure_ascii=False)
        return self.template(wanted) % self.variables(i)

    def get(self, i):
        if self.overlay.get(i, self) is None or not (i in self.overlay or 0 < i <= self.count):
            return None
        return json.loads(self.row(i))

    def ids(self):
        """Every id, in order. A range where nothing was changed, as slicing one costs nothing."""
        gone = [i for i, o in self.overlay.items() if o is None]
        new = sorted(i for i, o in self.overlay.items() if o is not None and i > self.count)
        if not gone and not new:
            return range(1, self.count + 1)
        return [i for i in range(1, self.count + 1) if i not in set(gone)] + new

    def changed_since(self, t):
        if when(t) <= when(T0):
            return self.ids()
        return sorted(i for i, o in self.overlay.items() if o is not None and when(o["last_updated"]) >= when(t))


class FakeNetBox:
    def __init__(self, devices=100, interfaces=4, seed=1, port=0, listen="127.0.0.1", url=None, tokens=(), old=False):
        self.n, self.k, self.seed, self.old, self.tokens = devices, interfaces, seed, old, set(tokens)
        self.version = "4.1.11" if old else "4.7.2"
        self.log, self.faults, self.lock = [], [], threading.Lock()
        handler = type("Handler", (Handler,), {"fake": self})
        self.httpd = Server((listen, port), handler)
        self.port = self.httpd.server_address[1]
        self.url = url or f"http://{listen}:{self.port}"
        self.base = self.url + "/api"
        self.endpoints = {e.name: e for e in self.make()}
        threading.Thread(target=self.httpd.serve_forever, args=(0.05,), daemon=True).start()

    def stop(self):
        self.httpd.shutdown()
        self.httpd.server_close()

    # ------------------------------------------------------------------ what a test says
    def fault(self, fault, endpoint=None, after=0, times=1 << 30, method="GET"):
        if fault not in FAULTS:
            raise ValueError(f"there is no fault {fault}: there are {', '.join(FAULTS)}")
        with self.lock:
            self.faults.append({"fault": fault, "endpoint": endpoint, "after": after, "times": times, "method": method})

    def heal(self):
        with self.lock:
            self.faults.clear()

    def set(self, endpoint, i, values):
        """Changes, makes (an id that is new) or deletes (None) an object, as somebody would in NetBox."""
        e = self.endpoints[endpoint]
        with self.lock:
            if values is None:
                e.overlay[i] = None
                return None
            o = e.get(i) or {"id": i, "url": f"{self.base}/{endpoint}/{i}/", "custom_fields": {}, "tags": [], "created": now()}
            for key, value in values.items():
                if key == "custom_fields":
                    o[key] = {**(o.get(key) or {}), **value}
                elif key == "status" and isinstance(value, str):
                    o[key] = {"value": value, "label": CHOICES.get(value, value.title())}
                else:
                    o[key] = value
            o["last_updated"] = now()
            e.overlay[i] = o
            return o

    def get(self, endpoint, i):
        with self.lock:
            return self.endpoints[endpoint].get(i)

    def take_log(self):
        with self.lock:
            log, self.log = self.log, []
        return log

    def take_fault(self, method, endpoint):
        with self.lock:
            for f in self.faults:
                if f["method"] != method or (f["endpoint"] and f["endpoint"] != endpoint):
                    continue
                if f["after"] > 0:
                    f["after"] -= 1
                elif f["times"] > 0:
                    f["times"] -= 1
                    return f["fault"]
        return None

    # ------------------------------------------------------------------ the inventory
    def nest(self, path, i, name, slug=None):
        slug = f',"slug":"{slug}"' if slug else ""
        return f'{{"id":{i},"url":"{self.base}/{path}/{i}/","display":"{name}","name":"{name}"{slug},"description":""}}'

    def make(self):
        """Every endpoint. Ids begin with 1. Device i has interfaces (i-1)*k+1 ..., each with the MAC address of the same id; its address is i."""
        n, k, base = self.n, self.k, self.base
        n_sites, n_tenants, n_roles, n_platforms, n_makers, n_types = max(1, n // 2000), 5, 4, 3, 3, 6
        n_racks, n_prefixes, n_tags = max(1, n // 40), n // 1000 + 1, 3
        end = '"owner":null,"comments":"","tags":[],"custom_fields":{},"created":"%s","last_updated":"%s"' % (T0, T0)
        tail = dict(re.findall(r'"(\w+)":(null|""|\[\]|\{\}|"[^"]+")', end))

        def named(path, name, slug, extra=None, upper=None):
            """An endpoint's fields: what all have, and its own."""
            f = {"id": "%(id)d", "url": f'"{base}/{path}/%(id)d/"', "display": name, "name": name}
            if slug:
                f["slug"] = slug
            return {**f, "description": '""', **(extra or {}), **tail}

        def simple(path, count, name, slug, extra=None):
            return Endpoint(path, count, lambda i: {"id": i}, named(path, f'"{name}"', f'"{slug}"', extra))

        sites = [self.nest("dcim/sites", i, f"DC{i}", f"dc{i}") for i in range(1, n_sites + 1)]
        racks = [self.nest("dcim/racks", i, f"R{i:04d}") for i in range(1, n_racks + 1)]
        locations = [self.nest("dcim/locations", i, f"Hall {i}", f"hall-{i}") for i in range(1, n_sites + 1)]
        tenants = [self.nest("tenancy/tenants", i, f"Tenant {i}", f"tenant-{i}") for i in range(1, n_tenants + 1)]
        roles = [self.nest("dcim/device-roles", i, f"Role {i}", f"role-{i}") for i in range(1, n_roles + 1)]
        platforms = [self.nest("dcim/platforms", i, f"Platform {i}", f"platform-{i}") for i in range(1, n_platforms + 1)]
        makers = [self.nest("dcim/manufacturers", i, f"Maker {i}", f"maker-{i}") for i in range(1, n_makers + 1)]
        types = [f'{{"id":{i},"url":"{base}/dcim/device-types/{i}/","display":"Model {i}","manufacturer":{makers[i % n_makers]},'
                 f'"model":"Model {i}","slug":"model-{i}","description":""}}' for i in range(1, n_types + 1)]
        tags = [f'{{"id":{i},"url":"{base}/extras/tags/{i}/","display":"Tag {i}","name":"Tag {i}","slug":"tag-{i}","color":"9e9e9e"}}'
                for i in range(1, n_tags + 1)]
        status = {s: f'{{"value":"{s}","label":"{CHOICES[s]}"}}' for s in CHOICES}
        family = '{"value":4,"label":"IPv4"}'

        def address(i):
            return ip((10 << 24) + (i // 1000) * 1024 + 10 + i % 1000)

        def rack_of(i):
            return (i - 1) // 40 % n_racks

        def site_of_rack(r):  # counted from 0, as racks are here
            return (r * 7 + self.seed) % n_sites

        def device(i):
            r = rack_of(i)
            s = site_of_rack(r)
            a = address(i)
            brief = f'{{"id":{i},"url":"{base}/ipam/ip-addresses/{i}/","display":"{a}/22","family":{family},"address":"{a}/22","description":""}}'
            return {"id": i, "name": f"node{i:06d}", "type": types[i % n_types], "role": roles[i % n_roles], "tenant": tenants[i % n_tenants],
                    "platform": platforms[i % n_platforms], "site": sites[s], "location": locations[s], "rack": racks[r],
                    "position": (i - 1) % 40 + 1, "status": status["active" if i % 10 else "staged"], "ip": brief,
                    "serial": f"S{self.seed}{i:08d}", "tags": tags[i % n_tags], "image": "null" if i % 3 else '"demo"', "k": k}

        def nest_device(d):
            return f'{{"id":{d},"url":"{base}/dcim/devices/{d}/","display":"node{d:06d}","name":"node{d:06d}","description":""}}'

        def mac(i):
            return "02:%02X:%02X:%02X:%02X:%02X" % (self.seed & 255, i >> 24 & 255, i >> 16 & 255, i >> 8 & 255, i & 255)

        def interface(i):
            d, port = (i - 1) // k + 1, (i - 1) % k
            return {"id": i, "name": f"eth{port}", "device": nest_device(d), "mac": mac(i), "ips": 0 if port else 1,
                    "macs": f'{{"id":{i},"url":"{base}/dcim/mac-addresses/{i}/","display":"{mac(i)}","mac_address":"{mac(i)}","description":""}}'}

        def mac_address(i):
            return {"id": i, "mac": mac(i), "interface": nest_interface(i)}

        def nest_interface(i):
            d, port = (i - 1) // k + 1, (i - 1) % k
            return (f'{{"id":{i},"url":"{base}/dcim/interfaces/{i}/","display":"eth{port}","device":{nest_device(d)},"name":"eth{port}",'
                    f'"description":"","cable":null,"_occupied":false}}')

        def ip_address(i):
            j = (i - 1) * k + 1
            return {"id": i, "address": address(i), "interface_id": j, "interface": nest_interface(j), "name": f"node{i:06d}"}

        def prefix(i):
            p = ip((10 << 24) + (i - 1) * 1024)
            return {"id": i, "prefix": p, "gateway": p[:-1] + "1", "site": sites[i % n_sites], "site_id": i % n_sites + 1}

        nulls = ("face latitude longitude parent_device airflow primary_ip6 oob_ip cluster virtual_chassis vc_position vc_priority "
                 "config_template local_context_data")
        device_fields = {
            **named("dcim/devices", '"%(name)s"', None), "device_type": "%(type)s", "role": "%(role)s", "tenant": "%(tenant)s",
            "platform": "%(platform)s", "serial": '"%(serial)s"', "asset_tag": "null", "site": "%(site)s", "location": "%(location)s",
            "rack": "%(rack)s", "position": "%(position)d.0", "status": "%(status)s", "primary_ip": "%(ip)s", "primary_ip4": "%(ip)s",
            **{f: "null" for f in nulls.split()}, "config_context": '{"ntp":["10.0.0.2"]}', "tags": "[%(tags)s]",
            "custom_fields": '{"image":%(image)s,"installed_release":null,"hardware":null}', "interface_count": "%(k)d"}
        interface_nulls = "module parent bridge lag mtu speed mode untagged_vlan vrf cable connected_endpoints"
        interface_fields = {
            **named("dcim/interfaces", '"%(name)s"', None), "device": "%(device)s", "vdcs": "[]", "label": '""',
            "type": '{"value":"10gbase-t","label":"10GBASE-T (10GE)"}', "enabled": "true", **{f: "null" for f in interface_nulls.split()},
            "mac_address": '"%(mac)s"', "mgmt_only": "false", "tagged_vlans": "[]", "link_peers": "[]", "count_ipaddresses": "%(ips)d",
            "count_fhrp_groups": "0", "_occupied": "false"}
        if not self.old:
            interface_fields.update(primary_mac_address="%(macs)s", mac_addresses="[%(macs)s]")
        plain = {"id": "%(id)d", "description": '""', **tail}
        scope = {"site": "%(site)s"} if self.old else {"scope_type": '"dcim.site"', "scope_id": "%(site_id)d", "scope": "%(site)s"}

        def plain_fields(path, display, fields):
            return {"id": "%(id)d", "url": f'"{base}/{path}/%(id)d/"', "display": display, **fields, **{f: v for f, v in plain.items() if f != "id"}}

        endpoints = [
            simple("dcim/sites", n_sites, "DC%(id)d", "dc%(id)d", {"status": status["active"], "region": "null", "group": "null", "tenant": "null",
                                                                   "facility": '""', "time_zone": "null", "prefix_count": "0"}),
            Endpoint("dcim/locations", n_sites, lambda i: {"id": i, "site": sites[i - 1]},
                     named("dcim/locations", '"Hall %(id)d"', '"hall-%(id)d"', {"site": "%(site)s", "parent": "null", "status": status["active"],
                                                                              "tenant": "null", "facility": '""', "_depth": "0"})),
            Endpoint("dcim/racks", n_racks, lambda i: {"id": i, "site": sites[site_of_rack(i - 1)], "location": locations[site_of_rack(i - 1)]},
                     named("dcim/racks", '"R%(id)04d"', None, {"site": "%(site)s", "location": "%(location)s", "tenant": "null", "status": status["active"],
                                                               "role": "null", "serial": '""', "asset_tag": "null", "u_height": "42"})),
            simple("dcim/manufacturers", n_makers, "Maker %(id)d", "maker-%(id)d"),
            Endpoint("dcim/device-types", n_types, lambda i: {"id": i, "maker": makers[i % n_makers]},
                     plain_fields("dcim/device-types", '"Model %(id)d"', {"manufacturer": "%(maker)s", "model": '"Model %(id)d"',
                                                                          "slug": '"model-%(id)d"', "part_number": '""', "u_height": "1.0"})),
            simple("dcim/device-roles", n_roles, "Role %(id)d", "role-%(id)d", {"color": '"9e9e9e"', "vm_role": "true", "parent": "null"}),
            simple("dcim/platforms", n_platforms, "Platform %(id)d", "platform-%(id)d", {"manufacturer": "null", "parent": "null"}),
            Endpoint("dcim/devices", n, device, device_fields),
            Endpoint("dcim/interfaces", n * k, interface, interface_fields),
            Endpoint("ipam/ip-addresses", n, ip_address, plain_fields("ipam/ip-addresses", '"%(address)s/22"', {
                "family": family, "address": '"%(address)s/22"', "vrf": "null", "tenant": "null", "status": status["active"], "role": "null",
                "assigned_object_type": '"dcim.interface"', "assigned_object_id": "%(interface_id)d", "assigned_object": "%(interface)s",
                "nat_inside": "null", "nat_outside": "[]", "dns_name": '"%(name)s.example"'})),
            Endpoint("ipam/prefixes", n_prefixes, prefix, {**plain_fields("ipam/prefixes", '"%(prefix)s/22"', {
                "family": family, "prefix": '"%(prefix)s/22"', "vrf": "null", **scope, "tenant": "null", "vlan": "null",
                "status": status["active"], "role": "null", "is_pool": "false", "mark_utilized": "false", "children": "0", "_depth": "0"}),
                "custom_fields": '{"gateway":"%(gateway)s"}'}),
            simple("tenancy/tenants", n_tenants, "Tenant %(id)d", "tenant-%(id)d", {"group": "null"}),
            simple("extras/tags", n_tags, "Tag %(id)d", "tag-%(id)d", {"color": '"9e9e9e"', "object_types": "[]"}),
            Endpoint("extras/custom-fields", 4, lambda i: {"id": i, "name": ("image", "installed_release", "hardware", "gateway")[i - 1],
                                                           "of": "ipam.prefix" if i == 4 else "dcim.device", "type": "json" if i == 3 else "text"},
                     named("extras/custom-fields", '"%(name)s"', None, {"object_types": '["%(of)s"]', "type": '{"value":"%(type)s","label":""}',
                                                                        "label": '""', "default": "null", "required": "false", "choice_set": "null"})),
        ]
        for empty in ("extras/journal-entries", "extras/config-contexts", "ipam/vrfs", "dcim/regions", "dcim/site-groups", "extras/webhooks",
                      "virtualization/virtual-machines", "core/object-changes"):
            endpoints.append(Endpoint(empty, 0, lambda i: {"id": i}, plain_fields(empty, '""', {})))
        if not self.old:
            endpoints.append(Endpoint("dcim/mac-addresses", n * k, mac_address, plain_fields("dcim/mac-addresses", '"%(mac)s"', {
                "mac_address": '"%(mac)s"', "assigned_object_type": '"dcim.interface"', "assigned_object_id": "%(id)d", "assigned_object": "%(interface)s"})))
        children = {"dcim/interfaces": ("device_id", lambda d: range((d - 1) * k + 1, d * k + 1)),
                    "dcim/mac-addresses": ("device_id", lambda d: range((d - 1) * k + 1, d * k + 1)),
                    "ipam/ip-addresses": ("device_id", lambda d: range(d, d + 1))}
        for e in endpoints:
            e.by_parent = children.get(e.name)
        return endpoints

    # ------------------------------------------------------------------ a list
    def matches(self, e, query):
        """The ids that the filters leave."""
        if "last_updated__gte" in query:
            ids = e.changed_since(query["last_updated__gte"][0])
        else:
            ids = e.ids()
        if "id" in query:
            wanted = {int(v) for v in query["id"]}
            ids = [i for i in sorted(wanted) if e.get(i) is not None and (not isinstance(ids, list) or i in ids)]
        if e.by_parent and e.by_parent[0] in query:
            owned = {i for d in query[e.by_parent[0]] for i in e.by_parent[1](int(d))} | {i for i in e.overlay if i > e.count}
            devices = {int(d) for d in query[e.by_parent[0]]}
            ids = [i for i in sorted(owned) if (o := e.get(i)) is not None and device_of(o) in devices]
        if "name" in query:
            ids = [i for i in ids if e.get(i).get("name") in query["name"]]
        if "slug" in query:
            ids = [i for i in ids if e.get(i).get("slug") in query["slug"]]
        if "assigned_object_id" in query:
            ids = [i for i in ids if str(e.get(i).get("assigned_object_id")) in query["assigned_object_id"]]
        return ids

    def page(self, e, path, query, fault=None):
        """The body of a list."""
        limit, offset = number(query, "limit", 50), number(query, "offset", 0)
        limit = 1000 if limit == 0 or limit > 1000 else limit
        ids = self.matches(e, query)
        if fault == "empty":
            ids = []
        wanted = frozenset(f for v in query["fields"] for f in v.split(",")) if "fields" in query else None
        if wanted is None and query.get("brief"):
            wanted = frozenset(("id", "url", "display", "name", "slug", "model", "manufacturer", "address", "family", "prefix", "mac_address", "description"))
        cursor = number(query, "start", None) if "start" in query and not self.old else None
        if cursor is not None:
            offset = bisect.bisect_left(ids, cursor)
        chosen = ids[offset:offset + limit]
        if fault == "duplicates" and offset:
            chosen = ids[offset - 1:offset - 1 + limit]
        if fault == "short":
            chosen = chosen[:len(chosen) // 2]
        rows = [e.row(i, wanted) for i in chosen]
        if rows and fault in ROW_FAULTS:
            rows = ROW_FAULTS[fault](rows)
        count = len(ids) * 10 if fault == "count-lies" else len(ids)
        if cursor is not None:
            more = offset + limit < count
            after = (ids[offset + limit - 1] if offset + limit <= len(ids) else cursor + limit) + 1
            return ('{"count":null,"next":%s,"previous":null,"results":[%s]}' % (
                self.link(path, query, limit, after if more else None, fault, "start"), ",".join(rows))).encode()
        body = '{"count":%d,"next":%s,"previous":%s,"results":[%s]}' % (
            count, self.link(path, query, limit, offset + limit if offset + limit < count else None, fault),
            self.link(path, query, limit, max(0, offset - limit) if offset else None, None), ",".join(rows))
        return body.encode()

    def link(self, path, query, limit, offset, fault, by="offset"):
        if fault == "endless-next":
            offset = number(query, by, 0)
        if offset is None:
            return "null"
        q = {**query, "limit": [str(limit)], by: [str(offset)]}
        host = "http://elsewhere.example" if fault == "next-elsewhere" else self.url
        return json.dumps(f"{host}{path}?{urllib.parse.urlencode(q, doseq=True)}")


def device_of(o):
    if "device" in o:
        return (o["device"] or {}).get("id")
    return ((o.get("assigned_object") or {}).get("device") or {}).get("id")


def number(query, key, default):
    try:
        return max(0, int(query[key][0]))
    except (KeyError, ValueError):
        return default


def wrong_types(rows):
    out = []
    for n, row in enumerate(rows):
        o = json.loads(row)
        for key in list(o):
            kind = n % 4
            if kind == 0 and isinstance(o[key], str):
                o[key] = 7
            elif kind == 1 and isinstance(o[key], (dict, list)):
                o[key] = "text"
            elif kind == 2 and isinstance(o[key], (int, str)):
                o[key] = {"value": [1]}
            elif kind == 3 and key == "id":
                o[key] = None
        out.append(json.dumps(o))
    return out


def huge(rows):
    o = json.loads(rows[0])
    o["description"] = "x" * (64 << 20)
    return [json.dumps(o)] + rows[1:]


def nul(rows):
    out = []
    for row in rows:
        o = json.loads(row)
        for key in ("name", "display", "slug", "model"):
            if isinstance(o.get(key), str):
                o[key] = o[key][:2] + "\0\r\n\x1b[31m" + o[key][2:]
        out.append(json.dumps(o))
    return out


ROW_FAULTS = {"wrong-types": wrong_types, "huge": huge, "nul": nul, "deep": lambda rows: ["[" * 10000 + "]" * 10000] + rows}

PLAIN_FAULTS = {  # status, type, body, headers
    "redirect": (302, "text/html", b"", {"Location": "http://elsewhere.example/api/dcim/devices/"}),
    "429": (429, "application/json", b'{"detail":"Request was throttled. Expected available in 1 second."}', {"Retry-After": "1"}),
    "500": (500, "application/json", b'{"error":"the database is away","exception":"OperationalError","netbox_version":"4.7.2","python_version":"3.12.1"}', {}),
    "503": (503, "text/html", b"<html><body><h1>503 Service Unavailable</h1></body></html>", {}),
    "403": (403, "application/json", b'{"detail":"You do not have permission to perform this action."}', {}),
    "401": (401, "text/html", b"<html>401</html>", {"WWW-Authenticate": 'Basic realm="proxy"'}),
    "400": (400, "application/json", b'{"custom_fields":["Custom field \'hardware\' does not exist for this object type."]}', {}),
    "html": (200, "text/html", b"<!DOCTYPE html><html><title>Log in</title><form method=post></form></html>", {}),
    "bad-json": (200, "application/json", b'{"count":1,"next":null,"previous":null,"results":[{"id":1}', {}),
    "not-a-list": (200, "application/json", b'{"detail":"soon"}', {}),
}


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64

    def handle_error(self, *args):
        pass  # clients go away in the middle: that is what tests do


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1
    fake = None

    def log_message(self, *args):
        pass

    def send(self, status, body=b"", kind="application/json", headers=None, cut=False):
        self.entry["status"] = status
        self.send_response(status)
        self.send_header("Content-Type", kind)
        if status != 204:
            self.send_header("Content-Length", str(len(body)))
        self.send_header("API-Version", ".".join(self.fake.version.split(".")[:2]))
        self.send_header("X-Request-ID", "00000000-0000-4000-8000-000000000000")
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        if cut:
            self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(body[:len(body) // 2] if cut else body)
        if cut:
            self.close_connection = True

    def answer(self, status, value):
        self.send(status, json.dumps(value).encode())

    def allowed(self):
        if not self.fake.tokens:
            return True
        word, _, token = (self.headers.get("Authorization") or "").partition(" ")
        if not token:
            self.answer(403, {"detail": "Authentication credentials were not provided."})
        elif token in self.fake.tokens and word in (("Bearer", "Token") if token.startswith("nbt_") else ("Token",)):
            return True
        else:
            self.answer(403, {"detail": f"Invalid v{2 if token.startswith('nbt_') else 1} token"})
        return False

    def read_body(self):
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        try:
            return json.loads(body) if body else None
        except ValueError:
            return ValueError

    def serve(self):
        body = self.read_body()
        self.entry = {"method": self.command, "path": self.path, "body": body if body is not ValueError else "not JSON", "status": 0}
        url = urllib.parse.urlsplit(self.path)
        if url.path.startswith("/fake/"):
            return self.control(url.path[6:], body)
        with self.fake.lock:
            self.fake.log.append(self.entry)
        if not url.path.startswith("/api/"):
            return self.send(404, b"<html>Not Found</html>", "text/html")
        if not url.path.endswith("/"):
            if self.command == "GET":
                return self.send(301, b"", "text/html", {"Location": url.path + "/" + ("?" + url.query if url.query else "")})
            return self.send(404, b"<html>Not Found</html>", "text/html")
        parts = url.path[5:].strip("/").split("/")
        name = "/".join(parts[:2])
        fault = self.fake.take_fault(self.command, name)
        if fault in PLAIN_FAULTS:
            status, kind, text, headers = PLAIN_FAULTS[fault]
            return self.send(status, text, kind, headers)
        if fault == "closed":
            self.close_connection = True
            return self.connection.shutdown(socket.SHUT_RDWR)
        if fault == "silent":
            self.close_connection = True
            return time.sleep(30)
        if not self.allowed():
            return None
        if body is ValueError:
            return self.answer(400, {"detail": "JSON parse error - Expecting value: line 1 column 1 (char 0)"})
        if parts == ["status"]:
            return self.answer(200, {"django-version": "6.0.8", "hostname": "fake", "installed_apps": {}, "netbox-version": self.fake.version,
                                     "netbox-full-version": self.fake.version, "plugins": {}, "python-version": "3.12.1", "rq-workers-running": 1})
        e = self.fake.endpoints.get(name)
        if e is None or len(parts) > 3 or (len(parts) == 3 and not parts[2].isdigit()):
            return self.send(404, b"<html>Not Found</html>", "text/html")
        if len(parts) == 2:
            return self.list(e, url, fault, body)
        return self.detail(e, int(parts[2]), body, fault)

    do_GET = do_POST = do_PATCH = do_PUT = do_DELETE = do_HEAD = serve

    def list(self, e, url, fault, body):
        if self.command == "GET":
            page = self.fake.page(e, url.path, urllib.parse.parse_qs(url.query, keep_blank_values=True), fault)
            if fault == "drip":
                return self.drip(page)
            return self.send(200, page, cut=fault == "cut")
        if self.command != "POST" or not isinstance(body, dict):
            return self.answer(405, {"detail": f'Method "{self.command}" not allowed.'})
        with self.fake.lock:
            i = max([e.count] + list(e.overlay)) + 1
        return self.answer(201, self.fake.set(e.name, i, body))

    def detail(self, e, i, body, fault):
        o = self.fake.get(e.name, i)
        if o is None:
            return self.answer(404, {"detail": "No %s matches the given query." % e.name.split("/")[1].rstrip("s").title()})
        if self.command == "GET":
            return self.send(200, json.dumps(o).encode(), cut=fault == "cut")
        if self.command == "DELETE":
            self.fake.set(e.name, i, None)
            return self.send(204)
        if self.command == "PATCH" and isinstance(body, dict):
            unknown = [f for f in body.get("custom_fields") or {} if f not in (o.get("custom_fields") or {})]
            if unknown:
                return self.answer(400, {"custom_fields": [f"Custom field '{f}' does not exist for this object type." for f in unknown]})
            if "status" in body and (not isinstance(body["status"], str) or body["status"] not in CHOICES):
                return self.answer(400, {"status": [f"{body['status']} is not a valid choice."]})
            return self.answer(200, self.fake.set(e.name, i, body))
        return self.answer(405, {"detail": f'Method "{self.command}" not allowed.'})

    def drip(self, page):
        self.entry["status"] = 200
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(page)))
        self.end_headers()
        for b in page:
            self.wfile.write(bytes([b]))
            self.wfile.flush()
            time.sleep(0.2)

    def control(self, what, body):
        fake = self.fake
        if what == "log":
            return self.answer(200, fake.take_log())
        if what == "fault":
            fake.fault(**body)
        elif what == "heal":
            fake.heal()
        elif what == "set":
            fake.set(body["endpoint"], body["id"], body["set"])
        else:
            return self.answer(404, {"detail": what})
        return self.answer(200, {})


def main():
    p = argparse.ArgumentParser()
    p.add_argument("--devices", type=int, default=100)
    p.add_argument("--interfaces", type=int, default=4)
    p.add_argument("--seed", type=int, default=1)
    p.add_argument("--port", type=int, default=0)
    p.add_argument("--listen", default="127.0.0.1")
    p.add_argument("--url", help="what `url` and `next` begin with, where it is not the address listened on")
    p.add_argument("--token", action="append", default=[], help="without one, everybody may everything")
    p.add_argument("--old", action="store_true", help="NetBox before 4.2")
    a = p.parse_args()
    fake = FakeNetBox(a.devices, a.interfaces, a.seed, a.port, a.listen, a.url, a.token, a.old)
    print("listening", fake.url, flush=True)
    threading.Event().wait()


if __name__ == "__main__":
    main()
