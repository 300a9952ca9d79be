#include "base/manifest.h"

#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#define MAGIC         "rackstrap-manifest-1\n"
#define HEADER_MAX    4096
#define SECTOR        512
#define DATA_ITEM_LEN (2 * DIGEST_SIZE + 4) /* raw and stored SHA-256, stored length */

/* The header, both ways, is this table: in the order of the keys, as the canonical form wants them. */
enum field_kind { FIELD_TEXT, FIELD_U32, FIELD_U64 };

#define FIELD(key, kind)                                                                                     \
    {                                                                                                        \
#key, kind, offsetof(struct manifest, key), sizeof(((struct manifest *)0)->key)                      \
    }

static const struct field {
    const char *key;
    enum field_kind kind;
    size_t at, size;
} fields[] = {
    FIELD(architecture, FIELD_TEXT), FIELD(created, FIELD_U64),   FIELD(disk_size, FIELD_U64),
    FIELD(image, FIELD_TEXT),        FIELD(pack_size, FIELD_U64), FIELD(root_partition, FIELD_U32),
    FIELD(version, FIELD_TEXT),
};
#define FIELDS_N (sizeof(fields) / sizeof(fields[0]))

static uint64_t field_number(const struct manifest *m, const struct field *f)
{
    const char *p = (const char *)m + f->at;
    uint32_t v32;
    uint64_t v64;

    if (f->kind == FIELD_U32) {
        memcpy(&v32, p, sizeof(v32));
        return v32;
    }
    memcpy(&v64, p, sizeof(v64));
    return v64;
}

static void header_encode(const struct manifest *m, struct str *ret)
{
    str_add(ret, "{");
    for (size_t i = 0; i < FIELDS_N; i++) {
        const struct field *f = &fields[i];

        str_addf(ret, "%s\"%s\":", i ? "," : "", f->key);
        if (f->kind == FIELD_TEXT)
            str_addf(ret, "\"%s\"", (const char *)m + f->at);
        else
            str_addf(ret, "%llu", (unsigned long long)field_number(m, f));
    }
    str_add(ret, "}");
}

bool manifest_text_ok(const char *s)
{
    static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._+-";

    return *s && *s != '.' && s[strspn(s, allowed)] == '\0';
}

static int field_decode(const struct field *f, const json_t *v, struct manifest *m, struct err *e)
{
    char *p = (char *)m + f->at;

    if (f->kind == FIELD_TEXT) {
        const char *s = json_string_value(v);

        if (!s || !manifest_text_ok(s) || !str_copy(p, f->size, s))
            return err_set(e, ERR_CORRUPT, "the manifest's header has no good \"%s\"", f->key);
        return 0;
    }
    json_int_t n = json_integer_value(v);
    uint64_t v64 = (uint64_t)n;
    uint32_t v32 = (uint32_t)n;

    if (!json_is_integer(v) || n < 0 || (f->kind == FIELD_U32 && v64 > UINT32_MAX))
        return err_set(e, ERR_CORRUPT, "the manifest's header has no good \"%s\"", f->key);
    if (f->kind == FIELD_U32)
        memcpy(p, &v32, sizeof(v32));
    else
        memcpy(p, &v64, sizeof(v64));
    return 0;
}

/* Only the canonical form is accepted: what we would write for these values, byte for byte. */
static int header_decode(struct span s, struct manifest *m, struct err *e)
{
    struct str again = {0};
    int rc = 0;
    json_t *o = json_loadb((const char *)s.p, s.n, JSON_REJECT_DUPLICATES, NULL);

    if (!json_is_object(o))
        rc = err_set(e, ERR_CORRUPT, "the manifest's header is not a JSON object");
    for (size_t i = 0; i < FIELDS_N && rc == 0; i++)
        rc = field_decode(&fields[i], json_object_get(o, fields[i].key), m, e);
    if (rc == 0) {
        header_encode(m, &again);
        if (again.len != s.n || memcmp(again.s, s.p, s.n) != 0)
            rc = err_set(e, ERR_CORRUPT, "the manifest's header is not in its canonical form");
    }
    str_free(&again);
    json_decref(o);
    return rc;
}

uint32_t frame_raw_len(const struct manifest *m, size_t i)
{
    uint64_t left = m->disk_size - (uint64_t)i * FRAME_SIZE;

    return left < FRAME_SIZE ? (uint32_t)left : FRAME_SIZE;
}

uint32_t frame_stored_max(uint32_t raw_len)
{
    return raw_len + (raw_len >> 8) +
           64; /* what ZSTD_compressBound gives for one block of up to 128 KiB, and no less */
}

uint64_t manifest_data_bytes(const struct manifest *m)
{
    uint64_t sum = 0;

    for (size_t i = 0; i < m->n; i++)
        if (m->frames[i].type == FRAME_DATA)
            sum += frame_raw_len(m, i);
    return sum;
}

/* One frame of a DATA extent. */
static int frame_decode(struct reader *r, struct manifest *m, size_t i, uint64_t *pack_at, struct err *e)
{
    struct frame *f = &m->frames[i];

    read_bytes(r, f->raw.b, DIGEST_SIZE);
    read_bytes(r, f->stored.b, DIGEST_SIZE);
    f->stored_len = read_be32(r);
    f->pack_at = *pack_at;
    *pack_at += f->stored_len;
    if (f->stored_len == 0 || f->stored_len > frame_stored_max(frame_raw_len(m, i)))
        return err_set(e, ERR_CORRUPT, "the manifest's frame %zu has an impossible stored length of %u bytes",
                       i, f->stored_len);
    return 0;
}

