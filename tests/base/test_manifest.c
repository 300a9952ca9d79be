#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/manifest.h"

#define N 7

/* D D Z F F D, and a short D at the end. */
static struct manifest sample(void)
{
    static const char types[N] = {'D', 'D', 'Z', 'F', 'F', 'D', 'D'};
    struct manifest m = {
        .image = "debian-12",
        .version = "20261121T101500Z",
        .architecture = "amd64",
        .disk_size = (N - 1) * (uint64_t)FRAME_SIZE + 1024,
        .root_partition = 3,
        .created = 1795256100,
        .n = N,
    };

    m.frames = xcalloc(N, sizeof(*m.frames));
    for (size_t i = 0; i < N; i++) {
        struct frame *f = &m.frames[i];

        f->type = (enum frame_type)types[i];
        if (f->type != FRAME_DATA)
            continue;
        f->stored_len = (uint32_t)(100 + i);
        f->pack_at = m.pack_size;
        memset(f->raw.b, (int)i, DIGEST_SIZE);
        memset(f->stored.b, (int)(i + 100), DIGEST_SIZE);
        m.pack_size += f->stored_len;
    }
    return m;
}

static struct str sample_bytes(void)
{
    struct manifest m = sample();
    struct str b = {0};

    manifest_encode(&m, &b);
    manifest_free(&m);
    return b;
}

static void round_trip(void **state)
{
    struct manifest m = sample(), back;
    struct str b = sample_bytes(), again = {0};
    struct err e = {0};

    (void)state;
    assert_int_equal(manifest_decode(span_of(b.s, b.len), &back, &e), 0);
    assert_string_equal(back.image, m.image);
    assert_string_equal(back.version, m.version);
    assert_string_equal(back.architecture, m.architecture);
    assert_int_equal(back.disk_size, m.disk_size);
    assert_int_equal(back.pack_size, m.pack_size);
    assert_int_equal(back.root_partition, 3);
    assert_int_equal(back.created, m.created);
    assert_int_equal(back.n, N);
    for (size_t i = 0; i < N; i++) {
        assert_int_equal(back.frames[i].type, m.frames[i].type);
        assert_int_equal(back.frames[i].pack_at, m.frames[i].pack_at);
        assert_int_equal(back.frames[i].stored_len, m.frames[i].stored_len);
        assert_memory_equal(&back.frames[i].raw, &m.frames[i].raw, DIGEST_SIZE);
        assert_memory_equal(&back.frames[i].stored, &m.frames[i].stored, DIGEST_SIZE);
    }
    assert_int_equal(frame_raw_len(&back, 0), FRAME_SIZE);
    assert_int_equal(frame_raw_len(&back, N - 1), 1024);
    assert_int_equal(manifest_data_bytes(&back), 3 * FRAME_SIZE + 1024);
    manifest_encode(&back, &again);
    assert_int_equal(again.len, b.len);
    assert_memory_equal(again.s, b.s, b.len);
    str_free(&again);
    str_free(&b);
    manifest_free(&back);
    manifest_free(&m);
}

static void header_is_canonical(void **state)
{
    static const char want[] =
        "{\"architecture\":\"amd64\",\"created\":1795256100,\"disk_size\":394240,\"image\":\"debian-12\","
        "\"pack_size\":412,\"root_partition\":3,\"version\":\"20261121T101500Z\"}";
    struct str b = sample_bytes();

    (void)state;
    assert_memory_equal(b.s, "rackstrap-manifest-1\n\0\0\0", 24);
    assert_int_equal((uint8_t)b.s[24], sizeof(want) - 1);
    assert_memory_equal(b.s + 25, want, sizeof(want) - 1);
    str_free(&b);
}

static int decode(const struct str *b, size_t n)
{
    struct manifest m = {.n = 99};
    struct err e = {0};
    /* In a block of its own size, so that a sanitizer sees a read past the end. */
    void *copy = malloc(n ? n : 1);
    int rc;

    memcpy(copy, b->s, n);
    rc = manifest_decode(span_of(copy, n), &m, &e);
    free(copy);
    if (rc == 0) {
        manifest_free(&m);
    } else {
        assert_int_equal(e.kind, ERR_CORRUPT);
        assert_true(strlen(e.text) > 10);
        assert_int_equal(m.n, 99); /* untouched */
    }
    return rc;
}

static void every_truncation(void **state)
{
    struct str b = sample_bytes();

    (void)state;
    for (size_t n = 0; n < b.len; n++)
        assert_int_equal(decode(&b, n), -1);
    assert_int_equal(decode(&b, b.len), 0);
    str_add(&b, "x");
    assert_int_equal(decode(&b, b.len), -1);
    str_free(&b);
}

