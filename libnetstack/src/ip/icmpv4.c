/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * icmpv4.c -- ICMP (RFC 792; RFC 1122, 3.2.2).
 *
 *   0 type | 1 code | 2 checksum | 4 rest of header | 8 quoted packet of an error, or echo data
 */
#include "ip.h"

#include "../batch.h"

#define ICMP_HEAD		8u
#define ICMP_ECHO_REPLY		0u
#define ICMP_UNREACHABLE	3u
#define ICMP_ECHO		8u
#define ICMP_TIME_EXCEEDED	11u
#define ICMP_PARAMETER		12u
#define QUOTE_MIN		8u	/* of the transport header (RFC 792) */
#define QUOTE_MAX		64u	/* what we quote of it: enough for a TCP header */

/* Gives a message its IP header, or makes fragments of it in `out`; it leaves the batch if that cannot be done. */
static void
finish(struct bx_ip *ip, uint64_t now_us, struct bx_net_batch *batch, struct bx_net_buf *buf,
    struct bx_net_batch *out)
{
	buf->kind = BX_NET_SEGMENT;
	buf->protocol = PROTOCOL_ICMP;
	if (bx_ip_ipv4_send(ip, now_us, batch, buf, out))
		ip->stats.icmp_out++;
	else
		buf->kind = BX_NET_NONE;
}

/* RFC 1122, 3.2.2.6: the data comes back whole, from the address that was asked; a broadcast is not answered. */
static void
echo_reply(struct bx_ip *ip, uint64_t now_us, struct bx_net_batch *packets, struct bx_net_buf *buf,
    struct bx_net_batch *replies)
{
	uint32_t mtu = buf->interface < BX_IP_INTERFACES ? ip->interfaces[buf->interface].mtu : 0;
	struct bx_net_addr source = buf->destination;
	struct bx_net_buf *reply = buf;
	uint8_t *p;

	ip->stats.icmp_echo++;
	if (!bx_ip_is_own(ip, &buf->destination)) {
		ip->stats.icmp_ignored++;
		return;
	}
	/* One that came in fragments goes in fragments, and is turned round where it is. */
	if (buf->length + IPV4_HEAD <= mtu) {
		reply = batch_add(replies, buf->length);
		if (reply == NULL) {
			ip->stats.no_room_out++;
			return;
		}
		memcpy(bx_net_bytes(replies, reply), bx_net_bytes(packets, buf), buf->length);
		packets = replies;
	}
	p = bx_net_bytes(packets, reply);
	p[0] = ICMP_ECHO_REPLY;
	/* RFC 1624, (3): the sum changes by the difference of one word, 0x0800 - 0x0000. */
	bx_put_be16(p + 2, (uint16_t)bx_net_sum_add(bx_get_be16(p + 2), (uint32_t)ICMP_ECHO << 8));
	reply->traffic_class = (uint8_t)(buf->traffic_class & ~3u);
	reply->flags = 0;
	reply->hop_limit = 0;
	reply->destination = buf->source;
	reply->source = source;
	finish(ip, now_us, packets, reply, replies);
}

/* What an error message means to the stage above. */
static enum bx_net_error
error_of(const uint8_t *icmp)
{
	static const uint8_t unreachable[16] = {
		[0] = BX_NET_ERROR_ROUTE, [1] = BX_NET_ERROR_ROUTE, [2] = BX_NET_ERROR_PROTOCOL,
		[3] = BX_NET_ERROR_PORT, [4] = BX_NET_ERROR_TOO_BIG, [5] = BX_NET_ERROR_ROUTE,
		[6] = BX_NET_ERROR_ROUTE, [7] = BX_NET_ERROR_ROUTE, [8] = BX_NET_ERROR_ROUTE,
		[9] = BX_NET_ERROR_PROHIBITED, [10] = BX_NET_ERROR_PROHIBITED,
		[11] = BX_NET_ERROR_ROUTE, [12] = BX_NET_ERROR_ROUTE,
		[13] = BX_NET_ERROR_PROHIBITED, [14] = BX_NET_ERROR_PROHIBITED,
		[15] = BX_NET_ERROR_PROHIBITED,
	};

	if (icmp[0] == ICMP_UNREACHABLE)
		return icmp[1] < 16 ? (enum bx_net_error)unreachable[icmp[1]] : BX_NET_ERROR_NONE;
	if (icmp[0] == ICMP_TIME_EXCEEDED || icmp[0] == ICMP_PARAMETER)
		return BX_NET_ERROR_ROUTE;
	return BX_NET_ERROR_NONE;
}

/* RFC 1191, section 7.1: a router that gives no MTU; the next plateau below the packet's length. */
static uint32_t
plateau_below(uint32_t length)
{
	static const uint16_t plateaus[] = { 32000, 17914, 8166, 4352, 2002, 1492, 1006, 576 };

	for (uint32_t i = 0; i < BX_ARRAY_COUNT(plateaus); i++) {
		if (plateaus[i] < length)
			return plateaus[i];
	}
	return BX_IP_MTU_MIN;
}

