"""What a person does with pynetbox, on an API server of ours. Called by api_pynetbox.sh: LABEL URL FULL READ WRITE (tokens)."""
import json
import os
import re
import subprocess
import sys

import pynetbox

label, url, full, read, write = sys.argv[1:6]
version = tuple(int(n) for n in pynetbox.__version__.split(".")[:2])
nb = pynetbox.api(url, token=full)
DEVICES = 1203
failed = 0
cases = []


def case(f):
    cases.append(f)
    return f


def rackstrap(*words):
    return subprocess.run([os.environ["RACKSTRAP"], *words], check=True, capture_output=True, text=True).stdout


def shown(name):
    return json.loads(rackstrap("device", "show", name, "--json"))


def equal(a, b):
    assert a == b, f"{a!r} is not {b!r}"


def fails(words, f, *args, kind=pynetbox.RequestError, code=None, **named):
    """It raises this, with these words in the text of the answer."""
    try:
        got = f(*args, **named)
    except kind as e:
        assert words in e.error, f"{words!r} is not in {e.error!r}"
        if code:
            equal(e.req.status_code, code)
        return
    raise AssertionError(f"no {kind.__name__}, but {got!r}")


def names(records):
    return sorted(str(r) for r in records)


def catalogue():
    """What a device needs, made once."""
    if not hasattr(catalogue, "kept"):
        maker = nb.dcim.manufacturers.create(name="Dell", slug="dell")
        kind = nb.dcim.device_types.create(manufacturer=maker.id, model="R640", slug="r640")
        role = nb.dcim.device_roles.create(name="Compute", slug="compute", color="ff0000")
        site = nb.dcim.sites.create(name="Nantes 1", slug="nte1", status="active")
        catalogue.kept = dict(device_type=kind.id, role=role.id, site=site.id)
    return catalogue.kept


def make(name, **more):
    return nb.dcim.devices.create(name=name, status="planned", **catalogue(), **more)


# --- what it asks of the server itself ---

@case
def says_its_version():
    assert re.fullmatch(r"\d+\.\d+", nb.version), nb.version


@case
def says_its_status():
    status = nb.status()
    assert status["netbox-version"].startswith(nb.version), status


# --- reading ---

@case
def all_of_several_pages():
    devices = list(nb.dcim.devices.all())
    equal(len(devices), DEVICES)
    equal(len({d.name for d in devices}), DEVICES)
    equal(len({d.id for d in devices}), DEVICES)


@case
def all_by_pages_of_a_hundred():
    equal(len({d.name for d in nb.dcim.devices.all(limit=100)}), DEVICES)


@case
def a_page_alone():
    equal(len(list(nb.dcim.devices.all(limit=10, offset=1200))), 3)


@case
def all_by_threads():
    equal(len({d.name for d in pynetbox.api(url, token=full, threading=True).dcim.devices.all(limit=200)}), DEVICES)


@case
def all_by_cursor():
    if version >= (7, 6):
        equal(len({d.name for d in pynetbox.api(url, token=full, pagination="cursor").dcim.devices.all(limit=500)}), DEVICES)


@case
def length_of_a_set():
    equal(len(nb.dcim.devices.filter(site="lon1")), 203)


@case
def counts():
    equal(nb.dcim.devices.count(), DEVICES)
    equal(nb.dcim.devices.count(site="lon1"), 203)
    equal(nb.dcim.devices.count(name="nobody"), 0)


@case
def get_by_id_and_by_name():
    by_name = nb.dcim.devices.get(name="hv-0042")
    by_id = nb.dcim.devices.get(by_name.id)
    equal((by_id.name, by_id.id), ("hv-0042", by_name.id))
    equal(by_name, by_id)
    equal(str(by_id), "hv-0042")


@case
def get_what_is_not_there():
    equal(nb.dcim.devices.get(99999999), None)
    equal(nb.dcim.devices.get(name="nobody"), None)


@case
def get_of_many_is_an_error():
    try:
        nb.dcim.devices.get(site="par1")
    except ValueError as e:
        assert "more than one" in str(e), e
        return
    raise AssertionError("no ValueError")


