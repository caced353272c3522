/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * ipv6_in.c -- IPv6 packets that came up (RFC 8200, 3 and 4).
 *
 *   0 version 6, traffic class, flow label | 4 payload length | 6 next header | 7 hop limit
 *   8 source | 24 destination | 40 extension headers, or what the packet carries
 *
 * At most EXTENSIONS_MAX extension headers and OPTIONS_MAX options in each are walked (RFC 8504, 5.3); a packet with
 * more is dropped.
 */
#include "ip.h"

#define EXTENSIONS_MAX		8u
#define OPTIONS_MAX		16u
#define OPTION_PAD1		0u
#define OPTION_PADN		1u
#define OPTION_ROUTER_ALERT	5u
#define PARAMETER_PROBLEM	4u	/* ICMPv6, RFC 4443, 3.4 */
#define BAD_FIELD		0u
#define BAD_NEXT		1u
#define BAD_OPTION		2u
#define BAD_FIRST_FRAGMENT	3u	/* RFC 7112, 5 */

/* Where the walk through the headers is. */
struct walk {
	const struct quote *quote;	/* the packet, for errors; NULL if it is gone */
	uint32_t at;			/* offset of the header in the packet */
	uint32_t next;			/* what it is */
	uint32_t next_at;		/* where that is said */
};

static void
problem(struct bx_ip *ip, uint64_t now_us, const struct walk *w, uint32_t code, uint32_t at,
    struct bx_net_batch *replies)
{
	if (w->quote != NULL)
		bx_ip_icmpv6_error(ip, now_us, w->quote, PARAMETER_PROBLEM, code, at, replies);
}

/* An option that we do not know: its two highest bits say what is to be done (RFC 8200, 4.2).  True: pass over it. */
static bool
option_unknown(struct bx_ip *ip, uint64_t now_us, const struct walk *w, uint32_t type, uint32_t at,
    struct bx_net_batch *replies)
{
	bool to_group = w->quote != NULL && bx_net_addr_is_group(&w->quote->destination);

	if (type >> 6 == 0)
		return true;
	ip->stats.extension_unknown++;
	if (type >> 6 == 2 || (type >> 6 == 3 && !to_group))
		problem(ip, now_us, w, BAD_OPTION, at, replies);
	return false;
}

/* The options of a hop-by-hop or destination header of `size` bytes (RFC 8200, 4.2). */
static bool
options_are_good(struct bx_ip *ip, uint64_t now_us, const struct walk *w, const uint8_t *header,
    uint32_t size, struct bx_net_batch *replies)
{
	uint32_t at = 2;

	for (uint32_t n = 0; at < size; n++) {
		uint32_t length;

		if (n == OPTIONS_MAX) {
			ip->stats.extension_bad++;
			return false;
		}
		if (header[at] == OPTION_PAD1) {
			at++;
			continue;
		}
		if (size - at < 2 || header[at + 1] > size - at - 2) {
			ip->stats.extension_bad++;
			return false;
		}
		length = 2u + header[at + 1];
		if (header[at] != OPTION_PADN && header[at] != OPTION_ROUTER_ALERT &&
		    !option_unknown(ip, now_us, w, header[at], w->at + at, replies))
			return false;
		at += length;
	}
	return true;
}

bool
bx_ip_ipv6_skip(const uint8_t *bytes, uint32_t length, uint32_t *next, uint32_t *size)
{
	if (*next != PROTOCOL_HOPOPTS && *next != PROTOCOL_ROUTING && *next != PROTOCOL_DSTOPTS)
		return false;
	if (length < 8 || (bytes[1] + 1u) * 8u > length)
		return false;
	*next = bytes[0];
	*size = (bytes[1] + 1u) * 8u;
	return true;
}

/* RFC 7112, 5: a first fragment has all headers, the transport header too. */
static bool
chain_is_whole(const uint8_t *bytes, uint32_t length, uint32_t next)
{
	uint32_t size;

	for (uint32_t n = 0; n < EXTENSIONS_MAX && bx_ip_ipv6_skip(bytes, length, &next, &size); n++) {
		bytes += size;
		length -= size;
	}
	switch (next) {
	case PROTOCOL_TCP:
		return length >= 20;
	case PROTOCOL_UDP:
	case PROTOCOL_ICMPV6:
		return length >= 8;
	case PROTOCOL_HOPOPTS:
	case PROTOCOL_ROUTING:
	case PROTOCOL_DSTOPTS:
	case PROTOCOL_FRAGMENT:
		return false;
	default:
		return true;
	}
}

