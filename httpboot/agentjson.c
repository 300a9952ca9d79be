/* agentjson: see agentjson.h. */
#include "httpboot/agentjson.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "httpboot/machine.h"

static json_t *load(struct span body, struct err *e)
{
    json_error_t why;
    json_t *j = json_loadb((const char *)body.p, body.n, JSON_REJECT_DUPLICATES, &why);

    if (!j)
        err_set(e, ERR_INPUT, "the body is no JSON: line %d, column %d: %.128s", why.line, why.column,
                why.text);
    else if (!json_is_object(j)) {
        err_set(e, ERR_INPUT, "the body is no JSON object");
        json_decref(j);
        j = NULL;
    }
    return j;
}

/* ---- typed members ---- */

enum need { OPTIONAL, REQUIRED };

/* *ret NULL: absent (null counts as absent) and that is allowed. */
static int member(const json_t *o, const char *key, enum need need, json_type type, const json_t **ret,
                  struct err *e)
{
    const json_t *v = json_object_get(o, key);
    static const char *const names[] = {[JSON_OBJECT] = "an object",
                                        [JSON_ARRAY] = "an array",
                                        [JSON_STRING] = "a text",
                                        [JSON_INTEGER] = "a whole number"};

    if (!v || json_is_null(v)) {
        *ret = NULL;
        return need == REQUIRED ? err_set(e, ERR_INPUT, "\"%s\" is missing", key) : 0;
    }
    if (json_typeof(v) != type)
        return err_set(e, ERR_INPUT, "\"%s\" is not %s", key, names[type]);
    *ret = v;
    return 0;
}

static void blank_controls(char *s)
{
    for (; *s; s++)
        if ((unsigned char)*s < ' ' || *s == 0x7f)
            *s = ' ';
}

/* As it is, line ends and all. */
static int raw_text(const json_t *o, const char *key, enum need need, char *buf, size_t size, struct err *e)
{
    const json_t *v;

    if (member(o, key, need, JSON_STRING, &v, e))
        return -1;
    if (v && json_string_length(v) != strlen(json_string_value(v)))
        return err_set(e, ERR_INPUT, "\"%s\" holds a NUL", key);
    if (!str_copy(buf, size, v ? json_string_value(v) : ""))
        return err_set(e, ERR_INPUT, "\"%s\" is longer than %zu bytes", key, size - 1);
    return 0;
}

static int text(const json_t *o, const char *key, enum need need, char *buf, size_t size, struct err *e)
{
    if (raw_text(o, key, need, buf, size, e))
        return -1;
    blank_controls(buf);
    return 0;
}

static int number(const json_t *o, const char *key, enum need need, uint64_t *ret, struct err *e)
{
    const json_t *v;

    if (member(o, key, need, JSON_INTEGER, &v, e))
        return -1;
    if (v && json_integer_value(v) < 0)
        return err_set(e, ERR_INPUT, "\"%s\" is negative", key);
    *ret = v ? (uint64_t)json_integer_value(v) : 0;
    return 0;
}

static int mac(const json_t *o, const char *key, struct mac *ret, struct err *e)
{
    char buf[64];

    if (text(o, key, REQUIRED, buf, sizeof buf, e))
        return -1;
    if (mac_parse(buf, ret, e))
        return err_prefix(e, "\"%s\"", key);
    return 0;
}

static int uuid(const json_t *o, char ret[UUID_STR], struct err *e)
{
    char buf[128];

    if (text(o, "uuid", OPTIONAL, buf, sizeof buf, e))
        return -1;
    machine_uuid(buf, ret);
    return 0;
}

static int disk(const json_t *o, struct disk *ret, struct err *e)
{
    const struct {
        const char *key;
        enum need need;
        char *buf;
        size_t size;
    } texts[] = {
        {"name", REQUIRED, ret->name, sizeof ret->name},
        {"serial", OPTIONAL, ret->serial, sizeof ret->serial},
        {"wwn", OPTIONAL, ret->wwn, sizeof ret->wwn},
        {"by_path", OPTIONAL, ret->by_path, sizeof ret->by_path},
        {"model", OPTIONAL, ret->model, sizeof ret->model},
    };
    size_t i;

    if (!json_is_object(o))
        return err_set(e, ERR_INPUT, "a disk is not an object");
    for (i = 0; i < sizeof texts / sizeof *texts; i++)
        if (text(o, texts[i].key, texts[i].need, texts[i].buf, texts[i].size, e))
            return err_prefix(e, "a disk");
    return number(o, "size", REQUIRED, &ret->size, e);
}

