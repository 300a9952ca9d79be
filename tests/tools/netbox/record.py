#!/usr/bin/env python3
"""record.py URL TOKEN_FILE V1_TOKEN_FILE OUT: writes down what a NetBox that fill.py has filled with 12 devices answers, as the fixtures of
tests/vectors/netbox/VERSION (README.md there). The address becomes http://netbox.example; tokens and the machine's name are replaced."""
import http.server, json, os, re, sys, threading

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from fill import NetBox

HOOK_SECRET = "a secret of the fixtures"

LISTS = {  # endpoint -> query of the page that is kept
    "dcim/sites": "", "dcim/locations": "", "dcim/racks": "", "dcim/manufacturers": "", "dcim/device-types": "", "dcim/device-roles": "",
    "dcim/platforms": "", "dcim/devices": "limit=4", "dcim/interfaces": "limit=5", "dcim/mac-addresses": "limit=5", "ipam/prefixes": "",
    "ipam/ip-addresses": "limit=5", "tenancy/tenants": "", "extras/tags": "", "extras/custom-fields": "", "extras/custom-field-choice-sets": "",
    "extras/config-contexts": "", "dcim/regions": "", "dcim/site-groups": "", "ipam/vrfs": "", "ipam/services": "", "virtualization/virtual-machines": "",
}

DETAILS = ["dcim/devices/1", "dcim/interfaces/1", "dcim/mac-addresses/1", "ipam/ip-addresses/1", "ipam/prefixes/1", "dcim/sites/1", "dcim/racks/1",
           "tenancy/tenants/1", "extras/tags/1", "extras/custom-fields/1", "status", ""]


