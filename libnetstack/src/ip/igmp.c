/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * igmp.c -- IGMPv3 messages (RFC 3376, 4).
 *
 *   query   0x11: 1 time to answer, tenths of a second | 2 checksum | 4 group
 *   report  0x22: 2 checksum | 6 number of records | 8 records: 0 kind | 2 sources, none | 4 group
 */
#include "ip.h"

#define QUERY		0x11u
#define REPORT		0x22u
#define HEAD		(IPV4_HEAD + 4u)	/* with the router alert option (RFC 2113) */

bool
bx_ip_igmp_report(struct bx_ip *ip, uint8_t interface, const struct bx_net_addr *groups, uint32_t n,
    uint32_t kind, struct bx_net_batch *out)
{
	struct bx_net_addr routers = bx_net_ipv4(224, 0, 0, 22);
	const struct address *own = bx_ip_address_pick(ip, interface, &routers);
	uint32_t length = HEAD + 8 + n * 8;
	struct bx_net_buf *buf = bx_net_batch_add(out, length);
	uint8_t *p;

	if (buf == NULL) {
		ip->stats.no_room_out++;
		return false;
	}
	p = bx_net_bytes(out, buf);
	memset(p, 0, length);
	bx_put_be32(p, 0x46c00000u | length);
	bx_put_be32(p + 4, IPV4_DF);
	bx_put_be32(p + 8, 1u << 24 | PROTOCOL_IGMP << 16);
	if (own != NULL)
		memcpy(p + 12, own->addr.byte + 12, 4);
	memcpy(p + 16, routers.byte + 12, 4);
	bx_put_be32(p + 20, 0x94040000u);
	bx_put_be16(p + 10, bx_net_sum_final(bx_net_sum(p, HEAD, 0)));
	p += HEAD;
	p[0] = REPORT;
	bx_put_be16(p + 6, (uint16_t)n);
	for (uint32_t i = 0; i < n; i++) {
		p[8 + 8 * i] = (uint8_t)kind;
		memcpy(p + 12 + 8 * i, groups[i].byte + 12, 4);
	}
	bx_put_be16(p + 2, bx_net_sum_final(bx_net_sum(p, length - HEAD, 0)));
	buf->kind = BX_NET_IPV4;
	buf->interface = interface;
	buf->destination = routers;
	ip->stats.groups_out++;
	ip->stats.packets_out++;
	return true;
}

/* RFC 3376, 4.1.1: a floating point number from 128 on. */
static uint64_t
tenths(uint32_t code)
{
	return code < 128 ? code : (uint64_t)((code & 15) | 16) << ((code >> 4 & 7) + 3);
}

void
bx_ip_igmp_receive(struct bx_ip *ip, uint64_t now_us, const struct bx_net_batch *packets,
    const struct bx_net_buf *buf)
{
	const uint8_t *p = bx_net_bytes(packets, buf);
	uint32_t code;

	if (buf->length < 8 || bx_net_sum(p, buf->length, 0) != 0xffffu) {
		ip->stats.icmp_bad++;
		return;
	}
	if (p[0] != QUERY || buf->interface >= BX_IP_INTERFACES)
		return;
	ip->stats.groups_in++;
	/* RFC 3376, 7.1 and 7.2.1: version 1 has no time, and means ten seconds. */
	code = p[1] != 0 ? p[1] : 100;
	bx_ip_group_query(ip, now_us, buf->interface, false, tenths(code) * 100000u);
}
