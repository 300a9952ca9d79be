/* Whatever answers as NetBox: any bytes as a page, and each of its objects as every kind. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "netbox/map.h"
#include "netbox/page.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void map_all(const json_t *o)
{
    static const struct netbox_config config = {.image = {{.by = NETBOX_IMAGE_FIELD, .name = "image"}},
                                                .image_n = 1,
                                                .gateway = {.by = NETBOX_GATEWAY_FIELD, .name = "gateway"}};
    for (int k = 0; k < SYNC_KINDS; k++) {
        struct mapped m;
        struct err e;
        if (map_object(&config, (enum sync_kind)k, o, &m, &e) == 0 &&
            (m.row.id <= 0 || m.row.n > SYNC_COLUMNS)) {
            abort();
        }
        mapped_free(&m);
        map_device((enum sync_kind)k, o);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct page_walk start = {.start = "http://netbox.example/api/dcim/devices/", .limit = 50};
    struct page_walk w = start;
    json_t *page, *results, *o;
    char next[PAGE_URL_MAX], reason[256];
    struct err e;
    size_t i;

    page_reason(span_of(data, size), reason, sizeof reason);
    if (page_read(&w, span_of(data, size), &page, &results, next, &e) < 0) {
        return 0;
    }
    if (*next && !page_same_list(w.start, next)) {
        abort();
    }
    json_array_foreach(results, i, o)
    {
        map_all(o);
    }
    json_decref(page);
    return 0;
}
