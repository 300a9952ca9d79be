/* plugin_event: the journal. A tenant sees what is of its devices. */
#include "api/plugin.h"

static json_t *json_of(const char *text)
{
    json_t *v = *text ? json_loads(text, 0, NULL) : NULL;
    return v ? v : json_null();
}

static json_t *show_event(struct call *c, int64_t id, struct err *e)
{
    struct entry x;
    char hash[DIGEST_HEX];
    if (journal_get(c->store, id, &x, e))
        return NULL;
    return json_pack("{s:I, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:s}", "id",
                     (json_int_t)id, "url", json_url(c, PLUGIN "events/", id), "display", json_text(x.event),
                     "at", json_time(x.at_ms), "device", json_device(c, x.device_id), "device_name",
                     json_text(x.device), "mac_address", json_text(x.mac), "actor", json_text(x.actor),
                     "event", json_text(x.event), "detail", json_text(x.detail), "address",
                     json_text(x.address), "before", json_of(x.before), "after", json_of(x.after), "hash",
                     digest_format(x.hash, hash));
}

static const struct kind_filter filters[] = {{"id", KIND_FILTER_NUMBER, LISTING_ID},
                                             {"id__gt", KIND_FILTER_AFTER, 0},
                                             {"id__gte", KIND_FILTER_AFTER_OR, 0},
                                             {"id__lt", KIND_FILTER_BEFORE, 0},
                                             {"id__lte", KIND_FILTER_BEFORE_OR, 0},
                                             {"time_after", KIND_FILTER_SINCE, 0},
                                             {"time_before", KIND_FILTER_UNTIL, 0},
                                             {"device_id", KIND_FILTER_NUMBER, LISTING_DEVICE_ID},
                                             {"device", KIND_FILTER_TEXT, LISTING_DEVICE},
                                             {"mac_address", KIND_FILTER_MAC, LISTING_KEY},
                                             {"actor", KIND_FILTER_TEXT, LISTING_ACTOR},
                                             {"event", KIND_FILTER_TEXT, LISTING_WORD},
                                             {0}};
static const struct kind events = {.noun = "Event",
                                   .path = PLUGIN "events/",
                                   .listing = LISTING_EVENTS,
                                   .filters = filters,
                                   .name_order = "device",
                                   .show = show_event};

void plugin_events(struct call *c)
{
    kind_list(c, &events);
}

void plugin_event(struct call *c)
{
    kind_detail(c, &events);
}
