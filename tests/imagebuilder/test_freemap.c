#include "tests/imagebuilder/check.h"

#include "base/manifest.h"
#include "base/str.h"
#include "imagebuilder/freemap.h"

#define MIB (1ull << 20)

static void put_le(uint8_t *p, uint64_t v, size_t n)
{
    for (size_t i = 0; i < n; i++)
        p[i] = (uint8_t)(v >> (8 * i));
}

/* A table of 128 entries for a disk of 16 MiB: BIOS boot 1..2 MiB, EFI 4..8 MiB, root 8..15 MiB. */
static void make_head(uint8_t head[GPT_HEAD_BYTES])
{
    static const uint8_t guids[3][16] = {
        {0x48, 0x61, 0x68, 0x21, 0x49, 0x64, 0x6f, 0x6e, 0x74, 0x4e, 0x65, 0x65, 0x64, 0x45, 0x46, 0x49},
        {0x28, 0x73, 0x2a, 0xc1, 0x1f, 0xf8, 0xd2, 0x11, 0xba, 0x4b, 0x00, 0xa0, 0xc9, 0x3e, 0xc9, 0x3b},
        {0xaf, 0x3d, 0xc6, 0x0f, 0x83, 0x84, 0x72, 0x47, 0x8e, 0x79, 0x3d, 0x69, 0xd8, 0x47, 0x7d, 0xe4},
    };
    static const uint64_t mib[3][2] = {{1, 2}, {4, 8}, {8, 15}};
    uint8_t *h = head + SECTOR_SIZE;

    memset(head, 0, GPT_HEAD_BYTES);
    memcpy(h, "EFI PART", 8);
    put_le(h + 24, 1, 8);
    put_le(h + 40, 34, 8);
    put_le(h + 48, 16 * MIB / SECTOR_SIZE - 34, 8);
    put_le(h + 72, 2, 8);
    put_le(h + 80, 128, 4);
    put_le(h + 84, 128, 4);
    for (size_t i = 0; i < 3; i++) {
        uint8_t *p = head + 2 * SECTOR_SIZE + i * 128;

        memcpy(p, guids[i], 16);
        put_le(p + 32, mib[i][0] * MIB / SECTOR_SIZE, 8);
        put_le(p + 40, mib[i][1] * MIB / SECTOR_SIZE - 1, 8);
    }
}

static void reads_table(void **state)
{
    uint8_t head[GPT_HEAD_BYTES];
    struct gpt g;

    (void)state;
    make_head(head);
    assert_true(gpt_read(span_of(head, sizeof(head)), 16 * MIB, &g));
    assert_int_equal(g.n, 3);
    assert_int_equal(gpt_find(&g, PARTITION_BIOS_BOOT)->start, 1 * MIB);
    assert_int_equal(gpt_find(&g, PARTITION_EFI)->number, 2);
    assert_int_equal(gpt_last(&g)->number, 3);
    assert_int_equal(gpt_last(&g)->kind, PARTITION_LINUX);
    assert_int_equal(gpt_last(&g)->end, 15 * MIB);
}

static void refuses_tables(void **state)
{
    static const struct {
        const char *what;
        size_t at, n;
        uint64_t value;
    } bad[] = {
        {"no signature", SECTOR_SIZE, 1, 'X'},
        {"not at sector 1", SECTOR_SIZE + 24, 8, 2},
        {"usable past the disk", SECTOR_SIZE + 48, 8, 16 * MIB / SECTOR_SIZE},
        {"usable backwards", SECTOR_SIZE + 48, 8, 33},
        {"usable inside of the table", SECTOR_SIZE + 40, 8, 20},
        {"entries elsewhere", SECTOR_SIZE + 72, 8, 3},
        {"129 entries", SECTOR_SIZE + 80, 4, 129},
        {"no entries", SECTOR_SIZE + 80, 4, 0},
        {"large entries", SECTOR_SIZE + 84, 4, 256},
        {"partition backwards", 2 * SECTOR_SIZE + 40, 8, 40},
        {"partition past the end", 2 * SECTOR_SIZE + 40, 8, UINT64_MAX},
        {"partition in the table", 2 * SECTOR_SIZE + 32, 8, 1},
    };
    uint8_t head[GPT_HEAD_BYTES];
    struct gpt g;

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        make_head(head);
        put_le(head + bad[i].at, bad[i].value, bad[i].n);
        if (gpt_read(span_of(head, sizeof(head)), 16 * MIB, &g))
            fail_msg("%s was taken", bad[i].what);
    }
    make_head(head);
    for (size_t n = 0; n < sizeof(head); n++) {
        uint8_t *cut = malloc(n + 1);

        memcpy(cut, head, n);
        assert_false(gpt_read(span_of(cut, n), 16 * MIB, &g));
        free(cut);
    }
}

