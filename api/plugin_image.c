/* plugin_image: images and their releases. They are everybody's; what is counted is what the asker sees. */
#include "api/plugin.h"

static json_t *show_image(struct call *c, int64_t id, struct err *e)
{
    struct image m;
    if (image_get(c->store, id, c->who.tenant_id, &m, e))
        return NULL;
    return json_pack("{s:I, s:o, s:s, s:s, s:o, s:I, s:I}", "id", (json_int_t)id, "url",
                     json_url(c, PLUGIN "images/", id), "display", m.name, "name", m.name, "newest_release",
                     json_release(c, m.newest_release_id), "release_count", (json_int_t)m.releases,
                     "device_count", (json_int_t)m.assigned);
}

static json_t *image_brief(struct call *c, const char *name)
{
    struct listing l = {0};
    int64_t id = 0;
    size_t n = 0;
    json_t *names = json_pack("[s]", name);
    char *list = json_dumps(names, JSON_COMPACT);
    l.any[LISTING_IMAGE] = list;
    listing_page(c->store, LISTING_IMAGES, &l, &(struct listing_page){.limit = 1}, &id, &n, NULL);
    free(list);
    json_decref(names);
    return json_pack("{s:I, s:o, s:s, s:s}", "id", (json_int_t)id, "url", json_url(c, PLUGIN "images/", id),
                     "display", name, "name", name);
}

static json_t *show_release(struct call *c, int64_t id, struct err *e)
{
    struct release r;
    int64_t devices = 0;
    if (release_get(c->store, id, &r, e) || release_devices(c->store, id, c->who.tenant_id, &devices, e))
        return NULL;
    return json_pack("{s:I, s:o, s:o, s:o, s:s, s:s, s:I, s:I, s:I, s:I, s:o}", "id", (json_int_t)id, "url",
                     json_url(c, PLUGIN "releases/", id), "display",
                     json_sprintf("%s@%s", r.image, r.version), "image", image_brief(c, r.image), "version",
                     r.version, "digest", r.digest, "disk_size", (json_int_t)r.disk_size, "data_size",
                     (json_int_t)r.data_size, "pack_size", (json_int_t)r.pack_size, "device_count",
                     (json_int_t)devices, "created", json_time(r.created_ms));
}

static const struct kind_filter image_filters[] = {
    {"id", KIND_FILTER_NUMBER, LISTING_ID}, {"name", KIND_FILTER_TEXT, LISTING_IMAGE}, {0}};
static const struct kind images = {.noun = "Image",
                                   .path = PLUGIN "images/",
                                   .listing = LISTING_IMAGES,
                                   .filters = image_filters,
                                   .name_order = "name",
                                   .by_name = true,
                                   .show = show_image};

static const struct kind_filter release_filters[] = {{"id", KIND_FILTER_NUMBER, LISTING_ID},
                                                     {"image", KIND_FILTER_TEXT, LISTING_IMAGE},
                                                     {"version", KIND_FILTER_TEXT, LISTING_WORD},
                                                     {"digest", KIND_FILTER_TEXT, LISTING_KEY},
                                                     {"created__gte", KIND_FILTER_SINCE, 0},
                                                     {"created__lte", KIND_FILTER_UNTIL, 0},
                                                     {0}};
static const struct kind releases = {.noun = "Release",
                                     .path = PLUGIN "releases/",
                                     .listing = LISTING_RELEASES,
                                     .filters = release_filters,
                                     .name_order = "image",
                                     .newest_first = true,
                                     .show = show_release};

void plugin_images(struct call *c)
{
    kind_list(c, &images);
}

void plugin_image(struct call *c)
{
    kind_detail(c, &images);
}

void plugin_releases(struct call *c)
{
    kind_list(c, &releases);
}

void plugin_release(struct call *c)
{
    kind_detail(c, &releases);
}
