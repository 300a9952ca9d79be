/* sandbox_files: Landlock, through its three system calls: glibc has no names for them, and Debian 12's
 * headers know less than newer kernels do. */
#include <errno.h>
#include <fcntl.h>
#include <linux/landlock.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "rackstrap/sandbox_parts.h"

/* What an ABI of the kernel added; an older one refuses bits that it does not know. */
#define FS_REFER            (1ULL << 13) /* 2 */
#define FS_TRUNCATE         (1ULL << 14) /* 3 */
#define NET_BIND_TCP        (1ULL << 0)  /* 4 */
#define NET_CONNECT_TCP     (1ULL << 1)
#define FS_IOCTL_DEV        (1ULL << 15) /* 5 */
#define SCOPE_ABSTRACT_UNIX (1ULL << 0)  /* 6 */
#define SCOPE_SIGNAL        (1ULL << 1)
#define FS_STORE                                                                                             \
    (LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_MAKE_REG | LANDLOCK_ACCESS_FS_REMOVE_FILE)

struct ruleset { /* landlock_ruleset_attr of ABI 6 */
    uint64_t fs, net, scoped;
};

static const struct {
    uint64_t fs, net, net_inward, scoped;
} since[] = {
    [1] = {.fs = FS_STORE | LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_REMOVE_DIR |
                 LANDLOCK_ACCESS_FS_MAKE_CHAR | LANDLOCK_ACCESS_FS_MAKE_DIR | LANDLOCK_ACCESS_FS_MAKE_SOCK |
                 LANDLOCK_ACCESS_FS_MAKE_FIFO | LANDLOCK_ACCESS_FS_MAKE_BLOCK | LANDLOCK_ACCESS_FS_MAKE_SYM},
    [2] = {.fs = FS_REFER},
    [3] = {.fs = FS_TRUNCATE},
    [4] = {.net = NET_BIND_TCP, .net_inward = NET_CONNECT_TCP},
    [5] = {.fs = FS_IOCTL_DEV},
    [6] = {.scoped = SCOPE_ABSTRACT_UNIX | SCOPE_SIGNAL},
};
#define ABI_KNOWN (long)(sizeof since / sizeof *since - 1)

/* All that this kernel can forbid. */
static struct ruleset all_of(long abi, bool outward)
{
    struct ruleset r = {0};
    for (long i = 1; i <= abi && i <= ABI_KNOWN; i++) {
        r.fs |= since[i].fs;
        r.net |= since[i].net | (outward ? 0 : since[i].net_inward);
        r.scoped |= since[i].scoped;
    }
    return r;
}

static size_t size_of(long abi)
{
    return abi < 4 ? sizeof(uint64_t) : abi < 6 ? 2 * sizeof(uint64_t) : sizeof(struct ruleset);
}

static int allow_store(int ruleset, uint64_t handled, const char *folder, struct err *e)
{
    struct landlock_path_beneath_attr rule = {.allowed_access = handled & (FS_STORE | FS_TRUNCATE)};
    rule.parent_fd = open(folder, O_PATH | O_CLOEXEC | O_DIRECTORY);
    if (rule.parent_fd < 0)
        return err_errno(e, "%s", folder);
    int rc = syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, &rule, 0)
                 ? err_errno(e, "cannot allow writing below %s (Landlock)", folder)
                 : 0;
    close(rule.parent_fd);
    return rc;
}

int sandbox_files(const char *writes, bool outward, struct err *e)
{
    long abi = syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
    if (abi < 1) /* ENOSYS: not built in; EOPNOTSUPP: switched off at boot */
        return 0;
    struct ruleset handled = all_of(abi, outward);
    int ruleset = (int)syscall(SYS_landlock_create_ruleset, &handled, size_of(abi), 0);
    if (ruleset < 0)
        return err_errno(e, "no Landlock ruleset");
    int rc = allow_store(ruleset, handled.fs, writes, e);
    if (rc == 0 && syscall(SYS_landlock_restrict_self, ruleset, 0))
        rc = err_errno(e, "cannot confine the process (Landlock)");
    close(ruleset);
    return rc ? -1 : 1;
}
