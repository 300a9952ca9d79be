/* drops: the packets that dhcpd did not answer. */
#include "base/str.h"
#include "inventory/device.h"
#include "inventory/silence.h"
#include "rackstrap/commands.h"
#include "rackstrap/out.h"

struct drop_rows {
    struct store *s;
    json_t *rows;
};

static int add_drop(const struct silence *x, void *ctx)
{
    struct drop_rows *r = ctx;
    struct device d;
    char mac[MAC_STR] = "";
    bool known = mac_to_u64(x->mac) && device_by_mac(r->s, x->mac, &d, NULL) == 0;
    if (mac_to_u64(x->mac))
        mac_format(x->mac, mac);
    json_array_append_new(r->rows, json_pack("{s:o, s:o, s:o, s:o, s:I, s:o, s:o}", "mac", out_text(mac),
                                             "device", known ? json_string(d.name) : json_null(), "reason",
                                             out_string(x->reason), "sentence", out_string(x->sentence),
                                             "times", (json_int_t)x->times, "first", out_time(x->first_ms),
                                             "last", out_time(x->last_ms)));
    return 0;
}

int cmd_drops(const struct args *a, const struct config *c, struct err *e)
{
    static const struct column columns[] = {
        {"last", "LAST", COLUMN_TIME},     {"mac", "MAC", COLUMN_TEXT},     {"device", "DEVICE", COLUMN_TEXT},
        {"reason", "REASON", COLUMN_TEXT}, {"times", "TIMES", COLUMN_TEXT}, {"sentence", "WHY", COLUMN_TEXT}};
    struct drop_rows r = {.rows = json_array()};
    int rc = -1;
    if (!open_store(c, &r.s, e) && !silence_each(r.s, add_drop, &r, e)) {
        out_rows(json_incref(r.rows), columns, sizeof columns / sizeof *columns, a->json,
                 "each packet was answered");
        rc = 0;
    }
    store_close(r.s);
    json_decref(r.rows);
    return rc;
}
