/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * autoconf.c -- own IPv6 addresses: made (RFC 7217), tested (RFC 4862, 5.4), aged (5.5.4).
 *
 *   TENTATIVE --silence after one solicitation--> PREFERRED --preferred lifetime--> DEPRECATED --valid lifetime--> gone
 *             --another host has it--> made again, at most IDGEN_RETRIES times; one that was given: DUPLICATE
 */
#include "ip.h"

#include "../sip.h"

#define TRANSMITS	1u			/* DupAddrDetectTransmits (RFC 4862, 5.1) */
#define IDGEN_RETRIES	3u			/* RFC 7217, 7 */
#define TWO_HOURS_US	(7200u * (uint64_t)SECOND_US)
#define LEARNT_MAX	6u			/* addresses made from prefixes: routers cannot fill the table */

/* Identifiers that stand for something else (RFC 5453, 3). */
static bool
id_is_reserved(uint64_t id)
{
	return id == 0 || id >> 24 == 0x02005efffeu || (id >= 0xfdffffffffffff80u && id <= 0xfdffffffffffffffu);
}

/* RFC 7217, 5: F(prefix, interface, network, DAD_Counter, secret), F being a keyed hash. */
static void
id_make(const struct bx_ip *ip, struct address *a)
{
	uint8_t name[8] = { 0 };
	uint64_t id, words[4];

	memcpy(name, ip->interfaces[a->interface].mac, 6);
	name[6] = a->interface;
	words[0] = bx_get_be64(a->addr.byte);
	words[1] = bx_get_be64(name);
	words[2] = a->retries;
	for (words[3] = 0;; words[3]++) {
		id = sip_hash(ip->config.stable, words, 4);
		/* Each further try meets a reserved one by a chance of 2^-56; the bound is for the reader. */
		if (!id_is_reserved(id) || words[3] == 8)
			break;
	}
	for (uint32_t i = 0; i < 8; i++)
		a->addr.byte[8 + i] = (uint8_t)(id >> (56 - 8 * i));
}

struct address *
bx_ip_tentative_find(struct bx_ip *ip, const struct bx_net_addr *address)
{
	for (uint32_t i = 0; i < ip->tentative_count; i++) {
		struct address *a = &ip->tentative[i];

		if (a->state == BX_IP_ADDRESS_TENTATIVE && bx_net_addr_equal(&a->addr, address))
			return a;
	}
	return NULL;
}

void
bx_ip_tentative_drop(struct bx_ip *ip, const struct address *a)
{
	uint32_t at = (uint32_t)(a - ip->tentative);

	ip->tentative_count--;
	memmove(&ip->tentative[at], &ip->tentative[at + 1],
	    (ip->tentative_count - at) * sizeof ip->tentative[0]);
}

enum bx_err
bx_ip_tentative_add(struct bx_ip *ip, uint64_t now_us, const struct address *address)
{
	struct address a = *address;
	struct bx_net_addr group;
	enum bx_err err;

	a.ipv4 = 0;
	a.broadcast = 0xffffffffu;
	a.state = BX_IP_ADDRESS_TENTATIVE;
	if (a.learnt)
		id_make(ip, &a);
	if (ip->tentative_count == BX_IP_TENTATIVE)
		return BX_ERR_NO_MEMORY;
	/* RFC 4862, 5.4.2: first of all the group, or the answers would not arrive. */
	group = addr_solicited(&a.addr);
	err = bx_ip_group_join(ip, now_us, a.interface, &group);
	if (err != BX_OK)
		return err;
	if ((ip->interfaces[a.interface].flags & BX_IP_IPV6_SURE) != 0) {
		a.state = BX_IP_ADDRESS_PREFERRED;
		err = bx_ip_address_insert(ip, &a);
		if (err != BX_OK)
			(void)!bx_ip_group_leave(ip, now_us, a.interface, &group);
		return err;
	}
	/* RFC 4862, 5.4.2: a random part of a second, MAX_RTR_SOLICITATION_DELAY. */
	a.when_us = now_us + random_next(&ip->random) % SECOND_US;
	ip_due(ip, a.when_us);
	ip->tentative[ip->tentative_count++] = a;
	return BX_OK;
}

void
bx_ip_tentative_conflict(struct bx_ip *ip, uint64_t now_us, struct address *a)
{
	struct address again = *a;
	struct bx_net_addr group = addr_solicited(&a->addr);

	ip->stats.duplicates++;
	(void)!bx_ip_group_leave(ip, now_us, a->interface, &group);
	if (!a->learnt || a->retries == IDGEN_RETRIES) {
		a->state = BX_IP_ADDRESS_DUPLICATE;
		return;
	}
	bx_ip_tentative_drop(ip, a);
	again.retries++;
	again.sent = 0;
	/* Its place has just become free. */
	(void)!bx_ip_tentative_add(ip, now_us, &again);
}

