/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * conflict.c -- own IPv4 addresses: probing, announcing, defending (RFC 5227).
 */
#include "link.h"

/* RFC 5227, 1.1. */
#define PROBE_WAIT_US		SECOND_US
#define PROBE_NUM		3u
#define PROBE_MIN_US		SECOND_US
#define PROBE_MAX_US		(2u * SECOND_US)
#define ANNOUNCE_WAIT_US	(2u * SECOND_US)
#define ANNOUNCE_NUM		2u
#define ANNOUNCE_INTERVAL_US	(2u * SECOND_US)
#define DEFEND_INTERVAL_US	(10u * SECOND_US)

static struct own *
own_find(struct bx_link *link, uint32_t ip)
{
	for (uint32_t i = 0; i < link->own_used; i++) {
		if (link->own[i].state != BX_LINK_ADDRESS_NONE && link->own[i].ip == ip)
			return &link->own[i];
	}
	return NULL;
}

uint32_t
bx_link_own_any(const struct bx_link *link)
{
	for (uint32_t i = 0; i < link->own_used; i++) {
		if (link->own[i].state == BX_LINK_ADDRESS_OURS)
			return link->own[i].ip;
	}
	return 0;
}

enum bx_err
bx_link_address_add(struct bx_link *link, uint64_t now_us, const struct bx_net_addr *address, bool probe)
{
	uint32_t ip = bx_get_be32(address->byte + 12);
	struct own *own = NULL;

	if (!bx_net_addr_is_ipv4(address) || bx_net_addr_is_any(address) || bx_net_addr_is_group(address))
		return BX_ERR_INVALID;
	if (own_find(link, ip) != NULL)
		return BX_ERR_EXISTS;
	for (uint32_t i = 0; i < BX_LINK_ADDRESSES && own == NULL; i++) {
		if (link->own[i].state == BX_LINK_ADDRESS_NONE)
			own = &link->own[i];
	}
	if (own == NULL)
		return BX_ERR_NO_MEMORY;
	*own = (struct own){ .ip = ip, .state = BX_LINK_ADDRESS_OURS, .when_us = now_us };
	link->own_used = max_u32(link->own_used, (uint32_t)(own - link->own) + 1u);
	if (probe) {
		own->state = BX_LINK_ADDRESS_PROBING;
		own->when_us = now_us + random_next(&link->random) % PROBE_WAIT_US;
	}
	link_due(link, own->when_us);
	return BX_OK;
}

void
bx_link_address_remove(struct bx_link *link, const struct bx_net_addr *address)
{
	struct own *own = own_find(link, bx_get_be32(address->byte + 12));

	if (own != NULL && bx_net_addr_is_ipv4(address))
		*own = (struct own){ 0 };
}

enum bx_link_address_state
bx_link_address_state(const struct bx_link *link, const struct bx_net_addr *address)
{
	uint32_t ip = bx_get_be32(address->byte + 12);

	for (uint32_t i = 0; i < link->own_used; i++) {
		if (link->own[i].ip == ip && bx_net_addr_is_ipv4(address))
			return (enum bx_link_address_state)link->own[i].state;
	}
	return BX_LINK_ADDRESS_NONE;
}

/* Another host claims an address that we use: RFC 5227, 2.4 (b). */
static void
own_defend(struct bx_link *link, uint64_t now_us, struct own *own, struct bx_net_batch *replies)
{
	if (own->contested && now_us - own->contested_us < DEFEND_INTERVAL_US) {
		own->state = BX_LINK_ADDRESS_CONFLICT;
		return;
	}
	own->contested = true;
	own->contested_us = now_us;
	bx_link_arp_announce(link, own->ip, own->ip, replies);
}

/* Another host is `sender`, and asks for `target`. */
static void
own_contest(struct bx_link *link, uint64_t now_us, struct own *own, uint32_t sender, uint32_t target,
    struct bx_net_batch *replies)
{
	if (own->state == BX_LINK_ADDRESS_PROBING) {
		/* 2.1.1: somebody uses it, or probes for it as we do. */
		if (sender == own->ip || (sender == 0 && target == own->ip)) {
			own->state = BX_LINK_ADDRESS_CONFLICT;
			link->stats.conflicts++;
		}
	} else if (own->state == BX_LINK_ADDRESS_OURS && sender == own->ip) {
		link->stats.conflicts++;
		own_defend(link, now_us, own, replies);
	}
}

uint32_t
bx_link_own_check(struct bx_link *link, uint64_t now_us, uint32_t sender, uint32_t target,
    struct bx_net_batch *replies)
{
	uint32_t found = 0;

	for (uint32_t i = 0; i < link->own_used; i++) {
		struct own *own = &link->own[i];

		if (own->ip != sender && own->ip != target)
			continue;
		if (own->state != BX_LINK_ADDRESS_OURS || own->ip == sender)
			own_contest(link, now_us, own, sender, target, replies);
		if (own->state == BX_LINK_ADDRESS_OURS)
			found |= (own->ip == target ? OWN_TARGET : 0) | (own->ip == sender ? OWN_SENDER : 0);
	}
	return found;
}

/* The next step of an address whose time has come. */
static void
own_step(struct bx_link *link, uint64_t now_us, struct own *own, struct bx_net_batch *out)
{
	if (own->state == BX_LINK_ADDRESS_PROBING && own->sent == PROBE_NUM) {
		own->state = BX_LINK_ADDRESS_OURS;
		own->sent = 0;
	}
	own->sent++;
	if (own->state == BX_LINK_ADDRESS_OURS) {
		bx_link_arp_announce(link, own->ip, own->ip, out);
		own->when_us = now_us + ANNOUNCE_INTERVAL_US;
		return;
	}
	bx_link_arp_announce(link, 0, own->ip, out);
	own->when_us = now_us + ANNOUNCE_WAIT_US;
	if (own->sent < PROBE_NUM)
		own->when_us = now_us + PROBE_MIN_US +
		    random_next(&link->random) % (PROBE_MAX_US - PROBE_MIN_US);
}

void
bx_link_own_poll(struct bx_link *link, uint64_t now_us, struct bx_net_batch *out)
{
	for (uint32_t i = 0; i < link->own_used; i++) {
		struct own *own = &link->own[i];
		bool waits = own->state == BX_LINK_ADDRESS_PROBING ||
		    (own->state == BX_LINK_ADDRESS_OURS && own->sent < ANNOUNCE_NUM);

		if (waits && now_us >= own->when_us) {
			own_step(link, now_us, own, out);
			waits = own->state == BX_LINK_ADDRESS_PROBING || own->sent < ANNOUNCE_NUM;
		}
		if (waits)
			link_due(link, own->when_us);
	}
}
