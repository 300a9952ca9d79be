/* select: the text that picks devices. */
#include "inventory/select.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/str.h"

typedef int value_fn(struct select_term *t, struct err *e);
static value_fn status_value, state_value, time_value, mac_value, address_value, netbox_value;

/* value: reads what the text says; NULL: any text. */
static const struct {
    const char *name;
    value_fn *value;
} keys[SELECT_KEYS] = {
    [SELECT_NAME] = {"name", NULL},
    [SELECT_SITE] = {"site", NULL},
    [SELECT_LOCATION] = {"location", NULL},
    [SELECT_RACK] = {"rack", NULL},
    [SELECT_TENANT] = {"tenant", NULL},
    [SELECT_ROLE] = {"role", NULL},
    [SELECT_PLATFORM] = {"platform", NULL},
    [SELECT_MANUFACTURER] = {"manufacturer", NULL},
    [SELECT_MODEL] = {"model", NULL},
    [SELECT_TAG] = {"tag", NULL},
    [SELECT_STATUS] = {"status", status_value},
    [SELECT_STATE] = {"state", state_value},
    [SELECT_IMAGE] = {"image", NULL},
    [SELECT_RELEASE] = {"release", NULL},
    [SELECT_INSTALLED] = {"installed", time_value},
    [SELECT_MAC] = {"mac", mac_value},
    [SELECT_ADDRESS] = {"address", address_value},
    [SELECT_SERIAL] = {"serial", NULL},
    [SELECT_NETBOX] = {"netbox", netbox_value},
};

/* ---- values */

static int status_value(struct select_term *t, struct err *e)
{
    static const char *const statuses[] = {"offline", "active",    "planned",        "staged",
                                           "failed",  "inventory", "decommissioning"};
    enum device_state state;
    for (size_t i = 0; i < sizeof statuses / sizeof *statuses; i++) {
        if (strcmp(t->text, statuses[i]) == 0) {
            return 0;
        }
    }
    if (state_parse(t->text, &state, NULL) == 0) {
        return err_set(e, ERR_INPUT,
                       "\"%s\" is a state, where we stand with a device: write state=%s; a status "
                       "is what people plan, as in NetBox",
                       t->text, t->text);
    }
    return err_set(e, ERR_INPUT,
                   "no status is called \"%.64s\"; there are offline, active, planned, staged, failed, "
                   "inventory, decommissioning",
                   t->text);
}

static int state_value(struct select_term *t, struct err *e)
{
    enum device_state state;
    return state_parse(t->text, &state, e);
}

static int time_value(struct select_term *t, struct err *e)
{
    if (t->op == SELECT_IS) {
        return err_set(e, ERR_INPUT,
                       "\"installed\" is compared: installed>=2026-11-01, installed<2026-12-01 (in "
                       "quotes, for the shell)");
    }
    return time_parse(t->text, &t->number, e);
}

static int mac_value(struct select_term *t, struct err *e)
{
    struct mac m;
    if (mac_parse(t->text, &m, e) < 0) {
        return -1;
    }
    t->number = (int64_t)mac_to_u64(m);
    return 0;
}

static int address_value(struct select_term *t, struct err *e)
{
    return inet_parse(t->text, &t->address) == 0 && t->address.len < 0
               ? 0
               : err_set(e, ERR_INPUT, "\"%.64s\" is no address", t->text);
}

static int netbox_value(struct select_term *t, struct err *e)
{
    char *end;
    if (strcmp(t->text, "yes") == 0 || strcmp(t->text, "no") == 0) {
        t->number = strcmp(t->text, "yes") == 0 ? SELECT_NETBOX_ANY : 0;
        return 0;
    }
    errno = 0;
    t->number = strtoll(t->text, &end, 10);
    if (!isdigit((unsigned char)t->text[0]) || *end || errno || t->number == 0) {
        return err_set(e, ERR_INPUT, "\"netbox\" is yes, no, or the device's number there, not \"%.64s\"",
                       t->text);
    }
    return 0;
}

/* ---- the text */

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
    for (size_t i = 0; i < SELECT_KEYS; i++) {
        if (strcmp(key, keys[i].name) == 0) {
            *ret = (enum select_key)i;
            return 0;
        }
    }
    struct str all = {0};
    for (size_t i = 0; i < SELECT_KEYS; i++) {
        str_addf(&all, "%s%s", i ? ", " : "", keys[i].name);
    }
    err_set(e, ERR_INPUT, "devices cannot be selected by \"%.64s\"; the keys are %s", key, all.s);
    str_free(&all);
    return -1;
}

/* Of the operator that at begins with; its length. */
static size_t op_parse(const char *at, enum select_op *ret)
{
    bool equal = at[0] != '=' && at[1] == '=';
    *ret = at[0] == '='   ? SELECT_IS
           : at[0] == '>' ? (equal ? SELECT_FROM : SELECT_AFTER)
                          : (equal ? SELECT_UNTIL : SELECT_BEFORE);
    return equal ? 2 : 1;
}

static int term_parse(char *item, struct select_term *ret, struct err *e)
{
    char *at = strpbrk(item, "=<>");
    if (!at) {
        return err_set(e, ERR_INPUT, "the selector mixes names with key=value: \"%.64s\" has no '='", item);
    }
    const char *value = at + op_parse(at, &ret->op);
    *at = '\0';
    if (key_parse(item, &ret->key, e) < 0) {
        return -1;
    }
    if (ret->op != SELECT_IS && keys[ret->key].value != time_value) {
        return err_set(e, ERR_INPUT, "\"%s\" is not compared by < and >, but by =", item);
    }
    if (!*value) {
        return err_set(e, ERR_INPUT, "the selector's \"%s=\" has no value", item);
    }
    if (!str_copy(ret->text, sizeof ret->text, value)) {
        return err_set(e, ERR_INPUT, "the selector's value of \"%s\" is too long", item);
    }
    return keys[ret->key].value ? keys[ret->key].value(ret, e) : 0;
}

int select_parse(const char *text, struct selector *ret, struct err *e)
{
    struct selector sel = {0};
    char item[512];
    text = text ? text : "";
    sel.by_name = *text && !strpbrk(text, "=<>");
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
