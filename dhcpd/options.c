#include "dhcpd/options.h"

#include <ctype.h>
#include <string.h>

static const struct option_row rows[] = {
    {.code = 1, .name = "subnet-mask", .type = TYPE_IP4},
    {.code = 2, .name = "time-offset", .type = TYPE_U32},
    {.code = 3, .name = "router", .type = TYPE_IP4S},
    {.code = 4, .name = "time-server", .type = TYPE_IP4S},
    {.code = 6, .name = "dns-server", .type = TYPE_IP4S, .spare = 2},
    {.code = 7, .name = "log-server", .type = TYPE_IP4S, .spare = 9},
    {.code = 12, .name = "host-name", .type = TYPE_TEXT, .spare = 5},
    {.code = 13, .name = "boot-size", .type = TYPE_U16, .spare = 9},
    {.code = 15, .name = "domain", .type = TYPE_TEXT, .spare = 4},
    {.code = 17, .name = "root-path", .type = TYPE_TEXT, .spare = 3},
    {.code = 26, .name = "mtu", .type = TYPE_U16, .spare = 9},
    {.code = 28, .name = "broadcast", .type = TYPE_IP4, .spare = 8},
    {.code = 42, .name = "ntp-server", .type = TYPE_IP4S, .spare = 6},
    {.code = 43, .name = "vendor", .type = TYPE_BYTES},
    {.code = 50, .name = "requested-address", .type = TYPE_IP4},
    {.code = 51, .name = "lease-time", .type = TYPE_U32},
    {.code = 52, .name = "overload", .type = TYPE_U8},
    {.code = 53, .name = "message-type", .type = TYPE_U8},
    {.code = 54, .name = "server-id", .type = TYPE_IP4},
    {.code = 55, .name = "parameter-list", .type = TYPE_CODES},
    {.code = 56, .name = "message", .type = TYPE_TEXT, .spare = 9},
    {.code = 57, .name = "max-message-size", .type = TYPE_U16},
    {.code = 58, .name = "renewal-time", .type = TYPE_U32, .spare = 7},
    {.code = 59, .name = "rebinding-time", .type = TYPE_U32, .spare = 7},
    {.code = 60, .name = "vendor-class", .type = TYPE_TEXT},
    {.code = 61, .name = "client-id", .type = TYPE_BYTES, .min = 1},
    {.code = 66, .name = "tftp-server", .type = TYPE_TEXT},
    {.code = 67, .name = "bootfile", .type = TYPE_TEXT},
    {.code = 77, .name = "user-class", .type = TYPE_BYTES, .min = 1},
    {.code = 80, .name = "rapid-commit", .type = TYPE_FLAG},
    {.code = 81, .name = "fqdn", .type = TYPE_BYTES, .min = 3},
    {.code = 82, .name = "relay-info", .type = TYPE_BYTES, .min = 2},
    {.code = 93, .name = "client-arch", .type = TYPE_U16S},
    {.code = 94, .name = "client-ndi", .type = TYPE_BYTES, .min = 3, .max = 3},
    {.code = 97, .name = "machine-id", .type = TYPE_BYTES, .min = 1, .spare = 6},
    {.code = 116, .name = "auto-config", .type = TYPE_U8},
    {.code = 118, .name = "subnet-selection", .type = TYPE_IP4},
    {.code = 119, .name = "domain-search", .type = TYPE_BYTES, .spare = 5},
    {.code = 121, .name = "classless-routes", .type = TYPE_BYTES, .min = 5},
    {.code = 124, .name = "vendor-class-id", .type = TYPE_BYTES, .min = 5},
    {.code = 125, .name = "vendor-options", .type = TYPE_BYTES, .min = 5},
    {.code = 145, .name = "forcerenew", .type = TYPE_BYTES, .min = 1},
    {.code = 150, .name = "tftp-servers", .type = TYPE_IP4S},
    {.code = 175, .name = "ipxe", .type = TYPE_BYTES, .min = 2},
};

const struct option_row *option_row(uint8_t code)
{
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (rows[i].code == code)
            return &rows[i];
    return NULL;
}

static const struct {
    uint8_t unit;
    bool list;
} types[] = {
    [TYPE_BYTES] = {1, true}, [TYPE_FLAG] = {0, false}, [TYPE_U8] = {1, false},  [TYPE_U16] = {2, false},
    [TYPE_U32] = {4, false},  [TYPE_IP4] = {4, false},  [TYPE_U16S] = {2, true}, [TYPE_IP4S] = {4, true},
    [TYPE_TEXT] = {1, true},  [TYPE_CODES] = {1, true},
};