/* Extents are maximal (two neighbours differ in type), so that a disk has one manifest only. */
static int extent_decode(struct reader *r, struct manifest *m, size_t *i, uint64_t *pack_at, struct err *e)
{
    uint8_t type = read_u8(r);
    uint32_t count = read_be32(r);

    if (r->bad)
        return err_set(e, ERR_CORRUPT, "the manifest ends in the middle, at frame %zu of %zu", *i, m->n);
    if (type != FRAME_DATA && type != FRAME_ZERO && type != FRAME_FREE)
        return err_set(e, ERR_CORRUPT, "the manifest's frame %zu has the unknown type 0x%02x", *i, type);
    if (count == 0 || count > m->n - *i)
        return err_set(e, ERR_CORRUPT, "the manifest's extent at frame %zu has %u frames, the disk %zu", *i,
                       count, m->n);
    if (*i > 0 && m->frames[*i - 1].type == type)
        return err_set(e, ERR_CORRUPT, "the manifest's extent at frame %zu is cut in two", *i);
    if (type == FRAME_DATA && count > reader_left(r) / DATA_ITEM_LEN)
        return err_set(e, ERR_CORRUPT, "the manifest ends in the middle, at frame %zu of %zu", *i, m->n);
    for (uint32_t k = 0; k < count; k++, (*i)++) {
        m->frames[*i].type = type;
        if (type == FRAME_DATA && frame_decode(r, m, *i, pack_at, e) < 0)
            return -1;
    }
    return 0;
}

static int frames_decode(struct reader *r, struct manifest *m, struct err *e)
{
    uint32_t extents = read_be32(r);
    uint64_t pack_at = 0;
    size_t i = 0;

    for (uint32_t k = 0; k < extents; k++)
        if (extent_decode(r, m, &i, &pack_at, e) < 0)
            return -1;
    if (r->bad || i != m->n)
        return err_set(e, ERR_CORRUPT, "the manifest describes %zu frames, its disk has %zu", i, m->n);
    if (reader_left(r) > 0)
        return err_set(e, ERR_CORRUPT, "%zu bytes follow the manifest's end", reader_left(r));
    if (pack_at != m->pack_size)
        return err_set(e, ERR_CORRUPT,
                       "the manifest's frames add up to a pack of %llu bytes, its header says %llu",
                       (unsigned long long)pack_at, (unsigned long long)m->pack_size);
    return 0;
}

int manifest_decode(struct span bytes, struct manifest *ret, struct err *e)
{
    struct reader r = reader_of(bytes);
    struct manifest m = {0};

    if (!span_eq(read_span(&r, strlen(MAGIC)), span_str(MAGIC)))
        return err_set(e, ERR_CORRUPT,
                       "this is no manifest that we know: it does not begin with \"rackstrap-manifest-1\"");
    uint32_t n = read_be32(&r);
    struct span header = read_span(&r, n);
    if (r.bad || n > HEADER_MAX)
        return err_set(e, ERR_CORRUPT, "the manifest's header is cut off or too long");
    if (header_decode(header, &m, e) < 0)
        return -1;
    if (m.disk_size == 0 || m.disk_size % SECTOR != 0 || m.disk_size > MANIFEST_DISK_MAX)
        return err_set(e, ERR_CORRUPT, "the manifest's disk of %llu bytes is no disk that an image can have",
                       (unsigned long long)m.disk_size);
    m.n = (m.disk_size + FRAME_SIZE - 1) / FRAME_SIZE;
    m.frames = xcalloc(m.n, sizeof(*m.frames));
    if (frames_decode(&r, &m, e) < 0) {
        manifest_free(&m);
        return -1;
    }
    *ret = m;
    return 0;
}

static void add_be32(struct str *b, uint32_t v)
{
    uint8_t buf[4];
    struct writer w = writer_of(buf, sizeof(buf));

    write_be32(&w, v);
    str_addn(b, buf, sizeof(buf));
}

static size_t extent_end(const struct manifest *m, size_t i)
{
    size_t j = i;

    while (j < m->n && m->frames[j].type == m->frames[i].type)
        j++;
    return j;
}

static void extent_encode(const struct manifest *m, size_t from, size_t to, struct str *ret)
{
    uint8_t type = (uint8_t)m->frames[from].type;

    str_addn(ret, &type, 1);
    add_be32(ret, (uint32_t)(to - from));
    for (size_t i = from; i < to && type == FRAME_DATA; i++) {
        str_addn(ret, m->frames[i].raw.b, DIGEST_SIZE);
        str_addn(ret, m->frames[i].stored.b, DIGEST_SIZE);
        add_be32(ret, m->frames[i].stored_len);
    }
}

void manifest_encode(const struct manifest *m, struct str *ret)
{
    struct str header = {0};
    uint32_t extents = 0;

    header_encode(m, &header);
    str_add(ret, MAGIC);
    add_be32(ret, (uint32_t)header.len);
    str_addn(ret, header.s, header.len);
    str_free(&header);
    for (size_t i = 0; i < m->n; i = extent_end(m, i))
        extents++;
    add_be32(ret, extents);
    for (size_t i = 0, end; i < m->n; i = end) {
        end = extent_end(m, i);
        extent_encode(m, i, end, ret);
    }
}

void manifest_free(struct manifest *m)
{
    free(m->frames);
    m->frames = NULL;
    m->n = 0;
}