@case
def filters():
    d = nb.dcim.devices
    equal(names(d.filter(name="hv-0001")), ["hv-0001"])
    equal(names(d.filter(name=["hv-0001", "hv-0002"])), ["hv-0001", "hv-0002"])
    equal(names(d.filter(name__ic="V-000", name__iew="7")), ["hv-0007"])
    equal(len(d.filter(name__isw="hv-00")), 99)
    equal(len(d.filter(name__nisw="hv-00")), DEVICES - 99)
    equal(names(d.filter(name__ie="HV-0009")), ["hv-0009"])
    equal(len(d.filter(name__n="hv-0009")), DEVICES - 1)
    equal(len(d.filter(name__n=["hv-0009", "hv-0010"])), DEVICES - 2)
    equal(names(d.filter(name__regex="^hv-120[0-3]$")), ["hv-1200", "hv-1201", "hv-1202", "hv-1203"])
    equal(len(d.filter(site=["par1", "lon1"])), DEVICES)
    equal(len(d.filter(site__n="par1")), 203)
    equal(names(d.filter(serial="S0003")), ["hv-0003"])
    equal(names(d.filter("hv-0777")), ["hv-0777"])
    equal(names(d.filter(mac_address="52:54:00:00:00:05")), ["hv-0005"])
    equal(names(d.filter(mac_address="5254.0000.0005")), ["hv-0005"])
    equal(len(d.filter(has_primary_ip=True)), DEVICES)
    equal(len(d.filter(has_primary_ip=False)), 0)
    equal(len(d.filter(role="hypervisor", tenant="ops")), DEVICES)
    some = [x.id for x in d.filter(name=["hv-0001", "hv-0002"])]
    equal(names(d.filter(id=some)), ["hv-0001", "hv-0002"])
    equal(len(d.filter(id__lt=some[1], id__gte=some[0])), 1)
    site = nb.dcim.sites.get(slug="lon1")
    equal(len(d.filter(site_id=site.id)), 203)
    rack = nb.dcim.racks.get(name="r02", site="par1")
    equal(len(d.filter(rack_id=rack.id)), 40)
    equal(len(d.filter(tenant="null")), 0)


@case
def filters_of_addresses():
    ips = nb.ipam.ip_addresses
    equal(names(ips.filter(address="10.77.1.6")), ["10.77.1.6/16"])
    equal(names(ips.filter(address="10.77.1.6/16")), ["10.77.1.6/16"])
    equal(len(ips.filter(parent="10.78.0.0/16")), 203)
    equal(names(ips.filter(device="hv-0005")), ["10.77.1.6/16"])
    equal(ips.count(assigned_to_interface=True), DEVICES)
    equal(names(nb.dcim.mac_addresses.filter(mac_address="52-54-00-00-00-05")), ["52:54:00:00:00:05"])
    equal([str(i) for i in nb.dcim.interfaces.filter(device="hv-0005")], ["eno1"])


@case
def attributes_of_nested_objects_are_fetched():
    device = nb.dcim.devices.get(name="hv-0001")
    equal(device.site.slug, "par1")
    equal(device.site.status.value, "active")  # not in the brief form: it follows the URL
    equal(str(device.status), device.status.label)
    equal(device.primary_ip4.address, "10.77.1.2/16")
    equal(device.primary_ip4.assigned_object.device.name, "hv-0001")
    interface = nb.dcim.interfaces.get(device_id=device.id, name="eno1")
    equal(interface.mac_address, "52:54:00:00:00:01")
    equal(interface.device.serial, "S0001")
    equal(interface.device.rack.site.name, "Paris 1")


@case
def as_a_dictionary():
    device = dict(nb.dcim.devices.get(name="hv-0001"))
    equal(device["site"]["slug"], "par1")
    equal(device["tenant"]["slug"], "ops")
    equal(device["name"], "hv-0001")


@case
def choices():
    found = nb.dcim.devices.choices()["status"]
    equal([c["display_name"] for c in found if c["value"] == "active"], ["Active"])
    equal(sorted(c["value"] for c in found), ["active", "decommissioning", "failed", "inventory", "offline", "planned", "staged"])


@case
def strict_filters():
    if version >= (7, 5):
        strict = pynetbox.api(url, token=full, strict_filters=True)
        equal(names(strict.dcim.devices.filter(name="hv-0001", site="par1")), ["hv-0001"])
        fails("'colour' is not allowed", strict.dcim.devices.filter, colour="x", kind=pynetbox.core.query.ParameterValidationError)