/* An error about a packet of ours goes up, if it quotes enough of one that we can have sent. */
static bool
error_up(struct bx_ip *ip, const uint8_t *icmp, struct bx_net_buf *buf)
{
	const uint8_t *quoted = icmp + ICMP_HEAD;
	uint32_t left = buf->length - ICMP_HEAD, head, mtu;
	enum bx_net_error error = error_of(icmp);
	struct bx_net_addr source, destination;

	if (left < IPV4_HEAD || quoted[0] >> 4 != 4 || (quoted[0] & 0x0fu) < 5)
		return false;
	head = (quoted[0] & 0x0fu) * 4u;
	if (left < head || left - head < QUOTE_MIN || (bx_get_be16(quoted + 6) & IPV4_OFFSET) != 0)
		return false;
	source = bx_net_ipv4_from(quoted + 12);
	destination = bx_net_ipv4_from(quoted + 16);
	if (!bx_ip_is_own(ip, &source) || bx_net_addr_is_group(&destination) || error == BX_NET_ERROR_NONE)
		return false;
	if (error == BX_NET_ERROR_TOO_BIG) {
		mtu = bx_get_be16(icmp + 6);
		if (mtu == 0)
			mtu = plateau_below(bx_get_be16(quoted + 2));
		mtu = max_u32(mtu, BX_IP_MTU_MIN);
		buf->segment_size = (uint16_t)mtu;
	}
	buf->kind = BX_NET_UNREACHABLE;
	buf->error = (uint8_t)error;
	buf->protocol = quoted[9];
	buf->source = source;
	buf->destination = destination;
	bx_net_pull(buf, ICMP_HEAD + head);
	return true;
}

void
bx_ip_icmpv4_receive(struct bx_ip *ip, uint64_t now_us, struct bx_net_batch *packets,
    struct bx_net_buf *buf, struct bx_net_batch *replies)
{
	const uint8_t *icmp = bx_net_bytes(packets, buf);

	ip->stats.icmp_in++;
	if (buf->length < ICMP_HEAD || sum_fold(bx_net_raw_sum(icmp, buf->length, 0)) != 0xffffu) {
		ip->stats.icmp_bad++;
		return;
	}
	switch (icmp[0]) {
	case ICMP_ECHO:
		echo_reply(ip, now_us, packets, buf, replies);
		return;
	case ICMP_ECHO_REPLY:
		/* RFC 1122, 3.2.2.6: to whoever asked. */
		ip->stats.segments_in++;
		buf->kind = BX_NET_SEGMENT;
		return;
	case ICMP_UNREACHABLE:
	case ICMP_TIME_EXCEEDED:
	case ICMP_PARAMETER:
		ip->stats.icmp_error_in++;
		if (!error_up(ip, icmp, buf))
			ip->stats.icmp_error_stray++;
		return;
	default:
		/* RFC 1122, 3.2.2: unknown types are dropped in silence; redirects are not believed
		 * (against RFC 1122, 3.2.2.2: who sent one cannot be told), source quench is dead (RFC 6633). */
		ip->stats.icmp_ignored++;
		return;
	}
}

/*
 * The quoted IP header is made again from the descriptor: the packet's own is gone when the stages are
 * processes.  It is never sent about a group or a broadcast (RFC 1122, 3.2.2); ICMP errors themselves do not
 * come here, for no stage above answers them.
 */
static void
error_out(struct bx_ip *ip, uint64_t now_us, const struct bx_net_batch *batch, const struct bx_net_buf *buf,
    uint32_t type, uint32_t code, struct bx_net_batch *out)
{
	uint32_t quote = min_u32(buf->length, QUOTE_MAX);
	struct bx_net_buf *error;
	uint8_t *p, *q;

	if (!bx_ip_is_own(ip, &buf->destination) || quote < QUOTE_MIN ||
	    (buf->flags & (BX_NET_F_BROADCAST | BX_NET_F_MULTICAST)) != 0)
		return;
	if (!bx_ip_token_take(ip, now_us))
		return;
	error = bx_net_batch_add(out, ICMP_HEAD + IPV4_HEAD + quote);
	if (error == NULL) {
		ip->stats.no_room_out++;
		return;
	}
	p = bx_net_bytes(out, error);
	q = p + ICMP_HEAD;
	memset(p, 0, ICMP_HEAD + IPV4_HEAD);
	p[0] = (uint8_t)type;
	p[1] = (uint8_t)code;
	q[0] = 0x45;
	q[1] = buf->traffic_class;
	bx_put_be16(q + 2, (uint16_t)(IPV4_HEAD + buf->length));
	q[8] = buf->hop_limit;
	q[9] = buf->protocol;
	memcpy(q + 12, buf->source.byte + 12, 4);
	memcpy(q + 16, buf->destination.byte + 12, 4);
	bx_put_be16(q + 10, bx_net_sum_final(bx_net_sum(q, IPV4_HEAD, 0)));
	memcpy(q + IPV4_HEAD, bx_net_bytes(batch, buf), quote);
	bx_put_be16(p + 2, bx_net_sum_final(bx_net_sum(p, error->length, 0)));
	error->source = buf->destination;
	error->destination = buf->source;
	finish(ip, now_us, out, error, out);
}

void
bx_ip_icmpv4_unreachable(struct bx_ip *ip, uint64_t now_us, const struct bx_net_batch *batch,
    const struct bx_net_buf *buf, struct bx_net_batch *out)
{
	error_out(ip, now_us, batch, buf, ICMP_UNREACHABLE, buf->error == BX_NET_ERROR_PORT ? 3 :
	    buf->error == BX_NET_ERROR_PROTOCOL ? 2 : 13, out);
}

/* An error about an ICMP error must not be (RFC 1122, 3.2.2): of fragmented ICMP nothing is told. */
void
bx_ip_icmpv4_timeout(struct bx_ip *ip, uint64_t now_us, const struct bx_net_batch *batch,
    const struct bx_net_buf *buf, struct bx_net_batch *out)
{
	if (buf->protocol != PROTOCOL_ICMP)
		error_out(ip, now_us, batch, buf, ICMP_TIME_EXCEEDED, 1, out);
}
