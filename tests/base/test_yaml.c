/* yaml: places in errors, keys that nobody asked for, types. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/str.h"
#include "base/yaml.h"

static struct yaml *load(const char *text)
{
    struct yaml *y = NULL;
    struct err e = {0};
    if (yaml_load_text("f.yaml", text, strlen(text), &y, &e))
        fail_msg("%s", e.text);
    return y;
}

static void refuses(const char *text, const char *said)
{
    struct yaml *y = NULL;
    struct err e = {0};
    assert_int_equal(yaml_load_text("f.yaml", text, strlen(text), &y, &e), -1);
    assert_null(y);
    assert_int_equal(e.kind, ERR_INPUT);
    if (!strstr(e.text, said))
        fail_msg("\"%s\" is not in \"%s\"", said, e.text);
}

static void errors_have_a_place(void **state)
{
    (void)state;
    refuses("a: 1\nb: [1, 2\n", "f.yaml:3:1: not valid YAML");
    refuses("a: 1\n  b: 2\n", "f.yaml:2:");
    refuses("a: 1\nb: 2\na: 3\n", "f.yaml:3:1: the key \"a\" is here twice; the first is at line 1");
    refuses("a: &x 1\n", "f.yaml:1:4: anchors");
    refuses("a: 1\nb: *x\n", "f.yaml:2:4: aliases");
    refuses("a: !!int 1\n", "f.yaml:1:4: anchors and tags");
    refuses("a: 1\n---\nb: 1\n", "f.yaml:2:1: a second document");
    refuses("? [1]\n: 2\n", "a key must be plain text");
    refuses("a: \"x\\0y\"\n", "a NUL byte");
    refuses("\"a\\0b\": 1\n", "a NUL byte inside the key");
    struct str deep = {0};
    for (int i = 0; i < 100; i++)
        str_add(&deep, "[");
    refuses(deep.s, "deep");
    str_free(&deep);
}

/* A quadratic look at the keys would take minutes. */
static void many_keys(void **state)
{
    (void)state;
    struct str text = {0};
    struct yaml *y;
    for (int i = 0; i < 300000; i++)
        str_addf(&text, "the-key-of-number-%d: 1\n", i);
    alarm(60);
    y = load(text.s);
    alarm(0);
    assert_int_equal(yaml_len(yaml_root(y)), 300000);
    yaml_free(y);
    str_add(&text, "the-key-of-number-7: 1\n");
    refuses(text.s, "f.yaml:300001:1: the key \"the-key-of-number-7\" is here twice; the first is at line 8");
    str_free(&text);
    refuses("a: 1\nb: 1\nb: 2\na: 2\na: 3\n", "f.yaml:3:1: the key \"b\"");
}

static void an_empty_document_is_an_empty_mapping(void **state)
{
    (void)state;
    static const char *const texts[] = {"", "# nothing\n", "---\n"};
    for (size_t i = 0; i < 3; i++) {
        struct yaml *y = load(texts[i]);
        assert_int_equal(yaml_type(yaml_root(y)), YAML_MAP);
        assert_int_equal(yaml_len(yaml_root(y)), 0);
        yaml_free(y);
    }
}

static void unknown_keys(void **state)
{
    (void)state;
    struct yaml *y = load("a: 1\nbb: 2\n");
    struct err e;
    uint64_t v = 0;
    assert_int_equal(yaml_u64(yaml_root(y), "a", true, 0, 9, &v, NULL), 0);
    assert_int_equal(v, 1);
    assert_int_equal(yaml_no_more(yaml_root(y), &e), -1);
    assert_non_null(strstr(e.text, "f.yaml:2:1: unknown key \"bb\""));
    assert_non_null(yaml_get(yaml_root(y), "bb"));
    assert_int_equal(yaml_no_more(yaml_root(y), &e), 0);
    yaml_free(y);
}

static void milliseconds(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int64_t want; /* -1: refused */
    } rows[] = {{"0", 0},       {"0ms", 0}, {"300ms", 300}, {"2s", 2000},
                {"3001ms", -1}, {"4s", -1}, {"300", -1},    {"-1ms", -1},
                {"1m", -1},     {"''", -1}, {"ms", -1},     {"99999999999999999999ms", -1}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char text[64];
        uint32_t ms = 7;
        struct err e;
        snprintf(text, sizeof text, "t: %s\n", rows[i].text);
        struct yaml *y = load(text);
        assert_int_equal(yaml_milliseconds(yaml_root(y), "t", 3000, &ms, &e), rows[i].want < 0 ? -1 : 0);
        assert_int_equal(ms, rows[i].want < 0 ? 7 : rows[i].want);
        assert_int_equal(yaml_milliseconds(yaml_root(y), "none", 3000, &ms, &e), 0);
        yaml_free(y);
    }
}

