/* disk: what a machine says of its disks, and which of them a job means.
 *
 * A selector's text is `only` (the one disk there is; two are an error), or one of serial=TEXT, wwn=TEXT,
 * by-path=TEXT, size=SIZE (exact), size>=SIZE. It matches exactly one disk or the job fails: never a guess.
 */
#ifndef BASE_DISK_H
#define BASE_DISK_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

struct disk {
    char name[64];    /* kernel's name: vda, nvme0n1 */
    char serial[128]; /* empty if the disk has none */
    char wwn[128];
    char by_path[256]; /* the name below /dev/disk/by-path */
    char model[128];
    uint64_t size; /* bytes */
};

#define DISK_SELECTOR_MAX 300

enum disk_by { DISK_ONLY, DISK_SERIAL, DISK_WWN, DISK_BY_PATH, DISK_SIZE, DISK_SIZE_MIN };

struct disk_selector {
    enum disk_by by;
    char text[256];
    uint64_t size;
};

int disk_selector_parse(const char *s, struct disk_selector *ret, struct err *e); /* NULL or "" is `only` */
char *disk_selector_format(const struct disk_selector *sel, char buf[DISK_SELECTOR_MAX]);
/* The index of the one match. None: ERR_NOT_FOUND; several: ERR_CONFLICT; both sentences list the disks there
 * are. */
int disk_select(const struct disk_selector *sel, const struct disk *disks, size_t n, size_t *ret_i,
                struct err *e);

#endif
