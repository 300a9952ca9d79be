#include "tests/agent/check.h"

#include "agent/gpt.h"

#define SECTORS 131072u /* 64 MiB */

static void le(uint8_t *p, int n, uint64_t v)
{
    for (int i = 0; i < n; i++, v >>= 8)
        p[i] = (uint8_t)v;
}

static void seal(uint8_t *head)
{
    uint8_t *h = head + 512;
    le(h + 88, 4, gpt_crc32(head + 1024, 128 * 128));
    le(h + 16, 4, 0);
    le(h + 16, 4, gpt_crc32(h, 92));
}

static void part(uint8_t *head, unsigned n, uint64_t first, uint64_t last)
{
    uint8_t *entry = head + 1024 + (n - 1) * 128;
    memset(entry, (int)(0x10 + n), 32);
    le(entry + 32, 8, first);
    le(entry + 40, 8, last);
}

/* A table by the specification's letter, not by our encoder. */
static void make(uint8_t head[GPT_HEAD_SIZE])
{
    uint8_t *h = head + 512;
    memset(head, 0, GPT_HEAD_SIZE);
    memcpy(head, "boot code", 9);
    head[450] = 0xee;
    le(head + 454, 4, 1);
    le(head + 458, 4, SECTORS - 1);
    memcpy(h, "EFI PART", 8);
    le(h + 8, 4, 0x10000);
    le(h + 12, 4, 92);
    le(h + 24, 8, 1);
    le(h + 32, 8, SECTORS - 1);
    le(h + 40, 8, 34);
    le(h + 48, 8, SECTORS - 34);
    memcpy(h + 56, "\x33\x22\x11\x00\x55\x44\x77\x66\x88\x99\xaa\xbb\xcc\xdd\xee\xff", 16);
    le(h + 72, 8, 2);
    le(h + 80, 4, 128);
    le(h + 84, 4, 128);
    part(head, 1, 2048, 4095);
    part(head, 3, 4096, SECTORS - 2049);
    seal(head);
}

static int parse(const uint8_t *head, struct gpt *g)
{
    return gpt_parse(span_of(head, GPT_HEAD_SIZE), g, NULL);
}

static void crc_vector(void **state)
{
    (void)state;
    assert_int_equal(gpt_crc32((const uint8_t *)"123456789", 9), 0xcbf43926);
}

static void reads(void **state)
{
    uint8_t head[GPT_HEAD_SIZE];
    struct gpt g;
    struct gpt_part p;
    char text[UUID_STR];
    (void)state;
    make(head);
    assert_int_equal(parse(head, &g), 0);
    assert_string_equal(uuid_format(g.disk, text), "00112233-4455-6677-8899-aabbccddeeff");
    assert_int_equal(g.sectors, SECTORS);
    assert_int_equal(gpt_part(&g, 3, &p, NULL), 0);
    assert_int_equal(p.first, 4096);
    assert_int_equal(p.last, SECTORS - 2049);
    assert_int_equal(gpt_part(&g, 2, &p, NULL), -1);
    assert_int_equal(gpt_part(&g, 0, &p, NULL), -1);
    assert_int_equal(gpt_part(&g, 129, &p, NULL), -1);
}

static void round_trip(void **state)
{
    uint8_t head[GPT_HEAD_SIZE], again[GPT_HEAD_SIZE];
    struct gpt g;
    (void)state;
    make(head);
    assert_int_equal(parse(head, &g), 0);
    memcpy(again, head, sizeof head);
    memset(again + 512, 0xff, sizeof again - 512);
    gpt_encode_primary(&g, again);
    assert_memory_equal(head, again, sizeof head);
}

static void every_bit_counts(void **state)
{
    uint8_t head[GPT_HEAD_SIZE];
    struct gpt g;
    (void)state;
    make(head);
    for (size_t i = 512; i < 512 + 92; i++) {
        head[i] ^= 1;
        assert_int_equal(parse(head, &g), -1);
        head[i] ^= 1;
    }
    for (size_t i = 1024; i < sizeof head; i += 7) {
        head[i] ^= 0x80;
        assert_int_equal(parse(head, &g), -1);
        head[i] ^= 0x80;
    }
    for (size_t n = 0; n < sizeof head; n += 100)
        assert_int_equal(gpt_parse(span_of(head, n), &g, NULL), -1);
}

