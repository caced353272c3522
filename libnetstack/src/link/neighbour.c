/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * neighbour.c -- who has which IPv4 address: a set-associative table of fixed size, and the packets that wait
 * for an answer (RFC 1122, 2.3.2).
 */
#include "link.h"

#define KNOWN_US	(60u * SECOND_US)	/* RFC 1122, 2.3.2.1: out-of-date entries are to go */
#define TRIES		3u

static struct neighbour *
set_of(struct bx_link *link, uint32_t ip)
{
	uint64_t h = mix64(ip ^ link->config.seed);

	return &link->neighbours[(h & (link->config.neighbours - 1u)) & ~(uint64_t)(ARP_WAYS - 1u)];
}

struct neighbour *
bx_link_neighbour_find(struct bx_link *link, uint32_t ip)
{
	struct neighbour *set = set_of(link, ip);

	for (uint32_t i = 0; i < ARP_WAYS; i++) {
		if (set[i].ip == ip && set[i].state != FREE)
			return &set[i];
	}
	return NULL;
}

struct neighbour *
bx_link_neighbour_make(struct bx_link *link, uint32_t ip)
{
	struct neighbour *set = set_of(link, ip), *best = NULL;

	for (uint32_t i = 0; i < ARP_WAYS; i++) {
		if (set[i].state == FIXED)
			continue;
		if (best == NULL || set[i].state == FREE ||
		    (best->state != FREE && set[i].used_us < best->used_us))
			best = &set[i];
	}
	if (best == NULL)
		return NULL;
	bx_link_neighbour_free(link, best);
	best->ip = ip;
	return best;
}

/* Takes the oldest waiting packet off the queue of n; its slot is the caller's. */
static uint16_t
wait_take(struct bx_link *link, struct neighbour *n)
{
	uint16_t slot = n->first;

	n->first = link->wait[slot].next;
	if (n->first == NO_SLOT)
		n->last = NO_SLOT;
	n->waiting--;
	return slot;
}

static void
wait_release(struct bx_link *link, uint16_t slot)
{
	link->wait[slot].next = link->wait_free;
	link->wait_free = slot;
}

void
bx_link_neighbour_free(struct bx_link *link, struct neighbour *n)
{
	while (n->first != NO_SLOT) {
		wait_release(link, wait_take(link, n));
		link->stats.unresolved++;
	}
	*n = (struct neighbour){ .first = NO_SLOT, .last = NO_SLOT };
}

/* RFC 1122, 2.3.2.2: at least the latest packet is kept; of each host the latest WAIT_PER_HOST. */
void
bx_link_neighbour_wait(struct bx_link *link, struct neighbour *n, uint16_t type, const struct bx_net_batch *packets,
    const struct bx_net_buf *buf)
{
	uint16_t slot;

	if (n->first != NO_SLOT && (n->waiting == WAIT_PER_HOST || link->wait_free == NO_SLOT)) {
		wait_release(link, wait_take(link, n));
		link->stats.waiting_full++;
	}
	slot = link->wait_free;
	if (slot == NO_SLOT || buf->length > link->config.mtu) {
		link->stats.waiting_full++;
		return;
	}
	link->wait_free = link->wait[slot].next;
	link->wait[slot] = (struct waiting){
		.next = NO_SLOT, .type = type, .length = buf->length, .flags = buf->flags, .segment_size = buf->segment_size,
		.sum_start = buf->sum_start, .sum_offset = buf->sum_offset,
	};
	memcpy(link->wait_bytes + (size_t)slot * link->config.mtu, bx_net_bytes(packets, buf), buf->length);
	if (n->first == NO_SLOT)
		n->first = slot;
	else
		link->wait[n->last].next = slot;
	n->last = slot;
	n->waiting++;
}

/* Sends the packets that waited for n, as many as fit; the rest at the next poll. */
static void
wait_flush(struct bx_link *link, uint64_t now_us, struct neighbour *n, struct bx_net_batch *out)
{
	while (n->first != NO_SLOT) {
		uint16_t slot = n->first;
		const struct waiting *w = &link->wait[slot];
		struct bx_net_buf *buf = bx_net_batch_add(out, w->length);

		if (buf == NULL) {
			link_due(link, now_us);
			return;
		}
		memcpy(bx_net_bytes(out, buf), link->wait_bytes + (size_t)slot * link->config.mtu, w->length);
		buf->flags = w->flags;
		buf->segment_size = w->segment_size;
		buf->sum_start = w->sum_start;
		buf->sum_offset = w->sum_offset;
		bx_link_frame_put(link, out, buf, n->mac, w->type);
		wait_release(link, wait_take(link, n));
	}
}

void
bx_link_neighbour_learn(struct bx_link *link, uint64_t now_us, struct neighbour *n, const uint8_t mac[6],
    struct bx_net_batch *out)
{
	if (n->state == FIXED)
		return;
	memcpy(n->mac, mac, 6);
	n->state = KNOWN;
	n->tries = 0;
	n->when_us = now_us + KNOWN_US;
	if (n->first != NO_SLOT)
		wait_flush(link, now_us, n, out);
}

static void
arp_poll_one(struct bx_link *link, uint64_t now_us, struct neighbour *n, struct bx_net_batch *out)
{
	if (n->first != NO_SLOT && n->state != ASKING)
		wait_flush(link, now_us, n, out);
	if (n->state != ASKING && n->state != POLLING)
		return;
	if (now_us >= n->when_us) {
		if (n->tries == TRIES) {
			bx_link_neighbour_free(link, n);
			return;
		}
		/* RFC 1122, 2.3.2.1: at most one request a second to a host. */
		n->tries++;
		n->when_us = now_us + SECOND_US;
		bx_link_arp_send_request(link, n, out);
	}
	link_due(link, n->when_us);
}

void
bx_link_neighbour_poll(struct bx_link *link, uint64_t now_us, struct bx_net_batch *out)
{
	for (uint32_t i = 0; i < link->config.neighbours; i++)
		arp_poll_one(link, now_us, &link->neighbours[i], out);
}

enum bx_err
bx_link_neighbour_set(struct bx_link *link, uint64_t now_us, const struct bx_net_addr *address,
    const uint8_t mac[6])
{
	struct neighbour *n;
	uint32_t ip = bx_get_be32(address->byte + 12);

	if (!bx_net_addr_is_ipv4(address) || bx_net_addr_is_any(address) ||
	    bx_net_addr_is_group(address) || (mac[0] & 1) != 0)
		return BX_ERR_INVALID;
	n = bx_link_neighbour_find(link, ip);
	if (n == NULL)
		n = bx_link_neighbour_make(link, ip);
	if (n == NULL)
		return BX_ERR_NO_MEMORY;
	memcpy(n->mac, mac, 6);
	n->state = FIXED;
	if (n->first != NO_SLOT)
		link_due(link, now_us);
	return BX_OK;
}
