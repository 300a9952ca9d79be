#include "dhcpd/clients.h"

#include <string.h>

const struct client_row client_other = {.name = "other"};
const struct client_row client_unknown = {.name = "pxe-unknown"};
const struct client_row client_ipxe = {.name = "ipxe", .via = VIA_SCRIPT};

#define ARCHS(...)    .archs = {__VA_ARGS__}, .archs_n = sizeof((uint16_t[]){__VA_ARGS__}) / sizeof(uint16_t)
#define LOADERS(a, b) .loaders = {a, b}, .loaders_n = 2
/* A processor's two rows: by PXE and by HTTP. */
#define UEFI(name_, loaders_, pxe, http)                                                                     \
    {.name = "uefi-" name_, .via = VIA_TFTP, pxe, loaders_},                                                 \
    {                                                                                                        \
        .name = "uefi-" name_ "-http", .via = VIA_HTTP, http, loaders_                                       \
    }

/* Architecture types as IANA has them (RFC 4578, 5970). EBC (9, HTTP 17) is what early x64 firmware says of
 * itself. Itanium (2) and those before UEFI have no loader anywhere. ipxe.efi brings iPXE's own drivers;
 * snponly.efi uses the firmware's, which is slower and works where those freeze. */
static const struct client_row rows[] = {
    {.name = "bios", .via = VIA_TFTP, ARCHS(0x00), LOADERS("undionly.kpxe", "ipxe.pxe")},
    UEFI("ia32", LOADERS("ipxe-ia32.efi", "snponly-ia32.efi"), ARCHS(0x06), ARCHS(0x0f)),
    UEFI("x64", LOADERS("ipxe.efi", "snponly.efi"), ARCHS(0x07, 0x09), ARCHS(0x10, 0x11)),
    UEFI("arm32", LOADERS("ipxe-arm32.efi", "snponly-arm32.efi"), ARCHS(0x0a), ARCHS(0x12)),
    UEFI("arm64", LOADERS("ipxe-arm64.efi", "snponly-arm64.efi"), ARCHS(0x0b), ARCHS(0x13)),
    UEFI("riscv32", LOADERS("ipxe-riscv32.efi", "snponly-riscv32.efi"), ARCHS(0x19), ARCHS(0x1a)),
    UEFI("riscv64", LOADERS("ipxe-riscv64.efi", "snponly-riscv64.efi"), ARCHS(0x1b), ARCHS(0x1c)),
    UEFI("loong32", LOADERS("ipxe-loong32.efi", "snponly-loong32.efi"), ARCHS(0x25), ARCHS(0x26)),
    UEFI("loong64", LOADERS("ipxe-loong64.efi", "snponly-loong64.efi"), ARCHS(0x27), ARCHS(0x28)),
};
#define ROWS (sizeof rows / sizeof *rows)

bool client_arch_is_http(uint16_t arch)
{
    for (size_t i = 0; i < ROWS; i++)
        for (size_t k = 0; k < rows[i].archs_n; k++)
            if (rows[i].archs[k] == arch)
                return rows[i].via == VIA_HTTP;
    return false;
}

/* RFC 3004 has a length before each class; iPXE sends the bare word. Both are taken. */
static bool has_user_class(struct span v, const char *lead, bool whole)
{
    struct reader r = reader_of(v);
    if (whole ? span_eq(v, span_str(lead)) : span_starts(v, lead))
        return true;
    while (reader_left(&r) && !r.bad) {
        struct span class = read_span(&r, read_u8(&r));
        if (!r.bad && (whole ? span_eq(class, span_str(lead)) : span_starts(class, lead)))
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

/* What a row looks at. */
struct signs {
    const struct options *o;
    struct span class;
    enum boot_via via; /* by its class: PXEClient or HTTPClient; of neither: VIA_NOTHING */
};

static bool row_has_arch(const struct client_row *row, uint16_t arch)
{
    for (size_t i = 0; i < row->archs_n; i++)
        if (row->archs[i] == arch)
            return true;
    return false;
}

static bool takes_arch(const struct client_row *row, const struct signs *s)
{
    struct reader r = reader_of(s->o->value[OPT_ARCH]);
    if (!row->archs_n)
        return true;
    if (!s->o->has[OPT_ARCH])
        return row_has_arch(row, arch_of_class(s->class));
    while (reader_left(&r) && !r.bad)
        if (row_has_arch(row, read_be16(&r)))
            return true;
    return false;
}

static bool takes(const struct client_row *row, const struct signs *s)
{
    if (row->vendor_class[0] ? !span_starts(s->class, row->vendor_class) : s->via != row->via)
        return false;
    if (row->user_class[0] && !has_user_class(s->o->value[OPT_USER_CLASS], row->user_class, false))
        return false;
    return takes_arch(row, s);
}

static const struct client_row *find_in(const struct client_row *table, size_t n, const struct signs *s)
{
    for (size_t i = 0; i < n; i++)
        if (takes(&table[i], s))
            return &table[i];
    return NULL;
}

const struct client_row *client_find(const struct client_table *own, const struct options *o)
{
    struct signs s = {.o = o, .class = o->value[OPT_VENDOR_CLASS]};
    const struct client_row *row = NULL;
    if (o->has[OPT_IPXE] || has_user_class(o->value[OPT_USER_CLASS], "iPXE", true))
        return &client_ipxe;
    if (span_starts(s.class, "PXEClient"))
        s.via = VIA_TFTP;
    if (span_starts(s.class, "HTTPClient"))
        s.via = VIA_HTTP;
    if (own)
        row = find_in(own->rows, own->n, &s);
    if (!row && s.via == VIA_NOTHING)
        return &client_other;
    if (!row)
        row = find_in(rows, ROWS, &s);
    return row ? row : &client_unknown;
}

const struct client_row *client_by_name(const struct client_table *own, const char *name)
{
    for (size_t i = 0; own && i < own->n; i++)
        if (strcmp(own->rows[i].name, name) == 0)
            return &own->rows[i];
    for (size_t i = 0; i < ROWS; i++)
        if (strcmp(rows[i].name, name) == 0)
            return &rows[i];
    return NULL;
}