bool option_length_ok(const struct option_row *row, size_t n)
{
    size_t unit = types[row->type].unit;
    if (!types[row->type].list)
        return n == unit;
    if (row->type != TYPE_BYTES && n == 0)
        return false;
    return n % unit == 0 && n >= row->min && (!row->max || n <= row->max);
}

/* Decoding
 * ------------------------------------------------------------------------------------------------------------
 */

struct option_iter option_iter(struct span area, bool plain)
{
    return (struct option_iter){.r = reader_of(area), .plain = plain};
}

bool option_next(struct option_iter *it, uint8_t *ret_code, struct span *ret_value)
{
    while (reader_left(&it->r)) {
        uint8_t code = read_u8(&it->r);
        if (!it->plain && code == OPT_PAD)
            continue;
        if (!it->plain && code == OPT_END)
            return false;
        uint8_t len = read_u8(&it->r);
        struct span value = read_span(&it->r, len);
        it->bad = it->r.bad;
        if (it->bad)
            return false;
        *ret_code = code;
        *ret_value = value;
        return true;
    }
    return false;
}

/* RFC 3396: a code that comes again goes on where it stopped. */
static int join(struct options *o, uint8_t code, struct span more)
{
    struct span had = o->value[code];
    if (sizeof o->joined - o->joined_n < had.n + more.n)
        return -1;
    uint8_t *to = o->joined + o->joined_n;
    if (had.n)
        memcpy(to, had.p, had.n);
    if (more.n)
        memcpy(to + had.n, more.p, more.n);
    o->joined_n += had.n + more.n;
    o->value[code] = span_of(to, had.n + more.n);
    return 0;
}

static int decode_area(struct options *o, struct span area)
{
    struct option_iter it = option_iter(area, false);
    uint8_t code;
    struct span value;
    while (option_next(&it, &code, &value)) {
        if (o->has[code] && join(o, code, value))
            return -1;
        if (!o->has[code])
            o->value[code] = value;
        o->has[code] = true;
    }
    return it.bad ? -1 : 0;
}

static void leave_out_odd(struct options *o)
{
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        uint8_t code = rows[i].code;
        if (!o->has[code] || option_length_ok(&rows[i], o->value[code].n))
            continue;
        o->has[code] = false;
        o->value[code] = (struct span){0};
    }
}

int options_decode(struct span main, struct span file, struct span sname, struct options *ret)
{
    memset(ret, 0, sizeof *ret);
    if (decode_area(ret, main))
        return -1;
    uint8_t overload =
        ret->has[OPT_OVERLOAD] && ret->value[OPT_OVERLOAD].n == 1 ? ret->value[OPT_OVERLOAD].p[0] : 0;
    if (overload & 1 && decode_area(ret, file))
        return -1;
    if (overload & 2 && decode_area(ret, sname))
        return -1;
    leave_out_odd(ret);
    return 0;
}

uint8_t option_u8(const struct options *o, uint8_t code, uint8_t absent)
{
    struct reader r = reader_of(o->value[code]);
    uint8_t v = read_u8(&r);
    return r.bad ? absent : v;
}

uint16_t option_u16(const struct options *o, uint8_t code, uint16_t absent)
{
    struct reader r = reader_of(o->value[code]);
    uint16_t v = read_be16(&r);
    return r.bad ? absent : v;
}

struct ip4 option_ip4(const struct options *o, uint8_t code)
{
    struct reader r = reader_of(o->value[code]);
    uint32_t a = read_be32(&r);
    return (struct ip4){r.bad ? 0 : a};
}

/* Dumping
 * -------------------------------------------------------------------------------------------------------------
 */

static void dump_number(struct reader *r, enum option_type type, struct str *ret)
{
    char ip[IP4_STR];
    switch (types[type].unit) {
    case 1:
        str_addf(ret, "%u", read_u8(r));
        break;
    case 2:
        str_addf(ret, "%u", read_be16(r));
        break;
    default:
        if (type == TYPE_U32)
            str_addf(ret, "%u", read_be32(r));
        else
            str_add(ret, ip4_format((struct ip4){read_be32(r)}, ip));
    }
}

