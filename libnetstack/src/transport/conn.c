/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * conn.c -- the life of a connection's memory: made, listed, ended, given back.
 */
#include "transport.h"

uint64_t
bx_tcp_conn_handle(const struct bx_transport *t, const struct conn *c)
{
	return (uint64_t)c->generation << 32 | (conn_id(t, c) + 1u);
}

uint16_t
bx_tcp_mss_of_mtu(const struct bx_net_addr *local, uint32_t mtu)
{
	return (uint16_t)(mtu - (bx_net_addr_is_ipv4(local) ? 20u : 40u) - TCP_HEAD);
}

/* An odd generation is a connection in use, an even one a free place. */
struct conn *
bx_tcp_conn_make(struct bx_transport *t, uint64_t now_us, const struct tuple *tuple, uint16_t mtu)
{
	uint32_t id = t->conn_free, generation;
	struct conn *c;

	if (id == NONE)
		return NULL;
	c = &t->conns[id];
	t->conn_free = c->entry.next;
	t->conn_used++;
	generation = c->generation + 1;
	bx_net_clear(c, sizeof *c);
	c->entry.who = *tuple;
	c->pseudo = sum_pseudo(&tuple->local, &tuple->remote, PROTOCOL_TCP);
	c->flags = F_HASHED | ((t->config.features & BX_TCP_CUBIC) != 0 ? F_CUBIC : 0);
	c->generation = generation;
	c->mss = bx_tcp_mss_of_mtu(&tuple->local, mtu);
	c->seen_mss = MSS_DEFAULT;
	c->send_ring = c->receive_ring = NONE;
	c->retransmit_us = c->ack_us = c->slow_us = NEVER;
	c->armed = UNARMED;
	c->rto_us = SECOND_US;
	c->min_rtt_us = c->ssthresh = UINT32_MAX;
	c->heard_us = now_us;
	c->rack_mult = 1;
	c->accept_next = c->listener = NONE;
	if ((t->config.features & (BX_TCP_CUBIC | BX_TCP_BBR)) == BX_TCP_BBR)
		bx_tcp_bbr_begin(t, now_us, c);
	if ((t->config.features & BX_TCP_TIMESTAMPS) != 0)
		c->ts_offset = (uint32_t)bx_tcp_siphash(t->key, tuple, 2);
	return c;
}

void
bx_tcp_conn_uneventful(struct bx_transport *t, struct conn *c)
{
	if (c->event_prev != NONE)
		t->conns[c->event_prev].event_next = c->event_next;
	else
		t->event_first = c->event_next;
	if (c->event_next != NONE)
		t->conns[c->event_next].event_prev = c->event_prev;
	else
		t->event_last = c->event_prev;
	c->flags &= ~F_EVENT;
}

static void
rings_give(struct bx_transport *t, struct conn *c, bool receive)
{
	if (c->send_ring != NONE) {
		bx_tcp_ring_give(t, c->send_ring);
		c->send_ring = NONE;
	}
	if (receive && c->receive_ring != NONE) {
		bx_tcp_ring_give(t, c->receive_ring);
		c->receive_ring = NONE;
	}
}

/* Out of the hash and off the wheel. */
static void
conn_unlink(struct bx_transport *t, struct conn *c)
{
	uint32_t id = conn_id(t, c);

	if ((c->flags & F_HASHED) != 0) {
		bx_tcp_hash_remove(t, id);
		c->flags &= ~F_HASHED;
	}
	bx_tcp_timer_clear(t, id);
	c->retransmit_us = c->ack_us = c->slow_us = NEVER;
	c->armed = UNARMED;
}

void
bx_tcp_conn_free(struct bx_transport *t, struct conn *c)
{
	uint32_t id = conn_id(t, c);

	conn_unlink(t, c);
	rings_give(t, c, true);
	if ((c->flags & F_READY) != 0)
		bx_tcp_conn_unready(t, c);
	if ((c->flags & F_EVENT) != 0)
		bx_tcp_conn_uneventful(t, c);
	if ((c->flags & F_ORPHAN) != 0)
		t->accounts[c->account].orphans--;
	c->flags = 0;
	c->state = BX_TCP_CLOSED;
	c->generation++;
	c->entry.next = t->conn_free;
	t->conn_free = id;
	t->conn_used--;
	t->stats.tcp_closed++;
}

