/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * address.c -- the own addresses of both families, and which of them to speak from.
 */
#include "ip.h"

const struct address *
bx_ip_address_find(const struct bx_ip *ip, const struct bx_net_addr *address)
{
	for (uint32_t i = 0; i < ip->address_count; i++) {
		if (bx_net_addr_equal(&ip->addresses[i].addr, address))
			return &ip->addresses[i];
	}
	return NULL;
}

bool
bx_ip_is_own(const struct bx_ip *ip, const struct bx_net_addr *address)
{
	return bx_ip_address_find(ip, address) != NULL;
}

/* RFC 4007, 4; RFC 6724, 3.1: how far an IPv6 address reaches. */
static uint32_t
scope_of(const struct bx_net_addr *a)
{
	if (a->byte[0] == 0xff)
		return a->byte[1] & 0x0fu;
	return addr_is_link_local(a) ? 2 : 14;
}

/* RFC 6724, 2.1, as far as a host without tunnels needs it: unique local addresses keep to their kind. */
static uint32_t
label_of(const struct bx_net_addr *a)
{
	return (a->byte[0] & 0xfe) == 0xfc ? 13 : 1;
}

/* Whether a is better than b for an IPv6 destination by the rules of RFC 6724, 5, before the one of the longest prefix;
 * 0: they are equal so far.  Rules 4, 5.5 and 7 have no meaning here, nor has rule 1: there is no way to an own address; all are
 * of one interface (rule 5). */
static int
compare(const struct address *a, const struct address *b, const struct bx_net_addr *destination)
{
	uint32_t scope = scope_of(destination), sa = scope_of(&a->addr), sb = scope_of(&b->addr);
	bool a_fits = label_of(&a->addr) == label_of(destination);
	bool b_fits = label_of(&b->addr) == label_of(destination);

	if (sa != sb)								/* rule 2 */
		return sa < sb ? (sa < scope ? -1 : 1) : (sb < scope ? 1 : -1);
	if (a->state != b->state)						/* rule 3 */
		return a->state == BX_IP_ADDRESS_PREFERRED ? 1 : -1;
	return (int)a_fits - (int)b_fits;					/* rule 6 */
}

/* Of the addresses of the family the best by the rules; on a draw the one that shares the longest prefix with the
 * destination, then the first one given (RFC 1122, 3.3.4.3; RFC 6724, 5, rule 8). */
const struct address *
bx_ip_address_pick(const struct bx_ip *ip, uint8_t interface, const struct bx_net_addr *destination)
{
	const struct address *best = NULL;
	uint32_t best_shared = 0;

	for (uint32_t i = 0; i < ip->address_count; i++) {
		const struct address *a = &ip->addresses[i];
		uint32_t shared = 0;
		int order;

		if (a->interface != interface ||
		    bx_net_addr_is_ipv4(&a->addr) != bx_net_addr_is_ipv4(destination))
			continue;
		while (shared < a->prefix && bx_ip_prefix_equal(&a->addr, destination, shared + 1))
			shared++;
		order = best == NULL ? 1 : bx_net_addr_is_ipv4(&a->addr) ? 0 : compare(a, best, destination);
		if (order > 0 || (order == 0 && shared > best_shared)) {
			best = a;
			best_shared = shared;
		}
	}
	return best;
}

bool
bx_ip_is_broadcast(const struct bx_ip *ip, uint32_t address)
{
	if (address == 0xffffffffu)
		return true;
	for (uint32_t i = 0; i < ip->address_count; i++) {
		if (ip->addresses[i].broadcast == address)
			return true;
	}
	return false;
}

struct bx_net_addr
bx_ip_network_of(const struct bx_net_addr *a, uint32_t bits)
{
	struct bx_net_addr n = { { 0 } };

	for (uint32_t i = 0; i < bits; i++)
		n.byte[i / 8] |= (uint8_t)(a->byte[i / 8] & 0x80u >> i % 8);
	return n;
}

enum bx_err
bx_ip_address_insert(struct bx_ip *ip, const struct address *address)
{
	struct route route = {
		.network = bx_ip_network_of(&address->addr, address->prefix), .prefix = address->prefix,
		.interface = address->interface, .until_us = BX_IP_NEVER,
	};
	enum bx_err err;

	if (ip->address_count == BX_IP_ADDRESSES)
		return BX_ERR_NO_MEMORY;
	/* A second address of the same network shares its route.  What is on the link with a learnt address the router
	 * says on its own (RFC 5942, 4). */
	err = address->learnt ? BX_OK : bx_ip_route_insert(ip, &route);
	if (err != BX_OK && err != BX_ERR_EXISTS)
		return err;
	ip->addresses[ip->address_count++] = *address;
	ip->generation++;
	return BX_OK;
}

static enum bx_err
address_add_ipv6(struct bx_ip *ip, uint8_t interface, const struct bx_net_addr *address, uint8_t prefix)
{
	const struct address new = {
		.addr = *address, .prefix = prefix, .interface = interface,
		.preferred_us = BX_IP_NEVER, .valid_us = BX_IP_NEVER,
	};

	if (ip->interfaces[interface].mtu6 == 0)
		return BX_ERR_UNSUPPORTED;
	if (bx_ip_tentative_find(ip, address) != NULL)
		return BX_ERR_EXISTS;
	return bx_ip_tentative_add(ip, 0, &new);
}

