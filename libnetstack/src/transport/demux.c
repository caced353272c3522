/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * demux.c -- from the four to an identifier: chained hash over all connections, half-open and TIME-WAIT ones
 * included; listeners by port.
 */
#include "transport.h"

static uint32_t
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
	return (uint32_t)(h >> 32) & t->bucket_mask;
}

static struct entry *
entry_of(const struct bx_transport *t, uint32_t id)
{
	uint32_t half = id - t->config.connections;

	if (id < t->config.connections)
		return &t->conns[id].entry;
	if (half < t->config.half_open)
		return &t->halves[half].entry;
	return &t->time_waits[half - t->config.half_open].entry;
}

static inline bool
is_it(const struct tuple *a, const struct tuple *b)
{
	return a->local_port == b->local_port && a->remote_port == b->remote_port &&
	    bx_net_addr_equal(&a->remote, &b->remote) && bx_net_addr_equal(&a->local, &b->local);
}

uint32_t
bx_tcp_find(struct bx_transport *t, const struct tuple *who, uint32_t *bucket)
{
	if (t->last != NONE && is_it(who, &t->conns[t->last].entry.who))
		return t->last;
	*bucket = bucket_of(t, who);
	for (uint32_t id = t->buckets[*bucket]; id != NONE;) {
		const struct entry *e = entry_of(t, id);

		/* Most chains have one entry. */
		if (id < t->config.connections)
			conn_fetch(&t->conns[id]);
		if (is_it(who, &e->who)) {
			if (id < t->config.connections)
				t->last = id;
			return id;
		}
		id = e->next;
	}
	return NONE;
}

/* Whether it comes from and to the ports of the last: then it is most likely for the same. */
static inline bool
ports_are_last(const struct bx_transport *t, const uint8_t *p)
{
	const struct tuple *w = &t->conns[t->last].entry.who;

	return bx_get_be32(p) == ((uint32_t)w->remote_port << 16 | w->local_port);
}

static inline bool
wants_fetch(const struct bx_transport *t, const struct bx_net_batch *segments, const struct bx_net_buf *buf)
{
	return buf->kind == BX_NET_SEGMENT && buf->protocol == PROTOCOL_TCP && buf->length >= TCP_HEAD &&
	    (t->last == NONE || !ports_are_last(t, bx_net_bytes(segments, buf)));
}

/* Its place in the hash. */
static uint32_t
place_of(const struct bx_transport *t, const struct bx_net_batch *segments, const struct bx_net_buf *buf)
{
	const uint8_t *p = bx_net_bytes(segments, buf);
	const struct tuple who = { buf->destination, buf->source, bx_get_be16(p + 2), bx_get_be16(p) };

	return bucket_of(t, &who);
}

void
bx_tcp_fetch(const struct bx_transport *t, const struct bx_net_batch *segments, uint32_t first, uint32_t end)
{
	uint32_t at[FETCH_AHEAD], n = 0;

	BX_ASSERT(end - first <= FETCH_AHEAD);
	for (uint32_t i = first; i < end; i++) {
		if (!wants_fetch(t, segments, &segments->bufs[i]))
			continue;
		at[n] = place_of(t, segments, &segments->bufs[i]);
		__builtin_prefetch(&t->buckets[at[n++]]);
	}
	for (uint32_t i = 0; i < n; i++) {
		at[i] = t->buckets[at[i]];
		if (at[i] < t->config.connections)
			conn_fetch(&t->conns[at[i]]);
	}
	for (uint32_t i = 0; i < n; i++) {
		if (at[i] < t->config.connections && t->conns[at[i]].send_ring != NONE)
			__builtin_prefetch(ring_at(t, t->conns[at[i]].send_ring), 1);
	}
}

void
bx_tcp_hash_add(struct bx_transport *t, uint32_t id, uint32_t bucket)
{
	struct entry *e = entry_of(t, id);

	e->bucket = bucket;
	e->next = t->buckets[bucket];
	t->buckets[bucket] = id;
}

/* What led to id leads to `by` from now on. */
static void
lead(struct bx_transport *t, uint32_t bucket, uint32_t id, uint32_t by)
{
	uint32_t *at = &t->buckets[bucket];

	while (*at != id) {
		BX_ASSERT(*at != NONE);
		at = &entry_of(t, *at)->next;
	}
	*at = by;
	if (t->last == id)
		t->last = NONE;
}

void
bx_tcp_hash_remove(struct bx_transport *t, uint32_t id)
{
	const struct entry *e = entry_of(t, id);

	lead(t, e->bucket, id, e->next);
}

void
bx_tcp_hash_replace(struct bx_transport *t, uint32_t id, uint32_t by)
{
	const struct entry *old = entry_of(t, id);
	struct entry *new = entry_of(t, by);

	new->bucket = old->bucket;
	new->next = old->next;
	lead(t, old->bucket, id, by);
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
