/* select: the text that picks devices, parsed. Pure; device_each uses it. The syntax is in device.h. */
#ifndef INVENTORY_SELECT_H
#define INVENTORY_SELECT_H

#include "inventory/device.h"

#define SELECT_MAX 16 /* key=value pairs */

enum select_key {
    SELECT_NAME,
    SELECT_SITE,
    SELECT_RACK,
    SELECT_TENANT,
    SELECT_ROLE,
    SELECT_PLATFORM,
    SELECT_MODEL,
    SELECT_STATUS,
    SELECT_IMAGE,
    SELECT_MAC
};

struct select_term {
    enum select_key key;
    char text[ASSIGNED_SIZE];
    struct mac mac;          /* of SELECT_MAC */
    enum device_state state; /* of SELECT_STATUS */
};

struct selector {
    bool by_name; /* a list of names; else terms, none of which means all devices */
    size_t n;
    struct select_term terms[SELECT_MAX];
};

int select_parse(const char *text, struct selector *ret, struct err *e);
bool select_matches(const struct selector *sel, const struct device *d);

/* The next item of a list with commas, without the blanks around it. Moves *at; false at the end. ERR-free: a
 * long item is cut to size - 1, which no name is. */
bool select_item(const char **at, char *buf, size_t size);

#endif
