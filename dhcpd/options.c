#include "dhcpd/options.h"

#include <ctype.h>
#include <string.h>

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

static int keep(struct options *o, struct span bytes)
{
    if (sizeof o->joined - o->joined_n < bytes.n)
        return -1;
    if (bytes.n)
        memcpy(o->joined + o->joined_n, bytes.p, bytes.n);
    o->joined_n += bytes.n;
    return 0;
}

/* RFC 3396: a code that comes again goes on where it stopped. What was joined last grows where it is: the
 * pieces of an option follow each other, and are copied once. */
static int join(struct options *o, uint8_t code, struct span more)
{
    struct span had = o->value[code];
    const uint8_t *end = o->joined + o->joined_n;
    bool grows = had.n && had.p + had.n == end;
    if ((!grows && keep(o, had)) || keep(o, more))
        return -1;
    o->value[code] = span_of(grows ? had.p : end, had.n + more.n);
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
    for (unsigned code = 0; code < 256; code++) {
        const struct dhcp_row *row = o->has[code] ? dhcp_row((uint8_t)code) : NULL;
        if (!row || dhcp_length_ok(row, o->value[code].n))
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

void options_dump(const struct options *o, struct str *ret)
{
    for (unsigned code = 0; code < 256; code++) {
        if (!o->has[code])
            continue;
        const struct dhcp_row *row = dhcp_row((uint8_t)code);
        str_addf(ret, "%s%u %s=", ret->len ? " " : "", code, row ? row->name : "unknown");
        dhcp_value_format((uint8_t)code, o->value[code], ret);
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
    const struct dhcp_row *row = dhcp_row(code);
    l->v[l->n++] = (struct option_entry){.code = code, .spare = row ? row->spare : 0, .value = value};
}

static struct option_entry *find(struct option_list *l, uint8_t code)
{
    for (size_t i = 0; i < l->n; i++)
        if (l->v[i].code == code)
            return &l->v[i];
    return NULL;
}

const struct option_entry *option_in(const struct option_list *l, uint8_t code)
{
    return find((struct option_list *)l, code);
}

static void take_out(struct option_list *l, size_t i)
{
    memmove(&l->v[i], &l->v[i + 1], (l->n - i - 1) * sizeof l->v[0]);
    l->n--;
}

void option_drop(struct option_list *l, uint8_t code)
{
    struct option_entry *x = find(l, code);
    if (x)
        take_out(l, (size_t)(x - l->v));
}

void option_set(struct option_list *l, uint8_t code, struct span value)
{
    const uint8_t late = 2; /* what the table does not call spare is still not what a reply stands on */
    struct option_entry *x = find(l, code);
    if (!x && l->n >= OPTION_LIST_SET)
        return;
    if (!x) {
        option_put_lent(l, code, value);
        x = &l->v[l->n - 1];
    }
    x->value = value;
    if (x->spare < late)
        x->spare = late;
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
            struct option_entry t = l->v[j];
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

static bool take_one_out(struct option_list *l)
{
    size_t worst = 0;
    uint8_t spare = 0;
    for (size_t i = 0; i < l->n; i++)
        if (l->v[i].spare > spare) {
            spare = l->v[i].spare;
            worst = i;
        }
    if (!spare)
        return false;
    take_out(l, worst);
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

static bool main_only(uint8_t code)
{
    return code == OPT_TYPE || code == OPT_OVERLOAD || code == OPT_RELAY_INFO;
}

/* Where each option goes: whole into one area, the first that still has room for it. */
static bool lay_out(const struct option_list *l, const size_t room[OPTION_AREAS],
                    uint8_t area[OPTION_LIST_MAX])
{
    size_t used[OPTION_AREAS] = {1, 1, 1}; /* the END of each */
    for (size_t i = 0; i < l->n; i++) {
        area[i] = 0;
        used[0] += main_only(l->v[i].code) ? encoded_size(l->v[i].value) : 0;
    }
    for (size_t i = 0; i < l->n; i++) {
        size_t n = encoded_size(l->v[i].value), k = 0;
        if (main_only(l->v[i].code))
            continue;
        while (k < OPTION_AREAS && used[k] + n > room[k])
            k++;
        if (k == OPTION_AREAS)
            return false;
        used[k] += n;
        area[i] = (uint8_t)k;
    }
    return used[0] <= room[0];
}

static int encode_area(const struct option_list *l, const uint8_t area[OPTION_LIST_MAX], uint8_t which,
                       struct writer *w)
{
    for (size_t i = 0; i < l->n; i++)
        if (area[i] == which)
            encode_one(l->v[i].code, l->v[i].value, w);
    write_u8(w, OPT_END);
    return w->full ? -1 : 0;
}

int options_encode_over(struct option_list *l, struct writer areas[OPTION_AREAS])
{
    const size_t all[OPTION_AREAS] = {writer_left(&areas[0]), writer_left(&areas[1]), writer_left(&areas[2])};
    const size_t one[OPTION_AREAS] = {all[0]};
    bool over = false;
    uint8_t area[OPTION_LIST_MAX];
    if (l->full)
        return -1;
    sort(l);
    if (!lay_out(l, one, area) && all[1] && all[2]) {
        over = true;
        option_put_u8(l, OPT_OVERLOAD, 3);
        sort(l);
    }
    while (!lay_out(l, over ? all : one, area))
        if (!take_one_out(l))
            return -1;
    for (uint8_t k = 0; k < (over ? OPTION_AREAS : 1); k++)
        if (encode_area(l, area, k, &areas[k]))
            return -1;
    return 0;
}

int options_encode(struct option_list *l, struct writer *w, size_t room)
{
    struct writer areas[OPTION_AREAS] = {writer_of(w->p, room < writer_left(w) ? room : writer_left(w))};
    if (options_encode_over(l, areas))
        return -1;
    w->p += writer_used(&areas[0]);
    return 0;
}