/*
 * A fragment header (RFC 8200, 4.5), at the front of the content.
 *   0 next header | 1 reserved | 2 offset in bytes, more fragments in bit 0 | 4 identification
 * True: it is all of the packet (RFC 6946), go on.
 */
static bool
fragment(struct bx_ip *ip, uint64_t now_us, struct bx_net_batch *packets, struct bx_net_buf *buf,
    struct walk *w, struct bx_net_batch *replies)
{
	const uint8_t *p = bx_net_bytes(packets, buf);
	uint32_t offset, content;
	bool more;

	if (buf->length < IPV6_FRAGMENT_HEAD) {
		ip->stats.extension_bad++;
		return false;
	}
	offset = bx_get_be16(p + 2) & 0xfff8u;
	more = (p[3] & 1) != 0;
	content = buf->length - IPV6_FRAGMENT_HEAD;
	bx_net_pull(buf, IPV6_FRAGMENT_HEAD);
	if (offset == 0 && !more) {
		w->next = p[0];
		w->next_at = w->at;
		w->at += IPV6_FRAGMENT_HEAD;
		return true;
	}
	ip->stats.fragments_in++;
	if (w->quote == NULL) {
		/* Fragments of a fragment: no honest host makes them. */
		ip->stats.fragment_bad++;
		return false;
	}
	if ((more && content % 8 != 0) || offset + content > IPV4_MAX) {
		ip->stats.fragment_bad++;
		problem(ip, now_us, w, BAD_FIELD, more && content % 8 != 0 ? 4 : w->at + 2, replies);
		return false;
	}
	if (offset == 0 && !chain_is_whole(p + IPV6_FRAGMENT_HEAD, content, p[0])) {
		ip->stats.fragment_chain++;
		problem(ip, now_us, w, BAD_FIRST_FRAGMENT, 0, replies);
		return false;
	}
	buf->protocol = PROTOCOL_FRAGMENT;
	bx_ip_reassembly_add(ip, now_us, packets, buf, bx_get_be32(p + 4), offset, more, p[0]);
	return false;
}

/* A header with options, or for a router on the way: checked, and taken off.  False: the packet ends here. */
static bool
extension(struct bx_ip *ip, uint64_t now_us, const struct bx_net_batch *packets, struct bx_net_buf *buf,
    struct walk *w, struct bx_net_batch *replies)
{
	const uint8_t *p = bx_net_bytes(packets, buf);
	uint32_t kind = w->next, size;

	if (!bx_ip_ipv6_skip(p, buf->length, &w->next, &size)) {
		ip->stats.extension_bad++;
		return false;
	}
	if (kind == PROTOCOL_ROUTING && p[3] != 0) {
		/* RFC 8200, 4.4; RFC 5095, 3: no type is known, and none is left to be visited. */
		ip->stats.extension_unknown++;
		problem(ip, now_us, w, BAD_FIELD, w->at + 2, replies);
		return false;
	}
	if (kind != PROTOCOL_ROUTING && !options_are_good(ip, now_us, w, p, size, replies))
		return false;
	w->next_at = w->at;
	w->at += size;
	bx_net_pull(buf, size);
	return true;
}

static void
content(struct bx_ip *ip, uint64_t now_us, struct bx_net_batch *packets, struct bx_net_buf *buf,
    struct walk *w, struct bx_net_batch *replies)
{
	for (uint32_t n = 0; n <= EXTENSIONS_MAX; n++) {
		switch (w->next) {
		case PROTOCOL_TCP:
		case PROTOCOL_UDP:
			buf->protocol = (uint8_t)w->next;
			buf->kind = BX_NET_SEGMENT;
			ip->stats.segments_in++;
			return;
		case PROTOCOL_ICMPV6:
			buf->protocol = PROTOCOL_ICMPV6;
			bx_ip_icmpv6_receive(ip, now_us, packets, buf, replies);
			return;
		case PROTOCOL_NONE:
			return;
		case PROTOCOL_FRAGMENT:
			if (!fragment(ip, now_us, packets, buf, w, replies))
				return;
			break;
		case PROTOCOL_HOPOPTS:
		case PROTOCOL_ROUTING:
		case PROTOCOL_DSTOPTS:
			/* Hop-by-hop options stand right behind the header or nowhere (RFC 8200, 4.1). */
			if (w->next != PROTOCOL_HOPOPTS || w->at == IPV6_HEAD) {
				if (!extension(ip, now_us, packets, buf, w, replies))
					return;
				break;
			}
			/* fallthrough */
		default:
			ip->stats.extension_unknown++;
			problem(ip, now_us, w, BAD_NEXT, w->next_at, replies);
			return;
		}
	}
	ip->stats.extension_bad++;
}

