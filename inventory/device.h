/* device: machines, their interfaces, and where they stand. */
#ifndef INVENTORY_DEVICE_H
#define INVENTORY_DEVICE_H

#include "base/addr.h"
#include "base/disk.h"
#include "inventory/change.h"
#include "inventory/dhcp_option.h"
#include "inventory/state.h"

#define NAME_SIZE      64 /* names and slugs, NUL included */
#define MAX_INTERFACES 16 /* that can boot, of a device; it may have more */
#define ASSIGNED_SIZE  (2 * NAME_SIZE)

struct interface {
    char name[NAME_SIZE];
    struct mac mac;
    bool has_address, primary;
    struct ip4_if address;
};

struct device {
    int64_t id;
    char name[NAME_SIZE];
    char site[NAME_SIZE], rack[NAME_SIZE], tenant[NAME_SIZE], role[NAME_SIZE], platform[NAME_SIZE],
        location[NAME_SIZE]; /* slugs or names; "" for none */
    char status[16]; /* NetBox's: planned, staged, active, ...; "" in device_put: as it was, planned for a new
                        one */
    bool noted;      /* nobody asked for the assigned image to be written: it was noted that it is there */
    int64_t netbox_id; /* 0: it is ours, else NetBox's; read, never written */
    char model[NAME_SIZE], serial[NAME_SIZE];
    char disk_selector[DISK_SELECTOR_MAX]; /* "" is `only` */
    bool protected;
    enum device_state state;
    char reason[NAME_SIZE];       /* of STATE_FAILED */
    int64_t state_ms;             /* when it entered the state */
    char assigned[ASSIGNED_SIZE]; /* the image that it should carry, or image@version; "" for none */
    char installed[NAME_SIZE];    /* the image that was last written to it, */
    char installed_digest[65];    /* and the release's digest; "" for none */
    int64_t installed_ms;
    int64_t options;                    /* its own set of DHCP options (options_get); 0: none */
    int64_t role_options, site_options; /* its role's and its site's; read, never written */
    size_t interfaces_n;
    struct interface interfaces[MAX_INTERFACES];
};

/* ERR_NOT_FOUND when there is none. */
int device_get(struct store *s, int64_t id, struct device *ret, struct err *e);
int device_by_name(struct store *s, const char *name, struct device *ret, struct err *e);
int device_by_mac(struct store *s, struct mac m, struct device *ret, struct err *e);
int device_by_address(struct store *s, struct ip4 a, struct device *ret, struct err *e);
/* A name or a MAC address in any notation. */
int device_by_ref(struct store *s, const char *ref, struct device *ret, struct err *e);

/* The interface that has this MAC; the primary one (or the first with an address, or the first). NULL when
 * none. Lent by d. */
const struct interface *device_interface(const struct device *d, struct mac m);
const struct interface *device_primary(const struct device *d);

/* What a device may be called, and everything else that needs no store to see. ERR_INPUT says which field. */
int device_check(const struct device *d, struct err *e);
/* Names and slugs: letters, digits, '.', '_', '-', beginning with a letter or digit. `what` is the word for
 * the sentence. */
int name_check(const char *what, const char *name, struct err *e);
/* A slug made from a text for people: lower case, runs of anything else become one '-'; "unnamed" for none.
 */
void slug_from(const char *text, char ret[NAME_SIZE]);
/* Is all that device_put writes the same? */
bool device_same(const struct device *a, const struct device *b);
/* Of what device_put writes, what differs. */
void device_changes(const struct device *before, const struct device *after, struct change *c);

/* A selector picks devices: NULL or "" for all; else names, comma-separated, or key=value pairs,
 * comma-separated, all of which must hold: name, site, location (with those inside it), rack, tenant, role,
 * platform, manufacturer, model, tag (slugs, or names where there is one), status (NetBox's), state (ours),
 * image (assigned), release (on the disk: a version, image@version, or the beginning of a digest), installed
 * (compared with a time: installed>=2026-11-01), mac, address, serial, netbox (yes, no, or its number there).
 * A key that does not exist is ERR_INPUT. */
typedef int device_fn(const struct device *d,
                      void *ctx); /* other than 0 stops the walk, and is what it returns */