/* One that nobody has accepted yet leaves its listener's queue. */
static void
accept_drop(struct bx_transport *t, struct conn *c)
{
	struct listener *l = &t->listeners[c->listener];
	uint32_t id = conn_id(t, c), before = NONE, at = l->first;

	while (at != id) {
		BX_ASSERT(at != NONE);
		before = at;
		at = t->conns[at].accept_next;
	}
	if (before == NONE)
		l->first = c->accept_next;
	else
		t->conns[before].accept_next = c->accept_next;
	if (l->last == id)
		l->last = before;
	l->waiting--;
	c->flags &= ~F_QUEUED;
	bx_tcp_conn_orphan(t, c);
}

void
bx_tcp_conn_end(struct bx_transport *t, struct conn *c, enum bx_err error)
{
	if (error != BX_OK)
		t->stats.tcp_failed++;
	if ((c->flags & F_QUEUED) != 0)
		accept_drop(t, c);
	if ((c->flags & F_ORPHAN) != 0) {
		bx_tcp_conn_free(t, c);
		return;
	}
	conn_unlink(t, c);
	/* What has come in order before an orderly end may still be taken. */
	rings_give(t, c, error != BX_OK);
	c->state = BX_TCP_CLOSED;
	c->error = (int16_t)error;
	bx_tcp_conn_event(t, c, BX_TCP_ENDED | BX_TCP_READABLE);
}

void
bx_tcp_conn_time_wait(struct bx_transport *t, uint64_t now_us, struct conn *c)
{
	bx_tcp_time_wait_add(t, now_us, c);
	c->flags &= ~F_HASHED;
	bx_tcp_conn_end(t, c, BX_OK);
}

void
bx_tcp_listener_event(struct bx_transport *t, struct listener *l)
{
	if (l->event)
		return;
	l->event = true;
	l->event_next = t->listener_event;
	t->listener_event = (uint32_t)(l - t->listeners);
}

/* What holds between any two calls: the counters agree with the records, the edges are in order. */
bool
bx_tcp_conn_sound(const struct bx_transport *t, const struct conn *c)
{
	struct records r = bx_tcp_records(t, (struct conn *)(uintptr_t)c);
	uint32_t sacked = 0, lost = 0, at = c->snd_una;

	if (c->state == BX_TCP_CLOSED)
		return true;
	for (uint32_t i = 0; i < r.count; i++) {
		const struct record *x = record_at(&r, i);

		if (x->start != at || !seq_lt(x->start, x->end))
			return false;
		at = x->end;
		sacked += (x->flags & R_SACKED) != 0 ? x->end - x->start : 0;
		lost += (x->flags & R_LOST) != 0 ? x->end - x->start : 0;
		if ((x->flags & (R_SACKED | R_LOST)) == (R_SACKED | R_LOST))
			return false;
	}
	/* What is out has a timer, or nothing would ever send it again. */
	if (c->state >= BX_TCP_ESTABLISHED && c->snd_una != c->snd_nxt && c->retransmit_us == NEVER)
		return false;
	/* With less than a segment nothing would ever go out; in recovery it follows what is in flight. */
	if (c->state >= BX_TCP_ESTABLISHED && (c->flags & F_RECOVERY) == 0 && c->cwnd < c->mss)
		return false;
	/* Without SACK, duplicates stand for deliveries that no record shows. */
	return at == c->snd_nxt && lost == c->lost && ((c->flags & F_SACK) == 0 || sacked == c->sacked) &&
	    seq_leq(c->rcv_read, c->rcv_nxt) && seq_leq(c->rcv_acked, c->rcv_nxt) &&
	    (c->receive_ring != NONE || c->rcv_read == c->rcv_nxt ||
	    (c->flags & F_FIN_RECEIVED) != 0);
}
