/* err: why a call failed.
 *
 * Functions that can fail return 0 or -1 and take a last `struct err *`. On -1 the struct holds a kind for
 * the caller and a sentence for the person; on 0 it is untouched. Passing NULL is allowed and drops the
 * reason. The sentence says what was wrong, where, and what to do; it has no trailing newline and no "Error:"
 * in front.
 */
#ifndef BASE_ERR_H
#define BASE_ERR_H

enum err_kind {
    ERR_NONE = 0,
    ERR_INPUT,       /* what we were given is wrong: a file, an option, a request (exit code 2) */
    ERR_NOT_FOUND,   /* the thing named does not exist */
    ERR_CONFLICT,    /* it exists already, or is in a state that forbids this */
    ERR_REFUSED,     /* allowed in principle, refused here: protected device, bad token, too many devices */
    ERR_IO,          /* the system failed us: disk, socket, permission */
    ERR_CORRUPT,     /* bytes that do not have the hash or shape they must have */
    ERR_UNAVAILABLE, /* a peer is down or slow; trying again later may help */
};

struct err {
    enum err_kind kind;
    char text[640];
};

/* Sets *e (if e) and returns -1, so that `return err_set(...)` reads well. */
int err_set(struct err *e, enum err_kind kind, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

/* As err_set with ERR_IO, and ": <strerror(errno)>" appended. */
int err_errno(struct err *e, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* Puts "<text>: " in front of the sentence that *e holds; keeps the kind. Returns -1. */
int err_prefix(struct err *e, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

#endif
