/* An agent's JSON body, as each of the six kinds, and as facts to be kept. */
#include <stdlib.h>
#include <string.h>

#include "httpboot/agentjson.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct span body = span_of(data, size);
    struct agent_hello hello = {0};
    struct agent_claim claim = {0};
    struct agent_progress progress = {0};
    struct agent_written written = {0};
    struct agent_failed failed = {0};
    static struct agent_enrol enrol;
    struct str facts = {0};

    if (agent_hello_parse(body, &hello, NULL) == 0 && agent_facts(body, 2048, &facts, NULL) == 0 &&
        facts.len >= 2048)
        abort();
    agent_claim_parse(body, &claim, NULL);
    if (agent_progress_parse(body, &progress, NULL) == 0 && progress.done > progress.total)
        abort();
    agent_written_parse(body, &written, NULL);
    if (agent_failed_parse(body, &failed, NULL) == 0 && strchr(failed.detail, '\n'))
        abort();
    agent_enrol_parse(body, &enrol, NULL);
    str_free(&facts);
    return 0;
}
