/* store_option: sets of DHCP options, and whose they are. */
#include <stdio.h>
#include <string.h>

#include "inventory/device.h"
#include "inventory/journal.h"
#include "inventory/store_sql.h"

static int keep_locked(struct store *s, struct span set, int64_t *ret_id, struct err *e)
{
    int r = db_number(s, "SELECT id FROM dhcp_options WHERE bytes = ?", DB_VALUES(db_span(set)), ret_id, e);
    if (r != 0) {
        return r < 0 ? -1 : 0;
    }
    if (db_run(s, "INSERT INTO dhcp_options (bytes) VALUES (?)", DB_VALUES(db_span(set)), e) < 0) {
        return -1;
    }
    *ret_id = db_last_id(s);
    return 0;
}

int options_keep(struct store *s, struct span set, int64_t *ret_id, struct err *e)
{
    *ret_id = 0;
    if (set.n == 0) {
        return 0;
    }
    if (store_begin(s, e) < 0) {
        return -1;
    }
    return db_end(s, keep_locked(s, set, ret_id, e), e);
}

/* The bytes are what options_keep was given; a file that was damaged is not sent to machines. */
static int set_read(struct span bytes, struct dhcp_set *ret)
{
    struct reader r = reader_of(bytes);
    struct dhcp_option o;
    if (bytes.n > sizeof ret->bytes) {
        return -1;
    }
    while (dhcp_set_next(&r, &o)) {
    }
    if (r.bad || bytes.n == 0) {
        return -1;
    }
    memcpy(ret->bytes, bytes.p, bytes.n);
    ret->n = bytes.n;
    return 0;
}

int options_get(struct store *s, int64_t id, struct dhcp_set *ret, struct err *e)
{
    sqlite3_stmt *q;
    ret->n = 0;
    if (id == 0) {
        return 0;
    }
    if (db_query(s, "SELECT bytes FROM dhcp_options WHERE id = ?", DB_VALUES(db_i(id)), &q, e) < 0) {
        return -1;
    }
    int r = db_step(s, q, e);
    if (r == 1) {
        bool bad = set_read(db_bytes(q, 0), ret) < 0;
        db_done(q);
        r = bad ? err_set(e, ERR_CORRUPT, "the set of DHCP options %lld is damaged", (long long)id) : 0;
    } else if (r == 0) {
        r = err_set(e, ERR_NOT_FOUND, "there is no set of DHCP options %lld", (long long)id);
    }
    return r;
}

/* ---- of sites and roles */

static const struct {
    const char *word, *old, *write;
} owners[] = {
    [GROUP_SITE] = {"site", "SELECT ifnull(options_id, 0) FROM sites WHERE slug = ?",
                    "UPDATE sites SET options_id = ? WHERE slug = ?"},
    [GROUP_ROLE] = {"role", "SELECT ifnull(options_id, 0) FROM roles WHERE slug = ?",
                    "UPDATE roles SET options_id = ? WHERE slug = ?"},
};

bool group_has_options(enum group_kind kind)
{
    return (size_t)kind < sizeof owners / sizeof *owners && owners[kind].word;
}

static int group_locked(struct store *s, enum group_kind kind, const char *slug, int64_t options,
                        const char *actor, struct err *e)
{
    int64_t old = 0;
    char detail[2 * NAME_SIZE];
    if (db_number(s, owners[kind].old, DB_VALUES(db_t(slug)), &old, e) < 0) {
        return -1;
    }
    if (old == options) {
        return 0;
    }
    if (db_run(s, owners[kind].write, DB_VALUES(db_ref(options), db_t(slug)), e) < 0) {
        return -1;
    }
    snprintf(detail, sizeof detail, "the DHCP options of the %s %s were %s", owners[kind].word, slug,
             options ? "changed" : "taken away");
    struct change c = {.left_out = 0};
    change_ref(&c, "dhcp_options", old, options);
    return journal_add_change(s, 0, NULL, actor, "changed", detail, &c, now_ms(), e);
}

int group_options(struct store *s, enum group_kind kind, const char *slug, int64_t options, const char *actor,
                  struct err *e)
{
    if (!group_has_options(kind)) {
        return err_set(e, ERR_INPUT, "only sites, roles and devices have DHCP options");
    }
    if (store_begin(s, e) < 0) {
        return -1;
    }
    return db_end(s, group_locked(s, kind, slug, options, actor, e), e);
}
