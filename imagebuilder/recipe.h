/* recipe: what an image is made of, as a person writes it in YAML. Read whole and checked before anything is
 * done; every error is FILE:LINE:COLUMN. Keys: README.md of this folder. Texts live as long as the recipe. */
#ifndef IMAGEBUILDER_RECIPE_H
#define IMAGEBUILDER_RECIPE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/yaml.h"

struct texts {
    const char **s;
    size_t n;
};

struct recipe_file {
    const char *path;    /* in the image, absolute */
    const char *content; /* or, when NULL: */
    char *from;          /* a file or folder here */
    bool from_folder;
    const char *mode;  /* octal; NULL: 0644, or that of `from` */
    const char *owner; /* NULL: root:root */
};
struct recipe_user {
    const char *name;
    struct texts ssh_keys, groups;
    bool sudo;
};
struct recipe_script {
    const char *run; /* or, when NULL: */
    char *file;      /* a file here */
};

struct recipe {
    char name[64];
    /* one of the two sources */
    const char *suite, *mirror; /* Debian by mmdebstrap; mirror NULL: Debian's own */
    struct texts components;
    char *disk;            /* a path or an http(s) URL */
    const char *algorithm; /* "sha256", "sha512" */
    const char *hash;      /* hex */
    const char *format;    /* "qcow2", "raw"; NULL: whatever the disk's first bytes say */
    uint64_t size;         /* bytes; 0 (disk only): as it is */
    const char *kernel;    /* package */
    struct texts packages, kernel_args;
    struct recipe_file *files;
    size_t files_n;
    struct recipe_user *users;
    size_t users_n;
    struct recipe_script *scripts;
    size_t scripts_n;
    struct yaml *yaml;
};

int recipe_load(const char *path, struct recipe **ret, struct err *e);
void recipe_free(struct recipe *r); /* takes NULL */

#endif
