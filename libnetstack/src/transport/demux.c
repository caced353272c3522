/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * demux.c -- from the four to an identifier: chained hash over all connections, half-open and TIME-WAIT ones
 * included; listeners by port.
 */
#include "transport.h"

#include "../sip.h"

void
bx_tcp_bucket_keys(struct bx_transport *t)
{
	for (uint64_t i = 0; i < BUCKET_KEYS; i++)
		t->bucket_key[i] = sip_hash(t->key, &i, 1);
}

/* Of the words at i of both addresses. */
static inline uint64_t
hash_pair(const struct bx_transport *t, const struct tuple *u, uint32_t i)
{
	return (t->bucket_key[2 * i] + sum_load32(u->local.byte + 4 * i)) *
	    (t->bucket_key[2 * i + 1] + sum_load32(u->remote.byte + 4 * i));
}

/*
 * The addresses by multilinear hashing (Lemire and Kaser, "Strongly universal string hashing is fast", 2014, 3): whoever
 * does not know the keys cannot choose addresses that meet.  No multiplication waits for another.  The ports count on
 * from there: those of one address lie evenly over all buckets, whichever are chosen, and sixteen in a row in a line.
 */
static inline uint32_t
bucket_of(const struct bx_transport *t, const struct tuple *u)
{
	uint64_t h = t->bucket_key[8] + hash_pair(t, u, 0) + hash_pair(t, u, 1) + hash_pair(t, u, 2) + hash_pair(t, u, 3);

	return ((uint32_t)(h >> 32) + u->local_port + u->remote_port) & t->bucket_mask;
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

uint32_t
bx_tcp_find(struct bx_transport *t, const struct tuple *who, uint32_t *bucket)
{
	if (t->last != NONE && tuple_equal(who, &t->conns[t->last].entry.who))
		return t->last;
	*bucket = bucket_of(t, who);
	for (uint32_t id = t->buckets[*bucket]; id != NONE;) {
		const struct entry *e = entry_of(t, id);

		/* Most chains have one entry. */
		if (id < t->config.connections)
			conn_fetch(&t->conns[id]);
		if (tuple_equal(who, &e->who)) {
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
	return bx_get_be32(p) == t->conns[t->last].entry.who.ports;
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
	const struct tuple who = {
		.local = buf->destination, .remote = buf->source, .ports = bx_get_be32(bx_net_bytes(segments, buf)),
	};

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
