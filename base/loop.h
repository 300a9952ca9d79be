/* loop: waits for time, signals and file descriptors, and calls back. A thin coat over libevent: one loop a
 * thread.
 *
 * Life cycle: loop_new, watches (watch_timer, watch_signal, watch_fd), loop_run until loop_stop, watch_free
 * for each watch, loop_free. Callbacks run inside loop_run only; a callback may make, arm and free any watch,
 * its own too.
 */
#ifndef BASE_LOOP_H
#define BASE_LOOP_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

struct loop;
struct loop *loop_new(void);    /* aborts when the system gives none: out of memory or of descriptors */
void loop_free(struct loop *l); /* takes NULL */
int loop_run(struct loop *l,
             struct err *e);    /* returns 0 after loop_stop, or when nothing is left to wait for */
void loop_stop(struct loop *l); /* also before loop_run, which then returns at once */

struct watch;
typedef void watch_fn(void *ctx);

/* Calls fn once when the time is up; watch_arm sets it (anew), watch_disarm stops it. Made idle. */
struct watch *watch_timer(struct loop *l, watch_fn *fn, void *ctx);
void watch_arm(struct watch *w, uint32_t ms);
void watch_disarm(struct watch *w);

/* Calls fn each time the signal comes; as an ordinary callback, so anything may be done in it. */
struct watch *watch_signal(struct loop *l, int signo, watch_fn *fn, void *ctx);

/* Calls fn as long as fd is readable (writable); the fd stays the caller's. Free the watch before closing it.
 */
enum { WATCH_READ = 1, WATCH_WRITE = 2 };
typedef void watch_fd_fn(int fd, unsigned what, void *ctx);
struct watch *watch_fd(struct loop *l, int fd, unsigned what, watch_fd_fn *fn, void *ctx);

void watch_free(struct watch *w); /* takes NULL */

#endif
