/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * icmpv6.c -- ICMPv6 (RFC 4443).
 *
 *   0 type | 1 code | 2 checksum, pseudo header included | 4 a word | 8 quoted packet of an error, or echo data
 *
 * Types below 128 are errors.  Neighbour discovery goes on to nd.c, group membership to mld.c.
 */
#include "ip.h"

#define ICMP_HEAD		8u
#define ICMP_UNREACHABLE	1u
#define ICMP_TOO_BIG		2u
#define ICMP_PARAMETER		4u
#define ICMP_ECHO		128u
#define ICMP_ECHO_REPLY		129u
#define ICMP_INFORMATION	128u	/* and above; below are errors */
#define ICMP_MLD_QUERY		130u
#define ICMP_MLD_REPORT		131u	/* of version 1 */
#define ICMP_ND_FIRST		133u
#define ICMP_ND_LAST		137u
#define QUOTE_MIN		8u
#define QUOTE_MAX		(BX_IP_MTU6_MIN - IPV6_HEAD - ICMP_HEAD)
#define EXTENSIONS_MAX		8u
#define ND_HOPS			255u

static void
sum_set(uint8_t *p, uint32_t length, const struct bx_net_addr *source, const struct bx_net_addr *destination)
{
	bx_put_be16(p + 2, 0);
	bx_put_be16(p + 2, bx_net_sum_final(bx_net_sum(p, length,
	    bx_net_sum_pseudo(source, destination, PROTOCOL_ICMPV6, length))));
}

void
bx_ip_icmpv6_finish(struct bx_ip *ip, struct bx_net_batch *out, struct bx_net_buf *buf, uint8_t interface,
    const struct bx_net_addr *source, const struct bx_net_addr *destination)
{
	uint32_t length = buf->length;

	sum_set(bx_net_bytes(out, buf), length, source, destination);
	/* The headroom is ours: nobody has used it yet. */
	bx_ip_ipv6_head(bx_net_push(out, buf, IPV6_HEAD), source, destination, 0, 0, length,
	    PROTOCOL_ICMPV6, ND_HOPS);
	buf->kind = BX_NET_IPV6;
	buf->interface = interface;
	buf->source = *source;
	buf->destination = *destination;
	ip->stats.packets_out++;
}

/* A message to be sent as a segment; it leaves the batch again if that cannot be done. */
static void
send(struct bx_ip *ip, uint64_t now_us, struct bx_net_batch *batch, struct bx_net_buf *buf,
    struct bx_net_batch *out)
{
	sum_set(bx_net_bytes(batch, buf), buf->length, &buf->source, &buf->destination);
	buf->kind = BX_NET_SEGMENT;
	buf->protocol = PROTOCOL_ICMPV6;
	buf->hop_limit = 0;
	if (bx_ip_ipv6_send(ip, now_us, batch, buf, out))
		ip->stats.icmp_out++;
	else
		buf->kind = BX_NET_NONE;
}

/* RFC 4443, 4.2: from the address that was asked, or for a group from one of ours. */
static void
echo_reply(struct bx_ip *ip, uint64_t now_us, struct bx_net_batch *packets, struct bx_net_buf *buf,
    struct bx_net_batch *replies)
{
	const struct path *path = bx_ip_path_find(ip, now_us, &buf->source);
	struct bx_net_buf *reply = buf;

	ip->stats.icmp_echo++;
	if (path == NULL || bx_net_addr_is_any(&path->source) || bx_net_addr_is_any(&buf->source)) {
		ip->stats.icmp_ignored++;
		return;
	}
	/* One that came in fragments goes in fragments, and is turned round where it is. */
	if (buf->length + IPV6_HEAD <= path->mtu) {
		reply = bx_net_batch_add(replies, buf->length);
		if (reply == NULL) {
			ip->stats.no_room_out++;
			return;
		}
		memcpy(bx_net_bytes(replies, reply), bx_net_bytes(packets, buf), buf->length);
		packets = replies;
	}
	bx_net_bytes(packets, reply)[0] = ICMP_ECHO_REPLY;
	reply->traffic_class = (uint8_t)(buf->traffic_class & ~3u);
	reply->flags = 0;
	{
		struct bx_net_addr to = buf->source;

		reply->source = bx_net_addr_is_group(&buf->destination) ? path->source : buf->destination;
		reply->destination = to;
	}
	send(ip, now_us, packets, reply, replies);
}

