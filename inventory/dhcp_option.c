#include "inventory/dhcp_option.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/addr.h"

/* The table
 * -------------------------------------------------------------------------------------------------------------
 */

#define BY_PREFIX "it follows from the subnet's prefix"
#define BY_TIME   "it follows from lease_time, which a subnet may have of its own"
#define BY_SERVER "the server works it out for each reply"
#define BY_CLIENT "it is for clients and relays to send"

static const struct dhcp_row rows[256] = {
    [1] = {"subnet-mask", .type = DHCP_IP4, .refused = BY_PREFIX},
    [2] = {"time-offset", .type = DHCP_I32, .spare = 9},
    [3] = {"routers", "router", .type = DHCP_IP4S},
    [4] = {"time-servers", "time-server", .type = DHCP_IP4S, .spare = 7},
    [5] = {"name-servers", "ien116-name-servers", .type = DHCP_IP4S, .spare = 9},
    [6] = {"domain-name-servers", "dns-server", .type = DHCP_IP4S, .spare = 2},
    [7] = {"log-servers", "log-server", .type = DHCP_IP4S, .spare = 7},
    [8] = {"cookie-servers", "quotes-servers", .type = DHCP_IP4S, .spare = 9},
    [9] = {"lpr-servers", .type = DHCP_IP4S, .spare = 9},
    [10] = {"impress-servers", .type = DHCP_IP4S, .spare = 9},
    [11] = {"resource-location-servers", "rlp-servers", .type = DHCP_IP4S, .spare = 9},
    [12] = {"host-name", "hostname", .type = DHCP_TEXT, .spare = 5},
    [13] = {"boot-size", "boot-file-size", .type = DHCP_U16, .spare = 9},
    [14] = {"merit-dump", "merit-dump-file", .type = DHCP_TEXT, .spare = 9},
    [15] = {"domain-name", "domain", .type = DHCP_TEXT, .spare = 4},
    [16] = {"swap-server", .type = DHCP_IP4, .spare = 9},
    [17] = {"root-path", .type = DHCP_TEXT, .spare = 3},
    [18] = {"extensions-path", .type = DHCP_TEXT, .spare = 9},
    [19] = {"ip-forwarding", .type = DHCP_BOOL, .spare = 9},
    [20] = {"non-local-source-routing", .type = DHCP_BOOL, .spare = 9},
    [21] = {"policy-filter", .type = DHCP_IP4_PAIRS, .spare = 9},
    [22] = {"max-dgram-reassembly", .type = DHCP_U16, .least = 576, .spare = 9},
    [23] = {"default-ip-ttl", .type = DHCP_U8, .least = 1, .spare = 9},
    [24] = {"path-mtu-aging-timeout", .type = DHCP_U32, .spare = 9},
    [25] = {"path-mtu-plateau-table", .type = DHCP_U16S, .least = 68, .spare = 9},
    [26] = {"interface-mtu", "mtu", .type = DHCP_U16, .least = 68, .spare = 8},
    [27] = {"all-subnets-local", .type = DHCP_BOOL, .spare = 9},
    [28] = {"broadcast-address", "broadcast", .type = DHCP_IP4, .spare = 8},
    [29] = {"perform-mask-discovery", .type = DHCP_BOOL, .spare = 9},
    [30] = {"mask-supplier", .type = DHCP_BOOL, .spare = 9},
    [31] = {"router-discovery", .type = DHCP_BOOL, .spare = 9},
    [32] = {"router-solicitation-address", .type = DHCP_IP4, .spare = 9},
    [33] = {"static-routes", .type = DHCP_IP4_PAIRS, .spare = 8},
    [34] = {"trailer-encapsulation", .type = DHCP_BOOL, .spare = 9},
    [35] = {"arp-cache-timeout", .type = DHCP_U32, .spare = 9},
    [36] = {"ieee802-3-encapsulation", .type = DHCP_BOOL, .spare = 9},
    [37] = {"default-tcp-ttl", .type = DHCP_U8, .least = 1, .spare = 9},
    [38] = {"tcp-keepalive-interval", .type = DHCP_U32, .spare = 9},
    [39] = {"tcp-keepalive-garbage", .type = DHCP_BOOL, .spare = 9},
    [40] = {"nis-domain", .type = DHCP_TEXT, .spare = 9},
    [41] = {"nis-servers", .type = DHCP_IP4S, .spare = 9},
    [42] = {"ntp-servers", "ntp-server", .type = DHCP_IP4S, .spare = 6},
    [43] = {"vendor-encapsulated-options", "vendor", .type = DHCP_BYTES, .min = 1, .spare = 3},
    [44] = {"netbios-name-servers", .type = DHCP_IP4S, .spare = 9},
    [45] = {"netbios-dd-server", .type = DHCP_IP4S, .spare = 9},
    [46] = {"netbios-node-type", .type = DHCP_U8, .least = 1, .spare = 9},
    [47] = {"netbios-scope", .type = DHCP_TEXT, .spare = 9},
    [48] = {"font-servers", .type = DHCP_IP4S, .spare = 9},
    [49] = {"x-display-manager", "x-display-managers", .type = DHCP_IP4S, .spare = 9},
    [50] = {"dhcp-requested-address", .type = DHCP_IP4, .refused = BY_CLIENT},
    [51] = {"dhcp-lease-time", "lease-time", .type = DHCP_U32, .refused = BY_TIME},
    [52] = {"dhcp-option-overload", .type = DHCP_U8, .refused = BY_SERVER},
    [53] = {"dhcp-message-type", .type = DHCP_U8, .refused = BY_SERVER},
    [54] = {"dhcp-server-identifier", .type = DHCP_IP4, .refused = "it is the server's own address"},
    [55] = {"dhcp-parameter-request-list", .type = DHCP_CODES, .refused = BY_CLIENT},
    [56] = {"dhcp-message", .type = DHCP_TEXT, .spare = 9, .refused = "it says why a request is refused"},
    [57] = {"dhcp-max-message-size", .type = DHCP_U16, .refused = BY_CLIENT},
    [58] = {"dhcp-renewal-time", .type = DHCP_U32, .spare = 7, .refused = BY_TIME},
    [59] = {"dhcp-rebinding-time", .type = DHCP_U32, .spare = 7, .refused = BY_TIME},
    [60] = {"vendor-class-identifier", .type = DHCP_TEXT, .spare = 3},
    [61] = {"dhcp-client-identifier", .type = DHCP_BYTES, .min = 1, .refused = "the client's is echoed"},
    [62] = {"nwip-domain-name", "nwip-domain", .type = DHCP_TEXT, .spare = 9},
    [63] = {"nwip-suboptions", .type = DHCP_BYTES, .min = 1, .spare = 9},
    [64] = {"nisplus-domain-name", "nisplus-domain", .type = DHCP_TEXT, .spare = 9},
    [65] = {"nisplus-servers", .type = DHCP_IP4S, .spare = 9},
    [66] = {"tftp-server-name", "tftp-server", .type = DHCP_TEXT, .spare = 3},
    [67] = {"boot-file-name", "bootfile-name", .type = DHCP_TEXT, .spare = 2},
    [68] = {"mobile-ip-home-agent", .type = DHCP_IP4S, .spare = 9},
    [69] = {"smtp-server", .type = DHCP_IP4S, .spare = 9},
    [70] = {"pop-server", .type = DHCP_IP4S, .spare = 9},
    [71] = {"nntp-server", .type = DHCP_IP4S, .spare = 9},
    [72] = {"www-server", .type = DHCP_IP4S, .spare = 9},
    [73] = {"finger-server", .type = DHCP_IP4S, .spare = 9},
    [74] = {"irc-server", .type = DHCP_IP4S, .spare = 9},
    [75] = {"streettalk-server", .type = DHCP_IP4S, .spare = 9},
    [76] = {"streettalk-directory-assistance-server", .type = DHCP_IP4S, .spare = 9},
    [77] = {"user-class", .type = DHCP_BYTES, .min = 1, .refused = BY_CLIENT},
    [78] = {"slp-directory-agent", .type = DHCP_BYTES, .min = 5, .spare = 9},
    [79] = {"slp-service-scope", .type = DHCP_BYTES, .min = 1, .spare = 9},
    [80] = {"rapid-commit", .type = DHCP_FLAG, .refused = "this server always takes four messages"},
    [81] = {"fqdn", .type = DHCP_BYTES, .min = 3, .refused = BY_CLIENT},
    [82] = {"dhcp-agent-options", "relay-agent-information", .type = DHCP_BYTES, .min = 2, .spare = 1,
            .refused = "the relay's is echoed"},
    [85] = {"nds-servers", .type = DHCP_IP4S, .spare = 9},
    [86] = {"nds-tree-name", .type = DHCP_TEXT, .spare = 9},
    [87] = {"nds-context", .type = DHCP_TEXT, .spare = 9},
    [88] = {"bcms-controller-names", .type = DHCP_DOMAINS, .spare = 9},
    [89] = {"bcms-controller-address", .type = DHCP_IP4S, .spare = 9},
    [90] = {"authenticate", .type = DHCP_BYTES, .min = 1, .refused = "this server does not do RFC 3118"},
    [91] = {"client-last-transaction-time", .type = DHCP_U32, .refused = BY_SERVER},
    [92] = {"associated-ip", .type = DHCP_IP4S, .refused = BY_SERVER},
    [93] = {"client-system", "client-arch", .type = DHCP_U16S, .refused = BY_CLIENT},
    [94] = {"client-ndi", .type = DHCP_BYTES, .min = 3, .max = 3, .refused = BY_CLIENT},
    [97] = {"uuid-guid", "machine-id", .type = DHCP_BYTES, .min = 1, .spare = 6,
            .refused = "the client's is echoed"},
    [98] = {"uap-servers", .type = DHCP_TEXT, .spare = 9},
    [99] = {"geoconf-civic", .type = DHCP_BYTES, .min = 3, .spare = 9},
    [100] = {"pcode", "posix-timezone", .type = DHCP_TEXT, .spare = 8},
    [101] = {"tcode", "tzdb-timezone", .type = DHCP_TEXT, .spare = 8},
    [108] = {"v6-only-preferred", .type = DHCP_U32, .least = 300, .spare = 8, .when = DHCP_LISTED},
    [112] = {"netinfo-server-address", .type = DHCP_IP4S, .spare = 9},
    [113] = {"netinfo-server-tag", .type = DHCP_TEXT, .spare = 9},
    [114] = {"v4-captive-portal", "default-url", .type = DHCP_TEXT, .spare = 9},
    [116] = {"auto-config", .type = DHCP_U8, .spare = 9},
    [117] = {"name-service-search", .type = DHCP_U16S, .spare = 9},
    [118] = {"subnet-selection", .type = DHCP_IP4, .refused = BY_CLIENT},
    [119] = {"domain-search", .type = DHCP_DOMAINS, .min = 2, .spare = 5},
    [120] = {"sip-servers", .type = DHCP_BYTES, .min = 5, .spare = 9},
    [121] = {"classless-static-routes", "classless-static-route", .type = DHCP_ROUTES, .min = 5, .spare = 2},
    [122] = {"cablelabs-client-configuration", .type = DHCP_BYTES, .min = 1, .spare = 9},
    [123] = {"geoconf", .type = DHCP_BYTES, .min = 16, .max = 16, .spare = 9},
    [124] = {"vivco-suboptions", .type = DHCP_BYTES, .min = 5, .spare = 8},
    /* RFC 3925: a client says that it wants it by its vendor class, not in its list. */
    [125] = {"vivso-suboptions", .type = DHCP_BYTES, .min = 5, .spare = 4, .when = DHCP_ALWAYS},
    [136] = {"pana-agent", .type = DHCP_IP4S, .spare = 9},
    [137] = {"v4-lost", .type = DHCP_DOMAINS, .spare = 9},
    [138] = {"capwap-ac-v4", .type = DHCP_IP4S, .spare = 8},
    [139] = {"ipv4-address-mos", .type = DHCP_BYTES, .min = 1, .spare = 9},
    [140] = {"ipv4-fqdn-mos", .type = DHCP_BYTES, .min = 1, .spare = 9},
    [141] = {"sip-ua-cs-domains", .type = DHCP_DOMAINS, .spare = 9},
    [142] = {"ipv4-address-andsf", .type = DHCP_IP4S, .spare = 9},
    [143] = {"v4-sztp-redirect", .type = DHCP_BYTES, .min = 3, .spare = 4},
    [145] = {"forcerenew-nonce-capable", .type = DHCP_BYTES, .min = 1,
             .refused = "this server does not do RFC 6704"},
    [146] = {"rdnss-selection", .type = DHCP_BYTES, .min = 9, .spare = 9},
    [150] = {"tftp-server-address", "tftp-servers", .type = DHCP_IP4S, .spare = 3},
    [159] = {"v4-portparams", .type = DHCP_BYTES, .min = 4, .max = 4, .spare = 9},
    [175] = {"etherboot", "ipxe", .type = DHCP_BYTES, .min = 2,
             .refused = "the server says itself what iPXE has to know"},
    [208] = {"pxelinux-magic", .type = DHCP_BYTES, .min = 4, .max = 4, .spare = 8},
    [209] = {"loader-configfile", "pxelinux-configfile", .type = DHCP_TEXT, .spare = 4},
    [210] = {"loader-pathprefix", "pxelinux-pathprefix", .type = DHCP_TEXT, .spare = 4},
    [211] = {"loader-reboottime", "pxelinux-reboottime", .type = DHCP_U32, .spare = 8},
    [212] = {"option-6rd", .type = DHCP_BYTES, .min = 22, .spare = 9},
    [213] = {"v4-access-domain", .type = DHCP_DOMAINS, .spare = 9},
    [220] = {"subnet-allocation", .type = DHCP_BYTES, .min = 1, .refused = BY_CLIENT},
    [221] = {"virtual-subnet-selection", .type = DHCP_BYTES, .min = 1, .refused = BY_CLIENT},
    [249] = {"ms-classless-static-routes", .type = DHCP_ROUTES, .min = 5, .spare = 2},
    [252] = {"wpad", .type = DHCP_TEXT, .spare = 9},
};

