/* select: the text that picks devices. */
#include "inventory/select.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "base/str.h"

static const char *const keys[] = {
    [SELECT_NAME] = "name",     [SELECT_SITE] = "site",     [SELECT_RACK] = "rack",
    [SELECT_TENANT] = "tenant", [SELECT_ROLE] = "role",     [SELECT_PLATFORM] = "platform",
    [SELECT_MODEL] = "model",   [SELECT_STATUS] = "status", [SELECT_IMAGE] = "image",
    [SELECT_MAC] = "mac",
};
#define KEYS (sizeof keys / sizeof *keys)

bool select_item(const char **at, char *buf, size_t size)
{
    const char *s = *at;
    if (!*s) {
        return false;
    }
    size_t n = strcspn(s, ",");
    *at = s + n + (s[n] == ',');
    while (n && isspace((unsigned char)*s)) {
        s++, n--;
    }
    while (n && isspace((unsigned char)s[n - 1])) {
        n--;
    }
    n = n < size ? n : size - 1;
    memcpy(buf, s, n);
    buf[n] = '\0';
    return true;
}

static int key_parse(const char *key, enum select_key *ret, struct err *e)
{
    for (size_t i = 0; i < KEYS; i++) {
        if (strcmp(key, keys[i]) == 0) {
            *ret = (enum select_key)i;
            return 0;
        }
    }
    struct str all = {0};
    for (size_t i = 0; i < KEYS; i++) {
        str_addf(&all, "%s%s", i ? ", " : "", keys[i]);
    }
    err_set(e, ERR_INPUT, "devices cannot be selected by \"%.64s\"; the keys are %s", key, all.s);
    str_free(&all);
    return -1;
}

static int term_parse(char *item, struct select_term *ret, struct err *e)
{
    char *equals = strchr(item, '=');
    if (!equals) {
        return err_set(e, ERR_INPUT, "the selector mixes names with key=value: \"%.64s\" has no '='", item);
    }
    *equals = '\0';
    if (key_parse(item, &ret->key, e) < 0) {
        return -1;
    }
    const char *value = equals + 1;
    if (!*value) {
        return err_set(e, ERR_INPUT, "the selector's \"%s=\" has no value", item);
    }
    if (!str_copy(ret->text, sizeof ret->text, value)) {
        return err_set(e, ERR_INPUT, "the selector's value of \"%s\" is too long", item);
    }
    if (ret->key == SELECT_MAC) {
        return mac_parse(value, &ret->mac, e);
    }
    return ret->key == SELECT_STATUS ? state_parse(value, &ret->state, e) : 0;
}

int select_parse(const char *text, struct selector *ret, struct err *e)
{
    struct selector sel = {0};
    char item[512];
    text = text ? text : "";
    sel.by_name = *text && !strchr(text, '=');
    for (const char *at = text; select_item(&at, item, sizeof item);) {
        if (!*item) {
            return err_set(e, ERR_INPUT, "the selector \"%.100s\" has an empty item", text);
        }
        if (sel.by_name) {
            continue;
        }
        if (sel.n == SELECT_MAX) {
            return err_set(e, ERR_INPUT, "the selector has more than %d conditions", SELECT_MAX);
        }
        if (term_parse(item, &sel.terms[sel.n], e) < 0) {
            return -1;
        }
        sel.n++;
    }
    *ret = sel;
    return 0;
}

/* `image=debian-12` picks those pinned to one of its releases too. */
static bool image_matches(const char *assigned, const char *text)
{
    size_t n = strlen(text);
    return strncmp(assigned, text, n) == 0 && (assigned[n] == '\0' || assigned[n] == '@');
}

static bool term_matches(const struct select_term *t, const struct device *d)
{
    const char *const field[KEYS] = {
        [SELECT_SITE] = d->site, [SELECT_RACK] = d->rack,         [SELECT_TENANT] = d->tenant,
        [SELECT_ROLE] = d->role, [SELECT_PLATFORM] = d->platform, [SELECT_MODEL] = d->model,
    };
    switch (t->key) {
    case SELECT_NAME:
        return strcasecmp(d->name, t->text) == 0;
    case SELECT_STATUS:
        return d->state == t->state;
    case SELECT_MAC:
        return device_interface(d, t->mac) != NULL;
    case SELECT_IMAGE:
        return image_matches(d->assigned, t->text);
    default:
        return strcmp(field[t->key], t->text) == 0;
    }
}

bool select_matches(const struct selector *sel, const struct device *d)
{
    for (size_t i = 0; i < sel->n; i++) {
        if (!term_matches(&sel->terms[i], d)) {
            return false;
        }
    }
    return true;
}
