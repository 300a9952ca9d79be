/* record: NetBox's objects (model.h) as rows: lists, single ones, and writing them.
 *
 * Every call says for whom (struct who). What a tenant may see is part of each statement, made in one place
 * (store_record_sql.c): another's object is not there, neither in a list, nor in a count, nor behind a
 * reference, nor to be changed.
 *
 * Reading hands out values, one for each field of the model, of which those that were not asked for are
 * VALUE_NONE and cost nothing. Writing takes a JSON object as NetBox's clients send it, and says all that is
 * wrong with it at once, by field and in NetBox's words (struct faults).
 *
 * Each write is one transaction, or part of the caller's: many objects, all or nothing, are
 * store_begin ... record_create/_update/_delete ... store_commit.
 */
#ifndef INVENTORY_RECORD_H
#define INVENTORY_RECORD_H

#include <jansson.h>

#include "inventory/device.h"
#include "inventory/model.h"
#include "inventory/store.h"

struct who {
    int64_t tenant_id; /* 0: all that there is */
    const char *actor; /* of the journal: "api:NAME"; NULL for who only reads */
    int64_t at_ms;     /* the wall clock */
};

/* ---- faults: what is wrong with a query or with an object to be written */

struct fault {
    char field[64];     /* as in JSON; "" for the object as a whole: NetBox's "__all__" */
    char sentence[256]; /* UTF-8 */
};
struct faults {
    struct fault *list;
    size_t n;
};
#define FAULTS_MAX 100 /* of one object; what is more is not written down */
/* Every call takes an empty one. */
void faults_free(struct faults *f); /* leaves it empty: for the next object */

/* ---- values */

enum value_type {
    VALUE_NONE, /* was not asked for */
    VALUE_NULL,
    VALUE_BOOL,    /* i */
    VALUE_INT,     /* i */
    VALUE_REAL,    /* real */
    VALUE_TEXT,    /* text, n bytes, and a NUL behind them */
    VALUE_CHOICE,  /* text and label */
    VALUE_JSON,    /* text: n bytes of JSON */
    VALUE_TIME,    /* i: ms since 1970 */
    VALUE_RECORD,  /* record: a brief one */
    VALUE_RECORDS, /* records, n of them, brief */
    VALUE_URL,     /* the api makes it of model and id; likewise VALUE_DISPLAY_URL */
    VALUE_DISPLAY_URL,
};

struct record;
struct value {
    enum value_type type;
    size_t n;
    union {
        int64_t i;
        double real;
        struct {
            const char *text, *label;
        };
        const struct record *record;
        const struct record *const *records;
    };
};

/* Lent until the callback returns (record_get: until record_free). v[k] is of m->fields[k]. */
struct record {
    const struct model *m;
    int64_t id;
    int64_t updated_ms; /* for ETag; always there, in brief ones too */
    int64_t netbox_id;  /* 0: ours */
    const struct value *v;
};

/* ---- reading */

/* One name=value of a URL's query, decoded. Names that the model has no filter for (limit, brief, ...,
 * unknown ones) are passed over. The same name again widens; `tag` again narrows. */
struct record_term {
    const char *name, *value;
};

struct record_query {
    const struct record_term *terms;
    size_t n;
    const char *ordering; /* "name,-created"; NULL or "": the model's own. An unknown name is passed over */
    int64_t limit;        /* at most so many; 0: all of them */
    int64_t offset;
    bool by_id; /* sorted by id, from `start` on */
    int64_t start;
    uint64_t fields; /* model_all(), model_brief(), ... */
};

/* ERR_INPUT with faults: a term's value is not possible (no such choice, no such site). ERR_UNAVAILABLE: the
 * search took longer than RECORD_SEARCH_MS of processor time, and was ended. Other than 0 from fn ends the
 * walk and is what is returned. fn may use the store. */
#define RECORD_SEARCH_MS 2000
typedef int record_fn(const struct record *r, void *ctx);
int record_each(struct store *s, const struct who *w, const struct model *m, const struct record_query *q,
                record_fn *fn, void *ctx, struct faults *f, struct err *e);
int record_count(struct store *s, const struct who *w, const struct model *m, const struct record_query *q,
                 int64_t *ret, struct faults *f, struct err *e); /* limit, offset, start do not count */

/* One object. ERR_NOT_FOUND. fn is called once. */
int record_get(struct store *s, const struct who *w, const struct model *m, int64_t id, uint64_t fields,
               record_fn *fn, void *ctx, struct err *e);
/* The same without reading it: 1, 0 or -1; and what an If-Match is compared with. */
int record_known(struct store *s, const struct who *w, const struct model *m, int64_t id,
                 int64_t *ret_updated_ms, struct err *e);

/* ---- writing */

/* What the caller has to see to after a write. */
struct written {
    int64_t id;
    int64_t netbox_id;         /* of ERR_CONFLICT because it is NetBox's: its number there; else 0 */
    bool has_image;            /* the custom field `image` of a device was written: */
    char image[ASSIGNED_SIZE]; /* assign it (job_assign), or "" for none. It is not stored by this call */
    const char *aim; /* "disk" or "protected": that custom field of a device was given another value, which is
                        for who may assign; else NULL */
};

/* body: an object of fields. ERR_INPUT: faults say what. ERR_REFUSED: it may be seen and not changed by this
 * tenant, or never (a field that is built in). ERR_CONFLICT: it belongs to NetBox (written.netbox_id).
 * ERR_NOT_FOUND.
 *
 * Update: what body does not say stays as it is; `whole` (PUT) asks for the required fields. custom_fields
 * are merged by key; tags are replaced, add_tags and remove_tags change them. `id`, `changelog_message` and
 * read-only fields in body are passed over; an unknown field is a fault, and so is anything but NetBox's
 * empty value in a field that we do not keep. */
int record_create(struct store *s, const struct who *w, const struct model *m, const json_t *body,
                  struct written *ret, struct faults *f, struct err *e);
int record_update(struct store *s, const struct who *w, const struct model *m, int64_t id, const json_t *body,
                  bool whole, struct written *ret, struct faults *f, struct err *e);
/* A device by device_remove. ERR_CONFLICT names some of what refers to it; or it is NetBox's, or protected.
 */
int record_delete(struct store *s, const struct who *w, const struct model *m, int64_t id,
                  struct written *ret, struct err *e);

#endif
