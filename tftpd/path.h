/* path: from the name in a request to a file below the root, and to nothing else. */
#ifndef TFTPD_PATH_H
#define TFTPD_PATH_H

#include "base/err.h"
#include "tftpd/packet.h"

/* Pure. Backslashes become slashes; leading, doubled and trailing slashes and `.` go. ERR_REFUSED: a `..`
 * anywhere (also one that would stay inside), a control byte, nothing left. The result is relative to the
 * root. */
int path_normalise(const char *name, char ret[TFTP_NAME_MAX], struct err *e);

/* Opens a normalised name for reading, below root_fd. The kernel holds the line (openat2, RESOLVE_BENEATH): a
 * symbolic link is followed only while it stays below the root. Where there is no openat2, no link is
 * followed at all. Regular files only. ERR_NOT_FOUND, ERR_REFUSED (leads out, no permission) or ERR_IO. The
 * caller closes *ret_fd. */
int path_open(int root_fd, const char *relative, int *ret_fd, struct err *e);

/* The way without openat2; public for its test. */
int path_open_walk(int root_fd, const char *relative);

#endif