@case
def selected_fields():
    got = list(nb.dcim.devices.filter(name="hv-0001", fields="id,name"))[0]
    equal(sorted(dict(got)), ["id", "name"])


@case
def in_order():
    equal([str(d) for d in nb.dcim.devices.filter(ordering="-name", limit=2, offset=0)], ["hv-1203", "hv-1202"])


# --- writing ---

@case
def creates_one_after_the_other():
    device = make("new-01", serial="N1", description="made by a client")
    equal((device.name, device.status.value, device.site.slug, device.device_type.manufacturer.slug), ("new-01", "planned", "nte1", "dell"))
    interface = nb.dcim.interfaces.create(device=device.id, name="eno1", type="10gbase-t")
    mac = nb.dcim.mac_addresses.create(mac_address="52-54-00-AA-00-01", assigned_object_type="dcim.interface", assigned_object_id=interface.id)
    equal(mac.mac_address, "52:54:00:AA:00:01")
    address = nb.ipam.ip_addresses.create(address="10.90.0.10/24", assigned_object_type="dcim.interface", assigned_object_id=interface.id,
                                          dns_name="new-01.example")
    equal(address.assigned_object.name, "eno1")
    device.primary_ip4 = address.id
    assert device.save()
    again = nb.dcim.devices.get(name="new-01")
    equal(again.primary_ip.address, "10.90.0.10/24")
    equal(again.primary_ip4.dns_name, "new-01.example")
    equal(again.interface_count, 1)
    known = shown("new-01")
    equal((known["mac"], known["address"]), ("52:54:00:aa:00:01", "10.90.0.10/24"))


@case
def creates_with_nested_objects():
    device = nb.dcim.devices.create(name="new-02", role={"slug": "compute"}, site={"name": "Nantes 1"}, device_type={"slug": "r640"})
    equal((device.role.slug, device.site.slug), ("compute", "nte1"))


@case
def creates_many():
    made = nb.dcim.devices.create([dict(name=f"many-{n}", **catalogue()) for n in range(3)])
    equal([d.name for d in made], ["many-0", "many-1", "many-2"])
    equal(nb.dcim.devices.count(name__isw="many-"), 3)


@case
def many_are_all_or_none():
    fails("This field is required", nb.dcim.devices.create, [dict(name="half-0", **catalogue()), dict(name="half-1")], code=400)
    equal(nb.dcim.devices.count(name__isw="half-"), 0)


@case
def saves_only_what_changed():
    mine, theirs = nb.dcim.devices.get(name="new-01"), nb.dcim.devices.get(name="new-01")
    theirs.serial = "N1-changed"
    assert theirs.save()
    mine.description = "mine"
    equal(mine.updates(), {"description": "mine"})
    assert mine.save()
    now = nb.dcim.devices.get(mine.id)
    equal((now.serial, now.description), ("N1-changed", "mine"))
    equal(now.save(), False)


@case
def updates():
    device = nb.dcim.devices.get(name="new-01")
    assert device.update({"status": "staged", "asset_tag": "A-1"})
    now = nb.dcim.devices.get(device.id)
    equal((now.status.value, now.asset_tag), ("staged", "A-1"))
    now.status = "active"
    assert now.save()
    equal(nb.dcim.devices.get(device.id).status.label, "Active")
    assert now.update({"tenant": {"slug": "ops"}})
    equal(nb.dcim.devices.get(device.id).tenant.slug, "ops")
    now = nb.dcim.devices.get(device.id)  # 7.0.0 compares with what it read, not with what it wrote
    assert now.update({"tenant": None, "asset_tag": None})
    equal((nb.dcim.devices.get(device.id).tenant, nb.dcim.devices.get(device.id).asset_tag), (None, None))


@case
def updates_many():
    some = list(nb.dcim.devices.filter(name__isw="many-"))
    for d in some:
        d.serial = f"of-{d.name}"
    equal(len(nb.dcim.devices.update(some)), 3)
    equal(names(d.serial for d in nb.dcim.devices.filter(name__isw="many-")), ["of-many-0", "of-many-1", "of-many-2"])
    nb.dcim.devices.filter(name__isw="many-").update(status="offline")
    equal(nb.dcim.devices.count(name__isw="many-", status="offline"), 3)


