/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * nd.c -- the messages of neighbour discovery (RFC 4861, 4), checked before anything believes them.
 *
 *   solicitation     135: 4 reserved | 8 target | 24 options
 *   advertisement    136: 4 router, solicited, override in bits 31..29 | 8 target | 24 options
 *   redirect         137: 4 reserved | 8 target | 24 destination | 40 options
 *   option           0 type | 1 length in eights | 2 content
 */
#include "ip.h"

#define ND_ROUTER_SOLICIT	133u
#define ND_ROUTER_ADVERT	134u
#define ND_SOLICIT		135u
#define ND_ADVERT		136u
#define ND_REDIRECT		137u
#define ND_HOPS			255u	/* RFC 4861, 3.1: so it comes from this link */
#define OPTION_SOURCE		1u
#define OPTION_TARGET		2u
#define OPTIONS_MAX		32u

#define ADVERT_ROUTER		0x80000000u
#define ADVERT_SOLICITED	0x40000000u
#define ADVERT_OVERRIDE		0x20000000u

/* Whether all options are whole (a length of zero is not: RFC 4861, 4.6); link addresses found are told. */
static bool
options_are_good(const uint8_t *p, uint32_t length, const uint8_t **source, const uint8_t **target)
{
	*source = *target = NULL;
	for (uint32_t n = 0; length != 0; n++) {
		uint32_t size;

		if (n == OPTIONS_MAX || length < 8)
			return false;
		size = p[1] * 8u;
		if (size == 0 || size > length)
			return false;
		if (p[0] == OPTION_SOURCE && *source == NULL)
			*source = p + 2;
		else if (p[0] == OPTION_TARGET && *target == NULL)
			*target = p + 2;
		p += size;
		length -= size;
	}
	return true;
}

static void
link_option(uint8_t *p, uint32_t type, const uint8_t mac[6])
{
	p[0] = (uint8_t)type;
	p[1] = 1;
	memcpy(p + 2, mac, 6);
}

bool
bx_ip_nd_solicit(struct bx_ip *ip, uint8_t interface, const struct bx_net_addr *source,
    const struct bx_net_addr *to, const struct bx_net_addr *target, const uint8_t *mac, struct bx_net_batch *out)
{
	/* RFC 4861, 7.2.2: from the unspecified address nothing is told about ours. */
	uint32_t length = bx_net_addr_is_any(source) ? 24 : 32;
	struct bx_net_buf *buf = bx_net_batch_add(out, length);
	uint8_t *p;

	if (buf == NULL) {
		ip->stats.no_room_out++;
		return false;
	}
	p = bx_net_bytes(out, buf);
	memset(p, 0, length);
	p[0] = ND_SOLICIT;
	memcpy(p + 8, target->byte, 16);
	if (length == 32)
		link_option(p + 24, OPTION_SOURCE, ip->interfaces[interface].mac);
	bx_ip_icmpv6_finish(ip, out, buf, interface, source, to);
	if (mac != NULL) {
		buf->flags |= BX_NET_F_LINK_KNOWN;
		memcpy(buf->source.byte, mac, 6);
	}
	ip->stats.nd_out++;
	return true;
}

/* RFC 4861, 7.2.4: to who asked, or to all if the asker has no address yet. */
static void
advertise(struct bx_ip *ip, uint64_t now_us, const struct bx_net_buf *request,
    const struct bx_net_addr *target, struct bx_net_batch *out)
{
	struct bx_net_addr all = addr_link_group(1);
	bool anonymous = bx_net_addr_is_any(&request->source);
	struct bx_net_buf *buf = bx_net_batch_add(out, 32);
	uint8_t *p;

	if (buf == NULL) {
		ip->stats.no_room_out++;
		return;
	}
	p = bx_net_bytes(out, buf);
	memset(p, 0, 32);
	p[0] = ND_ADVERT;
	bx_put_be32(p + 4, ADVERT_OVERRIDE | (anonymous ? 0 : ADVERT_SOLICITED));
	memcpy(p + 8, target->byte, 16);
	link_option(p + 24, OPTION_TARGET, ip->interfaces[request->interface].mac);
	bx_ip_icmpv6_finish(ip, out, buf, request->interface, target, anonymous ? &all : &request->source);
	ip->stats.nd_out++;
	bx_ip_neighbour_resolve(ip, now_us, out, buf, out);
}

/* RFC 4861, 7.1.1 and 7.2.3; RFC 4862, 5.4.3. */
static bool
solicit(struct bx_ip *ip, uint64_t now_us, const uint8_t *icmp, const struct bx_net_buf *buf,
    struct bx_net_batch *replies)
{
	bool anonymous = bx_net_addr_is_any(&buf->source);
	const uint8_t *source, *unused;
	const struct address *own;
	struct bx_net_addr target;
	struct address *tentative;

