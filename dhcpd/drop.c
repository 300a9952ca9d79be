#include "dhcpd/drop.h"

static const struct {
    const char *name, *sentence;
} rows[DROP_COUNT] = {
#define X(constant, name_, sentence_) [constant] = {.name = name_, .sentence = sentence_},
    DROP_TABLE(X)
#undef X
};

const char *drop_name(enum drop d)
{
    return rows[d].name;
}

const char *drop_sentence(enum drop d)
{
    return rows[d].sentence;
}
