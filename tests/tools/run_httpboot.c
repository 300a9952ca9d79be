/* run_httpboot STATE_DIR PORT [seed]: the HTTP server alone, for tests with real clients.
 *
 * `seed` first puts an armed device hv-01 (52:54:00:00:00:01), an idle one hv-02 (52:54:00:00:00:02) and the
 * release that lies in STATE_DIR/images/aa..aa into the store. Strangers from 10.0.0.0/8 are discovered.
 * Debug log on standard error; with QUIET, warnings only. STALL_MS and PER_ADDRESS are the limits of those
 * names. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "httpboot/httpboot.h"
#include "inventory/device.h"
#include "inventory/job.h"
#include "tests/tools/confine.h"

static int put_device(struct store *s, const char *name, uint8_t last, int64_t *ret_id, struct err *e)
{
    struct device d = {.interfaces_n = 1};

    snprintf(d.name, sizeof d.name, "%s", name);
    d.interfaces[0] = (struct interface){.name = "eno1",
                                         .mac = {{0x52, 0x54, 0, 0, 0, last}},
                                         .has_address = true,
                                         .primary = true,
                                         .address = {{0x0a4d000au + last}, 24}};
    return device_put(s, &d, "test", ret_id, e);
}

static int seed(const char *state_dir, struct err *e)
{
    struct release r = {.image = "debian-12",
                        .version = "20261121T101500Z",
                        .disk_size = 1 << 20,
                        .pack_size = 10,
                        .created_ms = now_ms()};
    struct assign assign = {.release_ref = "debian-12", .actor = "test"};
    struct store *s = NULL;
    int64_t id, other;
    int rc = -1;

    memset(r.digest, 'a', DIGEST_HEX - 1);
    if (store_open(state_dir, &s, e) == 0 && release_put(s, &r, "test", e) == 0 &&
        put_device(s, "hv-01", 1, &id, e) == 0 && put_device(s, "hv-02", 2, &other, e) == 0)
        rc = job_assign(s, id, &assign, now_ms(), NULL, e);
    store_close(s);
    return rc;
}

static unsigned number_of(const char *variable)
{
    const char *text = getenv(variable);

    return text ? (unsigned)atoi(text) : 0;
}

int main(int argc, char **argv)
{
    struct httpboot_config *cfg = calloc(1, sizeof *cfg);
    struct httpboot *h = NULL;
    struct err e = {0};
    int rc = 1;

    if (argc < 3) {
        fprintf(stderr, "usage: run_httpboot STATE_DIR PORT [seed]\n");
        return 2;
    }
    log_setup("httpboot", getenv("QUIET") ? LOG_LVL_WARN : LOG_LVL_DEBUG, true);
    cfg->port = (uint16_t)atoi(argv[2]);
    cfg->stall_ms = number_of("STALL_MS");
    cfg->connections_per_address = number_of("PER_ADDRESS");
    cfg->streams_per_address = number_of("STREAMS_PER_ADDRESS");
    static const struct httpboot_unknown unknown = {.prefix = {{0x0a000000}, 8}, .unknown = UNKNOWN_DISCOVER};
    cfg->unknown = &unknown;
    cfg->unknown_n = 1;
    if ((argc < 4 || seed(argv[1], &e) == 0) && httpboot_open(cfg, &h, &e) == 0 &&
        confine("httpboot", argv[1], &e) == 0 && httpboot_serve(h, argv[1], &e) == 0)
        rc = 0;
    if (rc)
        fprintf(stderr, "run_httpboot: %s\n", e.text);
    httpboot_close(h);
    free(cfg);
    return rc;
}
