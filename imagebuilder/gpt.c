#include "imagebuilder/gpt.h"

#include <string.h>

#define ENTRY_SIZE 128

/* GUIDs as they lie on the disk: the first three fields little-endian. */
static const struct {
    enum partition_kind kind;
    uint8_t guid[16];
} kinds[] = {
    {PARTITION_BIOS_BOOT,
     {0x48, 0x61, 0x68, 0x21, 0x49, 0x64, 0x6f, 0x6e, 0x74, 0x4e, 0x65, 0x65, 0x64, 0x45, 0x46, 0x49}},
    {PARTITION_EFI,
     {0x28, 0x73, 0x2a, 0xc1, 0x1f, 0xf8, 0xd2, 0x11, 0xba, 0x4b, 0x00, 0xa0, 0xc9, 0x3e, 0xc9, 0x3b}},
    {PARTITION_LINUX,
     {0xaf, 0x3d, 0xc6, 0x0f, 0x83, 0x84, 0x72, 0x47, 0x8e, 0x79, 0x3d, 0x69, 0xd8, 0x47, 0x7d, 0xe4}},
    /* "root, x86-64" of the Discoverable Partitions Specification */
    {PARTITION_LINUX,
     {0xe3, 0xbc, 0x68, 0x4f, 0xcd, 0xe8, 0xb1, 0x4d, 0x96, 0xe7, 0xfb, 0xca, 0xf9, 0x84, 0xb7, 0x09}},
};

static uint64_t le(const uint8_t *p, size_t n)
{
    uint64_t v = 0;

    while (n--)
        v = v << 8 | p[n];
    return v;
}

static enum partition_kind kind_of(const uint8_t guid[16])
{
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
        if (memcmp(kinds[i].guid, guid, 16) == 0)
            return kinds[i].kind;
    return PARTITION_OTHER;
}

static bool entry_read(const uint8_t *p, uint32_t number, struct gpt *g)
{
    static const uint8_t unused[16];
    uint64_t first = le(p + 32, 8), last = le(p + 40, 8);
    uint64_t sectors = g->usable_end / SECTOR_SIZE;

    if (memcmp(p, unused, 16) == 0)
        return true;
    if (first > last || last >= sectors || first < g->usable_start / SECTOR_SIZE)
        return false;
    g->p[g->n++] = (struct partition){
        .number = number,
        .kind = kind_of(p),
        .start = first * SECTOR_SIZE,
        .end = (last + 1) * SECTOR_SIZE,
    };
    return true;
}

bool gpt_read(struct span head, uint64_t disk_size, struct gpt *ret)
{
    struct gpt g = {0};
    const uint8_t *h = head.p + SECTOR_SIZE;

    if (head.n < 3 * SECTOR_SIZE || memcmp(h, "EFI PART", 8) != 0)
        return false;
    uint64_t first = le(h + 40, 8), last = le(h + 48, 8), entries = le(h + 72, 8);
    uint32_t count = (uint32_t)le(h + 80, 4), size = (uint32_t)le(h + 84, 4);
    uint64_t sectors = disk_size / SECTOR_SIZE;
    /* Only the shape that every partitioning tool makes: anything else is left alone. */
    if (le(h + 24, 8) != 1 || entries != 2 || size != ENTRY_SIZE || count == 0 || count > GPT_PARTITIONS_MAX)
        return false;
    if (first > last || last >= sectors ||
        first < entries + (count * ENTRY_SIZE + SECTOR_SIZE - 1) / SECTOR_SIZE)
        return false;
    if (head.n < 2 * SECTOR_SIZE + (size_t)count * ENTRY_SIZE)
        return false;
    g.usable_start = first * SECTOR_SIZE;
    g.usable_end = (last + 1) * SECTOR_SIZE;
    for (uint32_t i = 0; i < count; i++)
        if (!entry_read(head.p + 2 * SECTOR_SIZE + (size_t)i * ENTRY_SIZE, i + 1, &g))
            return false;
    *ret = g;
    return true;
}

const struct partition *gpt_last(const struct gpt *g)
{
    const struct partition *last = NULL;

    for (size_t i = 0; i < g->n; i++)
        if (!last || g->p[i].start > last->start)
            last = &g->p[i];
    return last;
}

const struct partition *gpt_find(const struct gpt *g, enum partition_kind kind)
{
    for (size_t i = 0; i < g->n; i++)
        if (g->p[i].kind == kind)
            return &g->p[i];
    return NULL;
}
