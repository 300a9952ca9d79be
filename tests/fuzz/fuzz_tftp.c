/* The TFTP codec, the names, and a whole transfer driven by packets: each input is a request and then
 * packets, every one after a byte with its length and one with the time that has passed. What a request says
 * survives being written and read again. */
#include <stdlib.h>
#include <string.h>

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

/* Normalising twice is normalising once, and nothing leads upwards. */
static void check_name(const char *asked)
{
    char name[TFTP_NAME_MAX], again[TFTP_NAME_MAX];
    if (path_normalise(asked, name, NULL))
        return;
    if (name[0] == '/' || !strcmp(name, "..") || !strncmp(name, "../", 3) || strstr(name, "/../") ||
        path_normalise(name, again, NULL) || strcmp(name, again))
        abort();
}

static void check_round_trip(const struct tftp_packet *p)
{
    uint8_t buf[2 * TFTP_NAME_MAX];
    struct tftp_packet back;
    size_t n = tftp_encode_request(p->op, p->name, p->mode == TFTP_OCTET ? "octet" : "netascii", &p->options,
                                   buf, sizeof buf);
    if (!n || tftp_decode(span_of(buf, n), &back, NULL) || strcmp(back.name, p->name) ||
        back.mode != p->mode || memcmp(back.options.has, p->options.has, sizeof back.options.has) != 0 ||
        memcmp(back.options.value, p->options.value, sizeof back.options.value) != 0)
        abort();
    n = tftp_encode_oack(&p->options, buf, sizeof buf);
    if (!n || tftp_decode(span_of(buf, n), &back, NULL) || back.op != TFTP_OACK)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct tftp_packet p = {0};
    struct transfer t;
    uint64_t now = 1;
    size_t at = size && data[0] < size ? (size_t)data[0] + 1 : size;
    if (!size || tftp_decode(span_of(data + 1, at - 1), &p, NULL))
        return 0;
    check_name(p.name);
    if (p.op == TFTP_RRQ || p.op == TFTP_WRQ)
        check_round_trip(&p);
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
