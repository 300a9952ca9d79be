/* netbox: a real NetBox that drives the inventory; what the configuration says of it. */
#ifndef NETBOX_NETBOX_H
#define NETBOX_NETBOX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define NETBOX_NAME      64 /* of a custom field, a slug, a key of a config context; NUL included */
#define NETBOX_IMAGE     128
#define NETBOX_RULES     32
#define NETBOX_STATUSES  7
#define NETBOX_PAGE_MAX  1000 /* NetBox's own bound, where nobody has changed it */
#define NETBOX_TOKEN_MAX 128

/* Which image a device is to carry. The first rule that says something decides. */
struct netbox_image_rule {
    enum { NETBOX_IMAGE_FIELD, NETBOX_IMAGE_PLATFORM, NETBOX_IMAGE_ROLE } by;
    char
        name[NETBOX_NAME]; /* the custom field whose value is the image; or the platform's, the role's slug */
    char image[NETBOX_IMAGE]; /* of the last two: as `assign` takes it, name or name@version */
};

/* Where a prefix's gateway stands, which NetBox has no field for. */
struct netbox_gateway {
    enum {
        NETBOX_GATEWAY_FIELD,   /* the custom field `name` of the prefix */
        NETBOX_GATEWAY_TAG,     /* the IP address in it that has the tag `name` (its slug), */
        NETBOX_GATEWAY_ROLE,    /* or the role `name` */
        NETBOX_GATEWAY_CONTEXT, /* the key `name` of the devices' config context */
        NETBOX_GATEWAY_FIRST,   /* its first address that a host may have */
    } by;
    char name[NETBOX_NAME];
};

/* All of it has its default where the configuration is silent; `url` is "" where no NetBox is followed. */
struct netbox_config {
    char url[256];     /* "https://netbox.example" or with a path below it; no slash at the end */
    const char *token; /* lent, and courier's only: "nbt_..." goes as Bearer, forty hex digits as Token */
    char ca_file[256]; /* "": the system's certificates */
    uint32_t interval_s, full_interval_s;
    uint32_t timeout_s; /* of one request */
    unsigned page_size;
    char filter[512]; /* of devices, as it stands in a URL: "role=hypervisor&site=par1"; "": all */
    struct netbox_image_rule image[NETBOX_RULES];
    size_t image_n;
    struct netbox_gateway gateway;
    char arm_status[NETBOX_STATUSES][16]; /* a device in one of these may be armed by its image */
    size_t arm_status_n;
    unsigned max_drop; /* percent of the devices: a sync that would take away more stops, and asks */
    bool webhook;      /* the api server takes NetBox's webhooks, so that polling is the second way only */
    struct {           /* what NetBox is told: nothing, where nothing is said */
        bool status, journal;
        char release_field[NETBOX_NAME], hardware_field[NETBOX_NAME]; /* custom fields; "": not written */
    } write;
};

#endif
