/* change: what one change of something was. */
#include "inventory/change.h"

#include <stdio.h>
#include <string.h>

#include "base/str.h"

#define END_ROOM 20 /* ,"more":4294967295} */

/* Adds the character that s[n] begins with; returns how many bytes it had. */
static size_t add_character(struct str *out, const char *s, size_t n)
{
    unsigned char c = (unsigned char)*s;
    size_t len = str_utf8(s, n);
    if (len == 0) {
        str_add(out, "?");
        return 1;
    }
    if (c == '"' || c == '\\') {
        str_addf(out, "\\%c", c);
    } else if (c < 0x20 || c == 0x7f) {
        str_addf(out, "\\u%04x", c);
    } else {
        str_addn(out, s, len);
    }
    return len;
}

static void add_string(struct str *out, const char *s)
{
    size_t n = strlen(s), at = 0;
    str_add(out, "\"");
    while (at < n && at < CHANGE_TEXT) {
        at += add_character(out, s + at, n - at);
    }
    str_add(out, at < n ? "...\"" : "\"");
}

static void add_text(struct str *out, const char *s)
{
    if (s && *s) {
        add_string(out, s);
    } else {
        str_add(out, "null");
    }
}

static bool fits(const char *object, const struct str *field, const char *value)
{
    return strlen(object) + field->len + strlen(value) + sizeof ",:" + END_ROOM <= CHANGE_SIZE;
}

static void add_field(char object[CHANGE_SIZE], const struct str *field, const char *value)
{
    size_t n = strlen(object);
    snprintf(object + n, CHANGE_SIZE - n, "%s%s:%s", n ? "," : "{", field->s, value);
}

void change_json(struct change *c, const char *field, const char *before, const char *after)
{
    struct str name = {0};
    before = before ? before : "null";
    after = after ? after : "null";
    if (strcmp(before, after) == 0) {
        return;
    }
    add_string(&name, field);
    if (fits(c->before, &name, before) && fits(c->after, &name, after)) {
        add_field(c->before, &name, before);
        add_field(c->after, &name, after);
    } else {
        c->left_out++;
    }
    str_free(&name);
}

void change_text(struct change *c, const char *field, const char *before, const char *after)
{
    struct str b = {0}, a = {0};
    if (strcmp(before ? before : "", after ? after : "") == 0) {
        return;
    }
    add_text(&b, before);
    add_text(&a, after);
    if (strcmp(b.s, a.s) == 0) { /* they differ in what was cut away */
        str_reset(&a);
        str_add(&a, "\"another\"");
    }
    change_json(c, field, b.s, a.s);
    str_free(&b);
    str_free(&a);
}

void change_number(struct change *c, const char *field, int64_t before, int64_t after)
{
    char b[24], a[24];
    snprintf(b, sizeof b, "%lld", (long long)before);
    snprintf(a, sizeof a, "%lld", (long long)after);
    change_json(c, field, b, a);
}

void change_ref(struct change *c, const char *field, int64_t before, int64_t after)
{
    char b[24], a[24];
    snprintf(b, sizeof b, "%lld", (long long)before);
    snprintf(a, sizeof a, "%lld", (long long)after);
    change_json(c, field, before ? b : NULL, after ? a : NULL);
}

void change_bool(struct change *c, const char *field, bool before, bool after)
{
    change_json(c, field, before ? "true" : "false", after ? "true" : "false");
}

bool change_none(const struct change *c)
{
    return !c->before[0] && !c->left_out;
}

static void end(const char *object, unsigned left_out, char ret[CHANGE_SIZE])
{
    size_t n = strlen(object);
    if (left_out) {
        snprintf(ret, CHANGE_SIZE, "%s%s\"more\":%u}", object, n ? "," : "{", left_out);
    } else {
        snprintf(ret, CHANGE_SIZE, "%s%s", object, n ? "}" : "");
    }
}

void change_end(const struct change *c, char before[CHANGE_SIZE], char after[CHANGE_SIZE])
{
    end(c->before, c->left_out, before);
    end(c->after, c->left_out, after);
}
