/* import: the inventory file.
 *
 * The text is walked three times, each time building one device after another, so that a large file needs the
 * memory of one: check (every value, and duplicates within the file), put (what else the file has, then the
 * devices), and assign. All but the first happen in one transaction. */
#include "inventory/import.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/file.h"
#include "base/str.h"
#include "inventory/import_parts.h"

#define FILE_MAX (256u << 20)

int at_place(const struct import *im, const struct yaml_node *n, struct err *e)
{
    return err_prefix(e, "%s:%d:%d", im->file, yaml_line(n), yaml_column(n));
}

/* ---- duplicates within the file */

enum seen_kind { SEEN_NAME, SEEN_MAC, SEEN_ADDRESS };

struct seen {
    char *text;
    int line, column;
    uint32_t order;
    uint8_t kind;
};

struct seen_list {
    struct seen *x;
    size_t n, cap;
    struct arena texts;
};

static void see(struct seen_list *l, enum seen_kind kind, const char *text, const struct yaml_node *node)
{
    if (l->n == l->cap) {
        l->cap = l->cap ? l->cap * 2 : 64;
        l->x = xrealloc(l->x, l->cap, sizeof *l->x);
    }
    l->x[l->n] = (struct seen){.kind = kind,
                               .text = arena_copy(&l->texts, text, strcspn(text, "/")),
                               .line = yaml_line(node),
                               .column = yaml_column(node),
                               .order = (uint32_t)l->n};
    l->n++;
}

/* An address that the router or the server itself has would be given to a machine, and both would fail. */
static int check_use(const struct import *im, const char *device, const struct said *x, struct err *e)
{
    struct ip4_if a;
    char text[IP4_STR];
    if (ip4_if_parse(x->v[0], &a, NULL) < 0) {
        return 0; /* IPv6 */
    }
    const char *use = im->o->address_use ? im->o->address_use(im->o->address_ctx, a.ip) : NULL;
    if (!use && !prefix_is_host(prefix_of(a), a.ip)) {
        use = "the network or the broadcast address of its prefix";
    }
    if (!use) {
        if (im->o->address_seen) {
            im->o->address_seen(im->o->address_ctx, device, a);
        }
        return 0;
    }
    return yaml_error(x->place, e, "%s is %s: a machine cannot have it too", ip4_format(a.ip, text), use);
}

static int check_interface(struct import *im, const char *device, const struct said_interface *f,
                           struct err *e)
{
    char text[MAC_STR];
    for (size_t i = 0; i < f->macs_n; i++) {
        see(im->seen, SEEN_MAC, mac_format(mac_from_u64(strtoull(f->macs[i].v[0], NULL, 10)), text),
            f->macs[i].place);
    }
    for (size_t i = 0; i < f->addresses_n; i++) {
        if (check_use(im, device, &f->addresses[i], e) < 0) {
            return -1;
        }
        see(im->seen, SEEN_ADDRESS, f->addresses[i].v[0], f->addresses[i].place);
    }
    return 0;
}

static int check_item(struct import *im, struct item *it, struct err *e)
{
    im->more |= *it->image != '\0' || it->has_protected;
    see(im->seen, SEEN_NAME, it->name, it->name_node);
    for (size_t i = 0; i < it->said.interfaces_n; i++) {
        if (check_interface(im, it->name, &it->said.interfaces[i], e) < 0) {
            return -1;
        }
    }
    return 0;
}

static int compare_seen(const void *a, const void *b)
{
    const struct seen *x = a, *y = b;
    if (x->kind != y->kind) {
        return x->kind < y->kind ? -1 : 1;
    }
    int c = strcasecmp(x->text, y->text);
    return c ? c : x->order < y->order ? -1 : 1;
}

