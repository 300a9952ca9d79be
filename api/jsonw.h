/* jsonw: JSON written straight into a string, without a tree in between: a page of a thousand devices is one
 * walk. Commas come by themselves. Text is UTF-8; a byte that is none becomes U+FFFD, so that whatever a row
 * holds, the answer is JSON.
 *
 *     struct jsonw w = {.out = &body};
 *     jsonw_open(&w, '{');
 *     jsonw_key(&w, "id"), jsonw_int(&w, 5);
 *     jsonw_close(&w, '}');
 */
#ifndef API_JSONW_H
#define API_JSONW_H

#include <jansson.h>

#include "base/str.h"

struct jsonw {
    struct str *out;
    bool comma; /* something stands before, in the same brackets */
};

void jsonw_open(struct jsonw *w, char bracket); /* '{' or '[' */
void jsonw_close(struct jsonw *w, char bracket);
void jsonw_key(struct jsonw *w, const char *key);  /* of letters, digits, '_' and '-': not escaped */
void jsonw_name(struct jsonw *w, const char *key); /* a key that comes from outside */
void jsonw_str(struct jsonw *w, const char *s);    /* NULL: null */
void jsonw_strn(struct jsonw *w, const char *s, size_t n);
void jsonw_strf(struct jsonw *w, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void jsonw_int(struct jsonw *w, long long n);
void jsonw_real(struct jsonw *w, double n); /* with a fraction always: 12.0 */
void jsonw_bool(struct jsonw *w, bool b);
void jsonw_null(struct jsonw *w);
void jsonw_raw(struct jsonw *w, const char *json, size_t n); /* a value that is JSON already */
void jsonw_tree(struct jsonw *w, const json_t *v);           /* NULL: null */

/* Is all of it UTF-8 (RFC 3629)? */
bool utf8_valid(const char *s, size_t n);

#endif
