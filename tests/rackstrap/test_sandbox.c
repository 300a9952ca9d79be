/* The sandbox: each case enters it in a process of its own and tries something there. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <pthread.h>
#include <seccomp.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/file.h"
#include "rackstrap/sandbox_parts.h"

#define NOBODY 65534
static const char *const servers[] = {"dhcpd", "tftpd", "httpboot", "courier", "api"};
#define SERVERS (sizeof servers / sizeof *servers)

static char folder[] = "/tmp/rackstrap-sandbox-XXXXXX";
static char inside[64], outside[64];
static struct sandbox_report *report;

static int make_folder(void **state)
{
    (void)state;
    if (!mkdtemp(folder) || chmod(folder, 0777))
        return -1;
    snprintf(inside, sizeof inside, "%s/state", folder);
    snprintf(outside, sizeof outside, "%s/outside", folder);
    report = sandbox_report_new();
    umask(0);
    return mkdir(inside, 0777) || mkdir(outside, 0777);
}

static int remove_folder(void **state)
{
    (void)state;
    return dir_remove(folder, NULL);
}

/* What probe returns there, or minus the signal that ended it. */
static int in_sandbox(const char *server, int (*probe)(void))
{
    int status;
    pid_t parent = getpid(), pid = fork();
    if (pid == 0) {
        struct sandbox box = {.server = server,
                              .writes = inside,
                              .uid = NOBODY,
                              .gid = NOBODY,
                              .supervisor = parent,
                              .report = report};
        struct err e;
        bool confined;
        if (sandbox_enter(&box, &confined, &e)) {
            fprintf(stderr, "%s\n", e.text);
            _exit(99);
        }
        _exit(probe());
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return WIFSIGNALED(status) ? -WTERMSIG(status) : WEXITSTATUS(status);
}

/* ---- who it is */

static int line_is(const char *text, const char *name, const char *want)
{
    const char *at = strstr(text, name);
    if (at && strncmp(at + strlen(name), want, strlen(want)) == 0)
        return 1;
    fprintf(stderr, "no %s%s in:\n%s", name, want, text);
    return 0;
}

static int is_nobody_at_all(void)
{
    static const char none[] = "\t0000000000000000\n";
    char text[4096];
    struct rlimit core;
    int fd = open("/proc/self/status", O_RDONLY);
    ssize_t n = read(fd, text, sizeof text - 1);
    text[n > 0 ? n : 0] = '\0';
    getrlimit(RLIMIT_CORE, &core);
    return !(line_is(text, "\nUid:", "\t65534\t65534\t65534\t65534\n") &&
             line_is(text, "\nGid:", "\t65534\t65534\t65534\t65534\n") &&
             line_is(text, "\nGroups:", "\t \n") && line_is(text, "\nCapInh:", none) &&
             line_is(text, "\nCapPrm:", none) && line_is(text, "\nCapEff:", none) &&
             line_is(text, "\nCapBnd:", none) && line_is(text, "\nCapAmb:", none) &&
             line_is(text, "\nNoNewPrivs:", "\t1\n") && line_is(text, "\nSeccomp:", "\t2\n") &&
             core.rlim_max == 0);
}

static void root_is_gone(void **state)
{
    (void)state;
    if (geteuid() != 0)
        skip();
    for (size_t i = 0; i < SERVERS; i++)
        assert_int_equal(in_sandbox(servers[i], is_nobody_at_all), 0);
}

/* ---- files */

static int open_in(const char *dir, const char *name, int flags)
{
    char path[96];
    snprintf(path, sizeof path, "%s/%s", dir, name);
    int fd = open(path, flags | O_CLOEXEC, 0666);
    return fd < 0 ? errno : close(fd);
}

static int write_inside(void)
{
    char path[96];
    snprintf(path, sizeof path, "%s/db-wal", inside);
    return open_in(inside, "db-wal", O_RDWR | O_CREAT | O_EXCL) ||
           open_in(inside, "db-wal", O_WRONLY | O_TRUNC) || unlink(path);
}

static int make_outside(void)
{
    return open_in(outside, "new", O_WRONLY | O_CREAT);
}
static int write_outside(void)
{
    return open_in(outside, "old", O_WRONLY);
}
static int truncate_outside(void)
{
    return open_in(outside, "old", O_RDONLY | O_TRUNC);
}
static int remove_outside(void)
{
    char path[96];
    snprintf(path, sizeof path, "%s/old", outside);
    return unlink(path) ? errno : 0;
}
static int read_outside(void)
{
    return open_in(outside, "old", O_RDONLY);
}

/* The folder outside is everybody's, so that it is Landlock and not an owner that refuses. */
static void writes_its_own_folder_only(void **state)
{
    (void)state;
    if (syscall(SYS_landlock_create_ruleset, NULL, 0, 1) < 3)
        skip();
    assert_int_equal(open_in(outside, "old", O_WRONLY | O_CREAT), 0);
    for (size_t i = 0; i < SERVERS; i++) {
        assert_int_equal(in_sandbox(servers[i], write_inside), 0);
        assert_int_equal(in_sandbox(servers[i], read_outside), 0);
        assert_int_equal(in_sandbox(servers[i], make_outside), EACCES);
        assert_int_equal(in_sandbox(servers[i], write_outside), EACCES);
        assert_int_equal(in_sandbox(servers[i], truncate_outside), EACCES);
        assert_int_equal(in_sandbox(servers[i], remove_outside), EACCES);
    }
}

/* ---- calls */

static int do_execve(void)
{
    char *const argv[] = {"/bin/true", NULL};
    return execve(argv[0], argv, argv + 1);
}
static int do_fork(void)
{
    return (int)syscall(SYS_clone, SIGCHLD, NULL, NULL, NULL, NULL);
}
static int do_ptrace(void)
{
    return (int)ptrace(PTRACE_ATTACH, getppid(), NULL, NULL);
}
static int do_kill(void)
{
    return kill(getppid(), 0);
}
static int do_abort_another(void)
{
    return (int)syscall(SYS_tgkill, getppid(), getppid(), SIGABRT);
}
static int do_executable_memory(void)
{
    void *p = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return mprotect(p, 4096, PROT_READ | PROT_EXEC);
}
static int do_own_handler(void)
{
    return signal(SIGSYS, SIG_IGN) == SIG_ERR;
}
static int do_setuid(void)
{
    return (int)syscall(SYS_setuid, 0);
}
static int do_mkdir(void)
{
    return mkdir("x", 0700);
}
static int do_prctl(void)
{
    return prctl(PR_SET_DUMPABLE, 1, 0, 0, 0);
}
static int do_tcp(void)
{
    return socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0) < 0;
}
static int do_udp(void)
{
    return socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0) < 0;
}
static int do_packet(void)
{
    return socket(AF_PACKET, SOCK_RAW, 0) < 0;
}
static int do_unix(void)
{
    return socket(AF_UNIX, SOCK_STREAM, 0) < 0 ? errno : 0;
}
static int do_connect(void)
{
    return connect(0, NULL, 0) ? errno : 0;
}

