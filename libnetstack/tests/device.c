/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * device.c -- a device that makes checksums, cuts and coalesces; see device.h.
 */
#include "device.h"

#include <string.h>

#define ETHERNET	14u
#define ACK_PSH_FIN	0x19u
#define FIN		0x01u
#define PSH		0x08u
#define ACK		0x10u
#define ECE		0x40u
#define CWR		0x80u

/* Where the parts of a frame lie; segment 0: it has no TCP or UDP of its own. */
struct parts {
	bool ipv6;
	uint8_t protocol;
	uint32_t segment, data;
};

static struct parts
parts_of(const uint8_t *p, uint32_t n)
{
	struct parts x = { 0 };
	uint32_t type = bx_get_be16(p + 12);

	if (type == 0x86dd && n >= ETHERNET + 40) {
		x.ipv6 = true;
		x.protocol = p[20];
		x.segment = ETHERNET + 40;
	} else if (type == 0x0800 && n >= ETHERNET + 20 && (bx_get_be16(p + 20) & 0x3fff) == 0) {
		x.protocol = p[23];
		x.segment = ETHERNET + (p[14] & 15u) * 4;
	}
	if ((x.protocol != 6 && x.protocol != 17) || n < x.segment + (x.protocol == 6 ? 20 : 8))
		return (struct parts){ 0 };
	x.data = x.segment + (x.protocol == 6 ? (p[x.segment + 12] >> 4) * 4u : 8);
	return x;
}

static uint32_t
sum_of(const uint8_t *p, const struct parts *x, uint32_t n)
{
	struct bx_net_addr source, target;

	if (x->ipv6) {
		memcpy(source.byte, p + 22, 16);
		memcpy(target.byte, p + 38, 16);
	} else {
		source = bx_net_ipv4_from(p + 26);
		target = bx_net_ipv4_from(p + 30);
	}
	return bx_net_sum(p + x->segment, n - x->segment,
	    bx_net_sum_pseudo(&source, &target, x->protocol, n - x->segment));
}

/* Both sums; a UDP datagram may have none over IPv4. */
static bool
sums_good(const uint8_t *p, const struct parts *x, uint32_t n)
{
	if (!x->ipv6 && bx_net_sum(p + ETHERNET, x->segment - ETHERNET, 0) != 0xffff)
		return false;
	if (x->protocol == 17 && !x->ipv6 && bx_get_be16(p + x->segment + 6) == 0)
		return true;
	return sum_of(p, x, n) == 0xffff;
}

static void
lengths_put(uint8_t *p, const struct parts *x, uint32_t n)
{
	if (x->ipv6) {
		bx_put_be16(p + 18, (uint16_t)(n - x->segment));
		return;
	}
	bx_put_be16(p + 16, (uint16_t)(n - ETHERNET));
	bx_put_be16(p + 24, 0);
	bx_put_be16(p + 24, bx_net_sum_final(bx_net_sum(p + ETHERNET, x->segment - ETHERNET, 0)));
}

static const char *
cut(const uint8_t *whole, const struct parts *x, uint32_t n, uint32_t size, uint32_t mtu,
    void (*put)(void *context, const uint8_t *frame, uint32_t length), void *context)
{
	uint32_t seq = bx_get_be32(whole + x->segment + 4), data = n - x->data;
	uint8_t piece[10000], flags = whole[x->segment + 13];

	if (x->protocol != 6 || size == 0 || data <= size)
		return "nothing that can be cut";
	if ((flags & ~(ACK_PSH_FIN | ECE | CWR)) != 0)
		return "a flag that cannot be cut";
	if (x->data - ETHERNET + size > mtu || x->data + size > sizeof piece)
		return "pieces that are longer than the MTU";
	for (uint32_t at = 0; at < data; at += size) {
		uint32_t m = data - at < size ? data - at : size;

		memcpy(piece, whole, x->data);
		memcpy(piece + x->data, whole + x->data + at, m);
		lengths_put(piece, x, x->data + m);
		bx_put_be32(piece + x->segment + 4, seq + at);
		piece[x->segment + 13] = (uint8_t)(flags & ~(at + m != data ? PSH | FIN : 0) & ~(at != 0 ? CWR : 0));
		bx_put_be16(piece + x->segment + 16, 0);
		bx_put_be16(piece + x->segment + 16, bx_net_sum_final(sum_of(piece, x, x->data + m)));
		put(context, piece, x->data + m);
	}
	return NULL;
}

