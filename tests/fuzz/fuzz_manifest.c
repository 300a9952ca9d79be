/* What decodes must encode to the same bytes: there is one manifest for one disk. */
#include <assert.h>
#include <string.h>

#include "base/manifest.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct manifest m;
    struct err e;
    struct str again = {0};

    if (manifest_decode(span_of(data, n), &m, &e) < 0)
        return 0;
    manifest_encode(&m, &again);
    assert(again.len == n && memcmp(again.s, data, n) == 0);
    str_free(&again);
    manifest_free(&m);
    return 0;
}
