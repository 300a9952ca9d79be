/* sandbox_table: the system calls of each server. A server that needs another one gets a row here; which one
 * it was, the log says (`rackstrap/README.md`).
 *
 * Nobody may execute a program, make code of data (PROT_EXEC), trace or signal another process, mount, load
 * or change whom it runs as. Only tftpd and courier make sockets, of their kind.
 */
#include <errno.h>
#include <linux/sockios.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>

#include "rackstrap/sandbox_parts.h"

#define SOCKET_TYPE 0xf /* the other bits are SOCK_NONBLOCK and SOCK_CLOEXEC */

/* A row: the call, and what its arguments (by number, from 0) have to be. */
#define ALLOW(call, ...)                                                                                     \
    {                                                                                                        \
        .name = (call), .args = { __VA_ARGS__ }                                                              \
    }
#define REFUSE(error, call, ...)                                                                             \
    {                                                                                                        \
        .name = (call), .refuse = (error), .args = { __VA_ARGS__ }                                           \
    }
#define EQUAL(number, v)                                                                                     \
    {                                                                                                        \
        .when = IF_EQUAL, .arg = (number), .value = (v)                                                      \
    }
#define SELF(number)                                                                                         \
    {                                                                                                        \
        .when = IF_SELF, .arg = (number)                                                                     \
    }
#define OTHER(number, v)                                                                                     \
    {                                                                                                        \
        .when = IF_OTHER, .arg = (number), .value = (v)                                                      \
    }
#define MASKED(number, m, v)                                                                                 \
    {                                                                                                        \
        .when = IF_MASKED, .arg = (number), .mask = (m), .value = (v)                                        \
    }

/* Memory, an end, time, waiting: what any process of libc and libevent does. tgkill is abort()'s. */
static const struct call_set common = {
    "brk mremap munmap madvise futex getrandom exit exit_group restart_syscall "
    "rt_sigprocmask rt_sigreturn sigaltstack getpid gettid getppid getuid geteuid getgid getegid "
    "getrlimit setrlimit getrusage uname sysinfo sched_yield sched_getaffinity getcpu rseq set_robust_list "
    "clock_gettime clock_getres clock_nanosleep nanosleep gettimeofday time "
    "timerfd_create timerfd_settime timerfd_gettime "
    "epoll_create epoll_create1 epoll_ctl epoll_wait epoll_pwait epoll_pwait2 poll ppoll select pselect6 "
    "eventfd2 pipe pipe2",
    {
        ALLOW("mmap", MASKED(2, PROT_EXEC, 0)),
        /* A plug-in of libcrypto or of name resolution: not loaded, and done without. */
        REFUSE(EPERM, "mmap", MASKED(2, PROT_EXEC, PROT_EXEC)),
        ALLOW("mprotect", MASKED(2, PROT_EXEC, 0)),
        ALLOW("rt_sigaction", OTHER(0, SIGSYS)),
        ALLOW("prlimit64", EQUAL(0, 0)), /* of itself */
        ALLOW("tgkill", SELF(0), EQUAL(2, SIGABRT)),
    }};

/* Files, as the store (SQLite with a write-ahead log: locks by fcntl, shared memory by mmap, fchmod and
 * fchown so that the log has the mode and, under root in a test, the owner of its database) and the servers
 * use them. Where they may be written is not decided here but by sandbox_files.c. */
static const struct call_set files = {
    "open openat openat2 close close_range read readv pread64 preadv preadv2 write writev pwrite64 pwritev "
    "pwritev2 lseek stat fstat lstat newfstatat statx statfs fstatfs access faccessat faccessat2 "
    "readlink readlinkat getcwd getdents64 fcntl flock dup dup2 dup3 fsync fdatasync sync_file_range msync "
    "ftruncate fallocate fadvise64 readahead unlink unlinkat fchmod fchown",
    {
        ALLOW("ioctl", EQUAL(1, FIONREAD)), ALLOW("ioctl", EQUAL(1, FIONBIO)),
        ALLOW("ioctl", EQUAL(1, TCGETS)), /* isatty */
    }};

/* Sockets that are there already. */
static const struct call_set sockets = {"recvfrom recvmsg recvmmsg sendto sendmsg sendmmsg getsockopt "
                                        "setsockopt shutdown getsockname getpeername",
                                        {{.name = NULL}}};

/* libpcap asks whether the interface is still up when its socket reports an error. */
static const struct call_set capture = {"", {ALLOW("ioctl", EQUAL(1, SIOCGIFFLAGS))}};

/* A UDP socket for each transfer, and one to learn the way's MTU. */
static const struct call_set transfers = {
    "bind connect", {ALLOW("socket", EQUAL(0, AF_INET), MASKED(1, SOCKET_TYPE, SOCK_DGRAM))}};

static const struct call_set serving = {"accept accept4 sendfile", {{.name = NULL}}};

/* libcurl: TCP and name resolution, which runs in a thread and asks by UDP and netlink; a pair of sockets
 * wakes the loop. */
static const struct call_set calling = {
    "bind connect sched_getparam sched_getscheduler",
    {
        ALLOW("socket", EQUAL(0, AF_INET)), ALLOW("socket", EQUAL(0, AF_INET6)),
        ALLOW("socket", EQUAL(0, AF_NETLINK)), ALLOW("socketpair", EQUAL(0, AF_UNIX)),
        REFUSE(EACCES, "socket", EQUAL(0, AF_UNIX)), /* nscd's */
    }};

/* A thread, and no process. clone3's flags lie in memory, where no filter sees them; without it glibc takes
 * clone. */
static const struct call_set threads = {"",
                                        {
                                            REFUSE(ENOSYS, "clone3"),
                                            ALLOW("clone", MASKED(0, CLONE_THREAD, CLONE_THREAD)),
                                        }};

static const struct call_table tables[] = {
    {"dhcpd", .threads = true, .sets = {&common, &files, &sockets, &capture, &threads}},
    {"tftpd", .sets = {&common, &files, &sockets, &transfers}},
    {"httpboot", .sets = {&common, &files, &sockets, &serving}},
    {"api", .sets = {&common, &files, &sockets, &serving}},
    {"courier", .outward = true, .threads = true, .sets = {&common, &files, &sockets, &calling, &threads}},
};

const struct call_table *sandbox_table(const char *server)
{
    for (size_t i = 0; i < sizeof tables / sizeof *tables; i++)
        if (strcmp(tables[i].server, server) == 0)
            return &tables[i];
    return NULL;
}
