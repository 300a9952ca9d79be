/* api_token: what of tokens needs no store (api_token.h). */
#include "inventory/api_token.h"

#include <string.h>
#include <strings.h>

#include "base/str.h"

static const struct {
    const char *name;
    enum api_right right;
} rights[] = {{"read", RIGHT_READ}, {"write", RIGHT_WRITE}, {"assign", RIGHT_ASSIGN}};
#define RIGHTS (sizeof rights / sizeof *rights)

/* 0 for none of that name. */
static unsigned right_of(const char *name, size_t n)
{
    for (size_t i = 0; i < RIGHTS; i++) {
        if (strlen(rights[i].name) == n && memcmp(rights[i].name, name, n) == 0) {
            return rights[i].right;
        }
    }
    return 0;
}

int api_rights_parse(const char *text, unsigned *ret, struct err *e)
{
    unsigned all = 0;
    for (const char *p = text;; p++) {
        size_t n = strcspn(p, ",");
        unsigned right = right_of(p, n);
        if (!right) {
            return err_set(e, ERR_INPUT,
                           "\"%.*s\" is no right; there are read, write and assign, with commas",
                           n < 40 ? (int)n : 40, p);
        }
        if (all & right) {
            return err_set(e, ERR_INPUT, "the right %.*s is named twice", (int)n, p);
        }
        all |= right;
        p += n;
        if (!*p) {
            break;
        }
    }
    *ret = all;
    return 0;
}

char *api_rights_format(unsigned mask, char buf[API_RIGHTS_STR])
{
    size_t n = 0;
    buf[0] = '\0';
    for (size_t i = 0; i < RIGHTS; i++) {
        if (mask & rights[i].right) {
            str_copy(buf + n, API_RIGHTS_STR - n, n ? "," : "");
            n = strlen(buf);
            str_copy(buf + n, API_RIGHTS_STR - n, rights[i].name);
            n = strlen(buf);
        }
    }
    return buf;
}

struct span api_token_presented(struct span v)
{
    static const char *const words[] = {"token", "bearer"};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        size_t n = strlen(words[i]);
        if (v.n <= n || strncasecmp((const char *)v.p, words[i], n) != 0 || v.p[n] != ' ') {
            continue;
        }
        while (n < v.n && v.p[n] == ' ') {
            n++;
        }
        return span_of(v.p + n, v.n - n);
    }
    return (struct span){0};
}