/* ---- bodies: each has a parser of the loaded object, and one way through load and free ---- */

typedef int parse_fn(const json_t *o, void *ret, struct err *e);

static int with_body(struct span body, parse_fn *parse, void *ret, struct err *e)
{
    json_t *o = load(body, e);
    int rc = o ? parse(o, ret, e) : -1;

    json_decref(o);
    return rc;
}

static int hello_disks(const json_t *o, size_t *ret_n, struct err *e)
{
    const json_t *list = NULL;
    struct disk d;
    size_t i;

    if (member(o, "disks", OPTIONAL, JSON_ARRAY, &list, e))
        return -1;
    *ret_n = json_array_size(list);
    if (*ret_n > AGENT_DISKS_MAX)
        return err_set(e, ERR_INPUT, "\"disks\" has more than %d", AGENT_DISKS_MAX);
    for (i = 0; i < *ret_n; i++)
        if (disk(json_array_get(list, i), &d, e))
            return err_prefix(e, "\"disks\"");
    return 0;
}

static int hello_interfaces(const json_t *o, size_t *ret_n, struct err *e)
{
    const json_t *list = NULL, *item;
    char name[NAME_SIZE], address[64];
    size_t i;

    if (member(o, "interfaces", OPTIONAL, JSON_ARRAY, &list, e))
        return -1;
    *ret_n = json_array_size(list);
    if (*ret_n > AGENT_INTERFACES_MAX)
        return err_set(e, ERR_INPUT, "\"interfaces\" has more than %d", AGENT_INTERFACES_MAX);
    for (i = 0; i < *ret_n; i++) {
        item = json_array_get(list, i);
        if (!json_is_object(item))
            return err_set(e, ERR_INPUT, "\"interfaces\" holds something that is not an object");
        if (text(item, "name", REQUIRED, name, sizeof name, e) ||
            text(item, "mac", OPTIONAL, address, sizeof address, e))
            return err_prefix(e, "\"interfaces\"");
    }
    return 0;
}

static int parse_hello(const json_t *o, void *out, struct err *e)
{
    struct agent_hello *ret = out;

    if (mac(o, "mac", &ret->mac, e) || uuid(o, ret->uuid, e) ||
        text(o, "serial", OPTIONAL, ret->serial, sizeof ret->serial, e) ||
        text(o, "model", OPTIONAL, ret->model, sizeof ret->model, e))
        return -1;
    return hello_disks(o, &ret->disks_n, e) || hello_interfaces(o, &ret->interfaces_n, e) ? -1 : 0;
}

static int parse_claim(const json_t *o, void *out, struct err *e)
{
    struct agent_claim *ret = out;
    const json_t *d;

    if (uuid(o, ret->uuid, e) || member(o, "disk", REQUIRED, JSON_OBJECT, &d, e))
        return -1;
    return disk(d, &ret->disk, e);
}

static int parse_progress(const json_t *o, void *out, struct err *e)
{
    struct agent_progress *ret = out;

    if (number(o, "done", REQUIRED, &ret->done, e) || number(o, "total", REQUIRED, &ret->total, e) ||
        number(o, "rate", OPTIONAL, &ret->rate, e))
        return -1;
    if (ret->done > ret->total)
        return err_set(e, ERR_INPUT, "\"done\" is more than \"total\"");
    return 0;
}

static int parse_written(const json_t *o, void *out, struct err *e)
{
    struct agent_written *ret = out;

    return number(o, "frames_written", OPTIONAL, &ret->frames_written, e) ||
                   number(o, "frames_same", OPTIONAL, &ret->frames_same, e) ||
                   number(o, "bytes_fetched", OPTIONAL, &ret->bytes_fetched, e) ||
                   number(o, "seconds", OPTIONAL, &ret->seconds, e)
               ? -1
               : 0;
}

static int parse_failed(const json_t *o, void *out, struct err *e)
{
    static const char *const reasons[] = {"image-corrupt", "no-disk",        "disk-ambiguous",
                                          "disk-busy",     "disk-too-small", "disk-io",
                                          "image-missing", "agent-error",    "first-boot-error"};
    struct agent_failed *ret = out;
    char detail[8192];
    size_t i;

    if (text(o, "reason", REQUIRED, ret->reason, sizeof ret->reason, e) ||
        text(o, "detail", OPTIONAL, detail, sizeof detail, e))
        return -1;
    str_copy(ret->detail, sizeof ret->detail, detail); /* the first part of a long story is enough */
    for (i = 0; i < sizeof reasons / sizeof *reasons; i++)
        if (strcmp(ret->reason, reasons[i]) == 0)
            return 0;
    return err_set(e, ERR_INPUT, "\"reason\" is none of the protocol's");
}

