/* Any bytes as YAML: an error with its place, or a tree whose nodes know theirs and whose keys are found. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/yaml.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define DEPTH_MAX 33

static void walk(struct yaml_node *n, int depth)
{
    struct err e = {0};
    if (depth > DEPTH_MAX || yaml_line(n) < 1 || yaml_column(n) < 1)
        abort();
    if ((yaml_text(n) != NULL) != (yaml_type(n) == YAML_SCALAR))
        abort();
    for (size_t i = 0; yaml_type(n) == YAML_SEQ && i < yaml_len(n); i++)
        walk(yaml_at(n, i), depth + 1);
    if (yaml_type(n) != YAML_MAP)
        return;
    /* Nobody has asked for a key yet, so the first is one too many. */
    if (yaml_len(n) && (yaml_no_more(n, &e) == 0 || strncmp(e.text, "f:", 2) != 0))
        abort();
    for (size_t i = 0; i < yaml_len(n); i++) {
        /* A bounded look: the target would be quadratic otherwise. */
        if (i < 64 && yaml_get(n, yaml_key_at(n, i)) != yaml_value_at(n, i))
            abort();
        yaml_key_at(n, i);
        walk(yaml_value_at(n, i), depth + 1);
    }
    if (yaml_no_more(n, NULL))
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct yaml *y = NULL;
    struct err e = {0};
    if (yaml_load_text("f", (const char *)data, size, &y, &e)) {
        if (y || e.kind != ERR_INPUT || strncmp(e.text, "f:", 2) != 0)
            abort();
        return 0;
    }
    walk(yaml_root(y), 0);
    yaml_free(y);
    return 0;
}
