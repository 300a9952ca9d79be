/* export: the inventory as the file that import takes.
 *
 * What stands in it is what differs from what a new object has, in a fixed order: the same inventory is the
 * same bytes. Importing it into the same store changes nothing. It is read and written piece by piece, all of
 * one moment. */
#ifndef INVENTORY_EXPORT_H
#define INVENTORY_EXPORT_H

#include <stdio.h>

#include "inventory/store.h"

/* selector: NULL for the whole inventory; else the devices that match alone, and the definitions of the
 * custom fields. */
int export_write(struct store *s, const char *selector, FILE *to, struct err *e);

#endif