def questions(nb, v1):
    """(what, method, path, body, token): in this order, as some change what later ones find."""
    dev, full, other = "dcim/devices/", nb.token, nb.token[:-4] + "0000"
    new = {"name": "made", "device_type": 1, "role": 1, "site": 1}
    yield "unknown filter", "GET", dev + "?limit=1&fields=id&no_such_filter=x", None, full
    yield "bad choice in a filter", "GET", dev + "?status=foo", None, full
    yield "bad slug in a filter", "GET", dev + "?site=foo", None, full
    yield "bad id in a filter", "GET", dev + "?site_id=foo", None, full
    yield "id in a filter that there is none of", "GET", dev + "?site_id=999", None, full
    yield "bad number in a filter", "GET", dev + "?id=foo", None, full
    yield "bad boolean in a filter", "GET", dev + "?has_primary_ip=foo&limit=1&fields=id", None, full
    yield "bad MAC address in a filter", "GET", dev + "?mac_address=foo&fields=id", None, full
    yield "MAC address as bare hex in a filter", "GET", dev + "?mac_address=025b00000100&fields=id,name", None, full
    yield "bad time in a filter", "GET", dev + "?last_updated__gte=foo&limit=1", None, full
    yield "bad parent in a filter", "GET", "ipam/ip-addresses/?parent=foo&fields=id", None, full
    yield "bad contains in a filter", "GET", "ipam/prefixes/?contains=foo&fields=id", None, full
    yield "repeated filter", "GET", dev + "?name=node0001&name=node0002&fields=name", None, full
    yield "repeated tag", "GET", dev + "?tag=compute&tag=edition-1&fields=name", None, full
    yield "unknown tag", "GET", dev + "?tag=foo&fields=name", None, full
    yield "filter by custom field", "GET", dev + "?cf_image=demo&fields=name", None, full
    yield "filter with a suffix", "GET", dev + "?name__isw=NODE000&name__n=node0003&fields=name", None, full
    yield "unknown suffix", "GET", dev + "?name__foo=x&limit=1&fields=name", None, full
    yield "search", "GET", dev + "?q=node0003&fields=name", None, full
    yield "limit=0", "GET", "dcim/interfaces/?limit=0&fields=id", None, full
    yield "limit=5000", "GET", dev + "?limit=5000&fields=id", None, full
    yield "limit=-1", "GET", dev + "?limit=-1&fields=id", None, full
    yield "limit=foo", "GET", dev + "?limit=foo&fields=id", None, full
    yield "offset beyond the end", "GET", dev + "?limit=2&offset=500&fields=id", None, full
    yield "offset=-1", "GET", dev + "?limit=2&offset=-1&fields=id", None, full
    yield "a page in the middle", "GET", dev + "?limit=2&offset=3&name__isw=node&fields=id", None, full
    yield "start", "GET", dev + "?limit=2&start=5&fields=id", None, full
    yield "start with offset", "GET", dev + "?limit=2&start=5&offset=1", None, full
    yield "start with ordering", "GET", dev + "?limit=2&start=5&ordering=name", None, full
    yield "ordering", "GET", dev + "?ordering=-name&limit=2&fields=name", None, full
    yield "ordering by two", "GET", dev + "?ordering=status,-name&limit=2&fields=name,status", None, full
    yield "ordering by a bad field", "GET", dev + "?ordering=foo&limit=2&fields=name", None, full
    yield "brief", "GET", dev + "?brief=1&limit=1", None, full
    yield "brief of an interface", "GET", "dcim/interfaces/?brief=1&limit=1", None, full
    yield "brief of an address", "GET", "ipam/ip-addresses/?brief=1&limit=1", None, full
    yield "brief of a prefix", "GET", "ipam/prefixes/?brief=1&limit=1", None, full
    yield "brief of a site", "GET", "dcim/sites/?brief=true&limit=1", None, full
    yield "brief=false", "GET", "dcim/sites/?brief=false&limit=1", None, full
    yield "fields", "GET", dev + "?fields=id,name,no_such_field&limit=1", None, full
    yield "omit", "GET", "extras/tags/?omit=color,url&limit=1", None, full
    yield "exclude=config_context", "GET", dev + "?exclude=config_context&limit=1&fields=id,config_context", None, full
    yield "no slash at the end", "GET", "dcim/devices", None, full
    yield "no slash at the end of a POST", "POST", "dcim/devices", new, full
    yield "no token", "GET", dev + "?limit=1", None, None
    yield "wrong v2 token", "GET", dev + "?limit=1", None, other
    yield "unknown v2 token", "GET", dev + "?limit=1", None, "nbt_aaaaaaaaaaaa." + "a" * 40
    yield "malformed v2 token", "GET", dev + "?limit=1", None, "nbt_foo"
    yield "wrong v1 token", "GET", dev + "?limit=1", None, "0" * 40
    yield "short v1 token", "GET", dev + "?limit=1", None, "0123"
    yield "v1 token", "GET", "extras/tags/?limit=1&fields=id", None, v1
    yield "authentication-check", "GET", "authentication-check/", None, full
    yield "authentication-check without a token", "GET", "authentication-check/", None, None
    yield "status without a token", "GET", "status/", None, None
    yield "root without a token", "GET", "", None, None
    yield "object that there is none of", "GET", dev + "99999/", None, full
    yield "interface that there is none of", "GET", "dcim/interfaces/99999/", None, full
    yield "MAC address that there is none of", "GET", "dcim/mac-addresses/99999/", None, full
    yield "id that is none", "GET", dev + "foo/", None, full
    yield "unknown endpoint", "GET", "dcim/foo/", None, full
    yield "method that is not allowed", "PUT", "status/", {}, full
    yield "PUT on a list", "PUT", dev, {}, full
    yield "PUT on an object, half of it", "PUT", "extras/tags/1/", {"name": "Compute"}, full
    yield "OPTIONS", "OPTIONS", "extras/tags/", None, full
    yield "POST on an object", "POST", "extras/tags/1/", {}, full
    yield "bad JSON", "POST", dev, b'{"name": ', full
    yield "JSON that is no object", "POST", dev, b'"x"', full
    yield "empty body", "POST", dev, b"", full
    yield "missing fields", "POST", dev, {"name": "x"}, full
    yield "bad choice", "POST", dev, {**new, "status": "foo"}, full
    yield "choice as an object", "POST", dev, {**new, "status": {"value": "active"}}, full
    yield "wrong types", "POST", dev, {**new, "name": {"a": 1}, "device_type": "foo", "role": [1], "site": None, "custom_fields": 5, "tags": "x"}, full
    yield "number for a name", "POST", "extras/tags/", {"name": 5, "slug": "five"}, full
    yield "reference that there is none of", "POST", dev, {**new, "site": 999}, full
    yield "reference by attributes", "POST", dev, {**new, "name": "by-attributes", "site": {"slug": "paris"}, "device_type": {"model": "R640"}, "role": {"name": "Compute"}}, full
    yield "reference by attributes that fit none", "POST", dev, {**new, "site": {"slug": "foo"}}, full
    yield "reference by attributes that fit many", "POST", dev, {**new, "site": {"status": "active"}}, full
    yield "reference by a bad attribute", "POST", dev, {**new, "site": {"foo": 1}}, full
    yield "unknown field", "POST", "extras/tags/", {"name": "Unknown", "slug": "unknown", "foo": 1}, full
    yield "bad slug", "POST", "dcim/sites/", {"name": "x", "slug": "a b"}, full
    yield "name too long", "POST", "dcim/sites/", {"name": "x" * 101, "slug": "long"}, full
    yield "duplicate name and slug", "POST", "dcim/sites/", {"name": "Paris", "slug": "paris"}, full
    yield "duplicate device name in a site", "POST", dev, {**new, "name": "node0001"}, full
    yield "duplicate name of an interface", "POST", "dcim/interfaces/", {"device": 1, "name": "eth0", "type": "10gbase-t"}, full
    yield "duplicate MAC address", "POST", "dcim/mac-addresses/", {"mac_address": "02:5b:00:00:01:00", "assigned_object_type": "dcim.interface", "assigned_object_id": 6}, full
    yield "MAC address with dashes", "POST", "dcim/mac-addresses/", {"mac_address": "02-5b-00-00-77-00"}, full
    yield "bad MAC address", "POST", "dcim/mac-addresses/", {"mac_address": "foo"}, full
    yield "duplicate address", "POST", "ipam/ip-addresses/", {"address": "10.50.0.10/22"}, full
    yield "duplicate address with another mask", "POST", "ipam/ip-addresses/", {"address": "10.50.0.10/24"}, full
    yield "address without a mask", "POST", "ipam/ip-addresses/", {"address": "10.50.3.9"}, full
    yield "address of a network", "POST", "ipam/ip-addresses/", {"address": "10.50.0.0/22"}, full
    yield "bad address", "POST", "ipam/ip-addresses/", {"address": "10.50.0.999/22"}, full
    yield "duplicate prefix", "POST", "ipam/prefixes/", {"prefix": "10.50.0.0/22"}, full
    yield "prefix with host bits", "POST", "ipam/prefixes/", {"prefix": "10.60.0.1/24"}, full
    yield "bad prefix", "POST", "ipam/prefixes/", {"prefix": "foo"}, full
    yield "primary address of another device", "PATCH", dev + "2/", {"primary_ip4": 1}, full
    yield "unknown custom field", "PATCH", dev + "1/", {"custom_fields": {"foo": 1}}, full
    yield "custom field of a wrong type", "PATCH", dev + "1/", {"custom_fields": {"image": 5}}, full
    yield "custom field with a bad choice", "PATCH", dev + "1/", {"custom_fields": {"team": "green"}}, full
    yield "PATCH", "PATCH", dev + "1/", {"status": "active", "custom_fields": {"installed_release": "demo-1", "hardware": {"cpus": 2}}}, full
    yield "PATCH with nothing", "PATCH", dev + "1/", {}, full
    yield "rack of another site", "PATCH", dev + "1/", {"rack": 2}, full
    yield "slot of a rack that is taken", "PATCH", dev + "1/", {"position": 2}, full
    yield "tags by slug", "PATCH", dev + "1/", {"tags": [{"slug": "compute"}]}, full
    yield "tags that there are none of", "PATCH", dev + "1/", {"tags": [{"slug": "foo"}]}, full
    yield "bulk create", "POST", "extras/tags/", [{"name": "B1", "slug": "b1"}, {"name": "B2", "slug": "b2"}], full
    yield "bulk create with one bad", "POST", "extras/tags/", [{"name": "B3", "slug": "b3"}, {"name": "B4", "slug": "b 4"}, {"name": "B5"}], full
    yield "bulk create made nothing of it", "GET", "extras/tags/?slug=b3&fields=slug", None, full
    yield "bulk create of none", "POST", "extras/tags/", [], full
    yield "bulk update", "PATCH", "extras/tags/", [{"id": 1, "description": "x"}, {"id": 2, "description": "y"}], full
    yield "bulk update without an id", "PATCH", "extras/tags/", [{"description": "x"}], full
    yield "bulk update of one that there is none of", "PATCH", "extras/tags/", [{"id": 1, "description": "z"}, {"id": 999, "description": "z"}], full
    yield "bulk update with one bad", "PATCH", "extras/tags/", [{"id": 1, "description": "z"}, {"id": 2, "slug": "b 2"}], full
    yield "bulk delete of one that there is none of", "DELETE", "extras/tags/", [{"id": 999}], full
    yield "bulk delete", "DELETE", "extras/tags/", [{"id": nb.one("extras/tags/", slug="b1")["id"]}], full
    yield "DELETE with dependants", "DELETE", "dcim/sites/1/", None, full
    yield "DELETE of a role in use", "DELETE", "dcim/device-roles/1/", None, full
    yield "DELETE", "DELETE", f"{dev}{nb.one(dev, name='by-attributes')['id']}/", None, full
    yield "available addresses", "GET", "ipam/prefixes/1/available-ips/?limit=3", None, full
    yield "available addresses: one", "POST", "ipam/prefixes/1/available-ips/", {"description": "given"}, full
    yield "available addresses: two", "POST", "ipam/prefixes/1/available-ips/", [{}, {"dns_name": "two.example"}], full
    yield "available addresses: with an address of its own", "POST", "ipam/prefixes/1/available-ips/", {"address": "10.50.3.3/22"}, full
    small = nb.post("ipam/prefixes/", {"prefix": "10.70.0.0/30"})["id"]
    yield "available addresses: more than there are", "POST", f"ipam/prefixes/{small}/available-ips/", [{}] * 3, full
    yield "available addresses: a bad one", "POST", f"ipam/prefixes/{small}/available-ips/", {"status": "foo"}, full
    yield "available addresses: how many in a /30", "GET", f"ipam/prefixes/{small}/available-ips/", None, full
    yield "journal entry", "POST", "extras/journal-entries/", {"assigned_object_type": "dcim.device", "assigned_object_id": 1, "kind": "success", "comments": "rackstrap: ready"}, full
    yield "journal entry of a bad kind", "POST", "extras/journal-entries/", {"assigned_object_type": "dcim.device", "assigned_object_id": 1, "kind": "foo", "comments": "x"}, full
    yield "journal entry of no comments", "POST", "extras/journal-entries/", {"assigned_object_type": "dcim.device", "assigned_object_id": 1, "comments": ""}, full
    yield "journal entry of an object that there is none of", "POST", "extras/journal-entries/", {"assigned_object_type": "dcim.device", "assigned_object_id": 99999, "comments": "x"}, full
    yield "journal of a device", "GET", "extras/journal-entries/?assigned_object_type=dcim.device&assigned_object_id=1", None, full
    yield "If-Match that fits no more", "PATCH", "extras/tags/1/", {"description": "w"}, full
    yield "what has changed since a time that is to come", "GET", dev + "?last_updated__gte=2099-01-01T00:00:00Z", None, full
    reader = nb.post("users/users/", {"username": "reader", "password": "a-Password-of-a-test-2"})["id"]
    weak = nb.post("users/tokens/", {"user": reader, "version": 1, "write_enabled": False})
    yield "user who may nothing", "GET", "dcim/devices/?limit=1", None, weak["token"]
    yield "detail for a user who may nothing", "GET", "dcim/devices/1/", None, weak["token"]
    nb.post("users/permissions/", {"name": "see devices of Paris", "object_types": ["dcim.device"], "actions": ["view"], "users": [reader], "constraints": {"site__slug": "paris"}})
    yield "user who may see a part", "GET", "dcim/devices/?limit=1&fields=id", None, weak["token"]
    yield "detail outside of that part", "GET", "dcim/devices/2/", None, weak["token"]
    yield "write with a token for reading", "PATCH", "dcim/devices/1/", {"serial": "x"}, weak["token"]
    nb.patch(f"users/tokens/{weak['id']}/", {"write_enabled": True})
    yield "write without the permission", "PATCH", "dcim/devices/1/", {"serial": "x"}, weak["token"]


