#include "base/proc.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

/* In the child, after fork: only async-signal-safe calls. */
static void run_child(const char *const argv[], int out, int die_with_parent, int tell)
{
    if (die_with_parent)
        prctl(PR_SET_PDEATHSIG, SIGTERM);
    if (out >= 0 && (dup2(out, STDOUT_FILENO) < 0 || dup2(out, STDERR_FILENO) < 0))
        _exit(126);
    int null = open("/dev/null", O_RDONLY);
    if (null > STDIN_FILENO) {
        dup2(null, STDIN_FILENO);
        close(null);
    }
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    execvp(argv[0], (char *const *)argv);
    int code = errno;
    if (write(tell, &code, sizeof code) < 0)
        _exit(127);
    _exit(127);
}

/* Forks and execs; reports a failed exec here, through a pipe that a successful exec closes. */
static int spawn(const char *const argv[], int out, int die_with_parent, pid_t *ret_pid, struct err *e)
{
    int tell[2];
    if (pipe2(tell, O_CLOEXEC))
        return err_errno(e, "cannot make a pipe");
    pid_t pid = fork();
    if (pid < 0) {
        err_errno(e, "cannot start %s", argv[0]);
        close(tell[0]);
        close(tell[1]);
        return -1;
    }
    if (pid == 0)
        run_child(argv, out, die_with_parent, tell[1]);
    close(tell[1]);
    int code;
    ssize_t n;
    while ((n = read(tell[0], &code, sizeof code)) < 0 && errno == EINTR)
        ;
    close(tell[0]);
    if (n == (ssize_t)sizeof code) {
        while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
            ;
        errno = code;
        return err_errno(e, "cannot run %s (is its package installed?)", argv[0]);
    }
    *ret_pid = pid;
    return 0;
}

static int open_log(const char *path, struct err *e)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (fd < 0)
        err_errno(e, "cannot write the log %s", path);
    return fd;
}

int proc_start(const char *const argv[], const char *log_path, int die_with_parent, pid_t *ret_pid,
               struct err *e)
{
    int out = log_path ? open_log(log_path, e) : -1;
    if (log_path && out < 0)
        return -1;
    int rc = spawn(argv, out, die_with_parent, ret_pid, e);
    if (out >= 0)
        close(out);
    return rc;
}

/* The last lines of what a program said, for an error's sentence. */
static const char *last_lines(const struct str *s)
{
    if (!s->len)
        return "(it said nothing)";
    size_t from = s->len > 300 ? s->len - 300 : 0;
    const char *cut = from ? strchr(s->s + from, '\n') : NULL;
    return cut && cut[1] ? cut + 1 : s->s + from;
}

static void read_tail(const char *log_path, struct str *ret)
{
    char buf[600];
    int fd = open(log_path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return;
    off_t end = lseek(fd, 0, SEEK_END);
    ssize_t n = pread(fd, buf, sizeof buf, end > (off_t)sizeof buf ? end - (off_t)sizeof buf : 0);
    if (n > 0)
        str_addn(ret, buf, (size_t)n);
    close(fd);
}

static int judge(const char *name, int status, const struct str *said, const char *log_path, struct err *e)
{
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
        return 0;
    struct str tail = {0};
    if (log_path)
        read_tail(log_path, &tail);
    else if (said->len)
        str_addn(&tail, said->s, said->len);
    while (tail.len && tail.s[tail.len - 1] == '\n')
        tail.s[--tail.len] = '\0';
    bool killed = WIFSIGNALED(status);
    err_set(e, ERR_IO, "%s %s %d: %s", name, killed ? "was killed by signal" : "ended with status",
            killed ? WTERMSIG(status) : WEXITSTATUS(status), last_lines(&tail));
    str_free(&tail);
    return -1;
}

int proc_run(const char *const argv[], const char *log_path, struct str *ret_out, struct err *e)
{
    int out = -1, in = -1, status, rc = -1;
    struct str said = {0};
    if (log_path) {
        out = open_log(log_path, e);
        if (out < 0)
            return -1;
    } else if (ret_out) {
        int p[2];
        if (pipe2(p, O_CLOEXEC))
            return err_errno(e, "cannot make a pipe");
        in = p[0];
        out = p[1];
    }
    pid_t pid;
    if (spawn(argv, out, 0, &pid, e))
        goto out;
    if (out >= 0)
        close(out);
    out = -1;
    char buf[4096];
    ssize_t n;
    while (in >= 0 && ((n = read(in, buf, sizeof buf)) > 0 || (n < 0 && errno == EINTR)))
        if (n > 0)
            str_addn(&said, buf, (size_t)n);
    while (waitpid(pid, &status, 0) < 0)
        if (errno != EINTR) {
            err_errno(e, "cannot wait for %s", argv[0]);
            goto out;
        }
    rc = judge(argv[0], status, &said, log_path, e);
    if (ret_out && said.len)
        str_addn(ret_out, said.s, said.len);
out:
    if (in >= 0)
        close(in);
    if (out >= 0)
        close(out);
    str_free(&said);
    return rc;
}
