/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * router.c -- router discovery of a host (RFC 4861, 6.3; preferences of RFC 4191).
 *
 *   advertisement 134: 4 hop limit | 5 flags, preference in bits 4..3 | 6 lifetime, s | 8 reachable time, ms
 *                      12 retransmission timer, ms | 16 options
 *   prefix          3: 2 bits | 3 on link, autonomous in bits 7..6 | 4 valid, s | 8 preferred, s | 16 prefix
 *   MTU             5: 4 MTU
 */
#include "ip.h"

#define ROUTER_SOLICIT		133u
#define OPTION_SOURCE		1u
#define OPTION_PREFIX		3u
#define OPTION_MTU		5u
#define PREFIX_ON_LINK		0x80u
#define PREFIX_AUTONOMOUS	0x40u
#define OPTIONS_MAX		32u
#define SOLICITATIONS		3u			/* MAX_RTR_SOLICITATIONS (RFC 4861, 10) */
#define INTERVAL_US		(4u * SECOND_US)	/* RTR_SOLICITATION_INTERVAL */
#define REACHABLE_MS		30000u			/* REACHABLE_TIME */

/* RFC 4191, 2.1: two bits, signed; 10 is medium by decree. */
static int8_t
preference_of(uint32_t flags)
{
	static const int8_t value[4] = { 0, 1, 0, -1 };

	return value[flags >> 3 & 3];
}

static struct router *
router_find(struct bx_ip *ip, uint8_t interface, const struct bx_net_addr *addr)
{
	for (uint32_t i = 0; i < BX_IP_ROUTERS; i++) {
		struct router *r = &ip->routers[i];

		if (r->used && r->interface == interface && bx_net_addr_equal(&r->addr, addr))
			return r;
	}
	return NULL;
}

/* RFC 4861, 6.3.6, and RFC 4191, 3.2: one that answers before one that does not, then by preference; among those that do
 * not, each in turn. */
void
bx_ip_router_choose(struct bx_ip *ip, uint64_t now_us)
{
	struct route route = { .learnt = true };
	const struct router *best = NULL;
	uint32_t start = ip->router_next++;

	for (uint32_t i = 0; i < BX_IP_ROUTERS; i++) {
		const struct router *r = &ip->routers[(start + i) % BX_IP_ROUTERS];

		if (!r->used)
			continue;
		if (best == NULL || (best->silent && !r->silent) ||
		    (best->silent == r->silent && r->preference > best->preference))
			best = r;
	}
	if (best != NULL) {
		route.gateway = best->addr;
		route.interface = best->interface;
		route.until_us = BX_IP_NEVER;
	}
	bx_ip_route_learn(ip, now_us, &route);
}

void
bx_ip_router_forget(struct bx_ip *ip, uint64_t now_us, uint8_t interface, const struct bx_net_addr *addr)
{
	struct router *r = router_find(ip, interface, addr);

	if (r == NULL)
		return;
	*r = (struct router){ 0 };
	bx_ip_router_choose(ip, now_us);
}

/* RFC 4861, 6.3.4: the list of default routers. */
static void
router_note(struct bx_ip *ip, uint64_t now_us, const uint8_t *icmp, const struct bx_net_buf *buf)
{
	uint64_t lifetime_us = bx_get_be16(icmp + 6) * (uint64_t)SECOND_US;
	struct router *r = router_find(ip, buf->interface, &buf->source);

	if (lifetime_us == 0) {
		bx_ip_router_forget(ip, now_us, buf->interface, &buf->source);
		return;
	}
	for (uint32_t i = 0; r == NULL && i < BX_IP_ROUTERS; i++) {
		if (!ip->routers[i].used)
			r = &ip->routers[i];
	}
	/* The first few are kept: whoever floods the link with routers gains no place of theirs. */
	if (r == NULL)
		return;
	*r = (struct router){
		.addr = buf->source, .until_us = now_us + lifetime_us, .interface = buf->interface,
		.preference = preference_of(icmp[5]), .used = true,
	};
	ip_due(ip, r->until_us);
	bx_ip_router_choose(ip, now_us);
}

