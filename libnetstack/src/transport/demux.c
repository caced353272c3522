/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * demux.c -- from the four to an identifier: chained hash over all connections, half-open and TIME-WAIT ones
 * included; listeners by port.
 */
#include "transport.h"

static uint32_t *
bucket_of(const struct bx_transport *t, const struct tuple *u)
{
	uint64_t h, word[4];

	/* Keyed multiplication: whoever does not know the key cannot fill one chain on purpose. */
	__builtin_memcpy(word, &u->local, 16);
	__builtin_memcpy(word + 2, &u->remote, 16);
	h = (word[0] ^ word[2]) * 0x9e3779b97f4a7c15u;
	h ^= word[1] ^ t->key[0];
	h *= 0xbf58476d1ce4e5b9u;
	h ^= h >> 32 ^ word[3] ^ t->key[1];
	h *= 0x94d049bb133111ebu;
	h ^= h >> 29 ^ ((uint64_t)u->local_port << 16 | u->remote_port);
	h *= 0xff51afd7ed558ccdu;
	return &t->buckets[(h >> 32) & t->bucket_mask];
}

static uint32_t *
next_of(const struct bx_transport *t, uint32_t id)
{
	uint32_t half = id - t->config.connections;

	if (id < t->config.connections)
		return &t->conns[id].hash_next;
	if (half < t->config.half_open)
		return &t->halves[half].hash_next;
	return &t->time_waits[half - t->config.half_open].hash_next;
}

static inline bool
is_it(const struct tuple *u, const struct bx_net_addr *local, const struct bx_net_addr *remote,
    uint16_t local_port, uint16_t remote_port)
{
	return u->local_port == local_port && u->remote_port == remote_port &&
	    bx_net_addr_equal(&u->remote, remote) && bx_net_addr_equal(&u->local, local);
}

struct tuple
bx_tcp_tuple(const struct bx_transport *t, uint32_t id)
{
	uint32_t half = id - t->config.connections;

	if (id < t->config.connections) {
		const struct conn *c = &t->conns[id];

		return (struct tuple){ c->local, c->remote, c->local_port, c->remote_port };
	}
	if (half < t->config.half_open) {
		const struct half *h = &t->halves[half];

		return (struct tuple){ h->local, h->remote, h->local_port, h->remote_port };
	} else {
		const struct time_wait *w = &t->time_waits[half - t->config.half_open];

		return (struct tuple){ w->local, w->remote, w->local_port, w->remote_port };
	}
}

uint32_t
bx_tcp_find(struct bx_transport *t, const struct tuple *u)
{
	const struct conn *c;

	if (t->last != NONE) {
		c = &t->conns[t->last];
		if (is_it(u, &c->local, &c->remote, c->local_port, c->remote_port))
			return t->last;
	}
	for (uint32_t id = *bucket_of(t, u); id != NONE; id = *next_of(t, id)) {
		if (id < t->config.connections) {
			c = &t->conns[id];
			if (!is_it(u, &c->local, &c->remote, c->local_port, c->remote_port))
				continue;
			t->last = id;
			return id;
		} else {
			struct tuple v = bx_tcp_tuple(t, id);

			if (is_it(u, &v.local, &v.remote, v.local_port, v.remote_port))
				return id;
		}
	}
	return NONE;
}

void
bx_tcp_hash_add(struct bx_transport *t, uint32_t id, const struct tuple *u)
{
	uint32_t *head = bucket_of(t, u);

	*next_of(t, id) = *head;
	*head = id;
}

/* The link that leads to id. */
static uint32_t *
link_to(const struct bx_transport *t, uint32_t id, const struct tuple *u)
{
	uint32_t *at = bucket_of(t, u);

	while (*at != id) {
		BX_ASSERT(*at != NONE);
		at = next_of(t, *at);
	}
	return at;
}

void
bx_tcp_hash_remove(struct bx_transport *t, uint32_t id, const struct tuple *u)
{
	uint32_t *at = link_to(t, id, u);

	*at = *next_of(t, id);
	if (t->last == id)
		t->last = NONE;
}

void
bx_tcp_hash_replace(struct bx_transport *t, uint32_t id, uint32_t by, const struct tuple *u)
{
	uint32_t *at = link_to(t, id, u);

	*next_of(t, by) = *next_of(t, id);
	*at = by;
	if (t->last == id)
		t->last = NONE;
}

/* One for the very address comes before one for any. */
struct listener *
bx_tcp_listener_find(struct bx_transport *t, const struct bx_net_addr *local, uint16_t port)
{
	struct listener *any = NULL;

	for (uint32_t i = t->listener_heads[port % PORT_HEADS]; i != NONE; i = t->listeners[i].next) {
		struct listener *l = &t->listeners[i];

		if (l->port != port)
			continue;
		if (bx_net_addr_equal(&l->address, local))
			return l;
		if (bx_net_addr_is_any(&l->address))
			any = l;
	}
	return any;
}