static void gaps(void **state)
{
    uint8_t head[GPT_HEAD_BYTES];
    struct ranges rs = {0};
    struct gpt g;

    (void)state;
    make_head(head);
    assert_true(gpt_read(span_of(head, sizeof(head)), 16 * MIB, &g));
    free_gaps(&g, &rs);
    assert_int_equal(rs.n, 3);
    assert_int_equal(rs.r[0].start, 34 * SECTOR_SIZE);
    assert_int_equal(rs.r[0].end, 1 * MIB);
    assert_int_equal(rs.r[1].start, 2 * MIB);
    assert_int_equal(rs.r[1].end, 4 * MIB);
    assert_int_equal(rs.r[2].start, 15 * MIB);
    assert_int_equal(rs.r[2].end, 16 * MIB - 33 * SECTOR_SIZE);
    uint8_t *map = free_frames(&rs, 16 * MIB);
    assert_int_equal(map[0], 0); /* holds the table */
    assert_int_equal(map[1], 1);
    assert_int_equal(map[15], 1);
    assert_int_equal(map[16], 0); /* BIOS boot */
    assert_int_equal(map[32], 1);
    assert_int_equal(map[64], 0); /* EFI */
    assert_int_equal(map[254], 1);
    assert_int_equal(map[255], 0); /* holds the backup table */
    free(map);
    ranges_free(&rs);
}

static const char dump_head[] = "Filesystem features:      has_journal ext_attr 64bit metadata_csum\n"
                                "Filesystem state:         clean\n"
                                "Free blocks:              617627\n"
                                "Block size:               4096\n\n\n";

static void lists_blocks(void **state)
{
    struct str text = {0};
    struct ranges rs = {0};

    (void)state;
    str_add(&text, dump_head);
    str_add(&text, "Group 0: (Blocks 0-32767)\n  Free blocks: 16-31, 40, 48-79\n  Free inodes: 12-20\n"
                   "Group 1: (Blocks 32768-65535)\n  Free blocks: \n  Free inodes: \n"
                   "Group 2:\n  Free blocks: 80-95\n");
    assert_true(free_blocks(text.s, 1 * MIB, 2 * MIB, &rs));
    assert_int_equal(rs.n, 4);
    assert_int_equal(rs.r[0].start, 1 * MIB + 16 * 4096);
    assert_int_equal(rs.r[0].end, 1 * MIB + 32 * 4096);
    assert_int_equal(rs.r[1].end - rs.r[1].start, 4096);
    uint8_t *map = free_frames(&rs, 2 * MIB);
    assert_int_equal(map[16], 0); /* a frame is 16 blocks */
    assert_int_equal(map[17], 1);
    assert_int_equal(map[18], 0); /* only block 40 of it */
    assert_int_equal(map[19], 1);
    assert_int_equal(map[20], 1);
    assert_int_equal(map[21], 1); /* from two lists */
    assert_int_equal(map[22], 0);
    free(map);
    ranges_free(&rs);
    str_free(&text);
}

static void distrusts_lists(void **state)
{
    static const char *const bad[] = {
        "",
        "Filesystem features: has_journal needs_recovery\nFilesystem state: clean\nBlock size: 4096\n  Free "
        "blocks: 1-2\n",
        "Filesystem features: bigalloc\nFilesystem state: clean\nBlock size: 4096\n  Free blocks: 1-2\n",
        "Filesystem features: x\nFilesystem state: not clean\nBlock size: 4096\n  Free blocks: 1-2\n",
        "Filesystem features: x\nFilesystem state: clean with errors\nBlock size: 4096\n  Free blocks: 1-2\n",
        "Filesystem features: x\nFilesystem state: clean\nBlock size: 0\n  Free blocks: 1-2\n",
        "Filesystem features: x\nFilesystem state: clean\n  Free blocks: 1-2\n",
        "Filesystem features: x\nFilesystem state: clean\nBlock size: 4096\n  Free blocks: 1-2\n  Free "
        "blocks: 1-256\n",
        "Filesystem features: x\nFilesystem state: clean\nBlock size: 4096\n  Free blocks: 9-3\n",
        "Filesystem features: x\nFilesystem state: clean\nBlock size: 4096\n  Free blocks: 1-2, many\n",
        "Filesystem features: x\nFilesystem state: clean\nBlock size: 4096\n  Free blocks: 1-\n",
    };

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct ranges rs = {0};

        if (free_blocks(bad[i], 1 * MIB, 2 * MIB, &rs) || rs.n)
            fail_msg("trusted: %s", bad[i]);
        ranges_free(&rs);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_table),  cmocka_unit_test(refuses_tables),  cmocka_unit_test(gaps),
        cmocka_unit_test(lists_blocks), cmocka_unit_test(distrusts_lists),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
