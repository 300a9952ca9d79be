/* imagebuilder: recipe -> disk image -> release, and the installer that machines boot (netboot). */
#ifndef IMAGEBUILDER_IMAGEBUILDER_H
#define IMAGEBUILDER_IMAGEBUILDER_H

#include "base/err.h"
#include "inventory/image.h"

/* Called as the build goes on, for a person: step is a sentence; done/total 0 when a step has no measure. */
typedef void progress_fn(const char *step, uint64_t done, uint64_t total, void *ctx);

struct build_options {
    const char *state_dir;
    const char *agent_path; /* the static agent, put into the image and the installer */
    const char *actor;
    const char *keep_raw; /* also leave the raw disk here; NULL: do not */
    progress_fn *progress;
    void *ctx;
};

/* Builds, frames and registers a release. On failure nothing is registered and nothing is left behind but the
 * log, which the error names. */
int image_build(struct store *s, const char *recipe_path, const struct build_options *o, struct release *ret,
                struct err *e);
/* Only the framing: a raw disk file becomes a release. For tests, and for images made elsewhere. */
int image_frame(struct store *s, const char *name, const char *raw_path, const struct build_options *o,
                struct release *ret, struct err *e);

/* Writes <state_dir>/netboot/{vmlinuz,initrd.img,local.efi,release.pub} and the loaders
 * <state_dir>/tftp/{undionly.kpxe,ipxe.efi,snponly.efi}. kernel: NULL for the newest installed of Debian's
 * linux-image-amd64. */
int netboot_build(const char *kernel_version, const struct build_options *o, struct err *e);

#endif