static void types(void **state)
{
    (void)state;
    struct yaml *y = load("n: 12\nt: true\nd: 90s\ns: 2G\nm: 52:54:00:00:00:01\ni: 10.0.0.1\np: "
                          "10.0.0.0/8\nl: [1, 2]\ne: ''\n");
    struct yaml_node *r = yaml_root(y), *list;
    struct err e;
    uint64_t n = 0;
    uint32_t seconds = 0;
    bool b = false;
    struct mac m;
    struct ip4 ip;
    struct prefix p;
    const char *text = NULL;
    char small[2];
    assert_int_equal(yaml_u64(r, "n", true, 0, 12, &n, NULL), 0);
    assert_int_equal(yaml_u64(r, "n", true, 0, 11, &n, &e), -1);
    assert_non_null(strstr(e.text, "f.yaml:1:4: \"n\" must be a number from 0 to 11"));
    assert_int_equal(yaml_u64(r, "t", true, 0, 12, &n, NULL), -1);
    assert_int_equal(yaml_bool(r, "t", true, &b, NULL), 0);
    assert_true(b);
    assert_int_equal(yaml_bool(r, "n", true, &b, NULL), -1);
    assert_int_equal(yaml_duration(r, "d", true, &seconds, NULL), 0);
    assert_int_equal(seconds, 90);
    assert_int_equal(yaml_duration(r, "n", true, &seconds, NULL), -1);
    assert_int_equal(yaml_size(r, "s", true, &n, NULL), 0);
    assert_true(n == 2ULL << 30);
    assert_int_equal(yaml_mac(r, "m", true, &m, NULL), 0);
    assert_int_equal(yaml_mac(r, "n", true, &m, &e), -1);
    assert_int_equal(yaml_ip4(r, "i", true, &ip, NULL), 0);
    assert_int_equal(yaml_prefix(r, "p", true, &p, NULL), 0);
    assert_int_equal(yaml_seq(r, "l", true, &list, NULL), 0);
    assert_int_equal(yaml_len(list), 2);
    assert_string_equal(yaml_text(yaml_at(list, 1)), "2");
    assert_int_equal(yaml_seq(r, "n", true, &list, &e), -1);
    assert_non_null(strstr(e.text, "must be a list"));
    assert_int_equal(yaml_str(r, "e", true, &text, &e), -1);
    assert_non_null(strstr(e.text, "must not be empty"));
    assert_int_equal(yaml_str(r, "absent", false, &text, NULL), 0);
    assert_null(text);
    assert_int_equal(yaml_str(r, "absent", true, &text, &e), -1);
    assert_non_null(strstr(e.text, "\"absent\" is missing"));
    assert_int_equal(yaml_copy(r, "d", true, small, sizeof small, &e), -1);
    assert_non_null(strstr(e.text, "longer than 1"));
    yaml_free(y);
}

static int walk_one(struct yaml_node *item, void *ctx, struct err *e)
{
    struct str *seen = ctx;
    const char *name;
    if (yaml_str(item, "name", true, &name, e))
        return -1;
    str_addf(seen, "%s:%d ", name, yaml_line(item));
    return strcmp(name, "stop") == 0 ? err_set(e, ERR_REFUSED, "stopped") : 0;
}

static int walk(const char *text, struct str *seen, struct yaml **ret, struct err *e)
{
    *ret = NULL;
    str_reset(seen);
    return yaml_walk_text("f.yaml", text, strlen(text), "l", walk_one, seen, ret, e);
}

/* The list of that key at the top, and no other of that name, is handed over item by item. */
static void a_list_is_walked(void **state)
{
    (void)state;
    struct str seen = {0};
    struct err e = {0};
    struct yaml *y;
    struct yaml_node *list, *inner;
    assert_int_equal(
        walk("a: {l: [{name: kept}]}\nl:\n  - {name: x, l: [1]}\n  - name: y\nb: 1\n", &seen, &y, &e), 0);
    assert_string_equal(seen.s, "x:3 y:4 ");
    assert_int_equal(yaml_seq(yaml_root(y), "l", true, &list, &e), 0);
    assert_int_equal(yaml_len(list), 0);
    assert_int_equal(yaml_seq(yaml_get(yaml_root(y), "a"), "l", true, &inner, &e), 0);
    assert_int_equal(yaml_len(inner), 1);
    yaml_free(y);
    assert_int_equal(walk("l: [{name: x}, {name: stop}, {name: z}]\n", &seen, &y, &e), -1);
    assert_null(y);
    assert_int_equal(e.kind, ERR_REFUSED);
    assert_string_equal(seen.s, "x:1 stop:1 ");
    assert_int_equal(walk("l: [{name: x}]\nl: [{name: y}]\n", &seen, &y, &e), -1);
    assert_non_null(strstr(e.text, "here twice"));
    assert_int_equal(walk("l: {name: x}\n", &seen, &y, &e), 0);
    assert_string_equal(seen.s, "");
    yaml_free(y);
    assert_int_equal(walk("- {name: x}\n", &seen, &y, &e), 0);
    assert_string_equal(seen.s, "");
    yaml_free(y);
    str_free(&seen);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(errors_have_a_place), cmocka_unit_test(an_empty_document_is_an_empty_mapping),
        cmocka_unit_test(many_keys),           cmocka_unit_test(a_list_is_walked),
        cmocka_unit_test(unknown_keys),        cmocka_unit_test(types),
        cmocka_unit_test(milliseconds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
