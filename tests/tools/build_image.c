/* build_image: the image builder without the rest of the program. Prints the release, or what was written for
 * the installer.
 *
 *     build_image STATE_DIR AGENT image RECIPE [KEEP_RAW]
 *     build_image STATE_DIR AGENT netboot [KERNEL_VERSION] */
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "imagebuilder/imagebuilder.h"

static int64_t began;

/* Each step once, with the time at which it began; a step that counts is shown only at its end. */
static void show(const char *step, uint64_t done, uint64_t total, void *ctx)
{
    (void)ctx;
    if (total == 0)
        printf("%7.1f s  %s\n", (double)(now_ms() - began) / 1000, step);
    else if (done == total)
        printf("%7.1f s  %s: %llu MiB done\n", (double)(now_ms() - began) / 1000, step,
               (unsigned long long)(total >> 20));
    fflush(stdout);
}

static int build(const struct build_options *o, const char *recipe, struct err *e)
{
    struct store *s = NULL;
    struct release r;
    int rc = store_open(o->state_dir, &s, e);

    if (rc == 0)
        rc = image_build(s, recipe, o, &r, e);
    if (rc == 0)
        printf("%7.1f s  %s %s %s: disk %llu MiB, data %llu MiB, pack %llu MiB\n",
               (double)(now_ms() - began) / 1000, r.image, r.version, r.digest,
               (unsigned long long)(r.disk_size >> 20), (unsigned long long)(r.data_size >> 20),
               (unsigned long long)(r.pack_size >> 20));
    store_close(s);
    return rc;
}

int main(int argc, char **argv)
{
    struct err e = {0};
    int rc = -1;

    if (argc < 4 || (strcmp(argv[3], "netboot") && (strcmp(argv[3], "image") || argc < 5))) {
        fprintf(stderr, "usage: build_image STATE_DIR AGENT image RECIPE [KEEP_RAW] | build_image STATE_DIR "
                        "AGENT netboot [KERNEL]\n");
        return 2;
    }
    const struct build_options o = {
        .state_dir = argv[1],
        .agent_path = argv[2],
        .actor = "build_image",
        .keep_raw = argc > 5 ? argv[5] : NULL,
        .progress = show,
    };
    began = now_ms();
    if (dir_make(argv[1], 0755, &e) == 0)
        rc = strcmp(argv[3], "netboot") == 0 ? netboot_build(argc > 4 ? argv[4] : NULL, &o, &e)
                                             : build(&o, argv[4], &e);
    if (rc < 0)
        fprintf(stderr, "build_image: %s\n", e.text);
    else
        printf("%7.1f s  done\n", (double)(now_ms() - began) / 1000);
    return rc < 0 ? 1 : 0;
}
