/* customise: a recipe's files, users and scripts, and what every image gets from us, as one payload: a folder
 * that is put into the image as /var/tmp/rackstrap-build, and whose script `run` does the rest inside, by
 * chroot here or in libguestfs's appliance. So both kinds of source are customised by the same bytes, and a
 * file of the recipe can never lead out of the image by a link in it. */
#ifndef IMAGEBUILDER_CUSTOMISE_H
#define IMAGEBUILDER_CUSTOMISE_H

#include "base/str.h"
#include "imagebuilder/recipe.h"

#define PAYLOAD_DIR "/var/tmp/rackstrap-build"

struct customise {
    const struct recipe *recipe;
    const char *agent_path;
    const char *root_uuid, *efi_id; /* for fstab; NULL for a disk that has its own */
};

/* The text of `run`. Pure. */
void customise_script(const struct customise *c, struct str *ret);
/* Writes the payload into dir, which exists: overlay.tar, run, script-1, ...; dir/overlay is removed again.
 */
int customise_payload(const struct customise *c, const char *dir, const char *log, struct err *e);
/* Each text in quotes that a POSIX shell takes literally. */
void shell_quote(struct str *ret, const char *s);
void kernel_args_text(const struct recipe *r, struct str *ret);

#endif