@case
def tags():
    nb.extras.tags.create(name="Rack A", slug="rack-a", color="00ff00")
    nb.extras.tags.create([{"name": "Spare", "slug": "spare"}])
    device = nb.dcim.devices.get(name="new-01")
    device.tags = [{"slug": "rack-a"}]
    assert device.save()
    equal(names(nb.dcim.devices.filter(tag="rack-a")), ["new-01"])
    device = nb.dcim.devices.get(name="new-01")
    device.tags.append({"name": "Spare"})
    assert device.save()
    device = nb.dcim.devices.get(name="new-01")
    equal(sorted(t.slug for t in device.tags), ["rack-a", "spare"])
    equal(names(nb.dcim.devices.filter(tag=["rack-a", "spare"])), ["new-01"])  # both
    nb.dcim.devices.create(name="tagged", tags=[{"slug": "spare"}], **catalogue())
    equal(names(nb.dcim.devices.filter(tag="spare")), ["new-01", "tagged"])
    equal(names(nb.dcim.devices.filter(tag=["rack-a", "spare"])), ["new-01"])
    device.tags = [t for t in device.tags if t.slug == "rack-a"]  # as numbers
    assert device.save()
    equal([t.slug for t in nb.dcim.devices.get(name="new-01").tags], ["rack-a"])
    fails("", nb.dcim.devices.filter(tag="no-such-tag").__next__, code=400)


@case
def custom_fields_of_ones_own():
    nb.extras.custom_fields.create(name="owner_team", type="text", object_types=["dcim.device"], label="Team")
    device = nb.dcim.devices.get(name="new-01")
    equal(device.custom_fields["owner_team"], None)
    device.custom_fields["owner_team"] = "storage"
    assert device.save()
    equal(nb.dcim.devices.get(device.id).custom_fields["owner_team"], "storage")
    equal(names(nb.dcim.devices.filter(cf_owner_team="storage")), ["new-01"])
    assert device.update({"custom_fields": {"owner_team": None}})
    equal(nb.dcim.devices.get(device.id).custom_fields["owner_team"], None)


@case
def an_image_arms_a_job():
    device = nb.dcim.devices.get(name="hv-0001")
    equal(device.custom_fields["image"], None)
    device.custom_fields["image"] = "red"
    assert device.save()
    known = shown("hv-0001")
    equal((known["state"], known["assigned"], known["job"]["state"]), ("armed", "red", "armed"))
    now = nb.dcim.devices.get(device.id)
    equal((now.custom_fields["image"], now.custom_fields["state"]), ("red", "armed"))
    equal(names(nb.dcim.devices.filter(cf_image="red")), ["hv-0001"])
    equal(names(nb.dcim.devices.filter(cf_state="armed")), ["hv-0001"])
    # Something else that is saved arms nothing anew.
    job = known["job"]["uuid"]
    now.description = "x"
    assert now.save()
    equal(shown("hv-0001")["job"]["uuid"], job)
    fails("green", nb.dcim.devices.get(name="hv-0002").update, {"custom_fields": {"image": "green"}}, code=400)
    equal(shown("hv-0002")["state"], "idle")
    # All custom fields come back with the one that was changed: what is ours to say is passed over.
    again = nb.dcim.devices.get(device.id)
    again.custom_fields["state"] = "ready"
    assert again.save()
    equal(shown("hv-0001")["state"], "armed")


@case
def a_protected_device_refuses_an_image():
    device = nb.dcim.devices.get(name="hv-0003")
    assert device.update({"custom_fields": {"protected": True}})
    equal(shown("hv-0003")["protected"], True)
    fails("protected", device.update, {"custom_fields": {"image": "red"}})
    equal((shown("hv-0003")["state"], shown("hv-0003")["assigned"]), ("idle", None))


@case
def more_images_than_the_wipe_limit():
    some = [{"id": d.id, "custom_fields": {"image": "blue"}} for d in nb.dcim.devices.filter(name__isw="hv-010")]
    equal(len(some), 10)
    fails("", nb.dcim.devices.update, some)
    equal(nb.dcim.devices.count(cf_image="blue"), 0)
    equal(len(nb.dcim.devices.update(some[:5])), 5)
    equal(nb.dcim.devices.count(cf_image="blue"), 5)


# --- addresses of a prefix ---

