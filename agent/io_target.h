/* io_target: the disk being written: a block device, or a file that stands in for one. */
#ifndef AGENT_IO_TARGET_H
#define AGENT_IO_TARGET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "agent/io_disks.h"

struct target {
    char path[512];
    int fd;
    bool block;
    uint64_t size;
};

/* A block device is opened for us alone (O_EXCL). ERR_CONFLICT: somebody else has it. ERR_INPUT: its sectors
 * are not of 512 bytes. */
int target_open(const char *path, struct target *ret, struct err *e);
void target_close(struct target *t);

int target_read(const struct target *t, void *p, size_t n, uint64_t at, struct err *e);
int target_write(const struct target *t, const void *p, size_t n, uint64_t at, struct err *e);
/* Zeros, without writing where there are zeros already. *wrote is increased by the bytes that were not. */
int target_zero(const struct target *t, uint64_t from, uint64_t to, uint64_t *wrote, struct err *e);
int target_flush(const struct target *t, struct err *e);
/* Forgets what is cached of the range, so that the next read asks the disk. */
void target_forget(const struct target *t, uint64_t from, uint64_t len);
/* Starts writing back, so that the flush at the end is short. Only a hint. */
void target_push(const struct target *t, uint64_t from, uint64_t len);
/* Makes the kernel read the partition table again. Only a hint. */
void target_reread(const struct target *t);

/* Blanks what makes an old system recognisable: both ends of each old partition and of the disk. The first
 * MiB gets a marker in its last sector that names the job: nothing boots from there. Flushed before it
 * returns. */
int target_wipe(const struct target *t, const struct byte_range *parts, size_t n, const char *job,
                struct err *e);

bool is_zero(const void *p, size_t n);

#endif
