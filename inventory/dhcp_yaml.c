#include "inventory/dhcp_yaml.h"

#include "base/yaml.h"

#define WORDS_MAX 128

/* One option as it is written: its words, and what stands beside them. */
struct written {
    const char *words[WORDS_MAX];
    size_t n;
    bool has_type, always;
    enum dhcp_type type;
};

static int read_words(struct yaml_node *value, struct written *ret, struct err *e)
{
    bool list = yaml_type(value) == YAML_SEQ;
    ret->n = list ? yaml_len(value) : 1;
    if (ret->n > WORDS_MAX) {
        return yaml_error(value, e, "more than %d values", WORDS_MAX);
    }
    for (size_t i = 0; i < ret->n; i++) {
        struct yaml_node *item = list ? yaml_at(value, i) : value;
        if (yaml_want(item, YAML_SCALAR, "an option's value", e) < 0) {
            return -1;
        }
        ret->words[i] = yaml_text(item);
    }
    return 0;
}

static int read_long_form(struct yaml_node *map, struct written *ret, struct err *e)
{
    const char *type = NULL;
    struct yaml_node *value = yaml_get(map, "value");
    struct err why;
    if (!value) {
        return yaml_error(map, e, "\"value\" is missing here");
    }
    if (yaml_str(map, "type", false, &type, e) < 0 || yaml_bool(map, "always", false, &ret->always, e) < 0 ||
        yaml_no_more(map, e) < 0) {
        return -1;
    }
    if (type && dhcp_type_parse(type, &ret->type, &why) < 0) {
        return yaml_error(yaml_get(map, "type"), e, "%s", why.text);
    }
    ret->has_type = type != NULL;
    return read_words(value, ret, e);
}

static int read_option(const char *key, struct yaml_node *value, struct dhcp_set *set, struct err *e)
{
    struct written x = {0};
    struct dhcp_option o;
    struct err why;
    uint8_t buf[DHCP_VALUE_MAX + 1];
    struct writer w = writer_of(buf, sizeof buf);
    bool map = yaml_type(value) == YAML_MAP;
    if (dhcp_code_parse(key, &o.code, &why) < 0) {
        return yaml_error(value, e, "%s", why.text);
    }
    if ((map ? read_long_form(value, &x, e) : read_words(value, &x, e)) < 0) {
        return -1;
    }
    if (dhcp_value_parse(o.code, x.has_type ? &x.type : NULL, x.words, x.n, &w, &why) < 0) {
        return yaml_error(value, e, "%s", why.text);
    }
    o.always = x.always;
    o.value = span_of(buf, writer_used(&w));
    return dhcp_set_put(set, &o, &why) < 0 ? yaml_error(value, e, "%s", why.text) : 0;
}

int dhcp_set_read(struct yaml_node *map, const char *key, struct dhcp_set *ret, struct err *e)
{
    struct yaml_node *options;
    ret->n = 0;
    if (yaml_map(map, key, false, &options, e) < 0) {
        return -1;
    }
    for (size_t i = 0; options && i < yaml_len(options); i++) {
        if (read_option(yaml_key_at(options, i), yaml_value_at(options, i), ret, e) < 0) {
            return -1;
        }
    }
    return 0;
}