const struct dhcp_row *dhcp_row(uint8_t code)
{
    return rows[code].name ? &rows[code] : NULL;
}

/* Words to bytes
 * ----------------------------------------------------------------------------------------------------------
 */

static int read_number(const char *word, long long min, long long max, long long *ret, struct err *e)
{
    char *end;
    errno = 0;
    *ret = strtoll(word, &end, strncasecmp(word, "0x", 2) == 0 ? 16 : 10);
    bool digits = isdigit((unsigned char)word[0]) || word[0] == '-';
    if (!digits || *end || errno || *ret < min || *ret > max) {
        return err_set(e, ERR_INPUT, "\"%.40s\" is not a number from %lld to %lld", word, min, max);
    }
    return 0;
}

static int read_u8_word(const char *word, struct writer *w, struct err *e)
{
    long long v;
    if (read_number(word, 0, UINT8_MAX, &v, e)) {
        return -1;
    }
    write_u8(w, (uint8_t)v);
    return 0;
}

static int read_u16_word(const char *word, struct writer *w, struct err *e)
{
    long long v;
    if (read_number(word, 0, UINT16_MAX, &v, e)) {
        return -1;
    }
    write_be16(w, (uint16_t)v);
    return 0;
}

static int read_u32_word(const char *word, struct writer *w, struct err *e)
{
    long long v;
    if (read_number(word, 0, UINT32_MAX, &v, e)) {
        return -1;
    }
    write_be32(w, (uint32_t)v);
    return 0;
}

