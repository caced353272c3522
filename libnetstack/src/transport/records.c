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

bool
bx_tcp_send_ring_attach(struct bx_transport *t, struct conn *c)
{
	struct send_ring *ring;
	uint32_t index;

	if (c->send_ring != NONE)
		return true;
	index = bx_tcp_ring_take(t, c->account);
	if (index == NONE)
		return false;
	ring = send_ring_of(t, index);
	ring->head = 0;
	ring->count = c->single_count;
	ring->records[0] = c->single;
	c->single_count = 0;
	c->send_ring = index;
	if ((c->flags & F_BBR) != 0)
		bx_tcp_flight_begin(t, c);
	return true;
}
