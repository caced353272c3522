/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * ipv4_in.c -- IPv4 packets that came up (RFC 791, 3.1; RFC 1122, 3.2.1).
 *
 *   0 version 4, header length in words | 1 traffic class | 2 total length
 *   4 identification | 6 flags, fragment offset | 8 hop limit | 9 protocol | 10 checksum
 *   12 source | 16 destination | 20 options
 */
#include "ip.h"

#define OPTION_END		0u
#define OPTION_NOP		1u
#define OPTION_LSRR		131u
#define OPTION_SSRR		137u

/* Walks the options; false if one does not follow the format, or asks for source routing, which a host
 * with no forwarding refuses (RFC 1122, 3.2.1.8; RFC 7126, 4.3).  The others have nothing to say to a host. */
static bool
options_are_good(struct bx_ip *ip, const uint8_t *options, uint32_t length)
{
	uint32_t at = 0;

	while (at < length && options[at] != OPTION_END) {
		uint32_t size;

		if (options[at] == OPTION_NOP) {
			at++;
			continue;
		}
		if (length - at < 2 || options[at + 1] < 2 || options[at + 1] > length - at) {
			ip->stats.bad_option++;
			return false;
		}
		size = options[at + 1];
		if (options[at] == OPTION_LSRR || options[at] == OPTION_SSRR) {
			ip->stats.source_routed++;
			return false;
		}
		at += size;
	}
	return true;
}

/* Sources that no packet from a wire may have (RFC 1122, 3.2.1.3).  A host that asks all for an address has none
 * yet (RFC 2131, 4.1). */
static bool
source_is_bad(const struct bx_ip *ip, const struct bx_net_addr *source, const struct bx_net_addr *destination)
{
	uint32_t address = bx_get_be32(source->byte + 12);

	if (address == 0 && bx_get_be32(destination->byte + 12) == 0xffffffffu)
		return false;
	if (source->byte[12] == 127 || source->byte[12] == 0 || source->byte[12] >= 224)
		return true;
	for (uint32_t i = 0; i < ip->address_count; i++) {
		if (ip->addresses[i].broadcast == address || ip->addresses[i].ipv4 == address)
			return true;
	}
	return false;
}

/*
 * Whether a packet to this destination is taken up.  A broadcast destination of IP must have come as one of the
 * link, and a unicast one must not (RFC 1122, 3.3.6).
 */
static bool
is_for_us(const struct bx_ip *ip, const struct bx_net_buf *buf, const struct bx_net_addr *destination)
{
	bool group_frame = (buf->flags & (BX_NET_F_BROADCAST | BX_NET_F_MULTICAST)) != 0;

	if (bx_ip_is_own(ip, destination))
		return !group_frame;
	if (bx_ip_is_broadcast(ip, bx_get_be32(destination->byte + 12)))
		return (buf->flags & BX_NET_F_BROADCAST) != 0;
	return group_frame && bx_net_addr_is_group(destination) && buf->interface < BX_IP_INTERFACES &&
	    bx_ip_group_has(ip, buf->interface, destination);
}

/* The length of the header, if it is one; 0 if the packet ends here (counted).  Trims link padding. */
static uint32_t
header_check(struct bx_ip *ip, const uint8_t *p, struct bx_net_buf *buf)
{
	uint32_t head, total;

	if (buf->length < IPV4_HEAD) {
		ip->stats.bad_length++;
		return 0;
	}
	if (p[0] >> 4 != 4) {
		ip->stats.bad_version++;
		return 0;
	}
	head = (p[0] & 0x0fu) * 4u;
	total = (uint32_t)sum_of16(sum_load16(p + 2));
	if (head < IPV4_HEAD || head > buf->length) {
		ip->stats.bad_header++;
		return 0;
	}
	if (total < head || total > buf->length) {
		ip->stats.bad_length++;
		return 0;
	}
	if (sum_fold(sum_head(p, head, 0)) != 0xffffu) {
		ip->stats.bad_checksum++;
		return 0;
	}
	if (head > IPV4_HEAD && !options_are_good(ip, p + IPV4_HEAD, head - IPV4_HEAD))
		return 0;
	buf->length = total;
	return head;
}

/* Whether a packet with these addresses is taken up; in the descriptor they are already. */
static bool
addresses_check(struct bx_ip *ip, const uint8_t *p, const struct bx_net_buf *buf)
{
	if (!is_for_us(ip, buf, &buf->destination)) {
		ip->stats.not_for_us++;
		return false;
	}
	if (source_is_bad(ip, &buf->source, &buf->destination)) {
		ip->stats.bad_source++;
		return false;
	}
	/* The next one of the pair needs no second look, until the tables change. */
	if (bx_ip_is_own(ip, &buf->destination)) {
		ip->good_pair = sum_load64(p + 12);
		ip->good[0] = buf->source;
		ip->good[1] = buf->destination;
		ip->good_generation = ip->generation;
	}
	return true;
}

/* The content of a whole packet, or of a fragment. */
static void
other_protocol(struct bx_ip *ip, uint64_t now_us, struct bx_net_batch *packets, struct bx_net_buf *buf,
    const uint8_t *p, struct bx_net_batch *replies)
{
	uint16_t fragment = bx_get_be16(p + 6);

	if ((fragment & (IPV4_MF | IPV4_OFFSET)) != 0) {
		ip->stats.fragments_in++;
		bx_ip_reassembly_add(ip, now_us, packets, buf, bx_get_be16(p + 4),
		    (fragment & IPV4_OFFSET) * 8u, (fragment & IPV4_MF) != 0, buf->protocol);
	} else if (buf->protocol == PROTOCOL_ICMP) {
		bx_ip_icmpv4_receive(ip, now_us, packets, buf, replies);
	} else {
		bx_ip_igmp_receive(ip, now_us, packets, buf);
	}
}

void
bx_ip_ipv4_receive(struct bx_ip *ip, uint64_t now_us, struct bx_net_batch *packets,
    struct bx_net_buf *buf, struct bx_net_batch *replies)
{
	const uint8_t *p = bx_net_bytes(packets, buf);
	uint32_t head = header_check(ip, p, buf);

	buf->kind = BX_NET_NONE;
	if (head == 0)
		return;
	bx_ip_ipv4_describe(buf, p);
	if (BX_UNLIKELY(!bx_ip_ipv4_pair_usual(ip, p, buf)) && !addresses_check(ip, p, buf))
		return;
	bx_net_pull(buf, head);
	if ((sum_load16(p + 6) & sum_of16(IPV4_MF | IPV4_OFFSET)) != 0 || buf->protocol == PROTOCOL_ICMP ||
	    buf->protocol == PROTOCOL_IGMP) {
		other_protocol(ip, now_us, packets, buf, p, replies);
		return;
	}
	ip->stats.segments_in++;
	buf->kind = BX_NET_SEGMENT;
}
