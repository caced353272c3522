/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * nd_cache.c -- who is who on IPv6 links: the cache of RFC 4861, 7.2 and 7.3, a set-associative table of fixed size,
 * and the packets that wait for an answer.
 */
#include "ip.h"

#define TRIES		3u			/* MAX_MULTICAST_SOLICIT, MAX_UNICAST_SOLICIT (RFC 4861, 10) */
#define DELAY_US	(5u * (uint64_t)SECOND_US)	/* DELAY_FIRST_PROBE_TIME */
#define WAIT_PER_HOST	8u
#define QUOTE_MAX	64u			/* bytes of a packet that could not be delivered */

static struct nd_neighbour *
set_of(const struct bx_ip *ip, const struct bx_net_addr *a)
{
	uint64_t h = mix64(bx_get_le64(a->byte + 8) ^ ip->key[0]) ^ bx_get_le64(a->byte);

	h = h * 0x9e3779b97f4a7c15u >> 32;
	return &ip->neighbours[(h & (ip->config.neighbours - 1u)) & ~(uint64_t)(ND_WAYS - 1u)];
}

struct nd_neighbour *
bx_ip_neighbour_find(struct bx_ip *ip, uint8_t interface, const struct bx_net_addr *addr)
{
	struct nd_neighbour *set = set_of(ip, addr);

	for (uint32_t i = 0; i < ND_WAYS; i++) {
		if (set[i].state != ND_FREE && set[i].interface == interface &&
		    bx_net_addr_equal(&set[i].addr, addr))
			return &set[i];
	}
	return NULL;
}

/* Takes the oldest waiting packet off the queue of n; its slot is the caller's. */
static uint16_t
wait_take(struct bx_ip *ip, struct nd_neighbour *n)
{
	uint16_t slot = n->first;

	n->first = ip->wait[slot].next;
	if (n->first == NO_SLOT)
		n->last = NO_SLOT;
	n->waiting--;
	return slot;
}

static void
wait_release(struct bx_ip *ip, uint16_t slot)
{
	ip->wait[slot].next = ip->wait_free;
	ip->wait_free = slot;
}

static void
neighbour_free(struct bx_ip *ip, struct nd_neighbour *n)
{
	while (n->first != NO_SLOT) {
		wait_release(ip, wait_take(ip, n));
		ip->stats.unresolved++;
	}
	*n = (struct nd_neighbour){ .first = NO_SLOT, .last = NO_SLOT };
}

/* An entry for a new neighbour, in place of the longest unused one of its set. */
static struct nd_neighbour *
neighbour_make(struct bx_ip *ip, uint64_t now_us, uint8_t interface, const struct bx_net_addr *addr)
{
	struct nd_neighbour *set = set_of(ip, addr), *best = &set[0];

	for (uint32_t i = 1; i < ND_WAYS && best->state != ND_FREE; i++) {
		if (set[i].state == ND_FREE || set[i].used_us < best->used_us)
			best = &set[i];
	}
	neighbour_free(ip, best);
	best->addr = *addr;
	best->interface = interface;
	best->used_us = now_us;
	return best;
}

/* RFC 4861, 7.2.2: a small queue for each neighbour, the newest are kept. */
static void
wait_add(struct bx_ip *ip, struct nd_neighbour *n, const struct bx_net_batch *batch,
    const struct bx_net_buf *buf)
{
	uint16_t slot;

	if (n->first != NO_SLOT && (n->waiting == WAIT_PER_HOST || ip->wait_free == NO_SLOT)) {
		wait_release(ip, wait_take(ip, n));
		ip->stats.waiting_full++;
	}
	slot = ip->wait_free;
	if (slot == NO_SLOT || buf->length > ip->config.waiting_bytes) {
		ip->stats.waiting_full++;
		return;
	}
	ip->wait_free = ip->wait[slot].next;
	ip->wait[slot] = (struct nd_waiting){
		.next = NO_SLOT, .length = buf->length, .flags = buf->flags, .sum_start = buf->sum_start,
		.sum_offset = buf->sum_offset, .segment_size = buf->segment_size,
	};
	memcpy(ip->wait_bytes + (size_t)slot * ip->config.waiting_bytes, bx_net_bytes(batch, buf), buf->length);
	if (n->first == NO_SLOT)
		n->first = slot;
	else
		ip->wait[n->last].next = slot;
	n->last = slot;
	n->waiting++;
}

