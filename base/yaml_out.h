/* yaml_out: values written so that YAML reads them as the texts that they are. No library is needed for it.
 */
#ifndef BASE_YAML_OUT_H
#define BASE_YAML_OUT_H

#include "base/str.h"

/* As it is where any reader takes it for that text; else in double quotes: what looks like a number, a date,
 * a truth value or nothing ("no", "1e3", "~", ""), what has blanks at its ends, signs that mean something,
 * line ends, or letters beyond ASCII. A byte that is not UTF-8 becomes U+FFFD. */
void yaml_add(struct str *out, const char *text);
void yaml_add_quoted(struct str *out, const char *text); /* always in quotes */

#endif