/* Of all duplicates, the one that a reader of the file meets first. Leaves the list sorted. */
static int refuse_duplicates(const struct import *im, struct seen_list *l, struct err *e)
{
    static const char *const what[] = {
        [SEEN_NAME] = "the name", [SEEN_MAC] = "the MAC address", [SEEN_ADDRESS] = "the address"};
    const struct seen *first = NULL, *second = NULL;
    if (l->n > 0) {
        qsort(l->x, l->n, sizeof *l->x, compare_seen);
    }
    for (size_t i = 1; i < l->n; i++) {
        const struct seen *a = &l->x[i - 1], *b = &l->x[i];
        if (a->kind == b->kind && strcasecmp(a->text, b->text) == 0 &&
            (!second || b->order < second->order)) {
            first = a;
            second = b;
        }
    }
    if (!second) {
        return 0;
    }
    return err_set(e, ERR_INPUT,
                   "%s:%d:%d: %s %s is used twice: first at %s:%d:%d, and here; give each device its own",
                   im->file, second->line, second->column, what[second->kind], second->text, im->file,
                   first->line, first->column);
}

/* Is this device said by the file? Then its addresses may go to another: it is made anew, too. */
static bool in_file(void *ctx, const char *device)
{
    const struct import *im = ctx;
    const struct seen_list *l = im->seen;
    size_t from = 0, to = l->n;
    while (from < to) {
        size_t mid = from + (to - from) / 2;
        int c = l->x[mid].kind != SEEN_NAME ? 1 : strcasecmp(l->x[mid].text, device);
        if (c == 0) {
            return true;
        }
        from = c < 0 ? mid + 1 : from;
        to = c > 0 ? mid : to;
    }
    return false;
}

/* ---- the walks */

typedef int item_fn(struct import *im, struct item *it, struct err *e);

struct walk {
    struct import *im;
    item_fn *fn;
};

static int walk_item(struct yaml_node *n, void *ctx, struct err *e)
{
    struct walk *w = ctx;
    struct item it;
    arena_reset(&w->im->k.arena);
    return read_item(w->im, n, &it, e) < 0 ? -1 : w->fn(w->im, &it, e);
}

static int each_item(struct import *im, struct span text, item_fn *fn, struct yaml **ret, struct err *e)
{
    struct walk w = {.im = im, .fn = fn};
    return yaml_walk_text(im->file, (const char *)text.p, text.n, "devices", walk_item, &w, ret, e);
}

static void tell_made(const char *what, const char *slug, const char *by, void *ctx)
{
    struct import *im = ctx;
    if (im->o->made) {
        im->o->made(what, slug, by, im->o->made_ctx);
    }
}

static int put_item(struct import *im, struct item *it, struct err *e)
{
    size_t *const counts[] = {[KEEP_SAME] = &im->result.devices_same,
                              [KEEP_CHANGED] = &im->result.devices_changed,
                              [KEEP_NEW] = &im->result.devices_new};
    enum keep_did did;
    int64_t id;
    if (keep_put_device(&im->k, &it->said, &id, &did, e) < 0) {
        return at_place(im, im->k.fault ? im->k.fault : it->name_node, e);
    }
    ++*counts[did];
    return 0;
}

/* ---- everything but devices */

static int each_object(struct import *im, struct yaml_node *root, enum model_id m,
                       int (*fn)(struct import *im, struct said *x, struct err *e), struct err *e)
{
    struct yaml_node *list = NULL;
    struct said x;
    if (yaml_seq(root, keep_kind(m)->list, false, &list, e) < 0) {
        return -1;
    }
    for (size_t i = 0; list && i < yaml_len(list); i++) {
        arena_reset(&im->k.arena);
        if (read_object(im, yaml_at(list, i), m, &x, e) < 0 || (fn && fn(im, &x, e) < 0)) {
            return -1;
        }
    }
    return 0;
}

static int put_object(struct import *im, struct said *x, struct err *e)
{
    enum keep_did did;
    if (keep_put(&im->k, x, &did, e) < 0) {
        return at_place(im, im->k.fault ? im->k.fault : x->place, e);
    }
    im->result.objects_new += did == KEEP_NEW;
    im->result.objects_changed += did == KEEP_CHANGED;
    return 0;
}

static int each_list(struct import *im, struct yaml_node *root,
                     int (*fn)(struct import *im, struct said *x, struct err *e), struct err *e)
{
    for (const enum model_id *m = keep_order; *m != MODEL_NONE; m++) {
        if (each_object(im, root, *m, fn, e) < 0) {
            return -1;
        }
    }
    return 0;
}