/* RFC 4861, 6.3.4: reachable time is chosen anew, between half and one and a half of the base. */
static void
reachable_set(struct bx_ip *ip, struct interface *f, uint32_t base_ms)
{
	if (base_ms == f->base_reachable_ms)
		return;
	f->base_reachable_ms = base_ms;
	f->reachable_us = (base_ms / 2 + random_next(&ip->random) % (base_ms + 1)) * 1000u;
}

static void
parameters(struct bx_ip *ip, const uint8_t *icmp, struct interface *f)
{
	uint32_t reachable = bx_get_be32(icmp + 8), retrans = bx_get_be32(icmp + 12);

	if (icmp[4] != 0)
		f->hop_limit = icmp[4];
	/* RFC 4861, 6.2.1: at most an hour; a timer of less than 100 ms would be a flood. */
	if (reachable != 0 && reachable <= 3600000)
		reachable_set(ip, f, reachable);
	if (retrans >= 100 && retrans <= 60000)
		f->retrans_us = retrans * 1000u;
}

/* RFC 4861, 6.3.4, and RFC 4862, 5.5.3 (a) to (c). */
static void
prefix_note(struct bx_ip *ip, uint64_t now_us, const uint8_t *option, uint8_t interface)
{
	uint32_t valid = bx_get_be32(option + 4), preferred = bx_get_be32(option + 8);
	struct bx_net_addr prefix = addr_from(option + 16);
	struct route route = { .interface = interface, .learnt = true, .prefix = option[2] };

	if (option[1] != 4 || option[2] > 128 || addr_is_link_local(&prefix) || bx_net_addr_is_group(&prefix) ||
	    bx_net_addr_is_ipv4(&prefix) || option[2] == 0)
		return;
	prefix = bx_ip_network_of(&prefix, option[2]);
	if ((option[3] & PREFIX_ON_LINK) != 0) {
		route.network = prefix;
		route.until_us = valid == UINT32_MAX ? BX_IP_NEVER : now_us + valid * (uint64_t)SECOND_US;
		bx_ip_route_learn(ip, now_us, &route);
	}
	if ((option[3] & PREFIX_AUTONOMOUS) != 0 && option[2] == 64 && preferred <= valid)
		bx_ip_prefix_learn(ip, now_us, interface, &prefix, valid, preferred);
}

void
bx_ip_router_advert(struct bx_ip *ip, uint64_t now_us, const uint8_t *icmp, const struct bx_net_buf *buf)
{
	struct interface *f = &ip->interfaces[buf->interface];
	const uint8_t *p = icmp + 16;
	uint32_t left = buf->length - 16, mtu;

	parameters(ip, icmp, f);
	router_note(ip, now_us, icmp, buf);
	if (bx_get_be16(icmp + 6) != 0)
		f->solicit_us = BX_IP_NEVER;
	/* The options have been found to be whole. */
	for (uint32_t n = 0; n < OPTIONS_MAX && left >= 8; n++) {
		uint32_t size = p[1] * 8u;

		if (p[0] == OPTION_PREFIX) {
			prefix_note(ip, now_us, p, buf->interface);
		} else if (p[0] == OPTION_MTU) {
			mtu = bx_get_be32(p + 4);
			if (mtu >= BX_IP_MTU6_MIN && mtu <= f->mtu && mtu != f->mtu6) {
				f->mtu6 = (uint16_t)mtu;
				ip->generation++;
			}
		}
		p += size;
		left -= size;
	}
}

/* RFC 4861, 6.3.7: from the link-local address, or from none while it is under test. */
static void
solicit(struct bx_ip *ip, uint8_t interface, struct bx_net_batch *out)
{
	struct bx_net_addr routers = addr_link_group(2);
	const struct address *own = bx_ip_address_pick(ip, interface, &routers);
	struct bx_net_addr source = { { 0 } };
	struct bx_net_buf *buf = bx_net_batch_add(out, own == NULL ? 8 : 16);
	uint8_t *p;

	if (buf == NULL) {
		ip->stats.no_room_out++;
		return;
	}
	p = bx_net_bytes(out, buf);
	memset(p, 0, buf->length);
	p[0] = ROUTER_SOLICIT;
	if (own != NULL) {
		source = own->addr;
		p[8] = OPTION_SOURCE;
		p[9] = 1;
		memcpy(p + 10, ip->interfaces[interface].mac, 6);
	}
	bx_ip_icmpv6_finish(ip, out, buf, interface, &source, &routers);
	ip->stats.nd_out++;
}

