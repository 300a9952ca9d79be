/* frame STATE_DIR NAME RAW: makes a release of a raw disk and registers it, without building a system. Prints
 * its digest. */
#include <stdio.h>

#include "imagebuilder/imagebuilder.h"

static void quiet(const char *step, uint64_t done, uint64_t total, void *ctx)
{
    (void)step;
    (void)done;
    (void)total;
    (void)ctx;
}

int main(int argc, char **argv)
{
    struct store *s = NULL;
    struct release r;
    struct err e = {0};
    int rc = -1;
    if (argc != 4) {
        fprintf(stderr, "usage: frame STATE_DIR NAME RAW\n");
        return 2;
    }
    const struct build_options o = {.state_dir = argv[1], .actor = "frame", .progress = quiet};
    if (store_open(argv[1], &s, &e) == 0 && image_frame(s, argv[2], argv[3], &o, &r, &e) == 0) {
        printf("%s\n", r.digest);
        rc = 0;
    } else {
        fprintf(stderr, "frame: %s\n", e.text);
    }
    store_close(s);
    return rc == 0 ? 0 : 1;
}
