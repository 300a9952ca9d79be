/* plugin: the paths below /api/plugins/rackstrap/: what we have and NetBox has not. */
#include "api/call.h"

const struct route plugin_routes[] = {
    {0},
};