static int enrol_host_keys(const json_t *o, struct agent_enrol *ret, struct err *e)
{
    const json_t *list = NULL, *item;
    size_t i, used = 0;

    if (member(o, "ssh_host_keys", OPTIONAL, JSON_ARRAY, &list, e))
        return -1;
    if (json_array_size(list) > AGENT_HOST_KEYS_MAX)
        return err_set(e, ERR_INPUT, "\"ssh_host_keys\" has more than %d", AGENT_HOST_KEYS_MAX);
    for (i = 0; i < json_array_size(list); i++) {
        item = json_array_get(list, i);
        if (!json_is_string(item) || json_string_length(item) > 1000 ||
            json_string_length(item) != strlen(json_string_value(item)))
            return err_set(e, ERR_INPUT, "\"ssh_host_keys\" holds something that is no OpenSSH public key");
        str_copy(ret->ssh_host_keys + used, sizeof ret->ssh_host_keys - used, json_string_value(item));
        blank_controls(ret->ssh_host_keys + used);
        used += strlen(ret->ssh_host_keys + used);
        ret->ssh_host_keys[used++] = '\n'; /* 8 keys of 1000 bytes fit with room to spare */
    }
    ret->ssh_host_keys[used] = '\0';
    return 0;
}

/* PEM is lines of plain ASCII between two marks: nothing else may reach the file that the master compares. */
static int check_pem(const char *s, struct err *e)
{
    if (!str_starts(s, "-----BEGIN ") || !strstr(s, "\n-----END "))
        return err_set(e, ERR_INPUT, "\"pubkey\" is no public key in PEM");
    for (; *s; s++)
        if ((*s < ' ' || *s >= 0x7f) && *s != '\n' && *s != '\r')
            return err_set(e, ERR_INPUT, "\"pubkey\" holds a byte that PEM does not have");
    return 0;
}

static int parse_enrol(const json_t *o, void *out, struct err *e)
{
    struct agent_enrol *ret = out;

    if (text(o, "minion_id", OPTIONAL, ret->minion_id, sizeof ret->minion_id, e) ||
        raw_text(o, "pubkey", OPTIONAL, ret->pubkey, sizeof ret->pubkey, e) || enrol_host_keys(o, ret, e))
        return -1;
    return ret->pubkey[0] ? check_pem(ret->pubkey, e) : 0;
}

int agent_hello_parse(struct span body, struct agent_hello *ret, struct err *e)
{
    return with_body(body, parse_hello, ret, e);
}

int agent_claim_parse(struct span body, struct agent_claim *ret, struct err *e)
{
    return with_body(body, parse_claim, ret, e);
}

int agent_progress_parse(struct span body, struct agent_progress *ret, struct err *e)
{
    return with_body(body, parse_progress, ret, e);
}

int agent_written_parse(struct span body, struct agent_written *ret, struct err *e)
{
    return with_body(body, parse_written, ret, e);
}

int agent_failed_parse(struct span body, struct agent_failed *ret, struct err *e)
{
    return with_body(body, parse_failed, ret, e);
}

int agent_enrol_parse(struct span body, struct agent_enrol *ret, struct err *e)
{
    return with_body(body, parse_enrol, ret, e);
}

/* ---- facts ---- */

int agent_facts(struct span body, size_t max, struct str *ret, struct err *e)
{
    static const char *const dispensable[] = {"interfaces", "disks"};
    json_t *o = load(body, e), *facts;
    static const char *const kept[] = {"mac", "uuid", "serial", "model", "disks", "interfaces"};
    char *text_now = NULL;
    size_t i;

    if (!o)
        return -1;
    facts = json_object();
    for (i = 0; i < sizeof kept / sizeof *kept; i++)
        if (json_object_get(o, kept[i]))
            json_object_set(facts, kept[i], json_object_get(o, kept[i]));
    for (i = 0;; i++) {
        text_now = json_dumps(facts, JSON_COMPACT);
        if (!text_now || strlen(text_now) < max || i == sizeof dispensable / sizeof *dispensable)
            break;
        free(text_now);
        json_object_del(facts, dispensable[i]);
    }
    if (text_now && strlen(text_now) < max)
        str_add(ret, text_now);
    else
        err_set(e, ERR_INPUT, "the machine's facts are longer than %zu bytes", max - 1);
    i = ret->len;
    free(text_now);
    json_decref(facts);
    json_decref(o);
    return i ? 0 : -1;
}
