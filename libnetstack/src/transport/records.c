/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * records.c -- what has been sent and is not acknowledged, oldest first: a circular queue in front of the
 * sending ring's bytes, or the connection's single record while it has no ring.
 */
#include "transport.h"

void
bx_tcp_record_add(const struct bx_transport *t, struct conn *c, struct record record)
{
	struct records r = bx_tcp_records(t, c);

	BX_ASSERT(r.count < r.capacity);
	*record_at(&r, r.count) = record;
	r.count++;
	bx_tcp_records_put(t, c, &r);
}

void
bx_tcp_record_pop(const struct bx_transport *t, struct conn *c)
{
	struct records r = bx_tcp_records(t, c);

	BX_ASSERT(r.count != 0);
	r.head = r.head + 1 < r.capacity ? r.head + 1 : 0;
	r.count--;
	bx_tcp_records_put(t, c, &r);
}

void
bx_tcp_record_split(const struct bx_transport *t, struct conn *c, uint32_t seq)
{
	struct records r = bx_tcp_records(t, c);
	uint32_t i = 0;

	if (r.count == r.capacity)
		return;
	while (i < r.count && seq_leq(record_at(&r, i)->end, seq))
		i++;
	if (i == r.count || seq_leq(seq, record_at(&r, i)->start))
		return;
	for (uint32_t j = r.count; j > i; j--) {
		*record_at(&r, j) = *record_at(&r, j - 1);
		if ((c->flags & F_BBR) != 0)
			*mark_of(t, c, record_at(&r, j)) = *mark_of(t, c, record_at(&r, j - 1));
	}
	record_at(&r, i)->end = seq;
	record_at(&r, i)->flags &= ~R_FIN;
	record_at(&r, i + 1)->start = seq;
	r.count++;
	bx_tcp_records_put(t, c, &r);
}

static struct send_ring *
whole_begin(const struct bx_transport *t, struct conn *c, uint32_t index, uint32_t base)
{
	struct send_ring *ring = send_ring_of(t, index);

	ring->head = ring->count = 0;
	ring->capacity = (uint16_t)t->record_count;
	ring->lines = t->send_lines;
	ring->bytes = t->config.ring_bytes;
	ring->base = base;
	c->send_ring = index;
	return ring;
}

/* The first ring: the record of the SYN, if it is out, moves in. */
static inline void
single_move(struct conn *c, struct send_ring *ring)
{
	if (BX_LIKELY(c->single_count == 0))
		return;
	ring->count = 1;
	ring->records[0] = c->single;
	c->single_count = 0;
}

static bool
whole_attach(struct bx_transport *t, struct conn *c)
{
	uint32_t index = bx_tcp_ring_take(t, c->account);

	if (index == NONE)
		return false;
	single_move(c, whole_begin(t, c, index, c->snd_end));
	if ((c->flags & F_BBR) != 0)
		bx_tcp_flight_begin(t, c);
	return true;
}

/* From a small ring to a whole one, with all that is not acknowledged; without one it stays as it is. */
static APART void
small_outgrow(struct bx_transport *t, struct conn *c)
{
	uint32_t index = bx_tcp_ring_take(t, c->account), small = c->send_ring, length = c->snd_end - c->snd_una;
	struct records old = bx_tcp_records(t, c);
	uint8_t bytes[BX_TCP_SMALL_RING];
	struct send_ring *ring = send_ring_of(t, small);

	if (index == NONE)
		return;
	bx_tcp_ring_read(BX_TCP_SMALL_RING, send_bytes_of(ring), c->snd_una - ring->base, bytes, length);
	ring = whole_begin(t, c, index, c->snd_una);
	for (; ring->count < old.count; ring->count++)
		ring->records[ring->count] = *record_at(&old, ring->count);
	bx_tcp_ring_write(ring->bytes, send_bytes_of(ring), 0, bytes, length);
	bx_tcp_ring_give(t, small);
}

bool
bx_tcp_send_ring_attach(struct bx_transport *t, struct conn *c, size_t length)
{
	const struct send_ring *ring;

	if (c->send_ring == NONE) {
		if (length > BX_TCP_SMALL_RING || !bx_tcp_small_is_there(t))
			return whole_attach(t, c);
		single_move(c, bx_tcp_small_begin(t, c));
		return true;
	}
	if (c->send_ring < t->small_first)
		return true;
	/* The last record is the FIN's. */
	ring = send_ring_of(t, c->send_ring);
	if (length > BX_TCP_SMALL_RING - (c->snd_end - c->snd_una) || ring->count + 1u >= ring->capacity)
		small_outgrow(t, c);
	return true;
}
