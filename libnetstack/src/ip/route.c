/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * route.c -- the routing table, and the remembered paths in front of it.
 *
 * The table is sorted, longest prefix first; it is searched once for a destination, and the answer is kept in a
 * set-associative table of paths until the tables change or another destination needs the place.
 */
#include "ip.h"

#define LEARNT_MAX	8u
#define NARROW_US	(600u * (uint64_t)SECOND_US)	/* RFC 1191, 6.3: 10 minutes */

bool
bx_ip_prefix_equal(const struct bx_net_addr *a, const struct bx_net_addr *b, uint32_t prefix)
{
	uint32_t whole = prefix / 8, rest = prefix % 8;

	if (memcmp(a->byte, b->byte, whole) != 0)
		return false;
	return rest == 0 || ((a->byte[whole] ^ b->byte[whole]) & (0xff00u >> rest) & 0xffu) == 0;
}

enum bx_err
bx_ip_route_insert(struct bx_ip *ip, const struct route *route)
{
	uint32_t at = 0;

	for (uint32_t i = 0; i < ip->route_count; i++) {
		if (ip->routes[i].prefix == route->prefix &&
		    bx_net_addr_equal(&ip->routes[i].network, &route->network))
			return BX_ERR_EXISTS;
	}
	if (ip->route_count == ip->config.routes)
		return BX_ERR_NO_MEMORY;
	while (at < ip->route_count && ip->routes[at].prefix >= route->prefix)
		at++;
	memmove(&ip->routes[at + 1], &ip->routes[at], (ip->route_count - at) * sizeof *route);
	ip->routes[at] = *route;
	ip->route_count++;
	ip->generation++;
	return BX_OK;
}

enum bx_err
bx_ip_route_drop(struct bx_ip *ip, const struct bx_net_addr *network, uint32_t prefix)
{
	for (uint32_t i = 0; i < ip->route_count; i++) {
		if (ip->routes[i].prefix != prefix || !bx_net_addr_equal(&ip->routes[i].network, network))
			continue;
		memmove(&ip->routes[i], &ip->routes[i + 1],
		    (ip->route_count - i - 1u) * sizeof ip->routes[0]);
		ip->route_count--;
		ip->generation++;
		return BX_OK;
	}
	return BX_ERR_NOT_FOUND;
}

/* Routes that routers have told of: they cannot fill the table. */
static uint32_t
learnt_count(const struct bx_ip *ip)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < ip->route_count; i++)
		n += ip->routes[i].learnt;
	return n;
}

void
bx_ip_route_learn(struct bx_ip *ip, uint64_t now_us, const struct route *route)
{
	for (uint32_t i = 0; i < ip->route_count; i++) {
		struct route *r = &ip->routes[i];

		if (r->prefix != route->prefix || !bx_net_addr_equal(&r->network, &route->network))
			continue;
		if (!r->learnt)
			return;
		if (route->until_us <= now_us) {
			(void)bx_ip_route_drop(ip, &route->network, route->prefix);
			return;
		}
		if (!bx_net_addr_equal(&r->gateway, &route->gateway) || r->interface != route->interface)
			ip->generation++;
		*r = *route;
		ip_due(ip, route->until_us);
		return;
	}
	if (route->until_us <= now_us || learnt_count(ip) == LEARNT_MAX)
		return;
	/* A full table is the owner's matter: the router says it again. */
	(void)!bx_ip_route_insert(ip, route);
	ip_due(ip, route->until_us);
}

void
bx_ip_route_expire(struct bx_ip *ip, uint64_t now_us)
{
	for (uint32_t i = 0; i < ip->route_count;) {
		const struct route r = ip->routes[i];

		if (r.until_us <= now_us) {
			(void)bx_ip_route_drop(ip, &r.network, r.prefix);
			continue;
		}
		ip_due(ip, r.until_us);
		i++;
	}
}

enum bx_err
bx_ip_route_add(struct bx_ip *ip, const struct bx_net_addr *network, uint8_t prefix,
    const struct bx_net_addr *gateway, uint8_t interface)
{
	struct route route = {
		.network = *network, .gateway = *gateway, .prefix = prefix, .interface = interface,
		.until_us = BX_IP_NEVER,
	};
	bool ipv4 = bx_net_addr_is_ipv4(network);

	if (interface >= BX_IP_INTERFACES || ip->interfaces[interface].mtu == 0)
		return BX_ERR_RANGE;
	if (prefix > (ipv4 ? 32 : 128))
		return BX_ERR_INVALID;
	if (!ipv4 && ip->interfaces[interface].mtu6 == 0)
		return BX_ERR_UNSUPPORTED;
	if (ipv4)
		route.prefix = (uint8_t)(96u + prefix);
	for (uint32_t i = route.prefix; i < 128; i++) {
		if ((network->byte[i / 8] & 0x80u >> i % 8) != 0)
			return BX_ERR_INVALID;
	}
	if (bx_net_addr_is_group(gateway) ||
	    (!bx_net_addr_is_any(gateway) && bx_net_addr_is_ipv4(gateway) != ipv4))
		return BX_ERR_INVALID;
	return bx_ip_route_insert(ip, &route);
}

enum bx_err
bx_ip_route_remove(struct bx_ip *ip, const struct bx_net_addr *network, uint8_t prefix)
{
	return bx_ip_route_drop(ip, network, bx_net_addr_is_ipv4(network) ? 96u + prefix : prefix);
}

/* The longest packet of a family on an interface. */
static uint16_t
mtu_of(const struct bx_ip *ip, uint8_t interface, const struct bx_net_addr *destination)
{
	const struct interface *f = &ip->interfaces[interface];

	return bx_net_addr_is_ipv4(destination) ? f->mtu : f->mtu6;
}