enum bx_err
bx_ip_address_add(struct bx_ip *ip, uint8_t interface, const struct bx_net_addr *address, uint8_t prefix)
{
	struct address new = {
		.addr = *address, .ipv4 = bx_get_be32(address->byte + 12), .broadcast = 0xffffffffu,
		.prefix = (uint8_t)(96u + prefix), .interface = interface, .state = BX_IP_ADDRESS_PREFERRED,
		.preferred_us = BX_IP_NEVER, .valid_us = BX_IP_NEVER,
	};
	bool ipv4 = bx_net_addr_is_ipv4(address);

	if (prefix > (ipv4 ? 32 : 128) || bx_net_addr_is_any(address) || bx_net_addr_is_group(address))
		return BX_ERR_INVALID;
	if (interface >= BX_IP_INTERFACES || ip->interfaces[interface].mtu == 0)
		return BX_ERR_RANGE;
	if (bx_ip_address_find(ip, address) != NULL)
		return BX_ERR_EXISTS;
	if (!ipv4)
		return address_add_ipv6(ip, interface, address, prefix);
	/* /31 and /32 have no broadcast address of their own (RFC 3021). */
	if (prefix < 31)
		new.broadcast = new.ipv4 | (uint32_t)(0xffffffffu >> prefix);
	return bx_ip_address_insert(ip, &new);
}

/* One that is not in use yet, or never will be. */
static enum bx_err
tentative_remove(struct bx_ip *ip, const struct bx_net_addr *address)
{
	for (uint32_t i = 0; i < ip->tentative_count; i++) {
		struct address *a = &ip->tentative[i];
		struct bx_net_addr group = addr_solicited(address);

		if (!bx_net_addr_equal(&a->addr, address))
			continue;
		if (a->state == BX_IP_ADDRESS_TENTATIVE)
			(void)!bx_ip_group_leave(ip, 0, a->interface, &group);
		bx_ip_tentative_drop(ip, a);
		return BX_OK;
	}
	return BX_ERR_NOT_FOUND;
}

enum bx_err
bx_ip_address_remove(struct bx_ip *ip, const struct bx_net_addr *address)
{
	const struct address *found = bx_ip_address_find(ip, address);
	struct bx_net_addr network, group;
	bool shared = false;
	struct address gone;
	uint32_t at;

	if (found == NULL)
		return tentative_remove(ip, address);
	gone = *found;
	at = (uint32_t)(found - ip->addresses);
	ip->address_count--;
	memmove(&ip->addresses[at], &ip->addresses[at + 1], (ip->address_count - at) * sizeof gone);
	network = bx_ip_network_of(&gone.addr, gone.prefix);
	for (uint32_t i = 0; i < ip->address_count; i++) {
		shared |= ip->addresses[i].prefix == gone.prefix && !ip->addresses[i].learnt &&
		    bx_ip_prefix_equal(&ip->addresses[i].addr, &network, gone.prefix);
	}
	ip->generation++;
	if (!bx_net_addr_is_ipv4(&gone.addr)) {
		group = addr_solicited(&gone.addr);
		(void)!bx_ip_group_leave(ip, 0, gone.interface, &group);
	}
	if (shared || gone.learnt)
		return BX_OK;
	/* The caller may have removed the route already. */
	(void)bx_ip_route_drop(ip, &network, gone.prefix);
	return BX_OK;
}

static enum bx_ip_address_state
state_of(const struct address *a, uint64_t now_us)
{
	if (a->state == BX_IP_ADDRESS_PREFERRED && now_us >= a->preferred_us)
		return BX_IP_ADDRESS_DEPRECATED;
	return (enum bx_ip_address_state)a->state;
}

enum bx_ip_address_state
bx_ip_address_state(const struct bx_ip *ip, uint64_t now_us, const struct bx_net_addr *address)
{
	const struct address *a = bx_ip_address_find(ip, address);

	for (uint32_t i = 0; a == NULL && i < ip->tentative_count; i++) {
		if (bx_net_addr_equal(&ip->tentative[i].addr, address))
			a = &ip->tentative[i];
	}
	return a == NULL ? BX_IP_ADDRESS_NONE : state_of(a, now_us);
}

bool
bx_ip_address_at(const struct bx_ip *ip, uint64_t now_us, uint32_t index, struct bx_ip_address *address)
{
	const struct address *a;

	if (index >= (uint32_t)ip->address_count + ip->tentative_count)
		return false;
	a = index < ip->address_count ? &ip->addresses[index] : &ip->tentative[index - ip->address_count];
	*address = (struct bx_ip_address){
		.address = a->addr, .preferred_until_us = a->preferred_us, .valid_until_us = a->valid_us,
		.state = state_of(a, now_us), .interface = a->interface, .learnt = a->learnt,
		.prefix = (uint8_t)(bx_net_addr_is_ipv4(&a->addr) ? a->prefix - 96 : a->prefix),
	};
	return true;
}
