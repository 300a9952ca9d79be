/* The JSON that a server answers the agent with: a job, a claim, a configuration. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "agent/api_codec.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void job(struct span s)
{
    struct api_job j;
    char uuid[UUID_STR];
    if (api_job_decode(s, &j, NULL))
        return;
    assert(strcasecmp(uuid_format(j.uuid, uuid), j.job) == 0);
    assert(strnlen(j.device, sizeof j.device) < sizeof j.device &&
           strnlen(j.image, sizeof j.image) < sizeof j.image);
    assert(strnlen(j.selector, sizeof j.selector) < sizeof j.selector);
}

static void config(struct span s)
{
    struct api_config c;
    if (api_config_decode(s, &c, NULL))
        return;
    assert(c.hostname && c.fqdn && *c.hostname);
    for (size_t i = 0; i < c.n_keys; i++)
        assert(c.authorized_keys[i]);
    assert(!c.salt.wanted || (c.salt.id && c.salt.master && c.salt.master_port && c.salt.publish_port));
    api_config_free(&c);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct span s = span_of(data, size);
    struct api_wait wait;
    char token[AGENT_TOKEN_MAX];
    bool known;
    job(s);
    config(s);
    if (api_claim_decode(s, (struct digest){{0}}, token, NULL) == 0)
        assert(strnlen(token, sizeof token) < sizeof token);
    if (api_wait_decode(s, &wait, NULL) == 0)
        assert(wait.place >= 1 && wait.place <= wait.of && wait.seconds >= -1);
    api_discover_decode(s, &known, NULL);
    return 0;
}
