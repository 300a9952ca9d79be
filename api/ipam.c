/* ipam: the addresses of a prefix that nobody has: listed, and taken. */
#include "api/call.h"

const struct route ipam_routes[] = {
    {0},
};
