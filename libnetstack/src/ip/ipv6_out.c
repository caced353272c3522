/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * ipv6_out.c -- segments become IPv6 packets (RFC 8200, 3), and fragments where they must (4.5).
 */
#include "ip.h"

#include "../sip.h"

void
bx_ip_ipv6_head(uint8_t *p, const struct bx_net_addr *source, const struct bx_net_addr *destination,
    uint32_t traffic_class, uint32_t flow, uint32_t length, uint32_t next, uint32_t hop_limit)
{
	bx_put_be32(p, 6u << 28 | traffic_class << 20 | (flow & 0xfffffu));
	bx_put_be32(p + 4, length << 16 | next << 8 | hop_limit);
	memcpy(p + 8, source->byte, 16);
	memcpy(p + 24, destination->byte, 16);
}

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

/* RFC 6437, 3: one label for what belongs together, and no two flows alike on purpose.  The ports stand first in
 * every transport header. */
static uint32_t
flow_of(const struct bx_ip *ip, const struct bx_net_batch *batch, const struct bx_net_buf *buf)
{
	const uint8_t *p = bx_net_bytes(batch, buf);
	uint64_t v = ip->key[1] ^ bx_get_le64(buf->destination.byte + 8) ^ buf->protocol;

	if (buf->protocol != PROTOCOL_ICMPV6 && buf->length >= 4)
		v += (uint64_t)bx_get_be32(p) << 20;
	return (uint32_t)(mix64(v) >> 40);
}

static uint32_t
hop_limit_of(const struct bx_ip *ip, const struct bx_net_buf *buf, const struct path *path)
{
	if (buf->hop_limit != 0)
		return buf->hop_limit;
	/* RFC 3493, 5.2: a group is not spoken to beyond the link unless that is asked for. */
	return bx_net_addr_is_group(&buf->destination) ? 1 : ip->interfaces[path->interface].hop_limit;
}

/* The packet is whole: on to its next hop. */
static void
away(struct bx_ip *ip, uint64_t now_us, const struct bx_net_batch *batch, struct bx_net_buf *buf,
    const struct path *path, struct bx_net_batch *extra)
{
	buf->kind = BX_NET_IPV6;
	buf->interface = path->interface;
	buf->destination = path->next_hop;
	bx_ip_neighbour_resolve(ip, now_us, batch, buf, extra);
}

/* A copy of a part of the segment as a packet of its own. */
static bool
fragment_put(struct bx_ip *ip, uint64_t now_us, const struct bx_net_batch *batch, const struct bx_net_buf *buf,
    const struct path *path, uint32_t id, uint32_t offset, uint32_t length, struct bx_net_batch *extra)
{
	struct bx_net_buf *part = bx_net_batch_add(extra, IPV6_HEAD + IPV6_FRAGMENT_HEAD + length);
	bool more = offset + length < buf->length;
	uint8_t *p;

	if (part == NULL) {
		ip->stats.no_room_out++;
		return false;
	}
	p = bx_net_bytes(extra, part);
	bx_ip_ipv6_head(p, &buf->source, &buf->destination, buf->traffic_class, flow_of(ip, batch, buf),
	    IPV6_FRAGMENT_HEAD + length, PROTOCOL_FRAGMENT, hop_limit_of(ip, buf, path));
	bx_put_be32(p + IPV6_HEAD, (uint32_t)buf->protocol << 24 | offset | more);
	bx_put_be32(p + IPV6_HEAD + 4, id);
	memcpy(p + IPV6_HEAD + IPV6_FRAGMENT_HEAD, bx_net_bytes(batch, buf) + offset, length);
	part->source = buf->source;
	ip->stats.fragments_out++;
	away(ip, now_us, extra, part, path, extra);
	return true;
}

static void
fragment_all(struct bx_ip *ip, uint64_t now_us, const struct bx_net_batch *batch, struct bx_net_buf *buf,
    const struct path *path, struct bx_net_batch *extra)
{
	uint32_t step = (path->mtu - IPV6_HEAD - IPV6_FRAGMENT_HEAD) & ~7u;
	/* RFC 7739, 5.3: a number that others cannot tell beforehand, and that does not come again soon. */
	const uint64_t words[3] = {
		bx_get_le64(buf->destination.byte), bx_get_le64(buf->destination.byte + 8), ip->id6++,
	};
	uint32_t id = (uint32_t)sip_hash(ip->key, words, 3);
	const struct path copy = *path;		/* asking for the neighbour may move the table */

	if ((buf->flags & BX_NET_F_SUM_NEEDED) != 0)
		bx_ip_sum_now(batch, buf);
	for (uint32_t offset = 0; offset < buf->length; offset += step) {
		if (!fragment_put(ip, now_us, batch, buf, &copy, id, offset,
		    min_u32(step, buf->length - offset), extra))
			break;
	}
	buf->kind = BX_NET_NONE;
}

bool
bx_ip_ipv6_send(struct bx_ip *ip, uint64_t now_us, struct bx_net_batch *batch,
    struct bx_net_buf *buf, struct bx_net_batch *extra)
{
	struct path *path = bx_ip_path_find(ip, now_us, &buf->destination);
	uint32_t flow;
	uint8_t *p;

	if (path == NULL || ip->interfaces[path->interface].mtu6 == 0) {
		ip->stats.no_route++;
		return give_back(buf, BX_NET_ERROR_ROUTE, 0);
	}
	if (!bx_ip_source_is_own(ip, &buf->source, path)) {
		ip->stats.no_source++;
		return give_back(buf, BX_NET_ERROR_ROUTE, 0);
	}
	if (buf->length > IPV4_MAX) {
		ip->stats.too_big++;
		return give_back(buf, BX_NET_ERROR_TOO_BIG, path->mtu);
	}
	if (buf->length + IPV6_HEAD > path->mtu && !ip_pieces_fit(batch, buf, path->mtu - IPV6_HEAD)) {
		if ((buf->flags & BX_NET_F_WHOLE) == 0) {
			fragment_all(ip, now_us, batch, buf, path, extra);
			return true;
		}
		ip->stats.too_big++;
		return give_back(buf, BX_NET_ERROR_TOO_BIG, path->mtu);
	}
	flow = flow_of(ip, batch, buf);
	p = bx_net_push(batch, buf, IPV6_HEAD);
	if (p == NULL) {
		ip->stats.no_headroom++;
		buf->kind = BX_NET_NONE;
		return true;
	}
	bx_ip_ipv6_head(p, &buf->source, &buf->destination, buf->traffic_class, flow,
	    buf->length - IPV6_HEAD, buf->protocol, hop_limit_of(ip, buf, path));
	buf->sum_start = (uint16_t)(buf->sum_start + IPV6_HEAD);
	ip->stats.packets_out++;
	away(ip, now_us, batch, buf, path, extra);
	return true;
}
