#include "agent/firstboot.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <jansson.h>

#include "agent/api.h"
#include "agent/salt_key.h"
#include "agent/say.h"
#include "base/file.h"
#include "base/proc.h"

#define STATE_DIR          "/var/lib/rackstrap"
#define SMALL_MAX          (1u << 20)
#define FAILED_PATIENCE_MS 60000

struct firstboot {
    const char *root;
    char url[AGENT_URL_MAX], token[AGENT_TOKEN_MAX], job[UUID_STR], device[128];
    struct api api;
    struct api_config config;
    struct str minion_pub;
    char *host_keys[4];
    size_t n_host_keys;
};

static const char *at(const struct firstboot *f, const char *path, char buf[PATH_MAX])
{
    snprintf(buf, PATH_MAX, "%s%s", f->root, path);
    return buf;
}

static int put(const struct firstboot *f, const char *path, const char *text, mode_t mode, struct err *e)
{
    char real[PATH_MAX];
    return file_write(at(f, path, real), text, strlen(text), mode, e);
}

static int make_dir(const struct firstboot *f, const char *path, mode_t mode, struct err *e)
{
    char real[PATH_MAX];
    return dir_make(at(f, path, real), mode, e);
}

/* A file that is not there is empty. */
static int get(const struct firstboot *f, const char *path, struct str *ret, struct err *e)
{
    char real[PATH_MAX];
    str_add(ret, "");
    return file_exists(at(f, path, real)) ? file_read(real, SMALL_MAX, ret, e) : 0;
}

/* ---- the steps, each repeatable ---- */

static int step_hostname(struct firstboot *f, struct err *e)
{
    struct str old = {0}, hosts = {0};
    char *line = xasprintf("%s\n", f->config.hostname);
    int status = put(f, "/etc/hostname", line, 0644, e);
    if (status == 0)
        status = get(f, "/etc/hosts", &old, e);
    if (status == 0) {
        hosts_edit(old.s, f->config.hostname, f->config.fqdn, &hosts);
        status = put(f, "/etc/hosts", hosts.s, 0644, e);
    }
    if (status == 0 && !*f->root && sethostname(f->config.hostname, strlen(f->config.hostname)))
        status = err_errno(e, "the host name %s is not taken", f->config.hostname);
    free(line);
    str_free(&old);
    str_free(&hosts);
    return status;
}

static int flush(const char *path, struct err *e)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    int status = fd >= 0 && fsync(fd) == 0 ? 0 : err_errno(e, "%s cannot be flushed", path);
    if (fd >= 0)
        close(fd);
    return status;
}

/* Made beside its place, flushed and renamed, the private half last: a key that is there is whole. */
static int make_host_key(const struct firstboot *f, const char *type, const char *private, const char *public,
                         struct err *e)
{
    char temporary[PATH_MAX], temporary_pub[PATH_MAX + 8];
    at(f, "/etc/ssh/.rackstrap_key", temporary);
    snprintf(temporary_pub, sizeof temporary_pub, "%s.pub", temporary);
    const char *const argv[] = {"ssh-keygen",       "-q", "-t",      type, "-N", "", "-C",
                                f->config.hostname, "-f", temporary, NULL};
    struct str out = {0};
    unlink(temporary);
    unlink(temporary_pub);
    int status = proc_run(argv, NULL, &out, e);
    str_free(&out);
    if (status == 0 && (flush(temporary_pub, e) || flush(temporary, e)))
        status = -1;
    if (status == 0 && (rename(temporary_pub, public) || rename(temporary, private)))
        status = err_errno(e, "%s", private);
    return status;
}

/* "ssh-ed25519 AAAA...": without the comment. */
static int read_host_key(struct firstboot *f, const char *public, struct err *e)
{
    struct str text = {0};
    if (file_read(public, SMALL_MAX, &text, e))
        return -1;
    char *rest = NULL, *type = strtok_r(text.s, " \n", &rest), *key = strtok_r(NULL, " \n", &rest);
    if (type && key)
        f->host_keys[f->n_host_keys++] = xasprintf("%s %s", type, key);
    str_free(&text);
    return type && key
               ? 0
               : err_set(e, ERR_CORRUPT, "%s holds no public key; remove it and its private half", public);
}

