/* io_loader: which loader is offered, by what is in the folder and by the NIC's ladder in a real store. */
#include "tests/dhcpd/build.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/file.h"
#include "dhcpd/io_loader.h"

#define T0     INT64_C(1795255200000)
#define MINUTE INT64_C(60000)

static struct {
    char dir[64];
    struct store *store;
    struct dhcpd_config cfg;
    struct loaders *loaders;
    struct scribe *scribe;
    int64_t device_id;
} w;

static int setup(void **state)
{
    struct device d = {.name = "hv-01", .interfaces_n = 1};
    (void)state;
    memset(&w, 0, sizeof w);
    strcpy(w.dir, "/tmp/rackstrap-loader-XXXXXX");
    assert_non_null(mkdtemp(w.dir));
    d.interfaces[0] = (struct interface){.name = "eno1", .mac = {{0x52, 0x54, 0, 0, 0, 1}}, .primary = true};
    assert_int_equal(store_open(w.dir, &w.store, NULL), 0);
    assert_int_equal(device_put(w.store, &d, "test", &w.device_id, NULL), 0);
    snprintf(w.cfg.loaders, sizeof w.cfg.loaders, "%s/tftp", w.dir);
    w.cfg.loader_timeout = 60;
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    store_close(w.store);
    return dir_remove(w.dir, NULL);
}

static void put_file(const char *name)
{
    char path[400];
    assert_int_equal(dir_make(w.cfg.loaders, 0755, NULL), 0);
    snprintf(path, sizeof path, "%s/%s", w.cfg.loaders, name);
    assert_int_equal(file_write(path, "x", 1, 0644, NULL), 0);
}

/* What a client of this architecture is offered; "" for an address alone. */
static const char *offered(uint16_t arch, const char *user, int64_t device_id, int64_t at_ms)
{
    static struct facts f;
    struct packet p = packet_new();
    struct request q;
    OPTION(&p, 53, MSG_DISCOVER);
    OPTION_TEXT(&p, 60, "PXEClient");
    OPTION(&p, 93, (uint8_t)(arch >> 8), (uint8_t)arch);
    if (user)
        packet_option(&p, 77, user, strlen(user));
    assert_int_equal(message_parse(packet_span(&p), &q), DROP_NONE);
    f = (struct facts){.at_ms = at_ms};
    assert_int_equal(scribe_open(w.dir, &w.scribe, NULL), 0);
    w.loaders = loaders_new(&w.cfg, w.store, w.scribe);
    assert_int_equal(loaders_choose(w.loaders, &q, device_id, &f), 0);
    loaders_write(w.loaders, at_ms);
    scribe_close(w.scribe); /* now it is written */
    loaders_free(w.loaders);
    if (!f.loader[0] && q.client->via != VIA_SCRIPT)
        assert_ptr_equal(q.client, &client_unknown);
    return f.loader;
}

static void only_what_is_there(void **state)
{
    (void)state;
    assert_string_equal(offered(7, NULL, 0, T0), "ipxe.efi"); /* no folder: it is served elsewhere */
    put_file("snponly.efi");
    assert_string_equal(offered(7, NULL, 0, T0), "snponly.efi");
    assert_string_equal(offered(7, NULL, w.device_id, T0), "snponly.efi");
    put_file("ipxe.efi");
    assert_string_equal(offered(7, NULL, 0, T0), "ipxe.efi");
    assert_string_equal(offered(11, NULL, 0, T0), ""); /* none for ARM64 */
    assert_string_equal(offered(2, NULL, 0, T0), "");
}

static void climbs(void **state)
{
    struct mac mac = {{0x52, 0x54, 0, 0, 0, 1}};
    (void)state;
    put_file("ipxe.efi");
    put_file("snponly.efi");
    assert_string_equal(offered(7, NULL, w.device_id, T0), "ipxe.efi");
    assert_int_equal(ladder_note_fetched(w.store, w.device_id, mac, "ipxe.efi", T0, NULL), 0);
    assert_string_equal(offered(7, NULL, w.device_id, T0 + MINUTE), "snponly.efi");
    assert_string_equal(offered(7, NULL, 0, T0 + MINUTE), "ipxe.efi"); /* a stranger has no ladder */
    assert_int_equal(ladder_note_fetched(w.store, w.device_id, mac, "snponly.efi", T0 + MINUTE, NULL), 0);
    assert_string_equal(offered(7, "iPXE", w.device_id, T0 + MINUTE + 1000), "");
    assert_string_equal(offered(7, NULL, w.device_id, T0 + 5 * MINUTE), "snponly.efi");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(only_what_is_there, setup, teardown),
        cmocka_unit_test_setup_teardown(climbs, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