static int read_i32_word(const char *word, struct writer *w, struct err *e)
{
    long long v;
    if (read_number(word, INT32_MIN, INT32_MAX, &v, e)) {
        return -1;
    }
    write_be32(w, (uint32_t)v);
    return 0;
}

static int read_bool_word(const char *word, struct writer *w, struct err *e)
{
    bool yes = strcmp(word, "true") == 0 || strcmp(word, "yes") == 0;
    if (!yes && strcmp(word, "false") != 0 && strcmp(word, "no") != 0) {
        return err_set(e, ERR_INPUT, "\"%.40s\" is neither true nor false", word);
    }
    write_u8(w, yes);
    return 0;
}

static int read_ip4_word(const char *word, struct writer *w, struct err *e)
{
    struct ip4 ip;
    if (ip4_parse(word, &ip, e)) {
        return -1;
    }
    write_be32(w, ip.a);
    return 0;
}

static int read_text_word(const char *word, struct writer *w, struct err *e)
{
    for (const unsigned char *c = (const unsigned char *)word; *c; c++) {
        if (*c < ' ' || *c == 0x7f) {
            return err_set(e, ERR_INPUT, "the text has a control character");
        }
    }
    if (!*word) {
        return err_set(e, ERR_INPUT, "the text is empty");
    }
    write_span(w, span_str(word));
    return 0;
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    c = (char)tolower((unsigned char)c);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* What follows "hex:"; a colon may stand between two bytes. */
static int read_hex_word(const char *word, struct writer *w, struct err *e)
{
    const char *c = word;
    while (*c) {
        int high = hex_digit(c[0]), low = high < 0 ? -1 : hex_digit(c[1]);
        if (low < 0) {
            return err_set(e, ERR_INPUT, "\"hex:%.40s\" is not pairs of hexadecimal digits", word);
        }
        write_u8(w, (uint8_t)(high << 4 | low));
        c += 2;
        if (*c == ':' && c[1]) {
            c++;
        }
    }
    return 0;
}

/* "10.1.0.0/16 via 10.0.0.1", or "default via ...": the prefix's length, its octets that count, the router.
 */
static int read_route_word(const char *word, struct writer *w, struct err *e)
{
    char to[PREFIX_STR + 4];
    struct prefix p = {0};
    struct ip4 router;
    const char *via = strstr(word, " via ");
    size_t n = via ? (size_t)(via - word) : 0;
    if (!via || n >= sizeof to) {
        return err_set(e, ERR_INPUT, "\"%.60s\" is not PREFIX via ROUTER, like 10.1.0.0/16 via 10.0.0.1",
                       word);
    }
    memcpy(to, word, n);
    to[n] = '\0';
    if ((strcmp(to, "default") != 0 && prefix_parse(to, &p, e)) ||
        ip4_parse(via + strlen(" via "), &router, e)) {
        return -1;
    }
    write_u8(w, p.len);
    for (int i = 0; i < (p.len + 7) / 8; i++) {
        write_u8(w, (uint8_t)(p.net.a >> (24 - 8 * i)));
    }
    write_be32(w, router.a);
    return 0;
}

/* Domain names (RFC 1035, 4.1.4; RFC 3397). A pointer leads to the same rest of a name that came before, of
 * which the writer's own bytes tell. */
static bool name_at_is(struct span all, size_t at, const char *name)
{
    for (int hops = 0; at < all.n && hops < 64; hops++) {
        uint8_t n = all.p[at];
        if ((n & 0xc0) == 0xc0) {
            if (at + 1 >= all.n) {
                return false;
            }
            at = (size_t)(n & 0x3f) << 8 | all.p[at + 1];
            continue;
        }
        if (n == 0) {
            return *name == '\0';
        }
        size_t label = strcspn(name, ".");
        if (label != n || at + 1 + n > all.n || strncasecmp((const char *)all.p + at + 1, name, n) != 0) {
            return false;
        }
        name += label;
        name += *name == '.';
        at += 1u + n;
    }
    return false;
}

/* Every label's place is tried: the values are short, and this happens when a person's file is read. */
static bool find_name(struct span all, const char *name, size_t *ret)
{
    for (size_t at = 0; at < all.n;) {
        uint8_t n = all.p[at];
        if (n && (n & 0xc0) == 0 && name_at_is(all, at, name)) {
            *ret = at;
            return true;
        }
        at += (n & 0xc0) ? 2 : 1u + n;
    }
    return false;
}

static int read_label(const char *word, size_t n, struct writer *w, struct err *e)
{
    bool fits = n > 0 && n < 64;
    for (size_t i = 0; i < n && fits; i++) {
        fits = isalnum((unsigned char)word[i]) || word[i] == '-' || word[i] == '_';
    }
    if (!fits) {
        return err_set(e, ERR_INPUT,
                       "\"%.60s\" is not part of a domain name (1 to 63 letters, digits, '-', '_', between "
                       "dots)",
                       word);
    }
    write_u8(w, (uint8_t)n);
    write_span(w, span_of(word, n));
    return 0;
}

static int read_domain_word(const char *word, struct writer *w, struct err *e)
{
    size_t before = writer_used(w), at, n;
    if (strlen(word) > 253) {
        return err_set(e, ERR_INPUT, "the domain name \"%.40s...\" is longer than 253 characters", word);
    }
    for (const char *rest = word;; rest += n + 1) {
        if (find_name(span_of(w->start, before), rest, &at) && at < 0x4000) {
            write_be16(w, (uint16_t)(0xc000 | at));
            return 0;
        }
        n = strcspn(rest, ".");
        if (read_label(rest, n, w, e)) {
            return -1;
        }
        if (!rest[n] || !rest[n + 1]) {
            break;
        }
    }
    write_u8(w, 0);
    return 0;
}

/* Bytes to words
 * ----------------------------------------------------------------------------------------------------------
 */

static void show_u8(struct reader *r, struct str *ret)
{
    str_addf(ret, "%u", read_u8(r));
}

static void show_u16(struct reader *r, struct str *ret)
{
    str_addf(ret, "%u", read_be16(r));
}

static void show_u32(struct reader *r, struct str *ret)
{
    str_addf(ret, "%u", read_be32(r));
}

static void show_i32(struct reader *r, struct str *ret)
{
    str_addf(ret, "%d", (int32_t)read_be32(r));
}

static void show_bool(struct reader *r, struct str *ret)
{
    str_add(ret, read_u8(r) ? "true" : "false");
}

static void show_ip4(struct reader *r, struct str *ret)
{
    char ip[IP4_STR];
    str_add(ret, ip4_format((struct ip4){read_be32(r)}, ip));
}

static void show_text(struct reader *r, struct str *ret)
{
    while (reader_left(r)) {
        uint8_t c = read_u8(r);
        str_addf(ret, c > ' ' && c < 0x7f ? "%c" : "\\x%02x", c);
    }
}

static void show_hex(struct reader *r, struct str *ret)
{
    str_add(ret, "hex:");
    while (reader_left(r)) {
        str_addf(ret, "%02x", read_u8(r));
    }
}

static void show_route(struct reader *r, struct str *ret)
{
    char prefix[PREFIX_STR], ip[IP4_STR];
    struct prefix p = {.len = read_u8(r)};
    if (p.len > 32) {
        r->bad = true;
        return;
    }
    for (int i = 0; i < (p.len + 7) / 8; i++) {
        p.net.a |= (uint32_t)read_u8(r) << (24 - 8 * i);
    }
    str_addf(ret, "%s via ", p.len ? prefix_format(p, prefix) : "default");
    str_add(ret, ip4_format((struct ip4){read_be32(r)}, ip));
}

/* One name; pointers are followed backwards only, so that it ends. r->p - the value's start is where we are.
 */
static void show_domain_of(struct reader *r, struct span all, struct str *ret)
{
    struct reader in = *r;
    size_t limit = (size_t)(r->p - all.p), n = 0;
    bool away = false;
    for (uint8_t label; (label = read_u8(&in)) != 0 && !in.bad;) {
        if ((label & 0xc0) == 0xc0) {
            size_t to = (size_t)(label & 0x3f) << 8 | read_u8(&in);
            if (!away) {
                *r = in;
            }
            away = true;
            r->bad = r->bad || in.bad || to >= limit;
            if (r->bad) {
                return;
            }
            limit = to;
            in = reader_of(span_of(all.p + to, all.n - to));
            continue;
        }
        struct span text = read_span(&in, label);
        str_add(ret, n++ ? "." : "");
        struct reader chars = reader_of(text);
        show_text(&chars, ret);
    }
    if (!away) {
        *r = in;
    }
    r->bad = r->bad || in.bad;
}

/* Types
 * -------------------------------------------------------------------------------------------------------------------
 */

static const struct {
    const char *name; /* as a person writes it; NULL: nobody writes it */
    uint8_t unit;
    bool list;
    int (*read)(const char *word, struct writer *w, struct err *e);
    void (*show)(struct reader *r, struct str *ret);
} types[DHCP_TYPES] = {
    [DHCP_BYTES] = {"hex", 1, true, NULL, show_hex},
    [DHCP_FLAG] = {NULL, 0, false, NULL, show_hex},
    [DHCP_BOOL] = {"bool", 1, false, read_bool_word, show_bool},
    [DHCP_U8] = {"uint8", 1, false, read_u8_word, show_u8},
    [DHCP_U16] = {"uint16", 2, false, read_u16_word, show_u16},
    [DHCP_U32] = {"uint32", 4, false, read_u32_word, show_u32},
    [DHCP_I32] = {"int32", 4, false, read_i32_word, show_i32},
    [DHCP_IP4] = {"address", 4, false, read_ip4_word, show_ip4},
    [DHCP_U16S] = {"uint16s", 2, true, read_u16_word, show_u16},
    [DHCP_IP4S] = {"addresses", 4, true, read_ip4_word, show_ip4},
    [DHCP_IP4_PAIRS] = {"address-pairs", 8, true, read_ip4_word, show_ip4},
    [DHCP_TEXT] = {"text", 1, true, read_text_word, show_text},
    [DHCP_DOMAINS] = {"domains", 1, true, read_domain_word, NULL},
    [DHCP_ROUTES] = {"routes", 1, true, read_route_word, show_route},
    [DHCP_CODES] = {NULL, 1, true, NULL, show_u8},
};

bool dhcp_length_ok(const struct dhcp_row *row, size_t n)
{
    size_t unit = types[row->type].unit;
    if (!types[row->type].list) {
        return n == unit;
    }
    if (row->type != DHCP_BYTES && n == 0) {
        return false;
    }
    return n % unit == 0 && n >= row->min && (!row->max || n <= row->max);
}

static bool takes_one_word(enum dhcp_type t)
{
    return !types[t].list || t == DHCP_TEXT;
}

/* Keys and values
 * ---------------------------------------------------------------------------------------------------------
 */

static bool code_of(const char *key, unsigned *ret)
{
    if (isdigit((unsigned char)key[0])) {
        char *end;
        unsigned long v = strtoul(key, &end, 10);
        *ret = v > 255 ? 256 : (unsigned)v;
        return *end == '\0';
    }
    for (unsigned c = 0; c < 256; c++) {
        if (rows[c].name &&
            (strcmp(rows[c].name, key) == 0 || (rows[c].alias && !strcmp(rows[c].alias, key)))) {
            *ret = c;
            return true;
        }
    }
    return false;
}

int dhcp_code_parse(const char *key, uint8_t *ret, struct err *e)
{
    unsigned code;
    if (!code_of(key, &code)) {
        return err_set(e, ERR_INPUT, "no DHCP option is named \"%.60s\"; its code, 1 to 254, does too", key);
    }
    if (code < 1 || code > 254) {
        return err_set(e, ERR_INPUT, "\"%.60s\" is no option's code; they are 1 to 254%s", key,
                       code == 0 || code == 255 ? " (0 and 255 are padding and the end)" : "");
    }
    if (rows[code].refused) {
        return err_set(e, ERR_INPUT, "option %u (%s) cannot be set: %s", code, rows[code].name,
                       rows[code].refused);
    }
    *ret = (uint8_t)code;
    return 0;
}

int dhcp_type_parse(const char *name, enum dhcp_type *ret, struct err *e)
{
    struct str all = {0};
    for (int i = 0; i < DHCP_TYPES; i++) {
        if (!types[i].name) {
            continue;
        }
        if (strcmp(types[i].name, name) == 0) {
            *ret = (enum dhcp_type)i;
            str_free(&all);
            return 0;
        }
        str_addf(&all, "%s%s", all.len ? ", " : "", types[i].name);
    }
    err_set(e, ERR_INPUT, "\"%.40s\" is no type of option; they are %s", name, all.s);
    str_free(&all);
    return -1;
}

static int parse_words(enum dhcp_type type, const char *const *words, size_t n, struct writer *w,
                       struct err *e)
{
    if (!types[type].read) {
        return err_set(e, ERR_INPUT, "the value is bytes: write it as \"hex:...\" or \"text:...\"");
    }
    if (n == 0) {
        return err_set(e, ERR_INPUT, "the list is empty");
    }
    if (n > 1 && takes_one_word(type)) {
        return err_set(e, ERR_INPUT, "it takes one value, not a list");
    }
    if (type == DHCP_IP4_PAIRS && n % 2) {
        return err_set(e, ERR_INPUT, "it takes pairs of addresses: the list's length is odd");
    }
    for (size_t i = 0; i < n; i++) {
        if (types[type].read(words[i], w, e)) {
            return -1;
        }
    }
    return 0;
}

/* An option that the table does not have, and no type beside it: what is an address is one. */
static int parse_bare(const char *const *words, size_t n, struct writer *w, struct err *e)
{
    for (size_t i = 0; i < n; i++) {
        if (read_ip4_word(words[i], w, NULL)) {
            return err_set(
                e, ERR_INPUT,
                "this option is not in the table, so \"%.40s\" could be anything: write it as "
                "\"hex:...\", \"text:...\", an address or addresses, or as {type: uint16, value: 5}",
                words[i]);
        }
    }
    return n ? 0 : err_set(e, ERR_INPUT, "the list is empty");
}

static int parse_form(const struct dhcp_row *row, const enum dhcp_type *type, const char *const *words,
                      size_t n, struct writer *w, struct err *e)
{
    bool bytes = row ? row->type == DHCP_BYTES : !type || *type == DHCP_BYTES;
    if (n == 1 && strncmp(words[0], "hex:", 4) == 0) {
        return read_hex_word(words[0] + 4, w, e);
    }
    if (n == 1 && bytes && strncmp(words[0], "text:", 5) == 0) {
        return read_text_word(words[0] + 5, w, e);
    }
    if (!row && !type) {
        return parse_bare(words, n, w, e);
    }
    return parse_words(row ? row->type : *type, words, n, w, e);
}

static int check_least(const struct dhcp_row *row, struct span value, struct err *e)
{
    struct reader r = reader_of(value);
    while (row->least && reader_left(&r)) {
        unsigned unit = types[row->type].unit;
        uint32_t v = unit == 1 ? read_u8(&r) : unit == 2 ? read_be16(&r) : read_be32(&r);
        if (v < row->least) {
            return err_set(e, ERR_INPUT, "%u is less than %u, the least that this option may say", v,
                           row->least);
        }
    }
    return 0;
}

static int parse_value(const struct dhcp_row *row, const enum dhcp_type *type, const char *const *words,
                       size_t n, struct writer *w, struct err *e)
{
    if (row && type) {
        return err_set(e, ERR_INPUT, "its type is known, it is %s; leave \"type\" out",
                       types[row->type].name);
    }
    if (parse_form(row, type, words, n, w, e)) {
        return -1;
    }
    size_t used = writer_used(w);
    if (w->full || used > DHCP_VALUE_MAX) {
        return err_set(e, ERR_INPUT, "the value is longer than %d bytes", DHCP_VALUE_MAX);
    }
    if (row && !dhcp_length_ok(row, used)) {
        return err_set(e, ERR_INPUT, "%zu bytes are no value of type %s for this option", used,
                       types[row->type].name);
    }
    return row ? check_least(row, span_of(w->start, used), e) : 0;
}

int dhcp_value_parse(uint8_t code, const enum dhcp_type *type, const char *const *words, size_t n,
                     struct writer *w, struct err *e)
{
    const struct dhcp_row *row = dhcp_row(code);
    if (parse_value(row, type, words, n, w, e) == 0) {
        return 0;
    }
    return err_prefix(e, "option %u%s%s%s", code, row ? " (" : "", row ? row->name : "", row ? ")" : "");
}

/* Well-formed as its type has it; else it is shown as bytes. */
static bool show_typed(enum dhcp_type type, struct span value, struct str *ret)
{
    struct reader r = reader_of(value);
    for (size_t i = 0; reader_left(&r) && !r.bad; i++) {
        str_add(ret, i ? ", " : "");
        if (type == DHCP_DOMAINS) {
            show_domain_of(&r, value, ret);
        } else {
            types[type].show(&r, ret);
        }
    }
    return !r.bad;
}

void dhcp_value_format(uint8_t code, struct span value, struct str *ret)
{
    const struct dhcp_row *row = dhcp_row(code);
    struct str s = {0};
    bool typed = row && dhcp_length_ok(row, value.n) && show_typed(row->type, value, &s);
    if (!typed) {
        struct reader r = reader_of(value);
        str_reset(&s);
        show_hex(&r, &s);
    }
    str_add(ret, s.s ? s.s : "");
    str_free(&s);
}

void dhcp_name_format(uint8_t code, struct str *ret)
{
    if (rows[code].name) {
        str_add(ret, rows[code].name);
    } else {
        str_addf(ret, "%u", code);
    }
}

bool dhcp_routes_default(struct span routes)
{
    struct reader r = reader_of(routes);
    while (reader_left(&r) && !r.bad) {
        uint8_t len = read_u8(&r);
        if (len == 0) {
            return true;
        }
        read_skip(&r, (len + 7u) / 8 + 4);
    }
    return false;
}

/* Sets
 * --------------------------------------------------------------------------------------------------------------------
 */

bool dhcp_set_next(struct reader *r, struct dhcp_option *ret)
{
    if (!reader_left(r) || r->bad) {
        return false;
    }
    uint8_t code = read_u8(r), flags = read_u8(r);
    size_t n = read_be16(r);
    struct span value = read_span(r, n);
    if (r->bad) {
        return false;
    }
    *ret = (struct dhcp_option){.code = code, .always = flags & 1, .value = value};
    return true;
}

bool dhcp_set_has(struct span set, uint8_t code)
{
    struct reader r = reader_of(set);
    struct dhcp_option o;
    while (dhcp_set_next(&r, &o)) {
        if (o.code == code) {
            return true;
        }
    }
    return false;
}

int dhcp_set_put(struct dhcp_set *s, const struct dhcp_option *o, struct err *e)
{
    struct reader r = reader_of(dhcp_set_span(s));
    struct dhcp_option had;
    size_t at = 0, n = 4 + o->value.n;
    struct str name = {0};
    for (; dhcp_set_next(&r, &had) && had.code <= o->code; at = (size_t)(r.p - s->bytes)) {
        if (had.code == o->code) {
            dhcp_name_format(o->code, &name);
            err_set(e, ERR_INPUT, "option %u (%s) is given twice", o->code, name.s);
            str_free(&name);
            return -1;
        }
    }
    if (n > sizeof s->bytes - s->n) {
        return err_set(e, ERR_INPUT, "all options together are longer than %d bytes", DHCP_SET_MAX);
    }
    memmove(s->bytes + at + n, s->bytes + at, s->n - at);
    struct writer w = writer_of(s->bytes + at, n);
    write_u8(&w, o->code);
    write_u8(&w, o->always);
    write_be16(&w, (uint16_t)o->value.n);
    write_span(&w, o->value);
    s->n += n;
    return 0;
}

static void merge_step(struct dhcp_merge *m, size_t layer)
{
    m->has[layer] = dhcp_set_next(&m->r[layer], &m->at[layer]);
}

struct dhcp_merge dhcp_merge(const struct span sets[DHCP_LAYERS])
{
    struct dhcp_merge m = {0};
    for (size_t i = 0; i < DHCP_LAYERS; i++) {
        m.r[i] = reader_of(sets[i]);
        merge_step(&m, i);
    }
    return m;
}

bool dhcp_merge_next(struct dhcp_merge *m, struct dhcp_option *ret, size_t *ret_layer)
{
    size_t best = DHCP_LAYERS;
    for (size_t i = 0; i < DHCP_LAYERS; i++) {
        if (m->has[i] && (best == DHCP_LAYERS || m->at[i].code <= m->at[best].code)) {
            best = i;
        }
    }
    if (best == DHCP_LAYERS) {
        return false;
    }
    *ret = m->at[best];
    if (ret_layer) {
        *ret_layer = best;
    }
    for (size_t i = 0; i < DHCP_LAYERS; i++) {
        if (m->has[i] && m->at[i].code == ret->code) {
            merge_step(m, i);
        }
    }
    return true;
}

int dhcp_set_merge(struct span below, struct span above, struct dhcp_set *ret, struct err *e)
{
    struct dhcp_merge m = dhcp_merge((struct span[DHCP_LAYERS]){below, above});
    struct dhcp_option o;
    ret->n = 0;
    while (dhcp_merge_next(&m, &o, NULL)) {
        if (dhcp_set_put(ret, &o, e)) {
            return -1;
        }
    }
    return 0;
}
