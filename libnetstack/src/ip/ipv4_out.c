/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * ipv4_out.c -- segments become IPv4 packets (RFC 791, 3.1), and fragments where they must.
 */
#include "ip.h"

/* It stays in the batch and tells its builder why. */
static bool
give_back(struct bx_net_buf *buf, enum bx_net_error error, uint16_t mtu)
{
	buf->kind = BX_NET_UNREACHABLE;
	buf->error = (uint8_t)error;
	/* The size is the path's now, no longer that of the pieces to be cut. */
	buf->flags &= (uint16_t)~BX_NET_F_CUT;
	buf->segment_size = mtu;
	return false;
}

/* A copy of a part of the segment as a packet of its own. */
static bool
fragment_put(struct bx_ip *ip, const struct bx_net_batch *batch, const struct bx_net_buf *buf,
    const struct path *path, uint32_t offset, uint32_t length, struct bx_net_batch *extra)
{
	struct bx_net_buf *part = bx_net_batch_add(extra, IPV4_HEAD + length);
	bool more = offset + length < buf->length;
	uint8_t *p;

	if (part == NULL) {
		ip->stats.no_room_out++;
		return false;
	}
	p = bx_net_bytes(extra, part);
	bx_ip_ipv4_head(p, buf, IPV4_HEAD + length, ip->id, (uint16_t)(offset / 8 | (more ? IPV4_MF : 0)));
	memcpy(p + IPV4_HEAD, bx_net_bytes(batch, buf) + offset, length);
	part->kind = BX_NET_IPV4;
	part->interface = path->interface;
	part->destination = path->next_hop;
	ip->stats.fragments_out++;
	return true;
}

static void
fragment_all(struct bx_ip *ip, const struct bx_net_batch *batch, struct bx_net_buf *buf,
    const struct path *path, struct bx_net_batch *extra)
{
	uint32_t step = (path->mtu - IPV4_HEAD) & ~7u;

	if ((buf->flags & BX_NET_F_SUM_NEEDED) != 0)
		bx_ip_sum_now(batch, buf);
	/* RFC 6864, 4.1: distinct for as long as fragments may live.  The start is secret, the step is one. */
	ip->id++;
	for (uint32_t offset = 0; offset < buf->length; offset += step) {
		if (!fragment_put(ip, batch, buf, path, offset, min_u32(step, buf->length - offset), extra))
			break;
	}
	buf->kind = BX_NET_NONE;
}

#define PORTS_DHCP	(68u << 16 | 67u)

/* RFC 1122, 3.2.1.3: no other source than an own address.  A host that has none yet asks for one (RFC 2131, 4.1). */
static bool
source_is_good(const struct bx_ip *ip, const struct bx_net_batch *batch, const struct bx_net_buf *buf,
    const struct path *path)
{
	if (bx_ip_source_is_own(ip, &buf->source, path))
		return true;
	return bx_net_addr_is_any(&buf->source) && buf->protocol == PROTOCOL_UDP && buf->length >= 8 &&
	    bx_get_be32(bx_net_bytes(batch, buf)) == PORTS_DHCP &&
	    bx_get_be32(buf->destination.byte + 12) == 0xffffffffu;
}

bool
bx_ip_ipv4_send(struct bx_ip *ip, uint64_t now_us, struct bx_net_batch *batch,
    struct bx_net_buf *buf, struct bx_net_batch *extra)
{
	struct path *path = bx_ip_path_usual(ip, &buf->destination, &buf->source);
	uint32_t total = buf->length + IPV4_HEAD;
	uint8_t *p;

	if (path == NULL) {
		path = bx_ip_path_find(ip, now_us, &buf->destination);
		if (path == NULL) {
			ip->stats.no_route++;
			return give_back(buf, BX_NET_ERROR_ROUTE, 0);
		}
		if (!source_is_good(ip, batch, buf, path)) {
			ip->stats.no_source++;
			return give_back(buf, BX_NET_ERROR_ROUTE, 0);
		}
		/* No connection is to all (RFC 9293, 3.9.2.3, MUST-46), and 0.0.0.0 speaks to all alone.  So such a path is
		 * never the usual one. */
		if (!bx_net_addr_is_group(&path->next_hop)) {
			ip->last = path;
			ip->last_source = sum_load32(buf->source.byte + 12);
		} else if (buf->protocol == PROTOCOL_TCP) {
			return give_back(buf, BX_NET_ERROR_PROHIBITED, 0);
		}
	}
	if (total > IPV4_MAX) {
		ip->stats.too_big++;
		return give_back(buf, BX_NET_ERROR_TOO_BIG, path->mtu);
	}
	if (total > path->mtu && !ip_pieces_fit(batch, buf, path->mtu - IPV4_HEAD)) {
		if ((buf->flags & BX_NET_F_WHOLE) == 0) {
			fragment_all(ip, batch, buf, path, extra);
			return true;
		}
		ip->stats.too_big++;
		return give_back(buf, BX_NET_ERROR_TOO_BIG, path->mtu);
	}
	p = bx_net_push(batch, buf, IPV4_HEAD);
	if (p == NULL) {
		ip->stats.no_headroom++;
		buf->kind = BX_NET_NONE;
		return true;
	}
	bx_ip_ipv4_packet(ip, p, buf, path);
	return true;
}