const char *
device_down(const struct bx_net_batch *batch, const struct bx_net_buf *buf, uint32_t mtu,
    void (*put)(void *context, const uint8_t *frame, uint32_t length), void *context)
{
	uint8_t whole[DEVICE_FRAME];
	uint32_t n = buf->length;
	struct parts x;

	if (n > sizeof whole)
		return "more than a device takes";
	memcpy(whole, bx_net_bytes(batch, buf), n);
	x = parts_of(whole, n);
	if ((buf->flags & BX_NET_F_SUM_NEEDED) != 0) {
		uint32_t field = (uint32_t)buf->sum_start + buf->sum_offset, sum;

		if (x.segment == 0 || buf->sum_start != x.segment || buf->sum_offset != (x.protocol == 6 ? 16 : 6))
			return "a checksum that belongs elsewhere";
		sum = bx_net_sum_final(bx_net_sum(whole + buf->sum_start, n - buf->sum_start, 0));
		bx_put_be16(whole + field, (uint16_t)(sum == 0 && x.protocol == 17 ? 0xffff : sum));
	}
	if (x.segment != 0 && !sums_good(whole, &x, n))
		return "a bad sum";
	if ((buf->flags & BX_NET_F_CUT) != 0)
		return cut(whole, &x, n, buf->segment_size, mtu, put, context);
	if (n - ETHERNET > mtu)
		return "a frame that is longer than the MTU";
	put(context, whole, n);
	return NULL;
}

bool
device_join(uint8_t *whole, uint32_t *length, uint32_t *piece, const uint8_t *next, uint32_t next_length)
{
	struct parts a = parts_of(whole, *length), b = parts_of(next, next_length);
	uint32_t had, more, addresses = a.ipv6 ? 22 : 26, size;

	if (a.segment == 0 || a.protocol != 6 || a.ipv6 != b.ipv6 || b.protocol != 6 || a.segment != b.segment || a.data != b.data ||
	    (!a.ipv6 && a.segment != ETHERNET + 20))
		return false;
	had = *length - a.data;
	more = next_length - b.data;
	size = *piece != 0 ? *piece : had;
	if (had == 0 || more == 0 || more > size || had % size != 0 || *length + more > DEVICE_FRAME - 1000)
		return false;
	/* Addresses and ports, ECN, the acknowledgement, window and options are the same, and the numbers follow. */
	if (memcmp(whole, next, ETHERNET + 2) != 0 || memcmp(whole + addresses, next + addresses, a.segment + 4 - addresses) != 0 ||
	    bx_get_be32(next + a.segment + 4) != bx_get_be32(whole + a.segment + 4) + had ||
	    memcmp(whole + a.segment + 8, next + a.segment + 8, 5) != 0 ||
	    memcmp(whole + a.segment + 14, next + a.segment + 14, 2) != 0 ||
	    memcmp(whole + a.segment + 18, next + a.segment + 18, a.data - a.segment - 18) != 0)
		return false;
	if ((whole[a.segment + 13] & ~ECE) != ACK || (next[a.segment + 13] & ~(ACK_PSH_FIN | ECE)) != 0 ||
	    ((whole[a.segment + 13] ^ next[a.segment + 13]) & (ECE | ACK)) != 0)
		return false;
	if ((*piece == 0 && !sums_good(whole, &a, *length)) || !sums_good(next, &b, next_length))
		return false;
	memcpy(whole + *length, next + b.data, more);
	whole[a.segment + 13] |= next[a.segment + 13];
	*length += more;
	*piece = size;
	lengths_put(whole, &a, *length);
	return true;
}
