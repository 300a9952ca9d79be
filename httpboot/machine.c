/* machine: see machine.h. */
#include "httpboot/machine.h"

#include "inventory/job.h"

void machine_uuid(const char *given, char ret[UUID_STR])
{
    if (machine_normal(given, ret, NULL))
        ret[0] = '\0';
}

enum unknown_policy unknown_policy_of(const struct httpboot_config *cfg, struct ip4 peer)
{
    const struct httpboot_unknown *best = NULL;
    size_t i;

    for (i = 0; i < cfg->unknown_n; i++)
        if (prefix_has(cfg->unknown[i].prefix, peer) &&
            (!best || cfg->unknown[i].prefix.len > best->prefix.len))
            best = &cfg->unknown[i];
    return best ? best->unknown : UNKNOWN_IGNORE;
}