@case
def available_addresses():
    prefix = nb.ipam.prefixes.create(prefix="10.91.0.0/29", status="active", description="small")
    equal(names(prefix.available_ips.list()), [f"10.91.0.{n}/29" for n in range(1, 7)])
    equal(str(prefix.available_ips.create()), "10.91.0.1/29")
    equal(names(prefix.available_ips.create([{}, {"description": "third", "dns_name": "third.example"}])), ["10.91.0.2/29", "10.91.0.3/29"])
    equal(nb.ipam.ip_addresses.get(address="10.91.0.3").dns_name, "third.example")
    equal(names(prefix.available_ips.list()), [f"10.91.0.{n}/29" for n in range(4, 7)])
    fails("could not be fulfilled", prefix.available_ips.create, [{} for _ in range(4)], kind=pynetbox.AllocationError)
    equal(len(prefix.available_ips.list()), 3)
    prefix.available_ips.create([{} for _ in range(3)])
    fails("could not be fulfilled", prefix.available_ips.create, kind=pynetbox.AllocationError)


@case
def prefixes():
    site = nb.dcim.sites.get(slug="par1")
    made = nb.ipam.prefixes.create(prefix="10.92.0.0/24", scope_type="dcim.site", scope_id=site.id)
    equal(str(made), "10.92.0.0/24")
    equal(made.scope.slug, "par1")
    assert made.update({"custom_fields": {"gateway": "10.92.0.1"}})
    equal(nb.ipam.prefixes.get(made.id).custom_fields["gateway"], "10.92.0.1")
    equal(names(nb.ipam.prefixes.filter(contains="10.92.0.77")), ["10.92.0.0/24"])
    equal(names(nb.ipam.prefixes.filter(within_include="10.92.0.0/16")), ["10.92.0.0/24"])
    equal(names(nb.ipam.prefixes.filter(prefix="10.92.0.0/24")), ["10.92.0.0/24"])


# --- notes ---

@case
def journal_entries():
    device = nb.dcim.devices.get(name="new-01")
    note = nb.extras.journal_entries.create(assigned_object_type="dcim.device", assigned_object_id=device.id, kind="info", comments="seen, and well")
    equal((note.kind.value, note.assigned_object.name), ("info", "new-01"))
    found = [n.comments for n in nb.extras.journal_entries.filter(assigned_object_type="dcim.device", assigned_object_id=device.id)]
    assert "seen, and well" in found, found


# --- deleting ---

@case
def deletes():
    device = make("gone")
    assert device.delete()
    equal(nb.dcim.devices.get(device.id), None)
    equal(nb.dcim.devices.count(name="gone"), 0)
    try:
        device.delete()
    except pynetbox.RequestError as e:
        equal(e.req.status_code, 404)
        assert "could not be found" in str(e), e
    else:
        raise AssertionError("deleted twice")


@case
def deletes_many():
    some = list(nb.dcim.devices.filter(name__isw="many-"))
    assert nb.dcim.devices.delete(some[:2])
    equal(nb.dcim.devices.count(name__isw="many-"), 1)
    assert nb.dcim.devices.delete([some[2].id])
    equal(nb.dcim.devices.count(name__isw="many-"), 0)
    made = nb.dcim.devices.create([dict(name=f"set-{n}", **catalogue()) for n in range(3)])
    equal(len(made), 3)
    assert nb.dcim.devices.filter(name__isw="set-").delete()
    equal(nb.dcim.devices.count(name__isw="set-"), 0)


@case
def what_others_need_stays():
    fails("", nb.dcim.sites.get(slug="par1").delete, code=409)
    equal(nb.dcim.sites.count(slug="par1"), 1)
    fails("", nb.dcim.device_types.get(slug="r640").delete, code=409)


# --- errors ---

