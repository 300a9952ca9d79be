/* fake: tests/tools/fake_netbox.py as a child of the test, which runs in the top folder of the sources. */
#ifndef TESTS_NETBOX_FAKE_H
#define TESTS_NETBOX_FAKE_H

/* cmocka wants these four first. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <jansson.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/http.h"
#include "base/str.h"

struct fake {
    pid_t pid;
    char url[128];
};

/* options: as on its command line, at most one here and its value; NULL for none. */
static inline void fake_start(struct fake *f, const char *option, const char *value)
{
    int out[2];
    char line[160] = "";
    assert_int_equal(pipe(out), 0);
    f->pid = fork();
    if (f->pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        dup2(out[1], 1);
        close(out[0]);
        execlp("python3", "python3", "tests/tools/fake_netbox.py", option, value, NULL);
        _exit(127);
    }
    close(out[1]);
    FILE *in = fdopen(out[0], "r");
    if (!fgets(line, sizeof line, in) || sscanf(line, "listening %127s", f->url) != 1) {
        fail_msg("fake_netbox.py did not start: \"%s\"", line);
    }
    fclose(in);
}

static inline void fake_stop(struct fake *f)
{
    if (f->pid > 0) {
        kill(f->pid, SIGKILL);
        waitpid(f->pid, NULL, 0);
        f->pid = 0;
    }
}

/* What it answers; the caller's to json_decref. body NULL: a GET. */
static inline json_t *fake_ask(struct fake *f, const char *path, const char *body)
{
    struct http_reply r = {0};
    struct err e = {0};
    char *url = xasprintf("%s%s", f->url, path);
    struct http_request q = {.url = url,
                             .body = body,
                             .body_n = body ? strlen(body) : 0,
                             .timeout_ms = 20000,
                             .max_body = 1 << 24};
    if (http_do(&q, &r, &e) < 0) {
        fail_msg("%s: %s", url, e.text);
    }
    assert_in_range(r.status, 200, 299);
    json_t *j = json_loadb(r.body.s, r.body.len, 0, NULL);
    assert_non_null(j);
    http_reply_free(&r);
    free(url);
    return j;
}

static inline void fake_tell(struct fake *f, const char *path, const char *body)
{
    json_decref(fake_ask(f, path, body));
}

#endif
