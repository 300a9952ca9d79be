#include "agent/cmdline.h"

#include <ctype.h>
#include <string.h>

#include "base/str.h"

#define WORD_MAX 512

bool token_ok(const char *s)
{
    size_t n = strlen(s);
    if (n == 0 || n >= AGENT_TOKEN_MAX)
        return false;
    for (; *s; s++)
        if (!isalnum((unsigned char)*s) && *s != '-' && *s != '_')
            return false;
    return true;
}

/* Copies the next word without its quotes. NULL at the end; words too long for us are cut: they are not ours.
 */
static const char *next_word(const char *p, char word[WORD_MAX])
{
    size_t n = 0;
    bool quoted = false;
    while (isspace((unsigned char)*p))
        p++;
    if (!*p)
        return NULL;
    for (; *p && (quoted || !isspace((unsigned char)*p)); p++) {
        if (*p == '"')
            quoted = !quoted;
        else if (n + 1 < WORD_MAX)
            word[n++] = *p;
    }
    word[n] = 0;
    return p;
}

struct seen {
    bool url, mode, token, mac, boot;
};

static int take_url(struct cmdline *c, struct seen *seen, const char *v, struct err *e)
{
    seen->url = true;
    if (!str_copy(c->url, sizeof c->url, v))
        return err_set(e, ERR_INPUT, "kernel command line: rackstrap.url is too long");
    return 0;
}

static int take_mode(struct cmdline *c, struct seen *seen, const char *v, struct err *e)
{
    seen->mode = true;
    if (!strcmp(v, "install"))
        c->mode = MODE_INSTALL;
    else if (!strcmp(v, "discover"))
        c->mode = MODE_DISCOVER;
    else
        return err_set(e, ERR_INPUT,
                       "kernel command line: rackstrap.mode=%.40s is neither install nor discover", v);
    return 0;
}

static int take_token(struct cmdline *c, struct seen *seen, const char *v, struct err *e)
{
    seen->token = true;
    if (!token_ok(v))
        return err_set(e, ERR_INPUT, "kernel command line: rackstrap.token is not a token");
    str_copy(c->token, sizeof c->token, v);
    return 0;
}

static int take_mac(struct cmdline *c, struct seen *seen, const char *v, struct err *e)
{
    seen->mac = true;
    if (mac_parse(v, &c->mac, e))
        return err_prefix(e, "kernel command line: rackstrap.mac");
    return 0;
}

/* "01-" in front is the hardware type, Ethernet. */
static int take_bootif(struct cmdline *c, struct seen *seen, const char *v, struct err *e)
{
    seen->boot = true;
    if (strlen(v) == 20 && str_starts(v, "01-"))
        v += 3;
    if (mac_parse(v, &c->boot, e))
        return err_prefix(e, "kernel command line: BOOTIF");
    return 0;
}

static int take_debug(struct cmdline *c, struct seen *seen, const char *v, struct err *e)
{
    (void)seen;
    (void)v;
    (void)e;
    c->debug = true;
    return 0;
}

static const struct {
    const char *key;
    int (*take)(struct cmdline *c, struct seen *seen, const char *v, struct err *e);
} keys[] = {
    {"rackstrap.url", take_url}, {"rackstrap.mode", take_mode}, {"rackstrap.token", take_token},
    {"rackstrap.mac", take_mac}, {"BOOTIF", take_bootif},       {"rackstrap.debug", take_debug},
};

static int take_word(struct cmdline *c, struct seen *seen, char *word, struct err *e)
{
    char *value = strchr(word, '=');
    if (value)
        *value++ = 0;
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
        if (!strcmp(word, keys[i].key))
            return keys[i].take(c, seen, value ? value : "", e);
    return 0;
}

int cmdline_parse(const char *text, struct cmdline *ret, struct err *e)
{
    struct cmdline c = {.mode = MODE_INSTALL};
    struct seen seen = {0};
    char word[WORD_MAX];
    for (const char *p = text; (p = next_word(p, word));)
        if (take_word(&c, &seen, word, e))
            return -1;
    if (!seen.url)
        return err_set(e, ERR_INPUT,
                       "kernel command line: no rackstrap.url; boot this installer by its boot script");
    if (c.mode == MODE_INSTALL && !seen.token)
        return err_set(e, ERR_INPUT, "kernel command line: no rackstrap.token; an install needs one");
    if (!seen.mac && !seen.boot)
        return err_set(e, ERR_INPUT, "kernel command line: neither rackstrap.mac nor BOOTIF names a NIC");
    if (!seen.mac)
        c.mac = c.boot;
    if (!seen.boot)
        c.boot = c.mac;
    *ret = c;
    return 0;
}