/* Sends the packets that waited for n, as many as fit; the rest at the next poll. */
static void
wait_flush(struct bx_ip *ip, uint64_t now_us, struct nd_neighbour *n, struct bx_net_batch *out)
{
	while (n->first != NO_SLOT) {
		uint16_t slot = n->first;
		const struct nd_waiting *w = &ip->wait[slot];
		/* The IPv6 header of what waited is in its bytes. */
		struct bx_net_buf *buf = bx_net_batch_add(out, w->length);

		if (buf == NULL) {
			ip_due(ip, now_us);
			return;
		}
		memcpy(bx_net_bytes(out, buf), ip->wait_bytes + (size_t)slot * ip->config.waiting_bytes, w->length);
		buf->kind = BX_NET_IPV6;
		buf->interface = n->interface;
		buf->flags = w->flags | BX_NET_F_LINK_KNOWN;
		buf->sum_start = w->sum_start;
		buf->sum_offset = w->sum_offset;
		buf->segment_size = w->segment_size;
		buf->destination = n->addr;
		memcpy(buf->source.byte, n->mac, 6);
		wait_release(ip, wait_take(ip, n));
	}
}

static void
state_set(struct bx_ip *ip, struct nd_neighbour *n, enum nd_state state, uint64_t until_us)
{
	n->state = (uint8_t)state;
	n->tries = 0;
	n->when_us = until_us;
	if (until_us != BX_IP_NEVER)
		ip_due(ip, until_us);
}

static void
reachable(struct bx_ip *ip, uint64_t now_us, struct nd_neighbour *n)
{
	state_set(ip, n, ND_REACHABLE, now_us + ip->interfaces[n->interface].reachable_us);
	for (uint32_t i = 0; n->router && i < BX_IP_ROUTERS; i++) {
		struct router *r = &ip->routers[i];

		if (r->used && r->silent && r->interface == n->interface && bx_net_addr_equal(&r->addr, &n->addr)) {
			r->silent = false;
			bx_ip_router_choose(ip, now_us);
		}
	}
}

struct nd_neighbour *
bx_ip_neighbour_hear(struct bx_ip *ip, uint64_t now_us, uint8_t interface, const struct bx_net_addr *addr,
    const uint8_t *mac, struct bx_net_batch *out)
{
	struct nd_neighbour *n = bx_ip_neighbour_find(ip, interface, addr);
	bool fresh = n == NULL;

	if ((mac[0] & 1) != 0)
		return n;
	if (fresh)
		n = neighbour_make(ip, now_us, interface, addr);
	if (fresh || n->state == ND_INCOMPLETE || memcmp(n->mac, mac, 6) != 0) {
		memcpy(n->mac, mac, 6);
		state_set(ip, n, ND_STALE, BX_IP_NEVER);
		wait_flush(ip, now_us, n, out);
	}
	return n;
}

void
bx_ip_neighbour_answer(struct bx_ip *ip, uint64_t now_us, struct nd_neighbour *n, const uint8_t *mac,
    bool router, bool solicited, bool override, struct bx_net_batch *out)
{
	bool differs = mac != NULL && (n->state == ND_INCOMPLETE || memcmp(mac, n->mac, 6) != 0);

	if (mac != NULL && (mac[0] & 1) != 0)
		return;
	if (n->state == ND_INCOMPLETE) {
		if (mac == NULL)
			return;
	} else if (differs && !override) {
		if (n->state == ND_REACHABLE)
			state_set(ip, n, ND_STALE, BX_IP_NEVER);
		return;
	}
	if (mac != NULL)
		memcpy(n->mac, mac, 6);
	if (n->router && !router)
		bx_ip_router_forget(ip, now_us, n->interface, &n->addr);
	n->router = router;
	if (solicited)
		reachable(ip, now_us, n);
	else if (differs)
		state_set(ip, n, ND_STALE, BX_IP_NEVER);
	wait_flush(ip, now_us, n, out);
}

/* A solicitation: by multicast while the address is not known, else by unicast (RFC 4861, 7.2.2, 7.3.3). */
static void
ask(struct bx_ip *ip, uint64_t now_us, struct nd_neighbour *n, const struct bx_net_addr *source,
    struct bx_net_batch *out)
{
	struct bx_net_addr group = addr_solicited(&n->addr);
	const struct address *own = bx_ip_address_find(ip, source);

	/* The address of the packet that caused it, if it is one of this link. */
	if (own == NULL || own->interface != n->interface)
		own = bx_ip_address_pick(ip, n->interface, &n->addr);
	n->when_us = now_us + ip->interfaces[n->interface].retrans_us;
	ip_due(ip, n->when_us);
	n->tries++;
	/* One that finds no room, or no address yet to be sent from, counts as lost. */
	if (own != NULL)
		bx_ip_nd_solicit(ip, n->interface, &own->addr, n->state == ND_INCOMPLETE ? &group : &n->addr,
		    &n->addr, n->state == ND_INCOMPLETE ? NULL : n->mac, out);
}