int device_each(struct store *s, const char *selector, device_fn *fn, void *ctx,
                struct err *e); /* sorted by name */

int device_protect(struct store *s, int64_t id, bool protect, const char *actor, struct err *e);

/* Creates the device or makes the one of this name like it (state, assigned, installed and protected stay as
 * they are; sites, racks, tenants, roles come into being by being named; an armed job writes to the disk that
 * is named now). ERR_CONFLICT names who already has
 * the MAC or the address. */
int device_put(struct store *s, const struct device *d, const char *actor, int64_t *ret_id, struct err *e);
/* Takes a device's interfaces away, so that others can have their addresses: `import` lets devices swap them.
 */
int device_unplug(struct store *s, int64_t id, struct err *e);

/* Takes the device out of the inventory: its interfaces (they are strangers from then on), tokens, and what
 * waits to be done for it. The timeline stays, and the number is never another's. ERR_REFUSED for a protected
 * one, ERR_CONFLICT while it is being written; an armed job is cancelled. */
int device_remove(struct store *s, int64_t id, const char *actor, int64_t at_ms, struct err *e);
struct removed_device {
    int64_t id;
    char name[NAME_SIZE];
    int64_t removed_ms;
};
/* The device removed last that had this name, or this MAC address in its timeline; ERR_NOT_FOUND. */
int device_removed_by_ref(struct store *s, const char *ref, struct removed_device *ret, struct err *e);

/* The assignment alone, without a job: of an image that has no release yet. */
int device_intend(struct store *s, int64_t id, const char *image, const char *actor, int64_t at_ms,
                  struct err *e);
/* The same for a machine that carries it already, as somebody says: what is noted is armed by no import. */
int device_note_image(struct store *s, int64_t id, const char *image, const char *actor, int64_t at_ms,
                      struct err *e);

/* Sites and the like, by slug, with a name for people. A rack belongs to a site ("" for none). Makes it, or
 * gives it this name. */
enum group_kind { GROUP_SITE, GROUP_TENANT, GROUP_ROLE, GROUP_PLATFORM };
int group_put(struct store *s, enum group_kind kind, const char *slug, const char *name, struct err *e);
int rack_put(struct store *s, const char *site, const char *slug, const char *name, struct err *e);
/* 1 when there is one, 0 when not, -1. */
int group_known(struct store *s, enum group_kind kind, const char *slug, struct err *e);
int rack_known(struct store *s, const char *site, const char *slug, struct err *e);

/* Sets of DHCP options, by number. A set is kept once, and neither changed nor deleted: a number means the
 * same for ever, and who has a set need not ask again. The empty set is 0. */
int options_keep(struct store *s, struct span set, int64_t *ret_id, struct err *e);
int options_get(struct store *s, int64_t id, struct dhcp_set *ret, struct err *e);
bool group_has_options(enum group_kind kind); /* sites and roles */
/* Of a site or a role that is there; journalled when they are others than before. */
int group_options(struct store *s, enum group_kind kind, const char *slug, int64_t options, const char *actor,
                  struct err *e);

/* MAC addresses that were seen and that no device has. */
struct stranger {
    struct mac mac;
    struct ip4 address; /* 0: it was given none */
    int64_t first_ms, last_ms;
    uint64_t times;
    char arch[32];    /* "bios", "uefi-x64", "ipxe", ... */
    char facts[2048]; /* JSON that the installer reported in discover mode; "" for none */
};
int stranger_seen(struct store *s, struct mac m, struct ip4 address, const char *arch, int64_t at_ms,
                  struct err *e);
/* What a stranger at this address reports of its machine. ERR_UNAVAILABLE when it, its address or all
 * strangers together report more than they may: addresses can be made up, and each costs a commit. */
int stranger_facts(struct store *s, struct mac m, struct ip4 peer, const char *facts_json, int64_t at_ms,
                   struct err *e);
int stranger_get(struct store *s, struct mac m, struct stranger *ret, struct err *e);
typedef int stranger_fn(const struct stranger *x, void *ctx);
int stranger_each(struct store *s, stranger_fn *fn, void *ctx, struct err *e);

#endif
