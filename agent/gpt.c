#include "agent/gpt.h"

#include <string.h>

#define HEADER_SIZE 92u
#define ENTRY_SIZE  128u
#define REVISION    0x00010000u

/* Header fields' places; all integers are little-endian. */
enum {
    AT_SIGNATURE = 0,
    AT_REVISION = 8,
    AT_HEADER_SIZE = 12,
    AT_HEADER_CRC = 16,
    AT_MY_LBA = 24,
    AT_ALTERNATE_LBA = 32,
    AT_FIRST_USABLE = 40,
    AT_LAST_USABLE = 48,
    AT_DISK_GUID = 56,
    AT_ENTRIES_LBA = 72,
    AT_ENTRIES = 80,
    AT_ENTRY_SIZE = 84,
    AT_ENTRIES_CRC = 88,
};

static uint64_t get_le(const uint8_t *p, int bytes)
{
    uint64_t v = 0;
    for (int i = bytes - 1; i >= 0; i--)
        v = v << 8 | p[i];
    return v;
}

static void put_le(uint8_t *p, int bytes, uint64_t v)
{
    for (int i = 0; i < bytes; i++, v >>= 8)
        p[i] = (uint8_t)v;
}

uint32_t gpt_crc32(const uint8_t *p, size_t n)
{
    uint32_t crc = 0xffffffff;
    for (size_t i = 0; i < n; i++) {
        crc ^= p[i];
        for (int bit = 0; bit < 8; bit++)
            crc = crc >> 1 ^ (crc & 1 ? 0xedb88320 : 0);
    }
    return ~crc;
}

/* A GUID's first three fields are little-endian on disk; a uuid is in the order in which it is written. */
static struct uuid swap_guid(const uint8_t *p)
{
    static const uint8_t order[16] = {3, 2, 1, 0, 5, 4, 7, 6, 8, 9, 10, 11, 12, 13, 14, 15};
    struct uuid u;
    for (int i = 0; i < 16; i++)
        u.b[i] = p[order[i]];
    return u;
}

static bool entry_used(const uint8_t *entry)
{
    static const uint8_t none[16];
    return memcmp(entry, none, 16) != 0;
}

static struct gpt_part entry_part(const uint8_t *entry)
{
    return (struct gpt_part){.first = get_le(entry + 32, 8), .last = get_le(entry + 40, 8)};
}

static int check_header(const uint8_t *h, struct err *e)
{
    uint8_t copy[HEADER_SIZE];
    if (memcmp(h, "EFI PART", 8) != 0)
        return err_set(e, ERR_CORRUPT, "no GUID partition table in sector 1");
    if (get_le(h + AT_REVISION, 4) != REVISION || get_le(h + AT_HEADER_SIZE, 4) != HEADER_SIZE)
        return err_set(e, ERR_CORRUPT, "the partition table's header is of a kind that we do not know");
    memcpy(copy, h, sizeof copy);
    put_le(copy + AT_HEADER_CRC, 4, 0);
    if (gpt_crc32(copy, sizeof copy) != get_le(h + AT_HEADER_CRC, 4))
        return err_set(e, ERR_CORRUPT, "the partition table's header has a wrong checksum");
    if (get_le(h + AT_MY_LBA, 8) != 1 || get_le(h + AT_ENTRIES_LBA, 8) != 2)
        return err_set(e, ERR_CORRUPT, "the partition table does not lie at sectors 1 and 2");
    if (get_le(h + AT_ENTRY_SIZE, 4) != ENTRY_SIZE || get_le(h + AT_ENTRIES, 4) > 128 ||
        get_le(h + AT_ENTRIES, 4) == 0)
        return err_set(e, ERR_CORRUPT,
                       "the partition table has no entries, more than 128, or not of 128 bytes");
    return 0;
}

static int check_parts(const struct gpt *g, struct err *e)
{
    for (uint32_t i = 0; i < g->n; i++) {
        const uint8_t *entry = g->entries + i * ENTRY_SIZE;
        struct gpt_part p = entry_part(entry);
        if (!entry_used(entry))
            continue;
        if (p.first < g->first_usable || p.last > g->last_usable || p.last < p.first)
            return err_set(e, ERR_CORRUPT, "partition %u lies outside the usable sectors", i + 1);
        for (uint32_t k = 0; k < i; k++) {
            struct gpt_part q = entry_part(g->entries + k * ENTRY_SIZE);
            if (entry_used(g->entries + k * ENTRY_SIZE) && p.first <= q.last && q.first <= p.last)
                return err_set(e, ERR_CORRUPT, "partitions %u and %u overlap", k + 1, i + 1);
        }
    }
    return 0;
}

