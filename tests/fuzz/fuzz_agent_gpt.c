/* A partition table that we did not write. What is taken grows and is read back as it was. */
#include <assert.h>
#include <string.h>

#include "agent/gpt.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static uint8_t head[GPT_HEAD_SIZE];
    struct gpt g, again;
    struct uuid job = {{1}};
    memset(head, 0, sizeof head);
    memcpy(head, data, size < sizeof head ? size : sizeof head);
    /* The checksums are put right, since no fuzzer finds them. */
    uint32_t n = head[512 + 80] <= 128 ? head[512 + 80] : 128;
    uint32_t entries = gpt_crc32(head + 1024, n * 128), header;
    memcpy(head + 512 + 88, &entries, 4);
    memset(head + 512 + 16, 0, 4);
    header = gpt_crc32(head + 512, 92);
    memcpy(head + 512 + 16, &header, 4);
    if (gpt_parse(span_of(head, sizeof head), &g, NULL))
        return 0;
    if (gpt_grow(&g, g.sectors + 4096, n ? head[0] % (n + 1) : 0, job, NULL))
        return 0;
    gpt_encode_primary(&g, head);
    assert(gpt_parse(span_of(head, sizeof head), &again, NULL) == 0);
    assert(uuid_eq(again.disk, job) && again.sectors == g.sectors &&
           !memcmp(again.entries, g.entries, sizeof g.entries));
    return 0;
}