/* The next step of an address whose time has come; true: it has left the list. */
static bool
tentative_step(struct bx_ip *ip, uint64_t now_us, struct address *a, struct bx_net_batch *out)
{
	static const struct bx_net_addr any;
	struct bx_net_addr group = addr_solicited(&a->addr);
	struct address done = *a;

	if (a->sent < TRANSMITS) {
		a->when_us = now_us + ip->interfaces[a->interface].retrans_us;
		a->sent += bx_ip_nd_solicit(ip, a->interface, &any, &group, &a->addr, NULL, out);
		return false;
	}
	bx_ip_tentative_drop(ip, a);
	done.state = BX_IP_ADDRESS_PREFERRED;
	if (bx_ip_address_insert(ip, &done) != BX_OK)
		(void)!bx_ip_group_leave(ip, now_us, done.interface, &group);
	ip_due(ip, min_u64(done.preferred_us, done.valid_us));
	return true;
}

void
bx_ip_tentative_poll(struct bx_ip *ip, uint64_t now_us, struct bx_net_batch *out)
{
	for (uint32_t i = 0; i < ip->tentative_count;) {
		struct address *a = &ip->tentative[i];

		if (a->state == BX_IP_ADDRESS_TENTATIVE) {
			if (now_us >= a->when_us && tentative_step(ip, now_us, a, out))
				continue;
			ip_due(ip, a->when_us);
		}
		i++;
	}
}

static uint64_t
until(uint64_t now_us, uint32_t lifetime_s)
{
	return lifetime_s == UINT32_MAX ? BX_IP_NEVER : now_us + lifetime_s * (uint64_t)SECOND_US;
}

/* RFC 4862, 5.5.3 (e): nobody shortens a life to less than two hours by one forged message. */
static void
prolong(struct bx_ip *ip, uint64_t now_us, struct address *a, uint32_t valid_s, uint32_t preferred_s)
{
	uint64_t valid = until(now_us, valid_s);

	if (valid > now_us + TWO_HOURS_US || valid > a->valid_us)
		a->valid_us = valid;
	else if (a->valid_us > now_us + TWO_HOURS_US)
		a->valid_us = now_us + TWO_HOURS_US;
	a->preferred_us = until(now_us, preferred_s);
	if (a->state == BX_IP_ADDRESS_DEPRECATED && a->preferred_us > now_us) {
		a->state = BX_IP_ADDRESS_PREFERRED;
		ip->generation++;
	}
	ip_due(ip, min_u64(a->preferred_us, a->valid_us));
}

void
bx_ip_prefix_learn(struct bx_ip *ip, uint64_t now_us, uint8_t interface, const struct bx_net_addr *prefix,
    uint32_t valid_s, uint32_t preferred_s)
{
	struct address new = {
		.addr = *prefix, .prefix = 64, .interface = interface, .learnt = true,
		.preferred_us = until(now_us, preferred_s), .valid_us = until(now_us, valid_s),
	};
	uint32_t learnt = 0;
	bool known = false;

	for (uint32_t i = 0; i < (uint32_t)ip->address_count + ip->tentative_count; i++) {
		struct address *a = i < ip->address_count ? &ip->addresses[i] : &ip->tentative[i - ip->address_count];

		if (!a->learnt || addr_is_link_local(&a->addr))
			continue;
		learnt++;
		if (a->interface != interface || !bx_ip_prefix_equal(&a->addr, prefix, 64))
			continue;
		known = true;
		prolong(ip, now_us, a, valid_s, preferred_s);
	}
	if (!known && valid_s != 0 && learnt < LEARNT_MAX)
		(void)!bx_ip_tentative_add(ip, now_us, &new);
}

void
bx_ip_address_expire(struct bx_ip *ip, uint64_t now_us)
{
	for (uint32_t i = 0; i < ip->address_count;) {
		struct address *a = &ip->addresses[i];
		struct bx_net_addr addr = a->addr;

		if (a->valid_us <= now_us) {
			(void)!bx_ip_address_remove(ip, &addr);
			continue;
		}
		if (a->preferred_us <= now_us && a->state == BX_IP_ADDRESS_PREFERRED) {
			a->state = BX_IP_ADDRESS_DEPRECATED;
			ip->generation++;
		}
		ip_due(ip, a->state == BX_IP_ADDRESS_PREFERRED ? min_u64(a->preferred_us, a->valid_us) : a->valid_us);
		i++;
	}
}
