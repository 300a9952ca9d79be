/* net: the lab's namespace: a bridge and a tap for each machine, made by ip(8). */
#ifndef LAB_NET_H
#define LAB_NET_H

#include "base/str.h"
#include "lab/lab.h"

/* What `ip -batch` is to do inside the namespace, one command a line. Pure. */
void lab_net_plan(const struct lab *l, struct str *ret);

bool lab_net_exists(const char *name); /* the lab's name */
int lab_net_up(const struct lab *l, struct err *e);
int lab_net_down(const char *name, struct err *e);
/* Who runs in the namespace: "1234 (bash), 1240 (rackstrap)"; "" for nobody. */
void lab_net_processes(const char *name, char *buf, size_t size);

#endif
