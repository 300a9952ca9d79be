/* Any bytes as the program's configuration: an error with its place, or values that the servers can live
 * with. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/file.h"
#include "rackstrap/config.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Files that the configuration names are read; those that a fuzzer may find are not all files. */
static bool names_a_device(const uint8_t *p, size_t n)
{
    return memmem(p, n, "/dev", 4) || memmem(p, n, "/proc", 5) || memmem(p, n, "/sys", 4) ||
           memmem(p, n, "/run", 4) || memmem(p, n, "..", 2);
}

static void check(const struct config *c)
{
    if (c->state_dir[0] != '/' || c->log_level > LOG_LVL_ERROR || !c->wipe_limit)
        abort();
    if (c->has_dhcp && (!c->dhcp.interfaces_n || c->dhcp.lease_time < 60))
        abort();
    if (c->has_api && ((!c->api_http.port && !c->api_http.tls.port) || !c->api.body_max))
        abort();
    if (c->netbox.url[0] && (!c->netbox.token || !c->netbox.page_size || !c->netbox.interval_s))
        abort();
    for (size_t i = 0; i < c->dhcp.subnets_n; i++)
        for (size_t j = 0; j < c->dhcp.subnets[i].pool_n; j++)
            if (c->dhcp.subnets[i].pool[j].first.a > c->dhcp.subnets[i].pool[j].last.a ||
                !prefix_has(c->dhcp.subnets[i].prefix, c->dhcp.subnets[i].pool[j].first) ||
                !prefix_has(c->dhcp.subnets[i].prefix, c->dhcp.subnets[i].pool[j].last))
                abort();
    if (strcmp(c->enrol.driver, "none") != 0 && strcmp(c->enrol.driver, "salt") != 0)
        abort();
    if (c->http.authorized_keys_n > HTTPBOOT_MAX_KEYS || c->http.workers < 1 ||
        c->http.workers > HTTPBOOT_MAX_WORKERS)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char path[40];
    struct config *c = NULL;
    struct err e = {0};
    static int fd = -1;
    if (names_a_device(data, size))
        return 0;
    if (fd < 0)
        fd = memfd_create("config", MFD_CLOEXEC);
    if (fd < 0 || ftruncate(fd, 0) || pwrite_all(fd, data, size, 0))
        abort();
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    if (config_load(path, &c, &e) == 0)
        check(c);
    else if (c || e.kind != ERR_INPUT || strncmp(e.text, path, strlen(path)) != 0)
        abort();
    config_free(c);
    return 0;
}
