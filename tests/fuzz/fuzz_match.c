/* A regular expression (up to the first newline) and a text (what follows): whatever both are, an answer
 * comes soon; and a pattern that is refused says why. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/match.h"
#include "base/str.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const uint8_t *line = size ? memchr(data, '\n', size) : NULL;
    size_t n = line ? (size_t)(line - data) : size;
    char *pattern = xcalloc(1, n + 1);
    if (n > 0) {
        memcpy(pattern, data, n);
    }
    for (int any_case = 0; any_case < 2; any_case++) {
        struct err e = {0};
        struct match *m = match_new(pattern, any_case, &e);
        if (!m && e.kind != ERR_INPUT) {
            abort();
        }
        if (m && line) {
            (void)match_in(m, (const char *)line + 1, size - n - 1);
        }
        match_free(m);
    }
    free(pattern);
    return 0;
}