/* What never leaves the host: its own addresses, and those of the loopback (RFC 1122, 3.2.1.3 (g); RFC 4291, 2.5.3). */
static bool
is_inside(const struct bx_ip *ip, const struct bx_net_addr *a)
{
	static const struct bx_net_addr loopback = { { [15] = 1 } };

	return bx_ip_is_own(ip, a) || bx_net_addr_equal(a, &loopback) || (bx_net_addr_is_ipv4(a) && a->byte[12] == 127);
}

/* Asks the tables.  Nothing here turns a packet round, so there is no way inside.  A limited broadcast or a group leaves by the
 * first interface that has an address. */
static bool
path_make(const struct bx_ip *ip, const struct bx_net_addr *destination, struct path *p)
{
	const struct address *own;
	const struct route *route = NULL;
	const uint32_t shortest = bx_net_addr_is_ipv4(destination) ? 96 : 0;

	*p = (struct path){ .destination = *destination, .next_hop = *destination, .interface = NO_INTERFACE };
	/* Mapped addresses are one corner of the 128-bit space: a default route of IPv6 is none of IPv4. */
	for (uint32_t i = 0; i < ip->route_count && route == NULL; i++) {
		if (ip->routes[i].prefix >= shortest && bx_ip_prefix_equal(&ip->routes[i].network, destination, ip->routes[i].prefix))
			route = &ip->routes[i];
	}
	if (bx_net_addr_is_group(destination)) {
		for (uint32_t i = BX_IP_INTERFACES; i-- > 0;) {
			if (mtu_of(ip, (uint8_t)i, destination) != 0)
				p->interface = (uint8_t)i;
		}
	} else if (route != NULL) {
		p->interface = route->interface;
		if (!bx_net_addr_is_any(&route->gateway))
			p->next_hop = route->gateway;
	}
	if (p->interface == NO_INTERFACE || is_inside(ip, destination))
		return false;
	/* A directed broadcast is a broadcast on the link too. */
	if (bx_net_addr_is_ipv4(destination) && bx_ip_is_broadcast(ip, bx_get_be32(destination->byte + 12)))
		p->next_hop = bx_net_ipv4(255, 255, 255, 255);
	own = bx_ip_address_pick(ip, p->interface, destination);
	if (own != NULL)
		p->source = own->addr;
	p->mtu = mtu_of(ip, p->interface, destination);
	p->generation = ip->generation;
	return true;
}

static struct path *
path_set(struct bx_ip *ip, const struct bx_net_addr *a)
{
	uint64_t h = mix64(bx_get_le64(a->byte + 8) ^ ip->key[0]) ^ bx_get_le64(a->byte);

	h = h * 0x9e3779b97f4a7c15u >> 32;
	return &ip->paths[(h & (ip->config.destinations - 1u)) & ~(uint64_t)(PATH_WAYS - 1u)];
}

struct path *
bx_ip_path_find(struct bx_ip *ip, uint64_t now_us, const struct bx_net_addr *destination)
{
	struct path *set = path_set(ip, destination), *slot = &set[0];

	for (uint32_t i = 0; i < PATH_WAYS; i++) {
		struct path *p = &set[i];

		if (p->generation == ip->generation && bx_net_addr_equal(&p->destination, destination)) {
			p->used = ++ip->path_clock;
			if (BX_UNLIKELY(p->narrow_until_us != 0 && now_us >= p->narrow_until_us)) {
				p->narrow_until_us = 0;
				p->mtu = mtu_of(ip, p->interface, destination);
			}
			return p;
		}
		if (p->generation != ip->generation || (slot->generation == ip->generation &&
		    ip->path_clock - p->used > ip->path_clock - slot->used))
			slot = p;
	}
	/* It may become one of IPv6. */
	if (slot == ip->last)
		ip->last = &ip->none;
	if (!path_make(ip, destination, slot)) {
		*slot = (struct path){ 0 };
		return NULL;
	}
	slot->used = ++ip->path_clock;
	return slot;
}

enum bx_err
bx_ip_path(struct bx_ip *ip, uint64_t now_us, const struct bx_net_addr *destination,
    struct bx_ip_path *path)
{
	const struct path *p = bx_ip_path_find(ip, now_us, destination);

	if (p == NULL || bx_net_addr_is_any(&p->source))
		return BX_ERR_NET_UNREACHABLE;
	*path = (struct bx_ip_path){ .source = p->source, .mtu = p->mtu, .interface = p->interface };
	return BX_OK;
}

void
bx_ip_path_narrow(struct bx_ip *ip, uint64_t now_us, const struct bx_net_addr *destination, uint32_t mtu)
{
	struct path *p = bx_ip_path_find(ip, now_us, destination);

	if (p == NULL)
		return;
	mtu = max_u32(mtu, bx_net_addr_is_ipv4(destination) ? BX_IP_MTU_MIN : BX_IP_MTU6_MIN);
	if (mtu < p->mtu) {
		p->mtu = (uint16_t)mtu;
		p->narrow_until_us = now_us + NARROW_US;
	}
}

bool
bx_ip_path_redirect(struct bx_ip *ip, uint64_t now_us, const struct bx_net_addr *destination,
    const struct bx_net_addr *from, const struct bx_net_addr *target)
{
	struct path *p = bx_ip_path_find(ip, now_us, destination);

	if (p == NULL || !bx_net_addr_equal(&p->next_hop, from))
		return false;
	p->next_hop = *target;
	return true;
}
