#include "rackstrap/ready.h"

#include <errno.h>
#include <limits.h>
#include <net/if.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/str.h"
#include "rackstrap/args.h"

/* ---- the user */

static struct passwd *find_user(const struct config *c, bool *ret_named, struct err *e)
{
    const char *name = c->user[0] ? c->user : "rackstrap";
    struct passwd *pw = getpwnam(name);
    *ret_named = pw || c->user[0];
    if (!*ret_named)
        pw = getpwnam("nobody");
    if (!pw)
        err_set(e, ERR_INPUT,
                "the user \"%s\" does not exist; make it (useradd --system %s) or set another `user:` in %s",
                name, name, c->path);
    return pw;
}

int ready_user(const struct config *c, struct server_user *ret, bool *ret_named, struct err *e)
{
    struct passwd *pw = find_user(c, ret_named, e);
    if (!pw)
        return -1;
    if (pw->pw_uid == 0)
        return err_set(e, ERR_INPUT,
                       "the servers face machines and do not run as %s; set another `user:` in %s",
                       pw->pw_name, c->path);
    if (geteuid() == 0) {
        *ret = (struct server_user){.uid = pw->pw_uid, .gid = pw->pw_gid};
        str_copy(ret->name, sizeof ret->name, pw->pw_name);
        return 0;
    }
    const struct passwd *own = getpwuid(geteuid());
    *ret = (struct server_user){.uid = geteuid(), .gid = getegid()};
    str_copy(ret->name, sizeof ret->name, own ? own->pw_name : "that you are");
    return 0;
}

/* ---- the interfaces */

static int find_interfaces(const struct config *c, const char (*names)[16], size_t n, struct err *e)
{
    for (size_t i = 0; i < n; i++)
        if (!if_nametoindex(names[i]))
            return err_set(
                e, ERR_NOT_FOUND,
                "there is no interface \"%s\", which %s names; `ip link` shows those that there are",
                names[i], c->path);
    return 0;
}

int ready_interfaces(const struct config *c, bool dhcpd, bool tftpd, struct err *e)
{
    return (dhcpd && find_interfaces(c, c->dhcp.interfaces, c->dhcp.interfaces_n, e)) ||
                   (tftpd && find_interfaces(c, c->tftp.interfaces, c->tftp.interfaces_n, e))
               ? -1
               : 0;
}

/* ---- the folders */

/* The bits of the mode that are this user's. He has no other groups: the sandbox takes them. */
static unsigned bits_of(const struct stat *st, const struct server_user *u)
{
    unsigned shift = st->st_uid == u->uid ? 6 : st->st_gid == u->gid ? 3 : 0;
    return (st->st_mode >> shift) & 7;
}

/* A folder with an access list says more than its mode; it is not judged. */
static bool is_closed(const char *folder, const struct server_user *u)
{
    struct stat st;
    return stat(folder, &st) == 0 && S_ISDIR(st.st_mode) && !(bits_of(&st, u) & 1) &&
           getxattr(folder, "system.posix_acl_access", NULL, 0) < 0;
}

/* Each folder on the way to path, which is absolute and has no links in it, path too; but not the one that
 * `serve` gives to the user. */
static int walk_to(const char *path, const char *given, const struct server_user *u, struct err *e)
{
    char folder[PATH_MAX];
    for (size_t n = strcspn(path + 1, "/") + 1;; n += strcspn(path + n + 1, "/") + 1) {
        memcpy(folder, path, n);
        folder[n] = '\0';
        if (strcmp(folder, given) != 0 && is_closed(folder, u))
            return err_set(e, ERR_INPUT,
                           "the user %s, which the servers run as, cannot enter %s, which is on the way to "
                           "%s; let it in (chmod o+x %s), or use another folder",
                           u->name, folder, path, folder);
        if (!path[n])
            return 0;
    }
}

/* What is not there is another question's to find. */
static int can_come_to(const char *path, const char *state_dir, const struct server_user *u, struct err *e)
{
    char *real = realpath(path, NULL), *given = realpath(state_dir, NULL);
    int rc = real ? walk_to(real, given ? given : "", u, e) : 0;
    free(real);
    free(given);
    return rc;
}

int ready_state_dir(const struct config *c, const struct server_user *u, struct err *e)
{
    if (check_state_dir(c, e) || can_come_to(c->state_dir, c->state_dir, u, e))
        return -1;
    if (access(c->state_dir, W_OK | X_OK) == 0)
        return 0;
    if (errno == EACCES && geteuid() != 0)
        return err_set(e, ERR_REFUSED,
                       "you may not write in the state_dir %s; run this as root, or as its owner",
                       c->state_dir);
    return err_errno(e, "cannot write in the state_dir %s, which %s names", c->state_dir, c->path);
}

int ready_tftp_root(const struct config *c, const struct server_user *u, struct err *e)
{
    struct stat st;
    if (!c->has_tftp)
        return 0;
    if (can_come_to(c->tftp.root, c->state_dir, u, e))
        return -1;
    if (stat(c->tftp.root, &st) == 0)
        return S_ISDIR(st.st_mode)
                   ? 0
                   : err_set(e, ERR_INPUT, "the TFTP folder %s is not a folder; set tftp.root in %s",
                             c->tftp.root, c->path);
    if (errno != ENOENT)
        return errno == EACCES ? 0 : err_errno(e, "the TFTP folder %s", c->tftp.root);
    return err_set(e, ERR_NOT_FOUND,
                   "the TFTP folder %s is not there; `rackstrap netboot build` makes it, with the loaders",
                   c->tftp.root);
}