	if (buf->length < 24 || !options_are_good(icmp + 24, buf->length - 24, &source, &unused))
		return false;
	target = addr_from(icmp + 8);
	if (bx_net_addr_is_group(&target))
		return false;
	if (anonymous && (source != NULL || buf->destination.byte[0] != 0xff || buf->destination.byte[12] != 0xff))
		return false;
	tentative = bx_ip_tentative_find(ip, &target);
	if (tentative != NULL && tentative->interface == buf->interface) {
		/* Somebody tests the same address; who merely looks for it finds nobody yet. */
		if (anonymous)
			bx_ip_tentative_conflict(ip, now_us, tentative);
		return true;
	}
	own = bx_ip_address_find(ip, &target);
	if (own == NULL || own->interface != buf->interface)
		return true;
	if (source != NULL)
		bx_ip_neighbour_hear(ip, now_us, buf->interface, &buf->source, source, replies);
	advertise(ip, now_us, buf, &target, replies);
	return true;
}

/* RFC 4861, 7.1.2 and 7.2.5; RFC 4862, 5.4.4. */
static bool
advert(struct bx_ip *ip, uint64_t now_us, const uint8_t *icmp, const struct bx_net_buf *buf,
    struct bx_net_batch *replies)
{
	uint32_t flags = bx_get_be32(icmp + 4);
	const uint8_t *mac, *unused;
	struct bx_net_addr target;
	struct address *tentative;
	struct nd_neighbour *n;

	if (buf->length < 24 || !options_are_good(icmp + 24, buf->length - 24, &unused, &mac))
		return false;
	target = addr_from(icmp + 8);
	if (bx_net_addr_is_group(&target) ||
	    (bx_net_addr_is_group(&buf->destination) && (flags & ADVERT_SOLICITED) != 0))
		return false;
	tentative = bx_ip_tentative_find(ip, &target);
	if (tentative != NULL && tentative->interface == buf->interface) {
		bx_ip_tentative_conflict(ip, now_us, tentative);
		return true;
	}
	if (bx_ip_is_own(ip, &target)) {
		/* RFC 4862, 5.4.4: too late to step back; it is counted, for who runs the network. */
		ip->stats.duplicates++;
		return true;
	}
	n = bx_ip_neighbour_find(ip, buf->interface, &target);
	if (n != NULL)
		bx_ip_neighbour_answer(ip, now_us, n, mac, (flags & ADVERT_ROUTER) != 0,
		    (flags & ADVERT_SOLICITED) != 0, (flags & ADVERT_OVERRIDE) != 0, replies);
	return true;
}

/* RFC 4861, 8.1 and 8.3. */
static bool
redirect(struct bx_ip *ip, uint64_t now_us, const uint8_t *icmp, const struct bx_net_buf *buf,
    struct bx_net_batch *replies)
{
	struct bx_net_addr target, destination;
	const uint8_t *mac, *unused;
	struct nd_neighbour *n;

	if (buf->length < 40 || !addr_is_link_local(&buf->source) ||
	    !options_are_good(icmp + 40, buf->length - 40, &unused, &mac))
		return false;
	target = addr_from(icmp + 8);
	destination = addr_from(icmp + 24);
	if (bx_net_addr_is_group(&destination) || bx_net_addr_is_ipv4(&destination) ||
	    (!addr_is_link_local(&target) && !bx_net_addr_equal(&target, &destination)))
		return false;
	if (!bx_ip_path_redirect(ip, now_us, &destination, &buf->source, &target))
		return false;
	if (mac != NULL) {
		n = bx_ip_neighbour_hear(ip, now_us, buf->interface, &target, mac, replies);
		if (n != NULL && !bx_net_addr_equal(&target, &destination))
			n->router = true;
	}
	return true;
}

/* RFC 4861, 6.1.2. */
static bool
router_advert(struct bx_ip *ip, uint64_t now_us, const uint8_t *icmp, const struct bx_net_buf *buf,
    struct bx_net_batch *replies)
{
	const uint8_t *source, *unused;
	struct nd_neighbour *n;

	if (buf->length < 16 || !addr_is_link_local(&buf->source) ||
	    !options_are_good(icmp + 16, buf->length - 16, &source, &unused))
		return false;
	if ((ip->interfaces[buf->interface].flags & BX_IP_IPV6_ROUTERS) == 0)
		return true;
	if (source != NULL) {
		n = bx_ip_neighbour_hear(ip, now_us, buf->interface, &buf->source, source, replies);
		if (n != NULL)
			n->router = true;
	}
	bx_ip_router_advert(ip, now_us, icmp, buf);
	return true;
}

void
bx_ip_nd_receive(struct bx_ip *ip, uint64_t now_us, const struct bx_net_batch *packets,
    const struct bx_net_buf *buf, struct bx_net_batch *replies)
{
	const uint8_t *icmp = bx_net_bytes(packets, buf);
	bool good = false;

	ip->stats.nd_in++;
	if (buf->hop_limit == ND_HOPS && icmp[1] == 0) {
		switch (icmp[0]) {
		case ND_SOLICIT:
			good = solicit(ip, now_us, icmp, buf, replies);
			break;
		case ND_ADVERT:
			good = advert(ip, now_us, icmp, buf, replies);
			break;
		case ND_REDIRECT:
			good = redirect(ip, now_us, icmp, buf, replies);
			break;
		case ND_ROUTER_ADVERT:
			good = router_advert(ip, now_us, icmp, buf, replies);
			break;
		default:
			/* RFC 4861, 6.2.6: a host has no use for a router solicitation. */
			good = icmp[0] == ND_ROUTER_SOLICIT;
			break;
		}
	}
	if (!good)
		ip->stats.nd_bad++;
}
