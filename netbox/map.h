/* map: a NetBox object's JSON becomes a row for the stage. Pure, and by one table: where a value stands, what
 * it has to be, and under which names older NetBoxes have it.
 *
 * What has the wrong JSON type is no NetBox's answer (ERR_CORRUPT, with the object's URL): the sync ends.
 * What is a right value that we cannot bring in (a name that is no host name, an impossible MAC address) is a
 * fault of the row.
 */
#ifndef NETBOX_MAP_H
#define NETBOX_MAP_H

#include <jansson.h>

#include "inventory/sync.h"
#include "netbox/netbox.h"

/* A mapped object: the row lends from the JSON and from here. */
struct mapped {
    struct sync_row row;
    char *owned[SYNC_COLUMNS];
    size_t owned_n;
    uint8_t bytes[2][16];
};
void mapped_free(struct mapped *m);

/* "dcim/devices/" */
const char *map_path(enum sync_kind kind);
/* "fields=id,name,...": what is read of a kind, so that answers are small; NetBoxes before 4.0 send all. */
const char *map_fields(enum sync_kind kind);
/* 0: brought in; 1: not of our matter (of a VRF, of a virtual machine): passed over; -1. */
int map_object(const struct netbox_config *c, enum sync_kind kind, const json_t *o, struct mapped *ret,
               struct err *e);
/* Before 4.2 an interface has its MAC address itself: 0 and a row of SYNC_MAC; 1 when it has none. */
int map_interface_mac(const json_t *interface, struct mapped *ret, struct err *e);

/* The device that an interface, a MAC or an IP address belongs to; 0 for none. Its own id of a device. */
int64_t map_device(enum sync_kind kind, const json_t *o);
/* Which image the device is to carry, by the rules: "" when none says. */
void map_image(const struct netbox_config *c, const json_t *device, char *buf, size_t size);
/* Is this IP address a gateway by the configuration's convention? */
bool map_is_gateway(const struct netbox_config *c, const json_t *address);
/* The gateway that a device's config context names; 0 when none. */
int64_t map_context_gateway(const struct netbox_config *c, const json_t *device);

/* A time for a filter: "2026-01-01T10:00:00Z". */
void map_stamp(int64_t seconds, char buf[32]);

#endif
