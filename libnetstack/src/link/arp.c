/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * arp.c -- ARP messages (RFC 826).
 *
 *   0 hardware type 1 | 2 protocol 0x0800 | 4 lengths 6, 4 | 6 operation 1 request, 2 reply
 *   8 sender MAC | 14 sender IP | 18 target MAC | 24 target IP
 */
#include "link.h"

#include "../batch.h"

#define OP_REQUEST	1u
#define OP_REPLY	2u
/* The first eight bytes, to which the operation is to be added. */
#define ARP_LEAD	(UINT64_C(1) << 48 | (uint64_t)TYPE_IPV4 << 32 | 6u << 24 | 4u << 16)

static const uint8_t all_hosts[6] = { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff };

static void
arp_emit(struct bx_link *link, uint16_t op, uint32_t sender, const uint8_t target_mac[6],
    uint32_t target, const uint8_t to[6], struct bx_net_batch *out)
{
	struct bx_net_buf *buf = batch_add(out, ARP_BYTES);
	uint8_t *p;

	if (buf == NULL) {
		link->stats.no_room_out++;
		return;
	}
	p = bx_net_bytes(out, buf);
	bx_put_be64(p, ARP_LEAD | op);
	memcpy(p + 8, link->config.mac, 6);
	bx_put_be32(p + 14, sender);
	memcpy(p + 18, target_mac, 6);
	bx_put_be32(p + 24, target);
	link->stats.arp_out++;
	buf->source = buf->destination = (struct bx_net_addr){ { 0 } };
	bx_link_frame_put(link, out, buf, to, TYPE_ARP);
}

void
bx_link_arp_send_request(struct bx_link *link, const struct neighbour *to, struct bx_net_batch *out)
{
	static const uint8_t nobody[6];

	arp_emit(link, OP_REQUEST, bx_link_own_any(link), nobody, to->ip,
	    to->state == POLLING ? to->mac : all_hosts, out);
}

/* A probe has the sender 0; an announcement has sender and target equal (RFC 5227, 1.1 and 2.3). */
void
bx_link_arp_announce(struct bx_link *link, uint32_t sender, uint32_t target, struct bx_net_batch *out)
{
	static const uint8_t nobody[6];

	arp_emit(link, OP_REQUEST, sender, nobody, target, all_hosts, out);
}

static bool
arp_is_valid(const uint8_t *arp, uint32_t length)
{
	uint32_t sender;
	uint64_t lead;

	if (length < ARP_BYTES)
		return false;
	lead = bx_get_be64(arp);
	if (lead != (ARP_LEAD | OP_REQUEST) && lead != (ARP_LEAD | OP_REPLY))
		return false;
	/* The sender is one host: no group may be learnt, by hardware address or by protocol address. */
	sender = bx_get_be32(arp + 14);
	return (arp[8] & 1) == 0 && sender >> 28 != 0xeu && sender != 0xffffffffu;
}

/*
 * The algorithm of RFC 826, "Packet Reception", with one restriction: an entry is made only for a host that
 * asks for us; what others say among themselves may refresh an entry, never make one.
 */
void
bx_link_arp_receive(struct bx_link *link, uint64_t now_us, const uint8_t *arp, uint32_t length,
    struct bx_net_batch *replies)
{
	uint32_t sender, target, own;
	struct neighbour *n;
	bool asks;

	link->stats.arp_in++;
	if (!arp_is_valid(arp, length)) {
		link->stats.arp_malformed++;
		return;
	}
	if (mac_load(arp + 8) == link->mac) {
		link->stats.bad_source++;
		return;
	}
	sender = bx_get_be32(arp + 14);
	target = bx_get_be32(arp + 24);
	own = bx_link_own_check(link, now_us, sender, target, replies);
	asks = (own & OWN_TARGET) != 0 && bx_get_be16(arp + 6) == OP_REQUEST;
	if (sender != 0 && (own & OWN_SENDER) == 0) {
		n = bx_link_neighbour_find(link, sender);
		if (n == NULL && asks) {
			n = bx_link_neighbour_make(link, sender);
			if (n != NULL)
				n->used_us = now_us;
		}
		if (n != NULL)
			bx_link_neighbour_learn(link, now_us, n, arp + 8, replies);
	}
	if ((own & OWN_TARGET) == 0)
		link->stats.arp_not_for_us++;
	else if (asks)
		arp_emit(link, OP_REPLY, target, arp + 8, sender, arp + 8, replies);
}
