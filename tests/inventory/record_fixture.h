/* record_fixture: NetBox's objects made and looked at in a test. Bodies are JSON with ' for ". */
#ifndef TESTS_INVENTORY_RECORD_FIXTURE_H
#define TESTS_INVENTORY_RECORD_FIXTURE_H

#include "fixture.h"

#include "inventory/record.h"

static const struct who all = {.actor = "token:test", .at_ms = T0};
static struct faults faults;
static struct written written;

static inline json_t *body(const char *fmt, ...)
{
    struct str text = {0};
    json_error_t why;
    va_list ap;
    va_start(ap, fmt);
    str_vaddf(&text, fmt, ap);
    va_end(ap);
    for (char *p = text.s; *p; p++) {
        *p = *p == '\'' ? '"' : *p;
    }
    json_t *v = json_loads(text.s, 0, &why);
    if (!v) {
        fail_msg("%s: %s", text.s, why.text);
    }
    str_free(&text);
    return v;
}

/* Takes the body. */
static inline int64_t make_as(const struct who *w, enum model_id model, json_t *b)
{
    faults_free(&faults);
    memset(&fx.e, 0, sizeof fx.e);
    if (record_create(fx.s, w, model_get(model), b, &written, &faults, E) < 0) {
        fail_msg("create %s: %s", model_get(model)->noun, fx.e.text);
    }
    json_decref(b);
    return written.id;
}
#define make(model, ...) make_as(&all, model, body(__VA_ARGS__))

static inline int change_as(const struct who *w, enum model_id model, int64_t id, json_t *b, bool whole)
{
    faults_free(&faults);
    memset(&fx.e, 0, sizeof fx.e);
    int r = record_update(fx.s, w, model_get(model), id, b, whole, &written, &faults, E);
    json_decref(b);
    return r;
}
#define change(model, id, ...)                                                                               \
    do {                                                                                                     \
        if (change_as(&all, model, id, body(__VA_ARGS__), false) < 0) {                                      \
            fail_msg("change: %s", fx.e.text);                                                               \
        }                                                                                                    \
    } while (0)

/* The first fault, "field: sentence"; a body that is taken fails the test. */
static inline const char *fault_of(int r)
{
    static char text[512];
    assert_int_equal(r, -1);
    if (fx.e.kind != ERR_INPUT) {
        snprintf(text, sizeof text, "(%d) %s", fx.e.kind, fx.e.text);
        return text;
    }
    assert_true(faults.n > 0);
    snprintf(text, sizeof text, "%s: %s", faults.list[0].field, faults.list[0].sentence);
    return text;
}

static inline int try_make(enum model_id model, json_t *b)
{
    faults_free(&faults);
    memset(&fx.e, 0, sizeof fx.e);
    int r = record_create(fx.s, &all, model_get(model), b, &written, &faults, E);
    json_decref(b);
    return r;
}
#define refuse(sentence, model, ...)                                                                         \
    assert_string_equal(fault_of(try_make(model, body(__VA_ARGS__))), sentence)
#define refuse_change(sentence, model, id, ...)                                                              \
    assert_string_equal(fault_of(change_as(&all, model, id, body(__VA_ARGS__), false)), sentence)

struct got {
    const char *field;
    struct str text;
};

static inline void add_value(struct str *out, const struct value *v)
{
    char time[TIME_STR];
    switch (v->type) {
    case VALUE_BOOL:
    case VALUE_INT:
        str_addf(out, "%lld", (long long)v->i);
        break;
    case VALUE_REAL:
        str_addf(out, "%g", v->real);
        break;
    case VALUE_TEXT:
    case VALUE_CHOICE:
        str_add(out, v->text);
        break;
    case VALUE_JSON:
        str_addn(out, v->text, v->n);
        break;
    case VALUE_TIME:
        str_add(out, time_format(v->i, time));
        break;
    case VALUE_RECORD:
        add_value(out, &v->record->v[model_field(v->record->m, "display")]);
        break;
    case VALUE_RECORDS:
        for (size_t i = 0; i < v->n; i++) {
            str_add(out, i ? "," : "");
            add_value(out, &v->records[i]->v[model_field(v->records[i]->m, "display")]);
        }
        break;
    default:
        str_add(out, "null");
    }
}

static inline int see(const struct record *r, void *ctx)
{
    struct got *g = ctx;
    add_value(&g->text, &r->v[model_field(r->m, g->field)]);
    return 0;
}

static struct got got;
static inline const char *get(enum model_id model, int64_t id, const char *field)
{
    str_reset(&got.text);
    got.field = field;
    ok(record_get(fx.s, &all, model_get(model), id, model_all(model_get(model)), see, &got, E));
    return got.text.s;
}
#define is(model, id, field, want) assert_string_equal(get(model, id, field), want)

#endif
