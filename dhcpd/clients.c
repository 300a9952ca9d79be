#include "dhcpd/clients.h"

/* Architecture types as IANA has them (RFC 4578, 5970). EBC (9) is what early x64 firmware says of itself. */
static const struct {
    uint16_t arch;
    enum client_kind kind;
} archs[] = {
    {0x00, CLIENT_BIOS},          {0x06, CLIENT_UEFI_IA32},       {0x07, CLIENT_UEFI_X64},
    {0x09, CLIENT_UEFI_X64},      {0x0b, CLIENT_UEFI_ARM64},      {0x10, CLIENT_UEFI_X64_HTTP},
    {0x11, CLIENT_UEFI_X64_HTTP}, {0x13, CLIENT_UEFI_ARM64_HTTP},
};

static const struct client_row kinds[CLIENT_COUNT] = {
    [CLIENT_OTHER] = {.name = "other"},
    [CLIENT_PXE_UNKNOWN] = {.name = "pxe-unknown"},
    [CLIENT_BIOS] = {.name = "bios", .via = VIA_TFTP, .loader = "undionly.kpxe"},
    [CLIENT_UEFI_IA32] = {.name = "uefi-ia32", .via = VIA_TFTP, .loader = "ipxe-ia32.efi"},
    [CLIENT_UEFI_X64] = {.name = "uefi-x64", .via = VIA_TFTP, .loader = "ipxe.efi"},
    [CLIENT_UEFI_X64_HTTP] = {.name = "uefi-x64-http", .via = VIA_HTTP, .loader = "ipxe.efi"},
    [CLIENT_UEFI_ARM64] = {.name = "uefi-arm64", .via = VIA_TFTP, .loader = "ipxe-arm64.efi"},
    [CLIENT_UEFI_ARM64_HTTP] = {.name = "uefi-arm64-http", .via = VIA_HTTP, .loader = "ipxe-arm64.efi"},
    [CLIENT_IPXE] = {.name = "ipxe", .via = VIA_SCRIPT},
};

const struct client_row *client_row(enum client_kind k)
{
    return &kinds[k];
}

/* RFC 3004 has a length before each class; iPXE sends the bare word. Both are taken. */
static bool has_user_class(struct span v, const char *word)
{
    struct reader r = reader_of(v);
    if (span_eq(v, span_str(word)))
        return true;
    while (reader_left(&r) && !r.bad) {
        struct span class = read_span(&r, read_u8(&r));
        if (!r.bad && span_eq(class, span_str(word)))
            return true;
    }
    return false;
}

static bool find_arch(uint16_t arch, enum client_kind *ret)
{
    for (size_t i = 0; i < sizeof archs / sizeof *archs; i++)
        if (archs[i].arch == arch) {
            *ret = archs[i].kind;
            return true;
        }
    return false;
}

/* "PXEClient:Arch:00007:UNDI:003000", of a client that sends no option 93. Without the number it is a BIOS.
 */
static uint16_t arch_of_class(struct span class)
{
    const char *lead = "PXEClient:Arch:"; /* HTTPClient's is one longer, and always comes with option 93 */
    uint16_t arch = 0;
    if (!span_starts(class, lead))
        return 0;
    struct reader r = reader_of(class);
    read_skip(&r, span_str(lead).n);
    for (int i = 0; i < 5; i++) {
        uint8_t c = read_u8(&r);
        if (c < '0' || c > '9')
            return 0;
        arch = (uint16_t)(arch * 10 + (c - '0'));
    }
    return arch;
}

static enum client_kind kind_by_arch(const struct options *o, struct span class)
{
    enum client_kind kind;
    struct reader r = reader_of(o->value[OPT_ARCH]);
    if (!o->has[OPT_ARCH])
        return find_arch(arch_of_class(class), &kind) ? kind : CLIENT_PXE_UNKNOWN;
    while (reader_left(&r) && !r.bad)
        if (find_arch(read_be16(&r), &kind))
            return kind;
    return CLIENT_PXE_UNKNOWN;
}

enum client_kind client_kind(const struct options *o)
{
    struct span class = o->value[OPT_VENDOR_CLASS];
    if (has_user_class(o->value[OPT_USER_CLASS], "iPXE") || o->has[OPT_IPXE])
        return CLIENT_IPXE;
    bool http = span_starts(class, "HTTPClient");
    if (!http && !span_starts(class, "PXEClient"))
        return CLIENT_OTHER;
    enum client_kind k = kind_by_arch(o, class);
    bool wants_url = kinds[k].via == VIA_HTTP;
    return http == wants_url ? k : CLIENT_PXE_UNKNOWN;
}
