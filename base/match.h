/* match: regular expressions whose cost is bounded, for patterns that come from outside: time grows with
 * length of pattern times length of text, whatever either is; there is no backtracking.
 *
 * What patterns may say: characters, `.`, `[a-z]`, `[^a-z]`, `\d \w \s` and their capitals, `\` before a sign
 * for the sign itself, `^ $ | ( ) (?: )`, `* + ?` and `{2} {2,} {2,5}` (lazy forms are taken as the others:
 * only whether it matches is told). Characters are UTF-8; upper and lower case are one for ASCII only.
 */
#ifndef BASE_MATCH_H
#define BASE_MATCH_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

struct match;
/* NULL: ERR_INPUT says what is wrong with the pattern, or that it is too long when its {} are written out. */
struct match *match_new(const char *pattern, bool any_case, struct err *e);
/* Anywhere in the text: 1, 0; -1: finding out would take more than MATCH_WORK steps, less than a second of
 * them. */
#define MATCH_WORK (1 << 28)
int match_in(const struct match *m, const char *text, size_t n);
void match_free(struct match *m); /* takes NULL */

#endif
