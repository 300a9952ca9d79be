/* The TFTP codec, the names, and a whole transfer driven by packets: each input is a request and then
 * packets, every one after a byte with its length and one with the time that has passed. */
#include <stdlib.h>

#include "tftpd/path.h"
#include "tftpd/transfer.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const struct transfer *t, struct transfer_step s)
{
    if (s.count > WINDOW_MAX || (s.count && s.first + s.count - 1 > t->blocks) || t->acked > t->top)
        abort();
    for (uint32_t i = 0; i < s.count; i++) {
        uint64_t at;
        uint32_t n;
        transfer_block(t, s.first + i, &at, &n);
        if (n > t->blksize || at + n > t->size)
            abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct tftp_packet p = {0};
    struct transfer t;
    char name[TFTP_NAME_MAX];
    uint64_t now = 1;
    size_t at = size && data[0] < size ? (size_t)data[0] + 1 : size;
    if (!size || tftp_decode(span_of(data + 1, at - 1), &p, NULL))
        return 0;
    if (!path_normalise(p.name, name, NULL) && name[0] == '/')
        abort();
    check(&t, transfer_start(&t, &p.options, 100000, 1500, now));
    while (at + 2 < size) {
        size_t n = data[at] % 16, left = size - at - 2;
        now += (uint64_t)data[at + 1] * 20000;
        at += 2;
        n = n < left ? n : left;
        if (!tftp_decode(span_of(data + at, n), &p, NULL))
            check(&t, transfer_packet(&t, &p, now));
        check(&t, transfer_timeout(&t, now));
        at += n;
    }
    return 0;
}
