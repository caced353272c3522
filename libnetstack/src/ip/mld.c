/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * mld.c -- MLDv2 messages (RFC 3810, 5), which are ICMPv6.
 *
 *   query   130: 4 time to answer, ms | 8 group
 *   report  143: 6 number of records | 8 records: 0 kind | 2 sources, none | 4 group
 */
#include "ip.h"

#define REPORT		143u
#define ALERT_HEAD	8u	/* hop-by-hop header with the router alert option (RFC 2711) */
#define QUERY_BYTES	24u

bool
bx_ip_mld_report(struct bx_ip *ip, uint8_t interface, const struct bx_net_addr *groups, uint32_t n,
    uint32_t kind, struct bx_net_batch *out)
{
	static const uint8_t alert[ALERT_HEAD] = { PROTOCOL_ICMPV6, 0, 5, 2, 0, 0, 1, 0 };
	struct bx_net_addr routers = addr_link_group(22), source = { { 0 } };
	const struct address *own = bx_ip_address_pick(ip, interface, &routers);
	uint32_t length = 8 + n * 20;
	struct bx_net_buf *buf = bx_net_batch_add(out, ALERT_HEAD + length);
	uint8_t *p;

	if (buf == NULL) {
		ip->stats.no_room_out++;
		return false;
	}
	/* RFC 3810, 5.2.13: from the link-local address, or from none while it is under test. */
	if (own != NULL && addr_is_link_local(&own->addr))
		source = own->addr;
	p = bx_net_bytes(out, buf);
	memcpy(p, alert, ALERT_HEAD);
	p += ALERT_HEAD;
	memset(p, 0, length);
	p[0] = REPORT;
	bx_put_be16(p + 6, (uint16_t)n);
	for (uint32_t i = 0; i < n; i++) {
		p[8 + 20 * i] = (uint8_t)kind;
		memcpy(p + 12 + 20 * i, groups[i].byte, 16);
	}
	bx_put_be16(p + 2, bx_net_sum_final(bx_net_sum(p, length,
	    bx_net_sum_pseudo(&source, &routers, PROTOCOL_ICMPV6, length))));
	/* The headroom is ours: nobody has used it yet. */
	bx_ip_ipv6_head(bx_net_push(out, buf, IPV6_HEAD), &source, &routers, 0, 0, ALERT_HEAD + length,
	    PROTOCOL_HOPOPTS, 1);
	buf->kind = BX_NET_IPV6;
	buf->interface = interface;
	buf->source = source;
	buf->destination = routers;
	ip->stats.groups_out++;
	ip->stats.packets_out++;
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
	/* RFC 3810, 6.2: from a router of this link, or not at all. */
	if (buf->length < QUERY_BYTES || !addr_is_link_local(&buf->source) || buf->hop_limit != 1) {
		ip->stats.icmp_ignored++;
		return;
	}
	ip->stats.groups_in++;
	bx_ip_group_query(ip, now_us, buf->interface, true, milliseconds(bx_get_be16(icmp + 4)) * 1000u);
}
