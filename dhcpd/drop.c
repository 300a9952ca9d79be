#include "dhcpd/drop.h"

#include <stdio.h>

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

const char *drop_text(enum drop d, const struct drop_origin *from, char buf[DROP_TEXT])
{
    char relay[IP4_STR], link[IP4_STR];
    ip4_format(from->giaddr, relay);
    ip4_format(from->link_selection, link);
    snprintf(buf, DROP_TEXT, "%s%s%s%s%s", drop_sentence(d), from->giaddr.a ? ": relay (giaddr) " : "",
             from->giaddr.a ? relay : "", from->link_selection.a ? ", link selection " : "",
             from->link_selection.a ? link : "");
    return buf;
}
