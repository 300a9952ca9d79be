#include "base/yaml_out.h"

#include <ctype.h>
#include <stdint.h>
#include <string.h>
#include <strings.h>

/* What YAML 1.1 and 1.2 take for something else than text, in any case. */
static const char *const words[] = {"y",  "n",   "yes",  "no",  "true", "false",
                                    "on", "off", "null", "nan", "inf"};

static bool is_word(const char *text)
{
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        if (strcasecmp(words[i], text) == 0) {
            return true;
        }
    }
    return false;
}

/* A letter first, so that it is no number, no date and no sign; then nothing that could mean anything. */
static bool is_plain(const char *text)
{
    if (!isalpha((unsigned char)*text) || (unsigned char)*text >= 0x80 || is_word(text)) {
        return false;
    }
    for (const unsigned char *p = (const unsigned char *)text; *p; p++) {
        bool inner_blank = *p == ' ' && p[1] != '\0' && p[1] != ' ';
        if (*p >= 0x80 || !(isalnum(*p) || strchr("_-./@+", *p) || inner_blank)) {
            return false;
        }
    }
    return true;
}

/* One character of UTF-8: its length, or 0 for bytes that are none. */
static size_t decode(const unsigned char *p, uint32_t *ret)
{
    size_t n = *p < 0x80             ? 1
               : (*p & 0xe0) == 0xc0 ? 2
               : (*p & 0xf0) == 0xe0 ? 3
               : (*p & 0xf8) == 0xf0 ? 4
                                     : 0;
    static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    uint32_t c = n == 1 ? *p : *p & (0xffu >> (n + 1));
    for (size_t i = 1; i < n; i++) {
        if ((p[i] & 0xc0) != 0x80) {
            return 0;
        }
        c = c << 6 | (p[i] & 0x3fu);
    }
    *ret = c;
    return n && c >= least[n] && c <= 0x10ffff && (c < 0xd800 || c > 0xdfff) ? n : 0;
}

static void add_escaped(struct str *out, uint32_t c)
{
    static const char letters[] = "\n\t\r\"\\", codes[] = "ntr\"\\";
    const char *at = c < 0x80 && c ? strchr(letters, (int)c) : NULL;
    if (at) {
        str_addf(out, "\\%c", codes[at - letters]);
    } else {
        str_addf(out, c < 0x100 ? "\\x%02X" : "\\u%04X", c);
    }
}

/* What a reader would refuse as it is, or take for the end of a line. */
static bool needs_escape(uint32_t c)
{
    return c < 0x20 || c == '"' || c == '\\' || (c >= 0x7f && c < 0xa0) || c == 0x2028 || c == 0x2029 ||
           c == 0xfeff || c == 0xfffe || c == 0xffff;
}

void yaml_add_quoted(struct str *out, const char *text)
{
    str_add(out, "\"");
    for (const unsigned char *p = (const unsigned char *)text; *p;) {
        uint32_t c = 0;
        size_t n = decode(p, &c);
        if (n == 0) {
            str_add(out, "\\uFFFD");
        } else if (needs_escape(c)) {
            add_escaped(out, c);
        } else {
            str_addn(out, p, n);
        }
        p += n ? n : 1;
    }
    str_add(out, "\"");
}

void yaml_add(struct str *out, const char *text)
{
    if (is_plain(text)) {
        str_add(out, text);
    } else {
        yaml_add_quoted(out, text);
    }
}
