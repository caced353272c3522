/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * igmp.c -- IGMPv3 messages (RFC 3376, 4), and those of the versions before it (RFC 2236, 2; RFC 1112, appendix I).
 *
 *   query   0x11: 1 time to answer, tenths of a second | 2 checksum | 4 group
 *   report  0x22: 2 checksum | 6 number of records | 8 records: 0 kind | 2 sources, none | 4 group
 *   version 2: report 0x16, leave 0x17; version 1: report 0x12: 2 checksum | 4 group
 */
#include "ip.h"

#define QUERY		0x11u
#define REPORT_1	0x12u
#define REPORT_2	0x16u
#define LEAVE_2		0x17u
#define REPORT_3	0x22u
#define HEAD		(IPV4_HEAD + 4u)	/* with the router alert option (RFC 2113) */
#define TENTH_US	100000u
#define QUERY_OLD	8u			/* RFC 3376, 7.1: the length tells the version */
#define QUERY_3		12u

/* A packet for `to` with room for n bytes of a message, which are zero; NULL: there is none. */
static uint8_t *
message_begin(struct bx_ip *ip, uint8_t interface, const struct bx_net_addr *to, uint32_t n, struct bx_net_batch *out)
{
	const struct address *own = bx_ip_address_pick(ip, interface, to);
	struct bx_net_buf *buf = bx_net_batch_add(out, HEAD + n);
	uint8_t *p;

	if (buf == NULL) {
		ip->stats.no_room_out++;
		return NULL;
	}
	p = bx_net_bytes(out, buf);
	memset(p, 0, HEAD + n);
	bx_put_be32(p, 0x46c00000u | (HEAD + n));
	bx_put_be32(p + 4, IPV4_DF);
	bx_put_be32(p + 8, 1u << 24 | PROTOCOL_IGMP << 16);
	if (own != NULL)
		memcpy(p + 12, own->addr.byte + 12, 4);
	memcpy(p + 16, to->byte + 12, 4);
	bx_put_be32(p + 20, 0x94040000u);
	bx_put_be16(p + 10, bx_net_sum_final(bx_net_sum(p, HEAD, 0)));
	buf->kind = BX_NET_IPV4;
	buf->interface = interface;
	buf->destination = *to;
	ip->stats.groups_out++;
	ip->stats.packets_out++;
	return p + HEAD;
}

bool
bx_ip_igmp_report(struct bx_ip *ip, uint8_t interface, const struct bx_net_addr *groups, uint32_t n,
    uint32_t kind, struct bx_net_batch *out)
{
	const struct bx_net_addr routers = bx_net_ipv4(224, 0, 0, 22);
	uint8_t *p = message_begin(ip, interface, &routers, 8 + n * 8, out);

	if (p == NULL)
		return false;
	p[0] = REPORT_3;
	bx_put_be16(p + 6, (uint16_t)n);
	for (uint32_t i = 0; i < n; i++) {
		p[8 + 8 * i] = (uint8_t)kind;
		memcpy(p + 12 + 8 * i, groups[i].byte + 12, 4);
	}
	bx_put_be16(p + 2, bx_net_sum_final(bx_net_sum(p, 8 + n * 8, 0)));
	return true;
}

bool
bx_ip_igmp_old(struct bx_ip *ip, uint8_t interface, const struct bx_net_addr *group, bool joined,
    enum group_version version, struct bx_net_batch *out)
{
	const struct bx_net_addr routers = bx_net_ipv4(224, 0, 0, 2);
	uint8_t *p;

	/* Version 1 knows no leave. */
	if (!joined && version == GROUP_FIRST)
		return true;
	p = message_begin(ip, interface, joined ? group : &routers, QUERY_OLD, out);
	if (p == NULL)
		return false;
	p[0] = joined ? (version == GROUP_FIRST ? REPORT_1 : REPORT_2) : LEAVE_2;
	memcpy(p + 4, group->byte + 12, 4);
	bx_put_be16(p + 2, bx_net_sum_final(bx_net_sum(p, QUERY_OLD, 0)));
	return true;
}

/* RFC 3376, 4.1.1: a floating point number from 128 on. */
static uint64_t
tenths(uint32_t code)
{
	return code < 128 ? code : (uint64_t)((code & 15) | 16) << ((code >> 4 & 7) + 3);
}

/* RFC 3376, 7.1: which version a query is of; what is of none is passed over. */
static void
query(struct bx_ip *ip, uint64_t now_us, const uint8_t *p, const struct bx_net_buf *buf)
{
	struct bx_net_addr group;

	if (buf->length > QUERY_OLD && buf->length < QUERY_3) {
		ip->stats.icmp_ignored++;
		return;
	}
	ip->stats.groups_in++;
	addr_map(&group, p + 4);
	if (buf->length >= QUERY_3)
		bx_ip_group_query(ip, now_us, buf->interface, false, tenths(p[1]) * TENTH_US);
	else if (p[1] == 0)
		/* Version 1 asks for all groups, and means ten seconds. */
		bx_ip_group_query_old(ip, now_us, buf->interface, NULL, false, GROUP_FIRST, 100 * TENTH_US);
	else
		bx_ip_group_query_old(ip, now_us, buf->interface, bx_net_addr_is_any(&group) ? NULL : &group, false,
		    GROUP_SECOND, (uint64_t)p[1] * TENTH_US);
}

void
bx_ip_igmp_receive(struct bx_ip *ip, uint64_t now_us, const struct bx_net_batch *packets,
    const struct bx_net_buf *buf)
{
	const uint8_t *p = bx_net_bytes(packets, buf);
	struct bx_net_addr group;

	if (buf->length < QUERY_OLD || bx_net_sum(p, buf->length, 0) != 0xffffu) {
		ip->stats.icmp_bad++;
		return;
	}
	if (buf->interface >= BX_IP_INTERFACES)
		return;
	if (p[0] == QUERY) {
		query(ip, now_us, p, buf);
	} else if (p[0] == REPORT_1 || p[0] == REPORT_2) {
		addr_map(&group, p + 4);
		bx_ip_group_heard(ip, now_us, buf->interface, &group);
	}
}
