#include "dhcpd/io_neighbours.h"

#include <pcap/pcap.h>
#include <stdlib.h>

#include "base/str.h"
#include "dhcpd/frame.h"
#include "dhcpd/io_link.h"
#include "dhcpd/servers.h"

#define SNAPLEN        1600
#define CAPTURE_BUFFER (1 << 20)
#define READ_MAX       256

struct io_neighbours {
    const struct link *link;
    pcap_t *capture;
    const struct neighbours_sink *sink; /* while reading */
};

/* An ARP probe is answered to us alone; who probes for the same address broadcasts, and sends from 0.0.0.0.
 */
static char *filter_text(const struct link *link, bool arp)
{
    char mac[MAC_STR];
    struct str s = {0};
    str_add(&s, "((ip broadcast or ip dst 255.255.255.255) and udp src port 67 and udp dst port 68)");
    if (arp)
        str_addf(&s, " or (arp and (ether dst %s or arp[14:4] = 0))", mac_format(link->mac, mac));
    return str_take(&s);
}

static int set_filter(struct io_neighbours *n, bool arp, struct err *e)
{
    struct bpf_program program;
    uint8_t len = n->link->addresses[0].len;
    char *text = filter_text(n->link, arp);
    int r = pcap_compile(n->capture, &program, text, 1, __builtin_bswap32(prefix_mask(len).a));
    free(text);
    if (r == 0) {
        r = pcap_setfilter(n->capture, &program);
        pcap_freecode(&program);
    }
    return r == 0 ? 0
                  : err_set(e, ERR_IO, "dhcp: no capture filter for the neighbours on %s: %s", n->link->name,
                            pcap_geterr(n->capture));
}

static int open_capture(struct io_neighbours *n, bool arp, struct err *e)
{
    char text[PCAP_ERRBUF_SIZE] = "";
    const char *name = n->link->name;
    n->capture = pcap_create(name, text);
    if (!n->capture)
        return err_set(e, ERR_IO, "dhcp: no capture on %s: %s", name, text);
    pcap_set_snaplen(n->capture, SNAPLEN);
    pcap_set_promisc(n->capture, 0);
    pcap_set_immediate_mode(n->capture, 1);
    pcap_set_buffer_size(n->capture, CAPTURE_BUFFER);
    int r = pcap_activate(n->capture);
    if (r < 0)
        return err_set(e, ERR_IO, "dhcp: no capture on %s: %s (%s)", name, pcap_statustostr(r),
                       pcap_geterr(n->capture));
    if (pcap_setdirection(n->capture, PCAP_D_IN) || pcap_setnonblock(n->capture, 1, text) < 0)
        return err_set(e, ERR_IO, "dhcp: capture on %s: %s %s", name, pcap_geterr(n->capture), text);
    io_link_ignore_own(n->capture);
    return set_filter(n, arp, e);
}

int io_neighbours_open(const struct link *link, bool arp, struct io_neighbours **ret, struct err *e)
{
    struct io_neighbours *n = xcalloc(1, sizeof *n);
    n->link = link;
    if (open_capture(n, arp, e)) {
        io_neighbours_close(n);
        return -1;
    }
    *ret = n;
    return 0;
}

void io_neighbours_close(struct io_neighbours *n)
{
    if (!n)
        return;
    if (n->capture)
        pcap_close(n->capture);
    free(n);
}

int io_neighbours_fd(const struct io_neighbours *n)
{
    return pcap_get_selectable_fd(n->capture);
}

static void on_frame(u_char *ctx, const struct pcap_pkthdr *h, const u_char *bytes)
{
    struct io_neighbours *n = (void *)ctx;
    struct span frame = span_of(bytes, h->caplen);
    struct udp_frame f;
    struct arp a;
    struct ip4 id;
    enum message_type type;
    if (arp_decode(frame, &a))
        n->sink->arp(n->sink->ctx, n->link, &a);
    else if (frame_decode(frame, &f) == DROP_NONE && servers_parse(f.payload, &type, &id))
        n->sink->server(n->sink->ctx, n->link, id, f.src);
}

int io_neighbours_read(struct io_neighbours *n, const struct neighbours_sink *to, struct err *e)
{
    n->sink = to;
    if (pcap_dispatch(n->capture, READ_MAX, on_frame, (u_char *)n) == PCAP_ERROR)
        return err_set(e, ERR_IO, "dhcp: capture on %s: %s", n->link->name, pcap_geterr(n->capture));
    return 0;
}

int io_neighbours_ask(struct io_neighbours *n, struct ip4 ip)
{
    uint8_t buf[ARP_FRAME];
    struct writer w = writer_of(buf, sizeof buf);
    arp_encode_probe(n->link->mac, ip, &w);
    return pcap_inject(n->capture, buf, sizeof buf) < 0 ? -1 : 0;
}
