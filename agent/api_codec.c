/* The bodies of the agent's endpoint: JSON to structs, structs to JSON. */
#include "agent/api_codec.h"

#include <ctype.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

static json_t *load(struct span body, struct err *e)
{
    json_error_t why;
    json_t *j = json_loadb((const char *)body.p, body.n, JSON_REJECT_DUPLICATES, &why);
    if (j && json_is_object(j))
        return j;
    json_decref(j);
    err_set(e, ERR_INPUT, "the server's answer is no JSON object%s%s", j ? "" : ": ", j ? "" : why.text);
    return NULL;
}

/* A text of the server: required, short, without control bytes, since it ends up in files and on the console.
 */
static int take_text(json_t *j, const char *key, char *buf, size_t size, struct err *e)
{
    const char *s = json_string_value(json_object_get(j, key));
    if (!s || !str_copy(buf, size, s))
        return err_set(e, ERR_INPUT, "the server's answer has no usable \"%s\"", key);
    for (; *s; s++)
        if (iscntrl((unsigned char)*s))
            return err_set(e, ERR_INPUT, "the server's answer has control bytes in \"%s\"", key);
    return 0;
}

int api_job_decode(struct span body, struct api_job *ret, struct err *e)
{
    struct api_job job = {0};
    char digest[DIGEST_HEX];
    int status = -1;
    json_t *j = load(body, e);
    if (!j || take_text(j, "job", job.job, sizeof job.job, e) || uuid_parse(job.job, &job.uuid, e) ||
        take_text(j, "device", job.device, sizeof job.device, e) ||
        take_text(j, "image", job.image, sizeof job.image, e) ||
        take_text(j, "version", job.version, sizeof job.version, e) ||
        take_text(j, "digest", digest, sizeof digest, e) || digest_parse(digest, &job.digest, e))
        goto out;
    json_t *selector = json_object_get(j, "disk_selector");
    if (json_is_string(selector) && take_text(j, "disk_selector", job.selector, sizeof job.selector, e))
        goto out;
    job.resume = json_is_true(json_object_get(j, "resume"));
    *ret = job;
    status = 0;
out:
    json_decref(j);
    return status;
}

/* A disk's serial may be any bytes; JSON is UTF-8. */
static json_t *text_json(const char *s)
{
    json_t *j = json_string(s);
    if (j)
        return j;
    char *copy = xstrdup(s);
    for (char *p = copy; *p; p++)
        if ((unsigned char)*p >= 0x80)
            *p = '?';
    j = json_string(copy);
    free(copy);
    return j;
}

static json_t *disk_json(const struct disk *d)
{
    return json_pack("{s:s,s:o,s:o,s:o,s:o,s:I}", "name", d->name, "serial", text_json(d->serial), "wwn",
                     text_json(d->wwn), "by_path", text_json(d->by_path), "model", text_json(d->model),
                     "size", (json_int_t)d->size);
}

static char *dump(json_t *j)
{
    char *text = json_dumps(j, JSON_COMPACT);
    json_decref(j);
    return text ? text : xstrdup("{}");
}

char *api_hello_encode(const struct machine *m)
{
    char mac[MAC_STR];
    json_t *disks = json_array(), *nics = json_array();
    for (size_t i = 0; i < m->n_disks; i++)
        json_array_append_new(disks, disk_json(&m->disks[i]));
    for (size_t i = 0; i < m->n_nics; i++)
        json_array_append_new(
            nics, json_pack("{s:s,s:s}", "name", m->nics[i].name, "mac", mac_format(m->nics[i].mac, mac)));
    return dump(json_pack("{s:s,s:s,s:o,s:o,s:o,s:o}", "mac", mac_format(m->mac, mac), "uuid", m->uuid,
                          "serial", text_json(m->serial), "model", text_json(m->model), "disks", disks,
                          "interfaces", nics));
}

char *api_claim_encode(const char *uuid, const struct disk *d)
{
    return dump(json_pack("{s:s,s:o}", "uuid", uuid, "disk", disk_json(d)));
}

int api_claim_decode(struct span body, struct digest digest, char ret_enrol_token[AGENT_TOKEN_MAX],
                     struct err *e)
{
    char hex[DIGEST_HEX], token[AGENT_TOKEN_MAX];
    struct digest said;
    int status = -1;
    json_t *j = load(body, e);
    if (!j || take_text(j, "enrol_token", token, sizeof token, e) ||
        take_text(j, "digest", hex, sizeof hex, e) || digest_parse(hex, &said, e))
        goto out;
    if (!digest_eq(said, digest))
        err_set(e, ERR_CONFLICT, "the job's release changed between hello and claim; reboot to start again");
    else if (!token_ok(token))
        err_set(e, ERR_INPUT, "the server's answer has no usable \"enrol_token\"");
    else
        status = str_copy(ret_enrol_token, AGENT_TOKEN_MAX, token) ? 0 : -1;
out:
    json_decref(j);
    return status;
}

int api_wait_decode(struct span body, struct api_wait *ret, struct err *e)
{
    json_t *j = load(body, e), *wait = json_object_get(j, "wait");
    json_t *seconds = json_object_get(wait, "seconds");
    json_int_t place = json_integer_value(json_object_get(wait, "place"));
    json_int_t of = json_integer_value(json_object_get(wait, "of"));
    struct api_wait w = {.place = (unsigned)place, .of = (unsigned)of, .seconds = -1};
    bool good = place > 0 && place <= of && of <= INT32_MAX;
    if (json_is_integer(seconds) && json_integer_value(seconds) >= 0)
        w.seconds = json_integer_value(seconds);
    json_decref(j);
    if (!good)
        return err_set(e, ERR_INPUT, "the server's answer tells no place to wait at");
    *ret = w;
    return 0;
}

