/* dhcp_option: DHCP options by name and code, what each holds, how a person writes it, and sets of them.
 * Pure.
 *
 * One table (dhcp_option.c), a row a code: the name that IANA, Kea or ISC have for it, the type and the
 * length rule of its value, when it is sent, and, for one that no person may set, why. The server's codec and
 * the configuration share it. To add an option is to add a row, and a vector.
 *
 * A value is written as its type says:
 *
 *   | type            | as in                                | bytes                                       |
 *   |-----------------|--------------------------------------|---------------------------------------------|
 *   | uint8,16,32     | 1500, 0x5dc                          | big-endian                                  |
 *   | int32           | -3600                                | big-endian                                  |
 *   | bool            | true                                 | 1 or 0                                      |
 *   | address(es)     | 10.0.0.1, or a list                  | four each                                   |
 *   | address-pairs   | a list of an even number             | four each                                   |
 *   | text            | any printable text                   | as it is, no NUL                            |
 *   | domains         | lab.example, or a list               | RFC 1035 names, compressed (RFC 3397)       |
 *   | routes          | "10.1.0.0/16 via 10.0.0.1", "default via 10.0.0.1", or a list | RFC 3442           |
 *   | hex             | "hex:0104ab", "hex:01:04:ab"         | these                                       |
 *
 * "hex:..." is taken for every option, whatever its type, as long as the length fits; "text:..." for those
 * whose type is hex. A code that the table does not have is written as hex:..., text:..., as an address or a
 * list of them, or with its type named beside the value; a bare number or word is refused, since nobody could
 * say how many bytes it is.
 *
 * A set is the canonical bytes of some options: for each, in order of the codes, code, flags, length (two
 * bytes, big-endian), value. Equal sets are equal bytes. */
#ifndef INVENTORY_DHCP_OPTION_H
#define INVENTORY_DHCP_OPTION_H

#include "base/err.h"
#include "base/span.h"
#include "base/str.h"

enum dhcp_type {
    DHCP_BYTES,
    DHCP_FLAG, /* no value at all */
    DHCP_BOOL,
    DHCP_U8,
    DHCP_U16,
    DHCP_U32,
    DHCP_I32,
    DHCP_IP4,
    DHCP_U16S,      /* one or more */
    DHCP_IP4S,      /* one or more */
    DHCP_IP4_PAIRS, /* one or more pairs */
    DHCP_TEXT,
    DHCP_DOMAINS, /* RFC 3397 */
    DHCP_ROUTES,  /* RFC 3442 */
    DHCP_CODES,   /* option codes */
    DHCP_TYPES
};

enum dhcp_when {
    DHCP_ASKED,  /* sent when the client asks for it, or gives no list of what it asks for */
    DHCP_ALWAYS, /* sent to every client */
    DHCP_LISTED, /* sent only to a client whose list has it */
};

struct dhcp_row {
    const char *name; /* NULL: the table does not have this code */
    const char *alias;
    enum dhcp_type type;
    uint16_t min, max; /* bytes, in lists and free lengths; 0: what the type says */
    uint16_t least;    /* of a number */
    uint8_t spare;     /* 0: a reply needs it; else, when there is no room, the highest goes first */
    enum dhcp_when when;
    const char *refused; /* why no person may set it; NULL: one may */
};

const struct dhcp_row *dhcp_row(uint8_t code); /* NULL for one that the table does not have */
bool dhcp_length_ok(const struct dhcp_row *row, size_t n);
/* "ntp-servers" or "42"; the code must be one that a person may set. */
int dhcp_code_parse(const char *key, uint8_t *ret, struct err *e);
int dhcp_type_parse(const char *name, enum dhcp_type *ret, struct err *e);

/* A value as it was written: one word, or a list. type: NULL, or of an option that the table does not have.
 */
int dhcp_value_parse(uint8_t code, const enum dhcp_type *type, const char *const *words, size_t n,
                     struct writer *w, struct err *e);
/* As dhcp_value_parse takes it, but for text, whose spaces and unprintable bytes are \xHH, so that it is one
 * word of a log line; several with ", ". Bytes that are no value of the option's type are "hex:...". */
void dhcp_value_format(uint8_t code, struct span value, struct str *ret);
void dhcp_name_format(uint8_t code, struct str *ret); /* "ntp-servers", or "224" */

#define DHCP_VALUE_MAX 768  /* of one option: three pieces of RFC 3396 and a bit */
#define DHCP_SET_MAX   1024 /* more does not fit a reply */

struct dhcp_set {
    size_t n;
    uint8_t bytes[DHCP_SET_MAX];
};
struct dhcp_option {
    uint8_t code;
    bool always; /* whether the client asked for it or not */
    struct span value;
};

/* -1 when there is no room, or the set has the code already. */
int dhcp_set_put(struct dhcp_set *s, const struct dhcp_option *o, struct err *e);
static inline struct span dhcp_set_span(const struct dhcp_set *s)
{
    return span_of(s->bytes, s->n);
}
/* Walks; false at the end, or when the bytes are no set (r->bad). */
bool dhcp_set_next(struct reader *r, struct dhcp_option *ret);
bool dhcp_set_has(struct span set, uint8_t code);
/* Into ret, all of both, but of one code only `above`'s. -1 when that is too much. */
int dhcp_set_merge(struct span below, struct span above, struct dhcp_set *ret, struct err *e);

#define DHCP_LAYERS 4

/* The same for a walk over several sets at once, the most specific last: each code once, in order. It costs a
 * step for each option that there is, and copies nothing. */
struct dhcp_merge {
    struct reader r[DHCP_LAYERS];
    struct dhcp_option at[DHCP_LAYERS];
    bool has[DHCP_LAYERS];
};
struct dhcp_merge dhcp_merge(const struct span sets[DHCP_LAYERS]);
bool dhcp_merge_next(struct dhcp_merge *m, struct dhcp_option *ret,
                     size_t *ret_layer); /* layer: may be NULL */

/* Of the value of a classless route option: is a default route (0.0.0.0/0) among them? */
bool dhcp_routes_default(struct span routes);

#endif