int gpt_parse(struct span head, struct gpt *ret, struct err *e)
{
    if (head.n < GPT_HEAD_SIZE)
        return err_set(e, ERR_CORRUPT, "a partition table needs %u bytes, not %zu", GPT_HEAD_SIZE, head.n);
    const uint8_t *h = head.p + GPT_SECTOR;
    if (check_header(h, e))
        return -1;
    struct gpt g = {
        .disk = swap_guid(h + AT_DISK_GUID),
        .sectors = get_le(h + AT_ALTERNATE_LBA, 8) + 1,
        .first_usable = get_le(h + AT_FIRST_USABLE, 8),
        .last_usable = get_le(h + AT_LAST_USABLE, 8),
        .n = (uint32_t)get_le(h + AT_ENTRIES, 4),
    };
    memcpy(g.entries, head.p + 2 * GPT_SECTOR, (size_t)g.n * ENTRY_SIZE);
    if (gpt_crc32(g.entries, (size_t)g.n * ENTRY_SIZE) != get_le(h + AT_ENTRIES_CRC, 4))
        return err_set(e, ERR_CORRUPT, "the partition table's entries have a wrong checksum");
    if (g.sectors < 68 || g.sectors > UINT64_MAX / GPT_SECTOR || g.first_usable < 34 ||
        g.last_usable > g.sectors - 34)
        return err_set(e, ERR_CORRUPT, "the partition table's usable sectors cover the table itself");
    if (check_parts(&g, e))
        return -1;
    *ret = g;
    return 0;
}

int gpt_part(const struct gpt *g, uint32_t number, struct gpt_part *ret, struct err *e)
{
    if (number < 1 || number > g->n || !entry_used(g->entries + (number - 1) * ENTRY_SIZE))
        return err_set(e, ERR_NOT_FOUND, "the partition table has no partition %u", number);
    *ret = entry_part(g->entries + (number - 1) * ENTRY_SIZE);
    return 0;
}

static int grow_root(struct gpt *g, uint32_t root, struct err *e)
{
    struct gpt_part r;
    if (gpt_part(g, root, &r, e))
        return -1;
    for (uint32_t i = 0; i < g->n; i++) {
        const uint8_t *entry = g->entries + i * ENTRY_SIZE;
        if (entry_used(entry) && entry_part(entry).first > r.first)
            return err_set(e, ERR_CORRUPT,
                           "partition %u lies behind the root partition %u, which cannot grow then", i + 1,
                           root);
    }
    uint64_t end = (g->last_usable + 1) & ~(uint64_t)7; /* whole 4 KiB blocks */
    if (end - 1 > r.last)
        put_le(g->entries + (root - 1) * ENTRY_SIZE + 40, 8, end - 1);
    return 0;
}

int gpt_grow(struct gpt *g, uint64_t sectors, uint32_t root, struct uuid disk, struct err *e)
{
    if (sectors < g->sectors)
        return err_set(e, ERR_INPUT, "a partition table for %llu sectors does not fit a disk of %llu",
                       (unsigned long long)g->sectors, (unsigned long long)sectors);
    struct gpt grown = *g;
    grown.disk = disk;
    if (sectors > g->sectors) {
        grown.sectors = sectors;
        grown.last_usable = sectors - 34;
        if (root && grow_root(&grown, root, e))
            return -1;
    }
    *g = grown;
    return 0;
}

static void encode_header(const struct gpt *g, uint8_t *h, bool primary)
{
    uint64_t last = g->sectors - 1;
    struct uuid disk = swap_guid(g->disk.b);
    memset(h, 0, GPT_SECTOR);
    memcpy(h + AT_SIGNATURE, "EFI PART", 8);
    put_le(h + AT_REVISION, 4, REVISION);
    put_le(h + AT_HEADER_SIZE, 4, HEADER_SIZE);
    put_le(h + AT_MY_LBA, 8, primary ? 1 : last);
    put_le(h + AT_ALTERNATE_LBA, 8, primary ? last : 1);
    put_le(h + AT_FIRST_USABLE, 8, g->first_usable);
    put_le(h + AT_LAST_USABLE, 8, g->last_usable);
    memcpy(h + AT_DISK_GUID, disk.b, 16);
    put_le(h + AT_ENTRIES_LBA, 8, primary ? 2 : last - 32);
    put_le(h + AT_ENTRIES, 4, g->n);
    put_le(h + AT_ENTRY_SIZE, 4, ENTRY_SIZE);
    put_le(h + AT_ENTRIES_CRC, 4, gpt_crc32(g->entries, (size_t)g->n * ENTRY_SIZE));
    put_le(h + AT_HEADER_CRC, 4, gpt_crc32(h, HEADER_SIZE));
}

void gpt_encode_primary(const struct gpt *g, uint8_t *head)
{
    for (uint8_t *record = head + 446; record < head + 510; record += 16)
        if (record[4] == 0xee) {
            uint64_t first = get_le(record + 8, 4), size = g->sectors - first;
            put_le(record + 12, 4, size > 0xffffffff ? 0xffffffff : size);
        }
    encode_header(g, head + GPT_SECTOR, true);
    memcpy(head + 2 * GPT_SECTOR, g->entries, GPT_ENTRIES_SIZE);
}

void gpt_encode_backup(const struct gpt *g, uint8_t tail[GPT_TAIL_SIZE])
{
    memcpy(tail, g->entries, GPT_ENTRIES_SIZE);
    encode_header(g, tail + GPT_ENTRIES_SIZE, false);
}
