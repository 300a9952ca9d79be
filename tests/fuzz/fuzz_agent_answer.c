/* The JSON that a server answers the agent with: a job, a claim, a configuration. */
#include "agent/api_codec.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct span s = span_of(data, size);
    struct api_job job;
    struct api_config config;
    char token[AGENT_TOKEN_MAX];
    struct api_wait wait;
    bool known;
    api_job_decode(s, &job, NULL);
    api_claim_decode(s, (struct digest){{0}}, token, NULL);
    api_discover_decode(s, &known, NULL);
    api_wait_decode(s, &wait, NULL);
    if (api_config_decode(s, &config, NULL) == 0)
        api_config_free(&config);
    return 0;
}