static void
routers_expire(struct bx_ip *ip, uint64_t now_us)
{
	bool changed = false;

	for (uint32_t i = 0; i < BX_IP_ROUTERS; i++) {
		struct router *r = &ip->routers[i];

		if (r->used && now_us >= r->until_us) {
			*r = (struct router){ 0 };
			changed = true;
		} else if (r->used) {
			ip_due(ip, r->until_us);
		}
	}
	if (changed)
		bx_ip_router_choose(ip, now_us);
}

void
bx_ip_router_poll(struct bx_ip *ip, uint64_t now_us, struct bx_net_batch *out)
{
	routers_expire(ip, now_us);
	for (uint8_t i = 0; i < BX_IP_INTERFACES; i++) {
		struct interface *f = &ip->interfaces[i];

		if (f->mtu6 == 0 || f->solicit_us == BX_IP_NEVER)
			continue;
		if (now_us >= f->solicit_us) {
			solicit(ip, i, out);
			f->solicit_us = ++f->solicited < SOLICITATIONS ? now_us + INTERVAL_US : BX_IP_NEVER;
		}
		ip_due(ip, f->solicit_us);
	}
}

enum bx_err
bx_ip_ipv6_start(struct bx_ip *ip, uint64_t now_us, uint8_t interface, const uint8_t mac[6], uint32_t flags)
{
	struct bx_net_addr local = { { 0xfe, 0x80 } };
	struct address address = {
		.addr = local, .prefix = 64, .interface = interface, .learnt = true,
		.preferred_us = BX_IP_NEVER, .valid_us = BX_IP_NEVER,
	};
	struct route route = {
		.network = local, .prefix = 64, .interface = interface, .until_us = BX_IP_NEVER,
	};
	struct interface *f;
	enum bx_err err;

	if (ip->config.neighbours == 0)
		return BX_ERR_UNSUPPORTED;
	if (interface >= BX_IP_INTERFACES || ip->interfaces[interface].mtu == 0)
		return BX_ERR_RANGE;
	f = &ip->interfaces[interface];
	if ((mac[0] & 1) != 0 || (flags & ~(BX_IP_IPV6_ROUTERS | BX_IP_IPV6_SURE)) != 0 ||
	    f->mtu < BX_IP_MTU6_MIN)
		return BX_ERR_INVALID;
	if (f->mtu6 != 0)
		return BX_ERR_EXISTS;
	/* One link-local network for all links: a second interface shares the route (RFC 4007, 9 has no zones here). */
	err = bx_ip_route_insert(ip, &route);
	if (err != BX_OK && err != BX_ERR_EXISTS)
		return err;
	memcpy(f->mac, mac, 6);
	f->mtu6 = f->mtu;
	f->flags = (uint8_t)flags;
	f->hop_limit = HOP_LIMIT;
	f->retrans_us = SECOND_US;
	f->base_reachable_ms = 0;
	reachable_set(ip, f, REACHABLE_MS);
	f->solicited = 0;
	f->solicit_us = BX_IP_NEVER;
	if ((flags & BX_IP_IPV6_ROUTERS) != 0) {
		/* RFC 4861, 6.3.7: after a second's part, so that hosts that start together do not speak together; and
		 * after the test of the address. */
		f->solicit_us = now_us + ((flags & BX_IP_IPV6_SURE) != 0 ? 0 : 2u * SECOND_US) +
		    random_next(&ip->random) % SECOND_US;
		ip_due(ip, f->solicit_us);
	}
	err = bx_ip_tentative_add(ip, now_us, &address);
	if (err != BX_OK)
		f->mtu6 = 0;
	ip->generation++;
	return err;
}