static enum bx_net_error
error_of(const uint8_t *icmp)
{
	static const uint8_t unreachable[7] = {
		BX_NET_ERROR_ROUTE, BX_NET_ERROR_PROHIBITED, BX_NET_ERROR_ROUTE, BX_NET_ERROR_ROUTE,
		BX_NET_ERROR_PORT, BX_NET_ERROR_PROHIBITED, BX_NET_ERROR_PROHIBITED,
	};

	switch (icmp[0]) {
	case ICMP_UNREACHABLE:
		return icmp[1] < 7 ? (enum bx_net_error)unreachable[icmp[1]] : BX_NET_ERROR_ROUTE;
	case ICMP_TOO_BIG:
		return BX_NET_ERROR_TOO_BIG;
	case ICMP_PARAMETER:
		return icmp[1] == 1 ? BX_NET_ERROR_PROTOCOL : BX_NET_ERROR_ROUTE;
	default:
		/* Time exceeded; and what we do not know, which may pass as well. */
		return BX_NET_ERROR_ROUTE;
	}
}

/* The transport header in a quoted packet: its offset, or 0 if the quote does not reach it. */
static uint32_t
quoted_transport(const uint8_t *p, uint32_t length, uint8_t *protocol)
{
	uint32_t at = IPV6_HEAD, next, size;

	if (length < IPV6_HEAD || p[0] >> 4 != 6)
		return 0;
	next = p[6];
	for (uint32_t n = 0; n < EXTENSIONS_MAX; n++) {
		if (next == PROTOCOL_FRAGMENT && length - at >= IPV6_FRAGMENT_HEAD &&
		    (bx_get_be16(p + at + 2) & 0xfff8u) == 0) {
			next = p[at];
			size = IPV6_FRAGMENT_HEAD;
		} else if (!bx_ip_ipv6_skip(p + at, length - at, &next, &size)) {
			break;
		}
		at += size;
	}
	if (next == PROTOCOL_FRAGMENT || length - at < QUOTE_MIN)
		return 0;
	*protocol = (uint8_t)next;
	return at;
}

/* An error about a packet of ours goes up, if it quotes enough of one that we can have sent. */
static bool
error_up(struct bx_ip *ip, const uint8_t *icmp, struct bx_net_buf *buf)
{
	const uint8_t *quoted = icmp + ICMP_HEAD;
	enum bx_net_error error = error_of(icmp);
	struct bx_net_addr source, destination;
	uint32_t at, mtu;
	uint8_t protocol = 0;

	at = quoted_transport(quoted, buf->length - ICMP_HEAD, &protocol);
	if (at == 0)
		return false;
	source = addr_from(quoted + 8);
	destination = addr_from(quoted + 24);
	if (!bx_ip_is_own(ip, &source) ||
	    (bx_net_addr_is_group(&destination) && error != BX_NET_ERROR_TOO_BIG) || bx_net_addr_is_ipv4(&destination))
		return false;
	if (error == BX_NET_ERROR_TOO_BIG) {
		mtu = bx_get_be32(icmp + 4);
		/* RFC 8201, 4: there is no IPv6 link narrower than that. */
		if (mtu < BX_IP_MTU6_MIN)
			return false;
		mtu = min_u32(mtu, UINT16_MAX);
		buf->segment_size = (uint16_t)mtu;
	}
	buf->kind = BX_NET_UNREACHABLE;
	buf->error = (uint8_t)error;
	buf->protocol = protocol;
	buf->source = source;
	buf->destination = destination;
	bx_net_pull(buf, ICMP_HEAD + at);
	return true;
}

void
bx_ip_icmpv6_receive(struct bx_ip *ip, uint64_t now_us, struct bx_net_batch *packets,
    struct bx_net_buf *buf, struct bx_net_batch *replies)
{
	const uint8_t *icmp = bx_net_bytes(packets, buf);

