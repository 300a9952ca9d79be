/* log: one event a line on standard error, `level event key=value ...`. Only the shell (io files, main) logs;
 * pure code returns. The one mutable global of the program. Lines are written with one write(2), so that
 * processes do not mix theirs. */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include <stdbool.h>

enum log_level { LOG_LVL_DEBUG, LOG_LVL_INFO, LOG_LVL_WARN, LOG_LVL_ERROR };

/* process: the word in front of each line ("dhcpd"); borrowed, must live for ever. */
void log_setup(const char *process, enum log_level least, bool timestamps);

bool log_level_parse(const char *text, enum log_level *ret); /* "error", "warn", "info" or "debug" */

/* fmt is `event key=value key="a text"`: log_info("dhcp-ack mac=%s address=%s", ...). A value cannot forge
 * another field or line, nor drive a terminal: control bytes and what is not UTF-8 (which would make the
 * system's journal hide the line) are written \xNN, as are spaces, quotation marks and backslashes in a value
 * without quotation marks; within them those two have a backslash in front. printf's conversions of integers,
 * strings, doubles and pointers are known; the width of a string is not heeded. */
void log_debug(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void log_info(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void log_warn(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void log_error(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* Between log_hold(true) and log_hold(false) lines wait, and leave many at once: for a server that handles a
 * batch of packets and logs each. Of the calling thread. */
void log_hold(bool on);

#endif