char *api_progress_encode(uint64_t done, uint64_t total, uint64_t rate)
{
    return dump(json_pack("{s:I,s:I,s:I}", "done", (json_int_t)done, "total", (json_int_t)total, "rate",
                          (json_int_t)rate));
}

char *api_written_encode(const struct api_result *r)
{
    return dump(json_pack("{s:I,s:I,s:I,s:I}", "frames_written", (json_int_t)r->frames_written, "frames_same",
                          (json_int_t)r->frames_same, "bytes_fetched", (json_int_t)r->bytes_fetched,
                          "seconds", (json_int_t)(r->seconds + 0.5)));
}

char *api_failed_encode(const char *reason, const char *detail)
{
    return dump(json_pack("{s:s,s:o}", "reason", reason, "detail", text_json(detail)));
}

int api_discover_decode(struct span body, bool *ret_known, struct err *e)
{
    json_t *j = load(body, e);
    if (!j)
        return -1;
    *ret_known = json_is_true(json_object_get(j, "known"));
    json_decref(j);
    return 0;
}

/* A host name's label or several: what may stand in /etc/hosts and Salt's configuration without quoting. */
static bool name_ok(const char *s)
{
    size_t n = strlen(s);
    if (n == 0 || n > 253 || s[0] == '-' || s[0] == '.')
        return false;
    for (; *s; s++)
        if (!isalnum((unsigned char)*s) && *s != '-' && *s != '.' && *s != '_')
            return false;
    return true;
}

static int take_name(json_t *j, const char *key, char **ret, struct err *e)
{
    const char *s = json_string_value(json_object_get(j, key));
    if (!s || !name_ok(s))
        return err_set(
            e, ERR_INPUT,
            "the server's configuration has no usable \"%s\": a name of letters, digits, '-', '.', '_'", key);
    *ret = xstrdup(s);
    return 0;
}

static int take_port(json_t *j, const char *key, uint16_t *ret, struct err *e)
{
    json_int_t v = json_integer_value(json_object_get(j, key));
    if (v < 1 || v > 65535)
        return err_set(e, ERR_INPUT, "the server's configuration has no usable \"%s\"", key);
    *ret = (uint16_t)v;
    return 0;
}

static int take_salt(json_t *salt, struct api_config *c, struct err *e)
{
    if (!salt || json_is_null(salt))
        return 0;
    const char *pub = json_string_value(json_object_get(salt, "master_pub"));
    if (take_name(salt, "id", &c->salt.id, e) || take_name(salt, "master", &c->salt.master, e) ||
        take_port(salt, "master_port", &c->salt.master_port, e) ||
        take_port(salt, "publish_port", &c->salt.publish_port, e))
        return -1;
    if (!pub || !str_starts(pub, "-----BEGIN PUBLIC KEY-----"))
        return err_set(e, ERR_INPUT,
                       "the server's configuration has no usable \"master_pub\": a Salt master's public key "
                       "in PEM form");
    c->salt.master_pub = xstrdup(pub);
    c->salt.wanted = true;
    return 0;
}

static int take_keys(json_t *keys, struct api_config *c, struct err *e)
{
    size_t n = json_array_size(keys);
    c->authorized_keys = xcalloc(n + 1, sizeof *c->authorized_keys);
    for (size_t i = 0; i < n; i++) {
        const char *s = json_string_value(json_array_get(keys, i));
        if (!s || !*s || strpbrk(s, "\r\n"))
            return err_set(e, ERR_INPUT,
                           "the server's configuration: authorized_keys[%zu] is not one line of text", i);
        c->authorized_keys[c->n_keys++] = xstrdup(s);
    }
    return 0;
}

int api_config_decode(struct span body, struct api_config *ret, struct err *e)
{
    struct api_config c = {0};
    json_t *j = load(body, e);
    if (!j || take_name(j, "hostname", &c.hostname, e) || take_name(j, "fqdn", &c.fqdn, e) ||
        take_keys(json_object_get(j, "authorized_keys"), &c, e) ||
        take_salt(json_object_get(j, "salt"), &c, e)) {
        json_decref(j);
        api_config_free(&c);
        return -1;
    }
    const char *ca = json_string_value(json_object_get(j, "ca_certificates"));
    c.ca_certificates = ca && *ca ? xstrdup(ca) : NULL;
    json_decref(j);
    *ret = c;
    return 0;
}

void api_config_free(struct api_config *c)
{
    for (size_t i = 0; i < c->n_keys; i++)
        free(c->authorized_keys[i]);
    free(c->authorized_keys);
    free(c->hostname);
    free(c->fqdn);
    free(c->ca_certificates);
    free(c->salt.id);
    free(c->salt.master);
    free(c->salt.master_pub);
    *c = (struct api_config){0};
}

char *api_enrol_encode(const char *minion_id, const char *pubkey, char *const host_keys[], size_t n)
{
    json_t *keys = json_array();
    for (size_t i = 0; i < n; i++)
        json_array_append_new(keys, text_json(host_keys[i]));
    return dump(
        json_pack("{s:s?,s:s?,s:o}", "minion_id", minion_id, "pubkey", pubkey, "ssh_host_keys", keys));
}
