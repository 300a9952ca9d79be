#include "dhcpd/io_loader.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "base/str.h"

#define WAITING_MAX 512
#define MISSING_MS  60000 /* a loader that is not there is said once a minute */

/* What a decision means for a ladder. */
struct waiting {
    int64_t device_id;
    struct mac mac;
    const struct client_row *client; /* ipxe: it was heard */
    struct ladder_choice choice;
};

struct loaders {
    const struct dhcpd_config *cfg;
    struct store *store;
    struct scribe *scribe;
    int64_t missing_ms;
    size_t n;
    struct waiting waiting[WAITING_MAX];
};

struct loaders *loaders_new(const struct dhcpd_config *cfg, struct store *store, struct scribe *scribe)
{
    struct loaders *l = xcalloc(1, sizeof *l);
    l->cfg = cfg;
    l->store = store;
    l->scribe = scribe;
    return l;
}

void loaders_free(struct loaders *l)
{
    free(l);
}

size_t loaders_there(const char *folder, const struct client_row *row, char ret[CLIENT_LOADERS][LOADER_SIZE])
{
    int fd = folder[0] ? open(folder, O_PATH | O_DIRECTORY | O_CLOEXEC) : -1;
    size_t n = 0;
    for (size_t i = 0; i < row->loaders_n; i++)
        if (fd < 0 || faccessat(fd, row->loaders[i], R_OK, 0) == 0)
            memcpy(ret[n++], row->loaders[i], LOADER_SIZE);
    if (fd >= 0)
        close(fd);
    return n;
}

static void say_missing(struct loaders *l, const struct request *q, int64_t at_ms)
{
    char mac[MAC_STR];
    if (l->missing_ms && l->missing_ms <= at_ms && at_ms - l->missing_ms < MISSING_MS)
        return;
    l->missing_ms = at_ms;
    if (q->client == &client_unknown)
        log_warn(
            "dhcp-no-client-row mac=%s arch=%u why=\"no loader is known for its architecture, so it gets "
            "an address alone; a row of dhcp.clients can name one\"",
            mac_format(q->mac, mac), option_u16(&q->options, OPT_ARCH, 0));
    else
        log_warn("dhcp-no-loader mac=%s client=%s folder=%s wanted=%s why=\"none of its loaders is there to "
                 "be read, so it "
                 "gets an address alone; put one there, or name another in dhcp.clients\"",
                 mac_format(q->mac, mac), q->client->name, l->cfg->loaders, q->client->loaders[0]);
}

static void wait(struct loaders *l, struct waiting w)
{
    if (l->n < WAITING_MAX)
        l->waiting[l->n++] = w;
}

static bool is_awaited(const struct ladder *x)
{
    return x->fetched[0] && strcmp(x->fetched, x->settled) != 0;
}

/* iPXE asks: its loader ran. Or there is a choice. */
static int climb(struct loaders *l, struct request *q, int64_t device_id, char there[][LOADER_SIZE], size_t n,
                 struct facts *f)
{
    struct waiting w = {.device_id = device_id, .mac = q->mac, .client = q->client};
    struct ladder x;
    struct err e = {0};
    if (ladder_get(l->store, q->mac, &x, &e)) {
        log_error("dhcp-store problem=\"%s\"", e.text);
        return -1;
    }
    if (q->client->via == VIA_SCRIPT) {
        if (is_awaited(&x))
            wait(l, w);
        return 0;
    }
    w.choice = ladder_choose(&x, q->client->name, (const char(*)[LOADER_SIZE])there, n,
                             l->cfg->loader_timeout, f->at_ms);
    str_copy(f->loader, sizeof f->loader, w.choice.loader);
    if (ladder_chosen(&x, q->client->name, &w.choice))
        wait(l, w);
    return 0;
}

int loaders_choose(struct loaders *l, struct request *q, int64_t device_id, struct facts *f)
{
    char there[CLIENT_LOADERS][LOADER_SIZE];
    size_t n = 0;
    if (q->client == &client_other)
        return 0;
    if (q->client->via != VIA_SCRIPT) {
        n = loaders_there(l->cfg->loaders, q->client, there);
        if (!n) {
            say_missing(l, q, f->at_ms);
            q->client = &client_unknown;
            return 0;
        }
        str_copy(f->loader, sizeof f->loader, there[0]);
    }
    return device_id ? climb(l, q, device_id, there, n, f) : 0;
}

static int write_one(struct store *s, const void *entry, int64_t at_ms, struct err *e)
{
    const struct waiting *w = entry;
    if (w->client->via == VIA_SCRIPT)
        return ladder_note_heard(s, w->device_id, w->mac, at_ms, e);
    return ladder_note_choice(s, w->device_id, w->mac, w->client->name, &w->choice, at_ms, e);
}

void loaders_write(struct loaders *l, int64_t at_ms)
{
    scribe_each(l->scribe, write_one, l->waiting, sizeof *l->waiting, l->n, at_ms);
    l->n = 0;
}

void loaders_forget(struct loaders *l)
{
    l->n = 0;
}
