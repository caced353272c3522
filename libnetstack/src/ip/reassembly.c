/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * reassembly.c -- datagrams from fragments (RFC 791, 3.2; RFC 1122, 3.3.2; RFC 5722 for overlaps).
 *
 * A bit stands for eight bytes.  A fragment that covers a byte already there forgets the whole datagram: no
 * honest sender makes one, and every known attack by fragments needs it (RFC 5722, section 4).
 */
#include "ip.h"

#define ECN_NONE	0u		/* RFC 3168, 5 */
#define ECN_CE		3u
#define TIMEOUT_US	(60u * (uint64_t)SECOND_US)	/* RFC 1122, 3.3.2: 60 to 120 s */

static uint8_t *
map_of(const struct bx_ip *ip, const struct reassembly *r)
{
	return ip->reassembly_map +
	    (size_t)(r - ip->reassemblies) * ((ip->config.reassembly_bytes + 63u) / 64u);
}

static uint8_t *
bytes_of(const struct bx_ip *ip, const struct reassembly *r)
{
	return ip->reassembly_bytes + (size_t)(r - ip->reassemblies) * ip->config.reassembly_bytes;
}

static void
forget(struct bx_ip *ip, struct reassembly *r)
{
	if (r->complete)
		ip->whole_count--;
	*r = (struct reassembly){ 0 };
}

/* The datagram that a fragment belongs to, a new one if need be; the oldest unfinished gives way.  NULL: all are
 * complete and wait to be taken, or there is no room for any. */
static struct reassembly *
find(struct bx_ip *ip, uint64_t now_us, const struct bx_net_buf *buf, uint32_t id)
{
	struct reassembly *slot = NULL;

	for (uint32_t i = 0; i < ip->config.reassemblies; i++) {
		struct reassembly *r = &ip->reassemblies[i];

		if (r->used && !r->complete && r->id == id && r->protocol == buf->protocol &&
		    bx_net_addr_equal(&r->source, &buf->source) &&
		    bx_net_addr_equal(&r->destination, &buf->destination))
			return r;
		if (r->complete)
			continue;
		if (slot == NULL || !r->used || (slot->used && r->since_us < slot->since_us))
			slot = r;
	}
	if (slot == NULL)
		return NULL;
	if (slot->used)
		ip->stats.fragment_no_room++;
	*slot = (struct reassembly){
		.source = buf->source, .destination = buf->destination, .since_us = now_us, .id = id,
		.protocol = buf->protocol, .traffic_class = buf->traffic_class,
		.hop_limit = buf->hop_limit, .interface = buf->interface, .mtu = buf->mtu, .flags = buf->flags,
		.used = true,
	};
	memset(map_of(ip, slot), 0, (ip->config.reassembly_bytes + 63u) / 64u);
	ip->due_us = min_u64(ip->due_us, now_us + TIMEOUT_US);
	return slot;
}

/* Marks [offset, offset + length) as there; false if part of it was. */
static bool
mark(uint8_t *map, uint32_t offset, uint32_t length)
{
	uint32_t first = offset / 8, end = (offset + length + 7) / 8;

	for (uint32_t i = first; i < end; i++) {
		if ((map[i / 8] & 1u << i % 8) != 0)
			return false;
	}
	for (uint32_t i = first; i < end; i++)
		map[i / 8] |= (uint8_t)(1u << i % 8);
	return true;
}

/*
 * RFC 3168, 5.3: congestion met by any fragment is met by the datagram, but a datagram with a fragment that is Not-ECT
 * must not be marked: with CE beside it, it is dropped.  All the same: left so.  Mixtures without CE are left open there:
 * Not-ECT counts, for then nothing is marked that one part of it did not allow; of ECT(0) and ECT(1), ECT(1).
 */
static bool
ecn_merge(struct reassembly *r)
{
	static const uint8_t of[16] = { 0, 0, 1, 0, 2, 0, 1, 0, 3, 0, 3, 0, 3, 0, 3, 0 };

	if ((r->marks & (1u << ECN_NONE | 1u << ECN_CE)) == (1u << ECN_NONE | 1u << ECN_CE))
		return false;
	r->traffic_class = (uint8_t)((r->traffic_class & ~3u) | of[r->marks & 15]);
	return true;
}

/* All of it is here. */
static void
finish(struct bx_ip *ip, struct reassembly *r)
{
	if (!ecn_merge(r)) {
		ip->stats.fragment_ecn++;
		forget(ip, r);
		return;
	}
	r->complete = true;
	ip->whole_count++;
	ip->stats.reassembled++;
}

