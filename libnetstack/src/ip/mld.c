/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * mld.c -- MLDv2 messages (RFC 3810, 5), and those of version 1 (RFC 2710, 3); all are ICMPv6.
 *
 *   query   130: 4 time to answer, ms | 8 group
 *   report  143: 6 number of records | 8 records: 0 kind | 2 sources, none | 4 group
 *   version 1: report 131, done 132: 8 group
 */
#include "ip.h"

#define REPORT_1	131u
#define DONE_1		132u
#define REPORT_2	143u
#define ALERT_HEAD	8u	/* hop-by-hop header with the router alert option (RFC 2711) */
#define OLD_BYTES	24u	/* RFC 3810, 8.1: the length of a query tells the version */
#define QUERY_BYTES	28u

/* A packet with room for n bytes of a message, which are zero; NULL: there is none.  It is as it was in the batch. */
static struct bx_net_buf *
message_begin(struct bx_ip *ip, uint32_t n, struct bx_net_batch *out)
{
	static const uint8_t alert[ALERT_HEAD] = { PROTOCOL_ICMPV6, 0, 5, 2, 0, 0, 1, 0 };
	struct bx_net_buf *buf = bx_net_batch_add(out, ALERT_HEAD + n);
	uint8_t *p;

	if (buf == NULL) {
		ip->stats.no_room_out++;
		return NULL;
	}
	p = bx_net_bytes(out, buf);
	memcpy(p, alert, ALERT_HEAD);
	memset(p + ALERT_HEAD, 0, n);
	return buf;
}

/* Its sum, its header, and where it goes. */
static void
message_end(struct bx_ip *ip, uint8_t interface, const struct bx_net_addr *to, struct bx_net_buf *buf,
    struct bx_net_batch *out)
{
	const struct bx_net_addr link = addr_link_group(1);
	const struct address *own = bx_ip_address_pick(ip, interface, &link);
	uint8_t *p = bx_net_bytes(out, buf) + ALERT_HEAD;
	uint32_t n = buf->length - ALERT_HEAD;
	struct bx_net_addr source = { { 0 } };

	/* RFC 3810, 5.2.13: from the link-local address, or from none while it is under test. */
	if (own != NULL && addr_is_link_local(&own->addr))
		source = own->addr;
	bx_put_be16(p + 2, bx_net_sum_final(bx_net_sum(p, n, bx_net_sum_pseudo(&source, to, PROTOCOL_ICMPV6, n))));
	/* The headroom is ours: nobody has used it yet. */
	bx_ip_ipv6_head(bx_net_push(out, buf, IPV6_HEAD), &source, to, 0, 0, ALERT_HEAD + n, PROTOCOL_HOPOPTS, 1);
	buf->kind = BX_NET_IPV6;
	buf->interface = interface;
	buf->source = source;
	buf->destination = *to;
	ip->stats.groups_out++;
	ip->stats.packets_out++;
}

bool
bx_ip_mld_report(struct bx_ip *ip, uint8_t interface, const struct bx_net_addr *groups, uint32_t n,
    uint32_t kind, struct bx_net_batch *out)
{
	const struct bx_net_addr routers = addr_link_group(22);
	struct bx_net_buf *buf = message_begin(ip, 8 + n * 20, out);
	uint8_t *p;

	if (buf == NULL)
		return false;
	p = bx_net_bytes(out, buf) + ALERT_HEAD;
	p[0] = REPORT_2;
	bx_put_be16(p + 6, (uint16_t)n);
	for (uint32_t i = 0; i < n; i++) {
		p[8 + 20 * i] = (uint8_t)kind;
		memcpy(p + 12 + 20 * i, groups[i].byte, 16);
	}
	message_end(ip, interface, &routers, buf, out);
	return true;
}

bool
bx_ip_mld_old(struct bx_ip *ip, uint8_t interface, const struct bx_net_addr *group, bool joined, struct bx_net_batch *out)
{
	const struct bx_net_addr routers = addr_link_group(2);
	struct bx_net_buf *buf = message_begin(ip, OLD_BYTES, out);
	uint8_t *p;

	if (buf == NULL)
		return false;
	p = bx_net_bytes(out, buf) + ALERT_HEAD;
	p[0] = joined ? REPORT_1 : DONE_1;
	memcpy(p + 8, group->byte, 16);
	message_end(ip, interface, joined ? group : &routers, buf, out);
	return true;
}

/* RFC 3810, 5.1.3: a floating point number from 32768 on. */
static uint64_t
milliseconds(uint32_t code)
{
	return code < 32768 ? code : (uint64_t)((code & 0xfff) | 0x1000) << ((code >> 12 & 7) + 3);
}

void
bx_ip_mld_receive(struct bx_ip *ip, uint64_t now_us, const uint8_t *icmp, const struct bx_net_buf *buf)
{
	struct bx_net_addr group;
	uint32_t time;

	/* RFC 3810, 6.2: from a router of this link, or not at all; so are reports of others (RFC 2710, 4). */
	if (buf->length < OLD_BYTES || !addr_is_link_local(&buf->source) || buf->hop_limit != 1 ||
	    (buf->length > OLD_BYTES && buf->length < QUERY_BYTES)) {
		ip->stats.icmp_ignored++;
		return;
	}
	ip->stats.groups_in++;
	group = addr_from(icmp + 8);
	time = bx_get_be16(icmp + 4);
	if (icmp[0] == REPORT_1)
		bx_ip_group_heard(ip, now_us, buf->interface, &group);
	else if (buf->length == OLD_BYTES)
		bx_ip_group_query_old(ip, now_us, buf->interface, bx_net_addr_is_any(&group) ? NULL : &group, true,
		    GROUP_SECOND, (uint64_t)time * 1000u);
	else
		bx_ip_group_query(ip, now_us, buf->interface, true, milliseconds(time) * 1000u);
}