class Recorder:
    def __init__(self, nb, v1, out):
        self.nb, self.out, self.names = nb, out, {nb.token: "TOKEN", v1: "TOKEN_V1"}

    def clean(self, text):
        text = text.replace(self.nb.url, "http://netbox.example")
        for secret, name in self.names.items():
            text = text.replace(secret, name)
        text = re.sub(r'("hostname": ?)"[^"]*"', r'\1"netbox"', text)
        text = re.sub(r'("token": ?)"[^"]*"', r'\1"TOKEN"', text)
        return text

    def keep(self, path, text):
        """An answer, a field a line, so that changes of a version can be read."""
        file = os.path.join(self.out, path + ".json")
        os.makedirs(os.path.dirname(file), exist_ok=True)
        with open(file, "w") as f:
            json.dump(json.loads(self.clean(text)), f, indent=1, ensure_ascii=False)
            f.write("\n")

    def run(self, v1):
        nb = self.nb
        for path, query in LISTS.items():
            status, _, text = nb.raw("GET", f"{path}/?{query}")
            assert status == 200, (path, status, text)
            self.keep(path, text)
        for path in DETAILS:
            status, _, text = nb.raw("GET", f"{path}/" if path else "")
            assert status == 200, (path, status, text)
            folder, _, name = path.rpartition("/")
            self.keep(f"{folder}-{name}" if folder else path or "root", text)
        self.webhooks()
        self.answers(v1)

    def webhooks(self):
        """What NetBox sends to a webhook: the body to the byte, and the headers."""
        got, came = [], threading.Condition()

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                self.send_response(204)
                self.end_headers()
                with came:
                    got.append((dict(self.headers), body))
                    came.notify()

            def log_message(self, *args):
                pass

        server = http.server.HTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        nb = self.nb
        hook = nb.post("extras/webhooks/", {"name": "recorder", "payload_url": f"http://127.0.0.1:{server.server_address[1]}/api/plugins/rackstrap/netbox/",
                                            "secret": HOOK_SECRET})
        nb.post("extras/event-rules/", {"name": "recorder", "object_types": ["dcim.device", "dcim.macaddress"], "action_type": "webhook",
                                        "event_types": ["object_created", "object_updated", "object_deleted"],
                                        "action_object_type": "extras.webhook", "action_object_id": hook["id"]})

        def one(name, action):
            made = action()
            with came:
                assert came.wait_for(lambda: got, 60), f"no webhook came for {name}"
                headers, body = got.pop()
            folder = os.path.join(self.out, "webhooks")
            os.makedirs(folder, exist_ok=True)
            with open(os.path.join(folder, name + ".body"), "wb") as f:
                f.write(body)
            with open(os.path.join(folder, name + ".headers"), "w") as f:
                f.write("".join(f"{k}: {v}\n" for k, v in headers.items() if k not in ("Host", "Connection")))
            return made

        made = one("created", lambda: nb.post("dcim/devices/", {"name": "hooked", "device_type": 1, "role": 1, "site": 1, "status": "planned"}))
        one("updated", lambda: nb.patch(f"dcim/devices/{made['id']}/", {"status": "staged", "custom_fields": {"image": "demo"}}))
        mac = one("mac-created", lambda: nb.post("dcim/mac-addresses/", {"mac_address": "02:5b:00:00:99:00"}))
        one("deleted", lambda: nb.delete(f"dcim/devices/{made['id']}/"))
        nb.delete(f"extras/event-rules/{nb.one('extras/event-rules/')['id']}/")
        nb.delete(f"dcim/mac-addresses/{mac['id']}/")
        server.shutdown()

    def answers(self, v1):
        out = []
        for what, method, path, body, token in questions(self.nb, v1):
            headers = {"If-Match": 'W/"2000-01-01T00:00:00+00:00"'} if what.startswith("If-Match") else None
            status, got, text = self.nb.raw(method, path, body, headers, token or False)
            try:
                answer = json.loads(self.clean(text)) if text else None
            except ValueError:
                answer = "HTML: " + re.search(r"<title>\s*(.*?)\s*</title>", text, re.S).group(1)
            entry = {"what": what, "method": method, "path": "/api/" + path}
            if body is not None:
                entry["body"] = body.decode() if isinstance(body, bytes) else body
            entry["status"] = status
            for name in ("Location", "ETag", "Allow", "WWW-Authenticate"):
                if got.get(name) and (name == "ETag" or status in (301, 302, 401, 405) or method == "OPTIONS"):
                    entry[name] = self.clean(got[name])
            entry["answer"] = answer
            out.append(entry)
        with open(os.path.join(self.out, "answers.json"), "w") as f:
            f.write("[\n" + ",\n".join(json.dumps(e, ensure_ascii=False) for e in out) + "\n]\n")


