/* commands: what each command of the command line does. The table of them is in main.c. Each returns 0, or -1
 * with a reason. */
#ifndef RACKSTRAP_COMMANDS_H
#define RACKSTRAP_COMMANDS_H

#include <jansson.h>

#include "inventory/lease.h"
#include "rackstrap/args.h"

typedef int command_fn(const struct args *a, const struct config *c, struct err *e);

command_fn cmd_serve, cmd_check_config;
command_fn cmd_import, cmd_export, cmd_assign, cmd_cancel;
command_fn cmd_device_list, cmd_device_show, cmd_device_protect, cmd_device_unprotect,
    cmd_device_reset_loader, cmd_device_remove;
command_fn cmd_why, cmd_ip, cmd_lint, cmd_lease_list, cmd_inventory;
command_fn cmd_token_create, cmd_token_list, cmd_token_revoke;
command_fn cmd_events, cmd_drops, cmd_journal_verify, cmd_journal_export;
command_fn cmd_image_build, cmd_image_frame, cmd_image_list, cmd_image_show, cmd_netboot_build;

/* The number of the device, or of the one that was removed and had the name or MAC address: its timeline
 * stays, and standard error says so. */
int timeline_of(struct store *s, const char *ref, int64_t *ret_id, struct err *e);

/* A lease as an object, with its device; live ones that ran out are expired. */
json_t *lease_json(const struct lease *x, struct store *s);

/* Where NetBox shows an object that came from there: "https://netbox.example/dcim/devices/5/"; without an
 * address in the configuration "dcim/devices/5"; null for 0. */
json_t *netbox_url(const struct config *c, const char *kind, int64_t id);
command_fn cmd_sync_netbox;

#endif