/* ends: 0 nobody may; else the server that may, all others die. */
static const struct {
    const char *call;
    int (*probe)(void);
    int number;
    const char *may;
} forbidden[] = {
    {"execve", do_execve, SYS_execve, ""},
    {"clone without a thread", do_fork, SYS_clone, ""},
    {"ptrace", do_ptrace, SYS_ptrace, ""},
    {"kill", do_kill, SYS_kill, ""},
    {"tgkill of another", do_abort_another, SYS_tgkill, ""},
    {"mprotect", do_executable_memory, SYS_mprotect, ""},
    {"a handler for SIGSYS", do_own_handler, SYS_rt_sigaction, ""},
    {"setuid", do_setuid, SYS_setuid, ""},
    {"mkdir", do_mkdir, SYS_mkdir, ""},
    {"prctl", do_prctl, SYS_prctl, ""},
    {"a packet socket", do_packet, SYS_socket, ""},
    {"a TCP socket", do_tcp, SYS_socket, "courier"},
    {"a UDP socket", do_udp, SYS_socket, "tftpd courier"},
    {"connect", do_connect, SYS_connect, "tftpd courier"},
};

static void forbidden_calls_end_it(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof forbidden / sizeof *forbidden; i++)
        for (size_t j = 0; j < SERVERS; j++) {
            int want = strstr(forbidden[i].may, servers[j]) ? 0 : -SIGSYS;
            int got = in_sandbox(servers[j], forbidden[i].probe);
            if (want == 0 ? got < 0 : got != want)
                fail_msg("%s in %s: %d", forbidden[i].call, servers[j], got);
            assert_int_equal(report->refused, want ? forbidden[i].number : -1);
        }
}