bool
bx_ip_neighbour_resolve(struct bx_ip *ip, uint64_t now_us, const struct bx_net_batch *batch,
    struct bx_net_buf *buf, struct bx_net_batch *extra)
{
	struct nd_neighbour *n;

	if (bx_net_addr_is_group(&buf->destination))
		return true;
	n = bx_ip_neighbour_find(ip, buf->interface, &buf->destination);
	if (BX_UNLIKELY(n == NULL)) {
		n = neighbour_make(ip, now_us, buf->interface, &buf->destination);
		n->state = ND_INCOMPLETE;
		ask(ip, now_us, n, &buf->source, extra);
	}
	n->used_us = now_us;
	if (n->state == ND_INCOMPLETE) {
		wait_add(ip, n, batch, buf);
		buf->kind = BX_NET_NONE;
		return false;
	}
	if (n->state == ND_STALE)
		state_set(ip, n, ND_DELAY, now_us + DELAY_US);
	buf->flags |= BX_NET_F_LINK_KNOWN;
	memcpy(buf->source.byte, n->mac, 6);
	return true;
}

/* RFC 4861, 7.2.2: who built what waited is told.  Of a packet the transport header is kept, of its fragments that of none.
 * False: nobody has to be told, or there is no room for it. */
static bool
give_back(struct bx_ip *ip, uint16_t slot, struct bx_net_batch *out)
{
	const uint8_t *p = ip->wait_bytes + (size_t)slot * ip->config.waiting_bytes;
	uint32_t length = min_u32(ip->wait[slot].length - IPV6_HEAD, QUOTE_MAX);
	struct bx_net_buf *buf;

	if (p[6] != PROTOCOL_TCP && p[6] != PROTOCOL_UDP)
		return false;
	buf = bx_net_batch_add(out, length);
	if (buf == NULL)
		return false;
	memcpy(bx_net_bytes(out, buf), p + IPV6_HEAD, length);
	buf->kind = BX_NET_UNREACHABLE;
	buf->error = BX_NET_ERROR_ROUTE;
	buf->protocol = p[6];
	buf->source = addr_from(p + 8);
	buf->destination = addr_from(p + 24);
	return true;
}

/* Nobody answered: what waited is given back; returns whether anything was.  If it was the router, another is to be found. */
static bool
given_up(struct bx_ip *ip, uint64_t now_us, struct nd_neighbour *n, struct bx_net_batch *out)
{
	struct bx_net_addr addr = n->addr;
	uint8_t interface = n->interface;
	bool told = false;

	for (uint16_t slot = n->first; slot != NO_SLOT; slot = ip->wait[slot].next)
		told |= give_back(ip, slot, out);
	neighbour_free(ip, n);
	for (uint32_t i = 0; i < BX_IP_ROUTERS; i++) {
		struct router *r = &ip->routers[i];

		if (r->used && r->interface == interface && bx_net_addr_equal(&r->addr, &addr)) {
			r->silent = true;
			bx_ip_router_choose(ip, now_us);
		}
	}
	return told;
}

/* A neighbour whose time has come; returns whether it is given up with something that waited. */
static bool
neighbour_step(struct bx_ip *ip, uint64_t now_us, struct nd_neighbour *n, struct bx_net_batch *out)
{
	static const struct bx_net_addr any;

	switch (n->state) {
	case ND_REACHABLE:
		state_set(ip, n, ND_STALE, BX_IP_NEVER);
		return false;
	case ND_DELAY:
		state_set(ip, n, ND_PROBE, now_us);
		/* fallthrough */
	case ND_INCOMPLETE:
	case ND_PROBE:
		if (n->tries == TRIES)
			return given_up(ip, now_us, n, out);
		ask(ip, now_us, n, &any, out);
		return false;
	default:
		return false;
	}
}

bool
bx_ip_neighbour_poll(struct bx_ip *ip, uint64_t now_us, struct bx_net_batch *out)
{
	bool given_back = false;

	for (uint32_t i = 0; i < ip->config.neighbours; i++) {
		struct nd_neighbour *n = &ip->neighbours[i];

		if (n->state == ND_FREE)
			continue;
		if (n->first != NO_SLOT && n->state != ND_INCOMPLETE)
			wait_flush(ip, now_us, n, out);
		if (n->state == ND_STALE)
			continue;
		if (now_us >= n->when_us)
			given_back |= neighbour_step(ip, now_us, n, out);
		else
			ip_due(ip, n->when_us);
	}
	return given_back;
}