void
bx_ip_reassembly_add(struct bx_ip *ip, uint64_t now_us, const struct bx_net_batch *packets,
    const struct bx_net_buf *buf, uint32_t id, uint32_t offset, bool more, uint32_t next)
{
	uint32_t end = offset + buf->length;
	struct reassembly *r;

	/* All but the last are multiples of eight, none is empty, none ends beyond 64 KiB. */
	if (buf->length == 0 || (more && buf->length % 8 != 0) || end > IPV4_MAX - IPV4_HEAD) {
		ip->stats.fragment_bad++;
		return;
	}
	if (end > ip->config.reassembly_bytes) {
		ip->stats.fragment_too_big++;
		return;
	}
	r = find(ip, now_us, buf, id);
	if (r == NULL) {
		ip->stats.fragment_no_room++;
		return;
	}
	if (!mark(map_of(ip, r), offset, buf->length) || (!more && r->length != 0) ||
	    (r->length != 0 && end > r->length)) {
		ip->stats.fragment_overlap++;
		forget(ip, r);
		return;
	}
	memcpy(bytes_of(ip, r) + offset, bx_net_bytes(packets, buf), buf->length);
	r->have += buf->length;
	if (offset == 0) {
		r->next = (uint8_t)next;
		r->first_length = (uint16_t)buf->length;
	}
	r->marks |= (uint8_t)(1u << (buf->traffic_class & 3));
	if (!more)
		r->length = end;
	if (r->length != 0 && r->have > r->length) {
		/* Something lies beyond the last fragment. */
		ip->stats.fragment_overlap++;
		forget(ip, r);
	} else if (r->length != 0 && r->have == r->length) {
		finish(ip, r);
	}
}

bool
bx_ip_whole_ready(const struct bx_ip *ip)
{
	return ip->whole_count != 0;
}

/* What the stage itself answers does not go up. */
static void
hand_on(struct bx_ip *ip, uint64_t now_us, const struct reassembly *r, struct bx_net_batch *batch,
    struct bx_net_buf *buf, struct bx_net_batch *replies)
{
	buf->source = r->source;
	buf->destination = r->destination;
	buf->protocol = r->protocol;
	buf->traffic_class = r->traffic_class;
	buf->hop_limit = r->hop_limit;
	buf->interface = r->interface;
	buf->mtu = r->mtu;
	buf->flags = r->flags & (BX_NET_F_BROADCAST | BX_NET_F_MULTICAST);
	if (r->protocol == PROTOCOL_FRAGMENT) {
		bx_ip_ipv6_whole(ip, now_us, batch, buf, r->next, replies);
	} else if (r->protocol == PROTOCOL_ICMP) {
		buf->kind = BX_NET_NONE;
		bx_ip_icmpv4_receive(ip, now_us, batch, buf, replies);
	} else {
		buf->kind = BX_NET_SEGMENT;
		ip->stats.segments_in++;
	}
}

void
bx_ip_whole_take(struct bx_ip *ip, uint64_t now_us, struct bx_net_batch *batch, struct bx_net_batch *replies)
{
	for (uint32_t i = 0; i < ip->config.reassemblies && ip->whole_count != 0; i++) {
		struct reassembly *r = &ip->reassemblies[i];
		struct bx_net_buf *buf;

		if (!r->complete)
			continue;
		buf = bx_net_batch_add(batch, r->length);
		if (buf == NULL && batch->count != 0)
			return;
		if (buf == NULL) {
			ip->stats.fragment_too_big++;
			forget(ip, r);
			continue;
		}
		memcpy(bx_net_bytes(batch, buf), bytes_of(ip, r), r->length);
		hand_on(ip, now_us, r, batch, buf, replies);
		forget(ip, r);
	}
}

/* RFC 1122, 3.3.2; RFC 8200, 4.5: the sender is told, if the first fragment is here to be quoted. */
static void
tell(struct bx_ip *ip, uint64_t now_us, const struct reassembly *r, struct bx_net_batch *out)
{
	uint8_t bytes[IPV6_HEAD + IPV6_FRAGMENT_HEAD + 64];
	uint32_t quote = min_u32(r->first_length, 64);
	uint8_t *p = bytes + IPV6_HEAD;
	struct bx_net_batch batch = { .memory = bytes_of(ip, r), .size = quote };
	struct bx_net_buf buf = {
		.end = quote, .length = quote, .source = r->source, .destination = r->destination,
		.protocol = r->protocol, .traffic_class = r->traffic_class, .hop_limit = r->hop_limit,
		.flags = r->flags,
	};
	struct quote q = {
		.bytes = bytes, .length = IPV6_HEAD + IPV6_FRAGMENT_HEAD + quote, .source = r->source,
		.destination = r->destination, .flags = r->flags,
	};

	if (quote < 8)
		return;
	if (r->protocol != PROTOCOL_FRAGMENT) {
		bx_ip_icmpv4_timeout(ip, now_us, &batch, &buf, out);
		return;
	}
	bx_ip_ipv6_head(bytes, &r->source, &r->destination, r->traffic_class, 0,
	    (uint32_t)r->first_length + IPV6_FRAGMENT_HEAD, PROTOCOL_FRAGMENT, r->hop_limit);
	bx_put_be32(p, (uint32_t)r->next << 24 | 1u);
	bx_put_be32(p + 4, r->id);
	memcpy(p + IPV6_FRAGMENT_HEAD, batch.memory, quote);
	bx_ip_icmpv6_error(ip, now_us, &q, 3, 1, 0, out);
}

void
bx_ip_reassembly_poll(struct bx_ip *ip, uint64_t now_us, struct bx_net_batch *out)
{
	for (uint32_t i = 0; i < ip->config.reassemblies; i++) {
		struct reassembly *r = &ip->reassemblies[i];

		if (!r->used || r->complete)
			continue;
		if (now_us - r->since_us >= TIMEOUT_US) {
			ip->stats.reassembly_timeout++;
			tell(ip, now_us, r, out);
			forget(ip, r);
		} else {
			ip->due_us = min_u64(ip->due_us, r->since_us + TIMEOUT_US);
		}
	}
}
