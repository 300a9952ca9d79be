/* The installer's reading of a DHCP answer. */
#include <assert.h>
#include <string.h>

#include "agent/dhcp_codec.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct dhcp_answer a;
    struct mac mac = {{0x52, 0x54, 0, 0, 0, 1}};
    if (dhcp_decode(span_of(data, size), 0x12345678, mac, &a, NULL) || a.type == DHCP_NAK)
        return 0;
    assert(a.address.a && a.server.a && a.prefix >= 1 && a.prefix <= 32);
    assert(a.t1_s < a.t2_s && a.t2_s < a.lease_s);
    return 0;
}
