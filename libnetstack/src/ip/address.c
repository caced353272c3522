/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * address.c -- the own addresses.
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

/* Of the addresses of the family the one that shares the longest prefix with the destination; on a draw, the
 * first one given (RFC 1122, 3.3.4.3; RFC 6724, section 5, rule 8). */
const struct address *
bx_ip_address_pick(const struct bx_ip *ip, uint8_t interface, const struct bx_net_addr *destination)
{
	const struct address *best = NULL;
	uint32_t best_shared = 0;

	for (uint32_t i = 0; i < ip->address_count; i++) {
		const struct address *a = &ip->addresses[i];
		uint32_t shared = 0;

		if (a->interface != interface ||
		    bx_net_addr_is_ipv4(&a->addr) != bx_net_addr_is_ipv4(destination))
			continue;
		while (shared < a->prefix && bx_ip_prefix_equal(&a->addr, destination, shared + 1))
			shared++;
		if (best == NULL || shared > best_shared) {
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

/* The first `bits` bits, the rest zero. */
static struct bx_net_addr
network_of(const struct bx_net_addr *a, uint32_t bits)
{
	struct bx_net_addr n = { { 0 } };

	for (uint32_t i = 0; i < bits; i++)
		n.byte[i / 8] |= (uint8_t)(a->byte[i / 8] & 0x80u >> i % 8);
	return n;
}

enum bx_err
bx_ip_address_add(struct bx_ip *ip, uint8_t interface, const struct bx_net_addr *address, uint8_t prefix)
{
	struct address *slot = &ip->addresses[ip->address_count];
	struct route route;
	enum bx_err err;

	if (!bx_net_addr_is_ipv4(address))
		return BX_ERR_UNSUPPORTED;
	if (prefix > 32 || bx_net_addr_is_any(address) || bx_net_addr_is_group(address))
		return BX_ERR_INVALID;
	if (interface >= BX_IP_INTERFACES || ip->interfaces[interface].mtu == 0)
		return BX_ERR_RANGE;
	if (bx_ip_address_find(ip, address) != NULL)
		return BX_ERR_EXISTS;
	if (ip->address_count == BX_IP_ADDRESSES)
		return BX_ERR_NO_MEMORY;
	route = (struct route){
		.network = network_of(address, 96u + prefix),
		.prefix = (uint8_t)(96u + prefix),
		.interface = interface,
	};
	/* A second address of the same network shares its route. */
	err = bx_ip_route_insert(ip, &route);
	if (err != BX_OK && err != BX_ERR_EXISTS)
		return err;
	*slot = (struct address){
		.addr = *address, .ipv4 = bx_get_be32(address->byte + 12), .broadcast = 0xffffffffu,
		.prefix = route.prefix, .interface = interface,
	};
	ip->address_count++;
	/* /31 and /32 have no broadcast address of their own (RFC 3021). */
	if (prefix < 31)
		slot->broadcast = bx_get_be32(address->byte + 12) | (uint32_t)(0xffffffffu >> prefix);
	ip->generation++;
	return BX_OK;
}

enum bx_err
bx_ip_address_remove(struct bx_ip *ip, const struct bx_net_addr *address)
{
	const struct address *found = bx_ip_address_find(ip, address);
	struct bx_net_addr network;
	bool shared = false;
	struct address gone;
	uint32_t at;

	if (found == NULL)
		return BX_ERR_NOT_FOUND;
	gone = *found;
	at = (uint32_t)(found - ip->addresses);
	ip->address_count--;
	memmove(&ip->addresses[at], &ip->addresses[at + 1], (ip->address_count - at) * sizeof gone);
	network = network_of(&gone.addr, gone.prefix);
	for (uint32_t i = 0; i < ip->address_count; i++) {
		shared |= ip->addresses[i].prefix == gone.prefix &&
		    bx_ip_prefix_equal(&ip->addresses[i].addr, &network, gone.prefix);
	}
	ip->generation++;
	if (shared)
		return BX_OK;
	/* The caller may have removed the route already. */
	(void)bx_ip_route_drop(ip, &network, gone.prefix);
	return BX_OK;
}
