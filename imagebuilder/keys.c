#include "imagebuilder/keys.h"

#include <stdlib.h>

#include "base/file.h"
#include "base/str.h"

struct key_paths {
    char *dir, *private, *public;
};

static struct key_paths paths_of(const char *state_dir)
{
    return (struct key_paths){
        .dir = xasprintf("%s/keys", state_dir),
        .private = xasprintf("%s/keys/release.key", state_dir),
        .public = xasprintf("%s/keys/release.pub", state_dir),
    };
}

static void paths_free(struct key_paths *k)
{
    free(k->dir);
    free(k->private);
    free(k->public);
}

/* A key that is there is never replaced: machines trust releases by it. */
static int ensure(const struct key_paths *k, struct err *e)
{
    bool private = file_exists(k->private), public = file_exists(k->public);

    if (private && public)
        return 0;
    if (private || public)
        return err_set(e, ERR_INPUT,
                       "%s is there but %s is not: put it back, or move both away for a new signing key",
                       private ? k->private : k->public, private ? k->public : k->private);
    if (dir_make(k->dir, 0700, e) < 0)
        return -1;
    return sign_key_make(k->private, k->public, e);
}

int release_sign(const char *state_dir, struct span data, uint8_t ret[SIGNATURE_SIZE], struct err *e)
{
    struct key_paths k = paths_of(state_dir);
    int rc = ensure(&k, e) < 0 || sign_file_key(k.private, data, ret, e) < 0 ? -1 : 0;

    paths_free(&k);
    return rc;
}

int release_public_key(const char *state_dir, struct str *ret, struct err *e)
{
    struct key_paths k = paths_of(state_dir);
    int rc = ensure(&k, e) < 0 || file_read(k.public, 64 * 1024, ret, e) < 0 ? -1 : 0;

    paths_free(&k);
    return rc;
}
