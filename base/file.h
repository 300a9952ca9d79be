/* file: whole files and folders. */
#ifndef BASE_FILE_H
#define BASE_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "base/err.h"
#include "base/str.h"

/* Adds the file's bytes to *ret; ERR_INPUT when it is longer than max. */
int file_read(const char *path, size_t max, struct str *ret, struct err *e);
/* Writes a temporary file beside it, flushes, renames, flushes the folder: the old file or the new one, never
 * half. */
int file_write(const char *path, const void *p, size_t n, mode_t mode, struct err *e);
int file_copy(const char *from, const char *to, mode_t mode,
              struct err *e); /* sparse and reflink where possible; not atomic */
bool file_exists(const char *path);
int dir_make(const char *path, mode_t mode, struct err *e); /* mkdir -p */
int dir_remove(const char *path, struct err *e);            /* rm -r, without following links */
int write_all(int fd, const void *p, size_t n);             /* 0, or -1 with errno */
int pwrite_all(int fd, const void *p, size_t n, off_t at);
ssize_t pread_all(int fd, void *p, size_t n, off_t at); /* bytes read; fewer only at the end */

#endif
