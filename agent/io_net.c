#include "agent/io_net.h"

#include <dirent.h>
#include <errno.h>
#include <net/route.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "agent/sysfs.h"
#include "base/str.h"

int nic_find(const char *sysfs, struct mac mac, char name[IFNAMSIZ], struct err *e)
{
    char path[512], text[64], macs[400] = "";
    snprintf(path, sizeof path, "%s/class/net", sysfs);
    DIR *d = opendir(path);
    bool found = false;
    for (struct dirent *f; d && !found && (f = readdir(d));) {
        struct mac own;
        if (f->d_name[0] == '.' || sysfs_text(text, sizeof text, "%s/%s/address", path, f->d_name) ||
            mac_parse(text, &own, NULL))
            continue;
        found = mac_eq(own, mac) && str_copy(name, IFNAMSIZ, f->d_name);
        size_t n = strlen(macs);
        snprintf(macs + n, sizeof macs - n, " %.15s=%s", f->d_name, text);
    }
    if (d)
        closedir(d);
    if (found)
        return 0;
    return err_set(e, ERR_NOT_FOUND,
                   "no NIC has the MAC address %s; there are:%s (is its driver in the installer?)",
                   mac_format(mac, text), *macs ? macs : " none");
}

static int control(unsigned long request, void *arg)
{
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -1;
    int status = ioctl(fd, request, arg), error = errno;
    close(fd);
    errno = error;
    return status;
}

int nic_up(const char *name, struct err *e)
{
    struct ifreq r = {0};
    str_copy(r.ifr_name, sizeof r.ifr_name, name);
    if (control(SIOCGIFFLAGS, &r))
        return err_errno(e, "%s: flags", name);
    r.ifr_flags |= IFF_UP;
    if (control(SIOCSIFFLAGS, &r))
        return err_errno(e, "%s cannot be brought up", name);
    return 0;
}

bool nic_has_carrier(const char *sysfs, const char *name)
{
    return sysfs_number("%s/class/net/%s/carrier", sysfs, name) == 1;
}

static void put_ip(struct sockaddr *to, struct ip4 ip)
{
    const struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(ip.a)};
    memcpy(to, &a, sizeof a);
}

static int set_ip(const char *name, unsigned long request, struct ip4 ip, struct err *e)
{
    struct ifreq r = {0};
    str_copy(r.ifr_name, sizeof r.ifr_name, name);
    put_ip(&r.ifr_addr, ip);
    if (control(request, &r))
        return err_errno(e, "%s does not take its address", name);
    return 0;
}

static int add_route(char *name, struct ip4 to, struct ip4 mask, struct ip4 by, struct err *e)
{
    struct rtentry route = {.rt_flags =
                                RTF_UP | (by.a ? RTF_GATEWAY : 0) | (mask.a == 0xffffffff ? RTF_HOST : 0),
                            .rt_dev = name};
    put_ip(&route.rt_dst, to);
    put_ip(&route.rt_genmask, mask);
    put_ip(&route.rt_gateway, by);
    if (control(SIOCADDRT, &route) && errno != EEXIST)
        return err_errno(e, "%s: the route is not taken", name);
    return 0;
}

int nic_configure(const char *name, const struct dhcp_answer *a, struct err *e)
{
    char device[IFNAMSIZ];
    const struct ip4 none = {0}, host = {0xffffffff};
    str_copy(device, sizeof device, name);
    if (set_ip(name, SIOCSIFADDR, a->address, e) || set_ip(name, SIOCSIFNETMASK, prefix_mask(a->prefix), e))
        return -1;
    if (!a->router.a)
        return 0;
    /* A router outside our subnet (a /32, as some networks do it) is reached on the link all the same. */
    bool on_link = prefix_has(prefix_of((struct ip4_if){a->address, a->prefix}), a->router);
    if (!on_link && add_route(device, a->router, host, none, e))
        return -1;
    return add_route(device, none, none, a->router, e);
}
