#include "lab/net.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/proc.h"

/* No spanning tree and no snooping: they would hold back a machine's first packets. The bridge has a MAC of
 * its own, since it would else take over that of a tap, and change it as taps come. */
void lab_net_plan(const struct lab *l, struct str *ret)
{
    char address[PREFIX_STR];
    str_add(ret, "link set lo up\n");
    str_add(ret, "link add " LAB_BRIDGE " address 52:54:00:fe:00:01 type bridge stp_state 0 forward_delay 0 "
                 "mcast_snooping 0\n");
    str_addf(ret, "address add %s dev " LAB_BRIDGE "\n", ip4_if_format(l->o.bridge, address));
    str_add(ret, "link set " LAB_BRIDGE " up\n");
    for (size_t i = 0; i < l->o.hosts; i++) {
        const char *tap = l->hosts[i].tap;
        str_addf(ret, "tuntap add dev %s mode tap\n", tap);
        str_addf(ret, "link set %s master " LAB_BRIDGE "\n", tap);
        str_addf(ret, "link set %s up\n", tap);
    }
}

bool lab_net_exists(const char *name)
{
    char ns[LAB_NAMESPACE_SIZE], path[64];
    snprintf(path, sizeof path, "/run/netns/%s", lab_namespace(name, ns));
    return file_exists(path);
}

int lab_net_up(const struct lab *l, struct err *e)
{
    char ns[LAB_NAMESPACE_SIZE], batch[LAB_FILE_SIZE];
    struct str plan = {0}, out = {0};
    lab_namespace(l->o.name, ns);
    lab_path(l, NULL, "net.batch", batch);
    lab_net_plan(l, &plan);
    int rc = proc_run((const char *const[]){"ip", "netns", "add", ns, NULL}, NULL, &out, e);
    if (rc == 0)
        rc = file_write(batch, plan.s, plan.len, 0600, e);
    if (rc == 0)
        rc = proc_run((const char *const[]){"ip", "-n", ns, "-batch", batch, NULL}, NULL, &out, e);
    unlink(batch);
    str_free(&plan);
    str_free(&out);
    return rc < 0 ? err_prefix(e, "cannot make the network of lab %s", l->o.name) : 0;
}

int lab_net_down(const char *name, struct err *e)
{
    char ns[LAB_NAMESPACE_SIZE];
    struct str out = {0};
    if (!lab_net_exists(name))
        return 0;
    int rc =
        proc_run((const char *const[]){"ip", "netns", "del", lab_namespace(name, ns), NULL}, NULL, &out, e);
    str_free(&out);
    return rc < 0 ? err_prefix(e, "cannot remove the namespace of lab %s", name) : 0;
}

static void process_name(long pid, char buf[32])
{
    char path[64];
    struct str comm = {0};
    snprintf(path, sizeof path, "/proc/%ld/comm", pid);
    if (file_read(path, 4096, &comm, NULL) < 0)
        str_add(&comm, "gone");
    comm.s[strcspn(comm.s, "\n")] = '\0';
    str_copy(buf, 32, comm.s);
    str_free(&comm);
}

void lab_net_processes(const char *name, char *buf, size_t size)
{
    char ns[LAB_NAMESPACE_SIZE], comm[32];
    struct str out = {0}, list = {0};
    buf[0] = '\0';
    if (!lab_net_exists(name) ||
        proc_run((const char *const[]){"ip", "netns", "pids", lab_namespace(name, ns), NULL}, NULL, &out,
                 NULL) < 0 ||
        !out.s)
        goto out;
    for (char *p = out.s, *end; *p; p = end) {
        long pid = strtol(p, &end, 10);
        if (end == p)
            break;
        process_name(pid, comm);
        str_addf(&list, "%s%ld (%s)", list.len ? ", " : "", pid, comm);
        end += strspn(end, "\n");
    }
    if (list.s)
        str_copy(buf, size, list.s);
out:
    str_free(&out);
    str_free(&list);
}