@case
def errors_have_netbox_s_words():
    fails('"role":["This field is required."]', lambda: nb.dcim.devices.create(name="x", site=1, device_type=1), code=400)
    fails("foo is not a valid choice.", nb.dcim.devices.create, name="x", **{**catalogue(), "status": "foo"}, code=400)
    fails("slug already exists", nb.dcim.sites.create, name="Paris, again", slug="par1", code=400)
    fails("Select a valid choice. foo is not one of the available choices.", nb.dcim.devices.filter(status="foo").__next__, code=400)
    fails("Related object not found", nb.dcim.devices.create, name="x", **{**catalogue(), "site": 999999}, code=400)
    fails('"colour"', nb.dcim.sites.create, name="Lyon", slug="lys1", colour="red", code=400)
    fails("", nb.dcim.mac_addresses.create, mac_address="not-a-mac", code=400)
    fails("", nb.ipam.ip_addresses.create, address="10.0.0.300/24", code=400)
    equal(nb.dcim.devices.count(name="x"), 0)


@case
def errors_of_tokens():
    def devices(token):
        return list(pynetbox.api(url, token=token).dcim.devices.filter(name="hv-0001"))
    fails("Authentication credentials were not provided.", devices, None, code=403)
    fails("Invalid v1 token", devices, "0" * 40, code=403)
    fails("Invalid v2 token", devices, "nbt_" + "a" * 12 + "." + "b" * 40, code=403)
    fails("Invalid v2 token", devices, full[:-1] + ("a" if full[-1] != "a" else "b"), code=403)
    reader = pynetbox.api(url, token=read)
    equal(reader.dcim.devices.get(name="hv-0001").name, "hv-0001")
    fails("You do not have permission", reader.dcim.sites.create, name="S", slug="s", code=403)
    fails("You do not have permission", reader.dcim.devices.get(name="hv-0004").delete, code=403)
    writer = pynetbox.api(url, token=write)
    device = writer.dcim.devices.get(name="hv-0004")
    assert device.update({"description": "by a writer"})
    fails("", device.update, {"custom_fields": {"image": "red"}}, code=403)
    equal(shown("hv-0004")["state"], "idle")


# --- what is ours ---

@case
def releases_of_images():
    plugin = nb.plugins.rackstrap
    equal(names(plugin.images.all()), ["blue", "red"])
    release = list(plugin.releases.filter(image="red"))[0]
    equal(release.image.name, "red")
    equal(plugin.releases.get(release.id).digest, release.digest)


@case
def assignments_and_jobs():
    plugin = nb.plugins.rackstrap
    device = nb.dcim.devices.get(name="hv-0020")
    done = plugin.assignments.create(device=device.id, image="blue", dry_run=True)
    equal(shown("hv-0020")["state"], "idle")
    done = plugin.assignments.create(device={"name": "hv-0020"}, image="blue")
    equal((done.device.name, done.job.state.value), ("hv-0020", "armed"))
    known = shown("hv-0020")
    equal((known["state"], known["assigned"]), ("armed", "blue"))
    job = plugin.jobs.get(device="hv-0020")
    equal((job.uuid, job.state.value), (known["job"]["uuid"], "armed"))
    equal(plugin.assignments.get(device_id=device.id).image, "blue")
    assert job.delete()
    equal(shown("hv-0020")["state"], "idle")
    fails("", plugin.assignments.create, [dict(device=d.id, image="blue") for d in nb.dcim.devices.filter(name__isw="hv-020")])
    made = plugin.assignments.create([dict(device=d.id, image="blue", count=10) for d in nb.dcim.devices.filter(name__isw="hv-020")])
    equal(len(made), 10)


@case
def events_and_leases():
    plugin = nb.plugins.rackstrap
    found = [e.event for e in plugin.events.filter(device="hv-0020")]
    assert "assigned" in found or "armed" in found, found
    assert all(e.actor for e in plugin.events.filter(device="hv-0020"))
    equal(len(list(plugin.leases.all())), 0)


@case
def who_did_it():
    entries = [json.loads(line) for line in rackstrap("events", "hv-0001", "--json").splitlines()]
    assert any("full" in e["actor"] for e in entries), entries
    assert "entries" in rackstrap("journal", "verify")


only = sys.argv[6:]
for f in cases:
    if only and f.__name__ not in only:
        continue
    name = f"{label}-{f.__name__.replace('_', '-')}"
    try:
        f()
        print(f"ok {name}", flush=True)
    except Exception as e:
        failed = 1
        at = e.__traceback__
        while at.tb_next and at.tb_next.tb_frame.f_code.co_filename == __file__:
            at = at.tb_next
        print(f"not ok {name}: line {at.tb_lineno}: {type(e).__name__}: {str(e)[:300]}", flush=True)
sys.exit(failed)