/* Tables with right checksums that lie. */
static void refuses(void **state)
{
    static const struct {
        size_t at;
        int n;
        uint64_t v;
    } lies[] = {
        {512 + 24, 8, 2},
        {512 + 72, 8, 3},
        {512 + 84, 4, 256},
        {512 + 80, 4, 0},
        {512 + 80, 4, 129},
        {512 + 40, 8, 33},
        {512 + 48, 8, SECTORS - 33},
        {512 + 32, 8, 60},
        {512 + 32, 8, UINT64_MAX},
        {512 + 8, 4, 0x20000},
        {512 + 12, 4, 512},
        {1024 + 32, 8, 33},
        {1024 + 40, 8, 2047},
        {1024 + 40, 8, SECTORS},
        {1024 + 40, 8, 4096},
        {1024 + 256 + 32, 8, 4095},
        {512 + 40, 8, UINT64_MAX},
        {1024 + 40, 8, UINT64_MAX},
    };
    (void)state;
    for (size_t i = 0; i < sizeof lies / sizeof *lies; i++) {
        uint8_t head[GPT_HEAD_SIZE];
        struct gpt g;
        struct err e = {0};
        make(head);
        le(head + lies[i].at, lies[i].n, lies[i].v);
        seal(head);
        assert_int_equal(gpt_parse(span_of(head, sizeof head), &g, &e), -1);
        assert_int_equal(e.kind, ERR_CORRUPT);
    }
}

static void grows(void **state)
{
    uint8_t head[GPT_HEAD_SIZE], tail[GPT_TAIL_SIZE];
    struct gpt g, again;
    struct gpt_part p;
    struct uuid job = {{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16}};
    (void)state;
    make(head);
    parse(head, &g);
    assert_int_equal(gpt_grow(&g, 400001, 3, job, NULL), 0);
    gpt_encode_primary(&g, head);
    gpt_encode_backup(&g, tail);
    assert_int_equal(parse(head, &again), 0);
    assert_true(uuid_eq(again.disk, job));
    assert_int_equal(again.sectors, 400001);
    gpt_part(&again, 3, &p, NULL);
    assert_int_equal(p.first, 4096);
    assert_int_equal((p.last + 1) % 8, 0);
    assert_in_range(p.last, 400001 - 34 - 8, 400001 - 34);
    assert_memory_equal(head, "boot code", 9);
    assert_int_equal(head[458] | head[459] << 8 | head[460] << 16, 400000);
    assert_memory_equal(tail, head + 1024, GPT_ENTRIES_SIZE);
    assert_memory_equal(tail + GPT_ENTRIES_SIZE, "EFI PART", 8);
    assert_int_equal(tail[GPT_ENTRIES_SIZE + 24] | tail[GPT_ENTRIES_SIZE + 25] << 8 |
                         tail[GPT_ENTRIES_SIZE + 26] << 16,
                     400000);
}

static void grows_only_what_it_may(void **state)
{
    uint8_t head[GPT_HEAD_SIZE];
    struct gpt g;
    struct gpt_part p;
    struct uuid job = {{1}};
    (void)state;
    make(head);
    parse(head, &g);
    assert_int_equal(gpt_grow(&g, SECTORS - 1, 3, job, NULL), -1); /* smaller */
    assert_int_equal(gpt_grow(&g, 400000, 1, job, NULL), -1);      /* not the last */
    assert_int_equal(gpt_grow(&g, 400000, 7, job, NULL), -1);      /* none */
    assert_int_equal(g.sectors, SECTORS);
    assert_false(uuid_eq(g.disk, job));
    assert_int_equal(gpt_grow(&g, SECTORS, 3, job, NULL), 0); /* the same size: nothing moves */
    gpt_part(&g, 3, &p, NULL);
    assert_int_equal(p.last, SECTORS - 2049);
    assert_int_equal(gpt_grow(&g, 400000, 0, job, NULL), 0);
    gpt_part(&g, 3, &p, NULL);
    assert_int_equal(p.last, SECTORS - 2049);
}

static void big_disk_fits_the_mbr(void **state)
{
    uint8_t head[GPT_HEAD_SIZE];
    struct gpt g;
    (void)state;
    make(head);
    parse(head, &g);
    assert_int_equal(gpt_grow(&g, 1ull << 36, 3, (struct uuid){{1}}, NULL), 0);
    gpt_encode_primary(&g, head);
    assert_memory_equal(head + 458, "\xff\xff\xff\xff", 4);
    assert_int_equal(parse(head, &g), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(crc_vector),
        cmocka_unit_test(reads),
        cmocka_unit_test(round_trip),
        cmocka_unit_test(every_bit_counts),
        cmocka_unit_test(refuses),
        cmocka_unit_test(grows),
        cmocka_unit_test(grows_only_what_it_may),
        cmocka_unit_test(big_disk_fits_the_mbr),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
