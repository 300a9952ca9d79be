/* log: one event a line on standard error, `level event key=value ...`. Only the shell (io files, main) logs;
 * pure code returns. The one mutable global of the program. Lines are written with one write(2), so that
 * processes do not mix theirs. */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include <stdbool.h>

enum log_level { LOG_LVL_DEBUG, LOG_LVL_INFO, LOG_LVL_WARN, LOG_LVL_ERROR };

/* process: the word in front of each line ("dhcpd"); borrowed, must live for ever. */
void log_setup(const char *process, enum log_level least, bool timestamps);

/* fmt is `event key=value key="a text"`: log_info("dhcp-ack mac=%s address=%s", ...). Control bytes are
 * escaped. */
void log_debug(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void log_info(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void log_warn(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void log_error(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

#endif