static int load_code(void)
{
    return mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED ? errno
                                                                                                     : 0;
}

static void what_libraries_try_fails_quietly(void **state)
{
    (void)state;
    for (size_t i = 0; i < SERVERS; i++)
        assert_int_equal(in_sandbox(servers[i], load_code), EPERM);
    assert_int_equal(in_sandbox("courier", do_unix), EACCES);
    assert_int_equal(in_sandbox("dhcpd", do_unix), -SIGSYS);
}

static void *resolve(void *ret)
{
    struct addrinfo *found = NULL;
    *(int *)ret = getaddrinfo("localhost", "80", NULL, &found);
    freeaddrinfo(found);
    return NULL;
}

static int resolve_in_thread(void)
{
    pthread_t t;
    int rc = -1;
    return pthread_create(&t, NULL, resolve, &rc) || pthread_join(t, NULL) || rc;
}

static void courier_resolves_in_a_thread(void **state)
{
    (void)state;
    assert_int_equal(in_sandbox("courier", resolve_in_thread), 0);
    assert_int_not_equal(in_sandbox("dhcpd", resolve_in_thread), 0);
}

static int aborts(void)
{
    abort();
}

/* A failed assertion is to be seen as one. */
static void abort_is_an_abort(void **state)
{
    (void)state;
    for (size_t i = 0; i < SERVERS; i++)
        assert_int_equal(in_sandbox(servers[i], aborts), -SIGABRT);
}

/* A name that is misspelt would forbid the call without a word. */
static void every_name_is_a_call(void **state)
{
    (void)state;
    char name[32], after;
    for (size_t i = 0; i < SERVERS; i++) {
        const struct call_table *t = sandbox_table(servers[i]);
        for (size_t j = 0; j < CALL_SETS_MAX && t->sets[j]; j++) {
            int used = 0;
            for (const char *p = t->sets[j]->plain; sscanf(p, "%31s%n%c", name, &used, &after) >= 1;
                 p += used)
                if (seccomp_syscall_resolve_name(name) == __NR_SCMP_ERROR)
                    fail_msg("%s: there is no call \"%s\"", servers[i], name);
            for (const struct call_rule *r = t->sets[j]->checked; r->name; r++)
                if (seccomp_syscall_resolve_name(r->name) == __NR_SCMP_ERROR)
                    fail_msg("%s: there is no call \"%s\"", servers[i], r->name);
        }
    }
    assert_null(sandbox_table("nobody"));
}

static void calls_have_names(void **state)
{
    (void)state;
    char buf[SANDBOX_CALL_STR], want[SANDBOX_CALL_STR];
    snprintf(want, sizeof want, "execve (%d)", SYS_execve);
    assert_string_equal(sandbox_call_name(SYS_execve, buf), want);
    assert_string_equal(sandbox_call_name(99999, buf), "unknown (99999)");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(root_is_gone),
        cmocka_unit_test(writes_its_own_folder_only),
        cmocka_unit_test(forbidden_calls_end_it),
        cmocka_unit_test(what_libraries_try_fails_quietly),
        cmocka_unit_test(courier_resolves_in_a_thread),
        cmocka_unit_test(abort_is_an_abort),
        cmocka_unit_test(every_name_is_a_call),
        cmocka_unit_test(calls_have_names),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
