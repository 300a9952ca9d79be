/* Inventory files: whatever the bytes, an error with its place, or devices that can be read back; never a
 * crash. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "inventory/import.h"

static struct store *store;

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static char dir[] = "/tmp/rackstrap-fuzz-import-XXXXXX";

static void remove_dir(void)
{
    store_close(store);
    dir_remove(dir, NULL);
}

/* One device and one release that an input can collide with and assign. Everything after is undone. */
int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc;
    (void)argv;
    struct device d = {.name = "hv-00", .interfaces_n = 1};
    d.interfaces[0] = (struct interface){.name = "eno1", .mac = mac_from_u64(UINT64_C(0x525400000000))};
    struct release r = {.image = "debian-12", .version = "v1", .disk_size = 1};
    memset(r.digest, 'a', 64);
    if (!mkdtemp(dir) || store_open(dir, &store, NULL) < 0 || device_put(store, &d, "fuzz", NULL, NULL) < 0 ||
        release_put(store, &r, "fuzz", NULL) < 0) {
        abort();
    }
    atexit(remove_dir);
    return 0;
}

static int read_back(const struct device *d, void *ctx)
{
    (void)ctx;
    struct err e;
    assert(device_check(d, &e) == 0);
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct import_options o = {.actor = "fuzz", .job_expiry_s = 60, .wipe_limit = 2};
    struct import_result r;
    struct err e = {0};
    if (store_begin(store, NULL) < 0) {
        abort();
    }
    if (import_text(store, "f", (const char *)data, n, &o, 0, &r, &e) < 0) {
        assert(e.kind != ERR_NONE && (strncmp(e.text, "f:", 2) == 0));
    } else if (device_each(store, NULL, read_back, NULL, NULL) < 0) {
        abort();
    }
    store_rollback(store);
    return 0;
}