static int step_host_keys(struct firstboot *f, struct err *e)
{
    static const char *const types[] = {"ed25519", "ecdsa"};
    char name[64], private[PATH_MAX], public[PATH_MAX];
    if (make_dir(f, "/etc/ssh", 0755, e))
        return -1;
    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
        snprintf(name, sizeof name, "/etc/ssh/ssh_host_%s_key", types[i]);
        at(f, name, private);
        snprintf(name, sizeof name, "/etc/ssh/ssh_host_%s_key.pub", types[i]);
        at(f, name, public);
        if ((!file_exists(private) || !file_exists(public)) && make_host_key(f, types[i], private, public, e))
            return -1;
        if (read_host_key(f, public, e))
            return -1;
    }
    return 0;
}

static int step_authorized_keys(struct firstboot *f, struct err *e)
{
    struct str old = {0}, keys = {0};
    if (!f->config.n_keys)
        return 0;
    int status = make_dir(f, "/root/.ssh", 0700, e);
    if (status == 0)
        status = get(f, "/root/.ssh/authorized_keys", &old, e);
    if (status == 0) {
        keys_edit(old.s, f->config.authorized_keys, f->config.n_keys, &keys);
        status = put(f, "/root/.ssh/authorized_keys", keys.s, 0600, e);
    }
    str_free(&old);
    str_free(&keys);
    return status;
}

static int step_certificates(struct firstboot *f, struct err *e)
{
    const char *const argv[] = {"update-ca-certificates", NULL};
    struct str out = {0};
    if (!f->config.ca_certificates)
        return 0;
    int status = make_dir(f, "/usr/local/share/ca-certificates", 0755, e);
    if (status == 0)
        status = put(f, "/usr/local/share/ca-certificates/rackstrap.crt", f->config.ca_certificates, 0644, e);
    if (status == 0)
        status = proc_run(argv, NULL, &out, e);
    str_free(&out);
    return status;
}

static int systemctl(const char *verb, const char *option, struct err *e)
{
    const char *const argv[] = {"systemctl", verb, option, "salt-minion.service", NULL};
    struct str out = {0};
    int status = proc_run(argv, NULL, &out, e);
    str_free(&out);
    return status;
}

static int put_salt_config(struct firstboot *f, struct err *e)
{
    const struct api_config *c = &f->config;
    char *text = xasprintf(
        "# Written by rackstrap at first boot.\n"
        "id: \"%s\"\n"
        "master: \"%s\"\n"
        "master_port: %u\n"
        "publish_port: %u\n"
        "# The key is accepted within seconds of our sending it: ask again soon, and never give up.\n"
        "acceptance_wait_time: 2\n"
        "acceptance_wait_time_max: 10\n"
        "rejected_retry: True\n",
        c->salt.id, c->salt.master, c->salt.master_port, c->salt.publish_port);
    int status = make_dir(f, "/etc/salt/minion.d", 0755, e);
    if (status == 0)
        status = put(f, "/etc/salt/minion.d/rackstrap.conf", text, 0644, e);
    free(text);
    return status;
}

/* The master's key is there before the minion first speaks: it trusts nobody at first use. */
static int step_salt(struct firstboot *f, struct err *e)
{
    char private[PATH_MAX], public[PATH_MAX];
    if (!f->config.salt.wanted)
        return 0;
    if (systemctl("cat", "--no-pager", NULL))
        return err_set(e, ERR_NOT_FOUND,
                       "the image has no salt-minion.service, but this device is to be enrolled with Salt; "
                       "put salt-minion into the image's recipe");
    if (put_salt_config(f, e) || make_dir(f, "/etc/salt/pki", 0700, e) ||
        make_dir(f, "/etc/salt/pki/minion", 0700, e) ||
        put(f, "/etc/salt/pki/minion/minion_master.pub", f->config.salt.master_pub, 0644, e))
        return -1;
    at(f, "/etc/salt/pki/minion/minion.pem", private);
    at(f, "/etc/salt/pki/minion/minion.pub", public);
    return salt_key_ensure(private, public, &f->minion_pub, e);
}

