/* query: what the inventory knows of an address and of a device's addresses, all of it, beside what they boot
 * with (device.h): IPv6, further MAC and IP addresses, interfaces that do not boot, and what NetBox says of
 * them. For people who ask; nothing that boots waits for these. */
#ifndef INVENTORY_QUERY_H
#define INVENTORY_QUERY_H

#include "inventory/device.h"
#include "inventory/inet.h"

#define TEXT_SIZE 128 /* of a name for people */

struct address_record {
    int64_t id;
    struct inet address;    /* with the length of its network */
    char device[NAME_SIZE]; /* whose it is; "": nobody's */
    char interface[TEXT_SIZE];
    bool has_mac; /* the interface's primary one */
    struct mac mac;
    bool boots; /* the interface boots with it: DHCP gives it */
    char status[16], role[16], tenant[NAME_SIZE], dns_name[256];
    int64_t netbox_id; /* 0: ours */
};
/* ERR_NOT_FOUND: the inventory has no such address. */
int address_record(struct store *s, const struct inet *address, struct address_record *ret, struct err *e);
typedef int address_record_fn(const struct address_record *x, void *ctx);
/* All of a device, by interface. */
int address_record_each(struct store *s, int64_t device_id, address_record_fn *fn, void *ctx, struct err *e);

struct mac_record {
    struct mac mac;
    char interface[TEXT_SIZE];
    bool boots; /* the primary one of an interface that is not for management only */
    int64_t netbox_id;
};
typedef int mac_record_fn(const struct mac_record *x, void *ctx);
int mac_record_each(struct store *s, int64_t device_id, mac_record_fn *fn, void *ctx, struct err *e);

struct prefix_record {
    struct inet prefix;
    bool has_router;
    struct ip4 router;
    char status[16], site[NAME_SIZE], tenant[NAME_SIZE];
    int64_t netbox_id;
};
typedef int prefix_record_fn(const struct prefix_record *x, void *ctx);
/* Those that hold the address, the longest first; containers too. */
int prefix_record_each(struct store *s, const struct inet *address, prefix_record_fn *fn, void *ctx,
                       struct err *e);

/* The slugs of a device's tags, and its manufacturer's ("" for none). */
typedef int tag_fn(const char *slug, void *ctx);
int device_tag_each(struct store *s, int64_t device_id, tag_fn *fn, void *ctx, struct err *e);
int device_manufacturer(struct store *s, int64_t device_id, char ret[NAME_SIZE], struct err *e);

#endif
