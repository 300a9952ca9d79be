/* packet: TFTP's six packets as bytes and as values. Pure: no socket, clock or file.
 *
 *   RRQ, WRQ   | 01 / 02 | name | 0 | mode | 0 | [option | 0 | value | 0]...      RFC 1350, options RFC 2347
 *   DATA       | 03 | block | bytes |      ACK | 04 | block |                     RFC 1350
 *   ERROR      | 05 | code | text | 0 |    OACK | 06 | [option | 0 | value | 0]... RFC 1350, 2347
 *
 * Option names and modes are compared without case. Known options: blksize (2348), timeout and tsize (2349),
 * windowsize (7440). An unknown option, or a value that its RFC does not allow, is as if it had not been
 * asked for: it does not appear in the OACK. Of an option given twice the first counts. An empty option name
 * ends the options: some firmware pads its requests with zeros.
 */
#ifndef TFTPD_PACKET_H
#define TFTPD_PACKET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/span.h"

enum tftp_op { TFTP_RRQ = 1, TFTP_WRQ, TFTP_DATA, TFTP_ACK, TFTP_ERROR, TFTP_OACK };

enum tftp_code {
    TFTP_E_TEXT = 0, /* see the text */
    TFTP_E_NOT_FOUND = 1,
    TFTP_E_ACCESS = 2,
    TFTP_E_ILLEGAL = 4,
    TFTP_E_STRANGER = 5, /* unknown transfer id */
    TFTP_E_OPTION = 8,
};

enum tftp_mode { TFTP_OCTET, TFTP_NETASCII };

enum tftp_option { OPT_BLKSIZE, OPT_TIMEOUT, OPT_TSIZE, OPT_WINDOWSIZE, OPT_COUNT };

#define TFTP_NAME_MAX 512 /* of a file's name, NUL included */
#define TFTP_HEAD     4   /* of DATA */
#define BLKSIZE_PLAIN 512 /* without the option */
#define BLKSIZE_MIN   8
#define BLKSIZE_MAX   65464

struct tftp_options {
    bool has[OPT_COUNT];
    uint64_t value[OPT_COUNT];
};

struct tftp_packet {
    enum tftp_op op;
    /* RRQ, WRQ */
    char name[TFTP_NAME_MAX];
    enum tftp_mode mode;
    struct tftp_options options; /* OACK too */
    /* DATA, ACK */
    uint16_t block;
    struct span data; /* lent by the bytes decoded */
    /* ERROR */
    uint16_t code;
    char text[128]; /* cut off where longer; control bytes are dots */
};

/* ERR_INPUT says what is wrong with the bytes. */
int tftp_decode(struct span bytes, struct tftp_packet *ret, struct err *e);

/* Each returns the bytes written, 0 when they do not fit. Requests and ACKs are for clients: our tests are
 * some. */
size_t tftp_encode_request(enum tftp_op op, const char *name, const char *mode, const struct tftp_options *o,
                           void *buf, size_t size);
size_t tftp_encode_oack(const struct tftp_options *o, void *buf, size_t size);
size_t tftp_encode_error(uint16_t code, const char *text, void *buf, size_t size);
size_t tftp_encode_ack(uint16_t block, void *buf, size_t size);
void tftp_data_head(uint16_t block, uint8_t ret[TFTP_HEAD]); /* the bytes of the block follow it */

#endif