static int step_enrol(struct firstboot *f, struct err *e)
{
    bool salt = f->config.salt.wanted;
    if (api_enrol(&f->api, salt ? f->config.salt.id : NULL, salt ? f->minion_pub.s : NULL, f->host_keys,
                  f->n_host_keys, e))
        return -1;
    say("%s: enrolled", f->device);
    return 0;
}

/* Not waited for: a minion is up only once its key is accepted, and the server looks for that itself. */
static int step_start_minion(struct firstboot *f, struct err *e)
{
    if (!f->config.salt.wanted)
        return 0;
    return systemctl("enable", "--quiet", e) || systemctl("restart", "--no-block", e) ? -1 : 0;
}

/* The record first, then the seed goes: a power cut between the two repeats everything once. */
static int step_forget(struct firstboot *f, struct err *e)
{
    char real[PATH_MAX];
    json_t *j = json_pack("{s:s,s:s,s:s}", "url", f->url, "job", f->job, "device", f->device);
    char *text = json_dumps(j, JSON_INDENT(2));
    int status = put(f, STATE_DIR "/enrolled.json", text, 0600, e);
    if (status == 0 && unlink(at(f, STATE_DIR "/seed.json", real)))
        status = err_errno(e, "%s cannot be removed", real);
    free(text);
    json_decref(j);
    sync();
    return status;
}

static int step_config(struct firstboot *f, struct err *e)
{
    return api_config(&f->api, &f->config, e);
}

static const struct {
    const char *what;
    int (*run)(struct firstboot *f, struct err *e);
} steps[] = {
    {"configuration", step_config},
    {"host name", step_hostname},
    {"SSH host keys", step_host_keys},
    {"authorised keys", step_authorized_keys},
    {"CA certificates", step_certificates},
    {"Salt minion", step_salt},
    {"enrolment", step_enrol},
    {"Salt minion's start", step_start_minion},
    {"end", step_forget},
};

static int take_text(json_t *j, const char *key, char *buf, size_t size, struct err *e)
{
    const char *s = json_string_value(json_object_get(j, key));
    return s && str_copy(buf, size, s)
               ? 0
               : err_set(e, ERR_CORRUPT, "%s/seed.json has no usable \"%s\"", STATE_DIR, key);
}

static int read_seed(struct firstboot *f, struct err *e)
{
    struct str text = {0};
    int status = -1;
    json_t *j = NULL;
    if (get(f, STATE_DIR "/seed.json", &text, e))
        goto out;
    j = json_loadb(text.s, text.len, JSON_REJECT_DUPLICATES, NULL);
    if (take_text(j, "url", f->url, sizeof f->url, e) ||
        take_text(j, "token", f->token, sizeof f->token, e) ||
        take_text(j, "job", f->job, sizeof f->job, e) ||
        take_text(j, "device", f->device, sizeof f->device, e))
        goto out;
    status = api_new(f->url, f->token, &f->api, e);
out:
    json_decref(j);
    str_free(&text);
    return status;
}

static int run_steps(struct firstboot *f, struct err *e)
{
    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
        struct err why = {0};
        say("first boot: %s", steps[i].what);
        if (steps[i].run(f, &why) == 0)
            continue;
        err_set(e, why.kind, "%s: %s", steps[i].what, why.text);
        f->api.patience_ms = FAILED_PATIENCE_MS; /* the unit starts us again, and that may mend it */
        if (why.kind != ERR_REFUSED && api_failed(&f->api, "first-boot-error", e ? e->text : why.text, &why))
            say("the server could not be told: %s", why.text);
        return -1;
    }
    return 0;
}

int firstboot_run(const char *root, struct err *e)
{
    struct firstboot f = {.root = root};
    char real[PATH_MAX];
    if (!file_exists(at(&f, STATE_DIR "/seed.json", real))) {
        say("first boot: no %s: nothing to do", real);
        return 0;
    }
    int status = read_seed(&f, e);
    if (status == 0)
        status = run_steps(&f, e);
    for (size_t i = 0; i < f.n_host_keys; i++)
        free(f.host_keys[i]);
    str_free(&f.minion_pub);
    api_config_free(&f.config);
    api_free(&f.api);
    return status;
}
