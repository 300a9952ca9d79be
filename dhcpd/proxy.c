#include "dhcpd/proxy.h"

#include "dhcpd/bootfile.h"

#define PORT_SERVER 67
#define PORT_CLIENT 68

/* A BIOS: TFTP, and no firmware that goes by EDK2's rules. */
static bool is_bios(const struct client_row *row)
{
    for (size_t i = 0; i < row->archs_n; i++)
        if (row->archs[i] == 0)
            return row->via == VIA_TFTP;
    return false;
}

static void put_pxe(const struct request *q, struct reply *r)
{
    static const uint8_t boot_the_file[] = {6, 1, 0x08, 0xff}; /* discovery control, bit 3; the end */
    if (q->client->via != VIA_HTTP)
        option_put_text(&r->options, OPT_VENDOR_CLASS, "PXEClient");
    if (is_bios(q->client))
        option_put(&r->options, OPT_VENDOR, span_of(boot_the_file, sizeof boot_the_file));
}

static void start(const struct request *q, struct ip4 server, enum message_type type, struct decision *ret)
{
    ret->reply = (struct reply){.type = type, .broadcast = q->broadcast};
    option_put_u8(&ret->reply.options, OPT_TYPE, (uint8_t)type);
    option_put_ip4s(&ret->reply.options, OPT_SERVER_ID, &server, 1);
    put_pxe(q, &ret->reply);
    ret->source = server;
    ret->answers = true;
}

/* The subnet of its reserved address, where it has one; else any of its link: none gives it an address. */
static const struct dhcpd_subnet *subnet_of(const struct place *p)
{
    return p->has_reserved ? place_subnet(p, p->reserved) : p->on[0];
}

static enum drop offer(const struct dhcpd_config *cfg, const struct request *q, const struct arrival *from,
                       const struct place *p, const struct facts *f, struct decision *ret)
{
    static const struct mac every_nic = {{0xff, 0xff, 0xff, 0xff, 0xff, 0xff}};
    start(q, place_server(from->link, subnet_of(p)), MSG_OFFER, ret);
    bootfile_put(cfg, q, f, ret->source, &ret->reply);
    if (q->client->via == VIA_TFTP && !is_bios(q->client))
        ret->reply.file[0] = '\0';
    if (q->giaddr.a)
        ret->to = (struct destination){.how = SEND_SOCKET, .ip = q->giaddr, .port = PORT_SERVER};
    else /* it has no address, and is offered none here */
        ret->to = (struct destination){
            .how = SEND_FRAME, .mac = every_nic, .ip = {0xffffffff}, .port = PORT_CLIENT};
    return DROP_NONE;
}

/* Only to an address of the subnet, else anyone could have us send to anyone. */
static enum drop explain(const struct dhcpd_config *cfg, const struct request *q, const struct arrival *from,
                         const struct place *p, const struct facts *f, struct decision *ret)
{
    const struct dhcpd_subnet *s = place_subnet(p, q->ciaddr);
    if (!q->ciaddr.a)
        return DROP_NO_CIADDR;
    if (!s)
        return DROP_NO_SUBNET;
    start(q, place_server(from->link, s), MSG_ACK, ret);
    ret->reply.ciaddr = q->ciaddr;
    bootfile_put(cfg, q, f, ret->source, &ret->reply);
    ret->to = (struct destination){.how = SEND_PXE, .ip = q->ciaddr, .port = from->source_port};
    return DROP_NONE;
}

enum drop proxy_answer(const struct dhcpd_config *cfg, const struct request *q, const struct arrival *from,
                       const struct place *p, const struct facts *f, struct decision *ret)
{
    bool asks = q->type == MSG_REQUEST || q->type == MSG_INFORM;
    ret->state = "proxy";
    if (q->client->via == VIA_NOTHING)
        return DROP_NOT_BOOTING;
    if (from->pxe ? !asks : q->type != MSG_DISCOVER)
        return DROP_NOT_PROXYS;
    return from->pxe ? explain(cfg, q, from, p, f, ret) : offer(cfg, q, from, p, f, ret);
}
