/* store_function: what our statements call that SQLite has not. */
#include <string.h>

#include "base/addr.h"
#include "base/match.h"
#include "inventory/inet.h"
#include "inventory/store_sql.h"

/* rackstrap_mac(number): "AA:BB:CC:00:00:01", as NetBox writes it. */
static void call_mac(sqlite3_context *c, int n, sqlite3_value **v)
{
    char text[MAC_STR];
    (void)n;
    mac_format(mac_from_u64((uint64_t)sqlite3_value_int64(v[0])), text);
    for (char *p = text; *p; p++) {
        *p = *p >= 'a' && *p <= 'f' ? (char)(*p - 'a' + 'A') : *p;
    }
    sqlite3_result_text(c, text, -1, SQLITE_TRANSIENT);
}

/* rackstrap_inet(address, length): "10.0.0.1/24"; without "/24" where length is NULL. */
static void call_inet(sqlite3_context *c, int n, sqlite3_value **v)
{
    char text[INET_STR];
    struct inet i = {.len = sqlite3_value_type(v[1]) == SQLITE_NULL ? -1 : sqlite3_value_int(v[1])};
    (void)n;
    if (sqlite3_value_type(v[0]) == SQLITE_INTEGER) {
        i.four.a = (uint32_t)sqlite3_value_int64(v[0]);
    } else if (sqlite3_value_type(v[0]) == SQLITE_BLOB && sqlite3_value_bytes(v[0]) == sizeof i.b) {
        i.six = true;
        memcpy(i.b, sqlite3_value_blob(v[0]), sizeof i.b);
    } else {
        sqlite3_result_null(c);
        return;
    }
    sqlite3_result_text(c, inet_format(&i, text), -1, SQLITE_TRANSIENT);
}

static void forget_match(void *m)
{
    match_free(m);
}

/* rackstrap_match(pattern, text, in any case). The pattern is compiled once in a statement. A pattern can
 * make each row cost a second: SQLite asks for the limit after thousands of rows, this after each. */
static void call_match(sqlite3_context *c, int n, sqlite3_value **v)
{
    (void)n;
    struct match *m = sqlite3_get_auxdata(c, 0);
    const char *pattern = (const char *)sqlite3_value_text(v[0]);
    if (!m) {
        m = pattern ? match_new(pattern, sqlite3_value_int(v[2]) != 0, NULL) : NULL;
        if (!m) {
            sqlite3_result_error(c, "not a regular expression", -1);
            return;
        }
        sqlite3_set_auxdata(c, 0, m, forget_match);
        m = sqlite3_get_auxdata(c, 0);
        if (!m) {
            sqlite3_result_error_nomem(c);
            return;
        }
    }
    const char *text = (const char *)sqlite3_value_text(v[1]);
    const struct db_limit *const *limit = sqlite3_user_data(c);
    int r = match_in(m, text ? text : "", (size_t)sqlite3_value_bytes(v[1]));
    if (r < 0 || db_limit_over(*limit)) {
        sqlite3_result_error_code(c, SQLITE_INTERRUPT);
        return;
    }
    sqlite3_result_int(c, r);
}

int db_functions(sqlite3 *db, const struct db_limit *const *limit)
{
    static const struct {
        const char *name;
        int arguments;
        void (*call)(sqlite3_context *c, int n, sqlite3_value **v);
    } functions[] = {
        {"rackstrap_mac", 1, call_mac}, {"rackstrap_inet", 2, call_inet}, {"rackstrap_match", 3, call_match}};
    for (size_t i = 0; i < sizeof functions / sizeof *functions; i++) {
        int flags = SQLITE_UTF8 | SQLITE_DETERMINISTIC | SQLITE_DIRECTONLY;
        int r = sqlite3_create_function_v2(db, functions[i].name, functions[i].arguments, flags,
                                           (void *)limit, functions[i].call, NULL, NULL, NULL);
        if (r != SQLITE_OK) {
            return r;
        }
    }
    return SQLITE_OK;
}