/* ---- the whole */

static int check_limit(const struct import *im, struct err *e)
{
    size_t armed = im->result.armed;
    if (armed <= im->o->wipe_limit || armed == im->o->count) {
        return 0;
    }
    return err_set(e, ERR_REFUSED,
                   "%s: this would wipe and install %zu devices, which is more than %zu; if that is meant, "
                   "say so with --count %zu",
                   im->file, armed, im->o->wipe_limit, armed);
}

/* What makes a device another one's business: after all of them are as the file says. */
static int finish_item(struct import *im, struct item *it, struct err *e)
{
    struct device d;
    if (!it->has_protected && !*it->image) {
        return 0;
    }
    if (device_by_name(im->k.s, it->name, &d, e) < 0) {
        return -1;
    }
    if (it->has_protected && it->protected != d.protected &&
        device_protect(im->k.s, d.id, it->protected, im->o->actor, e) < 0) {
        return at_place(im, it->node, e);
    }
    d.protected = it->has_protected ? it->protected : d.protected;
    return assign_item(im, it, &d, e);
}

static int put_all(struct import *im, struct yaml_node *root, struct span text, struct err *e)
{
    im->writing = true;
    if (each_list(im, root, put_object, e) < 0) {
        return -1;
    }
    if (keep_check(&im->k, e) < 0) {
        struct yaml_node *locations = yaml_get(root, "locations");
        return at_place(im, locations ? locations : root, e);
    }
    im->k.made = tell_made;
    if (keep_many(&im->k, e) < 0 || each_item(im, text, put_item, NULL, e) < 0 || keep_end(&im->k, e) < 0 ||
        (im->more && each_item(im, text, finish_item, NULL, e) < 0)) {
        return -1;
    }
    return check_limit(im, e);
}

static int check_all(struct import *im, struct yaml_node *root, struct err *e)
{
    struct yaml_node *devices;
    if (yaml_want(root, YAML_MAP, "a mapping with devices", e) < 0) {
        return -1;
    }
    if (yaml_len(root) == 0) {
        return yaml_error(root, e, "there is nothing to import here; a file for it begins with \"devices:\"");
    }
    if (yaml_seq(root, "devices", false, &devices, e) < 0 || each_list(im, root, NULL, e) < 0 ||
        yaml_no_more(root, e) < 0) {
        return -1;
    }
    return refuse_duplicates(im, im->seen, e);
}

static int write_locked(struct import *im, struct yaml_node *root, struct span text, struct err *e)
{
    if (store_begin(im->k.s, e) < 0) {
        return -1;
    }
    int r = put_all(im, root, text, e);
    if (r < 0 || im->o->dry_run) {
        store_rollback(im->k.s);
        return r;
    }
    return store_commit(im->k.s, e);
}

int import_text(struct store *s, const char *name, const char *text, size_t n, const struct import_options *o,
                int64_t at_ms, struct import_result *ret, struct err *e)
{
    struct seen_list seen = {.n = 0};
    struct import im = {.file = name, .o = o, .about = "", .seen = &seen};
    struct span all = span_of(text, n);
    struct yaml *y = NULL;
    im.k = (struct keeper){.s = s, .actor = o->actor, .at_ms = at_ms, .may_take = in_file, .ctx = &im};
    int r = each_item(&im, all, check_item, &y, e);
    if (r == 0) {
        r = check_all(&im, yaml_root(y), e);
    }
    if (r == 0) {
        r = write_locked(&im, yaml_root(y), all, e);
    }
    yaml_free(y);
    keeper_free(&im.k);
    arena_free(&seen.texts);
    free(seen.x);
    if (r == 0) {
        *ret = im.result;
    }
    return r;
}

int import_file(struct store *s, const char *path, const struct import_options *o, int64_t at_ms,
                struct import_result *ret, struct err *e)
{
    struct str text = {0};
    int r = file_read(path, FILE_MAX, &text, e);
    if (r == 0) {
        r = import_text(s, path, text.s, text.len, o, at_ms, ret, e);
    }
    str_free(&text);
    return r;
}
