/* select: the text that picks devices, parsed. Pure; device_each (store_select.c) uses it. The syntax is in
 * device.h. A key is a row in select.c, and one in store_select.c. */
#ifndef INVENTORY_SELECT_H
#define INVENTORY_SELECT_H

#include "inventory/device.h"
#include "inventory/inet.h"

#define SELECT_MAX 16 /* key=value pairs */

enum select_key {
    SELECT_NAME,
    SELECT_SITE,
    SELECT_LOCATION,
    SELECT_RACK,
    SELECT_TENANT,
    SELECT_ROLE,
    SELECT_PLATFORM,
    SELECT_MANUFACTURER,
    SELECT_MODEL,
    SELECT_TAG,
    SELECT_STATUS,
    SELECT_STATE,
    SELECT_IMAGE,
    SELECT_RELEASE,
    SELECT_INSTALLED,
    SELECT_MAC,
    SELECT_ADDRESS,
    SELECT_SERIAL,
    SELECT_NETBOX,
    SELECT_KEYS
};

enum select_op { SELECT_IS, SELECT_FROM, SELECT_AFTER, SELECT_UNTIL, SELECT_BEFORE }; /* = >= > <= < */

struct select_term {
    enum select_key key;
    enum select_op op; /* others than SELECT_IS: of times */
    char text[ASSIGNED_SIZE];
    int64_t number;      /* of SELECT_INSTALLED, SELECT_MAC and SELECT_NETBOX */
    struct inet address; /* of SELECT_ADDRESS */
};
#define SELECT_NETBOX_ANY (-1) /* number of netbox=yes; 0 is netbox=no */

struct selector {
    bool by_name; /* a list of names; else terms, none of which means all devices */
    size_t n;
    struct select_term terms[SELECT_MAX];
};

int select_parse(const char *text, struct selector *ret, struct err *e);

/* The next item of a list with commas, without the blanks around it. Moves *at; false at the end. ERR-free: a
 * long item is cut to size - 1, which no name is. */
bool select_item(const char **at, char *buf, size_t size);

#endif
