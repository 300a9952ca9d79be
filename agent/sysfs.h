/* sysfs: small files of the kernel's. */
#ifndef AGENT_SYSFS_H
#define AGENT_SYSFS_H

#include <stddef.h>
#include <stdint.h>

/* The file's text without blanks at its ends, unprintable bytes made '?'; 0, or -1 and an empty buf. */
int sysfs_text(char *buf, size_t size, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
/* The file's decimal number, 0 when it has none. */
uint64_t sysfs_number(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

#endif
