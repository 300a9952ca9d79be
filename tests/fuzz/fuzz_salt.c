/* Whatever answers as salt-api: every parser on the same bytes, and the decision on what they give. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "enrol/salt_request.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct span body = span_of(data, size);
    struct salt_token token;
    struct salt_keys keys;
    bool answered;
    struct err e;

    salt_change_parse(body, &e);
    salt_ping_parse(body, "hv-01", &answered, &e);
    if (salt_login_parse(body, &token, &e) == 0 && strpbrk(token.text, "\r\n ")) {
        abort();
    }
    if (salt_keys_parse(body, "hv-01", &keys, &e) == 0) {
        enum salt_need need = salt_decide(&keys, "POSTED", false);

        if (need == NEED_ACCEPT && !salt_key_eq(keys.of[SALT_PENDING].pem, "POSTED")) {
            abort();
        }
        salt_key_eq(keys.of[SALT_ACCEPTED].pem, keys.of[SALT_PENDING].pem);
    }
    return 0;
}
