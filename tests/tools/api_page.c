/* api_page DEVICES [STATE_DIR]: how long answers of the API take, over a store with so many devices of four
 * interfaces: the median of nine calls, in milliseconds of this process's CPU time and of the wall clock. A
 * store that is there already is read as it is. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "api/api.h"
#include "base/file.h"
#include "inventory/api_token.h"
#include "inventory/device.h"

#define CALLS 9

static void must(int rc, const struct err *e)
{
    if (!rc)
        return;
    fprintf(stderr, "api_page: %s\n", e->text);
    exit(1);
}

static double ms(clockid_t clock)
{
    struct timespec t;
    clock_gettime(clock, &t);
    return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static void put_one(struct store *s, unsigned i)
{
    struct err e;
    struct device d = {.interfaces_n = 4};
    snprintf(d.name, sizeof d.name, "node%06u", i);
    snprintf(d.rack, sizeof d.rack, "r%04u", i / 40);
    str_copy(d.site, sizeof d.site, "par1");
    str_copy(d.role, sizeof d.role, "compute");
    str_copy(d.tenant, sizeof d.tenant, "ops");
    str_copy(d.platform, sizeof d.platform, "debian-12");
    str_copy(d.model, sizeof d.model, "R640");
    for (unsigned k = 0; k < 4; k++) {
        d.interfaces[k].mac = mac_from_u64(UINT64_C(0x525400000000) + 4 * i + k);
        snprintf(d.interfaces[k].name, sizeof d.interfaces[k].name, "eno%u", k + 1);
    }
    d.interfaces[0].primary = d.interfaces[0].has_address = true;
    d.interfaces[0].address = (struct ip4_if){.ip = {0x0a000001 + i}, .len = 8};
    must(device_put(s, &d, "bench", &(int64_t){0}, &e), &e);
}

static void fill(struct store *s, unsigned devices)
{
    struct err e;
    must(store_begin(s, &e), &e);
    for (unsigned i = 0; i < devices; i++)
        put_one(s, i);
    must(store_commit(s, &e), &e);
}

static int by_size(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static void measure(struct api *a, const char *authorization, const char *url)
{
    double cpu[CALLS], wall[CALLS];
    const char *query = strchr(url, '?');
    size_t bytes = 0;
    int status = 0;
    for (size_t i = 0; i < CALLS; i++) {
        struct api_response r;
        struct api_request q = {.method = API_GET,
                                .path = span_of(url, query ? (size_t)(query - url) : strlen(url)),
                                .query = span_str(query ? query + 1 : ""),
                                .authorization = span_str(authorization),
                                .base_url = "http://boot.example:8080",
                                .at_ms = now_ms()};
        api_response_init(&r);
        double c = ms(CLOCK_PROCESS_CPUTIME_ID), w = ms(CLOCK_MONOTONIC);
        api_call(a, &q, &r);
        cpu[i] = ms(CLOCK_PROCESS_CPUTIME_ID) - c, wall[i] = ms(CLOCK_MONOTONIC) - w;
        bytes = r.body.len, status = r.status;
        api_response_free(&r);
    }
    qsort(cpu, CALLS, sizeof *cpu, by_size);
    qsort(wall, CALLS, sizeof *wall, by_size);
    printf("%-58s %3d %9zu %9.2f %9.2f\n", url, status, bytes, cpu[CALLS / 2], wall[CALLS / 2]);
}

int main(int argc, char **argv)
{
    static const char *const urls[] = {"/api/dcim/devices/?limit=1000",
                                       "/api/dcim/devices/?limit=1000&offset=50000",
                                       "/api/dcim/devices/?limit=1000&start=50000",
                                       "/api/dcim/devices/?limit=1000&brief=1",
                                       "/api/dcim/devices/1/",
                                       "/api/dcim/devices/?name=node001000",
                                       "/api/dcim/devices/?mac_address=52:54:00:00:10:01",
                                       "/api/dcim/devices/?q=node0010",
                                       "/api/dcim/devices/?site=par1&limit=1",
                                       "/api/dcim/interfaces/?limit=1000",
                                       "/api/dcim/interfaces/?device_id=5",
                                       "/api/dcim/mac-addresses/?mac_address=52:54:00:00:10:01",
                                       "/api/ipam/ip-addresses/?limit=1000&assigned_to_interface=true",
                                       "/api/dcim/racks/?limit=1000",
                                       "/api/dcim/sites/",
                                       "/api/schema/"};
    char dir[] = "/tmp/rackstrap-api-page-XXXXXX", text[API_TOKEN_TEXT], authorization[API_TOKEN_TEXT + 8];
    struct store *s;
    struct err e;
    unsigned devices = argc > 1 ? (unsigned)strtoul(argv[1], NULL, 10) : 10000;
    if (argc < 3 && !mkdtemp(dir))
        return 1;
    must(store_open(argc < 3 ? dir : argv[2], &s, &e), &e);
    if (argc < 3)
        fill(s, devices);
    struct api_token token = {.rights = RIGHT_READ};
    snprintf(token.name, sizeof token.name, "bench-%lld", (long long)now_ms());
    must(api_token_create(s, &token, "bench", now_ms(), text, &e), &e);
    snprintf(authorization, sizeof authorization, "Bearer %s", text);
    struct api_config cfg = {.state_dir = dir};
    struct api *a = api_new(s, &cfg);
    printf("%-58s %3s %9s %9s %9s\n", "GET", "", "bytes", "CPU ms", "wall ms");
    for (size_t i = 0; i < sizeof urls / sizeof *urls; i++)
        measure(a, authorization, urls[i]);
    api_free(a);
    store_close(s);
    if (argc < 3)
        must(dir_remove(dir, &e), &e);
    return 0;
}