/* Offsets from the first extent, behind the header and the count of extents. */
#define EXTENT0 0
#define EXTENT1 (5 + 2 * 68)
#define EXTENT2 (EXTENT1 + 5)

static const struct {
    const char *what;
    size_t at;
    uint8_t value;
} bad_bytes[] = {
    {"type unknown", EXTENT0, 'X'},
    {"type zero", EXTENT0, 0},
    {"too many frames", EXTENT1 + 1, 0x80},
    {"no frames", EXTENT1 + 4, 0},
    {"two neighbours of one type", EXTENT2, 'Z'},
    {"stored length 0xff......", EXTENT0 + 5 + 64, 0xff},
    {"stored length off by one", EXTENT0 + 5 + 67, 101},
    {"one frame more", EXTENT1 + 4, 2},
};

static void bad_fields(void **state)
{
    struct str b = sample_bytes();
    size_t start = 25 + (uint8_t)b.s[24] + 4;

    (void)state;
    for (size_t i = 0; i < sizeof(bad_bytes) / sizeof(bad_bytes[0]); i++) {
        char *p = &b.s[start + bad_bytes[i].at], old = *p;

        *p = (char)bad_bytes[i].value;
        if (decode(&b, b.len) != -1)
            fail_msg("%s was taken", bad_bytes[i].what);
        *p = old;
    }
    assert_int_equal(decode(&b, b.len), 0);
    str_free(&b);
}

/* Header, then no extents: each is refused for its header, before anything is allocated for its frames. */
static const char *const bad_headers[] = {
    "",
    "[]",
    "{}",
    "{\"architecture\":\"amd64\",\"created\":1,\"disk_size\":0,\"image\":\"a\",\"pack_size\":0,\"root_"
    "partition\":0,\"version\":\"1\"}",
    "{\"architecture\":\"amd64\",\"created\":1,\"disk_size\":511,\"image\":\"a\",\"pack_size\":0,\"root_"
    "partition\":0,\"version\":\"1\"}",
    "{\"architecture\":\"amd64\",\"created\":1,\"disk_size\":9223372036854775296,\"image\":\"a\",\"pack_"
    "size\":0,\"root_partition\":0,\"version\":\"1\"}",
    "{\"architecture\":\"amd64\",\"created\":-1,\"disk_size\":512,\"image\":\"a\",\"pack_size\":0,\"root_"
    "partition\":0,\"version\":\"1\"}",
    "{\"architecture\":\"amd64\",\"created\":1,\"disk_size\":512,\"image\":\"../"
    "a\",\"pack_size\":0,\"root_partition\":0,\"version\":\"1\"}",
    "{\"architecture\":\"amd64\",\"created\":1,\"disk_size\":512,\"image\":\"\",\"pack_size\":0,\"root_"
    "partition\":0,\"version\":\"1\"}",
    "{\"architecture\":\"amd64\",\"created\":1,\"disk_size\":512,\"image\":\"a\",\"pack_size\":0,\"root_"
    "partition\":4294967296,\"version\":\"1\"}",
    "{\"architecture\":\"amd64\", "
    "\"created\":1,\"disk_size\":512,\"image\":\"a\",\"pack_size\":0,\"root_partition\":0,\"version\":\"1\"}",
    "{\"architecture\":\"amd64\",\"created\":1,\"disk_size\":512,\"image\":\"a\",\"pack_size\":0,\"root_"
    "partition\":0,\"version\":\"1\",\"x\":1}",
};

/* A name becomes a folder's: none leads out of where it belongs, or hides. */
static void names(void **state)
{
    (void)state;
    static const char *const good[] = {"debian-12", "1.0", "amd64", "a..b"};
    static const char *const bad[] = {"", ".", "..", ".hidden", "a/b", "a b", "a\"b"};
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
        assert_true(manifest_text_ok(good[i]));
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_false(manifest_text_ok(bad[i]));
}

static void headers_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(bad_headers) / sizeof(bad_headers[0]); i++) {
        struct str b = {0};
        uint8_t n[4] = {0, 0, 0, (uint8_t)strlen(bad_headers[i])};

        str_add(&b, "rackstrap-manifest-1\n");
        str_addn(&b, n, 4);
        str_add(&b, bad_headers[i]);
        str_addn(&b, "\0\0\0\1Z\0\0\0\1", 9);
        if (decode(&b, b.len) != -1)
            fail_msg("taken: %s", bad_headers[i]);
        str_free(&b);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(round_trip),       cmocka_unit_test(header_is_canonical),
        cmocka_unit_test(every_truncation), cmocka_unit_test(bad_fields),
        cmocka_unit_test(headers_refused),  cmocka_unit_test(names),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