void
bx_ip_ipv6_whole(struct bx_ip *ip, uint64_t now_us, struct bx_net_batch *packets, struct bx_net_buf *buf,
    uint32_t next, struct bx_net_batch *replies)
{
	struct walk w = { .at = IPV6_HEAD + IPV6_FRAGMENT_HEAD, .next = next };

	buf->kind = BX_NET_NONE;
	content(ip, now_us, packets, buf, &w, replies);
}

/* ::1, and IPv4 addresses in disguise, which no packet from a wire may have (RFC 4291, 2.5.3; RFC 4942, 2.2). */
static bool
is_inner(const struct bx_net_addr *a)
{
	return bx_net_addr_is_ipv4(a) ||
	    (bx_get_be64(a->byte) == 0 && bx_get_be64(a->byte + 8) == 1);
}

static bool
is_for_us(const struct bx_ip *ip, const struct bx_net_buf *buf, const struct bx_net_addr *destination)
{
	bool group_frame = (buf->flags & (BX_NET_F_BROADCAST | BX_NET_F_MULTICAST)) != 0;

	if (!bx_net_addr_is_group(destination))
		return !group_frame && bx_ip_is_own(ip, destination);
	/* Scopes 0 and 1 do not leave a host (RFC 4291, 2.7). */
	return group_frame && (destination->byte[1] & 0x0f) > 1 &&
	    bx_ip_group_has(ip, buf->interface, destination);
}

/* The fixed header; false if the packet ends here (counted).  Trims link padding. */
static bool
header_check(struct bx_ip *ip, const uint8_t *p, struct bx_net_buf *buf)
{
	uint32_t payload;

	if (buf->length < IPV6_HEAD) {
		ip->stats.bad_length++;
		return false;
	}
	if (p[0] >> 4 != 6) {
		ip->stats.bad_version++;
		return false;
	}
	payload = bx_get_be16(p + 4);
	if (payload > buf->length - IPV6_HEAD) {
		ip->stats.bad_length++;
		return false;
	}
	buf->length = IPV6_HEAD + payload;
	return true;
}

void
bx_ip_ipv6_receive(struct bx_ip *ip, uint64_t now_us, struct bx_net_batch *packets,
    struct bx_net_buf *buf, struct bx_net_batch *replies)
{
	const uint8_t *p = bx_net_bytes(packets, buf);
	struct quote quote;
	struct walk w = { .quote = &quote, .at = IPV6_HEAD, .next_at = 6 };

	buf->kind = BX_NET_NONE;
	if (buf->interface >= BX_IP_INTERFACES || ip->interfaces[buf->interface].mtu6 == 0) {
		ip->stats.not_for_us++;
		return;
	}
	if (!header_check(ip, p, buf))
		return;
	buf->source = addr_from(p + 8);
	buf->destination = addr_from(p + 24);
	if (!is_for_us(ip, buf, &buf->destination)) {
		ip->stats.not_for_us++;
		return;
	}
	if (bx_net_addr_is_group(&buf->source) || is_inner(&buf->source) || bx_ip_is_own(ip, &buf->source)) {
		ip->stats.bad_source++;
		return;
	}
	buf->traffic_class = (uint8_t)(bx_get_be16(p) >> 4);
	buf->hop_limit = p[7];
	quote = (struct quote){
		.bytes = p, .length = buf->length, .source = buf->source,
		.destination = buf->destination, .flags = buf->flags,
	};
	w.next = p[6];
	bx_net_pull(buf, IPV6_HEAD);
	content(ip, now_us, packets, buf, &w, replies);
}
