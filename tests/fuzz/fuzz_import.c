/* Inventory files: whatever the bytes, an error with its place, or devices that can be read back; never a
 * crash. What was taken is exported, and changes nothing when it is imported again; through another store it
 * comes back the same. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "inventory/export.h"
#include "inventory/import.h"

static struct store *store, *other;

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static char dir[] = "/tmp/rackstrap-fuzz-import-XXXXXX", other_dir[] = "/tmp/rackstrap-fuzz-import-XXXXXX";

static void remove_dir(void)
{
    store_close(store);
    store_close(other);
    dir_remove(dir, NULL);
    dir_remove(other_dir, NULL);
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
        release_put(store, &r, "fuzz", NULL) < 0 || !mkdtemp(other_dir) ||
        store_open(other_dir, &other, NULL) < 0 || release_put(other, &r, "fuzz", NULL) < 0) {
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

static char *exported(struct store *s)
{
    char *text = NULL;
    size_t n;
    struct err e = {0};
    FILE *f = open_memstream(&text, &n);
    if (!f || export_write(s, NULL, f, &e) < 0 || fclose(f) != 0) {
        fprintf(stderr, "%s\n", e.text);
        abort();
    }
    return text;
}

static struct import_result imported(struct store *s, const char *text)
{
    struct import_options o = {.actor = "fuzz", .job_expiry_s = 60, .wipe_limit = SIZE_MAX};
    struct import_result r = {0};
    struct err e = {0};
    if (import_text(s, "export", text, strlen(text), &o, 0, &r, &e) < 0) {
        fprintf(stderr, "%s\n%s\n", e.text, text);
        abort();
    }
    return r;
}

static void round_trip(void)
{
    char *text = exported(store);
    struct import_result r = imported(store, text);
    assert(r.devices_new + r.devices_changed + r.objects_new + r.objects_changed + r.armed == 0);
    if (store_begin(other, NULL) < 0) {
        abort();
    }
    imported(other, text);
    char *again = exported(other);
    assert(strcmp(text, again) == 0);
    store_rollback(other);
    free(again);
    free(text);
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
    } else {
        round_trip();
    }
    store_rollback(store);
    return 0;
}
