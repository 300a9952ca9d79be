/* write: POST, PUT, PATCH and DELETE of records, one or many at once, all or nothing: one transaction for a
 * request, with what it assigns (image.h) in it. */
#ifndef API_WRITE_H
#define API_WRITE_H

#include "api/call.h"

/* A request is one transaction, and while it lasts, nobody else writes: a machine that boots would wait. */
#define WRITE_MAX 1000
void answer_too_many(struct call *c); /* 400 */

/* Of /api/APP/ENDPOINT/ and of /api/APP/ENDPOINT/ID/, by c->rq->method. */
void write_list(struct call *c);
void write_detail(struct call *c);

/* An object as JSON, in a list or alone, with the fields that the query asks for. ERR_NOT_FOUND. */
int add_object(struct call *c, struct jsonw *w, const struct model *m, int64_t id, int64_t *ret_updated_ms,
               struct err *e);
/* One of c->route->model. */
void answer_object(struct call *c, int status, int64_t id); /* with its ETag; 404 */

#define ETAG_SIZE (TIME_STR + 4)
char *etag_of(int64_t updated_ms, char buf[ETAG_SIZE]);

#endif
