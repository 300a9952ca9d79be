/* build: one build's state, shared by the two kinds of source. Internal to build.c, build_system.c,
 * build_disk.c. */
#ifndef IMAGEBUILDER_BUILD_H
#define IMAGEBUILDER_BUILD_H

#include "imagebuilder/imagebuilder.h"
#include "imagebuilder/recipe.h"

struct build {
    const struct build_options *o;
    const struct recipe *recipe;
    char *dir;     /* <state_dir>/building/XXXXXX: everything of this build, removed at its end */
    char *raw;     /* the disk that comes into being, in dir */
    char *payload; /* customise.h's folder, in dir */
    char *log;
};

/* What a source does, in order: each step's sentence and its function. Ends with NULL. */
struct build_step {
    const char *what;
    int (*run)(struct build *b, struct err *e);
};
extern const struct build_step build_system_steps[]; /* debootstrap */
extern const struct build_step build_disk_steps[];

#endif