	ip->stats.icmp_in++;
	if (buf->length < ICMP_HEAD || bx_net_sum(icmp, buf->length, bx_net_sum_pseudo(&buf->source,
	    &buf->destination, PROTOCOL_ICMPV6, buf->length)) != 0xffffu) {
		ip->stats.icmp_bad++;
		return;
	}
	if (icmp[0] >= ICMP_ND_FIRST && icmp[0] <= ICMP_ND_LAST) {
		bx_ip_nd_receive(ip, now_us, packets, buf, replies);
		return;
	}
	/* RFC 4443, 2.1, 2.4 (a): all errors go up, those of unknown type too. */
	if (icmp[0] < ICMP_INFORMATION) {
		ip->stats.icmp_error_in++;
		if (!error_up(ip, icmp, buf))
			ip->stats.icmp_error_stray++;
		return;
	}
	switch (icmp[0]) {
	case ICMP_ECHO:
		echo_reply(ip, now_us, packets, buf, replies);
		return;
	case ICMP_ECHO_REPLY:
		ip->stats.segments_in++;
		buf->kind = BX_NET_SEGMENT;
		return;
	case ICMP_MLD_QUERY:
	case ICMP_MLD_REPORT:
		bx_ip_mld_receive(ip, now_us, icmp, buf);
		return;
	default:
		/* RFC 4443, 2.4 (b): informational messages of unknown type are dropped in silence. */
		ip->stats.icmp_ignored++;
		return;
	}
}

/* RFC 4443, 2.4 (e): about which packets there is no error. */
static bool
is_silent(const struct bx_ip *ip, const struct quote *q, uint32_t type, uint32_t code)
{
	bool for_group = bx_net_addr_is_group(&q->destination) ||
	    (q->flags & (BX_NET_F_BROADCAST | BX_NET_F_MULTICAST)) != 0;

	if (bx_net_addr_is_any(&q->source) || bx_net_addr_is_group(&q->source) || bx_ip_is_own(ip, &q->source))
		return true;
	/* An error about an error. */
	if (q->length > IPV6_HEAD && q->bytes[6] == PROTOCOL_ICMPV6 && q->bytes[IPV6_HEAD] < ICMP_ECHO)
		return true;
	return for_group && !(type == ICMP_PARAMETER && code == 2);
}

void
bx_ip_icmpv6_error(struct bx_ip *ip, uint64_t now_us, const struct quote *q, uint32_t type, uint32_t code,
    uint32_t word, struct bx_net_batch *out)
{
	uint32_t length = min_u32(q->length, QUOTE_MAX);
	const struct path *path;
	struct bx_net_buf *error;
	uint8_t *p;

	if (is_silent(ip, q, type, code))
		return;
	path = bx_ip_path_find(ip, now_us, &q->source);
	if (path == NULL || bx_net_addr_is_any(&path->source) || !bx_ip_token_take(ip, now_us))
		return;
	error = bx_net_batch_add(out, ICMP_HEAD + length);
	if (error == NULL) {
		ip->stats.no_room_out++;
		return;
	}
	p = bx_net_bytes(out, error);
	p[0] = (uint8_t)type;
	p[1] = (uint8_t)code;
	bx_put_be32(p + 4, word);
	memcpy(p + ICMP_HEAD, q->bytes, length);
	error->source = bx_net_addr_is_group(&q->destination) ? path->source : q->destination;
	error->destination = q->source;
	send(ip, now_us, out, error, out);
}

/* The quoted header is made again from the descriptor: the packet's own is gone when the stages are processes. */
void
bx_ip_icmpv6_unreachable(struct bx_ip *ip, uint64_t now_us, const struct bx_net_batch *batch,
    const struct bx_net_buf *buf, struct bx_net_batch *out)
{
	uint8_t bytes[IPV6_HEAD + 64];
	uint32_t quote = min_u32(buf->length, 64);
	struct quote q = {
		.bytes = bytes, .length = IPV6_HEAD + quote, .source = buf->source,
		.destination = buf->destination, .flags = buf->flags,
	};

	if (!bx_ip_is_own(ip, &buf->destination) || quote < QUOTE_MIN)
		return;
	bx_ip_ipv6_head(bytes, &buf->source, &buf->destination, buf->traffic_class, 0, buf->length,
	    buf->protocol, buf->hop_limit);
	memcpy(bytes + IPV6_HEAD, bx_net_bytes(batch, buf), quote);
	if (buf->error == BX_NET_ERROR_PROTOCOL)
		bx_ip_icmpv6_error(ip, now_us, &q, ICMP_PARAMETER, 1, 6, out);
	else
		bx_ip_icmpv6_error(ip, now_us, &q, ICMP_UNREACHABLE,
		    buf->error == BX_NET_ERROR_PORT ? 4 : 1, 0, out);
}
