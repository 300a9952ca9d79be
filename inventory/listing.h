/* listing: pages of what there is beside NetBox's objects, for the API: images, releases, jobs, assignments,
 * the journal. A page is numbers of rows; each kind's own function reads the row (image.h, job.h, device.h,
 * journal.h).
 *
 * An assignment has its device's number: a device has one, or none.
 */
#ifndef INVENTORY_LISTING_H
#define INVENTORY_LISTING_H

#include "inventory/image.h"
#include "inventory/job.h"
#include "inventory/journal.h"

enum listing_kind { LISTING_IMAGES, LISTING_RELEASES, LISTING_JOBS, LISTING_ASSIGNMENTS, LISTING_EVENTS };

/* What a row may be chosen by. A kind that has no such thing does not ask. */
enum listing_filter {
    LISTING_ID,
    LISTING_DEVICE_ID,
    LISTING_DEVICE, /* its name */
    LISTING_IMAGE,  /* its name; of an assignment also name@version */
    LISTING_STATE,  /* a job's; of an assignment its device's */
    LISTING_KEY,    /* a release's digest, a job's uuid, an entry's MAC address */
    LISTING_WORD,   /* a release's version, an entry's event */
    LISTING_ACTOR,  /* an entry's */
    LISTING_FILTERS
};

struct listing {
    int64_t
        tenant_id; /* 0: all; else what is of this tenant's devices; images and releases are everybody's */
    const char *any[LISTING_FILTERS]; /* JSON arrays, any of whose values will do; NULL: whatever it is */
    int64_t since_ms, until_ms;       /* made within, both included; 0: not bounded */
    int64_t after_id, before_id;      /* numbers between, neither included; 0: not bounded */
};

int listing_count(struct store *s, enum listing_kind kind, const struct listing *l, int64_t *ret,
                  struct err *e);

struct listing_page {
    int64_t limit, offset;
    int64_t from_id;  /* numbers from this one on */
    bool by_name;     /* in the order of the name, of the device's name; else of the numbers */
    bool from_behind; /* the other way round */
};
/* The numbers of that page, at most p->limit; ids has room for them. */
int listing_page(struct store *s, enum listing_kind kind, const struct listing *l,
                 const struct listing_page *p, int64_t *ids, size_t *ret_n, struct err *e);

struct image {
    int64_t id;
    char name[NAME_SIZE];
    int64_t releases;          /* how many */
    int64_t assigned;          /* to how many devices, of the tenant or of all */
    int64_t newest_release_id; /* 0: none was built */
};
/* ERR_NOT_FOUND. */
int image_get(struct store *s, int64_t id, int64_t tenant_id, struct image *ret, struct err *e);
int release_get(struct store *s, int64_t id, struct release *ret, struct err *e);
/* On how many devices it was written last, of the tenant or of all. */
int release_devices(struct store *s, int64_t id, int64_t tenant_id, int64_t *ret, struct err *e);
int job_by_id(struct store *s, int64_t id, struct job *ret, struct err *e);

/* The MAC addresses of these devices in rising order, as numbers (mac_to_u64): for what is kept by MAC
 * address elsewhere. NULL, NULL and 0: all. Free *ret. */
int listing_macs(struct store *s, int64_t tenant_id, const char *device_ids, const char *devices,
                 uint64_t **ret, size_t *ret_n, struct err *e);

#endif