static void dump_value(enum option_type type, struct span v, struct str *ret)
{
    struct reader r = reader_of(v);
    for (size_t i = 0; reader_left(&r) && !r.bad; i++) {
        if (type == TYPE_TEXT) {
            uint8_t c = read_u8(&r);
            str_addf(ret, isprint(c) && c != ' ' ? "%c" : "\\x%02x", c);
        } else if (type == TYPE_BYTES) {
            str_addf(ret, "%02x", read_u8(&r));
        } else {
            str_add(ret, i ? "," : "");
            dump_number(&r, type, ret);
        }
    }
}

void options_dump(const struct options *o, struct str *ret)
{
    for (unsigned code = 0; code < 256; code++) {
        if (!o->has[code])
            continue;
        const struct option_row *row = option_row((uint8_t)code);
        str_addf(ret, "%s%u %s=", ret->len ? " " : "", code, row ? row->name : "unknown");
        dump_value(row ? row->type : TYPE_BYTES, o->value[code], ret);
    }
}

/* Encoding
 * ------------------------------------------------------------------------------------------------------------
 */

void option_put_lent(struct option_list *l, uint8_t code, struct span value)
{
    if (l->n == OPTION_LIST_MAX) {
        l->full = true;
        return;
    }
    l->v[l->n].code = code;
    l->v[l->n].value = value;
    l->n++;
}

void option_put(struct option_list *l, uint8_t code, struct span value)
{
    if (sizeof l->bytes - l->bytes_n < value.n) {
        l->full = true;
        return;
    }
    uint8_t *to = l->bytes + l->bytes_n;
    if (value.n)
        memcpy(to, value.p, value.n);
    l->bytes_n += value.n;
    option_put_lent(l, code, span_of(to, value.n));
}

void option_put_u8(struct option_list *l, uint8_t code, uint8_t v)
{
    option_put(l, code, span_of(&v, 1));
}

void option_put_u32(struct option_list *l, uint8_t code, uint32_t v)
{
    option_put_ip4s(l, code, &(struct ip4){v}, 1);
}

void option_put_ip4s(struct option_list *l, uint8_t code, const struct ip4 *v, size_t n)
{
    uint8_t buf[4 * 32];
    struct writer w = writer_of(buf, sizeof buf);
    for (size_t i = 0; i < n; i++)
        write_be32(&w, v[i].a);
    l->full |= w.full;
    option_put(l, code, span_of(buf, writer_used(&w)));
}

void option_put_text(struct option_list *l, uint8_t code, const char *s)
{
    option_put(l, code, span_str(s));
}

static int sort_key(uint8_t code)
{
    return code == OPT_TYPE ? -1 : code == OPT_RELAY_INFO ? 256 : code;
}

static void sort(struct option_list *l)
{
    for (size_t i = 1; i < l->n; i++)
        for (size_t j = i; j > 0 && sort_key(l->v[j - 1].code) > sort_key(l->v[j].code); j--) {
            __typeof__(l->v[0]) t = l->v[j];
            l->v[j] = l->v[j - 1];
            l->v[j - 1] = t;
        }
}

/* A value longer than 255 bytes takes a header for each piece (RFC 3396). */
static size_t encoded_size(struct span value)
{
    size_t pieces = value.n ? (value.n + 254) / 255 : 1;
    return value.n + 2 * pieces;
}

static size_t list_size(const struct option_list *l)
{
    size_t n = 1;
    for (size_t i = 0; i < l->n; i++)
        n += encoded_size(l->v[i].value);
    return n;
}

static bool take_one_out(struct option_list *l)
{
    size_t worst = 0;
    uint8_t spare = 0;
    for (size_t i = 0; i < l->n; i++) {
        const struct option_row *row = option_row(l->v[i].code);
        if (row && row->spare > spare) {
            spare = row->spare;
            worst = i;
        }
    }
    if (!spare)
        return false;
    memmove(&l->v[worst], &l->v[worst + 1], (l->n - worst - 1) * sizeof l->v[0]);
    l->n--;
    return true;
}

static void encode_one(uint8_t code, struct span value, struct writer *w)
{
    struct reader r = reader_of(value);
    do {
        size_t n = reader_left(&r) > 255 ? 255 : reader_left(&r);
        write_u8(w, code);
        write_u8(w, (uint8_t)n);
        write_span(w, read_span(&r, n));
    } while (reader_left(&r));
}

int options_encode(struct option_list *l, struct writer *w, size_t room)
{
    if (l->full)
        return -1;
    sort(l);
    while (list_size(l) > room)
        if (!take_one_out(l))
            return -1;
    for (size_t i = 0; i < l->n; i++)
        encode_one(l->v[i].code, l->v[i].value, w);
    write_u8(w, OPT_END);
    return w->full ? -1 : 0;
}
