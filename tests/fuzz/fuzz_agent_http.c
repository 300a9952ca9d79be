/* The agent's reading of an HTTP answer's head. */
#include <assert.h>

#include "agent/http_codec.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct http_head h;
    int n = http_head_parse(span_of(data, size), &h, NULL);
    assert(n <= (int)size && n <= (int)HTTP_HEAD_MAX);
    if (n > 0) {
        assert(h.status >= 100 && h.status <= 599);
        assert(!h.has_range || (h.from <= h.to && h.to < h.total));
    }
    return 0;
}
