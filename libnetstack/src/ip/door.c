/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * door.c -- batches through the IP stage, up and down.
 *
 * The short way first: packets of TCP and UDP, whole and without options, from and to whom the one before was; segments
 * that go where the one before went.  It calls nothing, and for a batch of one needs no loop.  From the first that is another one on, the long way is gone
 * for that one, and the short one tried again.
 */
#include "ip.h"

static IN_LINE bool
receive_usual(struct bx_ip *ip, const struct bx_net_batch *packets, struct bx_net_buf *buf)
{
	const uint8_t *p = bx_net_bytes(packets, buf);
	uint32_t total;
	uint8_t protocol;

	/* What is not for this stage passes. */
	if (buf->kind != BX_NET_IPV4)
		return buf->kind != BX_NET_IPV6;
	if (buf->length < IPV4_HEAD || p[0] != 0x45 || !bx_ip_ipv4_pair_usual(ip, p, buf))
		return false;
	total = (uint32_t)sum_of16(sum_load16(p + 2));
	protocol = p[9];
	if (total < IPV4_HEAD || total > buf->length || (sum_load16(p + 6) & sum_of16(IPV4_MF | IPV4_OFFSET)) != 0 ||
	    (protocol != PROTOCOL_TCP && protocol != PROTOCOL_UDP) || sum_fold(sum_head(p, IPV4_HEAD, 0)) != 0xffffu)
		return false;
	buf->source = ip->good[0];
	buf->destination = ip->good[1];
	buf->traffic_class = p[1];
	buf->hop_limit = p[8];
	buf->protocol = protocol;
	buf->offset += IPV4_HEAD;
	buf->length = total - IPV4_HEAD;
	buf->kind = BX_NET_SEGMENT;
	ip->stats.packets_in++;
	ip->stats.segments_in++;
	return true;
}

/* One of IPv4 or IPv6; whether it is left. */
static APART bool
receive_other(struct bx_ip *ip, uint64_t now_us, struct bx_net_batch *packets, struct bx_net_buf *buf,
    struct bx_net_batch *replies)
{
	ip->stats.packets_in++;
	if (buf->kind == BX_NET_IPV4)
		bx_ip_ipv4_receive(ip, now_us, packets, buf, replies);
	else
		bx_ip_ipv6_receive(ip, now_us, packets, buf, replies);
	return buf->kind != BX_NET_NONE;
}

/* From one on that is not usual; whether one of them is left. */
static APART bool
receive_from(struct bx_ip *ip, uint64_t now_us, struct bx_net_batch *packets, uint32_t first,
    struct bx_net_batch *replies)
{
	bool left = false;

	for (uint32_t i = first; i < packets->count; i++) {
		struct bx_net_buf *buf = &packets->bufs[i];

		left |= (i != first && receive_usual(ip, packets, buf)) ||
		    receive_other(ip, now_us, packets, buf, replies);
	}
	return left;
}

static APART bool
receive_many(struct bx_ip *ip, uint64_t now_us, struct bx_net_batch *packets, struct bx_net_batch *replies)
{
	uint32_t i = 0;

	while (i < packets->count && receive_usual(ip, packets, &packets->bufs[i]))
		i++;
	return (i != packets->count && receive_from(ip, now_us, packets, i, replies)) || i != 0;
}

bool
bx_ip_receive(struct bx_ip *ip, uint64_t now_us, struct bx_net_batch *packets, struct bx_net_batch *replies)
{
	if (packets->count != 1)
		return receive_many(ip, now_us, packets, replies);
	return receive_usual(ip, packets, packets->bufs) ||
	    receive_other(ip, now_us, packets, packets->bufs, replies);
}

static IN_LINE bool
send_usual(struct bx_ip *ip, const struct bx_net_batch *segments, struct bx_net_buf *buf)
{
	const struct path *path;
	uint32_t total = buf->length + IPV4_HEAD;

	if (buf->kind != BX_NET_SEGMENT)
		return buf->kind != BX_NET_UNREACHABLE;
	/* One of IPv4, or none: so is the destination. */
	path = bx_ip_path_usual(ip, &buf->destination, &buf->source);
	if (path == NULL || total > path->mtu || buf->offset - buf->begin < IPV4_HEAD)
		return false;
	buf->offset -= IPV4_HEAD;
	buf->length = total;
	bx_ip_ipv4_packet(ip, bx_net_bytes(segments, buf), buf, path);
	return true;
}

static APART bool
send_from(struct bx_ip *ip, uint64_t now_us, struct bx_net_batch *segments, uint32_t first,
    struct bx_net_batch *extra)
{
	bool all = true;

	for (uint32_t i = first; i < segments->count; i++) {
		struct bx_net_buf *buf = &segments->bufs[i];

		if (i != first && send_usual(ip, segments, buf))
			continue;
		if (buf->kind == BX_NET_SEGMENT) {
			all &= bx_net_addr_is_ipv4(&buf->destination) ?
			    bx_ip_ipv4_send(ip, now_us, segments, buf, extra) :
			    bx_ip_ipv6_send(ip, now_us, segments, buf, extra);
		} else if (buf->kind == BX_NET_UNREACHABLE) {
			if (buf->error == BX_NET_ERROR_TOO_BIG)
				bx_ip_path_narrow(ip, now_us, &buf->destination, buf->segment_size);
			else if (bx_net_addr_is_ipv4(&buf->source))
				bx_ip_icmpv4_unreachable(ip, now_us, segments, buf, extra);
			else
				bx_ip_icmpv6_unreachable(ip, now_us, segments, buf, extra);
			buf->kind = BX_NET_NONE;
		}
	}
	return !all;
}

static APART bool
send_many(struct bx_ip *ip, uint64_t now_us, struct bx_net_batch *segments, struct bx_net_batch *extra)
{
	uint32_t i = 0;

	while (i < segments->count && send_usual(ip, segments, &segments->bufs[i]))
		i++;
	return i != segments->count && send_from(ip, now_us, segments, i, extra);
}

bool
bx_ip_send(struct bx_ip *ip, uint64_t now_us, struct bx_net_batch *segments, struct bx_net_batch *extra)
{
	if (segments->count != 1)
		return send_many(ip, now_us, segments, extra);
	return !send_usual(ip, segments, segments->bufs) && send_from(ip, now_us, segments, 0, extra);
}