def derive_old(new, old):
    """The shapes before 4.2, made from the recorded ones by hand of this function: no NetBox has said them."""
    def load(name):
        return json.load(open(os.path.join(new, name + ".json")))

    def store(name, value):
        file = os.path.join(old, name + ".json")
        os.makedirs(os.path.dirname(file), exist_ok=True)
        with open(file, "w") as f:
            json.dump(value, f, indent=1, ensure_ascii=False)
            f.write("\n")

    status = load("status")
    status.update({"netbox-version": "4.1.11", "netbox-full-version": "4.1.11", "django-version": "5.0.10"})
    store("status", status)
    for name in ("dcim/devices", "dcim/interfaces", "ipam/prefixes", "ipam/ip-addresses"):
        page = load(name)
        for o in page["results"]:
            for key in ("owner", "primary_mac_address", "mac_addresses", "scope_type", "scope_id", "start_date", "end_date"):
                o.pop(key, None)
            if "scope" in o:
                o["site"] = o.pop("scope")
        store(name, page)


if __name__ == "__main__":
    url, token_file, v1_file, out = sys.argv[1:]
    v1 = open(v1_file).read().strip()
    Recorder(NetBox(url, open(token_file).read().strip()), v1, out).run(v1)
    derive_old(out, os.path.join(os.path.dirname(os.path.abspath(out)), "4.1"))
